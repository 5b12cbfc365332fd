/* pmm/live.h -- the third driver of the engine: venues and feeds over a net, real orders or simulated fills, and recording. The engine is the one
   that backtests run; here its events come from adapters and its actions go to them. It lives on the net's loop and reads no clock but the
   net's, so that the same driver runs over sockets and in a simulated network.

   Life: opening (markets are looked up) -> taking over (what the account holds) -> running -> stopping -> done. Everything after
   pmm_live_open happens in callbacks of the net's loop. Single-threaded, but for the recorder's own thread. */
#ifndef PMM_LIVE_H
#define PMM_LIVE_H
#include "pmm/backtest.h"
#include "pmm/venue.h"

typedef struct pmm_live pmm_live_t;
typedef enum pmm_live_mode { PMM_LIVE_TRADE, PMM_LIVE_PAPER /* live data, fills simulated */, PMM_LIVE_RECORD /* no engine's orders at all */ } pmm_live_mode_t;
#define PMM_LIVE_PHASE_MAP(X) X(OPENING, "opening") X(TAKEOVER, "taking over") X(RUNNING, "running") X(STOPPING, "stopping") X(DONE, "done")
typedef enum pmm_live_phase {
#define X(name, text) PMM_LIVE_##name,
  PMM_LIVE_PHASE_MAP(X)
#undef X
} pmm_live_phase_t;
const char *pmm_live_phase_to_string(pmm_live_phase_t phase);

/* What a run leaves for the next one of the same account. */
typedef struct pmm_live_value { uint32_t venue; const char *market; int32_t yes_e4; } pmm_live_value_t; /* market: the venue's own id */
typedef struct pmm_live_kept {
  bool killed;                        /* the kill switch is on */
  int64_t fills_until_ns[PMM_VENUES_MAX]; /* by venue of the configuration: fills up to then are booked; PMM_TIME_NONE: none was */
  pmm_risk_day_t day;                 /* how far the day's limits are used up */
  const pmm_live_value_t *value; size_t value_cnt; /* of markets in which contracts are held: day.result_e6 was reckoned with these */
} pmm_live_kept_t;

/* What a strategy has learned in one market, in its own words (pmm_strategy_ops_t.save). params: one word for its parameters. */
#define PMM_LIVE_LEARNED_MAX 16384
typedef struct pmm_live_learned { uint32_t venue; const char *market, *strategy; uint64_t params; const char *text; size_t len; } pmm_live_learned_t;

typedef struct pmm_live_config {
  pmm_live_mode_t mode;
  const pmm_config_t *config;         /* borrowed for its life */
  pmm_secrets_t secrets;
  uint64_t run_id;                    /* 1 .. 2^31-1, never used before by this account: order ids begin with it */
  const pmm_live_kept_t *before;      /* by the last run, venues in the order of this configuration; borrowed for its life. NULL: begin now */
  const pmm_live_learned_t *learned; size_t learned_cnt; /* likewise; taken up where strategy, parameters and market are the same */
  const char *record;                 /* folder for tapes; NULL: none. PMM_LIVE_RECORD needs one */
  const char *record_name;            /* first part of their names; NULL "pmm" */
  pmm_notice_sink_t notices;
  const pmm_observer_t *observer;     /* may be NULL */
  /* Something that must survive a restart changed: look with pmm_live_kept. at_once: the kill switch, to be written down before this returns; else
     a fill, when it suits. Values change with every tick: look now and then without being told. May be NULL. */
  void (*persist)(void *ctx, pmm_live_t *live, bool at_once); void *persist_ctx;
} pmm_live_config_t;

/* Checks what can be checked at once (no venue, a missing secret, a wrong URL: PMM_INVAL, PMM_NOT_FOUND with err) and begins. */
pmm_status_t pmm_live_open(pmm_live_t **live, pmm_net_t *net, const pmm_live_config_t *config, pmm_error_t *err);
void pmm_live_close(pmm_live_t *live);   /* at once; a trading one should have been stopped. NULL is fine */
pmm_live_phase_t pmm_live_phase(const pmm_live_t *live);
/* Why it stops or stopped by itself: a failure that trading cannot outlive; NULL otherwise. */
const pmm_error_t *pmm_live_error(const pmm_live_t *live);
/* Cancels everything, confirms it, closes tapes; DONE at the latest after config.live.shutdown. */
void pmm_live_stop(pmm_live_t *live);
void pmm_live_operator(pmm_live_t *live, pmm_operator_t op);  /* pause, resume, flatten, kill, reset */
pmm_engine_t *pmm_live_engine(pmm_live_t *live);              /* NULL before markets are known, and when recording */
uint32_t pmm_live_slot_cnt(const pmm_live_t *live);           /* 0 before there is an engine */
const pmm_slot_config_t *pmm_live_slot(const pmm_live_t *live, uint32_t slot);
uint32_t pmm_live_market_cnt(const pmm_live_t *live);
const pmm_market_t *pmm_live_market(const pmm_live_t *live, uint32_t market); /* terms as discovered; the engine has the current ones */

typedef struct pmm_live_venue_status {
  const char *name; pmm_venue_t venue;
  uint32_t first_market, market_cnt;
  bool ready; char why[96];           /* why not */
  uint64_t records, fills, orders, reports, differences;
  int64_t last_md_ns;                 /* wall time of its last record */
  int64_t cash_e6, ledger_cash_e6;    /* as of its last report; ours */
  uint32_t orders_left;               /* after the stop; PMM_ORDERS_LEFT_UNKNOWN: could not be asked */
} pmm_live_venue_status_t;
typedef struct pmm_live_status {
  pmm_live_phase_t phase;
  bool killed, paused;
  uint32_t venue_cnt;
  pmm_live_venue_status_t venue[PMM_VENUES_MAX];
  uint64_t recorded, recorder_lost;   /* records on tape, and those that a full disk or a slow one cost */
  int64_t equity_e6;
  uint32_t open_orders;
  uint64_t put_off;                   /* bursts in which the engine and an adapter answered each other for too long: the rest waited 1 ms; 0 in a sound run */
} pmm_live_status_t;
void pmm_live_status(pmm_live_t *live, pmm_live_status_t *out);
/* What to keep for the next run, as of now; out->value lives until the next call. Of a venue whose account is not known yet: what was kept before. */
void pmm_live_kept(pmm_live_t *live, pmm_live_kept_t *out);
/* Tells what each strategy has learned so far; a text lives for its call. false before there is an engine: nothing is known then, not even that nothing was. */
bool pmm_live_learned(pmm_live_t *live, void (*fn)(void *ctx, const pmm_live_learned_t *learned), void *ctx);
/* The run so far in the figures of a backtest; freed by the caller. PMM_NOT_READY before there is an engine. */
pmm_status_t pmm_live_result(pmm_live_t *live, pmm_result_t *result, pmm_error_t *err);
#endif
