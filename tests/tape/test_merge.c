/* Merging tapes: order, tables, markets in parts; and a random tape dealt out and put together again. */
#include "tape/tape_test.h"

typedef struct row { const char *market; pmm_md_t md; } row_t; /* market NULL: the underlying BTC of source `aux` 0 or 1 */

static const char *write_tape(const char *name, const row_t *row, size_t cnt, int32_t tick_e4) {
  const char *const path = scratch(name);
  pmm_tape_writer_t *w;
  pmm_error_t err = {0};
  ASSERT_OK(pmm_tape_create(&w, path, name, &err), err);
  for (size_t i = 0; i < cnt; i++) {
    pmm_md_t md = row[i].md;
    if (row[i].market) {
      pmm_market_t m;
      pmm_market_init(&m, row[i].market);
      m.life = PMM_LIFE_PENDING;
      assert_int_equal(pmm_grid_uniform(&m.grid, tick_e4), PMM_OK);
      ASSERT_OK(pmm_tape_add_market(w, &m, &md.market, &err), err);
    } else {
      pmm_underlying_t const u = {.id = "BTC", .source = "test", .kind = md.aux};
      ASSERT_OK(pmm_tape_add_underlying(w, &u, &md.market, &err), err);
    }
    ASSERT_OK(pmm_tape_append(w, &md, &err), err);
  }
  ASSERT_OK(pmm_tape_finish(w, NULL, &err), err);
  return path;
}

#define STATUS(at, life, outcome) {.recv_ns = at, .kind = PMM_MD_STATUS, .aux = PMM_LIFE_##life, .side = PMM_OUTCOME_##outcome, .qty_e6 = PMM_OUTCOME_##outcome == PMM_OUTCOME_YES ? 1000000 : 0}
#define MARK(at, n) {.recv_ns = at, .kind = PMM_MD_MARK, .seq = n, .flags = PMM_F_LAST}
#define VALUE(at, value, what) {.recv_ns = at, .kind = PMM_MD_UNDERLYING, .qty_e6 = INT64_C(value) * 100000000, .aux = what, .flags = PMM_F_LAST}

static whole_t merge(const char *const *path, size_t n, bool join, pmm_tape_merge_stats_t *stats) {
  pmm_tape_merge_opts_t const opts = {.join = join};
  pmm_tape_check_t check;
  pmm_error_t err = {0};
  ASSERT_OK(pmm_tape_merge(path, n, &opts, scratch("merged.tape"), stats, &err), err);
  ASSERT_OK(pmm_tape_verify(scratch("merged.tape"), &check, &err), err);
  return read_tape(scratch("merged.tape"));
}

static void test_tables(void **state) {
  (void)state;
  static const row_t a[] = {{"A", STATUS(1, OPEN, UNKNOWN)}, {NULL, VALUE(2, 5, 0)}, {"A", MARK(3, 1)}, {NULL, VALUE(9, 6, 0)}};
  static const row_t b[] = {{"B", STATUS(2, OPEN, UNKNOWN)}, {NULL, VALUE(3, 7, 0)}, {NULL, VALUE(3, 8, 1)}, {"C", MARK(10, 1)}};
  static const char *const want[] = {"0 status open", "u0 5 kind 0 !", "1 status open", "0 mark !", "u0 7 kind 0 !", "u1 8 kind 1 !", "u0 6 kind 0 !", "2 mark !"};
  const char *const path[] = {write_tape("a", a, COUNT_OF(a), 100), write_tape("b", b, COUNT_OF(b), 100)};
  pmm_tape_merge_stats_t stats;
  whole_t w = merge(path, 2, false, &stats);
  assert_records(&w, want, COUNT_OF(want));
  assert_int_equal(stats.markets, 3);
  assert_int_equal(stats.underlyings, 2);
  assert_int_equal(stats.records, COUNT_OF(want));
  assert_string_equal(pmm_tape_info(w.tape)->provenance, "{\"made_by\":\"pmm tape merge\",\"join\":false,\"tapes\":[\"a\",\"b\"]}\na\nb");
  free_whole(&w);
}

/* Two recordings of one market, named in the wrong order: the first one's end is none, the silence between is a gap. */
static void test_join(void **state) {
  (void)state;
  static const row_t one[] = {{"A", STATUS(1, OPEN, UNKNOWN)}, {"A", MARK(2, 1)}, {"A", STATUS(2, CLOSED, UNKNOWN)}, {"A", STATUS(2, RESOLVED, NO)}};
  static const row_t two[] = {{"A", STATUS(5, OPEN, UNKNOWN)}, {"A", MARK(6, 1)}, {"A", STATUS(7, CLOSED, UNKNOWN)}, {"A", STATUS(7, RESOLVED, YES)}};
  static const char *const want[] = {"0 status open", "0 mark !", "0 gap", "0 status open", "0 mark !", "0 status closed", "0 status resolved yes"};
  const char *const path[] = {write_tape("two", two, COUNT_OF(two), 100), write_tape("one", one, COUNT_OF(one), 100)};
  pmm_tape_merge_stats_t stats;
  whole_t w = merge(path, 2, true, &stats);
  assert_records(&w, want, COUNT_OF(want));
  assert_int_equal(w.md[2].recv_ns, 5);
  assert_int_equal(w.md[2].exch_ns, 2);
  assert_int_equal(stats.joined, 1);
  assert_int_equal(stats.dropped, 2);
  free_whole(&w);
}

static void test_refusals(void **state) {
  (void)state;
  static const row_t one[] = {{"A", MARK(1, 1)}, {"A", MARK(5, 2)}}, over[] = {{"A", MARK(3, 1)}};
  const char *const a = write_tape("one", one, 2, 100), *const b = write_tape("over", over, 1, 100), *const other = write_tape("other", over, 1, 10);
  const struct { const char *why, *path[2]; bool join; pmm_status_t status; const char *message; } rows[] = {
      {"twice", {a, b}, false, PMM_INVAL, "over: market A is on an earlier tape too"},
      {"overlap", {a, b}, true, PMM_INVAL, "overlap in time"},
      {"another grid", {a, other}, true, PMM_INVAL, "another venue or grid"},
      {"no such file", {a, "none.tape"}, true, PMM_IO, "none.tape"},
  };
  for (size_t i = 0; i < COUNT_OF(rows); i++) {
    pmm_tape_merge_opts_t const opts = {.join = rows[i].join};
    pmm_tape_merge_stats_t stats;
    pmm_error_t err = {0};
    pmm_status_t const st = pmm_tape_merge(rows[i].path, 2, &opts, "/tmp/pmm-no-merge.tape", &stats, &err);
    if (st != rows[i].status || !strstr(err.text, rows[i].message)) fail_msg("%s: %s '%s'", rows[i].why, pmm_status_to_string(st), err.text);
    assert_int_not_equal(access("/tmp/pmm-no-merge.tape", F_OK), 0);
    assert_int_not_equal(access("/tmp/pmm-no-merge.tape.tmp", F_OK), 0);
  }
}

/* Records of many markets dealt to three tapes by market; merged they are those of one tape, per market in order. */
static uint64_t property(uint64_t seed, uint64_t ops, bool broken) {
  enum { TAPES = 3, MARKETS = 7 };
  pmm_rng_t rng;
  pmm_rng_seed(&rng, seed);
  row_t *const all = calloc(ops, sizeof *all), *const part = calloc(ops, sizeof *part);
  static const char *const names[MARKETS] = {"A", "B", "C", "D", "E", "F", "G"};
  int64_t now_ns = 1;
  for (uint64_t i = 0; i < ops; i++) {
    now_ns += (int64_t)pmm_rng_below(&rng, 4);
    all[i] = (row_t){names[pmm_rng_below(&rng, MARKETS)], MARK(now_ns, (uint32_t)i)};
  }
  char path[TAPES][128];
  const char *paths[TAPES];
  for (int t = 0; t < TAPES; t++) {
    size_t n = 0;
    for (uint64_t i = 0; i < ops; i++)
      if ((all[i].market[0] - 'A') % TAPES == t) part[n++] = all[i];
    char name[16];
    snprintf(name, sizeof name, "part%d", t);
    snprintf(path[t], sizeof path[t], "%s", write_tape(name, part, n, 100));
    paths[t] = path[t];
  }
  pmm_tape_merge_stats_t stats;
  whole_t w = merge(paths, TAPES, false, &stats);
  if (broken) w.md[ops / 2].seq ^= 1;
  uint64_t at = w.cnt == ops ? NO_MISMATCH : ops;
  size_t next[MARKETS] = {0}; /* where each market's records go on in `all` */
  for (uint64_t i = 0; i < w.cnt && at == NO_MISMATCH; i++) {
    int const m = pmm_tape_market(w.tape, w.md[i].market)->id[0] - 'A';
    while (next[m] < ops && all[next[m]].market[0] - 'A' != m) next[m]++;
    if (next[m] == ops || all[next[m]].md.seq != w.md[i].seq || all[next[m]].md.recv_ns != w.md[i].recv_ns) at = i;
    next[m]++;
  }
  free_whole(&w);
  free(all);
  free(part);
  return at;
}

static void test_random(void **state) { (void)state; check_random("tape.merge", property, 50000); }
static void test_canary(void **state) { (void)state; check_canary("tape.merge", property, 500); }

int main(void) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(test_tables), cmocka_unit_test(test_join), cmocka_unit_test(test_refusals),
                                     cmocka_unit_test(test_random), cmocka_unit_test(test_canary)};
  return cmocka_run_group_tests(tests, scratch_setup, scratch_teardown);
}
