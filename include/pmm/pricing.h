/* pmm/pricing.h -- fair values and volatility: pure functions and small estimators. Doubles live here and are
   rounded to integers once, at the edge (pmm_grid_floor, pmm_grid_ceil). Every function refuses non-finite or
   out-of-range input with PMM_INVAL and leaves its outputs alone; none ever returns a NaN.
   Formulas and rulings: docs/models.md (sections named below). */
#ifndef PMM_PRICING_H
#define PMM_PRICING_H
#include "pmm/fmath.h"
#include "pmm/ladder.h"
#include "pmm/types.h"

#define PMM_YEAR_S 31536000.0 /* 365 days */

/* -- quotes to a price -- */
/* pmm_mid_state_t remembers the last valid mid of a market: one side missing or crossed gives the last valid mid while
   younger than stale_ns, else 0.5. A locked book (bid == ask) has a valid mid. */
typedef struct pmm_mid_state { double last; int64_t at_ns; bool has; } pmm_mid_state_t;
double pmm_mid_update(pmm_mid_state_t *state, const pmm_ladder_t *ladder, int64_t now_ns, int64_t stale_ns);
pmm_status_t pmm_two_quote_mid(double yes_price, double no_price, double *mid); /* (yes + (1 - no))/2 */
pmm_status_t pmm_microprice(double bid, double ask, double bid_qty, double ask_qty, double *price);
/* mid + k*tick*(B-A)/(B+A) over the best level_cnt levels. PMM_NOT_READY without a two-sided book. */
pmm_status_t pmm_flow_imbalance_price(const pmm_ladder_t *ladder, int32_t level_cnt, double k, double *price);

/* -- logarithmic market scoring rule -- */
#define PMM_LMSR_OUTCOMES_MAX 256
pmm_status_t pmm_lmsr_price(const double *q, size_t n, double b, double *price); /* softmax(q/b) */
pmm_status_t pmm_lmsr_cost(const double *q, size_t n, double b, double *cost);   /* b ln sum exp(q_i/b) */
pmm_status_t pmm_lmsr_trade(const double *q, size_t n, double b, size_t outcome, double delta, double *cost);
/* binary: shares of YES that move its price to target, and what they cost. 0 < target < 1. */
pmm_status_t pmm_lmsr_to_price(const double q[2], double b, double target, double *delta, double *cost);
pmm_status_t pmm_lmsr_worst_loss(size_t n, double b, double *loss); /* b ln n */

/* -- constant-product market maker -- */
typedef struct pmm_cpmm { double r_yes, r_no; } pmm_cpmm_t;
pmm_status_t pmm_cpmm_price(const pmm_cpmm_t *pool, double *p_yes); /* r_no/(r_yes+r_no) */
/* outcome_yes: which outcome is bought or sold; the pool is updated on PMM_OK. 0 <= fee < 1. */
pmm_status_t pmm_cpmm_buy(pmm_cpmm_t *pool, bool outcome_yes, double spend, double fee, double *shares);
pmm_status_t pmm_cpmm_sell(pmm_cpmm_t *pool, bool outcome_yes, double shares, double fee, double *proceeds);

/* -- digital: pays 1 if an underlying ends above a strike -- */
typedef struct pmm_digital_in {
  double spot, strike;   /* > 0 */
  double time_s;         /* to expiry; <= 0: settled */
  double volatility;     /* per square root of a year, > 0 */
  double drift;          /* per year; exact form only */
  double window_s;       /* averaging window; average form only */
  double mean_so_far;    /* mean of the window's part gone; average form inside the window */
  double clamp_lo, clamp_hi; /* 0.01, 0.99; 0, 1 for none */
  bool tie_is_yes;       /* at expiry, S == K */
} pmm_digital_in_t;
/* Each gives d2 and p. Where nothing is left to chance (time_s <= 0, or an average that can no longer end below the
   strike) d2 is 0 and p is 0 or 1 whatever the clamp. d2 is never infinite. */
pmm_status_t pmm_digital_simple(const pmm_digital_in_t *in, double *d2, double *p);
pmm_status_t pmm_digital_exact(const pmm_digital_in_t *in, double *d2, double *p);
pmm_status_t pmm_digital_average(const pmm_digital_in_t *in, double *d2, double *p);

/* -- combining -- */
/* sigmoid(sum w_i logit(p_i) / sum w_i); sources with w_i == 0 are left out. PMM_INVAL when no weight is left. */
pmm_status_t pmm_consensus(const double *p, const double *w, size_t n, double *out);
/* Weights for pmm_consensus from the sources' variances (in log-odds, each > 0): w_i = 1/variance_i. w may alias variance. */
pmm_status_t pmm_weights_inverse_variance(const double *variance, size_t n, double *w);

typedef enum pmm_fair_kind { PMM_FAIR_MID, PMM_FAIR_MICRO, PMM_FAIR_TRADE_EWMA, PMM_FAIR_IMBALANCE, PMM_FAIR_LMSR, PMM_FAIR_CPMM, PMM_FAIR_DIGITAL, PMM_FAIR_EXTERNAL, PMM_FAIR_CONSENSUS, PMM_FAIR_KIND_CNT } pmm_fair_kind_t;
/* One source's fair value with its age. expires_ns: PMM_NS_MAX for never. */
typedef struct pmm_fair { uint8_t kind; double p, weight; int64_t as_of_ns, expires_ns; } pmm_fair_t;
/* Consensus over sources neither expired nor older than stale_ns at now_ns; PMM_NOT_READY when none is left. */
pmm_status_t pmm_fair_consensus(const pmm_fair_t *fair, size_t n, int64_t now_ns, int64_t stale_ns, double *p);

/* -- estimators -- */
/* Irregularly sampled exponential mean: y += (1 - 2^(-dt/half_life)) (v - y); first sample sets it. */
typedef struct pmm_ewma { double half_life_s, value; int64_t at_ns; bool has; } pmm_ewma_t;
void pmm_ewma_init(pmm_ewma_t *ewma, double half_life_s);
void pmm_ewma_add(pmm_ewma_t *ewma, int64_t now_ns, double v);

#define PMM_VOL_WINDOW_MAX 1024
#define PMM_VOL_MIN_RETURNS 20
typedef enum pmm_vol_kind { PMM_VOL_STDEV, PMM_VOL_EWMA } pmm_vol_kind_t;
/* Volatility of an underlying from prices sampled every dt_s: the caller offers every price, the estimator takes
   the last one of each interval. stdev: sample deviation (n-1) of the last `window` log returns x sqrt(year/dt);
   ewma: of squared returns with a half-life. Not ready before 20 returns. */
typedef struct pmm_vol {
  pmm_vol_kind_t kind;
  int32_t window;
  double dt_s, half_life_s;
  double ret[PMM_VOL_WINDOW_MAX];
  int32_t ret_cnt, ret_next;
  double last_sample, last_price;
  int64_t last_sample_ns;   /* start of the interval last_price falls into */
  double ewma_var;
  uint64_t returns_ever;
  double cached; uint64_t cached_at; /* stdev over the window is recomputed once per new return */
} pmm_vol_t;
pmm_status_t pmm_vol_init(pmm_vol_t *vol, pmm_vol_kind_t kind, double dt_s, int32_t window, double half_life_s);
/* PMM_INVAL for a price that is not positive and finite: state unchanged. Gaps longer than 10 dt start afresh from the
   new price without a return across the gap. */
pmm_status_t pmm_vol_add(pmm_vol_t *vol, int64_t now_ns, double price);
pmm_status_t pmm_vol_get(pmm_vol_t *vol, double *annual); /* PMM_NOT_READY before 20 returns */
/* The same over an array of equally spaced prices (pmm price's model "volatility"). */
pmm_status_t pmm_vol_of_series(const double *price, size_t n, double dt_s, int32_t window, double *annual);

/* -- inventory skew, models.md section 2 -- */
pmm_status_t pmm_skew_linear(double mid, double alpha, double q, double *p);
pmm_status_t pmm_skew_logit(double mid, double alpha, double q, double *p);
#endif
