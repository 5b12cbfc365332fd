/* A sweep's plan, its results and its judgement.
     plans      grids, lists, random and Latin-hypercube draws; every mistake in --set is told by name
     parts      walk-forward and hold-out: what comes first in time never meets what comes later
     results    256 sets on threads, and shared with another rank, are 256 single runs
     resuming   what is stored is not run again, another plan is refused
     choosing   by hand from the single runs; the hold-out decides nothing
     deflated   the worked example of the paper */
#include <math.h>
#include <pthread.h>
#include <stdatomic.h>
#include "pmm/sweep.h"
#include "tape/tape_test.h"

#define TAPES 6
#define RECORDS 8000 /* of each recording */

static char tape_path[TAPES + 1][128];
static const char *tape[TAPES + 1]; /* in time; the last one is a stranger to take the place of another */
static pmm_error_t err;

/* -- tapes: the beginnings of recordings -- */
static void copy_tables(const pmm_tape_t *from, pmm_tape_writer_t *to) {
  uint32_t index;
  for (uint32_t i = 0; i < pmm_tape_underlying_cnt(from); i++) ASSERT_OK(pmm_tape_add_underlying(to, pmm_tape_underlying(from, i), &index, &err), err);
  for (uint32_t i = 0; i < pmm_tape_market_cnt(from); i++) ASSERT_OK(pmm_tape_add_market(to, pmm_tape_market(from, i), &index, &err), err);
}

static void copy_start(const pmm_tape_t *from, pmm_tape_writer_t *to) {
  pmm_tape_cursor_t *cursor;
  const pmm_md_t *md;
  size_t cnt, n = 0;
  bool whole = false;
  ASSERT_OK(pmm_tape_cursor_open(&cursor, from, &err), err);
  while (!whole && pmm_tape_cursor_next(cursor, &md, &cnt, &err) == PMM_OK)
    for (size_t i = 0; !whole && i < cnt; i++) {
      ASSERT_OK(pmm_tape_append(to, &md[i], &err), err);
      whole = ++n >= RECORDS && (md[i].flags & PMM_F_LAST);
    }
  pmm_tape_cursor_close(cursor);
}

static void make_tape(int i) {
  char source[160], whole[128], name[16];
  int const start = 1776323400 + 300 * i;
  snprintf(source, sizeof source, "examples/data/btc-updown-5m-%d.jsonl.gz", start);
  snprintf(name, sizeof name, "t%d", i);
  snprintf(whole, sizeof whole, "%s.whole", scratch(name));
  snprintf(tape_path[i], sizeof tape_path[i], "%s.tape", scratch(name));
  tape[i] = tape_path[i];
  pmm_import_opts_t opts;
  pmm_import_opts_default(&opts);
  opts.format = "polymarket-books";
  pmm_import_stats_t stats;
  const char *const path = source;
  ASSERT_OK(pmm_import(&opts, &path, 1, whole, &stats, &err), err);
  pmm_tape_t *from;
  pmm_tape_writer_t *to;
  ASSERT_OK(pmm_tape_open(&from, whole, &err), err);
  ASSERT_OK(pmm_tape_create(&to, tape_path[i], "", &err), err);
  copy_tables(from, to);
  copy_start(from, to);
  ASSERT_OK(pmm_tape_finish(to, NULL, &err), err);
  pmm_tape_close(from);
}

static int setup(void **state) {
  int const made = scratch_setup(state);
  for (int i = 0; made == 0 && i <= TAPES; i++) make_tape(i);
  return made;
}

/* -- plans -- */
static pmm_sweep_plan_t *open_plan(const pmm_sweep_spec_t *spec) {
  pmm_sweep_plan_t *plan = NULL;
  ASSERT_OK(pmm_sweep_plan_open(&plan, spec, &err), err);
  ASSERT_OK(pmm_sweep_plan_tapes(plan, spec, &err), err);
  return plan;
}

static const struct { const char *set, *want; } GRIDS[] = {
  {"params.spread_bps=50:400:3", "50 225 400"},
  {"params.spread_bps=10:1000:3:log", "10 100 1000"},
  {"params.inventory_alpha=0.1:0.7:7", "0.1 0.2 0.3 0.4 0.5 0.6 0.7"},
  {"params.size=0.01:0.03:3", "0.01 0.02 0.03"},
  {"account.cash=1e3:3e3:3", "1000 2000 3000"},
  {"risk.loss_streak=1:3:3", "1 2 3"},
  {"seed=1:4:2", "1 4"},
  {"latency.order=10ms:30ms:3", "10ms 20ms 30ms"},
  {"latency.order=0.5:1.5:3", "0.5 1 1.5"},
  {"latency.order=5ms,1s,2m", "5ms 1s 2m"},
  {"engine.quote_tick=0.01:0.02:2", "0.01 0.02"},
  {"params.skew=linear,logit", "linear logit"},
  {"market.only=btc*,eth*", "btc* eth*"},
  {"strategies.0.params.size=5:6:2", "5 6"}};

static void test_grids(void **state) {
  (void)state;
  const char *text = "strategies:\n  - strategy: linear\n";
  write_file(scratch("list.yaml"), text, strlen(text));
  char config[128];
  snprintf(config, sizeof config, "%s", scratch("list.yaml"));
  for (size_t i = 0; i < COUNT_OF(GRIDS); i++) {
    bool const in_list = strncmp(GRIDS[i].set, "strategies", 10) == 0;
    pmm_sweep_spec_t const spec = {.config_path = in_list ? config : NULL, .set = &GRIDS[i].set, .set_cnt = 1, .tape = tape, .tape_cnt = 1};
    pmm_sweep_plan_t *const plan = open_plan(&spec);
    char got[256] = "";
    for (uint32_t s = 0; s < plan->set_cnt; s++) snprintf(got + strlen(got), sizeof got - strlen(got), "%s%s", s ? " " : "", pmm_sweep_value(plan, s, 0));
    if (strcmp(got, GRIDS[i].want) != 0) fail_msg("%s: %s, not %s", GRIDS[i].set, got, GRIDS[i].want);
    pmm_sweep_plan_close(plan);
  }
}

/* Nested loops, the last parameter innermost; single values hold everywhere. */
static void test_grid_order(void **state) {
  (void)state;
  const char *const set[] = {"params.spread_bps=100,200", "account.cash=77", "params.skew=linear,logit", "params.size=1:3:3"};
  static const char *const spread[] = {"100", "200"}, *const skew[] = {"linear", "logit"}, *const size[] = {"1", "2", "3"};
  pmm_sweep_spec_t const spec = {.set = set, .set_cnt = 4, .tape = tape, .tape_cnt = 1};
  pmm_sweep_plan_t *const plan = open_plan(&spec);
  pmm_config_t *const config = aligned_alloc(_Alignof(pmm_config_t), sizeof *config);
  assert_int_equal(plan->set_cnt, 12);
  for (uint32_t s = 0; s < 12; s++) {
    assert_string_equal(pmm_sweep_value(plan, s, 0), spread[s / 6]);
    assert_string_equal(pmm_sweep_value(plan, s, 1), skew[s / 3 % 2]);
    assert_string_equal(pmm_sweep_value(plan, s, 2), size[s % 3]);
    ASSERT_OK(pmm_sweep_config(plan, s, config, &err), err);
    assert_int_equal(config->account.cash_e6, 77000000);
  }
  char name[100];
  assert_string_equal(pmm_sweep_name(plan, 7, name, sizeof name), "set 7 (params.spread_bps=200 params.skew=linear params.size=2)");
  assert_string_equal(pmm_sweep_name(plan, 7, name, 20), "set 7 (params.sprea");
  free(config);
  pmm_sweep_plan_close(plan);
}

static const struct { const char *set[3]; pmm_sweep_draw_t draw; pmm_status_t want; const char *text; } WRONG[] = {
  {{"params.size=5"}, 0, PMM_INVAL, "nothing to sweep"},
  {{"params.size"}, 0, PMM_PARSE, "not of the form key=value"},
  {{"params.spread_bsp=50:400:3"}, 0, PMM_NOT_FOUND, "did you mean 'spread_bps'"},
  {{"params.spread_bps=400:50:3"}, 0, PMM_INVAL, "the first end must be below the second"},
  {{"params.spread_bps=50:50:3"}, 0, PMM_INVAL, "the first end must be below the second"},
  {{"params.spread_bps=50:400"}, 0, PMM_INVAL, "how many values?"},
  {{"params.spread_bps=50:400:1"}, 0, PMM_INVAL, "2 to 100000 values"},
  {{"params.spread_bps=50:400:3:4"}, 0, PMM_INVAL, "then at most :log"},
  {{"params.spread_bps=50:400:3:log:2"}, 0, PMM_INVAL, "then at most :log"},
  {{"params.spread_bps=50:x:3"}, 0, PMM_INVAL, "not of the form a:b:n"},
  {{"params.spread_bps=50:inf:3"}, 0, PMM_INVAL, "not of the form a:b:n"},
  {{"params.spread_bps=0:400:3:log"}, 0, PMM_INVAL, "must begin above 0"},
  {{"latency.order=10ms:1s:3"}, 0, PMM_INVAL, "the same unit"},
  {{"risk.loss_streak=1:3:9"}, 0, PMM_INVAL, "more values than there are different ones"},
  {{"params.size=1,2,1"}, 0, PMM_INVAL, "stands twice"},
  {{"params.size=1,,2"}, 0, PMM_INVAL, "an empty value"},
  {{"params.size=1,2", "params.size=3,4"}, 0, PMM_INVAL, "swept twice"},
  {{"params.size=1,2", "params.size=3"}, 0, PMM_INVAL, "also set to a single value"},
  {{"params.size=1:3:3", "params.spread_bps=5000000,100"}, 0, PMM_INVAL, "params.spread_bps"},
  {{"params.size=1:3:3", "params.spread_bps=100,5000000"}, 0, PMM_INVAL, "set 1 (params.size=1 params.spread_bps=5000000)"},
  {{"params.skew=linear,sideways"}, 0, PMM_INVAL, "set 1 (params.skew=sideways)"},
  {{"params.size=1:2:1000", "params.spread_bps=50:400:1000"}, 0, PMM_FULL, "too many sets"},
  {{"params.size=1:2"}, PMM_SWEEP_RANDOM, PMM_FULL, "no sets"}};

static void test_wrong(void **state) {
  (void)state;
  for (size_t i = 0; i < COUNT_OF(WRONG); i++) {
    pmm_sweep_spec_t spec = {.set = WRONG[i].set, .tape = tape, .tape_cnt = 1, .draw = WRONG[i].draw};
    while (spec.set_cnt < 3 && WRONG[i].set[spec.set_cnt]) spec.set_cnt++;
    pmm_sweep_plan_t *plan = NULL;
    pmm_status_t const got = pmm_sweep_plan_open(&plan, &spec, &err);
    if (got != WRONG[i].want || !strstr(err.text, WRONG[i].text)) fail_msg("%s: %s: %s", WRONG[i].set[0], pmm_status_to_string(got), err.text);
    assert_null(plan);
  }
}

/* -- draws -- */
#define DRAWS 60
/* Every stratum of a range is drawn from once, every value of a list and every whole number alike. Random draws (the canary) are
   in range, but not that even. */
static uint64_t even_draws(uint64_t seed, uint64_t ops, bool broken) {
  const char *const set[] = {"params.spread_bps=50:650", "params.size=1:1000:log", "params.skew=linear,logit", "risk.loss_streak=1:6"};
  for (uint64_t i = 0; i < ops && i < 2000; i++) { /* each is sixty configurations */
    pmm_sweep_spec_t const spec = {.set = set, .set_cnt = 4, .tape = tape, .tape_cnt = 1, .draw = broken ? PMM_SWEEP_RANDOM : PMM_SWEEP_LHS, .draw_cnt = DRAWS, .seed = seed + i};
    pmm_sweep_plan_t *plan = NULL;
    ASSERT_OK(pmm_sweep_plan_open(&plan, &spec, &err), err);
    int linear[DRAWS] = {0}, log[DRAWS] = {0}, word[2] = {0}, whole[7] = {0};
    bool even = plan->set_cnt == DRAWS;
    for (uint32_t s = 0; s < DRAWS; s++) {
      double const x = strtod(pmm_sweep_value(plan, s, 0), NULL), y = strtod(pmm_sweep_value(plan, s, 1), NULL);
      assert_true(x >= 50 && x <= 650 && y >= 1 && y <= 1000);
      linear[(int)fmin((x - 50) / 600 * DRAWS, DRAWS - 1)]++;
      log[(int)fmin(log10(y) / 3 * DRAWS, DRAWS - 1)]++;
      word[strcmp(pmm_sweep_value(plan, s, 2), "logit") == 0]++;
      whole[atoi(pmm_sweep_value(plan, s, 3))]++;
    }
    for (int k = 0; k < DRAWS; k++) even &= linear[k] == 1 && log[k] == 1;
    for (int k = 1; k <= 6; k++) even &= whole[k] == DRAWS / 6;
    even &= word[0] == DRAWS / 2;
    pmm_sweep_plan_close(plan);
    if (!even) return i;
  }
  return NO_MISMATCH;
}
static void test_lhs(void **state) {
  (void)state;
  check_random("Latin hypercube", even_draws, 20);
  check_canary("Latin hypercube", even_draws, 3);
}

/* A seed gives the same draws; another parameter beside it does not move them. */
static void test_draws_repeat(void **state) {
  (void)state;
  const char *const set[] = {"params.spread_bps=50:650", "params.size=1:9"};
  pmm_sweep_plan_t *plan[4] = {NULL};
  for (int i = 0; i < 4; i++) {
    pmm_sweep_spec_t const spec = {.set = set, .set_cnt = i == 1 ? 1 : 2, .tape = tape, .tape_cnt = 1, .draw = PMM_SWEEP_RANDOM, .draw_cnt = 20, .seed = i == 3 ? 8 : 7};
    plan[i] = open_plan(&spec);
  }
  int moved = 0;
  for (uint32_t s = 0; s < 20; s++) {
    assert_string_equal(pmm_sweep_value(plan[0], s, 0), pmm_sweep_value(plan[1], s, 0));
    assert_string_equal(pmm_sweep_value(plan[0], s, 1), pmm_sweep_value(plan[2], s, 1));
    moved += strcmp(pmm_sweep_value(plan[0], s, 0), pmm_sweep_value(plan[3], s, 0)) != 0;
  }
  assert_int_equal(moved, 20);
  assert_true(plan[0]->hash == plan[2]->hash && plan[0]->hash != plan[3]->hash);
  for (int i = 0; i < 4; i++) pmm_sweep_plan_close(plan[i]);
}

/* -- parts -- */
static const char *const SIZES[] = {"params.size=5,10"};

static void test_parts(void **state) {
  (void)state;
  const char *mixed[TAPES]; /* the order of arguments is not that of time */
  static const int order[TAPES] = {3, 0, 5, 1, 4, 2};
  for (int i = 0; i < TAPES; i++) mixed[i] = tape[order[i]];
  pmm_sweep_spec_t const spec = {.set = SIZES, .set_cnt = 1, .tape = mixed, .tape_cnt = TAPES, .fold_cnt = 2, .holdout = 0.3};
  pmm_sweep_plan_t *const plan = open_plan(&spec);
  static const struct { const char *name, *tapes; } want[] = {
    {"all", "3012"}, {"train 1", "0"}, {"train 2", "01"}, {"test 1", "1"}, {"test 2", "32"}, {"holdout", "54"}}; /* within a part as given */
  assert_int_equal(plan->part_cnt, COUNT_OF(want));
  for (uint32_t p = 0; p < plan->part_cnt; p++) {
    char got[TAPES + 1] = "";
    for (size_t i = 0; i < plan->part[p].tape_cnt; i++)
      for (int k = 0; k < TAPES; k++)
        if (strcmp(plan->part[p].tape[i], tape[k]) == 0) got[i] = (char)('0' + k);
    assert_string_equal(plan->part[p].name, want[p].name);
    assert_string_equal(got, want[p].tapes);
  }
  for (uint32_t k = 1; k <= 2; k++) assert_true(plan->part[k].last_ns < plan->part[2 + k].first_ns);
  assert_true(plan->part[0].last_ns < plan->part[5].first_ns && plan->overlap_ns < 0 + PMM_NS_PER_S);
  pmm_sweep_plan_close(plan);
}

static const struct { uint32_t folds; double holdout; size_t tapes; pmm_status_t want; const char *text; } SPLITS[] = {
  {0, 0, 1, PMM_OK, ""}, {0, 0.5, 2, PMM_OK, ""}, {0, 0.01, 2, PMM_OK, ""}, {2, 0, 3, PMM_OK, ""}, {5, 0, 6, PMM_OK, ""},
  {0, 0.5, 1, PMM_NOT_READY, "leaves nothing of 1 tapes"}, {0, 0.9, 3, PMM_NOT_READY, "leaves nothing"}, {3, 0, 3, PMM_NOT_READY, "needs at least 4 tapes"}, {2, 0.5, 4, PMM_NOT_READY, "there are 2"}};

static void test_splits(void **state) {
  (void)state;
  for (size_t i = 0; i < COUNT_OF(SPLITS); i++) {
    pmm_sweep_spec_t const spec = {.set = SIZES, .set_cnt = 1, .tape = tape, .tape_cnt = SPLITS[i].tapes, .fold_cnt = SPLITS[i].folds, .holdout = SPLITS[i].holdout};
    pmm_sweep_plan_t *plan = NULL;
    ASSERT_OK(pmm_sweep_plan_open(&plan, &spec, &err), err);
    pmm_status_t const got = pmm_sweep_plan_tapes(plan, &spec, &err);
    if (got != SPLITS[i].want || (got != PMM_OK && !strstr(err.text, SPLITS[i].text))) fail_msg("%zu: %s: %s", i, pmm_status_to_string(got), err.text);
    pmm_sweep_plan_close(plan);
  }
}

/* The hash knows whatever decides a result, and nothing else. */
static uint64_t hash_of(const char *config, const char *set, const char *const *tapes, size_t tape_cnt, uint32_t folds) {
  write_file(scratch("hash.yaml"), config, strlen(config));
  char path[128];
  snprintf(path, sizeof path, "%s", scratch("hash.yaml"));
  pmm_sweep_spec_t const spec = {.config_path = path, .set = &set, .set_cnt = 1, .tape = tapes, .tape_cnt = tape_cnt, .fold_cnt = folds};
  pmm_sweep_plan_t *const plan = open_plan(&spec);
  uint64_t const hash = plan->hash;
  pmm_sweep_plan_close(plan);
  return hash;
}

static void test_hash(void **state) {
  (void)state;
  const char *const swapped[] = {tape[1], tape[0]};
  uint64_t const base = hash_of("seed: 1\n", "params.size=5,10", tape, 2, 0);
  assert_true(hash_of("# said differently\nseed:   1\n", "params.size=5:10:2", tape, 2, 0) == base);
  assert_true(hash_of("seed: 2\n", "params.size=5,10", tape, 2, 0) != base);
  assert_true(hash_of("seed: 1\n", "params.size=5,11", tape, 2, 0) != base);
  assert_true(hash_of("seed: 1\n", "params.size=10,5", tape, 2, 0) != base);
  assert_true(hash_of("seed: 1\n", "params.size=5,10", tape, 3, 0) != base);
  assert_true(hash_of("seed: 1\n", "params.size=5,10", tape + 1, 2, 0) != base);
  assert_true(hash_of("seed: 1\n", "params.size=5,10", swapped, 2, 0) != base);
  assert_true(hash_of("seed: 1\n", "params.size=5,10", tape, 2, 1) != base);
  char config[300]; /* a file that the configuration only points at */
  snprintf(config, sizeof config, "latency:\n  model: recorded\n  samples: %s\n", scratch("delays.txt"));
  write_file(scratch("delays.txt"), "1000\n", 5);
  uint64_t const delayed = hash_of(config, "params.size=5,10", tape, 2, 0);
  assert_true(hash_of(config, "params.size=5,10", tape, 2, 0) == delayed);
  write_file(scratch("delays.txt"), "2000\n", 5);
  assert_true(hash_of(config, "params.size=5,10", tape, 2, 0) != delayed);
}

/* -- results -- */
static const char *const MANY[] = {"params.spread_bps=50:400:8", "params.size=2:9:8", "params.inventory_alpha=0,0.0004", "latency.order=0,80ms", "engine.sharpe_every=1"};
#define MANY_SETS 256

static char *single_row(const pmm_sweep_plan_t *plan, uint32_t set, const char **tapes, size_t tape_cnt) {
  pmm_config_t *const config = aligned_alloc(_Alignof(pmm_config_t), sizeof *config);
  ASSERT_OK(pmm_sweep_config(plan, set, config, &err), err);
  pmm_backtest_opts_t const opts = {.tape = tapes, .tape_cnt = tape_cnt};
  pmm_result_t result;
  ASSERT_OK(pmm_backtest_run(config, &opts, &result, &err), err);
  char *const row = pmm_sweep_row(&result);
  pmm_result_free(&result);
  free(config);
  return row;
}

static double figure(const char *row, const char *key) { /* a number of a compact row */
  char pattern[64];
  snprintf(pattern, sizeof pattern, "\"%s\":", key);
  const char *const at = strstr(row, pattern);
  assert_non_null(at);
  return strncmp(at + strlen(pattern), "null", 4) == 0 ? NAN : strtod(at + strlen(pattern), NULL);
}

static void assert_rows(const pmm_sweep_plan_t *plan, pmm_sweep_store_t *store, char *const *want) {
  for (uint32_t s = 0; s < plan->set_cnt; s++) {
    char *row = NULL;
    ASSERT_OK(pmm_sweep_store_row(store, 0, s, &row, &err), err);
    if (strcmp(row, want[s]) != 0) fail_msg("set %u differs:\n%s\n%s", s, row, want[s]);
    free(row);
  }
}

/* Two ranks in one process: each has a box that the other puts messages in. */
typedef struct message { struct message *next; void *data; size_t len; int from; } message_t;
static struct { pthread_mutex_t lock; message_t *head[2]; } mail = {.lock = PTHREAD_MUTEX_INITIALIZER};

static pmm_status_t mail_send(int from, int to, const void *data, size_t len) {
  message_t *const m = calloc(1, sizeof *m);
  m->data = malloc(len);
  memcpy(m->data, data, len);
  m->len = len;
  m->from = from;
  pthread_mutex_lock(&mail.lock);
  message_t **end = &mail.head[to];
  while (*end) end = &(*end)->next;
  *end = m;
  pthread_mutex_unlock(&mail.lock);
  return PMM_OK;
}
static pmm_status_t mail_poll(int me, int *from, void **data, size_t *len) {
  pthread_mutex_lock(&mail.lock);
  message_t *const m = mail.head[me];
  if (m) mail.head[me] = m->next;
  pthread_mutex_unlock(&mail.lock);
  *data = m ? m->data : NULL;
  if (m) *from = m->from, *len = m->len;
  free(m);
  return PMM_OK;
}
static pmm_status_t send_0(int to, const void *data, size_t len, pmm_error_t *e) { (void)e; return mail_send(0, to, data, len); }
static pmm_status_t send_1(int to, const void *data, size_t len, pmm_error_t *e) { (void)e; return mail_send(1, to, data, len); }
static pmm_status_t poll_0(int *from, void **data, size_t *len, pmm_error_t *e) { (void)e; return mail_poll(0, from, data, len); }
static pmm_status_t poll_1(int *from, void **data, size_t *len, pmm_error_t *e) { (void)e; return mail_poll(1, from, data, len); }
static const pmm_sweep_ranks_t rank_0 = {.rank = 0, .size = 2, .send = send_0, .poll = poll_0}, rank_1 = {.rank = 1, .size = 2, .send = send_1, .poll = poll_1};

typedef struct other { const pmm_sweep_spec_t *spec; pmm_status_t greeted, served; } other_t;
static void *other_rank(void *ctx) {
  other_t *const o = ctx;
  pmm_error_t e = {0};
  pmm_sweep_plan_t *plan = NULL;
  pmm_status_t st = pmm_sweep_plan_open(&plan, o->spec, &e);
  if (st == PMM_OK) st = pmm_sweep_plan_tapes(plan, o->spec, &e);
  o->greeted = pmm_sweep_greet(&rank_1, st, plan, &e);
  pmm_sweep_opts_t const opts = {.threads = 2, .ranks = &rank_1};
  o->served = o->greeted == PMM_OK ? pmm_sweep_serve(plan, &opts, &e) : PMM_STATE;
  pmm_sweep_plan_close(plan);
  return NULL;
}

static void test_many_are_singles(void **state) {
  (void)state;
  pmm_sweep_spec_t const spec = {.set = MANY, .set_cnt = COUNT_OF(MANY), .tape = tape, .tape_cnt = 1};
  pmm_sweep_plan_t *const plan = open_plan(&spec);
  assert_int_equal(plan->set_cnt, MANY_SETS);
  char *want[MANY_SETS];
  int different = 0;
  for (uint32_t s = 0; s < MANY_SETS; s++) {
    want[s] = single_row(plan, s, plan->part[0].tape, 1);
    different += strcmp(want[s], want[0]) != 0;
  }
  assert_true(different > MANY_SETS / 2); /* or there would be little to compare */
  static const struct { uint32_t threads, batch; bool two_ranks; } ways[] = {{2, 0, false}, {3, 7, false}, {1, 0, true}};
  for (size_t i = 0; i < COUNT_OF(ways); i++) {
    pmm_sweep_store_t *store = NULL;
    pmm_sweep_outcome_t outcome;
    pthread_t thread;
    other_t other = {.spec = &spec};
    pmm_sweep_opts_t const opts = {.threads = ways[i].threads, .batch = ways[i].batch, .by = "pnl.total", .ranks = ways[i].two_ranks ? &rank_0 : NULL};
    if (opts.ranks) assert_int_equal(pthread_create(&thread, NULL, other_rank, &other), 0);
    if (opts.ranks) ASSERT_OK(pmm_sweep_greet(&rank_0, PMM_OK, plan, &err), err);
    ASSERT_OK(pmm_sweep_store_open(&store, NULL, plan, false, &err), err);
    ASSERT_OK(pmm_sweep_run(plan, store, &opts, &outcome, &err), err);
    if (opts.ranks) pmm_sweep_dismiss(&rank_0);
    if (opts.ranks) pthread_join(thread, NULL);
    assert_true(other.served == PMM_OK && other.greeted == PMM_OK);
    assert_rows(plan, store, want);
    pmm_sweep_outcome_free(&outcome);
    pmm_sweep_store_close(store);
  }
  for (uint32_t s = 0; s < MANY_SETS; s++) free(want[s]);
  pmm_sweep_plan_close(plan);
}

/* Ranks that do not see the same plan do not begin. */
static void test_greeting(void **state) {
  (void)state;
  const char *const more[] = {"params.size=5,10,15"}, *const bad[] = {"params.size=5,-10"};
  pmm_sweep_spec_t const spec = {.set = SIZES, .set_cnt = 1, .tape = tape, .tape_cnt = 1};
  const struct { const char *const *set; const char *text; } cases[] = {{more, "rank 1 has another plan"}, {bad, "rank 1: set 1 (params.size=-10)"}};
  pmm_sweep_plan_t *const plan = open_plan(&spec);
  for (size_t i = 0; i < COUNT_OF(cases); i++) {
    pmm_sweep_spec_t theirs = spec;
    theirs.set = cases[i].set;
    other_t other = {.spec = &theirs};
    pthread_t thread;
    assert_int_equal(pthread_create(&thread, NULL, other_rank, &other), 0);
    assert_true(pmm_sweep_greet(&rank_0, PMM_OK, plan, &err) != PMM_OK);
    pthread_join(thread, NULL);
    if (!strstr(err.text, cases[i].text)) fail_msg("%s", err.text);
    assert_true(other.greeted != PMM_OK);
  }
  pmm_sweep_plan_close(plan);
}

/* Every single figure of a result is a column, also of those that most results do not have. */
static void test_metrics(void **state) {
  (void)state;
  static const struct { const char *name; bool number; } want[] = {
    {"pnl_e6", true}, {"pnl.total", true}, {"markout.10s", true}, {"sharpe", true}, {"inventory.max", true}, {"bernoulli.rate", true}, {"state_hash", false}, {"killed", false}};
  pmm_sweep_spec_t const spec = {.set = SIZES, .set_cnt = 1, .tape = tape, .tape_cnt = 1};
  pmm_sweep_plan_t *const plan = open_plan(&spec);
  pmm_sweep_store_t *store = NULL;
  ASSERT_OK(pmm_sweep_store_open(&store, NULL, plan, false, &err), err);
  for (size_t i = 0; i < COUNT_OF(want); i++) {
    uint32_t at = 0;
    while (pmm_sweep_metric(store, at) && strcmp(pmm_sweep_metric(store, at), want[i].name) != 0) at++;
    if (!pmm_sweep_metric(store, at) || pmm_sweep_metric_is_number(store, at) != want[i].number) fail_msg("%s", want[i].name);
  }
  for (uint32_t at = 0; pmm_sweep_metric(store, at); at++)
    if (strncmp(pmm_sweep_metric(store, at), "wall", 4) == 0 || strcmp(pmm_sweep_metric(store, at), "events_per_s") == 0) fail_msg("a time among the results");
  pmm_sweep_store_close(store);
  pmm_sweep_plan_close(plan);
}

/* -- resuming -- */
static void count_units(void *ctx, uint64_t units) { *(uint64_t *)ctx = units; }

static void test_resume(void **state) {
  (void)state;
  char path[128];
  snprintf(path, sizeof path, "%s", scratch("resume.db"));
  pmm_sweep_spec_t const spec = {.set = MANY, .set_cnt = 1, .tape = tape, .tape_cnt = 2, .fold_cnt = 1};
  pmm_sweep_plan_t *const plan = open_plan(&spec);
  pmm_sweep_store_t *store = NULL;
  pmm_sweep_outcome_t outcome;
  uint64_t units = 0;
  pmm_sweep_opts_t const opts = {.threads = 2, .batch = 1, .by = "pnl.total", .stored = count_units, .ctx = &units};
  ASSERT_OK(pmm_sweep_store_open(&store, path, plan, false, &err), err);
  char *row[2] = {single_row(plan, 3, plan->part[0].tape, 2), single_row(plan, 4, plan->part[0].tape, 2)};
  ASSERT_OK(pmm_sweep_store_put(store, 0, 3, 2, row, 0.5, &err), err);
  pmm_sweep_store_close(store);

  ASSERT_OK(pmm_sweep_store_open(&store, path, plan, false, &err), err);
  bool done[8];
  ASSERT_OK(pmm_sweep_store_done(store, 0, done, &err), err);
  for (int s = 0; s < 8; s++) assert_true(done[s] == (s == 3 || s == 4));
  ASSERT_OK(pmm_sweep_run(plan, store, &opts, &outcome, &err), err);
  assert_int_equal(outcome.reused, 2);
  assert_int_equal(units, 6 + 8 + 1); /* the rest of "all", "train 1", and the winner on "test 1" */
  pmm_sweep_outcome_free(&outcome);
  units = 0;
  ASSERT_OK(pmm_sweep_run(plan, store, &opts, &outcome, &err), err);
  assert_int_equal(units, 0);
  assert_int_equal(outcome.reused, 16);
  pmm_sweep_outcome_free(&outcome);
  pmm_sweep_store_close(store);

  pmm_sweep_spec_t other_spec = spec;
  other_spec.tape_cnt = 3;
  pmm_sweep_plan_t *const other = open_plan(&other_spec);
  store = NULL;
  assert_int_equal(pmm_sweep_store_open(&store, path, other, false, &err), PMM_EXISTS);
  assert_true(store == NULL && strstr(err.text, "--fresh"));
  ASSERT_OK(pmm_sweep_store_open(&store, path, other, true, &err), err);
  ASSERT_OK(pmm_sweep_store_done(store, 0, done, &err), err);
  for (int s = 0; s < 8; s++) assert_false(done[s]);
  pmm_sweep_store_close(store);
  free(row[0]);
  free(row[1]);
  pmm_sweep_plan_close(other);
  pmm_sweep_plan_close(plan);
}

/* A file that is not ours is left as it is, even with fresh. */
static void test_foreign_file(void **state) {
  (void)state;
  char path[128];
  snprintf(path, sizeof path, "%s", scratch("foreign.db"));
  pmm_sweep_spec_t const spec = {.set = SIZES, .set_cnt = 1, .tape = tape, .tape_cnt = 1};
  pmm_sweep_plan_t *const plan = open_plan(&spec);
  pmm_sweep_store_t *store = NULL;
  write_file(path, "not a database, but somebody's letters of many years ..........................................................", 100);
  assert_int_equal(pmm_sweep_store_open(&store, path, plan, true, &err), PMM_IO);
  size_t len;
  unsigned char *const data = read_file(path, &len);
  assert_true(len == 100 && memcmp(data, "not a database", 14) == 0 && store == NULL);
  free(data);
  pmm_sweep_plan_close(plan);
}

/* A set that cannot run is named, and what was finished before it stays. */
static void test_failing_set(void **state) {
  (void)state;
  char path[128];
  snprintf(path, sizeof path, "%s", scratch("failing.db"));
  const char *const set[] = {"market.only=btc*,nothing*"};
  pmm_sweep_spec_t const spec = {.set = set, .set_cnt = 1, .tape = tape, .tape_cnt = 1};
  pmm_sweep_plan_t *const plan = open_plan(&spec);
  pmm_sweep_store_t *store = NULL;
  pmm_sweep_outcome_t outcome;
  for (uint32_t batch = 1; batch <= 2; batch++) {
    pmm_sweep_opts_t const opts = {.threads = 1, .batch = batch, .by = "pnl.total"};
    ASSERT_OK(pmm_sweep_store_open(&store, path, plan, true, &err), err);
    assert_true(pmm_sweep_run(plan, store, &opts, &outcome, &err) != PMM_OK);
    if (!strstr(err.text, "set 1 (market.only=nothing*): ")) fail_msg("%s", err.text);
    bool done[2];
    ASSERT_OK(pmm_sweep_store_done(store, 0, done, &err), err);
    assert_true(done[0] == (batch == 1) && !done[1]);
    pmm_sweep_store_close(store);
  }
  pmm_sweep_plan_close(plan);
}

/* -- choosing -- */
typedef struct chosen { uint32_t best, train[2]; double test[2], holdout; } chosen_t;

/* By hand: single runs, first the highest. */
static uint32_t naive_best(const pmm_sweep_plan_t *plan, const char **tapes, size_t tape_cnt, const char *key, int sign) {
  uint32_t best = 0;
  double best_value = -INFINITY;
  for (uint32_t s = 0; s < plan->set_cnt; s++) {
    char *const row = single_row(plan, s, tapes, tape_cnt);
    double const value = sign * figure(row, key);
    if (value > best_value) best = s, best_value = value;
    free(row);
  }
  return best;
}

static double naive_value(const pmm_sweep_plan_t *plan, uint32_t set, const char **tapes, size_t tape_cnt, const char *key) {
  char *const row = single_row(plan, set, tapes, tape_cnt);
  double const value = figure(row, key);
  free(row);
  return value;
}

static int rows_of(pmm_sweep_store_t *store, const pmm_sweep_plan_t *plan, uint32_t part) {
  bool done[64];
  int cnt = 0;
  ASSERT_OK(pmm_sweep_store_done(store, part, done, &err), err);
  for (uint32_t s = 0; s < plan->set_cnt; s++) cnt += done[s];
  return cnt;
}

static void check_choice(const char *by, const char *key, int sign) {
  pmm_sweep_spec_t const spec = {.set = MANY, .set_cnt = 2, .tape = tape, .tape_cnt = TAPES, .fold_cnt = 2, .holdout = 0.3, .draw = PMM_SWEEP_LHS, .draw_cnt = 10, .seed = 3};
  pmm_sweep_plan_t *const plan = open_plan(&spec);
  pmm_sweep_store_t *store = NULL;
  pmm_sweep_outcome_t o;
  pmm_sweep_opts_t const opts = {.threads = 2, .by = by};
  ASSERT_OK(pmm_sweep_store_open(&store, NULL, plan, false, &err), err);
  ASSERT_OK(pmm_sweep_run(plan, store, &opts, &o, &err), err);
  assert_int_equal(o.order[0], naive_best(plan, tape, 4, key, sign));
  assert_int_equal(o.step[0].set, naive_best(plan, tape, 1, key, sign));
  assert_int_equal(o.step[1].set, naive_best(plan, tape, 2, key, sign));
  assert_true(o.step[0].test == naive_value(plan, o.step[0].set, tape + 1, 1, key) && o.step[1].test == naive_value(plan, o.step[1].set, tape + 2, 2, key));
  assert_true(o.holdout == naive_value(plan, o.order[0], tape + 4, 2, key));
  for (uint32_t i = 1; i < o.order_cnt; i++) assert_true(sign * o.value[o.order[i - 1]] >= sign * o.value[o.order[i]]);
  assert_int_equal(rows_of(store, plan, 3), 1); /* tests and hold-out saw one set each */
  assert_int_equal(rows_of(store, plan, 4), 1);
  assert_int_equal(rows_of(store, plan, 5), 1);
  assert_int_equal(o.holdout_looks, 1);
  pmm_sweep_outcome_free(&o);
  pmm_sweep_store_close(store);
  pmm_sweep_plan_close(plan);
}

static void test_choice(void **state) {
  (void)state;
  check_choice("pnl.total", "total", 1);
  check_choice("-max_drawdown", "max_drawdown", -1);
}

/* Another hold-out: the same sets are chosen, in the same order. */
static void test_holdout_decides_nothing(void **state) {
  (void)state;
  const char *other[TAPES];
  for (int i = 0; i < TAPES; i++) other[i] = i == TAPES - 1 ? tape[TAPES] : tape[i];
  pmm_sweep_outcome_t o[2];
  for (int i = 0; i < 2; i++) {
    pmm_sweep_spec_t const spec = {.set = MANY, .set_cnt = 1, .tape = i ? other : tape, .tape_cnt = TAPES, .fold_cnt = 2, .holdout = 0.1};
    pmm_sweep_plan_t *const plan = open_plan(&spec);
    pmm_sweep_store_t *store = NULL;
    pmm_sweep_opts_t const opts = {.threads = 2, .by = "decisions"};
    ASSERT_OK(pmm_sweep_store_open(&store, NULL, plan, false, &err), err);
    ASSERT_OK(pmm_sweep_run(plan, store, &opts, &o[i], &err), err);
    pmm_sweep_store_close(store);
    pmm_sweep_plan_close(plan);
  }
  assert_int_equal(o[0].order_cnt, o[1].order_cnt);
  assert_memory_equal(o[0].order, o[1].order, o[0].order_cnt * sizeof *o[0].order);
  assert_memory_equal(o[0].step, o[1].step, o[0].step_cnt * sizeof *o[0].step);
  assert_true(o[0].holdout != o[1].holdout);
  pmm_sweep_outcome_free(&o[0]);
  pmm_sweep_outcome_free(&o[1]);
}

static const struct { const char *by; pmm_status_t want; const char *text; } CRITERIA[] = {
  {"pnl.totl", PMM_NOT_FOUND, "did you mean 'pnl.total'?"}, {"fill_source", PMM_INVAL, "no number"}, {"truncated", PMM_INVAL, "no number"}, {"sharpe", PMM_NOT_READY, "no set has such a figure on part 'all'"}};

static void test_criteria(void **state) {
  (void)state;
  pmm_sweep_spec_t const spec = {.set = SIZES, .set_cnt = 1, .tape = tape, .tape_cnt = 1}; /* a minute or so: no Sharpe ratio */
  pmm_sweep_plan_t *const plan = open_plan(&spec);
  pmm_sweep_store_t *store = NULL;
  ASSERT_OK(pmm_sweep_store_open(&store, NULL, plan, false, &err), err);
  for (size_t i = 0; i < COUNT_OF(CRITERIA); i++) {
    pmm_sweep_outcome_t o;
    pmm_sweep_opts_t const opts = {.threads = 1, .by = CRITERIA[i].by};
    pmm_status_t const got = pmm_sweep_run(plan, store, &opts, &o, &err);
    if (got != CRITERIA[i].want || !strstr(err.text, CRITERIA[i].text)) fail_msg("%s: %s: %s", CRITERIA[i].by, pmm_status_to_string(got), err.text);
  }
  pmm_sweep_store_close(store);
  pmm_sweep_plan_close(plan);
}

/* -- the deflated Sharpe ratio -- */
/* The paper's example: 2.5 a year from 1250 daily returns, variance of the trials 1/2 a year. */
static const struct { const char *why; double trials, skew, kurtosis, want; } PAPER[] = {
  {"a hundred trials", 100, -3, 10, 0.9004}, {"46 of them", 46, -3, 10, 0.9505}, {"88, and normal returns", 88, 0, 3, 0.9505}};

static void test_deflated(void **state) {
  (void)state;
  double hurdle;
  for (size_t i = 0; i < COUNT_OF(PAPER); i++) {
    double const got = pmm_deflated_sharpe(2.5 / sqrt(250), sqrt(0.5 / 250), PAPER[i].trials, 1250, PAPER[i].skew, PAPER[i].kurtosis, &hurdle);
    if (fabs(got - PAPER[i].want) > 5e-5) fail_msg("%s: %.6f", PAPER[i].why, got);
    if (i == 0) assert_true(fabs(hurdle - 0.1132) < 5e-5);
  }
  /* one trial: no luck to allow for; N(0.1 * 10 / sqrt(1.005)) */
  assert_true(fabs(pmm_deflated_sharpe(0.1, 0.3, 1, 101, 0, 3, &hurdle) - 0.8407413278) < 1e-9 && hurdle == 0);
  assert_true(isnan(pmm_deflated_sharpe(NAN, 0.3, 10, 101, 0, 3, NULL)) && isnan(pmm_deflated_sharpe(0.1, 0.3, 0, 101, 0, 3, NULL)) &&
              isnan(pmm_deflated_sharpe(0.1, 0.3, 10, 1, 0, 3, NULL)) && isnan(pmm_deflated_sharpe(3, 0.3, 10, 100, 3, 3, NULL)));
}

/* A sweep's own: from its results by hand. Sets that did the same are one trial. */
static void test_deflated_of_a_sweep(void **state) {
  (void)state;
  const char *const set[] = {"params.spread_bps=100:700:4", "risk.max_gross=100000,200000", "engine.sharpe_every=1"};
  pmm_sweep_spec_t const spec = {.set = set, .set_cnt = 3, .tape = tape, .tape_cnt = 2};
  pmm_sweep_plan_t *const plan = open_plan(&spec);
  pmm_sweep_store_t *store = NULL;
  pmm_sweep_outcome_t o;
  pmm_sweep_opts_t const opts = {.threads = 2, .by = "sharpe"};
  ASSERT_OK(pmm_sweep_store_open(&store, NULL, plan, false, &err), err);
  ASSERT_OK(pmm_sweep_run(plan, store, &opts, &o, &err), err);
  double sharpe[4], mean = 0, var = 0, best = -INFINITY, returns = 0;
  double const per_second = sqrt(1 / 31536000.0);
  for (uint32_t i = 0; i < 4; i++) {
    char *const row = single_row(plan, 2 * i, tape, 2);
    sharpe[i] = figure(row, "sharpe") * per_second;
    if (sharpe[i] > best) best = sharpe[i], returns = figure(row, "returns");
    mean += sharpe[i] / 4;
    free(row);
  }
  for (int i = 0; i < 4; i++) var += (sharpe[i] - mean) * (sharpe[i] - mean) / 3;
  double hurdle;
  double const want = pmm_deflated_sharpe(best, sqrt(var), 4, returns, 0, 3, &hurdle);
  assert_int_equal(o.deflated.trials, 4);
  assert_true(fabs(o.deflated.probability - want) < 1e-9 && fabs(o.deflated.expected_max * per_second - hurdle) < 1e-9 && (double)o.deflated.returns == returns);
  char warning[1024];
  pmm_sweep_warning(plan, &o, warning, sizeof warning);
  assert_non_null(strstr(warning, "8 sets were tried, 4 of them different in what they did"));
  o.deflated.probability = 0.99;
  pmm_sweep_warning(plan, &o, warning, sizeof warning);
  assert_string_equal(warning, "");
  o.holdout_looks = 2;
  pmm_sweep_warning(plan, &o, warning, sizeof warning);
  assert_non_null(strstr(warning, "no hold-out any more"));
  pmm_sweep_outcome_free(&o);
  pmm_sweep_store_close(store);
  pmm_sweep_plan_close(plan);
}

int main(void) {
  const struct CMUnitTest tests[] = {
    cmocka_unit_test(test_grids), cmocka_unit_test(test_grid_order), cmocka_unit_test(test_wrong), cmocka_unit_test(test_lhs), cmocka_unit_test(test_draws_repeat),
    cmocka_unit_test(test_parts), cmocka_unit_test(test_splits), cmocka_unit_test(test_hash), cmocka_unit_test(test_many_are_singles), cmocka_unit_test(test_greeting), cmocka_unit_test(test_metrics),
    cmocka_unit_test(test_resume), cmocka_unit_test(test_foreign_file), cmocka_unit_test(test_failing_set), cmocka_unit_test(test_choice),
    cmocka_unit_test(test_holdout_decides_nothing), cmocka_unit_test(test_criteria), cmocka_unit_test(test_deflated), cmocka_unit_test(test_deflated_of_a_sweep)};
  return cmocka_run_group_tests(tests, setup, scratch_teardown);
}
