/* The writer of answers: commas, escapes, numbers, growth. */
#include "server/text.h"
#include "base/json.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

static void test_document(void **state) {
  (void)state;
  pmm_text_t t = {0};
  assert_string_equal(pmm_text_get(&t, NULL), "");
  for (int again = 0; again < 2; again++) { /* the second time in the same buffer */
    pmm_text_clear(&t);
    pmm_text_object(&t, NULL);
    pmm_text_string(&t, "id", "a");
    pmm_text_decimal(&t, "price", 5600, 4, 4);
    pmm_text_number(&t, "ratio", -5, 1, 0);
    pmm_text_array(&t, "none");
    pmm_text_end(&t);
    pmm_text_array(&t, "levels");
    for (int i = 0; i < 2; i++) {
      pmm_text_array(&t, NULL);
      pmm_text_int(&t, NULL, i);
      pmm_text_bool(&t, NULL, i == 1);
      pmm_text_end(&t);
    }
    pmm_text_end(&t);
    pmm_text_null(&t, "n");
    pmm_text_string(&t, "m", NULL);
    pmm_text_uint(&t, "big", UINT64_MAX);
    pmm_text_json(&t, "raw", "{}", 2);
    pmm_text_end(&t);
    assert_string_equal(pmm_text_get(&t, NULL),
                        "{\"id\":\"a\",\"price\":\"0.5600\",\"ratio\":-0.5,\"none\":[],\"levels\":[[0,false],[1,true]],\"n\":null,\"m\":null,"
                        "\"big\":18446744073709551615,\"raw\":{}}");
  }
  pmm_text_free(&t);
}

static void test_escapes(void **state) {
  (void)state;
  static const struct { const char *in, *want; } rows[] = {
    {"plain", "\"plain\""},
    {"a\"b\\c", "\"a\\\"b\\\\c\""},
    {"\n\r\t\b\f\x01\x1f", "\"\\n\\r\\t\\b\\f\\u0001\\u001f\""},
    {"\xC3\xA9\xE2\x82\xAC\xF0\x9F\x98\x80", "\"\xC3\xA9\xE2\x82\xAC\xF0\x9F\x98\x80\""},
    {"\xC3", "\"\xEF\xBF\xBD\""},
    {"\xC0\xAF" "x", "\"\xEF\xBF\xBD\xEF\xBF\xBDx\""},
    {"\xED\xA0\x80", "\"\xEF\xBF\xBD\xEF\xBF\xBD\xEF\xBF\xBD\""},
    {"\xF5\x80\x80\x80", "\"\xEF\xBF\xBD\xEF\xBF\xBD\xEF\xBF\xBD\xEF\xBF\xBD\""},
  };
  pmm_text_t t = {0};
  for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
    pmm_text_clear(&t);
    pmm_text_string(&t, NULL, rows[i].in);
    assert_string_equal(pmm_text_get(&t, NULL), rows[i].want);
  }
  pmm_text_free(&t);
}

/* Any bytes give a document that a strict parser takes. */
static void test_random_bytes(void **state) {
  (void)state;
  pmm_json_parser_t *const parser = pmm_json_new();
  pmm_text_t t = {0};
  uint64_t x = 88172645463325252u;
  for (int round = 0; round < 2000; round++) {
    char bytes[64];
    for (size_t i = 0; i < sizeof bytes; i++) {
      x ^= x << 13, x ^= x >> 7, x ^= x << 17;
      bytes[i] = (char)(round % 2 ? x : x % 3 ? x | 0x80 : x & 0x7f);
    }
    pmm_text_clear(&t);
    pmm_text_array(&t, NULL);
    pmm_text_string_n(&t, NULL, bytes, sizeof bytes);
    pmm_text_end(&t);
    size_t const len = t.len;
    pmm_text_raw(&t, (char[PMM_JSON_PAD]){0}, PMM_JSON_PAD);
    const pmm_json_node_t *root;
    const char *why;
    size_t at;
    assert_int_equal(pmm_json_parse(parser, t.buf, len, &root, &at, &why), PMM_OK);
  }
  pmm_text_free(&t);
  pmm_json_free(parser);
}

static void test_limit(void **state) {
  (void)state;
  pmm_text_t t = {0};
  char *const block = calloc(1, PMM_TEXT_MAX / 4);
  for (int i = 0; i < 4; i++) pmm_text_raw(&t, block, PMM_TEXT_MAX / 4);
  assert_true(t.failed);
  assert_string_equal(pmm_text_get(&t, NULL), "");
  pmm_text_clear(&t);
  pmm_text_printf(&t, "%d-%s", 7, "x");
  assert_string_equal(pmm_text_get(&t, NULL), "7-x");
  pmm_text_free(&t);
  free(block);
}

int main(void) {
  const struct CMUnitTest tests[] = {
    cmocka_unit_test(test_document),
    cmocka_unit_test(test_escapes),
    cmocka_unit_test(test_random_bytes),
    cmocka_unit_test(test_limit),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
