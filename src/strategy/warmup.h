/* strategy/warmup.h -- the three phases before strategy `logit` sends its first order:
     observe    1 s samples of the log-odds, gaps between price changes and between trades
     choose     sampling clock from what was observed (needs 50 price changes and 20 trade gaps, else the config's)
     collect    min_samples returns at the chosen clock; sigma_base = 1.4826 * MAD(returns)
   Private to this folder. Fixed memory, no allocation; the choice costs well under a millisecond, once. */
#ifndef PMM_STRATEGY_WARMUP_H
#define PMM_STRATEGY_WARMUP_H
#include "toxicity.h"

#define PMM__WARM_OBSERVE_MAX_S 600.0
#define PMM__WARM_OBSERVE_SHARE 0.2   /* of the time the market has left */
#define PMM__WARM_SECONDS 600         /* 1 s returns kept */
#define PMM__WARM_GAPS 1024           /* gaps kept; a busier market shows its habits before */
#define PMM__WARM_CHANGES_MIN 50
#define PMM__WARM_TRADE_GAPS_MIN 20
#define PMM__WARM_SAMPLES_MAX 2048    /* upper bound of min_samples */

typedef enum pmm__warm_phase { PMM__WARM_OBSERVE, PMM__WARM_COLLECT, PMM__WARM_DONE } pmm__warm_phase_t;

typedef struct pmm__gaps { float s[PMM__WARM_GAPS]; uint32_t cnt; int64_t last_ns; bool has; } pmm__gaps_t;

typedef struct pmm__warm {
  pmm__warm_phase_t phase;
  int64_t observe_end_ns, next_s_ns;
  double x, x_sample;
  bool has_x;
  float second[PMM__WARM_SECONDS];
  uint32_t second_cnt;
  pmm__gaps_t change, trade;
  float sample[PMM__WARM_SAMPLES_MAX];
  uint32_t sample_cnt, sample_min;
  double sigma_base;             /* 0 before it is known */
} pmm__warm_t;

/* is_wanted false: done at once, with the configured clock. */
void pmm__warm_init(pmm__warm_t *warm, bool is_wanted, uint32_t sample_min);
/* Observation of an event at now_ns: x is the log-odds in force after it (NaN: no mid), left_s the market's time left (NaN:
   unknown). Returns true once, when observing has ended: the caller then calls pmm__warm_choose. */
bool pmm__warm_observe(pmm__warm_t *warm, int64_t now_ns, double left_s, double x, bool is_trade);
/* The chosen clock, or config's where too little was seen; the phase becomes collect. Reorders the recorded gaps. */
pmm__tox_clock_t pmm__warm_choose(pmm__warm_t *warm, const pmm__tox_clock_t *config);
/* One return at the chosen clock (a pmm__tox_take_t); the last one needed ends the warm-up. */
void pmm__warm_take(void *warm, double ret);

/* The value that k of the n others are not above (k from 0). Reorders v. */
float pmm__nth(float *v, uint32_t n, uint32_t k);
#endif
