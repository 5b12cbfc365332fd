/* bench_tape [small] [TAPE] -- reading tapes: records per second from zstd blocks through a cursor, and from records that
   lie in memory already, on recorded data. Without TAPE it imports the Kalshi recordings of the folder in PMM_DATA, or
   the recordings in examples/data when that is unset (small: one of them). JSON lines; records_per_s is over all passes,
   records_per_s_max that of the quickest: on a busy machine the latter says more. The hash is of the records' bytes, block
   by block, and is the same for both. Also the speed of the import and of writing. */
#include <dirent.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>
#include "pmm/hash.h"
#include "pmm/tape.h"

#define FILES_MAX 1024

static double now_s(void) {
  struct timespec ts;
  clock_gettime(CLOCK_MONOTONIC, &ts);
  return (double)ts.tv_sec + (double)ts.tv_nsec * 1e-9;
}

_Noreturn static void die(const pmm_error_t *err) {
  fprintf(stderr, "bench_tape: %s\n", err->text);
  exit(1);
}

/* -- input -- */
static int by_name(const void *a, const void *b) { return strcmp(*(char *const *)a, *(char *const *)b); }

static size_t list_files(const char *dir_path, const char *suffix, char **path) {
  DIR *const dir = opendir(dir_path);
  size_t n = 0, suffix_len = strlen(suffix);
  for (struct dirent *e; dir && n < FILES_MAX && (e = readdir(dir)) != NULL;) {
    size_t const len = strlen(e->d_name);
    if (len > suffix_len && strcmp(e->d_name + len - suffix_len, suffix) == 0 && asprintf(&path[n], "%s/%s", dir_path, e->d_name) > 0) n++;
  }
  if (dir) closedir(dir);
  qsort(path, n, sizeof *path, by_name);
  return n;
}

static void import(const char *format, char **path, size_t n, const char *out) {
  pmm_import_opts_t opts;
  pmm_import_stats_t stats;
  pmm_error_t err = {0};
  pmm_import_opts_default(&opts);
  opts.format = format;
  double const start = now_s();
  if (pmm_import(&opts, (const char *const *)path, n, out, &stats, &err) != PMM_OK) die(&err);
  double const took = now_s() - start;
  printf("{\"bench\":\"tape_import\",\"case\":\"%s\",\"lines\":%llu,\"records\":%llu,\"records_per_s\":%.0f,\"lines_per_s\":%.0f}\n",
         format, (unsigned long long)stats.lines, (unsigned long long)stats.records, (double)stats.records / took,
         (double)stats.lines / took);
}

static const char *make_tape(bool small, const char *out) {
  static char *path[FILES_MAX];
  const char *const data = getenv("PMM_DATA");
  char dir[512];
  snprintf(dir, sizeof dir, "%s/kalshi-btc15m-ws", data ? data : "");
  size_t n = data && !small ? list_files(dir, ".ndjson.gz", path) : 0;
  if (n > 0) {
    import("kalshi-ws", path, n, out);
    return "kalshi";
  }
  n = list_files("examples/data", ".jsonl.gz", path);
  if (n == 0) {
    fputs("bench_tape: no recordings: run from the repository's root, or set PMM_DATA\n", stderr);
    exit(1);
  }
  import("polymarket-books", path, small ? 1 : n, out);
  return "polymarket";
}

/* -- reading -- */
typedef struct result {
  uint64_t records, hash;
  double seconds;
} result_t;

static result_t read_once(const pmm_tape_t *tape, pmm_md_t *copy) {
  pmm_tape_cursor_t *cursor = NULL;
  pmm_error_t err = {0};
  const pmm_md_t *md;
  size_t cnt;
  pmm_status_t st;
  result_t r = {0};
  double const start = now_s();
  if (pmm_tape_cursor_open(&cursor, tape, &err) != PMM_OK) die(&err);
  while ((st = pmm_tape_cursor_next(cursor, &md, &cnt, &err)) == PMM_OK) {
    r.hash = pmm_hash64(md, cnt * sizeof *md, r.hash);
    if (copy) memcpy(copy + r.records, md, cnt * sizeof *md);
    r.records += cnt;
  }
  pmm_tape_cursor_close(cursor);
  if (st != PMM_END) die(&err);
  r.seconds = now_s() - start;
  return r;
}

static result_t hash_once(const pmm_md_t *md, const size_t *block, size_t blocks) {
  result_t r = {0};
  double const start = now_s();
  for (size_t i = 0; i < blocks; i++) {
    r.hash = pmm_hash64(md + r.records, block[i] * sizeof *md, r.hash);
    r.records += block[i];
  }
  r.seconds = now_s() - start;
  return r;
}

static size_t *block_sizes(const pmm_tape_t *tape, size_t *blocks) {
  pmm_tape_cursor_t *cursor = NULL;
  pmm_error_t err = {0};
  const pmm_md_t *md;
  size_t cnt;
  size_t *const size = calloc(pmm_tape_info(tape)->blocks + 1, sizeof *size);
  *blocks = 0;
  if (!size || pmm_tape_cursor_open(&cursor, tape, &err) != PMM_OK) die(&err);
  while (pmm_tape_cursor_next(cursor, &md, &cnt, &err) == PMM_OK) size[(*blocks)++] = cnt;
  pmm_tape_cursor_close(cursor);
  return size;
}

static void report(const char *data, const char *how, const result_t *total, double quickest, uint64_t records, double bytes) {
  printf("{\"bench\":\"tape_read\",\"case\":\"%s, "
         "%s\",\"records\":%llu,\"records_per_s\":%.0f,\"records_per_s_max\":%.0f,\"bytes_per_record\":%.2f,\"hash\":\"%016llx\"}\n",
         data, how, (unsigned long long)records, (double)total->records / total->seconds, (double)records / quickest, bytes,
         (unsigned long long)total->hash);
}

static void bench_read(const pmm_tape_t *tape, const char *data, double for_s) {
  const pmm_tape_info_t *const info = pmm_tape_info(tape);
  pmm_md_t *const copy = malloc((info->records + 1) * sizeof *copy);
  size_t blocks, *const block = block_sizes(tape, &blocks);
  if (!copy) exit(1);
  (void)read_once(tape, copy); /* warms the page cache */
  for (int in_memory = 0; in_memory < 2; in_memory++) {
    result_t total = {0};
    double quickest = 1e9;
    while (total.seconds < for_s) {
      result_t const r = in_memory ? hash_once(copy, block, blocks) : read_once(tape, NULL);
      total = (result_t){.records = total.records + r.records, .hash = r.hash, .seconds = total.seconds + r.seconds};
      if (r.seconds < quickest) quickest = r.seconds;
    }
    report(data, in_memory ? "in memory" : "zstd blocks", &total, quickest, info->records,
           in_memory ? (double)sizeof(pmm_md_t) : (double)info->bytes / (double)info->records);
  }
  free(copy);
  free(block);
}

static void bench_write(const pmm_tape_t *tape, const char *data, const char *out) {
  pmm_tape_writer_t *w;
  pmm_tape_cursor_t *cursor = NULL;
  pmm_error_t err = {0};
  const pmm_md_t *md;
  size_t cnt;
  uint32_t index;
  double const start = now_s();
  if (pmm_tape_create(&w, out, "", &err) != PMM_OK || pmm_tape_cursor_open(&cursor, tape, &err) != PMM_OK) die(&err);
  for (uint32_t i = 0; i < pmm_tape_market_cnt(tape); i++)
    if (pmm_tape_add_market(w, pmm_tape_market(tape, i), &index, &err) != PMM_OK) die(&err);
  for (uint32_t i = 0; i < pmm_tape_underlying_cnt(tape); i++)
    if (pmm_tape_add_underlying(w, pmm_tape_underlying(tape, i), &index, &err) != PMM_OK) die(&err);
  while (pmm_tape_cursor_next(cursor, &md, &cnt, &err) == PMM_OK)
    for (size_t i = 0; i < cnt; i++)
      if (pmm_tape_append(w, &md[i], &err) != PMM_OK) die(&err);
  pmm_tape_cursor_close(cursor);
  if (pmm_tape_finish(w, NULL, &err) != PMM_OK) die(&err);
  double const took = now_s() - start;
  printf("{\"bench\":\"tape_write\",\"case\":\"%s\",\"records\":%llu,\"records_per_s\":%.0f}\n", data,
         (unsigned long long)pmm_tape_info(tape)->records, (double)pmm_tape_info(tape)->records / took);
}

int main(int argc, char **argv) {
  bool small = false;
  const char *given = NULL;
  for (int i = 1; i < argc; i++) {
    if (strcmp(argv[i], "small") == 0) small = true;
    else given = argv[i];
  }
  char dir[] = "/tmp/pmm-bench-XXXXXX", path[64], copy[64];
  if (!mkdtemp(dir)) return 1;
  snprintf(path, sizeof path, "%s/read.tape", dir);
  snprintf(copy, sizeof copy, "%s/write.tape", dir);
  const char *const data = given ? "given" : make_tape(small, path);
  pmm_tape_t *tape;
  pmm_error_t err = {0};
  if (pmm_tape_open(&tape, given ? given : path, &err) != PMM_OK) die(&err);
  bench_write(tape, data, copy);
  bench_read(tape, data, small ? 0.02 : 2.0);
  pmm_tape_close(tape);
  unlink(path);
  unlink(copy);
  rmdir(dir);
  return 0;
}
