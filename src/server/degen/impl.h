/* server/degen/impl.h -- the Degen venue's dialect of the exchange: what its parts share. The reference is docs/exchange-server.md, which has
   the venue's calls and this exchange's reading of what they leave open.

     serve.c    the service: life, routes, time                   token.c    bearer tokens (JWT, HS256)
     trade.c    orders in, cancels, amends, for REST and socket   public.c   markets, books, trades
     account.c  orders, fills, positions, balance of an account   view.c     what is sent, as text
     socket.c   subscriptions, requests and pushes of sockets     history.c  what an account's money was a while ago            */
#ifndef PMM_SERVER_DEGEN_IMPL_H
#define PMM_SERVER_DEGEN_IMPL_H
#include "base/json.h"
#include "pmm/server.h"
#include "server/text.h"

#define PMM__DD_MEMBERS_MAX 1024u
#define PMM__DD_SECRET_MAX 256
#define PMM__DD_BATCH_MAX 100
#define PMM__DD_PAGE 100u
#define PMM__DD_PAGE_MAX 1000u
#define PMM__DD_RATE 200.0            /* order actions a second, and at once */
#define PMM__DD_BURST 400.0
#define PMM__DD_PING_NS (15 * PMM_NS_PER_S)
#define PMM__DD_SILENT_NS (45 * PMM_NS_PER_S)
#define PMM__DD_BEAT_MAX_MS INT64_C(3600000)

/* ---- errors ---- */
#define PMM__DD_CODE_MAP(X)                              \
  X(NONE, 200, "")                                       \
  X(BAD_REQUEST, 400, "bad_request")                     \
  X(UNAUTHORIZED, 401, "unauthorized")                   \
  X(FORBIDDEN, 403, "forbidden")                         \
  X(NOT_FOUND, 404, "not_found")                         \
  X(MARKET_CLOSED, 409, "market_closed")                 \
  X(INVALID_PRICE, 400, "invalid_price")                 \
  X(INVALID_SIZE, 400, "invalid_size")                   \
  X(POST_ONLY, 409, "post_only_would_cross")             \
  X(BALANCE, 409, "insufficient_balance")                \
  X(SHARES, 409, "insufficient_shares")                  \
  X(DUPLICATE, 409, "duplicate_client_id")               \
  X(SELF_TRADE, 409, "self_trade")                       \
  X(RATE_LIMITED, 429, "rate_limited")                   \
  X(INTERNAL, 500, "internal")
typedef enum pmm__dd_code {
#define X(name, http, text) PMM__DD_##name,
  PMM__DD_CODE_MAP(X)
#undef X
} pmm__dd_code_t;
typedef struct pmm__dd_error {
  pmm__dd_code_t code;
  const char *message, *field;
  int64_t retry_ns;
} pmm__dd_error_t; /* static texts; field NULL: none in particular */

/* ---- state ---- */
typedef struct pmm__dd_market {
  bool listed;
  char asset[PMM_PARAM_TEXT_MAX];
  uint64_t seq;                       /* of its book messages */
  int64_t settle_e8;                  /* once resolved; 0 none */
  bool changed[2];                    /* sides with changes that are not sent yet */
} pmm__dd_market_t;

typedef struct pmm__dd_member {
  uint32_t account;
  char secret[PMM__DD_SECRET_MAX];
  pmm_bucket_t bucket;
  int64_t beat_ns, beat_due_ns;       /* time between heartbeats, 0 off; when the orders go */
} pmm__dd_member_t;

typedef struct pmm__dd_set { bool all; uint64_t bit[PMM_PLACE_MARKETS_MAX / 64]; } pmm__dd_set_t;
typedef struct pmm__dd_sock {
  pmm_peer_t *peer;
  struct pmm__dd_sock *next, *prev;
  pmm__dd_member_t *member;           /* NULL: public */
  int64_t token_ns;                   /* until when its token is good */
  pmm__dd_set_t book, trades, markets;
  bool orders, fills;
  int64_t heard_ns, ping_ns;          /* last word from it; next ping */
} pmm__dd_sock_t;

typedef struct pmm__dd_change { uint32_t market; uint8_t side; int32_t price_e4; int64_t total_e6; } pmm__dd_change_t;

/* history.c: money and holdings as they were */
typedef struct pmm__dd_past { int64_t at_ns; uint32_t account, market; int64_t cash_e6, locked_e6; pmm_place_holding_t holding; } pmm__dd_past_t;
#define PMM__DD_PAST_MAX 8192u

typedef struct pmm__dd {
  pmm_service_t service;              /* first: it is one */
  pmm_place_t *place;
  pmm_serve_params_t serve;
  pmm_notice_sink_t notices;
  const char *(*secret)(void *ctx, const char *name); void *secret_ctx;
  pmm_json_parser_t *parser;
  pmm_text_t out, message;            /* the answer; a push */
  pmm__dd_market_t *market;           /* [PMM_PLACE_MARKETS_MAX] by index of the place */
  pmm__dd_member_t *member; uint32_t member_cnt; /* they never move, so that sockets may point at them */
  pmm__dd_sock_t *socks;
  pmm__dd_change_t *change; size_t change_cnt, change_cap; /* since the last end of a message */
  pmm__dd_past_t *past; uint64_t past_cnt; /* a ring; NULL without lag */
  int64_t place_ns;                   /* when the place wants to be called */
} pmm__dd_t;

/* Who asks: from REST or a socket. */
typedef struct pmm__dd_req {
  pmm__dd_t *d;
  int64_t now_ns;
  pmm__dd_member_t *member;           /* NULL: nobody known */
  pmm__dd_error_t error;              /* what it comes to; NONE: d->out holds the answer */
} pmm__dd_req_t;

/* token.c: the member a token names, and until when it is good; NULL. */
pmm__dd_member_t *pmm__dd_token(pmm__dd_t *d, const char *token, int64_t now_ns, int64_t *until_ns);
pmm__dd_member_t *pmm__dd_bearer(pmm__dd_t *d, const pmm_request_t *request, int64_t now_ns, int64_t *until_ns);

/* view.c */
int pmm__dd_http_status(pmm__dd_code_t code);
void pmm__dd_fail(pmm__dd_req_t *r, pmm__dd_code_t code, const char *field, const char *message);
void pmm__dd_put_error(pmm_text_t *t, const char *key, const pmm__dd_error_t *error);
void pmm__dd_put_order(const pmm__dd_t *d, pmm_text_t *t, const char *key, const pmm_place_order_t *o);
void pmm__dd_put_trade(const pmm__dd_t *d, pmm_text_t *t, const char *key, const pmm_place_trade_t *trade);
void pmm__dd_put_fill(const pmm__dd_t *d, pmm_text_t *t, const char *key, const pmm_place_fill_t *f);
void pmm__dd_put_market(const pmm__dd_t *d, pmm_text_t *t, const char *key, uint32_t market, int64_t now_ns);
void pmm__dd_put_book(const pmm__dd_t *d, pmm_text_t *t, uint32_t market, uint32_t depth, bool both,
                      int64_t now_ns); /* members of an object that is open */

/* trade.c: bodies are parsed JSON objects; the answer goes to d->out */
void pmm__dd_place(pmm__dd_req_t *r, const pmm_json_node_t *body);
void pmm__dd_cancel(pmm__dd_req_t *r, const pmm_json_node_t *body);
void pmm__dd_cancel_one(pmm__dd_req_t *r, const char *id);
void pmm__dd_amend(pmm__dd_req_t *r, const char *id, const pmm_json_node_t *body); /* id NULL: by order_id or client_id of the body */
void pmm__dd_beat(pmm__dd_req_t *r, const pmm_json_node_t *body);
int64_t pmm__dd_beats_due(pmm__dd_t *d, int64_t now_ns);  /* cancels for those that are silent; when to look again */
bool pmm__dd_text_of(const pmm_json_node_t *node, char *out, size_t cap); /* a JSON string as a C string: not empty, fits, no NUL inside */

/* public.c, account.c: path segment and query to d->out */
void pmm__dd_markets(pmm__dd_req_t *r, const char *query);
void pmm__dd_market_get(pmm__dd_req_t *r, const char *id);
void pmm__dd_book_get(pmm__dd_req_t *r, const char *id, const char *query);
void pmm__dd_trades(pmm__dd_req_t *r, const char *id, const char *query);
void pmm__dd_orders(pmm__dd_req_t *r, const char *query);
void pmm__dd_order_get(pmm__dd_req_t *r, const char *id);
void pmm__dd_fills(pmm__dd_req_t *r, const char *query);
void pmm__dd_positions(pmm__dd_req_t *r);
void pmm__dd_balance(pmm__dd_req_t *r);
bool pmm__dd_market_of(const pmm__dd_t *d, const char *id, uint32_t *market); /* listed here */
/* A whole number of the query within 0 .. max, def when it is absent; false and an error otherwise. */
bool pmm__dd_number(pmm__dd_req_t *r, const char *query, const char *name, uint64_t def, uint64_t max, uint64_t *out);

/* history.c */
void pmm__dd_remember(pmm__dd_t *d, uint32_t account, uint32_t market);
int64_t pmm__dd_as_of(const pmm__dd_req_t *r);            /* reads show what had happened by then */
int64_t pmm__dd_past_cash(const pmm__dd_req_t *r, int64_t *locked_e6);
void pmm__dd_past_holding(const pmm__dd_req_t *r, uint32_t market, pmm_place_holding_t *out);

/* socket.c */
int pmm__dd_upgrade(pmm_service_t *service, pmm_peer_t *peer, const pmm_request_t *request, char *refusal, size_t cap);
void pmm__dd_message(pmm_service_t *service, pmm_peer_t *peer, const char *text, size_t len);
void pmm__dd_pong(pmm_service_t *service, pmm_peer_t *peer, const char *payload, size_t len);
void pmm__dd_closed(pmm_service_t *service, pmm_peer_t *peer);
void pmm__dd_told(void *ctx, const pmm_place_event_t *event);
int64_t pmm__dd_socks_due(pmm__dd_t *d, int64_t now_ns);  /* pings, silence */
#endif
