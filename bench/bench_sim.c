/* bench_sim [N] -- what the fill simulator costs per record: N (default 20 000 000) records like those of workload W1 (92 % levels
   within eight ticks of a moving mid, 8 % prints at the touch) go through the book alone, through the book and a simulator without
   orders, and through the same with one bid and one ask kept near the touch, replaced whenever they fill. One JSON object a line;
   ns_per_record of the first line is to be taken off the others. The hash is that of the account and depends on N only. */
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include "pmm/exchange.h"
#include "pmm/hash.h"

#define BLOCK (1u << 16) /* 2.5 MiB of records drawn beforehand; a larger N goes round */

static double now_s(void) {
  struct timespec ts;
  clock_gettime(CLOCK_MONOTONIC, &ts);
  return (double)ts.tv_sec + (double)ts.tv_nsec * 1e-9;
}

/* The price walks a tick: the level that it reaches is taken out, as venues send it. */
static pmm_md_t walk(pmm_rng_t *rng, int32_t *mid) {
  bool const up = *mid <= 10 || (*mid < 90 && pmm_rng_below(rng, 2));
  int32_t const reached = up ? *mid + 1 : *mid;
  *mid += up ? 1 : -1;
  return (pmm_md_t){.price_e4 = 100 * reached, .kind = PMM_MD_LEVEL, .side = up ? PMM_ASK : PMM_BID};
}

static pmm_md_t draw(pmm_rng_t *rng, int32_t mid) {
  int32_t const off = (int32_t)pmm_rng_below(rng, 8);
  bool const bid = pmm_rng_below(rng, 2), print = pmm_rng_below(rng, 100) < 8;
  int64_t const qty = (int64_t)pmm_rng_below(rng, 500) * PMM_ONE_E6;
  if (print) return (pmm_md_t){.qty_e6 = qty / 10 + PMM_ONE_E6, .price_e4 = 100 * (bid ? mid + 1 : mid), .kind = PMM_MD_TRADE, .side = bid ? PMM_BID : PMM_ASK};
  return (pmm_md_t){.qty_e6 = qty, .price_e4 = 100 * (bid ? mid - off : mid + 1 + off), .kind = PMM_MD_LEVEL, .side = bid ? PMM_BID : PMM_ASK};
}

static void prepare(pmm_md_t *md) {
  pmm_rng_t rng;
  pmm_rng_seed(&rng, 7);
  int32_t mid = 50;
  md[0] = (pmm_md_t){.kind = PMM_MD_CLEAR, .flags = PMM_F_LAST};
  for (uint32_t i = 1; i < BLOCK; i++) {
    md[i] = pmm_rng_below(&rng, 500) == 0 ? walk(&rng, &mid) : draw(&rng, mid);
    md[i].recv_ns = md[i].exch_ns = i;
    md[i].flags = PMM_F_LAST;
  }
}

typedef struct bench {
  pmm_arena_t arena;
  pmm_market_t market, *markets[1];
  pmm_ladder_t ladder, *ladders[1];
  pmm_sim_t *sim;
  uint64_t id[2], last_id, hash, fills;
  int32_t price_e4[2]; /* of our orders; 0 none */
} bench_t;

static bool open_bench(bench_t *b) {
  *b = (bench_t){0};
  pmm_market_init(&b->market, "bench");
  b->market.data = PMM_DATA_DEPTH | PMM_DATA_TRADES;
  b->markets[0] = &b->market;
  b->ladders[0] = &b->ladder;
  pmm_sim_params_t const params = {.queue = PMM_QUEUE_POWER, .queue_power = 2, .cross_fill = PMM_CROSSFILL_ALWAYS, .through = true, .footprint = true};
  return pmm_arena_open(&b->arena, pmm_sim_bytes(1, 64) + pmm_ladder_bytes(100)) == PMM_OK && pmm_ladder_init(&b->ladder, &b->arena, 100, 100) == PMM_OK &&
         pmm_sim_init(&b->sim, &b->arena, &params, b->markets, b->ladders, 1, 64, INT64_C(1000000000000000)) == PMM_OK;
}

/* Keeps one order a side, one tick behind the touch: where it stands while it is within a tick of that, else anew. */
static void quote(bench_t *b, int64_t now) {
  for (int side = PMM_BID; side <= PMM_ASK; side++) {
    int32_t const best_e4 = pmm_ladder_best_e4(&b->ladder, (pmm_side_t)side), want_e4 = best_e4 + (side == PMM_BID ? -100 : 100);
    if (best_e4 == 0 || want_e4 <= 0 || want_e4 >= PMM_ONE_E4) continue;
    if (b->price_e4[side] != 0 && abs(b->price_e4[side] - want_e4) <= 100) continue;
    if (b->price_e4[side] != 0) {
      pmm_action_t const gone = {.order_id = b->id[side], .kind = PMM_ACT_CANCEL};
      pmm_sim_on_action(b->sim, now, &gone);
    }
    b->id[side] = ++b->last_id;
    b->price_e4[side] = want_e4;
    pmm_action_t const a = {.order_id = b->last_id, .qty_e6 = 20 * PMM_ONE_E6, .price_e4 = want_e4, .kind = PMM_ACT_PLACE, .route = side == PMM_BID ? PMM_BUY_YES : PMM_BUY_NO, .flags = PMM_ACT_POST_ONLY};
    pmm_sim_on_action(b->sim, now, &a);
  }
}

static void collect(bench_t *b) {
  pmm_event_t e;
  while (pmm_sim_poll(b->sim, &e)) {
    b->hash = pmm_hash_mix(b->hash, e.order_id ^ (uint64_t)e.md.qty_e6 << 8 ^ (uint64_t)e.md.kind << 56);
    b->fills += e.md.kind == PMM_EV_FILL;
    for (int side = PMM_BID; side <= PMM_ASK; side++)
      if (b->id[side] == e.order_id && (e.md.kind == PMM_EV_REJECT || (e.md.kind == PMM_EV_FILL && pmm_sim_ahead(b->sim, e.order_id) < 0))) b->price_e4[side] = 0;
  }
}

static int run(const char *name, const pmm_md_t *md, uint64_t n, bool with_sim, bool with_orders) {
  bench_t b;
  if (!open_bench(&b)) return 1;
  int64_t old;
  double const start = now_s();
  for (uint64_t i = 0; i < n; i++) {
    const pmm_md_t *const r = &md[i & (BLOCK - 1)];
    pmm_book_apply(&b.ladder, &b.market.grid, r, &old);
    if (!with_sim) continue;
    pmm_sim_on_md_fast(b.sim, (int64_t)i, r);
    if (!with_orders) continue;
    if ((i & 63) == 0) quote(&b, (int64_t)i);
    collect(&b);
  }
  double const wall = now_s() - start;
  b.hash = pmm_hash_mix(b.hash, (uint64_t)pmm_sim_cash(b.sim) ^ pmm_ladder_hash(&b.ladder));
  printf("{\"bench\":\"sim\",\"case\":\"%s\",\"records\":%llu,\"fills\":%llu,\"wall_s\":%.3f,\"ns_per_record\":%.2f,\"hash\":\"%016llx\"}\n", name, (unsigned long long)n, (unsigned long long)b.fills, wall,
         wall * 1e9 / (double)n, (unsigned long long)b.hash);
  pmm_arena_close(&b.arena);
  return 0;
}

int main(int argc, char **argv) {
  uint64_t const n = argc > 1 ? strtoull(argv[1], NULL, 10) : 20000000;
  pmm_md_t *const md = malloc(BLOCK * sizeof *md);
  if (!md || n == 0) return 1;
  prepare(md);
  int const failed = run("book only", md, n, false, false) | run("no orders", md, n, true, false) | run("two orders", md, n, true, true);
  free(md);
  return failed;
}
