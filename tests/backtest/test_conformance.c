/* Eight recordings under rules small enough to compute by hand (docs/backtest.md), against what an independent program in exact
   integers worked out: importer, ladder, strategy, routing, matching, ledger and settlement together. */
#include <jansson.h>
#include "backtest/rig.h"
#include "pmm/decimal.h"

static const char *const CONFIG = "examples/conformance.yaml";
static const char *const EXPECTED = "tests/fixtures/conformance.json";

static pmm_config_t config;
static pmm_error_t err;

static void import(const char *recording, const char *tape) {
  char path[256];
  const char *const file = path;
  snprintf(path, sizeof path, "examples/data/%s.jsonl.gz", recording);
  pmm_import_opts_t opts;
  pmm_import_stats_t stats;
  pmm_import_opts_default(&opts);
  opts.format = "polymarket-books";
  opts.outcome = "auto";
  if (pmm_import(&opts, &file, 1, tape, &stats, &err) != PMM_OK) fail_msg("%s", err.text);
}

static void same_count(const char *recording, const json_t *want, const char *key, uint64_t got) {
  const json_t *const v = json_object_get(want, key);
  assert_non_null(v);
  if ((uint64_t)json_integer_value(v) != got) fail_msg("%s: %s is %llu, should be %lld", recording, key, (unsigned long long)got, (long long)json_integer_value(v));
}

static void same_quantity(const char *recording, const json_t *want, const char *key, int64_t got_e6) {
  int64_t want_e6;
  const char *const text = json_string_value(json_object_get(want, key));
  assert_non_null(text);
  assert_int_equal(pmm_decimal_parse(text, strlen(text), 6, &want_e6, NULL), PMM_OK);
  if (got_e6 != want_e6) fail_msg("%s: %s is %lld millionths, should be %s", recording, key, (long long)got_e6, text);
}

static void compare(const char *recording, const json_t *want, const pmm_result_t *r) {
  same_count(recording, want, "messages", r->messages);
  same_count(recording, want, "orders", r->orders);
  same_count(recording, want, "cancels", r->cancels);
  same_count(recording, want, "fills", r->fills);
  same_quantity(recording, want, "bought", r->bought_e6);
  same_quantity(recording, want, "sold", r->sold_e6);
  same_quantity(recording, want, "final_net", r->final_net_e6);
  assert_int_equal(r->market_cnt, 1);
  assert_string_equal(pmm_outcome_to_string((pmm_outcome_t)r->market[0].outcome), json_string_value(json_object_get(want, "outcome")));
  int64_t const pnl = json_integer_value(json_object_get(want, "pnl_e6"));
  if (r->pnl_total_e6 != pnl) fail_msg("%s: profit %lld, should be %lld", recording, (long long)r->pnl_total_e6, (long long)pnl);
  assert_int_equal(r->rejects + r->refused + r->bad_events, 0);
}

static void run(const char *tape, pmm_result_t *result) {
  pmm_backtest_opts_t const opts = {.tape = &tape, .tape_cnt = 1};
  if (pmm_backtest_run(&config, &opts, result, &err) != PMM_OK) fail_msg("%s", err.text);
}

static void load(const char *const *set, size_t cnt) {
  if (pmm_config_load(&config, CONFIG, set, cnt, &err) != PMM_OK) fail_msg("%s", err.text);
}

static void test_recordings(void **state) {
  (void)state;
  json_error_t at;
  json_t *const all = json_load_file(EXPECTED, 0, &at);
  if (!all) fail_msg("%s:%d: %s", EXPECTED, at.line, at.text);
  assert_int_equal(json_array_size(all), 8);
  for (size_t i = 0; i < json_array_size(all); i++) {
    const json_t *const want = json_array_get(all, i);
    const char *const recording = json_string_value(json_object_get(want, "recording"));
    const char *const tape = rig_path("conformance.tape");
    pmm_result_t r;
    import(recording, tape);
    load(NULL, 0);
    run(tape, &r);
    compare(recording, want, &r);
    uint64_t const hash = r.state_hash;
    pmm_result_free(&r);
    run(tape, &r); /* and once more to the bit */
    assert_true(r.state_hash == hash);
    pmm_result_free(&r);
    /* The way an ask is worded changes neither trades nor profit. */
    const char *const sell_first = "exec.route=sell_first";
    load(&sell_first, 1);
    run(tape, &r);
    assert_int_equal(r.pnl_total_e6, json_integer_value(json_object_get(want, "pnl_e6")));
    same_quantity(recording, want, "bought", r.bought_e6);
    same_quantity(recording, want, "sold", r.sold_e6);
    pmm_result_free(&r);
    unlink(tape);
  }
  json_decref(all);
}

/* Canary: a hundredth of a cent in one parameter does not go unnoticed. */
static void test_canary(void **state) {
  (void)state;
  json_t *const all = json_load_file(EXPECTED, 0, NULL);
  const json_t *const want = json_array_get(all, 1);
  const char *const tape = rig_path("canary.tape"), *const set = "params.inventory_alpha=0.0006";
  pmm_result_t r;
  import(json_string_value(json_object_get(want, "recording")), tape);
  load(&set, 1);
  run(tape, &r);
  assert_true(r.orders != (uint64_t)json_integer_value(json_object_get(want, "orders")) || r.pnl_total_e6 != json_integer_value(json_object_get(want, "pnl_e6")));
  pmm_result_free(&r);
  unlink(tape);
  json_decref(all);
}

int main(void) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(test_recordings), cmocka_unit_test(test_canary)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
