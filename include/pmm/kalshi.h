/* pmm/kalshi.h -- Kalshi's wire: signatures, what its messages mean, what its requests look like. Pure functions and memory of
   the caller: no sockets, no clock. The adapter that trades over it is opened through pmm/venue.h.
   Source: Kalshi API docs, OpenAPI 3.31 and AsyncAPI 2.0 (2026-11). */
#ifndef PMM_KALSHI_H
#define PMM_KALSHI_H
#include "pmm/event.h"
#include "pmm/ladder.h"
#include "pmm/market.h"
#include "pmm/net.h"

/* -- keys: RSA (2048 to 4096 bits) or Ed25519 -- */
#define PMM_KALSHI_SIGNATURE_BUF 700   /* base64 of 512 bytes and a NUL */
#define PMM_KALSHI_PATH_BUF 256
#define PMM_KALSHI_SIGN_TEXT_BUF (PMM_KALSHI_PATH_BUF + 64)
#define PMM_KALSHI_PEM_BUF 8192

typedef struct pmm_kalshi_key pmm_kalshi_key_t;
/* A private key from PEM, PKCS#1 or PKCS#8, not encrypted; the caller clears his text. PMM_PARSE, PMM_UNSUPPORTED (kind, bits), PMM_FULL. */
pmm_status_t pmm_kalshi_key_read(pmm_kalshi_key_t **key, const char *pem, size_t len, pmm_error_t *err);
/* A public key ("BEGIN PUBLIC KEY"), which can only verify. */
pmm_status_t pmm_kalshi_key_read_public(pmm_kalshi_key_t **key, const char *pem, size_t len, pmm_error_t *err);
/* A new pair from the kernel's entropy, for simulators and tests. */
pmm_status_t pmm_kalshi_key_generate(pmm_kalshi_key_t **key, bool ed25519, pmm_error_t *err);
/* As PEM text (PMM_KALSHI_PEM_BUF suffices). PMM_STATE (no private key), PMM_FULL. */
pmm_status_t pmm_kalshi_key_pem(const pmm_kalshi_key_t *key, bool is_private, char *buf, size_t cap);
void pmm_kalshi_key_free(pmm_kalshi_key_t *key); /* NULL is fine */

/* What is signed: timestamp (ms, decimal) METHOD path; from path "?query" is left out, /trade-api/... belongs to it.
   PMM_INVAL (path), PMM_FULL (cap). */
pmm_status_t pmm_kalshi_sign_text(const char *timestamp, const char *method, const char *path, char *buf, size_t cap, size_t *len);
/* Signature of that text in base64: RSA-PSS (SHA-256, salt 32) or Ed25519. Draws the salt from OpenSSL's generator.
   PMM_STATE (public key), PMM_INVAL, PMM_FULL (path), PMM_IO (OpenSSL). */
pmm_status_t pmm_kalshi_sign(const pmm_kalshi_key_t *key, const char *timestamp, const char *method, const char *path,
                             char signature[PMM_KALSHI_SIGNATURE_BUF]);
/* The other end: PMM_OK, PMM_REJECTED (signature of something else), PMM_PARSE (no base64), PMM_INVAL, PMM_FULL (path). */
pmm_status_t pmm_kalshi_verify(const pmm_kalshi_key_t *key, const char *timestamp, const char *method, const char *path, const char *signature);

/* -- headers signed ahead: neither body nor query is signed, so one signature serves every order within the clock window -- */
#define PMM_KALSHI_KEY_ID_BUF 64
#define PMM_KALSHI_PREPARED_MAX 32
#define PMM_KALSHI_HEADERS 3
#define PMM_KALSHI_WINDOW_NS (4 * PMM_NS_PER_S) /* offsets of 5 s were accepted, 30 s refused (demo, 2026-06) */
#define PMM_KALSHI_REFILL_NS (2 * PMM_NS_PER_S)

typedef struct pmm_kalshi_signer pmm_kalshi_signer_t;
typedef struct pmm_kalshi_signer_stats {
  uint64_t ready, late, signatures;
} pmm_kalshi_signer_stats_t; /* served as prepared; signed when asked for */
/* Borrows key. PMM_INVAL (public key, key id), PMM_FULL. */
pmm_status_t pmm_kalshi_signer_open(pmm_kalshi_signer_t **signer, const pmm_kalshi_key_t *key, const char *key_id, pmm_error_t *err);
void pmm_kalshi_signer_close(pmm_kalshi_signer_t *signer); /* NULL is fine */
/* Keeps headers for a method and path ready from now on, as number *slot. PMM_FULL, PMM_INVAL (too long). */
pmm_status_t pmm_kalshi_signer_prepare(pmm_kalshi_signer_t *signer, const char *method, const char *path, uint32_t *slot);
/* Signs the prepared headers that are oldest, if older than PMM_KALSHI_REFILL_NS; false: nothing to do. One signature a call, for idle moments.
   Times are the venue's (our clock plus its offset). */
bool pmm_kalshi_signer_refill(pmm_kalshi_signer_t *signer, int64_t now_ns);
/* Prepared headers: a table look-up, unless they are too old and are signed first. The texts are valid until the slot is refilled. */
pmm_status_t pmm_kalshi_signer_at(pmm_kalshi_signer_t *signer, uint32_t slot, int64_t now_ns, pmm_header_t header[PMM_KALSHI_HEADERS]);
/* Headers for any other path, signed here and now; valid until the next call of this function. */
pmm_status_t pmm_kalshi_signer_sign(pmm_kalshi_signer_t *signer, const char *method, const char *path, int64_t now_ns,
                                    pmm_header_t header[PMM_KALSHI_HEADERS]);
const pmm_kalshi_signer_stats_t *pmm_kalshi_signer_stats(const pmm_kalshi_signer_t *signer);

/* ==== what comes in ====
   Text fields point into the message or into the codec: valid until the codec's next call. A field the venue left out has len 0, a
   time PMM_TIME_NONE, a side PMM_KALSHI_NO_SIDE. Unknown keys and unknown frame types are ignored; unknown words become 0 ("other").
   Anything malformed gives PMM_PARSE with "kalshi: byte N: what"; outputs are unchanged then.

   Each message is read by the quickest of three readers that understands it: a scanner that knows the usual bytes of book messages, a
   tokeniser for JSON without blanks and escapes, simdjson for the rest. They agree wherever more than one understands (tests, fuzz). */
typedef struct pmm_kalshi_text { const char *at; uint32_t len; } pmm_kalshi_text_t;
#define PMM_KALSHI_NO_SIDE UINT8_MAX

typedef struct pmm_kalshi_codec pmm_kalshi_codec_t;
/* Memory for one message at a time: fixed but for simdjson's own, which grows with the longest message of unusual shape. PMM_FULL. */
pmm_status_t pmm_kalshi_codec_open(pmm_kalshi_codec_t **codec);
void pmm_kalshi_codec_close(pmm_kalshi_codec_t *codec); /* NULL is fine */
typedef enum pmm_kalshi_reader { PMM_KALSHI_READ_BEST, PMM_KALSHI_READ_TOKENS, PMM_KALSHI_READ_JSON } pmm_kalshi_reader_t;
/* Leaves out the quicker readers, for tests. */
void pmm_kalshi_codec_reader(pmm_kalshi_codec_t *codec, pmm_kalshi_reader_t reader);

typedef struct pmm_kalshi_level { int64_t qty_e6; int32_t price_e4; } pmm_kalshi_level_t;
#define PMM_KALSHI_LEVELS_MAX 9999 /* a side */

typedef enum pmm_kalshi_order_status {
  PMM_KALSHI_ORDER_OTHER,
  PMM_KALSHI_ORDER_RESTING,
  PMM_KALSHI_ORDER_CANCELED,
  PMM_KALSHI_ORDER_EXECUTED
} pmm_kalshi_order_status_t;
#define PMM_KALSHI_REASON_MAP(X) X(OTHER, "") X(TRADE, "Trade") X(AMEND, "Amend") X(DECREASE, "Decrease") X(SELF_TRADE, "SelfTradeCancel") \
  X(POST_ONLY, "PostOnlyCrossCancel") X(REDUCE_ONLY, "ReduceOnlyCancel") X(EXPIRY, "ExpiryCancel") X(CLOSE, "CloseCancel") X(HALT, "HaltCancel") \
  X(MARGIN, "MarginCancel") X(BOUNDS, "SETTLEMENT_BOUNDS_CANCEL")
typedef enum pmm_kalshi_reason { /* last_update_reason */
#define X(name, text) PMM_KALSHI_REASON_##name,
  PMM_KALSHI_REASON_MAP(X)
#undef X
} pmm_kalshi_reason_t;

typedef struct pmm_kalshi_order { /* user_order, and the Order of REST */
  pmm_kalshi_text_t order_id, client_order_id, market, group_id;
  int64_t filled_e6, remaining_e6, initial_e6;
  int64_t fees_e6;                /* maker and taker fees so far */
  int64_t created_ns, updated_ns, expires_ns;
  int64_t exchange_index, subaccount;
  int32_t price_e4;               /* YES */
  uint8_t side, status, reason;   /* pmm_side_t, pmm_kalshi_order_status_t, pmm_kalshi_reason_t */
} pmm_kalshi_order_t;

typedef struct pmm_kalshi_fill {  /* the channel's and REST's */
  pmm_kalshi_text_t trade_id, order_id, client_order_id, market; /* REST gives no client_order_id */
  int64_t qty_e6, fee_e6, position_e6; /* position after it, signed; has_position */
  int64_t exch_ns, exchange_index, subaccount;
  int32_t price_e4;               /* YES */
  uint8_t side;                   /* pmm_side_t of our order in YES space */
  bool maker, has_position;
} pmm_kalshi_fill_t;

typedef struct pmm_kalshi_position {
  pmm_kalshi_text_t market;
  int64_t position_e6;            /* signed: above 0 YES, below 0 NO */
  int64_t cost_e6;                /* channel: position_cost; REST: market_exposure */
  int64_t realized_e6, fees_e6, volume_e6, exchange_index, subaccount;
} pmm_kalshi_position_t;

typedef enum pmm_kalshi_event {
  PMM_KALSHI_EVENT_OTHER,
  PMM_KALSHI_EVENT_CREATED,
  PMM_KALSHI_EVENT_ACTIVATED,
  PMM_KALSHI_EVENT_DEACTIVATED,
  PMM_KALSHI_EVENT_CLOSE_DATE,
  PMM_KALSHI_EVENT_DETERMINED,
  PMM_KALSHI_EVENT_SETTLED,
  PMM_KALSHI_EVENT_STRUCTURE,
  PMM_KALSHI_EVENT_METADATA
} pmm_kalshi_event_t;

typedef enum pmm_kalshi_group_event {
  PMM_KALSHI_GROUP_OTHER,
  PMM_KALSHI_GROUP_CREATED,
  PMM_KALSHI_GROUP_TRIGGERED,
  PMM_KALSHI_GROUP_RESET,
  PMM_KALSHI_GROUP_DELETED,
  PMM_KALSHI_GROUP_LIMIT
} pmm_kalshi_group_event_t;

typedef struct pmm_kalshi_average { int64_t value_e8, window_size, start_ns, end_ns; bool has; } pmm_kalshi_average_t;

typedef enum pmm_kalshi_type {
  PMM_KALSHI_OTHER,
  PMM_KALSHI_BOOK,
  PMM_KALSHI_DELTA,
  PMM_KALSHI_TRADE,
  PMM_KALSHI_TICKER,
  PMM_KALSHI_FILL,
  PMM_KALSHI_ORDER,
  PMM_KALSHI_POSITION,
  PMM_KALSHI_LIFECYCLE,
  PMM_KALSHI_EVENT_LIFECYCLE,
  PMM_KALSHI_EVENT_FEE,
  PMM_KALSHI_GROUP,
  PMM_KALSHI_INDEX,
  PMM_KALSHI_INDEX_5HZ,
  PMM_KALSHI_INDEX_LIST,
  PMM_KALSHI_SUBSCRIBED,
  PMM_KALSHI_UNSUBSCRIBED,
  PMM_KALSHI_ACK,
  PMM_KALSHI_ERROR,
  PMM_KALSHI_TYPE_CNT
} pmm_kalshi_type_t;

typedef struct pmm_kalshi_frame { /* one message of the socket */
  uint8_t type;                   /* pmm_kalshi_type_t */
  bool has_seq;
  uint64_t id, seq;               /* command it answers, 0 none; number within its sid */
  uint32_t sid;                   /* 0 none */
  int64_t exch_ns;                /* the venue's time of what happened */
  pmm_kalshi_text_t market;       /* its ticker */
  union {
    struct { const pmm_kalshi_level_t *level[2]; uint32_t cnt[2]; } book;    /* [0] YES, [1] NO as sent, each in the order sent */
    struct { int64_t qty_e6; int32_t price_e4; bool no; pmm_kalshi_text_t client_order_id; } delta; /* signed change, price as sent */
    struct { pmm_kalshi_text_t trade_id; int64_t qty_e6; int32_t price_e4; uint8_t taker; bool block; } trade; /* YES price, pmm_side_t */
    struct { int64_t bid_e6, ask_e6, last_e6, volume_e6, open_interest_e6; int32_t price_e4, bid_e4, ask_e4; } ticker;
    pmm_kalshi_fill_t fill;
    pmm_kalshi_order_t order;
    pmm_kalshi_position_t position;
    struct {
      uint8_t event, result;
      bool has_payout, has_grid;
      int64_t payout_e6, open_ns, close_ns;
      pmm_grid_t grid;
    } life;                                                                    /* pmm_kalshi_event_t, pmm_outcome_t */
    struct { pmm_kalshi_text_t event, fee_type; int64_t multiplier_e6; } fee;  /* event_fee_update; fee_type len 0 and multiplier < 0: no override */
    struct { pmm_kalshi_text_t group_id; int64_t limit_e6; uint8_t event; } group; /* limit < 0: not told */
    struct { pmm_kalshi_text_t index; int64_t value_e8, source_ns, received_ns; pmm_kalshi_average_t minute, quarter; } index;
    struct { pmm_kalshi_text_t channel; } subscribed;
    struct { int64_t code; pmm_kalshi_text_t text; } error;
  } u;
} pmm_kalshi_frame_t;

/* PMM_JSON_PAD readable bytes follow text[0..len), as pmm/net.h gives them. PMM_PARSE, PMM_FULL (more levels than a book can have). */
pmm_status_t pmm_kalshi_frame_read(pmm_kalshi_codec_t *codec, const char *text, size_t len, pmm_kalshi_frame_t *frame, pmm_error_t *err);

/* -- REST: answers into arrays of the caller (cap items; PMM_FULL when there are more). cursor: "" on the last page. -- */
typedef struct pmm_kalshi_page { size_t cnt; char cursor[256]; } pmm_kalshi_page_t;

typedef struct pmm_kalshi_market {
  pmm_market_t
      desc; /* venue, id, event, grid, lot, times, strike where "above" is how it settles, life, outcome, payout; fees by pmm_kalshi_fees */
  char series[PMM_ID_MAX];        /* the ticker up to its first dash */
  int64_t waiver_ns;              /* no fees before this; PMM_TIME_NONE */
  int64_t updated_ns, volume_e6, open_interest_e6;
  int64_t exchange_index;         /* its shard */
  int64_t floor_e8, cap_e8;       /* strikes; has_floor, has_cap */
  bool has_floor, has_cap;
  char strike_type[24];
} pmm_kalshi_market_t;
/* {markets:[...],cursor} or {market:{...}} */
pmm_status_t pmm_kalshi_markets_read(pmm_kalshi_codec_t *codec, const char *text, size_t len, pmm_kalshi_market_t *out, size_t cap,
                                     pmm_kalshi_page_t *page, pmm_error_t *err);

typedef struct pmm_kalshi_terms {
  char fee_type[48];
  int64_t multiplier_e6;
  bool has_type, has_multiplier;
  int64_t exchange_index;
} pmm_kalshi_terms_t;
/* {series:{fee_type,fee_multiplier}} or {event:{fee_type_override,fee_multiplier_override}}. */
pmm_status_t pmm_kalshi_terms_read(pmm_kalshi_codec_t *codec, const char *text, size_t len, pmm_kalshi_terms_t *out, pmm_error_t *err);
/* Fee schedule of a series with the overrides of an event (NULL: none), for an account that books to precision_e6. PMM_NOT_FOUND: a fee type
   we do not know; *out is then the dearest known one, to be warned about. PMM_INVAL: multiplier below 0 or absurd. */
pmm_status_t pmm_kalshi_fees(const pmm_kalshi_terms_t *series, const pmm_kalshi_terms_t *event, int32_t precision_e6, pmm_fee_schedule_t *out);

/* {orderbook_fp:{yes_dollars,no_dollars}} as a frame of type BOOK; NO levels always in NO prices. */
pmm_status_t pmm_kalshi_orderbook_read(pmm_kalshi_codec_t *codec, const char *text, size_t len, pmm_kalshi_frame_t *frame, pmm_error_t *err);
pmm_status_t pmm_kalshi_orders_read(pmm_kalshi_codec_t *codec, const char *text, size_t len, pmm_kalshi_order_t *out, size_t cap,
                                    pmm_kalshi_page_t *page, pmm_error_t *err); /* {orders,cursor} or {order} */
pmm_status_t pmm_kalshi_fills_read(pmm_kalshi_codec_t *codec, const char *text, size_t len, pmm_kalshi_fill_t *out, size_t cap,
                                   pmm_kalshi_page_t *page, pmm_error_t *err);
pmm_status_t pmm_kalshi_positions_read(pmm_kalshi_codec_t *codec, const char *text, size_t len, pmm_kalshi_position_t *out, size_t cap,
                                       pmm_kalshi_page_t *page, pmm_error_t *err);

#define PMM_KALSHI_SHARDS_MAX 16
typedef struct pmm_kalshi_balance {
  int64_t balance_e6;
  int64_t updated_ns;
  int64_t shard_e6[PMM_KALSHI_SHARDS_MAX];
  uint32_t shards; /* bit set of those told */
} pmm_kalshi_balance_t;
/* Sum of resting_order_value_breakdown, which is exact; where it is missing total_resting_order_value, which is cut to cents. */
pmm_status_t pmm_kalshi_resting_value_read(pmm_kalshi_codec_t *codec, const char *text, size_t len, int64_t *value_e6, pmm_error_t *err);
pmm_status_t pmm_kalshi_balance_read(pmm_kalshi_codec_t *codec, const char *text, size_t len, pmm_kalshi_balance_t *out, pmm_error_t *err);

typedef struct pmm_kalshi_exchange {
  bool exchange_active, trading_active;
  uint32_t shards, shards_trading;
  int64_t resume_ns;
} pmm_kalshi_exchange_t; /* bit sets by exchange_index */
pmm_status_t pmm_kalshi_exchange_read(pmm_kalshi_codec_t *codec, const char *text, size_t len, pmm_kalshi_exchange_t *out, pmm_error_t *err);

typedef struct pmm_kalshi_limits {
  char tier[24];
  int64_t read_rate_e6, read_cap_e6, write_rate_e6, write_cap_e6;
} pmm_kalshi_limits_t; /* tokens a second, tokens */
pmm_status_t pmm_kalshi_limits_read(pmm_kalshi_codec_t *codec, const char *text, size_t len, pmm_kalshi_limits_t *out, pmm_error_t *err);
typedef struct pmm_kalshi_costs { /* tokens a call; batches: for each item */
  int64_t create, cancel, cancel_all, batch_create, batch_cancel, amend, decrease, get_order, other;
} pmm_kalshi_costs_t;
void pmm_kalshi_costs_default(pmm_kalshi_costs_t *costs); /* the documented ones */
pmm_status_t pmm_kalshi_costs_read(pmm_kalshi_codec_t *codec, const char *text, size_t len, pmm_kalshi_costs_t *out, pmm_error_t *err);

typedef struct pmm_kalshi_group_state { pmm_kalshi_text_t id; int64_t limit_e6; int64_t exchange_index; bool auto_cancel; } pmm_kalshi_group_state_t;
pmm_status_t pmm_kalshi_groups_read(pmm_kalshi_codec_t *codec, const char *text, size_t len, pmm_kalshi_group_state_t *out, size_t cap,
                                    pmm_kalshi_page_t *page, pmm_error_t *err); /* list, or {order_group_id} after creation */

/* -- errors: nested, flat or bare -- */
typedef enum pmm_kalshi_fault { /* what to make of an answer that is no success */
  PMM_KALSHI_FAULT_NONE,
  PMM_KALSHI_FAULT_REFUSED,     /* 4xx: nothing happened */
  PMM_KALSHI_FAULT_AUTH,        /* 401, 403: nothing happened */
  PMM_KALSHI_FAULT_NOT_FOUND,   /* 404: of a cancel: done, filled or never existed */
  PMM_KALSHI_FAULT_DUPLICATE,   /* the client_order_id was used before: the first one stands */
  PMM_KALSHI_FAULT_RATE,        /* 429: nothing happened, later */
  PMM_KALSHI_FAULT_CLOSED,      /* market closed or paused */
  PMM_KALSHI_FAULT_UNKNOWN      /* 5xx, or an answer that cannot be read: it may have happened */
} pmm_kalshi_fault_t;
typedef struct pmm_kalshi_error {
  pmm_kalshi_fault_t fault;
  pmm_reject_t reject;
  char code[64], message[128], details[128]; /* "" not told; cut when longer, blanks for what is not plain text */
} pmm_kalshi_error_t;
/* Never fails: a body that is no JSON leaves the texts empty. */
void pmm_kalshi_error_read(pmm_kalshi_codec_t *codec, int http, const char *text, size_t len, pmm_kalshi_error_t *out);

/* -- answers to order requests -- */
typedef struct pmm_kalshi_done {  /* create, cancel, amend, decrease; or an item of a batch */
  pmm_kalshi_text_t order_id, client_order_id;
  int64_t filled_e6, remaining_e6, reduced_e6; /* -1 not told */
  int64_t exch_ns;
  pmm_kalshi_error_t error;       /* of an item: the batch itself is a success */
} pmm_kalshi_done_t;
pmm_status_t pmm_kalshi_done_read(pmm_kalshi_codec_t *codec, const char *text, size_t len, pmm_kalshi_done_t *out, pmm_error_t *err);
pmm_status_t pmm_kalshi_batch_read(pmm_kalshi_codec_t *codec, const char *text, size_t len, pmm_kalshi_done_t *out, size_t cap, size_t *cnt,
                                   pmm_error_t *err);

/* ==== what goes out ====
   Writers give the length of what they wrote into buf (NUL after it), or 0 when it does not fit or a value has no form on the wire
   (price off 0.0001 .. 0.9999, size no multiple of 0.01, a name with quotes or control bytes). */
#define PMM_KALSHI_CLIENT_ID_LEN 20
/* "pmm-" and 16 hex digits of an order id: unique for ever as that is. */
void pmm_kalshi_client_id(uint64_t order_id, char out[PMM_KALSHI_CLIENT_ID_LEN + 1]);
/* PMM_NOT_FOUND: not of that form, so not one of ours. */
pmm_status_t pmm_kalshi_client_id_read(pmm_kalshi_text_t text, uint64_t *order_id);

typedef struct pmm_kalshi_new {
  const char *market, *client_order_id, *group_id; /* group_id NULL: none */
  int32_t price_e4; int64_t qty_e6; int64_t expires_ns; /* PMM_TIME_NONE: good till cancelled */
  uint8_t side, tif;             /* pmm_side_t, pmm_tif_t */
  bool post_only, reduce_only, cancel_on_pause, stp_maker; /* stp_maker: a self-trade cancels the resting order, not the new one */
  int32_t subaccount;            /* 0: left out */
} pmm_kalshi_new_t;
size_t pmm_kalshi_write_create(const pmm_kalshi_new_t *order, char *buf, size_t cap);
size_t pmm_kalshi_write_batch_create(const pmm_kalshi_new_t *order, size_t cnt, char *buf, size_t cap);
typedef struct pmm_kalshi_kill { const char *order_id, *market; int32_t subaccount; } pmm_kalshi_kill_t;
size_t pmm_kalshi_write_batch_cancel(const pmm_kalshi_kill_t *order, size_t cnt, char *buf, size_t cap);
typedef struct pmm_kalshi_amend { const char *market, *client_order_id, *new_client_order_id; uint8_t side; int32_t price_e4;
  int64_t total_e6;   /* filled and open */
  int64_t expires_ns; /* PMM_TIME_NONE: as it is; 0: never */
} pmm_kalshi_amend_t;
size_t pmm_kalshi_write_amend(const pmm_kalshi_amend_t *amend, char *buf, size_t cap);
/* By so much, not to so much: then the new total is known whatever was filled meanwhile. */
size_t pmm_kalshi_write_decrease(const char *market, int64_t reduce_by_e6, char *buf, size_t cap);
/* For creation; for a new limit with subaccount and shard 0, which are left out. */
size_t pmm_kalshi_write_group(int64_t limit_e6, int32_t subaccount, int32_t exchange_index, char *buf, size_t cap);
/* Commands of the socket. channels and markets: names; a market list may be empty. */
size_t pmm_kalshi_write_subscribe(uint64_t id, const char *const *channel, size_t channel_cnt, const char *const *market, size_t market_cnt,
                                  bool use_yes_price, char *buf, size_t cap);
typedef enum pmm_kalshi_update { PMM_KALSHI_ADD_MARKETS, PMM_KALSHI_DELETE_MARKETS, PMM_KALSHI_GET_SNAPSHOT } pmm_kalshi_update_t;
size_t pmm_kalshi_write_update(uint64_t id, uint32_t sid, pmm_kalshi_update_t action, const char *const *market, size_t market_cnt,
                               char *buf, size_t cap);
size_t pmm_kalshi_write_unsubscribe(uint64_t id, const uint32_t *sid, size_t sid_cnt, char *buf, size_t cap);

/* ==== books: from deltas by sid and seq to records ==== */
typedef struct pmm_kalshi_books pmm_kalshi_books_t;
#define PMM_KALSHI_SIDS_MAX 64
pmm_status_t pmm_kalshi_books_open(pmm_kalshi_books_t **books, uint32_t markets_max);
void pmm_kalshi_books_close(pmm_kalshi_books_t *books);
/* Adds a market: *index from 0. PMM_EXISTS, PMM_FULL. Start-up only. */
pmm_status_t pmm_kalshi_books_add(pmm_kalshi_books_t *books, const pmm_market_t *market, uint32_t *index);
pmm_status_t pmm_kalshi_books_find(pmm_kalshi_books_t *books, pmm_kalshi_text_t market, uint32_t *index); /* PMM_NOT_FOUND */
const pmm_ladder_t *pmm_kalshi_books_ladder(const pmm_kalshi_books_t *books, uint32_t index);
bool pmm_kalshi_books_is_good(const pmm_kalshi_books_t *books, uint32_t index); /* it holds what the venue has sent, without a gap */
/* Another grid: levels that do not lie on it fall away. PMM_INVAL. */
pmm_status_t pmm_kalshi_books_regrid(pmm_kalshi_books_t *books, uint32_t index, const pmm_grid_t *grid);
/* Records name markets as first + index from now on; 0 at the beginning. */
void pmm_kalshi_books_first(pmm_kalshi_books_t *books, uint32_t first);
/* A sid starts counting at 1; its book messages have NO levels in YES prices or not. PMM_FULL. */
pmm_status_t pmm_kalshi_books_sid(pmm_kalshi_books_t *books, uint32_t sid, bool use_yes_price);
void pmm_kalshi_books_forget(pmm_kalshi_books_t *books); /* the connection is gone: every sid, and no book is good */
/* Counts a frame of a sid: PMM_SEQ_GAP when its number is not the next one; counting goes on from it, and every book that came by this sid is no longer
   good. Frames without seq and of unknown sids: PMM_OK. Call it for every frame, before apply. O(1), a gap O(markets). */
pmm_status_t pmm_kalshi_books_count(pmm_kalshi_books_t *books, const pmm_kalshi_frame_t *frame);
/* Applies a BOOK, DELTA or TRADE frame and gives its records (market = index, recv_ns as told); valid until the next call.
   PMM_NOT_FOUND (market or sid), PMM_NOT_READY (a delta for a book that is not good: ignored), PMM_CORRUPT (a size below zero, a price off the
   ladder: the book is no longer good). A book that ceases to be good gives a PMM_MD_GAP record; it is good again after a snapshot. */
pmm_status_t pmm_kalshi_books_apply(pmm_kalshi_books_t *books, const pmm_kalshi_frame_t *frame, int64_t recv_ns, const pmm_md_t **md, size_t *cnt);
/* PMM_MD_GAP records of every book that was good, and are no longer (after forget or a gap); up to cap, 0 when all are told. */
size_t pmm_kalshi_books_gaps(pmm_kalshi_books_t *books, int64_t recv_ns, pmm_md_t *md, size_t cap);

#endif
