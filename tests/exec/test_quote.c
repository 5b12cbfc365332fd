/* From quotes to actions: tables of what is live, what is wanted and what must be sent. */
#include "exec/world.h"

/* Two quotes after one another on a quiet venue; the second call's actions. */
static const struct { const char *why, *first, *then, *want; } DIFF[] = {
  {"an empty book gets both sides", "", "b.4700x10 a.5300x10", "+b.4700x10 +a.5300x10"},
  {"nothing changes, nothing is sent", "b.4700x10 a.5300x10", "b.4700x10 a.5300x10", ""},
  {"another price: cancel, then place", "b.4700x10 a.5300x10", "b.4800x10 a.5300x10", "-b.4700x10 +b.4800x10"},
  {"both sides cancel before either places", "b.4700x10 a.5300x10", "b.4800x10 a.5400x10", "-b.4700x10 -a.5300x10 +b.4800x10 +a.5400x10"},
  {"another size: cancel, then place", "b.4700x10", "b.4700x12", "-b.4700x10 +b.4700x12"},
  {"a smaller size likewise", "b.4700x10", "b.4700x8", "-b.4700x10 +b.4700x8"},
  {"a side no longer wanted", "b.4700x10 a.5300x10", "a.5300x10", "-b.4700x10"},
  {"nothing wanted", "b.4700x10 a.5300x10", "", "-b.4700x10 -a.5300x10"},
  {"a ladder moves up a step: the common levels stay", "b.4700x10 b.4600x20 b.4500x30", "b.4800x5 b.4700x10 b.4600x20", "-b.4500x30 +b.4800x5"},
  {"asks likewise", "a.5300x10 a.5400x20 a.5500x30", "a.5400x20 a.5500x30 a.5600x40", "-a.5300x10 +a.5600x40"},
  {"a new level between", "b.4700x10 b.4500x30", "b.4700x10 b.4600x20 b.4500x30", "+b.4600x20"},
  {"dust is no order", "", "b.4700x0.001 a.5300x0.019", "+a.5300x0.01"},
  {"levels of one price: the nearest stays", "", "b.4700x10 b.4700x20 b.4600x5", "+b.4700x10 +b.4600x5"},
};

static void test_difference(void **state) {
  (void)state;
  for (size_t i = 0; i < COUNT_OF(DIFF); i++) {
    world_t w;
    world_options_t const o = world_options();
    world_init(&w, &o);
    world_want(&w, DIFF[i].first);
    world_quote(&w, 0);
    world_answer(&w);
    world_want(&w, DIFF[i].then);
    world_quote(&w, 0);
    if (strcmp(world_actions(&w), DIFF[i].want) != 0) fail_msg("%s: %s", DIFF[i].why, world_actions(&w));
    world_is_sound(&w);
    world_answer(&w);
    world_quote(&w, 0);
    if (w.out.cnt != 0) fail_msg("%s: not settled: %s", DIFF[i].why, world_actions(&w));
    world_is_sound(&w);
  }
}

/* -- crossing -- */
static void test_crossing(void **state) {
  (void)state;
  static const struct { const char *why; int32_t bid, ask; int on_cross; const char *quote, *want; } rows[] = {
    {"rests where it was meant", 4800, 5200, PMM_CROSS_INSIDE, "b.5100x10 a.5200x10", "+b.5100x10 +a.5200x10"},
    {"a bid at the ask goes a tick inside", 4800, 5200, PMM_CROSS_INSIDE, "b.5200x10", "+b.5100x10"},
    {"far through it too", 4800, 5200, PMM_CROSS_INSIDE, "b.9000x10", "+b.5100x10"},
    {"an ask at the bid", 4800, 5200, PMM_CROSS_INSIDE, "a.4800x10", "+a.4900x10"},
    {"levels that fall together: the nearest stays", 4800, 5200, PMM_CROSS_INSIDE, "b.5400x1 b.5300x2 b.5200x3 b.5100x4 b.5000x5", "+b.5100x1 +b.5000x5"},
    {"no room under the lowest ask", 0, 100, PMM_CROSS_INSIDE, "b.0100x10", ""},
    {"no room over the highest bid", 9900, 0, PMM_CROSS_INSIDE, "a.9900x10", ""},
    {"skip drops it", 4800, 5200, PMM_CROSS_SKIP, "b.5200x10 b.5000x3 a.4800x10", "+b.5000x3"},
    {"in a crossed book both go outside", 5200, 4800, PMM_CROSS_INSIDE, "b.4900x1 a.5100x1", "+b.4700x1 +a.5300x1"},
    {"an empty book hinders nobody", 0, 0, PMM_CROSS_INSIDE, "b.5200x10 a.5300x10", "+b.5200x10 +a.5300x10"},
    {"off the grid: away from the middle", 0, 0, PMM_CROSS_INSIDE, "b.4755x10 a.5255x10", "+b.4700x10 +a.5300x10"},
    {"off the grid below its first price", 0, 0, PMM_CROSS_INSIDE, "b.0055x10 a.9955x10", ""},
  };
  for (size_t i = 0; i < COUNT_OF(rows); i++) {
    world_t w;
    world_options_t o = world_options();
    o.exec.on_cross = rows[i].on_cross;
    o.risk.price_band = 1;
    world_init(&w, &o);
    world_book(&w, rows[i].bid, rows[i].ask);
    world_want(&w, rows[i].quote);
    world_quote(&w, 0);
    if (strcmp(world_actions(&w), rows[i].want) != 0) fail_msg("%s: %s", rows[i].why, world_actions(&w));
    for (uint32_t k = 0; k < w.out.cnt; k++) assert_int_equal(w.action[k].flags, PMM_ACT_POST_ONLY);
  }
}

/* -- routing -- */
static void test_routing(void **state) {
  (void)state;
  static const struct { const char *why; int route; double yes, no, min_size; const char *quote, *want; } rows[] = {
    {"nothing held: buy", PMM_ROUTE_AUTO, 0, 0, 0.01, "b.4700x10 a.5300x10", "+b.4700x10 +a.5300x10"},
    {"an ask sells YES held", PMM_ROUTE_AUTO, 25, 0, 0.01, "b.4700x10 a.5300x10", "+b.4700x10 +A.5300x10"},
    {"a bid sells NO held", PMM_ROUTE_SELL_FIRST, 0, 25, 0.01, "b.4700x10 a.5300x10", "+B.4700x10 +a.5300x10"},
    {"partly held: two orders", PMM_ROUTE_AUTO, 4, 0, 0.01, "a.5300x10", "+A.5300x4 +a.5300x6"},
    {"what is held goes to the nearest level", PMM_ROUTE_AUTO, 12, 0, 0.01, "a.5300x10 a.5400x10", "+A.5300x10 +A.5400x2 +a.5400x8"},
    {"opposite only always buys", PMM_ROUTE_OPPOSITE_ONLY, 25, 25, 0.01, "b.4700x10 a.5300x10", "+b.4700x10 +a.5300x10"},
    {"no part below the smallest order", PMM_ROUTE_AUTO, 9, 0, 5, "a.5300x10", "+A.5300x5 +a.5300x5"},
    {"no second part possible: one buy", PMM_ROUTE_AUTO, 6, 0, 5, "a.5300x8", "+a.5300x8"},
    {"less held than the smallest order: one buy", PMM_ROUTE_AUTO, 3, 0, 5, "a.5300x10", "+a.5300x10"},
    {"fractions of a lot cannot be sold", PMM_ROUTE_AUTO, 4.005, 0, 0.01, "a.5300x10", "+A.5300x4 +a.5300x6"},
  };
  for (size_t i = 0; i < COUNT_OF(rows); i++) {
    world_t w;
    world_options_t o = world_options();
    o.exec.route = rows[i].route;
    world_init(&w, &o);
    w.market.min_size_e6 = QTY(rows[i].min_size);
    if (rows[i].yes > 0) world_hold(&w, 0, PMM_BUY_YES, QTY(rows[i].yes));
    if (rows[i].no > 0) world_hold(&w, 0, PMM_BUY_NO, QTY(rows[i].no));
    world_want(&w, rows[i].quote);
    world_quote(&w, 0);
    if (strcmp(world_actions(&w), rows[i].want) != 0) fail_msg("%s: %s", rows[i].why, world_actions(&w));
    world_is_sound(&w);
    world_answer(&w);
    world_quote(&w, 0);
    if (w.out.cnt) fail_msg("%s: two orders of one price are not seen as one: %s", rows[i].why, world_actions(&w));
  }
}

/* -- sizes: fills, tolerance, amending -- */
static void test_partial_fill_is_filled_up(void **state) {
  (void)state;
  world_t w;
  world_options_t o = world_options();
  o.exec.route = PMM_ROUTE_OPPOSITE_ONLY;
  world_init(&w, &o);
  world_want(&w, "b.4700x10 a.5300x10");
  world_quote(&w, 0);
  world_answer(&w);
  world_fill(&w, w.action[0].order_id, QTY(3));
  world_quote(&w, 0);
  assert_string_equal(world_actions(&w), "-b.4700x7 +b.4700x10");
  world_answer(&w);
  const pmm_exec_stats_t *const st = pmm_exec_stats(w.exec, 0);
  assert_int_equal(st->orders, 3);
  assert_int_equal(st->cancels, 1);
  assert_int_equal(st->fills, 1);
  assert_int_equal(st->maker_fills, 1);
  assert_int_equal(st->bought_e6, QTY(3));
  assert_int_equal(st->volume_e6, QTY(1.41));
}

static void test_tolerance(void **state) {
  (void)state;
  static const struct { double want, tolerance; const char *actions; } rows[] = {
    {10, 0, "-b.4700x8 +b.4700x10"}, {10, 0.25, ""}, {10, 0.2, ""}, {10, 0.19, "-b.4700x8 +b.4700x10"}, {8, 0, ""}, {6.4, 0.25, ""}, {6.3, 0.25, "-b.4700x8 +b.4700x6.3"},
  };
  for (size_t i = 0; i < COUNT_OF(rows); i++) {
    world_t w;
    world_options_t const o = world_options();
    world_init(&w, &o);
    world_want(&w, "b.4700x8");
    world_quote(&w, 0);
    world_answer(&w);
    w.quotes.bid[0].qty_e6 = QTY(rows[i].want);
    w.quotes.resize_tolerance = rows[i].tolerance;
    world_quote(&w, 0);
    assert_string_equal(world_actions(&w), rows[i].actions);
  }
}

static void test_amending_down(void **state) {
  (void)state;
  world_t w;
  world_options_t o = world_options();
  o.exec.amend = true;
  world_init(&w, &o);
  world_hold(&w, 0, PMM_BUY_NO, QTY(4));
  world_want(&w, "b.4700x10");
  world_quote(&w, 0);
  assert_string_equal(world_actions(&w), "+B.4700x4 +b.4700x6");
  world_want(&w, "b.4700x8");
  world_quote(&w, 0);
  assert_string_equal(world_actions(&w), ""); /* not acknowledged yet: neither amended nor thrown away */
  w.out.cnt = 0;
  for (uint64_t id = (UINT64_C(7) << 32) + 1; id <= (UINT64_C(7) << 32) + 2; id++) assert_int_equal(world_event(&w, ev_order(PMM_EV_ACK, id)), PMM_OK);
  world_quote(&w, 0);
  assert_string_equal(world_actions(&w), "~b.4700x4"); /* the newest gives way first */
  world_quote(&w, 0);
  assert_string_equal(world_actions(&w), ""); /* it is on its way */
  pmm_event_t ev = ev_order(PMM_EV_AMENDED, (UINT64_C(7) << 32) + 2);
  ev.md.qty_e6 = QTY(4);
  assert_int_equal(world_event(&w, ev), PMM_OK);
  assert_int_equal(w.fx.order.state, PMM_ORDER_LIVE);
  assert_int_equal(pmm_ledger_reserved(w.ledger), QTY(4) * 47 / 100);
  world_want(&w, "b.4700x3");
  world_quote(&w, 0);
  assert_string_equal(world_actions(&w), "-b.4700x4 ~B.4700x3");
  world_answer(&w);
  assert_int_equal(pmm_exec_stats(w.exec, 0)->amends, 2);
  world_want(&w, "b.4700x5"); /* larger is never amended: it would lose its place anyway */
  world_quote(&w, 0);
  assert_string_equal(world_actions(&w), "-B.4700x3 +B.4700x1 +b.4700x4");
  world_is_sound(&w);
}

/* -- orders on their way -- */
static void test_pending_orders(void **state) {
  (void)state;
  world_t w;
  world_options_t const o = world_options();
  world_init(&w, &o);
  world_want(&w, "b.4700x10 a.5300x10");
  world_quote(&w, 0);
  world_quote(&w, 0);
  assert_string_equal(world_actions(&w), ""); /* unacknowledged orders count as there */
  world_want(&w, "b.5400x10 a.5600x10");
  world_quote(&w, 0);
  assert_string_equal(world_actions(&w), "-b.4700x10 -a.5300x10 +b.5400x10 +a.5600x10"); /* the old ask is no self-cross any more */
  world_quote(&w, 0);
  assert_string_equal(world_actions(&w), "");
  assert_int_equal(pmm_exec_open_cnt(w.exec, 0), 4);
  pmm_exec_open_t open;
  pmm_exec_open(w.exec, 0, &open);
  assert_int_equal(open.bid_e6, QTY(20)); /* what is being cancelled may still fill */
  assert_int_equal(open.best_bid_e4, 5400);
  assert_int_equal(open.best_ask_e4, 5600);
  assert_int_equal(open.bid_cash_e6 + open.ask_cash_e6, pmm_ledger_reserved(w.ledger));
  assert_int_equal(pmm_exec_stats(w.exec, 0)->cancels, 2);
  pmm_own_order_t own[8];
  assert_int_equal(pmm_exec_own_orders(w.exec, 0, own, 8), 4);
  assert_int_equal(own[0].price_e4, 5400);
  assert_int_equal(own[1].price_e4, 4700);
  assert_int_equal(own[2].price_e4, 5300);
  assert_int_equal(own[1].state, PMM_ORDER_PENDING_CANCEL);
  assert_int_equal(own[0].ahead_e6, -1);
  assert_int_equal(pmm_exec_own_orders(w.exec, 0, own, 3), 3);
}

static void test_keep_and_pause(void **state) {
  (void)state;
  world_t w;
  world_options_t const o = world_options();
  world_init(&w, &o);
  world_want(&w, "b.4700x10 a.5300x10");
  world_quote(&w, 0);
  world_answer(&w);
  w.quotes.action = PMM_QUOTE_KEEP;
  world_quote(&w, 0);
  assert_string_equal(world_actions(&w), "");
  w.market.life = PMM_LIFE_HALTED;
  world_want(&w, "b.4600x10");
  world_quote(&w, 0);
  assert_string_equal(world_actions(&w), ""); /* a market that does not trade gets no orders */
  w.quotes.action = PMM_QUOTE_PAUSE;
  world_quote(&w, 0);
  assert_string_equal(world_actions(&w), "-b.4700x10 -a.5300x10");
  world_quote(&w, 0);
  assert_string_equal(world_actions(&w), ""); /* asked once */
}

/* -- risk -- */
static void test_kill_switch(void **state) {
  (void)state;
  world_t w;
  world_options_t const o = world_options();
  world_init(&w, &o);
  world_want(&w, "b.4700x10 a.5300x10");
  world_quote(&w, 0);
  world_answer(&w);
  pmm_risk_kill(&w.risk);
  world_quote(&w, 0);
  assert_string_equal(world_actions(&w), "-b.4700x10 -a.5300x10");
  assert_int_equal(w.refused, PMM_RISK_KILLED);
  world_answer(&w);
  world_quote(&w, 0);
  assert_string_equal(world_actions(&w), "");
  pmm_risk_reset(&w.risk);
  world_quote(&w, 0);
  assert_string_equal(world_actions(&w), "+b.4700x10 +a.5300x10");
}

static void test_refusals_are_named_and_counted(void **state) {
  (void)state;
  static const struct { const char *why, *quote; pmm_risk_reason_t want; const char *actions; } rows[] = {
    {"too large", "b.4700x101", PMM_RISK_ORDER_SIZE, ""},
    {"too far from fair", "b.6500x10", PMM_RISK_PRICE_BAND, ""},
    {"second level past the net limit", "b.4700x100 b.4600x60", PMM_RISK_NET, "+b.4700x100"},
    {"bid over own ask", "b.5300x10 a.5300x10", PMM_RISK_SELF_CROSS, "+b.5300x10"},
    {"heat", "b.4700x100 a.5300x100", PMM_RISK_HEAT, "+b.4700x100"},
  };
  for (size_t i = 0; i < COUNT_OF(rows); i++) {
    world_t w;
    world_options_t o = world_options();
    o.risk.max_order_size_e6 = QTY(100);
    o.risk.max_net_e6 = QTY(150);
    o.risk.price_band = 0.10;
    world_init(&w, &o);
    if (rows[i].want == PMM_RISK_HEAT) w.ctx.at_risk_e6 = QTY(160);
    world_want(&w, rows[i].quote);
    world_quote(&w, 0);
    if (strcmp(world_actions(&w), rows[i].actions) != 0 || w.refused != rows[i].want)
      fail_msg("%s: %s (%s)", rows[i].why, world_actions(&w), pmm_risk_reason_to_string(w.refused));
    assert_int_equal(pmm_exec_stats(w.exec, 0)->refused, 1);
    assert_int_equal(w.risk.refused[rows[i].want], 1);
  }
}

static void test_limits_do_not_count_what_is_being_cancelled(void **state) {
  (void)state;
  world_t w;
  world_options_t o = world_options();
  o.risk.max_net_e6 = QTY(100);
  world_init(&w, &o);
  world_want(&w, "b.4700x100");
  world_quote(&w, 0);
  world_answer(&w);
  w.ctx.at_risk_e6 = QTY(250); /* all the heat there is, of which 47 are these orders' */
  w.ctx.equity_e6 = QTY(1000);
  world_want(&w, "b.4600x100");
  world_quote(&w, 0);
  assert_string_equal(world_actions(&w), "-b.4700x100 +b.4600x100");
}

static void test_losing_streak_halves_sizes(void **state) {
  (void)state;
  world_t w;
  world_options_t const o = world_options();
  world_init(&w, &o);
  for (int i = 0; i < 3; i++) pmm_risk_on_fill(&w.risk, w.ctx.now_ns, -1);
  world_want(&w, "b.4700x10.01");
  world_quote(&w, 0);
  assert_string_equal(world_actions(&w), "+b.4700x5");
  world_answer(&w);
  w.market.min_size_e6 = QTY(8); /* of two levels one is let down to the least the venue takes; the other was never of that size */
  world_want(&w, "b.4600x12 b.4500x7");
  world_quote(&w, 0);
  assert_string_equal(world_actions(&w), "-b.4700x5 +b.4600x8");
}

static void test_rate_budget(void **state) {
  (void)state;
  world_t w;
  world_options_t o = world_options();
  o.risk.max_order_rate = 1;
  o.risk.max_order_burst = 4;
  o.risk.cancel_reserve = 2;
  world_init(&w, &o);
  world_want(&w, "b.4700x10 b.4600x10 b.4500x10");
  world_quote(&w, 0);
  assert_string_equal(world_actions(&w), "+b.4700x10 +b.4600x10");
  assert_int_equal(w.refused, PMM_RISK_RATE);
  world_answer(&w);
  world_want(&w, "b.4800x10");
  world_quote(&w, 0);
  assert_string_equal(world_actions(&w), "-b.4700x10 -b.4600x10");
  world_answer(&w);
  w.ctx.now_ns += 3 * PMM_NS_PER_S;
  world_quote(&w, 0);
  assert_string_equal(world_actions(&w), "+b.4800x10");
  world_answer(&w);
  for (int i = 0; i < 2; i++) assert_true(pmm_risk_allow_cancel(&w.risk, w.ctx.now_ns));
  world_want(&w, "b.4800x11");
  world_quote(&w, 0);
  assert_string_equal(world_actions(&w), ""); /* not even a cancel: so nothing is placed beside the old one */
  w.out.cnt = 0;
  pmm_exec_cancel_slot(w.exec, 0, w.ctx.now_ns, &w.out);
  assert_string_equal(world_actions(&w), "-b.4800x10"); /* an operator's cancel does not wait */
}

/* -- cash -- */
static void test_cash_cuts_sizes(void **state) {
  (void)state;
  world_t w;
  world_options_t o = world_options();
  o.cash_e6 = QTY(10);
  o.risk.max_heat = 1;
  world_init(&w, &o);
  world_want(&w, "b.5000x30 a.6000x30");
  world_quote(&w, 0);
  assert_string_equal(world_actions(&w), "+b.5000x20");
  assert_int_equal(w.refused, PMM_RISK_CASH);
  assert_int_equal(pmm_ledger_free(w.ledger), 0);
  world_answer(&w);
  world_quote(&w, 0);
  assert_string_equal(world_actions(&w), ""); /* too small for want of cash: it stays */
  assert_int_equal(pmm_ledger_deposit(w.ledger, QTY(3)), PMM_OK);
  w.ctx.equity_e6 = QTY(13);
  world_quote(&w, 0);
  assert_string_equal(world_actions(&w), "+b.5000x6"); /* topped up, not replaced; the ask finds nothing left */
  world_answer(&w);
  world_quote(&w, 0);
  assert_string_equal(world_actions(&w), "");
  assert_int_equal(pmm_ledger_deposit(w.ledger, QTY(100)), PMM_OK);
  w.ctx.equity_e6 = QTY(113);
  world_quote(&w, 0);
  assert_string_equal(world_actions(&w), "-b.5000x20 -b.5000x6 +b.5000x30 +a.6000x30");
  world_is_sound(&w);
}

static void test_cash_floor(void **state) {
  (void)state;
  world_t w;
  world_options_t o = world_options();
  o.cash_e6 = QTY(20);
  o.risk.max_heat = 1;
  world_init(&w, &o);
  world_hold(&w, 0, PMM_BUY_YES, QTY(8)); /* 16 left */
  world_want(&w, "b.5000x30");
  w.quotes.cash_floor_e6 = QTY(12);
  world_quote(&w, 0);
  assert_string_equal(world_actions(&w), "+b.5000x8");
  world_answer(&w);
  world_want(&w, "b.5000x8 a.6000x30");
  w.quotes.cash_floor_e6 = QTY(12);
  world_quote(&w, 0);
  assert_string_equal(world_actions(&w), "+A.6000x8"); /* selling what is held needs no cash, buying the rest would */
  assert_int_equal(w.refused, PMM_RISK_CASH_FLOOR);
}

static void test_reducing_passes_the_floor(void **state) {
  (void)state;
  world_t w;
  world_options_t o = world_options();
  o.cash_e6 = QTY(20);
  o.exec.route = PMM_ROUTE_OPPOSITE_ONLY;
  world_init(&w, &o); /* heat .25 of 20 would refuse what adds */
  world_hold(&w, 0, PMM_BUY_YES, QTY(8));
  w.ctx.at_risk_e6 = QTY(19);
  world_want(&w, "a.6000x8");
  w.quotes.cash_floor_e6 = QTY(16);
  world_quote(&w, 0);
  assert_string_equal(world_actions(&w), "+a.6000x8");
}

static void test_fees_are_reserved(void **state) {
  (void)state;
  world_t w;
  world_options_t o = world_options();
  o.cash_e6 = QTY(10);
  o.risk.max_heat = 1;
  world_init(&w, &o);
  w.market.fees = (pmm_fee_schedule_t){.model = PMM_FEE_KALSHI, .taker_rate_e6 = 70000, .maker_rate_e6 = 17500, .precision_e6 = 100};
  world_want(&w, "b.5000x30");
  world_quote(&w, 0);
  assert_int_equal(w.out.cnt, 1);
  int64_t const qty = w.action[0].qty_e6;
  assert_true(qty < QTY(20) && qty > QTY(19)); /* 20 would leave nothing for the fee of at most 0.07 * 20 / 4 */
  int64_t const locked = pmm_ledger_reserved(w.ledger);
  assert_true(locked > qty / 2 && locked <= QTY(10));
  w.out.cnt = 1;
  world_answer(&w);
  assert_int_equal(world_event(&w, ev_fill(w.action[0].order_id, 1, 5000, qty - QTY(1), 300000)), PMM_OK);
  assert_int_equal(pmm_ledger_reserved(w.ledger), QTY(0.5) + pmm_fee_bound(&w.market.fees, 5000, QTY(1), 16));
  world_is_sound(&w);
}

/* -- exits -- */
static void want_exit(world_t *w, pmm_side_t side, double qty, double fair, double limit) {
  world_clear_quotes(w);
  w->quotes.action = PMM_QUOTE_EXIT;
  w->quotes.exit_side = side;
  w->quotes.exit_qty_e6 = QTY(qty);
  w->quotes.fair = fair;
  w->quotes.exit_limit = limit;
}

static void test_exit(void **state) {
  (void)state;
  static const struct { const char *why; double yes, no; int32_t bid, ask; pmm_side_t side; double qty, fair, limit; int route; const char *want; pmm_risk_reason_t refused; } rows[] = {
    {"sells YES held, down to fair - .05", 20, 0, 4800, 5200, PMM_ASK, 20, 0.50, NAN, PMM_ROUTE_AUTO, "+A.4500x20!", PMM_RISK_NONE},
    {"sells NO held, up to fair + .05", 0, 20, 4800, 5200, PMM_BID, 20, 0.50, NAN, PMM_ROUTE_AUTO, "+B.5500x20!", PMM_RISK_NONE},
    {"the strategy's own limit", 20, 0, 4800, 5200, PMM_ASK, 20, 0.50, 0.03, PMM_ROUTE_AUTO, "+A.4700x20!", PMM_RISK_NONE},
    {"a limit between ticks is rounded toward not worse", 20, 0, 4800, 5200, PMM_ASK, 20, 0.505, 0.03, PMM_ROUTE_AUTO, "+A.4800x20!", PMM_RISK_NONE},
    {"and for buys", 0, 20, 4800, 5200, PMM_BID, 20, 0.505, 0.03, PMM_ROUTE_AUTO, "+B.5300x20!", PMM_RISK_NONE},
    {"buys the opposite where only that is known", 20, 0, 4800, 5200, PMM_ASK, 20, 0.50, NAN, PMM_ROUTE_OPPOSITE_ONLY, "+a.4500x20!", PMM_RISK_NONE},
    {"nothing held: buys the opposite", 0, 0, 4800, 5200, PMM_ASK, 5, 0.50, NAN, PMM_ROUTE_AUTO, "+a.4500x5!", PMM_RISK_NONE},
    {"sells what is held first, the rest next time", 12, 0, 4800, 5200, PMM_ASK, 20, 0.50, NAN, PMM_ROUTE_AUTO, "+A.4500x12!", PMM_RISK_NONE},
    {"nobody there", 20, 0, 0, 5200, PMM_ASK, 20, 0.50, NAN, PMM_ROUTE_AUTO, "", PMM_RISK_NONE},
    {"nobody good enough", 20, 0, 4400, 5200, PMM_ASK, 20, 0.50, NAN, PMM_ROUTE_AUTO, "", PMM_RISK_NONE},
    {"just good enough", 20, 0, 4500, 5200, PMM_ASK, 20, 0.50, NAN, PMM_ROUTE_AUTO, "+A.4500x20!", PMM_RISK_NONE},
    {"fair near zero", 20, 0, 100, 200, PMM_ASK, 20, 0.01, NAN, PMM_ROUTE_AUTO, "+A.0100x20!", PMM_RISK_NONE},
    {"fair near one", 0, 20, 9700, 9800, PMM_BID, 20, 0.99, NAN, PMM_ROUTE_AUTO, "+B.9900x20!", PMM_RISK_NONE},
    {"no fair value, no exit", 20, 0, 4800, 5200, PMM_ASK, 20, NAN, NAN, PMM_ROUTE_AUTO, "", PMM_RISK_FAIR},
    {"dust stays", 20, 0, 4800, 5200, PMM_ASK, 0.005, 0.50, NAN, PMM_ROUTE_AUTO, "", PMM_RISK_NONE},
  };
  for (size_t i = 0; i < COUNT_OF(rows); i++) {
    world_t w;
    world_options_t o = world_options();
    o.exec.route = rows[i].route;
    world_init(&w, &o);
    if (rows[i].yes > 0) world_hold(&w, 0, PMM_BUY_YES, QTY(rows[i].yes));
    if (rows[i].no > 0) world_hold(&w, 0, PMM_BUY_NO, QTY(rows[i].no));
    world_book(&w, rows[i].bid, rows[i].ask);
    want_exit(&w, rows[i].side, rows[i].qty, rows[i].fair, rows[i].limit);
    world_quote(&w, 0);
    if (strcmp(world_actions(&w), rows[i].want) != 0 || w.refused != rows[i].refused) fail_msg("%s: %s", rows[i].why, world_actions(&w));
    if (w.out.cnt) assert_int_equal(w.action[0].flags, 0);
    world_quote(&w, 0);
    if (w.out.cnt) fail_msg("%s: a second one while the first is under way", rows[i].why);
    world_is_sound(&w);
  }
}

/* A source of prices shows nobody to take from; the exit goes out all the same. */
static void test_exit_without_a_book(void **state) {
  (void)state;
  world_t w;
  world_options_t const o = world_options();
  world_init(&w, &o);
  w.market.data = PMM_DATA_PRICE;
  world_hold(&w, 0, PMM_BUY_YES, QTY(20));
  want_exit(&w, PMM_ASK, 20, 0.50, 0.03);
  world_quote(&w, 0);
  assert_string_equal(world_actions(&w), "+A.4700x20!");
  world_is_sound(&w);
}

static void test_exit_after_quotes(void **state) {
  (void)state;
  world_t w;
  world_options_t o = world_options();
  o.risk.max_order_size_e6 = QTY(15);
  world_init(&w, &o);
  world_hold(&w, 0, PMM_BUY_YES, QTY(20));
  world_book(&w, 4800, 5200);
  world_want(&w, "b.4700x10 a.5300x15 a.5400x5");
  world_quote(&w, 0);
  world_answer(&w);
  want_exit(&w, PMM_ASK, 20, 0.50, NAN);
  world_quote(&w, 0);
  assert_string_equal(world_actions(&w), "-b.4700x10 -A.5300x15 -A.5400x5"); /* what it would sell is still locked */
  world_answer(&w);
  world_quote(&w, 0);
  assert_string_equal(world_actions(&w), "+A.4500x15!"); /* no larger than one order may be */
  uint64_t const id = w.action[0].order_id;
  pmm_exec_cancel_slot(w.exec, 0, w.ctx.now_ns, &w.out);
  assert_int_equal(w.out.cnt, 1); /* it ends by itself */
  world_fill(&w, id, QTY(10));
  pmm_event_t ev = ev_order(PMM_EV_CANCELLED, id);
  ev.md.qty_e6 = QTY(5);
  ev.md.aux = PMM_REJECT_IOC;
  assert_int_equal(world_event(&w, ev), PMM_OK);
  assert_true(w.fx.terminal);
  world_quote(&w, 0);
  assert_string_equal(world_actions(&w), "+A.4500x10!"); /* again while the reason lasts: what is left */
  assert_int_equal(pmm_exec_stats(w.exec, 0)->exits, 2);
  world_is_sound(&w);
}

/* -- several slots, capacity, construction -- */
static void test_cancel_all(void **state) {
  (void)state;
  world_t w;
  world_options_t const o = world_options();
  world_init(&w, &o);
  world_want(&w, "b.4700x10 a.5300x10");
  for (uint32_t s = 0; s < WORLD_SLOTS; s++) {
    world_quote(&w, s);
    world_answer(&w);
  }
  w.out.cnt = 0;
  w.out.cap = 3;
  pmm_exec_cancel_all(w.exec, w.ctx.now_ns, &w.out);
  assert_int_equal(w.out.cnt, 3); /* the buffer is full: called again it goes on */
  w.out.cnt = 0;
  pmm_exec_cancel_all(w.exec, w.ctx.now_ns, &w.out);
  assert_int_equal(w.out.cnt, 1);
  assert_int_equal(w.action[0].slot, 1);
}

static void test_capacity(void **state) {
  (void)state;
  world_t w;
  world_options_t o = world_options();
  o.orders_max = 2;
  world_init(&w, &o);
  world_want(&w, "b.4700x10 b.4600x10 b.4500x10");
  world_quote(&w, 0);
  assert_string_equal(world_actions(&w), "+b.4700x10 +b.4600x10");
  assert_int_equal(w.refused, PMM_RISK_CAPACITY);
  world_answer(&w);
  w.out.cap = 0;
  world_want(&w, "b.4800x10");
  world_quote(&w, 0);
  assert_int_equal(w.out.cnt, 0);
  world_is_sound(&w);
}

static void test_construction(void **state) {
  (void)state;
  static _Alignas(64) unsigned char memory[WORLD_BYTES];
  world_options_t const o = world_options();
  static const struct { const char *why; uint32_t slots, orders; uint64_t id_base; size_t bytes; pmm_status_t want; } rows[] = {
    {"no slot", 0, 1, 0, WORLD_BYTES, PMM_INVAL}, {"no order", 1, 0, 0, WORLD_BYTES, PMM_INVAL}, {"more slots than an action names", 65537, 1, 0, WORLD_BYTES, PMM_INVAL},
    {"ids begin in the high half", 1, 1, 5, WORLD_BYTES, PMM_INVAL}, {"too many orders", 1, UINT32_MAX, 0, WORLD_BYTES, PMM_INVAL},
    {"no memory at all", 1, 1, 0, 64, PMM_FULL}, {"not enough memory", 1, 100, 0, 4096, PMM_FULL}, {"fine", 1, 1, UINT64_C(1) << 32, WORLD_BYTES, PMM_OK},
  };
  for (size_t i = 0; i < COUNT_OF(rows); i++) {
    pmm_arena_t arena;
    pmm_arena_init(&arena, memory, rows[i].bytes);
    pmm_exec_config_t const c = {.params = o.exec, .slot_cnt = rows[i].slots, .orders_max = rows[i].orders, .id_base = rows[i].id_base};
    pmm_exec_t *e = NULL;
    if (pmm_exec_init(&e, &arena, &c, NULL, NULL) != rows[i].want) fail_msg("%s", rows[i].why);
  }
  world_t w;
  world_init(&w, &o);
  assert_int_equal(pmm_exec_slot(w.exec, 0, 0), PMM_EXISTS);
  assert_int_equal(pmm_exec_slot(w.exec, WORLD_SLOTS, 0), PMM_INVAL);
}

int main(void) {
  const struct CMUnitTest tests[] = {
    cmocka_unit_test(test_difference), cmocka_unit_test(test_crossing), cmocka_unit_test(test_routing), cmocka_unit_test(test_partial_fill_is_filled_up),
    cmocka_unit_test(test_tolerance), cmocka_unit_test(test_amending_down), cmocka_unit_test(test_pending_orders), cmocka_unit_test(test_keep_and_pause),
    cmocka_unit_test(test_kill_switch), cmocka_unit_test(test_refusals_are_named_and_counted), cmocka_unit_test(test_limits_do_not_count_what_is_being_cancelled),
    cmocka_unit_test(test_losing_streak_halves_sizes), cmocka_unit_test(test_rate_budget), cmocka_unit_test(test_cash_cuts_sizes), cmocka_unit_test(test_cash_floor),
    cmocka_unit_test(test_reducing_passes_the_floor), cmocka_unit_test(test_fees_are_reserved), cmocka_unit_test(test_exit), cmocka_unit_test(test_exit_without_a_book), cmocka_unit_test(test_exit_after_quotes),
    cmocka_unit_test(test_cancel_all), cmocka_unit_test(test_capacity), cmocka_unit_test(test_construction),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
