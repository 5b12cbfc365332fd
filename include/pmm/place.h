/* pmm/place.h -- an exchange for many accounts around the matching engine: the registry that a venue keeps beside its book (every order and
   fill ever, by the venue's ids), balances, life of markets, settlement that comes later or fails, background flow. The dialects of
   `pmm exchange` are views of it; it knows no wire.

   Requests are answered synchronously; everything that happens, to anybody, is told through the listener in the order it happened, before the
   request's call returns; the listener may look at the place but not ask it for anything. Deterministic: ids and faults come from the seed,
   time from the caller (it never goes back: an earlier now_ns counts as the latest seen). Memory grows with what is kept; a request that
   would need more than there is is refused with PMM_REJECT_FULL. Single-threaded. */
#ifndef PMM_PLACE_H
#define PMM_PLACE_H
#include "pmm/exchange.h"

#define PMM_PLACE_ID_MAX 80
#define PMM_PLACE_MARKETS_MAX 1024
#define PMM_PLACE_NONE UINT64_MAX

typedef enum pmm_place_status { PMM_PLACE_OPEN, PMM_PLACE_FILLED, PMM_PLACE_CANCELLED, PMM_PLACE_REJECTED, PMM_PLACE_EXPIRED } pmm_place_status_t;

/* An order, kept for ever; seq 1, 2, 3 ... over all accounts. The records of background flow are used again when an order of it ends
   without a fill, so that a quiet market can run for weeks: PMM_PLACE_BACKGROUND accounts have no list of orders. */
typedef struct pmm_place_order {
  uint64_t seq;
  char id[PMM_PLACE_ID_MAX];         /* the venue's: a UUID, or what the dialect gave (Polymarket: the order hash) */
  char client_id[PMM_PLACE_ID_MAX];  /* the owner's, "" none */
  uint32_t account, market;
  uint8_t route, tif, status, reason; /* pmm_route_t, pmm_tif_t, pmm_place_status_t, pmm_reject_t */
  bool post_only, from_inventory;
  uint8_t stp;                       /* pmm_stp_t of this order */
  int32_t price_e4;                  /* YES space */
  int64_t qty_e6, open_e6, filled_e6; /* as last amended; rests; filled */
  int64_t maker_e6, maker_cost_e6, taker_cost_e6;   /* of what was filled: as maker; cash at the prices of the outcome the order names */
  int64_t maker_fee_e6, taker_fee_e6;
  int64_t created_ns, updated_ns, expire_ns;  /* expire: PMM_NS_MAX never */
  uint64_t group;                    /* the dialect's own: an order group */
  uint64_t tag;                      /* the dialect's own */
} pmm_place_order_t;

typedef enum pmm_place_settle { PMM_PLACE_MATCHED, PMM_PLACE_MINED, PMM_PLACE_CONFIRMED, PMM_PLACE_RETRYING, PMM_PLACE_FAILED } pmm_place_settle_t;
typedef struct pmm_place_trade {     /* a match, kept for ever; seq from 1 */
  uint64_t seq;
  char id[PMM_PLACE_ID_MAX];
  uint32_t market;
  int32_t price_e4; int64_t qty_e6;  /* YES space */
  uint8_t taker_side;                /* pmm_side_t in YES space */
  uint8_t settle;                    /* pmm_place_settle_t */
  uint64_t taker, maker;             /* order seq */
  uint64_t fill[2];                  /* fill seq, taker's and maker's: the second is the first + 1 */
  int64_t at_ns, settled_ns;
} pmm_place_trade_t;
typedef struct pmm_place_fill {      /* one order's share in a trade; seq from 1 over all accounts */
  uint64_t seq, account_seq;         /* account_seq: per account from 1, without gaps */
  uint64_t order, trade;             /* seqs */
  uint32_t account, market;
  uint8_t route; bool maker;
  int32_t price_e4; int64_t qty_e6, fee_e6;
  int64_t position_e6;               /* net YES of the account after it */
  int64_t at_ns;
} pmm_place_fill_t;

typedef enum pmm_place_kind {
  PMM_PLACE_EV_LEVEL,     /* public: total at price now; delta_e6: signed change */
  PMM_PLACE_EV_TRADE,     /* public */
  PMM_PLACE_EV_MARKET,    /* public: life, tick or terms changed */
  PMM_PLACE_EV_END,       /* public: the book is consistent now (end of what one request caused) */
  PMM_PLACE_EV_ORDER,     /* private: the order as it is now */
  PMM_PLACE_EV_FILL,      /* private */
  PMM_PLACE_EV_SETTLE,    /* private, both sides of a trade: its settlement moved on */
  PMM_PLACE_EV_CASH       /* private: cash changed other than by a fill (deposit, payout, undone trade) */
} pmm_place_kind_t;
typedef struct pmm_place_event {
  pmm_place_kind_t kind;
  int64_t at_ns;
  uint32_t market, account;          /* account: private ones; else UINT32_MAX */
  uint8_t side; int32_t price_e4; int64_t total_e6, delta_e6; /* LEVEL */
  bool regrid, life;                 /* MARKET: what changed */
  const pmm_place_order_t *order; const pmm_place_fill_t *fill; const pmm_place_trade_t *trade; /* borrowed for the call */
} pmm_place_event_t;
typedef struct pmm_place_listener { void (*fn)(void *ctx, const pmm_place_event_t *event); void *ctx; } pmm_place_listener_t;

typedef struct pmm_place_config {
  pmm_venue_t venue;                 /* whose rules: Kalshi nets and cancels the taker of a self-trade, Degen nets and cancels the resting one,
                                        Polymarket neither */
  uint32_t accounts_max, markets_max;
  uint64_t orders_max;               /* ever; 0: 1 000 000. Past it new orders are refused (PMM_REJECT_FULL) */
  int64_t settle_mined_ns, settle_ns; /* from match to MINED and to CONFIRMED; 0: final at once */
  double fail_share, ghost_share;    /* of trades: FAILED instead of MINED; MINED, then RETRYING instead of CONFIRMED, FAILED as long after again. A
                                        failed trade is undone to the bit on both sides; orders keep what they filled */
  uint64_t seed;
} pmm_place_config_t;

typedef struct pmm_place pmm_place_t;
pmm_status_t pmm_place_open(pmm_place_t **place, const pmm_place_config_t *config, pmm_error_t *err);
void pmm_place_close(pmm_place_t *place);
void pmm_place_listen(pmm_place_t *place, pmm_place_listener_t listener);   /* one */
void pmm_place_faults(pmm_place_t *place, double fail_share, double ghost_share); /* from the next trade on */

/* -- markets and accounts -- */
/* At any time; PMM_EXISTS, PMM_INVAL, PMM_FULL. */
pmm_status_t pmm_place_market_add(pmm_place_t *place, const pmm_market_t *market, int64_t now_ns, uint32_t *index, pmm_error_t *err);
uint32_t pmm_place_market_cnt(const pmm_place_t *place);
const pmm_market_t *pmm_place_market(const pmm_place_t *place, uint32_t index);
pmm_status_t pmm_place_market_find(const pmm_place_t *place, const char *id, uint32_t *index);  /* hash; PMM_NOT_FOUND */
const pmm_ladder_t *pmm_place_ladder(const pmm_place_t *place, uint32_t index);
typedef struct pmm_place_stats {
  int64_t volume_e6, open_interest_e6, notional_e6;
  int32_t last_e4;
  uint64_t trades;
  int64_t last_trade_ns;
} pmm_place_stats_t;
void pmm_place_stats(const pmm_place_t *place, uint32_t market, pmm_place_stats_t *out);
/* As pmm_match_life (PMM_STATE, PMM_INVAL). What is still to settle in a market that resolves meets its fate first. */
pmm_status_t pmm_place_life(pmm_place_t *place, uint32_t market, int64_t now_ns, pmm_life_t life, pmm_outcome_t outcome, int64_t payout_yes_e6);
pmm_status_t pmm_place_regrid(pmm_place_t *place, uint32_t market, int64_t now_ns, int32_t tick_e4);
/* PMM_EXISTS (name), PMM_INVAL (name empty or longer than 63 bytes, cash), PMM_FULL. */
pmm_status_t pmm_place_account_add(pmm_place_t *place, const char *name, int64_t cash_e6, uint32_t *account, pmm_error_t *err);
uint32_t pmm_place_account_cnt(const pmm_place_t *place);
pmm_status_t pmm_place_account_find(const pmm_place_t *place, const char *name, uint32_t *account); /* PMM_NOT_FOUND */
bool pmm_place_is_background(const pmm_place_t *place, uint32_t account);
const char *pmm_place_account_name(const pmm_place_t *place, uint32_t account);
pmm_status_t pmm_place_deposit(pmm_place_t *place, uint32_t account, int64_t amount_e6, int64_t now_ns); /* negative: PMM_FUNDS beyond free cash */
/* Pairs to cash and back (Polymarket's merge and split); PMM_FUNDS, PMM_INVAL (qty), PMM_STATE (resolved), PMM_UNSUPPORTED (a split where
   pairs net). */
pmm_status_t pmm_place_merge(pmm_place_t *place, uint32_t account, uint32_t market, int64_t qty_e6, int64_t now_ns);
pmm_status_t pmm_place_split(pmm_place_t *place, uint32_t account, uint32_t market, int64_t qty_e6, int64_t now_ns);

/* -- requests -- */
#define PMM_PLACE_STP_USUAL (-1)
typedef struct pmm_place_request {
  uint32_t account, market;
  pmm_route_t route;
  int32_t price_e4;                  /* YES space */
  int64_t qty_e6;
  int64_t spend_e6;                  /* IOC and FOK buys: at most this cash, fees not counted, instead of qty_e6 (then 0); 0: not used */
  pmm_tif_t tif; int64_t expire_ns;
  bool post_only, reduce_only;
  bool from_inventory;               /* a sell of what is held only. Without it, where pairs net (Kalshi, Degen), a sell becomes the purchase of the
                                        opposite outcome, and the order's route says so; Polymarket sells only what is held anyway */
  int32_t stp;                       /* pmm_stp_t; PMM_PLACE_STP_USUAL: the venue's */
  const char *id, *client_id;        /* shorter than PMM_PLACE_ID_MAX. id NULL: a fresh UUID; given and known: PMM_REJECT_DUPLICATE. client_id NULL or
                                        "": none; used before by the account: PMM_REJECT_DUPLICATE. One refused by the book or for money uses it up,
                                        one refused for its form does not */
  uint64_t group, tag;
  bool dry;                          /* only tell what would be refused */
} pmm_place_request_t;
typedef struct pmm_place_answer {
  pmm_reject_t reject;               /* PMM_REJECT_NONE: accepted (it may have been filled, or cancelled as an unfilled rest) */
  const pmm_place_order_t *order;    /* as it is now; NULL when refused; valid until the place is closed */
  uint64_t first_fill; uint32_t fill_cnt; /* its own fills on arrival: seqs first_fill, first_fill + 2, ... (the makers' lie between); 0: none */
  int64_t filled_e6;                 /* on arrival */
} pmm_place_answer_t;
void pmm_place_order(pmm_place_t *place, const pmm_place_request_t *request, int64_t now_ns, pmm_place_answer_t *answer);
/* PMM_NOT_FOUND: not open (done, or never was); *cancelled_e6 may be NULL. */
pmm_status_t pmm_place_cancel(pmm_place_t *place, uint32_t account, uint64_t order_seq, pmm_reject_t reason, int64_t now_ns, int64_t *cancelled_e6);
/* New total open quantity and price; a smaller size at the same price keeps its place. The reject says why nothing changed. */
pmm_reject_t pmm_place_amend(pmm_place_t *place, uint32_t account, uint64_t order_seq, int32_t price_e4, int64_t open_e6, int64_t now_ns);
/* A new client id for an order (Kalshi's amend): PMM_REJECT_DUPLICATE, PMM_REJECT_UNKNOWN_ORDER. The old one stays used. */
pmm_reject_t pmm_place_rename(pmm_place_t *place, uint32_t account, uint64_t order_seq, const char *client_id);
/* Another end for an open order (Kalshi's amend), PMM_NS_MAX: none. PMM_REJECT_EXPIRY (not in the future), PMM_REJECT_UNKNOWN_ORDER. */
pmm_reject_t pmm_place_expire(pmm_place_t *place, uint32_t account, uint64_t order_seq, int64_t expire_ns, int64_t now_ns);
void pmm_place_tag(pmm_place_t *place, uint64_t order_seq, uint64_t group, uint64_t tag); /* the dialect's own fields */
/* Every open order of an account for which match says yes (NULL: all); returns how many. */
uint32_t pmm_place_cancel_if(pmm_place_t *place, uint32_t account, bool (*match)(void *ctx, const pmm_place_order_t *order), void *ctx,
                             pmm_reject_t reason, int64_t now_ns);
/* Time passes: expiry, opening and closing, settlement. Returns when it next wants to be called. */
int64_t pmm_place_advance(pmm_place_t *place, int64_t now_ns);

/* -- looking in -- */
uint64_t pmm_place_order_cnt(const pmm_place_t *place);  /* newest seq */
uint64_t pmm_place_trade_cnt(const pmm_place_t *place);
uint64_t pmm_place_fill_cnt(const pmm_place_t *place);
const pmm_place_order_t *pmm_place_order_at(const pmm_place_t *place, uint64_t seq);   /* NULL */
const pmm_place_trade_t *pmm_place_trade_at(const pmm_place_t *place, uint64_t seq);
const pmm_place_fill_t *pmm_place_fill_at(const pmm_place_t *place, uint64_t seq);
const pmm_place_order_t *pmm_place_order_find(const pmm_place_t *place, const char *id);                       /* venue id; NULL */
const pmm_place_order_t *pmm_place_client_find(const pmm_place_t *place, uint32_t account, const char *client_id); /* NULL */
/* An account's orders and fills, newest first: before_seq PMM_PLACE_NONE for the newest, then the seq of the last one given. NULL at the end. */
const pmm_place_order_t *pmm_place_order_before(const pmm_place_t *place, uint32_t account, uint64_t before_seq);
const pmm_place_fill_t *pmm_place_fill_before(const pmm_place_t *place, uint32_t account, uint64_t before_seq);
const pmm_place_fill_t *pmm_place_fill_by_account_seq(const pmm_place_t *place, uint32_t account, uint64_t account_seq); /* NULL */
/* Open orders of an account: first (after_seq 0) and next by seq; NULL at the end. */
const pmm_place_order_t *pmm_place_open_after(const pmm_place_t *place, uint32_t account, uint64_t after_seq);
typedef struct pmm_place_holding {
  int64_t yes_e6, no_e6, yes_locked_e6, no_locked_e6;                        /* contracts */
  int64_t yes_cost_e6, no_cost_e6, realized_e6, fees_e6, traded_e6;          /* dollars */
} pmm_place_holding_t;
void pmm_place_holding(const pmm_place_t *place, uint32_t account, uint32_t market, pmm_place_holding_t *out);
int64_t pmm_place_cash(const pmm_place_t *place, uint32_t account, int64_t *locked_e6); /* all cash; locked_e6 may be NULL */
int64_t pmm_place_ahead(const pmm_place_t *place, uint64_t order_seq); /* quantity before it in its queue; -1 not resting */
/* The matching engine's own check, and that registry, balances and books agree. PMM_CORRUPT. Slow: tests. */
pmm_status_t pmm_place_check(const pmm_place_t *place, pmm_error_t *err);

/* -- background flow -- */
/* Synthetic traders around a random truth in one market; they act in pmm_place_advance until the market closes. The truth follows from seed
   alone, what the traders do from the place's seed as well. */
pmm_status_t pmm_place_traders(pmm_place_t *place, uint32_t market, const pmm_scenario_params_t *scenario, const pmm_traders_params_t *traders,
                               uint64_t seed, int64_t now_ns, pmm_error_t *err);
/* The truth of such a market, NaN without; spot_e8 (may be NULL): the underlying's price in a digital scenario, else 0. */
double pmm_place_truth(const pmm_place_t *place, uint32_t market, int64_t *spot_e8);
/* A recording as background: md in the order of a tape (other markets' records are passed over), times relative to the first record, mirrored
   into resting orders of one account and takes of another; the caller's memory, which must stay. md_market: which of the recording's markets. */
pmm_status_t pmm_place_flow(pmm_place_t *place, uint32_t market, uint32_t md_market, const pmm_md_t *md, size_t cnt, int64_t now_ns,
                            pmm_error_t *err);
#endif
