/* degen/adapter.h -- the adapter to Degen-style venues, as its files share it.
     adapter.c   opening, tokens, time, readiness, stopping     discover.c  which markets
     stream.c    the socket: books, trades, private channels    entry.c     orders out, answers in
     orders.c    what becomes of each order; look-ups           account.c   fills in order, takeover, reconciliation      */
#ifndef PMM_DEGEN_ADAPTER_H
#define PMM_DEGEN_ADAPTER_H
#include "base/json.h"
#include "pmm/degen.h"
#include "pmm/venue.h"
#include "venue/orders.h"

#define PMM__D_BATCH_MAX 100
#define PMM__D_REQUESTS 1024            /* on the socket and over REST, unanswered; a power of two */
#define PMM__D_BODY_MAX (PMM__D_BATCH_MAX * PMM_DEGEN_ORDER_JSON_MAX + 256)
#define PMM__D_PAGE 500
#define PMM__D_TICK_NS (100 * PMM_NS_PER_MS)
#define PMM__D_GRACE_NS (5 * PMM_NS_PER_S) /* an order not found this long after it was sent, and again, never was */
#define PMM__D_LOOK_NS PMM_NS_PER_S
#define PMM__D_FILL_WAIT_NS (200 * PMM_NS_PER_MS) /* fills announced by an order's state come within, or are read */
#define PMM__D_TOKEN_S 3600
#define PMM__D_PLACES (2 * PMM_VENUE_MARKETS_MAX)

typedef struct pmm__dmarket {
  pmm_market_t market;
  uint64_t seq;
  bool synced, probing;
  int64_t heard_ns, asked_ns;           /* monotonic: last word of its book; a snapshot asked for, 0 none */
} pmm__dmarket_t;

/* Beside each place of the table of orders. */
typedef struct pmm__dorder {
  int64_t look_ns;                      /* monotonic: when to look it up, 0 not */
  uint32_t conn; uint64_t req;          /* the request its last outcome hangs on; conn 0: REST */
  bool acked, gone, cancelled;          /* told; declared never to have been; said to be cancelled */
  bool looking, place_waits, cancel_waits, amend_waits;
  int32_t amend_price_e4; int64_t amend_open_e6;
  uint8_t looks;                        /* that did not find it, since it was placed */
  int64_t placed_ns;                    /* monotonic: when its place was sent; cancels that follow do not make it younger */
} pmm__dorder_t;

typedef enum pmm__dkind { PMM__D_FREE, PMM__D_SUBSCRIBE, PMM__D_PLACE, PMM__D_CANCEL, PMM__D_AMEND, PMM__D_SWEEP, PMM__D_BEAT, PMM__D_PING } pmm__dkind_t;
typedef struct pmm__drequest {
  uint64_t id; uint8_t kind; uint32_t conn; int64_t sent_ns;
  uint32_t cnt, order[PMM__D_BATCH_MAX]; uint64_t order_id[PMM__D_BATCH_MAX]; /* a place may have been given away meanwhile */
} pmm__drequest_t;

typedef struct pmm__dqueue { uint32_t *idx; uint64_t *order_id; uint32_t head, cnt; } pmm__dqueue_t; /* ring of PMM_VENUE_ORDERS_MAX */

typedef void (*pmm__d_done_t)(void *ctx, uint64_t tag, const pmm_http_response_t *response);
/* Requests over REST outlive the adapter: what their answers find is this, freed with the last of them. */
#define PMM__D_CALLS 256
typedef struct pmm__dcall { struct pmm__dlife *life; pmm__d_done_t done; uint64_t tag; bool used; } pmm__dcall_t;
typedef struct pmm__dlife { pmm_adapter_t *adapter; uint32_t used; pmm__dcall_t call[PMM__D_CALLS]; } pmm__dlife_t; /* adapter NULL: closed */

typedef enum pmm__dphase { PMM__D_DISCOVERS, PMM__D_FOUND, PMM__D_RUNS, PMM__D_STOPS, PMM__D_STOPPED } pmm__dphase_t;
typedef enum pmm__dread { PMM__D_IDLE, PMM__D_FILLS, PMM__D_BALANCE, PMM__D_POSITIONS, PMM__D_OPEN, PMM__D_FILLS_AGAIN } pmm__dread_t;

struct pmm_adapter {
  pmm_net_t *net;
  pmm_venue_params_t params;
  pmm_venue_sink_t sink;
  pmm__dlife_t *life;
  bool public_only;
  uint8_t phase;
  char rest[PMM_PARAM_TEXT_MAX], ws_url[PMM_PARAM_TEXT_MAX + 8], source[PMM_PARAM_TEXT_MAX];
  char sub[PMM_DEGEN_TOKEN_BUF], secret[256]; size_t secret_len; /* sub: the account, or a ready token when secret_len is 0 */
  char bearer[PMM_DEGEN_TOKEN_BUF + 8]; int64_t bearer_until_s;
  /* markets */
  pmm__dmarket_t *market; uint32_t market_cnt, first;
  uint32_t place[PMM__D_PLACES];        /* by id: open addressing, index + 1 */
  char token[PMM_PARAM_TEXT_MAX], cursor[256]; size_t token_at; /* discovery: the word at hand */
  int64_t retry_ns;
  /* socket */
  pmm_ws_t *ws; uint32_t conn;          /* 0: none open */
  bool subscribed; int64_t socket_until_s;
  uint64_t answered;                    /* newest request answered on conn */
  int64_t beat_ns, beat_ok_ns;
  pmm_degen_level_t *level; pmm_md_t *md; char scratch[PMM_DEGEN_SCRATCH];
  /* orders */
  pmm__orders_t *orders; pmm__dorder_t *extra;
  pmm__drequest_t *request; uint64_t request_last;
  pmm__dqueue_t places, cancels, amends;
  pmm_bucket_t bucket;
  bool sweeping; int64_t sweep_ns;      /* cancel_all is wanted; when it was last sent */
  /* account */
  uint64_t fill_seq, fill_seen;         /* newest delivered; newest heard of */
  int64_t fills_since_ns, fills_ns;     /* fills_ns: when to read fills, 0 not */
  bool taken, reconciled, fills_busy, jump;
  uint8_t read; bool read_busy, read_wanted; int64_t read_ns, read_began_ns; uint64_t moved, moved_at_start;
  uint32_t read_rounds;
  pmm_degen_balance_t balance;
  pmm_holding_report_t *holding; size_t holding_cnt;
  pmm_order_report_t *adopted; size_t adopted_cnt;
  uint8_t *listed;                      /* per order place: seen in the list of open orders */
  bool ready; int64_t stop_ns; bool stop_busy; uint32_t stop_left;
  pmm_timer_t tick, pump;
  char body[PMM__D_BODY_MAX];
  char *names;                          /* subscription text, sized at discovery */
};
typedef pmm_adapter_t pmm__degen_t;

/* adapter.c */
void pmm__d_notice(pmm__degen_t *a, pmm_severity_t severity, const char *code, uint32_t market, const char *fmt, ...) __attribute__((format(printf, 5, 6)));
void pmm__d_judge(pmm__degen_t *a);     /* tells the driver when readiness changed */
const char *pmm__d_bearer(pmm__degen_t *a);
bool pmm__d_http(pmm__degen_t *a, const char *method, const char *path, const char *body, size_t len, int32_t retries, uint64_t tag, pmm__d_done_t done);
static inline int64_t pmm__d_mono(pmm__degen_t *a) { return pmm_net_mono(a->net); }
static inline pmm_degen_text_t pmm__d_body(const pmm_http_response_t *r) { return (pmm_degen_text_t){r->body, (uint32_t)r->body_len}; }
bool pmm__d_escape(const char *text, char *out, size_t cap); /* into a URL */
/* discover.c */
void pmm__d_discover(pmm__degen_t *a);
uint32_t pmm__d_market_find(const pmm__degen_t *a, pmm_degen_text_t id); /* PMM__ORDER_NONE */
void pmm__d_market_put(pmm__degen_t *a, uint32_t idx);
/* stream.c */
bool pmm__d_stream_open(pmm__degen_t *a);
void pmm__d_stream_tick(pmm__degen_t *a);
void pmm__d_told(pmm__degen_t *a, const pmm_degen_msg_t *msg);
/* entry.c */
pmm__drequest_t *pmm__d_request(pmm__degen_t *a, pmm__dkind_t kind); /* NULL: all are under way */
bool pmm__d_send(pmm__degen_t *a, pmm__drequest_t *r, size_t len);   /* a->body over the socket; false: not sent, the request is free again */
void pmm__d_submit(pmm__degen_t *a, const pmm_action_t *action, size_t cnt);
void pmm__d_pump(pmm__degen_t *a);
void pmm__d_answer(pmm__degen_t *a, const pmm_degen_msg_t *msg);
void pmm__d_entry_tick(pmm__degen_t *a);
void pmm__d_conn_lost(pmm__degen_t *a, uint32_t conn);
void pmm__d_sweep(pmm__degen_t *a);     /* cancels everything in our markets */
void pmm__d_cancel_vid(pmm__degen_t *a, const char *vid, size_t len);
void pmm__d_drop_places(pmm__degen_t *a);
/* orders.c */
uint32_t pmm__d_order_find(pmm__degen_t *a, pmm_degen_text_t vid, pmm_degen_text_t client_id);
void pmm__d_emit(pmm__degen_t *a, pmm_kind_t kind, uint32_t idx, int64_t qty_e6, int64_t amount_e6, uint8_t aux);
void pmm__d_order_heard(pmm__degen_t *a, const pmm_degen_order_t *o); /* from wherever */
void pmm__d_order_end(pmm__degen_t *a, uint32_t idx, pmm_kind_t kind, int64_t rest_e6, uint8_t aux);
void pmm__d_lose(pmm__degen_t *a, uint32_t idx);  /* outcome unknown: told, and looked up */
void pmm__d_look(pmm__degen_t *a, uint32_t idx, int64_t in_ns);
void pmm__d_orders_tick(pmm__degen_t *a);
uint64_t pmm__d_alias(const char *vid, size_t len);
/* account.c */
void pmm__d_fill_heard(pmm__degen_t *a, const pmm_degen_fill_t *f);
void pmm__d_read_account(pmm__degen_t *a);
void pmm__d_account_tick(pmm__degen_t *a);
#endif
