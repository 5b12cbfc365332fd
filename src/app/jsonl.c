#include "jsonl.h"

#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cmd.h"
#include "out.h"

json_t *pmm_jsonl_real(double x) { return isfinite(x) ? json_real(x) : json_null(); }

pmm_status_t pmm_jsonl_unknown(const pmm_param_t *params, size_t cnt, const char *where, const char *key, pmm_error_t *err) {
  const char *const nearest = pmm_param_nearest(params, cnt, key);
  return pmm_error_set(err, PMM_INVAL, "%s%s%.64s: unknown (nearest: %s)", where, *where ? "." : "", key, nearest ? nearest : "none");
}

pmm_status_t pmm_jsonl_set(const pmm_param_t *param, const char *where, const json_t *value, void *out, pmm_error_t *err) {
  pmm_error_t inner = {.status = PMM_PARSE};
  pmm_status_t st;
  if (json_is_number(value)) st = pmm_param_set_number(param, out, json_number_value(value), &inner);
  else if (json_is_boolean(value)) st = pmm_param_set(param, out, json_is_true(value) ? "true" : "false", &inner);
  else if (json_is_string(value) && strlen(json_string_value(value)) == json_string_length(value))
    st = pmm_param_set(param, out, json_string_value(value), &inner);
  else st = pmm_error_set(&inner, PMM_PARSE, "%s: must be a number, a string or a truth value", param->name);
  if (st == PMM_OK) return PMM_OK;
  return pmm_error_set(err, st, "%s%s%s", where, *where ? "." : "", inner.text);
}

pmm_status_t pmm_jsonl_set_all(const pmm_param_t *params, size_t cnt, const char *where, const json_t *object, void *out,
                               pmm_error_t *err) {
  if (!object) return PMM_OK;
  if (!json_is_object(object)) return pmm_error_set(err, PMM_PARSE, "%s: must be an object", where);
  const char *key;
  json_t *value;
  json_object_foreach((json_t *)object, key, value) {
    const pmm_param_t *const param = pmm_param_find(params, cnt, key);
    if (!param) return pmm_jsonl_unknown(params, cnt, where, key, err);
    pmm_status_t const st = pmm_jsonl_set(param, where, value, out, err);
    if (st != PMM_OK) return st;
  }
  return PMM_OK;
}

static bool is_member(const char *known, const char *name) {
  size_t const len = strlen(name);
  for (const char *at = known; *at; at += strcspn(at, "|"), at += *at == '|')
    if (strcspn(at, "|") == len && memcmp(at, name, len) == 0) return true;
  return false;
}

pmm_status_t pmm_jsonl_check_members(const json_t *object, const char *known, pmm_error_t *err) {
  const char *key;
  json_t *value;
  json_object_foreach((json_t *)object, key, value) {
    (void)value;
    if (!is_member(known, key)) return pmm_error_set(err, PMM_INVAL, "%.64s: unknown (known: %s)", key, known);
  }
  return PMM_OK;
}

static json_t *parse_line(const char *line, size_t len, pmm_error_t *err) {
  json_error_t where;
  json_t *const in = json_loadb(line, len, JSON_REJECT_DUPLICATES, &where);
  if (!in) pmm_error_set(err, PMM_PARSE, "not JSON: %s (column %d)", where.text, where.column);
  else if (!json_is_object(in)) pmm_error_set(err, PMM_PARSE, "a line must hold one object");
  return in;
}

/* The answer to one line; new reference. Anything that failed is in member "error". */
static json_t *answer_line(pmm_jsonl_answer_t *answer, void *ctx, const char *line, size_t len, bool *failed) {
  pmm_error_t err = {.status = PMM_OK};
  json_t *const in = parse_line(line, len, &err);
  json_t *const id = json_is_object(in) ? json_object_get(in, "id") : NULL;
  json_t *const out = json_object();
  json_object_set_new(out, "id", id ? json_incref(id) : json_null());
  if (!json_is_object(in) || answer(ctx, in, out, &err) != PMM_OK) {
    *failed = true;
    json_object_clear(out); /* half an answer is none */
    json_object_set_new(out, "id", id ? json_incref(id) : json_null());
    json_t *const text = json_string(err.text);
    json_object_set_new(out, "error", text ? text : json_string("input is not UTF-8"));
  }
  json_decref(in);
  return out;
}

static bool is_blank(const char *line, size_t len) {
  for (size_t i = 0; i < len; i++)
    if (!strchr(" \t\r\n", line[i]) || line[i] == '\0') return false;
  return true;
}

int pmm_jsonl_run(pmm_jsonl_answer_t *answer, void *ctx) {
  char *line = NULL;
  size_t cap = 0;
  bool failed = false;
  ssize_t len;
  while ((len = getline(&line, &cap, stdin)) >= 0) {
    if (is_blank(line, (size_t)len)) continue;
    json_t *const out = answer_line(answer, ctx, line, (size_t)len, &failed);
    bool const written = json_dumpf(out, stdout, JSON_COMPACT | JSON_ENCODE_ANY | JSON_REAL_PRECISION(17)) == 0 && putchar('\n') != EOF;
    json_decref(out);
    if (!written || fflush(stdout) != 0) { /* each answer at once: the other end may be waiting for it */
      pmm_app_error("writing the answers: %s", strerror(errno));
      failed = true;
      break;
    }
  }
  if (ferror(stdin)) {
    pmm_app_error("reading standard input: %s", strerror(errno));
    failed = true;
  }
  free(line);
  return failed ? PMM_EXIT_FAILED : PMM_EXIT_DONE;
}
