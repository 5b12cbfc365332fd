/* Importing full Polymarket books: lines by hand, and recordings compared book by book with their source. */
#include <jansson.h>
#include <zlib.h>
#include "base/json.h"
#include "tape/book.h"
#include "tape/input.h"
#include "tape/tape_test.h"

#define SLUG "btc-updown-5m-1900000200"
#define LINE(time, token, ms, rest) "{\"timestamp\":" time ",\"slug\":\"" SLUG "\",\"asset_id\":\"" token "\",\"raw_data\":{\"timestamp\":\"" ms "\",\"event_type\":\"book\"," rest "}}\n"
#define BOOK(bids, asks) "\"bids\":[" bids "],\"asks\":[" asks "]"
#define L(price, size) "{\"price\":\"" price "\",\"size\":\"" size "\"}"

static void test_by_hand(void **state) {
  (void)state;
  static const char text[] =
      LINE("1900000210.5", "2", "1900000210000", "\"tick_size\":\"0.01\"," BOOK(L("0.4", "3"), L("0.6", "2") "," L("0.5", "1")))
      LINE("1900000210.5000001", "1", "1900000210000", BOOK(L("0.4", "2") "," L("0.5", "1"), L("0.6", "3")))
      LINE("1900000211", "1", "1900000211000", BOOK(L("0.5", "1.5"), L("0.6", "3") "," L("0.7", "0")))
      LINE("1900000210", "1", "1900000211500", BOOK(L("0.5", "1.5"), L("0.505", "4") "," L("0.6", "3")))
      LINE("1900000500.5", "1", "1900000499999", BOOK(L("0.95", "1"), ""))
      LINE("1900000500.6", "1", "1900000500000", BOOK(L("0.96", "1"), ""))
      LINE("1900000501", "1", "1900000500500", BOOK(L("0.96", "1"), ""));
  static const char *const want[] = {
      "0 status open",
      "0 clear", "0 level bid 0.4000 2 snap", "0 level bid 0.5000 1 snap", "0 level ask 0.6000 3 snap !", /* the other token's, mirrored */
      "0 mark !",                                                                                        /* the same book again */
      "0 level bid 0.4000 0", "0 level bid 0.5000 1.5 !",
      "0 tick 0.0010", "0 level ask 0.5050 4 !", /* its time went back and a price lies off the grid */
      "0 level bid 0.5000 0", "0 level ask 0.5050 0", "0 level ask 0.6000 0", "0 level bid 0.9500 1 !",
      "0 status closed", /* before the first message of the end by venue time */
      "0 level bid 0.9500 0", "0 level bid 0.9600 1 !",
      "0 mark !",
      "0 status resolved yes"};
  pmm_import_stats_t stats;
  whole_t w = import_sound("polymarket-books", text, &stats);
  assert_records(&w, want, COUNT_OF(want));
  assert_int_equal(stats.messages, 7);
  assert_int_equal(stats.clamped, 1);
  const pmm_market_t *const m = pmm_tape_market(w.tape, 0);
  assert_string_equal(m->id, SLUG);
  assert_string_equal(m->token_yes, "1"); /* most messages, though not the first */
  assert_string_equal(m->token_no, "2");
  assert_int_equal(m->close_ns, INT64_C(1900000500000000000));
  assert_int_equal(m->min_size_e6, 10000); /* the source does not tell */
  assert_int_equal(m->data, PMM_DATA_DEPTH);
  assert_int_equal(w.md[1].recv_ns, INT64_C(1900000210500000000));
  assert_int_equal(w.md[5].recv_ns, INT64_C(1900000210500000100)); /* no double in between */
  assert_int_equal(w.md[1].exch_ns, INT64_C(1900000210000000000));
  free_whole(&w);
}

static void test_several_markets(void **state) { /* files are merged by time; a market that falls silent is closed by the clock */
  (void)state;
#define OTHER "{\"timestamp\":%s,\"slug\":\"%s\",\"asset_id\":\"%s\",\"raw_data\":{\"timestamp\":\"%s\",\"bids\":[{\"price\":\"0.5\",\"size\":\"1\"}],\"asks\":[]}}\n"
  char a[2048], b[2048];
  snprintf(a, sizeof a, OTHER OTHER, "1900000210", "btc-updown-5m-1900000200", "1", "1900000210000", "1900000503", "btc-updown-5m-1900000200", "1", "1900000490000");
  snprintf(b, sizeof b, OTHER OTHER OTHER, "1900000502", "btc-updown-5m-1900000500", "8", "1900000502000", "1900000506", "btc-updown-5m-1900000500", "8", "1900000506000", "1900000570",
           "btc-updown-5m-1900000500", "8", "1900000570000");
  write_file(scratch("b.jsonl"), b, strlen(b));
  gzFile gz = gzopen(scratch("a.jsonl.gz"), "wb");
  assert_int_equal(gzwrite(gz, a, (unsigned)strlen(a)), (int)strlen(a));
  gzclose(gz);
  const char *const path[] = {scratch("b.jsonl"), scratch("a.jsonl.gz")};
  static const char *const want[] = {"0 status open", "0 clear", "0 level bid 0.5000 1 snap !", "1 status open", "1 clear", "1 level bid 0.5000 1 snap !", "0 mark !",
                                     "0 status closed", "1 mark !", "0 status resolved void", "1 mark !", "1 status closed", "1 status resolved void"};
  pmm_import_opts_t opts;
  pmm_import_stats_t stats;
  pmm_error_t err = {0};
  pmm_import_opts_default(&opts);
  opts.format = "polymarket-books";
  ASSERT_OK(pmm_import(&opts, path, 2, scratch("two.tape"), &stats, &err), err);
  whole_t w = read_tape(scratch("two.tape"));
  assert_records(&w, want, COUNT_OF(want));
  assert_int_equal(w.md[7].recv_ns, INT64_C(1900000503000000000)); /* not before the last record */
  assert_int_equal(w.md[11].recv_ns, INT64_C(1900000800000000000));
  free_whole(&w);
}

static void test_malformed(void **state) {
  (void)state;
  static const bad_case_t rows[] = {
      {"nothing", "", PMM_PARSE, "no polymarket-books messages"},
      {"cut line", "{\"timestamp\":1900000210.5,\"slug\":", PMM_PARSE, "bad.jsonl:1: byte"},
      {"two documents", LINE("1900000210", "1", "1900000210000", BOOK("", "")) "{} {}\n", PMM_PARSE, "bad.jsonl:2: byte 4: text after"},
      {"no time", "{\"slug\":\"x\"}\n", PMM_PARSE, "timestamp is missing"},
      {"time out of range", "{\"timestamp\":-1}\n", PMM_PARSE, "not a time"},
      {"no message", "{\"timestamp\":1900000210}\n", PMM_PARSE, "raw_data is missing"},
      {"message is text", "{\"timestamp\":1900000210,\"raw_data\":\"\"}\n", PMM_PARSE, "not an object"},
      {"no slug", "{\"timestamp\":1900000210,\"raw_data\":{\"timestamp\":\"1900000210000\"}}\n", PMM_PARSE, "slug is missing"},
      {"empty slug", "{\"timestamp\":1900000210,\"slug\":\"\",\"raw_data\":{\"timestamp\":\"1900000210000\"}}\n", PMM_PARSE, "slug: not a text"},
      {"no venue time", LINE("1900000210", "1", "", BOOK("", "")), PMM_PARSE, "timestamp: not a number"},
      {"tick", LINE("1900000210", "1", "1900000210000", "\"tick_size\":\"0.07\"," BOOK("", "")), PMM_PARSE, "tick_size: does not divide"},
      {"price", LINE("1900000210", "1", "1900000210000", BOOK(L("1", "5"), "")), PMM_PARSE, "byte 151: price: outside (0,1): 1"},
      {"third token", LINE("1900000210", "1", "1900000210000", BOOK("", "")) LINE("1900000210", "2", "1900000210000", BOOK("", "")) LINE("1900000210", "3", "1900000210000", BOOK("", "")), PMM_PARSE,
       "bad.jsonl:3: byte 70: asset_id: a third token"},
  };
  assert_bad_imports("polymarket-books", rows, COUNT_OF(rows));
}

/* -- recordings -- */
/* All that a source line says about its book, in YES space. */
typedef struct shape { int32_t best[2]; int32_t level_cnt[2]; int64_t qty_e6[2]; } shape_t;

static void add_side(shape_t *s, const pmm_json_node_t *levels, int side, bool mirrored) {
  for (const pmm_json_node_t *e = pmm_json_first(levels); e; e = pmm_json_next(levels, e)) {
    int32_t const raw = (int32_t)(strtod(pmm_json_get(e, "price")->text, NULL) * 10000 + 0.5), price = mirrored ? 10000 - raw : raw;
    if (!s->best[side] || (side == PMM_BID ? price > s->best[side] : price < s->best[side])) s->best[side] = price;
    s->level_cnt[side]++;
    s->qty_e6[side] += (int64_t)(strtod(pmm_json_get(e, "size")->text, NULL) * 1e6 + 0.5);
  }
}

static shape_t shape_of_line(const pmm_json_node_t *root, const pmm_market_t *m) {
  shape_t s = {0};
  const pmm_json_node_t *const raw = pmm_json_get(root, "raw_data");
  bool const mirrored = pmm_json_is(pmm_json_get(root, "asset_id"), m->token_no);
  add_side(&s, pmm_json_get(raw, mirrored ? "asks" : "bids"), PMM_BID, mirrored);
  add_side(&s, pmm_json_get(raw, mirrored ? "bids" : "asks"), PMM_ASK, mirrored);
  return s;
}

static shape_t shape_of_book(const pmm_ladder_t *l) {
  shape_t s = {0};
  for (int side = 0; side < 2; side++) {
    s.best[side] = pmm_ladder_best_e4(l, (pmm_side_t)side);
    s.level_cnt[side] = l->level_cnt[side];
    s.qty_e6[side] = pmm_ladder_depth(l, (pmm_side_t)side, INT32_MAX);
  }
  return s;
}

typedef struct replay { const whole_t *w; size_t at; uint32_t market; pmm__book_t book; uint64_t messages, before_close; bool closed; } replay_t;

static void next_message(replay_t *r) {
  for (;; r->at++) {
    assert_true(r->at < r->w->cnt);
    const pmm_md_t *const md = &r->w->md[r->at];
    if (md->market != r->market) continue;
    if (md->kind == PMM_MD_CLEAR) pmm_ladder_clear(&r->book.ladder);
    if (md->kind == PMM_MD_TICK) assert_int_equal(pmm__book_regrid(&r->book, md->price_e4), PMM_OK);
    if (md->kind == PMM_MD_LEVEL) assert_int_equal(pmm__book_set(&r->book, (pmm_side_t)md->side, md->price_e4, md->qty_e6), PMM_OK);
    if (md->kind == PMM_MD_STATUS && md->aux == PMM_LIFE_CLOSED) r->closed = true;
    if (md->flags & PMM_F_LAST) break;
  }
  r->at++;
  r->messages++;
  r->before_close += !r->closed;
}

/* Compares a market of a tape with its source, book by book; the number of messages before the close. */
static uint64_t compare_recording(const whole_t *w, const char *path, const char *slug) {
  replay_t r = {.w = w, .market = market_named(w, slug)};
  pmm_json_parser_t *const json = pmm_json_new();
  pmm__input_t *in;
  pmm_error_t err = {0};
  const char *line, *why;
  size_t len, where;
  uint64_t lines = 0;
  assert_int_equal(pmm__book_init(&r.book, 100), PMM_OK);
  ASSERT_OK(pmm__input_open(&in, path, &err), err);
  while (pmm__input_line(in, &line, &len, &err) == PMM_OK) {
    const pmm_json_node_t *root;
    assert_int_equal(pmm_json_parse(json, line, len, &root, &where, &why), PMM_OK);
    next_message(&r);
    shape_t const want = shape_of_line(root, pmm_tape_market(w->tape, r.market)), got = shape_of_book(&r.book.ladder);
    lines++;
    if (memcmp(&want, &got, sizeof want) != 0) fail_msg("%s:%llu: book differs", path, (unsigned long long)lines);
  }
  pmm__input_close(in);
  pmm_json_free(json);
  pmm__book_fini(&r.book);
  return r.before_close;
}

static void test_conformance_recordings(void **state) { /* bench rules: messages and outcome of the eight recordings */
  (void)state;
  json_error_t json_error;
  json_t *const rows = json_load_file("tests/fixtures/conformance.json", 0, &json_error);
  assert_int_equal(json_array_size(rows), 8);
  for (size_t i = 0; i < json_array_size(rows); i++) {
    const json_t *const row = json_array_get(rows, i);
    const char *const slug = json_string_value(json_object_get(row, "recording"));
    char path[128];
    const char *const paths[] = {path};
    pmm_import_opts_t opts;
    pmm_import_stats_t stats;
    pmm_tape_check_t check;
    pmm_error_t err = {0};
    snprintf(path, sizeof path, "examples/data/%s.jsonl.gz", slug);
    pmm_import_opts_default(&opts);
    opts.format = "polymarket-books";
    ASSERT_OK(pmm_import(&opts, paths, 1, scratch("c.tape"), &stats, &err), err);
    ASSERT_OK(pmm_tape_verify(scratch("c.tape"), &check, &err), err);
    whole_t w = read_tape(scratch("c.tape"));
    assert_int_equal(compare_recording(&w, path, slug), json_integer_value(json_object_get(row, "messages")));
    assert_string_equal(pmm_outcome_to_string((pmm_outcome_t)pmm_tape_market(w.tape, 0)->outcome), json_string_value(json_object_get(row, "outcome")));
    free_whole(&w);
  }
  json_decref(rows);
}

/* README's table of all 28: messages, and w(on) or l(ost) of the main token. */
static const struct { int start; uint64_t messages; const char *main_token; char result; } readme[] = {
    {1776323400, 2364, "9887933315", 'w'}, {1776323700, 4550, "7470108707", 'l'}, {1776324000, 3956, "1045431071", 'w'}, {1776324300, 3134, "7170326282", 'w'},
    {1776324600, 3333, "3322400619", 'w'}, {1776324900, 3013, "1228827281", 'w'}, {1776325200, 4757, "7660135343", 'w'}, {1776325500, 2512, "6063951404", 'w'},
    {1776325800, 4676, "2899644629", 'w'}, {1776326100, 5369, "8662075360", 'l'}, {1776326400, 5144, "1463214079", 'w'}, {1776326700, 4487, "4576434720", 'l'},
    {1776327000, 6114, "3968533023", 'w'}, {1776327300, 2334, "1150681408", 'l'}, {1776327600, 1936, "8549888494", 'l'}, {1776327900, 3758, "7241336181", 'l'},
    {1776328200, 3627, "2908852305", 'l'}, {1776328500, 3094, "5353396476", 'w'}, {1776328800, 3514, "1504119824", 'l'}, {1776329100, 1974, "1764234006", 'l'},
    {1776329400, 2253, "2627625619", 'w'}, {1776329700, 3210, "1047141431", 'w'}, {1776330000, 3565, "7831254018", 'l'}, {1776330300, 3748, "1934534164", 'w'},
    {1776330600, 3314, "5332461830", 'l'}, {1776330900, 2313, "1083481323", 'l'}, {1776331200, 3122, "5773512379", 'l'}, {1776331500, 3302, "1104047979", 'w'}};

static void test_all_recordings(void **state) {
  (void)state;
  pmm_import_stats_t stats;
  whole_t w = import_data("polymarket-books", "polymarket-btc5m-books", ".jsonl.gz", &stats);
  assert_int_equal(stats.messages, 98473);
  assert_int_equal(stats.clamped, 0);
  for (size_t i = 0; i < COUNT_OF(readme); i++) {
    char slug[64], path[512];
    snprintf(slug, sizeof slug, "btc-updown-5m-%d", readme[i].start);
    snprintf(path, sizeof path, "%s/polymarket-btc5m-books/%s.jsonl.gz", data_dir(), slug);
    const pmm_market_t *const m = pmm_tape_market(w.tape, market_named(&w, slug));
    assert_int_equal(strncmp(m->token_yes, readme[i].main_token, 10), 0);
    assert_int_equal(m->outcome, readme[i].result == 'w' ? PMM_OUTCOME_YES : PMM_OUTCOME_NO);
    compare_recording(&w, path, slug);
  }
  free_whole(&w);
}

int main(void) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(test_by_hand), cmocka_unit_test(test_several_markets), cmocka_unit_test(test_malformed), cmocka_unit_test(test_conformance_recordings),
                                     cmocka_unit_test(test_all_recordings)};
  return cmocka_run_group_tests(tests, scratch_setup, scratch_teardown);
}
