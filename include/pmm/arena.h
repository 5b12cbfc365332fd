/* pmm/arena.h -- one block of memory, carved up at start and then sealed. The hot path takes nothing, so
   it cannot fail to allocate. Single owner; the caller owns the block. */
#ifndef PMM_ARENA_H
#define PMM_ARENA_H
#include "pmm/types.h"

typedef struct pmm_arena {
  unsigned char *base; /* 64-byte aligned, caller's memory */
  size_t cap, used;    /* bytes */
  bool sealed;
  bool mapped;         /* base came from pmm_arena_open: its pages are zero until written */
} pmm_arena_t;

/* pmm_arena_init lends base (64-byte aligned) to arena. */
void pmm_arena_init(pmm_arena_t *arena, void *base, size_t cap);
/* pmm_arena_open reserves cap bytes of address space from the system (pages are touched only when used);
   PMM_INVAL for 0, PMM_IO when the system refuses. Close with pmm_arena_close, which also frees a block taken by open. */
pmm_status_t pmm_arena_open(pmm_arena_t *arena, size_t cap);
void pmm_arena_close(pmm_arena_t *arena);
/* pmm_arena_take returns size zeroed bytes, or NULL when they do not fit. align: power of two <= 64. */
void *pmm_arena_take(pmm_arena_t *arena, size_t size, size_t align);
/* pmm_arena_seal: startup is over; a later take is a bug and asserts. */
void pmm_arena_seal(pmm_arena_t *arena);
/* Makes every page of what was taken resident now, so that the first order does not wait for the system to find memory. For live runs; costs what the
   memory costs. pmm_pages_touch does the same for any block; base NULL: nothing. */
void pmm_arena_touch(pmm_arena_t *arena);
void pmm_pages_touch(void *base, size_t len);
/* For a process whose time matters, once and before it allocates much: what malloc gives from now on lies on pages of 2 MiB, where the system gives them
   (/sys/kernel/mm/transparent_hugepage/enabled: always or madvise), and so do arenas that are touched. A message's way then waits less for addresses to be
   translated. Costs up to 2 MiB a block in memory; without such pages nothing changes. */
void pmm_heap_huge(void);

/* Asks for the cache lines of a block that will soon be written: of a table's next place, when one has just been taken. */
static inline void pmm_lines_want(const void *block, size_t len) {
  for (size_t i = 0; i < len; i += 64) __builtin_prefetch((const char *)block + i, 1);
}

#define PMM_ARENA_NEW(arena, type, cnt) ((type *)pmm_arena_take((arena), sizeof(type) * (size_t)(cnt), 64))
#endif
