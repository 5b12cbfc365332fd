/* Strategy `linear`: one order a side around the mid, moved against the inventory (docs/strategies/linear.md). */
#include "quoting.h"

typedef enum skew_kind { SKEW_LINEAR, SKEW_LOGIT } skew_kind_t;

typedef struct linear_params {
  double spread_bps, inventory_alpha;
  int64_t size;
  int32_t skew;
} linear_params_t;

typedef struct linear { const linear_params_t *params; } linear_t;

static const pmm_param_t table[] = {
  PMM__PARAM(F64, linear_params_t, spread_bps, "100", 0, 20000, "bps", "distance between bid and ask, in hundredths of a cent"),
  PMM__PARAM(F64, linear_params_t, inventory_alpha, "0", 0, 10, "dollars per contract", "how far one contract of net position moves both quotes (logit skew: log-odds)"),
  PMM__PARAM(QTY, linear_params_t, size, "10", 0.000001, 1e9, "contracts", "size of each order"),
  PMM__CHOICE(linear_params_t, skew, "linear", "linear|logit", "whether inventory moves the price or its log-odds"),
};

static pmm_status_t init(void *state, const void *params, uint64_t seed) {
  (void)seed;
  ((linear_t *)state)->params = params;
  return PMM_OK;
}

static pmm_status_t on_view(void *state, const pmm_view_t *view, pmm_quotes_t *out) {
  const linear_params_t *const params = ((const linear_t *)state)->params;
  const pmm_grid_t *const grid = &view->market->grid;
  double const q = (double)pmm_position_net(&view->position) / 1e6;
  double fair;
  pmm_status_t const st = params->skew == SKEW_LINEAR ? pmm_skew_linear(view->mid, params->inventory_alpha, q, &fair)
                                                      : pmm_skew_logit(view->mid, params->inventory_alpha, q, &fair);
  if (st != PMM_OK) return st;
  double const half = params->spread_bps / 20000;
  out->fair = fair;
  out->raw_bid = fmax(0, fair - half);
  out->raw_ask = fmin(1, fair + half);
  out->raw_spread = params->spread_bps / 10000;
  int32_t bid = pmm_grid_floor(grid, out->raw_bid), ask = pmm_grid_ceil(grid, out->raw_ask);
  if (bid != PMM_TICKS_NONE && ask != PMM_TICKS_NONE && bid >= ask) {
    ask = pmm_grid_up(grid, bid);
    if (ask == PMM_TICKS_NONE) { /* bid is the highest price of the grid: it becomes the ask */
      ask = bid;
      bid = pmm_grid_down(grid, ask);
    }
  }
  int64_t const size = pmm__size(view->market, params->size);
  if (size == 0) out->why = "size is below the venue's minimum";
  pmm__add_bid(out, bid, size);
  pmm__add_ask(out, ask, size);
  return PMM_OK;
}

/* Selection: a whole book in a market that trades. The spread we would hold (the book's where it is narrower: quotes wider
   than the best wait behind it) times the prints of the last six hours. */
static double score(const void *params, const pmm_view_t *view) {
  const linear_params_t *const p = params;
  if (!pmm_life_trades((pmm_life_t)view->market->life) || pmm_ladder_state(view->ladder) != PMM_BOOK_NORMAL) return NAN;
  if (view->time_left_s <= 0) return NAN;
  int32_t const spread_e4 = pmm_ladder_best_e4(view->ladder, PMM_ASK) - pmm_ladder_best_e4(view->ladder, PMM_BID);
  return fmin(p->spread_bps / 10000, spread_e4 / 1e4) * (1 + (double)pmm_flow_trades_6h(view->flow));
}

const pmm_strategy_ops_t pmm__strategy_linear = {
  .abi = PMM_STRATEGY_ABI,
  .name = "linear",
  .help = "one order a side around the mid, moved against the inventory",
  .params = table,
  .param_cnt = PMM__CNT(table),
  .params_size = sizeof(linear_params_t),
  .state_size = sizeof(linear_t),
  .wake = PMM_WAKE_BOOK | PMM_WAKE_FILL | PMM_WAKE_LIFE,
  .inputs = PMM_INPUT_TOUCH | PMM_INPUT_POSITION,
  .init = init,
  .on_view = on_view,
  .score = score,
};
