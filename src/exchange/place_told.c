/* What the matching engine tells becomes records, and events for the listener. */
#include <assert.h>
#include "exchange/place_impl.h"

/* ---- telling ---- */

void pmm__place_tell(pmm_place_t *p, pmm_place_event_t *e) {
  if (!p->listener.fn) return;
  e->at_ns = p->now_ns;
  p->told = true;
  p->listener.fn(p->listener.ctx, e);
  p->told = false;
}

void pmm__place_tell_order(pmm_place_t *p, const pmm__order_t *o) {
  pmm__place_tell(p, &(pmm_place_event_t){.kind = PMM_PLACE_EV_ORDER, .market = o->pub.market, .account = o->pub.account, .order = &o->pub});
}

void pmm__place_tell_cash(pmm_place_t *p, uint32_t account, uint32_t market) {
  pmm__place_tell(p, &(pmm_place_event_t){.kind = PMM_PLACE_EV_CASH, .market = market, .account = account});
}

static void tell_public(pmm_place_t *p, pmm_place_event_t *e) {
  e->account = UINT32_MAX;
  pmm__place_tell(p, e);
}

/* ---- orders ---- */

void pmm__place_close_order(pmm_place_t *p, pmm__order_t *o, pmm_place_status_t status, pmm_reject_t reason) {
  pmm__account_t *const a = &p->account[o->pub.account];
  o->pub.status = (uint8_t)status;
  o->pub.reason = (uint8_t)reason;
  o->pub.open_e6 = 0;
  o->pub.updated_ns = p->now_ns;
  if (o->open_prev) pmm__order_at(p, o->open_prev)->open_next = o->open_next;
  else a->open_first = o->open_next;
  if (o->open_next) pmm__order_at(p, o->open_next)->open_prev = o->open_prev;
  else a->open_last = o->open_prev;
  o->open_prev = o->open_next = 0;
  p->open_cnt--;
  if (a->flow) pmm__flow_closed(p, o);
  if (!a->background || o->pub.filled_e6 != 0) return;
  o->open_next = p->free_order;
  p->free_order = o->pub.seq;
}

static void on_rest(pmm_place_t *p, pmm__order_t *o, const pmm_event_t *e) {
  o->rested = true;
  o->pub.open_e6 = e->md.qty_e6; /* less than was asked for where reduce-only cut it */
  o->pub.qty_e6 = o->pub.filled_e6 + e->md.qty_e6;
  o->pub.updated_ns = p->now_ns;
  if (p->request == o->pub.seq) p->rested = true;
  pmm__place_tell_order(p, o);
}

static void on_amended(pmm_place_t *p, pmm__order_t *o, const pmm_event_t *e) {
  o->pub.price_e4 = e->md.price_e4;
  o->pub.open_e6 = e->md.qty_e6;
  o->pub.qty_e6 = o->pub.filled_e6 + e->md.qty_e6;
  o->pub.updated_ns = p->now_ns;
  pmm__place_tell_order(p, o);
}

static void on_end(pmm_place_t *p, pmm__order_t *o, const pmm_event_t *e) {
  bool const asked = e->md.kind == PMM_EV_CANCELLED && e->md.aux == PMM_REJECT_USER;
  pmm__place_close_order(p, o, e->md.kind == PMM_EV_EXPIRED ? PMM_PLACE_EXPIRED : PMM_PLACE_CANCELLED,
                         asked ? p->cancel_reason : (pmm_reject_t)e->md.aux);
  pmm__place_tell_order(p, o);
}

/* ---- trades ---- */

static void add_to_order(pmm_place_t *p, pmm__order_t *o, const pmm_event_t *e, bool maker) {
  pmm_place_order_t *const pub = &o->pub;
  int64_t const cash = pmm_notional_floor(pmm__route_price((pmm_route_t)pub->route, e->md.price_e4), e->md.qty_e6);
  pub->open_e6 -= e->md.qty_e6;
  pub->filled_e6 += e->md.qty_e6;
  *(maker ? &pub->maker_cost_e6 : &pub->taker_cost_e6) += cash;
  *(maker ? &pub->maker_fee_e6 : &pub->taker_fee_e6) += e->amount_e6;
  if (maker) pub->maker_e6 += e->md.qty_e6;
  pub->updated_ns = p->now_ns;
}

static void add_cost(pmm_place_t *p, const pmm__order_t *o, const pmm_event_t *e, uint64_t trade) {
  pmm_route_t const route = (pmm_route_t)o->pub.route;
  bool const sell = pmm_route_is_sell(route);
  int32_t const each_e4 = pmm__route_price(route, e->md.price_e4);
  pmm__cost_add(p, o->pub.account, o->pub.market,
                &(pmm__op_t){.kind = sell ? PMM__OP_SELL : PMM__OP_BUY,
                             .no = route == PMM_BUY_NO || route == PMM_SELL_NO,
                             .trade = trade,
                             .qty_e6 = e->md.qty_e6,
                             .cash_e6 = sell ? pmm_notional_floor(each_e4, e->md.qty_e6) : pmm_notional_ceil(each_e4, e->md.qty_e6),
                             .fee_e6 = e->amount_e6});
}

static pmm__fill_t *new_fill(pmm_place_t *p, const pmm__order_t *o, const pmm_event_t *e, bool maker, uint64_t trade) {
  pmm__account_t *const a = &p->account[o->pub.account];
  pmm__fill_t *const f = pmm__store_push(&p->fill);
  const pmm__sums_t *const sums = &pmm__figures(p, o->pub.account, o->pub.market)->now;
  f->pub = (pmm_place_fill_t){.seq = p->fill.cnt,
                              .account_seq = ++a->fill_cnt,
                              .order = o->pub.seq,
                              .trade = trade,
                              .account = o->pub.account,
                              .market = o->pub.market,
                              .route = o->pub.route,
                              .maker = maker,
                              .price_e4 = e->md.price_e4,
                              .qty_e6 = e->md.qty_e6,
                              .fee_e6 = e->amount_e6,
                              .position_e6 = sums->yes_e6 - sums->no_e6,
                              .at_ns = p->now_ns};
  f->before = a->last_fill;
  f->jump = a->last_jump;
  a->last_fill = f->pub.seq;
  if (f->pub.account_seq % 64 == 0) a->last_jump = f->pub.seq;
  return f;
}

static void count_trade(pmm_place_t *p, uint32_t market, const pmm_event_t *e) {
  pmm_place_stats_t *const s = &p->market[market].stats;
  s->volume_e6 += e->md.qty_e6;
  s->notional_e6 += pmm_notional_floor(e->md.price_e4, e->md.qty_e6);
  s->last_e4 = e->md.price_e4;
  s->trades++;
  s->last_trade_ns = p->now_ns;
}

static void tell_fill(pmm_place_t *p, const pmm__fill_t *f, const pmm__trade_t *t, const pmm__order_t *o) {
  if (p->account[f->pub.account].flow) pmm__flow_filled(p, o, f->pub.qty_e6);
  pmm__place_tell(
      p, &(pmm_place_event_t){
             .kind = PMM_PLACE_EV_FILL, .market = f->pub.market, .account = f->pub.account, .fill = &f->pub, .trade = &t->pub, .order = &o->pub});
  if (o->pub.open_e6 == 0) pmm__place_close_order(p, pmm__order_at(p, o->pub.seq), PMM_PLACE_FILLED, PMM_REJECT_NONE);
  if (o->rested || o->pub.status != PMM_PLACE_OPEN) pmm__place_tell_order(p, o); /* an order on its way in is told of when it has arrived */
}

/* The taker's leg completes a trade. */
static void make_trade(pmm_place_t *p, pmm__order_t *taker, const pmm_event_t *leg) {
  pmm__order_t *const maker = pmm__order_at(p, p->first_leg.order_id);
  bool const pending = leg->md.aux == PMM_SETTLE_PENDING;
  pmm__trade_t *const t = pmm__store_push(&p->trade);
  t->pub = (pmm_place_trade_t){.seq = p->trade.cnt,
                               .market = taker->pub.market,
                               .price_e4 = leg->md.price_e4,
                               .qty_e6 = leg->md.qty_e6,
                               .taker_side = p->print.md.side,
                               .settle = pending ? PMM_PLACE_MATCHED : PMM_PLACE_CONFIRMED,
                               .taker = taker->pub.seq,
                               .maker = maker->pub.seq,
                               .at_ns = p->now_ns,
                               .settled_ns = pending ? 0 : p->now_ns};
  pmm__place_make_id(p, t->pub.id);
  add_to_order(p, maker, &p->first_leg, true);
  add_to_order(p, taker, leg, false);
  uint64_t const until = pending ? t->pub.seq : 0;
  add_cost(p, maker, &p->first_leg, until);
  add_cost(p, taker, leg, until);
  pmm__fill_t *const mine = new_fill(p, taker, leg, false, t->pub.seq);
  pmm__fill_t *const theirs = new_fill(p, maker, &p->first_leg, true, t->pub.seq);
  t->pub.fill[0] = mine->pub.seq;
  t->pub.fill[1] = theirs->pub.seq;
  count_trade(p, t->pub.market, leg);
  if (pending) pmm__place_decide(p, t);
  tell_public(p, &(pmm_place_event_t){
                     .kind = PMM_PLACE_EV_TRADE, .market = t->pub.market, .side = t->pub.taker_side, .price_e4 = t->pub.price_e4, .trade = &t->pub});
  tell_fill(p, theirs, t, maker);
  tell_fill(p, mine, t, taker);
}

/* ---- the book ---- */

static void on_level(pmm_place_t *p, const pmm_event_t *e) {
  int64_t *const shown = &p->market[e->md.market].shown[e->md.side][e->md.price_e4];
  int64_t const delta = e->md.qty_e6 - *shown;
  *shown = e->md.qty_e6;
  if (delta != 0)
    tell_public(p, &(pmm_place_event_t){.kind = PMM_PLACE_EV_LEVEL,
                                        .market = e->md.market,
                                        .side = e->md.side,
                                        .price_e4 = e->md.price_e4,
                                        .total_e6 = e->md.qty_e6,
                                        .delta_e6 = delta});
}

static void on_public(pmm_place_t *p, const pmm_event_t *e) {
  switch (e->md.kind) {
  case PMM_MD_LEVEL: on_level(p, e); break;
  case PMM_MD_TRADE: p->print = *e; break;
  case PMM_MD_STATUS: tell_public(p, &(pmm_place_event_t){.kind = PMM_PLACE_EV_MARKET, .market = e->md.market, .life = true}); break;
  case PMM_MD_TICK: tell_public(p, &(pmm_place_event_t){.kind = PMM_PLACE_EV_MARKET, .market = e->md.market, .regrid = true}); break;
  default: assert(false);
  }
  if (e->md.flags & PMM_F_LAST) tell_public(p, &(pmm_place_event_t){.kind = PMM_PLACE_EV_END, .market = e->md.market});
}

/* ---- all of it ---- */

static void on_private(pmm_place_t *p, uint32_t account, const pmm_event_t *e) {
  if (e->md.kind == PMM_EV_DEPOSIT) {
    pmm__cost_add(p, account, e->md.market, &(pmm__op_t){.kind = PMM__OP_PAIRS, .qty_e6 = e->md.qty_e6});
    return;
  }
  if (e->md.kind == PMM_EV_REJECT || e->md.kind == PMM_EV_CANCEL_REJECT || e->md.kind == PMM_EV_AMEND_REJECT) {
    p->refused = (pmm_reject_t)e->md.aux;
    return;
  }
  pmm__order_t *const o = pmm__order_at(p, e->order_id);
  assert(o && o->pub.account == account);
  switch (e->md.kind) {
  case PMM_EV_ACK: on_rest(p, o, e); break;
  case PMM_EV_AMENDED: on_amended(p, o, e); break;
  case PMM_EV_CANCELLED:
  case PMM_EV_EXPIRED: on_end(p, o, e); break;
  case PMM_EV_FILL:
    if (e->md.flags & PMM_F_MAKER) p->first_leg = *e;
    else make_trade(p, o, e);
    break;
  default: assert(false);
  }
}

void pmm__place_drain(pmm_place_t *p) {
  uint32_t account;
  pmm_event_t e;
  while (pmm_match_poll(p->match, &account, &e)) {
    if (account == PMM_ACCOUNT_PUBLIC) on_public(p, &e);
    else on_private(p, account, &e);
  }
}
