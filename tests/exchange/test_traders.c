/* Synthetic traders on the matching engine: a living book, a price that follows the truth, the same orders from the same seed. */
#include "rig.h"
#include <math.h>
#include "pmm/hash.h"
#include "pmm/param.h"

typedef struct run {
  uint64_t hash, events, trades;
  int64_t volume_e6, noise_e6, informed_e6; /* what the two groups end with, in money */
  double error;                             /* mean distance of the mid from the truth */
  int two_sided, looks;
} run_t;

static pmm_traders_params_t defaults(void) {
  pmm_traders_params_t p;
  memset(&p, 0, sizeof p);
  pmm_params_default(pmm_traders_param_table, pmm_traders_param_cnt, &p);
  return p;
}

static void drain(pmm_match_t *match, pmm_traders_t *traders, run_t *r) {
  uint32_t account;
  pmm_event_t e;
  while (pmm_match_poll(match, &account, &e)) {
    r->hash = pmm_hash_mix(r->hash, pmm_hash64(&e, sizeof e, account));
    r->events++;
    if (e.md.kind == PMM_MD_TRADE) r->trades++, r->volume_e6 += e.md.qty_e6;
    pmm_traders_on_event(traders, account, &e);
  }
}

static int64_t worth(const pmm_match_t *match, uint32_t first, uint32_t cnt) {
  int64_t sum = 0;
  for (uint32_t a = first; a < first + cnt; a++) sum += pmm_match_cash(match, a, NULL) - PMM_TRADER_CASH_E6;
  return sum;
}

static run_t run_day(const pmm_traders_params_t *params, uint64_t seed, int64_t seconds, uint32_t orders_max) {
  run_t r = {0};
  pmm_market_t market;
  pmm_market_init(&market, "synthetic");
  pmm_match_params_t const mp = {.stp = PMM_STP_CANCEL_MAKER, .net_pairs = true, .accounts_max = 64, .orders_max = orders_max, .client_ids_max = 200000};
  pmm_arena_t arena;
  pmm_match_t *match;
  pmm_traders_t *traders;
  assert_int_equal(pmm_arena_open(&arena, pmm_match_bytes(&mp, 1) + (1 << 20)), PMM_OK);
  assert_int_equal(pmm_match_init(&match, &arena, &mp, &market, 1), PMM_OK);
  uint32_t outsider;
  assert_int_equal(pmm_match_account(match, 0, &outsider), PMM_OK);
  assert_int_equal(pmm_traders_init(&traders, &arena, params, match, 0, 0, seed), PMM_OK);
  pmm_scenario_params_t sp;
  memset(&sp, 0, sizeof sp);
  pmm_params_default(pmm_scenario_param_table, pmm_scenario_param_cnt, &sp);
  sp.duration_ns = seconds * PMM_NS_PER_S;
  sp.volatility = 1;
  pmm_scenario_t scenario;
  assert_int_equal(pmm_scenario_init(&scenario, &sp, 0, seed), PMM_OK);
  while (pmm_scenario_step(&scenario)) {
    do {
      pmm_match_advance(match, scenario.at_ns);
      pmm_traders_step(traders, scenario.at_ns, scenario.p);
      drain(match, traders, &r);
    } while (pmm_traders_next_ns(traders) <= scenario.at_ns);
    double mid;
    r.looks++;
    if (pmm_ladder_mid(pmm_match_ladder(match, 0), &mid) != PMM_OK) continue;
    r.two_sided++;
    r.error += fabs(mid - scenario.p);
  }
  pmm_error_t err;
  if (pmm_match_check(match, &err) != PMM_OK) fail_msg("%s", err.text);
  assert_int_equal(pmm_match_life(match, 0, scenario.at_ns, PMM_LIFE_CLOSED, PMM_OUTCOME_UNKNOWN, 0), PMM_OK);
  assert_int_equal(pmm_match_life(match, 0, scenario.at_ns, PMM_LIFE_RESOLVED, scenario.outcome_yes ? PMM_OUTCOME_YES : PMM_OUTCOME_NO, scenario.outcome_yes ? ONE : 0), PMM_OK);
  drain(match, traders, &r);
  r.error /= r.two_sided ? r.two_sided : 1;
  r.noise_e6 = worth(match, 1, (uint32_t)params->noise);
  r.informed_e6 = worth(match, 1 + (uint32_t)params->noise, (uint32_t)params->informed);
  pmm_arena_close(&arena);
  return r;
}

static void a_living_market(void **state) {
  (void)state;
  pmm_traders_params_t const p = defaults();
  double noise = 0, informed = 0, error = 0;
  for (uint64_t seed = 1; seed <= 8; seed++) {
    run_t const r = run_day(&p, seed, 900, 4096);
    assert_true(r.trades > 300 && r.volume_e6 > 1000 * ONE);
    assert_true(r.two_sided > r.looks * 8 / 10);
    noise += (double)r.noise_e6;
    informed += (double)r.informed_e6;
    error += r.error / 8;
  }
  assert_true(error < 0.05);   /* the book follows the truth */
  assert_true(informed > 0);   /* who knows it wins, who does not loses */
  assert_true(noise < 0);
}

static void same_seed_same_orders(void **state) {
  (void)state;
  pmm_traders_params_t const p = defaults();
  run_t const a = run_day(&p, 7, 200, 4096), b = run_day(&p, 7, 200, 4096), c = run_day(&p, 8, 200, 4096);
  assert_int_equal(a.hash, b.hash);
  assert_int_equal(a.events, b.events);
  assert_true(a.hash != c.hash);
  assert_int_equal(a.hash, UINT64_C(0x7bb1acdd18fdbc90)); /* with every compiler, at every level of optimisation */
}

static void nobody(void **state) {
  (void)state;
  pmm_traders_params_t p = defaults();
  p.noise = p.informed = p.momentum = p.reference = 0;
  run_t const r = run_day(&p, 1, 60, 16);
  assert_int_equal(r.trades, 0);
  p.noise = 3;
  p.noise_rate = 0;
  run_t const idle = run_day(&p, 1, 60, 16);
  assert_int_equal(idle.events, r.events);
}

static void a_full_book_is_survived(void **state) {
  (void)state;
  pmm_traders_params_t p = defaults();
  p.noise_rate = 20;
  run_t const r = run_day(&p, 3, 60, 32); /* most are refused: PMM_REJECT_FULL */
  assert_true(r.events > 1000);
}

static void refuses(void **state) {
  (void)state;
  pmm_market_t market;
  pmm_market_init(&market, "m");
  pmm_match_params_t const mp = {.accounts_max = 5, .orders_max = 16, .client_ids_max = 100};
  pmm_arena_t arena;
  pmm_match_t *match;
  pmm_traders_t *t;
  assert_int_equal(pmm_arena_open(&arena, pmm_match_bytes(&mp, 1) + (1 << 20)), PMM_OK);
  assert_int_equal(pmm_match_init(&match, &arena, &mp, &market, 1), PMM_OK);
  pmm_traders_params_t p = defaults();
  assert_int_equal(pmm_traders_init(&t, &arena, &p, match, 0, 0, 1), PMM_FULL); /* more traders than accounts */
  p.noise = 1;
  p.informed = p.momentum = p.reference = 0;
  assert_int_equal(pmm_traders_init(&t, &arena, &p, match, 1, 0, 1), PMM_INVAL);
  p.size_mean = 0;
  assert_int_equal(pmm_traders_init(&t, &arena, &p, match, 0, 0, 1), PMM_INVAL);
  p = defaults();
  p.noise = -1;
  assert_int_equal(pmm_traders_init(&t, &arena, &p, match, 0, 0, 1), PMM_INVAL);
  p = defaults();
  p.noise_rate = NAN;
  assert_int_equal(pmm_traders_init(&t, &arena, &p, match, 0, 0, 1), PMM_INVAL);
  pmm_arena_close(&arena);
}

int main(void) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(a_living_market), cmocka_unit_test(same_seed_same_orders), cmocka_unit_test(nobody), cmocka_unit_test(a_full_book_is_survived), cmocka_unit_test(refuses)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
