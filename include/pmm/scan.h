/* pmm/scan.h -- is a market worth making? Figures of every market of a recording at one moment and over the whole of it, the
   four conditions of the verdict (docs/models.md section 10), each strategy's own ranking, and reward income (docs/scan.md). */
#ifndef PMM_SCAN_H
#define PMM_SCAN_H
#include <stdio.h>
#include "pmm/backtest.h"

/* -- verdict ------------------------------------------------------------------------------------------------------- */
typedef enum pmm_verdict { PMM_VERDICT_VIABLE, PMM_VERDICT_MARGINAL, PMM_VERDICT_LIMITED, PMM_VERDICT_NO_DATA } pmm_verdict_t;
const char *pmm_verdict_to_string(pmm_verdict_t verdict); /* "VIABLE", ... */
typedef enum pmm_scan_condition { PMM_SCAN_LIQUIDITY, PMM_SCAN_SPREAD, PMM_SCAN_ACTIVITY, PMM_SCAN_TIME_LEFT, PMM_SCAN_CONDITIONS } pmm_scan_condition_t;
typedef struct pmm_scan_facts {
  double liquidity;     /* dollars resting in the book: bids at their price, asks at one minus it; NaN: a recording without sizes */
  double spread;        /* dollars; NaN without both sides */
  double volume_24h;    /* dollars traded in the 24 hours before; NaN: the recording does not say */
  double trades_24h;    /* likewise */
  double time_left_s;   /* to the close; NaN unknown */
  double price;         /* mid, else the last price known; NaN: none ever */
} pmm_scan_facts_t;
/* VIABLE: liquidity > 1000, 0 < spread < .05, volume_24h > 10000 or a trade in 24 h, at least 7 days left. MARGINAL: exactly three of
   the four. LIMITED: fewer. NO_DATA: no price. What is not known (NaN) does not hold. holds (may be NULL) gets each condition. */
pmm_verdict_t pmm_scan_judge(const pmm_scan_facts_t *facts, bool holds[PMM_SCAN_CONDITIONS]);

/* -- report -------------------------------------------------------------------------------------------------------- */
typedef enum pmm_scan_at {
  PMM_SCAN_AUTO,   /* the end for a market that was still trading when the recording stopped, else the middle */
  PMM_SCAN_END,    /* the last moment with both sides of the book */
  PMM_SCAN_MIDDLE, /* halfway between its first and its last moment with both sides */
  PMM_SCAN_MOMENT    /* one moment for all markets */
} pmm_scan_at_t;
typedef enum pmm_volume_source { PMM_VOLUME_NONE, PMM_VOLUME_TRADES, PMM_VOLUME_INFERRED, PMM_VOLUME_COUNTER } pmm_volume_source_t;
const char *pmm_volume_source_to_string(pmm_volume_source_t source);

#define PMM_SCAN_STRATEGIES_MAX PMM_CONFIG_STRATEGIES_MAX
typedef struct pmm_scan_score {
  double score;                   /* NaN: not wanted */
  uint32_t rank;                  /* from 1; 0: not wanted */
  bool chosen;                    /* among its market_max best */
  double bid, ask, size;          /* what it would quote without a position (best level); NaN: nothing */
  double reward_low, reward_high; /* dollars a day for that quote, were the book to stay; NaN: no programme configured, or no quote */
} pmm_scan_score_t;
typedef struct pmm_scan_market {
  char id[PMM_ID_MAX];
  uint32_t data;                  /* PMM_DATA_*: what the recording holds; without sizes (NOSIZE) liquidity is NaN, with best prices only (TOP) a lower bound */
  uint8_t venue, life, outcome;   /* life: at the moment; outcome: what the recording came to, which no figure here uses */
  int64_t at_ns;                  /* the moment of the figures; PMM_TIME_NONE: nothing was recorded */
  pmm_scan_facts_t facts;
  pmm_verdict_t verdict;
  bool holds[PMM_SCAN_CONDITIONS];
  pmm_volume_source_t volume_source;
  double seen_h;                  /* hours recorded before the moment: a volume of 24 h cannot be more than what was seen */
  double bid, ask, bid_qty, ask_qty; /* best; NaN, 0: none */
  double trade_rate_h;            /* trades an hour over the last 24 h or what was seen of them; NaN: nothing seen */
  double volatility;              /* log-odds per square root of an hour, from 10 s changes up to the moment; NaN under 20 of them */
  struct {                        /* over the whole recording, at full seconds while the market traded */
    double recorded_h, liquidity, spread, two_sided; /* two_sided: share of the time; the others NaN without any */
    uint64_t trades;
    double volume;                /* dollars */
  } mean;
  pmm_scan_score_t score[PMM_SCAN_STRATEGIES_MAX];
} pmm_scan_market_t;

typedef struct pmm_scan_strategy { char name[64]; int32_t market_max; /* 0 no limit */ uint32_t wanted; bool ranks; /* it has rules of selection */ } pmm_scan_strategy_t;
typedef struct pmm_scan {
  pmm_scan_at_t at; int64_t at_ns;
  bool has_rewards, truncated;
  uint32_t strategy_cnt; pmm_scan_strategy_t strategy[PMM_SCAN_STRATEGIES_MAX];
  uint32_t market_cnt; pmm_scan_market_t *market; /* in the order of the stream; owned */
  uint32_t *order;                                /* indices in order of merit; owned */
} pmm_scan_t;

typedef struct pmm_scan_opts {
  pmm_scan_at_t at; int64_t at_ns;   /* PMM_SCAN_MOMENT */
  const char *strategy;              /* only this one: its configured parameters, else its defaults; NULL: those of the configuration */
  bool every_strategy;               /* all built-in ones instead, with their defaults (configured ones keep their parameters) */
} pmm_scan_opts_t;
/* Reads the recording of `data` twice; `data` as for pmm_backtest_run. PMM_NOT_FOUND (strategy, no market matches). */
pmm_status_t pmm_scan_run(const pmm_config_t *config, const pmm_backtest_opts_t *data, const pmm_scan_opts_t *opts, pmm_scan_t *out, pmm_error_t *err);
void pmm_scan_free(pmm_scan_t *scan);

/* One market: everything about it. Several: a table of at most top rows (0: all), best first. */
void pmm_scan_write(FILE *out, const pmm_scan_t *scan, uint32_t top);
void pmm_scan_write_json(FILE *out, const pmm_scan_t *scan, uint32_t top);
#endif
