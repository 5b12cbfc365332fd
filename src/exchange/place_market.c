/* Markets and accounts of a place, and what becomes of them. */
#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "exchange/place_impl.h"

/* ---- markets ---- */

pmm_status_t pmm_place_market_find(const pmm_place_t *p, const char *id, uint32_t *index) {
  uint64_t const hash = pmm__text_hash(id, 0);
  uint64_t at = 0;
  for (uint64_t seq; (seq = pmm__index_next(&p->by_market, hash, &at)) != 0;)
    if (strcmp(pmm_place_market(p, (uint32_t)seq - 1)->id, id) == 0) {
      *index = (uint32_t)seq - 1;
      return PMM_OK;
    }
  return PMM_NOT_FOUND;
}

pmm_status_t pmm_place_market_add(pmm_place_t *p, const pmm_market_t *market, int64_t now_ns, uint32_t *index, pmm_error_t *err) {
  pmm__place_at(p, now_ns);
  uint32_t i;
  if (pmm_place_market_find(p, market->id, &i) == PMM_OK) return pmm_error_set(err, PMM_EXISTS, "market %s is listed already", market->id);
  pmm_status_t const st = pmm_market_check(market, err);
  if (st != PMM_OK) return st;
  int64_t *const shown = calloc(PMM_ONE_E4, sizeof *shown);
  int64_t *const other = calloc(PMM_ONE_E4, sizeof *other);
  pmm_status_t const added = shown && other && pmm__index_reserve(&p->by_market, 1) ? pmm_match_market_add(p->match, market, &i) : PMM_FULL;
  if (added != PMM_OK) {
    free(shown);
    free(other);
    return pmm_error_set(err, added, "market %s: %s", market->id, added == PMM_FULL ? "no room for more markets" : pmm_status_to_string(added));
  }
  p->market[i].shown[PMM_BID] = shown;
  p->market[i].shown[PMM_ASK] = other;
  pmm__index_add(&p->by_market, pmm__text_hash(market->id, 0), i + 1);
  *index = i;
  return PMM_OK;
}

uint32_t pmm_place_market_cnt(const pmm_place_t *p) { return pmm_match_market_cnt(p->match); }
const pmm_market_t *pmm_place_market(const pmm_place_t *p, uint32_t index) { return pmm_match_market(p->match, index); }
const pmm_ladder_t *pmm_place_ladder(const pmm_place_t *p, uint32_t index) { return pmm_match_ladder(p->match, index); }

void pmm_place_stats(const pmm_place_t *p, uint32_t market, pmm_place_stats_t *out) {
  *out = p->market[market].stats;
  out->open_interest_e6 = p->match->market[market].yes_e6;
}

static void pay_costs(pmm_place_t *p, uint32_t market, int64_t payout_yes_e6) {
  for (uint32_t a = 0; a < p->account_cnt; a++) {
    pmm__figures_t *const f = pmm__figures(p, a, market);
    if (f->now.yes_e6 == 0 && f->now.no_e6 == 0) continue;
    pmm__cost_resolve(f, payout_yes_e6);
    pmm__place_tell_cash(p, a, market);
  }
}

pmm_status_t pmm_place_life(pmm_place_t *p, uint32_t market, int64_t now_ns, pmm_life_t life, pmm_outcome_t outcome, int64_t payout_yes_e6) {
  pmm__place_at(p, now_ns);
  pmm_life_t const was = (pmm_life_t)pmm_place_market(p, market)->life;
  bool const pays = life == PMM_LIFE_RESOLVED && was != PMM_LIFE_RESOLVED;
  if (pays && pmm_life_move(was, life) == PMM_OK && pmm_match_payout_fits(outcome, payout_yes_e6)) pmm__place_settle_market(p, market);
  pmm_status_t const st = pmm_match_life(p->match, market, p->now_ns, life, outcome, payout_yes_e6);
  pmm__place_drain(p);
  if (st == PMM_OK && pays) pay_costs(p, market, payout_yes_e6);
  return st;
}

pmm_status_t pmm_place_regrid(pmm_place_t *p, uint32_t market, int64_t now_ns, int32_t tick_e4) {
  pmm__place_at(p, now_ns);
  pmm_status_t const st = pmm_match_regrid(p->match, market, p->now_ns, tick_e4);
  pmm__place_drain(p);
  return st;
}

/* ---- accounts ---- */

pmm_status_t pmm_place_account_find(const pmm_place_t *p, const char *name, uint32_t *account) {
  uint64_t const hash = pmm__text_hash(name, 1);
  uint64_t at = 0;
  for (uint64_t seq; (seq = pmm__index_next(&p->by_name, hash, &at)) != 0;)
    if (strcmp(p->account[seq - 1].name, name) == 0) {
      *account = (uint32_t)seq - 1;
      return PMM_OK;
    }
  return PMM_NOT_FOUND;
}

pmm_status_t pmm_place_account_add(pmm_place_t *p, const char *name, int64_t cash_e6, uint32_t *account, pmm_error_t *err) {
  uint32_t a;
  if (name[0] == 0 || strlen(name) >= PMM__NAME_MAX)
    return pmm_error_set(err, PMM_INVAL, "an account needs a name of 1 .. %d bytes", PMM__NAME_MAX - 1);
  if (cash_e6 < 0 || cash_e6 > INT64_MAX / 1024) return pmm_error_set(err, PMM_INVAL, "account %s: cash out of range", name);
  if (pmm_place_account_find(p, name, &a) == PMM_OK) return pmm_error_set(err, PMM_EXISTS, "account %s is there already", name);
  if (!pmm__index_reserve(&p->by_name, 1) || pmm_match_account(p->match, cash_e6, &a) != PMM_OK)
    return pmm_error_set(err, PMM_FULL, "account %s: no room for more accounts", name);
  assert(a == p->account_cnt);
  p->account_cnt++;
  strcpy(p->account[a].name, name);
  pmm__index_add(&p->by_name, pmm__text_hash(name, 1), a + 1);
  *account = a;
  return PMM_OK;
}

pmm_status_t pmm__place_adopt_accounts(pmm_place_t *p, pmm__flow_t *flow, const char *name) {
  if (!pmm__index_reserve(&p->by_name, p->match->account_cnt - p->account_cnt)) return PMM_FULL;
  for (uint32_t k = 1; p->account_cnt < p->match->account_cnt; k++, p->account_cnt++) {
    pmm__account_t *const a = &p->account[p->account_cnt];
    snprintf(a->name, sizeof a->name, "%.40s-%u", name, k); /* cannot be asked for: a dialect names its members */
    a->background = true;
    a->flow = flow;
    pmm__index_add(&p->by_name, pmm__text_hash(a->name, 1), p->account_cnt + 1);
  }
  return PMM_OK;
}

uint32_t pmm_place_account_cnt(const pmm_place_t *p) { return p->account_cnt; }
const char *pmm_place_account_name(const pmm_place_t *p, uint32_t account) { return p->account[account].name; }
bool pmm_place_is_background(const pmm_place_t *p, uint32_t account) { return p->account[account].background; }

/* ---- money in, out, and into pairs ---- */

pmm_status_t pmm_place_deposit(pmm_place_t *p, uint32_t account, int64_t amount_e6, int64_t now_ns) {
  pmm__place_at(p, now_ns);
  pmm_status_t const st = pmm_match_deposit(p->match, account, amount_e6);
  if (st == PMM_OK) pmm__place_tell_cash(p, account, UINT32_MAX);
  return st;
}

static pmm_status_t change_pairs(pmm_place_t *p, uint32_t account, uint32_t market, int64_t qty_e6, int64_t now_ns) {
  pmm__place_at(p, now_ns);
  if (!pmm__place_reserve(p)) return PMM_FULL;
  if (pmm_place_market(p, market)->life == PMM_LIFE_RESOLVED) return PMM_STATE;
  pmm_status_t const st = pmm_match_merge(p->match, account, market, qty_e6);
  if (st != PMM_OK) return st;
  pmm__cost_add(p, account, market, &(pmm__op_t){.kind = PMM__OP_PAIRS, .qty_e6 = qty_e6});
  pmm__place_tell_cash(p, account, market);
  return PMM_OK;
}

pmm_status_t pmm_place_merge(pmm_place_t *p, uint32_t account, uint32_t market, int64_t qty_e6, int64_t now_ns) {
  return qty_e6 > 0 ? change_pairs(p, account, market, qty_e6, now_ns) : PMM_INVAL;
}

pmm_status_t pmm_place_split(pmm_place_t *p, uint32_t account, uint32_t market, int64_t qty_e6, int64_t now_ns) {
  if (p->nets) return PMM_UNSUPPORTED; /* the pair would be a dollar again at once */
  return qty_e6 > 0 ? change_pairs(p, account, market, -qty_e6, now_ns) : PMM_INVAL;
}
