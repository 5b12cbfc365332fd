/* Strategy `logit`: Avellaneda-Stoikov quoting in log-odds (docs/strategies/logit.md). The reservation price moves against
   the inventory by how full it is, how ambiguous the market and how toxic its flow; a ladder of orders stands around it.
   Source: M. Avellaneda, S. Stoikov, "High-frequency trading in a limit order book", Quantitative Finance 8(3), 2008,
   carried over to x = ln(p/(1-p)). */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "pmm/warmup.h"
#include "quoting.h"
#include "toxicity.h"
#include "warmup.h"

#define LADDER_SHARE 0.1        /* of a side's bankroll and trust, in the first level */
#define PRICE_EDGE_E4 10        /* no order nearer than 0.001 to 0 or 1, nor than a tick */
#define STATE_OLD_S 86400.0
#define BY_TYPE -1.0            /* parameter value: take the market type's */
#define NS_PER_S_F64 1e9

typedef enum composition { PRODUCT, WEIGHTED, POWER } composition_t;
typedef enum market_type { TYPE_NONE, TYPE_A1, TYPE_A2, TYPE_A3, TYPE_E1, TYPE_E2, TYPE_E3 } market_type_t;

typedef struct traits { double beta_p, alpha_U, U_ref, A_floor; } traits_t;
static const traits_t traits_of_type[] = {
  [TYPE_NONE] = {.8, 1, 100, 0},  [TYPE_A1] = {.55, .8, 200, 0}, [TYPE_A2] = {.85, 1.1, 100, 0}, [TYPE_A3] = {.5, .8, 30, .3},
  [TYPE_E1] = {.45, .8, 400, 0},  [TYPE_E2] = {1, 1.5, 50, 0},   [TYPE_E3] = {1.5, .8, 40, 0}};

typedef struct logit_params {
  int64_t bankroll, min_order_size, max_order_notional_side;
  double n_plays, eta_time, slippage_buffer, gamma_a, gamma_max;
  int32_t market_type, composition;
  double beta_p, alpha_U, U_ref, A_floor, w_A, w_L, lambda_min, lambda_max, w_sigma, w_lambda, power_a, power_b;
  bool trust_in_time, liquidity_term, warmup;
  double trust_alpha_0, trust_alpha_1, trust_m;
  double rate_ref, I_max, c_tox, c_sigma, nu, sigma_max, w1, w2;
  int64_t sigma_tau_up, sigma_tau_down, dt_sample, tau_fast, tau_slow, h1, h2, refresh;
  double c_risk, kappa0, min_half_spread_prob, max_half_spread_logit, decay, step_mult, min_step_logit;
  int64_t levels, min_samples;
  double floor_fraction, resize_tolerance;
} logit_params_t;

typedef struct logit {
  const logit_params_t *params;
  traits_t traits;
  double mid, x; /* last valid, and its log-odds */
  bool has_mid;
  pmm__tox_t tox;
  pmm__warm_t warm;
} logit_t;

#define P(type, field, def, min, max, unit, help) PMM__PARAM(type, logit_params_t, field, def, min, max, unit, help)
static const pmm_param_t table[] = {
  P(CASH, bankroll, "500", 0.01, 1e9, "dollars", "what the strategy may commit over all its markets"),
  P(F64, n_plays, "3", 1, 100000, "markets", "markets the bankroll is shared between"),
  P(F64, eta_time, "0.5", 0, 10, "", "how size shrinks as time runs out: (time left/life)^eta (useful: 0.25 to 0.75)"),
  P(F64, slippage_buffer, "0.1", 0, 10, "", "share added to the price of buying the opposite side to get out"),
  P(F64, gamma_a, "1", 0, 100, "", "how steeply risk aversion grows as inventory fills"),
  P(F64, gamma_max, "50", 1, 1e6, "", "highest risk aversion"),
  PMM__CHOICE(logit_params_t, market_type, "none", "none|a1|a2|a3|e1|e2|e3",
              "information low to high (1-3), resolving at any time (a) or at the end (e); sets beta_p, alpha_U, U_ref, A_floor"),
  P(F64, beta_p, "-1", -1, 100, "", "how fast ambiguity fades away from a price of one half; -1: the market type's (none: 0.8)"),
  P(F64, alpha_U, "-1", -1, 100, "", "how fast a larger crowd is trusted; -1: the market type's (none: 1)"),
  P(F64, U_ref, "-1", -1, 1e9, "traders", "crowd that halves distrust; -1: the market type's (none: 100)"),
  P(F64, A_floor, "-1", -1, 1, "", "least ambiguity; -1: the market type's (none: 0)"),
  P(F64, w_A, "1", 0, 1e6, "", "weight of ambiguity in lambda"),
  P(F64, w_L, "1", 0, 1e6, "", "weight of distrust in lambda"),
  P(F64, lambda_min, "1", 0, 100, "", "least market risk"),
  P(F64, lambda_max, "2", 1, 100, "", "market risk of a price of one half with nobody watching"),
  PMM__CHOICE(logit_params_t, composition, "product", "product|weighted|power", "how gamma, lambda and sigma make the shift of the reservation price"),
  P(F64, w_sigma, "1", 0, 100, "", "composition weighted: weight of sigma - 1"),
  P(F64, w_lambda, "0.2", 0, 100, "", "composition weighted: weight of lambda - 1"),
  P(F64, power_a, "0.5", 0, 10, "", "composition power: exponent of lambda"),
  P(F64, power_b, "1.5", 0, 10, "", "composition power: exponent of sigma"),
  P(BOOL, trust_in_time, "false", 0, 0, "", "market types e2 and e3: alpha_U follows trust_alpha_0 + trust_alpha_1*(elapsed/life)^trust_m"),
  P(F64, trust_alpha_0, "1", 0, 100, "", "trust in the crowd at the start"),
  P(F64, trust_alpha_1, "1", 0, 100, "", "trust gained until the end"),
  P(F64, trust_m, "2", 0, 100, "", "how late it is gained"),
  P(F64, rate_ref, "0.05", 1e-9, 1e6, "1/s", "trades per second of an ordinary market"),
  P(F64, I_max, "3", 1, 1000, "", "most that busy trading multiplies toxicity"),
  P(F64, c_tox, "1", 0, 1000, "", "weight of adverse markouts in toxicity"),
  P(F64, c_sigma, "1", 0, 1000, "", "how strongly toxicity widens quotes"),
  P(F64, nu, "1.4", 0.01, 10, "", "exponent of toxicity"),
  P(F64, sigma_max, "6", 1, 1000, "", "highest sigma"),
  P(DURATION, sigma_tau_up, "10", 0.001, 86400, "s", "time constant of sigma when it rises"),
  P(DURATION, sigma_tau_down, "90", 0.001, 86400, "s", "time constant of sigma when it falls"),
  P(F64, c_risk, "0.2", 0, 100, "log-odds", "half spread per unit of gamma*lambda*sigma"),
  P(BOOL, liquidity_term, "false", 0, 0, "", "adds the Avellaneda-Stoikov term (1/gamma) ln(1 + gamma/kappa) to the half spread"),
  P(F64, kappa0, "1", 1e-9, 1e6, "", "order arrival decay in a market without trades, for liquidity_term"),
  P(F64, min_half_spread_prob, "0.01", 0.0001, 0.5, "dollars", "least distance of every order from the reservation price"),
  P(F64, max_half_spread_logit, "1.5", 0.001, 20, "log-odds", "largest half spread"),
  P(F64, decay, "0.7", 0.01, 1, "", "size of each level relative to the one before it"),
  P(F64, step_mult, "0.5", 0, 100, "", "distance between levels as a multiple of the half spread"),
  P(F64, min_step_logit, "0.05", 0.000001, 20, "log-odds", "least distance between levels"),
  P(INT, levels, "5", 1, PMM_LEVELS_MAX, "levels", "orders a side"),
  P(QTY, min_order_size, "1", 0.000001, 1e9, "contracts", "smaller orders are raised to this"),
  P(CASH, max_order_notional_side, "100", 0, 1e9, "dollars", "most that one side's orders may cost"),
  P(DURATION, refresh, "2", 0.01, 3600, "s", "time between decisions"),
  P(DURATION, dt_sample, "5", 0.1, 3600, "s", "sampling step of sigma (warm-up may choose another, like the next four)"),
  P(INT, min_samples, "360", 1, PMM__WARM_SAMPLES_MAX, "samples", "returns seen before sigma is used"),
  P(DURATION, tau_fast, "30", 1, 86400, "s", "fast time constant of sigma"),
  P(DURATION, tau_slow, "1800", 1, 864000, "s", "slow time constant of sigma"),
  P(DURATION, h1, "10", 1, 3600, "s", "first markout horizon of our fills"),
  P(DURATION, h2, "60", 1, 36000, "s", "second markout horizon"),
  P(F64, w1, "0.6", 0, 1000, "", "weight of the first markout"),
  P(F64, w2, "0.4", 0, 1000, "", "weight of the second markout"),
  P(F64, floor_fraction, "0.1", 0, 1, "", "share of the bankroll that orders never touch"),
  P(F64, resize_tolerance, "0.25", 0, 10, "", "an order whose price stands is replaced only if its size differs by more than this share"),
  P(BOOL, warmup, "true", 0, 0, "", "observe and calibrate before the first order; false: configured values, sigma 1 until min_samples"),
};
#undef P

static pmm_status_t check(const void *params, pmm_error_t *err) {
  const logit_params_t *const p = params;
  if (p->lambda_min > p->lambda_max) return pmm_error_set(err, PMM_INVAL, "lambda_min: above lambda_max");
  if (!(p->w_A + p->w_L > 0)) return pmm_error_set(err, PMM_INVAL, "w_A: w_A and w_L are both 0");
  if (p->tau_fast >= p->tau_slow) return pmm_error_set(err, PMM_INVAL, "tau_fast: not below tau_slow");
  if (p->h1 >= p->h2) return pmm_error_set(err, PMM_INVAL, "h1: not below h2");
  if (p->U_ref == 0) return pmm_error_set(err, PMM_INVAL, "U_ref: must be above 0 (or -1 for the market type's)");
  if (p->trust_in_time && p->market_type != TYPE_E2 && p->market_type != TYPE_E3)
    return pmm_error_set(err, PMM_INVAL, "trust_in_time: needs market_type e2 or e3");
  return PMM_OK;
}

static pmm__tox_clock_t configured_clock(const logit_params_t *p) {
  return (pmm__tox_clock_t){(double)p->dt_sample / NS_PER_S_F64, (double)p->tau_fast / NS_PER_S_F64, (double)p->tau_slow / NS_PER_S_F64,
                            (double)p->h1 / NS_PER_S_F64, (double)p->h2 / NS_PER_S_F64};
}

void pmm_warmup_params_of(pmm_warmup_params_t *out, const void *logit_params) {
  const logit_params_t *const p = logit_params;
  pmm__tox_clock_t const c = configured_clock(p);
  *out = (pmm_warmup_params_t){.clock = {c.dt_sample_s, c.tau_fast_s, c.tau_slow_s, c.h1_s, c.h2_s}, .min_samples = (uint32_t)p->min_samples,
                               .rate_ref = p->rate_ref, .i_max = p->I_max};
}

static double own_or(double value, double of_type) { return value >= 0 ? value : of_type; }

static traits_t configured_traits(const logit_params_t *p) {
  const traits_t *const t = &traits_of_type[p->market_type];
  return (traits_t){own_or(p->beta_p, t->beta_p), own_or(p->alpha_U, t->alpha_U), own_or(p->U_ref, t->U_ref), own_or(p->A_floor, t->A_floor)};
}

static pmm_status_t init(void *state, const void *params, uint64_t seed) {
  (void)seed;
  logit_t *const self = state;
  const logit_params_t *const p = self->params = params;
  self->traits = configured_traits(p);
  pmm__tox_clock_t const clock = configured_clock(p);
  pmm__tox_terms_t const terms = {p->rate_ref, p->I_max, p->c_tox, p->c_sigma, p->nu, p->sigma_max,
                                  (double)p->sigma_tau_up / NS_PER_S_F64, (double)p->sigma_tau_down / NS_PER_S_F64, p->w1, p->w2};
  pmm__tox_init(&self->tox, &clock, &terms);
  pmm__warm_init(&self->warm, p->warmup, (uint32_t)p->min_samples);
  return PMM_OK;
}

static int64_t refresh_ns(const void *params) { return ((const logit_params_t *)params)->refresh; }

static double trade_rate(const pmm_view_t *view) {
  return isnan(view->signals->trade_rate) ? pmm_flow_trade_rate(view->flow) : view->signals->trade_rate;
}

/* Brings samples, markouts and the warm-up to now. Called for every event, so the usual case is two comparisons. */
static void observe(logit_t *self, const pmm_view_t *view, bool is_trade) {
  bool const is_observing = self->warm.phase == PMM__WARM_OBSERVE;
  if (!is_observing && pmm__tox_is_due(&self->tox, view->now_ns))
    pmm__tox_advance(&self->tox, view->now_ns, trade_rate(view), pmm__warm_take, &self->warm);
  bool const is_new = view->mid_age_ns == 0 && (!self->has_mid || view->mid != self->mid);
  if (is_new) {
    self->mid = view->mid;
    self->x = pmm_logit(view->mid);
    self->has_mid = true;
  }
  if (is_observing) {
    if (pmm__warm_observe(&self->warm, view->now_ns, view->time_left_s, self->has_mid ? self->x : NAN, is_trade)) {
      pmm__tox_clock_t const configured = configured_clock(self->params);
      pmm__tox_clock_t const chosen = pmm__warm_choose(&self->warm, &configured);
      pmm__tox_set_clock(&self->tox, &chosen);
    }
  } else if (self->has_mid && (is_new || !self->tox.has_x)) {
    pmm__tox_set_x(&self->tox, view->now_ns, self->x);
  }
}

static void on_event(void *state, const pmm_view_t *view, const pmm_event_t *event) {
  logit_t *const self = state;
  if (event->md.kind == PMM_MD_GAP) {
    pmm__tox_gap(&self->tox);
    self->has_mid = self->warm.has_x = false;
    return;
  }
  observe(self, view, event->md.kind == PMM_MD_TRADE);
  if (event->md.kind == PMM_EV_FILL) pmm__tox_fill(&self->tox, view->now_ns, (pmm_side_t)event->md.side);
}

/* Everything between the view and the ladder. Names follow docs/strategies/logit.md. */
typedef struct terms {
  double p, time_factor, b_side, p_opp, qhat, gamma, lambda, sigma, delta, r, middle, half, step; /* middle: r as a price */
} terms_t;

/* Share of life left; an unknown life counts as all of it. */
static double life_left(const pmm_view_t *view) {
  return view->life_s > 0 && view->time_left_s >= 0 ? fmin(view->time_left_s / view->life_s, 1) : 1;
}

static double crowd(const pmm_view_t *view) {
  if (!isnan(view->signals->users)) return fmax(view->signals->users, 0);
  return sqrt((double)pmm_flow_trades_6h(view->flow));
}

static double lambda_of(const logit_params_t *c, const traits_t *traits, const pmm_view_t *view, double p) {
  double const ambiguity = fmax(traits->A_floor, pmm_pow(p * (1 - p) / 0.25, traits->beta_p));
  double const elapsed = 1 - life_left(view);
  double const trust = c->trust_in_time ? c->trust_alpha_0 + c->trust_alpha_1 * pmm_pow(elapsed, c->trust_m) : traits->alpha_U;
  double const distrust = pmm_pow(traits->U_ref / (crowd(view) + traits->U_ref), trust);
  double const s = (c->w_A * ambiguity + c->w_L * distrust) / (c->w_A + c->w_L);
  return pmm_clip(1 + (c->lambda_max - 1) * s, c->lambda_min, c->lambda_max);
}

static double qhat_of(double q, double q_max) {
  if (q_max > 0) return pmm_clip(q / q_max, -1, 1);
  return q > 0 ? 1 : q < 0 ? -1 : 0;
}

static double delta_of(const logit_params_t *c, const terms_t *t) {
  switch ((composition_t)c->composition) {
  case WEIGHTED: return t->qhat * t->gamma * (1 + c->w_sigma * (t->sigma - 1) + c->w_lambda * (t->lambda - 1));
  case POWER: return t->qhat * t->gamma * pmm_pow(t->lambda, c->power_a) * pmm_pow(t->sigma, c->power_b);
  case PRODUCT: break;
  }
  return t->qhat * t->gamma * t->lambda * t->sigma;
}

static double half_spread_of(const logit_params_t *c, const pmm_view_t *view, const terms_t *t) {
  double half = c->c_risk * t->gamma * t->lambda * t->sigma;
  if (c->liquidity_term) {
    double const kappa = c->kappa0 * (1 + trade_rate(view) / c->rate_ref);
    half += pmm_log1p(t->gamma / kappa) / t->gamma;
  }
  return pmm_clip(half, 0, c->max_half_spread_logit);
}

static double sigma_of(const logit_t *self, const pmm_view_t *view) {
  if (!isnan(view->signals->sigma)) return view->signals->sigma;
  return self->tox.sample_cnt >= (uint64_t)self->params->min_samples ? self->tox.sigma : 1;
}

/* Not pmm_sigmoid: its clip at 1e-6 would pull a reservation price beyond it, and every level with it, a tick inwards. */
static double prob(double x) {
  double const e = pmm_exp(-fabs(x));
  return x >= 0 ? 1 / (1 + e) : e / (1 + e);
}

static terms_t terms_of(const logit_t *self, const pmm_view_t *view) {
  const logit_params_t *const c = self->params;
  double const q = (double)pmm_position_net(&view->position) / 1e6;
  terms_t t = {.p = view->mid};
  t.time_factor = pmm_pow(life_left(view), c->eta_time);
  t.b_side = 0.5 * ((double)c->bankroll / 1e6) / c->n_plays;
  t.p_opp = q >= 0 ? 1 - t.p : t.p;
  t.qhat = qhat_of(q, t.b_side * t.time_factor / (t.p_opp * (1 + c->slippage_buffer)));
  t.gamma = pmm_clip(pmm_pow(1 - fmin(fabs(t.qhat), 0.999999), -c->gamma_a), 1, c->gamma_max);
  t.lambda = lambda_of(c, &self->traits, view, t.p);
  t.sigma = sigma_of(self, view);
  t.delta = delta_of(c, &t);
  t.r = pmm_logit(t.p) - t.delta;
  t.middle = prob(t.r);
  t.half = half_spread_of(c, view, &t);
  t.step = fmax(c->step_mult * t.half, c->min_step_logit);
  return t;
}

/* What one level costs: dollars for YES on the bid, for NO on the ask. */
static int64_t cost_of(pmm_side_t side, int32_t price_e4, int64_t qty_e6) {
  int32_t const outcome_e4 = side == PMM_BID ? price_e4 : PMM_ONE_E4 - price_e4;
  if (qty_e6 <= INT64_MAX / PMM_ONE_E4 - 1) /* the product fits: no 128-bit division */
    return (outcome_e4 * qty_e6 + PMM_ONE_E4 - 1) / PMM_ONE_E4;
  return pmm_notional_ceil(outcome_e4, qty_e6);
}

static int64_t level_size(const logit_params_t *c, const pmm_market_t *market, double dollars, int32_t outcome_price_e4) {
  int64_t const least = pmm_max64(c->min_order_size, market->min_size_e6);
  int64_t const size = pmm__size_of(market, dollars / (outcome_price_e4 / 1e4));
  return size >= least ? size : (least + market->lot_e6 - 1) / market->lot_e6 * market->lot_e6;
}

static int32_t level_price(const logit_params_t *c, const pmm_grid_t *grid, const terms_t *t, pmm_side_t side, int i) {
  double const away = t->half + i * t->step;
  if (side == PMM_BID) return pmm_grid_floor(grid, fmin(prob(t->r - away), t->middle - c->min_half_spread_prob));
  return pmm_grid_ceil(grid, fmax(prob(t->r + away), t->middle + c->min_half_spread_prob));
}

static int32_t add_side(const logit_params_t *c, const pmm_market_t *market, const terms_t *t, pmm_side_t side, pmm_level_t *level) {
  int32_t const edge_e4 = market->grid.tick_e4 > PRICE_EDGE_E4 ? market->grid.tick_e4 : PRICE_EDGE_E4;
  double dollars = LADDER_SHARE * t->b_side * t->time_factor;
  int64_t spent_e6 = 0;
  int32_t cnt = 0;
  for (int i = 0; i < (int)c->levels; i++, dollars *= c->decay) {
    int32_t const price_e4 = level_price(c, &market->grid, t, side, i);
    if (price_e4 == PMM_TICKS_NONE || price_e4 < edge_e4 || price_e4 > PMM_ONE_E4 - edge_e4) break;
    if (cnt && level[cnt - 1].price_e4 == price_e4) continue; /* the nearest of levels at one price stays */
    int64_t const qty_e6 = level_size(c, market, dollars, side == PMM_BID ? price_e4 : PMM_ONE_E4 - price_e4);
    int64_t const cost_e6 = cost_of(side, price_e4, qty_e6);
    if (cost_e6 > c->max_order_notional_side - spent_e6) break;
    spent_e6 += cost_e6;
    level[cnt++] = (pmm_level_t){price_e4, qty_e6};
  }
  return cnt;
}

/* What the part of a side costs that adds to the inventory: all of it beyond the covered contracts that only close. */
static int64_t adding_cost(pmm_side_t side, const pmm_level_t *level, int32_t cnt, int64_t covered_e6) {
  int64_t sum_e6 = 0;
  for (int32_t i = 0; i < cnt; i++) {
    int64_t const adds_e6 = pmm_max64(level[i].qty_e6 - covered_e6, 0);
    covered_e6 = pmm_max64(covered_e6 - level[i].qty_e6, 0);
    sum_e6 += cost_of(side, level[i].price_e4, adds_e6);
  }
  return sum_e6;
}

/* Cuts a side from its outer end until its adding part costs at most budget_e6. Returns the number of levels left. */
static int32_t cut_side(const logit_params_t *c, const pmm_market_t *market, pmm_side_t side, pmm_level_t *level, int32_t cnt,
                        int64_t covered_e6, int64_t budget_e6) {
  int64_t const least = pmm_max64(c->min_order_size, market->min_size_e6);
  for (int32_t i = 0; i < cnt; i++) {
    int64_t const adds_e6 = pmm_max64(level[i].qty_e6 - covered_e6, 0);
    int64_t const cost_e6 = cost_of(side, level[i].price_e4, adds_e6);
    if (cost_e6 > budget_e6) {
      int64_t const unit_e4 = side == PMM_BID ? level[i].price_e4 : PMM_ONE_E4 - level[i].price_e4;
      int64_t const affordable_e6 = pmm_muldiv_floor(pmm_max64(budget_e6, 0), PMM_ONE_E4, unit_e4);
      level[i].qty_e6 = pmm_floor_to_lot(pmm_min64(covered_e6, level[i].qty_e6) + affordable_e6, market->lot_e6);
      return level[i].qty_e6 >= least ? i + 1 : i;
    }
    budget_e6 -= cost_e6;
    covered_e6 = pmm_max64(covered_e6 - level[i].qty_e6, 0);
  }
  return cnt;
}

/* Cash that our own resting orders of this market already hold back; it comes free when they are replaced. */
static int64_t cash_in_orders(const pmm_view_t *view, int64_t net_e6) {
  int64_t covered_e6[2] = {pmm_max64(-net_e6, 0), pmm_max64(net_e6, 0)}, sum_e6 = 0;
  for (size_t i = 0; i < view->order_cnt; i++) {
    pmm_side_t const side = (pmm_side_t)view->orders[i].side;
    int64_t const adds_e6 = pmm_max64(view->orders[i].open_e6 - covered_e6[side], 0);
    covered_e6[side] = pmm_max64(covered_e6[side] - view->orders[i].open_e6, 0);
    sum_e6 += cost_of(side, view->orders[i].price_e4, adds_e6);
  }
  return sum_e6;
}

/* Free cash that must stay: a share of the bankroll and what it would cost to flatten every market of the account. */
static int64_t cash_floor(const logit_params_t *c, const pmm_view_t *view, const terms_t *t) {
  double const here = fabs((double)pmm_position_net(&view->position)) * t->p_opp;
  return (int64_t)ceil(c->floor_fraction * (double)c->bankroll + (here + (double)view->others_flatten_e6) * (1 + c->slippage_buffer));
}

static void keep_above_floor(const logit_params_t *c, const pmm_view_t *view, pmm_quotes_t *out) {
  int64_t const net_e6 = pmm_position_net(&view->position);
  int64_t const covers_bid = pmm_max64(-net_e6, 0), covers_ask = pmm_max64(net_e6, 0);
  int64_t const bids_e6 = adding_cost(PMM_BID, out->bid, out->bid_cnt, covers_bid);
  int64_t const asks_e6 = adding_cost(PMM_ASK, out->ask, out->ask_cnt, covers_ask);
  int64_t const budget_e6 = pmm_max64(view->free_cash_e6 - out->cash_floor_e6 + cash_in_orders(view, net_e6), 0);
  if (bids_e6 + asks_e6 <= budget_e6) return;
  int64_t const bid_budget_e6 = pmm_muldiv_floor(budget_e6, bids_e6, bids_e6 + asks_e6); /* each side its share */
  out->bid_cnt = cut_side(c, view->market, PMM_BID, out->bid, out->bid_cnt, covers_bid, bid_budget_e6);
  out->ask_cnt = cut_side(c, view->market, PMM_ASK, out->ask, out->ask_cnt, covers_ask, budget_e6 - bid_budget_e6);
  out->why = "cash floor: orders that add inventory are cut";
}

static void explain(const terms_t *t, pmm_quotes_t *out) {
  pmm_quotes_reason(out, "qhat", t->qhat);
  pmm_quotes_reason(out, "gamma", t->gamma);
  pmm_quotes_reason(out, "lambda", t->lambda);
  pmm_quotes_reason(out, "delta", t->delta);
  pmm_quotes_reason(out, "reservation", t->r);
  pmm_quotes_reason(out, "half_spread", t->half);
  pmm_quotes_reason(out, "sigma", t->sigma);
  pmm_quotes_reason(out, "time_factor", t->time_factor);
}

static pmm_status_t on_view(void *state, const pmm_view_t *view, pmm_quotes_t *out) {
  logit_t *const self = state;
  const logit_params_t *const c = self->params;
  observe(self, view, false);
  out->fair = view->mid;
  out->resize_tolerance = c->resize_tolerance;
  if (isnan(view->signals->sigma) && self->warm.phase != PMM__WARM_DONE) {
    pmm_quotes_reason(out, "samples", self->warm.sample_cnt);
    return pmm__pause(out, self->warm.phase == PMM__WARM_OBSERVE ? "warming up: observing" : "warming up: collecting returns");
  }
  terms_t const t = terms_of(self, view);
  if (!isfinite(t.r)) return PMM_INVAL;
  explain(&t, out);
  if (self->warm.sigma_base > 0) pmm_quotes_reason(out, "sigma_base", self->warm.sigma_base);
  out->cash_floor_e6 = cash_floor(c, view, &t);
  out->bid_cnt = add_side(c, view->market, &t, PMM_BID, out->bid);
  out->ask_cnt = add_side(c, view->market, &t, PMM_ASK, out->ask);
  keep_above_floor(c, view, out);
  return PMM_OK;
}

/* Time that the warm-up takes of a market with left_s to live. */
static double warm_s(const logit_params_t *c, double left_s) {
  if (!c->warmup) return 0;
  double const observing = left_s >= 0 ? fmin(PMM__WARM_OBSERVE_MAX_S, PMM__WARM_OBSERVE_SHARE * left_s) : PMM__WARM_OBSERVE_MAX_S;
  return observing + (double)c->min_samples * (double)c->dt_sample / NS_PER_S_F64;
}

/* Selection: a whole book in a market that trades, with at least as long to quote as to warm up. What each print could pay
   (the half spread without inventory and toxicity, in dollars) times the prints of the last six hours, fading like the sizes
   do as time runs out. */
static double score(const void *params, const pmm_view_t *view) {
  const logit_params_t *const c = params;
  if (!pmm_life_trades((pmm_life_t)view->market->life) || pmm_ladder_state(view->ladder) != PMM_BOOK_NORMAL) return NAN;
  if (view->time_left_s < 2 * warm_s(c, view->time_left_s)) return NAN; /* false for an unknown time */
  traits_t const traits = configured_traits(c);
  terms_t const t = {.gamma = 1, .sigma = 1, .lambda = lambda_of(c, &traits, view, view->mid)};
  double const half = fmax(half_spread_of(c, view, &t) * view->mid * (1 - view->mid), c->min_half_spread_prob);
  return half * (1 + (double)pmm_flow_trades_6h(view->flow)) * pmm_pow(life_left(view), c->eta_time);
}

/* The bankroll is divided by n_plays: more markets would be quoted on money that is not there. */
static int32_t market_max(const void *params) { return (int32_t)floor(((const logit_params_t *)params)->n_plays); }

/* -- saved state: one line of text, "pmm-logit 1 <saved_ns> <samples> <numbers>" -- */
#define SAVED_CNT 14
#define SAVED_TEXT_MAX 1024

static void list_saved(logit_t *self, double *field[SAVED_CNT]) {
  pmm__tox_t *const x = &self->tox;
  double *const all[SAVED_CNT] = {
    &x->clock.dt_sample_s, &x->clock.tau_fast_s, &x->clock.tau_slow_s, &x->clock.h1_s, &x->clock.h2_s, &x->abs_fast, &x->abs_slow,
    &x->ret_fast, &x->sigma, &x->markout[0].sum, &x->markout[0].weight, &x->markout[1].sum, &x->markout[1].weight, &self->warm.sigma_base};
  memcpy(field, all, sizeof all);
}

static size_t save(const void *state, int64_t now_ns, char *buf, size_t cap) {
  const logit_t *const self = state;
  if (self->warm.phase != PMM__WARM_DONE || self->tox.sample_cnt == 0) return 0;
  char text[SAVED_TEXT_MAX];
  double *field[SAVED_CNT];
  list_saved((logit_t *)state, field); /* only read below */
  size_t used = (size_t)snprintf(text, sizeof text, "pmm-logit 1 %lld %llu", (long long)now_ns, (unsigned long long)self->tox.sample_cnt);
  for (int i = 0; i < SAVED_CNT; i++) used += (size_t)snprintf(text + used, sizeof text - used, " %.17g", *field[i]);
  if (used >= cap) return 0;
  memcpy(buf, text, used + 1);
  return used;
}

/* Whether loaded numbers could have come from a running strategy; what the file says is not trusted further than this. */
static bool is_plausible(const double *v) {
  for (int i = 0; i < SAVED_CNT; i++)
    if (!isfinite(v[i]) || fabs(v[i]) > 1e9) return false;
  for (int i = 0; i < 5; i++) /* the clock */
    if (v[i] < 0.1 || v[i] > 1e6) return false;
  bool const are_means = v[5] >= 0 && v[6] >= 0 && fabs(v[7]) <= v[5] * (1 + 1e-9) + 1e-12;
  return are_means && v[1] < v[2] && v[8] >= 1 && v[9] >= 0 && v[10] >= 0 && v[11] >= 0 && v[12] >= 0 && v[13] >= 0;
}

static bool parse_saved(const char *text, long long *saved_ns, unsigned long long *samples, double *v) {
  int used = 0;
  if (sscanf(text, "pmm-logit 1 %lld %llu%n", saved_ns, samples, &used) != 2) return false;
  const char *at = text + used;
  for (int i = 0; i < SAVED_CNT; i++) {
    char *end;
    v[i] = strtod(at, &end);
    if (end == at) return false;
    at = end;
  }
  return strspn(at, " \r\n") == strlen(at) && is_plausible(v);
}

static pmm_status_t load(void *state, int64_t now_ns, const char *text, size_t len, pmm_error_t *err) {
  logit_t *const self = state;
  char copy[SAVED_TEXT_MAX];
  double value[SAVED_CNT], *field[SAVED_CNT];
  long long saved_ns;
  unsigned long long samples;
  if (len >= sizeof copy) return pmm_error_set(err, PMM_PARSE, "logit state: too long");
  memcpy(copy, text, len);
  copy[len] = '\0';
  if (strlen(copy) != len || !parse_saved(copy, &saved_ns, &samples, value)) return pmm_error_set(err, PMM_PARSE, "logit state: not a state of this strategy");
  list_saved(self, field);
  for (int i = 0; i < SAVED_CNT; i++) *field[i] = value[i];
  self->tox.sigma = fmin(self->tox.sigma, self->params->sigma_max);
  self->tox.sample_cnt = samples;
  self->tox.markout[0].at_ns = self->tox.markout[1].at_ns = now_ns;
  pmm__tox_clock_t const clock = self->tox.clock;
  pmm__tox_set_clock(&self->tox, &clock);
  pmm__tox_gap(&self->tox); /* no return across the time that was missed */
  self->warm.phase = PMM__WARM_DONE;
  double const age_s = ((double)now_ns - (double)saved_ns) / NS_PER_S_F64;
  if (age_s > STATE_OLD_S) pmm_error_set(err, PMM_OK, "logit state: %.0f hours old, loaded all the same", age_s / 3600);
  return PMM_OK;
}

const pmm_strategy_ops_t pmm__strategy_logit = {
  .abi = PMM_STRATEGY_ABI,
  .name = "logit",
  .help = "Avellaneda-Stoikov ladder in log-odds with a running measure of toxic flow",
  .params = table,
  .param_cnt = PMM__CNT(table),
  .params_size = sizeof(logit_params_t),
  .state_size = sizeof(logit_t),
  .wake = PMM_WAKE_FILL | PMM_WAKE_TIMER | PMM_WAKE_LIFE,
  .check = check,
  .init = init,
  .refresh_ns = refresh_ns,
  .on_event = on_event,
  .on_view = on_view,
  .save = save,
  .load = load,
  .score = score,
  .market_max = market_max,
};
