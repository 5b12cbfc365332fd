/* server/text.c -- see text.h */
#include "server/text.h"
#include "pmm/decimal.h"
#include <assert.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

void pmm_text_free(pmm_text_t *t) {
  free(t->buf);
  memset(t, 0, sizeof *t);
}

void pmm_text_clear(pmm_text_t *t) {
  t->len = 0;
  t->depth = 0;
  t->comma = false;
  t->failed = false;
  if (t->buf) t->buf[0] = 0;
}

const char *pmm_text_get(const pmm_text_t *t, size_t *len) {
  bool const is_empty = t->failed || !t->buf;
  if (len) *len = is_empty ? 0 : t->len;
  return is_empty ? "" : t->buf;
}

static bool reserve(pmm_text_t *t, size_t more) {
  if (t->failed) return false;
  if (more >= PMM_TEXT_MAX - t->len) return t->failed = true, false;
  size_t const need = t->len + more + 1; /* and the NUL */
  if (need <= t->cap) return true;
  size_t cap = t->cap ? t->cap : 1024;
  while (cap < need) cap *= 2;
  char *const buf = realloc(t->buf, cap);
  if (!buf) return t->failed = true, false;
  t->buf = buf;
  t->cap = cap;
  return true;
}

void pmm_text_raw(pmm_text_t *t, const char *bytes, size_t len) {
  if (!reserve(t, len)) return;
  memcpy(t->buf + t->len, bytes, len);
  t->len += len;
  t->buf[t->len] = 0;
}

void pmm_text_put(pmm_text_t *t, const char *text) { pmm_text_raw(t, text, strlen(text)); }

void pmm_text_printf(pmm_text_t *t, const char *fmt, ...) {
  va_list args, again;
  va_start(args, fmt);
  va_copy(again, args);
  int const len = vsnprintf(NULL, 0, fmt, args);
  if (len < 0) t->failed = true;
  else if (reserve(t, (size_t)len)) {
    vsnprintf(t->buf + t->len, (size_t)len + 1, fmt, again);
    t->len += (size_t)len;
  }
  va_end(again);
  va_end(args);
}

/* Length of the UTF-8 sequence at s (Unicode 15, table 3-7), 0 when it is none. */
static size_t utf8_len(const unsigned char *s, size_t left) {
  if (s[0] < 0x80) return 1;
  size_t const len = s[0] >= 0xC2 && s[0] <= 0xDF ? 2 : (s[0] & 0xF0) == 0xE0 ? 3 : s[0] >= 0xF0 && s[0] <= 0xF4 ? 4 : 0;
  if (!len || len > left) return 0;
  for (size_t i = 1; i < len; i++)
    if ((s[i] & 0xC0) != 0x80) return 0;
  bool const is_bad =
      (s[0] == 0xE0 && s[1] < 0xA0) || (s[0] == 0xED && s[1] > 0x9F) || (s[0] == 0xF0 && s[1] < 0x90) || (s[0] == 0xF4 && s[1] > 0x8F);
  return is_bad ? 0 : len;
}

static void escape(pmm_text_t *t, unsigned char c) {
  static const char hex[] = "0123456789abcdef";
  static const char from[] = "\"\\\n\r\t\b\f", to[] = "\"\\nrtbf";
  const char *const at = memchr(from, c, sizeof from - 1);
  if (at) pmm_text_raw(t, (char[]){'\\', to[at - from]}, 2);
  else pmm_text_raw(t, (char[]){'\\', 'u', '0', '0', hex[c >> 4], hex[c & 15]}, 6);
}

static void quoted(pmm_text_t *t, const char *text, size_t len) {
  const unsigned char *const s = (const unsigned char *)text;
  pmm_text_raw(t, "\"", 1);
  size_t from = 0;
  for (size_t i = 0; i < len;) {
    size_t const n = utf8_len(s + i, len - i);
    if (n && s[i] >= 0x20 && s[i] != '"' && s[i] != '\\') {
      i += n;
      continue;
    }
    pmm_text_raw(t, text + from, i - from);
    if (n) escape(t, s[i]);
    else pmm_text_raw(t, "\xEF\xBF\xBD", 3);
    from = ++i;
  }
  pmm_text_raw(t, text + from, len - from);
  pmm_text_raw(t, "\"", 1);
}

static void begin(pmm_text_t *t, const char *key) {
  assert(!t->depth || (key != NULL) == (t->close[t->depth - 1] == '}')); /* members have keys, elements have none */
  if (t->comma) pmm_text_raw(t, ",", 1);
  t->comma = true;
  if (!key) return;
  quoted(t, key, strlen(key));
  pmm_text_raw(t, ":", 1);
}

static void nest(pmm_text_t *t, const char *key, const char *open, char close) {
  assert(t->depth < PMM_TEXT_DEPTH_MAX);
  begin(t, key);
  pmm_text_raw(t, open, 1);
  t->close[t->depth++] = close;
  t->comma = false;
}

void pmm_text_object(pmm_text_t *t, const char *key) { nest(t, key, "{", '}'); }
void pmm_text_array(pmm_text_t *t, const char *key) { nest(t, key, "[", ']'); }

void pmm_text_end(pmm_text_t *t) {
  assert(t->depth > 0);
  pmm_text_raw(t, &t->close[--t->depth], 1);
  t->comma = true;
}

void pmm_text_string_n(pmm_text_t *t, const char *key, const char *value, size_t len) {
  begin(t, key);
  quoted(t, value, len);
}

void pmm_text_string(pmm_text_t *t, const char *key, const char *value) {
  if (value) pmm_text_string_n(t, key, value, strlen(value));
  else pmm_text_null(t, key);
}

void pmm_text_int(pmm_text_t *t, const char *key, int64_t value) {
  char buf[PMM_DECIMAL_BUF];
  pmm_text_json(t, key, buf, pmm_decimal_print(value, 0, 0, buf));
}

void pmm_text_uint(pmm_text_t *t, const char *key, uint64_t value) {
  begin(t, key);
  pmm_text_printf(t, "%" PRIu64, value);
}

void pmm_text_bool(pmm_text_t *t, const char *key, bool value) { pmm_text_json(t, key, value ? "true" : "false", value ? 4 : 5); }
void pmm_text_null(pmm_text_t *t, const char *key) { pmm_text_json(t, key, "null", 4); }

void pmm_text_decimal(pmm_text_t *t, const char *key, int64_t value, int scale, int min_decimals) {
  char buf[PMM_DECIMAL_BUF + 2] = "\"";
  size_t const len = pmm_decimal_print(value, scale, min_decimals, buf + 1);
  buf[len + 1] = '"';
  pmm_text_json(t, key, buf, len + 2);
}

void pmm_text_number(pmm_text_t *t, const char *key, int64_t value, int scale, int min_decimals) {
  char buf[PMM_DECIMAL_BUF];
  pmm_text_json(t, key, buf, pmm_decimal_print(value, scale, min_decimals, buf));
}

void pmm_text_json(pmm_text_t *t, const char *key, const char *json, size_t len) {
  begin(t, key);
  pmm_text_raw(t, json, len);
}
