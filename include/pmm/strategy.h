/* pmm/strategy.h -- what a strategy sees and says, and the table behind which it lives. Built-in strategies and a
   user's own (a shared object exporting PMM_STRATEGY_SYMBOL) use the same interface.

   A strategy speaks YES space only: bids and asks on YES, decided from one read-only view. It knows no venue and no
   live order's fate; exec turns its quotes into orders, routes asks to "sell YES" or "buy NO", keeps queue places,
   and risk has the last word. It reads no clock and no random source: time is view->now_ns, chance its seed.
   on_view and on_event must not allocate and must give the same answer for the same history. */
#ifndef PMM_STRATEGY_H
#define PMM_STRATEGY_H
#include "pmm/event.h"
#include "pmm/flow.h"
#include "pmm/ladder.h"
#include "pmm/market.h"
#include "pmm/param.h"
#include "pmm/pricing.h"

#define PMM_STRATEGY_ABI 3
#define PMM_LEVELS_MAX 32
#define PMM_REASONS_MAX 12
#define PMM_FAIRS_MAX 8
#define PMM_LEGS_MAX 32

/* Position of one strategy in one market. Three numbers each: owned (matched, settled or not), locked (in resting
   sell orders) and sellable (settled and not locked). Costs at average cost. */
typedef struct pmm_position {
  int64_t yes_e6, no_e6;
  int64_t yes_sellable_e6, no_sellable_e6;
  int64_t yes_locked_e6, no_locked_e6;
  int64_t yes_cost_e6, no_cost_e6; /* cash_e6 */
  int64_t realized_e6, fees_e6;
} pmm_position_t;
static inline int64_t pmm_position_net(const pmm_position_t *p) { return p->yes_e6 - p->no_e6; }
/* pmm_position_settle: profit of holding to settlement, cash_e6: payout of both sides minus what they cost.
   payout_yes_e6: of one YES, 0 .. 1e6. Realised profit and fees are not in it. */
int64_t pmm_position_settle(const pmm_position_t *position, int64_t payout_yes_e6);

typedef struct pmm_own_order { uint64_t order_id; int64_t open_e6, ahead_e6; /* -1 unknown */ int64_t placed_ns; int32_t price_e4; uint8_t side, state; bool seen; /* by the venue: it may be in the book */ } pmm_own_order_t;

/* Underlying of the market, merged over its fresh sources. */
typedef struct pmm_under_view {
  bool has;              /* a price was ever seen */
  double price;          /* median of fresh sources (or the last known when none is fresh) */
  double age_s;          /* of the freshest source */
  double gap_bps;        /* between the two furthest fresh sources */
  double volatility;     /* annual; NaN not ready */
  double settle_mean;    /* mean of the settlement window so far; NaN outside it */
  double settle_gone_s;  /* seconds of the window gone */
} pmm_under_view_t;

/* Numbers a caller may force instead of the running estimates (pmm quote, tests, operators). NaN (or -1 for the
   flag) means: use your own. */
typedef struct pmm_signals { double sigma, users, trade_rate, liquidity, volume_ratio, volatility; int8_t volatility_high; } pmm_signals_t;
void pmm_signals_none(pmm_signals_t *signals);

typedef struct pmm_view {        /* borrowed for one call, never kept */
  int64_t now_ns;                /* event time, live or replayed */
  uint32_t wake;                 /* PMM_WAKE_* bits that led to this call */
  const pmm_market_t *market;    /* terms; grid and life are current */
  const pmm_ladder_t *ladder;    /* our own resting orders are not in a replayed book */
  const pmm_flow_t *flow;        /* recent trades and statistics */
  double mid;                    /* section 1 mid with fallback to the last valid, then 0.5 */
  int64_t mid_age_ns;            /* 0 when the book has a mid now; PMM_NS_MAX when it never had one */
  const pmm_fair_t *fair;        /* other fair values by source, with their times */
  size_t fair_cnt;
  pmm_position_t position;       /* of this strategy in this market */
  int64_t free_cash_e6;          /* of the purse that this market's orders are paid from (its venue's), less what open buys reserve; all strategies
                                    there share it */
  int64_t group_net_e6;          /* net YES over all markets of this market's event */
  int64_t others_flatten_e6;     /* cash_e6 it would cost to buy the opposite of all the account's other net positions, at the
                                    values of the last marking of the account (engine.equity_every) */
  double time_left_s, life_s;    /* to close and whole life; NaN when unknown */
  pmm_under_view_t under;
  const pmm_own_order_t *orders; /* ours, this market and strategy, resting or on their way */
  size_t order_cnt;
  double rate_left;              /* order actions left now in the account's own budget (risk.max_order_rate); INFINITY without one */
  const pmm_signals_t *signals;  /* never NULL */
} pmm_view_t;

typedef enum pmm_quote_action {
  PMM_QUOTE_QUOTE, PMM_QUOTE_PAUSE, PMM_QUOTE_EXIT, PMM_QUOTE_KEEP /* leave orders as they are */,
  PMM_QUOTE_TAKE /* one immediate-or-cancel order a side, at take[side] or better, while none is under way */
} pmm_quote_action_t;
const char *pmm_quote_action_to_string(pmm_quote_action_t action);
typedef struct pmm_level { int32_t price_e4; int64_t qty_e6; } pmm_level_t;
typedef struct pmm_reason { const char *name; double value; } pmm_reason_t; /* name: static storage */

typedef struct pmm_quotes {
  pmm_quote_action_t action;
  double fair;                         /* what it believes YES is worth */
  int32_t bid_cnt, ask_cnt;
  pmm_level_t bid[PMM_LEVELS_MAX];     /* descending prices */
  pmm_level_t ask[PMM_LEVELS_MAX];     /* ascending prices */
  pmm_side_t exit_side;                /* EXIT: PMM_BID buys YES (buy_yes), PMM_ASK gets out of YES (buy_no) */
  int64_t exit_qty_e6;
  double exit_limit;                   /* worst acceptable price from fair as a distance; NaN: exec's max_exit_slippage */
  pmm_level_t take[2];                 /* TAKE: [side] worst price and quantity; 0: not that side. Judged by risk like any order that opens */
  double raw_bid, raw_ask, raw_spread; /* before tick rounding; NaN when the strategy has none */
  double resize_tolerance;             /* keep an order at its price while its size differs by at most this share; 0 exact */
  int64_t cash_floor_e6;               /* orders that add inventory must leave this much free cash; 0 none */
  int32_t reason_cnt;
  pmm_reason_t reason[PMM_REASONS_MAX];
  const char *why;                     /* short static text: what decided, e.g. "feed stale"; may be NULL */
} pmm_quotes_t;
void pmm_quotes_clear(pmm_quotes_t *quotes); /* QUOTE with no levels, NaN raws, no reasons */
void pmm_quotes_reason(pmm_quotes_t *quotes, const char *name, double value); /* ignored past the maximum */

/* Several markets looked at together, by a strategy with on_group: the slots of one configuration entry in markets of one event. */
typedef struct pmm_leg {
  pmm_view_t view;          /* orders and fair values are left out (order_cnt tells how many orders are open or under way) */
  bool active;              /* it trades, and its book can be trusted; else the view holds only market and position */
  pmm_quotes_t *out;        /* cleared by the caller; of an inactive leg it is not acted on */
} pmm_leg_t;

enum { /* what wakes on_view */
  PMM_WAKE_BOOK = 1,   /* a venue message about this market's book is complete */
  PMM_WAKE_TRADE = 2,  /* a print */
  PMM_WAKE_FILL = 4,   /* one of our fills, here */
  PMM_WAKE_FEED = 8,   /* the underlying moved */
  PMM_WAKE_TIMER = 16, /* refresh_ns passed */
  PMM_WAKE_LIFE = 32,  /* life cycle or tick changed */
  PMM_WAKE_FAIR = 64   /* an external fair value came */
};

/* What on_view reads of the view, if it is little: */
enum {
  PMM_INPUT_TOUCH = 1,    /* best prices of the ladder, mid, and the market's terms */
  PMM_INPUT_POSITION = 2  /* its own position */
};

typedef struct pmm_strategy_ops {
  uint32_t abi;                  /* PMM_STRATEGY_ABI */
  const char *name;              /* key used in configuration */
  const char *help;              /* one line */
  const pmm_param_t *params;
  size_t param_cnt, params_size; /* sizeof of the params struct */
  const pmm_preset_t *presets;
  size_t preset_cnt;
  size_t state_size;
  uint32_t wake;                 /* PMM_WAKE_* it wants */
  /* Checks parameters against each other (ranges are in the table). err may be NULL. May be NULL. */
  pmm_status_t (*check)(const void *params, pmm_error_t *err);
  /* state is zeroed, state_size bytes, 64-byte aligned; params outlive it. */
  pmm_status_t (*init)(void *state, const void *params, uint64_t seed);
  /* Time between timer wakes; 0 for none. May be NULL. */
  int64_t (*refresh_ns)(const void *params);
  /* Every market-data, fill and feed event of its market, for running statistics; cheap. May be NULL. */
  void (*on_event)(void *state, const pmm_view_t *view, const pmm_event_t *event);
  /* The decision. out is cleared by the caller. Anything but PMM_OK pauses the market and is logged. */
  pmm_status_t (*on_view)(void *state, const pmm_view_t *view, pmm_quotes_t *out);
  /* Instead of on_view, for all slots of one entry whose markets share an event (at most PMM_LEGS_MAX, in the order of the markets): woken when
     any of them is. They share one state. A market without an event is a group of its own. May be NULL. */
  pmm_status_t (*on_group)(void *state, const pmm_leg_t *leg, size_t cnt);
  int32_t priority;              /* in a market where several act on the same news, higher ones do so first; 0 usual */
  /* Learned state (warm-up) to text and back, so that a restart does not begin again; may be NULL. save returns the
     length or 0 when there is nothing yet; load checks its input and the age at now_ns, and leaves the state as it was when it refuses. */
  size_t (*save)(const void *state, int64_t now_ns, char *buf, size_t cap);
  pmm_status_t (*load)(void *state, int64_t now_ns, const char *text, size_t len, pmm_error_t *err);
  /* Market selection: how much it wants this market now. Higher is better; NaN: not at all. May be NULL: any market. */
  double (*score)(const void *params, const pmm_view_t *view);
  /* At most this many markets at once; 0 no limit. May be NULL. */
  int32_t (*market_max)(const void *params);
  /* PMM_INPUT_* when on_view is a pure function of these and its parameters (no state of its own, no clock, no sizes, no orders);
     0 for anything else. Then the rest of the view is not filled in, and while they stand and its orders stand as wanted, the last
     decision counts again without a call: many times faster. Declaring too little is a bug that no check finds. */
  uint32_t inputs;
} pmm_strategy_ops_t;

#define PMM_STRATEGY_SYMBOL "pmm_strategy" /* const pmm_strategy_ops_t pmm_strategy; in a user's shared object */

/* pmm_strategy_table lists the built-in strategies; *cnt (may be NULL) their number. */
const pmm_strategy_ops_t *const *pmm_strategy_table(size_t *cnt);
/* pmm_strategy_find: by name, or, when name contains '/' or ends in ".so", loaded from that path and kept for the
   process's life. PMM_NOT_FOUND with the known names in err, PMM_VERSION (other ABI), PMM_IO (cannot load). */
pmm_status_t pmm_strategy_find(const char *name, const pmm_strategy_ops_t **ops, pmm_error_t *err);
#endif
