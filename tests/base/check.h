/* tests/base/check.h -- what every test program shares: cmocka, seeds and operation counts. */
#ifndef PMM_TESTS_CHECK_H
#define PMM_TESTS_CHECK_H
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>
#include "pmm/rng.h"
#include "pmm/types.h"

#define COUNT_OF(a) (sizeof(a) / sizeof((a)[0]))
#define NO_MISMATCH UINT64_MAX

static inline uint64_t check_env_u64(const char *name, uint64_t fallback) {
  const char *const text = getenv(name);
  return text && *text ? strtoull(text, NULL, 0) : fallback;
}

/* Operations of a random test: PMM_TEST_OPS, or a slice that takes a fraction of a second. */
static inline uint64_t check_ops(uint64_t fast) { return check_env_u64("PMM_TEST_OPS", fast); }

/* Seed of a random test: PMM_TEST_SEED, or a fixed one; printed, so that a failure can be run again. */
static inline uint64_t check_seed(const char *what) {
  uint64_t const seed = check_env_u64("PMM_TEST_SEED", 20260921);
  printf("%s: PMM_TEST_SEED=%llu\n", what, (unsigned long long)seed);
  return seed;
}

static inline int64_t check_between(pmm_rng_t *rng, int64_t lo, int64_t hi) {
  return lo + (int64_t)pmm_rng_below(rng, (uint64_t)(hi - lo) + 1);
}

/* A random test runs `property(seed, ops, broken)`, which returns the number of the first operation at which code and
   model differ, or NO_MISMATCH. With broken set one operation is wrong on purpose: the canary must see it. */
typedef uint64_t (*check_property_t)(uint64_t seed, uint64_t ops, bool broken);
static inline void check_random(const char *what, check_property_t property, uint64_t fast_ops) {
  uint64_t const at = property(check_seed(what), check_ops(fast_ops), false);
  if (at != NO_MISMATCH) fail_msg("%s: code and model differ at operation %llu", what, (unsigned long long)at);
}
static inline void check_canary(const char *what, check_property_t property, uint64_t ops) {
  if (property(1, ops, true) == NO_MISMATCH) fail_msg("%s: the broken operation went unnoticed", what);
}
#endif
