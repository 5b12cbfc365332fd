/* Strategy linear: the documents' numbers, tick rounding, the grid's ends. */
#include "fixture.h"

static void test_rows(void **unused) {
  (void)unused;
  static const struct { const char *why, *skew, *spread, *alpha; double bid, ask, yes, no; int32_t tick; const char *bids, *asks; } rows[] = {
    {"flat in the middle", "linear", "100", "0", .49, .51, 0, 0, 100, "0.4900 x 10", "0.5100 x 10"},
    {"a narrow spread still keeps a tick each way", "linear", "10", "0", .49, .51, 0, 0, 100, "0.4900 x 10", "0.5100 x 10"},
    {"0.29 is 29 ticks, not 28", "linear", "0", "0", .28, .30, 0, 0, 100, "0.2900 x 10", "0.3000 x 10"},
    {"0.57 is 57 ticks, not 56", "linear", "200", "0", .56, .60, 0, 0, 100, "0.5700 x 10", "0.5900 x 10"},
    {"30 YES at alpha 0.01 make one half 0.20", "linear", "0", "0.01", .49, .51, 30, 0, 100, "0.2000 x 10", "0.2100 x 10"},
    {"short 30 mirrors it", "linear", "100", "0.01", .49, .51, 0, 30, 100, "0.7900 x 10", "0.8100 x 10"},
    {"pairs do not count", "linear", "100", "0.01", .49, .51, 130, 100, 100, "0.1900 x 10", "0.2100 x 10"},
    {"skewed to nothing: no bid at 0", "linear", "100", "0.01", .49, .51, 80, 0, 100, "", "0.0100 x 10"},
    {"skewed to one: no ask at 1", "linear", "100", "0.01", .49, .51, 0, 80, 100, "0.9900 x 10", ""},
    {"touching at the top: the bid steps down", "linear", "0", "0", .99, .99, 0, 0, 100, "0.9800 x 10", "0.9900 x 10"},
    {"log-odds skew never leaves the grid", "logit", "100", "0.1", .49, .51, 10, 0, 10, "0.2630 x 10", "0.2740 x 10"},
    {"empty book: one half", "linear", "200", "0", 0, 0, 0, 0, 100, "0.4900 x 10", "0.5100 x 10"},
    {"crossed book: one half", "linear", "200", "0", .60, .40, 0, 0, 100, "0.4900 x 10", "0.5100 x 10"},
  };
  fixture_t f;
  fix_open(&f, "linear");
  for (size_t i = 0; i < COUNT_OF(rows); i++) {
    fix_defaults(&f);
    memset(&f.mid, 0, sizeof f.mid);
    fix_set(&f, "skew", rows[i].skew);
    fix_set(&f, "spread_bps", rows[i].spread);
    fix_set(&f, "inventory_alpha", rows[i].alpha);
    fix_grid(&f, rows[i].tick);
    fix_book(&f, rows[i].bid, rows[i].ask, 100);
    fix_hold(&f, rows[i].yes, rows[i].no);
    const pmm_quotes_t *const q = fix_ask(&f);
    assert_quotes(q, rows[i].bids, rows[i].asks, rows[i].why);
    if (fix_fault(&f)) fail_msg("%s: %s", rows[i].why, fix_fault(&f));
  }
  fix_close(&f);
}

static void test_raw_and_fair(void **unused) {
  (void)unused;
  fixture_t f;
  fix_open(&f, "linear");
  fix_set(&f, "spread_bps", "250");
  fix_set(&f, "inventory_alpha", "0.01");
  fix_book(&f, .27, .28, 100);
  fix_hold(&f, 59, 0);
  const pmm_quotes_t *const q = fix_ask(&f);
  assert_true(q->fair == 0 && q->raw_bid == 0 && fabs(q->raw_ask - .0125) < 1e-15 && q->raw_spread == .025);
  fix_close(&f);
}

static void test_sizes(void **unused) {
  (void)unused;
  fixture_t f;
  fix_open(&f, "linear");
  f.market.lot_e6 = f.market.min_size_e6 = C(1);
  fix_set(&f, "size", "7.9");
  assert_quotes(fix_ask(&f), "0.4900 x 7", "0.5100 x 7", "floored to the lot");
  f.market.min_size_e6 = C(8);
  assert_quotes(fix_ask(&f), "", "", "below the venue's minimum");
  assert_non_null(f.out.why);
  fix_close(&f);
}

/* Two cent grids joined: 0.001 below 0.10 and above 0.90. */
static void test_tapered_grid(void **unused) {
  (void)unused;
  fixture_t f;
  fix_open(&f, "linear");
  fix_grid(&f, 10);
  assert_int_equal(pmm_grid_named(&f.market.grid, "tapered_deci_cent"), PMM_OK);
  fix_set(&f, "spread_bps", "30");
  f.view.mid = .0955;
  assert_quotes(fix_ask(&f), "0.0940 x 10", "0.0970 x 10", "fine steps at the edge");
  f.view.mid = .5;
  assert_quotes(fix_ask(&f), "0.4900 x 10", "0.5100 x 10", "whole cents in the middle");
  f.view.mid = .1;
  assert_quotes(fix_ask(&f), "0.0980 x 10", "0.1100 x 10", "one of each across the boundary");
  fix_close(&f);
}

int main(void) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(test_rows), cmocka_unit_test(test_raw_and_fair), cmocka_unit_test(test_sizes), cmocka_unit_test(test_tapered_grid)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
