/* Importing tables and polls: best prices by a map, up-or-down markets, ladders, price histories, candles, outcomes. Small
   texts by hand, record by record; malformed ones by their message. */
#include "tape/tape_test.h"

typedef struct job {
  const char *format, *name, *map, *text;
  int64_t gap_ns;
} job_t;

static pmm_status_t run(const job_t *job, const char *out, pmm_import_stats_t *stats, pmm_error_t *err) {
  pmm_import_opts_t opts;
  pmm_import_opts_default(&opts);
  opts.format = job->format;
  opts.map = job->map;
  opts.gap_ns = job->gap_ns;
  return pmm_import_buffer(&opts, job->name ? job->name : "table.csv", job->text, strlen(job->text), out, stats, err);
}

static whole_t run_sound(const job_t *job, pmm_import_stats_t *stats) {
  pmm_error_t err = {0};
  pmm_tape_check_t check;
  ASSERT_OK(run(job, scratch("sound.tape"), stats, &err), err);
  ASSERT_OK(pmm_tape_verify(scratch("sound.tape"), &check, &err), err);
  return read_tape(scratch("sound.tape"));
}

static whole_t expect(const job_t *job, const char *const *want, size_t cnt) {
  pmm_import_stats_t stats;
  whole_t w = run_sound(job, &stats);
  assert_records(&w, want, cnt);
  return w;
}

/* -- csv-bbo -- */
#define MAP "time=t,market=m,bid=b,ask=a,bid_size=bs,ask_size=as,trade_price=p,trade_size=q,trade_side=s,time_unit=ms"
#define HEAD "t,m,b,a,bs,as,p,q,s\n"

static void test_bbo(void **state) {
  (void)state;
  static const char text[] = HEAD "1900000000000,A,0.40,0.42,5,6,,,\n"
                                  "1900000001000,\"A\",0.40,0.42,5,6,,,\n"         /* nothing new */
                                  "1900000002000,A,0.4,0.43,5,6.5,0.42,6,buy\n"    /* a trade goes before the book it leaves */
                                  "1900000003000,A,,,,,0.40,1,S\n"                 /* a trade alone */
                                  "1900000004000,B,0.105,,7,,,,\n"                 /* another market, off the cent, one side */
                                  "1900000005000,A,0,1,,,,,\n";                    /* both sides empty */
  static const char *const want[] = {
      "0 status open", "0 clear", "0 level bid 0.4000 5 snap", "0 level ask 0.4200 6 snap !",
      "0 mark !",
      "0 trade buy 0.4200 6", "0 level ask 0.4200 0", "0 level ask 0.4300 6.5 !",
      "0 trade sell 0.4000 1 !",
      "1 status open", "1 clear", "1 tick 0.0010", "1 level bid 0.1050 7 snap !",
      "0 level bid 0.4000 0", "0 level ask 0.4300 0 !",
  };
  job_t const job = {.format = "csv-bbo", .map = MAP, .text = text};
  whole_t w = expect(&job, want, COUNT_OF(want));
  assert_int_equal(pmm_tape_market(w.tape, 0)->data, PMM_DATA_TOP | PMM_DATA_TRADES);
  assert_int_equal(pmm_tape_market(w.tape, 1)->outcome, PMM_OUTCOME_UNKNOWN); /* nobody knows: it stays open */
  free_whole(&w);
}

static void test_bbo_settings(void **state) { /* one market, cents, NO bids, a zone, semicolons, no sizes, an outcome */
  (void)state;
  static const char text[] = "\xef\xbb\xbfwhen;yes;no\n2026-01-02 03:04:05;\"38.000000000000001\";61,0\n";
  static const char sound[] = "\xef\xbb\xbfwhen;yes;no\n2026-01-02 03:04:05;37.99999999999999;61\n2026-01-02T12:04:06+01:00;99;\n";
  static const char *const want[] = {"0 status open", "0 clear", "0 level bid 0.3800 1 snap nosize", "0 level ask 0.3900 1 snap nosize !",
                                     "0 level bid 0.3800 0 nosize", "0 level ask 0.3900 0 nosize", "0 level bid 0.9900 1 nosize !",
                                     "0 status closed", "0 status resolved yes"};
  job_t job = {.format = "csv-bbo",
               .map = "time=when,zone=-08:00,market_id=X-1,event_id=X,bid=yes,no_bid=no,price_unit=cents,venue=kalshi,delimiter=;",
               .text = text};
  pmm_import_stats_t stats;
  pmm_error_t err = {0};
  assert_int_equal(run(&job, scratch("bad.tape"), &stats, &err), PMM_PARSE);
  assert_non_null(strstr(err.text, "table.csv:2: column 3 (no): not a number: 61,0"));
  job.text = sound;
  whole_t w = run_sound(&job, &stats);
  assert_int_equal(w.md[1].recv_ns, INT64_C(1767351845000000000)); /* 11:04:05Z */
  assert_int_equal(w.md[5].recv_ns, INT64_C(1767351846000000000)); /* its own zone goes before the map's */
  assert_records(&w, want, COUNT_OF(want));
  free_whole(&w);
}

static void test_bbo_malformed(void **state) {
  (void)state;
  static const struct { const char *why, *map, *text; pmm_status_t status; const char *message; } rows[] = {
      {"no map", NULL, "t\n", PMM_INVAL, "csv-bbo needs a map"},
      {"no pair", "time", "t\n", PMM_INVAL, "map: not KEY=COLUMN or KEY=VALUE: time"},
      {"unknown key", "time=t,price=p", "t\n", PMM_INVAL, "map: no such key: price"},
      {"key twice", "time=t,time=u", "t\n", PMM_INVAL, "map: given twice: time"},
      {"empty value", "time=", "t\n", PMM_INVAL, "map: not a text of 1 to 95 bytes: time="},
      {"no time", "market=m,bid=b", "m,b\n", PMM_INVAL, "map: time is missing"},
      {"no market", "time=t,bid=b", "t,b\n", PMM_INVAL, "map: needs market (a column) or market_id (a name), not both"},
      {"no prices", "time=t,market=m", "t,m\n", PMM_INVAL, "map: names no prices"},
      {"ask twice", "time=t,market=m,ask=a,no_bid=b", "t\n", PMM_INVAL, "say the same"},
      {"trade without size", "time=t,market=m,trade_price=p", "t\n", PMM_INVAL, "come together"},
      {"side without trade", "time=t,market=m,bid=b,trade_side=p", "t\n", PMM_INVAL, "trade_side without"},
      {"time unit", "time=t,market=m,bid=b,time_unit=days", "t\n", PMM_INVAL, "map: time_unit is none of iso, s, ms, us, ns: days"},
      {"price unit", "time=t,market=m,bid=b,price_unit=?", "t\n", PMM_INVAL, "price_unit is none of"},
      {"venue", "time=t,market=m,bid=b,venue=moon", "t\n", PMM_INVAL, "venue is none of"},
      {"tick", "time=t,market=m,bid=b,tick=0.03", "t\n", PMM_INVAL, "tick does not divide a dollar: 0.03"},
      {"delimiter", "time=t,market=m,bid=b,delimiter=x", "t\n", PMM_INVAL, "delimiter is none of"},
      {"empty", MAP, "", PMM_PARSE, "bad.csv: empty: no heading"},
      {"heading alone", MAP, HEAD, PMM_PARSE, "bad.csv: no csv-bbo messages in it"},
      {"no such column", MAP, "t,m,b,a\n", PMM_PARSE, "bad.csv:1: no column bs in the heading"},
      {"columns of one name", MAP, "t,m,t\n", PMM_PARSE, "bad.csv:1: columns 1 and 3 have the same name t"},
      {"cell too few", MAP, HEAD "1900000000000,A,0.4\n", PMM_PARSE, "bad.csv:2: 3 columns, the heading has 9"},
      {"quote inside", MAP, HEAD "1900000000000,A\"b,0.4,,,,,,\n", PMM_PARSE, "bad.csv:2: a quote where none may be"},
      {"quote open", MAP, HEAD "1900000000000,\"A,0.4,,,,,,\n", PMM_PARSE, "a quote is not closed"},
      {"carriage return", MAP, HEAD "1900000000000,A,0.4,,\r,,,,\n", PMM_PARSE, "bad.csv:2: a carriage return within the row"},
      {"time", MAP, HEAD "soon,A,0.4,,,,,,\n", PMM_PARSE, "bad.csv:2: column 1 (t): not a time in Unix milliseconds: soon"},
      {"time in seconds", MAP, HEAD "1900000000,A,0.4,,1,,,,\n1900000000000000,A,0.4,,1,,,,\n", PMM_PARSE, "bad.csv:3: column 1 (t): not a time"},
      {"newest first", MAP, HEAD "1900000900000,A,0.4,,1,,,,\n1900000000000,A,0.4,,1,,,,\n", PMM_PARSE,
       "bad.csv:3: column 1 (t): time goes back by 900 s: sort the file by time"},
      {"no market", MAP, HEAD "1900000000000,,0.4,,1,,,,\n", PMM_PARSE, "column 2 (m): not a text of 1 to 95 bytes"},
      {"price", MAP, HEAD "1900000000000,A,1.01,,1,,,,\n", PMM_PARSE, "column 3 (b): price outside 0..1 dollars: 1.01"},
      {"negative price", MAP, HEAD "1900000000000,A,-0.01,,1,,,,\n", PMM_PARSE, "column 3 (b): price outside"},
      {"NaN", MAP, HEAD "1900000000000,A,nan,,1,,,,\n", PMM_PARSE, "column 3 (b): not a number: nan"},
      {"size", MAP, HEAD "1900000000000,A,0.4,,-1,,,,\n", PMM_PARSE, "column 5 (bs): negative size"},
      {"size too large", MAP, HEAD "1900000000000,A,0.4,,1e15,,,,\n", PMM_PARSE, "column 5 (bs): too large"},
      {"trade at 1", MAP, HEAD "1900000000000,A,,,,,1,5,\n", PMM_PARSE, "column 7 (p): a trade at 0 or 1 dollars"},
      {"side", MAP, HEAD "1900000000000,A,,,,,0.5,5,maybe\n", PMM_PARSE, "column 9 (s): neither buy nor sell: maybe"},
  };
  for (size_t i = 0; i < COUNT_OF(rows); i++) {
    job_t const job = {.format = "csv-bbo", .name = "bad.csv", .map = rows[i].map, .text = rows[i].text};
    pmm_import_stats_t stats;
    pmm_error_t err = {0};
    pmm_status_t const st = run(&job, scratch("bad.tape"), &stats, &err);
    if (st != rows[i].status || !strstr(err.text, rows[i].message)) fail_msg("%s: %s '%s'", rows[i].why, pmm_status_to_string(st), err.text);
    if (access(scratch("bad.tape"), F_OK) == 0 || access(scratch("bad.tape.tmp"), F_OK) == 0) fail_msg("%s: left a file behind", rows[i].why);
  }
}

static void test_row_limit(void **state) { /* memory is bounded by what a row may take, quoted line breaks included */
  (void)state;
  size_t const len = (size_t)3 << 20;
  char *const text = malloc(len + 64);
  int const head = sprintf(text, "t,m,b\n1900000000000,\"");
  for (size_t i = (size_t)head; i < len; i++) text[i] = i % 64 == 0 ? '\n' : 'x';
  text[len] = '\0';
  job_t const job = {.format = "csv-bbo", .map = "time=t,market=m,bid=b,time_unit=ms", .text = text};
  pmm_import_stats_t stats;
  pmm_error_t err = {0};
  assert_int_equal(run(&job, scratch("bad.tape"), &stats, &err), PMM_PARSE);
  assert_non_null(strstr(err.text, "row longer than 1 MiB"));
  free(text);
}

/* -- gaps -- */
static void test_gap(void **state) { /* placed when the silence had lasted, at the end of a file only if another goes on */
  (void)state;
  static const char text[] = "t,m,b\n1900000000,A,0.4\n1900000001,B,0.3\n1900000061,A,0.4\n1900000122,A,0.5\n1900000123,B,0.3\n";
  static const char *const want[] = {"0 status open", "0 clear", "0 level bid 0.4000 1 snap nosize !",
                                     "1 status open", "1 clear", "1 level bid 0.3000 1 snap nosize !",
                                     "0 mark !", /* 60 s of silence are not longer than 60 s */
                                     "0 gap", "1 gap",
                                     "0 clear", "0 level bid 0.5000 1 snap nosize !",
                                     "1 clear", "1 level bid 0.3000 1 snap nosize !"};
  job_t job = {.format = "csv-bbo", .map = "time=t,market=m,bid=b,time_unit=s", .text = text, .gap_ns = 60 * PMM_NS_PER_S};
  whole_t w = expect(&job, want, COUNT_OF(want));
  assert_int_equal(w.md[7].recv_ns, INT64_C(1900000121000000000));
  assert_int_equal(w.md[7].exch_ns, INT64_C(1900000061000000000)); /* nothing was recorded since */
  free_whole(&w);
  job.gap_ns = PMM_NS_MAX;
  pmm_import_stats_t stats;
  w = run_sound(&job, &stats);
  assert_int_equal(stats.gaps, 0);
  free_whole(&w);
}

static void test_gap_between_files(void **state) {
  (void)state;
  static const char first[] = "t,m,b\n1900000000,A,0.4\n1900000010,B,0.4\n", second[] = "t,m,b\n1900000005,B,0.3\n1900000500,A,0.4\n";
  write_file(scratch("1.csv"), first, strlen(first));
  write_file(scratch("2.csv"), second, strlen(second));
  const char *const path[] = {scratch("1.csv"), scratch("2.csv")};
  static const char *const want[] = {"0 status open", "0 clear", "0 level bid 0.4000 1 snap nosize !",
                                     "1 status open", "1 clear", "1 level bid 0.3000 1 snap nosize !",
                                     "1 level bid 0.3000 0 nosize", "1 level bid 0.4000 1 nosize !",
                                     "0 gap", "1 gap", /* both were last told by the first file */
                                     "0 clear", "0 level bid 0.4000 1 snap nosize !"};
  pmm_import_opts_t opts;
  pmm_import_stats_t stats;
  pmm_error_t err = {0};
  pmm_import_opts_default(&opts);
  opts.format = "csv-bbo";
  opts.map = "time=t,market=m,bid=b,time_unit=s";
  opts.gap_ns = 60 * PMM_NS_PER_S;
  ASSERT_OK(pmm_import(&opts, path, 2, scratch("two.tape"), &stats, &err), err);
  whole_t w = read_tape(scratch("two.tape"));
  assert_records(&w, want, COUNT_OF(want));
  assert_int_equal(w.md[8].recv_ns, INT64_C(1900000070000000000));
  free_whole(&w);
}

/* -- kalshi-bbo-csv -- */
static void test_kalshi_bbo(void **state) {
  (void)state;
#define K "timestamp,market_ticker,best_yes_bid,best_no_bid,implied_no_ask,implied_yes_ask\n"
  static const char text[] = K "2025-12-04T12:00:00.5,E-D-A,1,50,99,50\n" /* half built */
                               "2025-12-04T12:00:01,E-D-A,45,54,55,46\n"
                               "2025-12-04T12:00:02,E-D-B,0,98,100,2\n"
                               "2025-12-04T12:00:03,E-D-B,0,99,100,1\n"
                               "2025-12-04T12:10:00,E-D-A,97,0,3,100\n" /* after a silence: half built again */
                               "2025-12-04T12:10:01,E-D-A,98,0,2,100\n"
                               "2025-12-04T12:10:02,E-D-A,0,0,100,100\n";
  static const char *const want[] = {"0 status open", "0 mark !",
                                     "0 clear", "0 level bid 0.4500 1 snap nosize", "0 level ask 0.4600 1 snap nosize !",
                                     "1 status open", "1 mark !", "1 clear", "1 level ask 0.0100 1 snap nosize !",
                                     "0 gap", "1 gap",
                                     "0 mark !", "0 clear", "0 level bid 0.9800 1 snap nosize !", "0 level bid 0.9800 0 nosize !",
                                     "0 status closed", "0 status resolved yes", "1 status closed", "1 status resolved no"};
  job_t const job = {.format = "kalshi-bbo-csv", .text = text};
  whole_t w = expect(&job, want, COUNT_OF(want));
  assert_string_equal(pmm_tape_market(w.tape, 1)->event, "E-D");
  assert_int_equal(w.md[1].recv_ns, INT64_C(1764878400500000000)); /* eight hours behind UTC */
  free_whole(&w);
}

/* -- polymarket-updown-csv -- */
#define UP "timestamp_utc,ms_since_candle_start,event_type,asset,side,up_bid,up_ask,up_mid,dn_bid,dn_ask,dn_mid\n"
static void test_updown(void **state) {
  (void)state;
  static const char text[] = UP "18:15:35.921,35922,TICK,BTC,Up,0.02,0.03,0.025,,,\n"
                                "18:15:36,36000,TICK,BTC,Down,0.02,0.03,,0.97,0.98,\n" /* mirrors: nothing new */
                                "18:15:36.5,36500,ENTRY_DRY,BTC,Up,,,,,,\n"
                                "18:15:37,37000,TICK,BTC,Down,0.02,0.03,,0.96,0.98,\n" /* Down changed: YES asks 0.04 */
                                "18:19:59,0,TICK,BTC,Up,0.01,0.02,,0.98,0.99,\n";
  static const char *const want[] = {"0 status open", "0 clear", "0 level bid 0.0200 1 snap nosize", "0 level ask 0.0300 1 snap nosize !",
                                     "0 mark !", "0 level ask 0.0300 0 nosize", "0 level ask 0.0400 1 nosize !",
                                     "0 gap", "0 clear", "0 level bid 0.0100 1 snap nosize", "0 level ask 0.0200 1 snap nosize !",
                                     "0 status closed", "0 status resolved no"};
  job_t const job = {.format = "polymarket-updown-csv", .name = "/some/where/candle_v3_20260421_1815.csv.gz", .text = text};
  whole_t w = expect(&job, want, COUNT_OF(want));
  assert_string_equal(pmm_tape_market(w.tape, 0)->id, "btc-updown-5m-1776795300");
  assert_int_equal(w.md[1].recv_ns, INT64_C(1776795335921000000));
  free_whole(&w);
}

static void test_updown_malformed(void **state) {
  (void)state;
  static const struct { const char *name, *text, *message; } rows[] = {
      {"candle.csv", UP "18:15:35,0,TICK,BTC,Up,0.02,0.03,,,,\n", "candle.csv: no date and start in the file name, as in"},
      {"c_20261321_1815.csv", UP "18:15:35,0,TICK,BTC,Up,0.02,0.03,,,,\n", "no date and start"},
      {"c_20260421_1815.csv", UP "25:15:35,0,TICK,BTC,Up,0.02,0.03,,,,\n", "c_20260421_1815.csv:2: column 1 (timestamp_utc): not a time of day like 18:15:35.921: 25:15:35"},
      {"c_20260421_1815.csv", UP "18:15:35,0,TICK,BTC,Left,0.02,0.03,,,,\n", "column 5 (side): neither Up nor Down: Left"},
      {"c_20260421_1815.csv", UP "18:15:35,0,TICK,,Up,0.02,0.03,,,,\n", "column 4 (asset): not a text"},
      {"c_20260421_1815.csv", "a,b\n1,2\n", "c_20260421_1815.csv:1: no column timestamp_utc"},
  };
  for (size_t i = 0; i < COUNT_OF(rows); i++) {
    job_t const job = {.format = "polymarket-updown-csv", .name = rows[i].name, .text = rows[i].text};
    pmm_import_stats_t stats;
    pmm_error_t err = {0};
    if (run(&job, scratch("bad.tape"), &stats, &err) != PMM_PARSE || !strstr(err.text, rows[i].message)) fail_msg("%zu: '%s'", i, err.text);
  }
}

/* -- polls -- */
static void test_polls(void **state) {
  (void)state;
  static const char text[] = "{\"ts\": 1900000000000, \"ticker\": \"A-1\", \"yes_bid\": 10.1, \"yes_ask\": 10.299999999999997, \"yes_bid_sz\": \"51.49\", \"yes_ask_sz\": \"7\"}\n"
                             "{\"ts\": 1900000003000, \"ticker\": \"A-1\", \"yes_bid\": null, \"yes_ask\": 0.09999999999999432, \"yes_bid_sz\": null, \"yes_ask_sz\": \"9\"}\n";
  static const char *const want[] = {"0 status open", "0 clear", "0 level bid 0.1010 51.49 snap", "0 level ask 0.1030 7 snap !",
                                     "0 level bid 0.1010 0", "0 level ask 0.1030 0", "0 level ask 0.0010 9 !"};
  job_t const job = {.format = "kalshi-bbo-polls", .text = text};
  whole_t w = expect(&job, want, COUNT_OF(want));
  assert_int_equal(pmm_tape_market(w.tape, 0)->outcome, PMM_OUTCOME_UNKNOWN);
  free_whole(&w);
  static const bad_case_t bad[] = {
      {"no time", "{\"ticker\":\"A\"}\n", PMM_PARSE, "bad.jsonl:1: byte 1: ts is missing"},
      {"no bid", "{\"ts\":1900000000000,\"ticker\":\"A\"}\n", PMM_PARSE, "yes_bid is missing"},
      {"price", "{\"ts\":1900000000000,\"ticker\":\"A\",\"yes_bid\":101}\n", PMM_PARSE, "yes_bid: outside 0..100 cents"},
      {"price is text", "{\"ts\":1900000000000,\"ticker\":\"A\",\"yes_bid\":\"x\"}\n", PMM_PARSE, "yes_bid: not a number: x"},
  };
  assert_bad_imports("kalshi-bbo-polls", bad, COUNT_OF(bad));
}

static void test_depth(void **state) {
  (void)state;
  static const char text[] = "{\"captured_at\":\"2026-07-23T00:56:05.5+00:00\",\"ticker\":\"A-1\",\"yes_bids\":[[0.3,10],[0.2,5.5]],\"no_bids\":[[0.65,1]]}\n"
                             "{\"captured_at\":\"2026-07-23T06:56:05+00:00\",\"ticker\":\"A-1\",\"yes_bids\":[],\"no_bids\":[]}\n";
  static const char *const want[] = {"0 status open", "0 clear", "0 level bid 0.3000 10 snap", "0 level bid 0.2000 5.5 snap", "0 level ask 0.3500 1 snap !",
                                     "0 gap", "0 clear !"};
  job_t const job = {.format = "kalshi-depth", .text = text};
  whole_t w = expect(&job, want, COUNT_OF(want));
  free_whole(&w);
  static const bad_case_t bad[] = {
      {"no time", "{}\n", PMM_PARSE, "captured_at is missing"},
      {"null time", "{\"captured_at\":null}\n", PMM_PARSE, "captured_at: not a time"},
      {"no levels", "{\"captured_at\":\"2026-07-23T06:56:05Z\",\"ticker\":\"A\"}\n", PMM_PARSE, "yes_bids is missing"},
      {"half a level", "{\"captured_at\":\"2026-07-23T06:56:05Z\",\"ticker\":\"A\",\"yes_bids\":[[0.1]]}\n", PMM_PARSE, "not [price, contracts]"},
      {"a level twice", "{\"captured_at\":\"2026-07-23T06:56:05Z\",\"ticker\":\"A\",\"yes_bids\":[[0.1,1],[0.1,2]]}\n", PMM_PARSE, "price listed twice"},
      {"at 1", "{\"captured_at\":\"2026-07-23T06:56:05Z\",\"ticker\":\"A\",\"yes_bids\":[[1.0,1]]}\n", PMM_PARSE, "outside (0,1)"},
  };
  assert_bad_imports("kalshi-depth", bad, COUNT_OF(bad));
}

/* -- kalshi-ladder -- */
#define LADDER(at, event, close, quotes, results) "{\"captured_at\":\"" at "\",\"current\":{\"event_ticker\":\"" event "\",\"open_time\":\"2026-07-05T00:00:00Z\",\"close_time\":\"" close "\",\"outcomes\":[" quotes "]},\"previous_settlement\":{\"results\":{" results "}},\"spot\":{\"price\":62983.89,\"product\":\"BTC-USD\",\"source\":\"coinbase\",\"exchange_time\":\"2026-07-05T00:11:28Z\"}}\n"
#define QUOTE(ticker, type, bid, ask) "{\"ticker\":\"" ticker "\",\"strike_type\":\"" type "\",\"floor_strike\":70299.99,\"yes_bid\":" bid ",\"yes_ask\":" ask "}"
static void test_ladder(void **state) { /* the later line comes first in the file */
  (void)state;
  static const char text[] = LADDER("2026-07-05T01:11:29Z", "F", "2026-07-05T02:00:00Z", QUOTE("F-T1", "less", "0.0", "1.0"), "\"E-T1\":\"yes\",\"E-B1\":\"no\",\"Z\":\"no\"")
      LADDER("2026-07-05T00:11:29Z", "E", "2026-07-05T01:00:00Z", QUOTE("E-T1", "greater", "0.97", "1.0") "," QUOTE("E-B1", "between", "0.0", "0.01"), "")
      "{\"captured_at\":\"2026-07-05T00:30:00Z\",\"current\":{\"status\":\"no_hourly_group_found\"}}\n";
  static const char *const want[] = {"u0 62983.89 kind 0 !",
                                     "0 status open", "0 clear", "0 level bid 0.9700 1 snap nosize !",
                                     "1 status open", "1 clear", "1 level ask 0.0100 1 snap nosize !",
                                     "0 status closed", "1 status closed",
                                     "0 status resolved yes", "1 status resolved no", "u0 62983.89 kind 0 !",
                                     "2 status open", "2 clear !"};
  job_t const job = {.format = "kalshi-ladder", .text = text};
  whole_t w = expect(&job, want, COUNT_OF(want));
  assert_int_equal(pmm_tape_market(w.tape, 0)->strike_e8, INT64_C(7029999000000));
  assert_int_equal(pmm_tape_market(w.tape, 1)->strike_e8, 0); /* two bounds are no strike */
  assert_int_equal(pmm_tape_market(w.tape, 2)->outcome, PMM_OUTCOME_UNKNOWN);
  assert_int_equal(pmm_tape_market_cnt(w.tape), 3); /* Z was never quoted */
  free_whole(&w);
  static const bad_case_t bad[] = {
      {"no time", "{}\n", PMM_PARSE, "captured_at is missing"},
      {"no current", "{\"captured_at\":\"2026-07-05T00:30:00Z\"}\n", PMM_PARSE, "current is missing"},
      {"result", LADDER("2026-07-05T01:11:29Z", "F", "2026-07-05T02:00:00Z", "", "\"E\":\"perhaps\""), PMM_PARSE, "results: neither yes nor no"},
      {"times", LADDER("2026-07-05T01:11:29Z", "F", "2026-07-05T00:00:00Z", "", ""), PMM_PARSE, "close_time: not after open_time"},
      {"price", LADDER("2026-07-05T01:11:29Z", "F", "2026-07-05T02:00:00Z", QUOTE("F-T1", "less", "0.0", "1.5"), ""), PMM_PARSE, "yes_ask: outside 0..1"},
  };
  assert_bad_imports("kalshi-ladder", bad, COUNT_OF(bad));
}

/* -- prices and outcomes -- */
static void test_daily(void **state) {
  (void)state;
  static const char prices[] = "market_id,instrument_id,outcome_label,observed_at,close\n"
                               "m1,n,No,1900000000,0.6\nm1,y,Yes,1900000001,0.4\nm1,y,Yes,1900000001,0.4\nm1,y,Yes,1900200000,0.5\n" /* the last after its resolution */
                               "m2,d,Down,1900000002,0.3\n"  /* the only token on file */
                               "m3,a,Hawks,1900000003,1\nm3,a,Hawks,1900000004,0.25\nm3,b,Nets,1900000004,0.75\n";
  static const char results[] = "market_id,winning_outcome_instrument_id,winning_outcome_label,resolved_at\n"
                                "m1,y,Yes,1900100000\nm2,u,Up,1900100001\n";
  write_file(scratch("prices.csv"), prices, strlen(prices));
  write_file(scratch("results.csv"), results, strlen(results));
  const char *const path[] = {scratch("prices.csv"), scratch("results.csv")};
  static const char *const want[] = {"0 status open", "0 price 0.4000 !", "1 status open", "1 price 0.7000 !", "2 status open", "2 price 0.2500 !",
                                     "0 status closed", "0 status resolved yes", "1 status closed", "1 status resolved yes"};
  pmm_import_opts_t opts;
  pmm_import_stats_t stats;
  pmm_error_t err = {0};
  pmm_tape_check_t check;
  pmm_import_opts_default(&opts);
  opts.format = "polymarket-daily";
  ASSERT_OK(pmm_import(&opts, path, 2, scratch("daily.tape"), &stats, &err), err);
  ASSERT_OK(pmm_tape_verify(scratch("daily.tape"), &check, &err), err);
  whole_t w = read_tape(scratch("daily.tape"));
  assert_records(&w, want, COUNT_OF(want));
  assert_int_equal(stats.skipped, 5); /* the other token twice, a repeated row, one after the resolution, one of 1 dollar */
  assert_string_equal(pmm_tape_market(w.tape, 0)->token_yes, "y");
  assert_int_equal(pmm_tape_market(w.tape, 0)->data, PMM_DATA_PRICE);
  free_whole(&w);
  static const bad_case_t bad[] = {
      {"another table", "a,b\n1,2\n", PMM_PARSE, "bad.jsonl:1: no column instrument_id in the heading"},
      {"no price", "market_id,instrument_id,outcome_label,observed_at,close\nm,i,Yes,1900000000,\n", PMM_PARSE, "bad.jsonl:2: column 5 (close): empty"},
      {"a third outcome", "market_id,instrument_id,outcome_label,observed_at,close\nm,i,A,1900000000,0.1\nm,j,B,1900000000,0.1\nm,k,C,1900000000,0.1\n", PMM_PARSE, "bad.jsonl:4: column 2 (instrument_id): a third outcome of market m"},
      {"resolved twice", "market_id,winning_outcome_instrument_id,winning_outcome_label,resolved_at\nm,i,Yes,1900000000\nm,i,Yes,1900000000\n", PMM_PARSE, "bad.jsonl:3: column 1 (market_id): market m resolves twice"},
      {"results alone", "market_id,winning_outcome_instrument_id,winning_outcome_label,resolved_at\nm,i,Yes,1900000000\n", PMM_PARSE, "no polymarket-daily messages"},
  };
  assert_bad_imports("polymarket-daily", bad, COUNT_OF(bad));
}

static void test_prices(void **state) {
  (void)state;
  static const char text[] = "condition_id,city,question,token_id,outcome,timestamp_utc,price\n"
                             "0x1,Austin,\"Will it be 89, or below on August 4?\",1,Yes,2026-08-03T14:00:14+00:00,0.96\n"
                             "0x1,Austin,\"Will it be 89, or below on August 4?\",1,Yes,2026-08-03T13:00:12+00:00,0.5015\n"
                             "0x1,Austin,\"Will it be 89, or below on August 4?\",2,No,2026-08-03T14:00:14+00:00,0.04\n"
                             "0x2,Austin,\"Will it be 90 on August 4?\",3,Yes,2026-08-03T14:00:14+00:00,0.5\n";
  static const char *const want[] = {"0 status open", "0 price 0.5015 !", "0 price 0.9600 !", "1 status open", "1 price 0.5000 !", "0 status closed", "0 status resolved yes"};
  job_t const job = {.format = "polymarket-prices", .text = text};
  whole_t w = expect(&job, want, COUNT_OF(want));
  assert_string_equal(pmm_tape_market(w.tape, 0)->event, "Will it on August 4?"); /* the brackets of a day are one event */
  assert_string_equal(pmm_tape_market(w.tape, 1)->event, "Will it on August 4?");
  free_whole(&w);
}

static void test_candles(void **state) {
  (void)state;
#define C "ticker,end_period_ts,close_dollars,yes_bid_close,yes_ask_close,volume\n"
  static const char text[] = C "E-A,1900003600,0.2,0.1,0.3,5.5\nE-A,1900007200,,0.1,0.3,0\nE-A,1900018000,0.02,0.0,0.03,2\nE-B,1900003600,,0.4,1.0,\n";
  static const char *const want[] = {"0 status open", "0 volume 5.5", "0 clear", "0 level bid 0.1000 1 snap nosize", "0 level ask 0.3000 1 snap nosize !",
                                     "1 status open", "1 volume 0", "1 clear", "1 level bid 0.4000 1 snap nosize !",
                                     "0 volume 5.5 !", "0 gap",
                                     "0 volume 7.5", "0 clear", "0 level ask 0.0300 1 snap nosize !", "0 status closed", "0 status resolved no"};
  job_t const job = {.format = "kalshi-candles", .text = text};
  whole_t w = expect(&job, want, COUNT_OF(want));
  assert_int_equal(w.md[10].recv_ns, INT64_C(1900014400000000000));
  free_whole(&w);
  static const bad_case_t bad[] = {
      {"volume", C "E-A,1900003600,0.2,0.1,0.3,-5\n", PMM_PARSE, "bad.jsonl:2: column 6 (volume): negative size"},
      {"volume beyond 64 bits", C "E-A,1900003600,0.2,0.1,0.3,9e12\nE-A,1900003601,0.2,0.1,0.3,9e12\n", PMM_OVERFLOW, "volume of E-A does not fit"},
  };
  assert_bad_imports("kalshi-candles", bad, COUNT_OF(bad));
}

static void test_outcomes(void **state) {
  (void)state;
#define LABELS "window_id,resolved_up,final_price,price_to_beat,labeled_at\n"
  static const char text[] = LABELS "btc-updown-5m-1783191600,0,63110.5,63115.03323206964,1\nbtc-updown-5m-1783191300,1,63115.03323206964,63100.25,1\n";
  static const char *const want[] = {"u0 63100.25 kind 1 !", "0 status open", "0 mark !", "u0 63115.033 kind 1 !", "1 status open", "1 mark !", "u0 63115.033 kind 1 !",
                                     "0 status closed", "0 status resolved yes", "u0 63110.5 kind 1 !", "1 status closed", "1 status resolved no"};
  job_t job = {.format = "polymarket-outcomes", .text = text};
  pmm_import_stats_t stats;
  whole_t w = run_sound(&job, &stats);
  assert_records(&w, want, COUNT_OF(want));
  assert_int_equal(pmm_tape_market(w.tape, 0)->strike_e8, INT64_C(6310025000000));
  free_whole(&w);
  job.text = "timestamp,outcome,btc_open,btc_close\n1771027500,down,68886.4,68815.53\n1771027200,up,68853.97,68886.39\n";
  w = run_sound(&job, &stats);
  assert_string_equal(pmm_tape_market(w.tape, 0)->id, "btc-updown-5m-1771027200");
  assert_int_equal(pmm_tape_market(w.tape, 0)->outcome, PMM_OUTCOME_YES);
  assert_int_equal(pmm_tape_market(w.tape, 1)->outcome, PMM_OUTCOME_NO);
  free_whole(&w);
  static const bad_case_t bad[] = {
      {"slug", LABELS "x,1,2,3,4\n", PMM_PARSE, "bad.jsonl:2: column 1 (window_id): not of the form btc-updown-5m-<start>: x"},
      {"label", LABELS "btc-updown-5m-1783191600,2,2,3,4\n", PMM_PARSE, "column 2 (resolved_up): neither 0 nor 1"},
      {"price", LABELS "btc-updown-5m-1783191600,1,0,3,4\n", PMM_PARSE, "not positive"},
      {"twice", LABELS "btc-updown-5m-1783191600,1,2,3,4\nbtc-updown-5m-1783191600,1,2,3,4\n", PMM_PARSE, "bad.jsonl:3: column 1 (window_id): market btc-updown-5m-1783191600 is there twice"},
      {"outcome", "timestamp,outcome,btc_open,btc_close\n1771027500,sideways,1,1\n", PMM_PARSE, "column 2 (outcome): neither up nor down: sideways"},
  };
  assert_bad_imports("polymarket-outcomes", bad, COUNT_OF(bad));
}

/* Random rows against a slow model: whatever the rows, replaying the records gives each row's quotes. */
static uint64_t replay_equals_rows(uint64_t seed, uint64_t ops, bool broken) {
  pmm_rng_t rng;
  pmm_rng_seed(&rng, seed);
  size_t const n = ops > 20000 ? 20000 : ops;
  int (*const row)[2] = calloc(n + 1, sizeof *row); /* [][side] cents */
  char *const text = malloc(n * 40 + 64);
  size_t len = (size_t)sprintf(text, "t,b,a\n");
  for (size_t i = 0; i < n; i++) {
    for (int side = 0; side < 2; side++) row[i][side] = (int)check_between(&rng, 0, 100);
    len += (size_t)sprintf(text + len, "%llu,%d,%d\n", 1900000000ULL + i, row[i][0], row[i][1]);
  }
  if (broken) row[n / 2][0] ^= 1;
  job_t const job = {.format = "csv-bbo", .map = "time=t,market_id=M,bid=b,ask=a,time_unit=s,price_unit=cents", .text = text};
  pmm_import_stats_t stats;
  whole_t w = run_sound(&job, &stats);
  int book[2] = {0, 0};
  size_t at = 0;
  uint64_t wrong = NO_MISMATCH;
  for (size_t i = 0; i < w.cnt && wrong == NO_MISMATCH; i++) {
    const pmm_md_t *const md = &w.md[i];
    if (md->kind == PMM_MD_LEVEL) {
      int const cents = md->price_e4 / 100;
      if (md->qty_e6 > 0) book[md->side] = cents;
      else if (book[md->side] == cents) book[md->side] = 0;
    }
    if (!(md->flags & PMM_F_LAST)) continue;
    for (int side = 0; side < 2; side++)
      if (book[side] != row[at][side] % 100) wrong = at;
    at++;
  }
  if (wrong == NO_MISMATCH && at != n) wrong = at;
  free_whole(&w);
  free(text);
  free(row);
  return wrong;
}
static void test_random(void **state) {
  (void)state;
  check_random("csv-bbo replay", replay_equals_rows, 5000);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_bbo),          cmocka_unit_test(test_bbo_settings),      cmocka_unit_test(test_bbo_malformed),
      cmocka_unit_test(test_row_limit),    cmocka_unit_test(test_gap),               cmocka_unit_test(test_gap_between_files),
      cmocka_unit_test(test_kalshi_bbo),   cmocka_unit_test(test_updown),            cmocka_unit_test(test_updown_malformed),
      cmocka_unit_test(test_polls),        cmocka_unit_test(test_depth),             cmocka_unit_test(test_ladder),
      cmocka_unit_test(test_daily),        cmocka_unit_test(test_prices),            cmocka_unit_test(test_candles),
      cmocka_unit_test(test_outcomes),     cmocka_unit_test(test_random),
  };
  return cmocka_run_group_tests_name("import_tables", tests, scratch_setup, scratch_teardown);
}
