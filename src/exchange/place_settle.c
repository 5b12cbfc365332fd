/* Trades that settle later: MATCHED, MINED, CONFIRMED, each so long after the match; some fail, and are undone. Delays are the same for all
   trades, so that three cursors over the list of trades are the whole queue: what is next to be mined, to be final, and, for ghosts, to
   have been tried in vain a second time. */
#include <assert.h>
#include "exchange/place_impl.h"

void pmm__place_pending_mode(pmm_place_t *p) {
  pmm_match_pending(p->match, p->config.settle_ns > 0 || p->config.fail_share > 0 || p->config.ghost_share > 0);
}

void pmm__place_decide(pmm_place_t *p, pmm__trade_t *t) {
  double const u = pmm_rng_unit(&p->fate_rng);
  t->fate = u < p->config.fail_share ? PMM__FATE_FAIL : u < p->config.fail_share + p->config.ghost_share ? PMM__FATE_GHOST : PMM__FATE_GOOD;
}

/* ---- what happens to one trade ---- */

static void move(pmm_place_t *p, pmm__trade_t *t, pmm_place_settle_t settle) {
  t->pub.settle = (uint8_t)settle;
  if (settle == PMM_PLACE_CONFIRMED || settle == PMM_PLACE_FAILED) t->pub.settled_ns = p->now_ns;
  for (int i = 0; i < 2; i++) { /* taker first */
    const pmm_place_fill_t *const f = pmm_place_fill_at(p, t->pub.fill[i]);
    pmm__place_tell(p, &(pmm_place_event_t){.kind = PMM_PLACE_EV_SETTLE, .market = t->pub.market, .account = f->account, .trade = &t->pub, .fill = f,
                                            .order = pmm_place_order_at(p, f->order)});
  }
}

/* Cash that a failure took away no longer backs orders: the newest purchases go, as at Polymarket. */
static void cover(pmm_place_t *p, uint32_t account) {
  int64_t locked;
  uint64_t seq = p->account[account].open_last;
  while (seq != 0 && pmm_match_cash(p->match, account, &locked) < locked) {
    const pmm__order_t *const o = pmm__order_at(p, seq);
    uint64_t const before = o->open_prev;
    bool const buys = !pmm_route_is_sell((pmm_route_t)o->pub.route);
    if (buys) {
      pmm_action_t const a = {.order_id = seq, .market = o->pub.market, .kind = PMM_ACT_CANCEL};
      p->cancel_reason = PMM_REJECT_FUNDS;
      pmm_match_submit(p->match, account, p->now_ns, &a);
      pmm__place_drain(p);
    }
    seq = before;
  }
}

static void finish(pmm_place_t *p, pmm__trade_t *t, bool ok) {
  pmm_match_leg_t leg[2];
  t->fate = PMM__FATE_DONE;
  for (int i = 0; i < 2; i++) {
    const pmm_place_fill_t *const f = pmm_place_fill_at(p, t->pub.fill[i]);
    leg[i] = (pmm_match_leg_t){.account = f->account, .route = f->route, .fee_e6 = f->fee_e6};
    pmm__cost_settle(p, f->account, f->market, t->pub.seq, ok);
  }
  p->match->at_ns = p->now_ns;
  pmm_match_settle(p->match, t->pub.market, t->pub.price_e4, t->pub.qty_e6, leg, ok);
  pmm__place_drain(p); /* pairs that came free */
  move(p, t, ok ? PMM_PLACE_CONFIRMED : PMM_PLACE_FAILED);
  for (int i = 0; !ok && i < 2; i++) {
    cover(p, leg[i].account);
    pmm__place_tell_cash(p, leg[i].account, t->pub.market);
  }
}

/* ---- the queue ---- */

static pmm__trade_t *trade_of(const pmm_place_t *p, uint64_t seq) { return pmm__store_at(&p->trade, seq); }

static int64_t due(const pmm__trade_t *t, int64_t after_ns) { return t ? t->pub.at_ns + after_ns : PMM_NS_MAX; }

/* Passes over what needs nothing more at this stage. */
static pmm__trade_t *next_of(const pmm_place_t *p, uint64_t *cursor, bool (*waits)(const pmm__trade_t *t)) {
  pmm__trade_t *t = trade_of(p, *cursor);
  while (t && !waits(t)) t = trade_of(p, ++*cursor);
  return t;
}

static bool waits_mined(const pmm__trade_t *t) { return t->fate != PMM__FATE_DONE && t->pub.settle == PMM_PLACE_MATCHED; }
static bool waits_final(const pmm__trade_t *t) { return t->fate != PMM__FATE_DONE && t->pub.settle != PMM_PLACE_RETRYING; }
static bool waits_ghost(const pmm__trade_t *t) { return t->fate == PMM__FATE_GHOST; }

typedef struct stages { pmm__trade_t *mined, *final, *ghost; int64_t mined_ns, final_ns, ghost_ns; } stages_t;

static stages_t stages_of(pmm_place_t *p) {
  stages_t s = {.mined = next_of(p, &p->mined_next, waits_mined),
                .final = next_of(p, &p->final_next, waits_final),
                .ghost = next_of(p, &p->ghost_next, waits_ghost)};
  s.mined_ns = due(s.mined, p->config.settle_mined_ns);
  s.final_ns = due(s.final, p->config.settle_ns);
  s.ghost_ns = due(s.ghost, 2 * p->config.settle_ns);
  return s;
}

int64_t pmm__place_settle_next(const pmm_place_t *p) {
  stages_t const s = stages_of((pmm_place_t *)(uintptr_t)p); /* moves cursors over what is done, nothing else */
  return pmm_min64(s.mined_ns, pmm_min64(s.final_ns, s.ghost_ns));
}

void pmm__place_settle_due(pmm_place_t *p) {
  pmm__place_at(p, p->now_ns);
  stages_t const s = stages_of(p);
  if (s.mined_ns <= p->now_ns) {
    if (s.mined->fate == PMM__FATE_FAIL) finish(p, s.mined, false);
    else move(p, s.mined, PMM_PLACE_MINED);
  } else if (s.final_ns <= p->now_ns) {
    if (s.final->fate == PMM__FATE_GHOST) move(p, s.final, PMM_PLACE_RETRYING);
    else finish(p, s.final, true);
  } else if (s.ghost_ns <= p->now_ns) {
    finish(p, s.ghost, false);
  }
}

void pmm__place_settle_market(pmm_place_t *p, uint32_t market) {
  (void)stages_of(p); /* cursors stand at the oldest that waits */
  uint64_t const oldest = p->final_next < p->ghost_next ? p->final_next : p->ghost_next;
  for (uint64_t seq = oldest; seq <= p->trade.cnt; seq++) {
    pmm__trade_t *const t = trade_of(p, seq);
    if (t->pub.market == market && t->fate != PMM__FATE_DONE) finish(p, t, t->fate == PMM__FATE_GOOD);
  }
}
