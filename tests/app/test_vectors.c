/* Every vector of tests/vectors/models.json through the program itself: `pmm quote` and `pmm price` as children, their
   answers compared member by member. Strings must be equal, numbers within 1e-9 (absolute plus relative). */
#include <jansson.h>
#include <math.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/check.h"

#define TOLERANCE 1e-9

/* NULL when got agrees with want in everything that want names, else the path of the first difference. */
static const char *difference(const json_t *got, const json_t *want, char *path, size_t used, size_t cap) {
  if (json_is_object(want)) {
    const char *key;
    json_t *value;
    json_object_foreach((json_t *)want, key, value) {
      int const more = snprintf(path + used, cap - used, ".%s", key);
      const char *const found = difference(json_object_get(got, key), value, path, used + (size_t)more, cap);
      if (found) return found;
    }
    return NULL;
  }
  if (json_is_array(want)) {
    if (json_array_size(got) != json_array_size(want)) return path;
    for (size_t i = 0; i < json_array_size(want); i++) {
      int const more = snprintf(path + used, cap - used, "[%zu]", i);
      const char *const found = difference(json_array_get(got, i), json_array_get(want, i), path, used + (size_t)more, cap);
      if (found) return found;
    }
    return NULL;
  }
  if (!json_is_number(want)) return json_equal(got, want) ? NULL : path;
  if (!json_is_number(got)) return path;
  double const w = json_number_value(want);
  return fabs(json_number_value(got) - w) <= TOLERANCE * (1 + fabs(w)) ? NULL : path;
}

/* Writes the questions to a temporary file and reads the command's answers, in order. */
static json_t *ask(const char *command, const json_t *cases, int *status) {
  const char *const bin = getenv("PMM_BIN");
  if (!bin || access(bin, X_OK) != 0) fail_msg("PMM_BIN does not name the program");
  char name[] = "/tmp/pmm_vectors_XXXXXX", line[4096];
  int const fd = mkstemp(name);
  FILE *const questions = fdopen(fd, "w");
  for (size_t i = 0; i < json_array_size(cases); i++) {
    json_dumpf(json_object_get(json_array_get(cases, i), "in"), questions, JSON_COMPACT | JSON_REAL_PRECISION(17));
    fputc('\n', questions);
  }
  fclose(questions);
  snprintf(line, sizeof line, "'%s' %s < %s", bin, command, name);
  FILE *const pipe = popen(line, "r");
  json_t *const answers = json_array();
  json_t *answer;
  while ((answer = json_loadf(pipe, JSON_DISABLE_EOF_CHECK, NULL))) json_array_append_new(answers, answer);
  *status = WEXITSTATUS(pclose(pipe));
  unlink(name);
  return answers;
}

static size_t compare(const json_t *cases, const json_t *answers) {
  size_t bad = json_array_size(answers) == json_array_size(cases) ? 0 : 1;
  for (size_t i = 0; i < json_array_size(cases); i++) {
    const json_t *const want = json_object_get(json_array_get(cases, i), "out");
    char path[256] = "";
    const char *const found = difference(json_array_get(answers, i), want, path, 0, sizeof path);
    if (!found) continue;
    print_message("%s %s differs\n", json_string_value(json_object_get(want, "id")), found);
    bad++;
  }
  return bad;
}

static void check_command(const char *command, size_t least) {
  json_error_t err;
  json_t *const vectors = json_load_file("tests/vectors/models.json", 0, &err);
  if (!vectors) fail_msg("tests/vectors/models.json: %s", err.text);
  const json_t *const cases = json_object_get(vectors, command);
  assert_true(json_array_size(cases) >= least);
  int status;
  json_t *const answers = ask(command, cases, &status);
  assert_int_equal(status, 0);
  assert_int_equal(compare(cases, answers), 0);
  /* The canary: one answer a billionth and a half off is seen. */
  json_t *const first = json_array_get(answers, 0);
  const char *key;
  json_t *value;
  bool changed = false;
  json_object_foreach(first, key, value)
    if (!changed && json_is_real(value)) json_real_set(value, json_real_value(value) + 1.5e-9 * (1 + fabs(json_real_value(value)))), changed = true;
  if (changed) assert_int_equal(compare(cases, answers), 1);
  json_decref(answers);
  json_decref(vectors);
}

static void test_quote(void **unused) {
  (void)unused;
  check_command("quote", 240);
}
static void test_price(void **unused) {
  (void)unused;
  check_command("price", 110);
}

int main(void) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(test_quote), cmocka_unit_test(test_price)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
