#include "venue/degen/scan.h"
#include "pmm/decimal.h"

bool pmm__scan_fail(pmm__scan_t *s, const char *why) {
  if (!s->why) s->why = why;
  return false;
}

pmm_status_t pmm__scan_error(const pmm__scan_t *s, pmm_error_t *err) {
  return pmm_error_set(err, PMM_PARSE, "degen: byte %zu: %s", (size_t)(s->at - s->text), s->why ? s->why : "?");
}

void pmm__scan_blanks(pmm__scan_t *s) {
  while (s->at < s->end && (*s->at == ' ' || *s->at == '\n' || *s->at == '\t' || *s->at == '\r')) s->at++;
}

bool pmm__scan_done(pmm__scan_t *s) {
  if (s->why) return false;
  pmm__scan_blanks(s);
  return s->at == s->end || pmm__scan_fail(s, "more text behind the message");
}

/* -- strings -- */

/* One UTF-8 sequence of two to four bytes, without overlong forms and surrogates; its length, or 0 (RFC 3629). */
static size_t utf8(const unsigned char *p, const unsigned char *end) {
  size_t const n = p[0] >= 0xf0 ? 4 : p[0] >= 0xe0 ? 3 : 2;
  if (p[0] < 0xc2 || p[0] > 0xf4 || (size_t)(end - p) < n) return 0;
  for (size_t i = 1; i < n; i++)
    if ((p[i] & 0xc0) != 0x80) return 0;
  if ((p[0] == 0xe0 && p[1] < 0xa0) || (p[0] == 0xed && p[1] > 0x9f) || (p[0] == 0xf0 && p[1] < 0x90) || (p[0] == 0xf4 && p[1] > 0x8f)) return 0;
  return n;
}

static int hex4(const char *p, const char *end) {
  int v = 0;
  if (end - p < 4) return -1;
  for (int i = 0; i < 4; i++) {
    char const c = p[i];
    int const d = c >= '0' && c <= '9' ? c - '0' : c >= 'a' && c <= 'f' ? c - 'a' + 10 : c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;
    if (d < 0) return -1;
    v = v * 16 + d;
  }
  return v;
}

static bool put(pmm__scan_t *s, bool keep, unsigned byte) {
  if (!keep) return true;
  if (s->scratch == s->scratch_end) return pmm__scan_fail(s, "too many escaped texts");
  *s->scratch++ = (char)byte;
  return true;
}

static bool put_point(pmm__scan_t *s, bool keep, unsigned c) {
  if (c < 0x80) return put(s, keep, c);
  if (c < 0x800) return put(s, keep, 0xc0 | c >> 6) && put(s, keep, 0x80 | (c & 0x3f));
  if (c < 0x10000) return put(s, keep, 0xe0 | c >> 12) && put(s, keep, 0x80 | (c >> 6 & 0x3f)) && put(s, keep, 0x80 | (c & 0x3f));
  return put(s, keep, 0xf0 | c >> 18) && put(s, keep, 0x80 | (c >> 12 & 0x3f)) && put(s, keep, 0x80 | (c >> 6 & 0x3f)) && put(s, keep, 0x80 | (c & 0x3f));
}

/* At the byte behind a backslash. */
static bool escape(pmm__scan_t *s, bool keep) {
  static const char names[] = "\"\\/bfnrt", values[] = "\"\\/\b\f\n\r\t";
  const char *const name = s->at < s->end && *s->at ? strchr(names, *s->at) : NULL;
  if (name) {
    s->at++;
    return put(s, keep, (unsigned char)values[name - names]);
  }
  int high = s->at < s->end && *s->at == 'u' ? hex4(s->at + 1, s->end) : -1;
  if (high < 0) return pmm__scan_fail(s, "not an escape");
  s->at += 5;
  if (high >= 0xd800 && high < 0xe000) {
    int const low = high < 0xdc00 && s->end - s->at >= 2 && s->at[0] == '\\' && s->at[1] == 'u' ? hex4(s->at + 2, s->end) : -1;
    if (low < 0xdc00 || low > 0xdfff) return pmm__scan_fail(s, "half of a surrogate pair");
    s->at += 6;
    high = 0x10000 + ((high - 0xd800) << 10) + (low - 0xdc00);
  }
  return put_point(s, keep, (unsigned)high);
}

/* Anything but plain ASCII. */
bool pmm__scan_string_slow(pmm__scan_t *s, const char *from, pmm_degen_text_t *out) {
  bool const keep = out != NULL && s->scratch != NULL;
  char *const start = s->scratch;
  bool escaped = false;
  s->at = from;
  while (s->at < s->end && *s->at != '"') {
    unsigned char const c = (unsigned char)*s->at;
    if (c < 0x20) return pmm__scan_fail(s, "control character in a string");
    if (c == '\\') {
      escaped = true;
      s->at++;
      if (!escape(s, keep)) return false;
      continue;
    }
    size_t const n = c < 0x80 ? 1 : utf8((const unsigned char *)s->at, (const unsigned char *)s->end);
    if (n == 0) return pmm__scan_fail(s, "not UTF-8");
    for (size_t i = 0; i < n; i++)
      if (!put(s, keep, (unsigned char)s->at[i])) return false;
    s->at += n;
  }
  if (s->at == s->end) return pmm__scan_fail(s, "a string does not end");
  if (out && escaped && !keep) return pmm__scan_fail(s, "an escaped text where none is expected");
  if (out && escaped) *out = (pmm_degen_text_t){start, (uint32_t)(s->scratch - start)};
  else if (out) *out = (pmm_degen_text_t){from, (uint32_t)(s->at - from)};
  if (!escaped) s->scratch = start; /* it can be had in place */
  s->at++;
  return true;
}

/* -- scalars -- */

static bool literal(pmm__scan_t *s, const char *word, size_t len) {
  if ((size_t)(s->end - s->at) < len || memcmp(s->at, word, len) != 0) return false;
  s->at += len;
  return true;
}

bool pmm__scan_null(pmm__scan_t *s) { return !s->why && pmm__scan_peek(s) == 'n' && literal(s, "null", 4); }

bool pmm__scan_bool(pmm__scan_t *s, bool *out) {
  if (s->why) return false;
  char const c = pmm__scan_peek(s);
  if (c == 't' && literal(s, "true", 4)) *out = true;
  else if (c == 'f' && literal(s, "false", 5)) *out = false;
  else return pmm__scan_fail(s, "true or false expected");
  return true;
}

static inline bool is_digit(const pmm__scan_t *s) { return s->at < s->end && (unsigned char)(*s->at - '0') < 10; }
static bool digits(pmm__scan_t *s) {
  const char *const from = s->at;
  while (is_digit(s)) s->at++;
  return s->at > from;
}

/* A number by JSON's grammar. */
static bool number(pmm__scan_t *s, pmm_degen_text_t *out) {
  const char *const from = s->at;
  if (s->at < s->end && *s->at == '-') s->at++;
  bool const zero = s->at < s->end && *s->at == '0';
  if (!digits(s) || (zero && s->at - from > 1 + (*from == '-'))) return pmm__scan_fail(s, "a number expected");
  if (s->at < s->end && *s->at == '.') {
    s->at++;
    if (!digits(s)) return pmm__scan_fail(s, "digits expected behind the point");
  }
  if (s->at < s->end && (*s->at == 'e' || *s->at == 'E')) {
    s->at++;
    if (s->at < s->end && (*s->at == '+' || *s->at == '-')) s->at++;
    if (!digits(s)) return pmm__scan_fail(s, "digits expected in the exponent");
  }
  if (out) *out = (pmm_degen_text_t){from, (uint32_t)(s->at - from)};
  return true;
}

static bool number_or_string(pmm__scan_t *s, pmm_degen_text_t *out) {
  if (s->why) return false;
  return pmm__scan_peek(s) == '"' ? pmm__scan_string(s, out) : number(s, out);
}

bool pmm__scan_whole(pmm__scan_t *s, uint64_t *out) {
  pmm_degen_text_t text;
  uint64_t v = 0;
  if (!number_or_string(s, &text)) return false;
  if (text.len == 0 || text.len > 19) return pmm__scan_fail(s, "a whole number expected");
  for (uint32_t i = 0; i < text.len; i++) {
    if ((unsigned char)(text.at[i] - '0') >= 10) return pmm__scan_fail(s, "a whole number expected");
    v = v * 10 + (uint64_t)(text.at[i] - '0');
  }
  *out = v;
  return true;
}

bool pmm__scan_decimal_slow(pmm__scan_t *s, int scale, int64_t *out) {
  pmm_degen_text_t text;
  if (!number_or_string(s, &text)) return false;
  if (pmm_decimal_parse(text.at, text.len, scale, out, NULL) == PMM_OK) return true;
  return pmm__scan_fail(s, "a decimal expected, in range and not finer than the venue's");
}

/* -- passing over -- */

static bool skip_scalar(pmm__scan_t *s) {
  bool ignored;
  char const c = pmm__scan_peek(s);
  if (c == '"') return pmm__scan_string(s, NULL);
  if (c == 't' || c == 'f') return pmm__scan_bool(s, &ignored);
  if (c == 'n') return pmm__scan_null(s) || pmm__scan_fail(s, "null expected");
  return number(s, NULL);
}

/* Without recursion: one bit of each open bracket tells which it is. */
bool pmm__scan_skip(pmm__scan_t *s, pmm_degen_text_t *span) {
  if (s->why) return false;
  uint64_t is_object = 0;
  int depth = 0;
  pmm__scan_blanks(s);
  const char *const from = s->at;
  bool first = true;
  do {
    char const c = depth == 0 ? '\0' : is_object & 1 ? '}' : ']';
    bool const more = depth == 0 || (c == '}' ? pmm__scan_member(s, &first, NULL) : pmm__scan_element(s, &first));
    if (s->why) return false;
    if (!more) {
      depth--;
      is_object >>= 1;
      first = false;
      continue;
    }
    char const opening = pmm__scan_peek(s);
    if (opening == '{' || opening == '[') {
      if (++depth > PMM_JSON_DEPTH_MAX) return pmm__scan_fail(s, "nested too deeply");
      is_object = is_object << 1 | (opening == '{');
      s->at++;
      first = true;
    } else if (!skip_scalar(s)) return false;
  } while (depth > 0);
  if (span) *span = (pmm_degen_text_t){from, (uint32_t)(s->at - from)};
  return true;
}
