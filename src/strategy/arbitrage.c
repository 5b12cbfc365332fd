/* Strategy `arbitrage`: sets of contracts whose payout is certain, bought below it (docs/strategies/arbitrage.md).
       complete set   one book whose bid exceeds its ask: YES and NO together for less than a dollar
       pair           one question on two venues: YES where it is cheap, NO where it is dear
       set            exclusive outcomes, one of which comes true: every YES for less than a dollar in all, or every NO for less than n-1
   Each is taken with immediate orders on all legs at once. What comes back unequal is completed or got out of within leg_timeout. */
#include "quoting.h"

typedef enum arb_kind { ARB_PAIR, ARB_SET } arb_kind_t;

typedef struct arb_params {
  int32_t kind;
  double min_edge, min_liquidity, max_days;
  int64_t size, max_position;
  int64_t leg_timeout, cooldown; /* ns */
} arb_params_t;

typedef struct arb {
  const arb_params_t *params;
  int64_t uneven_since_ns;  /* legs were found unequal; PMM_TIME_NONE: they are not */
  int64_t taken_ns;         /* last opportunity */
} arb_t;

static const pmm_param_t table[] = {
  PMM__CHOICE(arb_params_t, kind, "pair", "pair|set", "what markets of one event are to each other: the same question, or exclusive outcomes of which exactly one comes true"),
  PMM__PARAM(F64, arb_params_t, min_edge, "0.025", 0, 1, "dollars per set", "certain gain after fees that is worth an order"),
  PMM__PARAM(F64, arb_params_t, min_liquidity, "1000", 0, 1e12, "dollars", "money resting in each leg's book"),
  PMM__PARAM(F64, arb_params_t, max_days, "30", 0, 36500, "days", "no set whose payout is further away"),
  PMM__PARAM(QTY, arb_params_t, size, "50", 0.000001, 1e9, "contracts", "most sets at once; keep it within risk.max_order_size"),
  PMM__PARAM(QTY, arb_params_t, max_position, "500", 0.000001, 1e9, "contracts", "most sets held"),
  PMM__PARAM(DURATION, arb_params_t, leg_timeout, "2s", 0, 3600, "s", "an open leg is completed at no loss until then, and got out of afterwards"),
  PMM__PARAM(DURATION, arb_params_t, cooldown, "250ms", 0, 3600, "s", "between two sets"),
};

static pmm_status_t init(void *state, const void *params, uint64_t seed) {
  (void)seed;
  *(arb_t *)state = (arb_t){.params = params, .uneven_since_ns = PMM_TIME_NONE, .taken_ns = INT64_MIN / 2};
  return PMM_OK;
}

static int64_t refresh_ns(const void *params) { return pmm_max64(PMM_NS_PER_S / 4, ((const arb_params_t *)params)->leg_timeout / 4); }

/* -- what a leg offers: the best level to buy YES from (PMM_BID) or to sell YES to (PMM_ASK), its cost with the fee -- */
typedef struct offer { int32_t price_e4; int64_t qty_e6; double cost; } offer_t; /* cost: dollars a contract bought (of NO when selling YES), fee in */

static offer_t offer_of(const pmm_view_t *v, pmm_side_t side) {
  pmm_side_t const there = pmm_side_opposite(side);
  int32_t const tick = v->ladder->best[there];
  if (tick == PMM_TICKS_NONE) return (offer_t){0};
  int32_t const price = tick * v->ladder->tick_e4;
  int64_t const qty = pmm_ladder_qty(v->ladder, there, tick);
  pmm_route_t const route = side == PMM_BID ? PMM_BUY_YES : PMM_BUY_NO;
  double const outcome = side == PMM_BID ? price / 1e4 : 1 - price / 1e4;
  double const fee = (double)pmm_fee_charge(&v->market->fees, false, (int)route, price, qty, NULL) / (double)qty;
  return (offer_t){.price_e4 = price, .qty_e6 = qty, .cost = outcome + fee};
}

static bool is_eligible(const arb_t *a, const pmm_leg_t *leg) {
  const pmm_view_t *const v = &leg->view;
  if (!leg->active || v->order_cnt > 0) return false;
  if (!isnan(v->time_left_s) && (v->time_left_s <= 0 || v->time_left_s > a->params->max_days * 86400)) return false;
  return (double)pmm_ladder_notional(v->ladder) / 1e6 >= a->params->min_liquidity;
}

static int64_t largest_lot(const pmm_leg_t *const *leg, size_t cnt) {
  int64_t lot = 1;
  for (size_t i = 0; i < cnt; i++) lot = pmm_max64(lot, leg[i]->view.market->lot_e6);
  return lot;
}

static bool fits(const pmm_leg_t *const *leg, size_t cnt, int64_t qty_e6) {
  for (size_t i = 0; i < cnt; i++)
    if (pmm__size(leg[i]->view.market, qty_e6) != qty_e6) return false;
  return qty_e6 > 0;
}

static void take(const pmm_leg_t *leg, pmm_side_t side, int32_t price_e4, int64_t qty_e6, double edge, const arb_params_t *p) {
  pmm_quotes_t *const q = leg->out;
  q->action = PMM_QUOTE_TAKE;
  q->fair = price_e4 / 1e4;
  q->take[side] = (pmm_level_t){price_e4, qty_e6};
  q->why = "certain gain";
  if (q->reason_cnt > 0) return; /* both sides of one book */
  pmm_quotes_reason(q, "edge", edge);
  pmm_quotes_reason(q, "strength", p->min_edge > 0 ? edge / p->min_edge : INFINITY);
}

/* -- legs that are not equal -- */
static int64_t net_of(const pmm_leg_t *leg) { return pmm_position_net(&leg->view.position); }

/* How much more YES each leg holds than it should, that all be equal. Pair: the nets sum to nothing, what is too much lies on the leg that has more of
   that sign. Set: every leg has the net of the one that is nearest to nothing. */
static bool excesses(const arb_t *a, const pmm_leg_t *leg, size_t cnt, int64_t *excess) {
  int64_t sum = 0, least = INT64_MAX;
  bool pos = false, neg = false, any = false;
  size_t most = 0;
  for (size_t i = 0; i < cnt; i++) {
    int64_t const net = net_of(&leg[i]);
    sum += net;
    pos |= net > 0;
    neg |= net < 0;
    least = pmm_min64(least, pmm_abs64(net));
    excess[i] = 0;
  }
  if (a->params->kind == ARB_SET && cnt > 1) {
    if (pos && neg) least = 0;
    for (size_t i = 0; i < cnt; i++) {
      int64_t const net = net_of(&leg[i]);
      excess[i] = net > 0 ? net - least : net < 0 ? net + least : 0;
      any |= excess[i] != 0;
    }
    return any;
  }
  for (size_t i = 1; i < cnt; i++)
    if (sum > 0 ? net_of(&leg[i]) > net_of(&leg[most]) : net_of(&leg[i]) < net_of(&leg[most])) most = i;
  excess[most] = sum;
  return sum != 0;
}

/* Dust below a venue's smallest order cannot be traded away and is left. */
static bool matters(const pmm_leg_t *leg, int64_t excess_e6) { return pmm__size(leg->view.market, pmm_abs64(excess_e6)) > 0; }

/* Before the time-out the missing legs are asked for again where that costs nothing; afterwards the surplus is sold. */
static bool even_out(arb_t *a, const pmm_leg_t *leg, size_t cnt) {
  int64_t excess[PMM_LEGS_MAX];
  bool any = false;
  if (excesses(a, leg, cnt, excess))
    for (size_t i = 0; i < cnt; i++) any |= matters(&leg[i], excess[i]);
  if (!any) {
    a->uneven_since_ns = PMM_TIME_NONE;
    return false;
  }
  int64_t const now = leg[0].view.now_ns;
  if (a->uneven_since_ns == PMM_TIME_NONE) a->uneven_since_ns = now;
  bool const late = now - a->uneven_since_ns >= a->params->leg_timeout;
  for (size_t i = 0; i < cnt; i++) {
    leg[i].out->action = PMM_QUOTE_KEEP;
    leg[i].out->why = "waiting for the other legs";
    if (!late || !leg[i].active || !matters(&leg[i], excess[i])) continue;
    pmm__exit(leg[i].out, excess[i], pmm_abs64(excess[i]), "open leg");
    leg[i].out->fair = leg[i].view.mid;
  }
  return true;
}

/* The side that a surplus elsewhere leaves missing here, at a price that brings the whole to no loss. Pair only: of a set each leg's own surplus says it. */
static void complete_pair(arb_t *a, const pmm_leg_t *leg, size_t cnt) {
  int64_t excess[PMM_LEGS_MAX];
  if (a->params->kind != ARB_PAIR || cnt < 2 || !excesses(a, leg, cnt, excess)) return;
  size_t long_leg = 0;
  while (excess[long_leg] == 0) long_leg++;
  pmm_position_t const *const pos = &leg[long_leg].view.position;
  int64_t const surplus = excess[long_leg];
  bool const yes = surplus > 0;
  int64_t const held = yes ? pos->yes_e6 : pos->no_e6, cost = yes ? pos->yes_cost_e6 : pos->no_cost_e6;
  if (held <= 0) return;
  double const paid = (double)cost / (double)held;
  pmm_side_t const side = yes ? PMM_ASK : PMM_BID; /* the other leg sells YES against a surplus of it */
  size_t best = SIZE_MAX;
  offer_t at = {0};
  for (size_t i = 0; i < cnt; i++) {
    if (i == long_leg || !leg[i].active || leg[i].view.order_cnt) continue;
    offer_t const o = offer_of(&leg[i].view, side);
    if (o.qty_e6 > 0 && (best == SIZE_MAX || o.cost < at.cost)) { best = i; at = o; }
  }
  if (best == SIZE_MAX || paid + at.cost > 1) return;
  int64_t const qty = pmm__size(leg[best].view.market, pmm_min64(pmm_abs64(surplus), at.qty_e6));
  if (qty > 0) take(&leg[best], side, at.price_e4, qty, 1 - paid - at.cost, a->params);
}

/* -- opportunities -- */
static bool try_one_book(arb_t *a, const pmm_leg_t *leg) {
  offer_t const yes = offer_of(&leg->view, PMM_BID), no = offer_of(&leg->view, PMM_ASK);
  if (!is_eligible(a, leg) || yes.qty_e6 == 0 || no.qty_e6 == 0) return false;
  double const edge = 1 - yes.cost - no.cost;
  int64_t const qty = pmm__size(leg->view.market, pmm_min64(a->params->size, pmm_min64(yes.qty_e6, no.qty_e6)));
  if (edge < a->params->min_edge || qty == 0) return false;
  take(leg, PMM_BID, yes.price_e4, qty, edge, a->params);
  take(leg, PMM_ASK, no.price_e4, qty, edge, a->params);
  return true;
}

static bool try_pair(arb_t *a, const pmm_leg_t *leg, size_t cnt) {
  const pmm_leg_t *cheap = NULL, *dear = NULL;
  offer_t yes = {0}, no = {0};
  for (size_t i = 0; i < cnt; i++) {
    if (!is_eligible(a, &leg[i])) continue;
    offer_t const y = offer_of(&leg[i].view, PMM_BID), n = offer_of(&leg[i].view, PMM_ASK);
    if (y.qty_e6 > 0 && (!cheap || y.cost < yes.cost)) { cheap = &leg[i]; yes = y; }
    if (n.qty_e6 > 0 && (!dear || n.cost < no.cost)) { dear = &leg[i]; no = n; }
  }
  if (!cheap || !dear || cheap == dear) return false;
  double const edge = 1 - yes.cost - no.cost;
  int64_t const held = pmm_max64(pmm_abs64(net_of(cheap)), pmm_abs64(net_of(dear)));
  const pmm_leg_t *const both[] = {cheap, dear};
  int64_t const most = pmm_min64(a->params->size, a->params->max_position - held);
  int64_t const qty = pmm_floor_to_lot(pmm_max64(0, pmm_min64(most, pmm_min64(yes.qty_e6, no.qty_e6))), largest_lot(both, 2));
  if (edge < a->params->min_edge || !fits(both, 2, qty)) return false;
  take(cheap, PMM_BID, yes.price_e4, qty, edge, a->params);
  take(dear, PMM_ASK, no.price_e4, qty, edge, a->params);
  return true;
}

/* Every YES (side PMM_BID) pays a dollar in all, every NO (PMM_ASK) n - 1. */
static bool try_set(arb_t *a, const pmm_leg_t *leg, size_t cnt, pmm_side_t side) {
  const pmm_leg_t *all[PMM_LEGS_MAX];
  offer_t offer[PMM_LEGS_MAX];
  double cost = 0;
  int64_t qty = a->params->size;
  for (size_t i = 0; i < cnt; i++) {
    offer[i] = offer_of(&leg[i].view, side);
    if (!is_eligible(a, &leg[i]) || offer[i].qty_e6 == 0) return false;
    all[i] = &leg[i];
    cost += offer[i].cost;
    qty = pmm_min64(qty, pmm_min64(offer[i].qty_e6, a->params->max_position - pmm_abs64(net_of(&leg[i]))));
  }
  double const edge = (side == PMM_BID ? 1 : (double)(cnt - 1)) - cost;
  qty = pmm_floor_to_lot(pmm_max64(0, qty), largest_lot(all, cnt));
  if (edge < a->params->min_edge || !fits(all, cnt, qty)) return false;
  for (size_t i = 0; i < cnt; i++) take(&leg[i], side, offer[i].price_e4, qty, edge, a->params);
  return true;
}

static bool try_all(arb_t *a, const pmm_leg_t *leg, size_t cnt) {
  for (size_t i = 0; i < cnt; i++)
    if (try_one_book(a, &leg[i])) return true;
  if (cnt < 2) return false;
  if (a->params->kind == ARB_PAIR) return try_pair(a, leg, cnt);
  return try_set(a, leg, cnt, PMM_BID) || try_set(a, leg, cnt, PMM_ASK);
}

static pmm_status_t on_group(void *state, const pmm_leg_t *leg, size_t cnt) {
  arb_t *const a = state;
  bool busy = false;
  for (size_t i = 0; i < cnt; i++) {
    pmm__pause(leg[i].out, "no certain gain");
    busy |= leg[i].view.order_cnt > 0;
  }
  if (busy) { /* answers are awaited: what they bring decides */
    for (size_t i = 0; i < cnt; i++) leg[i].out->action = PMM_QUOTE_KEEP;
    return PMM_OK;
  }
  if (even_out(a, leg, cnt)) {
    if (leg[0].view.now_ns - a->uneven_since_ns < a->params->leg_timeout) complete_pair(a, leg, cnt);
    return PMM_OK;
  }
  int64_t const now = leg[0].view.now_ns;
  if (now - a->taken_ns >= a->params->cooldown && try_all(a, leg, cnt)) a->taken_ns = now;
  return PMM_OK;
}

static pmm_status_t on_view(void *state, const pmm_view_t *view, pmm_quotes_t *out) {
  pmm_leg_t const leg = {.view = *view, .active = true, .out = out};
  return on_group(state, &leg, 1);
}

static pmm_status_t check(const void *params, pmm_error_t *err) {
  const arb_params_t *const p = params;
  return p->size <= p->max_position ? PMM_OK : pmm_error_set(err, PMM_INVAL, "size: above max_position");
}

const pmm_strategy_ops_t pmm__strategy_arbitrage = {
  .abi = PMM_STRATEGY_ABI,
  .name = "arbitrage",
  .help = "sets of contracts whose payout is certain, bought below it: complete sets, pairs over venues, exclusive outcomes",
  .params = table,
  .param_cnt = PMM__CNT(table),
  .params_size = sizeof(arb_params_t),
  .state_size = sizeof(arb_t),
  .wake = PMM_WAKE_BOOK | PMM_WAKE_FILL | PMM_WAKE_TIMER | PMM_WAKE_LIFE,
  .check = check,
  .init = init,
  .refresh_ns = refresh_ns,
  .on_view = on_view,
  .on_group = on_group,
  .priority = 100,
};
