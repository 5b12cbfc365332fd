/* pmm/event.h -- everything that happens, as plain records.
   Market data is a pmm_md_t of 40 bytes and lies on tape in this form (little endian). What the engine and
   the journal see is a pmm_event_t of one cache line, whose first 40 bytes are the same record. */
#ifndef PMM_EVENT_H
#define PMM_EVENT_H
#include "pmm/types.h"

typedef enum pmm_kind {
  PMM_KIND_NONE = 0,
  /* -- market data, on tape -- */
  PMM_MD_LEVEL = 1,      /* total resting size at price_e4 on `side` is now qty_e6; 0 empties the level */
  PMM_MD_TRADE = 2,      /* print of qty_e6 at price_e4 (YES space); side = the taker's (PMM_BID: buyer lifted an ask) */
  PMM_MD_CLEAR = 3,      /* the whole book is emptied; levels of a fresh snapshot follow */
  PMM_MD_MARK = 4,       /* a venue message that changed nothing, so that messages can be counted */
  PMM_MD_STATUS = 5,     /* life cycle: aux = pmm_life_t; with PMM_LIFE_RESOLVED side = pmm_outcome_t and
                            qty_e6 = payout of one YES in cash_e6 (1e6 yes, 0 no, 5e5 void) */
  PMM_MD_TICK = 6,       /* the grid becomes uniform with step price_e4; orders and levels off it are dropped */
  PMM_MD_UNDERLYING = 7, /* market = index of the underlying, not of a market; qty_e6 holds value_e8; aux =
                            pmm_under_kind_t; exch_ns = the source's own time */
  PMM_MD_GAP = 8,        /* nothing was recorded for this market since exch_ns; the book is not to be trusted
                            until the next PMM_MD_CLEAR */
  PMM_MD_VOLUME = 9,     /* the venue's running volume of this market is qty_e6; price_e4 = last trade price or 0 */
  PMM_MD_SETTLE_MEAN = 10, /* mean so far of the settlement window: qty_e6 = value_e8, market = underlying */
  PMM_MD_PRICE = 11,     /* the price of YES is price_e4, from a source that gives no book (a price history, a candle's close) */
  PMM_MD_PHASE = 12,     /* which requests the venue takes in this market from now on: aux = pmm_phase_t */
  PMM_MD_SETTLEMENT = 13, /* how fills of this market settle from now on, in scripted runs: qty_e6 = delay in ns until a fill is final
                            (0: at once), price_e4 = share of fills x 10 000 that fail then; below 0: as before */
  PMM_MD_STRIKE = 14,    /* the strike became known or was corrected: qty_e6 = strike_e8 */
  PMM_MD_KIND_END = 31,
  /* -- the account, from an exchange; never on tape -- */
  PMM_EV_ACK = 32,           /* order order_id rests; ref_id = the exchange's id; qty_e6 = open quantity */
  PMM_EV_REJECT = 33,        /* new order refused; aux = pmm_reject_t */
  PMM_EV_FILL = 34,          /* qty_e6 at price_e4 (YES space); amount_e6 = fee (negative: rebate); ref_id = trade
                                id; flags PMM_F_MAKER; aux = pmm_settle_t of the fill */
  PMM_EV_CANCELLED = 35,     /* order left the book by our wish or the venue's; qty_e6 = what was open; aux reason */
  PMM_EV_CANCEL_REJECT = 36, /* nothing to cancel: already filled, cancelled or unknown */
  PMM_EV_AMENDED = 37,       /* price_e4, qty_e6 = new price and open quantity */
  PMM_EV_AMEND_REJECT = 38,
  PMM_EV_EXPIRED = 39,       /* time in force ran out or the market closed */
  PMM_EV_SETTLED = 40,       /* fill ref_id is final */
  PMM_EV_SETTLE_FAILED = 41, /* fill ref_id is void and must be undone */
  PMM_EV_LOST = 42,          /* the answer to a request for order_id will not come: its state is unknown */
  PMM_EV_ORDER_STATE = 43,   /* answer to a reconciliation: open quantity qty_e6 (0: gone), filled amount_e6 (contracts) */
  PMM_EV_TIMER = 48,         /* time passes: now = recv_ns */
  PMM_EV_OPERATOR = 49,      /* aux = pmm_operator_t; qty_e6 its argument */
  PMM_EV_FAIR = 50,          /* external probability: amount_e6 = p x 1e6, exch_ns = as of, ref_id = expiry ns */
  PMM_EV_DEPOSIT = 51,       /* amount_e6 of cash comes in (negative: out); md.seq = wallet */
  PMM_EV_POSITION = 52,      /* contracts that were there before: md.seq = slot, md.side = 0 YES, 1 NO, qty_e6 of them at amount_e6 in all;
                                price_e4 = what one YES was worth when an earlier run last looked: gain and loss count from there. 0: from the cost */
  PMM_EV_OPEN_ORDER = 53     /* an order that was there before: md.seq = slot, aux = pmm_route_t, price_e4, qty_e6 = open, amount_e6 = filled before */
} pmm_kind_t;

/* Such a record's .market is the index of an underlying, not of a market. */
static inline bool pmm_kind_is_underlying(uint8_t kind) { return kind == PMM_MD_UNDERLYING || kind == PMM_MD_SETTLE_MEAN; }

enum { /* pmm_md_t.flags */
  PMM_F_LAST = 1,      /* last record of one venue message: the book is consistent now */
  PMM_F_SNAPSHOT = 2,  /* part of a full book */
  PMM_F_INFERRED = 4,  /* a trade that the source did not print but that follows from volume and book */
  PMM_F_NOSIZE = 8,    /* the source gives a price without a size; qty_e6 is nominal (1 contract) */
  PMM_F_MAKER = 16,    /* fill: we were the resting side */
  PMM_F_KEYFRAME = 32  /* repeated by the writer, not sent by the venue */
};

typedef enum pmm_under_kind { /* pmm_md_t.aux of PMM_MD_UNDERLYING */
  PMM_UNDER_TRADE = 0,  /* last trade of a spot exchange */
  PMM_UNDER_ORACLE = 1, /* instantaneous oracle price */
  PMM_UNDER_TWAP = 2    /* the settlement series itself, already averaged */
} pmm_under_kind_t;

typedef enum pmm_phase { /* pmm_md_t.aux of PMM_MD_PHASE; the market stays open */
  PMM_PHASE_NORMAL = 0,
  PMM_PHASE_POST_ONLY = 1,   /* orders must be post-only; as after an exchange's restart */
  PMM_PHASE_CANCEL_ONLY = 2  /* no new orders and no amends */
} pmm_phase_t;

typedef struct pmm_md {
  int64_t recv_ns;   /* when we (the recorder) had it; the order of a tape */
  int64_t exch_ns;   /* when the venue says it happened, or PMM_TIME_NONE */
  int64_t qty_e6;    /* or value_e8, see the kind */
  int32_t price_e4;
  uint32_t seq;      /* number of the source message within its stream, low 32 bits */
  uint32_t market;   /* dense index into the tape's market table */
  uint8_t kind, side, flags, aux;
} pmm_md_t;
_Static_assert(sizeof(pmm_md_t) == 40, "a market-data record is 40 bytes");

typedef struct pmm_event {
  pmm_md_t md;
  uint64_t order_id;  /* our client order id */
  int64_t amount_e6;  /* see the kind */
  uint64_t ref_id;    /* exchange order id, trade id */
} pmm_event_t;
_Static_assert(sizeof(pmm_event_t) == 64, "an event is one cache line");

typedef enum pmm_settle { PMM_SETTLE_FINAL = 0, PMM_SETTLE_PENDING = 1 } pmm_settle_t;

#define PMM_REJECT_MAP(X)                               \
  X(NONE, "none")                                       \
  X(POST_ONLY, "post-only order would cross")           \
  X(FUNDS, "not enough free cash")                      \
  X(SHARES, "not enough sellable contracts")            \
  X(PRICE, "price outside the grid")                    \
  X(SIZE, "size below minimum or off the lot")          \
  X(CLOSED, "market takes no orders")                   \
  X(DUPLICATE, "client order id used before")           \
  X(FOK, "fill-or-kill could not be filled")            \
  X(SELF_TRADE, "would trade with own order")           \
  X(RATE, "rate limit")                                 \
  X(UNKNOWN_ORDER, "no such order")                     \
  X(FULL, "venue capacity reached")                     \
  X(EXPIRY, "expiry not in the future")                 \
  X(USER, "cancelled by its owner")                     \
  X(IOC, "unfilled rest of an immediate order")         \
  X(SETTLED, "market resolved")                         \
  X(TICK, "price fell off a changed grid")              \
  X(PHASE, "not taken in the venue's present phase")
typedef enum pmm_reject {
#define X(name, text) PMM_REJECT_##name,
  PMM_REJECT_MAP(X)
#undef X
  PMM_REJECT_CNT
} pmm_reject_t;
const char *pmm_reject_to_string(pmm_reject_t reason); /* static storage, never NULL */

typedef enum pmm_operator { PMM_OP_PAUSE = 1, PMM_OP_RESUME, PMM_OP_FLATTEN, PMM_OP_KILL, PMM_OP_RESET } pmm_operator_t;

/* -- what the engine asks for -- */
typedef enum pmm_action_kind { PMM_ACT_PLACE = 1, PMM_ACT_CANCEL, PMM_ACT_AMEND } pmm_action_kind_t;
/* How a YES-space order is worded for a venue; see models.md section 8. A bid buys YES or sells NO held, an
   ask sells YES held or buys NO. The price of an action is always the YES price. */
typedef enum pmm_route { PMM_BUY_YES = 0, PMM_SELL_NO, PMM_SELL_YES, PMM_BUY_NO } pmm_route_t;
static inline pmm_side_t pmm_route_side(pmm_route_t r) { return r <= PMM_SELL_NO ? PMM_BID : PMM_ASK; }
static inline bool pmm_route_is_sell(pmm_route_t r) { return r == PMM_SELL_NO || r == PMM_SELL_YES; }
typedef enum pmm_tif { PMM_GTC = 0, PMM_GTD, PMM_IOC, PMM_FOK } pmm_tif_t;
enum { PMM_ACT_POST_ONLY = 1, PMM_ACT_REDUCE_ONLY = 2 /* AMEND: never to more than is open when it arrives, fills may have crossed it */ };

typedef struct pmm_action {
  int64_t at_ns;      /* engine time of the decision */
  uint64_t order_id;  /* client order id: unique for ever within an account */
  int64_t qty_e6;     /* PLACE: quantity; AMEND: new open quantity */
  int64_t expire_ns;  /* GTD */
  int32_t price_e4;   /* YES space */
  uint32_t market;
  uint8_t kind, route, tif, flags;
  uint16_t slot;      /* which strategy asks */
  uint16_t reserved;
  int64_t ref_id;     /* exchange id when known, else 0 */
  int64_t spend_e6;   /* PLACE, an immediate buy at a venue of ours: the cash it can need at most (fees apart), when better known than price x quantity; 0: not */
} pmm_action_t;
_Static_assert(sizeof(pmm_action_t) == 64, "an action is one cache line");

#endif
