/* bench_match [N] -- requests per second of the matching engine: N (default 5 000 000) requests of 64 accounts on one market
   of 99 cents, drawn beforehand: 50 % limit orders around the touch, 35 % cancels (all of them once 2 000 orders wait), 10 %
   immediate orders, 5 % amends. Each account counts its own order ids. Events are polled dry after each request, as a
   server would. One JSON object; the hash is that of all events and depends on N only. */
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include "pmm/exchange.h"
#include "pmm/hash.h"

enum { ACCOUNTS = 64, ORDERS = 4096, WAITING = 2000 };

typedef struct request { pmm_action_t action; uint32_t account; } request_t;
typedef struct placed { uint64_t id; int32_t price_e4; uint32_t account; uint8_t route; } placed_t; /* perhaps filled since */

static double now_s(void) {
  struct timespec ts;
  clock_gettime(CLOCK_MONOTONIC, &ts);
  return (double)ts.tv_sec + (double)ts.tv_nsec * 1e-9;
}

static request_t place(pmm_rng_t *rng, int32_t mid, pmm_tif_t tif, uint64_t *next_id) {
  bool const bid = pmm_rng_below(rng, 2);
  int32_t const away = tif == PMM_IOC ? -2 : (int32_t)pmm_rng_below(rng, 11) - 1; /* some rest through the touch */
  uint32_t const account = (uint32_t)pmm_rng_below(rng, ACCOUNTS);
  return (request_t){.account = account,
                     .action = {.order_id = ++next_id[account], .qty_e6 = (int64_t)(1 + pmm_rng_below(rng, 50)) * PMM_ONE_E6, .price_e4 = 100 * (bid ? mid - away : mid + away),
                                .kind = PMM_ACT_PLACE, .route = bid ? PMM_BUY_YES : PMM_BUY_NO, .tif = (uint8_t)tif}};
}

static request_t change(pmm_rng_t *rng, pmm_action_kind_t kind, const placed_t *o) {
  return (request_t){.account = o->account,
                     .action = {.order_id = o->id, .qty_e6 = (int64_t)(1 + pmm_rng_below(rng, 50)) * PMM_ONE_E6, .price_e4 = o->price_e4, .kind = (uint8_t)kind, .route = o->route}};
}

static void prepare(request_t *out, uint64_t cnt) {
  static placed_t waiting[WAITING + 1];
  uint64_t next_id[ACCOUNTS] = {0};
  size_t wait_cnt = 0;
  pmm_rng_t rng;
  pmm_rng_seed(&rng, 1);
  int32_t mid = 50;
  for (uint64_t i = 0; i < cnt; i++) {
    if (pmm_rng_below(&rng, 500) == 0) mid += pmm_rng_below(&rng, 2) ? (mid < 80) : -(mid > 20);
    uint64_t const what = wait_cnt == WAITING ? 60 : pmm_rng_below(&rng, 100);
    if (what < 50 || wait_cnt == 0) {
      out[i] = place(&rng, mid, PMM_GTC, next_id);
      waiting[wait_cnt++] = (placed_t){out[i].action.order_id, out[i].action.price_e4, out[i].account, out[i].action.route};
    } else if (what < 85) {
      size_t const k = pmm_rng_below(&rng, wait_cnt);
      out[i] = change(&rng, PMM_ACT_CANCEL, &waiting[k]);
      waiting[k] = waiting[--wait_cnt];
    } else if (what < 95) {
      out[i] = place(&rng, mid, PMM_IOC, next_id);
    } else {
      out[i] = change(&rng, PMM_ACT_AMEND, &waiting[pmm_rng_below(&rng, wait_cnt)]);
    }
  }
}

int main(int argc, char **argv) {
  uint64_t const cnt = argc > 1 ? strtoull(argv[1], NULL, 10) : 5000000;
  request_t *const request = malloc(cnt * sizeof *request);
  pmm_market_t market;
  pmm_market_init(&market, "bench");
  pmm_match_params_t const params = {.stp = PMM_STP_CANCEL_MAKER, .net_pairs = true, .accounts_max = ACCOUNTS, .orders_max = ORDERS, .client_ids_max = cnt + 1};
  pmm_arena_t arena;
  pmm_match_t *match;
  if (cnt == 0 || !request || pmm_arena_open(&arena, pmm_match_bytes(&params, 1)) != PMM_OK || pmm_match_init(&match, &arena, &params, &market, 1) != PMM_OK) {
    fprintf(stderr, "bench_match: no memory for %llu requests\n", (unsigned long long)cnt);
    return 1;
  }
  uint32_t account;
  for (int i = 0; i < ACCOUNTS; i++) pmm_match_account(match, INT64_C(1000000000000), &account);
  prepare(request, cnt);
  uint64_t hash = 0, events = 0, trades = 0;
  pmm_event_t event;
  double const start = now_s();
  for (uint64_t i = 0; i < cnt; i++) {
    pmm_match_submit(match, request[i].account, (int64_t)i, &request[i].action);
    while (pmm_match_poll(match, &account, &event)) {
      hash = pmm_hash_mix(hash, (uint64_t)event.md.qty_e6 ^ event.order_id << 20 ^ (uint64_t)event.md.price_e4 << 44 ^ (uint64_t)event.md.kind << 58);
      events++;
      trades += event.md.kind == PMM_MD_TRADE;
    }
  }
  double const wall = now_s() - start;
  pmm_error_t err;
  if (pmm_match_check(match, &err) != PMM_OK) {
    fprintf(stderr, "bench_match: %s\n", err.text);
    return 1;
  }
  printf("{\"bench\":\"match\",\"requests\":%llu,\"events\":%llu,\"trades\":%llu,\"wall_s\":%.3f,\"requests_per_s\":%.0f,\"ns_per_request\":%.1f,\"hash\":\"%016llx\"}\n", (unsigned long long)cnt,
         (unsigned long long)events, (unsigned long long)trades, wall, (double)cnt / wall, wall * 1e9 / (double)cnt, (unsigned long long)hash);
  pmm_arena_close(&arena);
  free(request);
  return 0;
}
