/* src/exec/quote.c -- the difference between what the strategy wants and what is live. Both are sorted by price, so one
   walk down each side finds it; queue places are worth money, so what fits stays. */
#include <assert.h>
#include "exec/internal.h"

typedef struct placement { pmm_side_t side; int32_t price_e4; int64_t qty_e6; } placement_t;
typedef struct placements { placement_t at[2 * PMM_LEVELS_MAX]; int cnt; } placements_t;

/* -- what is wanted -- */
static bool meets_book(const pmm__turn_t *t, pmm_side_t side, int32_t price_e4) {
  int32_t const there = pmm_ladder_best_e4(t->ctx->ladder, pmm_side_opposite(side));
  return there != 0 && !pmm__price_better(side, there, price_e4);
}

/* A quote never takes: one that would meet the book goes a tick inside it, or is dropped. */
static int32_t resting_price(const pmm__turn_t *t, pmm_side_t side, int32_t price_e4) {
  const pmm_grid_t *const grid = &t->ctx->market->grid;
  if (meets_book(t, side, price_e4)) {
    int32_t const there = pmm_ladder_best_e4(t->ctx->ladder, pmm_side_opposite(side));
    if (t->exec->params.on_cross == PMM_CROSS_SKIP) return PMM_TICKS_NONE;
    return side == PMM_BID ? pmm_grid_down(grid, there) : pmm_grid_up(grid, there);
  }
  if (__builtin_expect(pmm_grid_is_valid(grid, price_e4), 1)) return price_e4;
  return side == PMM_BID ? pmm_grid_down(grid, price_e4) : pmm_grid_up(grid, price_e4); /* the grid changed under it */
}

/* A cut stops at the least size the venue takes: with every order below it there would be no fill, and so no winning one to end the losing streak. */
static int64_t order_size(const pmm__turn_t *t, int64_t qty_e6, double factor) {
  int64_t const whole = pmm_floor_to_lot(qty_e6, t->lot_e6);
  if (factor == 1) return whole;
  int64_t const cut = pmm_floor_to_lot((int64_t)((double)qty_e6 * factor), t->lot_e6);
  return whole < t->min_e6 ? whole : pmm_max64(cut, t->min_e6);
}

/* Levels as they can stand: on the grid, inside the book, of a size the venue takes; of several that come to lie on one
   price the nearest stays. */
static int shape(const pmm__turn_t *t, pmm_side_t side, double factor, pmm_level_t *want) {
  const pmm_level_t *const level = side == PMM_BID ? t->quotes->bid : t->quotes->ask;
  int const cnt = side == PMM_BID ? t->quotes->bid_cnt : t->quotes->ask_cnt;
  assert(cnt >= 0 && cnt <= PMM_LEVELS_MAX);
  int n = 0;
  for (int i = 0; i < cnt; i++) {
    int32_t const price = resting_price(t, side, level[i].price_e4);
    int64_t const qty = order_size(t, level[i].qty_e6, factor);
    if (price == PMM_TICKS_NONE || qty < t->min_e6) continue;
    if (n > 0 && !pmm__price_better(side, want[n - 1].price_e4, price)) continue;
    want[n++] = (pmm_level_t){.price_e4 = price, .qty_e6 = qty};
  }
  return n;
}

/* -- one price -- */
typedef struct group { uint32_t first, end; int64_t open_e6; } group_t; /* [first, end) in the list */

static bool fits(int64_t open_e6, int64_t want_e6, double tolerance) {
  if (open_e6 == want_e6) return true;
  return tolerance > 0 && open_e6 > 0 && (double)pmm_abs64(open_e6 - want_e6) <= tolerance * (double)want_e6;
}

static bool cancel_range(pmm__turn_t *t, uint32_t first, uint32_t end) {
  bool all = true;
  for (uint32_t i = first; i != end; i = t->exec->order[i].next) {
    pmm_order_t *const o = &t->exec->order[i];
    if (pmm__order_counts(o)) all &= pmm__cancel(t->exec, o, t->ctx->now_ns, t->out, false);
  }
  t->unsettled |= !all;
  return all;
}

/* Takes the excess from the newest orders of a price: the oldest stand best in the queue. */
static void shrink(pmm__turn_t *t, const group_t *g, int64_t want_e6) {
  int64_t excess = g->open_e6 - want_e6;
  uint32_t i = g->end == PMM__NONE ? t->s->tail[pmm__order_side(&t->exec->order[g->first])] : t->exec->order[g->end].prev;
  for (;; i = t->exec->order[i].prev) {
    pmm_order_t *const o = &t->exec->order[i];
    int64_t const open = pmm__order_wanted_open(o);
    if (pmm__order_counts(o) && excess > 0) {
      int64_t const keep = open <= excess ? 0 : pmm_max64(open - excess, t->min_e6);
      bool const done = keep == 0 ? pmm__cancel(t->exec, o, t->ctx->now_ns, t->out, false)
                                  : keep < open && pmm__amend(t->exec, o, keep, t->ctx->now_ns, t->out);
      if (done) excess -= open - keep;
    }
    if (i == g->first) return;
  }
}

static void add(placements_t *p, pmm_side_t side, int32_t price_e4, int64_t qty_e6) {
  p->at[p->cnt++] = (placement_t){.side = side, .price_e4 = price_e4, .qty_e6 = qty_e6};
}

/* Makes the orders at one price come to what is wanted there. */
static void adjust(pmm__turn_t *t, pmm_side_t side, const group_t *g, const pmm_level_t *want, placements_t *out) {
  if (fits(g->open_e6, want->qty_e6, t->quotes->resize_tolerance)) return;
  t->unsettled = true;
  if (g->open_e6 > want->qty_e6 && t->exec->params.amend) {
    shrink(t, g, want->qty_e6);
    return;
  }
  /* Too small, and cash does not pay for the whole anew: what stands is worth more than a smaller order in its place. */
  if (g->open_e6 > 0 && g->open_e6 < want->qty_e6 && !pmm__affordable(t, side, want->price_e4, want->qty_e6)) {
    if (want->qty_e6 - g->open_e6 >= t->min_e6) add(out, side, want->price_e4, want->qty_e6 - g->open_e6);
    return;
  }
  if (cancel_range(t, g->first, g->end)) add(out, side, want->price_e4, want->qty_e6);
}

static group_t take_group(const pmm__turn_t *t, uint32_t first, int32_t price_e4) {
  group_t g = {.first = first};
  uint32_t i = first;
  for (; i != PMM__NONE && t->exec->order[i].price_e4 == price_e4; i = t->exec->order[i].next)
    if (pmm__order_counts(&t->exec->order[i])) g.open_e6 += pmm__order_wanted_open(&t->exec->order[i]);
  g.end = i;
  return g;
}

/* -- one side -- */
/* The common case, found without a division: each level has one order of just its price and size, and no level meets the
   book. What was shaped once keeps its shape. */
static bool stands(const pmm__turn_t *t, pmm_side_t side, double factor) {
  const pmm_level_t *const level = side == PMM_BID ? t->quotes->bid : t->quotes->ask;
  int const cnt = side == PMM_BID ? t->quotes->bid_cnt : t->quotes->ask_cnt;
  if (cnt > 0 && (factor != 1 || meets_book(t, side, level[0].price_e4))) return false;
  uint32_t live = t->s->head[side];
  for (int i = 0; i < cnt; i++) {
    if (live == PMM__NONE) return false;
    const pmm_order_t *const o = &t->exec->order[live];
    if (o->price_e4 != level[i].price_e4 || pmm__order_wanted_open(o) != level[i].qty_e6 || !pmm__order_counts(o)) return false;
    if (level[i].qty_e6 < t->min_e6) return false;
    live = o->next;
  }
  return live == PMM__NONE;
}

static void reconcile(pmm__turn_t *t, pmm_side_t side, placements_t *out) {
  double const factor = pmm_risk_size_factor(t->exec->risk);
  if (stands(t, side, factor)) return;
  pmm_level_t want[PMM_LEVELS_MAX];
  int const cnt = shape(t, side, factor, want);
  uint32_t live = t->s->head[side];
  for (int i = 0; i < cnt; i++) {
    uint32_t const from = live;
    while (live != PMM__NONE && pmm__price_better(side, t->exec->order[live].price_e4, want[i].price_e4)) live = t->exec->order[live].next;
    if (from != live) cancel_range(t, from, live);
    group_t const g = take_group(t, live, want[i].price_e4);
    adjust(t, side, &g, &want[i], out);
    live = g.end;
  }
  if (live != PMM__NONE) cancel_range(t, live, PMM__NONE);
}

static void quote(pmm__turn_t *t) {
  placements_t place;
  place.cnt = 0;
  reconcile(t, PMM_BID, &place);
  reconcile(t, PMM_ASK, &place);
  for (int i = 0; i < place.cnt; i++) pmm__place(t, place.at[i].side, place.at[i].price_e4, place.at[i].qty_e6);
}

static void pause(pmm__turn_t *t) {
  for (int side = 0; side < 2; side++) cancel_range(t, t->s->head[side], PMM__NONE);
}

static pmm_quote_action_t permitted(pmm__turn_t *t) {
  pmm_quote_action_t const action = t->quotes->action;
  if (action == PMM_QUOTE_KEEP || action == PMM_QUOTE_PAUSE) return action;
  if (!pmm_life_trades((pmm_life_t)t->ctx->market->life)) return PMM_QUOTE_KEEP;
  if (!t->exec->risk->killed) return action;
  t->refused = PMM_RISK_KILLED;
  return PMM_QUOTE_PAUSE;
}

bool pmm_exec_quote(pmm_exec_t *exec, uint32_t slot, const pmm_exec_ctx_t *ctx, const pmm_quotes_t *quotes, pmm_actions_t *out,
                    pmm_risk_reason_t *refused) {
  assert(slot < exec->slot_cnt && exec->slot[slot].bound);
  pmm__turn_t turn; /* field by field: what only a placement needs is not even cleared before one */
  turn.exec = exec;
  turn.s = &exec->slot[slot];
  turn.slot = slot;
  turn.ctx = ctx;
  turn.quotes = quotes;
  turn.out = out;
  turn.lot_e6 = ctx->market->lot_e6;
  turn.min_e6 = pmm_max64(ctx->market->lot_e6, ctx->market->min_size_e6);
  turn.refused = PMM_RISK_NONE;
  turn.counted = false;
  turn.unsettled = false;
  uint32_t const from = out->cnt;
  switch (permitted(&turn)) {
    case PMM_QUOTE_QUOTE: quote(&turn); break;
    case PMM_QUOTE_PAUSE: pause(&turn); break;
    case PMM_QUOTE_EXIT:
      pause(&turn);
      pmm__exit(&turn);
      break;
    case PMM_QUOTE_TAKE:
      pause(&turn);
      pmm__take(&turn);
      break;
    case PMM_QUOTE_KEEP: break;
  }
  if (refused) *refused = turn.refused;
  return !turn.unsettled && turn.refused == PMM_RISK_NONE && out->cnt == from && quotes->action != PMM_QUOTE_EXIT && quotes->action != PMM_QUOTE_TAKE;
}

/* -- cancels from outside the strategy -- */
void pmm_exec_cancel_slot(pmm_exec_t *exec, uint32_t slot, int64_t now_ns, pmm_actions_t *out) {
  assert(slot < exec->slot_cnt);
  for (int side = 0; side < 2; side++)
    for (pmm_order_t *o = pmm__order_at(exec, exec->slot[slot].head[side]); o; o = pmm__order_at(exec, o->next))
      if (!o->is_exit || o->state == PMM_ORDER_UNKNOWN) pmm__cancel(exec, o, now_ns, out, true);
}

void pmm_exec_cancel_all(pmm_exec_t *exec, int64_t now_ns, pmm_actions_t *out) {
  for (uint32_t i = 0; i < exec->slot_cnt; i++) pmm_exec_cancel_slot(exec, i, now_ns, out);
}
