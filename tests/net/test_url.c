/* URLs: who is loopback, where plain text is refused, what is sent as written; queries. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>
#include "net/url.h"
#include "pmm/service.h"

static void test_loopback(void **state) {
  (void)state;
  static const struct { const char *url; bool want; } rows[] = {
      {"http://localhost", true},        {"ws://LOCALHOST:80/x", true},       {"https://127.0.0.1:8443/", true},   {"wss://127.9.9.9/a", true},
      {"http://[::1]:80/", true},        {"http://127.1/", true},             {"http://0x7f000001/", true},        {"http://localhost.evil.com/", false},
      {"http://localhost@evil.com/", false}, {"http://evil.com/localhost", false}, {"http://evil.com#@localhost/", false}, {"http://128.0.0.1", false},
      {"http://[::2]/", false},          {"http://0.0.0.0/", false},          {"localhost", false},                {"", false},
      {"http://127.0.0.1.evil.com/", false}, {"http://evil.com?@127.0.0.1", false}, {"http://user@localhost/", false}, {NULL, false},
  };
  for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++)
    if (pmm_url_is_loopback(rows[i].url) != rows[i].want) fail_msg("%s", rows[i].url ? rows[i].url : "NULL");
}

static void test_parse(void **state) {
  (void)state;
  static const struct { const char *url; pmm_status_t want; const char *host; int port; const char *target; } rows[] = {
      {"https://api.elections.kalshi.com/trade-api/v2/a%2Fb/../c//d?x=%26&y=1#z", PMM_OK, "api.elections.kalshi.com", 443, "/trade-api/v2/a%2Fb/../c//d?x=%26&y=1"},
      {"https://h:8443", PMM_OK, "h", 8443, "/"},
      {"HTTPS://h?a=b", PMM_OK, "h", 443, "/?a=b"},
      {"http://[::1]:81/x", PMM_OK, "::1", 81, "/x"},
      {"http://example.com/", PMM_INVAL, "", 0, ""},
      {"ws://localhost/", PMM_INVAL, "", 0, ""},
      {"file:///etc/passwd", PMM_INVAL, "", 0, ""},
      {"https://user:secret@h/", PMM_INVAL, "", 0, ""},
      {"https://h/a b", PMM_INVAL, "", 0, ""},
      {"https://h/a\r\nX: y", PMM_INVAL, "", 0, ""},
      {"https://h:99999/", PMM_INVAL, "", 0, ""},
      {"https://", PMM_INVAL, "", 0, ""},
      {"h/x", PMM_INVAL, "", 0, ""},
  };
  for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
    pmm__url_t url;
    pmm_error_t err = {0};
    pmm_status_t const got = pmm__url_parse(&url, rows[i].url, "https", "http", &err);
    if (got != rows[i].want) fail_msg("%s: %s", rows[i].url, pmm_status_to_string(got));
    if (got != PMM_OK) { assert_null(strstr(err.text, "secret")); continue; }
    assert_string_equal(url.host, rows[i].host);
    assert_int_equal(url.port, rows[i].port);
    assert_string_equal(url.target, rows[i].target);
  }
}

static void test_query(void **state) {
  (void)state;
  static const struct { const char *query, *name; size_t nth; pmm_status_t want; const char *value; } rows[] = {
      {"a=1&b=2", "b", 0, PMM_OK, "2"},       {"a=1&a=2", "a", 1, PMM_OK, "2"},      {"a=1&a=2", "a", 2, PMM_NOT_FOUND, ""},
      {"a", "a", 0, PMM_OK, ""},              {"a=", "a", 0, PMM_OK, ""},            {"", "a", 0, PMM_NOT_FOUND, ""},
      {"aa=1", "a", 0, PMM_NOT_FOUND, ""},    {"a%62=1", "ab", 0, PMM_OK, "1"},      {"a=x%20y+z%2b", "a", 0, PMM_OK, "x y z+"},
      {"a=%4", "a", 0, PMM_PARSE, ""},        {"a=%zz", "a", 0, PMM_PARSE, ""},      {"a=x%00y", "a", 0, PMM_PARSE, ""},
      {"a=12345678", "a", 0, PMM_FULL, ""},   {"a=1234567", "a", 0, PMM_OK, "1234567"}, {"&&a=1=2&", "a", 0, PMM_OK, "1=2"},
  };
  for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
    char out[8] = "as was";
    pmm_status_t const got = pmm_query_get(rows[i].query, rows[i].name, rows[i].nth, out, sizeof out);
    if (got != rows[i].want) fail_msg("%s: %s", rows[i].query, pmm_status_to_string(got));
    assert_string_equal(out, got == PMM_OK ? rows[i].value : "as was");
  }
}

static void test_headers(void **state) {
  (void)state;
  assert_true(pmm__header_is_valid(&(pmm_header_t){"POLY_ADDRESS", "0xA b\tc"}));
  assert_false(pmm__header_is_valid(&(pmm_header_t){"", "x"}));
  assert_false(pmm__header_is_valid(&(pmm_header_t){"a b", "x"}));
  assert_false(pmm__header_is_valid(&(pmm_header_t){"a", "x\r\nB: y"}));
  assert_false(pmm__header_is_valid(&(pmm_header_t){"a:", "x"}));
  assert_false(pmm__header_is_valid(&(pmm_header_t){"a", NULL}));
}

int main(void) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(test_loopback), cmocka_unit_test(test_parse), cmocka_unit_test(test_query), cmocka_unit_test(test_headers)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
