/* The fill simulator's orders and account: requests in, account events out. What the recording fills is in sim_fill.c. */
#include <assert.h>
#include <limits.h>
#include <math.h>
#include "exchange/row.h"
#include "exchange/sim_impl.h"
#include "pmm/hash.h"

#define ROW(...) PMM__ROW(pmm_sim_params_t, __VA_ARGS__)
const pmm_param_t pmm_sim_param_table[] = {
  ROW(ENUM, queue, "queue", "back", 0, 0, "", "front|back|proportional|power|power_share", "which part of a decrease that no print explains was ahead of us"),
  ROW(F64, queue_power, "queue_power", "2", 0.1, 16, "", NULL, "exponent of the power models"),
  ROW(ENUM, cross_fill, "cross_fill", "auto", 0, 0, "", "auto|always|never", "a book that crosses our price fills us; auto: where the recording has no trades"),
  ROW(BOOL, through, "through", "true", 0, 0, "", NULL, "prints beyond our price fill us"),
  ROW(BOOL, whole_fills, "whole_fills", "false", 0, 0, "", NULL, "a resting order fills wholly or not at all, to compare with simulators that do so"),
  ROW(BOOL, footprint, "footprint", "true", 0, 0, "", NULL, "liquidity we consumed is not offered again until its level changes"),
  ROW(ENUM, fees, "fees", "market", 0, 0, "", "market|none", "whose fees are charged"),
  ROW(DURATION, print_lag_ns, "print_lag", "50ms", 0, 60, "s", NULL, "how long after the level decrease that it caused a print may come"),
  ROW(ENUM, fill_model, "fill_model", "auto", 0, 0, "", "auto|book|bernoulli", "what fills resting orders: recorded books and prints, or chance; auto: chance where the data have prices but no book"),
  ROW(F64, bernoulli_rate, "bernoulli_rate", "0.01", 0, 1e6, "1/s", NULL, "chance: fills a second of an order at the price itself"),
  ROW(F64, bernoulli_decay, "bernoulli_decay", "50", 0, 1e6, "1/dollar", NULL, "chance: the rate falls by exp(-decay * distance in dollars)"),
  ROW(DURATION, bernoulli_max_dt_ns, "bernoulli_max_dt", "60s", 0, 86400, "s", NULL, "chance: a longer silence between two prices counts as this long"),
  ROW(F64, bernoulli_half_spread, "bernoulli_half_spread", "0.01", 0, 0.5, "dollars", NULL, "chance: an order that takes trades this far beyond the price, where there is no book"),
  ROW(ENUM, rate_limit, "rate_limit", "none", 0, 0, "", "none|kalshi|polymarket|degen|custom", "the venue's limit on requests, as token buckets; custom: the next five"),
  ROW(F64, rate_refill, "rate_refill", "100", 0.001, 1e6, "tokens/s", NULL, "custom: tokens that come in"),
  ROW(F64, rate_capacity, "rate_capacity", "100", 0.001, 1e6, "tokens", NULL, "custom: tokens that the bucket holds; it begins full"),
  ROW(F64, rate_cost_place, "rate_cost_place", "10", 0, 1e6, "tokens", NULL, "custom: cost of a new order"),
  ROW(F64, rate_cost_cancel, "rate_cost_cancel", "2", 0, 1e6, "tokens", NULL, "custom: cost of a cancel"),
  ROW(F64, rate_cost_amend, "rate_cost_amend", "10", 0, 1e6, "tokens", NULL, "custom: cost of an amend"),
  ROW(DURATION, settle_delay_ns, "settle_delay", "0", 0, 86400, "s", NULL, "how long after a fill it is final; what it bought cannot be sold before"),
  ROW(F64, settle_fail_share, "settle_fail_share", "0", 0, 1, "", NULL, "share of fills that fail to settle, and are undone then"),
};
#undef ROW
const size_t pmm_sim_param_cnt = sizeof pmm_sim_param_table / sizeof pmm_sim_param_table[0];

#define INFERRED_LAG_NS PMM_NS_PER_S /* trades are inferred from running volumes, which venues send about once a second */

/* ---- construction ---- */

static uint64_t power_of_two(uint64_t at_least) {
  uint64_t n = 16;
  while (n < at_least) n *= 2;
  return n;
}

static pmm__queue_rules_t rules_of(const pmm_sim_params_t *p, const pmm_market_t *market) {
  int64_t lag = p->print_lag_ns;
  if (lag > 0 && (market->data & PMM_DATA_INFERRED)) lag = pmm_max64(lag, INFERRED_LAG_NS);
  return (pmm__queue_rules_t){.model = p->queue, .power = p->queue_power, .whole = p->whole_fills,
                              .nosize = (market->data & PMM_DATA_NOSIZE) != 0, .lag_ns = lag};
}

static bool crosses_fill(const pmm_sim_params_t *p, const pmm_market_t *market) {
  if (pmm_fill_is_bernoulli(p->fill_model, market)) return false;
  if (p->cross_fill != PMM_CROSSFILL_AUTO) return p->cross_fill == PMM_CROSSFILL_ALWAYS;
  return !(market->data & (PMM_DATA_TRADES | PMM_DATA_INFERRED));
}

static uint64_t event_slots(uint64_t orders_max, uint64_t ticks_max) {
  /* One call causes at most: all orders run out or fill, then every order fills from a crossing book; or one taker walks a whole side.
     Before it every fill that waited settles, and each of its own may push out an older one. */
  return power_of_two(3 * orders_max + 2 * ticks_max + PMM_SIM_PENDING_MAX + 16);
}

size_t pmm_sim_bytes(uint32_t market_cnt, uint32_t orders_max) {
  size_t const per_market = sizeof(pmm__sim_market_t) + sizeof(pmm_sim_watch_market_t) + 2 * (PMM_LADDER_TICKS_MAX * sizeof(pmm__foot_t) + 64);
  return sizeof(pmm_sim_t) + market_cnt * per_market + orders_max * sizeof(pmm__rest_t) + power_of_two(2 * (uint64_t)orders_max) * sizeof(uint32_t) +
         event_slots(orders_max, PMM_LADDER_TICKS_MAX) * sizeof(pmm_event_t) + PMM_SIM_PENDING_MAX * sizeof(pmm__pending_t) + 9 * 64;
}

static pmm_status_t init_market(pmm_sim_t *sim, pmm_arena_t *arena, uint32_t i) {
  pmm__sim_market_t *const m = &sim->state[i];
  const pmm_market_t *const market = sim->market[i];
  pmm_status_t const st = pmm_market_check(market, NULL);
  if (st != PMM_OK) return st;
  *m = (pmm__sim_market_t){.head = {PMM__NIL, PMM__NIL}, .cross = crosses_fill(&sim->params, market), .rules = rules_of(&sim->params, market), .epoch = 1, .foot_tick_e4 = market->grid.tick_e4,
                           .nets = pmm_net_applies(sim->params.net_pairs, market),
                           .top_only = (market->data & PMM_DATA_TOP) && !(market->data & PMM_DATA_DEPTH),
                           .settle_delay_ns = sim->params.settle_delay_ns, .settle_fail_e4 = (int32_t)floor(sim->params.settle_fail_share * PMM_ONE_E4 + 0.5),
                           .bernoulli = pmm_fill_is_bernoulli(sim->params.fill_model, market), .price_e4 = -1, .looked_ns = PMM_TIME_NONE};
  m->bookless = m->bernoulli && !(market->data & (PMM_DATA_DEPTH | PMM_DATA_TOP));
  m->one_position = m->nets && (market->venue == PMM_VENUE_KALSHI || market->venue == PMM_VENUE_SIM);
  for (int side = PMM_BID; side <= PMM_ASK; side++)
    if (!(m->foot[side] = PMM_ARENA_NEW(arena, pmm__foot_t, sim->ladder[i]->cap_cnt))) return PMM_FULL;
  sim->watched[i] = (pmm_sim_watch_market_t){.cross_at = {INT32_MAX, INT32_MAX}, .low_e4 = {INT32_MAX, INT32_MAX}}; /* nothing reaches us */
  pmm__sim_watch(sim, i);
  return PMM_OK;
}

static bool is_share(double x) { return x >= 0 && x <= 1; }

static pmm_status_t check_params(const pmm_sim_params_t *p) {
  if (p->print_lag_ns < 0 || (p->queue >= PMM_QUEUE_POWER && !(p->queue_power > 0))) return PMM_INVAL;
  if (p->settle_delay_ns < 0 || p->settle_delay_ns > INT64_MAX / 4 || !is_share(p->settle_fail_share)) return PMM_INVAL;
  bool const chance = p->bernoulli_rate >= 0 && p->bernoulli_decay >= 0 && p->bernoulli_max_dt_ns >= 0 && is_share(p->bernoulli_half_spread);
  return chance ? PMM_OK : PMM_INVAL;
}

pmm_status_t pmm_sim_init(pmm_sim_t **out, pmm_arena_t *arena, const pmm_sim_params_t *params, pmm_market_t *const *markets,
                          pmm_ladder_t *const *ladders, uint32_t market_cnt, uint32_t orders_max, int64_t cash_e6) {
  if (market_cnt == 0 || orders_max == 0 || orders_max >= PMM__NIL / 4 || cash_e6 < 0 || check_params(params) != PMM_OK) return PMM_INVAL;
  pmm_sim_t *const sim = PMM_ARENA_NEW(arena, pmm_sim_t, 1);
  if (!sim) return PMM_FULL;
  *sim = (pmm_sim_t){.params = *params, .market = markets, .ladder = ladders, .market_cnt = market_cnt, .orders_max = orders_max,
                     .next_expire_ns = PMM_NS_MAX, .wallet = {.cash_e6 = cash_e6}};
  if (pmm__limit_init(&sim->limit, params) != PMM_OK) return PMM_INVAL;
  pmm_rng_seed(&sim->fill_rng, pmm_hash_mix(params->seed, 1)); /* each its own stream: to switch one on does not shift the other */
  pmm_rng_seed(&sim->settle_rng, pmm_hash_mix(params->seed, 2));
  uint64_t ticks_max = 0;
  for (uint32_t i = 0; i < market_cnt; i++) ticks_max = ticks_max < (uint64_t)ladders[i]->cap_cnt ? (uint64_t)ladders[i]->cap_cnt : ticks_max;
  uint64_t const events = event_slots(orders_max, ticks_max), slots = power_of_two(2 * (uint64_t)orders_max);
  sim->event_mask = events - 1;
  sim->slot_mask = (uint32_t)slots - 1;
  sim->watched = PMM_ARENA_NEW(arena, pmm_sim_watch_market_t, market_cnt);
  sim->state = PMM_ARENA_NEW(arena, pmm__sim_market_t, market_cnt);
  sim->order = PMM_ARENA_NEW(arena, pmm__rest_t, orders_max);
  sim->slot = PMM_ARENA_NEW(arena, uint32_t, slots);
  sim->event = PMM_ARENA_NEW(arena, pmm_event_t, events);
  sim->pending = PMM_ARENA_NEW(arena, pmm__pending_t, PMM_SIM_PENDING_MAX);
  if (!sim->watched || !sim->state || !sim->order || !sim->slot || !sim->event || !sim->pending) return PMM_FULL;
  sim->watch = (pmm_sim_watch_t){.market = sim->watched, .market_cnt = market_cnt};
  for (uint32_t i = 0; i < orders_max; i++) sim->order[i].next = i + 1 < orders_max ? i + 1 : PMM__NIL;
  for (uint32_t i = 0; i < market_cnt; i++) {
    pmm_status_t const st = init_market(sim, arena, i);
    if (st != PMM_OK) return st;
  }
  *out = sim;
  return PMM_OK;
}

/* ---- events ---- */

static pmm_event_t *emit(pmm_sim_t *sim, int64_t now_ns, pmm_kind_t kind, uint32_t market, uint64_t order_id) {
  assert(sim->event_in - sim->event_out <= sim->event_mask); /* the caller polls dry after each call */
  pmm_event_t *const e = &sim->event[sim->event_in++ & sim->event_mask];
  *e = (pmm_event_t){.md = {.recv_ns = now_ns, .exch_ns = now_ns, .seq = ++sim->event_seq, .market = market, .kind = (uint8_t)kind}, .order_id = order_id};
  return e;
}

static pmm_event_t *emit_order(pmm_sim_t *sim, int64_t now_ns, pmm_kind_t kind, const pmm__rest_t *o, int64_t qty_e6, pmm_reject_t why) {
  pmm_event_t *const e = emit(sim, now_ns, kind, o->market, o->id);
  e->md.side = o->side;
  e->md.price_e4 = o->price_e4;
  e->md.qty_e6 = qty_e6;
  e->md.aux = (uint8_t)why;
  return e;
}

static void emit_refusal(pmm_sim_t *sim, int64_t now_ns, pmm_kind_t kind, const pmm_action_t *a, pmm_reject_t why) {
  pmm_event_t *const e = emit(sim, now_ns, kind, a->market, a->order_id);
  e->md.side = (uint8_t)pmm_route_side((pmm_route_t)a->route);
  e->md.price_e4 = a->price_e4;
  e->md.qty_e6 = a->qty_e6;
  e->md.aux = (uint8_t)why;
  sim->stats.rejects += kind == PMM_EV_REJECT;
}

bool pmm_sim_poll(pmm_sim_t *sim, pmm_event_t *event) {
  if (sim->event_out == sim->event_in) {
    sim->event_in = sim->event_out = 0; /* dry: the next call writes to the same warm lines */
    return false;
  }
  *event = sim->event[sim->event_out++ & sim->event_mask];
  return true;
}

int64_t pmm_sim_next(const pmm_sim_t *sim) { return pmm__sim_settles_ns(sim); }

size_t pmm_sim_orders(const pmm_sim_t *sim, uint32_t market, pmm_sim_order_t *out, size_t cap) {
  size_t n = 0;
  for (int side = PMM_BID; side <= PMM_ASK; side++)
    for (uint32_t i = sim->state[market].head[side]; i != PMM__NIL && n < cap; i = sim->order[i].next) {
      const pmm__rest_t *const o = &sim->order[i];
      out[n++] = (pmm_sim_order_t){.order_id = o->id, .open_e6 = o->open_e6, .placed_ns = o->placed_ns, .price_e4 = o->price_e4, .side = o->side};
    }
  return n;
}

/* ---- orders by id ---- */

static uint32_t home_of(const pmm_sim_t *sim, uint64_t id) { return (uint32_t)pmm_hash_mix(0, id) & sim->slot_mask; }

static uint32_t *slot_of(const pmm_sim_t *sim, uint64_t id) { /* its slot, or the empty one where it would go */
  uint32_t at = home_of(sim, id);
  while (sim->slot[at] != 0 && sim->order[sim->slot[at] - 1].id != id) at = (at + 1) & sim->slot_mask;
  return &sim->slot[at];
}

static pmm__rest_t *find(const pmm_sim_t *sim, uint64_t id) {
  uint32_t const slot = *slot_of(sim, id);
  return slot ? &sim->order[slot - 1] : NULL;
}

/* Linear probing without tombstones: what stands behind the hole and belongs at or before it moves up.
   Source: D. Knuth, The Art of Computer Programming 3, 6.4, algorithm R. */
static void forget_id(pmm_sim_t *sim, uint64_t id) {
  uint32_t hole = (uint32_t)(slot_of(sim, id) - sim->slot);
  for (uint32_t at = (hole + 1) & sim->slot_mask; sim->slot[at] != 0; at = (at + 1) & sim->slot_mask) {
    uint32_t const home = home_of(sim, sim->order[sim->slot[at] - 1].id);
    if (((at - home) & sim->slot_mask) < ((at - hole) & sim->slot_mask)) continue;
    sim->slot[hole] = sim->slot[at];
    hole = at;
  }
  sim->slot[hole] = 0;
}

static pmm__rest_t *take_order(pmm_sim_t *sim, uint64_t id) {
  uint32_t const i = sim->free;
  if (i == PMM__NIL) return NULL;
  sim->free = sim->order[i].next;
  sim->order[i] = (pmm__rest_t){.next = PMM__NIL, .prev = PMM__NIL, .id = id, .expire_ns = PMM_NS_MAX};
  *slot_of(sim, id) = i + 1;
  sim->live_cnt++;
  return &sim->order[i];
}

static void free_order(pmm_sim_t *sim, pmm__rest_t *o) {
  assert(!o->resting);
  forget_id(sim, o->id);
  o->next = sim->free;
  sim->free = (uint32_t)(o - sim->order);
  sim->live_cnt--;
}

/* ---- own orders by market, side, price and time ---- */

void pmm__sim_watch(pmm_sim_t *sim, uint32_t market) {
  const pmm__sim_market_t *const m = &sim->state[market];
  uint32_t const foreign = 1u << PMM_KIND_NONE | 1u << PMM_MD_UNDERLYING | 1u << PMM_MD_SETTLE_MEAN; /* .market is no market there */
  uint32_t const always = 1u << PMM_MD_STATUS | 1u << PMM_MD_TICK | 1u << PMM_MD_GAP | 1u << PMM_MD_PHASE | 1u << PMM_MD_SETTLEMENT | 1u << PMM_MD_PRICE;
  bool const rests = m->head[PMM_BID] != PMM__NIL || m->head[PMM_ASK] != PMM__NIL;
  sim->watched[market].kinds = rests || m->snapshot ? ~foreign : always | (uint32_t)m->gap << PMM_MD_CLEAR;
  sim->watched[market].attention = m->snapshot || (rests && (m->top_only || m->bernoulli || (m->dirty && m->cross)));
}

/* Bounds of our prices of one side, and what reaches them. */
static void set_bounds(pmm_sim_t *sim, uint32_t market, uint8_t side) {
  pmm_sim_watch_market_t *const w = &sim->watched[market];
  int32_t low = INT32_MAX, high = 0;
  for (uint32_t i = sim->state[market].head[side]; i != PMM__NIL; i = sim->order[i].next) {
    int32_t const price_e4 = sim->order[i].price_e4;
    if (price_e4 < low) low = price_e4;
    if (price_e4 > high) high = price_e4;
  }
  w->low_e4[side] = low;
  w->span_e4[side] = high ? (uint32_t)(high - low) : 0;
  w->cross_at[side ^ 1] = high == 0 ? INT32_MAX : side == PMM_ASK ? low : -high;
}

static bool better(const pmm__rest_t *a, const pmm__rest_t *b) {
  return a->side == PMM_BID ? a->price_e4 > b->price_e4 : a->price_e4 < b->price_e4;
}

static void link_order(pmm_sim_t *sim, pmm__rest_t *o) {
  pmm__sim_market_t *const m = pmm__sim_of(sim, o);
  uint32_t const self = (uint32_t)(o - sim->order);
  uint32_t prev = PMM__NIL, next = m->head[o->side];
  while (next != PMM__NIL && !better(o, &sim->order[next])) prev = next, next = sim->order[next].next;
  o->prev = prev;
  o->next = next;
  if (prev == PMM__NIL) m->head[o->side] = self;
  else sim->order[prev].next = self;
  if (next != PMM__NIL) sim->order[next].prev = self;
  o->resting = true;
  set_bounds(sim, o->market, o->side);
  pmm__sim_watch(sim, o->market);
}

static void unlink_order(pmm_sim_t *sim, pmm__rest_t *o) {
  pmm__sim_market_t *const m = pmm__sim_of(sim, o);
  if (o->prev == PMM__NIL) m->head[o->side] = o->next;
  else sim->order[o->prev].next = o->next;
  if (o->next != PMM__NIL) sim->order[o->next].prev = o->prev;
  o->next = o->prev = PMM__NIL;
  o->resting = false;
  set_bounds(sim, o->market, o->side);
  pmm__sim_watch(sim, o->market);
}

/* Rests an order behind what its level shows now, to be looked at again if the book still reaches it. */
static void rest(pmm_sim_t *sim, int64_t now_ns, pmm__rest_t *o) {
  o->placed_ns = now_ns;
  pmm__sim_market_t *const m = pmm__sim_of(sim, o);
  const pmm_ladder_t *const ladder = sim->ladder[o->market];
  int32_t const best_e4 = pmm_ladder_best_e4(ladder, (pmm_side_t)o->side);
  bool const behind_best = best_e4 != 0 && (o->side == PMM_BID ? o->price_e4 < best_e4 : o->price_e4 > best_e4);
  pmm__queue_join(&o->queue, &m->rules, ladder->qty_e6[o->side][pmm_grid_index(&sim->market[o->market]->grid, o->price_e4)],
                  (m->top_only && behind_best) || m->bookless);
  m->dirty |= pmm__sim_reaches(sim, o->market, o->side, o->price_e4);
  link_order(sim, o);
  if (o->expire_ns < sim->next_expire_ns) sim->next_expire_ns = o->expire_ns;
}

/* ---- money ---- */

static const pmm_fee_schedule_t *fees_of(const pmm_sim_t *sim, uint32_t market) {
  return sim->params.fees == 0 ? &sim->market[market]->fees : NULL;
}

static void relock(pmm_sim_t *sim, pmm__rest_t *o) {
  pmm__holding_t *const holding = &pmm__sim_of(sim, o)->holding;
  pmm__wallet_relock(&sim->wallet, holding, (pmm_route_t)o->route, &o->lock, pmm__lock_for(fees_of(sim, o->market), (pmm_route_t)o->route, o->price_e4, o->open_e6));
  if (pmm__sim_of(sim, o)->nets) pmm__wallet_net(&sim->wallet, holding);
}

void pmm__sim_end(pmm_sim_t *sim, int64_t now_ns, pmm__rest_t *o, pmm_kind_t kind, pmm_reject_t why) {
  emit_order(sim, now_ns, kind, o, o->open_e6, why);
  o->open_e6 = 0;
  relock(sim, o);
  if (o->resting) unlink_order(sim, o);
  free_order(sim, o);
}

static void count_fill(pmm_sim_stats_t *s, int64_t qty_e6, uint8_t flags) {
  if (!(flags & PMM_F_MAKER)) {
    s->taker_fills++;
    s->taker_e6 += qty_e6;
    return;
  }
  s->maker_fills++;
  s->maker_e6 += qty_e6;
  if (!(flags & PMM_F_INFERRED)) return;
  s->inferred_fills++;
  s->inferred_e6 += qty_e6;
}

static bool settles_later(const pmm__sim_market_t *m) { return m->settle_delay_ns > 0 || m->settle_fail_e4 > 0; }

void pmm__sim_fill(pmm_sim_t *sim, int64_t now_ns, pmm__rest_t *o, int32_t price_e4, int64_t qty_e6, uint8_t flags) {
  assert(qty_e6 > 0 && qty_e6 <= o->open_e6);
  const pmm_fee_schedule_t *const fees = fees_of(sim, o->market);
  int64_t const fee = fees ? pmm_fee_charge(fees, (flags & PMM_F_MAKER) != 0, o->route, price_e4, qty_e6, &o->acc) : 0;
  o->open_e6 -= qty_e6;
  int64_t const moved = pmm__wallet_fill(&sim->wallet, &pmm__sim_of(sim, o)->holding, (pmm_route_t)o->route, price_e4, qty_e6, fee);
  bool const pends = settles_later(pmm__sim_of(sim, o));
  sim->trade_id++;
  if (pends)
    pmm__sim_defer(sim, now_ns, &(pmm__pending_t){.trade_id = sim->trade_id, .order_id = o->id, .qty_e6 = qty_e6, .flow_e6 = moved - fee, .price_e4 = price_e4,
                                                  .market = o->market, .route = o->route, .side = o->side});
  relock(sim, o);
  pmm_event_t *const e = emit_order(sim, now_ns, PMM_EV_FILL, o, qty_e6, PMM_REJECT_NONE);
  e->md.price_e4 = price_e4;
  e->md.flags = flags;
  e->md.aux = pends ? PMM_SETTLE_PENDING : PMM_SETTLE_FINAL;
  e->amount_e6 = fee;
  e->ref_id = sim->trade_id;
  count_fill(&sim->stats, qty_e6, flags);
  if (o->open_e6 > 0 || !o->resting) return; /* a taker goes when its walk is over */
  unlink_order(sim, o);
  free_order(sim, o);
}

void pmm__sim_tell_settled(pmm_sim_t *sim, int64_t now_ns, const pmm__pending_t *p) {
  pmm_event_t *const e = emit(sim, now_ns, p->fails ? PMM_EV_SETTLE_FAILED : PMM_EV_SETTLED, p->market, p->order_id);
  e->md.side = p->side;
  e->md.price_e4 = p->price_e4;
  e->md.qty_e6 = p->qty_e6;
  e->ref_id = p->trade_id;
}

/* ---- requests ---- */

/* What is wrong with price, size and market, whoever asks. */
static pmm_reject_t check_form(const pmm_sim_t *sim, uint32_t market, int32_t price_e4, int64_t qty_e6, int64_t size_min_e6) {
  const pmm_market_t *const m = sim->market[market];
  if (!pmm_life_trades((pmm_life_t)m->life)) return PMM_REJECT_CLOSED;
  if (!pmm_grid_is_valid(&m->grid, price_e4)) return PMM_REJECT_PRICE;
  if (qty_e6 <= 0 || qty_e6 < size_min_e6 || qty_e6 % m->lot_e6 != 0) return PMM_REJECT_SIZE;
  return PMM_REJECT_NONE;
}

/* Whether the phase of the market takes this; in a post-only phase everything must be that adds to the book. */
static bool phase_takes(const pmm_sim_t *sim, uint32_t market, bool post_only) {
  uint8_t const phase = sim->state[market].phase;
  return phase == PMM_PHASE_NORMAL || (phase == PMM_PHASE_POST_ONLY && post_only);
}

static pmm_reject_t check_place(const pmm_sim_t *sim, int64_t now_ns, const pmm_action_t *a) {
  if (a->market >= sim->market_cnt) return PMM_REJECT_CLOSED;
  if (find(sim, a->order_id)) return PMM_REJECT_DUPLICATE;
  pmm_reject_t const why = check_form(sim, a->market, a->price_e4, a->qty_e6, sim->market[a->market]->min_size_e6);
  if (why != PMM_REJECT_NONE) return why;
  if (!phase_takes(sim, a->market, a->flags & PMM_ACT_POST_ONLY)) return PMM_REJECT_PHASE;
  if (a->tif == PMM_GTD && a->expire_ns <= now_ns) return PMM_REJECT_EXPIRY;
  return sim->free == PMM__NIL ? PMM_REJECT_FULL : PMM_REJECT_NONE;
}

/* Reduce-only is cut to the position once, when the order comes in. */
static pmm_reject_t cut_to_position(const pmm_sim_t *sim, const pmm_action_t *a, int64_t *qty_e6) {
  if (!(a->flags & PMM_ACT_REDUCE_ONLY)) return PMM_REJECT_NONE;
  int64_t const most = pmm__reduce_max(&sim->state[a->market].holding, (pmm_route_t)a->route);
  *qty_e6 = pmm_floor_to_lot(pmm_min64(*qty_e6, most), sim->market[a->market]->lot_e6);
  return *qty_e6 > 0 ? PMM_REJECT_NONE : PMM_REJECT_SHARES;
}

/* The book decides: post-only must not cross, fill-or-kill must be there in full. */
static pmm_reject_t check_book(pmm_sim_t *sim, const pmm__rest_t *o, bool *crosses) {
  *crosses = pmm__sim_trades(sim, o->market) && pmm__sim_reaches(sim, o->market, o->side, o->price_e4);
  if (*crosses && (o->flags & PMM_ACT_POST_ONLY)) return PMM_REJECT_POST_ONLY;
  if (*crosses) pmm__sim_begin_look(sim, pmm__sim_of(sim, o));
  if (o->tif != PMM_FOK) return PMM_REJECT_NONE;
  return *crosses && pmm__sim_offered(sim, o->market, o->side ^ 1, o->price_e4, o->open_e6) == o->open_e6 ? PMM_REJECT_NONE : PMM_REJECT_FOK;
}

/* Where the venue knows one signed position, a sale of more than is held and free is worded as buying the opposite. */
static uint8_t venue_route(const pmm__sim_market_t *m, const pmm_action_t *a, int64_t qty_e6) {
  bool const covered = !pmm_route_is_sell((pmm_route_t)a->route) || qty_e6 <= pmm__reduce_max(&m->holding, (pmm_route_t)a->route);
  if (covered || !m->one_position) return a->route;
  return a->route == PMM_SELL_YES ? PMM_BUY_NO : PMM_BUY_YES;
}

static pmm_reject_t admit(pmm_sim_t *sim, pmm__rest_t *o, bool *crosses) {
  pmm__lock_t const want = pmm__lock_for(fees_of(sim, o->market), (pmm_route_t)o->route, o->price_e4, o->open_e6);
  pmm_reject_t const why = pmm__wallet_lock(&sim->wallet, &pmm__sim_of(sim, o)->holding, (pmm_route_t)o->route, &o->lock, want);
  return why != PMM_REJECT_NONE ? why : check_book(sim, o, crosses);
}

static void place(pmm_sim_t *sim, int64_t now_ns, const pmm_action_t *a) {
  int64_t qty = a->qty_e6;
  pmm_reject_t why = check_place(sim, now_ns, a);
  if (why == PMM_REJECT_NONE) why = cut_to_position(sim, a, &qty);
  if (why != PMM_REJECT_NONE) {
    emit_refusal(sim, now_ns, PMM_EV_REJECT, a, why);
    return;
  }
  pmm__rest_t *const o = take_order(sim, a->order_id);
  o->market = a->market;
  o->price_e4 = a->price_e4;
  o->side = (uint8_t)pmm_route_side((pmm_route_t)a->route);
  o->route = venue_route(pmm__sim_of(sim, o), a, qty);
  o->tif = a->tif;
  o->flags = a->flags;
  o->open_e6 = qty;
  if (a->tif == PMM_GTD) o->expire_ns = a->expire_ns;
  bool crosses = false;
  why = admit(sim, o, &crosses);
  if (why != PMM_REJECT_NONE) {
    o->open_e6 = 0;
    relock(sim, o);
    free_order(sim, o);
    emit_refusal(sim, now_ns, PMM_EV_REJECT, a, why);
    return;
  }
  if (crosses) pmm__sim_take(sim, now_ns, o);
  bool const immediate = o->tif == PMM_IOC || o->tif == PMM_FOK;
  if (immediate) o->open_e6 += a->qty_e6 - qty; /* what the cut to the position took off ends with the rest */
  if (o->open_e6 == 0) {
    free_order(sim, o);
  } else if (immediate) {
    pmm__sim_end(sim, now_ns, o, PMM_EV_CANCELLED, PMM_REJECT_IOC);
  } else {
    rest(sim, now_ns, o);
    emit_order(sim, now_ns, PMM_EV_ACK, o, o->open_e6, PMM_REJECT_NONE)->ref_id = ++sim->exchange_id;
  }
}

static void cancel(pmm_sim_t *sim, int64_t now_ns, const pmm_action_t *a) {
  pmm__rest_t *const o = find(sim, a->order_id);
  if (o) pmm__sim_end(sim, now_ns, o, PMM_EV_CANCELLED, PMM_REJECT_USER);
  else emit_refusal(sim, now_ns, PMM_EV_CANCEL_REJECT, a, PMM_REJECT_UNKNOWN_ORDER);
}

/* Changes price and open size of *o if money and book allow; else *o is as it was. */
static pmm_reject_t requote(pmm_sim_t *sim, pmm__rest_t *o, const pmm_action_t *a, bool *crosses) {
  int32_t const price_e4 = o->price_e4;
  int64_t const open = o->open_e6;
  o->price_e4 = a->price_e4;
  o->open_e6 = a->qty_e6;
  pmm_reject_t const why = admit(sim, o, crosses);
  if (why == PMM_REJECT_NONE) return why;
  o->price_e4 = price_e4;
  o->open_e6 = open;
  relock(sim, o);
  return why;
}

/* A smaller size at the same price keeps its place; anything else goes to the back and may trade at once. */
static void amend(pmm_sim_t *sim, int64_t now_ns, const pmm_action_t *asked) {
  pmm__rest_t *const o = find(sim, asked->order_id);
  pmm_action_t const fitted = o ? pmm__fit_amend(asked, o->price_e4, o->open_e6) : *asked, *const a = &fitted;
  bool const keeps = o && a->price_e4 == o->price_e4 && a->qty_e6 <= o->open_e6;
  bool crosses = false;
  pmm_reject_t why = PMM_REJECT_UNKNOWN_ORDER;
  if (o) why = check_form(sim, o->market, a->price_e4, a->qty_e6, keeps ? 0 : sim->market[o->market]->min_size_e6);
  if (why == PMM_REJECT_NONE && !phase_takes(sim, o->market, keeps || (o->flags & PMM_ACT_POST_ONLY))) why = PMM_REJECT_PHASE;
  if (why == PMM_REJECT_NONE && !keeps) why = requote(sim, o, a, &crosses);
  if (why != PMM_REJECT_NONE) {
    emit_refusal(sim, now_ns, PMM_EV_AMEND_REJECT, a, why);
    return;
  }
  o->open_e6 = a->qty_e6;
  relock(sim, o);
  emit_order(sim, now_ns, PMM_EV_AMENDED, o, o->open_e6, PMM_REJECT_NONE);
  if (keeps) return;
  unlink_order(sim, o);
  if (crosses) pmm__sim_take(sim, now_ns, o);
  if (o->open_e6 > 0) rest(sim, now_ns, o);
  else free_order(sim, o);
}

/* The limit stands before everything else: what it stops, nobody has looked at. */
static void refuse_for_rate(pmm_sim_t *sim, int64_t now_ns, const pmm_action_t *a) {
  static const pmm_kind_t answer[] = {[PMM_ACT_PLACE] = PMM_EV_REJECT, [PMM_ACT_CANCEL] = PMM_EV_CANCEL_REJECT, [PMM_ACT_AMEND] = PMM_EV_AMEND_REJECT};
  sim->stats.rate_refused++;
  emit_refusal(sim, now_ns, answer[a->kind], a, PMM_REJECT_RATE);
}

void pmm_sim_on_action(pmm_sim_t *sim, int64_t now_ns, const pmm_action_t *action) {
  if (now_ns >= sim->next_expire_ns || now_ns > pmm__sim_settles_ns(sim)) pmm_sim_advance(sim, now_ns);
  assert(action->kind >= PMM_ACT_PLACE && action->kind <= PMM_ACT_AMEND);
  if (!pmm__limit_allows(&sim->limit, now_ns, action->kind)) {
    refuse_for_rate(sim, now_ns, action);
    return;
  }
  switch ((pmm_action_kind_t)action->kind) {
  case PMM_ACT_PLACE: place(sim, now_ns, action); return;
  case PMM_ACT_CANCEL: cancel(sim, now_ns, action); return;
  case PMM_ACT_AMEND: amend(sim, now_ns, action); return;
  }
}

bool pmm_sim_advance(pmm_sim_t *sim, int64_t now_ns) {
  if (now_ns < sim->next_expire_ns && now_ns < pmm__sim_settles_ns(sim)) return false;
  pmm__sim_settle(sim, now_ns);
  if (now_ns < sim->next_expire_ns) return true;
  sim->next_expire_ns = PMM_NS_MAX;
  for (uint32_t i = 0; i < sim->orders_max; i++) {
    pmm__rest_t *const o = &sim->order[i];
    if (!o->resting) continue;
    if (o->expire_ns <= now_ns) pmm__sim_end(sim, now_ns, o, PMM_EV_EXPIRED, PMM_REJECT_EXPIRY);
    else if (o->expire_ns < sim->next_expire_ns) sim->next_expire_ns = o->expire_ns;
  }
  return true;
}

/* ---- questions ---- */

int64_t pmm_sim_ahead(const pmm_sim_t *sim, uint64_t order_id) {
  const pmm__rest_t *const o = find(sim, order_id);
  return !o || o->queue.ahead_e6 == PMM__AHEAD_UNKNOWN ? -1 : pmm_max64(o->queue.ahead_e6, 0);
}

int64_t pmm_sim_cash(const pmm_sim_t *sim) { return sim->wallet.cash_e6; }

void pmm_sim_holding(const pmm_sim_t *sim, uint32_t market, int64_t *yes_e6, int64_t *no_e6) {
  assert(market < sim->market_cnt);
  *yes_e6 = sim->state[market].holding.yes_e6;
  *no_e6 = sim->state[market].holding.no_e6;
}

const pmm_sim_stats_t *pmm_sim_stats(const pmm_sim_t *sim) { return &sim->stats; }
