/* fuzz_feeds.c -- importers of feeds and of hftbacktest's archives against arbitrary bytes: the first byte chooses the form,
   the rest is one file. Whatever comes in, an import ends with a tape that verifies or with an error text and no file. */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>
#include "pmm/tape.h"

static const struct { const char *format, *name; } FORM[] = {
    {"binance", "btcusdt_20240808"},   {"coinbase", "btc-usd"},           {"chainlink", "BTCUSD-prices.csv"},      {"chainlink", "markets.jsonl"},
    {"feeds-envelope", "raw.jsonl"},   {"feeds-envelope", "x.markets.jsonl"}, {"hftbacktest", "btc.npz"},          {"binance", "x"}};

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  if (size == 0) return 0;
  char path[64];
  snprintf(path, sizeof path, "%s/pmm-fuzz-feeds-%d.tape", access("/dev/shm", W_OK) == 0 ? "/dev/shm" : "/tmp", (int)getpid());
  pmm_import_opts_t opts;
  pmm_import_opts_default(&opts);
  opts.format = FORM[data[0] & 7].format;
  opts.market = "M";
  pmm_import_stats_t stats;
  pmm_error_t err = {0};
  if (pmm_import_buffer(&opts, FORM[data[0] & 7].name, data + 1, size - 1, path, &stats, &err) == PMM_OK) {
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
