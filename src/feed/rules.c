/* What each feed asks of its clients, as tables. Sources: each vendor's documentation, 2026-11; staleness limits are our starting
   defaults. */
#include "pmm/feed.h"

#define S PMM_NS_PER_S
#define MS PMM_NS_PER_MS
#define MINUTE (60 * S)

/* clang-format off */
static const pmm_feed_rules_t RULES[PMM_FEED_CNT] = {
    /* Binance cuts after 24 h and pings every 20 s, so that 25 s without a byte is a dead socket, however quiet its trades; five client
       messages a second, our pongs among them, so we keep to four. */
    [PMM_FEED_BINANCE] = {.url = "wss://stream.binance.com:9443", .idle_ns = 25 * S, .rotate_ns = 23 * 60 * MINUTE + 30 * MINUTE,
                          .message_rate = 4, .message_cap = 4, .message_max = (size_t)1 << 20},
    /* Heartbeats come each second: 15 s without a byte is a dead socket. A snapshot of the book has several MB. */
    [PMM_FEED_COINBASE] = {.url = "wss://ws-feed.exchange.coinbase.com", .idle_ns = 15 * S, .message_rate = 50, .message_cap = 50,
                           .message_max = (size_t)16 << 20, .deflate = true},
    [PMM_FEED_COINBASE_ADVANCED] = {.url = "wss://advanced-trade-ws.coinbase.com", .idle_ns = 15 * S, .message_rate = 6, .message_cap = 6,
                                    .message_max = (size_t)16 << 20, .deflate = true},
    /* Open and silent for minutes has been seen: only prices count. */
    [PMM_FEED_RTDS] = {.url = "wss://ws-live-data.polymarket.com", .ping_ns = 5 * S, .price_idle_ns = 15 * S, .message_rate = 5, .message_cap = 10,
                       .message_max = (size_t)1 << 20},
    [PMM_FEED_POLYBOLT] = {.url = "wss://ws-live-v2.polymarket.com/ws", .idle_ns = 60 * S, .price_idle_ns = 15 * S, .message_rate = 15, .message_cap = 15,
                           .message_max = (size_t)1 << 20},
    [PMM_FEED_KALSHI_INDEX] = {.url = "wss://external-api-ws.kalshi.com/trade-api/ws/v2", .idle_ns = 30 * S, .price_idle_ns = 15 * S, .message_rate = 5,
                               .message_cap = 10, .message_max = (size_t)1 << 20},
};

typedef struct limits_row { uint8_t channel; pmm_feed_limits_t limits; } limits_row_t;
static const struct { uint8_t feed; limits_row_t row; } LIMITS[] = {
    {PMM_FEED_BINANCE, {PMM_CHANNEL_TOP, {1 * S, 3 * S, PMM_NS_MAX, PMM_NS_MAX}}}, /* no time in its frames: no lag */
    /* quiet seconds happen: a silent trade stream is healthy while its socket lives */
    {PMM_FEED_BINANCE, {PMM_CHANNEL_TRADE, {PMM_NS_MAX, PMM_NS_MAX, PMM_NS_MAX, 3 * S}}},
    {PMM_FEED_BINANCE, {PMM_CHANNEL_AGG_TRADE, {PMM_NS_MAX, PMM_NS_MAX, PMM_NS_MAX, 3 * S}}},
    {PMM_FEED_BINANCE, {PMM_CHANNEL_CANDLE, {3 * S, 10 * S, PMM_NS_MAX, 5 * S}}},
    {PMM_FEED_COINBASE, {PMM_CHANNEL_TOP, {3 * S, 10 * S, 5 * S, 3 * S}}},
    {PMM_FEED_COINBASE, {PMM_CHANNEL_TRADE, {3 * S, 10 * S, 5 * S, 3 * S}}},
    {PMM_FEED_COINBASE, {PMM_CHANNEL_TOP_SLOW, {8 * S, 15 * S, 5 * S, 10 * S}}},
    {PMM_FEED_COINBASE, {PMM_CHANNEL_DEPTH, {1 * S, 3 * S, 5 * S, 3 * S}}},
    {PMM_FEED_COINBASE_ADVANCED, {PMM_CHANNEL_TRADE, {3 * S, 10 * S, 5 * S, 3 * S}}},
    {PMM_FEED_COINBASE_ADVANCED, {PMM_CHANNEL_TOP, {3 * S, 10 * S, 5 * S, 3 * S}}},
    {PMM_FEED_COINBASE_ADVANCED, {PMM_CHANNEL_TOP_SLOW, {8 * S, 15 * S, 5 * S, 10 * S}}},
};
/* clang-format on */

const pmm_feed_rules_t *pmm_feed_rules(pmm_feed_source_t feed) { return &RULES[feed < PMM_FEED_CNT ? feed : 0]; }

/* Not in the table: books like a top of book, and everything that comes once a second. */
pmm_feed_limits_t pmm_feed_limits(pmm_feed_source_t feed, pmm_feed_channel_t channel) {
  for (size_t i = 0; i < sizeof LIMITS / sizeof LIMITS[0]; i++)
    if (LIMITS[i].feed == feed && LIMITS[i].row.channel == channel) return LIMITS[i].row.limits;
  if (channel == PMM_CHANNEL_DEPTH || channel == PMM_CHANNEL_DEPTH_TOP) return (pmm_feed_limits_t){1 * S, 3 * S, PMM_NS_MAX, 3 * S};
  return (pmm_feed_limits_t){3 * S, 5 * S, PMM_NS_MAX, 5 * S};
}

pmm_under_kind_t pmm_feed_under_kind(pmm_feed_channel_t channel) {
  switch (channel) {
  case PMM_CHANNEL_TWAP: return PMM_UNDER_TWAP;
  case PMM_CHANNEL_SPOT:
  case PMM_CHANNEL_INDEX:
  case PMM_CHANNEL_INDEX_5HZ: return PMM_UNDER_ORACLE;
  default: return PMM_UNDER_TRADE;
  }
}

static pmm_feed_advice_t on_refused_upgrade(int http) {
  switch (http) {
  case 401: /* a credential that will not become right */
  case 403:
  case 451: return PMM_ADVICE_STOP; /* the host refuses this country */
  case 418: /* banned for a while */
  case 429:
  case 503: return PMM_ADVICE_LATER;
  default: return PMM_ADVICE_RETRY;
  }
}

pmm_feed_advice_t pmm_feed_on_close(pmm_feed_source_t feed, int code, int http) {
  if (http) return on_refused_upgrade(http);
  if (feed == PMM_FEED_POLYBOLT) switch (code) {
    case 4001:                            /* credential refused */
    case 4008: return PMM_ADVICE_STOP;    /* policy: a mistake of ours, and coming back would repeat it */
    case 4002: return PMM_ADVICE_LATER;   /* slow reader, or two pongs missed */
    case 4003: return PMM_ADVICE_SOON;    /* draining */
    default: break;
    }
  if (code == 1008) return PMM_ADVICE_LATER; /* policy: most likely a rate limit */
  return PMM_ADVICE_RETRY;
}
