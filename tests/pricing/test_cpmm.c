/* Constant-product pools: the source formulas, exact inverses, refusals. */
#include <math.h>

#include "base/check.h"
#include "pmm/pricing.h"

static void test_example(void **unused) {
  (void)unused;
  pmm_cpmm_t pool = {1000, 1000};
  double p, shares, proceeds;
  assert_int_equal(pmm_cpmm_price(&pool, &p), PMM_OK);
  assert_true(p == .5);
  assert_int_equal(pmm_cpmm_buy(&pool, true, 100, 0, &shares), PMM_OK);
  assert_true(fabs(shares - (1000 + 100 - 1e6 / 1100)) < 1e-10);
  assert_true(fabs(pool.r_no - 1100) < 1e-12 && fabs(pool.r_yes * pool.r_no - 1e6) < 1e-6);
  assert_int_equal(pmm_cpmm_price(&pool, &p), PMM_OK);
  assert_true(p > .5); /* buying YES makes it dearer */
  assert_int_equal(pmm_cpmm_sell(&pool, true, shares, 0, &proceeds), PMM_OK);
  assert_true(fabs(proceeds - 100) < 1e-10 && fabs(pool.r_yes - 1000) < 1e-9 && fabs(pool.r_no - 1000) < 1e-9);
}

static void test_refusals(void **unused) {
  (void)unused;
  static const struct { const char *why; pmm_cpmm_t pool; double amount, fee; } rows[] = {
    {"empty pool", {0, 1}, 1, 0},       {"negative reserve", {1, -1}, 1, 0}, {"NaN reserve", {NAN, 1}, 1, 0},
    {"infinite", {1, INFINITY}, 1, 0},  {"overflowing sum", {1.5e308, 1.5e308}, 1, 0}, {"negative amount", {1, 1}, -1, 0},
    {"NaN amount", {1, 1}, NAN, 0},     {"fee of one", {1, 1}, 1, 1},        {"negative fee", {1, 1}, 1, -.1},
    {"NaN fee", {1, 1}, 1, NAN},        {"drains the pool", {1, 1e-300}, 1e300, 0}, {"more than a double holds", {1, 1}, 1.7e308, 0}};
  for (size_t i = 0; i < COUNT_OF(rows); i++) {
    pmm_cpmm_t pool = rows[i].pool;
    double out = 7;
    bool const is_pool_bad = i < 5;
    if (is_pool_bad && (pmm_cpmm_price(&pool, &out) != PMM_INVAL || out != 7)) fail_msg("price: %s", rows[i].why);
    if (i < 10 || i == 10) {
      if (pmm_cpmm_buy(&pool, true, rows[i].amount, rows[i].fee, &out) != PMM_INVAL || out != 7) fail_msg("buy: %s", rows[i].why);
    }
    if (i < 10 || i == 11) {
      if (pmm_cpmm_sell(&pool, true, rows[i].amount, rows[i].fee, &out) != PMM_INVAL || out != 7) fail_msg("sell: %s", rows[i].why);
    }
    assert_memory_equal(&pool, &rows[i].pool, sizeof pool);
  }
}

/* Against the formulas as the source writes them, and buy-sell round trips: exact without a fee, never a gain with one.
   broken: the proceeds are a little too good. */
static uint64_t trades(uint64_t seed, uint64_t ops, bool broken) {
  pmm_rng_t rng;
  pmm_rng_seed(&rng, seed);
  for (uint64_t i = 0; i < ops; i++) {
    pmm_cpmm_t const start = {10 + 9990 * pmm_rng_unit(&rng), 10 + 9990 * pmm_rng_unit(&rng)};
    bool const yes = pmm_rng_below(&rng, 2), has_fee = pmm_rng_below(&rng, 2);
    double const c = pmm_rng_unit(&rng) * 500, fee = has_fee ? .05 * pmm_rng_unit(&rng) : 0, paid = c * (1 - fee);
    double const own = yes ? start.r_yes : start.r_no, other = yes ? start.r_no : start.r_yes;
    pmm_cpmm_t pool = start;
    double shares, proceeds, p;
    if (pmm_cpmm_buy(&pool, yes, c, fee, &shares) != PMM_OK) return i;
    if (fabs(shares - (own + paid - own * other / (other + paid))) > 1e-8) return i;
    if (fabs(pool.r_yes * pool.r_no - start.r_yes * start.r_no) > 1e-9 * start.r_yes * start.r_no) return i;
    pmm_cpmm_price(&pool, &p);
    if (fabs(p - pool.r_no / (pool.r_yes + pool.r_no)) > 1e-15) return i;
    if (pmm_cpmm_sell(&pool, yes, shares, fee, &proceeds) != PMM_OK) return i;
    if (broken) proceeds *= 1.0000001;
    if (!has_fee && (fabs(proceeds - c) > 1e-9 || fabs(pool.r_yes - start.r_yes) > 1e-8 || fabs(pool.r_no - start.r_no) > 1e-8)) return i;
    if (has_fee && proceeds > c * (1 - fee) * (1 - fee) + 1e-9) return i;
  }
  return NO_MISMATCH;
}
static void test_trades(void **unused) {
  (void)unused;
  check_random("cpmm trades", trades, 200000);
  check_canary("cpmm trades", trades, 50);
}

/* Two buys in a row give what one buy of the sum gives (no fee): the path does not matter. */
static void test_path(void **unused) {
  (void)unused;
  pmm_cpmm_t once = {700, 1300}, twice = once;
  double all, first, second;
  assert_int_equal(pmm_cpmm_buy(&once, false, 90, 0, &all), PMM_OK);
  assert_int_equal(pmm_cpmm_buy(&twice, false, 60, 0, &first), PMM_OK);
  assert_int_equal(pmm_cpmm_buy(&twice, false, 30, 0, &second), PMM_OK);
  assert_true(fabs(all - first - second) < 1e-10 && fabs(once.r_yes - twice.r_yes) < 1e-10);
}

int main(void) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(test_example), cmocka_unit_test(test_refusals), cmocka_unit_test(test_trades), cmocka_unit_test(test_path)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
