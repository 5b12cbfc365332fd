/* fuzz_import.c -- importers against arbitrary bytes: the first byte chooses the format and the outcome rule, the rest is
   one file. Whatever comes in, an import ends with a tape that verifies or with an error text and no file. */
#include "import_one.h"

static const struct { const char *format, *name; } KIND[] = {
    {"kalshi-ws", "20260513T1522Z.orderbook_delta.ndjson"}, {"polymarket-books", "btc-updown-5m-1776323400.jsonl"},
    {"polymarket-ws", "session.market-ws.jsonl"},           {"polymarket-multifeed", "btc-updown-5m-1787236800.json"},
    {"csv-bbo", "any.csv"},                                 {"kalshi-bbo-csv", "market_data_KXHIGHNY-25DEC05.csv"},
    {"polymarket-updown-csv", "candle_20260421_1815.csv"},  {"kalshi-bbo-polls", "snapshots.jsonl"},
    {"kalshi-depth", "2026-07-23.jsonl"},                   {"kalshi-ladder", "2026-07-04.jsonl"},
    {"kalshi-candles", "kalshi_austin_candles.csv"},        {"polymarket-daily", "candles_1d_close.csv"},
    {"polymarket-prices", "price_history.csv"},             {"polymarket-outcomes", "labels.csv"}};
static const char *const MAP[] = {"time=t,market=m,bid=b,ask=a,bid_size=x,ask_size=y,trade_price=p,trade_size=q,trade_side=s,time_unit=ms",
                                  "time=t,market_id=M,bid=b,no_bid=a,price_unit=cents,zone=-08:00,delimiter=;,venue=kalshi",
                                  "time=t,market=m,event=m,no_ask=b,ask=a,price_unit=bps,time_unit=ns,tick=0.001", "time=t,market=m,event_id=E,bid=b,time_unit=s"};
static const char *const OUTCOME[] = {"auto", "yes", "no", "void"};

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  if (size == 0) return 0;
  char path[64];
  snprintf(path, sizeof path, "%s/pmm-fuzz-%d.tape", access("/dev/shm", W_OK) == 0 ? "/dev/shm" : "/tmp", (int)getpid());
  pmm_import_opts_t opts;
  pmm_import_opts_default(&opts);
  size_t const kind = ((data[0] & 3u) | (data[0] >> 5 & 7u) << 2) % (sizeof KIND / sizeof KIND[0]);
  opts.format = KIND[kind].format;
  opts.outcome = OUTCOME[data[0] >> 2 & 3];
  opts.map = MAP[data[0] >> 2 & 3];
  opts.gap_ns = data[0] & 16 ? PMM_NS_PER_S : 0;
  opts.infer_trades = !(data[0] & 16);
  import_one(&opts, KIND[kind].name, data + 1, size - 1, path);
  return 0;
}
