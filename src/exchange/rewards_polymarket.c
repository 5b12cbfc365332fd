/* Polymarket's liquidity rewards. Per sample and maker
       Q_one = sum S(v,s) size over bids on YES (bids on YES and asks on NO of the venue's two books are one side of ours),
       Q_two = the same over asks,
       Q_min = f(Q_one, Q_two), f(a,b) = max(min(a,b), max(a,b)/c) with the midpoint in [0.10, 0.90], else min(a,b),
   and a maker's share is Q_min over the sum of all makers' Q_min. The book tells A and B, the others' Q_one and Q_two in sum, but not
   who they are, so F = sum_i f(a_i, b_i) over a division of (A, B) among any number of makers is known only within bounds.

   f is positively homogeneous: f(ka, kb) = k f(a, b). The least F over all divisions is therefore the lower convex envelope of f at
   (A, B), the greatest its upper concave one, and both are reached by two makers at most. On the segment a = t, b = 1 - t:
     central. g(t) = f(t, 1-t) falls on [0, 1/(c+1)] from 1/c to 1/(c+1) along (1-t)/c, rises to 1/2 at t = 1/2 along t, and is
       symmetric. It is convex on each half, so for c >= 2 its upper envelope is the two chords from (0, 1/c) over (1/2, 1/2) to (1, 1/c):
       at (A, B) that is min(A,B) + |A-B|/c (one maker with the two-sided part, one with what is left over); for c < 2 it is the chord
       between the ends, (A+B)/c (one maker for each side). The lower envelope follows g outside [1/(c+1), c/(c+1)] and is the constant
       1/(c+1) between: max(A,B)/c where B > cA or A > cB, else (A+B)/(c+1) (two makers, each c times as deep on one side as on the
       other).
     elsewhere. min is concave: one maker of all gives the greatest F, min(A,B); makers of one side each give 0. */
#include "exchange/rewards_impl.h"

double pmm_rewards_spread_score(double max_spread, double distance) {
  if (!(distance < max_spread)) return 0;
  double const near = (max_spread - distance) / max_spread;
  return near * near;
}

static double least(double a, double b) { return a < b ? a : b; }
static double most(double a, double b) { return a < b ? b : a; }

double pmm_rewards_min_score(double q_one, double q_two, double c, bool central) {
  double const both = least(q_one, q_two);
  return central ? most(both, most(q_one, q_two) / c) : both;
}

void pmm_rewards_competition(double q_one, double q_two, double c, bool central, double *low, double *high) {
  double const both = least(q_one, q_two), deep = most(q_one, q_two);
  *low = !central ? 0 : deep <= c * both ? (q_one + q_two) / (c + 1) : deep / c;
  *high = !central ? both : c < 2 ? (q_one + q_two) / c : both + (deep - both) / c;
}

/* The best price of a side that shows min_size; 0: none. */
static int32_t sized_best(const pmm_ladder_t *others, const pmm_sim_order_t *own, size_t own_cnt, pmm_side_t side, int64_t min_size_e6) {
  pmm__walk_t walk = {.others = others, .own = own, .own_cnt = own_cnt, .side = side};
  pmm__level_t level;
  while (pmm__walk_next(&walk, &level))
    if (level.others_e6 + level.own_e6 >= min_size_e6) return level.price_e4;
  return 0;
}

pmm_status_t pmm_rewards_midpoint(const pmm_ladder_t *others, const pmm_sim_order_t *own, size_t own_cnt, int64_t min_size_e6, int32_t *twice_e4) {
  int32_t const bid = sized_best(others, own, own_cnt, PMM_BID, min_size_e6), ask = sized_best(others, own, own_cnt, PMM_ASK, min_size_e6);
  if (bid == 0 || ask == 0 || bid > ask) return PMM_NOT_READY;
  *twice_e4 = bid + ask;
  return PMM_OK;
}

/* S of a price: distances doubled, as the midpoint is. */
static double score_at(const pmm_rewards_params_t *p, int32_t twice_e4, int32_t price_e4) {
  int32_t const away = 2 * price_e4 - twice_e4;
  return pmm_rewards_spread_score(2 * p->max_spread_e4, away < 0 ? -away : away);
}

static double contracts(int64_t qty_e6) { return (double)qty_e6 / PMM_ONE_E6; }

/* Recorded levels below min_size hold no order that scores; of larger ones every contract is taken to. */
static double others_score(const pmm_rewards_params_t *p, const pmm_ladder_t *others, pmm_side_t side, int32_t twice_e4) {
  double sum = 0;
  pmm__walk_t walk = {.others = others, .side = side};
  for (pmm__level_t level; pmm__walk_next(&walk, &level);) {
    double const s = score_at(p, twice_e4, level.price_e4);
    if (level.others_e6 >= p->min_size_e6) sum += s * contracts(level.others_e6);
    if (s == 0 && pmm__is_better(side, twice_e4 / 2, level.price_e4)) break; /* it only gets further */
  }
  return sum;
}

static double own_score(const pmm_rewards_params_t *p, const pmm_sim_order_t *own, size_t own_cnt, pmm_side_t side, int32_t twice_e4, int64_t now_ns) {
  double sum = 0;
  for (size_t i = 0; i < own_cnt; i++)
    if (own[i].side == side && own[i].open_e6 >= p->min_size_e6 && now_ns - own[i].placed_ns >= p->order_age_ns)
      sum += score_at(p, twice_e4, own[i].price_e4) * contracts(own[i].open_e6);
  return sum;
}

void pmm__polymarket_share(const pmm_rewards_params_t *p, const pmm_ladder_t *others, const pmm_sim_order_t *own, size_t own_cnt, int64_t now_ns,
                           pmm_rewards_share_t *out) {
  *out = (pmm_rewards_share_t){0};
  int32_t twice_e4;
  if (pmm_rewards_midpoint(others, own, own_cnt, p->min_size_e6, &twice_e4) != PMM_OK) return;
  bool const central = twice_e4 >= 2000 && twice_e4 <= 18000;
  double low, high;
  pmm_rewards_competition(others_score(p, others, PMM_BID, twice_e4), others_score(p, others, PMM_ASK, twice_e4), p->one_sided, central, &low, &high);
  double const ours = pmm_rewards_min_score(own_score(p, own, own_cnt, PMM_BID, twice_e4, now_ns), own_score(p, own, own_cnt, PMM_ASK, twice_e4, now_ns),
                                            p->one_sided, central);
  out->must_score = ours + low > 0;
  out->may_score = ours + high > 0;
  if (ours > 0) *out = (pmm_rewards_share_t){.low = ours / (ours + high), .high = ours / (ours + low), .must_score = true, .may_score = true};
}
