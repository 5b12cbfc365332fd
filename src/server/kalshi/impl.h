/* server/kalshi/impl.h -- inside of Kalshi's dialect: REST below /trade-api/v2, WebSocket at /trade-api/ws/v2, as a view of a pmm_place_t.
   Source of every shape and code: Kalshi API docs, OpenAPI 3.31 and AsyncAPI 2.0 (2026-11); what these leave open is said where it is decided.

     dialect.c   opens, lists markets and members, takes requests in, lets time pass
     route.c     paths, costs, the order in which a request is looked at
     auth.c      whose request it is                      errors.c   the three shapes of refusals
     limits.c    token buckets                             query.c    parameters, bodies, cursors, small writers
     catalog.c   series, events, markets                   data.c     books, trades            candles.c  candlesticks
     orders.c    create, cancel, amend, decrease, batches  lists.c    orders and queue positions
     groups.c    order groups                              portfolio.c balances, positions, fills, settlements
     lag.c       what reads show when they come late       index.c    reference prices
     socket.c    commands of a connection                  stream.c   what happens in the place, as frames */
#ifndef PMM_SERVER_KALSHI_IMPL_H
#define PMM_SERVER_KALSHI_IMPL_H
#include "base/json.h"
#include "pmm/kalshi.h"
#include "pmm/rng.h"
#include "pmm/server.h"
#include "server/kalshi/index.h"
#include "server/text.h"

#define PMM__KX_ROOT "/trade-api/v2"
#define PMM__KX_CANDLES_MAX 5000               /* of one market in one answer */
#define PMM__KX_MINUTES_MAX 43200              /* kept of a market: a month of minutes in which something happened */
#define PMM__KX_SOCKET "/trade-api/ws/v2"
#define PMM__KX_UUID 37
#define PMM__KX_SKEW_NS (10 * PMM_NS_PER_S)    /* 5 s off was taken, 30 s refused (demo, 2026-06); the exact limit is not documented */
#define PMM__KX_PING_NS (10 * PMM_NS_PER_S)
#define PMM__KX_GROUP_WINDOW_NS (15 * PMM_NS_PER_S)
#define PMM__KX_GROUPS_MAX 100000
#define PMM__KX_LOT_E6 10000                   /* 0.01 contract */
#define PMM__KX_SETTLE_TIMER_S 60
#define PMM__KX_BATCH_MAX 1000                 /* far above what any tier's bucket pays for */

typedef struct pmm__kx pmm__kx_t;

/* -- tokens: exact, in billionths, so that a rate a second times nanoseconds needs no division -- */
typedef struct pmm__kx_bucket { int64_t rate, cap, tokens_e9, at_ns; } pmm__kx_bucket_t;
void pmm__kx_bucket_init(pmm__kx_bucket_t *b, int64_t rate, int64_t cap, int64_t now_ns);
bool pmm__kx_bucket_take(pmm__kx_bucket_t *b, int64_t cost, int64_t now_ns);

/* -- markets -- */
typedef struct pmm__kx_quote { int32_t open_e4, low_e4, high_e4, close_e4; bool set; } pmm__kx_quote_t;
typedef struct pmm__kx_minute {      /* one minute in which something changed */
  int64_t minute;                    /* of the epoch; the candle ends with it */
  pmm__kx_quote_t bid, ask, price;   /* price: not set without a trade */
  int32_t previous_e4;               /* last trade before it, 0 none */
  int64_t volume_e6, notional_e6, interest_e6;
} pmm__kx_minute_t;
typedef struct pmm__kx_position {    /* of an account in a market, as of its latest private event */
  pmm_place_holding_t holding;
  int64_t volume_e6;                 /* contracts ever traded */
  int64_t updated_ns;
  bool settled;
} pmm__kx_position_t;
typedef struct pmm__kx_market {
  bool listed;
  char uuid[PMM__KX_UUID], title[PMM_PARAM_TEXT_MAX], grid[PMM_PARAM_TEXT_MAX], asset[PMM_PARAM_TEXT_MAX];
  double strike;
  uint32_t event;                    /* index of its event */
  int64_t created_ns, updated_ns, determined_ns, settled_ns, closed_ns; /* PMM_TIME_NONE: not yet */
  uint8_t life;                      /* as last told */
  pmm__kx_minute_t *minute; uint32_t minute_cnt, minute_cap;
  pmm__kx_position_t *position; uint32_t position_cnt;  /* [account] */
  int64_t last_size_e6;              /* of the latest trade */
  bool wipe, pause;                  /* to be done when the place is free: every order, or those that wish it, cancelled */
  bool changed;                      /* its ticker is due */
} pmm__kx_market_t;
typedef struct pmm__kx_event { char ticker[PMM_ID_MAX], title[PMM_PARAM_TEXT_MAX]; uint32_t series; int64_t created_ns; } pmm__kx_event_t;
typedef struct pmm__kx_series { char ticker[PMM_ID_MAX], title[PMM_PARAM_TEXT_MAX]; int64_t created_ns; } pmm__kx_series_t;

/* -- accounts -- */
typedef struct pmm__kx_member {
  uint32_t account;
  char name[PMM_PARAM_TEXT_MAX], key_id[PMM_PARAM_TEXT_MAX], user[PMM__KX_UUID];
  pmm_kalshi_key_t *key;
  uint32_t tier;
  pmm__kx_bucket_t read, write;
} pmm__kx_member_t;
typedef struct pmm__kx_settlement {
  uint32_t account, market;
  int64_t yes_e6, no_e6, yes_cost_e6, no_cost_e6, fees_e6, revenue_e6, payout_yes_e6, at_ns;
} pmm__kx_settlement_t;
typedef struct pmm__kx_matched { int64_t at_ns, qty_e6; } pmm__kx_matched_t;
typedef struct pmm__kx_group {       /* number in orders: index + 1 */
  char id[PMM__KX_UUID];
  uint32_t account;
  int64_t limit_e6, sum_e6;          /* sum: matched within the window */
  pmm__kx_matched_t *matched; uint32_t head, tail, cap; /* oldest first: matched[head .. tail) */
  bool triggered, deleted, sweep;    /* sweep: its orders are to be cancelled when the place is free */
} pmm__kx_group_t;

/* An order's own notes are kept in its tag. */
enum { PMM__KX_TAG_PAUSE = 1, PMM__KX_TAG_STP_MAKER = 2 };

/* -- connections -- */
typedef enum pmm__kx_channel {
  PMM__KX_BOOK,
  PMM__KX_TICKER,
  PMM__KX_TRADE,
  PMM__KX_FILL,
  PMM__KX_POSITIONS,
  PMM__KX_ORDERS,
  PMM__KX_GROUPS,
  PMM__KX_LIFE,
  PMM__KX_COMMS,
  PMM__KX_INDEX,
  PMM__KX_INDEX_5HZ,
  PMM__KX_CHANNEL_CNT
} pmm__kx_channel_t;
typedef struct pmm__kx_sub {
  uint64_t sid, seq;
  pmm__kx_channel_t channel;
  bool all;                          /* no filter: every market (index) */
  bool yes_price, quiet_ack, self_only;
  uint32_t shards, shard;            /* 0: no sharding */
  uint64_t market[PMM_PLACE_MARKETS_MAX / 64]; /* or of indices */
} pmm__kx_sub_t;
#define PMM__KX_SUBS_MAX 256         /* of one connection */
typedef struct pmm__kx_peer {
  struct pmm__kx_peer *next, *prev;
  pmm_peer_t *peer;
  pmm__kx_member_t *member;
  pmm__kx_sub_t *sub; uint32_t sub_cnt;
  uint64_t sid;                      /* last given */
  int64_t ping_ns;                   /* next */
  int64_t second, commands;          /* commands within this second */
  bool open, dead;                   /* dead: a send failed, `closed` follows */
} pmm__kx_peer_t;

extern const pmm_service_ops_t *const pmm_kalshi_dialect_service; /* by which a service is known as ours */

/* -- reference prices: one sample a second for a quarter of an hour -- */
#define PMM__KX_INDICES_MAX 64
#define PMM__KX_SAMPLES 900
typedef struct pmm__kx_index {
  char id[32];
  int64_t value_e8[PMM__KX_SAMPLES], second[PMM__KX_SAMPLES]; /* by second modulo; second -1: none */
  int64_t last_e8, last_ns;
} pmm__kx_index_t;

/* -- what reads show late -- */
typedef struct pmm__kx_late pmm__kx_late_t;

/* Whom a change of the place is told as, while a request is carried out. */
typedef struct pmm__kx_doing { uint32_t account; const char *client_id, *reason; uint64_t order; } pmm__kx_doing_t;

struct pmm__kx {
  pmm_service_t service;             /* first */
  pmm_dialect_config_t config;
  pmm_place_t *place;
  pmm_json_parser_t *json;
  pmm_text_t out, frame;             /* the answer being written; the frame being written */
  pmm_rng_t rng;
  int64_t now_ns, start_ns;
  pmm__kx_market_t *market; uint32_t market_cap; /* [place's index] */
  pmm__kx_event_t *event; uint32_t event_cnt;
  pmm__kx_series_t *series; uint32_t series_cnt;
  pmm__kx_member_t **member; uint32_t member_cnt;
  pmm__kx_settlement_t *settlement; uint32_t settlement_cnt, settlement_cap;
  pmm__kx_group_t *group; uint32_t group_cnt, group_cap;
  pmm__kx_peer_t *peers;
  pmm__kx_index_t *index; uint32_t index_cnt;
  pmm__kx_late_t *late;              /* NULL: reads are up to date */
  pmm__kx_doing_t doing;
  bool deferred;                     /* something waits for the place to be free */
  bool busy;                         /* inside a call of the place */
  uint32_t *touched; uint32_t touched_cnt, touched_cap; /* pairs account, market whose position changed since the last END */
};

/* -- one request -- */
typedef struct pmm__kx_request {
  const pmm_request_t *http;
  pmm__kx_member_t *member;          /* NULL: no credentials */
  char arg[2][PMM_ID_MAX];           /* of the path, decoded */
  const pmm_json_node_t *body;       /* NULL: none */
  const char *op;                    /* its name in messages: "GetMarkets" */
  int status;                        /* not 0: a parameter was refused, and the answer is written */
} pmm__kx_request_t;
typedef int pmm__kx_handler_t(pmm__kx_t *k, pmm__kx_request_t *q); /* writes k->out, returns the HTTP status */
typedef struct pmm__kx_route {
  const char *method, *path, *op;    /* path below the root, ":" begins an argument */
  pmm__kx_handler_t *fn;
  int cost;
  uint8_t flags;
} pmm__kx_route_t;
enum {
  PMM__KX_KEYS = 1 /* needs credentials */,
  PMM__KX_BODY = 2 /* a JSON object must come */,
  PMM__KX_ITEMS = 4 /* its cost is that of each of body.orders */
};
extern const pmm__kx_route_t pmm__kx_route_table[];
extern const size_t pmm__kx_route_cnt;
/* Answers a request below the root: status, with the body in k->out. */
int pmm__kx_serve(pmm__kx_t *k, const pmm_request_t *http);

/* -- auth.c: 0, or the HTTP status with the refusal in k->out; *member NULL when no credentials came -- */
int pmm__kx_auth(pmm__kx_t *k, const pmm_request_t *http, pmm__kx_member_t **member);

/* -- errors.c: each writes k->out from the start and returns http -- */
int pmm__kx_error(pmm__kx_t *k, int http, const char *code, const char *details);           /* {"error":{...}}, message = code in words */
int pmm__kx_flat(pmm__kx_t *k, int http, const char *code, const char *details);            /* {"code",...} */
int pmm__kx_bare(pmm__kx_t *k, const char *fmt, ...) __attribute__((format(printf, 2, 3))); /* 400 {"msg"} */
void pmm__kx_error_members(pmm_text_t *t, const char *code, const char *details);           /* "code","message","details" */
typedef struct pmm__kx_refusal { int http; const char *code, *details; } pmm__kx_refusal_t;
pmm__kx_refusal_t pmm__kx_refusal(pmm_reject_t why);
int pmm__kx_not_found(pmm__kx_t *k);

/* -- limits.c -- */
bool pmm__kx_charge(pmm__kx_t *k, pmm__kx_member_t *m, const char *method, int64_t cost);
void pmm__kx_tier(pmm__kx_member_t *m, uint32_t tier, int64_t now_ns);
pmm__kx_handler_t pmm__kx_get_limits, pmm__kx_get_costs, pmm__kx_upgrade;

/* -- query.c -- */
bool pmm__kx_query(pmm__kx_request_t *q, const char *name, char *out, size_t cap);  /* true: there, and not empty */
/* A number within lo .. hi, absent_value when not there; a refusal goes to q->status. */
int64_t pmm__kx_query_int(pmm__kx_t *k, pmm__kx_request_t *q, const char *name, int64_t lo, int64_t hi, int64_t absent_value);
/* The venue's words for a parameter that fails a test ("lte", "oneof"): 400. */
int pmm__kx_query_refuse(pmm__kx_t *k, const pmm__kx_request_t *q, const char *name, const char *tag);
bool pmm__kx_query_bool(pmm__kx_t *k, pmm__kx_request_t *q, const char *name);
/* Whether a text stands in a comma list; an empty list has everything. */
bool pmm__kx_in_list(const char *list, const char *text);
/* Refuses any subaccount and shard but 0, which is all there are. */
void pmm__kx_query_shard(pmm__kx_t *k, pmm__kx_request_t *q);
uint64_t pmm__kx_cursor(pmm__kx_request_t *q);                    /* PMM_PLACE_NONE: from the start */
void pmm__kx_cursor_put(pmm_text_t *t, const char *key, uint64_t at, bool more);
typedef enum pmm__kx_want { PMM__KX_OPTIONAL, PMM__KX_REQUIRED } pmm__kx_want_t;
/* Members of a body. Each returns 0, or the status of the refusal in k->out; an absent optional member leaves *out. */
int pmm__kx_member_text(pmm__kx_t *k, const char *type, const pmm_json_node_t *o, const char *name, pmm__kx_want_t want, char *out, size_t cap);
int pmm__kx_member_int(pmm__kx_t *k, const char *type, const pmm_json_node_t *o, const char *name, int64_t *out, bool *present);
int pmm__kx_member_bool(pmm__kx_t *k, const char *type, const pmm_json_node_t *o, const char *name, bool *out);
/* A decimal in a string with at most `decimals`; scaled to 10^scale. code: what is said when it is none. */
int pmm__kx_member_decimal(pmm__kx_t *k, const char *type, const pmm_json_node_t *o, const char *name, int decimals, int scale, const char *code,
                           int64_t *out, bool *present);
int pmm__kx_member_shard(pmm__kx_t *k, const char *type, const pmm_json_node_t *o);
int pmm__kx_required(pmm__kx_t *k, const char *type, const char *field);
bool pmm__kx_find_market(const pmm__kx_t *k, const char *ticker, uint32_t *index);
/* writers: prices have 4 decimals, counts 2, costs and fees 6, balances 4 to 6 */
void pmm__kx_price(pmm_text_t *t, const char *key, int32_t price_e4);
void pmm__kx_count(pmm_text_t *t, const char *key, int64_t qty_e6);
void pmm__kx_cost(pmm_text_t *t, const char *key, int64_t cash_e6);
void pmm__kx_dollars(pmm_text_t *t, const char *key, int64_t cash_e6);
void pmm__kx_time(pmm_text_t *t, const char *key, int64_t ns);     /* RFC 3339 to the microsecond, zeros trimmed */
void pmm__kx_seconds(pmm_text_t *t, const char *key, int64_t ns);
void pmm__kx_millis(pmm_text_t *t, const char *key, int64_t ns);
void pmm__kx_uuid(pmm_rng_t *rng, char out[PMM__KX_UUID]);
void pmm__kx_uuid_of(const char *text, uint64_t seed, char out[PMM__KX_UUID]); /* the same for the same text */
static inline const char *pmm__kx_outcome_side(pmm_side_t side) { return side == PMM_BID ? "yes" : "no"; }
static inline const char *pmm__kx_book_side(pmm_side_t side) { return side == PMM_BID ? "bid" : "ask"; }
/* side, action (deprecated, still sent), outcome_side, book_side */
void pmm__kx_direction(pmm_text_t *t, pmm_side_t side);

/* -- catalog.c -- */
pmm_status_t pmm__kx_catalog_add(pmm__kx_t *k, uint32_t market, const pmm_listing_params_t *listing, pmm_error_t *err);
const char *pmm__kx_status(const pmm__kx_t *k, uint32_t market);
const char *pmm__kx_result(const pmm_market_t *market);             /* "yes", "no", "scalar", "" */
void pmm__kx_price_ranges(pmm_text_t *t, const pmm_grid_t *grid);
void pmm__kx_structure(const pmm__kx_t *k, uint32_t market, char *out, size_t cap);
pmm__kx_handler_t pmm__kx_get_exchange_status, pmm__kx_get_schedule, pmm__kx_get_user_data_timestamp, pmm__kx_get_series_list, pmm__kx_get_series,
    pmm__kx_get_series_fee_changes, pmm__kx_get_event_fee_changes, pmm__kx_get_events, pmm__kx_get_event, pmm__kx_get_event_metadata,
    pmm__kx_get_markets, pmm__kx_get_market, pmm__kx_get_incentives, pmm__kx_get_cutoff, pmm__kx_get_no_markets, pmm__kx_get_no_trades,
    pmm__kx_get_no_fills, pmm__kx_get_no_orders, pmm__kx_get_no_positions, pmm__kx_get_nothing, pmm__kx_get_multivariate_events;

/* -- data.c, candles.c -- */
/* Levels of a side as [price, count], prices ascending in that side's own money; depth 0: all. */
void pmm__kx_levels(pmm_text_t *t, const char *key, const pmm_ladder_t *ladder, pmm_side_t side, int64_t depth, bool yes_price);
pmm__kx_handler_t pmm__kx_get_orderbook, pmm__kx_get_orderbooks, pmm__kx_get_trades, pmm__kx_get_candles, pmm__kx_get_candles_many,
    pmm__kx_get_candles_event;
void pmm__kx_candle_trade(pmm__kx_t *k, uint32_t market, const pmm_place_trade_t *trade);
void pmm__kx_candle_quote(pmm__kx_t *k, uint32_t market, int64_t now_ns); /* the book has come to rest */
/* The last day: what was traded in it, and the quote and last price at its beginning (bid 0, ask 1, price 0: none). */
typedef struct pmm__kx_day { int64_t volume_e6; int32_t bid_e4, ask_e4, price_e4; } pmm__kx_day_t;
void pmm__kx_day(const pmm__kx_t *k, uint32_t market, pmm__kx_day_t *out);

/* -- orders.c, lists.c -- */
pmm__kx_handler_t pmm__kx_create, pmm__kx_create_many, pmm__kx_cancel, pmm__kx_cancel_all, pmm__kx_cancel_many, pmm__kx_amend, pmm__kx_decrease,
    pmm__kx_gone;
pmm__kx_handler_t pmm__kx_get_orders, pmm__kx_get_order, pmm__kx_get_queue_position, pmm__kx_get_queue_positions;
/* An order of this member by its id, shown to it: refused ones are not. NULL. */
const pmm_place_order_t *pmm__kx_own_order(const pmm__kx_t *k, const pmm__kx_member_t *m, const char *id);
const char *pmm__kx_order_status(const pmm_place_order_t *o);
int64_t pmm__kx_initial(const pmm_place_order_t *o);

/* -- groups.c -- */
pmm__kx_handler_t pmm__kx_group_create, pmm__kx_group_list, pmm__kx_group_get, pmm__kx_group_delete, pmm__kx_group_reset, pmm__kx_group_trigger,
    pmm__kx_group_limit;
pmm__kx_group_t *pmm__kx_group_find(const pmm__kx_t *k, uint32_t account, const char *id, uint64_t *number);
const pmm__kx_group_t *pmm__kx_group_at(const pmm__kx_t *k, uint64_t number); /* NULL for 0 */
void pmm__kx_group_fill(pmm__kx_t *k, uint64_t number, int64_t qty_e6, int64_t at_ns);
void pmm__kx_groups_sweep(pmm__kx_t *k);

/* -- portfolio.c -- */
pmm__kx_handler_t pmm__kx_get_balance, pmm__kx_get_positions, pmm__kx_get_fills, pmm__kx_get_settlements, pmm__kx_get_resting_value,
    pmm__kx_get_subaccount_balances, pmm__kx_get_subaccount_transfers, pmm__kx_get_netting;
pmm__kx_position_t *pmm__kx_position(pmm__kx_t *k, uint32_t account, uint32_t market); /* NULL: out of memory */
void pmm__kx_position_update(pmm__kx_t *k, uint32_t account, uint32_t market, int64_t at_ns);
void pmm__kx_settle(pmm__kx_t *k, uint32_t market, int64_t at_ns);

/* -- lag.c: the state as it was config.serve.lag_ns ago -- */
pmm_status_t pmm__kx_late_open(pmm__kx_t *k);
void pmm__kx_late_close(pmm__kx_t *k);
void pmm__kx_late_order(pmm__kx_t *k, const pmm_place_order_t *order);
void pmm__kx_late_cash(pmm__kx_t *k, uint32_t account);
void pmm__kx_late_position(pmm__kx_t *k, uint32_t account, uint32_t market);
const pmm_place_order_t *pmm__kx_seen_order(pmm__kx_t *k, const pmm_place_order_t *o); /* NULL: not seen yet */
bool pmm__kx_seen_fill(const pmm__kx_t *k, const pmm_place_fill_t *f);
void pmm__kx_seen_position(pmm__kx_t *k, uint32_t account, uint32_t market, pmm__kx_position_t *out);
int64_t pmm__kx_seen_cash(pmm__kx_t *k, uint32_t account, int64_t *locked_e6);

/* -- socket.c, stream.c -- */
int pmm__kx_upgrade_socket(pmm__kx_t *k, pmm_peer_t *peer, const pmm_request_t *http, char *refusal, size_t cap);
void pmm__kx_opened(pmm__kx_t *k, pmm__kx_peer_t *p);
void pmm__kx_message(pmm__kx_t *k, pmm__kx_peer_t *p, const char *text, size_t len);
void pmm__kx_closed(pmm__kx_t *k, pmm__kx_peer_t *p);
int64_t pmm__kx_ping(pmm__kx_t *k);
void pmm__kx_on_event(void *ctx, const pmm_place_event_t *event);
bool pmm__kx_wants(const pmm__kx_sub_t *s, pmm__kx_channel_t channel, uint32_t market);
/* A frame: begin writes {"type","sid"(,"seq"),"msg":{ and send closes both and sends. id 0: none is echoed. */
pmm_text_t *pmm__kx_frame_begin(pmm__kx_t *k, pmm__kx_sub_t *s, const char *type, int64_t id, bool sequenced);
void pmm__kx_frame_send(pmm__kx_t *k, pmm__kx_peer_t *p);
bool pmm__kx_has(const pmm__kx_sub_t *s, uint32_t i);               /* a market or an index, by the filter alone */
pmm__kx_member_t *pmm__kx_member_at(const pmm__kx_t *k, uint32_t account); /* NULL: no member's */
void pmm__kx_send(pmm__kx_t *k, pmm__kx_peer_t *p);                 /* k->frame as it is */
void pmm__kx_send_snapshot(pmm__kx_t *k, pmm__kx_peer_t *p, pmm__kx_sub_t *s, uint32_t market, int64_t id);
void pmm__kx_send_ticker(pmm__kx_t *k, pmm__kx_peer_t *p, pmm__kx_sub_t *s, uint32_t market);
void pmm__kx_send_group(pmm__kx_t *k, const pmm__kx_group_t *g, const char *event_type);
void pmm__kx_send_listed(pmm__kx_t *k, uint32_t market, bool new_event);
/* index.c */
int32_t pmm__kx_index_find(const pmm__kx_t *k, const char *id, size_t len); /* -1 */
void pmm__kx_index_list(pmm__kx_t *k, pmm_text_t *t, const pmm__kx_sub_t *s); /* "index_ids" of a subscription */
int64_t pmm__kx_index_tick(pmm__kx_t *k);                           /* returns when to be called again */
/* Calls of the place go through these, so that what it causes later is carried out. */
void pmm__kx_begin(pmm__kx_t *k, uint32_t account, const char *client_id, const char *reason);
void pmm__kx_end(pmm__kx_t *k);      /* carries out what was put off */
void pmm__kx_wake(pmm__kx_t *k);     /* asks the host to let time pass again */
#endif
