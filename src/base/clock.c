#include "pmm/clock.h"
#include <assert.h>
#include <string.h>
#include "pmm/decimal.h"

#define S_PER_DAY INT64_C(86400)

static pmm_status_t fail(pmm_status_t status, size_t where, size_t *at) {
  if (at) *at = where;
  return status;
}

/* Days from 1970-01-01 to a date of the proleptic Gregorian calendar, and back.
   Source: H. Hinnant, "chrono-Compatible Low-Level Date Algorithms", 2014. Years begin in March, so that the leap
   day is the last of its year. */
static int64_t days_from_civil(int64_t y, int m, int d) {
  y -= m <= 2;
  int64_t const era = (y >= 0 ? y : y - 399) / 400;
  int64_t const yoe = y - era * 400;
  int64_t const doy = (153 * (m + (m > 2 ? -3 : 9)) + 2) / 5 + d - 1;
  int64_t const doe = yoe * 365 + yoe / 4 - yoe / 100 + doy;
  return era * 146097 + doe - 719468;
}

static void civil_from_days(int64_t days, int64_t *y, int *m, int *d) {
  days += 719468;
  int64_t const era = (days >= 0 ? days : days - 146096) / 146097;
  int64_t const doe = days - era * 146097;
  int64_t const yoe = (doe - doe / 1460 + doe / 36524 - doe / 146096) / 365;
  int64_t const doy = doe - (365 * yoe + yoe / 4 - yoe / 100);
  int64_t const mp = (5 * doy + 2) / 153;
  *d = (int)(doy - (153 * mp + 2) / 5 + 1);
  *m = (int)(mp < 10 ? mp + 3 : mp - 9);
  *y = yoe + era * 400 + (*m <= 2);
}

static int days_in_month(int y, int m) {
  static const int8_t days[12] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
  bool const leap = (y % 4 == 0 && y % 100 != 0) || y % 400 == 0;
  return days[m - 1] + (m == 2 && leap);
}

/* A cursor over the text: each reader below moves `i` on, or leaves it at the offending byte and returns false. */
typedef struct cursor {
  const char *text;
  size_t len, i;
} cursor_t;

static bool peek_is(const cursor_t *c, char ch) { return c->i < c->len && c->text[c->i] == ch; }
static bool peek_digit(const cursor_t *c) { return c->i < c->len && c->text[c->i] >= '0' && c->text[c->i] <= '9'; }

static bool read_char(cursor_t *c, char ch) {
  if (!peek_is(c, ch)) return false;
  c->i++;
  return true;
}

/* Exactly n digits with a value in lo..hi; a value outside is reported at its first digit. */
static bool read_number(cursor_t *c, int n, int lo, int hi, int *out) {
  size_t const start = c->i;
  int v = 0;
  for (int k = 0; k < n; k++) {
    if (!peek_digit(c)) return false;
    v = v * 10 + (c->text[c->i++] - '0');
  }
  *out = v;
  if (v >= lo && v <= hi) return true;
  c->i = start;
  return false;
}

static bool read_date(cursor_t *c, int64_t *days) {
  int y, m, d;
  if (!read_number(c, 4, 0, 9999, &y) || !read_char(c, '-') || !read_number(c, 2, 1, 12, &m) || !read_char(c, '-') ||
      !read_number(c, 2, 1, days_in_month(y, m), &d))
    return false;
  *days = days_from_civil(y, m, d);
  return true;
}

static bool read_time(cursor_t *c, int64_t *seconds) {
  int h, m, s;
  if (!read_number(c, 2, 0, 23, &h) || !read_char(c, ':') || !read_number(c, 2, 0, 59, &m) || !read_char(c, ':') ||
      !read_number(c, 2, 0, 59, &s))
    return false;
  *seconds = h * 3600 + m * 60 + s;
  return true;
}

/* "" or ".d" to ".ddddddddd" */
static bool read_fraction(cursor_t *c, int64_t *ns) {
  *ns = 0;
  if (!peek_is(c, '.')) return true;
  c->i++;
  if (!peek_digit(c)) return false;
  int64_t unit = PMM_NS_PER_S;
  for (; peek_digit(c); c->i++) {
    unit /= 10;
    if (unit == 0) return false; /* a tenth digit */
    *ns += unit * (c->text[c->i] - '0');
  }
  return true;
}

/* "Z" or "+hh:mm" */
static bool read_zone(cursor_t *c, int64_t *seconds) {
  *seconds = 0;
  if (read_char(c, 'Z') || read_char(c, 'z')) return true;
  bool const east = peek_is(c, '+');
  if (!east && !peek_is(c, '-')) return false;
  c->i++;
  int h, m;
  if (!read_number(c, 2, 0, 23, &h) || !read_char(c, ':') || !read_number(c, 2, 0, 59, &m)) return false;
  *seconds = (east ? 1 : -1) * (h * 3600 + m * 60);
  return true;
}

pmm_status_t pmm_time_parse(const char *text, size_t len, int64_t *out_ns, size_t *at) {
  cursor_t c = {text, len, 0};
  int64_t days, seconds, frac_ns, zone;
  if (!read_date(&c, &days) || !(read_char(&c, 'T') || read_char(&c, 't') || read_char(&c, ' ')) ||
      !read_time(&c, &seconds) || !read_fraction(&c, &frac_ns) || !read_zone(&c, &zone) || c.i != len)
    return fail(PMM_PARSE, c.i, at);
  pmm_i128_t const ns = (pmm_i128_t)(days * S_PER_DAY + seconds - zone) * PMM_NS_PER_S + frac_ns;
  if (ns > INT64_MAX || ns <= PMM_TIME_NONE) return fail(PMM_OVERFLOW, 0, at);
  *out_ns = (int64_t)ns;
  return PMM_OK;
}

/* Writes v with exactly n digits. */
static char *put_number(char *p, int64_t v, int n) {
  for (int k = n - 1; k >= 0; k--) {
    p[k] = (char)('0' + v % 10);
    v /= 10;
  }
  return p + n;
}

size_t pmm_time_print(int64_t ns, int digits, char *buf) {
  assert(digits >= 0 && digits <= 9);
  if (ns == PMM_TIME_NONE) {
    memcpy(buf, "-", 2);
    return 1;
  }
  int64_t const second = ns / PMM_NS_PER_S - (ns % PMM_NS_PER_S < 0);
  int64_t frac = (int64_t)(ns - (pmm_i128_t)second * PMM_NS_PER_S); /* second * 1e9 may lie below INT64_MIN */
  int64_t const day = second / S_PER_DAY - (second % S_PER_DAY < 0);
  int64_t const sod = second - day * S_PER_DAY;
  int64_t y;
  int m, d;
  civil_from_days(day, &y, &m, &d);
  char *p = put_number(buf, y, 4);
  *p++ = '-';
  p = put_number(p, m, 2);
  *p++ = '-';
  p = put_number(p, d, 2);
  *p++ = 'T';
  p = put_number(p, sod / 3600, 2);
  *p++ = ':';
  p = put_number(p, sod / 60 % 60, 2);
  *p++ = ':';
  p = put_number(p, sod % 60, 2);
  if (digits > 0) {
    for (int k = digits; k < 9; k++) frac /= 10;
    *p++ = '.';
    p = put_number(p, frac, digits);
  }
  *p++ = 'Z';
  *p = '\0';
  return (size_t)(p - buf);
}

/* A unit is 10^scale times `times` nanoseconds, so that the decimal part is read exactly. */
typedef struct unit {
  const char *name;
  int scale;
  int64_t times;
} unit_t;

static const unit_t *find_unit(const char *name, size_t len) {
  static const unit_t units[] = {{"", 9, 1},  {"ns", 0, 1}, {"us", 3, 1},    {"ms", 6, 1},
                                 {"s", 9, 1}, {"m", 9, 60}, {"h", 9, 3600}, {"d", 9, 86400}};
  for (size_t k = 0; k < sizeof units / sizeof units[0]; k++)
    if (strlen(units[k].name) == len && memcmp(units[k].name, name, len) == 0) return &units[k];
  return NULL;
}

pmm_status_t pmm_duration_parse(const char *text, size_t len, int64_t *out_ns, size_t *at) {
  size_t number_len = len;
  while (number_len > 0 && ((text[number_len - 1] | 0x20) >= 'a' && (text[number_len - 1] | 0x20) <= 'z')) number_len--;
  int64_t value;
  const unit_t *const unit = find_unit(text + number_len, len - number_len);
  if (unit == NULL) return fail(PMM_PARSE, number_len, at);
  pmm_status_t const st = pmm_decimal_parse(text, number_len, unit->scale, &value, at);
  if (st != PMM_OK) return st;
  int64_t ns;
  if (__builtin_mul_overflow(value, unit->times, &ns)) return fail(PMM_OVERFLOW, 0, at);
  *out_ns = ns;
  return PMM_OK;
}
