#include "rig.h"

static void refuses(void **state) {
  (void)state;
  pmm_latency_t l;
  int64_t const good[] = {1, 2, 3}, bad[] = {1, -1};
  static const struct { const char *why; int model; int64_t mean, std; int samples; pmm_status_t want; } rows[] = {
    {"constant", PMM_LATENCY_CONSTANT, 5, 0, 0, PMM_OK},        {"negative mean", PMM_LATENCY_CONSTANT, -1, 0, 0, PMM_INVAL},
    {"negative deviation", PMM_LATENCY_NORMAL, 5, -1, 0, PMM_INVAL}, {"no samples", PMM_LATENCY_RECORDED, 0, 0, 0, PMM_INVAL},
    {"a negative sample", PMM_LATENCY_RECORDED, 0, 0, 2, PMM_INVAL}, {"samples", PMM_LATENCY_RECORDED, 0, 0, 1, PMM_OK},
    {"no such model", 9, 0, 0, 0, PMM_INVAL},
  };
  for (size_t i = 0; i < CNT(rows); i++) {
    const int64_t *const sample = rows[i].samples == 0 ? NULL : rows[i].samples == 1 ? good : bad;
    if (pmm_latency_init(&l, (pmm_latency_model_t)rows[i].model, rows[i].mean, rows[i].std, 0, sample, sample == good ? 3 : sample ? 2 : 0, 1) != rows[i].want) fail_msg("%s", rows[i].why);
  }
}

static void draws(void **state) {
  (void)state;
  pmm_latency_t l, again;
  assert_int_equal(pmm_latency_init(&l, PMM_LATENCY_CONSTANT, 5000, 0, 0, NULL, 0, 1), PMM_OK);
  for (int i = 0; i < 3; i++) assert_int_equal(pmm_latency_next(&l), 5000);
  assert_int_equal(pmm_latency_init(&l, PMM_LATENCY_CONSTANT, 5000, 0, 7000, NULL, 0, 1), PMM_OK);
  assert_int_equal(pmm_latency_next(&l), 7000);
  assert_int_equal(pmm_latency_init(&l, PMM_LATENCY_NORMAL, 10000, 4000, -5, NULL, 0, 7), PMM_OK);
  assert_int_equal(pmm_latency_init(&again, PMM_LATENCY_NORMAL, 10000, 4000, -5, NULL, 0, 7), PMM_OK);
  double sum = 0, squares = 0;
  for (int i = 0; i < 20000; i++) {
    int64_t const ns = pmm_latency_next(&l);
    assert_int_equal(ns, pmm_latency_next(&again));
    assert_true(ns >= 0);
    sum += (double)ns;
    squares += (double)ns * (double)ns;
  }
  double const mean = sum / 20000;
  assert_true(mean > 9900 && mean < 10100);
  double const variance = squares / 20000 - mean * mean;
  assert_true(variance > 3800.0 * 3800 && variance < 4200.0 * 4200);
  int64_t const sample[] = {100, 200, 50};
  int seen[3] = {0};
  assert_int_equal(pmm_latency_init(&l, PMM_LATENCY_RECORDED, 0, 0, 60, sample, 3, 3), PMM_OK);
  for (int i = 0; i < 3000; i++) {
    int64_t const ns = pmm_latency_next(&l);
    seen[ns == 100 ? 0 : ns == 200 ? 1 : 2]++;
    assert_true(ns == 100 || ns == 200 || ns == 60); /* the floor lifts the shortest */
  }
  for (int i = 0; i < 3; i++) assert_true(seen[i] > 900 && seen[i] < 1100);
}

int main(void) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(refuses), cmocka_unit_test(draws)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
