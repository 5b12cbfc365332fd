#include "pmm/hash.h"
#include "pmm/venue.h"

/* 0 means "none told" in events. */
uint64_t pmm_venue_ref(const char *text, size_t len) {
  uint64_t const h = pmm_hash64(text, len, 0);
  return h ? h : 1;
}
