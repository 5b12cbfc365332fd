/* The adapter to Kalshi, as its files share it. adapter.c opens, closes and keeps time; request.c signs and sends; boot.c finds the markets and
   their terms; stream.c follows the socket; entry.c sends orders; account.c reads the account and settles what is in doubt. */
#ifndef PMM_VENUE_KALSHI_ADAPTER_H
#define PMM_VENUE_KALSHI_ADAPTER_H
#include <string.h>
#include "pmm/kalshi.h"
#include "pmm/venue.h"
#include "venue/orders.h"

#define PMM__K_BATCH_MAX 20
#define PMM__K_QUEUE_MAX (2 * PMM_VENUE_ORDERS_MAX) /* an amendment and a renewal of each */
#define PMM__K_REQUESTS_MAX 128
#define PMM__K_PAGE 1000
#define PMM__K_ORDERS "/portfolio/events/orders"
#define PMM__K_BODY_MAX 65536
#define PMM__K_COMMAND_MAX (PMM_VENUE_MARKETS_MAX * (PMM_ID_MAX + 3) + 256)
#define PMM__K_TICK_NS (250 * PMM_NS_PER_MS)
#define PMM__K_SEEN_MAX 65536

/* -- what the table of orders does not hold -- */
typedef struct pmm__korder {
  int64_t look_ns;              /* monotonic: when to look it up, 0 not */
  int64_t expires_ns;           /* venue time at which it ends unless renewed, PMM_TIME_NONE never */
  int64_t user_expires_ns;      /* GTD: as the strategy asked, PMM_TIME_NONE none */
  int64_t amend_e6;             /* open quantity asked for */
  int64_t amend_total_e6;       /* what the order will be in all, as sent */
  int32_t amend_price_e4;
  uint8_t looks;                /* how often it was not found, or not as it should be */
  bool doubtful;                /* a change of its size may or may not have been made */
  bool acked, wants_cancel, cancel_queued, queued, renewing, has_amend;
} pmm__korder_t;

typedef struct pmm__kqueue { uint32_t *at; uint32_t head, tail; } pmm__kqueue_t; /* ring of order places, PMM__K_QUEUE_MAX */

typedef enum pmm__kkind { K_FREE, K_CREATE, K_CANCEL, K_AMEND, K_DECREASE, K_RENEW, K_LOOK, K_TRIGGER, K_RESET, K_STRAY } pmm__kkind_t;
typedef struct pmm__krequest {
  uint8_t kind, cnt;
  uint16_t gen;
  uint32_t next_free;                  /* request + 1 */
  uint32_t order[PMM__K_BATCH_MAX];
  uint64_t order_id[PMM__K_BATCH_MAX]; /* a place may have been given away meanwhile */
} pmm__krequest_t;

typedef enum pmm__kchannel { K_BOOKS, K_TRADES, K_LIFE, K_FILLS, K_ORDERS, K_CHANNELS } pmm__kchannel_t;

/* Pages read one after another: discovery, takeover, reconciliation. */
typedef enum pmm__kstep {
  K_IDLE,
  K_BOOT_STATUS, K_BOOT_LIMITS, K_BOOT_COSTS, K_BOOT_MARKETS, K_BOOT_SERIES, K_BOOT_EVENTS,
  K_TAKE_CLEAR, K_TAKE_GROUP, K_READ_PAST, K_READ_ORDERS, K_READ_FILLS, K_READ_POSITIONS, K_READ_BALANCE, K_READ_LOCKED, K_READ_MARKETS
} pmm__kstep_t;

typedef enum pmm__kpath_id { K_PATH_CREATE, K_PATH_BATCH_CREATE, K_PATH_BATCH_CANCEL, K_PATHS } pmm__kpath_id_t;
typedef struct pmm__kpath { const char *method; uint32_t slot; char url[PMM_PARAM_TEXT_MAX + 64]; } pmm__kpath_t; /* slot: the signer's */

struct pmm_adapter {
  pmm_net_t *net;
  pmm_venue_params_t params;
  pmm_venue_sink_t sink;
  bool public_only, started, stopping, stopped, closed;
  char rest[PMM_PARAM_TEXT_MAX], ws_url[PMM_PARAM_TEXT_MAX]; /* without a slash at the end */
  const char *root, *ws_path;    /* what of them is signed: from the first slash behind the host */
  pmm_kalshi_key_t *key;
  pmm_kalshi_signer_t *signer;   /* NULL without a key: public reads only */
  pmm__kpath_t path[K_PATHS];    /* of requests that are signed ahead */
  pmm_kalshi_codec_t *codec;
  pmm_kalshi_books_t *books;

  pmm_kalshi_market_t *market;   /* [PMM_VENUE_MARKETS_MAX] */
  pmm_kalshi_terms_t *event_terms;
  uint32_t market_cnt, first_market;
  uint32_t shards;               /* bit set of our markets' */

  /* account */
  pmm__orders_t *orders;
  pmm__korder_t *korder;         /* beside it */
  pmm__seen_t *seen;             /* trade id and order id of fills told */
  int64_t fills_since_ns, last_fill_ns;
  pmm_holding_report_t *holding; size_t holding_cnt;
  pmm_order_report_t *adopted; size_t adopted_cnt;
  bool reading_takeover, clear_again;
  pmm_kalshi_order_t *order_page; pmm_kalshi_fill_t *fill_page; pmm_kalshi_position_t *position_page;
  int64_t balance_e6, locked_e6;
  uint64_t activity, activity_at_start; /* everything that moves the account, counted */

  /* pages under way */
  uint8_t step;                  /* pmm__kstep_t */
  bool taken_over, reconcile_wanted, step_waits;
  uint32_t step_gen;             /* answers to steps given up are not ours */
  uint32_t at;                   /* market, series or round the step is at */
  char cursor[256], token[PMM_ID_MAX];
  const char *tokens;            /* rest of params.markets */
  int64_t step_started_ns, read_started_ns, next_reconcile_ns, retry_ns;
  int32_t failures;

  /* requests */
  pmm__krequest_t request[PMM__K_REQUESTS_MAX];
  uint32_t request_cnt, request_free, http_cnt; /* http_cnt: every answer that will come, also after closing */
  pmm__kqueue_t places, cancels, amends;
  pmm_bucket_t read_bucket, write_bucket;
  pmm_kalshi_costs_t costs;
  pmm_kalshi_exchange_t exchange;
  pmm_offset_t offset;
  char group[80]; bool group_triggered, group_resetting;
  bool cancel_all_wanted;
  int64_t hold_ns;               /* monotonic: places wait until then */

  /* socket */
  pmm_ws_t *ws;
  uint32_t conn;                 /* 0: none open */
  uint64_t command;
  uint32_t sid[K_CHANNELS];
  bool books_whole;
  int64_t snapshot_asked_ns;

  bool ready;
  int64_t stop_by_ns, next_status_ns, skew_told_ns;
  pmm_timer_t tick, pump;
  char body[PMM__K_BODY_MAX];
  char url[2048 + PMM_VENUE_MARKETS_MAX / 16];
  char command_text[PMM__K_COMMAND_MAX];
};
typedef pmm_adapter_t pmm__kalshi_t;

/* -- adapter.c -- */
void pmm__k_notice(pmm__kalshi_t *a, pmm_severity_t severity, const char *code, uint32_t market, const char *fmt, ...)
    __attribute__((format(printf, 5, 6)));
int64_t pmm__k_venue_now(pmm__kalshi_t *a);    /* the venue's wall clock */
void pmm__k_cleared(pmm__kalshi_t *a);         /* nothing of ours rests: a stop is complete */
void pmm__k_took_over(pmm__kalshi_t *a);
void pmm__k_judge_ready(pmm__kalshi_t *a);     /* tells the driver when it changed */
void pmm__k_md(pmm__kalshi_t *a, pmm_md_t *md, size_t cnt); /* markets of ours: local index */
void pmm__k_life(pmm__kalshi_t *a, uint32_t market, pmm_life_t life, pmm_outcome_t outcome, int64_t payout_e6);
void pmm__k_event(pmm__kalshi_t *a, const pmm__vorder_t *o, pmm_kind_t kind, int64_t qty_e6, int64_t amount_e6, uint8_t aux, int64_t exch_ns);

/* -- request.c -- */
typedef void (*pmm__kdone_t)(void *ctx, uint64_t tag, const pmm_http_response_t *response);
/* GET of root + path, signed when there is a key. false: not sent (too many under way). */
bool pmm__k_get(pmm__kalshi_t *a, const char *path_and_query, pmm__kdone_t done, uint64_t tag);
/* slot: prepared headers, or UINT32_MAX: signed now. */
bool pmm__k_send(pmm__kalshi_t *a, const char *method, const char *path_and_query, const char *body, size_t len, pmm__kdone_t done, uint64_t tag);
bool pmm__k_send_ahead(pmm__kalshi_t *a, pmm__kpath_id_t path, const char *body, size_t len, pmm__kdone_t done, uint64_t tag); /* its headers are signed already */
/* First thing in every answer's function: true when the adapter is closed, and then perhaps gone. */
bool pmm__k_returned(pmm__kalshi_t *a);
void pmm__k_requests_init(pmm__kalshi_t *a);
pmm__krequest_t *pmm__k_request_new(pmm__kalshi_t *a, pmm__kkind_t kind, uint64_t *tag); /* NULL: all taken */
pmm__krequest_t *pmm__k_request_of(pmm__kalshi_t *a, uint64_t tag);                       /* NULL: no longer ours */
void pmm__k_request_free(pmm__kalshi_t *a, pmm__krequest_t *r);
void pmm__k_hear(pmm__kalshi_t *a, const pmm_http_response_t *r,
                 int64_t venue_ns); /* a sample for the clock; PMM_TIME_NONE: from the Date header */

/* -- boot.c -- */
void pmm__k_boot(pmm__kalshi_t *a);
void pmm__k_boot_path(pmm__kalshi_t *a, char *path, size_t cap);
void pmm__k_put_cursor(const pmm__kalshi_t *a, char *path, size_t cap);
void pmm__k_set_limits(pmm__kalshi_t *a, const pmm_kalshi_limits_t *limits); /* entry.c */
bool pmm__k_boot_answer(pmm__kalshi_t *a, const pmm_http_response_t *r, pmm_error_t *err); /* false: try again */

/* -- steps.c -- */
void pmm__k_step(pmm__kalshi_t *a, pmm__kstep_t step); /* asks for the first page of a step */
void pmm__k_step_again(pmm__kalshi_t *a);              /* the next page, or the same after a failure */
void pmm__k_steps_tick(pmm__kalshi_t *a, int64_t mono_ns);

/* -- stream.c -- */
pmm_status_t pmm__k_stream_open(pmm__kalshi_t *a, pmm_error_t *err);
void pmm__k_stream_tick(pmm__kalshi_t *a, int64_t mono_ns);

/* -- entry.c -- */
void pmm__k_submit(pmm__kalshi_t *a, const pmm_action_t *action, size_t cnt);
void pmm__k_pump(pmm__kalshi_t *a);
void pmm__k_cancel_all(pmm__kalshi_t *a);
void pmm__k_cancel_idx(pmm__kalshi_t *a, uint32_t idx);
void pmm__k_entry_tick(pmm__kalshi_t *a, int64_t mono_ns);
void pmm__k_queue_cancel(pmm__kalshi_t *a, uint32_t idx);
/* Cancels orders by the venue's ids alone: those the table does not have. */
void pmm__k_cancel_stray(pmm__kalshi_t *a, const pmm_kalshi_kill_t *kill, size_t cnt);

/* -- account.c -- */
void pmm__k_fill(pmm__kalshi_t *a, const pmm_kalshi_fill_t *f);
void pmm__k_order(pmm__kalshi_t *a, const pmm_kalshi_order_t *o);          /* from the socket */
void pmm__k_acked(pmm__kalshi_t *a, uint32_t idx, pmm_kalshi_text_t vid, int64_t exch_ns);
void pmm__k_ended(pmm__kalshi_t *a, uint32_t idx, pmm_kind_t kind, int64_t was_open_e6, int64_t venue_filled_e6, pmm_reject_t why, int64_t exch_ns);
void pmm__k_end_if_complete(pmm__kalshi_t *a, uint32_t idx);
void pmm__k_lost(pmm__kalshi_t *a, uint32_t idx);
void pmm__k_look(pmm__kalshi_t *a, uint32_t idx, int64_t in_ns);
void pmm__k_looks_tick(pmm__kalshi_t *a, int64_t mono_ns);
void pmm__k_look_answer(pmm__kalshi_t *a, pmm__krequest_t *r, const pmm_http_response_t *response);
bool pmm__k_account_answer(pmm__kalshi_t *a, const pmm_http_response_t *r, pmm_error_t *err);
void pmm__k_account_path(pmm__kalshi_t *a, char *path, size_t cap);
void pmm__k_take_group(pmm__kalshi_t *a); /* the step, or the next one where there can be no group */
size_t pmm__k_group_body(pmm__kalshi_t *a);
#endif
