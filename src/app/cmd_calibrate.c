/* cmd_calibrate.c -- `pmm calibrate`: what recordings say of the numbers a configuration needs. */
#include <errno.h>
#include <getopt.h>
#include <stdlib.h>
#include <string.h>
#include "cmd.h"
#include "out.h"
#include "pmm/calibrate.h"
#include "pmm/hash.h"

#define TAPES_MAX 1024
#define CHUNK 1048576

static const char HELP[] =
    "usage: pmm calibrate [-c FILE] [--set key=value]... [OPTIONS] TAPE...\n"
    "\n"
    "Measures on recordings what a configuration has to be told: the sampling clock of strategy logit's warm-up, volatilities, fill\n"
    "intensity by distance from the mid with standard errors, what flow costs makers, latencies, and how much the queue model matters.\n"
    "\n"
    "  -c, --config FILE     the strategy whose parameters are wanted, and the settings of the queue's backtests; without it: logit's\n"
    "                        parameters, and strategy linear in those backtests\n"
    "      --set KEY=VALUE   override one value\n"
    "  -o, --output FILE     write a configuration fragment (- for standard output) with its provenance in comments; it is a valid\n"
    "                        configuration: pmm backtest -c FILE\n"
    "      --fills FILE      orders of your own that rested on these markets, as CSV with the columns "
    "market,side,price,qty,placed,filled,\n"
    "                        ended: finds the queue model that explains their fill times best\n"
    "      --no-queue        leave out the backtests that show how much the queue model matters\n"
    "      --json            one JSON object instead of text\n"
    "\n"
    "docs/calibrate.md explains every figure. Exit status: 0 done, 1 the work failed, 2 usage or configuration error.\n";

typedef struct args {
  pmm_app_config_args_t config;
  const char *tape[TAPES_MAX];
  size_t tape_cnt;
  const char *output;
  pmm_calibrate_opts_t calibrate;
  bool json;
} args_t;

/* -1: go on. */
static int parse_args(args_t *a, int argc, char **argv) {
  static const struct option longopts[] = {{"config", required_argument, NULL, 'c'}, {"set", required_argument, NULL, 's'},
                                           {"output", required_argument, NULL, 'o'}, {"fills", required_argument, NULL, 'f'},
                                           {"no-queue", no_argument, NULL, 'q'},     {"json", no_argument, NULL, 'j'},
                                           {"help", no_argument, NULL, 'h'},         {NULL, 0, NULL, 0}};
  for (int o; (o = getopt_long(argc, argv, "c:o:h", longopts, NULL)) != -1;) switch (o) {
    case 'c': a->config.path = optarg; break;
    case 's':
      if (!pmm_app_set_add(&a->config, optarg)) return PMM_EXIT_USAGE;
      break;
    case 'o': a->output = optarg; break;
    case 'f': a->calibrate.fills = optarg; break;
    case 'q': a->calibrate.no_queue = true; break;
    case 'j': a->json = true; break;
    case 'h': fputs(HELP, stdout); return PMM_EXIT_DONE;
    default: return pmm_app_usage("calibrate", NULL);
    }
  for (; optind < argc; optind++) {
    if (a->tape_cnt == TAPES_MAX) return pmm_app_usage("calibrate", "more than %d tapes", TAPES_MAX);
    a->tape[a->tape_cnt++] = argv[optind];
  }
  return a->tape_cnt ? -1 : pmm_app_usage("calibrate", "no tape");
}

/* CRC-32C and size of a tape, so that a fragment can be traced to the bytes it came from. */
static bool hash_file(const char *path, uint32_t *crc, uint64_t *bytes) {
  FILE *const file = fopen(path, "re");
  unsigned char *const chunk = malloc(CHUNK);
  bool ok = file && chunk;
  *crc = 0;
  *bytes = 0;
  for (size_t n; ok && (n = fread(chunk, 1, CHUNK, file)) > 0; *bytes += n) *crc = pmm_crc32c(*crc, chunk, n);
  ok = ok && !ferror(file);
  if (!ok) pmm_app_error("%s: %s", path, strerror(errno));
  if (file) fclose(file);
  free(chunk);
  return ok;
}

static bool write_provenance(const args_t *a, FILE *out) {
  for (size_t i = 0; i < a->tape_cnt; i++) {
    uint32_t crc;
    uint64_t bytes;
    if (!hash_file(a->tape[i], &crc, &bytes)) return false;
    const char *const slash = strrchr(a->tape[i], '/'); /* folders differ from machine to machine, the bytes do not */
    fprintf(out, "tape: %s, %llu bytes, crc32c %08x\n", slash ? slash + 1 : a->tape[i], (unsigned long long)bytes, crc);
  }
  return true;
}

static const char *strategy_of(const args_t *a, const pmm_config_t *config) {
  return a->config.path && config->strategy_cnt ? config->strategy[0].source : "logit";
}

static int write_fragment(const args_t *a, const pmm_config_t *config, const pmm_calibration_t *c) {
  char *text = NULL;
  size_t len = 0;
  FILE *const memory = open_memstream(&text, &len);
  if (!memory) {
    pmm_app_error("no memory");
    return PMM_EXIT_FAILED;
  }
  bool const known = write_provenance(a, memory);
  fclose(memory);
  int status = PMM_EXIT_FAILED;
  pmm_out_t out;
  pmm_error_t err = {0};
  if (known && pmm_out_open(&out, a->output, &err) == PMM_OK) {
    pmm_calibrate_write_fragment(out.file, c, strategy_of(a, config), text);
    if (pmm_out_commit(&out, &err) == PMM_OK) status = PMM_EXIT_DONE;
  }
  if (known && status != PMM_EXIT_DONE) pmm_app_error("%s", err.text);
  free(text);
  return status;
}

static const void *logit_params(const pmm_config_t *config) {
  for (uint32_t i = 0; i < config->strategy_cnt; i++)
    if (strcmp(config->strategy[i].source, "logit") == 0) return config->strategy[i].params;
  return NULL;
}

static int calibrate(args_t *a, const pmm_config_t *config) {
  pmm_error_t err = {0};
  pmm_progress_t bar;
  pmm_backtest_opts_t const data = {.tape = a->tape, .tape_cnt = a->tape_cnt, .progress = pmm_progress_step, .ctx = &bar};
  pmm_calibration_t found;
  a->calibrate.logit_params = logit_params(config);
  pmm_progress_start(&bar, "calibrate");
  pmm_status_t const st = pmm_calibrate_run(config, &data, &a->calibrate, &found, &err);
  pmm_progress_end(&bar);
  if (st != PMM_OK) {
    pmm_app_error("%s", err.text);
    return PMM_EXIT_FAILED;
  }
  int const status = a->output ? write_fragment(a, config, &found) : PMM_EXIT_DONE;
  bool const is_taken = a->output && strcmp(a->output, "-") == 0; /* standard output holds the fragment */
  if (status == PMM_EXIT_DONE && a->json && !is_taken) pmm_calibrate_write_json(stdout, &found);
  else if (status == PMM_EXIT_DONE && !is_taken) pmm_calibrate_write(stdout, &found);
  pmm_calibrate_free(&found);
  return status;
}

int pmm_cmd_calibrate(int argc, char **argv) {
  static args_t a; /* large */
  memset(&a, 0, sizeof a);
  int const early = parse_args(&a, argc, argv);
  if (early >= 0) return early;
  pmm_config_t *const config = malloc(sizeof *config);
  if (!config) {
    pmm_app_error("no memory");
    return PMM_EXIT_FAILED;
  }
  int const status = pmm_app_config_load(&a.config, config) ? calibrate(&a, config) : PMM_EXIT_USAGE;
  free(config);
  return status;
}
