/* Accrual of rewards and rebates over a run: sampling, epochs, payouts; against a model that keeps every sample. */
#include <math.h>
#include "base/check.h"
#include "pmm/rewards.h"

#define ONE INT64_C(1000000)
#define S PMM_NS_PER_S
#define DAY (86400 * S)
#define START (INT64_C(20000) * DAY) /* a midnight */
#define MARKETS 2

typedef struct rig {
  pmm_arena_t arena;
  pmm_market_t market[MARKETS], *markets[MARKETS];
  pmm_ladder_t ladder[MARKETS], *ladders[MARKETS];
  pmm_sim_t *sim;
  pmm_rewards_t *rewards;
  uint64_t next_id;
} rig_t;

static pmm_rewards_params_t defaults(pmm_rewards_model_t model) {
  pmm_rewards_params_t p;
  memset(&p, 0, sizeof p);
  pmm_params_default(pmm_rewards_param_table, pmm_rewards_param_cnt, &p);
  p.model = (int32_t)model;
  return p;
}

static void start(rig_t *r, const pmm_rewards_params_t *p, uint64_t seed) {
  memset(r, 0, sizeof *r);
  assert_int_equal(pmm_arena_open(&r->arena, pmm_sim_bytes(MARKETS, 64) + MARKETS * pmm_ladder_bytes(100) + pmm_rewards_bytes(MARKETS) + 4096), PMM_OK);
  for (int i = 0; i < MARKETS; i++) {
    pmm_market_init(&r->market[i], "m");
    r->market[i].data = PMM_DATA_DEPTH | PMM_DATA_TRADES;
    r->market[i].fees = (pmm_fee_schedule_t){.model = PMM_FEE_POLYMARKET, .exponent = 1, .taker_rate_e6 = 70000, .rebate_share_e6 = 200000};
    r->markets[i] = &r->market[i];
    r->ladders[i] = &r->ladder[i];
    assert_int_equal(pmm_ladder_init(&r->ladder[i], &r->arena, 100, 100), PMM_OK);
  }
  pmm_sim_params_t sp;
  memset(&sp, 0, sizeof sp);
  pmm_params_default(pmm_sim_param_table, pmm_sim_param_cnt, &sp);
  assert_int_equal(pmm_sim_init(&r->sim, &r->arena, &sp, r->markets, r->ladders, MARKETS, 64, 1000000 * ONE), PMM_OK);
  assert_int_equal(pmm_rewards_init(&r->rewards, &r->arena, p, r->markets, r->ladders, MARKETS, seed), PMM_OK);
}
static void stop(rig_t *r) { pmm_arena_close(&r->arena); }

static void act(rig_t *r, int64_t now, pmm_action_t a) {
  pmm_event_t ev;
  pmm_sim_on_action(r->sim, now, &a);
  while (pmm_sim_poll(r->sim, &ev)) {}
}
static void place(rig_t *r, int64_t now, uint32_t market, pmm_route_t route, int32_t price_e4, int64_t qty_e6) {
  act(r, now, (pmm_action_t){.order_id = ++r->next_id, .qty_e6 = qty_e6, .price_e4 = price_e4, .market = market, .kind = PMM_ACT_PLACE, .route = (uint8_t)route, .flags = PMM_ACT_POST_ONLY});
}
static void level(rig_t *r, int64_t now, uint32_t market, pmm_side_t side, int32_t price_e4, int64_t qty_e6) {
  pmm_event_t ev;
  pmm_md_t const md = {.recv_ns = now, .exch_ns = now, .qty_e6 = qty_e6, .price_e4 = price_e4, .market = market, .kind = PMM_MD_LEVEL, .side = (uint8_t)side, .flags = PMM_F_LAST};
  int64_t old;
  pmm_book_apply(&r->ladder[market], &r->market[market].grid, &md, &old);
  pmm_sim_on_md(r->sim, now, &md);
  while (pmm_sim_poll(r->sim, &ev)) {}
}
/* Takes every sample due before until, as a driver does. */
static void run(rig_t *r, int64_t from, int64_t until) {
  if (pmm_rewards_next(r->rewards) == INT64_MIN) pmm_rewards_sample(r->rewards, from, r->sim);
  while (pmm_rewards_next(r->rewards) < until) pmm_rewards_sample(r->rewards, pmm_rewards_next(r->rewards), r->sim);
}
static void paid(const rig_t *r, const char *why, int64_t want_low, int64_t want_high, uint64_t want_samples) {
  int64_t low, high;
  uint64_t samples;
  pmm_rewards_total(r->rewards, &low, &high, NULL, &samples);
  if (low != want_low || high != want_high || samples != want_samples)
    fail_msg("%s: %lld to %lld over %llu samples, want %lld to %lld over %llu", why, (long long)low, (long long)high, (unsigned long long)samples, (long long)want_low,
             (long long)want_high, (unsigned long long)want_samples);
}

/* -- payouts by hand -- */
static void kalshi_days(void **state) { /* the venue's vector held for a day: 1/7 or 50/275 of one side, nothing of the other */
  (void)state;
  static rig_t r;
  pmm_rewards_params_t p = defaults(PMM_REWARDS_KALSHI);
  start(&r, &p, 1);
  r.market[1].life = PMM_LIFE_HALTED; /* is not sampled */
  static const struct { int32_t price; int64_t qty; } bids[] = {{5000, 100}, {4900, 200}, {4800, 400}, {4000, 1000}};
  for (size_t i = 0; i < COUNT_OF(bids); i++) level(&r, START, 0, PMM_BID, bids[i].price, bids[i].qty * ONE);
  level(&r, START, 0, PMM_ASK, 5100, 500 * ONE);
  place(&r, START, 0, PMM_BUY_YES, 4900, 100 * ONE);
  run(&r, START, START + DAY);
  paid(&r, "a day", 7140000, 9090000, 86400); /* 100 x 1/14 = 7.1428, down to the cent; cut: 100 x 25/275 */
  run(&r, START, START + DAY + DAY / 10);
  paid(&r, "a tenth of another: 0.71 is under a dollar and 0.90 as well", 7140000, 9090000, 86400 + 8640);
  run(&r, START, START + DAY + DAY / 8);
  paid(&r, "an eighth: 1.13 is paid where 0.89 is not", 7140000, 9090000 + 1130000, 86400 + 10800);
  level(&r, START + DAY + DAY / 8, 0, PMM_ASK, 5100, 499 * ONE); /* the other side no longer reaches the target: nothing counts */
  run(&r, START, START + 2 * DAY);
  paid(&r, "only the samples that count share the pool", 2 * 7140000, 2 * 9090000, 2 * 86400);
  stop(&r);
}

static void polymarket_days(void **state) {
  (void)state;
  static rig_t r;
  pmm_rewards_params_t p = defaults(PMM_REWARDS_POLYMARKET);
  p.pool_e6 = 4 * ONE;
  start(&r, &p, 1);
  for (uint32_t m = 0; m < MARKETS; m++) {
    level(&r, START, m, PMM_BID, 4900, 100 * ONE);
    level(&r, START, m, PMM_ASK, 5100, 100 * ONE);
    place(&r, START - 4 * S, m, PMM_BUY_YES, 4900, 100 * ONE);
    place(&r, START - 4 * S, m, PMM_BUY_NO, 5100, 100 * ONE);
  }
  run(&r, START, START + DAY);
  paid(&r, "two markets of 4, half to two thirds of each", 4 * ONE, 5333332, 2880); /* 2 x 2.666666: each rounds down */
  run(&r, START, START + DAY + DAY / 5);
  paid(&r, "a fifth of a day: 0.8 of both markets is nothing, 1.07 is", 4 * ONE, 5333332 + 1066666, 2880 + 576);
  for (uint32_t m = 0; m < MARKETS; m++) r.market[m].life = PMM_LIFE_CLOSED;
  run(&r, START, START + 2 * DAY);
  paid(&r, "closed markets have no samples", 4 * ONE, 5333332 + 1066666, 2880 + 576);
  stop(&r);
}

static void rebates(void **state) {
  (void)state;
  static rig_t r;
  pmm_rewards_params_t const p = defaults(PMM_REWARDS_NONE);
  start(&r, &p, 1);
  assert_true(pmm_rewards_next(r.rewards) == PMM_NS_MAX);
  static const struct { const char *why; int64_t at; uint32_t market; bool maker; int32_t price; int64_t qty, want; } rows[] = {
    {"100 at 0.50 make 1.75, a fifth of it 0.35", 0, 0, true, 5000, 100, 0},
    {"0.70 is under a dollar", 1, 0, true, 5000, 100, 0},
    {"as a taker nothing", 2, 0, false, 5000, 1000, 0},
    {"1.05 over all markets", 3 * S, 1, true, 5000, 100, 1050000},
    {"the cheap end earns less: 0.126", 4 * S, 1, true, 1000, 100, 1176000},
    {"another day begins at nothing", DAY, 0, true, 5000, 200, 1176000},
    {"and pays from a dollar on", DAY + 1, 0, true, 5000, 86, 1176000 + 1001000},
    {"a third", 3 * DAY, 0, true, 5000, 100, 1176000 + 1001000},
  };
  for (size_t i = 0; i < COUNT_OF(rows); i++) {
    pmm_rewards_fill(r.rewards, START + rows[i].at, rows[i].market, rows[i].maker, rows[i].price, rows[i].qty * ONE);
    int64_t got;
    pmm_rewards_total(r.rewards, NULL, NULL, &got, NULL);
    if (got != rows[i].want) fail_msg("%s: %lld, want %lld", rows[i].why, (long long)got, (long long)rows[i].want);
  }
  r.market[0].fees.rebate_share_e6 = 0;
  pmm_rewards_fill(r.rewards, START + 3 * DAY, 0, true, 5000, 100000 * ONE);
  int64_t got;
  pmm_rewards_total(r.rewards, NULL, NULL, &got, NULL);
  assert_int_equal(got, 2177000);
  stop(&r);
}

/* -- the model: every sample kept, every payout computed from the list -- */
typedef struct sample { int64_t at; uint32_t market; pmm_rewards_share_t share; } sample_t;
#define SAMPLES_MAX 100000
static sample_t seen[SAMPLES_MAX];

static int64_t model_total(const pmm_rewards_params_t *p, size_t cnt, bool high) {
  int64_t const every = p->every_ns ? p->every_ns : p->model == PMM_REWARDS_KALSHI ? S : 60 * S;
  int64_t total = 0;
  for (size_t i = 0; i < cnt;) {
    int64_t const epoch = seen[i].at / p->period_ns;
    size_t end = i;
    while (end < cnt && seen[end].at / p->period_ns == epoch) end++;
    int64_t all = 0;
    for (uint32_t m = 0; m < MARKETS; m++) {
      double share = 0, samples = 0, scored = 0;
      for (size_t k = i; k < end; k++) {
        if (seen[k].market != m) continue;
        samples++;
        share += high ? seen[k].share.high : seen[k].share.low;
        scored += high ? seen[k].share.must_score : seen[k].share.may_score;
      }
      double const part = samples * (double)every / (double)p->period_ns, pool = (double)p->pool_e6 * (part > 1 ? 1 : part);
      int64_t e6 = scored > 0 ? (int64_t)floor(pool * share / scored + 1e-3) : 0;
      if (e6 > p->pool_e6) fail_msg("more than the pool");
      if (p->model == PMM_REWARDS_KALSHI) e6 = e6 / 10000 * 10000 < p->min_payout_e6 ? 0 : e6 / 10000 * 10000;
      all += e6;
    }
    total += p->model == PMM_REWARDS_POLYMARKET && all < p->min_payout_e6 ? 0 : all;
    i = end;
  }
  return total;
}

static void shake(rig_t *r, pmm_rng_t *rng, int64_t now) {
  uint32_t const m = (uint32_t)pmm_rng_below(rng, MARKETS);
  int32_t const tick = (int32_t)check_between(rng, 46, 54);
  switch (pmm_rng_below(rng, 8)) {
  case 0: r->market[m].life = (uint8_t)(pmm_rng_below(rng, 4) ? PMM_LIFE_OPEN : PMM_LIFE_HALTED); break;
  case 1: place(r, now, m, PMM_BUY_YES, 100 * (int32_t)check_between(rng, 45, 50), check_between(rng, 10, 150) * ONE); break;
  case 2: place(r, now, m, PMM_BUY_NO, 100 * (int32_t)check_between(rng, 51, 55), check_between(rng, 10, 150) * ONE); break;
  case 3:
    if (r->next_id) act(r, now, (pmm_action_t){.order_id = 1 + pmm_rng_below(rng, r->next_id), .market = m, .kind = PMM_ACT_CANCEL});
    break;
  default: level(r, now, m, tick <= 50 ? PMM_BID : PMM_ASK, tick * 100, pmm_rng_below(rng, 3) ? check_between(rng, 20, 300) * ONE : 0); break;
  }
}

static uint64_t run_property(uint64_t seed, uint64_t ops, bool broken) {
  pmm_rng_t rng;
  pmm_rng_seed(&rng, seed);
  for (uint64_t i = 0; i < ops; i++) {
    static rig_t r;
    pmm_rewards_params_t p = defaults(pmm_rng_below(&rng, 2) ? PMM_REWARDS_KALSHI : PMM_REWARDS_POLYMARKET);
    p.every_ns = check_between(&rng, 1, 600) * S;
    p.period_ns = check_between(&rng, 1, 24) * 3600 * S;
    p.pool_e6 = check_between(&rng, 1, 50) * ONE;
    p.order_age_ns = check_between(&rng, 0, 600) * S;
    p.target_e6 = check_between(&rng, 1, 500) * ONE;
    uint64_t const draw = pmm_rng_u64(&rng);
    start(&r, &p, draw);
    size_t cnt = 0;
    int64_t now = START + (int64_t)pmm_rng_below(&rng, (uint64_t)DAY), last = -1;
    pmm_rewards_sample(r.rewards, now, r.sim);
    bool fits = true;
    for (int k = 0; k < 400 && cnt < SAMPLES_MAX - 2; k++) {
      now = pmm_max64(now, pmm_rewards_next(r.rewards) - (int64_t)pmm_rng_below(&rng, 3));
      shake(&r, &rng, now);
      if (pmm_rng_below(&rng, 2)) continue;
      int64_t const due = pmm_rewards_next(r.rewards);
      fits &= due >= now && due / p.every_ns > last; /* one to an interval, in order */
      last = due / p.every_ns;
      now = due;
      for (uint32_t m = 0; m < MARKETS; m++) {
        pmm_sim_order_t own[64];
        if (r.market[m].life != PMM_LIFE_OPEN) continue;
        seen[cnt] = (sample_t){.at = due, .market = m};
        pmm_rewards_share(&p, &r.ladder[m], own, pmm_sim_orders(r.sim, m, own, 64), due, &seen[cnt++].share);
      }
      pmm_rewards_sample(r.rewards, due, r.sim);
    }
    int64_t low, high;
    uint64_t samples;
    pmm_rewards_total(r.rewards, &low, &high, NULL, &samples);
    if (broken && cnt > 0) cnt--;
    fits &= low == model_total(&p, cnt, false) && high == model_total(&p, cnt, true) && samples == cnt && low <= high;
    stop(&r);
    if (!fits) return i;
  }
  return NO_MISMATCH;
}
static void random_runs(void **state) {
  (void)state;
  check_random("runs", run_property, 300);
  check_canary("runs", run_property, 5);
}

/* -- the moments: of seed and interval alone -- */
static void moments(void **state) {
  (void)state;
  static rig_t a, b, c;
  pmm_rewards_params_t const p = defaults(PMM_REWARDS_POLYMARKET);
  start(&a, &p, 7);
  start(&b, &p, 7);
  start(&c, &p, 8);
  assert_true(pmm_rewards_next(a.rewards) == INT64_MIN);
  run(&a, START, START + 100 * 60 * S);
  run(&b, START + 99 * 60 * S + 59 * S + 999999999, START + 100 * 60 * S); /* another first event, the same moments from then on */
  run(&c, START, START + 100 * 60 * S);
  int same = 0;
  double sum = 0;
  for (int i = 0; i < 2000; i++) {
    int64_t const t = pmm_rewards_next(a.rewards);
    assert_true(t == pmm_rewards_next(b.rewards));
    same += t == pmm_rewards_next(c.rewards);
    sum += (double)(t % (60 * S)) / 6e10;
    pmm_rewards_sample(a.rewards, t, a.sim);
    pmm_rewards_sample(b.rewards, t, b.sim);
    pmm_rewards_sample(c.rewards, pmm_rewards_next(c.rewards), c.sim);
  }
  assert_int_equal(same, 0);
  assert_true(sum / 2000 > .5 - 4 * .289 / sqrt(2000) && sum / 2000 < .5 + 4 * .289 / sqrt(2000)); /* uniform: four standard errors */
  stop(&a);
  stop(&b);
  stop(&c);
}

static void refusals(void **state) {
  (void)state;
  static unsigned char _Alignas(64) memory[1 << 16];
  pmm_rewards_t *r = NULL;
  pmm_arena_t arena;
  pmm_arena_init(&arena, memory, sizeof memory);
#define BAD(why_, field_, value_) {why_, offsetof(pmm_rewards_params_t, field_), sizeof(((pmm_rewards_params_t *)0)->field_), value_}
  static const struct { const char *why; size_t offset, size; int64_t value; } rows[] = {
    BAD("model", model, 3), BAD("pool", pool_e6, -1), BAD("period", period_ns, 0), BAD("sampled less than once", every_ns, 2 * DAY), BAD("payout", min_payout_e6, -1),
    BAD("spread", max_spread_e4, 0), BAD("size", min_size_e6, -1), BAD("age", order_age_ns, -1), BAD("target", target_e6, 0), BAD("step", step_e4, 0)};
  for (size_t i = 0; i < COUNT_OF(rows); i++) {
    pmm_rewards_params_t p = defaults(PMM_REWARDS_KALSHI);
    memcpy((char *)&p + rows[i].offset, &rows[i].value, rows[i].size);
    if (pmm_rewards_init(&r, &arena, &p, NULL, NULL, 0, 1) != PMM_INVAL || r) fail_msg("%s", rows[i].why);
  }
  pmm_rewards_params_t p = defaults(PMM_REWARDS_KALSHI);
  p.one_sided = .5;
  assert_int_equal(pmm_rewards_init(&r, &arena, &p, NULL, NULL, 0, 1), PMM_INVAL);
  p.one_sided = 3;
  p.discount = NAN;
  assert_int_equal(pmm_rewards_init(&r, &arena, &p, NULL, NULL, 0, 1), PMM_INVAL);
  p.discount = 1;
  pmm_arena_init(&arena, memory, 64);
  assert_int_equal(pmm_rewards_init(&r, &arena, &p, NULL, NULL, 0, 1), PMM_FULL);
  assert_true(r == NULL);
}

int main(void) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(kalshi_days), cmocka_unit_test(polymarket_days), cmocka_unit_test(rebates), cmocka_unit_test(random_runs),
                                     cmocka_unit_test(moments), cmocka_unit_test(refusals)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
