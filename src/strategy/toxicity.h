/* strategy/toxicity.h -- how dangerous the flow is that trades against us: the running sigma of strategy `logit`.
   Samples the log-odds of the mid every dt_sample_s and compares fast with slow movement, how one-directional the fast
   movement is, how busy trading is, and how prices moved against us after our own fills.

     r_t = x_t - x_(t-1)                        EMA(y, tau): y += (1 - exp(-dt/tau)) (v - y)
     J = EMA_fast|r| / EMA_slow|r|              D = |EMA_fast r| / EMA_fast|r|       I = clip(trade_rate/rate_ref, 1, I_max)
     Z = (w1 M1 + w2 M2) / EMA_slow|r|          S = max(ln max(J,1), 0) clip(D, 0, 1) I + c_tox Z
     sigma_raw = clip(1 + c_sigma S^nu, 1, sigma_max), then an EMA with tau_up when it rises, tau_down when it falls

   M1, M2: mean adverse markout max(0, -s (x_(t+h) - x_fill)) of our fills after h1 and h2, s = +1 for our buys; each
   fill's weight fades with tau_slow, and so does the mean itself once less than one fill's weight is left.
   Sampling is previous-tick: the value in force at the sample's time counts, whenever the next event arrives.
   Private to this folder. O(1) per event, O(steps) after a silence. No allocation. */
#ifndef PMM_STRATEGY_TOXICITY_H
#define PMM_STRATEGY_TOXICITY_H
#include "pmm/types.h"

#define PMM__TOX_FILLS 64   /* fills awaiting their markout; the oldest gives way */
#define PMM__TOX_STEPS 720  /* a longer silence starts sampling afresh */

/* What a warm-up can calibrate. */
typedef struct pmm__tox_clock { double dt_sample_s, tau_fast_s, tau_slow_s, h1_s, h2_s; } pmm__tox_clock_t;
typedef struct pmm__tox_terms { double rate_ref, i_max, c_tox, c_sigma, nu, sigma_max, tau_up_s, tau_down_s, w1, w2; } pmm__tox_terms_t;

typedef struct pmm__tox_mean { double sum, weight; int64_t at_ns; } pmm__tox_mean_t;

typedef struct pmm__tox {
  pmm__tox_clock_t clock;
  pmm__tox_terms_t terms;
  double gain_fast, gain_slow, gain_up, gain_down; /* 1 - exp(-dt/tau) */
  double x, x_sample;                              /* in force now; at the last sample */
  double abs_fast, abs_slow, ret_fast, sigma;
  int64_t next_ns;
  uint64_t sample_cnt;
  bool has_x, has_sample;
  pmm__tox_mean_t markout[2];
  struct { int64_t at_ns; double x; double sign; } fill[PMM__TOX_FILLS];
  uint64_t fill_cnt, matured_cnt[2];
} pmm__tox_t;

/* A step's return is handed to take (may be NULL), for a warm-up that collects them. */
typedef void pmm__tox_take_t(void *ctx, double ret);

void pmm__tox_init(pmm__tox_t *tox, const pmm__tox_clock_t *clock, const pmm__tox_terms_t *terms);
/* Changes the sampling clock; running means are kept. */
void pmm__tox_set_clock(pmm__tox_t *tox, const pmm__tox_clock_t *clock);
/* True when pmm__tox_advance has something to do at now_ns: the cheap test of every event. */
static inline bool pmm__tox_is_due(const pmm__tox_t *tox, int64_t now_ns) {
  return now_ns >= tox->next_ns || tox->matured_cnt[1] != tox->fill_cnt;
}
/* Takes every sample and markout due up to now_ns with the x in force before this moment's event. */
void pmm__tox_advance(pmm__tox_t *tox, int64_t now_ns, double trade_rate, pmm__tox_take_t *take, void *ctx);
void pmm__tox_set_x(pmm__tox_t *tox, int64_t now_ns, double x);
/* The book was lost: no return and no markout across the hole. */
void pmm__tox_gap(pmm__tox_t *tox);
void pmm__tox_fill(pmm__tox_t *tox, int64_t now_ns, pmm_side_t our_side);
double pmm__tox_markout(const pmm__tox_t *tox, int which); /* M1 (0), M2 (1) */
#endif
