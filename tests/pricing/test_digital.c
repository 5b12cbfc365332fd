/* Digital options: formulas, edges, and the averaged form against a simulation with one sample a second. */
#include <math.h>

#include "base/check.h"
#include "pmm/pricing.h"

static const pmm_digital_in_t base_in = {.spot = 95000, .strike = 95000, .time_s = 300, .volatility = .5, .window_s = 60, .mean_so_far = 95000, .clamp_lo = .01, .clamp_hi = .99};

static double reference_cdf(double x) { return .5 * erfc(-x / sqrt(2)); }

static void test_formulas(void **unused) {
  (void)unused;
  pmm_digital_in_t in = base_in;
  double d2, p;
  assert_int_equal(pmm_digital_simple(&in, &d2, &p), PMM_OK);
  assert_true(d2 == 0 && p == .5);
  in.spot = 95100;
  double const deviation = .5 * sqrt(300 / 31536000.0);
  assert_int_equal(pmm_digital_simple(&in, &d2, &p), PMM_OK);
  assert_true(fabs(d2 - log(95100 / 95000.0) / deviation) < 1e-10 && fabs(p - reference_cdf(d2)) < 1e-14);
  in.drift = .3;
  assert_int_equal(pmm_digital_exact(&in, &d2, &p), PMM_OK);
  assert_true(fabs(d2 - (log(95100 / 95000.0) + (.3 - .125) * 300 / 31536000) / deviation) < 1e-10);
  assert_int_equal(pmm_digital_average(&in, &d2, &p), PMM_OK);
  assert_true(fabs(d2 - log(95100 / 95000.0) / (.5 * sqrt(260 / 31536000.0))) < 1e-10);
  in.time_s = 40; /* inside the window: 20 s gone at a mean of 95 000 */
  assert_int_equal(pmm_digital_average(&in, &d2, &p), PMM_OK);
  assert_true(fabs(d2 - log(95100 / 95000.0) / (.5 * sqrt(40 / 3.0 / 31536000.0))) < 1e-9);
}

static void test_edges(void **unused) {
  (void)unused;
  typedef pmm_status_t fn_t(const pmm_digital_in_t *, double *, double *);
  static const struct { const char *why; fn_t *fn; double spot, time_s, window_s, mean; bool tie; double want; } rows[] = {
    {"settled above", pmm_digital_simple, 95001, 0, 0, NAN, false, 1},
    {"settled below", pmm_digital_simple, 94999, 0, 0, NAN, false, 0},
    {"settled after the end", pmm_digital_simple, 95001, -5, 0, NAN, false, 1},
    {"settled on the strike", pmm_digital_simple, 95000, 0, 0, NAN, false, 0},
    {"settled on the strike, ties are yes", pmm_digital_simple, 95000, 0, 0, NAN, true, 1},
    {"exact, settled", pmm_digital_exact, 95001, 0, 0, NAN, false, 1},
    {"average settles on its mean, not on the price", pmm_digital_average, 99999, 0, 60, 94999, false, 0},
    {"average on the strike", pmm_digital_average, 90000, 0, 60, 95000, true, 1},
    {"no window, settled", pmm_digital_average, 95001, 0, 0, NAN, false, 1},
    {"decided inside the window", pmm_digital_average, 1, 1, 60, 99000, false, 1},
    {"certain above is clamped", pmm_digital_simple, 200000, 300, 0, NAN, false, .99},
    {"certain below is clamped", pmm_digital_simple, 100, 300, 0, NAN, false, .01},
    {"no window behaves like the simple form", pmm_digital_average, 95000, 300, 0, NAN, false, .5},
  };
  for (size_t i = 0; i < COUNT_OF(rows); i++) {
    pmm_digital_in_t in = base_in;
    in.spot = rows[i].spot, in.time_s = rows[i].time_s, in.window_s = rows[i].window_s, in.mean_so_far = rows[i].mean, in.tie_is_yes = rows[i].tie;
    double d2 = NAN, p = NAN;
    if (rows[i].fn(&in, &d2, &p) != PMM_OK || p != rows[i].want || !isfinite(d2)) fail_msg("%s: p = %.17g, d2 = %g", rows[i].why, p, d2);
  }
  pmm_digital_in_t in = base_in;
  in.time_s = 1e-300, in.spot = 1e300, in.strike = 1e-300;
  double d2, p;
  assert_int_equal(pmm_digital_simple(&in, &d2, &p), PMM_OK);
  assert_true(isfinite(d2) && p == .99);
}

static void test_refusals(void **unused) {
  (void)unused;
  static const struct { const char *why; size_t offset; double value; } rows[] = {
    {"spot 0", offsetof(pmm_digital_in_t, spot), 0},           {"spot negative", offsetof(pmm_digital_in_t, spot), -1},
    {"spot NaN", offsetof(pmm_digital_in_t, spot), NAN},       {"strike 0", offsetof(pmm_digital_in_t, strike), 0},
    {"strike infinite", offsetof(pmm_digital_in_t, strike), INFINITY}, {"time NaN", offsetof(pmm_digital_in_t, time_s), NAN},
    {"volatility 0", offsetof(pmm_digital_in_t, volatility), 0}, {"volatility NaN", offsetof(pmm_digital_in_t, volatility), NAN},
    {"volatility vanishes", offsetof(pmm_digital_in_t, volatility), 5e-324},
    {"clamp upside down", offsetof(pmm_digital_in_t, clamp_lo), .995}, {"clamp negative", offsetof(pmm_digital_in_t, clamp_lo), -1},
    {"clamp above one", offsetof(pmm_digital_in_t, clamp_hi), 1.5}};
  for (size_t i = 0; i < COUNT_OF(rows); i++) {
    pmm_digital_in_t in = base_in;
    *(double *)((char *)&in + rows[i].offset) = rows[i].value;
    double d2 = 7, p = 7;
    if (pmm_digital_simple(&in, &d2, &p) != PMM_INVAL || p != 7 || d2 != 7) fail_msg("simple: %s", rows[i].why);
    if (pmm_digital_exact(&in, &d2, &p) != PMM_INVAL || p != 7) fail_msg("exact: %s", rows[i].why);
    if (pmm_digital_average(&in, &d2, &p) != PMM_INVAL || p != 7) fail_msg("average: %s", rows[i].why);
  }
  pmm_digital_in_t in = base_in;
  double d2 = 7, p = 7;
  in.drift = NAN;
  assert_int_equal(pmm_digital_exact(&in, &d2, &p), PMM_INVAL);
  in.drift = 0, in.volatility = 1e200;
  assert_int_equal(pmm_digital_exact(&in, &d2, &p), PMM_INVAL);
  in = base_in, in.window_s = -1;
  assert_int_equal(pmm_digital_average(&in, &d2, &p), PMM_INVAL);
  in = base_in, in.window_s = NAN;
  assert_int_equal(pmm_digital_average(&in, &d2, &p), PMM_INVAL);
  in = base_in, in.time_s = 30, in.mean_so_far = NAN; /* inside the window its mean must be known */
  assert_int_equal(pmm_digital_average(&in, &d2, &p), PMM_INVAL);
  in.mean_so_far = 1, in.window_s = 1e308, in.strike = 1e300, in.time_s = 1e-3;
  assert_int_equal(pmm_digital_average(&in, &d2, &p), PMM_INVAL);
  assert_true(p == 7 && d2 == 7);
}

/* Fair prices are martingales: today's probability is the mean of tomorrow's over the price's own distribution (here the
   log price without drift, as the simple form has it). broken: tomorrow is valued with too much time left. */
static uint64_t martingale(uint64_t seed, uint64_t ops, bool broken) {
  pmm_rng_t rng;
  pmm_rng_seed(&rng, seed);
  for (uint64_t i = 0; i < ops; i++) {
    pmm_digital_in_t in = base_in;
    in.spot = 95000 * (1 + .002 * pmm_rng_normal(&rng)), in.volatility = .2 + pmm_rng_unit(&rng), in.clamp_lo = 0, in.clamp_hi = 1;
    double d2, now, mean = 0, weight = 0;
    if (pmm_digital_simple(&in, &d2, &now) != PMM_OK) return i;
    double const step = in.volatility * sqrt(120 / PMM_YEAR_S);
    for (int k = -60; k <= 60; k++) { /* the next two minutes, over +-6 deviations */
      double const z = k * .1, w = exp(-z * z / 2);
      pmm_digital_in_t then = in;
      then.spot = in.spot * exp(z * step), then.time_s = broken ? 200 : 180;
      double p;
      pmm_digital_simple(&then, &d2, &p);
      mean += w * p, weight += w;
    }
    if (fabs(mean / weight - now) > 1e-7) return i;
  }
  return NO_MISMATCH;
}
static void test_martingale(void **unused) {
  (void)unused;
  check_random("digital martingale", martingale, 2000);
  check_canary("digital martingale", martingale, 50);
}

/* The averaged form against paths with one sample a second: the closed form's error is a fraction of a cent. */
static double simulate(const pmm_digital_in_t *in, uint64_t path_cnt, pmm_rng_t *rng) {
  int const window = (int)in->window_s, left = (int)in->time_s;
  double const step = in->volatility / sqrt(PMM_YEAR_S);
  uint64_t above = 0;
  for (uint64_t path = 0; path < path_cnt; path++) {
    double x = 0, sum = 0;
    if (left > window) x = step * sqrt(left - window) * pmm_rng_normal(rng);
    for (int s = 0; s < (left < window ? left : window); s++) {
      x += step * pmm_rng_normal(rng);
      sum += in->spot * exp(x);
    }
    double const gone = window - left > 0 ? window - left : 0;
    above += (sum + gone * in->mean_so_far) / window > in->strike;
  }
  return (double)above / (double)path_cnt;
}

static void test_average_against_paths(void **unused) {
  (void)unused;
  static const struct { double spot, time_s, mean; } rows[] = {{95000, 300, 1}, {95060, 120, 1}, {95020, 60, 1}, {95020, 40, 94990}, {94985, 15, 95010}};
  pmm_rng_t rng;
  pmm_rng_seed(&rng, check_seed("digital average"));
  uint64_t const path_cnt = check_ops(20000);
  for (size_t i = 0; i < COUNT_OF(rows); i++) {
    pmm_digital_in_t in = base_in;
    in.spot = rows[i].spot, in.time_s = rows[i].time_s, in.mean_so_far = rows[i].mean, in.clamp_lo = 0, in.clamp_hi = 1;
    double d2, p;
    assert_int_equal(pmm_digital_average(&in, &d2, &p), PMM_OK);
    double const seen = simulate(&in, path_cnt, &rng), noise = 4 * sqrt(.25 / (double)path_cnt);
    if (fabs(p - seen) > noise + .012) fail_msg("row %zu: formula %.4f, simulation %.4f", i, p, seen);
  }
  pmm_digital_in_t in = base_in; /* the canary: a price that ignores the average is seen to be off */
  in.spot = 95040, in.time_s = 60, in.clamp_lo = 0, in.clamp_hi = 1;
  double d2, plain;
  assert_int_equal(pmm_digital_simple(&in, &d2, &plain), PMM_OK);
  assert_true(fabs(plain - simulate(&in, path_cnt, &rng)) > .02);
}

int main(void) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(test_formulas), cmocka_unit_test(test_edges), cmocka_unit_test(test_refusals),
                                     cmocka_unit_test(test_martingale), cmocka_unit_test(test_average_against_paths)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
