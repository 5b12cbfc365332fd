/* tests/engine/world.h -- an engine with strategies that say what the test wrote, market data and a venue by hand. */
#ifndef PMM_TESTS_ENGINE_WORLD_H
#define PMM_TESTS_ENGINE_WORLD_H
#include <math.h>
#include "base/check.h"
#include "pmm/engine.h"

#define WORLD_MARKETS 4
#define WORLD_SLOTS 10
#define WORLD_UNDERS 4
#define WORLD_ACTIONS 1024
#define WORLD_START_S INT64_C(1767268800) /* 2026-01-01 12:00, far from midnight */
#define QTY(contracts) ((int64_t)((contracts)*1000000.0 + ((contracts) < 0 ? -0.5 : 0.5)))
#define WAKE_ALL (PMM_WAKE_BOOK | PMM_WAKE_TRADE | PMM_WAKE_FILL | PMM_WAKE_FEED | PMM_WAKE_TIMER | PMM_WAKE_LIFE | PMM_WAKE_FAIR)

/* -- a strategy that repeats what it was told and notes what it sees -- */
typedef struct script {
  pmm_quotes_t say;
  pmm_status_t status;
  int64_t refresh_ns;
  uint32_t calls, wake;       /* decisions; what led to the last one */
  pmm_view_t view;            /* as of the last decision; its pointers are not to be followed */
  pmm_fair_t fair[PMM_FAIRS_MAX];
  pmm_own_order_t order[8];
  pmm_grid_t grid;
  uint32_t heard[64];         /* on_event, by kind */
  pmm_event_t last_heard;
} script_t;
typedef struct script_state { script_t *script; } script_state_t;

static inline script_t *script_of(void *state) { return ((script_state_t *)state)->script; }

static inline pmm_status_t script_init(void *state, const void *params, uint64_t seed) {
  (void)seed;
  ((script_state_t *)state)->script = (script_t *)(uintptr_t)params; /* the test reads its notes here */
  return PMM_OK;
}
static inline int64_t script_refresh(const void *params) { return ((const script_t *)params)->refresh_ns; }
static inline void script_event(void *state, const pmm_view_t *view, const pmm_event_t *event) {
  (void)view;
  script_t *const s = script_of(state);
  s->heard[event->md.kind]++;
  s->last_heard = *event;
}
static inline pmm_status_t script_view(void *state, const pmm_view_t *view, pmm_quotes_t *out) {
  script_t *const s = script_of(state);
  s->calls++;
  s->wake = view->wake;
  s->view = *view;
  s->grid = view->market->grid;
  memcpy(s->fair, view->fair, view->fair_cnt * sizeof *view->fair);
  memcpy(s->order, view->orders, (view->order_cnt < COUNT_OF(s->order) ? view->order_cnt : COUNT_OF(s->order)) * sizeof *view->orders);
  *out = s->say;
  return s->status;
}

/* -- the world -- */
typedef struct world {
  pmm_engine_config_t config;
  pmm_market_t market[WORLD_MARKETS];
  pmm_underlying_t under[WORLD_UNDERS];
  pmm_slot_config_t slot[WORLD_SLOTS];
  pmm_strategy_ops_t ops[WORLD_SLOTS];
  script_t script[WORLD_SLOTS];
  pmm_arena_t arena;
  pmm_engine_t *engine;
  int64_t now_ns;
  pmm_action_t action[WORLD_ACTIONS]; /* since the last world_sent */
  uint32_t action_cnt, answered_cnt;
  uint64_t trade_id;
} world_t;

static inline int64_t world_ns(double s) { return WORLD_START_S * PMM_NS_PER_S + (int64_t)floor(s * 1e9 + 0.5); }
static inline void world_at(world_t *w, double s) { w->now_ns = world_ns(s); }

/* Markets are closed books that open with their first STATUS; slot i is in market slot_market[i]. */
static inline void world_init(world_t *w, uint32_t market_cnt, uint32_t slot_cnt, const uint32_t *slot_market) {
  memset(w, 0, sizeof *w);
  pmm_engine_config_t *const c = &w->config;
  pmm_params_default(pmm_engine_param_table, pmm_engine_param_cnt, &c->params);
  pmm_params_default(pmm_exec_param_table, pmm_exec_param_cnt, &c->exec);
  pmm_params_default(pmm_risk_param_table, pmm_risk_param_cnt, &c->risk);
  c->risk.max_heat = 1;
  c->exec.pending_timeout_ns = 0;
  for (uint32_t i = 0; i < market_cnt; i++) {
    char id[8];
    snprintf(id, sizeof id, "M%u", i);
    pmm_market_init(&w->market[i], id);
    w->market[i].life = PMM_LIFE_PENDING;
  }
  for (uint32_t i = 0; i < slot_cnt; i++) {
    w->ops[i] = (pmm_strategy_ops_t){.abi = PMM_STRATEGY_ABI, .name = "script", .help = "", .state_size = sizeof(script_state_t), .wake = WAKE_ALL,
      .init = script_init, .refresh_ns = script_refresh, .on_event = script_event, .on_view = script_view};
    w->slot[i] = (pmm_slot_config_t){.name = "script", .market = slot_market ? slot_market[i] : 0, .ops = &w->ops[i], .params = &w->script[i], .net_pairs = true};
    pmm_signals_none(&w->slot[i].signals);
    pmm_quotes_clear(&w->script[i].say);
    w->script[i].say.fair = 0.5;
  }
  c->market = w->market;
  c->market_cnt = market_cnt;
  c->underlying = w->under;
  c->slot = w->slot;
  c->slot_cnt = slot_cnt;
  c->cash_e6 = QTY(1000);
  c->run_id = 3;
  c->seed = 1;
  world_at(w, 0);
}

static inline void world_open(world_t *w) {
  pmm_error_t err = {0};
  size_t const bytes = pmm_engine_bytes(&w->config);
  assert_int_equal(pmm_arena_open(&w->arena, bytes), PMM_OK);
  if (pmm_engine_init(&w->engine, &w->arena, &w->config, &err) != PMM_OK) fail_msg("engine: %s", err.text);
  pmm_arena_seal(&w->arena);
}
static inline void world_close(world_t *w) { pmm_arena_close(&w->arena); }

/* One market, one slot, everything at its default. */
static inline void world_simple(world_t *w) {
  world_init(w, 1, 1, NULL);
  world_open(w);
}

static inline void world_is_sound(world_t *w) {
  pmm_error_t err = {0};
  if (pmm_engine_check(w->engine, &err) != PMM_OK) fail_msg("%s", err.text);
}

static inline void world_collect(world_t *w) {
  uint32_t cnt;
  const pmm_action_t *const a = pmm_engine_actions(w->engine, &cnt);
  assert_true(w->action_cnt + cnt <= WORLD_ACTIONS);
  memcpy(&w->action[w->action_cnt], a, cnt * sizeof *a);
  w->action_cnt += cnt;
  pmm_engine_actions_done(w->engine);
  world_is_sound(w);
}

/* -- what reaches the engine -- */
static inline pmm_status_t world_event(world_t *w, pmm_event_t ev) {
  ev.md.recv_ns = w->now_ns;
  pmm_status_t const st = pmm_engine_on_event(w->engine, &ev);
  world_collect(w);
  return st;
}
static inline pmm_status_t world_md(world_t *w, pmm_md_t md) {
  md.recv_ns = w->now_ns;
  pmm_status_t const st = pmm_engine_on_md(w->engine, &md);
  world_collect(w);
  return st;
}
static inline void world_life(world_t *w, uint32_t market, pmm_life_t life) {
  assert_int_equal(world_md(w, (pmm_md_t){.market = market, .kind = PMM_MD_STATUS, .aux = (uint8_t)life}), PMM_OK);
}
static inline void world_resolve(world_t *w, uint32_t market, pmm_outcome_t outcome, int64_t payout_e6) {
  assert_int_equal(world_md(w, (pmm_md_t){.market = market, .kind = PMM_MD_STATUS, .aux = PMM_LIFE_RESOLVED, .side = (uint8_t)outcome, .qty_e6 = payout_e6}), PMM_OK);
}
static inline void world_level(world_t *w, uint32_t market, pmm_side_t side, int32_t price_e4, int64_t qty_e6, uint8_t flags) {
  assert_int_equal(world_md(w, (pmm_md_t){.market = market, .kind = PMM_MD_LEVEL, .side = (uint8_t)side, .price_e4 = price_e4, .qty_e6 = qty_e6, .flags = flags}), PMM_OK);
}
/* A whole book as one message; 0 leaves a side empty. */
static inline void world_book(world_t *w, uint32_t market, int32_t bid_e4, int32_t ask_e4) {
  uint8_t const last = PMM_F_SNAPSHOT | PMM_F_LAST;
  bool const empty = !bid_e4 && !ask_e4;
  assert_int_equal(world_md(w, (pmm_md_t){.market = market, .kind = PMM_MD_CLEAR, .flags = empty ? last : PMM_F_SNAPSHOT}), PMM_OK);
  if (bid_e4) world_level(w, market, PMM_BID, bid_e4, QTY(100), ask_e4 ? PMM_F_SNAPSHOT : last);
  if (ask_e4) world_level(w, market, PMM_ASK, ask_e4, QTY(100), last);
}
static inline void world_start(world_t *w, uint32_t market, int32_t bid_e4, int32_t ask_e4) {
  world_life(w, market, PMM_LIFE_OPEN);
  world_book(w, market, bid_e4, ask_e4);
}
static inline void world_trade(world_t *w, uint32_t market, pmm_side_t taker, int32_t price_e4, int64_t qty_e6, uint8_t flags) {
  assert_int_equal(world_md(w, (pmm_md_t){.market = market, .kind = PMM_MD_TRADE, .side = (uint8_t)taker, .price_e4 = price_e4, .qty_e6 = qty_e6, .flags = flags}), PMM_OK);
}
static inline void world_price(world_t *w, uint32_t under, double price) {
  assert_int_equal(world_md(w, (pmm_md_t){.market = under, .kind = PMM_MD_UNDERLYING, .qty_e6 = (int64_t)floor(price * 1e8 + 0.5), .flags = PMM_F_LAST}), PMM_OK);
}
static inline void world_timer(world_t *w) { assert_int_equal(world_event(w, (pmm_event_t){.md = {.kind = PMM_EV_TIMER}}), PMM_OK); }
static inline void world_operator(world_t *w, pmm_operator_t op) {
  assert_int_equal(world_event(w, (pmm_event_t){.md = {.kind = PMM_EV_OPERATOR, .aux = (uint8_t)op}}), PMM_OK);
}

/* Ends the run now: the engine learns of the time only by an event. */
static inline void world_finish(world_t *w) {
  world_timer(w);
  pmm_engine_finish(w->engine);
}

/* -- the venue -- */
static inline pmm_event_t ev_order(pmm_kind_t kind, uint64_t order_id) { return (pmm_event_t){.md = {.kind = (uint8_t)kind}, .order_id = order_id}; }

static inline void world_answer_one(world_t *w, const pmm_action_t *a) {
  pmm_event_t ev = ev_order(a->kind == PMM_ACT_PLACE ? PMM_EV_ACK : PMM_EV_CANCELLED, a->order_id);
  ev.md.qty_e6 = a->qty_e6;
  ev.md.price_e4 = a->price_e4;
  ev.ref_id = a->order_id ^ 0xabc;
  assert_int_equal(world_event(w, ev), PMM_OK);
}
/* Acknowledges and cancels whatever was asked and not yet answered, as a venue on a quiet day. Immediate orders find nobody. */
static inline void world_answer(world_t *w) {
  for (; w->answered_cnt < w->action_cnt; w->answered_cnt++) {
    pmm_action_t const a = w->action[w->answered_cnt];
    world_answer_one(w, &a);
    if (a.kind != PMM_ACT_PLACE || a.tif != PMM_IOC) continue;
    pmm_event_t ev = ev_order(PMM_EV_CANCELLED, a.order_id);
    ev.md.qty_e6 = a.qty_e6;
    world_event(w, ev);
  }
}

/* The open order of a slot at a price; 0 when there is none. */
static inline uint64_t world_order(const world_t *w, uint32_t slot, pmm_side_t side, int32_t price_e4) {
  pmm_own_order_t o[64];
  size_t const n = pmm_exec_own_orders(pmm_engine_exec(w->engine), slot, o, COUNT_OF(o));
  for (size_t i = 0; i < n; i++)
    if (o[i].side == side && o[i].price_e4 == price_e4) return o[i].order_id;
  return 0;
}
static inline pmm_event_t ev_fill(world_t *w, uint64_t order_id, int32_t price_e4, int64_t qty_e6, int64_t fee_e6) {
  return (pmm_event_t){.md = {.kind = PMM_EV_FILL, .price_e4 = price_e4, .qty_e6 = qty_e6, .flags = PMM_F_MAKER}, .order_id = order_id, .amount_e6 = fee_e6, .ref_id = ++w->trade_id};
}
static inline void world_fill_fee(world_t *w, uint32_t slot, pmm_side_t side, int32_t price_e4, int64_t qty_e6, int64_t fee_e6) {
  uint64_t const id = world_order(w, slot, side, price_e4);
  if (!id) fail_msg("slot %u has no order at %d", slot, price_e4);
  assert_int_equal(world_event(w, ev_fill(w, id, price_e4, qty_e6, fee_e6)), PMM_OK);
}
static inline void world_fill(world_t *w, uint32_t slot, pmm_side_t side, int32_t price_e4, int64_t qty_e6) { world_fill_fee(w, slot, side, price_e4, qty_e6, 0); }

/* -- what came of it -- */
/* Actions since the last call as text: "+b.4700x10" places, "-a..." cancels; capital letters sell holdings, ! is immediate; "1/" is slot 1. */
static inline const char *world_sent(world_t *w) {
  static char text[16384];
  size_t n = 0;
  text[0] = 0;
  for (uint32_t i = 0; i < w->action_cnt; i++) {
    const pmm_action_t *const a = &w->action[i];
    if (n) text[n++] = ' ';
    if (a->slot) n += (size_t)snprintf(text + n, sizeof text - n, "%u/", a->slot);
    n += (size_t)snprintf(text + n, sizeof text - n, "%c%c.%04dx%g%s", a->kind == PMM_ACT_PLACE ? '+' : a->kind == PMM_ACT_CANCEL ? '-' : '~', "bBAa"[a->route],
                          a->price_e4, (double)a->qty_e6 / 1e6, a->tif == PMM_IOC ? "!" : "");
  }
  assert_int_equal(w->answered_cnt <= w->action_cnt, 1);
  w->answered_cnt = 0;
  w->action_cnt = 0;
  return text;
}
/* The same after the venue has answered everything. */
static inline const char *world_settle(world_t *w) {
  world_answer(w);
  return world_sent(w);
}

/* Reads "b.4700x10 a.5300x10" into a slot's script. */
static inline void world_say(world_t *w, uint32_t slot, const char *text) {
  pmm_quotes_t *const q = &w->script[slot].say;
  pmm_quotes_clear(q);
  q->fair = 0.5;
  int price, used;
  double qty;
  char side;
  while (sscanf(text, " %c.%4dx%lf%n", &side, &price, &qty, &used) == 3) {
    pmm_level_t const level = {.price_e4 = price, .qty_e6 = QTY(qty)};
    if (side == 'b') q->bid[q->bid_cnt++] = level;
    else q->ask[q->ask_cnt++] = level;
    text += used;
  }
}

static inline pmm_slot_stats_t world_stats(const world_t *w, uint32_t slot) {
  pmm_slot_stats_t s;
  pmm_engine_slot_stats(w->engine, slot, &s);
  return s;
}
static inline pmm_engine_stats_t world_totals(world_t *w) {
  pmm_engine_stats_t s;
  pmm_engine_stats(w->engine, &s);
  return s;
}
static inline pmm_position_t world_position(const world_t *w, uint32_t slot) {
  pmm_position_t p;
  pmm_ledger_position(pmm_engine_ledger(w->engine), slot, &p);
  return p;
}
static inline int64_t world_cash(const world_t *w) { return pmm_ledger_cash(pmm_engine_ledger(w->engine)); }
static inline uint32_t world_calls(world_t *w, uint32_t slot) { /* since the last look */
  uint32_t const n = w->script[slot].calls;
  w->script[slot].calls = 0;
  return n;
}
#endif
