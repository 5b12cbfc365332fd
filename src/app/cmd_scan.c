/* cmd_scan.c -- `pmm scan`: which of a recording's markets are worth making. */
#include <getopt.h>
#include <stdlib.h>
#include <string.h>
#include "cmd.h"
#include "out.h"
#include "pmm/clock.h"
#include "pmm/scan.h"

#define TAPES_MAX 1024
#define TOP_MAX 1000000

static const char HELP[] =
    "usage: pmm scan [-c FILE] [--set key=value]... [OPTIONS] TAPE...\n"
    "\n"
    "Reports on the markets of recordings at one moment: liquidity, spread, volume, time left, price, volatility; the verdict VIABLE,\n"
    "MARGINAL, LIMITED or NO_DATA with its four conditions; and how much each strategy's own rules want the market. One market gives the\n"
    "long report, several a table, best first. What a market came to in the end enters no figure.\n"
    "\n"
    "  -c, --config FILE     strategies, their parameters and the reward programme; without it every strategy with its defaults\n"
    "      --set KEY=VALUE   override one value, for example --set rewards.model=polymarket --set 'market.only=KXBTC*'\n"
    "      --strategy NAME   rank by this one alone: a name in the configuration, a built-in one, or a shared object's path\n"
    "      --at WHEN         end: the last moment with both sides of the book; middle: halfway through the time with both;\n"
    "                        a time such as 2026-06-11T05:39:31Z: the same for all. Default: end for a market that was still trading\n"
    "                        when the recording stopped, middle for one that was not\n"
    "      --top N           only the N best\n"
    "      --json            one JSON object instead of text\n"
    "\n"
    "The columns named after strategies hold its ranking: 1 is the market it wants most, * marks those within its limit, - one\n"
    "that its rules leave out. docs/scan.md explains every figure. Exit status: 0 done, 1 the work failed, 2 usage or configuration "
    "error.\n";

typedef struct args {
  pmm_app_config_args_t config;
  const char *tape[TAPES_MAX];
  size_t tape_cnt;
  pmm_scan_opts_t scan;
  uint32_t top;
  bool json;
} args_t;

static bool parse_at(args_t *a, const char *text) {
  if (strcmp(text, "end") == 0) a->scan.at = PMM_SCAN_END;
  else if (strcmp(text, "middle") == 0) a->scan.at = PMM_SCAN_MIDDLE;
  else if (pmm_time_parse(text, strlen(text), &a->scan.at_ns, NULL) == PMM_OK) a->scan.at = PMM_SCAN_MOMENT;
  else return false;
  return true;
}

static bool parse_top(args_t *a, const char *text) {
  char *end;
  unsigned long const top = strtoul(text, &end, 10);
  if (*text < '0' || *text > '9' || *end || top == 0 || top > TOP_MAX) return false;
  a->top = (uint32_t)top;
  return true;
}

/* -1: go on. */
static int parse_args(args_t *a, int argc, char **argv) {
  static const struct option longopts[] = {{"config", required_argument, NULL, 'c'},   {"set", required_argument, NULL, 's'},
                                           {"strategy", required_argument, NULL, 'S'}, {"at", required_argument, NULL, 'a'},
                                           {"top", required_argument, NULL, 'n'},      {"json", no_argument, NULL, 'j'},
                                           {"help", no_argument, NULL, 'h'},           {NULL, 0, NULL, 0}};
  for (int o; (o = getopt_long(argc, argv, "c:h", longopts, NULL)) != -1;) switch (o) {
    case 'c': a->config.path = optarg; break;
    case 's':
      if (!pmm_app_set_add(&a->config, optarg)) return PMM_EXIT_USAGE;
      break;
    case 'S': a->scan.strategy = optarg; break;
    case 'a':
      if (!parse_at(a, optarg))
        return pmm_app_usage("scan", "--at: %.60s (allowed: end, middle, or a time such as 2026-06-11T05:39:31Z)", optarg);
      break;
    case 'n':
      if (!parse_top(a, optarg)) return pmm_app_usage("scan", "--top: %.40s (allowed: 1 to %d)", optarg, TOP_MAX);
      break;
    case 'j': a->json = true; break;
    case 'h': fputs(HELP, stdout); return PMM_EXIT_DONE;
    default: return pmm_app_usage("scan", NULL);
    }
  for (; optind < argc; optind++) {
    if (a->tape_cnt == TAPES_MAX) return pmm_app_usage("scan", "more than %d tapes", TAPES_MAX);
    a->tape[a->tape_cnt++] = argv[optind];
  }
  if (a->tape_cnt == 0) return pmm_app_usage("scan", "no tape");
  a->scan.every_strategy = !a->config.path && !a->scan.strategy;
  return -1;
}

static int scan(const args_t *a, const pmm_config_t *config) {
  pmm_error_t err = {0};
  pmm_progress_t bar;
  pmm_backtest_opts_t const data = {.tape = a->tape, .tape_cnt = a->tape_cnt, .progress = pmm_progress_step, .ctx = &bar};
  pmm_scan_t found;
  pmm_progress_start(&bar, "scan");
  pmm_status_t const st = pmm_scan_run(config, &data, &a->scan, &found, &err);
  pmm_progress_end(&bar);
  if (st != PMM_OK) {
    pmm_app_error("%s", err.text);
    return PMM_EXIT_FAILED;
  }
  if (a->json) pmm_scan_write_json(stdout, &found, a->top);
  else pmm_scan_write(stdout, &found, a->top);
  pmm_scan_free(&found);
  return PMM_EXIT_DONE;
}

int pmm_cmd_scan(int argc, char **argv) {
  static args_t a; /* large */
  memset(&a, 0, sizeof a);
  int const early = parse_args(&a, argc, argv);
  if (early >= 0) return early;
  pmm_error_t err = {0};
  const pmm_strategy_ops_t *ops;
  pmm_config_t *const config = malloc(sizeof *config);
  if (!config) {
    pmm_app_error("no memory");
    return PMM_EXIT_FAILED;
  }
  int status = PMM_EXIT_USAGE;
  if (pmm_app_config_load(&a.config, config)) {
    bool known = !a.scan.strategy;
    for (uint32_t i = 0; !known && i < config->strategy_cnt; i++) known = strcmp(config->strategy[i].name, a.scan.strategy) == 0;
    if (known || pmm_strategy_find(a.scan.strategy, &ops, &err) == PMM_OK) status = scan(&a, config);
    else pmm_app_error("%s", err.text);
  }
  free(config);
  return status;
}
