#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>
#include "base/check.h"
#include "pmm/arena.h"

#define BLOCK 4096

static void take_aligns_and_zeroes(void **state) {
  (void)state;
  void *const block = aligned_alloc(64, BLOCK);
  memset(block, 0xff, BLOCK);
  pmm_arena_t arena;
  pmm_arena_init(&arena, block, BLOCK);
  static const struct { size_t size, align, used; } rows[] = {{1, 1, 1}, {8, 8, 16}, {3, 64, 67}, {0, 2, 68}, {64, 64, 192}};
  for (size_t i = 0; i < COUNT_OF(rows); i++) {
    unsigned char *const p = pmm_arena_take(&arena, rows[i].size, rows[i].align);
    assert_non_null(p);
    assert_int_equal((uintptr_t)p % rows[i].align, 0);
    for (size_t k = 0; k < rows[i].size; k++) assert_int_equal(p[k], 0);
    assert_int_equal(arena.used, rows[i].used);
  }
  pmm_arena_close(&arena);
  assert_null(arena.base);
  free(block);
}

static void take_says_when_full(void **state) {
  (void)state;
  void *const block = aligned_alloc(64, 128);
  pmm_arena_t arena;
  pmm_arena_init(&arena, block, 128);
  assert_null(pmm_arena_take(&arena, 129, 1));
  assert_null(pmm_arena_take(&arena, SIZE_MAX, 1));
  assert_int_equal(arena.used, 0);
  assert_non_null(pmm_arena_take(&arena, 65, 1));
  assert_null(pmm_arena_take(&arena, 1, 64));
  assert_non_null(pmm_arena_take(&arena, 63, 1));
  assert_null(pmm_arena_take(&arena, 1, 1));
  assert_non_null(pmm_arena_take(&arena, 0, 1));
  arena.used = SIZE_MAX; /* even then nothing wraps */
  assert_null(pmm_arena_take(&arena, 1, 64));
  free(block);
}

static void open_reserves_without_touching(void **state) {
  (void)state;
  pmm_arena_t arena;
  assert_int_equal(pmm_arena_open(&arena, (size_t)1 << 33), PMM_OK);
  int64_t *const far = PMM_ARENA_NEW(&arena, int64_t, (size_t)1 << 29);
  assert_non_null(far);
  assert_int_equal((uintptr_t)far % 64, 0);
  assert_int_equal(far[((size_t)1 << 29) - 1], 0);
  far[12345] = 1;
  pmm_arena_close(&arena);
  assert_null(arena.base);
  pmm_arena_close(&arena); /* twice is harmless */
}

static void touched_blocks_may_be_huge(void **state) { /* whether they are is the system's affair; that they could be is ours */
  (void)state;
  enum { HUGE_PAGE = 2 << 20, LEN = 5 << 20 };
  pmm_arena_t arena;
  assert_int_equal(pmm_arena_open(&arena, LEN + 1), PMM_OK);
  assert_int_equal((uintptr_t)arena.base % HUGE_PAGE, 0);
  assert_null(pmm_arena_take(&arena, LEN + 2, 1)); /* no more than was asked for */
  unsigned char *const p = pmm_arena_take(&arena, LEN + 1, 1);
  assert_non_null(p);
  pmm_arena_touch(&arena);
  for (size_t i = 0; i < LEN + 1; i += 4096) assert_int_equal(p[i], 0);
  p[LEN] = 1;
  pmm_arena_close(&arena);
#ifndef __SANITIZE_ADDRESS__
  pmm_heap_huge();
  pmm_heap_huge(); /* once is enough */
  char *const large = malloc(LEN);
  assert_non_null(large);
  assert_true(large < (char *)sbrk(0)); /* in the heap, not a mapping of its own */
  free(large);
#endif
}

static void open_can_fail(void **state) {
  (void)state;
  pmm_arena_t arena = {.used = 7};
  assert_int_equal(pmm_arena_open(&arena, 0), PMM_INVAL);
  assert_int_equal(pmm_arena_open(&arena, SIZE_MAX / 2), PMM_IO);
  assert_int_equal(arena.used, 7);
}

/* Runs `body` in a child process and tells whether an assertion stopped it. */
static bool aborts(void (*body)(void)) {
  fflush(NULL);
  pid_t const child = fork();
  if (child == 0) {
    if (freopen("/dev/null", "w", stderr) == NULL) _exit(3);
    signal(SIGABRT, SIG_DFL);
    body();
    _exit(0);
  }
  int status = 0;
  waitpid(child, &status, 0);
  return WIFSIGNALED(status) && WTERMSIG(status) == SIGABRT;
}

static void take_from(bool sealed, size_t align) {
  _Alignas(64) static unsigned char block[256];
  pmm_arena_t arena;
  pmm_arena_init(&arena, block, sizeof block);
  if (sealed) pmm_arena_seal(&arena);
  pmm_arena_take(&arena, 1, align);
}
static void take_open(void) { take_from(false, 64); }
static void take_sealed(void) { take_from(true, 64); }
static void take_align_3(void) { take_from(false, 3); }
static void take_align_128(void) { take_from(false, 128); }
static void init_unaligned(void) {
  _Alignas(64) static unsigned char block[256];
  pmm_arena_t arena;
  pmm_arena_init(&arena, block + 8, 128);
}

static void misuse_asserts(void **state) {
  (void)state;
#ifdef NDEBUG
  skip(); /* built without assertions */
#endif
  assert_false(aborts(take_open));
  assert_true(aborts(take_sealed));
  assert_true(aborts(take_align_3));
  assert_true(aborts(take_align_128));
  assert_true(aborts(init_unaligned));
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(take_aligns_and_zeroes),        cmocka_unit_test(take_says_when_full),
      cmocka_unit_test(open_reserves_without_touching), cmocka_unit_test(touched_blocks_may_be_huge), cmocka_unit_test(open_can_fail),
      cmocka_unit_test(misuse_asserts),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
