/* Parameter tables: what is accepted, what is refused and left alone, and what prints back. */
#include <math.h>

#include "base/check.h"
#include "pmm/param.h"

typedef struct sample {
  double ratio;
  int64_t cnt;
  bool flag;
  int32_t kind;
  int64_t qty, cash;
  int32_t price;
  int64_t wait;
  char text[PMM_PARAM_TEXT_MAX];
} sample_t;

#define AT(field) offsetof(sample_t, field)
static const pmm_param_t table[] = {
  {"ratio", PMM_PARAM_F64, AT(ratio), "0.5", -10, 10, "", NULL, "a ratio"},
  {"cnt", PMM_PARAM_INT, AT(cnt), "3", 1, 100, "levels", NULL, "a count"},
  {"flag", PMM_PARAM_BOOL, AT(flag), "false", 0, 0, "", NULL, "a flag"},
  {"kind", PMM_PARAM_ENUM, AT(kind), "linear", 0, 0, "", "linear|logit|log", "a choice"},
  {"qty", PMM_PARAM_QTY, AT(qty), "10", 0.000001, 1e6, "contracts", NULL, "a size"},
  {"cash", PMM_PARAM_CASH, AT(cash), "500", 0, 1e9, "dollars", NULL, "an amount"},
  {"price", PMM_PARAM_PRICE, AT(price), "0.5", 0.0001, 0.9999, "dollars", NULL, "a price"},
  {"wait", PMM_PARAM_DURATION, AT(wait), "1.5s", 0, 86400, "s", NULL, "a time"},
  {"text", PMM_PARAM_TEXT, AT(text), "", 0, 0, "", NULL, "a text"},
};
#define CNT COUNT_OF(table)

static sample_t defaults(void) {
  sample_t s;
  memset(&s, 0, sizeof s);
  pmm_params_default(table, CNT, &s);
  return s;
}

static void test_defaults(void **unused) {
  (void)unused;
  sample_t const s = defaults();
  assert_true(s.ratio == 0.5 && s.cnt == 3 && !s.flag && s.kind == 0);
  assert_true(s.qty == 10000000 && s.cash == 500000000 && s.price == 5000 && s.wait == 1500000000 && s.text[0] == '\0');
}

static void test_set(void **unused) {
  (void)unused;
  static const struct { const char *name, *text; pmm_status_t want; const char *printed; } rows[] = {
    {"ratio", "1e-3", PMM_OK, "0.001"},
    {"ratio", "-.5", PMM_OK, "-0.5"},
    {"ratio", "0.1", PMM_OK, "0.1"},
    {"ratio", "0.30000000000000004", PMM_OK, "0.30000000000000004"},
    {"ratio", "nan", PMM_PARSE, NULL},
    {"ratio", "NaN", PMM_PARSE, NULL},
    {"ratio", "inf", PMM_PARSE, NULL},
    {"ratio", "-infinity", PMM_PARSE, NULL},
    {"ratio", "0x10", PMM_PARSE, NULL},
    {"ratio", "1e999", PMM_PARSE, NULL},
    {"ratio", "", PMM_PARSE, NULL},
    {"ratio", ".", PMM_PARSE, NULL},
    {"ratio", "1e", PMM_PARSE, NULL},
    {"ratio", "1e+", PMM_PARSE, NULL},
    {"ratio", "1 ", PMM_PARSE, NULL},
    {"ratio", "1.0000000000000000000000000000000000000000000000000000000000000000001", PMM_PARSE, NULL},
    {"ratio", "10.5", PMM_INVAL, NULL},
    {"ratio", "-10", PMM_OK, "-10"},
    {"cnt", "100", PMM_OK, "100"},
    {"cnt", "0", PMM_INVAL, NULL},
    {"cnt", "101", PMM_INVAL, NULL},
    {"cnt", "2.5", PMM_PARSE, NULL},
    {"cnt", "99999999999999999999", PMM_PARSE, NULL},
    {"flag", "true", PMM_OK, "true"},
    {"flag", "no", PMM_OK, "false"},
    {"flag", "on", PMM_OK, "true"},
    {"flag", "TRUE!", PMM_PARSE, NULL},
    {"kind", "logit", PMM_OK, "logit"},
    {"kind", "log", PMM_OK, "log"},
    {"kind", "logi", PMM_INVAL, NULL},
    {"kind", "", PMM_INVAL, NULL},
    {"kind", "linear|logit", PMM_INVAL, NULL},
    {"qty", "0.29", PMM_OK, "0.29"},
    {"qty", "1200.5", PMM_OK, "1200.5"},
    {"qty", "0.0000001", PMM_INVAL, NULL},
    {"qty", "-1", PMM_INVAL, NULL},
    {"qty", "0", PMM_INVAL, NULL},
    {"cash", "0.000001", PMM_OK, "0.000001"},
    {"cash", "1e3", PMM_OK, "1000"},
    {"price", "0.4500", PMM_OK, "0.45"},
    {"price", "0.00005", PMM_INVAL, NULL},
    {"price", "1", PMM_INVAL, NULL},
    {"wait", "250ms", PMM_OK, "250ms"},
    {"wait", "90", PMM_OK, "90s"},
    {"wait", "120", PMM_OK, "2m"},
    {"wait", "2h", PMM_OK, "2h"},
    {"wait", "1d", PMM_OK, "1d"},
    {"wait", "7us", PMM_OK, "7us"},
    {"wait", "5ns", PMM_OK, "5ns"},
    {"wait", "0", PMM_OK, "0s"},
    {"wait", "2d", PMM_INVAL, NULL},
    {"wait", "soon", PMM_PARSE, NULL},
    {"text", "./mine.so", PMM_OK, "./mine.so"},
  };
  for (size_t i = 0; i < COUNT_OF(rows); i++) {
    const pmm_param_t *const p = pmm_param_find(table, CNT, rows[i].name);
    sample_t s = defaults(), before = s;
    pmm_error_t err = {.status = PMM_OK};
    pmm_status_t const got = pmm_param_set(p, &s, rows[i].text, &err);
    if (got != rows[i].want) fail_msg("%s = '%s': %s", rows[i].name, rows[i].text, pmm_status_to_string(got));
    if (got != PMM_OK) {
      assert_memory_equal(&s, &before, sizeof s);
      assert_true(strncmp(err.text, rows[i].name, strlen(rows[i].name)) == 0);
      assert_non_null(strstr(err.text, "(allowed: "));
      continue;
    }
    char printed[PMM_PARAM_TEXT_MAX];
    size_t const len = pmm_param_print(p, &s, printed);
    assert_int_equal(len, strlen(printed));
    assert_string_equal(printed, rows[i].printed);
    sample_t again = before; /* what prints must read back to the same value */
    assert_int_equal(pmm_param_set(p, &again, printed, NULL), PMM_OK);
    assert_memory_equal(&again, &s, sizeof s);
  }
}

static void test_long_text(void **unused) {
  (void)unused;
  const pmm_param_t *const p = pmm_param_find(table, CNT, "text");
  char text[PMM_PARAM_TEXT_MAX + 1];
  memset(text, 'x', sizeof text);
  text[PMM_PARAM_TEXT_MAX] = '\0';
  sample_t s = defaults();
  assert_int_equal(pmm_param_set(p, &s, text, NULL), PMM_INVAL);
  text[PMM_PARAM_TEXT_MAX - 1] = '\0';
  assert_int_equal(pmm_param_set(p, &s, text, NULL), PMM_OK);
  assert_string_equal(s.text, text);
}

static void test_set_number(void **unused) {
  (void)unused;
  static const struct { const char *name; double x; pmm_status_t want; const char *printed; } rows[] = {
    {"ratio", 0.1, PMM_OK, "0.1"},       {"ratio", NAN, PMM_PARSE, NULL},       {"ratio", INFINITY, PMM_PARSE, NULL},
    {"ratio", 11, PMM_INVAL, NULL},      {"cnt", 7, PMM_OK, "7"},               {"cnt", 7.5, PMM_INVAL, NULL},
    {"flag", 1, PMM_PARSE, NULL},        {"kind", 1, PMM_INVAL, NULL},          {"qty", 0.29, PMM_OK, "0.29"},
    {"qty", 1e-7, PMM_INVAL, NULL},      {"qty", 0.1234567, PMM_INVAL, NULL},   {"cash", 1234.5, PMM_OK, "1234.5"},
    {"price", 0.4567, PMM_OK, "0.4567"}, {"price", 0.45675, PMM_INVAL, NULL},   {"wait", 0.25, PMM_OK, "250ms"},
    {"wait", -1, PMM_INVAL, NULL},       {"text", 12, PMM_OK, "12"},
  };
  for (size_t i = 0; i < COUNT_OF(rows); i++) {
    const pmm_param_t *const p = pmm_param_find(table, CNT, rows[i].name);
    sample_t s = defaults(), before = s;
    pmm_status_t const got = pmm_param_set_number(p, &s, rows[i].x, NULL);
    if (got != rows[i].want) fail_msg("%s = %g: %s", rows[i].name, rows[i].x, pmm_status_to_string(got));
    if (got != PMM_OK) {
      assert_memory_equal(&s, &before, sizeof s);
      continue;
    }
    char printed[PMM_PARAM_TEXT_MAX];
    pmm_param_print(p, &s, printed);
    assert_string_equal(printed, rows[i].printed);
  }
}

static void test_wide_integers(void **unused) {
  (void)unused; /* a table may allow more than the type holds; the type has the last word */
  sample_t s = defaults();
  pmm_param_t const price = {"price", PMM_PARAM_PRICE, AT(price), "0", -1e12, 1e12, "", NULL, ""};
  assert_int_equal(pmm_param_set(&price, &s, "999999999", NULL), PMM_PARSE);
  assert_int_equal(pmm_param_set_number(&price, &s, 999999999, NULL), PMM_INVAL);
  pmm_param_t const qty = {"qty", PMM_PARAM_QTY, AT(qty), "0", -1e30, 1e30, "", NULL, ""};
  assert_int_equal(pmm_param_set_number(&qty, &s, 1e20, NULL), PMM_INVAL);
  assert_int_equal(s.price, 5000);
  assert_int_equal(s.qty, 10000000);
}

static void test_names(void **unused) {
  (void)unused;
  assert_null(pmm_param_find(table, CNT, "rati"));
  static const struct { const char *given, *want; } rows[] = {
    {"rato", "ratio"}, {"count", "cnt"}, {"wiat", "wait"}, {"prices", "price"}, {"", "cnt"},
    {"a_name_far_longer_than_any_that_a_parameter_could_ever_have_in_a_table_of_parameters", "ratio"}};
  for (size_t i = 0; i + 1 < COUNT_OF(rows); i++) assert_string_equal(pmm_param_nearest(table, CNT, rows[i].given), rows[i].want);
  assert_non_null(pmm_param_nearest(table, CNT, rows[COUNT_OF(rows) - 1].given));
  assert_null(pmm_param_nearest(table, 0, "ratio"));
}

static void test_presets(void **unused) {
  (void)unused;
  static const char *const calm[] = {"ratio=2", "kind=logit", NULL}, *const bad[] = {"ratio=3", "cnt=1000", NULL};
  static const char *const unknown[] = {"ratio=3", "speed=9", NULL}, *const shapeless[] = {"ratio", NULL};
  static const pmm_preset_t presets[] = {{"calm", "", calm}, {"bad", "", bad}, {"unknown", "", unknown}, {"shapeless", "", shapeless}};
  sample_t s = defaults(), before = s;
  pmm_error_t err;
  assert_int_equal(pmm_preset_apply(presets, 4, "wild", table, CNT, &s, &err), PMM_NOT_FOUND);
  assert_non_null(strstr(err.text, "calm, bad"));
  assert_int_equal(pmm_preset_apply(NULL, 0, "wild", table, CNT, &s, &err), PMM_NOT_FOUND);
  assert_non_null(strstr(err.text, "none"));
  assert_int_equal(pmm_preset_apply(presets, 4, "bad", table, CNT, &s, &err), PMM_INVAL);
  assert_int_equal(pmm_preset_apply(presets, 4, "unknown", table, CNT, &s, &err), PMM_INVAL);
  assert_int_equal(pmm_preset_apply(presets, 4, "shapeless", table, CNT, &s, &err), PMM_INVAL);
  assert_memory_equal(&s, &before, sizeof s);
  assert_int_equal(pmm_preset_apply(presets, 4, "calm", table, CNT, &s, &err), PMM_OK);
  assert_true(s.ratio == 2 && s.kind == 1 && s.cnt == 3);
}

/* Any printed double reads back to its bits; broken: one digit less. */
static uint64_t round_trip(uint64_t seed, uint64_t ops, bool broken) {
  pmm_param_t const p = {"x", PMM_PARAM_F64, 0, "0", -1e308, 1e308, "", NULL, ""};
  pmm_rng_t rng;
  pmm_rng_seed(&rng, seed);
  for (uint64_t i = 0; i < ops; i++) {
    double x = pmm_rng_normal(&rng) * pow(10, (double)check_between(&rng, -12, 12)), back = 0;
    char text[PMM_PARAM_TEXT_MAX];
    size_t const len = pmm_param_print(&p, &x, text);
    if (broken && len > 12) text[len > 20 ? 14 : 5] = '\0';
    if (pmm_param_set(&p, &back, text, NULL) != PMM_OK || back != x) return i;
  }
  return NO_MISMATCH;
}
static void test_round_trip(void **unused) {
  (void)unused;
  check_random("param round trip", round_trip, 20000);
  check_canary("param round trip", round_trip, 1000);
}

int main(void) {
  const struct CMUnitTest tests[] = {
    cmocka_unit_test(test_defaults), cmocka_unit_test(test_set), cmocka_unit_test(test_long_text), cmocka_unit_test(test_set_number),
    cmocka_unit_test(test_wide_integers), cmocka_unit_test(test_names), cmocka_unit_test(test_presets), cmocka_unit_test(test_round_trip)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
