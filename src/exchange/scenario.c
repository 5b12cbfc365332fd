/* The truth behind a synthetic market: a probability that is a martingale and ends at its outcome.

   walk. Draw the outcome: yes with probability p0. Somebody watches a noisy signal of it and holds the belief
   p = P(yes | seen so far), a martingale by construction. In log-odds x = logit(p) and with a clock s, Bayes' rule for a
   Gaussian signal is
       dx = +ds/2 + dB(s)  if the outcome is yes,   dx = -ds/2 + dB(s)  if it is no,
   because the log-likelihood ratio of an increment y of mean +v/2 or -v/2 and variance v is y itself; so any step v is exact,
   and so is a jump of variance j^2 with the same two means. The clock runs as that of a Brownian bridge to the outcome,
       s(t) = sigma^2 t T/(T - t),   ds/dt = sigma^2 at t = 0,   s(T) = infinity,
   so that the belief moves by sigma per square root of an hour at first, ever faster later, and ends at 0 or 1.
   Sources: D. Brody, L. Hughston, A. Macrina, "Information-based asset pricing", Int. J. Theor. Appl. Finance 11(1), 2008
   (bridge information); R. Liptser, A. Shiryaev, Statistics of Random Processes, 9.1 (the filter).

   digital. The underlying is a jump-diffusion without drift, ln S moving by -(sigma^2/2 + lambda k) dt + sigma dW + jumps of
   N(0, j^2) at rate lambda, k = exp(j^2/2) - 1; the truth is the exact P(S_T > K), summed over the number of jumps to come.
   Source: R. Merton, "Option pricing when underlying stock returns are discontinuous", J. Financial Economics 3, 1976. */
#include <math.h>
#include "exchange/row.h"
#include "pmm/exchange.h"
#include "pmm/fmath.h"
#include "pmm/pricing.h"

#define ROW(...) PMM__ROW(pmm_scenario_params_t, __VA_ARGS__)
const pmm_param_t pmm_scenario_param_table[] = {
  ROW(ENUM, kind, "kind", "walk", 0, 0, "", "walk|digital", "what moves the true probability"),
  ROW(F64, p0, "p0", "0.5", 0.001, 0.999, "", NULL, "walk: first probability"),
  ROW(F64, volatility, "volatility", "0.5", 0, 100, "", NULL, "walk: log-odds per square root of an hour at the start; digital: annual volatility"),
  ROW(F64, jump_rate, "jump_rate", "0", 0, 3600, "1/h", NULL, "jumps an hour"),
  ROW(F64, jump_std, "jump_std", "0.5", 0, 10, "", NULL, "size of a jump: deviation in log-odds, or in log-price"),
  ROW(F64, spot, "spot", "100", 1e-6, 1e9, "dollars", NULL, "digital: first price of the underlying"),
  ROW(F64, strike, "strike", "100", 1e-6, 1e9, "dollars", NULL, "digital: YES when the underlying ends above this"),
  ROW(DURATION, duration_ns, "duration", "1h", 0.001, 31536000, "s", NULL, "life of the market"),
  ROW(DURATION, step_ns, "step", "1s", 0.000001, 86400, "s", NULL, "time between two values of the truth"),
};
#undef ROW
const size_t pmm_scenario_param_cnt = sizeof pmm_scenario_param_table / sizeof pmm_scenario_param_table[0];

#define NS_PER_HOUR 3.6e12

static bool is_sane(const pmm_scenario_params_t *p) {
  if (p->kind < PMM_SCENARIO_WALK || p->kind > PMM_SCENARIO_DIGITAL || p->duration_ns <= 0 || p->step_ns <= 0) return false;
  if (!(p->volatility >= 0) || !(p->jump_rate >= 0) || !(p->jump_std >= 0) || !isfinite(p->volatility + p->jump_rate + p->jump_std)) return false;
  if (p->kind == PMM_SCENARIO_WALK) return p->p0 > 0 && p->p0 < 1;
  return p->spot > 0 && p->strike > 0 && isfinite(p->spot + p->strike);
}

/* ---- walk ---- */

/* The bridge's clock at t of T hours, in squared log-odds. */
static double clock_at(const pmm_scenario_t *s, int64_t at_ns) {
  double const t = (double)(at_ns - s->start_ns), left = (double)(s->end_ns - at_ns), whole = (double)(s->end_ns - s->start_ns);
  return s->params.volatility * s->params.volatility * (t / NS_PER_HOUR) * (whole / left);
}

static double chance_of_log_odds(double x) { return 1 / (1 + pmm_exp(-pmm_clip(x, -700, 700))); }

static void step_walk(pmm_scenario_t *s, int64_t next_ns, uint64_t jumps) {
  double const v = clock_at(s, next_ns) - clock_at(s, s->at_ns) + (double)jumps * s->params.jump_std * s->params.jump_std;
  s->x += (s->outcome_yes ? v : -v) / 2 + sqrt(v) * pmm_rng_normal(&s->rng);
  s->p = chance_of_log_odds(s->x);
}

/* ---- digital ---- */

static double drift_per_hour(const pmm_scenario_params_t *p) { /* of the log-price, without the part of the diffusion */
  return -p->jump_rate * pmm_expm1(p->jump_std * p->jump_std / 2);
}

static double variance_over(const pmm_scenario_params_t *p, double hours) { return p->volatility * p->volatility * hours * 3600 / PMM_YEAR_S; }

static double chance_above(double mean, double variance) {
  if (variance <= 0) return mean > 0 ? 1 : 0;
  return pmm_norm_cdf(mean / sqrt(variance));
}

static double digital_truth(const pmm_scenario_params_t *p, double spot, double hours) {
  double const variance = variance_over(p, hours), expected = p->jump_rate * hours;
  double const mean = pmm_log(spot / p->strike) + drift_per_hour(p) * hours - variance / 2;
  if (expected == 0) return chance_above(mean, variance);
  double const spread = 40 + 10 * sqrt(expected); /* what lies further out weighs less than the double it would be added to */
  double sum = 0, weights = 0;
  for (double n = fmax(0, floor(expected - spread)); n <= expected + spread; n++) {
    double const weight = pmm_exp(n * pmm_log(expected) - expected - pmm_lgamma(n + 1));
    sum += weight * chance_above(mean, variance + n * p->jump_std * p->jump_std);
    weights += weight;
  }
  return sum / weights;
}

static void step_digital(pmm_scenario_t *s, int64_t next_ns, uint64_t jumps) {
  const pmm_scenario_params_t *const p = &s->params;
  double const hours = (double)(next_ns - s->at_ns) / NS_PER_HOUR, variance = variance_over(p, hours);
  double const move = drift_per_hour(p) * hours - variance / 2 + sqrt(variance + (double)jumps * p->jump_std * p->jump_std) * pmm_rng_normal(&s->rng);
  s->spot *= pmm_exp(move);
  s->p = digital_truth(p, s->spot, (double)(s->end_ns - next_ns) / NS_PER_HOUR);
}

/* ---- both ---- */

pmm_status_t pmm_scenario_init(pmm_scenario_t *scenario, const pmm_scenario_params_t *params, int64_t start_ns, uint64_t seed) {
  if (!is_sane(params)) return PMM_INVAL;
  pmm_scenario_t *const s = scenario;
  *s = (pmm_scenario_t){.params = *params, .at_ns = start_ns, .start_ns = start_ns, .end_ns = start_ns + params->duration_ns};
  pmm_rng_seed(&s->rng, seed);
  if (params->kind == PMM_SCENARIO_WALK) {
    s->outcome_yes = pmm_rng_unit(&s->rng) < params->p0;
    s->p = params->p0;
    s->x = pmm_log(params->p0 / (1 - params->p0));
  } else {
    s->spot = params->spot;
    s->p = digital_truth(params, s->spot, (double)params->duration_ns / NS_PER_HOUR);
  }
  return PMM_OK;
}

bool pmm_scenario_step(pmm_scenario_t *s) {
  if (s->done) return false;
  bool const last = s->end_ns - s->at_ns <= s->params.step_ns;
  int64_t const next_ns = last ? s->end_ns : s->at_ns + s->params.step_ns;
  uint64_t const jumps = pmm_rng_poisson(&s->rng, pmm_clip(s->params.jump_rate * ((double)(next_ns - s->at_ns) / NS_PER_HOUR), 0, 1e6));
  if (s->params.kind == PMM_SCENARIO_DIGITAL) step_digital(s, next_ns, jumps);
  else if (!last) step_walk(s, next_ns, jumps);
  s->at_ns = next_ns;
  if (!last) return true;
  if (s->params.kind == PMM_SCENARIO_DIGITAL) s->outcome_yes = s->spot > s->params.strike;
  s->p = s->outcome_yes ? 1 : 0;
  s->done = true;
  return false;
}
