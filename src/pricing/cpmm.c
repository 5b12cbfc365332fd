/* Constant-product market maker over one binary market: r_yes * r_no stays the same in a trade without a fee.
   Source: the fixed-product pools of G. Angeris, T. Chitra, "Improved Price Oracles: Constant Function Market
   Makers", AFT 2020, applied to complete sets: a dollar paid in becomes one YES and one NO in the pool. */
#include <math.h>

#include "pmm/pricing.h"

static bool is_pool(const pmm_cpmm_t *pool) {
  return isfinite(pool->r_yes) && isfinite(pool->r_no) && pool->r_yes > 0 && pool->r_no > 0 && isfinite(pool->r_yes + pool->r_no);
}
static bool is_amount(double x) { return isfinite(x) && x >= 0; }
static bool is_fee(double fee) { return fee >= 0 && fee < 1; }

pmm_status_t pmm_cpmm_price(const pmm_cpmm_t *pool, double *p_yes) {
  if (!is_pool(pool)) return PMM_INVAL;
  *p_yes = pool->r_no / (pool->r_yes + pool->r_no);
  return PMM_OK;
}

/* With `own` the reserve of the outcome traded and `other` the opposite one:
     c' = c (1 - f);  out = own + c' - own*other/(other + c'),
   written as c' + own*c'/(other + c') so that a small trade against a deep pool keeps its digits. */
pmm_status_t pmm_cpmm_buy(pmm_cpmm_t *pool, bool outcome_yes, double spend, double fee, double *shares) {
  if (!is_pool(pool) || !is_amount(spend) || !is_fee(fee)) return PMM_INVAL;
  double const own = outcome_yes ? pool->r_yes : pool->r_no, other = outcome_yes ? pool->r_no : pool->r_yes;
  double const paid = spend * (1 - fee);
  double const share_of_own = paid / (other + paid);
  pmm_cpmm_t const after = {outcome_yes ? own - own * share_of_own : other + paid, outcome_yes ? other + paid : own - own * share_of_own};
  if (!is_pool(&after)) return PMM_INVAL;
  *shares = paid + own * share_of_own;
  *pool = after;
  return PMM_OK;
}

/* The gross g solves (own + s - g)(other - g) = own*other, the smaller root of g^2 - (own + other + s) g + s*other = 0,
   in the form that does not subtract nearly equal numbers. */
pmm_status_t pmm_cpmm_sell(pmm_cpmm_t *pool, bool outcome_yes, double shares, double fee, double *proceeds) {
  if (!is_pool(pool) || !is_amount(shares) || !is_fee(fee)) return PMM_INVAL;
  double const own = outcome_yes ? pool->r_yes : pool->r_no, other = outcome_yes ? pool->r_no : pool->r_yes;
  double const sum = own + other + shares;
  /* sum^2 - 4 s other without cancellation: (own + s - other)^2 + 4 own*other */
  double const gap = own + shares - other;
  double const gross = 2 * shares * other / (sum + sqrt(gap * gap + 4 * own * other));
  pmm_cpmm_t const after = {outcome_yes ? own + shares - gross : other - gross, outcome_yes ? other - gross : own + shares - gross};
  if (!isfinite(gross) || !is_pool(&after)) return PMM_INVAL;
  *proceeds = gross * (1 - fee);
  *pool = after;
  return PMM_OK;
}
