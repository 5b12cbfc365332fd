/* calibrate_impl.h -- between the files of pmm/calibrate.h. */
#ifndef PMM_BACKTEST_CALIBRATE_IMPL_H
#define PMM_BACKTEST_CALIBRATE_IMPL_H
#include <math.h>
#include "pmm/calibrate.h"
#include "scan_impl.h"

/* calibrate_flow.c: markouts of prints */
typedef struct pmm__prints pmm__prints_t;
pmm_status_t pmm__prints_open(pmm__prints_t **prints);
void pmm__prints_close(pmm__prints_t *prints);
/* Before anything later than the horizon happens to a market's mid: mid[i] and has[i] are those in force now. */
void pmm__prints_mature(pmm__prints_t *prints, int64_t now_ns, const double *mid, const bool *has);
/* mid: before the print. PMM_FULL. */
pmm_status_t pmm__prints_add(pmm__prints_t *prints, const pmm_md_t *md, double mid);
void pmm__prints_report(const pmm__prints_t *prints, pmm_calibration_t *out);

/* calibrate_queue.c */
pmm_status_t pmm__queue_compare(const pmm_config_t *config, const pmm_backtest_opts_t *data, const pmm_calibrate_opts_t *opts, pmm_calibration_t *out, pmm_error_t *err);

/* The value that a share of n floats lies below; reorders v; NaN for none. */
double pmm__quantile(float *v, size_t n, double share);
#endif
