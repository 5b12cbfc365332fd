/* Importing Polymarket's message channel and the multi-feed documents. */
#include "base/json.h"
#include "tape/book.h"
#include "tape/input.h"
#include "tape/tape_test.h"

/* -- polymarket-ws -- */
static whole_t import_files(const char *format, const char *const *path, size_t n, pmm_import_stats_t *stats) {
  pmm_import_opts_t opts;
  pmm_error_t err = {0};
  pmm_tape_check_t check;
  pmm_import_opts_default(&opts);
  opts.format = format;
  ASSERT_OK(pmm_import(&opts, path, n, scratch("p.tape"), stats, &err), err);
  ASSERT_OK(pmm_tape_verify(scratch("p.tape"), &check, &err), err);
  return read_tape(scratch("p.tape"));
}

static void test_ws_fixture(void **state) {
  (void)state;
  static const char *const path[] = {"tests/fixtures/polymarket.market-ws.jsonl", "tests/fixtures/polymarket.markets.json"};
  static const char *const want[] = {
      "0 status open",
      "0 mark !",
      "0 clear",
      "0 level bid 0.4900 10 snap",
      "0 level bid 0.5000 7.5 snap",
      "0 level ask 0.5300 4 snap",
      "0 level ask 0.5200 2 snap !",
      "0 mark !",
      "0 level bid 0.5000 0 !",
      "0 level ask 0.5100 3 !",
      "0 level bid 0.4800 1 !",
      "0 mark !",
      "0 trade buy 0.5100 1.14942 !",
      "0 trade sell 0.4900 2 !",
      "0 mark !",
      "0 tick 0.0010 !",
      "0 mark !",
      "0 level ask 0.5090 1 !",
      "1 status open",
      "1 clear",
      "1 level ask 0.9950 1 snap !",
      "2 status open",
      "2 clear",
      "2 level bid 0.9500 1 snap !",
      "2 level ask 0.9900 5",
      "2 tick 0.0010",
      "2 level ask 0.9910 5 !",
      "1 mark !",
      "1 status closed",
      "1 status resolved no",
      "0 status closed",
      "0 mark !",
      "2 status closed",
      "2 status resolved yes",
      "0 status resolved void",
  };
  pmm_import_stats_t stats;
  whole_t w = import_files("polymarket-ws", path, 2, &stats);
  assert_records(&w, want, COUNT_OF(want));
  assert_int_equal(stats.skipped, 2); /* new_market, something_new */
  const pmm_market_t *const up = pmm_tape_market(w.tape, 0), *const rain = pmm_tape_market(w.tape, 1), *const unnamed = pmm_tape_market(w.tape, 2);
  assert_string_equal(up->id, "btc-updown-5m-1900000200");
  assert_string_equal(up->token_yes, "11");
  assert_string_equal(up->token_no, "22");
  assert_int_equal(up->min_size_e6, 5 * PMM_ONE_E6);
  assert_int_equal(up->open_ns, INT64_C(1900000200000000000));
  assert_int_equal(up->close_ns, INT64_C(1900000500000000000));
  assert_int_equal(up->tie_is_yes, 1);
  assert_int_equal(up->fees.model, PMM_FEE_POLYMARKET);
  assert_int_equal(up->fees.taker_rate_e6, 70000);
  assert_string_equal(rain->id, "will-it-rain");
  assert_int_equal(rain->grid.tick_e4, 10);
  assert_int_equal(rain->outcome, PMM_OUTCOME_NO); /* market_resolved says so */
  assert_int_equal(rain->close_ns, PMM_TIME_NONE);
  assert_string_equal(unnamed->id, "0xcc");
  assert_string_equal(unnamed->token_yes, "55"); /* seen first */
  assert_string_equal(unnamed->token_no, "66");
  free_whole(&w);
}

#define WS(payload) "{\"capturedAt\":1900000200,\"payload\":" payload "}\n"
#define CHANGE(entry) WS("{\"event_type\":\"price_change\",\"market\":\"0xaa\",\"timestamp\":\"1900000200100\",\"price_changes\":[" entry "]}")

static void test_ws_malformed(void **state) {
  (void)state;
  static const bad_case_t rows[] = {
      {"nothing", "\n  \n", PMM_PARSE, "no polymarket-ws messages"},
      {"no capture time", "{\"payload\":{}}\n", PMM_PARSE, "event_type is missing"},
      {"absurd capture time", WS("{\"event_type\":\"x\"}") "{\"capturedAt\":-1,\"payload\":{}}\n", PMM_PARSE, "bad.jsonl:2: byte 15: capturedAt: not a time"},
      {"no payload", "{\"capturedAt\":1900000200}\n", PMM_PARSE, "payload is missing"},
      {"no type", WS("{}"), PMM_PARSE, "event_type is missing"},
      {"no venue time", WS("{\"event_type\":\"book\",\"market\":\"0xaa\"}"), PMM_PARSE, "timestamp is missing"},
      {"no market", WS("{\"event_type\":\"book\",\"timestamp\":\"1\"}"), PMM_PARSE, "market is missing"},
      {"book without asks", WS("{\"event_type\":\"book\",\"market\":\"m\",\"asset_id\":\"1\",\"timestamp\":\"1\",\"bids\":[]}"), PMM_PARSE, "asks is missing"},
      {"bids no list", WS("{\"event_type\":\"book\",\"market\":\"m\",\"asset_id\":\"1\",\"timestamp\":\"1\",\"bids\":1,\"asks\":[]}"), PMM_PARSE, "not a list"},
      {"level without size", WS("{\"event_type\":\"book\",\"market\":\"m\",\"asset_id\":\"1\",\"timestamp\":\"1\",\"bids\":[{\"price\":\"0.1\"}],\"asks\":[]}"), PMM_PARSE, "size is missing"},
      {"price twice", WS("{\"event_type\":\"book\",\"market\":\"m\",\"asset_id\":\"1\",\"timestamp\":\"1\",\"bids\":[{\"price\":\"0.1\",\"size\":1},{\"price\":\"0.10\",\"size\":1}],\"asks\":[]}"), PMM_PARSE, "listed twice"},
      {"changes no list", WS("{\"event_type\":\"price_change\",\"market\":\"m\",\"timestamp\":\"1\"}"), PMM_PARSE, "not a list"},
      {"change without token", CHANGE("{\"price\":\"0.1\",\"size\":\"1\",\"side\":\"BUY\"}"), PMM_PARSE, "asset_id is missing"},
      {"change without side", CHANGE("{\"asset_id\":\"1\",\"price\":\"0.1\",\"size\":\"1\"}"), PMM_PARSE, "side: neither"},
      {"change of another side", CHANGE("{\"asset_id\":\"1\",\"price\":\"0.1\",\"size\":\"1\",\"side\":\"HOLD\"}"), PMM_PARSE, "side: neither"},
      {"size too fine", CHANGE("{\"asset_id\":\"1\",\"price\":\"0.1\",\"size\":\"1.0000001\",\"side\":\"BUY\"}"), PMM_PARSE, "more decimals"},
      {"price 0", CHANGE("{\"asset_id\":\"1\",\"price\":\"0\",\"size\":\"1\",\"side\":\"BUY\"}"), PMM_PARSE, "outside (0,1)"},
      {"a third token", CHANGE("{\"asset_id\":\"1\",\"price\":\"0.1\",\"size\":\"1\",\"side\":\"BUY\"}") CHANGE("{\"asset_id\":\"2\",\"price\":\"0.1\",\"size\":\"1\",\"side\":\"BUY\"}")
                       CHANGE("{\"asset_id\":\"3\",\"price\":\"0.1\",\"size\":\"1\",\"side\":\"BUY\"}"), PMM_PARSE, "bad.jsonl:3: byte"},
      {"tick", WS("{\"event_type\":\"tick_size_change\",\"market\":\"m\",\"timestamp\":\"1\",\"new_tick_size\":\"0.03\"}"), PMM_PARSE, "does not divide"},
      {"tick 2", WS("{\"event_type\":\"tick_size_change\",\"market\":\"m\",\"timestamp\":\"1\",\"new_tick_size\":\"2\"}"), PMM_PARSE, "does not divide"},
      {"winner", WS("{\"event_type\":\"market_resolved\",\"market\":\"m\",\"timestamp\":\"1\",\"winning_asset_id\":\"9\"}"), PMM_PARSE, "no token of market"},
      {"new market without tokens", WS("{\"event_type\":\"new_market\",\"market\":\"m\",\"slug\":\"s\",\"assets_ids\":[\"1\"]}"), PMM_PARSE, "not two tokens"},
      {"new market's tick", WS("{\"event_type\":\"new_market\",\"market\":\"m\",\"slug\":\"s\",\"assets_ids\":[\"1\",\"2\"],\"order_price_min_tick_size\":\"0.3\"}"), PMM_PARSE, "does not divide"},
  };
  assert_bad_imports("polymarket-ws", rows, COUNT_OF(rows));
}

static void test_markets_file_malformed(void **state) {
  (void)state;
#define MARKET(rest) "{\"conditionId\":\"0xaa\",\"slug\":\"s\",\"upTokenId\":\"1\",\"downTokenId\":\"2\"" rest "}"
  static const struct { const char *text, *message; } rows[] = {
      {"[1]", "not a market"},
      {"{\"current\":{}}", "conditionId is missing"},
      {"{\"current\":{\"conditionId\":\"0xaa\"}}", "slug is missing"},
      {"{\"conditionId\":\"0xaa\",\"slug\":\"s\"}", "upTokenId is missing"},
      {MARKET(",\"tickSize\":0.03"), "does not divide"},
      {MARKET(",\"minOrderSize\":0"), "minOrderSize"},
      {MARKET(",\"startTs\":5,\"endTs\":4"), "endTs: not after"},
      {"[" MARKET(",\"startTs\":5,\"endTs\":9") "," MARKET("") "]", "no polymarket-ws messages"},
      {"", "no polymarket-ws messages"},
      {"{", "byte"},
  };
  for (size_t i = 0; i < COUNT_OF(rows); i++) {
    pmm_import_stats_t stats;
    pmm_error_t err = {0};
    pmm_status_t const st = import_text("polymarket-ws", "x.markets.json", rows[i].text, scratch("m.tape"), &stats, &err);
    if (st != PMM_PARSE || !strstr(err.text, rows[i].message)) fail_msg("%s: %s", rows[i].text, err.text);
  }
}

/* -- recordings of it: after each price_change the book's best prices must be the message's own -- */
typedef struct agreement { uint64_t compared, differ; } agreement_t;

static bool token_is(const pmm_json_node_t *change, const char *token) { return pmm_json_is(pmm_json_get(change, "asset_id"), token); }

static int32_t price_of(const pmm_json_node_t *node) { return (int32_t)(strtod(node->text, NULL) * 10000 + 0.5); }

static void compare_message(const pmm_json_node_t *payload, const pmm_market_t *m, const pmm_ladder_t *ladder, agreement_t *a) {
  const pmm_json_node_t *const list = pmm_json_get(payload, "price_changes"), *change = pmm_json_first(list);
  int32_t bid = pmm_ladder_best_e4(ladder, PMM_BID), ask = pmm_ladder_best_e4(ladder, PMM_ASK);
  if (!change) return;
  int32_t const best_bid = price_of(pmm_json_get(change, "best_bid")), best_ask = price_of(pmm_json_get(change, "best_ask"));
  a->compared++;
  if (!ask) ask = 10000;
  if (token_is(change, m->token_yes)) a->differ += bid != best_bid || ask != best_ask;
  else a->differ += bid != 10000 - best_ask || ask != 10000 - best_bid;
}

static void replay_message(const whole_t *w, size_t *at, uint32_t market, pmm__book_t *book) { /* records up to the market's next LAST */
  for (;; ++*at) {
    assert_true(*at < w->cnt);
    const pmm_md_t *const md = &w->md[*at];
    if (md->market != market) continue;
    if (md->kind == PMM_MD_CLEAR) pmm_ladder_clear(&book->ladder);
    if (md->kind == PMM_MD_LEVEL) assert_int_equal(pmm__book_set(book, (pmm_side_t)md->side, md->price_e4, md->qty_e6), PMM_OK);
    if (md->flags & PMM_F_LAST) break;
  }
  ++*at;
}

static void test_ws_recording(void **state) {
  (void)state;
  char **paths;
  pmm_import_stats_t stats;
  whole_t w = import_data("polymarket-ws", "polymarket-ws-raw", "", &stats);
  size_t const n = data_files("polymarket-ws-raw", ".market-ws.jsonl.gz", &paths);
  pmm_json_parser_t *const json = pmm_json_new();
  pmm__input_t *in;
  pmm_error_t err = {0};
  pmm__book_t book[2] = {0};
  size_t at[2] = {0}, len, where;
  const char *line, *why;
  agreement_t a = {0};
  assert_int_equal(n, 1);
  assert_int_equal(stats.messages, 5544);
  assert_int_equal(stats.trades, 71);
  ASSERT_OK(pmm__input_open(&in, paths[0], &err), err);
  for (int i = 0; i < 2; i++) assert_int_equal(pmm__book_init(&book[i], 100), PMM_OK);
  while (pmm__input_line(in, &line, &len, &err) == PMM_OK) {
    const pmm_json_node_t *root;
    assert_int_equal(pmm_json_parse(json, line, len, &root, &where, &why), PMM_OK);
    const pmm_json_node_t *const payload = pmm_json_get(root, "payload");
    uint32_t const m = pmm_json_is(pmm_json_get(payload, "market"), "0x125149c5918fc5f8c6d34682f700a898a1a19ea4f4e2ae68ff4c5794ba657074") ? market_named(&w, "btc-updown-5m-1776808200")
                                                                                                                                            : market_named(&w, "btc-updown-5m-1776808500");
    replay_message(&w, &at[m], m, &book[m]);
    compare_message(payload, pmm_tape_market(w.tape, m), &book[m].ladder, &a);
  }
  assert_int_equal(a.compared, 5185);
  assert_true(a.differ <= 5); /* three before the first book, two of the source's own crossed instants */
  pmm__input_close(in);
  pmm_json_free(json);
  for (int i = 0; i < 2; i++) pmm__book_fini(&book[i]);
  free_whole(&w);
}

/* -- polymarket-multifeed -- */
static void test_multifeed_fixture(void **state) {
  (void)state;
  static const char *const path[] = {"tests/fixtures/multifeed.json"};
  static const char *const want[] = {
      "u0 70000.25 kind 0 !",
      "u1 70001.123 kind 1 !",
      "u2 70000.5 kind 2 !",
      "0 status open",
      "0 trade buy 0.5200 5 !",
      "0 trade buy 0.5300 5 !",
      "0 trade sell 0.5100 2.90566 !",
      "0 trade sell 0.5100 1 !",
      "0 clear",
      "0 level bid 0.5000 1 snap nosize",
      "0 level ask 0.5200 1 snap nosize !",
      "0 mark !",
      "0 trade buy 0.5200 1 !",
      "0 trade sell 0.5000 1 !",
      "0 trade buy 0.5100 1 !",
      "0 level bid 0.5000 0 nosize",
      "0 level ask 0.5200 0 nosize",
      "0 level ask 0.5100 1 nosize !",
      "0 level ask 0.5100 0 nosize",
      "0 tick 0.0010",
      "0 level ask 0.5050 1 nosize !",
      "0 mark !",
      "0 status closed",
      "0 status resolved yes",
      "u2 70001.5 kind 2 !",
      "1 status open",
      "1 trade buy 0.5000 1 !",
      "1 status closed",
      "1 status resolved void",
  };
  pmm_import_stats_t stats;
  whole_t w = import_files("polymarket-multifeed", path, 1, &stats);
  assert_records(&w, want, COUNT_OF(want));
  assert_int_equal(stats.skipped, 2); /* a feed value that both windows have, and an unknown kind */
  const pmm_market_t *const m = pmm_tape_market(w.tape, 0);
  assert_int_equal(m->strike_e8, INT64_C(7000012345678)); /* digits beyond 1e-8 are cut */
  assert_int_equal(m->settle_window_ns, 60 * PMM_NS_PER_S);
  assert_int_equal(m->tie_is_yes, 1);
  assert_int_equal(m->data, PMM_DATA_TOP | PMM_DATA_NOSIZE | PMM_DATA_TRADES | PMM_DATA_UNDERLYING);
  assert_int_equal(pmm_tape_underlying(w.tape, m->underlying)->kind, PMM_UNDER_TWAP);
  assert_string_equal(pmm_tape_underlying(w.tape, m->underlying)->id, "BTC-USD");
  assert_int_equal(pmm_tape_market(w.tape, 1)->outcome, PMM_OUTCOME_VOID);
  free_whole(&w);
}

#define WINDOW(events) "{\"windows\":[{\"window_ts\":1900000200,\"cid\":\"w\",\"token_up\":\"1\",\"token_down\":\"2\",\"events\":[" events "]}]}"

static void test_multifeed_malformed(void **state) {
  (void)state;
  static const bad_case_t rows[] = {
      {"nothing", "", PMM_PARSE, "no polymarket-multifeed messages"},
      {"no windows", "{}", PMM_PARSE, "windows is missing"},
      {"windows no list", "{\"windows\":1}", PMM_PARSE, "windows: not a list"},
      {"no events", "{\"windows\":[{}]}", PMM_PARSE, "events is missing"},
      {"events no list", "{\"windows\":[{\"events\":1}]}", PMM_PARSE, "events: not a list"},
      {"event no list", WINDOW("5"), PMM_PARSE, "event is not a list"},
      {"event without kind", WINDOW("[1900000200.0]"), PMM_PARSE, "without a kind"},
      {"time is text", WINDOW("[\"now\",\"s\"]"), PMM_PARSE, "receive time: not a number"},
      {"feed with 2 fields", WINDOW("[1900000200.0,\"s\"]"), PMM_PARSE, "kind s with 2 fields"},
      {"top with 4 fields", WINDOW("[1900000200.0,\"b\",\"1\",\"0.5\"]"), PMM_PARSE, "kind b with 4 fields"},
      {"feed price 0", WINDOW("[1900000200.0,\"s\",1900000200,0]"), PMM_PARSE, "not positive"},
      {"feed time", WINDOW("[1900000200.0,\"s\",-1,5]"), PMM_PARSE, "feed time: not a time"},
      {"third token", WINDOW("[1900000200.0,\"p\",\"3\",\"0.5\",\"1\"]"), PMM_PARSE, "none of window w"},
      {"print at 1", WINDOW("[1900000200.0,\"p\",\"1\",\"1\",\"1\"]"), PMM_PARSE, "outside (0,1)"},
      {"print of less than nothing", WINDOW("[1900000200.0,\"p\",\"1\",\"0.5\",\"-1\"]"), PMM_PARSE, "negative"},
      {"best above 1", WINDOW("[1900000200.0,\"b\",\"1\",\"0.5\",\"1.1\"]"), PMM_PARSE, "outside 0..1"},
      {"no token", "{\"windows\":[{\"window_ts\":1900000200,\"cid\":\"w\",\"events\":[[1900000200.0,\"s\",1900000200,5]]}]}", PMM_PARSE, "token_up is missing"},
      {"strike", "{\"windows\":[{\"window_ts\":1900000200,\"cid\":\"w\",\"token_up\":\"1\",\"token_down\":\"2\",\"label\":{\"price_to_beat\":\"x\"},\"events\":[[1900000200.0,\"s\",1900000200,5]]}]}", PMM_PARSE,
       "price_to_beat: not a number"},
      {"a window twice", "{\"windows\":[{\"window_ts\":1900000200,\"cid\":\"w\",\"token_up\":\"1\",\"token_down\":\"2\",\"events\":[[1900000200.0,\"s\",1900000200,5]]},"
                         "{\"window_ts\":1900000200,\"cid\":\"w\",\"token_up\":\"1\",\"token_down\":\"2\",\"events\":[[1900000201.0,\"s\",1900000200,5]]}]}", PMM_PARSE, "there twice"},
  };
  assert_bad_imports("polymarket-multifeed", rows, COUNT_OF(rows));
}

static void test_multifeed_recordings(void **state) {
  (void)state;
  static const struct { const char *id; const char *strike; uint64_t messages; } rows[] = {{"btc-updown-5m-1787236800", "7148523965784", 117506}, {"btc-updown-5m-1787258400", "7277132406155", 122419}};
  pmm_import_stats_t stats;
  whole_t w = import_data("polymarket-multifeed", "polymarket-btc5m-multifeed", ".json.gz", &stats);
  assert_int_equal(stats.messages, 119687 + 124614);
  assert_int_equal(stats.trades, 3588 + 3501);
  for (size_t i = 0; i < COUNT_OF(rows); i++) {
    uint32_t const index = market_named(&w, rows[i].id);
    const pmm_market_t *const m = pmm_tape_market(w.tape, index);
    uint64_t messages = 0;
    assert_int_equal(m->outcome, PMM_OUTCOME_NO); /* both Down */
    assert_int_equal(m->strike_e8, strtoll(rows[i].strike, NULL, 10));
    for (size_t k = 0; k < w.cnt; k++) messages += is_of_market(&w.md[k]) && w.md[k].market == index && w.md[k].flags & PMM_F_LAST;
    assert_int_equal(messages, rows[i].messages);
  }
  free_whole(&w);
}

int main(void) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(test_ws_fixture),        cmocka_unit_test(test_ws_malformed),        cmocka_unit_test(test_markets_file_malformed), cmocka_unit_test(test_ws_recording),
                                     cmocka_unit_test(test_multifeed_fixture), cmocka_unit_test(test_multifeed_malformed), cmocka_unit_test(test_multifeed_recordings)};
  return cmocka_run_group_tests(tests, scratch_setup, scratch_teardown);
}
