/* Random tapes and orders through the fill simulator and, beside it, a slow model: the book is an array over all prices, orders an
   array searched from end to end, every crossing looked for after every message, locks added up anew, tokens counted nanosecond by
   nanosecond, fills that wait in a list without order. Limits, phases, late and failed settlements and fills by chance are switched on
   at random. Events, queue places, cash and holdings must agree after every step. Then: what holds on any tape, whatever the model says. */
#include <math.h>
#include "rig.h"
#include "pmm/fmath.h"
#include "pmm/hash.h"

enum { MARKETS = 2, ORDERS = 24, EPISODE = 2500, EVENTS = 1024, PRICES = 10001, WAITING = 512 };

typedef struct cut { int64_t at, cut, moved; } cut_t;
typedef struct s_order {
  bool live, resting;
  uint32_t market;
  pmm_route_t route;
  int side;
  uint8_t tif, flags;
  int32_t price;
  int64_t open, expire, placed;
  uint64_t id, time;
  int64_t ahead, shown, traded;
  bool unknown;
  cut_t cuts[EPISODE * 2];
  size_t cut_cnt;
  pmm_fee_acc_t acc;
} s_order_t;

typedef struct foot { int64_t shown, used; } foot_t;
typedef struct waiting { bool used, fails, paid; int64_t due, qty, flow; uint64_t trade, order; uint32_t market; pmm_route_t route; int side; int32_t price; } waiting_t;
typedef struct slow {
  pmm_sim_params_t p;
  pmm_market_t market[MARKETS];
  int64_t book[MARKETS][2][PRICES];
  foot_t foot[MARKETS][2][PRICES];
  bool snapshot[MARKETS], gap[MARKETS];
  int64_t cash, yes[MARKETS], no[MARKETS];
  s_order_t order[ORDERS];
  uint64_t time, trade_id, ref;
  int64_t now, print_fills; /* passive quantity filled by the latest record's print */
  uint32_t seq;
  pmm_event_t log[EVENTS];
  size_t log_cnt;
  uint8_t phase[MARKETS];
  int64_t delay[MARKETS], looked[MARKETS], paid_yes[MARKETS], paid_no[MARKETS], payout[MARKETS];
  int32_t fail_e4[MARKETS], price[MARKETS];
  waiting_t waiting[WAITING];
  pmm_rng_t chance, fate;
  int64_t tokens; /* 1e-12 */
  int broken;
} slow_t;

/* ---- the slow model: money ---- */

static bool names_no(pmm_route_t r) { return r == PMM_SELL_NO || r == PMM_BUY_NO; }
static bool sells(pmm_route_t r) { return r == PMM_SELL_YES || r == PMM_SELL_NO; }
static int32_t outcome_price(pmm_route_t r, int32_t price) { return names_no(r) ? 10000 - price : price; }

static int64_t cash_lock(const slow_t *s, const s_order_t *o) {
  if (o->open == 0) return 0;
  int64_t const fee = s->p.fees ? 0 : pmm_fee_bound(&s->market[o->market].fees, o->price, o->open, 16), worth = (int64_t)outcome_price(o->route, o->price) * o->open;
  if (!sells(o->route)) return (worth + 9999) / 10000 + fee;
  return fee > worth / 10000 ? fee - worth / 10000 : 0;
}
static int64_t locked_cash(const slow_t *s) {
  int64_t sum = 0;
  for (int i = 0; i < ORDERS; i++)
    if (s->order[i].live) sum += cash_lock(s, &s->order[i]);
  return sum;
}
static int64_t locked_qty(const slow_t *s, uint32_t market, pmm_route_t route) {
  int64_t sum = 0;
  for (int i = 0; i < ORDERS; i++)
    if (s->order[i].live && s->order[i].market == market && s->order[i].route == route) sum += s->order[i].open;
  return sum;
}
static int64_t unsettled(const slow_t *s, uint32_t market, bool no) {
  int64_t sum = 0;
  for (int i = 0; i < WAITING; i++) {
    const waiting_t *const w = &s->waiting[i];
    if (w->used && !w->paid && w->market == market && !sells(w->route) && names_no(w->route) == no) sum += w->qty;
  }
  return sum;
}
static int64_t free_yes(const slow_t *s, uint32_t k) { return s->yes[k] - locked_qty(s, k, PMM_SELL_YES) - unsettled(s, k, false); }
static int64_t free_no(const slow_t *s, uint32_t k) { return s->no[k] - locked_qty(s, k, PMM_SELL_NO) - unsettled(s, k, true); }
static bool nets(const slow_t *s, uint32_t k) { return s->p.net_pairs == PMM_NET_ALWAYS || (s->p.net_pairs == PMM_NET_AUTO && s->market[k].venue != PMM_VENUE_POLYMARKET); }
static void net(slow_t *s, uint32_t k) {
  if (!nets(s, k)) return;
  int64_t const yes = free_yes(s, k), no = free_no(s, k), pairs = yes < no ? yes : no;
  if (pairs <= 0) return;
  s->yes[k] -= pairs;
  s->no[k] -= pairs;
  s->cash += pairs;
}

/* ---- events ---- */

static pmm_event_t *say(slow_t *s, pmm_kind_t kind, uint32_t market, uint64_t id, int side, int32_t price, int64_t qty, pmm_reject_t why) {
  assert_true(s->log_cnt < EVENTS);
  pmm_event_t *const e = &s->log[s->log_cnt++];
  memset(e, 0, sizeof *e);
  e->md = (pmm_md_t){.recv_ns = s->now, .exch_ns = s->now, .qty_e6 = qty, .price_e4 = price, .seq = ++s->seq, .market = market, .kind = (uint8_t)kind, .side = (uint8_t)side, .aux = (uint8_t)why};
  e->order_id = id;
  return e;
}
static void finish(slow_t *s, s_order_t *o, pmm_kind_t kind, pmm_reject_t why) {
  if (kind) say(s, kind, o->market, o->id, o->side, o->price, o->open, why);
  o->live = o->resting = false;
  o->open = 0;
  net(s, o->market);
}

/* ---- settlement ---- */

static bool settles_later(const slow_t *s, uint32_t k) { return s->delay[k] > 0 || s->fail_e4[k] > 0; }

static void wait_for(slow_t *s, const s_order_t *o, int32_t price, int64_t qty, int64_t flow) {
  waiting_t *w = s->waiting;
  while (w->used) w++;
  assert_true(w < s->waiting + WAITING);
  bool const fails = s->fail_e4[o->market] > 0 && pmm_rng_below(&s->fate, 10000) < (uint64_t)s->fail_e4[o->market];
  *w = (waiting_t){.used = true, .fails = fails, .due = s->now + s->delay[o->market], .qty = qty, .flow = flow, .trade = s->trade_id, .order = o->id, .market = o->market,
                   .route = o->route, .side = o->side, .price = price};
}

static int64_t worth(int64_t yes, int64_t no, int64_t payout) { return (int64_t)((__int128)yes * payout / ONE + (__int128)no * (ONE - payout) / ONE); }

static void undo(slow_t *s, const waiting_t *w) {
  uint32_t const k = w->market;
  int64_t *const held = names_no(w->route) ? (w->paid ? &s->paid_no[k] : &s->no[k]) : (w->paid ? &s->paid_yes[k] : &s->yes[k]);
  int64_t const before = worth(s->paid_yes[k], s->paid_no[k], s->payout[k]);
  *held += sells(w->route) ? w->qty : -w->qty;
  s->cash -= w->flow;
  if (w->paid) s->cash += worth(s->paid_yes[k], s->paid_no[k], s->payout[k]) - before;
}

static void end_one(slow_t *s, waiting_t *w) {
  waiting_t const was = *w;
  w->used = false;
  if (was.fails && s->broken != 3) undo(s, &was);
  if (!was.paid) net(s, was.market);
  say(s, was.fails ? PMM_EV_SETTLE_FAILED : PMM_EV_SETTLED, was.market, was.order, was.side, was.price, was.qty, PMM_REJECT_NONE)->ref_id = was.trade;
  while (was.fails && s->cash < locked_cash(s)) {
    s_order_t *newest = NULL;
    for (int i = 0; i < ORDERS; i++)
      if (s->order[i].resting && cash_lock(s, &s->order[i]) > 0 && (!newest || s->order[i].id > newest->id)) newest = &s->order[i];
    if (!newest) return;
    finish(s, newest, PMM_EV_CANCELLED, PMM_REJECT_FUNDS);
  }
}

static void settle_due(slow_t *s) {
  for (;;) {
    waiting_t *first = NULL;
    for (int i = 0; i < WAITING; i++) {
      waiting_t *const w = &s->waiting[i];
      if (w->used && w->due <= s->now && (!first || w->due < first->due || (w->due == first->due && w->trade < first->trade))) first = w;
    }
    if (!first) return;
    end_one(s, first);
  }
}

/* ---- the queue ---- */

static int64_t lag_of(const slow_t *s, uint32_t k) {
  if (s->p.print_lag_ns == 0 || !(s->market[k].data & PMM_DATA_INFERRED)) return s->p.print_lag_ns;
  return s->p.print_lag_ns > PMM_NS_PER_S ? s->p.print_lag_ns : PMM_NS_PER_S;
}

static void see_level(slow_t *s, s_order_t *o, int64_t now_shown, bool nosize, bool only_bound) {
  int64_t const lag = lag_of(s, o->market), cut = only_bound ? 0 : o->shown - now_shown - o->traded, before = o->ahead;
  bool const was_unknown = o->unknown;
  if (cut > 0 && !nosize && !o->unknown) {
    double const front = (double)o->ahead, back = (double)(o->shown - o->ahead);
    if (s->p.queue == PMM_QUEUE_PROPORTIONAL && o->ahead > 0 && o->ahead <= o->shown) o->ahead -= (int64_t)((__int128)cut * o->ahead / o->shown);
    if (s->p.queue == PMM_QUEUE_POWER) {
      double const f = s->p.queue_power == 2 ? front * front : pmm_pow(fabs(front), s->p.queue_power), b0 = back > 0 ? back : 0, b = s->p.queue_power == 2 ? b0 * b0 : pmm_pow(b0, s->p.queue_power);
      if (f + b > 0) {
        double const behind = b / (f + b) * (double)cut, spill = behind - b0;
        o->ahead -= (int64_t)(f / (f + b) * (double)cut + (spill > 0 ? spill : 0));
      }
    }
  }
  if (!nosize || now_shown == 0) {
    if (o->unknown ? true : o->ahead > now_shown) o->ahead = now_shown;
    o->unknown = false;
  }
  o->shown = now_shown;
  o->traded = 0;
  if (cut <= 0 || lag == 0 || was_unknown) return;
  cut_t *const last = o->cut_cnt ? &o->cuts[o->cut_cnt - 1] : NULL;
  if (last && last->cut > 0 && s->now - last->at <= lag / 8) {
    last->cut += cut;
    last->moved += before - o->ahead;
  } else {
    assert_true(o->cut_cnt < CNT(o->cuts));
    o->cuts[o->cut_cnt++] = (cut_t){s->now, cut, before - o->ahead};
  }
}

/* Returns what of a print at our price reaches the order. */
static int64_t see_print(slow_t *s, s_order_t *o, int64_t print, int64_t left) {
  int64_t explained = 0, moved = 0;
  for (size_t i = o->cut_cnt > 8 ? o->cut_cnt - 8 : 0; i < o->cut_cnt; i++) {
    cut_t *const c = &o->cuts[i];
    if (c->cut == 0 || s->now - c->at > lag_of(s, o->market)) continue;
    int64_t const part = print - explained < c->cut ? print - explained : c->cut;
    if (part == 0) break;
    int64_t const back = (int64_t)(((__int128)c->moved * part + c->cut - 1) / c->cut);
    explained += part;
    c->cut -= part;
    moved += back;
    c->moved -= back;
  }
  o->traded += print - explained;
  if (s->broken == 1) o->traded = 0;
  if (o->unknown) return 0;
  int64_t next = o->ahead + moved - left;
  if (next >= 0) {
    int64_t const cap = o->ahead > 0 ? o->ahead : 0;
    o->ahead = next < cap ? next : cap;
    return 0;
  }
  o->ahead = s->p.whole_fills ? next : 0;
  return -next;
}

/* ---- fills ---- */

static void fill(slow_t *s, s_order_t *o, int32_t price, int64_t qty, uint8_t flags) {
  int64_t const fee = s->p.fees ? 0 : pmm_fee_charge(&s->market[o->market].fees, flags & PMM_F_MAKER, o->route, price, qty, &o->acc), worth = (int64_t)outcome_price(o->route, price) * qty;
  int64_t *const held = names_no(o->route) ? &s->no[o->market] : &s->yes[o->market];
  *held += sells(o->route) ? -qty : qty;
  int64_t const flow = (sells(o->route) ? worth / 10000 : -((worth + 9999) / 10000)) - fee;
  s->cash += flow;
  o->open -= qty;
  s->trade_id++;
  if (settles_later(s, o->market)) wait_for(s, o, price, qty, flow);
  pmm_event_t *const e = say(s, PMM_EV_FILL, o->market, o->id, o->side, price, qty, PMM_REJECT_NONE);
  e->md.flags = flags;
  e->amount_e6 = fee;
  e->md.aux = settles_later(s, o->market) ? PMM_SETTLE_PENDING : PMM_SETTLE_FINAL;
  e->ref_id = s->trade_id;
  if (o->open == 0 && o->resting) finish(s, o, PMM_KIND_NONE, PMM_REJECT_NONE);
  net(s, o->market);
}

static bool trading(const slow_t *s, uint32_t k) { return s->market[k].life == PMM_LIFE_OPEN && !s->gap[k]; }

static int32_t best(const slow_t *s, uint32_t k, int side) { /* 0: none */
  for (int32_t i = 1; i < 10000; i++) {
    int32_t const price = side == PMM_BID ? 10000 - i : i;
    if (s->book[k][side][price]) return price;
  }
  return 0;
}
static bool bernoulli(const slow_t *s, uint32_t k) {
  return s->p.fill_model == PMM_FILL_BERNOULLI || (s->p.fill_model == PMM_FILL_AUTO && s->market[k].data == PMM_DATA_PRICE);
}
static bool bookless(const slow_t *s, uint32_t k) { return bernoulli(s, k) && !(s->market[k].data & (PMM_DATA_DEPTH | PMM_DATA_TOP)); }
static double price_now(const slow_t *s, uint32_t k) {
  if (bookless(s, k)) return s->price[k] < 0 ? NAN : s->price[k] / 1e4;
  int32_t const bid = best(s, k, PMM_BID), ask = best(s, k, PMM_ASK);
  return bid && ask ? (bid + ask) / 2e4 : NAN;
}
/* What a taker without a book pays or gets; 0: no such price. */
static int32_t quoted(const slow_t *s, uint32_t k, int side) {
  double const p = price_now(s, k), half = s->p.bernoulli_half_spread;
  for (int32_t i = 1; i < 10000; i++) {
    int32_t const price = side == PMM_BID ? 10000 - i : i;
    if (price % s->market[k].grid.tick_e4) continue;
    if (side == PMM_BID ? price / 1e4 <= p - half + 1e-9 : price / 1e4 >= p + half - 1e-9) return price;
  }
  return 0;
}
static bool reaches(const slow_t *s, const s_order_t *o) {
  int32_t const other = bookless(s, o->market) ? quoted(s, o->market, o->side ^ 1) : best(s, o->market, o->side ^ 1);
  return other && (o->side == PMM_BID ? other <= o->price : other >= o->price);
}
static int64_t in_lots(const slow_t *s, uint32_t k, int64_t qty) { return qty - qty % s->market[k].lot_e6; }

static int64_t left_at(slow_t *s, uint32_t k, int side, int32_t price) {
  foot_t *const f = &s->foot[k][side][price];
  int64_t const shown = s->book[k][side][price];
  return in_lots(s, k, f->shown == shown ? shown - f->used : shown);
}
static void use(slow_t *s, uint32_t k, int side, int32_t price, int64_t qty) {
  foot_t *const f = &s->foot[k][side][price];
  int64_t const shown = s->book[k][side][price];
  if (f->shown != shown) *f = (foot_t){shown, 0};
  f->used += qty;
}
static void fresh_look(slow_t *s, uint32_t k) {
  if (!s->p.footprint) memset(s->foot[k], 0, sizeof s->foot[k]);
}

/* Takes up to want through the levels an order reaches; events for takers, the sum for the rest. */
static int64_t walk(slow_t *s, s_order_t *o, int64_t want, bool only_count, bool as_taker) {
  int64_t sum = 0;
  uint32_t const k = o->market;
  int const side = o->side ^ 1;
  if (bookless(s, k)) {
    if (as_taker) fill(s, o, quoted(s, k, side), want, 0);
    return want;
  }
  for (int32_t i = 1; i < 10000 && sum < want; i++) {
    int32_t const price = side == PMM_BID ? 10000 - i : i;
    if (side == PMM_ASK ? price > o->price : price < o->price) break;
    if (s->book[k][side][price] == 0) continue;
    int64_t const left = left_at(s, k, side, price), part = left < want - sum ? left : want - sum;
    if (part == 0) continue;
    sum += part;
    if (only_count) continue;
    use(s, k, side, price, part);
    if (as_taker) fill(s, o, price, part, 0);
  }
  return sum;
}

/* Resting orders of a market and side by price, then time. */
static size_t ranked(slow_t *s, uint32_t k, int side, s_order_t **out) {
  size_t n = 0;
  for (int i = 0; i < ORDERS; i++) {
    s_order_t *const o = &s->order[i];
    if (!o->resting || o->market != k || o->side != side) continue;
    size_t at = n++;
    for (; at > 0; at--) {
      s_order_t *const p = out[at - 1];
      bool const first = o->price != p->price ? (side == PMM_BID ? o->price > p->price : o->price < p->price) : o->time < p->time;
      if (!first) break;
      out[at] = p;
    }
    out[at] = o;
  }
  return n;
}

static bool cross_fills(const slow_t *s, uint32_t k) {
  if (bernoulli(s, k)) return false;
  if (s->p.cross_fill == PMM_CROSSFILL_AUTO) return !(s->market[k].data & (PMM_DATA_TRADES | PMM_DATA_INFERRED));
  return s->p.cross_fill == PMM_CROSSFILL_ALWAYS;
}

static void look_for_crossings(slow_t *s, uint32_t k) {
  if (!trading(s, k) || !cross_fills(s, k)) return;
  fresh_look(s, k);
  for (int side = 0; side < 2; side++) {
    s_order_t *list[ORDERS];
    size_t const n = ranked(s, k, side, list);
    for (size_t i = 0; i < n; i++) {
      s_order_t *const o = list[i];
      if (!reaches(s, o)) continue;
      int64_t const there = walk(s, o, o->open, true, false);
      if (there == 0) continue;
      walk(s, o, s->p.whole_fills ? o->open : there, false, false);
      fill(s, o, o->price, s->p.whole_fills ? o->open : there, PMM_F_MAKER);
    }
  }
}

static void ask_chance(slow_t *s, uint32_t k) {
  double const price = price_now(s, k);
  int64_t const looked = s->looked[k];
  s->looked[k] = s->now;
  if (isnan(price) || !trading(s, k)) return;
  for (int side = 0; side < 2; side++) {
    s_order_t *list[ORDERS];
    size_t const n = ranked(s, k, side, list);
    for (size_t i = 0; i < n; i++) {
      s_order_t *const o = list[i];
      double const d = side == PMM_BID ? price - o->price / 1e4 : o->price / 1e4 - price, draw = pmm_rng_unit(&s->chance);
      int64_t dt = s->now - (looked > o->placed ? looked : o->placed);
      if (dt > s->p.bernoulli_max_dt_ns) dt = s->p.bernoulli_max_dt_ns;
      double const p = -pmm_expm1(-(s->p.bernoulli_rate * pmm_exp(-s->p.bernoulli_decay * d)) * (double)dt / 1e9);
      if (d < 0 || draw < p) fill(s, o, o->price, o->open, PMM_F_MAKER);
    }
  }
}

/* ---- records ---- */

static bool top_only(const slow_t *s, uint32_t k) { return (s->market[k].data & PMM_DATA_TOP) && !(s->market[k].data & PMM_DATA_DEPTH); }

static void end_of_message(slow_t *s, uint32_t k) {
  bool const nosize = s->market[k].data & PMM_DATA_NOSIZE;
  if (s->snapshot[k]) {
    for (int i = 0; i < ORDERS; i++) {
      s_order_t *const o = &s->order[i];
      if (!o->resting || o->market != k) continue;
      int64_t const shown = s->book[k][o->side][o->price];
      if (bookless(s, k) || (top_only(s, k) && shown == 0)) continue;
      see_level(s, o, shown, nosize, s->gap[k]);
    }
    s->snapshot[k] = s->gap[k] = false;
  }
  if (s->gap[k]) return;
  if (bernoulli(s, k)) {
    ask_chance(s, k);
    return;
  }
  for (int i = 0; i < ORDERS && top_only(s, k); i++) {
    s_order_t *const o = &s->order[i];
    if (!o->resting || o->market != k) continue;
    int32_t const b = best(s, k, o->side);
    if (!b || (o->side == PMM_BID ? o->price > b : o->price < b)) see_level(s, o, 0, nosize, false);
  }
  look_for_crossings(s, k);
}

static void on_print(slow_t *s, const pmm_md_t *md) {
  uint32_t const k = md->market;
  int const side = md->side ^ 1;
  if (!trading(s, k) || bernoulli(s, k)) return;
  s_order_t *list[ORDERS];
  size_t const n = ranked(s, k, side, list);
  int64_t left = md->qty_e6;
  for (size_t i = 0; i < n; i++) {
    s_order_t *const o = list[i];
    bool const beyond = side == PMM_BID ? o->price > md->price_e4 : o->price < md->price_e4;
    if (!beyond && o->price != md->price_e4) continue;
    if (beyond && !s->p.through) continue;
    int64_t qty;
    if (s->p.whole_fills) {
      qty = beyond || see_print(s, o, md->qty_e6, md->qty_e6) * 2 >= s->market[k].lot_e6 ? o->open : 0;
    } else {
      qty = left;
      if (beyond) o->ahead = 0, o->unknown = false;
      else qty = see_print(s, o, md->qty_e6, left);
      if (qty > left) qty = left;
      qty = in_lots(s, k, qty);
      if (qty > o->open) qty = o->open;
      left -= qty;
    }
    if (s->broken == 2) left = md->qty_e6;
    if (qty == 0) continue;
    s->print_fills += qty;
    fill(s, o, o->price, qty, (uint8_t)(PMM_F_MAKER | (md->flags & PMM_F_INFERRED)));
  }
}

static void end_all(slow_t *s, uint32_t k, pmm_kind_t kind, pmm_reject_t why, int32_t off_tick) {
  for (int side = 0; side < 2; side++) {
    s_order_t *list[ORDERS];
    size_t const n = ranked(s, k, side, list);
    for (size_t i = 0; i < n; i++)
      if (!off_tick || list[i]->price % off_tick) finish(s, list[i], kind, why);
  }
}

static void pay(slow_t *s, uint32_t k, int64_t payout) {
  s->cash += worth(s->yes[k], s->no[k], payout);
  s->paid_yes[k] = s->yes[k];
  s->paid_no[k] = s->no[k];
  s->payout[k] = payout;
  s->yes[k] = s->no[k] = 0;
  for (int i = 0; i < WAITING; i++)
    if (s->waiting[i].used && s->waiting[i].market == k) s->waiting[i].paid = true;
}

static void on_record(slow_t *s, const pmm_md_t *md) {
  uint32_t const k = md->market;
  s->print_fills = 0;
  switch (md->kind) {
  case PMM_MD_LEVEL:
    s->book[k][md->side][md->price_e4] = md->qty_e6;
    if (s->snapshot[k] || s->gap[k] || (top_only(s, k) && md->qty_e6 == 0)) break;
    for (int i = 0; i < ORDERS; i++) {
      s_order_t *const o = &s->order[i];
      if (o->resting && o->market == k && o->side == md->side && o->price == md->price_e4) see_level(s, o, md->qty_e6, (s->market[k].data & PMM_DATA_NOSIZE) || (md->flags & PMM_F_NOSIZE), false);
    }
    break;
  case PMM_MD_TRADE: on_print(s, md); break;
  case PMM_MD_CLEAR:
    memset(s->book[k], 0, sizeof s->book[k]);
    s->snapshot[k] = true;
    break;
  case PMM_MD_GAP:
    s->gap[k] = true;
    s->snapshot[k] = false;
    break;
  case PMM_MD_STATUS:
    s->market[k].life = md->aux;
    if (md->aux == PMM_LIFE_CLOSED || md->aux == PMM_LIFE_RESOLVING) end_all(s, k, PMM_EV_EXPIRED, PMM_REJECT_CLOSED, 0);
    if (md->aux == PMM_LIFE_RESOLVED) {
      end_all(s, k, PMM_EV_CANCELLED, PMM_REJECT_SETTLED, 0);
      pay(s, k, md->qty_e6);
    }
    s->looked[k] = s->now;
    break;
  case PMM_MD_PRICE:
    s->price[k] = md->price_e4;
    if (md->flags & PMM_F_SNAPSHOT) s->gap[k] = false;
    break;
  case PMM_MD_PHASE: s->phase[k] = md->aux; break;
  case PMM_MD_SETTLEMENT:
    if (md->qty_e6 >= 0) s->delay[k] = md->qty_e6;
    if (md->price_e4 >= 0) s->fail_e4[k] = md->price_e4;
    break;
  case PMM_MD_TICK:
    pmm_grid_uniform(&s->market[k].grid, md->price_e4);
    for (int side = 0; side < 2; side++)
      for (int32_t price = 1; price < 10000; price++)
        if (price % md->price_e4) s->book[k][side][price] = 0, s->foot[k][side][price] = (foot_t){0};
    end_all(s, k, PMM_EV_CANCELLED, PMM_REJECT_TICK, md->price_e4);
    break;
  default: break;
  }
  if (md->flags & PMM_F_LAST) end_of_message(s, k);
}

/* ---- requests ---- */

static s_order_t *find(slow_t *s, uint64_t id) {
  for (int i = 0; i < ORDERS; i++)
    if (s->order[i].live && s->order[i].id == id) return &s->order[i];
  return NULL;
}
static pmm_reject_t form(const pmm_market_t *k, int32_t price, int64_t qty, int64_t least) {
  if (k->life != PMM_LIFE_OPEN) return PMM_REJECT_CLOSED;
  if (price <= 0 || price >= 10000 || price % k->grid.tick_e4) return PMM_REJECT_PRICE;
  if (qty <= 0 || qty < least || qty % k->lot_e6) return PMM_REJECT_SIZE;
  return PMM_REJECT_NONE;
}
static pmm_reject_t money(const slow_t *s, const s_order_t *o, int64_t old_cash, int64_t old_qty) {
  int64_t const need = cash_lock(s, o);
  if (need > old_cash && need - old_cash > s->cash - locked_cash(s)) return PMM_REJECT_FUNDS;
  if (!sells(o->route) || o->open <= old_qty) return PMM_REJECT_NONE;
  return o->open - old_qty > (names_no(o->route) ? free_no(s, o->market) : free_yes(s, o->market)) ? PMM_REJECT_SHARES : PMM_REJECT_NONE;
}
static pmm_reject_t ask_book(slow_t *s, s_order_t *o, bool *crosses) {
  *crosses = trading(s, o->market) && reaches(s, o);
  if (*crosses && (o->flags & PMM_ACT_POST_ONLY)) return PMM_REJECT_POST_ONLY;
  if (*crosses) fresh_look(s, o->market);
  return o->tif == PMM_FOK && (!*crosses || walk(s, o, o->open, true, false) < o->open) ? PMM_REJECT_FOK : PMM_REJECT_NONE;
}
static void rest(slow_t *s, s_order_t *o) {
  uint32_t const k = o->market;
  int32_t const b = best(s, k, o->side);
  bool const hidden = top_only(s, k) && b && (o->side == PMM_BID ? o->price < b : o->price > b);
  o->shown = s->book[k][o->side][o->price];
  o->unknown = s->p.queue != PMM_QUEUE_FRONT && (hidden || bookless(s, k) || ((s->market[k].data & PMM_DATA_NOSIZE) && o->shown));
  o->ahead = s->p.queue == PMM_QUEUE_FRONT ? 0 : o->shown;
  o->traded = 0;
  o->cut_cnt = 0;
  o->time = ++s->time;
  o->placed = s->now;
  o->resting = true;
}
static void refuse(slow_t *s, pmm_kind_t kind, const pmm_action_t *a, pmm_reject_t why) {
  say(s, kind, a->market, a->order_id, a->route == PMM_BUY_YES || a->route == PMM_SELL_NO ? PMM_BID : PMM_ASK, a->price_e4, a->qty_e6, why);
}

static bool phase_takes(const slow_t *s, uint32_t k, bool harmless) {
  return s->phase[k] == PMM_PHASE_NORMAL || (s->phase[k] == PMM_PHASE_POST_ONLY && harmless);
}

static void s_place(slow_t *s, const pmm_action_t *a) {
  s_order_t *o = NULL;
  for (int i = 0; i < ORDERS && !o; i++)
    if (!s->order[i].live) o = &s->order[i];
  pmm_reject_t why = find(s, a->order_id) ? PMM_REJECT_DUPLICATE : form(&s->market[a->market], a->price_e4, a->qty_e6, s->market[a->market].min_size_e6);
  if (!why && !phase_takes(s, a->market, a->flags & PMM_ACT_POST_ONLY)) why = PMM_REJECT_PHASE;
  if (!why && a->tif == PMM_GTD && a->expire_ns <= s->now) why = PMM_REJECT_EXPIRY;
  if (!why && !o) why = PMM_REJECT_FULL;
  int64_t qty = a->qty_e6;
  pmm_route_t route = (pmm_route_t)a->route;
  if (!why && (a->flags & PMM_ACT_REDUCE_ONLY)) {
    int64_t const y = s->yes[a->market], n = s->no[a->market];
    int64_t most = route == PMM_BUY_YES ? n - y : route == PMM_BUY_NO ? y - n : route == PMM_SELL_YES ? free_yes(s, a->market) : free_no(s, a->market);
    if (most < 0) most = 0;
    if (most < qty) qty = in_lots(s, a->market, most);
    if (qty == 0) why = PMM_REJECT_SHARES;
  }
  /* one signed position: what is not held and free is not sold, the opposite is bought */
  bool const one = nets(s, a->market) && (s->market[a->market].venue == PMM_VENUE_SIM || s->market[a->market].venue == PMM_VENUE_KALSHI);
  if (one && route == PMM_SELL_YES && qty > free_yes(s, a->market)) route = PMM_BUY_NO;
  if (one && route == PMM_SELL_NO && qty > free_no(s, a->market)) route = PMM_BUY_YES;
  bool crosses = false;
  if (!why) {
    memset(o, 0, offsetof(s_order_t, cuts));
    o->cut_cnt = 0;
    o->acc = (pmm_fee_acc_t){0};
    o->market = a->market;
    o->route = route;
    o->side = route == PMM_BUY_YES || route == PMM_SELL_NO ? PMM_BID : PMM_ASK;
    o->tif = a->tif;
    o->flags = a->flags;
    o->price = a->price_e4;
    o->open = qty;
    o->expire = a->tif == PMM_GTD ? a->expire_ns : INT64_MAX;
    o->id = a->order_id;
    why = money(s, o, 0, 0);
    o->live = true;
    if (!why) why = ask_book(s, o, &crosses);
    if (why) o->live = false, o->open = 0;
  }
  if (why) {
    refuse(s, PMM_EV_REJECT, a, why);
    return;
  }
  if (crosses) walk(s, o, o->open, false, true);
  if (o->tif == PMM_IOC || o->tif == PMM_FOK) o->open += a->qty_e6 - qty; /* the cut ends with the rest */
  if (o->open == 0) {
    finish(s, o, PMM_KIND_NONE, PMM_REJECT_NONE);
  } else if (o->tif == PMM_IOC || o->tif == PMM_FOK) {
    finish(s, o, PMM_EV_CANCELLED, PMM_REJECT_IOC);
  } else {
    rest(s, o);
    say(s, PMM_EV_ACK, o->market, o->id, o->side, o->price, o->open, PMM_REJECT_NONE)->ref_id = ++s->ref;
  }
}

static void s_amend(slow_t *s, const pmm_action_t *asked) {
  s_order_t *const o = find(s, asked->order_id);
  pmm_action_t less = *asked;
  if (o && (asked->flags & PMM_ACT_REDUCE_ONLY) && asked->price_e4 == o->price && less.qty_e6 > o->open) less.qty_e6 = o->open;
  const pmm_action_t *const a = &less;
  bool const keeps = o && a->price_e4 == o->price && a->qty_e6 <= o->open;
  pmm_reject_t why = !o ? PMM_REJECT_UNKNOWN_ORDER : form(&s->market[o->market], a->price_e4, a->qty_e6, keeps ? 0 : s->market[o->market].min_size_e6);
  bool crosses = false;
  if (!why && !phase_takes(s, o->market, keeps || (o->flags & PMM_ACT_POST_ONLY))) why = PMM_REJECT_PHASE;
  if (!why && !keeps) {
    int32_t const price = o->price;
    int64_t const open = o->open, cash = cash_lock(s, o);
    static s_order_t next;
    next = *o;
    next.price = a->price_e4;
    next.open = a->qty_e6;
    why = money(s, &next, cash, sells(o->route) ? open : 0);
    o->price = a->price_e4;
    o->open = a->qty_e6;
    if (!why) why = ask_book(s, o, &crosses);
    if (why) o->price = price, o->open = open;
  }
  if (why) {
    refuse(s, PMM_EV_AMEND_REJECT, a, why);
    return;
  }
  o->open = a->qty_e6;
  net(s, o->market);
  say(s, PMM_EV_AMENDED, o->market, o->id, o->side, o->price, o->open, PMM_REJECT_NONE);
  if (keeps) return;
  o->resting = false;
  if (crosses) walk(s, o, o->open, false, true);
  if (o->open) rest(s, o);
  else finish(s, o, PMM_KIND_NONE, PMM_REJECT_NONE);
}

static void s_action(slow_t *s, const pmm_action_t *a) {
  double const cost = a->kind == PMM_ACT_PLACE ? s->p.rate_cost_place : a->kind == PMM_ACT_AMEND ? s->p.rate_cost_amend : s->p.rate_cost_cancel;
  int64_t const tokens = llround(cost * 1e12);
  if (s->p.rate_limit == PMM_RATE_CUSTOM && tokens > s->tokens) {
    refuse(s, a->kind == PMM_ACT_PLACE ? PMM_EV_REJECT : a->kind == PMM_ACT_AMEND ? PMM_EV_AMEND_REJECT : PMM_EV_CANCEL_REJECT, a, PMM_REJECT_RATE);
    return;
  }
  s->tokens -= tokens;
  if (a->kind == PMM_ACT_PLACE) s_place(s, a);
  if (a->kind == PMM_ACT_AMEND) s_amend(s, a);
  if (a->kind != PMM_ACT_CANCEL) return;
  s_order_t *const o = find(s, a->order_id);
  if (o) finish(s, o, PMM_EV_CANCELLED, PMM_REJECT_USER);
  else refuse(s, PMM_EV_CANCEL_REJECT, a, PMM_REJECT_UNKNOWN_ORDER);
}

static void s_advance(slow_t *s) { /* by a nanosecond */
  s->tokens += llround(s->p.rate_refill * 1e3);
  if (s->tokens > llround(s->p.rate_capacity * 1e12)) s->tokens = llround(s->p.rate_capacity * 1e12);
  settle_due(s);
  for (int i = 0; i < ORDERS; i++)
    if (s->order[i].resting && s->order[i].expire <= s->now) finish(s, &s->order[i], PMM_EV_EXPIRED, PMM_REJECT_EXPIRY);
}

/* ---- comparison ---- */

typedef struct world {
  pmm_arena_t arena;
  pmm_market_t market[MARKETS], *markets[MARKETS];
  pmm_ladder_t ladder[MARKETS], *ladders[MARKETS];
  pmm_sim_t *sim;
} world_t;

static bool same(slow_t *s, world_t *w, char *why, size_t len) {
  pmm_event_t e;
  size_t i = 0;
  bool ok = true;
  for (; pmm_sim_poll(w->sim, &e); i++) {
    if (!ok || (i < s->log_cnt && memcmp(&e, &s->log[i], sizeof e) == 0)) continue;
    ok = false;
    const pmm_md_t *const m = i < s->log_cnt ? &s->log[i].md : NULL;
    snprintf(why, len, "event %zu: %s %d %lld aux %d; model %s %d %lld aux %d", i, kind_name(e.md.kind), e.md.price_e4, (long long)e.md.qty_e6, e.md.aux, m ? kind_name(m->kind) : "none", m ? m->price_e4 : 0,
             m ? (long long)m->qty_e6 : 0, m ? m->aux : 0);
  }
  if (ok && i != s->log_cnt) return snprintf(why, len, "%zu events, model %zu: %s order %llu at %d aux %d", i, s->log_cnt, kind_name(s->log[i].md.kind), (unsigned long long)s->log[i].order_id, s->log[i].md.price_e4, s->log[i].md.aux), false;
  s->log_cnt = 0;
  if (!ok) return false;
  for (int k = 0; k < ORDERS; k++) {
    const s_order_t *const o = &s->order[k];
    if (!o->live) continue;
    int64_t const want = o->unknown ? -1 : o->ahead > 0 ? o->ahead : 0, got = pmm_sim_ahead(w->sim, o->id);
    if (got != want) return snprintf(why, len, "ahead of order %llu: %lld, model %lld", (unsigned long long)o->id, (long long)got, (long long)want), false;
  }
  if (pmm_sim_cash(w->sim) != s->cash) return snprintf(why, len, "cash %lld, model %lld", (long long)pmm_sim_cash(w->sim), (long long)s->cash), false;
  for (uint32_t k = 0; k < MARKETS; k++) {
    int64_t yes, no;
    pmm_sim_holding(w->sim, k, &yes, &no);
    if (yes != s->yes[k] || no != s->no[k]) return snprintf(why, len, "holding in market %u", k), false;
  }
  return true;
}

/* ---- driving ---- */

static int32_t near(pmm_rng_t *rng, const pmm_market_t *m, int centre) {
  int32_t const n = m->grid.tick_cnt, at = (int32_t)((int64_t)n * centre / 100) + (int32_t)pmm_rng_below(rng, 9) - 4;
  return (at < 1 ? 1 : at > n - 1 ? n - 1 : at) * m->grid.tick_e4;
}
static int64_t size_of(pmm_rng_t *rng) { return (int64_t)(1 + pmm_rng_below(rng, 4000)) * 5000; }

static pmm_md_t random_phase(pmm_rng_t *rng, uint32_t k) {
  pmm_md_t md = md_plain(k, pmm_rng_below(rng, 2) ? PMM_MD_PHASE : PMM_MD_SETTLEMENT, 0);
  if (md.kind == PMM_MD_PHASE) md.aux = (uint8_t)(pmm_rng_below(rng, 3) ? PMM_PHASE_NORMAL : 1 + pmm_rng_below(rng, 2));
  else md.qty_e6 = (int64_t)pmm_rng_below(rng, 400) - 100, md.price_e4 = (int32_t)pmm_rng_below(rng, 6000) - 3000;
  return md;
}

static pmm_md_t random_record(pmm_rng_t *rng, const pmm_market_t *m, uint32_t k) {
  uint64_t const what = pmm_rng_below(rng, 1000);
  pmm_side_t const side = (pmm_side_t)pmm_rng_below(rng, 2);
  uint8_t const odd = pmm_rng_below(rng, 20) == 0 ? PMM_F_NOSIZE : 0;
  if (m->data == PMM_DATA_PRICE && what < 960) {
    pmm_md_t md = md_plain(k, PMM_MD_PRICE, pmm_rng_below(rng, 20) == 0 ? PMM_F_SNAPSHOT : 0);
    md.price_e4 = 4500 + (int32_t)pmm_rng_below(rng, 1000);
    return md;
  }
  if (what < 650) return md_level(k, side, near(rng, m, side == PMM_BID ? 48 : 52), pmm_rng_below(rng, 4) ? size_of(rng) : 0, odd);
  if (what < 960) return md_trade(k, side, near(rng, m, 50), size_of(rng) / 2, pmm_rng_below(rng, 5) == 0 ? PMM_F_INFERRED : 0);
  if (what < 975) return md_plain(k, PMM_MD_CLEAR, 0);
  if (what < 980) return md_plain(k, PMM_MD_GAP, 0);
  if (what < 984) return random_phase(rng, k);
  if (what < 992) return md_plain(k, PMM_MD_MARK, 0);
  pmm_md_t md = md_plain(k, PMM_MD_STATUS, 0);
  static const uint8_t lives[] = {PMM_LIFE_OPEN, PMM_LIFE_OPEN, PMM_LIFE_OPEN, PMM_LIFE_HALTED, PMM_LIFE_CLOSED, PMM_LIFE_RESOLVED};
  md.aux = lives[pmm_rng_below(rng, CNT(lives))];
  if (md.aux == PMM_LIFE_RESOLVED && pmm_rng_below(rng, 3)) md.aux = PMM_LIFE_OPEN;
  if (md.aux == PMM_LIFE_RESOLVED) md.qty_e6 = (int64_t)pmm_rng_below(rng, ONE + 1);
  if (pmm_rng_below(rng, 3)) return md;
  static const int32_t ticks[] = {100, 100, 50, 500, 10};
  md = md_plain(k, PMM_MD_TICK, 0);
  md.price_e4 = ticks[pmm_rng_below(rng, CNT(ticks))];
  return md;
}

static void feed(slow_t *s, world_t *w, pmm_md_t md) {
  uint32_t const k = md.market;
  int64_t old;
  md.recv_ns = s->now;
  md.exch_ns = s->now;
  for (int i = 0; i < WAITING; i++) /* nothing leaves resolved: it comes back only when the last of it is settled */
    if (md.kind == PMM_MD_STATUS && md.aux == PMM_LIFE_RESOLVED && s->waiting[i].used && s->waiting[i].paid && s->waiting[i].market == k) md.aux = PMM_LIFE_OPEN;
  assert_int_equal(pmm_book_apply(&w->ladder[k], &w->market[k].grid, &md, &old), PMM_OK);
  if (md.kind == PMM_MD_STATUS) w->market[k].life = md.aux;
  pmm_sim_on_md_fast(w->sim, s->now, &md);
  on_record(s, &md);
}

static int64_t printed(const world_t *w) {
  const pmm_sim_stats_t *const s = pmm_sim_stats(w->sim);
  return s->maker_e6 - s->cross_e6 - s->bernoulli_e6;
}

/* A message of a few records of one market. */
static bool message(slow_t *s, world_t *w, pmm_rng_t *rng, char *why, size_t len) {
  uint32_t const k = (uint32_t)pmm_rng_below(rng, MARKETS);
  int64_t const cnt = 1 + (int64_t)pmm_rng_below(rng, 4);
  for (int64_t i = 0; i < cnt; i++) {
    pmm_md_t md = random_record(rng, &w->market[k], k);
    if (i + 1 == cnt) md.flags |= PMM_F_LAST;
    int64_t const made = printed(w);
    feed(s, w, md);
    if (!same(s, w, why, len)) return false;
    int64_t const from_print = printed(w) - made;
    if (!s->p.whole_fills && from_print > (md.kind == PMM_MD_TRADE ? md.qty_e6 : 0)) return snprintf(why, len, "a print of %lld filled %lld", (long long)md.qty_e6, (long long)from_print), false;
  }
  return true;
}

static pmm_action_t random_action(slow_t *s, pmm_rng_t *rng, uint64_t *next_id) {
  uint32_t const k = (uint32_t)pmm_rng_below(rng, MARKETS);
  const pmm_market_t *const m = &s->market[k];
  uint64_t const what = pmm_rng_below(rng, 10);
  uint64_t id = 1 + pmm_rng_below(rng, *next_id);
  for (int tries = 0; what >= 6 && tries < 20 && !find(s, id); tries++) id = 1 + pmm_rng_below(rng, *next_id);
  int64_t qty = (int64_t)(1 + pmm_rng_below(rng, 2000)) * 10000;
  if (pmm_rng_below(rng, 50) == 0) qty += 5000;
  if (pmm_rng_below(rng, 50) == 0) qty *= 1000;
  if (what >= 8) return act_cancel(k, id);
  const s_order_t *const o = find(s, id);
  if (what >= 6) {
    pmm_action_t amend = act_amend(k, id, o && pmm_rng_below(rng, 2) ? o->price : near(rng, m, 50), qty);
    if (pmm_rng_below(rng, 3) == 0) amend.flags = PMM_ACT_REDUCE_ONLY;
    return amend;
  }
  pmm_route_t const route = (pmm_route_t)pmm_rng_below(rng, 4);
  static const uint8_t tifs[] = {PMM_GTC, PMM_GTC, PMM_GTC, PMM_GTC, PMM_GTC, PMM_GTD, PMM_IOC, PMM_FOK};
  pmm_action_t a = act_place(k, ++*next_id, route, near(rng, m, pmm_route_side(route) == PMM_BID ? 48 : 52), qty, (pmm_tif_t)tifs[pmm_rng_below(rng, CNT(tifs))], pmm_rng_below(rng, 2) ? PMM_ACT_POST_ONLY : 0);
  if (pmm_rng_below(rng, 10) == 0) a.flags |= PMM_ACT_REDUCE_ONLY;
  if (pmm_rng_below(rng, 40) == 0) a.order_id = id;
  a.expire_ns = s->now + (int64_t)pmm_rng_below(rng, 3000);
  for (int i = 0; i < ORDERS; i++)
    if (s->order[i].live && s->order[i].expire == a.expire_ns) a.expire_ns++, i = -1; /* one a nanosecond: their order is not promised */
  return a;
}

static void random_params(pmm_sim_params_t *p, pmm_rng_t *rng) {
  pmm_params_default(pmm_sim_param_table, pmm_sim_param_cnt, p);
  p->queue = (int32_t)pmm_rng_below(rng, 4);
  p->queue_power = pmm_rng_below(rng, 2) ? 2 : 1.5;
  p->cross_fill = (int32_t)pmm_rng_below(rng, 3);
  p->through = pmm_rng_below(rng, 4) != 0;
  p->whole_fills = pmm_rng_below(rng, 5) == 0;
  p->footprint = pmm_rng_below(rng, 2);
  p->fees = (int32_t)pmm_rng_below(rng, 2);
  p->print_lag_ns = pmm_rng_below(rng, 2) ? 400 : 0;
  p->net_pairs = (int32_t)pmm_rng_below(rng, 3);
  p->fill_model = pmm_rng_below(rng, 4) == 0 ? PMM_FILL_BERNOULLI : PMM_FILL_AUTO;
  p->bernoulli_rate = 1e6; /* a nanosecond is a long time here */
  p->bernoulli_max_dt_ns = 100;
  p->seed = pmm_rng_u64(rng);
  if (pmm_rng_below(rng, 2)) {
    p->rate_limit = PMM_RATE_CUSTOM;
    p->rate_refill = 1e6;
    p->rate_capacity = 0.5;
    p->rate_cost_place = 0.06;
    p->rate_cost_cancel = 0.02;
    p->rate_cost_amend = 0.05;
  }
  if (pmm_rng_below(rng, 2)) p->settle_delay_ns = (int64_t)pmm_rng_below(rng, 300);
  if (pmm_rng_below(rng, 3) == 0) p->settle_fail_share = 0.2;
}

/* params NULL: random ones, and random kinds of data. */
static void open_world(world_t *w, slow_t *s, pmm_rng_t *rng, const pmm_sim_params_t *params) {
  static const uint32_t data[] = {PMM_DATA_DEPTH, PMM_DATA_DEPTH | PMM_DATA_TRADES, PMM_DATA_DEPTH | PMM_DATA_INFERRED, PMM_DATA_TOP | PMM_DATA_TRADES, PMM_DATA_TOP | PMM_DATA_NOSIZE, PMM_DATA_PRICE};
  memset(w, 0, sizeof *w);
  memset(s, 0, sizeof *s);
  if (params) s->p = *params;
  else random_params(&s->p, rng);
  assert_int_equal(pmm_arena_open(&w->arena, pmm_sim_bytes(MARKETS, ORDERS) + MARKETS * (pmm_ladder_bytes(10000) + 64)), PMM_OK);
  for (uint32_t k = 0; k < MARKETS; k++) {
    pmm_market_init(&w->market[k], "m");
    w->market[k].venue = (uint8_t)pmm_rng_below(rng, 4);
    w->market[k].data = params ? PMM_DATA_DEPTH | PMM_DATA_TRADES : data[pmm_rng_below(rng, CNT(data))];
    if (k) w->market[k].fees = (pmm_fee_schedule_t){.model = PMM_FEE_KALSHI, .taker_rate_e6 = 70000, .maker_rate_e6 = 17500, .precision_e6 = 100};
    s->market[k] = w->market[k];
    s->delay[k] = s->p.settle_delay_ns;
    s->fail_e4[k] = (int32_t)llround(s->p.settle_fail_share * 10000);
    s->price[k] = -1;
    s->looked[k] = INT64_MIN;
    w->markets[k] = &w->market[k];
    w->ladders[k] = &w->ladder[k];
    assert_int_equal(pmm_ladder_init(&w->ladder[k], &w->arena, 100, 10000), PMM_OK);
  }
  s->tokens = llround(s->p.rate_capacity * 1e12);
  pmm_rng_seed(&s->chance, pmm_hash_mix(s->p.seed, 1));
  pmm_rng_seed(&s->fate, pmm_hash_mix(s->p.seed, 2));
  s->cash = 300 * ONE;
  s->now = 1000000;
  assert_int_equal(pmm_sim_init(&w->sim, &w->arena, &s->p, w->markets, w->ladders, MARKETS, ORDERS, s->cash), PMM_OK);
}

static bool episode(uint64_t seed, uint64_t ops, int broken, char *why, size_t len) {
  static slow_t s;
  world_t w;
  pmm_rng_t rng;
  pmm_rng_seed(&rng, seed);
  open_world(&w, &s, &rng, NULL);
  s.broken = broken;
  uint64_t next_id = 1;
  bool ok = true;
  for (uint64_t i = 0; i < ops && ok; i++) {
    int64_t const until = s.now + 1 + (int64_t)pmm_rng_below(&rng, 60);
    while (s.now < until) { /* orders run out one by one */
      s.now++;
      pmm_sim_advance(w.sim, s.now);
      s_advance(&s);
    }
    if (pmm_rng_below(&rng, 5) < 3) {
      ok = message(&s, &w, &rng, why, len);
    } else {
      pmm_action_t const a = random_action(&s, &rng, &next_id);
      pmm_sim_on_action(w.sim, s.now, &a);
      s_action(&s, &a);
      ok = same(&s, &w, why, len);
    }
    if (ok) continue;
    size_t const at = strlen(why);
    snprintf(why + at, len - at, " (seed %llu, step %llu)", (unsigned long long)seed, (unsigned long long)i);
  }
  pmm_arena_close(&w.arena);
  return ok;
}

static void random_against_model(void **state) {
  (void)state;
  uint64_t const seed = test_seed(), ops = test_ops(50000);
  char why[512];
  for (uint64_t done = 0, k = 0; done < ops; done += EPISODE, k++)
    if (!episode(seed + k, EPISODE, 0, why, sizeof why)) fail_msg("%s", why);
}

/* A model that forgets prints, offers a print to every order in full, or never undoes a fill must be found out. */
static void canary(void **state) {
  (void)state;
  char why[512];
  for (int broken = 1; broken <= 3; broken++) {
    bool found = false;
    for (uint64_t seed = 1; seed < 20 && !found; seed++) found = !episode(seed, EPISODE, broken, why, sizeof why);
    assert_true(found);
  }
}

/* ---- what the queue models promise of each other ---- */

/* One order through one random tape; how much of it fills. Level changes follow their prints, so no lag. */
static int64_t filled_under(uint64_t seed, int32_t queue, double power) {
  slow_t *const s = calloc(1, sizeof *s);
  world_t w;
  pmm_rng_t rng;
  pmm_rng_seed(&rng, seed);
  pmm_sim_params_t params = {0};
  pmm_params_default(pmm_sim_param_table, pmm_sim_param_cnt, &params);
  params.queue = queue;
  params.queue_power = power;
  params.print_lag_ns = 0;
  open_world(&w, s, &rng, &params);
  int64_t shown = 200 * ONE, old;
  pmm_md_t md = md_level(0, PMM_BID, 5000, shown, PMM_F_LAST);
  pmm_book_apply(&w.ladder[0], &w.market[0].grid, &md, &old);
  pmm_action_t const a = act_place(0, 1, PMM_BUY_YES, 5000, 150 * ONE, PMM_GTC, 0);
  pmm_sim_on_action(w.sim, 1, &a);
  for (int i = 0; i < 60; i++) {
    int64_t const by = (int64_t)(1 + pmm_rng_below(&rng, 20)) * ONE;
    uint64_t const what = pmm_rng_below(&rng, 4);
    if (what == 0 && shown >= by) {
      md = md_trade(0, PMM_ASK, 5000, by, 0);
      pmm_sim_on_md(w.sim, 2 + i, &md);
    }
    if (what != 3 && shown < by) continue;
    shown += what == 3 ? by : -by;
    md = md_level(0, PMM_BID, 5000, shown, PMM_F_LAST);
    pmm_book_apply(&w.ladder[0], &w.market[0].grid, &md, &old);
    pmm_sim_on_md(w.sim, 2 + i, &md);
  }
  int64_t const filled = pmm_sim_stats(w.sim)->maker_e6;
  pmm_arena_close(&w.arena);
  free(s);
  return filled;
}

static void models_are_ordered(void **state) {
  (void)state;
  int64_t sum[4] = {0};
  for (uint64_t seed = 1; seed <= 200; seed++) {
    int64_t const front = filled_under(seed, PMM_QUEUE_FRONT, 1), back = filled_under(seed, PMM_QUEUE_BACK, 1);
    int64_t const middle[] = {filled_under(seed, PMM_QUEUE_PROPORTIONAL, 1), filled_under(seed, PMM_QUEUE_POWER, 2)};
    for (size_t i = 0; i < CNT(middle); i++)
      if (front < middle[i] || middle[i] < back) fail_msg("seed %llu: front %lld, model %zu %lld, back %lld", (unsigned long long)seed, (long long)front, i, (long long)middle[i], (long long)back);
    sum[0] += front;
    sum[1] += middle[0];
    sum[2] += middle[1];
    sum[3] += back;
  }
  assert_true(sum[0] > sum[1] && sum[1] > sum[3] && sum[0] > sum[2] && sum[2] > sum[3]); /* and the order is strict somewhere */
}

int main(void) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(random_against_model), cmocka_unit_test(canary), cmocka_unit_test(models_are_ordered)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
