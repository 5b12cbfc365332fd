/* pmm -- the program: finds the command and hands it its arguments. */
#include <signal.h>
#include <stdio.h>
#include <string.h>

#include "cmd.h"
#include "out.h"
#include "pmm/param.h"
#include "pmm/version.h"

typedef struct command { const char *name; int (*run)(int argc, char **argv); const char *help; } command_t;

static const command_t commands[] = {
  {"demo", pmm_cmd_demo, "a market maker at work on a synthetic market; needs no account, no configuration"},
  {"backtest", pmm_cmd_backtest, "replay recorded data, or a synthetic scenario, against a strategy"},
  {"report", pmm_cmd_report, "results of backtests side by side"},
  {"scan", pmm_cmd_scan, "which recorded markets are worth making, and by whom"},
  {"calibrate", pmm_cmd_calibrate, "measure on recordings what a configuration has to be told"},
  {"sweep", pmm_cmd_sweep, "backtest many parameter sets at once, and judge the best of them"},
  {"paper", pmm_cmd_paper, "trade on live data with simulated fills"},
  {"live", pmm_cmd_live, "trade on venues with real orders"},
  {"record", pmm_cmd_record, "record venues and price feeds to tapes"},
  {"tape", pmm_cmd_tape, "import, inspect, verify and export recorded market data"},
  {"quote", pmm_cmd_quote, "ask a strategy what it would quote (JSON lines in and out)"},
  {"price", pmm_cmd_price, "ask a pricing model for a value (JSON lines in and out)"},
  {"exchange", pmm_cmd_exchange, "venues of your own: an exchange that speaks as Kalshi, Polymarket and Degen do"},
  {"sign", pmm_cmd_sign, "sign orders and requests as a venue wants them (JSON lines in and out)"},
  {"config", pmm_cmd_config, "write, check and explain configurations"},
};
#define COMMAND_CNT (sizeof commands / sizeof commands[0])

static int print_help(void) {
  puts("pmm -- market maker for prediction markets\n\nusage: pmm COMMAND [OPTIONS]\n\ncommands:");
  for (size_t i = 0; i < COMMAND_CNT; i++) printf("  %-10s %s\n", commands[i].name, commands[i].help);
  puts("\n  pmm COMMAND --help   explains a command\n  pmm --version        prints the version\n\n"
       "exit status: 0 done, 1 the work failed, 2 wrong usage or configuration");
  return PMM_EXIT_DONE;
}

static const command_t *find_command(const char *name) {
  for (size_t i = 0; i < COMMAND_CNT; i++)
    if (strcmp(commands[i].name, name) == 0) return &commands[i];
  return NULL;
}

static int unknown_command(const char *name) {
  pmm_param_t names[COMMAND_CNT] = {0}; /* the same nearness as for configuration keys */
  for (size_t i = 0; i < COMMAND_CNT; i++) names[i].name = commands[i].name;
  pmm_app_error("no command '%s'; did you mean '%s'?", name, pmm_param_nearest(names, COMMAND_CNT, name));
  fputs("try 'pmm --help'\n", stderr);
  return PMM_EXIT_USAGE;
}

static int run(int argc, char **argv) {
  if (argc < 2) {
    pmm_app_error("no command given");
    fputs("try 'pmm --help'\n", stderr);
    return PMM_EXIT_USAGE;
  }
  const char *const name = argv[1];
  if (strcmp(name, "--help") == 0 || strcmp(name, "-h") == 0 || strcmp(name, "help") == 0) return print_help();
  if (strcmp(name, "--version") == 0) {
    puts("pmm " PMM_VERSION);
    return PMM_EXIT_DONE;
  }
  const command_t *const command = find_command(name);
  return command ? command->run(argc - 1, argv + 1) : unknown_command(name);
}

int main(int argc, char **argv) {
  signal(SIGXFSZ, SIG_IGN); /* a file size limit is a failed write with a message, not a death */
  return pmm_app_finish(run(argc, argv));
}
