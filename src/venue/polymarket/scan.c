/* The scanner: one walk over a message in the shape the venue sends. Whatever is out of the ordinary makes it give up, and the full
   parser has the word; so it checks only as much as it takes to be sure that both would read the same. */
#include <emmintrin.h> /* SSE2: in every x86-64 */
#include "fields.h"

typedef struct cursor { const char *p, *start, *end; } cursor_t; /* PMM_JSON_PAD bytes behind end may be read */

/* The first byte from p on that cannot stand inside a plain ASCII string: quote, backslash, control or above 126. */
static inline const char *plain_end(const char *p, const char *end) {
  __m128i const quote = _mm_set1_epi8('"'), escape = _mm_set1_epi8('\\'), space = _mm_set1_epi8(' ');
  for (; p < end; p += 16) {
    __m128i const x = _mm_loadu_si128((const __m128i *)(const void *)p);
    __m128i const stop = _mm_or_si128(_mm_or_si128(_mm_cmpeq_epi8(x, quote), _mm_cmpeq_epi8(x, escape)), _mm_cmplt_epi8(x, space));
    int const mask = _mm_movemask_epi8(stop);
    if (mask) return p + __builtin_ctz((unsigned)mask);
  }
  return end;
}

static inline bool eat(cursor_t *c, char want) {
  if (c->p >= c->end || *c->p != want) return false;
  c->p++;
  return true;
}

/* "text" with c->p on its quote. */
static inline bool scan_text(cursor_t *c, pmm__span_t *out) {
  if (!eat(c, '"')) return false;
  const char *const stop = plain_end(c->p, c->end);
  if (stop >= c->end || *stop != '"') return false;
  *out = (pmm__span_t){c->p, (uint32_t)(stop - c->p), (uint32_t)(c->p - 1 - c->start), true};
  c->p = stop + 1;
  return true;
}

static inline bool scan_word(cursor_t *c, const char *word, size_t len, pmm__span_t *out) {
  if ((size_t)(c->end - c->p) < len || memcmp(c->p, word, len) != 0) return false;
  *out = (pmm__span_t){c->p, (uint32_t)len, (uint32_t)(c->p - c->start), false};
  c->p += len;
  return true;
}

static inline bool scan_number(cursor_t *c, pmm__span_t *out) {
  const char *const from = c->p;
  while (c->p < c->end && ((uint8_t)(*c->p - '0') < 10 || *c->p == '.' || *c->p == '-')) c->p++;
  *out = (pmm__span_t){from, (uint32_t)(c->p - from), (uint32_t)(from - c->start), false};
  return c->p > from && *from != '.';
}

static inline bool scan_scalar(cursor_t *c, pmm__span_t *out) {
  if (c->p >= c->end) return false;
  switch (*c->p) {
  case '"': return scan_text(c, out);
  case 't': return scan_word(c, "true", 4, out);
  case 'f': return scan_word(c, "false", 5, out);
  case 'n': return scan_word(c, "null", 4, out);
  default: return scan_number(c, out);
  }
}

/* Key and colon; the member's number, or -1. */
static inline int scan_key(cursor_t *c) {
  pmm__span_t key;
  if (!scan_text(c, &key) || !eat(c, ':')) return -1;
  return (int)pmm__field_of(key.s, key.len);
}

static inline bool note(pmm__fields_t *o, int field, const pmm__span_t *value) {
  uint64_t const bit = UINT64_C(1) << field;
  if (field != PMM__F_UNUSED) {
    if (o->seen & bit) return false; /* the full parser takes the first of equal keys */
    o->seen |= bit;
  }
  o->f[field] = *value;
  return true;
}

/* An object of scalars into o. */
static bool scan_flat(cursor_t *c, pmm__fields_t *o) {
  pmm__span_t value;
  o->seen = 0;
  if (!eat(c, '{')) return false;
  do {
    int const field = scan_key(c);
    if (field < 0 || !scan_scalar(c, &value) || !note(o, field, &value)) return false;
  } while (eat(c, ','));
  return eat(c, '}');
}

/* -- levels and price changes, nearly all of the traffic: read straight into place while their members come in the usual order -- */
#define EAT(c, literal) eat_literal(c, literal, sizeof literal - 1)
static inline bool eat_literal(cursor_t *c, const char *literal, size_t len) {
  if (c->end - c->p < (ptrdiff_t)len || memcmp(c->p, literal, len) != 0) return false;
  c->p += len;
  return true;
}

#define INT_DIGITS_MAX 10 /* before the point: a limit also on how far behind the message's end a run of digits may be read */

/* Digits, a point, at most `scale` digits, a quote; what is not that short and simple is left to others. */
static inline bool eat_decimal(cursor_t *c, int scale, int64_t *out) {
  const char *p = c->p;
  uint64_t value = 0;
  uint32_t digit;
  while ((digit = (uint8_t)*p - (uint32_t)'0') < 10 && p - c->p <= INT_DIGITS_MAX) value = value * 10 + digit, p++;
  if (p == c->p || p - c->p > INT_DIGITS_MAX) return false;
  if (*p == '.') {
    const char *const point = p++;
    while ((digit = (uint8_t)*p - (uint32_t)'0') < 10 && p - point <= scale) value = value * 10 + digit, p++;
    if (p - point - 1 > scale || p == point + 1) return false;
    scale -= (int)(p - point - 1);
  }
  if (*p != '"' || p >= c->end) return false;
  static const uint32_t pow10_u32[] = {1, 10, 100, 1000, 10000, 100000, 1000000};
  *out = (int64_t)(value * pow10_u32[scale]);
  c->p = p;
  return true;
}

static inline bool eat_price(cursor_t *c, int32_t low, int32_t high, int32_t *out) {
  int64_t value;
  if (!eat_decimal(c, 4, &value) || value < low || value > high) return false;
  *out = (int32_t)value;
  return true;
}

/* A level in the one shape it has had so far: {"price":"0.5","size":"10"}. */
static inline bool scan_level(cursor_t *c, pmm__span_t *price, pmm__span_t *size) {
  static const char head[] = "{\"price\":", mid[] = ",\"size\":";
  if (c->end - c->p < (ptrdiff_t)(sizeof head - 1) || memcmp(c->p, head, sizeof head - 1) != 0) return false;
  c->p += sizeof head - 1;
  if (!scan_text(c, price) || c->end - c->p < (ptrdiff_t)(sizeof mid - 1) || memcmp(c->p, mid, sizeof mid - 1) != 0) return false;
  c->p += sizeof mid - 1;
  return scan_text(c, size) && eat(c, '}');
}

/* A level straight into place. */
static inline bool scan_usual_level(pmm_poly_codec_t *codec, cursor_t *c, int side) {
  if (codec->level_cnt[side] == PMM__LEVELS_MAX) return false;
  pmm__level_t *const level = &codec->level[side][codec->level_cnt[side]];
  cursor_t at = *c;
  if (!EAT(&at, "{\"price\":\"") || !eat_price(&at, 1, PMM_ONE_E4 - 1, &level->price_e4)) return false;
  if (!EAT(&at, "\",\"size\":\"") || !eat_decimal(&at, 6, &level->qty_e6) || !EAT(&at, "\"}")) return false;
  codec->level_cnt[side] += level->qty_e6 > 0;
  *c = at;
  return true;
}

static bool scan_levels(pmm_poly_codec_t *codec, cursor_t *c, int side) {
  pmm__span_t price, size;
  if (eat(c, ']')) return true;
  do {
    if (scan_usual_level(codec, c, side)) continue;
    if (!scan_level(c, &price, &size) || pmm__take_level(codec, side, &price, &size) != PMM_OK) return false;
  } while (eat(c, ','));
  return eat(c, ']');
}

/* -- price changes, nearly all of the traffic -- */
/* The token of the change two before is most likely this one's as well, and need not be looked up. */
static inline bool eat_token(pmm_poly_codec_t *codec, cursor_t *c, pmm__change_t *change) {
  pmm__recent_t *const recent = &codec->recent[codec->change_cnt & 1];
  if (c->end - c->p > PMM_POLY_DEC_WORD && recent->len > 0 && c->p[recent->len] == '"' && memcmp(c->p, recent->text, recent->len) == 0) {
    c->p += recent->len;
    change->market = recent->market;
    change->no = recent->no;
    return true;
  }
  const char *const stop = plain_end(c->p, c->end);
  size_t const len = (size_t)(stop - c->p);
  if (stop >= c->end || *stop != '"' || !pmm_poly_tokens_find(codec->tokens, c->p, len, &change->market, &change->no)) return false;
  *recent = (pmm__recent_t){.len = (uint32_t)len, .market = change->market, .no = change->no};
  memcpy(recent->text, c->p, len);
  c->p = stop;
  return true;
}

static inline bool eat_side(cursor_t *c, uint8_t *side) {
  if (EAT(c, "BUY\"")) *side = PMM_BID;
  else if (EAT(c, "SELL\"")) *side = PMM_ASK;
  else return false;
  return true;
}

static inline bool eat_hash(cursor_t *c, uint64_t *hash) {
  const char *const stop = plain_end(c->p, c->end);
  pmm__span_t const span = {c->p, (uint32_t)(stop - c->p), 0, true};
  if (stop >= c->end || *stop != '"') return false;
  *hash = pmm__read_hash(&span);
  c->p = stop;
  return true;
}

static bool scan_usual_change(pmm_poly_codec_t *codec, cursor_t *c) {
  if (codec->change_cnt == PMM__CHANGES_MAX) return false;
  pmm__change_t *const change = &codec->change[codec->change_cnt];
  cursor_t at = *c;
  if (!EAT(&at, "{\"asset_id\":\"") || !eat_token(codec, &at, change)) return false;
  if (!EAT(&at, "\",\"price\":\"") || !eat_price(&at, 1, PMM_ONE_E4 - 1, &change->price_e4)) return false;
  if (!EAT(&at, "\",\"size\":\"") || !eat_decimal(&at, 6, &change->qty_e6)) return false;
  if (!EAT(&at, "\",\"side\":\"") || !eat_side(&at, &change->side)) return false;
  if (!EAT(&at, ",\"hash\":\"") || !eat_hash(&at, &change->hash)) return false;
  if (!EAT(&at, "\",\"best_bid\":\"") || !eat_price(&at, 0, PMM_ONE_E4, &change->best_e4[PMM_BID])) return false;
  if (!EAT(&at, "\",\"best_ask\":\"") || !eat_price(&at, 0, PMM_ONE_E4, &change->best_e4[PMM_ASK])) return false;
  if (!EAT(&at, "\"}")) return false;
  *c = at;
  codec->change_cnt++;
  return true;
}

static bool scan_changes(pmm_poly_codec_t *codec, cursor_t *c) {
  if (eat(c, ']')) return true;
  do {
    if (scan_usual_change(codec, c)) continue;
    if (!scan_flat(c, &codec->item) || pmm__take_change(codec) != PMM_OK) return false;
  } while (eat(c, ','));
  return eat(c, ']');
}

static bool scan_items(pmm_poly_codec_t *codec, cursor_t *c, pmm_status_t (*take)(pmm_poly_codec_t *)) {
  if (eat(c, ']')) return true;
  do {
    if (!scan_flat(c, &codec->item) || take(codec) != PMM_OK) return false;
  } while (eat(c, ','));
  return eat(c, ']');
}

static bool skip_scalars(cursor_t *c) {
  pmm__span_t value;
  if (eat(c, ']')) return true;
  do {
    if (!scan_scalar(c, &value)) return false;
  } while (eat(c, ','));
  return eat(c, ']');
}

static bool scan_list(pmm_poly_codec_t *codec, cursor_t *c, int field) {
  switch (field) {
  case PMM__F_BIDS: return scan_levels(codec, c, PMM_BID);
  case PMM__F_ASKS: return scan_levels(codec, c, PMM_ASK);
  case PMM__F_PRICE_CHANGES: return scan_changes(codec, c);
  case PMM__F_MAKER_ORDERS: return scan_items(codec, c, pmm__take_share);
  case PMM__F_UNUSED: return skip_scalars(c);
  default: return false;
  }
}

/* Members that are lists, or null: anything else there is for the full parser to name. */
#define BIT(field) (UINT64_C(1) << PMM__F_##field)
#define LISTS (BIT(BIDS) | BIT(ASKS) | BIT(CHANGES) | BIT(PRICE_CHANGES) | BIT(MAKER_ORDERS))

static bool scan_member(pmm_poly_codec_t *codec, cursor_t *c) {
  pmm__span_t value;
  int const field = scan_key(c);
  if (field < 0 || c->p >= c->end) return false;
  if (*c->p != '[') return !(LISTS >> field & 1) && scan_scalar(c, &value) && note(&codec->top, field, &value);
  value = (pmm__span_t){c->p, 1, (uint32_t)(c->p - c->start), false};
  c->p++;
  return note(&codec->top, field, &value) && scan_list(codec, c, field);
}

bool pmm__scan(pmm_poly_codec_t *codec, const char *text, size_t len) {
  cursor_t c = {text, text, text + len};
  if (!eat(&c, '{')) return false;
  do {
    if (!scan_member(codec, &c)) return false;
  } while (eat(&c, ','));
  return eat(&c, '}') && c.p == c.end;
}
