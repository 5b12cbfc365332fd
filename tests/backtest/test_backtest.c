/* Replays small enough to work out by hand: who sees what when, what fills, and what the account says at the end. */
#include "backtest/rig.h"

static rig_t r;

#define BOTH(s) {s, 4800, 5200, QTY(10)}
static const rig_quote_t BID_AND_ASK[] = {BOTH(0)};
static const rig_quote_t BID[] = {{0, 4800, 0, QTY(10)}};

static void expect_fills(const char *want) {
  if (strcmp(rig_fills(&r), want) != 0) fail_msg("fills \"%s\", not \"%s\"", rig_fills(&r), want);
}

/* -- the queue -- */
/* Sellers take the bid at 0.48, of which a hundred stand before us. */
static void queue_stream(void) {
  rig_life(&r, 0, PMM_LIFE_OPEN);
  rig_book(&r, 1, 4800, 100, 5200, 100);
  rig_trade(&r, 2, PMM_ASK, 4800, 60, 0);
  rig_level(&r, 2, PMM_BID, 4800, 40, PMM_F_LAST);
  rig_trade(&r, 3, PMM_ASK, 4800, 45, 0);
  rig_level(&r, 3, PMM_BID, 4800, 0, PMM_F_LAST);
  rig_trade(&r, 4, PMM_ASK, 4700, 3, PMM_F_LAST); /* past us: we had priority */
  rig_trade(&r, 5, PMM_ASK, 4800, 2, PMM_F_LAST);
  rig_resolve(&r, 6, PMM_OUTCOME_YES);
}

static void test_queue(void **state) {
  (void)state;
  static const struct { const char *why; int32_t queue; bool through, whole; const char *fills; } rows[] = {
    {"back: the hundred first", PMM_QUEUE_BACK, true, false, "3.000 .4800x5 4.000 .4800x3 5.000 .4800x2"},
    {"front: at once, and again with each new order", PMM_QUEUE_FRONT, true, false, "2.000 .4800x10 3.000 .4800x10 4.000 .4800x3 5.000 .4800x2"},
    {"only prints at our price", PMM_QUEUE_BACK, false, false, "3.000 .4800x5 5.000 .4800x2"},
    {"whole or not at all", PMM_QUEUE_BACK, true, true, "3.000 .4800x10 4.000 .4800x10 5.000 .4800x10"},
  };
  for (size_t i = 0; i < COUNT_OF(rows); i++) {
    rig_open(&r, BID, 1);
    r.config.exchange.queue = rows[i].queue;
    r.config.exchange.through = rows[i].through;
    r.config.exchange.whole_fills = rows[i].whole;
    queue_stream();
    rig_run(&r);
    if (strcmp(rig_fills(&r), rows[i].fills) != 0) fail_msg("%s: %s", rows[i].why, rig_fills(&r));
    rig_close(&r);
  }
}

/* A hundred ahead, two hundred behind; sixty of them leave unexplained. */
static void test_queue_cancels(void **state) {
  (void)state;
  static const struct { int32_t queue; const char *fills; } rows[] = {
    {PMM_QUEUE_BACK, ""},
    {PMM_QUEUE_PROPORTIONAL, "4.000 .4800x10"}, /* 60 x 100/300 were ahead: eighty left, the print is of ninety */
    {PMM_QUEUE_POWER, "4.000 .4800x2"},         /* 60 x 100^2/(100^2 + 200^2) were: eighty-eight left */
  };
  for (size_t i = 0; i < COUNT_OF(rows); i++) {
    rig_open(&r, BID, 1);
    r.config.exchange.queue = rows[i].queue;
    rig_life(&r, 0, PMM_LIFE_OPEN);
    rig_book(&r, 1, 4800, 100, 5200, 100);
    rig_level(&r, 2, PMM_BID, 4800, 300, PMM_F_LAST);
    rig_level(&r, 3, PMM_BID, 4800, 240, PMM_F_LAST);
    rig_trade(&r, 4, PMM_ASK, 4800, 90, 0);
    rig_level(&r, 4, PMM_BID, 4800, 150, PMM_F_LAST);
    rig_resolve(&r, 6, PMM_OUTCOME_NO);
    rig_run(&r);
    expect_fills(rows[i].fills);
    rig_close(&r);
  }
}

/* -- the result -- */
static void test_result_figures(void **state) {
  (void)state;
  rig_open(&r, BID, 1);
  r.market[0].fees = (pmm_fee_schedule_t){.model = PMM_FEE_BPS, .maker_rate_e6 = 10000};
  queue_stream();
  rig_run(&r);
  pmm_result_t const *const x = &r.result;
  assert_int_equal(x->events, r.md_cnt);
  assert_int_equal(x->messages, 5);
  assert_int_equal(x->orders, 2); /* the second one after the first was filled */
  assert_int_equal(x->fills, 3);
  assert_int_equal(x->maker_fills, 3);
  assert_int_equal(x->trade_fills, 3);
  assert_int_equal(x->cancels, 0); /* what rests when the market closes runs out */
  assert_int_equal(x->bought_e6, QTY(10));
  assert_int_equal(x->sold_e6, 0);
  assert_int_equal(x->volume_e6, QTY(4.8));
  assert_int_equal(x->fees_e6, 48000); /* one per cent of the notional, rounded up fill by fill */
  assert_int_equal(x->pnl_total_e6, QTY(5.2) - 48000);
  assert_int_equal(x->pnl_realized_e6, QTY(5.2));
  assert_int_equal(x->pnl_unrealized_e6, 0);
  assert_int_equal(x->pnl_total_e6, x->pnl_spread_e6 + x->pnl_inventory_e6 - x->fees_e6 + x->rebates_e6);
  assert_int_equal(x->final_net_e6, QTY(10));
  assert_string_equal(x->fill_source, "trades");
  assert_true(fabs(x->fill_rate - 1.5) < 1e-12);
  assert_true(x->uptime == 0 && isnan(x->mean_spread)); /* never two-sided */
  assert_true(x->inventory_max == 10);
  assert_true(fabs(x->inventory_mean - (1 * 5 + 1 * 8 + 1 * 10) / 6.0) < 1e-9);
  assert_int_equal(x->market_cnt, 1);
  assert_string_equal(x->market[0].market, "M");
  assert_string_equal(x->market[0].strategy, "timetable0");
  assert_int_equal(x->market[0].outcome, PMM_OUTCOME_YES);
  assert_int_equal(x->market[0].pnl_e6, x->pnl_total_e6);
  assert_false(x->truncated || x->killed);
  rig_close(&r);
}

/* A run that ends before the market does: what is held counts at the last mid. */
static void test_unresolved(void **state) {
  (void)state;
  rig_open(&r, BID, 1);
  queue_stream();
  r.md_cnt -= 2;
  rig_level(&r, 6, PMM_ASK, 5200, 0, 0);
  rig_level(&r, 6, PMM_ASK, 5000, 1, 0);
  rig_level(&r, 6, PMM_BID, 4600, 1, PMM_F_LAST); /* the best bid below is gone: mid 0.48 */
  rig_run(&r);
  assert_int_equal(r.result.pnl_total_e6, QTY(10 * (0.48 - 0.48)));
  assert_int_equal(r.result.pnl_realized_e6, 0);
  assert_int_equal(r.result.market[0].outcome, PMM_OUTCOME_UNKNOWN);
  assert_int_equal(r.result.market[0].pnl_e6, r.result.pnl_total_e6);
  assert_int_equal(r.result.final_net_e6, QTY(10));
  rig_close(&r);
}

/* -- latency -- */
static void latency(double order_ms, double response_ms) {
  r.config.latency.order_ns = (int64_t)(order_ms * 1e6);
  r.config.latency.response_ns = (int64_t)(response_ms * 1e6);
  r.config.exchange.queue = PMM_QUEUE_FRONT;
}

static void test_order_latency(void **state) {
  (void)state;
  static const rig_quote_t plan[] = {{0, 4800, 0, QTY(10)}, {2, 4700, 0, QTY(10)}};
  rig_open(&r, plan, COUNT_OF(plan));
  latency(50, 30);
  rig_life(&r, 0, PMM_LIFE_OPEN);
  rig_book(&r, 1, 4800, 100, 5200, 100);
  rig_trade(&r, 1.049, PMM_ASK, 4800, 1, PMM_F_LAST); /* the order is not there yet */
  rig_trade(&r, 1.050, PMM_ASK, 4800, 1, PMM_F_LAST); /* at one instant the market comes first */
  rig_trade(&r, 1.051, PMM_ASK, 4800, 1, PMM_F_LAST);
  rig_level(&r, 2, PMM_BID, 4600, 5, PMM_F_LAST); /* now we want out of 0.48 */
  rig_trade(&r, 2.049, PMM_ASK, 4800, 1, PMM_F_LAST); /* but we are still there */
  rig_trade(&r, 2.050, PMM_ASK, 4800, 1, PMM_F_LAST);
  rig_trade(&r, 2.051, PMM_ASK, 4800, 1, PMM_F_LAST);
  rig_trade(&r, 2.052, PMM_ASK, 4700, 1, PMM_F_LAST);
  rig_resolve(&r, 6, PMM_OUTCOME_NO);
  rig_run(&r);
  expect_fills("1.051 .4800x1 2.049 .4800x1 2.050 .4800x1 2.052 .4700x1");
  for (size_t i = 0; i < r.event_cnt; i++) assert_int_equal(r.event[i].md.recv_ns - r.event[i].md.exch_ns, 30 * PMM_NS_PER_MS);
  assert_string_equal(rig_saw(&r, PMM_EV_ACK), "1.050 .4800x10 2.050 .4700x10");
  assert_string_equal(rig_saw(&r, PMM_EV_CANCELLED), "2.050 .4800x7");
  rig_close(&r);
}

/* Without latency an order stands before the next message, though it bears the same time. */
static void test_no_latency(void **state) {
  (void)state;
  rig_open(&r, BID, 1);
  r.config.exchange.queue = PMM_QUEUE_FRONT;
  rig_life(&r, 0, PMM_LIFE_OPEN);
  rig_book(&r, 1, 4800, 100, 5200, 100);
  rig_trade(&r, 1, PMM_ASK, 4800, 3, PMM_F_LAST);
  rig_run(&r);
  expect_fills("1.000 .4800x3");
  rig_close(&r);
}

/* Orders keep their order: a quick one does not overtake a slow one. */
static void test_random_latency_keeps_order(void **state) {
  (void)state;
  static rig_quote_t plan[200];
  for (size_t i = 0; i < COUNT_OF(plan); i++) plan[i] = (rig_quote_t){1 + 0.01 * (double)i, i % 2 ? 4700 : 4800, 0, QTY(10)};
  rig_open(&r, plan, COUNT_OF(plan));
  r.config.latency.model = PMM_LATENCY_NORMAL;
  r.config.latency.order_ns = r.config.latency.response_ns = 40 * PMM_NS_PER_MS;
  r.config.latency.std_ns = 30 * PMM_NS_PER_MS;
  rig_life(&r, 0, PMM_LIFE_OPEN);
  rig_book(&r, 1, 4800, 100, 5200, 100);
  for (size_t i = 1; i < COUNT_OF(plan); i++) rig_level(&r, plan[i].at_s, PMM_BID, 4600, (double)i, PMM_F_LAST);
  rig_run(&r);
  assert_true(r.result.orders > 100 && r.result.rejects == 0);
  int64_t last[2] = {0, 0};
  for (size_t i = 0; i < r.event_cnt; i++) {
    assert_true(r.event[i].md.exch_ns >= last[0] && r.event[i].md.recv_ns >= last[1]);
    last[0] = r.event[i].md.exch_ns;
    last[1] = r.event[i].md.recv_ns;
  }
  rig_close(&r);
}

/* -- one message is whole -- */
static void test_messages_are_whole(void **state) {
  (void)state;
  pmm_strategy_ops_t ops = rig_ops;
  ops.wake |= PMM_WAKE_FILL;
  rig_open(&r, BID, 1);
  r.config.strategy[0].ops = &ops;
  r.config.exchange.queue = PMM_QUEUE_FRONT;
  rig_life(&r, 0, PMM_LIFE_OPEN);
  rig_book(&r, 1, 4800, 100, 5200, 100);
  rig_trade(&r, 2, PMM_ASK, 4800, 3, 0); /* fills us; the book is complete two records later */
  rig_level(&r, 2, PMM_ASK, 5200, 0, 0);
  rig_level(&r, 2, PMM_ASK, 5000, 7, PMM_F_LAST);
  rig_run(&r);
  expect_fills("2.000 .4800x3");
  assert_int_equal(r.plan[0].calls, 3); /* on the book, on the fill, on the book */
  assert_true(r.plan[0].call_s[1] == 2 && r.plan[0].call_mid[1] == 0.49 && r.plan[0].call_mid[2] == 0.49);
  rig_close(&r);
}

/* -- timers run on time between records, and end with them -- */
static void test_timers(void **state) {
  (void)state;
  for (int feed = PMM_FEED_NONE; feed <= PMM_FEED_CONSTANT; feed++) {
    rig_open(&r, BID, 1);
    r.plan[0].refresh_ns = 0;
    r.config.latency.feed = feed;
    r.config.exec.pending_timeout_ns = 10 * PMM_NS_PER_S; /* the engine's own beat as well */
    r.plan[0].refresh_ns = 250 * PMM_NS_PER_MS;
    rig_life(&r, 0.5, PMM_LIFE_OPEN);
    rig_book(&r, 1, 4800, 100, 5200, 100);
    rig_level(&r, 2.1, PMM_BID, 4600, 1, PMM_F_LAST);
    rig_level(&r, 60.1, PMM_BID, 4600, 2, PMM_F_LAST);
    rig_run(&r);
    static const double want[] = {1, 1, 1.25, 1.5, 1.75, 2, 2.1, 2.25, 2.5};
    for (size_t i = 0; i < COUNT_OF(want); i++) assert_true(r.plan[0].call_s[i] == want[i]);
    assert_int_equal(r.plan[0].calls, 3 + (60 - 1) * 4 + 1);
    rig_close(&r);
  }
}

/* A decision held back by min_requote comes when its time is up, not with the next record. */
static void test_min_requote(void **state) {
  (void)state;
  rig_open(&r, BID, 1);
  r.config.engine.min_requote_ns = 100 * PMM_NS_PER_MS;
  rig_life(&r, 0, PMM_LIFE_OPEN);
  rig_book(&r, 1, 4800, 100, 5200, 100);
  rig_level(&r, 1.02, PMM_BID, 4600, 1, PMM_F_LAST);
  rig_level(&r, 1.03, PMM_BID, 4600, 2, PMM_F_LAST);
  rig_level(&r, 5, PMM_BID, 4600, 3, PMM_F_LAST);
  rig_run(&r);
  static const double want[] = {1, 1.1, 5};
  assert_int_equal(r.plan[0].calls, COUNT_OF(want));
  for (size_t i = 0; i < COUNT_OF(want); i++) assert_true(r.plan[0].call_s[i] == want[i]);
  rig_close(&r);
}

/* -- feed latency -- */
/* Everything reaches us twenty milliseconds after it happened. */
static void delay_feed(size_t from) {
  for (size_t i = from; i < r.md_cnt; i++) r.md[i].exch_ns = r.md[i].recv_ns - 20 * PMM_NS_PER_MS;
}

static void test_feed_latency(void **state) {
  (void)state;
  static const struct { int32_t feed; int64_t delay_ms; const char *fills; } rows[] = {
    {PMM_FEED_NONE, 0, "1.025 .4800x1 1.031 .4800x1"},  /* the market as the recorder saw it */
    {PMM_FEED_RECORDED, 0, "1.011 .4800x1"},            /* the first print was over before our order came */
    {PMM_FEED_CONSTANT, 20, "1.011 .4800x1"},
    {PMM_FEED_CONSTANT, 0, "1.025 .4800x1 1.031 .4800x1"},
  };
  for (size_t i = 0; i < COUNT_OF(rows); i++) {
    rig_open(&r, BID, 1);
    latency(10, 7);
    r.config.latency.feed = rows[i].feed;
    r.config.latency.feed_ns = rows[i].delay_ms * PMM_NS_PER_MS;
    rig_life(&r, 0, PMM_LIFE_OPEN);
    rig_book(&r, 1, 4800, 100, 5200, 100);
    rig_trade(&r, 1.025, PMM_ASK, 4800, 1, PMM_F_LAST);
    rig_trade(&r, 1.031, PMM_ASK, 4800, 1, PMM_F_LAST);
    rig_resolve(&r, 2, PMM_OUTCOME_NO);
    delay_feed(1);
    rig_run(&r);
    expect_fills(rows[i].fills);
    assert_string_equal(rig_saw(&r, PMM_EV_ACK), "1.010 .4800x10");
    for (size_t k = 0; k < r.event_cnt; k++) assert_int_equal(r.event[k].md.recv_ns - r.event[k].md.exch_ns, 7 * PMM_NS_PER_MS);
    assert_int_equal(r.result.market[0].outcome, PMM_OUTCOME_NO);
    rig_close(&r);
  }
}

/* Exchange times that lie: after our own, backwards, or missing. The exchange never learns later than we do, nor out of order. */
static void test_feed_times_that_lie(void **state) {
  (void)state;
  rig_open(&r, BID, 1);
  latency(10, 0);
  r.config.latency.feed = PMM_FEED_RECORDED;
  rig_life(&r, 0, PMM_LIFE_OPEN);
  rig_book(&r, 1, 4800, 100, 5200, 100);
  rig_trade(&r, 1.5, PMM_ASK, 4800, 1, PMM_F_LAST)->exch_ns = rig_ns(9);
  rig_trade(&r, 1.6, PMM_ASK, 4800, 2, PMM_F_LAST)->exch_ns = rig_ns(1.55);
  rig_trade(&r, 1.7, PMM_ASK, 4800, 3, PMM_F_LAST)->exch_ns = rig_ns(1.2);
  rig_trade(&r, 1.8, PMM_ASK, 4800, 4, PMM_F_LAST);
  rig_run(&r);
  expect_fills("1.500 .4800x1 1.550 .4800x2 1.550 .4800x3 1.800 .4800x4");
  rig_close(&r);
}

/* The exchange halts and closes by its own clock: an order on its way is refused though we think the market open. */
static void test_feed_life(void **state) {
  (void)state;
  static const rig_quote_t plan[] = {{0, 4800, 0, QTY(10)}, {2, 4700, 0, QTY(10)}};
  rig_open(&r, plan, COUNT_OF(plan));
  latency(10, 0);
  r.config.latency.feed = PMM_FEED_CONSTANT;
  r.config.latency.feed_ns = 50 * PMM_NS_PER_MS;
  rig_life(&r, 0, PMM_LIFE_OPEN);
  rig_book(&r, 1, 4800, 100, 5200, 100);
  rig_level(&r, 2, PMM_BID, 4600, 5, PMM_F_LAST); /* we move at 2.000, there at 2.010 */
  rig_resolve(&r, 2.04, PMM_OUTCOME_YES);         /* closed there at 1.990 */
  rig_run(&r);
  assert_string_equal(rig_saw(&r, PMM_EV_EXPIRED), "1.990 .4800x10");
  assert_string_equal(rig_saw(&r, PMM_EV_REJECT), "2.010 .4700x10");
  assert_int_equal(r.result.rejects, 1);
  rig_close(&r);
}

/* -- crossing books -- */
static void test_cross_fill(void **state) {
  (void)state;
  static const struct { int32_t cross; uint32_t data; bool footprint; const char *fills; } rows[] = {
    {PMM_CROSSFILL_AUTO, PMM_DATA_DEPTH, true, "2.000 .4800x4 4.000 .4800x6"},
    {PMM_CROSSFILL_AUTO, PMM_DATA_DEPTH | PMM_DATA_TRADES, true, ""},
    {PMM_CROSSFILL_AUTO, PMM_DATA_DEPTH | PMM_DATA_INFERRED, true, ""},
    {PMM_CROSSFILL_ALWAYS, PMM_DATA_DEPTH | PMM_DATA_TRADES, true, "2.000 .4800x4 4.000 .4800x6"},
    {PMM_CROSSFILL_ALWAYS, PMM_DATA_DEPTH, false, "2.000 .4800x4 3.000 .4800x4 4.000 .4800x2"},
    {PMM_CROSSFILL_NEVER, PMM_DATA_DEPTH, true, ""},
  };
  for (size_t i = 0; i < COUNT_OF(rows); i++) {
    static const rig_quote_t plan[] = {{0, 4800, 0, QTY(10)}, {1.5, 4800, 0, QTY(10)}};
    rig_open(&r, plan, 1);
    r.market[0].data = rows[i].data;
    r.config.exchange.cross_fill = rows[i].cross;
    r.config.exchange.footprint = rows[i].footprint;
    r.config.exec.on_cross = PMM_CROSS_SKIP;
    r.config.engine.min_requote_ns = 30 * PMM_NS_PER_S; /* one order, whatever comes */
    rig_life(&r, 0, PMM_LIFE_OPEN);
    rig_book(&r, 1, 4800, 100, 5200, 100);
    rig_level(&r, 2, PMM_BID, 4800, 0, 0);
    rig_level(&r, 2, PMM_ASK, 4800, 4, PMM_F_LAST);
    rig_add(&r, 3, (pmm_md_t){.kind = PMM_MD_MARK, .flags = PMM_F_LAST}); /* the same book again */
    rig_level(&r, 4, PMM_ASK, 4800, 7, PMM_F_LAST);
    rig_resolve(&r, 5, PMM_OUTCOME_VOID);
    rig_run(&r);
    if (strcmp(rig_fills(&r), rows[i].fills) != 0) fail_msg("row %zu: %s", i, rig_fills(&r));
    if (r.result.fills) assert_string_equal(r.result.fill_source, "book crossings");
    assert_int_equal(r.result.cross_fills, r.result.fills);
    rig_close(&r);
  }
}

/* -- takers -- */
static pmm_status_t get_out(void *state, const pmm_view_t *view, pmm_quotes_t *out) {
  pmm_status_t const st = rig_view(state, view, out);
  int64_t const net = pmm_position_net(&view->position);
  if (view->now_ns < rig_ns(3) || net == 0) return st;
  out->action = PMM_QUOTE_EXIT;
  out->exit_side = PMM_ASK;
  out->exit_qty_e6 = net;
  return PMM_OK;
}

static void test_exit_takes(void **state) {
  (void)state;
  static const rig_quote_t plan[] = {{0, 4800, 0, QTY(10)}, {2.5, 0, 0, 0}};
  pmm_strategy_ops_t ops = rig_ops;
  ops.on_view = get_out;
  rig_open(&r, plan, COUNT_OF(plan));
  r.config.strategy[0].ops = &ops;
  r.config.exchange.queue = PMM_QUEUE_FRONT;
  rig_life(&r, 0, PMM_LIFE_OPEN);
  rig_book(&r, 1, 4800, 6, 5200, 100);
  rig_level(&r, 1, PMM_BID, 4700, 3, PMM_F_LAST);
  rig_trade(&r, 2, PMM_ASK, 4800, 10, PMM_F_LAST);
  rig_level(&r, 3, PMM_ASK, 5200, 90, PMM_F_LAST); /* sells ten: six at 0.48, three at 0.47; one finds nobody */
  rig_level(&r, 4, PMM_BID, 4600, 5, PMM_F_LAST);
  rig_resolve(&r, 5, PMM_OUTCOME_YES);
  rig_run(&r);
  expect_fills("2.000 .4800x10 3.000 .4800x6 3.000 .4700x3 4.000 .4600x1");
  assert_int_equal(r.result.taker_fills, 3);
  assert_int_equal(r.result.trade_fills, 1);
  assert_int_equal(r.result.final_net_e6, 0);
  assert_int_equal(r.result.pnl_total_e6, QTY(-10 * 0.48 + 6 * 0.48 + 3 * 0.47 + 0.46));
  rig_close(&r);
}

/* -- what is on its way when the data ends still arrives -- */
static void test_drain(void **state) {
  (void)state;
  rig_open(&r, BID, 1);
  latency(50, 5000);
  rig_life(&r, 0, PMM_LIFE_OPEN);
  rig_book(&r, 1, 4800, 100, 5200, 100);
  rig_trade(&r, 1.2, PMM_ASK, 4800, 1, PMM_F_LAST);
  rig_run(&r);
  expect_fills("1.200 .4800x1");
  assert_int_equal(r.result.bought_e6, QTY(1));
  rig_close(&r);
}

/* -- the two books of the account -- */
static void one_cent_of_a_cent(pmm_event_t *ev) {
  if (ev->md.kind == PMM_EV_FILL) ev->amount_e6++;
}
static void one_hundredth(pmm_event_t *ev) {
  if (ev->md.kind == PMM_EV_FILL) ev->md.qty_e6 += QTY(0.01);
}

static void test_difference_is_found(void **state) {
  (void)state;
  static const struct { void (*meddle)(pmm_event_t *); const char *says; } rows[] = {
    {one_cent_of_a_cent, "micro-dollars of cash"}, {one_hundredth, "the ledger holds net"}};
  for (size_t i = 0; i < COUNT_OF(rows); i++) {
    rig_open(&r, BID, 1);
    r.meddle = rows[i].meddle;
    queue_stream();
    r.md_cnt -= 2;
    assert_int_equal(rig_try(&r), PMM_CORRUPT);
    assert_non_null(strstr(r.err.text, rows[i].says));
    rig_close(&r);
  }
}

/* -- markets and strategies -- */
static void two_markets(const char *only) {
  rig_open(&r, BID_AND_ASK, 1);
  rig_market(&r, "N", PMM_DATA_DEPTH | PMM_DATA_TRADES);
  snprintf(r.config.market.only, sizeof r.config.market.only, "%s", only);
  r.config.exchange.queue = PMM_QUEUE_FRONT;
  for (uint32_t m = 0; m < 2; m++) {
    size_t const from = r.md_cnt;
    rig_life(&r, 1 + m, PMM_LIFE_OPEN);
    rig_book(&r, 1 + m, 4800, 100, 5200, 100);
    rig_trade(&r, 1.5 + m, m ? PMM_BID : PMM_ASK, m ? 5200 : 4800, 4, PMM_F_LAST);
    for (size_t i = from; i < r.md_cnt; i++) r.md[i].market = m;
  }
}

static void test_only_some_markets(void **state) {
  (void)state;
  two_markets("");
  rig_run(&r);
  expect_fills("1.500 .4800x4 2.500 .5200x4");
  assert_int_equal(r.result.market_cnt, 2);
  assert_int_equal(r.result.messages, 4);
  assert_int_equal(r.result.market[0].bought_e6, QTY(4));
  assert_int_equal(r.result.market[1].sold_e6, QTY(4));
  rig_close(&r);
  two_markets("N*");
  rig_run(&r);
  expect_fills("2.500 .5200x4");
  assert_int_equal(r.result.market_cnt, 1);
  assert_string_equal(r.result.market[0].market, "N");
  rig_close(&r);
  two_markets("X*");
  assert_int_equal(rig_try(&r), PMM_NOT_FOUND);
  assert_non_null(strstr(r.err.text, "no strategy matches any of the 2 markets"));
  rig_close(&r);
}

static void test_two_strategies(void **state) {
  (void)state;
  two_markets("");
  rig_strategy(&r, 1, "N", BID, 1);
  rig_run(&r);
  assert_int_equal(r.result.market_cnt, 3);
  assert_string_equal(r.result.market[2].strategy, "timetable1");
  assert_string_equal(r.result.market[2].market, "N");
  assert_int_equal(r.result.messages, 4); /* of markets, not of strategies */
  rig_close(&r);
}

/* Two strategies of one account on opposite sides of one market: the venue knows one position, each has its own. */
static void test_opposite_strategies(void **state) {
  (void)state;
  static const rig_quote_t buys[] = {{0, 4800, 0, QTY(10)}, {3, 0, 5200, QTY(10)}}, sells[] = {{0, 0, 5200, QTY(10)}, {3, 4800, 0, QTY(10)}};
  rig_open(&r, buys, 2);
  rig_strategy(&r, 1, "*", sells, 2);
  r.config.exchange.queue = PMM_QUEUE_FRONT;
  rig_life(&r, 0, PMM_LIFE_OPEN);
  rig_book(&r, 1, 4800, 100, 5200, 100);
  rig_trade(&r, 2, PMM_ASK, 4800, 10, PMM_F_LAST);
  rig_trade(&r, 2, PMM_BID, 5200, 10, PMM_F_LAST);
  rig_level(&r, 3, PMM_BID, 4600, 1, PMM_F_LAST); /* both turn round: one sells its YES, one its NO */
  rig_trade(&r, 4, PMM_BID, 5200, 10, PMM_F_LAST);
  rig_trade(&r, 4, PMM_ASK, 4800, 10, PMM_F_LAST);
  rig_resolve(&r, 5, PMM_OUTCOME_YES);
  rig_run(&r);
  assert_int_equal(r.result.rejects, 0);
  expect_fills("2.000 .4800x10 2.000 .5200x10 4.000 .5200x10 4.000 .4800x10");
  assert_int_equal(r.result.pnl_total_e6, QTY(20 * 0.04));
  rig_close(&r);
}

/* A venue that does not net: YES and NO of one account are held side by side and sold one by one. */
static void test_pairs_kept(void **state) {
  (void)state;
  static const rig_quote_t plan[] = {{0, 4800, 5200, QTY(10)}, {3, 4700, 0, QTY(10)}, {5, 0, 5300, QTY(10)}};
  rig_open(&r, plan, COUNT_OF(plan));
  r.config.account.net_pairs = 2; /* never */
  r.config.exchange.queue = PMM_QUEUE_FRONT;
  r.config.latency.response_ns = 20 * PMM_NS_PER_MS;
  rig_life(&r, 0, PMM_LIFE_OPEN);
  rig_book(&r, 1, 4800, 100, 5200, 100);
  rig_trade(&r, 2, PMM_ASK, 4800, 10, PMM_F_LAST);
  rig_trade(&r, 2, PMM_BID, 5200, 10, PMM_F_LAST); /* ten YES and ten NO */
  rig_level(&r, 3, PMM_BID, 4600, 1, PMM_F_LAST);  /* a bid of 0.47 sells NO */
  rig_trade(&r, 4, PMM_ASK, 4700, 4, PMM_F_LAST);
  rig_level(&r, 5, PMM_BID, 4600, 2, PMM_F_LAST); /* an ask of 0.53 sells YES */
  rig_trade(&r, 6, PMM_BID, 5300, 3, PMM_F_LAST);
  rig_resolve(&r, 7, PMM_OUTCOME_YES);
  rig_run(&r);
  expect_fills("2.000 .4800x10 2.000 .5200x10 4.000 .4700x4 6.000 .5300x3");
  assert_int_equal(r.result.rejects, 0);
  assert_int_equal(r.result.final_net_e6, QTY(1));
  assert_int_equal(r.result.pnl_total_e6, QTY(10 * 0.04 - 4 * 0.47 + 3 * 0.53 + 1));
  rig_close(&r);
}

/* -- overrides and other inputs -- */
static void test_fee_overrides(void **state) {
  (void)state;
  static const struct { int32_t fees; double maker_rate; int64_t want_e6; } rows[] = {
    {0, -1, 0}, {1, -1, 0}, {3, -1, 43700}, {0, 0.01, 0}, {5, 0.01, 48000}}; /* Kalshi maker: 0.0175 C P (1-P), each fill up to 1e-4 */
  for (size_t i = 0; i < COUNT_OF(rows); i++) {
    rig_open(&r, BID, 1);
    r.config.market.fees = rows[i].fees;
    r.config.market.maker_rate = rows[i].maker_rate;
    r.config.market.taker_rate = i ? 0.02 : -1;
    queue_stream();
    rig_run(&r);
    if (r.result.fees_e6 != rows[i].want_e6) fail_msg("fees %d: %lld", rows[i].fees, (long long)r.result.fees_e6);
    rig_close(&r);
  }
  rig_open(&r, BID, 1); /* lot and smallest order likewise */
  r.config.market.lot_e6 = r.config.market.min_size_e6 = QTY(20);
  queue_stream();
  rig_run(&r);
  assert_int_equal(r.result.orders, 0);
  rig_close(&r);
  rig_open(&r, BID, 1);
  r.config.market.min_size_e6 = 15001; /* not a multiple of the lot */
  queue_stream();
  assert_int_equal(rig_try(&r), PMM_INVAL);
  assert_non_null(strstr(r.err.text, "min_size"));
  rig_close(&r);
}

static void write_text(const char *path, const char *text) {
  FILE *const f = fopen(path, "w");
  assert_non_null(f);
  fputs(text, f);
  assert_int_equal(fclose(f), 0);
}

static void test_latency_samples(void **state) {
  (void)state;
  const char *const path = rig_path("samples");
  static const struct { const char *text; pmm_status_t want; const char *says; } rows[] = {
    {"15000000\n\n15000000\r\n", PMM_OK, NULL},
    {"15000000", PMM_OK, NULL},
    {"", PMM_INVAL, "empty"},
    {"15000000\n-1\n", PMM_INVAL, ":2: not a latency in nanoseconds: -1"},
    {"1.5\n", PMM_INVAL, ":1: not a latency in nanoseconds: 1.5"},
    {"soon\n", PMM_PARSE, ":1: not a latency in nanoseconds: soon"},
    {"99999999999999999999999\n", PMM_OVERFLOW, ":1: not a latency"},
  };
  for (size_t i = 0; i < COUNT_OF(rows); i++) {
    write_text(path, rows[i].text);
    rig_open(&r, BID, 1);
    r.config.latency.model = PMM_LATENCY_RECORDED;
    snprintf(r.config.latency.samples, sizeof r.config.latency.samples, "%s", path);
    r.config.exchange.queue = PMM_QUEUE_FRONT;
    rig_life(&r, 0, PMM_LIFE_OPEN);
    rig_book(&r, 1, 4800, 100, 5200, 100);
    rig_trade(&r, 1.2, PMM_ASK, 4800, 1, PMM_F_LAST);
    assert_int_equal(rig_try(&r), rows[i].want);
    if (rows[i].says) assert_non_null(strstr(r.err.text, rows[i].says));
    else for (size_t k = 0; k < r.event_cnt; k++) assert_int_equal(r.event[k].md.recv_ns - r.event[k].md.exch_ns, 15 * PMM_NS_PER_MS);
    rig_close(&r);
  }
  unlink(path);
  rig_open(&r, BID, 1);
  r.config.latency.model = PMM_LATENCY_RECORDED;
  snprintf(r.config.latency.samples, sizeof r.config.latency.samples, "%s", path);
  queue_stream();
  assert_int_equal(rig_try(&r), PMM_IO);
  assert_non_null(strstr(r.err.text, path));
  rig_close(&r);
}

/* Each way has delays of its own: every one that happens is one that was recorded, and all of them happen. */
static void test_latency_of_each_way(void **state) {
  (void)state;
  char order[200], response[200];
  snprintf(order, sizeof order, "%.199s", rig_path("order"));
  snprintf(response, sizeof response, "%.199s", rig_path("response"));
  write_text(order, "15000000\n");
  write_text(response, "40000000\n70000000\n");
  static rig_quote_t moves[60];
  for (size_t i = 0; i < COUNT_OF(moves); i++) moves[i] = (rig_quote_t){(double)i, 4700 + 100 * (int32_t)(i % 2), 0, QTY(1)};
  rig_open(&r, moves, COUNT_OF(moves));
  r.config.latency.model = PMM_LATENCY_RECORDED;
  snprintf(r.config.latency.samples, sizeof r.config.latency.samples, "%s", order);
  snprintf(r.config.latency.response_samples, sizeof r.config.latency.response_samples, "%s", response);
  rig_life(&r, 0, PMM_LIFE_OPEN);
  for (int t = 1; t < 60; t++) rig_book(&r, t, 4900, 100 + t, 5200, 100);
  rig_run(&r);
  int seen[2] = {0, 0};
  for (size_t k = 0; k < r.event_cnt; k++) {
    int64_t const back = r.event[k].md.recv_ns - r.event[k].md.exch_ns;
    assert_int_equal((r.event[k].md.exch_ns - rig_ns(0)) % PMM_NS_PER_S, 15 * PMM_NS_PER_MS);
    assert_true(back == 40 * PMM_NS_PER_MS || back == 70 * PMM_NS_PER_MS);
    seen[back == 70 * PMM_NS_PER_MS]++;
  }
  assert_true(seen[0] > 10 && seen[1] > 10);
  rig_close(&r);
  unlink(response);
  assert_int_equal(rig_try(&r), PMM_IO);
  assert_non_null(strstr(r.err.text, "latency.response_samples"));
  rig_close(&r);
  unlink(order);
}

/* Without a file the tape's own receive minus exchange times are drawn from. */
static void test_latency_of_the_tape(void **state) {
  (void)state;
  rig_open(&r, BID, 1);
  r.config.latency.model = PMM_LATENCY_RECORDED;
  rig_life(&r, 0, PMM_LIFE_OPEN);
  rig_book(&r, 1, 4800, 100, 5200, 100);
  assert_int_equal(rig_try(&r), PMM_INVAL);
  assert_non_null(strstr(r.err.text, "latency.samples"));
  rig_close(&r);
  for (size_t i = 0; i < r.md_cnt; i++) r.md[i].exch_ns = r.md[i].recv_ns - (i % 2 ? 3 : 8) * PMM_NS_PER_MS;
  rig_run(&r);
  assert_int_equal(r.event_cnt, 1);
  int64_t const took = r.event[0].md.exch_ns - rig_ns(1);
  assert_true(took == 3 * PMM_NS_PER_MS || took == 8 * PMM_NS_PER_MS);
  rig_close(&r);
}

static void count_progress(void *ctx, uint64_t done, uint64_t total) {
  (void)done;
  assert_int_equal(total, r.md_cnt);
  (*(int *)ctx)++;
}

static void test_replay_only(void **state) {
  (void)state;
  int calls = 0;
  rig_open(&r, BID, 1);
  queue_stream();
  pmm_backtest_opts_t opts = rig_opts(&r);
  opts.replay_only = true;
  opts.progress = count_progress;
  opts.ctx = &calls;
  assert_int_equal(pmm_backtest_run(&r.config, &opts, &r.result, &r.err), PMM_OK);
  assert_int_equal(r.result.events, r.md_cnt);
  assert_int_equal(r.result.orders + r.result.market_cnt, 0);
  assert_int_equal(calls, 1);
  rig_close(&r);
}

static void test_no_cash(void **state) {
  (void)state;
  rig_open(&r, BID_AND_ASK, 1);
  r.config.account.cash_e6 = QTY(1);
  queue_stream();
  rig_run(&r);
  assert_true(r.result.orders > 0); /* cut to what a dollar buys */
  assert_true(r.result.bought_e6 <= QTY(2.08));
  rig_close(&r);
  r.config.account.cash_e6 = 0;
  rig_run(&r);
  assert_int_equal(r.result.orders, 0);
  rig_close(&r);
}

int main(void) {
  const struct CMUnitTest tests[] = {
    cmocka_unit_test(test_queue), cmocka_unit_test(test_queue_cancels), cmocka_unit_test(test_result_figures), cmocka_unit_test(test_unresolved),
    cmocka_unit_test(test_order_latency), cmocka_unit_test(test_no_latency), cmocka_unit_test(test_random_latency_keeps_order),
    cmocka_unit_test(test_messages_are_whole), cmocka_unit_test(test_timers), cmocka_unit_test(test_min_requote), cmocka_unit_test(test_feed_latency),
    cmocka_unit_test(test_feed_times_that_lie), cmocka_unit_test(test_feed_life), cmocka_unit_test(test_cross_fill), cmocka_unit_test(test_exit_takes),
    cmocka_unit_test(test_drain), cmocka_unit_test(test_difference_is_found), cmocka_unit_test(test_only_some_markets), cmocka_unit_test(test_two_strategies),
    cmocka_unit_test(test_opposite_strategies), cmocka_unit_test(test_pairs_kept), cmocka_unit_test(test_fee_overrides), cmocka_unit_test(test_latency_samples), cmocka_unit_test(test_latency_of_each_way),
    cmocka_unit_test(test_latency_of_the_tape), cmocka_unit_test(test_replay_only), cmocka_unit_test(test_no_cash),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
