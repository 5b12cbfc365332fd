/* report_compare.c -- results side by side, and whether they may be compared at all. */
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include "report_impl.h"

#define RUNS_MAX 16

/* better: 1 more is better, -1 less is better, 0 neither. scale: dollars and the like as they are, shares in per cent. */
typedef struct figure { const char *path, *label, *unit; double scale; int better; } figure_t;
static const figure_t FIGURES[] = {
    {"pnl.total", "P&L", "$", 1, 1},
    {"pnl.spread", "spread captured", "$", 1, 1},
    {"pnl.inventory", "inventory", "$", 1, 1},
    {"fees", "fees", "$", 1, -1},
    {"rebates", "rebates", "$", 1, 1},
    {"rewards", "rewards, at least", "$", 1, 1},
    {"rewards_high", "rewards, at most", "$", 1, 1},
    {"max_drawdown", "largest drawdown", "$", 1, -1},
    {"sharpe", "Sharpe (annual)", "", 1, 1},
    {"orders", "orders", "", 1, 0},
    {"cancels", "cancels", "", 1, 0},
    {"fills", "fills", "", 1, 0},
    {"volume", "volume", "$", 1, 0},
    {"fill_rate", "fills per order", "%", 100, 0},
    {"uptime", "two-sided uptime", "%", 100, 1},
    {"mean_spread", "mean quoted spread", "c", 100, 0},
    {"markout.1s", "markout 1 s", "c", 100, 1},
    {"markout.10s", "markout 10 s", "c", 100, 1},
    {"markout.60s", "markout 60 s", "c", 100, 1},
    {"inventory.mean", "mean inventory", "contracts", 1, -1},
    {"inventory.max", "largest inventory", "contracts", 1, -1},
    {"final_position", "final net", "contracts", 1, 0},
    {"events", "events", "", 1, 0},
    {"gaps", "gaps", "", 1, 0},
};
#define FIGURE_CNT (sizeof FIGURES / sizeof FIGURES[0])

typedef struct run { json_t *doc, *result; char kind[16]; } run_t; /* result is borrowed from doc */

static json_t *look(json_t *o, const char *path) {
  char key[64];
  for (const char *at = path; o && *at;) {
    size_t const len = strcspn(at, ".");
    snprintf(key, sizeof key, "%.*s", (int)len, at);
    o = json_object_get(o, key);
    at += len + (at[len] == '.');
  }
  return o;
}

static const char *name_of(const char *path) {
  const char *const slash = strrchr(path, '/');
  return slash ? slash + 1 : path;
}

static pmm_status_t open_run(run_t *run, const char *path, pmm_error_t *err) {
  char *text;
  size_t len;
  pmm_status_t const st = pmm_report_read(path, run->kind, &text, &len, err);
  if (st != PMM_OK) return st;
  run->doc = json_loadb(text, len, 0, NULL);
  free(text);
  if (!run->doc) return pmm_error_set(err, PMM_CORRUPT, "%s: its document is no JSON", path);
  if (run->kind[0] && strcmp(run->kind, "backtest") != 0) return pmm_error_set(err, PMM_PARSE, "%s: a report of kind %s cannot be compared", path, run->kind);
  run->result = run->kind[0] ? json_object_get(run->doc, "result") : run->doc;
  if (!json_is_number(look(run->result, "pnl.total")) || !json_is_string(look(run->result, "state_hash")))
    return pmm_error_set(err, PMM_PARSE, "%s: no result of a backtest (neither pnl nor state_hash)", path);
  return PMM_OK;
}

static json_t *value_of(const run_t *run, const figure_t *f) {
  json_t *const v = look(run->result, f->path);
  return json_is_number(v) ? json_real(json_number_value(v) * f->scale) : json_null();
}

static json_t *figures_json(const run_t *run, size_t cnt) {
  json_t *const a = json_array();
  for (size_t k = 0; k < FIGURE_CNT; k++) {
    json_t *const values = json_array(), *const differences = json_array();
    bool any = false;
    for (size_t i = 0; i < cnt; i++) {
      json_t *const v = value_of(&run[i], &FIGURES[k]), *const first = json_array_get(values, 0);
      any = any || (json_is_number(v) && json_number_value(v) != 0);
      json_array_append_new(values, v);
      json_array_append_new(differences, i > 0 && json_is_number(v) && json_is_number(first) ? json_real(json_number_value(v) - json_number_value(first)) : json_null());
    }
    json_t *const row = json_pack("{s:s,s:s,s:s,s:i,s:o,s:o}", "key", FIGURES[k].path, "label", FIGURES[k].label, "unit", FIGURES[k].unit, "better", FIGURES[k].better,
                                  "values", values, "differences", differences);
    if (any) json_array_append_new(a, row);
    else json_decref(row);
  }
  return a;
}

/* -- may they be compared -- */
static void warn(json_t *list, json_t *text) { json_array_append_new(list, text); }

static bool has_tape(json_t *tapes, const char *hash) {
  size_t i;
  json_t *t;
  json_array_foreach(tapes, i, t) {
    const char *const h = json_string_value(json_object_get(t, "hash"));
    if (h && strcmp(h, hash) == 0) return true;
  }
  return false;
}

static bool same_tapes(json_t *a, json_t *b) {
  if (json_array_size(a) != json_array_size(b)) return false;
  size_t i;
  json_t *t;
  json_array_foreach(a, i, t) {
    const char *const h = json_string_value(json_object_get(t, "hash"));
    if (h && !has_tape(b, h)) return false;
  }
  return true;
}

static void judge_data(json_t *w, const run_t *a, const char *a_name, const run_t *b, const char *b_name) {
  json_t *const ta = json_object_get(a->doc, "tapes"), *const tb = json_object_get(b->doc, "tapes");
  json_t *const ea = look(a->result, "events"), *const eb = look(b->result, "events");
  if (a->kind[0] && b->kind[0]) {
    if (!same_tapes(ta, tb)) warn(w, json_sprintf("%s and %s ran over different tapes (their hashes differ): apples and oranges.", a_name, b_name));
  } else if (ea && eb && json_number_value(ea) != json_number_value(eb)) {
    warn(w, json_sprintf("%s saw %.0f events and %s %.0f: not the same data, so apples and oranges.", a_name, json_number_value(ea), b_name, json_number_value(eb)));
  }
  const char *const fa = json_string_value(look(a->result, "fill_source")), *const fb = json_string_value(look(b->result, "fill_source"));
  if (fa && fb && strcmp(fa, fb) != 0) warn(w, json_sprintf("Fills of %s come from %s, of %s from %s.", a_name, fa, b_name, fb));
  const char *const va = json_string_value(json_object_get(a->doc, "pmm")), *const vb = json_string_value(json_object_get(b->doc, "pmm"));
  if (va && vb && strcmp(va, vb) != 0) warn(w, json_sprintf("%s was made by pmm %s, %s by pmm %s.", a_name, va, b_name, vb));
  const char *const ha = json_string_value(look(a->result, "state_hash")), *const hb = json_string_value(look(b->result, "state_hash"));
  if (ha && hb && strcmp(ha, hb) == 0) warn(w, json_sprintf("%s and %s did exactly the same (equal state hash).", a_name, b_name));
}

/* -- settings that differ, by their dotted names -- */
static json_t *config_value(const run_t *run, const char *key) {
  json_t *v = json_object_get(run->doc, "config");
  char part[96];
  for (const char *at = key; v && *at;) {
    size_t const len = strcspn(at, ".");
    snprintf(part, sizeof part, "%.*s", (int)len, at);
    v = json_is_array(v) ? json_array_get(v, strtoul(part, NULL, 10)) : json_object_get(v, part);
    at += len + (at[len] == '.');
  }
  return v ? json_deep_copy(v) : json_null();
}

static void compare_setting(json_t *out, const run_t *run, size_t cnt, const char *key) {
  json_t *const values = json_array();
  bool differ = false;
  for (size_t i = 0; i < cnt; i++) {
    json_array_append_new(values, config_value(&run[i], key));
    differ = differ || !json_equal(json_array_get(values, 0), json_array_get(values, i));
  }
  if (differ && !json_object_get(out, key)) json_object_set_new(out, key, values);
  else json_decref(values);
}

static void walk_settings(json_t *out, const run_t *run, size_t cnt, json_t *at, const char *prefix) {
  char key[256];
  if (!json_is_object(at) && !json_is_array(at)) {
    compare_setting(out, run, cnt, prefix);
    return;
  }
  const char *name;
  json_t *child;
  size_t i;
  json_object_foreach(at, name, child) {
    snprintf(key, sizeof key, "%s%s%s", prefix, *prefix ? "." : "", name);
    walk_settings(out, run, cnt, child, key);
  }
  json_array_foreach(at, i, child) {
    snprintf(key, sizeof key, "%s%s%zu", prefix, *prefix ? "." : "", i);
    walk_settings(out, run, cnt, child, key);
  }
}

static json_t *settings_json(const run_t *run, size_t cnt) {
  json_t *const out = json_object();
  for (size_t i = 0; i < cnt; i++)
    if (!json_is_object(json_object_get(run[i].doc, "config"))) return out; /* a JSON result does not carry its configuration */
  for (size_t i = 0; i < cnt; i++) walk_settings(out, run, cnt, json_object_get(run[i].doc, "config"), "");
  return out;
}

static json_t *run_json(const run_t *run, const char *path) {
  json_t *const o = json_pack("{s:s,s:O,s:O}", "name", name_of(path), "result", run->result, "state_hash", json_object_get(run->result, "state_hash"));
  static const char *const KEYS[] = {"title", "tapes", "honesty"};
  for (size_t i = 0; i < sizeof KEYS / sizeof KEYS[0]; i++)
    if (json_object_get(run->doc, KEYS[i]) && run->kind[0]) json_object_set(o, KEYS[i], json_object_get(run->doc, KEYS[i]));
  json_t *const total = run->kind[0] ? json_object_get(run->doc, "total") : NULL;
  if (total) json_object_set_new(o, "equity", json_pack("{s:O,s:O,s:O}", "t0", json_object_get(total, "t0"), "dt", json_object_get(total, "dt"), "pnl", json_object_get(total, "pnl")));
  return o;
}

static char *compare(const run_t *run, const char *const *path, size_t cnt) {
  json_t *const o = json_object(), *const runs = json_array(), *const warnings = json_array();
  for (size_t i = 0; i < cnt; i++) json_array_append_new(runs, run_json(&run[i], path[i]));
  for (size_t i = 1; i < cnt; i++) judge_data(warnings, &run[0], name_of(path[0]), &run[i], name_of(path[i]));
  json_object_set_new(o, "title", json_sprintf("%s and %zu other%s", name_of(path[0]), cnt - 1, cnt == 2 ? "" : "s"));
  json_object_set_new(o, "warnings", warnings);
  json_object_set_new(o, "figures", figures_json(run, cnt));
  json_object_set_new(o, "settings", settings_json(run, cnt));
  json_object_set_new(o, "runs", runs);
  char *const text = json_dumps(o, JSON_COMPACT | JSON_PRESERVE_ORDER | JSON_REAL_PRECISION(15));
  json_decref(o);
  return text;
}

pmm_status_t pmm_report_compare(const char *const *path, size_t cnt, char **json, size_t *len, pmm_error_t *err) {
  if (cnt < 2 || cnt > RUNS_MAX) return pmm_error_set(err, PMM_INVAL, "compare: two to %d results, not %zu", RUNS_MAX, cnt);
  run_t run[RUNS_MAX] = {0};
  pmm_status_t st = PMM_OK;
  for (size_t i = 0; st == PMM_OK && i < cnt; i++) st = open_run(&run[i], path[i], err);
  if (st == PMM_OK) {
    char *const text = compare(run, path, cnt);
    if (text) {
      *json = text;
      *len = strlen(text);
    } else st = pmm_error_set(err, PMM_FULL, "compare: no memory");
  }
  for (size_t i = 0; i < cnt; i++) json_decref(run[i].doc);
  return st;
}

/* -- as text -- */
static int decimals_of(const json_t *row) {
  double most = 0;
  bool whole = true;
  size_t i;
  json_t *v;
  json_array_foreach(json_object_get(row, "values"), i, v) {
    double const x = json_number_value(v);
    most = fmax(most, fabs(x));
    whole = whole && x == floor(x);
  }
  return whole ? 0 : most >= 100 ? 2 : most >= 1 ? 3 : 4;
}

static void write_cell(FILE *out, const json_t *v, int decimals, bool sign) {
  if (json_is_number(v)) fprintf(out, sign ? " %+16.*f" : " %16.*f", decimals, json_number_value(v));
  else fprintf(out, " %16s", "-");
}

static bool everyone_has(const json_t *values) {
  for (size_t i = 0; i < json_array_size(values); i++)
    if (json_is_null(json_array_get(values, i))) return false;
  return true;
}

/* Two strategies share few parameters; those of one alone are counted, not listed. */
static void write_settings(FILE *out, json_t *settings) {
  const char *key;
  json_t *v;
  size_t alone = 0;
  if (json_object_size(settings)) fputs("\n  settings that differ\n", out);
  json_object_foreach(settings, key, v) {
    if (!everyone_has(v)) { alone++; continue; }
    fprintf(out, "  %-30s", key);
    for (size_t i = 0; i < json_array_size(v); i++) {
      char *const text = json_dumps(json_array_get(v, i), JSON_ENCODE_ANY | JSON_REAL_PRECISION(8));
      fprintf(out, " %16s%17s", text ? text : "", "");
      free(text);
    }
    fputc('\n', out);
  }
  if (alone) fprintf(out, "  and %zu that only some of them have (--json lists them)\n", alone);
}

void pmm_report_compare_table(FILE *out, const char *json, size_t len) {
  json_t *const o = json_loadb(json, len, 0, NULL), *const runs = json_object_get(o, "runs");
  size_t i, k;
  json_t *v;
  fprintf(out, "  %-30s", "");
  json_array_foreach(runs, i, v) fprintf(out, " %16.16s%17s", json_string_value(json_object_get(v, "name")), i > 0 ? "difference" : "");
  fputc('\n', out);
  json_array_foreach(json_object_get(o, "figures"), k, v) {
    char label[64];
    const char *const unit = json_string_value(json_object_get(v, "unit"));
    snprintf(label, sizeof label, "%s%s%s", json_string_value(json_object_get(v, "label")), *unit ? ", " : "", unit);
    fprintf(out, "  %-30s", label);
    int const decimals = decimals_of(v);
    for (i = 0; i < json_array_size(runs); i++) {
      write_cell(out, json_array_get(json_object_get(v, "values"), i), decimals, false);
      if (i > 0) write_cell(out, json_array_get(json_object_get(v, "differences"), i), decimals, true);
      else fprintf(out, "%17s", "");
    }
    fputc('\n', out);
  }
  write_settings(out, json_object_get(o, "settings"));
  json_array_foreach(json_object_get(o, "warnings"), i, v) fprintf(out, "%s  note: %s\n", i == 0 ? "\n" : "", json_string_value(v));
  json_decref(o);
}
