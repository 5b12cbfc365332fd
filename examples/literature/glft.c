/* The market of Gueant, Lehalle and Fernandez-Tapia (2013): quotes by inventory and time left, exact and in closed form, and what they are
   worth: the exact quotes must earn the certainty equivalent that the value function promises, and no less than the closed form, which must
   earn no less than quotes that ignore inventory.
   Simulated without time steps: orders arrive at most at a fixed rate, each arrival is taken with the share of the quote's own rate
   (P. Lewis, G. Shedler, "Simulation of nonhomogeneous Poisson processes by thinning", Naval Research Logistics 26(3), 1979), and the three
   makers see the same arrivals and the same mid.
   Source: O. Gueant, C.-A. Lehalle, J. Fernandez-Tapia, "Dealing with the inventory risk", Mathematics and Financial Economics 7, 2013.
   Build: cmake --build build --target example_glft    Run: build/examples/glft */
#include "pmm/optimal.h"
#include "report.h"

#define Q 30
#define SIZE (2 * Q + 1)
#define T 600 /* seconds */
static const pmm_glft_t market = {.sigma = .3, .a = .9, .k = .3, .gamma = .01, .q_max = Q};

typedef enum maker { EXACT, CLOSED_FORM, NAIVE, MAKER_CNT } maker_t;
static const char *const maker_name[] = {"exact", "closed form", "no inventory"};
/* Of the bid and the ask, by maker, whole seconds left and inventory. */
static double distance[MAKER_CNT][T + 1][SIZE][2];

static double log_value[T + 1][SIZE]; /* of the value function, by seconds left */

static void fill_tables(void) {
  double v[SIZE], log_scale;
  for (int left = 0; left <= T; left++) {
    if (left == 0) pmm_glft_value(&market, 0, v, &log_scale);
    else pmm_glft_advance(&market, 1, v, &log_scale);
    for (int i = 0; i < SIZE; i++) {
      int const q = i - Q;
      double *const exact = distance[EXACT][left][i], *const closed = distance[CLOSED_FORM][left][i], *const naive = distance[NAIVE][left][i];
      log_value[left][i] = log_scale + pmm_log(v[i]);
      pmm_glft_exact(&market, v, q, &exact[PMM_BID], &exact[PMM_ASK]);
      pmm_glft_asymptotic(&market, q, &closed[PMM_BID], &closed[PMM_ASK]);
      naive[PMM_BID] = q < Q ? distance[EXACT][0][Q][PMM_BID] : INFINITY; /* (1/gamma) ln(1 + gamma/k) */
      naive[PMM_ASK] = q > -Q ? distance[EXACT][0][Q][PMM_BID] : INFINITY;
    }
  }
}

/* -- what the quotes are -- */
static void print_quotes(void) {
  static const int rows[] = {0, 1, 2, 5, 10, 20, 25, 29, 30};
  printf("distances from the mid with %d s left (bid of q = ask of -q)\n%4s %10s %12s %10s %12s\n", T, "q", "bid", "closed form", "ask", "closed form");
  for (size_t i = 0; i < COUNT_OF(rows); i++) {
    double (*const e)[2] = distance[EXACT][T], (*const c)[2] = distance[CLOSED_FORM][T];
    int const at = rows[i] + Q;
    printf("%4d %10.4f %12.4f %10.4f %12.4f\n", rows[i], e[at][0], c[at][0], e[at][1], c[at][1]);
  }
  static const int left[] = {0, 1, 10, 30, 60, 120, 300, 600};
  printf("exact bid by seconds left\n%4s", "q");
  for (size_t k = 0; k < COUNT_OF(left); k++) printf(" %8d", left[k]);
  for (int q = -10; q <= 10; q += 5) {
    printf("\n%4d", q);
    for (size_t k = 0; k < COUNT_OF(left); k++) printf(" %8.4f", distance[EXACT][left[k]][q + Q][PMM_BID]);
  }
  putchar('\n');
}

static void check_quotes(report_t *r) {
  double moved = 0, apart = 0;
  for (int q = -10; q <= 10; q++)
    for (int side = 0; side < 2; side++) {
      moved = fmax(moved, fabs(distance[EXACT][T][q + Q][side] - distance[EXACT][T / 2][q + Q][side]));
      apart = fmax(apart, fabs(distance[EXACT][T][q + Q][side] - distance[CLOSED_FORM][T][q + Q][side]));
    }
  check_at_most(r, "quotes, |q| <= 10: moved between 300 and 600 s left", moved, .001);
  check_at_most(r, "quotes, |q| <= 10: closed form away from exact with 600 s left", apart, .005);
}

/* -- the value function solves its equation: d ln v_q/dt = -(k gamma sigma^2/2) q^2 + eta (v_{q-1} + v_{q+1})/v_q, by central differences -- */
static double residual_at(double left) {
  double const h = 1e-3, eta = market.a * pmm_pow(1 + market.gamma / market.k, -(1 + market.k / market.gamma));
  double v[3][SIZE], scale[3], worst = 0;
  for (int i = 0; i < 3; i++) pmm_glft_value(&market, left + (i - 1) * h, v[i], &scale[i]);
  for (int i = 0; i < SIZE; i++) {
    double const q = i - Q, around = (i > 0 ? v[1][i - 1] : 0) + (i < SIZE - 1 ? v[1][i + 1] : 0);
    double const want = -market.k * market.gamma * market.sigma * market.sigma / 2 * q * q + eta * around / v[1][i];
    double const got = (scale[2] + pmm_log(v[2][i]) - scale[0] - pmm_log(v[0][i])) / (2 * h);
    worst = fmax(worst, fabs(got - want));
  }
  return worst;
}
static void check_residuals(report_t *r) {
  static const double left[] = {1, 60, 599};
  for (size_t i = 0; i < COUNT_OF(left); i++) {
    char what[64];
    snprintf(what, sizeof what, "residual of the equation with %g s left", left[i]);
    check_at_most(r, what, residual_at(left[i]), 1e-7);
  }
}

/* -- what they are worth -- */
typedef struct worth { stat_t profit, q, loss; /* exp(-gamma (profit - promised)) */ } worth_t;

static double nearest_distance(void) {
  double least = INFINITY;
  for (int m = 0; m < MAKER_CNT; m++)
    for (int left = 0; left <= T; left++)
      for (int i = 0; i < SIZE; i++) least = fmin(least, fmin(distance[m][left][i][0], distance[m][left][i][1]));
  return least;
}

typedef struct hand { double cash; int q; } hand_t;

/* One session; rate: of arrivals on each side, the largest that any quote could see. */
static void simulate(pmm_rng_t *rng, double nearest, double rate, hand_t hand[MAKER_CNT], double *mid) {
  double now = 0;
  for (;;) {
    double const wait = pmm_rng_exponential(rng, 2 * rate), until = fmin(now + wait, T);
    *mid += market.sigma * sqrt(until - now) * pmm_rng_normal(rng);
    now += wait;
    if (now >= T) return;
    pmm_side_t const side = pmm_rng_u64(rng) >> 63 ? PMM_ASK : PMM_BID;
    double const draw = pmm_rng_unit(rng);
    for (int m = 0; m < MAKER_CNT; m++) {
      double const d = distance[m][(int)(T - now + .5)][hand[m].q + Q][side];
      if (isinf(d) || draw >= pmm_exp(-market.k * (d - nearest))) continue;
      hand[m].q += pmm_side_sign(side);
      hand[m].cash += pmm_side_sign(side) * -*mid + d;
    }
  }
}

static double certainty(const worth_t *w, double promised) { return promised - pmm_log(w->loss.mean) / market.gamma; }
static double certainty_se(const stat_t *loss, double level) { return stat_se(loss) / level / market.gamma; } /* to first order */

static json_t *check_worth(report_t *r, double paths, uint64_t seed) {
  worth_t w[MAKER_CNT] = {0};
  stat_t gain[MAKER_CNT] = {0}; /* loss of a maker less that of the one before it, path by path */
  double const promised = log_value[T][Q] / market.k, nearest = nearest_distance(), rate = market.a * pmm_exp(-market.k * nearest);
  pmm_rng_t rng;
  pmm_rng_seed(&rng, seed);
  for (double i = 0; i < paths; i++) {
    hand_t hand[MAKER_CNT] = {0};
    double mid = 0, loss[MAKER_CNT];
    simulate(&rng, nearest, rate, hand, &mid);
    for (int m = 0; m < MAKER_CNT; m++) {
      double const profit = hand[m].cash + hand[m].q * mid;
      loss[m] = pmm_exp(-market.gamma * (profit - promised));
      stat_add(&w[m].profit, profit);
      stat_add(&w[m].q, hand[m].q);
      stat_add(&w[m].loss, loss[m]);
      if (m > 0) stat_add(&gain[m], loss[m] - loss[m - 1]);
    }
  }
  if (!r->json) printf("%.0f sessions of %d s\n%-14s %9s %9s %9s %20s %8s\n", paths, T, "", "profit", "std. dev.", "q dev.", "certainty equivalent", "s.e.");
  json_t *const out = json_pack("{s:f}", "promised", promised);
  for (int m = 0; m < MAKER_CNT; m++) {
    double const ce = certainty(&w[m], promised), se = certainty_se(&w[m].loss, w[m].loss.mean);
    if (!r->json) printf("%-14s %9.2f %9.2f %9.2f %20.2f %8.2f\n", maker_name[m], w[m].profit.mean, stat_std(&w[m].profit), stat_std(&w[m].q), ce, se);
    json_object_set_new(out, maker_name[m], json_pack("{s:f, s:f, s:f, s:f, s:f}", "profit", w[m].profit.mean, "profit_std", stat_std(&w[m].profit), "final_q_std", stat_std(&w[m].q), "certainty_equivalent", ce, "se", se));
  }
  check_equal(r, "certainty equivalent of the exact quotes, against the value function", certainty(&w[EXACT], promised), promised, certainty_se(&w[EXACT].loss, w[EXACT].loss.mean));
  for (int m = 1; m < MAKER_CNT; m++) {
    char what[96];
    snprintf(what, sizeof what, "%s over %s, in certainty equivalents", maker_name[m - 1], maker_name[m]);
    double const level = w[m - 1].loss.mean;
    check_at_least(r, what, gain[m].mean / level / market.gamma, 0, certainty_se(&gain[m], level));
  }
  return out;
}

int main(int argc, char **argv) {
  double paths = 2000, seed = 1;
  report_t report = {0};
  const number_t numbers[] = {{"paths", &paths, 2, 1e8, "simulated sessions"}, {"seed", &seed, 0, 9e15, "of all that is random"}};
  const flag_t flags[] = {STRICT_FLAG(report), JSON_FLAG(report)};
  read_options(argc, argv, "Quotes of Gueant, Lehalle and Fernandez-Tapia: sigma 0.3, A 0.9, k 0.3, gamma 0.01, T 600, Q 30.", numbers, COUNT_OF(numbers), flags, COUNT_OF(flags));
  fill_tables();
  if (!report.json) print_quotes();
  check_quotes(&report);
  check_residuals(&report);
  json_t *const out = check_worth(&report, paths, (uint64_t)seed);
  return report_end(&report, out);
}
