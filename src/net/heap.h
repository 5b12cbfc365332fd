/* net/heap.h -- timers in a binary heap, the earliest first, ties in the order they were set: so that what happens at one moment
   repeats in order. A timer's place stands in the timer itself (heap, from 1), so stopping one is O(log n). */
#ifndef PMM_NET_HEAP_H
#define PMM_NET_HEAP_H
#include "pmm/net.h"

typedef struct pmm__heap_entry { int64_t at_ns; uint64_t seq; pmm_timer_t *timer; } pmm__heap_entry_t;
typedef struct pmm__heap { pmm__heap_entry_t *entry; uint32_t cnt, cap; uint64_t seq; } pmm__heap_t; /* zeroed before first use */

/* Sets or moves; PMM_FULL (out of memory): the timer is not set. */
pmm_status_t pmm__heap_set(pmm__heap_t *heap, pmm_timer_t *timer, int64_t at_ns);
void pmm__heap_stop(pmm__heap_t *heap, pmm_timer_t *timer);
static inline int64_t pmm__heap_next(const pmm__heap_t *heap) { return heap->cnt ? heap->entry[0].at_ns : PMM_NS_MAX; }
pmm_timer_t *pmm__heap_pop(pmm__heap_t *heap); /* the earliest, no longer set; NULL when empty */
void pmm__heap_fini(pmm__heap_t *heap);        /* no timer is set any more; none of them is touched */
#endif
