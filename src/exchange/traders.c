/* Synthetic traders: they make a market's life, not a theory of it. Each acts at the times of a Poisson process of its own, from a
   random stream of its own, so that one more trader does not change what the others draw.
     noise      half of its actions take up to two ticks past the touch, half rest a random number of ticks behind the mid
     informed   knows the truth and takes when the book is an edge away from it
     momentum   takes in the direction in which the mid moved since it last looked
     reference  quotes both sides of the truth as it was a delay ago, so that there is always something to trade with */
#include <assert.h>
#include "exchange/match_impl.h"
#include "exchange/row.h"
#include "exchange/traders_impl.h"

#define ROW(type_, field, name_, def_, min_, max_, unit_, help_) PMM__ROW(pmm_traders_params_t, type_, field, name_, def_, min_, max_, unit_, NULL, help_)
const pmm_param_t pmm_traders_param_table[] = {
  ROW(INT, noise, "noise", "20", 0, 1000, "", "traders without information"),
  ROW(INT, informed, "informed", "2", 0, 1000, "", "traders who know the truth"),
  ROW(INT, momentum, "momentum", "3", 0, 1000, "", "traders who follow the last move"),
  ROW(INT, reference, "reference", "2", 0, 1000, "", "market makers who follow a delayed truth"),
  ROW(F64, noise_rate, "noise_rate", "0.2", 0, 1000, "1/s", "actions a second of each"),
  ROW(F64, informed_rate, "informed_rate", "0.2", 0, 1000, "1/s", "actions a second of each"),
  ROW(F64, momentum_rate, "momentum_rate", "0.1", 0, 1000, "1/s", "actions a second of each"),
  ROW(F64, reference_rate, "reference_rate", "1", 0, 1000, "1/s", "actions a second of each"),
  ROW(F64, size_mean, "size_mean", "10", 0.000001, 1e6, "contracts", "mean order size, exponential"),
  ROW(F64, informed_edge, "informed_edge", "0.02", 0, 1, "dollars", "the informed trade when the book is this far from the truth"),
  ROW(F64, reference_half_spread, "reference_half_spread", "0.02", 0, 0.5, "dollars", "reference makers quote the truth less and plus this"),
  ROW(DURATION, reference_delay_ns, "reference_delay", "500ms", 0, 3600, "s", "how old the truth is that reference makers see"),
};
#undef ROW
const size_t pmm_traders_param_cnt = sizeof pmm_traders_param_table / sizeof pmm_traders_param_table[0];

#define NOISE_OFFSET_TICKS 8               /* resting noise lies up to this far behind the mid */
#define NOISE_LIFE_NS (60 * PMM_NS_PER_S)
#define HISTORY 256                        /* remembered truths, at least an eightieth of the delay apart */
#define EVENTS_OF_QUOTES 32                /* more than what replacing two post-only quotes can cause */

typedef enum kind { NOISE, INFORMED, MOMENTUM, REFERENCE } kind_t;
typedef struct quote { uint64_t id; int64_t open_e6; } quote_t; /* open 0: none */

typedef struct trader {
  kind_t kind;
  uint32_t account;
  int64_t next_ns;
  double rate;      /* actions a nanosecond */
  double last_mid;  /* momentum; 0: not looked yet */
  uint64_t id;      /* last client order id */
  quote_t quote[2]; /* reference: its bid and ask */
  pmm_rng_t rng;
} trader_t;

typedef struct truth { int64_t at_ns; double p; } truth_t;

struct pmm_traders {
  pmm_traders_params_t params;
  pmm_match_t *match;
  pmm__submit_t submit; /* NULL: straight to the engine */
  void *submit_ctx;
  uint32_t market, trader_cnt;
  trader_t *trader;
  truth_t history[HISTORY];
  uint64_t history_cnt;
};

/* ---- construction ---- */

static int64_t wait_of(trader_t *t) {
  if (t->rate <= 0) return PMM_NS_MAX / 2;
  double const ns = pmm_rng_exponential(&t->rng, t->rate);
  return ns < 1e18 ? (int64_t)ns + 1 : PMM_NS_MAX / 2;
}

static bool is_sane(const pmm_traders_params_t *p) {
  if (p->noise < 0 || p->informed < 0 || p->momentum < 0 || p->reference < 0) return false;
  if (!(p->noise_rate >= 0) || !(p->informed_rate >= 0) || !(p->momentum_rate >= 0) || !(p->reference_rate >= 0)) return false;
  return p->size_mean > 0 && p->informed_edge >= 0 && p->reference_half_spread >= 0 && p->reference_delay_ns >= 0;
}

pmm_status_t pmm_traders_init(pmm_traders_t **out, pmm_arena_t *arena, const pmm_traders_params_t *params, pmm_match_t *match, uint32_t market, int64_t start_ns, uint64_t seed) {
  if (!is_sane(params) || market >= match->market_cnt) return PMM_INVAL;
  int64_t const cnt[] = {params->noise, params->informed, params->momentum, params->reference};
  double const rate[] = {params->noise_rate, params->informed_rate, params->momentum_rate, params->reference_rate};
  int64_t const all = cnt[0] + cnt[1] + cnt[2] + cnt[3];
  pmm_traders_t *const traders = PMM_ARENA_NEW(arena, pmm_traders_t, 1);
  trader_t *const trader = PMM_ARENA_NEW(arena, trader_t, all + 1);
  if (!traders || !trader || all > match->params.accounts_max - match->account_cnt) return PMM_FULL;
  *traders = (pmm_traders_t){.params = *params, .match = match, .market = market, .trader = trader, .trader_cnt = (uint32_t)all};
  pmm_rng_t root;
  pmm_rng_seed(&root, seed);
  uint32_t i = 0;
  for (int kind = NOISE; kind <= REFERENCE; kind++)
    for (int64_t k = 0; k < cnt[kind]; k++, i++) {
      trader[i] = (trader_t){.kind = (kind_t)kind, .rate = rate[kind] / 1e9, .rng = pmm_rng_fork(&root, (uint64_t)kind << 32 | (uint64_t)k)};
      trader[i].next_ns = trader[i].rate > 0 ? start_ns + wait_of(&trader[i]) : PMM_NS_MAX;
      pmm_status_t const st = pmm_match_account(match, PMM_TRADER_CASH_E6, &trader[i].account);
      assert(st == PMM_OK);
      (void)st;
    }
  *out = traders;
  return PMM_OK;
}

/* ---- orders ---- */

static int64_t draw_size(const pmm_traders_t *s, trader_t *t) {
  const pmm_market_t *const market = pmm_match_market(s->match, s->market);
  int64_t const qty = (int64_t)(pmm_rng_exponential(&t->rng, 1 / s->params.size_mean) * PMM_ONE_E6);
  return pmm_max64(pmm_floor_to_lot(qty, market->lot_e6), market->min_size_e6);
}

/* Sells what is held before it buys the opposite. */
static pmm_route_t route_for(const pmm_traders_t *s, const trader_t *t, pmm_side_t side, int64_t qty_e6) {
  const pmm__holding_t *const h = pmm__match_holding(s->match, t->account, s->market);
  if (side == PMM_BID) return h->no_e6 - h->no_locked_e6 - h->no_unsettled_e6 >= qty_e6 ? PMM_SELL_NO : PMM_BUY_YES;
  return h->yes_e6 - h->yes_locked_e6 - h->yes_unsettled_e6 >= qty_e6 ? PMM_SELL_YES : PMM_BUY_NO;
}

void pmm__traders_route(pmm_traders_t *s, pmm__submit_t submit, void *ctx) {
  s->submit = submit;
  s->submit_ctx = ctx;
}

static void submit_to(pmm_traders_t *s, const trader_t *t, const pmm_action_t *a) {
  if (s->submit) s->submit(s->submit_ctx, t->account, t->next_ns, a);
  else pmm_match_submit(s->match, t->account, t->next_ns, a);
}

static void send(pmm_traders_t *s, trader_t *t, pmm_side_t side, int32_t price_e4, int64_t qty_e6, pmm_tif_t tif, uint8_t flags) {
  pmm_action_t const a = {.at_ns = t->next_ns, .order_id = ++t->id, .qty_e6 = qty_e6, .expire_ns = t->next_ns + NOISE_LIFE_NS, .price_e4 = price_e4, .market = s->market,
                          .kind = PMM_ACT_PLACE, .route = (uint8_t)route_for(s, t, side, qty_e6), .tif = (uint8_t)tif, .flags = flags};
  submit_to(s, t, &a);
}

/* Takes up to the limit, if the limit is a price. */
static void take(pmm_traders_t *s, trader_t *t, pmm_side_t side, int32_t limit_e4) {
  if (limit_e4 != PMM_TICKS_NONE) send(s, t, side, limit_e4, draw_size(s, t), PMM_IOC, 0);
}

/* A price some steps past another, staying on the grid. */
static int32_t steps_from(const pmm_grid_t *grid, int32_t price_e4, int steps) {
  int32_t at = price_e4;
  for (int k = 0; k < steps || k < -steps; k++) {
    int32_t const next = steps > 0 ? pmm_grid_up(grid, at) : pmm_grid_down(grid, at);
    if (next == PMM_TICKS_NONE) break;
    at = next;
  }
  return at;
}

static double mid_of(const pmm_traders_t *s) {
  double mid;
  return pmm_ladder_mid(pmm_match_ladder(s->match, s->market), &mid) == PMM_OK ? mid : 0.5;
}

/* ---- what each kind does ---- */

static void act_noise(pmm_traders_t *s, trader_t *t) {
  const pmm_ladder_t *const ladder = pmm_match_ladder(s->match, s->market);
  const pmm_grid_t *const grid = &pmm_match_market(s->match, s->market)->grid;
  bool const takes = pmm_rng_unit(&t->rng) < 0.5;
  pmm_side_t const side = pmm_rng_unit(&t->rng) < 0.5 ? PMM_BID : PMM_ASK;
  int const sign = pmm_side_sign(side);
  if (takes) {
    int32_t const touch_e4 = pmm_ladder_best_e4(ladder, pmm_side_opposite(side));
    if (touch_e4 != 0) take(s, t, side, steps_from(grid, touch_e4, 2 * sign));
    return;
  }
  int const offset = 1 + (int)pmm_rng_below(&t->rng, NOISE_OFFSET_TICKS);
  double const mid = mid_of(s);
  int32_t const near_e4 = side == PMM_BID ? pmm_grid_floor(grid, mid) : pmm_grid_ceil(grid, mid);
  if (near_e4 != PMM_TICKS_NONE) send(s, t, side, steps_from(grid, near_e4, -offset * sign), draw_size(s, t), PMM_GTD, 0);
}

static void act_informed(pmm_traders_t *s, trader_t *t, double truth) {
  const pmm_ladder_t *const ladder = pmm_match_ladder(s->match, s->market);
  const pmm_grid_t *const grid = &pmm_match_market(s->match, s->market)->grid;
  int32_t const bid_e4 = pmm_ladder_best_e4(ladder, PMM_BID), ask_e4 = pmm_ladder_best_e4(ladder, PMM_ASK);
  double const edge = s->params.informed_edge;
  if (ask_e4 != 0 && ask_e4 < (truth - edge) * PMM_ONE_E4) take(s, t, PMM_BID, pmm_grid_floor(grid, truth - edge));
  else if (bid_e4 != 0 && bid_e4 > (truth + edge) * PMM_ONE_E4) take(s, t, PMM_ASK, pmm_grid_ceil(grid, truth + edge));
}

static void act_momentum(pmm_traders_t *s, trader_t *t) {
  const pmm_ladder_t *const ladder = pmm_match_ladder(s->match, s->market);
  const pmm_grid_t *const grid = &pmm_match_market(s->match, s->market)->grid;
  double mid;
  if (pmm_ladder_mid(ladder, &mid) != PMM_OK) return;
  double const moved = (mid - t->last_mid) * PMM_ONE_E4;
  bool const looked = t->last_mid > 0;
  t->last_mid = mid;
  if (!looked || (moved < grid->tick_e4 && moved > -grid->tick_e4)) return;
  pmm_side_t const side = moved > 0 ? PMM_BID : PMM_ASK;
  take(s, t, side, steps_from(grid, pmm_ladder_best_e4(ladder, pmm_side_opposite(side)), pmm_side_sign(side)));
}

static double truth_before(const pmm_traders_t *s, int64_t at_ns) {
  uint64_t const oldest = s->history_cnt > HISTORY ? s->history_cnt - HISTORY : 0;
  uint64_t k = s->history_cnt - 1;
  while (k > oldest && s->history[k % HISTORY].at_ns > at_ns) k--;
  return s->history[k % HISTORY].p;
}

static void requote(pmm_traders_t *s, trader_t *t, pmm_side_t side, int32_t price_e4) {
  quote_t *const quote = &t->quote[side];
  if (quote->open_e6 > 0) {
    pmm_action_t const a = {.at_ns = t->next_ns, .order_id = quote->id, .market = s->market, .kind = PMM_ACT_CANCEL};
    submit_to(s, t, &a);
    quote->open_e6 = 0;
  }
  if (price_e4 == PMM_TICKS_NONE) return;
  int64_t const qty = draw_size(s, t);
  *quote = (quote_t){.id = t->id + 1, .open_e6 = qty}; /* before it is sent: its refusal may be told at once */
  send(s, t, side, price_e4, qty, PMM_GTC, PMM_ACT_POST_ONLY);
}

static void act_reference(pmm_traders_t *s, trader_t *t) {
  const pmm_grid_t *const grid = &pmm_match_market(s->match, s->market)->grid;
  double const fair = truth_before(s, t->next_ns - s->params.reference_delay_ns), half = s->params.reference_half_spread;
  requote(s, t, PMM_BID, pmm_grid_floor(grid, fair - half));
  requote(s, t, PMM_ASK, pmm_grid_ceil(grid, fair + half));
}

/* ---- time ---- */

static trader_t *next_trader(const pmm_traders_t *s) {
  trader_t *best = NULL;
  for (uint32_t i = 0; i < s->trader_cnt; i++)
    if (!best || s->trader[i].next_ns < best->next_ns) best = &s->trader[i];
  return best && best->next_ns != PMM_NS_MAX ? best : NULL;
}

int64_t pmm_traders_next_ns(const pmm_traders_t *s) {
  const trader_t *const t = next_trader(s);
  return t ? t->next_ns : PMM_NS_MAX;
}

static void remember(pmm_traders_t *s, int64_t now_ns, double p) {
  int64_t const apart = s->params.reference_delay_ns / 80;
  if (s->history_cnt > 0 && now_ns - s->history[(s->history_cnt - 1) % HISTORY].at_ns < pmm_max64(apart, 1)) return;
  s->history[s->history_cnt++ % HISTORY] = (truth_t){.at_ns = now_ns, .p = p};
}

void pmm_traders_step(pmm_traders_t *s, int64_t now_ns, double true_p) {
  remember(s, now_ns, true_p);
  for (trader_t *t = next_trader(s); t && t->next_ns <= now_ns; t = next_trader(s)) {
    if (pmm__match_room(s->match) < pmm__match_worst(s->match) + EVENTS_OF_QUOTES) return;
    switch (t->kind) {
    case NOISE: act_noise(s, t); break;
    case INFORMED: act_informed(s, t, true_p); break;
    case MOMENTUM: act_momentum(s, t); break;
    case REFERENCE: act_reference(s, t); break;
    }
    int64_t const wait = wait_of(t);
    t->next_ns = wait < PMM_NS_MAX / 2 ? t->next_ns + wait : PMM_NS_MAX;
  }
}

void pmm_traders_on_event(pmm_traders_t *s, uint32_t account, const pmm_event_t *event) {
  if (s->trader_cnt == 0 || account - s->trader[0].account >= s->trader_cnt) return; /* accounts were opened in one row */
  trader_t *const t = &s->trader[account - s->trader[0].account];
  for (int side = PMM_BID; side <= PMM_ASK; side++) {
    if (t->quote[side].id != event->order_id) continue;
    if (event->md.kind == PMM_EV_FILL) t->quote[side].open_e6 -= event->md.qty_e6;
    if (event->md.kind == PMM_EV_CANCELLED || event->md.kind == PMM_EV_EXPIRED || event->md.kind == PMM_EV_REJECT) t->quote[side].open_e6 = 0;
  }
}
