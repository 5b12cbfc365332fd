/* The matching engine's parts that move: event queue, price levels, what orders lock. */
#include <assert.h>
#include "exchange/match_impl.h"

/* ---- events ---- */

uint64_t pmm__match_room(const pmm_match_t *m) { return m->event_mask + 1 - (m->event_in - m->event_out); }

/* Of one call, the longest tale is a taker who meets every order, each at its own price: print, two fills, level. */
uint64_t pmm__match_worst(const pmm_match_t *m) { return (m->params.tell_nets ? 6 : 4) * (uint64_t)m->live_cnt + m->market_cnt + 16; }

pmm_event_t *pmm__match_emit(pmm_match_t *m, uint32_t account, int64_t now_ns, pmm_kind_t kind, uint32_t market, uint64_t order_id) {
  assert(pmm__match_room(m) > 0); /* the caller polls dry between calls */
  pmm__match_event_t *const e = &m->event[m->event_in++ & m->event_mask];
  *e = (pmm__match_event_t){.account = account, .event = {.md = {.recv_ns = now_ns, .exch_ns = now_ns, .seq = m->burst, .market = market, .kind = (uint8_t)kind}, .order_id = order_id}};
  return &e->event;
}

void pmm__match_tell(pmm_match_t *m, int64_t now_ns, pmm_kind_t kind, const pmm__node_t *o, pmm_reject_t why) {
  pmm_event_t *const e = pmm__match_emit(m, o->account, now_ns, kind, o->market, o->client_id);
  e->md.side = o->side;
  e->md.price_e4 = o->price_e4;
  e->md.qty_e6 = o->open_e6;
  e->md.aux = (uint8_t)why;
  e->ref_id = o->ref_id;
}

pmm_event_t *pmm__match_publish(pmm_match_t *m, int64_t now_ns, pmm_kind_t kind, uint32_t market) {
  pmm_event_t *const e = pmm__match_emit(m, PMM_ACCOUNT_PUBLIC, now_ns, kind, market, 0);
  m->last_public = m->event_in;
  return e;
}

void pmm__match_publish_level(pmm_match_t *m, int64_t now_ns, uint32_t market, uint8_t side, int32_t price_e4) {
  const pmm__match_market_t *const mk = &m->market[market];
  pmm_event_t *const e = pmm__match_publish(m, now_ns, PMM_MD_LEVEL, market);
  e->md.side = side;
  e->md.price_e4 = price_e4;
  e->md.qty_e6 = pmm_ladder_qty(&mk->ladder, (pmm_side_t)side, pmm_grid_index(&mk->market.grid, price_e4));
}

void pmm__match_end_burst(pmm_match_t *m) {
  if (m->last_public == 0) return;
  m->event[(m->last_public - 1) & m->event_mask].event.md.flags |= PMM_F_LAST;
  m->last_public = 0;
  m->burst++;
}

/* ---- levels ---- */

static int32_t tick_of(const pmm__match_market_t *mk, const pmm__node_t *o) { return pmm_grid_index(&mk->market.grid, o->price_e4); }

static void add_to_ladder(pmm__match_market_t *mk, const pmm__node_t *o, int64_t delta_e6) {
  int32_t const tick = tick_of(mk, o);
  pmm_status_t const st = pmm_ladder_set(&mk->ladder, (pmm_side_t)o->side, tick, pmm_ladder_qty(&mk->ladder, (pmm_side_t)o->side, tick) + delta_e6);
  assert(st == PMM_OK); /* a level never holds less than its orders */
  (void)st;
}

void pmm__match_link(pmm_match_t *m, pmm__node_t *o) {
  pmm__match_market_t *const mk = &m->market[o->market];
  pmm__level_t *const level = &mk->level[o->side][tick_of(mk, o)];
  uint32_t const self = (uint32_t)(o - m->order) + 1;
  o->prev = level->last;
  o->next = 0;
  if (level->last) m->order[level->last - 1].next = self;
  else level->first = self;
  level->last = self;
  o->resting = true;
  add_to_ladder(mk, o, o->open_e6);
  if (o->expire_ns < m->next_expire_ns) m->next_expire_ns = o->expire_ns;
}

void pmm__match_unlink(pmm_match_t *m, pmm__node_t *o) {
  pmm__match_market_t *const mk = &m->market[o->market];
  pmm__level_t *const level = &mk->level[o->side][tick_of(mk, o)];
  if (o->prev) m->order[o->prev - 1].next = o->next;
  else level->first = o->next;
  if (o->next) m->order[o->next - 1].prev = o->prev;
  else level->last = o->prev;
  o->next = o->prev = 0;
  o->resting = false;
  add_to_ladder(mk, o, -o->open_e6);
}

void pmm__match_net(pmm_match_t *m, uint32_t account, uint32_t market) {
  if (!m->params.net_pairs) return;
  pmm__match_market_t *const mk = &m->market[market];
  int64_t const pairs = pmm__wallet_net(&m->wallet[account], pmm__match_holding(m, account, market));
  mk->yes_e6 -= pairs;
  mk->no_e6 -= pairs;
  if (pairs == 0 || !m->params.tell_nets) return;
  pmm_event_t *const e = pmm__match_emit(m, account, m->at_ns, PMM_EV_DEPOSIT, market, 0);
  e->md.qty_e6 = e->amount_e6 = pairs;
}

void pmm__match_relock(pmm_match_t *m, pmm__node_t *o) {
  const pmm__match_market_t *const mk = &m->market[o->market];
  pmm__wallet_t *const wallet = &m->wallet[o->account];
  pmm__holding_t *const holding = pmm__match_holding(m, o->account, o->market);
  pmm__wallet_relock(wallet, holding, (pmm_route_t)o->route, &o->lock, pmm__lock_for(&mk->market.fees, (pmm_route_t)o->route, o->price_e4, o->open_e6));
  pmm__match_net(m, o->account, o->market);
}

void pmm__match_free(pmm_match_t *m, pmm__node_t *o) {
  assert(!o->resting && o->lock.cash_e6 == 0 && o->lock.qty_e6 == 0);
  m->id[o->id_slot].order = 0;
  if (m->params.forget_ids) pmm__match_forget(m, o->id_slot);
  o->next = m->free;
  m->free = (uint32_t)(o - m->order) + 1;
  m->live_cnt--;
}

void pmm__match_shrink(pmm_match_t *m, pmm__node_t *o, int64_t qty_e6) {
  bool const gone = qty_e6 == o->open_e6;
  if (gone) pmm__match_unlink(m, o);
  else add_to_ladder(&m->market[o->market], o, -qty_e6);
  o->open_e6 -= qty_e6;
  pmm__match_relock(m, o);
  if (gone) pmm__match_free(m, o);
}

void pmm__match_remove(pmm_match_t *m, int64_t now_ns, pmm__node_t *o, pmm_kind_t kind, pmm_reject_t why) {
  pmm__match_tell(m, now_ns, kind, o, why);
  pmm__match_shrink(m, o, o->open_e6);
  pmm__match_publish_level(m, now_ns, o->market, o->side, o->price_e4); /* a freed order keeps its fields until it is used again */
}
