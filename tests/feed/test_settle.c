/* Boundary capture, running averages and what is left to average. */
#include "feed/feed_test.h"

#define S PMM_NS_PER_S
#define T0 INT64_C(1795186800) /* a boundary */
static pmm_settle_series_t series;

static void test_add(void **state) {
  (void)state;
  static const struct { const char *why; int64_t at_ns, value, wall_ns; pmm_status_t want; uint8_t flags; } rows[] = {
      {"a print", T0 * S, 100, T0 * S + 1500000000, PMM_OK, 0},
      {"again", T0 * S, 100, T0 * S + 1600000000, PMM_EXISTS, 0},
      {"another value: the first stays, marked", T0 * S, 101, T0 * S + 1600000000, PMM_CORRUPT, PMM_SETTLE_CONFLICT},
      {"late", (T0 + 1) * S, 7, (T0 + 4) * S, PMM_OK, PMM_SETTLE_LATE},
      {"between seconds", (T0 + 2) * S + 1, 8, (T0 + 4) * S, PMM_OK, PMM_SETTLE_INEXACT},
      {"on the second wins", (T0 + 3) * S, 9, (T0 + 4) * S, PMM_OK, 0},
      {"between seconds comes second", (T0 + 2) * S + 5, 8, (T0 + 4) * S, PMM_EXISTS, 0},
      {"of a bygone hour", (T0 + 3 - PMM_SETTLE_SECONDS) * S, 1, T0 * S, PMM_INVAL, 0},
      {"no price", (T0 + 5) * S, 0, T0 * S, PMM_INVAL, 0},
      {"before all time", -1, 5, T0 * S, PMM_INVAL, 0}};
  pmm_settle_init(&series);
  for (size_t i = 0; i < COUNT_OF(rows); i++) {
    if (pmm_settle_add(&series, rows[i].at_ns, rows[i].value, rows[i].wall_ns) != rows[i].want) fail_msg("%s", rows[i].why);
    pmm_settle_print_t p;
    if (rows[i].want == PMM_CORRUPT) {
      assert_int_equal(pmm_settle_at(&series, T0 * S, T0 * S, &p), PMM_OK);
      assert_int_equal(p.value_e8, 100);
      assert_int_equal(p.flags, rows[i].flags);
    }
    if (rows[i].want == PMM_OK) assert_int_equal(series.print[(rows[i].at_ns + S - 1) / S % PMM_SETTLE_SECONDS].flags, rows[i].flags);
  }
  assert_int_equal(series.conflicts, 1);
  assert_int_equal(series.late, 1);
}

static void test_at(void **state) {
  (void)state;
  pmm_settle_print_t p;
  pmm_settle_init(&series);
  assert_int_equal(pmm_settle_at(&series, T0 * S, T0 * S + 1, &p), PMM_NOT_READY);
  pmm_settle_add(&series, (T0 + 2) * S, 55, (T0 + 3) * S);
  assert_int_equal(pmm_settle_at(&series, T0 * S, T0 * S + 1, &p), PMM_NOT_READY); /* may still come */
  assert_int_equal(pmm_settle_at(&series, T0 * S, (T0 + 2) * S, &p), PMM_OK);
  assert_int_equal(p.value_e8, 55);
  assert_int_equal(p.flags, PMM_SETTLE_PROVISIONAL);
  assert_int_equal(pmm_settle_verify(&series, T0 * S, 55), PMM_NOT_FOUND); /* nothing to compare */
  pmm_settle_add(&series, T0 * S, 50, (T0 + 4) * S); /* and it came: late, and exact */
  assert_int_equal(pmm_settle_at(&series, T0 * S, (T0 + 4) * S, &p), PMM_OK);
  assert_int_equal(p.value_e8, 50);
  assert_int_equal(p.flags, PMM_SETTLE_LATE);
  assert_int_equal(pmm_settle_verify(&series, T0 * S, 51), PMM_OK);
  assert_int_equal(pmm_settle_verify(&series, T0 * S, 52), PMM_CORRUPT);
  assert_int_equal(series.mismatches, 1);
  assert_int_equal(series.checked, 2);
  assert_int_equal(pmm_settle_at(&series, (T0 + 300) * S, (T0 + 309) * S, &p), PMM_NOT_READY);
  assert_int_equal(pmm_settle_at(&series, (T0 + 300) * S, (T0 + 310) * S, &p), PMM_NOT_FOUND);
  assert_int_equal(series.missing, 1);
  assert_int_equal(pmm_settle_at(&series, T0 * S + 1, (T0 + 310) * S, &p), PMM_INVAL);
}

/* 60 seconds ending at the boundary: the second 60 before it is out, the boundary itself is in. */
static void test_mean(void **state) {
  (void)state;
  uint32_t cnt;
  int64_t mean;
  pmm_settle_init(&series);
  assert_int_equal(pmm_settle_mean(&series, T0 * S, 0, 60, &cnt, &mean), PMM_NOT_READY);
  for (int64_t k = 0; k <= 60; k++) pmm_settle_add(&series, (T0 - 60 + k) * S, k == 0 ? 999999 : 1000 + k, T0 * S);
  assert_int_equal(pmm_settle_mean(&series, T0 * S, 0, 60, &cnt, &mean), PMM_OK);
  assert_int_equal(cnt, 60);
  assert_int_equal(mean, 1030); /* 1000 + 30.5, cut */
  assert_int_equal(pmm_settle_mean(&series, (T0 + 30) * S, 0, 60, &cnt, &mean), PMM_OK);
  assert_int_equal(cnt, 30);
  assert_int_equal(mean, 1045); /* 31 .. 60 */
  assert_int_equal(pmm_settle_mean(&series, (T0 + 3) * S, 3 * S, 60, &cnt, &mean), PMM_OK);
  assert_int_equal(cnt, 60);
  assert_int_equal(pmm_settle_mean(&series, (T0 + 60) * S, 0, 60, &cnt, &mean), PMM_NOT_READY);
  assert_int_equal(pmm_settle_mean(&series, T0 * S, 0, 3601, &cnt, &mean), PMM_INVAL);
}

static void test_needed(void **state) {
  (void)state;
  static const struct { uint32_t n, k; int64_t mean, strike; pmm_status_t want; int64_t needed; } rows[] = {
      {60, 0, 0, 500, PMM_OK, 500},   {60, 30, 400, 500, PMM_OK, 600}, {60, 59, 500, 500, PMM_OK, 500},  {60, 59, 490, 500, PMM_OK, 1090},
      {3, 1, 0, 1, PMM_OK, 2},        {60, 60, 1, 1, PMM_STATE, 0},    {60, 61, 1, 1, PMM_INVAL, 0},     {0, 0, 1, 1, PMM_INVAL, 0},
      {60, 59, 1000, 1, PMM_OK, -58940}, {60, 59, 1, PMM_NS_MAX, PMM_OVERFLOW, 0}};
  for (size_t i = 0; i < COUNT_OF(rows); i++) {
    int64_t got = 0;
    assert_int_equal(pmm_settle_needed(rows[i].n, rows[i].k, rows[i].mean, rows[i].strike, &got), rows[i].want);
    assert_int_equal(got, rows[i].needed);
  }
}

static void test_round(void **state) {
  (void)state;
  assert_int_equal(pmm_settle_round(123499999, 2), 123000000);
  assert_int_equal(pmm_settle_round(123500000, 2), 124000000);
  assert_int_equal(pmm_settle_round(123456789, 8), 123456789);
  assert_int_equal(pmm_settle_round(150000000, 0), 200000000);
}

/* The same prints in any order give the same answers; a model keeps a plain list. */
static uint64_t any_order(uint64_t seed, uint64_t ops, bool broken) {
  pmm_rng_t rng;
  pmm_rng_seed(&rng, seed);
  for (uint64_t op = 0; op < ops; op++) {
    int64_t value[200], sum = 0;
    uint32_t known = 0, cnt;
    int64_t mean = 0;
    pmm_settle_init(&series);
    for (int i = 0; i < 200; i++) value[i] = pmm_rng_below(&rng, 10) ? check_between(&rng, 1, 1000000) : 0;
    int const step = (int)(1 + 2 * pmm_rng_below(&rng, 90)), start = (int)pmm_rng_below(&rng, 200);
    for (int i = 0, k = start; i < 200; i++, k = (k + step) % 200)
      if (value[k] && step % 5) pmm_settle_add(&series, (T0 + k) * S, value[k], (T0 + k) * S);
    if (step % 5 == 0) continue; /* does not reach every index */
    int const end = (int)check_between(&rng, 59, 199);
    for (int k = end - 59; k <= end; k++) sum += value[k], known += value[k] != 0;
    if (broken && op % 10 == 9) sum += 60;
    if (pmm_settle_mean(&series, (T0 + end) * S, 0, 60, &cnt, &mean) != (known ? PMM_OK : PMM_NOT_READY)) return op;
    if (known && (cnt != known || mean != sum / known)) return op;
  }
  return NO_MISMATCH;
}

static void test_model(void **state) {
  (void)state;
  check_random("settle", any_order, 200);
  check_canary("settle", any_order, 200);
}

static void test_records(void **state) {
  (void)state;
  pmm_md_t const a = pmm_feed_md(3, PMM_UNDER_TWAP, 42, 5, 6), b = pmm_feed_md_mean(3, 42, 5, 6);
  assert_true(a.kind == PMM_MD_UNDERLYING && a.aux == PMM_UNDER_TWAP && a.market == 3 && a.qty_e6 == 42 && a.exch_ns == 5 && a.recv_ns == 6);
  assert_true(b.kind == PMM_MD_SETTLE_MEAN && b.market == 3 && b.qty_e6 == 42);
}

int main(void) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(test_add),   cmocka_unit_test(test_at),    cmocka_unit_test(test_mean),   cmocka_unit_test(test_needed),
                                     cmocka_unit_test(test_round), cmocka_unit_test(test_model), cmocka_unit_test(test_records)};
  return cmocka_run_group_tests_name("feed settle", tests, NULL, NULL);
}
