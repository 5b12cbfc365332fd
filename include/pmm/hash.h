/* pmm/hash.h -- CRC32C (by ISA-L) for what lies on disk, and a stable 64-bit hash (XXH3) for state hashes
   and tables: the same bytes give the same value on every machine and in every version. */
#ifndef PMM_HASH_H
#define PMM_HASH_H
#include "pmm/types.h"

/* pmm_crc32c: CRC-32C (Castagnoli) of len bytes, continuing from crc (0 to start). "123456789" -> 0xE3069283. */
uint32_t pmm_crc32c(uint32_t crc, const void *data, size_t len);
/* pmm_hash64: XXH3-64 with a seed. */
uint64_t pmm_hash64(const void *data, size_t len, uint64_t seed);
/* pmm_hash_mix folds one word into a running hash; cheap, order-dependent, exact on every machine. */
static inline uint64_t pmm_hash_mix(uint64_t h, uint64_t v) {
  h ^= v + UINT64_C(0x9e3779b97f4a7c15) + (h << 6) + (h >> 2);
  h *= UINT64_C(0xff51afd7ed558ccd);
  return h ^ (h >> 32);
}
#endif
