/* strategy/quoting.h -- small steps that every built-in strategy takes: a forced signal instead of an estimate, a size on
   the market's lot, a level appended. Private to this folder. */
#ifndef PMM_STRATEGY_QUOTING_H
#define PMM_STRATEGY_QUOTING_H
#include <math.h>

#include "pmm/strategy.h"

#define PMM__SIZE_MAX_E6 INT64_C(1000000000000000) /* 1e9 contracts: keeps every product of a model inside int64 */

/* The caller's number when there is one, else our own. */
static inline double pmm__signal(double forced, double own) { return isnan(forced) ? own : forced; }

/* A size as an order may carry it: floored to the lot, and 0 (no order) when that is below the venue's minimum. */
static inline int64_t pmm__size(const pmm_market_t *market, int64_t qty_e6) {
  if (qty_e6 <= 0) return 0;
  int64_t const size = pmm_floor_to_lot(qty_e6, market->lot_e6);
  return size >= market->min_size_e6 ? size : 0;
}

/* The same from contracts in double; forgives 1e-9 of a lot like price rounding does. NaN gives 0. */
static inline int64_t pmm__size_of(const pmm_market_t *market, double contracts) {
  double const lots = contracts * 1e6 / (double)market->lot_e6 + 1e-9;
  if (!(lots >= 1)) return 0;
  double const most = (double)(PMM__SIZE_MAX_E6 / market->lot_e6);
  return pmm__size(market, (int64_t)(lots < most ? lots : most) * market->lot_e6);
}

/* Appends a level behind the last; a price that is no price or a size that is no size ends here without an order. */
static inline void pmm__add_bid(pmm_quotes_t *out, int32_t price_e4, int64_t qty_e6) {
  if (price_e4 == PMM_TICKS_NONE || qty_e6 <= 0 || out->bid_cnt == PMM_LEVELS_MAX) return;
  out->bid[out->bid_cnt++] = (pmm_level_t){price_e4, qty_e6};
}
static inline void pmm__add_ask(pmm_quotes_t *out, int32_t price_e4, int64_t qty_e6) {
  if (price_e4 == PMM_TICKS_NONE || qty_e6 <= 0 || out->ask_cnt == PMM_LEVELS_MAX) return;
  out->ask[out->ask_cnt++] = (pmm_level_t){price_e4, qty_e6};
}

static inline pmm_status_t pmm__pause(pmm_quotes_t *out, const char *why) {
  out->action = PMM_QUOTE_PAUSE;
  out->why = why;
  return PMM_OK;
}

/* Get out of qty_e6 of a net position: long YES buys NO (an ask), short YES buys YES (a bid). */
static inline pmm_status_t pmm__exit(pmm_quotes_t *out, int64_t net_e6, int64_t qty_e6, const char *why) {
  out->action = PMM_QUOTE_EXIT;
  out->exit_side = net_e6 > 0 ? PMM_ASK : PMM_BID;
  out->exit_qty_e6 = qty_e6;
  out->why = why;
  return PMM_OK;
}

/* One table row each: the offset and the name come from the field, so they cannot drift apart. */
#define PMM__PARAM(type_, struct_, field_, def_, min_, max_, unit_, help_) \
  {.name = #field_, .type = PMM_PARAM_##type_, .offset = offsetof(struct_, field_), .def = def_, .min = min_, .max = max_, .unit = unit_, .help = help_}
#define PMM__CHOICE(struct_, field_, def_, choices_, help_) \
  {.name = #field_, .type = PMM_PARAM_ENUM, .offset = offsetof(struct_, field_), .def = def_, .unit = "", .choices = choices_, .help = help_}

#define PMM__CNT(array) (sizeof(array) / sizeof((array)[0]))

extern const pmm_strategy_ops_t pmm__strategy_linear, pmm__strategy_adaptive, pmm__strategy_logit, pmm__strategy_digital, pmm__strategy_curve,
    pmm__strategy_arbitrage;
#endif
