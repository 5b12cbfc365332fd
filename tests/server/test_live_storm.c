/* Everything that can go wrong at once, for an hour of simulated time: lost requests, lost answers, errors before and after the deed, rate limits, restarts,
   doubled, reordered and lost messages, cut and silent sockets, trades that fail. And still: the ledger is the exchange's to the micro-dollar, no id was used
   twice, nothing rests at the end. PMM_TEST_SEEDS: how many seeds (2 by default), PMM_TEST_HOUR: seconds of simulated time (600 by default). */
#include "server/sea.h"

static sea_t sea;

#define STORM \
  "strategy: linear\nparams: {spread_bps: 200, inventory_alpha: 0.001, size: 10}\nengine: {min_requote: 500ms}\n" \
  "risk: {max_order_rate: 0, max_daily_loss: 100000, max_trades_per_day: 0, max_heat: 1}\n" \
  "traders: {noise: 6, noise_rate: 0.7, informed: 2, momentum: 1, reference: 2}\nscenario: {volatility: 0.4, step: 250ms}\n" \
  "faults: {delay: 5ms, delay_jitter: 40ms, drop_request: 0.01, drop_answer: 0.01, error_5xx: 0.01, error_5xx_after: 0.01, rate_limited: 0.02, restart_425: 0.005, " \
  "duplicate: 0.01, reorder: 0.01, lose: 0.005, disconnect_rate: 0.01, mute_rate: 0.003, mute: 12s, slow_rate: 0.005, slow: 2s}\n" \
  "live: {shutdown: 60s}\n"
#define AT(dialect, more) "serve: [{dialect: " dialect more "}]\nlistings: [{id: RAIN, event: RAIN-EV, duration: 6h}]\n" \
  "venues: [{venue: " dialect ", rest: \"http://" dialect ".test\", ws: \"ws://" dialect ".test\", markets: RAIN, request_timeout: 2s, stale: 10s}]\n"

static void calm(void) { /* the weather clears: what is under way can come to its end */
  pmm_faults_params_t none;
  memset(&none, 0, sizeof none);
  none.seed = 1;
  pmm_exchange_faults(sea.exchange, 0, &none);
}

static void storm(const char *dialect, const char *yaml) {
  uint64_t const seeds = check_env_u64("PMM_TEST_SEEDS", 2), hour = check_env_u64("PMM_TEST_HOUR", 600), first = check_env_u64("PMM_TEST_FIRST", 100);
  const char *const only = getenv("PMM_TEST_DIALECT");
  if (only && strcmp(only, dialect) != 0) skip();
  for (uint64_t i = 0; i < seeds; i++) {
    char seed[32], fault_seed[48], title[64];
    snprintf(seed, sizeof seed, "seed=%" PRIu64, first + i);
    snprintf(fault_seed, sizeof fault_seed, "faults.seed=%" PRIu64, 400 + first + i);
    snprintf(title, sizeof title, "%s, seed %" PRIu64, dialect, first + i);
    const char *const set[] = {seed, fault_seed};
    sea_open(&sea, yaml, set, 2);
    sea_start(&sea, PMM_LIVE_TRADE, 1, NULL);
    for (uint64_t t = 0; t < hour; t += 10) {
      sea_run(&sea, 10);
      if (pmm_live_error(sea.live)) fail_msg("%s: %s", title, pmm_live_error(sea.live)->text);
      if (sea.killed) fail_msg("%s: killed after %" PRIu64 " s: %s", title, t, sea.last_alert);
    }
    calm();
    sea_run(&sea, 120); /* reconciliation has the last word */
    if (sea.killed) fail_msg("%s: killed in the calm: %s", title, sea.last_alert);
    sea_stop(&sea);
    sea_run(&sea, 60);
    pmm_live_status_t st;
    pmm_live_status(sea.live, &st);
    printf("%-24s %6" PRIu64 " orders %5" PRIu64 " fills %4" PRIu64 " reports %3" PRIu64 " alerts %5" PRIu64 " notices\n", title, sea_orders(&sea, 0), st.venue[0].fills, st.venue[0].reports,
           sea.alerts, sea.notices);
    sea_agrees(&sea, 0, title);
    sea_ids_are_unique(&sea, 0);
    assert_int_equal(st.venue[0].orders_left, 0);
    assert_int_equal(st.venue[0].differences, 0);
    assert_int_equal(pmm_ledger_deposits(pmm_engine_ledger(pmm_live_engine(sea.live))), INT64_C(1000000000000));
    assert_true(st.venue[0].fills > 0);
    sea_close(&sea);
  }
}

static void test_degen(void **state) { (void)state; storm("degen", STORM AT("degen", "")); }
static void test_kalshi(void **state) { (void)state; storm("kalshi", STORM AT("kalshi", ", lag: 400ms")); }
static void test_polymarket(void **state) { (void)state; storm("polymarket", STORM AT("polymarket", ", fail_share: 0.02, ghost_share: 0.01, lag: 400ms")); }

int main(void) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(test_degen), cmocka_unit_test(test_kalshi), cmocka_unit_test(test_polymarket)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
