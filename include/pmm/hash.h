/* pmm/hash.h -- CRC32C (by ISA-L) for what lies on disk, and a stable 64-bit hash (XXH3) for state hashes
   and tables: the same bytes give the same value on every machine and in every version. */
#ifndef PMM_HASH_H
#define PMM_HASH_H
#include "pmm/types.h"

/* pmm_crc32c: CRC-32C (Castagnoli) of len bytes, continuing from crc (0 to start). "123456789" -> 0xE3069283. */
uint32_t pmm_crc32c(uint32_t crc, const void *data, size_t len);
/* pmm_hash64: XXH3-64 with a seed. */
uint64_t pmm_hash64(const void *data, size_t len, uint64_t seed);
/* pmm_hash_order: of an order's id, for a table of 4-byte places. Ids are given one after the other and the latest are asked for most: sixteen neighbours
   share a cache line, and those lines are spread over the table. */
static inline uint32_t pmm_hash_order(uint64_t id) {
  return ((uint32_t)((id >> 4) * UINT64_C(0x9e3779b97f4a7c15) >> 32) & ~UINT32_C(15)) | (uint32_t)(id & 15);
}
/* pmm_hash_mix folds one word into a running hash; cheap, order-dependent, exact on every machine. */
static inline uint64_t pmm_hash_mix(uint64_t h, uint64_t v) {
  h ^= v + UINT64_C(0x9e3779b97f4a7c15) + (h << 6) + (h >> 2);
  h *= UINT64_C(0xff51afd7ed558ccd);
  return h ^ (h >> 32);
}
#endif
