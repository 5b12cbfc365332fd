/* exchange/sim_impl.h -- inside of the fill simulator: sim.c keeps orders and the account, sim_fill.c turns records into fills,
   sim_bernoulli.c does so by chance where there is no book, sim_settle.c lets fills settle or fail, limit.c counts requests. */
#ifndef PMM_EXCHANGE_SIM_IMPL_H
#define PMM_EXCHANGE_SIM_IMPL_H
#include "exchange/limit.h"
#include "exchange/queue.h"
#include "exchange/wallet.h"

#define PMM__NIL UINT32_MAX

typedef struct pmm__rest { /* an order of ours; what a record needs comes first */
  uint32_t next, prev;     /* of its market's side: best price first, then time; next also chains free ones */
  int32_t price_e4;
  uint8_t side, route, tif, flags;
  int64_t open_e6;
  pmm__queue_t queue;
  uint64_t id;
  int64_t expire_ns;       /* PMM_NS_MAX: never */
  int64_t placed_ns;       /* since when it rests here */
  pmm__lock_t lock;
  pmm_fee_acc_t acc;
  uint32_t market;
  bool resting;            /* in its side's list */
} pmm__rest_t;

/* What we consumed of one recorded level. It counts as long as the level shows the same size; any change starts afresh. */
typedef struct pmm__foot { int64_t shown_e6, used_e6; uint64_t epoch; } pmm__foot_t;

typedef struct pmm__pending { /* a fill that is not final yet */
  int64_t due_ns;
  uint64_t trade_id, order_id;
  int64_t qty_e6, flow_e6;   /* cash it moved, fee included; below 0: out */
  int32_t price_e4;
  uint32_t market;
  uint8_t route, side;
  bool fails, paid;          /* its market has resolved meanwhile */
} pmm__pending_t;

typedef struct pmm__sim_market {
  uint32_t head[2];          /* own orders by side */
  bool cross;                /* a crossing book fills us */
  bool dirty;                /* the book may cross us: look at the end of the message */
  bool snapshot, gap;        /* between CLEAR and the end of its message; since a GAP */
  bool nets;                 /* free pairs become cash at once */
  bool one_position;         /* ... and a sale of what is not held opens the opposite */
  bool top_only;             /* the recording shows best prices only */
  pmm__queue_rules_t rules;
  pmm__foot_t *foot[2];      /* by tick, of the recorded side consumed */
  int32_t foot_tick_e4;      /* price of one tick of foot[] */
  uint64_t epoch;            /* entries of foot from another epoch are void */
  pmm__holding_t holding;
  uint8_t phase;             /* pmm_phase_t */
  int32_t settle_fail_e4;
  int64_t settle_delay_ns;
  pmm__holding_t paid;       /* what the payout was for, for fills that fail after it */
  int64_t payout_yes_e6;
  bool bernoulli, bookless;  /* fills by chance; of a price instead of a book */
  int32_t price_e4;          /* bookless: the last price, -1 none */
  int64_t looked_ns;         /* bernoulli: when chance was last asked */
} pmm__sim_market_t;

struct pmm_sim {
  pmm_sim_watch_t watch;     /* first: pmm_sim_matters reads it */
  pmm_sim_watch_market_t *watched; /* what watch points to */
  pmm_sim_params_t params;
  pmm_market_t *const *market;
  pmm_ladder_t *const *ladder;
  pmm__sim_market_t *state;
  uint32_t market_cnt, orders_max, live_cnt, free;
  pmm__rest_t *order;
  uint32_t *slot;            /* hash of order ids: index + 1, 0 empty */
  uint32_t slot_mask;
  int64_t next_expire_ns;    /* no order runs out before */
  pmm__wallet_t wallet;
  uint64_t trade_id, exchange_id;
  uint32_t event_seq;
  pmm_event_t *event;        /* ring */
  uint64_t event_mask, event_in, event_out;
  pmm_sim_stats_t stats;
  pmm__limit_t limit;
  pmm_rng_t fill_rng, settle_rng;
  pmm__pending_t *pending;   /* heap by due_ns */
  uint32_t pending_cnt;
};

/* sim.c */
void pmm__sim_fill(pmm_sim_t *sim, int64_t now_ns, pmm__rest_t *order, int32_t price_e4, int64_t qty_e6, uint8_t flags);
void pmm__sim_end(pmm_sim_t *sim, int64_t now_ns, pmm__rest_t *order, pmm_kind_t kind, pmm_reject_t why); /* told, unlocked, forgotten */
void pmm__sim_watch(pmm_sim_t *sim, uint32_t market);   /* after any change of state that pmm_sim_matters should know */
void pmm__sim_tell_settled(pmm_sim_t *sim, int64_t now_ns, const pmm__pending_t *p);

/* sim_settle.c */
void pmm__sim_defer(pmm_sim_t *sim, int64_t now_ns, pmm__pending_t *p); /* the fill waits: its due time and fate are decided here */
void pmm__sim_settle(pmm_sim_t *sim, int64_t now_ns);                   /* everything due */
void pmm__sim_resolve(pmm_sim_t *sim, uint32_t market, int64_t payout_yes_e6);

/* sim_bernoulli.c */
void pmm__sim_chance(pmm_sim_t *sim, int64_t now_ns, uint32_t market);  /* the price is new: every order of ours has its chance */
/* Where a taker trades that has no book to take from: what would be the best price of that side of it; 0 none. */
int32_t pmm__sim_quoted(const pmm_sim_t *sim, uint32_t market, uint8_t side);

/* sim_fill.c */
bool pmm__sim_reaches(const pmm_sim_t *sim, uint32_t market, uint8_t side, int32_t price_e4); /* the opposite best is at or through the price */
int64_t pmm__sim_offered(const pmm_sim_t *sim, uint32_t market, uint8_t book_side, int32_t limit_e4, int64_t want_e6); /* in lots, at most want_e6 */
void pmm__sim_take(pmm_sim_t *sim, int64_t now_ns, pmm__rest_t *order);     /* walks the book, one fill a level */
void pmm__sim_begin_look(const pmm_sim_t *sim, pmm__sim_market_t *m);       /* without footprint every look at the book is fresh */

static inline pmm__sim_market_t *pmm__sim_of(pmm_sim_t *sim, const pmm__rest_t *order) { return &sim->state[order->market]; }
static inline int64_t pmm__sim_settles_ns(const pmm_sim_t *sim) { return sim->pending_cnt ? sim->pending[0].due_ns : PMM_NS_MAX; }
static inline bool pmm__sim_trades(const pmm_sim_t *sim, uint32_t market) {
  return pmm_life_trades((pmm_life_t)sim->market[market]->life) && !sim->state[market].gap;
}
#endif
