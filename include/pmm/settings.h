/* pmm/settings.h -- what a user can set about venues, feeds and servers: plain structs with their tables, so that the configuration, which
   stands above the wire, and the adapters, which stand below it, read the same fields. Lists in the configuration:

     venues[]    where to trade             feeds[]     prices of underlyings        merge{}    how they become one price
     serve[]     dialects `pmm exchange` speaks    listings[]  its markets            members[]  its accounts      faults{}
     live{}      the running program

   Secrets are never here: they come from the environment or a 0600 file, by the names each venue's page in docs/ gives. */
#ifndef PMM_SETTINGS_H
#define PMM_SETTINGS_H
#include "pmm/param.h"

#define PMM_VENUES_MAX 8
#define PMM_FEEDS_MAX 16
#define PMM_SERVE_MAX 8
#define PMM_LISTINGS_MAX 32
#define PMM_MEMBERS_MAX 16

typedef enum pmm_open_orders { PMM_OPEN_CANCEL, PMM_OPEN_ADOPT } pmm_open_orders_t;
typedef struct pmm_venue_params {
  char name[PMM_PARAM_TEXT_MAX];       /* for logs and reports; "" the venue's */
  int32_t venue;                       /* kalshi | polymarket | degen, as pmm_venue_t - 1 */
  char rest[PMM_PARAM_TEXT_MAX], ws[PMM_PARAM_TEXT_MAX];     /* "" the venue's production hosts */
  char gamma[PMM_PARAM_TEXT_MAX], data[PMM_PARAM_TEXT_MAX];  /* Polymarket's catalogue and data hosts; "" production */
  char markets[PMM_PARAM_TEXT_MAX];    /* ids, tickers, slugs, separated by spaces; "series:X", "event:X" stand for all open markets of one; globs where the venue lists */
  char groups[PMM_PARAM_TEXT_MAX];     /* "ID=GROUP ..." puts markets of several venues into one exposure group (pmm_market_t.event) */
  int32_t open_orders;                 /* pmm_open_orders_t: what becomes of orders found at the start */
  int64_t reconcile_ns;
  int64_t dead_man_ns;                 /* the venue cancels our orders when it has not heard of us for so long; 0 off (where the venue lets us choose) */
  int64_t request_timeout_ns;
  int64_t stale_ns;                    /* a book without a word for so long is probed, then not trusted */
  int64_t skew_max_ns;                 /* our clock may differ from the venue's by this before it is an alert */
  int64_t batch_max;                   /* orders in one request at most; 1: no batches */
  int64_t prepared;                    /* Polymarket: prices and sizes for which signed orders are kept ready, per market and side; 0 none */
  int64_t prepared_age_ns;
  int64_t subaccount;                  /* Kalshi; 0 the main account */
  bool yes_price;                      /* Kalshi: ask for NO levels in YES prices */
  int64_t chain_id; int64_t signature_type; /* Polymarket; signature_type -1: from POLY_SIGNATURE_TYPE, else 0 */
  bool deflate;                        /* offer permessage-deflate */
} pmm_venue_params_t;

typedef enum pmm_feed_source { PMM_FEED_BINANCE, PMM_FEED_COINBASE, PMM_FEED_COINBASE_ADVANCED, PMM_FEED_RTDS, PMM_FEED_POLYBOLT, PMM_FEED_KALSHI_INDEX } pmm_feed_source_t;
typedef struct pmm_feed_params {
  char name[PMM_PARAM_TEXT_MAX];
  int32_t source;                      /* pmm_feed_source_t */
  char url[PMM_PARAM_TEXT_MAX];        /* "" production */
  char symbol[PMM_PARAM_TEXT_MAX];     /* in the source's words: btcusdt, BTC-USD, btc/usd, BRTI */
  char underlying[PMM_PARAM_TEXT_MAX]; /* whose price it is: "BTC" */
  char channel[PMM_PARAM_TEXT_MAX];    /* "" the source's usual one */
  bool settlement;                     /* the series that settles markets on this underlying */
  int64_t warn_ns, stale_ns;           /* 0: the source's own (docs/feeds.md) */
  int64_t rotate_ns;                   /* 0: the source's own */
} pmm_feed_params_t;

typedef struct pmm_merge_params {      /* feeds of one underlying -> one checked price; docs/feeds.md has the rules */
  double max_dev_bps;                  /* further from the median: dropped; re-admitted at half */
  int64_t quorum;                      /* healthy sources needed; fewer: no price */
  double basis_half_life_s;
  double jump_sigma; int64_t jump_hold_ns;
  int64_t clock_drift_ns;
  bool single_ok;                      /* one source is enough where only one is configured */
} pmm_merge_params_t;

#define PMM_SERVE_FEED 3                /* pmm_serve_params_t.dialect from here on: a stand-in feed, pmm_feed_source_t + PMM_SERVE_FEED */
typedef struct pmm_serve_params {      /* one dialect of `pmm exchange` on one port */
  int32_t dialect;                     /* kalshi | polymarket | degen, as pmm_venue_t - 1; then the feeds */
  char bind[PMM_PARAM_TEXT_MAX]; int64_t port;
  char cert[PMM_PARAM_TEXT_MAX], key[PMM_PARAM_TEXT_MAX];
  int64_t skew_ns;                     /* clock window of signed requests */
  int64_t settle_ns;                   /* from a match to its final settlement (Polymarket: MATCHED to CONFIRMED) */
  double fail_share;                   /* of trades: they fail instead */
  int64_t lag_ns;                      /* reads of balances, positions and orders show the state so long ago */
  double ghost_share;                  /* of fills: told to the account, and then undone */
  bool rate_limit;                     /* the venue's own limits */
  int64_t heartbeat_ns;                /* Polymarket: orders are cancelled when heartbeats stop for so long once begun */
} pmm_serve_params_t;

typedef struct pmm_listing_params {    /* a market of `pmm exchange` */
  char id[PMM_PARAM_TEXT_MAX]; char event[PMM_PARAM_TEXT_MAX]; char title[PMM_PARAM_TEXT_MAX];
  char dialect[PMM_PARAM_TEXT_MAX];    /* "" listed in each dialect, as one book per dialect */
  int32_t tick_e4;
  char grid[PMM_PARAM_TEXT_MAX];       /* Kalshi's name of a tapered grid; "" uniform */
  int64_t min_size_e6, lot_e6;
  int32_t fees;                        /* none | kalshi | polymarket | degen | venue */
  double taker_rate, maker_rate;       /* < 0: the schedule's usual */
  bool neg_risk;
  bool exchange_v3;                    /* Polymarket: of the third exchange */
  char asset[PMM_PARAM_TEXT_MAX]; double strike; /* 0 none */
  int64_t duration_ns;                 /* from the start to close; 0: stays open */
  double p0;                           /* where synthetic traders begin */
  char tape[PMM_PARAM_TEXT_MAX];       /* "FILE[:MARKET]": a recording as background flow instead of synthetic traders */
} pmm_listing_params_t;

typedef struct pmm_member_params {     /* an account of `pmm exchange` */
  char name[PMM_PARAM_TEXT_MAX];
  int64_t cash_e6;
  char kalshi_key_id[PMM_PARAM_TEXT_MAX], kalshi_public_key[PMM_PARAM_TEXT_MAX]; /* id, PEM file */
  char polymarket_address[PMM_PARAM_TEXT_MAX], polymarket_funder[PMM_PARAM_TEXT_MAX];
  char degen_secret_env[PMM_PARAM_TEXT_MAX];  /* the environment variable with the secret its tokens are signed with; "" the exchange's */
} pmm_member_params_t;

typedef struct pmm_live_params {
  char state[PMM_PARAM_TEXT_MAX];      /* folder for what must survive: run counter, kill switch, learned state; "" ~/.local/state/pmm */
  char secrets[PMM_PARAM_TEXT_MAX];    /* a 0600 file with NAME=value lines, beside the environment; "" none */
  char ca[PMM_PARAM_TEXT_MAX];         /* more trusted authorities, PEM; "" the system's only */
  char record[PMM_PARAM_TEXT_MAX];     /* folder for tapes of what was seen; "" none */
  int64_t record_every_ns;             /* a new tape so often */
  int64_t shutdown_ns;                 /* time for cancelling at the end */
  double difference_dollars;           /* ledger against venue: more is an alert and stops trading until resolved */
  bool difference_stops;
} pmm_live_params_t;

extern const pmm_param_t pmm_venue_param_table[], pmm_feed_param_table[], pmm_merge_param_table[], pmm_serve_param_table[], pmm_listing_param_table[],
    pmm_member_param_table[], pmm_live_param_table[], pmm_faults_param_table[];
extern const size_t pmm_venue_param_cnt, pmm_feed_param_cnt, pmm_merge_param_cnt, pmm_serve_param_cnt, pmm_listing_param_cnt, pmm_member_param_cnt,
    pmm_live_param_cnt, pmm_faults_param_cnt;
typedef struct pmm_faults_params {         /* shares are of requests (messages), 0 .. 1; what each does: pmm/service.h */
  uint64_t seed;
  int64_t delay_ns, delay_jitter_ns;       /* every answer and message is late by this */
  double drop_request;                     /* never arrives, never answered */
  double drop_answer;                      /* "time-out after acceptance": handled, and the answer lost */
  double error_5xx;                        /* 500, 502, 503 or 504 without being handled */
  double error_5xx_after;                  /* the same although it was handled */
  double rate_limited;                     /* 429 with the body the service gives, not handled */
  double restart_425;                      /* 425 (the venue restarts), not handled */
  double duplicate, reorder, lose;         /* of WebSocket messages to clients: twice; after the next one; not at all (a gap) */
  double disconnect_per_s;                 /* of each socket, a Poisson rate */
  double mute_per_s; int64_t mute_ns;      /* a socket falls silent for so long, open all the while */
  double slow_read_per_s; int64_t slow_ns; /* what clients send on a socket is read only after so long */
} pmm_faults_params_t;
#endif
