/* The table of orders and the set of fills told, against slow and obvious ones. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <cmocka.h>
#include "pmm/rng.h"
#include "pmm/venue.h"
#include "venue/orders.h"

static void test_table(void **state) {
  (void)state;
  pmm__orders_t *t;
  uint32_t a, b, c;
  assert_int_equal(pmm__orders_new(&t, 0), PMM_INVAL);
  assert_int_equal(pmm__orders_new(&t, 2), PMM_OK);
  assert_int_equal(pmm__orders_add(t, 0, &a), PMM_INVAL);
  assert_int_equal(pmm__orders_add(t, 7, &a), PMM_OK);
  assert_int_equal(pmm__orders_add(t, 7, &b), PMM_EXISTS);
  assert_int_equal(pmm__orders_add(t, 8, &b), PMM_OK);
  assert_int_equal(pmm__orders_add(t, 9, &c), PMM_FULL); /* both may still be open */
  assert_int_equal(pmm__orders_name(t, a, "x", 1), PMM_OK);
  assert_int_equal(pmm__orders_name(t, a, "x", 1), PMM_OK);
  assert_int_equal(pmm__orders_name(t, b, "x", 1), PMM_EXISTS);
  assert_int_equal(pmm__orders_name(t, a, "y", 1), PMM_STATE);
  assert_int_equal(pmm__orders_name(t, b, "", 0), PMM_INVAL);
  char longer[PMM__VID_MAX + 1];
  memset(longer, 'l', sizeof longer);
  assert_int_equal(pmm__orders_name(t, b, longer, PMM__VID_MAX), PMM_FULL);
  assert_int_equal(pmm__orders_name(t, b, longer, PMM__VID_MAX - 1), PMM_OK);
  assert_int_equal(pmm__orders_find_vid(t, longer, PMM__VID_MAX - 1), b);
  assert_int_equal(pmm__orders_find_vid(t, longer, PMM__VID_MAX - 2), PMM__ORDER_NONE);
  assert_int_equal(pmm__orders_find_vid(t, "x", 1), a);
  pmm__orders_over(t, a);
  pmm__orders_over(t, a); /* once is enough */
  assert_int_equal(pmm__orders_live_cnt(t), 1);
  assert_int_equal(pmm__orders_find(t, 7), a); /* still known: late answers */
  assert_int_equal(pmm__orders_add(t, 9, &c), PMM_OK);
  assert_int_equal(pmm__orders_find(t, 7), PMM__ORDER_NONE);
  assert_int_equal(pmm__orders_find_vid(t, "x", 1), PMM__ORDER_NONE);
  assert_int_equal(pmm__orders_first(t), b);
  assert_int_equal(pmm__orders_next(t, b), c);
  assert_true(pmm__orders_check(t));
  pmm__orders_free(t);
}

enum { IDS = 400, CAP = 60 };
typedef struct row { bool known, over; char vid[8]; uint64_t over_at; } row_t;

static void check_rows(const row_t *row, pmm__orders_t *t) {
  uint32_t live = 0;
  for (uint64_t id = 1; id < IDS; id++) {
    uint32_t const i = pmm__orders_find(t, id);
    assert_int_equal(i != PMM__ORDER_NONE, row[id].known);
    if (!row[id].known) continue;
    assert_string_equal(pmm__orders_at(t, i)->vid, row[id].vid);
    if (row[id].vid[0]) assert_int_equal(pmm__orders_find_vid(t, row[id].vid, strlen(row[id].vid)), i);
    live += !row[id].over;
  }
  assert_int_equal(pmm__orders_live_cnt(t), live);
  assert_true(pmm__orders_check(t));
}

static void test_random(void **state) {
  (void)state;
  for (uint64_t seed = 1; seed <= 20; seed++) {
    pmm__orders_t *t;
    assert_int_equal(pmm__orders_new(&t, CAP), PMM_OK);
    row_t row[IDS] = {0};
    pmm_rng_t rng;
    pmm_rng_seed(&rng, seed);
    uint32_t known = 0;
    for (uint64_t op = 1; op < 4000; op++) {
      uint64_t const id = 1 + pmm_rng_below(&rng, IDS - 1);
      uint32_t idx = pmm__orders_find(t, id), got;
      switch (pmm_rng_below(&rng, 3)) {
      case 0: {
        uint64_t oldest = 0; /* whose place is given away */
        for (uint64_t k = 1; k < IDS; k++)
          if (row[k].known && row[k].over && (oldest == 0 || row[k].over_at < row[oldest].over_at)) oldest = k;
        pmm_status_t const want = row[id].known ? PMM_EXISTS : known == CAP && oldest == 0 ? PMM_FULL : PMM_OK;
        assert_int_equal(pmm__orders_add(t, id, &got), want);
        if (want != PMM_OK) break;
        if (known == CAP) row[oldest] = (row_t){0};
        else known++;
        row[id] = (row_t){.known = true};
        break;
      }
      case 1:
        if (!row[id].known || row[id].vid[0]) break;
        snprintf(row[id].vid, sizeof row[id].vid, "v%d", (int)id);
        assert_int_equal(pmm__orders_name(t, idx, row[id].vid, strlen(row[id].vid)), PMM_OK);
        break;
      default:
        if (!row[id].known || row[id].over) break;
        pmm__orders_over(t, idx);
        row[id].over = true;
        row[id].over_at = op;
      }
      if (op % 50 == 0) check_rows(row, t);
    }
    pmm__orders_free(t);
  }
}

static void test_seen(void **state) {
  (void)state;
  pmm__seen_t *s;
  enum { LAST = 50 };
  assert_int_equal(pmm__seen_new(&s, LAST), PMM_OK);
  int64_t told_at[200];
  for (int i = 0; i < 200; i++) told_at[i] = -1;
  pmm_rng_t rng;
  pmm_rng_seed(&rng, 3);
  int64_t told = 0;
  for (int op = 0; op < 5000; op++) {
    size_t const i = pmm_rng_below(&rng, 200);
    char text[100];
    int const n = snprintf(text, sizeof text, "a-rather-long-id-of-a-trade-as-venues-give-them-%zu", i);
    bool const want = told_at[i] < 0 || told - told_at[i] > LAST;
    assert_int_equal(pmm__seen_note(s, text, (size_t)n), want);
    if (want) told_at[i] = told++;
  }
  pmm__seen_free(s);
}

static void test_ref(void **state) {
  (void)state;
  assert_true(pmm_venue_ref("a", 1) != pmm_venue_ref("b", 1));
  assert_true(pmm_venue_ref("a", 1) == pmm_venue_ref("ab", 1));
  assert_true(pmm_venue_ref("", 0) != 0);
}

int main(void) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(test_table), cmocka_unit_test(test_random), cmocka_unit_test(test_seen), cmocka_unit_test(test_ref)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
