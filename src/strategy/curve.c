/* Strategy `curve`: the orders an automated market maker would have to rest on a book (docs/strategies/curve.md). Position held at curve price p:
       LMSR   N(p) = b (logit(p0) - logit(p))
       CPMM   N(p) = sqrt(k) (sqrt((1-p)/p) - sqrt(p/(1-p))) - the same at p0,   k = R_yes R_no
   Between two ticks it trades N(t1) - N(t2), all of it at the tick further from the curve's price: never worse than the curve, so its known worst
   loss stands. */
#include "quoting.h"

typedef enum curve_kind { CURVE_LMSR, CURVE_CPMM } curve_kind_t;

typedef struct curve_params {
  int32_t kind;
  double p0, liquidity, margin;
  int64_t levels;
  double max_loss;
} curve_params_t;

typedef struct curve { const curve_params_t *params; } curve_t;

static const pmm_param_t table[] = {
  PMM__CHOICE(curve_params_t, kind, "lmsr", "lmsr|cpmm", "logarithmic scoring rule, or constant product of reserves"),
  PMM__PARAM(F64, curve_params_t, p0, "0.5", 0.001, 0.999, "", "price of the curve while nothing is held"),
  PMM__PARAM(F64, curve_params_t, liquidity, "100", 0.01, 1e9, "contracts", "lmsr: b; cpmm: the geometric mean of the two reserves"),
  PMM__PARAM(F64, curve_params_t, margin, "0", 0, 0.5, "dollars", "least distance of an order from the curve's price"),
  PMM__PARAM(INT, curve_params_t, levels, "10", 1, PMM_LEVELS_MAX, "", "price steps quoted on each side"),
  PMM__PARAM(F64, curve_params_t, max_loss, "0", 0, 1e12, "dollars", "a curve that could lose more than this is refused; 0: no limit"),
};

/* sqrt((1-p)/p) - sqrt(p/(1-p)): what a pool of unit product holds of YES beyond NO. */
static double pool_net(double p) {
  double const r = sqrt((1 - p) / p);
  return r - 1 / r;
}

static double net_at(const curve_params_t *c, double p) {
  if (c->kind == CURVE_LMSR) return c->liquidity * (pmm_logit(c->p0) - pmm_logit(p));
  return c->liquidity * (pool_net(p) - pool_net(c->p0));
}

/* The curve's price while q contracts (net YES) are held. */
static double price_at(const curve_params_t *c, double q) {
  if (c->kind == CURVE_LMSR) return pmm_sigmoid(pmm_logit(c->p0) - q / c->liquidity);
  double const y = q / c->liquidity + pool_net(c->p0), r = (y + sqrt(y * y + 4)) / 2; /* r - 1/r = y */
  return 1 / (1 + r * r);
}

/* LMSR: b ln 1/min(p0, 1-p0). CPMM: the larger reserve, all of which is gone when the outcome it bet on less comes true. */
static double worst_loss(const curve_params_t *c) {
  double const low = fmin(c->p0, 1 - c->p0);
  return c->kind == CURVE_LMSR ? -c->liquidity * pmm_log(low) : c->liquidity * sqrt((1 - low) / low);
}

static pmm_status_t check(const void *params, pmm_error_t *err) {
  const curve_params_t *const c = params;
  if (c->max_loss > 0 && worst_loss(c) > c->max_loss)
    return pmm_error_set(err, PMM_INVAL, "liquidity: this curve can lose $%.2f (max_loss: $%.2f)", worst_loss(c), c->max_loss);
  return PMM_OK;
}

static pmm_status_t init(void *state, const void *params, uint64_t seed) {
  (void)seed;
  ((curve_t *)state)->params = params;
  return PMM_OK;
}

/* Contracts too few for an order are carried to the next step out: the sum over the ladder is the curve's. */
static void side(const curve_params_t *c, const pmm_view_t *v, double p, pmm_side_t s, pmm_quotes_t *out) {
  const pmm_grid_t *const grid = &v->market->grid;
  int32_t t = s == PMM_BID ? pmm_grid_floor(grid, p - c->margin) : pmm_grid_ceil(grid, p + c->margin);
  if (t != PMM_TICKS_NONE && t / 1e4 == p) t = s == PMM_BID ? pmm_grid_down(grid, t) : pmm_grid_up(grid, t); /* nothing is traded up to the price itself */
  double done = net_at(c, p);
  for (int64_t i = 0; i < c->levels && t != PMM_TICKS_NONE; i++) {
    double const want = s == PMM_BID ? net_at(c, t / 1e4) - done : done - net_at(c, t / 1e4);
    int64_t const size = pmm__size_of(v->market, want);
    if (size > 0) {
      (s == PMM_BID ? pmm__add_bid : pmm__add_ask)(out, t, size);
      done += (s == PMM_BID ? 1 : -1) * (double)size / 1e6;
    }
    t = s == PMM_BID ? pmm_grid_down(grid, t) : pmm_grid_up(grid, t);
  }
}

static pmm_status_t on_view(void *state, const pmm_view_t *view, pmm_quotes_t *out) {
  const curve_params_t *const c = ((const curve_t *)state)->params;
  double const q = (double)pmm_position_net(&view->position) / 1e6, p = price_at(c, q);
  out->fair = p;
  out->resize_tolerance = 0.001;
  pmm_quotes_reason(out, "curve_price", p);
  pmm_quotes_reason(out, "worst_loss", worst_loss(c));
  side(c, view, p, PMM_BID, out);
  side(c, view, p, PMM_ASK, out);
  return PMM_OK;
}

const pmm_strategy_ops_t pmm__strategy_curve = {
  .abi = PMM_STRATEGY_ABI,
  .name = "curve",
  .help = "the resting orders of an automated market maker's curve, with its known worst loss",
  .params = table,
  .param_cnt = PMM__CNT(table),
  .params_size = sizeof(curve_params_t),
  .state_size = sizeof(curve_t),
  .wake = PMM_WAKE_BOOK | PMM_WAKE_FILL | PMM_WAKE_LIFE,
  .inputs = PMM_INPUT_TOUCH | PMM_INPUT_POSITION,
  .check = check,
  .init = init,
  .on_view = on_view,
};
