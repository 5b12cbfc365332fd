/* cmd_backtest.c -- `pmm backtest`: replay tapes, or a random scenario, against a configured strategy. */
#include <getopt.h>
#include <stdlib.h>
#include <string.h>
#include "cmd.h"
#include "out.h"
#include "pmm/backtest.h"
#include "pmm/decimal.h"
#include "pmm/report.h"

#define TAPES_MAX 1024

static const char HELP[] =
    "usage: pmm backtest [-c FILE] [--set key=value]... --tape T... [--json FILE] [--fills FILE] [--report FILE]\n"
    "       pmm backtest [-c FILE] [--set key=value]... --scenario walk|digital [--seed N] [--json FILE] [--report FILE]\n"
    "\n"
    "Replays recorded markets against the strategy of the configuration and settles them at their true outcome.\n"
    "Several tapes are merged by time into one account. Without -c every setting has its default (strategy linear).\n"
    "\n"
    "  -c, --config FILE     configuration (pmm config init writes one)\n"
    "      --set KEY=VALUE   override one value, for example --set params.spread_bps=80\n"
    "  -t, --tape FILE       a tape (pmm tape import makes one); may be repeated, more may follow as plain arguments\n"
    "      --scenario KIND   walk: a log-odds walk with jumps; digital: an underlying with jumps; seeded, no tape\n"
    "      --seed N          seed of everything random\n"
    "      --json FILE       write the results as JSON (- for standard output)\n"
    "      --fills FILE      write every fill as CSV\n"
    "      --report FILE     write a page (HTML, stands alone): equity, quotes and fills over the book, markouts, the worst minutes\n"
    "      --quiet           no table\n"
    "\n"
    "Exit status: 0 done, 1 the work failed, 2 usage or configuration error.\n";

typedef struct args {
  pmm_app_config_args_t config;
  const char *tape[TAPES_MAX]; size_t tape_cnt;
  const char *scenario, *json, *fills, *report;
  char seed_set[64], scenario_set[64];
  bool quiet;
} args_t;

static bool add_tape(args_t *a, const char *path) {
  if (a->tape_cnt == TAPES_MAX) { pmm_app_error("more than %d tapes", TAPES_MAX); return false; }
  a->tape[a->tape_cnt++] = path;
  return true;
}

/* -1: go on. */
static int parse_args(args_t *a, int argc, char **argv) {
  static const struct option longopts[] = {
      {"config", required_argument, NULL, 'c'}, {"set", required_argument, NULL, 's'}, {"tape", required_argument, NULL, 't'},
      {"scenario", required_argument, NULL, 'S'}, {"seed", required_argument, NULL, 'r'}, {"json", required_argument, NULL, 'j'},
      {"fills", required_argument, NULL, 'f'}, {"report", required_argument, NULL, 'R'}, {"quiet", no_argument, NULL, 'q'}, {"help", no_argument, NULL, 'h'}, {NULL, 0, NULL, 0}};
  for (int o; (o = getopt_long(argc, argv, "c:t:qh", longopts, NULL)) != -1;) switch (o) {
    case 'c': a->config.path = optarg; break;
    case 's': if (!pmm_app_set_add(&a->config, optarg)) return PMM_EXIT_USAGE; break;
    case 't': if (!add_tape(a, optarg)) return PMM_EXIT_USAGE; break;
    case 'S': a->scenario = optarg; break;
    case 'r':
      if (strlen(optarg) > 40) return pmm_app_usage("backtest", "--seed: too long");
      snprintf(a->seed_set, sizeof a->seed_set, "seed=%s", optarg);
      if (!pmm_app_set_add(&a->config, a->seed_set)) return PMM_EXIT_USAGE;
      break;
    case 'j': a->json = optarg; break;
    case 'f': a->fills = optarg; break;
    case 'R': a->report = optarg; break;
    case 'q': a->quiet = true; break;
    case 'h': fputs(HELP, stdout); return PMM_EXIT_DONE;
    default: return pmm_app_usage("backtest", NULL);
  }
  for (; optind < argc; optind++)
    if (!add_tape(a, argv[optind])) return PMM_EXIT_USAGE;
  if (a->scenario) {
    if (a->tape_cnt) return pmm_app_usage("backtest", "--scenario takes no tape");
    if (strcmp(a->scenario, "walk") != 0 && strcmp(a->scenario, "digital") != 0) return pmm_app_usage("backtest", "--scenario: %.40s (allowed: walk, digital)", a->scenario);
    snprintf(a->scenario_set, sizeof a->scenario_set, "scenario.kind=%s", a->scenario);
    if (!pmm_app_set_add(&a->config, a->scenario_set)) return PMM_EXIT_USAGE;
  } else if (a->tape_cnt == 0) {
    return pmm_app_usage("backtest", "no tape (or --scenario)");
  }
  return -1;
}

/* -- fills as CSV -- */
static void fill_line(void *ctx, const pmm_event_t *ev, uint32_t slot) {
  if (ev->md.kind != PMM_EV_FILL) return;
  char price[PMM_DECIMAL_BUF], qty[PMM_DECIMAL_BUF], fee[PMM_DECIMAL_BUF];
  pmm_decimal_print(ev->md.price_e4, 4, 4, price);
  pmm_decimal_print(ev->md.qty_e6, 6, 2, qty);
  pmm_decimal_print(ev->amount_e6, 6, 6, fee);
  fprintf(ctx, "%lld,%lld,%u,%d,%s,%s,%s,%s,%s,%s,%llu,%llu\n", (long long)ev->md.exch_ns, (long long)ev->md.recv_ns, ev->md.market, (int)slot,
          ev->md.side == PMM_BID ? "bid" : "ask", price, qty, fee, ev->md.flags & PMM_F_MAKER ? "maker" : "taker",
          ev->md.flags & PMM_F_INFERRED ? "inferred" : "", (unsigned long long)ev->order_id, (unsigned long long)ev->ref_id);
}

static int write_json(const char *path, const pmm_result_t *r) {
  pmm_out_t out;
  pmm_error_t err;
  if (pmm_out_open(&out, path, &err) == PMM_OK) {
    pmm_result_write_json(out.file, r);
    if (pmm_out_commit(&out, &err) == PMM_OK) return PMM_EXIT_DONE;
  }
  pmm_app_error("%s", err.text);
  return PMM_EXIT_FAILED;
}

/* -- the page -- */
static pmm_status_t open_recorder(const args_t *a, const pmm_config_t *config, pmm_recorder_t **recorder, pmm_error_t *err) {
  pmm_recorder_opts_t const o = {.span_ns = a->scenario ? config->scenario.duration_ns : pmm_report_span(a->tape, a->tape_cnt)};
  return pmm_recorder_open(recorder, &o, err);
}

static pmm_status_t write_report(const args_t *a, const pmm_config_t *config, const pmm_recorder_t *recorder, const pmm_result_t *r, pmm_out_t *out, pmm_error_t *err) {
  pmm_report_info_t const info = {.config = config, .tape = a->tape, .tape_cnt = a->tape_cnt};
  pmm_status_t const st = pmm_report_write(out->file, recorder, &info, r, err);
  if (st == PMM_OK) return pmm_out_commit(out, err);
  pmm_out_abort(out);
  return st;
}

static pmm_status_t run(const args_t *a, const pmm_config_t *config, FILE *fills, pmm_recorder_t *recorder, pmm_result_t *r, pmm_error_t *err) {
  pmm_progress_t bar;
  pmm_backtest_opts_t o = {.tape = a->tape, .tape_cnt = a->tape_cnt, .progress = pmm_progress_step, .ctx = &bar, .observer = recorder ? pmm_recorder_observer(recorder) : NULL};
  if (fills) {
    fputs("exch_ns,recv_ns,market,slot,side,price,qty,fee,liquidity,source,order_id,trade_id\n", fills);
    o.on_account = fill_line;
    o.account_ctx = fills;
  }
  pmm_progress_start(&bar, "backtest");
  pmm_status_t const st = a->scenario ? pmm_backtest_scenario(config, &o, r, err) : pmm_backtest_run(config, &o, r, err);
  pmm_progress_end(&bar);
  return st;
}

/* What is written beside the result; opened before the run, so that a path that cannot be written costs no time. */
typedef struct outputs { pmm_out_t fills, report; pmm_recorder_t *recorder; } outputs_t;

static pmm_status_t open_outputs(outputs_t *f, const args_t *a, const pmm_config_t *config, pmm_error_t *err) {
  pmm_status_t st = a->fills ? pmm_out_open(&f->fills, a->fills, err) : PMM_OK;
  if (st == PMM_OK && a->report) st = pmm_out_open(&f->report, a->report, err);
  if (st == PMM_OK && a->report) st = open_recorder(a, config, &f->recorder, err);
  return st;
}

static void abort_outputs(outputs_t *f) {
  if (f->fills.file) pmm_out_abort(&f->fills);
  if (f->report.file) pmm_out_abort(&f->report);
}

static pmm_status_t commit_outputs(outputs_t *f, const args_t *a, const pmm_config_t *config, const pmm_result_t *r, pmm_error_t *err) {
  pmm_status_t const fills = f->fills.file ? pmm_out_commit(&f->fills, err) : PMM_OK;
  if (!f->report.file) return fills;
  if (fills == PMM_OK) return write_report(a, config, f->recorder, r, &f->report, err);
  pmm_out_abort(&f->report);
  return fills;
}

static int backtest(const args_t *a, const pmm_config_t *config) {
  pmm_error_t err = {0};
  pmm_result_t r;
  outputs_t files = {0};
  pmm_status_t st = open_outputs(&files, a, config, &err);
  if (st == PMM_OK) st = run(a, config, files.fills.file, files.recorder, &r, &err);
  if (st != PMM_OK) {
    abort_outputs(&files);
    pmm_recorder_close(files.recorder);
    pmm_app_error("%s", err.text);
    return PMM_EXIT_FAILED;
  }
  int status = PMM_EXIT_DONE;
  if (commit_outputs(&files, a, config, &r, &err) != PMM_OK) {
    pmm_app_error("%s", err.text);
    status = PMM_EXIT_FAILED;
  }
  pmm_recorder_close(files.recorder);
  if (a->json && status == PMM_EXIT_DONE) status = write_json(a->json, &r);
  bool const stdout_taken = (a->json && strcmp(a->json, "-") == 0) || (a->report && strcmp(a->report, "-") == 0);
  if (!a->quiet && !stdout_taken) pmm_result_write_table(stdout, &r);
  pmm_result_free(&r);
  return status;
}

int pmm_cmd_backtest(int argc, char **argv) {
  static args_t a; /* large */
  memset(&a, 0, sizeof a);
  int const early = parse_args(&a, argc, argv);
  if (early >= 0) return early;
  pmm_config_t *const config = malloc(sizeof *config);
  if (!config) { pmm_app_error("no memory"); return PMM_EXIT_FAILED; }
  int const status = pmm_app_config_load(&a.config, config) ? backtest(&a, config) : PMM_EXIT_USAGE;
  free(config);
  return status;
}
