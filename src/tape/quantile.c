#include "quantile.h"
#include <stdlib.h>
#include <string.h>

#define HALF (1u << (PMM__QUANTILE_BITS - 1))

/* Values below 2^BITS have a slot each; beyond, every power of two has HALF slots. */
static uint32_t slot_of(uint64_t magnitude) {
  if (magnitude >> PMM__QUANTILE_BITS == 0) return (uint32_t)magnitude;
  int const shift = 64 - __builtin_clzll(magnitude) - PMM__QUANTILE_BITS;
  return (uint32_t)shift * HALF + (uint32_t)(magnitude >> shift);
}

/* The middle of a slot. */
static uint64_t magnitude_of(uint32_t slot) {
  if (slot >> PMM__QUANTILE_BITS == 0) return slot;
  uint32_t const shift = slot / HALF - 1;
  return ((uint64_t)(slot - shift * HALF) << shift) + ((UINT64_C(1) << shift) >> 1);
}

pmm_status_t pmm__quantile_add(pmm__quantile_t *q, int64_t value) {
  bool const negative = value < 0;
  uint32_t const slot = slot_of(negative ? 0 - (uint64_t)value : (uint64_t)value);
  if (!q->piece[negative] && !(q->piece[negative] = calloc(PMM__QUANTILE_PIECES, sizeof *q->piece[negative]))) return PMM_FULL;
  uint32_t **const piece = &q->piece[negative][slot / PMM__QUANTILE_PIECE];
  if (!*piece && !(*piece = calloc(PMM__QUANTILE_PIECE, sizeof **piece))) return PMM_FULL;
  (*piece)[slot % PMM__QUANTILE_PIECE]++;
  q->cnt++;
  q->negative_cnt += negative;
  return PMM_OK;
}

/* The slot of the value with `before` smaller magnitudes on one side. */
static uint32_t find(uint32_t *const *piece, uint64_t before) {
  uint32_t slot = 0;
  for (uint32_t p = 0; p < PMM__QUANTILE_PIECES; p++)
    for (uint32_t i = 0; piece[p] && i < PMM__QUANTILE_PIECE; i++) {
      if (piece[p][i] > before) return p * PMM__QUANTILE_PIECE + i;
      before -= piece[p][i];
      if (piece[p][i]) slot = p * PMM__QUANTILE_PIECE + i;
    }
  return slot;
}

int64_t pmm__quantile_at(const pmm__quantile_t *q, double share) {
  if (q->cnt == 0) return 0;
  double const want = share * (double)q->cnt;
  uint64_t rank = want < 1 ? 0 : (uint64_t)want; /* values before it, when whole: the one before */
  if ((double)rank >= want && rank > 0) rank--;
  if (rank >= q->cnt) rank = q->cnt - 1;
  if (rank >= q->negative_cnt) return (int64_t)magnitude_of(find(q->piece[0], rank - q->negative_cnt));
  return -(int64_t)magnitude_of(find(q->piece[1], q->negative_cnt - 1 - rank)); /* the largest magnitude comes first */
}

void pmm__quantile_clear(pmm__quantile_t *q) {
  for (int side = 0; side < 2; side++)
    for (uint32_t p = 0; q->piece[side] && p < PMM__QUANTILE_PIECES; p++)
      if (q->piece[side][p]) memset(q->piece[side][p], 0, PMM__QUANTILE_PIECE * sizeof(uint32_t));
  q->cnt = q->negative_cnt = 0;
}

void pmm__quantile_fini(pmm__quantile_t *q) {
  for (int side = 0; side < 2; side++) {
    for (uint32_t p = 0; q->piece[side] && p < PMM__QUANTILE_PIECES; p++) free(q->piece[side][p]);
    free(q->piece[side]);
  }
  *q = (pmm__quantile_t){0};
}
