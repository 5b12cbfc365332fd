/* Values of single members. The usual decimal is read in a loop of its own; pmm_decimal_parse, which takes any, is the judge of the
   rest. */
#include "base/words.h"
#include "pmm/decimal.h"
#include "fields.h"

pmm_status_t pmm__wrong(pmm_poly_codec_t *codec, const pmm__span_t *span, const char *why) {
  codec->why = why;
  codec->where = span ? span->at : 0;
  return PMM_PARSE;
}

/* digits [. digits], few enough that nothing can overflow, with at most scale decimals. False: not that simple. */
static inline bool simple_decimal(const char *s, uint32_t len, uint32_t scale, int64_t *out) {
  static const int64_t pow10_i64[] = {1, 10, 100, 1000, 10000, 100000, 1000000};
  int64_t value = 0;
  uint32_t i = 0;
  if (len == 0 || len > 12) return false;
  for (; i < len && (uint8_t)(s[i] - '0') < 10; i++) value = value * 10 + (s[i] - '0');
  if (i == 0) return false;
  uint32_t decimals = 0;
  if (i < len) {
    if (s[i] != '.') return false;
    decimals = len - ++i;
    if (decimals == 0 || decimals > scale) return false;
    for (; i < len; i++) {
      if ((uint8_t)(s[i] - '0') >= 10) return false;
      value = value * 10 + (s[i] - '0');
    }
  }
  *out = value * pow10_i64[scale - decimals];
  return true;
}

static bool decimal(const pmm__span_t *span, int scale, int64_t *out) {
  return simple_decimal(span->s, span->len, (uint32_t)scale, out) || pmm_decimal_parse(span->s, span->len, scale, out, NULL) == PMM_OK;
}

pmm_status_t pmm__poly_read_price(pmm_poly_codec_t *codec, const pmm__span_t *span, int32_t *price_e4) {
  int64_t value;
  if (!span || !decimal(span, 4, &value)) return pmm__wrong(codec, span, "price: no decimal of at most four places");
  if (value <= 0 || value >= PMM_ONE_E4) return pmm__wrong(codec, span, "price: outside (0, 1)");
  *price_e4 = (int32_t)value;
  return PMM_OK;
}

pmm_status_t pmm__read_mean(pmm_poly_codec_t *codec, const pmm__span_t *span, int32_t *price_e4) {
  int64_t value;
  if (!span || pmm_decimal_parse_floor(span->s, span->len, 4, &value, NULL) != PMM_OK) return pmm__wrong(codec, span, "price: no decimal");
  if (value < 0 || value > PMM_ONE_E4) return pmm__wrong(codec, span, "price: outside [0, 1]");
  *price_e4 = (int32_t)value;
  return PMM_OK;
}

pmm_status_t pmm__read_best(pmm_poly_codec_t *codec, const pmm__span_t *span, int32_t *price_e4) {
  int64_t value;
  *price_e4 = -1;
  if (!span || span->len == 0) return PMM_OK;
  if (!decimal(span, 4, &value) || value < 0 || value > PMM_ONE_E4) return pmm__wrong(codec, span, "best price: outside [0, 1]");
  *price_e4 = (int32_t)value;
  return PMM_OK;
}

pmm_status_t pmm__read_qty(pmm_poly_codec_t *codec, const pmm__span_t *span, int64_t *qty_e6) {
  int64_t value;
  if (!span || !decimal(span, 6, &value) || value < 0) return pmm__wrong(codec, span, "size: no decimal >= 0 of at most six places");
  *qty_e6 = value;
  return PMM_OK;
}

pmm_status_t pmm__read_side(pmm_poly_codec_t *codec, const pmm__span_t *span, pmm_poly_side_t *side) {
  bool const buy = pmm__span_is(span, "BUY");
  if (!buy && !pmm__span_is(span, "SELL")) return pmm__wrong(codec, span, "side: neither BUY nor SELL");
  *side = buy ? PMM_POLY_BUY : PMM_POLY_SELL;
  return PMM_OK;
}

static inline bool whole_number(const char *s, uint32_t len, int64_t *out) {
  static const int64_t pow10[] = {1, 10, 100, 1000, 10000, 100000, 1000000, 10000000, 100000000};
  int64_t value = 0;
  if (len == 0 || len > 18) return false;
  if (len >= 8 && len <= 16) { /* its first eight digits, and of its last eight those that are not among them */
    uint64_t const head = pmm_word_load(s), tail = pmm_word_load(s + len - 8);
    if (pmm_word_digits(head) < 8 || pmm_word_digits(tail) < 8) return false;
    *out = pmm_word_value(head, 8) * pow10[len - 8] + (len == 8 ? 0 : pmm_word_value(tail >> 8 * (16 - len), len - 8));
    return true;
  }
  for (uint32_t i = 0; i < len; i++) {
    if ((uint8_t)(s[i] - '0') >= 10) return false;
    value = value * 10 + (s[i] - '0');
  }
  *out = value;
  return true;
}

/* The venue writes milliseconds on the market channel and seconds in some private messages; 1e11 s is the year 5138. */
pmm_status_t pmm__read_time(pmm_poly_codec_t *codec, const pmm__span_t *span, int64_t *ns) {
  int64_t value;
  *ns = PMM_TIME_NONE;
  if (!span || span->len == 0) return PMM_OK;
  if (!whole_number(span->s, span->len, &value) && (pmm_decimal_parse(span->s, span->len, 0, &value, NULL) != PMM_OK || value < 0))
    return pmm__wrong(codec, span, "time: no whole number");
  bool const seconds = value < INT64_C(100000000000);
  if (value > (seconds ? INT64_MAX / PMM_NS_PER_S : INT64_MAX / PMM_NS_PER_MS)) return pmm__wrong(codec, span, "time: too far away");
  if (value > 0) *ns = value * (seconds ? PMM_NS_PER_S : PMM_NS_PER_MS);
  return PMM_OK;
}

pmm_status_t pmm__read_word(pmm_poly_codec_t *codec, const pmm__span_t *span, pmm_poly_word_t *word) {
  if (!span || pmm_poly_word_parse(span->s, span->len, word) != PMM_OK) return pmm__wrong(codec, span, "order id: not 0x and 64 hex digits");
  return PMM_OK;
}

pmm_status_t pmm__read_token(pmm_poly_codec_t *codec, const pmm__span_t *span, uint32_t *market, bool *no) {
  if (!span || !span->is_text) return pmm__wrong(codec, span, "asset_id: missing");
  if (!pmm_poly_tokens_find(codec->tokens, span->s, span->len, market, no)) {
    *market = PMM_POLY_NONE;
    *no = false;
  }
  return PMM_OK;
}

uint64_t pmm__read_hash(const pmm__span_t *span) {
  if (!span || span->len < 8) return 0;
  uint64_t head, tail;
  memcpy(&head, span->s, 8);
  memcpy(&tail, span->s + span->len - 8, 8);
  return (head ^ tail * UINT64_C(0x9e3779b97f4a7c15)) | 1;
}
