/* No fill that the tape could not have given. Where a recording has prints, our passive fills are compared with them:
     at its instant   what fills us at one moment is at most what was printed at that moment
     at its price     with exchange.through off, fills at a price are at most the prints at exactly that price
     beyond           by default, fills of bids at prices up to p are at most the sales printed at prices up to p, for every p,
                      and likewise for asks: a print beyond our price fills us at ours, once
   Over recordings of real markets with PMM_DATA set, and over random streams always. */
#include <dirent.h>
#include "backtest/rig.h"

#define MARKETS_MAX 64
#define PRICES (PMM_ONE_E4 + 1)

typedef struct moment { int64_t at_ns, left_e6; uint32_t market; uint8_t taker; } moment_t;
typedef struct witness {
  int64_t printed_e6[MARKETS_MAX][2][PRICES], filled_e6[MARKETS_MAX][2][PRICES]; /* by market, taker's side, price */
  moment_t *moment; size_t moment_cnt, moment_cap;
  size_t fills, unexplained;
} witness_t;
static witness_t *w;

static void witness_reset(void) {
  if (!w) w = malloc(sizeof *w);
  else free(w->moment);
  assert_non_null(w);
  memset(w, 0, sizeof *w);
}

/* Prints come in order of time; those of one instant, market and side are one moment. */
static void witness_print(const pmm_md_t *md) {
  if (md->kind != PMM_MD_TRADE) return;
  assert_true(md->market < MARKETS_MAX);
  w->printed_e6[md->market][md->side][md->price_e4] += md->qty_e6;
  for (size_t i = w->moment_cnt; i-- > 0 && w->moment[i].at_ns == md->recv_ns;)
    if (w->moment[i].market == md->market && w->moment[i].taker == md->side) { w->moment[i].left_e6 += md->qty_e6; return; }
  if (w->moment_cnt == w->moment_cap) {
    w->moment_cap = w->moment_cap ? 2 * w->moment_cap : 1024;
    w->moment = realloc(w->moment, w->moment_cap * sizeof *w->moment);
    assert_non_null(w->moment);
  }
  w->moment[w->moment_cnt++] = (moment_t){md->recv_ns, md->qty_e6, md->market, md->side};
}

static moment_t *moment_at(int64_t at_ns, uint32_t market, uint8_t taker) {
  size_t low = 0, high = w->moment_cnt;
  while (low < high) {
    size_t const mid = (low + high) / 2;
    if (w->moment[mid].at_ns < at_ns) low = mid + 1;
    else high = mid;
  }
  for (; low < w->moment_cnt && w->moment[low].at_ns == at_ns; low++)
    if (w->moment[low].market == market && w->moment[low].taker == taker) return &w->moment[low];
  return NULL;
}

static void witness_fill(void *ctx, const pmm_event_t *ev, uint32_t slot) {
  (void)ctx;
  (void)slot;
  if (ev->md.kind != PMM_EV_FILL || !(ev->md.flags & PMM_F_MAKER)) return;
  uint8_t const taker = ev->md.side ^ 1;
  moment_t *const m = moment_at(ev->md.exch_ns, ev->md.market, taker);
  w->fills++;
  w->filled_e6[ev->md.market][taker][ev->md.price_e4] += ev->md.qty_e6;
  if (!m || m->left_e6 < ev->md.qty_e6) w->unexplained++;
  else m->left_e6 -= ev->md.qty_e6;
}

static bool prices_agree(uint32_t market, uint8_t taker, bool through) {
  const int64_t *const printed = w->printed_e6[market][taker], *const filled = w->filled_e6[market][taker];
  int64_t p = 0, f = 0;
  for (int k = 0; k < PRICES; k++) {
    int const at = taker == PMM_ASK ? k : PMM_ONE_E4 - k; /* sellers reach bids at their price and above, buyers asks at theirs and below */
    if (!through && filled[at] > printed[at]) return false;
    if ((f += filled[at]) > (p += printed[at])) return false;
  }
  return true;
}

static bool witness_agrees(bool through) {
  if (w->unexplained) return false;
  for (uint32_t m = 0; m < MARKETS_MAX; m++)
    if (!prices_agree(m, PMM_BID, through) || !prices_agree(m, PMM_ASK, through)) return false;
  return true;
}

/* -- over random streams -- */
static rig_t r;

static void random_stream(uint64_t seed) {
  static rig_quote_t plan[60];
  pmm_rng_t rng;
  pmm_rng_seed(&rng, seed);
  for (size_t i = 0; i < COUNT_OF(plan); i++) {
    int32_t const bid = 100 * (int32_t)check_between(&rng, 42, 52);
    plan[i] = (rig_quote_t){(double)i, bid, bid + 100 * (int32_t)check_between(&rng, 1, 6), QTY(0.01) * check_between(&rng, 100, 2000)};
  }
  rig_open(&r, plan, COUNT_OF(plan));
  rig_strategy(&r, 1, "*", plan + 20, 40); /* two of us share the prints */
  r.config.exchange.queue = (int32_t)check_between(&rng, 0, 3);
  r.config.exchange.through = pmm_rng_below(&rng, 2);
  r.config.latency.order_ns = r.config.latency.response_ns = check_between(&rng, 0, 30) * PMM_NS_PER_MS;
  rig_life(&r, 0, PMM_LIFE_OPEN);
  rig_book(&r, 0, 4500, 10, 5500, 10);
  for (int i = 1; i < 1500; i++) {
    double const at = 0.02 * (i / 2); /* some share an instant */
    pmm_side_t const side = (pmm_side_t)pmm_rng_below(&rng, 2);
    int32_t const price = 100 * (int32_t)check_between(&rng, 42, 58);
    if (pmm_rng_below(&rng, 2)) rig_level(&r, at, side, side == PMM_BID ? price - 300 : price + 300, pmm_rng_below(&rng, 3) ? (double)pmm_rng_below(&rng, 20) : 0, PMM_F_LAST);
    else rig_trade(&r, at, side, price, 0.01 * (double)check_between(&rng, 1, 2000), PMM_F_LAST);
  }
}

static uint64_t property(uint64_t seed, uint64_t ops, bool broken) {
  for (uint64_t i = 0; i < ops; i++) {
    random_stream(seed + i);
    witness_reset();
    for (size_t k = 0; k < r.md_cnt; k++)
      if (!broken || k % 7) witness_print(&r.md[k]); /* canary: a seventh of the prints goes unseen */
    pmm_backtest_opts_t opts = rig_opts(&r);
    opts.on_account = witness_fill;
    if (pmm_backtest_run(&r.config, &opts, &r.result, &r.err) != PMM_OK) fail_msg("%s", r.err.text);
    bool const good = witness_agrees(r.config.exchange.through);
    rig_close(&r);
    if (!good) return i;
  }
  return NO_MISMATCH;
}

static void test_random(void **state) {
  (void)state;
  check_random("fills against prints", property, 60);
}
static void test_canary(void **state) {
  (void)state;
  check_canary("fills against prints", property, 20);
}

/* -- over recordings -- */
#define FILES_MAX 32
typedef struct files { char path[FILES_MAX][512]; const char *list[FILES_MAX]; size_t cnt; } files_t;

static int by_name(const void *a, const void *b) { return strcmp(*(const char *const *)a, *(const char *const *)b); }

static bool find_files(files_t *f, const char *folder, const char *part) {
  char dir[512];
  f->cnt = 0;
  snprintf(dir, sizeof dir, "%s/%s", getenv("PMM_DATA"), folder);
  DIR *const d = opendir(dir);
  if (!d) return false;
  for (const struct dirent *e; (e = readdir(d)) && f->cnt < FILES_MAX;)
    if (strstr(e->d_name, part)) {
      snprintf(f->path[f->cnt], sizeof f->path[0], "%.250s/%.250s", dir, e->d_name);
      f->list[f->cnt] = f->path[f->cnt];
      f->cnt++;
    }
  closedir(d);
  qsort(f->list, f->cnt, sizeof f->list[0], by_name);
  return f->cnt > 0;
}

static void import(const char *format, const files_t *f, const char *tape) {
  pmm_import_opts_t opts;
  pmm_import_stats_t stats;
  pmm_error_t err;
  pmm_import_opts_default(&opts);
  opts.format = format;
  if (pmm_import(&opts, f->list, f->cnt, tape, &stats, &err) != PMM_OK) fail_msg("%s", err.text);
}

static void witness_tape(const char *path) {
  pmm_tape_t *tape;
  pmm_tape_cursor_t *cursor;
  pmm_error_t err;
  const pmm_md_t *md;
  size_t cnt;
  witness_reset();
  assert_int_equal(pmm_tape_open(&tape, path, &err), PMM_OK);
  assert_int_equal(pmm_tape_cursor_open(&cursor, tape, &err), PMM_OK);
  while (pmm_tape_cursor_next(cursor, &md, &cnt, &err) == PMM_OK)
    for (size_t i = 0; i < cnt; i++) witness_print(&md[i]);
  pmm_tape_cursor_close(cursor);
  pmm_tape_close(tape);
}

/* All queue models, with and without prints beyond our price; the linear strategy close to the mid. Returns the fills of all. */
static size_t run_all(const char *tape) {
  static pmm_config_t config;
  size_t fills = 0;
  for (int queue = PMM_QUEUE_FRONT; queue <= PMM_QUEUE_POWER; queue++)
    for (int through = 0; through < 2; through++) {
      pmm_result_t result;
      pmm_error_t err;
      pmm_config_default(&config);
      config.exchange.queue = queue;
      config.exchange.through = through;
      config.exchange.cross_fill = PMM_CROSSFILL_NEVER;
      config.risk.max_daily_loss_e6 = 0;
      config.latency.order_ns = config.latency.response_ns = queue % 2 ? 30 * PMM_NS_PER_MS : 0;
      pmm_backtest_opts_t const opts = {.tape = &tape, .tape_cnt = 1, .on_account = witness_fill};
      witness_tape(tape);
      if (pmm_backtest_run(&config, &opts, &result, &err) != PMM_OK) fail_msg("queue %d: %s", queue, err.text);
      if (!witness_agrees(through)) fail_msg("%s: queue %d, through %d: fills that no print explains (%zu of %zu)", tape, queue, through, w->unexplained, w->fills);
      assert_int_equal(w->fills, result.trade_fills + result.inferred_fills);
      assert_int_equal(result.bad_events, 0);
      fills += w->fills;
      pmm_result_free(&result);
    }
  return fills;
}

static bool have_data(const char *what) {
  if (getenv("PMM_DATA")) return true;
  printf("%s: skipped, PMM_DATA names no folder of recordings\n", what);
  return false;
}

static void run_recording(const char *format, const char *folder, const char *part) {
  static files_t f;
  const char *const tape = rig_path("recording.tape");
  if (!find_files(&f, folder, part)) fail_msg("%s/%s: no recording", folder, part);
  import(format, &f, tape);
  size_t const fills = run_all(tape);
  printf("%s %s: %zu fills, each explained by a print\n", format, part, fills);
  assert_true(fills > 0);
  unlink(tape);
}

static void test_kalshi(void **state) {
  (void)state;
  if (!have_data("kalshi-ws")) skip();
  run_recording("kalshi-ws", "kalshi-btc15m-ws", "20260513T1541Z");
  run_recording("kalshi-ws", "kalshi-btc15m-ws", "20260513T1712Z");
}
static void test_polymarket(void **state) {
  (void)state;
  if (!have_data("polymarket-ws")) skip();
  run_recording("polymarket-ws", "polymarket-ws-raw", "btc5m_");
}
static void test_multifeed(void **state) {
  (void)state;
  if (!have_data("polymarket-multifeed")) skip();
  run_recording("polymarket-multifeed", "polymarket-btc5m-multifeed", "1787236800");
  run_recording("polymarket-multifeed", "polymarket-btc5m-multifeed", "1787258400");
}

int main(void) {
  const struct CMUnitTest tests[] = {
    cmocka_unit_test(test_random), cmocka_unit_test(test_canary), cmocka_unit_test(test_kalshi), cmocka_unit_test(test_polymarket), cmocka_unit_test(test_multifeed),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
