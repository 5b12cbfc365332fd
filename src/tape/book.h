/* tape/book.h -- a ladder with its own memory, for code that meets markets as it goes (verify, import). Cold: it may
   allocate whenever the grid becomes finer. */
#ifndef PMM_TAPE_BOOK_H
#define PMM_TAPE_BOOK_H
#include "pmm/ladder.h"

typedef struct pmm__book {
  pmm_ladder_t ladder;
  void *memory;
} pmm__book_t;                                                   /* zeroed: no book yet */
pmm_status_t pmm__book_init(pmm__book_t *book, int32_t tick_e4); /* PMM_INVAL (does not divide 10 000), PMM_FULL */
void pmm__book_fini(pmm__book_t *book);
/* Keeps every level that the new tick can express. PMM_INVAL, PMM_FULL. */
pmm_status_t pmm__book_regrid(pmm__book_t *book, int32_t tick_e4);
/* By price instead of tick. PMM_INVAL: off the tick, outside (0,1), or a negative size. */
pmm_status_t pmm__book_set(pmm__book_t *book, pmm_side_t side, int32_t price_e4, int64_t qty_e6);
static inline int64_t pmm__book_qty(const pmm__book_t *book, pmm_side_t side, int32_t price_e4) {
  return pmm_ladder_qty(&book->ladder, side, price_e4 / book->ladder.tick_e4);
}
/* Can the book's tick express this price? */
static inline bool pmm__book_fits(const pmm__book_t *book, int32_t price_e4) {
  return price_e4 > 0 && price_e4 < PMM_ONE_E4 && price_e4 % book->ladder.tick_e4 == 0;
}
#endif
