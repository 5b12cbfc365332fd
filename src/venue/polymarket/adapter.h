/* venue/polymarket/adapter.h -- the adapter's parts and what they ask of each other:
     adapter.c    open, start, stop, close, readiness, the beat of its timers
     wire.c       requests: signing, sending, who is answered
     discover.c   settings to markets
     auth.c       API keys, clock, version, heartbeats
     orders.c     the table of orders; actions to requests; answers to events
     seals.c      requests to cancel, signed ahead
     fills.c      trades to fills and settlements
     sockets.c    market and user channels, books, staleness
     reconcile.c  what the account holds, at the start and every so often */
#ifndef PMM_VENUE_POLYMARKET_ADAPTER_H
#define PMM_VENUE_POLYMARKET_ADAPTER_H
#include <string.h>
#include "codec.h"
#include "pmm/ladder.h"
#include "pmm/venue.h"
#include "prepare.h"
#include "rest.h"

#define PMM__HINTS_MAX 64
#define PMM__SOURCE "polymarket"
#define PMM__URL_MAX 512
#define PMM__REQUESTS_MAX 128          /* under way */
#define PMM__BODY_MAX (64 * 1024)
#define PMM__SOCKET_TOKENS 400         /* tokens of one market socket */
#define PMM__SOCKETS_MAX ((PMM_VENUE_MARKETS_MAX * 2 + PMM__SOCKET_TOKENS - 1) / PMM__SOCKET_TOKENS)
#define PMM__FILLS_MAX 8192            /* remembered, to tell a new one from one told before */
#define PMM__QUEUE_MAX 2048            /* actions that the rate budget holds back */
#define PMM__BEAT_NS (250 * PMM_NS_PER_MS)

/* -- requests -- */
typedef enum pmm__call {
  PMM__CALL_DISCOVER, PMM__CALL_FEES, PMM__CALL_TIME, PMM__CALL_VERSION, PMM__CALL_KEY_CREATE, PMM__CALL_KEY_DERIVE, PMM__CALL_HEARTBEAT,
  PMM__CALL_BALANCE, PMM__CALL_POSITIONS, PMM__CALL_ORDERS, PMM__CALL_TRADES, PMM__CALL_TRADE, PMM__CALL_POST, PMM__CALL_CANCEL, PMM__CALL_CANCEL_MARKET,
  PMM__CALL_CANCEL_ALL, PMM__CALL_LOOK, PMM__CALL_BOOK, PMM__CALL_LEFT
} pmm__call_t;
typedef struct pmm__request {
  uint8_t call;                        /* pmm__call_t */
  uint32_t arg;                        /* what it is about: a market, an order, a step */
  uint32_t cnt;
  uint64_t sent_seq;                   /* when it left, in order of all requests */
  uint32_t next_free;                  /* request + 1 */
  uint32_t order[PMM_POLY_CANCELS_MAX]; /* POST, CANCEL */
} pmm__request_t;

/* -- orders -- */
typedef enum pmm__order_state { PMM__ORDER_FREE, PMM__ORDER_SENT, PMM__ORDER_LIVE, PMM__ORDER_LOST, PMM__ORDER_DONE } pmm__order_state_t;
typedef struct pmm__order {
  uint64_t order_id;
  pmm_poly_word_t id;
  uint64_t ref;                        /* of id, as events carry it */
  uint32_t market;
  uint8_t state, route, tif;
  bool post_only, held;                /* held: waits for the rate budget, not signed yet */
  bool cancel_wanted, cancel_sent;     /* wanted: sent as soon as the venue has answered that it knows the order */
  bool closed;                         /* the venue has told that it is gone; fills may still be under way */
  int32_t price_e4;
  int64_t qty_e6, filled_e6, matched_e6; /* asked for; told as fills; matched as the venue says */
  int64_t look_ns;                     /* monotonic: when to ask the venue about it; 0: not at all */
  int64_t done_ns, sent_ns;            /* monotonic */
  uint64_t sent_seq;
  uint32_t looks;                      /* times it was not found */
  uint32_t mark;                       /* round of reconciliation that saw it */
  uint32_t next_id, next_word;         /* hash chains: order + 1 */
  uint32_t next;                       /* of the free list or the list of those done: order + 1 */
  bool open;                           /* in open[open_at]: sent, not done, no cancel under way */
  uint32_t open_at, open_next, open_prev; /* next, prev: of its market's: order + 1 */
} pmm__order_t;

typedef struct pmm__fill { uint64_t key, ref; uint32_t market; uint8_t state; uint32_t next; uint64_t order_id; } pmm__fill_t; /* state: pmm_poly_trade_state_t */

/* -- markets and sockets -- */
#define PMM__SET_MAX 4
typedef struct pmm__cancel_set { uint32_t order[PMM__SET_MAX], cnt; pmm_poly_seal_t seal; } pmm__cancel_set_t; /* orders cancelled together, by rising index */
typedef struct pmm__market {
  pmm_poly_listing_t listing;
  pmm_ladder_t ladder;
  bool known;                          /* the book is whole */
  uint8_t mismatches;
  bool probing;
  int64_t heard_ns;                    /* monotonic: last word about it */
  int64_t book_ns, last_ns;            /* venue time of the last book applied, and of the newest message applied */
  int64_t crossed_ns;                  /* monotonic: since when it is crossed; 0: not */
  int64_t yes_e6, no_e6, yes_cost_e6, no_cost_e6; /* of the round of reconciliation at work */
  int64_t pairs_e6;                    /* that could be merged, as told last */
  uint32_t open_cnt, open_head;        /* its orders in open[]: order + 1 */
  pmm__cancel_set_t set[3];            /* [side]: all its bids, all its asks; [2]: all */
} pmm__market_t;

struct pmm__poly;
typedef struct pmm__socket {
  struct pmm__poly *p;
  pmm_ws_t *ws;
  uint32_t conn;                       /* 0: not open */
  uint32_t first, cnt;                 /* its markets; the user socket has none */
  bool user;
  int64_t pong_ns, ping_ns;            /* monotonic */
} pmm__socket_t;

/* -- life -- */
typedef enum pmm__stage { PMM__DISCOVERING, PMM__DISCOVERED, PMM__STARTING, PMM__RUNNING, PMM__STOPPING, PMM__STOPPED } pmm__stage_t;

typedef struct pmm__round { /* a reading of the account */
  bool active, takeover, failed;
  uint32_t serial, pages;
  uint64_t begun_seq, fills_at;        /* requests sent and fills told when it began */
  uint64_t in_flight;
  int64_t cash_e6;
  uint32_t strays;                     /* open orders that nobody knows */
  char cursor[PMM_POLY_CURSOR_MAX];
  uint32_t offset;
} pmm__round_t;

typedef struct pmm__poly {
  pmm_net_t *net;
  pmm_venue_params_t params;
  pmm_venue_sink_t sink;
  bool public_only, closing;
  pmm__stage_t stage;
  uint32_t outstanding;                /* requests that will still call back */
  uint32_t depth;                      /* callbacks of ours on the stack */
  char rest[PMM__URL_MAX], ws[PMM__URL_MAX], gamma[PMM__URL_MAX], data[PMM__URL_MAX];

  /* who we are */
  pmm_poly_signer_t *signer;
  pmm_poly_address_t funder;
  char address[PMM_POLY_HEX_ADDRESS], funder_text[PMM_POLY_HEX_ADDRESS];
  uint8_t signature_type;
  uint64_t chain_id;
  pmm_poly_credentials_t *credentials; /* secret memory */
  bool has_credentials, hmac_ready;
  pmm_poly_hmac_t *hmac;               /* secret memory */
  pmm_offset_t offset;
  bool skewed;

  /* markets */
  pmm__market_t *market;
  uint32_t market_cnt, market_cap, first;
  uint32_t *missing;                   /* entries of the setting still to be answered */
  struct pmm__wanted *wanted;          /* what the settings ask for */
  uint32_t wanted_cnt, wanted_open;
  pmm_poly_tokens_t *tokens;
  pmm_poly_codec_t *codec;
  pmm_json_parser_t *json;
  pmm_arena_t arena;
  uint32_t seq;

  pmm__socket_t socket[PMM__SOCKETS_MAX + 1]; /* the user's is the first */
  uint32_t socket_cnt;

  /* orders */
  pmm__order_t *order;
  uint32_t *by_id, *by_word;           /* buckets: order + 1 */
  uint32_t order_cnt, free_head, done_head, done_tail;
  uint32_t look_cnt;
  pmm_poly_prepared_t *prepared[2];    /* by exchange version: 2, 3 */
  uint32_t *open, open_cnt;            /* orders that a cancel would find, by table index */
  pmm_poly_seal_t *cancel_seal;        /* by table index */
  pmm_poly_word_t cancel_id[PMM_POLY_CANCELS_MAX]; /* being put into a request */
  int64_t sealed_s;                    /* up to which second cancels are being signed: open[0..seal_sweep) are */
  uint32_t seal_sweep;
  pmm_bucket_t bucket_order, bucket_cancel;
  uint32_t queue[PMM__QUEUE_MAX], queue_head, queue_cnt;         /* orders to be sent, by table index */
  uint32_t posted[PMM__QUEUE_MAX], posted_cnt;                   /* sent, and not yet found by their ids */
  uint32_t cancel_queue[PMM__QUEUE_MAX], cancel_head, cancel_cnt;
  pmm__fill_t *fill;
  uint32_t *by_fill, fill_at;
  uint64_t fills_told, fills_pending;  /* pending: their settlement is not final */
  uint32_t hint[PMM__HINTS_MAX], hint_cnt;           /* orders sent since orders were last signed ahead */
  pmm_poly_ready_t made[PMM_POLY_BATCH_MAX]; /* signed while they were put into a request */
  int64_t last_trade_s;                /* venue time of the newest trade seen */

  pmm__request_t request[PMM__REQUESTS_MAX];
  uint32_t request_free;               /* request + 1 */
  uint64_t request_seq;
  int64_t second; char second_text[24]; /* the last one put into a request */
  char body[PMM__BODY_MAX];
  char url[PMM__URL_MAX * 2];

  /* the account's life */
  pmm__round_t round;
  int64_t reconcile_ns;                /* monotonic: next reading; 0: none planned */
  bool took_over, ready;
  char why[96];
  uint8_t phase;                       /* pmm_phase_t */
  int64_t phase_until_ns, restart_backoff_ns;
  char heartbeat[PMM_POLY_KEY_MAX];
  int64_t heartbeat_ns, heartbeat_ok_ns; bool heartbeat_under_way;
  int64_t stop_ns; uint32_t stop_looks;
  bool stop_looking;
  pmm_timer_t beat, refill, flush, retry;
  uint32_t retry_cnt;
  void (*retry_fn)(struct pmm__poly *p);
} pmm__poly_t;

static inline pmm__poly_t *pmm__poly(pmm_adapter_t *adapter) { return (pmm__poly_t *)(void *)adapter; }

/* -- adapter.c -- */
int64_t pmm__venue_now(const pmm__poly_t *p);           /* wall time as the venue has it */
void pmm__poly_note(pmm__poly_t *p, pmm_severity_t severity, const char *code, uint32_t market, const char *fmt, ...) __attribute__((format(printf, 5, 6)));
void pmm__check_ready(pmm__poly_t *p);                  /* tells the driver when readiness changes */
void pmm__later(pmm__poly_t *p, void (*fn)(pmm__poly_t *p)); /* after a backoff that grows with each failure in a row */
void pmm__again_from_start(pmm__poly_t *p);
void pmm__set_phase(pmm__poly_t *p, pmm_phase_t phase, int64_t for_ns);
void pmm__tell_stopped(pmm__poly_t *p, uint32_t left);
void pmm__seal_anew(pmm__poly_t *p);                      /* the key of requests is there, or another one: what was signed with the old one is dropped */
/* Around whatever may call the driver, who may close us from there: the memory goes when the last of them is left. */
void pmm__poly_enter(pmm__poly_t *p);
void pmm__poly_leave(pmm__poly_t *p);

/* -- wire.c -- */
typedef enum pmm__auth { PMM__PUBLIC, PMM__WALLET, PMM__SIGNED } pmm__auth_t;
typedef struct pmm__send {
  pmm__call_t call;
  pmm__auth_t auth;
  const char *method, *base, *path, *query; /* query with its "?" or "" */
  const char *body; size_t body_len;        /* NULL: none */
  int32_t retries;
  uint32_t arg;
  const pmm_poly_seal_t *seal; /* signed ahead: used where its second is still this one; NULL: none */
} pmm__send_t;
/* The slot of the request, to which the caller may add what it is about, or NULL: nothing was sent. */
pmm__request_t *pmm__send(pmm__poly_t *p, const pmm__send_t *send);
void pmm__requests_init(pmm__poly_t *p);
bool pmm__can_send(const pmm__poly_t *p);
const pmm_json_node_t *pmm__parse(pmm__poly_t *p, const pmm_http_response_t *response); /* NULL: no JSON document */
bool pmm__is_ok(const pmm_http_response_t *response);    /* an answer of 2xx */

/* -- discover.c -- */
pmm_status_t pmm__discover_plan(pmm__poly_t *p, pmm_error_t *err);
void pmm__discover(pmm__poly_t *p);
void pmm__discover_answer(pmm__poly_t *p, const pmm__request_t *request, const pmm_http_response_t *response);
void pmm__discover_free(pmm__poly_t *p);

/* -- auth.c -- */
void pmm__auth_begin(pmm__poly_t *p);
void pmm__auth_answer(pmm__poly_t *p, const pmm__request_t *request, const pmm_http_response_t *response);
pmm_status_t pmm__auth_use(pmm__poly_t *p, pmm_error_t *err);  /* credentials are there: the HMAC key is made */
void pmm__heartbeat(pmm__poly_t *p);
void pmm__read_version(pmm__poly_t *p);

/* -- orders.c -- */
pmm_status_t pmm__orders_init(pmm__poly_t *p, pmm_error_t *err);
void pmm__poly_orders_free(pmm__poly_t *p);
pmm__order_t *pmm__order_by_word(pmm__poly_t *p, const pmm_poly_word_t *id);
pmm__order_t *pmm__order_by_id(pmm__poly_t *p, uint64_t order_id);
/* A new entry, in no state yet; id NULL: not known yet. NULL: full of open orders. */
pmm__order_t *pmm__poly_order_add(pmm__poly_t *p, uint64_t order_id, uint32_t market, const pmm_poly_word_t *id);
void pmm__order_done(pmm__poly_t *p, pmm__order_t *o);
void pmm__order_look(pmm__poly_t *p, pmm__order_t *o, int64_t after_ns);
void pmm__orders_submit(pmm__poly_t *p, const pmm_action_t *action, size_t cnt);
void pmm__orders_foresee(pmm__poly_t *p);                 /* what was sent lately tells which orders to sign ahead */
void pmm__orders_flush(pmm__poly_t *p);
void pmm__orders_beat(pmm__poly_t *p, int64_t now_ns);
void pmm__orders_answer(pmm__poly_t *p, const pmm__request_t *request, const pmm_http_response_t *response);
void pmm__orders_heard(pmm__poly_t *p, const pmm_poly_user_order_t *told); /* user channel, or a look */
void pmm__orders_cancel_market(pmm__poly_t *p, uint32_t market);          /* all resting ones of ours there */
void pmm__cancel_everything(pmm__poly_t *p);
uint64_t pmm__orders_in_flight(const pmm__poly_t *p);
void pmm__poly_emit(pmm__poly_t *p, pmm_kind_t kind, const pmm__order_t *o, int64_t qty_e6, int64_t amount_e6, uint8_t aux);

/* -- seals.c: requests to cancel, signed ahead -- */
pmm_status_t pmm__seals_init(pmm__poly_t *p, pmm_error_t *err);
void pmm__seals_free(pmm__poly_t *p);
void pmm__seals_add(pmm__poly_t *p, pmm__order_t *o);     /* has an id, and may be cancelled */
void pmm__seals_remove(pmm__poly_t *p, pmm__order_t *o);  /* is being cancelled, or done; fine when it is not there */
void pmm__seals_drop(pmm__poly_t *p);                     /* the key has changed */
bool pmm__seals_refill(pmm__poly_t *p, int64_t venue_ns); /* signs a few; true: there may be more */
const pmm_poly_seal_t *pmm__seal_of(const pmm__poly_t *p, const uint32_t *order, uint32_t cnt); /* NULL: none; by rising index */
size_t pmm__cancel_body(pmm__poly_t *p, const uint32_t *order, uint32_t cnt); /* into body; its length */
const char *pmm__cancel_path(uint32_t cnt);
void pmm__put_sorted(uint32_t *list, uint32_t *cnt, uint32_t order); /* room for one more */

/* -- fills.c -- */
void pmm__trade_heard(pmm__poly_t *p, const pmm_poly_user_trade_t *trade, bool tell); /* tell false: remembered as known */

/* -- sockets.c -- */
pmm_status_t pmm__sockets_open(pmm__poly_t *p, pmm_error_t *err);
void pmm__sockets_close(pmm__poly_t *p);
void pmm__sockets_beat(pmm__poly_t *p, int64_t now_ns);
void pmm__book_answer(pmm__poly_t *p, const pmm__request_t *request, const pmm_http_response_t *response);
bool pmm__sockets_ready(const pmm__poly_t *p, const char **why);
void pmm__md_gap(pmm__poly_t *p, uint32_t market);

/* -- reconcile.c -- */
void pmm__reconcile_begin(pmm__poly_t *p, bool takeover);
void pmm__reconcile_answer(pmm__poly_t *p, const pmm__request_t *request, const pmm_http_response_t *response);
#endif
