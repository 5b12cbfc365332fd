#include "base/check.h"

/* Rounding by looking: the largest q with q*c <= a*b. */
static int64_t slow_floor(int64_t a, int64_t b, int64_t c) {
  pmm_i128_t const p = (pmm_i128_t)a * b;
  pmm_i128_t q = p / c - 2;
  while ((q + 1) * c <= p) q++;
  return (int64_t)q;
}

static void notional_table(void **state) {
  (void)state;
  static const struct { int32_t price; int64_t qty, floor, ceil; } rows[] = {
      {5000, 1000000, 500000, 500000},      {1, 1, 0, 1},
      {1, -1, -1, 0},                       {9999, 10000, 9999, 9999},
      {3333, 1, 0, 1},                      {-5000, 3, -2, -1},
      {9999, INT64_C(922337203685477), INT64_C(922244969965108), INT64_C(922244969965109)},
  };
  for (size_t i = 0; i < COUNT_OF(rows); i++) {
    assert_int_equal(pmm_notional_floor(rows[i].price, rows[i].qty), rows[i].floor);
    assert_int_equal(pmm_notional_ceil(rows[i].price, rows[i].qty), rows[i].ceil);
  }
}

static uint64_t rounding(uint64_t seed, uint64_t ops, bool broken) {
  pmm_rng_t rng;
  pmm_rng_seed(&rng, seed);
  for (uint64_t n = 0; n < ops; n++) {
    int64_t const a = check_between(&rng, -1000000000, 1000000000);
    int64_t const b = check_between(&rng, -1000000, 1000000), c = check_between(&rng, 1, 1000000);
    int64_t const up = broken ? pmm_muldiv_floor(a, b, c) + 1 : pmm_muldiv_ceil(a, b, c);
    if (pmm_muldiv_floor(a, b, c) != slow_floor(a, b, c) || up != -slow_floor(-a, b, c)) return n;
    if (pmm_notional_floor((int32_t)b, a) != slow_floor(a, b, PMM_ONE_E4)) return n;
    if (pmm_notional_ceil((int32_t)b, a) != -slow_floor(-a, b, PMM_ONE_E4)) return n;
  }
  return NO_MISMATCH;
}

static void rounding_matches_model(void **state) {
  (void)state;
  check_random("muldiv and notional", rounding, 300000);
  check_canary("muldiv and notional", rounding, 100000);
}

static void small_helpers(void **state) {
  (void)state;
  assert_int_equal(pmm_side_opposite(PMM_BID), PMM_ASK);
  assert_int_equal(pmm_side_opposite(PMM_ASK), PMM_BID);
  assert_int_equal(pmm_side_sign(PMM_BID), 1);
  assert_int_equal(pmm_side_sign(PMM_ASK), -1);
  assert_int_equal(pmm_floor_to_lot(1999999, 1000000), 1000000);
  assert_int_equal(pmm_floor_to_lot(0, 7), 0);
  assert_int_equal(pmm_abs64(-5), 5);
  assert_int_equal(pmm_min64(-5, 3), -5);
  assert_int_equal(pmm_max64(-5, 3), 3);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(notional_table),
      cmocka_unit_test(rounding_matches_model),
      cmocka_unit_test(small_helpers),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
