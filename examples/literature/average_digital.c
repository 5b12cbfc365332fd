/* A digital that settles on the average of its last minute, as crypto markets do: pmm's closed form (pmm_digital_average, an average without
   steps and without drift) against Monte Carlo of a price without drift sampled each second.
   The average of n samples a second apart has the variance of (n+1)(2n+1)/(6n) seconds, that without steps of n/3: the closed form is a
   little too sure. How much is what "by steps" tells, a lognormal average with the right variance and drift; Monte Carlo is checked against it.
   Source of the variance: E. Levy, "Pricing European average rate currency options", J. Int. Money and Finance 11, 1992.
   Build: cmake --build build --target example_average_digital    Run: build/examples/average_digital */
#include "report.h"

#define VOLATILITY .8 /* a year */
#define STRIKE 100.0
#define WINDOW 60     /* seconds, a sample at the end of each */

typedef struct row { int left; double moneyness; /* of the spot, in standard deviations of what is to come */ double gone_mean; /* as a multiple of the strike */ } row_t;
static const row_t rows[] = {
  {900, 0, 1}, {900, 1, 1}, {300, 0, 1}, {300, -.5, 1}, {300, 1.5, 1}, {120, .5, 1}, {61, -1, 1}, {60, .5, 1},
  {45, 0, 1}, {45, .5, 1.0002}, {30, 0, 1}, {30, -1, .9998}, {30, .5, .9999}, {15, 0, 1}, {15, 1, 1.0002}, {5, 0, 1}, {5, -.5, 1.00005}, {2, .5, .99999},
};

/* Seconds of variance of the average to come. */
static double seconds_of(const row_t *row) {
  double const n = row->left < WINDOW ? row->left : WINDOW;
  return row->left - n + (n + 1) * (2 * n + 1) / (6 * n);
}
static double deviation_of(const row_t *row) { return VOLATILITY * sqrt(seconds_of(row) / PMM_YEAR_S); }

/* What the samples to come must average to end at the strike. */
static double strike_of(const row_t *row) {
  int const n = row->left < WINDOW ? row->left : WINDOW;
  return STRIKE * (WINDOW - (WINDOW - n) * row->gone_mean) / n;
}
static double spot_of(const row_t *row) { return strike_of(row) * pmm_exp(row->moneyness * deviation_of(row)); }

static double by_steps(const row_t *row) {
  double const deviation = deviation_of(row);
  return pmm_norm_cdf((pmm_log(spot_of(row) / strike_of(row)) - deviation * deviation / 2) / deviation);
}

static double closed_form(const row_t *row) {
  pmm_digital_in_t const in = {.spot = spot_of(row), .strike = STRIKE, .time_s = row->left, .volatility = VOLATILITY, .window_s = WINDOW,
                               .mean_so_far = STRIKE * row->gone_mean, .clamp_hi = 1};
  double d2 = 0, p = 0;
  pmm_digital_average(&in, &d2, &p);
  return p;
}

/* One price path: a leap to the window's first sample, then second by second. */
static bool settles_yes(const row_t *row, pmm_rng_t *rng) {
  int const n = row->left < WINDOW ? row->left : WINDOW;
  double const second = VOLATILITY * sqrt(1 / PMM_YEAR_S);
  double move = 0, sum = 0;
  for (int i = 0; i < n; i++) {
    double const seconds = i == 0 ? row->left - n + 1 : 1;
    move += second * sqrt(seconds) * pmm_rng_normal(rng) - second * second / 2 * seconds;
    sum += pmm_exp(move);
  }
  return sum > strike_of(row) / spot_of(row) * n;
}

int main(int argc, char **argv) {
  double paths = 20000, seed = 1, worst = 0;
  report_t report = {0};
  const number_t numbers[] = {{"paths", &paths, 2, 1e9, "price paths a row"}, {"seed", &seed, 0, 9e15, "of all that is random"}};
  const flag_t flags[] = {STRICT_FLAG(report), JSON_FLAG(report)};
  read_options(argc, argv, "The price of a digital that settles on an average, against Monte Carlo with one sample a second.", numbers, COUNT_OF(numbers), flags, COUNT_OF(flags));
  pmm_rng_t rng;
  pmm_rng_seed(&rng, (uint64_t)seed);
  json_t *const out = json_array();
  stat_t result[COUNT_OF(rows)] = {0};
  if (!report.json) printf("volatility %g, window %d s, %.0f paths a row\n%8s %9s %12s %12s %9s %10s %9s\n", VOLATILITY, WINDOW, paths, "s left", "d", "closed form", "Monte Carlo", "error", "by steps", "s.e.");
  for (size_t i = 0; i < COUNT_OF(rows); i++) {
    for (double k = 0; k < paths; k++) stat_add(&result[i], settles_yes(&rows[i], &rng));
    double const p = closed_form(&rows[i]), mc = result[i].mean, steps = by_steps(&rows[i]);
    worst = fmax(worst, fabs(p - steps));
    if (!report.json) printf("%8d %9.2f %12.5f %12.5f %+9.5f %+10.5f %9.5f\n", rows[i].left, rows[i].moneyness, p, mc, p - mc, p - steps, stat_se(&result[i]));
    json_array_append_new(out, json_pack("{s:i, s:f, s:f, s:f, s:f, s:f}", "seconds_left", rows[i].left, "moneyness", rows[i].moneyness, "closed_form", p, "monte_carlo", mc, "by_steps", steps, "se", stat_se(&result[i])));
  }
  for (size_t i = 0; i < COUNT_OF(rows); i++) {
    char what[64];
    snprintf(what, sizeof what, "%d s left, %+.1f deviations", rows[i].left, rows[i].moneyness);
    check_equal(&report, what, result[i].mean, by_steps(&rows[i]), stat_se(&result[i]));
  }
  check_at_most(&report, "closed form away from the average by steps", worst, .1);
  return report_end(&report, json_pack("{s:o}", "rows", out));
}
