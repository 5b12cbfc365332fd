/* A place's memory: records in chunks, so that a pointer given out stays good, and tables of what they are called. */
#include <assert.h>
#include <stdlib.h>
#include <string.h>
#include "exchange/place_impl.h"
#include "pmm/hash.h"

bool pmm__store_reserve(pmm__store_t *s, uint64_t more) {
  size_t const need = (size_t)((s->cnt + more + PMM__CHUNK - 1) / PMM__CHUNK);
  if (need <= s->chunk_cnt) return true;
  unsigned char **const chunk = realloc(s->chunk, need * sizeof *chunk);
  if (!chunk) return false;
  s->chunk = chunk;
  while (s->chunk_cnt < need) {
    if (!(s->chunk[s->chunk_cnt] = calloc(PMM__CHUNK, s->item))) return false;
    s->chunk_cnt++;
  }
  return true;
}

void *pmm__store_push(pmm__store_t *s) {
  uint64_t const at = s->cnt++;
  assert(at / PMM__CHUNK < s->chunk_cnt); /* was reserved */
  return memset(s->chunk[at / PMM__CHUNK] + at % PMM__CHUNK * s->item, 0, s->item);
}

void *pmm__store_at(const pmm__store_t *s, uint64_t seq) {
  if (seq == 0 || seq > s->cnt) return NULL;
  return s->chunk[(seq - 1) / PMM__CHUNK] + (seq - 1) % PMM__CHUNK * s->item;
}

void pmm__store_free(pmm__store_t *s) {
  for (size_t i = 0; i < s->chunk_cnt; i++) free(s->chunk[i]);
  free(s->chunk);
  *s = (pmm__store_t){0};
}

/* ---- names ---- */

uint64_t pmm__text_hash(const char *text, uint64_t seed) { return pmm_hash64(text, strlen(text), seed); }

static void put(uint64_t *seq, uint64_t *hash, uint64_t cap, uint64_t h, uint64_t value) {
  uint64_t at = h & (cap - 1);
  while (seq[at] != 0) at = (at + 1) & (cap - 1);
  seq[at] = value;
  hash[at] = h;
}

bool pmm__index_reserve(pmm__index_t *x, uint64_t more) {
  uint64_t cap = x->cap ? x->cap : 256;
  while (cap < 2 * (x->cnt + more)) cap *= 2;
  if (cap == x->cap) return true;
  uint64_t *const seq = calloc(cap, sizeof *seq), *const hash = calloc(cap, sizeof *hash);
  if (!seq || !hash) {
    free(seq);
    free(hash);
    return false;
  }
  for (uint64_t i = 0; i < x->cap; i++)
    if (x->seq[i] != 0) put(seq, hash, cap, x->hash[i], x->seq[i]);
  free(x->seq);
  free(x->hash);
  *x = (pmm__index_t){.seq = seq, .hash = hash, .cap = cap, .cnt = x->cnt};
  return true;
}

void pmm__index_add(pmm__index_t *x, uint64_t hash, uint64_t seq) {
  assert(2 * (x->cnt + 1) <= x->cap); /* was reserved */
  put(x->seq, x->hash, x->cap, hash, seq);
  x->cnt++;
}

uint64_t pmm__index_next(const pmm__index_t *x, uint64_t hash, uint64_t *at) {
  if (x->cap == 0) return 0;
  uint64_t const mask = x->cap - 1;
  for (; *at < x->cap; ++*at) {
    uint64_t const slot = (hash + *at) & mask;
    if (x->seq[slot] == 0) return 0;
    if (x->hash[slot] != hash) continue;
    ++*at;
    return x->seq[slot];
  }
  return 0;
}

void pmm__index_free(pmm__index_t *x) {
  free(x->seq);
  free(x->hash);
  *x = (pmm__index_t){0};
}
