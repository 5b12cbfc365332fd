/* Tutorial, step 1: from a book to a bid and an ask. A strategy is a table of functions; here it is called by hand.
   Build: cmake --build build --target example_1_two_sided_quote    Run: build/examples/1_two_sided_quote */
#include "pmm/pmm.h"

int main(void) {
  static _Alignas(64) unsigned char memory[1 << 20], state[4096];
  pmm_arena_t arena;
  pmm_market_t market; /* "Will it rain tomorrow?", traded in whole cents */
  pmm_ladder_t ladder; /* its book: somebody bids 49 cents for YES, somebody asks 51 */
  pmm_arena_init(&arena, memory, sizeof memory);
  pmm_market_init(&market, "rain-tomorrow");
  pmm_ladder_init(&ladder, &arena, market.grid.tick_cnt, market.grid.tick_cnt);
  pmm_ladder_set(&ladder, PMM_BID, 49, 100 * PMM_ONE_E6);
  pmm_ladder_set(&ladder, PMM_ASK, 51, 100 * PMM_ONE_E6);

  static pmm_config_t config; /* strategy linear with a spread of 400 basis points: 4 cents */
  const char *const set[] = {"params.spread_bps=400", "params.size=10"};
  if (pmm_config_parse(&config, "tutorial", "{}", 2, set, 2, NULL) != PMM_OK) return 1;
  const pmm_strategy_ops_t *const linear = config.strategy[0].ops;
  linear->init(state, config.strategy[0].params, config.seed);

  pmm_view_t view = {.market = &market, .ladder = &ladder};
  pmm_quotes_t quotes;
  pmm_quotes_clear(&quotes);
  pmm_ladder_mid(&ladder, &view.mid);
  linear->on_view(state, &view, &quotes);
  printf("the book's mid says YES is worth %.2f\n", view.mid);
  printf("bid  %.0f YES at %.2f\n", (double)quotes.bid[0].qty_e6 / 1e6, quotes.bid[0].price_e4 / 1e4);
  printf("ask  %.0f YES at %.2f   which is to buy NO at %.2f\n", (double)quotes.ask[0].qty_e6 / 1e6, quotes.ask[0].price_e4 / 1e4,
         1 - quotes.ask[0].price_e4 / 1e4);
  return 0;
}
