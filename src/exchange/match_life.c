/* The matching engine over time: expiry, life of markets, changes of grid; and the check of everything. */
#include <assert.h>
#include "exchange/match_impl.h"

/* ---- leaving the book ---- */

static void end_side(pmm_match_t *m, int64_t now_ns, uint32_t market, uint8_t side, pmm_kind_t kind, pmm_reject_t why) {
  pmm__match_market_t *const mk = &m->market[market];
  for (int32_t tick = mk->ladder.best[side]; tick != PMM_TICKS_NONE; tick = mk->ladder.best[side]) {
    int32_t const price_e4 = tick * mk->ladder.tick_e4;
    while (mk->level[side][tick].first != 0) {
      pmm__node_t *const o = &m->order[mk->level[side][tick].first - 1];
      pmm__match_tell(m, now_ns, kind, o, why);
      pmm__match_shrink(m, o, o->open_e6);
    }
    pmm__match_publish_level(m, now_ns, market, side, price_e4);
  }
}

static void end_orders(pmm_match_t *m, int64_t now_ns, uint32_t market, pmm_kind_t kind, pmm_reject_t why) {
  end_side(m, now_ns, market, PMM_BID, kind, why);
  end_side(m, now_ns, market, PMM_ASK, kind, why);
}

/* ---- life ---- */

bool pmm_match_payout_fits(pmm_outcome_t outcome, int64_t payout_yes_e6) {
  switch (outcome) {
  case PMM_OUTCOME_YES: return payout_yes_e6 == PMM_ONE_E6;
  case PMM_OUTCOME_NO: return payout_yes_e6 == 0;
  case PMM_OUTCOME_VOID: return payout_yes_e6 >= 0 && payout_yes_e6 <= PMM_ONE_E6;
  case PMM_OUTCOME_UNKNOWN: return false;
  }
  return false;
}

static void pay_out(pmm_match_t *m, uint32_t market, int64_t payout_yes_e6) {
  pmm__match_market_t *const mk = &m->market[market];
  int64_t paid = 0;
  for (uint32_t a = 0; a < m->account_cnt; a++) paid += pmm__wallet_resolve(&m->wallet[a], pmm__match_holding(m, a, market), payout_yes_e6);
  m->kept_e6 += mk->yes_e6 - paid; /* the collateral of a pair is one dollar; what rounding leaves stays with the venue */
  mk->yes_e6 = mk->no_e6 = 0;
}

pmm_status_t pmm_match_life(pmm_match_t *m, uint32_t market, int64_t now_ns, pmm_life_t life, pmm_outcome_t outcome, int64_t payout_yes_e6) {
  assert(market < m->market_cnt);
  pmm_market_t *const mk = &m->market[market].market;
  m->at_ns = now_ns;
  pmm_status_t const st = pmm_life_move((pmm_life_t)mk->life, life);
  if (st != PMM_OK || mk->life == life) return st;
  if (life == PMM_LIFE_RESOLVED && !pmm_match_payout_fits(outcome, payout_yes_e6)) return PMM_INVAL;
  if (!pmm_life_trades(life) && life != PMM_LIFE_HALTED) end_orders(m, now_ns, market, PMM_EV_EXPIRED, PMM_REJECT_CLOSED);
  mk->life = (uint8_t)life;
  if (pmm_life_trades(life) && mk->close_ns > now_ns) m->next_expire_ns = pmm_min64(m->next_expire_ns, mk->close_ns); /* an early close revoked */
  pmm_event_t *const e = pmm__match_publish(m, now_ns, PMM_MD_STATUS, market);
  e->md.aux = (uint8_t)life;
  if (life == PMM_LIFE_RESOLVED) {
    pay_out(m, market, payout_yes_e6);
    mk->outcome = (uint8_t)outcome;
    mk->payout_yes_e6 = payout_yes_e6;
    e->md.side = (uint8_t)outcome;
    e->md.qty_e6 = payout_yes_e6;
  }
  pmm__match_end_burst(m);
  return PMM_OK;
}

/* ---- another grid ---- */

/* Moves the levels of one side to their index on the next grid, in the order that never overwrites one still to come. */
static void move_levels(pmm__match_market_t *mk, uint8_t side, int32_t next_tick_e4) {
  int32_t const tick_e4 = mk->ladder.tick_e4, cnt = mk->ladder.tick_cnt;
  bool const finer = next_tick_e4 < tick_e4;
  for (int32_t k = 1; k < cnt; k++) {
    int32_t const from = finer ? cnt - k : k;
    pmm__level_t const level = mk->level[side][from];
    if (level.first == 0) continue;
    mk->level[side][from] = (pmm__level_t){0};
    mk->level[side][from * tick_e4 / next_tick_e4] = level;
  }
}

static void cancel_off_grid(pmm_match_t *m, int64_t now_ns, uint32_t market, uint8_t side, const pmm_grid_t *next) {
  pmm__match_market_t *const mk = &m->market[market];
  int32_t after;
  for (int32_t tick = mk->ladder.best[side]; tick != PMM_TICKS_NONE; tick = after) {
    after = pmm_ladder_next(&mk->ladder, (pmm_side_t)side, tick);
    if (pmm_grid_is_valid(next, tick * mk->ladder.tick_e4)) continue;
    while (mk->level[side][tick].first != 0) {
      pmm__node_t *const o = &m->order[mk->level[side][tick].first - 1];
      pmm__match_tell(m, now_ns, PMM_EV_CANCELLED, o, PMM_REJECT_TICK);
      pmm__match_shrink(m, o, o->open_e6);
    }
    pmm__match_publish_level(m, now_ns, market, side, tick * mk->ladder.tick_e4);
  }
}

pmm_status_t pmm_match_regrid(pmm_match_t *m, uint32_t market, int64_t now_ns, int32_t tick_e4) {
  assert(market < m->market_cnt);
  pmm__match_market_t *const mk = &m->market[market];
  m->at_ns = now_ns;
  pmm_grid_t next;
  pmm_status_t const st = pmm_grid_uniform(&next, tick_e4);
  if (st != PMM_OK) return st;
  for (uint8_t side = PMM_BID; side <= PMM_ASK; side++) {
    cancel_off_grid(m, now_ns, market, side, &next);
    if (next.tick_e4 != mk->ladder.tick_e4) move_levels(mk, side, next.tick_e4);
  }
  pmm_status_t const re = pmm_ladder_regrid(&mk->ladder, next.tick_cnt, NULL);
  assert(re == PMM_OK); /* there is room for the finest grid */
  (void)re;
  mk->market.grid = next;
  pmm__match_publish(m, now_ns, PMM_MD_TICK, market)->md.price_e4 = tick_e4;
  pmm__match_end_burst(m);
  return PMM_OK;
}

/* ---- time ---- */

static void expire_orders(pmm_match_t *m, int64_t now_ns) {
  for (uint32_t i = 0; i < m->used_cnt; i++) {
    pmm__node_t *const o = &m->order[i];
    if (!o->resting) continue;
    if (o->expire_ns > now_ns) {
      m->next_expire_ns = pmm_min64(m->next_expire_ns, o->expire_ns);
      continue;
    }
    pmm__match_remove(m, now_ns, o, PMM_EV_EXPIRED, PMM_REJECT_EXPIRY);
    pmm__match_end_burst(m);
  }
}

static void open_and_close(pmm_match_t *m, int64_t now_ns, uint32_t market) {
  const pmm_market_t *const mk = &m->market[market].market;
  bool const waits = mk->life == PMM_LIFE_PENDING, lives = mk->life <= PMM_LIFE_HALTED;
  if (waits && mk->open_ns != PMM_TIME_NONE && mk->open_ns <= now_ns) pmm_match_life(m, market, now_ns, PMM_LIFE_OPEN, PMM_OUTCOME_UNKNOWN, 0);
  else if (waits && mk->open_ns != PMM_TIME_NONE) m->next_expire_ns = pmm_min64(m->next_expire_ns, mk->open_ns);
  if (!lives || mk->close_ns == PMM_TIME_NONE) return;
  if (mk->close_ns > now_ns) m->next_expire_ns = pmm_min64(m->next_expire_ns, mk->close_ns);
  else if (mk->life != PMM_LIFE_PENDING) pmm_match_life(m, market, now_ns, PMM_LIFE_CLOSED, PMM_OUTCOME_UNKNOWN, 0);
}

void pmm_match_advance(pmm_match_t *m, int64_t now_ns) {
  if (now_ns < m->next_expire_ns) return;
  m->at_ns = now_ns;
  m->next_expire_ns = PMM_NS_MAX;
  expire_orders(m, now_ns);
  for (uint32_t i = 0; i < m->market_cnt; i++) open_and_close(m, now_ns, i);
}

/* ---- the check ---- */

/* Walks one side's lists against its ladder. */
static pmm_status_t check_levels(const pmm_match_t *m, uint32_t market, uint8_t side, uint32_t *resting, pmm_error_t *err) {
  const pmm__match_market_t *const mk = &m->market[market];
  for (int32_t tick = 1; tick < mk->ladder.tick_cnt; tick++) {
    int64_t sum = 0;
    uint32_t prev = 0;
    for (uint32_t i = mk->level[side][tick].first; i != 0; prev = i, i = m->order[i - 1].next, ++*resting) {
      const pmm__node_t *const o = &m->order[i - 1];
      if (!o->resting || o->prev != prev || o->side != side || o->market != market || o->price_e4 != tick * mk->ladder.tick_e4 || o->open_e6 <= 0)
        return pmm_error_set(err, PMM_CORRUPT, "market %u side %u tick %d: order %u is not what its level says", market, side, tick, i - 1);
      sum += o->open_e6;
    }
    if (mk->level[side][tick].last != prev) return pmm_error_set(err, PMM_CORRUPT, "market %u side %u tick %d: wrong end of list", market, side, tick);
    if (sum != pmm_ladder_qty(&mk->ladder, (pmm_side_t)side, tick))
      return pmm_error_set(err, PMM_CORRUPT, "market %u side %u tick %d: ladder does not show its orders", market, side, tick);
  }
  return PMM_OK;
}

static pmm_status_t check_market(const pmm_match_t *m, uint32_t market, uint32_t *resting, pmm_error_t *err) {
  const pmm__match_market_t *const mk = &m->market[market];
  if (!pmm_ladder_is_valid(&mk->ladder)) return pmm_error_set(err, PMM_CORRUPT, "market %u: invalid ladder", market);
  pmm_book_state_t const state = pmm_ladder_state(&mk->ladder);
  if (state == PMM_BOOK_LOCKED || state == PMM_BOOK_CROSSED) return pmm_error_set(err, PMM_CORRUPT, "market %u: the book crosses itself", market);
  for (uint8_t side = PMM_BID; side <= PMM_ASK; side++) {
    pmm_status_t const st = check_levels(m, market, side, resting, err);
    if (st != PMM_OK) return st;
  }
  int64_t yes = 0, no = 0;
  for (uint32_t a = 0; a < m->account_cnt; a++) {
    const pmm__holding_t *const h = pmm__match_holding(m, a, market);
    if (h->yes_e6 < h->yes_locked_e6 || h->no_e6 < h->no_locked_e6) return pmm_error_set(err, PMM_CORRUPT, "account %u market %u: more locked than held", a, market);
    yes += h->yes_e6;
    no += h->no_e6;
  }
  if (yes != no || yes != mk->yes_e6 || no != mk->no_e6) return pmm_error_set(err, PMM_CORRUPT, "market %u: YES and NO issued do not agree", market);
  return PMM_OK;
}

/* What the resting orders of an account lock, over all markets, against what the account says. */
static pmm_status_t check_account(const pmm_match_t *m, uint32_t account, pmm_error_t *err) {
  int64_t cash = 0, locked = 0;
  for (uint32_t k = 0; k < m->market_cnt; k++) {
    const pmm__holding_t *const h = pmm__match_holding(m, account, k);
    locked += h->yes_locked_e6 + h->no_locked_e6;
  }
  for (uint32_t i = 0; i < m->used_cnt; i++) {
    const pmm__node_t *const o = &m->order[i];
    if (!o->resting || o->account != account) continue;
    pmm__lock_t const want = pmm__lock_for(&m->market[o->market].market.fees, (pmm_route_t)o->route, o->price_e4, o->open_e6);
    if (o->lock.cash_e6 != want.cash_e6 || o->lock.qty_e6 != want.qty_e6) return pmm_error_set(err, PMM_CORRUPT, "account %u: order %u locks the wrong amount", account, i);
    cash += o->lock.cash_e6;
    locked -= o->lock.qty_e6;
  }
  if (cash != m->wallet[account].locked_e6 || locked != 0) return pmm_error_set(err, PMM_CORRUPT, "account %u: locks are not those of its orders", account);
  return PMM_OK;
}

pmm_status_t pmm_match_check(const pmm_match_t *m, pmm_error_t *err) {
  int64_t sum = m->kept_e6;
  uint32_t resting = 0;
  for (uint32_t i = 0; i < m->market_cnt; i++) {
    pmm_status_t const st = check_market(m, i, &resting, err);
    if (st != PMM_OK) return st;
    sum += m->market[i].yes_e6;
  }
  for (uint32_t a = 0; a < m->account_cnt; a++) {
    pmm_status_t const st = check_account(m, a, err);
    if (st != PMM_OK) return st;
    sum += m->wallet[a].cash_e6;
  }
  if (sum != m->deposits_e6) return pmm_error_set(err, PMM_CORRUPT, "cash, collateral and fees make %lld of %lld deposited", (long long)sum, (long long)m->deposits_e6);
  if (resting != m->live_cnt) return pmm_error_set(err, PMM_CORRUPT, "%u orders rest, %u live", resting, m->live_cnt);
  return PMM_OK;
}
