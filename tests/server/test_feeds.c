/* The adapter against the stand-in feeds, in virtual time: everything at once, known settlement values, and one thing going wrong after another. */
#include <math.h>
#include <unistd.h>
#include "base/check.h"
#include "pmm/clock.h"
#include "pmm/feed.h"
#include "pmm/kalshi.h"
#include "pmm/net.h"
#include "pmm/server.h"

#define S PMM_NS_PER_S
#define MS PMM_NS_PER_MS
#define T0 (INT64_C(1795186800) * S) /* 2026-11-20 15:00 UTC, 10 am in New York */
#define SECRET "do-not-tell-anyone-7261"
#define NOTES_MAX 512

static const char *const HOSTS[PMM_FEED_CNT] = {"binance", "coinbase", "advanced", "rtds", "polybolt", "kalshi"};
static const pmm_merge_params_t MERGE = {.max_dev_bps = 50, .quorum = 2, .basis_half_life_s = 60, .jump_sigma = 12, .jump_hold_ns = 500 * MS, .clock_drift_ns = 250 * MS, .single_ok = true};

typedef struct bench {
  pmm_net_t *net;
  pmm_feed_stand_t *stand;
  pmm_feeds_t *feeds;
  pmm_feed_params_t feed[PMM_FEEDS_MAX]; uint32_t feed_cnt;
  char key_file[64], polybolt_key[64];
  bool priced; uint32_t priced_cnt, unpriced_cnt;
  uint64_t md_cnt[PMM_FEEDS_MAX * 2], mean_cnt;
  int64_t last_e8[PMM_FEEDS_MAX * 2], last_source_ns[PMM_FEEDS_MAX * 2], mean_e8, worst_e6, went_back;
  pmm_notice_t note[NOTES_MAX]; size_t note_cnt;
} bench_t;

static const char *get_secret(void *ctx, const char *name) {
  const bench_t *const b = ctx;
  if (strcmp(name, "CLOB_API_KEY") == 0) return b->polybolt_key;
  if (strcmp(name, "CLOB_SECRET") == 0 || strcmp(name, "CLOB_PASS_PHRASE") == 0) return SECRET;
  if (strcmp(name, "KALSHI_API_KEY_ID") == 0) return "11111111-2222-3333-4444-555555555555";
  return strcmp(name, "KALSHI_PRIVATE_KEY_PATH") == 0 ? b->key_file : NULL;
}

static void on_md(void *ctx, const pmm_md_t *md, size_t cnt) {
  bench_t *const b = ctx;
  for (size_t i = 0; i < cnt; i++) {
    assert_true(md[i].market < COUNT_OF(b->md_cnt) && md[i].qty_e6 > 0 && md[i].recv_ns == pmm_net_now(b->net));
    if (md[i].kind == PMM_MD_SETTLE_MEAN) {
      b->mean_cnt++;
      b->mean_e8 = md[i].qty_e6;
      continue;
    }
    assert_int_equal(md[i].kind, PMM_MD_UNDERLYING);
    b->went_back += md[i].exch_ns != PMM_TIME_NONE && md[i].exch_ns < b->last_source_ns[md[i].market];
    b->md_cnt[md[i].market]++;
    b->last_e8[md[i].market] = md[i].qty_e6;
    b->last_source_ns[md[i].market] = md[i].exch_ns;
  }
}

static void on_priced(void *ctx, uint32_t underlying, bool priced, const char *why) {
  bench_t *const b = ctx;
  (void)underlying, (void)why;
  b->priced = priced;
  if (priced) b->priced_cnt++;
  else b->unpriced_cnt++;
}

static void on_notice(void *ctx, const pmm_notice_t *n) {
  bench_t *const b = ctx;
  if (getenv("PMM_TELL")) printf("%lld %s %s: %s\n", (long long)((n->at_ns - T0) / MS), n->source, n->code, n->text);
  assert_null(strstr(n->text, SECRET));
  if (b->note_cnt < NOTES_MAX) b->note[b->note_cnt++] = *n;
}

static size_t notes(const bench_t *b, const char *source, const char *code) {
  size_t cnt = 0;
  for (size_t i = 0; i < b->note_cnt; i++) cnt += strcmp(b->note[i].source, source) == 0 && strcmp(b->note[i].code, code) == 0;
  return cnt;
}

static void write_key(bench_t *b, char *public_pem) {
  char pem[PMM_KALSHI_PEM_BUF];
  pmm_kalshi_key_t *key;
  assert_int_equal(pmm_kalshi_key_generate(&key, true, NULL), PMM_OK);
  assert_int_equal(pmm_kalshi_key_pem(key, true, pem, sizeof pem), PMM_OK);
  assert_int_equal(pmm_kalshi_key_pem(key, false, public_pem, PMM_KALSHI_PEM_BUF), PMM_OK);
  pmm_kalshi_key_free(key);
  snprintf(b->key_file, sizeof b->key_file, "/tmp/pmm-test-feeds-XXXXXX");
  int const fd = mkstemp(b->key_file);
  assert_true(fd >= 0 && write(fd, pem, strlen(pem)) == (ssize_t)strlen(pem));
  close(fd);
}

/* start: wall time of the stand-ins and the network. script NULL: a walk. */
static bench_t *set_up(int64_t start_ns, const char *script) {
  bench_t *const b = calloc(1, sizeof *b);
  static char public_pem[PMM_KALSHI_PEM_BUF];
  pmm_error_t err;
  write_key(b, public_pem);
  snprintf(b->polybolt_key, sizeof b->polybolt_key, "key-1");
  pmm_vnet_config_t const net = {.start_ns = start_ns, .seed = 5, .latency_ns = 5 * MS, .jitter_ns = 3 * MS};
  pmm_feed_stand_params_t const params = {.seed = 7, .start_ns = start_ns, .script = script, .polybolt_key = "key-1", .polybolt_secret = SECRET, .polybolt_passphrase = SECRET,
                                          .kalshi_public_pem = public_pem};
  assert_int_equal(pmm_vnet_open(&b->net, &net, &err), PMM_OK);
  if (pmm_feed_stand_open(&b->stand, &params, &err) != PMM_OK) fail_msg("%s", err.text);
  for (int i = 0; i < PMM_FEED_CNT; i++) assert_int_equal(pmm_vnet_host(b->net, HOSTS[i], pmm_feed_stand_service(b->stand, (pmm_feed_source_t)i), &err), PMM_OK);
  return b;
}

static pmm_feed_params_t *add(bench_t *b, pmm_feed_source_t source, const char *symbol, const char *channel) {
  pmm_feed_params_t *const p = &b->feed[b->feed_cnt++];
  *p = (pmm_feed_params_t){.source = source};
  snprintf(p->url, sizeof p->url, "wss://%s%s", HOSTS[source], source == PMM_FEED_KALSHI_INDEX ? "/trade-api/ws/v2" : "");
  snprintf(p->symbol, sizeof p->symbol, "%s", symbol);
  snprintf(p->channel, sizeof p->channel, "%s", channel);
  snprintf(p->underlying, sizeof p->underlying, "BTC");
  return p;
}

static pmm_status_t try_open(bench_t *b, bool raw, pmm_error_t *err) {
  pmm_feeds_config_t const config = {.feed = b->feed, .feed_cnt = b->feed_cnt, .merge = &MERGE, .secrets = {get_secret, b}, .raw = raw};
  pmm_feed_sink_t const sink = {.ctx = b, .md = on_md, .priced = on_priced, .notices = {on_notice, b}};
  return pmm_feed_open(&b->feeds, b->net, &config, &sink, err);
}

static void start(bench_t *b, bool raw) {
  pmm_error_t err;
  if (try_open(b, raw, &err) != PMM_OK) fail_msg("%s", err.text);
}

static void run(bench_t *b, int64_t ns) { pmm_vnet_run(b->net, pmm_net_mono(b->net) + ns); }

static void tear_down(bench_t *b) {
  pmm_feed_close(b->feeds);
  pmm_vnet_close(b->net);
  pmm_feed_stand_close(b->stand);
  unlink(b->key_file);
  free(b);
}

static pmm_feed_status_t status(const bench_t *b, uint32_t feed) {
  pmm_feed_status_t out;
  assert_int_equal(pmm_feed_status(b->feeds, feed, &out), PMM_OK);
  return out;
}

static pmm_series_t series(const char *name) {
  pmm_series_t out[PMM_SERIES_CANDIDATES];
  size_t cnt;
  pmm_error_t err;
  if (pmm_series_parse(name, T0, out, &cnt, &err) != PMM_OK) fail_msg("%s", err.text);
  return out[0];
}

static void check_value(bench_t *b, const char *name, bool at_end, uint8_t flags) {
  pmm_series_t const s = series(name);
  pmm_settle_print_t got;
  int64_t want;
  if (pmm_feed_stand_value(b->stand, &s, at_end, &want) != PMM_OK) fail_msg("%s: the stand-in does not know", name);
  pmm_status_t const st = pmm_feed_value(b->feeds, &s, at_end, &got);
  if (st != PMM_OK) fail_msg("%s: %s", name, pmm_status_to_string(st));
  if (got.value_e8 != want || got.flags != flags) fail_msg("%s: %lld, not %lld; flags %u", name, (long long)got.value_e8, (long long)want, got.flags);
  assert_int_equal(pmm_feed_verify(b->feeds, &s, at_end, want), PMM_OK);
  assert_int_equal(pmm_feed_verify(b->feeds, &s, at_end, want + 1000000), PMM_CORRUPT);
}

static void add_all(bench_t *b) {
  add(b, PMM_FEED_BINANCE, "btcusdt", "");
  add(b, PMM_FEED_BINANCE, "btcusdt", "kline_1h");
  add(b, PMM_FEED_COINBASE, "BTC-USD", "");
  add(b, PMM_FEED_COINBASE_ADVANCED, "BTC-USD", "market_trades");
  add(b, PMM_FEED_POLYBOLT, "btcusd", "");
  add(b, PMM_FEED_POLYBOLT, "btcusd", "")->settlement = true;
  add(b, PMM_FEED_RTDS, "btc/usd", "crypto_prices_twap_sixty");
  add(b, PMM_FEED_KALSHI_INDEX, "BRTI", "");
}

/* Seventy minutes of everything; what markets settle on is known from the script's side. */
static void test_everything(void **state) {
  (void)state;
  bench_t *const b = set_up(T0 - 60 * S, NULL);
  add_all(b);
  start(b, false);
  uint32_t cnt;
  const pmm_underlying_t *const entry = pmm_feed_underlyings(b->feeds, &cnt);
  assert_int_equal(cnt, 3);
  assert_string_equal(entry[0].source, "merged");
  assert_int_equal(entry[1].kind, PMM_UNDER_TWAP);
  run(b, 10 * S);
  assert_true(b->priced);
  run(b, 56 * S);
  assert_in_range(b->mean_cnt, 40, 140); /* in the minute before 15:00: the relay's and the oracle's */
  uint64_t const before = b->md_cnt[0];
  run(b, 300 * S);
  assert_true(b->md_cnt[0] - before > 1000);
  check_value(b, "btc-updown-5m-1795186800", false, 0);
  check_value(b, "btc-updown-5m-1795186800", true, 0);
  run(b, 600 * S);
  check_value(b, "btc-updown-15m-1795186800", true, 0);
  check_value(b, "KXBTC15M-26NOV201015-15", false, 0);
  check_value(b, "KXBTC15M-26NOV201015-15", true, 0);
  run(b, 2760 * S);
  check_value(b, "bitcoin-up-or-down-november-20-2026-10am-et", false, 0);
  check_value(b, "bitcoin-up-or-down-november-20-2026-10am-et", true, 0);
  pmm_settle_print_t p;
  pmm_series_t const other = series("eth-updown-5m-1795186800"), later = series("btc-updown-5m-1795197600");
  assert_int_equal(pmm_feed_value(b->feeds, &other, false, &p), PMM_UNSUPPORTED);
  assert_int_equal(pmm_feed_value(b->feeds, &later, false, &p), PMM_NOT_READY);
  assert_int_equal(b->unpriced_cnt, 0);
  for (uint32_t i = 0; i < b->feed_cnt; i++) {
    pmm_feed_status_t const st = status(b, i);
    if (i != 1 && (!st.connected || !st.healthy || st.connections != 1 || st.parse_errors || st.gaps || st.conflicts)) fail_msg("feed %u: %s", i, st.name);
  }
  assert_true(fabs(status(b, 0).basis_bps) < 1);
  pmm_series_t const now = series("btc-updown-5m-1795190400");
  int64_t mid;
  assert_int_equal(pmm_feed_stand_value(b->stand, &now, false, &mid), PMM_OK);
  assert_true(llabs(b->last_e8[0] - mid) * 100 < mid); /* within a percent of the average a minute ago */
  tear_down(b);
}

/* A script's price is the price, to the last digit, whichever feed tells it; and its averages are known by hand. */
static void test_script(void **state) {
  (void)state;
  bench_t *const b = set_up(T0, "0,BTC,99999,100001\n# a comment\n270,BTC,100999,101001\n");
  add(b, PMM_FEED_COINBASE, "BTC-USD", "");
  add(b, PMM_FEED_POLYBOLT, "btcusd", "");
  add(b, PMM_FEED_POLYBOLT, "btcusd", "")->settlement = true;
  start(b, false);
  run(b, 100 * S);
  assert_int_equal(b->last_e8[0], INT64_C(10000000000000));
  run(b, 203 * S);
  assert_int_equal(b->last_e8[0], INT64_C(10100000000000));
  pmm_series_t const s = series("btc-updown-5m-1795186800");
  pmm_settle_print_t p;
  assert_int_equal(pmm_feed_value(b->feeds, &s, true, &p), PMM_OK);
  /* seconds 238 .. 297 at 100 000 up to 269 (32 of them), at 101 000 from 270 on (28): 100466.66666666 */
  assert_int_equal(p.value_e8, INT64_C(10046666666666));
  assert_int_equal(b->mean_e8, INT64_C(10046666666666)); /* and so said our own seconds, when all sixty were in */
  tear_down(b);
  pmm_feed_stand_t *stand = NULL;
  pmm_error_t err;
  static const char *const bad[] = {"0,BTC,1", "0,BTC,2,1", "0,XYZ,1,2", "x,BTC,1,2", "5,BTC,1,2\n4,BTC,1,2", "0,,1,2"};
  for (size_t i = 0; i < COUNT_OF(bad); i++) {
    pmm_feed_stand_params_t const params = {.start_ns = T0, .script = bad[i]};
    assert_int_equal(pmm_feed_stand_open(&stand, &params, &err), PMM_PARSE);
    assert_non_null(strstr(err.text, "line"));
  }
}

static void test_raw(void **state) {
  (void)state;
  bench_t *const b = set_up(T0, NULL);
  add_all(b);
  add(b, PMM_FEED_RTDS, "btcusdt", "crypto_prices");
  add(b, PMM_FEED_COINBASE_ADVANCED, "BTC-USD", "ticker");
  start(b, true);
  uint32_t cnt;
  pmm_feed_underlyings(b->feeds, &cnt);
  assert_int_equal(cnt, b->feed_cnt - 1); /* candles are no prices of now */
  run(b, 30 * S);
  for (uint32_t i = 0; i < cnt; i++) assert_true(b->md_cnt[i] > 20);
  assert_int_equal(b->mean_cnt, 0);
  tear_down(b);
}

/* -- a cable, and what silence does -- */

static void test_cable(void **state) {
  (void)state;
  bench_t *const b = set_up(T0, NULL);
  add(b, PMM_FEED_COINBASE, "BTC-USD", "");
  add(b, PMM_FEED_BINANCE, "btcusdt", "");
  add(b, PMM_FEED_POLYBOLT, "btcusd", "");
  start(b, false);
  run(b, 30 * S);
  assert_true(b->priced);
  for (int i = 0; i < 2; i++) pmm_vnet_cable(b->net, HOSTS[i], false);
  run(b, 5 * S + 500 * MS); /* heartbeats are missed before ten seconds of quotes are */
  assert_false(b->priced);
  uint64_t const sent = b->md_cnt[0];
  run(b, 60 * S);
  assert_int_equal(b->md_cnt[0], sent); /* fails closed: not one record */
  for (int i = 0; i < 2; i++) pmm_vnet_cable(b->net, HOSTS[i], true);
  run(b, 90 * S);
  assert_true(b->priced);
  assert_true(status(b, 0).connections >= 2);
  tear_down(b);
}

/* A fresh connection beside the old one: not a moment without a price, no price twice. */
static void test_rotation(void **state) {
  (void)state;
  bench_t *const b = set_up(T0, NULL);
  add(b, PMM_FEED_BINANCE, "btcusdt", "trade")->rotate_ns = 60 * S;
  add(b, PMM_FEED_COINBASE, "BTC-USD", "matches")->rotate_ns = 45 * S;
  add(b, PMM_FEED_POLYBOLT, "btcusd", "");
  start(b, true);
  run(b, 600 * S);
  assert_true(status(b, 0).connections >= 9 && status(b, 1).connections >= 12);
  assert_int_equal(status(b, 0).gaps, 0);
  assert_int_equal(status(b, 1).gaps, 0);
  assert_int_equal(b->went_back, 0);
  assert_int_equal(notes(b, "binance", "malformed"), 0);
  assert_true(status(b, 0).late > 0); /* both spoke for a while */
  tear_down(b);
}

/* -- one thing going wrong after another: knob, and what must be seen -- */

typedef struct fault { const char *why; pmm_feed_source_t source; const char *symbol, *channel; pmm_feed_stand_knobs_t knobs; int64_t run_ns; const char *code; size_t least; bool healthy; uint64_t connections; } fault_t;

static void test_faults(void **state) {
  (void)state;
  static const fault_t rows[] = {
      {"no fault", PMM_FEED_BINANCE, "btcusdt", "trade", {0}, 60 * S, "connected", 1, true, 1},
      {"trade ids missing: told in the ticks", PMM_FEED_BINANCE, "btcusdt", "trade", {.skip_trade_every = 50}, 60 * S, "connected", 1, true, 1},
      {"shutdown notice", PMM_FEED_BINANCE, "btcusdt", "", {.shutdown_ns = T0 + 20 * S}, 60 * S, "shutdown", 1, true, 2},
      {"end of life", PMM_FEED_BINANCE, "btcusdt", "", {.life_ns = 20 * S}, 70 * S, "lost", 2, true, 3},
      {"mute while open", PMM_FEED_BINANCE, "btcusdt", "", {.mute_from_ns = T0 + 10 * S, .mute_until_ns = T0 + 20 * S}, 60 * S, "stale", 1, true, 1},
      {"a match dropped: the heartbeat tells", PMM_FEED_COINBASE, "BTC-USD", "matches", {.skip_trade_every = 40}, 60 * S, "connected", 1, true, 1},
      {"heartbeats stop", PMM_FEED_COINBASE, "BTC-USD", "", {.stop_heartbeats = true}, 60 * S, "connected", 1, true, 1},
      {"out of order", PMM_FEED_COINBASE, "BTC-USD", "", {.out_of_order_every = 10}, 60 * S, "connected", 1, true, 1},
      {"a frame lost: reconnect", PMM_FEED_COINBASE_ADVANCED, "BTC-USD", "market_trades", {.skip_number_every = 300}, 150 * S, "gap", 1, true, 2},
      {"counter as a string", PMM_FEED_COINBASE_ADVANCED, "BTC-USD", "market_trades", {.string_counter = true}, 60 * S, "connected", 1, true, 1},
      {"rows of empty strings", PMM_FEED_COINBASE_ADVANCED, "BTC-USD", "ticker_batch", {.empty_row_every = 3}, 60 * S, "connected", 1, true, 1},
      {"muted: reconnect for want of prices", PMM_FEED_RTDS, "btc/usd", "", {.mute_from_ns = T0 + 10 * S, .mute_until_ns = T0 + 40 * S}, 80 * S, "silent", 1, true, 3},
      {"ten seconds of nothing, then all at once", PMM_FEED_RTDS, "btc/usd", "", {.hole_from_ns = T0 + 20 * S, .hole_until_ns = T0 + 30 * S}, 60 * S, "lag", 1, true, 1},
      {"times as strings", PMM_FEED_RTDS, "btc/usd", "", {.string_times = true}, 60 * S, "connected", 1, true, 1},
      {"seq with holes: reconnect, not too often", PMM_FEED_POLYBOLT, "btcusd", "", {.skip_number_every = 30}, 150 * S, "gap", 2, true, 3},
      {"dropped frames", PMM_FEED_POLYBOLT, "btcusd", "", {.dropped_every = 30}, 50 * S, "gap", 1, true, 2},
      {"another provider", PMM_FEED_POLYBOLT, "btcusd", "", {.other_provider = true}, 30 * S, "refused", 1, false, 1},
      {"empty snapshot", PMM_FEED_POLYBOLT, "btcusd", "", {.empty_snapshot = true}, 30 * S, "connected", 1, true, 1},
      {"draining", PMM_FEED_POLYBOLT, "btcusd", "", {.close_ns = T0 + 10 * S, .close_code = 4003}, 60 * S, "lost", 1, true, 2},
      {"too slow", PMM_FEED_POLYBOLT, "btcusd", "", {.close_ns = T0 + 10 * S, .close_code = 4002}, 60 * S, "lost", 1, true, 2},
      {"credential refused: never again", PMM_FEED_POLYBOLT, "btcusd", "", {.close_ns = T0 + 10 * S, .close_code = 4001}, 600 * S, "stopped", 1, false, 1},
      {"policy: never again", PMM_FEED_POLYBOLT, "btcusd", "", {.close_ns = T0 + 10 * S, .close_code = 4008}, 600 * S, "stopped", 1, false, 1},
      {"a number missing", PMM_FEED_KALSHI_INDEX, "BRTI", "", {.skip_number_every = 20}, 60 * S, "gap", 1, true, 1},
      {"one second, two values", PMM_FEED_KALSHI_INDEX, "BRTI", "", {.repeat_second_every = 30}, 65 * S, "conflict", 1, true, 1},
      {"a second missing", PMM_FEED_KALSHI_INDEX, "BRTI", "", {.skip_second_every = 10}, 60 * S, "connected", 1, true, 1},
      {"no index", PMM_FEED_KALSHI_INDEX, "BRTI", "", {.no_index = true}, 60 * S, "silent", 2, false, 3},
      {"five a second", PMM_FEED_KALSHI_INDEX, "BRTI", "cfbenchmarks_value_5hz", {0}, 60 * S, "connected", 1, true, 1}};
  for (size_t i = 0; i < COUNT_OF(rows); i++) {
    bench_t *const b = set_up(T0, NULL);
    pmm_feed_stand_knobs(b->stand, rows[i].source, &rows[i].knobs);
    add(b, rows[i].source, rows[i].symbol, rows[i].channel);
    start(b, false);
    run(b, rows[i].run_ns);
    pmm_feed_status_t const st = status(b, 0);
    if (notes(b, st.name, rows[i].code) < rows[i].least) fail_msg("%s: %zu notices of \"%s\"", rows[i].why, notes(b, st.name, rows[i].code), rows[i].code);
    if (st.healthy != rows[i].healthy || b->priced != rows[i].healthy) fail_msg("%s: healthy %d, priced %d", rows[i].why, st.healthy, b->priced);
    if (st.connections < rows[i].connections || st.connections > rows[i].connections + 2) fail_msg("%s: %llu connections", rows[i].why, (unsigned long long)st.connections);
    if (st.parse_errors) fail_msg("%s: %llu malformed frames", rows[i].why, (unsigned long long)st.parse_errors);
    bool const gaps = rows[i].knobs.skip_trade_every || strcmp(rows[i].code, "gap") == 0;
    if ((st.gaps > 0) != gaps) fail_msg("%s: %llu gaps", rows[i].why, (unsigned long long)st.gaps);
    if (rows[i].knobs.out_of_order_every && !st.late) fail_msg("%s: nothing was late", rows[i].why);
    tear_down(b);
  }
}

/* A boundary whose print does not come: the hole is noticed, and the snapshot of a new connection has it, late. Where that has it not either, the
   next print stands in, and says so. */
static void test_missing_boundary(void **state) {
  (void)state;
  for (int empty = 0; empty < 2; empty++) {
    bench_t *const b = set_up(T0, NULL);
    pmm_feed_stand_knobs_t const knobs = {.mute_from_ns = T0 + 301 * S, .mute_until_ns = T0 + 301 * S + 900 * MS, .empty_snapshot = empty};
    pmm_feed_stand_knobs(b->stand, PMM_FEED_POLYBOLT, &knobs); /* what is stamped 300 is sent at 301.4 */
    add(b, PMM_FEED_POLYBOLT, "btcusd", "")->settlement = true;
    start(b, false);
    run(b, 330 * S);
    pmm_series_t const s = series("btc-updown-5m-1795186800");
    pmm_settle_print_t p;
    int64_t want;
    assert_int_equal(pmm_feed_value(b->feeds, &s, true, &p), PMM_OK);
    assert_int_equal(p.flags, empty ? PMM_SETTLE_PROVISIONAL : PMM_SETTLE_LATE);
    assert_int_equal(p.at_ns, T0 + (empty ? 301 : 300) * S);
    assert_int_equal(pmm_feed_stand_value(b->stand, &s, true, &want), PMM_OK);
    if (!empty) assert_int_equal(p.value_e8, want);
    tear_down(b);
  }
}

static void test_refused(void **state) {
  (void)state;
  pmm_error_t err;
  bench_t *b = set_up(T0, NULL);
  snprintf(b->polybolt_key, sizeof b->polybolt_key, "wrong");
  add(b, PMM_FEED_POLYBOLT, "btcusd", "");
  start(b, false);
  run(b, 600 * S);
  assert_int_equal(notes(b, "polybolt", "stopped"), 1);
  assert_int_equal(status(b, 0).connections, 1);
  tear_down(b);

  b = set_up(T0, NULL); /* a key that is not the account's */
  char other[PMM_KALSHI_PEM_BUF];
  unlink(b->key_file);
  write_key(b, other);
  add(b, PMM_FEED_KALSHI_INDEX, "BRTI", "");
  start(b, false);
  run(b, 600 * S);
  assert_int_equal(notes(b, "kalshi_index", "stopped"), 1);
  assert_int_equal(status(b, 0).connections, 0);
  tear_down(b);

  static const struct { pmm_feed_source_t source; const char *symbol, *channel; pmm_status_t want; } rows[] = {
      {PMM_FEED_BINANCE, "btc-usdt", "", PMM_INVAL}, {PMM_FEED_BINANCE, "btcusdt", "depth", PMM_INVAL}, {PMM_FEED_RTDS, "btcusd", "", PMM_INVAL}, {PMM_FEED_POLYBOLT, "btcusd", "", PMM_NOT_FOUND}, {PMM_FEED_KALSHI_INDEX, "BRTI", "", PMM_NOT_FOUND}};
  for (size_t i = 0; i < COUNT_OF(rows); i++) {
    b = set_up(T0, NULL);
    b->polybolt_key[0] = '\0';
    unlink(b->key_file);
    add(b, rows[i].source, rows[i].symbol, rows[i].channel);
    assert_int_equal(try_open(b, false, &err), rows[i].want);
    assert_true(err.text[0] && !strstr(err.text, SECRET));
    tear_down(b);
  }
}

/* Twice the same seed: the same records, to the bit. */
static uint64_t fingerprint(void) {
  bench_t *const b = set_up(T0, NULL);
  pmm_feed_stand_knobs_t const knobs = {.skip_number_every = 40, .life_ns = 50 * S};
  for (int i = 0; i < PMM_FEED_CNT; i++) pmm_feed_stand_knobs(b->stand, (pmm_feed_source_t)i, &knobs);
  add_all(b);
  start(b, false);
  run(b, 200 * S);
  uint64_t const h = b->md_cnt[0] * 1000003 + (uint64_t)b->last_e8[0] * 31 + b->note_cnt + b->mean_cnt * 17;
  assert_true(b->md_cnt[0] > 100);
  tear_down(b);
  return h;
}

static void test_repeats(void **state) {
  (void)state;
  assert_int_equal(fingerprint(), fingerprint());
}

int main(void) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(test_everything), cmocka_unit_test(test_script), cmocka_unit_test(test_raw), cmocka_unit_test(test_cable), cmocka_unit_test(test_rotation),
                                     cmocka_unit_test(test_faults), cmocka_unit_test(test_missing_boundary), cmocka_unit_test(test_refused), cmocka_unit_test(test_repeats)};
  return cmocka_run_group_tests_name("feeds over a net", tests, NULL, NULL);
}
