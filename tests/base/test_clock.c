#include <time.h>
#include "base/check.h"
#include "pmm/clock.h"

#define UNTOUCHED INT64_C(-77)

static const struct { const char *why, *text; pmm_status_t want; int64_t ns; size_t at; } rows[] = {
    {"epoch", "1970-01-01T00:00:00Z", PMM_OK, 0, 0},
    {"five fraction digits", "2026-06-11T05:39:31.28563Z", PMM_OK, INT64_C(1781156371285630000), 0},
    {"one fraction digit", "2026-06-11T06:25:38.7Z", PMM_OK, INT64_C(1781159138700000000), 0},
    {"nine fraction digits", "1970-01-01T00:00:00.123456789Z", PMM_OK, 123456789, 0},
    {"before the epoch", "1969-12-31T23:59:59.9Z", PMM_OK, -100000000, 0},
    {"east", "1970-01-01T02:30:00+02:30", PMM_OK, 0, 0},
    {"west", "1969-12-31T19:00:00-05:00", PMM_OK, 0, 0},
    {"unknown local offset", "1970-01-01T00:00:00-00:00", PMM_OK, 0, 0},
    {"small letters", "1970-01-01t00:00:01z", PMM_OK, 1000000000, 0},
    {"blank for T", "1970-01-01 00:00:01Z", PMM_OK, 1000000000, 0},
    {"leap day", "2024-02-29T00:00:00Z", PMM_OK, INT64_C(1709164800000000000), 0},
    {"leap day of a century", "2000-02-29T00:00:00Z", PMM_OK, INT64_C(951782400000000000), 0},
    {"latest", "2262-04-11T23:47:16.854775807Z", PMM_OK, INT64_MAX, 0},
    {"earliest", "1677-09-21T00:12:43.145224193Z", PMM_OK, INT64_MIN + 1, 0},
    {"no leap day in 2023", "2023-02-29T00:00:00Z", PMM_PARSE, 0, 8},
    {"no leap day in 1900", "1900-02-29T00:00:00Z", PMM_PARSE, 0, 8},
    {"too late", "2262-04-11T23:47:16.854775808Z", PMM_OVERFLOW, 0, 0},
    {"too early: it would mean no time", "1677-09-21T00:12:43.145224192Z", PMM_OVERFLOW, 0, 0},
    {"year 9999", "9999-12-31T23:59:59Z", PMM_OVERFLOW, 0, 0},
    {"year 0", "0000-01-01T00:00:00Z", PMM_OVERFLOW, 0, 0},
    {"empty", "", PMM_PARSE, 0, 0},
    {"month 13", "2026-13-01T00:00:00Z", PMM_PARSE, 0, 5},
    {"month 0", "2026-00-01T00:00:00Z", PMM_PARSE, 0, 5},
    {"day 0", "2026-01-00T00:00:00Z", PMM_PARSE, 0, 8},
    {"31 April", "2026-04-31T00:00:00Z", PMM_PARSE, 0, 8},
    {"hour 24", "2026-01-01T24:00:00Z", PMM_PARSE, 0, 11},
    {"minute 60", "2026-01-01T00:60:00Z", PMM_PARSE, 0, 14},
    {"leap second", "2016-12-31T23:59:60Z", PMM_PARSE, 0, 17},
    {"letter in the year", "2O26-01-01T00:00:00Z", PMM_PARSE, 0, 1},
    {"short year", "226-01-01T00:00:00Z", PMM_PARSE, 0, 3},
    {"slashes", "2026/01/01T00:00:00Z", PMM_PARSE, 0, 4},
    {"no T", "2026-01-01_00:00:00Z", PMM_PARSE, 0, 10},
    {"date alone", "2026-01-01", PMM_PARSE, 0, 10},
    {"no zone", "2026-01-01T00:00:00", PMM_PARSE, 0, 19},
    {"no digit after the point", "2026-01-01T00:00:00.Z", PMM_PARSE, 0, 20},
    {"ten digits after the point", "2026-01-01T00:00:00.0000000000Z", PMM_PARSE, 0, 29},
    {"offset without colon", "2026-01-01T00:00:00+0100", PMM_PARSE, 0, 22},
    {"offset of 24 hours", "2026-01-01T00:00:00+24:00", PMM_PARSE, 0, 20},
    {"offset minute 60", "2026-01-01T00:00:00+01:60", PMM_PARSE, 0, 23},
    {"more after the end", "2026-01-01T00:00:00ZZ", PMM_PARSE, 0, 20},
};

static void parse_table(void **state) {
  (void)state;
  for (size_t i = 0; i < COUNT_OF(rows); i++) {
    int64_t ns = UNTOUCHED;
    size_t at = 0;
    pmm_status_t const st = pmm_time_parse(rows[i].text, strlen(rows[i].text), &ns, &at);
    if (st != rows[i].want || ns != (st == PMM_OK ? rows[i].ns : UNTOUCHED) || (st != PMM_OK && at != rows[i].at))
      fail_msg("%s: \"%s\" gives %s, %lld, at %zu", rows[i].why, rows[i].text, pmm_status_to_string(st), (long long)ns, at);
    assert_int_equal(pmm_time_parse(rows[i].text, strlen(rows[i].text), &ns, NULL), st);
  }
}

/* Every prefix of a valid text is an error at its end, or a text without its zone. */
static void parse_prefixes(void **state) {
  (void)state;
  static const char text[] = "2026-06-11T05:39:31.285+01:30";
  for (size_t len = 0; len < sizeof text - 1; len++) {
    char *const copy = malloc(len ? len : 1);
    memcpy(copy, text, len);
    int64_t ns = UNTOUCHED;
    size_t at = 999;
    assert_int_equal(pmm_time_parse(copy, len, &ns, &at), PMM_PARSE);
    assert_int_equal(at, len);
    assert_int_equal(ns, UNTOUCHED);
    free(copy);
  }
}

static void print_table(void **state) {
  (void)state;
  static const struct { int64_t ns; int digits; const char *want; } prints[] = {
      {INT64_C(1781156371285630000), 6, "2026-06-11T05:39:31.285630Z"},
      {INT64_C(1781156371285639999), 5, "2026-06-11T05:39:31.28563Z"},
      {INT64_C(1781156371999999999), 0, "2026-06-11T05:39:31Z"},
      {0, 9, "1970-01-01T00:00:00.000000000Z"},
      {-1, 0, "1969-12-31T23:59:59Z"},
      {-1, 3, "1969-12-31T23:59:59.999Z"},
      {INT64_MAX, 9, "2262-04-11T23:47:16.854775807Z"},
      {INT64_MIN + 1, 9, "1677-09-21T00:12:43.145224193Z"},
      {PMM_TIME_NONE, 6, "-"},
  };
  for (size_t i = 0; i < COUNT_OF(prints); i++) {
    char buf[PMM_TIME_BUF];
    assert_int_equal(pmm_time_print(prints[i].ns, prints[i].digits, buf), strlen(prints[i].want));
    assert_string_equal(buf, prints[i].want);
  }
}

/* The model is the C library's calendar. */
static void model_print(int64_t ns, int digits, char *buf) {
  time_t second = ns / PMM_NS_PER_S;
  int64_t frac = ns % PMM_NS_PER_S;
  if (frac < 0) {
    second--;
    frac += PMM_NS_PER_S;
  }
  struct tm tm;
  gmtime_r(&second, &tm);
  char fraction[16];
  snprintf(fraction, sizeof fraction, ".%09lld", (long long)frac);
  fraction[digits ? digits + 1 : 0] = '\0';
  size_t const n = strftime(buf, PMM_TIME_BUF, "%Y-%m-%dT%H:%M:%S", &tm);
  snprintf(buf + n, PMM_TIME_BUF - n, "%sZ", fraction);
}

/* Also writes the time as seen from a random zone and reads it back. */
static bool zone_round_trip(pmm_rng_t *rng, int64_t ns) {
  int const minutes = (int)check_between(rng, -1439, 1439);
  int64_t local;
  if (__builtin_add_overflow(ns, minutes * 60 * PMM_NS_PER_S, &local) || local == PMM_TIME_NONE) return true;
  char text[PMM_TIME_BUF + 16];
  size_t const n = pmm_time_print(local, 9, text) - 1;
  int const m = abs(minutes);
  int const more = snprintf(text + n, 16, "%c%02d:%02d", minutes < 0 ? '-' : '+', m / 60, m % 60);
  int64_t back;
  return pmm_time_parse(text, n + (size_t)more, &back, NULL) == PMM_OK && back == ns;
}

static uint64_t calendar(uint64_t seed, uint64_t ops, bool broken) {
  pmm_rng_t rng;
  pmm_rng_seed(&rng, seed);
  for (uint64_t n = 0; n < ops; n++) {
    int64_t const ns = (int64_t)pmm_rng_u64(&rng) >> pmm_rng_below(&rng, 40);
    if (ns == PMM_TIME_NONE) continue;
    int const digits = (int)pmm_rng_below(&rng, 10);
    char buf[PMM_TIME_BUF], want[PMM_TIME_BUF];
    pmm_time_print(ns, digits, buf);
    model_print(broken ? ns + 86400 * PMM_NS_PER_S / 2 : ns, digits, want);
    int64_t back, unit = 1;
    for (int k = digits; k < 9; k++) unit *= 10;
    if (strcmp(buf, want) != 0 || pmm_time_parse(buf, strlen(buf), &back, NULL) != PMM_OK) return n;
    if (back > ns || ns - back >= unit || !zone_round_trip(&rng, ns)) return n;
  }
  return NO_MISMATCH;
}

static void calendar_matches_model(void **state) {
  (void)state;
  check_random("calendar", calendar, 200000);
  check_canary("calendar", calendar, 100);
}

static void duration_table(void **state) {
  (void)state;
  static const struct { const char *text; pmm_status_t want; int64_t ns; size_t at; } durations[] = {
      {"250ms", PMM_OK, 250000000, 0},
      {"1.5s", PMM_OK, 1500000000, 0},
      {"10m", PMM_OK, INT64_C(600000000000), 0},
      {"2h", PMM_OK, INT64_C(7200000000000), 0},
      {"3d", PMM_OK, INT64_C(259200000000000), 0},
      {"0.5d", PMM_OK, INT64_C(43200000000000), 0},
      {"100us", PMM_OK, 100000, 0},
      {"5ns", PMM_OK, 5, 0},
      {"0.001us", PMM_OK, 1, 0},
      {"30", PMM_OK, INT64_C(30000000000), 0},
      {"0.25", PMM_OK, 250000000, 0},
      {"1e3", PMM_OK, INT64_C(1000000000000), 0},
      {"1e3ms", PMM_OK, INT64_C(1000000000), 0},
      {"-5s", PMM_OK, INT64_C(-5000000000), 0},
      {"0", PMM_OK, 0, 0},
      {"106751d", PMM_OK, INT64_C(106751) * 86400 * PMM_NS_PER_S, 0},
      {"0.5ns", PMM_INVAL, 0, 2},
      {"106752d", PMM_OVERFLOW, 0, 0},
      {"9999999999999999999s", PMM_OVERFLOW, 0, 18},
      {"5x", PMM_PARSE, 0, 1},
      {"5minutes", PMM_PARSE, 0, 1},
      {"5 s", PMM_PARSE, 0, 1},
      {"S", PMM_PARSE, 0, 0},
      {"5S", PMM_PARSE, 0, 1},
      {"s", PMM_PARSE, 0, 0},
      {"", PMM_PARSE, 0, 0},
      {"1m30s", PMM_PARSE, 0, 1},
  };
  for (size_t i = 0; i < COUNT_OF(durations); i++) {
    int64_t ns = UNTOUCHED;
    size_t at = 0;
    pmm_status_t const st = pmm_duration_parse(durations[i].text, strlen(durations[i].text), &ns, &at);
    if (st != durations[i].want || ns != (st == PMM_OK ? durations[i].ns : UNTOUCHED) || (st != PMM_OK && at != durations[i].at))
      fail_msg("\"%s\" gives %s, %lld, at %zu", durations[i].text, pmm_status_to_string(st), (long long)ns, at);
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(parse_table),           cmocka_unit_test(parse_prefixes), cmocka_unit_test(print_table),
      cmocka_unit_test(calendar_matches_model), cmocka_unit_test(duration_table),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
