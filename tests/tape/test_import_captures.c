/* Importing what a user records from a socket himself: raw frames, a time before them, envelopes; Kalshi's numbering per
   subscription; printed trades. */
#include "tape/tape_test.h"

#define BOOK "{\"event_type\":\"book\",\"market\":\"0xaa\",\"asset_id\":\"1\",\"timestamp\":\"1900000200100\",\"bids\":[{\"price\":\"0.4\",\"size\":\"3\"}],\"asks\":[]}"
#define CHANGE "{\"event_type\":\"price_change\",\"market\":\"0xaa\",\"timestamp\":\"1900000200200\",\"price_changes\":[{\"asset_id\":\"1\",\"price\":\"0.5\",\"size\":\"2\",\"side\":\"SELL\"}]}"
#define QUOTED_BOOK "\"{\\\"event_type\\\":\\\"book\\\",\\\"market\\\":\\\"0xaa\\\",\\\"asset_id\\\":\\\"1\\\",\\\"timestamp\\\":\\\"1900000200100\\\",\\\"bids\\\":[{\\\"price\\\":\\\"0.4\\\",\\\"size\\\":\\\"3\\\"}],\\\"asks\\\":[]}\""

static void test_shapes(void **state) { /* every accepted shape gives the same book, at the time it tells */
  (void)state;
  static const struct { const char *why, *line; int64_t recv_ns; } rows[] = {
      {"a frame alone: the venue's time", BOOK, INT64_C(1900000200100000000)},
      {"frames of one message", "[" BOOK "]", INT64_C(1900000200100000000)},
      {"Unix s before it", "1900000201 " BOOK, INT64_C(1900000201000000000)},
      {"with decimals", "1900000201.25 " BOOK, INT64_C(1900000201250000000)},
      {"ms", "1900000201250\t" BOOK, INT64_C(1900000201250000000)},
      {"us", "1900000201250001," BOOK, INT64_C(1900000201250001000)},
      {"ns", "1900000201250001002 [" BOOK "]", INT64_C(1900000201250001002)},
      {"RFC 3339", "2030-03-17T17:50:01.5Z " BOOK, INT64_C(1900000201500000000)},
      {"RFC 3339 with a blank", "2030-03-17 17:50:01.5+00:00, " BOOK, INT64_C(1900000201500000000)},
      {"envelope", "{\"recv_ns\":1900000201250001002,\"payload\":" BOOK "}", INT64_C(1900000201250001002)},
      {"envelope of a list", "{\"data\":[" BOOK "],\"recv_ms\":\"1900000201250\"}", INT64_C(1900000201250000000)},
      {"envelope of text", "{\"received_at\":\"2030-03-17T17:50:01.5Z\",\"raw\":" QUOTED_BOOK "}", INT64_C(1900000201500000000)},
      {"the recorder's", "{\"capturedAt\":1900000201,\"payload\":" BOOK "}", INT64_C(1900000201000000000)},
  };
  static const char *const want[] = {"0 status open", "0 clear", "0 level bid 0.4000 3 snap !", "0 status closed", "0 status resolved void"};
  for (size_t i = 0; i < COUNT_OF(rows); i++) {
    pmm_import_stats_t stats;
    char text[1024];
    snprintf(text, sizeof text, "PONG\n%s\n", rows[i].line);
    whole_t w = import_sound("polymarket-ws", text, &stats);
    assert_records(&w, want, COUNT_OF(want));
    if (w.md[1].recv_ns != rows[i].recv_ns) fail_msg("%s: received at %lld", rows[i].why, (long long)w.md[1].recv_ns);
    assert_int_equal(w.md[1].exch_ns, INT64_C(1900000200100000000));
    assert_int_equal(stats.skipped, 1); /* PONG */
    free_whole(&w);
  }
}

static void test_small_talk(void **state) {
  (void)state;
  static const char text[] = "1900000200 NO NEW ASSETS\n1900000201 PING\n[]\n1900000201 " BOOK "\n" CHANGE "\n{\"recv_ms\":1900000202000,\"payload\":\"PONG\"}\n";
  static const char *const want[] = {"0 status open", "0 clear", "0 level bid 0.4000 3 snap !", "0 level ask 0.5000 2 !", "0 status closed", "0 status resolved void"};
  pmm_import_stats_t stats;
  whole_t w = import_sound("polymarket-ws", text, &stats);
  assert_records(&w, want, COUNT_OF(want));
  assert_int_equal(stats.clamped, 1); /* the change tells the venue's time only */
  free_whole(&w);
}

static void test_malformed(void **state) {
  (void)state;
  static const bad_case_t rows[] = {
      {"text", "hello\n", PMM_PARSE, "bad.jsonl:1: byte 1: neither a message nor a time before one"},
      {"no time", "19 " BOOK "\n", PMM_PARSE, "neither a message nor a time"},
      {"time alone", "1900000201\n", PMM_PARSE, "bad.jsonl:1: byte 11:"},
      {"offset behind a time", "1900000201 {\"event_type\":\"book\"}\n", PMM_PARSE, "bad.jsonl:1: byte 12: timestamp is missing"},
      {"broken", "1900000201 {\"a\":\n", PMM_PARSE, "bad.jsonl:1: byte"},
      {"envelope without a frame", "{\"recv_ns\":1900000201250001002}\n", PMM_PARSE, "byte 1: payload is missing"},
      {"envelope's time", "{\"recv_ns\":\"late\",\"payload\":{}}\n", PMM_PARSE, "bad.jsonl:1: byte 12: recv_ns: not a time: late"},
      {"frame as broken text", "{\"recv_ns\":1900000201250001002,\"payload\":\"{\"}\n", PMM_PARSE, "bad.jsonl:1: byte"},
      {"frame as plain text", "{\"recv_ns\":1900000201250001002,\"payload\":\"hello\"}\n", PMM_PARSE, "bad.jsonl:1: byte"},
  };
  assert_bad_imports("polymarket-ws", rows, COUNT_OF(rows));
}

/* -- Kalshi -- */
#define SNAP(sid, seq, market, yes) "{\"type\":\"orderbook_snapshot\",\"sid\":" sid ",\"seq\":" seq ",\"msg\":{\"market_ticker\":\"" market "\",\"yes_dollars_fp\":[[\"" yes "\",\"5.00\"]]}}\n"
#define DELTA(sid, seq, market, price, delta, ms) "{\"type\":\"orderbook_delta\",\"sid\":" sid ",\"seq\":" seq ",\"msg\":{\"market_ticker\":\"" market "\",\"side\":\"yes\",\"price_dollars\":\"" price "\",\"delta_fp\":\"" delta "\",\"ts_ms\":" ms "}}\n"
#define TRADE(seq, market, side, ms) "{\"type\":\"trade\",\"sid\":2,\"seq\":" seq ",\"msg\":{\"market_ticker\":\"" market "\",\"yes_price_dollars\":\"0.4100\",\"count_fp\":\"2.00\",\"taker_outcome_side\":\"" side "\",\"ts_ms\":" ms "}}\n"

static void test_kalshi(void **state) {
  (void)state;
  static const char text[] = "{\"type\":\"subscribed\",\"id\":1,\"msg\":{\"channel\":\"orderbook_delta\",\"sid\":1}}\n"
      SNAP("1", "1", "E-D-A", "0.4000") SNAP("1", "2", "E-D-B", "0.2000") /* without a time: the first one of the file */
      DELTA("1", "3", "E-D-A", "0.4100", "2.00", "1900000000000")
      DELTA("1", "4", "E-D-B", "0.2000", "-5.00", "1900000001000") /* one numbering over two markets */
      TRADE("1", "E-D-A", "no", "1900000002000")
      "{\"type\":\"ok\",\"id\":3,\"sid\":1,\"seq\":5,\"msg\":{}}\n" /* counted too */
      DELTA("1", "6", "E-D-A", "0.4100", "-2.00", "1900000002000")
      DELTA("1", "8", "E-D-B", "0.3000", "1.00", "1900000003000") /* 7 is missing: both books are suspect */
      SNAP("1", "9", "E-D-A", "0.3900")
      "{\"type\":\"market_lifecycle_v2\",\"sid\":3,\"msg\":{\"market_ticker\":\"E-D-A\",\"event_type\":\"determined\",\"result\":\"yes\",\"close_ts\":1900000004}}\n";
  static const char *const want[] = {"0 status open", "0 clear", "0 level bid 0.4000 5 snap !", "1 status open", "1 clear", "1 level bid 0.2000 5 snap !",
                                     "0 level bid 0.4100 2 !", "1 level bid 0.2000 0 !", "0 trade sell 0.4100 2 !", "0 level bid 0.4100 0 !",
                                     "0 gap", "1 gap", "1 mark !", "0 clear", "0 level bid 0.3900 5 snap !",
                                     "0 status closed", "0 status resolved yes", "1 gap"};
  pmm_import_stats_t stats;
  whole_t w = import_sound("kalshi-ws", text, &stats);
  for (size_t i = 0; i < w.cnt; i++) /* the end of a recording is a gap, wherever it stands */
    if (w.md[i].kind == PMM_MD_GAP && i > 12) w.cnt = i + 1;
  assert_true(w.cnt >= 15);
  char got[160];
  for (size_t i = 0; i < 15; i++) {
    describe(&w.md[i], got, sizeof got);
    assert_string_equal(got, want[i]);
  }
  assert_int_equal(w.md[1].recv_ns, INT64_C(1900000000000000000));
  assert_int_equal(stats.inferred, 0);
  assert_int_equal(pmm_tape_market(w.tape, 0)->outcome, PMM_OUTCOME_YES);
  assert_int_equal(pmm_tape_market(w.tape, 1)->outcome, PMM_OUTCOME_UNKNOWN); /* it may go on */
  free_whole(&w);
}

static void test_kalshi_times(void **state) { /* before the frame, or around it */
  (void)state;
  static const char text[] = "1900000000.5 " SNAP("7", "1", "E-D-A", "0.4000") "{\"recv_us\":1900000001000001,\"message\":{\"type\":\"orderbook_delta\",\"sid\":7,\"seq\":2,\"msg\":{\"market_ticker\":\"E-D-A\",\"side\":\"no\",\"price_dollars\":\"0.5\",\"delta_fp\":\"1\",\"ts_ms\":1900000000999}}}\n";
  pmm_import_stats_t stats;
  whole_t w = import_sound("kalshi-ws", text, &stats);
  assert_int_equal(w.md[1].recv_ns, INT64_C(1900000000500000000));
  assert_int_equal(w.md[3].kind, PMM_MD_LEVEL);
  assert_int_equal(w.md[3].recv_ns, INT64_C(1900000001000001000));
  assert_int_equal(w.md[3].exch_ns, INT64_C(1900000000999000000));
  assert_int_equal(w.md[3].side, PMM_ASK);
  free_whole(&w);
}

static void test_kalshi_malformed(void **state) {
  (void)state;
  static const bad_case_t rows[] = {
      {"no sid", "{\"type\":\"orderbook_snapshot\",\"seq\":1,\"msg\":{\"market_ticker\":\"A\"}}\n", PMM_PARSE, "sid is missing"},
      {"no seq", "{\"type\":\"orderbook_snapshot\",\"sid\":1,\"msg\":{\"market_ticker\":\"A\"}}\n", PMM_PARSE, "seq is missing"},
      {"no msg", "{\"type\":\"orderbook_snapshot\",\"sid\":1,\"seq\":1}\n", PMM_PARSE, "msg is missing"},
      {"seq", "{\"type\":\"orderbook_snapshot\",\"sid\":1,\"seq\":-1}\n", PMM_PARSE, "seq: negative"},
      {"no market", "{\"type\":\"ticker\",\"sid\":1,\"msg\":{}}\n", PMM_PARSE, "market_ticker is missing"},
      {"taker", TRADE("1", "A", "both", "1900000000000"), PMM_PARSE, "taker_outcome_side: neither yes nor no"},
      {"time", TRADE("1", "A", "yes", "\"x\""), PMM_PARSE, "ts_ms: not a number"},
      {"nothing of a market", "{\"type\":\"subscribed\",\"id\":1,\"msg\":{}}\n", PMM_PARSE, "no kalshi-ws messages"},
  };
  assert_bad_imports("kalshi-ws", rows, COUNT_OF(rows));
}

int main(void) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(test_shapes),  cmocka_unit_test(test_small_talk),   cmocka_unit_test(test_malformed),
                                     cmocka_unit_test(test_kalshi),  cmocka_unit_test(test_kalshi_times), cmocka_unit_test(test_kalshi_malformed)};
  return cmocka_run_group_tests_name("import_captures", tests, scratch_setup, scratch_teardown);
}
