/* The figures of a run against numbers worked out by hand. */
#include "engine/world.h"

static world_t w;

#define NEAR(a, b) assert_true(fabs((a) - (b)) < 1e-9)

/* One slot quoting wide of a book that the test moves. */
static void figures_open(void) {
  world_simple(&w);
  world_say(&w, 0, "b.4000x100 a.6000x100");
  world_start(&w, 0, 4800, 5200);
  world_answer(&w);
  world_sent(&w);
  w.script[0].say.action = PMM_QUOTE_KEEP;
}
static void mid_at(double s, int32_t bid_e4, int32_t ask_e4) {
  world_at(&w, s);
  world_book(&w, 0, bid_e4, ask_e4);
}

/* -- markouts -- */
static void test_markouts(void **state) {
  (void)state;
  figures_open();
  world_at(&w, 10);
  world_fill(&w, 0, PMM_BID, 4000, QTY(10)); /* mid 0.50 */
  mid_at(10.5, 4900, 5300);                  /* 0.51: the mid one second after */
  mid_at(11, 5000, 5400);                    /* at that very instant: too late to count */
  world_at(&w, 12);
  world_fill(&w, 0, PMM_ASK, 6000, QTY(4));
  mid_at(19, 4200, 4400); /* 0.43: ten seconds after the first fill, and after the second, as it stays until 22 */
  mid_at(69, 6400, 6800); /* 0.66: a minute after the first */
  mid_at(71, 3000, 3400); /* 0.32: a minute after the second */
  mid_at(80, 4800, 5200);
  world_finish(&w);
  pmm_slot_stats_t const s = world_stats(&w, 0);
  NEAR(s.markout[0], 10 * (0.51 - 0.40) + 4 * (0.60 - 0.52));
  NEAR(s.markout[1], 10 * (0.43 - 0.40) + 4 * (0.60 - 0.43));
  NEAR(s.markout[2], 10 * (0.66 - 0.40) + 4 * (0.60 - 0.32));
  for (int k = 0; k < PMM_MARKOUT_CNT; k++) NEAR(s.markout_qty[k], 14);
  world_close(&w);
}

/* What is still open at the end is measured there, and a resolved market is worth its payout. */
static void test_markouts_at_the_end(void **state) {
  (void)state;
  figures_open();
  world_fill(&w, 0, PMM_BID, 4000, QTY(10));
  mid_at(0.5, 4300, 4500);
  world_life(&w, 0, PMM_LIFE_CLOSED);
  pmm_own_order_t o[4];
  size_t const n = pmm_exec_own_orders(pmm_engine_exec(w.engine), 0, o, 4);
  for (size_t i = 0; i < n; i++) world_event(&w, (pmm_event_t){.md = {.kind = PMM_EV_EXPIRED, .qty_e6 = o[i].open_e6}, .order_id = o[i].order_id});
  world_at(&w, 5);
  world_resolve(&w, 0, PMM_OUTCOME_YES, 1000000);
  world_finish(&w);
  pmm_slot_stats_t const s = world_stats(&w, 0);
  NEAR(s.markout[0], 10 * 0.04);
  NEAR(s.markout[1], 10 * 0.60);
  NEAR(s.markout[2], 10 * 0.60);
  world_close(&w);
}

/* More fills at once than the ring holds: the oldest are measured early, none is lost. */
static void test_markout_ring(void **state) {
  (void)state;
  world_init(&w, 1, 1, NULL);
  w.config.cash_e6 = QTY(1e8);
  w.config.risk.max_order_size_e6 = QTY(1e8);
  w.config.risk.max_net_e6 = w.config.risk.max_gross_e6 = w.config.risk.max_open_notional_side_e6 = QTY(1e8);
  w.ops[0].wake = PMM_WAKE_BOOK;
  w.ops[0].on_event = NULL;
  world_open(&w);
  world_say(&w, 0, "b.4000x100000");
  world_start(&w, 0, 4800, 5200);
  world_answer(&w);
  uint64_t const id = world_order(&w, 0, PMM_BID, 4000);
  for (int i = 0; i < 40000; i++) {
    pmm_event_t ev = ev_fill(&w, id, 4000, QTY(1), 0);
    ev.md.recv_ns = w.now_ns;
    assert_int_equal(pmm_engine_on_event(w.engine, &ev), PMM_OK);
  }
  w.script[0].say.action = PMM_QUOTE_KEEP;
  mid_at(0.5, 5800, 6200);
  world_at(&w, 61);
  world_finish(&w);
  pmm_slot_stats_t const s = world_stats(&w, 0);
  for (int k = 0; k < PMM_MARKOUT_CNT; k++) {
    NEAR(s.markout_qty[k], 40000);
    assert_true(fabs(s.markout[k] - ((40000 - 32768) * 0.10 + 32768 * 0.20)) < 1e-6);
  }
  world_close(&w);
}

/* -- spread, fees -- */
static void test_spread_and_fees(void **state) {
  (void)state;
  figures_open();
  world_fill_fee(&w, 0, PMM_BID, 4000, QTY(10), 1234);  /* mid 0.50 */
  mid_at(1, 5000, 5400);
  world_fill_fee(&w, 0, PMM_ASK, 6000, QTY(2.5), -999); /* mid 0.52; a rebate */
  mid_at(2, 5600, 5600);                                /* locked: a mid all the same */
  world_fill_fee(&w, 0, PMM_BID, 4000, QTY(0.03), 1);
  pmm_slot_stats_t const s = world_stats(&w, 0);
  assert_int_equal(s.spread_e6, QTY(10 * 0.10 + 2.5 * 0.08 + 0.03 * 0.16));
  assert_int_equal(s.fees_e6, 1235);
  assert_int_equal(s.rebates_e6, 999);
  assert_int_equal(world_totals(&w).locked_msgs, 1);
  mid_at(3, 5700, 5600);
  assert_int_equal(world_totals(&w).crossed_msgs, 1);
  world_close(&w);
}

/* -- time -- */
static void test_time_integrals(void **state) {
  (void)state;
  world_simple(&w);
  world_start(&w, 0, 4800, 5200); /* 0 s: no quotes yet */
  world_at(&w, 2);
  world_say(&w, 0, "b.4000x10");
  world_book(&w, 0, 4800, 5200); /* 2 s: one side */
  world_at(&w, 5);
  world_say(&w, 0, "b.4000x10 a.6000x10");
  world_book(&w, 0, 4800, 5200); /* 5 s: both, 0.20 apart */
  world_answer(&w);
  world_at(&w, 6);
  world_say(&w, 0, "b.4500x10 a.5500x10");
  world_fill(&w, 0, PMM_BID, 4000, QTY(10)); /* 6 s: net 10, quotes 0.10 apart, placed in the same instant */
  world_answer(&w);
  world_at(&w, 10);
  world_say(&w, 0, "a.5500x10");
  world_book(&w, 0, 4800, 5200); /* 10 s: one side */
  world_answer(&w);
  world_at(&w, 13);
  w.script[0].say.action = PMM_QUOTE_KEEP;
  uint64_t const id = world_order(&w, 0, PMM_ASK, 5500);
  world_event(&w, ev_fill(&w, id, 5500, QTY(10), 0)); /* 13 s: flat */
  world_at(&w, 14);
  world_life(&w, 0, PMM_LIFE_HALTED); /* from here nothing counts */
  world_at(&w, 20);
  world_finish(&w);
  pmm_slot_stats_t const s = world_stats(&w, 0);
  assert_int_equal(s.open_ns, 14 * PMM_NS_PER_S);
  assert_int_equal(s.quoted_ns, 11 * PMM_NS_PER_S);
  assert_int_equal(s.two_sided_ns, 5 * PMM_NS_PER_S);
  NEAR(s.spread_time, 1 * 0.20 + 4 * 0.10);
  NEAR(s.inventory_time, 7 * 10);
  assert_int_equal(s.inventory_max_e6, QTY(10));
  world_close(&w);
}

/* -- equity, drawdown, Sharpe -- */
static void test_equity(void **state) {
  (void)state;
  world_init(&w, 1, 1, NULL);
  w.config.params.sharpe_every_ns = 2 * PMM_NS_PER_S;
  world_open(&w);
  world_say(&w, 0, "b.4000x100");
  world_start(&w, 0, 4800, 5200);
  world_answer(&w);
  w.script[0].say.action = PMM_QUOTE_KEEP;
  world_fill(&w, 0, PMM_BID, 4000, QTY(100));
  /* Marks are taken with the first event of each second, before it is looked at: they see the mid of the message before. */
  static const struct { double at; int32_t mid_e4; int64_t equity_e6, peak_e6, drawdown_e6; } rows[] = {
    {1, 5200, QTY(1010), QTY(1010), 0},
    {2, 4600, QTY(1012), QTY(1012), 0},
    {3, 5000, QTY(1006), QTY(1012), QTY(6)},
    {4, 5500, QTY(1010), QTY(1012), QTY(6)},
    {4.5, 3000, QTY(1010), QTY(1012), QTY(6)}, /* within the second: not marked */
    {5, 4900, QTY(990), QTY(1012), QTY(22)},
    {6, 4900, QTY(1009), QTY(1012), QTY(22)},
  };
  double ret[3], at_last = 0;
  int cnt = 0;
  for (size_t i = 0; i < COUNT_OF(rows); i++) {
    mid_at(rows[i].at, rows[i].mid_e4 - 100, rows[i].mid_e4 + 100);
    pmm_engine_stats_t const s = world_totals(&w);
    if (s.equity_e6 != rows[i].equity_e6 || s.peak_e6 != rows[i].peak_e6 || s.max_drawdown_e6 != rows[i].drawdown_e6)
      fail_msg("at %g s: equity %lld, peak %lld, drawdown %lld", rows[i].at, (long long)s.equity_e6, (long long)s.peak_e6, (long long)s.max_drawdown_e6);
    if (rows[i].at == 2 || rows[i].at == 4 || rows[i].at == 6) {
      ret[cnt++] = (double)rows[i].equity_e6 / 1e6 - 1000 - at_last;
      at_last += ret[cnt - 1];
    }
  }
  double const mean = (ret[0] + ret[1] + ret[2]) / 3;
  double const var = (pow(ret[0] - mean, 2) + pow(ret[1] - mean, 2) + pow(ret[2] - mean, 2)) / 2;
  pmm_engine_stats_t const s = world_totals(&w);
  assert_int_equal(s.return_cnt, 3);
  NEAR(s.sharpe / (mean / sqrt(var) * sqrt(31536000.0 / 2)), 1);
  assert_int_equal(pmm_engine_equity(w.engine), QTY(1009));
  world_close(&w);
}

/* A mid that is lost still values what is held; a market without any is worth one half. */
static void test_value_without_a_mid(void **state) {
  (void)state;
  world_simple(&w);
  world_say(&w, 0, "b.4000x100");
  world_start(&w, 0, 0, 5200);
  world_answer(&w);
  world_fill(&w, 0, PMM_BID, 4000, QTY(100));
  assert_int_equal(pmm_engine_equity(w.engine), QTY(1010));
  assert_int_equal(world_stats(&w, 0).unrealized_e6, QTY(10));
  w.script[0].say.action = PMM_QUOTE_KEEP;
  mid_at(1, 5800, 6200);
  mid_at(100, 0, 6200);
  assert_int_equal(pmm_engine_equity(w.engine), QTY(1020));
  assert_int_equal(world_stats(&w, 0).unrealized_e6, QTY(20));
  world_close(&w);
}

/* The sum over slots is the account's: realised and unrealised, less fees. */
static void test_slots_add_up(void **state) {
  (void)state;
  world_init(&w, 2, 3, (uint32_t[]){0, 1, 1});
  world_open(&w);
  for (uint32_t i = 0; i < 3; i++) world_say(&w, i, "b.4000x10 a.6000x10");
  world_start(&w, 0, 4800, 5200);
  world_start(&w, 1, 4300, 4500);
  world_answer(&w);
  for (uint32_t i = 0; i < 3; i++) w.script[i].say.action = PMM_QUOTE_KEEP;
  world_fill_fee(&w, 0, PMM_BID, 4000, QTY(7), 100);
  world_fill_fee(&w, 0, PMM_ASK, 6000, QTY(3), 200);
  world_fill_fee(&w, 1, PMM_ASK, 6000, QTY(5), -300);
  world_fill_fee(&w, 2, PMM_BID, 4000, QTY(2), 400);
  int64_t sum = 0;
  for (uint32_t i = 0; i < 3; i++) {
    pmm_slot_stats_t const s = world_stats(&w, i);
    sum += s.realized_e6 + s.unrealized_e6 - s.fees_e6 + s.rebates_e6;
  }
  assert_int_equal(sum, pmm_engine_equity(w.engine) - QTY(1000));
  assert_int_equal(sum, QTY(3 * 0.20 + 4 * 0.10 + 5 * 0.16 + 2 * 0.04) - 400);
  world_close(&w);
}

int main(void) {
  const struct CMUnitTest tests[] = {
    cmocka_unit_test(test_markouts), cmocka_unit_test(test_markouts_at_the_end), cmocka_unit_test(test_markout_ring), cmocka_unit_test(test_spread_and_fees),
    cmocka_unit_test(test_time_integrals), cmocka_unit_test(test_equity), cmocka_unit_test(test_value_without_a_mid), cmocka_unit_test(test_slots_add_up),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
