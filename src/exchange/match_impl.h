/* exchange/match_impl.h -- inside of the matching engine: match.c takes requests and matches, match_book.c keeps levels, queue
   and events, match_life.c moves markets through their lives and checks everything, match_place.c has what only a place of many
   accounts needs. */
#ifndef PMM_EXCHANGE_MATCH_IMPL_H
#define PMM_EXCHANGE_MATCH_IMPL_H
#include "exchange/wallet.h"
#include "pmm/exchange.h"

/* Indices of orders are stored plus one, so that zeroed memory is an empty book and untouched levels cost no page. */
typedef struct pmm__node { /* an order in the book, or on its way into it */
  uint32_t next, prev;     /* in its level, oldest first; next also chains free ones */
  uint32_t account, market;
  int32_t price_e4;
  uint8_t side, route, tif, flags;
  int64_t open_e6;
  uint64_t client_id, ref_id;
  int64_t expire_ns;       /* PMM_NS_MAX: never */
  int64_t spend_e6;        /* 0: not known better than price x quantity */
  pmm__lock_t lock;
  pmm_fee_acc_t acc;
  uint32_t id_slot;        /* of the table of client ids */
  bool resting;
} pmm__node_t;

typedef struct pmm__level { uint32_t first, last; } pmm__level_t;

typedef struct pmm__match_market {
  pmm_market_t market;
  pmm_ladder_t ladder;
  pmm__level_t *level[2];  /* [side][tick] */
  int64_t yes_e6, no_e6;   /* issued; each pair is backed by a dollar of collateral */
} pmm__match_market_t;

typedef struct pmm__client_id { uint64_t id; uint32_t account, order; } pmm__client_id_t; /* account + 1, 0 empty; order + 1, 0 dead */
typedef struct pmm__match_event { uint32_t account; pmm_event_t event; } pmm__match_event_t;

struct pmm_match {
  pmm_match_params_t params;
  pmm__match_market_t *market;
  uint32_t market_cnt, market_max, account_cnt, live_cnt, used_cnt, free; /* orders: live, ever used, chain of free ones + 1 */
  pmm__node_t *order;
  pmm__client_id_t *id;
  uint64_t id_mask, id_cnt;
  pmm__wallet_t *wallet;   /* [account] */
  pmm__holding_t *holding; /* [account][market] */
  int64_t deposits_e6, kept_e6; /* kept: fees and rounding */
  int64_t next_expire_ns;  /* no order and no market changes by itself before */
  uint64_t trade_id, exchange_id;
  pmm__match_event_t *event; /* ring */
  uint64_t event_mask, event_in, event_out;
  uint64_t last_public;    /* position + 1 of the burst's latest public event, 0 none */
  uint32_t burst;          /* numbers public bursts: md.seq */
  pmm_arena_t later;       /* for markets added later */
  bool pending;            /* fills settle later */
  int64_t at_ns;           /* of the present call, for what is told from deep inside */
};

static inline pmm__holding_t *pmm__match_holding(const pmm_match_t *m, uint32_t account, uint32_t market) {
  return &m->holding[(size_t)account * m->market_max + market];
}

/* The rule this order follows as taker when it meets its own account. */
static inline pmm_stp_t pmm__match_stp(const pmm_match_t *m, const pmm__node_t *o) {
  return (pmm_stp_t)(o->flags >> 4 ? (int32_t)(o->flags >> 4) - 1 : m->params.stp);
}
static inline bool pmm__match_crosses(const pmm__match_market_t *mk, uint8_t side, int32_t price_e4, int32_t opposite_tick) {
  if (opposite_tick == PMM_TICKS_NONE) return false;
  int32_t const opposite_e4 = opposite_tick * mk->ladder.tick_e4;
  return side == PMM_BID ? opposite_e4 <= price_e4 : opposite_e4 >= price_e4;
}

/* match.c */
pmm_status_t pmm__match_market_init(pmm_match_t *m, pmm_arena_t *arena, uint32_t i, const pmm_market_t *market);
pmm_reject_t pmm__match_check(const pmm_match_t *m, uint32_t account, int64_t now_ns, const pmm_action_t *a); /* of the form of a PLACE */
int64_t pmm__match_reduced(const pmm_match_t *m, uint32_t account, const pmm_action_t *a); /* its quantity, reduce-only cut to the position */
pmm__node_t pmm__match_node(uint32_t account, const pmm_action_t *a, int64_t qty_e6);
pmm_reject_t pmm__match_admit(pmm_match_t *m, pmm__node_t *o); /* locks what the order needs and asks the book; REJECT_NONE: it may go on to match */
void pmm__match_forget(pmm_match_t *m, uint32_t slot); /* takes an id out of the table */
/* match_book.c: events */
uint64_t pmm__match_room(const pmm_match_t *m);   /* events that still fit */
uint64_t pmm__match_worst(const pmm_match_t *m);  /* events that one call could cause now */
pmm_event_t *pmm__match_emit(pmm_match_t *m, uint32_t account, int64_t now_ns, pmm_kind_t kind, uint32_t market, uint64_t order_id);
void pmm__match_tell(pmm_match_t *m, int64_t now_ns, pmm_kind_t kind, const pmm__node_t *o, pmm_reject_t why);
pmm_event_t *pmm__match_publish(pmm_match_t *m, int64_t now_ns, pmm_kind_t kind, uint32_t market);
void pmm__match_publish_level(pmm_match_t *m, int64_t now_ns, uint32_t market, uint8_t side, int32_t price_e4);
void pmm__match_end_burst(pmm_match_t *m);        /* flags the latest public event as the message's last */
/* match_book.c: levels and locks */
void pmm__match_link(pmm_match_t *m, pmm__node_t *o);
void pmm__match_unlink(pmm_match_t *m, pmm__node_t *o);
void pmm__match_relock(pmm_match_t *m, pmm__node_t *o); /* lock follows open size; pairs that come free are netted */
void pmm__match_net(pmm_match_t *m, uint32_t account, uint32_t market); /* where pairs are netted */
void pmm__match_shrink(pmm_match_t *m, pmm__node_t *o, int64_t qty_e6); /* the order in the book and its level lose qty_e6; gone at 0 */
void pmm__match_free(pmm_match_t *m, pmm__node_t *o);
/* Takes an order out of the book, tells its owner and publishes the level. */
void pmm__match_remove(pmm_match_t *m, int64_t now_ns, pmm__node_t *o, pmm_kind_t kind, pmm_reject_t why);
#endif
