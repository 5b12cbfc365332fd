#include "pmm/rng.h"
#include <assert.h>
#include <math.h>
#include "pmm/fmath.h"

#define POISSON_MEAN_MAX 1e9
#define POISSON_SMALL 10.0 /* below this, multiplying uniforms is the quicker method */

static uint64_t rotl(uint64_t x, int k) { return (x << k) | (x >> (64 - k)); }

static uint64_t splitmix64(uint64_t *state) {
  uint64_t z = (*state += UINT64_C(0x9e3779b97f4a7c15));
  z = (z ^ (z >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
  z = (z ^ (z >> 27)) * UINT64_C(0x94d049bb133111eb);
  return z ^ (z >> 31);
}

void pmm_rng_seed(pmm_rng_t *rng, uint64_t seed) {
  *rng = (pmm_rng_t){0};
  for (int k = 0; k < 4; k++) rng->s[k] = splitmix64(&seed);
}

uint64_t pmm_rng_u64(pmm_rng_t *rng) {
  uint64_t *const s = rng->s;
  uint64_t const result = rotl(s[0] + s[3], 23) + s[0];
  uint64_t const t = s[1] << 17;
  s[2] ^= s[0];
  s[3] ^= s[1];
  s[1] ^= s[2];
  s[0] ^= s[3];
  s[2] ^= t;
  s[3] = rotl(s[3], 45);
  return result;
}

double pmm_rng_unit(pmm_rng_t *rng) { return (double)(pmm_rng_u64(rng) >> 11) * 0x1p-53; }

/* Source: D. Lemire, "Fast Random Integer Generation in an Interval", ACM TOMACS 29(1), 2019. */
uint64_t pmm_rng_below(pmm_rng_t *rng, uint64_t n) {
  assert(n > 0);
  unsigned __int128 m = (unsigned __int128)pmm_rng_u64(rng) * n;
  if ((uint64_t)m < n) {
    uint64_t const reject_below = (0 - n) % n;
    while ((uint64_t)m < reject_below) m = (unsigned __int128)pmm_rng_u64(rng) * n;
  }
  return (uint64_t)(m >> 64);
}

/* Source: G. Marsaglia, T. A. Bray, "A convenient method for generating normal variables", SIAM Review 6(3), 1964. */
double pmm_rng_normal(pmm_rng_t *rng) {
  if (rng->has_spare) {
    rng->has_spare = false;
    return rng->spare;
  }
  double u, v, s;
  do {
    u = 2 * pmm_rng_unit(rng) - 1;
    v = 2 * pmm_rng_unit(rng) - 1;
    s = u * u + v * v;
  } while (s >= 1 || s == 0);
  double const f = sqrt(-2 * pmm_log(s) / s);
  rng->spare = v * f;
  rng->has_spare = true;
  return u * f;
}

double pmm_rng_exponential(pmm_rng_t *rng, double rate) {
  assert(rate > 0);
  return (0 - pmm_log(1 - pmm_rng_unit(rng))) / rate; /* 1 - u lies in (0,1]: the logarithm is finite */
}

/* The number of uniforms whose product stays above exp(-mean). */
static uint64_t poisson_product(pmm_rng_t *rng, double mean) {
  double const limit = pmm_exp(-mean);
  uint64_t k = 0;
  for (double product = pmm_rng_unit(rng); product > limit; product *= pmm_rng_unit(rng)) k++;
  return k;
}

/* Algorithm PTRS. Source: W. Hoermann, "The transformed rejection method for generating Poisson random variables",
   Insurance: Mathematics and Economics 12(1), 1993. */
static uint64_t poisson_rejection(pmm_rng_t *rng, double mean) {
  double const log_mean = pmm_log(mean);
  double const b = 0.931 + 2.53 * sqrt(mean);
  double const a = -0.059 + 0.02483 * b;
  double const log_inv_alpha = pmm_log(1.1239 + 1.1328 / (b - 3.4));
  double const v_r = 0.9277 - 3.6224 / (b - 2);
  for (;;) {
    double const u = pmm_rng_unit(rng) - 0.5;
    double const v = pmm_rng_unit(rng);
    double const us = 0.5 - fabs(u);
    double const k = floor((2 * a / us + b) * u + mean + 0.43);
    if (us >= 0.07 && v <= v_r) return (uint64_t)k;
    if (!(k >= 0) || (us < 0.013 && v > us)) continue;
    if (pmm_log(v) + log_inv_alpha - pmm_log(a / (us * us) + b) <= k * log_mean - mean - pmm_lgamma(k + 1))
      return (uint64_t)k;
  }
}

uint64_t pmm_rng_poisson(pmm_rng_t *rng, double mean) {
  assert(mean >= 0 && mean <= POISSON_MEAN_MAX);
  return mean < POISSON_SMALL ? poisson_product(rng, mean) : poisson_rejection(rng, mean);
}

pmm_rng_t pmm_rng_fork(const pmm_rng_t *rng, uint64_t stream) {
  uint64_t seed = stream;
  for (int k = 0; k < 4; k++) seed = splitmix64(&seed) ^ rng->s[k];
  pmm_rng_t fork;
  pmm_rng_seed(&fork, splitmix64(&seed));
  return fork;
}
