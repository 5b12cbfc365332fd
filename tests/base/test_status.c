#include "base/check.h"

static void every_status_has_a_text(void **state) {
  (void)state;
#define X(name, value, text) assert_string_equal(pmm_status_to_string(PMM_##name), text);
  PMM_STATUS_MAP(X)
#undef X
  assert_string_equal(pmm_status_to_string((pmm_status_t)-999), "unknown status");
}

static void error_set_formats_and_returns(void **state) {
  (void)state;
  pmm_error_t err = {PMM_OK, "before"};
  assert_int_equal(pmm_error_set(&err, PMM_PARSE, "%s:%d: %s", "a.yaml", 12, "no such key"), PMM_PARSE);
  assert_int_equal(err.status, PMM_PARSE);
  assert_string_equal(err.text, "a.yaml:12: no such key");
  assert_int_equal(pmm_error_set(NULL, PMM_IO, "%d", 1), PMM_IO);
}

static void error_set_cuts_long_text(void **state) {
  (void)state;
  char text[2000];
  memset(text, 'x', sizeof text - 1);
  text[sizeof text - 1] = '\0';
  pmm_error_t err;
  pmm_error_set(&err, PMM_INVAL, "%s", text);
  assert_int_equal(strlen(err.text), sizeof err.text - 1);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(every_status_has_a_text),
      cmocka_unit_test(error_set_formats_and_returns),
      cmocka_unit_test(error_set_cuts_long_text),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
