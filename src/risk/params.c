/* src/risk/params.c -- the limits as a table, and the names of the checks. */
#include "pmm/risk.h"

#define AT(field) offsetof(pmm_risk_params_t, field)

const pmm_param_t pmm_risk_param_table[] = {
  {"price_band", PMM_PARAM_F64, AT(price_band), "0.25", 0.0001, 1, "dollars", NULL,
   "refuse an order that would give away more than this against fair value (fat finger)"},
  {"max_order_size", PMM_PARAM_QTY, AT(max_order_size_e6), "10000", 0, 1e8, "contracts", NULL, "largest single order"},
  {"max_net", PMM_PARAM_QTY, AT(max_net_e6), "100000", 0, 1e9, "contracts", NULL,
   "largest |yes - no| of a strategy in a market if its open orders filled"},
  {"max_gross", PMM_PARAM_QTY, AT(max_gross_e6), "200000", 0, 1e9, "contracts", NULL,
   "largest yes + no of a strategy in a market if its open buys filled"},
  {"max_open_notional_side", PMM_PARAM_CASH, AT(max_open_notional_side_e6), "100000", 0, 1e9, "dollars", NULL,
   "most cash behind one side's open orders of a strategy in a market"},
  {"min_spread", PMM_PARAM_F64, AT(min_spread), "0", 0, 1, "dollars", NULL, "smallest distance between own bid and own ask; 0: none"},
  {"max_heat", PMM_PARAM_F64, AT(max_heat), "0.25", 0, 1, "", NULL,
   "share of the account's equity that positions and open orders may lose together"},
  {"max_daily_loss", PMM_PARAM_CASH, AT(max_daily_loss_e6), "500", 0, 1e9, "dollars", NULL,
   "loss since UTC midnight that pulls the kill switch (alerts at 50% and 80%); 0: none"},
  {"max_trades_per_day", PMM_PARAM_INT, AT(max_trades_per_day), "0", 0, 1e9, "", NULL, "fills per UTC day after which no order is placed; 0: none"},
  {"loss_streak", PMM_PARAM_INT, AT(loss_streak), "3", 0, 1e6, "", NULL, "losing closes in a row that cut order sizes; 0: never"},
  {"loss_streak_cut", PMM_PARAM_F64, AT(loss_streak_cut), "0.5", 0.01, 1, "", NULL, "factor on order sizes during a losing streak, until a winning close"},
  {"max_order_rate", PMM_PARAM_F64, AT(max_order_rate), "0", 0, 1e6, "1/s", NULL, "order actions per second (token bucket); 0: no limit"},
  {"max_order_burst", PMM_PARAM_INT, AT(max_order_burst), "400", 1, 1e6, "", NULL, "order actions that may come at once"},
  {"cancel_reserve", PMM_PARAM_INT, AT(cancel_reserve), "20", 0, 1e6, "", NULL, "part of the burst that only cancels may use"},
};
const size_t pmm_risk_param_cnt = sizeof pmm_risk_param_table / sizeof pmm_risk_param_table[0];

const char *pmm_risk_reason_to_string(pmm_risk_reason_t reason) {
  static const char *const text[] = {
#define X(name, text) text,
    PMM_RISK_MAP(X)
#undef X
  };
  return (unsigned)reason < PMM_RISK_CNT ? text[reason] : "unknown reason";
}
