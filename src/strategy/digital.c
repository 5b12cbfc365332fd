/* Strategy `digital`: a ladder around the price of a digital option on an underlying, drawn in to neutral before expiry
   (docs/strategies/digital.md). */
#include "quoting.h"

#define PRICE_LO 0.01
#define PRICE_HI 0.99
#define NEUTRAL_FROM 0.7  /* share of life left at which the position band begins to close */
#define URGENCY_SPAN 0.5  /* share of life over which urgency grows from 0 to 1 */
#define INSIDE_FROM 0.5   /* urgency from which the reducing order steps inside the book */
#define TAKE_BELOW 0.2    /* share of life left below which a cheap exit takes */
#define THIN_FROM 0.5     /* thinning grows from this share of life left ... */
#define THIN_SPAN 0.4     /* ... over this much of it */
#define SLACK 1e-9        /* of a price: 0.99 - 0.96 counts as 0.03 */
#define SCORE_LEAST_S 60.0

typedef enum model { MODEL_SIMPLE, MODEL_EXACT, MODEL_AVERAGE } model_t;

typedef struct digital_params {
  double spread, spacing, skew_factor, min_spread, z0, z1, flat_fraction, max_flatten_cost, max_source_gap_bps, volatility, drift;
  int64_t size, max_position, levels;
  int64_t close_threshold_s, refresh_ms, feed_stale_s;
  int32_t model;
  bool drift_correction;
} digital_params_t;

typedef struct digital { const digital_params_t *params; } digital_t;

#define P(type, field, def, min, max, unit, help) PMM__PARAM(type, digital_params_t, field, def, min, max, unit, help)
static const pmm_param_t table[] = {
  P(F64, spread, "0.04", 0.0001, 1, "dollars", "distance between the first bid and the first ask"),
  P(QTY, size, "100", 0.000001, 1e9, "contracts", "size of each order"),
  P(INT, levels, "3", 1, PMM_LEVELS_MAX, "levels", "orders a side"),
  P(F64, spacing, "0.01", 0, 1, "dollars", "distance between levels"),
  P(QTY, max_position, "1000", 0.000001, 1e9, "contracts", "most contracts held of each outcome"),
  P(F64, skew_factor, "0.02", 0, 1, "dollars", "how far a full position moves both prices"),
  P(DURATION, close_threshold_s, "30", 0, 86400, "s", "orders are cancelled this long before expiry"),
  P(F64, min_spread, "0.02", 0.0001, 1, "dollars", "spread is never below this"),
  {.name = "refresh_ms", .type = PMM_PARAM_INT, .offset = offsetof(digital_params_t, refresh_ms), .def = "100", .min = 1, .max = 60000,
   .unit = "ms", .help = "time between decisions when nothing moves"},
  P(DURATION, feed_stale_s, "5", 0.01, 3600, "s", "quotes stop when the underlying's price is older"),
  PMM__CHOICE(digital_params_t, model, "simple", "simple|exact|average", "digital option model; average: settled on a mean over the market's settlement window"),
  P(BOOL, drift_correction, "false", 0, 0, "", "the same as model exact when model is simple"),
  P(F64, drift, "0", -100, 100, "1/year", "drift of the underlying, exact model"),
  P(F64, volatility, "0", 0, 100, "1/sqrt(year)", "volatility of the underlying; 0: estimate it"),
  P(F64, z0, "1", 0, 100, "", "distance from the strike, in deviations, where the losing outcome's bids begin to thin"),
  P(F64, z1, "2.5", 0, 100, "", "... and where nothing is left of them"),
  P(F64, flat_fraction, "0.05", 0, 0.69, "", "share of life left below which no position is wanted"),
  P(F64, max_flatten_cost, "0.03", 0, 1, "dollars", "most paid against fair value to get out at market"),
  P(F64, max_source_gap_bps, "20", 0, 1e6, "bps", "pause while two price sources are further apart"),
};
#undef P

static pmm_status_t check(const void *params, pmm_error_t *err) {
  const digital_params_t *const p = params;
  if (p->z0 >= p->z1) return pmm_error_set(err, PMM_INVAL, "z0: not below z1");
  if (p->drift_correction && p->model == MODEL_AVERAGE) return pmm_error_set(err, PMM_INVAL, "drift_correction: not with model average");
  return PMM_OK;
}

static pmm_status_t init(void *state, const void *params, uint64_t seed) {
  (void)seed;
  ((digital_t *)state)->params = params;
  return PMM_OK;
}

static int64_t refresh_ns(const void *params) { return ((const digital_params_t *)params)->refresh_ms * PMM_NS_PER_MS; }

static double volatility_of(const digital_params_t *p, const pmm_view_t *view) {
  return pmm__signal(view->signals->volatility, p->volatility > 0 ? p->volatility : view->under.volatility);
}

/* Fair value and distance from the strike (the simplified d2 whatever the model). NULL, or why there is none. */
static const char *value(const digital_params_t *p, const pmm_view_t *view, double *fair, double *z) {
  double const window_s = (double)view->market->settle_window_ns / 1e9;
  pmm_digital_in_t const in = {
    .spot = view->under.price, .strike = (double)view->market->strike_e8 / 1e8, .time_s = view->time_left_s,
    .volatility = volatility_of(p, view), .drift = p->drift, .window_s = window_s, .mean_so_far = view->under.settle_mean,
    .clamp_lo = PRICE_LO, .clamp_hi = PRICE_HI, .tie_is_yes = view->market->tie_is_yes};
  if (!view->under.has) return "no price of the underlying";
  if (view->market->strike_e8 <= 0) return "the market has no strike";
  if (isnan(view->time_left_s)) return "time left unknown";
  if (view->time_left_s > 0 && !(in.volatility > 0)) return "volatility not ready";
  if (pmm_digital_simple(&in, z, fair) != PMM_OK) return "price of the underlying unusable";
  if (p->model == MODEL_SIMPLE && !p->drift_correction) return NULL;
  double d2;
  if (p->model != MODEL_AVERAGE) return pmm_digital_exact(&in, &d2, fair) == PMM_OK ? NULL : "price of the underlying unusable";
  return pmm_digital_average(&in, &d2, fair) == PMM_OK ? NULL : "settlement mean missing";
}

static const char *pause_reason(const digital_params_t *p, const pmm_view_t *view) {
  if (view->time_left_s <= (double)p->close_threshold_s / 1e9) return "too close to expiry";
  if (!(view->under.age_s <= (double)p->feed_stale_s / 1e9)) return "feed stale";
  if (view->under.gap_bps > p->max_source_gap_bps) return "price sources disagree";
  return NULL;
}

/* Share of life left; all of it when the life is unknown. */
static double life_left(const pmm_view_t *view) {
  return view->life_s > 0 ? pmm_clip(view->time_left_s / view->life_s, 0, 1) : 1;
}

static double band_of(const digital_params_t *p, double f) {
  return f >= NEUTRAL_FROM ? 1 : pmm_clip((f - p->flat_fraction) / (NEUTRAL_FROM - p->flat_fraction), 0, 1);
}

/* Price of level i after the clamp, the skew, and the clamp again. */
static double level_price(const digital_params_t *p, double fair, double spread, double skew, pmm_side_t side, int i) {
  double const away = spread / 2 + i * p->spacing;
  double const plain = side == PMM_BID ? fair - away : fair + away;
  return pmm_clip(pmm_clip(plain, PRICE_LO, PRICE_HI) - skew, PRICE_LO, PRICE_HI);
}

/* Share of its size that a bid for the losing outcome keeps. */
static double kept_share(const digital_params_t *p, double z, double f) {
  double const near = fmax(0, 1 - fmax(0, fabs(z) - p->z0) / (p->z1 - p->z0));
  double const weight = pmm_clip((THIN_FROM - f) / THIN_SPAN, 0, 1);
  return 1 - weight * (1 - near);
}

/* Whether one of our own orders stands at a price of a side. */
static bool is_ours_at(const pmm_view_t *view, pmm_side_t side, int32_t price_e4) {
  for (size_t i = 0; i < view->order_cnt; i++)
    if (view->orders[i].side == side && view->orders[i].price_e4 == price_e4) return true;
  return false;
}

/* Where the one reducing order stands: at first on the ladder, with urgency nearer the book's best of its own side, then
   one tick inside that, never crossing. When we are the book's best ourselves it stays: a live book counts our order, and
   stepping inside it would outbid ourselves tick by tick. */
static int32_t reducing_price(const pmm_view_t *view, pmm_side_t side, double level0, double urgency) {
  const pmm_grid_t *const grid = &view->market->grid;
  bool const is_bid = side == PMM_BID;
  int32_t const best_e4 = pmm_ladder_best_e4(view->ladder, side), other_e4 = pmm_ladder_best_e4(view->ladder, pmm_side_opposite(side));
  double const best = best_e4 / 1e4;
  if (best_e4 == PMM_TICKS_NONE || urgency < INSIDE_FROM) {
    bool const is_better = best_e4 != PMM_TICKS_NONE && (is_bid ? best > level0 : best < level0);
    double const price = is_better ? level0 + (best - level0) * (urgency / INSIDE_FROM) : level0;
    return is_bid ? pmm_grid_floor(grid, price) : pmm_grid_ceil(grid, price);
  }
  if (is_ours_at(view, side, best_e4)) return best_e4;
  int32_t const inside_e4 = is_bid ? pmm_grid_up(grid, best_e4) : pmm_grid_down(grid, best_e4);
  bool const would_cross = inside_e4 == PMM_TICKS_NONE || (other_e4 != PMM_TICKS_NONE && (is_bid ? inside_e4 >= other_e4 : inside_e4 <= other_e4));
  return would_cross ? best_e4 : inside_e4;
}

/* What taking costs against fair value; infinite on an empty book. */
static double taking_cost(const pmm_view_t *view, double fair, int64_t net_e6) {
  int32_t const best_e4 = pmm_ladder_best_e4(view->ladder, net_e6 > 0 ? PMM_BID : PMM_ASK);
  if (best_e4 == PMM_TICKS_NONE) return INFINITY;
  return net_e6 > 0 ? fair - best_e4 / 1e4 : best_e4 / 1e4 - fair;
}

/* The least that an order can carry: whole lots, and the venue's minimum. */
static int64_t least_order(const pmm_market_t *market) {
  int64_t const least_e6 = pmm_max64(market->lot_e6, market->min_size_e6);
  return (least_e6 + market->lot_e6 - 1) / market->lot_e6 * market->lot_e6;
}

static pmm_status_t reduce(const digital_params_t *p, const pmm_view_t *view, int64_t net_e6, int64_t allowed_e6, double f, pmm_quotes_t *out) {
  const pmm_market_t *const market = view->market;
  int64_t const excess_e6 = pmm_floor_to_lot(pmm_abs64(net_e6) - allowed_e6, market->lot_e6), least_e6 = least_order(market);
  out->why = "position above the band: reducing side only";
  if (least_e6 > pmm_abs64(net_e6)) return PMM_OK; /* any order would turn the position round: it is held to the end */
  if (f < TAKE_BELOW && taking_cost(view, out->fair, net_e6) <= p->max_flatten_cost + SLACK) {
    out->exit_limit = p->max_flatten_cost;
    return pmm__exit(out, net_e6, pmm_max64(excess_e6, least_e6), "position above the band");
  }
  int64_t const size_e6 = pmm_max64(pmm_floor_to_lot(pmm_min64(excess_e6, p->size * p->levels), market->lot_e6), least_e6);
  double const urgency = pmm_clip((NEUTRAL_FROM - f) / URGENCY_SPAN, 0, 1);
  if (net_e6 > 0) pmm__add_ask(out, reducing_price(view, PMM_ASK, out->raw_ask, urgency), size_e6);
  else pmm__add_bid(out, reducing_price(view, PMM_BID, out->raw_bid, urgency), size_e6);
  return PMM_OK;
}

static void add_ladder(const digital_params_t *p, const pmm_view_t *view, double spread, double skew, double z, double f, pmm_quotes_t *out) {
  const pmm_grid_t *const grid = &view->market->grid;
  double const kept = kept_share(p, z, f);
  int64_t const whole_e6 = pmm__size(view->market, p->size), thin_e6 = pmm__size_of(view->market, (double)p->size / 1e6 * kept);
  int64_t const bid_e6 = view->position.yes_e6 < p->max_position ? (z < 0 ? thin_e6 : whole_e6) : 0;
  int64_t const ask_e6 = view->position.no_e6 < p->max_position ? (z > 0 ? thin_e6 : whole_e6) : 0;
  pmm_quotes_reason(out, "kept", kept);
  int32_t last_bid = PMM_TICKS_NONE, last_ask = PMM_TICKS_NONE;
  for (int i = 0; i < (int)p->levels; i++) {
    int32_t const bid = pmm_grid_floor(grid, level_price(p, out->fair, spread, skew, PMM_BID, i));
    int32_t const ask = pmm_grid_ceil(grid, level_price(p, out->fair, spread, skew, PMM_ASK, i));
    if (bid != last_bid) pmm__add_bid(out, bid, bid_e6); /* levels that the clamp or the grid joins are one order */
    if (ask != last_ask) pmm__add_ask(out, ask, ask_e6);
    last_bid = bid;
    last_ask = ask;
  }
}

/* At the clamp a large skew can push both sides onto one price: the side that would add to the position yields. */
static void uncross(int64_t net_e6, pmm_quotes_t *out) {
  if (!out->bid_cnt || !out->ask_cnt || out->bid[0].price_e4 < out->ask[0].price_e4) return;
  if (net_e6 > 0) out->bid_cnt = 0;
  else out->ask_cnt = 0;
}

static pmm_status_t on_view(void *state, const pmm_view_t *view, pmm_quotes_t *out) {
  const digital_params_t *const p = ((const digital_t *)state)->params;
  int64_t const net_e6 = pmm_position_net(&view->position);
  double fair, z;
  const char *const missing = value(p, view, &fair, &z);
  if (missing) return pmm__pause(out, missing);
  out->fair = fair;
  double const f = life_left(view), band = band_of(p, f), spread = fmax(p->spread, p->min_spread);
  pmm_quotes_reason(out, "z", z);
  pmm_quotes_reason(out, "volatility", volatility_of(p, view));
  pmm_quotes_reason(out, "band", band);
  pmm_quotes_reason(out, "profit_if_yes", (double)pmm_position_settle(&view->position, PMM_ONE_E6) / 1e6);
  pmm_quotes_reason(out, "profit_if_no", (double)pmm_position_settle(&view->position, 0) / 1e6);
  const char *const halted = pause_reason(p, view);
  if (halted) return pmm__pause(out, halted);
  double const skew = (double)net_e6 / (double)p->max_position * p->skew_factor;
  out->raw_bid = level_price(p, fair, spread, skew, PMM_BID, 0);
  out->raw_ask = level_price(p, fair, spread, skew, PMM_ASK, 0);
  out->raw_spread = spread;
  int64_t const allowed_e6 = (int64_t)floor((double)p->max_position * band);
  if (pmm_abs64(net_e6) > allowed_e6) return reduce(p, view, net_e6, allowed_e6, f, out);
  add_ladder(p, view, spread, skew, z, f, out);
  uncross(net_e6, out);
  return PMM_OK;
}

/* More time left and less exposure rank higher; under a minute is too late to begin. */
static double score(const void *params, const pmm_view_t *view) {
  const digital_params_t *const p = params;
  if (!(view->time_left_s >= SCORE_LEAST_S) || view->market->strike_e8 <= 0 || view->market->life >= PMM_LIFE_CLOSED) return NAN;
  double const exposure = fmin(1, fabs((double)pmm_position_net(&view->position)) / (double)p->max_position);
  return life_left(view) - exposure;
}

const pmm_strategy_ops_t pmm__strategy_digital = {
  .abi = PMM_STRATEGY_ABI,
  .name = "digital",
  .help = "a ladder around a digital option on an underlying, neutral before expiry",
  .params = table,
  .param_cnt = PMM__CNT(table),
  .params_size = sizeof(digital_params_t),
  .state_size = sizeof(digital_t),
  .wake = PMM_WAKE_FEED | PMM_WAKE_FILL | PMM_WAKE_TIMER | PMM_WAKE_LIFE,
  .check = check,
  .init = init,
  .refresh_ns = refresh_ns,
  .on_view = on_view,
  .score = score,
};
