/* Parameters as tables; see pmm/param.h. One switch over the type stands in each of set, set_number and print. */
#include "pmm/param.h"

#include <assert.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "pmm/clock.h"
#include "pmm/decimal.h"

#define NUMBER_TEXT_MAX 64 /* longer numbers carry no information that a double could keep */

typedef union value { double f64; int64_t i64; int32_t i32; bool flag; char text[PMM_PARAM_TEXT_MAX]; } value_t;

static void *field_of(const pmm_param_t *param, void *out) { return (char *)out + param->offset; }

static size_t size_of(pmm_param_type_t type) {
  switch (type) {
  case PMM_PARAM_F64: return sizeof(double);
  case PMM_PARAM_BOOL: return sizeof(bool);
  case PMM_PARAM_ENUM:
  case PMM_PARAM_PRICE: return sizeof(int32_t);
  case PMM_PARAM_TEXT: return PMM_PARAM_TEXT_MAX;
  default: return sizeof(int64_t);
  }
}

static bool is_numeric(pmm_param_type_t type) {
  return type != PMM_PARAM_BOOL && type != PMM_PARAM_ENUM && type != PMM_PARAM_TEXT;
}

/* Decimal places of the integer types: their value is the written number x 10^scale. */
static int scale_of(pmm_param_type_t type) {
  switch (type) {
  case PMM_PARAM_QTY:
  case PMM_PARAM_CASH: return 6;
  case PMM_PARAM_PRICE: return 4;
  case PMM_PARAM_DURATION: return 9;
  default: return 0;
  }
}

static double power_of_ten(int n) {
  double x = 1;
  while (n-- > 0) x *= 10;
  return x;
}

/* [+-] digits [. digits] [(e|E) [+-] digits] over the whole text: strtod alone would also take "nan", "inf" and "0x1p3". */
static bool is_number(const char *text) {
  if (strlen(text) > NUMBER_TEXT_MAX) return false;
  const char *p = text;
  if (*p == '+' || *p == '-') p++;
  size_t const whole = strspn(p, "0123456789");
  p += whole;
  size_t fraction = 0;
  if (*p == '.') fraction = strspn(++p, "0123456789"), p += fraction;
  if (whole + fraction == 0) return false;
  if (*p == 'e' || *p == 'E') {
    p++;
    if (*p == '+' || *p == '-') p++;
    size_t const digits = strspn(p, "0123456789");
    if (digits == 0) return false;
    p += digits;
  }
  return *p == '\0';
}

static const char *type_word(pmm_param_type_t type) {
  switch (type) {
  case PMM_PARAM_INT: return "a whole number";
  case PMM_PARAM_BOOL: return "true or false";
  case PMM_PARAM_DURATION: return "a time such as 250ms, 1.5s or 10m";
  case PMM_PARAM_TEXT: return "text";
  default: return "a number";
  }
}

static pmm_status_t not_of_type(const pmm_param_t *param, const char *text, pmm_error_t *err) {
  return pmm_error_set(err, PMM_PARSE, "%s: '%.64s' is not %s (allowed: %.12g to %.12g%s%s)", param->name, text,
                       type_word(param->type), param->min, param->max, *param->unit ? " " : "", param->unit);
}

static pmm_status_t check_range(const pmm_param_t *param, double written, pmm_error_t *err) {
  if (written >= param->min && written <= param->max) return PMM_OK;
  return pmm_error_set(err, PMM_INVAL, "%s: %.12g is out of range (allowed: %.12g to %.12g%s%s)", param->name, written,
                       param->min, param->max, *param->unit ? " " : "", param->unit);
}

static pmm_status_t parse_choice(const pmm_param_t *param, const char *text, int32_t *out, pmm_error_t *err) {
  size_t const len = strlen(text);
  int32_t index = 0;
  for (const char *at = param->choices;; index++) {
    size_t const width = strcspn(at, "|");
    if (width == len && memcmp(at, text, len) == 0) {
      *out = index;
      return PMM_OK;
    }
    if (at[width] == '\0') break;
    at += width + 1;
  }
  return pmm_error_set(err, PMM_INVAL, "%s: '%.64s' is not a choice (allowed: %s)", param->name, text, param->choices);
}

static pmm_status_t parse_bool(const pmm_param_t *param, const char *text, bool *out, pmm_error_t *err) {
  static const struct { const char *text; bool value; } words[] = {
    {"true", true}, {"false", false}, {"yes", true}, {"no", false}, {"on", true}, {"off", false}, {"1", true}, {"0", false}};
  for (size_t i = 0; i < sizeof words / sizeof words[0]; i++)
    if (strcmp(text, words[i].text) == 0) {
      *out = words[i].value;
      return PMM_OK;
    }
  return pmm_error_set(err, PMM_PARSE, "%s: '%.64s' is not a truth value (allowed: true, false)", param->name, text);
}

static pmm_status_t parse_text(const pmm_param_t *param, const char *text, char *out, pmm_error_t *err) {
  size_t const len = strlen(text);
  if (len >= PMM_PARAM_TEXT_MAX)
    return pmm_error_set(err, PMM_INVAL, "%s: text too long (allowed: %d bytes)", param->name, PMM_PARAM_TEXT_MAX - 1);
  memcpy(out, text, len + 1);
  return PMM_OK;
}

static pmm_status_t parse_f64(const pmm_param_t *param, const char *text, value_t *out, pmm_error_t *err) {
  if (!is_number(text)) return not_of_type(param, text, err);
  double const x = strtod(text, NULL); /* correctly rounded; pmm never leaves the C locale */
  if (!isfinite(x)) return not_of_type(param, text, err);
  out->f64 = x;
  return check_range(param, x, err);
}

static pmm_status_t parse_scaled(const pmm_param_t *param, const char *text, value_t *out, pmm_error_t *err) {
  int64_t raw = 0;
  int const scale = scale_of(param->type);
  pmm_status_t const st = param->type == PMM_PARAM_DURATION ? pmm_duration_parse(text, strlen(text), &raw, NULL)
                                                            : pmm_decimal_parse(text, strlen(text), scale, &raw, NULL);
  if (st == PMM_INVAL && scale > 0)
    return pmm_error_set(err, PMM_INVAL, "%s: '%.64s' has too many decimals (allowed: %d)", param->name, text, scale);
  if (st != PMM_OK) return not_of_type(param, text, err);
  pmm_status_t const in_range = check_range(param, (double)raw / power_of_ten(scale), err);
  if (in_range != PMM_OK) return in_range;
  if (param->type != PMM_PARAM_PRICE) out->i64 = raw;
  else if (raw > INT32_MAX || raw < INT32_MIN) return not_of_type(param, text, err);
  else out->i32 = (int32_t)raw;
  return PMM_OK;
}

static pmm_status_t parse_value(const pmm_param_t *param, const char *text, value_t *out, pmm_error_t *err) {
  switch (param->type) {
  case PMM_PARAM_F64: return parse_f64(param, text, out, err);
  case PMM_PARAM_BOOL: return parse_bool(param, text, &out->flag, err);
  case PMM_PARAM_ENUM: return parse_choice(param, text, &out->i32, err);
  case PMM_PARAM_TEXT: return parse_text(param, text, out->text, err);
  default: return parse_scaled(param, text, out, err);
  }
}

pmm_status_t pmm_param_set(const pmm_param_t *param, void *out, const char *text, pmm_error_t *err) {
  value_t value;
  pmm_status_t const st = parse_value(param, text, &value, err);
  if (st == PMM_OK) memcpy(field_of(param, out), &value, param->type == PMM_PARAM_TEXT ? strlen(text) + 1 : size_of(param->type));
  return st;
}

static pmm_status_t set_scaled_number(const pmm_param_t *param, void *out, double value, pmm_error_t *err) {
  int const scale = scale_of(param->type);
  int64_t raw = 0;
  pmm_status_t const in_range = check_range(param, value, err);
  if (in_range != PMM_OK) return in_range;
  if (pmm_decimal_from_double(value, scale, &raw) != PMM_OK)
    return pmm_error_set(err, PMM_INVAL, "%s: %.12g does not fit", param->name, value);
  /* A double of a decimal with few digits is within a few ulp of it; more than that means digits we would lose. */
  if (fabs((double)raw / power_of_ten(scale) - value) > 1e-12 * fmax(1.0, fabs(value)))
    return pmm_error_set(err, PMM_INVAL, "%s: %.17g has too many decimals (allowed: %d)", param->name, value, scale);
  if (param->type == PMM_PARAM_PRICE) {
    if (raw > INT32_MAX || raw < INT32_MIN) return pmm_error_set(err, PMM_INVAL, "%s: %.12g does not fit", param->name, value);
    *(int32_t *)field_of(param, out) = (int32_t)raw;
  } else {
    *(int64_t *)field_of(param, out) = raw;
  }
  return PMM_OK;
}

pmm_status_t pmm_param_set_number(const pmm_param_t *param, void *out, double value, pmm_error_t *err) {
  if (!isfinite(value)) return pmm_error_set(err, PMM_PARSE, "%s: not a finite number", param->name);
  if (param->type == PMM_PARAM_F64) {
    pmm_status_t const st = check_range(param, value, err);
    if (st == PMM_OK) *(double *)field_of(param, out) = value;
    return st;
  }
  if (is_numeric(param->type)) return set_scaled_number(param, out, value, err);
  if (param->type == PMM_PARAM_BOOL) return pmm_error_set(err, PMM_PARSE, "%s: %.12g is not a truth value (allowed: true, false)", param->name, value);
  char text[40];
  snprintf(text, sizeof text, "%.17g", value);
  return pmm_param_set(param, out, text, err); /* a choice or a text may look like a number */
}

void pmm_params_default(const pmm_param_t *params, size_t cnt, void *out) {
  for (size_t i = 0; i < cnt; i++) {
    pmm_status_t const st = pmm_param_set(&params[i], out, params[i].def, NULL);
    assert(st == PMM_OK); /* a table whose default does not parse is a programming error */
    (void)st;
  }
}

static size_t print_f64(double x, char *buf) {
  int len = 0;
  for (int digits = 15; digits <= 17; digits++) { /* the shortest that reads back to the same bits */
    len = snprintf(buf, PMM_PARAM_TEXT_MAX, "%.*g", digits, x);
    if (strtod(buf, NULL) == x) break;
  }
  return (size_t)len;
}

static size_t print_duration(int64_t ns, char *buf) {
  static const struct { int64_t ns; const char *unit; } units[] = {
    {86400 * PMM_NS_PER_S, "d"}, {3600 * PMM_NS_PER_S, "h"}, {60 * PMM_NS_PER_S, "m"}, {PMM_NS_PER_S, "s"},
    {PMM_NS_PER_MS, "ms"}, {PMM_NS_PER_US, "us"}, {1, "ns"}};
  if (ns == 0) return (size_t)snprintf(buf, PMM_PARAM_TEXT_MAX, "0s");
  size_t i = 0;
  while (ns % units[i].ns != 0) i++;
  return (size_t)snprintf(buf, PMM_PARAM_TEXT_MAX, "%lld%s", (long long)(ns / units[i].ns), units[i].unit);
}

static size_t print_choice(const char *choices, int32_t index, char *buf) {
  while (index-- > 0) choices += strcspn(choices, "|") + 1;
  size_t const width = strcspn(choices, "|");
  memcpy(buf, choices, width);
  buf[width] = '\0';
  return width;
}

size_t pmm_param_print(const pmm_param_t *param, const void *in, char *buf) {
  const void *const field = (const char *)in + param->offset;
  switch (param->type) {
  case PMM_PARAM_F64: return print_f64(*(const double *)field, buf);
  case PMM_PARAM_BOOL: return (size_t)snprintf(buf, PMM_PARAM_TEXT_MAX, "%s", *(const bool *)field ? "true" : "false");
  case PMM_PARAM_ENUM: return print_choice(param->choices, *(const int32_t *)field, buf);
  case PMM_PARAM_PRICE: return pmm_decimal_print(*(const int32_t *)field, 4, 0, buf);
  case PMM_PARAM_DURATION: return print_duration(*(const int64_t *)field, buf);
  case PMM_PARAM_TEXT: return (size_t)snprintf(buf, PMM_PARAM_TEXT_MAX, "%s", (const char *)field);
  default: return pmm_decimal_print(*(const int64_t *)field, scale_of(param->type), 0, buf);
  }
}

const pmm_param_t *pmm_param_find(const pmm_param_t *params, size_t cnt, const char *name) {
  for (size_t i = 0; i < cnt; i++)
    if (strcmp(params[i].name, name) == 0) return &params[i];
  return NULL;
}

#define NAME_MAX_CMP 64 /* names are shorter; what lies beyond does not decide which is nearest */

/* Levenshtein distance, one row at a time. */
static size_t edit_distance(const char *a, const char *b) {
  size_t const n = strnlen(b, NAME_MAX_CMP);
  size_t row[NAME_MAX_CMP + 1];
  for (size_t j = 0; j <= n; j++) row[j] = j;
  for (size_t i = 1; i <= NAME_MAX_CMP && a[i - 1]; i++) {
    size_t diagonal = row[0];
    row[0] = i;
    for (size_t j = 1; j <= n; j++) {
      size_t const change = diagonal + (a[i - 1] != b[j - 1]);
      size_t const shift = (row[j] < row[j - 1] ? row[j] : row[j - 1]) + 1;
      diagonal = row[j];
      row[j] = change < shift ? change : shift;
    }
  }
  return row[n];
}

const char *pmm_param_nearest(const pmm_param_t *params, size_t cnt, const char *name) {
  const char *nearest = NULL;
  size_t best = SIZE_MAX;
  for (size_t i = 0; i < cnt; i++) {
    size_t const distance = edit_distance(name, params[i].name);
    if (distance < best) best = distance, nearest = params[i].name;
  }
  return nearest;
}

static const pmm_preset_t *find_preset(const pmm_preset_t *presets, size_t cnt, const char *name) {
  for (size_t i = 0; i < cnt; i++)
    if (strcmp(presets[i].name, name) == 0) return &presets[i];
  return NULL;
}

static pmm_status_t unknown_preset(const pmm_preset_t *presets, size_t cnt, const char *name, pmm_error_t *err) {
  char known[256];
  int used = snprintf(known, sizeof known, "%s", cnt ? "" : "none");
  for (size_t i = 0; i < cnt && used < (int)sizeof known; i++)
    used += snprintf(known + used, sizeof known - (size_t)used, "%s%s", i ? ", " : "", presets[i].name);
  return pmm_error_set(err, PMM_NOT_FOUND, "preset: no '%.64s' (known: %s)", name, known);
}

/* Applies "key=value" to out, or only checks it when out is NULL. */
static pmm_status_t apply_setting(const char *setting, const pmm_param_t *params, size_t cnt, void *out, pmm_error_t *err) {
  char key[NAME_MAX_CMP] = "";
  size_t const width = strcspn(setting, "=");
  if (setting[width] == '=' && width < sizeof key) memcpy(key, setting, width);
  const pmm_param_t *const param = pmm_param_find(params, cnt, key);
  if (!param) return pmm_error_set(err, PMM_INVAL, "preset: '%.64s' names no parameter", setting);
  if (out) return pmm_param_set(param, out, setting + width + 1, err);
  value_t scratch;
  return parse_value(param, setting + width + 1, &scratch, err);
}

pmm_status_t pmm_preset_apply(const pmm_preset_t *presets, size_t preset_cnt, const char *name, const pmm_param_t *params,
                              size_t cnt, void *out, pmm_error_t *err) {
  const pmm_preset_t *const preset = find_preset(presets, preset_cnt, name);
  if (!preset) return unknown_preset(presets, preset_cnt, name, err);
  for (int pass = 0; pass < 2; pass++) /* check everything first, so that a bad preset changes nothing */
    for (const char *const *setting = preset->set; *setting; setting++) {
      pmm_status_t const st = apply_setting(*setting, params, cnt, pass ? out : NULL, err);
      if (st != PMM_OK) return st;
    }
  return PMM_OK;
}
