#include <math.h>
#include "base/check.h"

static void known_answers(void **state) {
  (void)state;
  static const uint64_t splitmix[4] = {UINT64_C(6457827717110365317), UINT64_C(3203168211198807973),
                                       UINT64_C(9817491932198370423), UINT64_C(4593380528125082431)};
  static const uint64_t xoshiro[10] = {UINT64_C(41943041), UINT64_C(58720359), UINT64_C(3588806011781223),
                                       UINT64_C(3591011842654386), UINT64_C(9228616714210784205),
                                       UINT64_C(9973669472204895162), UINT64_C(14011001112246962877),
                                       UINT64_C(12406186145184390807), UINT64_C(15849039046786891736),
                                       UINT64_C(10450023813501588000)};
  pmm_rng_t rng;
  pmm_rng_seed(&rng, 1234567);
  for (int k = 0; k < 4; k++) assert_true(rng.s[k] == splitmix[k]);
  rng = (pmm_rng_t){.s = {1, 2, 3, 4}};
  for (int k = 0; k < 10; k++) assert_true(pmm_rng_u64(&rng) == xoshiro[k]);
}

static void same_seed_same_numbers(void **state) {
  (void)state;
  pmm_rng_t a, b, c;
  pmm_rng_seed(&a, 7);
  pmm_rng_seed(&b, 7);
  pmm_rng_seed(&c, 8);
  int differ = 0;
  for (int k = 0; k < 100; k++) {
    assert_true(pmm_rng_normal(&a) == pmm_rng_normal(&b));
    differ += pmm_rng_u64(&a) != pmm_rng_u64(&c);
    pmm_rng_u64(&b);
  }
  assert_int_equal(differ, 100);
}

/* Forks neither disturb their parent nor follow it, and differ by stream. */
static void forks_are_independent(void **state) {
  (void)state;
  pmm_rng_t parent, before;
  pmm_rng_seed(&parent, 99);
  before = parent;
  pmm_rng_t a = pmm_rng_fork(&parent, 1), again = pmm_rng_fork(&parent, 1), b = pmm_rng_fork(&parent, 2);
  assert_memory_equal(&parent.s, &before.s, sizeof parent.s);
  double sum_ab = 0, sum_ap = 0;
  int const cnt = 20000;
  for (int k = 0; k < cnt; k++) {
    double const x = pmm_rng_unit(&a) - 0.5;
    assert_true(x == pmm_rng_unit(&again) - 0.5);
    sum_ab += x * (pmm_rng_unit(&b) - 0.5);
    sum_ap += x * (pmm_rng_unit(&parent) - 0.5);
  }
  double const five_sigma = 5 / 12.0 / sqrt(cnt);
  assert_true(fabs(sum_ab / cnt) < five_sigma);
  assert_true(fabs(sum_ap / cnt) < five_sigma);
}

typedef enum draw { UNIT, NORMAL, EXPONENTIAL, POISSON } draw_t;

static double draw(pmm_rng_t *rng, draw_t kind, double parameter) {
  switch (kind) {
  case UNIT: return pmm_rng_unit(rng);
  case NORMAL: return pmm_rng_normal(rng);
  case EXPONENTIAL: return pmm_rng_exponential(rng, parameter);
  case POISSON: return (double)pmm_rng_poisson(rng, parameter);
  }
  return NAN;
}

/* Mean, variance and skewness within six standard errors; kurtosis is that of the distribution. */
static bool moments_hold(draw_t kind, double parameter, double mean, double variance, double skew, double kurtosis, int cnt) {
  pmm_rng_t rng;
  pmm_rng_seed(&rng, check_env_u64("PMM_TEST_SEED", 5));
  double s1 = 0, s2 = 0, s3 = 0;
  for (int k = 0; k < cnt; k++) {
    double const z = (draw(&rng, kind, parameter) - mean) / sqrt(variance);
    s1 += z;
    s2 += z * z;
    s3 += z * z * z;
  }
  double const m1 = s1 / cnt, m2 = s2 / cnt, m3 = s3 / cnt;
  double const sixth = 15 + 30 * (kurtosis - 3) + 20 * skew * skew + 100 * (kurtosis - 3) * (kurtosis - 3); /* generous */
  return fabs(m1) < 6 / sqrt(cnt) && fabs(m2 - 1) < 6 * sqrt((kurtosis - 1) / cnt) && fabs(m3 - skew) < 6 * sqrt(sixth / cnt);
}

static void moments(void **state) {
  (void)state;
  int const cnt = 200000;
  assert_true(moments_hold(UNIT, 0, 0.5, 1 / 12.0, 0, 1.8, cnt));
  assert_true(moments_hold(NORMAL, 0, 0, 1, 0, 3, cnt));
  assert_true(moments_hold(EXPONENTIAL, 0.25, 4, 16, 2, 9, cnt));
  static const double means[] = {0.01, 0.5, 3, 9.99, 10, 10.01, 47, 1000, 1e6, 1e9};
  for (size_t i = 0; i < COUNT_OF(means); i++) {
    double const mean = means[i];
    if (!moments_hold(POISSON, mean, mean, mean, 1 / sqrt(mean), 3 + 1 / mean, cnt)) fail_msg("poisson with mean %g", mean);
  }
  assert_false(moments_hold(NORMAL, 0, 0.02, 1, 0, 3, cnt)); /* canary: a mean that is off by a fiftieth */
  assert_false(moments_hold(POISSON, 20, 20.2, 20.2, 1 / sqrt(20.2), 3.05, cnt));
}

/* Poisson probabilities by recurrence against counts, where both methods meet. */
static void poisson_counts(void **state) {
  (void)state;
  static const double means[] = {4, 12, 30};
  for (size_t m = 0; m < COUNT_OF(means); m++) {
    int const cnt = 200000;
    int seen[100] = {0};
    pmm_rng_t rng;
    pmm_rng_seed(&rng, 11);
    for (int k = 0; k < cnt; k++) {
      uint64_t const v = pmm_rng_poisson(&rng, means[m]);
      seen[v < 99 ? v : 99]++;
    }
    double p = exp(-means[m]);
    for (int v = 0; v < 99; v++, p *= means[m] / v)
      if (fabs(seen[v] - cnt * p) > 6 * sqrt(cnt * p) + 6) fail_msg("mean %g: %d came %d times", means[m], v, seen[v]);
  }
}

static void poisson_of_nothing_is_zero(void **state) {
  (void)state;
  pmm_rng_t rng;
  pmm_rng_seed(&rng, 1);
  for (int k = 0; k < 100; k++) assert_int_equal(pmm_rng_poisson(&rng, 0), 0);
}

static void below_is_fair(void **state) {
  (void)state;
  static const uint64_t sizes[] = {1, 2, 3, 7, 10, 64, 1000};
  pmm_rng_t rng;
  pmm_rng_seed(&rng, 3);
  for (size_t i = 0; i < COUNT_OF(sizes); i++) {
    int seen[1000] = {0};
    int const cnt = 100000;
    for (int k = 0; k < cnt; k++) {
      uint64_t const v = pmm_rng_below(&rng, sizes[i]);
      assert_true(v < sizes[i]);
      seen[v]++;
    }
    double const want = (double)cnt / (double)sizes[i];
    for (uint64_t v = 0; v < sizes[i]; v++) assert_true(fabs(seen[v] - want) <= 6 * sqrt(want));
  }
  for (int k = 0; k < 1000; k++) assert_true(pmm_rng_below(&rng, (UINT64_C(1) << 63) + 1) <= UINT64_C(1) << 63);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(known_answers),  cmocka_unit_test(same_seed_same_numbers),
      cmocka_unit_test(forks_are_independent), cmocka_unit_test(moments),
      cmocka_unit_test(poisson_counts), cmocka_unit_test(poisson_of_nothing_is_zero),
      cmocka_unit_test(below_is_fair),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
