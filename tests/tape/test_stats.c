/* Figures of a tape: quantiles against sorting, a tape by hand, and the recordings' clocks against their table. */
#include "tape/quantile.h"
#include "tape/tape_test.h"

/* -- quantiles -- */
static int by_size(const void *a, const void *b) {
  int64_t const x = *(const int64_t *)a, y = *(const int64_t *)b;
  return (x > y) - (x < y);
}

static bool close_to(int64_t got, int64_t want) {
  int64_t const size = want < 0 ? -want : want;
  return pmm_abs64(got - want) <= size / 16384;
}

static uint64_t property(uint64_t seed, uint64_t ops, bool broken) {
  static const double shares[] = {0, 0.01, 0.25, 0.5, 0.75, 0.95, 0.99, 1};
  pmm_rng_t rng;
  pmm_rng_seed(&rng, seed);
  uint64_t bad = NO_MISMATCH;
  pmm__quantile_t q = {0};
  for (uint64_t done = 0; done < ops && bad == NO_MISMATCH; done += 1000) {
    int64_t v[1000];
    size_t const n = 1 + pmm_rng_below(&rng, COUNT_OF(v));
    int const bits = (int)check_between(&rng, 1, 62);
    pmm__quantile_clear(&q);
    for (size_t i = 0; i < n; i++) {
      v[i] = (int64_t)(pmm_rng_u64(&rng) >> (64 - bits)) - (pmm_rng_below(&rng, 2) ? (INT64_C(1) << (bits - 1)) : 0);
      assert_int_equal(pmm__quantile_add(&q, v[i] + (broken && i == n / 2 ? v[i] + 1000 : 0)), PMM_OK);
    }
    qsort(v, n, sizeof v[0], by_size);
    for (size_t i = 0; i < COUNT_OF(shares); i++) {
      size_t rank = 0; /* the first whose place covers the share */
      while (rank + 1 < n && (double)(rank + 1) < shares[i] * (double)n) rank++;
      if (!close_to(pmm__quantile_at(&q, shares[i]), v[rank])) bad = done + i;
    }
  }
  pmm__quantile_fini(&q);
  return bad;
}

static void test_quantiles(void **state) { (void)state; check_random("tape.quantile", property, 200000); }
static void test_canary(void **state) { (void)state; check_canary("tape.quantile", property, 50000); }

/* -- by hand -- */
#define MS(x) ((x) * PMM_NS_PER_MS)
#define LEVEL(at, late, s, price, qty) {.recv_ns = MS(at), .exch_ns = MS(at - late), .kind = PMM_MD_LEVEL, .side = PMM_##s, .price_e4 = price, .qty_e6 = INT64_C(qty) * PMM_ONE_E6, .flags = PMM_F_LAST}

static void test_by_hand(void **state) {
  (void)state;
  static const pmm_md_t md[] = {
      {.recv_ns = MS(1000), .exch_ns = MS(500), .kind = PMM_MD_STATUS, .aux = PMM_LIFE_OPEN}, /* no message, so no skew */
      {.recv_ns = MS(1000), .exch_ns = PMM_TIME_NONE, .kind = PMM_MD_CLEAR, .flags = PMM_F_SNAPSHOT},
      LEVEL(1000, 10, BID, 4000, 5), /* one-sided */
      LEVEL(1001, 10, ASK, 4100, 7), /* one tick */
      LEVEL(1002, 10, BID, 4000, 9),
      LEVEL(1003, -5, ASK, 4100, 0), /* one-sided again; sent after it came */
      LEVEL(1004, 10, ASK, 4300, 1),
      LEVEL(1005, 10, ASK, 4000, 1),  /* locked */
      LEVEL(1006, 10, ASK, 3900, 1),  /* crossed */
      {.recv_ns = MS(1007), .exch_ns = MS(1006), .kind = PMM_MD_GAP},
      LEVEL(1008, 10, ASK, 3900, 0), /* nobody knows what that book is */
      {.recv_ns = MS(1050), .exch_ns = MS(1040), .kind = PMM_MD_CLEAR, .flags = PMM_F_SNAPSHOT | PMM_F_LAST},
      {.recv_ns = MS(1051), .exch_ns = MS(1041), .kind = PMM_MD_TRADE, .price_e4 = 4000, .qty_e6 = 2500000, .flags = PMM_F_LAST},
      {.recv_ns = MS(1051), .exch_ns = MS(1041), .kind = PMM_MD_LEVEL, .price_e4 = 4000, .qty_e6 = 2500000, .flags = PMM_F_LAST | PMM_F_KEYFRAME},
      {.recv_ns = MS(1052), .exch_ns = MS(1052), .kind = PMM_MD_UNDERLYING, .qty_e6 = 5, .flags = PMM_F_LAST},
      {.recv_ns = MS(1060), .exch_ns = MS(1059), .kind = PMM_MD_GAP},
      {.recv_ns = MS(1090), .exch_ns = PMM_TIME_NONE, .kind = PMM_MD_STATUS, .aux = PMM_LIFE_CLOSED},
  };
  pmm_tape_writer_t *w;
  pmm_tape_t *tape;
  pmm_tape_stats_t stats;
  pmm_error_t err = {0};
  pmm_market_t m;
  uint32_t index;
  ASSERT_OK(pmm_tape_create(&w, scratch("stats.tape"), "", &err), err);
  pmm_market_init(&m, "A");
  m.life = PMM_LIFE_PENDING;
  ASSERT_OK(pmm_tape_add_market(w, &m, &index, &err), err);
  ASSERT_OK(pmm_tape_add_underlying(w, &(pmm_underlying_t){.id = "BTC", .source = "s"}, &index, &err), err);
  for (size_t i = 0; i < COUNT_OF(md); i++) ASSERT_OK(pmm_tape_append(w, &md[i], &err), err);
  ASSERT_OK(pmm_tape_finish(w, NULL, &err), err);
  ASSERT_OK(pmm_tape_open(&tape, scratch("stats.tape"), &err), err);
  ASSERT_OK(pmm_tape_stats(tape, NULL, &stats, &err), err);
  assert_int_equal(stats.cnt, 2);
  assert_int_equal(stats.market_cnt, 1);
  const pmm_tape_stream_t *const a = &stats.stream[0];
  assert_string_equal(a->id, "A");
  assert_int_equal(a->records[PMM_MD_LEVEL], 9);
  assert_int_equal(a->messages, 10);
  assert_int_equal(a->spread_cnt, 3); /* 100, 100, 300 */
  assert_int_equal(a->spread_median_e4, 100);
  assert_int_equal(a->spread_p95_e4, 300);
  assert_true(a->one_tick_share > 0.66 && a->one_tick_share < 0.67);
  assert_int_equal(a->best_qty_e6[PMM_BID], 9 * PMM_ONE_E6);
  assert_int_equal(a->best_qty_e6[PMM_ASK], PMM_ONE_E6);
  assert_int_equal(a->one_sided_msgs, 2);
  assert_int_equal(a->locked_msgs, 1);
  assert_int_equal(a->crossed_msgs, 1);
  assert_int_equal(a->volume_e6, 2500000);
  assert_int_equal(a->gaps, 2);
  assert_int_equal(a->gap_longest_ns, MS(44));
  assert_int_equal(a->skew.cnt, 10);
  assert_true(close_to(a->skew.median_ns, MS(10)));
  assert_true(close_to(a->skew.p1_ns, -MS(5)));
  assert_true(a->skew.negative_share == 0.1);
  assert_int_equal(stats.skew.cnt, 10);
  assert_string_equal(stats.stream[1].source, "s");
  assert_int_equal(stats.stream[1].skew.cnt, 1);
  assert_int_equal(stats.stream[1].skew.median_ns, 0);
  pmm_tape_stats_fini(&stats);
  pmm_tape_close(tape);
}

/* A clock that gains 36 ms an hour while a tenth of the messages stalls. */
static void test_drift(void **state) {
  (void)state;
  pmm_tape_writer_t *w;
  pmm_tape_t *tape;
  pmm_tape_stats_t stats;
  pmm_tape_skew_t glance;
  pmm_error_t err = {0};
  pmm_market_t m;
  pmm_rng_t rng;
  uint32_t index;
  pmm_rng_seed(&rng, 7);
  ASSERT_OK(pmm_tape_create(&w, scratch("drift.tape"), "", &err), err);
  pmm_market_init(&m, "A");
  ASSERT_OK(pmm_tape_add_market(w, &m, &index, &err), err);
  for (int64_t i = 0; i < 20000; i++) {
    int64_t const recv_ns = i * MS(100), late_ns = MS(20) + i * PMM_NS_PER_US + (pmm_rng_below(&rng, 10) ? 0 : MS(5000)) + (int64_t)pmm_rng_below(&rng, MS(1));
    pmm_md_t const md = {.recv_ns = recv_ns, .exch_ns = recv_ns - late_ns, .kind = PMM_MD_MARK, .flags = PMM_F_LAST};
    ASSERT_OK(pmm_tape_append(w, &md, &err), err);
  }
  ASSERT_OK(pmm_tape_finish(w, NULL, &err), err);
  ASSERT_OK(pmm_tape_open(&tape, scratch("drift.tape"), &err), err);
  ASSERT_OK(pmm_tape_stats(tape, NULL, &stats, &err), err);
  assert_true(stats.skew.has_drift);
  if (stats.skew.drift_ms_per_h < 35 || stats.skew.drift_ms_per_h > 37) fail_msg("drift %f", stats.skew.drift_ms_per_h);
  ASSERT_OK(pmm_tape_skew(tape, &glance, &err), err);
  assert_true(glance.cnt > 0 && pmm_abs64(glance.median_ns - MS(30)) < MS(12));
  pmm_tape_stats_fini(&stats);
  pmm_tape_close(tape);
}

/* The medians that the recordings' own description gives, to the millisecond. */
static void test_recordings(void **state) {
  (void)state;
  static const struct { const char *session; int median_ms; } rows[] = {
      {"20260513T1259Z", 563},  {"20260513T1522Z", 140},    {"20260513T1541Z", 99},    {"20260513T1610Z", 50},
      {"20260513T1626Z", 30},   {"20260513T1640Z", 18},     {"20260513T1712Z", -4},    {"20260513T1722Z", -14},
      {"20260513T1737Z", -26},  {"20260513T1808Z", -34},    {"20260513T1819Z", -42},   {"20260513T202034Z", -90},
      {"20260513T211949Z", -106}, {"20260513T215130Z", -114}, {"20260513T222021Z", -127}, {"20260513T230108Z", -131}};
  for (size_t i = 0; i < COUNT_OF(rows); i++) {
    pmm_import_stats_t import_stats;
    pmm_tape_stats_t stats;
    pmm_error_t err = {0};
    whole_t w = import_data("kalshi-ws", "kalshi-btc15m-ws", rows[i].session, &import_stats);
    ASSERT_OK(pmm_tape_stats(w.tape, NULL, &stats, &err), err);
    if (pmm_abs64(stats.skew.median_ns - MS(rows[i].median_ms)) > MS(1))
      fail_msg("%s: %.3f ms, not %d", rows[i].session, (double)stats.skew.median_ns / 1e6, rows[i].median_ms);
    pmm_tape_stats_fini(&stats);
    free_whole(&w);
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(test_quantiles), cmocka_unit_test(test_canary), cmocka_unit_test(test_by_hand),
                                     cmocka_unit_test(test_drift), cmocka_unit_test(test_recordings)};
  return cmocka_run_group_tests(tests, scratch_setup, scratch_teardown);
}
