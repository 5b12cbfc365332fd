/* Fills that are not final yet: a heap by the time they settle or fail, and the undoing of those that fail. */
#include <assert.h>
#include "exchange/sim_impl.h"

/* ---- the heap: what is due first at the top, of one moment the older fill ---- */

static bool before(const pmm__pending_t *a, const pmm__pending_t *b) {
  return a->due_ns != b->due_ns ? a->due_ns < b->due_ns : a->trade_id < b->trade_id;
}

static void push(pmm_sim_t *sim, const pmm__pending_t *p) {
  assert(sim->pending_cnt < PMM_SIM_PENDING_MAX);
  uint32_t at = sim->pending_cnt++;
  for (; at > 0 && before(p, &sim->pending[(at - 1) / 2]); at = (at - 1) / 2) sim->pending[at] = sim->pending[(at - 1) / 2];
  sim->pending[at] = *p;
}

static pmm__pending_t pop(pmm_sim_t *sim) {
  pmm__pending_t const top = sim->pending[0], last = sim->pending[--sim->pending_cnt];
  uint32_t const cnt = sim->pending_cnt;
  uint32_t at = 0;
  for (uint32_t child = 1; child < cnt; child = 2 * at + 1) {
    if (child + 1 < cnt && before(&sim->pending[child + 1], &sim->pending[child])) child++;
    if (!before(&sim->pending[child], &last)) break;
    sim->pending[at] = sim->pending[child];
    at = child;
  }
  sim->pending[at] = last;
  return top;
}

/* ---- money ---- */

static bool names_no(uint8_t route) { return route == PMM_BUY_NO || route == PMM_SELL_NO; }

static int64_t *unsettled_of(pmm__holding_t *h, uint8_t route) { return names_no(route) ? &h->no_unsettled_e6 : &h->yes_unsettled_e6; }

/* A market that has paid takes back what the fill was paid for: the payout of the whole holding, less that of the holding without it,
   so that roundings are undone too. */
static void undo_contracts(pmm_sim_t *sim, const pmm__pending_t *p) {
  pmm__sim_market_t *const m = &sim->state[p->market];
  pmm__holding_t *const h = p->paid ? &m->paid : &m->holding;
  int64_t const worth = p->paid ? pmm__wallet_worth(h->yes_e6, h->no_e6, m->payout_yes_e6) : 0;
  int64_t *const held = names_no(p->route) ? &h->no_e6 : &h->yes_e6;
  *held += pmm_route_is_sell((pmm_route_t)p->route) ? p->qty_e6 : -p->qty_e6;
  assert(*held >= 0); /* what is not settled was neither sold nor netted */
  if (p->paid) sim->wallet.cash_e6 += pmm__wallet_worth(h->yes_e6, h->no_e6, m->payout_yes_e6) - worth;
}

static pmm__rest_t *newest_with_cash(const pmm_sim_t *sim) {
  pmm__rest_t *newest = NULL;
  for (uint32_t i = 0; i < sim->orders_max; i++) {
    pmm__rest_t *const o = &sim->order[i];
    if (o->resting && o->lock.cash_e6 > 0 && (!newest || o->id > newest->id)) newest = o;
  }
  return newest;
}

/* Cash that a failure took away no longer backs orders: as Polymarket does, these go. */
static void cover_locks(pmm_sim_t *sim, int64_t now_ns) {
  pmm__rest_t *o;
  while (sim->wallet.cash_e6 < sim->wallet.locked_e6 && (o = newest_with_cash(sim))) pmm__sim_end(sim, now_ns, o, PMM_EV_CANCELLED, PMM_REJECT_FUNDS);
}

static void settle(pmm_sim_t *sim, int64_t now_ns, const pmm__pending_t *p) {
  pmm__sim_market_t *const m = &sim->state[p->market];
  if (!p->paid && !pmm_route_is_sell((pmm_route_t)p->route)) *unsettled_of(&m->holding, p->route) -= p->qty_e6;
  if (p->fails) {
    sim->wallet.cash_e6 -= p->flow_e6;
    undo_contracts(sim, p);
  }
  if (m->nets && !p->paid) pmm__wallet_net(&sim->wallet, &m->holding);
  pmm__sim_tell_settled(sim, now_ns, p);
  sim->stats.settled += !p->fails;
  sim->stats.settle_failed += p->fails;
  if (p->fails) cover_locks(sim, now_ns);
}

/* ---- doors ---- */

void pmm__sim_defer(pmm_sim_t *sim, int64_t now_ns, pmm__pending_t *p) {
  pmm__sim_market_t *const m = &sim->state[p->market];
  if (sim->pending_cnt == PMM_SIM_PENDING_MAX) {
    pmm__pending_t early = pop(sim);
    early.fails = false; /* an undoing now would take orders away under the hands of whoever is filling them */
    settle(sim, now_ns, &early);
  }
  p->due_ns = now_ns + m->settle_delay_ns;
  p->fails = m->settle_fail_e4 > 0 && pmm_rng_below(&sim->settle_rng, PMM_ONE_E4) < (uint64_t)m->settle_fail_e4;
  if (!pmm_route_is_sell((pmm_route_t)p->route)) *unsettled_of(&m->holding, p->route) += p->qty_e6;
  push(sim, p);
}

void pmm__sim_settle(pmm_sim_t *sim, int64_t now_ns) {
  while (pmm__sim_settles_ns(sim) <= now_ns) {
    pmm__pending_t const p = pop(sim);
    settle(sim, now_ns, &p);
  }
}

void pmm__sim_resolve(pmm_sim_t *sim, uint32_t market, int64_t payout_yes_e6) {
  pmm__sim_market_t *const m = &sim->state[market];
  bool owes = m->holding.yes_e6 != 0 || m->holding.no_e6 != 0;
  for (uint32_t i = 0; i < sim->pending_cnt; i++) {
    pmm__pending_t *const p = &sim->pending[i];
    if (p->market != market || p->paid) continue;
    p->paid = owes = true;
  }
  if (!owes) return; /* said twice, perhaps: what was paid for is still needed */
  m->paid = m->holding;
  m->payout_yes_e6 = payout_yes_e6;
  pmm__wallet_resolve(&sim->wallet, &m->holding, payout_yes_e6);
}
