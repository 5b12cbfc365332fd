#include "skew.h"

/* Medians of parts, since a burst after a stall would bend a line through the messages themselves. */
static void end_window(pmm__skew_t *s) {
  if (s->window.cnt >= PMM__SKEW_WINDOW_MIN) {
    double const x = ((double)s->window_at + 0.5) * (double)s->window_ns / (3600.0 * (double)PMM_NS_PER_S);
    double const y = (double)pmm__quantile_at(&s->window, 0.5) / (double)PMM_NS_PER_MS;
    s->n += 1;
    s->x += x;
    s->y += y;
    s->xx += x * x;
    s->xy += x * y;
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

void pmm__skew_result(pmm__skew_t *s, pmm_tape_skew_t *out) {
  end_window(s);
  double const spread = s->n * s->xx - s->x * s->x;
  bool const has_drift = s->window_ns > 0 && s->n >= 3 && spread > 0;
  *out = (pmm_tape_skew_t){.cnt = s->all.cnt,
                           .median_ns = pmm__quantile_at(&s->all, 0.5),
                           .p1_ns = pmm__quantile_at(&s->all, 0.01),
                           .p99_ns = pmm__quantile_at(&s->all, 0.99),
                           .negative_share = s->all.cnt ? (double)s->all.negative_cnt / (double)s->all.cnt : 0,
                           .has_drift = has_drift,
                           .drift_ms_per_h = has_drift ? (s->n * s->xy - s->x * s->y) / spread : 0};
}

void pmm__skew_fini(pmm__skew_t *s) {
  pmm__quantile_fini(&s->all);
  pmm__quantile_fini(&s->window);
}
