/* exchange/place_impl.h -- inside of a place: place.c opens it and takes requests, place_told.c turns what the matching engine tells into
   records and events, place_settle.c lets trades settle and fail, place_cost.c keeps what holdings cost, place_market.c has markets,
   accounts and their lives, place_look.c the look-ups and the check, place_flow.c the background, place_store.c memory and ids. */
#ifndef PMM_EXCHANGE_PLACE_IMPL_H
#define PMM_EXCHANGE_PLACE_IMPL_H
#include "exchange/match_impl.h"
#include "pmm/place.h"

/* ---- place_store.c: records in chunks that never move, numbered from 1 ---- */
#define PMM__CHUNK 1024
typedef struct pmm__store { unsigned char **chunk; size_t chunk_cnt, item; uint64_t cnt; } pmm__store_t;
bool pmm__store_reserve(pmm__store_t *s, uint64_t more); /* room for so many more; false: no memory */
void *pmm__store_push(pmm__store_t *s);                  /* zeroed; there must be room */
void *pmm__store_at(const pmm__store_t *s, uint64_t seq); /* NULL */
void pmm__store_free(pmm__store_t *s);

/* Numbers by a hash of what they are called; the caller compares. */
typedef struct pmm__index { uint64_t *seq, *hash; uint64_t cap, cnt; } pmm__index_t;
bool pmm__index_reserve(pmm__index_t *x, uint64_t more);
void pmm__index_add(pmm__index_t *x, uint64_t hash, uint64_t seq);
/* Numbers of that hash: from *at = 0 on until 0. */
uint64_t pmm__index_next(const pmm__index_t *x, uint64_t hash, uint64_t *at);
void pmm__index_free(pmm__index_t *x);
uint64_t pmm__text_hash(const char *text, uint64_t seed);

/* ---- records ---- */
typedef struct pmm__order {
  pmm_place_order_t pub;        /* first: what is given out */
  uint64_t open_prev, open_next; /* its account's open orders, by seq */
  uint64_t before;              /* the account's order before it */
  uint64_t above, below;        /* a mirrored recording: newer and older orders at its price */
  bool rested;                  /* was acknowledged */
} pmm__order_t;
typedef enum pmm__fate { PMM__FATE_DONE, PMM__FATE_GOOD, PMM__FATE_FAIL, PMM__FATE_GHOST } pmm__fate_t;
typedef struct pmm__trade { pmm_place_trade_t pub; pmm__fate_t fate; } pmm__trade_t;
typedef struct pmm__fill {
  pmm_place_fill_t pub;
  uint64_t before, jump; /* the account's fill before it; the latest before it numbered 64 k */
} pmm__fill_t;

#define PMM__NAME_MAX 64
typedef struct pmm__flow pmm__flow_t;
typedef struct pmm__account {
  char name[PMM__NAME_MAX];
  bool background;
  pmm__flow_t *flow;   /* whose it is, or NULL */
  uint64_t open_first, open_last, last_order, last_fill, last_jump, fill_cnt;
} pmm__account_t;

/* ---- what holdings cost: the sums now, and while trades are pending those before the oldest of them, and what happened since ---- */
typedef struct pmm__sums { int64_t yes_e6, no_e6, yes_cost_e6, no_cost_e6, realized_e6, fees_e6, traded_e6; } pmm__sums_t;
typedef struct pmm__figures { pmm__sums_t now, base; uint64_t first, last; } pmm__figures_t;
typedef enum pmm__op_kind { PMM__OP_BUY, PMM__OP_SELL, PMM__OP_PAIRS } pmm__op_kind_t;
typedef struct pmm__op { pmm__op_kind_t kind; bool no; uint64_t trade, next; int64_t qty_e6, cash_e6, fee_e6; } pmm__op_t; /* trade 0: final */

typedef struct pmm__place_market { int64_t *shown[2]; /* [side][price_e4]: as last told */ pmm_place_stats_t stats; } pmm__place_market_t;

struct pmm_place {
  pmm_place_config_t config;
  pmm_place_listener_t listener;
  pmm_arena_t arena;
  pmm_match_t *match;
  bool nets;
  int64_t now_ns;
  pmm_rng_t id_rng, fate_rng;
  pmm__store_t order, trade, fill, op;
  pmm__index_t by_id, by_client, by_market, by_name;
  uint64_t free_order, free_op;     /* chains of records to use again: through open_next, next */
  uint64_t open_cnt;
  pmm__account_t *account; uint32_t account_cnt;
  pmm__place_market_t *market;
  pmm__figures_t *figures;          /* [account][market] */
  uint64_t mined_next, final_next;  /* the oldest trade that has not come so far */
  uint64_t ghost_next;
  pmm__flow_t *flow;
  /* of the request under way */
  pmm_reject_t refused, cancel_reason;
  uint64_t request;
  bool rested;
  pmm_event_t print, first_leg;     /* a trade is told in three parts: print, maker's fill, taker's fill */
  uint32_t first_account;
  bool told;                        /* the listener is being told something */
};

static inline pmm__order_t *pmm__order_at(const pmm_place_t *p, uint64_t seq) { return pmm__store_at(&p->order, seq); }
static inline pmm__figures_t *pmm__figures(const pmm_place_t *p, uint32_t account, uint32_t market) {
  return &p->figures[(size_t)account * p->config.markets_max + market];
}

/* place.c */
void pmm__place_at(pmm_place_t *p, int64_t now_ns);    /* time of a request */
bool pmm__place_reserve(pmm_place_t *p);               /* memory for all that one request can cause */
void pmm__place_make_id(pmm_place_t *p, char id[PMM_PLACE_ID_MAX]); /* a UUID of version 4 */
/* place_told.c */
void pmm__place_tell(pmm_place_t *p, pmm_place_event_t *event);
void pmm__place_drain(pmm_place_t *p);                 /* all that the engine has to tell */
void pmm__place_close_order(pmm_place_t *p, pmm__order_t *o, pmm_place_status_t status, pmm_reject_t reason);
void pmm__place_tell_order(pmm_place_t *p, const pmm__order_t *o);
void pmm__place_tell_cash(pmm_place_t *p, uint32_t account, uint32_t market);
/* place_settle.c */
void pmm__place_decide(pmm_place_t *p, pmm__trade_t *t);  /* the fate of a new trade */
int64_t pmm__place_settle_next(const pmm_place_t *p);
void pmm__place_settle_due(pmm_place_t *p);
void pmm__place_settle_market(pmm_place_t *p, uint32_t market); /* all that is pending in it, now */
void pmm__place_pending_mode(pmm_place_t *p);             /* whether trades to come settle later */
/* place_cost.c */
void pmm__cost_add(pmm_place_t *p, uint32_t account, uint32_t market, const pmm__op_t *op);
void pmm__cost_settle(pmm_place_t *p, uint32_t account, uint32_t market, uint64_t trade, bool ok);
void pmm__cost_resolve(pmm__figures_t *f, int64_t payout_yes_e6);
/* place_look.c */
uint64_t pmm__client_hash(uint32_t account, const char *client_id);
/* place_market.c */
pmm_status_t pmm__place_adopt_accounts(pmm_place_t *p, pmm__flow_t *flow, const char *name); /* those that background flow opened on the engine */
/* place_flow.c */
int64_t pmm__flow_next(const pmm_place_t *p);
void pmm__flow_step(pmm_place_t *p, int64_t now_ns);
void pmm__flow_filled(pmm_place_t *p, const pmm__order_t *o, int64_t qty_e6);
void pmm__flow_closed(pmm_place_t *p, pmm__order_t *o);
void pmm__flow_free(pmm_place_t *p);
#endif
