/* pmm/ring.h -- single-producer single-consumer ring of fixed-size records, lock-free, in an arena.
   One thread pushes, one thread pops; logs and metrics leave the hot thread through it. */
#ifndef PMM_RING_H
#define PMM_RING_H
#include <stdatomic.h>
#include "pmm/arena.h"

typedef struct pmm_ring {
  _Alignas(64) _Atomic uint64_t head; /* next slot to write; producer only writes it */
  uint64_t tail_cache;
  _Alignas(64) _Atomic uint64_t tail; /* next slot to read; consumer only writes it */
  uint64_t head_cache;
  _Alignas(64) unsigned char *slots;
  uint64_t mask;
  size_t record_size;
} pmm_ring_t;

/* pmm_ring_init: capacity_cnt is rounded up to a power of two (2 .. 2^31). PMM_INVAL, PMM_FULL (arena). */
pmm_status_t pmm_ring_init(pmm_ring_t *ring, pmm_arena_t *arena, size_t record_size, size_t capacity_cnt);
/* pmm_ring_push copies a record in; PMM_FULL when the consumer is behind. O(1). */
pmm_status_t pmm_ring_push(pmm_ring_t *ring, const void *record);
/* pmm_ring_pop copies the oldest record out; PMM_END when empty. O(1). */
pmm_status_t pmm_ring_pop(pmm_ring_t *ring, void *record_out);
size_t pmm_ring_count(const pmm_ring_t *ring); /* a moment's view */
#endif
