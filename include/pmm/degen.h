/* pmm/degen.h -- the Degen venue's wire: tokens, what its messages mean, what its requests look like. Pure functions and memory of the
   caller: no sockets, no clock. The adapter that trades over it is opened through pmm/venue.h.
   Source: the venue's reference, REST and WebSocket (2026-11); docs/venues.md. */
#ifndef PMM_DEGEN_H
#define PMM_DEGEN_H
#include "pmm/event.h"
#include "pmm/market.h"

/* -- tokens: JWT, HS256, claims sub and exp (RFC 7519, RFC 7515) -- */
#define PMM_DEGEN_TOKEN_BUF 1024
#define PMM_DEGEN_SUB_BUF 128
/* PMM_INVAL (empty secret, a subject that is empty or not printable ASCII without quotes), PMM_FULL (cap), PMM_IO (OpenSSL). */
pmm_status_t pmm_degen_token_mint(const char *secret, size_t secret_len, const char *sub, int64_t issued_s, int64_t expires_s, char *token, size_t cap);
/* PMM_OK with the subject; PMM_PARSE (no token), PMM_UNSUPPORTED (another algorithm), PMM_REJECTED (signature of another secret), PMM_STATE (expired). */
pmm_status_t pmm_degen_token_verify(const char *secret, size_t secret_len, const char *token, int64_t now_s, char sub[PMM_DEGEN_SUB_BUF]);
bool pmm_degen_token_is(const char *text); /* looks like one: three parts of base64url */

/* -- what the venue says -- */
typedef struct pmm_degen_text { const char *at; uint32_t len; } pmm_degen_text_t; /* in the message; no NUL at its end; at NULL: absent */
bool pmm_degen_text_is(pmm_degen_text_t text, const char *want);

typedef struct pmm_degen_level { int64_t qty_e6; int32_t price_e4; uint8_t side; } pmm_degen_level_t; /* YES space; the new total, 0 removes */
#define PMM_DEGEN_LEVELS_MAX 20000 /* both sides of the finest grid */

typedef enum pmm_degen_status { PMM_DEGEN_OPEN, PMM_DEGEN_FILLED, PMM_DEGEN_CANCELLED, PMM_DEGEN_REJECTED, PMM_DEGEN_EXPIRED } pmm_degen_status_t;
typedef struct pmm_degen_order {
  bool is_error;                    /* this line of a batch was refused: only code and message */
  pmm_degen_text_t code, message;
  pmm_degen_text_t id, client_id, market, reason;
  uint8_t route, status;            /* pmm_route_t, pmm_degen_status_t */
  int32_t price_e4;                 /* YES space */
  int64_t qty_e6, filled_e6;
  int64_t ts_ns;
} pmm_degen_order_t;
typedef struct pmm_degen_fill {
  uint64_t seq;
  pmm_degen_text_t id, order_id, client_id, market;
  bool is_no, maker;
  int32_t price_e4;                 /* YES space */
  int64_t qty_e6, fee_e6, ts_ns;
} pmm_degen_fill_t;
typedef struct pmm_degen_trade { pmm_degen_text_t id, market; uint64_t seq; int32_t price_e4; int64_t qty_e6, ts_ns; uint8_t taker_side; } pmm_degen_trade_t; /* YES space */
typedef struct pmm_degen_market {
  pmm_degen_text_t id, asset;
  uint8_t life, outcome;            /* pmm_life_t, pmm_outcome_t */
  int64_t strike_e8, opens_ns, expires_ns; /* PMM_TIME_NONE */
  int32_t tick_e4;
  int32_t taker_fee_bps, maker_fee_bps;    /* 0 when not told */
} pmm_degen_market_t;
typedef struct pmm_degen_position { pmm_degen_text_t market; int64_t yes_e6, no_e6, yes_cost_e6, no_cost_e6; } pmm_degen_position_t;
typedef struct pmm_degen_balance { int64_t cash_e6, locked_e6; } pmm_degen_balance_t;

typedef enum pmm_degen_kind {
  PMM_DEGEN_OTHER,                  /* well-formed, and nothing for us */
  PMM_DEGEN_BOOK, PMM_DEGEN_DELTA,  /* market, seq, ts_ns, level[0..level_cnt); BOOK: a whole book, of a channel or REST */
  PMM_DEGEN_TRADE, PMM_DEGEN_MARKET, PMM_DEGEN_ORDER, PMM_DEGEN_FILL,
  PMM_DEGEN_ANSWER                  /* re, ok, result or code and message */
} pmm_degen_kind_t;
typedef struct pmm_degen_msg {
  pmm_degen_kind_t kind;
  pmm_degen_text_t market;
  uint64_t seq;
  int64_t ts_ns;                    /* PMM_TIME_NONE when not told */
  size_t level_cnt;
  union { pmm_degen_trade_t trade; pmm_degen_market_t info; pmm_degen_order_t order; pmm_degen_fill_t fill; };
  uint64_t re; bool ok;
  pmm_degen_text_t result, code, message; /* result: JSON */
} pmm_degen_msg_t;
/* pmm_degen_decode reads one message of the socket, or a REST book. level has room for PMM_DEGEN_LEVELS_MAX. Texts point into text or, where
   they held escapes, into scratch (PMM_DEGEN_SCRATCH bytes). PMM_PARSE with the place, PMM_FULL (too many levels); *msg is then undefined.
   No allocation; every byte is checked, used or not. */
#define PMM_DEGEN_SCRATCH 2048
pmm_status_t pmm_degen_decode(const char *text, size_t len, pmm_degen_msg_t *msg, pmm_degen_level_t *level, char *scratch, pmm_error_t *err);

/* REST answers: the elements of the array behind a key of an object, one JSON text each; key NULL: the object itself is the only one. */
typedef struct pmm_degen_list { const char *text, *at, *end; bool first, single; pmm_status_t status; } pmm_degen_list_t;
pmm_status_t pmm_degen_list_open(const char *text, size_t len, const char *key, pmm_degen_list_t *list); /* PMM_PARSE; PMM_NOT_FOUND (no such array) */
bool pmm_degen_list_next(pmm_degen_list_t *list, pmm_degen_text_t *element); /* false at the end */
/* Each reads one JSON object whole; PMM_PARSE with the place. */
pmm_status_t pmm_degen_read_order(pmm_degen_text_t json, pmm_degen_order_t *out, char *scratch, pmm_error_t *err);
pmm_status_t pmm_degen_read_fill(pmm_degen_text_t json, pmm_degen_fill_t *out, char *scratch, pmm_error_t *err);
pmm_status_t pmm_degen_read_market(pmm_degen_text_t json, pmm_degen_market_t *out, char *scratch, pmm_error_t *err);
pmm_status_t pmm_degen_read_position(pmm_degen_text_t json, pmm_degen_position_t *out, char *scratch, pmm_error_t *err);
pmm_status_t pmm_degen_read_balance(pmm_degen_text_t json, pmm_degen_balance_t *out, pmm_error_t *err);
/* A string (unescaped into out, NUL-terminated) or whole number behind a key of an object; a null is PMM_NOT_FOUND. */
pmm_status_t pmm_degen_get_text(pmm_degen_text_t json, const char *key, char *out, size_t cap);
pmm_status_t pmm_degen_get_number(pmm_degen_text_t json, const char *key, uint64_t *out);
pmm_status_t pmm_degen_get_error(pmm_degen_text_t json, char code[40], char message[128]); /* {"error":{...}} */
pmm_reject_t pmm_degen_reject(const char *code, size_t len);  /* of an error's code; PMM_REJECT_NONE: none that refuses an order for good */

/* -- what we say: into the caller's buffer, no allocation; 0: does not fit -- */
#define PMM_DEGEN_CLIENT_ID_LEN 17  /* "p" and 16 hex digits: pmm's order id, so that any run finds its own again */
#define PMM_DEGEN_ORDER_JSON_MAX 320
void pmm_degen_client_id(uint64_t order_id, char out[PMM_DEGEN_CLIENT_ID_LEN + 1]);
bool pmm_degen_client_id_read(pmm_degen_text_t text, uint64_t *order_id); /* false: not one of pmm's */
typedef struct pmm_degen_writer { char *buf; size_t len, cap; bool full; } pmm_degen_writer_t;
/* {"op":"order.place","id":ID,"orders":[ ... ]} in three steps; over REST the same without op and id (id 0). */
void pmm_degen_place_begin(pmm_degen_writer_t *w, char *buf, size_t cap, uint64_t id);
void pmm_degen_place_order(pmm_degen_writer_t *w, const char *market, const pmm_action_t *action); /* market: the venue's id */
size_t pmm_degen_place_end(pmm_degen_writer_t *w);
/* {"op":"order.cancel","id":ID,"ids":[...]} or "client_ids". */
void pmm_degen_cancel_begin(pmm_degen_writer_t *w, char *buf, size_t cap, uint64_t id, bool by_client_id);
void pmm_degen_cancel_order(pmm_degen_writer_t *w, const char *id);
size_t pmm_degen_cancel_end(pmm_degen_writer_t *w);
size_t pmm_degen_cancel_market(char *buf, size_t cap, uint64_t id, const char *market);
size_t pmm_degen_amend(char *buf, size_t cap, uint64_t id, const char *order, bool is_no, int32_t price_e4, int64_t qty_e6); /* id 0: a PATCH body */
size_t pmm_degen_heartbeat(char *buf, size_t cap, uint64_t id, int64_t timeout_ms);
#endif
