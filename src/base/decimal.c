#include "pmm/decimal.h"
#include <assert.h>
#include <math.h>
#include <string.h>

#define EXP_MAX 1000000000 /* exponents saturate here: far beyond any scale or text that fits memory */

static const uint64_t pow10_u64[20] = {UINT64_C(1),
                                       UINT64_C(10),
                                       UINT64_C(100),
                                       UINT64_C(1000),
                                       UINT64_C(10000),
                                       UINT64_C(100000),
                                       UINT64_C(1000000),
                                       UINT64_C(10000000),
                                       UINT64_C(100000000),
                                       UINT64_C(1000000000),
                                       UINT64_C(10000000000),
                                       UINT64_C(100000000000),
                                       UINT64_C(1000000000000),
                                       UINT64_C(10000000000000),
                                       UINT64_C(100000000000000),
                                       UINT64_C(1000000000000000),
                                       UINT64_C(10000000000000000),
                                       UINT64_C(100000000000000000),
                                       UINT64_C(1000000000000000000),
                                       UINT64_C(10000000000000000000)};

/* Where the parts of a decimal lie in its text. */
typedef struct parts {
  bool neg;
  size_t int_at, int_cnt;   /* digits before the point, at least one */
  size_t frac_at, frac_cnt; /* digits after it; 0 without a point */
  int64_t exp;
} parts_t;

static pmm_status_t fail(pmm_status_t status, size_t where, size_t *at) {
  if (at) *at = where;
  return status;
}

static bool is_digit(const char *text, size_t len, size_t i) { return i < len && text[i] >= '0' && text[i] <= '9'; }

static size_t digits_end(const char *text, size_t len, size_t i) {
  while (is_digit(text, len, i)) i++;
  return i;
}

/* Reads "[+-] digits" after the e; returns its end, or `i` of the offending byte with *ok false. */
static size_t scan_exponent(const char *text, size_t len, size_t i, int64_t *exp, bool *ok) {
  bool const neg = i < len && text[i] == '-';
  if (i < len && (text[i] == '-' || text[i] == '+')) i++;
  *ok = is_digit(text, len, i);
  int64_t e = 0;
  for (; is_digit(text, len, i); i++)
    if (e < EXP_MAX) e = e * 10 + (text[i] - '0');
  *exp = neg ? -e : e;
  return i;
}

static pmm_status_t scan(const char *text, size_t len, parts_t *p, size_t *at) {
  size_t i = 0;
  *p = (parts_t){0};
  if (i < len && (text[i] == '-' || text[i] == '+')) p->neg = text[i++] == '-';
  p->int_at = i;
  i = digits_end(text, len, i);
  p->int_cnt = i - p->int_at;
  if (p->int_cnt == 0) return fail(PMM_PARSE, i, at);
  p->frac_at = i;
  if (i < len && text[i] == '.') {
    p->frac_at = ++i;
    i = digits_end(text, len, i);
    p->frac_cnt = i - p->frac_at;
    if (p->frac_cnt == 0) return fail(PMM_PARSE, i, at);
  }
  if (i < len && (text[i] == 'e' || text[i] == 'E')) {
    bool ok;
    i = scan_exponent(text, len, i + 1, &p->exp, &ok);
    if (!ok) return fail(PMM_PARSE, i, at);
  }
  return i == len ? PMM_OK : fail(PMM_PARSE, i, at);
}

/* Offset in the text of digit number n of integer and fraction digits taken together. */
static size_t digit_at(const parts_t *p, size_t n) {
  return n < p->int_cnt ? p->int_at + n : p->frac_at + (n - p->int_cnt);
}

/* Appends one digit to *mag, which stays at most limit. */
static bool push_digit(uint64_t *mag, uint64_t digit, uint64_t limit) {
  if (*mag > (limit - digit) / 10) return false;
  *mag = *mag * 10 + digit;
  return true;
}

/* Both parsers: the digits up to `keep` (counted after shifting the point by exponent and scale) form the result,
   the rest must be zero or, with cut, rounds the result down. */
static pmm_status_t parse(const char *text, size_t len, int scale, bool cut, int64_t *out, size_t *at) {
  assert(scale >= 0 && scale <= 18);
  parts_t p;
  pmm_status_t const st = scan(text, len, &p, at);
  if (st != PMM_OK) return st;
  uint64_t const limit = (uint64_t)INT64_MAX + p.neg;
  int64_t const digit_cnt = (int64_t)(p.int_cnt + p.frac_cnt);
  int64_t const keep = (int64_t)p.int_cnt + p.exp + scale;
  uint64_t mag = 0;
  int64_t n = 0;
  for (; n < digit_cnt && n < keep; n++) {
    size_t const where = digit_at(&p, (size_t)n);
    if (!push_digit(&mag, (uint64_t)(text[where] - '0'), limit)) return fail(PMM_OVERFLOW, where, at);
  }
  if (mag != 0) /* zeros that the text leaves to exponent and scale; at most 18 fit, so this ends soon */
    for (int64_t pad = n; pad < keep; pad++)
      if (!push_digit(&mag, 0, limit)) return fail(PMM_OVERFLOW, len, at);
  for (; n < digit_cnt; n++) {
    size_t const where = digit_at(&p, (size_t)n);
    if (text[where] == '0') continue;
    if (!cut) return fail(PMM_INVAL, where, at);
    if (p.neg && mag++ == limit) return fail(PMM_OVERFLOW, where, at);
    break;
  }
  *out = p.neg ? (int64_t)(0 - mag) : (int64_t)mag;
  return PMM_OK;
}

pmm_status_t pmm_decimal_parse(const char *text, size_t len, int scale, int64_t *out, size_t *at) {
  return parse(text, len, scale, false, out, at);
}

pmm_status_t pmm_decimal_parse_floor(const char *text, size_t len, int scale, int64_t *out, size_t *at) {
  return parse(text, len, scale, true, out, at);
}

/* Writes v in decimal, at least min_digits long; returns the length. */
static size_t print_digits(uint64_t v, int min_digits, char *buf) {
  char rev[20];
  int n = 0;
  while (v != 0 || n < min_digits) {
    rev[n++] = (char)('0' + v % 10);
    v /= 10;
  }
  for (int i = 0; i < n; i++) buf[i] = rev[n - 1 - i];
  return (size_t)n;
}

size_t pmm_decimal_print(int64_t value, int scale, int min_decimals, char *buf) {
  assert(scale >= 0 && scale <= 18);
  assert(min_decimals >= 0 && min_decimals <= scale);
  uint64_t const mag = value < 0 ? 0 - (uint64_t)value : (uint64_t)value;
  uint64_t const unit = pow10_u64[scale];
  uint64_t frac = mag % unit;
  int decimals = scale;
  while (decimals > min_decimals && frac % 10 == 0) {
    frac /= 10;
    decimals--;
  }
  size_t len = 0;
  if (value < 0) buf[len++] = '-';
  len += print_digits(mag / unit, 1, buf + len);
  if (decimals > 0) {
    buf[len++] = '.';
    len += print_digits(frac, decimals, buf + len);
  }
  buf[len] = '\0';
  return len;
}

pmm_status_t pmm_decimal_from_double(double x, int scale, int64_t *out) {
  assert(scale >= 0 && scale <= 18);
  if (!isfinite(x)) return PMM_INVAL;
  double const scaled = round(x * (double)pow10_u64[scale]);
  if (!(scaled >= -0x1p63 && scaled < 0x1p63)) return PMM_OVERFLOW;
  *out = (int64_t)scaled;
  return PMM_OK;
}
