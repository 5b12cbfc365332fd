/* The simulator's venue as it is on a bad day: limits on requests, phases, fills that settle late or not at all; and fills by chance where
   a recording has no book. */
#include <math.h>
#include <jansson.h>
#include "exchange/limit.h"
#include "sim_rig.h"
#include "pmm/fmath.h"

/* ---- limits ---- */

/* The venue's documented bucket, case by case; a batch is as many requests of one moment. */
static void test_kalshi_vectors(void **state) {
  (void)state;
  json_error_t err;
  json_t *const all = json_load_file("tests/vectors/kalshi_vectors.json", 0, &err);
  if (!all) fail_msg("kalshi_vectors.json: %s", err.text);
  const json_t *const limit = json_object_get(all, "rate_limit"), *const cases = json_object_get(limit, "cases");
  pmm_sim_params_t params = {.rate_limit = PMM_RATE_KALSHI};
  pmm__limit_t l;
  assert_int_equal(pmm__limit_init(&l, &params), PMM_OK);
  assert_int_equal(l.bucket[0].capacity_e12, json_integer_value(json_object_get(limit, "capacity")) * INT64_C(1000000000000));
  assert_int_equal(l.bucket[0].refill_e3, json_integer_value(json_object_get(limit, "refill_per_s")) * 1000);
  assert_true(json_array_size(cases) >= 6);
  for (size_t i = 0; i < json_array_size(cases); i++) {
    const json_t *const c = json_array_get(cases, i);
    const char *const op = json_string_value(json_object_get(c, "op"));
    int64_t const now = 1 + json_integer_value(json_object_get(c, "t_ms")) * PMM_NS_PER_MS;
    uint8_t const kind = strncmp(op, "cancel", 6) == 0 ? PMM_ACT_CANCEL : PMM_ACT_PLACE;
    const char *const batch = strstr(op, "batch of ");
    int const cnt = batch ? atoi(batch + 9) : 1;
    assert_int_equal(l.cost_e12[kind] * cnt, json_integer_value(json_object_get(c, "cost")) * INT64_C(1000000000000));
    bool ok = true;
    for (int k = 0; k < cnt; k++) ok &= pmm__limit_allows(&l, now, kind);
    if (ok != json_is_true(json_object_get(c, "ok"))) fail_msg("case %zu, %s: %d", i, op, ok);
    assert_int_equal(l.bucket[0].left_e12, json_integer_value(json_object_get(c, "left")) * INT64_C(1000000000000));
  }
  json_decref(all);
}

/* However requests fall, no window lets more through than capacity + refill x length, and one that waits for refill is taken. */
static void test_bucket_bound(void **state) {
  (void)state;
  pmm_rng_t rng;
  pmm_rng_seed(&rng, test_seed());
  for (uint64_t round = 0; round < test_ops(2000) / 20; round++) {
    pmm__bucket_t b;
    int64_t const capacity = 1 + (int64_t)pmm_rng_below(&rng, 500), refill = 1 + (int64_t)pmm_rng_below(&rng, 300);
    pmm__bucket_init(&b, (double)capacity, (double)refill);
    int64_t now = 1000, taken = 0, began = now;
    for (int i = 0; i < 500; i++) {
      now += (int64_t)pmm_rng_below(&rng, 40 * (uint64_t)PMM_NS_PER_MS);
      int64_t const cost = 1 + (int64_t)pmm_rng_below(&rng, (uint64_t)capacity);
      int64_t const left = b.left_e12;
      if (pmm__bucket_take(&b, now, cost * INT64_C(1000000000000))) taken += cost;
      else assert_true(b.left_e12 >= left && b.left_e12 < cost * INT64_C(1000000000000)); /* a refused request takes nothing */
      assert_true((double)taken <= (double)capacity + (double)refill * (double)(now - began) / 1e9 + 1e-9);
    }
    now += (capacity * PMM_NS_PER_S + refill - 1) / refill;
    assert_true(pmm__bucket_take(&b, now, b.capacity_e12));
  }
}

static void test_figures(void **state) {
  (void)state;
  static const struct { const char *why; pmm_sim_params_t p; pmm_status_t want; } rows[] = {
    {"none needs no figures", {.rate_limit = PMM_RATE_NONE}, PMM_OK},
    {"polymarket", {.rate_limit = PMM_RATE_POLYMARKET}, PMM_OK},
    {"degen", {.rate_limit = PMM_RATE_DEGEN}, PMM_OK},
    {"custom", {.rate_limit = PMM_RATE_CUSTOM, .rate_capacity = 5, .rate_refill = 0.5, .rate_cost_place = 5}, PMM_OK},
    {"nothing ever comes in", {.rate_limit = PMM_RATE_CUSTOM, .rate_capacity = 5}, PMM_INVAL},
    {"a cost that the bucket never holds", {.rate_limit = PMM_RATE_CUSTOM, .rate_capacity = 5, .rate_refill = 1, .rate_cost_cancel = 6}, PMM_INVAL},
    {"a negative cost", {.rate_limit = PMM_RATE_CUSTOM, .rate_capacity = 5, .rate_refill = 1, .rate_cost_place = -1}, PMM_INVAL},
    {"not a number", {.rate_limit = PMM_RATE_CUSTOM, .rate_capacity = NAN, .rate_refill = 1}, PMM_INVAL},
  };
  for (size_t i = 0; i < CNT(rows); i++) {
    pmm__limit_t l;
    if (pmm__limit_init(&l, &rows[i].p) != rows[i].want) fail_msg("%s", rows[i].why);
  }
}

static void custom_limit(rig_t *r, double capacity, double place, double cancel) {
  setup(r);
  r->params.rate_limit = PMM_RATE_CUSTOM;
  r->params.rate_capacity = capacity;
  r->params.rate_refill = 1;
  r->params.rate_cost_place = place;
  r->params.rate_cost_cancel = cancel;
  r->params.rate_cost_amend = 2;
  start(r);
}

/* Each kind of request is refused in its own way, leaves everything as it is, and goes through once there are tokens again. */
static void test_requests_over_the_limit(void **state) {
  (void)state;
  rig_t r;
  custom_limit(&r, 3, 1, 1);
  bid(&r, 1, 4500, 10);
  expect(&r, PMM_EV_ACK, 1, 4500, 10);
  act(&r, act_amend(0, 1, 4500, 8 * ONE));
  expect(&r, PMM_EV_AMENDED, 1, 4500, 8);
  bid(&r, 2, 4500, 10);
  expect_refusal(&r, PMM_EV_REJECT, PMM_REJECT_RATE);
  act(&r, act_amend(0, 1, 4500, 6 * ONE));
  expect_refusal(&r, PMM_EV_AMEND_REJECT, PMM_REJECT_RATE);
  act(&r, act_cancel(0, 1));
  expect_refusal(&r, PMM_EV_CANCEL_REJECT, PMM_REJECT_RATE);
  assert_int_equal(pmm_sim_stats(r.sim)->rate_refused, 3);
  trade(&r, PMM_ASK, 4400, 3); /* it still rests, and fills */
  expect_fill(&r, 1, 4500, 3);
  r.now += PMM_NS_PER_S;
  act(&r, act_cancel(0, 1));
  expect(&r, PMM_EV_CANCELLED, 1, 4500, 5);
  stop(&r);
}

static void test_polymarket_counts_cancels_apart(void **state) {
  (void)state;
  rig_t r;
  setup(&r);
  r.params.rate_limit = PMM_RATE_POLYMARKET;
  start(&r);
  uint64_t id = 0;
  for (; id < 60; id++) { /* 32 orders at most: each goes before the next comes */
    bid(&r, id + 1, 4500, 1);
    expect(&r, PMM_EV_ACK, id + 1, 4500, 1);
    act(&r, act_cancel(0, id + 1));
    expect(&r, PMM_EV_CANCELLED, id + 1, 4500, 1);
  }
  bid(&r, 61, 4500, 1);
  expect_refusal(&r, PMM_EV_REJECT, PMM_REJECT_RATE);
  act(&r, act_cancel(0, 61)); /* 60 cancels of 120 are left */
  expect_refusal(&r, PMM_EV_CANCEL_REJECT, PMM_REJECT_UNKNOWN_ORDER);
  stop(&r);
}

/* A fill crosses a wish for less: what is left stays what it is, where it stands. */
static void test_amend_crossed_by_a_fill(void **state) {
  (void)state;
  rig_t r;
  setup(&r);
  start(&r);
  bid(&r, 1, 4500, 10);
  trade(&r, PMM_ASK, 4500, 8);
  level(&r, PMM_BID, 4500, 50); /* others join behind us */
  pmm_action_t less = act_amend(0, 1, 4500, 6 * ONE);
  less.flags = PMM_ACT_REDUCE_ONLY;
  act(&r, less);
  expect(&r, PMM_EV_AMENDED, 1, 4500, 2);
  assert_true(ahead(&r, 1) == 0);
  act(&r, act_amend(0, 1, 4500, 6 * ONE)); /* asked for plainly it grows, at the back */
  expect(&r, PMM_EV_AMENDED, 1, 4500, 6);
  assert_true(ahead(&r, 1) == 50);
  stop(&r);
}

/* ---- phases ---- */

static void phase(rig_t *r, pmm_phase_t to) {
  pmm_md_t md = md_plain(0, PMM_MD_PHASE, PMM_F_LAST);
  md.aux = (uint8_t)to;
  feed(r, md);
}

static void test_phases(void **state) {
  (void)state;
  enum { PLACE_POST, PLACE_PLAIN, PLACE_IOC, AMEND_DOWN, AMEND_UP_POST, AMEND_UP_PLAIN, CANCEL };
  static const struct { const char *why; pmm_phase_t phase; int what; bool taken; } rows[] = {
    {"normal: post-only", PMM_PHASE_NORMAL, PLACE_POST, true},
    {"normal: plain", PMM_PHASE_NORMAL, PLACE_PLAIN, true},
    {"normal: cancel", PMM_PHASE_NORMAL, CANCEL, true},
    {"post-only: post-only", PMM_PHASE_POST_ONLY, PLACE_POST, true},
    {"post-only: plain", PMM_PHASE_POST_ONLY, PLACE_PLAIN, false},
    {"post-only: immediate", PMM_PHASE_POST_ONLY, PLACE_IOC, false},
    {"post-only: a smaller size", PMM_PHASE_POST_ONLY, AMEND_DOWN, true},
    {"post-only: an amend of a post-only order", PMM_PHASE_POST_ONLY, AMEND_UP_POST, true},
    {"post-only: an amend of another", PMM_PHASE_POST_ONLY, AMEND_UP_PLAIN, false},
    {"post-only: cancel", PMM_PHASE_POST_ONLY, CANCEL, true},
    {"cancel-only: post-only", PMM_PHASE_CANCEL_ONLY, PLACE_POST, false},
    {"cancel-only: immediate", PMM_PHASE_CANCEL_ONLY, PLACE_IOC, false},
    {"cancel-only: a smaller size", PMM_PHASE_CANCEL_ONLY, AMEND_DOWN, false},
    {"cancel-only: cancel", PMM_PHASE_CANCEL_ONLY, CANCEL, true},
  };
  for (size_t i = 0; i < CNT(rows); i++) {
    rig_t r;
    setup(&r);
    start(&r);
    level(&r, PMM_ASK, 5500, 100);
    bid(&r, 1, 4500, 10);
    place(&r, 2, PMM_BUY_YES, 4400, 10, PMM_GTC, 0);
    phase(&r, rows[i].phase);
    switch (rows[i].what) {
    case PLACE_POST: bid(&r, 3, 4300, 5); break;
    case PLACE_PLAIN: place(&r, 3, PMM_BUY_YES, 4300, 5, PMM_GTC, 0); break;
    case PLACE_IOC: place(&r, 3, PMM_BUY_YES, 5500, 5, PMM_IOC, 0); break;
    case AMEND_DOWN: act(&r, act_amend(0, 2, 4400, 5 * ONE)); break;
    case AMEND_UP_POST: act(&r, act_amend(0, 1, 4600, 5 * ONE)); break;
    case AMEND_UP_PLAIN: act(&r, act_amend(0, 2, 4600, 5 * ONE)); break;
    default: act(&r, act_cancel(0, 1));
    }
    bool const refused = r.log[0].md.kind == PMM_EV_REJECT || r.log[0].md.kind == PMM_EV_AMEND_REJECT;
    if (refused == rows[i].taken || (refused && r.log[0].md.aux != PMM_REJECT_PHASE)) fail_msg("%s: %s", rows[i].why, kind_name(r.log[0].md.kind));
    phase(&r, PMM_PHASE_NORMAL);
    bid(&r, 9, 4200, 5);
    expect(&r, PMM_EV_ACK, 9, 4200, 5);
    trade(&r, PMM_ASK, 4500, 100); /* phases stop requests, not fills */
    if (rows[i].what != CANCEL && rows[i].what != AMEND_UP_POST) expect_fill(&r, 1, 4500, 10);
    stop(&r);
  }
}

/* ---- settlement ---- */

static void settling(rig_t *r, int64_t delay_ns, double fail_share) {
  setup(r);
  r->market.venue = PMM_VENUE_POLYMARKET;
  r->params.settle_delay_ns = delay_ns;
  r->params.settle_fail_share = fail_share;
  start(r);
  level(r, PMM_BID, 4500, 100);
  level(r, PMM_ASK, 5500, 100);
}

static void advance_to(rig_t *r, int64_t now) {
  r->now = now;
  pmm_sim_advance(r->sim, r->now);
  drain(r);
}

static void expect_money(const rig_t *r, double cash, double yes, double no) {
  int64_t y, n;
  pmm_sim_holding(r->sim, 0, &y, &n);
  if (pmm_sim_cash(r->sim) != llround(cash * 1e6) || y != llround(yes * 1e6) || n != llround(no * 1e6))
    fail_msg("%.6f %.6f %.6f, expected %.6f %.6f %.6f", (double)pmm_sim_cash(r->sim) / 1e6, (double)y / 1e6, (double)n / 1e6, cash, yes, no);
}

/* What was bought cannot be sold before it is final; the simulator says itself when that is. */
static void test_late_settlement(void **state) {
  (void)state;
  rig_t r;
  settling(&r, 100, 0);
  assert_int_equal(pmm_sim_next(r.sim), PMM_NS_MAX);
  place(&r, 1, PMM_BUY_YES, 5500, 10, PMM_IOC, 0);
  expect_fill(&r, 1, 5500, 10);
  assert_int_equal(r.log[0].md.aux, PMM_SETTLE_PENDING);
  uint64_t const trade_id = r.log[0].ref_id;
  int64_t const due = r.now + 100;
  assert_int_equal(pmm_sim_next(r.sim), due);
  expect_money(&r, 1000 - 5.5, 10, 0);
  place(&r, 2, PMM_SELL_YES, 6000, 5, PMM_GTC, 0);
  expect_refusal(&r, PMM_EV_REJECT, PMM_REJECT_SHARES);
  advance_to(&r, due - 1);
  expect_nothing(&r);
  advance_to(&r, due);
  expect(&r, PMM_EV_SETTLED, 1, 5500, 10);
  assert_int_equal(r.log[0].ref_id, trade_id);
  assert_int_equal(pmm_sim_next(r.sim), PMM_NS_MAX);
  place(&r, 3, PMM_SELL_YES, 6000, 5, PMM_GTC, 0);
  expect(&r, PMM_EV_ACK, 3, 6000, 5);
  assert_int_equal(pmm_sim_stats(r.sim)->settled, 1);
  stop(&r);
}

/* A failure takes back contracts, cash and fee, of purchases and of sales. */
static void test_failed_settlement(void **state) {
  (void)state;
  rig_t r;
  setup(&r);
  r.market.venue = PMM_VENUE_POLYMARKET;
  r.market.fees = (pmm_fee_schedule_t){.model = PMM_FEE_KALSHI, .taker_rate_e6 = 70000, .maker_rate_e6 = 17500, .precision_e6 = 100};
  start(&r);
  level(&r, PMM_BID, 4500, 100);
  level(&r, PMM_ASK, 5500, 100);
  place(&r, 1, PMM_BUY_YES, 5500, 10, PMM_IOC, 0); /* final at once */
  assert_int_equal(r.log[0].md.aux, PMM_SETTLE_FINAL);
  int64_t const cash = pmm_sim_cash(r.sim);
  pmm_md_t md = md_plain(0, PMM_MD_SETTLEMENT, PMM_F_LAST);
  md.qty_e6 = 50;
  md.price_e4 = PMM_ONE_E4; /* every fill fails from now on */
  feed(&r, md);
  place(&r, 2, PMM_BUY_YES, 5500, 7, PMM_IOC, 0);
  place(&r, 3, PMM_SELL_YES, 4500, 4, PMM_IOC, 0);
  int64_t yes, no;
  pmm_sim_holding(r.sim, 0, &yes, &no);
  assert_int_equal(yes, 13 * ONE);
  advance_to(&r, r.now + 100);
  assert_int_equal(r.log_cnt, 2);
  assert_int_equal(r.log[0].md.kind, PMM_EV_SETTLE_FAILED);
  assert_int_equal(r.log[0].order_id, 2);
  assert_int_equal(r.log[1].order_id, 3);
  assert_int_equal(pmm_sim_cash(r.sim), cash);
  pmm_sim_holding(r.sim, 0, &yes, &no);
  assert_int_equal(yes, 10 * ONE);
  assert_int_equal(pmm_sim_stats(r.sim)->settle_failed, 2);
  md.qty_e6 = -1; /* as before */
  md.price_e4 = 0;
  feed(&r, md);
  place(&r, 4, PMM_BUY_YES, 5500, 1, PMM_IOC, 0);
  assert_int_equal(r.log[0].md.aux, PMM_SETTLE_PENDING); /* late still, but sure */
  advance_to(&r, r.now + 50);
  expect(&r, PMM_EV_SETTLED, 4, 5500, 1);
  stop(&r);
}

/* A market may resolve while fills are pending: it pays them too, and a failure afterwards takes back fill and payout. */
static void test_resolved_while_pending(void **state) {
  (void)state;
  static const struct { int64_t payout; double share, cash_then, cash_after; } rows[] = {
    {ONE, 0, 1000 - 5.5 + 10, 1000 - 5.5 + 10}, {ONE, 1, 1000 - 5.5 + 10, 1000}, {0, 1, 1000 - 5.5, 1000}, {333333, 1, 1000 - 5.5 + 3.33333, 1000},
  };
  for (size_t i = 0; i < CNT(rows); i++) {
    rig_t r;
    settling(&r, 1000, rows[i].share);
    place(&r, 1, PMM_BUY_YES, 5500, 10, PMM_IOC, 0);
    status(&r, PMM_LIFE_CLOSED, 0);
    status(&r, PMM_LIFE_RESOLVED, rows[i].payout);
    expect_money(&r, rows[i].cash_then, 0, 0);
    status(&r, PMM_LIFE_RESOLVED, rows[i].payout); /* said twice, paid once */
    expect_money(&r, rows[i].cash_then, 0, 0);
    advance_to(&r, r.now + 1000);
    expect_money(&r, rows[i].cash_after, 0, 0);
    stop(&r);
  }
}

/* Cash that a failed sale takes back may be what orders rest on: the newest go until the rest is covered. */
static void test_failure_cancels_what_it_paid_for(void **state) {
  (void)state;
  rig_t r;
  setup(&r);
  r.market.venue = PMM_VENUE_POLYMARKET;
  start(&r);
  level(&r, PMM_ASK, 5000, 2000);
  level(&r, PMM_BID, 4000, 2000);
  place(&r, 1, PMM_BUY_YES, 5000, 1000, PMM_IOC, 0); /* 500 of 1000 dollars */
  pmm_md_t md = md_plain(0, PMM_MD_SETTLEMENT, PMM_F_LAST);
  md.qty_e6 = 50;
  md.price_e4 = PMM_ONE_E4;
  feed(&r, md);
  place(&r, 2, PMM_SELL_YES, 4000, 1000, PMM_IOC, 0); /* 900 dollars */
  place(&r, 3, PMM_BUY_YES, 3000, 1000, PMM_GTC, 0);  /* 300 locked */
  place(&r, 4, PMM_BUY_YES, 2000, 1000, PMM_GTC, 0);  /* 500 */
  place(&r, 5, PMM_BUY_YES, 1000, 1000, PMM_GTC, 0);  /* 600 */
  advance_to(&r, r.now + 100);
  assert_int_equal(r.log_cnt, 2);
  assert_int_equal(r.log[0].md.kind, PMM_EV_SETTLE_FAILED);
  assert_int_equal(r.log[1].md.kind, PMM_EV_CANCELLED);
  assert_int_equal(r.log[1].order_id, 5);
  assert_int_equal(r.log[1].md.aux, PMM_REJECT_FUNDS);
  expect_money(&r, 500, 1000, 0);
  stop(&r);
}

/* More fills than can wait: the one due first is final early, so that the ledger's log never overflows. */
static void test_too_many_pending(void **state) {
  (void)state;
  rig_t r;
  settling(&r, PMM_NS_PER_S, 0);
  uint64_t settled = 0, filled = 0;
  for (uint64_t id = 1; id <= PMM_SIM_PENDING_MAX + 10; id++) {
    r.log_cnt = 0;
    level(&r, PMM_ASK, 5500, 100 + (double)(id % 7)); /* any change refills what we took */
    place(&r, id, PMM_BUY_YES, 5500, 0.01, PMM_IOC, 0);
    for (size_t i = 0; i < r.log_cnt; i++) {
      settled += r.log[i].md.kind == PMM_EV_SETTLED;
      filled += r.log[i].md.kind == PMM_EV_FILL;
      if (r.log[i].md.kind == PMM_EV_SETTLED) assert_int_equal(r.log[i].ref_id, settled); /* the oldest first */
    }
  }
  assert_int_equal(filled, PMM_SIM_PENDING_MAX + 10);
  assert_int_equal(settled, 10);
  stop(&r);
}

/* ---- chance ---- */

static void price(rig_t *r, int64_t at_ns, int32_t price_e4) {
  pmm_md_t md = md_plain(0, PMM_MD_PRICE, PMM_F_LAST);
  md.price_e4 = price_e4;
  r->now = at_ns - 1; /* feed goes one on */
  feed(r, md);
}

static void priced(rig_t *r, double rate, double decay, uint64_t seed) {
  setup(r);
  r->market.data = PMM_DATA_PRICE;
  r->params.bernoulli_rate = rate;
  r->params.bernoulli_decay = decay;
  r->params.bernoulli_max_dt_ns = 10 * PMM_NS_PER_S;
  r->params.bernoulli_half_spread = 0.015;
  r->params.seed = seed;
  start(r);
}

static void test_price_through_us(void **state) {
  (void)state;
  rig_t r;
  priced(&r, 0, 0, 1); /* nothing ever fills by chance alone */
  price(&r, PMM_NS_PER_S, 5000);
  bid(&r, 1, 4800, 10);
  ask(&r, 2, 5200, 10);
  price(&r, 2 * PMM_NS_PER_S, 4800); /* at it is not through it */
  expect_nothing(&r);
  price(&r, 3 * PMM_NS_PER_S, 4799);
  expect_fill(&r, 1, 4800, 10);
  assert_true(r.log[0].md.flags & PMM_F_MAKER);
  price(&r, 4 * PMM_NS_PER_S, 5201);
  expect_fill(&r, 2, 5200, 10);
  assert_int_equal(pmm_sim_stats(r.sim)->bernoulli_fills, 2);
  assert_int_equal(pmm_sim_stats(r.sim)->bernoulli_e6, 20 * ONE);
  assert_int_equal(pmm_sim_stats(r.sim)->maker_fills, 2);
  stop(&r);
}

/* Of many orders, as large a share fills as the formula says: distance, exposure and the longest silence that counts. */
static void test_share_of_fills(void **state) {
  (void)state;
  static const struct { const char *why; int32_t bid_e4; double wait_s; double rate, decay, dt_s; } rows[] = {
    {"at the price", 5000, 1, 0.5, 30, 1},
    {"two cents away", 4800, 1, 0.5, 30, 1},
    {"twice as long", 4800, 2, 0.5, 30, 2},
    {"a silence counts for ten seconds", 4800, 500, 0.05, 30, 10},
  };
  uint64_t const seed = test_seed(), orders = test_ops(4000);
  for (size_t i = 0; i < CNT(rows); i++) {
    rig_t r;
    priced(&r, rows[i].rate, rows[i].decay, seed + i);
    int64_t now = PMM_NS_PER_S;
    price(&r, now, 5000);
    for (uint64_t id = 1; id <= orders; id++) {
      r.now = now = now + PMM_NS_PER_S; /* long after the last price: what counts is since it rests */
      bid(&r, id, rows[i].bid_e4, 1);
      now = r.now + (int64_t)(rows[i].wait_s * 1e9);
      price(&r, now, 5000);
      act(&r, act_cancel(0, id));
    }
    double const d = (5000 - rows[i].bid_e4) / 10000.0, p = 1 - exp(-rows[i].rate * exp(-rows[i].decay * d) * rows[i].dt_s);
    double const got = (double)pmm_sim_stats(r.sim)->bernoulli_fills / (double)orders, sd = sqrt(p * (1 - p) / (double)orders);
    if (fabs(got - p) > 4 * sd) fail_msg("%s: %.4f filled, expected %.4f +- %.4f", rows[i].why, got, p, sd);
    stop(&r);
  }
}

static uint64_t pattern_of(uint64_t seed, bool another) {
  rig_t r;
  priced(&r, 0.3, 20, seed);
  price(&r, PMM_NS_PER_S, 5000);
  uint64_t pattern = 0;
  for (uint64_t id = 1; id <= 60; id++) {
    bid(&r, 2 * id, 4900, 1);
    if (another) bid(&r, 2 * id + 1, 4500, 1); /* behind it: draws after it */
    price(&r, (int64_t)(id + 1) * PMM_NS_PER_S, 5000);
    pattern = pattern << 1 | (r.log_cnt > 0 && r.log[0].order_id == 2 * id);
    act(&r, act_cancel(0, 2 * id));
    act(&r, act_cancel(0, 2 * id + 1));
  }
  stop(&r);
  return pattern;
}
static void test_same_seed_same_fills(void **state) {
  (void)state;
  assert_true(pattern_of(7, false) == pattern_of(7, false));
  assert_true(pattern_of(7, false) != pattern_of(8, false));
  assert_true(pattern_of(7, true) == pattern_of(7, true));
}

/* Who takes trades half a spread beyond the price, rounded to our loss; nothing is known before the first price. */
static void test_takers_without_a_book(void **state) {
  (void)state;
  rig_t r;
  priced(&r, 0, 0, 1);
  place(&r, 1, PMM_BUY_YES, 9900, 5, PMM_IOC, 0);
  expect(&r, PMM_EV_CANCELLED, 1, 9900, 5);
  price(&r, PMM_NS_PER_S, 5000);
  place(&r, 2, PMM_BUY_YES, 5100, 5, PMM_IOC, 0); /* would have to pay .515, on a cent grid .52 */
  expect(&r, PMM_EV_CANCELLED, 2, 5100, 5);
  place(&r, 3, PMM_BUY_YES, 5300, 5, PMM_IOC, 0);
  expect_fill(&r, 3, 5200, 5);
  assert_false(r.log[0].md.flags & PMM_F_MAKER);
  place(&r, 4, PMM_SELL_YES, 4000, 5, PMM_FOK, 0);
  expect_fill(&r, 4, 4800, 5);
  place(&r, 5, PMM_BUY_YES, 5200, 5, PMM_GTC, PMM_ACT_POST_ONLY);
  expect_refusal(&r, PMM_EV_REJECT, PMM_REJECT_POST_ONLY);
  bid(&r, 6, 5100, 5);
  expect(&r, PMM_EV_ACK, 6, 5100, 5);
  assert_true(ahead(&r, 6) < 0); /* nobody knows a queue */
  stop(&r);
}

/* On a book the same model may be asked for: the middle is the price, prints and crossings fill nothing more. */
static void test_chance_over_a_book(void **state) {
  (void)state;
  rig_t r;
  setup(&r);
  r.params.fill_model = PMM_FILL_BERNOULLI;
  r.params.bernoulli_rate = 0;
  r.params.cross_fill = PMM_CROSSFILL_ALWAYS;
  start(&r);
  level(&r, PMM_BID, 4900, 10);
  level(&r, PMM_ASK, 5100, 10);
  bid(&r, 1, 4900, 5);
  trade(&r, PMM_ASK, 4800, 100);
  expect_nothing(&r);
  level(&r, PMM_BID, 4900, 0);
  level(&r, PMM_BID, 4700, 10); /* middle .49: not through yet */
  expect_nothing(&r);
  level(&r, PMM_ASK, 4800, 10); /* .475 */
  expect_fill(&r, 1, 4900, 5);
  assert_int_equal(pmm_sim_stats(r.sim)->bernoulli_fills, 1);
  assert_int_equal(pmm_sim_stats(r.sim)->cross_fills, 0);
  stop(&r);
}

int main(void) {
  const struct CMUnitTest tests[] = {
    cmocka_unit_test(test_kalshi_vectors), cmocka_unit_test(test_bucket_bound), cmocka_unit_test(test_figures), cmocka_unit_test(test_requests_over_the_limit),
    cmocka_unit_test(test_polymarket_counts_cancels_apart), cmocka_unit_test(test_amend_crossed_by_a_fill), cmocka_unit_test(test_phases), cmocka_unit_test(test_late_settlement),
    cmocka_unit_test(test_failed_settlement), cmocka_unit_test(test_resolved_while_pending), cmocka_unit_test(test_failure_cancels_what_it_paid_for),
    cmocka_unit_test(test_too_many_pending), cmocka_unit_test(test_price_through_us), cmocka_unit_test(test_share_of_fills),
    cmocka_unit_test(test_same_seed_same_fills), cmocka_unit_test(test_takers_without_a_book), cmocka_unit_test(test_chance_over_a_book),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
