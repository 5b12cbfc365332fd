/* Many configurations in one pass: each result is that of its single run, to the bit. */
#include "backtest/rig.h"

#define SETS 24

static pmm_config_t *config[SETS];
static pmm_error_t err;

static const char *import_one(const char *recording) {
  const char *const tape = rig_path("many.tape");
  pmm_import_opts_t opts;
  pmm_import_stats_t stats;
  pmm_import_opts_default(&opts);
  opts.format = "polymarket-books";
  if (pmm_import(&opts, &recording, 1, tape, &stats, &err) != PMM_OK) fail_msg("%s", err.text);
  return tape;
}

/* Configurations that differ in everything a sweep may vary. */
static size_t draw(pmm_rng_t *rng, size_t i, char (*text)[64], const char **set) {
  static const char *const strategy[] = {"linear", "adaptive", "logit"};
  static const char *const queue[] = {"front", "back", "proportional", "power"};
  size_t n = 0;
  const char *const name = strategy[pmm_rng_below(rng, 3)];
  snprintf(text[n++], 64, "strategy=%s", name);
  if (strcmp(name, "linear") == 0) {
    snprintf(text[n++], 64, "params.spread_bps=%d", 100 * (int)check_between(rng, 1, 5));
    snprintf(text[n++], 64, "params.inventory_alpha=%g", 0.0002 * (double)check_between(rng, 0, 5));
  }
  if (strcmp(name, "logit") == 0) snprintf(text[n++], 64, "params.warmup=false");
  snprintf(text[n++], 64, "exchange.queue=%s", queue[pmm_rng_below(rng, 4)]);
  snprintf(text[n++], 64, "latency.order=%dms", 10 * (int)check_between(rng, 0, 5));
  snprintf(text[n++], 64, "latency.response=%dms", 10 * (int)check_between(rng, 0, 5));
  snprintf(text[n++], 64, "latency.model=%s", pmm_rng_below(rng, 3) ? "constant" : "normal");
  snprintf(text[n++], 64, "latency.feed=%s", i % 3 == 0 ? "recorded" : i % 3 == 1 ? "none" : "constant");
  snprintf(text[n++], 64, "account.cash=%d", (int)check_between(rng, 1, 4) * 50);
  snprintf(text[n++], 64, "risk.max_daily_loss=%d", (int)check_between(rng, 1, 40));
  snprintf(text[n++], 64, "engine.min_requote=%s", i % 4 == 3 ? "50ms" : "0");
  snprintf(text[n++], 64, "seed=%d", (int)check_between(rng, 1, 3));
  if (pmm_rng_below(rng, 2)) snprintf(text[n++], 64, "rewards.model=polymarket");
  if (pmm_rng_below(rng, 3) == 0) snprintf(text[n++], 64, "exchange.rate_limit=degen");
  if (pmm_rng_below(rng, 3) == 0) snprintf(text[n++], 64, "exchange.settle_delay=2s");
  for (size_t k = 0; k < n; k++) set[k] = text[k];
  return n;
}

static void configure(pmm_rng_t *rng, size_t i) {
  char text[24][64];
  const char *set[24];
  size_t const n = draw(rng, i, text, set);
  config[i] = aligned_alloc(64, (sizeof *config[i] + 63) / 64 * 64);
  assert_non_null(config[i]);
  if (pmm_config_parse(config[i], "many", "{}", 2, set, n, &err) != PMM_OK) fail_msg("set %zu: %s", i, err.text);
}

/* The whole of a result but the clock, as it is written down. */
static char *written(pmm_result_t *r) {
  char *text = NULL;
  size_t len = 0;
  r->wall_s = r->events_per_s = 1;
  FILE *const f = open_memstream(&text, &len);
  assert_non_null(f);
  pmm_result_write_json(f, r);
  assert_int_equal(fclose(f), 0);
  return text;
}

static void compare(size_t i, const pmm_backtest_opts_t *opts, pmm_result_t *many) {
  pmm_result_t one;
  if (pmm_backtest_run(config[i], opts, &one, &err) != PMM_OK) fail_msg("set %zu alone: %s", i, err.text);
  char *const a = written(&one), *const b = written(many);
  if (strcmp(a, b) != 0) fail_msg("set %zu alone:\n%s\namong many:\n%s", i, a, b);
  free(a);
  free(b);
  pmm_result_free(&one);
}

static void run_all(const pmm_backtest_opts_t *opts, uint64_t seed) {
  pmm_rng_t rng;
  pmm_result_t result[SETS];
  uint64_t fills = 0;
  pmm_rng_seed(&rng, seed);
  for (size_t i = 0; i < SETS; i++) configure(&rng, i);
  if (pmm_backtest_many((const pmm_config_t *const *)config, SETS, opts, result, &err) != PMM_OK) fail_msg("%s", err.text);
  for (size_t i = 0; i < SETS; i++) {
    fills += result[i].fills;
    compare(i, opts, &result[i]);
  }
  assert_true(fills > SETS);
  assert_true(result[0].state_hash != result[3].state_hash); /* they are not all the same run */
  for (size_t i = 0; i < SETS; i++) {
    pmm_result_free(&result[i]);
    free(config[i]);
  }
}

static void test_as_alone(void **state) {
  (void)state;
  const char *const tape = import_one("examples/data/btc-updown-5m-1776324000.jsonl.gz");
  pmm_backtest_opts_t const opts = {.tape = &tape, .tape_cnt = 1};
  uint64_t const seed = check_env_u64("PMM_TEST_SEED", 1);
  printf("seed %llu\n", (unsigned long long)seed);
  run_all(&opts, seed);
  unlink(tape);
}

/* A strategy that names its inputs is not asked again while they stand: the run must be that of one asked every time. */
static void test_inputs_change_nothing(void **state) {
  (void)state;
  const char *const tape = import_one("examples/data/btc-updown-5m-1776323700.jsonl.gz");
  pmm_backtest_opts_t const opts = {.tape = &tape, .tape_cnt = 1};
  pmm_rng_t rng;
  pmm_rng_seed(&rng, check_env_u64("PMM_TEST_SEED", 5));
  static pmm_strategy_ops_t asked;
  size_t compared = 0;
  for (size_t i = 0; i < SETS; i++) {
    configure(&rng, i);
    pmm_config_strategy_t *const s = &config[i]->strategy[0];
    if (s->ops->inputs != 0) {
      pmm_result_t with, without;
      if (pmm_backtest_run(config[i], &opts, &with, &err) != PMM_OK) fail_msg("%s", err.text);
      asked = *s->ops;
      asked.inputs = 0;
      s->ops = &asked;
      if (pmm_backtest_run(config[i], &opts, &without, &err) != PMM_OK) fail_msg("%s", err.text);
      assert_true(with.decisions > 0);
      assert_int_equal(with.state_hash, without.state_hash);
      pmm_result_free(&with);
      pmm_result_free(&without);
      compared++;
    }
    free(config[i]);
  }
  assert_true(compared > 3);
  unlink(tape);
}

/* One bad configuration among good ones: an error that names it, and no result. */
static void test_error_empties(void **state) {
  (void)state;
  const char *const tape = import_one("examples/data/btc-updown-5m-1776325500.jsonl.gz");
  pmm_backtest_opts_t const opts = {.tape = &tape, .tape_cnt = 1};
  pmm_rng_t rng;
  pmm_rng_seed(&rng, 1);
  for (size_t i = 0; i < 3; i++) configure(&rng, i);
  snprintf(config[1]->strategy[0].match, sizeof config[1]->strategy[0].match, "no such market");
  pmm_result_t result[3];
  assert_int_equal(pmm_backtest_many((const pmm_config_t *const *)config, 3, &opts, result, &err), PMM_NOT_FOUND);
  for (size_t i = 0; i < 3; i++) {
    assert_null(result[i].market);
    assert_int_equal(result[i].events, 0);
    free(config[i]);
  }
  unlink(tape);
}

int main(void) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(test_as_alone), cmocka_unit_test(test_inputs_change_nothing), cmocka_unit_test(test_error_empties)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
