/* tests/exchange/sim_rig.h -- one market, its recorded book and the fill simulator; what came of each record or request. */
#ifndef SIM_RIG_H
#define SIM_RIG_H
#include "rig.h"
#include "pmm/grid.h"

typedef struct rig {
  pmm_arena_t arena;
  pmm_market_t market, *markets[1];
  pmm_ladder_t ladder, *ladders[1];
  pmm_sim_params_t params;
  pmm_sim_t *sim;
  int64_t now;
  pmm_event_t log[256];
  size_t log_cnt;
} rig_t;

static inline void setup(rig_t *r) { /* parameters at their defaults, a book not yet there; change r->params or r->market, then start */
  memset(r, 0, sizeof *r);
  pmm_params_default(pmm_sim_param_table, pmm_sim_param_cnt, &r->params);
  r->params.print_lag_ns = 0;
  pmm_market_init(&r->market, "m");
  r->market.venue = PMM_VENUE_DEGEN; /* pairs are netted, sales must be covered */
  r->market.data = PMM_DATA_DEPTH | PMM_DATA_TRADES;
  r->now = 1000;
}

static inline void start(rig_t *r) {
  r->markets[0] = &r->market;
  r->ladders[0] = &r->ladder;
  assert_int_equal(pmm_arena_open(&r->arena, pmm_sim_bytes(1, 32) + pmm_ladder_bytes(10000)), PMM_OK);
  assert_int_equal(pmm_ladder_init(&r->ladder, &r->arena, 100, 10000), PMM_OK);
  assert_int_equal(pmm_sim_init(&r->sim, &r->arena, &r->params, r->markets, r->ladders, 1, 32, 1000 * ONE), PMM_OK);
}

static inline void stop(rig_t *r) { pmm_arena_close(&r->arena); }

static inline void drain(rig_t *r) {
  r->log_cnt = 0;
  while (pmm_sim_poll(r->sim, &r->log[r->log_cnt])) assert_true(++r->log_cnt < CNT(r->log));
}

static inline void feed(rig_t *r, pmm_md_t md) {
  int64_t old;
  md.recv_ns = md.exch_ns = ++r->now;
  assert_int_equal(pmm_book_apply(&r->ladder, &r->market.grid, &md, &old), PMM_OK);
  if (md.kind == PMM_MD_STATUS) r->market.life = md.aux;
  pmm_sim_on_md_fast(r->sim, r->now, &md);
  drain(r);
}
static inline void level(rig_t *r, pmm_side_t side, int32_t price, double qty) { feed(r, md_level(0, side, price, (int64_t)(qty * 1e6), PMM_F_LAST)); }
static inline void trade(rig_t *r, pmm_side_t taker, int32_t price, double qty) { feed(r, md_trade(0, taker, price, (int64_t)(qty * 1e6), PMM_F_LAST)); }
static inline void status(rig_t *r, pmm_life_t life, int64_t payout) {
  pmm_md_t md = md_plain(0, PMM_MD_STATUS, PMM_F_LAST);
  md.aux = (uint8_t)life;
  md.qty_e6 = payout;
  feed(r, md);
}

static inline void act(rig_t *r, pmm_action_t a) {
  pmm_sim_on_action(r->sim, ++r->now, &a);
  drain(r);
}
static inline void place(rig_t *r, uint64_t id, pmm_route_t route, int32_t price, double qty, pmm_tif_t tif, uint8_t flags) {
  act(r, act_place(0, id, route, price, (int64_t)(qty * 1e6), tif, flags));
}
static inline void bid(rig_t *r, uint64_t id, int32_t price, double qty) { place(r, id, PMM_BUY_YES, price, qty, PMM_GTC, PMM_ACT_POST_ONLY); }
static inline void ask(rig_t *r, uint64_t id, int32_t price, double qty) { place(r, id, PMM_BUY_NO, price, qty, PMM_GTC, PMM_ACT_POST_ONLY); }

static inline double ahead(const rig_t *r, uint64_t id) {
  int64_t const a = pmm_sim_ahead(r->sim, id);
  return a < 0 ? -1 : (double)a / 1e6;
}
/* The only event so far is this one. */
static inline void expect(const rig_t *r, pmm_kind_t kind, uint64_t id, int32_t price, double qty) {
  if (r->log_cnt != 1) fail_msg("%zu events, expected one %s", r->log_cnt, kind_name((uint8_t)kind));
  if (r->log[0].md.kind != kind) fail_msg("%s %d, expected %s", kind_name(r->log[0].md.kind), r->log[0].md.aux, kind_name((uint8_t)kind));
  assert_int_equal(r->log[0].order_id, id);
  assert_int_equal(r->log[0].md.price_e4, price);
  assert_int_equal(r->log[0].md.qty_e6, (int64_t)(qty * 1e6 + 0.5));
}
static inline void expect_fill(const rig_t *r, uint64_t id, int32_t price, double qty) { expect(r, PMM_EV_FILL, id, price, qty); }
/* A fill, then the end of the order with the rest of what was asked for. */
static inline void expect_cut_fill(rig_t *r, uint64_t id, int32_t price, double filled, double cut) {
  assert_int_equal(r->log_cnt, 2);
  assert_int_equal(r->log[1].md.kind, PMM_EV_CANCELLED);
  assert_int_equal(r->log[1].md.qty_e6, (int64_t)(cut * 1e6));
  r->log_cnt = 1;
  expect(r, PMM_EV_FILL, id, price, filled);
}
static inline void expect_nothing(const rig_t *r) { if (r->log_cnt) fail_msg("unexpected %s", kind_name(r->log[0].md.kind)); }
static inline void expect_refusal(const rig_t *r, pmm_kind_t kind, pmm_reject_t why) {
  assert_int_equal(r->log_cnt, 1);
  assert_int_equal(r->log[0].md.kind, kind);
  if (r->log[0].md.aux != why) fail_msg("%s, expected %s", pmm_reject_to_string((pmm_reject_t)r->log[0].md.aux), pmm_reject_to_string(why));
}
#endif
