/* Kalshi's liquidity incentive: who stands within target contracts of the best price shares the snapshot, each side by itself. A NO bid
   is a YES ask, so the two sides are those of our book. Source: help page of the programme of 15 Sept 2025 to 1 Sept 2026. */
#include "exchange/rewards_impl.h"

/* One reading of the level that reaches the target. */
typedef struct tally { double own, total; } tally_t;

static double share_of(tally_t t) { return t.total > 0 ? t.own / t.total : 0; }

static void add(tally_t *t, double weight, int64_t own_e6, int64_t total_e6) {
  t->own += weight * ((double)own_e6 / PMM_ONE_E6);
  t->total += weight * ((double)total_e6 / PMM_ONE_E6);
}

static int32_t steps_between(const pmm_rewards_params_t *p, int32_t best_e4, int32_t price_e4) {
  return (best_e4 > price_e4 ? best_e4 - price_e4 : price_e4 - best_e4) / p->step_e4;
}

void pmm_rewards_kalshi_side(const pmm_rewards_params_t *p, const pmm_ladder_t *others, const pmm_sim_order_t *own, size_t own_cnt, pmm_side_t side,
                             pmm_rewards_side_t *out) {
  pmm__walk_t walk = {.others = others, .own = own, .own_cnt = own_cnt, .side = side};
  tally_t whole = {0}, first = {0}, last = {0}; /* cut, and we stand first or last in the level */
  int64_t left_e6 = p->target_e6;
  double weight = 1;
  int32_t best_e4 = 0, steps = 0;
  for (pmm__level_t level; left_e6 > 0 && pmm__walk_next(&walk, &level);) {
    if (best_e4 == 0) best_e4 = level.price_e4;
    for (int32_t const away = steps_between(p, best_e4, level.price_e4); steps < away; steps++) weight *= p->discount;
    int64_t const size_e6 = level.others_e6 + level.own_e6, cut_e6 = pmm_min64(size_e6, left_e6);
    add(&whole, weight, level.own_e6, size_e6);
    add(&first, weight, pmm_min64(level.own_e6, cut_e6), cut_e6);
    add(&last, weight, pmm_max64(cut_e6 - level.others_e6, 0), cut_e6);
    left_e6 -= cut_e6;
  }
  double const a = share_of(whole), b = share_of(first), c = share_of(last);
  *out = (pmm_rewards_side_t){.reached = left_e6 == 0, .own = whole.own, .total = whole.total,
                              .share_low = a < c ? a : c, .share_high = a < b ? b : a};
}

/* A snapshot counts when both sides reach the target (filing of 11 Feb 2026); it is worth 2, one for each side. */
void pmm__kalshi_share(const pmm_rewards_params_t *p, const pmm_ladder_t *others, const pmm_sim_order_t *own, size_t own_cnt, pmm_rewards_share_t *out) {
  pmm_rewards_side_t yes, no;
  pmm_rewards_kalshi_side(p, others, own, own_cnt, PMM_BID, &yes);
  pmm_rewards_kalshi_side(p, others, own, own_cnt, PMM_ASK, &no);
  bool const counts = yes.reached && no.reached;
  *out = (pmm_rewards_share_t){.must_score = counts, .may_score = counts};
  if (!counts) return;
  out->low = (yes.share_low + no.share_low) / 2;
  out->high = (yes.share_high + no.share_high) / 2;
}
