/* bench_w1.c -- W1: one market, with quoting, queue and latency, or replay only. usage: bench_w1 W1.CSV [--replay] [--repeat N]
   Of several repetitions the one in the middle counts. */
#include <getopt.h>
#include "w1.h"

int main(int argc, char **argv) {
  static const struct option longopts[] = {{"replay", 0, 0, 'r'}, {"repeat", 1, 0, 'n'}, {0, 0, 0, 0}};
  bool replay = false;
  long repeat = 1;
  for (int o; (o = getopt_long(argc, argv, "", longopts, NULL)) != -1;) {
    if (o == 'r') replay = true;
    else if (o == 'n') repeat = strtol(optarg, NULL, 10);
    else return 2;
  }
  if (optind + 1 != argc || repeat < 1 || repeat > 1000) { fprintf(stderr, "usage: bench_w1 W1.CSV [--replay] [--repeat N]\n"); return 2; }
  w1_data_t d;
  w1_load_one(&d, argv[optind]);
  pmm_market_t *const market = w1_markets(1);
  pmm_config_t *const c = w1_config(&w1_default);
  pmm_backtest_opts_t const o = {.md = d.md, .md_cnt = d.cnt, .market = market, .market_cnt = 1, .replay_only = replay};
  pmm_result_t *const run = calloc((size_t)repeat, sizeof *run);
  pmm_error_t err = {0};
  for (long i = 0; i < repeat; i++)
    if (!run || pmm_backtest_run(c, &o, &run[i], &err) != PMM_OK) { fprintf(stderr, "%s\n", err.text); return 1; }
  qsort(run, (size_t)repeat, sizeof *run, w1_by_wall);
  pmm_result_t const *const r = &run[repeat / 2];
  printf("{\"peer\":\"pmm\",\"workload\":\"%s\",\"events\":%zu,\"records\":%zu,\"events_per_s\":%.0f,\"decisions\":%llu,\"submits\":%llu,\"fills\":%llu,\"position\":%.0f,"
         "\"peak_mib\":%.1f,\"wall_s\":%.6f,\"wall_s_min\":%.6f,\"hash\":\"0x%016llx\"}\n", replay ? "w1-replay" : "w1", d.rows, d.cnt, (double)d.rows / r->wall_s, (unsigned long long)r->decisions,
         (unsigned long long)r->orders, (unsigned long long)r->fills, (double)r->final_net_e6 / 1e6, w1_peak_mib(), r->wall_s, run[0].wall_s, (unsigned long long)r->state_hash);
  for (long i = 0; i < repeat; i++) pmm_result_free(&run[i]);
  free(run);
  free(c);
  free(market);
  free(d.md);
  return 0;
}
