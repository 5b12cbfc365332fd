/* own.c -- the venue's books without our own orders. A venue shows them with everybody's; a strategy that saw them would quote around a mid that its own
   quotes make, and follow its own tail. So the engine is given what the others rest, as in a replay: each level less what of ours rests there, as far as
   the venue has told us. Between a book's message and the account's about the same order the two differ for an instant; no level goes below zero. */
#include <stdlib.h>
#include "live_impl.h"
#include "tape/book.h"

#define ORDERS_MAX 256 /* of one slot, looked at */

typedef struct own_book {
  pmm__book_t raw;            /* as the venue shows it */
  bool gap;                   /* not to be trusted until the next CLEAR */
  int32_t low_e4[2], high_e4[2]; /* [side] between these we have orders; high 0: none */
} own_book_t;

struct pmm__own { pmm_live_t *live; own_book_t *book; uint32_t cnt; };

pmm_status_t pmm__own_open(pmm__own_t **own, pmm_live_t *live, pmm_error_t *err) {
  pmm__own_t *const w = calloc(1, sizeof *w);
  uint32_t const cnt = live->setup.market_cnt;
  own_book_t *const book = calloc(cnt + (size_t)1, sizeof *book);
  pmm_status_t st = w && book ? PMM_OK : PMM_FULL;
  for (uint32_t i = 0; st == PMM_OK && i < cnt; i++) st = pmm__book_init(&book[i].raw, live->setup.market[i].grid.tick_e4);
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

void pmm__own_md(pmm__own_t *w, const pmm_md_t *md, pmm_md_t *out) {
  *out = *md;
  if (md->market >= w->cnt || pmm_kind_is_underlying(md->kind)) return;
  own_book_t *const b = &w->book[md->market];
  switch (md->kind) {
  case PMM_MD_LEVEL:
    if (md->side > PMM_ASK || pmm__book_set(&b->raw, (pmm_side_t)md->side, md->price_e4, md->qty_e6) != PMM_OK) return; /* the engine counts it as bad, too */
    out->qty_e6 = others(w, md->market, md->side, md->price_e4, md->qty_e6);
    break;
  case PMM_MD_CLEAR:
    pmm_ladder_clear(&b->raw.ladder);
    b->gap = false;
    break;
  case PMM_MD_TICK: (void)pmm__book_regrid(&b->raw, md->price_e4); break;
  case PMM_MD_GAP: b->gap = true; break;
  default: break;
  }
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
