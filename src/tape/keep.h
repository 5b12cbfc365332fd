/* tape/keep.h -- what a market is at a moment: its book and the last record of everything else, kept from a stream so that a tape may begin in the
   middle of it. Such a tape starts with records flagged PMM_F_KEYFRAME: nobody sent them. */
#ifndef PMM_TAPE_KEEP_H
#define PMM_TAPE_KEEP_H
#include "book.h"
#include "pmm/event.h"

typedef struct pmm__keep { /* zeroed: nothing known */
  pmm__book_t book;
  bool book_known, in_gap;
  pmm_md_t last;                                                        /* for its times and number; kind 0: none */
  pmm_md_t status, tick, phase, settlement, strike, volume, price, gap; /* the last of each; kind 0: none */
} pmm__keep_t;
void pmm__keep_fini(pmm__keep_t *keep);
/* One record of this market; tick_e4: its grid at the start of the stream. PMM_CORRUPT (level or tick off the grid), PMM_FULL (memory). */
pmm_status_t pmm__keep_take(pmm__keep_t *keep, const pmm_md_t *md, int32_t tick_e4);
/* Hands out the state as records of time at_ns and market `index`, in the order in which a tape may begin with them; stops at the first error.
   Nothing where no record was taken. */
typedef pmm_status_t (*pmm__keep_put_fn)(void *ctx, const pmm_md_t *md);
pmm_status_t pmm__keep_put(const pmm__keep_t *keep, int64_t at_ns, uint32_t index, pmm__keep_put_fn put, void *ctx);
/* One remembered record as a keyframe; nothing when there is none. */
pmm_status_t pmm__keep_again(pmm_md_t md, int64_t at_ns, uint32_t index, int flags, pmm__keep_put_fn put, void *ctx);
#endif
