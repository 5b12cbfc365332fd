/* The fill simulator case by case: queue models, prints, crossings, takers, money, life. */
#include "sim_rig.h"

/* ---- queue models ---- */

typedef struct step { char what; double qty; double ahead; double fill; } step_t; /* L level now, T print at our price; ahead after it, our fill */

static void run_steps(const char *why, int32_t model, double power, int64_t lag, const step_t *steps, size_t cnt) {
  rig_t r;
  setup(&r);
  r.params.queue = model;
  r.params.queue_power = power;
  r.params.print_lag_ns = lag;
  start(&r);
  for (size_t i = 0; i < cnt; i++) {
    const step_t *const s = &steps[i];
    if (s->what == 'L') level(&r, PMM_BID, 5000, s->qty);
    else if (s->what == 'T') trade(&r, PMM_ASK, 5000, s->qty);
    else if (s->what == 'O') bid(&r, 1, 5000, s->qty);
    else r.now += (int64_t)s->qty;
    if (s->fill > 0) expect_fill(&r, 1, 5000, s->fill);
    else if (s->what != 'O') expect_nothing(&r);
    if (s->what != 'W' && (ahead(&r, 1) < s->ahead - 2e-6 || ahead(&r, 1) > s->ahead + 2e-6)) fail_msg("%s, step %zu: ahead %.6f, expected %.6f", why, i, ahead(&r, 1), s->ahead);
  }
  stop(&r);
}
#define STEPS(why, model, power, lag, ...) \
  do { step_t const steps_[] = {__VA_ARGS__}; run_steps(why, model, power, lag, steps_, CNT(steps_)); } while (0)

static void queue_models(void **state) {
  (void)state;
  STEPS("front: the first print fills", PMM_QUEUE_FRONT, 1, 0, {'L', 100, -1, 0}, {'O', 10, 0, 0}, {'T', 4, 0, 4}, {'L', 50, 0, 0}, {'T', 6, -1, 6});
  STEPS("back: only prints move us", PMM_QUEUE_BACK, 1, 0, {'L', 100, -1, 0}, {'O', 10, 100, 0}, {'L', 120, 100, 0}, {'L', 110, 100, 0}, {'T', 60, 40, 0}, {'L', 50, 40, 0},
        {'T', 45, 0, 5}, {'T', 5, -1, 5});
  STEPS("back: never more ahead than is shown", PMM_QUEUE_BACK, 1, 0, {'L', 100, -1, 0}, {'O', 10, 100, 0}, {'L', 30, 30, 0}, {'L', 200, 30, 0});
  STEPS("a print and its level change move us once", PMM_QUEUE_PROPORTIONAL, 1, 0, {'L', 100, -1, 0}, {'O', 10, 100, 0}, {'L', 200, 100, 0}, {'T', 50, 50, 0}, {'L', 150, 50, 0},
        {'L', 120, 40, 0});
  STEPS("proportional: a cancel of a half takes half of what is ahead", PMM_QUEUE_PROPORTIONAL, 1, 0, {'L', 60, -1, 0}, {'O', 10, 60, 0}, {'L', 100, 60, 0}, {'L', 50, 30, 0});
  STEPS("proportional: print and cancel in one level change", PMM_QUEUE_PROPORTIONAL, 1, 0, {'L', 100, -1, 0}, {'O', 10, 100, 0}, {'L', 200, 100, 0}, {'T', 20, 80, 0}, {'L', 170, 76, 0});
  STEPS("power 2: front 60, back 40, cut 20", PMM_QUEUE_POWER, 2, 0, {'L', 60, -1, 0}, {'O', 10, 60, 0}, {'L', 100, 60, 0}, {'L', 80, 60 - 20 * 3600.0 / 5200, 0});
  STEPS("power 3", PMM_QUEUE_POWER, 3, 0, {'L', 60, -1, 0}, {'O', 10, 60, 0}, {'L', 100, 60, 0}, {'L', 80, 60 - 20 * 216000.0 / 280000, 0});
  STEPS("power 2: what does not fit behind was ahead", PMM_QUEUE_POWER, 2, 0, {'L', 10, -1, 0}, {'O', 10, 10, 0}, {'L', 100, 10, 0}, {'L', 5, 5, 0});
  STEPS("power_share 2: front 60 of 100, cut 20", PMM_QUEUE_POWER_SHARE, 2, 0, {'L', 60, -1, 0}, {'O', 10, 60, 0}, {'L', 100, 60, 0}, {'L', 80, 60 - 20 * 0.36, 0});
  STEPS("power_share 2: what does not fit behind was ahead", PMM_QUEUE_POWER_SHARE, 2, 0, {'L', 10, -1, 0}, {'O', 10, 10, 0}, {'L', 100, 10, 0}, {'L', 5, 5, 0});
  STEPS("power: an empty level", PMM_QUEUE_POWER, 2, 0, {'O', 10, 0, 0}, {'L', 5, 0, 0}, {'L', 0, 0, 0}, {'T', 3, 0, 3});
}

static void late_prints(void **state) {
  (void)state;
  STEPS("without a lag the level change moves us and so does its print", PMM_QUEUE_BACK, 1, 0, {'L', 100, -1, 0}, {'O', 10, 100, 0}, {'L', 70, 70, 0}, {'T', 30, 40, 0});
  STEPS("a print within the lag explains the change before it", PMM_QUEUE_BACK, 1, 1000, {'L', 100, -1, 0}, {'O', 10, 100, 0}, {'L', 70, 70, 0}, {'T', 30, 70, 0});
  STEPS("and takes back what the model had moved", PMM_QUEUE_PROPORTIONAL, 1, 1000, {'L', 50, -1, 0}, {'O', 10, 50, 0}, {'L', 100, 50, 0}, {'L', 60, 30, 0}, {'T', 40, 10, 0}, {'L', 50, 8.333334, 0});
  STEPS("a level wiped out by a sweep is not ours as well", PMM_QUEUE_BACK, 1, 1000, {'L', 100, -1, 0}, {'O', 10, 100, 0}, {'L', 0, 0, 0}, {'T', 100, 0, 0}, {'T', 4, 0, 4});
  STEPS("after the lag it was a cancel", PMM_QUEUE_BACK, 1, 1000, {'L', 100, -1, 0}, {'O', 10, 100, 0}, {'L', 70, 70, 0}, {'W', 2000, 0, 0}, {'T', 30, 40, 0});
  STEPS("a print larger than the change", PMM_QUEUE_BACK, 1, 1000, {'L', 100, -1, 0}, {'O', 10, 100, 0}, {'L', 90, 90, 0}, {'T', 30, 70, 0}, {'L', 70, 70, 0}, {'L', 60, 60, 0});
  STEPS("more changes than are remembered: the latest count", PMM_QUEUE_BACK, 1, 8000, {'L', 200, -1, 0}, {'O', 10, 200, 0}, {'L', 190, 190, 0}, {'L', 180, 180, 0}, {'W', 1500, 0, 0}, {'L', 170, 170, 0},
        {'T', 10, 170, 0}, {'T', 10, 170, 0}, {'T', 10, 170, 0}, {'T', 10, 160, 0});
}

/* ---- prints ---- */

static void prints(void **state) {
  (void)state;
  rig_t r;
  setup(&r);
  start(&r);
  level(&r, PMM_BID, 5000, 10);
  level(&r, PMM_ASK, 5500, 10);
  bid(&r, 1, 5000, 5);
  expect(&r, PMM_EV_ACK, 1, 5000, 5);
  bid(&r, 2, 4900, 5);
  ask(&r, 3, 5500, 5);
  trade(&r, PMM_BID, 5400, 100); /* below our ask */
  expect_nothing(&r);
  trade(&r, PMM_ASK, 5000, 12); /* ten were ahead */
  expect_fill(&r, 1, 5000, 2);
  assert_int_equal(r.log[0].md.flags, PMM_F_MAKER);
  assert_int_equal(r.log[0].ref_id, 1);
  feed(&r, md_trade(0, PMM_ASK, 4900, 4 * ONE, PMM_F_LAST | PMM_F_INFERRED)); /* beyond 0.50: the rest of it first, what is left reaches 0.49 */
  assert_int_equal(r.log_cnt, 2);
  assert_int_equal(r.log[0].order_id, 1);
  assert_int_equal(r.log[0].md.price_e4, 5000);
  assert_int_equal(r.log[0].md.qty_e6, 3 * ONE);
  assert_int_equal(r.log[0].md.flags, PMM_F_MAKER | PMM_F_INFERRED);
  assert_int_equal(r.log[1].order_id, 2);
  assert_int_equal(r.log[1].md.qty_e6, ONE);
  trade(&r, PMM_BID, 5600, 0.005); /* less than a lot */
  expect_nothing(&r);
  trade(&r, PMM_BID, 5600, 7.777777);
  expect_fill(&r, 3, 5500, 5);
  const pmm_sim_stats_t *const s = pmm_sim_stats(r.sim);
  assert_int_equal(s->maker_fills, 4);
  assert_int_equal(s->through_fills, 2);
  assert_int_equal(s->inferred_fills, 2);
  assert_int_equal(s->inferred_e6, 4 * ONE);
  assert_int_equal(s->maker_e6, 11 * ONE);
  stop(&r);
}

static void prints_are_shared(void **state) {
  (void)state;
  rig_t r;
  setup(&r);
  start(&r);
  level(&r, PMM_BID, 5000, 5);
  bid(&r, 1, 5000, 5);
  level(&r, PMM_BID, 5000, 10);
  bid(&r, 2, 5000, 5);
  trade(&r, PMM_ASK, 5000, 8); /* five ahead of both, three for the first; the second has ten others and one of ours ahead */
  expect_fill(&r, 1, 5000, 3);
  assert_true(ahead(&r, 2) == 5); /* the print left eight less three ... of ten */
  trade(&r, PMM_ASK, 5000, 9);
  assert_int_equal(r.log_cnt, 2);
  assert_int_equal(r.log[0].md.qty_e6, 2 * ONE);
  assert_int_equal(r.log[1].order_id, 2);
  assert_int_equal(r.log[1].md.qty_e6, 2 * ONE); /* 9 - 2 - 5 */
  stop(&r);
}

static void without_through(void **state) {
  (void)state;
  rig_t r;
  setup(&r);
  r.params.through = false;
  start(&r);
  bid(&r, 1, 5000, 5);
  bid(&r, 2, 4900, 5);
  trade(&r, PMM_ASK, 4900, 10);
  expect_fill(&r, 2, 4900, 5);
  stop(&r);
}

static void whole_fills(void **state) {
  (void)state;
  rig_t r;
  setup(&r);
  r.params.whole_fills = true;
  r.market.lot_e6 = r.market.min_size_e6 = ONE;
  start(&r);
  level(&r, PMM_BID, 5000, 10);
  bid(&r, 1, 5000, 20);
  trade(&r, PMM_ASK, 5000, 10.4);
  expect_nothing(&r);
  trade(&r, PMM_ASK, 5000, 0.2); /* with the four tenths before it, more than half a lot */
  expect_fill(&r, 1, 5000, 20);
  bid(&r, 2, 5000, 20);
  trade(&r, PMM_ASK, 4900, 1);
  expect_fill(&r, 2, 5000, 20);
  stop(&r);
}

/* ---- snapshots, gaps, sources without sizes ---- */

static void snapshots(void **state) {
  (void)state;
  rig_t r;
  setup(&r);
  r.params.queue = PMM_QUEUE_PROPORTIONAL;
  start(&r);
  level(&r, PMM_BID, 5000, 50);
  bid(&r, 1, 5000, 5);
  level(&r, PMM_BID, 5000, 100);
  for (int again = 0; again < 2; again++) { /* the same book again changes nothing */
    feed(&r, md_plain(0, PMM_MD_CLEAR, PMM_F_SNAPSHOT));
    feed(&r, md_level(0, PMM_ASK, 6000, 10 * ONE, PMM_F_SNAPSHOT));
    feed(&r, md_level(0, PMM_BID, 5000, 100 * ONE, PMM_F_SNAPSHOT | PMM_F_LAST));
    assert_true(ahead(&r, 1) == 50);
  }
  feed(&r, md_plain(0, PMM_MD_CLEAR, PMM_F_SNAPSHOT));
  feed(&r, md_level(0, PMM_BID, 5000, 40 * ONE, PMM_F_SNAPSHOT | PMM_F_LAST)); /* 60 gone, half of them ahead */
  assert_true(ahead(&r, 1) == 20);
  feed(&r, md_plain(0, PMM_MD_CLEAR, PMM_F_SNAPSHOT | PMM_F_LAST)); /* an empty book */
  assert_true(ahead(&r, 1) == 0);
  stop(&r);
}

static void gaps(void **state) {
  (void)state;
  rig_t r;
  setup(&r);
  r.params.queue = PMM_QUEUE_PROPORTIONAL;
  r.params.cross_fill = PMM_CROSSFILL_ALWAYS;
  start(&r);
  level(&r, PMM_BID, 5000, 50);
  level(&r, PMM_ASK, 6000, 50);
  bid(&r, 1, 5000, 5);
  level(&r, PMM_BID, 5000, 100);
  feed(&r, md_plain(0, PMM_MD_GAP, PMM_F_LAST));
  trade(&r, PMM_ASK, 4000, 10); /* nothing fills now */
  expect_nothing(&r);
  level(&r, PMM_ASK, 4800, 10);
  expect_nothing(&r);
  place(&r, 2, PMM_BUY_YES, 6000, 1, PMM_IOC, 0);
  expect_refusal(&r, PMM_EV_CANCELLED, PMM_REJECT_IOC);
  place(&r, 3, PMM_BUY_YES, 6000, 1, PMM_FOK, 0);
  expect_refusal(&r, PMM_EV_REJECT, PMM_REJECT_FOK);
  feed(&r, md_plain(0, PMM_MD_CLEAR, PMM_F_SNAPSHOT));
  feed(&r, md_level(0, PMM_BID, 5000, 60 * ONE, PMM_F_SNAPSHOT));
  assert_true(ahead(&r, 1) == 50);
  feed(&r, md_level(0, PMM_ASK, 6000, 10 * ONE, PMM_F_SNAPSHOT | PMM_F_LAST));
  assert_true(ahead(&r, 1) == 50); /* who can say what left; only the bound holds */
  trade(&r, PMM_ASK, 4000, 3);
  expect_fill(&r, 1, 5000, 3);
  /* and with nothing resting */
  act(&r, act_cancel(0, 1));
  feed(&r, md_plain(0, PMM_MD_GAP, PMM_F_LAST));
  feed(&r, md_plain(0, PMM_MD_CLEAR, PMM_F_SNAPSHOT | PMM_F_LAST));
  level(&r, PMM_ASK, 6000, 1);
  place(&r, 4, PMM_BUY_YES, 6000, 1, PMM_IOC, 0);
  expect_fill(&r, 4, 6000, 1);
  stop(&r);
}

static void nominal_sizes(void **state) {
  (void)state;
  rig_t r;
  setup(&r);
  r.market.data |= PMM_DATA_NOSIZE;
  start(&r);
  feed(&r, md_level(0, PMM_BID, 5000, ONE, PMM_F_LAST | PMM_F_NOSIZE));
  bid(&r, 1, 5000, 5);
  assert_true(ahead(&r, 1) == -1);
  trade(&r, PMM_ASK, 5000, 1000);
  expect_nothing(&r);
  trade(&r, PMM_ASK, 4900, 2);
  expect_fill(&r, 1, 5000, 2);
  bid(&r, 2, 5100, 5); /* alone at its price */
  assert_true(ahead(&r, 2) == 0);
  bid(&r, 3, 5000, 5);
  feed(&r, md_level(0, PMM_BID, 5000, 0, PMM_F_LAST | PMM_F_NOSIZE)); /* everybody left */
  assert_true(ahead(&r, 3) == 0);
  stop(&r);
}

static void best_prices_only(void **state) {
  (void)state;
  rig_t r;
  setup(&r);
  r.market.data = PMM_DATA_TOP | PMM_DATA_TRADES;
  start(&r);
  level(&r, PMM_BID, 5000, 30);
  bid(&r, 1, 5000, 5);
  bid(&r, 2, 4900, 5); /* behind the best: nobody can say */
  assert_true(ahead(&r, 2) == -1);
  feed(&r, md_level(0, PMM_BID, 5000, 0, 0)); /* a better best hides ours, it is not empty */
  feed(&r, md_level(0, PMM_BID, 5100, 10 * ONE, PMM_F_LAST));
  assert_true(ahead(&r, 1) == 30);
  feed(&r, md_level(0, PMM_BID, 5100, 0, 0));
  feed(&r, md_level(0, PMM_BID, 5000, 20 * ONE, PMM_F_LAST));
  assert_true(ahead(&r, 1) == 20);
  feed(&r, md_level(0, PMM_BID, 5000, 0, 0));
  feed(&r, md_level(0, PMM_BID, 4900, 8 * ONE, PMM_F_LAST)); /* the best is below us: our level is empty, and theirs is known now */
  assert_true(ahead(&r, 1) == 0);
  assert_true(ahead(&r, 2) == 8);
  feed(&r, md_plain(0, PMM_MD_CLEAR, PMM_F_SNAPSHOT));
  feed(&r, md_level(0, PMM_BID, 5100, 8 * ONE, PMM_F_SNAPSHOT | PMM_F_LAST));
  assert_true(ahead(&r, 2) == 8);
  feed(&r, md_level(0, PMM_BID, 5100, 0, PMM_F_LAST));
  assert_true(ahead(&r, 2) == 0);
  stop(&r);
}

/* ---- crossing books ---- */

static void crossings(void **state) {
  (void)state;
  rig_t r;
  setup(&r);
  r.params.cross_fill = PMM_CROSSFILL_ALWAYS;
  start(&r);
  level(&r, PMM_ASK, 5500, 10);
  bid(&r, 1, 5000, 10);
  bid(&r, 2, 5200, 3);
  feed(&r, md_level(0, PMM_ASK, 5100, 2 * ONE, 0));
  expect_nothing(&r); /* not before the message ends */
  feed(&r, md_level(0, PMM_ASK, 5000, 4 * ONE, PMM_F_LAST));
  assert_int_equal(r.log_cnt, 2);
  assert_int_equal(r.log[0].order_id, 2); /* the better price first: three of the four at 0.50 */
  assert_int_equal(r.log[0].md.price_e4, 5200);
  assert_int_equal(r.log[0].md.qty_e6, 3 * ONE);
  assert_int_equal(r.log[1].order_id, 1);
  assert_int_equal(r.log[1].md.qty_e6, ONE); /* the one left there; two at 0.51 are beyond its price */
  feed(&r, md_plain(0, PMM_MD_MARK, PMM_F_LAST));
  expect_nothing(&r); /* taken is taken */
  level(&r, PMM_ASK, 5000, 4); /* said again, not changed */
  expect_nothing(&r);
  level(&r, PMM_ASK, 5000, 3);
  expect_fill(&r, 1, 5000, 3);
  level(&r, PMM_BID, 5500, 1); /* the book crosses our ask, too */
  level(&r, PMM_BID, 5500, 0);
  assert_int_equal(pmm_sim_stats(r.sim)->cross_fills, 3);
  assert_int_equal(pmm_sim_stats(r.sim)->cross_e6, 7 * ONE);
  stop(&r);
}

static void crossings_without_footprint(void **state) {
  (void)state;
  rig_t r;
  setup(&r);
  r.params.cross_fill = PMM_CROSSFILL_ALWAYS;
  r.params.footprint = false;
  start(&r);
  level(&r, PMM_ASK, 5500, 10);
  bid(&r, 1, 5000, 5);
  level(&r, PMM_ASK, 5000, 2);
  expect_fill(&r, 1, 5000, 2);
  feed(&r, md_plain(0, PMM_MD_MARK, PMM_F_LAST)); /* each message offers anew */
  expect_fill(&r, 1, 5000, 2);
  feed(&r, md_plain(0, PMM_MD_CLEAR, 0));
  feed(&r, md_level(0, PMM_ASK, 4900, 8 * ONE + 1, PMM_F_LAST));
  expect_fill(&r, 1, 5000, 1);
  level(&r, PMM_ASK, 4900, 0);
  ask(&r, 2, 5100, 2);
  level(&r, PMM_BID, 5200, 1.239); /* in whole lots */
  expect_fill(&r, 2, 5100, 1.23);
  stop(&r);
}

static void crossing_policy(void **state) {
  (void)state;
  static const struct { int32_t policy; uint32_t data; bool fills; } rows[] = {
    {PMM_CROSSFILL_AUTO, PMM_DATA_DEPTH, true}, {PMM_CROSSFILL_AUTO, PMM_DATA_DEPTH | PMM_DATA_TRADES, false}, {PMM_CROSSFILL_AUTO, PMM_DATA_DEPTH | PMM_DATA_INFERRED, false},
    {PMM_CROSSFILL_NEVER, PMM_DATA_DEPTH, false}, {PMM_CROSSFILL_ALWAYS, PMM_DATA_DEPTH | PMM_DATA_TRADES, true}};
  for (size_t i = 0; i < CNT(rows); i++) {
    rig_t r;
    setup(&r);
    r.params.cross_fill = rows[i].policy;
    r.params.whole_fills = i == 0;
    r.market.data = rows[i].data;
    start(&r);
    bid(&r, 1, 5000, 5);
    level(&r, PMM_ASK, 5000, 2);
    if (rows[i].fills) expect_fill(&r, 1, 5000, i == 0 ? 5 : 2);
    else expect_nothing(&r);
    stop(&r);
  }
}

/* ---- takers ---- */

static void takers(void **state) {
  (void)state;
  rig_t r;
  setup(&r);
  r.market.fees = (pmm_fee_schedule_t){.model = PMM_FEE_KALSHI, .taker_rate_e6 = 70000, .precision_e6 = 100};
  start(&r);
  level(&r, PMM_ASK, 5000, 2);
  level(&r, PMM_ASK, 5100, 3.005);
  level(&r, PMM_ASK, 5300, 10);
  place(&r, 1, PMM_BUY_YES, 5100, 10, PMM_FOK, 0);
  expect_refusal(&r, PMM_EV_REJECT, PMM_REJECT_FOK);
  bid(&r, 2, 5000, 1);
  expect_refusal(&r, PMM_EV_REJECT, PMM_REJECT_POST_ONLY);
  place(&r, 3, PMM_BUY_YES, 5200, 10, PMM_GTC, 0); /* walks two levels, the rest rests */
  assert_int_equal(r.log_cnt, 3);
  static const struct { uint8_t kind; int32_t price; int64_t qty; } want[] = {{PMM_EV_FILL, 5000, 2 * ONE}, {PMM_EV_FILL, 5100, 3 * ONE}, {PMM_EV_ACK, 5200, 5 * ONE}};
  for (size_t i = 0; i < CNT(want); i++) {
    assert_int_equal(r.log[i].md.kind, want[i].kind);
    assert_int_equal(r.log[i].md.price_e4, want[i].price);
    assert_int_equal(r.log[i].md.qty_e6, want[i].qty);
    assert_int_equal(r.log[i].md.flags, 0);
  }
  assert_int_equal(r.log[0].amount_e6, 35000); /* 2 x 0.07 x 0.25 */
  assert_int_equal(pmm_sim_cash(r.sim), 1000 * ONE - ONE - 1530000 - r.log[0].amount_e6 - r.log[1].amount_e6);
  place(&r, 4, PMM_BUY_YES, 5100, 10, PMM_IOC, 0); /* nothing is left there */
  expect_refusal(&r, PMM_EV_CANCELLED, PMM_REJECT_IOC);
  level(&r, PMM_ASK, 5100, 4);
  place(&r, 5, PMM_BUY_YES, 5300, 10, PMM_FOK, 0);
  assert_int_equal(r.log_cnt, 2);
  assert_int_equal(r.log[0].md.qty_e6, 4 * ONE);
  assert_int_equal(r.log[1].md.qty_e6, 6 * ONE);
  assert_int_equal(pmm_sim_stats(r.sim)->taker_fills, 4);
  assert_int_equal(pmm_sim_stats(r.sim)->taker_e6, 15 * ONE);
  stop(&r);
}

static void no_fees(void **state) {
  (void)state;
  rig_t r;
  setup(&r);
  r.params.fees = 1;
  r.market.fees = (pmm_fee_schedule_t){.model = PMM_FEE_KALSHI, .taker_rate_e6 = 70000, .precision_e6 = 100};
  start(&r);
  level(&r, PMM_ASK, 5000, 2);
  place(&r, 1, PMM_BUY_YES, 5000, 2, PMM_IOC, 0);
  assert_int_equal(r.log[0].amount_e6, 0);
  assert_int_equal(pmm_sim_cash(r.sim), 999 * ONE);
  stop(&r);
}

/* ---- money and requests ---- */

/* One signed position: selling what is not held opens the opposite; where pairs stay, they stay. */
static void positions_by_venue(void **state) {
  (void)state;
  static const struct { const char *why; uint8_t venue; int32_t net; bool refused; int64_t yes, no; } rows[] = {
    {"Kalshi: 10 YES, sold 12", PMM_VENUE_KALSHI, PMM_NET_AUTO, false, 0, 2},
    {"Degen: refused", PMM_VENUE_DEGEN, PMM_NET_AUTO, true, 10, 0},
    {"Polymarket: refused", PMM_VENUE_POLYMARKET, PMM_NET_AUTO, true, 10, 0},
    {"Polymarket, merged at once: refused all the same", PMM_VENUE_POLYMARKET, PMM_NET_ALWAYS, true, 10, 0},
    {"Kalshi without netting: refused", PMM_VENUE_KALSHI, PMM_NET_NEVER, true, 10, 0}};
  for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
    rig_t r;
    setup(&r);
    r.market.venue = rows[i].venue;
    r.params.net_pairs = rows[i].net;
    start(&r);
    level(&r, PMM_ASK, 6000, 1000);
    place(&r, 1, PMM_BUY_YES, 6000, 10, PMM_IOC, 0);
    place(&r, 2, PMM_SELL_YES, 7000, 12, PMM_GTC, 0);
    if (rows[i].refused) expect_refusal(&r, PMM_EV_REJECT, PMM_REJECT_SHARES);
    trade(&r, PMM_BID, 7100, 12);
    int64_t yes, no;
    pmm_sim_holding(r.sim, 0, &yes, &no);
    if (yes != rows[i].yes * ONE || no != rows[i].no * ONE || pmm_sim_cash(r.sim) != (rows[i].refused ? 994 * ONE : 1000400000))
      fail_msg("%s: yes %lld no %lld cash %lld", rows[i].why, (long long)yes, (long long)no, (long long)pmm_sim_cash(r.sim));
    stop(&r);
  }
}

static void escrow(void **state) {
  (void)state;
  rig_t r;
  setup(&r);
  start(&r);
  int64_t yes, no;
  level(&r, PMM_ASK, 6000, 1000);
  bid(&r, 1, 5000, 1999);
  bid(&r, 2, 5000, 3);
  expect_refusal(&r, PMM_EV_REJECT, PMM_REJECT_FUNDS);
  ask(&r, 3, 7000, 3); /* 0.90 of the 0.50 left */
  expect_refusal(&r, PMM_EV_REJECT, PMM_REJECT_FUNDS);
  ask(&r, 4, 7000, 1);
  expect(&r, PMM_EV_ACK, 4, 7000, 1);
  act(&r, act_cancel(0, 1));
  expect(&r, PMM_EV_CANCELLED, 1, 5000, 1999);
  place(&r, 5, PMM_BUY_YES, 6000, 10, PMM_IOC, 0);
  place(&r, 6, PMM_SELL_YES, 8000, 11, PMM_GTC, 0);
  expect_refusal(&r, PMM_EV_REJECT, PMM_REJECT_SHARES);
  place(&r, 7, PMM_SELL_YES, 8000, 8, PMM_GTC, 0);
  place(&r, 8, PMM_SELL_YES, 8000, 3, PMM_GTC, 0);
  expect_refusal(&r, PMM_EV_REJECT, PMM_REJECT_SHARES);
  /* our NO bid fills: one pair of free YES becomes a dollar */
  trade(&r, PMM_BID, 7100, 1);
  expect_fill(&r, 4, 7000, 1);
  pmm_sim_holding(r.sim, 0, &yes, &no);
  assert_int_equal(yes, 9 * ONE);
  assert_int_equal(no, 0);
  assert_int_equal(pmm_sim_cash(r.sim), 1000 * ONE - 6 * ONE - 300000 + ONE);
  /* locked YES is netted when its order goes */
  ask(&r, 9, 9000, 5);
  trade(&r, PMM_BID, 9100, 20); /* the SELL at 0.80 goes first with eight, then five NO bought at 0.10 */
  assert_int_equal(r.log_cnt, 2);
  pmm_sim_holding(r.sim, 0, &yes, &no);
  assert_int_equal(yes, 0);
  assert_int_equal(no, 4 * ONE);
  stop(&r);
}

static void netting_waits_for_locks(void **state) {
  (void)state;
  rig_t r;
  setup(&r);
  start(&r);
  int64_t yes, no;
  level(&r, PMM_ASK, 6000, 5);
  place(&r, 1, PMM_BUY_YES, 6000, 5, PMM_IOC, 0);
  place(&r, 2, PMM_SELL_YES, 9000, 5, PMM_GTC, 0);
  level(&r, PMM_BID, 5000, 5);
  place(&r, 3, PMM_BUY_NO, 5000, 5, PMM_IOC, 0);
  pmm_sim_holding(r.sim, 0, &yes, &no);
  assert_true(yes == 5 * ONE && no == 5 * ONE);
  act(&r, act_cancel(0, 2));
  pmm_sim_holding(r.sim, 0, &yes, &no);
  assert_true(yes == 0 && no == 0);
  assert_int_equal(pmm_sim_cash(r.sim), 1000 * ONE - 3 * ONE - 2500000 + 5 * ONE);
  stop(&r);
}

static void refusals(void **state) {
  (void)state;
  rig_t r;
  setup(&r);
  start(&r);
  bid(&r, 1, 5000, 1);
  static const struct { const char *why; pmm_action_t a; pmm_kind_t kind; pmm_reject_t want; } rows[] = {
    {"no such market", {.kind = PMM_ACT_PLACE, .order_id = 9, .market = 1, .price_e4 = 5000, .qty_e6 = ONE}, PMM_EV_REJECT, PMM_REJECT_CLOSED},
    {"price 0", {.kind = PMM_ACT_PLACE, .order_id = 9, .price_e4 = 0, .qty_e6 = ONE}, PMM_EV_REJECT, PMM_REJECT_PRICE},
    {"off the tick", {.kind = PMM_ACT_PLACE, .order_id = 9, .price_e4 = 5050, .qty_e6 = ONE}, PMM_EV_REJECT, PMM_REJECT_PRICE},
    {"off the lot", {.kind = PMM_ACT_PLACE, .order_id = 9, .price_e4 = 5000, .qty_e6 = 15000}, PMM_EV_REJECT, PMM_REJECT_SIZE},
    {"nothing", {.kind = PMM_ACT_PLACE, .order_id = 9, .price_e4 = 5000}, PMM_EV_REJECT, PMM_REJECT_SIZE},
    {"same id", {.kind = PMM_ACT_PLACE, .order_id = 1, .price_e4 = 5000, .qty_e6 = ONE}, PMM_EV_REJECT, PMM_REJECT_DUPLICATE},
    {"too late", {.kind = PMM_ACT_PLACE, .order_id = 9, .price_e4 = 5000, .qty_e6 = ONE, .tif = PMM_GTD, .expire_ns = 500}, PMM_EV_REJECT, PMM_REJECT_EXPIRY},
    {"nothing to reduce", {.kind = PMM_ACT_PLACE, .order_id = 9, .price_e4 = 5000, .qty_e6 = ONE, .flags = PMM_ACT_REDUCE_ONLY}, PMM_EV_REJECT, PMM_REJECT_SHARES},
    {"cancel of nothing", {.kind = PMM_ACT_CANCEL, .order_id = 9}, PMM_EV_CANCEL_REJECT, PMM_REJECT_UNKNOWN_ORDER},
    {"amend of nothing", {.kind = PMM_ACT_AMEND, .order_id = 9, .price_e4 = 5000, .qty_e6 = ONE}, PMM_EV_AMEND_REJECT, PMM_REJECT_UNKNOWN_ORDER},
    {"amend off the tick", {.kind = PMM_ACT_AMEND, .order_id = 1, .price_e4 = 5001, .qty_e6 = ONE}, PMM_EV_AMEND_REJECT, PMM_REJECT_PRICE},
    {"amend to nothing", {.kind = PMM_ACT_AMEND, .order_id = 1, .price_e4 = 5000}, PMM_EV_AMEND_REJECT, PMM_REJECT_SIZE},
    {"amend beyond cash", {.kind = PMM_ACT_AMEND, .order_id = 1, .price_e4 = 5000, .qty_e6 = 3000 * ONE}, PMM_EV_AMEND_REJECT, PMM_REJECT_FUNDS},
  };
  for (size_t i = 0; i < CNT(rows); i++) {
    act(&r, rows[i].a);
    if (r.log_cnt != 1 || r.log[0].md.kind != rows[i].kind || r.log[0].md.aux != rows[i].want) fail_msg("%s", rows[i].why);
  }
  for (uint64_t id = 2; id <= 32; id++) bid(&r, id, 100, 1);
  expect(&r, PMM_EV_ACK, 32, 100, 1);
  bid(&r, 33, 100, 1);
  expect_refusal(&r, PMM_EV_REJECT, PMM_REJECT_FULL);
  act(&r, act_cancel(0, 7));
  bid(&r, 34, 100, 1);
  expect(&r, PMM_EV_ACK, 34, 100, 1);
  stop(&r);
}

static void amends(void **state) {
  (void)state;
  rig_t r;
  setup(&r);
  start(&r);
  level(&r, PMM_BID, 5000, 10);
  level(&r, PMM_ASK, 5200, 2);
  bid(&r, 1, 5000, 5);
  place(&r, 2, PMM_BUY_YES, 4900, 5, PMM_GTC, 0);
  level(&r, PMM_BID, 5000, 30);
  act(&r, act_amend(0, 1, 5000, 3 * ONE)); /* smaller: keeps its place */
  expect(&r, PMM_EV_AMENDED, 1, 5000, 3);
  assert_true(ahead(&r, 1) == 10);
  act(&r, act_amend(0, 1, 5000, 4 * ONE)); /* larger: to the back */
  assert_true(ahead(&r, 1) == 30);
  act(&r, act_amend(0, 1, 5200, 4 * ONE));
  expect_refusal(&r, PMM_EV_AMEND_REJECT, PMM_REJECT_POST_ONLY);
  assert_true(ahead(&r, 1) == 30);
  act(&r, act_amend(0, 2, 5200, 5 * ONE)); /* through the book, the rest rests */
  assert_int_equal(r.log_cnt, 2);
  assert_int_equal(r.log[0].md.kind, PMM_EV_AMENDED);
  assert_int_equal(r.log[1].md.kind, PMM_EV_FILL);
  assert_int_equal(r.log[1].md.qty_e6, 2 * ONE);
  level(&r, PMM_ASK, 5300, 20);
  act(&r, act_amend(0, 2, 5300, 4 * ONE)); /* the two at 0.52 are taken; all of it fills at 0.53 */
  assert_int_equal(r.log_cnt, 2);
  assert_int_equal(r.log[1].md.price_e4, 5300);
  assert_int_equal(r.log[1].md.qty_e6, 4 * ONE);
  assert_true(ahead(&r, 2) == -1);
  act(&r, act_amend(0, 1, 5000, 2 * ONE));
  trade(&r, PMM_ASK, 4000, 10);
  expect_fill(&r, 1, 5000, 2);
  stop(&r);
}

static void reduce_only(void **state) {
  (void)state;
  rig_t r;
  setup(&r);
  start(&r);
  level(&r, PMM_ASK, 5000, 4);
  level(&r, PMM_BID, 4500, 50);
  place(&r, 1, PMM_BUY_YES, 5000, 4, PMM_IOC, 0);
  place(&r, 2, PMM_SELL_YES, 4500, 10, PMM_IOC, PMM_ACT_REDUCE_ONLY);
  expect_cut_fill(&r, 2, 4500, 4, 6);
  level(&r, PMM_BID, 4500, 40);
  place(&r, 3, PMM_BUY_NO, 4500, 4, PMM_IOC, 0);
  place(&r, 4, PMM_SELL_NO, 5000, 3, PMM_GTC, PMM_ACT_REDUCE_ONLY);
  level(&r, PMM_ASK, 5000, 7);
  place(&r, 5, PMM_SELL_NO, 5000, 10, PMM_IOC, PMM_ACT_REDUCE_ONLY); /* three of the four are locked */
  expect_cut_fill(&r, 5, 5000, 1, 9);
  stop(&r);
}

/* ---- time and life ---- */

static void expiry(void **state) {
  (void)state;
  rig_t r;
  setup(&r);
  start(&r);
  pmm_action_t a = act_place(0, 1, PMM_BUY_YES, 5000, ONE, PMM_GTD, 0);
  a.expire_ns = 5000;
  act(&r, a);
  a.order_id = 2;
  a.expire_ns = 7000;
  act(&r, a);
  pmm_sim_advance(r.sim, 4999);
  drain(&r);
  expect_nothing(&r);
  pmm_sim_advance(r.sim, 5000);
  drain(&r);
  expect(&r, PMM_EV_EXPIRED, 1, 5000, 1);
  r.now = 8000;
  trade(&r, PMM_ASK, 4000, 1); /* too late for the other */
  expect(&r, PMM_EV_EXPIRED, 2, 5000, 1);
  stop(&r);
}

static void life(void **state) {
  (void)state;
  rig_t r;
  setup(&r);
  r.params.cross_fill = PMM_CROSSFILL_ALWAYS;
  start(&r);
  bid(&r, 1, 5000, 1);
  bid(&r, 2, 4000, 1);
  status(&r, PMM_LIFE_HALTED, 0);
  trade(&r, PMM_ASK, 4000, 1);
  level(&r, PMM_ASK, 4900, 3);
  expect_nothing(&r);
  bid(&r, 3, 3000, 1);
  expect_refusal(&r, PMM_EV_REJECT, PMM_REJECT_CLOSED);
  act(&r, act_amend(0, 2, 4000, LOT));
  expect_refusal(&r, PMM_EV_AMEND_REJECT, PMM_REJECT_CLOSED);
  act(&r, act_cancel(0, 2));
  expect(&r, PMM_EV_CANCELLED, 2, 4000, 1);
  status(&r, PMM_LIFE_OPEN, 0);
  expect_fill(&r, 1, 5000, 1); /* the book had crossed it meanwhile */
  level(&r, PMM_ASK, 4900, 0);
  bid(&r, 4, 5000, 1);
  ask(&r, 5, 6000, 1);
  status(&r, PMM_LIFE_CLOSED, 0);
  assert_int_equal(r.log_cnt, 2);
  assert_int_equal(r.log[0].md.kind, PMM_EV_EXPIRED);
  int64_t const cash = pmm_sim_cash(r.sim);
  status(&r, PMM_LIFE_RESOLVED, ONE);
  assert_int_equal(pmm_sim_cash(r.sim), cash + ONE);
  stop(&r);
  setup(&r); /* straight from open to resolved, void */
  start(&r);
  level(&r, PMM_ASK, 5000, 3);
  place(&r, 1, PMM_BUY_YES, 5000, 3, PMM_IOC, 0);
  bid(&r, 2, 4000, 1);
  status(&r, PMM_LIFE_RESOLVED, 370000);
  expect_refusal(&r, PMM_EV_CANCELLED, PMM_REJECT_SETTLED);
  assert_int_equal(pmm_sim_cash(r.sim), 1000 * ONE - 1500000 + 1110000);
  int64_t yes, no;
  pmm_sim_holding(r.sim, 0, &yes, &no);
  assert_true(yes == 0 && no == 0);
  stop(&r);
}

static void tick_change(void **state) {
  (void)state;
  rig_t r;
  setup(&r);
  start(&r);
  level(&r, PMM_BID, 4500, 7);
  bid(&r, 1, 4500, 1);
  bid(&r, 2, 4600, 1);
  pmm_md_t md = md_plain(0, PMM_MD_TICK, PMM_F_LAST);
  md.price_e4 = 10;
  feed(&r, md);
  expect_nothing(&r);
  bid(&r, 3, 4505, 1);
  expect_refusal(&r, PMM_EV_REJECT, PMM_REJECT_PRICE);
  md.price_e4 = 500;
  feed(&r, md);
  expect(&r, PMM_EV_CANCELLED, 2, 4600, 1);
  assert_int_equal(r.log[0].md.aux, PMM_REJECT_TICK);
  trade(&r, PMM_ASK, 4500, 8);
  expect_fill(&r, 1, 4500, 1);
  stop(&r);
}

static void other_kinds(void **state) {
  (void)state;
  rig_t r;
  setup(&r);
  start(&r);
  bid(&r, 1, 5000, 1);
  pmm_md_t md = md_plain(0, PMM_MD_UNDERLYING, PMM_F_LAST); /* its market is an underlying */
  feed(&r, md);
  md.market = 77;
  pmm_sim_on_md_fast(r.sim, r.now, &md);
  pmm_sim_on_md(r.sim, r.now, &md);
  md = md_trade(77, PMM_ASK, 100, ONE, PMM_F_LAST);
  pmm_sim_on_md_fast(r.sim, r.now, &md);
  pmm_sim_on_md(r.sim, r.now, &md);
  feed(&r, md_plain(0, PMM_MD_VOLUME, PMM_F_LAST));
  expect_nothing(&r);
  stop(&r);
}

static void bad_parameters(void **state) {
  (void)state;
  rig_t r;
  setup(&r);
  start(&r);
  pmm_sim_t *sim;
  pmm_sim_params_t p = r.params;
  assert_int_equal(pmm_sim_init(&sim, &r.arena, &p, r.markets, r.ladders, 0, 32, 0), PMM_INVAL);
  assert_int_equal(pmm_sim_init(&sim, &r.arena, &p, r.markets, r.ladders, 1, 0, 0), PMM_INVAL);
  assert_int_equal(pmm_sim_init(&sim, &r.arena, &p, r.markets, r.ladders, 1, 32, -1), PMM_INVAL);
  p.queue = PMM_QUEUE_POWER;
  p.queue_power = 0;
  assert_int_equal(pmm_sim_init(&sim, &r.arena, &p, r.markets, r.ladders, 1, 32, 0), PMM_INVAL);
  p = r.params;
  p.print_lag_ns = -1;
  assert_int_equal(pmm_sim_init(&sim, &r.arena, &p, r.markets, r.ladders, 1, 32, 0), PMM_INVAL);
  int64_t const lot = r.market.lot_e6;
  r.market.lot_e6 = 0;
  pmm_arena_t arena;
  assert_int_equal(pmm_arena_open(&arena, pmm_sim_bytes(1, 32)), PMM_OK);
  assert_int_equal(pmm_sim_init(&sim, &arena, &r.params, r.markets, r.ladders, 1, 32, 0), PMM_INVAL);
  pmm_arena_close(&arena);
  r.market.lot_e6 = lot;
  for (size_t bytes = 64; bytes < pmm_sim_bytes(1, 32) / 2; bytes *= 4) {
    assert_int_equal(pmm_arena_open(&arena, bytes), PMM_OK);
    assert_int_equal(pmm_sim_init(&sim, &arena, &r.params, r.markets, r.ladders, 1, 32, 0), PMM_FULL);
    pmm_arena_close(&arena);
  }
  stop(&r);
}

int main(void) {
  const struct CMUnitTest tests[] = {
    cmocka_unit_test(queue_models), cmocka_unit_test(late_prints), cmocka_unit_test(prints), cmocka_unit_test(prints_are_shared), cmocka_unit_test(without_through),
    cmocka_unit_test(whole_fills), cmocka_unit_test(snapshots), cmocka_unit_test(gaps), cmocka_unit_test(nominal_sizes), cmocka_unit_test(best_prices_only),
    cmocka_unit_test(crossings), cmocka_unit_test(crossings_without_footprint), cmocka_unit_test(crossing_policy), cmocka_unit_test(takers), cmocka_unit_test(no_fees),
    cmocka_unit_test(escrow), cmocka_unit_test(positions_by_venue), cmocka_unit_test(netting_waits_for_locks), cmocka_unit_test(refusals), cmocka_unit_test(amends), cmocka_unit_test(reduce_only),
    cmocka_unit_test(expiry), cmocka_unit_test(life), cmocka_unit_test(tick_change), cmocka_unit_test(other_kinds), cmocka_unit_test(bad_parameters),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
