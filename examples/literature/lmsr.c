/* The logarithmic market scoring rule loses at most b ln n, whatever anybody trades, and comes as near to that as one likes when all buy the
   outcome that happens.
   Source: R. Hanson, "Combinatorial Information Market Design", Information Systems Frontiers 5(1), 2003.
   Build: cmake --build build --target example_lmsr    Run: build/examples/lmsr */
#include "report.h"

#define B 100.0
#define TRADES 200
#define ROUNDING 1e-8 /* of adding up 200 payments */

/* What the rule has lost by now should outcome i happen: its payout less what the trades have paid in. */
static double worst_loss(const double *q, size_t n, double paid) {
  double most = q[0];
  for (size_t i = 1; i < n; i++) most = fmax(most, q[i]);
  return most - paid;
}

/* One market: buys and sells of random sizes, small and huge; the largest loss seen, and what paying trade by trade differs from paying
   the cost of the whole. */
static double trade(pmm_rng_t *rng, size_t n, double *apart) {
  double q[PMM_LMSR_OUTCOMES_MAX] = {0}, paid = 0, worst = 0, start = 0, end = 0;
  pmm_lmsr_cost(q, n, B, &start);
  size_t const favourite = pmm_rng_below(rng, n); /* half of the trades, so that losses grow */
  for (int i = 0; i < TRADES; i++) {
    size_t const outcome = pmm_rng_below(rng, 2) ? favourite : pmm_rng_below(rng, n);
    double const size = B * pmm_exp(2 * pmm_rng_normal(rng) - 2) * (pmm_rng_below(rng, 4) || outcome != favourite ? 1 : -1);
    double cost = 0;
    pmm_lmsr_trade(q, n, B, outcome, size, &cost);
    paid += cost;
    q[outcome] += size;
    worst = fmax(worst, worst_loss(q, n, paid));
  }
  pmm_lmsr_cost(q, n, B, &end);
  *apart = fmax(*apart, fabs(end - start - paid) / (1 + fabs(end)));
  return worst;
}

static json_t *check_outcomes(report_t *r, size_t n, double markets, pmm_rng_t *rng) {
  double bound = 0, most = 0, apart = 0, limit = 0;
  pmm_lmsr_worst_loss(n, B, &bound);
  for (double i = 0; i < markets; i++) most = fmax(most, trade(rng, n, &apart));
  if (!r->json) printf("%zu outcomes: b ln n = %.6f; bought of one outcome:", n, bound);
  for (int k = 1; k <= 32; k *= 2) {
    double q[PMM_LMSR_OUTCOMES_MAX] = {0}, cost = 0;
    pmm_lmsr_trade(q, n, B, 0, k * B, &cost);
    limit = k * B - cost;
    if (!r->json) printf("  %d b loses %.6f", k, limit);
  }
  if (!r->json) putchar('\n');
  char what[96];
  snprintf(what, sizeof what, "%zu outcomes: largest loss of %.0f markets of %d trades", n, markets, TRADES);
  check_at_most(r, what, most, bound + ROUNDING);
  snprintf(what, sizeof what, "%zu outcomes: loss missing to the bound in the limit", n);
  check_at_most(r, what, fabs(bound - limit) / bound, 1e-10);
  snprintf(what, sizeof what, "%zu outcomes: trades against the cost of all of them, relative", n);
  check_at_most(r, what, apart, 1e-12);
  return json_pack("{s:i, s:f, s:f, s:f}", "outcomes", (int)n, "bound", bound, "largest", most, "limit", limit);
}

int main(int argc, char **argv) {
  double markets = 2000, seed = 1;
  report_t report = {0};
  const number_t numbers[] = {{"paths", &markets, 1, 1e8, "markets of random trades"}, {"seed", &seed, 0, 9e15, "of all that is random"}};
  const flag_t flags[] = {STRICT_FLAG(report), JSON_FLAG(report)};
  read_options(argc, argv, "The loss bound of the logarithmic market scoring rule, b = 100.", numbers, COUNT_OF(numbers), flags, COUNT_OF(flags));
  static const size_t n[] = {2, 3, 10};
  pmm_rng_t rng;
  pmm_rng_seed(&rng, (uint64_t)seed);
  json_t *const rows = json_array();
  for (size_t i = 0; i < COUNT_OF(n); i++) json_array_append_new(rows, check_outcomes(&report, n[i], markets, &rng));
  return report_end(&report, json_pack("{s:o}", "markets", rows));
}
