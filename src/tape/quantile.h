/* tape/quantile.h -- quantiles of many int64 in bounded memory: a histogram that is exact up to 16384 either way and within
   1/16384 beyond. Its pieces are allocated as values fall into them, so a stream whose values lie together takes a few
   kilobytes. Zeroed is empty. Cold. */
#ifndef PMM_TAPE_QUANTILE_H
#define PMM_TAPE_QUANTILE_H
#include "pmm/types.h"

#define PMM__QUANTILE_BITS 14 /* of precision */
#define PMM__QUANTILE_PIECE 1024
#define PMM__QUANTILE_PIECES (((66 - PMM__QUANTILE_BITS) << (PMM__QUANTILE_BITS - 1)) / PMM__QUANTILE_PIECE)

typedef struct pmm__quantile {
  uint32_t **piece[2]; /* [negative][piece][slot]; NULL where nothing fell */
  uint64_t cnt, negative_cnt;
} pmm__quantile_t;

pmm_status_t pmm__quantile_add(pmm__quantile_t *q, int64_t value); /* PMM_FULL: out of memory */
/* The smallest value that at least share (0..1) of all do not exceed; 0 when empty. O(pieces in use). */
int64_t pmm__quantile_at(const pmm__quantile_t *q, double share);
void pmm__quantile_clear(pmm__quantile_t *q); /* keeps its memory */
void pmm__quantile_fini(pmm__quantile_t *q);
#endif
