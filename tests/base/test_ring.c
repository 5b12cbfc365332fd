#include <pthread.h>
#include <sched.h>
#include "base/check.h"
#include "pmm/hash.h"
#include "pmm/ring.h"

#define QUEUE_MAX 1024

static void init_table(void **state) {
  (void)state;
  static const struct { size_t size, cnt; pmm_status_t want; uint64_t mask; } rows[] = {
      {8, 1, PMM_OK, 1},      {8, 2, PMM_OK, 1},          {8, 3, PMM_OK, 3},
      {24, 64, PMM_OK, 63},   {1, 65, PMM_OK, 127},       {0, 8, PMM_INVAL, 0},
      {8, 0, PMM_INVAL, 0},   {1, (size_t)1 << 32, PMM_INVAL, 0}, {1 << 20, 1024, PMM_FULL, 0},
      {SIZE_MAX, 2, PMM_FULL, 0},
  };
  for (size_t i = 0; i < COUNT_OF(rows); i++) {
    pmm_arena_t arena;
    assert_int_equal(pmm_arena_open(&arena, 1 << 16), PMM_OK);
    pmm_ring_t ring = {.mask = 0};
    assert_int_equal(pmm_ring_init(&ring, &arena, rows[i].size, rows[i].cnt), rows[i].want);
    assert_int_equal(ring.mask, rows[i].mask);
    pmm_arena_close(&arena);
  }
}

/* One thread, random pushes and pops against an array. */
static uint64_t queue(uint64_t seed, uint64_t ops, bool broken) {
  pmm_rng_t rng;
  pmm_rng_seed(&rng, seed);
  pmm_arena_t arena;
  pmm_ring_t ring;
  uint64_t model[QUEUE_MAX], at = NO_MISMATCH;
  size_t cnt = 0, cap = (size_t)1 << (1 + pmm_rng_below(&rng, 9));
  assert_int_equal(pmm_arena_open(&arena, 1 << 20), PMM_OK);
  assert_int_equal(pmm_ring_init(&ring, &arena, sizeof(uint64_t[3]), cap), PMM_OK);
  for (uint64_t n = 0; n < ops && at == NO_MISMATCH; n++) {
    bool const pushing = pmm_rng_below(&rng, 10) < (n / 1000 % 2 ? 6u : 4u); /* fill, then drain */
    uint64_t record[3] = {n, ~n, n * 3}, out[3];
    bool ok;
    if (pushing) {
      ok = pmm_ring_push(&ring, record) == (cnt < cap ? PMM_OK : PMM_FULL);
      if (cnt < cap) model[cnt++] = broken && n >= 500 ? n + 1 : n;
    } else {
      ok = pmm_ring_pop(&ring, out) == (cnt > 0 ? PMM_OK : PMM_END);
      if (cnt > 0) {
        ok &= out[0] == model[0] && out[1] == ~model[0] && out[2] == model[0] * 3;
        memmove(model, model + 1, --cnt * sizeof model[0]);
      }
    }
    if (!ok || pmm_ring_count(&ring) != cnt) at = n;
  }
  pmm_arena_close(&arena);
  return at;
}

static void queue_matches_model(void **state) {
  (void)state;
  check_random("ring", queue, 300000);
  for (uint64_t seed = 0; seed < 20; seed++) assert_int_equal(queue(seed, 5000, false), NO_MISMATCH);
  check_canary("ring", queue, 5000);
}

/* Two threads: the records that come out are those that went in, in order. */
typedef struct lane {
  pmm_ring_t ring;
  uint64_t record_cnt, full_cnt;
} lane_t;

typedef struct record { uint64_t n, check[4]; } record_t;

static record_t make_record(uint64_t n) {
  record_t r = {.n = n};
  for (int k = 0; k < 4; k++) r.check[k] = pmm_hash_mix((uint64_t)k, n);
  return r;
}

static void *produce(void *arg) {
  lane_t *const lane = arg;
  for (uint64_t n = 0; n < lane->record_cnt; n++) {
    record_t const r = make_record(n);
    while (pmm_ring_push(&lane->ring, &r) != PMM_OK) {
      lane->full_cnt++;
      sched_yield();
    }
  }
  return NULL;
}

static void two_threads(void **state) {
  (void)state;
  pmm_arena_t arena;
  static lane_t lane;
  assert_int_equal(pmm_arena_open(&arena, 1 << 20), PMM_OK);
  assert_int_equal(pmm_ring_init(&lane.ring, &arena, sizeof(record_t), 64), PMM_OK);
  lane.record_cnt = check_ops(300000);
  pthread_t producer;
  assert_int_equal(pthread_create(&producer, NULL, produce, &lane), 0);
  uint64_t wrong = 0;
  for (uint64_t n = 0; n < lane.record_cnt;) {
    record_t r;
    if (pmm_ring_pop(&lane.ring, &r) != PMM_OK) {
      sched_yield();
      continue;
    }
    record_t const want = make_record(n++);
    wrong += memcmp(&r, &want, sizeof r) != 0;
    wrong += pmm_ring_count(&lane.ring) > 64;
  }
  pthread_join(producer, NULL);
  assert_int_equal(wrong, 0);
  assert_int_equal(pmm_ring_count(&lane.ring), 0);
  pmm_arena_close(&arena);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(init_table),
      cmocka_unit_test(queue_matches_model),
      cmocka_unit_test(two_threads),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
