/* The matching engine, what only a place of many accounts needs: markets that come later, money in and out, trades that settle later, and
   questions asked before an order. */
#include <assert.h>
#include "exchange/match_impl.h"

pmm_status_t pmm_match_market_add(pmm_match_t *m, const pmm_market_t *market, uint32_t *index) {
  pmm_status_t const st = pmm_market_check(market, NULL);
  if (st != PMM_OK) return st;
  if (m->market_cnt == m->market_max) return PMM_FULL;
  pmm_status_t const made = pmm__match_market_init(m, &m->later, m->market_cnt, market);
  if (made != PMM_OK) return made;
  *index = m->market_cnt++;
  return PMM_OK;
}

uint32_t pmm_match_market_cnt(const pmm_match_t *m) { return m->market_cnt; }
int64_t pmm_match_next_ns(const pmm_match_t *m) { return m->next_expire_ns; }
void pmm_match_pending(pmm_match_t *m, bool pending) { m->pending = pending; }

/* ---- money in and out ---- */

pmm_status_t pmm_match_deposit(pmm_match_t *m, uint32_t account, int64_t amount_e6) {
  assert(account < m->account_cnt);
  pmm__wallet_t *const w = &m->wallet[account];
  int64_t sum;
  if (amount_e6 < 0 && -amount_e6 > w->cash_e6 - w->locked_e6) return PMM_FUNDS;
  if (__builtin_add_overflow(m->deposits_e6, amount_e6, &sum) || sum > INT64_MAX / 4) return PMM_OVERFLOW;
  w->cash_e6 += amount_e6;
  m->deposits_e6 = sum;
  return PMM_OK;
}

pmm_status_t pmm_match_merge(pmm_match_t *m, uint32_t account, uint32_t market, int64_t qty_e6) {
  assert(account < m->account_cnt && market < m->market_cnt);
  pmm__match_market_t *const mk = &m->market[market];
  pmm__wallet_t *const w = &m->wallet[account];
  pmm__holding_t *const h = pmm__match_holding(m, account, market);
  if (qty_e6 < 0 && -qty_e6 > w->cash_e6 - w->locked_e6) return PMM_FUNDS;
  if (qty_e6 > 0 && qty_e6 > pmm_min64(pmm__reduce_max(h, PMM_SELL_YES), pmm__reduce_max(h, PMM_SELL_NO))) return PMM_FUNDS;
  h->yes_e6 -= qty_e6;
  h->no_e6 -= qty_e6;
  w->cash_e6 += qty_e6; /* a pair is a dollar, and both are counted in millionths */
  mk->yes_e6 -= qty_e6;
  mk->no_e6 -= qty_e6;
  return PMM_OK;
}

/* ---- settlement ---- */

static bool names_no(uint8_t route) { return route == PMM_BUY_NO || route == PMM_SELL_NO; }

/* One leg made as if it had never been; returns the cash its fill had moved, fee left out. */
static int64_t undo_leg(pmm_match_t *m, uint32_t market, int32_t price_e4, int64_t qty_e6, const pmm_match_leg_t *leg) {
  pmm__match_market_t *const mk = &m->market[market];
  pmm__holding_t *const h = pmm__match_holding(m, leg->account, market);
  bool const sell = pmm_route_is_sell((pmm_route_t)leg->route);
  int32_t const outcome_e4 = pmm__route_price((pmm_route_t)leg->route, price_e4);
  int64_t const moved = sell ? pmm_notional_floor(outcome_e4, qty_e6) : -pmm_notional_ceil(outcome_e4, qty_e6), back = sell ? qty_e6 : -qty_e6;
  int64_t *const held = names_no(leg->route) ? &h->no_e6 : &h->yes_e6;
  *held += back;
  *(names_no(leg->route) ? &mk->no_e6 : &mk->yes_e6) += back;
  assert(*held >= 0); /* what is not settled was neither sold nor netted */
  m->wallet[leg->account].cash_e6 -= moved - leg->fee_e6;
  m->kept_e6 -= leg->fee_e6;
  return moved;
}

void pmm_match_settle(pmm_match_t *m, uint32_t market, int32_t price_e4, int64_t qty_e6, const pmm_match_leg_t leg[2], bool ok) {
  int64_t const pairs = m->market[market].yes_e6;
  int64_t moved = 0;
  for (int i = 0; i < 2; i++) {
    pmm__holding_t *const h = pmm__match_holding(m, leg[i].account, market);
    if (!pmm_route_is_sell((pmm_route_t)leg[i].route)) *(names_no(leg[i].route) ? &h->no_unsettled_e6 : &h->yes_unsettled_e6) -= qty_e6;
    assert(h->yes_unsettled_e6 >= 0 && h->no_unsettled_e6 >= 0);
    if (!ok) moved += undo_leg(m, market, price_e4, qty_e6, &leg[i]);
  }
  if (!ok) m->kept_e6 += moved - (m->market[market].yes_e6 - pairs); /* the rounding that had stayed with the venue */
  for (int i = 0; i < 2; i++) pmm__match_net(m, leg[i].account, market);
}

/* ---- questions before an order ---- */

pmm_reject_t pmm_match_dry(pmm_match_t *m, uint32_t account, int64_t now_ns, const pmm_action_t *a) {
  pmm_reject_t const form = pmm__match_check(m, account, now_ns, a);
  if (form != PMM_REJECT_NONE) return form;
  int64_t const qty = pmm__match_reduced(m, account, a);
  if (qty <= 0) return PMM_REJECT_SHARES;
  pmm__node_t o = pmm__match_node(account, a, qty);
  pmm_reject_t const why = pmm__match_admit(m, &o);
  pmm__wallet_relock(&m->wallet[account], pmm__match_holding(m, account, a->market), (pmm_route_t)a->route, &o.lock, (pmm__lock_t){0});
  return why;
}

int64_t pmm_match_afford(const pmm_match_t *m, uint32_t account, const pmm_action_t *a, int64_t spend_e6, int64_t *cost_e6, bool *enough) {
  const pmm__match_market_t *const mk = &m->market[a->market];
  pmm__node_t const o = pmm__match_node(account, a, 0);
  pmm_stp_t const stp = pmm__match_stp(m, &o);
  pmm_side_t const opposite = pmm_side_opposite((pmm_side_t)o.side);
  int64_t qty = 0, cost = 0;
  bool out = false, stopped = false; /* out of money; stopped by an own order */
  for (int32_t tick = mk->ladder.best[opposite]; !out && !stopped && pmm__match_crosses(mk, o.side, o.price_e4, tick);
       tick = pmm_ladder_next(&mk->ladder, opposite, tick)) {
    int32_t const each_e4 = pmm__route_price((pmm_route_t)a->route, tick * mk->ladder.tick_e4);
    for (uint32_t i = mk->level[opposite][tick].first; i != 0 && !out && !stopped; i = m->order[i - 1].next) {
      bool const own = m->order[i - 1].account == account && stp != PMM_STP_NONE;
      stopped = own && stp == PMM_STP_CANCEL_TAKER;
      if (own) continue;
      int64_t const open = m->order[i - 1].open_e6;
      int64_t const most = pmm_floor_to_lot(pmm_muldiv_floor(spend_e6 - cost, PMM_ONE_E4, each_e4), mk->market.lot_e6), take = pmm_min64(open, most);
      out = most <= open;
      qty += take;
      cost += pmm_notional_ceil(each_e4, take);
    }
  }
  *cost_e6 = cost;
  *enough = out;
  return qty;
}
