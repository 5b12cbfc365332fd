#include <math.h>
#include <regex.h>
#include "base/check.h"
#include "pmm/decimal.h"

#define UNTOUCHED INT64_C(-77)
#define TEXT_MAX 2048

typedef pmm_status_t (*parser_t)(const char *text, size_t len, int scale, int64_t *out, size_t *at);

/* Parses from a heap copy of exactly len bytes, so that the address sanitizer sees a read past the end. */
static pmm_status_t parse_exact(parser_t parser, const char *text, size_t len, int scale, int64_t *out, size_t *at) {
  char *const copy = malloc(len ? len : 1);
  memcpy(copy, text, len);
  pmm_status_t const st = parser(copy, len, scale, out, at);
  free(copy);
  return st;
}

static const struct { const char *why, *text; int scale; pmm_status_t want; int64_t value; size_t at; } rows[] = {
    {"whole number", "10", 6, PMM_OK, 10000000, 0},
    {"decimals", "0.5600", 4, PMM_OK, 5600, 0},
    {"fewer decimals than scale", "0.56", 4, PMM_OK, 5600, 0},
    {"plus sign", "+1.5", 1, PMM_OK, 15, 0},
    {"minus sign", "-54.00", 2, PMM_OK, -5400, 0},
    {"minus zero is zero", "-0", 4, PMM_OK, 0, 0},
    {"minus zero with decimals", "-0.000", 2, PMM_OK, 0, 0},
    {"leading zeros", "0000000000000000000000000000001.5", 1, PMM_OK, 15, 0},
    {"exponent", "1e3", 0, PMM_OK, 1000, 0},
    {"exponent with plus", "1E+3", 0, PMM_OK, 1000, 0},
    {"negative exponent", "15e-1", 1, PMM_OK, 15, 0},
    {"negative exponent past all digits", "0.001e-1", 4, PMM_OK, 1, 0},
    {"zero with a huge exponent", "0e99999999999999999999", 4, PMM_OK, 0, 0},
    {"zero with a tiny exponent", "0.0e-99999999999999999999", 4, PMM_OK, 0, 0},
    {"18 digits", "999999999999999999", 0, PMM_OK, INT64_C(999999999999999999), 0},
    {"18 decimals", "0.999999999999999999", 18, PMM_OK, INT64_C(999999999999999999), 0},
    {"largest", "9223372036854775807", 0, PMM_OK, INT64_MAX, 0},
    {"smallest", "-9223372036854775808", 0, PMM_OK, INT64_MIN, 0},
    {"largest with decimals", "922337203685.4775807", 7, PMM_OK, INT64_MAX, 0},
    {"one above the largest", "9223372036854775808", 0, PMM_OVERFLOW, 0, 18},
    {"one below the smallest", "-9223372036854775809", 0, PMM_OVERFLOW, 0, 19},
    {"20 digits", "10000000000000000000", 0, PMM_OVERFLOW, 0, 19},
    {"scale makes it too large", "9223372036854775807", 1, PMM_OVERFLOW, 0, 19},
    {"exponent makes it too large", "1e19", 0, PMM_OVERFLOW, 0, 4},
    {"absurd exponent", "1e99999999999999999999", 0, PMM_OVERFLOW, 0, 22},
    {"absurd negative exponent", "1e-99999999999999999999", 18, PMM_INVAL, 0, 0},
    {"a decimal too many", "0.56001", 4, PMM_INVAL, 0, 6},
    {"zeros beyond scale are fine", "0.560000000000000000000000000000", 4, PMM_OK, 5600, 0},
    {"a far decimal too many", "0.5600000000000000000000000000001", 4, PMM_INVAL, 0, 32},
    {"half at scale 0", "0.5", 0, PMM_INVAL, 0, 2},
    {"empty", "", 4, PMM_PARSE, 0, 0},
    {"sign alone", "-", 4, PMM_PARSE, 0, 1},
    {"two signs", "--1", 4, PMM_PARSE, 0, 1},
    {"no digit before the point", ".5", 4, PMM_PARSE, 0, 0},
    {"no digit after the point", "5.", 4, PMM_PARSE, 0, 2},
    {"two points", "1.2.3", 4, PMM_PARSE, 0, 3},
    {"exponent without digits", "1e", 4, PMM_PARSE, 0, 2},
    {"exponent sign without digits", "1e+", 4, PMM_PARSE, 0, 3},
    {"fraction in the exponent", "1e1.5", 4, PMM_PARSE, 0, 3},
    {"leading blank", " 1", 4, PMM_PARSE, 0, 0},
    {"trailing blank", "1 ", 4, PMM_PARSE, 0, 1},
    {"not a number", "NaN", 4, PMM_PARSE, 0, 0},
    {"infinity", "inf", 4, PMM_PARSE, 0, 0},
    {"minus infinity", "-inf", 4, PMM_PARSE, 0, 1},
    {"hexadecimal", "0x1", 4, PMM_PARSE, 0, 1},
    {"thousands separator", "1,000", 4, PMM_PARSE, 0, 1},
    {"decimal comma", "0,5", 4, PMM_PARSE, 0, 1},
};

static void parse_table(void **state) {
  (void)state;
  for (size_t i = 0; i < COUNT_OF(rows); i++) {
    int64_t value = UNTOUCHED;
    size_t at = 0;
    pmm_status_t const st = parse_exact(pmm_decimal_parse, rows[i].text, strlen(rows[i].text), rows[i].scale, &value, &at);
    if (st != rows[i].want || value != (st == PMM_OK ? rows[i].value : UNTOUCHED) || (st != PMM_OK && at != rows[i].at))
      fail_msg("%s: \"%s\" gives %s, %lld, at %zu", rows[i].why, rows[i].text, pmm_status_to_string(st), (long long)value, at);
    int64_t again = UNTOUCHED; /* at may be NULL */
    assert_int_equal(pmm_decimal_parse(rows[i].text, strlen(rows[i].text), rows[i].scale, &again, NULL), st);
  }
}

static void parse_stops_at_len(void **state) {
  (void)state;
  int64_t value;
  assert_int_equal(pmm_decimal_parse("12345", 3, 0, &value, NULL), PMM_OK);
  assert_int_equal(value, 123);
  assert_int_equal(pmm_decimal_parse("1\0002", 3, 0, &value, NULL), PMM_PARSE);
}

static void parse_400_digits(void **state) {
  (void)state;
  char text[401];
  int64_t value = UNTOUCHED;
  memset(text, '9', sizeof text);
  assert_int_equal(pmm_decimal_parse(text, 400, 4, &value, NULL), PMM_OVERFLOW);
  memset(text, '0', sizeof text);
  assert_int_equal(pmm_decimal_parse(text, 400, 4, &value, NULL), PMM_OK);
  assert_int_equal(value, 0);
  text[1] = '.';
  text[4] = '7';
  assert_int_equal(pmm_decimal_parse(text, 400, 3, &value, NULL), PMM_OK);
  assert_int_equal(value, 7);
}

static void parse_floor_table(void **state) {
  (void)state;
  static const struct { const char *text; int scale; pmm_status_t want; int64_t value; } floors[] = {
      {"64123.12345678901234", 8, PMM_OK, INT64_C(6412312345678)},
      {"0.00001", 4, PMM_OK, 0},
      {"-0.00001", 4, PMM_OK, -1},
      {"-0.0001", 4, PMM_OK, -1},
      {"-0.00010", 4, PMM_OK, -1},
      {"1e-400", 4, PMM_OK, 0},
      {"-1e-400", 4, PMM_OK, -1},
      {"-9223372036854775808.0", 0, PMM_OK, INT64_MIN},
      {"-9223372036854775808.1", 0, PMM_OVERFLOW, 0},
      {"9223372036854775807.9", 0, PMM_OK, INT64_MAX},
      {"9223372036854775808.0", 0, PMM_OVERFLOW, 0},
      {"1.x", 0, PMM_PARSE, 0},
  };
  for (size_t i = 0; i < COUNT_OF(floors); i++) {
    int64_t value = UNTOUCHED;
    size_t at = 999;
    assert_int_equal(pmm_decimal_parse_floor(floors[i].text, strlen(floors[i].text), floors[i].scale, &value, &at), floors[i].want);
    assert_int_equal(value, floors[i].want == PMM_OK ? floors[i].value : UNTOUCHED);
  }
}

/* -- the model: digits as text, the point moved by hand -- */

static const char *skip_zeros(const char *digits) {
  while (*digits == '0') digits++;
  return digits;
}

/* Is the number in digits (no leading zeros) larger than limit? */
static bool text_above(const char *digits, const char *limit) {
  size_t const a = strlen(digits), b = strlen(limit);
  return a != b ? a > b : strcmp(digits, limit) > 0;
}

/* Adds one to a number written in digits; room for one more digit in front is at digits[-1]. */
static char *text_increment(char *digits) {
  size_t i = strlen(digits);
  while (i > 0 && digits[i - 1] == '9') digits[--i] = '0';
  if (i > 0) {
    digits[i - 1]++;
    return digits;
  }
  digits[-1] = '1';
  return digits - 1;
}

static pmm_status_t model_parse(const char *text, int scale, bool cut, int64_t *out) {
  static regex_t grammar;
  static bool compiled;
  if (!compiled) assert_int_equal(regcomp(&grammar, "^[+-]?([0-9]+)(\\.([0-9]+))?([eE]([+-]?[0-9]+))?$", REG_EXTENDED), 0);
  compiled = true;
  regmatch_t m[6];
  if (regexec(&grammar, text, 6, m, 0) != 0) return PMM_PARSE;
  bool const neg = text[0] == '-';
  long exp = m[5].rm_so >= 0 ? strtol(text + m[5].rm_so, NULL, 10) : 0;
  exp = exp > 1000 ? 1000 : exp < -1000 ? -1000 : exp; /* past every digit of every text that is made here */
  /* digits: zeros, then integer and fraction, then zeros: wide enough for any point the exponent can reach */
  static char digits[3 * TEXT_MAX];
  memset(digits, '0', sizeof digits);
  int const int_cnt = (int)(m[1].rm_eo - m[1].rm_so), frac_cnt = m[3].rm_so >= 0 ? (int)(m[3].rm_eo - m[3].rm_so) : 0;
  memcpy(digits + TEXT_MAX, text + m[1].rm_so, (size_t)int_cnt);
  if (frac_cnt) memcpy(digits + TEXT_MAX + int_cnt, text + m[3].rm_so, (size_t)frac_cnt);
  long const point = TEXT_MAX + int_cnt + exp + scale;
  bool inexact = false;
  for (long i = point; i < (long)sizeof digits; i++) inexact |= digits[i] != '0';
  digits[point] = '\0';
  char *whole = (char *)(uintptr_t)skip_zeros(digits);
  const char *const limit = neg ? "9223372036854775808" : "9223372036854775807";
  if (text_above(whole, limit)) return PMM_OVERFLOW;
  if (inexact && !cut) return PMM_INVAL;
  if (inexact && neg) whole = text_increment(whole);
  if (text_above(whole, limit)) return PMM_OVERFLOW;
  *out = (int64_t)(neg ? 0 - strtoull(whole, NULL, 10) : strtoull(whole, NULL, 10));
  return PMM_OK;
}

static size_t random_digits(pmm_rng_t *rng, char *p, int cnt) {
  static const char *const styles[] = {"0123456789", "0", "9", "00000001", "09"};
  const char *const style = styles[pmm_rng_below(rng, COUNT_OF(styles))];
  for (int i = 0; i < cnt; i++) p[i] = style[pmm_rng_below(rng, strlen(style))];
  return (size_t)cnt;
}

/* Mostly well-formed numbers near the limits, sometimes with one byte changed. */
static size_t random_text(pmm_rng_t *rng, char *text) {
  static const char junk[] = "0123456789+-.eExXnN ,\t";
  size_t n = 0;
  if (pmm_rng_below(rng, 3) == 0) text[n++] = "+-"[pmm_rng_below(rng, 2)];
  if (pmm_rng_below(rng, 8) == 0) {
    const char *const edge = pmm_rng_below(rng, 2) ? "922337203685477580" : "92233720368547758";
    memcpy(text + n, edge, strlen(edge));
    n += strlen(edge);
    n += random_digits(rng, text + n, (int)pmm_rng_below(rng, 3));
  } else {
    int const most = pmm_rng_below(rng, 50) == 0 ? 400 : 21;
    n += random_digits(rng, text + n, 1 + (int)pmm_rng_below(rng, (uint64_t)most));
  }
  if (pmm_rng_below(rng, 2) == 0) {
    text[n++] = '.';
    n += random_digits(rng, text + n, 1 + (int)pmm_rng_below(rng, 24));
  }
  if (pmm_rng_below(rng, 4) == 0) n += (size_t)sprintf(text + n, "e%d", (int)check_between(rng, -30, 30));
  if (pmm_rng_below(rng, 8) == 0) text[pmm_rng_below(rng, n)] = junk[pmm_rng_below(rng, sizeof junk - 1)];
  if (pmm_rng_below(rng, 32) == 0) n = (size_t)pmm_rng_below(rng, n + 1);
  text[n] = '\0';
  return n;
}

static uint64_t parsing(uint64_t seed, uint64_t ops, bool broken) {
  pmm_rng_t rng;
  pmm_rng_seed(&rng, seed);
  char text[TEXT_MAX];
  for (uint64_t n = 0; n < ops; n++) {
    size_t const len = random_text(&rng, text);
    int const scale = (int)pmm_rng_below(&rng, 19);
    for (int cut = 0; cut < 2; cut++) {
      int64_t want = UNTOUCHED, got = UNTOUCHED;
      size_t at = 0;
      pmm_status_t const want_st = model_parse(text, scale, cut, &want);
      pmm_status_t const st = parse_exact(cut && !broken ? pmm_decimal_parse_floor : pmm_decimal_parse, text, len, scale, &got, &at);
      if (st != want_st || got != want || at > len) {
        if (!broken) print_error("\"%s\" scale %d cut %d: %s %lld, model %s %lld\n", text, scale, cut, pmm_status_to_string(st),
                                 (long long)got, pmm_status_to_string(want_st), (long long)want);
        return n;
      }
    }
  }
  return NO_MISMATCH;
}

static void parse_matches_model(void **state) {
  (void)state;
  check_random("decimal parse", parsing, 40000);
  check_canary("decimal parse", parsing, 10000);
}

/* -- printing -- */

static void print_table(void **state) {
  (void)state;
  static const struct { int64_t value; int scale, min; const char *want; } prints[] = {
      {10000000, 6, 0, "10"},        {500000, 6, 0, "0.5"},       {5000, 4, 4, "0.5000"},
      {5600, 4, 2, "0.56"},          {5610, 4, 2, "0.561"},       {-300, 2, 2, "-3.00"},
      {-1, 4, 0, "-0.0001"},         {0, 0, 0, "0"},              {0, 6, 2, "0.00"},
      {123, 0, 0, "123"},            {INT64_MAX, 0, 0, "9223372036854775807"},
      {INT64_MIN, 0, 0, "-9223372036854775808"},                  {INT64_MIN, 18, 0, "-9.223372036854775808"},
      {1, 18, 0, "0.000000000000000001"},
  };
  for (size_t i = 0; i < COUNT_OF(prints); i++) {
    char buf[PMM_DECIMAL_BUF];
    size_t const len = pmm_decimal_print(prints[i].value, prints[i].scale, prints[i].min, buf);
    assert_string_equal(buf, prints[i].want);
    assert_int_equal(len, strlen(buf));
  }
}

/* The model prints all digits with snprintf, puts the point in, then takes zeros away. */
static void model_print(int64_t value, int scale, int min, char *buf) {
  char digits[64];
  uint64_t const mag = value < 0 ? 0 - (uint64_t)value : (uint64_t)value;
  int const n = snprintf(digits, sizeof digits, "%0*llu", scale + 1, (unsigned long long)mag);
  int const len = snprintf(buf, 96, "%s%.*s.%s", value < 0 ? "-" : "", n - scale, digits, digits + n - scale);
  char *end = buf + len;
  for (int decimals = scale; decimals > min && end[-1] == '0'; decimals--) end--;
  if (end[-1] == '.') end--;
  *end = '\0';
}

static int64_t random_int64(pmm_rng_t *rng) {
  int64_t const v = (int64_t)(pmm_rng_u64(rng) >> pmm_rng_below(rng, 64));
  return pmm_rng_below(rng, 4) == 0 ? v / 1000 * 1000 : v;
}

static uint64_t printing(uint64_t seed, uint64_t ops, bool broken) {
  pmm_rng_t rng;
  pmm_rng_seed(&rng, seed);
  for (uint64_t n = 0; n < ops; n++) {
    int64_t const value = random_int64(&rng);
    int const scale = (int)pmm_rng_below(&rng, 19), min = (int)pmm_rng_below(&rng, (uint64_t)scale + 1);
    char buf[PMM_DECIMAL_BUF], want[96];
    size_t const len = pmm_decimal_print(value, scale, broken ? 0 : min, buf);
    model_print(value, scale, min, want);
    int64_t back;
    if (strcmp(buf, want) != 0 || len != strlen(want)) return n;
    if (pmm_decimal_parse(buf, len, scale, &back, NULL) != PMM_OK || back != value) return n;
  }
  return NO_MISMATCH;
}

static void print_matches_model(void **state) {
  (void)state;
  check_random("decimal print", printing, 300000);
  check_canary("decimal print", printing, 10000);
}

static void from_double_table(void **state) {
  (void)state;
  static const struct { double x; int scale; pmm_status_t want; int64_t value; } doubles[] = {
      {0.56, 4, PMM_OK, 5600},
      {0.29, 2, PMM_OK, 29},
      {-0.29, 2, PMM_OK, -29},
      {0.5, 0, PMM_OK, 1},
      {-0.5, 0, PMM_OK, -1},
      {2.5, 0, PMM_OK, 3},
      {1e-30, 18, PMM_OK, 0},
      {-9223372036854775808.0, 0, PMM_OK, INT64_MIN},
      {9223372036854774784.0, 0, PMM_OK, INT64_C(9223372036854774784)},
      {9223372036854775808.0, 0, PMM_OVERFLOW, 0},
      {1e300, 18, PMM_OVERFLOW, 0},
      {-1e19, 0, PMM_OVERFLOW, 0},
      {NAN, 4, PMM_INVAL, 0},
      {INFINITY, 4, PMM_INVAL, 0},
      {-INFINITY, 4, PMM_INVAL, 0},
  };
  for (size_t i = 0; i < COUNT_OF(doubles); i++) {
    int64_t value = UNTOUCHED;
    assert_int_equal(pmm_decimal_from_double(doubles[i].x, doubles[i].scale, &value), doubles[i].want);
    assert_int_equal(value, doubles[i].want == PMM_OK ? doubles[i].value : UNTOUCHED);
  }
  for (int32_t e4 = -10000; e4 <= 10000; e4++) {
    int64_t value;
    assert_int_equal(pmm_decimal_from_double((double)e4 / 1e4, 4, &value), PMM_OK);
    assert_int_equal(value, e4);
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(parse_table),         cmocka_unit_test(parse_stops_at_len),  cmocka_unit_test(parse_400_digits),
      cmocka_unit_test(parse_floor_table),   cmocka_unit_test(parse_matches_model), cmocka_unit_test(print_table),
      cmocka_unit_test(print_matches_model), cmocka_unit_test(from_double_table),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
