/* What the venue says, one story at a time. */
#include "exec/world.h"

#define FIRST_ID ((UINT64_C(7) << 32) + 1)

static void one_bid(world_t *w, const world_options_t *o, bool acknowledged) {
  world_init(w, o);
  world_want(w, "b.5000x10");
  world_quote(w, 0);
  assert_int_equal(w->action[0].order_id, FIRST_ID);
  if (acknowledged) world_answer(w);
}

static pmm_status_t say(world_t *w, pmm_kind_t kind, int64_t qty_e6, int64_t amount_e6, int aux) {
  pmm_event_t ev = ev_order(kind, FIRST_ID);
  ev.md.qty_e6 = qty_e6;
  ev.md.aux = (uint8_t)aux;
  ev.amount_e6 = amount_e6;
  pmm_status_t const st = world_event(w, ev);
  world_is_sound(w);
  return st;
}

/* What one event does to a resting order for 10. */
static void test_single_events(void **state) {
  (void)state;
  static const struct { const char *why; bool acknowledged; pmm_kind_t kind; double qty, amount; int aux; pmm_status_t want; int state; double reserved; } rows[] = {
    {"acknowledged", false, PMM_EV_ACK, 10, 0, 0, PMM_OK, PMM_ORDER_LIVE, 5},
    {"acknowledged twice", true, PMM_EV_ACK, 10, 0, 0, PMM_STATE, PMM_ORDER_LIVE, 5},
    {"refused", false, PMM_EV_REJECT, 0, 0, PMM_REJECT_POST_ONLY, PMM_OK, PMM_ORDER_REJECTED, 0},
    {"refused after it rested", true, PMM_EV_REJECT, 0, 0, PMM_REJECT_POST_ONLY, PMM_STATE, PMM_ORDER_LIVE, 5},
    {"refused as a repetition: the first may rest", false, PMM_EV_REJECT, 0, 0, PMM_REJECT_DUPLICATE, PMM_OK, PMM_ORDER_UNKNOWN, 5},
    {"cancelled", true, PMM_EV_CANCELLED, 10, 0, 0, PMM_OK, PMM_ORDER_CANCELLED, 0},
    {"cancelled, rest not told", true, PMM_EV_CANCELLED, 0, 0, 0, PMM_OK, PMM_ORDER_CANCELLED, 0},
    {"cancelled with fills under way", true, PMM_EV_CANCELLED, 7, 0, 0, PMM_OK, PMM_ORDER_UNKNOWN, 1.5},
    {"expired", true, PMM_EV_EXPIRED, 10, 0, 0, PMM_OK, PMM_ORDER_EXPIRED, 0},
    {"expired with fills under way", true, PMM_EV_EXPIRED, 4, 0, 0, PMM_OK, PMM_ORDER_UNKNOWN, 3},
    {"a cancel refused that nobody sent", true, PMM_EV_CANCEL_REJECT, 0, 0, 0, PMM_STATE, PMM_ORDER_LIVE, 5},
    {"amended", true, PMM_EV_AMENDED, 6, 0, 0, PMM_OK, PMM_ORDER_LIVE, 3},
    {"amended to more: we never asked for that", true, PMM_EV_AMENDED, 16, 0, 0, PMM_OK, PMM_ORDER_LIVE, 5},
    {"amended to nothing", true, PMM_EV_AMENDED, 0, 0, 0, PMM_OK, PMM_ORDER_CANCELLED, 0},
    {"amended after a fill we have not seen", true, PMM_EV_AMENDED, 6, 2, 0, PMM_OK, PMM_ORDER_LIVE, 4},
    {"amended to less than nothing", true, PMM_EV_AMENDED, -1, 0, 0, PMM_STATE, PMM_ORDER_LIVE, 5},
    {"lost", true, PMM_EV_LOST, 0, 0, 0, PMM_OK, PMM_ORDER_UNKNOWN, 5},
    {"found", true, PMM_EV_ORDER_STATE, 10, 0, 0, PMM_OK, PMM_ORDER_LIVE, 5},
    {"found smaller", true, PMM_EV_ORDER_STATE, 4, 2, 0, PMM_OK, PMM_ORDER_LIVE, 3},
    {"gone", true, PMM_EV_ORDER_STATE, 0, 0, 0, PMM_OK, PMM_ORDER_CANCELLED, 0},
    {"gone with fills under way", true, PMM_EV_ORDER_STATE, 0, 3, 0, PMM_OK, PMM_ORDER_UNKNOWN, 1.5},
    {"a state that makes no sense", true, PMM_EV_ORDER_STATE, -1, 0, 0, PMM_STATE, PMM_ORDER_LIVE, 5},
    {"not an event of orders", true, PMM_EV_TIMER, 0, 0, 0, PMM_INVAL, PMM_ORDER_LIVE, 5},
  };
  for (size_t i = 0; i < COUNT_OF(rows); i++) {
    world_t w;
    world_options_t const o = world_options();
    one_bid(&w, &o, rows[i].acknowledged);
    pmm_status_t const st = say(&w, rows[i].kind, (int64_t)(rows[i].qty * 1e6), QTY(rows[i].amount), rows[i].aux);
    if (st != rows[i].want || w.fx.order.state != rows[i].state) fail_msg("%s: %s", rows[i].why, pmm_order_state_to_string((pmm_order_state_t)w.fx.order.state));
    if (pmm_ledger_reserved(w.ledger) != QTY(rows[i].reserved)) fail_msg("%s: reserves %lld", rows[i].why, (long long)pmm_ledger_reserved(w.ledger));
    assert_true(w.fx.known);
    assert_int_equal(w.fx.terminal, pmm_order_is_terminal((pmm_order_state_t)rows[i].state));
    assert_int_equal(pmm_exec_open_cnt(w.exec, 0), !w.fx.terminal);
  }
}

static void test_fills_after_the_last_word(void **state) {
  (void)state;
  world_t w;
  world_options_t const o = world_options();
  one_bid(&w, &o, true);
  assert_int_equal(say(&w, PMM_EV_CANCELLED, QTY(7), 0, 0), PMM_OK);
  assert_int_equal(say(&w, PMM_EV_CANCELLED, QTY(7), 0, 0), PMM_STATE); /* a copy takes nothing more away */
  assert_int_equal(say(&w, PMM_EV_ACK, 0, 0, 0), PMM_STATE);
  assert_int_equal(say(&w, PMM_EV_AMENDED, QTY(2), 0, 0), PMM_STATE);
  assert_int_equal(say(&w, PMM_EV_ORDER_STATE, QTY(7), 0, 0), PMM_STATE); /* given before the cancel */
  world_quote(&w, 0);
  assert_string_equal(world_actions(&w), "+b.5000x10"); /* what is closed does not stand in the way of a new one */
  world_fill(&w, FIRST_ID, QTY(1));
  assert_int_equal(w.fx.order.state, PMM_ORDER_UNKNOWN);
  assert_int_equal(pmm_ledger_reserved(w.ledger), QTY(6));
  world_fill(&w, FIRST_ID, QTY(2));
  assert_true(w.fx.terminal);
  assert_int_equal(w.fx.order.state, PMM_ORDER_CANCELLED);
  assert_int_equal(world_position(&w, 0).yes_e6, QTY(3));
  world_is_sound(&w);
}

static void test_reconciliation_ends_the_wait(void **state) {
  (void)state;
  world_t w;
  world_options_t const o = world_options();
  one_bid(&w, &o, true);
  assert_int_equal(say(&w, PMM_EV_CANCELLED, QTY(7), 0, 0), PMM_OK);
  assert_int_equal(say(&w, PMM_EV_ORDER_STATE, 0, 0, 0), PMM_OK); /* there never was a fill */
  assert_true(w.fx.terminal);
  one_bid(&w, &o, true);
  world_fill(&w, FIRST_ID, QTY(3));
  assert_int_equal(say(&w, PMM_EV_LOST, 0, 0, 0), PMM_OK);
  assert_int_equal(say(&w, PMM_EV_ORDER_STATE, QTY(10), 0, 0), PMM_STATE); /* knows of fewer fills than we do */
  assert_int_equal(say(&w, PMM_EV_ORDER_STATE, QTY(7), QTY(3), 0), PMM_OK);
  assert_int_equal(w.fx.order.state, PMM_ORDER_PARTLY_FILLED);
}

static void test_fill_overtakes_everything(void **state) {
  (void)state;
  world_t w;
  world_options_t const o = world_options();
  one_bid(&w, &o, false);
  world_fill(&w, FIRST_ID, QTY(4));
  assert_int_equal(w.fx.order.state, PMM_ORDER_PARTLY_FILLED);
  assert_true(w.fx.is_fill && w.fx.maker);
  assert_int_equal(w.fx.fill_qty_e6, QTY(4));
  assert_int_equal(say(&w, PMM_EV_ACK, QTY(10), 0, 0), PMM_STATE);
  assert_int_equal(pmm_exec_stats(w.exec, 0)->late, 1);
  world_want(&w, "");
  world_quote(&w, 0);
  world_fill(&w, FIRST_ID, QTY(5)); /* crosses the cancel */
  assert_int_equal(w.fx.order.state, PMM_ORDER_PENDING_CANCEL);
  assert_int_equal(say(&w, PMM_EV_CANCEL_REJECT, 0, 0, 0), PMM_OK);
  assert_int_equal(w.fx.order.state, PMM_ORDER_UNKNOWN);
  world_fill(&w, FIRST_ID, QTY(2)); /* one more than we thought: still a fact */
  assert_int_equal(w.fx.order.state, PMM_ORDER_FILLED);
  assert_int_equal(world_position(&w, 0).yes_e6, QTY(11));
  world_is_sound(&w);
}

static void test_duplicates_and_strangers(void **state) {
  (void)state;
  world_t w;
  world_options_t const o = world_options();
  one_bid(&w, &o, true);
  pmm_event_t const fill = ev_fill(FIRST_ID, 77, 5000, QTY(4), 10);
  assert_int_equal(world_event(&w, fill), PMM_OK);
  assert_int_equal(world_event(&w, fill), PMM_STATE);
  assert_int_equal(world_event(&w, ev_fill(FIRST_ID, 78, 5000, QTY(6), 10)), PMM_OK);
  assert_true(w.fx.terminal);
  assert_int_equal(world_event(&w, fill), PMM_STATE); /* the order is over: still known as a copy */
  assert_true(w.fx.known);
  assert_int_equal(world_event(&w, ev_fill(FIRST_ID, 0, 5000, QTY(6), 10)), PMM_STATE); /* without an id it may be one */
  assert_int_equal(world_event(&w, ev_fill(FIRST_ID, 79, 5000, QTY(6), 10)), PMM_OK);   /* with one it is a fact, however late */
  assert_true(w.fx.known && w.fx.is_fill && w.fx.side == PMM_BID);
  assert_int_equal(world_position(&w, 0).yes_e6, QTY(16));
  assert_int_equal(world_event(&w, ev_fill(FIRST_ID, 79, 5000, QTY(6), 10)), PMM_STATE);
  const pmm_exec_stats_t *const st = pmm_exec_stats(w.exec, 0);
  assert_int_equal(st->duplicates, 3);
  assert_int_equal(st->late, 1);
  assert_int_equal(st->fills, 3);
  assert_int_equal(world_event(&w, ev_order(PMM_EV_ACK, 12345)), PMM_NOT_FOUND);
  assert_false(w.fx.known);
  assert_int_equal(world_event(&w, ev_order(PMM_EV_ACK, 0)), PMM_NOT_FOUND);
  assert_int_equal(world_event(&w, ev_order(PMM_EV_SETTLED, FIRST_ID)), PMM_NOT_FOUND);
  world_is_sound(&w);
}

static void test_duplicates_are_remembered_for_4096_fills(void **state) {
  (void)state;
  world_t w;
  world_options_t o = world_options();
  o.risk.max_heat = 1;
  world_init(&w, &o);
  world_want(&w, "b.5000x100");
  world_quote(&w, 0);
  world_answer(&w);
  uint64_t const id = w.action[0].order_id;
  for (uint64_t t = 1; t <= 9000; t++) {
    assert_int_equal(world_event(&w, ev_fill(id, t * 64, 5000, 10000, 0)), PMM_OK);
    if (t > 4095) assert_int_equal(world_event(&w, ev_fill(id, (t - 4095) * 64, 5000, 10000, 0)), PMM_STATE);
  }
  assert_int_equal(world_event(&w, ev_fill(id, 1 * 64, 5000, 10000, 0)), PMM_OK); /* long forgotten */
  assert_int_equal(world_event(&w, ev_fill(id, 0, 5000, 10000, 0)), PMM_OK);      /* a venue without ids: nothing to compare */
  assert_int_equal(world_event(&w, ev_fill(id, 0, 5000, 10000, 0)), PMM_OK);
  world_is_sound(&w);
}

static void test_late_events_of_orders_long_gone(void **state) {
  (void)state;
  world_t w;
  world_options_t const o = world_options();
  world_init(&w, &o);
  for (int i = 0; i < 5000; i++) {
    world_want(&w, i % 2 ? "b.4700x10" : "b.4600x10");
    world_quote(&w, 0);
    world_answer(&w);
  }
  assert_int_equal(world_event(&w, ev_order(PMM_EV_ACK, FIRST_ID)), PMM_STATE); /* ours, but nobody remembers of which slot */
  assert_false(w.fx.known);
  assert_int_equal(world_event(&w, ev_order(PMM_EV_ACK, FIRST_ID + 4990)), PMM_STATE);
  assert_true(w.fx.known);
  assert_int_equal(world_event(&w, ev_order(PMM_EV_ACK, FIRST_ID + 5000)), PMM_NOT_FOUND);
}

static void test_refused_by_the_ledger(void **state) {
  (void)state;
  world_t w;
  world_options_t o = world_options();
  o.cash_e6 = QTY(40);
  one_bid(&w, &o, true);
  uint64_t const before = pmm_exec_hash(w.exec, pmm_ledger_hash(w.ledger, 0));
  assert_int_equal(world_event(&w, ev_fill(FIRST_ID, 5, 5000, QTY(10), QTY(36))), PMM_FUNDS); /* a fee nobody can pay */
  assert_int_equal(world_event(&w, ev_fill(FIRST_ID, 5, 0, QTY(10), 0)), PMM_INVAL);
  assert_int_equal(world_event(&w, ev_fill(FIRST_ID, 5, 5000, -1, 0)), PMM_INVAL);
  assert_int_equal(pmm_exec_hash(w.exec, pmm_ledger_hash(w.ledger, 0)), before);
  assert_int_equal(world_event(&w, ev_fill(FIRST_ID, 5, 5000, QTY(10), 0)), PMM_OK); /* nor was it noted as seen */
  assert_int_not_equal(pmm_exec_hash(w.exec, pmm_ledger_hash(w.ledger, 0)), before);
}

static void test_amendments(void **state) {
  (void)state;
  world_t w;
  world_options_t o = world_options();
  o.exec.amend = true;
  static const struct { const char *why; pmm_kind_t kind; int aux; pmm_order_state_t want; } rows[] = {
    {"refused", PMM_EV_AMEND_REJECT, PMM_REJECT_SIZE, PMM_ORDER_LIVE},
    {"refused: no such order", PMM_EV_AMEND_REJECT, PMM_REJECT_UNKNOWN_ORDER, PMM_ORDER_UNKNOWN},
    {"lost", PMM_EV_LOST, 0, PMM_ORDER_UNKNOWN},
    {"a late acknowledgement changes nothing", PMM_EV_ACK, 0, PMM_ORDER_PENDING_AMEND},
  };
  for (size_t i = 0; i < COUNT_OF(rows); i++) {
    one_bid(&w, &o, true);
    world_want(&w, "b.5000x6");
    world_quote(&w, 0);
    assert_string_equal(world_actions(&w), "~b.5000x6");
    assert_int_equal(say(&w, rows[i].kind, 0, 0, rows[i].aux), PMM_OK);
    if (w.fx.order.state != rows[i].want) fail_msg("%s", rows[i].why);
    assert_int_equal(pmm_ledger_reserved(w.ledger), QTY(5));
  }
  one_bid(&w, &o, true);
  pmm_event_t ev = ev_order(PMM_EV_AMENDED, FIRST_ID); /* by hand, at the venue's own site: another price */
  ev.md.qty_e6 = QTY(10);
  ev.md.price_e4 = 4000;
  assert_int_equal(world_event(&w, ev), PMM_OK);
  assert_int_equal(pmm_ledger_reserved(w.ledger), QTY(4));
  pmm_exec_open_t open;
  pmm_exec_open(w.exec, 0, &open);
  assert_int_equal(open.best_bid_e4, 4000);
  world_is_sound(&w);
}

/* -- time -- */
static void test_timeouts(void **state) {
  (void)state;
  world_t w;
  world_options_t const o = world_options();
  one_bid(&w, &o, false);
  int64_t const start = w.ctx.now_ns;
  assert_int_equal(pmm_exec_on_timer(w.exec, start + 10 * PMM_NS_PER_S - 1), 0);
  assert_int_equal(pmm_exec_on_timer(w.exec, start + 10 * PMM_NS_PER_S), 1);
  assert_int_equal(pmm_exec_on_timer(w.exec, start + 20 * PMM_NS_PER_S), 0); /* it is known to be unknown */
  assert_int_equal(pmm_exec_find(w.exec, FIRST_ID)->state, PMM_ORDER_UNKNOWN);
  assert_int_equal(pmm_exec_stats(w.exec, 0)->unknown, 1);
  w.ctx.now_ns = start + 20 * PMM_NS_PER_S;
  world_quote(&w, 0);
  assert_string_equal(world_actions(&w), ""); /* counts as there */
  world_want(&w, "");
  world_quote(&w, 0);
  assert_string_equal(world_actions(&w), "-b.5000x10");
  assert_int_equal(say(&w, PMM_EV_CANCEL_REJECT, 0, 0, 0), PMM_OK);
  world_quote(&w, 0);
  assert_string_equal(world_actions(&w), ""); /* not again in the same second */
  w.ctx.now_ns += PMM_NS_PER_S;
  world_quote(&w, 0);
  assert_string_equal(world_actions(&w), "-b.5000x10");
  assert_int_equal(pmm_exec_stats(w.exec, 0)->cancels, 1); /* one order, one cancel */
  assert_int_equal(say(&w, PMM_EV_CANCELLED, QTY(10), 0, 0), PMM_OK);
  assert_true(w.fx.terminal);
  world_is_sound(&w);
}

/* The venue has not even looked at a cancel over its limit: the order rests, and the wish is sent again a moment later. */
static void test_cancel_over_the_limit(void **state) {
  (void)state;
  for (int filled = 0; filled < 2; filled++) {
    world_t w;
    world_options_t const o = world_options();
    one_bid(&w, &o, true);
    if (filled) world_fill(&w, FIRST_ID, QTY(4));
    world_want(&w, "");
    world_quote(&w, 0);
    assert_int_equal(say(&w, PMM_EV_CANCEL_REJECT, 0, 0, PMM_REJECT_RATE), PMM_OK);
    assert_int_equal(w.fx.order.state, filled ? PMM_ORDER_PARTLY_FILLED : PMM_ORDER_LIVE);
    world_quote(&w, 0);
    assert_string_equal(world_actions(&w), ""); /* not again at once: it would be refused again */
    w.ctx.now_ns += 100 * PMM_NS_PER_MS;
    world_quote(&w, 0);
    assert_string_equal(world_actions(&w), filled ? "-b.5000x6" : "-b.5000x10");
    assert_int_equal(pmm_exec_stats(w.exec, 0)->cancels, 1);
    assert_int_equal(pmm_exec_stats(w.exec, 0)->unknown, 0);
    assert_int_equal(say(&w, PMM_EV_CANCELLED, filled ? QTY(6) : QTY(10), 0, 0), PMM_OK);
    assert_true(w.fx.terminal);
    world_is_sound(&w);
  }
  world_t w; /* one that was never acknowledged may have been refused itself: nobody knows */
  world_options_t const o = world_options();
  one_bid(&w, &o, false);
  world_want(&w, "");
  world_quote(&w, 0);
  assert_int_equal(say(&w, PMM_EV_CANCEL_REJECT, 0, 0, PMM_REJECT_RATE), PMM_OK);
  assert_int_equal(w.fx.order.state, PMM_ORDER_UNKNOWN);
  w.out.cnt = 0;
  pmm_exec_cancel_all(w.exec, w.ctx.now_ns, &w.out); /* the kill switch does not wait */
  assert_string_equal(world_actions(&w), "-b.5000x10");
  world_is_sound(&w);
}

static void test_timeouts_one_by_one(void **state) {
  (void)state;
  world_t w;
  world_options_t const o = world_options();
  one_bid(&w, &o, false);
  w.ctx.now_ns += PMM_NS_PER_S;
  world_want(&w, "b.5000x10 a.6000x10");
  world_quote(&w, 0);
  assert_int_equal(pmm_exec_on_timer(w.exec, 11 * PMM_NS_PER_S), 1);
  assert_int_equal(pmm_exec_on_timer(w.exec, 12 * PMM_NS_PER_S - 1), 0);
  assert_int_equal(pmm_exec_on_timer(w.exec, 12 * PMM_NS_PER_S), 1);
  world_options_t never = world_options();
  never.exec.pending_timeout_ns = 0;
  one_bid(&w, &never, false);
  assert_int_equal(pmm_exec_on_timer(w.exec, PMM_NS_MAX), 0);
}

static void test_unknown_order_found_by_its_acknowledgement(void **state) {
  (void)state;
  world_t w;
  world_options_t const o = world_options();
  one_bid(&w, &o, false);
  assert_int_equal(say(&w, PMM_EV_LOST, 0, 0, 0), PMM_OK);
  pmm_event_t ack = ev_order(PMM_EV_ACK, FIRST_ID);
  ack.ref_id = 99;
  assert_int_equal(world_event(&w, ack), PMM_OK);
  assert_int_equal(w.fx.order.state, PMM_ORDER_LIVE);
  assert_int_equal(w.fx.order.ref_id, 99);
  assert_int_equal(say(&w, PMM_EV_LOST, 0, 0, 0), PMM_OK);
  assert_int_equal(world_event(&w, ack), PMM_STATE); /* a copy of it proves nothing */
  assert_int_equal(w.fx.order.state, PMM_ORDER_UNKNOWN);
}

/* -- settlement -- */
static pmm_event_t pending(uint64_t order_id, uint64_t trade_id, double qty) {
  pmm_event_t ev = ev_fill(order_id, trade_id, 5000, QTY(qty), 100);
  ev.md.aux = PMM_SETTLE_PENDING;
  return ev;
}

static pmm_event_t settlement(pmm_kind_t kind, uint64_t order_id, uint64_t trade_id) {
  pmm_event_t ev = ev_order(kind, order_id);
  ev.ref_id = trade_id;
  return ev;
}

static void test_settlement(void **state) {
  (void)state;
  world_t w;
  world_options_t const o = world_options();
  one_bid(&w, &o, true);
  assert_int_equal(world_event(&w, pending(FIRST_ID, 1, 4)), PMM_OK);
  assert_int_equal(world_event(&w, pending(FIRST_ID, 2, 6)), PMM_OK);
  assert_true(w.fx.terminal);
  assert_int_equal(world_position(&w, 0).yes_sellable_e6, 0);
  world_want(&w, "a.6000x10");
  world_quote(&w, 0);
  assert_string_equal(world_actions(&w), "+a.6000x10"); /* unsettled contracts are not sold */
  world_answer(&w);
  assert_int_equal(world_event(&w, settlement(PMM_EV_SETTLED, FIRST_ID, 1)), PMM_OK);
  assert_true(w.fx.known && !w.fx.is_fill);
  assert_int_equal(world_position(&w, 0).yes_sellable_e6, QTY(4));
  assert_int_equal(world_event(&w, settlement(PMM_EV_SETTLE_FAILED, FIRST_ID, 2)), PMM_OK);
  assert_int_equal(w.fx.slot, 0);
  assert_int_equal(w.fx.fill_qty_e6, QTY(6));
  assert_int_equal(w.fx.side, PMM_BID);
  assert_int_equal(w.fx.realized_e6, 0);
  assert_int_equal(world_position(&w, 0).yes_e6, QTY(4));
  const pmm_exec_stats_t *const st = pmm_exec_stats(w.exec, 0);
  assert_int_equal(st->failed, 1);
  assert_int_equal(st->bought_e6, QTY(4));
  assert_int_equal(st->volume_e6, QTY(2));
  assert_int_equal(world_event(&w, settlement(PMM_EV_SETTLED, FIRST_ID, 2)), PMM_NOT_FOUND);
  world_is_sound(&w);
}

static void test_one_trade_two_orders(void **state) {
  (void)state;
  world_t w;
  world_options_t const o = world_options();
  world_init(&w, &o);
  world_hold(&w, 0, PMM_BUY_NO, QTY(4));
  world_want(&w, "b.5000x10");
  world_quote(&w, 0);
  world_answer(&w);
  assert_int_equal(world_event(&w, pending(FIRST_ID, 9, 4)), PMM_OK);     /* sells the NO */
  assert_int_equal(world_event(&w, pending(FIRST_ID + 1, 9, 6)), PMM_OK); /* buys YES, in the same trade */
  assert_int_equal(world_event(&w, settlement(PMM_EV_SETTLE_FAILED, FIRST_ID + 1, 9)), PMM_OK);
  assert_int_equal(w.fx.fill_qty_e6, QTY(6));
  assert_int_equal(world_event(&w, settlement(PMM_EV_SETTLE_FAILED, FIRST_ID, 9)), PMM_OK);
  assert_int_equal(w.fx.fill_qty_e6, QTY(4));
  assert_int_equal(world_position(&w, 0).no_e6, QTY(4));
  assert_int_equal(world_position(&w, 0).yes_e6, 0);
  world_is_sound(&w);
}

/* -- the check itself must be able to fail -- */
static void test_check_sees_a_lost_lock(void **state) {
  (void)state;
  world_t w;
  world_options_t const o = world_options();
  one_bid(&w, &o, true);
  pmm_error_t err;
  pmm_order_t *const order = (pmm_order_t *)(uintptr_t)pmm_exec_find(w.exec, FIRST_ID);
  static const struct { const char *why; size_t offset; } rows[] = {
    {"locked cash", offsetof(pmm_order_t, lock.cash_e6)}, {"filled", offsetof(pmm_order_t, filled_e6)}, {"slot", offsetof(pmm_order_t, slot)}, {"id", offsetof(pmm_order_t, id)},
  };
  for (size_t i = 0; i < COUNT_OF(rows); i++) {
    pmm_order_t const saved = *order;
    int64_t const other = saved.qty_e6 * 3;
    memcpy((char *)order + rows[i].offset, &other, 4);
    if (pmm_exec_check(w.exec, &err) != PMM_CORRUPT) fail_msg("%s changed unnoticed", rows[i].why);
    *order = saved;
  }
  world_is_sound(&w);
}

int main(void) {
  const struct CMUnitTest tests[] = {
    cmocka_unit_test(test_single_events), cmocka_unit_test(test_fills_after_the_last_word), cmocka_unit_test(test_reconciliation_ends_the_wait),
    cmocka_unit_test(test_fill_overtakes_everything), cmocka_unit_test(test_duplicates_and_strangers), cmocka_unit_test(test_duplicates_are_remembered_for_4096_fills),
    cmocka_unit_test(test_late_events_of_orders_long_gone), cmocka_unit_test(test_refused_by_the_ledger), cmocka_unit_test(test_amendments),
    cmocka_unit_test(test_timeouts), cmocka_unit_test(test_cancel_over_the_limit), cmocka_unit_test(test_timeouts_one_by_one), cmocka_unit_test(test_unknown_order_found_by_its_acknowledgement),
    cmocka_unit_test(test_settlement), cmocka_unit_test(test_one_trade_two_orders), cmocka_unit_test(test_check_sees_a_lost_lock),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
