#include "csv.h"
#include <csv.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include "pmm/clock.h"
#include "pmm/decimal.h"

typedef struct cells {
  char *text; /* each with a NUL behind it */
  size_t len, cap;
  size_t start[PMM__CSV_COLUMNS_MAX + 1]; /* of each cell; the last is the end */
  int cnt;
} cells_t;

struct pmm__csv {
  struct csv_parser parser;
  cells_t row, heading;
  bool ended;      /* the row at work is whole */
  const char *why; /* it cannot be taken */
};

void pmm__csv_close(pmm__csv_t *c) {
  if (!c) return;
  csv_free(&c->parser);
  free(c->row.text);
  free(c->heading.text);
  free(c);
}

/* -- libcsv's side -- */
static bool make_room(cells_t *cells, size_t len) {
  if (cells->len + len + 1 <= cells->cap) return true;
  size_t const cap = (cells->len + len + 1) * 2;
  char *const grown = realloc(cells->text, cap);
  if (!grown) return false;
  cells->text = grown;
  cells->cap = cap;
  return true;
}

static void on_cell(void *text, size_t len, void *ctx) {
  pmm__csv_t *const c = ctx;
  cells_t *const row = &c->row;
  if (row->cnt == PMM__CSV_COLUMNS_MAX) c->why = "more than 256 columns";
  else if (row->len + len > PMM__CSV_ROW_MAX) c->why = "row longer than 1 MiB";
  else if (!make_room(row, len)) c->why = "out of memory";
  if (c->why) return;
  if (len) memcpy(row->text + row->len, text, len);
  row->text[row->len + len] = '\0';
  row->len += len + 1;
  row->start[++row->cnt] = row->len;
}

static void on_row(int end, void *ctx) {
  pmm__csv_t *const c = ctx;
  if (end == '\r') c->why = "a carriage return within the row";
  c->ended = true;
}

/* -- rows -- */
static pmm_status_t bad_row(const pmm__import_t *im, const pmm__source_t *s, const char *why) {
  return pmm_error_set(im->err, PMM_PARSE, "%s:%llu: %s", s->name, (unsigned long long)pmm__input_line_no(s->input), why);
}

static const char *feed(pmm__csv_t *c, const char *text, size_t len) {
  if (csv_parse(&c->parser, text, len, on_cell, on_row, c) == len) return c->why;
  return csv_error(&c->parser) == CSV_EPARSE ? "a quote where none may be" : "out of memory";
}

static const char *skip_mark(const char *line, size_t *len) { /* the byte order mark that spreadsheets write */
  if (*len < 3 || memcmp(line, "\xef\xbb\xbf", 3) != 0) return line;
  *len -= 3;
  return line + 3;
}

/* A quoted cell may go over several lines. */
static pmm_status_t read_row(pmm__import_t *im, pmm__source_t *s) {
  pmm__csv_t *const c = s->csv;
  im->source = s;
  c->row.cnt = 0;
  c->row.len = 0;
  c->ended = false;
  for (size_t taken = 0; !c->ended;) {
    const char *line;
    size_t len;
    pmm_status_t const st = pmm__input_line(s->input, &line, &len, im->err);
    if (st == PMM_END && taken > 0) return bad_row(im, s, "a quote is not closed");
    if (st != PMM_OK) return st;
    if (pmm__input_line_no(s->input) == 1) line = skip_mark(line, &len);
    if ((taken += len + 1) > PMM__CSV_ROW_MAX) return bad_row(im, s, "row longer than 1 MiB");
    const char *why = feed(c, line, len);
    if (!why) why = feed(c, "\n", 1);
    if (why) return bad_row(im, s, why);
    if (c->row.cnt == 0 && c->parser.pstate == 0) taken = 0; /* a line without any cell */
  }
  return PMM_OK;
}

static pmm__cell_t cell_of(const cells_t *cells, int i) {
  return (pmm__cell_t){.text = cells->text + cells->start[i], .len = cells->start[i + 1] - cells->start[i] - 1};
}

static pmm_status_t check_heading(const pmm__import_t *im, const pmm__source_t *s) {
  const cells_t *const h = &s->csv->heading;
  for (int i = 0; i < h->cnt; i++)
    for (int k = 0; k < i; k++)
      if (cell_of(h, i).len > 0 && strcmp(cell_of(h, i).text, cell_of(h, k).text) == 0)
        return pmm_error_set(im->err, PMM_PARSE, "%s:1: columns %d and %d have the same name %.80s", s->name, k + 1, i + 1,
                             cell_of(h, i).text);
  return PMM_OK;
}

pmm_status_t pmm__csv_open(pmm__import_t *im, pmm__source_t *s, char delimiter) {
  s->csv = calloc(1, sizeof *s->csv);
  if (!s->csv || csv_init(&s->csv->parser, CSV_STRICT) != 0) return pmm_error_set(im->err, PMM_FULL, "%s: out of memory", s->name);
  csv_set_delim(&s->csv->parser, (unsigned char)delimiter);
  pmm_status_t const st = read_row(im, s);
  if (st != PMM_OK) return st == PMM_END ? pmm_error_set(im->err, PMM_PARSE, "%s: empty: no heading", s->name) : st;
  s->csv->heading = s->csv->row;
  s->csv->row = (cells_t){0};
  return check_heading(im, s);
}

pmm_status_t pmm__csv_row(pmm__import_t *im, pmm__source_t *s) {
  pmm_status_t const st = read_row(im, s);
  if (st != PMM_OK || s->csv->row.cnt == s->csv->heading.cnt) return st;
  return pmm_error_set(im->err, PMM_PARSE, "%s:%llu: %d columns, the heading has %d", s->name,
                       (unsigned long long)pmm__input_line_no(s->input), s->csv->row.cnt, s->csv->heading.cnt);
}

int pmm__csv_column(const pmm__source_t *s, const char *name) {
  for (int i = 0; i < s->csv->heading.cnt; i++)
    if (strcmp(cell_of(&s->csv->heading, i).text, name) == 0) return i;
  return PMM__CSV_NONE;
}

pmm_status_t pmm__csv_need(pmm__import_t *im, const pmm__source_t *s, const char *name, int *column) {
  *column = pmm__csv_column(s, name);
  return *column != PMM__CSV_NONE ? PMM_OK : pmm_error_set(im->err, PMM_PARSE, "%s:1: no column %.80s in the heading", s->name, name);
}

pmm__cell_t pmm__csv_cell(const pmm__source_t *s, int column) {
  return column == PMM__CSV_NONE ? (pmm__cell_t){.text = "", .len = 0} : cell_of(&s->csv->row, column);
}

/* -- cells -- */
pmm_status_t pmm__bad_cell(pmm__import_t *im, const pmm__source_t *s, int column, const char *fmt, ...) {
  char why[256];
  va_list args;
  va_start(args, fmt);
  vsnprintf(why, sizeof why, fmt, args);
  va_end(args);
  return pmm_error_set(im->err, PMM_PARSE, "%s:%llu: column %d (%.80s): %s", s->name, (unsigned long long)pmm__input_line_no(s->input),
                       column + 1, cell_of(&s->csv->heading, column).text, why);
}

static pmm_status_t bad_number(pmm__import_t *im, const pmm__source_t *s, int column, pmm_status_t st) {
  const char *const why = st == PMM_OVERFLOW ? "too large" : st == PMM_INVAL ? "has more decimals than we keep" : "not a number";
  return pmm__bad_cell(im, s, column, "%s: %.40s", why, pmm__csv_cell(s, column).text);
}

pmm_status_t pmm__cell_number(pmm__import_t *im, const pmm__source_t *s, int column, int scale, int64_t *out) {
  pmm__cell_t const cell = pmm__csv_cell(s, column);
  pmm_status_t const st = pmm_decimal_parse(cell.text, cell.len, scale, out, NULL);
  return st == PMM_OK ? PMM_OK : bad_number(im, s, column, st);
}

pmm_status_t pmm__cell_number_floor(pmm__import_t *im, const pmm__source_t *s, int column, int scale, int64_t *out) {
  pmm__cell_t const cell = pmm__csv_cell(s, column);
  pmm_status_t const st = pmm_decimal_parse_floor(cell.text, cell.len, scale, out, NULL);
  return st == PMM_OK ? PMM_OK : bad_number(im, s, column, st);
}

pmm_status_t pmm__cell_text(pmm__import_t *im, const pmm__source_t *s, int column, char out[PMM_ID_MAX]) {
  pmm__cell_t const cell = pmm__csv_cell(s, column);
  if (cell.len == 0 || cell.len >= PMM_ID_MAX || memchr(cell.text, '\0', cell.len))
    return pmm__bad_cell(im, s, column, "not a text of 1 to %d bytes", PMM_ID_MAX - 1);
  memcpy(out, cell.text, cell.len + 1);
  return PMM_OK;
}

pmm_status_t pmm__cell_price(pmm__import_t *im, const pmm__source_t *s, int column, int scale, int32_t *price_e4) {
  int64_t value = 0;
  *price_e4 = 0;
  if (pmm__csv_cell(s, column).len == 0) return PMM_OK;
  pmm_status_t const st = pmm__cell_number_floor(im, s, column, scale + 3, &value);
  if (st != PMM_OK) return st;
  if (value < 0 || value > (int64_t)PMM_ONE_E4 * 1000)
    return pmm__bad_cell(im, s, column, "price outside 0..1 dollars: %.40s", pmm__csv_cell(s, column).text);
  *price_e4 = (int32_t)((value + 500) / 1000);
  return PMM_OK;
}

pmm_status_t pmm__cell_size(pmm__import_t *im, const pmm__source_t *s, int column, int64_t *qty_e6) {
  pmm_status_t const st = pmm__cell_number_floor(im, s, column, 6, qty_e6);
  return st != PMM_OK || *qty_e6 >= 0 ? st : pmm__bad_cell(im, s, column, "negative size");
}

static bool has_zone(const pmm__cell_t *cell) {
  const char *const t = cell->text;
  size_t const n = cell->len;
  if (n > 0 && (t[n - 1] == 'Z' || t[n - 1] == 'z')) return true;
  return n > 16 && t[n - 3] == ':' && (t[n - 6] == '+' || t[n - 6] == '-');
}

static bool parse_iso(const pmm__cell_t *cell, const char *zone, int64_t *out_ns) {
  char text[64];
  size_t const zone_len = has_zone(cell) ? 0 : strlen(zone);
  if (cell->len + zone_len >= sizeof text) return false;
  memcpy(text, cell->text, cell->len);
  memcpy(text + cell->len, zone, zone_len);
  return pmm_time_parse(text, cell->len + zone_len, out_ns, NULL) == PMM_OK;
}

pmm_status_t pmm__cell_time(pmm__import_t *im, const pmm__source_t *s, int column, pmm__time_unit_t unit, const char *zone,
                            int64_t *out_ns) {
  static const int scales[] = {[PMM__TIME_S] = 9, [PMM__TIME_MS] = 6, [PMM__TIME_US] = 3, [PMM__TIME_NS] = 0};
  static const char *const forms[] = {[PMM__TIME_ISO] = "like 2026-06-11T05:39:31Z",
                                      [PMM__TIME_S] = "in Unix seconds",
                                      [PMM__TIME_MS] = "in Unix milliseconds",
                                      [PMM__TIME_US] = "in Unix microseconds",
                                      [PMM__TIME_NS] = "in Unix nanoseconds"};
  pmm__cell_t const cell = pmm__csv_cell(s, column);
  bool const ok = unit == PMM__TIME_ISO ? parse_iso(&cell, zone, out_ns)
                                        : pmm_decimal_parse_floor(cell.text, cell.len, scales[unit], out_ns, NULL) == PMM_OK;
  if (ok && *out_ns > 0 && *out_ns < INT64_C(4000000000) * PMM_NS_PER_S) return PMM_OK;
  return pmm__bad_cell(im, s, column, "not a time %s: %.40s", forms[unit], cell.text);
}
