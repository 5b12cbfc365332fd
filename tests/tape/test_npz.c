/* hftbacktest's file form: what numpy wrote, there and back again, and archives that are not right. */
#include <math.h>
#include <zip.h>
#include "tape/npz.h"
#include "tape/tape_test.h"

#define T0 INT64_C(1900000000000000000)

static pmm_import_opts_t npz_opts(void) {
  pmm_import_opts_t opts;
  pmm_import_opts_default(&opts);
  opts.format = "hftbacktest";
  opts.market = "H";
  return opts;
}

static whole_t import_file(const char *path, const char *out) {
  pmm_import_opts_t const opts = npz_opts();
  pmm_import_stats_t stats;
  pmm_tape_check_t check;
  pmm_error_t err = {0};
  ASSERT_OK(pmm_import(&opts, &path, 1, out, &stats, &err), err);
  ASSERT_OK(pmm_tape_verify(out, &check, &err), err);
  return read_tape(out);
}

/* Made by numpy 2.4 with the types of hftbacktest 2.4.4. */
static void test_numpy(void **state) {
  (void)state;
  static const char *const want[] = {
      "0 status open", "0 clear", "0 level bid 0.4800 10 snap", "0 level ask 0.5200 7.5 snap !", "0 tick 0.0010", "0 level bid 0.4850 3 !",
      "0 trade sell 0.4850 3", "0 level bid 0.4850 0 !",
      "0 level ask 0.5200 0 !",                       /* asks up to 0.55 are cleared */
      "0 level bid 0.4800 0", "0 level bid 0.4700 2 !"}; /* a best bid below the book's */
  static const char *const files[] = {"tests/fixtures/hftbacktest_stored.npz", "tests/fixtures/hftbacktest_deflated.npz"};
  for (size_t i = 0; i < COUNT_OF(files); i++) {
    whole_t w = import_file(files[i], scratch("numpy.tape"));
    assert_records(&w, want, COUNT_OF(want));
    assert_int_equal(w.md[1].recv_ns, T0 + 5);
    assert_int_equal(w.md[1].exch_ns, T0);
    free_whole(&w);
  }
}

/* -- there and back -- */
static unsigned char *export_npz(const pmm_tape_t *tape, size_t *len) {
  const char *const path = scratch("there.npz");
  pmm_error_t err = {0};
  FILE *const out = fopen(path, "wb");
  assert_non_null(out);
  ASSERT_OK(pmm_tape_export(tape, &(pmm_export_opts_t){.format = "npz", .market = "H"}, out, &err), err);
  fclose(out);
  return read_file(path, len);
}

static const char *random_tape(pmm_rng_t *rng, uint64_t records) {
  pmm_tape_writer_t *w;
  pmm_error_t err = {0};
  pmm_market_t m;
  uint32_t index;
  int64_t now_ns = T0;
  int64_t qty[2][100] = {{0}};
  ASSERT_OK(pmm_tape_create(&w, scratch("npz.tape"), "", &err), err);
  pmm_market_init(&m, "H");
  m.life = PMM_LIFE_PENDING;
  ASSERT_OK(pmm_tape_add_market(w, &m, &index, &err), err);
  pmm_md_t md = {.recv_ns = now_ns, .exch_ns = now_ns, .kind = PMM_MD_CLEAR, .flags = PMM_F_SNAPSHOT | PMM_F_LAST};
  ASSERT_OK(pmm_tape_append(w, &md, &err), err);
  for (uint64_t i = 0; i < records; i++) {
    now_ns += 1 + (int64_t)pmm_rng_below(rng, 1000);
    int const side = (int)pmm_rng_below(rng, 2), cents = (int)check_between(rng, 1, 99);
    md = (pmm_md_t){.recv_ns = now_ns, .exch_ns = now_ns - (int64_t)pmm_rng_below(rng, 500), .price_e4 = cents * 100, .side = (uint8_t)side, .flags = PMM_F_LAST};
    switch (pmm_rng_below(rng, 40)) {
    case 0: md.kind = PMM_MD_CLEAR; memset(qty, 0, sizeof qty); break;
    case 1: case 2: case 3: md.kind = PMM_MD_TRADE; md.qty_e6 = check_between(rng, 1, 99999) * 10000; break;
    default:
      md.kind = PMM_MD_LEVEL;
      do md.qty_e6 = check_between(rng, 0, 3) * 12340000; while (md.qty_e6 == qty[side][cents]); /* an import leaves out what changes nothing */
      qty[side][cents] = md.qty_e6;
    }
    ASSERT_OK(pmm_tape_append(w, &md, &err), err);
  }
  ASSERT_OK(pmm_tape_finish(w, NULL, &err), err);
  return scratch("npz.tape");
}

static uint64_t property(uint64_t seed, uint64_t ops, bool broken) {
  pmm_rng_t rng;
  pmm_error_t err = {0};
  pmm_tape_t *tape;
  size_t there_len, back_len;
  pmm_rng_seed(&rng, seed);
  ASSERT_OK(pmm_tape_open(&tape, random_tape(&rng, ops), &err), err);
  unsigned char *const there = export_npz(tape, &there_len);
  whole_t w = import_file(scratch("there.npz"), scratch("back.tape"));
  unsigned char *const back = export_npz(w.tape, &back_len);
  if (broken) there[there_len / 2] ^= 1;
  uint64_t const at = there_len == back_len && memcmp(there, back, back_len) == 0 ? NO_MISMATCH : 0;
  free(there);
  free(back);
  free_whole(&w);
  pmm_tape_close(tape);
  return at;
}
static void test_random(void **state) { (void)state; check_random("tape.npz", property, 60000); }
static void test_canary(void **state) { (void)state; check_canary("tape.npz", property, 500); }

/* -- a coarser tick drops levels, and the rows say so -- */
static void test_tick(void **state) {
  (void)state;
  static const pmm_md_t md[] = {
      {.recv_ns = T0, .exch_ns = T0 + 9, .kind = PMM_MD_CLEAR}, /* sent after it came: the row says at once */
      {.recv_ns = T0 + 1, .exch_ns = PMM_TIME_NONE, .kind = PMM_MD_LEVEL, .price_e4 = 4010, .qty_e6 = 1000000, .flags = PMM_F_LAST},
      {.recv_ns = T0 + 2, .exch_ns = T0 - 5, .kind = PMM_MD_TICK, .price_e4 = 100},
  };
  pmm_tape_writer_t *w;
  pmm_tape_t *tape;
  pmm_error_t err = {0};
  pmm_market_t m;
  uint32_t index;
  size_t len;
  ASSERT_OK(pmm_tape_create(&w, scratch("tick.tape"), "", &err), err);
  pmm_market_init(&m, "H");
  assert_int_equal(pmm_grid_uniform(&m.grid, 10), PMM_OK);
  ASSERT_OK(pmm_tape_add_market(w, &m, &index, &err), err);
  for (size_t i = 0; i < COUNT_OF(md); i++) ASSERT_OK(pmm_tape_append(w, &md[i], &err), err);
  ASSERT_OK(pmm_tape_finish(w, NULL, &err), err);
  ASSERT_OK(pmm_tape_open(&tape, scratch("tick.tape"), &err), err);
  free(export_npz(tape, &len));
  pmm_tape_close(tape);
  zip_t *const zip = zip_open(scratch("there.npz"), ZIP_RDONLY, NULL);
  zip_file_t *const file = zip_fopen(zip, "data.npy", 0);
  unsigned char bytes[4096];
  zip_int64_t const got = zip_fread(file, bytes, sizeof bytes);
  size_t const head = 10 + (size_t)(bytes[8] | bytes[9] << 8);
  assert_int_equal(head % 64, 0);
  assert_int_equal((size_t)got, head + 3 * PMM__NPZ_ROW);
  pmm__npz_row_t row[3];
  for (int i = 0; i < 3; i++) pmm__npz_get(bytes + head + (size_t)i * PMM__NPZ_ROW, &row[i]);
  assert_int_equal(row[0].ev, PMM__EV_DEPTH_CLEAR | PMM__EV_LOCAL | PMM__EV_EXCH);
  assert_int_equal(row[0].exch_ns, T0);
  assert_int_equal(row[1].exch_ns, T0 + 1);
  assert_int_equal(row[2].exch_ns, T0 + 1);
  assert_int_equal(row[2].ev, PMM__EV_DEPTH | PMM__EV_BUY | PMM__EV_LOCAL | PMM__EV_EXCH);
  assert_true(row[2].px == 0.401 && row[2].qty == 0 && row[1].qty == 1);
  zip_fclose(file);
  zip_discard(zip);
}

/* -- archives that are not right -- */
#define FLAGS (PMM__EV_LOCAL | PMM__EV_EXCH)
#define HEAD(descr, order, shape) "{'descr': " descr ", 'fortran_order': " order ", 'shape': " shape ", }\n"
#define SOUND HEAD(PMM__NPZ_DESCR, "False", "(1,)")

static const char *write_npz(const char *entry, const char *magic, const char *header, const pmm__npz_row_t *row, size_t cut) {
  static unsigned char bytes[1024];
  size_t const len = strlen(header);
  memcpy(bytes, magic, 8);
  bytes[8] = (unsigned char)len;
  bytes[9] = (unsigned char)(len >> 8);
  memcpy(bytes + 10, header, len);
  pmm__npz_put(bytes + 10 + len, row);
  zip_t *const zip = zip_open(scratch("bad.npz"), ZIP_CREATE | ZIP_TRUNCATE, NULL);
  zip_source_t *const source = zip_source_buffer(zip, bytes, 10 + len + PMM__NPZ_ROW - cut, 0);
  assert_true(zip_file_add(zip, entry, source, 0) >= 0);
  assert_int_equal(zip_close(zip), 0);
  return scratch("bad.npz");
}

static void test_malformed(void **state) {
  (void)state;
  static const char v1[8] = "\x93NUMPY\x01", v3[8] = "\x93NUMPY\x03", other[8] = "\x93NUMPX\x01";
#define ROW(e, x, l, p, q) {.ev = (e) | FLAGS, .exch_ns = x, .local_ns = l, .px = p, .qty = q}
  static const pmm__npz_row_t good = ROW(PMM__EV_DEPTH | PMM__EV_BUY, T0, T0, 0.5, 1);
  static const struct { const char *why, *entry, *magic, *header; pmm__npz_row_t row; size_t cut; const char *message; } rows[] = {
      {"another name", "depth.npy", v1, SOUND, good, 0, "no array of the name data"},
      {"no array", "data.npy", other, SOUND, good, 0, "not a numpy array"},
      {"another version", "data.npy", v3, SOUND, good, 0, "neither 1.0 nor 2.0"},
      {"other rows", "data.npy", v1, HEAD("'<f8'", "False", "(1,)"), good, 0, "(descr)"},
      {"by columns", "data.npy", v1, HEAD(PMM__NPZ_DESCR, "True", "(1,)"), good, 0, "fortran_order"},
      {"a table", "data.npy", v1, HEAD(PMM__NPZ_DESCR, "False", "(1, 1)"), good, 0, "shape is not (rows,)"},
      {"too many rows", "data.npy", v1, HEAD(PMM__NPZ_DESCR, "False", "(99999999999999999999,)"), good, 0, "shape"},
      {"a key too many", "data.npy", v1, "{'descr': " PMM__NPZ_DESCR ", 'x': 1, }\n", good, 0, "names something else"},
      {"a key too few", "data.npy", v1, "{'descr': " PMM__NPZ_DESCR ", 'shape': (1,), }\n", good, 0, "lacks"},
      {"no dictionary", "data.npy", v1, "[]\n", good, 0, "not a dictionary"},
      {"fewer rows", "data.npy", v1, HEAD(PMM__NPZ_DESCR, "False", "(2,)"), good, 0, "not as many rows"},
      {"half a row", "data.npy", v1, SOUND, good, 5, "ends within a row"},
      {"price 1", "data.npy", v1, SOUND, ROW(PMM__EV_DEPTH | PMM__EV_BUY, T0, T0, 1, 1), 0, "row 0: price outside (0,1) dollars; --scale"},
      {"price in cents", "data.npy", v1, SOUND, ROW(PMM__EV_DEPTH | PMM__EV_BUY, T0, T0, 48, 1), 0, "price outside"},
      {"price NaN", "data.npy", v1, SOUND, ROW(PMM__EV_TRADE | PMM__EV_BUY, T0, T0, (double)NAN, 1), 0, "price outside"},
      {"price too fine", "data.npy", v1, SOUND, ROW(PMM__EV_DEPTH | PMM__EV_BUY, T0, T0, 0.48005, 1), 0, "finer than 0.0001"},
      {"negative size", "data.npy", v1, SOUND, ROW(PMM__EV_DEPTH | PMM__EV_BUY, T0, T0, 0.5, -1), 0, "size negative"},
      {"endless size", "data.npy", v1, SOUND, ROW(PMM__EV_DEPTH | PMM__EV_BUY, T0, T0, 0.5, (double)INFINITY), 0, "no number"},
      {"two sides", "data.npy", v1, SOUND, ROW(PMM__EV_DEPTH | PMM__EV_BUY | PMM__EV_SELL, T0, T0, 0.5, 1), 0, "neither or both"},
      {"empty trade", "data.npy", v1, SOUND, ROW(PMM__EV_TRADE | PMM__EV_BUY, T0, T0, 0.5, 0), 0, "without a size"},
      {"orders", "data.npy", v1, SOUND, ROW(10 | PMM__EV_BUY, T0, T0, 0.5, 1), 0, "data by order"},
      {"times of a synthetic run", "data.npy", v1, SOUND, ROW(PMM__EV_DEPTH | PMM__EV_BUY, 0, 0, 0.5, 1), 0, "local_ts: not a Unix time"},
  };
  for (size_t i = 0; i < COUNT_OF(rows); i++) {
    pmm_import_opts_t const opts = npz_opts();
    pmm_import_stats_t stats;
    pmm_error_t err = {0};
    const char *const path = write_npz(rows[i].entry, rows[i].magic, rows[i].header, &rows[i].row, rows[i].cut);
    pmm_status_t const st = pmm_import(&opts, &path, 1, scratch("bad.tape"), &stats, &err);
    if (st != PMM_PARSE || !strstr(err.text, rows[i].message)) fail_msg("%s: %s '%s'", rows[i].why, pmm_status_to_string(st), err.text);
    if (access(scratch("bad.tape"), F_OK) == 0 || access(scratch("bad.tape.tmp"), F_OK) == 0) fail_msg("%s: left a file behind", rows[i].why);
  }
}

static void test_options(void **state) {
  (void)state;
  static const char *const path = "tests/fixtures/hftbacktest_stored.npz", *const missing = "tests/fixtures/none.npz", *const text = "tests/fixtures/README.md";
  pmm_import_opts_t opts = npz_opts();
  pmm_import_stats_t stats;
  pmm_error_t err = {0};
  opts.market = NULL;
  assert_int_equal(pmm_import(&opts, &path, 1, scratch("o.tape"), &stats, &err), PMM_INVAL);
  assert_non_null(strstr(err.text, "--market ID"));
  opts = npz_opts();
  opts.scale = 0;
  assert_int_equal(pmm_import(&opts, &path, 1, scratch("o.tape"), &stats, &err), PMM_INVAL);
  opts = npz_opts();
  opts.tick_e4 = 3;
  assert_int_equal(pmm_import(&opts, &path, 1, scratch("o.tape"), &stats, &err), PMM_INVAL);
  opts = npz_opts();
  assert_int_equal(pmm_import(&opts, &missing, 1, scratch("o.tape"), &stats, &err), PMM_IO);
  assert_int_equal(pmm_import(&opts, &text, 1, scratch("o.tape"), &stats, &err), PMM_PARSE);
  opts.scale = 2; /* 0.48 is 0.24 */
  ASSERT_OK(pmm_import(&opts, &path, 1, scratch("o.tape"), &stats, &err), err);
  whole_t w = read_tape(scratch("o.tape"));
  assert_int_equal(w.md[2].price_e4, 2400);
  free_whole(&w);
}

/* Every damaged byte is found, by the archive's sums or by what the rows say, or it changes nothing that is read. */
static void test_damage(void **state) {
  (void)state;
  size_t len;
  unsigned char *const data = read_file("tests/fixtures/hftbacktest_deflated.npz", &len);
  for (size_t i = 0; i < len; i++) {
    pmm_import_opts_t const opts = npz_opts();
    pmm_import_stats_t stats;
    pmm_tape_check_t check;
    pmm_error_t err = {0};
    data[i] ^= 0x10;
    if (pmm_import_buffer(&opts, "damaged.npz", data, len, scratch("d.tape"), &stats, &err) == PMM_OK)
      ASSERT_OK(pmm_tape_verify(scratch("d.tape"), &check, &err), err);
    else if (err.text[0] == '\0') fail_msg("byte %zu: no word", i);
    data[i] ^= 0x10;
  }
  free(data);
}

int main(void) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(test_numpy), cmocka_unit_test(test_random), cmocka_unit_test(test_canary),
                                     cmocka_unit_test(test_tick), cmocka_unit_test(test_malformed), cmocka_unit_test(test_options),
                                     cmocka_unit_test(test_damage)};
  return cmocka_run_group_tests(tests, scratch_setup, scratch_teardown);
}
