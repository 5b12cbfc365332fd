/* sweep_store.c -- results in SQLite. Tables:
     plan(id, key, value)               hash, version, parts and tapes as JSON, the configuration file
     sets(set_id, name)  params(set_id, key, value)
     results(part, set_id, <a column for every scalar key of a result, '.' as '_'>, result)
     timing(part, first, cnt, wall_s)   beside the results, because it differs from run to run
   A unit is one transaction in write-ahead mode with full syncs: after a crash it is there whole or not at all. */
#include <assert.h>
#include <jansson.h>
#include <math.h>
#include <sqlite3.h>
#include <stdlib.h>
#include <string.h>
#include "sweep_impl.h"
#include "pmm/version.h" /* last: a status has the same name */

#define APPLICATION_ID 0x706d6d73 /* "pmms": marks the file as a sweep's */
#define METRICS_MAX 128
#define ROW_FORM (JSON_COMPACT | JSON_PRESERVE_ORDER | JSON_REAL_PRECISION(15))

typedef struct metric { char name[48], column[48]; json_type type; } metric_t;
struct pmm_sweep_store {
  sqlite3 *db;
  char *path;
  const pmm_sweep_plan_t *plan;
  metric_t metric[METRICS_MAX]; uint32_t metric_cnt;
  sqlite3_stmt *insert;
  int plan_rows;
};

static pmm_status_t no_memory(pmm_error_t *err) { return pmm_error_set(err, PMM_FULL, "sweep: no memory"); }
static pmm_status_t db_error(const pmm_sweep_store_t *s, pmm_error_t *err) { return pmm_error_set(err, PMM_IO, "%.200s: %s", s->path, sqlite3_errmsg(s->db)); }
static pmm_status_t run_sql(const pmm_sweep_store_t *s, const char *sql, pmm_error_t *err) {
  return sqlite3_exec(s->db, sql, NULL, NULL, NULL) == SQLITE_OK ? PMM_OK : db_error(s, err);
}

/* -- a result as a row -- */
static json_t *result_json(const pmm_result_t *result) {
  char *text = NULL;
  size_t len = 0;
  FILE *const f = open_memstream(&text, &len);
  if (!f) return NULL;
  pmm_result_write_json(f, result);
  json_t *const o = fclose(f) == 0 ? json_loadb(text, len, 0, NULL) : NULL;
  free(text);
  if (!o) return NULL;
  json_object_del(o, "wall_s");
  json_object_del(o, "events_per_s");
  return o;
}

char *pmm_sweep_row(const pmm_result_t *result) {
  json_t *const o = result_json(result);
  char *const text = o ? json_dumps(o, ROW_FORM) : NULL;
  json_decref(o);
  return text;
}

/* -- metrics: the scalar keys of a result, whatever they are in this version -- */
static void add_metrics(pmm_sweep_store_t *s, json_t *object, const char *prefix) {
  const char *key;
  json_t *value;
  json_object_foreach(object, key, value) {
    metric_t m = {.type = json_typeof(value)};
    snprintf(m.name, sizeof m.name, "%s%s", prefix, key);
    if (json_is_object(value)) {
      char deeper[sizeof m.name + 1];
      snprintf(deeper, sizeof deeper, "%s.", m.name);
      add_metrics(s, value, deeper);
    } else if (!json_is_array(value) && s->metric_cnt < METRICS_MAX) {
      for (size_t i = 0; i < sizeof m.name; i++) m.column[i] = m.name[i] == '.' ? '_' : m.name[i];
      s->metric[s->metric_cnt++] = m;
    }
  }
}

static pmm_status_t know_metrics(pmm_sweep_store_t *s, pmm_error_t *err) {
  pmm_result_t const nothing = {.fill_source = "none", .bernoulli_rate = 1}; /* with the keys of which most results have null */
  json_t *const o = result_json(&nothing);
  if (!o) return no_memory(err);
  add_metrics(s, o, "");
  json_decref(o);
  return PMM_OK;
}

const char *pmm_sweep_metric(const pmm_sweep_store_t *s, uint32_t i) { return i < s->metric_cnt ? s->metric[i].name : NULL; }
bool pmm_sweep_metric_is_number(const pmm_sweep_store_t *s, uint32_t i) { return s->metric[i].type == JSON_REAL || s->metric[i].type == JSON_INTEGER; }

static pmm_status_t find_metric(const pmm_sweep_store_t *s, const char *name, const metric_t **out, pmm_error_t *err) {
  pmm_param_t names[METRICS_MAX] = {0};
  for (uint32_t i = 0; i < s->metric_cnt; i++) {
    names[i].name = s->metric[i].name;
    if (strcmp(s->metric[i].name, name) != 0) continue;
    *out = &s->metric[i];
    return pmm_sweep_metric_is_number(s, i) ? PMM_OK : pmm_error_set(err, PMM_INVAL, "%.60s: no number to order sets by", name);
  }
  return pmm_error_set(err, PMM_NOT_FOUND, "%.60s: no such figure of a result (did you mean '%s'?)", name, pmm_param_nearest(names, s->metric_cnt, name));
}

pmm_status_t pmm_sweep_check_by(const char *by, pmm_error_t *err) {
  pmm_sweep_store_t *const s = calloc(1, sizeof *s);
  if (!s) return no_memory(err);
  const metric_t *metric = NULL;
  pmm_error_t why = {0};
  pmm_status_t st = know_metrics(s, &why);
  if (st == PMM_OK) st = find_metric(s, by + (*by == '-'), &metric, &why);
  free(s);
  return st == PMM_OK ? PMM_OK : pmm_error_set(err, st, "--by %s", why.text);
}

/* -- tables -- */
static const char *sql_type(json_type type) {
  if (type == JSON_STRING) return "TEXT";
  return type == JSON_REAL ? "REAL" : "INTEGER";
}

static pmm_status_t make_results(pmm_sweep_store_t *s, pmm_error_t *err) {
  char *sql = NULL;
  size_t len = 0;
  FILE *const f = open_memstream(&sql, &len);
  if (!f) return no_memory(err);
  fputs("CREATE TABLE results(part INTEGER NOT NULL, set_id INTEGER NOT NULL", f);
  for (uint32_t i = 0; i < s->metric_cnt; i++) fprintf(f, ", \"%s\" %s", s->metric[i].column, sql_type(s->metric[i].type));
  fputs(", result TEXT NOT NULL, PRIMARY KEY(part, set_id)) WITHOUT ROWID;", f);
  pmm_status_t const st = fclose(f) == 0 ? run_sql(s, sql, err) : no_memory(err);
  free(sql);
  return st;
}

static pmm_status_t put_text(pmm_sweep_store_t *s, const char *sql, int64_t id, const char *key, const char *value, pmm_error_t *err) {
  sqlite3_stmt *stmt = NULL;
  bool ok = sqlite3_prepare_v2(s->db, sql, -1, &stmt, NULL) == SQLITE_OK;
  ok = ok && sqlite3_bind_int64(stmt, 1, id) == SQLITE_OK && sqlite3_bind_text(stmt, 2, key, -1, SQLITE_TRANSIENT) == SQLITE_OK;
  if (ok && value) ok = sqlite3_bind_text(stmt, 3, value, -1, SQLITE_TRANSIENT) == SQLITE_OK;
  ok = ok && sqlite3_step(stmt) == SQLITE_DONE;
  pmm_status_t const st = ok ? PMM_OK : db_error(s, err);
  sqlite3_finalize(stmt);
  return st;
}

static pmm_status_t put_plan(pmm_sweep_store_t *s, const char *key, const char *value, pmm_error_t *err) {
  return put_text(s, "INSERT INTO plan VALUES(?1, ?2, ?3)", s->plan_rows++, key, value, err);
}

static char *parts_text(const pmm_sweep_plan_t *plan) {
  json_t *const list = json_array();
  for (uint32_t i = 0; i < plan->part_cnt; i++) {
    json_t *const tapes = json_array();
    for (size_t k = 0; k < plan->part[i].tape_cnt; k++) json_array_append_new(tapes, json_string(plan->part[i].tape[k]));
    json_array_append_new(list, json_pack("{s:i,s:s,s:o}", "part", (int)i, "name", plan->part[i].name, "tapes", tapes));
  }
  char *const text = json_dumps(list, ROW_FORM);
  json_decref(list);
  return text;
}

static void hash_text(const pmm_sweep_plan_t *plan, char out[20]) { snprintf(out, 20, "%016llx", (unsigned long long)plan->hash); }

static pmm_status_t describe(pmm_sweep_store_t *s, pmm_error_t *err) {
  char hash[20];
  hash_text(s->plan, hash);
  char *const parts = parts_text(s->plan);
  pmm_status_t st = parts ? put_plan(s, "hash", hash, err) : no_memory(err);
  if (st == PMM_OK) st = put_plan(s, "version", PMM_VERSION, err);
  if (st == PMM_OK) st = put_plan(s, "parts", parts, err);
  if (st == PMM_OK) st = put_plan(s, "config_name", s->plan->config_name, err);
  if (st == PMM_OK) st = put_plan(s, "config", s->plan->config_text, err);
  free(parts);
  for (size_t i = 0; st == PMM_OK && i < s->plan->fixed_cnt; i++) st = put_plan(s, "set", s->plan->fixed[i], err);
  for (uint32_t k = 0; st == PMM_OK && k < s->plan->axis_cnt; k++) {
    char *text = NULL;
    if (asprintf(&text, "%s=%s", s->plan->axis[k].key, s->plan->axis[k].text) < 0) return no_memory(err);
    st = put_plan(s, "set", text, err);
    free(text);
  }
  return st;
}

static pmm_status_t list_sets(pmm_sweep_store_t *s, pmm_error_t *err) {
  pmm_status_t st = PMM_OK;
  char name[1024];
  for (uint32_t i = 0; st == PMM_OK && i < s->plan->set_cnt; i++) {
    st = put_text(s, "INSERT INTO sets VALUES(?1, ?2)", i, pmm_sweep_name(s->plan, i, name, sizeof name), NULL, err);
    for (uint32_t k = 0; st == PMM_OK && k < s->plan->axis_cnt; k++)
      st = put_text(s, "INSERT INTO params VALUES(?1, ?2, ?3)", i, s->plan->axis[k].key, pmm_sweep_value(s->plan, i, k), err);
  }
  return st;
}

static pmm_status_t make_tables(pmm_sweep_store_t *s, pmm_error_t *err) {
  pmm_status_t st = run_sql(s,
    "BEGIN IMMEDIATE; DROP TABLE IF EXISTS plan; DROP TABLE IF EXISTS sets; DROP TABLE IF EXISTS params; DROP TABLE IF EXISTS results; DROP TABLE IF EXISTS timing;"
    "CREATE TABLE plan(id INTEGER PRIMARY KEY, key TEXT NOT NULL, value TEXT NOT NULL);"
    "CREATE TABLE sets(set_id INTEGER PRIMARY KEY, name TEXT NOT NULL);"
    "CREATE TABLE params(set_id INTEGER NOT NULL, key TEXT NOT NULL, value TEXT NOT NULL, PRIMARY KEY(set_id, key)) WITHOUT ROWID;"
    "CREATE TABLE timing(part INTEGER NOT NULL, first INTEGER NOT NULL, cnt INTEGER NOT NULL, wall_s REAL NOT NULL);", err);
  if (st == PMM_OK) st = make_results(s, err);
  if (st == PMM_OK) st = describe(s, err);
  if (st == PMM_OK) st = list_sets(s, err);
  if (st == PMM_OK) st = run_sql(s, "COMMIT", err);
  return st;
}

/* -- opening -- */
static pmm_status_t read_int(pmm_sweep_store_t *s, const char *sql, int64_t *out, pmm_error_t *err) {
  sqlite3_stmt *stmt = NULL;
  bool const ok = sqlite3_prepare_v2(s->db, sql, -1, &stmt, NULL) == SQLITE_OK && sqlite3_step(stmt) == SQLITE_ROW;
  if (ok) *out = sqlite3_column_int64(stmt, 0);
  pmm_status_t const st = ok ? PMM_OK : db_error(s, err);
  sqlite3_finalize(stmt);
  return st;
}

static pmm_status_t same_plan(pmm_sweep_store_t *s, pmm_error_t *err) {
  char want[20];
  hash_text(s->plan, want);
  sqlite3_stmt *stmt = NULL;
  bool const ok = sqlite3_prepare_v2(s->db, "SELECT value FROM plan WHERE key = 'hash'", -1, &stmt, NULL) == SQLITE_OK && sqlite3_step(stmt) == SQLITE_ROW;
  pmm_status_t st = PMM_OK;
  if (!ok) st = db_error(s, err);
  else if (strcmp((const char *)sqlite3_column_text(stmt, 0), want) != 0)
    st = pmm_error_set(err, PMM_EXISTS, "%.200s holds another sweep's results: its configuration, sets, tapes, folds or program version differ (--fresh forgets them)", s->path);
  sqlite3_finalize(stmt);
  return st;
}

static pmm_status_t prepare_insert(pmm_sweep_store_t *s, pmm_error_t *err) {
  char *sql = NULL;
  size_t len = 0;
  FILE *const f = open_memstream(&sql, &len);
  if (!f) return no_memory(err);
  fputs("INSERT OR REPLACE INTO results VALUES(?, ?", f);
  for (uint32_t i = 0; i < s->metric_cnt; i++) fputs(", ?", f);
  fputs(", ?)", f);
  bool const ok = fclose(f) == 0 && sqlite3_prepare_v2(s->db, sql, -1, &s->insert, NULL) == SQLITE_OK;
  free(sql);
  return ok ? PMM_OK : db_error(s, err);
}

static pmm_status_t open_tables(pmm_sweep_store_t *s, bool fresh, pmm_error_t *err) {
  int64_t id = 0, tables = 0;
  pmm_status_t st = read_int(s, "PRAGMA application_id", &id, err);
  if (st == PMM_OK) st = read_int(s, "SELECT count(*) FROM sqlite_master", &tables, err);
  if (st != PMM_OK) return st;
  if (id != APPLICATION_ID && tables) return pmm_error_set(err, PMM_EXISTS, "%.200s: a database, but not of a sweep; left alone", s->path);
  if (id != APPLICATION_ID) st = run_sql(s, "PRAGMA application_id = 1886219635", err); /* APPLICATION_ID */
  if (st == PMM_OK) st = run_sql(s, "PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL", err);
  if (st != PMM_OK) return st;
  return fresh || !tables ? make_tables(s, err) : same_plan(s, err);
}

pmm_status_t pmm_sweep_store_open(pmm_sweep_store_t **out, const char *path, const pmm_sweep_plan_t *plan, bool fresh, pmm_error_t *err) {
  static_assert(APPLICATION_ID == 1886219635, "as written in open_tables");
  pmm_sweep_store_t *const s = calloc(1, sizeof *s);
  if (!s) return no_memory(err);
  s->plan = plan;
  s->path = strdup(path ? path : ":memory:");
  pmm_status_t st = s->path ? know_metrics(s, err) : no_memory(err);
  if (st == PMM_OK && sqlite3_open_v2(s->path, &s->db, SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE | SQLITE_OPEN_NOMUTEX, NULL) != SQLITE_OK) st = db_error(s, err);
  if (st == PMM_OK) sqlite3_busy_timeout(s->db, 10000); /* somebody may be looking in */
  if (st == PMM_OK) st = open_tables(s, fresh, err);
  if (st == PMM_OK) st = prepare_insert(s, err);
  if (st == PMM_OK) *out = s;
  else pmm_sweep_store_close(s);
  return st;
}

void pmm_sweep_store_close(pmm_sweep_store_t *s) {
  if (!s) return;
  sqlite3_finalize(s->insert);
  sqlite3_close(s->db);
  free(s->path);
  free(s);
}

/* -- writing -- */
static const json_t *member(const json_t *object, const char *name) { /* "pnl.total" */
  for (const json_t *o = object; o;) {
    size_t const len = strcspn(name, ".");
    o = json_object_getn(o, name, len);
    if (!name[len]) return o;
    name += len + 1;
  }
  return NULL;
}

static void bind(sqlite3_stmt *stmt, int at, const json_t *v) {
  if (json_is_integer(v)) sqlite3_bind_int64(stmt, at, json_integer_value(v));
  else if (json_is_real(v)) sqlite3_bind_double(stmt, at, json_real_value(v));
  else if (json_is_string(v)) sqlite3_bind_text(stmt, at, json_string_value(v), -1, SQLITE_TRANSIENT);
  else if (json_is_boolean(v)) sqlite3_bind_int(stmt, at, json_is_true(v));
  else sqlite3_bind_null(stmt, at);
}

static pmm_status_t put_row(pmm_sweep_store_t *s, uint32_t part, uint32_t set, const char *row, pmm_error_t *err) {
  json_t *const o = json_loads(row, 0, NULL);
  if (!o) return pmm_error_set(err, PMM_PARSE, "set %u: a result that is not JSON", set);
  int at = 1;
  sqlite3_bind_int64(s->insert, at++, part);
  sqlite3_bind_int64(s->insert, at++, set);
  for (uint32_t i = 0; i < s->metric_cnt; i++) bind(s->insert, at++, member(o, s->metric[i].name));
  sqlite3_bind_text(s->insert, at, row, -1, SQLITE_TRANSIENT);
  pmm_status_t const st = sqlite3_step(s->insert) == SQLITE_DONE ? PMM_OK : db_error(s, err);
  sqlite3_reset(s->insert);
  json_decref(o);
  return st;
}

static pmm_status_t put_timing(pmm_sweep_store_t *s, uint32_t part, uint32_t first, uint32_t cnt, double wall_s, pmm_error_t *err) {
  char sql[160];
  snprintf(sql, sizeof sql, "INSERT INTO timing VALUES(%u, %u, %u, %.6f)", part, first, cnt, wall_s);
  return run_sql(s, sql, err);
}

pmm_status_t pmm_sweep_store_put(pmm_sweep_store_t *s, uint32_t part, uint32_t first, uint32_t cnt, char *const *row, double wall_s, pmm_error_t *err) {
  pmm_status_t st = run_sql(s, "BEGIN IMMEDIATE", err);
  if (st != PMM_OK) return st;
  for (uint32_t i = 0; st == PMM_OK && i < cnt; i++) st = put_row(s, part, first + i, row[i], err);
  if (st == PMM_OK) st = put_timing(s, part, first, cnt, wall_s, err);
  if (st == PMM_OK) st = run_sql(s, "COMMIT", err);
  if (st != PMM_OK) sqlite3_exec(s->db, "ROLLBACK", NULL, NULL, NULL);
  return st;
}

/* -- reading -- */
static pmm_status_t select_part(pmm_sweep_store_t *s, const char *column, uint32_t part, sqlite3_stmt **stmt, pmm_error_t *err) {
  char sql[160];
  snprintf(sql, sizeof sql, "SELECT set_id, \"%s\" FROM results WHERE part = %u ORDER BY set_id", column, part);
  return sqlite3_prepare_v2(s->db, sql, -1, stmt, NULL) == SQLITE_OK ? PMM_OK : db_error(s, err);
}

/* The next row's set; PMM_END after the last one. A row beyond the plan cannot be: the file is not ours any more. */
static pmm_status_t next_row(pmm_sweep_store_t *s, sqlite3_stmt *stmt, uint32_t *set, pmm_error_t *err) {
  int const rc = sqlite3_step(stmt);
  if (rc == SQLITE_DONE) return PMM_END;
  if (rc != SQLITE_ROW) return db_error(s, err);
  int64_t const id = sqlite3_column_int64(stmt, 0);
  if (id < 0 || id >= s->plan->set_cnt) return pmm_error_set(err, PMM_CORRUPT, "%.200s: a result of set %lld, which the plan does not have", s->path, (long long)id);
  *set = (uint32_t)id;
  return PMM_OK;
}

pmm_status_t pmm_sweep_store_done(pmm_sweep_store_t *s, uint32_t part, bool *done, pmm_error_t *err) {
  sqlite3_stmt *stmt = NULL;
  memset(done, 0, s->plan->set_cnt * sizeof *done);
  pmm_status_t st = select_part(s, "part", part, &stmt, err);
  for (uint32_t set = 0; st == PMM_OK;)
    if ((st = next_row(s, stmt, &set, err)) == PMM_OK) done[set] = true;
  sqlite3_finalize(stmt);
  return st == PMM_END ? PMM_OK : st;
}

pmm_status_t pmm_sweep_store_values(pmm_sweep_store_t *s, uint32_t part, const char *name, double *value, pmm_error_t *err) {
  const metric_t *metric = NULL;
  pmm_status_t st = find_metric(s, name, &metric, err);
  if (st != PMM_OK) return st;
  for (uint32_t i = 0; i < s->plan->set_cnt; i++) value[i] = NAN;
  sqlite3_stmt *stmt = NULL;
  st = select_part(s, metric->column, part, &stmt, err);
  for (uint32_t set = 0; st == PMM_OK;)
    if ((st = next_row(s, stmt, &set, err)) == PMM_OK && sqlite3_column_type(stmt, 1) != SQLITE_NULL) value[set] = sqlite3_column_double(stmt, 1);
  sqlite3_finalize(stmt);
  return st == PMM_END ? PMM_OK : st;
}

pmm_status_t pmm_sweep_store_row(pmm_sweep_store_t *s, uint32_t part, uint32_t set, char **row, pmm_error_t *err) {
  char sql[100];
  snprintf(sql, sizeof sql, "SELECT result FROM results WHERE part = %u AND set_id = %u", part, set);
  sqlite3_stmt *stmt = NULL;
  pmm_status_t st = sqlite3_prepare_v2(s->db, sql, -1, &stmt, NULL) == SQLITE_OK ? PMM_OK : db_error(s, err);
  int const rc = st == PMM_OK ? sqlite3_step(stmt) : SQLITE_DONE;
  if (rc == SQLITE_ROW) {
    *row = strdup((const char *)sqlite3_column_text(stmt, 0));
    st = *row ? PMM_OK : no_memory(err);
  } else if (st == PMM_OK) {
    st = rc == SQLITE_DONE ? pmm_error_set(err, PMM_NOT_FOUND, "set %u has no result on part %u", set, part) : db_error(s, err);
  }
  sqlite3_finalize(stmt);
  return st;
}

/* -- CSV -- */
static void csv_text(FILE *out, const char *text) {
  if (!strpbrk(text, ",\"\n")) { fputs(text, out); return; }
  fputc('"', out);
  for (; *text; text++) {
    if (*text == '"') fputc('"', out);
    fputc(*text, out);
  }
  fputc('"', out);
}

static void csv_line(pmm_sweep_store_t *s, sqlite3_stmt *stmt, uint32_t set, FILE *out) {
  uint32_t const part = (uint32_t)sqlite3_column_int64(stmt, 1);
  csv_text(out, part < s->plan->part_cnt ? s->plan->part[part].name : "?");
  fprintf(out, ",%u", set);
  for (uint32_t k = 0; k < s->plan->axis_cnt; k++) {
    fputc(',', out);
    csv_text(out, pmm_sweep_value(s->plan, set, k));
  }
  for (uint32_t i = 0; i < s->metric_cnt; i++) {
    int const at = (int)i + 3, type = sqlite3_column_type(stmt, at); /* set_id and part stand before results.* */
    fputc(',', out);
    if (type == SQLITE_FLOAT) fprintf(out, "%.15g", sqlite3_column_double(stmt, at));
    else if (type != SQLITE_NULL) csv_text(out, (const char *)sqlite3_column_text(stmt, at));
  }
  fputc('\n', out);
}

pmm_status_t pmm_sweep_store_csv(pmm_sweep_store_t *s, FILE *out, pmm_error_t *err) {
  fputs("part,set", out);
  for (uint32_t k = 0; k < s->plan->axis_cnt; k++) fprintf(out, ",%s", s->plan->axis[k].key);
  for (uint32_t i = 0; i < s->metric_cnt; i++) fprintf(out, ",%s", s->metric[i].name);
  fputc('\n', out);
  sqlite3_stmt *stmt = NULL;
  pmm_status_t st = sqlite3_prepare_v2(s->db, "SELECT set_id, * FROM results ORDER BY part, set_id", -1, &stmt, NULL) == SQLITE_OK ? PMM_OK : db_error(s, err);
  for (uint32_t set = 0; st == PMM_OK;)
    if ((st = next_row(s, stmt, &set, err)) == PMM_OK) csv_line(s, stmt, set, out);
  sqlite3_finalize(stmt);
  return st == PMM_END ? PMM_OK : st;
}
