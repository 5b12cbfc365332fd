/* Logarithmic market scoring rule.
   Source: R. Hanson, "Combinatorial Information Market Design", Information Systems Frontiers 5(1), 2003. */
#include <math.h>

#include "pmm/pricing.h"

static bool is_positive(double x) { return isfinite(x) && x > 0; }

/* The largest q, or NaN when an input is out of range. */
static double largest(const double *q, size_t n, double b) {
  if (n < 2 || n > PMM_LMSR_OUTCOMES_MAX || !is_positive(b)) return NAN;
  double max = -INFINITY;
  for (size_t i = 0; i < n; i++) {
    if (!isfinite(q[i]) || !isfinite(q[i] / b)) return NAN;
    if (q[i] > max) max = q[i];
  }
  return max;
}

/* Largest first: exp never sees a positive argument, so it cannot overflow, and the sum is at least 1. */
static double sum_exp(const double *q, size_t n, double b, double max) {
  double sum = 0;
  for (size_t i = 0; i < n; i++) sum += pmm_exp((q[i] - max) / b);
  return sum;
}

pmm_status_t pmm_lmsr_price(const double *q, size_t n, double b, double *price) {
  double const max = largest(q, n, b);
  if (isnan(max)) return PMM_INVAL;
  double const sum = sum_exp(q, n, b, max);
  for (size_t i = 0; i < n; i++) price[i] = pmm_exp((q[i] - max) / b) / sum;
  return PMM_OK;
}

pmm_status_t pmm_lmsr_cost(const double *q, size_t n, double b, double *cost) {
  double const max = largest(q, n, b);
  if (isnan(max)) return PMM_INVAL;
  double const value = max + b * pmm_log(sum_exp(q, n, b, max));
  if (!isfinite(value)) return PMM_INVAL;
  *cost = value;
  return PMM_OK;
}

/* ln(1 + e^x) */
static double softplus(double x) { return x > 0 ? x + pmm_log1p(pmm_exp(-x)) : pmm_log1p(pmm_exp(x)); }

/* softplus(x + d) - softplus(x), where the plain difference would lose every digit: small steps go through
   ln(1 + p (e^d - 1)), and when both ends are large their linear parts cancel exactly. */
static double softplus_step(double x, double d) {
  if (fabs(d) <= 1) {
    double const p = x >= 0 ? 1 / (1 + pmm_exp(-x)) : pmm_exp(x) / (1 + pmm_exp(x));
    return pmm_log1p(p * pmm_expm1(d));
  }
  double const to = x + d;
  if (x > 0 && to > 0) return d + pmm_log1p(pmm_exp(-to)) - pmm_log1p(pmm_exp(-x));
  return softplus(to) - softplus(x);
}

/* C(q + d e_i) - C(q) = b (softplus(x + d/b) - softplus(x)) with x = q_i/b - ln sum over j != i of exp(q_j/b). */
pmm_status_t pmm_lmsr_trade(const double *q, size_t n, double b, size_t outcome, double delta, double *cost) {
  if (outcome >= n || !isfinite(delta) || isnan(largest(q, n, b)) || !isfinite(delta / b)) return PMM_INVAL;
  double others = -INFINITY, sum = 0;
  for (size_t i = 0; i < n; i++)
    if (i != outcome && q[i] > others) others = q[i];
  for (size_t i = 0; i < n; i++)
    if (i != outcome) sum += pmm_exp((q[i] - others) / b);
  double const value = b * softplus_step((q[outcome] - others) / b - pmm_log(sum), delta / b);
  if (!isfinite(value)) return PMM_INVAL;
  *cost = value;
  return PMM_OK;
}

pmm_status_t pmm_lmsr_to_price(const double q[2], double b, double target, double *delta, double *cost) {
  if (!(target > 0 && target < 1) || isnan(largest(q, 2, b))) return PMM_INVAL;
  /* Not pmm_logit: a target below its clip of 1e-6 is a legitimate question here. */
  double const d = b * (pmm_log(target) - pmm_log1p(-target)) - (q[0] - q[1]);
  double paid;
  pmm_status_t const st = pmm_lmsr_trade(q, 2, b, 0, d, &paid);
  if (st != PMM_OK) return st;
  *delta = d;
  *cost = paid;
  return PMM_OK;
}

pmm_status_t pmm_lmsr_worst_loss(size_t n, double b, double *loss) {
  if (n < 2 || !is_positive(b)) return PMM_INVAL;
  double const value = b * pmm_log((double)n);
  if (!isfinite(value)) return PMM_INVAL;
  *loss = value;
  return PMM_OK;
}
