/* Feeds: spot captures, Chainlink's feed with the markets it settled, and the envelope of several venues. */
#include "tape/tape_test.h"

static const char *path_of(const char *name, const char *text) {
  const char *const path = scratch(name);
  write_file(path, text, strlen(text));
  return path;
}

static whole_t import_paths(const char *format, const char *const *path, size_t n, pmm_import_stats_t *stats) {
  pmm_import_opts_t opts;
  pmm_tape_check_t check;
  pmm_error_t err = {0};
  pmm_import_opts_default(&opts);
  opts.format = format;
  ASSERT_OK(pmm_import(&opts, path, n, scratch("feeds.tape"), stats, &err), err);
  ASSERT_OK(pmm_tape_verify(scratch("feeds.tape"), &check, &err), err);
  return read_tape(scratch("feeds.tape"));
}

/* -- Binance -- */
#define TRADE(id, price) "{\"e\":\"trade\",\"E\":1900000001208,\"s\":\"BTCUSDT\",\"t\":" id ",\"p\":\"" price "\",\"q\":\"0.02\",\"T\":1900000001200,\"m\":true,\"M\":true}"
#define QUOTE(id, bid, ask) "{\"u\":" id ",\"s\":\"BTCUSDT\",\"b\":\"" bid "\",\"B\":\"3.7\",\"a\":\"" ask "\",\"A\":\"1.5\"}"
#define DEPTH(first, last) "{\"e\":\"depthUpdate\",\"E\":1900000001208,\"s\":\"BTCUSDT\",\"U\":" first ",\"u\":" last ",\"b\":[],\"a\":[[\"61837.64\",\"1.5\"]]}"

static void test_binance(void **state) {
  (void)state;
  static const char text[] =
      "1900000000000000001 {\"stream\":\"btcusdt@trade\",\"data\":" TRADE("7", "61837.63000000") "}\n"
      "1900000000000000002 " QUOTE("5", "61837.63000000", "61837.64000000") "\n"
      "1900000000000000003 " QUOTE("5", "1", "2") "\n"                                     /* late */
      "1900000000000000004 " DEPTH("1", "3") "\n"
      "1900000000000000005 " DEPTH("5", "6") "\n"                                          /* 4 is missing */
      "1900000000000000006 {\"lastUpdateId\":9,\"bids\":[],\"asks\":[]}\n"
      "1900000000000000007 " TRADE("7", "1") "\n"                                          /* told already */
      "1900000000000000008 {\"e\":\"aggTrade\",\"s\":\"ETHBTC\",\"a\":1,\"p\":\"0.05\",\"T\":1900000001200123}\n" /* in us */
      "{\"recv\":1900000000.000000009,\"message\":" TRADE("10", "61838") "}\n"             /* 8 and 9 are missing */
      "{\"recv\":1900000000001,\"message\":\"{\\\"result\\\":null,\\\"id\\\":1}\"}\n";
  static const char *const want[] = {"u0 61837.63 kind 0 !", "u1 61837.635 kind 0 !", "u2 0.05 kind 0 !", "u0 61838 kind 0 !"};
  pmm_import_stats_t stats;
  whole_t w = import_sound("binance", text, &stats);
  assert_records(&w, want, COUNT_OF(want));
  assert_int_equal(w.md[0].recv_ns, INT64_C(1900000000000000001));
  assert_int_equal(w.md[0].exch_ns, INT64_C(1900000001200000000));
  assert_true(w.md[1].exch_ns == PMM_TIME_NONE);
  assert_int_equal(w.md[2].exch_ns, INT64_C(1900000001200123000));
  assert_int_equal(w.md[3].recv_ns, INT64_C(1900000000000000009));
  assert_int_equal(stats.skipped, 6);
  assert_string_equal(pmm_tape_underlying(w.tape, 0)->id, "BTC-USD");
  assert_string_equal(pmm_tape_underlying(w.tape, 0)->source, "binance");
  assert_string_equal(pmm_tape_underlying(w.tape, 1)->source, "binance-mid");
  assert_string_equal(pmm_tape_underlying(w.tape, 2)->id, "ETHBTC");
  assert_non_null(strstr(pmm_tape_info(w.tape)->provenance, "2 trades missing in 1 places"));
  assert_non_null(strstr(pmm_tape_info(w.tape)->provenance, "numbers broken in 1 places"));
  assert_non_null(strstr(pmm_tape_info(w.tape)->provenance, "\"recv_minus_feed_ms\":{\"median\":-1200"));
  free_whole(&w);
}

static void test_binance_bad(void **state) {
  (void)state;
#define AT "1900000000000000001 "
  static const bad_case_t rows[] = {
      {"no time", TRADE("7", "5") "\n", PMM_PARSE, "bad.jsonl:1: byte 1: recv is missing"},
      {"no blank", "1900000000000000001\n", PMM_PARSE, "neither a receive time"},
      {"a time of no age", "17x " TRADE("7", "5") "\n", PMM_PARSE, "receive time: not a Unix time: 17x"},
      {"cut off", AT "{\"e\":\"trade\"\n", PMM_PARSE, "bad.jsonl:1: byte"},
      {"no price", AT "{\"e\":\"trade\",\"s\":\"B\",\"t\":1,\"T\":1900000001200}\n", PMM_PARSE, "byte 21: p is missing"},
      {"price 0", AT TRADE("7", "0") "\n", PMM_PARSE, "p: not a price"},
      {"price of words", AT TRADE("7", "much") "\n", PMM_PARSE, "p: not a number: much"},
      {"negative number", AT TRADE("-7", "5") "\n", PMM_PARSE, "t: negative"},
      {"depth backwards", AT DEPTH("5", "4") "\n", PMM_PARSE, "u: before U"},
      {"an event that is a list", AT "{\"stream\":\"x\",\"data\":[]}\n", PMM_PARSE, "not an event"},
      {"text that is no message", "{\"recv\":1900000000,\"message\":\"{\"}\n", PMM_PARSE, "its text:"},
      {"nothing of use", AT "{\"result\":null}\n", PMM_PARSE, "no binance messages"},
  };
  assert_bad_imports("binance", rows, COUNT_OF(rows));
}

/* -- Coinbase -- */
#define MATCH(type, id, price) "{\"type\":\"" type "\",\"trade_id\":" id ",\"side\":\"buy\",\"size\":\"0.1\",\"price\":\"" price "\",\"product_id\":\"BTC-USD\",\"sequence\":1,\"time\":\"2030-03-17T17:46:40.5Z\"}"
#define TICKER(seq, id, price, bid, ask) "{\"type\":\"ticker\",\"sequence\":" seq ",\"product_id\":\"BTC-USD\",\"price\":\"" price "\",\"best_bid\":\"" bid "\",\"best_ask\":\"" ask "\",\"time\":\"2030-03-17T17:46:41Z\",\"trade_id\":" id "}"

static void test_coinbase(void **state) {
  (void)state;
  static const char text[] = "1900000000.6 " MATCH("last_match", "10", "100.5") "\n"
                             "1900000001 {\"type\":\"heartbeat\",\"sequence\":2}\n"
                             "1900000001.1 " MATCH("match", "12", "101") "\n" /* 11 is missing */
                             "1900000001.2 " TICKER("5", "12", "101", "100.9", "101.1") "\n" /* the trade is told already */
                             "1900000001.3 " TICKER("6", "20", "102", "101.9", "102") "\n"
                             "1900000001.4 " TICKER("6", "20", "102", "1", "2") "\n";
  static const char *const want[] = {"u0 100.5 kind 0 !", "u0 101 kind 0 !", "u1 101 kind 0 !", "u0 102 kind 0 !", "u1 101.95 kind 0 !"};
  pmm_import_stats_t stats;
  whole_t w = import_sound("coinbase", text, &stats);
  assert_records(&w, want, COUNT_OF(want));
  assert_int_equal(w.md[0].exch_ns, INT64_C(1900000000500000000));
  assert_non_null(strstr(pmm_tape_info(w.tape)->provenance, "1 trades missing in 1 places"));
  free_whole(&w);
  static const bad_case_t rows[] = {
      {"no time", "1900000000 {\"type\":\"match\",\"trade_id\":1,\"price\":\"5\",\"product_id\":\"B\"}\n", PMM_PARSE, "time is missing"},
      {"no product", "1900000000 {\"type\":\"match\"}\n", PMM_PARSE, "byte 12: product_id is missing"},
      {"a list", "1900000000 []\n", PMM_PARSE, "not a message"},
  };
  assert_bad_imports("coinbase", rows, COUNT_OF(rows));
}

/* -- Chainlink -- */
#define SLUG(n) "btc-updown-5m-19000" n
#define MARKET(n, start, end, strike, up, down) \
  "{\"slug\":\"" SLUG(n) "\",\"asset\":\"btc\",\"condition_id\":\"0x" n "\",\"token_ids\":[\"1" n "\",\"2" n "\"],\"start_sec\":" start ",\"end_sec\":" end \
  ",\"resolved\":true,\"outcome_prices\":[\"" up "\",\"" down "\"],\"strike_value\":" strike "}\n"

static void test_chainlink(void **state) {
  (void)state;
  const char *const path[] = {
      path_of("markets.jsonl", MARKET("00300", "1900000300", "1900000600", "null", "1", "0") MARKET("00000", "1900000000", "1900000300", "\"65048078902260626000000\"", "0", "1")),
      path_of("BTCUSD-prices.csv", "feed_ts_ms,value,full_accuracy_value,server_ts_ms,recv_ms\n"
                                   "1900000299000,65000.5,65000500000000000000000,0,1900000300500\n"
                                   "1900000300000,65048.078902260626,65048078902260626000000,0,1900000301500\n"
                                   "1900000400000,1,1000000000000000000,0,1900000401500\n")};
  pmm_import_stats_t stats;
  whole_t w = import_paths("chainlink", path, 2, &stats);
  static const char *const records[] = {"1 status open", "1 status closed", "0 status open", "u0 65000.5 kind 1 !", "u0 65048.079 kind 1 !",
                                        "1 status resolved no", "u0 1 kind 1 !", "0 status closed", "0 status resolved yes"};
  assert_records(&w, records, COUNT_OF(records));
  const pmm_market_t *const m = pmm_tape_market(w.tape, market_named(&w, SLUG("00000")));
  assert_int_equal(m->strike_e8, INT64_C(6504807890226));
  assert_int_equal(m->outcome, PMM_OUTCOME_NO);
  assert_int_equal(m->settle_window_ns, 0);
  assert_int_equal(m->tie_is_yes, 1);
  assert_string_equal(m->token_no, "200000");
  assert_int_equal(w.md[4].exch_ns, INT64_C(1900000300000000000));
  assert_int_equal(w.md[4].qty_e6, INT64_C(6504807890226));
  free_whole(&w);
}

static void test_chainlink_bad(void **state) {
  (void)state;
  static const struct { const char *why, *name, *text, *message; } rows[] = {
      {"a column is missing", "BTCUSD.csv", "feed_ts_ms,value\n1,2\n", "recv_ms"},
      {"no price", "BTCUSD.csv", "feed_ts_ms,full_accuracy_value,recv_ms\n1900000299000,x,1900000299000\n", "not a price x 10^18: x"},
      {"price 0", "BTCUSD.csv", "feed_ts_ms,value,recv_ms\n1900000299000,0,1900000299000\n", "not a price"},
      {"no pair", "-.csv", "feed_ts_ms,value,recv_ms\n1900000299000,1,1900000299000\n", "does not begin with a pair"},
      {"ends before it starts", "m.jsonl", MARKET("00000", "1900000300", "1900000300", "null", "1", "0"), "m.jsonl:1: byte 1: end_sec: not after"},
      {"strike of words", "m.jsonl", MARKET("00000", "1900000000", "1900000300", "\"x\"", "1", "0"), "strike_value: not a price"},
      {"twice", "m.jsonl", MARKET("00000", "1900000000", "1900000300", "null", "1", "0") MARKET("00000", "1900000000", "1900000300", "null", "1", "0"), "m.jsonl:2: byte 1: market"},
      {"one token", "m.jsonl", "{\"slug\":\"a\",\"asset\":\"btc\",\"start_sec\":1900000000,\"end_sec\":1900000001,\"token_ids\":[\"1\"]}\n", "token_ids: not two"},
  };
  for (size_t i = 0; i < COUNT_OF(rows); i++) {
    pmm_import_opts_t opts;
    pmm_import_stats_t stats;
    pmm_error_t err = {0};
    pmm_import_opts_default(&opts);
    opts.format = "chainlink";
    const char *const path = path_of(rows[i].name, rows[i].text);
    pmm_status_t const st = pmm_import(&opts, &path, 1, scratch("bad.tape"), &stats, &err);
    if (st != PMM_PARSE || !strstr(err.text, rows[i].message)) fail_msg("%s: %s '%s'", rows[i].why, pmm_status_to_string(st), err.text);
    if (access(scratch("bad.tape"), F_OK) == 0 || access(scratch("bad.tape.tmp"), F_OK) == 0) fail_msg("%s: left a file behind", rows[i].why);
  }
}

/* -- the envelope -- */
#define LINE(source, ms, payload) "{\"source\":\"" source "\",\"recv_wall_ts\":" ms ",\"recv_mono_ns\":1,\"ingest_seq\":1,\"payload\":\"" payload "\"}\n"
#define Q "\\\""
#define F(key, value) Q key Q ":" Q value Q

static void test_envelope(void **state) {
  (void)state;
  const char *const path[] = {
      path_of("x.markets.jsonl", "{\"slug\":\"btc-updown-15m-1900000800\",\"asset\":\"BTC\",\"condition_id\":\"0xc\",\"outcomes\":[{\"token_id\":\"2\",\"outcome\":\"Down\"},{\"token_id\":\"1\",\"outcome\":\"Up\"}],"
                                 "\"start_ts\":1900000800000,\"end_ts\":1900001700000,\"tick_size\":0.01,\"min_order_size\":5.0}\n"),
      path_of("x.raw.jsonl",
              LINE("polymarket_clob", "1900000000000", "[{" F("market", "0xc") "," F("asset_id", "1") "," F("timestamp", "1899999999000") "," Q "bids" Q ":[{" F("price", "0.4") "," F("size", "3") "}]," Q "asks" Q ":[]}]")
              LINE("polymarket_clob", "1900000001000", "{" F("market", "0xc") "," F("event_type", "price_change") "," F("timestamp", "1900000000900") "," Q "price_changes" Q ":[{" F("asset_id", "2") "," F("price", "0.45") "," F("size", "2") "," F("side", "BUY") "}]}")
              LINE("polymarket_rtds_chainlink", "1900000002000", "{" F("topic", "crypto_prices") "," F("type", "subscribe") "," Q "payload" Q ":{" F("symbol", "btc/usd") "," Q "data" Q ":[{" Q "timestamp" Q ":1900000000000," Q "value" Q ":100.5},{" Q "timestamp" Q ":1900000001000," Q "value" Q ":100.123456789}]}}")
              LINE("polymarket_rtds_chainlink", "1900000003000", "{" F("topic", "crypto_prices_chainlink") "," F("type", "update") "," Q "payload" Q ":{" F("symbol", "btc/usd") "," Q "timestamp" Q ":1900000001000," Q "value" Q ":1}}")
              LINE("polymarket_rtds_chainlink", "1900000004000", "{" F("topic", "crypto_prices_chainlink") "," F("type", "update") "," Q "payload" Q ":{" F("symbol", "btc/usd") "," Q "timestamp" Q ":1900000002000," Q "value" Q ":1," F("full_accuracy_value", "101000000000000000000") "}}")
              LINE("binance", "1900000012000", "{" Q "stream" Q ":" Q "btcusdt@trade" Q "," Q "data" Q ":{" F("e", "trade") "," F("s", "BTCUSDT") "," Q "t" Q ":1," F("p", "99") "," Q "T" Q ":1900000011900}}")
              LINE("coinbase", "1900000012500", "{" F("type", "subscriptions") "}")
              LINE("polymarket_clob", "1900000020000", "{" F("market", "0xc") "," F("asset_id", "1") "," F("timestamp", "1900000019000") "," Q "bids" Q ":[{" F("price", "0.4") "," F("size", "3") "}]," Q "asks" Q ":[]}"))};
  static const char *const want[] = {"0 status open", "0 clear", "0 level bid 0.4000 3 snap !", "0 level ask 0.5500 2 !",
                                     "u0 100.5 kind 1 !", "u0 100.12346 kind 1 !", "u0 101 kind 1 !",
                                     "0 gap", /* 11 s without a word from the market: the recorder was away */
                                     "u1 99 kind 0 !", "0 clear", "0 level bid 0.4000 3 snap !"};
  pmm_import_stats_t stats;
  whole_t w = import_paths("feeds-envelope", path, 2, &stats);
  assert_records(&w, want, COUNT_OF(want));
  const pmm_market_t *const m = pmm_tape_market(w.tape, 0);
  assert_string_equal(m->token_yes, "1");
  assert_int_equal(m->min_size_e6, 5 * PMM_ONE_E6);
  assert_int_equal(m->underlying, 0);
  assert_int_equal(stats.gaps, 1);
  assert_int_equal(stats.skipped, 2);
  free_whole(&w);
  static const bad_case_t rows[] = {
      {"nobody's", LINE("kraken", "1900000000000", "{}"), PMM_PARSE, "source: none of"},
      {"no payload", "{\"source\":\"binance\",\"recv_wall_ts\":1900000000000}\n", PMM_PARSE, "payload is missing"},
      {"payload cut off", LINE("binance", "1900000000000", "{"), PMM_PARSE, "its text:"},
      {"payload that is a number", "{\"source\":\"binance\",\"recv_wall_ts\":1900000000000,\"payload\":5}\n", PMM_PARSE, "neither a message"},
      {"no time", "{\"source\":\"binance\",\"payload\":\"{}\"}\n", PMM_PARSE, "recv_wall_ts is missing"},
      {"a value of 0", LINE("polymarket_rtds_chainlink", "1900000003000", "{" F("topic", "crypto_prices_chainlink") "," Q "payload" Q ":{" F("symbol", "btc/usd") "," Q "timestamp" Q ":1900000001000," Q "value" Q ":0}}"), PMM_PARSE, "value: not a price"},
  };
  assert_bad_imports("feeds-envelope", rows, COUNT_OF(rows));
}

/* -- recordings: the counts of their description -- */
static void test_chainlink_recording(void **state) {
  (void)state;
  pmm_import_stats_t stats;
  whole_t w = import_data("chainlink", "chainlink-btcusd-20260724", "", &stats);
  assert_int_equal(stats.messages, 38628);
  assert_int_equal(pmm_tape_market_cnt(w.tape), 145);
  int computable = 0, agree = 0, resolved = 0;
  for (size_t i = 0; i < w.cnt; i++) resolved += w.md[i].kind == PMM_MD_STATUS && w.md[i].aux == PMM_LIFE_RESOLVED;
  assert_int_equal(resolved, 145);
  for (uint32_t k = 0; k < pmm_tape_market_cnt(w.tape); k++) {
    const pmm_market_t *const m = pmm_tape_market(w.tape, k);
    for (size_t i = 0; i < w.cnt && m->strike_e8; i++) {
      if (w.md[i].kind != PMM_MD_UNDERLYING || w.md[i].exch_ns != m->close_ns) continue;
      computable++;
      agree += (w.md[i].qty_e6 >= m->strike_e8) == (m->outcome == PMM_OUTCOME_YES);
    }
  }
  assert_int_equal(computable, 122);
  assert_int_equal(agree, 122);
  pmm_tape_stats_t figures;
  pmm_error_t err = {0};
  ASSERT_OK(pmm_tape_stats(w.tape, NULL, &figures, &err), err);
  assert_true(figures.stream[145].skew.median_ns > 1600 * PMM_NS_PER_MS && figures.stream[145].skew.median_ns < 1650 * PMM_NS_PER_MS);
  pmm_tape_stats_fini(&figures);
  free_whole(&w);
}

static uint64_t count_of(const whole_t *w, const char *id, const char *source) {
  uint64_t n = 0;
  for (size_t i = 0; i < w->cnt; i++) {
    if (w->md[i].kind != PMM_MD_UNDERLYING) continue;
    const pmm_underlying_t *const u = pmm_tape_underlying(w->tape, w->md[i].market);
    n += strcmp(u->id, id) == 0 && strcmp(u->source, source) == 0;
  }
  return n;
}

static void test_binance_recording(void **state) {
  (void)state;
  pmm_import_stats_t stats;
  whole_t w = import_data("binance", "binance-spot-raw", ".gz", &stats);
  assert_int_equal(stats.lines, 41249 + 33618);
  assert_int_equal(count_of(&w, "BTC-USD", "binance"), 9757);
  assert_int_equal(count_of(&w, "BTC-USD", "binance-mid"), 28040);
  assert_int_equal(count_of(&w, "ETH-USD", "binance"), 6106);
  assert_int_equal(stats.clamped, 0);
  assert_non_null(strstr(pmm_tape_info(w.tape)->provenance, "binance BTCUSDT: depth left out (no book of prices in (0,1)), its numbers broken in 0 places"));
  assert_non_null(strstr(pmm_tape_info(w.tape)->provenance, "\"recv_minus_feed_ms\":{\"median\":-1270."));
  free_whole(&w);
}

static void test_envelope_recording(void **state) {
  (void)state;
  pmm_import_stats_t stats;
  whole_t w = import_data("feeds-envelope", "multi-venue-envelope", "", &stats);
  assert_int_equal(stats.lines, 1947 + 3);
  assert_int_equal(stats.clamped, 0);
  assert_int_equal(pmm_tape_market_cnt(w.tape), 3);
  uint64_t const seconds = count_of(&w, "BTC-USD", "chainlink");
  assert_true(seconds > 1750 && seconds < 1830); /* 98 % of half an hour */
  assert_int_equal(count_of(&w, "BTC-USD", "binance") + count_of(&w, "ETH-USD", "binance") + count_of(&w, "SOL-USD", "binance"), 300);
  assert_int_equal(count_of(&w, "BTC-USD", "coinbase-mid") + count_of(&w, "ETH-USD", "coinbase-mid") + count_of(&w, "SOL-USD", "coinbase-mid"), 270);
  free_whole(&w);
}

int main(void) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(test_binance), cmocka_unit_test(test_binance_bad), cmocka_unit_test(test_coinbase),
                                     cmocka_unit_test(test_chainlink), cmocka_unit_test(test_chainlink_bad), cmocka_unit_test(test_envelope),
                                     cmocka_unit_test(test_chainlink_recording), cmocka_unit_test(test_binance_recording), cmocka_unit_test(test_envelope_recording)};
  return cmocka_run_group_tests(tests, scratch_setup, scratch_teardown);
}
