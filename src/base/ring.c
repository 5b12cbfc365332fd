#include "pmm/ring.h"
#include <string.h>

#define RING_CNT_MAX (UINT64_C(1) << 31)

pmm_status_t pmm_ring_init(pmm_ring_t *ring, pmm_arena_t *arena, size_t record_size, size_t capacity_cnt) {
  if (record_size == 0 || capacity_cnt == 0 || capacity_cnt > RING_CNT_MAX) return PMM_INVAL;
  size_t cnt = 2;
  while (cnt < capacity_cnt) cnt *= 2;
  if (record_size > SIZE_MAX / cnt) return PMM_FULL;
  unsigned char *const slots = pmm_arena_take(arena, record_size * cnt, 64);
  if (slots == NULL) return PMM_FULL;
  ring->slots = slots;
  ring->mask = cnt - 1;
  ring->record_size = record_size;
  ring->tail_cache = ring->head_cache = 0;
  atomic_init(&ring->head, 0);
  atomic_init(&ring->tail, 0);
  return PMM_OK;
}

/* Each side keeps a copy of the other's counter and looks at the shared one only when the copy says full or empty,
   so in the usual case the two threads touch no common cache line but the records. */
pmm_status_t pmm_ring_push(pmm_ring_t *ring, const void *record) {
  uint64_t const head = atomic_load_explicit(&ring->head, memory_order_relaxed);
  if (head - ring->tail_cache > ring->mask) {
    ring->tail_cache = atomic_load_explicit(&ring->tail, memory_order_acquire);
    if (head - ring->tail_cache > ring->mask) return PMM_FULL;
  }
  memcpy(ring->slots + (head & ring->mask) * ring->record_size, record, ring->record_size);
  atomic_store_explicit(&ring->head, head + 1, memory_order_release);
  return PMM_OK;
}

pmm_status_t pmm_ring_pop(pmm_ring_t *ring, void *record_out) {
  uint64_t const tail = atomic_load_explicit(&ring->tail, memory_order_relaxed);
  if (tail == ring->head_cache) {
    ring->head_cache = atomic_load_explicit(&ring->head, memory_order_acquire);
    if (tail == ring->head_cache) return PMM_END;
  }
  memcpy(record_out, ring->slots + (tail & ring->mask) * ring->record_size, ring->record_size);
  atomic_store_explicit(&ring->tail, tail + 1, memory_order_release);
  return PMM_OK;
}

/* Tail first: head never falls behind a tail read earlier, so the difference is never negative. */
size_t pmm_ring_count(const pmm_ring_t *ring) {
  uint64_t const tail = atomic_load_explicit(&ring->tail, memory_order_acquire);
  uint64_t const head = atomic_load_explicit(&ring->head, memory_order_acquire);
  return (size_t)(head - tail);
}
