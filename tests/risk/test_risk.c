/* Every check at and just past its limit; days, alerts, kill switch, streak; the rate budget against a slow model. */
#include <math.h>
#include "base/check.h"
#include "pmm/risk.h"

#define S PMM_NS_PER_S
#define DAY (86400 * S)

static pmm_risk_params_t default_params(void) {
  pmm_risk_params_t p = {0};
  pmm_params_default(pmm_risk_param_table, pmm_risk_param_cnt, &p);
  return p;
}

/* -- one order, one check -- */
static pmm_risk_params_t tight(void) {
  pmm_risk_params_t p = default_params();
  p.price_band = 0.10;
  p.max_order_size_e6 = 100000000;
  p.max_net_e6 = 200000000;
  p.max_gross_e6 = 300000000;
  p.max_open_notional_side_e6 = 50000000;
  p.min_spread = 0.02;
  p.max_heat = 0.25;
  p.max_daily_loss_e6 = 20000000;
  p.max_trades_per_day = 3;
  return p;
}

static pmm_risk_order_t harmless(void) {
  return (pmm_risk_order_t){.now_ns = DAY, .side = PMM_BID, .price_e4 = 5000, .qty_e6 = 10000000, .cost_e6 = 5000000, .fair = 0.50,
    .equity_e6 = 1000000000, .free_cash_e6 = 900000000};
}

#define ORDER(qty, cost, equity, cash) .now_ns = DAY, .qty_e6 = qty, .cost_e6 = cost, .equity_e6 = equity, .free_cash_e6 = cash
#define BASE ORDER(10000000, 5000000, 1000000000, 900000000)
static const struct { const char *why; pmm_risk_reason_t want; pmm_risk_order_t o; } ROWS[] = {
  {"a plain bid", PMM_RISK_NONE, {BASE, .price_e4 = 5000, .fair = 0.50}},
  {"a bid on the band", PMM_RISK_NONE, {BASE, .price_e4 = 6000, .fair = 0.50}},
  {"a bid past the band", PMM_RISK_PRICE_BAND, {BASE, .price_e4 = 6001, .fair = 0.50}},
  {"a bid far on the right side of fair", PMM_RISK_NONE, {BASE, .price_e4 = 100, .fair = 0.50}},
  {"an ask on the band", PMM_RISK_NONE, {BASE, .side = PMM_ASK, .price_e4 = 4000, .fair = 0.50}},
  {"an ask past the band", PMM_RISK_PRICE_BAND, {BASE, .side = PMM_ASK, .price_e4 = 3999, .fair = 0.50}},
  {"no fair value, no band", PMM_RISK_NONE, {BASE, .price_e4 = 9900, .fair = NAN}},
  {"the band binds reducing orders too", PMM_RISK_PRICE_BAND, {BASE, .price_e4 = 6001, .fair = 0.50, .reduces = true}},
  {"largest order", PMM_RISK_NONE, {ORDER(100000000, 5000000, 1000000000, 900000000), .price_e4 = 5000, .fair = 0.5}},
  {"larger than that", PMM_RISK_ORDER_SIZE, {ORDER(100000001, 5000000, 1000000000, 900000000), .price_e4 = 5000, .fair = 0.5}},
  {"net at its limit with open bids", PMM_RISK_NONE, {BASE, .price_e4 = 5000, .fair = 0.5, .yes_e6 = 150000000, .open_bid_e6 = 40000000}},
  {"net past it", PMM_RISK_NET, {BASE, .price_e4 = 5000, .fair = 0.5, .yes_e6 = 150000000, .open_bid_e6 = 40000001}},
  {"open asks do not excuse a bid", PMM_RISK_NET, {BASE, .price_e4 = 5000, .fair = 0.5, .yes_e6 = 195000000, .open_ask_e6 = 90000000}},
  {"net short at its limit", PMM_RISK_NONE, {BASE, .side = PMM_ASK, .price_e4 = 5000, .fair = 0.5, .no_e6 = 150000000, .open_ask_e6 = 40000000}},
  {"net short past it", PMM_RISK_NET, {BASE, .side = PMM_ASK, .price_e4 = 5000, .fair = 0.5, .no_e6 = 150000001, .open_ask_e6 = 40000000}},
  {"reducing passes net", PMM_RISK_NONE, {BASE, .price_e4 = 5000, .fair = 0.5, .no_e6 = 900000000, .yes_e6 = 900000000, .reduces = true}},
  {"gross at its limit", PMM_RISK_NONE, {BASE, .price_e4 = 5000, .fair = 0.5, .yes_e6 = 140000000, .no_e6 = 140000000, .open_buy_e6 = 10000000}},
  {"gross past it", PMM_RISK_GROSS, {BASE, .price_e4 = 5000, .fair = 0.5, .yes_e6 = 140000000, .no_e6 = 140000001, .open_buy_e6 = 10000000}},
  {"a sale cannot raise the gross", PMM_RISK_NONE, {ORDER(10000000, 0, 1000000000, 900000000), .price_e4 = 5000, .fair = 0.5, .yes_e6 = 900000000, .no_e6 = 900000000}},
  {"reducing passes gross", PMM_RISK_NONE, {BASE, .price_e4 = 5000, .fair = 0.5, .yes_e6 = 200000000, .no_e6 = 300000000, .reduces = true}},
  {"side notional at its limit", PMM_RISK_NONE, {BASE, .price_e4 = 5000, .fair = 0.5, .open_notional_side_e6 = 45000000}},
  {"side notional past it", PMM_RISK_SIDE_NOTIONAL, {BASE, .price_e4 = 5000, .fair = 0.5, .open_notional_side_e6 = 45000001}},
  {"reducing passes side notional", PMM_RISK_NONE, {BASE, .price_e4 = 5000, .fair = 0.5, .open_notional_side_e6 = 45000001, .reduces = true}},
  {"own spread at its floor", PMM_RISK_NONE, {BASE, .price_e4 = 5000, .fair = 0.5, .own_best_ask_e4 = 5200}},
  {"own spread under it", PMM_RISK_SPREAD, {BASE, .price_e4 = 5000, .fair = 0.5, .own_best_ask_e4 = 5199}},
  {"own spread under it, ask", PMM_RISK_SPREAD, {BASE, .side = PMM_ASK, .price_e4 = 5000, .fair = 0.5, .own_best_bid_e4 = 4801}},
  {"bid on own ask", PMM_RISK_SELF_CROSS, {BASE, .price_e4 = 5000, .fair = 0.5, .own_best_ask_e4 = 5000}},
  {"ask under own bid", PMM_RISK_SELF_CROSS, {BASE, .side = PMM_ASK, .price_e4 = 5000, .fair = 0.5, .own_best_bid_e4 = 5100}},
  {"heat at its limit", PMM_RISK_NONE, {BASE, .price_e4 = 5000, .fair = 0.5, .at_risk_e6 = 245000000}},
  {"heat past it", PMM_RISK_HEAT, {BASE, .price_e4 = 5000, .fair = 0.5, .at_risk_e6 = 245000001}},
  {"a sale adds no heat", PMM_RISK_NONE, {ORDER(10000000, 0, 1000000000, 900000000), .price_e4 = 5000, .fair = 0.5, .at_risk_e6 = 999000000}},
  {"reducing passes heat", PMM_RISK_NONE, {BASE, .price_e4 = 5000, .fair = 0.5, .at_risk_e6 = 999000000, .reduces = true}},
  {"the day's loss under its limit", PMM_RISK_NONE, {ORDER(10000000, 5000000, 980000001, 900000000), .price_e4 = 5000, .fair = 0.5}},
  {"the day's loss at its limit", PMM_RISK_DAILY_LOSS, {ORDER(10000000, 5000000, 980000000, 900000000), .price_e4 = 5000, .fair = 0.5}},
  {"and reducing does not pass it", PMM_RISK_DAILY_LOSS, {ORDER(10000000, 5000000, 980000000, 900000000), .price_e4 = 5000, .fair = 0.5, .reduces = true}},
  {"all the cash", PMM_RISK_NONE, {ORDER(10000000, 5000000, 1000000000, 5000000), .price_e4 = 5000, .fair = 0.5}},
  {"more than the cash", PMM_RISK_CASH, {ORDER(10000000, 5000000, 1000000000, 4999999), .price_e4 = 5000, .fair = 0.5}},
  {"a sale needs no cash", PMM_RISK_NONE, {ORDER(10000000, 0, 1000000000, -10), .cash_floor_e6 = 100, .price_e4 = 5000, .fair = 0.5}},
  {"down to the floor", PMM_RISK_NONE, {BASE, .cash_floor_e6 = 895000000, .price_e4 = 5000, .fair = 0.5}},
  {"under the floor", PMM_RISK_CASH_FLOOR, {BASE, .cash_floor_e6 = 895000001, .price_e4 = 5000, .fair = 0.5}},
  {"reducing passes the floor", PMM_RISK_NONE, {BASE, .cash_floor_e6 = 895000001, .price_e4 = 5000, .fair = 0.5, .reduces = true}},
};

static void test_each_check(void **state) {
  (void)state;
  bool seen[PMM_RISK_CNT] = {0};
  for (size_t i = 0; i < COUNT_OF(ROWS); i++) {
    pmm_risk_t r;
    pmm_risk_params_t const p = tight();
    pmm_risk_init(&r, &p);
    pmm_risk_on_equity(&r, DAY, 1000000000);
    pmm_risk_reason_t const got = pmm_risk_check(&r, &ROWS[i].o);
    if (got != ROWS[i].want) fail_msg("%s: %s", ROWS[i].why, pmm_risk_reason_to_string(got));
    for (int k = 1; k < PMM_RISK_CNT; k++) assert_int_equal(r.refused[k], k == (int)got);
    seen[got] = true;
  }
  static const pmm_risk_reason_t elsewhere[] = {PMM_RISK_KILLED, PMM_RISK_TRADES, PMM_RISK_RATE, PMM_RISK_FAIR, PMM_RISK_CAPACITY};
  for (size_t i = 0; i < COUNT_OF(elsewhere); i++) seen[elsewhere[i]] = true;
  for (int k = 0; k < PMM_RISK_CNT; k++)
    if (!seen[k]) fail_msg("no row refuses for: %s", pmm_risk_reason_to_string((pmm_risk_reason_t)k));
}

static void test_trades_per_day(void **state) {
  (void)state;
  pmm_risk_t r;
  pmm_risk_params_t const p = tight();
  pmm_risk_init(&r, &p);
  pmm_risk_order_t o = harmless();
  for (int i = 0; i < 3; i++) {
    assert_int_equal(pmm_risk_check(&r, &o), PMM_RISK_NONE);
    pmm_risk_on_fill(&r, o.now_ns, 0);
  }
  assert_int_equal(pmm_risk_check(&r, &o), PMM_RISK_TRADES);
  o.now_ns += DAY;
  assert_int_equal(pmm_risk_check(&r, &o), PMM_RISK_NONE);
}

/* -- kill switch -- */
static void test_kill_switch_survives_a_restart(void **state) {
  (void)state;
  pmm_risk_t r, restored;
  pmm_risk_params_t const p = default_params();
  pmm_risk_init(&r, &p);
  pmm_risk_kill(&r);
  memcpy(&restored, &r, sizeof r);
  pmm_risk_order_t o = harmless();
  o.reduces = true;
  o.cost_e6 = 0;
  assert_int_equal(pmm_risk_check(&restored, &o), PMM_RISK_KILLED);
  assert_true(pmm_risk_allow_cancel(&restored, o.now_ns));
  pmm_risk_on_equity(&restored, o.now_ns, 1);
  pmm_risk_on_equity(&restored, o.now_ns + 2 * DAY, 1); /* a new day does not lift it */
  o.now_ns += 2 * DAY;
  assert_int_equal(pmm_risk_check(&restored, &o), PMM_RISK_KILLED);
  assert_int_equal(restored.alerts, PMM_ALERT_KILLED);
  pmm_risk_reset(&restored);
  assert_int_equal(pmm_risk_check(&restored, &o), PMM_RISK_NONE);
}

/* -- the day's loss -- */
static void test_daily_loss(void **state) {
  (void)state;
  static const struct { const char *why; int64_t at, equity; uint32_t want; bool killed; } rows[] = {
    {"the day opens", DAY + 1, 1000000000, 0, false},
    {"a gain", DAY + 2, 1100000000, 0, false},
    {"just under half", DAY + 3, 750000001, 0, false},
    {"half", DAY + 4, 750000000, PMM_ALERT_LOSS_50, false},
    {"said once", DAY + 5, 700000000, 0, false},
    {"eighty percent", DAY + 6, 600000000, PMM_ALERT_LOSS_80, false},
    {"up again", DAY + 7, 990000000, 0, false},
    {"all of it", DAY + 8, 500000000, PMM_ALERT_LOSS_100 | PMM_ALERT_KILLED, true},
    {"and more", DAY + 9, 400000000, 0, true},
    {"next day", 2 * DAY, 400000000, 0, true},
  };
  pmm_risk_t r;
  pmm_risk_params_t const p = default_params();
  assert_int_equal(p.max_daily_loss_e6, 500000000);
  pmm_risk_init(&r, &p);
  for (size_t i = 0; i < COUNT_OF(rows); i++) {
    uint32_t const got = pmm_risk_on_equity(&r, rows[i].at, rows[i].equity);
    if (got != rows[i].want || r.killed != rows[i].killed) fail_msg("%s: alerts %u", rows[i].why, got);
  }
}

static void test_daily_loss_all_at_once(void **state) {
  (void)state;
  pmm_risk_t r;
  pmm_risk_params_t const p = default_params();
  pmm_risk_init(&r, &p);
  pmm_risk_on_equity(&r, 0, 1000000000);
  assert_int_equal(pmm_risk_on_equity(&r, 1, 1), PMM_ALERT_LOSS_50 | PMM_ALERT_LOSS_80 | PMM_ALERT_LOSS_100 | PMM_ALERT_KILLED);
  pmm_risk_reset(&r); /* a person decided to go on: today's loss counts from here */
  assert_int_equal(pmm_risk_on_equity(&r, 2, 1), 0);
  assert_false(r.killed);
}

static void test_deposits_are_no_gain(void **state) {
  (void)state;
  pmm_risk_t r;
  pmm_risk_params_t const p = default_params();
  pmm_risk_init(&r, &p);
  pmm_risk_on_deposit(&r, 1000000000); /* before the day opened: part of its start */
  pmm_risk_on_equity(&r, 0, 1000000000);
  pmm_risk_on_deposit(&r, -600000000);
  assert_int_equal(pmm_risk_on_equity(&r, 1, 400000000), 0);
  pmm_risk_on_deposit(&r, 600000000);
  assert_int_equal(pmm_risk_on_equity(&r, 2, 750000000), PMM_ALERT_LOSS_50);
}

static void test_no_limit_no_alert(void **state) {
  (void)state;
  pmm_risk_t r;
  pmm_risk_params_t p = default_params();
  p.max_daily_loss_e6 = 0;
  pmm_risk_init(&r, &p);
  pmm_risk_on_equity(&r, -5 * DAY - 1, 1000000000); /* before 1970 midnight is still midnight */
  assert_int_equal(r.day, -6);
  assert_int_equal(pmm_risk_on_equity(&r, -5 * DAY - 1, -1000000000), 0);
  pmm_risk_order_t o = harmless();
  o.equity_e6 = -5;
  o.now_ns = -5 * DAY - 1;
  assert_int_equal(pmm_risk_check(&r, &o), PMM_RISK_HEAT); /* nothing left to risk */
}

static void test_clock_going_back(void **state) {
  (void)state;
  pmm_risk_t r;
  pmm_risk_params_t const p = tight();
  pmm_risk_init(&r, &p);
  pmm_risk_on_fill(&r, 5 * DAY, -1);
  pmm_risk_on_fill(&r, 4 * DAY, -1);
  assert_int_equal(r.trades_today, 2);
  assert_int_equal(r.day, 5);
}

/* -- a day over several runs -- */
/* The second run begins at another equity: that of a deposit in between, or of fewer markets. Only the result goes over. */
static void test_two_runs_make_one_loss(void **state) {
  (void)state;
  static const struct { const char *why; int64_t first, at, second; uint32_t want; bool refused; } rows[] = {
    {"both together half", -100000000, 2 * DAY - 1, -150000000, PMM_ALERT_LOSS_50, false},
    {"both together nearly all", -300000000, DAY + 5, -199999999, PMM_ALERT_LOSS_50 | PMM_ALERT_LOSS_80, false},
    {"both together all", -300000000, DAY + 5, -200000000, PMM_ALERT_LOSS_50 | PMM_ALERT_LOSS_80 | PMM_ALERT_LOSS_100 | PMM_ALERT_KILLED, true},
    {"the first alone", -500000000, DAY + 5, 0, PMM_ALERT_LOSS_50 | PMM_ALERT_LOSS_80 | PMM_ALERT_LOSS_100 | PMM_ALERT_KILLED, true},
    {"a gain first", 200000000, DAY + 5, -499999999, PMM_ALERT_LOSS_50, false},
    {"the next day", -499000000, 2 * DAY, -249999999, 0, false},
    {"the next day alone", -499000000, 2 * DAY, -250000000, PMM_ALERT_LOSS_50, false},
    {"a clock that was ahead before", -500000000, DAY - 5, 0, PMM_ALERT_LOSS_50 | PMM_ALERT_LOSS_80 | PMM_ALERT_LOSS_100 | PMM_ALERT_KILLED, true},
  };
  pmm_risk_params_t const p = default_params();
  for (size_t i = 0; i < COUNT_OF(rows); i++) {
    pmm_risk_t a, b;
    pmm_risk_day_t day;
    pmm_risk_init(&a, &p);
    pmm_risk_init(&b, &p);
    pmm_risk_on_equity(&a, DAY + 1, 1000000000);
    pmm_risk_day(&a, 1000000000 + rows[i].first, &day);
    assert_int_equal(day.day, 1);
    assert_int_equal(day.result_e6, rows[i].first);
    pmm_risk_resume(&b, rows[i].at, &day);
    uint32_t got = pmm_risk_on_equity(&b, rows[i].at, 0);
    pmm_risk_on_deposit(&b, 7000000000);
    got |= pmm_risk_on_equity(&b, rows[i].at, 7000000000 + rows[i].second);
    if (got != rows[i].want || b.killed != rows[i].refused) fail_msg("%s: alerts %u", rows[i].why, got);
    pmm_risk_day(&b, 7000000000 + rows[i].second, &day); /* and so on: a third run gets what both made */
    int64_t const both = rows[i].second + (rows[i].at < 2 * DAY ? rows[i].first : 0);
    if (day.result_e6 != both) fail_msg("%s: %lld goes over", rows[i].why, (long long)day.result_e6);
    pmm_risk_reset(&b);
    assert_int_equal(pmm_risk_on_equity(&b, rows[i].at + 1, 7000000000 + rows[i].second), 0);
  }
}

/* Before any equity is known the loss of earlier runs already refuses orders. */
static void test_resumed_before_its_first_equity(void **state) {
  (void)state;
  pmm_risk_t r;
  pmm_risk_params_t const p = tight();
  pmm_risk_order_t const o = harmless();
  pmm_risk_init(&r, &p);
  pmm_risk_resume(&r, o.now_ns, &(pmm_risk_day_t){.day = 1, .result_e6 = -20000000});
  assert_int_equal(pmm_risk_check(&r, &o), PMM_RISK_DAILY_LOSS);
  pmm_risk_order_t const later = {.now_ns = 2 * DAY, .price_e4 = 5000, .qty_e6 = 10000000, .cost_e6 = 5000000, .fair = 0.5, .equity_e6 = 1000000000, .free_cash_e6 = 900000000};
  assert_int_equal(pmm_risk_check(&r, &later), PMM_RISK_NONE); /* running into the next day */
}

static void test_fills_and_streak_go_over(void **state) {
  (void)state;
  pmm_risk_t a, b;
  pmm_risk_day_t day;
  pmm_risk_params_t const p = tight();
  pmm_risk_init(&a, &p);
  pmm_risk_day(&a, 0, &day);
  assert_int_equal(day.day, 0); /* nothing happened */
  pmm_risk_on_fill(&a, DAY, -1);
  pmm_risk_on_fill(&a, DAY, -1);
  pmm_risk_day(&a, 0, &day);
  pmm_risk_init(&b, &p);
  pmm_risk_resume(&b, DAY, &day);
  pmm_risk_order_t o = harmless();
  assert_int_equal(pmm_risk_check(&b, &o), PMM_RISK_NONE);
  pmm_risk_on_fill(&b, DAY, -1); /* the third of three */
  assert_int_equal(pmm_risk_check(&b, &o), PMM_RISK_TRADES);
  assert_true(pmm_risk_size_factor(&b) == p.loss_streak_cut);
  pmm_risk_init(&b, &p);
  pmm_risk_resume(&b, 2 * DAY, &day);
  o.now_ns = 2 * DAY;
  for (int i = 0; i < 2; i++) pmm_risk_on_fill(&b, 2 * DAY, -1);
  assert_int_equal(pmm_risk_check(&b, &o), PMM_RISK_NONE); /* two fills today */
  assert_true(pmm_risk_size_factor(&b) == p.loss_streak_cut); /* four losing closes in a row */
}

/* -- losing streak -- */
static void test_streak(void **state) {
  (void)state;
  static const struct { int64_t realized; double want; } rows[] = {
    {-1, 1}, {0, 1}, {-1, 1}, {-1, 0.5}, {0, 0.5}, {-5, 0.5}, {1, 1}, {-1, 1}, {-1, 1}, {-1, 0.5},
  };
  pmm_risk_t r;
  pmm_risk_params_t p = default_params();
  pmm_risk_init(&r, &p);
  for (size_t i = 0; i < COUNT_OF(rows); i++) {
    pmm_risk_on_fill(&r, (int64_t)i * DAY, rows[i].realized); /* days do not break a streak */
    assert_true(pmm_risk_size_factor(&r) == rows[i].want);
  }
  r.params.loss_streak = 0;
  assert_true(pmm_risk_size_factor(&r) == 1);
}

/* -- rate budget -- */
static void test_rate(void **state) {
  (void)state;
  pmm_risk_t r;
  pmm_risk_params_t p = default_params();
  pmm_risk_init(&r, &p);
  assert_true(isinf(pmm_risk_rate_left(&r, 0)));
  p.max_order_rate = 10;
  p.max_order_burst = 5;
  p.cancel_reserve = 2;
  pmm_risk_init(&r, &p);
  pmm_risk_order_t o = harmless();
  for (int i = 0; i < 3; i++) assert_int_equal(pmm_risk_check(&r, &o), PMM_RISK_NONE);
  assert_int_equal(pmm_risk_check(&r, &o), PMM_RISK_RATE); /* two are kept for cancels */
  assert_true(pmm_risk_rate_left(&r, o.now_ns) == 2);
  assert_true(pmm_risk_allow_cancel(&r, o.now_ns));
  assert_true(pmm_risk_allow_cancel(&r, o.now_ns));
  assert_false(pmm_risk_allow_cancel(&r, o.now_ns));
  assert_false(pmm_risk_allow_cancel(&r, o.now_ns - S)); /* a clock set back gives nothing */
  assert_true(pmm_risk_allow_cancel(&r, o.now_ns + S / 10));
  o.now_ns += S / 10 + S / 5;
  assert_int_equal(pmm_risk_check(&r, &o), PMM_RISK_RATE);
  o.now_ns += S / 10;
  assert_int_equal(pmm_risk_check(&r, &o), PMM_RISK_NONE);
  assert_true(pmm_risk_rate_left(&r, o.now_ns + 1000 * S) == 5);
}

/* The slow model keeps the time of every action taken: over no window may there be more than burst + rate * length. */
#define RATE 50
#define BURST 20
static uint64_t rate_property(uint64_t seed, uint64_t ops, bool broken) {
  enum { KEPT = 64 };
  int64_t taken[KEPT] = {0};
  uint64_t taken_cnt = 0;
  pmm_rng_t rng;
  pmm_rng_seed(&rng, seed);
  pmm_risk_t r;
  pmm_risk_params_t p = default_params();
  p.max_order_rate = RATE;
  p.max_order_burst = BURST;
  pmm_risk_init(&r, &p);
  int64_t now = DAY;
  for (uint64_t i = 0; i < ops; i++) {
    now += pmm_rng_below(&rng, 3) ? (int64_t)pmm_rng_below(&rng, S / 40) : pmm_rng_below(&rng, 100) ? 0 : S;
    double const left = pmm_risk_rate_left(&r, now);
    bool const yes = pmm_risk_allow_cancel(&r, now) || broken; /* the canary takes what it was not given */
    if (!broken && yes != (left >= 1)) return i;
    if (!yes) continue;
    taken[taken_cnt++ % KEPT] = now;
    for (uint64_t k = 1; k < KEPT && k <= taken_cnt; k++) {
      double const window_s = (double)(now - taken[(taken_cnt - k) % KEPT]) * 1e-9;
      if ((double)k > BURST + RATE * window_s + 1e-6) return i;
    }
  }
  return NO_MISMATCH;
}

static void test_rate_random(void **state) {
  (void)state;
  check_random("rate budget", rate_property, 200000);
}

static void test_rate_canary(void **state) {
  (void)state;
  check_canary("rate budget", rate_property, 2000);
}

/* -- parameters -- */
static void test_parameters(void **state) {
  (void)state;
  pmm_risk_params_t p = default_params();
  assert_true(p.max_heat == 0.25);
  assert_int_equal(p.loss_streak, 3);
  assert_true(p.loss_streak_cut == 0.5);
  pmm_error_t err;
  static const char *const bad[][2] = {{"max_heat", "1.5"}, {"max_daily_loss", "-1"}, {"loss_streak_cut", "0"}, {"max_order_size", "x"}};
  for (size_t i = 0; i < COUNT_OF(bad); i++)
    assert_int_not_equal(pmm_param_set(pmm_param_find(pmm_risk_param_table, pmm_risk_param_cnt, bad[i][0]), &p, bad[i][1], &err), PMM_OK);
  for (size_t i = 0; i < pmm_risk_param_cnt; i++) assert_true(strlen(pmm_risk_param_table[i].help) > 10);
}

static void test_names(void **state) {
  (void)state;
  assert_string_equal(pmm_risk_reason_to_string(PMM_RISK_HEAT), "portfolio heat");
  assert_string_equal(pmm_risk_reason_to_string(PMM_RISK_CNT), "unknown reason");
}

int main(void) {
  const struct CMUnitTest tests[] = {
    cmocka_unit_test(test_each_check), cmocka_unit_test(test_trades_per_day), cmocka_unit_test(test_kill_switch_survives_a_restart),
    cmocka_unit_test(test_daily_loss), cmocka_unit_test(test_daily_loss_all_at_once), cmocka_unit_test(test_deposits_are_no_gain),
    cmocka_unit_test(test_no_limit_no_alert), cmocka_unit_test(test_clock_going_back), cmocka_unit_test(test_two_runs_make_one_loss), cmocka_unit_test(test_resumed_before_its_first_equity), cmocka_unit_test(test_fills_and_streak_go_over), cmocka_unit_test(test_streak), cmocka_unit_test(test_rate),
    cmocka_unit_test(test_rate_random), cmocka_unit_test(test_rate_canary), cmocka_unit_test(test_parameters), cmocka_unit_test(test_names),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
