/* The limits of a day over several runs in it, each of which ends as a crash does: nothing is cancelled, nothing is said. What the runs lost together is what
   the account at the exchange lost, to the cent, whatever they took over at whatever cost. */
#include "server/sea.h"

static sea_t sea;

#define LIMIT_E6 INT64_C(30000000)
#define BETWEEN_E6 PMM_ONE_E6 /* fills while nobody ran count from the last value, not from their price: two orders of 20 */
#define START_E6 INT64_C(1000000000000)
/* Quotes far too tight among traders who know better: it loses, fast. */
#define COMMON "seed: 4\nstrategy: linear\nparams: {spread_bps: 20, size: 20, inventory_alpha: 0.0001}\nengine: {min_requote: 100ms}\n" \
  "risk: {max_order_rate: 0, max_daily_loss: 30, max_heat: 1, loss_streak: 0}\nlive: {state: /nonexistent}\n" \
  "traders: {noise: 2, noise_rate: 0.5, informed: 6, momentum: 2, reference: 2}\nscenario: {volatility: 2, step: 250ms}\n"
#define AT(dialect) "serve: [{dialect: " dialect ", rate_limit: false}]\nlistings: [{id: RAIN, event: RAIN-EV, duration: 24h}]\n" \
  "venues: [{venue: " dialect ", rest: \"http://" dialect ".test\", ws: \"ws://" dialect ".test\", markets: RAIN}]\n"
static const struct { const char *name, *yaml; } dialects[] = {{"degen", COMMON AT("degen")}, {"kalshi", COMMON AT("kalshi")}, {"polymarket", COMMON AT("polymarket")}};

static pmm_risk_day_t day_now(void) {
  pmm_live_kept_t kept;
  pmm_live_kept(sea.live, &kept);
  return kept.day;
}

/* Runs until the day has lost so much, or it is killed. */
static void lose(const char *what, int64_t loss_e6) {
  for (int i = 0; i < 20000 && !sea.killed && day_now().result_e6 > -loss_e6; i++) {
    sea_run(&sea, 1);
    if (pmm_live_error(sea.live)) fail_msg("%s: %s", what, pmm_live_error(sea.live)->text);
  }
  if (!sea.killed && day_now().result_e6 > -loss_e6) fail_msg("%s: lost only %" PRId64, what, -day_now().result_e6);
}

static void crash(void) {
  sea_keep(&sea);
  pmm_live_close(sea.live);
  sea.live = NULL;
  sea_run(&sea, 3); /* the venue goes on: orders of before rest, and fill */
}

static void begin(const char *what, uint64_t run_id, const pmm_live_kept_t *before) {
  sea_start_after(&sea, PMM_LIVE_TRADE, run_id, NULL, before);
  for (int i = 0; i < 300 && pmm_live_phase(sea.live) < PMM_LIVE_RUNNING; i++) sea_run(&sea, 0.1);
  if (pmm_live_phase(sea.live) != PMM_LIVE_RUNNING) fail_msg("%s: run %" PRIu64 " does not take over", what, run_id);
}

/* What the account lost since the exchange opened it, as the engine marks what is left; the runs' day must say the same. */
static void agrees(const char *what, int64_t tolerance_e6) {
  int64_t const lost = START_E6 - pmm_engine_equity(pmm_live_engine(sea.live)), said = -day_now().result_e6;
  if (pmm_abs64(lost - said) > tolerance_e6) fail_msg("%s: the account lost %" PRId64 ", the day says %" PRId64, what, lost, said);
}

static void test_two_runs_lose_together(void **state) {
  (void)state;
  for (size_t d = 0; d < COUNT_OF(dialects); d++) {
    const char *const what = dialects[d].name;
    sea_open(&sea, dialects[d].yaml, NULL, 0);
    begin(what, 1, NULL);
    lose(what, LIMIT_E6 * 6 / 10);
    assert_false(sea.killed);
    agrees(what, 10);
    pmm_risk_day_t const first = day_now();
    crash();
    assert_true(first.trades > 0 && sea.kept.day.trades == first.trades && sea.kept.day.result_e6 == first.result_e6);
    begin(what, 2, &sea.kept);
    assert_false(sea.killed);
    sea_run(&sea, 3); /* its book is there */
    agrees(what, BETWEEN_E6);
    lose(what, LIMIT_E6 * 2);
    assert_true(sea.killed);
    pmm_risk_day_t const both = day_now();
    printf("%-12s first run %+.2f, both %+.2f, %" PRId64 " + %" PRId64 " fills\n", what, (double)first.result_e6 / 1e6, (double)both.result_e6 / 1e6, first.trades, both.trades - first.trades);
    assert_true(both.result_e6 <= -LIMIT_E6 && first.result_e6 - both.result_e6 < LIMIT_E6); /* neither alone */
    assert_true(both.trades >= first.trades); /* a holding may lose it alone */
    sea_stop(&sea);
    sea_close(&sea);
  }
}

/* Crash after crash, with a holding that fell: its fall counts once. */
static void test_many_runs_count_once(void **state) {
  (void)state;
  const char *const set[] = {"risk.max_daily_loss=100000"};
  sea_open(&sea, dialects[0].yaml, set, 1);
  const pmm_live_kept_t *before = NULL;
  for (uint64_t run = 1; run <= 6; run++) {
    begin("many", run, before);
    sea_run(&sea, 120);
    agrees("many", ((int64_t)run - 1) * BETWEEN_E6 + 10);
    if (run < 6) crash();
    before = &sea.kept;
  }
  sea_stop(&sea);
  sea_close(&sea);
}

static void test_limits_at_the_start(void **state) {
  (void)state;
  static const struct { const char *why; int64_t days_ago, result_e6, trades; bool killed; } rows[] = {
    {"all of it was lost today", 0, -LIMIT_E6, 0, true},
    {"nearly all of it", 0, -LIMIT_E6 + PMM_ONE_E6 * 10, 0, false},
    {"all of it was lost yesterday", 1, -LIMIT_E6, 0, false},
  };
  for (size_t i = 0; i < COUNT_OF(rows); i++) {
    pmm_live_kept_t before = {.day = {.day = SEA_START_NS / PMM_NS_PER_S / 86400 - rows[i].days_ago, .result_e6 = rows[i].result_e6}};
    for (size_t k = 0; k < PMM_VENUES_MAX; k++) before.fills_until_ns[k] = PMM_TIME_NONE;
    sea_open(&sea, dialects[0].yaml, NULL, 0);
    begin(rows[i].why, 1, &before);
    sea_run(&sea, 2);
    if (sea.killed != rows[i].killed) fail_msg("%s: killed %d", rows[i].why, sea.killed);
    assert_int_equal(sea_orders(&sea, 0) == 0, rows[i].killed);
    if (rows[i].days_ago) assert_true(pmm_abs64(day_now().result_e6) < PMM_ONE_E6 * 10);
    sea_stop(&sea);
    sea_close(&sea);
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(test_two_runs_lose_together), cmocka_unit_test(test_many_runs_count_once), cmocka_unit_test(test_limits_at_the_start)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
