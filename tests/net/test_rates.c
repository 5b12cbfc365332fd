/* Token buckets keep what is kept for cancels; the least round trip of the last sixteen gives a venue's clock. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <jansson.h>
#include <math.h>
#include "pmm/net.h"

static void test_classes(void **state) {
  (void)state;
  pmm_bucket_t b;
  pmm_bucket_init(&b, 10, 20, 8, 3, 0);
  assert_true(pmm_bucket_take(&b, 12, PMM_BUCKET_NORMAL, 0));   /* 8 left */
  assert_false(pmm_bucket_take(&b, 1, PMM_BUCKET_NORMAL, 0));
  assert_true(pmm_bucket_take(&b, 5, PMM_BUCKET_CANCEL, 0));    /* 3 left */
  assert_false(pmm_bucket_take(&b, 1, PMM_BUCKET_CANCEL, 0));
  assert_true(pmm_bucket_take(&b, 3, PMM_BUCKET_CANCEL_ALL, 0)); /* none left */
  assert_false(pmm_bucket_take(&b, 0.5, PMM_BUCKET_CANCEL_ALL, 0));
  assert_true(pmm_bucket_take(&b, 9.9, PMM_BUCKET_CANCEL_ALL, PMM_NS_PER_S));
}

/* What `when` promises is granted then, and was not granted a little before. */
static void test_when(void **state) {
  (void)state;
  for (int cls = PMM_BUCKET_NORMAL; cls <= PMM_BUCKET_CANCEL_ALL; cls++)
    for (int cost = 1; cost <= 12; cost++) {
      pmm_bucket_t b;
      pmm_bucket_init(&b, 7, 20, 8, 3, 1000);
      assert_true(pmm_bucket_take(&b, 20, PMM_BUCKET_CANCEL_ALL, 1000));
      int64_t const at_ns = pmm_bucket_when(&b, cost, (pmm_bucket_class_t)cls, 1000);
      pmm_bucket_t early = b;
      assert_false(pmm_bucket_take(&early, cost, (pmm_bucket_class_t)cls, at_ns - 1000));
      assert_true(pmm_bucket_take(&b, cost, (pmm_bucket_class_t)cls, at_ns));
    }
  pmm_bucket_t b;
  pmm_bucket_init(&b, 7, 20, 8, 3, 1000);
  assert_int_equal(pmm_bucket_when(&b, 12, PMM_BUCKET_NORMAL, 5000), 5000);
  assert_int_equal(pmm_bucket_when(&b, 13, PMM_BUCKET_NORMAL, 5000), PMM_NS_MAX); /* never: it would eat into the reserve */
}

/* The venue's own account of its bucket (Kalshi, basic tier, writes). */
static void test_vector(void **state) {
  (void)state;
  json_t *const all = json_load_file("tests/vectors/kalshi_vectors.json", 0, NULL);
  const json_t *const limit = json_object_get(all, "rate_limit"), *const cases = json_object_get(limit, "cases");
  pmm_bucket_t b;
  assert_true(json_array_size(cases) >= 6);
  pmm_bucket_init(&b, json_number_value(json_object_get(limit, "refill_per_s")), json_number_value(json_object_get(limit, "capacity")), 0, 0, 0);
  for (size_t i = 0; i < json_array_size(cases); i++) {
    const json_t *const c = json_array_get(cases, i);
    int64_t const at_ns = json_integer_value(json_object_get(c, "t_ms")) * PMM_NS_PER_MS;
    assert_int_equal(pmm_bucket_take(&b, json_number_value(json_object_get(c, "cost")), PMM_BUCKET_NORMAL, at_ns), json_is_true(json_object_get(c, "ok")));
    assert_true(fabs(b.tokens - json_number_value(json_object_get(c, "left"))) < 1e-9);
  }
  json_decref(all);
}

static void test_drain(void **state) {
  (void)state;
  pmm_bucket_t b;
  pmm_bucket_init(&b, 10, 20, 0, 0, 0);
  pmm_bucket_drain(&b, 0, 5 * PMM_NS_PER_S);
  assert_false(pmm_bucket_take(&b, 1, PMM_BUCKET_CANCEL_ALL, 5 * PMM_NS_PER_S - 1));
  assert_int_equal(pmm_bucket_when(&b, 0.1, PMM_BUCKET_NORMAL, 0), 5 * PMM_NS_PER_S + 10 * PMM_NS_PER_MS + 1);
  assert_false(pmm_bucket_take(&b, 1, PMM_BUCKET_NORMAL, 5 * PMM_NS_PER_S));
  assert_true(pmm_bucket_take(&b, 1, PMM_BUCKET_NORMAL, 5 * PMM_NS_PER_S + 100 * PMM_NS_PER_MS));
  pmm_bucket_drain(&b, 0, 1); /* a shorter pause does not lift a longer one */
  assert_true(b.at_ns >= 5 * PMM_NS_PER_S);
}

static void test_offset(void **state) {
  (void)state;
  pmm_offset_t offset = {0};
  int64_t error_ns = 0;
  assert_int_equal(pmm_offset_ns(&offset, &error_ns), 0);
  assert_int_equal(error_ns, PMM_NS_MAX);
  pmm_offset_add(&offset, 100, 300, 1200);
  assert_int_equal(pmm_offset_ns(&offset, &error_ns), 1000);
  assert_int_equal(error_ns, 100);
  pmm_offset_add(&offset, 400, 410, 1407);
  assert_int_equal(pmm_offset_ns(&offset, NULL), 1002);
  pmm_offset_add(&offset, 500, 400, 9999); /* our clock went back: no sample */
  assert_int_equal(offset.cnt, 2);
  for (int i = 0; i < 100; i++) {          /* good ones of long ago are forgotten, however long it goes on */
    pmm_offset_add(&offset, 1000, 1100, 1050 + 7);
    assert_true(offset.cnt <= 2 * PMM_OFFSET_SAMPLES);
  }
  assert_int_equal(pmm_offset_ns(&offset, &error_ns), 7);
  assert_int_equal(error_ns, 50);
}

int main(void) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(test_classes), cmocka_unit_test(test_when), cmocka_unit_test(test_vector), cmocka_unit_test(test_drain), cmocka_unit_test(test_offset)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
