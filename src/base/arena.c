#include "pmm/arena.h"
#include <assert.h>
#include <string.h>
#include <sys/mman.h>

void pmm_arena_init(pmm_arena_t *arena, void *base, size_t cap) {
  assert((uintptr_t)base % 64 == 0);
  *arena = (pmm_arena_t){.base = base, .cap = cap};
}

pmm_status_t pmm_arena_open(pmm_arena_t *arena, size_t cap) {
  if (cap == 0) return PMM_INVAL;
  void *const base = mmap(NULL, cap, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  if (base == MAP_FAILED) return PMM_IO;
  *arena = (pmm_arena_t){.base = base, .cap = cap, .mapped = true};
  return PMM_OK;
}

void pmm_arena_close(pmm_arena_t *arena) {
  if (arena->mapped) munmap(arena->base, arena->cap);
  *arena = (pmm_arena_t){0};
}

void *pmm_arena_take(pmm_arena_t *arena, size_t size, size_t align) {
  assert(!arena->sealed); /* startup is over: a hot path is allocating */
  assert(align != 0 && align <= 64 && (align & (align - 1)) == 0);
  if (arena->used > SIZE_MAX - (align - 1)) return NULL;
  size_t const start = (arena->used + align - 1) & ~(align - 1);
  if (start > arena->cap || size > arena->cap - start) return NULL;
  arena->used = start + size;
  unsigned char *const p = arena->base + start;
  /* Fresh pages from the system are zero already; writing them would make them resident before anyone needs them. */
  return arena->mapped ? p : memset(p, 0, size);
}

void pmm_arena_seal(pmm_arena_t *arena) { arena->sealed = true; }

#define PAGE 4096

void pmm_pages_touch(void *base, size_t len) {
  volatile unsigned char *const p = base;
  if (!p || len == 0) return;
  for (size_t i = 0; i < len; i += PAGE) p[i] = p[i];
  p[len - 1] = p[len - 1];
}

void pmm_arena_touch(pmm_arena_t *arena) { pmm_pages_touch(arena->base, arena->used); }
