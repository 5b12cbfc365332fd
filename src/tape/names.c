#include "names.h"
#include <stdlib.h>
#include <string.h>
#include "pmm/hash.h"

/* Slots are twice the capacity, a power of two, so that there is always a free one. */
static uint32_t slot_of(const pmm__names_t *n, const char *name, size_t len) {
  uint32_t const mask = n->cap * 2 - 1;
  uint32_t at = (uint32_t)pmm_hash64(name, len, 0) & mask;
  for (; n->slot[at] != 0; at = (at + 1) & mask) {
    const char *const other = n->name[n->slot[at] - 1];
    if (strncmp(other, name, len) == 0 && other[len] == '\0') break;
  }
  return at;
}

uint32_t pmm__names_find(const pmm__names_t *n, const char *name, size_t len) {
  return n->cap == 0 ? PMM__NAME_NONE : n->slot[slot_of(n, name, len)] - 1; /* 0 - 1 is NONE */
}

static pmm_status_t grow(pmm__names_t *n) {
  uint32_t const cap = n->cap ? n->cap * 2 : 64;
  char **const name = realloc(n->name, cap * sizeof *name);
  if (!name) return PMM_FULL;
  n->name = name;
  uint32_t *const slot = calloc((size_t)cap * 2, sizeof *slot);
  if (!slot) return PMM_FULL;
  free(n->slot);
  n->slot = slot;
  n->cap = cap;
  for (uint32_t i = 0; i < n->cnt; i++) n->slot[slot_of(n, n->name[i], strlen(n->name[i]))] = i + 1;
  return PMM_OK;
}

pmm_status_t pmm__names_add(pmm__names_t *n, const char *name, size_t len) {
  if (n->cnt == n->cap && grow(n) != PMM_OK) return PMM_FULL;
  char *const copy = strndup(name, len);
  if (!copy) return PMM_FULL;
  uint32_t const at = slot_of(n, name, len);
  n->name[n->cnt] = copy;
  n->slot[at] = ++n->cnt;
  return PMM_OK;
}

void pmm__names_fini(pmm__names_t *n) {
  for (uint32_t i = 0; i < n->cnt; i++) free(n->name[i]);
  free(n->name);
  free(n->slot);
  *n = (pmm__names_t){0};
}
