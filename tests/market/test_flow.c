#include <math.h>
#include "base/check.h"
#include "pmm/flow.h"

#define S PMM_NS_PER_S
#define TRADES_MAX 20000

static bool near(double a, double b) { return fabs(a - b) <= 1e-12 * (1 + fabs(b)); }

static void nothing_seen(void **state) {
  (void)state;
  static pmm_flow_t flow;
  pmm_flow_init(&flow, 60);
  assert_null(pmm_flow_last(&flow));
  pmm_flow_advance(&flow, 100 * S);
  assert_true(flow.first_ns == PMM_TIME_NONE);
  assert_true(pmm_flow_trade_rate(&flow) == 0);
  assert_true(pmm_flow_volume_ratio(&flow, 100 * S) == 1);
  assert_int_equal(pmm_flow_trades_6h(&flow), 0);
  assert_true(isnan(flow.ewma_price));
  pmm_flow_start(&flow, 200 * S);
  pmm_flow_start(&flow, 300 * S); /* only the first counts */
  assert_true(flow.first_ns == 200 * S);
  assert_true(pmm_flow_volume_ratio(&flow, 5000 * S) == 1);
}

static void worked_example(void **state) {
  (void)state;
  static pmm_flow_t flow;
  pmm_flow_init(&flow, 60);
  pmm_flow_start(&flow, 0);
  pmm_flow_trade(&flow, 10 * S, PMM_BID, 4000, 60000000, 3);
  assert_true(flow.ewma_price == 0.4);
  pmm_flow_trade(&flow, 70 * S, PMM_ASK, 6000, 30000000, 0); /* a half-life later: half way */
  assert_true(near(flow.ewma_price, 0.5));
  pmm_flow_trade(&flow, 70 * S, PMM_ASK, 9900, 1000000, 0); /* the same instant: no weight left */
  assert_true(near(flow.ewma_price, 0.5));
  assert_int_equal(flow.vol_30m_e6, 91000000);
  assert_int_equal(flow.vol_1m_e6, 31000000); /* the bucket of second 10 is the seventh */
  assert_true(near(pmm_flow_trade_rate(&flow), 2 / 60.0));
  assert_true(near(pmm_flow_volume_ratio(&flow, 70 * S), 31.0 / (91.0 / (70 / 60.0))));
  assert_true(near(pmm_flow_volume_ratio(&flow, 3600 * S), 31.0 / (91.0 / 30)));
  const pmm_print_t *const last = pmm_flow_last(&flow);
  assert_true(last->at_ns == 70 * S && last->price_e4 == 9900 && last->qty_e6 == 1000000 && last->side == PMM_ASK);
  assert_true(flow.last[0].flags == 3 && flow.last[0].side == PMM_BID);
}

static void first_minute_counts_as_a_minute(void **state) {
  (void)state;
  static pmm_flow_t flow;
  pmm_flow_init(&flow, 60);
  pmm_flow_trade(&flow, 5 * S, PMM_BID, 5000, 7000000, 0); /* a trade is the first sight too */
  assert_true(flow.first_ns == 5 * S);
  assert_true(near(pmm_flow_volume_ratio(&flow, 6 * S), 1));
}

static void a_long_silence_forgets_everything(void **state) {
  (void)state;
  static pmm_flow_t flow;
  pmm_flow_init(&flow, 60);
  for (int k = 0; k < 1000; k++) pmm_flow_trade(&flow, k * S, PMM_BID, 5000, 1000000, 0);
  pmm_flow_advance(&flow, INT64_C(4000000) * S);
  assert_int_equal(pmm_flow_trades_6h(&flow), 0);
  assert_int_equal(flow.vol_30m_e6, 0);
  assert_int_equal(flow.vol_1m_e6, 0);
  assert_int_equal(flow.trades_1m, 0);
  for (int k = 0; k < PMM_FLOW_BUCKETS; k++) assert_true(flow.vol_e6[k] == 0 && flow.trades[k] == 0);
  assert_int_equal(flow.cnt, 1000);
}

/* -- the model keeps every trade and adds them up again for each question -- */

typedef struct model {
  pmm_print_t trade[TRADES_MAX];
  int64_t bucket[TRADES_MAX]; /* newest bucket when it came */
  size_t cnt;
  int64_t first_ns, newest;
  double ewma;
  int64_t ewma_ns;
} model_t;

static int64_t slow_bucket(int64_t ns) { return (int64_t)floorl((long double)ns / (10 * S)); }

static void model_see(model_t *m, int64_t now_ns) {
  if (m->first_ns == PMM_TIME_NONE) return;
  if (slow_bucket(now_ns) > m->newest) m->newest = slow_bucket(now_ns);
}

static void model_start(model_t *m, int64_t now_ns) {
  if (m->first_ns != PMM_TIME_NONE) return;
  m->first_ns = now_ns;
  m->newest = slow_bucket(now_ns);
}

static void model_trade(model_t *m, pmm_print_t p, double half_life_s) {
  model_start(m, p.at_ns);
  model_see(m, p.at_ns);
  double const price = p.price_e4 / 1e4;
  if (m->cnt == 0) {
    m->ewma = price;
    m->ewma_ns = p.at_ns;
  } else if (p.at_ns > m->ewma_ns) {
    double const weight = 1 - exp2(-(double)(p.at_ns - m->ewma_ns) / 1e9 / half_life_s);
    m->ewma = m->ewma * (1 - weight) + price * weight;
    m->ewma_ns = p.at_ns;
  }
  m->bucket[m->cnt] = m->newest;
  m->trade[m->cnt++] = p;
}

static int64_t model_sum(const model_t *m, int64_t buckets, bool volume) {
  int64_t sum = 0;
  for (size_t i = 0; i < m->cnt; i++)
    if (m->bucket[i] > m->newest - buckets) sum += volume ? m->trade[i].qty_e6 : 1;
  return sum;
}

static double model_ratio(const model_t *m, int64_t now_ns) {
  double const all = (double)model_sum(m, 180, true);
  if (all == 0) return 1;
  double minutes = (double)(now_ns - m->first_ns) / 1e9 / 60;
  minutes = minutes < 1 ? 1 : minutes > 30 ? 30 : minutes;
  return (double)model_sum(m, 6, true) / (all / minutes);
}

static bool same_print(const pmm_print_t *a, const pmm_print_t *b) {
  return a->at_ns == b->at_ns && a->qty_e6 == b->qty_e6 && a->price_e4 == b->price_e4 && a->side == b->side && a->flags == b->flags;
}

static bool answers_agree(const pmm_flow_t *flow, const model_t *m, int64_t now_ns) {
  bool ok = pmm_flow_trades_6h(flow) == (uint64_t)model_sum(m, PMM_FLOW_BUCKETS, false) && flow->cnt == m->cnt;
  ok &= flow->vol_1m_e6 == model_sum(m, 6, true) && flow->vol_30m_e6 == model_sum(m, 180, true);
  ok &= near(pmm_flow_trade_rate(flow), (double)model_sum(m, 6, false) / 60);
  if (m->first_ns != PMM_TIME_NONE) ok &= near(pmm_flow_volume_ratio(flow, now_ns), model_ratio(m, now_ns));
  if (m->cnt == 0) return ok && pmm_flow_last(flow) == NULL && isnan(flow->ewma_price);
  for (size_t back = 0; back < m->cnt && back < PMM_FLOW_TRADES; back++)
    ok &= same_print(&flow->last[(m->cnt - 1 - back) % PMM_FLOW_TRADES], &m->trade[m->cnt - 1 - back]);
  return ok && fabs(flow->ewma_price - m->ewma) < 1e-9;
}

/* Mostly milliseconds, sometimes minutes, rarely hours; now and then a little back. */
static int64_t random_step(pmm_rng_t *rng) {
  switch (pmm_rng_below(rng, 60)) {
  case 0: return check_between(rng, 0, 3 * 3600 * S);
  case 1: case 2: case 3: return check_between(rng, 0, 1800 * S);
  case 4: return -check_between(rng, 0, 30 * S);
  case 5: return 0;
  default: return check_between(rng, 0, 15 * S);
  }
}

static uint64_t trades(uint64_t seed, uint64_t ops, bool broken) {
  static model_t m;
  static pmm_flow_t flow;
  pmm_rng_t rng;
  pmm_rng_seed(&rng, seed);
  for (uint64_t n = 0; n < ops;) {
    double const half_life = 1 + 100 * pmm_rng_unit(&rng);
    memset(&m, 0, sizeof m);
    m.first_ns = PMM_TIME_NONE;
    pmm_flow_init(&flow, half_life);
    int64_t now = check_between(&rng, -100 * S, 100 * S), latest = now; /* also across zero */
    for (int k = 0; k < 1500 && n < ops; k++, n++) {
      now += random_step(&rng);
      latest = pmm_max64(latest, now);
      if (pmm_rng_below(&rng, 3)) {
        pmm_print_t const p = {.at_ns = now, .qty_e6 = check_between(&rng, 1, 1000000000), .price_e4 = (int32_t)check_between(&rng, 1, 9999),
                               .side = (uint8_t)pmm_rng_below(&rng, 2), .flags = (uint8_t)pmm_rng_below(&rng, 8)};
        pmm_flow_trade(&flow, now, (pmm_side_t)p.side, p.price_e4, p.qty_e6 + (broken && k == 700), p.flags);
        model_trade(&m, p, half_life);
      } else if (pmm_rng_below(&rng, 10) == 0) {
        pmm_flow_start(&flow, now);
        model_start(&m, now);
      }
      pmm_flow_advance(&flow, latest);
      model_see(&m, latest);
      if (!answers_agree(&flow, &m, latest)) return n;
    }
  }
  return NO_MISMATCH;
}

static void flow_matches_model(void **state) {
  (void)state;
  check_random("flow", trades, 15000);
  check_canary("flow", trades, 6000);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(nothing_seen),
      cmocka_unit_test(worked_example),
      cmocka_unit_test(first_minute_counts_as_a_minute),
      cmocka_unit_test(a_long_silence_forgets_everything),
      cmocka_unit_test(flow_matches_model),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
