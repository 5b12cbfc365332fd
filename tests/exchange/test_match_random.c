/* Random requests against the matching engine and, beside it, a slow model that keeps orders in one array, searches it for everything
   and computes locks, levels and free money anew each time. Every event, book, balance and holding must agree after every request. */
#include "rig.h"

enum { ACCOUNTS = 4, MARKETS = 2, ORDERS = 40, IDS = 6000, EPISODE = 3000, EVENTS = 4096 };

typedef struct m_order {
  bool live;
  uint32_t account, market;
  pmm_route_t route;
  pmm_side_t side;
  pmm_tif_t tif;
  uint8_t flags;
  int32_t price;
  int64_t open, expire;
  uint64_t id, ref, time;
  pmm_fee_acc_t acc;
} m_order_t;

typedef struct logged { uint32_t account; pmm_event_t event; } logged_t;

typedef struct model {
  pmm_match_params_t params;
  pmm_market_t market[MARKETS];
  int64_t cash[ACCOUNTS], yes[ACCOUNTS][MARKETS], no[ACCOUNTS][MARKETS];
  m_order_t order[ORDERS];
  bool id_used[ACCOUNTS][IDS + 8];
  uint64_t id_cnt, trade_id, ref, time, now;
  uint32_t burst;
  logged_t log[EVENTS];
  size_t log_cnt, burst_from;
  int broken; /* the canary's rule to break, 0 none */
} model_t;

/* ---- the model ---- */

static bool names_no(pmm_route_t r) { return r == PMM_SELL_NO || r == PMM_BUY_NO; }
static bool sells(pmm_route_t r) { return r == PMM_SELL_YES || r == PMM_SELL_NO; }
static int32_t outcome_price(pmm_route_t r, int32_t price) { return names_no(r) ? 10000 - price : price; }

static int64_t cash_lock(const model_t *m, const m_order_t *o) {
  if (o->open == 0) return 0;
  int64_t const fee = pmm_fee_bound(&m->market[o->market].fees, o->price, o->open, 16);
  int64_t const worth = (int64_t)outcome_price(o->route, o->price) * o->open;
  if (!sells(o->route)) return (worth + 9999) / 10000 + fee;
  return fee > worth / 10000 ? fee - worth / 10000 : 0;
}

static int64_t locked_cash(const model_t *m, uint32_t account) {
  int64_t sum = 0;
  for (int i = 0; i < ORDERS; i++)
    if (m->order[i].live && m->order[i].account == account) sum += cash_lock(m, &m->order[i]);
  return sum;
}

static int64_t locked_qty(const model_t *m, uint32_t account, uint32_t market, pmm_route_t route) {
  int64_t sum = 0;
  for (int i = 0; i < ORDERS; i++)
    if (m->order[i].live && m->order[i].account == account && m->order[i].market == market && m->order[i].route == route) sum += m->order[i].open;
  return sum;
}

static int64_t level(const model_t *m, uint32_t market, pmm_side_t side, int32_t price) {
  int64_t sum = 0;
  for (int i = 0; i < ORDERS; i++) {
    const m_order_t *const o = &m->order[i];
    if (o->live && o->time && o->market == market && o->side == side && o->price == price) sum += o->open;
  }
  return sum;
}

static pmm_event_t *say(model_t *m, uint32_t account, pmm_kind_t kind, uint32_t market, uint64_t id) {
  logged_t *const l = &m->log[m->log_cnt++];
  assert_true(m->log_cnt < EVENTS);
  memset(l, 0, sizeof *l);
  l->account = account;
  l->event.md = (pmm_md_t){.recv_ns = (int64_t)m->now, .exch_ns = (int64_t)m->now, .seq = m->burst, .market = market, .kind = (uint8_t)kind};
  l->event.order_id = id;
  return &l->event;
}

static void tell(model_t *m, pmm_kind_t kind, const m_order_t *o, pmm_reject_t why) {
  pmm_event_t *const e = say(m, o->account, kind, o->market, o->id);
  e->md.side = (uint8_t)o->side;
  e->md.price_e4 = o->price;
  e->md.qty_e6 = o->open;
  e->md.aux = (uint8_t)why;
  e->ref_id = o->ref;
}

static void publish_level(model_t *m, uint32_t market, pmm_side_t side, int32_t price) {
  pmm_event_t *const e = say(m, PMM_ACCOUNT_PUBLIC, PMM_MD_LEVEL, market, 0);
  e->md.side = (uint8_t)side;
  e->md.price_e4 = price;
  e->md.qty_e6 = level(m, market, side, price);
}

static void end_burst(model_t *m) {
  for (size_t i = m->log_cnt; i-- > m->burst_from;)
    if (m->log[i].account == PMM_ACCOUNT_PUBLIC) {
      m->log[i].event.md.flags |= PMM_F_LAST;
      m->burst++;
      break;
    }
  m->burst_from = m->log_cnt;
}

static void net(model_t *m, uint32_t a, uint32_t k) {
  if (!m->params.net_pairs) return;
  int64_t const yes = m->yes[a][k] - locked_qty(m, a, k, PMM_SELL_YES), no = m->no[a][k] - locked_qty(m, a, k, PMM_SELL_NO);
  int64_t const pairs = yes < no ? yes : no;
  if (pairs <= 0) return;
  m->yes[a][k] -= pairs;
  m->no[a][k] -= pairs;
  m->cash[a] += pairs;
}

static void leg(model_t *m, m_order_t *o, bool maker, int32_t price, int64_t qty) {
  int64_t const fee = pmm_fee_charge(&m->market[o->market].fees, maker, o->route, price, qty, &o->acc), worth = (int64_t)outcome_price(o->route, price) * qty;
  int64_t *const held = names_no(o->route) ? &m->no[o->account][o->market] : &m->yes[o->account][o->market];
  if (sells(o->route)) {
    *held -= qty;
    m->cash[o->account] += worth / 10000;
  } else {
    *held += qty;
    m->cash[o->account] -= (worth + 9999) / 10000;
  }
  m->cash[o->account] -= fee;
  pmm_event_t *const e = say(m, o->account, PMM_EV_FILL, o->market, o->id);
  e->md.side = (uint8_t)o->side;
  e->md.price_e4 = price;
  e->md.qty_e6 = qty;
  e->md.flags = maker ? PMM_F_MAKER : 0;
  e->amount_e6 = fee;
  e->ref_id = m->trade_id;
}

/* The resting order that an order of this side meets first, or NULL. */
static m_order_t *first_of(model_t *m, uint32_t market, pmm_side_t side) {
  m_order_t *best = NULL;
  for (int i = 0; i < ORDERS; i++) {
    m_order_t *const o = &m->order[i];
    if (!o->live || !o->time || o->market != market || o->side != side) continue;
    int const ahead = !best ? 1 : (side == PMM_BID ? o->price - best->price : best->price - o->price);
    bool const earlier = best && (m->broken == 1 ? o->time > best->time : o->time < best->time);
    if (!best || ahead > 0 || (ahead == 0 && earlier)) best = o;
  }
  return best;
}

static bool meets(const m_order_t *o, const m_order_t *other) {
  return other && (o->side == PMM_BID ? other->price <= o->price : other->price >= o->price);
}

static void gone(model_t *m, m_order_t *o) {
  o->live = false;
  o->open = 0;
  net(m, o->account, o->market);
}

static bool run_through(model_t *m, m_order_t *o) {
  pmm_side_t const side = o->side == PMM_BID ? PMM_ASK : PMM_BID;
  int32_t touched = 0;
  bool stopped = false;
  while (o->open > 0 && !stopped) {
    m_order_t *const maker = first_of(m, o->market, side);
    if (touched && (!maker || maker->price != touched)) publish_level(m, o->market, side, touched), touched = 0;
    if (!meets(o, maker)) break;
    if (maker->account == o->account && m->params.stp == PMM_STP_CANCEL_TAKER) {
      stopped = true;
    } else if (maker->account == o->account && m->params.stp == PMM_STP_CANCEL_MAKER) {
      tell(m, PMM_EV_CANCELLED, maker, PMM_REJECT_SELF_TRADE);
      touched = maker->price;
      gone(m, maker);
    } else {
      int64_t const qty = maker->open < o->open ? maker->open : o->open;
      int32_t const price = m->broken == 2 ? o->price : maker->price;
      m->trade_id++;
      pmm_event_t *const e = say(m, PMM_ACCOUNT_PUBLIC, PMM_MD_TRADE, o->market, 0);
      e->md.side = (uint8_t)o->side;
      e->md.price_e4 = price;
      e->md.qty_e6 = qty;
      e->ref_id = m->trade_id;
      leg(m, maker, true, price, qty);
      leg(m, o, false, price, qty);
      touched = maker->price;
      maker->open -= qty;
      o->open -= qty;
      if (maker->open == 0) gone(m, maker);
      net(m, maker->account, o->market);
      net(m, o->account, o->market);
    }
  }
  if (touched) publish_level(m, o->market, side, touched);
  return !stopped;
}

/* Plays the order against the resting ones, taking each out as it is met, and puts them back. */
static bool would_fill(model_t *m, const m_order_t *o) {
  bool live[ORDERS], fills = false;
  for (int i = 0; i < ORDERS; i++) live[i] = m->order[i].live;
  int64_t left = o->open;
  for (;;) {
    m_order_t *const maker = first_of(m, o->market, o->side == PMM_BID ? PMM_ASK : PMM_BID);
    if (!meets(o, maker)) break;
    bool const own = maker->account == o->account;
    if (own && m->params.stp == PMM_STP_CANCEL_TAKER) break;
    if (!own || m->params.stp == PMM_STP_NONE) left -= maker->open;
    maker->live = false;
    fills = left <= 0;
    if (fills) break;
  }
  for (int i = 0; i < ORDERS; i++) m->order[i].live = live[i];
  return fills;
}

static pmm_reject_t form(const pmm_market_t *k, int32_t price, int64_t qty, int64_t least) {
  if (k->life != PMM_LIFE_OPEN) return PMM_REJECT_CLOSED;
  if (price <= 0 || price >= 10000 || price % k->grid.tick_e4) return PMM_REJECT_PRICE;
  if (qty <= 0 || qty < least || qty % k->lot_e6) return PMM_REJECT_SIZE;
  return PMM_REJECT_NONE;
}

static void refuse(model_t *m, uint32_t account, pmm_kind_t kind, const pmm_action_t *a, pmm_reject_t why) {
  pmm_event_t *const e = say(m, account, kind, a->market, a->order_id);
  e->md.side = a->route == PMM_BUY_YES || a->route == PMM_SELL_NO ? PMM_BID : PMM_ASK;
  e->md.price_e4 = a->price_e4;
  e->md.qty_e6 = a->qty_e6;
  e->md.aux = (uint8_t)why;
}

/* May the account lock what *o needs, its old lock being free again? */
static pmm_reject_t money(model_t *m, const m_order_t *o, int64_t old_cash, int64_t old_qty) {
  int64_t const need = cash_lock(m, o), cash_free = m->cash[o->account] - locked_cash(m, o->account);
  if (need > old_cash && need - old_cash > cash_free) return PMM_REJECT_FUNDS;
  if (!sells(o->route) || o->open <= old_qty) return PMM_REJECT_NONE;
  int64_t const held = o->route == PMM_SELL_YES ? m->yes[o->account][o->market] : m->no[o->account][o->market];
  return o->open - old_qty > held - locked_qty(m, o->account, o->market, o->route) ? PMM_REJECT_SHARES : PMM_REJECT_NONE;
}

static m_order_t *find(model_t *m, uint32_t account, uint64_t id) {
  for (int i = 0; i < ORDERS; i++)
    if (m->order[i].live && m->order[i].account == account && m->order[i].id == id) return &m->order[i];
  return NULL;
}

/* Into the book, or out of the world; true when it rests. */
static bool come_in(model_t *m, m_order_t *o, int64_t cut) {
  o->time = 0; /* not in the book while it trades */
  bool const may_rest = run_through(m, o);
  if (o->tif == PMM_IOC || o->tif == PMM_FOK) o->open += cut;
  if (o->open == 0) return gone(m, o), false;
  if (!may_rest || o->tif == PMM_IOC || o->tif == PMM_FOK) {
    tell(m, PMM_EV_CANCELLED, o, may_rest ? PMM_REJECT_IOC : PMM_REJECT_SELF_TRADE);
    return gone(m, o), false;
  }
  o->time = ++m->time;
  return true;
}

static pmm_reject_t place_why(model_t *m, uint32_t account, const pmm_action_t *a, m_order_t **slot) {
  if (a->market >= MARKETS) return PMM_REJECT_CLOSED;
  if (m->id_used[account][a->order_id]) return PMM_REJECT_DUPLICATE;
  pmm_reject_t const why = form(&m->market[a->market], a->price_e4, a->qty_e6, m->market[a->market].min_size_e6);
  if (why) return why;
  if (a->tif == PMM_GTD && a->expire_ns <= (int64_t)m->now) return PMM_REJECT_EXPIRY;
  for (int i = 0; i < ORDERS && !*slot; i++)
    if (!m->order[i].live) *slot = &m->order[i];
  return *slot && m->id_cnt < m->params.client_ids_max ? PMM_REJECT_NONE : PMM_REJECT_FULL;
}

static void m_place(model_t *m, uint32_t account, const pmm_action_t *a) {
  m_order_t *o = NULL;
  pmm_reject_t why = place_why(m, account, a, &o);
  if (why) {
    refuse(m, account, PMM_EV_REJECT, a, why);
    return;
  }
  m->id_used[account][a->order_id] = true;
  m->id_cnt++;
  pmm_route_t const route = (pmm_route_t)a->route;
  int64_t qty = a->qty_e6;
  if (a->flags & PMM_ACT_REDUCE_ONLY) {
    int64_t const yes = m->yes[account][a->market], no = m->no[account][a->market];
    int64_t most = route == PMM_BUY_YES ? no - yes : route == PMM_BUY_NO ? yes - no
                 : route == PMM_SELL_YES ? yes - locked_qty(m, account, a->market, route) : no - locked_qty(m, account, a->market, route);
    if (most < 0) most = 0;
    if (most < qty) qty = most - most % m->market[a->market].lot_e6;
  }
  *o = (m_order_t){.account = account, .market = a->market, .route = route, .side = names_no(route) != sells(route) ? PMM_ASK : PMM_BID, .tif = (pmm_tif_t)a->tif,
                   .flags = a->flags, .price = a->price_e4, .open = qty, .expire = a->tif == PMM_GTD ? a->expire_ns : INT64_MAX, .id = a->order_id, .ref = ++m->ref};
  o->side = route == PMM_BUY_YES || route == PMM_SELL_NO ? PMM_BID : PMM_ASK;
  why = qty > 0 ? money(m, o, 0, 0) : PMM_REJECT_SHARES;
  if (!why && (o->flags & PMM_ACT_POST_ONLY) && meets(o, first_of(m, o->market, o->side == PMM_BID ? PMM_ASK : PMM_BID))) why = PMM_REJECT_POST_ONLY;
  if (!why && o->tif == PMM_FOK && !would_fill(m, o)) why = PMM_REJECT_FOK;
  if (why) {
    o->open = 0;
    refuse(m, account, PMM_EV_REJECT, a, why);
    return;
  }
  o->live = true;
  if (!come_in(m, o, a->qty_e6 - qty)) return;
  tell(m, PMM_EV_ACK, o, PMM_REJECT_NONE);
  publish_level(m, o->market, o->side, o->price);
}

static void take_out(model_t *m, m_order_t *o, pmm_kind_t kind, pmm_reject_t why) {
  tell(m, kind, o, why);
  gone(m, o);
}

static void m_cancel(model_t *m, uint32_t account, const pmm_action_t *a) {
  m_order_t *const o = find(m, account, a->order_id);
  if (!o) {
    refuse(m, account, PMM_EV_CANCEL_REJECT, a, PMM_REJECT_UNKNOWN_ORDER);
    return;
  }
  take_out(m, o, PMM_EV_CANCELLED, PMM_REJECT_USER);
  publish_level(m, o->market, o->side, o->price);
}

static void m_amend(model_t *m, uint32_t account, const pmm_action_t *a) {
  m_order_t *const o = find(m, account, a->order_id);
  if (!o) {
    refuse(m, account, PMM_EV_AMEND_REJECT, a, PMM_REJECT_UNKNOWN_ORDER);
    return;
  }
  bool const keeps = a->price_e4 == o->price && a->qty_e6 <= o->open;
  const pmm_market_t *const k = &m->market[o->market];
  pmm_reject_t why = form(k, a->price_e4, a->qty_e6, keeps ? 0 : k->min_size_e6);
  m_order_t next = *o;
  next.price = a->price_e4;
  next.open = a->qty_e6;
  if (!why && !keeps) why = money(m, &next, cash_lock(m, o), sells(o->route) ? o->open : 0);
  if (!why && !keeps && (o->flags & PMM_ACT_POST_ONLY) && meets(&next, first_of(m, o->market, o->side == PMM_BID ? PMM_ASK : PMM_BID))) why = PMM_REJECT_POST_ONLY;
  if (why) {
    refuse(m, account, PMM_EV_AMEND_REJECT, a, why);
    return;
  }
  if (keeps) {
    bool const smaller = a->qty_e6 < o->open;
    o->open = a->qty_e6;
    net(m, account, o->market);
    if (smaller) publish_level(m, o->market, o->side, o->price);
    tell(m, PMM_EV_AMENDED, o, PMM_REJECT_NONE);
    return;
  }
  int32_t const from = o->price;
  o->time = 0;
  publish_level(m, o->market, o->side, from);
  o->price = a->price_e4;
  o->open = a->qty_e6;
  net(m, account, o->market);
  tell(m, PMM_EV_AMENDED, o, PMM_REJECT_NONE);
  if (come_in(m, o, 0)) publish_level(m, o->market, o->side, o->price);
}

static void m_submit(model_t *m, uint32_t account, const pmm_action_t *a) {
  if (a->kind == PMM_ACT_PLACE) m_place(m, account, a);
  if (a->kind == PMM_ACT_CANCEL) m_cancel(m, account, a);
  if (a->kind == PMM_ACT_AMEND) m_amend(m, account, a);
  end_burst(m);
}

static void m_advance(model_t *m) {
  for (int i = 0; i < ORDERS; i++) {
    m_order_t *const o = &m->order[i];
    if (!o->live || o->expire > (int64_t)m->now) continue;
    take_out(m, o, PMM_EV_EXPIRED, PMM_REJECT_EXPIRY);
    publish_level(m, o->market, o->side, o->price);
    end_burst(m);
  }
}

/* Takes all orders of a market out, or those off a grid: bids, then asks, best price first, oldest first. */
static void clear(model_t *m, uint32_t market, pmm_kind_t kind, pmm_reject_t why, int32_t off_tick) {
  for (int side = PMM_BID; side <= PMM_ASK; side++)
    for (int32_t k = 1; k < 10000; k++) {
      int32_t const price = side == PMM_BID ? 10000 - k : k;
      if ((off_tick && price % off_tick == 0) || level(m, market, (pmm_side_t)side, price) == 0) continue;
      m_order_t *o;
      do {
        o = NULL;
        for (int i = 0; i < ORDERS; i++) {
          m_order_t *const c = &m->order[i];
          if (c->live && c->market == market && c->side == (pmm_side_t)side && c->price == price && (!o || c->time < o->time)) o = c;
        }
        if (o) take_out(m, o, kind, why);
      } while (o);
      publish_level(m, market, (pmm_side_t)side, price);
    }
}

static void m_life(model_t *m, uint32_t market, pmm_life_t life, pmm_outcome_t outcome, int64_t payout) {
  if (m->market[market].life == life) return;
  if (life >= PMM_LIFE_CLOSED) clear(m, market, PMM_EV_EXPIRED, PMM_REJECT_CLOSED, 0);
  m->market[market].life = (uint8_t)life;
  pmm_event_t *const e = say(m, PMM_ACCOUNT_PUBLIC, PMM_MD_STATUS, market, 0);
  e->md.aux = (uint8_t)life;
  if (life == PMM_LIFE_RESOLVED) {
    e->md.side = (uint8_t)outcome;
    e->md.qty_e6 = payout;
    for (uint32_t a = 0; a < ACCOUNTS; a++) {
      m->cash[a] += m->yes[a][market] * payout / ONE + m->no[a][market] * (ONE - payout) / ONE;
      m->yes[a][market] = m->no[a][market] = 0;
    }
  }
  end_burst(m);
}

static void m_regrid(model_t *m, uint32_t market, int32_t tick) {
  clear(m, market, PMM_EV_CANCELLED, PMM_REJECT_TICK, tick);
  pmm_grid_uniform(&m->market[market].grid, tick);
  say(m, PMM_ACCOUNT_PUBLIC, PMM_MD_TICK, market, 0)->md.price_e4 = tick;
  end_burst(m);
}

/* ---- comparison ---- */

static bool same_events(model_t *m, pmm_match_t *match, char *why, size_t len) {
  uint32_t account;
  pmm_event_t e;
  size_t i = 0;
  bool same = true;
  for (; pmm_match_poll(match, &account, &e); i++) {
    if (!same) continue;
    if (i < m->log_cnt && m->log[i].account == account && memcmp(&m->log[i].event, &e, sizeof e) == 0) continue;
    same = false;
    const pmm_event_t *const w = i < m->log_cnt ? &m->log[i].event : NULL;
    snprintf(why, len, "event %zu: %s account %d price %d qty %lld aux %d, model %s price %d qty %lld aux %d", i, kind_name(e.md.kind), (int)account, e.md.price_e4, (long long)e.md.qty_e6,
             e.md.aux, w ? kind_name(w->md.kind) : "none", w ? w->md.price_e4 : 0, w ? (long long)w->md.qty_e6 : 0, w ? w->md.aux : 0);
  }
  if (same && i != m->log_cnt) {
    snprintf(why, len, "%zu events, model %zu", i, m->log_cnt);
    same = false;
  }
  m->log_cnt = m->burst_from = 0;
  return same;
}

static bool same_state(model_t *m, const pmm_match_t *match, bool deep, char *why, size_t len) {
  for (uint32_t a = 0; a < ACCOUNTS; a++) {
    int64_t locked;
    if (pmm_match_cash(match, a, &locked) != m->cash[a] || locked != locked_cash(m, a)) return snprintf(why, len, "account %u: cash %lld locked %lld, model %lld and %lld", a, (long long)pmm_match_cash(match, a, NULL), (long long)locked, (long long)m->cash[a], (long long)locked_cash(m, a)), false;
    for (uint32_t k = 0; k < MARKETS; k++) {
      int64_t yes, no, yes_locked, no_locked;
      pmm_match_holding(match, a, k, &yes, &no, &yes_locked, &no_locked);
      if (yes != m->yes[a][k] || no != m->no[a][k] || yes_locked != locked_qty(m, a, k, PMM_SELL_YES) || no_locked != locked_qty(m, a, k, PMM_SELL_NO))
        return snprintf(why, len, "holding of account %u in market %u", a, k), false;
    }
  }
  for (int i = 0; i < ORDERS; i++) {
    const m_order_t *const o = &m->order[i];
    if (!o->live) continue;
    int64_t ahead = 0;
    for (int k = 0; k < ORDERS; k++) {
      const m_order_t *const c = &m->order[k];
      if (c->live && c->market == o->market && c->side == o->side && c->price == o->price && c->time < o->time) ahead += c->open;
    }
    if (pmm_match_ahead(match, o->account, o->id) != ahead) return snprintf(why, len, "ahead of order %llu", (unsigned long long)o->id), false;
    if (pmm_ladder_qty(pmm_match_ladder(match, o->market), o->side, o->price / m->market[o->market].grid.tick_e4) != level(m, o->market, o->side, o->price)) return snprintf(why, len, "level"), false;
  }
  pmm_error_t err;
  if (!deep || pmm_match_check(match, &err) == PMM_OK) return true;
  snprintf(why, len, "%s", err.text);
  return false;
}

/* ---- driving ---- */

static int64_t random_expiry(const model_t *m, pmm_rng_t *rng) { /* one order a nanosecond: which of two goes first is not promised */
  int64_t at = (int64_t)m->now + (int64_t)pmm_rng_below(rng, 200);
  for (int i = 0; i < ORDERS; i++)
    if (m->order[i].live && m->order[i].expire == at) at++, i = -1;
  return at;
}

static pmm_action_t random_action(model_t *m, pmm_rng_t *rng, uint32_t account, uint64_t *next_id) {
  uint32_t const market = (uint32_t)pmm_rng_below(rng, MARKETS);
  const pmm_market_t *const k = &m->market[market];
  int32_t const ticks = k->grid.tick_cnt;
  int32_t price = (int32_t)pmm_rng_below(rng, 9) - 4 + ticks / 2;
  if (price < 1) price = 1;
  price = price < ticks ? price * k->grid.tick_e4 : 9999;
  if (pmm_rng_below(rng, 50) == 0) price = (int32_t)pmm_rng_below(rng, 10001);
  int64_t qty = (int64_t)(1 + pmm_rng_below(rng, 30)) * k->lot_e6;
  if (pmm_rng_below(rng, 40) == 0) qty += (int64_t)pmm_rng_below(rng, 3) - 1;
  if (pmm_rng_below(rng, 60) == 0) qty *= 100000;
  uint64_t const what = pmm_rng_below(rng, 10);
  uint64_t id = *next_id;
  if (what >= 6 || pmm_rng_below(rng, 50) == 0) id = 1 + pmm_rng_below(rng, *next_id);
  for (int tries = 0; what >= 6 && tries < 20 && !find(m, account, id); tries++) id = 1 + pmm_rng_below(rng, *next_id);
  if (what < 6) {
    static const uint8_t tifs[] = {PMM_GTC, PMM_GTC, PMM_GTC, PMM_GTC, PMM_GTD, PMM_IOC, PMM_FOK};
    pmm_action_t a = act_place(pmm_rng_below(rng, 100) ? market : MARKETS, id, (pmm_route_t)pmm_rng_below(rng, 4), price, qty, (pmm_tif_t)tifs[pmm_rng_below(rng, CNT(tifs))], 0);
    if (pmm_rng_below(rng, 6) == 0) a.flags |= PMM_ACT_POST_ONLY;
    if (pmm_rng_below(rng, 10) == 0) a.flags |= PMM_ACT_REDUCE_ONLY;
    a.expire_ns = random_expiry(m, rng);
    if (id == *next_id && *next_id < IDS) ++*next_id;
    return a;
  }
  if (what < 8) return act_cancel(market, id);
  const m_order_t *const o = find(m, account, id);
  if (o && pmm_rng_below(rng, 2)) price = o->price;
  return act_amend(market, id, price, qty);
}

static void market_move(model_t *m, pmm_match_t *match, pmm_rng_t *rng) {
  uint32_t const market = (uint32_t)pmm_rng_below(rng, MARKETS);
  if (pmm_rng_below(rng, 3) == 0) {
    static const int32_t tick[] = {100, 500, 50, 100, 1000, 200, 100, 10};
    int32_t const next = tick[pmm_rng_below(rng, CNT(tick))];
    assert_int_equal(pmm_match_regrid(match, market, (int64_t)m->now, next), PMM_OK);
    m_regrid(m, market, next);
    return;
  }
  static const pmm_life_t lives[] = {PMM_LIFE_OPEN, PMM_LIFE_OPEN, PMM_LIFE_HALTED, PMM_LIFE_CLOSED, PMM_LIFE_RESOLVING};
  pmm_life_t const life = lives[pmm_rng_below(rng, CNT(lives))];
  if (pmm_match_life(match, market, (int64_t)m->now, life, PMM_OUTCOME_UNKNOWN, 0) == PMM_OK) m_life(m, market, life, PMM_OUTCOME_UNKNOWN, 0);
}

static void settle_all(model_t *m, pmm_match_t *match, pmm_rng_t *rng) {
  for (uint32_t k = 0; k < MARKETS; k++) {
    if (pmm_match_life(match, k, (int64_t)m->now, PMM_LIFE_CLOSED, PMM_OUTCOME_UNKNOWN, 0) == PMM_OK) m_life(m, k, PMM_LIFE_CLOSED, PMM_OUTCOME_UNKNOWN, 0);
    int64_t const payout = (int64_t)pmm_rng_below(rng, ONE + 1);
    assert_int_equal(pmm_match_life(match, k, (int64_t)m->now, PMM_LIFE_RESOLVED, PMM_OUTCOME_VOID, payout), PMM_OK);
    m_life(m, k, PMM_LIFE_RESOLVED, PMM_OUTCOME_VOID, payout);
  }
}

static void open_episode(model_t *m, pmm_rng_t *rng, pmm_arena_t *arena, pmm_match_t **match, int broken) {
  memset(m, 0, sizeof *m);
  m->broken = broken;
  m->params = (pmm_match_params_t){.stp = (int32_t)pmm_rng_below(rng, 3), .net_pairs = pmm_rng_below(rng, 2), .accounts_max = ACCOUNTS, .orders_max = ORDERS, .client_ids_max = IDS - 100 - pmm_rng_below(rng, 4500)};
  pmm_market_init(&m->market[0], "cents");
  m->market[0].fees = (pmm_fee_schedule_t){.model = PMM_FEE_KALSHI, .taker_rate_e6 = 70000, .maker_rate_e6 = 17500, .precision_e6 = 100};
  pmm_market_init(&m->market[1], "dust"); /* a lot so fine that every notional is rounded */
  m->market[1].lot_e6 = m->market[1].min_size_e6 = 7;
  if (pmm_rng_below(rng, 2)) m->market[1].fees = (pmm_fee_schedule_t){.model = PMM_FEE_BPS, .taker_rate_e6 = 3000, .maker_rate_e6 = 1000};
  pmm_arena_open(arena, pmm_match_bytes(&m->params, MARKETS));
  assert_int_equal(pmm_match_init(match, arena, &m->params, m->market, MARKETS), PMM_OK);
  for (uint32_t a = 0; a < ACCOUNTS; a++) {
    uint32_t account;
    m->cash[a] = a == 0 ? 3 * ONE : 1000 * ONE; /* one of them is poor */
    assert_int_equal(pmm_match_account(*match, m->cash[a], &account), PMM_OK);
  }
}

/* Runs one episode; false with why at the first difference. */
static bool episode(uint64_t seed, uint64_t ops, int broken, char *why, size_t len) {
  static model_t m;
  pmm_rng_t rng;
  pmm_rng_seed(&rng, seed);
  pmm_arena_t arena;
  pmm_match_t *match;
  open_episode(&m, &rng, &arena, &match, broken);
  uint64_t next_id = 1;
  bool same = true;
  for (uint64_t i = 0; i <= ops && same; i++) {
    m.now++;
    pmm_match_advance(match, (int64_t)m.now);
    m_advance(&m);
    if (i == ops) {
      settle_all(&m, match, &rng);
    } else if (pmm_rng_below(&rng, 400) == 0) {
      market_move(&m, match, &rng);
    } else {
      uint32_t const account = (uint32_t)pmm_rng_below(&rng, ACCOUNTS);
      pmm_action_t const a = random_action(&m, &rng, account, &next_id);
      pmm_match_submit(match, account, (int64_t)m.now, &a);
      m_submit(&m, account, &a);
    }
    same = same_events(&m, match, why, len) && same_state(&m, match, i % 8 == 0 || i == ops, why, len); /* the deep check walks every tick */
    if (!same) {
      size_t const at = strlen(why);
      snprintf(why + at, len - at, " (seed %llu, request %llu)", (unsigned long long)seed, (unsigned long long)i);
    }
  }
  pmm_arena_close(&arena);
  return same;
}

static void random_against_model(void **state) {
  (void)state;
  uint64_t const seed = test_seed(), ops = test_ops(60000);
  char why[512];
  for (uint64_t done = 0, k = 0; done < ops; done += EPISODE, k++)
    if (!episode(seed + k, EPISODE, 0, why, sizeof why)) fail_msg("%s", why);
}

/* A model that breaks time priority, or the price of a trade, must be found out. */
static void canary(void **state) {
  (void)state;
  char why[512];
  for (int broken = 1; broken <= 2; broken++) assert_false(episode(1, EPISODE, broken, why, sizeof why));
}

int main(void) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(random_against_model), cmocka_unit_test(canary)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
