/* sweep_stats.c -- how much of a winner is luck. */
#include <math.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include "pmm/fmath.h"
#include "pmm/pricing.h"
#include "sweep_impl.h"

#define EULER_GAMMA 0.57721566490153286061
#define E 2.71828182845904523536
#define SIGNIFICANT 0.95
#define OVERLAP_NS (10 * PMM_NS_PER_S) /* messages after a market's close are nothing to trade on */

/* Halving until the bits run out: a hundred steps cost nothing here, and nothing can go wrong in them. p in (0,1). */
static double normal_quantile(double p) {
  double lo = -40, hi = 40;
  for (int i = 0; i < 100; i++) {
    double const mid = (lo + hi) / 2;
    *(pmm_norm_cdf(mid) < p ? &lo : &hi) = mid;
  }
  return (lo + hi) / 2;
}

double pmm_deflated_sharpe(double sharpe, double sd, double trials, double returns, double skew, double kurtosis, double *expected_max) {
  if (!isfinite(sharpe) || !(sd >= 0) || !(trials >= 1) || !(returns >= 2)) return NAN;
  double const luck = trials > 1 ? (1 - EULER_GAMMA) * normal_quantile(1 - 1 / trials) + EULER_GAMMA * normal_quantile(1 - 1 / (trials * E)) : 0;
  double const hurdle = sd * luck, variance = 1 - skew * sharpe + (kurtosis - 1) / 4 * sharpe * sharpe;
  if (expected_max) *expected_max = hurdle;
  return variance > 0 ? pmm_norm_cdf((sharpe - hurdle) * sqrt(returns - 1) / sqrt(variance)) : NAN;
}

/* -- the trials of a sweep -- */
typedef struct trial { char hash[24]; double sharpe; } trial_t;

static int by_hash(const void *a, const void *b) { return strcmp(((const trial_t *)a)->hash, ((const trial_t *)b)->hash); }

static double per_return(const pmm_sweep_plan_t *plan, uint32_t set, double annual) {
  return annual / sqrt(PMM_YEAR_S / ((double)plan->sharpe_every_ns[set] / 1e9));
}

/* The state hash of a stored result. */
static pmm_status_t read_hash(pmm_sweep_store_t *store, uint32_t set, char hash[24], pmm_error_t *err) {
  char *row = NULL;
  pmm_status_t const st = pmm_sweep_store_row(store, 0, set, &row, err);
  const char *const at = st == PMM_OK ? strstr(row, "\"state_hash\":\"") : NULL;
  snprintf(hash, 24, "%.18s", at ? at + 14 : "");
  free(row);
  return st;
}

/* Sets that did the same count once: two limits that never bound are no second try. */
static uint32_t drop_twins(trial_t *trial, uint32_t cnt) {
  qsort(trial, cnt, sizeof *trial, by_hash);
  uint32_t kept = 0;
  for (uint32_t i = 0; i < cnt; i++)
    if (i == 0 || strcmp(trial[i].hash, trial[kept - 1].hash) != 0) trial[kept++] = trial[i];
  return kept;
}

static double deviation(const trial_t *trial, uint32_t cnt) {
  double mean = 0, m2 = 0;
  for (uint32_t i = 0; i < cnt; i++) {
    double const d = trial[i].sharpe - mean;
    mean += d / (i + 1);
    m2 += d * (trial[i].sharpe - mean);
  }
  return cnt > 1 ? sqrt(m2 / (cnt - 1)) : 0;
}

pmm_status_t pmm__sweep_deflate(const pmm_sweep_plan_t *plan, pmm_sweep_store_t *store, uint32_t chosen, pmm_deflated_t *out, pmm_error_t *err) {
  double *const sharpe = malloc(plan->set_cnt * sizeof *sharpe), *const returns = malloc(plan->set_cnt * sizeof *returns);
  trial_t *const trial = malloc(plan->set_cnt * sizeof *trial);
  uint32_t cnt = 0;
  pmm_status_t st = sharpe && returns && trial ? PMM_OK : pmm_error_set(err, PMM_FULL, "sweep: no memory");
  if (st == PMM_OK) st = pmm_sweep_store_values(store, 0, "sharpe", sharpe, err);
  if (st == PMM_OK) st = pmm_sweep_store_values(store, 0, "returns", returns, err);
  for (uint32_t i = 0; st == PMM_OK && i < plan->set_cnt; i++) {
    if (!isfinite(sharpe[i])) continue;
    trial[cnt].sharpe = per_return(plan, i, sharpe[i]);
    st = read_hash(store, i, trial[cnt++].hash, err);
  }
  if (st == PMM_OK) {
    cnt = drop_twins(trial, cnt);
    *out = (pmm_deflated_t){.trials = cnt, .sharpe = sharpe[chosen], .returns = isfinite(returns[chosen]) ? (uint64_t)returns[chosen] : 0, .expected_max = NAN, .probability = NAN};
    double hurdle = NAN;
    if (cnt && isfinite(sharpe[chosen]))
      out->probability = pmm_deflated_sharpe(per_return(plan, chosen, sharpe[chosen]), deviation(trial, cnt), cnt, returns[chosen], 0, 3, &hurdle);
    out->expected_max = hurdle / per_return(plan, chosen, 1);
  }
  free(sharpe);
  free(returns);
  free(trial);
  return st;
}

/* -- advice -- */
static size_t add(char *buf, size_t cap, size_t used, const char *fmt, ...) __attribute__((format(printf, 4, 5)));
static size_t add(char *buf, size_t cap, size_t used, const char *fmt, ...) {
  va_list args;
  va_start(args, fmt);
  int const n = used < cap ? vsnprintf(buf + used, cap - used, fmt, args) : 0;
  va_end(args);
  return used + (n > 0 ? (size_t)n : 0);
}

void pmm_sweep_warning(const pmm_sweep_plan_t *plan, const pmm_sweep_outcome_t *o, char *buf, size_t cap) {
  pmm_deflated_t const *const d = &o->deflated;
  size_t used = 0;
  buf[0] = '\0';
  if (plan->set_cnt > 1 && d->probability < SIGNIFICANT)
    used = add(buf, cap, used, "%u sets were tried, %u of them different in what they did: the best of so many without merit would show a Sharpe ratio near %.1f, this one shows %.1f; "
               "the probability that it has any merit is %s%.0f%% (deflated Sharpe ratio). ", plan->set_cnt, d->trials, d->expected_max, d->sharpe,
               d->probability < 0.01 ? "below " : "", fmax(d->probability * 100, 1));
  else if (plan->set_cnt > 1 && !isfinite(d->probability))
    used = add(buf, cap, used, "%u sets were tried and the best has no Sharpe ratio to judge it by (it needs ten returns of engine.sharpe_every): nothing says that it is more than luck. ", plan->set_cnt);
  if (o->holdout_looks > 1)
    used = add(buf, cap, used, "The hold-out has now been looked at with %u different sets: it is no hold-out any more. ", o->holdout_looks);
  if (plan->overlap_ns > OVERLAP_NS)
    used = add(buf, cap, used, "Tapes overlap: a part reaches %.0f s into the one that it is tested on. ", (double)plan->overlap_ns / 1e9);
  size_t const len = strlen(buf);
  if (len && buf[len - 1] == ' ') buf[len - 1] = '\0';
}
