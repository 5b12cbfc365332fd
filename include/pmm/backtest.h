/* pmm/backtest.h -- tape -> engine <-> exchange, and what came of it. What is modelled, with the direction of each
   error: docs/backtest.md. */
#ifndef PMM_BACKTEST_H
#define PMM_BACKTEST_H
#include <stdio.h>
#include "pmm/config.h"
#include "pmm/tape.h"

typedef struct pmm_market_result {
  char market[PMM_ID_MAX], strategy[64];
  uint64_t messages, orders, cancels, fills;
  int64_t bought_e6, sold_e6, final_net_e6;
  uint8_t outcome;            /* pmm_outcome_t */
  int64_t pnl_e6;             /* net of fees, unsettled holdings at mid */
  int64_t fees_e6;
} pmm_market_result_t;

typedef struct pmm_result {
  uint64_t events, messages;
  double wall_s, events_per_s;
  uint64_t orders, cancels, amends, fills, maker_fills, rejects, refused, decisions;
  int64_t volume_e6, fees_e6, rebates_e6, bought_e6, sold_e6;
  int64_t rewards_low_e6, rewards_high_e6; /* liquidity rewards, an interval where the competition is unknown; not part of any pnl */
  int64_t accrued_rebates_e6; /* maker rebates that the venue pays later (pool share of taker fees); not part of any pnl */
  uint64_t reward_samples;
  int64_t pnl_total_e6, pnl_realized_e6, pnl_unrealized_e6, pnl_spread_e6, pnl_inventory_e6;
  int64_t max_drawdown_e6;
  double sharpe;              /* annual; NaN: undefined, or fewer than 10 returns */
  uint64_t return_cnt;        /* that sharpe was taken from */
  double markout[PMM_MARKOUT_CNT]; /* dollars per contract, mean over fills; NaN without fills */
  double fill_rate;           /* fills / orders that were placed */
  double uptime;              /* share of trading time with both sides quoted */
  double mean_spread;         /* of our quotes, dollars; NaN when never two-sided */
  double inventory_mean, inventory_max; /* |net| contracts, per slot: time mean; maximum */
  int64_t final_net_e6;       /* sum over slots of net YES at resolution or end */
  uint64_t state_hash;
  /* how the fills came about, so that a reader can judge them */
  uint64_t trade_fills, inferred_fills, cross_fills, bernoulli_fills, taker_fills;
  const char *fill_source;    /* "trades", "inferred trades", "book crossings", "chance (bernoulli), not recorded trades", "matching engine", or a mix: static text */
  double bernoulli_rate, bernoulli_decay; uint64_t bernoulli_seed; /* what fills by chance were drawn with; 0: no market had such */
  uint64_t rate_refused;      /* requests over the venue's rate limit; those for new orders are among the rejects */
  uint64_t settle_failed;     /* fills that were undone; still among the fills */
  uint64_t gaps, crossed_msgs, locked_msgs, bad_events;
  bool truncated;             /* a tape ended inside a block */
  bool killed;
  uint32_t market_cnt; pmm_market_result_t *market; /* per slot; owned, freed by pmm_result_free */
} pmm_result_t;
void pmm_result_free(pmm_result_t *result);

/* Somebody who watches a run and changes nothing in it: the same run, watched or not, gives the same state_hash. Every function may
   be NULL. What is borrowed is valid until the run ends. */
typedef struct pmm_observer {
  void *ctx;
  void (*start)(void *ctx, pmm_engine_t *engine, const pmm_market_t *market, uint32_t market_cnt, const pmm_slot_config_t *slot, uint32_t slot_cnt);
  void (*record)(void *ctx, const pmm_md_t *md);                        /* after the engine reacted to it */
  void (*account)(void *ctx, const pmm_event_t *event, uint32_t slot);  /* as the engine is about to hear of it; slot UINT32_MAX: of no order known */
  void (*actions)(void *ctx, int64_t now_ns, const pmm_action_t *action, uint32_t cnt); /* leave the engine; the decision behind them: pmm_engine_quotes */
  void (*finish)(void *ctx, const pmm_result_t *result);                /* the engine is still there */
} pmm_observer_t;

typedef struct pmm_backtest_opts {
  const char *const *tape; size_t tape_cnt;
  /* Instead of tapes: records in memory, with their markets (tape_cnt 0). */
  const pmm_md_t *md; size_t md_cnt;
  const pmm_market_t *market; uint32_t market_cnt;
  const pmm_underlying_t *underlying; uint32_t underlying_cnt;
  bool replay_only;           /* books and nothing else: for measuring */
  void (*progress)(void *ctx, uint64_t done, uint64_t total); void *ctx;
  /* every account event, for tests and fill lists; may be NULL */
  void (*on_account)(void *ctx, const pmm_event_t *event, uint32_t slot); void *account_ctx;
  const pmm_observer_t *observer; /* may be NULL */
} pmm_backtest_opts_t;
/* pmm_backtest_run replays tapes, merged by receive time into one stream and one account; each tape's markets are its
   own. Ends with the engine's ledger compared to the exchange's own books: PMM_CORRUPT if they differ by a micro-dollar. */
pmm_status_t pmm_backtest_run(const pmm_config_t *config, const pmm_backtest_opts_t *opts, pmm_result_t *result, pmm_error_t *err);
/* pmm_backtest_many runs cnt configurations over the same data in one pass, each with an account of its own: result[i] is what
   pmm_backtest_run gives for config[i], bit for bit (wall_s and events_per_s are those of the whole pass). Books are kept once for
   configurations that agree in `engine`, `market`, `script` and `latency.feed`; the others are replayed beside them. observer and on_account
   are not called. On an error every result is empty. */
pmm_status_t pmm_backtest_many(const pmm_config_t *const *config, size_t cnt, const pmm_backtest_opts_t *opts, pmm_result_t *result, pmm_error_t *err);
/* pmm_backtest_scenario runs the strategy on a synthetic market: a matching engine, seeded traders and a random truth. */
pmm_status_t pmm_backtest_scenario(const pmm_config_t *config, const pmm_backtest_opts_t *opts, pmm_result_t *result, pmm_error_t *err);

/* The same market as pmm_backtest_scenario, driven step by step, for `pmm demo` and for embedding. */
typedef struct pmm_session pmm_session_t;
pmm_status_t pmm_session_open(pmm_session_t **session, const pmm_config_t *config, pmm_error_t *err);
void pmm_session_close(pmm_session_t *session);
/* Runs the market up to a time counted from its start; false once it has resolved. */
bool pmm_session_run(pmm_session_t *session, int64_t until_ns);
pmm_engine_t *pmm_session_engine(pmm_session_t *session);
double pmm_session_truth(const pmm_session_t *session);
int64_t pmm_session_now(const pmm_session_t *session);                 /* ns since its start */
const pmm_error_t *pmm_session_error(const pmm_session_t *session);    /* why run ended early; NULL if it did not */
/* May be asked at any time; result is freed by the caller. */
pmm_status_t pmm_session_result(pmm_session_t *session, pmm_result_t *result, pmm_error_t *err);

/* Output: JSON object with the keys of docs/backtest.md, or a readable table. */
void pmm_result_write_json(FILE *out, const pmm_result_t *result);
void pmm_result_write_table(FILE *out, const pmm_result_t *result);
#endif
