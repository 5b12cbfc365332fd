/* Tutorial, step 2: what we hold moves what we quote. The same book seen with five positions.
   Build: cmake --build build --target example_2_inventory    Run: build/examples/2_inventory */
#include "pmm/pmm.h"

static const pmm_strategy_ops_t *linear;
static _Alignas(64) unsigned char state[4096];

static void show_quote(const pmm_market_t *market, int64_t yes, int64_t no) {
  pmm_view_t const view = {.market = market, .mid = .50, .position = {.yes_e6 = yes * PMM_ONE_E6, .no_e6 = no * PMM_ONE_E6}};
  pmm_quotes_t quotes;
  pmm_quotes_clear(&quotes);
  linear->on_view(state, &view, &quotes);
  printf("%3d YES %3d NO:  worth %.2f to us, bid %.2f, ask %.2f\n", (int)yes, (int)no, quotes.fair, quotes.bid[0].price_e4 / 1e4,
         quotes.ask[0].price_e4 / 1e4);
}

int main(void) {
  static pmm_config_t config;
  const char *const set[] = {"params.spread_bps=400", "params.inventory_alpha=0.001"}; /* ten contracts move both prices by a cent */
  if (pmm_config_parse(&config, "tutorial", "{}", 2, set, 2, NULL) != PMM_OK) return 1;
  linear = config.strategy[0].ops;
  linear->init(state, config.strategy[0].params, config.seed);
  pmm_market_t market;
  pmm_market_init(&market, "rain-tomorrow");
  show_quote(&market, 0, 0);
  show_quote(&market, 30, 0);   /* long YES: both prices fall, so that YES is sold rather than bought */
  show_quote(&market, 0, 30);
  show_quote(&market, 30, 30);  /* a YES and a NO are worth a dollar together, whatever happens: no risk, no skew */
  show_quote(&market, 130, 100);
  return 0;
}
