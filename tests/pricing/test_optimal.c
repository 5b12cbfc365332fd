/* Quotes of the literature: against worked figures, and the exponential against a plain integration of its equation. */
#include <math.h>
#include "base/check.h"
#include "pmm/optimal.h"

static void near(const char *what, double got, double want, double within) {
  if (!(fabs(got - want) <= within)) fail_msg("%s: %.12g, want %.12g", what, got, want);
}

static void avellaneda_stoikov(void **state) {
  (void)state;
  static const struct { double gamma, spread; } rows[] = {{.1, 1.29}, {.01, 1.33}, {.5, 1.15}}; /* of the paper's tables, to two places */
  for (size_t i = 0; i < COUNT_OF(rows); i++) {
    pmm_as_t const m = {.gamma = rows[i].gamma, .sigma = 2, .k = 1.5};
    double constant, full, reservation;
    assert_int_equal(pmm_as_spread(&m, 0, &constant), PMM_OK);
    near("constant spread", constant, rows[i].spread, .005);
    assert_int_equal(pmm_as_spread(&m, .75, &full), PMM_OK);
    near("full spread", full, constant + 3 * rows[i].gamma, 1e-12);
    assert_int_equal(pmm_as_reservation(&m, 100, 3, .5, &reservation), PMM_OK);
    near("reservation price", reservation, 100 - 6 * rows[i].gamma, 1e-12);
    assert_int_equal(pmm_as_reservation(&m, 100, -3, 0, &reservation), PMM_OK);
    near("at the end", reservation, 100, 0);
  }
}

static const pmm_glft_t paper = {.sigma = .3, .a = .9, .k = .3, .gamma = .01, .q_max = 30};

/* -M v, straight from the equation. */
static void slope(const pmm_glft_t *m, const double *v, double *out) {
  double const eta = m->a * pow(1 + m->gamma / m->k, -(1 + m->k / m->gamma));
  for (int i = 0; i <= 2 * m->q_max; i++) {
    double const q = i - m->q_max;
    out[i] = -m->k * m->gamma * m->sigma * m->sigma / 2 * q * q * v[i] + eta * ((i > 0 ? v[i - 1] : 0) + (i < 2 * m->q_max ? v[i + 1] : 0));
  }
}
/* Runge-Kutta of fourth order in many steps; values stay within doubles for the times tested. */
static void integrate(const pmm_glft_t *m, double time, int steps, double *v) {
  double k[4][201], at[201];
  double const h = time / steps;
  int const size = 2 * m->q_max + 1;
  for (int i = 0; i < size; i++) v[i] = 1;
  for (int s = 0; s < steps; s++) {
    slope(m, v, k[0]);
    for (int stage = 1; stage < 4; stage++) {
      for (int i = 0; i < size; i++) at[i] = v[i] + h * (stage == 3 ? 1 : .5) * k[stage - 1][i];
      slope(m, at, k[stage]);
    }
    for (int i = 0; i < size; i++) v[i] += h / 6 * (k[0][i] + 2 * k[1][i] + 2 * k[2][i] + k[3][i]);
  }
}

static void against_integration(void **state) {
  (void)state;
  static const struct { const char *why; pmm_glft_t m; double time; } rows[] = {
    {"the paper's market, a minute", {.3, .9, .3, .01, 30}, 60},
    {"no risk", {0, .9, .3, .01, 5}, 20},
    {"much risk: values a thousandfold apart", {2, 5, 1.5, .5, 8}, 2},
    {"one contract", {1, 1, 1, 1, 1}, 3},
    {"hardly any aversion", {1, 2, 1, 1e-7, 4}, 3},
    {"a hundred contracts", {.3, .9, .3, .01, 100}, 5},
    {"no time", {1, 1, 1, 1, 3}, 0},
  };
  for (size_t i = 0; i < COUNT_OF(rows); i++) {
    double v[201], want[201], log_scale;
    assert_int_equal(pmm_glft_value(&rows[i].m, rows[i].time, v, &log_scale), PMM_OK);
    integrate(&rows[i].m, rows[i].time, 20000, want);
    for (int k = 0; k <= 2 * rows[i].m.q_max; k++)
      if (!(fabs(log_scale + log(v[k]) - log(want[k])) < 1e-8)) fail_msg("%s: at %d %.12g, want %.12g", rows[i].why, k, log_scale + log(v[k]), log(want[k]));
  }
}

static void quotes(void **state) {
  (void)state;
  double v[61], bid, ask, other_bid, other_ask, log_scale, half[61], half_scale;
  assert_int_equal(pmm_glft_value(&paper, 0, v, &log_scale), PMM_OK);
  for (int q = -29; q < 30; q++) { /* at the end inventory costs nothing more */
    assert_int_equal(pmm_glft_exact(&paper, v, q, &bid, &ask), PMM_OK);
    near("at the end", bid, 100 * log(1 + 1 / 30.0), 1e-12);
    near("at the end", ask, bid, 1e-12);
  }
  assert_int_equal(pmm_glft_value(&paper, 600, v, &log_scale), PMM_OK);
  for (int q = -30; q <= 30; q++) {
    assert_int_equal(pmm_glft_exact(&paper, v, q, &bid, &ask), PMM_OK);
    assert_int_equal(pmm_glft_exact(&paper, v, -q, &other_bid, &other_ask), PMM_OK);
    if (q < 30) near("sides mirror each other", bid, other_ask, 1e-9);
    assert_true(q < 30 ? isfinite(bid) : bid == INFINITY);
    assert_true(q > -30 ? isfinite(ask) : ask == INFINITY);
  }
  assert_int_equal(pmm_glft_value(&paper, 250, half, &half_scale), PMM_OK); /* in parts, the same */
  assert_int_equal(pmm_glft_advance(&paper, 350, half, &half_scale), PMM_OK);
  for (int i = 0; i < 61; i++) near("in two parts", half_scale + log(half[i]), log_scale + log(v[i]), 1e-9);
  assert_int_equal(pmm_glft_asymptotic(&paper, 0, &bid, &ask), PMM_OK);
  near("closed form at q = 0", bid, 100 * log1p(1 / 30.0) + .5 * sqrt(.09 * .01 / .54 * pow(1 + 1 / 30.0, 31)), 1e-12);
  near("both sides", ask, bid, 1e-15);
  for (int q = -10; q <= 10; q++) { /* far from the end and from the bound the two agree to a hundredth of a spread */
    assert_int_equal(pmm_glft_exact(&paper, v, q, &bid, &ask), PMM_OK);
    assert_int_equal(pmm_glft_asymptotic(&paper, q, &other_bid, &other_ask), PMM_OK);
    near("closed form, bid", other_bid, bid, .005);
    near("closed form, ask", other_ask, ask, .005);
  }
}

static void refusals(void **state) {
  (void)state;
  static const pmm_glft_t bad[] = {{-1, 1, 1, 1, 3}, {1, 0, 1, 1, 3}, {1, 1, 0, 1, 3}, {1, 1, 1, 0, 3}, {1, 1, 1, 1, 0}, {1, 1, 1, 1, PMM_GLFT_Q_MAX + 1}, {NAN, 1, 1, 1, 3}, {1, INFINITY, 1, 1, 3}};
  double v[7] = {1, 1, 1, 1, 1, 1, 1}, scale = 7, bid = 7, ask = 7;
  for (size_t i = 0; i < COUNT_OF(bad); i++)
    if (pmm_glft_value(&bad[i], 1, v, &scale) != PMM_INVAL || pmm_glft_advance(&bad[i], 1, v, &scale) != PMM_INVAL || pmm_glft_exact(&bad[i], v, 0, &bid, &ask) != PMM_INVAL ||
        pmm_glft_asymptotic(&bad[i], 0, &bid, &ask) != PMM_INVAL)
      fail_msg("model %zu", i);
  pmm_glft_t const good = {1, 1, 1, 1, 3};
  assert_int_equal(pmm_glft_value(&good, -1, v, &scale), PMM_INVAL);
  assert_int_equal(pmm_glft_value(&good, 1e9, v, &scale), PMM_INVAL);
  assert_int_equal(pmm_glft_exact(&good, v, 4, &bid, &ask), PMM_INVAL);
  assert_int_equal(pmm_glft_asymptotic(&good, -4, &bid, &ask), PMM_INVAL);
  v[2] = 0;
  assert_int_equal(pmm_glft_advance(&good, 1, v, &scale), PMM_INVAL);
  assert_true(scale == 7 && bid == 7 && ask == 7);
  pmm_as_t const as[] = {{0, 1, 1}, {1, -1, 1}, {1, 1, 0}, {NAN, 1, 1}};
  for (size_t i = 0; i < COUNT_OF(as); i++) assert_true(pmm_as_spread(&as[i], 1, &bid) == PMM_INVAL && pmm_as_reservation(&as[i], 1, 1, 1, &bid) == PMM_INVAL);
  assert_int_equal(pmm_as_spread(&(pmm_as_t){1, 1, 1}, -1, &bid), PMM_INVAL);
  assert_int_equal(pmm_as_reservation(&(pmm_as_t){1, 1, 1}, NAN, 1, 1, &bid), PMM_INVAL);
  assert_true(bid == 7);
}

int main(void) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(avellaneda_stoikov), cmocka_unit_test(against_integration), cmocka_unit_test(quotes), cmocka_unit_test(refusals)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
