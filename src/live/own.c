/* own.c -- the venue's books without our own orders. A venue shows them with everybody's; a strategy that saw them would quote around a mid that its own
   quotes make, and follow its own tail. So the engine is given what the others rest, as in a replay: each level less what of ours rests there, as far as
   the venue has told us. Between a book's message and the account's about the same order the two differ for an instant; no level goes below zero. */
#include <stdlib.h>
#include <string.h>
#include "live_impl.h"
#include "tape/book.h"

#define ORDERS_MAX 256 /* of one slot, looked at */

typedef struct own_book {
  pmm__book_t raw;            /* as the venue shows it */
  pmm_grid_t grid;            /* of raw's tick: prices become ticks without a division */
  bool gap;                   /* not to be trusted until the next CLEAR */
  int32_t low_e4[2], high_e4[2]; /* [side] between these we have orders; high 0: none */
} own_book_t;

struct pmm__own { pmm_live_t *live; own_book_t *book; uint32_t cnt; };

pmm_status_t pmm__own_open(pmm__own_t **own, pmm_live_t *live, pmm_error_t *err) {
  pmm__own_t *const w = calloc(1, sizeof *w);
  uint32_t const cnt = live->setup.market_cnt;
  own_book_t *const book = calloc(cnt + (size_t)1, sizeof *book);
  pmm_status_t st = w && book ? PMM_OK : PMM_FULL;
  for (uint32_t i = 0; st == PMM_OK && i < cnt; i++) {
    st = pmm__book_init(&book[i].raw, live->setup.market[i].grid.tick_e4);
    if (st == PMM_OK) st = pmm_grid_uniform(&book[i].grid, book[i].raw.ladder.tick_e4);
  }
  if (st != PMM_OK) {
    for (uint32_t i = 0; book && i < cnt; i++) pmm__book_fini(&book[i].raw);
    free(book);
    free(w);
    return pmm_error_set(err, PMM_FULL, "out of memory");
  }
  *w = (pmm__own_t){.live = live, .book = book, .cnt = cnt};
  *own = w;
  return PMM_OK;
}

void pmm__own_close(pmm__own_t *w) {
  if (!w) return;
  for (uint32_t i = 0; i < w->cnt; i++) pmm__book_fini(&w->book[i].raw);
  free(w->book);
  free(w);
}

static bool rests(const pmm_own_order_t *o) { return o->seen && o->open_e6 > 0; }

/* Visits our resting orders in a market. */
typedef void (*visit_t)(void *ctx, const pmm_own_order_t *o);
static void each(const pmm__own_t *w, uint32_t market, visit_t visit, void *ctx) {
  const pmm_live_t *const l = w->live;
  pmm_own_order_t order[ORDERS_MAX];
  for (uint32_t s = l->slot_of_market[market]; s < l->setup.slot_cnt; s++) {
    if (l->setup.slot[s].market != market) continue;
    size_t const n = pmm_exec_own_orders(pmm_engine_exec(l->setup.engine), s, order, ORDERS_MAX);
    for (size_t i = 0; i < n; i++)
      if (rests(&order[i])) visit(ctx, &order[i]);
  }
}

typedef struct sum { int32_t price_e4; uint8_t side; int64_t qty_e6; } sum_t;
static void add_up(void *ctx, const pmm_own_order_t *o) {
  sum_t *const s = ctx;
  if (o->side == s->side && o->price_e4 == s->price_e4) s->qty_e6 += o->open_e6;
}
static int64_t others(const pmm__own_t *w, uint32_t market, uint8_t side, int32_t price_e4, int64_t shown_e6) {
  const own_book_t *const b = &w->book[market];
  if (shown_e6 == 0 || b->high_e4[side] == 0 || price_e4 < b->low_e4[side] || price_e4 > b->high_e4[side]) return shown_e6;
  sum_t sum = {.price_e4 = price_e4, .side = side};
  each(w, market, add_up, &sum);
  return pmm_max64(0, shown_e6 - sum.qty_e6);
}

/* A level's tick; PMM_TICKS_NONE: it has none in this book. */
static int32_t tick_of(const own_book_t *b, const pmm_md_t *md) {
  if (md->side > PMM_ASK || md->price_e4 <= 0 || md->price_e4 >= PMM_ONE_E4) return PMM_TICKS_NONE;
  int32_t const tick = pmm_grid_index(&b->grid, md->price_e4);
  return tick * b->grid.tick_e4 == md->price_e4 ? tick : PMM_TICKS_NONE;
}

static bool set_raw(own_book_t *b, const pmm_md_t *md, int32_t tick) {
  return tick != PMM_TICKS_NONE && pmm_ladder_set(&b->raw.ladder, (pmm_side_t)md->side, tick, md->qty_e6) == PMM_OK;
}

static void regrid(own_book_t *b, int32_t tick_e4) {
  if (pmm__book_regrid(&b->raw, tick_e4) == PMM_OK) (void)pmm_grid_uniform(&b->grid, tick_e4);
}

void pmm__own_md(pmm__own_t *w, const pmm_md_t *md, pmm_md_t *out) {
  *out = *md;
  if (md->market >= w->cnt || pmm_kind_is_underlying(md->kind)) return;
  own_book_t *const b = &w->book[md->market];
  switch (md->kind) {
  case PMM_MD_LEVEL:
    if (!set_raw(b, md, tick_of(b, md))) return; /* the engine counts it as bad, too */
    out->qty_e6 = others(w, md->market, md->side, md->price_e4, md->qty_e6);
    break;
  case PMM_MD_CLEAR:
    pmm_ladder_clear(&b->raw.ladder);
    b->gap = false;
    break;
  case PMM_MD_TICK: regrid(b, md->price_e4); break;
  case PMM_MD_GAP: b->gap = true; break;
  default: break;
  }
}

/* -- a whole book at once -- */
/* How many records are one: a CLEAR and levels, up to the end of the message; 0: none. */
static size_t book_len(const pmm_md_t *md, size_t cnt) {
  size_t n = 1;
  if (md[0].kind != PMM_MD_CLEAR || (md[0].flags & PMM_F_LAST)) return 0;
  while (n < cnt && md[n].kind == PMM_MD_LEVEL && md[n].market == md[0].market)
    if (md[n++].flags & PMM_F_LAST) return n;
  return 0;
}

/* Tells the engine of one level later, because the last one ends the message. */
typedef struct teller { pmm_engine_t *engine; pmm_md_t held; bool has; } teller_t;
static void tell(teller_t *t, const pmm_md_t *md, int64_t qty_e6) {
  if (t->has) (void)pmm_engine_on_md(t->engine, &t->held);
  t->held = *md;
  t->held.qty_e6 = qty_e6;
  t->held.flags &= (uint8_t)~PMM_F_LAST;
  t->has = true;
}

typedef struct marks { uint64_t word[2][PMM_LADDER_WORDS_MAX]; } marks_t;

/* Levels the venue shows no more. */
static void tell_gone(own_book_t *b, const marks_t *shown, const pmm_md_t *like, teller_t *t) {
  pmm_ladder_t *const l = &b->raw.ladder;
  for (uint8_t side = 0; side < 2; side++)
    for (int32_t w = 0; w * 64 < l->tick_cnt; w++)
      for (uint64_t gone = l->used[side][w] & ~shown->word[side][w]; gone; gone &= gone - 1) {
        int32_t const tick = w * 64 + __builtin_ctzll(gone);
        pmm_md_t md = *like;
        md.side = side;
        md.price_e4 = tick * l->tick_e4;
        (void)pmm_ladder_set(l, (pmm_side_t)side, tick, 0);
        tell(t, &md, 0);
      }
}

/* A book that comes again differs from the one before in a few levels; the engine is told those. Without any it is told one that it knows: the message ends. */
size_t pmm__own_book(pmm__own_t *w, const pmm_md_t *md, size_t cnt) {
  size_t const n = book_len(md, cnt);
  if (n == 0 || md->market >= w->cnt || w->book[md->market].gap) return 0;
  own_book_t *const b = &w->book[md->market];
  pmm_ladder_t const *const l = &b->raw.ladder;
  marks_t shown;
  teller_t t = {.engine = w->live->setup.engine};
  size_t const words = ((size_t)l->tick_cnt + 63) / 64 * sizeof(uint64_t);
  for (int side = 0; side < 2; side++) memset(shown.word[side], 0, words);
  for (size_t i = 1; i < n; i++) {
    int32_t const tick = tick_of(b, &md[i]);
    if (tick != PMM_TICKS_NONE) {
      shown.word[md[i].side][tick >> 6] |= UINT64_C(1) << (tick & 63);
      if (pmm_ladder_qty(l, (pmm_side_t)md[i].side, tick) == md[i].qty_e6) continue;
    }
    bool const set = set_raw(b, &md[i], tick);
    tell(&t, &md[i], set ? others(w, md->market, md[i].side, md[i].price_e4, md[i].qty_e6) : md[i].qty_e6); /* what makes no sense the engine counts */
  }
  tell_gone(b, &shown, &md[n - 1], &t);
  if (!t.has) tell(&t, &md[n - 1], others(w, md->market, md[n - 1].side, md[n - 1].price_e4, md[n - 1].qty_e6));
  t.held.flags |= PMM_F_LAST;
  (void)pmm_engine_on_md(t.engine, &t.held);
  return n;
}

static void widen(void *ctx, const pmm_own_order_t *o) {
  own_book_t *const b = ctx;
  if (b->high_e4[o->side] == 0 || o->price_e4 < b->low_e4[o->side]) b->low_e4[o->side] = o->price_e4;
  if (o->price_e4 > b->high_e4[o->side]) b->high_e4[o->side] = o->price_e4;
}

/* One level again, as it is without us now. */
static void show(pmm__own_t *w, const pmm_order_t *o) {
  const own_book_t *const b = &w->book[o->market];
  pmm_side_t const side = pmm_route_side((pmm_route_t)o->route);
  if (b->gap || !pmm__book_fits(&b->raw, o->price_e4)) return;
  int64_t const qty = others(w, o->market, (uint8_t)side, o->price_e4, pmm__book_qty(&b->raw, side, o->price_e4));
  pmm_ladder_t const *const l = pmm_engine_ladder(w->live->setup.engine, o->market);
  int32_t const tick = o->price_e4 / l->tick_e4;
  if (o->price_e4 % l->tick_e4 != 0 || tick >= l->tick_cnt || pmm_ladder_qty(l, side, tick) == qty) return;
  pmm_md_t const md = {.recv_ns = pmm_net_now(w->live->net), .exch_ns = PMM_TIME_NONE, .qty_e6 = qty, .price_e4 = o->price_e4, .market = o->market,
                       .kind = PMM_MD_LEVEL, .side = (uint8_t)side, .flags = PMM_F_LAST};
  (void)pmm_engine_on_md(w->live->setup.engine, &md);
}

void pmm__own_event(pmm__own_t *w, const pmm_order_t *before, const pmm_order_t *after) {
  const pmm_order_t *const any = after ? after : before;
  if (!any || any->market >= w->cnt) return;
  own_book_t *const b = &w->book[any->market];
  b->high_e4[PMM_BID] = b->high_e4[PMM_ASK] = 0;
  each(w, any->market, widen, b);
  if (before) show(w, before);
  if (after && (!before || before->price_e4 != after->price_e4)) show(w, after);
}
