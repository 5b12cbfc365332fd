/* The tape format: what goes in comes out; damage, cuts and full disks are seen. */
#include <fcntl.h>
#include <signal.h>
#include <sys/file.h>
#include <sys/resource.h>
#include "tape/format.h"
#include "tape/tape_test.h"
#include "pmm/hash.h"

static pmm_market_t make_market(const char *id) {
  pmm_market_t m;
  pmm_market_init(&m, id);
  m.life = PMM_LIFE_PENDING;
  m.venue = PMM_VENUE_KALSHI;
  m.tie_is_yes = 1;
  m.data = PMM_DATA_DEPTH | PMM_DATA_TRADES;
  m.underlying = 1;
  assert_int_equal(pmm_grid_named(&m.grid, "tapered_deci_cent"), PMM_OK);
  m.fees = (pmm_fee_schedule_t){.model = PMM_FEE_KALSHI, .taker_rate_e6 = 70000, .maker_rate_e6 = 17500, .precision_e6 = 100, .rebate_share_e6 = 5};
  m.open_ns = 1000;
  m.close_ns = 2000;
  m.strike_e8 = INT64_C(8007729000000);
  m.settle_window_ns = 60 * PMM_NS_PER_S;
  snprintf(m.event, sizeof m.event, "E-%s", id);
  snprintf(m.token_yes, sizeof m.token_yes, "yes-%s", id);
  snprintf(m.token_no, sizeof m.token_no, "no-%s", id);
  return m;
}

static pmm_tape_writer_t *create(const char *path) {
  pmm_tape_writer_t *w;
  pmm_error_t err = {0};
  ASSERT_OK(pmm_tape_create(&w, path, "{\"made\":\"by a test\"}", &err), err);
  return w;
}

static uint32_t add_market(pmm_tape_writer_t *w, const char *id) {
  pmm_market_t const m = make_market(id);
  pmm_error_t err = {0};
  uint32_t index;
  ASSERT_OK(pmm_tape_add_market(w, &m, &index, &err), err);
  return index;
}

static uint32_t add_underlying(pmm_tape_writer_t *w, const char *id, pmm_under_kind_t kind) {
  pmm_underlying_t u = {.kind = (uint8_t)kind};
  pmm_error_t err = {0};
  uint32_t index;
  snprintf(u.id, sizeof u.id, "%s", id);
  snprintf(u.source, sizeof u.source, "somewhere");
  ASSERT_OK(pmm_tape_add_underlying(w, &u, &index, &err), err);
  return index;
}

static void append(pmm_tape_writer_t *w, const pmm_md_t *md) {
  pmm_error_t err = {0};
  ASSERT_OK(pmm_tape_append(w, md, &err), err);
}

/* -- random records -- */
/* Time stands still, steps a little or leaps; sizes are lots, odd or huge; venue time may be missing or far off. */
static pmm_md_t random_md(pmm_rng_t *rng, int64_t *now_ns, uint32_t market_cnt, uint32_t underlying_cnt) {
  static const int64_t steps[] = {0, 256, 1000, PMM_NS_PER_S, 86400 * PMM_NS_PER_S};
  static const uint8_t kinds[] = {PMM_MD_LEVEL, PMM_MD_LEVEL, PMM_MD_LEVEL, PMM_MD_TRADE, PMM_MD_CLEAR, PMM_MD_MARK, PMM_MD_UNDERLYING,
                                  PMM_MD_GAP, PMM_MD_VOLUME, PMM_MD_SETTLE_MEAN, PMM_MD_TICK, PMM_MD_STATUS,
                                  PMM_MD_PRICE, PMM_MD_PHASE, PMM_MD_SETTLEMENT, PMM_MD_STRIKE};
  pmm_md_t md = {.kind = kinds[pmm_rng_below(rng, COUNT_OF(kinds))]};
  bool const under = pmm_kind_is_underlying(md.kind);
  *now_ns += steps[pmm_rng_below(rng, pmm_rng_below(rng, 50) ? 3 : COUNT_OF(steps))] * check_between(rng, 0, 9);
  md.recv_ns = *now_ns;
  uint64_t const how = pmm_rng_below(rng, 20);
  md.exch_ns = how == 0 ? PMM_TIME_NONE : how == 1 ? (int64_t)(pmm_rng_u64(rng) >> 2) - (INT64_C(1) << 61) : *now_ns - check_between(rng, 0, 1000) * 1000;
  md.qty_e6 = how == 2 ? (int64_t)pmm_rng_u64(rng) : check_between(rng, 0, 100000) * 10000;
  md.price_e4 = how == 3 ? (int32_t)pmm_rng_u64(rng) : (int32_t)check_between(rng, 1, 999) * 10;
  md.seq = how == 4 ? (uint32_t)pmm_rng_u64(rng) : (uint32_t)check_between(rng, 0, 3);
  md.market = (uint32_t)pmm_rng_below(rng, under ? underlying_cnt : market_cnt);
  md.side = (uint8_t)pmm_rng_below(rng, 2);
  md.flags = (uint8_t)pmm_rng_u64(rng);
  md.aux = (uint8_t)(md.kind == PMM_MD_STATUS ? pmm_rng_below(rng, PMM_LIFE_RESOLVED) : pmm_rng_below(rng, 3));
  return md;
}

/* Writes ops random records with markets appearing on the way, and reads them back; `broken` changes one in the copy. */
static uint64_t roundtrip(uint64_t seed, uint64_t ops, bool broken) {
  pmm_rng_t rng;
  pmm_rng_seed(&rng, seed);
  const char *const path = scratch("random.tape");
  pmm_tape_writer_t *const w = create(path);
  pmm_md_t *const copy = malloc(ops * sizeof *copy);
  pmm_error_t err = {0};
  int64_t now_ns = INT64_C(1776323404776089200);
  uint32_t markets = 1;
  add_market(w, "M0");
  add_underlying(w, "A", PMM_UNDER_TRADE);
  add_underlying(w, "A", PMM_UNDER_TWAP);
  for (uint64_t i = 0; i < ops; i++) {
    char id[16];
    snprintf(id, sizeof id, "M%u", markets);
    if (pmm_rng_below(&rng, 300) == 0 && markets < 2000) assert_int_equal(add_market(w, id), markets++);
    copy[i] = random_md(&rng, &now_ns, markets, 2);
    append(w, &copy[i]);
    if (pmm_rng_below(&rng, 40000) == 0) ASSERT_OK(pmm_tape_flush(w, &err), err);
  }
  ASSERT_OK(pmm_tape_finish(w, "a note", &err), err);
  if (broken) copy[ops / 2].qty_e6 ^= 1;
  whole_t t = read_tape(path);
  uint64_t at = NO_MISMATCH;
  for (uint64_t i = ops; i-- > 0;)
    if (memcmp(&copy[i], &t.md[i], sizeof copy[i]) != 0) at = i;
  if (t.cnt != ops || pmm_tape_market_cnt(t.tape) != markets || pmm_tape_underlying_cnt(t.tape) != 2) at = ops;
  free_whole(&t);
  free(copy);
  return at;
}

static void test_random_roundtrip(void **state) {
  (void)state;
  check_random("tape roundtrip", roundtrip, 200000);
}

static void test_canary(void **state) {
  (void)state;
  check_canary("tape roundtrip", roundtrip, 5000);
}

/* -- tables, info, seek -- */
static void test_tables(void **state) {
  (void)state;
  pmm_error_t err = {0};
  pmm_tape_writer_t *const w = create(scratch("tables.tape"));
  pmm_market_t m = make_market("FIRST");
  uint32_t index;
  assert_int_equal(add_market(w, "FIRST"), 0);
  assert_int_equal(add_market(w, "SECOND"), 1);
  assert_int_equal(add_underlying(w, "BTC-USD", PMM_UNDER_TRADE), 0);
  assert_int_equal(add_underlying(w, "BTC-USD", PMM_UNDER_ORACLE), 1);
  assert_int_equal(add_underlying(w, "BTC-USD", PMM_UNDER_TRADE), 0);
  append(w, &(pmm_md_t){.recv_ns = 5, .exch_ns = PMM_TIME_NONE, .kind = PMM_MD_MARK, .market = 1});
  m.outcome = PMM_OUTCOME_YES;
  m.payout_yes_e6 = PMM_ONE_E6;
  ASSERT_OK(pmm_tape_add_market(w, &m, &index, &err), err); /* an update */
  assert_int_equal(index, 0);
  ASSERT_OK(pmm_tape_finish(w, "the end", &err), err);
  whole_t t = read_tape(scratch("tables.tape"));
  pmm_market_t const second = make_market("SECOND");
  assert_memory_equal(pmm_tape_market(t.tape, 0), &m, sizeof m);
  assert_memory_equal(pmm_tape_market(t.tape, 1), &second, sizeof second);
  assert_null(pmm_tape_market(t.tape, 2));
  assert_string_equal(pmm_tape_underlying(t.tape, 1)->id, "BTC-USD");
  assert_int_equal(pmm_tape_underlying(t.tape, 1)->kind, PMM_UNDER_ORACLE);
  assert_null(pmm_tape_underlying(t.tape, 2));
  const pmm_tape_info_t *const info = pmm_tape_info(t.tape);
  assert_string_equal(info->provenance, "{\"made\":\"by a test\"}\nthe end");
  assert_int_equal(info->records, 1);
  assert_int_equal(info->raw_bytes, 40);
  assert_int_equal(info->first_ns, 5);
  assert_int_equal(info->last_ns, 5);
  assert_false(info->truncated);
  free_whole(&t);
}

static void test_unknown_fields(void **state) { /* a later version may append fields and entries */
  (void)state;
  pmm__bytes_t bytes = {0};
  pmm__tables_t tables = {0};
  const char *why = NULL;
  pmm_market_t const m = make_market("M");
  assert_true(pmm__entry_put_market(&bytes, 0, &m));
  assert_true(pmm__bytes_reserve(&bytes, 100));
  memset(bytes.data + bytes.len, 0xee, 9);
  bytes.len += 9;
  pmm__put32(bytes.data + 4, pmm__get32(bytes.data + 4) + 9);
  size_t const entry_len = bytes.len;
  memcpy(bytes.data + bytes.len, bytes.data, entry_len); /* the same under an unknown kind */
  pmm__put16(bytes.data + bytes.len, 77);
  bytes.len += entry_len;
  assert_int_equal(pmm__tables_read(&tables, bytes.data, bytes.len, &why), PMM_OK);
  assert_int_equal(tables.market_cnt, 1);
  assert_memory_equal(&tables.market[0], &m, sizeof m);
  for (size_t len = 1; len < entry_len; len++) /* cut anywhere it is refused */
    assert_int_equal(pmm__tables_read(&tables, bytes.data, len, &why), PMM_CORRUPT);
  for (size_t fields = 0; fields < entry_len - 9 - 8; fields++) { /* and so is an entry without all its fields */
    pmm__put32(bytes.data + 4, (uint32_t)fields);
    assert_int_equal(pmm__tables_read(&tables, bytes.data, 8 + fields, &why), PMM_CORRUPT);
  }
  pmm__tables_fini(&tables);
  free(bytes.data);
}

static void test_table_limits(void **state) {
  (void)state;
  pmm__tables_t tables = {0};
  pmm_underlying_t const u = {.id = "U"};
  pmm_market_t const m = make_market("M");
  for (uint32_t i = 0; i < PMM_TAPE_UNDER_MAX; i++) assert_int_equal(pmm__tables_set_underlying(&tables, i, &u), PMM_OK);
  assert_int_equal(pmm__tables_set_underlying(&tables, PMM_TAPE_UNDER_MAX, &u), PMM_FULL);
  assert_int_equal(pmm__tables_set_underlying(&tables, PMM_TAPE_UNDER_MAX + 1, &u), PMM_INVAL);
  assert_int_equal(pmm__tables_set_market(&tables, 1, &m), PMM_INVAL);
  for (uint32_t i = 0; i < PMM_TAPE_MARKETS_MAX; i++) assert_int_equal(pmm__tables_set_market(&tables, i, &m), PMM_OK);
  assert_int_equal(pmm__tables_set_market(&tables, PMM_TAPE_MARKETS_MAX, &m), PMM_FULL);
  pmm__tables_fini(&tables);
}

static void test_seek(void **state) {
  (void)state;
  pmm_error_t err = {0};
  pmm_tape_writer_t *const w = create(scratch("seek.tape"));
  add_market(w, "M");
  for (int i = 0; i < 10; i++) { /* ten blocks of one record at 0, 100, ... */
    append(w, &(pmm_md_t){.recv_ns = i * 100, .exch_ns = PMM_TIME_NONE, .kind = PMM_MD_MARK, .seq = (uint32_t)i});
    ASSERT_OK(pmm_tape_flush(w, &err), err);
  }
  ASSERT_OK(pmm_tape_finish(w, NULL, &err), err);
  pmm_tape_t *tape;
  pmm_tape_cursor_t *c;
  ASSERT_OK(pmm_tape_open(&tape, scratch("seek.tape"), &err), err);
  ASSERT_OK(pmm_tape_cursor_open(&c, tape, &err), err);
  static const struct { int64_t ns; int want; } rows[] = {{-5, 0}, {0, 0}, {1, 1}, {100, 1}, {450, 5}, {899, 9}, {900, 9}, {901, -1}};
  for (size_t i = 0; i < COUNT_OF(rows); i++) {
    const pmm_md_t *md;
    size_t cnt;
    pmm_status_t const st = pmm_tape_cursor_seek(c, rows[i].ns, &err);
    assert_int_equal(st, rows[i].want < 0 ? PMM_END : PMM_OK);
    assert_int_equal(pmm_tape_cursor_next(c, &md, &cnt, &err), st);
    if (st == PMM_OK) assert_int_equal(md->seq, rows[i].want);
  }
  pmm_tape_cursor_close(c);
  pmm_tape_close(tape);
}

/* -- what append refuses -- */
static void test_append_refuses(void **state) {
  (void)state;
  pmm_error_t err = {0};
  pmm_tape_writer_t *const w = create(scratch("refuse.tape"));
  add_market(w, "M");
  add_underlying(w, "U", PMM_UNDER_TRADE);
  append(w, &(pmm_md_t){.recv_ns = 100, .exch_ns = PMM_TIME_NONE, .kind = PMM_MD_MARK});
#define MD(...) (pmm_md_t){.recv_ns = 100, .exch_ns = PMM_TIME_NONE, __VA_ARGS__}
  const struct { const char *why; pmm_md_t md; } rows[] = {
      {"no kind", MD(.kind = PMM_KIND_NONE)},
      {"an account event", MD(.kind = PMM_EV_FILL)},
      {"a kind that does not exist", MD(.kind = 15)},
      {"a market that was not added", MD(.kind = PMM_MD_MARK, .market = 1)},
      {"an underlying that was not added", MD(.kind = PMM_MD_UNDERLYING, .market = 1)},
      {"an underlying of unknown kind", MD(.kind = PMM_MD_UNDERLYING, .aux = 3)},
      {"a level on a third side", MD(.kind = PMM_MD_LEVEL, .side = 2)},
      {"a trade on a third side", MD(.kind = PMM_MD_TRADE, .side = 2)},
      {"a life state that does not exist", MD(.kind = PMM_MD_STATUS, .aux = 6)},
      {"resolved without an outcome", MD(.kind = PMM_MD_STATUS, .aux = PMM_LIFE_RESOLVED)},
      {"a phase that does not exist", MD(.kind = PMM_MD_PHASE, .aux = 3)},
      {"time that goes back", (pmm_md_t){.recv_ns = 99, .kind = PMM_MD_MARK}},
      {"no receive time", (pmm_md_t){.recv_ns = PMM_TIME_NONE, .kind = PMM_MD_MARK}},
      {"venue time out of range", (pmm_md_t){.recv_ns = 100, .exch_ns = INT64_MAX, .kind = PMM_MD_MARK}},
  };
  for (size_t i = 0; i < COUNT_OF(rows); i++)
    if (pmm_tape_append(w, &rows[i].md, &err) != PMM_INVAL) fail_msg("%s was taken", rows[i].why);
  uint32_t index;
  pmm_market_t bad = make_market("B");
  bad.lot_e6 = 0;
  assert_int_equal(pmm_tape_add_market(w, &bad, &index, &err), PMM_INVAL);
  assert_int_equal(pmm_tape_add_underlying(w, &(pmm_underlying_t){.id = "", .kind = 0}, &index, &err), PMM_INVAL);
  assert_int_equal(pmm_tape_add_underlying(w, &(pmm_underlying_t){.id = "x", .kind = 9}, &index, &err), PMM_INVAL);
  pmm_tape_abort(w);
  assert_int_not_equal(access(scratch("refuse.tape.tmp"), F_OK), 0);
  pmm_tape_abort(NULL);
  pmm_tape_close(NULL);
  pmm_tape_cursor_close(NULL);
}

/* -- damage -- */
/* A tape with a little of everything, small enough to damage in every way. */
static void write_small(const char *path) {
  pmm_error_t err = {0};
  pmm_tape_writer_t *const w = create(path);
  add_market(w, "M");
  add_underlying(w, "U", PMM_UNDER_TRADE);
  add_underlying(w, "U", PMM_UNDER_ORACLE);
  int64_t now = 1000;
#define PUT(...) now += 7, append(w, &(pmm_md_t){.recv_ns = now, .exch_ns = now - 3, __VA_ARGS__})
  PUT(.kind = PMM_MD_STATUS, .aux = PMM_LIFE_OPEN);
  PUT(.kind = PMM_MD_CLEAR, .flags = PMM_F_SNAPSHOT);
  for (int i = 1; i < 40; i++) PUT(.kind = PMM_MD_LEVEL, .side = (uint8_t)(i & 1), .price_e4 = i % 2 ? 9990 - 10 * i : 10 * i, .qty_e6 = i * 10000, .flags = PMM_F_LAST, .seq = (uint32_t)i);
  ASSERT_OK(pmm_tape_flush(w, &err), err);
  add_market(w, "N");
  PUT(.kind = PMM_MD_TRADE, .side = 1, .price_e4 = 20, .qty_e6 = 5);
  PUT(.kind = PMM_MD_UNDERLYING, .qty_e6 = 99, .aux = PMM_UNDER_TRADE);
  PUT(.kind = PMM_MD_SETTLE_MEAN, .qty_e6 = 98);
  PUT(.kind = PMM_MD_VOLUME, .qty_e6 = 98);
  PUT(.kind = PMM_MD_TICK, .price_e4 = 5, .market = 1);
  PUT(.kind = PMM_MD_GAP, .market = 1);
  PUT(.kind = PMM_MD_MARK, .market = 1);
  PUT(.kind = PMM_MD_STATUS, .aux = PMM_LIFE_CLOSED);
  PUT(.kind = PMM_MD_STATUS, .aux = PMM_LIFE_RESOLVED, .side = PMM_OUTCOME_YES, .qty_e6 = PMM_ONE_E6);
  ASSERT_OK(pmm_tape_finish(w, "note", &err), err);
}

/* Opens and reads whatever is there: it may fail, but only with a status. */
static void exercise(const char *path) {
  pmm_tape_t *tape;
  pmm_tape_cursor_t *c;
  pmm_error_t err = {0};
  const pmm_md_t *md;
  size_t cnt;
  if (pmm_tape_open(&tape, path, &err) != PMM_OK) return;
  ASSERT_OK(pmm_tape_cursor_open(&c, tape, &err), err);
  while (pmm_tape_cursor_next(c, &md, &cnt, &err) == PMM_OK) continue;
  pmm_tape_cursor_close(c);
  pmm_tape_close(tape);
}

static void test_every_bit(void **state) {
  (void)state;
  size_t len;
  pmm_tape_check_t check;
  pmm_error_t err = {0};
  write_small(scratch("small.tape"));
  ASSERT_OK(pmm_tape_verify(scratch("small.tape"), &check, &err), err);
  assert_int_equal(check.markets, 2);
  assert_int_equal(check.levels, 39);
  assert_int_equal(check.trades, 1);
  assert_int_equal(check.gaps, 1);
  unsigned char *const data = read_file(scratch("small.tape"), &len);
  const char *const path = scratch("flipped.tape");
  int const fd = open(path, O_RDWR | O_CREAT | O_TRUNC, 0600);
  assert_int_equal(write(fd, data, len), (ssize_t)len);
  for (size_t bit = 0; bit < 8 * len; bit++) {
    unsigned char const flipped = (unsigned char)(data[bit / 8] ^ 1 << bit % 8);
    assert_int_equal(pwrite(fd, &flipped, 1, (off_t)(bit / 8)), 1);
    err.text[0] = '\0';
    if (pmm_tape_verify(path, &check, &err) == PMM_OK) fail_msg("bit %zu of byte %zu of %zu: not noticed", bit % 8, bit / 8, len);
    if (!strstr(err.text, path)) fail_msg("bit %zu: message '%s' does not name the file", bit, err.text);
    if (bit % 8 == 3) exercise(path);
    assert_int_equal(pwrite(fd, &data[bit / 8], 1, (off_t)(bit / 8)), 1);
  }
  ASSERT_OK(pmm_tape_verify(path, &check, &err), err); /* and put back it is sound: the test itself can tell */
  close(fd);
  free(data);
}

static void test_every_cut(void **state) {
  (void)state;
  size_t len;
  pmm_tape_check_t check;
  pmm_error_t err = {0};
  write_small(scratch("cut.tape"));
  unsigned char *const data = read_file(scratch("cut.tape"), &len);
  data[len] = 'x'; /* a byte too many */
  write_file(scratch("cut.tape"), data, len + 1);
  assert_int_equal(pmm_tape_verify(scratch("cut.tape"), &check, &err), PMM_TRUNCATED);
  uint64_t records_before = 50;
  for (size_t cut = len; cut-- > 0;) {
    pmm_tape_t *tape;
    assert_int_equal(truncate(scratch("cut.tape"), (off_t)cut), 0);
    pmm_status_t const st = pmm_tape_open(&tape, scratch("cut.tape"), &err);
    assert_int_equal(st, cut == 0 ? PMM_INVAL : cut < 64 ? PMM_TRUNCATED : PMM_OK);
    if (st == PMM_OK) {
      const pmm_tape_info_t *const info = pmm_tape_info(tape);
      assert_true(info->truncated);
      assert_true(info->lost_bytes < cut);
      assert_true(info->records <= records_before); /* fewer bytes, never more records */
      records_before = info->records;
      pmm_tape_close(tape);
    } else {
      assert_non_null(strstr(err.text, "cut.tape"));
    }
    assert_int_not_equal(pmm_tape_verify(scratch("cut.tape"), &check, &err), PMM_OK);
    if (cut % 7 == 0) exercise(scratch("cut.tape"));
  }
  assert_int_equal(records_before, 0);
  free(data);
}

static void test_truncated_is_readable(void **state) {
  (void)state;
  size_t len;
  write_small(scratch("small.tape"));
  unsigned char *const data = read_file(scratch("small.tape"), &len);
  write_file(scratch("cut.tape"), data, len - 1);
  whole_t whole = read_tape(scratch("small.tape")), cut = read_tape(scratch("cut.tape"));
  assert_int_equal(whole.cnt, cut.cnt);
  assert_memory_equal(whole.md, cut.md, whole.cnt * sizeof *whole.md);
  assert_int_equal(pmm_tape_market_cnt(cut.tape), 2);
  free_whole(&whole);
  free_whole(&cut);
  free(data);
}

static void test_not_a_tape(void **state) {
  (void)state;
  unsigned char header[64];
  pmm_tape_t *tape;
  pmm_error_t err = {0};
  static const char text[] = "timestamp,price\n1,2\n";
  write_file(scratch("x"), text, sizeof text);
  assert_int_equal(pmm_tape_open(&tape, scratch("x"), &err), PMM_PARSE);
  write_file(scratch("x"), "PM", 2);
  assert_int_equal(pmm_tape_open(&tape, scratch("x"), &err), PMM_TRUNCATED);
  pmm__file_header_put(header);
  pmm__put32(header + 8, 2); /* a later version, correctly sealed */
  pmm__put32(header + 60, pmm_crc32c(0, header, 60));
  write_file(scratch("x"), header, sizeof header);
  assert_int_equal(pmm_tape_open(&tape, scratch("x"), &err), PMM_VERSION);
  pmm__file_header_put(header);
  pmm__put32(header + 16, 48); /* other records */
  pmm__put32(header + 60, pmm_crc32c(0, header, 60));
  write_file(scratch("x"), header, sizeof header);
  assert_int_equal(pmm_tape_open(&tape, scratch("x"), &err), PMM_CORRUPT);
  assert_int_equal(pmm_tape_open(&tape, scratch("none"), &err), PMM_IO);
  assert_int_equal(pmm_tape_open(&tape, scratch_dir, &err), PMM_IO);
  assert_non_null(strstr(err.text, "not a regular file"));
}

/* -- records that are bytewise sound but make no sense: verify says which -- */
static void test_verify_reads_records(void **state) {
  (void)state;
#define OPEN {.kind = PMM_MD_STATUS, .aux = PMM_LIFE_OPEN}
  static const struct { const char *why; pmm_md_t md[3]; const char *message; } rows[] = {
      {"off the grid", {{.kind = PMM_MD_LEVEL, .price_e4 = 15, .qty_e6 = 1}}, "price off the grid"},
      {"price 1", {{.kind = PMM_MD_LEVEL, .price_e4 = 10000, .qty_e6 = 1}}, "price off the grid"},
      {"negative size", {{.kind = PMM_MD_LEVEL, .price_e4 = 10, .qty_e6 = -1}}, "negative size"},
      {"empty trade", {{.kind = PMM_MD_TRADE, .price_e4 = 10}}, "trade without a quantity"},
      {"trade at 0", {{.kind = PMM_MD_TRADE, .qty_e6 = 10}}, "trade price"},
      {"negative volume", {{.kind = PMM_MD_VOLUME, .qty_e6 = -1}}, "negative volume"},
      {"price beyond 1", {{.kind = PMM_MD_PRICE, .price_e4 = 10001}}, "price outside 0..1"},
      {"more fills fail than there are", {{.kind = PMM_MD_SETTLEMENT, .price_e4 = 10001}}, "share of failing fills"},
      {"strike at 0", {{.kind = PMM_MD_STRIKE}}, "strike not above 0"},
      {"underlying at 0", {{.kind = PMM_MD_UNDERLYING}}, "without a value"},
      {"tick", {{.kind = PMM_MD_TICK, .price_e4 = 3}}, "does not divide"},
      {"closed before open", {{.kind = PMM_MD_STATUS, .aux = PMM_LIFE_CLOSED}}, "life cycle"},
      {"payout", {OPEN, {.kind = PMM_MD_STATUS, .aux = PMM_LIFE_CLOSED}, {.kind = PMM_MD_STATUS, .aux = PMM_LIFE_RESOLVED, .side = 1, .qty_e6 = 2000000}}, "payout"},
  };
  for (size_t i = 0; i < COUNT_OF(rows); i++) {
    pmm_error_t err = {0};
    pmm_tape_check_t check;
    pmm_tape_writer_t *const w = create(scratch("senseless.tape"));
    add_market(w, "M");
    add_underlying(w, "U", PMM_UNDER_TRADE);
    for (int k = 0; k < 3 && rows[i].md[k].kind; k++) append(w, &rows[i].md[k]);
    ASSERT_OK(pmm_tape_finish(w, NULL, &err), err);
    pmm_status_t const st = pmm_tape_verify(scratch("senseless.tape"), &check, &err);
    if (st != PMM_CORRUPT || !strstr(err.text, rows[i].message) || !strstr(err.text, "record")) fail_msg("%s: %s", rows[i].why, err.text);
  }
}

/* -- disks and names -- */
static void test_full_disk(void **state) {
  (void)state;
  struct rlimit old, small;
  signal(SIGXFSZ, SIG_IGN);
  assert_int_equal(getrlimit(RLIMIT_FSIZE, &old), 0);
  for (rlim_t limit = 0; limit < 4000; limit += 293) {
    pmm_tape_writer_t *w;
    pmm_error_t err = {0};
    uint32_t index;
    pmm_market_t const m = make_market("M");
    small = (struct rlimit){.rlim_cur = limit, .rlim_max = old.rlim_max};
    setrlimit(RLIMIT_FSIZE, &small);
    pmm_status_t st = pmm_tape_create(&w, scratch("full.tape"), "", &err);
    if (st == PMM_OK) {
      st = pmm_tape_add_market(w, &m, &index, &err);
      pmm_rng_t rng;
      pmm_rng_seed(&rng, limit);
      for (int i = 0; i < 2000 && st == PMM_OK; i++)
        st = pmm_tape_append(w, &(pmm_md_t){.recv_ns = i, .exch_ns = (int64_t)(pmm_rng_u64(&rng) >> 3), .kind = PMM_MD_MARK}, &err);
      if (st == PMM_OK) st = pmm_tape_finish(w, NULL, &err);
      else pmm_tape_abort(w);
    }
    setrlimit(RLIMIT_FSIZE, &old);
    if (st != PMM_IO || !strstr(err.text, "full.tape")) fail_msg("limit %lu: %s", (unsigned long)limit, err.text);
    if (access(scratch("full.tape"), F_OK) == 0 || access(scratch("full.tape.tmp"), F_OK) == 0) fail_msg("limit %lu: left a file", (unsigned long)limit);
  }
}

static void test_names(void **state) {
  (void)state;
  pmm_tape_writer_t *w, *other;
  pmm_error_t err = {0};
  assert_int_equal(pmm_tape_create(&w, scratch("no/such/folder.tape"), "", &err), PMM_IO);
  w = create(scratch("taken.tape"));
  assert_int_equal(pmm_tape_create(&other, scratch("taken.tape"), "", &err), PMM_EXISTS);
  assert_int_not_equal(access(scratch("taken.tape"), F_OK), 0); /* nothing under the final name yet */
  ASSERT_OK(pmm_tape_finish(w, NULL, &err), err);
  assert_int_equal(access(scratch("taken.tape"), F_OK), 0);
  whole_t empty = read_tape(scratch("taken.tape")); /* a tape without records is a tape */
  assert_int_equal(empty.cnt, 0);
  free_whole(&empty);
  w = create(scratch("gone.tape"));
  mkdir(scratch("gone.tape"), 0700); /* rename onto a folder fails */
  assert_int_equal(pmm_tape_finish(w, NULL, &err), PMM_IO);
  assert_int_not_equal(access(scratch("gone.tape.tmp"), F_OK), 0);
}

static void test_many_combinations(void **state) { /* more kinds of record in a block than a byte can name */
  (void)state;
  pmm_error_t err = {0};
  pmm_tape_writer_t *const w = create(scratch("many.tape"));
  for (int i = 0; i < 700; i++) {
    char id[16];
    snprintf(id, sizeof id, "M%d", i);
    add_market(w, id);
  }
  for (uint32_t i = 0; i < 40000; i++)
    append(w, &(pmm_md_t){.recv_ns = i, .exch_ns = PMM_TIME_NONE, .kind = PMM_MD_MARK, .market = i * 7919 % 700, .seq = i, .flags = (uint8_t)(i % 3)});
  ASSERT_OK(pmm_tape_finish(w, NULL, &err), err);
  whole_t t = read_tape(scratch("many.tape"));
  for (uint32_t i = 0; i < 40000; i++)
    if (t.md[i].market != i * 7919 % 700 || t.md[i].seq != i || t.md[i].flags != i % 3) fail_msg("record %u", i);
  free_whole(&t);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_random_roundtrip), cmocka_unit_test(test_canary), cmocka_unit_test(test_tables), cmocka_unit_test(test_unknown_fields),
      cmocka_unit_test(test_table_limits), cmocka_unit_test(test_seek), cmocka_unit_test(test_append_refuses), cmocka_unit_test(test_every_bit),
      cmocka_unit_test(test_every_cut), cmocka_unit_test(test_truncated_is_readable), cmocka_unit_test(test_not_a_tape),
      cmocka_unit_test(test_verify_reads_records), cmocka_unit_test(test_full_disk), cmocka_unit_test(test_names), cmocka_unit_test(test_many_combinations)};
  return cmocka_run_group_tests(tests, scratch_setup, scratch_teardown);
}
