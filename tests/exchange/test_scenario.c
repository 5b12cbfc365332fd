/* Scenarios: the truth is a martingale that ends at its outcome, and the same seed gives the same path. */
#include "rig.h"
#include <math.h>
#include "pmm/hash.h"
#include "pmm/param.h"

static pmm_scenario_params_t defaults(void) {
  pmm_scenario_params_t p;
  memset(&p, 0, sizeof p);
  pmm_params_default(pmm_scenario_param_table, pmm_scenario_param_cnt, &p);
  p.duration_ns = 3600 * PMM_NS_PER_S;
  p.step_ns = 60 * PMM_NS_PER_S;
  return p;
}

/* Mean of p over many seeds at four points of its life stays the first p within three standard errors; so does the share of YES. */
static void check_martingale(const char *why, const pmm_scenario_params_t *p, int paths) {
  enum { POINTS = 4 };
  double sum[POINTS] = {0}, squares[POINTS] = {0}, first = 0;
  int yes = 0;
  int64_t const steps = (p->duration_ns + p->step_ns - 1) / p->step_ns;
  for (int seed = 1; seed <= paths; seed++) {
    pmm_scenario_t s;
    assert_int_equal(pmm_scenario_init(&s, p, 1000, (uint64_t)seed), PMM_OK);
    first = s.p;
    int64_t step = 0;
    bool more;
    do {
      more = pmm_scenario_step(&s);
      step++;
      assert_true(s.p >= 0 && s.p <= 1);
      for (int k = 0; k < POINTS; k++)
        if (step == steps * (k + 1) / POINTS) sum[k] += s.p, squares[k] += s.p * s.p;
    } while (more);
    assert_int_equal(step, steps);
    assert_int_equal(s.at_ns, 1000 + p->duration_ns);
    assert_true(s.done && (s.p == 0 || s.p == 1) && s.outcome_yes == (s.p == 1));
    assert_false(pmm_scenario_step(&s)); /* and stays there */
    yes += s.outcome_yes;
  }
  for (int k = 0; k < POINTS; k++) {
    double const mean = sum[k] / paths, error = sqrt((squares[k] / paths - mean * mean) / paths);
    if (fabs(mean - first) > 3 * error) fail_msg("%s, point %d: mean %.5f, first %.5f, standard error %.5f", why, k, mean, first, error);
  }
  assert_true(fabs((double)yes / paths - first) <= 3 * sqrt(first * (1 - first) / paths));
}

static void walks(void **state) {
  (void)state;
  static const struct { const char *why; double p0, volatility, jump_rate, jump_std; } rows[] = {
    {"even", 0.5, 0.5, 0, 0}, {"unlikely", 0.1, 1, 0, 0}, {"likely, wild", 0.85, 3, 0, 0}, {"with jumps", 0.3, 0.5, 6, 0.8}, {"jumps only", 0.6, 0, 10, 0.5}, {"nothing but the end", 0.4, 0, 0, 0}};
  for (size_t i = 0; i < CNT(rows); i++) {
    pmm_scenario_params_t p = defaults();
    p.p0 = rows[i].p0;
    p.volatility = rows[i].volatility;
    p.jump_rate = rows[i].jump_rate;
    p.jump_std = rows[i].jump_std;
    check_martingale(rows[i].why, &p, 4000);
  }
}

static void digitals(void **state) {
  (void)state;
  static const struct { const char *why; double strike, volatility, jump_rate, jump_std; } rows[] = {
    {"at the money", 100, 0.5, 0, 0}, {"above", 100.4, 0.5, 0, 0}, {"with jumps", 100.2, 0.3, 4, 0.005}, {"jumps only", 99.8, 0, 20, 0.003}};
  for (size_t i = 0; i < CNT(rows); i++) {
    pmm_scenario_params_t p = defaults();
    p.kind = PMM_SCENARIO_DIGITAL;
    p.step_ns = 450 * PMM_NS_PER_S;
    p.strike = rows[i].strike;
    p.volatility = rows[i].volatility;
    p.jump_rate = rows[i].jump_rate;
    p.jump_std = rows[i].jump_std;
    check_martingale(rows[i].why, &p, 1500);
  }
}

/* The walk's belief comes to its outcome by itself: shortly before the end it is nearly there. */
static void walk_converges(void **state) {
  (void)state;
  pmm_scenario_params_t p = defaults();
  p.volatility = 1;
  p.step_ns = PMM_NS_PER_S;
  int near = 0;
  for (int seed = 1; seed <= 100; seed++) {
    pmm_scenario_t s;
    assert_int_equal(pmm_scenario_init(&s, &p, 0, (uint64_t)seed), PMM_OK);
    double before = 0;
    do before = s.p;
    while (pmm_scenario_step(&s));
    near += fabs(before - s.p) < 0.01;
  }
  assert_true(near >= 99);
}

static void refuses(void **state) {
  (void)state;
  pmm_scenario_t s;
#define REFUSE(change) do { pmm_scenario_params_t p = defaults(); change; assert_int_equal(pmm_scenario_init(&s, &p, 0, 1), PMM_INVAL); } while (0)
  REFUSE(p.p0 = 0);
  REFUSE(p.p0 = 1);
  REFUSE(p.p0 = NAN);
  REFUSE(p.volatility = -1);
  REFUSE(p.volatility = INFINITY);
  REFUSE(p.jump_rate = -1);
  REFUSE(p.jump_std = -1);
  REFUSE(p.step_ns = 0);
  REFUSE(p.duration_ns = 0);
  REFUSE(p.kind = 5);
  REFUSE((p.kind = PMM_SCENARIO_DIGITAL, p.spot = 0));
  REFUSE((p.kind = PMM_SCENARIO_DIGITAL, p.strike = INFINITY));
}

static uint64_t path_hash(int32_t kind) {
  pmm_scenario_params_t p = defaults();
  p.kind = kind;
  p.jump_rate = 3;
  p.jump_std = kind == PMM_SCENARIO_WALK ? 0.5 : 0.002;
  pmm_scenario_t s;
  assert_int_equal(pmm_scenario_init(&s, &p, 0, 42), PMM_OK);
  uint64_t h = 0;
  do {
    uint64_t bits;
    memcpy(&bits, &s.p, sizeof bits);
    h = pmm_hash_mix(h, bits);
  } while (pmm_scenario_step(&s));
  return h;
}

/* The bits of a path are the same with every compiler and at every level of optimisation. */
static void same_bits(void **state) {
  (void)state;
  assert_int_equal(path_hash(PMM_SCENARIO_WALK), UINT64_C(0x3574a28d146151ee));
  assert_int_equal(path_hash(PMM_SCENARIO_DIGITAL), UINT64_C(0xac5532b22bef3bbd));
}

int main(void) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(walks), cmocka_unit_test(digitals), cmocka_unit_test(walk_converges), cmocka_unit_test(refuses), cmocka_unit_test(same_bits)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
