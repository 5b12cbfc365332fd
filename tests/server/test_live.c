/* Live runs against every dialect in a simulated network: every strategy, thousands of orders, and then the ledger is the exchange's to the micro-dollar,
   no id was used twice and nothing rests. PMM_TEST_ORDERS: how many orders each run must reach (150 by default). */
#include "server/sea.h"

static sea_t sea;

#define COMMON "seed: 7\nengine: {min_requote: 100ms}\nrisk: {max_order_rate: 0, max_daily_loss: 100000, max_trades_per_day: 0, max_heat: 1, max_gross: 10000000}\nlive: {state: /nonexistent}\n" \
  "traders: {noise: 6, noise_rate: 0.7, informed: 2, momentum: 1, reference: 2}\nscenario: {volatility: 0.4, step: 250ms}\n"
#define AT(dialect) "serve: [{dialect: " dialect ", rate_limit: false}]\nlistings: [{id: RAIN, event: RAIN-EV, duration: 24h}]\n" \
  "venues: [{venue: " dialect ", rest: \"http://" dialect ".test\", ws: \"ws://" dialect ".test\", markets: \"%s\"}]\n"

static const struct { const char *name, *yaml, *market; } dialects[] = {
  {"degen", COMMON AT("degen"), "RAIN"}, {"kalshi", COMMON AT("kalshi"), "RAIN"}, {"polymarket", COMMON AT("polymarket"), "RAIN"}};

static uint64_t wanted(void) { return check_env_u64("PMM_TEST_ORDERS", 150); }

static void trade(const char *dialect, const char *yaml, const char *what, bool fills, const char *const *set, size_t set_cnt) {
  char title[96];
  snprintf(title, sizeof title, "%s on %s", what, dialect);
  sea_open(&sea, yaml, set, set_cnt);
  sea_start(&sea, PMM_LIVE_TRADE, 1, NULL);
  double waited = 0;
  uint32_t looks = 0, same = 0;
  while (sea_orders(&sea, 0) < wanted() && waited < 80000) {
    bool with_own;
    sea_run(&sea, 5);
    waited += 5;
    if (pmm_live_engine(sea.live) && pmm_live_phase(sea.live) == PMM_LIVE_RUNNING) {
      bool const agrees = sea_sees_the_others(&sea, 0, &with_own);
      looks += with_own;
      same += with_own && agrees;
    }
    if (pmm_live_error(sea.live)) fail_msg("%s: %s", title, pmm_live_error(sea.live)->text);
    if (sea.killed) fail_msg("%s: killed: %s", title, sea.last_alert);
  }
  uint64_t const orders = sea_orders(&sea, 0);
  if (orders < wanted()) fail_msg("%s: only %" PRIu64 " orders in %g s", title, orders, waited);
  if (looks > 0 && same * 2 < looks) fail_msg("%s: the book without our orders was the others' in %u of %u looks", title, same, looks);
  sea_stop(&sea);
  sea_run(&sea, 30); /* settlements on their way */
  pmm_live_status_t st;
  pmm_live_status(sea.live, &st);
  printf("%-24s %6" PRIu64 " orders %6" PRIu64 " fills %4" PRIu64 " reports %3" PRIu64 " alerts in %.0f s, books %u/%u\n", title, orders, st.venue[0].fills, st.venue[0].reports, sea.alerts, waited, same, looks);
  sea_agrees(&sea, 0, title);
  sea_ids_are_unique(&sea, 0);
  assert_int_equal(st.venue[0].orders_left, 0);
  assert_int_equal(st.venue[0].differences, 0);
  assert_int_equal(pmm_ledger_deposits(pmm_engine_ledger(pmm_live_engine(sea.live))), INT64_C(1000000000000)); /* nothing was booked as cash that came in */
  assert_true(!fills || st.venue[0].fills > 0);
  sea_close(&sea);
}

/* fills: this strategy is close enough to the market to be hit. */
static void every_dialect(const char *strategy, bool fills, const char *const *more, size_t more_cnt) {
  const char *const only = getenv("PMM_TEST_DIALECT"); /* for looking at one */
  for (size_t d = 0; d < COUNT_OF(dialects); d++) {
    if (only && strcmp(only, dialects[d].name) != 0) continue;
    char name[64], yaml[4096];
    snprintf(name, sizeof name, "strategy=%s", strategy);
    snprintf(yaml, sizeof yaml, dialects[d].yaml, dialects[d].market);
    const char *set[16] = {name};
    for (size_t i = 0; i < more_cnt; i++) set[1 + i] = more[i];
    trade(dialects[d].name, yaml, strategy, fills, set, 1 + more_cnt);
  }
}

static void test_linear(void **state) {
  (void)state;
  const char *const set[] = {"params.spread_bps=200", "params.inventory_alpha=0.001", "params.size=10"};
  every_dialect("linear", true, set, 3);
}
/* Markets of Polymarket's third exchange: other tokens, orders signed for it; the venue's version stays 2. */
static void test_third_exchange(void **state) {
  (void)state;
  const char *const set[] = {"strategy=linear", "params.spread_bps=200", "params.inventory_alpha=0.001", "params.size=10", "listings.0.exchange_v3=true"};
  char yaml[4096];
  snprintf(yaml, sizeof yaml, dialects[2].yaml, dialects[2].market);
  trade("polymarket", yaml, "linear, third exchange", true, set, COUNT_OF(set));
}
static void test_adaptive(void **state) {
  (void)state;
  every_dialect("adaptive", false, NULL, 0);
}
static void test_logit(void **state) {
  (void)state;
  every_dialect("logit", false, NULL, 0);
}
static void test_curve(void **state) {
  (void)state;
  const char *const set[] = {"params.liquidity=150", "params.margin=0.01", "params.levels=6"};
  every_dialect("curve", true, set, 3);
}

/* -- digital: priced from two feeds, on a market of each venue whose name or terms say how it settles -- */
#define FEEDS "  - {dialect: binance}\n  - {dialect: coinbase}\n  - {dialect: rtds}\n"
#define FEEDS_READ "feeds:\n  - {source: binance, symbol: btcusdt, url: \"ws://binance.test\"}\n  - {source: coinbase, symbol: BTC-USD, url: \"ws://coinbase.test\"}\n" \
  "  - {source: rtds, symbol: btc/usd, settlement: true, url: \"ws://rtds.test\"}\nmerge: {max_dev_bps: 200}\n"
#define PRICED(dialect, id, more) COMMON "serve:\n  - {dialect: " dialect ", rate_limit: false}\n" FEEDS "listings: [{id: " id ", event: BTC-EV, asset: BTC, strike: 95000" more "}]\n" \
  "venues: [{venue: " dialect ", rest: \"http://" dialect ".test\", ws: \"ws://" dialect ".test\", markets: " id "}]\n" FEEDS_READ
static void test_digital(void **state) {
  (void)state;
  const struct { const char *name, *yaml; } rows[] = {
    {"degen", PRICED("degen", "BTC-95K", ", duration: 24h")},
    {"kalshi", PRICED("kalshi", "KXBTCD-26JAN0113-T95000", ", duration: 24h")}, /* ends at 13:00 in New York */
    {"polymarket", wanted() < 5000 ? PRICED("polymarket", "btc-updown-15m-1767268800", ", duration: 15m")
                                   : PRICED("polymarket", "btc-updown-4h-1767272400", ", duration: 5h")}}; /* it begins after an hour */
  const char *const only = getenv("PMM_TEST_DIALECT"), *const set[] = {"strategy=digital", "params.feed_stale_s=5", "engine.vol_dt=250ms"};
  for (size_t i = 0; i < COUNT_OF(rows); i++)
    if (!only || strcmp(only, rows[i].name) == 0) trade(rows[i].name, rows[i].yaml, "digital", true, set, COUNT_OF(set));
}

/* -- arbitrage: one question on two venues, a wallet each -- */
#define SIDE(dialect) "  - {venue: " dialect ", rest: \"http://" dialect ".test\", ws: \"ws://" dialect ".test\", markets: RAIN, groups: \"RAIN=question\"}\n"
#define PAIR(a, b) COMMON "account: {net_pairs: auto}\nserve: [{dialect: " a ", rate_limit: false}, {dialect: " b ", rate_limit: false}]\n" \
  "listings: [{id: RAIN, event: RAIN-EV, duration: 24h, fees: none}]\nvenues:\n" SIDE(a) SIDE(b)
static void pair(const char *title, const char *yaml) {
  const char *const set[] = {"strategy=arbitrage", "params.min_edge=0.002", "params.min_liquidity=10", "params.size=10", "params.max_position=100000",
                             "traders.informed=0", "traders.reference=1", "traders.noise_rate=2", "scenario.volatility=1"}; /* prices that come apart */
  uint64_t const least = check_env_u64("PMM_TEST_ORDERS", 40);
  sea_open(&sea, yaml, set, COUNT_OF(set));
  sea_start(&sea, PMM_LIVE_TRADE, 1, NULL);
  double waited = 0;
  for (; sea_orders(&sea, 0) + sea_orders(&sea, 1) < least && waited < 21000; waited += 10) {
    sea_run(&sea, 10);
    if (pmm_live_error(sea.live)) fail_msg("%s: %s", title, pmm_live_error(sea.live)->text);
    if (sea.killed) fail_msg("%s: killed: %s", title, sea.last_alert);
  }
  uint64_t const orders = sea_orders(&sea, 0) + sea_orders(&sea, 1);
  if (orders < least && orders < 40) fail_msg("%s: only %" PRIu64 " orders in %g s", title, orders, waited);
  sea_stop(&sea);
  sea_run(&sea, 30);
  printf("%-36s %6" PRIu64 " orders in %.0f s\n", title, orders, waited);
  for (uint32_t v = 0; v < 2; v++) {
    sea_agrees(&sea, v, title);
    sea_ids_are_unique(&sea, v);
  }
  sea_close(&sea);
}
static void test_arbitrage(void **state) {
  (void)state;
  pair("arbitrage on degen and kalshi", PAIR("degen", "kalshi"));
  pair("arbitrage on kalshi and polymarket", PAIR("kalshi", "polymarket"));
  pair("arbitrage on polymarket and degen", PAIR("polymarket", "degen"));
}

/* A venue that lets few requests through: orders wait their turn in the adapter and are taken back before they ever left. Such orders are in nobody's book,
   so nothing that the strategy sees changes when they go, and the two never answer each other without end. */
static void test_rate_limits(void **state) {
  (void)state;
  static const char *const yaml = COMMON
      "serve: [{dialect: kalshi, rate_limit: true}, {dialect: polymarket, rate_limit: true}, {dialect: degen, rate_limit: true}]\n"
      "listings: [{id: RAIN, event: RAIN-EV, duration: 24h}]\nvenues:\n" SIDE("kalshi") SIDE("polymarket") SIDE("degen");
  const char *const set[] = {"strategy=linear", "engine.min_requote=0ms", "traders.noise_rate=20", "scenario.volatility=2", "params.size=10",
                             "params.spread_bps=200", "faults.rate_limited=0.2"};
  sea_open(&sea, yaml, set, COUNT_OF(set));
  sea_start(&sea, PMM_LIVE_TRADE, 1, NULL);
  sea_run(&sea, 300);
  pmm_live_status_t st;
  pmm_live_status(sea.live, &st);
  assert_int_equal(st.phase, PMM_LIVE_RUNNING);
  assert_int_equal(st.put_off, 0);
  for (uint32_t v = 0; v < 3; v++) assert_true(sea_orders(&sea, v) > 100);
  sea_stop(&sea);
  sea_run(&sea, 30);
  for (uint32_t v = 0; v < 3; v++) sea_agrees(&sea, v, "limited");
  sea_close(&sea);
}

/* A market ends, pays, and the account is still the ledger; the run goes on with nothing left to quote. */
static void test_resolution(void **state) {
  (void)state;
  const char *const set[] = {"strategy=linear", "params.spread_bps=200", "listings.0.duration=90s"};
  for (size_t d = 0; d < COUNT_OF(dialects); d++) {
    char yaml[4096];
    snprintf(yaml, sizeof yaml, dialects[d].yaml, dialects[d].market);
    sea_open(&sea, yaml, set, COUNT_OF(set));
    sea_start(&sea, PMM_LIVE_TRADE, 1, NULL);
    for (int i = 0; i < 30; i++) {
      sea_run(&sea, 10);
      if (pmm_live_error(sea.live) || sea.killed) fail_msg("%s: %s", dialects[d].name, sea.last_alert);
    }
    assert_int_equal(pmm_engine_market(pmm_live_engine(sea.live), 0)->life, PMM_LIFE_RESOLVED);
    pmm_position_t pos;
    pmm_ledger_position(pmm_engine_ledger(pmm_live_engine(sea.live)), 0, &pos);
    assert_true(pos.yes_e6 == 0 && pos.no_e6 == 0);
    sea_stop(&sea);
    sea_run(&sea, 10);
    pmm_live_status_t st;
    pmm_live_status(sea.live, &st);
    printf("%-24s %4" PRIu64 " fills, paid out\n", dialects[d].name, st.venue[0].fills);
    assert_true(st.venue[0].fills > 0);
    sea_agrees(&sea, 0, dialects[d].name);
    sea_close(&sea);
  }
}

/* -- what a strategy learned goes over to the next run -- */
typedef struct learned { pmm_live_learned_t k; char market[PMM_ID_MAX], text[PMM_LIVE_LEARNED_MAX]; size_t cnt; } learned_t;
static void on_learned(void *ctx, const pmm_live_learned_t *k) {
  learned_t *const out = ctx;
  out->cnt++;
  out->k = *k;
  snprintf(out->market, sizeof out->market, "%s", k->market);
  memcpy(out->text, k->text, k->len);
  out->text[k->len] = '\0';
  out->k.market = out->market;
  out->k.text = out->text;
  out->k.strategy = "logit";
}

/* The numbers, without the time at which they were saved. */
static const char *numbers(const learned_t *l) {
  const char *const at = strstr(l->text, "pmm-logit 1 ");
  return at ? strchr(at + 12, ' ') : "";
}

static void test_learned(void **state) {
  (void)state;
  static learned_t first, next;
  char yaml[4096], other[4096];
  snprintf(yaml, sizeof yaml, dialects[0].yaml, "RAIN");
  const char *const set[] = {"strategy=logit", "params.warmup=false", "params.dt_sample=0.5"};
  sea_open(&sea, yaml, set, COUNT_OF(set));
  first = (learned_t){0};
  sea_start(&sea, PMM_LIVE_TRADE, 1, NULL);
  assert_false(pmm_live_learned(sea.live, on_learned, &first)); /* no engine yet */
  sea_run(&sea, 120);
  assert_true(pmm_live_learned(sea.live, on_learned, &first));
  assert_int_equal(first.cnt, 1);
  assert_true(strlen(numbers(&first)) > 50);
  static const struct { const char *why, *text, *says; uint64_t params; bool taken; } rows[] = {
    {"the same", NULL, "goes on with what it learned", 0, true},
    {"other parameters", NULL, "its parameters are not those", 1, false},
    {"a damaged text", "pmm-logit 1 5 5 x", "not a state of this strategy", 0, false},
  };
  for (size_t i = 0; i < COUNT_OF(rows); i++) {
    pmm_live_close(sea.live);
    pmm_live_learned_t k = first.k;
    k.params ^= rows[i].params;
    if (rows[i].text) k = (pmm_live_learned_t){.market = k.market, .strategy = k.strategy, .params = k.params, .text = rows[i].text, .len = strlen(rows[i].text)};
    sea.learned = &k;
    sea.learned_cnt = 1;
    *sea.said = '\0';
    sea_start(&sea, PMM_LIVE_TRADE, 2 + i, NULL);
    while (!pmm_live_engine(sea.live)) sea_run(&sea, 0.001);
    next = (learned_t){0};
    pmm_live_learned(sea.live, on_learned, &next);
    if (!strstr(sea.said, rows[i].says)) fail_msg("%s: said '%s'", rows[i].why, sea.said);
    if (rows[i].taken ? strcmp(numbers(&next), numbers(&first)) != 0 : next.cnt != 0) fail_msg("%s: %s", rows[i].why, next.text);
    sea_run(&sea, 20);
    assert_int_equal(pmm_live_phase(sea.live), PMM_LIVE_RUNNING);
  }
  sea_stop(&sea);
  sea_close(&sea);
  /* A parameter that changed makes another fingerprint; another market is not this one. */
  snprintf(other, sizeof other, dialects[0].yaml, "RAIN");
  const char *const changed[] = {"strategy=logit", "params.warmup=false", "params.dt_sample=0.6"};
  sea_open(&sea, other, changed, COUNT_OF(changed));
  sea.learned = &first.k;
  sea.learned_cnt = 1;
  sea_start(&sea, PMM_LIVE_TRADE, 9, NULL);
  sea_run(&sea, 2);
  assert_non_null(strstr(sea.said, "its parameters are not those"));
  pmm_live_close(sea.live);
  snprintf(first.market, sizeof first.market, "SNOW");
  *sea.said = '\0';
  sea_start(&sea, PMM_LIVE_TRADE, 10, NULL);
  sea_run(&sea, 2);
  assert_string_equal(sea.said, "");
  sea_stop(&sea);
  sea_close(&sea);
}

int main(void) {
  cmocka_set_test_filter(getenv("PMM_TEST_ONLY")); /* for looking at one */
  const struct CMUnitTest tests[] = {cmocka_unit_test(test_linear), cmocka_unit_test(test_third_exchange), cmocka_unit_test(test_adaptive), cmocka_unit_test(test_logit), cmocka_unit_test(test_curve),
                                     cmocka_unit_test(test_digital), cmocka_unit_test(test_arbitrage), cmocka_unit_test(test_rate_limits), cmocka_unit_test(test_resolution), cmocka_unit_test(test_learned)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
