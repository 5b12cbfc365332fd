/* The recorded sets, against what their README says of them: rows, markets, outcomes, silences. */
#include "tape/tape_test.h"

static void count_outcomes(const whole_t *w, uint32_t cnt[4]) {
  memset(cnt, 0, 4 * sizeof *cnt);
  for (uint32_t i = 0; i < pmm_tape_market_cnt(w->tape); i++) cnt[pmm_tape_market(w->tape, i)->outcome]++;
}

/* Silences of more than five minutes between messages. No market may have a book that stands through one. */
static int silence_cnt(const whole_t *w) {
  int64_t last_ns = w->md[0].recv_ns;
  bool stands[16] = {0};
  int n = 0;
  for (size_t i = 0; i < w->cnt; i++) {
    const pmm_md_t *const md = &w->md[i];
    if (md->kind == PMM_MD_GAP) stands[md->market] = false;
    if (md->kind == PMM_MD_STATUS || md->kind == PMM_MD_GAP) continue;
    if (md->recv_ns - last_ns > 300 * PMM_NS_PER_S) {
      n++;
      for (size_t k = 0; k < COUNT_OF(stands); k++) assert_false(stands[k]);
    }
    last_ns = md->recv_ns;
    if (md->kind == PMM_MD_CLEAR) stands[md->market] = true;
  }
  return n;
}

static void test_hightemp(void **state) {
  (void)state;
  static const struct { const char *day; uint64_t rows; int silences; const char *result; } days[] = {
      {"25DEC05", 40342, 18, "B32.5"}, {"25DEC06", 28472, 32, "B41.5"}, {"25DEC07", 19848, 23, "B43.5"}, {"25DEC08", 28311, 14, "B37.5"},
      {"25DEC10", 44957, 23, "B46.5"}, {"25DEC11", 30363, 27, "B40.5"}, {"25DEC12", 50328, 29, "B34.5"}, {"25DEC13", 40524, 44, "B40.5"},
      {"25DEC14", 61166, 21, "T34"},   {"25DEC15", 43101, 37, "B28.5"}, {"25DEC16", 28157, 29, "B32.5"}};
  for (size_t i = 0; i < COUNT_OF(days); i++) {
    char id[PMM_ID_MAX];
    pmm_import_stats_t stats;
    uint32_t outcome[4];
    whole_t w = import_data("kalshi-bbo-csv", "kalshi-nyc-hightemp-bbo", days[i].day, &stats);
    count_outcomes(&w, outcome);
    assert_int_equal(stats.messages, days[i].rows);
    assert_int_equal(stats.clamped, 0);
    assert_int_equal(silence_cnt(&w), days[i].silences);
    assert_int_equal(pmm_tape_market_cnt(w.tape), 6);
    assert_int_equal(outcome[PMM_OUTCOME_YES], 1);
    assert_int_equal(outcome[PMM_OUTCOME_NO], 5);
    snprintf(id, sizeof id, "KXHIGHNY-%s-%s", days[i].day, days[i].result);
    assert_int_equal(pmm_tape_market(w.tape, market_named(&w, id))->outcome, PMM_OUTCOME_YES);
    free_whole(&w);
  }
}

static void test_sets(void **state) { /* markets; outcomes unknown, yes, no, void */
  (void)state;
  static const struct { const char *format, *folder, *part; uint64_t lines, messages; uint32_t markets, outcome[4]; } sets[] = {
      {"polymarket-updown-csv", "polymarket-updown-bbo-csv", ".csv", 12783, 12775, 8, {0, 0, 8, 0}},
      {"kalshi-bbo-polls", "kalshi-worldcup-bbo", ".jsonl", 5472, 5472, 2, {2, 0, 0, 0}},
      {"kalshi-ladder", "kalshi-crypto-hourly-ladder", ".jsonl", 388, 47979 + 388, 24196, {1315, 174, 22707, 0}},
      {"kalshi-depth", "kalshi-depth-snapshots", ".jsonl", 3938, 3938, 2086, {2086, 0, 0, 0}},
      {"polymarket-prices", "weather-prices", "polymarket_", 39905, 19855, 330, {32, 20, 278, 0}},
      {"kalshi-candles", "weather-prices", "kalshi_", 70318, 70318, 1824, {3, 304, 1517, 0}},
      {"polymarket-outcomes", "resolved-btc5m", ".csv", 15618, 46854, 15618, {0, 7916, 7702, 0}},
  };
  for (size_t i = 0; i < COUNT_OF(sets); i++) {
    pmm_import_stats_t stats;
    uint32_t outcome[4];
    whole_t w = import_data(sets[i].format, sets[i].folder, sets[i].part, &stats);
    count_outcomes(&w, outcome);
    print_message("%s: %llu lines, %llu messages, %u markets, unknown %u yes %u no %u void %u\n", sets[i].folder, (unsigned long long)stats.lines,
                  (unsigned long long)stats.messages, pmm_tape_market_cnt(w.tape), outcome[0], outcome[1], outcome[2], outcome[3]);
    assert_int_equal(stats.lines, sets[i].lines);
    assert_int_equal(stats.messages, sets[i].messages);
    assert_int_equal(pmm_tape_market_cnt(w.tape), sets[i].markets);
    for (int k = 0; k < 4; k++) assert_int_equal(outcome[k], sets[i].outcome[k]);
    free_whole(&w);
  }
}

static void test_daily(void **state) {
  (void)state;
  pmm_import_stats_t stats;
  uint32_t outcome[4];
  whole_t w = import_data("polymarket-daily", "resolved-polymarket-daily", ".csv", &stats);
  count_outcomes(&w, outcome);
  assert_int_equal(stats.lines, 429896 + 3893);
  assert_int_equal(pmm_tape_market_cnt(w.tape), 3892); /* one has prices after its resolution only */
  assert_int_equal(outcome[PMM_OUTCOME_UNKNOWN] + outcome[PMM_OUTCOME_VOID], 0);
  uint64_t late = 0;
  for (size_t i = 0; i < w.cnt; i++) late += w.md[i].kind == PMM_MD_PRICE && w.md[i].recv_ns > pmm_tape_market(w.tape, w.md[i].market)->close_ns;
  assert_int_equal(late, 0);
  free_whole(&w);
}

int main(void) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(test_hightemp), cmocka_unit_test(test_sets), cmocka_unit_test(test_daily)};
  return cmocka_run_group_tests_name("import_sets", tests, scratch_setup, scratch_teardown);
}
