#include "pmm/hash.h"
#include <isa-l/crc.h>
#include <xxhash.h>

#define CHUNK (1 << 30) /* ISA-L takes its length as an int */

/* ISA-L leaves the initial and final inversion of CRC-32C to its caller. */
uint32_t pmm_crc32c(uint32_t crc, const void *data, size_t len) {
  unsigned char *p = (unsigned char *)(uintptr_t)data; /* reads only, but its prototype has no const */
  crc = ~crc;
  while (len > 0) {
    int const n = len > CHUNK ? CHUNK : (int)len;
    crc = crc32_iscsi(p, n, crc);
    p += n;
    len -= (size_t)n;
  }
  return ~crc;
}

uint64_t pmm_hash64(const void *data, size_t len, uint64_t seed) { return XXH3_64bits_withSeed(data, len, seed); }
