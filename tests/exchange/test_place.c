/* A place case by case: what is answered, told and kept; settlement; background flow. */
#include "rig.h"
#include <math.h>
#include "pmm/hash.h"
#include "pmm/place.h"

typedef struct rig {
  pmm_place_t *place;
  uint32_t market, me, other;
  int64_t now;
  char log[8192]; /* one word an event */
} rig_t;

static void listen(void *ctx, const pmm_place_event_t *e) {
  rig_t *const r = ctx;
  size_t const at = strlen(r->log), room = sizeof r->log - at;
  const char *const who = e->account == UINT32_MAX ? "" : pmm_place_account_name(r->place, e->account);
  switch (e->kind) {
  case PMM_PLACE_EV_LEVEL:
    snprintf(r->log + at, room, "level:%c%d=%lld(%+lld) ", "ba"[e->side], e -> price_e4, (long long)(e->total_e6 / ONE),
             (long long)(e->delta_e6 / ONE));
    break;
  case PMM_PLACE_EV_TRADE: snprintf(r->log + at, room, "trade:%d ", e->price_e4); break;
  case PMM_PLACE_EV_MARKET: snprintf(r->log + at, room, "market:%s ", e->life ? "life" : "tick"); break;
  case PMM_PLACE_EV_END: snprintf(r->log + at, room, "end "); break;
  case PMM_PLACE_EV_ORDER: snprintf(r->log + at, room, "order:%s:%u:%lld ", who, e->order->status, (long long)(e->order->open_e6 / ONE)); break;
  case PMM_PLACE_EV_FILL: snprintf(r->log + at, room, "fill:%s:%s ", who, e->fill->maker ? "maker" : "taker"); break;
  case PMM_PLACE_EV_SETTLE: snprintf(r->log + at, room, "settle:%s:%u ", who, e->trade->settle); break;
  case PMM_PLACE_EV_CASH: snprintf(r->log + at, room, "cash:%s ", who); break;
  }
}

static void setup_with(rig_t *r, pmm_place_config_t c) {
  memset(r, 0, sizeof *r);
  r->now = 1000;
  c.accounts_max = c.accounts_max ? c.accounts_max : 4;
  c.markets_max = 4;
  pmm_error_t err;
  if (pmm_place_open(&r->place, &c, &err) != PMM_OK) fail_msg("%s", err.text);
  pmm_market_t market;
  pmm_market_init(&market, "M");
  market.venue = (uint8_t)c.venue;
  assert_int_equal(pmm_place_market_add(r->place, &market, r->now, &r->market, &err), PMM_OK);
  assert_int_equal(pmm_place_account_add(r->place, "me", 100 * ONE, &r->me, &err), PMM_OK);
  assert_int_equal(pmm_place_account_add(r->place, "other", 100 * ONE, &r->other, &err), PMM_OK);
  pmm_place_listen(r->place, (pmm_place_listener_t){listen, r});
}

static void setup(rig_t *r, pmm_venue_t venue) { setup_with(r, (pmm_place_config_t){.venue = venue}); }

static void teardown(rig_t *r) {
  pmm_error_t err;
  if (pmm_place_check(r->place, &err) != PMM_OK) fail_msg("%s", err.text);
  pmm_place_close(r->place);
}

static void told(rig_t *r, const char *want) {
  assert_string_equal(r->log, want);
  r->log[0] = 0;
}

static pmm_place_request_t request(uint32_t account, pmm_route_t route, int32_t price, int64_t contracts) {
  return (pmm_place_request_t){.account = account, .route = route, .price_e4 = price, .qty_e6 = contracts * ONE, .stp = PMM_PLACE_STP_USUAL};
}

static pmm_place_answer_t send(rig_t *r, pmm_place_request_t q) {
  pmm_place_answer_t a;
  q.market = r->market;
  pmm_place_order(r->place, &q, r->now, &a);
  return a;
}

static pmm_place_answer_t order(rig_t *r, uint32_t account, pmm_route_t route, int32_t price, int64_t contracts) {
  return send(r, request(account, route, price, contracts));
}

static void a_trade_is_told_in_order(void **state) {
  (void)state;
  rig_t r;
  setup(&r, PMM_VENUE_POLYMARKET);
  pmm_place_answer_t const rest = order(&r, r.other, PMM_BUY_NO, 6000, 10);
  told(&r, "order:other:0:10 level:a6000=10(+10) end ");
  pmm_place_answer_t const take = order(&r, r.me, PMM_BUY_YES, 6500, 4);
  told(&r, "trade:6000 fill:other:maker order:other:0:6 fill:me:taker order:me:1:0 level:a6000=6(-4) end ");
  assert_int_equal(take.filled_e6, 4 * ONE);
  assert_int_equal(take.fill_cnt, 1);
  const pmm_place_fill_t *const f = pmm_place_fill_at(r.place, take.first_fill);
  assert_int_equal(f->order, take.order->seq);
  assert_int_equal(f->position_e6, 4 * ONE);
  assert_int_equal(pmm_place_fill_at(r.place, take.first_fill + 1)->position_e6, -4 * ONE);
  const pmm_place_trade_t *const t = pmm_place_trade_at(r.place, f->trade);
  assert_int_equal(t->maker, rest.order->seq);
  assert_int_equal(t->settle, PMM_PLACE_CONFIRMED);
  assert_int_equal(take.order->taker_cost_e6, 24 * ONE / 10);
  assert_int_equal(rest.order->maker_cost_e6, 16 * ONE / 10); /* of the outcome its order names: NO at 0.40 */
  assert_int_equal(rest.order->maker_e6, 4 * ONE);
  pmm_place_stats_t s;
  pmm_place_stats(r.place, r.market, &s);
  assert_int_equal(s.volume_e6, 4 * ONE);
  assert_int_equal(s.open_interest_e6, 4 * ONE);
  assert_int_equal(s.last_e4, 6000);
  int64_t left;
  assert_int_equal(pmm_place_cancel(r.place, r.me, rest.order->seq, PMM_REJECT_USER, r.now, NULL), PMM_NOT_FOUND); /* somebody else's */
  assert_int_equal(pmm_place_cancel(r.place, r.other, rest.order->seq, PMM_REJECT_USER, r.now, &left), PMM_OK);
  assert_int_equal(left, 6 * ONE);
  told(&r, "order:other:2:0 level:a6000=0(-6) end ");
  assert_int_equal(pmm_place_cancel(r.place, r.other, rest.order->seq, PMM_REJECT_USER, r.now, NULL), PMM_NOT_FOUND);
  teardown(&r);
}

static void a_sell_opens_the_opposite_where_pairs_net(void **state) {
  (void)state;
  rig_t r;
  setup(&r, PMM_VENUE_DEGEN);
  pmm_place_answer_t const a = order(&r, r.me, PMM_SELL_YES, 6000, 5);
  assert_int_equal(a.order->route, PMM_BUY_NO);
  pmm_place_request_t q = request(r.other, PMM_SELL_YES, 7000, 1);
  q.from_inventory = true;
  assert_int_equal(send(&r, q).reject, PMM_REJECT_SHARES);
  order(&r, r.other, PMM_BUY_YES, 6000, 5);
  pmm_place_holding_t h;
  pmm_place_holding(r.place, r.me, r.market, &h);
  assert_int_equal(h.no_e6, 5 * ONE);
  assert_int_equal(h.no_cost_e6, 2 * ONE);
  order(&r, r.other, PMM_SELL_YES, 5000, 5);
  order(&r, r.me, PMM_BUY_YES, 5000, 5); /* and the pair is a dollar: 2.00 and 2.50 spent, 5 back */
  pmm_place_holding(r.place, r.me, r.market, &h);
  assert_int_equal(h.no_e6, 0);
  assert_int_equal(h.realized_e6, ONE / 2);
  assert_int_equal(pmm_place_cash(r.place, r.me, NULL), 100 * ONE + ONE / 2);
  assert_int_equal(pmm_place_split(r.place, r.me, r.market, ONE, r.now), PMM_UNSUPPORTED);
  teardown(&r);
}

static void names(void **state) {
  (void)state;
  rig_t r;
  setup(&r, PMM_VENUE_KALSHI);
  pmm_place_request_t q = request(r.me, PMM_BUY_YES, 4000, 1);
  q.client_id = "a";
  pmm_place_answer_t const a = send(&r, q);
  assert_int_equal(strlen(a.order->id), 36);
  assert_ptr_equal(pmm_place_order_find(r.place, a.order->id), a.order);
  assert_ptr_equal(pmm_place_client_find(r.place, r.me, "a"), a.order);
  assert_null(pmm_place_client_find(r.place, r.other, "a"));
  assert_int_equal(send(&r, q).reject, PMM_REJECT_DUPLICATE);
  q.client_id = "poor"; /* refused for money: used up all the same */
  q.qty_e6 = 100000 * ONE;
  assert_int_equal(send(&r, q).reject, PMM_REJECT_FUNDS);
  q.qty_e6 = ONE;
  assert_int_equal(send(&r, q).reject, PMM_REJECT_DUPLICATE);
  q.client_id = "form"; /* refused for its form: free */
  q.price_e4 = 4050;
  assert_int_equal(send(&r, q).reject, PMM_REJECT_PRICE);
  q.price_e4 = 4000;
  assert_int_equal(send(&r, q).reject, PMM_REJECT_NONE);
  assert_int_equal(pmm_place_rename(r.place, r.me, a.order->seq, "form"), PMM_REJECT_DUPLICATE);
  assert_int_equal(pmm_place_rename(r.place, r.me, a.order->seq, "b"), PMM_REJECT_NONE);
  assert_ptr_equal(pmm_place_client_find(r.place, r.me, "b"), a.order);
  q.client_id = "a";
  assert_int_equal(send(&r, q).reject, PMM_REJECT_DUPLICATE); /* the old name stays used */
  q.client_id = NULL;
  q.id = "0xabc";
  pmm_place_answer_t const given = send(&r, q);
  assert_string_equal(given.order->id, "0xabc");
  assert_int_equal(send(&r, q).reject, PMM_REJECT_DUPLICATE);
  assert_ptr_equal(pmm_place_order_before(r.place, r.me, PMM_PLACE_NONE), given.order);
  size_t cnt = 0;
  for (const pmm_place_order_t *o = pmm_place_order_before(r.place, r.me, PMM_PLACE_NONE); o; o = pmm_place_order_before(r.place, r.me, o->seq))
    cnt++;
  assert_int_equal(cnt, 3); /* names without an order are in no list */
  teardown(&r);
}

static void money_buys_what_it_buys(void **state) {
  (void)state;
  rig_t r;
  setup(&r, PMM_VENUE_POLYMARKET);
  order(&r, r.other, PMM_BUY_NO, 4000, 50);
  order(&r, r.other, PMM_BUY_NO, 6000, 50);
  pmm_place_request_t q = request(r.me, PMM_BUY_YES, 6000, 0);
  q.spend_e6 = 32 * ONE;
  q.tif = PMM_FOK;
  pmm_place_answer_t const a = send(&r, q); /* 20 dollars for 50, then 12 for 20 */
  assert_int_equal(a.filled_e6, 70 * ONE);
  assert_int_equal(pmm_place_cash(r.place, r.me, NULL), 68 * ONE);
  q.spend_e6 = 60 * ONE;
  assert_int_equal(send(&r, q).reject, PMM_REJECT_FOK); /* the book holds 18 more */
  q.tif = PMM_IOC;
  assert_int_equal(send(&r, q).filled_e6, 30 * ONE);
  assert_int_equal(send(&r, q).reject, PMM_REJECT_IOC); /* nothing left */
  q.qty_e6 = ONE;
  assert_int_equal(send(&r, q).reject, PMM_REJECT_SIZE); /* either, or */
  teardown(&r);
}

/* All the cash there is, at two prices: enough, although price x quantity at the limit would not be. */
static void all_the_money(void **state) {
  (void)state;
  rig_t r;
  setup(&r, PMM_VENUE_POLYMARKET);
  order(&r, r.other, PMM_BUY_NO, 3000, 100);
  order(&r, r.other, PMM_BUY_NO, 9000, 100);
  pmm_place_request_t q = request(r.me, PMM_BUY_YES, 9000, 0);
  q.spend_e6 = 100 * ONE;
  q.tif = PMM_FOK;
  pmm_place_answer_t const a = send(&r, q);
  assert_int_equal(a.reject, PMM_REJECT_NONE);
  assert_int_equal(a.filled_e6, 177770000); /* 30 dollars for 100, 69.993 for 77.77 */
  assert_int_equal(pmm_place_cash(r.place, r.me, NULL), 7000);
  teardown(&r);
}

static void amends(void **state) {
  (void)state;
  rig_t r;
  setup(&r, PMM_VENUE_DEGEN);
  pmm_place_answer_t const a = order(&r, r.me, PMM_BUY_YES, 4000, 10);
  order(&r, r.other, PMM_BUY_YES, 4000, 3);
  assert_int_equal(pmm_place_amend(r.place, r.me, a.order->seq, 4000, 6 * ONE, r.now), PMM_REJECT_NONE);
  assert_int_equal(pmm_place_ahead(r.place, a.order->seq), 0);
  assert_int_equal(pmm_place_amend(r.place, r.me, a.order->seq, 4000, 7 * ONE, r.now), PMM_REJECT_NONE);
  assert_int_equal(pmm_place_ahead(r.place, a.order->seq), 3 * ONE);
  assert_int_equal(pmm_place_amend(r.place, r.other, a.order->seq, 4000, ONE, r.now), PMM_REJECT_UNKNOWN_ORDER);
  assert_int_equal(pmm_place_amend(r.place, r.me, a.order->seq, 4050, ONE, r.now), PMM_REJECT_PRICE);
  assert_int_equal(a.order->open_e6, 7 * ONE);
  order(&r, r.other, PMM_BUY_NO, 4500, 2);
  r.log[0] = 0;
  assert_int_equal(pmm_place_amend(r.place, r.me, a.order->seq, 4500, 7 * ONE, r.now), PMM_REJECT_NONE);
  told(&r, "level:b4000=3(-7) order:me:0:7 trade:4500 fill:other:maker order:other:1:0 fill:me:taker order:me:0:5 level:a4500=0(-2) "
           "level:b4500=5(+5) end ");
  assert_int_equal(a.order->qty_e6, 7 * ONE);
  assert_int_equal(a.order->filled_e6, 2 * ONE);
  teardown(&r);
}

static void self_trades(void **state) {
  (void)state;
  rig_t r;
  setup(&r, PMM_VENUE_DEGEN);
  pmm_place_answer_t const a = order(&r, r.me, PMM_BUY_YES, 5000, 5);
  pmm_place_answer_t const b = order(&r, r.me, PMM_BUY_NO, 4000, 5);
  assert_int_equal(a.order->status, PMM_PLACE_CANCELLED);
  assert_int_equal(a.order->reason, PMM_REJECT_SELF_TRADE);
  pmm_place_request_t q = request(r.me, PMM_BUY_YES, 4500, 5);
  q.stp = PMM_STP_CANCEL_TAKER;
  pmm_place_answer_t const c = send(&r, q);
  assert_int_equal(c.order->status, PMM_PLACE_CANCELLED);
  assert_int_equal(b.order->status, PMM_PLACE_OPEN);
  q.stp = PMM_STP_NONE;
  assert_int_equal(send(&r, q).filled_e6, 5 * ONE);
  teardown(&r);
}

/* ---- settlement ---- */

static void a_trade_settles(void **state) {
  (void)state;
  rig_t r;
  setup_with(&r, (pmm_place_config_t){.venue = PMM_VENUE_POLYMARKET, .settle_mined_ns = 10, .settle_ns = 30});
  order(&r, r.other, PMM_BUY_NO, 6000, 10);
  uint64_t const trade = pmm_place_fill_at(r.place, order(&r, r.me, PMM_BUY_YES, 6000, 10).first_fill)->trade;
  assert_int_equal(pmm_place_trade_at(r.place, trade)->settle, PMM_PLACE_MATCHED);
  assert_int_equal(order(&r, r.me, PMM_SELL_YES, 7000, 1).reject, PMM_REJECT_SHARES); /* not settled yet */
  r.log[0] = 0;
  assert_int_equal(pmm_place_advance(r.place, 1000), 1010);
  assert_int_equal(pmm_place_advance(r.place, 1010), 1030);
  told(&r, "settle:me:1 settle:other:1 ");
  assert_int_equal(pmm_place_advance(r.place, 5000), PMM_NS_MAX);
  told(&r, "settle:me:2 settle:other:2 ");
  assert_int_equal(pmm_place_trade_at(r.place, trade)->settled_ns, 1030);
  r.now = 5000;
  assert_int_equal(order(&r, r.me, PMM_SELL_YES, 7000, 1).reject, PMM_REJECT_NONE);
  teardown(&r);
}

static void a_trade_fails(void **state) {
  (void)state;
  rig_t r;
  setup_with(&r, (pmm_place_config_t){.venue = PMM_VENUE_POLYMARKET, .settle_mined_ns = 10, .settle_ns = 30});
  order(&r, r.other, PMM_BUY_NO, 5000, 100);
  order(&r, r.me, PMM_BUY_YES, 5000, 100);
  pmm_place_advance(r.place, 2000);
  r.now = 2000;
  pmm_place_faults(r.place, 1, 0);
  order(&r, r.other, PMM_BUY_YES, 4000, 100);
  assert_int_equal(order(&r, r.me, PMM_SELL_YES, 4000, 100).filled_e6, 100 * ONE); /* 40 dollars that will be taken back */
  pmm_place_answer_t const first = order(&r, r.me, PMM_BUY_YES, 3000, 100), second = order(&r, r.me, PMM_BUY_YES, 2000, 200);
  r.log[0] = 0;
  pmm_place_advance(r.place, 3000);
  told(&r, "settle:me:4 settle:other:4 order:me:2:0 level:b2000=0(-200) end cash:me cash:other ");
  assert_int_equal(second.order->reason, PMM_REJECT_FUNDS); /* the newest goes, the older is still covered */
  assert_int_equal(first.order->status, PMM_PLACE_OPEN);
  pmm_place_holding_t h;
  pmm_place_holding(r.place, r.me, r.market, &h);
  assert_int_equal(h.yes_e6, 100 * ONE);
  assert_int_equal(h.yes_cost_e6, 50 * ONE);
  assert_int_equal(h.realized_e6, 0);
  assert_int_equal(pmm_place_cash(r.place, r.me, NULL), 50 * ONE);
  teardown(&r);
}

static void a_ghost(void **state) {
  (void)state;
  rig_t r;
  setup_with(&r, (pmm_place_config_t){.venue = PMM_VENUE_POLYMARKET, .settle_mined_ns = 10, .settle_ns = 30, .ghost_share = 1});
  order(&r, r.other, PMM_BUY_NO, 6000, 10);
  order(&r, r.me, PMM_BUY_YES, 6000, 10);
  r.log[0] = 0;
  pmm_place_advance(r.place, 1059);
  told(&r, "settle:me:1 settle:other:1 settle:me:3 settle:other:3 ");
  pmm_place_advance(r.place, 1060);
  told(&r, "settle:me:4 settle:other:4 cash:me cash:other ");
  assert_int_equal(pmm_place_cash(r.place, r.me, NULL), 100 * ONE);
  teardown(&r);
}

/* What is pending when a market resolves meets its fate first; what failed is not paid. */
static void resolution_with_trades_pending(void **state) {
  (void)state;
  rig_t r;
  setup_with(&r, (pmm_place_config_t){.venue = PMM_VENUE_POLYMARKET, .settle_mined_ns = 10, .settle_ns = 30});
  order(&r, r.other, PMM_BUY_NO, 6000, 20);
  order(&r, r.me, PMM_BUY_YES, 6000, 10);
  pmm_place_faults(r.place, 1, 0);
  order(&r, r.me, PMM_BUY_YES, 6000, 5);
  assert_int_equal(pmm_place_life(r.place, r.market, r.now, PMM_LIFE_RESOLVED, PMM_OUTCOME_YES, ONE), PMM_STATE);
  assert_int_equal(pmm_place_life(r.place, r.market, r.now, PMM_LIFE_CLOSED, PMM_OUTCOME_UNKNOWN, 0), PMM_OK);
  assert_int_equal(pmm_place_life(r.place, r.market, r.now, PMM_LIFE_RESOLVED, PMM_OUTCOME_YES, 0), PMM_INVAL);
  assert_int_equal(pmm_place_trade_at(r.place, 1)->settle, PMM_PLACE_MATCHED);
  assert_int_equal(pmm_place_life(r.place, r.market, r.now, PMM_LIFE_RESOLVED, PMM_OUTCOME_YES, ONE), PMM_OK);
  assert_int_equal(pmm_place_trade_at(r.place, 1)->settle, PMM_PLACE_CONFIRMED);
  assert_int_equal(pmm_place_trade_at(r.place, 2)->settle, PMM_PLACE_FAILED);
  assert_int_equal(pmm_place_cash(r.place, r.me, NULL), 104 * ONE);
  assert_int_equal(pmm_place_cash(r.place, r.other, NULL), 96 * ONE);
  pmm_place_holding_t h;
  pmm_place_holding(r.place, r.me, r.market, &h);
  assert_int_equal(h.realized_e6, 4 * ONE);
  assert_int_equal(pmm_place_advance(r.place, 9000), PMM_NS_MAX);
  teardown(&r);
}

static void pairs(void **state) {
  (void)state;
  rig_t r;
  setup(&r, PMM_VENUE_POLYMARKET);
  assert_int_equal(pmm_place_split(r.place, r.me, r.market, 101 * ONE, r.now), PMM_FUNDS);
  assert_int_equal(pmm_place_split(r.place, r.me, r.market, 10 * ONE, r.now), PMM_OK);
  told(&r, "cash:me ");
  assert_int_equal(order(&r, r.me, PMM_SELL_YES, 6000, 4).reject, PMM_REJECT_NONE);
  assert_int_equal(pmm_place_merge(r.place, r.me, r.market, 7 * ONE, r.now), PMM_FUNDS); /* four are locked */
  assert_int_equal(pmm_place_merge(r.place, r.me, r.market, 6 * ONE, r.now), PMM_OK);
  assert_int_equal(pmm_place_cash(r.place, r.me, NULL), 96 * ONE);
  assert_int_equal(pmm_place_merge(r.place, r.me, r.market, 0, r.now), PMM_INVAL);
  assert_int_equal(pmm_place_deposit(r.place, r.me, -97 * ONE, r.now), PMM_FUNDS);
  assert_int_equal(pmm_place_deposit(r.place, r.me, -96 * ONE, r.now), PMM_OK);
  teardown(&r);
}

/* ---- lists and time ---- */

static void fills_by_number(void **state) {
  (void)state;
  rig_t r;
  setup(&r, PMM_VENUE_DEGEN);
  for (int i = 0; i < 150; i++) {
    order(&r, r.other, PMM_BUY_NO, 5000, 1);
    order(&r, r.me, PMM_BUY_YES, 5000, 1);
    order(&r, r.me, PMM_BUY_NO, 5000, 1);
    order(&r, r.other, PMM_BUY_YES, 5000, 1);
    r.log[0] = 0;
  }
  for (uint64_t k = 1; k <= 300; k++) {
    const pmm_place_fill_t *const f = pmm_place_fill_by_account_seq(r.place, r.me, k);
    assert_non_null(f);
    assert_int_equal(f->account_seq, k);
    assert_int_equal(f->account, r.me);
  }
  assert_null(pmm_place_fill_by_account_seq(r.place, r.me, 0));
  assert_null(pmm_place_fill_by_account_seq(r.place, r.me, 301));
  teardown(&r);
}

static void time_ends_orders(void **state) {
  (void)state;
  rig_t r;
  setup(&r, PMM_VENUE_DEGEN);
  pmm_market_t market;
  uint32_t late;
  pmm_market_init(&market, "late");
  market.life = PMM_LIFE_PENDING;
  market.open_ns = 2000;
  market.close_ns = 3000;
  assert_int_equal(pmm_place_market_add(r.place, &market, r.now, &late, NULL), PMM_OK);
  pmm_place_request_t q = request(r.me, PMM_BUY_YES, 4000, 1);
  q.market = late;
  pmm_place_answer_t a;
  pmm_place_order(r.place, &q, 1500, &a);
  assert_int_equal(a.reject, PMM_REJECT_CLOSED);
  assert_int_equal(pmm_place_advance(r.place, 1500), 2000);
  pmm_place_order(r.place, &q, 2100, &a);
  assert_int_equal(a.reject, PMM_REJECT_NONE);
  const pmm_place_order_t *const rest = a.order;
  q.tif = PMM_GTD;
  q.expire_ns = 2500;
  pmm_place_order(r.place, &q, 2100, &a);
  assert_int_equal(pmm_place_advance(r.place, 2600), 3000);
  assert_int_equal(a.order->status, PMM_PLACE_EXPIRED);
  assert_int_equal(a.order->updated_ns, 2500);
  pmm_place_advance(r.place, 3000);
  assert_int_equal(rest->status, PMM_PLACE_EXPIRED);
  assert_int_equal(rest->reason, PMM_REJECT_CLOSED);
  teardown(&r);
}

static bool is_market(void *ctx, const pmm_place_order_t *o) { return o->market == *(uint32_t *)ctx; }

static void cancel_many(void **state) {
  (void)state;
  rig_t r;
  setup(&r, PMM_VENUE_DEGEN);
  for (int i = 0; i < 20; i++) order(&r, r.me, PMM_BUY_YES, 1000 + 100 * i, 1);
  order(&r, r.other, PMM_BUY_YES, 1000, 1);
  uint32_t no_market = 3;
  assert_int_equal(pmm_place_cancel_if(r.place, r.me, is_market, &no_market, PMM_REJECT_USER, r.now), 0);
  assert_int_equal(pmm_place_cancel_if(r.place, r.me, is_market, &r.market, PMM_REJECT_USER, r.now), 20);
  assert_null(pmm_place_open_after(r.place, r.me, 0));
  assert_non_null(pmm_place_open_after(r.place, r.other, 0));
  teardown(&r);
}

static void full_places(void **state) {
  (void)state;
  rig_t r;
  setup_with(&r, (pmm_place_config_t){.venue = PMM_VENUE_DEGEN, .orders_max = 3});
  for (int i = 0; i < 3; i++) assert_int_equal(order(&r, r.me, PMM_BUY_YES, 4000, 1).reject, PMM_REJECT_NONE);
  assert_int_equal(order(&r, r.me, PMM_BUY_YES, 4000, 1).reject, PMM_REJECT_FULL);
  uint32_t a;
  pmm_error_t err;
  assert_int_equal(pmm_place_account_add(r.place, "me", 0, &a, &err), PMM_EXISTS);
  assert_int_equal(pmm_place_account_add(r.place, "x", 0, &a, &err), PMM_OK);
  assert_int_equal(pmm_place_account_add(r.place, "y", 0, &a, &err), PMM_OK);
  assert_int_equal(pmm_place_account_add(r.place, "z", 0, &a, &err), PMM_FULL);
  teardown(&r);
  pmm_place_t *p;
  assert_int_equal(pmm_place_open(&p, &(pmm_place_config_t){.accounts_max = 1}, &err), PMM_INVAL);
  assert_int_equal(pmm_place_open(&p, &(pmm_place_config_t){.accounts_max = 1, .markets_max = 1, .fail_share = 0.7, .ghost_share = 0.7}, &err),
                   PMM_INVAL);
}

/* ---- background flow ---- */

static pmm_scenario_params_t scenario(int64_t seconds) {
  pmm_scenario_params_t s;
  memset(&s, 0, sizeof s);
  pmm_params_default(pmm_scenario_param_table, pmm_scenario_param_cnt, &s);
  s.duration_ns = seconds * PMM_NS_PER_S;
  return s;
}

static uint64_t trade_hash(const pmm_place_t *p) {
  uint64_t h = 0;
  for (uint64_t i = 1; i <= pmm_place_trade_cnt(p); i++) {
    const pmm_place_trade_t *const t = pmm_place_trade_at(p, i);
    h = pmm_hash_mix(pmm_hash_mix(pmm_hash_mix(h, (uint64_t)t->price_e4), (uint64_t)t->qty_e6), (uint64_t)t->at_ns);
  }
  return h;
}

/* Ten minutes of traders while a member quotes; the same seed gives the same trades however coarsely time passes. */
static uint64_t traded_day(pmm_venue_t venue, int64_t step_ns) {
  rig_t r;
  setup_with(&r, (pmm_place_config_t){.venue = venue,
                                      .accounts_max = 64,
                                      .settle_mined_ns = venue == PMM_VENUE_POLYMARKET ? PMM_NS_PER_S : 0,
                                      .settle_ns = venue == PMM_VENUE_POLYMARKET ? 2 * PMM_NS_PER_S : 0});
  pmm_place_listen(r.place, (pmm_place_listener_t){0});
  pmm_scenario_params_t const s = scenario(600);
  pmm_traders_params_t t;
  memset(&t, 0, sizeof t);
  pmm_params_default(pmm_traders_param_table, pmm_traders_param_cnt, &t);
  pmm_error_t err;
  if (pmm_place_traders(r.place, r.market, &s, &t, 7, 1000, &err) != PMM_OK) fail_msg("%s", err.text);
  assert_int_equal(pmm_place_traders(r.place, r.market, &s, &t, 7, 1000, &err), PMM_EXISTS);
  for (r.now = 1000; r.now < 590 * PMM_NS_PER_S; r.now += step_ns) {
    pmm_place_advance(r.place, r.now);
    double const p = pmm_place_truth(r.place, r.market, NULL);
    assert_true(p > 0 && p < 1);
    if (r.now % (60 * PMM_NS_PER_S) == 1000) order(&r, r.me, PMM_BUY_YES, 4500, 5);
  }
  assert_true(pmm_place_trade_cnt(r.place) > 200);
  assert_true(pmm_place_order_cnt(r.place) < 4000); /* reference makers alone send two quotes a second, each: records are used again */
  assert_true(pmm_place_is_background(r.place, r.other + 1) && !pmm_place_is_background(r.place, r.other));
  assert_true(isnan(pmm_place_truth(r.place, r.market + 1, NULL)));
  pmm_place_advance(r.place, 700 * PMM_NS_PER_S);
  assert_int_equal(pmm_place_advance(r.place, 700 * PMM_NS_PER_S), PMM_NS_MAX); /* the truth is out: nobody trades on */
  double const p = pmm_place_truth(r.place, r.market, NULL);
  assert_true(p == 0 || p == 1);
  uint64_t const h = trade_hash(r.place);
  teardown(&r);
  return h;
}

static void traders_repeat(void **state) {
  (void)state;
  assert_int_equal(traded_day(PMM_VENUE_DEGEN, PMM_NS_PER_S), traded_day(PMM_VENUE_DEGEN, 60 * PMM_NS_PER_S));
  assert_int_equal(traded_day(PMM_VENUE_POLYMARKET, PMM_NS_PER_S), traded_day(PMM_VENUE_POLYMARKET, 60 * PMM_NS_PER_S));
}

static pmm_md_t at(int64_t ns, pmm_md_t md) {
  md.recv_ns = ns;
  return md;
}

static int64_t shown(const rig_t *r, pmm_side_t side, int32_t price) {
  return pmm_ladder_qty(pmm_place_ladder(r->place, r->market), side, price / 100) / ONE;
}

static void a_recording_is_mirrored(void **state) {
  (void)state;
  int64_t const s = PMM_NS_PER_S;
  pmm_md_t const md[] = {
      at(5 * s, md_plain(1, PMM_MD_CLEAR, PMM_F_SNAPSHOT)),
      at(5 * s, md_level(1, PMM_BID, 4000, 10 * ONE, PMM_F_SNAPSHOT)),
      at(5 * s, md_level(1, PMM_ASK, 6000, 20 * ONE, PMM_F_SNAPSHOT | PMM_F_LAST)),
      at(5 * s, md_level(0, PMM_BID, 4400, 99 * ONE, PMM_F_LAST)), /* another market's */
      at(6 * s, md_level(1, PMM_BID, 4000, 30 * ONE, PMM_F_LAST)),
      at(7 * s, md_level(1, PMM_BID, 4000, 15 * ONE, PMM_F_LAST)),
      at(8 * s, md_trade(1, PMM_ASK, 4000, 16 * ONE, PMM_F_LAST)),
      at(8 * s, md_level(1, PMM_BID, 4000, 5 * ONE, PMM_F_LAST)),
      at(9 * s, md_level(1, PMM_ASK, 6000, 12 * ONE, PMM_F_LAST)),
      at(9 * s, md_trade(1, PMM_BID, 6000, 8 * ONE, PMM_F_LAST)),
      at(10 * s, md_plain(1, PMM_MD_CLEAR, PMM_F_SNAPSHOT)),
      at(10 * s, md_level(1, PMM_ASK, 5500, 7 * ONE, PMM_F_SNAPSHOT | PMM_F_LAST)),
  };
  rig_t r;
  setup(&r, PMM_VENUE_KALSHI);
  pmm_error_t err;
  assert_int_equal(pmm_place_flow(r.place, r.market, 1, md, 0, 1000, &err), PMM_INVAL);
  assert_int_equal(pmm_place_flow(r.place, r.market, 1, md, CNT(md), 1000, &err), PMM_OK);
  assert_int_equal(pmm_place_advance(r.place, 1000), 1000 + s);
  assert_int_equal(shown(&r, PMM_BID, 4000), 10);
  assert_int_equal(shown(&r, PMM_ASK, 6000), 20);
  assert_int_equal(shown(&r, PMM_BID, 4400), 0);
  r.now = 2000;
  pmm_place_answer_t const mine = order(&r, r.me, PMM_BUY_YES, 4000, 4); /* behind the first ten */
  pmm_place_advance(r.place, 1000 + s);
  assert_int_equal(shown(&r, PMM_BID, 4000), 34);
  pmm_place_advance(r.place, 1000 + 2 * s);
  assert_int_equal(shown(&r, PMM_BID, 4000), 19); /* the newest went: five of the second twenty are left behind me */
  assert_int_equal(pmm_place_ahead(r.place, mine.order->seq), 10 * ONE);
  pmm_place_advance(r.place, 1000 + 3 * s);
  assert_int_equal(mine.order->filled_e6, 4 * ONE); /* 16 printed: ten before me, my four, two behind */
  pmm_place_advance(r.place, 1000 + 4 * s - 1);
  assert_int_equal(shown(&r, PMM_BID, 4000), 5);    /* as recorded, although a member took part of the print */
  pmm_place_advance(r.place, 1000 + 4 * s);
  assert_int_equal(shown(&r, PMM_ASK, 6000), 4);    /* a level told before its print goes down twice */
  pmm_place_advance(r.place, 1000 + 4 * s + s / 5);
  assert_int_equal(shown(&r, PMM_ASK, 6000), 12);   /* and is made good */
  assert_int_equal(pmm_place_advance(r.place, 1000 + 6 * s), PMM_NS_MAX);
  assert_int_equal(shown(&r, PMM_BID, 4000), 0);
  assert_int_equal(shown(&r, PMM_ASK, 6000), 0);
  assert_int_equal(shown(&r, PMM_ASK, 5500), 7);
  teardown(&r);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(a_trade_is_told_in_order),
      cmocka_unit_test(a_sell_opens_the_opposite_where_pairs_net),
      cmocka_unit_test(names),
      cmocka_unit_test(money_buys_what_it_buys),
      cmocka_unit_test(all_the_money),
      cmocka_unit_test(amends),
      cmocka_unit_test(self_trades),
      cmocka_unit_test(a_trade_settles),
      cmocka_unit_test(a_trade_fails),
      cmocka_unit_test(a_ghost),
      cmocka_unit_test(resolution_with_trades_pending),
      cmocka_unit_test(pairs),
      cmocka_unit_test(fills_by_number),
      cmocka_unit_test(time_ends_orders),
      cmocka_unit_test(cancel_many),
      cmocka_unit_test(full_places),
      cmocka_unit_test(traders_repeat),
      cmocka_unit_test(a_recording_is_mirrored),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
