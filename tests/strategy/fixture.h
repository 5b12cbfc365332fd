/* tests/strategy/fixture.h -- a market, a book, a view and one strategy, to ask questions of. */
#ifndef PMM_TESTS_STRATEGY_FIXTURE_H
#define PMM_TESTS_STRATEGY_FIXTURE_H
#include <math.h>

#include "base/check.h"
#include "pmm/strategy.h"

#define SEC PMM_NS_PER_S
#define C(n) ((int64_t)llround((double)(n) * 1e6)) /* contracts or dollars to e6 */
#define START (INT64_C(1700000000) * SEC)

typedef struct fixture {
  pmm_arena_t arena;
  pmm_market_t market;
  pmm_ladder_t ladder;
  pmm_flow_t flow;
  pmm_signals_t signals;
  pmm_own_order_t order[8];
  pmm_view_t view;
  pmm_mid_state_t mid;
  pmm_quotes_t out;
  const pmm_strategy_ops_t *ops;
  void *params, *state;
} fixture_t;

static inline void fix_grid(fixture_t *f, int32_t tick_e4) {
  assert_int_equal(pmm_grid_uniform(&f->market.grid, tick_e4), PMM_OK);
  pmm_ladder_clear(&f->ladder);
  assert_int_equal(pmm_ladder_regrid(&f->ladder, 10000 / tick_e4, NULL), PMM_OK);
}

static inline void fix_restart(fixture_t *f) {
  memset(f->state, 0, f->ops->state_size);
  if (f->ops->init) assert_int_equal(f->ops->init(f->state, f->params, 1), PMM_OK);
}

static inline void fix_defaults(fixture_t *f) {
  memset(f->params, 0, f->ops->params_size);
  pmm_params_default(f->ops->params, f->ops->param_cnt, f->params);
  fix_restart(f);
}

/* Cent grid, lot 0.01, an empty book, no time known, plenty of cash, nothing forced. */
static inline void fix_open(fixture_t *f, const char *strategy) {
  memset(f, 0, sizeof *f);
  pmm_error_t err;
  if (pmm_strategy_find(strategy, &f->ops, &err) != PMM_OK) fail_msg("%s", err.text);
  f->params = calloc(1, f->ops->params_size);
  f->state = aligned_alloc(64, (f->ops->state_size + 63) / 64 * 64);
  assert_int_equal(pmm_arena_open(&f->arena, pmm_ladder_bytes(10000) + 4096), PMM_OK);
  assert_int_equal(pmm_ladder_init(&f->ladder, &f->arena, 100, 10000), PMM_OK);
  pmm_market_init(&f->market, "test");
  pmm_signals_none(&f->signals);
  pmm_flow_init(&f->flow, 60);
  f->view = (pmm_view_t){.now_ns = START, .wake = PMM_WAKE_BOOK, .market = &f->market, .ladder = &f->ladder, .flow = &f->flow, .mid = .5,
                         .mid_age_ns = PMM_NS_MAX, .free_cash_e6 = C(1e9), .time_left_s = NAN, .life_s = NAN, .orders = f->order,
                         .rate_left = INFINITY, .signals = &f->signals};
  f->view.under = (pmm_under_view_t){.volatility = NAN, .settle_mean = NAN, .age_s = INFINITY};
  fix_defaults(f);
}

static inline void fix_close(fixture_t *f) {
  pmm_arena_close(&f->arena);
  free(f->params);
  free(f->state);
}

static inline void fix_set(fixture_t *f, const char *name, const char *text) {
  const pmm_param_t *const p = pmm_param_find(f->ops->params, f->ops->param_cnt, name);
  pmm_error_t err;
  if (!p) fail_msg("no parameter %s", name);
  if (pmm_param_set(p, f->params, text, &err) != PMM_OK) fail_msg("%s", err.text);
  fix_restart(f);
}

static inline void fix_refresh_mid(fixture_t *f) {
  f->view.mid = pmm_mid_update(&f->mid, &f->ladder, f->view.now_ns, 30 * SEC);
  f->view.mid_age_ns = f->mid.has ? f->view.now_ns - f->mid.at_ns : PMM_NS_MAX;
}

/* A book of one level a side; price 0 leaves the side empty. */
static inline void fix_book(fixture_t *f, double bid, double ask, double qty) {
  pmm_ladder_clear(&f->ladder);
  int32_t const bid_e4 = (int32_t)lround(bid * 1e4), ask_e4 = (int32_t)lround(ask * 1e4);
  if (bid_e4) assert_int_equal(pmm_ladder_set(&f->ladder, PMM_BID, pmm_grid_index(&f->market.grid, bid_e4), C(qty)), PMM_OK);
  if (ask_e4) assert_int_equal(pmm_ladder_set(&f->ladder, PMM_ASK, pmm_grid_index(&f->market.grid, ask_e4), C(qty)), PMM_OK);
  fix_refresh_mid(f);
}

static inline void fix_hold(fixture_t *f, double yes, double no) {
  f->view.position = (pmm_position_t){.yes_e6 = C(yes), .no_e6 = C(no), .yes_sellable_e6 = C(yes), .no_sellable_e6 = C(no)};
}

static inline const pmm_quotes_t *fix_ask(fixture_t *f) {
  pmm_quotes_clear(&f->out);
  assert_int_equal(f->ops->on_view(f->state, &f->view, &f->out), PMM_OK);
  return &f->out;
}

static inline void fix_event(fixture_t *f, pmm_kind_t kind, pmm_side_t side) {
  pmm_event_t event;
  memset(&event, 0, sizeof event);
  event.md.kind = (uint8_t)kind;
  event.md.side = (uint8_t)side;
  event.md.recv_ns = f->view.now_ns;
  f->ops->on_event(f->state, &f->view, &event);
}

static inline double fix_reason(const pmm_quotes_t *q, const char *name) {
  for (int32_t i = 0; i < q->reason_cnt; i++)
    if (strcmp(q->reason[i].name, name) == 0) return q->reason[i].value;
  fail_msg("no reason %s", name);
  return NAN;
}

/* What every answer of every strategy must keep; NULL or what it breaks. */
static inline const char *fix_fault(const fixture_t *f) {
  const pmm_quotes_t *const q = &f->out;
  if (q->action == PMM_QUOTE_EXIT) {
    if (q->exit_qty_e6 < f->market.lot_e6 || q->exit_qty_e6 % f->market.lot_e6) return "exit off the lot";
    int64_t const net = pmm_position_net(&f->view.position);
    if (q->exit_qty_e6 > pmm_abs64(net)) return "exit larger than the position";
    if ((q->exit_side == PMM_ASK) != (net > 0)) return "exit on the wrong side";
  }
  if (q->action != PMM_QUOTE_QUOTE) return q->bid_cnt || q->ask_cnt ? "levels without an intention to quote" : NULL;
  if (!(q->fair >= 0 && q->fair <= 1)) return "fair value";
  if (q->bid_cnt && q->ask_cnt && q->bid[0].price_e4 >= q->ask[0].price_e4) return "crosses itself";
  for (int side = 0; side < 2; side++) {
    const pmm_level_t *const level = side ? q->ask : q->bid;
    for (int32_t i = 0; i < (side ? q->ask_cnt : q->bid_cnt); i++) {
      if (!pmm_grid_is_valid(&f->market.grid, level[i].price_e4)) return "price off the grid";
      if (level[i].qty_e6 < f->market.min_size_e6 || level[i].qty_e6 % f->market.lot_e6) return "size off the lot";
      if (i && (side ? level[i].price_e4 <= level[i - 1].price_e4 : level[i].price_e4 >= level[i - 1].price_e4)) return "order of levels";
    }
  }
  for (int32_t i = 0; i < q->reason_cnt; i++)
    if (isnan(q->reason[i].value)) return "a reason is NaN";
  return NULL;
}

static inline void assert_levels(const pmm_level_t *level, int32_t cnt, const char *want, const char *why) {
  char text[1024] = "";
  for (int32_t i = 0; i < cnt; i++)
    snprintf(text + strlen(text), sizeof text - strlen(text), "%s%.4f x %.8g", i ? ", " : "", level[i].price_e4 / 1e4, (double)level[i].qty_e6 / 1e6);
  if (strcmp(text, want) != 0) fail_msg("%s: got %s, want %s", why, text, want);
}
static inline void assert_quotes(const pmm_quotes_t *q, const char *bids, const char *asks, const char *why) {
  if (q->action != PMM_QUOTE_QUOTE) fail_msg("%s: action %s (%s)", why, pmm_quote_action_to_string(q->action), q->why ? q->why : "");
  assert_levels(q->bid, q->bid_cnt, bids, why);
  assert_levels(q->ask, q->ask_cnt, asks, why);
}
#endif
