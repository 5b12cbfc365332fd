/* pmm/risk.h -- pre-trade checks, loss accounting, kill switch (models.md section 8). Knows no venue.
   docs/risk.md explains each check. Pure functions over plain data: time comes as an argument, nothing is allocated.
   An order that only reduces exposure passes the limits that would keep a position from shrinking (net, gross, notional per
   side, heat, cash floor); the kill switch lets nothing through but cancels. */
#ifndef PMM_RISK_H
#define PMM_RISK_H
#include "pmm/ledger.h"
#include "pmm/param.h"

typedef struct pmm_risk_params {
  double price_band;           /* an order this far (dollars) on the wrong side of fair is a fat finger */
  int64_t max_order_size_e6;
  int64_t max_net_e6, max_gross_e6;           /* per slot: |yes - no|, yes + no, with open orders filled */
  int64_t max_open_notional_side_e6;          /* cash_e6 behind one side's open orders of a slot */
  double min_spread;           /* between our best bid and ask, dollars; 0 none */
  double max_heat;             /* share of the account's equity at risk: .25 */
  int64_t max_daily_loss_e6;   /* cash_e6: alert at 50% and 80%, stop at 100%; 0 none */
  int64_t max_trades_per_day;  /* fills; 0 none */
  int64_t loss_streak;         /* after this many losing closes in a row ... */
  double loss_streak_cut;      /* ... sizes are multiplied by this until a winning one */
  double max_order_rate;       /* actions a second, token bucket; 0 none */
  int64_t max_order_burst;
  int64_t cancel_reserve;      /* tokens kept for cancels */
} pmm_risk_params_t;
extern const pmm_param_t pmm_risk_param_table[];
extern const size_t pmm_risk_param_cnt;

#define PMM_RISK_MAP(X) X(NONE, "none") X(KILLED, "kill switch") X(PRICE_BAND, "price too far from fair") X(ORDER_SIZE, "order too large") \
  X(NET, "net position limit") X(GROSS, "gross position limit") X(SIDE_NOTIONAL, "open notional per side") X(SPREAD, "own spread below floor") \
  X(SELF_CROSS, "would cross own order") X(HEAT, "portfolio heat") X(DAILY_LOSS, "daily loss limit") X(TRADES, "trades per day") \
  X(RATE, "order rate") X(CASH, "free cash") X(CASH_FLOOR, "strategy's cash floor") X(FAIR, "no fair value to exit at") X(CAPACITY, "order table full")
typedef enum pmm_risk_reason {
#define X(name, text) PMM_RISK_##name,
  PMM_RISK_MAP(X)
#undef X
  PMM_RISK_CNT
} pmm_risk_reason_t;
const char *pmm_risk_reason_to_string(pmm_risk_reason_t reason);

typedef enum pmm_risk_alert { PMM_ALERT_NONE = 0, PMM_ALERT_LOSS_50 = 1, PMM_ALERT_LOSS_80 = 2, PMM_ALERT_LOSS_100 = 4, PMM_ALERT_KILLED = 8 } pmm_risk_alert_t;

/* Plain data: it can be copied and restored byte for byte. Over a restart go the kill switch and a pmm_risk_day_t. */
typedef struct pmm_risk {
  pmm_risk_params_t params;
  bool killed;
  int64_t day;                 /* UTC day of the counters below */
  int64_t day_start_equity_e6; /* equity at the day's first event */
  int64_t earlier_e6;          /* result of the day's earlier runs: lost is negative */
  bool day_open;
  int64_t trades_today, streak;
  double tokens; int64_t tokens_ns;
  uint32_t alerts;             /* PMM_ALERT_* raised today */
  uint64_t refused[PMM_RISK_CNT]; /* how often each check said no */
} pmm_risk_t;
void pmm_risk_init(pmm_risk_t *risk, const pmm_risk_params_t *params);

/* One order to be judged, with what the slot and account look like. */
typedef struct pmm_risk_order {
  int64_t now_ns;
  pmm_side_t side;
  int32_t price_e4;
  int64_t qty_e6;
  int64_t cost_e6;                 /* cash it would reserve, fees included; 0 for a sell of holdings */
  bool reduces;                    /* it can only bring |net| down (or is an exit) */
  double fair;                     /* NaN: no band check */
  int64_t yes_e6, no_e6;           /* held */
  int64_t open_bid_e6, open_ask_e6;/* open quantity per side of the slot, this order and those being cancelled not included */
  int64_t open_buy_e6;             /* the part of it, of both sides, that buys contracts (the rest sells holdings) */
  int64_t open_notional_side_e6;   /* behind this order's side */
  int32_t own_best_bid_e4, own_best_ask_e4; /* of orders not being cancelled; 0 none */
  int64_t equity_e6, at_risk_e6;   /* account: equity, and what positions and open orders could lose */
  int64_t free_cash_e6;            /* of the purse that pays for it (pmm_ledger_slot_free) */
  int64_t cash_floor_e6;           /* that the strategy asked to keep of it; 0 none */
} pmm_risk_order_t;
/* pmm_risk_check gives the first check that refuses, counted in refused[]; takes a token of the rate budget when it passes.
   Order: kill switch, size, price band, self-cross, spread, net, gross, side notional, heat, daily loss, trades, cash,
   cash floor, rate. */
pmm_risk_reason_t pmm_risk_check(pmm_risk_t *risk, const pmm_risk_order_t *order);
/* A cancel (or an order made smaller) may use the reserve; false when not even that is left (try later). */
bool pmm_risk_allow_cancel(pmm_risk_t *risk, int64_t now_ns);
double pmm_risk_rate_left(const pmm_risk_t *risk, int64_t now_ns); /* INFINITY without a limit */
/* Size factor from the losing streak: 1 or loss_streak_cut. */
double pmm_risk_size_factor(const pmm_risk_t *risk);
void pmm_risk_on_fill(pmm_risk_t *risk, int64_t now_ns, int64_t realized_e6); /* 0 realized: no close */
/* Equity moved: rolls the day at UTC midnight, raises alerts, kills at 100% of the daily loss. Returns the alerts newly raised.
   Fills and checks roll the day too, but only equity opens its loss account: call this with the day's first event. */
uint32_t pmm_risk_on_equity(pmm_risk_t *risk, int64_t now_ns, int64_t equity_e6);
/* Cash came in or went out: neither a gain nor a loss. Call it before the equity that contains it. */
void pmm_risk_on_deposit(pmm_risk_t *risk, int64_t amount_e6);
/* What the limits of a day need so that they hold for the day, however often the program is started in it. */
typedef struct pmm_risk_day {
  int64_t day;                 /* UTC day since 1970; 0: nothing happened yet */
  int64_t result_e6;           /* made since it began (lost: negative), at the values of that moment; what came in or went out is not in it */
  int64_t trades, streak;      /* its fills; losing closes in a row, whatever the day */
} pmm_risk_day_t;
void pmm_risk_day(const pmm_risk_t *risk, int64_t equity_e6, pmm_risk_day_t *out);
/* Goes on where an earlier run was at `before`: on the same UTC day its result and fills count, on a later one only the streak. A day that lies ahead
   (a clock that was wrong) counts as today. Before the first event, and result_e6 far from the ends of its range. What holdings are worth must enter
   as it stood in that result (pmm_risk_on_deposit), or what they had lost by then counts twice. */
void pmm_risk_resume(pmm_risk_t *risk, int64_t now_ns, const pmm_risk_day_t *before);
void pmm_risk_kill(pmm_risk_t *risk);
/* By a person: trading may go on, and today's loss is counted afresh from the next equity. */
void pmm_risk_reset(pmm_risk_t *risk);
#endif
