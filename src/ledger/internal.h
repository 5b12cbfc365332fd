/* src/ledger/internal.h -- what the files of this folder share: the money of one slot as a pure state machine over
   operations, and the ledger built from it. */
#ifndef PMM_SRC_LEDGER_INTERNAL_H
#define PMM_SRC_LEDGER_INTERNAL_H
#include "pmm/ledger.h"

#define PMM__NONE UINT32_MAX
#define PMM__OPS_PER_PENDING 8 /* room in the log for what follows an unsettled fill */

enum { PMM__YES = 0, PMM__NO = 1 };
static inline int pmm__route_outcome(uint8_t route) { return route == PMM_BUY_YES || route == PMM_SELL_YES ? PMM__YES : PMM__NO; }

/* One slot's money. Only pmm__account_apply changes it. */
typedef struct pmm__account {
  int64_t qty_e6[2], cost_e6[2]; /* [outcome] owned, settled or not */
  int64_t realized_e6;           /* gross of fees */
  int64_t fees_e6, rebates_e6;   /* fees net of rebates */
  int64_t flow_e6;               /* cash that came in (out: negative) by this slot's doings */
} pmm__account_t;

typedef enum pmm__op_kind { PMM__OP_FILL, PMM__OP_PAIRS, PMM__OP_RESOLVE, PMM__OP_ADOPT } pmm__op_kind_t;

/* One thing that happened to a slot's money, and its place in the slot's log. */
typedef struct pmm__op {
  uint64_t trade_id;
  int64_t qty_e6;     /* RESOLVE: payout of one YES */
  int64_t fee_e6;     /* ADOPT: the cost */
  int32_t price_e4;   /* YES space */
  uint32_t slot, next, prev;
  uint8_t kind, route;
  bool pending;       /* FILL: may still fail */
  bool paid;          /* FILL: the market resolved while it was pending */
} pmm__op_t;

void pmm__account_apply(pmm__account_t *account, const pmm__op_t *op);
/* Cash a buy takes before fees, or a sell brings: the price of the outcome that changes hands, rounded against us. */
int64_t pmm__op_notional(const pmm__op_t *op);

typedef struct pmm__slot {
  pmm__account_t now;
  int64_t unsettled_e6[2]; /* bought by pending fills */
  int64_t locked_e6[2];    /* in resting sells */
  int64_t reserved_e6;     /* cash behind this slot's resting buys */
  uint32_t market, wallet;
  bool bound, net_pairs;
  uint32_t same;           /* the next slot of the same market, in ascending order; PMM__NONE: the last */
  uint32_t head, tail;     /* log from the oldest pending fill on; PMM__NONE: nothing is pending */
  pmm__account_t base;     /* money before head; meaningful while the log is not empty */
} pmm__slot_t;

typedef struct pmm__wallet { int64_t cash_e6, reserved_e6, deposits_e6; } pmm__wallet_t;

struct pmm_ledger {
  int64_t cash_e6, reserved_e6, deposits_e6; /* over all wallets */
  pmm__wallet_t *wallet;
  uint32_t wallet_cnt;
  pmm__account_t sum;      /* over all slots; qty is not kept */
  pmm__slot_t *slot;
  uint32_t slot_cnt;
  uint32_t *market;        /* market -> its first slot; open addressing, PMM__NONE empty */
  uint32_t market_mask;
  uint32_t pending_cnt, pending_max;
  pmm__op_t *op;           /* pool; free ones are chained through next */
  uint32_t op_cnt, op_free, op_used;
  uint32_t *table;         /* trade id -> op of a pending fill; open addressing, PMM__NONE empty */
  uint32_t table_mask;
};

/* trade-id table */
uint32_t pmm__table_find(const pmm_ledger_t *ledger, uint64_t trade_id); /* op index or PMM__NONE */
void pmm__table_put(pmm_ledger_t *ledger, uint32_t op);
void pmm__table_drop(pmm_ledger_t *ledger, uint64_t trade_id);
#endif
