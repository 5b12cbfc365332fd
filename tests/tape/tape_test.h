/* tests/tape/tape_test.h -- scratch files, whole tapes in memory, and imports of text written in a test. */
#ifndef PMM_TESTS_TAPE_H
#define PMM_TESTS_TAPE_H
#include <dirent.h>
#include <sys/stat.h>
#include <unistd.h>
#include "base/check.h"
#include "pmm/tape.h"

#define ASSERT_OK(call, err) \
  do { \
    pmm_status_t const st_ = (call); \
    if (st_ != PMM_OK) fail_msg("%s: %s: %s", #call, pmm_status_to_string(st_), (err).text); \
  } while (0)

static char scratch_dir[64];
static inline int scratch_setup(void **state) {
  (void)state;
  snprintf(scratch_dir, sizeof scratch_dir, "/tmp/pmm-tape-XXXXXX");
  return mkdtemp(scratch_dir) ? 0 : -1;
}
static inline int scratch_file_cnt(void) {
  int n = 0;
  DIR *const dir = opendir(scratch_dir);
  for (struct dirent *e; dir && (e = readdir(dir)) != NULL;) n += e->d_name[0] != '.';
  if (dir) closedir(dir);
  return n;
}
static inline int scratch_teardown(void **state) {
  (void)state;
  char command[128];
  snprintf(command, sizeof command, "rm -rf '%s'", scratch_dir);
  return system(command);
}
/* A path in the scratch folder; four may be in use at once. */
static inline const char *scratch(const char *name) {
  static char path[4][128];
  static int next;
  char *const p = path[next++ % 4];
  snprintf(p, sizeof path[0], "%s/%s", scratch_dir, name);
  return p;
}

static inline void write_file(const char *path, const void *data, size_t len) {
  FILE *const f = fopen(path, "wb");
  assert_non_null(f);
  assert_int_equal(fwrite(data, 1, len, f), len);
  assert_int_equal(fclose(f), 0);
}
static inline unsigned char *read_file(const char *path, size_t *len) {
  FILE *const f = fopen(path, "rb");
  assert_non_null(f);
  fseek(f, 0, SEEK_END);
  *len = (size_t)ftell(f);
  rewind(f);
  unsigned char *const data = malloc(*len + 1);
  assert_int_equal(fread(data, 1, *len, f), *len);
  data[*len] = '\0';
  fclose(f);
  return data;
}

/* -- a tape read whole -- */
typedef struct whole { pmm_tape_t *tape; pmm_md_t *md; size_t cnt; } whole_t;
static inline whole_t read_tape(const char *path) {
  whole_t w = {0};
  pmm_error_t err = {0};
  pmm_tape_cursor_t *cursor;
  const pmm_md_t *md;
  size_t cnt;
  pmm_status_t st;
  ASSERT_OK(pmm_tape_open(&w.tape, path, &err), err);
  ASSERT_OK(pmm_tape_cursor_open(&cursor, w.tape, &err), err);
  w.md = malloc((pmm_tape_info(w.tape)->records + 1) * sizeof *w.md);
  while ((st = pmm_tape_cursor_next(cursor, &md, &cnt, &err)) == PMM_OK) {
    memcpy(w.md + w.cnt, md, cnt * sizeof *md);
    w.cnt += cnt;
  }
  if (st != PMM_END) fail_msg("%s", err.text);
  assert_int_equal(w.cnt, pmm_tape_info(w.tape)->records);
  pmm_tape_cursor_close(cursor);
  return w;
}
static inline void free_whole(whole_t *w) {
  pmm_tape_close(w->tape);
  free(w->md);
}
static inline bool is_of_market(const pmm_md_t *md) { return !pmm_kind_is_underlying(md->kind); }

/* -- imports -- */
static inline pmm_status_t import_text(const char *format, const char *name, const char *text, const char *out, pmm_import_stats_t *stats, pmm_error_t *err) {
  pmm_import_opts_t opts;
  pmm_import_opts_default(&opts);
  opts.format = format;
  return pmm_import_buffer(&opts, name, text, strlen(text), out, stats, err);
}
/* Imports text that must be sound, verifies the tape and reads it. */
static inline whole_t import_sound(const char *format, const char *text, pmm_import_stats_t *stats) {
  pmm_error_t err = {0};
  pmm_tape_check_t check;
  const char *const out = scratch("sound.tape");
  ASSERT_OK(import_text(format, "text", text, out, stats, &err), err);
  ASSERT_OK(pmm_tape_verify(out, &check, &err), err);
  return read_tape(out);
}

/* Records as short text, one a line, for tables: "level bid 0.4800 10", "status open", ... */
static inline void describe(const pmm_md_t *md, char *out, size_t len) {
  static const char *const kinds[] = {"?", "level", "trade", "clear", "mark", "status", "tick", "under", "gap", "volume", "mean", "price", "phase", "settlement"};
  const char *const side = md->side == PMM_BID ? "bid" : "ask";
  const char *const flags = md->flags & PMM_F_LAST ? " !" : "";
  double const price = md->price_e4 / 1e4, qty = (double)md->qty_e6 / 1e6;
  switch (md->kind) {
  case PMM_MD_LEVEL: snprintf(out, len, "%u level %s %.4f %g%s%s%s", md->market, side, price, qty, md->flags & PMM_F_SNAPSHOT ? " snap" : "", md->flags & PMM_F_NOSIZE ? " nosize" : "", flags); break;
  case PMM_MD_TRADE: snprintf(out, len, "%u trade %s %.4f %g%s%s", md->market, md->side == PMM_BID ? "buy" : "sell", price, qty, md->flags & PMM_F_INFERRED ? " inferred" : "", flags); break;
  case PMM_MD_STATUS:
    snprintf(out, len, "%u status %s%s%s", md->market, pmm_life_to_string((pmm_life_t)md->aux), md->aux == PMM_LIFE_RESOLVED ? " " : "",
             md->aux == PMM_LIFE_RESOLVED ? pmm_outcome_to_string((pmm_outcome_t)md->side) : "");
    break;
  case PMM_MD_PRICE: snprintf(out, len, "%u price %.4f%s", md->market, price, flags); break;
  case PMM_MD_TICK: snprintf(out, len, "%u tick %.4f%s", md->market, price, flags); break;
  case PMM_MD_UNDERLYING: snprintf(out, len, "u%u %.8g kind %u%s", md->market, (double)md->qty_e6 / 1e8, md->aux, flags); break;
  case PMM_MD_VOLUME: snprintf(out, len, "%u volume %g%s", md->market, qty, flags); break;
  default: snprintf(out, len, "%u %s%s", md->market, kinds[md->kind], flags); break;
  }
}
/* Compares a tape with the records a test expects. */
static inline void assert_records(const whole_t *w, const char *const *want, size_t cnt) {
  for (size_t i = 0; i < w->cnt || i < cnt; i++) {
    char got[160] = "(nothing)";
    if (i < w->cnt) describe(&w->md[i], got, sizeof got);
    if (i >= cnt || strcmp(got, want[i]) != 0) {
      for (size_t k = 0; k < w->cnt; k++) {
        char text[160];
        describe(&w->md[k], text, sizeof text);
        fprintf(stderr, "  \"%s\",\n", text);
      }
      fail_msg("record %zu: is '%s', expected '%s'", i, got, i < cnt ? want[i] : "(nothing)");
    }
  }
}

/* Imports that must fail: a part of the message, and no file left. */
typedef struct bad_case { const char *why, *text; pmm_status_t status; const char *message; } bad_case_t;
static inline void assert_bad_imports(const char *format, const bad_case_t *row, size_t cnt) {
  for (size_t i = 0; i < cnt; i++) {
    pmm_import_stats_t stats;
    pmm_error_t err = {0};
    pmm_status_t const st = import_text(format, "bad.jsonl", row[i].text, scratch("bad.tape"), &stats, &err);
    if (st != row[i].status || !strstr(err.text, row[i].message)) fail_msg("%s: %s '%s'", row[i].why, pmm_status_to_string(st), err.text);
    if (access(scratch("bad.tape"), F_OK) == 0 || access(scratch("bad.tape.tmp"), F_OK) == 0) fail_msg("%s: left a file behind", row[i].why);
  }
}

/* -- recordings: the folder in PMM_DATA, or skip -- */
static inline const char *data_dir(void) {
  const char *const dir = getenv("PMM_DATA");
  if (dir && *dir) return dir;
  print_message("PMM_DATA is not set: recordings not checked\n");
  skip();
  return NULL;
}
static int by_name(const void *a, const void *b) { return strcmp(*(char *const *)a, *(char *const *)b); }
/* Paths of PMM_DATA/folder/ that contain `part`, sorted; caller frees nothing (a test ends soon). */
static inline size_t data_files(const char *folder, const char *part, char ***paths) {
  char dir_path[512];
  size_t n = 0;
  snprintf(dir_path, sizeof dir_path, "%s/%s", data_dir(), folder);
  DIR *const dir = opendir(dir_path);
  if (!dir) skip();
  *paths = calloc(1024, sizeof **paths);
  for (struct dirent *e; (e = readdir(dir)) != NULL && n < 1024;)
    if (e->d_name[0] != '.' && strstr(e->d_name, part) && asprintf(&(*paths)[n], "%s/%s", dir_path, e->d_name) > 0) n++;
  closedir(dir);
  qsort(*paths, n, sizeof **paths, by_name);
  return n;
}
static inline whole_t import_data(const char *format, const char *folder, const char *part, pmm_import_stats_t *stats) {
  char **paths;
  size_t n = data_files(folder, part, &paths);
  pmm_import_opts_t opts;
  pmm_error_t err = {0};
  pmm_tape_check_t check;
  pmm_import_opts_default(&opts);
  opts.format = format;
  assert_true(n > 0);
  ASSERT_OK(pmm_import(&opts, (const char *const *)paths, n, scratch("data.tape"), stats, &err), err);
  while (n > 0) free(paths[--n]);
  free(paths);
  ASSERT_OK(pmm_tape_verify(scratch("data.tape"), &check, &err), err);
  return read_tape(scratch("data.tape"));
}
static inline uint32_t market_named(const whole_t *w, const char *id) {
  for (uint32_t i = 0; i < pmm_tape_market_cnt(w->tape); i++)
    if (strcmp(pmm_tape_market(w->tape, i)->id, id) == 0) return i;
  fail_msg("market %s is not on the tape", id);
  return 0;
}
#endif
