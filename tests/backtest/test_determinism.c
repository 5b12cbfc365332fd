/* The same run gives the same bits: state hashes of fixed runs against tests/fixtures/golden_hashes.txt. Builds of other compilers
   and optimisation levels run this same test, and so are compared with each other.
   After a change that is meant to change runs:  PMM_GOLDEN_UPDATE=1 build/tests/test_backtest_determinism  */
#include "backtest/rig.h"

static const char *const GOLDEN = "tests/fixtures/golden_hashes.txt";

static pmm_config_t config;
static pmm_error_t err;

/* -- the golden file: "name 0xhash" a line -- */
typedef struct golden { char name[64]; uint64_t hash; } golden_t;
static golden_t got[64];
static size_t got_cnt;

static void note(const char *name, uint64_t hash) {
  assert_true(got_cnt < COUNT_OF(got));
  snprintf(got[got_cnt].name, sizeof got[0].name, "%s", name);
  got[got_cnt++].hash = hash;
}

static bool wanted(const char *name, uint64_t *hash) {
  FILE *const f = fopen(GOLDEN, "r");
  char line[256], key[64];
  unsigned long long value;
  bool found = false;
  while (f && !found && fgets(line, sizeof line, f))
    if (line[0] != '#' && sscanf(line, "%63s %llx", key, &value) == 2 && strcmp(key, name) == 0) {
      *hash = value;
      found = true;
    }
  if (f) fclose(f);
  return found;
}

static void write_golden(void) {
  FILE *const f = fopen(GOLDEN, "w");
  assert_non_null(f);
  fputs("# State hashes of the runs in tests/backtest/test_determinism.c; written with PMM_GOLDEN_UPDATE=1.\n", f);
  for (size_t i = 0; i < got_cnt; i++) fprintf(f, "%s 0x%016llx\n", got[i].name, (unsigned long long)got[i].hash);
  assert_int_equal(fclose(f), 0);
}

/* -- the runs -- */
static void load(const char *path, const char *const *set, size_t cnt) {
  if (pmm_config_load(&config, path, set, cnt, &err) != PMM_OK) fail_msg("%s", err.text);
}

static void run_scenario(const char *name, const char *config_path, const char *const *set, size_t cnt) {
  pmm_result_t r;
  pmm_backtest_opts_t const opts = {0};
  load(config_path, set, cnt);
  if (pmm_backtest_scenario(&config, &opts, &r, &err) != PMM_OK) fail_msg("%s: %s", name, err.text);
  if (r.decisions == 0 || r.orders == 0) fail_msg("%s: nothing happened", name);
  note(name, r.state_hash);
  pmm_result_free(&r);
}

static void run_tape(const char *name, const char *config_path, const char *tape, const char *const *set, size_t cnt) {
  pmm_result_t r;
  pmm_backtest_opts_t const opts = {.tape = &tape, .tape_cnt = 1};
  load(config_path, set, cnt);
  if (pmm_backtest_run(&config, &opts, &r, &err) != PMM_OK) fail_msg("%s: %s", name, err.text);
  if (r.fills == 0) fail_msg("%s: nothing happened", name);
  note(name, r.state_hash);
  pmm_result_free(&r);
}

static void scenarios(void) {
  static const char *const walk[] = {"scenario.kind=walk", "scenario.duration=20m", "scenario.jump_rate=6", "latency.model=normal", "seed=11"};
  static const char *const at_once[] = {"scenario.kind=walk", "scenario.duration=20m", "scenario.jump_rate=6", "latency.order=0", "latency.response=0", "seed=11"};
  static const char *const digital[] = {"scenario.kind=digital", "scenario.duration=20m", "latency.order=0", "latency.response=0", "seed=12"};
  run_scenario("scenario.linear", "examples/linear.yaml", walk, COUNT_OF(walk));
  run_scenario("scenario.adaptive", "examples/adaptive.yaml", at_once, COUNT_OF(at_once));
  run_scenario("scenario.logit", "examples/logit.yaml", walk, COUNT_OF(walk));
  run_scenario("scenario.digital", "examples/digital.yaml", digital, COUNT_OF(digital));
}

static void replays(void) {
  static const char *const recording = "examples/data/btc-updown-5m-1776324000.jsonl.gz";
  const char *const tape = rig_path("golden.tape");
  pmm_import_opts_t opts;
  pmm_import_stats_t stats;
  pmm_import_opts_default(&opts);
  opts.format = "polymarket-books";
  if (pmm_import(&opts, &recording, 1, tape, &stats, &err) != PMM_OK) fail_msg("%s", err.text);
  static const char *const feed[] = {"latency.feed=recorded", "latency.model=normal", "seed=13"};
  run_tape("replay.conformance", "examples/conformance.yaml", tape, NULL, 0);
  run_tape("replay.linear", "examples/linear.yaml", tape, feed, COUNT_OF(feed));
  run_tape("replay.adaptive", "examples/adaptive.yaml", tape, NULL, 0);
  run_tape("replay.logit", "examples/logit.yaml", tape, NULL, 0);
  unlink(tape);
}

/* Sizes that come and go at our price and prints that eat into them: each queue model is a run of its own. */
static void queues(void) {
  static rig_t r;
  static const rig_quote_t plan[] = {{0, 4800, 5200, QTY(10)}, {20, 4700, 5300, QTY(10)}, {30, 4800, 5200, QTY(10)}};
  for (int queue = PMM_QUEUE_FRONT; queue <= PMM_QUEUE_POWER; queue++) {
    pmm_rng_t rng;
    pmm_rng_seed(&rng, 77);
    rig_open(&r, plan, COUNT_OF(plan));
    r.config.exchange.queue = queue;
    r.config.exchange.queue_power = 2.5;
    r.config.exchange.through = false;
    r.config.latency.order_ns = r.config.latency.response_ns = 5 * PMM_NS_PER_MS;
    rig_life(&r, 0, PMM_LIFE_OPEN);
    rig_book(&r, 0, 4800, 100, 5200, 100);
    for (int i = 1; i < 2000; i++) {
      pmm_side_t const side = (pmm_side_t)pmm_rng_below(&rng, 2);
      int32_t const price = (side == PMM_BID ? 4700 : 5200) + 100 * (int32_t)pmm_rng_below(&rng, 2);
      if (pmm_rng_below(&rng, 3)) rig_level(&r, 0.02 * i, side, price, (double)check_between(&rng, 20, 200), PMM_F_LAST);
      else rig_trade(&r, 0.02 * i, pmm_side_opposite(side), price, (double)check_between(&rng, 1, 15), PMM_F_LAST);
    }
    rig_resolve(&r, 41, PMM_OUTCOME_VOID);
    rig_run(&r);
    char name[32];
    snprintf(name, sizeof name, "queue.%d", queue);
    assert_true(r.result.fills > 0);
    note(name, r.result.state_hash);
    if (queue > PMM_QUEUE_FRONT) assert_true(got[got_cnt - 1].hash != got[got_cnt - 2].hash);
    rig_close(&r);
  }
}

static void test_golden(void **state) {
  (void)state;
  scenarios();
  replays();
  queues();
  if (check_env_u64("PMM_GOLDEN_UPDATE", 0)) write_golden();
  int bad = 0;
  for (size_t i = 0; i < got_cnt; i++) {
    uint64_t want = 0;
    bool const known = wanted(got[i].name, &want);
    if (known && want == got[i].hash) continue;
    printf("%s: 0x%016llx, golden %s0x%016llx\n", got[i].name, (unsigned long long)got[i].hash, known ? "" : "(none) ", (unsigned long long)want);
    bad++;
  }
  if (bad) fail_msg("%d of %zu runs differ from %s; if they are meant to, run this test once with PMM_GOLDEN_UPDATE=1", bad, got_cnt, GOLDEN);
}

/* Canary: another seed is another run. */
static void test_canary(void **state) {
  (void)state;
  static const char *const other[] = {"scenario.kind=walk", "scenario.duration=20m", "scenario.jump_rate=6", "latency.model=normal", "seed=10"};
  uint64_t want = 0;
  assert_true(wanted("scenario.linear", &want));
  run_scenario("other seed", "examples/linear.yaml", other, COUNT_OF(other));
  assert_true(got[got_cnt - 1].hash != want);
}

int main(void) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(test_golden), cmocka_unit_test(test_canary)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
