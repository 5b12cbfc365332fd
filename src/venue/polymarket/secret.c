/* Memory for key material: pages of its own, so that they can be locked and kept out of core dumps. */
#include <openssl/crypto.h>
#include <sys/mman.h>
#include <unistd.h>
#include "internal.h"

static size_t pages(size_t size) {
  size_t const page = (size_t)sysconf(_SC_PAGESIZE);
  return (size + page - 1) / page * page;
}

void *pmm__secret_alloc(size_t size) {
  void *const memory = mmap(NULL, pages(size), PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (memory == MAP_FAILED) return NULL;
  (void)madvise(memory, pages(size), MADV_DONTDUMP);
  (void)mlock(memory, pages(size)); /* refused by a small RLIMIT_MEMLOCK: the key may then reach swap, nothing else changes */
  return memory;
}

void pmm__secret_free(void *memory, size_t size) {
  if (!memory) return;
  OPENSSL_cleanse(memory, size);
  (void)munmap(memory, pages(size));
}
