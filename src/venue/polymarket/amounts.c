/* Prices and amounts in exact integers. The client's rule for a product x and A decimals: round x up to A+4 decimals (which
   only removes the noise of binary fractions), then down to A. Source: clob-client-v2 1.1.0, order builder helpers. */
#include "internal.h"

static const int64_t pow10_i64[] = {1, 10, 100, 1000, 10000, 100000, 1000000, 10000000, 100000000, 1000000000, INT64_C(10000000000)};
#define PRICE_SCALE 4
#define LOT_E6 10000 /* sizes have two decimals at every tick */

typedef struct precision { int32_t tick_e4; int price_dec, amount_dec; } precision_t;

static const precision_t *precision_of(int32_t tick_e4) {
  static const precision_t table[] = {{1000, 1, 3}, {100, 2, 4}, {50, 3, 5}, {25, 4, 6}, {10, 3, 5}, {1, 4, 6}};
  for (size_t i = 0; i < sizeof table / sizeof table[0]; i++)
    if (table[i].tick_e4 == tick_e4) return &table[i];
  return NULL;
}

bool pmm_poly_tick_is_valid(int32_t tick_e4) { return precision_of(tick_e4) != NULL; }

bool pmm_poly_price_is_valid(int32_t tick_e4, int32_t price_e4) {
  return precision_of(tick_e4) && price_e4 >= tick_e4 && price_e4 <= PMM_ONE_E4 - tick_e4 && price_e4 % tick_e4 == 0;
}

/* floor(ceil(num * 10^(A+4) / den) / 10^4) / 10^A in millionths; A <= 6. */
static pmm_status_t adjust(pmm_i128_t num, int64_t den, int amount_dec, uint64_t *out_e6) {
  int64_t const scale = pow10_i64[amount_dec + 4];
  if (num > ((pmm_i128_t)1 << 126) / scale) return PMM_OVERFLOW;
  pmm_i128_t const up = (num * scale + den - 1) / den;
  pmm_i128_t const value = up / pow10_i64[4] * pow10_i64[6 - amount_dec];
  if (value > INT64_MAX) return PMM_OVERFLOW;
  *out_e6 = (uint64_t)value;
  return PMM_OK;
}

static bool is_sane(pmm_poly_side_t side, const precision_t *p, int32_t price_e4, int64_t qty_e6) {
  return p && (side == PMM_POLY_BUY || side == PMM_POLY_SELL) && price_e4 > 0 && price_e4 <= PMM_ONE_E4 && qty_e6 >= 0;
}

/* Shares times price. */
static pmm_status_t shares_at(const precision_t *p, int64_t shares_e6, int64_t price_e4, uint64_t *out_e6) {
  return adjust((pmm_i128_t)shares_e6 * price_e4, INT64_C(1000000) * PMM_ONE_E4, p->amount_dec, out_e6);
}

pmm_status_t pmm_poly_amounts_limit(pmm_poly_side_t side, int32_t tick_e4, int32_t price_e4, int64_t qty_e6, pmm_poly_amounts_t *out) {
  const precision_t *const p = precision_of(tick_e4);
  if (!is_sane(side, p, price_e4, qty_e6)) return PMM_INVAL;
  int64_t const unit = pow10_i64[PRICE_SCALE - p->price_dec], price = (price_e4 + unit / 2) / unit * unit;
  int64_t const shares = pmm_floor_to_lot(qty_e6, LOT_E6);
  uint64_t money;
  pmm_status_t const st = shares_at(p, shares, price, &money);
  if (st != PMM_OK) return st;
  *out = side == PMM_POLY_BUY ? (pmm_poly_amounts_t){money, (uint64_t)shares} : (pmm_poly_amounts_t){(uint64_t)shares, money};
  return PMM_OK;
}

pmm_status_t pmm_poly_amounts_market(pmm_poly_side_t side, int32_t tick_e4, int32_t price_e4, int64_t qty_e6, int shares_dec_max,
                                     pmm_poly_amounts_t *out) {
  const precision_t *const p = precision_of(tick_e4);
  if (!is_sane(side, p, price_e4, qty_e6) || shares_dec_max < 0) return PMM_INVAL;
  int64_t const price = pmm_floor_to_lot(price_e4, pow10_i64[PRICE_SCALE - p->price_dec]);
  int64_t const given = pmm_floor_to_lot(qty_e6, LOT_E6);
  if (price == 0) return PMM_INVAL;
  uint64_t wanted;
  pmm_status_t st = side == PMM_POLY_SELL ? shares_at(p, given, price, &wanted)
                                          : adjust((pmm_i128_t)given * PMM_ONE_E4, INT64_C(1000000) * price, p->amount_dec, &wanted);
  if (st != PMM_OK) return st;
  if (side == PMM_POLY_BUY && shares_dec_max < 6) wanted -= wanted % (uint64_t)pow10_i64[6 - shares_dec_max];
  *out = (pmm_poly_amounts_t){(uint64_t)given, wanted};
  return PMM_OK;
}

static pmm_i128_t div_ceil(pmm_i128_t a, int64_t b) { return (a + b - 1) / b; }

pmm_status_t pmm_poly_buy_amount(int64_t amount_e6, int32_t price_e4, int64_t balance_e6, int32_t rate_e6, int exponent, int32_t builder_e6,
                                 int64_t *out_e6) {
  if (price_e4 <= 0 || price_e4 >= PMM_ONE_E4 || amount_e6 < 0 || balance_e6 < 0 || rate_e6 < 0 || builder_e6 < 0) return PMM_INVAL;
  if (exponent < 0 || exponent > 4) return PMM_INVAL;
  int64_t const base = pmm_min64(amount_e6, balance_e6);
  if (base > INT64_MAX / PMM_ONE_E4) return PMM_OVERFLOW;
  /* 1/p cancels one of the factors p(1-p), which keeps exponent 1 exact. Six more digits than cash are carried, so that rounding up
     step by step stays below a millionth in sum. */
  pmm_i128_t const raw = (pmm_i128_t)base * rate_e6;
  pmm_i128_t fee_e12 = exponent == 0 ? div_ceil(raw * PMM_ONE_E4, price_e4) : div_ceil(raw * (PMM_ONE_E4 - price_e4), PMM_ONE_E4);
  for (int i = 1; i < exponent; i++) fee_e12 = div_ceil(fee_e12 * ((int64_t)price_e4 * (PMM_ONE_E4 - price_e4)), 100000000);
  fee_e12 += (pmm_i128_t)base * builder_e6;
  pmm_i128_t const fee_e6 = div_ceil(fee_e12, 1000000);
  *out_e6 = (pmm_i128_t)base + fee_e6 >= balance_e6 ? (int64_t)(balance_e6 > fee_e6 ? balance_e6 - fee_e6 : 0) : amount_e6;
  return PMM_OK;
}
