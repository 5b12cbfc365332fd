/* The JSON shim: shapes, escapes, errors, and random documents against jansson. */
#include <jansson.h>
#include "base/json.h"
#include "base/check.h"

static pmm_json_parser_t *parser;

static char *padded(const char *text, size_t len) {
  char *const p = malloc(len + PMM_JSON_PAD);
  memcpy(p, text, len);
  memset(p + len, '7', PMM_JSON_PAD);
  return p;
}

static void test_shape(void **state) {
  (void)state;
  static const char text[] = " {\"a\":[1, -2.50e1 ,[]],\"b\":{\"c\":null,\"d\":true},\"e\":\"x\",\"a\":false} ";
  char *const p = padded(text, strlen(text));
  const pmm_json_node_t *root;
  size_t at;
  const char *why;
  assert_int_equal(pmm_json_parse(parser, p, strlen(text), &root, &at, &why), PMM_OK);
  assert_int_equal(root->type, PMM_JSON_OBJECT);
  assert_int_equal(root->at, 1);
  const pmm_json_node_t *const a = pmm_json_get(root, "a"), *e = pmm_json_first(a);
  assert_int_equal(a->type, PMM_JSON_ARRAY); /* the first of equal keys */
  assert_int_equal(a->span, 4);
  assert_memory_equal(e->text, "1", 1);
  e = pmm_json_next(a, e);
  assert_int_equal(e->len, 7);
  assert_memory_equal(e->text, "-2.50e1", 7);
  assert_int_equal(e->at, 10);
  e = pmm_json_next(a, e);
  assert_int_equal(e->type, PMM_JSON_ARRAY);
  assert_null(pmm_json_first(e));
  assert_null(pmm_json_next(a, e));
  assert_int_equal(pmm_json_get(pmm_json_get(root, "b"), "c")->type, PMM_JSON_NULL);
  assert_int_equal(pmm_json_get(pmm_json_get(root, "b"), "d")->type, PMM_JSON_BOOL);
  assert_true(pmm_json_is(pmm_json_get(root, "e"), "x"));
  assert_false(pmm_json_is(a, "x"));
  assert_false(pmm_json_is(NULL, "x"));
  assert_null(pmm_json_get(root, "z"));
  assert_null(pmm_json_get(NULL, "a"));
  assert_null(pmm_json_get(a, "a"));
  assert_null(pmm_json_first(root));
  assert_null(pmm_json_first(NULL));
  free(p);
}

static void test_escapes(void **state) {
  (void)state;
  static const struct { const char *json, *want; } rows[] = {
      {"[\"\\\"\\\\\\/\\b\\f\\n\\r\\t\"]", "\"\\/\b\f\n\r\t"}, {"[\"a\\u0041z\"]", "aAz"}, {"[\"\\u00e9\"]", "\xc3\xa9"},
      {"[\"\\u20AC\"]", "\xe2\x82\xac"},                        {"[\"\\ud83d\\ude00\"]", "\xf0\x9f\x98\x80"}, {"[\"\\\\\"]", "\\"},
      {"[\"\"]", ""},                                            {"[\"\xc3\xa9\"]", "\xc3\xa9"}};
  for (size_t i = 0; i < COUNT_OF(rows); i++) {
    char *const p = padded(rows[i].json, strlen(rows[i].json));
    const pmm_json_node_t *root;
    size_t at;
    const char *why;
    if (pmm_json_parse(parser, p, strlen(rows[i].json), &root, &at, &why) != PMM_OK) fail_msg("%s: %s", rows[i].json, why);
    if (!pmm_json_is(pmm_json_first(root), rows[i].want)) fail_msg("%s", rows[i].json);
    free(p);
  }
  static const char keys[] = "{\"a\\\"b\":1,\"\\u0041\":2}";
  char *const p = padded(keys, strlen(keys));
  const pmm_json_node_t *root;
  size_t at;
  const char *why;
  assert_int_equal(pmm_json_parse(parser, p, strlen(keys), &root, &at, &why), PMM_OK);
  assert_non_null(pmm_json_get(root, "a\"b"));
  assert_non_null(pmm_json_get(root, "A"));
  free(p);
}

static void test_errors(void **state) {
  (void)state;
  static const struct { const char *json; size_t at; } rows[] = {
      {"", 0}, {" ", 0}, {"1", 0}, {"\"x\"", 0}, {"{", 0}, {"[1", 0}, {"[1 2]", 0}, {"{\"a\"}", 0}, {"{\"a\":}", 0}, {"{\"a\":1,}", 0}, {"{1:2}", 0},
      {"[tru]", 1}, {"[nul]", 1}, {"[x]", 1}, {"[\"a]", 0}, {"[\"\\q\"]", 1}, {"[\"\\u12\"]", 1}, {"[\"\\u12g4\"]", 1}, {"[\"\\ud800\"]", 1}, {"[\"\\udc00\"]", 1},
      {"[\"\\ud800\\u0041\"]", 1}, {"[\"\xff\"]", 0}, {"[\"a\nb\"]", 0}, {"[1]]", 3}, {"[1] 2", 0}, {"{}{}", 2},
      {"[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[1]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]", 32}};
  for (size_t i = 0; i < COUNT_OF(rows); i++) {
    size_t const len = strlen(rows[i].json);
    char *const p = padded(rows[i].json, len);
    const pmm_json_node_t *root;
    size_t at = SIZE_MAX;
    const char *why = NULL;
    if (pmm_json_parse(parser, p, len, &root, &at, &why) != PMM_PARSE || !why || at > len) fail_msg("%s: taken, or no reason", rows[i].json);
    if (rows[i].at && at != rows[i].at) fail_msg("%s: at %zu, expected %zu (%s)", rows[i].json, at, rows[i].at, why);
    free(p);
  }
  const pmm_json_node_t *root;
  size_t at;
  const char *why;
  assert_int_equal(pmm_json_parse(parser, "", PMM_JSON_LEN_MAX, &root, &at, &why), PMM_FULL);
}

/* -- random documents -- */
static json_t *random_value(pmm_rng_t *rng, int depth) {
  static const char *const texts[] = {"", "a", "\"", "\\", "\n\t", "\xc3\xa9", "\xf0\x9f\x98\x80", "0.9990", "a longer text that fills more than one block of the scanner, with \\ in it"};
  switch (pmm_rng_below(rng, depth > 6 ? 4 : 6)) {
  case 0: return json_null();
  case 1: return json_boolean(pmm_rng_below(rng, 2));
  case 2: return json_integer((json_int_t)pmm_rng_u64(rng) >> pmm_rng_below(rng, 60));
  case 3: return json_string(texts[pmm_rng_below(rng, COUNT_OF(texts))]);
  case 4: {
    json_t *const a = json_array();
    for (uint64_t n = pmm_rng_below(rng, 6); n > 0; n--) json_array_append_new(a, random_value(rng, depth + 1));
    return a;
  }
  default: {
    json_t *const o = json_object();
    char key[8];
    for (uint64_t n = pmm_rng_below(rng, 6); n > 0; n--) {
      snprintf(key, sizeof key, "%s%d", pmm_rng_below(rng, 9) ? "k" : "\"", (int)n);
      json_object_set_new(o, key, random_value(rng, depth + 1));
    }
    return o;
  }
  }
}

/* Walks both; the number of nodes in *n must be what is found. */
static bool same(const json_t *want, const pmm_json_node_t *got) {
  char text[32];
  const char *key;
  json_t *value;
  size_t i;
  switch (json_typeof(want)) {
  case JSON_NULL: return got->type == PMM_JSON_NULL;
  case JSON_TRUE: return got->type == PMM_JSON_BOOL && got->len == 4;
  case JSON_FALSE: return got->type == PMM_JSON_BOOL && got->len == 5;
  case JSON_STRING: return pmm_json_is(got, json_string_value(want));
  case JSON_INTEGER:
    snprintf(text, sizeof text, "%lld", (long long)json_integer_value(want));
    return got->type == PMM_JSON_NUMBER && got->len == strlen(text) && memcmp(got->text, text, got->len) == 0;
  case JSON_ARRAY: {
    const pmm_json_node_t *e = pmm_json_first(got);
    json_array_foreach(want, i, value) {
      if (!e || !same(value, e)) return false;
      e = pmm_json_next(got, e);
    }
    return e == NULL && got->type == PMM_JSON_ARRAY;
  }
  default:
    json_object_foreach((json_t *)(uintptr_t)want, key, value) {
      const pmm_json_node_t *const m = pmm_json_get(got, key);
      if (!m || !same(value, m)) return false;
    }
    return got->type == PMM_JSON_OBJECT;
  }
}

static uint64_t random_documents(uint64_t seed, uint64_t ops, bool broken) {
  pmm_rng_t rng;
  pmm_rng_seed(&rng, seed);
  for (uint64_t i = 0; i < ops; i++) {
    json_t *const want = json_array();
    json_array_append_new(want, random_value(&rng, 0));
    char *const text = json_dumps(want, pmm_rng_below(&rng, 2) ? JSON_COMPACT | JSON_ENSURE_ASCII : JSON_INDENT(1));
    char *const p = padded(text, strlen(text));
    const pmm_json_node_t *root;
    size_t at;
    const char *why;
    bool ok = pmm_json_parse(parser, p, strlen(text), &root, &at, &why) == PMM_OK;
    if (ok && broken && i == ops / 2) json_array_append_new(want, json_null());
    ok = ok && same(want, root);
    free(text);
    free(p);
    json_decref(want);
    if (!ok) return i;
  }
  return NO_MISMATCH;
}

static void test_random(void **state) {
  (void)state;
  check_random("json", random_documents, 20000);
}
static void test_canary(void **state) {
  (void)state;
  check_canary("json", random_documents, 100);
}

/* What was reserved is enough for the document with the most nodes; nothing moves. (That nothing is allocated: tests/server/test_live_allocations.c.) */
static void test_reserve(void **state) {
  (void)state;
  enum { LEN = 100001 };
  pmm_json_parser_t *const fresh = pmm_json_new();
  assert_int_equal(pmm_json_reserve(fresh, LEN), PMM_OK);
  assert_int_equal(pmm_json_reserve(fresh, 10), PMM_OK); /* never shrinks */
  char *const dense = malloc(LEN + PMM_JSON_PAD);
  for (size_t i = 0; i < LEN; i++) dense[i] = i % 2 ? '0' : ',';
  dense[0] = '[';
  dense[LEN - 1] = ']';
  memset(dense + LEN, 0, PMM_JSON_PAD);
  char *const small = padded("[1]", 3);
  const pmm_json_node_t *first, *root;
  size_t at;
  const char *why;
  assert_int_equal(pmm_json_parse(fresh, small, 3, &first, &at, &why), PMM_OK);
  assert_int_equal(pmm_json_parse(fresh, dense, LEN, &root, &at, &why), PMM_OK);
  assert_ptr_equal(root, first);
  assert_int_equal(root->span, LEN / 2 + 1);
  assert_int_equal(pmm_json_reserve(fresh, PMM_JSON_LEN_MAX), PMM_FULL);
  free(small);
  free(dense);
  pmm_json_free(fresh);
}

static int setup(void **state) {
  (void)state;
  return (parser = pmm_json_new()) ? 0 : -1;
}
static int teardown(void **state) {
  (void)state;
  pmm_json_free(parser);
  pmm_json_free(NULL);
  return 0;
}

int main(void) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(test_shape), cmocka_unit_test(test_escapes), cmocka_unit_test(test_errors), cmocka_unit_test(test_reserve), cmocka_unit_test(test_random), cmocka_unit_test(test_canary)};
  return cmocka_run_group_tests(tests, setup, teardown);
}
