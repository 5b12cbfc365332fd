/* Keys to fields, by tables. */
#include <stdarg.h>
#include <stdio.h>
#include "codec.h"
#include "pmm/clock.h"
#include "pmm/decimal.h"

#define MS_FROM INT64_C(100000000000) /* larger numbers are milliseconds: as seconds they lie beyond the year 5000 */

pmm_status_t pmm__kalshi_bad(const pmm__read_t *r, size_t at, const char *fmt, ...) {
  char text[200];
  va_list args;
  va_start(args, fmt);
  vsnprintf(text, sizeof text, fmt, args);
  va_end(args);
  return pmm_error_set(r->err, PMM_PARSE, "kalshi: byte %zu: %s", at, text);
}

static pmm_status_t wrong(const pmm__read_t *r, const pmm_json_node_t *n, const pmm__field_t *f, const char *what) {
  return pmm__kalshi_bad(r, n->at, "%s: %s", f->key, what);
}

static bool is_decimal(const pmm_json_node_t *n) { return n->type == PMM_JSON_STRING || n->type == PMM_JSON_NUMBER; }

/* Plain digits with a point, which is all that the venue prints; false: the general reader decides. */
static bool plain_decimal(const pmm_json_node_t *n, int scale, int64_t *out) {
  static const int64_t pow10[] = {1, 10, 100, 1000, 10000, 100000, 1000000};
  const char *p = n->text, *const end = p + n->len;
  if (n->len > 19) return false;
  bool const neg = p < end && *p == '-';
  p += neg;
  const char *const first = p;
  uint64_t v = 0;
  int decimals = 0;
  for (; p < end && (unsigned char)(*p - '0') < 10; p++) v = v * 10 + (uint64_t)(*p - '0');
  if (p == first || p - first > 12) return false;
  if (p < end && *p == '.') {
    const char *const point = p++;
    for (; p < end && (unsigned char)(*p - '0') < 10; p++) v = v * 10 + (uint64_t)(*p - '0');
    decimals = (int)(p - point) - 1;
    if (decimals == 0 || decimals > scale) return false;
  }
  if (p != end) return false;
  int64_t const value = (int64_t)v * pow10[scale - decimals];
  *out = neg ? -value : value;
  return true;
}

/* Money and counts come as text; where a number came instead, its own digits count too. */
static pmm_status_t take_decimal(const pmm__read_t *r, const pmm_json_node_t *n, const pmm__field_t *f, int scale, int64_t lo, int64_t hi,
                                 int64_t *out) {
  int64_t v;
  if (!is_decimal(n)) return wrong(r, n, f, "no number of its scale");
  if (!plain_decimal(n, scale, &v) && pmm_decimal_parse(n->text, n->len, scale, &v, NULL) != PMM_OK) return wrong(r, n, f, "no number of its scale");
  if (v < lo || v > hi) return wrong(r, n, f, "out of range");
  *out = v;
  return PMM_OK;
}

static pmm_status_t take_whole(const pmm__read_t *r, const pmm_json_node_t *n, const pmm__field_t *f, int64_t lo, int64_t hi, int64_t *out) {
  if (n->type != PMM_JSON_NUMBER) return wrong(r, n, f, "no number");
  return take_decimal(r, n, f, 0, lo, hi, out);
}

static pmm_status_t take_time(const pmm__read_t *r, const pmm_json_node_t *n, const pmm__field_t *f, int64_t *out) {
  int64_t v;
  if (n->type == PMM_JSON_STRING) {
    if (n->len == 0) return PMM_OK;
    return pmm_time_parse(n->text, n->len, out, NULL) == PMM_OK ? PMM_OK : wrong(r, n, f, "no time");
  }
  pmm_status_t const st = take_whole(r, n, f, 0, INT64_MAX / PMM_NS_PER_MS, &v);
  if (st != PMM_OK) return st;
  if (v < MS_FROM && v > INT64_MAX / PMM_NS_PER_S) return wrong(r, n, f, "out of range");
  *out = v < MS_FROM ? v * PMM_NS_PER_S : v * PMM_NS_PER_MS;
  return PMM_OK;
}

static bool says(const pmm_json_node_t *n, const char *word) {
  size_t const len = strlen(word);
  return n->len == len && memcmp(n->text, word, len) == 0;
}

/* A word we do not know is not an error: the venue adds some every month. */
static pmm_status_t take_word(const pmm__read_t *r, const pmm_json_node_t *n, const pmm__field_t *f, uint8_t *out) {
  if (n->type != PMM_JSON_STRING) return wrong(r, n, f, "no text");
  if (f->kind == F_BOOK_SIDE || f->kind == F_OUTCOME) {
    bool const book = f->kind == F_BOOK_SIDE;
    if (says(n, book ? "bid" : "yes")) *out = PMM_BID;
    else if (says(n, book ? "ask" : "no")) *out = PMM_ASK;
    return PMM_OK;
  }
  *out = 0;
  for (uint8_t i = 1; f->words[i]; i++)
    if (says(n, f->words[i])) *out = i;
  return PMM_OK;
}

static pmm_status_t take_small(const pmm__read_t *r, const pmm_json_node_t *n, const pmm__field_t *f, void *out) {
  int64_t v = 0;
  pmm_status_t st;
  switch ((pmm__kind_t)f->kind) {
  case F_PRICE:
    st = take_decimal(r, n, f, 4, 0, PMM_ONE_E4, &v);
    if (st == PMM_OK) *(int32_t *)out = (int32_t)v;
    return st;
  case F_ID:
    st = take_whole(r, n, f, 0, UINT32_MAX, &v);
    if (st == PMM_OK) *(uint32_t *)out = (uint32_t)v;
    return st;
  case F_COUNT:
    st = take_whole(r, n, f, 0, INT64_MAX, &v);
    if (st == PMM_OK) *(uint64_t *)out = (uint64_t)v;
    return st;
  case F_MS:
    st = take_whole(r, n, f, 0, INT64_MAX / PMM_NS_PER_MS, &v);
    if (st == PMM_OK) *(int64_t *)out = v * PMM_NS_PER_MS;
    return st;
  case F_E8:
    if (!is_decimal(n) || pmm_decimal_parse_floor(n->text, n->len, 8, out, NULL) != PMM_OK) return wrong(r, n, f, "no number");
    return PMM_OK;
  default: return take_word(r, n, f, out);
  }
}

static pmm_status_t take(const pmm__read_t *r, const pmm_json_node_t *n, const pmm__field_t *f, void *out) {
  switch ((pmm__kind_t)f->kind) {
  case F_TEXT:
    if (n->type != PMM_JSON_STRING) return wrong(r, n, f, "no text");
    *(pmm_kalshi_text_t *)out = (pmm_kalshi_text_t){n->text, n->len};
    return PMM_OK;
  case F_BOOL:
    if (n->type != PMM_JSON_BOOL) return wrong(r, n, f, "neither true nor false");
    *(bool *)out = n->text[0] == 't';
    return PMM_OK;
  case F_NODE: *(const pmm_json_node_t **)out = n; return PMM_OK;
  case F_QTY: return take_decimal(r, n, f, 6, 0, INT64_MAX, out);
  case F_E6: return take_decimal(r, n, f, 6, -INT64_MAX, INT64_MAX, out);
  case F_INT: return take_whole(r, n, f, INT64_MIN, INT64_MAX, out);
  case F_TIME: return take_time(r, n, f, out);
  default: return take_small(r, n, f, out);
  }
}

/* Keys mostly come in the table's order: the search begins behind the last one found. */
static size_t find(const pmm__field_t *field, size_t cnt, const pmm_json_node_t *key, size_t from) {
  for (size_t i = 0, k = from; i < cnt; i++, k++) {
    if (k >= cnt) k = 0;
    if (field[k].len == key->len && memcmp(field[k].key, key->text, key->len) == 0) return k;
  }
  return cnt;
}

pmm_status_t pmm__fields(const pmm__read_t *r, const pmm_json_node_t *object, const pmm__field_t *field, size_t cnt, void *out) {
  if (object->type != PMM_JSON_OBJECT) return pmm__kalshi_bad(r, object->at, "no object");
  const pmm_json_node_t *const end = object + object->span;
  uint32_t seen = 0;
  size_t next = 0;
  for (const pmm_json_node_t *key = object + 1; key < end; key = key + 1 + key[1].span) {
    size_t const k = find(field, cnt, key, next);
    if (k == cnt || seen >> k & 1) continue;
    seen |= UINT32_C(1) << k;
    next = k + 1;
    if (key[1].type == PMM_JSON_NULL && !field[k].needed) continue;
    pmm_status_t const st = take(r, key + 1, &field[k], (char *)out + field[k].at);
    if (st != PMM_OK) return st;
  }
  for (size_t k = 0; k < cnt; k++)
    if (field[k].needed && !(seen >> k & 1)) return pmm__kalshi_bad(r, object->at, "%s is missing", field[k].key);
  return PMM_OK;
}

pmm_status_t pmm__value(const pmm__read_t *r, const pmm_json_node_t *value, const pmm__field_t *field, void *out) {
  return take(r, value, field, (char *)out + field->at);
}

pmm_status_t pmm__array(const pmm__read_t *r, const pmm_json_node_t *object, const char *key, const pmm_json_node_t **out) {
  const pmm_json_node_t *const n = pmm_json_get(object, key);
  if (!n) return pmm__kalshi_bad(r, object->at, "%s is missing", key);
  if (n->type != PMM_JSON_ARRAY) return pmm__kalshi_bad(r, n->at, "%s: no array", key);
  *out = n;
  return PMM_OK;
}

pmm_status_t pmm__copy(const pmm__read_t *r, pmm_kalshi_text_t text, char *out, size_t cap, const char *what) {
  if (text.len >= cap || (text.len > 0 && memchr(text.at, '\0', text.len))) return pmm__kalshi_bad(r, 0, "%s: too long", what);
  if (text.len > 0) memcpy(out, text.at, text.len);
  out[text.len] = '\0';
  return PMM_OK;
}
