/* Strategy logit: reservation price, risk, ladder, cash floor, market types, warm-up and saved state. */
#include "fixture.h"

static void open_logit(fixture_t *f) {
  fix_open(f, "logit");
  f->signals = (pmm_signals_t){.sigma = 1, .users = 50, .trade_rate = 0, .liquidity = NAN, .volume_ratio = NAN, .volatility = NAN, .volatility_high = -1};
  f->view.time_left_s = 43200;
  f->view.life_s = 86400;
  fix_book(f, .49, .51, 100);
}

static void assert_reason(const pmm_quotes_t *q, const char *name, double want) {
  double const got = fix_reason(q, name);
  if (!(fabs(got - want) <= 1e-12 * (1 + fabs(want)))) fail_msg("%s: %.17g, want %.17g", name, got, want);
}

/* The formulas by hand for one situation: 20 YES, half of a day left, mid one half. */
static void test_terms(void **unused) {
  (void)unused;
  fixture_t f;
  open_logit(&f);
  fix_hold(&f, 20, 0);
  double const time_factor = sqrt(.5), b_side = .5 * 500 / 3, q_max = b_side * time_factor / (.5 * 1.1), qhat = 20 / q_max;
  double const gamma = 1 / (1 - qhat), lambda = 1 + .5 * (1 + 100 / 150.0), delta = qhat * gamma * lambda;
  const pmm_quotes_t *q = fix_ask(&f);
  assert_reason(q, "qhat", qhat);
  assert_reason(q, "gamma", gamma);
  assert_reason(q, "lambda", lambda);
  assert_reason(q, "delta", delta);
  assert_reason(q, "reservation", -delta);
  assert_reason(q, "half_spread", .2 * gamma * lambda);
  assert_reason(q, "time_factor", time_factor);
  f.signals.sigma = 2;
  fix_set(&f, "composition", "weighted");
  q = fix_ask(&f);
  assert_reason(q, "delta", qhat * gamma * (1 + 1 + .2 * (lambda - 1)));
  fix_set(&f, "composition", "power");
  q = fix_ask(&f);
  assert_reason(q, "delta", qhat * gamma * sqrt(lambda) * pow(2, 1.5));
  fix_set(&f, "liquidity_term", "true");
  f.signals.trade_rate = .05; /* kappa = 2 */
  q = fix_ask(&f);
  assert_reason(q, "half_spread", fmin(1.5, .2 * gamma * lambda * 2 + log(1 + gamma / 2) / gamma));
  fix_close(&f);
}

static void test_inventory_edges(void **unused) {
  (void)unused;
  static const struct { const char *why; double yes, no, left_s, qhat; } rows[] = {
    {"flat", 0, 0, 43200, 0},         {"no time left and long", 1, 0, 0, 1}, {"no time left and short", 0, 1, 0, -1},
    {"no time left and flat", 0, 0, 0, 0}, {"full", 1e6, 0, 43200, 1},      {"more time than life counts as all of it", 0, 0, 1e9, 0}};
  fixture_t f;
  open_logit(&f);
  for (size_t i = 0; i < COUNT_OF(rows); i++) {
    fix_hold(&f, rows[i].yes, rows[i].no);
    f.view.time_left_s = rows[i].left_s;
    if (fix_reason(fix_ask(&f), "qhat") != rows[i].qhat) fail_msg("%s: %g", rows[i].why, fix_reason(&f.out, "qhat"));
    assert_true(fix_reason(&f.out, "gamma") <= 50);
    if (fix_fault(&f)) fail_msg("%s: %s", rows[i].why, fix_fault(&f));
  }
  f.view.time_left_s = NAN;
  assert_reason(fix_ask(&f), "time_factor", 1);
  fix_close(&f);
}

/* Short positions are priced by what buying YES back costs: p, not 1 - p. */
static void test_opposite_price(void **unused) {
  (void)unused;
  fixture_t f;
  open_logit(&f);
  fix_book(&f, .19, .21, 100);
  fix_hold(&f, 20, 0);
  double const long_q = fix_reason(fix_ask(&f), "qhat");
  fix_hold(&f, 0, 20);
  double const short_q = fix_reason(fix_ask(&f), "qhat");
  assert_true(fabs(long_q / -short_q - .8 / .2) < 1e-9);
  fix_close(&f);
}

static void test_market_types(void **unused) {
  (void)unused;
  static const struct { const char *type; double beta, alpha, u_ref, floor; } rows[] = {
    {"none", .8, 1, 100, 0}, {"a1", .55, .8, 200, 0}, {"a2", .85, 1.1, 100, 0}, {"a3", .5, .8, 30, .3}, {"e1", .45, .8, 400, 0}, {"e2", 1, 1.5, 50, 0}, {"e3", 1.5, .8, 40, 0}};
  fixture_t f;
  open_logit(&f);
  fix_book(&f, .97, .99, 100);
  for (size_t i = 0; i < COUNT_OF(rows); i++) {
    fix_set(&f, "market_type", rows[i].type);
    double const a = fmax(rows[i].floor, pow(.98 * .02 / .25, rows[i].beta)), l = pow(rows[i].u_ref / (50 + rows[i].u_ref), rows[i].alpha);
    assert_reason(fix_ask(&f), "lambda", 1 + (a + l) / 2);
  }
  /* A value set by hand beats the type's. */
  fix_set(&f, "market_type", "a3");
  fix_set(&f, "beta_p", "2");
  fix_set(&f, "A_floor", "0");
  fix_set(&f, "alpha_U", "0");
  fix_set(&f, "U_ref", "7");
  assert_reason(fix_ask(&f), "lambda", 1 + (pow(.98 * .02 / .25, 2) + 1) / 2);
  fix_close(&f);
}

static void test_trust_in_time(void **unused) {
  (void)unused;
  fixture_t f;
  open_logit(&f);
  fix_set(&f, "market_type", "e2");
  fix_set(&f, "trust_in_time", "true");
  fix_set(&f, "trust_alpha_0", "0.5");
  fix_set(&f, "trust_alpha_1", "2");
  f.view.time_left_s = 21600; /* three quarters gone */
  assert_reason(fix_ask(&f), "lambda", 1 + (1 + pow(50 / 100.0, .5 + 2 * .75 * .75)) / 2);
  assert_int_equal(f.ops->check(f.params, NULL), PMM_OK);
  fix_set(&f, "market_type", "e1");
  assert_int_equal(f.ops->check(f.params, NULL), PMM_INVAL);
  fix_close(&f);
}

static void test_crowd_from_flow(void **unused) {
  (void)unused;
  fixture_t f;
  open_logit(&f);
  f.signals.users = f.signals.trade_rate = NAN;
  for (int i = 0; i < 100; i++) pmm_flow_trade(&f.flow, START - 3600 * SEC + i, PMM_BID, 5000, C(1), 0);
  pmm_flow_advance(&f.flow, START);
  assert_reason(fix_ask(&f), "lambda", 1 + (1 + 100 / 110.0) / 2); /* sqrt(100) traders */
  fix_close(&f);
}

static void test_ladder(void **unused) {
  (void)unused;
  fixture_t f;
  open_logit(&f);
  fix_grid(&f, 10);
  fix_book(&f, .49, .51, 100);
  fix_set(&f, "levels", "3");
  const pmm_quotes_t *q = fix_ask(&f);
  double const lambda = 1 + .5 * (1 + 100 / 150.0), half = .2 * lambda, dollars = .1 * .5 * 500 / 3 * sqrt(.5);
  assert_int_equal(q->bid_cnt, 3);
  for (int i = 0; i < 3; i++) {
    double const price = floor(1000 / (1 + exp(half * (1 + .5 * i)))) / 1000;
    assert_int_equal(q->bid[i].price_e4, lround(price * 1e4));
    assert_int_equal(q->bid[i].qty_e6, pmm_max64(C(floor(dollars * pow(.7, i) / price * 100) / 100), C(1)));
    assert_int_equal(q->ask[i].price_e4, 10000 - q->bid[i].price_e4); /* flat at one half: mirror images */
    assert_int_equal(q->ask[i].qty_e6, q->bid[i].qty_e6);
  }
  assert_true(q->resize_tolerance == .25);
  /* Coarse ticks join levels: the nearest stays, with its own size. */
  fix_grid(&f, 1000);
  fix_book(&f, .4, .6, 100);
  fix_set(&f, "levels", "4");
  fix_set(&f, "step_mult", "0");
  fix_set(&f, "min_step_logit", "0.01");
  q = fix_ask(&f);
  assert_int_equal(q->bid_cnt, 1);
  assert_int_equal(q->bid[0].price_e4, 4000);
  /* The notional limit ends a side before the order that would pass it. */
  fix_grid(&f, 10);
  fix_book(&f, .49, .51, 100);
  fix_set(&f, "step_mult", "0.5");
  fix_set(&f, "bankroll", "5000");
  fix_set(&f, "n_plays", "1");
  q = fix_ask(&f);
  assert_int_equal(q->bid_cnt, 0); /* the first level alone costs 177 dollars */
  fix_set(&f, "max_order_notional_side", "300");
  q = fix_ask(&f);
  assert_int_equal(q->bid_cnt, 1);
  fix_set(&f, "max_order_notional_side", "301.5");
  assert_int_equal(fix_ask(&f)->bid_cnt, 2); /* 176.77 and 123.74 */
  fix_close(&f);
}

static void test_least_distance(void **unused) {
  (void)unused;
  fixture_t f;
  open_logit(&f);
  fix_set(&f, "c_risk", "0"); /* no half spread at all: the least distance alone */
  fix_set(&f, "levels", "1");
  const pmm_quotes_t *q = fix_ask(&f);
  assert_int_equal(q->bid[0].price_e4, 4900);
  assert_int_equal(q->ask[0].price_e4, 5100);
  fix_book(&f, .01, .02, 100); /* r at 0.015: a bid at 0.005 is outside [0.01, 0.99] */
  q = fix_ask(&f);
  assert_int_equal(q->bid_cnt, 0);
  assert_int_equal(q->ask[0].price_e4, 300);
  fix_close(&f);
}

static void test_cash_floor(void **unused) {
  (void)unused;
  fixture_t f;
  open_logit(&f);
  const pmm_quotes_t *q = fix_ask(&f);
  pmm_quotes_t const whole = *q;
  assert_int_equal(q->cash_floor_e6, C(50)); /* a tenth of 500, nothing to flatten */
  fix_hold(&f, 20, 0);
  assert_int_equal(fix_ask(&f)->cash_floor_e6, C(50 + 20 * .5 * 1.1));
  f.view.others_flatten_e6 = C(40); /* positions elsewhere want cash to get out as well */
  assert_int_equal(fix_ask(&f)->cash_floor_e6, C(50 + (20 * .5 + 40) * 1.1));
  f.view.others_flatten_e6 = 0;
  fix_hold(&f, 0, 0);
  int64_t cost[2] = {0, 0};
  for (int i = 0; i < whole.bid_cnt; i++) cost[0] += pmm_notional_ceil(whole.bid[i].price_e4, whole.bid[i].qty_e6);
  for (int i = 0; i < whole.ask_cnt; i++) cost[1] += pmm_notional_ceil(10000 - whole.ask[i].price_e4, whole.ask[i].qty_e6);
  f.view.free_cash_e6 = C(50) + cost[0] + cost[1]; /* just enough */
  q = fix_ask(&f);
  assert_null(q->why);
  assert_int_equal(q->bid_cnt, whole.bid_cnt);
  f.view.free_cash_e6 -= C(5); /* not enough: the outer end gives way */
  q = fix_ask(&f);
  assert_non_null(q->why);
  assert_true(q->bid_cnt < whole.bid_cnt || q->bid[q->bid_cnt - 1].qty_e6 < whole.bid[q->bid_cnt - 1].qty_e6);
  assert_int_equal(q->bid[0].qty_e6, whole.bid[0].qty_e6);
  assert_null(fix_fault(&f));
  f.view.free_cash_e6 = C(50);
  q = fix_ask(&f);
  assert_int_equal(q->bid_cnt + q->ask_cnt, 0);
  /* The cash behind our own resting orders comes back when they are replaced. */
  f.order[0] = (pmm_own_order_t){.open_e6 = C(100), .price_e4 = 9000, .side = PMM_BID};
  f.view.order_cnt = 1;
  assert_int_equal(fix_ask(&f)->bid_cnt, whole.bid_cnt);
  f.view.order_cnt = 0;
  /* Orders that only close a position need no cash: with 40 YES the asks stay, the bids go. */
  fix_hold(&f, 40, 0);
  f.view.free_cash_e6 = 0;
  q = fix_ask(&f);
  assert_int_equal(q->bid_cnt, 0);
  int64_t asked = 0;
  for (int i = 0; i < q->ask_cnt; i++) asked += q->ask[i].qty_e6;
  assert_true(asked > 0 && asked <= C(40));
  fix_close(&f);
}

static void test_checks(void **unused) {
  (void)unused;
  static const char *const rows[][2] = {{"lambda_min", "3"}, {"tau_fast", "1h"}, {"h1", "60"}, {"U_ref", "0"}};
  fixture_t f;
  fix_open(&f, "logit");
  assert_int_equal(f.ops->check(f.params, NULL), PMM_OK);
  for (size_t i = 0; i < COUNT_OF(rows); i++) {
    fix_defaults(&f);
    fix_set(&f, rows[i][0], rows[i][1]);
    pmm_error_t err;
    assert_int_equal(f.ops->check(f.params, &err), PMM_INVAL);
    assert_true(strncmp(err.text, rows[i][0], strlen(rows[i][0])) == 0);
  }
  fix_defaults(&f);
  fix_set(&f, "w_A", "0");
  fix_set(&f, "w_L", "0");
  assert_int_equal(f.ops->check(f.params, NULL), PMM_INVAL);
  assert_int_equal(f.ops->refresh_ns(f.params), 2 * SEC);
  fix_close(&f);
}

/* -- warm-up and state -- */
static void tick(fixture_t *f, double seconds, pmm_rng_t *rng, bool trades) {
  f->view.now_ns += (int64_t)(seconds * 1e9);
  int32_t const bid = (int32_t)check_between(rng, 40, 55);
  fix_book(f, bid / 100.0, (bid + 2) / 100.0, 100);
  fix_event(f, PMM_MD_LEVEL, PMM_BID);
  if (trades) fix_event(f, PMM_MD_TRADE, PMM_BID);
}

static void run_warmup(fixture_t *f, uint64_t seed) {
  pmm_rng_t rng;
  pmm_rng_seed(&rng, seed);
  for (int i = 0; i < 20000; i++) {
    tick(f, 2, &rng, i % 3 == 0);
    pmm_quotes_clear(&f->out);
    f->ops->on_view(f->state, &f->view, &f->out);
    if (f->out.action == PMM_QUOTE_QUOTE) return;
  }
  fail_msg("the warm-up never ends");
}

static void test_warmup(void **unused) {
  (void)unused;
  fixture_t f;
  fix_open(&f, "logit");
  fix_set(&f, "min_samples", "100");
  f.view.time_left_s = 1e6, f.view.life_s = 1e6;
  const pmm_quotes_t *q = fix_ask(&f);
  assert_int_equal(q->action, PMM_QUOTE_PAUSE);
  assert_string_equal(q->why, "warming up: observing");
  pmm_rng_t rng;
  pmm_rng_seed(&rng, 5);
  int64_t const begin = f.view.now_ns;
  while (f.view.now_ns - begin < 598 * SEC) {
    tick(&f, 2, &rng, true);
    assert_string_equal(fix_ask(&f)->why, "warming up: observing");
  }
  tick(&f, 2, &rng, true);
  assert_string_equal(fix_ask(&f)->why, "warming up: collecting returns");
  int64_t const collecting = f.view.now_ns;
  run_warmup(&f, 6);
  /* 100 returns at 0.8 x the 2 s between changes; the next event after the last of them ends it. */
  double const took_s = (double)(f.view.now_ns - collecting) / 1e9;
  assert_true(took_s >= 160 && took_s <= 164);
  assert_true(fix_reason(&f.out, "sigma_base") > 0);
  assert_true(fix_reason(&f.out, "sigma") >= 1);
  fix_close(&f);
}

static void test_no_warmup(void **unused) {
  (void)unused;
  fixture_t f;
  fix_open(&f, "logit");
  fix_set(&f, "warmup", "false");
  fix_set(&f, "min_samples", "10");
  pmm_rng_t rng;
  pmm_rng_seed(&rng, 5);
  tick(&f, 1, &rng, false);
  assert_reason(fix_ask(&f), "sigma", 1);
  for (int i = 0; i < 40; i++) tick(&f, 1, &rng, false); /* 8 samples at 5 s */
  assert_reason(fix_ask(&f), "sigma", 1);
  fix_set(&f, "c_sigma", "100"); /* from here on any movement is toxic: sigma shows once there are enough samples */
  double sigma = 1;
  for (int i = 0; i < 600; i++) {
    tick(&f, 1, &rng, true);
    sigma = fmax(sigma, fix_reason(fix_ask(&f), "sigma"));
  }
  assert_true(sigma > 1);
  fix_close(&f);
}

static void test_state(void **unused) {
  (void)unused;
  fixture_t f, g;
  fix_open(&f, "logit");
  fix_open(&g, "logit");
  fix_set(&f, "min_samples", "50");
  fix_set(&g, "min_samples", "50");
  char text[1024], again[1024];
  assert_int_equal(f.ops->save(f.state, f.view.now_ns, text, sizeof text), 0); /* nothing learned yet */
  run_warmup(&f, 9);
  size_t const len = f.ops->save(f.state, f.view.now_ns, text, sizeof text);
  assert_true(len > 0 && len == strlen(text));
  assert_int_equal(f.ops->save(f.state, f.view.now_ns, again, 20), 0); /* no room */
  pmm_error_t err = {.status = PMM_OK, .text = ""};
  assert_int_equal(g.ops->load(g.state, f.view.now_ns, text, len, &err), PMM_OK);
  assert_string_equal(err.text, "");
  g.view.now_ns = f.view.now_ns;
  fix_book(&g, .47, .49, 100);
  assert_int_equal(fix_ask(&g)->action, PMM_QUOTE_QUOTE); /* no second warm-up */
  fix_ask(&f);
  assert_true(fix_reason(&g.out, "sigma") == fix_reason(&f.out, "sigma"));
  assert_int_equal(g.ops->save(g.state, f.view.now_ns, again, sizeof again), len);
  assert_string_equal(again, text);
  int64_t const later = f.view.now_ns + 25 * 3600 * SEC;
  assert_int_equal(g.ops->load(g.state, later, text, len, &err), PMM_OK); /* old, but better than nothing */
  assert_non_null(strstr(err.text, "25 hours old"));
  fix_close(&f);
  fix_close(&g);
}

static void test_bad_state(void **unused) {
  (void)unused;
  static const char *const rows[] = {
    "", "pmm-logit", "pmm-logit 2 1 1", "pmm-logit 1 5 100 5 30 1800 10 60 .1 .1 0 1 0 0 0 0", /* one number short */
    "pmm-logit 1 5 100 5 30 1800 10 60 .1 .1 0 1 0 0 0 0 .1 9",                                 /* one too many */
    "pmm-logit 1 5 100 nan 30 1800 10 60 .1 .1 0 1 0 0 0 0 .1", "pmm-logit 1 5 100 5 30 1800 10 60 .1 .1 0 0 0 0 0 0 .1",
    "pmm-logit 1 5 100 5 1800 30 10 60 .1 .1 0 1 0 0 0 0 .1",   "pmm-logit 1 5 100 0 30 1800 10 60 .1 .1 0 1 0 0 0 0 .1",
    "pmm-logit 1 5 100 5 30 1800 10 60 -1 .1 0 1 0 0 0 0 .1",   "pmm-logit 1 5 100 5 30 1800 10 60 .1 .1 9 1 0 0 0 0 .1", "{}"};
  fixture_t f;
  fix_open(&f, "logit");
  size_t const size = f.ops->state_size;
  char *const before = malloc(size);
  memcpy(before, f.state, size);
  pmm_error_t err;
  for (size_t i = 0; i < COUNT_OF(rows); i++) {
    if (f.ops->load(f.state, START, rows[i], strlen(rows[i]), &err) != PMM_PARSE) fail_msg("loaded '%s'", rows[i]);
    assert_memory_equal(f.state, before, size);
  }
  static char text[4096];
  memset(text, '1', sizeof text);
  assert_int_equal(f.ops->load(f.state, START, text, sizeof text, &err), PMM_PARSE);
  const char good[] = "pmm-logit 1 5 100 5 30 1800 10 60 .1 .1 0 1 0 0 0 0 .1\n";
  assert_int_equal(f.ops->load(f.state, START, good, sizeof good, &err), PMM_PARSE); /* a NUL inside */
  assert_int_equal(f.ops->load(f.state, START, good, sizeof good - 1, NULL), PMM_OK);
  free(before);
  fix_close(&f);
}

int main(void) {
  const struct CMUnitTest tests[] = {
    cmocka_unit_test(test_terms), cmocka_unit_test(test_inventory_edges), cmocka_unit_test(test_opposite_price), cmocka_unit_test(test_market_types),
    cmocka_unit_test(test_trust_in_time), cmocka_unit_test(test_crowd_from_flow), cmocka_unit_test(test_ladder), cmocka_unit_test(test_least_distance),
    cmocka_unit_test(test_cash_floor), cmocka_unit_test(test_checks), cmocka_unit_test(test_warmup), cmocka_unit_test(test_no_warmup),
    cmocka_unit_test(test_state), cmocka_unit_test(test_bad_state)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
