/* Rewards by the venues' worked examples, and against makers who are known one by one. */
#include <jansson.h>
#include "base/check.h"
#include "pmm/rewards.h"

#define ONE INT64_C(1000000)
#define CENTS 100

static pmm_rewards_params_t defaults(pmm_rewards_model_t model) {
  pmm_rewards_params_t p;
  memset(&p, 0, sizeof p);
  pmm_params_default(pmm_rewards_param_table, pmm_rewards_param_cnt, &p);
  p.model = (int32_t)model;
  return p;
}

typedef struct book { _Alignas(64) unsigned char memory[1 << 18]; pmm_arena_t arena; pmm_ladder_t ladder; } book_t;
static void open_book(book_t *b, int32_t tick_cnt) {
  pmm_arena_init(&b->arena, b->memory, sizeof b->memory);
  assert_int_equal(pmm_ladder_init(&b->ladder, &b->arena, tick_cnt, tick_cnt), PMM_OK);
}
static void show(book_t *b, pmm_side_t side, int32_t price_e4, double qty) {
  assert_int_equal(pmm_ladder_set(&b->ladder, side, price_e4 / b->ladder.tick_e4, (int64_t)(qty * 1e6)), PMM_OK);
}
static pmm_sim_order_t order(pmm_side_t side, int32_t price_e4, double qty) {
  return (pmm_sim_order_t){.open_e6 = (int64_t)(qty * 1e6), .price_e4 = price_e4, .side = (uint8_t)side};
}
static void near(const char *what, double got, double want) {
  if (!(got >= want - 1e-9 && got <= want + 1e-9)) fail_msg("%s: %.12g, want %.12g", what, got, want);
}

/* -- Polymarket: the page's example, v = 3 cents, midpoint 0.50 -- */
static void polymarket_example(void **state) {
  (void)state;
  double const q_one = pmm_rewards_spread_score(3, 1) * 100 + pmm_rewards_spread_score(3, 2) * 200 + pmm_rewards_spread_score(3, 1) * 100;
  double const q_two = pmm_rewards_spread_score(3, 1.5) * 100 + pmm_rewards_spread_score(3, 2) * 100 + pmm_rewards_spread_score(3, .5) * 200;
  near("Q_one", q_one, 1000.0 / 9);
  near("Q_two", q_two, 175);
  near("Q_min", pmm_rewards_min_score(q_one, q_two, 3, true), 1000.0 / 9);
  near("Q_min outside [0.10, 0.90]", pmm_rewards_min_score(q_one, q_two, 3, false), 1000.0 / 9);
  near("one side only", pmm_rewards_min_score(0, 175, 3, true), 175.0 / 3);
  near("one side only, outside", pmm_rewards_min_score(0, 175, 3, false), 0);
  near("at the midpoint", pmm_rewards_spread_score(3, 0), 1);
  near("at the edge", pmm_rewards_spread_score(3, 3), 0);
  near("beyond", pmm_rewards_spread_score(3, 4), 0);
}

/* The same orders as ours in a book; somebody else's bid of 100 at 0.495 makes the midpoint 0.50 and scores (2.5/3)^2 100 on one side. */
static const pmm_sim_order_t example[] = {{.open_e6 = 100 * ONE, .price_e4 = 4900, .side = PMM_BID}, {.open_e6 = 200 * ONE, .price_e4 = 4800, .side = PMM_BID},
                                          {.open_e6 = 100 * ONE, .price_e4 = 4900, .side = PMM_BID}, {.open_e6 = 100 * ONE, .price_e4 = 5150, .side = PMM_ASK},
                                          {.open_e6 = 100 * ONE, .price_e4 = 5200, .side = PMM_ASK}, {.open_e6 = 200 * ONE, .price_e4 = 5050, .side = PMM_ASK}};
static void polymarket_book(void **state) {
  (void)state;
  static book_t b;
  open_book(&b, 200);
  show(&b, PMM_BID, 4950, 100);
  pmm_rewards_params_t p = defaults(PMM_REWARDS_POLYMARKET);
  p.min_size_e6 = 100 * ONE;
  double const ours = 1000.0 / 9, theirs = 625.0 / 9 / 3;
  pmm_rewards_share_t share;
  pmm_rewards_share(&p, &b.ladder, example, COUNT_OF(example), p.order_age_ns, &share);
  near("one-sided competition is known, low", share.low, ours / (ours + theirs));
  near("and high", share.high, ours / (ours + theirs));
  assert_true(share.must_score && share.may_score);
  pmm_rewards_share(&p, &b.ladder, example, COUNT_OF(example), p.order_age_ns - 1, &share);
  near("too young, low", share.low, 0);
  near("too young, high", share.high, 0);
  assert_true(share.must_score); /* the other one scored */
  show(&b, PMM_ASK, 5150, 100); /* now the others have (69.44, 25): F between 69.44/3 + ... */
  double const a = 625.0 / 9, z = 25, low = a <= 3 * z ? (a + z) / 4 : a / 3, high = z + (a - z) / 3;
  pmm_rewards_share(&p, &b.ladder, example, COUNT_OF(example), p.order_age_ns, &share);
  near("competition of unknown makers, low", share.low, ours / (ours + high));
  near("competition of unknown makers, high", share.high, ours / (ours + low));
}

static void midpoint_table(void **state) {
  (void)state;
  static book_t b;
  static const struct { const char *why; double bid[3], ask[3]; /* at 0.50, 0.49, 0.48; 0.51, 0.52, 0.53 */ double own_bid_51, own_ask_52; pmm_status_t want; int32_t twice; } rows[] = {
    {"the best levels", {60, 60, 60}, {60, 60, 60}, 0, 0, PMM_OK, 10100},
    {"a small best bid is passed over", {49, 60, 60}, {60, 60, 60}, 0, 0, PMM_OK, 10000},
    {"small levels are not added up", {40, 40, 60}, {60, 60, 60}, 0, 0, PMM_OK, 9900},
    {"exactly the size counts", {50, 60, 60}, {49.99, 50, 60}, 0, 0, PMM_OK, 10200},
    {"ours counts", {0, 0, 60}, {0, 0, 60}, 0, 50, PMM_OK, 10000},
    {"ours adds to the level", {60, 0, 0}, {0, 20, 60}, 0, 30, PMM_OK, 10200},
    {"ours too small", {60, 0, 0}, {0, 0, 60}, 0, 49, PMM_OK, 10300},
    {"no bid of size", {10, 10, 10}, {60, 60, 60}, 0, 0, PMM_NOT_READY, 0},
    {"empty", {0}, {0}, 0, 0, PMM_NOT_READY, 0},
    {"locked", {60, 0, 0}, {60, 0, 0}, 60, 0, PMM_OK, 10200},
    {"only ours", {0}, {0}, 60, 60, PMM_OK, 10300},
  };
  for (size_t i = 0; i < COUNT_OF(rows); i++) {
    open_book(&b, 100);
    for (int k = 0; k < 3; k++) {
      show(&b, PMM_BID, 5000 - k * CENTS, rows[i].bid[k]);
      show(&b, PMM_ASK, 5100 + k * CENTS, rows[i].ask[k]);
    }
    pmm_sim_order_t const own[] = {order(PMM_BID, 5100, rows[i].own_bid_51), order(PMM_ASK, 5200, rows[i].own_ask_52)};
    int32_t twice = 0;
    pmm_status_t const st = pmm_rewards_midpoint(&b.ladder, own, 2, 50 * ONE, &twice);
    if (st != rows[i].want || twice != rows[i].twice) fail_msg("%s: %s, %d", rows[i].why, pmm_status_to_string(st), twice);
  }
}

/* -- Kalshi: the venue's vectors -- */
static double field(const json_t *object, const char *key) {
  const json_t *const v = json_object_get(object, key);
  return json_is_string(v) ? strtod(json_string_value(v), NULL) : json_number_value(v);
}
static void kalshi_vectors(void **state) {
  (void)state;
  char path[4096];
  snprintf(path, sizeof path, "%s/tests/vectors/kalshi_vectors.json", getenv("PMM_SRC") ? getenv("PMM_SRC") : ".");
  json_t *const root = json_load_file(path, 0, NULL);
  const json_t *const v = json_object_get(root, "liquidity_incentive"), *const mine = json_object_get(v, "own_order");
  if (!v) fail_msg("%s: no liquidity_incentive", path);
  pmm_rewards_params_t p = defaults(PMM_REWARDS_KALSHI);
  p.target_e6 = (int64_t)(field(v, "target_size") * 1e6);
  p.discount = field(v, "discount_factor_bps") / 1e4;
  static book_t b;
  open_book(&b, 100);
  size_t i;
  json_t *row;
  json_array_foreach(json_object_get(v, "yes_bids"), i, row)
    show(&b, PMM_BID, (int32_t)(strtod(json_string_value(json_array_get(row, 0)), NULL) * 1e4 + .5), strtod(json_string_value(json_array_get(row, 1)), NULL));
  pmm_sim_order_t const own = order(PMM_BID, (int32_t)(field(mine, "price") * 1e4 + .5), field(mine, "size"));
  show(&b, PMM_BID, own.price_e4, (double)(pmm_ladder_qty(&b.ladder, PMM_BID, own.price_e4 / CENTS) - own.open_e6) / 1e6); /* the vector's book has ours in it */
  pmm_rewards_side_t side;
  pmm_rewards_kalshi_side(&p, &b.ladder, &own, 1, PMM_BID, &side);
  assert_true(side.reached == json_is_true(json_object_get(v, "side_qualifies")));
  near("own score", side.own, field(mine, "score"));
  near("side total", side.total, field(v, "side_total"));
  near("share", side.share_low, 1.0 / 7);
  assert_true(side.share_low - field(mine, "share_of_side") < 1e-8);
  near("share, the last level cut to 100", side.share_high, 50.0 / 275);
  json_decref(root);
}

static void kalshi_table(void **state) {
  (void)state;
  static const struct { const char *why; double own_50, own_49, own_48, target; bool reached; double low, high; } rows[] = { /* others: 100 at each */
    {"not reached", 0, 100, 0, 1000, false, 50.0 / 225, 50.0 / 225},
    {"exactly reached: one reading", 0, 100, 0, 300, true, 50.0 / 200, 50.0 / 200},
    {"in the last level: first or last of it", 0, 100, 0, 200, true, 0, 50.0 / 150},
    {"in the last level, partly in whatever the place", 0, 100, 0, 250, true, 25.0 / 175, 50.0 / 175},
    {"whole counts more than cut and last", 100, 100, 0, 320, true, 110.0 / 260, 150.0 / 260},
    {"beyond the target", 0, 0, 100, 150, true, 0, 0},
    {"improving the best", 100, 0, 0, 100, true, 0, 1},
  };
  for (size_t i = 0; i < COUNT_OF(rows); i++) {
    static book_t b;
    open_book(&b, 100);
    for (int k = 0; k < 3; k++) show(&b, PMM_ASK, 5000 + k * CENTS, 100);
    pmm_sim_order_t const own[] = {order(PMM_ASK, 5000, rows[i].own_50), order(PMM_ASK, 5100, rows[i].own_49), order(PMM_ASK, 5200, rows[i].own_48)};
    pmm_rewards_params_t p = defaults(PMM_REWARDS_KALSHI);
    p.target_e6 = (int64_t)(rows[i].target * 1e6);
    pmm_rewards_side_t side;
    pmm_rewards_kalshi_side(&p, &b.ladder, own, 3, PMM_ASK, &side);
    if (side.reached != rows[i].reached) fail_msg("%s: reached %d", rows[i].why, side.reached);
    near(rows[i].why, side.share_low, rows[i].low);
    near(rows[i].why, side.share_high, rows[i].high);
  }
}

/* -- any division of totals into makers stays in the interval, and its ends are reached -- */
static double sum_of_parts(pmm_rng_t *rng, double one, double two, double c, bool central) {
  double sum = 0;
  int const cnt = (int)check_between(rng, 1, 8), kind = (int)pmm_rng_below(rng, 3);
  for (int i = 1; i <= cnt; i++) {
    double const a = i == cnt ? 1 : kind == 0 ? pmm_rng_unit(rng) : kind == 1 ? (double)pmm_rng_below(rng, 2) : pmm_rng_unit(rng) / 4;
    double const b = i == cnt ? 1 : kind == 0 ? pmm_rng_unit(rng) : kind == 1 ? (double)pmm_rng_below(rng, 2) : a;
    sum += pmm_rewards_min_score(one * a, two * b, c, central);
    one -= one * a;
    two -= two * b;
  }
  return sum;
}
static uint64_t parts_property(uint64_t seed, uint64_t ops, bool broken) {
  pmm_rng_t rng;
  pmm_rng_seed(&rng, seed);
  for (uint64_t i = 0; i < ops; i++) {
    double const one = pmm_rng_below(&rng, 8) ? pmm_rng_exponential(&rng, .01) : 0, two = pmm_rng_below(&rng, 8) ? pmm_rng_exponential(&rng, .01) : 0;
    double const c = 1 + 4 * pmm_rng_unit(&rng), slack = 1e-12 * (one + two);
    bool const central = pmm_rng_below(&rng, 2);
    double low, high;
    pmm_rewards_competition(one, two, c, central, &low, &high);
    if (broken) high = low + .9 * (high - low);
    double const sum = sum_of_parts(&rng, one, two, c, central);
    if (sum < low - slack || sum > high + slack) return i;
    /* the ends: two makers c times as deep on one side (or one alone); one two-sided maker and the rest (or one for each side) */
    double const t = (c * one - two) / (c * c - 1), u = (c * two - one) / (c * c - 1);
    double const least = !central ? 0 : t >= 0 && u >= 0 ? pmm_rewards_min_score(c * t, t, c, true) + pmm_rewards_min_score(u, c * u, c, true) : pmm_rewards_min_score(one, two, c, true);
    double const both = one < two ? one : two;
    double const most = central && c < 2 ? pmm_rewards_min_score(one, 0, c, true) + pmm_rewards_min_score(0, two, c, true)
                                         : pmm_rewards_min_score(both, both, c, central) + pmm_rewards_min_score(one - both, two - both, c, central);
    if (!broken && c > 1.001 && (least > low + 1e-6 * (one + two) || most < high - slack)) return i;
  }
  return NO_MISMATCH;
}
static void any_parts(void **state) {
  (void)state;
  check_random("makers of a book", parts_property, 100000);
  check_canary("makers of a book", parts_property, 20000);
}

/* -- whole books of known makers: each maker's true share lies in the interval that the maker's own backtest would report, and all
   makers together have exactly one pool -- */
#define MAKERS 5
#define EACH 6
typedef struct crowd { pmm_sim_order_t order[MAKERS][EACH]; size_t cnt[MAKERS]; } crowd_t;

static void draw_crowd(crowd_t *c, pmm_rng_t *rng, int64_t min_e6) {
  int32_t const mid = (int32_t)check_between(rng, 4, 95);
  for (int m = 0; m < MAKERS; m++) {
    c->cnt[m] = pmm_rng_below(rng, EACH + 1);
    for (size_t k = 0; k < c->cnt[m]; k++) {
      bool const is_bid = pmm_rng_below(rng, 2);
      int32_t const away = (int32_t)check_between(rng, 1, 4), tick = is_bid ? mid - away + 1 : mid + away;
      c->order[m][k] = (pmm_sim_order_t){.open_e6 = min_e6 + (int64_t)pmm_rng_below(rng, 200) * ONE, .price_e4 = (tick < 1 ? 1 : tick > 99 ? 99 : tick) * CENTS, .side = is_bid ? PMM_BID : PMM_ASK};
    }
  }
}
static void book_without(book_t *b, const crowd_t *c, int maker) {
  open_book(b, 100);
  for (int m = 0; m < MAKERS; m++)
    for (size_t k = 0; m != maker && k < c->cnt[m]; k++) pmm_ladder_add(&b->ladder, (pmm_side_t)c->order[m][k].side, c->order[m][k].price_e4 / CENTS, c->order[m][k].open_e6);
}
/* Scores of one maker on the two sides, straight from the formulas; the book has everybody. */
static double true_score(const pmm_rewards_params_t *p, const pmm_ladder_t *all, const crowd_t *c, int maker, int side, double mid) {
  double sum = 0;
  for (size_t k = 0; k < c->cnt[maker]; k++) {
    const pmm_sim_order_t *const o = &c->order[maker][k];
    if (o->side != side) continue;
    double const size = (double)o->open_e6 / 1e6, price = o->price_e4 / 1e4;
    if (p->model == PMM_REWARDS_POLYMARKET) {
      double const v = p->max_spread_e4 / 1e4, s = price > mid ? price - mid : mid - price;
      if (s < v - 1e-9) sum += (v - s) / v * ((v - s) / v) * size;
    } else { /* qualifies when what stands before its level does not reach the target */
      int64_t before = 0;
      for (int32_t t = 1; t < 100; t++)
        if (side == PMM_BID ? t * CENTS > o->price_e4 : t * CENTS < o->price_e4) before += pmm_ladder_qty(all, (pmm_side_t)side, t);
      double weight = 1;
      for (int32_t t = all->best[side]; t != o->price_e4 / CENTS; t += side == PMM_BID ? -1 : 1) weight *= p->discount;
      if (before < p->target_e6) sum += weight * size;
    }
  }
  return sum;
}
static bool true_shares(const pmm_rewards_params_t *p, const pmm_ladder_t *all, const crowd_t *c, double share[MAKERS]) {
  double q[MAKERS][2], sum[2] = {0}, total = 0;
  bool const ready = all->best[0] && all->best[1] && all->best[0] <= all->best[1];
  double const mid = (all->best[0] + all->best[1]) / 200.0;
  for (int m = 0; m < MAKERS; m++)
    for (int side = 0; side < 2; side++) sum[side] += q[m][side] = true_score(p, all, c, m, side, mid);
  if (p->model == PMM_REWARDS_KALSHI) {
    bool const counts = pmm_ladder_depth(all, PMM_BID, INT32_MAX) >= p->target_e6 && pmm_ladder_depth(all, PMM_ASK, INT32_MAX) >= p->target_e6;
    for (int m = 0; m < MAKERS; m++) share[m] = counts ? (q[m][0] / sum[0] + q[m][1] / sum[1]) / 2 : 0;
    return counts;
  }
  bool const central = mid > .0999999 && mid < .9000001;
  for (int m = 0; m < MAKERS; m++) {
    double const least = q[m][0] < q[m][1] ? q[m][0] : q[m][1], most = q[m][0] < q[m][1] ? q[m][1] : q[m][0];
    total += share[m] = !ready ? 0 : central && most / p->one_sided > least ? most / p->one_sided : least;
  }
  for (int m = 0; m < MAKERS; m++) share[m] = total > 0 ? share[m] / total : 0;
  return total > 0;
}
static uint64_t crowd_property(uint64_t seed, uint64_t ops, bool broken) {
  static book_t b;
  pmm_rng_t rng;
  pmm_rng_seed(&rng, seed);
  for (uint64_t i = 0; i < ops; i++) {
    pmm_rewards_params_t p = defaults(pmm_rng_below(&rng, 2) ? PMM_REWARDS_KALSHI : PMM_REWARDS_POLYMARKET);
    p.order_age_ns = 0;
    p.target_e6 = check_between(&rng, 1, 900) * ONE;
    p.discount = pmm_rng_unit(&rng);
    crowd_t c;
    draw_crowd(&c, &rng, p.min_size_e6);
    double share[MAKERS], lows = 0, highs = 0;
    book_without(&b, &c, -1);
    bool const counts = true_shares(&p, &b.ladder, &c, share);
    for (int m = 0; m < MAKERS; m++) {
      pmm_rewards_share_t s;
      book_without(&b, &c, m);
      pmm_rewards_share(&p, &b.ladder, c.order[m], c.cnt[m] - (broken && c.cnt[m] > 0), 0, &s);
      if (share[m] < s.low - 1e-9 || share[m] > s.high + 1e-9 || s.low < 0 || s.high > 1) return i;
      if ((counts && !s.may_score) || (!counts && s.must_score)) return i;
      lows += s.low;
      highs += s.high;
    }
    if (lows > 1 + 1e-9 || (counts && highs < 1 - 1e-9)) return i;
  }
  return NO_MISMATCH;
}
static void known_makers(void **state) {
  (void)state;
  check_random("books of known makers", crowd_property, 4000);
  check_canary("books of known makers", crowd_property, 2000);
}

/* -- what a quote would earn -- */
static void quote_scores(void **state) {
  (void)state;
  static book_t b;
  open_book(&b, 100);
  pmm_rewards_params_t p = defaults(PMM_REWARDS_POLYMARKET);
  double low = -1, high = -1;
  assert_int_equal(pmm_rewards_quote_score(&p, &b.ladder, 100, 100 * ONE, &low, &high), PMM_NOT_READY);
  show(&b, PMM_BID, 4900, 100);
  show(&b, PMM_ASK, 5100, 100);
  assert_int_equal(pmm_rewards_quote_score(&p, &b.ladder, 100, 100 * ONE, &low, &high), PMM_OK);
  near("as deep as the book on both sides, low", low, 50); /* half of 100 a day, were the other one maker */
  near("high", high, 100 * 1 / 1.5);                       /* two makers of one side each count a third each */
  p.period_ns *= 2;
  assert_int_equal(pmm_rewards_quote_score(&p, &b.ladder, 100, 100 * ONE, &low, &high), PMM_OK);
  near("the pool is for two days", low, 25);
  p.period_ns /= 2;
  assert_int_equal(pmm_rewards_quote_score(&p, &b.ladder, 150, 100 * ONE, &low, &high), PMM_OK); /* outward to 2 cents: a quarter of the score */
  near("rounded outward", low, 100 * .2);
  assert_int_equal(pmm_rewards_quote_score(&p, &b.ladder, 300, 100 * ONE, &low, &high), PMM_OK);
  near("at the edge", high, 0);
  p.model = PMM_REWARDS_KALSHI;
  p.target_e6 = 100 * ONE;
  assert_int_equal(pmm_rewards_quote_score(&p, &b.ladder, 100, 100 * ONE, &low, &high), PMM_OK);
  near("who stands first is not known, low", low, 0);
  near("high", high, 100);
  static const struct { const char *why; int32_t distance, model; int64_t qty; } bad[] = {
    {"no model", 100, PMM_REWARDS_NONE, ONE}, {"negative distance", -1, PMM_REWARDS_KALSHI, ONE}, {"no size", 100, PMM_REWARDS_KALSHI, 0}, {"outside", 5000, PMM_REWARDS_KALSHI, ONE}};
  for (size_t i = 0; i < COUNT_OF(bad); i++) {
    p.model = bad[i].model;
    low = high = 7;
    if (pmm_rewards_quote_score(&p, &b.ladder, bad[i].distance, bad[i].qty, &low, &high) != PMM_INVAL || low != 7 || high != 7) fail_msg("%s", bad[i].why);
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(polymarket_example), cmocka_unit_test(polymarket_book), cmocka_unit_test(midpoint_table), cmocka_unit_test(kalshi_vectors),
                                     cmocka_unit_test(kalshi_table), cmocka_unit_test(any_parts), cmocka_unit_test(known_makers), cmocka_unit_test(quote_scores)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
