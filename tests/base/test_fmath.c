#include <float.h>
#include <math.h>
#include "base/check.h"
#include "pmm/fmath.h"

#define ULPS_MAX 4.0

/* The reference is the C library in long double. */
static bool agrees(double got, long double want, double ulps) {
  if (isnan(want)) return isnan(got);
  if (isinf(want) || fabsl(want) > DBL_MAX) return isinf(got) && (got > 0) == (want > 0);
  if (fabsl(want) < DBL_MIN) return fabsl(got - want) <= DBL_MIN;
  return fabsl(got - want) <= ulps * DBL_EPSILON * fabsl(want);
}

static uint64_t functions(uint64_t seed, uint64_t ops, bool broken) {
  pmm_rng_t rng;
  pmm_rng_seed(&rng, seed);
  for (uint64_t n = 0; n < ops; n++) {
    double const x = (pmm_rng_unit(&rng) - 0.5) * 20, big = x * 70, tiny = x * 1e-9, p = pmm_rng_unit(&rng) + DBL_MIN;
    bool ok = agrees(pmm_exp(x), expl(x), ULPS_MAX) && agrees(pmm_exp(big), expl(big), ULPS_MAX);
    ok &= agrees(pmm_expm1(x), expm1l(x), ULPS_MAX) && agrees(pmm_expm1(tiny), expm1l(tiny), ULPS_MAX);
    ok &= agrees(pmm_log(p), logl(p), ULPS_MAX) && agrees(pmm_log(p * 1e300), logl(p * 1e300), ULPS_MAX);
    ok &= agrees(pmm_log1p(tiny), log1pl(tiny), ULPS_MAX) && agrees(pmm_log1p(-p / 2), log1pl(-p / 2), ULPS_MAX);
    ok &= agrees(pmm_pow(p, x), powl(p, x), ULPS_MAX);
    ok &= agrees(pmm_erfc(x / 2), erfcl(x / 2), ULPS_MAX);
    ok &= fabsl(pmm_sin(x) - sinl(x)) < 1e-15L && fabsl(pmm_cos(x) - cosl(x)) < 1e-15L;
    ok &= agrees(pmm_lgamma(10 + p * 1e6), lgammal(10 + p * 1e6), ULPS_MAX);
    ok &= agrees(pmm_norm_cdf(broken ? x + 1e-9 : x), erfcl(-(long double)x / sqrtl(2)) / 2, 64);
    if (!ok) return n;
  }
  return NO_MISMATCH;
}

static void functions_match_libm(void **state) {
  (void)state;
  check_random("functions", functions, 30000);
  check_canary("functions", functions, 10);
}

/* The same bits everywhere: compiler, optimisation, sanitizer, processor. */
static void known_bits(void **state) {
  (void)state;
  const struct { const char *name; double got; uint64_t want; } rows[] = {
      {"exp", pmm_exp(1.25), UINT64_C(0x400bec38edb0faf0)},
      {"expm1", pmm_expm1(1e-3), UINT64_C(0x3f506466dfb8cf3a)},
      {"log", pmm_log(0.3), UINT64_C(0xbff34378fcbda721)},
      {"log1p", pmm_log1p(0.3), UINT64_C(0x3fd0ca937be1b9dc)},
      {"pow", pmm_pow(0.3, 2.7), UINT64_C(0x3fa3d6858f50590e)},
      {"erfc", pmm_erfc(0.7), UINT64_C(0x3fd49ee7bdd1d374)},
      {"sin", pmm_sin(2), UINT64_C(0x3fed18f6ead1b446)},
      {"cos", pmm_cos(2), UINT64_C(0xbfdaa22657537205)},
      {"lgamma", pmm_lgamma(12.5), UINT64_C(0x4032bbfe32d3aa7f)},
      {"norm_cdf", pmm_norm_cdf(-1.1), UINT64_C(0x3fc15d8167788ebf)},
      {"logit", pmm_logit(0.37), UINT64_C(0xbfe107eb8e2da1e4)},
      {"sigmoid", pmm_sigmoid(-0.9), UINT64_C(0x3fd27fcda8478fa2)},
  };
  for (size_t i = 0; i < COUNT_OF(rows); i++) {
    uint64_t bits;
    memcpy(&bits, &rows[i].got, sizeof bits);
    if (bits != rows[i].want) fail_msg("%s: 0x%016llx", rows[i].name, (unsigned long long)bits);
  }
}

static void edges(void **state) {
  (void)state;
  assert_true(pmm_exp(0) == 1);
  assert_true(isinf(pmm_exp(1e9)));
  assert_true(pmm_exp(-1e9) == 0);
  assert_true(pmm_log(1) == 0);
  assert_true(isinf(pmm_log(0)));
  assert_true(isnan(pmm_log(-1)));
  assert_true(pmm_norm_cdf(0) == 0.5);
  assert_true(pmm_norm_cdf(40) == 1);
  assert_true(pmm_norm_cdf(-40) >= 0 && pmm_norm_cdf(-40) < 1e-300);
  assert_true(isnan(pmm_norm_cdf(NAN)));
}

static void logit_and_sigmoid(void **state) {
  (void)state;
  assert_true(pmm_logit(0.5) == 0);
  assert_true(pmm_sigmoid(0) == 0.5);
  assert_true(pmm_logit(0) == pmm_logit(PMM_P_MIN) && pmm_logit(-5) == pmm_logit(PMM_P_MIN));
  assert_true(pmm_logit(1) == pmm_logit(1 - PMM_P_MIN) && pmm_logit(7) == pmm_logit(1));
  assert_true(pmm_sigmoid(-1e6) == PMM_P_MIN && pmm_sigmoid(1e6) == 1 - PMM_P_MIN);
  assert_true(pmm_sigmoid(-INFINITY) == PMM_P_MIN && pmm_sigmoid(INFINITY) == 1 - PMM_P_MIN);
  assert_true(isnan(pmm_sigmoid(NAN)) && isnan(pmm_logit(NAN)));
  for (int k = 1; k < 10000; k++) {
    double const p = k / 10000.0;
    assert_true(fabs(pmm_sigmoid(pmm_logit(p)) - p) < 1e-15);
    assert_true(fabs(pmm_logit(p) + pmm_logit(1 - p)) < 1e-11);
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(functions_match_libm),
      cmocka_unit_test(known_bits),
      cmocka_unit_test(edges),
      cmocka_unit_test(logit_and_sigmoid),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
