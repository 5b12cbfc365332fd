#include "pmm/fmath.h"
#include <math.h>
#include <sleef.h>

double pmm_exp(double x) { return Sleef_cinz_expd1_u10purec(x); }
double pmm_expm1(double x) { return Sleef_cinz_expm1d1_u10purec(x); }
double pmm_log(double x) { return Sleef_cinz_logd1_u10purec(x); }
double pmm_log1p(double x) { return Sleef_cinz_log1pd1_u10purec(x); }
double pmm_pow(double x, double y) { return Sleef_cinz_powd1_u10purec(x, y); }
double pmm_erfc(double x) { return Sleef_cinz_erfcd1_u15purec(x); }
double pmm_sin(double x) { return Sleef_cinz_sind1_u10purec(x); }
double pmm_cos(double x) { return Sleef_cinz_cosd1_u10purec(x); }
double pmm_lgamma(double x) { return Sleef_cinz_lgammad1_u10purec(x); }

double pmm_norm_cdf(double x) { return pmm_erfc(-x * M_SQRT1_2) / 2; }

double pmm_logit(double p) {
  double const c = pmm_clip(p, PMM_P_MIN, 1 - PMM_P_MIN);
  return pmm_log(c / (1 - c));
}

/* The exponential is taken of a negative number only, so it never overflows. */
double pmm_sigmoid(double x) {
  double const e = pmm_exp(-fabs(x));
  double const p = x < 0 ? e / (1 + e) : 1 / (1 + e);
  return pmm_clip(p, PMM_P_MIN, 1 - PMM_P_MIN);
}
