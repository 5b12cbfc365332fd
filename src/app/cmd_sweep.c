/* cmd_sweep.c -- `pmm sweep`: many parameter sets over the same tapes. */
#include <dlfcn.h>
#include <getopt.h>
#include <limits.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include "cmd.h"
#include "out.h"
#include "pmm/decimal.h"
#include "pmm/sweep.h"
#include "sweep_out.h"

#define TAPES_MAX 4096
#define MODULE "pmm_mpi.so"

static const char HELP[] =
    "usage: pmm sweep [-c FILE] --set KEY=RANGE... --tape T... [-o FILE.db] [options]\n"
    "\n"
    "Runs the backtest with many parameter sets over the same tapes, and says how far the best of them can be trusted.\n"
    "\n"
    "  -c, --config FILE     configuration (pmm config init writes one)\n"
    "      --set KEY=A:B:N   sweep N values from A to B; A:B:N:log in equal ratios\n"
    "      --set KEY=V,V,V   sweep these values, numbers or words\n"
    "      --set KEY=V       one value for all sets\n"
    "  -t, --tape FILE       a tape; may be repeated, more may follow as plain arguments\n"
    "      --random N        N sets drawn at random from the ranges (then A:B or A:B:log will do), instead of the whole grid\n"
    "      --lhs N           the same by a Latin hypercube, which spreads them evenly\n"
    "      --seed N          seed of the draws (1)\n"
    "\n"
    "  -o, --output FILE     results as an SQLite database; after an interruption the same command goes on there\n"
    "      --fresh           forget what is in it\n"
    "      --csv FILE        every result as CSV (- for standard output)\n"
    "      --json FILE       the best sets and the judgement as JSON\n"
    "      --report FILE     a page with a heat map and a Pareto chart\n"
    "      --by FIGURE       choose by this key of a result (pnl.total), -FIGURE when less is better\n"
    "      --top N           how many of the best to show (10)\n"
    "      --quiet           no table\n"
    "\n"
    "      --folds K         walk forward in K steps: choose on the tapes so far, report on the next ones\n"
    "      --holdout SHARE   keep the last tapes out of everything; only the chosen set runs on them, at the end\n"
    "\n"
    "  -j, --jobs N          threads (all processors; with --mpi one for each rank)\n"
    "      --batch N         sets in one pass over the tapes (chosen by the number of sets)\n"
    "      --mpi             share the work between MPI ranks: mpirun -n 4 pmm sweep ... --mpi\n"
    "\n"
    "Exit status: 0 done, 1 the work failed, 2 usage or configuration error.\n";

typedef struct args {
  const char *set[PMM_APP_SETS_MAX], *tape[TAPES_MAX];
  pmm_sweep_spec_t spec;
  pmm_sweep_opts_t opts;
  const char *output, *csv, *json, *report;
  uint32_t top;
  bool fresh, quiet, mpi, jobs_given;
} args_t;

/* -- options -- */
static bool read_count(const char *name, const char *text, int64_t min, int64_t max, int64_t *out) {
  int64_t value;
  if (pmm_decimal_parse(text, strlen(text), 0, &value, NULL) == PMM_OK && value >= min && value <= max) {
    *out = value;
    return true;
  }
  pmm_app_error("--%s %.40s: not a whole number from %lld to %lld", name, text, (long long)min, (long long)max);
  return false;
}

static bool read_u32(const char *name, const char *text, uint32_t min, uint32_t max, uint32_t *out) {
  int64_t value;
  if (!read_count(name, text, min, max, &value)) return false;
  *out = (uint32_t)value;
  return true;
}

static bool read_seed(args_t *a, const char *text) {
  int64_t value;
  if (!read_count("seed", text, 0, INT64_C(9007199254740992), &value)) return false;
  a->spec.seed = (uint64_t)value;
  return true;
}

static bool read_share(args_t *a, const char *text) {
  int64_t e6;
  if (pmm_decimal_parse(text, strlen(text), 6, &e6, NULL) == PMM_OK && e6 >= 0 && e6 < PMM_ONE_E6) {
    a->spec.holdout = (double)e6 / PMM_ONE_E6;
    return true;
  }
  pmm_app_error("--holdout %.40s: not a share from 0 to below 1, such as 0.25", text);
  return false;
}

static bool read_draw(args_t *a, pmm_sweep_draw_t draw, const char *text) {
  if (a->spec.draw != PMM_SWEEP_GRID) {
    pmm_app_error("--random and --lhs: only one, and once");
    return false;
  }
  a->spec.draw = draw;
  return read_u32(draw == PMM_SWEEP_LHS ? "lhs" : "random", text, 1, PMM_SWEEP_SETS_MAX, &a->spec.draw_cnt);
}

static bool add_set(args_t *a, const char *set) {
  const char *const equals = strchr(set, '=');
  if (!equals || equals == set) pmm_app_error("--set %s: not of the form key=value", set);
  else if (a->spec.set_cnt == PMM_APP_SETS_MAX) pmm_app_error("--set %s: more than %d of them", set, PMM_APP_SETS_MAX);
  else {
    a->set[a->spec.set_cnt++] = set;
    return true;
  }
  return false;
}

static bool add_tape(args_t *a, const char *path) {
  if (a->spec.tape_cnt == TAPES_MAX) { pmm_app_error("more than %d tapes", TAPES_MAX); return false; }
  a->tape[a->spec.tape_cnt++] = path;
  return true;
}

enum { OPT_SET = 256, OPT_RANDOM, OPT_LHS, OPT_SEED, OPT_FRESH, OPT_CSV, OPT_JSON, OPT_REPORT, OPT_BY, OPT_TOP, OPT_QUIET, OPT_FOLDS, OPT_HOLDOUT, OPT_BATCH, OPT_MPI };

static const struct option OPTIONS[] = {
    {"config", required_argument, NULL, 'c'}, {"set", required_argument, NULL, OPT_SET}, {"tape", required_argument, NULL, 't'},
    {"random", required_argument, NULL, OPT_RANDOM}, {"lhs", required_argument, NULL, OPT_LHS}, {"seed", required_argument, NULL, OPT_SEED},
    {"output", required_argument, NULL, 'o'}, {"fresh", no_argument, NULL, OPT_FRESH}, {"csv", required_argument, NULL, OPT_CSV},
    {"json", required_argument, NULL, OPT_JSON}, {"report", required_argument, NULL, OPT_REPORT}, {"by", required_argument, NULL, OPT_BY},
    {"top", required_argument, NULL, OPT_TOP}, {"quiet", no_argument, NULL, OPT_QUIET}, {"folds", required_argument, NULL, OPT_FOLDS},
    {"holdout", required_argument, NULL, OPT_HOLDOUT}, {"jobs", required_argument, NULL, 'j'}, {"batch", required_argument, NULL, OPT_BATCH},
    {"mpi", no_argument, NULL, OPT_MPI}, {"help", no_argument, NULL, 'h'}, {NULL, 0, NULL, 0}};

static bool take_option(args_t *a, int option, const char *text) {
  switch (option) {
  case 'c': a->spec.config_path = text; return true;
  case OPT_SET: return add_set(a, text);
  case 't': return add_tape(a, text);
  case OPT_RANDOM: return read_draw(a, PMM_SWEEP_RANDOM, text);
  case OPT_LHS: return read_draw(a, PMM_SWEEP_LHS, text);
  case OPT_SEED: return read_seed(a, text);
  case 'o': a->output = text; return true;
  case OPT_FRESH: return a->fresh = true;
  case OPT_CSV: a->csv = text; return true;
  case OPT_JSON: a->json = text; return true;
  case OPT_REPORT: a->report = text; return true;
  case OPT_BY: a->opts.by = text; return true;
  case OPT_TOP: return read_u32("top", text, 1, PMM_SWEEP_SETS_MAX, &a->top);
  case OPT_QUIET: return a->quiet = true;
  case OPT_FOLDS: return read_u32("folds", text, 1, PMM_SWEEP_FOLDS_MAX, &a->spec.fold_cnt);
  case OPT_HOLDOUT: return read_share(a, text);
  case 'j': return a->jobs_given = read_u32("jobs", text, 1, PMM_SWEEP_THREADS_MAX, &a->opts.threads);
  case OPT_BATCH: return read_u32("batch", text, 1, PMM_SWEEP_BATCH_MAX, &a->opts.batch);
  case OPT_MPI: return a->mpi = true;
  default: return false;
  }
}

/* -1: go on. */
static int parse_args(args_t *a, int argc, char **argv) {
  a->spec = (pmm_sweep_spec_t){.set = a->set, .tape = a->tape, .seed = 1};
  a->opts.by = "pnl.total";
  a->top = 10;
  for (int o; (o = getopt_long(argc, argv, "c:t:o:j:h", OPTIONS, NULL)) != -1;) {
    if (o == 'h') { fputs(HELP, stdout); return PMM_EXIT_DONE; }
    if (!take_option(a, o, optarg)) return pmm_app_usage("sweep", NULL);
  }
  for (; optind < argc; optind++)
    if (!add_tape(a, argv[optind])) return PMM_EXIT_USAGE;
  if (a->spec.tape_cnt == 0) return pmm_app_usage("sweep", "no tape");
  if (a->fresh && !a->output) return pmm_app_usage("sweep", "--fresh without --output: nothing is kept");
  if (!a->jobs_given) {
    long const processors = sysconf(_SC_NPROCESSORS_ONLN);
    a->opts.threads = a->mpi || processors < 1 ? 1 : processors > PMM_SWEEP_THREADS_MAX ? PMM_SWEEP_THREADS_MAX : (uint32_t)processors;
  }
  return -1;
}

/* -- MPI: in a library of its own, so that pmm runs without one -- */
/* Beside the program, or where it was installed. */
static void *open_module(char *where, size_t cap) {
  static const char *const places[] = {"", "../" PMM_LIBDIR "/pmm/"};
  char self[PATH_MAX];
  ssize_t const len = readlink("/proc/self/exe", self, sizeof self - 1);
  self[len > 0 ? len : 0] = '\0';
  char *const slash = strrchr(self, '/');
  if (slash) slash[1] = '\0';
  for (size_t i = 0; i < sizeof places / sizeof places[0]; i++) {
    snprintf(where, cap, "%s%s" MODULE, self, places[i]);
    if (access(where, R_OK) == 0) return dlopen(where, RTLD_NOW | RTLD_GLOBAL); /* global: MPI loads parts of itself that look for it */
  }
  snprintf(where, cap, "%s" MODULE, self);
  return NULL;
}

static const pmm_sweep_module_t *start_mpi(pmm_sweep_ranks_t *ranks) {
  char where[PATH_MAX + 64];
  void *const handle = open_module(where, sizeof where);
  if (!handle) {
    const char *const why = dlerror();
    pmm_app_error("--mpi: %s", why ? why : "this build has no " MODULE " (OpenMPI was missing when it was made)");
    return NULL;
  }
  const pmm_sweep_module_t *const module = dlsym(handle, PMM_SWEEP_MODULE_SYMBOL);
  pmm_error_t err;
  if (!module || module->abi != PMM_SWEEP_MODULE_ABI) pmm_app_error("--mpi: %s belongs to another version", where);
  else if (module->start(ranks, &err) != PMM_OK) pmm_app_error("--mpi: %s", err.text);
  else return module;
  return NULL;
}

/* -- the run -- */
typedef struct job {
  args_t *args;
  pmm_sweep_plan_t *plan;
  pmm_sweep_store_t *store;
  pmm_sweep_outcome_t outcome;
  pmm_progress_t bar;
  uint64_t stop_after;
  bool is_usage; /* what failed is the user's to mend: exit status 2 */
} job_t;

static void step(void *ctx, uint64_t done, uint64_t total) { pmm_progress_step(&((job_t *)ctx)->bar, done, total); }

/* For tests of resuming: PMM_SWEEP_STOP_AFTER=n dies as by kill -9 once n units are stored. */
static void stored(void *ctx, uint64_t units) {
  if (((job_t *)ctx)->stop_after == units) raise(SIGKILL);
}

static pmm_status_t prepare(job_t *j, bool is_first, pmm_error_t *err) {
  args_t const *const a = j->args;
  j->is_usage = true;
  pmm_status_t st = pmm_sweep_check_by(a->opts.by, err);
  if (st == PMM_OK) st = pmm_sweep_plan_open(&j->plan, &a->spec, err);
  if (st != PMM_OK) return st;
  st = pmm_sweep_plan_tapes(j->plan, &a->spec, err);
  j->is_usage = st == PMM_NOT_READY;
  return st == PMM_OK && is_first ? pmm_sweep_store_open(&j->store, a->output, j->plan, a->fresh, err) : st;
}

typedef pmm_status_t (*show_t)(FILE *out, const pmm_sweep_shown_t *shown, pmm_error_t *err);

static pmm_status_t show_csv(FILE *out, const pmm_sweep_shown_t *shown, pmm_error_t *err) { return pmm_sweep_store_csv(shown->store, out, err); }

static pmm_status_t write_file(const char *path, show_t show, const pmm_sweep_shown_t *shown, pmm_error_t *err) {
  if (!path) return PMM_OK;
  pmm_out_t out;
  pmm_status_t st = pmm_out_open(&out, path, err);
  if (st != PMM_OK) return st;
  st = show(out.file, shown, err);
  if (st != PMM_OK) pmm_out_abort(&out);
  return st == PMM_OK ? pmm_out_commit(&out, err) : st;
}

static bool is_stdout(const char *path) { return path && strcmp(path, "-") == 0; }

static pmm_status_t show_all(const job_t *j, pmm_error_t *err) {
  args_t const *const a = j->args;
  pmm_sweep_shown_t const shown = {.plan = j->plan, .store = j->store, .outcome = &j->outcome, .by = a->opts.by, .top = a->top};
  pmm_status_t st = write_file(a->csv, show_csv, &shown, err);
  if (st == PMM_OK) st = write_file(a->json, pmm_sweep_show_json, &shown, err);
  if (st == PMM_OK) st = write_file(a->report, pmm_sweep_show_page, &shown, err);
  bool const table = !a->quiet && !is_stdout(a->csv) && !is_stdout(a->json) && !is_stdout(a->report);
  return st == PMM_OK && table ? pmm_sweep_show_table(stdout, &shown, err) : st;
}

static pmm_status_t lead(job_t *j, pmm_error_t *err) {
  pmm_progress_start(&j->bar, "sweep");
  pmm_status_t const st = pmm_sweep_run(j->plan, j->store, &j->args->opts, &j->outcome, err);
  pmm_progress_end(&j->bar);
  return st;
}

static int fail(const job_t *j, const pmm_error_t *err) {
  pmm_app_error("%s", err->text);
  return j->is_usage ? PMM_EXIT_USAGE : PMM_EXIT_FAILED;
}

static int run_alone(job_t *j) {
  pmm_error_t err = {0};
  pmm_status_t st = prepare(j, true, &err);
  if (st == PMM_OK) st = lead(j, &err);
  if (st == PMM_OK) st = show_all(j, &err);
  return st == PMM_OK ? PMM_EXIT_DONE : fail(j, &err);
}

/* Rank 0 speaks for all; the others are heard only when they fail at work. */
static int run_ranks(job_t *j, const pmm_sweep_ranks_t *ranks) {
  pmm_error_t err = {0};
  bool const is_first = ranks->rank == 0;
  j->args->opts.ranks = ranks;
  pmm_status_t st = prepare(j, is_first, &err);
  st = pmm_sweep_greet(ranks, st, j->plan, &err);
  if (st != PMM_OK) return is_first ? fail(j, &err) : PMM_EXIT_DONE;
  if (!is_first) {
    st = pmm_sweep_serve(j->plan, &j->args->opts, &err);
    return st == PMM_OK ? PMM_EXIT_DONE : fail(j, &err);
  }
  st = lead(j, &err);
  pmm_sweep_dismiss(ranks);
  if (st == PMM_OK) st = show_all(j, &err);
  return st == PMM_OK ? PMM_EXIT_DONE : fail(j, &err);
}

static int run(job_t *j) {
  if (!j->args->mpi) return run_alone(j);
  pmm_sweep_ranks_t ranks = {0};
  const pmm_sweep_module_t *const module = start_mpi(&ranks);
  if (!module) return PMM_EXIT_FAILED;
  int const status = run_ranks(j, &ranks);
  module->stop();
  return status;
}

int pmm_cmd_sweep(int argc, char **argv) {
  args_t a = {0};
  int const early = parse_args(&a, argc, argv);
  if (early >= 0) return early;
  const char *const stop_after = getenv("PMM_SWEEP_STOP_AFTER");
  job_t j = {.args = &a, .stop_after = stop_after ? strtoull(stop_after, NULL, 10) : 0};
  a.opts.progress = step;
  a.opts.stored = stored;
  a.opts.ctx = &j;
  int const status = run(&j);
  pmm_sweep_outcome_free(&j.outcome);
  pmm_sweep_store_close(j.store);
  pmm_sweep_plan_close(j.plan);
  return status;
}
