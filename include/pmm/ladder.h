/* pmm/ladder.h -- resting size per price for one market, in YES space.
   Prices of a binary contract are bounded, so a level is an array slot, not a tree node: one int64 per tick and
   side, a bitmap of used levels and a bitmap of used words over it. Set, best and next are O(1), nothing is
   allocated after init. NO orders enter mirrored (a NO bid at b is a YES ask at 1-b), so there is one book per
   market. Locked and crossed books are legal states, shown by pmm_ladder_state and never repaired here.
   Owned by whoever embeds it. Single-threaded. */
#ifndef PMM_LADDER_H
#define PMM_LADDER_H
#include "pmm/arena.h"
#include "pmm/grid.h"

#define PMM_LADDER_TICKS_MAX 10000
#define PMM_LADDER_WORDS_MAX 157 /* 10 000 / 64 */
#define PMM_LADDER_TOPS_MAX 3    /* 157 / 64 */

typedef enum pmm_book_state { PMM_BOOK_EMPTY, PMM_BOOK_ONE_SIDED, PMM_BOOK_NORMAL, PMM_BOOK_LOCKED, PMM_BOOK_CROSSED } pmm_book_state_t;

typedef struct pmm_ladder {
  int64_t *qty_e6[2];      /* [side][tick_cnt], contracts x 1e6, each >= 0 */
  uint64_t *used[2];       /* [side] one bit per tick with a non-zero size */
  uint64_t top[2][PMM_LADDER_TOPS_MAX]; /* one bit per non-zero word of used */
  int32_t best[2];         /* best tick per side, or PMM_TICKS_NONE */
  int32_t level_cnt[2];    /* used levels per side */
  int32_t tick_cnt;        /* valid ticks are 1 .. tick_cnt-1; one tick is 1/tick_cnt dollars */
  int32_t tick_e4;         /* price of one tick */
  int32_t cap_cnt;         /* ticks there is room for (re-grid up to this) */
  uint64_t seq;            /* last venue update applied, for checked updates */
} pmm_ladder_t;

/* pmm_ladder_init takes its arrays from arena, room for tick_cnt_max ticks (>= tick_cnt, so that a market may
   re-grid finer later); starts empty with tick_cnt ticks at seq 0. tick_cnt must divide 10 000.
   PMM_INVAL or PMM_FULL (arena too small). */
pmm_status_t pmm_ladder_init(pmm_ladder_t *ladder, pmm_arena_t *arena, int32_t tick_cnt, int32_t tick_cnt_max);
size_t pmm_ladder_bytes(int32_t tick_cnt_max); /* what init takes at most */

/* pmm_ladder_set replaces (not adds to) the size at one tick; 0 empties it. O(1). PMM_OK, or with the ladder
   unchanged PMM_INVAL (tick outside 1..tick_cnt-1, negative size). */
static inline pmm_status_t pmm_ladder_set(pmm_ladder_t *ladder, pmm_side_t side, int32_t tick, int64_t qty_e6);
/* pmm_ladder_set_seq is set with the venue's numbering checked: PMM_SEQ_GAP when seq != ladder->seq + 1. */
pmm_status_t pmm_ladder_set_seq(pmm_ladder_t *ladder, pmm_side_t side, int32_t tick, int64_t qty_e6, uint64_t seq);
/* pmm_ladder_add changes the size by a signed delta (Kalshi): PMM_INVAL when it would go below 0, PMM_OVERFLOW. */
pmm_status_t pmm_ladder_add(pmm_ladder_t *ladder, pmm_side_t side, int32_t tick, int64_t delta_e6);
void pmm_ladder_clear(pmm_ladder_t *ladder); /* O(used levels); keeps seq */
/* pmm_ladder_put and pmm_ladder_settle load a whole book: put is set without looking for the best price, so after a run of puts settle comes
   before anything else. The caller has checked tick and size as set would. O(1). */
static inline void pmm_ladder_put(pmm_ladder_t *ladder, pmm_side_t side, int32_t tick, int64_t qty_e6);
static inline void pmm_ladder_settle(pmm_ladder_t *ladder);
/* pmm_ladder_regrid moves to another tick. Levels that are no multiple of a coarser tick are dropped and
   counted in *dropped_cnt (may be NULL). PMM_INVAL (tick_cnt does not divide 10 000), PMM_FULL (> cap_cnt). */
pmm_status_t pmm_ladder_regrid(pmm_ladder_t *ladder, int32_t tick_cnt, int32_t *dropped_cnt);

/* pmm_ladder_next gives the next used tick strictly worse than `tick` on a side (lower for bids, higher for asks);
   PMM_TICKS_NONE at the end. Start from best; tick: 0 .. tick_cnt-1, used or not. O(1). */
int32_t pmm_ladder_next(const pmm_ladder_t *ladder, pmm_side_t side, int32_t tick);
static inline int64_t pmm_ladder_qty(const pmm_ladder_t *ladder, pmm_side_t side, int32_t tick) {
  return ladder->qty_e6[side][tick];
}
static inline int32_t pmm_ladder_best_e4(const pmm_ladder_t *ladder, pmm_side_t side) { /* 0 when empty */
  return ladder->best[side] * ladder->tick_e4;
}
pmm_book_state_t pmm_ladder_state(const pmm_ladder_t *ladder);
/* Sum of the best level_cnt levels of a side (all: INT32_MAX). Sums stop at INT64_MAX. */
int64_t pmm_ladder_depth(const pmm_ladder_t *ladder, pmm_side_t side, int32_t level_cnt);
/* Quantity on `side` at prices at least as good for a taker as limit_tick (asks <= limit, bids >= limit). */
int64_t pmm_ladder_qty_through(const pmm_ladder_t *ladder, pmm_side_t side, int32_t limit_tick);
/* (B-A)/(B+A) over the best n levels; 0 when both are empty. In [-1, 1]. */
double pmm_ladder_imbalance(const pmm_ladder_t *ladder, int32_t level_cnt);
/* Mid and microprice in dollars; PMM_NOT_READY when a side is missing or the book is crossed. */
pmm_status_t pmm_ladder_mid(const pmm_ladder_t *ladder, double *mid);
pmm_status_t pmm_ladder_microprice(const pmm_ladder_t *ladder, double *price);
/* Money resting in the book: sum over bids of p*q plus over asks of (1-p)*q, cash_e6, the sum rounded down. O(levels). */
int64_t pmm_ladder_notional(const pmm_ladder_t *ladder);
/* Order-independent hash of the contents, for state hashes and comparisons. O(levels). */
uint64_t pmm_ladder_hash(const pmm_ladder_t *ladder);
/* pmm_ladder_is_valid rechecks every invariant from scratch. Slow: tests, fuzzers, debug builds. */
bool pmm_ladder_is_valid(const pmm_ladder_t *ladder);

/* -- hot path, inline. Which side an update is for and whether it moves the best price follow no pattern a processor
   can guess, so sides are told apart by arithmetic; that is a third faster on recorded flow than branches. -- */

/* The best bit of a word: the highest for bids, the lowest for asks (isolated first); 0 for a word without bits. */
static inline int32_t pmm_ladder_best_bit(uint64_t word, pmm_side_t side) {
  uint64_t const all_or_lowest = word & ((0 - word) | ((uint64_t)side - 1));
  return 63 - __builtin_clzll(all_or_lowest | 1);
}

/* pmm_ladder_rescan finds the best tick of a side from its bitmaps. O(1): at most 3 + 1 words. Without levels every
   step gives 0 (tick 0 is never used), which is PMM_TICKS_NONE. */
static inline int32_t pmm_ladder_rescan(const pmm_ladder_t *l, pmm_side_t side) {
  const uint64_t *const top = l->top[side];
  int32_t t = 0;
  if (__builtin_expect((top[1] | top[2]) != 0, 0)) /* only with more than 4096 ticks */
    t = pmm_ladder_best_bit((uint64_t)(top[0] != 0) | (uint64_t)(top[1] != 0) << 1 | (uint64_t)(top[2] != 0) << 2, side);
  int32_t const w = t * 64 + pmm_ladder_best_bit(top[t], side);
  return w * 64 + pmm_ladder_best_bit(l->used[side][w], side);
}

static inline pmm_status_t pmm_ladder_set(pmm_ladder_t *l, pmm_side_t side, int32_t tick, int64_t qty_e6) {
  if ((uint32_t)(tick - 1) >= (uint32_t)(l->tick_cnt - 1) || qty_e6 < 0) return PMM_INVAL;
  int64_t *const slot = &l->qty_e6[side][tick];
  int64_t const old = *slot;
  *slot = qty_e6;
  if ((old != 0) == (qty_e6 != 0)) return PMM_OK; /* the common case: a size changed */
  uint32_t const w = (uint32_t)tick >> 6, u = w & 63;
  uint64_t const word = l->used[side][w] ^ UINT64_C(1) << (tick & 63);
  l->used[side][w] = word;
  uint64_t *const top = &l->top[side][w >> 6];
  *top = (*top & ~(UINT64_C(1) << u)) | (uint64_t)(word != 0) << u;
  l->level_cnt[side] += qty_e6 != 0 ? 1 : -1;
  /* At the best price or beyond it? Bids: tick >= best. Asks: tick-1 <= best-1, all bits turned; no best (0) wraps. */
  uint32_t const turn = 0u - (uint32_t)side;
  if ((((uint32_t)tick + turn) ^ turn) >= (((uint32_t)l->best[side] + turn) ^ turn)) l->best[side] = pmm_ladder_rescan(l, side);
  return PMM_OK;
}

static inline void pmm_ladder_put(pmm_ladder_t *l, pmm_side_t side, int32_t tick, int64_t qty_e6) {
  int64_t const old = l->qty_e6[side][tick];
  l->qty_e6[side][tick] = qty_e6;
  uint32_t const w = (uint32_t)tick >> 6, u = w & 63;
  uint64_t const word = (l->used[side][w] & ~(UINT64_C(1) << (tick & 63))) | (uint64_t)(qty_e6 != 0) << (tick & 63);
  l->used[side][w] = word;
  uint64_t *const top = &l->top[side][w >> 6];
  *top = (*top & ~(UINT64_C(1) << u)) | (uint64_t)(word != 0) << u;
  l->level_cnt[side] += (qty_e6 != 0) - (old != 0);
}

static inline void pmm_ladder_settle(pmm_ladder_t *l) {
  for (int side = 0; side < 2; side++) l->best[side] = pmm_ladder_rescan(l, (pmm_side_t)side);
}
#endif
