/* Settings to streams: a source's own words for channels and symbols. */
#include <ctype.h>
#include <stdio.h>
#include <string.h>
#include "feed/adapter.h"

static const struct { uint8_t source; const char *name; uint8_t channel; uint16_t window_s; } CHANNELS[] = {
    {PMM_FEED_BINANCE, "bookTicker", PMM_CHANNEL_TOP, 0},
    {PMM_FEED_BINANCE, "trade", PMM_CHANNEL_TRADE, 0},
    {PMM_FEED_BINANCE, "aggTrade", PMM_CHANNEL_AGG_TRADE, 0},
    {PMM_FEED_BINANCE, "kline_1s", PMM_CHANNEL_CANDLE, 1},
    {PMM_FEED_BINANCE, "kline_1m", PMM_CHANNEL_CANDLE, 60},
    {PMM_FEED_BINANCE, "kline_1h", PMM_CHANNEL_CANDLE, 3600},
    {PMM_FEED_COINBASE, "ticker", PMM_CHANNEL_TOP, 0},
    {PMM_FEED_COINBASE, "matches", PMM_CHANNEL_TRADE, 0},
    {PMM_FEED_COINBASE, "ticker_batch", PMM_CHANNEL_TOP_SLOW, 0},
    {PMM_FEED_COINBASE_ADVANCED, "ticker", PMM_CHANNEL_TOP, 0},
    {PMM_FEED_COINBASE_ADVANCED, "market_trades", PMM_CHANNEL_TRADE, 0},
    {PMM_FEED_COINBASE_ADVANCED, "ticker_batch", PMM_CHANNEL_TOP_SLOW, 0},
    {PMM_FEED_RTDS, "crypto_prices_chainlink", PMM_CHANNEL_SPOT, 0},
    {PMM_FEED_RTDS, "crypto_prices_twap_sixty", PMM_CHANNEL_TWAP, 60},
    {PMM_FEED_RTDS, "crypto_prices_twap_thirty", PMM_CHANNEL_TWAP, 30},
    {PMM_FEED_RTDS, "crypto_prices", PMM_CHANNEL_RELAY, 0},
    {PMM_FEED_POLYBOLT, "price.crypto", PMM_CHANNEL_SPOT, 0},
    {PMM_FEED_POLYBOLT, "price.crypto.twap", PMM_CHANNEL_TWAP, 60},
    {PMM_FEED_KALSHI_INDEX, "cfbenchmarks_value", PMM_CHANNEL_INDEX, 0},
    {PMM_FEED_KALSHI_INDEX, "cfbenchmarks_value_5hz", PMM_CHANNEL_INDEX_5HZ, 0}};

/* The first of a source's rows is its usual one; what settles on Polymarket is the average behind the oracle's spot price. */
static bool is_row(size_t i, const pmm_feed_params_t *p) {
  if (CHANNELS[i].source != p->source) return false;
  if (p->channel[0]) return strcmp(CHANNELS[i].name, p->channel) == 0;
  bool const oracle = p->source == PMM_FEED_RTDS || p->source == PMM_FEED_POLYBOLT;
  return !(oracle && p->settlement) || CHANNELS[i].channel == PMM_CHANNEL_TWAP;
}

/* Upper case for exchanges and indices, lower case for the price sockets; an index by any of its names. */
static void spell(const pmm_feed_params_t *p, pmm_feed_stream_t *s) {
  bool const lower = p->source == PMM_FEED_RTDS || p->source == PMM_FEED_POLYBOLT;
  const char *name;
  snprintf(s->symbol, sizeof s->symbol, "%.*s", PMM_FEED_SYMBOL_MAX - 1, p->symbol);
  for (char *c = s->symbol; *c; c++) *c = (char)(lower ? tolower((unsigned char)*c) : toupper((unsigned char)*c));
  if (p->source == PMM_FEED_KALSHI_INDEX && pmm_series_index(s->symbol, &name) == PMM_OK) snprintf(s->symbol, sizeof s->symbol, "%s", name);
}

pmm_status_t pmm__stream_of_params(const pmm_feed_params_t *p, pmm_feed_stream_t *stream, pmm_error_t *err) {
  if (p->source < 0 || p->source >= PMM_FEED_CNT) return pmm_error_set(err, PMM_INVAL, "feed %s: no such source", p->name);
  if (strlen(p->symbol) >= sizeof stream->symbol) return pmm_error_set(err, PMM_INVAL, "feed %s: symbol too long", p->symbol);
  for (size_t i = 0; i < sizeof CHANNELS / sizeof CHANNELS[0]; i++) {
    if (!is_row(i, p)) continue;
    *stream = (pmm_feed_stream_t){.channel = CHANNELS[i].channel, .window_s = CHANNELS[i].window_s};
    spell(p, stream);
    return PMM_OK;
  }
  return pmm_error_set(err, PMM_INVAL, "feed %s %s: no channel \"%s\" to take prices from", pmm_feed_to_string((pmm_feed_source_t)p->source), p->symbol, p->channel);
}

bool pmm__is_foreign(const pmm_feed_stream_t *s, pmm_feed_source_t source) {
  size_t const len = strlen(s->symbol);
  bool const exchange = source == PMM_FEED_BINANCE || source == PMM_FEED_COINBASE || source == PMM_FEED_COINBASE_ADVANCED || s->channel == PMM_CHANNEL_RELAY;
  return exchange && (len < 3 || strcasecmp(s->symbol + len - 3, "usd") != 0);
}
