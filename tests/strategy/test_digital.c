/* Strategy digital: the documents' worked numbers, thinning, the band, urgency, exits, pauses. */
#include "fixture.h"

/* A 5-minute market on a price at its strike, a fair value of one half, whole contracts. */
static void open_digital(fixture_t *f) {
  fix_open(f, "digital");
  f->market.lot_e6 = f->market.min_size_e6 = C(1);
  f->market.strike_e8 = INT64_C(95000) * 100000000;
  f->view.life_s = 300;
  f->view.time_left_s = 240;
  f->view.under = (pmm_under_view_t){.has = true, .price = 95000, .age_s = 0, .gap_bps = 0, .volatility = .5, .settle_mean = NAN};
  fix_grid(f, 10);
}

/* Puts the underlying z deviations from the strike. */
static void put_z(fixture_t *f, double z) {
  f->view.under.price = 95000 * exp(z * f->view.under.volatility * sqrt(f->view.time_left_s / PMM_YEAR_S));
}

static void test_ladder_and_skew(void **unused) {
  (void)unused;
  fixture_t f;
  open_digital(&f);
  assert_quotes(fix_ask(&f), "0.4800 x 100, 0.4700 x 100, 0.4600 x 100", "0.5200 x 100, 0.5300 x 100, 0.5400 x 100", "flat");
  fix_hold(&f, 500, 100); /* the documents' example: net 400 of 1000 at 0.02 */
  assert_quotes(fix_ask(&f), "0.4720 x 100, 0.4620 x 100, 0.4520 x 100", "0.5120 x 100, 0.5220 x 100, 0.5320 x 100", "500 YES, 100 NO");
  assert_true(fabs(f.out.raw_bid - .472) < 1e-12 && fabs(f.out.raw_ask - .512) < 1e-12 && f.out.raw_spread == .04);
  fix_hold(&f, 1000, 900);
  assert_int_equal(fix_ask(&f)->bid_cnt, 0); /* YES is full, NO is not */
  assert_int_equal(f.out.ask_cnt, 3);
  fix_hold(&f, 900, 1000);
  assert_int_equal(fix_ask(&f)->ask_cnt, 0);
  fix_hold(&f, 0, 0);
  fix_set(&f, "spread", "0.01"); /* never tighter than min_spread */
  assert_quotes(fix_ask(&f), "0.4900 x 100, 0.4800 x 100, 0.4700 x 100", "0.5100 x 100, 0.5200 x 100, 0.5300 x 100", "least spread");
  fix_close(&f);
}

static void test_clamp(void **unused) {
  (void)unused;
  fixture_t f;
  open_digital(&f);
  put_z(&f, 6);
  assert_quotes(fix_ask(&f), "0.9700 x 100, 0.9600 x 100, 0.9500 x 100", "0.9900 x 100", "levels joined at the clamp are one order");
  /* A large short position moves the bid to the clamp, too: the side that would add to it yields. */
  fix_set(&f, "spread", "0.02");
  fix_hold(&f, 0, 1000);
  const pmm_quotes_t *q = fix_ask(&f);
  assert_int_equal(q->ask_cnt, 0);
  assert_int_equal(q->bid[0].price_e4, 9900);
  fix_hold(&f, 1000, 0);
  put_z(&f, -6);
  q = fix_ask(&f);
  assert_int_equal(q->bid_cnt, 0);
  assert_int_equal(q->ask[0].price_e4, 100);
  fix_set(&f, "max_position", "2000");
  fix_set(&f, "skew_factor", "1");
  q = fix_ask(&f); /* the bid is allowed now and both stand at 0.01 */
  assert_int_equal(q->bid_cnt, 0);
  assert_int_equal(q->ask[0].price_e4, 100);
  put_z(&f, 6);
  fix_hold(&f, 0, 1000);
  q = fix_ask(&f);
  assert_int_equal(q->ask_cnt, 0);
  assert_int_equal(q->bid[0].price_e4, 9900);
  fix_close(&f);
}

static void test_thinning(void **unused) {
  (void)unused;
  static const struct { const char *why; double z, left_s; int64_t bid, ask; } rows[] = {
    {"early: nothing is thinned", 3, 200, 100, 100},
    {"half of life: weight 0", 3, 150, 100, 100},
    {"near the strike: nothing is thinned", .9, 60, 100, 100},
    {"far above with 30% left: half of the asks", 3, 90, 100, 50},
    {"far below with 30% left: half of the bids", -3, 90, 50, 100},
    {"half way out with 30% left", 1.75, 90, 100, 75},
    {"far above with 10% left: nobody bids for the losing contract", 3, 30.5, 100, 0},
    {"far below with 10% left", -3, 30.5, 0, 100},
  };
  fixture_t f;
  open_digital(&f);
  for (size_t i = 0; i < COUNT_OF(rows); i++) {
    f.view.time_left_s = rows[i].left_s;
    put_z(&f, rows[i].z);
    const pmm_quotes_t *const q = fix_ask(&f);
    int64_t const bid = q->bid_cnt ? q->bid[0].qty_e6 / PMM_ONE_E6 : 0, ask = q->ask_cnt ? q->ask[0].qty_e6 / PMM_ONE_E6 : 0;
    if (llabs(bid - rows[i].bid) > 1 || llabs(ask - rows[i].ask) > 1) fail_msg("%s: bid %lld, ask %lld", rows[i].why, (long long)bid, (long long)ask);
    if (fix_fault(&f)) fail_msg("%s: %s", rows[i].why, fix_fault(&f));
  }
  f.view.time_left_s = 30.0001; /* exactly 10% (the close threshold is 30 s itself): g = 0 and w = 1 */
  put_z(&f, 2.5);
  assert_int_equal(fix_ask(&f)->ask_cnt, 0);
  f.view.life_s = NAN; /* life unknown: all of it is left, nothing is thinned and the band is open */
  assert_int_equal(fix_ask(&f)->ask_cnt ? f.out.ask[0].qty_e6 : 0, C(100));
  fix_close(&f);
}

static void test_band_and_urgency(void **unused) {
  (void)unused;
  fixture_t f;
  open_digital(&f);
  fix_book(&f, .45, .55, 50);
  fix_hold(&f, 900, 0);
  f.view.time_left_s = 210; /* 70%: the band is whole */
  assert_int_equal(fix_ask(&f)->bid_cnt, 3);
  assert_true(fix_reason(&f.out, "band") == 1);
  f.view.time_left_s = 180; /* 60%: 846 allowed */
  assert_quotes(fix_ask(&f), "", "0.5020 x 53", "the excess alone; at 0.502 the ladder is better than the book's 0.55");
  fix_book(&f, .45, .49, 50); /* now the book's side is the better one for a taker: a fifth of the urgency to the inside */
  assert_quotes(fix_ask(&f), "", "0.4980 x 53", "two fifths of the way from 0.502 to 0.49");
  f.view.time_left_s = 134; /* under 45%: urgency above one half: one tick inside */
  assert_quotes(fix_ask(&f), "", "0.4890 x 289", "inside the book");
  fix_book(&f, .489, .49, 50);
  assert_quotes(fix_ask(&f), "", "0.4900 x 289", "no room inside: at the best");
  fix_book(&f, .45, 0, 50);
  assert_quotes(fix_ask(&f), "", "0.5020 x 289", "nobody on our side: the ladder's price");
  fix_hold(&f, 0, 900);
  fix_book(&f, .45, .55, 50);
  assert_quotes(fix_ask(&f), "0.4510 x 289", "", "short: a bid one tick inside");
  f.order[0] = (pmm_own_order_t){.open_e6 = C(289), .price_e4 = 4510, .side = PMM_BID};
  f.view.order_cnt = 1;
  fix_book(&f, .451, .55, 289); /* a live book counts our own order: it stays where it is */
  assert_quotes(fix_ask(&f), "0.4510 x 289", "", "not outbidding ourselves");
  fix_hold(&f, 0, 613);
  assert_int_equal(fix_ask(&f)->bid[0].qty_e6, C(2)); /* 2.7 above the 610.3 allowed */
  fix_hold(&f, 0, 610.5);
  assert_int_equal(fix_ask(&f)->bid[0].qty_e6, C(1)); /* less than a lot above: one lot */
  f.view.order_cnt = 0;
  fix_set(&f, "size", "50");
  fix_hold(&f, 0, 900);
  assert_int_equal(fix_ask(&f)->bid[0].qty_e6, C(150)); /* at most the ladder's size */
  fix_close(&f);
}

static void test_exit(void **unused) {
  (void)unused;
  static const struct { const char *why; double yes, no, bid, ask, left_s; bool exits; double qty; } rows[] = {
    {"cheap enough: fair 0.50 against 0.48", 500, 0, .48, .52, 45, true, 346},
    {"exactly three cents", 500, 0, .47, .53, 45, true, 346},
    {"too dear", 500, 0, .469, .53, 45, false, 0},
    {"short: buying at three cents above", 0, 500, .47, .53, 45, true, 346},
    {"short: too dear", 0, 500, .47, .531, 45, false, 0},
    {"not yet: a fifth of life itself", 500, 0, .48, .52, 60, false, 0},
    {"inside the band", 100, 0, .48, .52, 45, false, 0},
    {"nobody to take from", 500, 0, 0, .52, 45, false, 0}};
  fixture_t f;
  open_digital(&f);
  for (size_t i = 0; i < COUNT_OF(rows); i++) {
    fix_hold(&f, rows[i].yes, rows[i].no);
    fix_book(&f, rows[i].bid, rows[i].ask, 50);
    f.view.time_left_s = rows[i].left_s;
    const pmm_quotes_t *const q = fix_ask(&f);
    if ((q->action == PMM_QUOTE_EXIT) != rows[i].exits || q->exit_qty_e6 != C(rows[i].qty)) fail_msg("%s: %s %g", rows[i].why, pmm_quote_action_to_string(q->action), (double)q->exit_qty_e6 / 1e6);
    if (fix_fault(&f)) fail_msg("%s: %s", rows[i].why, fix_fault(&f));
    if (rows[i].exits) assert_true(q->exit_limit == .03);
  }
  f.market.lot_e6 = f.market.min_size_e6 = C(10); /* smaller than any order: nothing can be done */
  f.view.life_s = 3000;
  fix_hold(&f, 7, 0);
  assert_quotes(fix_ask(&f), "", "", "less than a lot");
  f.market.lot_e6 = f.market.min_size_e6 = C(1);
  f.view.time_left_s = 30.5; /* flat_fraction reached: nothing is allowed any more */
  f.view.life_s = 3000;
  fix_hold(&f, 7, 0);
  fix_book(&f, .48, .52, 50);
  assert_int_equal(fix_ask(&f)->exit_qty_e6, C(7));
  fix_close(&f);
}

static void test_pauses(void **unused) {
  (void)unused;
  fixture_t f;
  open_digital(&f);
  pmm_view_t const good = f.view;
  static const char *const why[] = {"too close to expiry", "feed stale", "price sources disagree", "no price of the underlying", "time left unknown",
                                    "volatility not ready", "volatility not ready", "price of the underlying unusable", "feed stale", "too close to expiry"};
  for (size_t i = 0; i < COUNT_OF(why); i++) {
    f.view = good;
    switch (i) {
    case 0: f.view.time_left_s = 30; break;
    case 1: f.view.under.age_s = 5.01; break;
    case 2: f.view.under.gap_bps = 20.1; break;
    case 3: f.view.under.has = false; break;
    case 4: f.view.time_left_s = NAN; break;
    case 5: f.view.under.volatility = NAN; break;
    case 6: f.view.under.volatility = 0; break;
    case 7: f.view.under.price = -1; break;
    case 8: f.view.under.age_s = NAN; break;
    default: f.view.time_left_s = -1; break;
    }
    const pmm_quotes_t *const q = fix_ask(&f);
    if (q->action != PMM_QUOTE_PAUSE || strcmp(q->why, why[i]) != 0) fail_msg("%zu: %s (%s)", i, pmm_quote_action_to_string(q->action), q->why ? q->why : "");
  }
  f.view = good;
  f.view.under.age_s = 5, f.view.under.gap_bps = 20; /* the limits themselves are bearable */
  assert_int_equal(fix_ask(&f)->action, PMM_QUOTE_QUOTE);
  f.market.strike_e8 = 0;
  assert_string_equal(fix_ask(&f)->why, "the market has no strike");
  fix_close(&f);
}

static void test_volatility_and_models(void **unused) {
  (void)unused;
  fixture_t f;
  open_digital(&f);
  f.view.under.price = 95050;
  double const fair = fix_ask(&f)->fair;
  fix_set(&f, "volatility", "1"); /* given by hand: the estimate is not asked */
  f.view.under.volatility = NAN;
  assert_true(fix_ask(&f)->fair < fair);
  f.signals.volatility = .5; /* forced: beats both */
  assert_true(fix_ask(&f)->fair == fair);
  fix_set(&f, "model", "exact");
  fix_set(&f, "drift", "5");
  double const exact = fix_ask(&f)->fair;
  assert_true(exact > fair);
  fix_set(&f, "model", "simple");
  assert_true(fix_ask(&f)->fair == fair);
  fix_set(&f, "drift_correction", "true");
  assert_true(fix_ask(&f)->fair == exact);
  fix_set(&f, "model", "average");
  assert_int_equal(f.ops->check(f.params, NULL), PMM_INVAL);
  fix_set(&f, "drift_correction", "false");
  assert_int_equal(f.ops->check(f.params, NULL), PMM_OK);
  f.market.settle_window_ns = 60 * SEC;
  assert_true(fix_ask(&f)->fair > fair); /* less variance is left in an average */
  f.view.time_left_s = 40;
  assert_string_equal(fix_ask(&f)->why, "settlement mean missing");
  f.view.under.settle_mean = 94000;
  assert_true(fix_ask(&f)->fair < .5); /* the third that is gone lies far below */
  fix_set(&f, "z0", "3");
  assert_int_equal(f.ops->check(f.params, NULL), PMM_INVAL);
  assert_int_equal(f.ops->refresh_ns(f.params), 100 * PMM_NS_PER_MS);
  fix_set(&f, "model", "exact");
  fix_set(&f, "z0", "1");
  f.signals.volatility = 1e200;
  assert_string_equal(fix_ask(&f)->why, "price of the underlying unusable");
  fix_close(&f);
}

static void test_settlement(void **unused) {
  (void)unused; /* 100 YES for $40 and 500 NO for $275 */
  pmm_position_t const p = {.yes_e6 = C(100), .no_e6 = C(500), .yes_cost_e6 = C(40), .no_cost_e6 = C(275)};
  assert_int_equal(pmm_position_settle(&p, PMM_ONE_E6), C(-215));
  assert_int_equal(pmm_position_settle(&p, 0), C(185));
  assert_int_equal(pmm_position_settle(&p, 500000), C(-15));
  fixture_t f;
  open_digital(&f);
  f.view.position = p;
  const pmm_quotes_t *const q = fix_ask(&f);
  assert_true(fix_reason(q, "profit_if_yes") == -215 && fix_reason(q, "profit_if_no") == 185);
  fix_close(&f);
}

static void test_score(void **unused) {
  (void)unused;
  fixture_t f;
  open_digital(&f);
  double const fresh = f.ops->score(f.params, &f.view);
  fix_hold(&f, 500, 0);
  double const exposed = f.ops->score(f.params, &f.view);
  fix_hold(&f, 0, 0);
  f.view.time_left_s = 61;
  double const late = f.ops->score(f.params, &f.view);
  assert_true(fresh > exposed && fresh > late);
  f.view.time_left_s = 59;
  assert_true(isnan(f.ops->score(f.params, &f.view)));
  f.view.time_left_s = NAN;
  assert_true(isnan(f.ops->score(f.params, &f.view)));
  f.view.time_left_s = 200;
  f.market.strike_e8 = 0;
  assert_true(isnan(f.ops->score(f.params, &f.view)));
  fix_close(&f);
}

int main(void) {
  const struct CMUnitTest tests[] = {
    cmocka_unit_test(test_ladder_and_skew), cmocka_unit_test(test_clamp), cmocka_unit_test(test_thinning), cmocka_unit_test(test_band_and_urgency),
    cmocka_unit_test(test_exit), cmocka_unit_test(test_pauses), cmocka_unit_test(test_volatility_and_models), cmocka_unit_test(test_settlement), cmocka_unit_test(test_score)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
