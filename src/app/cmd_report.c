/* cmd_report.c -- `pmm report`: results of backtests side by side. */
#include <getopt.h>
#include <stdlib.h>
#include <string.h>
#include "cmd.h"
#include "out.h"
#include "pmm/report.h"

static const char HELP[] =
    "usage: pmm report compare A B [MORE...] [-o FILE] [--json]\n"
    "\n"
    "Puts results of backtests side by side, with differences to the first. Each file is a report (pmm backtest --report)\n"
    "or a result (pmm backtest --json). Reports also give equity curves, the settings that differ, and the hashes of their\n"
    "tapes: when the runs did not see the same data, it says so.\n"
    "\n"
    "  -o, --output FILE   write a page (HTML) with the equity curves laid over each other\n"
    "      --json          print the comparison as JSON instead of a table\n"
    "\n"
    "Exit status: 0 done, 1 a file cannot be read or written, 2 usage error.\n";

typedef struct args { const char *output; bool json; } args_t;

static int write_page(const char *path, const char *json, size_t len) {
  pmm_out_t out;
  pmm_error_t err;
  if (pmm_out_open(&out, path, &err) == PMM_OK) {
    if (pmm_report_page(out.file, "compare", "Comparison of backtests", json, len, &err) != PMM_OK) pmm_out_abort(&out);
    else if (pmm_out_commit(&out, &err) == PMM_OK) return PMM_EXIT_DONE;
  }
  pmm_app_error("%s", err.text);
  return PMM_EXIT_FAILED;
}

static int compare(const args_t *a, const char *const *path, size_t cnt) {
  pmm_error_t err;
  char *json;
  size_t len;
  if (cnt < 2) return pmm_app_usage("report", "compare: at least two files, not %zu", cnt);
  pmm_status_t const st = pmm_report_compare(path, cnt, &json, &len, &err);
  if (st != PMM_OK) {
    pmm_app_error("%s", err.text);
    return st == PMM_INVAL ? PMM_EXIT_USAGE : PMM_EXIT_FAILED;
  }
  int const status = a->output ? write_page(a->output, json, len) : PMM_EXIT_DONE;
  if (a->json) puts(json);
  else if (!(a->output && strcmp(a->output, "-") == 0)) pmm_report_compare_table(stdout, json, len);
  free(json);
  return status;
}

int pmm_cmd_report(int argc, char **argv) {
  static const struct option longopts[] = {{"output", required_argument, NULL, 'o'}, {"json", no_argument, NULL, 'j'}, {"help", no_argument, NULL, 'h'}, {NULL, 0, NULL, 0}};
  args_t a = {0};
  for (int o; (o = getopt_long(argc, argv, "o:h", longopts, NULL)) != -1;) switch (o) {
    case 'o': a.output = optarg; break;
    case 'j': a.json = true; break;
    case 'h': fputs(HELP, stdout); return PMM_EXIT_DONE;
    default: return pmm_app_usage("report", NULL);
  }
  if (optind == argc) return pmm_app_usage("report", "what? (compare)");
  if (strcmp(argv[optind], "compare") != 0) return pmm_app_usage("report", "%.40s (known: compare)", argv[optind]);
  if (a.json && a.output && strcmp(a.output, "-") == 0) return pmm_app_usage("report", "--json and -o - would both go to standard output");
  return compare(&a, (const char *const *)argv + optind + 1, (size_t)(argc - optind - 1));
}
