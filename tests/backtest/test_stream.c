/* Several tapes as one stream: order, moved indices, blocks, and a tape as good as memory. */
#include "backtest/rig.h"
#include "backtest/run.h"

#define TAPES 4

static pmm_error_t err;

/* -- writing tapes -- */
typedef struct tape { const char *path; pmm_md_t *md; size_t cnt; uint32_t markets, unders; } tape_t;

static void write_tape(const tape_t *t, uint32_t number) {
  pmm_tape_writer_t *writer;
  uint32_t at;
  if (pmm_tape_create(&writer, t->path, "test", &err) != PMM_OK) fail_msg("%s", err.text);
  for (uint32_t i = 0; i < t->unders; i++) {
    pmm_underlying_t u = {.kind = PMM_UNDER_TRADE};
    snprintf(u.id, sizeof u.id, "U%u.%u", number, i);
    snprintf(u.source, sizeof u.source, "test");
    assert_int_equal(pmm_tape_add_underlying(writer, &u, &at, &err), PMM_OK);
  }
  for (uint32_t i = 0; i < t->markets; i++) {
    pmm_market_t m;
    char id[32];
    snprintf(id, sizeof id, "M%u.%u", number, i);
    pmm_market_init(&m, id);
    m.data = PMM_DATA_DEPTH | PMM_DATA_TRADES;
    if (t->unders) m.underlying = i % t->unders;
    assert_int_equal(pmm_tape_add_market(writer, &m, &at, &err), PMM_OK);
  }
  for (size_t i = 0; i < t->cnt; i++)
    if (pmm_tape_append(writer, &t->md[i], &err) != PMM_OK) fail_msg("%s", err.text);
  if (pmm_tape_finish(writer, NULL, &err) != PMM_OK) fail_msg("%s", err.text);
}

/* Times ascend by small steps, so that tapes tie often. */
static void random_tape(tape_t *t, pmm_rng_t *rng, size_t cnt, uint32_t markets, uint32_t unders) {
  t->md = calloc(cnt + 1, sizeof *t->md);
  assert_non_null(t->md);
  t->cnt = cnt;
  t->markets = markets;
  t->unders = unders;
  int64_t now = rig_ns(0);
  for (size_t i = 0; i < cnt; i++) {
    now += check_between(rng, 0, 3);
    bool const under = unders && pmm_rng_below(rng, 5) == 0;
    t->md[i] = (pmm_md_t){.recv_ns = now, .exch_ns = PMM_TIME_NONE, .seq = (uint32_t)i, .flags = PMM_F_LAST,
      .kind = under ? (pmm_rng_below(rng, 2) ? PMM_MD_UNDERLYING : PMM_MD_SETTLE_MEAN) : PMM_MD_LEVEL,
      .market = (uint32_t)pmm_rng_below(rng, under ? unders : markets), .price_e4 = under ? 0 : 100 * (int32_t)check_between(rng, 1, 99),
      .qty_e6 = QTY(0.01) * check_between(rng, 1, 500), .side = (uint8_t)pmm_rng_below(rng, 2)};
  }
}

/* -- the slow, obvious merge -- */
typedef struct pick { pmm_md_t md; uint32_t tape; } pick_t;
static int by_time(const void *a, const void *b) {
  const pick_t *const x = a, *const y = b;
  if (x->md.recv_ns != y->md.recv_ns) return x->md.recv_ns < y->md.recv_ns ? -1 : 1;
  if (x->tape != y->tape) return x->tape < y->tape ? -1 : 1;
  return x->md.seq < y->md.seq ? -1 : x->md.seq > y->md.seq;
}

static size_t merge_slowly(const tape_t *t, uint32_t tapes, pick_t *out) {
  size_t n = 0;
  uint32_t market_base = 0, under_base = 0;
  for (uint32_t i = 0; i < tapes; i++) {
    for (size_t k = 0; k < t[i].cnt; k++) {
      out[n] = (pick_t){.md = t[i].md[k], .tape = i};
      out[n++].md.market += t[i].md[k].kind == PMM_MD_LEVEL ? market_base : under_base;
    }
    market_base += t[i].markets;
    under_base += t[i].unders;
  }
  qsort(out, n, sizeof *out, by_time);
  return n;
}

/* -- the property -- */
static bool tables_agree(const pmm__stream_t *s, const tape_t *t, uint32_t tapes) {
  uint32_t markets, unders, m = 0, u = 0;
  const pmm_market_t *const market = pmm__stream_markets(s, &markets);
  const pmm_underlying_t *const under = pmm__stream_underlyings(s, &unders);
  for (uint32_t i = 0; i < tapes; i++) {
    char id[32];
    for (uint32_t k = 0; k < t[i].markets; k++, m++) {
      snprintf(id, sizeof id, "M%u.%u", i, k);
      if (strcmp(market[m].id, id) != 0) return false;
      if (market[m].underlying != (t[i].unders ? u + k % t[i].unders : PMM_UNDER_NONE)) return false;
    }
    for (uint32_t k = 0; k < t[i].unders; k++) {
      snprintf(id, sizeof id, "U%u.%u", i, k);
      if (strcmp(under[u + k].id, id) != 0) return false;
    }
    u += t[i].unders;
  }
  return m == markets && u == unders;
}

static bool same_record(const pmm_md_t *a, const pmm_md_t *b) {
  return a->recv_ns == b->recv_ns && a->exch_ns == b->exch_ns && a->qty_e6 == b->qty_e6 && a->price_e4 == b->price_e4 && a->seq == b->seq &&
         a->market == b->market && a->kind == b->kind && a->side == b->side && a->flags == b->flags && a->aux == b->aux;
}

static bool stream_agrees(const tape_t *t, uint32_t tapes, bool broken) {
  const char *path[TAPES];
  size_t total = 0;
  for (uint32_t i = 0; i < tapes; i++) {
    write_tape(&t[i], i);
    path[i] = t[i].path;
    total += t[i].cnt;
  }
  pick_t *const want = calloc(total + 1, sizeof *want);
  assert_non_null(want);
  merge_slowly(t, tapes, want);
  if (broken && total) want[total / 2].md.market++;
  pmm_backtest_opts_t const opts = {.tape = path, .tape_cnt = tapes};
  pmm__stream_t *s = NULL;
  if (pmm__stream_open(&s, &opts, &err) != PMM_OK) fail_msg("%s", err.text);
  bool good = tables_agree(s, t, tapes) && pmm__stream_total(s) == total && !pmm__stream_truncated(s);
  const pmm_md_t *md;
  size_t cnt, n = 0;
  pmm_status_t st;
  while ((st = pmm__stream_next(s, &md, &cnt, &err)) == PMM_OK)
    for (size_t i = 0; i < cnt; i++, n++) good = good && n < total && same_record(&md[i], &want[n].md);
  good = good && st == PMM_END && n == total;
  pmm__stream_close(s);
  free(want);
  for (uint32_t i = 0; i < tapes; i++) unlink(t[i].path);
  return good;
}

static uint64_t property(uint64_t seed, uint64_t ops, bool broken) {
  pmm_rng_t rng;
  pmm_rng_seed(&rng, seed);
  for (uint64_t done = 0; done < ops;) {
    tape_t t[TAPES] = {{.path = rig_path("a.tape")}, {.path = rig_path("b.tape")}, {.path = rig_path("c.tape")}, {.path = rig_path("d.tape")}};
    uint32_t const tapes = (uint32_t)check_between(&rng, 1, TAPES);
    for (uint32_t i = 0; i < tapes; i++) {
      size_t const most = pmm_rng_below(&rng, 4) ? 500 : 3 * PMM_TAPE_BLOCK_RECORDS / 2; /* now and then more than a block */
      random_tape(&t[i], &rng, (size_t)pmm_rng_below(&rng, most), (uint32_t)check_between(&rng, 1, 3), (uint32_t)pmm_rng_below(&rng, 3));
      done += t[i].cnt + 1;
    }
    bool const good = stream_agrees(t, tapes, broken);
    for (uint32_t i = 0; i < tapes; i++) free(t[i].md);
    if (!good) return done;
  }
  return NO_MISMATCH;
}

static void test_merge(void **state) {
  (void)state;
  check_random("merged tapes", property, 400000);
}
static void test_merge_canary(void **state) {
  (void)state;
  check_canary("merged tapes", property, 1000);
}

/* -- tapes and memory are the same -- */
static rig_t r;
static const rig_quote_t BOTH[] = {{0, 4800, 5200, QTY(10)}, {2, 4700, 5300, QTY(7)}, {4, 4800, 5100, QTY(3)}};

static void busy_stream(uint64_t seed, double shift) {
  pmm_rng_t rng;
  pmm_rng_seed(&rng, seed);
  rig_open(&r, BOTH, COUNT_OF(BOTH));
  r.config.exchange.queue = PMM_QUEUE_FRONT;
  rig_life(&r, shift, PMM_LIFE_OPEN);
  rig_book(&r, shift + 0.5, 4800, 100, 5200, 100);
  for (int i = 1; i < 500; i++) {
    double const at = shift + 0.5 + 0.01 * i;
    pmm_side_t const side = (pmm_side_t)pmm_rng_below(&rng, 2);
    if (pmm_rng_below(&rng, 3)) rig_level(&r, at, side, side == PMM_BID ? 4700 + 100 * (int32_t)pmm_rng_below(&rng, 2) : 5200 + 100 * (int32_t)pmm_rng_below(&rng, 2), (double)(1 + pmm_rng_below(&rng, 90)), PMM_F_LAST);
    else rig_trade(&r, at, side, side == PMM_BID ? 5200 : 4800, (double)(1 + pmm_rng_below(&rng, 4)), PMM_F_LAST);
  }
  rig_resolve(&r, shift + 6, PMM_OUTCOME_YES);
}

static const char *write_rig(const char *name) {
  const char *const path = rig_path(name);
  pmm_tape_writer_t *writer;
  uint32_t at;
  assert_int_equal(pmm_tape_create(&writer, path, "test", &err), PMM_OK);
  for (uint32_t i = 0; i < r.market_cnt; i++) assert_int_equal(pmm_tape_add_market(writer, &r.market[i], &at, &err), PMM_OK);
  for (size_t i = 0; i < r.md_cnt; i++)
    if (pmm_tape_append(writer, &r.md[i], &err) != PMM_OK) fail_msg("%s", err.text);
  assert_int_equal(pmm_tape_finish(writer, NULL, &err), PMM_OK);
  return path;
}

static void run_tapes(const char *const *path, size_t cnt, pmm_result_t *result) {
  pmm_backtest_opts_t const opts = {.tape = path, .tape_cnt = cnt};
  if (pmm_backtest_run(&r.config, &opts, result, &err) != PMM_OK) fail_msg("%s", err.text);
}

static void test_tape_is_as_good_as_memory(void **state) {
  (void)state;
  for (int feed = PMM_FEED_NONE; feed <= PMM_FEED_CONSTANT; feed++) {
    busy_stream(1, 0);
    r.config.latency.feed = feed;
    r.config.latency.feed_ns = 3 * PMM_NS_PER_MS;
    r.config.latency.order_ns = 2 * PMM_NS_PER_MS;
    for (size_t i = 0; i < r.md_cnt; i++) r.md[i].exch_ns = r.md[i].recv_ns - (int64_t)(i % 7) * PMM_NS_PER_MS;
    rig_run(&r);
    assert_true(r.result.fills > 20);
    const char *const path = write_rig("same.tape");
    pmm_result_t other;
    run_tapes(&path, 1, &other);
    assert_true(other.state_hash == r.result.state_hash);
    assert_int_equal(other.pnl_total_e6, r.result.pnl_total_e6);
    pmm_result_free(&other);
    rig_close(&r);
    unlink(path);
  }
}

/* Two tapes together, and their records side by side in memory. */
static void test_two_tapes_are_as_good_as_one(void **state) {
  (void)state;
  busy_stream(2, 0);
  const char *path[2] = {write_rig("one.tape"), NULL};
  static rig_t first;
  first = r;
  busy_stream(3, 0.003);
  path[1] = write_rig("two.tape");
  pmm_result_t together;
  run_tapes(path, 2, &together);
  size_t a = 0, b = 0;
  static rig_t second;
  second = r;
  r.md_cnt = 0;
  while (a < first.md_cnt || b < second.md_cnt) {
    bool const take_b = a == first.md_cnt || (b < second.md_cnt && second.md[b].recv_ns < first.md[a].recv_ns);
    r.md[r.md_cnt] = take_b ? second.md[b++] : first.md[a++];
    r.md[r.md_cnt++].market = take_b;
  }
  r.market[1] = r.market[0];
  r.market_cnt = 2;
  rig_run(&r);
  assert_true(together.state_hash == r.result.state_hash);
  assert_int_equal(together.fills, r.result.fills);
  assert_int_equal(together.market_cnt, 2);
  pmm_result_free(&together);
  rig_close(&r);
  unlink(path[0]);
  unlink(path[1]);
}

/* -- tapes in trouble -- */
static void test_truncated(void **state) {
  (void)state;
  busy_stream(4, 0);
  const char *const path = write_rig("cut.tape");
  pmm_tape_t *tape;
  assert_int_equal(pmm_tape_open(&tape, path, &err), PMM_OK);
  int64_t const bytes = (int64_t)pmm_tape_info(tape)->bytes;
  pmm_tape_close(tape);
  assert_int_equal(truncate(path, bytes - 10), 0);
  pmm_result_t result;
  run_tapes(&path, 1, &result);
  assert_true(result.truncated);
  pmm_result_free(&result);
  const char *const both[2] = {path, path};
  run_tapes(both, 2, &result); /* one of several is enough */
  assert_true(result.truncated);
  pmm_result_free(&result);
  unlink(path);
}

static void test_missing(void **state) {
  (void)state;
  const char *const path = rig_path("nowhere.tape");
  pmm_backtest_opts_t const opts = {.tape = &path, .tape_cnt = 1};
  pmm_result_t result;
  rig_open(&r, BOTH, 1);
  assert_int_equal(pmm_backtest_run(&r.config, &opts, &result, &err), PMM_IO);
  assert_non_null(strstr(err.text, path));
  pmm_result_free(&result);
  busy_stream(5, 0);
  const char *const both[2] = {write_rig("good.tape"), path};
  pmm_backtest_opts_t const two = {.tape = both, .tape_cnt = 2};
  assert_int_equal(pmm_backtest_run(&r.config, &two, &result, &err), PMM_IO);
  pmm_result_free(&result);
  unlink(both[0]);
}

/* A block that is damaged in the middle stops the run with its place, in either way of reading. */
static void test_damaged(void **state) {
  (void)state;
  for (int feed = PMM_FEED_NONE; feed <= PMM_FEED_RECORDED; feed++) {
    busy_stream(6, 0);
    r.config.latency.feed = feed;
    const char *const path = write_rig("bad.tape");
    FILE *const f = fopen(path, "r+b");
    assert_non_null(f);
    fseek(f, 0, SEEK_END);
    long const at = ftell(f) / 2;
    fseek(f, at, SEEK_SET);
    int const was = fgetc(f);
    fseek(f, at, SEEK_SET);
    fputc(was ^ 0x10, f);
    fclose(f);
    pmm_backtest_opts_t const opts = {.tape = &path, .tape_cnt = 1};
    pmm_result_t result;
    assert_int_equal(pmm_backtest_run(&r.config, &opts, &result, &err), PMM_CORRUPT);
    assert_non_null(strstr(err.text, path));
    pmm_result_free(&result);
    unlink(path);
  }
}

static void test_nothing(void **state) {
  (void)state;
  pmm__stream_t *s;
  const pmm_md_t *md;
  size_t cnt;
  pmm_backtest_opts_t const opts = {0};
  assert_int_equal(pmm__stream_open(&s, &opts, &err), PMM_OK);
  assert_int_equal(pmm__stream_next(s, &md, &cnt, &err), PMM_END);
  pmm__stream_close(s);
  pmm__stream_close(NULL);
}

int main(void) {
  const struct CMUnitTest tests[] = {
    cmocka_unit_test(test_merge), cmocka_unit_test(test_merge_canary), cmocka_unit_test(test_tape_is_as_good_as_memory),
    cmocka_unit_test(test_two_tapes_are_as_good_as_one), cmocka_unit_test(test_truncated), cmocka_unit_test(test_missing), cmocka_unit_test(test_damaged),
    cmocka_unit_test(test_nothing),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
