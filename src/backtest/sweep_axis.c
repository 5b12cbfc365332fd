/* sweep_axis.c -- what --set says of a sweep: key=a:b:n, key=a:b:n:log, key=v1,v2,v3, or a plain key=v. */
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include "config_schema.h"
#include "pmm/decimal.h"
#include "pmm/fmath.h"
#include "sweep_impl.h"

#define FIELDS_MAX 4 /* a, b, n, log */

static pmm_status_t no_memory(pmm_error_t *err) { return pmm_error_set(err, PMM_FULL, "sweep: no memory"); }

void pmm__sweep_axis_free(pmm_sweep_axis_t *axis) {
  for (uint32_t i = 0; i < axis->value_cnt; i++) free(axis->value[i]);
  free(axis->value);
  free(axis->key);
  free(axis->text);
  *axis = (pmm_sweep_axis_t){0};
}

/* -- numbers -- */
/* "80", "1e-3", "250ms": a number and letters behind it. Returns what follows, or NULL. */
static const char *read_number(const char *text, double *x, char unit[8]) {
  size_t const len = strspn(text, "+-.0123456789eE"); /* strtod alone would take hex, inf and nan */
  char digits[64], *end;
  if (len == 0 || len >= sizeof digits) return NULL;
  memcpy(digits, text, len);
  digits[len] = '\0';
  *x = strtod(digits, &end);
  if (end == digits || !isfinite(*x)) return NULL;
  text += end - digits;
  size_t const letters = strspn(text, "abcdefghijklmnopqrstuvwxyz");
  if (letters >= 8) return NULL;
  memcpy(unit, text, letters);
  unit[letters] = '\0';
  return text + letters;
}

static int decimals_of(pmm_param_type_t type) {
  switch (type) {
  case PMM_PARAM_INT: return 0;
  case PMM_PARAM_PRICE: return 4;
  case PMM_PARAM_QTY:
  case PMM_PARAM_CASH:
  case PMM_PARAM_DURATION: return 6;
  default: return -1;
  }
}

char *pmm__sweep_print(const pmm_sweep_axis_t *axis, double x) {
  int const decimals = decimals_of(axis->type);
  char digits[PMM_DECIMAL_BUF], *text = NULL;
  int64_t scaled;
  if (decimals >= 0 && pmm_decimal_from_double(x, decimals, &scaled) == PMM_OK) pmm_decimal_print(scaled, decimals, 0, digits);
  else snprintf(digits, sizeof digits, "%.9g", x); /* finer digits would only be harder to read */
  return asprintf(&text, "%s%s", digits, axis->unit) < 0 ? NULL : text;
}

/* q in [0,1] of the range, on a logarithmic scale where asked; both ends exact. */
static double along(const pmm_sweep_axis_t *axis, double q) {
  if (q <= 0) return axis->lo;
  if (q >= 1) return axis->hi;
  if (!axis->is_log) return axis->lo + q * (axis->hi - axis->lo);
  double const from = pmm_log(axis->lo);
  return pmm_exp(from + q * (pmm_log(axis->hi) - from));
}

char *pmm__sweep_at(const pmm_sweep_axis_t *axis, double q) {
  if (!axis->is_range) return strdup(axis->value[(size_t)(q * axis->value_cnt)]);
  if (axis->type == PMM_PARAM_INT && !axis->is_log) /* every whole number alike: rounding would give the ends half a share */
    return pmm__sweep_print(axis, pmm_clip(floor(axis->lo + q * (axis->hi - axis->lo + 1)), axis->lo, axis->hi));
  return pmm__sweep_print(axis, along(axis, q));
}

/* -- ranges -- */
static pmm_status_t range_error(const pmm_sweep_axis_t *axis, const char *why, pmm_error_t *err) {
  return pmm_error_set(err, PMM_INVAL, "--set %.60s=%.100s: %s", axis->key, axis->text, why);
}

static pmm_status_t fill_range(pmm_sweep_axis_t *axis, uint32_t cnt, pmm_error_t *err) {
  axis->value = calloc(cnt, sizeof *axis->value);
  if (!axis->value) return no_memory(err);
  for (uint32_t i = 0; i < cnt; i++) {
    char *const text = pmm__sweep_print(axis, along(axis, (double)i / (cnt - 1)));
    if (!text) return no_memory(err);
    axis->value[axis->value_cnt++] = text;
    if (i && strcmp(text, axis->value[i - 1]) == 0) return range_error(axis, "more values than there are different ones between the ends", err);
  }
  return PMM_OK;
}

/* Reads a:b[:n][:log] into the axis; *cnt gets n, 0 when it is not there. */
static pmm_status_t read_range(pmm_sweep_axis_t *axis, uint32_t *cnt, pmm_error_t *err) {
  char unit[8];
  const char *at = read_number(axis->text, &axis->lo, axis->unit);
  at = at && *at == ':' ? read_number(at + 1, &axis->hi, unit) : NULL;
  if (!at) return range_error(axis, "not of the form a:b:n", err);
  if (strcmp(unit, axis->unit) != 0) return range_error(axis, "both ends need the same unit", err);
  *cnt = 0;
  if (*at == ':' && at[1] >= '0' && at[1] <= '9') {
    char *end;
    unsigned long const n = strtoul(at + 1, &end, 10);
    if (n < 2 || n > PMM_SWEEP_SETS_MAX) return range_error(axis, "a range has 2 to 100000 values", err);
    *cnt = (uint32_t)n;
    at = end;
  }
  if (strcmp(at, ":log") == 0) axis->is_log = true;
  else if (*at) return range_error(axis, "after a:b comes :n, then at most :log", err);
  if (!(axis->lo < axis->hi)) return range_error(axis, "the first end must be below the second", err);
  if (axis->is_log && axis->lo <= 0) return range_error(axis, "a logarithmic range must begin above 0", err);
  return PMM_OK;
}

static bool looks_like_range(const char *text) {
  double x;
  char unit[8];
  const char *const at = read_number(text, &x, unit);
  return at && *at == ':';
}

/* -- which parameter a key names, in a configuration that is otherwise complete -- */
static const pmm_param_t *strategy_param(const pmm_config_t *c, uint32_t i, const char *name) {
  return i < c->strategy_cnt ? pmm_param_find(c->strategy[i].ops->params, c->strategy[i].ops->param_cnt, name) : NULL;
}

static const pmm_param_t *param_of(const pmm_config_t *c, const char *key) {
  if (strcmp(key, "seed") == 0) return &pmm__seed_param;
  if (strncmp(key, "params.", 7) == 0) return strategy_param(c, 0, key + 7);
  uint32_t i;
  int at = 0;
  if (sscanf(key, "strategies.%u.params.%n", &i, &at) == 1 && at > 0) return strategy_param(c, i, key + at);
  size_t const len = strcspn(key, ".");
  for (size_t k = 0; key[len] && k < pmm__section_cnt; k++)
    if (strlen(pmm__sections[k].name) == len && strncmp(pmm__sections[k].name, key, len) == 0)
      return pmm_param_find(pmm__sections[k].params, *pmm__sections[k].cnt, key + len + 1);
  return NULL;
}

/* -- sorting the settings -- */
static pmm_status_t add_fixed(pmm_sweep_plan_t *plan, const char *set, pmm_error_t *err) {
  char *const copy = strdup(set);
  if (!copy) return no_memory(err);
  plan->fixed[plan->fixed_cnt++] = copy;
  return PMM_OK;
}

static pmm_status_t add_axis(pmm_sweep_plan_t *plan, const char *set, pmm_error_t *err) {
  size_t const len = strcspn(set, "=");
  if (plan->axis_cnt == PMM_SWEEP_AXES_MAX) return pmm_error_set(err, PMM_FULL, "--set %.100s: more than %d parameters swept", set, PMM_SWEEP_AXES_MAX);
  pmm_sweep_axis_t *const axis = &plan->axis[plan->axis_cnt++];
  axis->key = strndup(set, len);
  axis->text = strdup(set + len + 1);
  return axis->key && axis->text ? PMM_OK : no_memory(err);
}

static pmm_status_t split_list(pmm_sweep_axis_t *axis, pmm_error_t *err) {
  uint32_t cnt = 1;
  for (const char *c = axis->text; *c; c++) cnt += *c == ',';
  axis->value = calloc(cnt, sizeof *axis->value);
  if (!axis->value) return no_memory(err);
  for (const char *at = axis->text;; at++) {
    size_t const len = strcspn(at, ",");
    char *const value = strndup(at, len);
    if (!value) return no_memory(err);
    axis->value[axis->value_cnt++] = value;
    if (len == 0) return range_error(axis, "an empty value in the list", err);
    for (uint32_t i = 0; i + 1 < axis->value_cnt; i++)
      if (strcmp(axis->value[i], value) == 0) return range_error(axis, "a value stands twice in the list", err);
    at += len;
    if (!*at) return PMM_OK;
  }
}

/* No key may be said twice when one of them is swept: which one counted would be a riddle. */
static pmm_status_t check_keys(const pmm_sweep_plan_t *plan, pmm_error_t *err) {
  for (uint32_t i = 0; i < plan->axis_cnt; i++) {
    const char *const key = plan->axis[i].key;
    size_t const len = strlen(key);
    for (uint32_t k = 0; k < i; k++)
      if (strcmp(plan->axis[k].key, key) == 0) return range_error(&plan->axis[i], "swept twice", err);
    for (size_t k = 0; k < plan->fixed_cnt; k++)
      if (strncmp(plan->fixed[k], key, len) == 0 && plan->fixed[k][len] == '=') return range_error(&plan->axis[i], "also set to a single value", err);
  }
  return PMM_OK;
}

/* A configuration with the single values, the first of each list, and the lower end of each range: it tells the types of the others. */
static pmm_status_t load_first(const pmm_sweep_plan_t *plan, pmm_config_t *config, pmm_error_t *err) {
  size_t const cnt = plan->fixed_cnt + plan->axis_cnt;
  const char **const set = calloc(cnt + 1, sizeof *set);
  char **const own = calloc(plan->axis_cnt + 1u, sizeof *own);
  pmm_status_t st = set && own ? PMM_OK : no_memory(err);
  for (size_t i = 0; st == PMM_OK && i < plan->fixed_cnt; i++) set[i] = plan->fixed[i];
  for (uint32_t i = 0; st == PMM_OK && i < plan->axis_cnt; i++) {
    pmm_sweep_axis_t const *const a = &plan->axis[i];
    const char *const value = a->is_range ? a->text : a->value[0];
    int const len = (int)(a->is_range ? strcspn(value, ":") : strlen(value));
    if (asprintf(&own[i], "%s=%.*s", a->key, len, value) < 0) { own[i] = NULL; st = no_memory(err); }
    else set[plan->fixed_cnt + i] = own[i];
  }
  if (st == PMM_OK) st = pmm_config_parse(config, plan->config_name, plan->config_text, plan->config_len, set, cnt, err);
  for (uint32_t i = 0; own && i < plan->axis_cnt; i++) free(own[i]);
  free(own);
  free(set);
  return st;
}

static pmm_status_t finish_range(pmm_sweep_axis_t *axis, const pmm_config_t *config, pmm_sweep_draw_t draw, pmm_error_t *err) {
  const pmm_param_t *const param = param_of(config, axis->key);
  if (!param || param->type == PMM_PARAM_BOOL || param->type == PMM_PARAM_ENUM || param->type == PMM_PARAM_TEXT)
    return range_error(axis, "not a number: give a list, v1,v2,v3", err);
  axis->type = param->type;
  uint32_t cnt = 0;
  pmm_status_t const st = read_range(axis, &cnt, err);
  if (st != PMM_OK || draw != PMM_SWEEP_GRID) return st;
  return cnt ? fill_range(axis, cnt, err) : range_error(axis, "how many values? a:b:n (a:b alone is for --random and --lhs)", err);
}

pmm_status_t pmm__sweep_axes(pmm_sweep_plan_t *plan, const pmm_sweep_spec_t *spec, pmm_error_t *err) {
  plan->fixed = calloc(spec->set_cnt + 1, sizeof *plan->fixed);
  pmm_config_t *const config = aligned_alloc(_Alignof(pmm_config_t), sizeof *config);
  pmm_status_t st = plan->fixed && config ? PMM_OK : no_memory(err);
  for (size_t i = 0; st == PMM_OK && i < spec->set_cnt; i++) {
    const char *const equals = strchr(spec->set[i], '=');
    if (!equals || equals == spec->set[i]) { st = pmm_error_set(err, PMM_PARSE, "--set %.100s: not of the form key=value", spec->set[i]); break; }
    bool const is_list = strchr(equals, ',') != NULL, is_range = !is_list && looks_like_range(equals + 1);
    st = is_list || is_range ? add_axis(plan, spec->set[i], err) : add_fixed(plan, spec->set[i], err);
    if (st == PMM_OK && is_list) st = split_list(&plan->axis[plan->axis_cnt - 1], err);
    if (st == PMM_OK && is_range) plan->axis[plan->axis_cnt - 1].is_range = true;
  }
  if (st == PMM_OK && plan->axis_cnt == 0) st = pmm_error_set(err, PMM_INVAL, "nothing to sweep: no --set has a range (key=a:b:n) or a list (key=v1,v2)");
  if (st == PMM_OK) st = check_keys(plan, err);
  if (st == PMM_OK) st = load_first(plan, config, err);
  for (uint32_t i = 0; st == PMM_OK && i < plan->axis_cnt; i++)
    if (plan->axis[i].is_range) st = finish_range(&plan->axis[i], config, spec->draw, err);
  free(config);
  return st;
}
