/* What happened reaches its sink whole, or cut at the end; headers are found whatever their case. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>
#include "net/header.h"

static void keep(void *ctx, const pmm_notice_t *notice) { *(pmm_notice_t *)ctx = *notice; }

static void test_notice(void **state) {
  (void)state;
  pmm_notice_t got = {0};
  pmm_notice_sink_t const sink = {keep, &got};
  pmm_notice(&sink, 7, PMM_ALERT, "kalshi", "gap", 3, "seq %d, not %d", 9, 8);
  assert_int_equal(got.at_ns, 7);
  assert_int_equal(got.severity, PMM_ALERT);
  assert_int_equal(got.market, 3);
  assert_string_equal(got.source, "kalshi");
  assert_string_equal(got.code, "gap");
  assert_string_equal(got.text, "seq 9, not 8");
  char longer[600];
  memset(longer, 'x', sizeof longer - 1);
  longer[sizeof longer - 1] = '\0';
  pmm_notice(&sink, 7, PMM_NOTE, longer, longer, PMM_NOTICE_NO_MARKET, "%s", longer);
  assert_int_equal(strlen(got.source), sizeof got.source - 1);
  assert_int_equal(strlen(got.text), sizeof got.text - 1);
  pmm_notice(&(pmm_notice_sink_t){0}, 7, PMM_NOTE, "a", "b", 0, "nobody listens");
}

static void test_header(void **state) {
  (void)state;
  pmm_header_t const header[] = {{"Retry-After", "3"}, {"retry-after", "4"}, {"X", ""}};
  pmm__headers_t const headers = {header, 3};
  pmm_http_response_t response = {.impl = &headers};
  assert_string_equal(pmm_http_header(&response, "RETRY-AFTER"), "3");
  assert_string_equal(pmm_http_header(&response, "x"), "");
  assert_null(pmm_http_header(&response, "Retry"));
  response.impl = NULL;
  assert_null(pmm_http_header(&response, "x"));
}

int main(void) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(test_notice), cmocka_unit_test(test_header)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
