/* Strategy adaptive: the documents' worked numbers, which sides, when to requote, presets, selection. */
#include "fixture.h"

#define HOUR 3600.0
#define DAY 86400.0

static void situation(fixture_t *f, double liquidity, double left_s, double yes, double no) {
  f->signals.liquidity = liquidity;
  f->signals.volatility_high = 0;
  f->signals.volume_ratio = 1;
  f->view.time_left_s = left_s;
  fix_hold(f, yes, no);
  fix_restart(f);
}

static void test_spreads(void **unused) {
  (void)unused;
  static const struct { const char *why; double liquidity, left_s, yes; bool is_wild; double want; } rows[] = {
    {"worked: calm and liquid", 20000, 3 * DAY, 5, false, .04},
    {"worked: thin", 6000, 2 * DAY, 0, false, .06},
    {"worked: three hours left", 15000, 3 * HOUR, 0, false, .08},
    {"worked: 23.9 hours left with 25 held", 12000, 23.9 * HOUR, 25, false, .078},
    {"worked: two days left with 25 held", 15000, 48 * HOUR, 25, false, .052},
    {"exactly twice the minimum is liquid", 10000, 3 * DAY, 0, false, .04},
    {"volatile", 20000, 3 * DAY, 0, true, .06},
    {"exactly a day left is far", 20000, DAY, 0, false, .04},
    {"exactly six hours left is near, not soon", 20000, 6 * HOUR, 0, false, .06},
    {"everything at once meets the maximum", 100, HOUR, 25, true, .12},
    {"exactly on the threshold is neutral", 20000, 3 * DAY, 10, false, .04},
    {"time unknown widens nothing", 20000, NAN, 0, false, .04},
  };
  fixture_t f;
  fix_open(&f, "adaptive");
  fix_book(&f, .49, .51, 100);
  for (size_t i = 0; i < COUNT_OF(rows); i++) {
    situation(&f, rows[i].liquidity, rows[i].left_s, rows[i].yes, 0);
    f.signals.volatility_high = rows[i].is_wild;
    if (fabs(fix_ask(&f)->raw_spread - rows[i].want) > 1e-12) fail_msg("%s: %.6f", rows[i].why, f.out.raw_spread);
  }
  fix_close(&f);
}

static void test_worked_prices(void **unused) {
  (void)unused;
  fixture_t f;
  fix_open(&f, "adaptive");
  fix_book(&f, .49, .51, 100);
  situation(&f, 15000, 48 * HOUR, 25, 0);
  const pmm_quotes_t *const q = fix_ask(&f);
  assert_true(fabs(q->raw_bid - .454) < 1e-12 && fabs(q->raw_ask - .506) < 1e-12);
  assert_true(fabs((1 - q->raw_ask) - .494) < 1e-12); /* the NO price of the ask */
  assert_quotes(q, "", "0.5100 x 10", "25 is beyond the rebalance threshold: only the reducing side");
  situation(&f, 15000, 48 * HOUR, 15, 0);
  assert_quotes(fix_ask(&f), "0.4600 x 10", "0.5200 x 10", "one whole ten: both sides a cent lower");
  fix_close(&f);
}

static void test_sides_and_exits(void **unused) {
  (void)unused;
  static const struct { const char *why; double left_s, yes, no; pmm_quote_action_t action; int bid_cnt, ask_cnt; double exit; } rows[] = {
    {"flat", 3 * DAY, 0, 0, PMM_QUOTE_QUOTE, 1, 1, 0},
    {"rebalance threshold itself", 3 * DAY, 20, 0, PMM_QUOTE_QUOTE, 1, 1, 0},
    {"long beyond it", 3 * DAY, 21, 0, PMM_QUOTE_QUOTE, 0, 1, 0},
    {"short beyond it", 3 * DAY, 0, 21, PMM_QUOTE_QUOTE, 1, 0, 0},
    {"gross at the maximum, long", 3 * DAY, 55, 45, PMM_QUOTE_QUOTE, 0, 1, 0},
    {"gross at the maximum, short", 3 * DAY, 49, 51, PMM_QUOTE_QUOTE, 1, 0, 0},
    {"gross at the maximum, flat: nothing reduces", 3 * DAY, 50, 50, PMM_QUOTE_QUOTE, 0, 0, 0},
    {"max_inventory itself", 3 * DAY, 50, 0, PMM_QUOTE_QUOTE, 0, 1, 0},
    {"above it: out", 3 * DAY, 50.5, 0, PMM_QUOTE_EXIT, 0, 0, 50.5},
    {"short above it: out", 3 * DAY, 0, 60, PMM_QUOTE_EXIT, 0, 0, 60},
    {"last half hour with 6", 1700, 6, 0, PMM_QUOTE_EXIT, 0, 0, 6},
    {"last half hour with 5", 1700, 5, 0, PMM_QUOTE_QUOTE, 1, 1, 0},
    {"half an hour itself", 1800, 6, 0, PMM_QUOTE_QUOTE, 1, 1, 0},
  };
  fixture_t f;
  fix_open(&f, "adaptive");
  fix_book(&f, .49, .51, 100);
  for (size_t i = 0; i < COUNT_OF(rows); i++) {
    situation(&f, 20000, rows[i].left_s, rows[i].yes, rows[i].no);
    const pmm_quotes_t *const q = fix_ask(&f);
    if (q->action != rows[i].action || q->bid_cnt != rows[i].bid_cnt || q->ask_cnt != rows[i].ask_cnt || q->exit_qty_e6 != C(rows[i].exit))
      fail_msg("%s: %s, %d bids, %d asks, exit %g", rows[i].why, pmm_quote_action_to_string(q->action), q->bid_cnt, q->ask_cnt, (double)q->exit_qty_e6 / 1e6);
    if (fix_fault(&f)) fail_msg("%s: %s", rows[i].why, fix_fault(&f));
  }
  f.market.lot_e6 = f.market.min_size_e6 = C(100); /* a position smaller than any order cannot be left */
  situation(&f, 20000, 3 * DAY, 60, 0);
  assert_int_equal(fix_ask(&f)->action, PMM_QUOTE_QUOTE);
  assert_int_equal(f.out.bid_cnt + f.out.ask_cnt, 0);
  fix_close(&f);
}

static void test_clamps(void **unused) {
  (void)unused;
  fixture_t f;
  fix_open(&f, "adaptive");
  situation(&f, 100, HOUR, 0, 0); /* spread 0.12 */
  f.view.mid = .98;
  assert_quotes(fix_ask(&f), "0.9200 x 10", "0.9900 x 10", "the ask stops at 0.99");
  fix_set(&f, "quote_size", "3");
  f.view.mid = .02;
  assert_quotes(fix_ask(&f), "0.0100 x 3", "0.0800 x 3", "the bid stops at 0.01");
  /* So large a shift that both ends meet at the clamp: midpoint -/+ a cent. */
  fix_set(&f, "skew_price_adjustment_per_10", "0.5");
  fix_set(&f, "rebalance_threshold", "100");
  fix_set(&f, "max_inventory", "100");
  situation(&f, 20000, 3 * DAY, 40, 0);
  f.view.mid = .5;
  assert_quotes(fix_ask(&f), "", "0.0200 x 3", "a bid at 0 is no order");
  situation(&f, 20000, 3 * DAY, 0, 40);
  assert_quotes(fix_ask(&f), "0.9800 x 3", "", "an ask at 1 is no order");
  f.market.min_size_e6 = C(5);
  fix_restart(&f);
  assert_int_equal(fix_ask(&f)->bid_cnt, 0);
  fix_close(&f);
}

static void test_requote(void **unused) {
  (void)unused;
  fixture_t f;
  fix_open(&f, "adaptive");
  fix_book(&f, .49, .51, 100);
  situation(&f, 20000, 3 * DAY, 0, 0);
  assert_int_equal(fix_ask(&f)->action, PMM_QUOTE_QUOTE);
  static const struct { const char *why; double after_s, mid, yes; uint32_t wake; double volume; pmm_quote_action_t want; } rows[] = {
    {"at once again: nothing to do", 0, .5, 0, PMM_WAKE_BOOK, 1, PMM_QUOTE_KEEP},
    {"a small move", 5, .519, 0, PMM_WAKE_BOOK, 1, PMM_QUOTE_KEEP},
    {"a move of exactly two cents", 0, .52, 0, PMM_WAKE_BOOK, 1, PMM_QUOTE_QUOTE},
    {"kept from the new fair value", 0, .505, 0, PMM_WAKE_BOOK, 1, PMM_QUOTE_KEEP},
    {"a fill", 0, .505, 10, PMM_WAKE_FILL, 1, PMM_QUOTE_QUOTE},
    {"a position that changed without a wake", 0, .505, 11, PMM_WAKE_TIMER, 1, PMM_QUOTE_QUOTE},
    {"almost old", 29.9, .505, 11, PMM_WAKE_TIMER, 1, PMM_QUOTE_KEEP},
    {"old", .2, .505, 11, PMM_WAKE_TIMER, 1, PMM_QUOTE_QUOTE},
    {"its life changed", 0, .505, 11, PMM_WAKE_LIFE, 1, PMM_QUOTE_QUOTE},
    {"exactly three times the volume is bearable", 0, .505, 11, PMM_WAKE_TRADE, 3, PMM_QUOTE_KEEP},
    {"more is a spike", 0, .505, 11, PMM_WAKE_TRADE, 3.1, PMM_QUOTE_PAUSE},
    {"it lasts", 0, .505, 11, PMM_WAKE_BOOK, 3.1, PMM_QUOTE_PAUSE},
    {"over: quotes come back at once", 0, .505, 11, PMM_WAKE_BOOK, 1, PMM_QUOTE_QUOTE},
    {"too much held: out, however fresh the quotes", 0, .505, 51, PMM_WAKE_BOOK, 1, PMM_QUOTE_EXIT},
    {"and back", 0, .505, 0, PMM_WAKE_BOOK, 1, PMM_QUOTE_QUOTE},
  };
  for (size_t i = 0; i < COUNT_OF(rows); i++) {
    f.view.now_ns += (int64_t)(rows[i].after_s * 1e9);
    f.view.mid = rows[i].mid;
    f.view.wake = rows[i].wake;
    f.signals.volume_ratio = rows[i].volume;
    fix_hold(&f, rows[i].yes, 0);
    if (fix_ask(&f)->action != rows[i].want) fail_msg("%s: %s", rows[i].why, pmm_quote_action_to_string(f.out.action));
  }
  assert_int_equal(f.ops->refresh_ns(f.params), SEC);
  fix_close(&f);
}

/* Its own estimates: liquidity from the book, volume from the flow, volatility from the mid's moves. */
static void test_estimates(void **unused) {
  (void)unused;
  fixture_t f;
  fix_open(&f, "adaptive");
  fix_book(&f, .49, .51, 100); /* 49 dollars a side */
  assert_true(fabs(fix_reason(fix_ask(&f), "liquidity") - 98) < 1e-9);
  f.signals.liquidity = 20000;
  pmm_rng_t rng;
  pmm_rng_seed(&rng, 3);
  for (int i = 0; i < 3000; i++) { /* an hour and more of calm */
    f.view.now_ns += 2 * SEC;
    fix_book(&f, .49 + .01 * (double)pmm_rng_below(&rng, 2), .51, 100);
    fix_event(&f, PMM_MD_LEVEL, PMM_BID);
  }
  f.view.now_ns += 60 * SEC;
  assert_true(fix_reason(fix_ask(&f), "volatility_high") == 0);
  for (int i = 0; i < 60; i++) {
    f.view.now_ns += 2 * SEC;
    fix_book(&f, .49 - .05 * (double)pmm_rng_below(&rng, 6), .51, 100);
    fix_event(&f, PMM_MD_LEVEL, PMM_BID);
  }
  fix_refresh_mid(&f);
  f.view.wake = PMM_WAKE_LIFE;
  assert_true(fix_reason(fix_ask(&f), "volatility_high") == 1);
  fix_book(&f, 0, 0, 0); /* no mid: the last one stays in force and means decay in silence */
  f.view.now_ns += 7200 * SEC;
  fix_event(&f, PMM_MD_CLEAR, PMM_BID);
  assert_true(fix_reason(fix_ask(&f), "volatility_high") == 0);
  fix_close(&f);
}

static void test_volume_from_flow(void **unused) {
  (void)unused;
  fixture_t f;
  fix_open(&f, "adaptive");
  fix_book(&f, .49, .51, 100);
  pmm_flow_start(&f.flow, START - 1800 * SEC);
  for (int i = 1; i <= 30; i++) pmm_flow_trade(&f.flow, START - 1800 * SEC + i * 55 * SEC, PMM_BID, 5000, C(1), 0);
  pmm_flow_advance(&f.flow, START);
  assert_int_equal(fix_ask(&f)->action, PMM_QUOTE_QUOTE);
  pmm_flow_trade(&f.flow, START, PMM_BID, 5000, C(100), 0);
  assert_int_equal(fix_ask(&f)->action, PMM_QUOTE_PAUSE);
  fix_close(&f);
}

static void test_presets_and_checks(void **unused) {
  (void)unused;
  static const struct { const char *preset, *name, *want; } rows[] = {
    {"conservative", "min_spread", "0.03"}, {"conservative", "base_spread", "0.06"}, {"conservative", "max_spread", "0.15"},
    {"conservative", "max_inventory", "30"}, {"conservative", "inventory_skew_threshold", "8"}, {"conservative", "rebalance_threshold", "15"},
    {"conservative", "quote_size", "5"}, {"conservative", "max_position_size", "50"}, {"conservative", "max_markets", "5"},
    {"conservative", "min_liquidity", "10000"}, {"conservative", "max_time_to_resolution_h", "72"},
    {"aggressive", "min_spread", "0.015"}, {"aggressive", "base_spread", "0.03"}, {"aggressive", "max_spread", "0.08"},
    {"aggressive", "max_inventory", "75"}, {"aggressive", "inventory_skew_threshold", "15"}, {"aggressive", "rebalance_threshold", "30"},
    {"aggressive", "quote_size", "20"}, {"aggressive", "max_position_size", "150"}, {"aggressive", "max_markets", "15"},
    {"aggressive", "min_liquidity", "3000"}, {"aggressive", "max_time_to_resolution_h", "168"},
    {"high_frequency", "min_spread", "0.01"}, {"high_frequency", "base_spread", "0.02"}, {"high_frequency", "max_quote_age_s", "5s"},
    {"high_frequency", "price_change_requote", "0.01"}, {"high_frequency", "quote_size", "3"}, {"high_frequency", "max_markets", "25"},
    {"high_frequency", "max_inventory", "20"}, {"high_frequency", "inventory_skew_threshold", "5"}, {"high_frequency", "max_spread", "0.12"}};
  fixture_t f;
  fix_open(&f, "adaptive");
  for (size_t i = 0; i < COUNT_OF(rows); i++) {
    fix_defaults(&f);
    assert_int_equal(pmm_preset_apply(f.ops->presets, f.ops->preset_cnt, rows[i].preset, f.ops->params, f.ops->param_cnt, f.params, NULL), PMM_OK);
    char text[PMM_PARAM_TEXT_MAX];
    pmm_param_print(pmm_param_find(f.ops->params, f.ops->param_cnt, rows[i].name), f.params, text);
    assert_string_equal(text, rows[i].want);
    assert_int_equal(f.ops->check(f.params, NULL), PMM_OK);
  }
  assert_int_equal(f.ops->market_max(f.params), 25);
  static const char *const bad[][2] = {{"min_spread", "0.5"}, {"min_time_to_resolution_h", "500"}, {"volatility_fast", "1h"}};
  for (size_t i = 0; i < COUNT_OF(bad); i++) {
    fix_defaults(&f);
    fix_set(&f, bad[i][0], bad[i][1]);
    pmm_error_t err;
    assert_int_equal(f.ops->check(f.params, &err), PMM_INVAL);
    assert_true(strncmp(err.text, bad[i][0], strlen(bad[i][0])) == 0);
  }
  fix_close(&f);
}

static void test_selection(void **unused) {
  (void)unused;
  static const struct { const char *why; double liquidity, left_s, bid, ask; int life, outcome; bool want; } rows[] = {
    {"good", 6000, DAY, .48, .52, PMM_LIFE_OPEN, PMM_OUTCOME_UNKNOWN, true},
    {"spread exactly the least", 6000, DAY, .49, .51, PMM_LIFE_OPEN, PMM_OUTCOME_UNKNOWN, true},
    {"too narrow", 6000, DAY, .49, .50, PMM_LIFE_OPEN, PMM_OUTCOME_UNKNOWN, false},
    {"one side", 6000, DAY, .49, 0, PMM_LIFE_OPEN, PMM_OUTCOME_UNKNOWN, false},
    {"illiquid", 4999, DAY, .48, .52, PMM_LIFE_OPEN, PMM_OUTCOME_UNKNOWN, false},
    {"too soon", 6000, 1700, .48, .52, PMM_LIFE_OPEN, PMM_OUTCOME_UNKNOWN, false},
    {"too far", 6000, 8 * DAY, .48, .52, PMM_LIFE_OPEN, PMM_OUTCOME_UNKNOWN, false},
    {"time unknown", 6000, NAN, .48, .52, PMM_LIFE_OPEN, PMM_OUTCOME_UNKNOWN, false},
    {"closed", 6000, DAY, .48, .52, PMM_LIFE_CLOSED, PMM_OUTCOME_UNKNOWN, false},
    {"resolved", 6000, DAY, .48, .52, PMM_LIFE_OPEN, PMM_OUTCOME_YES, false}};
  fixture_t f;
  fix_open(&f, "adaptive");
  for (size_t i = 0; i < COUNT_OF(rows); i++) {
    situation(&f, rows[i].liquidity, rows[i].left_s, 0, 0);
    fix_book(&f, rows[i].bid, rows[i].ask, 100);
    f.market.life = (uint8_t)rows[i].life;
    f.market.outcome = (uint8_t)rows[i].outcome;
    double const score = f.ops->score(f.params, &f.view);
    if (isnan(score) == rows[i].want || (rows[i].want && score != rows[i].liquidity)) fail_msg("%s: %g", rows[i].why, score);
  }
  fix_close(&f);
}

int main(void) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(test_spreads), cmocka_unit_test(test_worked_prices), cmocka_unit_test(test_sides_and_exits),
                                     cmocka_unit_test(test_clamps), cmocka_unit_test(test_requote), cmocka_unit_test(test_estimates),
                                     cmocka_unit_test(test_volume_from_flow), cmocka_unit_test(test_presets_and_checks), cmocka_unit_test(test_selection)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
