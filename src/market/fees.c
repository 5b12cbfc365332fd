#include "pmm/fees.h"
#include <assert.h>
#include "pmm/event.h"

#define ONE_E8 100000000
#define CENT_E6 10000
#define POLYMARKET_UNIT_E6 10 /* fees have 5 decimals */
#define BPS_UNIT_E6 100

/* Price x (1 - price), dollars squared x 10^8. */
static int64_t variance_e8(int32_t price_e4) { return (int64_t)price_e4 * (PMM_ONE_E4 - price_e4); }

static pmm_i128_t div_ceil(pmm_i128_t a, int64_t b) {
  pmm_i128_t const q = a / b;
  return q + (a - q * b > 0);
}

static int64_t floor_to(int64_t x, int64_t unit) {
  int64_t const r = x % unit;
  return x - (r < 0 ? r + unit : r);
}

static int64_t ceil_to(int64_t x, int64_t unit) { return -floor_to(-x, unit); }

/* Kalshi's M k C P (1-P) in dollars x 10^20: exact, below 2^108. */
static pmm_i128_t kalshi_raw_e20(int32_t rate_e6, int32_t price_e4, int64_t qty_e6) {
  return (pmm_i128_t)qty_e6 * rate_e6 * variance_e8(price_e4);
}

static int64_t kalshi_raw_ceil_e6(int32_t rate_e6, int32_t price_e4, int64_t qty_e6) {
  return (int64_t)div_ceil(kalshi_raw_e20(rate_e6, price_e4, qty_e6), INT64_C(100000000000000));
}

/* Source: docs.kalshi.com, fee rounding, since 28 May 2026. */
pmm_fee_detail_t pmm_fee_kalshi_detail(const pmm_fee_schedule_t *fees, bool maker, pmm_side_t side, int32_t price_e4,
                                       int64_t qty_e6, pmm_fee_acc_t *acc) {
  assert(price_e4 > 0 && price_e4 < PMM_ONE_E4);
  assert(qty_e6 > 0);
  int32_t const rate_e6 = maker ? fees->maker_rate_e6 : fees->taker_rate_e6;
  int64_t const unit = fees->precision_e6 > 0 ? fees->precision_e6 : 1;
  pmm_fee_acc_t fresh = {0};
  if (acc == NULL) acc = &fresh;
  pmm_fee_detail_t d;
  d.raw_e12 = (int64_t)div_ceil(kalshi_raw_e20(rate_e6, price_e4, qty_e6), ONE_E8);
  d.trade_fee_e6 = kalshi_raw_ceil_e6(rate_e6, price_e4, qty_e6);
  d.revenue_e6 = side == PMM_BID ? -pmm_notional_ceil(price_e4, qty_e6) : pmm_notional_floor(price_e4, qty_e6);
  d.balance_change_e6 = floor_to(d.revenue_e6 - d.trade_fee_e6, unit);
  d.rounding_fee_e6 = d.revenue_e6 - d.trade_fee_e6 - d.balance_change_e6;
  int64_t const before_rebate = d.trade_fee_e6 + d.rounding_fee_e6;
  acc->rounding_e6 += d.rounding_fee_e6;
  d.rebate_e6 = floor_to(pmm_min64(acc->rounding_e6, before_rebate), unit);
  acc->rounding_e6 -= d.rebate_e6;
  d.fee_e6 = before_rebate - d.rebate_e6;
  return d;
}

/* Unsigned 256-bit product, for a Polymarket exponent of up to 4. Least significant word first. */
typedef struct wide { uint64_t w[4]; } wide_t;

static void wide_mul(wide_t *a, uint64_t b) {
  unsigned __int128 carry = 0;
  for (int i = 0; i < 4; i++) {
    carry += (unsigned __int128)a->w[i] * b;
    a->w[i] = (uint64_t)carry;
    carry >>= 64;
  }
  assert(carry == 0);
}

static void wide_div(wide_t *a, uint64_t b) {
  unsigned __int128 rem = 0;
  for (int i = 3; i >= 0; i--) {
    rem = (rem << 64) | a->w[i];
    a->w[i] = (uint64_t)(rem / b);
    rem %= b;
  }
}

/* As polymarket_raw_half_e5 for an exponent of at most 1, which is what the venue uses: the product fits two words. */
static bool narrow_raw_half_e5(const pmm_fee_schedule_t *fees, int32_t price_e4, int64_t qty_e6, uint64_t *out) {
  uint64_t x;
  if (fees->exponent > 1 || __builtin_mul_overflow((uint64_t)qty_e6, (uint64_t)fees->taker_rate_e6 * 2, &x)) return false;
  if (fees->exponent == 0) *out = x / 10000000;
  else *out = (uint64_t)((unsigned __int128)x * (uint64_t)variance_e8(price_e4) / UINT64_C(1000000000000000));
  return true;
}

/* Twice the raw fee in units of 1e-5 dollars, rounded down: enough to round half up exactly. */
static uint64_t polymarket_raw_half_e5(const pmm_fee_schedule_t *fees, int32_t price_e4, int64_t qty_e6) {
  uint64_t narrow;
  if (narrow_raw_half_e5(fees, price_e4, qty_e6, &narrow)) return narrow;
  wide_t x = {{(uint64_t)qty_e6}};
  wide_mul(&x, (uint64_t)fees->taker_rate_e6 * 2);
  for (int i = 0; i < fees->exponent; i++) wide_mul(&x, (uint64_t)variance_e8(price_e4));
  wide_div(&x, 10000000); /* rounding down in steps equals rounding down once */
  for (int i = 0; i < fees->exponent; i++) wide_div(&x, ONE_E8);
  assert(x.w[1] == 0);
  return x.w[0];
}

static int64_t polymarket_fee(const pmm_fee_schedule_t *fees, int32_t price_e4, int64_t qty_e6) {
  uint64_t const half = polymarket_raw_half_e5(fees, price_e4, qty_e6);
  return half < 2 ? 0 : (int64_t)((half + 1) / 2) * POLYMARKET_UNIT_E6;
}

static int64_t bps_fee(int32_t rate_e6, int32_t outcome_price_e4, int64_t qty_e6) {
  pmm_i128_t const raw_e16 = (pmm_i128_t)qty_e6 * outcome_price_e4 * rate_e6;
  return (int64_t)div_ceil(raw_e16, INT64_C(1000000000000)) * BPS_UNIT_E6;
}

int64_t pmm_fee_charge(const pmm_fee_schedule_t *fees, bool maker, int route, int32_t price_e4, int64_t qty_e6,
                       pmm_fee_acc_t *acc) {
  assert(price_e4 > 0 && price_e4 < PMM_ONE_E4);
  assert(qty_e6 > 0);
  int32_t const rate_e6 = maker ? fees->maker_rate_e6 : fees->taker_rate_e6;
  switch ((pmm_fee_model_t)fees->model) {
  case PMM_FEE_NONE:
    return 0;
  case PMM_FEE_KALSHI:
    return pmm_fee_kalshi_detail(fees, maker, pmm_route_side((pmm_route_t)route), price_e4, qty_e6, acc).fee_e6;
  case PMM_FEE_KALSHI_CENT_TABLE:
    return ceil_to(kalshi_raw_ceil_e6(rate_e6, price_e4, qty_e6), CENT_E6);
  case PMM_FEE_POLYMARKET:
    return maker ? 0 : polymarket_fee(fees, price_e4, qty_e6);
  case PMM_FEE_BPS:
    return bps_fee(rate_e6, route == PMM_SELL_NO || route == PMM_BUY_NO ? PMM_ONE_E4 - price_e4 : price_e4, qty_e6);
  }
  assert(false && "fee model checked by pmm_market_check");
  return 0;
}

/* Each raw fee is linear in quantity, so splitting adds no more than one rounding a fill. */
int64_t pmm_fee_bound(const pmm_fee_schedule_t *fees, int32_t price_e4, int64_t qty_e6, int fill_cnt_max) {
  assert(price_e4 > 0 && price_e4 < PMM_ONE_E4);
  int64_t const fills = fill_cnt_max > 1 ? fill_cnt_max : 1;
  int32_t const rate_e6 = fees->taker_rate_e6 > fees->maker_rate_e6 ? fees->taker_rate_e6 : fees->maker_rate_e6;
  switch ((pmm_fee_model_t)fees->model) {
  case PMM_FEE_NONE:
    return 0;
  case PMM_FEE_KALSHI:
    return kalshi_raw_ceil_e6(rate_e6, price_e4, qty_e6) + fills * pmm_max64(fees->precision_e6, 1);
  case PMM_FEE_KALSHI_CENT_TABLE:
    return kalshi_raw_ceil_e6(rate_e6, price_e4, qty_e6) + fills * CENT_E6;
  case PMM_FEE_POLYMARKET:
    return (int64_t)(polymarket_raw_half_e5(fees, price_e4, qty_e6) / 2 + 1 + (uint64_t)fills) * POLYMARKET_UNIT_E6;
  case PMM_FEE_BPS: /* the outcome is not known here: the dearer one */
    return bps_fee(rate_e6, price_e4 > PMM_ONE_E4 / 2 ? price_e4 : PMM_ONE_E4 - price_e4, qty_e6) + fills * BPS_UNIT_E6;
  }
  assert(false && "fee model checked by pmm_market_check");
  return 0;
}
