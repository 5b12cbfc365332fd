/* exchange/wallet.h -- the money of one account at a venue: cash, contracts, and what resting orders tie up. Shared by the
   fill simulator and the matching engine, and written apart from pmm/ledger.h on purpose, so that the two can be compared.

   Escrow of an order with `open` left at its limit: a buy locks cost (rounded up) plus a bound of its fees, a sell locks
   contracts, and cash only where the fee could exceed the proceeds. Fees are bounded over FEE_FILLS more fills: an order that
   fills in more and smaller pieces may overdraw free cash by a rounding unit each, as at the venues. */
#ifndef PMM_EXCHANGE_WALLET_H
#define PMM_EXCHANGE_WALLET_H
#include "pmm/event.h"
#include "pmm/fees.h"

#define PMM__FEE_FILLS 16

typedef struct pmm__wallet { int64_t cash_e6, locked_e6; } pmm__wallet_t;               /* one account */
typedef struct pmm__holding { /* one account in one market */
  int64_t yes_e6, no_e6, yes_locked_e6, no_locked_e6;
  int64_t yes_unsettled_e6, no_unsettled_e6; /* bought, not yet final: neither sold nor netted */
} pmm__holding_t;
typedef struct pmm__lock { int64_t cash_e6, qty_e6; } pmm__lock_t;                      /* one order */

/* The price of the outcome that a route names, at a YES price. */
static inline int32_t pmm__route_price(pmm_route_t route, int32_t price_e4) {
  return route == PMM_BUY_NO || route == PMM_SELL_NO ? PMM_ONE_E4 - price_e4 : price_e4;
}

/* An amend that may only make smaller, as it fits an order of which a part was filled since it was sent. */
static inline pmm_action_t pmm__fit_amend(const pmm_action_t *asked, int32_t price_e4, int64_t open_e6) {
  pmm_action_t fitted = *asked;
  if ((asked->flags & PMM_ACT_REDUCE_ONLY) && asked->price_e4 == price_e4) fitted.qty_e6 = pmm_min64(asked->qty_e6, open_e6);
  return fitted;
}

/* What an order must lock; fees NULL: none are charged. open_e6 0 gives nothing. */
pmm__lock_t pmm__lock_for(const pmm_fee_schedule_t *fees, pmm_route_t route, int32_t price_e4, int64_t open_e6);
/* Makes *lock equal want. PMM_REJECT_NONE, or with nothing changed PMM_REJECT_FUNDS or PMM_REJECT_SHARES. */
pmm_reject_t pmm__wallet_lock(pmm__wallet_t *wallet, pmm__holding_t *holding, pmm_route_t route, pmm__lock_t *lock, pmm__lock_t want);
/* The same without asking, for what shrinks after a fill or goes away. */
void pmm__wallet_relock(pmm__wallet_t *wallet, pmm__holding_t *holding, pmm_route_t route, pmm__lock_t *lock, pmm__lock_t want);
/* One leg of a trade: contracts and cash move, buys rounded up, sells down, then the fee. Returns the cash moved, fee left out. */
int64_t pmm__wallet_fill(pmm__wallet_t *wallet, pmm__holding_t *holding, pmm_route_t route, int32_t price_e4, int64_t qty_e6, int64_t fee_e6);
/* Turns free pairs of YES and NO into cash; returns how many. Pairs behind resting sells follow when these let go. */
int64_t pmm__wallet_net(pmm__wallet_t *wallet, pmm__holding_t *holding);
/* What a holding is worth at a payout, each outcome rounded down. */
int64_t pmm__wallet_worth(int64_t yes_e6, int64_t no_e6, int64_t payout_yes_e6);
/* Pays out and empties a holding: payout_yes_e6 for a YES, the rest of a dollar for a NO, each rounded down. Returns the cash paid. */
int64_t pmm__wallet_resolve(pmm__wallet_t *wallet, pmm__holding_t *holding, int64_t payout_yes_e6);
/* How much an order of this route could reduce the position now; what reduce-only is cut to, once, at entry. */
int64_t pmm__reduce_max(const pmm__holding_t *holding, pmm_route_t route);
#endif
