/* pmm/engine.h -- the deterministic state machine that ties books, fair values, strategies, risk, orders and the
   ledger together. It reads no clock, no random source, no file and no socket: time and seeds arrive inside events.
   The same events give the same actions, bit for bit; backtest, paper and live run this same code.

   A slot is one strategy in one market with its own parameters and inventory. Markets are the dense indices of the
   event stream. All memory comes from one arena at init; stepping allocates nothing. Single-threaded. */
#ifndef PMM_ENGINE_H
#define PMM_ENGINE_H
#include "pmm/book.h"
#include "pmm/exec.h"
#include "pmm/ledger.h"
#include "pmm/market.h"
#include "pmm/risk.h"
#include "pmm/strategy.h"

#define PMM_SLOTS_MAX 65536
#define PMM_SLOTS_PER_MARKET_MAX 8

typedef struct pmm_engine_params {
  int32_t quote_tick_e4;      /* strategies quote on this step where the market's own is finer; 0: the market's */
  int64_t stale_mid_ns;       /* a lost mid is remembered this long (30 s) */
  int32_t vol_kind;           /* of underlyings: pmm_vol_kind_t */
  int64_t vol_dt_ns;          /* sampling interval (1 s) */
  int64_t vol_window;         /* returns (100) */
  double vol_half_life_s;     /* for ewma */
  int64_t feed_max_age_ns;    /* a source older than this does not enter the median (10 s) */
  double trade_half_life_s;   /* of the trade-price EWMA */
  int64_t min_requote_ns;     /* at most one book- or trade-driven decision per slot in this time; 0 every message */
  int64_t equity_every_ns;    /* how often the account is marked for drawdown, loss limits and the Sharpe ratio (1 s) */
  int64_t sharpe_every_ns;    /* returns for the Sharpe ratio are taken over this (60 s) */
} pmm_engine_params_t;
extern const pmm_param_t pmm_engine_param_table[];
extern const size_t pmm_engine_param_cnt;

typedef struct pmm_slot_config {
  char name[64];                     /* for reports: "linear" or the user's */
  uint32_t market;
  const pmm_strategy_ops_t *ops;
  const void *params;                /* of the strategy; must outlive the engine */
  pmm_signals_t signals;             /* forced numbers, normally none */
  bool net_pairs;
  uint32_t wallet;                   /* whose cash it trades with: one a venue; below pmm_engine_config_t.wallet_cnt */
} pmm_slot_config_t;

typedef struct pmm_engine_config {
  pmm_engine_params_t params;
  pmm_exec_params_t exec;
  pmm_risk_params_t risk;
  const pmm_market_t *market;  uint32_t market_cnt;
  const pmm_underlying_t *underlying; uint32_t underlying_cnt; /* one entry a source; entries with one id are merged */
  const pmm_slot_config_t *slot; uint32_t slot_cnt;
  uint32_t orders_max;               /* 0: 64 per slot */
  int64_t cash_e6;                   /* first deposit, into wallet 0; the others come by PMM_EV_DEPOSIT */
  uint32_t wallet_cnt;               /* 0: one */
  uint64_t seed, run_id;             /* run_id: high bits of client order ids */
  struct pmm_engine *books;          /* NULL: books of its own. Else an engine with the same markets, underlyings and params whose books, trades and
                                        feeds this one looks at, with an account of its own; market data is given to one of them, for all */
} pmm_engine_config_t;

typedef struct pmm_engine pmm_engine_t;
/* Arena bytes that init takes at most for this configuration. */
size_t pmm_engine_bytes(const pmm_engine_config_t *config);
/* PMM_INVAL with err, PMM_FULL. config may go away afterwards; strategy params may not. */
pmm_status_t pmm_engine_init(pmm_engine_t **engine, pmm_arena_t *arena, const pmm_engine_config_t *config, pmm_error_t *err);

/* pmm_engine_on_md takes one market-data record, pmm_engine_on_event any event (account events, timer, operator, or market
   data as well). Wanted actions are appended to the engine's buffer: read pmm_engine_actions after each call, then
   pmm_engine_actions_done. Records must come in the order the program learned of them; engine time never goes back.
   PMM_OK, or PMM_INVAL for a record that makes no sense (ignored, counted). */
pmm_status_t pmm_engine_on_md(pmm_engine_t *engine, const pmm_md_t *md);
pmm_status_t pmm_engine_on_event(pmm_engine_t *engine, const pmm_event_t *event);
/* pmm_engine_on_md for records in a row, up to the first that is not before before_ns, and no further than the first that stirs an
   engine. Returns how many were taken. */
size_t pmm_engine_on_mds(pmm_engine_t *engine, const pmm_md_t *md, size_t cnt, int64_t before_ns);
/* pmm_engine_on_md in two halves, for a driver whose exchange shares the engine's book: apply updates the book only, then
   the exchange looks at it (and may fill us), then react lets strategies act. Always called in pairs. react tells whether
   anything came of it: actions, or another time for the next timer. */
void pmm_engine_apply(pmm_engine_t *engine, const pmm_md_t *md);
bool pmm_engine_react(pmm_engine_t *engine, const pmm_md_t *md);
/* The engines of one set of books that have actions, or another time for their next timer, since they were last asked: one a call,
   NULL when there are no more. Not reported: what a call of pmm_engine_on_event or pmm_engine_timer did to its own engine. */
pmm_engine_t *pmm_engine_stirred(pmm_engine_t *any);
bool pmm_engine_any_stirred(const pmm_engine_t *any);
uint32_t pmm_engine_index(const pmm_engine_t *engine); /* among those that share books, from 0, in the order of their making */
void pmm_engine_timer(pmm_engine_t *engine, int64_t now_ns); /* the same as a PMM_EV_TIMER event */
const pmm_action_t *pmm_engine_actions(const pmm_engine_t *engine, uint32_t *cnt);
void pmm_engine_actions_done(pmm_engine_t *engine);
/* When the engine next wants a PMM_EV_TIMER event; PMM_NS_MAX: not at all. */
int64_t pmm_engine_next_timer(const pmm_engine_t *engine);

/* Exchange-side knowledge that only some gateways have: the queue ahead of an order, asked when a view is built. */
typedef int64_t (*pmm_ahead_fn)(void *ctx, uint64_t order_id);
void pmm_engine_set_ahead(pmm_engine_t *engine, pmm_ahead_fn fn, void *ctx);

/* What the strategy of a slot has learned, as text and back (pmm_strategy_ops_t.save, load). save gives the length, 0 when there is nothing: not yet, no such
   function, no room, or a slot that shares the state of another. load: before the first event, at wall time now_ns; PMM_UNSUPPORTED, or the strategy's
   status with its state as it was; with PMM_OK err.text may say something, too (how old). */
size_t pmm_engine_save(const pmm_engine_t *engine, uint32_t slot, char *buf, size_t cap);
pmm_status_t pmm_engine_load(pmm_engine_t *engine, uint32_t slot, int64_t now_ns, const char *text, size_t len, pmm_error_t *err);

/* -- looking in -- */
int64_t pmm_engine_now(const pmm_engine_t *engine);
pmm_ladder_t *pmm_engine_ladder(pmm_engine_t *engine, uint32_t market);   /* for a driver that shares the book with a simulator */
pmm_market_t *pmm_engine_market(pmm_engine_t *engine, uint32_t market);
pmm_ledger_t *pmm_engine_ledger(pmm_engine_t *engine);
pmm_exec_t *pmm_engine_exec(pmm_engine_t *engine);
pmm_risk_t *pmm_engine_risk(pmm_engine_t *engine);
const pmm_quotes_t *pmm_engine_quotes(const pmm_engine_t *engine, uint32_t slot); /* its last decision */
void pmm_engine_view(pmm_engine_t *engine, uint32_t slot, pmm_view_t *out);

/* -- figures: models.md section 9 -- */
#define PMM_MARKOUT_CNT 3 /* 1 s, 10 s, 60 s */
typedef struct pmm_slot_stats {
  uint64_t messages;              /* venue messages about its market while it was open */
  uint64_t decisions;
  int64_t fees_e6, rebates_e6;
  int64_t spread_e6;              /* sum over fills of signed (mid at fill - price) * qty: gross spread captured */
  double markout[PMM_MARKOUT_CNT]; double markout_qty[PMM_MARKOUT_CNT]; /* sum of signed (mid later - price) * qty dollars, and contracts */
  int64_t open_ns, quoted_ns, two_sided_ns; /* time the market traded; with any order of ours resting; with both sides */
  double spread_time;             /* integral of (our best ask - our best bid) dollars over two_sided time, seconds */
  double inventory_time;          /* integral of |net| contracts, seconds */
  int64_t inventory_max_e6;
  int64_t final_yes_e6, final_no_e6; /* holdings at the moment of resolution, or now */
  int64_t realized_e6;            /* gross of fees */
  int64_t unrealized_e6;          /* of what is still held, at the last mid (or the payout, before it is paid) */
  bool resolved; uint8_t outcome; int64_t payout_yes_e6;
} pmm_slot_stats_t;
void pmm_engine_slot_stats(const pmm_engine_t *engine, uint32_t slot, pmm_slot_stats_t *out);
typedef struct pmm_engine_stats {
  uint64_t events, md_events, bad_events, trades, decisions;
  uint64_t gaps;                         /* stretches without data, over all markets */
  uint64_t crossed_msgs, locked_msgs;    /* books seen so at the end of a message */
  int64_t equity_e6, peak_e6, max_drawdown_e6;
  double sharpe;                         /* annualised, of equity changes per sharpe_every; NaN with fewer than 2 */
  uint64_t return_cnt;
} pmm_engine_stats_t;
void pmm_engine_stats(pmm_engine_t *engine, pmm_engine_stats_t *out);
/* Equity now: cash + holdings at mid (or payout). */
int64_t pmm_engine_equity(pmm_engine_t *engine);
/* What one YES counts as in it, to the nearest hundredth of a cent within 0.0001 .. 0.9999: PMM_EV_POSITION takes it in the next run. */
int32_t pmm_engine_value_e4(const pmm_engine_t *engine, uint32_t market);
/* Ends a run: closes integrals at the present time, marks what is open. */
void pmm_engine_finish(pmm_engine_t *engine);
/* Hash of every book, order, position and cent: two runs agree if and only if they did the same. */
uint64_t pmm_engine_hash(pmm_engine_t *engine);
/* Everything rechecked: conservation, orders, locks, ladders. Called after every event in PMM_CHECKS builds. */
pmm_status_t pmm_engine_check(pmm_engine_t *engine, pmm_error_t *err);
#endif
