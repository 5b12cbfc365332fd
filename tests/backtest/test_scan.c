/* The verdict as a table, the figures of a scan by hand and against a slow reading of random streams, moments, ranking. */
#include "backtest/rig.h"
#include "pmm/scan.h"

#define NEAR(got, want, within) \
  do { \
    double const got_ = (got), want_ = (want); \
    if (!(fabs(got_ - want_) <= (within))) fail_msg("%s: %.12g, not %.12g", #got, got_, want_); \
  } while (0)

/* -- verdict -- */
static void test_verdict(void **unused) {
  (void)unused;
  static const struct {
    const char *why;
    pmm_scan_facts_t facts;
    bool holds[PMM_SCAN_CONDITIONS];
    pmm_verdict_t want;
  } rows[] = {
      {"all four", {5000, .02, 20000, 0, 8 * 86400.0, .4}, {1, 1, 1, 1}, PMM_VERDICT_VIABLE},
      {"a trade does for volume", {5000, .02, 0, 1, 8 * 86400.0, .4}, {1, 1, 1, 1}, PMM_VERDICT_VIABLE},
      {"seven days exactly", {1000.01, .0499, 10000.01, NAN, 7 * 86400.0, .4}, {1, 1, 1, 1}, PMM_VERDICT_VIABLE},
      {"liquidity of 1000 is not above it", {1000, .02, 20000, 0, 8 * 86400.0, .4}, {0, 1, 1, 1}, PMM_VERDICT_MARGINAL},
      {"a spread of .05 is too wide", {5000, .05, 20000, 0, 8 * 86400.0, .4}, {1, 0, 1, 1}, PMM_VERDICT_MARGINAL},
      {"a locked book has no spread", {5000, 0, 20000, 0, 8 * 86400.0, .4}, {1, 0, 1, 1}, PMM_VERDICT_MARGINAL},
      {"a crossed book neither", {5000, -.01, 20000, 0, 8 * 86400.0, .4}, {1, 0, 1, 1}, PMM_VERDICT_MARGINAL},
      {"volume of 10000 is not above it", {5000, .02, 10000, 0, 8 * 86400.0, .4}, {1, 1, 0, 1}, PMM_VERDICT_MARGINAL},
      {"a second short of seven days", {5000, .02, 20000, 0, 7 * 86400.0 - 1, .4}, {1, 1, 1, 0}, PMM_VERDICT_MARGINAL},
      {"two are too few", {5000, .02, 0, 0, 3600, .4}, {1, 1, 0, 0}, PMM_VERDICT_LIMITED},
      {"none", {0, NAN, 0, 0, NAN, .4}, {0, 0, 0, 0}, PMM_VERDICT_LIMITED},
      {"what is not known does not hold", {NAN, .02, NAN, NAN, NAN, .4}, {0, 1, 0, 0}, PMM_VERDICT_LIMITED},
      {"no price is no data, whatever else", {5000, .02, 20000, 5, 8 * 86400.0, NAN}, {1, 1, 1, 1}, PMM_VERDICT_NO_DATA},
  };
  for (size_t i = 0; i < COUNT_OF(rows); i++) {
    bool holds[PMM_SCAN_CONDITIONS];
    pmm_verdict_t const got = pmm_scan_judge(&rows[i].facts, holds);
    if (got != rows[i].want) fail_msg("%s: %s", rows[i].why, pmm_verdict_to_string(got));
    if (memcmp(holds, rows[i].holds, sizeof holds) != 0) fail_msg("%s: conditions", rows[i].why);
    assert_int_equal(pmm_scan_judge(&rows[i].facts, NULL), got);
  }
}

/* -- streams of several markets -- */
static rig_t *open_rig(uint32_t markets) {
  rig_t *const r = calloc(1, sizeof *r);
  static const char *const ids[] = {"A", "B", "C", "D"};
  rig_config(&r->config);
  for (uint32_t i = 0; i < markets; i++) {
    rig_market(r, ids[i], PMM_DATA_DEPTH | PMM_DATA_TRADES);
    r->market[i].life = PMM_LIFE_OPEN;
    r->market[i].open_ns = rig_ns(0);
    r->market[i].close_ns = rig_ns(10 * 86400.0);
  }
  return r;
}
static void of(pmm_md_t *md, uint32_t market) { md->market = market; }
static void book(rig_t *r, double s, uint32_t market, int32_t bid_e4, double bid_qty, int32_t ask_e4, double ask_qty) {
  of(rig_add(r, s, (pmm_md_t){.kind = PMM_MD_CLEAR, .flags = PMM_F_SNAPSHOT}), market);
  if (bid_e4) of(rig_level(r, s, PMM_BID, bid_e4, bid_qty, PMM_F_SNAPSHOT), market);
  if (ask_e4) of(rig_level(r, s, PMM_ASK, ask_e4, ask_qty, PMM_F_SNAPSHOT), market);
  of(rig_add(r, s, (pmm_md_t){.kind = PMM_MD_MARK, .flags = PMM_F_LAST}), market);
}
static void scan(rig_t *r, pmm_scan_opts_t opts, pmm_scan_t *out) {
  pmm_backtest_opts_t data = rig_opts(r);
  data.on_account = NULL;
  pmm_error_t err = {0};
  if (pmm_scan_run(&r->config, &data, &opts, out, &err) != PMM_OK) fail_msg("scan: %s", err.text);
}

static void test_figures(void **unused) {
  (void)unused;
  rig_t *const r = open_rig(1);
  pmm_scan_t s;
  book(r, 10, 0, 4000, 3000, 4200, 2000);                                    /* 1200 + 1160 dollars */
  of(rig_trade(r, 3600, PMM_BID, 4200, 100, PMM_F_LAST), 0);                 /* 42 dollars */
  of(rig_trade(r, 3601, PMM_ASK, 4000, 50, PMM_F_LAST | PMM_F_INFERRED), 0); /* 20 */
  book(r, 7200, 0, 4100, 100, 4200, 100);                                    /* 41 + 58 */
  of(rig_trade(r, 10800, PMM_BID, 4200, 10, PMM_F_LAST), 0);
  scan(r, (pmm_scan_opts_t){.at = PMM_SCAN_MOMENT, .at_ns = rig_ns(7000)}, &s);
  pmm_scan_market_t const *const m = &s.market[0];
  assert_int_equal(s.market_cnt, 1);
  NEAR(m->facts.liquidity, 2360, 1e-9);
  NEAR(m->facts.spread, .02, 1e-9);
  NEAR(m->facts.volume_24h, 62, 1e-9);
  NEAR(m->facts.trades_24h, 2, 0);
  NEAR(m->facts.price, .41, 1e-9);
  NEAR(m->facts.time_left_s, 10 * 86400.0 - 7000, 1e-6);
  NEAR(m->seen_h, 6990 / 3600.0, 1e-9);
  NEAR(m->trade_rate_h, 2 / (6990 / 3600.0), 1e-9);
  NEAR(m->bid, .40, 1e-9);
  NEAR(m->ask_qty, 2000, 1e-9);
  assert_int_equal(m->verdict, PMM_VERDICT_VIABLE);
  assert_int_equal(m->volume_source, PMM_VOLUME_TRADES);
  NEAR(m->mean.volume, 66.2, 1e-9);
  assert_int_equal((int)m->mean.trades, 3);
  double const share = 7190.0 / 10790; /* full seconds 11 .. 7200 of 11 .. 10800, the last message being at 10800 */
  NEAR(m->mean.liquidity, 2360 * share + 99 * (1 - share), .5);
  NEAR(m->mean.two_sided, 1, 1e-9);
  pmm_scan_free(&s);

  scan(r, (pmm_scan_opts_t){.at = PMM_SCAN_END}, &s); /* it trades still: its end is the recording's */
  NEAR(rig_s(s.market[0].at_ns), 10800, 1e-6);
  NEAR(s.market[0].facts.liquidity, 99, 1e-9);
  pmm_scan_free(&s);
  scan(r, (pmm_scan_opts_t){.at = PMM_SCAN_MIDDLE}, &s);
  NEAR(rig_s(s.market[0].at_ns), 5405, 1e-6);
  pmm_scan_free(&s);
  scan(r, (pmm_scan_opts_t){.at = PMM_SCAN_MOMENT, .at_ns = rig_ns(5)}, &s);
  assert_int_equal(s.market[0].verdict, PMM_VERDICT_NO_DATA);
  assert_true(s.market[0].at_ns == PMM_TIME_NONE);
  pmm_scan_free(&s);
  free(r);
}

/* A day later the trades of the day before no longer count. */
static void test_day(void **unused) {
  (void)unused;
  rig_t *const r = open_rig(1);
  pmm_scan_t s;
  book(r, 0, 0, 4000, 10, 4200, 10);
  for (int h = 0; h < 48; h++) of(rig_trade(r, h * 3600.0 + 1, PMM_BID, 5000, 2, PMM_F_LAST), 0);
  static const struct {
    double h;
    double trades;
  } rows[] = {{.5, 1}, {5.5, 6}, {23.5, 24}, {24.5, 24}, {30.5, 24}, {47.5, 24}};
  for (size_t i = 0; i < COUNT_OF(rows); i++) {
    scan(r, (pmm_scan_opts_t){.at = PMM_SCAN_MOMENT, .at_ns = rig_ns(rows[i].h * 3600)}, &s);
    NEAR(s.market[0].facts.trades_24h, rows[i].trades, 0);
    NEAR(s.market[0].facts.volume_24h, rows[i].trades, 1e-9);
    pmm_scan_free(&s);
  }
  free(r);
}

/* A market that ended is looked at in its middle, and what became of it is not known there. */
static void test_hindsight(void **unused) {
  (void)unused;
  rig_t *const r = open_rig(2);
  pmm_scan_t s;
  for (uint32_t i = 0; i < 2; i++) {
    r->market[i].close_ns = rig_ns(20000);
    book(r, i, i, 4000, 10000, 4400, 10000);
  }
  r->market[0].outcome = PMM_OUTCOME_YES;
  of(rig_add(r, 20000, (pmm_md_t){.kind = PMM_MD_STATUS, .aux = PMM_LIFE_CLOSED, .flags = PMM_F_LAST}), 0);
  of(rig_add(
         r, 20001,
         (pmm_md_t){.kind = PMM_MD_STATUS, .aux = PMM_LIFE_RESOLVED, .side = PMM_OUTCOME_YES, .qty_e6 = PMM_ONE_E6, .flags = PMM_F_LAST}),
     0);
  scan(r, (pmm_scan_opts_t){.at = PMM_SCAN_AUTO, .strategy = "adaptive"}, &s);
  NEAR(rig_s(s.market[0].at_ns), 10000, 1);
  assert_false(isnan(s.market[0].score[0].score)); /* adaptive leaves out resolved markets */
  NEAR(s.market[0].score[0].score, s.market[1].score[0].score, 1e-9);
  pmm_scan_free(&s);
  free(r);
}

/* -- ranking -- */
static void test_ranking(void **unused) {
  (void)unused;
  rig_t *const r = open_rig(4);
  pmm_scan_t s;
  pmm_error_t err;
  static const char *const set[] = {"strategy=adaptive", "params.max_markets=2", "params.max_time_to_resolution_h=1000"};
  assert_int_equal(pmm_config_parse(&r->config, "test", "{}", 2, set, COUNT_OF(set), &err), PMM_OK);
  book(r, 1, 0, 4000, 10000, 4400, 10000); /* 9600 */
  book(r, 1, 1, 4000, 40000, 4400, 10000); /* 21600 */
  book(r, 1, 2, 4200, 90000, 4300, 90000); /* liquid, but too narrow for it */
  book(r, 1, 3, 4000, 20000, 4400, 20000); /* 19200 */
  for (uint32_t i = 0; i < 4; i++) of(rig_add(r, 100, (pmm_md_t){.kind = PMM_MD_MARK, .flags = PMM_F_LAST}), i);
  scan(r, (pmm_scan_opts_t){.at = PMM_SCAN_END}, &s);
  static const uint32_t rank[] = {3, 1, 0, 2}, order[] = {1, 3, 0, 2};
  static const bool chosen[] = {false, true, false, true};
  assert_int_equal(s.strategy_cnt, 1);
  assert_int_equal(s.strategy[0].wanted, 3);
  assert_int_equal(s.strategy[0].market_max, 2);
  for (uint32_t i = 0; i < 4; i++) {
    assert_int_equal(s.market[i].score[0].rank, rank[i]);
    assert_int_equal(s.market[i].score[0].chosen, chosen[i]);
    assert_int_equal(s.order[i], order[i]);
  }
  NEAR(s.market[0].score[0].bid, .39, 1e-9); /* spread .04 + .02 of thin liquidity, around .42 */
  NEAR(s.market[0].score[0].ask, .45, 1e-9);
  NEAR(s.market[0].score[0].size, 10, 1e-9);
  pmm_scan_free(&s);

  scan(r, (pmm_scan_opts_t){.at = PMM_SCAN_END, .every_strategy = true}, &s);
  assert_int_equal(s.strategy_cnt, 6);
  for (uint32_t i = 0; i < 4; i++) assert_int_equal(s.market[i].score[1].rank, rank[i]); /* adaptive keeps its configured parameters */
  assert_int_equal(s.strategy[2].market_max, 3);                                         /* logit: n_plays */
  assert_int_equal(s.order[0], 2);                                                       /* by verdict, then liquidity */
  pmm_scan_free(&s);

  pmm_scan_opts_t const unknown = {.strategy = "nonsense"};
  pmm_backtest_opts_t const data = rig_opts(r);
  assert_int_equal(pmm_scan_run(&r->config, &data, &unknown, &s, &err), PMM_NOT_FOUND);
  free(r);
}

/* What linear and logit leave out, and what they want more of. */
static void test_rules(void **unused) {
  (void)unused;
  rig_t *const r = open_rig(4);
  pmm_scan_t s;
  for (uint32_t i = 0; i < 4; i++) book(r, 1, i, 4900, 1000, i == 3 ? 0 : 5100, 1000);
  r->market[1].close_ns = rig_ns(1800); /* too short for a warm-up of ten minutes and 360 returns */
  for (int k = 0; k < 8; k++) of(rig_trade(r, 60 + k, PMM_BID, 5100, 1, PMM_F_LAST), 2);
  for (uint32_t i = 0; i < 4; i++) of(rig_add(r, 100, (pmm_md_t){.kind = PMM_MD_MARK, .flags = PMM_F_LAST}), i);
  static const struct {
    const char *strategy;
    uint32_t rank[4];
  } rows[] = {{"linear", {2, 3, 1, 0}}, {"logit", {2, 0, 1, 0}}};
  for (size_t k = 0; k < COUNT_OF(rows); k++) {
    scan(r, (pmm_scan_opts_t){.at = PMM_SCAN_MOMENT, .at_ns = rig_ns(100), .strategy = rows[k].strategy}, &s);
    for (uint32_t i = 0; i < 4; i++)
      if (s.market[i].score[0].rank != rows[k].rank[i])
        fail_msg("%s: market %u has rank %u", rows[k].strategy, i, s.market[i].score[0].rank);
    NEAR(s.market[2].score[0].score / s.market[0].score[0].score, 9,
         k == 0 ? 1e-9 : 1); /* 1 + prints; logit trusts a crowd a little more */
    pmm_scan_free(&s);
  }
  free(r);
}

/* Without prints the venue's counter tells the volume, and nothing tells the number of trades. */
static void test_counter(void **unused) {
  (void)unused;
  rig_t *const r = open_rig(1);
  pmm_scan_t s;
  r->market[0].data = PMM_DATA_TOP;
  book(r, 1, 0, 3900, 10, 4100, 10);
  static const double counter[] = {5000, 5000, 5100, 5400, 5300, 5350};
  for (size_t i = 0; i < COUNT_OF(counter); i++)
    rig_add(r, 10 + (double)i, (pmm_md_t){.kind = PMM_MD_VOLUME, .qty_e6 = QTY(counter[i]), .flags = PMM_F_LAST});
  scan(r, (pmm_scan_opts_t){.at = PMM_SCAN_END}, &s);
  assert_int_equal(s.market[0].volume_source, PMM_VOLUME_COUNTER);
  NEAR(s.market[0].facts.volume_24h, (100 + 300 + 50) * .4, 1e-9);
  assert_true(isnan(s.market[0].facts.trades_24h));
  NEAR(s.market[0].mean.volume, (100 + 300 + 50) * .4, 1e-9);
  pmm_scan_free(&s);
  r->md_cnt -= COUNT_OF(counter);
  scan(r, (pmm_scan_opts_t){.at = PMM_SCAN_END}, &s);
  assert_true(isnan(s.market[0].facts.volume_24h)); /* unknown, not none */
  pmm_scan_free(&s);
  free(r);
}

static void test_rewards(void **unused) {
  (void)unused;
  rig_t *const r = open_rig(1);
  pmm_scan_t s;
  pmm_error_t err;
  static const char *const set[] = {"params.spread_bps=200", "params.size=50", "rewards.model=polymarket", "rewards.pool=100"};
  assert_int_equal(pmm_config_parse(&r->config, "test", "{}", 2, set, COUNT_OF(set), &err), PMM_OK);
  book(r, 1, 0, 4900, 100, 5100, 100);
  scan(r, (pmm_scan_opts_t){.at = PMM_SCAN_END}, &s);
  assert_true(s.has_rewards);
  pmm_arena_t arena;
  pmm_ladder_t ladder;
  double low, high;
  assert_int_equal(pmm_arena_open(&arena, pmm_ladder_bytes(100) + 4096), PMM_OK);
  assert_int_equal(pmm_ladder_init(&ladder, &arena, 100, 100), PMM_OK);
  pmm_ladder_set(&ladder, PMM_BID, 49, QTY(100));
  pmm_ladder_set(&ladder, PMM_ASK, 51, QTY(100));
  assert_int_equal(pmm_rewards_quote_score(&r->config.rewards, &ladder, 100, QTY(50), &low, &high), PMM_OK);
  assert_true(high > 0);
  NEAR(s.market[0].score[0].reward_low, low, 1e-12);
  NEAR(s.market[0].score[0].reward_high, high, 1e-12);
  pmm_arena_close(&arena);
  pmm_scan_free(&s);
  free(r);
}

/* -- means against a reading second by second -- */
static void test_means_random(void **unused) {
  (void)unused;
  uint64_t const seed = check_seed("means"), runs = check_ops(30);
  for (uint64_t run = 0; run < runs; run++) {
    pmm_rng_t rng;
    pmm_rng_seed(&rng, seed + run);
    rig_t *const r = open_rig(1);
    double at = 0;
    book(r, 0, 0, 3000, 5, 7000, 5);
    for (int i = 0; i < 300; i++) {
      at += pmm_rng_exponential(&rng, 1.3);
      pmm_side_t const side = pmm_rng_below(&rng, 2) ? PMM_ASK : PMM_BID;
      int32_t const price = (int32_t)(side == PMM_BID ? 1 + pmm_rng_below(&rng, 40) : 60 + pmm_rng_below(&rng, 39)) * 100;
      rig_level(r, at, side, price, pmm_rng_below(&rng, 3) ? (double)pmm_rng_below(&rng, 500) : 0, PMM_F_LAST);
    }
    double qty[2][100] = {{0}}, liquidity = 0, spread = 0, n = 0, two = 0;
    size_t next = 0;
    for (int64_t t = rig_ns(1); t <= r->md[r->md_cnt - 1].recv_ns; t += PMM_NS_PER_S, n++) {
      for (; next < r->md_cnt && r->md[next].recv_ns <= t; next++)
        if (r->md[next].kind == PMM_MD_LEVEL) qty[r->md[next].side][r->md[next].price_e4 / 100] = (double)r->md[next].qty_e6 / 1e6;
      int bid = 0, ask = 0;
      for (int k = 1; k < 100; k++) {
        liquidity += qty[PMM_BID][k] * k / 100 + qty[PMM_ASK][k] * (100 - k) / 100;
        if (qty[PMM_BID][k] > 0) bid = k;
        if (qty[PMM_ASK][100 - k] > 0) ask = 100 - k;
      }
      if (bid && ask) {
        two++;
        spread += (ask - bid) / 100.0;
      }
    }
    pmm_scan_t s;
    scan(r, (pmm_scan_opts_t){.at = PMM_SCAN_END}, &s);
    NEAR(s.market[0].mean.liquidity, liquidity / n, 1e-4);
    NEAR(s.market[0].mean.two_sided, two / n, 1e-9);
    NEAR(s.market[0].mean.spread, spread / two, 1e-9);
    NEAR(s.market[0].mean.recorded_h, n / 3600, 1e-9);
    pmm_scan_free(&s);
    free(r);
  }
}

/* -- volatility of a walk in log-odds -- */
static void test_volatility(void **unused) {
  (void)unused;
  rig_t *const r = open_rig(1);
  pmm_scan_t s;
  double x = 0, squares = 0;
  for (int i = 0; i < 400; i++) { /* alternating steps of two ticks, one every 10 s */
    int32_t const mid = i % 2 ? 5200 : 5000;
    book(r, i * 10.0, 0, mid - 100, 10, mid + 100, 10);
    double const now = log(mid / (1e4 - mid));
    if (i) squares += (now - x) * (now - x);
    x = now;
  }
  scan(r, (pmm_scan_opts_t){.at = PMM_SCAN_END}, &s);
  NEAR(s.market[0].volatility, sqrt(squares / 399 * 360), .01);
  pmm_scan_free(&s);
  free(r);
}

int main(void) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(test_verdict),   cmocka_unit_test(test_figures), cmocka_unit_test(test_day),
                                     cmocka_unit_test(test_hindsight), cmocka_unit_test(test_ranking), cmocka_unit_test(test_rules),
                                     cmocka_unit_test(test_counter),   cmocka_unit_test(test_rewards), cmocka_unit_test(test_means_random),
                                     cmocka_unit_test(test_volatility)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
