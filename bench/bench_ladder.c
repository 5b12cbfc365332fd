/* bench_ladder [N] -- book updates per second: N (default 20 000 000) calls of pmm_ladder_set on books of 100, 1 000
   and 10 000 ticks. One JSON object per line. The updates are prepared beforehand; on 100 ticks they are of the kind
   that recorded books show (170 000 deltas of Kalshi's 15-minute BTC markets, 13 May 2026: 19 % make or empty a level,
   6 % move the best price, 69 % are for the side of the update before). ns_per_update is over the whole run,
   ns_per_update_min over its quickest 2^20 updates: on a busy machine the latter says more. The hash is that of the
   final books and depends on N only. */
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include "pmm/ladder.h"
#include "pmm/rng.h"

#define BLOCK_CNT (1u << 20) /* prepared updates, 16 MiB; a larger N goes round: each one sets an absolute size */
#define SPAN_PERCENT 12      /* of the ticks: how far from the touch updates fall */

typedef struct update {
  int64_t qty_e6;
  int32_t tick;
  int32_t side;
} update_t;

static double now_s(void) {
  struct timespec ts;
  clock_gettime(CLOCK_MONOTONIC, &ts);
  return (double)ts.tv_sec + (double)ts.tv_nsec * 1e-9;
}

/* Distance from the touch: small ones most often, always below span. */
static int32_t distance(pmm_rng_t *rng, int32_t span) {
  double const d = pmm_rng_exponential(rng, 2.0 / span);
  return d < span ? (int32_t)d : span - 1;
}

/* The price walks a tick: the level that it reaches is taken out, as venues send it. */
static update_t walk(pmm_rng_t *rng, int32_t tick_cnt, int32_t span, int32_t *mid) {
  bool const up = *mid <= span + 2 || (*mid < tick_cnt - span - 2 && pmm_rng_below(rng, 2));
  *mid += up ? 1 : -1;
  return (update_t){0, *mid, up ? PMM_ASK : PMM_BID};
}

static void prepare(update_t *updates, size_t cnt, int32_t tick_cnt, uint64_t seed) {
  pmm_rng_t rng;
  pmm_rng_seed(&rng, seed);
  int32_t const span = tick_cnt * SPAN_PERCENT / 100;
  int32_t mid = tick_cnt / 2, side = PMM_BID;
  for (size_t n = 0; n < cnt; n++) {
    if (pmm_rng_below(&rng, 40) == 0) {
      updates[n] = walk(&rng, tick_cnt, span, &mid);
      continue;
    }
    if (pmm_rng_below(&rng, 100) < 62) side = (int32_t)pmm_rng_below(&rng, 2);
    int32_t const d = 1 + distance(&rng, span);
    bool const emptied = pmm_rng_below(&rng, 10) == 0;
    int64_t const qty = emptied ? 0 : (int64_t)(1 + pmm_rng_below(&rng, 5000)) * PMM_ONE_E6;
    updates[n] = (update_t){qty, side == PMM_BID ? mid - d : mid + d, side};
  }
}

static uint64_t apply(pmm_ladder_t *ladder, const update_t *updates, size_t cnt) {
  uint64_t refused = 0;
  for (size_t i = 0; i < cnt; i++)
    refused += pmm_ladder_set(ladder, (pmm_side_t)updates[i].side, updates[i].tick, updates[i].qty_e6) != PMM_OK;
  return refused;
}

/* Applies n updates, going round the block; gives whole time and shortest time of an update, both in ns an update. */
static uint64_t run(pmm_ladder_t *ladder, const update_t *updates, size_t n, double *ns, double *ns_min) {
  uint64_t refused = 0;
  double const start = now_s();
  double last = start;
  *ns_min = 1e9;
  for (size_t left = n, cnt; left > 0; left -= cnt) {
    cnt = left < BLOCK_CNT ? left : BLOCK_CNT;
    refused += apply(ladder, updates, cnt);
    double const now = now_s(), block_ns = (now - last) * 1e9 / (double)cnt;
    if (block_ns < *ns_min) *ns_min = block_ns;
    last = now;
  }
  *ns = (last - start) * 1e9 / (double)n;
  return refused;
}

static int bench(update_t *updates, int32_t tick_cnt, size_t n) {
  pmm_arena_t arena;
  pmm_ladder_t ladder;
  if (pmm_arena_open(&arena, pmm_ladder_bytes(tick_cnt)) != PMM_OK ||
      pmm_ladder_init(&ladder, &arena, tick_cnt, tick_cnt) != PMM_OK)
    return 1;
  size_t const block_cnt = n < BLOCK_CNT ? n : BLOCK_CNT;
  prepare(updates, block_cnt, tick_cnt, (uint64_t)tick_cnt);
  double ns, ns_min;
  uint64_t const refused = run(&ladder, updates, n, &ns, &ns_min);
  printf("{\"bench\":\"ladder_set\",\"ticks\":%d,\"updates\":%zu,\"updates_per_s\":%.0f,\"ns_per_update\":%.3f,"
         "\"ns_per_update_min\":%.3f,\"hash\":\"0x%016llx\"}\n",
         tick_cnt, n, 1e9 / ns, ns, ns_min, (unsigned long long)pmm_ladder_hash(&ladder));
  bool const ok = refused == 0 && pmm_ladder_is_valid(&ladder);
  pmm_arena_close(&arena);
  return ok ? 0 : 1;
}

int main(int argc, char **argv) {
  static const int32_t tick_cnts[] = {100, 1000, 10000};
  long long const n = argc > 1 ? atoll(argv[1]) : 20000000;
  if (n <= 0) {
    fprintf(stderr, "usage: bench_ladder [updates]\n");
    return 2;
  }
  update_t *const updates = malloc(BLOCK_CNT * sizeof *updates);
  if (updates == NULL) return 1;
  int failed = 0;
  for (size_t i = 0; i < sizeof tick_cnts / sizeof tick_cnts[0]; i++) failed |= bench(updates, tick_cnts[i], (size_t)n);
  free(updates);
  return failed;
}
