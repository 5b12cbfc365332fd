#include "pmm/optimal.h"
#include <math.h>
#include <string.h>
#include "pmm/fmath.h"

#define WORK_MAX 1e6
#define TERMS_MAX 400 /* of one step's series; neighbours would have to differ by a factor of a hundred to need as many */

static bool is_positive(double x) { return isfinite(x) && x > 0; }

/* -- Avellaneda-Stoikov -- */
static bool is_as(const pmm_as_t *m, double time_left) {
  return is_positive(m->gamma) && is_positive(m->k) && isfinite(m->sigma) && m->sigma >= 0 && isfinite(time_left) && time_left >= 0;
}

static pmm_status_t give(double value, double *out) {
  if (!isfinite(value)) return PMM_INVAL;
  *out = value;
  return PMM_OK;
}

pmm_status_t pmm_as_reservation(const pmm_as_t *m, double mid, double q, double time_left, double *price) {
  if (!is_as(m, time_left)) return PMM_INVAL;
  return give(mid - q * m->gamma * m->sigma * m->sigma * time_left, price);
}

pmm_status_t pmm_as_spread(const pmm_as_t *m, double time_left, double *spread) {
  if (!is_as(m, time_left)) return PMM_INVAL;
  return give(m->gamma * m->sigma * m->sigma * time_left + 2 / m->gamma * pmm_log1p(m->gamma / m->k), spread);
}

/* -- Gueant-Lehalle-Fernandez-Tapia -- */
static bool is_glft(const pmm_glft_t *m) {
  return is_positive(m->a) && is_positive(m->k) && is_positive(m->gamma) && isfinite(m->sigma) && m->sigma >= 0 && m->q_max >= 1 && m->q_max <= PMM_GLFT_Q_MAX;
}

/* ln (1 + gamma/k)^(1 + k/gamma): between 1 and infinity, near 1 for a maker who hardly minds risk. */
static double log_power(const pmm_glft_t *m) { return (1 + m->k / m->gamma) * pmm_log1p(m->gamma / m->k); }
static double eta_of(const pmm_glft_t *m) { return m->a * pmm_exp(-log_power(m)); }
static double alpha_of(const pmm_glft_t *m) { return m->k / 2 * m->gamma * m->sigma * m->sigma; }

/* next = B term * factor, B = c I - M with c the largest diagonal element of M: nothing in B is negative. */
static void multiply(const pmm_glft_t *m, double alpha, double eta, double factor, const double *term, double *next) {
  int32_t const n = 2 * m->q_max;
  double const q_max = m->q_max, c = alpha * q_max * q_max;
  for (int32_t i = 0; i <= n; i++) {
    double const q = i - q_max;
    next[i] = factor * ((c - alpha * q * q) * term[i] + eta * ((i > 0 ? term[i - 1] : 0) + (i < n ? term[i + 1] : 0)));
  }
}

static void rescale(double *v, size_t size, double *log_scale) {
  double most = 0;
  for (size_t i = 0; i < size; i++) most = v[i] > most ? v[i] : most;
  for (size_t i = 0; i < size; i++) v[i] /= most;
  *log_scale += pmm_log(most);
}

/* v = exp(B h) v by its series, summed until no element changes; the factor exp(-c h) goes into the scale. */
static void step(const pmm_glft_t *m, double h, double *v, double *log_scale) {
  double term[PMM_GLFT_SIZE(PMM_GLFT_Q_MAX)], next[PMM_GLFT_SIZE(PMM_GLFT_Q_MAX)];
  size_t const size = PMM_GLFT_SIZE(m->q_max);
  double const alpha = alpha_of(m), eta = eta_of(m);
  memcpy(term, v, size * sizeof *v);
  for (int n = 1; n <= TERMS_MAX; n++) {
    bool changed = false;
    multiply(m, alpha, eta, h / n, term, next);
    for (size_t i = 0; i < size; i++) {
      double const sum = v[i] + next[i];
      changed |= sum != v[i];
      v[i] = sum;
      term[i] = next[i];
    }
    if (!changed) break;
  }
  *log_scale -= alpha * m->q_max * m->q_max * h;
  rescale(v, size, log_scale);
}

pmm_status_t pmm_glft_advance(const pmm_glft_t *m, double time, double *v, double *log_scale) {
  if (!is_glft(m) || !isfinite(time) || time < 0) return PMM_INVAL;
  double const work = time * (alpha_of(m) * m->q_max * m->q_max + 2 * eta_of(m));
  if (!(work <= WORK_MAX)) return PMM_INVAL;
  for (size_t i = 0; i < PMM_GLFT_SIZE(m->q_max); i++)
    if (!is_positive(v[i])) return PMM_INVAL;
  double const steps = ceil(work);
  for (double i = 0; i < steps; i++) step(m, time / steps, v, log_scale);
  return PMM_OK;
}

pmm_status_t pmm_glft_value(const pmm_glft_t *m, double time_left, double *v, double *log_scale) {
  if (!is_glft(m) || !isfinite(time_left) || time_left < 0) return PMM_INVAL;
  double const work = time_left * (alpha_of(m) * m->q_max * m->q_max + 2 * eta_of(m));
  if (!(work <= WORK_MAX)) return PMM_INVAL;
  for (size_t i = 0; i < PMM_GLFT_SIZE(m->q_max); i++) v[i] = 1;
  *log_scale = 0;
  return pmm_glft_advance(m, time_left, v, log_scale);
}

static bool has_q(const pmm_glft_t *m, int32_t q) { return is_glft(m) && q >= -m->q_max && q <= m->q_max; }

pmm_status_t pmm_glft_exact(const pmm_glft_t *m, const double *v, int32_t q, double *bid, double *ask) {
  if (!has_q(m, q)) return PMM_INVAL;
  double const base = pmm_log1p(m->gamma / m->k) / m->gamma;
  int32_t const at = q + m->q_max;
  double const b = q < m->q_max ? base + pmm_log(v[at] / v[at + 1]) / m->k : INFINITY;
  double const a = q > -m->q_max ? base + pmm_log(v[at] / v[at - 1]) / m->k : INFINITY;
  if (isnan(a) || isnan(b)) return PMM_INVAL;
  *bid = b;
  *ask = a;
  return PMM_OK;
}

pmm_status_t pmm_glft_asymptotic(const pmm_glft_t *m, int32_t q, double *bid, double *ask) {
  if (!has_q(m, q)) return PMM_INVAL;
  double const base = pmm_log1p(m->gamma / m->k) / m->gamma;
  double const w = sqrt(m->sigma * m->sigma * m->gamma / (2 * m->k * m->a) * pmm_exp(log_power(m)));
  if (!isfinite(base) || !isfinite(w)) return PMM_INVAL;
  *bid = q < m->q_max ? base + (2 * q + 1) / 2.0 * w : INFINITY;
  *ask = q > -m->q_max ? base + (1 - 2 * q) / 2.0 * w : INFINITY;
  return PMM_OK;
}
