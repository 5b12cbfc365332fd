/* Records into fills: prints, crossing books, takers. Every loop runs over own orders or over levels taken, never over the book. */
#include <assert.h>
#include "exchange/sim_impl.h"

/* ---- what the recorded book offers ---- */

bool pmm__sim_reaches(const pmm_sim_t *sim, uint32_t market, uint8_t side, int32_t price_e4) {
  bool const bookless = sim->state[market].bookless;
  int32_t const opposite_e4 = bookless ? pmm__sim_quoted(sim, market, side ^ 1) : pmm_ladder_best_e4(sim->ladder[market], (pmm_side_t)(side ^ 1));
  if (opposite_e4 == PMM_TICKS_NONE) return false;
  return side == PMM_BID ? opposite_e4 <= price_e4 : opposite_e4 >= price_e4;
}

void pmm__sim_begin_look(const pmm_sim_t *sim, pmm__sim_market_t *m) {
  if (!sim->params.footprint) m->epoch++;
}

static bool within(uint8_t book_side, int32_t level_e4, int32_t limit_e4) {
  return book_side == PMM_ASK ? level_e4 <= limit_e4 : level_e4 >= limit_e4;
}

static int64_t left_at(const pmm__sim_market_t *m, const pmm_ladder_t *ladder, uint8_t book_side, int32_t tick) {
  int64_t const shown = ladder->qty_e6[book_side][tick];
  const pmm__foot_t *const foot = &m->foot[book_side][tick];
  return foot->epoch == m->epoch && foot->shown_e6 == shown ? shown - foot->used_e6 : shown;
}

static void consume_at(pmm__sim_market_t *m, const pmm_ladder_t *ladder, uint8_t book_side, int32_t tick, int64_t qty_e6) {
  int64_t const shown = ladder->qty_e6[book_side][tick];
  pmm__foot_t *const foot = &m->foot[book_side][tick];
  if (foot->epoch != m->epoch || foot->shown_e6 != shown) *foot = (pmm__foot_t){.shown_e6 = shown, .epoch = m->epoch};
  foot->used_e6 += qty_e6;
}

int64_t pmm__sim_offered(const pmm_sim_t *sim, uint32_t market, uint8_t book_side, int32_t limit_e4, int64_t want_e6) {
  if (sim->state[market].bookless) return want_e6; /* nobody knows how much is there */
  const pmm_ladder_t *const ladder = sim->ladder[market];
  int64_t sum = 0;
  for (int32_t tick = ladder->best[book_side]; tick != PMM_TICKS_NONE && sum < want_e6 && within(book_side, tick * ladder->tick_e4, limit_e4);
       tick = pmm_ladder_next(ladder, (pmm_side_t)book_side, tick))
    sum += pmm_floor_to_lot(left_at(&sim->state[market], ladder, book_side, tick), sim->market[market]->lot_e6);
  return pmm_min64(sum, want_e6);
}

void pmm__sim_take(pmm_sim_t *sim, int64_t now_ns, pmm__rest_t *order) {
  uint32_t const market = order->market;
  pmm__sim_market_t *const m = &sim->state[market];
  const pmm_ladder_t *const ladder = sim->ladder[market];
  uint8_t const book_side = order->side ^ 1;
  if (m->bookless) {
    pmm__sim_fill(sim, now_ns, order, pmm__sim_quoted(sim, market, book_side), order->open_e6, 0);
    return;
  }
  for (int32_t tick = ladder->best[book_side];
       tick != PMM_TICKS_NONE && order->open_e6 > 0 && within(book_side, tick * ladder->tick_e4, order->price_e4);
       tick = pmm_ladder_next(ladder, (pmm_side_t)book_side, tick)) {
    int64_t const left = left_at(m, ladder, book_side, tick);
    int64_t const qty = pmm_min64(order->open_e6, pmm_floor_to_lot(left, sim->market[market]->lot_e6));
    if (qty == 0) continue;
    consume_at(m, ladder, book_side, tick, qty);
    pmm__sim_fill(sim, now_ns, order, tick * ladder->tick_e4, qty, 0);
  }
}

/* Marks qty_e6 of the levels up to the limit as taken, best first. */
static void consume_through(pmm_sim_t *sim, uint32_t market, uint8_t book_side, int32_t limit_e4, int64_t qty_e6) {
  pmm__sim_market_t *const m = &sim->state[market];
  const pmm_ladder_t *const ladder = sim->ladder[market];
  for (int32_t tick = ladder->best[book_side]; tick != PMM_TICKS_NONE && qty_e6 > 0 && within(book_side, tick * ladder->tick_e4, limit_e4);
       tick = pmm_ladder_next(ladder, (pmm_side_t)book_side, tick)) {
    int64_t const left = left_at(m, ladder, book_side, tick);
    int64_t const part = pmm_min64(qty_e6, pmm_floor_to_lot(left, sim->market[market]->lot_e6));
    consume_at(m, ladder, book_side, tick, part);
    qty_e6 -= part;
  }
}

/* ---- the end of a message ---- */

static bool fill_crossed(pmm_sim_t *sim, int64_t now_ns, pmm__rest_t *order) {
  uint32_t const market = order->market;
  if (!pmm__sim_reaches(sim, market, order->side, order->price_e4)) return false;
  uint8_t const book_side = order->side ^ 1;
  int64_t const offered = pmm__sim_offered(sim, market, book_side, order->price_e4, order->open_e6);
  if (offered == 0) return true;
  int64_t const qty = sim->params.whole_fills ? order->open_e6 : offered;
  consume_through(sim, market, book_side, order->price_e4, qty);
  sim->stats.cross_fills++;
  sim->stats.cross_e6 += qty;
  pmm__sim_fill(sim, now_ns, order, order->price_e4, qty, PMM_F_MAKER);
  return true;
}

/* Fills what the book crosses and says whether it must be looked at again after the next message, changed or not. */
static bool fill_crosses(pmm_sim_t *sim, int64_t now_ns, uint32_t market) {
  pmm__sim_market_t *const m = &sim->state[market];
  pmm__sim_begin_look(sim, m);
  bool again = false;
  for (int side = PMM_BID; side <= PMM_ASK; side++)
    for (uint32_t i = m->head[side], next; i != PMM__NIL; i = next) {
      next = sim->order[i].next;
      if (!fill_crossed(sim, now_ns, &sim->order[i])) break;
      again |= sim->order[i].resting;
    }
  return again && !sim->params.footprint; /* a remembered footprint leaves nothing until a level changes, which marks us dirty */
}

/* A full book was sent: every queue of ours sees its level anew. */
static void see_snapshot(pmm_sim_t *sim, int64_t now_ns, uint32_t market) {
  pmm__sim_market_t *const m = &sim->state[market];
  const pmm_ladder_t *const ladder = sim->ladder[market];
  for (int side = PMM_BID; side <= PMM_ASK; side++)
    for (uint32_t i = m->head[side]; i != PMM__NIL; i = sim->order[i].next) {
      pmm__rest_t *const o = &sim->order[i];
      int64_t const shown = ladder->qty_e6[side][pmm_grid_index(&sim->market[market]->grid, o->price_e4)];
      if (m->bookless || (m->top_only && shown == 0)) continue; /* not the best price, or emptied: see_top tells */
      if (m->gap) pmm__queue_bound(&o->queue, &m->rules, shown);
      else pmm__queue_level(&o->queue, &m->rules, now_ns, shown);
    }
}

/* Where only best prices are shown, a level that vanishes may be hidden behind a better one; it is empty once the best price of
   our side is worse than ours. */
static void see_top(pmm_sim_t *sim, int64_t now_ns, uint32_t market) {
  pmm__sim_market_t *const m = &sim->state[market];
  for (int side = PMM_BID; side <= PMM_ASK; side++) {
    int32_t const best_e4 = pmm_ladder_best_e4(sim->ladder[market], (pmm_side_t)side);
    for (uint32_t i = m->head[side]; i != PMM__NIL; i = sim->order[i].next) {
      pmm__rest_t *const o = &sim->order[i];
      if (best_e4 != 0 && (side == PMM_BID ? o->price_e4 <= best_e4 : o->price_e4 >= best_e4)) break;
      pmm__queue_level(&o->queue, &m->rules, now_ns, 0);
    }
  }
}

static void end_message(pmm_sim_t *sim, int64_t now_ns, uint32_t market) {
  pmm__sim_market_t *const m = &sim->state[market];
  if (m->snapshot) {
    see_snapshot(sim, now_ns, market);
    m->snapshot = m->gap = false;
  }
  if (m->gap) return;
  if (m->bernoulli) {
    pmm__sim_chance(sim, now_ns, market);
    return;
  }
  if (m->top_only) see_top(sim, now_ns, market);
  if (m->dirty && m->cross && pmm__sim_trades(sim, market)) m->dirty = fill_crosses(sim, now_ns, market);
}

/* ---- single records ---- */

/* Whether a price of this side of the book, or of a taker of this side, reaches an order of ours on the other. */
static bool reaches_us(const pmm_sim_watch_market_t *w, uint8_t side, int32_t price_e4) {
  return (side == PMM_BID ? price_e4 : -price_e4) >= w->cross_at[side];
}

static void on_level(pmm_sim_t *sim, int64_t now_ns, const pmm_md_t *md) {
  pmm__sim_market_t *const m = &sim->state[md->market];
  int32_t const price_e4 = md->price_e4;
  uint8_t const side = md->side;
  if (reaches_us(&sim->watched[md->market], side, price_e4)) m->dirty = true;
  if (m->snapshot || m->gap) return;
  if (m->top_only && md->qty_e6 == 0) return;
  pmm__queue_rules_t rules = m->rules;
  rules.nosize |= (md->flags & PMM_F_NOSIZE) != 0;
  for (uint32_t i = m->head[side]; i != PMM__NIL; i = sim->order[i].next)
    if (sim->order[i].price_e4 == price_e4) pmm__queue_level(&sim->order[i].queue, &rules, now_ns, md->qty_e6);
}

/* What of a print reaches one of our orders; left_e6 has not been filled to earlier ones. beyond: the print went past our price. */
static int64_t print_qty(pmm_sim_t *sim, int64_t now_ns, pmm__rest_t *order, const pmm_md_t *md, int64_t left_e6, bool beyond) {
  const pmm__queue_rules_t *const rules = &sim->state[order->market].rules;
  int64_t const lot = sim->market[order->market]->lot_e6;
  if (rules->whole) { /* hftbacktest rounds to lots: half a lot past the queue is a fill */
    if (!beyond && pmm__queue_print(&order->queue, rules, now_ns, md->qty_e6, md->qty_e6) * 2 < lot) return 0;
    return order->open_e6;
  }
  int64_t reach = left_e6;
  if (beyond) order->queue.ahead_e6 = 0; /* everybody ahead at our price was passed as well */
  else reach = pmm__queue_print(&order->queue, rules, now_ns, md->qty_e6, left_e6);
  return pmm_min64(order->open_e6, pmm_floor_to_lot(pmm_min64(reach, left_e6), lot));
}

/* A print meets our orders of the side it hit in price-time order, sharing its quantity among them. */
static void on_trade(pmm_sim_t *sim, int64_t now_ns, const pmm_md_t *md) {
  uint32_t const market = md->market;
  uint8_t const side = md->side ^ 1;
  int32_t const price_e4 = md->price_e4;
  if (!reaches_us(&sim->watched[market], md->side, price_e4) || !pmm__sim_trades(sim, market) || sim->state[market].bernoulli) return;
  uint8_t const flags = (uint8_t)(PMM_F_MAKER | (md->flags & PMM_F_INFERRED));
  int64_t left = md->qty_e6;
  for (uint32_t i = sim->state[market].head[side], next; i != PMM__NIL; i = next) {
    pmm__rest_t *const o = &sim->order[i];
    next = o->next;
    bool const at = o->price_e4 == price_e4, beyond = side == PMM_ASK ? o->price_e4 < price_e4 : o->price_e4 > price_e4;
    if (!at && !beyond) break;
    if (beyond && !sim->params.through) continue;
    int64_t const qty = print_qty(sim, now_ns, o, md, left, beyond);
    if (qty == 0) continue;
    if (!sim->params.whole_fills) left -= qty;
    sim->stats.through_fills += beyond;
    pmm__sim_fill(sim, now_ns, o, o->price_e4, qty, flags);
  }
}

static void end_all(pmm_sim_t *sim, int64_t now_ns, uint32_t market, pmm_kind_t kind, pmm_reject_t why) {
  for (int side = PMM_BID; side <= PMM_ASK; side++)
    while (sim->state[market].head[side] != PMM__NIL) pmm__sim_end(sim, now_ns, &sim->order[sim->state[market].head[side]], kind, why);
}

static void on_status(pmm_sim_t *sim, int64_t now_ns, const pmm_md_t *md) {
  sim->state[md->market].looked_ns = now_ns; /* a halt is no time in which orders could have filled */
  switch ((pmm_life_t)md->aux) {
  case PMM_LIFE_CLOSED:
  case PMM_LIFE_RESOLVING:
    end_all(sim, now_ns, md->market, PMM_EV_EXPIRED, PMM_REJECT_CLOSED);
    return;
  case PMM_LIFE_RESOLVED:
    end_all(sim, now_ns, md->market, PMM_EV_CANCELLED, PMM_REJECT_SETTLED);
    pmm__sim_resolve(sim, md->market, md->qty_e6);
    return;
  case PMM_LIFE_PENDING:
  case PMM_LIFE_OPEN:
  case PMM_LIFE_HALTED:
    return;
  }
}

/* What we consumed moves to its index on the next grid, in the order that never overwrites an entry still to come. */
static void move_footprint(pmm__foot_t *foot, int32_t tick_e4, int32_t next_e4) {
  int32_t const cnt = PMM_ONE_E4 / tick_e4;
  for (int32_t k = 1; k < cnt; k++) {
    int32_t const from = next_e4 < tick_e4 ? cnt - k : k, price_e4 = from * tick_e4;
    pmm__foot_t const was = foot[from];
    foot[from] = (pmm__foot_t){0};
    if (price_e4 % next_e4 == 0) foot[price_e4 / next_e4] = was;
  }
}

static void on_tick(pmm_sim_t *sim, int64_t now_ns, uint32_t market) {
  pmm__sim_market_t *const m = &sim->state[market];
  int32_t const next_e4 = sim->market[market]->grid.tick_e4;
  for (int side = PMM_BID; side <= PMM_ASK; side++) {
    if (next_e4 != m->foot_tick_e4) move_footprint(m->foot[side], m->foot_tick_e4, next_e4);
    for (uint32_t i = m->head[side], next; i != PMM__NIL; i = next) {
      next = sim->order[i].next;
      if (!pmm_grid_is_valid(&sim->market[market]->grid, sim->order[i].price_e4))
        pmm__sim_end(sim, now_ns, &sim->order[i], PMM_EV_CANCELLED, PMM_REJECT_TICK);
    }
  }
  m->foot_tick_e4 = next_e4;
}

static void on_price(pmm__sim_market_t *m, const pmm_md_t *md) {
  if (md->price_e4 < 0 || md->price_e4 > PMM_ONE_E4) return; /* the engine counts what makes no sense */
  m->price_e4 = md->price_e4;
  if (md->flags & PMM_F_SNAPSHOT) m->gap = false;
}

static void on_settlement(pmm__sim_market_t *m, const pmm_md_t *md) {
  if (md->qty_e6 >= 0) m->settle_delay_ns = md->qty_e6;
  if (md->price_e4 >= 0) m->settle_fail_e4 = md->price_e4;
}

/* Most records that matter only move a queue: a level of ours that changes in an ordinary book and reaches no order. */
static bool moves_queues_only(const pmm_sim_t *sim, const pmm_md_t *md) {
  const pmm__sim_market_t *const m = &sim->state[md->market];
  return md->kind == PMM_MD_LEVEL && !(m->snapshot | m->gap | m->dirty | m->top_only | m->bernoulli) && !(md->flags & PMM_F_NOSIZE) &&
         !reaches_us(&sim->watched[md->market], md->side, md->price_e4);
}

static void move_queues(pmm_sim_t *sim, int64_t now_ns, const pmm_md_t *md) {
  pmm__sim_market_t *const m = &sim->state[md->market];
  for (uint32_t i = m->head[md->side]; i != PMM__NIL; i = sim->order[i].next)
    if (sim->order[i].price_e4 == md->price_e4) pmm__queue_level(&sim->order[i].queue, &m->rules, now_ns, md->qty_e6);
}

bool pmm_sim_on_md(pmm_sim_t *sim, int64_t now_ns, const pmm_md_t *md) {
  if (!pmm_sim_matters(sim, md)) return false;
  bool const due = now_ns >= sim->next_expire_ns || now_ns > pmm__sim_settles_ns(sim);
  if (!due && moves_queues_only(sim, md)) {
    move_queues(sim, now_ns, md);
    return false;
  }
  if (now_ns >= sim->next_expire_ns || now_ns > pmm__sim_settles_ns(sim)) pmm_sim_advance(sim, now_ns);
  uint32_t const market = md->market;
  pmm__sim_market_t *const m = &sim->state[market];
  switch (md->kind) {
  case PMM_MD_LEVEL: on_level(sim, now_ns, md); break;
  case PMM_MD_TRADE: on_trade(sim, now_ns, md); break;
  case PMM_MD_CLEAR: m->snapshot = m->dirty = true; break;
  case PMM_MD_STATUS: on_status(sim, now_ns, md); break;
  case PMM_MD_TICK: on_tick(sim, now_ns, market); break;
  case PMM_MD_GAP: m->gap = true, m->snapshot = false; break; /* a book sent before the gap does not end it */
  case PMM_MD_PRICE: on_price(m, md); break;
  case PMM_MD_PHASE:
    if (md->aux <= PMM_PHASE_CANCEL_ONLY) m->phase = md->aux;
    break;
  case PMM_MD_SETTLEMENT: on_settlement(m, md); break;
  default: break; /* MARK and VOLUME only end messages */
  }
  if (md->flags & PMM_F_LAST) end_message(sim, now_ns, market);
  pmm__sim_watch(sim, market);
  return true;
}
