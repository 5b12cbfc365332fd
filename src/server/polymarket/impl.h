/* impl.h -- Polymarket's dialect of the exchange: what its parts share. One book per condition in YES terms stands in the place; every answer
   and message shows it from the side of one of its two tokens. Wire: Polymarket CLOB API documentation (2026-11), clob-client-v2 1.1.0.

     serve.c      the service: routes, calls, markets and members     auth.c      wallet (L1) and HMAC (L2) credentials, heartbeats
     order_in.c   a posted order: shape, signature, terms             order.c     placing, holding takers back, cancelling
     book.c       public reads of books and prices                    catalogue.c markets as CLOB and Gamma list them
     account.c    orders, trades, balances, positions of an account   view.c      numbers, orders and trades as text
     market_ws.c  the market channel and all that reaches sockets     user_ws.c   the user channel
     limits.c     the venue's rate limits                                                                                       */
#ifndef PMM_SERVER_POLYMARKET_IMPL_H
#define PMM_SERVER_POLYMARKET_IMPL_H
#include <stdio.h>
#include "base/json.h"
#include "pmm/decimal.h"
#include "pmm/polymarket.h"
#include "pmm/server.h"
#include "server/polymarket/dialect.h"
#include "server/text.h"

#define PMM__PD_KEYS_MAX 4096u       /* API keys ever made */
#define PMM__PD_MEMBERS_MAX 1024u
#define PMM__PD_TOKENS_CAP 4096u     /* slots of the token table: twice the tokens of PMM_PLACE_MARKETS_MAX */
#define PMM__PD_UUID 37
#define PMM__PD_NOTES_MAX 64u        /* notifications kept per member */
#define PMM__PD_HELD_MAX 4096u       /* requests held back at a time */
#define PMM__PD_HOLD_NS (50 * PMM_NS_PER_MS)   /* of takers in markets with itode, since 2026-08-17 */
#define PMM__PD_SWEEP_NS (5 * PMM_NS_PER_S)    /* heartbeats are looked at this often */
#define PMM__PD_NO_KEY UINT32_MAX

typedef struct pmm__pd_bucket { double tokens; int64_t at_ns; } pmm__pd_bucket_t;

typedef struct pmm__pd_note { uint64_t id; uint8_t type; uint64_t order; uint32_t market; } pmm__pd_note_t;
typedef struct pmm__pd_member {      /* an account and the wallet that signs for it */
  uint32_t account;
  pmm_poly_address_t address, funder;
  bool has_funder;
  pmm__pd_bucket_t orders, cancels;
  pmm__pd_note_t note[PMM__PD_NOTES_MAX]; /* a ring: note_cnt ever, the last ones kept; id 0: dismissed */
  uint64_t note_cnt;
} pmm__pd_member_t;

typedef enum pmm__pd_key_kind { PMM__PD_TRADING, PMM__PD_READONLY, PMM__PD_BUILDER } pmm__pd_key_kind_t;
typedef struct pmm__pd_key {         /* API credentials */
  char id[PMM__PD_UUID], secret[45], passphrase[65];
  pmm_poly_hmac_t hmac;
  uint32_t member;
  uint64_t nonce;
  uint8_t kind;                      /* pmm__pd_key_kind_t */
  bool deleted;
  int64_t beat_ns;                   /* last heartbeat; PMM_TIME_NONE: none ever, orders are not watched */
  char beat_id[PMM__PD_UUID];        /* the one that must come next, "" for the first */
} pmm__pd_key_t;

typedef struct pmm__pd_market {      /* what the listing says of a market of the place */
  bool listed, itode, neg_risk, v3;
  int64_t min_size_e6, listed_ns, changed_ns; /* changed: its book */
  char slug[PMM_PARAM_TEXT_MAX], title[PMM_PARAM_TEXT_MAX], asset[PMM_PARAM_TEXT_MAX];
  pmm_poly_word_t token[2];          /* YES, NO */
  pmm_poly_domain_t domain[3];       /* by order version - 1 */
  int32_t tick_e4;                   /* as last told */
  int32_t best_e4[2];                /* as last told with best_bid_ask; 0 none */
  uint64_t last_trade;               /* seq; 0 none */
  uint8_t life;
} pmm__pd_market_t;

typedef enum pmm__pd_type { PMM__PD_GTC, PMM__PD_GTD, PMM__PD_FOK, PMM__PD_FAK } pmm__pd_type_t;
typedef struct pmm__pd_extra {       /* of an order, beside the place's record; its tag - 1 is the index */
  uint32_t key;
  uint8_t type, signature_type;
  pmm_poly_address_t maker;
  int64_t expiration_s;
  pmm_poly_word_t builder;
  int64_t told_filled_e6;            /* on the user channel */
  bool told, told_end;
} pmm__pd_extra_t;

typedef struct pmm__pd_sock {
  pmm_peer_t *peer;
  struct pmm__pd_sock *next, *prev;
  bool user, custom, subscribed, all;
  uint32_t key;                      /* user: whose */
  uint64_t set[PMM_PLACE_MARKETS_MAX * 2 / 64]; /* market: market * 2 + outcome; user: market * 2 */
} pmm__pd_sock_t;

typedef struct pmm__pd_held {        /* a request with a marketable order, until its time */
  struct pmm__pd_held *next;
  pmm_call_t *call;                  /* NULL: the client has left, or has its answer already */
  uint32_t key;
  int64_t due_ns;
  bool batch;
  size_t len;
  char body[];                       /* PMM_JSON_PAD bytes follow */
} pmm__pd_held_t;

typedef struct pmm__pd_change { uint32_t market; uint8_t side; int32_t price_e4; int64_t total_e6; bool done; } pmm__pd_change_t;
typedef struct pmm__pd_print { uint32_t market; uint64_t trade; bool done; } pmm__pd_print_t;

#define PMM__PD_SCOPES 32
typedef struct pmm__pd_remote { char address[48]; pmm__pd_bucket_t scope[PMM__PD_SCOPES]; int64_t used_ns; } pmm__pd_remote_t;
#define PMM__PD_REMOTES 64

typedef struct pmm__pd {
  pmm_service_t service;             /* first: it is one */
  pmm_place_t *place;
  pmm_serve_params_t serve;
  pmm_notice_sink_t notices;
  uint64_t seed, made;               /* made: ids so far */
  int version;                       /* of orders taken: 2, or 1 */
  pmm_phase_t phase;
  bool disabled;
  int64_t phase_until_ns, restart_until_ns; /* 0: not; restart: trading routes answer 425 */
  pmm_json_parser_t *parser;
  pmm_text_t out, message, spare;    /* the answer; a socket message; parts of either */
  pmm__pd_market_t *market;          /* [PMM_PLACE_MARKETS_MAX] by index of the place */
  uint32_t *token;                   /* [PMM__PD_TOKENS_CAP] market * 2 + outcome + 1; 0 free */
  pmm__pd_member_t *member; uint32_t member_cnt;
  pmm__pd_key_t *key; uint32_t key_cnt; /* [PMM__PD_KEYS_MAX]: they never move, so that their secrets stay in one place */
  pmm__pd_extra_t *extra; size_t extra_cnt, extra_cap;
  pmm__pd_sock_t *socks;
  pmm__pd_held_t *held, *held_last; uint32_t held_cnt;
  int64_t sweep_ns, place_ns;        /* when heartbeats are looked at next; when the place wants to be called */
  pmm__pd_change_t *change; size_t change_cnt, change_cap; /* since the last END */
  pmm__pd_print_t *print; size_t print_cnt, print_cap;
  pmm__pd_remote_t remote[PMM__PD_REMOTES];
} pmm__pd_t;

/* One request. A handler writes d->out and returns the HTTP status; 0: the answer comes later (or went out already). */
typedef struct pmm__pd_req {
  pmm__pd_t *d;
  pmm_call_t *call;
  const pmm_request_t *http;
  const char *arg;                   /* what the path has in place of the route's '*' */
  pmm__pd_key_t *key;                /* private routes */
  int64_t now_ns;
} pmm__pd_req_t;
typedef int pmm__pd_handler_t(pmm__pd_req_t *r);

/* {"error": text}; returns http. */
int pmm__pd_fail(pmm__pd_t *d, int http, const char *fmt, ...) __attribute__((format(printf, 3, 4)));
int pmm__pd_ok(pmm__pd_t *d, const char *json); /* 200 and that text */
/* A query parameter, "" when absent; cut is malformed and reads as absent. */
const char *pmm__pd_query(const pmm__pd_req_t *r, const char *name, char *buf, size_t cap);
bool pmm__pd_query_int(const pmm__pd_req_t *r, const char *name, int64_t *out); /* false: absent or no number */
const pmm_json_node_t *pmm__pd_json(pmm__pd_t *d, const char *text, size_t len); /* NULL when it is none */
const pmm_json_node_t *pmm__pd_body(pmm__pd_req_t *r);
bool pmm__pd_text_of(const pmm_json_node_t *node, char *buf, size_t cap); /* a STRING that fits */
/* A page of a list: pmm__pd_page_begin, then as many elements as it asks for, then _end. */
typedef struct pmm__pd_page { size_t from, limit, seen, given; bool more; } pmm__pd_page_t;
bool pmm__pd_page_begin(pmm__pd_req_t *r, pmm__pd_page_t *page, size_t limit); /* false: the cursor is no cursor; an error is written */
bool pmm__pd_page_wants(pmm__pd_page_t *page); /* for each element in turn: is it on this page? */
int pmm__pd_page_end(pmm__pd_req_t *r, pmm__pd_page_t *page);

/* -- names and numbers (view.c) -- */
bool pmm__pd_token_find(const pmm__pd_t *d, const char *token, size_t len, uint32_t *market, int *outcome);
void pmm__pd_token_add(pmm__pd_t *d, uint32_t market);
bool pmm__pd_condition_find(const pmm__pd_t *d, const char *id, uint32_t *market); /* listed ones only */
static inline const char *pmm__pd_token(const pmm_market_t *m, int outcome) { return outcome ? m->token_no : m->token_yes; }
static inline const char *pmm__pd_outcome(int outcome) { return outcome ? "No" : "Yes"; }
static inline int pmm__pd_route_outcome(uint8_t route) { return route == PMM_BUY_NO || route == PMM_SELL_NO; }
static inline const char *pmm__pd_route_side(uint8_t route) { return pmm_route_is_sell((pmm_route_t)route) ? "SELL" : "BUY"; }
static inline int32_t pmm__pd_price(int outcome, int32_t yes_e4) { return outcome ? PMM_ONE_E4 - yes_e4 : yes_e4; }
/* Best price of a side (PMM_BID, PMM_ASK) of a token's book; 0 when empty. */
int32_t pmm__pd_best(const pmm__pd_t *d, uint32_t market, int outcome, pmm_side_t side);
void pmm__pd_uuid(pmm__pd_t *d, char out[PMM__PD_UUID]);
const pmm__pd_extra_t *pmm__pd_extra(const pmm__pd_t *d, const pmm_place_order_t *o); /* NULL: not from this dialect */
void pmm__pd_put_ms(pmm_text_t *t, const char *key, int64_t at_ns);  /* "1700000000123" */
void pmm__pd_put_s(pmm_text_t *t, const char *key, int64_t at_ns);   /* "1700000000" */
void pmm__pd_put_iso(pmm_text_t *t, const char *key, int64_t at_ns); /* null when unknown */
void pmm__pd_put_maker(const pmm__pd_t *d, pmm_text_t *t, const char *key, const pmm_place_order_t *o);
void pmm__pd_put_owner(const pmm__pd_t *d, pmm_text_t *t, const char *key, const pmm_place_order_t *o);
const char *pmm__pd_order_status(const pmm_place_order_t *o);
const char *pmm__pd_trade_status(uint8_t settle);
void pmm__pd_put_trade_ids(const pmm__pd_t *d, pmm_text_t *t, const char *key, const pmm_place_order_t *o);
void pmm__pd_put_order(const pmm__pd_t *d, pmm_text_t *t, const pmm_place_order_t *o, int64_t as_of_ns); /* REST's object */
/* The members of a trade as account sees it, inside an object that is open; ws: the names of the user channel. */
void pmm__pd_put_trade(const pmm__pd_t *d, pmm_text_t *t, const pmm_place_trade_t *trade, uint32_t account, uint8_t settle, bool ws);
/* A book as REST (and, with event_type, the market channel) shows it. */
void pmm__pd_put_book(pmm__pd_t *d, pmm_text_t *t, uint32_t market, int outcome, bool ws);
void pmm__pd_book_hash(pmm__pd_t *d, uint32_t market, int outcome, char hex[41]);

/* -- credentials (auth.c) -- */
int pmm__pd_l2(pmm__pd_req_t *r, bool trading);  /* 0: r->key is set; else the refusal's status */
pmm__pd_key_t *pmm__pd_key_find(pmm__pd_t *d, const char *id);
bool pmm__pd_key_is(const pmm__pd_key_t *key, const char *secret, const char *passphrase); /* in constant time */
pmm__pd_member_t *pmm__pd_member_of(pmm__pd_t *d, const pmm_poly_address_t *address); /* signer or wallet of whom; NULL */
void pmm__pd_sweep(pmm__pd_t *d, int64_t now_ns);  /* orders whose heartbeats stopped */
void pmm__pd_keys_free(pmm__pd_t *d);
bool pmm__pd_hex(const char *text, uint8_t *out, size_t cnt); /* "0x" and exactly cnt bytes */
pmm__pd_handler_t pmm__pd_key_create, pmm__pd_key_derive, pmm__pd_key_list, pmm__pd_key_delete, pmm__pd_key_more, pmm__pd_key_more_list,
    pmm__pd_key_more_delete, pmm__pd_closed_only, pmm__pd_heartbeat, pmm__pd_heartbeat_old;

/* -- orders -- */
typedef struct pmm__pd_post {        /* a posted order, checked */
  pmm_poly_order_t order;
  uint8_t sig[PMM_POLY_SIG_MAX]; size_t sig_len;
  char id[PMM_POLY_HEX_WORD];
  uint32_t market; int outcome;
  uint8_t type; bool post_only, defer;
  int32_t price_e4;                  /* of the token */
  int64_t qty_e6, spend_e6;          /* one of them is 0 */
} pmm__pd_post_t;
/* Everything that can be said of an order without its market's book. 0, or the HTTP status with the text in why. */
int pmm__pd_post_read(pmm__pd_t *d, const pmm__pd_key_t *key, const pmm_json_node_t *node, int64_t now_ns, pmm__pd_post_t *out, char why[512]);
pmm__pd_handler_t pmm__pd_order_post, pmm__pd_orders_post, pmm__pd_cancel_one, pmm__pd_cancel_many, pmm__pd_cancel_all, pmm__pd_cancel_market;
void pmm__pd_held_run(pmm__pd_t *d, int64_t now_ns); /* places what is due */
void pmm__pd_held_free(pmm__pd_t *d);

/* -- reads -- */
pmm__pd_handler_t pmm__pd_book, pmm__pd_books, pmm__pd_price_one, pmm__pd_prices, pmm__pd_mid, pmm__pd_mids, pmm__pd_spread,
    pmm__pd_spreads, pmm__pd_last, pmm__pd_lasts, pmm__pd_tick, pmm__pd_neg_risk, pmm__pd_fee_rate, pmm__pd_history;
pmm__pd_handler_t pmm__pd_markets, pmm__pd_simplified, pmm__pd_market, pmm__pd_clob_market, pmm__pd_by_token, pmm__pd_gamma_markets,
    pmm__pd_gamma_market, pmm__pd_gamma_slug, pmm__pd_gamma_events, pmm__pd_gamma_event, pmm__pd_gamma_event_slug;
pmm__pd_handler_t pmm__pd_data_orders, pmm__pd_data_order, pmm__pd_data_trades, pmm__pd_balance, pmm__pd_balance_update, pmm__pd_notes,
    pmm__pd_notes_drop, pmm__pd_scoring_one, pmm__pd_scoring, pmm__pd_positions, pmm__pd_public_trades, pmm__pd_value, pmm__pd_page_empty,
    pmm__pd_list_empty, pmm__pd_object_empty, pmm__pd_null, pmm__pd_builder_fees, pmm__pd_builder_trades, pmm__pd_activity;
bool pmm__pd_is_gamma_query(const pmm__pd_req_t *r); /* of GET /markets: meant for the catalogue host */

/* -- sockets -- */
void pmm__pd_event(void *ctx, const pmm_place_event_t *event); /* the place's listener */
void pmm__pd_sock_message(pmm__pd_t *d, pmm__pd_sock_t *sock, const char *text, size_t len);
void pmm__pd_user_message(pmm__pd_t *d, pmm__pd_sock_t *sock, const pmm_json_node_t *root);
void pmm__pd_user_event(pmm__pd_t *d, const pmm_place_event_t *event);
void pmm__pd_new_market(pmm__pd_t *d, uint32_t market);
void pmm__pd_sock_send(pmm__pd_t *d, pmm__pd_sock_t *sock, const pmm_text_t *text);
static inline bool pmm__pd_has(const pmm__pd_sock_t *s, uint32_t i) { return s->set[i / 64] >> (i % 64) & 1; }
static inline void pmm__pd_put(pmm__pd_sock_t *s, uint32_t i, bool on) {
  uint64_t const bit = UINT64_C(1) << (i % 64);
  s->set[i / 64] = on ? s->set[i / 64] | bit : s->set[i / 64] & ~bit;
}

/* -- limits -- */
typedef enum pmm__pd_cost { PMM__PD_ORDERS, PMM__PD_CANCELS } pmm__pd_cost_t;
bool pmm__pd_limit_route(pmm__pd_req_t *r, int scope);      /* false: a 429 went out */
/* cost tokens of the signer, all or nothing. false: a 429 went out. */
bool pmm__pd_limit_signer(pmm__pd_req_t *r, pmm__pd_cost_t kind, double cost);
void pmm__pd_limit_charge(pmm__pd_req_t *r, double cost);   /* what a cancel turned out to cost; may leave a debt */
#endif
