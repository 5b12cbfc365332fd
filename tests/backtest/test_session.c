/* Synthetic markets: the same from a seed however they are stepped, settled at the truth, conserved to the micro-dollar. */
#include "backtest/rig.h"

static pmm_config_t config;
static pmm_error_t err;

static void load(const char *kind, uint64_t seed, double duration_s) {
  pmm_config_default(&config);
  config.seed = seed;
  config.scenario.kind = strcmp(kind, "digital") == 0 ? PMM_SCENARIO_DIGITAL : PMM_SCENARIO_WALK;
  config.scenario.duration_ns = (int64_t)(duration_s * 1e9);
  config.latency.order_ns = config.latency.response_ns = 20 * PMM_NS_PER_MS;
}

static void strategy(const char *name, const char *const *set, size_t cnt) {
  pmm_config_strategy_t *const s = &config.strategy[0];
  assert_int_equal(pmm_strategy_find(name, &s->ops, &err), PMM_OK);
  pmm_params_default(s->ops->params, s->ops->param_cnt, s->params);
  for (size_t i = 0; i < cnt; i++) {
    char key[64];
    const char *const eq = strchr(set[i], '=');
    snprintf(key, sizeof key, "%.*s", (int)(eq - set[i]), set[i]);
    const pmm_param_t *const p = pmm_param_find(s->ops->params, s->ops->param_cnt, key);
    assert_non_null(p);
    assert_int_equal(pmm_param_set(p, s->params, eq + 1, &err), PMM_OK);
  }
}

static void run(pmm_result_t *r) {
  pmm_backtest_opts_t const opts = {0};
  if (pmm_backtest_scenario(&config, &opts, r, &err) != PMM_OK) fail_msg("%s", err.text);
}

static void test_runs_and_settles(void **state) {
  (void)state;
  int yes = 0, traded = 0;
  for (uint64_t seed = 1; seed <= 20; seed++) {
    pmm_result_t r;
    load(seed % 2 ? "walk" : "digital", seed, 600);
    run(&r);
    assert_int_equal(r.market_cnt, 1);
    assert_true(r.market[0].outcome == PMM_OUTCOME_YES || r.market[0].outcome == PMM_OUTCOME_NO);
    yes += r.market[0].outcome == PMM_OUTCOME_YES;
    traded += r.fills > 0;
    assert_string_equal(r.fill_source, "matching engine");
    assert_int_equal(r.trade_fills + r.taker_fills, r.fills);
    assert_int_equal(r.pnl_unrealized_e6, 0);
    assert_int_equal(r.pnl_total_e6, r.pnl_realized_e6 - r.fees_e6 + r.rebates_e6);
    assert_int_equal(r.bad_events, 0);
    assert_int_equal(r.final_net_e6, r.bought_e6 - r.sold_e6);
    pmm_result_free(&r);
  }
  assert_true(yes > 2 && yes < 18 && traded > 15);
}

static void test_same_seed_same_run(void **state) {
  (void)state;
  pmm_result_t a, b, c;
  load("walk", 5, 300);
  run(&a);
  run(&b);
  config.seed = 6;
  run(&c);
  assert_true(a.state_hash == b.state_hash && a.state_hash != c.state_hash);
  pmm_result_free(&a);
  pmm_result_free(&b);
  pmm_result_free(&c);
}

/* Watching in small steps, with a look in between, is the same run. */
static void test_steps_do_not_matter(void **state) {
  (void)state;
  static const char *const kinds[] = {"walk", "digital"};
  for (size_t k = 0; k < COUNT_OF(kinds); k++) {
    pmm_result_t whole, steps;
    load(kinds[k], 9, 300);
    if (k) strategy("digital", (const char *const[]){"volatility=0.5"}, 1);
    run(&whole);
    pmm_session_t *s;
    assert_int_equal(pmm_session_open(&s, &config, &err), PMM_OK);
    assert_int_equal(pmm_session_now(s), 0);
    int64_t t = 0, last = 0;
    do {
      t += 37 * PMM_NS_PER_MS;
      pmm_view_t v;
      pmm_engine_view(pmm_session_engine(s), 0, &v);
      double const p = pmm_session_truth(s);
      assert_true(p >= 0 && p <= 1 && pmm_session_now(s) >= last && pmm_session_now(s) <= t);
      last = pmm_session_now(s);
    } while (pmm_session_run(s, t));
    assert_null(pmm_session_error(s));
    assert_true(pmm_session_now(s) >= 300 * PMM_NS_PER_S);
    assert_true(pmm_session_truth(s) == 0 || pmm_session_truth(s) == 1);
    assert_int_equal(pmm_session_result(s, &steps, &err), PMM_OK);
    assert_true(steps.state_hash == whole.state_hash);
    assert_int_equal(steps.pnl_total_e6, whole.pnl_total_e6);
    assert_int_equal(steps.fills, whole.fills);
    assert_false(pmm_session_run(s, t + 1)); /* over is over */
    pmm_session_close(s);
    pmm_result_free(&whole);
    pmm_result_free(&steps);
  }
}

/* A result may be asked for at any time. */
static void test_result_under_way(void **state) {
  (void)state;
  pmm_session_t *s;
  pmm_result_t r;
  load("walk", 3, 300);
  assert_int_equal(pmm_session_open(&s, &config, &err), PMM_OK);
  assert_int_equal(pmm_session_result(s, &r, &err), PMM_OK);
  assert_int_equal(r.fills, 0);
  pmm_result_free(&r);
  assert_true(pmm_session_run(s, 150 * PMM_NS_PER_S));
  assert_int_equal(pmm_session_result(s, &r, &err), PMM_OK);
  assert_true(r.events > 100 && r.market[0].outcome == PMM_OUTCOME_UNKNOWN);
  pmm_result_free(&r);
  assert_false(pmm_session_run(s, INT64_MAX));
  assert_int_equal(pmm_session_result(s, &r, &err), PMM_OK);
  assert_true(r.market[0].outcome != PMM_OUTCOME_UNKNOWN);
  pmm_result_free(&r);
  pmm_session_close(s);
  pmm_session_close(NULL);
}

/* Every strategy, without latency and with a random one, several on one market. */
static void test_strategies(void **state) {
  (void)state;
  static const char *const names[] = {"linear", "adaptive", "logit", "digital"};
  for (size_t i = 0; i < COUNT_OF(names); i++)
    for (int model = 0; model < 2; model++) {
      pmm_result_t r;
      load("digital", 20 + i, 300);
      if (i == 2) strategy(names[i], (const char *const[]){"warmup=false"}, 1);
      else if (i == 3) strategy(names[i], (const char *const[]){"volatility=0.5"}, 1);
      else strategy(names[i], NULL, 0);
      config.latency.model = model;
      config.latency.order_ns = model ? config.latency.order_ns : 0;
      run(&r);
      assert_true(r.decisions > 0);
      pmm_result_free(&r);
    }
}

static int accounts, slots_seen;
static void note(void *ctx, const pmm_event_t *event, uint32_t slot) {
  (void)ctx;
  accounts += event->md.kind == PMM_EV_FILL;
  if (slot < 2) slots_seen |= 1 << slot;
}

static void test_two_strategies(void **state) {
  (void)state;
  pmm_result_t r;
  load("walk", 4, 600);
  config.strategy_cnt = 2;
  config.strategy[1] = config.strategy[0];
  snprintf(config.strategy[1].name, sizeof config.strategy[1].name, "other");
  accounts = slots_seen = 0;
  pmm_backtest_opts_t const opts = {.on_account = note};
  if (pmm_backtest_scenario(&config, &opts, &r, &err) != PMM_OK) fail_msg("%s", err.text);
  assert_int_equal(r.market_cnt, 2);
  assert_string_equal(r.market[1].strategy, "other");
  assert_int_equal(accounts, r.fills);
  assert_int_equal(slots_seen, 3);
  pmm_result_free(&r);
}

/* Canary: a micro-dollar that only the engine hears of is found at the end. */
static void meddle(void *ctx, const pmm_event_t *event, uint32_t slot) {
  (void)ctx;
  (void)slot;
  if (event->md.kind == PMM_EV_FILL) ((pmm_event_t *)(uintptr_t)event)->amount_e6++;
}
static void test_difference_is_found(void **state) {
  (void)state;
  pmm_result_t r;
  load("walk", 5, 300);
  pmm_backtest_opts_t const opts = {.on_account = meddle};
  assert_int_equal(pmm_backtest_scenario(&config, &opts, &r, &err), PMM_CORRUPT);
  assert_non_null(strstr(err.text, "ledger and exchange differ"));
}

/* With nobody else there our quotes stand around one half. */
static void test_alone(void **state) {
  (void)state;
  pmm_result_t r;
  load("walk", 5, 10);
  config.traders.noise = config.traders.informed = config.traders.momentum = config.traders.reference = 0;
  run(&r);
  assert_int_equal(r.fills, 0);
  assert_true(r.orders > 0);
  pmm_result_free(&r);
}

static void test_bad_configurations(void **state) {
  (void)state;
  pmm_result_t r;
  pmm_backtest_opts_t const opts = {0};
  load("walk", 1, 10);
  config.scenario.p0 = 1.5;
  assert_int_equal(pmm_backtest_scenario(&config, &opts, &r, &err), PMM_INVAL);
  load("walk", 1, 10);
  snprintf(config.market.only, sizeof config.market.only, "nothing");
  assert_int_equal(pmm_backtest_scenario(&config, &opts, &r, &err), PMM_NOT_FOUND);
  load("walk", 1, 10);
  config.latency.model = PMM_LATENCY_RECORDED;
  assert_int_equal(pmm_backtest_scenario(&config, &opts, &r, &err), PMM_INVAL);
  assert_non_null(strstr(err.text, "latency"));
}

int main(void) {
  const struct CMUnitTest tests[] = {
    cmocka_unit_test(test_runs_and_settles), cmocka_unit_test(test_same_seed_same_run), cmocka_unit_test(test_steps_do_not_matter),
    cmocka_unit_test(test_result_under_way), cmocka_unit_test(test_strategies), cmocka_unit_test(test_two_strategies),
    cmocka_unit_test(test_difference_is_found), cmocka_unit_test(test_alone), cmocka_unit_test(test_bad_configurations),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
