/* The checked price: a test for each rule, and random ticks against a model that goes through everything from the start for each answer. */
#include <math.h>
#include "feed/feed_test.h"

#define S PMM_NS_PER_S
#define MS PMM_NS_PER_MS
#define WALL0 INT64_C(1795186800000000000)

static const pmm_merge_params_t PARAMS = {.max_dev_bps = 50, .quorum = 2, .basis_half_life_s = 60, .jump_sigma = 12, .jump_hold_ns = 500 * MS, .clock_drift_ns = 250 * MS, .single_ok = true};
static const pmm_feed_limits_t LIMITS = {3 * S, 5 * S, PMM_NS_MAX, 5 * S};

typedef struct bench { pmm_merge_t m; int64_t mono_ns; uint64_t seq; } bench_t;

static void set_up(bench_t *b, const pmm_merge_source_config_t *config, size_t cnt) {
  *b = (bench_t){.mono_ns = 1000 * S};
  assert_int_equal(pmm_merge_init(&b->m, &PARAMS, config, cnt), PMM_OK);
  for (uint32_t i = 0; i < cnt; i++) pmm_merge_link(&b->m, i, true, b->mono_ns);
}

static void set_up_plain(bench_t *b, size_t cnt) {
  pmm_merge_source_config_t config[PMM_MERGE_SOURCES_MAX] = {0};
  for (size_t i = 0; i < cnt; i++) config[i].limits = LIMITS;
  set_up(b, config, cnt);
}

static int64_t wall(const bench_t *b) { return WALL0 + b->mono_ns; }

static uint32_t put(bench_t *b, uint32_t source, double price) {
  pmm_feed_tick_t const t = {.kind = PMM_TICK_SPOT, .price_e8 = (int64_t)llround(price * 1e8), .seq = ++b->seq, .source_ns = wall(b) - 100 * MS, .send_ns = PMM_TIME_NONE};
  return pmm_merge_tick(&b->m, source, &t, b->mono_ns, wall(b));
}

static double price(bench_t *b) {
  pmm_merged_t out;
  pmm_status_t const st = pmm_merge_price(&b->m, b->mono_ns, &out);
  assert_true((st == PMM_OK) == (out.price_e8 > 0) && (st == PMM_OK) == (out.why == PMM_MERGE_OK));
  return (double)out.price_e8 / 1e8;
}

#define CHECK_PRICE(b, want) do { double const got_ = price(b); if (fabs(got_ - (want)) > 1e-6) fail_msg("line %d: price %.8f, not %.8f", __LINE__, got_, (double)(want)); } while (0)

static void test_median(void **state) {
  (void)state;
  bench_t b;
  set_up_plain(&b, 5);
  CHECK_PRICE(&b, 0);
  put(&b, 0, 100);
  CHECK_PRICE(&b, 0); /* one of five is no quorum */
  put(&b, 1, 100.2);
  CHECK_PRICE(&b, 100.1); /* two: their mean */
  put(&b, 2, 100.3);
  CHECK_PRICE(&b, 100.2);
  put(&b, 3, 100.3);
  CHECK_PRICE(&b, 100.25); /* four: mean of the middle two */
  put(&b, 4, 100.3);
  CHECK_PRICE(&b, 100.3);
}

static void test_split(void **state) {
  (void)state;
  bench_t b;
  set_up_plain(&b, 2);
  put(&b, 0, 100);
  put(&b, 1, 100.6); /* 60 bp apart */
  CHECK_PRICE(&b, 0);
  b.m.source[1].price_e8 = INT64_C(10040000000); /* within the band, and not within half of it */
  CHECK_PRICE(&b, 0);
  b.m.source[1].price_e8 = INT64_C(10020000000);
  CHECK_PRICE(&b, 100.1);
  b.m.source[1].price_e8 = INT64_C(10040000000);
  CHECK_PRICE(&b, 100.2);
}

static void test_outlier(void **state) {
  (void)state;
  bench_t b;
  set_up_plain(&b, 3);
  put(&b, 0, 100), put(&b, 1, 100.1), put(&b, 2, 101);
  CHECK_PRICE(&b, 100.05);
  assert_int_equal(b.m.source[2].drops, 1);
  b.m.source[2].price_e8 = INT64_C(10050000000); /* 40 bp from the median: not yet */
  CHECK_PRICE(&b, 100.05);
  b.m.source[2].price_e8 = INT64_C(10030000000);
  CHECK_PRICE(&b, 100.1);
  b.m.source[2].price_e8 = INT64_C(10050000000); /* inside is judged by the whole band */
  CHECK_PRICE(&b, 100.1);
  assert_int_equal(b.m.source[2].drops, 1);
}

static void test_stale(void **state) {
  (void)state;
  bench_t b;
  set_up_plain(&b, 3);
  put(&b, 0, 100), put(&b, 1, 100), put(&b, 2, 100.2);
  assert_int_equal(pmm_merge_next(&b.m, b.mono_ns), b.mono_ns + 5 * S + 1);
  b.mono_ns += 5 * S;
  CHECK_PRICE(&b, 100);
  put(&b, 2, 100.2);
  b.mono_ns += 1;
  CHECK_PRICE(&b, 0); /* 0 and 1 are gone; one is no quorum */
  put(&b, 0, 100);
  CHECK_PRICE(&b, 100.1);
  pmm_merge_link(&b.m, 0, false, b.mono_ns);
  CHECK_PRICE(&b, 0);
  pmm_merge_link(&b.m, 0, true, b.mono_ns);
  CHECK_PRICE(&b, 0); /* connected again, no news yet */
  pmm_feed_tick_t const old = {.kind = PMM_TICK_SPOT, .flags = PMM_TICK_HISTORY, .price_e8 = INT64_C(10000000000), .seq = ++b.seq, .source_ns = wall(&b)};
  assert_int_equal(pmm_merge_tick(&b.m, 0, &old, b.mono_ns, wall(&b)), 0);
  CHECK_PRICE(&b, 0); /* and history is none */
  put(&b, 0, 100);
  CHECK_PRICE(&b, 100.1);
}

static void test_beat(void **state) {
  (void)state;
  bench_t b;
  pmm_merge_source_config_t const config[2] = {{.limits = {PMM_NS_MAX, PMM_NS_MAX, 5 * S, 3 * S}}, {.limits = {PMM_NS_MAX, PMM_NS_MAX, 5 * S, 3 * S}}};
  set_up(&b, config, 2);
  put(&b, 0, 100), put(&b, 1, 100);
  for (int i = 0; i < 20; i++) { /* silent, with heartbeats: alive */
    b.mono_ns += 2 * S;
    pmm_merge_beat(&b.m, 0, b.mono_ns);
    pmm_feed_tick_t const beat = {.kind = PMM_TICK_BEAT};
    pmm_merge_tick(&b.m, 1, &beat, b.mono_ns, wall(&b));
    CHECK_PRICE(&b, 100);
  }
  b.mono_ns += 5 * S + 1;
  CHECK_PRICE(&b, 0);
}

static void test_gap_and_crossed(void **state) {
  (void)state;
  bench_t b;
  set_up_plain(&b, 2);
  put(&b, 0, 100), put(&b, 1, 100);
  pmm_merge_gap(&b.m, 0);
  CHECK_PRICE(&b, 0);
  put(&b, 0, 100); /* recovers with the next frame */
  CHECK_PRICE(&b, 100);
  pmm_feed_tick_t t = {.kind = PMM_TICK_TOP, .bid_e8 = INT64_C(10010000000), .ask_e8 = INT64_C(10010000000), .seq = ++b.seq, .source_ns = PMM_TIME_NONE};
  assert_int_equal(pmm_merge_tick(&b.m, 0, &t, b.mono_ns, wall(&b)), PMM_MERGE_CROSSED);
  CHECK_PRICE(&b, 0);
  t.seq = ++b.seq, t.ask_e8 = INT64_C(10030000000);
  assert_int_equal(pmm_merge_tick(&b.m, 0, &t, b.mono_ns, wall(&b)), PMM_MERGE_USED);
  CHECK_PRICE(&b, 100.1);
  t.seq = ++b.seq, t.bid_e8 = 0;
  assert_int_equal(pmm_merge_tick(&b.m, 0, &t, b.mono_ns, wall(&b)), PMM_MERGE_CROSSED);
}

static void test_order(void **state) {
  (void)state;
  bench_t b;
  set_up_plain(&b, 2);
  put(&b, 0, 100), put(&b, 1, 100);
  pmm_feed_tick_t t = {.kind = PMM_TICK_SPOT, .price_e8 = INT64_C(10000000000), .seq = b.m.source[0].seq, .source_ns = wall(&b)};
  assert_int_equal(pmm_merge_tick(&b.m, 0, &t, b.mono_ns, wall(&b)), PMM_MERGE_LATE);
  CHECK_PRICE(&b, 100);
  t.price_e8++;
  assert_int_equal(pmm_merge_tick(&b.m, 0, &t, b.mono_ns, wall(&b)), PMM_MERGE_LATE | PMM_MERGE_CONFLICT);
  CHECK_PRICE(&b, 0);
  t.seq--;
  assert_int_equal(pmm_merge_tick(&b.m, 0, &t, b.mono_ns, wall(&b)), PMM_MERGE_LATE);
  CHECK_PRICE(&b, 0); /* an older one does not mend it */
  put(&b, 0, 100);
  CHECK_PRICE(&b, 100);
  assert_int_equal(b.m.source[0].conflicts, 1);
}

static void test_clock(void **state) {
  (void)state;
  bench_t b;
  set_up_plain(&b, 2);
  put(&b, 1, 100);
  pmm_feed_tick_t t = {.kind = PMM_TICK_SPOT, .price_e8 = INT64_C(10000000000), .seq = ++b.seq, .source_ns = wall(&b) + 1};
  assert_int_equal(pmm_merge_tick(&b.m, 0, &t, b.mono_ns, wall(&b)), PMM_MERGE_USED | PMM_MERGE_CLOCK);
  CHECK_PRICE(&b, 100); /* an alarm, not a reason to stop */
  t.seq = ++b.seq, t.source_ns = wall(&b) - 5 * S - 1;
  assert_int_equal(pmm_merge_tick(&b.m, 0, &t, b.mono_ns, wall(&b)), PMM_MERGE_USED | PMM_MERGE_LAGGING);
  CHECK_PRICE(&b, 0);
  /* the quickest of each minute: 100 ms, then with jitter, then 400 ms */
  set_up_plain(&b, 1);
  uint32_t bits = 0;
  for (int i = 0; i < 190; i++, b.mono_ns += S) {
    int64_t const lag = i < 60 ? 100 : i < 120 ? 100 + i * 7 % 500 : 400 + i * 7 % 100;
    t.seq = ++b.seq, t.source_ns = wall(&b) - lag * MS;
    bits = pmm_merge_tick(&b.m, 0, &t, b.mono_ns, wall(&b));
    if (bits & PMM_MERGE_CLOCK) assert_int_equal(i, 180);
    if (i == 180) assert_true(bits & PMM_MERGE_CLOCK);
  }
}

/* A quiet source, so that its volatility is at the floor: 12 x 0.25 bp = 3 bp. */
static void quiet(bench_t *b, uint32_t cnt) {
  for (int i = 0; i < 200; i++, b->mono_ns += S)
    for (uint32_t s = 0; s < cnt; s++) put(b, s, 100 + (i % 2) * 0.0001);
}

static void test_jump_alone(void **state) {
  (void)state;
  bench_t b;
  set_up_plain(&b, 3);
  quiet(&b, 3);
  assert_int_equal(put(&b, 0, 100.2), PMM_MERGE_HELD);
  CHECK_PRICE(&b, 100.0001); /* never averaged in */
  assert_int_equal(pmm_merge_next(&b.m, b.mono_ns), b.mono_ns + 500 * MS);
  b.mono_ns += 499 * MS;
  CHECK_PRICE(&b, 100.0001);
  assert_int_equal(put(&b, 0, 100.00015), PMM_MERGE_USED); /* back: as if nothing had been */
  b.mono_ns += 10 * MS;
  assert_false(b.m.source[0].held);
  CHECK_PRICE(&b, 100.0001);
  put(&b, 0, 100.2);
  b.mono_ns += 500 * MS; /* time is up: believed; and outvoted, or out, by the others */
  CHECK_PRICE(&b, 100.0001);
  assert_false(b.m.source[0].held);
  assert_int_equal(b.m.source[0].price_e8, INT64_C(10020000000));
  assert_int_equal(b.m.source[0].jumps, 2);
}

static void test_jump_together(void **state) {
  (void)state;
  bench_t b;
  set_up_plain(&b, 3);
  quiet(&b, 3);
  assert_int_equal(put(&b, 0, 100.2), PMM_MERGE_HELD);
  b.mono_ns += 10 * MS;
  assert_int_equal(put(&b, 1, 100.19), PMM_MERGE_USED); /* the held one is its company, and it the held one's */
  assert_false(b.m.source[0].held);
  CHECK_PRICE(&b, 100.19);
  assert_int_equal(put(&b, 2, 100.2), PMM_MERGE_USED);
  CHECK_PRICE(&b, 100.2);
}

static void test_basis(void **state) {
  (void)state;
  bench_t b;
  pmm_merge_source_config_t const config[3] = {{.limits = LIMITS, .foreign = true}, {.limits = LIMITS, .reference = true}, {.limits = LIMITS}};
  set_up(&b, config, 3);
  put(&b, 0, 100.5);
  put(&b, 2, 100);
  CHECK_PRICE(&b, 0); /* never raw */
  for (int i = 0; i < 400; i++, b.mono_ns += S) put(&b, 0, 100.5), put(&b, 2, 100), put(&b, 1, 100);
  CHECK_PRICE(&b, 100); /* 50 bp away, and taken out of it: the median of three at 100 */
  b.mono_ns += 6 * S; /* the others grow stale */
  put(&b, 0, 100.51), put(&b, 2, 100);
  CHECK_PRICE(&b, (100 + 100.51 / 1.005) / 2);
}

/* The reference is a mean of 60 s: a steady climb must not look like a basis. */
static void test_basis_of_average(void **state) {
  (void)state;
  bench_t b;
  pmm_merge_source_config_t const config[3] = {{.limits = LIMITS, .foreign = true}, {.limits = LIMITS, .reference = true, .aside = true, .window_s = 60}, {.limits = LIMITS}};
  set_up(&b, config, 3);
  for (int i = 0; i < 600; i++, b.mono_ns += S) {
    double const p = 100 * exp(i * 1e-5); /* six basis points a minute */
    put(&b, 0, p * 1.001);
    put(&b, 2, p);
    pmm_feed_tick_t const twap = {.kind = PMM_TICK_TWAP, .price_e8 = llround(100 * exp((i - 29.5) * 1e-5) * 1e8), .seq = ++b.seq, .source_ns = wall(&b)};
    pmm_merge_tick(&b.m, 1, &twap, b.mono_ns, wall(&b));
  }
  if (fabs(b.m.source[0].basis.value + 0.001) > 2e-6) fail_msg("basis %.9f", b.m.source[0].basis.value);
}

static void test_single(void **state) {
  (void)state;
  bench_t b;
  set_up_plain(&b, 1);
  put(&b, 0, 100);
  CHECK_PRICE(&b, 100);
  b.m.params.single_ok = false;
  CHECK_PRICE(&b, 0);
  pmm_merge_t m;
  pmm_merge_source_config_t const two[2] = {{.limits = LIMITS, .reference = true}, {.limits = LIMITS, .reference = true}};
  assert_int_equal(pmm_merge_init(&m, &PARAMS, two, 2), PMM_INVAL);
  assert_int_equal(pmm_merge_init(&m, &PARAMS, two, 0), PMM_INVAL);
}

/* -- the model: everything that ever happened, gone through again for each answer. Jumps are off here (their rule has its own tests). -- */

typedef enum op { OP_TICK, OP_TOP, OP_DOWN, OP_UP, OP_GAP, OP_ASK } op_t;
typedef struct entry { op_t op; uint32_t source; int64_t mono_ns, bid, ask, source_ns; uint64_t seq; bool history; } entry_t;

static bool model_healthy(const entry_t *log, size_t n, uint32_t source, int64_t now_ns, int64_t *mid) {
  bool up = true, live = false, gap = false, conflict = false, crossed = false, lag = false, has = false, any = false;
  uint64_t seq = 0;
  int64_t seen = 0, last = 0;
  for (size_t i = 0; i < n; i++) {
    const entry_t *const e = &log[i];
    if (e->op == OP_ASK || e->source != source) continue;
    if (e->op == OP_DOWN || e->op == OP_UP) { up = e->op == OP_UP; live = gap = false; continue; }
    if (e->op == OP_GAP) { gap = true; continue; }
    int64_t const m = e->op == OP_TOP ? e->bid + (e->ask - e->bid) / 2 : e->bid;
    if (e->history) continue;
    if (any && e->seq <= seq) { if (e->seq == seq && m != last) conflict = true; continue; }
    seq = e->seq; last = m; seen = e->mono_ns; gap = conflict = false;
    crossed = e->op == OP_TOP && e->bid >= e->ask;
    if (crossed) continue;
    any = has = live = true;
    lag = WALL0 + e->mono_ns - e->source_ns > 5 * S;
    *mid = m;
  }
  return up && live && has && !gap && !conflict && !crossed && !lag && now_ns - seen <= 5 * S;
}

static int compare(const void *a, const void *b) { int64_t const x = *(const int64_t *)a, y = *(const int64_t *)b; return (x > y) - (x < y); }

/* Who is out is remembered from question to question, so earlier questions are asked again first. */
static int64_t model_price(const entry_t *log, size_t n, uint32_t cnt) {
  bool out[PMM_MERGE_SOURCES_MAX] = {false}, split = false;
  int64_t answer = 0;
  for (size_t i = 0; i < n; i++) {
    if (log[i].op != OP_ASK) continue;
    int64_t mid[PMM_MERGE_SOURCES_MAX], sorted[PMM_MERGE_SOURCES_MAX];
    uint32_t who[PMM_MERGE_SOURCES_MAX];
    size_t k = 0, kept = 0;
    for (uint32_t s = 0; s < cnt; s++)
      if (model_healthy(log, i, s, log[i].mono_ns, &mid[k])) sorted[k] = mid[k], who[k++] = s;
    qsort(sorted, k, sizeof sorted[0], compare);
    if (k > 2) {
      int64_t const middle = (sorted[k / 2] + sorted[(k - 1) / 2]) / 2;
      for (size_t j = 0; j < k; j++) {
        double const dev = fabs((double)(mid[j] - middle)) / (double)middle * 1e4;
        out[who[j]] = dev > (out[who[j]] ? 25 : 50);
        if (!out[who[j]]) sorted[kept++] = mid[j];
      }
      qsort(sorted, kept, sizeof sorted[0], compare);
      k = kept;
    }
    answer = 0;
    if (k < 2) continue;
    if (k == 2) split = (double)(sorted[1] - sorted[0]) / (double)sorted[0] * 1e4 > (split ? 25 : 50);
    else split = false;
    if (!split) answer = (sorted[k / 2] + sorted[(k - 1) / 2]) / 2;
  }
  return answer;
}

static entry_t random_entry(pmm_rng_t *rng, uint32_t cnt, int64_t mono_ns, const uint64_t *seq) {
  entry_t e = {.op = OP_TICK, .source = (uint32_t)pmm_rng_below(rng, cnt), .mono_ns = mono_ns};
  uint64_t const dice = pmm_rng_below(rng, 100);
  e.bid = 1000000 + check_between(rng, -4000, 4000);
  e.seq = seq[e.source] + pmm_rng_below(rng, 4);
  if (e.seq && pmm_rng_below(rng, 20) == 0) e.seq--;
  e.source_ns = WALL0 + mono_ns - check_between(rng, 0, dice == 50 ? 8 * S : 2 * S);
  e.history = pmm_rng_below(rng, 30) == 0;
  if (dice < 40) e.op = OP_TOP, e.ask = e.bid + check_between(rng, -2, 40);
  if (dice >= 90) e.op = dice < 93 ? OP_DOWN : dice < 97 ? OP_UP : OP_GAP;
  return e;
}

static void apply(pmm_merge_t *m, const entry_t *e) {
  if (e->op == OP_DOWN || e->op == OP_UP) pmm_merge_link(m, e->source, e->op == OP_UP, e->mono_ns);
  if (e->op == OP_GAP) pmm_merge_gap(m, e->source);
  if (e->op != OP_TICK && e->op != OP_TOP) return;
  pmm_feed_tick_t t = {.kind = e->op == OP_TOP ? PMM_TICK_TOP : PMM_TICK_TRADE, .price_e8 = e->bid, .bid_e8 = e->bid, .ask_e8 = e->ask, .seq = e->seq, .source_ns = e->source_ns,
                       .flags = e->history ? PMM_TICK_HISTORY : 0};
  pmm_merge_tick(m, e->source, &t, e->mono_ns, WALL0 + e->mono_ns);
}

#define LOG_MAX 400
static uint64_t against_model(uint64_t seed, uint64_t ops, bool broken) {
  static entry_t log[LOG_MAX];
  pmm_rng_t rng;
  pmm_rng_seed(&rng, seed);
  pmm_merge_source_config_t config[6] = {0};
  for (size_t i = 0; i < 6; i++) config[i].limits = LIMITS;
  pmm_merge_params_t params = PARAMS;
  params.jump_sigma = 1e9;
  for (uint64_t done = 0; done < ops;) {
    pmm_merge_t m;
    uint32_t const cnt = (uint32_t)check_between(&rng, 2, 6);
    uint64_t seq[6] = {0};
    int64_t mono_ns = 1000 * S;
    pmm_merge_init(&m, &params, config, cnt);
    for (uint32_t i = 0; i < cnt; i++) pmm_merge_link(&m, i, true, mono_ns);
    for (size_t n = 0; n + 2 <= LOG_MAX; done++) {
      mono_ns += check_between(&rng, 0, 800 * MS);
      log[n] = random_entry(&rng, cnt, mono_ns, seq);
      if (log[n].seq > seq[log[n].source]) seq[log[n].source] = log[n].seq;
      if (!broken || done % 50) apply(&m, &log[n]);
      n++;
      log[n++] = (entry_t){.op = OP_ASK, .mono_ns = mono_ns};
      pmm_merged_t got;
      pmm_merge_price(&m, mono_ns, &got);
      if (got.price_e8 != model_price(log, n, cnt)) return done;
    }
  }
  return NO_MISMATCH;
}

static void test_model(void **state) {
  (void)state;
  check_random("feed merge", against_model, 3000);
  check_canary("feed merge", against_model, 3000);
}

int main(void) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(test_median),     cmocka_unit_test(test_split),         cmocka_unit_test(test_outlier), cmocka_unit_test(test_stale),
                                     cmocka_unit_test(test_beat),       cmocka_unit_test(test_gap_and_crossed), cmocka_unit_test(test_order),  cmocka_unit_test(test_clock),
                                     cmocka_unit_test(test_jump_alone), cmocka_unit_test(test_jump_together), cmocka_unit_test(test_basis),   cmocka_unit_test(test_basis_of_average),
                                     cmocka_unit_test(test_single),     cmocka_unit_test(test_model)};
  return cmocka_run_group_tests_name("feed merge", tests, NULL, NULL);
}
