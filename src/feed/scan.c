/* The quick reader: one walk over JSON as feeds print it, without white space, into the nodes that the full parser would give. Whatever is out of
   the ordinary (white space, bytes that are not ASCII, escapes but those of quote, backslash and slash, deep or long documents, anything doubtful) is left to the full
   parser, so that this one never has to say what is wrong. */
#include <string.h>
#include "feed/codec.h"
#ifdef __SSE2__
#include <emmintrin.h>
#endif

typedef struct scan {
  const char *p, *start, *end; /* PMM_JSON_PAD readable bytes follow the end */
  pmm_json_node_t *node;
  size_t cnt;
  char *copy; size_t copy_used; /* strings with escapes */
} scan_t;

/* The first byte from p on that cannot stand in a plain string: quote, backslash, control, not ASCII. May look up to 15 bytes beyond the end. */
static inline const char *plain_end(const char *p, const char *end) {
#ifdef __SSE2__
  for (; p < end; p += 16) {
    __m128i const x = _mm_loadu_si128((const __m128i *)(const void *)p);
    __m128i const low = _mm_cmplt_epi8(x, _mm_set1_epi8(' ')); /* as signed numbers bytes above ASCII are below it too */
    __m128i const stop = _mm_or_si128(low, _mm_or_si128(_mm_cmpeq_epi8(x, _mm_set1_epi8('"')), _mm_cmpeq_epi8(x, _mm_set1_epi8('\\'))));
    int const mask = _mm_movemask_epi8(stop);
    if (mask) return p + __builtin_ctz((unsigned)mask);
  }
  return end;
#else
  while (p < end && (unsigned char)*p >= ' ' && (unsigned char)*p < 0x80 && *p != '"' && *p != '\\') p++;
  return p;
#endif
}

static inline bool add(scan_t *s, pmm_json_type_t type, const char *text, size_t len, const char *at) {
  if (s->cnt == PMM__SCAN_NODES) return false;
  s->node[s->cnt++] = (pmm_json_node_t){.text = text, .len = (uint32_t)len, .span = 1, .at = (uint32_t)(at - s->start), .type = type};
  return true;
}

/* A string with escapes, from its opening quote: copied without them. */
static bool escaped_string(scan_t *s, const char *at) {
  const char *p = at + 1;
  size_t const first = s->copy_used;
  for (;;) {
    const char *const stop = plain_end(p, s->end);
    size_t const len = (size_t)(stop - p);
    if (stop >= s->end || s->copy_used + len + 1 > PMM__SCAN_COPY) return false;
    memcpy(s->copy + s->copy_used, p, len);
    s->copy_used += len;
    p = stop + 1;
    if (*stop == '"') break;
    if (*stop != '\\' || p >= s->end || (*p != '"' && *p != '\\' && *p != '/')) return false;
    s->copy[s->copy_used++] = *p++;
  }
  s->p = p;
  return add(s, PMM_JSON_STRING, s->copy + first, s->copy_used - first, at);
}

static inline bool string(scan_t *s) {
  const char *const at = s->p, *const stop = plain_end(at + 1, s->end);
  if (stop >= s->end) return false;
  if (*stop != '"') return *stop == '\\' && escaped_string(s, at);
  s->p = stop + 1;
  return add(s, PMM_JSON_STRING, at + 1, (size_t)(stop - at - 1), at);
}

static inline bool number(scan_t *s) {
  const char *const at = s->p;
  while (s->p < s->end && ((*s->p >= '0' && *s->p <= '9') || *s->p == '.' || *s->p == '-' || *s->p == '+' || *s->p == 'e' || *s->p == 'E')) s->p++;
  return add(s, PMM_JSON_NUMBER, at, (size_t)(s->p - at), at);
}

static bool word(scan_t *s, const char *text, size_t len, pmm_json_type_t type) {
  const char *const at = s->p;
  if ((size_t)(s->end - at) < len || memcmp(at, text, len) != 0) return false;
  s->p += len;
  return add(s, type, at, len, at);
}

static inline bool scalar(scan_t *s) {
  char const c = *s->p;
  if (c == '"') return string(s);
  if (c == '-' || (c >= '0' && c <= '9')) return number(s);
  if (c == 't') return word(s, "true", 4, PMM_JSON_BOOL);
  if (c == 'f') return word(s, "false", 5, PMM_JSON_BOOL);
  return c == 'n' && word(s, "null", 4, PMM_JSON_NULL);
}

static inline bool key(scan_t *s) {
  if (s->p >= s->end || *s->p != '"' || !string(s) || s->p >= s->end || *s->p != ':') return false;
  s->p++;
  return s->p < s->end;
}

static inline bool is_open(char c) { return c == '{' || c == '['; }

/* Behind a value: closes what ends here, and stands at the next value. False: not understood; *depth 0: the document is whole. */
static inline bool next_value(scan_t *s, const uint32_t *open, int *depth) {
  while (*depth > 0) {
    pmm_json_node_t *const in = &s->node[open[*depth - 1]];
    bool const object = in->type == PMM_JSON_OBJECT;
    if (s->p >= s->end) return false;
    char const c = *s->p++;
    if (c == ',') return object ? key(s) : s->p < s->end;
    if (c != (object ? '}' : ']')) return false;
    in->span = (uint32_t)(s->cnt - open[*depth - 1]);
    (*depth)--;
  }
  return true;
}

bool pmm__feed_scan(const char *text, size_t len, pmm_json_node_t node[PMM__SCAN_NODES], char copy[PMM__SCAN_COPY]) {
  uint32_t open[PMM_JSON_DEPTH_MAX];
  int depth = 0;
  scan_t s = {.p = text, .start = text, .end = text + len, .node = node, .copy = copy};
  if (len == 0 || len > UINT32_MAX || !is_open(*text)) return false;
  do {
    char const c = *s.p;
    if (!is_open(c)) {
      if (!scalar(&s)) return false;
    } else {
      if (depth == PMM_JSON_DEPTH_MAX - 1 || !add(&s, c == '{' ? PMM_JSON_OBJECT : PMM_JSON_ARRAY, s.p, 1, s.p)) return false;
      open[depth++] = (uint32_t)(s.cnt - 1);
      s.p++;
      bool const empty = s.p < s.end && *s.p == (c == '{' ? '}' : ']');
      if (!empty) {
        if (c == '{' ? !key(&s) : s.p >= s.end) return false;
        continue;
      }
    }
    if (!next_value(&s, open, &depth)) return false;
  } while (depth > 0);
  return s.p == s.end;
}
