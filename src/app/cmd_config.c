/* pmm config -- writes, checks and explains configurations. */
#include <getopt.h>
#include <stdio.h>
#include <string.h>

#include "cmd.h"
#include "out.h"
#include "pmm/config.h"

static const char help[] =
  "usage: pmm config init [STRATEGY] [-o FILE]\n"
  "       pmm config check [-c FILE] [--set key=value]... [--json]\n"
  "       pmm config reference [-o FILE]\n"
  "\n"
  "init       write a commented configuration with every default (strategy: linear)\n"
  "check      check a configuration and print what is in force, as YAML or as JSON\n"
  "reference  write the page that explains every key (Markdown)\n"
  "\n"
  "  -c, --config FILE    the configuration; without it the defaults\n"
  "      --set key=value  override one value, e.g. --set params.size=5 --set risk.max_heat=.3\n"
  "      --json           print JSON\n"
  "  -o, --output FILE    write to FILE, whole or not at all; default: standard output\n"
  "  -h, --help           this text\n"
  "\n"
  "exit status: 0 done, 1 could not write, 2 wrong usage or an error in the configuration\n";

typedef struct args { pmm_app_config_args_t config; const char *output; bool json, help; } args_t;

/* PMM_EXIT_DONE, or PMM_EXIT_USAGE with the message printed. */
static int parse_args(int argc, char **argv, args_t *args) {
  enum { OPT_SET = 256, OPT_JSON };
  static const struct option options[] = {{"config", required_argument, NULL, 'c'}, {"set", required_argument, NULL, OPT_SET},
    {"json", no_argument, NULL, OPT_JSON}, {"output", required_argument, NULL, 'o'}, {"help", no_argument, NULL, 'h'}, {0}};
  args->output = "-";
  for (int opt; (opt = getopt_long(argc, argv, "c:o:h", options, NULL)) != -1;) {
    switch (opt) {
    case 'c': args->config.path = optarg; break;
    case 'o': args->output = optarg; break;
    case 'h': args->help = true; break;
    case OPT_JSON: args->json = true; break;
    case OPT_SET:
      if (!pmm_app_set_add(&args->config, optarg)) return PMM_EXIT_USAGE;
      break;
    default: return pmm_app_usage("config", NULL);
    }
  }
  return PMM_EXIT_DONE;
}

static int fail(const pmm_error_t *err, int exit_status) {
  pmm_app_error("%s", err->text);
  return exit_status;
}

static int close_output(pmm_out_t *out) {
  pmm_error_t err = {0};
  return pmm_out_commit(out, &err) == PMM_OK ? PMM_EXIT_DONE : fail(&err, PMM_EXIT_FAILED);
}

static int run_init(const args_t *args, const char *strategy) {
  pmm_error_t err = {0};
  const pmm_strategy_ops_t *ops = NULL;
  pmm_out_t out;
  if (pmm_strategy_find(strategy ? strategy : "linear", &ops, &err) != PMM_OK) return fail(&err, PMM_EXIT_USAGE);
  if (pmm_out_open(&out, args->output, &err) != PMM_OK) return fail(&err, PMM_EXIT_FAILED);
  pmm_config_write_init(out.file, ops);
  return close_output(&out);
}

static int run_reference(const args_t *args) {
  pmm_error_t err = {0};
  pmm_out_t out;
  if (pmm_out_open(&out, args->output, &err) != PMM_OK) return fail(&err, PMM_EXIT_FAILED);
  pmm_config_write_reference(out.file);
  return close_output(&out);
}

static int run_check(const args_t *args) {
  static pmm_config_t config;
  if (!pmm_app_config_load(&args->config, &config)) return PMM_EXIT_USAGE;
  pmm_error_t err = {0};
  pmm_out_t out;
  if (pmm_out_open(&out, args->output, &err) != PMM_OK) return fail(&err, PMM_EXIT_FAILED);
  (args->json ? pmm_config_write_json : pmm_config_write)(out.file, &config);
  return close_output(&out);
}

int pmm_cmd_config(int argc, char **argv) {
  args_t args = {0};
  int const status = parse_args(argc, argv, &args);
  if (status != PMM_EXIT_DONE) return status;
  if (args.help) {
    fputs(help, stdout);
    return PMM_EXIT_DONE;
  }
  if (optind == argc) return pmm_app_usage("config", "config: init, check or reference?");
  const char *const what = argv[optind++];
  const char *const operand = optind < argc ? argv[optind++] : NULL;
  bool const is_init = strcmp(what, "init") == 0;
  if (optind < argc || (operand && !is_init)) return pmm_app_usage("config", "config %s: unexpected '%s'", what, argv[argc - 1]);
  if (is_init) return run_init(&args, operand);
  if (strcmp(what, "check") == 0) return run_check(&args);
  if (strcmp(what, "reference") == 0) return run_reference(&args);
  return pmm_app_usage("config", "config: no '%s' (known: init, check, reference)", what);
}
