#include "net/heap.h"
#include <stdlib.h>

static bool before(const pmm__heap_entry_t *a, const pmm__heap_entry_t *b) { return a->at_ns != b->at_ns ? a->at_ns < b->at_ns : a->seq < b->seq; }

static void put(pmm__heap_t *heap, uint32_t i, pmm__heap_entry_t entry) {
  heap->entry[i] = entry;
  entry.timer->heap = i + 1;
}

static void rise(pmm__heap_t *heap, uint32_t i, pmm__heap_entry_t entry) {
  for (; i > 0 && before(&entry, &heap->entry[(i - 1) / 2]); i = (i - 1) / 2) put(heap, i, heap->entry[(i - 1) / 2]);
  put(heap, i, entry);
}

static void sink(pmm__heap_t *heap, uint32_t i, pmm__heap_entry_t entry) {
  for (;;) {
    uint32_t child = 2 * i + 1;
    if (child >= heap->cnt) break;
    if (child + 1 < heap->cnt && before(&heap->entry[child + 1], &heap->entry[child])) child++;
    if (!before(&heap->entry[child], &entry)) break;
    put(heap, i, heap->entry[child]);
    i = child;
  }
  put(heap, i, entry);
}

/* Fills the hole at i with the last entry. */
static void close_hole(pmm__heap_t *heap, uint32_t i) {
  pmm__heap_entry_t const last = heap->entry[--heap->cnt];
  if (i == heap->cnt) return;
  if (i > 0 && before(&last, &heap->entry[(i - 1) / 2])) rise(heap, i, last);
  else sink(heap, i, last);
}

pmm_status_t pmm__heap_set(pmm__heap_t *heap, pmm_timer_t *timer, int64_t at_ns) {
  pmm__heap_stop(heap, timer);
  if (heap->cnt == heap->cap) {
    uint32_t const cap = heap->cap ? heap->cap * 2 : 64;
    pmm__heap_entry_t *const grown = realloc(heap->entry, cap * sizeof *grown);
    if (!grown) return PMM_FULL;
    heap->entry = grown;
    heap->cap = cap;
  }
  timer->at_ns = at_ns;
  rise(heap, heap->cnt++, (pmm__heap_entry_t){at_ns, ++heap->seq, timer});
  return PMM_OK;
}

void pmm__heap_stop(pmm__heap_t *heap, pmm_timer_t *timer) {
  if (timer->heap == 0) return;
  uint32_t const i = timer->heap - 1;
  timer->heap = 0;
  close_hole(heap, i);
}

pmm_timer_t *pmm__heap_pop(pmm__heap_t *heap) {
  if (heap->cnt == 0) return NULL;
  pmm_timer_t *const timer = heap->entry[0].timer;
  pmm__heap_stop(heap, timer);
  return timer;
}

void pmm__heap_fini(pmm__heap_t *heap) {
  free(heap->entry);
  *heap = (pmm__heap_t){0};
}
