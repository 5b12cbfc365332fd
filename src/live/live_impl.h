/* live/live_impl.h -- inside of the live driver. live.c opens, starts and stops; flow.c moves records, events and actions between adapters and
   engine; paper.c stands in for the venues' fills; check.c compares ledger and venue; kept.c and learned.c are what goes over to the next run; recorder.c writes tapes on a thread of its own. */
#ifndef PMM_LIVE_IMPL_H
#define PMM_LIVE_IMPL_H
#include "backtest/run.h"
#include "pmm/feed.h"
#include "pmm/live.h"

typedef struct pmm__recorder pmm__recorder_t;
typedef struct pmm__paper pmm__paper_t;
typedef struct pmm__own pmm__own_t;

typedef struct pmm__live_venue {
  pmm_live_t *live;
  uint32_t index;
  const pmm_venue_params_t *params;
  const pmm_venue_ops_t *ops;
  pmm_adapter_t *adapter;
  pmm_market_t *market; uint32_t market_cnt, first_market;
  bool discovered, started, taken_over, ready, stopped;
  uint32_t differing;           /* reports in a row that differed in the same way ... */
  uint64_t difference;          /* ... this one */
  pmm_timer_t again;            /* look again soon */
  int64_t fills_until_ns;
  pmm_action_t *out; uint32_t out_cnt; /* actions of one burst on their way to it */
  pmm_live_venue_status_t status;
} pmm__live_venue_t;

struct pmm_live {
  pmm_live_config_t cfg;
  const pmm_config_t *config;
  pmm_net_t *net;
  int64_t began_ns;             /* monotonic */
  pmm_live_phase_t phase;
  pmm_error_t error;
  uint32_t venue_cnt;
  pmm__live_venue_t venue[PMM_VENUES_MAX];
  pmm_feeds_t *feeds;
  pmm_series_t *series;         /* [market] how it settles, as its name says */
  int64_t *strike_e8;           /* [market] last strike told */
  pmm_timer_t strike_timer;
  pmm_underlying_t *underlying; uint32_t underlying_cnt;
  pmm__setup_t setup;
  bool has_setup, in_engine, paused;
  uint32_t *wallet;             /* market -> venue */
  uint32_t *slot_of_market;     /* first slot there, UINT32_MAX none */
  pmm_timer_t timer, stop_timer;
  pmm__paper_t *paper;
  pmm__own_t *own;              /* NULL on paper: our orders are in nobody's book */
  pmm__recorder_t *recorder;
  bool told_killed;
  uint64_t put_off;             /* bursts of actions that answered each other for too long to be sent at once */
  uint32_t told_alerts;         /* pmm_risk_alert_t */
  pmm_live_value_t *value;      /* room for pmm_live_kept */
};

/* live.c */
void pmm__live_fail(pmm_live_t *live, pmm_status_t st, const char *fmt, ...) __attribute__((format(printf, 3, 4))); /* says so, then stops */
void pmm__live_persist(pmm_live_t *live, bool at_once);
void pmm__live_note(pmm_live_t *live, pmm_severity_t severity, const char *code, uint32_t market, const char *fmt, ...)
    __attribute__((format(printf, 5, 6)));

/* feeds.c */
pmm_status_t pmm__live_feeds_open(pmm_live_t *live, pmm_error_t *err); /* fills in underlyings */
void pmm__live_feeds_close(pmm_live_t *live);
/* What a market's name tells of its settlement, where the venue did not: asset, strike, window. */
void pmm__live_settles(pmm_live_t *live, pmm_market_t *market, pmm_series_t *series);
void pmm__live_watch_strikes(pmm_live_t *live);

/* callbacks of the venues' sink that open and close the run */
void pmm__live_discovered(void *ctx, const pmm_market_t *market, uint32_t cnt);
void pmm__live_failed(void *ctx, const pmm_error_t *err, bool retrying);
void pmm__live_stopped(void *ctx, uint32_t orders_left);

/* flow.c */
extern const pmm_venue_sink_t pmm__live_sink; /* ctx is filled in */
void pmm__live_md(pmm_live_t *live, const pmm_md_t *md, size_t cnt);          /* from a venue or a feed, indices global */
void pmm__live_event(pmm_live_t *live, const pmm_event_t *event);             /* account, operator, deposit */
void pmm__live_pump(pmm_live_t *live);                                        /* sends what the engine wants, sets the next timer */
void pmm__live_begin(pmm_live_t *live);                                       /* first event of the engine, timers run */

/* check.c */
void pmm__live_report(pmm__live_venue_t *v, const pmm_account_report_t *report);

/* paper.c: fills as a backtest would give them, on live books. cfg.config->exchange, latency and account apply. */
pmm_status_t pmm__paper_open(pmm__paper_t **paper, pmm_live_t *live, pmm_error_t *err);
size_t pmm__paper_bytes(const pmm_live_t *live);
void pmm__paper_close(pmm__paper_t *paper);
void pmm__paper_md(pmm__paper_t *paper, int64_t now_ns, const pmm_md_t *md);  /* between the engine's apply and react */
void pmm__paper_action(pmm__paper_t *paper, int64_t now_ns, const pmm_action_t *action);
int64_t pmm__paper_next(const pmm__paper_t *paper);
void pmm__paper_run(pmm__paper_t *paper, int64_t now_ns);                     /* what is due: actions arrive, answers come back */

/* own.c: venues' books without our own orders. */
pmm_status_t pmm__own_open(pmm__own_t **own, pmm_live_t *live, pmm_error_t *err);
void pmm__own_close(pmm__own_t *own);
void pmm__own_md(pmm__own_t *own, const pmm_md_t *md, pmm_md_t *out); /* a venue's record as the engine is to see it */
/* Takes a whole book at the beginning of md and tells the engine what is new in it; how many records that were, 0: none, or one to be taken record by record. */
size_t pmm__own_book(pmm__own_t *own, const pmm_md_t *md, size_t cnt);
/* After the engine took an account event: the order as it was before and as it is now (NULL: not there). */
void pmm__own_event(pmm__own_t *own, const pmm_order_t *before, const pmm_order_t *after);

/* kept.c: over a restart. */
pmm_status_t pmm__kept_open(pmm_live_t *live, pmm_error_t *err);  /* once there is an engine, before its first event: the day goes on */
int32_t pmm__kept_value_e4(const pmm__live_venue_t *v, uint32_t market); /* of one YES as the run before had it; 0 unknown, or older than a day */

/* learned.c: strategies take up what they learned in earlier runs. */
void pmm__learned_open(pmm_live_t *live);

/* recorder.c */
typedef struct pmm__recorder_config {
  const char *folder, *name, *provenance;
  int64_t every_ns;             /* a new tape so often, by record time */
  const pmm_market_t *market; uint32_t market_cnt;
  const pmm_underlying_t *underlying; uint32_t underlying_cnt;
  pmm_notice_sink_t notices;    /* called from pmm__recorder_poll only */
} pmm__recorder_config_t;
pmm_status_t pmm__recorder_open(pmm__recorder_t **recorder, const pmm__recorder_config_t *config, pmm_error_t *err);
/* Hands a record to the thread. When the thread is behind by a whole ring, records are left out and every market gets a GAP as soon as
   there is room: lost data are never silent. */
void pmm__recorder_put(pmm__recorder_t *recorder, const pmm_md_t *md);
void pmm__recorder_poll(pmm__recorder_t *recorder, uint64_t *written, uint64_t *lost); /* passes on what the thread has to say */
pmm_status_t pmm__recorder_close(pmm__recorder_t *recorder, pmm_error_t *err);         /* writes everything, finishes the tape; frees it */
#endif
