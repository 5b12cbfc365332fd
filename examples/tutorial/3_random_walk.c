/* Tutorial, step 3: a whole market from opening to resolution. Traders who know more than we do, and traders who do not, meet our quotes
   while the truth wanders; the same seed gives the same hour again.
   Build: cmake --build build --target example_3_random_walk    Run: build/examples/3_random_walk [SEED] */
#include "pmm/pmm.h"

int main(int argc, char **argv) {
  static pmm_config_t config;
  char seed[64];
  snprintf(seed, sizeof seed, "seed=%s", argc > 1 ? argv[1] : "1");
  const char *const set[] = {seed, "scenario.kind=walk", "scenario.duration=1h", "params.spread_bps=400", "params.inventory_alpha=0.001"};
  pmm_backtest_opts_t const opts = {0};
  pmm_result_t result;
  pmm_error_t err = {0};
  if (pmm_config_parse(&config, "tutorial", "{}", 2, set, 5, &err) != PMM_OK || pmm_backtest_scenario(&config, &opts, &result, &err) != PMM_OK) {
    fprintf(stderr, "%s\n", err.text);
    return 1;
  }
  printf("fills      %llu, %.2f YES bought and %.2f sold\n", (unsigned long long)result.fills, (double)result.bought_e6 / 1e6, (double)result.sold_e6 / 1e6);
  printf("final net  %+.2f YES\n", (double)result.final_net_e6 / 1e6);
  printf("P&L        %+.2f dollars: %+.2f from the spread, %+.2f from what the position did, %.2f fees\n", (double)result.pnl_total_e6 / 1e6,
         (double)result.pnl_spread_e6 / 1e6, (double)result.pnl_inventory_e6 / 1e6, (double)result.fees_e6 / 1e6);
  pmm_result_free(&result);
  return 0;
}
