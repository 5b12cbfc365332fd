/* degen/usual.h -- books in the bytes the venue usually prints, by words and without a branch on the length of a number. Each of these takes
   a piece whole or not at all, and what it does not take the pull reader reads: both say the same of a piece that both can read. */
#ifndef PMM_DEGEN_USUAL_H
#define PMM_DEGEN_USUAL_H
#include "base/words.h"
#include "venue/degen/scan.h"

/* The eight bytes from p < end, zeros behind the end; at least eight bytes of text lie before it. */
static inline uint64_t pmm__load_within(const char *p, const char *end) {
  const char *const from = end - p < 8 ? end - 8 : p;
  return pmm_word_load(from) >> 8 * (p - from);
}

/* Bytes at .. of a word are these? */
static inline bool pmm__word_has(uint64_t word, uint32_t at, uint64_t want, uint32_t len) { return ((word >> 8 * at ^ want) & PMM_WORD_BYTES(0, len)) == 0; }

/* .5"] behind the digits of a size; its millionths, or -1. */
static inline int64_t pmm__usual_decimals(const char **at, const char *end) {
  if (end - *at < 2) return -1;
  uint64_t const word = pmm__load_within(*at + 1, end);
  uint32_t const digits = pmm_word_digits(word);
  if (**at != '.' || digits - 1 >= 6 || !pmm__word_has(word, digits, PMM_WORD("\"]"), 2)) return -1;
  *at += digits + 3;
  return pmm_word_fraction(word, digits) / 100;
}

/* 48","120"] behind "0. of its price. */
static inline bool pmm__usual_price_and_size(const char **at, const char *end, pmm_degen_level_t *out) {
  const char *p = *at;
  uint64_t word = pmm__load_within(p, end);
  uint32_t digits = pmm_word_digits(word);
  if (digits - 1 >= 4 || !pmm__word_has(word, digits, PMM_WORD("\",\""), 3)) return false;
  out->price_e4 = (int32_t)(pmm_word_fraction(word, digits) / 10000);
  p += digits + 3;
  if (p >= end || out->price_e4 == 0) return false;
  word = pmm__load_within(p, end);
  digits = pmm_word_digits(word);
  if (digits - 1 >= 6) return false;
  out->qty_e6 = (int64_t)pmm_word_value(word, digits) * PMM_ONE_E6;
  p += digits;
  if (pmm__word_has(word, digits, PMM_WORD("\"]"), 2)) p += 2;
  else {
    int64_t const decimals = pmm__usual_decimals(&p, end);
    if (decimals < 0) return false;
    out->qty_e6 += decimals;
  }
  *at = p;
  return true;
}

/* ["yes","bid","0.48","120"]: neither the outcome nor the side can be guessed, so both are told by arithmetic. */
static inline bool pmm__usual_change(pmm__scan_t *s, pmm_degen_level_t *out) {
  const char *p = s->at;
  if (s->end - p < 22) return false;
  bool const is_no = p[2] == 'n';
  if ((pmm_word_load(p) ^ (is_no ? PMM_WORD("[\"no\",\"") : PMM_WORD("[\"yes\",\""))) & ~UINT64_C(0) >> (is_no ? 8 : 0)) return false;
  p += 8 - is_no;
  bool const is_ask = *p == 'a';
  if (pmm_word_load(p) != (is_ask ? PMM_WORD("ask\",\"0.") : PMM_WORD("bid\",\"0."))) return false;
  p += 8;
  if (!pmm__usual_price_and_size(&p, s->end, out)) return false;
  out->price_e4 = is_no ? PMM_ONE_E4 - out->price_e4 : out->price_e4;
  out->side = is_ask ^ is_no;
  s->at = p;
  return true;
}

/* ["0.48","120"] */
static inline bool pmm__usual_level(pmm__scan_t *s, uint8_t side, pmm_degen_level_t *out) {
  const char *p = s->at;
  if (s->end - p < 11 || !pmm__word_has(pmm_word_load(p), 0, PMM_WORD("[\"0."), 4)) return false;
  p += 4;
  if (!pmm__usual_price_and_size(&p, s->end, out)) return false;
  out->side = side;
  s->at = p;
  return true;
}

/* {"ch":"book","type":"delta","market":"M","seq":1,"ts":2 -- how messages of books begin. true: behind ts, with msg as if the members had been read one
   by one; false: not so begun, *s is of no use, nothing else has changed. */
static inline bool pmm__usual_head(pmm__scan_t *s, pmm_degen_text_t *type, pmm_degen_msg_t *msg) {
  static const char head[] = "{\"ch\":\"book\",\"type\":\"", delta[] = "delta\",\"market\":", snapshot[] = "snapshot\",\"market\":", seq[] = ",\"seq\":", ts[] = ",\"ts\":";
  pmm_degen_text_t market;
  uint64_t seq_value, ms;
  const char *const word = s->text + sizeof head - 1;
  if (s->end - s->text < 48 || !pmm_word_same(s->text, head, sizeof head - 1)) return false;
  bool const is_delta = pmm_word_same(word, delta, sizeof delta - 1);
  if (!is_delta && !pmm_word_same(word, snapshot, sizeof snapshot - 1)) return false;
  s->at = word + (is_delta ? sizeof delta : sizeof snapshot) - 1;
  if (!pmm__scan_string(s, &market) || s->end - s->at < 48 || !pmm_word_same(s->at, seq, sizeof seq - 1)) return false;
  s->at += sizeof seq - 1;
  uint32_t digits = pmm_word_whole(s->at, &seq_value);
  if (digits == 0 || !pmm_word_same(s->at + digits, ts, sizeof ts - 1)) return false;
  s->at += digits + sizeof ts - 1;
  digits = pmm_word_whole(s->at, &ms);
  if (digits == 0 || ms > INT64_MAX / PMM_NS_PER_MS || s->at[digits] != ',') return false;
  s->at += digits;
  *type = (pmm_degen_text_t){word, is_delta ? 5 : 8};
  msg->market = market;
  msg->seq = seq_value;
  msg->ts_ns = (int64_t)ms * PMM_NS_PER_MS;
  return true;
}
#endif
