#include "pmm/arena.h"
#include <assert.h>
#include <malloc.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#define HUGE_PAGE ((size_t)2 << 20)

void pmm_arena_init(pmm_arena_t *arena, void *base, size_t cap) {
  assert((uintptr_t)base % 64 == 0);
  *arena = (pmm_arena_t){.base = base, .cap = cap};
}

static size_t whole_pages(size_t len) { return (len + HUGE_PAGE - 1) & ~(HUGE_PAGE - 1); }

pmm_status_t pmm_arena_open(pmm_arena_t *arena, size_t cap) {
  if (cap == 0) return PMM_INVAL;
  if (cap > SIZE_MAX - 2 * HUGE_PAGE) return PMM_IO;
  size_t const len = whole_pages(cap), room = len + HUGE_PAGE; /* its pages may become huge ones */
  unsigned char *const base = mmap(NULL, room, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  if (base == MAP_FAILED) return PMM_IO;
  size_t const before = (HUGE_PAGE - (uintptr_t)base % HUGE_PAGE) % HUGE_PAGE, after = room - before - len;
  if (before) munmap(base, before);
  if (after) munmap(base + before + len, after);
  *arena = (pmm_arena_t){.base = base + before, .cap = cap, .mapped = true};
  return PMM_OK;
}

void pmm_arena_close(pmm_arena_t *arena) {
  if (arena->mapped) munmap(arena->base, whole_pages(arena->cap));
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

void pmm_arena_touch(pmm_arena_t *arena) {
  if (arena->mapped) (void)madvise(arena->base, whole_pages(arena->cap), MADV_HUGEPAGE);
  pmm_pages_touch(arena->base, arena->used);
}

/* One heap that grows in large steps, with large blocks in it, too: the library would map those by themselves, on small pages. */
void pmm_heap_huge(void) {
  static char *begin;
  enum { STEP = 256 << 20 };
  if (begin) return;
  (void)mallopt(M_MMAP_THRESHOLD, 32 << 20); /* the most it takes */
  (void)mallopt(M_TRIM_THRESHOLD, 1 << 30);
  (void)mallopt(M_TOP_PAD, STEP);
  begin = sbrk(0);
  void *volatile const grows = malloc(HUGE_PAGE); /* volatile: a block nobody uses would not be taken */
  free(grows);
  size_t const before = (HUGE_PAGE - (uintptr_t)begin % HUGE_PAGE) % HUGE_PAGE;
  char *const end = sbrk(0);
  if (end > begin + before) (void)madvise(begin + before, (size_t)(end - begin) - before, MADV_HUGEPAGE);
}
