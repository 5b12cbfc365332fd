/* fuzz_feeds.c -- importers of feeds and of hftbacktest's archives against arbitrary bytes: the first byte chooses the form,
   the rest is one file. Whatever comes in, an import ends with a tape that verifies or with an error text and no file. */
#include "import_one.h"

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
  import_one(&opts, FORM[data[0] & 7].name, data + 1, size - 1, path);
  return 0;
}
