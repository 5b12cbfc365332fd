/* The recorder: tapes that each stand alone, time that goes forward, losses that are marked, disks that fail. */
#include <dirent.h>
#include <sys/stat.h>
#include <unistd.h>
#include "base/check.h"
#include "live/live_impl.h"
#include "pmm/tape.h"
#include "tape/keep.h"

static char folder[64];
static int make_folder(void **state) {
  (void)state;
  strcpy(folder, "/tmp/pmm-recorder-XXXXXX");
  return mkdtemp(folder) ? 0 : -1;
}
static int remove_folder(void **state) {
  (void)state;
  char command[128];
  snprintf(command, sizeof command, "rm -rf %s", folder);
  return system(command) == 0 ? 0 : -1;
}

static pmm_market_t market[2];
static pmm_underlying_t under = {.id = "BTC", .source = "binance"};
static char told[320];
static void on_notice(void *ctx, const pmm_notice_t *n) { (void)ctx; snprintf(told, sizeof told, "%s: %s", n->code, n->text); }

static pmm__recorder_config_t config_in(const char *where) {
  pmm_market_init(&market[0], "A");
  pmm_market_init(&market[1], "B");
  market[0].life = market[1].life = PMM_LIFE_OPEN;
  return (pmm__recorder_config_t){.folder = where, .name = "t", .provenance = "{}", .every_ns = 10 * PMM_NS_PER_S, .market = market, .market_cnt = 2,
                                  .underlying = &under, .underlying_cnt = 1, .notices = {.fn = on_notice}};
}

static size_t tapes(const char *where, char path[16][512]) {
  struct dirent **entry = NULL;
  int const n = scandir(where, &entry, NULL, alphasort);
  size_t cnt = 0;
  for (int i = 0; i < n; i++) {
    size_t const len = strlen(entry[i]->d_name);
    if (len > 5 && strcmp(entry[i]->d_name + len - 5, ".tape") == 0 && cnt < 16) snprintf(path[cnt++], 512, "%s/%s", where, entry[i]->d_name);
    free(entry[i]);
  }
  free(entry);
  return cnt;
}

static uint64_t hash_of_book(const pmm__keep_t *k) { return k->book.memory ? pmm_ladder_hash(&k->book.ladder) : 0; }

/* Replays one tape alone and gives the state of both markets at its end, and the number of records that are no keyframes. */
static size_t replay(const char *path, pmm__keep_t keep[2], size_t *keyframes) {
  pmm_tape_t *tape;
  pmm_tape_cursor_t *cursor;
  pmm_error_t err;
  pmm_tape_check_t check;
  if (pmm_tape_verify(path, &check, &err) != PMM_OK) fail_msg("%s", err.text);
  assert_int_equal(pmm_tape_open(&tape, path, &err), PMM_OK);
  assert_int_equal(pmm_tape_cursor_open(&cursor, tape, &err), PMM_OK);
  const pmm_md_t *md;
  size_t cnt, sent = 0;
  *keyframes = 0;
  while (pmm_tape_cursor_next(cursor, &md, &cnt, &err) == PMM_OK)
    for (size_t i = 0; i < cnt; i++) {
      bool const kept = md[i].flags & PMM_F_KEYFRAME;
      *keyframes += kept;
      sent += !kept;
      if (md[i].kind != PMM_MD_UNDERLYING) assert_int_equal(pmm__keep_take(&keep[md[i].market], &md[i], pmm_tape_market(tape, md[i].market)->grid.tick_e4), PMM_OK);
    }
  pmm_tape_cursor_close(cursor);
  pmm_tape_close(tape);
  return sent;
}

static void put_all(pmm__recorder_t *r, const pmm_md_t *md, size_t cnt) {
  for (size_t i = 0; i < cnt; i++) {
    uint64_t written, lost;
    do pmm__recorder_poll(r, &written, &lost); while (i > written + 20000); /* keeps the ring from filling: what is lost is another test */
    pmm__recorder_put(r, &md[i]);
  }
}

static void test_rotation(void **state) {
  (void)state;
  enum { N = 60000 };
  pmm_md_t *const md = calloc(N, sizeof *md);
  pmm_rng_t rng;
  pmm_rng_seed(&rng, check_seed("records"));
  int64_t now = INT64_C(1760000000) * PMM_NS_PER_S;
  for (size_t i = 0; i < N; i++) {
    now += (int64_t)pmm_rng_below(&rng, 1000000);
    uint32_t const m = (uint32_t)pmm_rng_below(&rng, 2);
    md[i] = (pmm_md_t){.recv_ns = now, .exch_ns = now - 5, .market = m, .kind = PMM_MD_LEVEL, .side = (uint8_t)pmm_rng_below(&rng, 2), .flags = PMM_F_LAST,
                       .price_e4 = 100 * (int32_t)(1 + pmm_rng_below(&rng, 99)), .qty_e6 = (int64_t)pmm_rng_below(&rng, 4) * 1000000};
    if (pmm_rng_below(&rng, 5000) == 0) md[i] = (pmm_md_t){.recv_ns = now, .exch_ns = now, .market = m, .kind = PMM_MD_CLEAR, .flags = PMM_F_LAST};
    if (pmm_rng_below(&rng, 900) == 0) md[i] = (pmm_md_t){.recv_ns = now - 50, .exch_ns = now, .kind = PMM_MD_UNDERLYING, .qty_e6 = 6800000000000, .flags = PMM_F_LAST};
  }
  md[30000] = (pmm_md_t){.recv_ns = md[29999].recv_ns, .exch_ns = PMM_TIME_NONE, .market = 1, .kind = PMM_MD_STRIKE, .qty_e6 = 42, .flags = PMM_F_LAST};
  pmm__recorder_t *r;
  pmm_error_t err;
  pmm__recorder_config_t const c = config_in(folder);
  assert_int_equal(pmm__recorder_open(&r, &c, &err), PMM_OK);
  put_all(r, md, N);
  assert_int_equal(pmm__recorder_close(r, &err), PMM_OK);
  char path[16][512];
  size_t const cnt = tapes(folder, path);
  assert_true(cnt >= 3); /* half a minute, ten seconds each */
  pmm__keep_t whole[2] = {0};
  size_t at = 0;
  for (size_t i = 0; i < cnt; i++) {
    pmm__keep_t alone[2] = {0};
    size_t keyframes, sent = replay(path[i], alone, &keyframes);
    assert_true((keyframes > 0) == (i > 0));
    for (; sent > 0; sent--, at++)
      if (md[at].kind != PMM_MD_UNDERLYING) assert_int_equal(pmm__keep_take(&whole[md[at].market], &md[at], 100), PMM_OK);
    for (int m = 0; m < 2; m++) { /* a tape by itself ends in the state of all tapes up to there */
      if (hash_of_book(&alone[m]) != hash_of_book(&whole[m])) fail_msg("tape %zu, market %d: books differ", i, m);
      assert_int_equal(alone[m].strike.qty_e6, whole[m].strike.qty_e6);
      pmm__keep_fini(&alone[m]);
    }
  }
  assert_int_equal(at, N); /* not one record more or less */
  for (int m = 0; m < 2; m++) pmm__keep_fini(&whole[m]);
  free(md);
}

/* A thread that cannot keep up: records are left out, and every market has a gap from there. */
static void test_losses_are_marked(void **state) {
  (void)state;
  char where[96];
  snprintf(where, sizeof where, "%s/lost", folder);
  pmm__recorder_config_t c = config_in(where);
  c.every_ns = 0;
  pmm__recorder_t *r;
  pmm_error_t err;
  assert_int_equal(pmm__recorder_open(&r, &c, &err), PMM_OK);
  uint64_t written = 0, lost = 0;
  int64_t now = INT64_C(1760000000) * PMM_NS_PER_S;
  for (uint64_t i = 0; lost == 0; i++) { /* as fast as a loop can: no disk keeps up with it for long */
    pmm_md_t const md = {.recv_ns = ++now, .exch_ns = now, .kind = PMM_MD_LEVEL, .price_e4 = 5000, .qty_e6 = (int64_t)(1 + i % 7) * 1000000, .flags = PMM_F_LAST};
    pmm__recorder_put(r, &md);
    pmm__recorder_poll(r, &written, &lost);
  }
  uint64_t put = 0;
  while (put < 3) { /* the thread catches up; what comes then stands behind the gaps */
    uint64_t before = lost;
    pmm_md_t const md = {.recv_ns = ++now, .exch_ns = now, .kind = PMM_MD_MARK, .flags = PMM_F_LAST};
    pmm__recorder_put(r, &md);
    pmm__recorder_poll(r, &written, &lost);
    put = lost == before ? put + 1 : 0;
  }
  assert_int_equal(pmm__recorder_close(r, &err), PMM_OK);
  char path[16][512];
  assert_int_equal(tapes(where, path), 1);
  pmm_tape_check_t check;
  assert_int_equal(pmm_tape_verify(path[0], &check, &err), PMM_OK);
  assert_true(check.gaps >= 2 && check.gaps % 2 == 0); /* both markets each time */
}

static void test_refusals(void **state) {
  (void)state;
  pmm__recorder_t *r;
  pmm_error_t err;
  pmm__recorder_config_t c = config_in("/proc/nowhere");
  assert_int_equal(pmm__recorder_open(&r, &c, &err), PMM_IO);
  assert_non_null(strstr(err.text, "record: /proc/nowhere"));
  char where[96];
  snprintf(where, sizeof where, "%s/gone", folder);
  c.folder = where;
  assert_int_equal(pmm__recorder_open(&r, &c, &err), PMM_OK);
  assert_int_equal(rmdir(where), 0);
  pmm_md_t const md = {.recv_ns = 5, .exch_ns = 5, .kind = PMM_MD_MARK, .flags = PMM_F_LAST};
  pmm__recorder_put(r, &md);
  told[0] = 0;
  uint64_t written, lost;
  while (!told[0]) pmm__recorder_poll(r, &written, &lost);
  assert_non_null(strstr(told, "disk: recording stopped: "));
  assert_int_equal(pmm__recorder_close(r, &err), PMM_IO);
}

int main(void) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(test_rotation), cmocka_unit_test(test_losses_are_marked), cmocka_unit_test(test_refusals)};
  return cmocka_run_group_tests(tests, make_folder, remove_folder);
}
