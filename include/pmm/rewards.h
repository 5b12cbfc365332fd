/* pmm/rewards.h -- what a venue pays for quoting: liquidity rewards by the venues' published formulas, and maker rebates.
   Sources: Polymarket's liquidity rewards and maker rebates pages (Oct 2026), Kalshi's liquidity incentive programme (text of 15 Sept
   2025 to 1 Sept 2026); rulings where they are silent: docs/backtest.md, "Rewards and rebates".

   A recorded book holds everybody else, added up by price. What a formula asks of each maker by itself is therefore known only
   within bounds, and every reward here is an interval [low, high]. Scores are doubles (contracts, weighted), computed in a fixed
   order from +, -, x and / alone, so they repeat to the bit; money is cash_e6. Single-threaded; nothing is allocated after init. */
#ifndef PMM_REWARDS_H
#define PMM_REWARDS_H
#include "pmm/exchange.h"

typedef enum pmm_rewards_model { PMM_REWARDS_NONE, PMM_REWARDS_POLYMARKET, PMM_REWARDS_KALSHI } pmm_rewards_model_t;

typedef struct pmm_rewards_params {
  int32_t model;            /* pmm_rewards_model_t; rebates follow each market's fee schedule whatever the model */
  int64_t pool_e6;          /* dollars per market and period, shared by all makers */
  int64_t period_ns;        /* what the pool is for; epochs of rewards begin at its multiples in UTC */
  int64_t every_ns;         /* one sample at a random moment of each interval of this length; 0: 1 min Polymarket, 1 s Kalshi */
  int64_t min_payout_e6;    /* an epoch that earns less pays nothing */
  int32_t max_spread_e4;    /* Polymarket: orders further than this from the midpoint score nothing */
  int64_t min_size_e6;      /* Polymarket: smaller orders score nothing; smaller levels do not make the midpoint */
  double one_sided;         /* Polymarket: c, by which one-sided depth is divided */
  int64_t order_age_ns;     /* Polymarket: younger orders score nothing ("moas") */
  int64_t target_e6;        /* Kalshi: contracts from the best price on that qualify */
  double discount;          /* Kalshi: factor of the score for each step from the best price */
  int32_t step_e4;          /* Kalshi: what a step is; a part of one does not count */
} pmm_rewards_params_t;
extern const pmm_param_t pmm_rewards_param_table[];
extern const size_t pmm_rewards_param_cnt;

/* -- Polymarket, piece by piece -------------------------------------------------------------------------------------- */
/* S(v, s) = ((v - s)/v)^2, 0 from s = v on; v > 0 and s >= 0 in any one unit. (The venue's in-game factor b is the same for every
   order of a sample and falls out of the shares.) */
double pmm_rewards_spread_score(double max_spread, double distance);
/* Q_min of one maker: central (midpoint in [0.10, 0.90]) max(min(one, two), max(one, two)/c), else min(one, two). */
double pmm_rewards_min_score(double q_one, double q_two, double c, bool central);
/* The sum of Q_min over any number of makers whose scores add up to (q_one, q_two) lies in [*low, *high], and both ends can happen.
   c >= 1. Proof: rewards_polymarket.c. */
void pmm_rewards_competition(double q_one, double q_two, double c, bool central, double *low, double *high);
/* The size-cutoff-adjusted midpoint: between the best levels that show at least min_size, ours included. *twice_e4 is bid + ask, twice
   the midpoint, so that it stays an integer. PMM_NOT_READY without such a level on a side, or when they cross. */
pmm_status_t pmm_rewards_midpoint(const pmm_ladder_t *others, const pmm_sim_order_t *own, size_t own_cnt, int64_t min_size_e6, int32_t *twice_e4);

/* -- Kalshi ---------------------------------------------------------------------------------------------------------- */
/* One side of a snapshot. From the best price on, levels qualify until their sizes reach the target; score = size x discount^steps.
   Whether the level that reaches it counts whole or is cut, and who in it is cut, is not published: share is an interval over the
   three readings (whole; cut, we stand first; cut, we stand last). total, own: of the reading "whole". */
typedef struct pmm_rewards_side { bool reached; /* the target */ double own, total, share_low, share_high; } pmm_rewards_side_t;
void pmm_rewards_kalshi_side(const pmm_rewards_params_t *params, const pmm_ladder_t *others, const pmm_sim_order_t *own, size_t own_cnt, pmm_side_t side,
                             pmm_rewards_side_t *out);

/* -- one sample, either venue ---------------------------------------------------------------------------------------- */
/* Our share of one sample's pool, in [0, 1], and whether anybody must or may have scored in it: samples without a score give their
   part of the pool to the others. */
typedef struct pmm_rewards_share { double low, high; bool must_score, may_score; } pmm_rewards_share_t;
void pmm_rewards_share(const pmm_rewards_params_t *params, const pmm_ladder_t *others, const pmm_sim_order_t *own, size_t own_cnt, int64_t now_ns,
                       pmm_rewards_share_t *out);

/* For choosing markets: dollars a day that quoting qty on both sides at distance_e4 from the book's midpoint would earn in this book,
   were it to stay as it is; before minimum payouts. Prices are rounded outward to the ladder's ticks. PMM_NOT_READY without a midpoint,
   PMM_INVAL (distance < 0, qty <= 0, a price outside (0, 1), a quote that would cross, no model). */
pmm_status_t pmm_rewards_quote_score(const pmm_rewards_params_t *params, const pmm_ladder_t *others, int32_t distance_e4, int64_t qty_e6, double *low_per_day,
                                     double *high_per_day);

/* -- accrual over a run ---------------------------------------------------------------------------------------------- */
#define PMM_REWARDS_ORDERS_MAX 512 /* of ours in one market; more are not seen */
typedef struct pmm_rewards pmm_rewards_t;
size_t pmm_rewards_bytes(uint32_t market_cnt); /* arena bytes that init takes at most */
/* markets, ladders: those of the simulator, borrowed. PMM_INVAL (parameters), PMM_FULL (arena). */
pmm_status_t pmm_rewards_init(pmm_rewards_t **rewards, pmm_arena_t *arena, const pmm_rewards_params_t *params, pmm_market_t *const *markets,
                              pmm_ladder_t *const *ladders, uint32_t market_cnt, uint64_t seed);
/* When the next sample is due: call pmm_rewards_sample with that time, before anything later happens to the books. INT64_MIN before the
   first call, which only starts the clock; PMM_NS_MAX without a model. The moment within an interval depends on the seed and the
   interval alone. */
int64_t pmm_rewards_next(const pmm_rewards_t *rewards);
void pmm_rewards_sample(pmm_rewards_t *rewards, int64_t now_ns, const pmm_sim_t *sim); /* every open market; now_ns never goes back */
/* A fill of ours. As a maker it earns rebate_share of its fee-equivalent (what a taker would have been charged for it): the makers'
   fee-equivalents of a market add up to its taker fees, of which the pool is that share. now_ns never goes back. */
void pmm_rewards_fill(pmm_rewards_t *rewards, int64_t now_ns, uint32_t market, bool maker, int32_t price_e4, int64_t qty_e6);
/* What was paid, with the epochs now open as if they ended here. Polymarket pays a day's rewards over all markets together, to 1e-6
   dollars; Kalshi each market by itself, rounded down to the cent; both only from min_payout on. Rebates: per UTC day, over all
   markets, from one dollar on. samples: of one market each. Any pointer may be NULL. */
void pmm_rewards_total(const pmm_rewards_t *rewards, int64_t *low_e6, int64_t *high_e6, int64_t *rebates_e6, uint64_t *samples);
#endif
