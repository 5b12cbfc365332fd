/* The quick readers. Neither decides what a message means beyond its bytes: whatever is not exactly as expected is left to the slower
   reader behind, so that a change of the venue's printing costs time and nothing else. */
#include "base/words.h"
#include "codec.h"
#ifdef __SSE2__
#include <emmintrin.h>
#endif

typedef struct scan {
  const char *at, *end, *text;
} scan_t;

/* Bytes that end or break a plain string: quote, backslash, control, not ASCII. Gives the offset of the first one among STRIDE bytes, or STRIDE. */
#ifdef __SSE2__
#define STRIDE 16
static inline size_t first_special(const char *p) {
  __m128i const x = _mm_loadu_si128((const __m128i *)(const void *)p);
  __m128i const low = _mm_cmplt_epi8(x, _mm_set1_epi8(' ')); /* as signed numbers bytes above ASCII are below it too */
  __m128i const found = _mm_or_si128(low, _mm_or_si128(_mm_cmpeq_epi8(x, _mm_set1_epi8('"')), _mm_cmpeq_epi8(x, _mm_set1_epi8('\\'))));
  return (size_t)__builtin_ctz((unsigned)_mm_movemask_epi8(found) | 1u << STRIDE);
}
#else
#define STRIDE 8
static inline size_t first_special(const char *p) {
  size_t i = 0;
  while (i < STRIDE && (unsigned char)p[i] >= ' ' && (unsigned char)p[i] < 0x80 && p[i] != '"' && p[i] != '\\') i++;
  return i;
}
#endif

/* From behind the opening quote to behind the closing one; PMM_JSON_PAD bytes behind the end make whole strides readable. */
static inline bool plain_string(scan_t *s, const char **text, uint32_t *len) {
  const char *p = s->at;
  for (size_t n = STRIDE; n == STRIDE && p < s->end; p += n) n = first_special(p);
  if (p >= s->end || *p != '"') return false;
  *text = s->at;
  *len = (uint32_t)(p - s->at);
  s->at = p + 1;
  return true;
}

/* -- messages of books -- */

#define LIT(s, text) literal(s, text, sizeof text - 1)
__attribute__((always_inline)) static inline bool literal(scan_t *s, const char *text, size_t len) {
  if ((size_t)(s->end - s->at) < len || !pmm_word_same(s->at, text, len)) return false;
  s->at += len;
  return true;
}

static inline bool is_digit(char c) { return (unsigned char)(c - '0') < 10; }

/* A JSON integer without sign, at most 15 digits. */
static inline bool whole(scan_t *s, uint64_t *out) {
  uint32_t const digits = pmm_word_whole(s->at, out);
  if (digits == 0 || s->end - s->at < digits) return false; /* some of them may lie behind the end */
  s->at += digits;
  return true;
}

/* "0.4700" with quotes, at most `scale` decimals, as value x 10^scale; values too large for 12 digits before the point are left to others. */
static inline bool decimal(scan_t *s, int scale, int64_t *out) {
  static const int64_t pow10[] = {1, 10, 100, 1000, 10000, 100000, 1000000};
  const char *p = s->at, *const end = s->end;
  if (p >= end || *p != '"') return false;
  bool const neg = *++p == '-';
  p += neg;
  const char *const first = p;
  uint64_t v = 0; /* wraps when there are too many digits, which the next line refuses */
  while (p < end && is_digit(*p)) v = v * 10 + (uint64_t)(*p++ - '0');
  if (p == first || p - first > 12 || p >= end) return false;
  int decimals = 0;
  if (*p == '.') {
    const char *const point = p++;
    while (p < end && is_digit(*p) && p - point <= scale) v = v * 10 + (uint64_t)(*p++ - '0');
    decimals = (int)(p - point) - 1;
    if (decimals == 0) return false;
  }
  if (p >= end || *p != '"') return false;
  s->at = p + 1;
  int64_t const value = (int64_t)v * pow10[scale - decimals];
  *out = neg ? -value : value;
  return true;
}

static inline bool price(scan_t *s, int32_t *out) {
  int64_t v;
  if (!decimal(s, 4, &v) || v < 0 || v > PMM_ONE_E4) return false;
  *out = (int32_t)v;
  return true;
}

/* -- as nearly every price and size is printed. What is taken may not end behind s->end; up to 32 bytes from s->at are read. -- */

/* Four digits, the first in the lowest byte; -1: they are none. */
static inline int32_t four_digits(uint32_t x) {
  x ^= 0x30303030u;
  if (((x + 0x76767676u) | x) & 0x80808080u) return -1;
  x = (x * 10 + (x >> 8)) & 0x00ff00ffu;
  return (int32_t)((x & 0xff) * 100 + (x >> 16));
}

/* 3.00" from p, behind its opening quote; where it ends, or NULL. */
static inline const char *usual_amount(const char *p, int64_t *e6) {
  uint64_t const word = pmm_word_load(p);
  uint32_t const digits = pmm_word_digits(word);
  if (digits - 1 >= 7) return NULL;
  uint64_t const tail = pmm_word_load(p + digits) ^ PMM_WORD(".00\"");
  if ((tail & (PMM_WORD_BYTES(0, 1) | PMM_WORD_BYTES(3, 4))) | (((tail + 0x767600) | tail) & 0x808000)) return NULL;
  uint64_t const cents = (tail >> 8 & 0xff) * 10 + (tail >> 16 & 0xff);
  *e6 = ((int64_t)pmm_word_value(word, digits) * 100 + (int64_t)cents) * 10000;
  return p + digits + 4;
}

/* ["0.4700","3.00"] */
static inline bool usual_level(scan_t *s, pmm_kalshi_level_t *level) {
  const char *p = s->at;
  uint64_t const head = pmm_word_load(p);
  int32_t const e4 = four_digits((uint32_t)(head >> 32));
  if (((head ^ PMM_WORD("[\"0.")) & PMM_WORD_BYTES(0, 4)) | ((pmm_word_load(p + 8) ^ PMM_WORD("\",\"")) & PMM_WORD_BYTES(0, 3)) || e4 < 0) return false;
  p = usual_amount(p + 11, &level->qty_e6);
  if (!p || *p != ']' || p >= s->end) return false;
  level->price_e4 = e4;
  s->at = p + 1;
  return true;
}

/* "0.4700" */
static inline bool usual_price(scan_t *s, int32_t *out) {
  uint64_t const word = pmm_word_load(s->at);
  int32_t const e4 = four_digits((uint32_t)(word >> 24));
  if (((word ^ PMM_WORD("\"0.0000\"")) & (PMM_WORD_BYTES(0, 3) | PMM_WORD_BYTES(7, 8))) || e4 < 0 || s->end - s->at < 8) return false;
  *out = e4;
  s->at += 8;
  return true;
}

/* "-3.00" */
static inline bool usual_change(scan_t *s, int64_t *out) {
  int64_t const negative = s->at[1] == '-';
  const char *const p = *s->at == '"' ? usual_amount(s->at + 1 + negative, out) : NULL;
  if (!p || p > s->end) return false;
  *out = (*out ^ -negative) + negative; /* as likely one as the other: no branch */
  s->at = p;
  return true;
}

static bool any_level(scan_t *s, pmm_kalshi_level_t *level) {
  return LIT(s, "[") && price(s, &level->price_e4) && LIT(s, ",") && decimal(s, 6, &level->qty_e6) && level->qty_e6 >= 0 && LIT(s, "]");
}

static bool levels(scan_t *s, pmm_kalshi_level_t *level, uint32_t *cnt) {
  uint32_t n = 0;
  if (LIT(s, "]")) return true;
  for (;;) {
    if (n == PMM_KALSHI_LEVELS_MAX || (!usual_level(s, &level[n]) && !any_level(s, &level[n]))) return false;
    n++;
    if (s->at < s->end && *s->at == ',') s->at++;
    else break;
  }
  if (!LIT(s, "]")) return false;
  *cnt = n;
  return true;
}

/* What all messages of books begin with. */
typedef struct head { uint64_t sid, seq; pmm_kalshi_text_t market; } head_t;

static inline bool read_head(scan_t *s, head_t *h) {
  pmm_kalshi_text_t id;
  return whole(s, &h->sid) && h->sid <= UINT32_MAX && LIT(s, ",\"seq\":") && whole(s, &h->seq) && LIT(s, ",\"msg\":{\"market_ticker\":\"") &&
         plain_string(s, &h->market.at, &h->market.len) && LIT(s, ",\"market_id\":\"") && plain_string(s, &id.at, &id.len);
}

/* All but the union, of which only the type's own member is written: the whole of it is as long as the message. */
static inline void write_head(pmm_kalshi_frame_t *f, pmm_kalshi_type_t type, const head_t *h, int64_t exch_ns) {
  f->type = (uint8_t)type;
  f->has_seq = true;
  f->id = 0;
  f->seq = h->seq;
  f->sid = (uint32_t)h->sid;
  f->exch_ns = exch_ns;
  f->market = h->market;
}

/* Since Oct 2026 any frame may tell when it was sent; nobody needs it. */
static inline bool tail(scan_t *s) {
  uint64_t sent_ms;
  if (LIT(s, "}}")) return s->at == s->end;
  return LIT(s, "},\"sending_ts_ms\":") && whole(s, &sent_ms) && LIT(s, "}") && s->at == s->end;
}

static bool snapshot(scan_t *s, pmm_kalshi_codec_t *codec, pmm_kalshi_frame_t *f) {
  head_t h;
  uint32_t cnt[2] = {0, 0};
  if (!read_head(s, &h)) return false;
  if (LIT(s, ",\"yes_dollars_fp\":[") && !levels(s, codec->level[0], &cnt[0])) return false;
  if (LIT(s, ",\"no_dollars_fp\":[") && !levels(s, codec->level[1], &cnt[1])) return false;
  if (!tail(s)) return false;
  write_head(f, PMM_KALSHI_BOOK, &h, PMM_TIME_NONE);
  for (int no = 0; no < 2; no++) {
    f->u.book.level[no] = codec->level[no];
    f->u.book.cnt[no] = cnt[no];
  }
  return true;
}

static bool own_order(scan_t *s, pmm_kalshi_text_t *client_order_id) {
  uint64_t subaccount;
  if (LIT(s, ",\"client_order_id\":\"") && !plain_string(s, &client_order_id->at, &client_order_id->len)) return false;
  return !LIT(s, ",\"subaccount\":") || whole(s, &subaccount);
}

static bool delta(scan_t *s, pmm_kalshi_frame_t *f) {
  head_t h;
  pmm_kalshi_text_t ts, client_order_id = {0};
  int32_t price_e4;
  int64_t qty_e6;
  uint64_t ms;
  if (!read_head(s, &h)) return false;
  if (!LIT(s, ",\"price_dollars\":") || (!usual_price(s, &price_e4) && !price(s, &price_e4))) return false;
  if (!LIT(s, ",\"delta_fp\":") || (!usual_change(s, &qty_e6) && !decimal(s, 6, &qty_e6))) return false;
  if (!LIT(s, ",\"side\":\"")) return false;
  bool const no = LIT(s, "no\"");
  if (!no && !LIT(s, "yes\"")) return false;
  if (!LIT(s, ",\"ts\":\"") && (!own_order(s, &client_order_id) || !LIT(s, ",\"ts\":\""))) return false;
  if (!plain_string(s, &ts.at, &ts.len) || !LIT(s, ",\"ts_ms\":") || !whole(s, &ms) || ms > INT64_MAX / PMM_NS_PER_MS || !tail(s)) return false;
  write_head(f, PMM_KALSHI_DELTA, &h, (int64_t)ms * PMM_NS_PER_MS);
  f->u.delta.qty_e6 = qty_e6;
  f->u.delta.price_e4 = price_e4;
  f->u.delta.no = no;
  f->u.delta.client_order_id = client_order_id;
  return true;
}

bool pmm__kalshi_scan_book(pmm_kalshi_codec_t *codec, const char *text, size_t len, pmm_kalshi_frame_t *frame) {
  scan_t s = {text, text + len, text};
  if (!LIT(&s, "{\"type\":\"orderbook_")) return false;
  if (LIT(&s, "delta\",\"sid\":")) return delta(&s, frame);
  return LIT(&s, "snapshot\",\"sid\":") && snapshot(&s, codec, frame);
}

/* -- tokens of any message -- */

typedef struct tokens {
  scan_t s;
  pmm_json_node_t *node;
  size_t cnt, cap;
} tokens_t;

static pmm_json_node_t *add(tokens_t *t, pmm_json_type_t type, const char *at, size_t len, const char *from) {
  if (t->cnt == t->cap) return NULL;
  pmm_json_node_t *const n = &t->node[t->cnt++];
  *n = (pmm_json_node_t){at, (uint32_t)len, 1, (uint32_t)(from - t->s.text), (uint32_t)type};
  return n;
}

static bool string_token(tokens_t *t) {
  const char *at, *const quote = t->s.at++;
  uint32_t len;
  return plain_string(&t->s, &at, &len) && add(t, PMM_JSON_STRING, at, len, quote);
}

/* -?(0|[1-9][0-9]*)(.[0-9]+)?  Exponents are unusual. */
static bool number_token(tokens_t *t) {
  const char *const from = t->s.at, *p = from + (*from == '-'), *const end = t->s.end;
  const char *const first = p;
  while (p < end && is_digit(*p)) p++;
  if (p == first || (*first == '0' && p - first > 1)) return false;
  if (p < end && *p == '.') {
    const char *const point = p++;
    while (p < end && is_digit(*p)) p++;
    if (p - point < 2) return false;
  }
  t->s.at = p;
  return add(t, PMM_JSON_NUMBER, from, (size_t)(p - from), from);
}

static bool word_token(tokens_t *t, const char *word, size_t len, pmm_json_type_t type) {
  const char *const from = t->s.at;
  return literal(&t->s, word, len) && add(t, type, from, len, from);
}

static bool value_token(tokens_t *t, int depth);

static bool member_token(tokens_t *t, int depth) {
  return t->s.at < t->s.end && *t->s.at == '"' && string_token(t) && LIT(&t->s, ":") && value_token(t, depth);
}

static bool container_token(tokens_t *t, int depth, char close, pmm_json_type_t type) {
  if (depth == PMM__KALSHI_DEPTH_MAX) return false;
  const char *const from = t->s.at++;
  size_t const self = t->cnt;
  if (!add(t, type, from, 1, from)) return false;
  bool more = t->s.at < t->s.end && *t->s.at != close;
  while (more) {
    if (!(type == PMM_JSON_OBJECT ? member_token(t, depth + 1) : value_token(t, depth + 1))) return false;
    more = LIT(&t->s, ",");
  }
  if (!literal(&t->s, &close, 1)) return false;
  t->node[self].span = (uint32_t)(t->cnt - self);
  return true;
}

static bool value_token(tokens_t *t, int depth) {
  if (t->s.at >= t->s.end) return false;
  switch (*t->s.at) {
  case '"': return string_token(t);
  case '{': return container_token(t, depth, '}', PMM_JSON_OBJECT);
  case '[': return container_token(t, depth, ']', PMM_JSON_ARRAY);
  case 't': return word_token(t, "true", 4, PMM_JSON_BOOL);
  case 'f': return word_token(t, "false", 5, PMM_JSON_BOOL);
  case 'n': return word_token(t, "null", 4, PMM_JSON_NULL);
  default: return number_token(t);
  }
}

bool pmm__kalshi_tokens(pmm_json_node_t *node, size_t cap, const char *text, size_t len) {
  tokens_t t = {{text, text + len, text}, node, 0, cap};
  if (len == 0 || len > UINT32_MAX || (*text != '{' && *text != '[')) return false;
  return value_token(&t, 0) && t.s.at == t.s.end;
}
