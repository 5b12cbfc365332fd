/* The truth of a synthetic market (`scenario.kind: walk`) is a diffusion of log-odds whose probability is a martingale: its mean stays where
   it began, of the times that it says p the event happens in a share p, and its whole squared movement is that of the outcome, p0 (1 - p0).
   Sources: D. Brody, L. Hughston, A. Macrina, "Information-based asset pricing", Int. J. Theor. Appl. Finance 11(1), 2008, for the
   construction (src/exchange/scenario.c); N. Augenblick, M. Rabin, "Belief movement, uncertainty reduction, and rational updating",
   Quarterly Journal of Economics 136(2), 2021, for movement equal to uncertainty.
   Build: cmake --build build --target example_martingale    Run: build/examples/martingale */
#include "report.h"

#define STEPS 60
#define BINS 5

typedef struct tally { stat_t quarter[3], end, movement, bin[BINS]; /* of outcome - p at half time */ double bin_p[BINS]; } tally_t;

static void follow(const pmm_scenario_params_t *params, uint64_t seed, tally_t *t) {
  pmm_scenario_t s;
  if (pmm_scenario_init(&s, params, 0, seed) != PMM_OK) return;
  double movement = 0, half = 0;
  for (int step = 1; step <= STEPS; step++) {
    double const before = s.p;
    pmm_scenario_step(&s);
    movement += (s.p - before) * (s.p - before);
    if (step % (STEPS / 4) == 0 && step < STEPS) stat_add(&t->quarter[step / (STEPS / 4) - 1], s.p);
    if (step == STEPS / 2) half = s.p;
  }
  int const bin = (int)fmin(half * BINS, BINS - 1);
  stat_add(&t->end, s.p);
  stat_add(&t->movement, movement);
  stat_add(&t->bin[bin], s.p - half);
  t->bin_p[bin] += half;
}

static json_t *check_walk(report_t *r, double p0, double jumps, double paths, pmm_rng_t *rng) {
  pmm_scenario_params_t params = {0};
  pmm_params_default(pmm_scenario_param_table, pmm_scenario_param_cnt, &params);
  params.p0 = p0;
  params.volatility = 1.5;
  params.jump_rate = jumps;
  params.step_ns = params.duration_ns / STEPS;
  tally_t t = {0};
  for (double i = 0; i < paths; i++) follow(&params, pmm_rng_u64(rng), &t);
  char name[64], what[128];
  snprintf(name, sizeof name, "p0 %g%s", p0, jumps > 0 ? ", jumps" : "");
  for (int i = 0; i < 3; i++) {
    snprintf(what, sizeof what, "%s: mean at %d/4 of its life", name, i + 1);
    check_equal(r, what, t.quarter[i].mean, p0, stat_se(&t.quarter[i]));
  }
  snprintf(what, sizeof what, "%s: share of YES", name);
  check_equal(r, what, t.end.mean, p0, stat_se(&t.end));
  snprintf(what, sizeof what, "%s: squared movement", name);
  check_equal(r, what, t.movement.mean, p0 * (1 - p0), stat_se(&t.movement));
  for (int i = 0; i < BINS; i++) {
    if (t.bin[i].n < 100) continue; /* too few to say anything */
    double const said = t.bin_p[i] / t.bin[i].n;
    snprintf(what, sizeof what, "%s: share of YES where it says %.1f to %.1f at half time", name, (double)i / BINS, (i + 1.0) / BINS);
    check_equal(r, what, said + t.bin[i].mean, said, stat_se(&t.bin[i]));
  }
  return json_pack("{s:f, s:f, s:f, s:f}", "p0", p0, "jumps_per_hour", jumps, "yes", t.end.mean, "movement", t.movement.mean);
}

int main(int argc, char **argv) {
  double paths = 4000, seed = 1;
  report_t report = {0};
  const number_t numbers[] = {{"paths", &paths, 2, 1e8, "walks of each kind"}, {"seed", &seed, 0, 9e15, "of all that is random"}};
  const flag_t flags[] = {STRICT_FLAG(report), JSON_FLAG(report)};
  read_options(argc, argv, "The random truth of synthetic markets is a martingale.", numbers, COUNT_OF(numbers), flags, COUNT_OF(flags));
  static const struct { double p0, jumps; } walks[] = {{.5, 0}, {.2, 0}, {.9, 4}};
  pmm_rng_t rng;
  pmm_rng_seed(&rng, (uint64_t)seed);
  json_t *const rows = json_array();
  for (size_t i = 0; i < COUNT_OF(walks); i++) json_array_append_new(rows, check_walk(&report, walks[i].p0, walks[i].jumps, paths, &rng));
  return report_end(&report, json_pack("{s:o}", "walks", rows));
}
