#include "pmm/ladder.h"
#include <assert.h>
#include <string.h>
#include "pmm/hash.h"

static size_t word_cnt(int32_t tick_cnt) { return ((size_t)tick_cnt + 63) / 64; }

/* Each array starts on its own cache line. */
static size_t qty_bytes(int32_t tick_cnt) { return ((size_t)tick_cnt * sizeof(int64_t) + 63) / 64 * 64; }
static size_t used_bytes(int32_t tick_cnt) { return (word_cnt(tick_cnt) * sizeof(uint64_t) + 63) / 64 * 64; }

static bool is_tick_cnt(int32_t cnt) { return cnt >= 2 && cnt <= PMM_LADDER_TICKS_MAX && PMM_ONE_E4 % cnt == 0; }

size_t pmm_ladder_bytes(int32_t tick_cnt_max) {
  return 2 * (qty_bytes(tick_cnt_max) + used_bytes(tick_cnt_max)) + 64; /* 64: to align the first array */
}

pmm_status_t pmm_ladder_init(pmm_ladder_t *ladder, pmm_arena_t *arena, int32_t tick_cnt, int32_t tick_cnt_max) {
  if (!is_tick_cnt(tick_cnt) || tick_cnt_max < tick_cnt || tick_cnt_max > PMM_LADDER_TICKS_MAX) return PMM_INVAL;
  size_t const qty_size = qty_bytes(tick_cnt_max), used_size = used_bytes(tick_cnt_max);
  unsigned char *const block = pmm_arena_take(arena, 2 * (qty_size + used_size), 64); /* one take: all or nothing */
  if (block == NULL) return PMM_FULL;
  *ladder = (pmm_ladder_t){.tick_cnt = tick_cnt, .tick_e4 = PMM_ONE_E4 / tick_cnt, .cap_cnt = tick_cnt_max};
  for (int s = 0; s < 2; s++) {
    ladder->used[s] = (uint64_t *)(void *)(block + (size_t)s * used_size);
    ladder->qty_e6[s] = (int64_t *)(void *)(block + 2 * used_size + (size_t)s * qty_size);
  }
  return PMM_OK;
}

pmm_status_t pmm_ladder_set_seq(pmm_ladder_t *ladder, pmm_side_t side, int32_t tick, int64_t qty_e6, uint64_t seq) {
  if (seq != ladder->seq + 1) return PMM_SEQ_GAP;
  pmm_status_t const st = pmm_ladder_set(ladder, side, tick, qty_e6);
  if (st == PMM_OK) ladder->seq = seq;
  return st;
}

pmm_status_t pmm_ladder_add(pmm_ladder_t *ladder, pmm_side_t side, int32_t tick, int64_t delta_e6) {
  if (tick < 1 || tick >= ladder->tick_cnt) return PMM_INVAL;
  int64_t qty;
  if (__builtin_add_overflow(ladder->qty_e6[side][tick], delta_e6, &qty)) return PMM_OVERFLOW;
  return pmm_ladder_set(ladder, side, tick, qty);
}

static void forget_side(pmm_ladder_t *ladder, pmm_side_t side) {
  memset(ladder->top[side], 0, sizeof ladder->top[side]);
  ladder->best[side] = PMM_TICKS_NONE;
  ladder->level_cnt[side] = 0;
}

void pmm_ladder_clear(pmm_ladder_t *ladder) {
  for (int side = 0; side < 2; side++) {
    for (int t = 0; t < PMM_LADDER_TOPS_MAX; t++)
      for (uint64_t words = ladder->top[side][t]; words != 0; words &= words - 1) {
        int const w = t * 64 + __builtin_ctzll(words);
        for (uint64_t bits = ladder->used[side][w]; bits != 0; bits &= bits - 1)
          ladder->qty_e6[side][w * 64 + __builtin_ctzll(bits)] = 0;
        ladder->used[side][w] = 0;
      }
    forget_side(ladder, (pmm_side_t)side);
  }
}

/* Moves the sizes of one side to the slots of another tick, in the same array. Moving to a finer tick every level
   goes up, so the highest goes first; to a coarser one the lowest: no level meets one that has not moved yet. */
static int32_t move_levels(int64_t *qty_e6, int32_t tick_cnt, int32_t from_e4, int32_t to_e4) {
  int32_t dropped = 0;
  for (int32_t n = 1; n < tick_cnt; n++) {
    int32_t const i = to_e4 < from_e4 ? tick_cnt - n : n;
    int64_t const qty = qty_e6[i];
    if (qty == 0) continue;
    qty_e6[i] = 0;
    if (i * from_e4 % to_e4 == 0)
      qty_e6[i * from_e4 / to_e4] = qty;
    else
      dropped++;
  }
  return dropped;
}

/* Makes bitmaps, best and count of a side from its sizes. */
static void index_levels(pmm_ladder_t *ladder, pmm_side_t side) {
  memset(ladder->used[side], 0, word_cnt(ladder->cap_cnt) * sizeof(uint64_t));
  forget_side(ladder, side);
  for (int32_t i = 1; i < ladder->tick_cnt; i++) {
    int64_t const qty = ladder->qty_e6[side][i];
    if (qty == 0) continue;
    ladder->qty_e6[side][i] = 0; /* set must see an empty slot become used */
    pmm_ladder_set(ladder, side, i, qty);
  }
}

pmm_status_t pmm_ladder_regrid(pmm_ladder_t *ladder, int32_t tick_cnt, int32_t *dropped_cnt) {
  if (!is_tick_cnt(tick_cnt)) return PMM_INVAL;
  if (tick_cnt > ladder->cap_cnt) return PMM_FULL;
  int32_t const to_e4 = PMM_ONE_E4 / tick_cnt;
  int32_t dropped = 0;
  for (int side = 0; side < 2; side++)
    dropped += move_levels(ladder->qty_e6[side], ladder->tick_cnt, ladder->tick_e4, to_e4);
  ladder->tick_cnt = tick_cnt;
  ladder->tick_e4 = to_e4;
  for (int side = 0; side < 2; side++) index_levels(ladder, (pmm_side_t)side);
  if (dropped_cnt) *dropped_cnt = dropped;
  return PMM_OK;
}

/* Bits of a word strictly below or above bit b. */
static uint64_t bits_below(int32_t b) { return (UINT64_C(1) << b) - 1; }
static uint64_t bits_above(int32_t b) { return ~UINT64_C(1) << b; }

static int32_t next_down(const pmm_ladder_t *l, pmm_side_t side, int32_t tick) {
  int32_t const w = tick >> 6;
  uint64_t const here = l->used[side][w] & bits_below(tick & 63);
  if (here) return w * 64 + 63 - __builtin_clzll(here);
  uint64_t words = l->top[side][w >> 6] & bits_below(w & 63);
  for (int32_t t = w >> 6; t >= 0; words = t > 0 ? l->top[side][t - 1] : 0, t--)
    if (words) {
      int32_t const found = t * 64 + 63 - __builtin_clzll(words);
      return found * 64 + 63 - __builtin_clzll(l->used[side][found]);
    }
  return PMM_TICKS_NONE;
}

static int32_t next_up(const pmm_ladder_t *l, pmm_side_t side, int32_t tick) {
  int32_t const w = tick >> 6;
  uint64_t const here = l->used[side][w] & bits_above(tick & 63);
  if (here) return w * 64 + __builtin_ctzll(here);
  uint64_t words = l->top[side][w >> 6] & bits_above(w & 63);
  for (int32_t t = w >> 6; t < PMM_LADDER_TOPS_MAX; words = t + 1 < PMM_LADDER_TOPS_MAX ? l->top[side][t + 1] : 0, t++)
    if (words) {
      int32_t const found = t * 64 + __builtin_ctzll(words);
      return found * 64 + __builtin_ctzll(l->used[side][found]);
    }
  return PMM_TICKS_NONE;
}

int32_t pmm_ladder_next(const pmm_ladder_t *ladder, pmm_side_t side, int32_t tick) {
  assert(tick >= 0 && tick < ladder->tick_cnt);
  return side == PMM_BID ? next_down(ladder, side, tick) : next_up(ladder, side, tick);
}

pmm_book_state_t pmm_ladder_state(const pmm_ladder_t *ladder) {
  int32_t const bid = ladder->best[PMM_BID], ask = ladder->best[PMM_ASK];
  if (bid == PMM_TICKS_NONE && ask == PMM_TICKS_NONE) return PMM_BOOK_EMPTY;
  if (bid == PMM_TICKS_NONE || ask == PMM_TICKS_NONE) return PMM_BOOK_ONE_SIDED;
  return bid < ask ? PMM_BOOK_NORMAL : bid == ask ? PMM_BOOK_LOCKED : PMM_BOOK_CROSSED;
}

static int64_t add_saturating(int64_t a, int64_t b) {
  int64_t sum;
  return __builtin_add_overflow(a, b, &sum) ? INT64_MAX : sum;
}

int64_t pmm_ladder_depth(const pmm_ladder_t *ladder, pmm_side_t side, int32_t level_cnt) {
  int64_t sum = 0;
  int32_t tick = ladder->best[side];
  for (int32_t n = 0; n < level_cnt && tick != PMM_TICKS_NONE; n++, tick = pmm_ladder_next(ladder, side, tick))
    sum = add_saturating(sum, ladder->qty_e6[side][tick]);
  return sum;
}

int64_t pmm_ladder_qty_through(const pmm_ladder_t *ladder, pmm_side_t side, int32_t limit_tick) {
  int64_t sum = 0;
  for (int32_t tick = ladder->best[side];
       tick != PMM_TICKS_NONE && (side == PMM_BID ? tick >= limit_tick : tick <= limit_tick);
       tick = pmm_ladder_next(ladder, side, tick))
    sum = add_saturating(sum, ladder->qty_e6[side][tick]);
  return sum;
}

double pmm_ladder_imbalance(const pmm_ladder_t *ladder, int32_t level_cnt) {
  double const bid = (double)pmm_ladder_depth(ladder, PMM_BID, level_cnt);
  double const ask = (double)pmm_ladder_depth(ladder, PMM_ASK, level_cnt);
  return bid + ask > 0 ? (bid - ask) / (bid + ask) : 0;
}

static bool has_mid(const pmm_ladder_t *ladder) {
  pmm_book_state_t const state = pmm_ladder_state(ladder);
  return state == PMM_BOOK_NORMAL || state == PMM_BOOK_LOCKED;
}

pmm_status_t pmm_ladder_mid(const pmm_ladder_t *ladder, double *mid) {
  if (!has_mid(ladder)) return PMM_NOT_READY;
  *mid = (double)(pmm_ladder_best_e4(ladder, PMM_BID) + pmm_ladder_best_e4(ladder, PMM_ASK)) / (2.0 * PMM_ONE_E4);
  return PMM_OK;
}

pmm_status_t pmm_ladder_microprice(const pmm_ladder_t *ladder, double *price) {
  if (!has_mid(ladder)) return PMM_NOT_READY;
  double const bid = (double)pmm_ladder_best_e4(ladder, PMM_BID) / PMM_ONE_E4;
  double const ask = (double)pmm_ladder_best_e4(ladder, PMM_ASK) / PMM_ONE_E4;
  double const bid_qty = (double)ladder->qty_e6[PMM_BID][ladder->best[PMM_BID]];
  double const ask_qty = (double)ladder->qty_e6[PMM_ASK][ladder->best[PMM_ASK]];
  *price = (bid * ask_qty + ask * bid_qty) / (bid_qty + ask_qty);
  return PMM_OK;
}

int64_t pmm_ladder_notional(const pmm_ladder_t *ladder) {
  pmm_i128_t sum = 0;
  for (int side = 0; side < 2; side++)
    for (int32_t tick = ladder->best[side]; tick != PMM_TICKS_NONE; tick = pmm_ladder_next(ladder, (pmm_side_t)side, tick)) {
      int32_t const p = tick * ladder->tick_e4;
      sum += (pmm_i128_t)ladder->qty_e6[side][tick] * (side == PMM_BID ? p : PMM_ONE_E4 - p);
    }
  sum /= PMM_ONE_E4;
  return sum > INT64_MAX ? INT64_MAX : (int64_t)sum;
}

uint64_t pmm_ladder_hash(const pmm_ladder_t *ladder) {
  uint64_t sum = 0; /* a sum does not depend on the order */
  for (int side = 0; side < 2; side++)
    for (int32_t tick = ladder->best[side]; tick != PMM_TICKS_NONE; tick = pmm_ladder_next(ladder, (pmm_side_t)side, tick)) {
      uint64_t const place = (uint64_t)(tick * ladder->tick_e4) * 2 + (uint64_t)side;
      sum += pmm_hash_mix(pmm_hash_mix(0, place), (uint64_t)ladder->qty_e6[side][tick]);
    }
  return sum;
}

static bool side_is_valid(const pmm_ladder_t *l, int side) {
  int32_t first = PMM_TICKS_NONE, last = PMM_TICKS_NONE, cnt = 0;
  for (int32_t i = 0; i < l->cap_cnt; i++) {
    int64_t const qty = l->qty_e6[side][i];
    bool const used = l->used[side][i >> 6] >> (i & 63) & 1;
    if (qty < 0 || used != (qty != 0)) return false;
    if (!used) continue;
    if (i < 1 || i >= l->tick_cnt) return false;
    if (first == PMM_TICKS_NONE) first = i;
    last = i;
    cnt++;
  }
  for (int32_t w = 0; w < PMM_LADDER_TOPS_MAX * 64; w++) {
    bool const top = l->top[side][w >> 6] >> (w & 63) & 1;
    if (top != (w < (int32_t)word_cnt(l->cap_cnt) && l->used[side][w] != 0)) return false;
  }
  return l->level_cnt[side] == cnt && l->best[side] == (side == PMM_BID ? last : first);
}

bool pmm_ladder_is_valid(const pmm_ladder_t *ladder) {
  if (!is_tick_cnt(ladder->tick_cnt) || ladder->tick_e4 * ladder->tick_cnt != PMM_ONE_E4) return false;
  if (ladder->tick_cnt > ladder->cap_cnt || ladder->cap_cnt > PMM_LADDER_TICKS_MAX) return false;
  return side_is_valid(ladder, PMM_BID) && side_is_valid(ladder, PMM_ASK);
}
