/* sweep_out.c -- a sweep's outcome for people (tables, page) and for programs (JSON). */
#include <jansson.h>
#include <math.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include "pmm/report.h"
#include "sweep_out.h"

#define COLUMNS_MAX 10
#define CELL 32
#define WARNING_MAX 1024

/* The criterion, then what else one wants to know of a winner. */
static const char *const FIGURES[] = {"pnl.total", "sharpe", "max_drawdown", "fills", "uptime"};
/* The page's Pareto chart is over the first two: what is won against what is risked for it. */
static const char *const PAGE_FIGURES[] = {"max_drawdown", "pnl.total", "sharpe", "fills", "fill_rate", "uptime", "markout.10s", "inventory.mean", "mean_spread"};

static const char *metric_of(const char *by) { return *by == '-' ? by + 1 : by; }

static size_t choose_columns(const char *by, const char *const *figure, size_t figure_cnt, const char **column, size_t cap) {
  size_t cnt = 0;
  column[cnt++] = metric_of(by);
  for (size_t i = 0; i < figure_cnt && cnt < cap; i++)
    if (strcmp(figure[i], column[0]) != 0) column[cnt++] = figure[i];
  return cnt;
}

/* -- tables -- */
typedef struct grid { uint32_t cols, rows; char (*cell)[CELL]; } grid_t;

static void put(grid_t *g, uint32_t row, uint32_t col, const char *fmt, ...) __attribute__((format(printf, 4, 5)));
static void put(grid_t *g, uint32_t row, uint32_t col, const char *fmt, ...) {
  va_list args;
  va_start(args, fmt);
  vsnprintf(g->cell[(size_t)row * g->cols + col], CELL, fmt, args);
  va_end(args);
}
static void put_number(grid_t *g, uint32_t row, uint32_t col, double x) {
  if (isfinite(x)) put(g, row, col, "%.6g", x);
  else put(g, row, col, "-");
}

/* Right-aligned, as wide as each column needs. */
static void print_grid(FILE *out, const grid_t *g) {
  for (uint32_t r = 0; r < g->rows; r++) {
    for (uint32_t c = 0; c < g->cols; c++) {
      int width = 0;
      for (uint32_t k = 0; k < g->rows; k++) {
        int const len = (int)strlen(g->cell[(size_t)k * g->cols + c]);
        width = len > width ? len : width;
      }
      fprintf(out, "  %*s", width, g->cell[(size_t)r * g->cols + c]);
    }
    fputc('\n', out);
  }
}

static pmm_status_t open_grid(grid_t *g, uint32_t rows, uint32_t cols, pmm_error_t *err) {
  *g = (grid_t){.cols = cols, .rows = rows, .cell = calloc((size_t)rows * cols, CELL)};
  return g->cell ? PMM_OK : pmm_error_set(err, PMM_FULL, "sweep: no memory");
}

/* Set number and axis values from column `col` on; returns the next column. */
static uint32_t put_set(grid_t *g, const pmm_sweep_shown_t *s, uint32_t row, uint32_t col, uint32_t set) {
  put(g, row, col++, "%u", set);
  for (uint32_t k = 0; k < s->plan->axis_cnt; k++) put(g, row, col++, "%s", pmm_sweep_value(s->plan, set, k));
  return col;
}
static uint32_t put_set_heading(grid_t *g, const pmm_sweep_shown_t *s, uint32_t col) {
  put(g, 0, col++, "set");
  for (uint32_t k = 0; k < s->plan->axis_cnt; k++) put(g, 0, col++, "%s", s->plan->axis[k].key);
  return col;
}

static void show_heading(FILE *out, const pmm_sweep_shown_t *s) {
  pmm_sweep_part_t const *const all = &s->plan->part[0];
  if (s->outcome->reused)
    fprintf(out, "%llu of %llu results were there already\n", (unsigned long long)s->outcome->reused, (unsigned long long)s->plan->set_cnt * (1 + s->plan->fold_cnt));
  fprintf(out, "%u sets over %zu tape%s, %llu records; the best by %s:\n\n", s->plan->set_cnt, all->tape_cnt, all->tape_cnt == 1 ? "" : "s", (unsigned long long)all->records, s->by);
}

static pmm_status_t show_best(FILE *out, const pmm_sweep_shown_t *s, pmm_error_t *err) {
  const char *column[COLUMNS_MAX];
  size_t const figures = choose_columns(s->by, FIGURES, sizeof FIGURES / sizeof FIGURES[0], column, COLUMNS_MAX);
  uint32_t const rows = s->outcome->order_cnt < s->top ? s->outcome->order_cnt : s->top;
  double *const value = malloc(s->plan->set_cnt * sizeof *value);
  grid_t g;
  pmm_status_t st = open_grid(&g, rows + 1, s->plan->axis_cnt + 1 + (uint32_t)figures, err);
  if (st == PMM_OK && !value) st = pmm_error_set(err, PMM_FULL, "sweep: no memory");
  if (st == PMM_OK) put_set_heading(&g, s, 0);
  for (uint32_t i = 0; st == PMM_OK && i < rows; i++) put_set(&g, s, i + 1, 0, s->outcome->order[i]);
  for (uint32_t f = 0; st == PMM_OK && f < figures; f++) {
    uint32_t const col = s->plan->axis_cnt + 1 + f;
    put(&g, 0, col, "%s", column[f]);
    st = pmm_sweep_store_values(s->store, 0, column[f], value, err);
    for (uint32_t i = 0; st == PMM_OK && i < rows; i++) put_number(&g, i + 1, col, value[s->outcome->order[i]]);
  }
  if (st == PMM_OK) {
    show_heading(out, s);
    print_grid(out, &g);
  }
  free(g.cell);
  free(value);
  return st;
}

static pmm_status_t show_steps(FILE *out, const pmm_sweep_shown_t *s, pmm_error_t *err) {
  if (s->outcome->step_cnt == 0) return PMM_OK;
  grid_t g;
  pmm_status_t const st = open_grid(&g, s->outcome->step_cnt + 1, s->plan->axis_cnt + 6, err);
  if (st != PMM_OK) return st;
  put(&g, 0, 0, "step");
  put(&g, 0, 1, "chosen on tapes");
  put(&g, 0, 2, "tested on");
  uint32_t const col = put_set_heading(&g, s, 3);
  put(&g, 0, col, "%.20s: train", metric_of(s->by));
  put(&g, 0, col + 1, "test");
  for (uint32_t i = 0; i < s->outcome->step_cnt; i++) {
    pmm_sweep_step_t const *const step = &s->outcome->step[i];
    put(&g, i + 1, 0, "%u", i + 1);
    put(&g, i + 1, 1, "first %zu", s->plan->part[step->train_part].tape_cnt);
    put(&g, i + 1, 2, "next %zu", s->plan->part[step->test_part].tape_cnt);
    put_set(&g, s, i + 1, 3, step->set);
    put_number(&g, i + 1, col, step->train);
    put_number(&g, i + 1, col + 1, step->test);
  }
  fprintf(out, "\nwalk-forward, the best set of the past on what came next:\n\n");
  print_grid(out, &g);
  free(g.cell);
  return PMM_OK;
}

static void show_holdout(FILE *out, const pmm_sweep_shown_t *s) {
  if (!s->plan->has_holdout) return;
  pmm_sweep_part_t const *const part = &s->plan->part[s->plan->part_cnt - 1];
  fprintf(out, "\nhold-out, %zu tape%s that nothing was chosen on: set %u has %s ", part->tape_cnt, part->tape_cnt == 1 ? "" : "s", s->outcome->order[0], metric_of(s->by));
  if (isfinite(s->outcome->holdout)) fprintf(out, "%.6g\n", s->outcome->holdout);
  else fputs("-\n", out);
}

static void show_deflated(FILE *out, const pmm_sweep_shown_t *s) {
  pmm_deflated_t const *const d = &s->outcome->deflated;
  if (isfinite(d->probability))
    fprintf(out, "\ndeflated Sharpe ratio of set %u: %s%.1f%% (its Sharpe ratio %.2f from %llu returns; luck alone over %u sets that differ: %.2f)\n", s->outcome->order[0],
            d->probability < 0.001 ? "below " : "", fmax(d->probability * 100, 0.1), d->sharpe, (unsigned long long)d->returns, d->trials, d->expected_max);
  char warning[WARNING_MAX];
  pmm_sweep_warning(s->plan, s->outcome, warning, sizeof warning);
  if (*warning) fprintf(out, "\nwarning: %s\n", warning);
}

pmm_status_t pmm_sweep_show_table(FILE *out, const pmm_sweep_shown_t *s, pmm_error_t *err) {
  pmm_status_t st = show_best(out, s, err);
  if (st == PMM_OK) st = show_steps(out, s, err);
  if (st != PMM_OK) return st;
  show_holdout(out, s);
  show_deflated(out, s);
  return PMM_OK;
}

/* -- JSON -- */
static json_t *number(double x) { return isfinite(x) ? json_real(x) : json_null(); }

static json_t *values_json(const pmm_sweep_plan_t *plan, uint32_t set) {
  json_t *const o = json_object();
  for (uint32_t k = 0; k < plan->axis_cnt; k++) json_object_set_new(o, plan->axis[k].key, json_string(pmm_sweep_value(plan, set, k)));
  return o;
}

/* {"set", "values", "value", "result"} of a set on a part. */
static json_t *set_json(const pmm_sweep_shown_t *s, uint32_t part, uint32_t set, double value) {
  pmm_error_t err;
  char *row = NULL;
  json_t *const result = pmm_sweep_store_row(s->store, part, set, &row, &err) == PMM_OK ? json_loads(row, 0, NULL) : NULL;
  free(row);
  return json_pack("{s:s,s:i,s:o,s:o,s:o}", "part", s->plan->part[part].name, "set", (int)set, "values", values_json(s->plan, set), "value", number(value),
                   "result", result ? result : json_null());
}

static json_t *plan_json(const pmm_sweep_plan_t *plan) {
  char hash[24];
  snprintf(hash, sizeof hash, "0x%016llx", (unsigned long long)plan->hash);
  json_t *const axes = json_object(), *const parts = json_array();
  for (uint32_t k = 0; k < plan->axis_cnt; k++) json_object_set_new(axes, plan->axis[k].key, json_string(plan->axis[k].text));
  for (uint32_t i = 0; i < plan->part_cnt; i++) {
    json_t *const tapes = json_array();
    for (size_t k = 0; k < plan->part[i].tape_cnt; k++) json_array_append_new(tapes, json_string(plan->part[i].tape[k]));
    json_array_append_new(parts, json_pack("{s:s,s:I,s:o}", "name", plan->part[i].name, "records", (json_int_t)plan->part[i].records, "tapes", tapes));
  }
  return json_pack("{s:s,s:i,s:o,s:o}", "hash", hash, "sets", (int)plan->set_cnt, "swept", axes, "parts", parts);
}

static json_t *deflated_json(const pmm_deflated_t *d) {
  return json_pack("{s:i,s:I,s:o,s:o,s:o}", "trials", (int)d->trials, "returns", (json_int_t)d->returns, "sharpe", number(d->sharpe), "expected_max", number(d->expected_max),
                   "probability", number(d->probability));
}

pmm_status_t pmm_sweep_show_json(FILE *out, const pmm_sweep_shown_t *s, pmm_error_t *err) {
  pmm_sweep_outcome_t const *const o = s->outcome;
  char warning[WARNING_MAX];
  pmm_sweep_warning(s->plan, o, warning, sizeof warning);
  json_t *const best = json_array(), *const steps = json_array(), *holdout = json_null();
  for (uint32_t i = 0; i < o->order_cnt && i < s->top; i++) json_array_append_new(best, set_json(s, 0, o->order[i], o->value[o->order[i]]));
  for (uint32_t i = 0; i < o->step_cnt; i++)
    json_array_append_new(steps, json_pack("{s:o,s:o}", "train", set_json(s, o->step[i].train_part, o->step[i].set, o->step[i].train), "test",
                                           set_json(s, o->step[i].test_part, o->step[i].set, o->step[i].test)));
  if (s->plan->has_holdout) holdout = set_json(s, s->plan->part_cnt - 1, o->order[0], o->holdout);
  json_t *const all = json_pack("{s:o,s:s,s:o,s:o,s:o,s:o,s:o}", "plan", plan_json(s->plan), "by", s->by, "best", best, "walk_forward", steps, "holdout", holdout,
                                "deflated_sharpe", deflated_json(&o->deflated), "warning", *warning ? json_string(warning) : json_null());
  bool const written = all && json_dumpf(all, out, JSON_INDENT(2) | JSON_PRESERVE_ORDER | JSON_REAL_PRECISION(15)) == 0;
  json_decref(all);
  fputc('\n', out);
  return written ? PMM_OK : pmm_error_set(err, PMM_IO, "sweep: the JSON could not be written");
}

/* -- page -- */
pmm_status_t pmm_sweep_show_page(FILE *out, const pmm_sweep_shown_t *s, pmm_error_t *err) {
  const char *column[COLUMNS_MAX];
  char warning[WARNING_MAX], title[128];
  size_t const cnt = choose_columns(s->by, PAGE_FIGURES, sizeof PAGE_FIGURES / sizeof PAGE_FIGURES[0], column, COLUMNS_MAX);
  pmm_sweep_warning(s->plan, s->outcome, warning, sizeof warning);
  snprintf(title, sizeof title, "%u sets over %zu tapes", s->plan->set_cnt, s->plan->part[0].tape_cnt);
  char *json = NULL;
  pmm_status_t st = pmm_sweep_document(s->plan, s->store, title, warning, column, cnt, &json, err);
  if (st == PMM_OK) st = pmm_report_page(out, "sweep", title, json, strlen(json), err);
  free(json);
  return st;
}
