#include "warmup.h"

#include "quoting.h"

#define LN2 0.69314718055994530942
#define LAGS_MAX 150 /* s; a quarter of the observation: beyond it an autocorrelation is noise */
#define MAD_TO_DEVIATION 1.4826

void pmm__warm_init(pmm__warm_t *warm, bool is_wanted, uint32_t sample_min) {
  warm->phase = is_wanted ? PMM__WARM_OBSERVE : PMM__WARM_DONE;
  warm->observe_end_ns = PMM_TIME_NONE;
  warm->has_x = false;
  warm->second_cnt = warm->sample_cnt = 0;
  warm->sample_min = sample_min;
  warm->sigma_base = 0;
  warm->change.cnt = warm->trade.cnt = 0;
  warm->change.has = warm->trade.has = false;
}

static void add_gap(pmm__gaps_t *gaps, int64_t now_ns) {
  if (gaps->has && gaps->cnt < PMM__WARM_GAPS) gaps->s[gaps->cnt++] = (float)((double)(now_ns - gaps->last_ns) / 1e9);
  gaps->last_ns = now_ns;
  gaps->has = true;
}

static void add_seconds(pmm__warm_t *warm, int64_t now_ns) {
  for (; warm->next_s_ns <= now_ns && warm->second_cnt < PMM__WARM_SECONDS; warm->next_s_ns += PMM_NS_PER_S) {
    warm->second[warm->second_cnt++] = (float)(warm->x - warm->x_sample);
    warm->x_sample = warm->x;
  }
}

bool pmm__warm_observe(pmm__warm_t *warm, int64_t now_ns, double left_s, double x, bool is_trade) {
  if (warm->phase != PMM__WARM_OBSERVE) return false;
  if (warm->observe_end_ns == PMM_TIME_NONE) {
    double const allowed_s = left_s >= 0 ? PMM__WARM_OBSERVE_SHARE * left_s : PMM__WARM_OBSERVE_MAX_S;
    warm->observe_end_ns = now_ns + (int64_t)(fmin(PMM__WARM_OBSERVE_MAX_S, allowed_s) * 1e9);
  }
  if (warm->has_x) add_seconds(warm, now_ns);
  if (is_trade) add_gap(&warm->trade, now_ns);
  if (!isnan(x)) {
    if (!warm->has_x) {
      warm->x_sample = x;
      warm->next_s_ns = now_ns + PMM_NS_PER_S;
      warm->has_x = true;
    } else if (x != warm->x) {
      add_gap(&warm->change, now_ns);
    }
    warm->x = x;
  }
  return now_ns >= warm->observe_end_ns;
}

/* Hoare's selection with the middle element as pivot: no allocation, unlike qsort. */
float pmm__nth(float *v, uint32_t n, uint32_t k) {
  int64_t lo = 0, hi = (int64_t)n - 1;
  while (lo < hi) {
    float const pivot = v[lo + (hi - lo) / 2];
    int64_t i = lo, j = hi;
    while (i <= j) {
      while (v[i] < pivot) i++;
      while (v[j] > pivot) j--;
      if (i > j) break;
      float const t = v[i];
      v[i++] = v[j];
      v[j--] = t;
    }
    if ((int64_t)k <= j) hi = j;
    else if ((int64_t)k >= i) lo = i;
    else break;
  }
  return v[k];
}

static double quantile(float *v, uint32_t n, double share) { return (double)pmm__nth(v, n, (uint32_t)(share * (n - 1) + 0.5)); }

/* Autocorrelation at a lag of the returns, or of their absolute values. */
static double correlation(const pmm__warm_t *warm, uint32_t lag, bool is_abs) {
  double mean = 0, square = 0, product = 0;
  uint32_t const n = warm->second_cnt;
  for (uint32_t i = 0; i < n; i++) mean += is_abs ? fabs((double)warm->second[i]) : (double)warm->second[i];
  mean /= n;
  for (uint32_t i = 0; i < n; i++) {
    double const a = (is_abs ? fabs((double)warm->second[i]) : (double)warm->second[i]) - mean;
    square += a * a;
    if (i + lag >= n) continue;
    product += a * ((is_abs ? fabs((double)warm->second[i + lag]) : (double)warm->second[i + lag]) - mean);
  }
  return square > 0 ? product / square : 0;
}

/* Seconds in which the returns' autocorrelation halves, taking it as geometric from its first lag; 0 for none. */
static double return_half_life(const pmm__warm_t *warm) {
  double const first = correlation(warm, 1, false);
  return first > 0 && first < 1 ? -LN2 / pmm_log(first) : 0;
}

/* Seconds that bursts of volatility last: the first lag at which absolute returns are correlated less than 1/e. */
static double cluster_time(const pmm__warm_t *warm) {
  uint32_t lag = 1;
  while (lag < LAGS_MAX && lag + 1 < warm->second_cnt && correlation(warm, lag, true) > 0.36787944117144233) lag++;
  return lag;
}

pmm__tox_clock_t pmm__warm_choose(pmm__warm_t *warm, const pmm__tox_clock_t *config) {
  pmm__tox_clock_t clock = *config;
  warm->phase = PMM__WARM_COLLECT;
  if (warm->change.cnt < PMM__WARM_CHANGES_MIN || warm->trade.cnt < PMM__WARM_TRADE_GAPS_MIN) return clock;
  clock.dt_sample_s = pmm_clip(0.8 * quantile(warm->change.s, warm->change.cnt, 0.5), 1, 10);
  clock.tau_fast_s = pmm_clip(fmax(2 * return_half_life(warm), 3 * clock.dt_sample_s), 10, 60);
  clock.tau_slow_s = pmm_clip(fmax(cluster_time(warm), 20 * clock.tau_fast_s), 600, 3600);
  clock.h1_s = pmm_clip(3 * quantile(warm->trade.s, warm->trade.cnt, 0.5), 5, 30);
  clock.h2_s = pmm_clip(8 * quantile(warm->trade.s, warm->trade.cnt, 0.95), 30, 300);
  return clock;
}

static double deviation_of(float *v, uint32_t n) {
  double const median = quantile(v, n, 0.5);
  for (uint32_t i = 0; i < n; i++) v[i] = (float)fabs((double)v[i] - median);
  return MAD_TO_DEVIATION * quantile(v, n, 0.5);
}

void pmm__warm_take(void *ctx, double ret) {
  pmm__warm_t *const warm = ctx;
  if (warm->phase != PMM__WARM_COLLECT) return;
  warm->sample[warm->sample_cnt++] = (float)ret;
  if (warm->sample_cnt < warm->sample_min) return;
  warm->sigma_base = deviation_of(warm->sample, warm->sample_cnt);
  warm->phase = PMM__WARM_DONE;
}
