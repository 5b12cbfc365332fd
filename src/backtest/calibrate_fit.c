/* calibrate_fit.c -- fill intensity A exp(-k d) by maximum likelihood. For a given k the best A is events over expected events at
   A = 1, which leaves a function of k alone with one maximum; golden section finds it without derivatives. */
#include <math.h>
#include "pmm/calibrate.h"
#include "pmm/fmath.h"

#define K_MIN 1e-3
#define K_MAX 1e4
#define EVENTS_MIN 10
#define STEPS 120        /* of the section: the bracket shrinks to nothing */
#define EXPECTED_MIN 5.0 /* events a bin needs for Pearson's statistic */

/* Expected events that end in bin j at A = 1, and the derivative of it by k. */
static double share_of(const pmm_intensity_t *f, size_t j, double k, double *slope) {
  const pmm_intensity_bin_t *const b = &f->bin[j];
  double const near = b->exposure_s * pmm_exp(-k * b->distance);
  double const far = j + 1 < f->bin_cnt ? b[1].exposure_s * pmm_exp(-k * b[1].distance) : 0;
  if (slope) *slope = (j + 1 < f->bin_cnt ? b[1].distance * far : 0) - b->distance * near;
  return near - far;
}

static uint64_t ended_in(const pmm_intensity_t *f, size_t j) {
  return f->bin[j].reached - (j + 1 < f->bin_cnt ? f->bin[j + 1].reached : 0);
}

static double likelihood(const pmm_intensity_t *f, double log_k) {
  double const k = pmm_exp(log_k);
  double sum = 0, total = 0;
  for (size_t j = 0; j < f->bin_cnt; j++) {
    double const mu = share_of(f, j, k, NULL);
    uint64_t const n = ended_in(f, j);
    total += mu;
    if (n && !(mu > 0)) return -INFINITY;
    if (n) sum += (double)n * pmm_log(mu);
  }
  return total > 0 ? sum - (double)f->events * pmm_log(total) : -INFINITY;
}

static double best_log_k(const pmm_intensity_t *f) {
  double const ratio = 0.6180339887498949;
  double lo = pmm_log(K_MIN), hi = pmm_log(K_MAX);
  double a = hi - ratio * (hi - lo), b = lo + ratio * (hi - lo);
  double at_a = likelihood(f, a), at_b = likelihood(f, b);
  for (int i = 0; i < STEPS; i++) {
    if (at_a >= at_b) {
      hi = b, b = a, at_b = at_a;
      at_a = likelihood(f, a = hi - ratio * (hi - lo));
    } else {
      lo = a, a = b, at_a = at_b;
      at_b = likelihood(f, b = lo + ratio * (hi - lo));
    }
  }
  return (lo + hi) / 2;
}

static bool is_sound(const pmm_intensity_t *f) {
  if (f->bin_cnt < 2 || f->bin_cnt > PMM_INTENSITY_BINS) return false;
  for (size_t j = 0; j < f->bin_cnt; j++) {
    const pmm_intensity_bin_t *const b = &f->bin[j];
    if (!(b->exposure_s >= 0) || !(b->distance >= 0) || !isfinite(b->distance) || !isfinite(b->exposure_s)) return false;
    if (j && (b->distance <= b[-1].distance || b->reached > b[-1].reached || b->exposure_s > b[-1].exposure_s)) return false;
  }
  return f->bin[0].exposure_s > 0;
}

/* The Fisher information of (ln A, k) is the sum over bins of mu g g', g = (1, d ln share/dk). */
static void set_errors(pmm_intensity_t *f) {
  double aa = 0, ak = 0, kk = 0;
  for (size_t j = 0; j < f->bin_cnt; j++) {
    double slope;
    double const share = share_of(f, j, f->k, &slope);
    if (!(share > 0)) continue;
    aa += f->A * share;
    ak += f->A * slope;
    kk += f->A * slope * slope / share;
  }
  double const det = aa * kk - ak * ak;
  if (!(det > 0)) return;
  f->A_se = f->A * sqrt(kk / det);
  f->k_se = sqrt(aa / det);
  f->correlation = -ak / sqrt(aa * kk);
}

/* Upper tail of chi squared by Wilson and Hilferty's cube root, within a percent from three degrees on: E. Wilson, M. Hilferty,
   "The distribution of chi-square", PNAS 17, 1931. */
static double tail_of(double chi2, int dof) {
  double const v = 2.0 / (9 * dof);
  double const root = chi2 > 0 ? pmm_exp(pmm_log(chi2 / dof) / 3) : 0;
  return 1 - pmm_norm_cdf((root - (1 - v)) / sqrt(v));
}

static void set_goodness(pmm_intensity_t *f) {
  double expected = 0, chi2 = 0, seen = 0;
  int bins = 0;
  double last_expected = 0, last_seen = 0; /* of the bin closed last: what is left over at the end joins it */
  for (size_t j = 0; j < f->bin_cnt; j++) {
    expected += f->A * share_of(f, j, f->k, NULL);
    seen += (double)ended_in(f, j);
    if (expected < EXPECTED_MIN) continue;
    chi2 += (seen - expected) * (seen - expected) / expected;
    last_expected = expected;
    last_seen = seen;
    expected = seen = 0;
    bins++;
  }
  if (bins && (expected > 0 || seen > 0)) {
    chi2 -= (last_seen - last_expected) * (last_seen - last_expected) / last_expected;
    double const all = last_expected + expected, all_seen = last_seen + seen;
    chi2 += (all_seen - all) * (all_seen - all) / all;
  }
  if (bins < 3) return;
  f->dof = bins - 2;
  f->chi2 = chi2;
  f->p_value = tail_of(chi2, f->dof);
}

pmm_status_t pmm_intensity_fit(pmm_intensity_t *f) {
  f->A = f->k = f->A_se = f->k_se = f->correlation = f->chi2 = f->p_value = NAN;
  f->dof = 0;
  if (!is_sound(f)) return f->status = PMM_INVAL;
  f->events = f->bin[0].reached;
  size_t filled = 0;
  for (size_t j = 0; j < f->bin_cnt; j++) filled += ended_in(f, j) > 0;
  if (f->events < EVENTS_MIN || filled < 2) return f->status = PMM_NOT_READY;
  double const log_k = best_log_k(f), k = pmm_exp(log_k);
  if (!isfinite(likelihood(f, log_k))) return f->status = PMM_INVAL; /* events where no order could stand */
  if (k < K_MIN * 1.001 || k > K_MAX * 0.999) return f->status = PMM_NOT_READY;
  double total = 0;
  for (size_t j = 0; j < f->bin_cnt; j++) total += share_of(f, j, k, NULL);
  f->k = k;
  f->A = (double)f->events / total;
  for (size_t j = 0; j < f->bin_cnt; j++) f->bin[j].expected = f->A * f->bin[j].exposure_s * pmm_exp(-k * f->bin[j].distance);
  set_errors(f);
  set_goodness(f);
  return f->status = PMM_OK;
}
