/* bench_w2.c -- W2: the parameter sets of w2.json over W1's rows in one pass. usage: bench_w2 W1.CSV w2.json [--threads N] [--sets-out FILE]
   With threads the sets are shared out among so many passes side by side. */
#include <getopt.h>
#include <jansson.h>
#include <pthread.h>
#include "w1.h"

#define SETS_MAX 1024

typedef struct job {
  pthread_t thread;
  const pmm_config_t *config[SETS_MAX];
  pmm_result_t *result; size_t cnt;
  const pmm_backtest_opts_t *opts;
  pmm_status_t st; pmm_error_t err;
} job_t;

static void *work(void *arg) {
  job_t *const j = arg;
  j->st = pmm_backtest_many(j->config, j->cnt, j->opts, j->result, &j->err);
  return NULL;
}

static size_t read_sets(const char *path, w1_params_t *out) {
  json_error_t err;
  json_t *const root = json_load_file(path, 0, &err), *const sets = json_object_get(root, "sets");
  size_t const n = json_array_size(sets);
  if (n == 0 || n > SETS_MAX) { fprintf(stderr, "%s: %s\n", path, root ? "no sets" : err.text); exit(1); }
  for (size_t i = 0; i < n; i++) {
    json_t const *const s = json_array_get(sets, i);
    out[i] = (w1_params_t){.size = json_integer_value(json_object_get(s, "size")) * PMM_ONE_E6, .max_position = json_integer_value(json_object_get(s, "max_position")) * PMM_ONE_E6,
                           .interval_ns = json_integer_value(json_object_get(s, "interval_ms")) * PMM_NS_PER_MS};
    if (out[i].size <= 0 || out[i].max_position <= 0 || out[i].interval_ns <= 0) { fprintf(stderr, "%s: set %zu\n", path, i); exit(1); }
  }
  json_decref(root);
  return n;
}

static void write_sets(const char *path, const pmm_result_t *r, size_t n) {
  FILE *const f = fopen(path, "w");
  if (!f) { perror(path); exit(1); }
  for (size_t i = 0; i < n; i++)
    fprintf(f, "{\"set\":%zu,\"decisions\":%llu,\"submits\":%llu,\"fills\":%llu,\"position\":%.0f}\n", i, (unsigned long long)r[i].decisions, (unsigned long long)r[i].orders,
            (unsigned long long)r[i].fills, (double)r[i].final_net_e6 / 1e6);
  fclose(f);
}

int main(int argc, char **argv) {
  static const struct option longopts[] = {{"threads", 1, 0, 't'}, {"sets-out", 1, 0, 'o'}, {0, 0, 0, 0}};
  static w1_params_t set[SETS_MAX];
  static job_t job[64];
  static pmm_result_t result[SETS_MAX];
  size_t threads = 1;
  const char *sets_out = NULL;
  for (int o; (o = getopt_long(argc, argv, "", longopts, NULL)) != -1;) {
    if (o == 't') threads = strtoull(optarg, NULL, 10);
    else if (o == 'o') sets_out = optarg;
    else return 2;
  }
  if (optind + 2 != argc || threads < 1 || threads > 64) { fprintf(stderr, "usage: bench_w2 W1.CSV w2.json [--threads N] [--sets-out FILE]\n"); return 2; }
  w1_data_t d;
  w1_load_one(&d, argv[optind]);
  size_t const n = read_sets(argv[optind + 1], set);
  pmm_market_t *const market = w1_markets(1);
  pmm_backtest_opts_t const opts = {.md = d.md, .md_cnt = d.cnt, .market = market, .market_cnt = 1};
  for (size_t t = 0, at = 0; t < threads; t++) {
    job[t].opts = &opts;
    job[t].result = &result[at];
    for (; at < n * (t + 1) / threads; at++) job[t].config[job[t].cnt++] = w1_config(&set[at]);
    if (pthread_create(&job[t].thread, NULL, work, &job[t]) != 0) { perror("thread"); return 1; }
  }
  double wall = 0; /* of the slowest pass */
  for (size_t t = 0; t < threads; t++) {
    pthread_join(job[t].thread, NULL);
    if (job[t].st != PMM_OK) { fprintf(stderr, "%s\n", job[t].err.text); return 1; }
    if (job[t].cnt && job[t].result[0].wall_s > wall) wall = job[t].result[0].wall_s;
  }
  uint64_t decisions = 0, submits = 0, fills = 0, hash = 0;
  double position = 0;
  for (size_t i = 0; i < n; i++) {
    decisions += result[i].decisions;
    submits += result[i].orders;
    fills += result[i].fills;
    position += (double)result[i].final_net_e6 / 1e6;
    hash = (hash << 7 | hash >> 57) ^ result[i].state_hash;
  }
  if (sets_out) write_sets(sets_out, result, n);
  printf("{\"peer\":\"pmm\",\"workload\":\"w2\",\"sets\":%zu,\"threads\":%zu,\"events\":%zu,\"events_per_s\":%.0f,\"decisions\":%llu,\"submits\":%llu,\"fills\":%llu,\"position\":%.0f,"
         "\"peak_mib\":%.1f,\"wall_s\":%.6f,\"hash\":\"0x%016llx\"}\n", n, threads, d.rows * n, (double)(d.rows * n) / wall, (unsigned long long)decisions, (unsigned long long)submits,
         (unsigned long long)fills, position, w1_peak_mib(), wall, (unsigned long long)hash);
  return 0;
}
