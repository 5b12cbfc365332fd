/* tape/csv.h -- tables as text: rows of cells under a heading, by libcsv (quotes, doubled quotes, line breaks in quotes).
   A row has as many cells as the heading. Errors read "file:line: column N (name): reason", N counted from 1. Memory
   holds one row. The table of a source opens with its first use and closes with the source. */
#ifndef PMM_TAPE_CSV_H
#define PMM_TAPE_CSV_H
#include "import.h"

#define PMM__CSV_COLUMNS_MAX 256
#define PMM__CSV_ROW_MAX ((size_t)1 << 20) /* bytes of a row's cells */
#define PMM__CSV_NONE (-1)                 /* no such column: its cells are empty */

typedef struct pmm__cell {
  const char *text; /* NUL-terminated, valid until the next row */
  size_t len;
} pmm__cell_t;

/* Reads the heading of an open source. delimiter: ',' mostly. PMM_PARSE (empty file, too many columns, a name twice). */
pmm_status_t pmm__csv_open(pmm__import_t *import, pmm__source_t *source, char delimiter);
/* The next row. PMM_END, PMM_PARSE (another number of cells, quotes, too long). */
pmm_status_t pmm__csv_row(pmm__import_t *import, pmm__source_t *source);
void pmm__csv_close(pmm__csv_t *csv);                               /* NULL is fine */
int pmm__csv_column(const pmm__source_t *source, const char *name); /* or PMM__CSV_NONE */
/* The same for a column that must be there: PMM_PARSE naming it. */
pmm_status_t pmm__csv_need(pmm__import_t *import, const pmm__source_t *source, const char *name, int *column);
pmm__cell_t pmm__csv_cell(const pmm__source_t *source, int column);

/* -- cells of the present row; a malformed one is an error that names it -- */
pmm_status_t pmm__bad_cell(pmm__import_t *import, const pmm__source_t *source, int column, const char *fmt, ...)
    __attribute__((format(printf, 4, 5)));
pmm_status_t pmm__cell_number(pmm__import_t *import, const pmm__source_t *source, int column, int scale, int64_t *out);
pmm_status_t pmm__cell_number_floor(pmm__import_t *import, const pmm__source_t *source, int column, int scale, int64_t *out);
/* 1 to PMM_ID_MAX - 1 bytes */
pmm_status_t pmm__cell_text(pmm__import_t *import, const pmm__source_t *source, int column, char out[PMM_ID_MAX]);
/* A price in dollars (scale 4), cents (2) or basis points (0), rounded to the nearest 0.0001 dollars, since tables hold binary
   fractions; 0 .. 10 000. An empty cell is 0. */
pmm_status_t pmm__cell_price(pmm__import_t *import, const pmm__source_t *source, int column, int scale, int32_t *price_e4);
pmm_status_t pmm__cell_size(pmm__import_t *import, const pmm__source_t *source, int column, int64_t *qty_e6); /* >= 0 */

typedef enum pmm__time_unit { PMM__TIME_ISO, PMM__TIME_S, PMM__TIME_MS, PMM__TIME_US, PMM__TIME_NS } pmm__time_unit_t;
/* zone ("Z", "-08:00") is for ISO times that do not tell theirs. */
pmm_status_t pmm__cell_time(pmm__import_t *import, const pmm__source_t *source, int column, pmm__time_unit_t unit, const char *zone,
                            int64_t *out_ns);
#endif
