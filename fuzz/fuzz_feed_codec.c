/* fuzz_feed_codec.c -- the six price feeds' codecs against arbitrary bytes: the first byte chooses the feed, lines are frames of one connection. A
   frame is understood or refused with its place; a refused one leaves the codec as it was: decoded again without
   it, the others give the same. Where the quick reader understands a frame, the full parser must read the same nodes. */
#include <stdlib.h>
#include <string.h>
#include "base/json.h"
#include "feed/codec.h"
#include "pmm/feed.h"

#define TEXT_MAX (1 << 20)

static const pmm_feed_stream_t STREAMS[PMM_FEED_CNT][5] = {
    [PMM_FEED_BINANCE] = {{PMM_CHANNEL_TRADE, 0, "BTCUSDT"}, {PMM_CHANNEL_AGG_TRADE, 0, "BTCUSDT"}, {PMM_CHANNEL_TOP, 0, "BTCUSDT"}, {PMM_CHANNEL_DEPTH, 0, "BTCUSDT"}, {PMM_CHANNEL_CANDLE, 1, "BTCUSDT"}},
    [PMM_FEED_COINBASE] = {{PMM_CHANNEL_TRADE, 0, "BTC-USD"}, {PMM_CHANNEL_TOP, 0, "BTC-USD"}, {PMM_CHANNEL_DEPTH, 0, "BTC-USD"}, {PMM_CHANNEL_TOP_SLOW, 0, "ETH-USD"}, {PMM_CHANNEL_TRADE, 0, "ETH-USD"}},
    [PMM_FEED_COINBASE_ADVANCED] = {{PMM_CHANNEL_TRADE, 0, "BTC-USD"}, {PMM_CHANNEL_TOP, 0, "BTC-USD"}, {PMM_CHANNEL_DEPTH, 0, "BTC-USD"}, {PMM_CHANNEL_TOP_SLOW, 0, "BTC-USD"}, {PMM_CHANNEL_TRADE, 0, "ETH-USD"}},
    [PMM_FEED_RTDS] = {{PMM_CHANNEL_RELAY, 0, "btcusdt"}, {PMM_CHANNEL_SPOT, 0, "btc/usd"}, {PMM_CHANNEL_TWAP, 60, "btc/usd"}, {PMM_CHANNEL_TWAP, 30, "btc/usd"}, {PMM_CHANNEL_SPOT, 0, "eth/usd"}},
    [PMM_FEED_POLYBOLT] = {{PMM_CHANNEL_SPOT, 0, "btcusd"}, {PMM_CHANNEL_TWAP, 60, "btcusd"}, {PMM_CHANNEL_TOKEN, 0, "123"}, {PMM_CHANNEL_SPOT, 0, "ethusd"}, {PMM_CHANNEL_TWAP, 60, "ethusd"}},
    [PMM_FEED_KALSHI_INDEX] = {{PMM_CHANNEL_INDEX, 0, "BRTI"}, {PMM_CHANNEL_INDEX, 0, "ETHUSD_RTI"}, {PMM_CHANNEL_INDEX_5HZ, 0, "BRTI"}, {PMM_CHANNEL_INDEX, 0, "SOLUSD_RTI"}, {PMM_CHANNEL_INDEX_5HZ, 0, "ETHUSD_RTI"}}};

static pmm_feed_codec_t *codec[PMM_FEED_CNT], *twin[PMM_FEED_CNT];
static char text[TEXT_MAX + PMM_JSON_PAD];
static pmm_merge_t merge;
static pmm_settle_series_t series;

static void open_all(void) {
  pmm_merge_source_config_t source[5] = {0};
  pmm_merge_params_t const params = {.max_dev_bps = 50, .quorum = 1, .basis_half_life_s = 60, .jump_sigma = 12, .jump_hold_ns = 500000000, .clock_drift_ns = 250000000};
  for (int i = 0; i < PMM_FEED_CNT; i++) {
    pmm_feed_codec_config_t const config = {.feed = (uint8_t)i, .stream = STREAMS[i], .stream_cnt = 5, .levels_max = 4096};
    if (pmm_feed_codec_open(&codec[i], &config, NULL) != PMM_OK || pmm_feed_codec_open(&twin[i], &config, NULL) != PMM_OK) abort();
  }
  for (int i = 0; i < 5; i++) source[i] = (pmm_merge_source_config_t){.limits = pmm_feed_limits(PMM_FEED_BINANCE, PMM_CHANNEL_TOP), .foreign = i == 0, .reference = i == 1};
  if (pmm_merge_init(&merge, &params, source, 5) != PMM_OK) abort();
  for (uint32_t i = 0; i < 5; i++) pmm_merge_link(&merge, i, true, 0);
}

static void check_tick(const pmm_feed_tick_t *t) {
  bool const priced = t->kind == PMM_TICK_TRADE || t->kind == PMM_TICK_SPOT || t->kind == PMM_TICK_TWAP || t->kind == PMM_TICK_MEAN || t->kind == PMM_TICK_CANDLE;
  if (t->stream >= 5 || t->kind > PMM_TICK_BEAT || (priced && t->price_e8 <= 0) || t->bid_e8 < 0 || t->ask_e8 < 0 || t->qty_e8 < 0 || t->window_cnt > 60) abort();
}

static void use(const pmm_feed_frame_t *f, int64_t now_ns) {
  pmm_merged_t merged;
  for (size_t i = 0; i < f->tick_cnt; i++) {
    check_tick(&f->tick[i]);
    pmm_merge_tick(&merge, f->tick[i].stream, &f->tick[i], now_ns, INT64_C(1795186800000000000) + now_ns);
    (void)pmm_settle_add(&series, f->tick[i].source_ns, f->tick[i].price_e8, now_ns);
  }
  for (size_t i = 0; i < f->level_cnt; i++)
    if (f->level[i].price_e8 <= 0 || f->level[i].qty_e8 < 0) abort();
  if ((pmm_merge_price(&merge, now_ns, &merged) == PMM_OK) != (merged.price_e8 > 0)) abort();
}

/* The twin sees only what the first one took. */
static void compare(pmm_feed_codec_t *other, size_t len, const pmm_feed_frame_t *a) {
  pmm_feed_frame_t b;
  if (pmm_feed_decode(other, text, len, &b, NULL) != PMM_OK || a->kind != b.kind || a->tick_cnt != b.tick_cnt || a->gap != b.gap || a->missed != b.missed) abort();
  for (size_t i = 0; i < a->tick_cnt; i++)
    if (a->tick[i].flags != b.tick[i].flags || a->tick[i].seq != b.tick[i].seq || a->tick[i].missed != b.tick[i].missed) abort();
}

static void compare_readers(size_t len) {
  static pmm_json_parser_t *json;
  static pmm_json_node_t quick[PMM__SCAN_NODES];
  static char copy[PMM__SCAN_COPY];
  const pmm_json_node_t *full;
  const char *why;
  size_t at;
  if (!json) json = pmm_json_new();
  if (!pmm__feed_scan(text, len, quick, copy)) return;
  if (pmm_json_parse(json, text, len, &full, &at, &why) != PMM_OK || full->span != quick->span) abort();
  for (uint32_t i = 0; i < full->span; i++)
    if (full[i].type != quick[i].type || full[i].len != quick[i].len || full[i].span != quick[i].span || full[i].at != quick[i].at || memcmp(full[i].text, quick[i].text, full[i].len) != 0) abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  if (!codec[0]) open_all();
  if (size < 2 || size > TEXT_MAX) return 0;
  int const feed = data[0] % PMM_FEED_CNT;
  pmm_feed_codec_reset(codec[feed]);
  pmm_feed_codec_reset(twin[feed]);
  pmm_settle_init(&series);
  int64_t now_ns = 0;
  for (const uint8_t *p = data + 1, *const end = data + size; p < end; now_ns += 100000000) {
    const uint8_t *const stop = memchr(p, '\n', (size_t)(end - p));
    size_t const len = (size_t)((stop ? stop : end) - p);
    pmm_feed_frame_t frame;
    pmm_error_t err = {0};
    memcpy(text, p, len);
    memset(text + len, 0, PMM_JSON_PAD);
    compare_readers(len);
    pmm_status_t const st = pmm_feed_decode(codec[feed], text, len, &frame, &err);
    if (st == PMM_OK) {
      use(&frame, now_ns);
      compare(twin[feed], len, &frame);
    } else if ((st != PMM_PARSE && st != PMM_FULL) || !strstr(err.text, "byte ")) abort();
    p += len + 1;
  }
  return 0;
}
