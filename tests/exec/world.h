/* tests/exec/world.h -- a small world around an executor: account, limits, one market and its book, and an action buffer. */
#ifndef PMM_TESTS_EXEC_WORLD_H
#define PMM_TESTS_EXEC_WORLD_H
#include <math.h>
#include "base/check.h"
#include "pmm/exec.h"

#define WORLD_SLOTS 2
#define WORLD_BYTES (1 << 20)
#define WORLD_ACTIONS 256
#define QTY(contracts) ((int64_t)((contracts)*1000000.0 + 0.5))

typedef struct world {
  pmm_ledger_t *ledger;
  pmm_risk_t risk;
  pmm_exec_t *exec;
  pmm_market_t market;
  pmm_ladder_t ladder;
  pmm_exec_ctx_t ctx;
  pmm_quotes_t quotes;
  pmm_action_t action[WORLD_ACTIONS];
  pmm_actions_t out;
  pmm_risk_reason_t refused;
  pmm_exec_effect_t fx;
  uint64_t trade_id;
} world_t;

typedef struct world_options {
  pmm_exec_params_t exec;
  pmm_risk_params_t risk;
  int64_t cash_e6;
  uint32_t orders_max, pending_max;
  bool net_pairs[WORLD_SLOTS];
} world_options_t;

static inline world_options_t world_options(void) {
  world_options_t o = {.cash_e6 = INT64_C(1000000000), .orders_max = 64, .pending_max = 64};
  pmm_params_default(pmm_exec_param_table, pmm_exec_param_cnt, &o.exec);
  pmm_params_default(pmm_risk_param_table, pmm_risk_param_cnt, &o.risk);
  return o;
}

static inline void world_init(world_t *w, const world_options_t *o) {
  static _Alignas(64) unsigned char memory[WORLD_BYTES];
  memset(w, 0, sizeof *w);
  pmm_arena_t arena;
  pmm_arena_init(&arena, memory, sizeof memory);
  pmm_ledger_config_t const lc = {.slot_cnt = WORLD_SLOTS, .pending_max = o->pending_max};
  assert_int_equal(pmm_ledger_init(&w->ledger, &arena, &lc), PMM_OK);
  pmm_risk_init(&w->risk, &o->risk);
  pmm_exec_config_t const xc = {.params = o->exec, .slot_cnt = WORLD_SLOTS, .orders_max = o->orders_max, .id_base = UINT64_C(7) << 32};
  assert_int_equal(pmm_exec_init(&w->exec, &arena, &xc, w->ledger, &w->risk), PMM_OK);
  for (uint32_t s = 0; s < WORLD_SLOTS; s++) {
    assert_int_equal(pmm_ledger_slot(w->ledger, s, 0, o->net_pairs[s]), PMM_OK);
    assert_int_equal(pmm_exec_slot(w->exec, s, 0), PMM_OK);
  }
  assert_int_equal(pmm_ledger_deposit(w->ledger, o->cash_e6), PMM_OK);
  pmm_market_init(&w->market, "m");
  assert_int_equal(pmm_ladder_init(&w->ladder, &arena, 100, 1000), PMM_OK);
  w->out = (pmm_actions_t){.action = w->action, .cap = WORLD_ACTIONS};
  w->ctx = (pmm_exec_ctx_t){.now_ns = PMM_NS_PER_S, .market = &w->market, .ladder = &w->ladder, .equity_e6 = o->cash_e6};
  pmm_arena_seal(&arena);
}

/* Quotes without strategy.c, so that a test reads as what it says. */
static inline void world_clear_quotes(world_t *w) {
  w->quotes = (pmm_quotes_t){.action = PMM_QUOTE_QUOTE, .fair = 0.50, .exit_limit = NAN, .raw_bid = NAN, .raw_ask = NAN, .raw_spread = NAN};
}

static inline void world_quote(world_t *w, uint32_t slot) {
  w->out.cnt = 0;
  pmm_exec_quote(w->exec, slot, &w->ctx, &w->quotes, &w->out, &w->refused);
}

static inline pmm_status_t world_event(world_t *w, pmm_event_t ev) {
  ev.md.recv_ns = w->ctx.now_ns;
  return pmm_exec_on_event(w->exec, &ev, &w->fx);
}

static inline pmm_event_t ev_order(pmm_kind_t kind, uint64_t order_id) { return (pmm_event_t){.md = {.kind = (uint8_t)kind}, .order_id = order_id}; }

static inline pmm_event_t ev_fill(uint64_t order_id, uint64_t trade_id, int32_t price_e4, int64_t qty_e6, int64_t fee_e6) {
  return (pmm_event_t){.md = {.kind = PMM_EV_FILL, .price_e4 = price_e4, .qty_e6 = qty_e6, .flags = PMM_F_MAKER}, .order_id = order_id,
    .amount_e6 = fee_e6, .ref_id = trade_id};
}

/* Answers every action in the buffer as a venue would on a quiet day. */
static inline void world_answer(world_t *w) {
  for (uint32_t i = 0; i < w->out.cnt; i++) {
    const pmm_action_t *const a = &w->action[i];
    pmm_event_t ev = ev_order(a->kind == PMM_ACT_PLACE ? PMM_EV_ACK : a->kind == PMM_ACT_CANCEL ? PMM_EV_CANCELLED : PMM_EV_AMENDED, a->order_id);
    ev.md.qty_e6 = a->qty_e6;
    ev.md.price_e4 = a->price_e4;
    ev.ref_id = a->order_id ^ 0xabc;
    if (a->kind == PMM_ACT_AMEND) ev.amount_e6 = pmm_exec_find(w->exec, a->order_id)->filled_e6;
    assert_int_equal(world_event(w, ev), PMM_OK);
  }
}

static inline void world_fill(world_t *w, uint64_t order_id, int64_t qty_e6) {
  assert_int_equal(world_event(w, ev_fill(order_id, ++w->trade_id, pmm_exec_find(w->exec, order_id)->price_e4, qty_e6, 0)), PMM_OK);
}

/* Gives a slot contracts without an order. */
static inline void world_hold(world_t *w, uint32_t slot, pmm_route_t route, int64_t qty_e6) {
  pmm_fill_t const f = {.slot = slot, .route = (uint8_t)route, .price_e4 = 5000, .qty_e6 = qty_e6};
  assert_int_equal(pmm_ledger_fill(w->ledger, &f, NULL), PMM_OK);
}

static inline pmm_position_t world_position(const world_t *w, uint32_t slot) {
  pmm_position_t p;
  pmm_ledger_position(w->ledger, slot, &p);
  return p;
}

static inline void world_is_sound(const world_t *w) {
  pmm_error_t err = {0};
  if (pmm_exec_check(w->exec, &err) != PMM_OK || pmm_ledger_check(w->ledger, &err) != PMM_OK) fail_msg("%s", err.text);
}

/* The actions as text: "+b0.4700x10" places, "-a..." cancels, "~b..." amends; capital letters sell holdings, ! is an exit. */
static inline const char *world_actions(const world_t *w) {
  static char text[8192];
  size_t n = 0;
  text[0] = 0;
  for (uint32_t i = 0; i < w->out.cnt; i++) {
    const pmm_action_t *const a = &w->action[i];
    char const mark = a->kind == PMM_ACT_PLACE ? '+' : a->kind == PMM_ACT_CANCEL ? '-' : '~';
    n += (size_t)snprintf(text + n, sizeof text - n, "%s%c%c.%04dx%g%s", i ? " " : "", mark, "bBAa"[a->route], a->price_e4, (double)a->qty_e6 / 1e6,
                          a->tif == PMM_IOC ? "!" : "");
  }
  return text;
}

/* Reads "b.4700x10 b.4600x20 a.5300x10" into the quotes. */
static inline void world_want(world_t *w, const char *text) {
  world_clear_quotes(w);
  int price, used;
  double qty;
  char side;
  while (sscanf(text, " %c.%4dx%lf%n", &side, &price, &qty, &used) == 3) {
    pmm_level_t const level = {.price_e4 = price, .qty_e6 = QTY(qty)};
    if (side == 'b') w->quotes.bid[w->quotes.bid_cnt++] = level;
    else w->quotes.ask[w->quotes.ask_cnt++] = level;
    text += used;
  }
}

static inline void world_book(world_t *w, int32_t bid_e4, int32_t ask_e4) {
  pmm_ladder_clear(&w->ladder);
  if (bid_e4) assert_int_equal(pmm_ladder_set(&w->ladder, PMM_BID, bid_e4 / w->ladder.tick_e4, QTY(100)), PMM_OK);
  if (ask_e4) assert_int_equal(pmm_ladder_set(&w->ladder, PMM_ASK, ask_e4 / w->ladder.tick_e4, QTY(100)), PMM_OK);
}
#endif
