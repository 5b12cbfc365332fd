/* venue/polymarket/rest.h -- what REST answers mean, and what requests look like. Pure: parsed JSON in, structs out; bytes into the
   caller's buffer. Readers leave *out as it was unless they return PMM_OK; err names the member. Numbers may come as text or as
   number: the venue mixes them. */
#ifndef PMM_VENUE_POLYMARKET_REST_H
#define PMM_VENUE_POLYMARKET_REST_H
#include "codec.h"
#include "prepare.h"

#define PMM_POLY_PAGE_END "LTE="    /* cursor after the last page; must never be sent */
#define PMM_POLY_CURSOR_MAX 64
#define PMM_POLY_BATCH_MAX 15       /* orders in one request */
#define PMM_POLY_CANCELS_MAX 500    /* ids in one request; the venue takes 1000 */
#define PMM_POLY_KEY_MAX 128

/* -- markets -- */
typedef struct pmm_poly_listing {
  pmm_market_t market;              /* id, event, tokens, grid, sizes, fees, times, life */
  char condition[PMM_POLY_HEX_WORD];
  char slug[PMM_ID_MAX];
  bool neg_risk, accepting;
  int version;                      /* of the exchange its orders are signed for: 2, or 3 for markets of the second protocol */
} pmm_poly_listing_t;
/* A market of the CLOB (/markets/{id}), of its compact form (/clob-markets/{id}) or of the catalogue (Gamma). The first outcome is YES, unless it
   is named No. id becomes the slug where there is one, else the condition id. */
pmm_status_t pmm_poly_read_market(const pmm_json_node_t *o, pmm_poly_listing_t *out, pmm_error_t *err);
pmm_status_t pmm_poly_read_compact(const pmm_json_node_t *o, const char *condition, pmm_poly_listing_t *out, pmm_error_t *err);
pmm_status_t pmm_poly_read_gamma(const pmm_json_node_t *o, pmm_poly_listing_t *out, pmm_error_t *err);

/* -- single values -- */
pmm_status_t pmm_poly_read_tick_size(const pmm_json_node_t *o, int32_t *tick_e4, pmm_error_t *err);  /* {"minimum_tick_size":0.01} */
pmm_status_t pmm_poly_read_neg_risk(const pmm_json_node_t *o, bool *neg_risk, pmm_error_t *err);     /* {"neg_risk":false} */
pmm_status_t pmm_poly_read_fee_rate(const pmm_json_node_t *o, int32_t *bps, pmm_error_t *err);       /* {"base_fee":0} */
pmm_status_t pmm_poly_read_version(const pmm_json_node_t *o, int *version, pmm_error_t *err);        /* {"version":2} */
pmm_status_t pmm_poly_read_balance(const pmm_json_node_t *o, int64_t *balance_e6, int64_t *allowance_e6, pmm_error_t *err); /* least allowance; -1 none told */
pmm_status_t pmm_poly_read_time(const char *text, size_t len, int64_t *at_s);                        /* a bare number */

typedef struct pmm_poly_credentials { char key[PMM_POLY_KEY_MAX], secret[PMM_POLY_KEY_MAX], passphrase[PMM_POLY_KEY_MAX]; } pmm_poly_credentials_t;
pmm_status_t pmm_poly_read_credentials(const pmm_json_node_t *o, pmm_poly_credentials_t *out, pmm_error_t *err);
pmm_status_t pmm_poly_read_heartbeat(const pmm_json_node_t *o, char id[PMM_POLY_KEY_MAX], pmm_error_t *err); /* also of a refusal, which names the expected id */

/* -- lists -- */
/* The elements of a page, or of a bare array; *next gets the next cursor, "" after the last page. */
pmm_status_t pmm_poly_read_page(const pmm_json_node_t *root, const pmm_json_node_t **data, char next[PMM_POLY_CURSOR_MAX], pmm_error_t *err);

typedef struct pmm_poly_position { uint32_t market; bool no; int64_t qty_e6, cost_e6; bool mergeable, redeemable; } pmm_poly_position_t; /* cost: -1 not told */
/* An item of the data API's positions; market PMM_POLY_NONE when its token is not ours. Sizes are cut to millionths. */
pmm_status_t pmm_poly_read_position(const pmm_json_node_t *o, const pmm_poly_tokens_t *tokens, pmm_poly_position_t *out, pmm_error_t *err);

/* -- answers to orders and cancels -- */
typedef enum pmm_poly_placed { PMM_POLY_PLACED_LIVE, PMM_POLY_PLACED_MATCHED, PMM_POLY_PLACED_DELAYED, PMM_POLY_PLACED_UNMATCHED, PMM_POLY_PLACED_REFUSED } pmm_poly_placed_t;
typedef struct pmm_poly_answer {
  uint8_t placed;                   /* pmm_poly_placed_t */
  uint8_t reason;                   /* pmm_reject_t when refused */
  bool restarting, post_only, cancel_only, version_mismatch, ambiguous; /* what else the refusal tells */
  bool has_id; pmm_poly_word_t id;
  char text[160];                   /* the venue's words when refused */
} pmm_poly_answer_t;
/* One answer object of POST /order or an element of POST /orders. */
pmm_status_t pmm_poly_read_answer(const pmm_json_node_t *o, pmm_poly_answer_t *out, pmm_error_t *err);
/* A refusal as an HTTP answer: status and body of any kind; retry_s: the body's, 0 none. */
void pmm_poly_read_refusal(int http, const pmm_json_node_t *root, const char *body, size_t len, pmm_poly_answer_t *out, int32_t *retry_s);
/* The reason behind the venue's words. */
pmm_reject_t pmm_poly_reason(const char *text, size_t len);

typedef enum pmm_poly_cancelled { PMM_POLY_CANCEL_DONE, PMM_POLY_CANCEL_NOT } pmm_poly_cancelled_t;
/* Calls fn for each id of an answer to a cancel. PMM_PARSE: nothing was called. */
pmm_status_t pmm_poly_read_cancels(const pmm_json_node_t *o, void (*fn)(void *ctx, const pmm_poly_word_t *id, pmm_poly_cancelled_t what), void *ctx,
                                   pmm_error_t *err);

/* -- requests: the length, or 0 when it does not fit cap; NUL-terminated -- */
typedef struct pmm_poly_post { const char *order_json; size_t order_len; pmm_tif_t tif; bool post_only, defer_exec; } pmm_poly_post_t;
size_t pmm_poly_body_order(const pmm_poly_post_t *post, const char *owner, char *buf, size_t cap);
size_t pmm_poly_body_orders(const pmm_poly_post_t *post, size_t cnt, const char *owner, char *buf, size_t cap);
size_t pmm_poly_body_cancel(const pmm_poly_word_t *id, char *buf, size_t cap);
size_t pmm_poly_body_cancels(const pmm_poly_word_t *id, size_t cnt, char *buf, size_t cap);
size_t pmm_poly_body_cancel_market(const char *condition, char *buf, size_t cap);
size_t pmm_poly_body_heartbeat(const char *id, char *buf, size_t cap);
size_t pmm_poly_body_subscribe_market(const char *const *token, size_t cnt, char *buf, size_t cap);
size_t pmm_poly_body_subscribe_user(const pmm_poly_credentials_t *credentials, const char *const *condition, size_t cnt, char *buf, size_t cap);
#endif
