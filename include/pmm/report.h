/* pmm/report.h -- a run as a page: a recorder that watches a backtest in bounded memory, and HTML files that stand alone
   (data, script and style inside; no network). docs/report.md tells what the pages show.

   A page is made of a JSON document and the assets of web/report/, which are built into the library. Kinds of documents:
     "backtest"  what pmm_report_write makes of a recorder
     "compare"   what pmm_report_compare makes of several results
     "sweep"     {"title", "axes":[names], "metrics":[names], "rows":[[axis values..., metric values...]], "warning":text or null,
                 "pareto":[metric, metric]}: a heat map over two axes, a Pareto scatter of two metrics, a table that sorts. Axis
                 values are numbers or strings, metric values numbers or null. A metric named in "lower":[names] is better when smaller. */
#ifndef PMM_REPORT_H
#define PMM_REPORT_H
#include <stdio.h>
#include "pmm/backtest.h"

/* -- watching -- */
typedef struct pmm_recorder pmm_recorder_t;
typedef struct pmm_recorder_opts {
  uint32_t panels_max; /* slots with charts of their own, the busiest; 0: 12 */
  int64_t span_ns;     /* how long the run will be; 0: not known. Decides the window of the worst minutes */
} pmm_recorder_opts_t;
/* Memory is bounded whatever the run's length: time is cut into buckets and neighbours are merged when there are too many.
   PMM_FULL (no memory). */
pmm_status_t pmm_recorder_open(pmm_recorder_t **recorder, const pmm_recorder_opts_t *opts, pmm_error_t *err);
void pmm_recorder_close(pmm_recorder_t *recorder);
/* For one run; it is borrowed by the run. The run's state_hash is the same with it and without. */
const pmm_observer_t *pmm_recorder_observer(pmm_recorder_t *recorder);

typedef struct pmm_report_info {
  const char *title;                      /* NULL: named after the markets */
  const pmm_config_t *config;
  const char *const *tape; size_t tape_cnt; /* read again for their hashes and provenance */
} pmm_report_info_t;
/* Time from the first to the last record of several tapes, for span_ns; 0 when one cannot be opened. */
int64_t pmm_report_span(const char *const *tape, size_t tape_cnt);
/* pmm_report_write writes the page of a run that has finished; pmm_report_write_json its document only. PMM_IO (a tape or out),
   PMM_FULL (no memory), PMM_STATE (the recorder has seen no run). */
pmm_status_t pmm_report_write(FILE *out, const pmm_recorder_t *recorder, const pmm_report_info_t *info, const pmm_result_t *result, pmm_error_t *err);
pmm_status_t pmm_report_write_json(FILE *out, const pmm_recorder_t *recorder, const pmm_report_info_t *info, const pmm_result_t *result, pmm_error_t *err);

/* -- pages -- */
/* pmm_report_page writes a page of a kind around a JSON document of len bytes. PMM_INVAL (kind, or json is no JSON object),
   PMM_IO, PMM_FULL. */
pmm_status_t pmm_report_page(FILE *out, const char *kind, const char *title, const char *json, size_t len, pmm_error_t *err);
/* pmm_report_read gives the document in a page, or the content of a JSON file: NUL-terminated, freed by the caller. kind: 16 bytes,
   "" for a JSON file. PMM_IO, PMM_PARSE (neither), PMM_CORRUPT (a damaged page). */
pmm_status_t pmm_report_read(const char *path, char kind[16], char **json, size_t *len, pmm_error_t *err);

/* pmm_report_compare puts results side by side: path[i] is a file of `pmm backtest --json` or a report. *json gets a "compare"
   document, freed by the caller: figures with differences to the first, equity curves where there are any, and warnings where the runs
   did not see the same data. pmm_report_compare_table writes such a document as text. */
pmm_status_t pmm_report_compare(const char *const *path, size_t cnt, char **json, size_t *len, pmm_error_t *err);
void pmm_report_compare_table(FILE *out, const char *json, size_t len);
#endif
