#include "book.h"
#include <stdlib.h>
#include <string.h>

pmm_status_t pmm__book_init(pmm__book_t *book, int32_t tick_e4) {
  if (tick_e4 < 1 || tick_e4 >= PMM_ONE_E4 || PMM_ONE_E4 % tick_e4 != 0) return PMM_INVAL;
  int32_t const tick_cnt = PMM_ONE_E4 / tick_e4;
  size_t const size = (pmm_ladder_bytes(tick_cnt) + 127) / 64 * 64;
  void *const memory = aligned_alloc(64, size);
  if (!memory) return PMM_FULL;
  pmm_arena_t arena;
  pmm_arena_init(&arena, memory, size);
  pmm_status_t const st = pmm_ladder_init(&book->ladder, &arena, tick_cnt, tick_cnt);
  book->memory = memory;
  if (st != PMM_OK) pmm__book_fini(book);
  return st;
}

void pmm__book_fini(pmm__book_t *book) {
  free(book->memory);
  book->memory = NULL;
}

static void copy_side(pmm__book_t *to, const pmm_ladder_t *from, pmm_side_t side) {
  for (int32_t tick = from->best[side]; tick != PMM_TICKS_NONE; tick = pmm_ladder_next(from, side, tick)) {
    int32_t const price_e4 = tick * from->tick_e4;
    if (pmm__book_fits(to, price_e4)) pmm__book_set(to, side, price_e4, pmm_ladder_qty(from, side, tick));
  }
}

pmm_status_t pmm__book_regrid(pmm__book_t *book, int32_t tick_e4) {
  if (tick_e4 == book->ladder.tick_e4) return PMM_OK;
  pmm__book_t fresh = {0};
  pmm_status_t const st = pmm__book_init(&fresh, tick_e4);
  if (st != PMM_OK) return st;
  copy_side(&fresh, &book->ladder, PMM_BID);
  copy_side(&fresh, &book->ladder, PMM_ASK);
  pmm__book_fini(book);
  *book = fresh;
  return PMM_OK;
}

pmm_status_t pmm__book_set(pmm__book_t *book, pmm_side_t side, int32_t price_e4, int64_t qty_e6) {
  if (!pmm__book_fits(book, price_e4)) return PMM_INVAL;
  return pmm_ladder_set(&book->ladder, side, price_e4 / book->ladder.tick_e4, qty_e6);
}
