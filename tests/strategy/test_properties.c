/* What holds for every strategy in every situation: levels in order, on the grid and the lot, never crossing themselves,
   nothing NaN, the same answer for the same history; and inventory moves quotes the right way. */
#include "fixture.h"

static double pick(pmm_rng_t *rng, const double *from, size_t n) { return from[pmm_rng_below(rng, n)]; }
#define PICK(rng, ...) pick(rng, (const double[]){__VA_ARGS__}, COUNT_OF(((const double[]){__VA_ARGS__})))

static void random_market(fixture_t *f, pmm_rng_t *rng) {
  static const int32_t ticks[] = {1, 10, 25, 50, 100, 100, 500, 1000};
  fix_grid(f, ticks[pmm_rng_below(rng, COUNT_OF(ticks))]);
  f->market.lot_e6 = C(PICK(rng, .01, .01, 1, 5));
  f->market.min_size_e6 = f->market.lot_e6 * check_between(rng, 1, 3);
  f->market.strike_e8 = INT64_C(95000) * 100000000;
}

static void random_book(fixture_t *f, pmm_rng_t *rng) {
  int32_t const top = f->market.grid.tick_cnt - 1;
  pmm_ladder_clear(&f->ladder);
  int32_t const middle = (int32_t)check_between(rng, 1, top);
  for (int i = 0; i < 8; i++) {
    int32_t const bid = middle - (int32_t)check_between(rng, 0, 20), ask = middle + (int32_t)check_between(rng, pmm_rng_below(rng, 20) ? 1 : -2, 20);
    if (pmm_rng_below(rng, 3)) pmm_ladder_set(&f->ladder, PMM_BID, bid, C(check_between(rng, 1, 2000)));
    if (pmm_rng_below(rng, 3)) pmm_ladder_set(&f->ladder, PMM_ASK, ask, C(check_between(rng, 1, 2000)));
  }
  f->mid.has = false;
  fix_refresh_mid(f);
}

static void random_situation(fixture_t *f, pmm_rng_t *rng) {
  random_market(f, rng);
  random_book(f, rng);
  f->view.now_ns += check_between(rng, 0, 40 * SEC);
  f->view.life_s = PICK(rng, NAN, 300, 900, 86400, 2592000);
  f->view.time_left_s = pmm_rng_below(rng, 8) ? (isnan(f->view.life_s) ? 5000 : f->view.life_s) * pmm_rng_unit(rng) : PICK(rng, NAN, 0, 1e9, 1700);
  fix_hold(f, PICK(rng, 0, 0, 5, 31, 60, 450, 999, 5000) * pmm_rng_unit(rng), PICK(rng, 0, 0, 5, 31, 60, 450, 999, 5000) * pmm_rng_unit(rng));
  f->view.free_cash_e6 = C(PICK(rng, 0, 20, 100, 1e9));
  f->view.under = (pmm_under_view_t){.has = pmm_rng_below(rng, 50) > 0, .price = 95000 * (1 + .002 * pmm_rng_normal(rng)), .age_s = PICK(rng, 0, 0, 0, 4, 9),
                                     .gap_bps = PICK(rng, 0, 0, 0, 10, 30), .volatility = PICK(rng, .3, .5, 1.2, NAN), .settle_mean = 95000};
  f->signals = (pmm_signals_t){.sigma = PICK(rng, 1, 1.3, 6, 0), .users = PICK(rng, 0, 50, 1e6), .trade_rate = PICK(rng, 0, .05, 10),
                               .liquidity = PICK(rng, NAN, 0, 6000, 1e9), .volume_ratio = PICK(rng, NAN, 1, 1, 1, 5), .volatility = PICK(rng, NAN, .5),
                               .volatility_high = (int8_t)check_between(rng, -1, 1)};
}

/* Random legal values for a few parameters; keeps the defaults where the strategy's own check refuses the mix. */
static void random_params(fixture_t *f, pmm_rng_t *rng) {
  fix_defaults(f);
  for (int tries = (int)pmm_rng_below(rng, 6); tries > 0; tries--) {
    const pmm_param_t *const p = &f->ops->params[pmm_rng_below(rng, f->ops->param_cnt)];
    double const lo = fmax(p->min, -1e4), hi = fmin(p->max, 1e4), x = lo + (hi - lo) * pmm_rng_unit(rng) * pmm_rng_unit(rng);
    char text[32];
    if (p->type == PMM_PARAM_ENUM || p->type == PMM_PARAM_BOOL || p->type == PMM_PARAM_TEXT) continue;
    snprintf(text, sizeof text, p->type == PMM_PARAM_INT ? "%.0f" : p->type == PMM_PARAM_F64 ? "%.9f" : "%.4f", x);
    pmm_param_set(p, f->params, text, NULL);
  }
  if (f->ops->check && f->ops->check(f->params, NULL) != PMM_OK) fix_defaults(f);
  fix_restart(f);
}

static int64_t quantity(const fixture_t *f, const char *name) {
  return *(const int64_t *)((const char *)f->params + pmm_param_find(f->ops->params, f->ops->param_cnt, name)->offset);
}

/* A side that would add to a full position is not quoted. */
static const char *limit_fault(const fixture_t *f) {
  const pmm_position_t *const p = &f->view.position;
  int64_t const net = pmm_position_net(p);
  bool const adds = (net >= 0 && f->out.bid_cnt) || (net <= 0 && f->out.ask_cnt);
  if (strcmp(f->ops->name, "adaptive") == 0) {
    if (adds && p->yes_e6 + p->no_e6 >= quantity(f, "max_position_size")) return "adds to a full gross position";
    if (adds && pmm_abs64(net) > quantity(f, "rebalance_threshold")) return "adds beyond the rebalance threshold";
  } else if (strcmp(f->ops->name, "digital") == 0) {
    bool const is_reducing = f->out.bid_cnt + f->out.ask_cnt == 1 && !adds;
    if (!is_reducing && f->out.bid_cnt && p->yes_e6 >= quantity(f, "max_position")) return "buys YES beyond its limit";
    if (!is_reducing && f->out.ask_cnt && p->no_e6 >= quantity(f, "max_position")) return "buys NO beyond its limit";
    if (adds && pmm_abs64(net) > quantity(f, "max_position")) return "adds beyond the band";
  }
  return NULL;
}

static const char *g_strategy;
static uint64_t invariants(uint64_t seed, uint64_t ops, bool broken) {
  fixture_t f;
  fix_open(&f, g_strategy);
  pmm_rng_t rng;
  pmm_rng_seed(&rng, seed);
  uint64_t at = NO_MISMATCH;
  for (uint64_t i = 0; i < ops && at == NO_MISMATCH; i++) {
    if (i % 4 == 0) random_params(&f, &rng);
    random_situation(&f, &rng);
    pmm_quotes_clear(&f.out);
    pmm_status_t const st = f.ops->on_view(f.state, &f.view, &f.out);
    if (broken && i > 50 && f.out.bid_cnt) f.out.bid[0].price_e4 = f.out.ask_cnt ? f.out.ask[0].price_e4 : 0;
    const char *fault = st == PMM_OK ? fix_fault(&f) : pmm_status_to_string(st);
    if (!fault && f.out.action == PMM_QUOTE_QUOTE) fault = limit_fault(&f);
    if (fault) {
      if (!broken) printf("%s: %s\n", g_strategy, fault);
      at = i;
    }
  }
  fix_close(&f);
  return at;
}
static void test_invariants(void **unused) {
  (void)unused;
  static const char *const names[] = {"linear", "adaptive", "logit", "digital"};
  for (size_t i = 0; i < COUNT_OF(names); i++) {
    g_strategy = names[i];
    check_random(g_strategy, invariants, 20000);
    check_canary(g_strategy, invariants, 2000);
  }
}

/* Being longer never raises a side's first price. broken: the positions are compared the wrong way round. */
static uint64_t monotonic(uint64_t seed, uint64_t ops, bool broken) {
  fixture_t f;
  fix_open(&f, g_strategy);
  pmm_rng_t rng;
  pmm_rng_seed(&rng, seed);
  if (strcmp(g_strategy, "linear") == 0) fix_set(&f, "inventory_alpha", "0.003");
  uint64_t at = NO_MISMATCH;
  for (uint64_t i = 0; i < ops && at == NO_MISMATCH; i++) {
    random_situation(&f, &rng);
    f.view.under = (pmm_under_view_t){.has = true, .price = 95000 * (1 + .001 * pmm_rng_normal(&rng)), .volatility = .5, .settle_mean = NAN};
    f.view.free_cash_e6 = C(1e9);
    f.view.time_left_s = 280, f.view.life_s = 300;
    f.signals = (pmm_signals_t){1, 50, .05, 1e6, 1, NAN, 0};
    double const low = 30 * pmm_rng_normal(&rng), high = low + 25 * pmm_rng_unit(&rng);
    pmm_quotes_t quotes[2];
    for (int k = 0; k < 2; k++) {
      double const q = (k == 0) != broken ? low : high;
      fix_restart(&f);
      fix_hold(&f, fmax(q, 0), fmax(-q, 0));
      quotes[k] = *fix_ask(&f);
    }
    bool const both_bid = quotes[0].bid_cnt && quotes[1].bid_cnt, both_ask = quotes[0].ask_cnt && quotes[1].ask_cnt;
    /* adaptive widens as it leaves neutral, and digital's reducing order follows the book: their raw prices are no single line */
    if (both_bid && quotes[1].bid[0].price_e4 > quotes[0].bid[0].price_e4) at = i;
    if (both_ask && quotes[1].ask[0].price_e4 > quotes[0].ask[0].price_e4) at = i;
  }
  fix_close(&f);
  return at;
}
static void test_monotonic(void **unused) {
  (void)unused;
  static const char *const names[] = {"linear", "digital"};
  for (size_t i = 0; i < COUNT_OF(names); i++) {
    g_strategy = names[i];
    check_random(g_strategy, monotonic, 10000);
    check_canary(g_strategy, monotonic, 500);
  }
}

/* logit and adaptive widen with inventory, too, so what falls is the middle: the reservation price and the shift. */
static void test_middle_falls(void **unused) {
  (void)unused;
  static const char *const names[] = {"logit", "adaptive"};
  for (size_t i = 0; i < COUNT_OF(names); i++) {
    fixture_t f;
    fix_open(&f, names[i]);
    fix_book(&f, .49, .51, 100);
    f.signals.sigma = 1, f.signals.users = 50, f.signals.liquidity = 1e6;
    double before = INFINITY;
    for (int q = -50; q <= 50; q++) {
      fix_restart(&f);
      fix_hold(&f, q > 0 ? q : 0, q < 0 ? -q : 0);
      const pmm_quotes_t *const out = fix_ask(&f);
      double const middle = i == 0 ? fix_reason(out, "reservation") : out->raw_bid + out->raw_ask;
      if (!(middle <= before)) fail_msg("%s: at %d the middle rises from %g to %g", names[i], q, before, middle);
      assert_true(i == 1 || middle < before);
      before = middle;
    }
    fix_close(&f);
  }
}

/* The same history gives the same answer, and asking twice at one moment changes nothing. */
static void test_repeatable(void **unused) {
  (void)unused;
  static const char *const names[] = {"linear", "adaptive", "logit", "digital"};
  for (size_t i = 0; i < COUNT_OF(names); i++) {
    fixture_t f[2];
    for (int k = 0; k < 2; k++) {
      fix_open(&f[k], names[i]);
      pmm_rng_t rng;
      pmm_rng_seed(&rng, 77);
      for (int n = 0; n < 500; n++) {
        random_situation(&f[k], &rng);
        if (f[k].ops->on_event) fix_event(&f[k], n % 7 ? PMM_MD_LEVEL : PMM_EV_FILL, (pmm_side_t)(n % 2));
        fix_ask(&f[k]);
      }
    }
    assert_int_equal(f[0].out.action, f[1].out.action);
    assert_int_equal(f[0].out.bid_cnt, f[1].out.bid_cnt);
    assert_memory_equal(f[0].out.bid, f[1].out.bid, (size_t)f[0].out.bid_cnt * sizeof(pmm_level_t));
    assert_memory_equal((char *)f[0].state + sizeof(void *), (char *)f[1].state + sizeof(void *), f[0].ops->state_size - sizeof(void *));
    for (int k = 0; k < 2; k++) fix_close(&f[k]);
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(test_invariants), cmocka_unit_test(test_monotonic), cmocka_unit_test(test_middle_falls), cmocka_unit_test(test_repeatable)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
