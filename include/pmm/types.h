/* pmm/types.h -- the units of pmm. Prices, quantities and cash are integers; the suffix names the scale.
     price_e4  dollars x 10^4 per contract, YES space unless a name says otherwise; 1 .. 9999 for an order
     qty_e6    contracts x 10^6
     cash_e6   dollars x 10^6
     value_e8  price of an underlying x 10^8
     _ns       nanoseconds, since the Unix epoch for points in time
   price_e4 * qty_e6 is in units of 1e-10 dollars; it fits 64 bits up to 9.2e8 dollars and is formed in
   128 bits beyond (pmm_notional_floor, pmm_notional_ceil). */
#ifndef PMM_TYPES_H
#define PMM_TYPES_H
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "pmm/status.h"

#define PMM_ONE_E4 10000                      /* one dollar as price_e4 */
#define PMM_ONE_E6 1000000                    /* one contract, one dollar */
#define PMM_NS_PER_DAY INT64_C(86400000000000)
#define PMM_NS_PER_S INT64_C(1000000000)
#define PMM_NS_PER_MS INT64_C(1000000)
#define PMM_NS_PER_US INT64_C(1000)
#define PMM_TIME_NONE INT64_MIN               /* a point in time that is not known */
#define PMM_NS_MAX INT64_MAX                  /* never */

typedef __int128 pmm_i128_t;

typedef enum pmm_side { PMM_BID = 0, PMM_ASK = 1 } pmm_side_t;
static inline pmm_side_t pmm_side_opposite(pmm_side_t s) { return s == PMM_BID ? PMM_ASK : PMM_BID; }
/* +1 for a bid (adds YES exposure), -1 for an ask. */
static inline int pmm_side_sign(pmm_side_t s) { return s == PMM_BID ? 1 : -1; }

/* pmm_notional_floor, _ceil: price_e4 * qty_e6 in cash_e6, rounded down or up. Exact (both equal) whenever
   qty is a multiple of 0.01 contract. Any sign; floor goes toward minus infinity, ceil toward plus. */
static inline int64_t pmm_notional_floor(int32_t price_e4, int64_t qty_e6) {
  int64_t p;
  if (__builtin_expect(!__builtin_mul_overflow((int64_t)price_e4, qty_e6, &p), 1)) /* a 64-bit division costs a tenth */
    return p / PMM_ONE_E4 - (p % PMM_ONE_E4 < 0);
  pmm_i128_t const wide = (pmm_i128_t)price_e4 * qty_e6;
  return (int64_t)(wide / PMM_ONE_E4 - (wide % PMM_ONE_E4 < 0));
}
static inline int64_t pmm_notional_ceil(int32_t price_e4, int64_t qty_e6) {
  return -pmm_notional_floor(price_e4, -qty_e6);
}
/* pmm_muldiv_floor, _ceil: a*b/c with a 128-bit product; c > 0. */
static inline int64_t pmm_muldiv_floor(int64_t a, int64_t b, int64_t c) {
  pmm_i128_t const p = (pmm_i128_t)a * b;
  pmm_i128_t q = p / c;
  if (p % c < 0) q--;
  return (int64_t)q;
}
static inline int64_t pmm_muldiv_ceil(int64_t a, int64_t b, int64_t c) { return -pmm_muldiv_floor(-a, b, c); }

static inline int64_t pmm_min64(int64_t a, int64_t b) { return a < b ? a : b; }
static inline int64_t pmm_max64(int64_t a, int64_t b) { return a > b ? a : b; }
static inline int64_t pmm_abs64(int64_t a) { return a < 0 ? -a : a; }
/* pmm_floor_to_lot rounds a non-negative quantity down to a multiple of lot_e6 (> 0). */
static inline int64_t pmm_floor_to_lot(int64_t qty_e6, int64_t lot_e6) {
  if (__builtin_expect((uint64_t)(qty_e6 | lot_e6) >> 32 == 0, 1)) return qty_e6 - (int64_t)((uint32_t)qty_e6 % (uint32_t)lot_e6); /* a third of the time */
  return qty_e6 - qty_e6 % lot_e6;
}

#endif
