/* The matching engine: requests, price-time matching, trades. One thread; a request is finished when submit returns. */
#include <assert.h>
#include "exchange/match_impl.h"
#include "pmm/hash.h"

/* ---- construction ---- */

static uint64_t power_of_two(uint64_t at_least) {
  uint64_t n = 64;
  while (n < at_least) n *= 2;
  return n;
}

static uint64_t event_cap(const pmm_match_params_t *p, uint32_t market_cnt) { /* one call's worst, see pmm__match_worst */
  return power_of_two((p->tell_nets ? 6 : 4) * (uint64_t)p->orders_max + 2 * (uint64_t)market_cnt + 1024);
}

static uint32_t markets_of(const pmm_match_params_t *p, uint32_t market_cnt) { return p->markets_max > market_cnt ? p->markets_max : market_cnt; }

static size_t market_bytes(void) {
  return pmm_ladder_bytes(PMM_LADDER_TICKS_MAX) + 2 * (PMM_LADDER_TICKS_MAX * sizeof(pmm__level_t) + 64) + 64;
}

size_t pmm_match_bytes(const pmm_match_params_t *p, uint32_t cnt) {
  uint32_t const market_cnt = markets_of(p, cnt);
  size_t const per_market = sizeof(pmm__match_market_t) + market_bytes();
  size_t const per_account = sizeof(pmm__wallet_t) + market_cnt * sizeof(pmm__holding_t);
  return sizeof(pmm_match_t) + market_cnt * per_market + p->accounts_max * per_account + p->orders_max * sizeof(pmm__node_t) +
         power_of_two(2 * p->client_ids_max) * sizeof(pmm__client_id_t) + event_cap(p, market_cnt) * sizeof(pmm__match_event_t) + 16 * 64;
}

pmm_status_t pmm__match_market_init(pmm_match_t *m, pmm_arena_t *arena, uint32_t i, const pmm_market_t *market) {
  pmm__match_market_t *const mk = &m->market[i];
  mk->market = *market;
  pmm_status_t const st = pmm_ladder_init(&mk->ladder, arena, market->grid.tick_cnt, PMM_LADDER_TICKS_MAX);
  if (st != PMM_OK) return st;
  for (int side = PMM_BID; side <= PMM_ASK; side++)
    if (!(mk->level[side] = PMM_ARENA_NEW(arena, pmm__level_t, PMM_LADDER_TICKS_MAX))) return PMM_FULL;
  if (market->open_ns != PMM_TIME_NONE && market->life == PMM_LIFE_PENDING) m->next_expire_ns = pmm_min64(m->next_expire_ns, market->open_ns);
  if (market->close_ns != PMM_TIME_NONE) m->next_expire_ns = pmm_min64(m->next_expire_ns, market->close_ns);
  return PMM_OK;
}

pmm_status_t pmm_match_init(pmm_match_t **out, pmm_arena_t *arena, const pmm_match_params_t *params, const pmm_market_t *markets, uint32_t market_cnt) {
  uint32_t const market_max = markets_of(params, market_cnt);
  if (market_max == 0 || params->accounts_max == 0 || params->orders_max == 0 || params->orders_max >= UINT32_MAX / 8) return PMM_INVAL;
  if (params->client_ids_max == 0 || params->client_ids_max > UINT32_MAX / 4 || params->stp < PMM_STP_NONE || params->stp > PMM_STP_CANCEL_MAKER) return PMM_INVAL;
  for (uint32_t i = 0; i < market_cnt; i++) {
    pmm_status_t const st = pmm_market_check(&markets[i], NULL);
    if (st != PMM_OK) return st;
  }
  pmm_match_t *const m = PMM_ARENA_NEW(arena, pmm_match_t, 1);
  if (!m) return PMM_FULL;
  *m = (pmm_match_t){.params = *params, .market_cnt = market_cnt, .market_max = market_max, .next_expire_ns = PMM_NS_MAX};
  uint64_t const ids = power_of_two(2 * params->client_ids_max), events = event_cap(params, market_max);
  m->id_mask = ids - 1;
  m->event_mask = events - 1;
  m->market = PMM_ARENA_NEW(arena, pmm__match_market_t, market_max);
  m->order = PMM_ARENA_NEW(arena, pmm__node_t, params->orders_max);
  m->id = PMM_ARENA_NEW(arena, pmm__client_id_t, ids);
  m->wallet = PMM_ARENA_NEW(arena, pmm__wallet_t, params->accounts_max);
  m->holding = PMM_ARENA_NEW(arena, pmm__holding_t, (size_t)params->accounts_max * market_max);
  m->event = PMM_ARENA_NEW(arena, pmm__match_event_t, events);
  if (!m->market || !m->order || !m->id || !m->wallet || !m->holding || !m->event) return PMM_FULL;
  for (uint32_t i = 0; i < market_cnt; i++) {
    pmm_status_t const st = pmm__match_market_init(m, arena, i, &markets[i]);
    if (st != PMM_OK) return st;
  }
  size_t const later = (market_max - market_cnt) * market_bytes();
  if (later > 0) {
    m->later = (pmm_arena_t){.base = pmm_arena_take(arena, later, 64), .cap = later, .mapped = arena->mapped};
    if (!m->later.base) return PMM_FULL;
  }
  *out = m;
  return PMM_OK;
}

pmm_status_t pmm_match_account(pmm_match_t *m, int64_t cash_e6, uint32_t *account) {
  if (cash_e6 < 0) return PMM_INVAL;
  if (m->account_cnt == m->params.accounts_max) return PMM_FULL;
  *account = m->account_cnt++;
  m->wallet[*account].cash_e6 = cash_e6;
  m->deposits_e6 += cash_e6;
  return PMM_OK;
}

/* ---- client order ids, remembered for ever ---- */

/* The entry of an id, or the empty one where it belongs. Ids are counters as a rule: eight in a row share two cache lines. */
static uint64_t home_of(const pmm_match_t *m, uint32_t account, uint64_t id) {
  return (pmm_hash_mix(pmm_hash_mix(0, account), id >> 3) << 3 | (id & 7)) & m->id_mask;
}

static pmm__client_id_t *id_of(const pmm_match_t *m, uint32_t account, uint64_t id) {
  uint64_t at = home_of(m, account, id);
  while (m->id[at].account != 0 && (m->id[at].id != id || m->id[at].account != account + 1)) at = (at + 1) & m->id_mask;
  return &m->id[at];
}

/* Entries behind the gap that were pushed past their home move up, so that no search ends early. */
void pmm__match_forget(pmm_match_t *m, uint32_t slot) {
  uint64_t gap = slot;
  for (uint64_t at = (gap + 1) & m->id_mask; m->id[at].account != 0; at = (at + 1) & m->id_mask) {
    uint64_t const home = home_of(m, m->id[at].account - 1, m->id[at].id);
    if (((at - home) & m->id_mask) < ((at - gap) & m->id_mask)) continue; /* its home lies behind the gap */
    m->id[gap] = m->id[at];
    if (m->id[gap].order) m->order[m->id[gap].order - 1].id_slot = (uint32_t)gap;
    gap = at;
  }
  m->id[gap] = (pmm__client_id_t){0};
  m->id_cnt--;
}

static pmm__node_t *find(const pmm_match_t *m, uint32_t account, uint64_t id) {
  const pmm__client_id_t *const entry = id_of(m, account, id);
  return entry->order ? &m->order[entry->order - 1] : NULL;
}

static pmm__node_t *take_order(pmm_match_t *m) {
  uint32_t i = m->free;
  if (i != 0) m->free = m->order[i - 1].next;
  else i = ++m->used_cnt; /* untouched so far: the pool grows into memory only as far as it is used */
  m->live_cnt++;
  m->order[i - 1] = (pmm__node_t){.expire_ns = PMM_NS_MAX};
  return &m->order[i - 1];
}

/* ---- trades ---- */

static int64_t settle_leg(pmm_match_t *m, int64_t now_ns, pmm__node_t *o, bool maker, int32_t price_e4, int64_t qty_e6) {
  pmm__match_market_t *const mk = &m->market[o->market];
  int64_t const fee = pmm_fee_charge(&mk->market.fees, maker, o->route, price_e4, qty_e6, &o->acc);
  pmm__holding_t *const holding = pmm__match_holding(m, o->account, o->market);
  int64_t const moved = pmm__wallet_fill(&m->wallet[o->account], holding, (pmm_route_t)o->route, price_e4, qty_e6, fee);
  if (m->pending && !pmm_route_is_sell((pmm_route_t)o->route)) *(o->route == PMM_BUY_NO ? &holding->no_unsettled_e6 : &holding->yes_unsettled_e6) += qty_e6;
  int64_t *const issued = o->route == PMM_BUY_NO || o->route == PMM_SELL_NO ? &mk->no_e6 : &mk->yes_e6;
  *issued += pmm_route_is_sell((pmm_route_t)o->route) ? -qty_e6 : qty_e6;
  m->kept_e6 += fee;
  pmm_event_t *const e = pmm__match_emit(m, o->account, now_ns, PMM_EV_FILL, o->market, o->client_id);
  e->md.side = o->side;
  e->md.price_e4 = price_e4;
  e->md.qty_e6 = qty_e6;
  e->md.flags = maker ? PMM_F_MAKER : 0;
  e->md.aux = m->pending ? PMM_SETTLE_PENDING : PMM_SETTLE_FINAL;
  e->amount_e6 = fee;
  e->ref_id = m->trade_id;
  return moved;
}

/* The two legs say by their routes what happens to contracts: YES or NO changes hands, a pair is minted, or a pair is merged.
   What their roundings leave over stays with the venue. */
static void trade(pmm_match_t *m, int64_t now_ns, pmm__node_t *maker, pmm__node_t *taker) {
  pmm__match_market_t *const mk = &m->market[maker->market];
  int64_t const qty = pmm_min64(maker->open_e6, taker->open_e6), pairs = mk->yes_e6;
  int32_t const price_e4 = maker->price_e4;
  m->trade_id++;
  pmm_event_t *const e = pmm__match_publish(m, now_ns, PMM_MD_TRADE, maker->market);
  e->md.side = taker->side;
  e->md.price_e4 = price_e4;
  e->md.qty_e6 = qty;
  e->ref_id = m->trade_id;
  int64_t const moved = settle_leg(m, now_ns, maker, true, price_e4, qty) + settle_leg(m, now_ns, taker, false, price_e4, qty);
  assert(mk->yes_e6 == mk->no_e6);
  m->kept_e6 -= moved + (mk->yes_e6 - pairs);
  pmm__match_shrink(m, maker, qty);
  taker->open_e6 -= qty;
  pmm__match_relock(m, taker);
}

static bool crosses(const pmm__match_market_t *mk, const pmm__node_t *o, int32_t opposite_tick) {
  return pmm__match_crosses(mk, o->side, o->price_e4, opposite_tick);
}

/* Trades an incoming order against the book, best price first, then time. Returns false when it met an own order that stops it. */
static bool match_order(pmm_match_t *m, int64_t now_ns, pmm__node_t *o) {
  pmm__match_market_t *const mk = &m->market[o->market];
  pmm_stp_t const stp = pmm__match_stp(m, o);
  uint8_t const side = o->side ^ 1;
  int32_t touched = PMM_TICKS_NONE; /* a level that changed and is not published yet */
  bool stopped = false;
  while (o->open_e6 > 0 && !stopped) {
    int32_t const tick = mk->ladder.best[side];
    if (touched != tick && touched != PMM_TICKS_NONE) pmm__match_publish_level(m, now_ns, o->market, side, touched * mk->ladder.tick_e4), touched = PMM_TICKS_NONE;
    if (!crosses(mk, o, tick)) break;
    pmm__node_t *const maker = &m->order[mk->level[side][tick].first - 1];
    if (maker->account == o->account && stp == PMM_STP_CANCEL_TAKER) {
      stopped = true;
    } else if (maker->account == o->account && stp == PMM_STP_CANCEL_MAKER) {
      pmm__match_tell(m, now_ns, PMM_EV_CANCELLED, maker, PMM_REJECT_SELF_TRADE);
      pmm__match_shrink(m, maker, maker->open_e6);
      touched = tick;
    } else {
      trade(m, now_ns, maker, o);
      touched = tick;
    }
  }
  if (touched != PMM_TICKS_NONE) pmm__match_publish_level(m, now_ns, o->market, side, touched * mk->ladder.tick_e4);
  return !stopped;
}

/* Whether a fill-or-kill order would fill: the orders it may trade with, in the order it would meet them. */
static bool fills_whole(const pmm_match_t *m, const pmm__node_t *o) {
  const pmm__match_market_t *const mk = &m->market[o->market];
  pmm_stp_t const stp = pmm__match_stp(m, o);
  uint8_t const side = o->side ^ 1;
  int64_t sum = 0;
  for (int32_t tick = mk->ladder.best[side]; crosses(mk, o, tick); tick = pmm_ladder_next(&mk->ladder, (pmm_side_t)side, tick))
    for (uint32_t i = mk->level[side][tick].first; i != 0; i = m->order[i - 1].next) {
      bool const own = m->order[i - 1].account == o->account;
      if (own && stp == PMM_STP_CANCEL_TAKER) return false;
      if (!own || stp == PMM_STP_NONE) sum += m->order[i - 1].open_e6;
      if (sum >= o->open_e6) return true;
    }
  return false;
}

/* ---- requests ---- */

static void refuse(pmm_match_t *m, uint32_t account, int64_t now_ns, pmm_kind_t kind, const pmm_action_t *a, pmm_reject_t why) {
  pmm_event_t *const e = pmm__match_emit(m, account, now_ns, kind, a->market, a->order_id);
  e->md.side = (uint8_t)pmm_route_side((pmm_route_t)a->route);
  e->md.price_e4 = a->price_e4;
  e->md.qty_e6 = a->qty_e6;
  e->md.aux = (uint8_t)why;
}

static pmm_reject_t check_form(const pmm_market_t *market, int32_t price_e4, int64_t qty_e6, int64_t size_min_e6) {
  if (!pmm_life_trades((pmm_life_t)market->life)) return PMM_REJECT_CLOSED;
  if (!pmm_grid_is_valid(&market->grid, price_e4)) return PMM_REJECT_PRICE;
  if (qty_e6 <= 0 || qty_e6 < size_min_e6 || qty_e6 % market->lot_e6 != 0) return PMM_REJECT_SIZE;
  return PMM_REJECT_NONE;
}

pmm_reject_t pmm__match_check(const pmm_match_t *m, uint32_t account, int64_t now_ns, const pmm_action_t *a) {
  if (a->market >= m->market_cnt || a->route > PMM_BUY_NO || a->tif > PMM_FOK || a->flags >> 4 > 1 + PMM_STP_CANCEL_MAKER) return PMM_REJECT_CLOSED;
  if (id_of(m, account, a->order_id)->account != 0) return PMM_REJECT_DUPLICATE;
  const pmm_market_t *const market = &m->market[a->market].market;
  pmm_reject_t const why = check_form(market, a->price_e4, a->qty_e6, market->min_size_e6);
  if (why != PMM_REJECT_NONE) return why;
  if (a->tif == PMM_GTD && a->expire_ns <= now_ns) return PMM_REJECT_EXPIRY;
  return m->live_cnt == m->params.orders_max || m->id_cnt == m->params.client_ids_max ? PMM_REJECT_FULL : PMM_REJECT_NONE;
}

pmm_reject_t pmm__match_admit(pmm_match_t *m, pmm__node_t *o) {
  const pmm__match_market_t *const mk = &m->market[o->market];
  pmm__lock_t want = pmm__lock_for(&mk->market.fees, (pmm_route_t)o->route, o->price_e4, o->open_e6);
  bool const immediate = o->tif == PMM_IOC || o->tif == PMM_FOK;
  if (o->spend_e6 > 0 && immediate && !pmm_route_is_sell((pmm_route_t)o->route)) /* it ends at once, and so does the lock */
    want.cash_e6 = pmm_min64(want.cash_e6, o->spend_e6 + pmm_fee_bound(&mk->market.fees, o->price_e4, o->open_e6, PMM__FEE_FILLS));
  pmm_reject_t const why = pmm__wallet_lock(&m->wallet[o->account], pmm__match_holding(m, o->account, o->market), (pmm_route_t)o->route, &o->lock, want);
  if (why != PMM_REJECT_NONE) return why;
  if ((o->flags & PMM_ACT_POST_ONLY) && crosses(mk, o, mk->ladder.best[o->side ^ 1])) return PMM_REJECT_POST_ONLY;
  return o->tif == PMM_FOK && !fills_whole(m, o) ? PMM_REJECT_FOK : PMM_REJECT_NONE;
}

/* Ends an order that is not in the book. */
static void drop(pmm_match_t *m, pmm__node_t *o) {
  o->open_e6 = 0;
  pmm__match_relock(m, o);
  pmm__match_free(m, o);
}

/* Matches, then lets the rest rest, or ends it; true when it rests now. */
static bool enter(pmm_match_t *m, int64_t now_ns, pmm__node_t *o, int64_t cut_e6) {
  bool const free_to_rest = match_order(m, now_ns, o);
  if (o->tif == PMM_IOC || o->tif == PMM_FOK) o->open_e6 += cut_e6; /* what the cut to the position took off ends with the rest */
  if (o->open_e6 == 0) {
    pmm__match_free(m, o);
    return false;
  }
  if (!free_to_rest || o->tif == PMM_IOC || o->tif == PMM_FOK) {
    pmm__match_tell(m, now_ns, PMM_EV_CANCELLED, o, free_to_rest ? PMM_REJECT_IOC : PMM_REJECT_SELF_TRADE);
    drop(m, o);
    return false;
  }
  pmm__match_link(m, o);
  return true;
}

pmm__node_t pmm__match_node(uint32_t account, const pmm_action_t *a, int64_t qty_e6) {
  return (pmm__node_t){.account = account, .market = a->market, .price_e4 = a->price_e4, .side = (uint8_t)pmm_route_side((pmm_route_t)a->route), .route = a->route,
                       .tif = a->tif, .flags = a->flags, .open_e6 = qty_e6, .spend_e6 = a->spend_e6, .client_id = a->order_id,
                       .expire_ns = a->tif == PMM_GTD ? a->expire_ns : PMM_NS_MAX};
}

static pmm__node_t *order_of(pmm_match_t *m, uint32_t account, const pmm_action_t *a, int64_t qty_e6) {
  pmm__client_id_t *const entry = id_of(m, account, a->order_id);
  pmm__node_t *const o = take_order(m);
  *entry = (pmm__client_id_t){.id = a->order_id, .account = account + 1, .order = (uint32_t)(o - m->order) + 1};
  m->id_cnt++;
  *o = pmm__match_node(account, a, qty_e6);
  o->ref_id = ++m->exchange_id;
  o->id_slot = (uint32_t)(entry - m->id);
  return o;
}

int64_t pmm__match_reduced(const pmm_match_t *m, uint32_t account, const pmm_action_t *a) {
  if (!(a->flags & PMM_ACT_REDUCE_ONLY)) return a->qty_e6;
  int64_t const most = pmm__reduce_max(pmm__match_holding(m, account, a->market), (pmm_route_t)a->route);
  return pmm_floor_to_lot(pmm_min64(a->qty_e6, most), m->market[a->market].market.lot_e6);
}

/* An id is used up once the request is well-formed, whatever the book and the account then say to it (Kalshi: even a failed
   fill-or-kill). Reduce-only is cut to the position once, here. */
static void place(pmm_match_t *m, uint32_t account, int64_t now_ns, const pmm_action_t *a) {
  pmm_reject_t why = pmm__match_check(m, account, now_ns, a);
  if (why != PMM_REJECT_NONE) {
    refuse(m, account, now_ns, PMM_EV_REJECT, a, why);
    return;
  }
  int64_t const qty = pmm__match_reduced(m, account, a);
  pmm__node_t *const o = order_of(m, account, a, qty);
  why = qty > 0 ? pmm__match_admit(m, o) : PMM_REJECT_SHARES;
  if (why != PMM_REJECT_NONE) {
    drop(m, o);
    refuse(m, account, now_ns, PMM_EV_REJECT, a, why);
    return;
  }
  if (!enter(m, now_ns, o, a->qty_e6 - qty)) return;
  pmm__match_tell(m, now_ns, PMM_EV_ACK, o, PMM_REJECT_NONE);
  pmm__match_publish_level(m, now_ns, o->market, o->side, o->price_e4);
}

static void cancel(pmm_match_t *m, uint32_t account, int64_t now_ns, const pmm_action_t *a) {
  pmm__node_t *const o = find(m, account, a->order_id);
  if (o) pmm__match_remove(m, now_ns, o, PMM_EV_CANCELLED, PMM_REJECT_USER);
  else refuse(m, account, now_ns, PMM_EV_CANCEL_REJECT, a, PMM_REJECT_UNKNOWN_ORDER);
}

static void amend_in_place(pmm_match_t *m, int64_t now_ns, pmm__node_t *o, int64_t open_e6) {
  if (open_e6 < o->open_e6) {
    pmm__match_shrink(m, o, o->open_e6 - open_e6);
    pmm__match_publish_level(m, now_ns, o->market, o->side, o->price_e4);
  }
  pmm__match_tell(m, now_ns, PMM_EV_AMENDED, o, PMM_REJECT_NONE);
}

/* To the back of another level, or of its own, and perhaps through the book. Refused, the order stands where it stood. */
static pmm_reject_t amend_elsewhere(pmm_match_t *m, int64_t now_ns, pmm__node_t *o, const pmm_action_t *a) {
  int32_t const old_e4 = o->price_e4;
  int64_t const old_open = o->open_e6;
  o->price_e4 = a->price_e4;
  o->open_e6 = a->qty_e6;
  pmm_reject_t const why = pmm__match_admit(m, o);
  o->price_e4 = old_e4;
  o->open_e6 = old_open;
  if (why != PMM_REJECT_NONE) {
    pmm__match_relock(m, o);
    return why;
  }
  pmm__match_unlink(m, o);
  pmm__match_publish_level(m, now_ns, o->market, o->side, old_e4);
  o->price_e4 = a->price_e4;
  o->open_e6 = a->qty_e6;
  pmm__match_relock(m, o); /* a smaller sell lets pairs go free */
  pmm__match_tell(m, now_ns, PMM_EV_AMENDED, o, PMM_REJECT_NONE);
  if (enter(m, now_ns, o, 0)) pmm__match_publish_level(m, now_ns, o->market, o->side, o->price_e4);
  return PMM_REJECT_NONE;
}

static void amend(pmm_match_t *m, uint32_t account, int64_t now_ns, const pmm_action_t *asked) {
  pmm__node_t *const o = find(m, account, asked->order_id);
  pmm_action_t const fitted = o ? pmm__fit_amend(asked, o->price_e4, o->open_e6) : *asked, *const a = &fitted;
  pmm_reject_t why = PMM_REJECT_UNKNOWN_ORDER;
  bool const keeps = o && a->price_e4 == o->price_e4 && a->qty_e6 <= o->open_e6;
  if (o) {
    const pmm_market_t *const market = &m->market[o->market].market;
    why = check_form(market, a->price_e4, a->qty_e6, keeps ? 0 : market->min_size_e6);
    if (why == PMM_REJECT_NONE && keeps) amend_in_place(m, now_ns, o, a->qty_e6);
    if (why == PMM_REJECT_NONE && !keeps) why = amend_elsewhere(m, now_ns, o, a);
  }
  if (why != PMM_REJECT_NONE) refuse(m, account, now_ns, PMM_EV_AMEND_REJECT, a, why);
}

void pmm_match_submit(pmm_match_t *m, uint32_t account, int64_t now_ns, const pmm_action_t *a) {
  assert(account < m->account_cnt);
  m->at_ns = now_ns;
  if (now_ns >= m->next_expire_ns) pmm_match_advance(m, now_ns);
  switch ((pmm_action_kind_t)a->kind) {
  case PMM_ACT_PLACE: place(m, account, now_ns, a); break;
  case PMM_ACT_CANCEL: cancel(m, account, now_ns, a); break;
  case PMM_ACT_AMEND: amend(m, account, now_ns, a); break;
  }
  pmm__match_end_burst(m);
}

bool pmm_match_poll(pmm_match_t *m, uint32_t *account, pmm_event_t *event) {
  if (m->event_out == m->event_in) {
    m->event_in = m->event_out = 0; /* dry: the next call writes to the same warm lines */
    return false;
  }
  const pmm__match_event_t *const e = &m->event[m->event_out++ & m->event_mask];
  *account = e->account;
  *event = e->event;
  return true;
}

/* ---- questions ---- */

const pmm_ladder_t *pmm_match_ladder(const pmm_match_t *m, uint32_t market) { return &m->market[market].ladder; }
const pmm_market_t *pmm_match_market(const pmm_match_t *m, uint32_t market) { return &m->market[market].market; }

int64_t pmm_match_cash(const pmm_match_t *m, uint32_t account, int64_t *locked_e6) {
  assert(account < m->account_cnt);
  if (locked_e6) *locked_e6 = m->wallet[account].locked_e6;
  return m->wallet[account].cash_e6;
}

void pmm_match_holding(const pmm_match_t *m, uint32_t account, uint32_t market, int64_t *yes_e6, int64_t *no_e6, int64_t *yes_locked_e6, int64_t *no_locked_e6) {
  assert(account < m->account_cnt && market < m->market_cnt);
  const pmm__holding_t *const h = pmm__match_holding(m, account, market);
  *yes_e6 = h->yes_e6;
  *no_e6 = h->no_e6;
  if (yes_locked_e6) *yes_locked_e6 = h->yes_locked_e6;
  if (no_locked_e6) *no_locked_e6 = h->no_locked_e6;
}

int64_t pmm_match_open(const pmm_match_t *m, uint32_t account, uint64_t order_id) {
  const pmm__node_t *const o = find(m, account, order_id);
  return o ? o->open_e6 : -1;
}

pmm_status_t pmm_match_expire(pmm_match_t *m, uint32_t account, uint64_t order_id, int64_t expire_ns, int64_t now_ns) {
  pmm__node_t *const o = find(m, account, order_id);
  if (!o || !o->resting) return PMM_NOT_FOUND;
  if (expire_ns <= now_ns) return PMM_INVAL;
  o->expire_ns = expire_ns;
  m->next_expire_ns = pmm_min64(m->next_expire_ns, expire_ns);
  return PMM_OK;
}

int64_t pmm_match_ahead(const pmm_match_t *m, uint32_t account, uint64_t order_id) {
  const pmm__node_t *const o = find(m, account, order_id);
  if (!o) return -1;
  int64_t sum = 0;
  for (uint32_t i = o->prev; i != 0; i = m->order[i - 1].prev) sum += m->order[i - 1].open_e6;
  return sum;
}
