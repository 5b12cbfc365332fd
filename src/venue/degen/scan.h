/* degen/scan.h -- a pull reader of JSON: the caller says what he expects and gets the pieces in place. It knows all of JSON, so there is no slower
   reader behind it, and it checks what it passes over as strictly as what it hands out (UTF-8 included). No allocation; nesting at
   most PMM_JSON_DEPTH_MAX. After an error everything answers false, and `at` is the place. */
#ifndef PMM_DEGEN_SCAN_H
#define PMM_DEGEN_SCAN_H
#include <string.h>
#include "base/json.h"
#include "pmm/degen.h"

typedef struct pmm__scan {
  const char *text, *at, *end;
  const char *why;              /* not NULL: an error, at `at` */
  char *scratch, *scratch_end;  /* for strings with escapes */
} pmm__scan_t;

/* The usual pieces are read inline; what is unusual (escapes, high bytes, white space) is left to functions. */
static inline void pmm__scan_init(pmm__scan_t *s, const char *text, size_t len, char *scratch) {
  *s = (pmm__scan_t){.text = text, .at = text, .end = text + len, .scratch = scratch, .scratch_end = scratch ? scratch + PMM_DEGEN_SCRATCH : NULL};
}
bool pmm__scan_fail(pmm__scan_t *s, const char *why);     /* false */
void pmm__scan_blanks(pmm__scan_t *s);
bool pmm__scan_string_slow(pmm__scan_t *s, const char *from, pmm_degen_text_t *out);

/* Next byte behind white space; '\0' at the end. */
static inline char pmm__scan_peek(pmm__scan_t *s) {
  if (s->at < s->end && (unsigned char)*s->at > ' ') return *s->at;
  pmm__scan_blanks(s);
  return s->at < s->end ? *s->at : '\0';
}

static inline bool pmm__scan_expect(pmm__scan_t *s, char c, const char *why) {
  if (s->why) return false;
  if (pmm__scan_peek(s) != c || s->at == s->end) return pmm__scan_fail(s, why);
  s->at++;
  return true;
}

static inline bool pmm__scan_open(pmm__scan_t *s, char bracket) { return pmm__scan_expect(s, bracket, bracket == '{' ? "an object expected" : "an array expected"); }

#define PMM__ONES UINT64_C(0x0101010101010101)
#define PMM__HIGH UINT64_C(0x8080808080808080)
/* Bytes that end or break a plain string, as high bits: quote, backslash, control, not ASCII. The lowest one set is exact. */
static inline uint64_t pmm__scan_special(uint64_t x) {
  uint64_t const quote = x ^ PMM__ONES * '"', slash = x ^ PMM__ONES * '\\';
  return (((x - PMM__ONES * 0x20) & ~x) | x | ((quote - PMM__ONES) & ~quote) | ((slash - PMM__ONES) & ~slash)) & PMM__HIGH;
}

/* The usual string is ASCII without escapes, and is had in place: eight bytes at a time while there are so many. */
static inline bool pmm__scan_string(pmm__scan_t *s, pmm_degen_text_t *out) {
  if (!pmm__scan_expect(s, '"', "a string expected")) return false;
  const char *const from = s->at, *p = from;
  uint64_t special = 0;
  while (s->end - p >= 8) {
    uint64_t word;
    memcpy(&word, p, sizeof word);
    special = pmm__scan_special(word);
    if (special) break;
    p += 8;
  }
  if (special) p += __builtin_ctzll(special) >> 3;
  else
    while (p < s->end && *p != '"' && *p != '\\' && (signed char)*p >= 0x20) p++;
  if (p == s->end || *p != '"') return pmm__scan_string_slow(s, from, out);
  s->at = p + 1;
  if (out) *out = (pmm_degen_text_t){from, (uint32_t)(p - from)};
  return true;
}

static inline bool pmm__scan_item(pmm__scan_t *s, bool *first, char close) {
  if (s->why) return false;
  if (pmm__scan_peek(s) == close) {
    s->at++;
    return false;
  }
  if (!*first && !pmm__scan_expect(s, ',', "a comma expected")) return false;
  *first = false;
  return true;
}

/* In an object: the next key (NULL: not wanted), behind its colon. *first is true before the first call. false: the object's end (behind it), or an error. */
static inline bool pmm__scan_member(pmm__scan_t *s, bool *first, pmm_degen_text_t *key) {
  return pmm__scan_item(s, first, '}') && pmm__scan_string(s, key) && pmm__scan_expect(s, ':', "a colon expected");
}

/* Likewise in an array: at the element. */
static inline bool pmm__scan_element(pmm__scan_t *s, bool *first) {
  if (!pmm__scan_item(s, first, ']')) return false;
  return pmm__scan_peek(s) != ']' || pmm__scan_fail(s, "an element expected");
}

bool pmm__scan_skip(pmm__scan_t *s, pmm_degen_text_t *span); /* any value; span may be NULL */
bool pmm__scan_bool(pmm__scan_t *s, bool *out);
bool pmm__scan_null(pmm__scan_t *s);                      /* true and behind it when a null stands there; no error otherwise */
bool pmm__scan_whole(pmm__scan_t *s, uint64_t *out);      /* number or string of digits */
bool pmm__scan_decimal_slow(pmm__scan_t *s, int scale, int64_t *out); /* number or string */

/* "0.48", "120": quoted, at most 8 digits before the point and no more behind it than scale; anything else is read slowly. */
static inline bool pmm__scan_decimal(pmm__scan_t *s, int scale, int64_t *out) {
  static const int64_t pow10[] = {1, 10, 100, 1000, 10000, 100000, 1000000};
  const char *p = s->at, *const end = s->end;
  uint64_t v = 0; /* wraps when there are too many digits, which is looked at below */
  int left = scale;
  if (s->why || scale > 6 || end - p < 3 || *p++ != '"') return pmm__scan_decimal_slow(s, scale, out);
  const char *const digits = p;
  while (p < end && (unsigned char)(*p - '0') < 10) v = v * 10 + (uint64_t)(*p++ - '0');
  bool const whole = p > digits && p - digits <= 8;
  if (whole && p < end && *p == '.') {
    const char *const point = p++;
    while (p < end && left > 0 && (unsigned char)(*p - '0') < 10) {
      v = v * 10 + (uint64_t)(*p++ - '0');
      left--;
    }
    if (p == point + 1) return pmm__scan_decimal_slow(s, scale, out);
  }
  if (!whole || p == end || *p != '"') return pmm__scan_decimal_slow(s, scale, out);
  s->at = p + 1;
  *out = (int64_t)v * pow10[left];
  return true;
}

bool pmm__scan_done(pmm__scan_t *s);                      /* nothing but white space is left */
pmm_status_t pmm__scan_error(const pmm__scan_t *s, pmm_error_t *err);

#define PMM__KEY(key, name) ((key).len == sizeof(name) - 1 && memcmp((key).at, name, sizeof(name) - 1) == 0)
#endif
