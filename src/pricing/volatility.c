/* Estimators: exponential means of irregular samples, and the volatility of an underlying. */
#include <assert.h>
#include <math.h>

#include "pmm/pricing.h"

#define LN2 0.69314718055994530942
#define GAP_INTERVALS 10 /* a longer silence is an outage, not a quiet market: no return across it */

void pmm_ewma_init(pmm_ewma_t *ewma, double half_life_s) {
  assert(half_life_s > 0);
  *ewma = (pmm_ewma_t){.half_life_s = half_life_s};
}

void pmm_ewma_add(pmm_ewma_t *ewma, int64_t now_ns, double v) {
  if (!isfinite(v)) return;
  if (!ewma->has) {
    ewma->value = v;
    ewma->at_ns = now_ns;
    ewma->has = true;
    return;
  }
  double const dt_s = (double)pmm_max64(now_ns - ewma->at_ns, 0) / 1e9;
  ewma->value += -pmm_expm1(-LN2 * dt_s / ewma->half_life_s) * (v - ewma->value);
  ewma->at_ns = pmm_max64(ewma->at_ns, now_ns);
}

static bool is_positive(double x) { return isfinite(x) && x > 0; }

pmm_status_t pmm_vol_init(pmm_vol_t *vol, pmm_vol_kind_t kind, double dt_s, int32_t window, double half_life_s) {
  if (kind != PMM_VOL_STDEV && kind != PMM_VOL_EWMA) return PMM_INVAL;
  if (!(dt_s >= 1e-3 && dt_s <= 1e6) || window < 2 || window > PMM_VOL_WINDOW_MAX) return PMM_INVAL;
  if (kind == PMM_VOL_EWMA && !is_positive(half_life_s)) return PMM_INVAL;
  *vol = (pmm_vol_t){.kind = kind, .window = window, .dt_s = dt_s, .half_life_s = half_life_s};
  return PMM_OK;
}

static void push_return(pmm_vol_t *vol, double r) {
  vol->ret[vol->ret_next] = r;
  vol->ret_next = vol->ret_next + 1 == vol->window ? 0 : vol->ret_next + 1;
  if (vol->ret_cnt < vol->window) vol->ret_cnt++;
  double const weight = vol->kind == PMM_VOL_EWMA && vol->returns_ever ? -pmm_expm1(-LN2 * vol->dt_s / vol->half_life_s) : 1;
  vol->ewma_var += weight * (r * r - vol->ewma_var);
  vol->returns_ever++;
}

/* The interval that held last_price is over: its return, then a zero for each further interval without a price,
   because the price stood still in them (previous-tick sampling, which keeps the total variance right). */
static void close_intervals(pmm_vol_t *vol, int64_t interval_cnt) {
  double const r = vol->last_sample > 0 ? pmm_log(vol->last_price / vol->last_sample) : NAN;
  if (isfinite(r)) push_return(vol, r); /* else there is no sample before, or a ratio no double holds */
  vol->last_sample = vol->last_price;
  for (int64_t i = 1; i < interval_cnt; i++) push_return(vol, 0);
}

pmm_status_t pmm_vol_add(pmm_vol_t *vol, int64_t now_ns, double price) {
  if (!is_positive(price)) return PMM_INVAL;
  int64_t const dt_ns = (int64_t)(vol->dt_s * 1e9);
  int64_t const start_ns = now_ns - now_ns % dt_ns;
  if (vol->last_price > 0) {
    int64_t const passed = (start_ns - vol->last_sample_ns) / dt_ns;
    if (passed > GAP_INTERVALS) vol->last_sample = 0; /* afresh; the returns seen so far stay */
    else if (passed > 0) close_intervals(vol, passed);
    else if (passed < 0) return PMM_OK; /* a late price belongs to an interval that is closed already */
  }
  vol->last_price = price;
  vol->last_sample_ns = start_ns;
  return PMM_OK;
}

/* Sample deviation (n - 1) in two passes: one pass over squares cancels when the mean is not small. */
static double deviation(const double *r, size_t n) {
  double sum = 0, squares = 0;
  for (size_t i = 0; i < n; i++) sum += r[i];
  double const mean = sum / (double)n;
  for (size_t i = 0; i < n; i++) squares += (r[i] - mean) * (r[i] - mean);
  return sqrt(squares / (double)(n - 1));
}

pmm_status_t pmm_vol_get(pmm_vol_t *vol, double *annual) {
  if (vol->returns_ever < PMM_VOL_MIN_RETURNS) return PMM_NOT_READY;
  if (vol->cached_at != vol->returns_ever) {
    double const per_step = vol->kind == PMM_VOL_STDEV ? deviation(vol->ret, (size_t)vol->ret_cnt) : sqrt(vol->ewma_var);
    vol->cached = per_step * sqrt(PMM_YEAR_S / vol->dt_s);
    vol->cached_at = vol->returns_ever;
  }
  *annual = vol->cached;
  return PMM_OK;
}

pmm_status_t pmm_vol_of_series(const double *price, size_t n, double dt_s, int32_t window, double *annual) {
  if (!is_positive(dt_s) || window < 2) return PMM_INVAL;
  for (size_t i = 0; i < n; i++)
    if (!is_positive(price[i])) return PMM_INVAL;
  if (n < PMM_VOL_MIN_RETURNS + 1) return PMM_NOT_READY;
  size_t const cnt = n - 1 < (size_t)window ? n - 1 : (size_t)window;
  const double *const last = price + n - 1 - cnt; /* the first price of the last cnt returns */
  double sum = 0, squares = 0;
  for (size_t i = 0; i < cnt; i++) sum += pmm_log(last[i + 1] / last[i]);
  double const mean = sum / (double)cnt;
  for (size_t i = 0; i < cnt; i++) {
    double const off = pmm_log(last[i + 1] / last[i]) - mean;
    squares += off * off;
  }
  double const value = sqrt(squares / (double)(cnt - 1)) * sqrt(PMM_YEAR_S / dt_s);
  if (!isfinite(value)) return PMM_INVAL;
  *annual = value;
  return PMM_OK;
}
