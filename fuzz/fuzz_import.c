/* fuzz_import.c -- importers against arbitrary bytes: the first byte chooses the format and the outcome rule, the rest is
   one file. Whatever comes in, an import ends with a tape that verifies or with an error text and no file. */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>
#include "pmm/tape.h"

static const char *const FORMAT[] = {"kalshi-ws", "polymarket-books", "polymarket-ws", "polymarket-multifeed"};
static const char *const NAME[] = {"20260513T1522Z.orderbook_delta.ndjson", "btc-updown-5m-1776323400.jsonl", "session.market-ws.jsonl", "btc-updown-5m-1787236800.json"};
static const char *const OUTCOME[] = {"auto", "yes", "no", "void"};

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  if (size == 0) return 0;
  char path[64];
  snprintf(path, sizeof path, "%s/pmm-fuzz-%d.tape", access("/dev/shm", W_OK) == 0 ? "/dev/shm" : "/tmp", (int)getpid());
  pmm_import_opts_t opts;
  pmm_import_opts_default(&opts);
  opts.format = FORMAT[data[0] & 3];
  opts.outcome = OUTCOME[data[0] >> 2 & 3];
  opts.infer_trades = !(data[0] & 16);
  pmm_import_stats_t stats;
  pmm_error_t err = {0};
  if (pmm_import_buffer(&opts, NAME[data[0] & 3], data + 1, size - 1, path, &stats, &err) == PMM_OK) {
    pmm_tape_check_t check;
    if (pmm_tape_verify(path, &check, &err) != PMM_OK) {
      fprintf(stderr, "an imported tape does not verify: %s\n", err.text);
      abort();
    }
    unlink(path);
  } else if (err.text[0] == '\0' || access(path, F_OK) == 0) {
    fprintf(stderr, "a failed import left %s\n", err.text[0] ? "a tape" : "no word");
    abort();
  }
  return 0;
}
