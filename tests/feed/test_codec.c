/* Every sample of the six feeds through its codec, and the traps that samples do not show. */
#include <jansson.h>
#include "feed/feed_test.h"

static const pmm_feed_stream_t BINANCE[] = {
    {PMM_CHANNEL_TRADE, 0, "BTCUSDT"},     {PMM_CHANNEL_AGG_TRADE, 0, "ETHUSDT"}, {PMM_CHANNEL_TOP, 0, "BTCUSDT"},    {PMM_CHANNEL_TOP, 0, "SOLUSDT"},
    {PMM_CHANNEL_CANDLE, 1, "BTCUSDT"},    {PMM_CHANNEL_CANDLE, 3600, "BTCUSDT"}, {PMM_CHANNEL_DEPTH, 0, "BTCUSDT"},  {PMM_CHANNEL_DEPTH_TOP, 0, "BTCUSDT"}};
static const pmm_feed_stream_t BINANCE_TWO[] = {{PMM_CHANNEL_TRADE, 0, "BTCUSDT"}, {PMM_CHANNEL_TOP, 0, "BTCUSDT"}};
static const pmm_feed_stream_t COINBASE[] = {{PMM_CHANNEL_TOP, 0, "BTC-USD"}, {PMM_CHANNEL_TRADE, 0, "BTC-USD"}, {PMM_CHANNEL_DEPTH, 0, "BTC-USD"}};
static const pmm_feed_stream_t ADVANCED[] = {
    {PMM_CHANNEL_TRADE, 0, "BTC-USD"}, {PMM_CHANNEL_TOP, 0, "BTC-USD"}, {PMM_CHANNEL_TOP_SLOW, 0, "BTC-USD"}, {PMM_CHANNEL_DEPTH, 0, "BTC-USD"}};
static const pmm_feed_stream_t RTDS[] = {
    {PMM_CHANNEL_RELAY, 0, "btcusdt"}, {PMM_CHANNEL_SPOT, 0, "btc/usd"}, {PMM_CHANNEL_TWAP, 60, "btc/usd"}, {PMM_CHANNEL_TWAP, 30, "btc/usd"}};
static const pmm_feed_stream_t POLYBOLT[] = {{PMM_CHANNEL_TWAP, 60, "btcusd"},
                                             {PMM_CHANNEL_SPOT, 0, "btcusd"},
                                             {PMM_CHANNEL_TOKEN, 0, "71321045679252212594626385532706912750332728571942532289631379312455583992563"}};
static const pmm_feed_stream_t KALSHI[] = {{PMM_CHANNEL_INDEX, 0, "BRTI"}, {PMM_CHANNEL_INDEX, 0, "ETHUSD_RTI"}, {PMM_CHANNEL_INDEX_5HZ, 0, "BRTI"}};
static const pmm_feed_login_t LOGIN = {"00000000-0000-4000-8000-000000000000", "dGVzdC1zZWNyZXQ=", "test-passphrase"};

static pmm_feed_codec_t *codec_of(pmm_feed_source_t feed) {
  switch (feed) {
  case PMM_FEED_BINANCE: return feed_codec((pmm_feed_codec_config_t){.feed = PMM_FEED_BINANCE, .levels_max = 64}, BINANCE, COUNT_OF(BINANCE));
  case PMM_FEED_COINBASE: return feed_codec((pmm_feed_codec_config_t){.feed = PMM_FEED_COINBASE, .levels_max = 64}, COINBASE, COUNT_OF(COINBASE));
  case PMM_FEED_COINBASE_ADVANCED:
    return feed_codec((pmm_feed_codec_config_t){.feed = PMM_FEED_COINBASE_ADVANCED, .levels_max = 64}, ADVANCED, COUNT_OF(ADVANCED));
  case PMM_FEED_RTDS: return feed_codec((pmm_feed_codec_config_t){.feed = PMM_FEED_RTDS}, RTDS, COUNT_OF(RTDS));
  case PMM_FEED_POLYBOLT: return feed_codec((pmm_feed_codec_config_t){.feed = PMM_FEED_POLYBOLT, .login = LOGIN}, POLYBOLT, COUNT_OF(POLYBOLT));
  default: return feed_codec((pmm_feed_codec_config_t){.feed = PMM_FEED_KALSHI_INDEX}, KALSHI, COUNT_OF(KALSHI));
  }
}

/* One row per line of tests/vectors/feed_samples.jsonl, in its order. NULL: a frame that a client sends, compared elsewhere; "-": not of
   a socket that we read (a REST body, a market's description). Each sample meets a fresh codec. */
static const char *const WANT[] = {
#include "feed/samples_want.h"
};

static const struct { const char *source; int feed; } SOURCES[] = {
    {"binance", PMM_FEED_BINANCE},        {"coinbase_exchange", PMM_FEED_COINBASE}, {"coinbase_advanced", PMM_FEED_COINBASE_ADVANCED},
    {"polymarket_rtds", PMM_FEED_RTDS},   {"polymarket_polybolt", PMM_FEED_POLYBOLT}, {"kalshi_index", PMM_FEED_KALSHI_INDEX}};

static int feed_of(const char *source) {
  for (size_t i = 0; i < COUNT_OF(SOURCES); i++)
    if (strcmp(SOURCES[i].source, source) == 0) return SOURCES[i].feed;
  return -1;
}

/* The message as it stands in the line: read and written again, a number would have gone through a double. */
static char *raw_message(const char *raw) {
  const char *const start = strstr(raw, "\"message\":") + 10;
  return strndup(start, (size_t)(strrchr(raw, '}') - start));
}

static void check_sample(int line, const char *raw, const json_t *sample, const char *want) {
  const char *const source = json_string_value(json_object_get(sample, "source"));
  int const feed = feed_of(source);
  if (feed < 0) {
    if (strcmp(want, "-") != 0) fail_msg("line %d: no feed called %s", line, source);
    return;
  }
  json_t *const message = json_object_get(sample, "message");
  char *const text = json_is_string(message) ? strdup(json_string_value(message)) : raw_message(raw);
  pmm_feed_codec_t *const c = codec_of((pmm_feed_source_t)feed);
  pmm_feed_frame_t frame;
  pmm_error_t err;
  static feed_text_t got;
  if (feed_decode(c, text, &frame, &err) != PMM_OK) fail_msg("line %d: %s", line, err.text);
  if (strcmp(feed_line(&got, &frame), want) != 0) fail_msg("line %d:\n got  %s\n want %s", line, got.buf, want);
  free(text);
  pmm_feed_codec_close(c);
}

static void test_samples(void **state) {
  (void)state;
  FILE *const in = fopen("tests/vectors/feed_samples.jsonl", "r");
  assert_non_null(in);
  static char line[1 << 16];
  size_t n = 0;
  for (; fgets(line, sizeof line, in); n++) {
    json_t *const sample = json_loads(line, 0, NULL);
    assert_non_null(sample);
    assert_true(n < COUNT_OF(WANT));
    if (WANT[n]) check_sample((int)n + 1, line, sample, WANT[n]);
    json_decref(sample);
  }
  fclose(in);
  assert_int_equal(n, COUNT_OF(WANT));
}

/* -- frames in a row through one codec -- */

typedef struct step { const char *why, *text, *want; } step_t; /* want NULL: PMM_PARSE */

static void check_steps(pmm_feed_codec_t *c, const step_t *row, size_t cnt) {
  static feed_text_t got;
  for (size_t i = 0; i < cnt; i++) {
    pmm_feed_frame_t frame = {.kind = 99};
    pmm_error_t err;
    pmm_status_t const st = feed_decode(c, row[i].text, &frame, &err);
    if (!row[i].want) {
      if (st != PMM_PARSE || frame.kind != 99 || !strstr(err.text, "byte ")) fail_msg("%s: taken, or no place given", row[i].why);
      continue;
    }
    if (st != PMM_OK) fail_msg("%s: %s", row[i].why, err.text);
    if (strcmp(feed_line(&got, &frame), row[i].want) != 0) fail_msg("%s:\n got  %s\n want %s", row[i].why, got.buf, row[i].want);
  }
  pmm_feed_codec_close(c);
}

#define TRADE(id, price) "{\"e\":\"trade\",\"E\":1795186800121,\"s\":\"BTCUSDT\",\"t\":" #id ",\"p\":\"" price "\",\"q\":\"1\",\"T\":1795186800120,\"m\":false}"
#define TRADE_LINE(id, price, rest) "data; trade 0 price=" price " qty=1 bought seq=" #id rest " source=1795186800.120000000 send=1795186800.121000000"
#define AGG(a, f, l) "{\"e\":\"aggTrade\",\"E\":1795186800301,\"s\":\"ETHUSDT\",\"a\":" #a ",\"p\":\"5\",\"q\":\"1\",\"f\":" #f ",\"l\":" #l ",\"T\":1795186800300,\"m\":true}"
#define AGG_LINE(a, rest) "data; trade 1 price=5 qty=1 sold seq=" #a rest " source=1795186800.300000000 send=1795186800.301000000"
#define DEPTH(first, last) "{\"e\":\"depthUpdate\",\"E\":1795186800100,\"s\":\"BTCUSDT\",\"U\":" #first ",\"u\":" #last ",\"b\":[[\"9\",\"1\"]],\"a\":[]}"

static void test_binance(void **state) {
  (void)state;
  static const step_t rows[] = {
      {"the first trade has no predecessor", TRADE(10, "91250.01"), TRADE_LINE(10, "91250.01", "")},
      {"the next one follows", TRADE(11, "91250.01"), TRADE_LINE(11, "91250.01", "")},
      {"three are missing", TRADE(15, "91250.01"), TRADE_LINE(15, "91250.01", " gap missed=3")},
      {"a bad price leaves the counter alone", TRADE(17, "x"), NULL},
      {"so that its number is still the next", TRADE(16, "91250.01"), TRADE_LINE(16, "91250.01", "")},
      {"again", TRADE(16, "91250.01"), TRADE_LINE(16, "91250.01", " late")},
      {"a price of zero is none", TRADE(17, "0.00000000"), NULL},
      {"nor is one below", TRADE(17, "-1"), NULL},
      {"nor one beyond all bounds", TRADE(17, "99999999999999999999"), NULL},
      {"digits beyond the eighth are cut", TRADE(17, "1.123456789"), TRADE_LINE(17, "1.12345678", "")},
      {"aggregate", AGG(5, 100, 102), AGG_LINE(5, "")},
      {"next aggregate, trades in a row", AGG(6, 103, 103), AGG_LINE(6, "")},
      {"next aggregate, a trade between them missing", AGG(7, 105, 105), AGG_LINE(7, " gap missed=1")},
      {"depth begins", DEPTH(5, 9), "data; ids 5-9; bid at=9 qty=1"},
      {"depth goes on", DEPTH(10, 12), "data; ids 10-12; bid at=9 qty=1"},
      {"depth with a hole", DEPTH(15, 16), "data gap=2; ids 15-16; bid at=9 qty=1"},
      {"depth again", DEPTH(15, 16), "nothing"},
      {"depth backwards", DEPTH(18, 17), NULL},
      {"another symbol", "{\"u\":1,\"s\":\"DOGEUSDT\",\"b\":\"1\",\"B\":\"1\",\"a\":\"2\",\"A\":\"1\"}", "nothing"},
      {"off-book trades are no prices", "{\"e\":\"blockTrade\",\"E\":1,\"s\":\"BTCUSDT\",\"t\":1,\"p\":\"1\",\"q\":\"1\",\"T\":1,\"m\":true}", "nothing"},
      {"unknown event", "{\"e\":\"somethingNew\",\"x\":[1,2]}", "nothing"},
      {"nested error", "{\"error\":{\"code\":2,\"msg\":\"Invalid request\"},\"id\":1}", "error code=2 'request refused: Invalid request'"},
      {"a stream that is not in the list", "{\"result\":[\"btcusdt@trade\"],\"id\":3}", "error retry 'not subscribed: ethusdt@aggTrade'"},
      {"time of ten digits", "{\"e\":\"trade\",\"E\":1795186800,\"s\":\"BTCUSDT\",\"t\":18,\"p\":\"1\",\"q\":\"1\",\"T\":1795186800,\"m\":false}", NULL},
      {"no JSON", "hello", NULL},
      {"cut short", "{\"e\":\"trade\",\"E\":1", NULL},
      {"empty", "", "nothing"},
  };
  check_steps(codec_of(PMM_FEED_BINANCE), rows, COUNT_OF(rows));
}

#define MATCH(id) "{\"type\":\"match\",\"trade_id\":" #id ",\"side\":\"buy\",\"size\":\"1\",\"price\":\"7\",\"product_id\":\"BTC-USD\",\"sequence\":9,\"time\":\"2026-11-20T15:00:00Z\"}"
#define MATCH_LINE(id, rest) "data; trade 1 price=7 qty=1 sold seq=" #id rest " source=1795186800.000000000"
#define BEAT(last) "{\"type\":\"heartbeat\",\"sequence\":1,\"last_trade_id\":" #last ",\"product_id\":\"BTC-USD\",\"time\":\"2026-11-20T15:00:01Z\"}"
#define BEAT_LINE(rest) "data; beat 1" rest " source=1795186801.000000000; beat 0 source=1795186801.000000000; beat 2 source=1795186801.000000000"
#define TICKER(seq) "{\"type\":\"ticker\",\"sequence\":" #seq ",\"product_id\":\"BTC-USD\",\"price\":\"7\",\"best_bid\":\"6\",\"best_ask\":\"8\",\"side\":\"buy\",\"time\":\"2026-11-20T15:00:00Z\"}"

static void test_coinbase(void **state) {
  (void)state;
  static const step_t rows[] = {
      {"match", MATCH(5), MATCH_LINE(5, "")},
      {"a match is missing", MATCH(7), MATCH_LINE(7, " gap missed=1")},
      {"heartbeat in step", BEAT(7), BEAT_LINE("")},
      {"heartbeat ahead of us by two", BEAT(9), BEAT_LINE(" gap missed=2")},
      {"told once", BEAT(9), BEAT_LINE("")},
      {"a late match still counts as news", MATCH(8), MATCH_LINE(8, "")},
      {"ticker", TICKER(10), "data; top 0 price=7 bid=6 ask=8 seq=10 source=1795186800.000000000"},
      {"sequences skip", TICKER(15), "data; top 0 price=7 bid=6 ask=8 seq=15 source=1795186800.000000000"},
      {"and out of order is late", TICKER(12), "data; top 0 price=7 bid=6 ask=8 seq=12 late source=1795186800.000000000"},
      {"authentication", "{\"type\":\"error\",\"message\":\"Authentication Failed\"}", "error stop 'request refused: Authentication Failed'"},
      {"another product", "{\"type\":\"heartbeat\",\"sequence\":1,\"last_trade_id\":1,\"product_id\":\"X-Y\",\"time\":\"2026-11-20T15:00:01Z\"}", "nothing"},
      {"a change without a side", "{\"type\":\"l2update\",\"product_id\":\"BTC-USD\",\"time\":\"x\",\"changes\":[[\"hold\",\"1\",\"1\"]]}", NULL},
      {"a level without a size", "{\"type\":\"snapshot\",\"product_id\":\"BTC-USD\",\"bids\":[[\"1\"]],\"asks\":[]}", NULL},
  };
  check_steps(codec_of(PMM_FEED_COINBASE), rows, COUNT_OF(rows));
}

#define ADV(channel, seq, events) "{\"channel\":\"" channel "\",\"timestamp\":\"2026-11-20T15:00:00.5Z\",\"sequence_num\":" #seq ",\"events\":[" events "]}"
#define ADV_BEAT(n) "{\"current_time\":\"free text\",\"heartbeat_counter\":" n "}"
#define ALL_BEATS "; beat 0" AT "; beat 1" AT "; beat 2" AT "; beat 3" AT
#define AT " source=1795186800.500000000 send=1795186800.500000000"

static void test_advanced(void **state) {
  (void)state;
  static const step_t rows[] = {
      {"heartbeat, a number", ADV("heartbeats", 0, ADV_BEAT("5")), "data" ALL_BEATS},
      {"heartbeat, a string", ADV("heartbeats", 1, ADV_BEAT("\"6\"")), "data" ALL_BEATS},
      {"a frame of another channel is missing", ADV("heartbeats", 4, ADV_BEAT("7")), "data gap=2" ALL_BEATS},
      {"the same frame again", ADV("heartbeats", 4, ADV_BEAT("7")), "nothing"},
      {"a row of empty strings", ADV("ticker_batch", 5, "{\"type\":\"update\",\"tickers\":[{\"type\":\"ticker\",\"product_id\":\"BTC-USD\",\"price\":\"\"}]}"), "nothing"},
      {"empty after the last unsubscribe", ADV("subscriptions", 6, "{\"subscriptions\":{}}"), "ack"},
      {"no number", "{\"channel\":\"heartbeats\",\"timestamp\":\"2026-11-20T15:00:00.5Z\",\"events\":[]}", NULL},
      {"level without a price", ADV("l2_data", 7, "{\"type\":\"update\",\"product_id\":\"BTC-USD\",\"updates\":[{\"side\":\"bid\",\"new_quantity\":\"1\"}]}"), NULL},
      {"whose number is therefore still free", ADV("subscriptions", 7, "{\"subscriptions\":{}}"), "ack"},
  };
  check_steps(codec_of(PMM_FEED_COINBASE_ADVANCED), rows, COUNT_OF(rows));
}

#define UPDATE(topic, symbol, at, more) "{\"topic\":\"" topic "\",\"type\":\"update\",\"timestamp\":1795186801152,\"payload\":{\"symbol\":\"" symbol "\",\"timestamp\":" at ",\"value\":5.25" more "}}"
#define SPOT_LINE "; spot 1 price=5.25 seq=1795186801000"
#define RTDS_AT " source=1795186801.000000000 send=1795186801.152000000"

static void test_rtds(void **state) {
  (void)state;
  static const step_t rows[] = {
      {"a value without its accurate text", UPDATE("crypto_prices_chainlink", "btc/usd", "1795186801000", ""), "data" SPOT_LINE RTDS_AT},
      {"again; and the time as a string", UPDATE("crypto_prices_chainlink", "btc/usd", "\"1795186801000\"", ""), "data" SPOT_LINE " late" RTDS_AT},
      {"a frame that is a list", "[" UPDATE("crypto_prices", "btcusdt", "1795186801000", "") "," UPDATE("crypto_prices", "ethusdt", "1795186801000", "") "]",
       "data; trade 0 price=5.25 bought seq=1795186801000" RTDS_AT},
      {"a symbol that is not ours", UPDATE("crypto_prices_chainlink", "eth/usd", "1795186801000", ""), "nothing"},
      {"an average over another window", UPDATE("crypto_prices_twap_sixty", "btc/usd", "1795186801000", ",\"window_s\":30"), NULL},
      {"a scaled value with a point", UPDATE("crypto_prices_chainlink", "btc/usd", "1795186802000", ",\"full_accuracy_value\":\"5.25\""), NULL},
      {"unknown topic", UPDATE("comments", "btc/usd", "1795186801000", ""), "nothing"},
      {"pong", "pong", "pong"},
      {"a word", "what?", NULL},
  };
  check_steps(codec_of(PMM_FEED_RTDS), rows, COUNT_OF(rows));
}

#define BOLT(seq, more, payload) "{\"v\":1,\"channel\":\"price.crypto.twap\",\"seq\":" #seq ",\"ts\":1795186801152" more ",\"payload\":{\"symbol\":\"btcusd\",\"window_seconds\":60" payload "}}"
#define POINT ",\"value\":5.25,\"timestamp\":1795186801000"
#define TWAP_LINE "; twap 0 price=5.25 seq=1795186801000"

static void test_polybolt(void **state) {
  (void)state;
  static const step_t rows[] = {
      {"first", BOLT(3, "", POINT ",\"source\":\"chainlink\""), "data" TWAP_LINE RTDS_AT},
      {"hole", BOLT(6, "", POINT), "data gap=2" TWAP_LINE " late" RTDS_AT},
      {"the server dropped some", BOLT(7, ",\"dropped\":4", POINT), "data gap=4" TWAP_LINE " late" RTDS_AT},
      {"another provider", BOLT(8, "", POINT ",\"source\":\"pyth\""), "error 'prices come from another provider: pyth'"},
      {"another version", "{\"v\":2,\"channel\":\"price.crypto\",\"seq\":1,\"ts\":1795186801152,\"payload\":{}}", NULL},
      {"another channel", "{\"v\":2,\"channel\":\"price.equity\",\"seq\":1}", "nothing"},
      {"an average without its window", "{\"v\":1,\"channel\":\"price.crypto.twap\",\"seq\":9,\"ts\":1795186801152,\"payload\":{\"symbol\":\"btcusd\"" POINT "}}", NULL},
      {"refused for good", "{\"op\":\"error\",\"code\":\"auth_invalid\"}", "error stop 'request refused: auth_invalid'"},
      {"refused for now", "{\"op\":\"error\",\"code\":\"auth_unavailable\"}", "error auth 'request refused: auth_unavailable'"},
      {"our mistake, and the connection stays", "{\"op\":\"error\",\"code\":\"bad_filter\",\"channel\":\"price.crypto\"}", "error 'request refused: bad_filter'"},
  };
  check_steps(codec_of(PMM_FEED_POLYBOLT), rows, COUNT_OF(rows));
}

#define INDEX(sid, seq, id, data, more) "{\"type\":\"cfbenchmarks_value\",\"sid\":" #sid ",\"seq\":" #seq ",\"msg\":{\"index_id\":\"" id "\",\"received_at\":1795186805023,\"data\":\"" data "\"" more "}}"
#define VALUE(id) "{\\\"type\\\":\\\"value\\\",\\\"id\\\":\\\"" id "\\\",\\\"time\\\":1795186805000,\\\"value\\\":\\\"7.5\\\"}"
#define MEAN(cnt) ",\"last_60s_windowed_average_15min\":{\"value\":\"6.5\",\"window_size\":" #cnt ",\"window_start_ts_ms\":1795186800000,\"window_end_ts_exclusive\":1795186860000}"
#define INDEX_LINE "; spot 0 price=7.5 seq=1795186805000"
#define INDEX_AT " source=1795186805.000000000 send=1795186805.023000000"

static void test_kalshi_index(void **state) {
  (void)state;
  static const step_t rows[] = {
      {"subscribed, number at the top", "{\"type\":\"subscribed\",\"id\":1,\"sid\":7,\"msg\":{\"channel\":\"cfbenchmarks_value\"}}", "ack"},
      {"value", INDEX(7, 1, "BRTI", VALUE("BRTI"), ""), "data" INDEX_LINE INDEX_AT},
      {"an answer is numbered too", "{\"type\":\"ok\",\"id\":3,\"sid\":7,\"seq\":2,\"msg\":{}}", "ack"},
      {"so nothing is missing here", INDEX(7, 3, "BRTI", VALUE("BRTI"), MEAN(5)),
       "data" INDEX_LINE " late" INDEX_AT "; mean 0 price=6.5 cnt=5 seq=1795186805000" INDEX_AT " start=1795186800.000000000 end=1795186860.000000000"},
      {"nothing in the window yet", INDEX(7, 4, "BRTI", VALUE("BRTI"), MEAN(0)), "data" INDEX_LINE " late" INDEX_AT},
      {"more than a minute", INDEX(7, 5, "BRTI", VALUE("BRTI"), MEAN(61)), NULL},
      {"two are missing", INDEX(7, 7, "BRTI", VALUE("BRTI"), ""), "data gap=2" INDEX_LINE " late" INDEX_AT},
      {"a subscription has its own numbers", INDEX(8, 1, "BRTI", VALUE("BRTI"), ""), "data" INDEX_LINE " late" INDEX_AT},
      {"a value of another index inside", INDEX(7, 8, "BRTI", VALUE("SOLUSD_RTI"), ""), NULL},
      {"no JSON inside", INDEX(7, 8, "BRTI", "7.5", ""), NULL},
      {"an index that is not ours", INDEX(7, 8, "SOLUSD_RTI", VALUE("SOLUSD_RTI"), ""), "nothing"},
      {"error", "{\"type\":\"error\",\"id\":1,\"msg\":{\"code\":6,\"msg\":\"Params required\"}}", "error code=6 'request refused: Params required'"},
  };
  check_steps(codec_of(PMM_FEED_KALSHI_INDEX), rows, COUNT_OF(rows));
}

/* -- what we send -- */

static void test_hello(void **state) {
  (void)state;
  static const pmm_feed_stream_t mixed[] = {{PMM_CHANNEL_TOP, 0, "BTC-USD"}, {PMM_CHANNEL_TOP, 0, "ETH-USD"}, {PMM_CHANNEL_TRADE, 0, "BTC-USD"}};
  static const pmm_feed_stream_t uniform[] = {{PMM_CHANNEL_TOP, 0, "BTC-USD"}, {PMM_CHANNEL_TRADE, 0, "BTC-USD"}};
#define OF(feed, list, ...) {__VA_ARGS__}, feed, list, COUNT_OF(list)
  static const struct { const char *why; pmm_feed_codec_config_t config; int feed; const pmm_feed_stream_t *stream; size_t cnt; const char *url; const char *frame[4]; bool wait0; } rows[] = {
      {"binance, streams in the URL", OF(PMM_FEED_BINANCE, BINANCE_TWO, .microseconds = true), "wss://h/stream?streams=btcusdt@trade/btcusdt@bookTicker&timeUnit=MICROSECOND",
       {"{\"method\":\"LIST_SUBSCRIPTIONS\",\"id\":3}"}, false},
      {"binance, by message", OF(PMM_FEED_BINANCE, BINANCE_TWO, .by_message = true), "wss://h/ws",
       {"{\"method\":\"SUBSCRIBE\",\"params\":[\"btcusdt@trade\",\"btcusdt@bookTicker\"],\"id\":1}", "{\"method\":\"LIST_SUBSCRIPTIONS\",\"id\":3}"}, false},
      {"coinbase, one list of products", OF(PMM_FEED_COINBASE, uniform, .feed = 0), "wss://h",
       {"{\"type\":\"subscribe\",\"product_ids\":[\"BTC-USD\"],\"channels\":[\"ticker\",\"matches\",\"heartbeat\"]}"}, false},
      {"coinbase, a list for each channel", OF(PMM_FEED_COINBASE, mixed, .feed = 0), "wss://h",
       {"{\"type\":\"subscribe\",\"channels\":[{\"name\":\"ticker\",\"product_ids\":[\"BTC-USD\",\"ETH-USD\"]},{\"name\":\"matches\",\"product_ids\":[\"BTC-USD\"]},"
        "{\"name\":\"heartbeat\",\"product_ids\":[\"BTC-USD\",\"ETH-USD\"]}]}"}, false},
      {"advanced, a message per channel", OF(PMM_FEED_COINBASE_ADVANCED, mixed, .feed = 0), "wss://h",
       {"{\"type\":\"subscribe\",\"product_ids\":[\"BTC-USD\",\"ETH-USD\"],\"channel\":\"ticker\"}", "{\"type\":\"subscribe\",\"product_ids\":[\"BTC-USD\"],\"channel\":\"market_trades\"}",
        "{\"type\":\"subscribe\",\"channel\":\"heartbeats\"}"}, false},
      {"rtds, a frame per topic", OF(PMM_FEED_RTDS, RTDS, .feed = 0), "wss://h",
       {"{\"action\":\"subscribe\",\"subscriptions\":[{\"topic\":\"crypto_prices\",\"type\":\"update\"}]}", "{\"action\":\"subscribe\",\"subscriptions\":[{\"topic\":\"crypto_prices_chainlink\",\"type\":\"update\"}]}",
        "{\"action\":\"subscribe\",\"subscriptions\":[{\"topic\":\"crypto_prices_twap_sixty\",\"type\":\"update\"}]}",
        "{\"action\":\"subscribe\",\"subscriptions\":[{\"topic\":\"crypto_prices_twap_thirty\",\"type\":\"update\"}]}"}, false},
      {"polybolt, the credential first", OF(PMM_FEED_POLYBOLT, POLYBOLT, .login = {"00000000-0000-4000-8000-000000000000", "dGVzdC1zZWNyZXQ=", "test-passphrase"}), "wss://h",
       {"{\"op\":\"auth\",\"rid\":\"a1\",\"auth\":{\"apiKey\":\"00000000-0000-4000-8000-000000000000\",\"secret\":\"dGVzdC1zZWNyZXQ=\",\"passphrase\":\"test-passphrase\"}}",
        "{\"op\":\"subscribe\",\"rid\":\"s1\",\"subscriptions\":[{\"channel\":\"price.crypto.twap\",\"filter\":{\"symbol\":\"btcusd\",\"window_seconds\":60}},"
        "{\"channel\":\"price.crypto\",\"filter\":{\"symbol\":\"btcusd\",\"provider\":\"chainlink\"}},"
        "{\"channel\":\"price.polymarket\",\"filter\":{\"asset_id\":\"71321045679252212594626385532706912750332728571942532289631379312455583992563\"}}]}"}, true},
      {"kalshi, a subscription per channel", OF(PMM_FEED_KALSHI_INDEX, KALSHI, .feed = 0), "wss://h",
       {"{\"id\":1,\"cmd\":\"subscribe\",\"params\":{\"channels\":[\"cfbenchmarks_value\"],\"index_ids\":[\"BRTI\",\"ETHUSD_RTI\"]}}",
        "{\"id\":2,\"cmd\":\"subscribe\",\"params\":{\"channels\":[\"cfbenchmarks_value_5hz\"],\"index_ids\":[\"BRTI\"]}}"}, false}};
  static char buf[PMM_FEED_OUT_MAX];
  for (size_t i = 0; i < COUNT_OF(rows); i++) {
    pmm_feed_codec_config_t config = rows[i].config;
    config.feed = (uint8_t)rows[i].feed;
    pmm_feed_codec_t *const c = feed_codec(config, rows[i].stream, rows[i].cnt);
    assert_int_equal(pmm_feed_url(c, "wss://h", buf, sizeof buf), PMM_OK);
    assert_string_equal(buf, rows[i].url);
    size_t len, n = 0;
    bool wait;
    for (; n < 4 && rows[i].frame[n]; n++) {
      assert_int_equal(pmm_feed_hello(c, n, buf, sizeof buf, &len, &wait), PMM_OK);
      assert_string_equal(buf, rows[i].frame[n]);
      assert_int_equal(len, strlen(buf));
      assert_int_equal(wait, n == 0 && rows[i].wait0);
      assert_int_equal(pmm_feed_hello(c, n, buf, len, &len, &wait), PMM_FULL); /* no room for the NUL */
    }
    assert_int_equal(pmm_feed_hello(c, n, buf, sizeof buf, &len, &wait), PMM_END);
    assert_int_equal(pmm_feed_ping(c, buf, sizeof buf, &len), rows[i].feed == PMM_FEED_RTDS ? PMM_OK : PMM_END);
    pmm_feed_codec_close(c);
  }
}

static void test_filtered(void **state) {
  (void)state;
  pmm_feed_codec_t *const c = feed_codec((pmm_feed_codec_config_t){.feed = PMM_FEED_RTDS, .filtered = true}, RTDS + 2, 1);
  static char buf[PMM_FEED_OUT_MAX];
  size_t len;
  bool wait;
  assert_int_equal(pmm_feed_hello(c, 0, buf, sizeof buf, &len, &wait), PMM_OK);
  assert_string_equal(buf, "{\"action\":\"subscribe\",\"subscriptions\":[{\"topic\":\"crypto_prices_twap_sixty\",\"type\":\"update\",\"filters\":\"{\\\"symbol\\\":\\\"btc/usd\\\"}\"}]}");
  assert_int_equal(pmm_feed_goodbye(c, 0, buf, sizeof buf, &len), PMM_OK);
  assert_memory_equal(buf, "{\"action\":\"unsubscribe\"", 23);
  pmm_feed_codec_close(c);
}

static void test_refused(void **state) {
  (void)state;
  static const struct { const char *why; int feed; pmm_feed_stream_t stream; } rows[] = {
      {"lower case is for stream names", PMM_FEED_BINANCE, {PMM_CHANNEL_TRADE, 0, "btcusdt"}},
      {"no such candle", PMM_FEED_BINANCE, {PMM_CHANNEL_CANDLE, 7, "BTCUSDT"}},
      {"no oracle there", PMM_FEED_BINANCE, {PMM_CHANNEL_SPOT, 0, "BTCUSDT"}},
      {"a product has a dash", PMM_FEED_COINBASE, {PMM_CHANNEL_TOP, 0, "BTCUSD"}},
      {"depth without room", PMM_FEED_COINBASE, {PMM_CHANNEL_DEPTH, 0, "BTC-USD"}},
      {"quote in a symbol", PMM_FEED_COINBASE, {PMM_CHANNEL_TOP, 0, "BTC-\"USD"}},
      {"slash", PMM_FEED_POLYBOLT, {PMM_CHANNEL_TWAP, 60, "btc/usd"}},
      {"upper case", PMM_FEED_POLYBOLT, {PMM_CHANNEL_TWAP, 60, "BTCUSD"}},
      {"the other socket's name", PMM_FEED_POLYBOLT, {PMM_CHANNEL_SPOT, 0, "btcusdt"}},
      {"no such window", PMM_FEED_POLYBOLT, {PMM_CHANNEL_TWAP, 30, "btcusd"}},
      {"no slash", PMM_FEED_RTDS, {PMM_CHANNEL_TWAP, 60, "btcusd"}},
      {"lower case", PMM_FEED_KALSHI_INDEX, {PMM_CHANNEL_INDEX, 0, "brti"}},
      {"empty", PMM_FEED_KALSHI_INDEX, {PMM_CHANNEL_INDEX, 0, ""}}};
  for (size_t i = 0; i < COUNT_OF(rows); i++) {
    pmm_feed_codec_t *c = NULL;
    pmm_error_t err = {0};
    pmm_feed_codec_config_t const config = {.feed = (uint8_t)rows[i].feed, .stream = &rows[i].stream, .stream_cnt = 1};
    if (pmm_feed_codec_open(&c, &config, &err) != PMM_INVAL || c || !err.text[0]) fail_msg("%s: taken", rows[i].why);
  }
}

static void test_closes(void **state) {
  (void)state;
  static const struct { pmm_feed_source_t feed; int code, http; pmm_feed_advice_t want; } rows[] = {
      {PMM_FEED_BINANCE, 1006, 451, PMM_ADVICE_STOP}, {PMM_FEED_BINANCE, 1006, 429, PMM_ADVICE_LATER}, {PMM_FEED_BINANCE, 1006, 0, PMM_ADVICE_RETRY},
      {PMM_FEED_BINANCE, 1008, 0, PMM_ADVICE_LATER},  {PMM_FEED_POLYBOLT, 4001, 0, PMM_ADVICE_STOP},   {PMM_FEED_POLYBOLT, 4002, 0, PMM_ADVICE_LATER},
      {PMM_FEED_POLYBOLT, 4003, 0, PMM_ADVICE_SOON},  {PMM_FEED_POLYBOLT, 4008, 0, PMM_ADVICE_STOP},   {PMM_FEED_RTDS, 4001, 0, PMM_ADVICE_RETRY},
      {PMM_FEED_KALSHI_INDEX, 1006, 401, PMM_ADVICE_STOP}, {PMM_FEED_KALSHI_INDEX, 1006, 502, PMM_ADVICE_RETRY}};
  for (size_t i = 0; i < COUNT_OF(rows); i++) assert_int_equal(pmm_feed_on_close(rows[i].feed, rows[i].code, rows[i].http), rows[i].want);
}

/* A frame longer than the parsers were warmed for, and one with more points than a frame may hold. */
static void test_large(void **state) {
  (void)state;
  static const char head[] = "{\"topic\":\"crypto_prices\",\"type\":\"subscribe\",\"timestamp\":1795186800640,\"payload\":{\"symbol\":\"btcusdt\",\"data\":[";
  static const struct { size_t points; pmm_status_t want; } rows[] = {{4096, PMM_OK}, {4097, PMM_FULL}};
  for (size_t i = 0; i < COUNT_OF(rows); i++) {
    char *const text = malloc(rows[i].points * 64 + 1024);
    size_t len = (size_t)sprintf(text, "%s", head);
    for (size_t k = 0; k < rows[i].points; k++) len += (size_t)sprintf(text + len, "%s{\"timestamp\":%llu,\"value\":1.5}", k ? "," : "", 1795186000000ull + k * 1000);
    sprintf(text + len, "]}}");
    pmm_feed_codec_t *const c = codec_of(PMM_FEED_RTDS);
    pmm_feed_frame_t frame;
    pmm_error_t err;
    assert_int_equal(feed_decode(c, text, &frame, &err), rows[i].want);
    if (rows[i].want == PMM_OK) assert_int_equal(frame.tick_cnt, rows[i].points);
    pmm_feed_codec_close(c);
    free(text);
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(test_samples),  cmocka_unit_test(test_binance),      cmocka_unit_test(test_coinbase), cmocka_unit_test(test_advanced),
                                     cmocka_unit_test(test_rtds),     cmocka_unit_test(test_polybolt),     cmocka_unit_test(test_kalshi_index), cmocka_unit_test(test_hello),
                                     cmocka_unit_test(test_filtered), cmocka_unit_test(test_refused),      cmocka_unit_test(test_closes),   cmocka_unit_test(test_large)};
  return cmocka_run_group_tests_name("feed codecs", tests, NULL, NULL);
}
