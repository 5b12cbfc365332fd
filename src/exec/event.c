/* src/exec/event.c -- what the venue says: each event moves the order's automaton, its lock and the ledger together. */
#include "exec/internal.h"
#include "pmm/hash.h"

static pmm_exec_stats_t *stats_of(pmm_exec_t *e, const pmm_order_t *o) { return &e->slot[o->slot].stats; }

static pmm_status_t too_late(pmm_exec_t *e, const pmm_order_t *o) {
  stats_of(e, o)->late++;
  return PMM_STATE;
}

pmm_status_t pmm__order_step(pmm_exec_t *exec, pmm_order_t *order, pmm_order_input_t input) {
  pmm_order_state_t next;
  if (pmm_order_step((pmm_order_state_t)order->state, input, order->filled_e6 > 0, &next) != PMM_OK) return too_late(exec, order);
  if (next == PMM_ORDER_UNKNOWN && order->state != PMM_ORDER_UNKNOWN) stats_of(exec, order)->unknown++;
  order->state = (uint8_t)next;
  return PMM_OK;
}

void pmm__order_refit(pmm_exec_t *exec, pmm_order_t *order) {
  int64_t const open = pmm_order_is_terminal((pmm_order_state_t)order->state) ? 0 : pmm_order_open(order);
  int64_t const fee = pmm_route_is_sell((pmm_route_t)order->route) ? 0 : pmm__fee_reserve(&exec->slot[order->slot], order->price_e4, open);
  /* Only a venue moving our price against us could ask for more than is free; then the old lock stays. */
  (void)pmm_ledger_lock(exec->ledger, &order->lock, order->slot, (pmm_route_t)order->route, order->price_e4, open, fee);
}

/* The venue has closed an order of which we have not seen all fills: what is left is those fills. */
static pmm_status_t await_fills(pmm_exec_t *e, pmm_order_t *o, int64_t total_e6) {
  o->qty_e6 = total_e6;
  o->closed = true;
  return o->state == PMM_ORDER_UNKNOWN ? PMM_OK : pmm__order_step(e, o, PMM_IN_LOST);
}

/* Orders are only ever made smaller, so the least total heard of holds in whatever order the news comes. */
static void shrink_to(pmm_order_t *o, int64_t total_e6) {
  o->qty_e6 = pmm_max64(o->filled_e6, pmm_min64(o->qty_e6, total_e6));
}

/* -- one handler per event -- */
static pmm_status_t on_ack(pmm_exec_t *e, pmm_order_t *o, const pmm_event_t *ev) {
  bool const again = o->ref_id != 0;
  if (ev->ref_id) o->ref_id = ev->ref_id;
  /* A copy of the first acknowledgement does not tell that an order of unknown fate still rests. */
  if (o->closed || (again && o->state == PMM_ORDER_UNKNOWN)) return too_late(e, o);
  o->seen = true;
  return pmm__order_step(e, o, PMM_IN_ACK);
}

static pmm_status_t on_reject(pmm_exec_t *e, pmm_order_t *o, const pmm_event_t *ev) {
  /* "Used before" answers a request sent twice: the first one may well rest. */
  if (ev->md.aux == PMM_REJECT_DUPLICATE) return pmm__order_step(e, o, PMM_IN_LOST);
  pmm_status_t const st = pmm__order_step(e, o, PMM_IN_REJECT);
  if (st == PMM_OK) stats_of(e, o)->rejects++;
  return st;
}

static pmm_status_t on_closed(pmm_exec_t *e, pmm_order_t *o, const pmm_event_t *ev) {
  if (o->closed) return too_late(e, o);
  int64_t const rest = ev->md.qty_e6;
  bool const expired = ev->md.kind == PMM_EV_EXPIRED;
  pmm_status_t const st = rest > 0 && rest < pmm_order_open(o) ? await_fills(e, o, o->qty_e6 - rest)
                          : pmm__order_step(e, o, expired ? PMM_IN_EXPIRED : PMM_IN_CANCELLED);
  if (st == PMM_OK && expired) stats_of(e, o)->expired++;
  return st;
}

/* A venue's limit on requests says nothing about the order: known to rest, it still does, and is cancelled again by and by. */
static pmm_status_t on_cancel_reject(pmm_exec_t *e, pmm_order_t *o, const pmm_event_t *ev) {
  if (ev->md.aux != PMM_REJECT_RATE || o->state != PMM_ORDER_PENDING_CANCEL || o->closed || !o->seen) return pmm__order_step(e, o, PMM_IN_CANCEL_REJECT);
  o->state = o->filled_e6 > 0 ? PMM_ORDER_PARTLY_FILLED : PMM_ORDER_LIVE;
  return PMM_OK;
}

static pmm_status_t on_amended(pmm_exec_t *e, pmm_order_t *o, const pmm_event_t *ev) {
  if (o->closed || ev->md.qty_e6 < 0) return too_late(e, o);
  pmm_status_t const st = pmm__order_step(e, o, PMM_IN_AMENDED);
  if (st != PMM_OK) return st;
  shrink_to(o, (ev->amount_e6 ? ev->amount_e6 : o->filled_e6) + ev->md.qty_e6);
  int32_t const price = ev->md.price_e4;
  if (price > 0 && price < PMM_ONE_E4 && price != o->price_e4) pmm__order_reprice(e, o, price);
  return pmm_order_open(o) > 0 ? PMM_OK : pmm__order_step(e, o, PMM_IN_GONE);
}

static pmm_status_t on_amend_reject(pmm_exec_t *e, pmm_order_t *o, const pmm_event_t *ev) {
  bool const doubtful = ev->md.aux == PMM_REJECT_UNKNOWN_ORDER && o->state == PMM_ORDER_PENDING_AMEND;
  return pmm__order_step(e, o, doubtful ? PMM_IN_LOST : PMM_IN_AMEND_REJECT);
}

/* Reconciliation. An answer that knows of fewer fills than we do was given before them. */
static pmm_status_t on_order_state(pmm_exec_t *e, pmm_order_t *o, const pmm_event_t *ev) {
  int64_t const open = ev->md.qty_e6, filled = ev->amount_e6;
  if (filled < o->filled_e6 || open < 0 || (open > 0 && o->closed)) return too_late(e, o);
  if (open > 0) {
    o->seen = true;
    shrink_to(o, filled + open);
    return pmm__order_step(e, o, PMM_IN_FOUND);
  }
  if (filled == o->filled_e6) return pmm__order_step(e, o, PMM_IN_GONE);
  return await_fills(e, o, filled);
}

/* -- fills -- */
/* A trade id names one fill. Where one trade matched two of our orders the second is kept under an id of its own. */
static uint64_t second_id(const pmm_event_t *ev) { return pmm_hash_mix(ev->ref_id, ev->order_id); }

static pmm_status_t book(pmm_exec_t *e, uint32_t slot, uint8_t route, const pmm_event_t *ev, int64_t *realized_e6) {
  pmm_fill_t fill = {.trade_id = ev->ref_id, .slot = slot, .route = route, .pending = ev->md.aux == PMM_SETTLE_PENDING,
    .price_e4 = ev->md.price_e4, .qty_e6 = ev->md.qty_e6, .fee_e6 = ev->amount_e6};
  pmm_status_t const st = pmm_ledger_fill(e->ledger, &fill, realized_e6);
  if (st != PMM_EXISTS) return st;
  fill.trade_id = second_id(ev);
  return pmm_ledger_fill(e->ledger, &fill, realized_e6);
}

static void add_volume(pmm_exec_stats_t *st, pmm_side_t side, int32_t price_e4, int64_t qty_e6, int sign) {
  *(side == PMM_BID ? &st->bought_e6 : &st->sold_e6) += sign * qty_e6;
  st->volume_e6 += sign * pmm_notional_floor(price_e4, qty_e6);
}

static void tell_fill(pmm_exec_effect_t *fx, pmm_side_t side, int32_t price_e4, int64_t qty_e6, int64_t fee_e6, int64_t realized_e6) {
  fx->side = side;
  fx->fill_price_e4 = price_e4;
  fx->fill_qty_e6 = qty_e6;
  fx->fee_e6 = fee_e6;
  fx->realized_e6 = realized_e6;
}

static pmm_status_t step_fill(pmm_exec_t *e, pmm_order_t *o) {
  bool const all = pmm_order_open(o) == 0;
  if (!o->closed) return pmm__order_step(e, o, all ? PMM_IN_FILL_ALL : PMM_IN_FILL_PART);
  pmm_status_t const st = pmm__order_step(e, o, PMM_IN_FILL_PART);
  return all ? pmm__order_step(e, o, PMM_IN_GONE) : st;
}

/* Books a fill of an order, open or gone, once. */
static pmm_status_t take_fill(pmm_exec_t *e, uint32_t slot, uint8_t route, const pmm_event_t *ev, pmm_exec_effect_t *fx) {
  pmm_exec_stats_t *const stats = &e->slot[slot].stats;
  if (ev->ref_id && pmm__trade_seen(e, ev->order_id, ev->ref_id)) {
    stats->duplicates++;
    return PMM_STATE;
  }
  int64_t realized = 0;
  pmm_status_t const st = book(e, slot, route, ev, &realized);
  if (st != PMM_OK) return st;
  if (ev->ref_id) pmm__trade_note(e, ev->order_id, ev->ref_id);
  fx->is_fill = true;
  fx->maker = ev->md.flags & PMM_F_MAKER;
  tell_fill(fx, pmm_route_side((pmm_route_t)route), ev->md.price_e4, ev->md.qty_e6, ev->amount_e6, realized);
  stats->fills++;
  stats->maker_fills += fx->maker;
  add_volume(stats, fx->side, ev->md.price_e4, ev->md.qty_e6, 1);
  return PMM_OK;
}

static pmm_status_t on_fill(pmm_exec_t *e, pmm_order_t *o, const pmm_event_t *ev, pmm_exec_effect_t *fx) {
  pmm_status_t const st = take_fill(e, o->slot, o->route, ev, fx);
  if (st != PMM_OK) return st;
  o->seen = true;
  o->filled_e6 += ev->md.qty_e6;
  o->qty_e6 = pmm_max64(o->qty_e6, o->filled_e6); /* more than we thought open: still a fact */
  return step_fill(e, o);
}

/* -- orders that were there before us -- */
pmm_status_t pmm_exec_adopt(pmm_exec_t *exec, uint32_t slot, const pmm_exec_found_t *found, const pmm_market_t *market) {
  if (slot >= exec->slot_cnt || !exec->slot[slot].bound || found->route > PMM_BUY_NO || found->open_e6 <= 0 || found->filled_e6 < 0) return PMM_INVAL;
  if (found->price_e4 <= 0 || found->price_e4 >= PMM_ONE_E4 || found->order_id == 0) return PMM_INVAL;
  if (pmm__order_find(exec, found->order_id) != PMM__NONE) return PMM_EXISTS;
  if (exec->free_head == PMM__NONE) return PMM_FULL;
  pmm__exec_slot_t *const s = &exec->slot[slot];
  s->fees = market->fees;
  s->lot_e6 = market->lot_e6;
  pmm_order_t draft = {.id = found->order_id, .ref_id = found->ref_id, .slot = slot, .market = s->market, .route = found->route, .tif = PMM_GTC,
    .state = found->filled_e6 > 0 ? PMM_ORDER_PARTLY_FILLED : PMM_ORDER_LIVE, .price_e4 = found->price_e4, .qty_e6 = found->filled_e6 + found->open_e6,
    .filled_e6 = found->filled_e6, .placed_ns = found->now_ns, .acted_ns = found->now_ns, .ahead_e6 = -1, .seen = true};
  pmm_route_t const route = (pmm_route_t)found->route;
  int64_t fee = pmm_route_is_sell(route) ? 0 : pmm__fee_reserve(s, found->price_e4, found->open_e6);
  pmm_status_t st = pmm_ledger_lock(exec->ledger, &draft.lock, slot, route, found->price_e4, found->open_e6, fee);
  if (st != PMM_OK && fee > 0) st = pmm_ledger_lock(exec->ledger, &draft.lock, slot, route, found->price_e4, found->open_e6, 0); /* the venue reserved less */
  if (st != PMM_OK) return st;
  pmm__order_add(exec, &draft);
  return PMM_OK;
}

/* -- settlement of fills; their orders are usually gone -- */
static pmm_status_t on_settlement(pmm_exec_t *e, const pmm_event_t *ev, pmm_exec_effect_t *fx) {
  pmm_fill_t fill;
  uint64_t id = second_id(ev);
  if (!pmm_ledger_pending(e->ledger, id, &fill)) id = ev->ref_id;
  if (!pmm_ledger_pending(e->ledger, id, &fill)) return PMM_NOT_FOUND;
  fx->known = true;
  fx->slot = fill.slot;
  if (ev->md.kind == PMM_EV_SETTLED) return pmm_ledger_settle(e->ledger, id);
  pmm_position_t before, after;
  pmm_ledger_position(e->ledger, fill.slot, &before);
  pmm_status_t const st = pmm_ledger_fail(e->ledger, id, NULL);
  pmm_ledger_position(e->ledger, fill.slot, &after);
  pmm_side_t const side = pmm_route_side((pmm_route_t)fill.route);
  tell_fill(fx, side, fill.price_e4, fill.qty_e6, fill.fee_e6, after.realized_e6 - before.realized_e6);
  e->slot[fill.slot].stats.failed++;
  add_volume(&e->slot[fill.slot].stats, side, fill.price_e4, fill.qty_e6, -1);
  return st;
}

/* -- the door -- */
static pmm_status_t on_gone_order(pmm_exec_t *e, const pmm_event_t *ev, pmm_exec_effect_t *fx) {
  pmm__issued_t const was = e->issued[ev->order_id & e->issued_mask];
  if (was.id != ev->order_id || was.id == 0)
    return ev->order_id > e->id_base && ev->order_id <= e->id_last ? PMM_STATE : PMM_NOT_FOUND;
  fx->known = true;
  fx->slot = was.slot;
  /* A cancel or an end that named no quantity may overtake a fill: the order is gone, the fill a fact all the same. Without a trade id it
     cannot be told from a copy, and is left to reconciliation. */
  if (ev->md.kind == PMM_EV_FILL && ev->ref_id) return take_fill(e, was.slot, was.route, ev, fx);
  e->slot[was.slot].stats.late++;
  return PMM_STATE;
}

static pmm_status_t on_order_event(pmm_exec_t *e, pmm_order_t *o, const pmm_event_t *ev, pmm_exec_effect_t *fx) {
  switch (ev->md.kind) {
    case PMM_EV_ACK: return on_ack(e, o, ev);
    case PMM_EV_REJECT: return on_reject(e, o, ev);
    case PMM_EV_FILL: return on_fill(e, o, ev, fx);
    case PMM_EV_CANCELLED:
    case PMM_EV_EXPIRED: return on_closed(e, o, ev);
    case PMM_EV_CANCEL_REJECT: return on_cancel_reject(e, o, ev);
    case PMM_EV_AMENDED: return on_amended(e, o, ev);
    case PMM_EV_AMEND_REJECT: return on_amend_reject(e, o, ev);
    case PMM_EV_LOST: return pmm__order_step(e, o, PMM_IN_LOST);
    case PMM_EV_ORDER_STATE: return on_order_state(e, o, ev);
    default: return PMM_INVAL;
  }
}

pmm_status_t pmm_exec_on_event(pmm_exec_t *exec, const pmm_event_t *event, pmm_exec_effect_t *effect) {
  *effect = (pmm_exec_effect_t){0};
  if (event->md.kind == PMM_EV_SETTLED || event->md.kind == PMM_EV_SETTLE_FAILED) return on_settlement(exec, event, effect);
  pmm_order_t *const o = pmm__order_at(exec, pmm__order_find(exec, event->order_id));
  if (!o) return on_gone_order(exec, event, effect);
  effect->known = true;
  effect->slot = o->slot;
  effect->side = pmm__order_side(o);
  pmm_status_t const st = on_order_event(exec, o, event, effect);
  if (st == PMM_OK) pmm__order_refit(exec, o);
  effect->order = *o;
  effect->terminal = pmm_order_is_terminal((pmm_order_state_t)o->state);
  if (effect->terminal) pmm__order_drop(exec, o);
  return st;
}

/* -- time -- */
static bool awaits_answer(const pmm_order_t *o) {
  return o->state == PMM_ORDER_PENDING_NEW || o->state == PMM_ORDER_PENDING_CANCEL || o->state == PMM_ORDER_PENDING_AMEND;
}

static uint32_t time_out_list(pmm_exec_t *e, uint32_t head, int64_t now_ns) {
  uint32_t cnt = 0;
  for (pmm_order_t *o = pmm__order_at(e, head); o; o = pmm__order_at(e, o->next)) {
    if (!awaits_answer(o)) continue;
    int64_t const due = o->acted_ns + e->params.pending_timeout_ns;
    if (due > now_ns) e->deadline_ns = pmm_min64(e->deadline_ns, due);
    else cnt += pmm__order_step(e, o, PMM_IN_LOST) == PMM_OK;
  }
  return cnt;
}

uint32_t pmm_exec_on_timer(pmm_exec_t *exec, int64_t now_ns) {
  if (exec->params.pending_timeout_ns == 0 || now_ns < exec->deadline_ns) return 0;
  exec->deadline_ns = PMM_NS_MAX;
  uint32_t cnt = 0;
  for (uint32_t i = 0; i < exec->slot_cnt; i++)
    for (int side = 0; side < 2; side++) cnt += time_out_list(exec, exec->slot[i].head[side], now_ns);
  return cnt;
}
