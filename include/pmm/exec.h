/* pmm/exec.h -- from quotes to orders: desired against live, the life of an order, YES/NO routing, locks of cash and
   contracts, throttle. Emits actions into a buffer; the caller (engine) hands them to a gateway. Single-threaded; sizes
   fixed at init, no allocation after it.

   What the venue says is a fact: a fill is booked even when it overtakes its acknowledgement, crosses a cancel or exceeds
   what we thought open. When a cancel, expiry or reconciliation tells that more was filled than we have seen, the order stays
   open (UNKNOWN, closed) until those fills have come, so that no money is lost to reordering. */
#ifndef PMM_EXEC_H
#define PMM_EXEC_H
#include "pmm/ledger.h"
#include "pmm/risk.h"
#include "pmm/strategy.h"

/* -- life of an order -- */
#define PMM_ORDER_STATE_MAP(X) X(PENDING_NEW, "pending-new") X(LIVE, "live") X(PARTLY_FILLED, "partly-filled") X(PENDING_CANCEL, "pending-cancel") \
  X(PENDING_AMEND, "pending-amend") X(UNKNOWN, "unknown") X(FILLED, "filled") X(CANCELLED, "cancelled") X(REJECTED, "rejected") X(EXPIRED, "expired")
typedef enum pmm_order_state {
#define X(name, text) PMM_ORDER_##name,
  PMM_ORDER_STATE_MAP(X)
#undef X
  PMM_ORDER_STATE_CNT
} pmm_order_state_t;
const char *pmm_order_state_to_string(pmm_order_state_t state);
static inline bool pmm_order_is_terminal(pmm_order_state_t s) { return s >= PMM_ORDER_FILLED; }

typedef enum pmm_order_input { /* what can happen to an order; fills carry whether they complete it */
  PMM_IN_ACK, PMM_IN_REJECT, PMM_IN_FILL_PART, PMM_IN_FILL_ALL, PMM_IN_CANCEL_SENT, PMM_IN_CANCELLED, PMM_IN_CANCEL_REJECT,
  PMM_IN_AMEND_SENT, PMM_IN_AMENDED, PMM_IN_AMEND_REJECT, PMM_IN_EXPIRED, PMM_IN_LOST, PMM_IN_FOUND /* reconciled: rests */, PMM_IN_GONE /* reconciled: gone */, PMM_ORDER_INPUT_CNT
} pmm_order_input_t;
/* pmm_order_step is the whole automaton, a table: the next state, or PMM_STATE with *next unchanged for an input that is
   impossible or too late in this state (a duplicate, a late acknowledgement); such inputs are counted and ignored.
   has_fills: the order has fills, this input's included. A refused cancel leads to UNKNOWN: the order is filled, gone or
   never was, and only a further event or a reconciliation tells which.
   Fills may overtake acknowledgements and cross cancels: a fill is never refused before a terminal state. */
pmm_status_t pmm_order_step(pmm_order_state_t state, pmm_order_input_t input, bool has_fills, pmm_order_state_t *next);

typedef struct pmm_order {
  uint64_t id, ref_id;          /* ours, the exchange's */
  uint32_t slot, market;
  uint8_t state, route, tif, flags;
  int32_t price_e4;             /* YES space */
  int64_t qty_e6, filled_e6;    /* open = qty - filled */
  int32_t amend_price_e4; int64_t amend_open_e6; /* asked for, in PENDING_AMEND */
  pmm_lock_t lock;
  int64_t placed_ns, acted_ns;
  int64_t ahead_e6;             /* quantity before it in the queue where the gateway tells, else -1 */
  bool is_exit;
  bool cancel_sent;             /* at least once: counted once */
  bool seen;                    /* the venue has told of it: it rests or rested in its book. An order asked for, and cancelled before it got there, never did */
  bool closed;                  /* the venue has closed it; only fills still under way may come */
  uint32_t next, prev;          /* of its slot's list of open orders of its side, best price first, then oldest */
} pmm_order_t;
static inline int64_t pmm_order_open(const pmm_order_t *o) { return o->qty_e6 - o->filled_e6; }

/* -- executor -- */
typedef enum pmm_route_mode { PMM_ROUTE_AUTO, PMM_ROUTE_SELL_FIRST, PMM_ROUTE_OPPOSITE_ONLY } pmm_route_mode_t;
typedef enum pmm_on_cross { PMM_CROSS_INSIDE, PMM_CROSS_SKIP } pmm_on_cross_t;
typedef struct pmm_exec_params {
  int32_t route, on_cross;      /* pmm_route_mode_t, pmm_on_cross_t */
  double max_exit_slippage;     /* .05 dollars from fair */
  bool amend;                   /* the venue can shrink an order in place */
  bool post_only;               /* quotes are post-only (default true) */
  int64_t pending_timeout_ns;   /* a request unanswered this long makes the order UNKNOWN (default 10 s; 0 never) */
} pmm_exec_params_t;
extern const pmm_param_t pmm_exec_param_table[];
extern const size_t pmm_exec_param_cnt;

typedef struct pmm_actions { pmm_action_t *action; uint32_t cnt, cap; } pmm_actions_t; /* caller's buffer, appended to */

typedef struct pmm_exec pmm_exec_t;
typedef struct pmm_exec_config {
  pmm_exec_params_t params;
  uint32_t slot_cnt, orders_max;   /* open orders over all slots */
  uint64_t id_base;                /* high bits of client order ids, distinct per run of an account; the low 32 are 0 */
} pmm_exec_config_t;
/* Borrows ledger and risk for its life. PMM_INVAL (counts, id_base), PMM_FULL (arena). */
pmm_status_t pmm_exec_init(pmm_exec_t **exec, pmm_arena_t *arena, const pmm_exec_config_t *config, pmm_ledger_t *ledger, pmm_risk_t *risk);
pmm_status_t pmm_exec_slot(pmm_exec_t *exec, uint32_t slot, uint32_t market); /* binds, once: PMM_EXISTS; PMM_INVAL (slot) */

typedef struct pmm_exec_ctx { /* the slot's market as it is now */
  int64_t now_ns;
  const pmm_market_t *market;
  const pmm_ladder_t *ladder;
  int64_t equity_e6, at_risk_e6; /* of the account before this call: equity; cost of positions and cash behind open orders */
} pmm_exec_ctx_t;
/* pmm_exec_quote moves a slot's orders toward the strategy's quotes:
   QUOTE: keeps what matches (price, and size within resize_tolerance), amends where allowed, cancels the rest, then places what is
     missing, cancels before places, post-only; a price that would cross the book goes one valid tick inside it (or is skipped);
     PAUSE: cancels all; KEEP: nothing; EXIT: cancels all quotes and sends one immediate-or-cancel order no worse than the exit limit
     from fair, while none is under way. Sizes pass pmm_risk_size_factor, the lot and the minimum size; every placement passes pmm_risk_check.
   Orders whose cancel was sent no longer count, neither here nor against limits; the cash and contracts they lock stay locked
   until the venue confirms. An order UNKNOWN counts as there. A buy that free cash (or the strategy's floor) does not cover is cut to
   what it covers; a resting order too small for want of cash is topped up, not replaced.
   Routing: a bid sells NO held (sellable) first and buys YES for the rest, an ask likewise, as up to two orders; opposite_only always buys.
   An exit is one order: it sells what is held and sellable, waits while that is locked in orders being cancelled, else buys the
   opposite; it is not sent while the book has nothing within its limit. Sizes of exits are not cut by the losing streak.
   With the kill switch pulled everything but a KEEP is a PAUSE. A market that does not trade gets no orders, only cancels by PAUSE.
   Never blocks, never fails as a whole: what was refused is counted (pmm_exec_stats) and named in *refused (may be NULL, last reason).
   Returns true when orders are as wanted, so that the same call would do nothing again as long as quotes, best prices, orders and the
   size factor stay; false when something was sent, refused, cut or held back. */
bool pmm_exec_quote(pmm_exec_t *exec, uint32_t slot, const pmm_exec_ctx_t *ctx, const pmm_quotes_t *quotes, pmm_actions_t *out,
                    pmm_risk_reason_t *refused);
/* An operator's or the kill switch's cancels are not held back by the rate budget (they use it up, though). Immediate-or-cancel
   orders on their way are left alone: they end by themselves. Call again when out was full. */
void pmm_exec_cancel_slot(pmm_exec_t *exec, uint32_t slot, int64_t now_ns, pmm_actions_t *out);
void pmm_exec_cancel_all(pmm_exec_t *exec, int64_t now_ns, pmm_actions_t *out);
/* The market closed: the venue expires our orders itself; nothing is sent, states follow from the events. */

typedef struct pmm_exec_effect { /* what an account event meant */
  bool known;                /* the order (or unsettled trade) is ours; false: nothing was done */
  uint32_t slot;
  pmm_order_t order;         /* after the event; all zero for SETTLED and SETTLE_FAILED */
  bool is_fill, terminal;    /* a failed settlement is no fill; the figures below tell what was undone */
  pmm_side_t side;
  int64_t fill_qty_e6, fee_e6, realized_e6; int32_t fill_price_e4; bool maker;
} pmm_exec_effect_t;
/* pmm_exec_on_event applies ACK .. ORDER_STATE events: order automaton, locks, ledger. A duplicate fill (same trade id and order
   among the last 4096) is ignored and counted; trade id 0 means the venue names none. A fill with a trade id for an order that is gone is
   booked (effect->order all zero). PMM_OK, or PMM_STATE (ignored as late
   or duplicate; a late ACK may mean that an order rests which we gave up: cancel it by id), PMM_NOT_FOUND (not our order),
   PMM_INVAL (malformed), and for a fill whatever pmm_ledger_fill refuses with, nothing changed: then books and venue
   disagree and trading must stop.
   Quantities that make reordering harmless: CANCELLED and EXPIRED carry in qty_e6 what was still open (0: not told);
   AMENDED carries in amount_e6 the contracts filled so far (0: not told); a trade id settles as a whole. */
pmm_status_t pmm_exec_on_event(pmm_exec_t *exec, const pmm_event_t *event, pmm_exec_effect_t *effect);
/* An order that rests on the venue and is not in the table: found at the start, placed by an earlier run. Its cash or contracts are locked; it is
   kept, amended or cancelled like any other. filled_e6: before us, not booked. PMM_INVAL, PMM_EXISTS, PMM_FULL, PMM_FUNDS: nothing changed. */
typedef struct pmm_exec_found { uint64_t order_id, ref_id; int64_t open_e6, filled_e6, now_ns; int32_t price_e4; uint8_t route; } pmm_exec_found_t;
pmm_status_t pmm_exec_adopt(pmm_exec_t *exec, uint32_t slot, const pmm_exec_found_t *found, const pmm_market_t *market);
/* Requests unanswered for pending_timeout_ns become UNKNOWN; the caller should then reconcile them. Returns how many. */
uint32_t pmm_exec_on_timer(pmm_exec_t *exec, int64_t now_ns);

/* Open orders of a slot as strategies see them, bids best first, then asks best first, up to cap; returns how many. */
size_t pmm_exec_own_orders(const pmm_exec_t *exec, uint32_t slot, pmm_own_order_t *out, size_t cap);
uint32_t pmm_exec_open_cnt(const pmm_exec_t *exec, uint32_t slot);
const pmm_order_t *pmm_exec_find(const pmm_exec_t *exec, uint64_t order_id); /* open orders; NULL */
/* Exposure of a slot's open orders: quantity per side and the cash they reserve, of all that may still fill; best prices
   of those not being cancelled, 0 none. */
typedef struct pmm_exec_open { int64_t bid_e6, ask_e6, bid_cash_e6, ask_cash_e6; int32_t best_bid_e4, best_ask_e4; } pmm_exec_open_t;
void pmm_exec_open(const pmm_exec_t *exec, uint32_t slot, pmm_exec_open_t *out);

typedef struct pmm_exec_stats { /* per slot */
  uint64_t orders, cancels, amends; /* placed; cancels sent, once per order; shrunk in place */
  uint64_t fills, maker_fills, rejects, expired, unknown, late, duplicates, exits, refused;
  uint64_t failed;              /* fills undone by a failed settlement; the sums below are without them */
  int64_t bought_e6, sold_e6;   /* contracts in YES space */
  int64_t volume_e6;            /* cash_e6 at YES prices */
} pmm_exec_stats_t;
const pmm_exec_stats_t *pmm_exec_stats(const pmm_exec_t *exec, uint32_t slot);
/* pmm_exec_check rechecks lists, locks against the ledger and states from scratch; debug and test builds. */
pmm_status_t pmm_exec_check(const pmm_exec_t *exec, pmm_error_t *err);
uint64_t pmm_exec_hash(const pmm_exec_t *exec, uint64_t h);
#endif
