/* The recorder against slow models, a watched run against the same run unwatched, a document against the result it tells of, and pages
   written and read back, whole and damaged. */
#include <jansson.h>
#include <unistd.h>
#include "backtest/report_impl.h"
#include "backtest/rig.h"

static pmm_config_t config;
static pmm_error_t err;

/* -- tracks: every bucket is what merging all its first buckets one by one gives -- */
typedef struct seen { int32_t lo, hi, last, fills; } seen_t;

static uint64_t track_property(uint64_t seed, uint64_t ops, bool broken) {
  enum { CAP = 16, PUSHES_MAX = 20000 };
  static seen_t all[PUSHES_MAX];
  static unsigned char memory[CAP * sizeof(pmm__bucket_t)];
  pmm_rng_t rng;
  pmm_rng_seed(&rng, seed);
  pmm__track_t t = {.item = memory, .size = sizeof(pmm__bucket_t), .cap = CAP, .t0_ns = 1000, .width_ns = 10, .merge = pmm__bucket_merge};
  uint32_t n = 0;
  for (uint64_t op = 0; op < ops && n < PUSHES_MAX; op++) {
    uint32_t const per = (uint32_t)(t.width_ns / 10); /* first buckets in one */
    pmm__bucket_t b = {0};
    for (uint32_t i = 0; i < per && n < PUSHES_MAX; i++, n++) {
      int32_t const price = pmm_rng_below(&rng, 4) ? (int32_t)check_between(&rng, 1, 9999) : 0;
      all[n] = (seen_t){price, price, price, (int32_t)pmm_rng_below(&rng, 3)};
      pmm__bucket_t const one = {.our_bid_e4 = price, .our_bid_lo_e4 = price, .our_bid_hi_e4 = price, .fills = (uint32_t)all[n].fills};
      if (i == 0) b = one;
      else pmm__bucket_merge(&b, &one, sizeof one);
    }
    if (broken && op == 3) b.fills++;
    pmm__track_push(&t, &b);
    if (t.cnt >= t.cap || pmm__track_end(&t) != 1000 + (t.cnt + 1) * t.width_ns) return op;
    uint32_t const wide = (uint32_t)(t.width_ns / 10);
    for (uint32_t k = 0; k < t.cnt; k++) {
      const pmm__bucket_t *const got = pmm__track_at(&t, k);
      seen_t want = {0, 0, 0, 0};
      for (uint32_t i = k * wide; i < (k + 1) * wide && i < n; i++) {
        if (all[i].lo && (!want.lo || all[i].lo < want.lo)) want.lo = all[i].lo;
        if (all[i].hi > want.hi) want.hi = all[i].hi;
        want.last = all[i].last;
        want.fills += all[i].fills;
      }
      if (got->our_bid_lo_e4 != want.lo || got->our_bid_hi_e4 != want.hi || got->our_bid_e4 != want.last || got->fills != (uint32_t)want.fills) return op;
    }
  }
  return NO_MISMATCH;
}
static void test_track(void **state) { (void)state; check_random("track", track_property, 300); }
static void test_track_canary(void **state) { (void)state; check_canary("track", track_property, 20); }

/* -- the worst minutes against every pair of marks -- */
static uint64_t worst_property(uint64_t seed, uint64_t ops, bool broken) {
  static pmm__worst_t w;
  static pmm__decision_t ring[PMM__DECISIONS], kept[PMM__DECISIONS];
  enum { MARKS = 600 };
  static int64_t at[MARKS], equity[MARKS];
  uint64_t done = 0;
  pmm_rng_t rng;
  pmm_rng_seed(&rng, seed);
  while (done < ops) {
    memset(&w, 0, sizeof w);
    w = (pmm__worst_t){.window_ns = check_between(&rng, 5, 400), .spacing_ns = 1, .ring = ring, .kept = kept};
    int64_t now = 0, value = 0, worst = 0;
    for (int i = 0; i < MARKS && done < ops; i++, done++) {
      now += check_between(&rng, 1, 5);
      value += check_between(&rng, -100, 99);
      at[i] = now;
      equity[i] = value;
      pmm__worst_decision(&w, &(pmm__decision_t){.at_ns = now, .net_e6 = i});
      pmm__worst_mark(&w, now, broken && i == 50 ? value - 3000 : value);
      for (int k = 0; k < i; k++)
        if (at[i] - at[k] <= w.window_ns && equity[k] - equity[i] > worst) worst = equity[k] - equity[i];
      if (w.fall_e6 != worst) return done;
      for (uint32_t k = 0; k < w.kept_cnt; k++) /* exactly the decisions of the window */
        if (w.kept[k].at_ns < w.from_ns || w.kept[k].at_ns > w.to_ns) return done;
    }
  }
  return NO_MISMATCH;
}
static void test_worst(void **state) { (void)state; check_random("worst", worst_property, 20000); }
static void test_worst_canary(void **state) { (void)state; check_canary("worst", worst_property, 600); }

/* -- markouts -- */
static void test_markouts(void **state) {
  (void)state;
  static pmm__open_fill_t open[PMM__MARKOUTS_OPEN];
  pmm__markouts_t m = {.open = open, .due_ns = PMM_NS_MAX};
  pmm__watch_market_t market = {.value = 0.50};
  int64_t const s = PMM_NS_PER_S;
  /* bought 10 at .49 (1 c from the mid) and sold 30 at .50 (on the mid), then the mid rises by 2 c after 0.7 s */
  pmm__markouts_fill(&m, &market, &(pmm__fill_t){.at_ns = 0, .qty_e6 = QTY(10), .price_e4 = 4900, .mid = 0.50, .side = PMM_BID}, 0);
  pmm__markouts_fill(&m, &market, &(pmm__fill_t){.at_ns = 0, .qty_e6 = QTY(30), .price_e4 = 5000, .mid = 0.50, .side = PMM_ASK}, 0);
  pmm__markouts_due(&m, &market, 700 * PMM_NS_PER_MS);
  market.value = 0.52;
  pmm__markouts_due(&m, &market, 1 * s); /* the record of this very instant still comes */
  assert_int_equal(m.sum[PMM_BID][2][2].n, 0);
  pmm__markouts_due(&m, &market, 2 * s);
  static const struct { const char *why; int side, distance, horizon; double mean; uint64_t n; } rows[] = {
      {"0.1 s: before the move", PMM_BID, 2, 0, .01, 1}, {"0.5 s likewise", PMM_BID, 2, 1, .01, 1}, {"1 s: after it", PMM_BID, 2, 2, .03, 1}, {"the sale lost", PMM_ASK, 1, 2, -.02, 1},
      {"5 s has not come", PMM_BID, 2, 3, 0, 0}};
  for (size_t i = 0; i < COUNT_OF(rows); i++) {
    pmm__moment_t const *const got = &m.sum[rows[i].side][rows[i].distance][rows[i].horizon];
    double mean = 0, se = 0;
    if (got->n != rows[i].n || pmm__moment_mean(got, &mean, &se) != (rows[i].n > 0) || fabs(mean - rows[i].mean) > 1e-12)
      fail_msg("%s: n %llu, mean %g", rows[i].why, (unsigned long long)got->n, mean);
  }
  pmm__moment_t both = m.sum[PMM_BID][2][2];
  pmm__moment_add(&both, &m.sum[PMM_ASK][1][2]);
  double mean, se;
  assert_true(pmm__moment_mean(&both, &mean, &se));
  assert_true(fabs(mean - (10 * .03 - 30 * .02) / 40) < 1e-12);
  double const d1 = 10 * (.03 - mean), d2 = 30 * (-.02 - mean);
  assert_true(fabs(se - sqrt((d1 * d1 + d2 * d2) * 2) / 40) < 1e-12);
}

/* -- whole runs -- */
static void load(const char *path, const char *const *set, size_t cnt) {
  if (pmm_config_load(&config, path, set, cnt, &err) != PMM_OK) fail_msg("%s", err.text);
}

static const char *a_tape(void) {
  static const char *tape;
  if (tape) return tape;
  static const char *const recording[] = {"examples/data/btc-updown-5m-1776324000.jsonl.gz", "examples/data/btc-updown-5m-1776324300.jsonl.gz"};
  tape = rig_path("report.tape");
  pmm_import_opts_t opts;
  pmm_import_stats_t stats;
  pmm_import_opts_default(&opts);
  opts.format = "polymarket-books";
  if (pmm_import(&opts, recording, 2, tape, &stats, &err) != PMM_OK) fail_msg("%s", err.text);
  return tape;
}

typedef struct watched { pmm_result_t result; json_t *doc; } watched_t;

static uint64_t unwatched_hash(const char *tape) {
  pmm_result_t r;
  pmm_backtest_opts_t const o = {.tape = tape ? &tape : NULL, .tape_cnt = tape != NULL};
  pmm_status_t const st = tape ? pmm_backtest_run(&config, &o, &r, &err) : pmm_backtest_scenario(&config, &o, &r, &err);
  if (st != PMM_OK) fail_msg("%s", err.text);
  uint64_t const hash = r.state_hash;
  pmm_result_free(&r);
  return hash;
}

static json_t *document_of(const pmm_recorder_t *rec, const char *tape, const pmm_result_t *r) {
  pmm_report_info_t const info = {.config = &config, .tape = tape ? &tape : NULL, .tape_cnt = tape != NULL};
  char *text;
  size_t len;
  FILE *const f = open_memstream(&text, &len);
  if (pmm_report_write_json(f, rec, &info, r, &err) != PMM_OK) fail_msg("%s", err.text);
  fclose(f);
  json_t *const doc = json_loadb(text, len, 0, NULL);
  assert_non_null(doc);
  free(text);
  return doc;
}

static watched_t watch(const char *tape) {
  watched_t w = {0};
  pmm_recorder_t *rec;
  pmm_recorder_opts_t const ro = {.span_ns = tape ? pmm_report_span(&tape, 1) : config.scenario.duration_ns};
  assert_int_equal(pmm_recorder_open(&rec, &ro, &err), PMM_OK);
  pmm_backtest_opts_t const o = {.tape = tape ? &tape : NULL, .tape_cnt = tape != NULL, .observer = pmm_recorder_observer(rec)};
  pmm_status_t const st = tape ? pmm_backtest_run(&config, &o, &w.result, &err) : pmm_backtest_scenario(&config, &o, &w.result, &err);
  if (st != PMM_OK) fail_msg("%s", err.text);
  w.doc = document_of(rec, tape, &w.result);
  pmm_recorder_close(rec);
  return w;
}

static void unwatch(watched_t *w) {
  pmm_result_free(&w->result);
  json_decref(w->doc);
}

static json_t *at(json_t *o, const char *a, const char *b) { return json_object_get(json_object_get(o, a), b); }
static double sum_of(json_t *array) {
  double sum = 0;
  size_t i;
  json_t *v;
  json_array_foreach(array, i, v) sum += json_number_value(v);
  return sum;
}
static double last_of(json_t *array) { return json_number_value(json_array_get(array, json_array_size(array) - 1)); }

static void near(const char *run, const char *what, double got, double want, double slack) {
  if (!(fabs(got - want) <= slack)) fail_msg("%s: %s is %.6f in the document, %.6f in the result", run, what, got, want);
}

/* What the document draws ends where the result ends, and its parts add up. */
static void check_document(const char *run, const watched_t *w) {
  const pmm_result_t *const r = &w->result;
  json_t *const total = json_object_get(w->doc, "total"), *const fills = json_object_get(w->doc, "fills");
  near(run, "P&L", last_of(json_object_get(total, "pnl")) / 1e4, (double)r->pnl_total_e6 / 1e6, 1e-4);
  near(run, "spread", last_of(json_object_get(total, "spread")) / 1e4, (double)r->pnl_spread_e6 / 1e6, 1e-4);
  near(run, "fees", last_of(json_object_get(total, "fees")) / 1e4, (double)(r->fees_e6 - r->rebates_e6) / 1e6, 1e-4);
  near(run, "orders", sum_of(json_object_get(total, "orders")), (double)r->orders, 0);
  near(run, "fills", sum_of(json_object_get(total, "fills")), (double)r->fills, 0);
  near(run, "fills in the list", json_number_value(json_object_get(fills, "total")), (double)r->fills, 0);
  json_t *const hours = json_object_get(w->doc, "hours"), *v;
  double pnl = 0;
  size_t i;
  json_array_foreach(hours, i, v) pnl += json_number_value(json_object_get(v, "pnl")) / 1e4;
  near(run, "P&L over hours", pnl, (double)r->pnl_total_e6 / 1e6, 24e-4);
  json_t *const mean = json_object_get(json_array_get(at(w->doc, "markouts", "by_side"), 0), "mean");
  near(run, "markout 1 s", json_number_value(json_array_get(mean, 2)), r->markout[0], 0.004); /* the engine marks the last ones early */
  json_array_foreach(json_object_get(w->doc, "panels"), i, v) {
    int64_t const slot = json_integer_value(json_object_get(v, "slot"));
    near(run, "P&L of a market", last_of(json_object_get(v, "pnl")) / 1e4, (double)r->market[slot].pnl_e6 / 1e6, 1e-4);
    near(run, "fills of a market", sum_of(json_object_get(v, "fills")), (double)r->market[slot].fills, 0);
    near(run, "cells of the depth map", (double)json_string_length(at(v, "depth", "cells")),
         2 * json_number_value(at(v, "depth", "rows")) * json_number_value(at(v, "depth", "columns")), 0);
  }
}

static const struct { const char *name, *config; bool replay; const char *set[5]; } RUNS[] = {
    {"scenario, linear", "examples/linear.yaml", false, {"scenario.kind=walk", "scenario.duration=20m", "seed=11"}},
    {"scenario, digital", "examples/digital.yaml", false, {"scenario.kind=digital", "scenario.duration=15m", "seed=12"}},
    {"replay, linear", "examples/linear.yaml", true, {"seed=13"}},
    {"replay, logit, two clocks", "examples/logit.yaml", true, {"latency.feed=recorded", "latency.model=normal", "seed=14"}}};

static void test_runs(void **state) {
  (void)state;
  for (size_t i = 0; i < COUNT_OF(RUNS); i++) {
    size_t sets = 0;
    while (sets < COUNT_OF(RUNS[i].set) && RUNS[i].set[sets]) sets++;
    load(RUNS[i].config, RUNS[i].set, sets);
    const char *const tape = RUNS[i].replay ? a_tape() : NULL;
    watched_t w = watch(tape);
    assert_true(w.result.fills > 0);
    if (unwatched_hash(tape) != w.result.state_hash) fail_msg("%s: being watched changed the run", RUNS[i].name);
    check_document(RUNS[i].name, &w);
    double const open = json_number_value(json_object_get(w.doc, "last")) - json_number_value(json_object_get(w.doc, "first"));
    assert_true(open > 60);
    unwatch(&w);
  }
}

/* Many markets and few panels: the busiest get them, whatever the order they came in. */
static void test_panels(void **state) {
  (void)state;
  static rig_t r;
  static const rig_quote_t plan[] = {{0, 4800, 5200, QTY(10)}}, never[] = {{1e6, 4800, 5200, QTY(10)}};
  rig_open(&r, never, 1);
  for (uint32_t i = 1; i < 4; i++) {
    char id[8] = {'N', (char)('0' + i), 0};
    rig_market(&r, id, PMM_DATA_DEPTH | PMM_DATA_TRADES);
    rig_strategy(&r, i, id, i == 3 ? plan : never, 1);
  }
  snprintf(r.config.strategy[0].match, sizeof r.config.strategy[0].match, "M");
  for (uint32_t i = 0; i < 4; i++) {
    size_t const first = r.md_cnt;
    rig_life(&r, 0, PMM_LIFE_OPEN);
    rig_book(&r, 0, 4800, 100, 5200, 100);
    for (size_t k = first; k < r.md_cnt; k++) r.md[k].market = i;
  }
  for (int i = 1; i < 600; i++) rig_level(&r, i, PMM_BID, 4700, 100 + i, PMM_F_LAST)->market = (uint32_t)i % 4;
  pmm_recorder_t *rec;
  assert_int_equal(pmm_recorder_open(&rec, &(pmm_recorder_opts_t){.panels_max = 1}, &err), PMM_OK);
  pmm_backtest_opts_t o = rig_opts(&r);
  o.observer = pmm_recorder_observer(rec);
  if (pmm_backtest_run(&r.config, &o, &r.result, &r.err) != PMM_OK) fail_msg("%s", r.err.text);
  pmm_report_info_t const info = {0};
  char *text;
  size_t len;
  FILE *const f = open_memstream(&text, &len);
  assert_int_equal(pmm_report_write_json(f, rec, &info, &r.result, &err), PMM_OK);
  fclose(f);
  json_t *const got = json_loadb(text, len, 0, NULL), *const panels = json_object_get(got, "panels");
  assert_int_equal(json_array_size(panels), 1);
  assert_string_equal(json_string_value(json_object_get(json_array_get(panels, 0), "market")), "N3");
  json_decref(got);
  free(text);
  pmm_recorder_close(rec);
  rig_close(&r);
}

/* -- pages -- */
static pmm_status_t page_text(const char *kind, const char *title, const char *json, char **text, size_t *len) {
  FILE *const f = open_memstream(text, len);
  pmm_status_t const st = pmm_report_page(f, kind, title, json, strlen(json), &err);
  fclose(f);
  return st;
}

static pmm_status_t read_text(const char *text, size_t len, char kind[16], char **json, size_t *json_len) {
  const char *const path = rig_path("page.html");
  FILE *const f = fopen(path, "wb");
  assert_non_null(f);
  assert_int_equal(fwrite(text, 1, len, f), len);
  fclose(f);
  pmm_status_t const st = pmm_report_read(path, kind, json, json_len, &err);
  unlink(path);
  return st;
}

static void test_page(void **state) {
  (void)state;
  static const char DOC[] = "{\"title\":\"</script><b>\",\"rows\":[[1,2.5,null,\"\\u00e4\"]]}";
  size_t len, got_len;
  char kind[16], *got;
  char *text;
  assert_int_equal(page_text("sweep", "a <b> & \"c\"", DOC, &text, &len), PMM_OK);
  assert_non_null(strstr(text, "<title>a &lt;b&gt; &amp; &quot;c&quot;</title>"));
  assert_null(strstr(text, "{{"));
  assert_null(strstr(text, "src=\"http"));
  assert_null(strstr(text, "</script><b>"));
  if (read_text(text, len, kind, &got, &got_len) != PMM_OK) fail_msg("%s", err.text);
  assert_string_equal(kind, "sweep");
  assert_int_equal(got_len, sizeof DOC - 1);
  assert_string_equal(got, DOC);
  free(got);
  char *const data = strstr(text, "data-size=\"");
  assert_non_null(data);
  for (size_t i = 16; i < 60; i += 5) { /* any changed letter of the data is noticed */
    char const was = data[i];
    data[i] = was == 'A' ? 'B' : 'A';
    if (read_text(text, len, kind, &got, &got_len) == PMM_OK) fail_msg("a changed letter at %zu went unnoticed", i);
    data[i] = was;
  }
  assert_int_equal(read_text(text, (size_t)(data - text) + 20, kind, &got, &got_len), PMM_CORRUPT);
  free(text);
}

static void test_page_refusals(void **state) {
  (void)state;
  static const struct { const char *why, *kind, *json; pmm_status_t want; } rows[] = {
      {"a kind nobody draws", "poster", "{}", PMM_INVAL}, {"no JSON", "sweep", "{", PMM_INVAL}, {"JSON, but a list", "sweep", "[]", PMM_INVAL}, {"an empty object will do", "compare", "{}", PMM_OK}};
  for (size_t i = 0; i < COUNT_OF(rows); i++) {
    char *text;
    size_t len;
    pmm_status_t const st = page_text(rows[i].kind, "t", rows[i].json, &text, &len);
    free(text);
    if (st != rows[i].want) fail_msg("%s: %s", rows[i].why, pmm_status_to_string(st));
  }
  char kind[16], *json;
  size_t len;
  assert_int_equal(read_text("<html>", 6, kind, &json, &len), PMM_PARSE);
  assert_int_equal(read_text("", 0, kind, &json, &len), PMM_PARSE);
  assert_int_equal(pmm_report_read("/nonexistent/x.html", kind, &json, &len, &err), PMM_IO);
  pmm_recorder_t *rec;
  assert_int_equal(pmm_recorder_open(&rec, NULL, &err), PMM_OK);
  pmm_result_t const r = {0};
  FILE *const f = fopen("/dev/null", "w");
  assert_int_equal(pmm_report_write(f, rec, &(pmm_report_info_t){0}, &r, &err), PMM_STATE); /* no run was watched */
  fclose(f);
  pmm_recorder_close(rec);
}

/* -- comparing -- */
static const char *write_result(const char *name, double pnl, int events, const char *hash, const char *source) {
  const char *const path = rig_path(name);
  FILE *const f = fopen(path, "w");
  assert_non_null(f);
  fprintf(f, "{\"pnl\":{\"total\":%g},\"events\":%d,\"fills\":7,\"fill_source\":\"%s\",\"state_hash\":\"%s\"}\n", pnl, events, source, hash);
  fclose(f);
  return path;
}

static void test_compare(void **state) {
  (void)state;
  static const struct { const char *why; double pnl; int events; const char *hash, *source, *warning; } rows[] = {
      {"the same data", 2.5, 100, "0x2", "trades", NULL},
      {"other data", 2.5, 101, "0x2", "trades", "apples and oranges"},
      {"other fills", 2.5, 100, "0x2", "book crossings", "book crossings"},
      {"the same run", 1, 100, "0x1", "trades", "exactly the same"}};
  for (size_t i = 0; i < COUNT_OF(rows); i++) {
    const char *const path[2] = {write_result("a.json", 1, 100, "0x1", "trades"), write_result("b.json", rows[i].pnl, rows[i].events, rows[i].hash, rows[i].source)};
    char *json;
    size_t len;
    if (pmm_report_compare(path, 2, &json, &len, &err) != PMM_OK) fail_msg("%s: %s", rows[i].why, err.text);
    json_t *const o = json_loadb(json, len, 0, NULL), *const warnings = json_object_get(o, "warnings");
    assert_int_equal(json_array_size(warnings), rows[i].warning != NULL);
    if (rows[i].warning && !strstr(json_string_value(json_array_get(warnings, 0)), rows[i].warning)) fail_msg("%s: %s", rows[i].why, json_string_value(json_array_get(warnings, 0)));
    json_t *const first = json_array_get(json_object_get(o, "figures"), 0);
    assert_string_equal(json_string_value(json_object_get(first, "key")), "pnl.total");
    assert_true(json_number_value(json_array_get(json_object_get(first, "differences"), 1)) == rows[i].pnl - 1);
    json_decref(o);
    free(json);
    unlink(path[0]);
    unlink(path[1]);
  }
  const char *const odd[2] = {"examples/linear.yaml", "examples/linear.yaml"};
  char *json;
  size_t len;
  assert_int_equal(pmm_report_compare(odd, 2, &json, &len, &err), PMM_PARSE);
  assert_int_equal(pmm_report_compare(odd, 1, &json, &len, &err), PMM_INVAL);
}

static int forget_tape(void **state) {
  (void)state;
  unlink(a_tape());
  return 0;
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_track), cmocka_unit_test(test_track_canary), cmocka_unit_test(test_worst), cmocka_unit_test(test_worst_canary), cmocka_unit_test(test_markouts),
      cmocka_unit_test(test_runs), cmocka_unit_test(test_panels), cmocka_unit_test(test_page), cmocka_unit_test(test_page_refusals), cmocka_unit_test(test_compare)};
  return cmocka_run_group_tests(tests, NULL, forget_tape);
}
