/* pmm/grid.h -- which prices a market allows. Most venues have one step; Kalshi's tables have several
   ranges (0.001 below 0.10 and above 0.90, 0.01 between). A grid keeps the ranges for validity and rounding,
   and the finest step `tick_e4` as the index of dense arrays: index = price_e4 / tick_e4. */
#ifndef PMM_GRID_H
#define PMM_GRID_H
#include "pmm/types.h"

#define PMM_GRID_RANGES_MAX 8
#define PMM_TICKS_NONE 0 /* an empty side; 0 is never a valid price */

typedef struct pmm_grid_range { int32_t start_e4, end_e4, step_e4; } pmm_grid_range_t;

typedef struct pmm_grid {
  int32_t tick_e4;  /* finest step: gcd of all steps and starts; divides 10 000 */
  int32_t tick_cnt; /* 10 000 / tick_e4; order prices have index 1 .. tick_cnt-1 */
  uint32_t recip;   /* ceil(2^32 / tick_e4), or 0 when tick_e4 is 1: division by multiplication */
  int32_t range_cnt;
  pmm_grid_range_t range[PMM_GRID_RANGES_MAX]; /* ascending, contiguous from 0 to 10 000 */
} pmm_grid_t;

/* pmm_grid_uniform makes a one-step grid. step_e4 must divide 10 000 (1000, 100, 50, 25, 10, 1, ...);
   PMM_INVAL otherwise. */
pmm_status_t pmm_grid_uniform(pmm_grid_t *grid, int32_t step_e4);
/* pmm_grid_ranges makes a grid from a venue's table: contiguous from 0 to 10 000, each step > 0 and dividing
   its range's length; PMM_INVAL otherwise. */
pmm_status_t pmm_grid_ranges(pmm_grid_t *grid, const pmm_grid_range_t *range, size_t range_cnt);
/* pmm_grid_named: Kalshi's structures by name: linear_cent, deci_cent, tapered_deci_cent, center_X_edge_Y_cent
   (whole, half, quint, deci, centi; center_deci_edge_centi has its own bounds). PMM_NOT_FOUND. */
pmm_status_t pmm_grid_named(pmm_grid_t *grid, const char *name);

/* pmm_grid_index: price to index of the dense array; exact only for multiples of tick_e4. 0..10000. */
static inline int32_t pmm_grid_index(const pmm_grid_t *grid, int32_t price_e4) {
  return grid->recip ? (int32_t)(((uint64_t)(uint32_t)price_e4 * grid->recip) >> 32) : price_e4;
}
static inline int32_t pmm_grid_price(const pmm_grid_t *grid, int32_t index) { return index * grid->tick_e4; }

/* pmm_grid_is_valid: 0 < price < 1 and on the step of a range that contains it (a boundary belongs to both). */
bool pmm_grid_is_valid(const pmm_grid_t *grid, int32_t price_e4);
int32_t pmm_grid_level_cnt(const pmm_grid_t *grid); /* number of valid prices */

/* The double -> integer edge. Prices in dollars; rounding forgives 1e-9 of a step (0.29/0.01 is 29 ticks).
   _floor (bids) gives the highest valid price <= price, _ceil (asks) the lowest >= price, or PMM_TICKS_NONE when
   there is none inside (0,1): that side is not quoted. NaN gives PMM_TICKS_NONE. */
int32_t pmm_grid_floor(const pmm_grid_t *grid, double price);
int32_t pmm_grid_ceil(const pmm_grid_t *grid, double price);
/* The next valid price strictly above or below price_e4 (any integer), or PMM_TICKS_NONE outside (0,1). */
int32_t pmm_grid_up(const pmm_grid_t *grid, int32_t price_e4);
int32_t pmm_grid_down(const pmm_grid_t *grid, int32_t price_e4);

#endif
