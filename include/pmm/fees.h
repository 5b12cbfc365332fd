/* pmm/fees.h -- what venues charge for a fill, with each venue's own rounding. Pure integer arithmetic.
   Sources: Kalshi fee schedule (Feb 2026) and rounding rule (28 May 2026); Polymarket fee page (Oct 2026);
   Degen reference section 4. See docs/venues.md. */
#ifndef PMM_FEES_H
#define PMM_FEES_H
#include "pmm/types.h"

typedef enum pmm_fee_model {
  PMM_FEE_NONE = 0,
  PMM_FEE_KALSHI,     /* raw = M k C P (1-P); up to 1e-6, then the account's precision, remainder accumulated per order */
  PMM_FEE_KALSHI_CENT_TABLE, /* the public table before 28 May 2026: ceil(raw) to the cent, for old data */
  PMM_FEE_POLYMARKET, /* taker only: C rate (P(1-P))^exponent, half up at 5 decimals, below 1e-5 nothing */
  PMM_FEE_BPS         /* Degen: bps of notional of the outcome traded, up to 1e-4 dollars */
} pmm_fee_model_t;

typedef struct pmm_fee_schedule {
  uint8_t model;         /* pmm_fee_model_t */
  uint8_t exponent;      /* Polymarket; 1 in practice, 0 .. 4 */
  int32_t taker_rate_e6; /* Kalshi k x M, Polymarket rate, or bps x 100 (1 bp = 100) : all are rate x 1e6 */
  int32_t maker_rate_e6;
  int32_t precision_e6;  /* Kalshi account precision u: 100 (direct member), 10 000 (cents), 0: no rounding past 1e-6 */
  int32_t rebate_share_e6; /* Polymarket: share of taker fees paid back to makers (reported, not booked per fill) */
} pmm_fee_schedule_t;

/* pmm_fee_acc_t: Kalshi's per-order accumulator of rounding; zero at the order's first fill. */
typedef struct pmm_fee_acc { int64_t rounding_e6; } pmm_fee_acc_t;

/* pmm_fee_charge gives the fee of one fill in cash_e6 (>= 0 for all present models).
   route     pmm_route_t. Kalshi rounds by its side in YES space; PMM_FEE_BPS takes the notional of the outcome it
             names (NO at 1-p); the others do not look
   price_e4  YES price 1..9999; qty_e6 > 0
   acc       the order's accumulator, updated by PMM_FEE_KALSHI; may be NULL for a single-fill question */
int64_t pmm_fee_charge(const pmm_fee_schedule_t *fees, bool maker, int route, int32_t price_e4, int64_t qty_e6,
                       pmm_fee_acc_t *acc);
/* pmm_fee_bound: an upper bound of what an order of this size could be charged at price_e4, maker or taker, either
   route, over any splitting into at most `fill_cnt_max` fills; for pre-trade cash checks. A fill at a better price
   can be charged more, but saves more than that: notional plus bound at the limit price covers it. */
int64_t pmm_fee_bound(const pmm_fee_schedule_t *fees, int32_t price_e4, int64_t qty_e6, int fill_cnt_max);

/* raw_e12 is rounded up. balance_change = revenue - trade_fee - rounding_fee, before the rebate; fee is after it. */
typedef struct pmm_fee_detail { int64_t raw_e12, trade_fee_e6, revenue_e6, balance_change_e6, rounding_fee_e6, rebate_e6, fee_e6; } pmm_fee_detail_t;
/* pmm_fee_kalshi_detail exposes each step of Kalshi's rule (venue vectors check it). */
pmm_fee_detail_t pmm_fee_kalshi_detail(const pmm_fee_schedule_t *fees, bool maker, pmm_side_t side, int32_t price_e4,
                                       int64_t qty_e6, pmm_fee_acc_t *acc);
#endif
