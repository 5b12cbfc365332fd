/* Prices from quotes, skew and consensus. */
#include <math.h>

#include "base/check.h"
#include "pmm/pricing.h"

#define S PMM_NS_PER_S

typedef struct book { pmm_arena_t arena; pmm_ladder_t ladder; } book_t;

static void open_book(book_t *b) {
  assert_int_equal(pmm_arena_open(&b->arena, pmm_ladder_bytes(100) + 4096), PMM_OK);
  assert_int_equal(pmm_ladder_init(&b->ladder, &b->arena, 100, 100), PMM_OK);
}
static void put(book_t *b, int32_t bid, int64_t bid_qty, int32_t ask, int64_t ask_qty) {
  pmm_ladder_clear(&b->ladder);
  if (bid) assert_int_equal(pmm_ladder_set(&b->ladder, PMM_BID, bid, bid_qty), PMM_OK);
  if (ask) assert_int_equal(pmm_ladder_set(&b->ladder, PMM_ASK, ask, ask_qty), PMM_OK);
}

static void test_mid(void **unused) {
  (void)unused;
  book_t b;
  open_book(&b);
  static const struct { const char *why; int32_t bid, ask; int64_t at_s; double want; } rows[] = {
    {"nothing ever seen", 0, 0, 0, .5},    {"one side only", 40, 0, 1, .5},    {"both sides", 40, 44, 10, .42},
    {"one side gone: the last", 40, 0, 20, .42}, {"crossed: the last", 44, 40, 39, .42}, {"30 s old: gone", 0, 0, 40, .5},
    {"locked is a mid", 40, 40, 50, .4},   {"far later", 0, 0, 1000, .5},      {"fresh again", 10, 12, 1001, .11}};
  pmm_mid_state_t mid = {0, 0, false};
  for (size_t i = 0; i < COUNT_OF(rows); i++) {
    put(&b, rows[i].bid, 1, rows[i].ask, 1);
    double const got = pmm_mid_update(&mid, &b.ladder, rows[i].at_s * S, 30 * S);
    if (fabs(got - rows[i].want) > 1e-15) fail_msg("%s: %g", rows[i].why, got);
  }
  pmm_arena_close(&b.arena);
}

static void test_small_formulas(void **unused) {
  (void)unused;
  double p = 7;
  assert_int_equal(pmm_two_quote_mid(.55, .47, &p), PMM_OK);
  assert_true(fabs(p - .54) < 1e-15); /* not (yes + no)/2, which is 0.51 */
  p = 7;
  assert_int_equal(pmm_two_quote_mid(1.1, .4, &p), PMM_INVAL);
  assert_int_equal(pmm_two_quote_mid(.5, NAN, &p), PMM_INVAL);
  static const struct { double bid, ask, bid_qty, ask_qty; } bad[] = {
    {.5, .4, 1, 1}, {NAN, .5, 1, 1}, {.4, 1.5, 1, 1}, {.4, .5, -1, 1}, {.4, .5, 1, NAN}, {.4, .5, 0, 0}, {.4, .5, INFINITY, 1}, {.4, .5, 1.7e308, 1.7e308}};
  for (size_t i = 0; i < COUNT_OF(bad); i++) assert_int_equal(pmm_microprice(bad[i].bid, bad[i].ask, bad[i].bid_qty, bad[i].ask_qty, &p), PMM_INVAL);
  assert_true(p == 7);
  assert_int_equal(pmm_microprice(.40, .44, 300, 100, &p), PMM_OK);
  assert_true(fabs(p - (.40 * 100 + .44 * 300) / 400) < 1e-15); /* pressure on the bid: nearer the ask */
}

static void test_imbalance(void **unused) {
  (void)unused;
  book_t b;
  open_book(&b);
  double p = 7;
  put(&b, 40, 300, 0, 0);
  assert_int_equal(pmm_flow_imbalance_price(&b.ladder, 3, 1, &p), PMM_NOT_READY);
  put(&b, 40, 300, 44, 100);
  assert_int_equal(pmm_flow_imbalance_price(&b.ladder, 0, 1, &p), PMM_INVAL);
  assert_int_equal(pmm_flow_imbalance_price(&b.ladder, 1, NAN, &p), PMM_INVAL);
  assert_true(p == 7);
  assert_int_equal(pmm_flow_imbalance_price(&b.ladder, 1, 2, &p), PMM_OK);
  assert_true(fabs(p - (.42 + 2 * .01 * .5)) < 1e-15);
  assert_int_equal(pmm_flow_imbalance_price(&b.ladder, 1, 1e6, &p), PMM_OK);
  assert_true(p == 1); /* a probability stays one */
  pmm_arena_close(&b.arena);
}

static void test_skew(void **unused) {
  (void)unused;
  double p;
  assert_int_equal(pmm_skew_linear(.5, .01, 30, &p), PMM_OK);
  assert_true(fabs(p - .20) < 1e-15); /* the documents' example */
  static const struct { double mid, alpha, q, want; } rows[] = {{.5, .01, 0, .5}, {.5, .01, -30, .8}, {.5, .01, 100, 0}, {.5, .01, -100, 1}, {.9, 0, 1e9, .9}};
  for (size_t i = 0; i < COUNT_OF(rows); i++) {
    assert_int_equal(pmm_skew_linear(rows[i].mid, rows[i].alpha, rows[i].q, &p), PMM_OK);
    assert_true(fabs(p - rows[i].want) < 1e-15);
  }
  assert_int_equal(pmm_skew_logit(.5, .1, 10, &p), PMM_OK);
  assert_true(fabs(p - 1 / (1 + exp(1))) < 1e-15);
  double out = 7;
  static const struct { double mid, alpha, q; } bad[] = {{-.1, .01, 0}, {1.1, .01, 0}, {NAN, .01, 0}, {.5, NAN, 0}, {.5, .01, INFINITY}, {.5, 1e200, 1e200}};
  for (size_t i = 0; i < COUNT_OF(bad); i++) {
    assert_int_equal(pmm_skew_linear(bad[i].mid, bad[i].alpha, bad[i].q, &out), PMM_INVAL);
    assert_int_equal(pmm_skew_logit(bad[i].mid, bad[i].alpha, bad[i].q, &out), PMM_INVAL);
  }
  assert_true(out == 7);
}

static void test_consensus(void **unused) {
  (void)unused;
  double p = 7;
  double const same[3] = {.3, .3, .3}, w[3] = {1, 5, 2}, two[2] = {.2, .8}, even[2] = {1, 1}, none[2] = {0, 0};
  assert_int_equal(pmm_consensus(same, w, 3, &p), PMM_OK);
  assert_true(fabs(p - .3) < 1e-15);
  assert_int_equal(pmm_consensus(two, even, 2, &p), PMM_OK);
  assert_true(fabs(p - .5) < 1e-15);
  p = 7;
  double const outside[2] = {1.2, .5}, negative[2] = {-1, 2}, huge[2] = {1.7e308, 1.7e308};
  assert_int_equal(pmm_consensus(two, none, 2, &p), PMM_INVAL);
  assert_int_equal(pmm_consensus(two, even, 0, &p), PMM_INVAL);
  assert_int_equal(pmm_consensus(outside, even, 2, &p), PMM_INVAL);
  assert_int_equal(pmm_consensus(two, negative, 2, &p), PMM_INVAL);
  assert_int_equal(pmm_consensus(two, huge, 2, &p), PMM_INVAL);
  assert_true(p == 7);
  double variance[2] = {4, 1}, got[2] = {7, 7};
  assert_int_equal(pmm_weights_inverse_variance(variance, 2, variance), PMM_OK);
  assert_true(variance[0] == .25 && variance[1] == 1);
  double const bad[2] = {1, 0}, tiny[2] = {1, 5e-324};
  assert_int_equal(pmm_weights_inverse_variance(bad, 2, got), PMM_INVAL);
  assert_int_equal(pmm_weights_inverse_variance(tiny, 2, got), PMM_INVAL);
  assert_true(got[0] == 7);
}

static void test_fair_consensus(void **unused) {
  (void)unused;
  pmm_fair_t f[3] = {{PMM_FAIR_EXTERNAL, .9, 1, 100 * S, PMM_NS_MAX}, {PMM_FAIR_DIGITAL, .1, 1, 100 * S, 130 * S}, {PMM_FAIR_MID, .5, 2, PMM_TIME_NONE, PMM_NS_MAX}};
  double p = 7;
  assert_int_equal(pmm_fair_consensus(f, 3, 110 * S, 30 * S, &p), PMM_OK);
  assert_true(fabs(p - .5) < 1e-15); /* the third never had a time */
  assert_int_equal(pmm_fair_consensus(f, 3, 130 * S, 30 * S, &p), PMM_OK);
  assert_true(fabs(p - .9) < 1e-15); /* the second has expired */
  p = 7;
  assert_int_equal(pmm_fair_consensus(f, 3, 131 * S, 30 * S, &p), PMM_NOT_READY); /* the first is stale now, too */
  assert_int_equal(pmm_fair_consensus(f, 0, 0, S, &p), PMM_NOT_READY);
  assert_int_equal(pmm_fair_consensus(f, 1, INT64_MAX - 1, PMM_NS_MAX, &p), PMM_OK);
  assert_int_equal(pmm_fair_consensus(f, 1, 50 * S, S, &p), PMM_OK); /* a time stamp a little ahead of ours is fresh */
  f[0].weight = NAN, p = 7;
  assert_int_equal(pmm_fair_consensus(f, 3, 110 * S, 30 * S, &p), PMM_INVAL);
  f[0].weight = 1.7e308, f[1].weight = 1.7e308;
  assert_int_equal(pmm_fair_consensus(f, 3, 110 * S, 30 * S, &p), PMM_INVAL);
  assert_true(p == 7);
}

int main(void) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(test_mid), cmocka_unit_test(test_small_formulas), cmocka_unit_test(test_imbalance),
                                     cmocka_unit_test(test_skew), cmocka_unit_test(test_consensus), cmocka_unit_test(test_fair_consensus)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
