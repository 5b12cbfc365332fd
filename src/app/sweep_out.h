/* app/sweep_out.h -- what `pmm sweep` shows: tables on the terminal, JSON, and its page. */
#ifndef PMM_APP_SWEEP_OUT_H
#define PMM_APP_SWEEP_OUT_H
#include "pmm/sweep.h"

typedef struct pmm_sweep_shown {
  const pmm_sweep_plan_t *plan;
  pmm_sweep_store_t *store;
  const pmm_sweep_outcome_t *outcome;
  const char *by;            /* as the user wrote it */
  uint32_t top;              /* sets to show */
} pmm_sweep_shown_t;

pmm_status_t pmm_sweep_show_table(FILE *out, const pmm_sweep_shown_t *shown, pmm_error_t *err);
pmm_status_t pmm_sweep_show_json(FILE *out, const pmm_sweep_shown_t *shown, pmm_error_t *err);
pmm_status_t pmm_sweep_show_page(FILE *out, const pmm_sweep_shown_t *shown, pmm_error_t *err);
#endif
