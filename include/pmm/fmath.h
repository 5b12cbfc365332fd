/* pmm/fmath.h -- elementary functions whose bits are the same on every x86-64 machine and compiler: thin
   names over SLEEF's Sleef_cinz_* family. Models use these and never libm's exp, log, pow or erfc, because
   libm chooses other code on other processors and a journal must replay to the same bits. sqrt, fabs, floor
   and friends are exact in IEEE 754 and come from <math.h>. */
#ifndef PMM_FMATH_H
#define PMM_FMATH_H
#include "pmm/types.h"

#define PMM_P_MIN 1e-6 /* logit and sigmoid are clipped to [PMM_P_MIN, 1 - PMM_P_MIN] */

double pmm_exp(double x);
double pmm_expm1(double x);
double pmm_log(double x);
double pmm_log1p(double x);
double pmm_pow(double x, double y);
double pmm_erfc(double x);
double pmm_sin(double x);
double pmm_cos(double x);
double pmm_lgamma(double x);    /* log of the gamma function */
double pmm_norm_cdf(double x);  /* N(x) = erfc(-x/sqrt 2)/2 */
double pmm_logit(double p);     /* ln(p/(1-p)), p clipped to [1e-6, 1-1e-6] */
double pmm_sigmoid(double x);   /* clipped to the same range */
static inline double pmm_clip(double x, double lo, double hi) { return x < lo ? lo : x > hi ? hi : x; }
#endif
