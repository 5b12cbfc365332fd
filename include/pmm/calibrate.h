/* pmm/calibrate.h -- what recordings say of the numbers a configuration needs: logit's warm-up, volatilities, fill intensity,
   the queue model, toxic flow, latencies. Each with its uncertainty, and with what cannot be known said plainly (docs/calibrate.md). */
#ifndef PMM_CALIBRATE_H
#define PMM_CALIBRATE_H
#include <stdio.h>
#include "pmm/backtest.h"
#include "pmm/warmup.h"

/* -- fill intensity: lambda(d) = A exp(-k d) ------------------------------------------------------------------------ */
#define PMM_INTENSITY_BINS 32
typedef struct pmm_intensity_bin {
  double distance;    /* dollars from the mid; ascending, >= 0 */
  double exposure_s;  /* time in which an order could have stood there */
  uint64_t reached;   /* events that reached at least this far; not ascending */
  double expected;    /* out: A exp(-k distance) exposure_s */
} pmm_intensity_bin_t;
typedef struct pmm_intensity {
  pmm_status_t status;               /* of the last pmm_intensity_fit */
  double A, k;                       /* per second at distance 0; per dollar */
  double A_se, k_se, correlation;    /* standard errors, and the correlation of ln A with k, from the Fisher information */
  double chi2, p_value; int dof;     /* Pearson's statistic over bins joined up to 5 expected events; NaN and 0 without enough of them */
  uint64_t events;
  size_t bin_cnt; pmm_intensity_bin_t bin[PMM_INTENSITY_BINS];
} pmm_intensity_t;
/* pmm_intensity_fit finds A and k by maximum likelihood from the bins (bin_cnt, distance, exposure_s, reached). Events are counted
   once, in the bin between the furthest distance they reached and the next: these counts are independent Poisson numbers of mean
       mu_j = A (E_j exp(-k d_j) - E_(j+1) exp(-k d_(j+1)))
   (those that reached d_j are not independent of each other). PMM_NOT_READY: fewer than 10 events, or all in one bin, or no k
   between 1e-3 and 1e4 per dollar; PMM_INVAL: distances or exposures that make no sense. A and k are NaN then. */
pmm_status_t pmm_intensity_fit(pmm_intensity_t *fit);

/* -- report --------------------------------------------------------------------------------------------------------- */
enum { PMM_CAL_BOTH, PMM_CAL_BID, PMM_CAL_ASK, PMM_CAL_SIDES }; /* of the maker's order */
#define PMM_CAL_HORIZONS 3 /* 1 s, 10 s, 60 s */
extern const double pmm_cal_horizon_s[PMM_CAL_HORIZONS];
#define PMM_CAL_SIZES 3    /* prints of under 10, under 100, and 100 contracts or more */

typedef struct pmm_cal_warmup { char market[PMM_ID_MAX]; pmm_warmup_found_t found; } pmm_cal_warmup_t;
typedef struct pmm_cal_volatility { double value, se; uint64_t returns; } pmm_cal_volatility_t; /* NaN under 20 returns */
typedef struct pmm_cal_underlying {
  char id[PMM_ID_MAX], source[PMM_ID_MAX];
  uint8_t kind;                       /* pmm_under_kind_t; an average (TWAP) is smoother than the price */
  pmm_cal_volatility_t whole;         /* annual, over the recording, from returns of engine.vol_dt */
  double stdev, ewma;                 /* the engine's estimators at the end; NaN not ready */
} pmm_cal_underlying_t;
typedef struct pmm_cal_markout { /* of one kind of print, from the maker's side */
  uint64_t prints;
  double contracts;
  double mean[PMM_CAL_HORIZONS];      /* dollars a contract: what the maker gained; NaN without prints that old */
  double se[PMM_CAL_HORIZONS];        /* of the mean over prints, as if they were independent */
  double adverse[PMM_CAL_HORIZONS];   /* share of contracts after which the mid moved against the maker */
} pmm_cal_markout_t;
typedef struct pmm_cal_latency {
  char name[2 * PMM_ID_MAX];
  uint64_t messages, negative;        /* with both times; received before the exchange says it happened */
  double min_ms, max_ms;              /* of all: a negative least one tells how far the clocks are apart at least */
  double p50_ms, p90_ms, p99_ms;      /* of those not negative, to about 4% */
  bool usable;                        /* at least 100 messages and at most 1% negative */
} pmm_cal_latency_t;
typedef struct pmm_cal_queue_row {
  char name[32]; int32_t model; double power;
  uint64_t orders, fills; double contracts, pnl;  /* of a backtest with the configured strategy */
  double loss; uint32_t both_filled;              /* with live fills: mean |ln((simulated wait + 1 s)/(live wait + 1 s))| */
} pmm_cal_queue_row_t;
#define PMM_CAL_QUEUE_ROWS 16

typedef struct pmm_calibration {
  /* what was read */
  uint64_t records, trades, inferred;
  int64_t first_ns, last_ns;
  uint32_t market_cnt;
  bool truncated;
  /* (a) warm-up of logit, market by market, and its median over those that had seen enough */
  uint32_t warmup_cnt; pmm_cal_warmup_t *warmup; /* owned */
  uint32_t chosen_cnt, done_cnt;
  pmm_warmup_clock_t clock;            /* the configured one when none had */
  double sigma_base;                   /* median; NaN */
  /* (b) volatility */
  pmm_cal_volatility_t log_odds[PMM_CAL_HORIZONS]; /* per square root of an hour, from changes over 1 s, 10 s, 60 s */
  uint32_t under_cnt; pmm_cal_underlying_t *under; /* owned */
  /* (c) intensity, from prints and, in markets without them, from books that crossed an order's price within a second */
  pmm_intensity_t prints[PMM_CAL_SIDES], crossings[PMM_CAL_SIDES];
  uint64_t inside;                     /* prints nearer to the mid than half a tick */
  double mean_pq;                      /* time mean of p(1-p), for turning k into log-odds; NaN */
  double trade_rate;                   /* prints a second of market time */
  /* (d) queue */
  uint32_t queue_cnt; pmm_cal_queue_row_t queue[PMM_CAL_QUEUE_ROWS];
  char queue_strategy[64];
  uint32_t live_orders, live_filled; int32_t queue_best; /* row, -1 not identified */
  double queue_margin, queue_margin_se; /* how much more the next row loses, and the standard error of that */
  /* (e) toxicity */
  pmm_cal_markout_t markout[2][PMM_CAL_SIZES], markout_all; /* [taker's side] */
  uint64_t steps; double mean_jump, mean_one_way, mean_abs_return, toxicity_p50, toxicity_p90, toxicity_p99;
  double adverse_10s, adverse_60s, z;  /* mean adverse markout of makers in log-odds; Z of all prints; NaN */
  double c_tox, sigma_max;             /* suggested; NaN: no grounds */
  /* (f) latency */
  uint32_t latency_cnt; pmm_cal_latency_t *latency; /* owned; [0]: the markets */
} pmm_calibration_t;

typedef struct pmm_calibrate_opts {
  const void *logit_params;  /* of strategy logit: warm-up, weights; NULL: its defaults */
  bool no_queue;             /* leave out the five backtests */
  const char *fills;         /* live orders as CSV (docs/calibrate.md), or NULL */
} pmm_calibrate_opts_t;
/* Reads the recording of `data` (as for pmm_backtest_run) once, and once for every queue model. PMM_PARSE for a live line that makes no
   sense, "file:line: reason". */
pmm_status_t pmm_calibrate_run(const pmm_config_t *config, const pmm_backtest_opts_t *data, const pmm_calibrate_opts_t *opts, pmm_calibration_t *out, pmm_error_t *err);
void pmm_calibrate_free(pmm_calibration_t *calibration);

void pmm_calibrate_write(FILE *out, const pmm_calibration_t *calibration);
void pmm_calibrate_write_json(FILE *out, const pmm_calibration_t *calibration);
/* A configuration fragment for `strategy` with what was found, and where it comes from in comments. It is a valid configuration by
   itself. provenance: lines of text without "# ". */
void pmm_calibrate_write_fragment(FILE *out, const pmm_calibration_t *calibration, const char *strategy, const char *provenance);
#endif
