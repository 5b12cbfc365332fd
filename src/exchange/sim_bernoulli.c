/* Fills by chance, for recordings that hold prices but no book. */
#include <math.h>
#include "exchange/sim_impl.h"
#include "pmm/fmath.h"

bool pmm_fill_is_bernoulli(int32_t fill_model, const pmm_market_t *market) {
  if (fill_model != PMM_FILL_AUTO) return fill_model == PMM_FILL_BERNOULLI;
  return (market->data & PMM_DATA_PRICE) && !(market->data & (PMM_DATA_DEPTH | PMM_DATA_TOP));
}

/* The price now in dollars: the last one told or, where there is a book, its middle. NaN: none. */
static double price_now(const pmm_sim_t *sim, uint32_t market) {
  const pmm__sim_market_t *const m = &sim->state[market];
  if (m->bookless) return m->price_e4 >= 0 ? (double)m->price_e4 / PMM_ONE_E4 : NAN;
  const pmm_ladder_t *const ladder = sim->ladder[market];
  int32_t const bid_e4 = pmm_ladder_best_e4(ladder, PMM_BID), ask_e4 = pmm_ladder_best_e4(ladder, PMM_ASK);
  return bid_e4 && ask_e4 ? (double)(bid_e4 + ask_e4) / (2.0 * PMM_ONE_E4) : NAN;
}

int32_t pmm__sim_quoted(const pmm_sim_t *sim, uint32_t market, uint8_t side) {
  const pmm_grid_t *const grid = &sim->market[market]->grid;
  double const price = price_now(sim, market), half = sim->params.bernoulli_half_spread;
  return side == PMM_BID ? pmm_grid_floor(grid, price - half) : pmm_grid_ceil(grid, price + half); /* outward: to our loss */
}

static bool is_filled(pmm_sim_t *sim, int64_t now_ns, const pmm__rest_t *o, int64_t looked_ns, double price) {
  double const limit = (double)o->price_e4 / PMM_ONE_E4, distance = o->side == PMM_BID ? price - limit : limit - price;
  int64_t const exposed_ns = pmm_min64(now_ns - pmm_max64(looked_ns, o->placed_ns), sim->params.bernoulli_max_dt_ns);
  double const intensity = sim->params.bernoulli_rate * pmm_exp(-sim->params.bernoulli_decay * distance);
  double const draw = pmm_rng_unit(&sim->fill_rng); /* drawn even where the outcome is certain: what comes later stays the same */
  return distance < 0 || draw < -pmm_expm1(-intensity * (double)exposed_ns / (double)PMM_NS_PER_S);
}

void pmm__sim_chance(pmm_sim_t *sim, int64_t now_ns, uint32_t market) {
  pmm__sim_market_t *const m = &sim->state[market];
  int64_t const looked_ns = m->looked_ns;
  m->looked_ns = now_ns;
  double const price = price_now(sim, market);
  if (isnan(price) || !pmm__sim_trades(sim, market)) return;
  for (int side = PMM_BID; side <= PMM_ASK; side++)
    for (uint32_t i = m->head[side], next; i != PMM__NIL; i = next) {
      pmm__rest_t *const o = &sim->order[i];
      next = o->next;
      if (!is_filled(sim, now_ns, o, looked_ns, price)) continue;
      sim->stats.bernoulli_fills++;
      sim->stats.bernoulli_e6 += o->open_e6;
      pmm__sim_fill(sim, now_ns, o, o->price_e4, o->open_e6, PMM_F_MAKER);
    }
}
