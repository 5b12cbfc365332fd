/* mine.c -- a strategy of your own, small but whole: a maker around the microprice that leans with the book.
   Build it against the headers alone and name the file in a configuration or a question:

     cc -std=gnu17 -O2 -ffp-contract=off -shared -fPIC -Iinclude -o mine.so examples/strategy/mine.c
     pmm backtest -c my.yaml --set strategy=./mine.so --tape day.tape

   fair  = microprice + lean * tick * imbalance(levels) - skew * position
   bid   = fair - half_spread, ask = fair + half_spread, never inside the other side of the book
   A side that would pass max_position is left out; without a two-sided book it pauses.
   docs/writing-a-strategy.md walks through this file. */
#include <math.h>

#include "pmm/strategy.h"

/* 1. Parameters: a plain struct, and a table that says name, range, default and help of each field. Configuration files,
   --set, sweeps and the reference page all come from the table. */
typedef struct params {
  double half_spread, lean, skew;
  int64_t size, max_position, levels;
} params_t;

static const pmm_param_t table[] = {
  {"half_spread", PMM_PARAM_F64, offsetof(params_t, half_spread), "0.015", 0.0005, 0.5, "dollars", NULL, "distance of each order from fair value"},
  {"lean", PMM_PARAM_F64, offsetof(params_t, lean), "1", 0, 100, "ticks", NULL, "how far a one-sided book moves fair value"},
  {"skew", PMM_PARAM_F64, offsetof(params_t, skew), "0.0005", 0, 1, "dollars per contract", NULL, "how far a contract held moves fair value"},
  {"size", PMM_PARAM_QTY, offsetof(params_t, size), "10", 0.01, 1e6, "contracts", NULL, "size of each order"},
  {"max_position", PMM_PARAM_QTY, offsetof(params_t, max_position), "100", 0, 1e6, "contracts", NULL, "largest net position"},
  {"levels", PMM_PARAM_INT, offsetof(params_t, levels), "3", 1, 100, "levels", NULL, "book levels that count for the imbalance"},
};

/* 2. State: what it remembers of one market. Zeroed before init; the engine owns the memory. */
typedef struct state { const params_t *params; } state_t;

static pmm_status_t init(void *state, const void *params, uint64_t seed) {
  (void)seed; /* for strategies that need chance: the only source of it */
  ((state_t *)state)->params = params;
  return PMM_OK;
}

/* 3. The decision: from the view to quotes. No allocation, no clock, no globals: the same history gives the same orders. */
static pmm_status_t on_view(void *state, const pmm_view_t *view, pmm_quotes_t *out) {
  const params_t *const p = ((const state_t *)state)->params;
  const pmm_grid_t *const grid = &view->market->grid;
  int64_t const net_e6 = pmm_position_net(&view->position);
  double micro;
  if (pmm_ladder_microprice(view->ladder, &micro) != PMM_OK || pmm_ladder_state(view->ladder) != PMM_BOOK_NORMAL) {
    out->action = PMM_QUOTE_PAUSE; /* cancels everything */
    out->why = "no two-sided book";
    return PMM_OK;
  }
  double const imbalance = pmm_ladder_imbalance(view->ladder, (int32_t)p->levels);
  double const tick = grid->tick_e4 / 1e4;
  out->fair = pmm_clip(micro + p->lean * tick * imbalance - p->skew * ((double)net_e6 / 1e6), 0, 1);
  out->raw_bid = out->fair - p->half_spread;
  out->raw_ask = out->fair + p->half_spread;
  out->raw_spread = 2 * p->half_spread;

  /* Prices become integers once, here: bids round down, asks up. PMM_TICKS_NONE means that no price is left on that side. */
  double const best_bid = pmm_ladder_best_e4(view->ladder, PMM_BID) / 1e4, best_ask = pmm_ladder_best_e4(view->ladder, PMM_ASK) / 1e4;
  int32_t const bid = pmm_grid_floor(grid, fmin(out->raw_bid, best_ask - tick));
  int32_t const ask = pmm_grid_ceil(grid, fmax(out->raw_ask, best_bid + tick));
  int64_t const size = pmm_floor_to_lot(p->size, view->market->lot_e6);
  bool const is_size = size >= view->market->min_size_e6 && size > 0;
  if (is_size && bid != PMM_TICKS_NONE && net_e6 + size <= p->max_position) out->bid[out->bid_cnt++] = (pmm_level_t){bid, size};
  if (is_size && ask != PMM_TICKS_NONE && net_e6 - size >= -p->max_position) out->ask[out->ask_cnt++] = (pmm_level_t){ask, size};

  /* Reasons are numbers worth seeing later: the log, a replay and the cockpit show them. */
  pmm_quotes_reason(out, "microprice", micro);
  pmm_quotes_reason(out, "imbalance", imbalance);
  return PMM_OK;
}

/* 4. The table that pmm looks for. */
extern const pmm_strategy_ops_t pmm_strategy;
const pmm_strategy_ops_t pmm_strategy = {
  .abi = PMM_STRATEGY_ABI,
  .name = "mine",
  .help = "a maker around the microprice that leans with the book",
  .params = table,
  .param_cnt = sizeof table / sizeof table[0],
  .params_size = sizeof(params_t),
  .state_size = sizeof(state_t),
  .wake = PMM_WAKE_BOOK | PMM_WAKE_FILL | PMM_WAKE_LIFE,
  .init = init,
  .on_view = on_view,
};
