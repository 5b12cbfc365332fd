/* LMSR: formulas, edges, and its promises (prices sum to one, bounded loss, path independence). */
#include <math.h>

#include "base/check.h"
#include "pmm/pricing.h"

static void assert_near(double got, double want, double tolerance) {
  if (!(fabs(got - want) <= tolerance * (1 + fabs(want)))) fail_msg("got %.17g, want %.17g", got, want);
}

static void test_formulas(void **unused) {
  (void)unused;
  double const even[2] = {0, 0}, tilted[2] = {100, 0};
  double p[2], cost, delta;
  assert_int_equal(pmm_lmsr_price(even, 2, 100, p), PMM_OK);
  assert_near(p[0], 0.5, 1e-15);
  assert_int_equal(pmm_lmsr_cost(even, 2, 100, &cost), PMM_OK);
  assert_near(cost, 100 * log(2), 1e-14);
  assert_int_equal(pmm_lmsr_price(tilted, 2, 100, p), PMM_OK);
  assert_near(p[0], 1 / (1 + exp(-1)), 1e-15);
  assert_int_equal(pmm_lmsr_trade(even, 2, 100, 0, 100, &cost), PMM_OK);
  assert_near(cost, 100 * log((exp(1) + 1) / 2), 1e-14);
  assert_int_equal(pmm_lmsr_to_price(even, 100, 0.75, &delta, &cost), PMM_OK);
  assert_near(delta, 100 * log(3), 1e-14);
  assert_near(cost, 100 * log(2), 1e-13); /* C moves from b ln 2 to b ln 4 */
  assert_int_equal(pmm_lmsr_to_price(even, 100, 1e-9, &delta, &cost), PMM_OK); /* beyond logit's own clip */
  assert_near(delta, 100 * log(1e-9 / (1 - 1e-9)), 1e-12);
  double loss;
  assert_int_equal(pmm_lmsr_worst_loss(8, 50, &loss), PMM_OK);
  assert_near(loss, 50 * log(8), 1e-14);
}

static void test_far_out(void **unused) {
  (void)unused;
  double const q[3] = {1e6, 0, -1e6};
  double p[3], cost;
  assert_int_equal(pmm_lmsr_price(q, 3, 1, p), PMM_OK); /* q/b of a million and minus a million */
  assert_true(p[0] == 1 && p[1] == 0 && p[2] == 0);
  assert_int_equal(pmm_lmsr_cost(q, 3, 1, &cost), PMM_OK);
  assert_true(cost == 1e6);
  /* From far below: nothing is paid until the price wakes up, then a dollar a share. */
  assert_int_equal(pmm_lmsr_trade(q, 3, 1, 2, 3e6, &cost), PMM_OK);
  assert_near(cost, 1e6, 1e-12);
  assert_int_equal(pmm_lmsr_trade(q, 3, 1, 2, 1e6, &cost), PMM_OK);
  assert_near(cost, 0, 1e-12);
  assert_int_equal(pmm_lmsr_trade(q, 3, 1, 0, 1e-6, &cost), PMM_OK);
  assert_near(cost, 1e-6, 1e-12);
  assert_int_equal(pmm_lmsr_trade(q, 3, 1, 0, 1e5, &cost), PMM_OK);
  assert_near(cost, 1e5, 1e-15);
  /* A tiny trade keeps its digits against a cost of millions. */
  double const big[2] = {5e6, 5e6};
  assert_int_equal(pmm_lmsr_trade(big, 2, 1000, 0, 1e-3, &cost), PMM_OK);
  assert_near(cost * 1e3, 0.5 + 1e-3 / 8000, 1e-12);
}

static void test_refusals(void **unused) {
  (void)unused;
  static const struct { const char *why; double q[2]; size_t n; double b; } rows[] = {
    {"one outcome", {0, 0}, 1, 1},          {"no liquidity", {0, 0}, 2, 0},   {"negative b", {0, 0}, 2, -1},
    {"b is NaN", {0, 0}, 2, NAN},           {"b infinite", {0, 0}, 2, INFINITY}, {"q is NaN", {NAN, 0}, 2, 1},
    {"q infinite", {0, INFINITY}, 2, 1},    {"q/b overflows", {1e300, 0}, 2, 1e-300}, {"too many outcomes", {0, 0}, 257, 1}};
  for (size_t i = 0; i < COUNT_OF(rows); i++) {
    double p[2] = {7, 7}, cost = 7, delta = 7;
    if (pmm_lmsr_price(rows[i].q, rows[i].n, rows[i].b, p) != PMM_INVAL || p[0] != 7) fail_msg("price: %s", rows[i].why);
    if (pmm_lmsr_cost(rows[i].q, rows[i].n, rows[i].b, &cost) != PMM_INVAL || cost != 7) fail_msg("cost: %s", rows[i].why);
    if (pmm_lmsr_trade(rows[i].q, rows[i].n, rows[i].b, 0, 1, &cost) != PMM_INVAL || cost != 7) fail_msg("trade: %s", rows[i].why);
    if (rows[i].n == 2 && (pmm_lmsr_to_price(rows[i].q, rows[i].b, .5, &delta, &cost) != PMM_INVAL || delta != 7)) fail_msg("to price: %s", rows[i].why);
  }
  double const q[2] = {0, 0}, low[2] = {-1e308, -1e308};
  double cost = 7, delta = 7;
  assert_int_equal(pmm_lmsr_trade(q, 2, 1, 2, 1, &cost), PMM_INVAL);
  assert_int_equal(pmm_lmsr_trade(q, 2, 1, 0, NAN, &cost), PMM_INVAL);
  assert_int_equal(pmm_lmsr_trade(q, 2, 1e-300, 0, 1e300, &cost), PMM_INVAL);
  assert_int_equal(pmm_lmsr_to_price(q, 1, 0, &delta, &cost), PMM_INVAL);
  assert_int_equal(pmm_lmsr_to_price(q, 1, 1, &delta, &cost), PMM_INVAL);
  assert_int_equal(pmm_lmsr_to_price(q, 1, NAN, &delta, &cost), PMM_INVAL);
  double const apart[2] = {1e308, -1e308};
  assert_int_equal(pmm_lmsr_to_price(apart, 1, .5, &delta, &cost), PMM_INVAL); /* their difference is no double */
  assert_int_equal(pmm_lmsr_cost(low, 2, 1e308, &cost), PMM_OK);
  assert_int_equal(pmm_lmsr_worst_loss(1, 1, &cost), PMM_INVAL);
  assert_int_equal(pmm_lmsr_worst_loss(2, -1, &cost), PMM_INVAL);
  double const top[2] = {1.7e308, 1.7e308};
  cost = 7;
  assert_int_equal(pmm_lmsr_cost(top, 2, 1.7e308, &cost), PMM_INVAL); /* the cost itself does not fit */
  assert_true(cost == 7);
  assert_int_equal(pmm_lmsr_worst_loss(100, 1.7e308, &cost), PMM_INVAL);
}

/* A market maker that follows the rule through random trades: each trade's cost is the difference of C, prices sum to 1 and
   follow d cost/d q, and whatever happens it loses at most b ln n. broken: one trade is charged a cent too little. */
static uint64_t trades(uint64_t seed, uint64_t ops, bool broken) {
  pmm_rng_t rng;
  pmm_rng_seed(&rng, seed);
  double q[6], taken = 0, b = 0, before = 0, start = 0;
  size_t n = 0;
  for (uint64_t i = 0; i < ops; i++) {
    if (i % 50 == 0) {
      n = (size_t)check_between(&rng, 2, 6);
      b = 1 + 200 * pmm_rng_unit(&rng);
      for (size_t k = 0; k < n; k++) q[k] = 0;
      taken = 0;
      pmm_lmsr_cost(q, n, b, &start);
    }
    size_t const k = pmm_rng_below(&rng, n);
    double const d = pmm_rng_normal(&rng) * b * (pmm_rng_below(&rng, 4) ? .1 : 8);
    double cost, after, price[6], sum = 0, loss, worst = -INFINITY;
    pmm_lmsr_cost(q, n, b, &before);
    if (pmm_lmsr_trade(q, n, b, k, d, &cost) != PMM_OK) return i;
    if (broken && i == 7) cost -= .01;
    q[k] += d;
    pmm_lmsr_cost(q, n, b, &after);
    if (fabs(cost - (after - before)) > 1e-9 * (1 + fabs(after))) return i;
    taken += cost;
    if (pmm_lmsr_price(q, n, b, price) != PMM_OK) return i;
    for (size_t j = 0; j < n; j++) sum += price[j], worst = fmax(worst, q[j]);
    if (fabs(sum - 1) > (double)n * 2.3e-16) return i;
    pmm_lmsr_worst_loss(n, b, &loss);
    if (worst - taken > loss * (1 + 1e-9) + 1e-9) return i; /* pays q of the winner, keeps what was paid in */
    double up;
    pmm_lmsr_trade(q, n, b, k, 1e-5 * b, &up);
    if (fabs(up / (1e-5 * b) - price[k]) > 1e-5) return i;
  }
  return NO_MISMATCH;
}
static void test_trades(void **unused) {
  (void)unused;
  check_random("lmsr trades", trades, 50000);
  check_canary("lmsr trades", trades, 50);
}

/* to_price arrives where it was asked to; broken: it stops short. */
static uint64_t arrives(uint64_t seed, uint64_t ops, bool broken) {
  pmm_rng_t rng;
  pmm_rng_seed(&rng, seed);
  for (uint64_t i = 0; i < ops; i++) {
    double const b = 1 + 500 * pmm_rng_unit(&rng), target = 1e-4 + (1 - 2e-4) * pmm_rng_unit(&rng);
    double q[2] = {pmm_rng_normal(&rng) * 3 * b, pmm_rng_normal(&rng) * 3 * b}, delta, cost, price[2];
    if (pmm_lmsr_to_price(q, b, target, &delta, &cost) != PMM_OK) return i;
    q[0] += broken ? delta * .999 : delta;
    if (pmm_lmsr_price(q, 2, b, price) != PMM_OK || fabs(price[0] - target) > 1e-12) return i;
  }
  return NO_MISMATCH;
}
static void test_arrives(void **unused) {
  (void)unused;
  check_random("lmsr to price", arrives, 50000);
  check_canary("lmsr to price", arrives, 50);
}

int main(void) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(test_formulas), cmocka_unit_test(test_far_out), cmocka_unit_test(test_refusals),
                                     cmocka_unit_test(test_trades), cmocka_unit_test(test_arrives)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
