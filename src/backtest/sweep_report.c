/* sweep_report.c -- a sweep as the document of its page. */
#include <jansson.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include "sweep_impl.h"

/* Figures of which less is better; the page colours and sorts by it. */
static const char *const LOWER[] = {"max_drawdown", "fees", "rejects", "refused", "inventory.mean", "inventory.max", "cancels"};

/* A number where the whole text is one, so that the axis is a scale; else the text ("250ms", "linear"). */
static json_t *axis_value(const char *text) {
  char *end;
  double const x = strtod(text, &end);
  return *end == '\0' && end != text && isfinite(x) ? json_real(x) : json_string(text);
}

static bool is_lower(const char *metric) {
  for (size_t i = 0; i < sizeof LOWER / sizeof LOWER[0]; i++)
    if (strcmp(LOWER[i], metric) == 0) return true;
  return false;
}

static json_t *rows(const pmm_sweep_plan_t *plan, const double *value, size_t metric_cnt) {
  json_t *const list = json_array();
  for (uint32_t s = 0; s < plan->set_cnt; s++) {
    json_t *const row = json_array();
    for (uint32_t k = 0; k < plan->axis_cnt; k++) json_array_append_new(row, axis_value(pmm_sweep_value(plan, s, k)));
    for (size_t m = 0; m < metric_cnt; m++) {
      double const x = value[m * plan->set_cnt + s];
      json_array_append_new(row, isfinite(x) ? json_real(x) : json_null());
    }
    json_array_append_new(list, row);
  }
  return list;
}

static json_t *document(const pmm_sweep_plan_t *plan, const char *title, const char *warning, const char *const *metric, size_t metric_cnt, const double *value) {
  json_t *const axes = json_array(), *const metrics = json_array(), *const lower = json_array();
  for (uint32_t k = 0; k < plan->axis_cnt; k++) json_array_append_new(axes, json_string(plan->axis[k].key));
  for (size_t m = 0; m < metric_cnt; m++) {
    json_array_append_new(metrics, json_string(metric[m]));
    if (is_lower(metric[m])) json_array_append_new(lower, json_string(metric[m]));
  }
  json_t *const o = json_pack("{s:s,s:o,s:o,s:o,s:o}", "title", title, "axes", axes, "metrics", metrics, "lower", lower, "rows", rows(plan, value, metric_cnt));
  json_object_set_new(o, "warning", warning && *warning ? json_string(warning) : json_null());
  json_object_set_new(o, "pareto", json_pack("[s,s]", metric[0], metric[metric_cnt > 1 ? 1 : 0]));
  return o;
}

pmm_status_t pmm_sweep_document(const pmm_sweep_plan_t *plan, pmm_sweep_store_t *store, const char *title, const char *warning, const char *const *metric,
                                size_t metric_cnt, char **json, pmm_error_t *err) {
  double *const value = malloc((size_t)plan->set_cnt * metric_cnt * sizeof *value);
  pmm_status_t st = value ? PMM_OK : pmm_error_set(err, PMM_FULL, "sweep: no memory");
  for (size_t m = 0; st == PMM_OK && m < metric_cnt; m++) st = pmm_sweep_store_values(store, 0, metric[m], value + m * plan->set_cnt, err);
  if (st == PMM_OK) {
    json_t *const o = document(plan, title, warning, metric, metric_cnt, value);
    *json = json_dumps(o, JSON_COMPACT | JSON_PRESERVE_ORDER | JSON_REAL_PRECISION(12));
    json_decref(o);
    if (!*json) st = pmm_error_set(err, PMM_FULL, "sweep: no memory");
  }
  free(value);
  return st;
}
