/* Names of series, New York's clock against the system's, and what is refused. */
#include <time.h>
#include <unistd.h>
#include "feed/feed_test.h"
#include "pmm/market.h"

static int64_t at(const char *text) {
  int64_t ns;
  assert_int_equal(pmm_time_parse(text, strlen(text), &ns, NULL), PMM_OK);
  return ns;
}

static int64_t price(const char *text) {
  int64_t v;
  assert_int_equal(pmm_decimal_parse(text, strlen(text), 8, &v, NULL), PMM_OK);
  return v;
}

#define NOW "2026-11-20T15:00:00Z"
static const struct { const char *why, *name, *symbol; int settles_on, test; const char *start[2], *end[2], *strike; bool at_start, ask; } GOOD[] = {
    {"5 minutes", "btc-updown-5m-1795186800", "btcusd", PMM_SETTLES_CHAINLINK_TWAP60, PMM_TEST_GE, {"2026-11-20T15:00:00Z"}, {"2026-11-20T15:05:00Z"}, NULL, true, false},
    {"15 minutes", "hype-updown-15m-1795186800", "hypeusd", PMM_SETTLES_CHAINLINK_TWAP60, PMM_TEST_GE, {"2026-11-20T15:00:00Z"}, {"2026-11-20T15:15:00Z"}, NULL, true, false},
    {"4 hours, winter", "btc-updown-4h-1795194000", "btcusd", PMM_SETTLES_CHAINLINK_TWAP60, PMM_TEST_GE, {"2026-11-20T17:00:00Z"}, {"2026-11-20T21:00:00Z"}, NULL, true, false},
    {"4 hours over the doubled hour are five", "btc-updown-4h-1793505600", "btcusd", PMM_SETTLES_CHAINLINK_TWAP60, PMM_TEST_GE, {"2026-11-01T04:00:00Z"}, {"2026-11-01T09:00:00Z"}, NULL, true, false},
    {"4 hours over the missing hour are three", "btc-updown-4h-1772946000", "btcusd", PMM_SETTLES_CHAINLINK_TWAP60, PMM_TEST_GE, {"2026-03-08T05:00:00Z"}, {"2026-03-08T08:00:00Z"}, NULL, true, false},
    {"an hour", "bitcoin-up-or-down-november-20-2026-10am-et", "BTCUSDT", PMM_SETTLES_BINANCE_1H, PMM_TEST_GE, {"2026-11-20T15:00:00Z"}, {"2026-11-20T16:00:00Z"}, NULL, true, false},
    {"an hour in summer", "ethereum-up-or-down-july-4-2026-12pm-et", "ETHUSDT", PMM_SETTLES_BINANCE_1H, PMM_TEST_GE, {"2026-07-04T16:00:00Z"}, {"2026-07-04T17:00:00Z"}, NULL, true, false},
    {"midnight", "xrp-up-or-down-july-4-2026-12am-et", "XRPUSDT", PMM_SETTLES_BINANCE_1H, PMM_TEST_GE, {"2026-07-04T04:00:00Z"}, {"2026-07-04T05:00:00Z"}, NULL, true, false},
    {"without a year: the nearest", "bitcoin-up-or-down-december-31-1pm-et", "BTCUSDT", PMM_SETTLES_BINANCE_1H, PMM_TEST_GE, {"2026-12-31T18:00:00Z"}, {"2026-12-31T19:00:00Z"}, NULL, true, false},
    {"the hour that exists twice", "bitcoin-up-or-down-november-1-2026-1am-et", "BTCUSDT", PMM_SETTLES_BINANCE_1H, PMM_TEST_GE,
     {"2026-11-01T05:00:00Z", "2026-11-01T06:00:00Z"}, {"2026-11-01T06:00:00Z", "2026-11-01T07:00:00Z"}, NULL, true, false},
    {"a day", "bitcoin-up-or-down-on-november-20", "BTCUSDT", PMM_SETTLES_BINANCE_1M, PMM_TEST_GE, {"2026-11-19T17:00:00Z"}, {"2026-11-20T17:00:00Z"}, NULL, true, false},
    {"a day of 25 hours", "bitcoin-up-or-down-on-november-1-2026", "BTCUSDT", PMM_SETTLES_BINANCE_1M, PMM_TEST_GE, {"2026-10-31T16:00:00Z"}, {"2026-11-01T17:00:00Z"}, NULL, true, false},
    {"a quarter of an hour", "KXBTC15M-26OCT021330-30", "BRTI", PMM_SETTLES_CF_MEAN60, PMM_TEST_GE, {"2026-10-02T17:15:00Z"}, {"2026-10-02T17:30:00Z"}, NULL, true, false},
    {"which exists twice", "KXETH15M-26NOV010130-30", "ETHUSD_RTI", PMM_SETTLES_CF_MEAN60, PMM_TEST_GE,
     {"2026-11-01T05:15:00Z", "2026-11-01T06:15:00Z"}, {"2026-11-01T05:30:00Z", "2026-11-01T06:30:00Z"}, NULL, true, false},
    {"above", "KXBTCD-26AUG1717-T72749.99", "BRTI", PMM_SETTLES_CF_MEAN60, PMM_TEST_GT, {NULL}, {"2026-08-17T21:00:00Z"}, "72749.99", false, false},
    {"a range", "KXBTC-26SEP2901-B73250", "BRTI", PMM_SETTLES_CF_MEAN60, PMM_TEST_BETWEEN, {NULL}, {"2026-09-29T05:00:00Z"}, NULL, false, true},
    {"a tail of ranges", "KXSOL-26SEP2901-T150", "SOLUSD_RTI", PMM_SETTLES_CF_MEAN60, PMM_TEST_BETWEEN, {NULL}, {"2026-09-29T05:00:00Z"}, NULL, false, true}};

static void test_good(void **state) {
  (void)state;
  for (size_t i = 0; i < COUNT_OF(GOOD); i++) {
    pmm_series_t s[2];
    size_t cnt;
    pmm_error_t err;
    if (pmm_series_parse(GOOD[i].name, at(NOW), s, &cnt, &err) != PMM_OK) fail_msg("%s: %s", GOOD[i].why, err.text);
    if (cnt != (GOOD[i].end[1] ? 2 : 1)) fail_msg("%s: %zu windows", GOOD[i].why, cnt);
    for (size_t k = 0; k < cnt; k++) {
      bool const ok = s[k].settles_on == GOOD[i].settles_on && s[k].test == GOOD[i].test && strcmp(s[k].symbol, GOOD[i].symbol) == 0 &&
                      s[k].start_ns == (GOOD[i].start[k] ? at(GOOD[i].start[k]) : PMM_TIME_NONE) && s[k].end_ns == at(GOOD[i].end[k]) &&
                      s[k].strike_e8 == (GOOD[i].strike ? price(GOOD[i].strike) : 0) && s[k].strike_at_start == GOOD[i].at_start && s[k].ask_market == GOOD[i].ask;
      if (!ok) fail_msg("%s: window %zu: %s from %lld to %lld", GOOD[i].why, k, s[k].symbol, (long long)s[k].start_ns, (long long)s[k].end_ns);
    }
  }
}

static void test_bad(void **state) {
  (void)state;
  static const struct { const char *name; pmm_status_t want; } rows[] = {
      {"btc-updown-5m-1795186801", PMM_PARSE},        {"btc-updown-5m-17951868000", PMM_PARSE}, {"btc-updown-15m-1795187100", PMM_PARSE}, {"btc-updown-4h-1795186800", PMM_PARSE},
      {"btc-updown-4h-9709105940", PMM_PARSE}, {"btc-updown-1w-1795186800", PMM_UNSUPPORTED},  {"gold-updown-5m-1795186800", PMM_UNSUPPORTED}, {"btc-updown-5m-", PMM_PARSE},
      {"bitcoin-up-or-down-march-8-2026-2am-et", PMM_PARSE}, {"bitcoin-up-or-down-november-31-2026-2am-et", PMM_PARSE}, {"bitcoin-up-or-down-november-20-2026-13pm-et", PMM_PARSE},
      {"bitcoin-up-or-down-november-20-2026-0am-et", PMM_PARSE}, {"bitcoin-up-or-down-november-20-2026-1am-pt", PMM_PARSE}, {"bitcoin-up-or-down-on-smarch-20", PMM_PARSE},
      {"will-it-rain", PMM_NOT_FOUND}, {"", PMM_NOT_FOUND}, {"KX", PMM_NOT_FOUND}, {"KXBTC15M-26OCT021331-31", PMM_PARSE}, {"KXBTC15M-26OCT021330-45", PMM_PARSE},
      {"KXBTC15M-26OCT021330", PMM_PARSE}, {"KXBTC15M-26OKT021330-30", PMM_PARSE}, {"KXBTC15M-26OCT022430-30", PMM_PARSE}, {"KXBTCMAXY-26DEC31-T100", PMM_UNSUPPORTED},
      {"KXBTCMINMON-26DEC31-T100", PMM_UNSUPPORTED}, {"KXBNB15M-26OCT021330-30", PMM_UNSUPPORTED}, {"KXBTCX-1", PMM_UNSUPPORTED}, {"KXBTCD-26AUG1717-B1", PMM_PARSE},
      {"KXBTCD-26AUG1717-T", PMM_PARSE}, {"KXBTCD-26AUG1717-T1e99", PMM_PARSE}, {"KXBTCD-26MAR0802-T1", PMM_PARSE}, {"KXNFL-26", PMM_NOT_FOUND}};
  for (size_t i = 0; i < COUNT_OF(rows); i++) {
    pmm_series_t s[2];
    size_t cnt = 77;
    pmm_error_t err = {0};
    pmm_status_t const st = pmm_series_parse(rows[i].name, at(NOW), s, &cnt, &err);
    if (st != rows[i].want || cnt != 77 || !err.text[0]) fail_msg("\"%s\": %s", rows[i].name, pmm_status_to_string(st));
  }
}

/* Every half hour of fourteen years against the system's own tables, and back. */
static void test_new_york(void **state) {
  (void)state;
  if (access("/usr/share/zoneinfo/America/New_York", R_OK) != 0) skip();
  setenv("TZ", "America/New_York", 1);
  tzset();
  int64_t const first = at("2020-01-01T00:00:00Z") / PMM_NS_PER_S, last = at("2034-01-01T00:00:00Z") / PMM_NS_PER_S;
  size_t doubled = 0;
  for (int64_t t = first; t < last; t += 1800) {
    time_t const when = (time_t)t;
    struct tm tm;
    localtime_r(&when, &tm);
    int64_t const offset = pmm_new_york_offset_ns(t * PMM_NS_PER_S), local = t * PMM_NS_PER_S + offset;
    if (offset != tm.tm_gmtoff * PMM_NS_PER_S) fail_msg("offset at %lld", (long long)t);
    int64_t back[2];
    size_t const cnt = pmm_new_york_to_utc(local, back);
    bool const found = (cnt > 0 && back[0] == t * PMM_NS_PER_S) || (cnt > 1 && back[1] == t * PMM_NS_PER_S);
    if (!found) fail_msg("no way back from %lld", (long long)t);
    doubled += cnt == 2;
  }
  assert_int_equal(doubled, 14 * 4); /* two half hours, seen from both of their instants */
}

static void test_check(void **state) {
  (void)state;
  static const char twap[] = "https://data.chain.link/streams/btc-usd-twap-60s-streams", spot[] = "https://data.chain.link/streams/btc-usd";
  static const struct { const char *name, *url; bool averaged; int lookback_s; pmm_status_t want; } rows[] = {
      {"btc-updown-5m-1795186800", twap, true, 60, PMM_OK},
      {"btc-updown-5m-1795186800", twap, true, 30, PMM_UNSUPPORTED},
      {"btc-updown-5m-1795186800", twap, false, 60, PMM_UNSUPPORTED},
      {"btc-updown-5m-1795186800", spot, false, 0, PMM_UNSUPPORTED},
      {"btc-updown-5m-1795186800", "", true, 60, PMM_UNSUPPORTED},
      {"eth-updown-5m-1795186800", twap, true, 60, PMM_UNSUPPORTED},
      {"btc-updown-5m-1795186800", "https://data.chain.link.evil/streams/btc-usd-twap-60s-streams", true, 60, PMM_UNSUPPORTED},
      {"bitcoin-up-or-down-november-20-2026-10am-et", "https://www.binance.com/en/trade/BTC_USDT", false, 0, PMM_OK},
      {"bitcoin-up-or-down-november-20-2026-10am-et", twap, true, 60, PMM_UNSUPPORTED},
      {"KXBTC15M-26OCT021330-30", "", false, 0, PMM_OK}};
  for (size_t i = 0; i < COUNT_OF(rows); i++) {
    pmm_series_t s[2];
    size_t cnt;
    pmm_error_t err;
    assert_int_equal(pmm_series_parse(rows[i].name, at(NOW), s, &cnt, &err), PMM_OK);
    if (pmm_series_check(&s[0], rows[i].url, rows[i].averaged, rows[i].lookback_s, &err) != rows[i].want) fail_msg("row %zu", i);
  }
}

static void test_small(void **state) {
  (void)state;
  char slug[64];
  assert_int_equal(pmm_series_updown_slug("btc", 5, at("2026-11-20T15:04:59.9Z"), slug, sizeof slug), PMM_OK);
  assert_string_equal(slug, "btc-updown-5m-1795186800");
  assert_int_equal(pmm_series_updown_slug("btc", 7, at(NOW), slug, sizeof slug), PMM_INVAL);
  assert_int_equal(pmm_series_updown_slug("btc", 5, at(NOW), slug, 10), PMM_INVAL);
  const char *name;
  assert_int_equal(pmm_series_index("ERTI", &name), PMM_OK);
  assert_string_equal(name, "ETHUSD_RTI");
  assert_int_equal(pmm_series_index("RTI", &name), PMM_NOT_FOUND);
  pmm_settle_test_t t;
  assert_int_equal(pmm_series_test("between", &t), PMM_OK);
  assert_int_equal(t, PMM_TEST_BETWEEN);
  assert_int_equal(pmm_series_test("structured", &t), PMM_NOT_FOUND);
  static const struct { pmm_settle_test_t test; int64_t value; bool want; } wins[] = {{PMM_TEST_GE, 10, true}, {PMM_TEST_GE, 9, false}, {PMM_TEST_GT, 10, false}, {PMM_TEST_GT, 11, true},
      {PMM_TEST_LT, 10, false}, {PMM_TEST_LT, 9, true}, {PMM_TEST_BETWEEN, 10, true}, {PMM_TEST_BETWEEN, 20, true}, {PMM_TEST_BETWEEN, 21, false}, {PMM_TEST_BETWEEN, 9, false}};
  for (size_t i = 0; i < COUNT_OF(wins); i++) assert_int_equal(pmm_series_wins(wins[i].test, wins[i].value, 10, 20), wins[i].want);
}

int main(void) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(test_good), cmocka_unit_test(test_bad), cmocka_unit_test(test_new_york), cmocka_unit_test(test_check), cmocka_unit_test(test_small)};
  return cmocka_run_group_tests_name("feed series", tests, NULL, NULL);
}
