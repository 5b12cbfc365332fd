/* bench_feed [N] -- price feeds: ns per message, N (default 200 000) messages of each kind: from a frame's bytes to ticks, and from there to the checked
   price. One JSON object per line. Frames are those of the feeds' documentation with numbers that go on. ns_per_message_min is of the quickest of
   20 parts: on a busy machine that says more. The hash is of the prices and depends on N only. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include "base/json.h"
#include "pmm/feed.h"
#include "pmm/hash.h"

#define FRAME_MAX 1536
#define FRAMES 1000 /* made beforehand, gone through again and again: counters start afresh with each round */
#define PARTS 20
#define T0_MS INT64_C(1795186800000)

static double now_ns(void) {
  struct timespec ts;
  clock_gettime(CLOCK_MONOTONIC, &ts);
  return (double)ts.tv_sec * 1e9 + (double)ts.tv_nsec;
}

_Noreturn static void die(const char *what) {
  fprintf(stderr, "bench_feed: %s\n", what);
  exit(1);
}

typedef struct kind { const char *name; pmm_feed_source_t feed; pmm_feed_stream_t stream; int (*frame)(char *buf, int n); } kind_t;

static int frame_top(char *b, int n) {
  return snprintf(b, FRAME_MAX, "{\"stream\":\"btcusdt@bookTicker\",\"data\":{\"u\":%d,\"s\":\"BTCUSDT\",\"b\":\"91250.%02d000000\",\"B\":\"3.20110000\",\"a\":\"91251.%02d000000\",\"A\":\"1.04400000\"}}", n + 1, n % 100, n % 100);
}
static int frame_trade(char *b, int n) {
  return snprintf(b, FRAME_MAX, "{\"stream\":\"btcusdt@trade\",\"data\":{\"e\":\"trade\",\"E\":%" PRId64 ",\"s\":\"BTCUSDT\",\"t\":%d,\"p\":\"91250.%02d000000\",\"q\":\"0.00150000\",\"T\":%" PRId64 ",\"m\":false,\"M\":true}}", T0_MS + n, n + 1, n % 100, T0_MS + n);
}
static int frame_ticker(char *b, int n) {
  return snprintf(b, FRAME_MAX, "{\"type\":\"ticker\",\"sequence\":%d,\"product_id\":\"BTC-USD\",\"price\":\"91228.%02d\",\"open_24h\":\"90410.12\",\"volume_24h\":\"7421.18830412\",\"low_24h\":\"89977.01\",\"high_24h\":\"91610.00\",\"volume_30d\":\"241880.10277731\",\"best_bid\":\"91228.%02d\",\"best_bid_size\":\"0.25\",\"best_ask\":\"91229.%02d\",\"best_ask_size\":\"0.1\",\"side\":\"buy\",\"time\":\"2026-11-20T15:00:00.412345Z\",\"trade_id\":912004501,\"last_size\":\"0.0125\"}", n + 1, n % 100, n % 100, n % 100);
}
static int frame_advanced(char *b, int n) {
  return snprintf(b, FRAME_MAX, "{\"channel\":\"market_trades\",\"timestamp\":\"2026-11-20T15:00:00.500417219Z\",\"sequence_num\":%d,\"events\":[{\"type\":\"update\",\"trades\":[{\"trade_id\":\"%d\",\"product_id\":\"BTC-USD\",\"price\":\"91228.%02d\",\"size\":\"0.003\",\"side\":\"BUY\",\"time\":\"2026-11-20T15:00:00.477001Z\"}]}]}", n, n + 1, n % 100);
}
static int frame_rtds(char *b, int n) {
  return snprintf(b, FRAME_MAX, "{\"connection_id\":\"kQ2xS1Fz0AEbQwA=\",\"payload\":{\"full_accuracy_value\":\"912268173456091%02d0000000\",\"symbol\":\"btc/usd\",\"timestamp\":%" PRId64 ",\"value\":91226.81734560912},\"timestamp\":%" PRId64 ",\"topic\":\"crypto_prices_chainlink\",\"type\":\"update\"}", n % 100, T0_MS + n * 1000, T0_MS + n * 1000 + 1447);
}
static int frame_polybolt(char *b, int n) {
  return snprintf(b, FRAME_MAX, "{\"v\":1,\"channel\":\"price.crypto\",\"seq\":%d,\"ts\":%" PRId64 ",\"payload\":{\"symbol\":\"btcusd\",\"value\":91219.4,\"full_accuracy_value\":\"91219.%02d2817734428059648\",\"timestamp\":%" PRId64 ",\"source\":\"chainlink\"}}", n + 1, T0_MS + n * 1000, n % 100, T0_MS + n * 1000);
}
static int frame_kalshi(char *b, int n) {
  return snprintf(b, FRAME_MAX, "{\"type\":\"cfbenchmarks_value\",\"sid\":1,\"seq\":%d,\"msg\":{\"index_id\":\"BRTI\",\"received_at\":%" PRId64 ",\"data\":\"{\\\"type\\\":\\\"value\\\",\\\"id\\\":\\\"BRTI\\\",\\\"time\\\":%" PRId64 ",\\\"value\\\":\\\"91227.%02d\\\"}\",\"avg_60s_data\":{\"value\":\"91219.88120000\",\"window_size\":60,\"window_start_ts_ms\":1795186745000,\"window_end_ts_exclusive\":1795186805000}}}", n + 1, T0_MS + n * 1000 + 23, T0_MS + n * 1000, n % 100);
}

static const kind_t KINDS[] = {
    {"binance bookTicker", PMM_FEED_BINANCE, {PMM_CHANNEL_TOP, 0, "BTCUSDT"}, frame_top},
    {"binance trade", PMM_FEED_BINANCE, {PMM_CHANNEL_TRADE, 0, "BTCUSDT"}, frame_trade},
    {"coinbase ticker", PMM_FEED_COINBASE, {PMM_CHANNEL_TOP, 0, "BTC-USD"}, frame_ticker},
    {"coinbase_advanced market_trades", PMM_FEED_COINBASE_ADVANCED, {PMM_CHANNEL_TRADE, 0, "BTC-USD"}, frame_advanced},
    {"rtds crypto_prices_chainlink", PMM_FEED_RTDS, {PMM_CHANNEL_SPOT, 0, "btc/usd"}, frame_rtds},
    {"polybolt price.crypto", PMM_FEED_POLYBOLT, {PMM_CHANNEL_SPOT, 0, "btcusd"}, frame_polybolt},
    {"kalshi_index cfbenchmarks_value", PMM_FEED_KALSHI_INDEX, {PMM_CHANNEL_INDEX, 0, "BRTI"}, frame_kalshi}};

static char frame[FRAMES][FRAME_MAX + PMM_JSON_PAD];
static size_t frame_len[FRAMES];

static uint64_t decode_all(pmm_feed_codec_t *codec, long cnt, uint64_t hash) {
  pmm_error_t err;
  for (long i = 0; i < cnt; i++) {
    pmm_feed_frame_t f;
    if (i % FRAMES == 0) pmm_feed_codec_reset(codec);
    if (pmm_feed_decode(codec, frame[i % FRAMES], frame_len[i % FRAMES], &f, &err) != PMM_OK) die(err.text);
    if (f.tick_cnt == 0 || f.gap) die("a frame without news");
    hash = pmm_hash_mix(hash, (uint64_t)(f.tick[0].price_e8 + f.tick[0].bid_e8));
  }
  return hash;
}

static void report(const char *what, const char *kind, long cnt, double total_ns, double best_ns, size_t bytes, uint64_t hash) {
  printf("{\"bench\":\"feed\",\"what\":\"%s\",\"kind\":\"%s\",\"messages\":%ld,\"bytes\":%zu,\"ns_per_message\":%.1f,\"ns_per_message_min\":%.1f,\"hash\":\"%016" PRIx64 "\"}\n", what, kind, cnt, bytes,
         total_ns / (double)cnt, best_ns, hash);
}

static void run_kind(const kind_t *k, long cnt) {
  pmm_feed_codec_config_t const config = {.feed = (uint8_t)k->feed, .stream = &k->stream, .stream_cnt = 1};
  pmm_feed_codec_t *codec;
  pmm_error_t err;
  if (pmm_feed_codec_open(&codec, &config, &err) != PMM_OK) die(err.text);
  size_t bytes = 0;
  for (int i = 0; i < FRAMES; i++) {
    memset(frame[i], 0, sizeof frame[i]);
    frame_len[i] = (size_t)k->frame(frame[i], i);
    bytes += frame_len[i];
  }
  double total = 0, best = 1e300;
  uint64_t hash = 0;
  long const part = cnt / PARTS > 0 ? cnt / PARTS : 1;
  for (int p = 0; p < PARTS; p++) {
    double const start = now_ns();
    hash = decode_all(codec, part, hash);
    double const took = now_ns() - start;
    total += took;
    if (took / (double)part < best) best = took / (double)part;
  }
  report("decode", k->name, part * PARTS, total, best, bytes / FRAMES, hash);
  pmm_feed_codec_close(codec);
}

/* Four sources in turn, a tick each 10 ms, a question after each. */
static void run_merge(long cnt) {
  static pmm_merge_t m;
  pmm_merge_params_t const params = {.max_dev_bps = 50, .quorum = 2, .basis_half_life_s = 60, .jump_sigma = 12, .jump_hold_ns = 500 * PMM_NS_PER_MS, .clock_drift_ns = 250 * PMM_NS_PER_MS};
  pmm_merge_source_config_t source[4];
  for (int i = 0; i < 4; i++) source[i] = (pmm_merge_source_config_t){.limits = pmm_feed_limits(PMM_FEED_COINBASE, PMM_CHANNEL_TOP), .foreign = i == 0, .reference = i == 1};
  if (pmm_merge_init(&m, &params, source, 4) != PMM_OK) die("merge");
  for (uint32_t i = 0; i < 4; i++) pmm_merge_link(&m, i, true, 0);
  double total = 0, best = 1e300;
  uint64_t hash = 0;
  long const part = cnt / PARTS > 0 ? cnt / PARTS : 1;
  long n = 0;
  for (int p = 0; p < PARTS; p++) {
    double const start = now_ns();
    for (long i = 0; i < part; i++, n++) {
      int64_t const at = n * 10 * PMM_NS_PER_MS;
      pmm_feed_tick_t const t = {.kind = PMM_TICK_TOP, .bid_e8 = INT64_C(9125000000000) + n % 97 * 1000000, .ask_e8 = INT64_C(9125100000000) + n % 97 * 1000000, .seq = (uint64_t)n + 1, .source_ns = T0_MS * PMM_NS_PER_MS + at};
      pmm_merged_t out;
      pmm_merge_tick(&m, (uint32_t)(n % 4), &t, at, T0_MS * PMM_NS_PER_MS + at + PMM_NS_PER_MS);
      (void)pmm_merge_price(&m, at, &out);
      hash = pmm_hash_mix(hash, (uint64_t)out.price_e8);
    }
    double const took = now_ns() - start;
    total += took;
    if (took / (double)part < best) best = took / (double)part;
  }
  report("merge", "tick to checked price, four sources", part * PARTS, total, best, sizeof(pmm_feed_tick_t), hash);
}

int main(int argc, char **argv) {
  char *end = NULL;
  long const cnt = argc > 1 ? strtol(argv[1], &end, 10) : 200000;
  if (cnt < 1 || argc > 2 || (end && *end)) die("usage: bench_feed [N], N > 0");
  for (size_t i = 0; i < sizeof KINDS / sizeof KINDS[0]; i++) run_kind(&KINDS[i], cnt);
  run_merge(cnt);
  return 0;
}
