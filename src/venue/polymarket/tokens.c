/* Token ids are decimal texts of some 77 digits, spread evenly: a few of their bytes are hash enough, and the whole text decides. */
#include <stdlib.h>
#include "codec.h"
#include <string.h>

#define TOKEN_MAX PMM_POLY_DEC_WORD

typedef struct entry {
  char text[TOKEN_MAX];
  uint8_t len;
  bool no;
  uint32_t market;
} entry_t;

struct pmm_poly_tokens {
  uint32_t *slot; /* entry + 1, or 0 */
  entry_t *entry;
  uint32_t mask, cnt, cap;
};

static uint64_t hash_of(const char *text, size_t len) {
  uint64_t head = 0, tail = 0;
  if (len >= 8) {
    memcpy(&head, text, 8);
    memcpy(&tail, text + len - 8, 8);
  } else memcpy(&head, text, len);
  uint64_t const h = (head ^ tail * UINT64_C(0x9e3779b97f4a7c15) ^ len) * UINT64_C(0xff51afd7ed558ccd);
  return h ^ h >> 29;
}

pmm_poly_tokens_t *pmm_poly_tokens_new(uint32_t markets_max) {
  pmm_poly_tokens_t *const t = calloc(1, sizeof *t);
  if (!t) return NULL;
  uint32_t slots = 16;
  while (slots < markets_max * 4) slots *= 2; /* at most half full */
  t->cap = markets_max * 2;
  t->mask = slots - 1;
  t->slot = calloc(slots, sizeof *t->slot);
  t->entry = calloc(t->cap > 0 ? t->cap : 1, sizeof *t->entry);
  if (t->slot && t->entry) return t;
  pmm_poly_tokens_free(t);
  return NULL;
}

void pmm_poly_tokens_free(pmm_poly_tokens_t *tokens) {
  if (!tokens) return;
  free(tokens->slot);
  free(tokens->entry);
  free(tokens);
}

/* The slot that holds the token, or the free one where it belongs. */
static uint32_t seek(const pmm_poly_tokens_t *t, const char *text, size_t len) {
  uint32_t i = (uint32_t)hash_of(text, len) & t->mask;
  for (; t->slot[i] != 0; i = (i + 1) & t->mask) {
    const entry_t *const e = &t->entry[t->slot[i] - 1];
    if (e->len == len && memcmp(e->text, text, len) == 0) return i;
  }
  return i;
}

pmm_status_t pmm_poly_tokens_add(pmm_poly_tokens_t *tokens, const char *token, size_t len, uint32_t market, bool no) {
  if (len == 0 || len >= TOKEN_MAX) return PMM_INVAL;
  uint32_t const i = seek(tokens, token, len);
  if (tokens->slot[i] != 0) return PMM_EXISTS;
  if (tokens->cnt == tokens->cap) return PMM_FULL;
  entry_t *const e = &tokens->entry[tokens->cnt++];
  memcpy(e->text, token, len);
  e->len = (uint8_t)len;
  e->market = market;
  e->no = no;
  tokens->slot[i] = tokens->cnt;
  return PMM_OK;
}

bool pmm_poly_tokens_find(const pmm_poly_tokens_t *tokens, const char *token, size_t len, uint32_t *market, bool *no) {
  if (len == 0 || len >= TOKEN_MAX) return false;
  uint32_t const n = tokens->slot[seek(tokens, token, len)];
  if (n == 0) return false;
  *market = tokens->entry[n - 1].market;
  *no = tokens->entry[n - 1].no;
  return true;
}
