/* The running sigma against a model that recomputes it sample by sample, and the warm-up's choices. */
#include "fixture.h"
#include "strategy/toxicity.h"
#include "strategy/warmup.h"

static const pmm__tox_clock_t clock5 = {5, 30, 1800, 10, 60};
static const pmm__tox_terms_t terms = {.05, 3, 1, 1, 1.4, 6, 10, 90, .6, .4};

static void test_constant_drift(void **unused) {
  (void)unused;
  pmm__tox_t t;
  pmm__tox_init(&t, &clock5, &terms);
  assert_true(t.sigma == 1);
  pmm__tox_set_x(&t, 0, 0);
  for (int i = 1; i <= 6; i++) { /* always up by 0.1: J = fast/slow, D = 1 */
    pmm__tox_set_x(&t, i * 5 * SEC - 1, .1 * i);
    pmm__tox_advance(&t, i * 5 * SEC, 0, NULL, NULL);
  }
  double fast = 0, slow = 0, sigma = 1;
  for (int i = 0; i < 6; i++) {
    fast += (1 - exp(-5 / 30.0)) * (.1 - fast);
    slow += (1 - exp(-5 / 1800.0)) * (.1 - slow);
    double const raw = fmin(6, 1 + pow(log(fast / slow), 1.4));
    sigma += (1 - exp(-.5)) * (raw - sigma);
  }
  assert_true(fabs(t.abs_fast - fast) < 1e-12 && fabs(t.abs_slow - slow) < 1e-12 && fabs(t.sigma - sigma) < 1e-10);
  assert_int_equal(t.sample_cnt, 6);
}

static void test_adverse_markout(void **unused) {
  (void)unused;
  static const struct { const char *why; pmm_side_t side; double moves_to, want; } rows[] = {
    {"we bought and it fell", PMM_BID, -.3, .3}, {"we bought and it rose: no harm", PMM_BID, .3, 0},
    {"we sold and it rose", PMM_ASK, .3, .3},    {"we sold and it fell: no harm", PMM_ASK, -.3, 0}};
  double sigma[COUNT_OF(rows)];
  for (size_t i = 0; i < COUNT_OF(rows); i++) {
    pmm__tox_t t;
    pmm__tox_init(&t, &clock5, &terms);
    pmm__tox_fill(&t, 0, rows[i].side); /* before any price: nothing to measure from */
    assert_int_equal(t.fill_cnt, 0);
    pmm__tox_set_x(&t, 0, 0);
    pmm__tox_fill(&t, 0, rows[i].side);
    pmm__tox_set_x(&t, 1, rows[i].moves_to);
    assert_true(pmm__tox_is_due(&t, SEC));
    pmm__tox_advance(&t, 9 * SEC, 0, NULL, NULL);
    assert_true(pmm__tox_markout(&t, 0) == 0); /* not yet ten seconds */
    pmm__tox_advance(&t, 10 * SEC, 0, NULL, NULL);
    if (fabs(pmm__tox_markout(&t, 0) - rows[i].want) > 1e-12) fail_msg("%s: %g", rows[i].why, pmm__tox_markout(&t, 0));
    assert_true(pmm__tox_markout(&t, 1) == 0);
    pmm__tox_advance(&t, 60 * SEC, 0, NULL, NULL);
    assert_true(fabs(pmm__tox_markout(&t, 1) - rows[i].want) < 1e-12);
    pmm__tox_advance(&t, 1860 * SEC, 0, NULL, NULL);
    assert_true(fabs(pmm__tox_markout(&t, 1) - rows[i].want * exp(-1)) < 1e-9); /* fades when nothing follows */
    sigma[i] = t.sigma;
  }
  assert_true(sigma[0] > sigma[1] + 1 && sigma[2] > sigma[3] + 1); /* the jump is the same; whom it hurt is not */
}

static void test_many_fills(void **unused) {
  (void)unused;
  pmm__tox_t t;
  pmm__tox_init(&t, &clock5, &terms);
  pmm__tox_set_x(&t, 0, 0);
  for (int i = 0; i < 200; i++) pmm__tox_fill(&t, i, PMM_BID); /* more than fit: the oldest give way */
  assert_int_equal(t.fill_cnt - t.matured_cnt[0], PMM__TOX_FILLS);
  pmm__tox_set_x(&t, 300, -.2);
  pmm__tox_advance(&t, 11 * SEC, 0, NULL, NULL);
  assert_true(fabs(pmm__tox_markout(&t, 0) - .2) < 1e-9);
  pmm__tox_gap(&t); /* the book is lost: what had not matured never will */
  assert_int_equal(t.matured_cnt[1], t.fill_cnt);
  pmm__tox_advance(&t, 100 * SEC, 0, NULL, NULL);
  assert_true(pmm__tox_markout(&t, 1) == 0);
}

static void test_long_silence(void **unused) {
  (void)unused;
  pmm__tox_t t;
  pmm__tox_init(&t, &clock5, &terms);
  pmm__tox_set_x(&t, 0, 0);
  pmm__tox_advance(&t, 100 * SEC, 0, NULL, NULL);
  assert_int_equal(t.sample_cnt, 20); /* a quiet market: samples of 0 */
  pmm__tox_set_x(&t, 100 * SEC, 1);
  pmm__tox_advance(&t, 100000 * SEC, 0, NULL, NULL); /* a day asleep: no return across it */
  assert_int_equal(t.sample_cnt, 20);
  assert_true(t.abs_fast == 0 && t.x_sample == 1);
  pmm__tox_advance(&t, 100005 * SEC, 0, NULL, NULL);
  assert_int_equal(t.sample_cnt, 21);
}

/* Random prices and event times against sampling the whole path anew: previous-tick samples at every 5 s.
   broken: the model takes the price of the next event instead. */
static uint64_t samples(uint64_t seed, uint64_t ops, bool broken) {
  pmm_rng_t rng;
  pmm_rng_seed(&rng, seed);
  pmm__tox_t t;
  pmm__tox_init(&t, &clock5, &terms);
  double x = 0, sampled = 0, fast = 0, slow = 0, mean = 0, sigma = 1;
  int64_t now = 0, next = 5 * SEC;
  pmm__tox_set_x(&t, 0, 0);
  for (uint64_t i = 0; i < ops; i++) {
    now += check_between(&rng, 1, pmm_rng_below(&rng, 20) ? 4 * SEC : 60 * SEC);
    double const to = x + .05 * pmm_rng_normal(&rng), rate = .2 * pmm_rng_unit(&rng);
    for (; next <= now; next += 5 * SEC) {
      double const at = broken ? to : x, r = at - sampled;
      sampled = at;
      fast += (1 - exp(-5 / 30.0)) * (fabs(r) - fast);
      slow += (1 - exp(-5 / 1800.0)) * (fabs(r) - slow);
      mean += (1 - exp(-5 / 30.0)) * (r - mean);
      double const j = slow > 0 ? fast / slow : 1, d = fast > 0 ? fmin(fabs(mean) / fast, 1) : 0, busy = fmin(fmax(rate / .05, 1), 3);
      double const raw = fmin(6, 1 + pow(fmax(log(fmax(j, 1)), 0) * d * busy, 1.4));
      sigma += (1 - exp(-5 / (raw > sigma ? 10.0 : 90.0))) * (raw - sigma);
    }
    pmm__tox_advance(&t, now, rate, NULL, NULL);
    pmm__tox_set_x(&t, now, to);
    x = to;
    if (fabs(t.sigma - sigma) > 1e-9 || fabs(t.abs_slow - slow) > 1e-9) return i;
  }
  return NO_MISMATCH;
}
static void test_samples(void **unused) {
  (void)unused;
  check_random("sigma", samples, 100000);
  check_canary("sigma", samples, 100);
}

/* Selection against sorting; broken: off by one. */
static int by_value(const void *a, const void *b) { return (*(const float *)a > *(const float *)b) - (*(const float *)a < *(const float *)b); }
static uint64_t selection(uint64_t seed, uint64_t ops, bool broken) {
  pmm_rng_t rng;
  pmm_rng_seed(&rng, seed);
  for (uint64_t i = 0; i < ops; i++) {
    float v[64], sorted[64];
    uint32_t const n = (uint32_t)check_between(&rng, 1, 64), k = (uint32_t)pmm_rng_below(&rng, n);
    for (uint32_t j = 0; j < n; j++) sorted[j] = v[j] = (float)pmm_rng_below(&rng, i % 2 ? 5 : 1000);
    qsort(sorted, n, sizeof sorted[0], by_value);
    if (pmm__nth(v, n, k) != sorted[broken && k ? k - 1 : k]) return i;
  }
  return NO_MISMATCH;
}
static void test_selection(void **unused) {
  (void)unused;
  check_random("nth", selection, 50000);
  check_canary("nth", selection, 1000);
}

/* Observes change_cnt price changes and trade_cnt trades at these gaps; returns the chosen clock. */
static pmm__tox_clock_t observe(pmm__warm_t *w, int change_cnt, double change_gap_s, int trade_cnt, double trade_gap_s) {
  pmm__warm_init(w, true, 10);
  double x = 0;
  int64_t const change_ns = (int64_t)(change_gap_s * 1e9), trade_ns = (int64_t)(trade_gap_s * 1e9);
  int64_t next_change = 0, next_trade = trade_ns;
  int changes = 0, trades = 0;
  for (int64_t now = 0;; now += SEC / 2) {
    bool const is_trade = trades < trade_cnt && now >= next_trade;
    if (is_trade) trades++, next_trade += trade_ns;
    if (changes < change_cnt && now >= next_change) changes++, next_change += change_ns, x = changes % 2 ? .1 : 0;
    if (pmm__warm_observe(w, now, 1e6, x, is_trade)) break;
  }
  return pmm__warm_choose(w, &clock5);
}

static void test_choices(void **unused) {
  (void)unused;
  static pmm__warm_t w;
  pmm__tox_clock_t c = observe(&w, 1000, 2, 1000, 4);
  assert_true(fabs(c.dt_sample_s - 1.6) < 1e-6);
  assert_true(fabs(c.tau_fast_s - 10) < 1e-6);  /* returns alternate: no half-life, and 3 dt is below the least */
  assert_true(fabs(c.tau_slow_s - 600) < 1e-6); /* least */
  assert_true(fabs(c.h1_s - 12) < 1e-6 && fabs(c.h2_s - 32) < 1e-6);
  assert_int_equal(w.phase, PMM__WARM_COLLECT);
  c = observe(&w, 1000, 10, 100, 6); /* 59 changes at 10 s */
  assert_true(fabs(c.dt_sample_s - 8) < 1e-6 && fabs(c.tau_fast_s - 24) < 1e-6 && fabs(c.h1_s - 18) < 1e-6 && fabs(c.h2_s - 48) < 1e-6);
  c = observe(&w, 50, 2, 1000, 4); /* 49 gaps between changes: too few, the configuration holds */
  assert_memory_equal(&c, &clock5, sizeof c);
  c = observe(&w, 1000, 2, 20, 4); /* 19 gaps between trades */
  assert_memory_equal(&c, &clock5, sizeof c);
}

static void test_observation_time(void **unused) {
  (void)unused;
  static const struct { double left_s; int64_t end_s; } rows[] = {{1e6, 600}, {NAN, 600}, {1000, 200}, {0, 0}};
  static pmm__warm_t w;
  for (size_t i = 0; i < COUNT_OF(rows); i++) {
    pmm__warm_init(&w, true, 10);
    int64_t s = 0;
    while (!pmm__warm_observe(&w, s * SEC, rows[i].left_s, NAN, false)) s++;
    assert_int_equal(s, rows[i].end_s);
  }
  pmm__warm_init(&w, false, 10);
  assert_int_equal(w.phase, PMM__WARM_DONE);
  assert_false(pmm__warm_observe(&w, 0, 0, 0, true));
  pmm__warm_take(&w, 1); /* not collecting: ignored */
  assert_int_equal(w.sample_cnt, 0);
}

static void test_slow_returns(void **unused) {
  (void)unused; /* smooth waves: returns persist, bursts last */
  static pmm__warm_t w;
  pmm__warm_init(&w, true, 10);
  for (int64_t s = 0; !pmm__warm_observe(&w, s * SEC, 1e6, sin((double)s / 60) + 3 * sin((double)s / 200), s % 2 == 0); s++) {}
  pmm__tox_clock_t const c = pmm__warm_choose(&w, &clock5);
  assert_true(c.tau_fast_s == 60 && c.tau_slow_s == 1200 && c.dt_sample_s == 1); /* clipped to their greatest and least */
}

static void test_sigma_base(void **unused) {
  (void)unused;
  static pmm__warm_t w;
  pmm__warm_init(&w, true, 5);
  while (!pmm__warm_observe(&w, 0, 0, 0, false)) {}
  pmm__warm_choose(&w, &clock5);
  static const double r[] = {.1, -.2, .3, 100, .1}; /* median .1; deviations 0 .3 .2 99.9 0: their median .2 */
  for (size_t i = 0; i < COUNT_OF(r); i++) pmm__warm_take(&w, r[i]);
  assert_int_equal(w.phase, PMM__WARM_DONE);
  assert_true(fabs(w.sigma_base - 1.4826 * .2) < 1e-6);
}

/* Through the strategy: a gap in the recording, fills, and a market that goes quiet. */
static void test_in_strategy(void **unused) {
  (void)unused;
  fixture_t f;
  fix_open(&f, "logit");
  fix_set(&f, "warmup", "false");
  fix_set(&f, "min_samples", "1");
  fix_book(&f, .49, .51, 100);
  fix_event(&f, PMM_MD_LEVEL, PMM_BID);
  for (int i = 0; i < 50; i++) { /* noise, so that there is a scale */
    f.view.now_ns += 5 * SEC;
    fix_book(&f, i % 2 ? .49 : .47, .51, 100);
    fix_event(&f, PMM_MD_LEVEL, PMM_BID);
  }
  double const before = fix_reason(fix_ask(&f), "sigma");
  fix_event(&f, PMM_EV_FILL, PMM_BID);
  f.view.now_ns += SEC;
  fix_book(&f, .29, .31, 100); /* run over */
  fix_event(&f, PMM_MD_LEVEL, PMM_BID);
  f.view.now_ns += 30 * SEC;
  fix_refresh_mid(&f);
  double const after = fix_reason(fix_ask(&f), "sigma");
  assert_true(after > before + 1);
  fix_event(&f, PMM_MD_GAP, PMM_BID);
  f.view.now_ns += 30 * SEC;
  fix_book(&f, .69, .71, 100); /* another price after the hole: no return across it */
  fix_event(&f, PMM_MD_CLEAR, PMM_BID);
  assert_true(fix_reason(fix_ask(&f), "sigma") == after);
  fix_close(&f);
}

int main(void) {
  const struct CMUnitTest tests[] = {
    cmocka_unit_test(test_constant_drift), cmocka_unit_test(test_adverse_markout), cmocka_unit_test(test_many_fills), cmocka_unit_test(test_long_silence),
    cmocka_unit_test(test_samples), cmocka_unit_test(test_selection), cmocka_unit_test(test_choices), cmocka_unit_test(test_observation_time),
    cmocka_unit_test(test_slow_returns), cmocka_unit_test(test_sigma_base), cmocka_unit_test(test_in_strategy)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
