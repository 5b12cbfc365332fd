/* bench_w4.c -- W4: many markets of one account. usage: bench_w4 FOLDER|TAPE [--replay] [--make-tape TAPE] [--repeat N]
   From a folder of CSV files the rows are in memory before the clock starts; from a tape (made of such a folder by --make-tape) they are
   read from disk while it runs, in little memory. */
#include <dirent.h>
#include <getopt.h>
#include <sys/stat.h>
#include "w1.h"

static int is_csv(const struct dirent *e) {
  size_t const n = strlen(e->d_name);
  return n > 4 && strcmp(e->d_name + n - 4, ".csv") == 0;
}

static bool earlier(const pmm_md_t *a, const pmm_md_t *b) { return a->recv_ns != b->recv_ns ? a->recv_ns < b->recv_ns : a->market < b->market; }

/* Merges the markets by local time, ties by market; the rows of one market keep their order. */
static void merge(const w1_data_t *part, uint32_t cnt, w1_data_t *out) {
  size_t *const at = calloc(cnt, sizeof *at);
  uint32_t *const heap = calloc(cnt + 1, sizeof *heap);
  if (!at || !heap) exit(1);
  uint32_t live = cnt;
  for (uint32_t i = 0; i < cnt; i++) heap[i] = i;
#define HEAD(h) (&part[heap[h]].md[at[heap[h]]])
  for (uint32_t start = live / 2 + 1; live > 0;) {
    uint32_t i = start > 0 ? --start : 0;
    for (uint32_t c; (c = 2 * i + 1) < live; i = c) {
      if (c + 1 < live && earlier(HEAD(c + 1), HEAD(c))) c++;
      if (!earlier(HEAD(c), HEAD(i))) break;
      uint32_t const t = heap[i];
      heap[i] = heap[c];
      heap[c] = t;
    }
    if (start > 0) continue;
    uint32_t const m = heap[0];
    w1_put(out, &part[m].md[at[m]]);
    if (++at[m] == part[m].cnt) heap[0] = heap[--live];
  }
#undef HEAD
  free(at);
  free(heap);
}

static uint32_t load_folder(const char *folder, w1_data_t *d) {
  struct dirent **name;
  int const n = scandir(folder, &name, is_csv, alphasort);
  if (n <= 0) { fprintf(stderr, "%s: no CSV files\n", folder); exit(1); }
  w1_data_t *const part = calloc((size_t)n, sizeof *part);
  if (!part) exit(1);
  int64_t first = PMM_NS_MAX;
  *d = (w1_data_t){0};
  for (int i = 0; i < n; i++) {
    char path[4096];
    snprintf(path, sizeof path, "%s/%s", folder, name[i]->d_name);
    w1_load(&part[i], path, (uint32_t)i);
    if (part[i].cnt == 0) { fprintf(stderr, "%s: no rows\n", path); exit(1); }
    first = pmm_min64(first, part[i].md[0].exch_ns);
    d->rows += part[i].rows;
    free(name[i]);
  }
  free(name);
  w1_open(d, (uint32_t)n, first);
  merge(part, (uint32_t)n, d);
  for (int i = 0; i < n; i++) free(part[i].md);
  free(part);
  return (uint32_t)n;
}

static int make_tape(const char *path, const w1_data_t *d, const pmm_market_t *market, uint32_t cnt) {
  pmm_tape_writer_t *w;
  pmm_error_t err = {0};
  uint32_t index;
  pmm_status_t st = pmm_tape_create(&w, path, "{\"made_by\":\"bench_w4\"}", &err);
  if (st != PMM_OK) { fprintf(stderr, "%s\n", err.text); return 1; }
  for (uint32_t i = 0; st == PMM_OK && i < cnt; i++) st = pmm_tape_add_market(w, &market[i], &index, &err);
  for (size_t i = 0; st == PMM_OK && i < d->cnt; i++) st = pmm_tape_append(w, &d->md[i], &err);
  if (st == PMM_OK) st = pmm_tape_finish(w, NULL, &err);
  if (st != PMM_OK) fprintf(stderr, "%s\n", err.text);
  return st != PMM_OK;
}

int main(int argc, char **argv) {
  static const struct option longopts[] = {{"replay", 0, 0, 'r'}, {"repeat", 1, 0, 'n'}, {"make-tape", 1, 0, 't'}, {0, 0, 0, 0}};
  bool replay = false;
  long repeat = 1;
  const char *tape_out = NULL;
  for (int o; (o = getopt_long(argc, argv, "", longopts, NULL)) != -1;) {
    if (o == 'r') replay = true;
    else if (o == 'n') repeat = strtol(optarg, NULL, 10);
    else if (o == 't') tape_out = optarg;
    else return 2;
  }
  struct stat info;
  if (optind + 1 != argc || repeat < 1 || repeat > 1000 || stat(argv[optind], &info) != 0) { fprintf(stderr, "usage: bench_w4 FOLDER|TAPE [--replay] [--make-tape TAPE] [--repeat N]\n"); return 2; }
  w1_data_t d = {0};
  bool const folder = S_ISDIR(info.st_mode);
  uint32_t const cnt = folder ? load_folder(argv[optind], &d) : 0;
  pmm_market_t *const market = cnt ? w1_markets(cnt) : NULL;
  if (tape_out) return make_tape(tape_out, &d, market, cnt);
  const char *const tape = argv[optind];
  pmm_config_t *const c = w1_config(&w1_default);
  pmm_backtest_opts_t o = {.replay_only = replay};
  if (folder) o.md = d.md, o.md_cnt = d.cnt, o.market = market, o.market_cnt = cnt;
  else o.tape = &tape, o.tape_cnt = 1;
  pmm_result_t *const run = calloc((size_t)repeat, sizeof *run);
  pmm_error_t err = {0};
  for (long i = 0; i < repeat; i++)
    if (!run || pmm_backtest_run(c, &o, &run[i], &err) != PMM_OK) { fprintf(stderr, "%s\n", err.text); return 1; }
  qsort(run, (size_t)repeat, sizeof *run, w1_by_wall);
  pmm_result_t const *const r = &run[repeat / 2];
  /* From a tape the records are known, not the rows: about 0.2% more. */
  size_t const rows = folder ? d.rows : (size_t)r->messages + (replay ? r->events : 0);
  printf("{\"peer\":\"pmm\",\"workload\":\"%s\",\"source\":\"%s\",\"events\":%zu,\"events_per_s\":%.0f,\"decisions\":%llu,\"submits\":%llu,\"fills\":%llu,\"position\":%.0f,\"peak_mib\":%.1f,"
         "\"data_mib\":%.1f,\"wall_s\":%.6f,\"hash\":\"0x%016llx\"}\n", replay ? "w4-replay" : "w4", folder ? "memory" : "tape", rows, (double)rows / r->wall_s, (unsigned long long)r->decisions,
         (unsigned long long)r->orders, (unsigned long long)r->fills, (double)r->final_net_e6 / 1e6, w1_peak_mib(), (double)(d.cnt * sizeof *d.md) / 1048576, r->wall_s, (unsigned long long)r->state_hash);
  return 0;
}
