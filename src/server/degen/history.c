/* Reads that lag: what an account had a while ago. Every change of a member's money is kept in a ring; whoever asks for an older time than it
   reaches back to is told what is true now. */
#include "server/degen/impl.h"

void pmm__dd_remember(pmm__dd_t *d, uint32_t account, uint32_t market) {
  if (!d->past || pmm_place_is_background(d->place, account)) return;
  pmm__dd_past_t *const e = &d->past[d->past_cnt++ % PMM__DD_PAST_MAX];
  *e = (pmm__dd_past_t){.at_ns = pmm_service_now(&d->service), .account = account, .market = market};
  e->cash_e6 = pmm_place_cash(d->place, account, &e->locked_e6);
  if (market < pmm_place_market_cnt(d->place)) pmm_place_holding(d->place, account, market, &e->holding);
}

int64_t pmm__dd_as_of(const pmm__dd_req_t *r) { return r->d->serve.lag_ns > 0 ? r->now_ns - r->d->serve.lag_ns : PMM_NS_MAX; }

/* The newest entry that is old enough, of an account and, unless any is set, of a market. *whole: nothing of the time in question is lost. */
static const pmm__dd_past_t *find(const pmm__dd_req_t *r, bool any, uint32_t market, bool *whole) {
  const pmm__dd_t *const d = r->d;
  uint64_t const oldest = d->past_cnt > PMM__DD_PAST_MAX ? d->past_cnt - PMM__DD_PAST_MAX : 0;
  int64_t const as_of = pmm__dd_as_of(r);
  *whole = oldest == 0;
  for (uint64_t i = d->past_cnt; i > oldest; i--) {
    const pmm__dd_past_t *const e = &d->past[(i - 1) % PMM__DD_PAST_MAX];
    if (e->at_ns <= as_of && e->account == r->member->account && (any || e->market == market)) return e;
  }
  return NULL;
}

int64_t pmm__dd_past_cash(const pmm__dd_req_t *r, int64_t *locked_e6) {
  bool whole;
  const pmm__dd_past_t *const e = r->d->past ? find(r, true, 0, &whole) : NULL;
  if (!e) return pmm_place_cash(r->d->place, r->member->account, locked_e6);
  *locked_e6 = e->locked_e6;
  return e->cash_e6;
}

void pmm__dd_past_holding(const pmm__dd_req_t *r, uint32_t market, pmm_place_holding_t *out) {
  bool whole = false;
  const pmm__dd_past_t *const e = r->d->past ? find(r, false, market, &whole) : NULL;
  if (e) *out = e->holding;
  else if (whole) *out = (pmm_place_holding_t){0}; /* it had nothing there then */
  else pmm_place_holding(r->d->place, r->member->account, market, out);
}
