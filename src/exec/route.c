/* src/exec/route.c -- from "so many at this price" to an order: YES/NO wording, what cash covers, the risk checks,
   the lock, the action. And the two other actions, cancel and amend. */
#include <assert.h>
#include <math.h>
#include "exec/internal.h"

#define UNKNOWN_RETRY_NS PMM_NS_PER_S         /* between cancels of an order whose fate is unknown */
#define LIMITED_RETRY_NS (100 * PMM_NS_PER_MS) /* between cancels that the venue's limit on requests refuses */

/* -- actions -- */
static pmm_action_t *emit(pmm_exec_t *e, pmm_order_t *o, pmm_action_kind_t kind, int64_t qty_e6, int64_t now_ns, pmm_actions_t *out) {
  assert(out->cnt < out->cap);
  pmm_action_t *const a = &out->action[out->cnt++];
  *a = (pmm_action_t){.at_ns = now_ns, .order_id = o->id, .qty_e6 = qty_e6, .price_e4 = o->price_e4, .market = o->market,
    .kind = (uint8_t)kind, .route = o->route, .tif = o->tif, .flags = o->flags, .slot = (uint16_t)o->slot, .ref_id = (int64_t)o->ref_id};
  o->acted_ns = now_ns;
  if (e->params.pending_timeout_ns) e->deadline_ns = pmm_min64(e->deadline_ns, now_ns + e->params.pending_timeout_ns);
  return a;
}

static int64_t pause_before_cancel(const pmm_order_t *o) {
  return o->state == PMM_ORDER_UNKNOWN ? UNKNOWN_RETRY_NS : o->cancel_sent ? LIMITED_RETRY_NS : 0;
}

bool pmm__cancel(pmm_exec_t *exec, pmm_order_t *order, int64_t now_ns, pmm_actions_t *out, bool forced) {
  if (order->state == PMM_ORDER_PENDING_CANCEL || order->closed) return true;
  if (out->cnt == out->cap) return false;
  if (!forced && now_ns - order->acted_ns < pause_before_cancel(order)) return false;
  if (!pmm_risk_allow_cancel(exec->risk, now_ns) && !forced) return false;
  pmm_status_t const st = pmm__order_step(exec, order, PMM_IN_CANCEL_SENT);
  assert(st == PMM_OK); /* every open state but PENDING_CANCEL takes it */
  (void)st;
  if (!order->cancel_sent) exec->slot[order->slot].stats.cancels++;
  order->cancel_sent = true;
  emit(exec, order, PMM_ACT_CANCEL, pmm_order_open(order), now_ns, out);
  return true;
}

bool pmm__amend(pmm_exec_t *exec, pmm_order_t *order, int64_t open_e6, int64_t now_ns, pmm_actions_t *out) {
  if (order->state != PMM_ORDER_LIVE && order->state != PMM_ORDER_PARTLY_FILLED) return false; /* one request at a time */
  if (out->cnt == out->cap || !pmm_risk_allow_cancel(exec->risk, now_ns)) return false;
  (void)pmm__order_step(exec, order, PMM_IN_AMEND_SENT);
  order->amend_price_e4 = order->price_e4;
  order->amend_open_e6 = open_e6;
  exec->slot[order->slot].stats.amends++;
  emit(exec, order, PMM_ACT_AMEND, open_e6, now_ns, out)->flags |= PMM_ACT_REDUCE_ONLY; /* a fill on its way must not turn it into more */
  return true;
}

/* -- what an order costs -- */
static int32_t outcome_price(pmm_route_t route, int32_t price_e4) {
  return route == PMM_BUY_YES || route == PMM_SELL_YES ? price_e4 : PMM_ONE_E4 - price_e4;
}

int64_t pmm__fee_reserve(const pmm__exec_slot_t *s, int32_t price_e4, int64_t open_e6) {
  if (s->fees.model == PMM_FEE_NONE || open_e6 == 0) return 0;
  int64_t const fills = open_e6 >= PMM__FEE_FILLS * s->lot_e6 ? PMM__FEE_FILLS : pmm_max64(1, open_e6 / s->lot_e6);
  return pmm_fee_bound(&s->fees, price_e4, open_e6, (int)fills);
}

static int64_t buy_cost(const pmm__exec_slot_t *s, pmm_route_t route, int32_t price_e4, int64_t qty_e6) {
  return pmm_notional_ceil(outcome_price(route, price_e4), qty_e6) + pmm__fee_reserve(s, price_e4, qty_e6);
}

/* The largest multiple of the lot up to qty that budget pays for. */
static int64_t buyable(const pmm__turn_t *t, pmm_route_t route, int32_t price_e4, int64_t qty_e6, int64_t budget_e6) {
  if (budget_e6 <= 0) return 0;
  int64_t const without_fee = pmm_muldiv_floor(budget_e6, PMM_ONE_E4, outcome_price(route, price_e4));
  int64_t low = 0, high = pmm_min64(qty_e6, without_fee) / t->lot_e6;
  while (low < high) { /* low is paid for */
    int64_t const mid = low + (high - low + 1) / 2;
    if (buy_cost(t->s, route, price_e4, mid * t->lot_e6) <= budget_e6) low = mid;
    else high = mid - 1;
  }
  return low * t->lot_e6;
}

/* -- the slot as the checks see it -- */
static void count_order(pmm__turn_t *t, const pmm_order_t *o) {
  pmm_side_t const side = pmm__order_side(o);
  t->open_e6[side] += pmm_order_open(o);
  t->cash_e6[side] += o->lock.cash_e6;
  if (!pmm_route_is_sell((pmm_route_t)o->route)) t->buy_e6 += pmm_order_open(o);
  if (pmm__order_counts(o) && (t->best_e4[side] == 0 || pmm__price_better(side, o->price_e4, t->best_e4[side]))) t->best_e4[side] = o->price_e4;
}

static void count_turn(pmm__turn_t *t) {
  if (t->counted) return;
  t->counted = true;
  t->at_risk_e6 = t->ctx->at_risk_e6;
  t->buy_e6 = 0;
  for (int side = 0; side < 2; side++) {
    t->open_e6[side] = t->cash_e6[side] = 0;
    t->best_e4[side] = 0;
  }
  for (int side = 0; side < 2; side++)
    for (const pmm_order_t *o = pmm__order_at(t->exec, t->s->head[side]); o; o = pmm__order_at(t->exec, o->next)) {
      if (o->state == PMM_ORDER_PENDING_CANCEL) t->at_risk_e6 -= o->lock.cash_e6;
      else count_order(t, o);
    }
}

static void refuse(pmm__turn_t *t, pmm_risk_reason_t reason) {
  t->refused = reason;
  t->s->stats.refused++;
}

/* Refusals found here rather than in pmm_risk_check are counted there too. */
static void refuse_here(pmm__turn_t *t, pmm_risk_reason_t reason) {
  t->exec->risk->refused[reason]++;
  refuse(t, reason);
}

static bool only_reduces(const pmm__turn_t *t, pmm_side_t side, const pmm_position_t *pos, int64_t qty_e6) {
  int64_t const against = -pmm_side_sign(side) * pmm_position_net(pos);
  return against > 0 && t->open_e6[side] + qty_e6 <= against;
}

/* -- placing -- */
typedef struct draft { pmm_route_t route; int32_t price_e4; int64_t qty_e6, cost_e6, fee_e6; bool is_exit, opens, reduces; } draft_t; /* opens: an immediate order that is no exit; fee_e6: of cost_e6 */

static void price_buy(const pmm__turn_t *t, draft_t *d) {
  d->fee_e6 = pmm__fee_reserve(t->s, d->price_e4, d->qty_e6);
  d->cost_e6 = pmm_notional_ceil(outcome_price(d->route, d->price_e4), d->qty_e6) + d->fee_e6;
}

/* Cuts a buy to what cash covers; false when that is no order. */
static bool fit_to_cash(pmm__turn_t *t, draft_t *d) {
  if (pmm_route_is_sell(d->route)) return true;
  int64_t const free = pmm_ledger_slot_free(t->exec->ledger, t->slot);
  int64_t const budget = d->reduces ? free : free - t->quotes->cash_floor_e6;
  price_buy(t, d);
  if (d->cost_e6 <= budget) return true;
  pmm_risk_reason_t const reason = d->cost_e6 <= free ? PMM_RISK_CASH_FLOOR : PMM_RISK_CASH;
  d->qty_e6 = buyable(t, d->route, d->price_e4, d->qty_e6, budget);
  if (d->qty_e6 < t->min_e6) {
    refuse_here(t, reason);
    return false;
  }
  price_buy(t, d);
  return true;
}

static pmm_risk_reason_t judge(pmm__turn_t *t, const draft_t *d, const pmm_position_t *pos) {
  pmm_side_t const side = pmm_route_side(d->route);
  pmm_risk_order_t const o = {.now_ns = t->ctx->now_ns, .side = side, .price_e4 = d->price_e4, .qty_e6 = d->qty_e6, .cost_e6 = d->cost_e6,
    .reduces = d->reduces, .fair = t->quotes->fair, .yes_e6 = pos->yes_e6, .no_e6 = pos->no_e6, .open_bid_e6 = t->open_e6[PMM_BID],
    .open_ask_e6 = t->open_e6[PMM_ASK], .open_buy_e6 = t->buy_e6, .open_notional_side_e6 = t->cash_e6[side],
    .own_best_bid_e4 = t->best_e4[PMM_BID], .own_best_ask_e4 = t->best_e4[PMM_ASK], .equity_e6 = t->ctx->equity_e6,
    .at_risk_e6 = t->at_risk_e6, .free_cash_e6 = pmm_ledger_slot_free(t->exec->ledger, t->slot), .cash_floor_e6 = t->quotes->cash_floor_e6};
  return pmm_risk_check(t->exec->risk, &o);
}

static void send(pmm__turn_t *t, const draft_t *d) {
  pmm_exec_t *const e = t->exec;
  /* An exit is not reduce-only: the venue knows the account's position, not this slot's share of it, and would cut the order by the wrong one. */
  uint8_t const flags = !d->is_exit && e->params.post_only ? PMM_ACT_POST_ONLY : 0;
  pmm_order_t draft = {.id = e->id_last + 1, .slot = t->slot, .market = t->s->market, .state = PMM_ORDER_PENDING_NEW,
    .route = (uint8_t)d->route, .tif = d->is_exit ? PMM_IOC : PMM_GTC, .flags = flags, .price_e4 = d->price_e4, .qty_e6 = d->qty_e6,
    .placed_ns = t->ctx->now_ns, .ahead_e6 = -1, .is_exit = d->is_exit};
  pmm_status_t const st = pmm_ledger_lock(e->ledger, &draft.lock, t->slot, d->route, d->price_e4, d->qty_e6, d->fee_e6);
  assert(st == PMM_OK); /* cash and contracts were checked just now */
  (void)st;
  pmm_order_t *const o = pmm__order_add(e, &draft);
  assert(o);
  e->id_last = o->id;
  t->at_risk_e6 += o->lock.cash_e6;
  count_order(t, o);
  t->s->stats.orders++;
  t->s->stats.exits += d->is_exit && !d->opens;
  emit(e, o, PMM_ACT_PLACE, o->qty_e6, t->ctx->now_ns, t->out);
}

static void submit(pmm__turn_t *t, draft_t d) {
  if (t->out->cnt == t->out->cap || t->exec->free_head == PMM__NONE) {
    refuse_here(t, PMM_RISK_CAPACITY);
    return;
  }
  t->s->fees = t->ctx->market->fees;
  t->s->lot_e6 = t->lot_e6;
  count_turn(t);
  pmm_position_t pos;
  pmm_ledger_position(t->exec->ledger, t->slot, &pos);
  d.reduces = (d.is_exit && !d.opens) || only_reduces(t, pmm_route_side(d.route), &pos, d.qty_e6);
  if (!fit_to_cash(t, &d)) return;
  pmm_risk_reason_t const reason = judge(t, &d, &pos);
  if (reason == PMM_RISK_NONE) send(t, &d);
  else refuse(t, reason);
}

/* -- wording -- */
static pmm_route_t sell_route(pmm_side_t side) { return side == PMM_BID ? PMM_SELL_NO : PMM_SELL_YES; }
static pmm_route_t buy_route(pmm_side_t side) { return side == PMM_BID ? PMM_BUY_YES : PMM_BUY_NO; }

static int64_t sellable(const pmm__turn_t *t, pmm_side_t side) {
  if (t->exec->params.route == PMM_ROUTE_OPPOSITE_ONLY) return 0;
  pmm_position_t pos;
  pmm_ledger_position(t->exec->ledger, t->slot, &pos);
  return pmm_floor_to_lot(pmm_max64(0, side == PMM_BID ? pos.no_sellable_e6 : pos.yes_sellable_e6), t->lot_e6);
}

/* The part of qty to sell from holdings, such that neither part is below the smallest order. */
static int64_t sell_part(const pmm__turn_t *t, pmm_side_t side, int64_t qty_e6) {
  int64_t const held = sellable(t, side);
  if (held >= qty_e6) return qty_e6;
  int64_t const part = qty_e6 - held >= t->min_e6 ? held : pmm_floor_to_lot(qty_e6 - t->min_e6, t->lot_e6);
  return part >= t->min_e6 ? part : 0;
}

void pmm__place(pmm__turn_t *turn, pmm_side_t side, int32_t price_e4, int64_t qty_e6) {
  int64_t const sell = sell_part(turn, side, qty_e6);
  if (sell) submit(turn, (draft_t){.route = sell_route(side), .price_e4 = price_e4, .qty_e6 = sell});
  if (sell < qty_e6) submit(turn, (draft_t){.route = buy_route(side), .price_e4 = price_e4, .qty_e6 = qty_e6 - sell});
}

bool pmm__affordable(const pmm__turn_t *turn, pmm_side_t side, int32_t price_e4, int64_t qty_e6) {
  int64_t const buy = qty_e6 - sell_part(turn, side, qty_e6);
  if (buy == 0) return true;
  return buy_cost(turn->s, buy_route(side), price_e4, buy) <= pmm_ledger_slot_free(turn->exec->ledger, turn->slot) - turn->quotes->cash_floor_e6;
}

/* -- exits -- */
static bool exit_under_way(const pmm__turn_t *t, pmm_side_t side) {
  for (const pmm_order_t *o = pmm__order_at(t->exec, t->s->head[side]); o; o = pmm__order_at(t->exec, o->next))
    if (o->is_exit) return true;
  return false;
}

/* Contracts to sell that will be free as soon as the venue confirms a cancel. */
static bool sells_being_cancelled(const pmm__turn_t *t, pmm_side_t side) {
  for (const pmm_order_t *o = pmm__order_at(t->exec, t->s->head[side]); o; o = pmm__order_at(t->exec, o->next))
    if (o->state == PMM_ORDER_PENDING_CANCEL && o->lock.qty_e6 > 0) return true;
  return false;
}

/* The worst price an exit may take, or PMM_TICKS_NONE when the book offers nothing as good. */
static int32_t exit_price(const pmm__turn_t *t, pmm_side_t side) {
  double const away = isnan(t->quotes->exit_limit) ? t->exec->params.max_exit_slippage : t->quotes->exit_limit;
  const pmm_grid_t *const grid = &t->ctx->market->grid;
  int32_t const limit = side == PMM_BID ? pmm_grid_floor(grid, t->quotes->fair + away) : pmm_grid_ceil(grid, t->quotes->fair - away);
  int32_t const there = pmm_ladder_best_e4(t->ctx->ladder, pmm_side_opposite(side));
  if (t->ctx->market->data & PMM_DATA_PRICE && there == 0) return limit; /* a source of prices shows nobody to take from */
  bool const takes = limit != PMM_TICKS_NONE && there != 0 && !pmm__price_better(side, there, limit);
  return takes ? limit : PMM_TICKS_NONE;
}

void pmm__exit(pmm__turn_t *turn) {
  pmm_side_t const side = turn->quotes->exit_side;
  if (exit_under_way(turn, PMM_BID) || exit_under_way(turn, PMM_ASK)) return;
  if (isnan(turn->quotes->fair)) {
    refuse_here(turn, PMM_RISK_FAIR);
    return;
  }
  int32_t const price = exit_price(turn, side);
  int64_t const qty = pmm_floor_to_lot(pmm_min64(turn->quotes->exit_qty_e6, turn->exec->risk->params.max_order_size_e6), turn->lot_e6);
  if (price == PMM_TICKS_NONE || qty < turn->min_e6) return;
  int64_t const held = pmm_min64(qty, sellable(turn, side));
  if (held >= turn->min_e6) submit(turn, (draft_t){.route = sell_route(side), .price_e4 = price, .qty_e6 = held, .is_exit = true});
  else if (!sells_being_cancelled(turn, side)) submit(turn, (draft_t){.route = buy_route(side), .price_e4 = price, .qty_e6 = qty, .is_exit = true});
}

/* -- takes: both sides may be taken at once, each while none of its own is under way -- */
static void take_side(pmm__turn_t *t, pmm_side_t side, const pmm_level_t *want) {
  int64_t const qty = pmm_floor_to_lot(want->qty_e6, t->lot_e6);
  if (qty < t->min_e6 || !pmm_grid_is_valid(&t->ctx->market->grid, want->price_e4) || exit_under_way(t, side)) return;
  int64_t const sell = sell_part(t, side, qty);
  draft_t d = {.route = sell_route(side), .price_e4 = want->price_e4, .qty_e6 = sell, .is_exit = true, .opens = true};
  if (sell) submit(t, d);
  d.route = buy_route(side);
  d.qty_e6 = qty - sell;
  if (d.qty_e6) submit(t, d);
}

void pmm__take(pmm__turn_t *turn) {
  for (int side = 0; side < 2; side++) take_side(turn, (pmm_side_t)side, &turn->quotes->take[side]);
}
