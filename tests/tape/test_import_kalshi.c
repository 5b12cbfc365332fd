/* Importing Kalshi WebSocket sessions: the fixture record by record, what is malformed, and the recordings. */
#include "base/json.h"
#include "pmm/ladder.h"
#include "tape/book.h"
#include "tape/tape_test.h"

static const char *const fixture[] = {
    "tests/fixtures/kalshi/two.ticker.ndjson",           "tests/fixtures/kalshi/one.ticker.ndjson",             "tests/fixtures/kalshi/one.control.ndjson",
    "tests/fixtures/kalshi/one.orderbook_delta.ndjson",  "tests/fixtures/kalshi/two.control.ndjson",            "tests/fixtures/kalshi/one.coinbase_trades.ndjson",
    "tests/fixtures/kalshi/one.orderbook_snapshot.ndjson", "tests/fixtures/kalshi/two.orderbook_snapshot.ndjson"};

static whole_t import_fixture(bool infer, pmm_import_stats_t *stats) {
  pmm_import_opts_t opts;
  pmm_error_t err = {0};
  pmm_tape_check_t check;
  pmm_import_opts_default(&opts);
  opts.format = "kalshi-ws";
  opts.infer_trades = infer;
  ASSERT_OK(pmm_import(&opts, fixture, COUNT_OF(fixture), scratch("k.tape"), stats, &err), err);
  ASSERT_OK(pmm_tape_verify(scratch("k.tape"), &check, &err), err);
  return read_tape(scratch("k.tape"));
}

static void test_fixture(void **state) {
  (void)state;
  static const char *const want[] = {
      "u0 70000.5 kind 0 !",
      "0 status open",
      "0 clear",
      "0 level bid 0.4000 100 snap",
      "0 level bid 0.4800 50 snap",
      "0 level ask 0.5500 30 snap",
      "0 level ask 0.5000 20 snap !",
      "0 volume 1000 !",
      "0 trade sell 0.4800 10 inferred",
      "0 level bid 0.4800 40 !",
      "0 volume 1020 !",
      "0 level bid 0.4800 33 !",
      "0 trade buy 0.5000 2.5 inferred",
      "0 level ask 0.5000 17.5 !",
      "0 level bid 0.4800 28 !",
      "0 level bid 0.4000 105 !",
      "0 level bid 0.4000 106 !",
      "0 trade buy 0.5000 4 inferred",
      "0 level ask 0.5000 13.5 !",
      "0 level ask 0.5000 10.5 !",
      "0 volume 1033 !",
      "u0 70003.75 kind 0 !",
      "0 status closed",
      "0 level bid 0.4000 105 !",
      "0 clear !",
      "0 gap",
      "0 status resolved yes",
      "1 status open",
      "1 clear",
      "1 level bid 0.0950 3 snap",
      "1 level ask 0.1010 3 snap !",
      "1 level bid 0.0960 1.25 !",
      "1 gap",
      "1 mark !",
      "1 mark !",
      "1 clear",
      "1 level bid 0.0970 3 snap",
      "1 level ask 0.1010 3 snap !",
      "1 gap",
      "1 clear",
      "1 level bid 0.9500 3 snap !",
      "1 volume 10 !",
      "1 gap",
      "1 status closed",
      "1 status resolved yes",
  };
  pmm_import_stats_t stats;
  whole_t w = import_fixture(true, &stats);
  assert_records(&w, want, COUNT_OF(want));
  assert_int_equal(stats.inferred, 3);
  assert_int_equal(stats.gaps, 4);
  assert_int_equal(stats.records, w.cnt);
  assert_int_equal(w.md[0].recv_ns, INT64_C(1899999869000000000));
  assert_int_equal(w.md[0].exch_ns, INT64_C(1899999868750000000));
  assert_int_equal(w.md[0].qty_e6, INT64_C(7000050000000));
  const pmm_market_t *const a = pmm_tape_market(w.tape, 0), *const b = pmm_tape_market(w.tape, 1);
  assert_string_equal(a->id, "KXBTC15M-30MAR171345-45");
  assert_string_equal(a->event, "KXBTC15M-30MAR171345");
  assert_int_equal(a->venue, PMM_VENUE_KALSHI);
  assert_int_equal(a->grid.tick_e4, 10);
  assert_int_equal(a->grid.range_cnt, 3);
  assert_int_equal(a->open_ns, INT64_C(1899999000000000000));
  assert_int_equal(a->close_ns, INT64_C(1899999900000000000));
  assert_int_equal(a->strike_e8, INT64_C(7000125000000));
  assert_int_equal(a->tie_is_yes, 1); /* the next strike equals ours: yes */
  assert_int_equal(a->outcome, PMM_OUTCOME_YES);
  assert_int_equal(a->payout_yes_e6, PMM_ONE_E6);
  assert_int_equal(a->settle_window_ns, 60 * PMM_NS_PER_S);
  assert_int_equal(a->underlying, 0);
  assert_int_equal(a->data, PMM_DATA_DEPTH | PMM_DATA_TRADES | PMM_DATA_INFERRED | PMM_DATA_UNDERLYING);
  assert_int_equal(a->fees.model, PMM_FEE_KALSHI);
  assert_int_equal(a->fees.taker_rate_e6, 70000);
  assert_int_equal(b->outcome, PMM_OUTCOME_YES); /* by its last price, seen in the last minute */
  free_whole(&w);
}

static void test_without_inference(void **state) {
  (void)state;
  pmm_import_stats_t stats;
  whole_t w = import_fixture(false, &stats);
  assert_int_equal(stats.trades, 0);
  assert_int_equal(w.cnt, 42);
  for (size_t i = 0; i < w.cnt; i++) assert_int_not_equal(w.md[i].kind, PMM_MD_TRADE);
  free_whole(&w);
}

static void test_same_bytes(void **state) { /* no clock, no folder names: one input gives one tape */
  (void)state;
  pmm_import_stats_t stats;
  size_t len[2];
  unsigned char *data[2];
  for (int i = 0; i < 2; i++) {
    whole_t w = import_fixture(true, &stats);
    free_whole(&w);
    data[i] = read_file(scratch("k.tape"), &len[i]);
  }
  assert_int_equal(len[0], len[1]);
  assert_memory_equal(data[0], data[1], len[0]);
  free(data[0]);
  free(data[1]);
}

/* -- outcomes the user gives -- */
static pmm_outcome_t outcome_with(const char *outcome, const char *csv, pmm_status_t want, const char *message) {
  pmm_import_opts_t opts;
  pmm_import_stats_t stats;
  pmm_error_t err = {0};
  pmm_import_opts_default(&opts);
  opts.format = "kalshi-ws";
  opts.outcome = outcome;
  if (csv) {
    write_file(scratch("outcomes.csv"), csv, strlen(csv));
    opts.outcomes_path = scratch("outcomes.csv");
  }
  pmm_status_t const st = pmm_import(&opts, fixture, COUNT_OF(fixture), scratch("o.tape"), &stats, &err);
  if (st != want || (message && !strstr(err.text, message))) fail_msg("%s", err.text);
  if (st != PMM_OK) return PMM_OUTCOME_UNKNOWN;
  whole_t w = read_tape(scratch("o.tape"));
  pmm_outcome_t const got = (pmm_outcome_t)pmm_tape_market(w.tape, 0)->outcome;
  free_whole(&w);
  return got;
}

static void test_given_outcomes(void **state) {
  (void)state;
  assert_int_equal(outcome_with("no", NULL, PMM_OK, NULL), PMM_OUTCOME_NO);
  assert_int_equal(outcome_with("void", NULL, PMM_OK, NULL), PMM_OUTCOME_VOID);
  assert_int_equal(outcome_with("no", "market,outcome\nother,yes\nKXBTC15M-30MAR171345-45,void\n", PMM_OK, NULL), PMM_OUTCOME_VOID);
  assert_int_equal(outcome_with("no", "other,yes\n", PMM_OK, NULL), PMM_OUTCOME_NO);
  outcome_with("auto", "x,perhaps\n", PMM_PARSE, "outcomes.csv:1: byte 1");
  outcome_with("auto", "a,yes\nb\n", PMM_PARSE, "outcomes.csv:2");
  outcome_with("maybe", NULL, PMM_INVAL, "maybe");
}

/* -- lines by hand -- */
#define LINE(type, seq, recv, payload) "{\"event_type\":\"" type "\",\"market_ticker\":\"KXBTC15M-X-1\",\"sequence_number\":" seq ",\"local_recv_ns\":" recv ",\"exchange_ts\":null,\"payload_json\":" payload "}\n"
#define SNAP LINE("orderbook_snapshot", "1", "1900000000000000000", "{\"yes_dollars_fp\":[[\"0.4000\",\"5.00\"]]}")
#define DELTA(seq, side, price, d) LINE("orderbook_delta", seq, "1900000001000000000", "{\"side\":\"" side "\",\"price_dollars\":\"" price "\",\"delta_fp\":\"" d "\"}")

static void test_malformed(void **state) {
  (void)state;
  static const bad_case_t rows[] = {
      {"nothing at all", "", PMM_PARSE, "no kalshi-ws messages"},
      {"not JSON", SNAP "{\"a\":\n", PMM_PARSE, "bad.jsonl:2: byte"},
      {"a list", "[1]\n", PMM_PARSE, "local_recv_ns is missing"},
      {"no time", "{\"event_type\":\"ticker\"}\n", PMM_PARSE, "bad.jsonl:1: byte 1: local_recv_ns is missing"},
      {"time out of range", LINE("ticker", "null", "12e30", "{}"), PMM_PARSE, "local_recv_ns"},
      {"time before the epoch", LINE("ticker", "null", "-5", "{}"), PMM_PARSE, "not a time"},
      {"no type", "{\"local_recv_ns\":1900000000000000000}\n", PMM_PARSE, "event_type is missing"},
      {"no payload", "{\"event_type\":\"ticker\",\"local_recv_ns\":1900000000000000000}\n", PMM_PARSE, "payload_json is missing"},
      {"no market", "{\"event_type\":\"ticker\",\"local_recv_ns\":1900000000000000000,\"payload_json\":{}}\n", PMM_PARSE, "market_ticker is missing"},
      {"no sequence number", LINE("orderbook_delta", "null", "1900000001000000000", "{}"), PMM_PARSE, "sequence_number"},
      {"sequence number 0", LINE("orderbook_delta", "0", "1900000001000000000", "{}"), PMM_PARSE, "below 1"},
      {"level below zero", SNAP DELTA("2", "yes", "0.4000", "-5.01"), PMM_PARSE, "bad.jsonl:2: byte 154: level 4000 of market KXBTC15M-X-1 would become negative"},
      {"size beyond 64 bits", SNAP DELTA("2", "yes", "0.4000", "9223372036854.00"), PMM_PARSE, "size does not fit"},
      {"side", SNAP DELTA("2", "up", "0.4000", "1.00"), PMM_PARSE, "neither yes nor no"},
      {"price off the grid", SNAP DELTA("2", "no", "0.4005", "1.00"), PMM_PARSE, "off the grid"},
      {"price with five decimals", SNAP DELTA("2", "no", "0.40051", "1.00"), PMM_PARSE, "more decimals"},
      {"price 1", SNAP DELTA("2", "no", "1.0000", "1.00"), PMM_PARSE, "outside (0,1)"},
      {"price is text", SNAP DELTA("2", "no", "cheap", "1.00"), PMM_PARSE, "not a number: cheap"},
      {"size is text", SNAP DELTA("2", "no", "0.4000", "many"), PMM_PARSE, "delta_fp: not a number"},
      {"a level twice", LINE("orderbook_snapshot", "1", "1900000000000000000", "{\"yes_dollars_fp\":[[\"0.4\",\"5\"],[\"0.4000\",\"5\"]]}"), PMM_PARSE, "listed twice"},
      {"a level without size", LINE("orderbook_snapshot", "1", "1900000000000000000", "{\"yes_dollars_fp\":[[\"0.4\"]]}"), PMM_PARSE, "not [price, size]"},
      {"levels are no list", LINE("orderbook_snapshot", "1", "1900000000000000000", "{\"no_dollars_fp\":5}"), PMM_PARSE, "not a list"},
      {"negative level", LINE("orderbook_snapshot", "1", "1900000000000000000", "{\"no_dollars_fp\":[[\"0.4\",\"-5\"]]}"), PMM_PARSE, "negative"},
      {"ticker without volume", LINE("ticker", "null", "1900000000000000000", "{\"price_dollars\":\"0.5\"}"), PMM_PARSE, "volume_fp is missing"},
      {"ticker price", LINE("ticker", "null", "1900000000000000000", "{\"price_dollars\":\"1.5\",\"volume_fp\":\"1\",\"last_trade_size_fp\":\"1\"}"), PMM_PARSE, "outside 0..1"},
      {"ticker volume", LINE("ticker", "null", "1900000000000000000", "{\"price_dollars\":\"0.5\",\"volume_fp\":\"-1\",\"last_trade_size_fp\":\"1\"}"), PMM_PARSE, "negative"},
      {"strike", LINE("watch_market", "null", "1900000000000000000", "{\"strike\":\"high\"}"), PMM_PARSE, "strike: not a number"},
      {"close time", LINE("watch_market", "null", "1900000000000000000", "{\"close_time\":\"soon\"}"), PMM_PARSE, "close_time: not a time"},
      {"coinbase price", "{\"raw_event_type\":\"match\",\"local_recv_ns\":1900000000000000000,\"symbol\":\"BTC-USD\",\"price\":0}\n", PMM_PARSE, "not positive"},
      {"coinbase symbol", "{\"raw_event_type\":\"match\",\"local_recv_ns\":1900000000000000000,\"price\":1}\n", PMM_PARSE, "symbol is missing"},
  };
  assert_bad_imports("kalshi-ws", rows, COUNT_OF(rows));
}

static void test_one_file_of_everything(void **state) { /* names group files only: one mixed file will do; unknown lines are skipped */
  (void)state;
  static const char *const want[] = {"0 status open", "0 clear", "0 level bid 0.4000 5 snap !", "0 level bid 0.4000 6 !", "0 gap", "0 clear", "0 level bid 0.4000 5 snap !",
                                     "0 mark !", "0 gap", "0 status closed", "0 status resolved void"};
  pmm_import_stats_t stats;
  whole_t w = import_sound("kalshi-ws", LINE("heartbeat", "null", "1900000000000000000", "{}") SNAP DELTA("2", "yes", "0.4", "1") SNAP DELTA("2", "yes", "0.4", "0"), &stats);
  assert_records(&w, want, COUNT_OF(want)); /* a snapshot numbered 1 again is a new subscription */
  assert_int_equal(stats.skipped, 1);
  free_whole(&w);
}

/* -- recordings -- */
/* README's table: outcome of every market, u where it has a question mark. */
static const struct { const char *suffix; char outcome; } readme[] = {
    {"130900-00", 'y'}, {"130915-15", 'y'}, {"130930-30", 'u'}, {"131130-30", 'n'}, {"131145-45", 'n'}, {"131200-00", 'n'}, {"131215-15", 'y'},
    {"131230-30", 'y'}, {"131245-45", 'y'}, {"131300-00", 'n'}, {"131315-15", 'y'}, {"131330-30", 'y'}, {"131345-45", 'y'}, {"131400-00", 'y'},
    {"131415-15", 'y'}, {"131430-30", 'y'}, {"131445-45", 'u'}, {"131630-30", 'n'}, {"131645-45", 'u'}, {"131730-30", 'n'}, {"131745-45", 'y'},
    {"131800-00", 'n'}, {"131815-15", 'n'}, {"131830-30", 'n'}, {"131845-45", 'u'}, {"131915-15", 'n'}, {"131930-30", 'u'}};

static void check_outcomes(const whole_t *w) {
  assert_int_equal(pmm_tape_market_cnt(w->tape), COUNT_OF(readme));
  for (size_t i = 0; i < COUNT_OF(readme); i++) {
    char id[64];
    snprintf(id, sizeof id, "KXBTC15M-26MAY%s", readme[i].suffix);
    uint8_t const outcome = pmm_tape_market(w->tape, market_named(w, id))->outcome;
    uint8_t const want = readme[i].outcome == 'y' ? PMM_OUTCOME_YES : readme[i].outcome == 'n' ? PMM_OUTCOME_NO : PMM_OUTCOME_VOID;
    if (outcome != want) fail_msg("%s: %s", id, pmm_outcome_to_string((pmm_outcome_t)outcome));
  }
}

/* Of trades set against volume: of each LEVEL decrease no more, at its price, just before it; over all, half the volume. */
static void check_trades(const whole_t *w) {
  int64_t traded = 0;
  for (size_t i = 0; i < w->cnt; i++) {
    const pmm_md_t *const t = &w->md[i], *const l = t + 1;
    if (t->kind != PMM_MD_TRADE) continue;
    traded += t->qty_e6;
    assert_true(t->flags == PMM_F_INFERRED && l->kind == PMM_MD_LEVEL && l->price_e4 == t->price_e4 && l->side != t->side);
    assert_true(l->market == t->market && l->recv_ns == t->recv_ns && l->seq == t->seq);
  }
  assert_true(traded / PMM_ONE_E6 > 4450000 && traded / PMM_ONE_E6 < 4461589);
}

/* Every record applies to the books, and the counts are those of the source. */
static void check_books(const whole_t *w, const pmm_import_stats_t *stats) {
  pmm__book_t book[64] = {0};
  uint64_t messages = 0, ticks = 0, levels = 0;
  for (size_t i = 0; i < w->cnt; i++) {
    const pmm_md_t *const md = &w->md[i];
    messages += (md->flags & PMM_F_LAST) != 0;
    ticks += md->kind == PMM_MD_UNDERLYING;
    levels += md->kind == PMM_MD_LEVEL && !(md->flags & PMM_F_SNAPSHOT);
    if (!is_of_market(md)) continue;
    pmm__book_t *const b = &book[md->market];
    if (!b->memory) assert_int_equal(pmm__book_init(b, 10), PMM_OK);
    if (md->kind == PMM_MD_CLEAR) pmm_ladder_clear(&b->ladder);
    if (md->kind == PMM_MD_LEVEL) assert_int_equal(pmm__book_set(b, (pmm_side_t)md->side, md->price_e4, md->qty_e6), PMM_OK);
  }
  for (int i = 0; i < 64; i++) pmm__book_fini(&book[i]);
  assert_int_equal(messages, stats->messages);
  assert_int_equal(ticks, 79034);   /* README: Coinbase trades of the 16 sessions together */
  assert_int_equal(levels, 978381); /* and deltas, none of which changed nothing */
}

static void test_recordings(void **state) {
  (void)state;
  pmm_import_stats_t stats;
  whole_t w = import_data("kalshi-ws", "kalshi-btc15m-ws", ".ndjson.gz", &stats);
  check_outcomes(&w);
  check_trades(&w);
  check_books(&w, &stats);
  assert_int_equal(stats.clamped, 0);
  free_whole(&w);
}

int main(void) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(test_fixture),   cmocka_unit_test(test_without_inference),     cmocka_unit_test(test_same_bytes), cmocka_unit_test(test_given_outcomes),
                                     cmocka_unit_test(test_malformed), cmocka_unit_test(test_one_file_of_everything), cmocka_unit_test(test_recordings)};
  return cmocka_run_group_tests(tests, scratch_setup, scratch_teardown);
}
