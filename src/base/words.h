/* base/words.h -- text eight bytes at a time. The prices and sizes of a feed differ in length, and a loop over their digits ends where a
   processor cannot guess it; here nothing branches on a length. The first byte of a text is the lowest of a word (little-endian). */
#ifndef PMM_BASE_WORDS_H
#define PMM_BASE_WORDS_H
#include <string.h>
#include "pmm/types.h"

#define PMM_WORD_ONES UINT64_C(0x0101010101010101)

/* Eight bytes from p, all of them readable. */
static inline uint64_t pmm_word_load(const char *p) {
  uint64_t word;
  memcpy(&word, p, sizeof word);
  return word;
}

/* How many digits a word begins with: 0 .. 8. */
static inline uint32_t pmm_word_digits(uint64_t word) {
  uint64_t const digit = word ^ PMM_WORD_ONES * '0';
  uint64_t const other = (digit | (digit + PMM_WORD_ONES * 0x76)) & PMM_WORD_ONES * 0x80; /* the lowest is exact: carries go upward */
  return other ? (uint32_t)__builtin_ctzll(other) >> 3 : 8;
}

/* Value of eight bytes 0 .. 9, the lowest counting most: neighbours join to pairs, pairs to fours, those to the whole. */
static inline uint32_t pmm_word_join(uint64_t digit) {
  digit = (digit * 10 + (digit >> 8)) & UINT64_C(0x00ff00ff00ff00ff);
  digit = (digit * 100 + (digit >> 16)) & UINT64_C(0x0000ffff0000ffff);
  return (uint32_t)(digit * 10000 + (digit >> 32));
}

/* Value of the first cnt bytes of a word, 1 .. 8, all digits. */
static inline uint32_t pmm_word_value(uint64_t word, uint32_t cnt) { return pmm_word_join((word ^ PMM_WORD_ONES * '0') << (64 - 8 * cnt)); }

/* Likewise cnt 0 .. 7 with zeros behind them up to eight digits: what stands behind a point, x 10^8. */
static inline uint32_t pmm_word_fraction(uint64_t word, uint32_t cnt) {
  return pmm_word_join((word ^ PMM_WORD_ONES * '0') & ((UINT64_C(1) << 8 * cnt) - 1));
}

/* A JSON integer without sign at p, of which 16 bytes are readable: how many digits it has, or 0 when there is none, more than 15 or a zero
   in front. */
static inline uint32_t pmm_word_whole(const char *p, uint64_t *out) {
  static const uint32_t pow10[] = {1, 10, 100, 1000, 10000, 100000, 1000000, 10000000};
  uint64_t const first = pmm_word_load(p);
  uint32_t const digits = pmm_word_digits(first);
  if (digits == 0 || (digits > 1 && *p == '0')) return 0;
  uint64_t const value = pmm_word_value(first, digits);
  if (digits == 8) {
    uint64_t const second = pmm_word_load(p + 8);
    uint32_t const more = pmm_word_digits(second);
    if (more == 8) return 0;
    *out = more ? value * pow10[more] + pmm_word_value(second, more) : value;
    return digits + more;
  }
  *out = value;
  return digits;
}

/* A short literal as a word, zeros behind it; and a mask of bytes from .. to-1. */
#define PMM_WORD(text) pmm_word_load(text "\0\0\0\0\0\0\0\0")
#define PMM_WORD_BYTES(from, to) (~UINT64_C(0) >> (64 - 8 * ((to) - (from))) << 8 * (from))

/* memcmp(a, b, len) == 0 without a call and with one branch, for a len known when compiling. */
__attribute__((always_inline)) static inline bool pmm_word_same(const char *a, const char *b, size_t len) {
  if (len < 8) return memcmp(a, b, len) == 0;
  uint64_t differs = pmm_word_load(a + len - 8) ^ pmm_word_load(b + len - 8);
  for (size_t i = 0; i + 8 < len; i += 8) differs |= pmm_word_load(a + i) ^ pmm_word_load(b + i);
  return differs == 0;
}
#endif
