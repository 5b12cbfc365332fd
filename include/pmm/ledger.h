/* pmm/ledger.h -- the account: cash, positions, fees, P&L, in integers. Many slots, each of one wallet; a slot is one strategy in one
   market with an inventory of its own, a wallet is the cash at one venue: what lies at one does not pay for orders at another.

   Conservation, for every state the ledger can be in (pmm_ledger_check):
       cash + sum over slots of (yes_cost + no_cost) + sum of fees - sum of realized = deposits
   where realized is gross of fees and fees are net of rebates; and per slot: owned = sellable + locked + unsettled.
   A fill is matched at once and settled later (or at once). A failed settlement is undone exactly: afterwards the
   ledger is bit for bit what it would be had the fill never been. To that end each slot keeps the state after its
   last settled prefix and the list of what happened since (fills, merges, payouts), and replays them.
   Cost is the average cost of all that is owned, settled or not. A sale of part q of a holding h that cost c takes
   floor(c*q/h) with it; the remainder stays, so the last contract takes the last micro-dollar.
   Only settled contracts can be sold, locked, netted or merged: a failed buy therefore never leaves a negative position. A failed
   sale takes its proceeds back and may leave cash below zero when they were spent meanwhile; buys are then refused.
   docs/accounting.md has the reasoning and a worked example.
   Single-threaded; sizes fixed at init; no allocation after it. */
#ifndef PMM_LEDGER_H
#define PMM_LEDGER_H
#include "pmm/arena.h"
#include "pmm/event.h"
#include "pmm/market.h"
#include "pmm/strategy.h"

typedef struct pmm_ledger pmm_ledger_t;
typedef struct pmm_ledger_config {
  uint32_t slot_cnt;
  uint32_t pending_max;  /* unsettled fills over all slots at one time; 0: every fill is final */
  uint32_t wallet_cnt;   /* 0: one */
} pmm_ledger_config_t;
/* PMM_INVAL, PMM_FULL (arena). The ledger lives in the arena. */
pmm_status_t pmm_ledger_init(pmm_ledger_t **ledger, pmm_arena_t *arena, const pmm_ledger_config_t *config);
/* Binds a slot to its market, once: PMM_EXISTS the second time, PMM_INVAL (slot). net_pairs: a YES and a NO held together become one dollar at once (Kalshi; Degen and
   Polymarket only by an explicit merge); contracts that are locked or unsettled are netted when they become free. */
pmm_status_t pmm_ledger_slot(pmm_ledger_t *ledger, uint32_t slot, uint32_t market, bool net_pairs);
/* The wallet a slot pays from and is paid to; 0 unless said otherwise. Before its first lock, fill or adoption: PMM_STATE after it. PMM_INVAL. */
pmm_status_t pmm_ledger_slot_wallet(pmm_ledger_t *ledger, uint32_t slot, uint32_t wallet);

pmm_status_t pmm_ledger_deposit(pmm_ledger_t *ledger, int64_t amount_e6); /* into wallet 0; negative: withdrawal; PMM_FUNDS */
pmm_status_t pmm_ledger_deposit_in(pmm_ledger_t *ledger, uint32_t wallet, int64_t amount_e6); /* PMM_INVAL (wallet), PMM_FUNDS */
int64_t pmm_ledger_wallet_cash(const pmm_ledger_t *ledger, uint32_t wallet);
int64_t pmm_ledger_slot_free(const pmm_ledger_t *ledger, uint32_t slot);   /* cash of its wallet that is not reserved */
/* Contracts that were there before the ledger (outcome 0 YES, 1 NO), at what they cost: a deposit that never was cash. PMM_INVAL (slot, outcome, amounts),
   PMM_FULL (as for a fill). Pairs are netted where the slot nets. */
pmm_status_t pmm_ledger_adopt(pmm_ledger_t *ledger, uint32_t slot, int outcome, int64_t qty_e6, int64_t cost_e6);
int64_t pmm_ledger_cash(const pmm_ledger_t *ledger);      /* all cash, reserved part included */
int64_t pmm_ledger_reserved(const pmm_ledger_t *ledger);  /* behind resting buys */
static inline int64_t pmm_ledger_free(const pmm_ledger_t *l) { return pmm_ledger_cash(l) - pmm_ledger_reserved(l); }
int64_t pmm_ledger_deposits(const pmm_ledger_t *ledger);
void pmm_ledger_position(const pmm_ledger_t *ledger, uint32_t slot, pmm_position_t *out);

/* -- what an open order ties up -- */
typedef struct pmm_lock { int64_t cash_e6, qty_e6; uint8_t route; uint32_t slot; } pmm_lock_t; /* zero: nothing */
/* pmm_ledger_lock makes *lock fit an order with open_e6 left at price_e4 (YES space): buys reserve cost plus fee_e6,
   sells lock contracts; releases or takes the difference. open_e6 0 releases all. PMM_FUNDS with nothing changed; asking
   for no more than before never fails. A lock that is not zero keeps its slot and route. */
pmm_status_t pmm_ledger_lock(pmm_ledger_t *ledger, pmm_lock_t *lock, uint32_t slot, pmm_route_t route, int32_t price_e4,
                             int64_t open_e6, int64_t fee_e6);

/* -- fills -- */
typedef struct pmm_fill {
  uint64_t trade_id;  /* names it for settle and fail; unique among the unsettled */
  uint32_t slot;
  uint8_t route;      /* pmm_route_t */
  bool pending;       /* settlement is still to come */
  int32_t price_e4;   /* YES space */
  int64_t qty_e6;     /* > 0 */
  int64_t fee_e6;     /* negative: rebate */
} pmm_fill_t;
#define PMM_LEDGER_AMOUNT_MAX INT64_C(1000000000000000) /* largest single quantity or amount: 1e9 contracts, dollars */
/* Books a fill: buys pay notional (rounded up to 1e-6) plus fee, sells receive it (rounded down) less fee. *realized (may be
   NULL) is what the fill realized, gross of fees (a sell, or pairs netted). PMM_FUNDS (selling more than owned; cash may go
   below the reserve but a buy beyond all cash is refused), PMM_FULL (pending_max, or no room to remember what follows an
   unsettled fill: eight operations per pending_max), PMM_EXISTS (trade_id pending), PMM_INVAL (slot, route, price, amounts),
   PMM_OVERFLOW (holding too large).
   A sell may use locked contracts: book an order's fill first, then shrink its lock; between the two calls locked may exceed
   what is owned. */
pmm_status_t pmm_ledger_fill(pmm_ledger_t *ledger, const pmm_fill_t *fill, int64_t *realized_e6);
pmm_status_t pmm_ledger_settle(pmm_ledger_t *ledger, uint64_t trade_id);  /* final; PMM_NOT_FOUND */
pmm_status_t pmm_ledger_fail(pmm_ledger_t *ledger, uint64_t trade_id, pmm_fill_t *undone); /* undone exactly; PMM_NOT_FOUND */
bool pmm_ledger_pending(const pmm_ledger_t *ledger, uint64_t trade_id, pmm_fill_t *out); /* out (may be NULL) when it is unsettled */
/* Turns qty pairs of YES+NO of a slot into cash at one dollar; PMM_FUNDS when it holds fewer sellable pairs. */
pmm_status_t pmm_ledger_merge(pmm_ledger_t *ledger, uint32_t slot, int64_t qty_e6, int64_t *realized_e6);
/* Pays out one market's slots: payout_yes_e6 per YES, the rest of a dollar per NO (rounded down, remainder lost to the venue
   and booked as realized). Positions become zero; unsettled contracts are paid too, and a later failure takes back exactly
   what they got. Locks must be released before (PMM_STATE). PMM_INVAL (payout outside 0 .. 1e6), PMM_FULL
   (paid out before with fills still pending, and the log is full). A market without slots pays 0. */
pmm_status_t pmm_ledger_resolve(pmm_ledger_t *ledger, uint32_t market, int64_t payout_yes_e6, int64_t *realized_e6);

/* -- figures -- */
/* All O(1). fees_e6 is net of rebates; rebates_e6 tells how much of them there was. */
typedef struct pmm_ledger_totals { int64_t cash_e6, reserved_e6, deposits_e6, cost_e6, fees_e6, rebates_e6, realized_e6; } pmm_ledger_totals_t;
void pmm_ledger_totals(const pmm_ledger_t *ledger, pmm_ledger_totals_t *out);
/* Value of a slot's holdings at a YES price given in cash_e6 per contract, minus their cost. */
int64_t pmm_ledger_unrealized(const pmm_ledger_t *ledger, uint32_t slot, int64_t yes_value_e6);
/* pmm_ledger_check recomputes every invariant from scratch; PMM_CORRUPT with err naming the one that fails. O(slots + log). */
pmm_status_t pmm_ledger_check(const pmm_ledger_t *ledger, pmm_error_t *err);
uint64_t pmm_ledger_hash(const pmm_ledger_t *ledger, uint64_t h); /* folds all money and positions into h; O(slots) */
#endif
