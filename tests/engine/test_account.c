/* Money and orders as events change them: settlement, failures, limits, several strategies on one account. */
#include "engine/world.h"

static world_t w;

static void order_event(pmm_kind_t kind, uint64_t id, int64_t qty_e6, int64_t amount_e6) {
  pmm_event_t ev = ev_order(kind, id);
  ev.md.qty_e6 = qty_e6;
  ev.amount_e6 = amount_e6;
  world_event(&w, ev);
}

/* -- resolution -- */
/* A market with a bid of ten at 0.47, four of them filled, closed and resolved before the venue has said what became of the rest. */
static uint64_t resolve_early(pmm_outcome_t outcome, int64_t payout_e6) {
  world_simple(&w);
  world_say(&w, 0, "b.4700x10");
  world_start(&w, 0, 4800, 5200);
  world_answer(&w);
  uint64_t const id = world_order(&w, 0, PMM_BID, 4700);
  w.script[0].say.action = PMM_QUOTE_KEEP;
  world_fill(&w, 0, PMM_BID, 4700, QTY(4));
  world_life(&w, 0, PMM_LIFE_CLOSED);
  world_resolve(&w, 0, outcome, payout_e6);
  assert_false(world_stats(&w, 0).resolved);
  assert_int_equal(world_cash(&w), QTY(1000) - QTY(1.88));
  return id;
}

static void expect_paid(int64_t yes_e6, int64_t cash_e6, pmm_outcome_t outcome) {
  pmm_slot_stats_t const s = world_stats(&w, 0);
  pmm_position_t const p = world_position(&w, 0);
  assert_true(s.resolved);
  assert_int_equal(s.outcome, outcome);
  assert_int_equal(s.final_yes_e6, yes_e6);
  assert_int_equal(s.final_no_e6, 0);
  assert_int_equal(p.yes_e6 | p.no_e6, 0);
  assert_int_equal(world_cash(&w), cash_e6);
  assert_int_equal(pmm_engine_equity(w.engine), cash_e6);
  assert_int_equal(s.realized_e6, cash_e6 - QTY(1000));
  world_close(&w);
}

static void test_resolve_waits(void **state) {
  (void)state;
  uint64_t id = resolve_early(PMM_OUTCOME_YES, 1000000);
  order_event(PMM_EV_EXPIRED, id, QTY(6), 0);
  expect_paid(QTY(4), QTY(1002.12), PMM_OUTCOME_YES);

  id = resolve_early(PMM_OUTCOME_NO, 0); /* another fill was on its way */
  assert_int_equal(world_event(&w, ev_fill(&w, id, 4700, QTY(2), 0)), PMM_OK);
  assert_false(world_stats(&w, 0).resolved);
  order_event(PMM_EV_EXPIRED, id, QTY(4), 0);
  expect_paid(QTY(6), QTY(1000 - 2.82), PMM_OUTCOME_NO);

  id = resolve_early(PMM_OUTCOME_VOID, 500000); /* the end overtook a fill: it tells of one contract left, six were open */
  order_event(PMM_EV_EXPIRED, id, QTY(1), 0);
  assert_false(world_stats(&w, 0).resolved);
  assert_int_equal(world_event(&w, ev_fill(&w, id, 4700, QTY(5), 0)), PMM_OK);
  expect_paid(QTY(9), QTY(1000 - 4.23 + 4.5), PMM_OUTCOME_VOID);

  id = resolve_early(PMM_OUTCOME_YES, 333333); /* a scalar payout, rounded down to the micro-dollar */
  assert_int_equal(world_event(&w, ev_fill(&w, id, 4700, QTY(0.01), 0)), PMM_OK);
  order_event(PMM_EV_EXPIRED, id, QTY(5.99), 0);
  expect_paid(QTY(4.01), QTY(1000 - 1.88) - 4700 + 1336665, PMM_OUTCOME_YES);
}

/* While it waits, what is held is worth the payout already. */
static void test_pending_value(void **state) {
  (void)state;
  uint64_t const id = resolve_early(PMM_OUTCOME_YES, 1000000);
  assert_int_equal(pmm_engine_equity(w.engine), QTY(1002.12));
  assert_int_equal(world_stats(&w, 0).unrealized_e6, QTY(2.12));
  order_event(PMM_EV_EXPIRED, id, QTY(6), 0);
  world_resolve(&w, 0, PMM_OUTCOME_NO, 0); /* said again, and otherwise: it is paid once */
  assert_int_equal(world_stats(&w, 0).outcome, PMM_OUTCOME_YES);
  assert_int_equal(world_stats(&w, 0).unrealized_e6, 0);
  expect_paid(QTY(4), QTY(1002.12), PMM_OUTCOME_YES);
}

static void test_bad_resolutions(void **state) {
  (void)state;
  static const pmm_md_t bad[] = {
    {.kind = PMM_MD_STATUS, .aux = PMM_LIFE_RESOLVED, .side = PMM_OUTCOME_YES, .qty_e6 = 1000001},
    {.kind = PMM_MD_STATUS, .aux = PMM_LIFE_RESOLVED, .side = PMM_OUTCOME_NO, .qty_e6 = -1},
    {.kind = PMM_MD_STATUS, .aux = PMM_LIFE_RESOLVED, .side = PMM_OUTCOME_UNKNOWN, .qty_e6 = 500000},
    {.kind = PMM_MD_STATUS, .aux = PMM_LIFE_RESOLVED, .side = 4, .qty_e6 = 0},
  };
  world_simple(&w);
  world_start(&w, 0, 4800, 5200);
  world_life(&w, 0, PMM_LIFE_CLOSED);
  for (size_t i = 0; i < COUNT_OF(bad); i++) assert_int_equal(world_md(&w, bad[i]), PMM_INVAL);
  assert_int_equal(pmm_engine_market(w.engine, 0)->life, PMM_LIFE_CLOSED);
  world_life(&w, 0, PMM_LIFE_RESOLVING);
  world_resolve(&w, 0, PMM_OUTCOME_NO, 0); /* a later one may be right */
  assert_true(world_stats(&w, 0).resolved);
  assert_int_equal(world_md(&w, (pmm_md_t){.kind = PMM_MD_STATUS, .aux = PMM_LIFE_OPEN}), PMM_INVAL);
  world_close(&w);
}

/* A close that is taken back. */
static void test_reopened(void **state) {
  (void)state;
  world_simple(&w);
  world_say(&w, 0, "b.4700x10");
  world_start(&w, 0, 4800, 5200);
  world_answer(&w);
  uint64_t const id = world_order(&w, 0, PMM_BID, 4700);
  world_at(&w, 5);
  world_life(&w, 0, PMM_LIFE_CLOSED);
  order_event(PMM_EV_EXPIRED, id, QTY(10), 0);
  world_sent(&w);
  world_at(&w, 8);
  world_life(&w, 0, PMM_LIFE_OPEN);
  assert_string_equal(world_settle(&w), "+b.4700x10");
  world_at(&w, 9);
  world_finish(&w);
  assert_int_equal(world_stats(&w, 0).open_ns, 6 * PMM_NS_PER_S); /* the three seconds between do not count */
  assert_int_equal(world_stats(&w, 0).quoted_ns, 6 * PMM_NS_PER_S);
  world_close(&w);
}

/* -- settlement of fills -- */
static void test_failed_settlement(void **state) {
  (void)state;
  world_simple(&w);
  world_say(&w, 0, "b.4700x10");
  world_start(&w, 0, 4800, 5200);
  world_answer(&w);
  w.script[0].say.action = PMM_QUOTE_KEEP;
  uint64_t const id = world_order(&w, 0, PMM_BID, 4700);
  for (int i = 0; i < 2; i++) {
    pmm_event_t ev = ev_fill(&w, id, 4700, QTY(4), 30000);
    ev.md.aux = PMM_SETTLE_PENDING;
    assert_int_equal(world_event(&w, ev), PMM_OK);
  }
  assert_int_equal(world_cash(&w), QTY(1000) - 2 * (QTY(1.88) + 30000));
  assert_int_equal(world_position(&w, 0).yes_e6, QTY(8));
  assert_int_equal(world_position(&w, 0).yes_sellable_e6, 0);
  world_calls(&w, 0);
  world_at(&w, 2);
  world_event(&w, (pmm_event_t){.md = {.kind = PMM_EV_SETTLED}, .ref_id = 1});
  assert_int_equal(world_position(&w, 0).yes_sellable_e6, QTY(4));
  assert_int_equal(world_calls(&w, 0), 0);
  world_event(&w, (pmm_event_t){.md = {.kind = PMM_EV_SETTLE_FAILED}, .ref_id = 2});
  assert_int_equal(world_calls(&w, 0), 1); /* the position is another one now */
  assert_int_equal(world_position(&w, 0).yes_e6, QTY(4));
  assert_int_equal(world_cash(&w), QTY(1000) - QTY(1.88) - 30000);
  assert_int_equal(world_stats(&w, 0).fees_e6, 30000);
  world_at(&w, 5);
  world_finish(&w);
  assert_true(fabs(world_stats(&w, 0).inventory_time - (2 * 8 + 3 * 4)) < 1e-9);
  world_close(&w);
}

/* -- orders whose fate is unclear -- */
static void test_lost_and_found(void **state) {
  (void)state;
  world_simple(&w);
  world_say(&w, 0, "b.4700x10");
  world_start(&w, 0, 4800, 5200);
  uint64_t const id = world_order(&w, 0, PMM_BID, 4700);
  order_event(PMM_EV_LOST, id, 0, 0);
  world_level(&w, 0, PMM_BID, 4600, QTY(1), PMM_F_LAST);
  assert_string_equal(world_sent(&w), "+b.4700x10"); /* it may rest: nothing is sent in its place */
  order_event(PMM_EV_ORDER_STATE, id, 0, 0);         /* the venue knows nothing of it */
  world_level(&w, 0, PMM_BID, 4600, QTY(2), PMM_F_LAST);
  assert_string_equal(world_settle(&w), "+b.4700x10");
  pmm_event_t late = ev_order(PMM_EV_ACK, id); /* and yet it rested */
  late.ref_id = 77;
  world_event(&w, late);
  assert_int_equal(w.action_cnt, 1);
  assert_int_equal(w.action[0].kind, PMM_ACT_CANCEL);
  assert_int_equal(w.action[0].order_id, id);
  assert_int_equal(w.action[0].ref_id, 77);
  assert_int_equal(w.action[0].market, 0);
  world_close(&w);
}

static void test_strangers(void **state) {
  (void)state;
  world_simple(&w);
  world_say(&w, 0, "b.4700x10");
  world_start(&w, 0, 4800, 5200);
  world_answer(&w);
  world_sent(&w);
  static const uint8_t kinds[] = {PMM_EV_ACK, PMM_EV_REJECT, PMM_EV_FILL, PMM_EV_CANCELLED, PMM_EV_CANCEL_REJECT, PMM_EV_EXPIRED, PMM_EV_SETTLED, PMM_EV_SETTLE_FAILED, PMM_EV_LOST};
  for (size_t i = 0; i < COUNT_OF(kinds); i++) {
    pmm_event_t ev = ev_fill(&w, UINT64_C(99) << 32, 5000, QTY(1), 0);
    ev.md.kind = kinds[i];
    assert_int_equal(world_event(&w, ev), PMM_OK); /* not ours: nothing is done */
  }
  assert_string_equal(world_sent(&w), "");
  assert_int_equal(world_cash(&w), QTY(1000));
  assert_false(pmm_engine_risk(w.engine)->killed);
  world_close(&w);
}

/* A fill that the books cannot hold stops all trading. */
static void test_impossible_fill(void **state) {
  (void)state;
  world_init(&w, 2, 2, (uint32_t[]){0, 1});
  world_open(&w);
  world_say(&w, 0, "b.4700x10");
  world_say(&w, 1, "a.5300x10");
  world_start(&w, 0, 4800, 5200);
  world_start(&w, 1, 4800, 5200);
  world_settle(&w);
  assert_int_equal(world_event(&w, ev_fill(&w, world_order(&w, 0, PMM_BID, 4700), 4700, QTY(100000), 0)), PMM_INVAL);
  assert_true(pmm_engine_risk(w.engine)->killed);
  assert_string_equal(world_settle(&w), "-b.4700x10 1/-a.5300x10");
  assert_int_equal(world_cash(&w), QTY(1000));
  world_close(&w);
}

/* -- limits -- */
static void test_daily_loss(void **state) {
  (void)state;
  world_init(&w, 2, 2, (uint32_t[]){0, 1});
  w.config.risk.max_daily_loss_e6 = QTY(5);
  world_open(&w);
  world_say(&w, 0, "b.4700x100");
  world_say(&w, 1, "b.4700x10 a.5300x10");
  world_start(&w, 0, 4800, 5200);
  world_start(&w, 1, 4800, 5200);
  world_answer(&w);
  w.script[0].say.action = PMM_QUOTE_KEEP;
  world_fill(&w, 0, PMM_BID, 4700, QTY(50));
  world_settle(&w);
  world_at(&w, 2);
  world_book(&w, 0, 3400, 3800); /* half a hundred contracts lose eleven cents each: 5.50 */
  assert_false(pmm_engine_risk(w.engine)->killed);
  world_at(&w, 2.5);
  world_level(&w, 1, PMM_BID, 4600, QTY(1), PMM_F_LAST); /* the next mark is not due */
  assert_false(pmm_engine_risk(w.engine)->killed);
  world_sent(&w);
  world_at(&w, 3.1);
  world_level(&w, 1, PMM_BID, 4600, QTY(2), PMM_F_LAST);
  assert_true(pmm_engine_risk(w.engine)->killed);
  assert_string_equal(world_settle(&w), "-b.4700x50 1/-b.4700x10 1/-a.5300x10");
  assert_int_equal(world_totals(&w).equity_e6, QTY(994.5));
  world_operator(&w, PMM_OP_RESET);
  assert_string_equal(world_settle(&w), "1/+b.4700x10 1/+a.5300x10");
  world_close(&w);
}

/* Heat counts what the same instant has already put at risk. */
static void test_heat_is_current(void **state) {
  (void)state;
  world_init(&w, 1, 2, (uint32_t[]){0, 0});
  w.config.risk.max_heat = 0.1;
  w.config.cash_e6 = QTY(100);
  world_open(&w);
  world_say(&w, 0, "b.4700x20"); /* 9.40 of the 10 */
  world_say(&w, 1, "b.4700x20");
  world_start(&w, 0, 4800, 5200);
  assert_string_equal(world_settle(&w), "+b.4700x20");
  assert_int_equal(pmm_engine_risk(w.engine)->refused[PMM_RISK_HEAT], 1);
  world_close(&w);
}

static void test_deposits(void **state) {
  (void)state;
  world_init(&w, 1, 1, NULL);
  w.config.risk.max_daily_loss_e6 = QTY(50);
  w.config.params.sharpe_every_ns = PMM_NS_PER_S;
  world_open(&w);
  world_start(&w, 0, 4800, 5200);
  static const int64_t amounts[] = {QTY(500), -QTY(1200), QTY(7)};
  int64_t cash = QTY(1000);
  for (size_t i = 0; i < COUNT_OF(amounts); i++) {
    world_at(&w, 2 + (double)i * 2);
    assert_int_equal(world_event(&w, (pmm_event_t){.md = {.kind = PMM_EV_DEPOSIT}, .amount_e6 = amounts[i]}), PMM_OK);
    world_at(&w, 3 + (double)i * 2);
    world_level(&w, 0, PMM_BID, 4600, QTY(1), PMM_F_LAST);
    cash += amounts[i];
    pmm_engine_stats_t const s = world_totals(&w);
    assert_int_equal(s.equity_e6, cash);
    assert_int_equal(s.peak_e6, cash);
    assert_int_equal(s.max_drawdown_e6, 0);
    assert_true(isnan(s.sharpe)); /* no return was anything but zero */
  }
  assert_false(pmm_engine_risk(w.engine)->killed);
  assert_int_equal(world_event(&w, (pmm_event_t){.md = {.kind = PMM_EV_DEPOSIT}, .amount_e6 = -QTY(1e6)}), PMM_INVAL);
  assert_int_equal(world_cash(&w), cash);
  world_close(&w);
}

/* What the account held before: contracts and an order, each in its slot, at its venue's cash. */
static void test_taken_over(void **state) {
  (void)state;
  world_init(&w, 2, 2, (uint32_t[]){0, 1});
  w.config.wallet_cnt = 2;
  w.slot[1].wallet = 1;
  w.config.cash_e6 = 0;
  world_open(&w);
  assert_int_equal(world_event(&w, (pmm_event_t){.md = {.kind = PMM_EV_DEPOSIT, .seq = 0}, .amount_e6 = QTY(5)}), PMM_OK);
  assert_int_equal(world_event(&w, (pmm_event_t){.md = {.kind = PMM_EV_DEPOSIT, .seq = 1}, .amount_e6 = QTY(100)}), PMM_OK);
  assert_int_equal(world_event(&w, (pmm_event_t){.md = {.kind = PMM_EV_DEPOSIT, .seq = 2}, .amount_e6 = QTY(1)}), PMM_INVAL);
  assert_int_equal(world_event(&w, (pmm_event_t){.md = {.kind = PMM_EV_POSITION, .seq = 1, .side = 1, .qty_e6 = QTY(20)}, .amount_e6 = QTY(8)}), PMM_OK);
  assert_int_equal(world_event(&w, (pmm_event_t){.md = {.kind = PMM_EV_POSITION, .seq = 2, .qty_e6 = QTY(20)}, .amount_e6 = QTY(8)}), PMM_INVAL);
  assert_int_equal(world_position(&w, 1).no_e6, QTY(20));
  uint64_t const id = (UINT64_C(1) << 63) + 7;
  pmm_event_t found = {.md = {.kind = PMM_EV_OPEN_ORDER, .seq = 1, .aux = PMM_BUY_YES, .price_e4 = 4700, .qty_e6 = QTY(10)}, .order_id = id, .amount_e6 = QTY(2), .ref_id = 5};
  assert_int_equal(world_event(&w, found), PMM_OK);
  assert_int_equal(world_event(&w, found), PMM_INVAL); /* only once */
  found.order_id++;
  found.md.seq = 0; /* the other venue has not the cash for it, whatever lies at the first */
  found.md.qty_e6 = QTY(50);
  assert_int_equal(world_event(&w, found), PMM_INVAL);
  assert_int_equal(pmm_ledger_slot_free(pmm_engine_ledger(w.engine), 1), QTY(100) - QTY(4.7));
  pmm_engine_stats_t const s = world_totals(&w);
  assert_int_equal(s.peak_e6, QTY(113));
  world_say(&w, 1, "b.4700x10"); /* wants just what rests: nothing is sent */
  world_start(&w, 1, 4800, 5200);
  assert_string_equal(world_sent(&w), "");
  assert_int_equal(w.script[1].view.free_cash_e6, QTY(100) - QTY(4.7));
  world_fill(&w, 1, PMM_BID, 4700, QTY(10));
  assert_string_equal(world_sent(&w), "1/+B.4700x10"); /* it is gone; the next one sells the NO found */
  world_is_sound(&w);
  world_close(&w);
}

/* Holdings from before count from what an earlier run valued them at, else from their cost; and at that until there is a mid. */
static void test_taken_over_at_its_value(void **state) {
  (void)state;
  static const struct { const char *why; uint8_t side; int64_t cost_e6; int32_t known_e4, bid_e4; int64_t lost_e6; } rows[] = {
    {"bought dear, at its cost: the fall counts", 0, QTY(900), 0, 5900, QTY(300)},
    {"bought dear, its fall counted by the run before", 0, QTY(900), 6100, 5900, QTY(10)},
    {"cost unknown, value known", 0, QTY(500), 9000, 8900, QTY(0)},
    {"risen since", 0, QTY(500), 6000, 6900, -QTY(100)},
    {"NO", 1, QTY(900), 3900, 3900, QTY(10)},
    {"NO at its cost", 1, QTY(900), 0, 3900, QTY(300)},
  };
  for (size_t i = 0; i < COUNT_OF(rows); i++) {
    world_init(&w, 1, 1, NULL);
    w.config.cash_e6 = 0;
    w.config.risk.max_daily_loss_e6 = 0;
    world_open(&w);
    world_timer(&w);
    assert_int_equal(world_event(&w, (pmm_event_t){.md = {.kind = PMM_EV_DEPOSIT}, .amount_e6 = QTY(5)}), PMM_OK);
    assert_int_equal(world_event(&w, (pmm_event_t){.md = {.kind = PMM_EV_POSITION, .side = rows[i].side, .qty_e6 = QTY(1000), .price_e4 = rows[i].known_e4}, .amount_e6 = rows[i].cost_e6}), PMM_OK);
    pmm_risk_day_t day;
    pmm_risk_day(pmm_engine_risk(w.engine), pmm_engine_equity(w.engine), &day);
    assert_int_equal(day.result_e6, 0); /* without a mid nothing is won or lost */
    world_at(&w, 2);
    world_timer(&w);
    assert_int_equal(world_totals(&w).max_drawdown_e6, 0);
    world_start(&w, 0, rows[i].bid_e4, rows[i].bid_e4 + 200);
    world_at(&w, 4);
    world_timer(&w);
    pmm_risk_day(pmm_engine_risk(w.engine), pmm_engine_equity(w.engine), &day);
    if (day.result_e6 != -rows[i].lost_e6) fail_msg("%s: made %lld", rows[i].why, (long long)day.result_e6);
    assert_int_equal(pmm_engine_value_e4(w.engine, 0), rows[i].bid_e4 + 100);
    world_is_sound(&w);
    world_close(&w);
  }
  world_simple(&w);
  assert_int_equal(world_event(&w, (pmm_event_t){.md = {.kind = PMM_EV_POSITION, .qty_e6 = QTY(1), .price_e4 = 10000}, .amount_e6 = QTY(1)}), PMM_INVAL);
  assert_int_equal(world_event(&w, (pmm_event_t){.md = {.kind = PMM_EV_POSITION, .qty_e6 = QTY(1), .price_e4 = -1}, .amount_e6 = QTY(1)}), PMM_INVAL);
  world_close(&w);
}

static void test_strike_comes_later(void **state) {
  (void)state;
  world_simple(&w);
  world_start(&w, 0, 4800, 5200);
  assert_int_equal(pmm_engine_market(w.engine, 0)->strike_e8, 0);
  assert_int_equal(world_md(&w, (pmm_md_t){.kind = PMM_MD_STRIKE, .qty_e6 = 0, .flags = PMM_F_LAST}), PMM_INVAL);
  (void)world_calls(&w, 0); /* counts from here */
  assert_int_equal(world_md(&w, (pmm_md_t){.kind = PMM_MD_STRIKE, .qty_e6 = INT64_C(6800012000000), .flags = PMM_F_LAST}), PMM_OK);
  assert_int_equal(pmm_engine_market(w.engine, 0)->strike_e8, INT64_C(6800012000000));
  assert_true(world_calls(&w, 0) > 0); /* terms changed: the strategy is asked */
  world_close(&w);
}

/* -- several strategies -- */
static void test_two_strategies_one_market(void **state) {
  (void)state;
  world_init(&w, 1, 2, (uint32_t[]){0, 0});
  world_open(&w);
  world_say(&w, 0, "b.4700x10");
  world_say(&w, 1, "a.5300x10");
  world_start(&w, 0, 4800, 5200);
  assert_string_equal(world_settle(&w), "+b.4700x10 1/+a.5300x10");
  world_fill(&w, 0, PMM_BID, 4700, QTY(3));
  world_fill(&w, 1, PMM_ASK, 5300, QTY(8));
  assert_int_equal(w.script[0].view.position.yes_e6, QTY(3));
  assert_int_equal(w.script[0].view.position.no_e6, 0);
  assert_int_equal(w.script[1].view.position.no_e6, QTY(8));
  assert_int_equal(w.script[1].view.group_net_e6, QTY(-5)); /* the market's */
  world_life(&w, 0, PMM_LIFE_CLOSED);
  for (uint32_t s = 0; s < 2; s++) {
    pmm_own_order_t o[8];
    size_t const n = pmm_exec_own_orders(pmm_engine_exec(w.engine), s, o, 8);
    for (size_t i = 0; i < n; i++) order_event(PMM_EV_EXPIRED, o[i].order_id, o[i].open_e6, 0);
  }
  world_resolve(&w, 0, PMM_OUTCOME_YES, 1000000);
  assert_int_equal(world_stats(&w, 0).realized_e6, QTY(3 * 0.53));
  assert_int_equal(world_stats(&w, 1).realized_e6, QTY(-8 * 0.47));
  assert_int_equal(world_stats(&w, 1).final_no_e6, QTY(8));
  assert_int_equal(world_cash(&w), QTY(1000 + 3 * 0.53 - 8 * 0.47));
  world_close(&w);
}

static void test_event_groups(void **state) {
  (void)state;
  world_init(&w, 4, 4, (uint32_t[]){0, 1, 2, 3});
  strcpy(w.market[0].event, "rain");
  strcpy(w.market[2].event, "rain");
  world_open(&w);
  static const char *const say[] = {"b.4700x10", "b.4700x10", "a.5300x10", "a.5300x10"};
  for (uint32_t i = 0; i < 4; i++) {
    world_say(&w, i, say[i]);
    world_start(&w, i, 4800, 5200);
  }
  world_answer(&w);
  world_fill(&w, 0, PMM_BID, 4700, QTY(5));
  world_fill(&w, 1, PMM_BID, 4700, QTY(2));
  world_fill(&w, 2, PMM_ASK, 5300, QTY(1));
  world_fill(&w, 3, PMM_ASK, 5300, QTY(7));
  static const double net[] = {4, 2, 4, -7};
  for (uint32_t i = 0; i < 4; i++) {
    world_level(&w, i, PMM_BID, 4600, QTY(1), PMM_F_LAST);
    assert_int_equal(w.script[i].view.group_net_e6, QTY(net[i]));
  }
  world_close(&w);
}

int main(void) {
  const struct CMUnitTest tests[] = {
    cmocka_unit_test(test_resolve_waits), cmocka_unit_test(test_pending_value), cmocka_unit_test(test_bad_resolutions), cmocka_unit_test(test_reopened),
    cmocka_unit_test(test_failed_settlement), cmocka_unit_test(test_lost_and_found), cmocka_unit_test(test_strangers), cmocka_unit_test(test_impossible_fill),
    cmocka_unit_test(test_daily_loss), cmocka_unit_test(test_heat_is_current), cmocka_unit_test(test_deposits), cmocka_unit_test(test_taken_over), cmocka_unit_test(test_taken_over_at_its_value), cmocka_unit_test(test_strike_comes_later),
    cmocka_unit_test(test_two_strategies_one_market), cmocka_unit_test(test_event_groups),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
