#include "exchange/wallet.h"
#include <assert.h>

pmm__lock_t pmm__lock_for(const pmm_fee_schedule_t *fees, pmm_route_t route, int32_t price_e4, int64_t open_e6) {
  if (open_e6 == 0) return (pmm__lock_t){0};
  int64_t const fee_e6 = fees ? pmm_fee_bound(fees, price_e4, open_e6, PMM__FEE_FILLS) : 0;
  int32_t const outcome_e4 = pmm__route_price(route, price_e4);
  if (!pmm_route_is_sell(route)) return (pmm__lock_t){.cash_e6 = pmm_notional_ceil(outcome_e4, open_e6) + fee_e6};
  return (pmm__lock_t){.cash_e6 = pmm_max64(0, fee_e6 - pmm_notional_floor(outcome_e4, open_e6)), .qty_e6 = open_e6};
}

static int64_t free_yes(const pmm__holding_t *h) { return h->yes_e6 - h->yes_locked_e6 - h->yes_unsettled_e6; }
static int64_t free_no(const pmm__holding_t *h) { return h->no_e6 - h->no_locked_e6 - h->no_unsettled_e6; }

static int64_t *locked_of(pmm__holding_t *holding, pmm_route_t route) {
  return route == PMM_SELL_NO ? &holding->no_locked_e6 : &holding->yes_locked_e6;
}

void pmm__wallet_relock(pmm__wallet_t *wallet, pmm__holding_t *holding, pmm_route_t route, pmm__lock_t *lock, pmm__lock_t want) {
  wallet->locked_e6 += want.cash_e6 - lock->cash_e6;
  if (pmm_route_is_sell(route)) *locked_of(holding, route) += want.qty_e6 - lock->qty_e6;
  *lock = want;
}

pmm_reject_t pmm__wallet_lock(pmm__wallet_t *wallet, pmm__holding_t *holding, pmm_route_t route, pmm__lock_t *lock, pmm__lock_t want) {
  int64_t const more_cash = want.cash_e6 - lock->cash_e6, more_qty = want.qty_e6 - lock->qty_e6;
  if (more_cash > 0 && more_cash > wallet->cash_e6 - wallet->locked_e6) return PMM_REJECT_FUNDS;
  if (more_qty > 0) {
    if (more_qty > (route == PMM_SELL_NO ? free_no(holding) : free_yes(holding))) return PMM_REJECT_SHARES;
  }
  pmm__wallet_relock(wallet, holding, route, lock, want);
  return PMM_REJECT_NONE;
}

int64_t pmm__wallet_fill(pmm__wallet_t *wallet, pmm__holding_t *holding, pmm_route_t route, int32_t price_e4, int64_t qty_e6, int64_t fee_e6) {
  int32_t const outcome_e4 = pmm__route_price(route, price_e4);
  bool const sell = pmm_route_is_sell(route);
  int64_t const moved = sell ? pmm_notional_floor(outcome_e4, qty_e6) : -pmm_notional_ceil(outcome_e4, qty_e6);
  int64_t *const held = route == PMM_BUY_NO || route == PMM_SELL_NO ? &holding->no_e6 : &holding->yes_e6;
  *held += sell ? -qty_e6 : qty_e6;
  assert(*held >= 0); /* a sell locked what it sells */
  wallet->cash_e6 += moved - fee_e6;
  return moved;
}

int64_t pmm__wallet_net(pmm__wallet_t *wallet, pmm__holding_t *holding) {
  int64_t const pairs = pmm_min64(free_yes(holding), free_no(holding));
  if (pairs <= 0) return 0;
  holding->yes_e6 -= pairs;
  holding->no_e6 -= pairs;
  wallet->cash_e6 += pairs; /* qty_e6 pairs are worth cash_e6 dollars: one each */
  return pairs;
}

int64_t pmm__wallet_worth(int64_t yes_e6, int64_t no_e6, int64_t payout_yes_e6) {
  return pmm_muldiv_floor(yes_e6, payout_yes_e6, PMM_ONE_E6) + pmm_muldiv_floor(no_e6, PMM_ONE_E6 - payout_yes_e6, PMM_ONE_E6);
}

int64_t pmm__wallet_resolve(pmm__wallet_t *wallet, pmm__holding_t *holding, int64_t payout_yes_e6) {
  int64_t const paid = pmm__wallet_worth(holding->yes_e6, holding->no_e6, payout_yes_e6);
  assert(holding->yes_locked_e6 == 0 && holding->no_locked_e6 == 0); /* orders are gone before the market pays */
  *holding = (pmm__holding_t){0};
  wallet->cash_e6 += paid;
  return paid;
}

int64_t pmm__reduce_max(const pmm__holding_t *holding, pmm_route_t route) {
  switch (route) {
  case PMM_SELL_YES: return free_yes(holding);
  case PMM_SELL_NO: return free_no(holding);
  case PMM_BUY_YES: return pmm_max64(0, holding->no_e6 - holding->yes_e6);
  case PMM_BUY_NO: return pmm_max64(0, holding->yes_e6 - holding->no_e6);
  }
  return 0;
}
