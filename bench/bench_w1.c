/* bench_w1.c -- W1: one market, with quoting, queue and latency, or replay only. usage: bench_w1 W1.CSV [--replay] */
#include "w1.h"

int main(int argc, char **argv) {
  if (argc < 2) { fprintf(stderr, "usage: bench_w1 W1.CSV [--replay]\n"); return 2; }
  bool const replay = argc > 2 && strcmp(argv[2], "--replay") == 0;
  w1_data_t d;
  w1_load(&d, argv[1]);
  w1_params_t const p = {.size = 20 * PMM_ONE_E6, .max_position = 1000 * PMM_ONE_E6, .interval_ns = 10 * PMM_NS_PER_MS};
  pmm_config_t *const c = w1_config(&p);
  pmm_backtest_opts_t const o = {.md = d.md, .md_cnt = d.cnt, .market = &d.market, .market_cnt = 1, .replay_only = replay};
  pmm_result_t r;
  pmm_error_t err = {0};
  if (pmm_backtest_run(c, &o, &r, &err) != PMM_OK) { fprintf(stderr, "%s\n", err.text); return 1; }
  printf("{\"peer\":\"pmm\",\"workload\":\"%s\",\"events\":%zu,\"records\":%zu,\"events_per_s\":%.0f,\"decisions\":%llu,\"submits\":%llu,\"fills\":%llu,\"position\":%.0f,"
         "\"peak_mib\":%.1f,\"wall_s\":%.6f,\"hash\":\"0x%016llx\"}\n", replay ? "w1-replay" : "w1", d.rows, d.cnt, (double)d.rows / r.wall_s, (unsigned long long)r.decisions,
         (unsigned long long)r.orders, (unsigned long long)r.fills, (double)r.final_net_e6 / 1e6, w1_peak_mib(), r.wall_s, (unsigned long long)r.state_hash);
  pmm_result_free(&r);
  free(c);
  free(d.md);
  return 0;
}
