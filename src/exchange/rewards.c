/* Rewards: parameters, one sample of either venue, and what accrues over a run. */
#include "exchange/rewards_impl.h"
#include "exchange/row.h"
#include <assert.h>
#include <math.h>
#include "pmm/hash.h"

#define DAY_NS (INT64_C(86400) * PMM_NS_PER_S)
#define CENT_E6 10000
#define REBATE_MIN_E6 PMM_ONE_E6

#define ROW(...) PMM__ROW(pmm_rewards_params_t, __VA_ARGS__)
const pmm_param_t pmm_rewards_param_table[] = {
  ROW(ENUM, model, "model", "none", 0, 0, "", "none|polymarket|kalshi", "by whose formula quoting is rewarded"),
  ROW(CASH, pool_e6, "pool", "100", 0, 1e9, "dollars", NULL, "what all makers of a market share in a period"),
  ROW(DURATION, period_ns, "period", "24h", 1, 31536000, "s", NULL, "what the pool is for; of part of it, that part of the pool"),
  ROW(DURATION, every_ns, "every", "0", 0, 86400, "s", NULL, "one sample at a random moment of each; 0: 1m on Polymarket, 1s on Kalshi"),
  ROW(CASH, min_payout_e6, "min_payout", "1", 0, 1e6, "dollars", NULL, "a period that earns less pays nothing"),
  ROW(PRICE, max_spread_e4, "max_spread", "0.03", 0.0001, 0.5, "dollars", NULL, "Polymarket: orders this far from the midpoint score nothing"),
  ROW(QTY, min_size_e6, "min_size", "50", 0, 1e9, "contracts", NULL, "Polymarket: smaller orders score nothing"),
  ROW(F64, one_sided, "one_sided", "3", 1, 1000, "", NULL, "Polymarket: c, by which one-sided depth is divided"),
  ROW(DURATION, order_age_ns, "order_age", "3.5s", 0, 86400, "s", NULL, "Polymarket: younger orders score nothing"),
  ROW(QTY, target_e6, "target_size", "500", 0.01, 1e9, "contracts", NULL, "Kalshi: contracts from the best price on that qualify"),
  ROW(F64, discount, "discount_factor", "0.5", 0, 1, "", NULL, "Kalshi: the score's factor for each step from the best price"),
  ROW(PRICE, step_e4, "step", "0.01", 0.0001, 0.5, "dollars", NULL, "Kalshi: what a step is, whatever the market's grid"),
};
#undef ROW
const size_t pmm_rewards_param_cnt = sizeof pmm_rewards_param_table / sizeof pmm_rewards_param_table[0];

static bool is_sane(const pmm_rewards_params_t *p) {
  if (p->model < PMM_REWARDS_NONE || p->model > PMM_REWARDS_KALSHI) return false;
  if (p->pool_e6 < 0 || p->period_ns < PMM_NS_PER_S || p->every_ns < 0 || p->every_ns > p->period_ns || p->min_payout_e6 < 0) return false;
  if (p->max_spread_e4 <= 0 || p->min_size_e6 < 0 || !(p->one_sided >= 1) || !isfinite(p->one_sided) || p->order_age_ns < 0) return false;
  return p->target_e6 > 0 && p->discount >= 0 && p->discount <= 1 && p->step_e4 > 0;
}

static int64_t interval_of(const pmm_rewards_params_t *p) {
  return p->every_ns > 0 ? p->every_ns : p->model == PMM_REWARDS_KALSHI ? PMM_NS_PER_S : 60 * PMM_NS_PER_S;
}

/* -- our orders and everybody else's as one book -- */
bool pmm__walk_next(pmm__walk_t *w, pmm__level_t *level) {
  const pmm_ladder_t *const l = w->others;
  int32_t const tick = w->at_e4 == 0 ? l->best[w->side] : pmm_ladder_next(l, w->side, w->at_e4 / l->tick_e4);
  int32_t price_e4 = tick * l->tick_e4;
  for (size_t i = 0; i < w->own_cnt; i++)
    if (w->own[i].side == w->side && (w->at_e4 == 0 || pmm__is_better(w->side, w->at_e4, w->own[i].price_e4)) &&
        (price_e4 == 0 || pmm__is_better(w->side, w->own[i].price_e4, price_e4)))
      price_e4 = w->own[i].price_e4;
  if (price_e4 == 0) return false;
  *level = (pmm__level_t){.price_e4 = price_e4, .others_e6 = price_e4 == tick * l->tick_e4 ? pmm_ladder_qty(l, w->side, tick) : 0};
  for (size_t i = 0; i < w->own_cnt; i++)
    if (w->own[i].side == w->side && w->own[i].price_e4 == price_e4) level->own_e6 += w->own[i].open_e6;
  w->at_e4 = price_e4;
  return true;
}

void pmm_rewards_share(const pmm_rewards_params_t *params, const pmm_ladder_t *others, const pmm_sim_order_t *own, size_t own_cnt, int64_t now_ns,
                       pmm_rewards_share_t *out) {
  switch ((pmm_rewards_model_t)params->model) {
  case PMM_REWARDS_NONE: *out = (pmm_rewards_share_t){0}; return;
  case PMM_REWARDS_POLYMARKET: pmm__polymarket_share(params, others, own, own_cnt, now_ns, out); return;
  case PMM_REWARDS_KALSHI: pmm__kalshi_share(params, others, own, own_cnt, out); return;
  }
}

/* -- for choosing markets -- */
static int32_t down_to(int32_t twice_e4, int32_t tick_e4) { return twice_e4 / (2 * tick_e4) * tick_e4; }

static pmm_status_t quote_around(const pmm_rewards_params_t *p, const pmm_ladder_t *l, int32_t distance_e4, int64_t qty_e6, pmm_sim_order_t quote[2]) {
  if (distance_e4 < 0 || distance_e4 >= PMM_ONE_E4 || qty_e6 <= 0 || p->model == PMM_REWARDS_NONE || !is_sane(p)) return PMM_INVAL;
  int32_t twice_e4;
  if (pmm_rewards_midpoint(l, NULL, 0, p->model == PMM_REWARDS_POLYMARKET ? p->min_size_e6 : 0, &twice_e4) != PMM_OK) return PMM_NOT_READY;
  int32_t const bid = twice_e4 > 2 * distance_e4 ? down_to(twice_e4 - 2 * distance_e4, l->tick_e4) : 0;
  int32_t const ask = down_to(twice_e4 + 2 * distance_e4 + 2 * l->tick_e4 - 1, l->tick_e4);
  bool const crosses = (l->best[PMM_ASK] && bid >= pmm_ladder_best_e4(l, PMM_ASK)) || (l->best[PMM_BID] && ask <= pmm_ladder_best_e4(l, PMM_BID));
  if (bid <= 0 || ask >= PMM_ONE_E4 || bid >= ask || crosses) return PMM_INVAL;
  quote[PMM_BID] = (pmm_sim_order_t){.open_e6 = qty_e6, .price_e4 = bid, .side = PMM_BID};
  quote[PMM_ASK] = (pmm_sim_order_t){.open_e6 = qty_e6, .price_e4 = ask, .side = PMM_ASK};
  return PMM_OK;
}

pmm_status_t pmm_rewards_quote_score(const pmm_rewards_params_t *params, const pmm_ladder_t *others, int32_t distance_e4, int64_t qty_e6, double *low_per_day,
                                     double *high_per_day) {
  pmm_sim_order_t quote[2];
  pmm_status_t const st = quote_around(params, others, distance_e4, qty_e6, quote);
  if (st != PMM_OK) return st;
  pmm_rewards_share_t share;
  pmm_rewards_share(params, others, quote, 2, params->order_age_ns, &share);
  double const per_day = (double)params->pool_e6 / PMM_ONE_E6 * ((double)DAY_NS / (double)params->period_ns);
  *low_per_day = per_day * share.low;
  *high_per_day = per_day * share.high;
  return PMM_OK;
}

/* -- accrual -- */
typedef struct epoch { uint64_t samples, must, may; double low, high; } epoch_t; /* of one market: samples, of them scored, sums of our shares */

struct pmm_rewards {
  pmm_rewards_params_t params;
  pmm_market_t *const *market;
  pmm_ladder_t *const *ladder;
  uint32_t market_cnt;
  int64_t every_ns, next_ns;
  uint64_t seed, samples;
  epoch_t *epoch;                       /* [market] */
  int64_t period, day;                  /* indices of those now open */
  int64_t low_e6, high_e6, rebates_e6;  /* of those that ended */
  int64_t day_rebate_e12;
  pmm_sim_order_t own[PMM_REWARDS_ORDERS_MAX];
};

size_t pmm_rewards_bytes(uint32_t market_cnt) { return sizeof(pmm_rewards_t) + sizeof(epoch_t) * market_cnt + 192; }

pmm_status_t pmm_rewards_init(pmm_rewards_t **rewards, pmm_arena_t *arena, const pmm_rewards_params_t *params, pmm_market_t *const *markets,
                              pmm_ladder_t *const *ladders, uint32_t market_cnt, uint64_t seed) {
  if (!is_sane(params)) return PMM_INVAL;
  pmm_rewards_t *const r = PMM_ARENA_NEW(arena, pmm_rewards_t, 1);
  epoch_t *const epoch = PMM_ARENA_NEW(arena, epoch_t, market_cnt);
  if (!r || !epoch) return PMM_FULL;
  *r = (pmm_rewards_t){.params = *params, .market = markets, .ladder = ladders, .market_cnt = market_cnt, .every_ns = interval_of(params), .seed = seed,
                       .epoch = epoch, .period = INT64_MIN, .day = INT64_MIN};
  r->next_ns = params->model == PMM_REWARDS_NONE ? PMM_NS_MAX : INT64_MIN;
  *rewards = r;
  return PMM_OK;
}

static int64_t floor_div(int64_t a, int64_t b) { return a / b - (a % b < 0); }

static int64_t moment_of(const pmm_rewards_t *r, int64_t interval) { /* drawn from seed and interval alone: no run shifts another's */
  uint64_t const draw = pmm_hash_mix(pmm_hash_mix(r->seed, UINT64_C(0x7265776172647300)), (uint64_t)interval);
  return interval * r->every_ns + (int64_t)(draw % (uint64_t)r->every_ns);
}

/* What a market's epoch earns: each sample stands for its interval's part of the pool, and the samples in which nobody scored give
   theirs to the others. The thousandth of a micro-dollar undoes what the doubles lost. */
static int64_t earned_e6(const pmm_rewards_t *r, const epoch_t *e, double share, uint64_t scored) {
  if (scored == 0) return 0;
  double const part = (double)e->samples * ((double)r->every_ns / (double)r->params.period_ns);
  return (int64_t)floor((double)r->params.pool_e6 * (part < 1 ? part : 1) * (share / (double)scored) + 1e-3);
}

static int64_t payout_e6(const pmm_rewards_t *r, int64_t e6) { return e6 >= r->params.min_payout_e6 ? e6 : 0; }

static void period_payout(const pmm_rewards_t *r, int64_t *low_e6, int64_t *high_e6) {
  bool const by_market = r->params.model == PMM_REWARDS_KALSHI;
  int64_t low = 0, high = 0;
  for (uint32_t i = 0; i < r->market_cnt; i++) {
    const epoch_t *const e = &r->epoch[i];
    int64_t const l = earned_e6(r, e, e->low, e->may), h = earned_e6(r, e, e->high, e->must);
    low += by_market ? payout_e6(r, l - l % CENT_E6) : l;
    high += by_market ? payout_e6(r, h - h % CENT_E6) : h;
  }
  *low_e6 = by_market ? low : payout_e6(r, low);
  *high_e6 = by_market ? high : payout_e6(r, high);
}

static int64_t day_payout(const pmm_rewards_t *r) {
  int64_t const e6 = r->day_rebate_e12 / PMM_ONE_E6;
  return e6 >= REBATE_MIN_E6 ? e6 : 0;
}

static void end_period(pmm_rewards_t *r, int64_t now_ns) {
  int64_t const period = floor_div(now_ns, r->params.period_ns);
  if (period == r->period) return;
  int64_t low, high;
  period_payout(r, &low, &high);
  r->low_e6 += low;
  r->high_e6 += high;
  for (uint32_t i = 0; i < r->market_cnt; i++) r->epoch[i] = (epoch_t){0};
  r->period = period;
}

int64_t pmm_rewards_next(const pmm_rewards_t *r) { return r->next_ns; }

static void sample_market(pmm_rewards_t *r, uint32_t market, int64_t now_ns, const pmm_sim_t *sim) {
  if (!pmm_life_trades((pmm_life_t)r->market[market]->life)) return;
  pmm_rewards_share_t share;
  size_t const cnt = pmm_sim_orders(sim, market, r->own, PMM_REWARDS_ORDERS_MAX);
  pmm_rewards_share(&r->params, r->ladder[market], r->own, cnt, now_ns, &share);
  epoch_t *const e = &r->epoch[market];
  e->samples++;
  e->must += share.must_score;
  e->may += share.may_score;
  e->low += share.low;
  e->high += share.high;
  r->samples++;
}

void pmm_rewards_sample(pmm_rewards_t *r, int64_t now_ns, const pmm_sim_t *sim) {
  if (r->params.model == PMM_REWARDS_NONE) return;
  int64_t const interval = floor_div(now_ns, r->every_ns);
  if (r->next_ns == INT64_MIN) { /* the clock starts: this interval's moment may be still to come */
    int64_t const moment = moment_of(r, interval);
    r->period = floor_div(now_ns, r->params.period_ns);
    r->next_ns = moment >= now_ns ? moment : moment_of(r, interval + 1);
    return;
  }
  end_period(r, now_ns);
  for (uint32_t i = 0; i < r->market_cnt; i++) sample_market(r, i, now_ns, sim);
  r->next_ns = moment_of(r, interval + 1);
}

void pmm_rewards_fill(pmm_rewards_t *r, int64_t now_ns, uint32_t market, bool maker, int32_t price_e4, int64_t qty_e6) {
  assert(market < r->market_cnt);
  const pmm_fee_schedule_t *const fees = &r->market[market]->fees;
  if (!maker || fees->rebate_share_e6 <= 0) return;
  int64_t const day = floor_div(now_ns, DAY_NS);
  if (day != r->day) {
    r->rebates_e6 += day_payout(r);
    r->day_rebate_e12 = 0;
    r->day = day;
  }
  r->day_rebate_e12 += pmm_fee_charge(fees, false, PMM_BUY_YES, price_e4, qty_e6, NULL) * fees->rebate_share_e6;
}

void pmm_rewards_total(const pmm_rewards_t *r, int64_t *low_e6, int64_t *high_e6, int64_t *rebates_e6, uint64_t *samples) {
  int64_t low, high;
  period_payout(r, &low, &high);
  if (low_e6) *low_e6 = r->low_e6 + low;
  if (high_e6) *high_e6 = r->high_e6 + high;
  if (rebates_e6) *rebates_e6 = r->rebates_e6 + day_payout(r);
  if (samples) *samples = r->samples;
}
