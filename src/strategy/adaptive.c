/* Strategy `adaptive`: a spread that widens with thin books, volatility, nearing resolution and inventory, and stepwise
   inventory control (docs/strategies/adaptive.md). */
#include "quoting.h"

#define HOUR_S 3600.0
#define SOON_H 6.0        /* time left below which the spread doubles */
#define SOON_MULT 2.0
#define NEAR_H 24.0       /* ... and below which it grows by half; the nearer rule wins alone */
#define NEAR_MULT 1.5
#define PRICE_LO 0.01     /* the strategy's own clamp, before the grid's */
#define PRICE_HI 0.99
#define CROSSED_HALF 0.01 /* half spread around the midpoint when clamping made the sides meet */
#define SKEW_STEP_E6 (10 * PMM_ONE_E6) /* the price shift counts whole tens of contracts */
#define MOVES_MIN 20      /* samples before the volatility test says anything */
#define SLACK 1e-9        /* of a price: 0.52 - 0.50 counts as 0.02 */

typedef struct adaptive_params {
  double min_spread, base_spread, max_spread, low_liquidity_add, volatility_mult, inventory_mult;
  double skew_price_adjustment_per_10, min_liquidity, min_time_to_resolution_h, max_time_to_resolution_h;
  double price_change_requote, volume_spike, volatility_high_ratio, final_exit_h;
  int64_t inventory_skew_threshold, quote_size, max_position_size, max_inventory, target_inventory, rebalance_threshold, final_exit_net;
  int64_t max_markets, max_quote_age_s, volatility_fast, volatility_slow, volatility_sample;
} adaptive_params_t;

/* Absolute mid changes over fixed steps, in two exponential means: their ratio tells whether now is unusual. */
typedef struct moves {
  double fast, slow, mid, sampled_mid;
  int64_t next_ns;
  uint64_t cnt;
  bool has;
} moves_t;

typedef struct adaptive {
  const adaptive_params_t *params;
  moves_t moves;
  double weight_fast, weight_slow; /* of one step */
  double quoted_fair;
  int64_t quoted_ns, quoted_net_e6, quoted_gross_e6;
  bool is_quoting;                 /* the last answer was a set of quotes */
} adaptive_t;

#define P(type, field, def, min, max, unit, help) PMM__PARAM(type, adaptive_params_t, field, def, min, max, unit, help)
static const pmm_param_t table[] = {
  P(F64, min_spread, "0.02", 0.0001, 1, "dollars", "narrowest spread"),
  P(F64, base_spread, "0.04", 0.0001, 1, "dollars", "spread of a calm, liquid market"),
  P(F64, max_spread, "0.12", 0.0001, 1, "dollars", "widest spread"),
  P(F64, low_liquidity_add, "0.02", 0, 1, "dollars", "added while liquidity is below twice min_liquidity"),
  P(F64, volatility_mult, "1.5", 1, 100, "", "factor while volatility is high"),
  P(F64, inventory_mult, "1.3", 1, 100, "", "factor while the position is beyond the skew threshold"),
  P(QTY, inventory_skew_threshold, "10", 0, 1e9, "contracts", "net position from which spread and prices react"),
  P(F64, skew_price_adjustment_per_10, "0.01", 0, 1, "dollars", "shift of both prices for each whole ten contracts"),
  P(F64, min_liquidity, "5000", 0, 1e12, "dollars", "least liquidity of a market worth quoting"),
  P(F64, min_time_to_resolution_h, "0.5", 0, 1e6, "hours", "selection: least time left"),
  P(F64, max_time_to_resolution_h, "168", 0, 1e6, "hours", "selection: most time left"),
  P(INT, max_markets, "10", 1, 100000, "markets", "selection: the most liquid ones are quoted"),
  P(QTY, quote_size, "10", 0.000001, 1e9, "contracts", "size of each order"),
  P(QTY, max_position_size, "100", 0, 1e9, "contracts", "YES plus NO from which only the reducing side is quoted"),
  P(QTY, max_inventory, "50", 0, 1e9, "contracts", "net position beyond which all of it is sold at market"),
  P(QTY, target_inventory, "0", -1e9, 1e9, "contracts", "net position that the spread treats as neutral"),
  P(QTY, rebalance_threshold, "20", 0, 1e9, "contracts", "net position beyond which only the reducing side is quoted"),
  P(DURATION, max_quote_age_s, "30", 0, 86400, "s", "quotes are renewed after this"),
  P(F64, price_change_requote, "0.02", 0, 1, "dollars", "or once the mid moved by this"),
  P(F64, volume_spike, "3", 0, 1e9, "", "pause while the last minute's volume exceeds this many times its average"),
  P(F64, final_exit_h, "0.5", 0, 1e6, "hours", "time left below which positions are closed"),
  P(QTY, final_exit_net, "5", 0, 1e9, "contracts", "... when the net position is beyond this"),
  P(F64, volatility_high_ratio, "1.5", 0, 1e9, "", "volatility is high from this ratio of fast to slow price movement"),
  P(DURATION, volatility_fast, "60", 1, 86400, "s", "time constant of the fast mean of price movement"),
  P(DURATION, volatility_slow, "1800", 1, 864000, "s", "time constant of the slow mean"),
  P(DURATION, volatility_sample, "5", 0.1, 3600, "s", "step over which price movement is measured"),
};
#undef P

static const char *const conservative[] = {
  "min_spread=0.03", "base_spread=0.06", "max_spread=0.15", "max_inventory=30", "inventory_skew_threshold=8", "rebalance_threshold=15",
  "quote_size=5", "max_position_size=50", "max_markets=5", "min_liquidity=10000", "max_time_to_resolution_h=72", NULL};
static const char *const aggressive[] = {
  "min_spread=0.015", "base_spread=0.03", "max_spread=0.08", "max_inventory=75", "inventory_skew_threshold=15", "rebalance_threshold=30",
  "quote_size=20", "max_position_size=150", "max_markets=15", "min_liquidity=3000", "max_time_to_resolution_h=168", NULL};
static const char *const high_frequency[] = {
  "min_spread=0.01", "base_spread=0.02", "max_quote_age_s=5", "price_change_requote=0.01", "quote_size=3", "max_markets=25",
  "max_inventory=20", "inventory_skew_threshold=5", NULL};
static const pmm_preset_t presets[] = {
  {"conservative", "wide and small, few liquid markets that resolve within three days", conservative},
  {"aggressive", "narrow and large, more markets", aggressive},
  {"high_frequency", "very narrow, small, often renewed", high_frequency},
};

static pmm_status_t check(const void *params, pmm_error_t *err) {
  const adaptive_params_t *const p = params;
  if (p->min_spread > p->max_spread) return pmm_error_set(err, PMM_INVAL, "min_spread: above max_spread");
  if (p->min_time_to_resolution_h > p->max_time_to_resolution_h)
    return pmm_error_set(err, PMM_INVAL, "min_time_to_resolution_h: above max_time_to_resolution_h");
  if (p->volatility_fast >= p->volatility_slow) return pmm_error_set(err, PMM_INVAL, "volatility_fast: not below volatility_slow");
  return PMM_OK;
}

static pmm_status_t init(void *state, const void *params, uint64_t seed) {
  (void)seed;
  adaptive_t *const self = state;
  self->params = params;
  double const step = (double)self->params->volatility_sample;
  self->weight_fast = -pmm_expm1(-step / (double)self->params->volatility_fast);
  self->weight_slow = -pmm_expm1(-step / (double)self->params->volatility_slow);
  return PMM_OK;
}

/* One step has ended: the mid that was in force then against the one a step before, and for the steps without any
   event nothing but zeros, which only let both means decay. */
static void add_moves(adaptive_t *self, int64_t step_cnt) {
  moves_t *const m = &self->moves;
  double const move = fabs(m->mid - m->sampled_mid);
  m->sampled_mid = m->mid;
  m->fast += self->weight_fast * (move - m->fast);
  m->slow += self->weight_slow * (move - m->slow);
  if (step_cnt > 1) {
    m->fast *= pmm_pow(1 - self->weight_fast, (double)(step_cnt - 1));
    m->slow *= pmm_pow(1 - self->weight_slow, (double)(step_cnt - 1));
  }
  m->cnt += (uint64_t)step_cnt;
}

static void on_event(void *state, const pmm_view_t *view, const pmm_event_t *event) {
  (void)event;
  adaptive_t *const self = state;
  moves_t *const m = &self->moves;
  int64_t const step_ns = self->params->volatility_sample;
  if (m->has && view->now_ns >= m->next_ns) {
    int64_t const step_cnt = (view->now_ns - m->next_ns) / step_ns + 1;
    add_moves(self, step_cnt);
    m->next_ns += step_cnt * step_ns;
  }
  if (view->mid_age_ns != 0) return; /* no mid now: the last one stays in force */
  m->mid = view->mid;
  if (!m->has) {
    m->sampled_mid = m->mid;
    m->next_ns = view->now_ns + step_ns;
    m->has = true;
  }
}

static bool is_volatile(const adaptive_t *self, const pmm_view_t *view) {
  if (view->signals->volatility_high >= 0) return view->signals->volatility_high != 0;
  const moves_t *const m = &self->moves;
  return m->cnt >= MOVES_MIN && m->slow > 1e-12 && m->fast >= self->params->volatility_high_ratio * m->slow;
}

static double volume_ratio(const pmm_view_t *view) {
  return isnan(view->signals->volume_ratio) ? pmm_flow_volume_ratio(view->flow, view->now_ns) : view->signals->volume_ratio;
}

static double liquidity(const pmm_view_t *view) {
  return isnan(view->signals->liquidity) ? (double)pmm_ladder_notional(view->ladder) / 1e6 : view->signals->liquidity;
}

static double spread_of(const adaptive_t *self, const pmm_view_t *view, int64_t net_e6, pmm_quotes_t *out) {
  const adaptive_params_t *const p = self->params;
  double const dollars = liquidity(view);
  bool const is_wild = is_volatile(self, view);
  double spread = p->base_spread;
  if (dollars < 2 * p->min_liquidity) spread += p->low_liquidity_add;
  if (is_wild) spread *= p->volatility_mult;
  if (view->time_left_s < SOON_H * HOUR_S) spread *= SOON_MULT; /* false for an unknown time (NaN) */
  else if (view->time_left_s < NEAR_H * HOUR_S) spread *= NEAR_MULT;
  if (pmm_abs64(net_e6 - p->target_inventory) > p->inventory_skew_threshold) spread *= p->inventory_mult;
  pmm_quotes_reason(out, "liquidity", dollars);
  pmm_quotes_reason(out, "volatility_high", is_wild);
  return pmm_clip(spread, p->min_spread, p->max_spread);
}

static double shift_of(const adaptive_params_t *p, int64_t net_e6) {
  int64_t const size = pmm_abs64(net_e6);
  if (size <= p->inventory_skew_threshold) return 0;
  double const shift = (double)(size / SKEW_STEP_E6) * p->skew_price_adjustment_per_10;
  return net_e6 > 0 ? -shift : shift;
}

static void price(adaptive_t *self, const pmm_view_t *view, int64_t net_e6, pmm_quotes_t *out) {
  double const shift = shift_of(self->params, net_e6);
  out->raw_spread = spread_of(self, view, net_e6, out);
  out->raw_bid = view->mid - out->raw_spread / 2 + shift;
  out->raw_ask = view->mid + out->raw_spread / 2 + shift;
  pmm_quotes_reason(out, "shift", shift);
}

static void add_levels(const adaptive_params_t *p, const pmm_view_t *view, int64_t net_e6, int64_t gross_e6, pmm_quotes_t *out) {
  double bid = pmm_clip(out->raw_bid, PRICE_LO, PRICE_HI), ask = pmm_clip(out->raw_ask, PRICE_LO, PRICE_HI);
  if (bid >= ask) {
    double const middle = (bid + ask) / 2;
    bid = middle - CROSSED_HALF;
    ask = middle + CROSSED_HALF;
  }
  bool const is_reducing = gross_e6 >= p->max_position_size || pmm_abs64(net_e6) > p->rebalance_threshold;
  int64_t const size = pmm__size(view->market, p->quote_size);
  if (is_reducing) out->why = "position large: reducing side only";
  if (size == 0) out->why = "quote_size is below the venue's minimum";
  if (!is_reducing || net_e6 < 0) pmm__add_bid(out, pmm_grid_floor(&view->market->grid, bid), size);
  if (!is_reducing || net_e6 > 0) pmm__add_ask(out, pmm_grid_ceil(&view->market->grid, ask), size);
}

static const char *exit_reason(const adaptive_params_t *p, const pmm_view_t *view, int64_t net_e6) {
  if (pmm_abs64(net_e6) < view->market->lot_e6) return NULL; /* nothing an order could carry */
  if (pmm_abs64(net_e6) > p->max_inventory) return "net position above max_inventory";
  if (view->time_left_s < p->final_exit_h * HOUR_S && pmm_abs64(net_e6) > p->final_exit_net) return "closing before resolution";
  return NULL;
}

/* Orders keep their place in the queue until age, price or position give a reason to move them. */
static bool is_kept(const adaptive_t *self, const pmm_view_t *view, int64_t net_e6, int64_t gross_e6) {
  const adaptive_params_t *const p = self->params;
  return self->is_quoting && !(view->wake & (PMM_WAKE_FILL | PMM_WAKE_LIFE)) && net_e6 == self->quoted_net_e6 &&
         gross_e6 == self->quoted_gross_e6 && view->now_ns - self->quoted_ns < p->max_quote_age_s &&
         fabs(view->mid - self->quoted_fair) < p->price_change_requote - SLACK;
}

static pmm_status_t on_view(void *state, const pmm_view_t *view, pmm_quotes_t *out) {
  adaptive_t *const self = state;
  const adaptive_params_t *const p = self->params;
  int64_t const net_e6 = pmm_position_net(&view->position), gross_e6 = view->position.yes_e6 + view->position.no_e6;
  bool const is_spike = volume_ratio(view) > p->volume_spike;
  const char *const leaving = exit_reason(p, view, net_e6);
  out->fair = view->mid;
  if (!is_spike && !leaving && is_kept(self, view, net_e6, gross_e6)) {
    out->action = PMM_QUOTE_KEEP;
    return PMM_OK;
  }
  price(self, view, net_e6, out);
  self->is_quoting = !is_spike && !leaving;
  if (is_spike) return pmm__pause(out, "volume spike");
  if (leaving) return pmm__exit(out, net_e6, pmm_floor_to_lot(pmm_abs64(net_e6), view->market->lot_e6), leaving);
  self->quoted_ns = view->now_ns;
  self->quoted_fair = view->mid;
  self->quoted_net_e6 = net_e6;
  self->quoted_gross_e6 = gross_e6;
  add_levels(p, view, net_e6, gross_e6, out);
  return PMM_OK;
}

/* Selection: tradable, inside the time window, liquid, and wide enough to earn something; the most liquid first. */
static double score(const void *params, const pmm_view_t *view) {
  const adaptive_params_t *const p = params;
  double const hours = view->time_left_s / HOUR_S, dollars = liquidity(view);
  if (view->market->outcome != PMM_OUTCOME_UNKNOWN || view->market->life >= PMM_LIFE_CLOSED) return NAN;
  if (!(hours >= p->min_time_to_resolution_h && hours <= p->max_time_to_resolution_h)) return NAN;
  if (!(dollars >= p->min_liquidity) || pmm_ladder_state(view->ladder) != PMM_BOOK_NORMAL) return NAN;
  int32_t const spread_e4 = pmm_ladder_best_e4(view->ladder, PMM_ASK) - pmm_ladder_best_e4(view->ladder, PMM_BID);
  return spread_e4 / 1e4 >= p->min_spread - SLACK ? dollars : NAN;
}

/* A second is soon enough for age, time left and the end of a volume spike. */
static int64_t refresh_ns(const void *params) {
  (void)params;
  return PMM_NS_PER_S;
}

static int32_t market_max(const void *params) { return (int32_t)((const adaptive_params_t *)params)->max_markets; }

const pmm_strategy_ops_t pmm__strategy_adaptive = {
  .abi = PMM_STRATEGY_ABI,
  .name = "adaptive",
  .help = "a spread that follows liquidity, volatility, time and inventory, with stepwise inventory control",
  .params = table,
  .param_cnt = PMM__CNT(table),
  .params_size = sizeof(adaptive_params_t),
  .presets = presets,
  .preset_cnt = PMM__CNT(presets),
  .state_size = sizeof(adaptive_t),
  .wake = PMM_WAKE_BOOK | PMM_WAKE_TRADE | PMM_WAKE_FILL | PMM_WAKE_TIMER | PMM_WAKE_LIFE,
  .check = check,
  .init = init,
  .refresh_ns = refresh_ns,
  .on_event = on_event,
  .on_view = on_view,
  .score = score,
  .market_max = market_max,
};
