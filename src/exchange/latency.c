/* How long a message takes: constant, normal, or drawn from recorded delays. */
#include "pmm/exchange.h"

pmm_status_t pmm_latency_init(pmm_latency_t *latency, pmm_latency_model_t model, int64_t mean_ns, int64_t std_ns, int64_t min_ns,
                              const int64_t *sample_ns, size_t sample_cnt, uint64_t seed) {
  if (mean_ns < 0 || std_ns < 0 || model < PMM_LATENCY_CONSTANT || model > PMM_LATENCY_RECORDED) return PMM_INVAL;
  if (model == PMM_LATENCY_RECORDED && (sample_ns == NULL || sample_cnt == 0)) return PMM_INVAL;
  for (size_t i = 0; model == PMM_LATENCY_RECORDED && i < sample_cnt; i++)
    if (sample_ns[i] < 0) return PMM_INVAL;
  *latency = (pmm_latency_t){.model = model, .mean_ns = mean_ns, .std_ns = std_ns, .min_ns = pmm_max64(min_ns, 0), .sample_ns = sample_ns, .sample_cnt = sample_cnt};
  pmm_rng_seed(&latency->rng, seed);
  return PMM_OK;
}

int64_t pmm_latency_next(pmm_latency_t *latency) {
  int64_t ns = latency->mean_ns;
  switch ((pmm_latency_model_t)latency->model) {
  case PMM_LATENCY_CONSTANT:
    break;
  case PMM_LATENCY_NORMAL: /* a normal deviate stays within 9 deviations, far from overflow for any delay under a century */
    ns += (int64_t)((double)latency->std_ns * pmm_rng_normal(&latency->rng));
    break;
  case PMM_LATENCY_RECORDED:
    ns = latency->sample_ns[pmm_rng_below(&latency->rng, latency->sample_cnt)];
    break;
  }
  return pmm_max64(ns, latency->min_ns);
}
