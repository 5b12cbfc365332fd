#include "skew.h"
#include <stdlib.h>

#define FLOOR_SHARE 0.1 /* the quickest messages of a part: queues and stalls only ever delay */

static void end_window(pmm__skew_t *s) {
  if (s->window.cnt >= PMM__SKEW_WINDOW_MIN && s->floor_cnt < PMM__SKEW_WINDOWS) {
    s->floor_h[s->floor_cnt] = ((double)s->window_at + 0.5) * (double)s->window_ns / (3600.0 * (double)PMM_NS_PER_S);
    s->floor_ms[s->floor_cnt++] = (double)pmm__quantile_at(&s->window, FLOOR_SHARE) / (double)PMM_NS_PER_MS;
  }
  pmm__quantile_clear(&s->window);
}

pmm_status_t pmm__skew_add(pmm__skew_t *s, int64_t recv_ns, int64_t exch_ns) {
  int64_t const skew_ns = recv_ns - exch_ns; /* a tape's venue times keep within 2^62 */
  if (s->window_ns > 0) {
    int64_t const at = (recv_ns - s->first_ns) / s->window_ns;
    if (at != s->window_at) end_window(s);
    s->window_at = at;
    if (pmm__quantile_add(&s->window, skew_ns) != PMM_OK) return PMM_FULL;
  }
  return pmm__quantile_add(&s->all, skew_ns);
}

static int by_value(const void *a, const void *b) {
  double const x = *(const double *)a, y = *(const double *)b;
  return (x > y) - (x < y);
}

/* The median of the slopes of all pairs of parts, which a few bad parts do not move.
   Source: P. K. Sen, "Estimates of the regression coefficient based on Kendall's tau", JASA 63, 1968. */
static double drift_of(const pmm__skew_t *s) {
  double slope[PMM__SKEW_WINDOWS * (PMM__SKEW_WINDOWS - 1) / 2];
  size_t n = 0;
  for (int i = 0; i < s->floor_cnt; i++)
    for (int k = 0; k < i; k++) slope[n++] = (s->floor_ms[i] - s->floor_ms[k]) / (s->floor_h[i] - s->floor_h[k]);
  qsort(slope, n, sizeof slope[0], by_value);
  return n % 2 ? slope[n / 2] : (slope[n / 2 - 1] + slope[n / 2]) / 2;
}

void pmm__skew_result(pmm__skew_t *s, pmm_tape_skew_t *out) {
  end_window(s);
  bool const has_drift = s->floor_cnt >= 3;
  *out = (pmm_tape_skew_t){.cnt = s->all.cnt,
                           .median_ns = pmm__quantile_at(&s->all, 0.5),
                           .p1_ns = pmm__quantile_at(&s->all, 0.01),
                           .p99_ns = pmm__quantile_at(&s->all, 0.99),
                           .negative_share = s->all.cnt ? (double)s->all.negative_cnt / (double)s->all.cnt : 0,
                           .has_drift = has_drift,
                           .drift_ms_per_h = has_drift ? drift_of(s) : 0};
}

void pmm__skew_fini(pmm__skew_t *s) {
  pmm__quantile_fini(&s->all);
  pmm__quantile_fini(&s->window);
}
