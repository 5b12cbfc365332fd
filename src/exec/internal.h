/* src/exec/internal.h -- what the files of this folder share: the table of open orders, and the steps from a quote to
   actions. table.c keeps orders, order.c their automaton, event.c what the venue says, route.c wording and placing,
   quote.c the difference between wanted and live, exec.c construction and questions, check.c the invariants. */
#ifndef PMM_SRC_EXEC_INTERNAL_H
#define PMM_SRC_EXEC_INTERNAL_H
#include "pmm/exec.h"

#define PMM__NONE UINT32_MAX
#define PMM__TRADES_KEPT 4096 /* a power of two: fills remembered to spot duplicates */
#define PMM__FEE_FILLS 16     /* fills that the fee reserve of one order allows for */

typedef struct pmm__exec_slot {
  uint32_t market;
  bool bound;
  uint32_t head[2], tail[2];  /* [side] open orders, best price first, then oldest */
  uint32_t open_cnt;
  pmm_fee_schedule_t fees;    /* of its market, as of the last placement */
  int64_t lot_e6;
  pmm_exec_stats_t stats;
} pmm__exec_slot_t;

typedef struct pmm__trade { uint64_t order_id, trade_id; } pmm__trade_t;
typedef struct pmm__issued { uint64_t id; uint32_t slot; uint8_t route; } pmm__issued_t;

struct pmm_exec {
  pmm_exec_params_t params;
  pmm_ledger_t *ledger;
  pmm_risk_t *risk;
  pmm__exec_slot_t *slot;
  uint32_t slot_cnt;
  pmm_order_t *order;         /* pool; free ones are chained through next */
  uint32_t order_cnt, free_head, open_cnt;
  uint32_t *table;            /* order id -> order; open addressing, PMM__NONE empty */
  uint32_t table_mask;
  pmm__issued_t *issued;      /* [id & issued_mask] whose order that was, so that late events find their slot, and late fills their wording */
  uint32_t issued_mask;
  uint64_t id_base, id_last;
  int64_t deadline_ns;        /* no request can time out before this */
  pmm__trade_t *trade;        /* ring of the last fills */
  uint16_t *trade_table;      /* hash of a fill -> its place in the ring + 1; 0 empty; once trades_tabled */
  uint64_t trade_cnt, trade_id_max;
  bool trades_tabled;         /* trade_table is kept */
};

/* -- table.c -- */
uint32_t pmm__order_find(const pmm_exec_t *exec, uint64_t id); /* PMM__NONE */
pmm_order_t *pmm__order_add(pmm_exec_t *exec, const pmm_order_t *order); /* copies; NULL when full */
void pmm__order_drop(pmm_exec_t *exec, pmm_order_t *order);
void pmm__order_reprice(pmm_exec_t *exec, pmm_order_t *order, int32_t price_e4); /* to its new place in the list */
bool pmm__trade_seen(pmm_exec_t *exec, uint64_t order_id, uint64_t trade_id);
void pmm__trade_note(pmm_exec_t *exec, uint64_t order_id, uint64_t trade_id); /* in place of the oldest; not seen before */

static inline pmm_order_t *pmm__order_at(const pmm_exec_t *exec, uint32_t at) { return at == PMM__NONE ? NULL : &exec->order[at]; }
static inline pmm_side_t pmm__order_side(const pmm_order_t *o) { return pmm_route_side((pmm_route_t)o->route); }
/* Quotes that stand or are on their way there; what is being cancelled or closed, and exits, do not count. */
static inline bool pmm__order_counts(const pmm_order_t *o) { return o->state != PMM_ORDER_PENDING_CANCEL && !o->is_exit && !o->closed; }
static inline int64_t pmm__order_wanted_open(const pmm_order_t *o) {
  return o->state == PMM_ORDER_PENDING_AMEND ? pmm_min64(o->amend_open_e6, pmm_order_open(o)) : pmm_order_open(o);
}
static inline bool pmm__price_better(pmm_side_t side, int32_t a_e4, int32_t b_e4) { return side == PMM_BID ? a_e4 > b_e4 : a_e4 < b_e4; }

/* -- one call of pmm_exec_quote -- */
typedef struct pmm__turn {
  pmm_exec_t *exec;
  pmm__exec_slot_t *s;
  uint32_t slot;
  const pmm_exec_ctx_t *ctx;
  const pmm_quotes_t *quotes;
  pmm_actions_t *out;
  int64_t lot_e6, min_e6;             /* smallest order */
  pmm_risk_reason_t refused;          /* last one */
  bool counted;                       /* the figures below are filled in; undefined before */
  bool unsettled;           /* something was left as it should not stay */
  int64_t open_e6[2], cash_e6[2];     /* [side] orders that count towards limits */
  int64_t buy_e6, at_risk_e6;
  int32_t best_e4[2];
} pmm__turn_t;

/* -- event.c -- */
/* Moves an order by one input; PMM_STATE, counted as late, when it is impossible now. */
pmm_status_t pmm__order_step(pmm_exec_t *exec, pmm_order_t *order, pmm_order_input_t input);
/* Makes the lock fit what is open. */
void pmm__order_refit(pmm_exec_t *exec, pmm_order_t *order);

/* -- route.c -- */
/* Emits one cancel; true when none is needed or it was sent, false when it must wait (rate budget, buffer, an order of
   unknown fate asked about a moment ago). forced passes the budget and the waiting. */
bool pmm__cancel(pmm_exec_t *exec, pmm_order_t *order, int64_t now_ns, pmm_actions_t *out, bool forced);
/* Asks to shrink an order in place to open_e6; false when it cannot be done now. */
bool pmm__amend(pmm_exec_t *exec, pmm_order_t *order, int64_t open_e6, int64_t now_ns, pmm_actions_t *out);
/* Places qty at price on a side, worded by the routing mode, in one or two orders. */
void pmm__place(pmm__turn_t *turn, pmm_side_t side, int32_t price_e4, int64_t qty_e6);
void pmm__exit(pmm__turn_t *turn);
void pmm__take(pmm__turn_t *turn);
/* True when the whole quantity could be placed now with the cash and contracts that are free. */
bool pmm__affordable(const pmm__turn_t *turn, pmm_side_t side, int32_t price_e4, int64_t qty_e6);
int64_t pmm__fee_reserve(const pmm__exec_slot_t *s, int32_t price_e4, int64_t open_e6);
#endif
