/* exchange/rewards_impl.h -- inside of rewards: the recorded book and our orders seen as one, level by level. */
#ifndef PMM_EXCHANGE_REWARDS_IMPL_H
#define PMM_EXCHANGE_REWARDS_IMPL_H
#include "pmm/rewards.h"

typedef struct pmm__level { int32_t price_e4; int64_t others_e6, own_e6; } pmm__level_t;
typedef struct pmm__walk {
  const pmm_ladder_t *others;
  const pmm_sim_order_t *own; size_t own_cnt;
  pmm_side_t side;
  int32_t at_e4; /* the level handed out last; 0: none yet */
} pmm__walk_t;

static inline bool pmm__is_better(pmm_side_t side, int32_t a_e4, int32_t b_e4) { return side == PMM_BID ? a_e4 > b_e4 : a_e4 < b_e4; }
/* The next level of a side, from the best; false at the end. */
bool pmm__walk_next(pmm__walk_t *walk, pmm__level_t *level);

void pmm__polymarket_share(const pmm_rewards_params_t *params, const pmm_ladder_t *others, const pmm_sim_order_t *own, size_t own_cnt, int64_t now_ns,
                           pmm_rewards_share_t *out);
void pmm__kalshi_share(const pmm_rewards_params_t *params, const pmm_ladder_t *others, const pmm_sim_order_t *own, size_t own_cnt, pmm_rewards_share_t *out);
#endif
