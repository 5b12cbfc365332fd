/* pmm/sweep.h -- many parameter sets over the same data, and which of them deserves trust: docs/sweep.md.

     plan     from --set ranges and lists to numbered sets, each with a valid configuration; tapes divided into parts
     run      units of work (part, batch of sets; a batch is one pass over the tapes) on threads and, with --mpi, on other ranks
     store    SQLite: every set's whole result, written unit by unit, so that a run that was killed goes on where it stopped
     outcome  ranking, walk-forward steps, the one look at the hold-out, the deflated Sharpe ratio

   Sets and parts are numbered from 0. A set's result is that of `pmm backtest` with the same values, whatever the threads, ranks
   and batches. */
#ifndef PMM_SWEEP_H
#define PMM_SWEEP_H
#include "pmm/backtest.h"

#define PMM_SWEEP_AXES_MAX 16
#define PMM_SWEEP_SETS_MAX 100000
#define PMM_SWEEP_FOLDS_MAX 64
#define PMM_SWEEP_THREADS_MAX 256
#define PMM_SWEEP_BATCH_MAX 1024

/* -- plan -- */
typedef enum pmm_sweep_draw { PMM_SWEEP_GRID, PMM_SWEEP_RANDOM, PMM_SWEEP_LHS } pmm_sweep_draw_t;

typedef struct pmm_sweep_spec {
  const char *config_path;                   /* NULL: the defaults */
  const char *const *set; size_t set_cnt;    /* key=a:b:n, key=a:b:n:log, key=v1,v2,v3 are swept; key=v holds for every set */
  const char *const *tape; size_t tape_cnt;
  pmm_sweep_draw_t draw;
  uint32_t draw_cnt;                         /* RANDOM, LHS: how many sets; ranges then need no n */
  uint64_t seed;                             /* of the draws */
  uint32_t fold_cnt;                         /* walk-forward steps; 0: none */
  double holdout;                            /* share of the tapes kept for the end, in [0,1); 0: none */
} pmm_sweep_spec_t;

typedef struct pmm_sweep_axis {
  char *key, *text;                          /* "params.spread_bps", and what stood behind the '=' */
  char **value; uint32_t value_cnt;          /* as a user would write them; none where a range is drawn from */
  bool is_range, is_log;
  double lo, hi; char unit[8];               /* of a range */
  pmm_param_type_t type;
} pmm_sweep_axis_t;

typedef enum pmm_sweep_role { PMM_SWEEP_SELECT, PMM_SWEEP_TRAIN, PMM_SWEEP_TEST, PMM_SWEEP_HOLDOUT } pmm_sweep_role_t;
typedef struct pmm_sweep_part {
  pmm_sweep_role_t role;
  char name[16];                             /* "all", "train 1", "test 1", "holdout" */
  const char **tape; size_t tape_cnt;        /* whole tapes, in the order the user gave them */
  uint64_t records;
  int64_t first_ns, last_ns;
} pmm_sweep_part_t;

/* Part 0 is everything but the hold-out: every set runs on it, and the final choice is made there. Step k = 1..fold_cnt trains on
   part k and tests on part fold_cnt + k. The hold-out is the last part. */
typedef struct pmm_sweep_plan {
  char *config_name, *config_text; size_t config_len;
  char **fixed; size_t fixed_cnt;            /* key=v */
  pmm_sweep_axis_t axis[PMM_SWEEP_AXES_MAX]; uint32_t axis_cnt;
  char **value;                              /* [set_cnt][axis_cnt] */
  int64_t *sharpe_every_ns;                  /* [set_cnt] */
  uint32_t set_cnt;
  char **tape; size_t tape_cnt;
  pmm_sweep_part_t *part; uint32_t part_cnt;
  uint32_t fold_cnt;
  bool has_holdout;
  int64_t overlap_ns;                        /* the most by which a part reaches into the one after it */
  uint64_t hash;                             /* of version, every set's configuration, tapes and parts: equal plans give equal results */
} pmm_sweep_plan_t;

/* pmm_sweep_plan_open makes the sets and checks every one before anything runs. PMM_INVAL, PMM_PARSE, PMM_NOT_FOUND: a setting; err names
   it, and the first set whose configuration is not valid. PMM_FULL: too many sets or axes. PMM_IO: the configuration file. */
pmm_status_t pmm_sweep_plan_open(pmm_sweep_plan_t **plan, const pmm_sweep_spec_t *spec, pmm_error_t *err);
/* pmm_sweep_plan_tapes opens the tapes and divides them into parts. PMM_NOT_READY: too few for folds and hold-out; otherwise what opening
   a tape gives. */
pmm_status_t pmm_sweep_plan_tapes(pmm_sweep_plan_t *plan, const pmm_sweep_spec_t *spec, pmm_error_t *err);
void pmm_sweep_plan_close(pmm_sweep_plan_t *plan);
/* The value of one axis in one set. */
const char *pmm_sweep_value(const pmm_sweep_plan_t *plan, uint32_t set, uint32_t axis);
/* "set 17 (params.spread_bps=80 params.size=5)", cut to cap; returns buf. */
const char *pmm_sweep_name(const pmm_sweep_plan_t *plan, uint32_t set, char *buf, size_t cap);
/* The configuration of one set. */
pmm_status_t pmm_sweep_config(const pmm_sweep_plan_t *plan, uint32_t set, pmm_config_t *config, pmm_error_t *err);

/* -- store -- */
typedef struct pmm_sweep_store pmm_sweep_store_t;
/* pmm_sweep_store_open opens or makes the database; path NULL keeps it in memory. fresh: forgets what an earlier plan left there.
   PMM_EXISTS: another plan's results, or a database that is no sweep's; PMM_IO. */
pmm_status_t pmm_sweep_store_open(pmm_sweep_store_t **store, const char *path, const pmm_sweep_plan_t *plan, bool fresh, pmm_error_t *err);
void pmm_sweep_store_close(pmm_sweep_store_t *store);
/* Adds the results of sets first .. first+cnt-1 on one part, all or none: durable when it returns. row[i]: JSON of docs/backtest.md
   without its wall times, as pmm_sweep_row makes it. */
pmm_status_t pmm_sweep_store_put(pmm_sweep_store_t *store, uint32_t part, uint32_t first, uint32_t cnt, char *const *row, double wall_s, pmm_error_t *err);
/* done[set]: whether the part has that set's result. */
pmm_status_t pmm_sweep_store_done(pmm_sweep_store_t *store, uint32_t part, bool *done, pmm_error_t *err);
/* Metrics are the scalar keys of docs/backtest.md with dots ("pnl.total", "markout.10s"). NULL past the last one. */
const char *pmm_sweep_metric(const pmm_sweep_store_t *store, uint32_t index);
bool pmm_sweep_metric_is_number(const pmm_sweep_store_t *store, uint32_t index);
/* Whether a criterion (pmm_sweep_opts_t.by) names a figure to choose by, before there is a store. PMM_NOT_FOUND, PMM_INVAL (it is no number). */
pmm_status_t pmm_sweep_check_by(const char *by, pmm_error_t *err);
/* value[set], NaN where there is none. PMM_NOT_FOUND (metric), PMM_INVAL (it is no number). */
pmm_status_t pmm_sweep_store_values(pmm_sweep_store_t *store, uint32_t part, const char *metric, double *value, pmm_error_t *err);
/* A whole result, freed by the caller. PMM_NOT_FOUND. */
pmm_status_t pmm_sweep_store_row(pmm_sweep_store_t *store, uint32_t part, uint32_t set, char **row, pmm_error_t *err);
/* part,set,<axes>,<metrics>: one line a result, by part and set. */
pmm_status_t pmm_sweep_store_csv(pmm_sweep_store_t *store, FILE *out, pmm_error_t *err);
/* JSON of a result as the store takes it; NULL without memory. */
char *pmm_sweep_row(const pmm_result_t *result);

/* -- ranks: messages between processes; `pmm sweep --mpi` puts OpenMPI behind them -- */
typedef struct pmm_sweep_ranks {
  int rank, size;
  /* One message to another rank. */
  pmm_status_t (*send)(int to, const void *data, size_t len, pmm_error_t *err);
  /* Takes one message if there is any: *data (freed by the caller) or NULL. Never waits. */
  pmm_status_t (*poll)(int *from, void **data, size_t *len, pmm_error_t *err);
} pmm_sweep_ranks_t;
/* A module for --mpi exports one of these as PMM_SWEEP_MODULE_SYMBOL. start after dlopen and before threads; stop at the very end. */
#define PMM_SWEEP_MODULE_ABI 1
#define PMM_SWEEP_MODULE_SYMBOL "pmm_sweep_module"
typedef struct pmm_sweep_module {
  uint32_t abi;
  pmm_status_t (*start)(pmm_sweep_ranks_t *ranks, pmm_error_t *err);
  void (*stop)(void);
} pmm_sweep_module_t;

/* -- run -- */
typedef struct pmm_sweep_opts {
  uint32_t threads, batch;                   /* batch 0: chosen; neither changes a result */
  const char *by;                            /* criterion: a metric, with '-' before it when less is better */
  const pmm_sweep_ranks_t *ranks;            /* NULL: this process alone */
  void (*progress)(void *ctx, uint64_t done, uint64_t total); /* market data records times sets */
  void (*stored)(void *ctx, uint64_t units); /* after each unit is in the store; may be NULL */
  void *ctx;
} pmm_sweep_opts_t;

/* Deflated Sharpe ratio; every Sharpe ratio is annual. */
typedef struct pmm_deflated {
  uint32_t trials;                           /* sets of part 0 that behaved differently (state_hash) and have a Sharpe ratio */
  uint64_t returns;
  double sharpe, expected_max;               /* of the chosen set; of the best of as many sets without merit */
  double probability;                        /* that the chosen set's true ratio is above 0, the search allowed for; NaN: cannot be said */
} pmm_deflated_t;

typedef struct pmm_sweep_step { uint32_t train_part, test_part, set; double train, test; /* the criterion */ } pmm_sweep_step_t;
typedef struct pmm_sweep_outcome {
  uint32_t *order; uint32_t order_cnt;       /* sets by the criterion on part 0, best first, ties by number; without a value: left out */
  double *value;                             /* [set_cnt] the criterion on part 0 */
  pmm_sweep_step_t *step; uint32_t step_cnt;
  double holdout;                            /* criterion of order[0] on the hold-out; NaN without one */
  uint64_t reused;                           /* results of part 0 and the training parts that were in the store already */
  uint32_t holdout_looks;                    /* different sets that the hold-out has been run with, over all runs into this store */
  pmm_deflated_t deflated;
} pmm_sweep_outcome_t;
void pmm_sweep_outcome_free(pmm_sweep_outcome_t *outcome);

/* pmm_sweep_greet is called by every rank once its plan is made (or failed: status and err say how): all go on, or none does.
   Returns PMM_OK everywhere, or a failure everywhere, with err on rank 0 naming the rank it came from. */
pmm_status_t pmm_sweep_greet(const pmm_sweep_ranks_t *ranks, pmm_status_t status, const pmm_sweep_plan_t *plan, pmm_error_t *err);
/* pmm_sweep_run (rank 0) does what is missing in the store and evaluates it. First every set on part 0 and the training parts, then
   the chosen ones on tests and hold-out. A failing set stops it with err naming the set; what was finished stays in the store.
   PMM_NOT_FOUND, PMM_INVAL (criterion) before anything runs; PMM_NOT_READY: no set has a value of the criterion. */
pmm_status_t pmm_sweep_run(const pmm_sweep_plan_t *plan, pmm_sweep_store_t *store, const pmm_sweep_opts_t *opts, pmm_sweep_outcome_t *outcome, pmm_error_t *err);
/* pmm_sweep_serve (other ranks) works for rank 0 until told to stop. */
pmm_status_t pmm_sweep_serve(const pmm_sweep_plan_t *plan, const pmm_sweep_opts_t *opts, pmm_error_t *err);
/* Rank 0 dismisses the others: after pmm_sweep_run, or instead of it when something failed after pmm_sweep_greet. */
void pmm_sweep_dismiss(const pmm_sweep_ranks_t *ranks);

/* -- judging -- */
/* pmm_deflated_sharpe gives the probability that a strategy's true Sharpe ratio is above what the best of `trials` strategies without
   merit would show,
       DSR = N( (SR - SR0) sqrt(T-1) / sqrt(1 - skew SR + (kurtosis-1)/4 SR^2) ),
       SR0 = sd ((1-g) N^-1(1 - 1/trials) + g N^-1(1 - 1/(trials e))),  g = 0.5772...
   All per return, not annual. sharpe of the chosen one; sd: standard deviation of the trials' ratios; returns T >= 2; normal returns: skew 0,
   kurtosis 3. *expected_max (may be NULL) gets SR0, which is 0 for one trial. NaN for arguments out of range.
   Source: D. Bailey, M. Lopez de Prado, "The Deflated Sharpe Ratio", J. Portfolio Management 40(5), 2014. */
double pmm_deflated_sharpe(double sharpe, double sd, double trials, double returns, double skew, double kurtosis, double *expected_max);
/* One line of advice, or "" when there is nothing to warn of. */
void pmm_sweep_warning(const pmm_sweep_plan_t *plan, const pmm_sweep_outcome_t *outcome, char *buf, size_t cap);
/* The document of a "sweep" page (pmm/report.h); freed by the caller. metric[0] and metric[1] span the Pareto chart. */
pmm_status_t pmm_sweep_document(const pmm_sweep_plan_t *plan, pmm_sweep_store_t *store, const char *title, const char *warning, const char *const *metric,
                                size_t metric_cnt, char **json, pmm_error_t *err);
#endif
