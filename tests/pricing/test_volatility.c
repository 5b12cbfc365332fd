/* Exponential means and the volatility of an underlying. */
#include <math.h>

#include "base/check.h"
#include "pmm/pricing.h"

#define S PMM_NS_PER_S

static void test_ewma(void **unused) {
  (void)unused;
  pmm_ewma_t e;
  pmm_ewma_init(&e, 10);
  assert_false(e.has);
  pmm_ewma_add(&e, 0, NAN);
  assert_false(e.has);
  pmm_ewma_add(&e, 0, 1);
  assert_true(e.value == 1);
  pmm_ewma_add(&e, 10 * S, 3); /* one half-life: half way */
  assert_true(fabs(e.value - 2) < 1e-15);
  pmm_ewma_add(&e, 30 * S, 0); /* two: three quarters */
  assert_true(fabs(e.value - .5) < 1e-15);
  pmm_ewma_add(&e, 20 * S, 9); /* no time has passed: no weight */
  assert_true(fabs(e.value - .5) < 1e-15 && e.at_ns == 30 * S);
}

static void test_refusals(void **unused) {
  (void)unused;
  static pmm_vol_t v;
  assert_int_equal(pmm_vol_init(&v, PMM_VOL_STDEV, 0, 100, 0), PMM_INVAL);
  assert_int_equal(pmm_vol_init(&v, PMM_VOL_STDEV, NAN, 100, 0), PMM_INVAL);
  assert_int_equal(pmm_vol_init(&v, PMM_VOL_STDEV, 1, 1, 0), PMM_INVAL);
  assert_int_equal(pmm_vol_init(&v, PMM_VOL_STDEV, 1, PMM_VOL_WINDOW_MAX + 1, 0), PMM_INVAL);
  assert_int_equal(pmm_vol_init(&v, PMM_VOL_EWMA, 1, 100, 0), PMM_INVAL);
  assert_int_equal(pmm_vol_init(&v, (pmm_vol_kind_t)7, 1, 100, 1), PMM_INVAL);
  assert_int_equal(pmm_vol_init(&v, PMM_VOL_STDEV, 1, 100, 0), PMM_OK);
  static pmm_vol_t before;
  before = v;
  static const double bad[] = {0, -1, NAN, INFINITY};
  for (size_t i = 0; i < COUNT_OF(bad); i++) assert_int_equal(pmm_vol_add(&v, S, bad[i]), PMM_INVAL);
  assert_memory_equal(&v, &before, sizeof v);
  double sigma = 7, prices[30];
  for (int i = 0; i < 30; i++) prices[i] = 100 + i % 2;
  assert_int_equal(pmm_vol_of_series(prices, 20, 1, 100, &sigma), PMM_NOT_READY); /* 19 returns */
  assert_int_equal(pmm_vol_of_series(prices, 30, 0, 100, &sigma), PMM_INVAL);
  assert_int_equal(pmm_vol_of_series(prices, 30, 1, 1, &sigma), PMM_INVAL);
  prices[3] = -1;
  assert_int_equal(pmm_vol_of_series(prices, 30, 1, 100, &sigma), PMM_INVAL);
  prices[3] = 1e308, prices[4] = 1e-308;
  assert_int_equal(pmm_vol_of_series(prices, 30, 1, 100, &sigma), PMM_INVAL); /* a ratio that no double holds */
  assert_true(sigma == 7);
}

static void test_ready_and_gaps(void **unused) {
  (void)unused;
  static pmm_vol_t v;
  assert_int_equal(pmm_vol_init(&v, PMM_VOL_STDEV, 1, 100, 0), PMM_OK);
  double sigma;
  /* A return is known once the interval of its second price is over: 20 returns are there with the 22nd price. */
  for (int i = 0; i < 22; i++) {
    assert_int_equal(pmm_vol_get(&v, &sigma), PMM_NOT_READY);
    assert_int_equal(pmm_vol_add(&v, i * S + 5, 100 + i % 2), PMM_OK);
  }
  assert_int_equal(pmm_vol_get(&v, &sigma), PMM_OK);
  assert_int_equal(v.returns_ever, 20);
  double const before = sigma;
  assert_int_equal(pmm_vol_add(&v, 21 * S + 900, 300), PMM_OK); /* same interval: nothing closes, the last price counts */
  assert_int_equal(pmm_vol_add(&v, 20 * S, 1), PMM_OK);         /* late: ignored */
  assert_int_equal(pmm_vol_get(&v, &sigma), PMM_OK);
  assert_true(sigma == before);
  assert_int_equal(pmm_vol_add(&v, 24 * S, 300), PMM_OK); /* 300 at 21, still at 22 and 23: its return and two zeros */
  assert_int_equal(v.returns_ever, 23);
  assert_int_equal(pmm_vol_get(&v, &sigma), PMM_OK);
  assert_true(sigma > before);
  assert_int_equal(pmm_vol_add(&v, 100 * S, 500), PMM_OK); /* an outage: no return across it */
  assert_int_equal(pmm_vol_add(&v, 101 * S, 501), PMM_OK);
  assert_int_equal(v.returns_ever, 23);
  assert_int_equal(pmm_vol_add(&v, 102 * S, 502), PMM_OK);
  assert_int_equal(v.returns_ever, 24);
}

static void test_wild_ratio(void **unused) {
  (void)unused;
  static pmm_vol_t v;
  assert_int_equal(pmm_vol_init(&v, PMM_VOL_EWMA, 1, 100, 30), PMM_OK);
  for (int i = 0; i < 100; i++) assert_int_equal(pmm_vol_add(&v, i * S, i % 2 ? 1e308 : 1e-308), PMM_OK);
  double sigma = 7;
  assert_int_equal(pmm_vol_get(&v, &sigma), PMM_NOT_READY); /* none of those ratios is a double, so none is a return */
  assert_true(sigma == 7);
}

static void test_ewma_of_constant_moves(void **unused) {
  (void)unused;
  static pmm_vol_t v;
  assert_int_equal(pmm_vol_init(&v, PMM_VOL_EWMA, 5, 100, 60), PMM_OK);
  double price = 100;
  for (int i = 0; i < 50; i++, price *= exp(.001)) assert_int_equal(pmm_vol_add(&v, i * 5 * S, price), PMM_OK);
  double sigma;
  assert_int_equal(pmm_vol_get(&v, &sigma), PMM_OK);
  assert_true(fabs(sigma - .001 * sqrt(PMM_YEAR_S / 5)) < 1e-9); /* squares, not deviations from the mean */
}

/* The running estimate against the same window computed anew; broken: the model looks one return too far back. */
static uint64_t windows(uint64_t seed, uint64_t ops, bool broken) {
  static pmm_vol_t v;
  static double price[4096];
  pmm_rng_t rng;
  pmm_rng_seed(&rng, seed);
  int32_t window = 0;
  size_t n = 0;
  for (uint64_t i = 0; i < ops; i++, n++) {
    if (i % 2000 == 0) {
      window = (int32_t)check_between(&rng, 20, 200);
      if (pmm_vol_init(&v, PMM_VOL_STDEV, 1, window, 0) != PMM_OK) return i;
      n = 0;
    }
    price[n] = 95000 * exp(.0005 * pmm_rng_normal(&rng));
    pmm_vol_add(&v, (int64_t)n * S + 1, 1); /* overwritten within its interval */
    if (pmm_vol_add(&v, (int64_t)n * S + 7, price[n]) != PMM_OK) return i;
    double got = 0, want = 0; /* the newest price's interval is still open */
    pmm_status_t const ready = n ? pmm_vol_of_series(price, n, 1, broken ? window + 1 : window, &want) : PMM_NOT_READY;
    if (pmm_vol_get(&v, &got) != ready) return i;
    if (ready == PMM_OK && fabs(got - want) > 1e-9 * want) return i;
  }
  return NO_MISMATCH;
}
static void test_windows(void **unused) {
  (void)unused;
  check_random("volatility windows", windows, 40000);
  check_canary("volatility windows", windows, 2000);
}

int main(void) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(test_ewma), cmocka_unit_test(test_refusals), cmocka_unit_test(test_ready_and_gaps), cmocka_unit_test(test_wild_ratio),
                                     cmocka_unit_test(test_ewma_of_constant_moves), cmocka_unit_test(test_windows)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
