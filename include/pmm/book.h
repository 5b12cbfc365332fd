/* pmm/book.h -- applying market-data records to a ladder: the one place where tape becomes book. */
#ifndef PMM_BOOK_H
#define PMM_BOOK_H
#include "pmm/event.h"
#include "pmm/ladder.h"

/* pmm_book_apply applies LEVEL, CLEAR and TICK records; other kinds change nothing. grid is the market's current grid
   (TICK replaces it). *old_e6 gets the size a LEVEL replaced, else 0. PMM_INVAL (price off the ladder, negative
   size): the ladder is unchanged. O(1) for LEVEL. */
static inline pmm_status_t pmm_book_apply(pmm_ladder_t *ladder, pmm_grid_t *grid, const pmm_md_t *md, int64_t *old_e6) {
  *old_e6 = 0;
  if (__builtin_expect(md->kind == PMM_MD_LEVEL, 1)) {
    if ((uint32_t)md->price_e4 > PMM_ONE_E4 || md->side > PMM_ASK) return PMM_INVAL;
    int32_t const tick = pmm_grid_index(grid, md->price_e4);
    if (tick * grid->tick_e4 != md->price_e4 || (uint32_t)(tick - 1) >= (uint32_t)(ladder->tick_cnt - 1)) return PMM_INVAL;
    *old_e6 = ladder->qty_e6[md->side][tick];
    return pmm_ladder_set(ladder, (pmm_side_t)md->side, tick, md->qty_e6);
  }
  if (md->kind == PMM_MD_CLEAR) { pmm_ladder_clear(ladder); return PMM_OK; }
  if (md->kind == PMM_MD_TICK) {
    pmm_grid_t next;
    pmm_status_t const st = pmm_grid_uniform(&next, md->price_e4);
    if (st != PMM_OK) return st;
    pmm_status_t const re = pmm_ladder_regrid(ladder, next.tick_cnt, NULL);
    if (re == PMM_OK) *grid = next;
    return re;
  }
  return PMM_OK;
}
#endif
