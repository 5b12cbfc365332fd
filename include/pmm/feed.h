/* pmm/feed.h -- prices of underlyings from outside: six feeds spoken, checked, merged, and turned into what settles a market.

   Four parts, each usable alone and each without I/O but the last:
     codec    bytes of one connection -> ticks, acknowledgements, errors, gaps; and the frames a client sends
     merge    ticks of several sources -> one checked price, or none: it fails closed
     settle   prints of a settlement series -> strikes, final values, running averages
     series   slugs and tickers of up-or-down and crypto series -> window, strike instant, which source settles
     adapter  pmm_feed_open: all of it over pmm/net.h

   Prices are value_e8, cut (never rounded up) where a source has more decimals; no price passes through a double.
   Three times are kept apart: the source's (source_ns), the relay's (send_ns), and our receipt, which the caller brings: staleness is judged
   on the local monotonic clock alone, the source's time orders prints and captures boundaries.
   References: vendor documentation of each feed, state of 2026-11. */
#ifndef PMM_FEED_H
#define PMM_FEED_H
#include "pmm/event.h"
#include "pmm/pricing.h"
#include "pmm/settings.h"
#include "pmm/types.h"

/* -- feeds and channels -- */
#define PMM_FEED_CNT (PMM_FEED_KALSHI_INDEX + 1) /* pmm_feed_source_t, in pmm/settings.h */
const char *pmm_feed_to_string(pmm_feed_source_t feed); /* static storage, never NULL */
pmm_status_t pmm_feed_from_string(const char *text, pmm_feed_source_t *out); /* PMM_NOT_FOUND */

/* What a stream carries. Not every feed has every channel: pmm_feed_codec_open refuses what it has not. */
typedef enum pmm_feed_channel {
  PMM_CHANNEL_TRADE,     /* each print: binance trade, coinbase matches, advanced market_trades */
  PMM_CHANNEL_AGG_TRADE, /* binance: each taker order */
  PMM_CHANNEL_TOP,       /* best bid and ask: binance bookTicker, coinbase and advanced ticker */
  PMM_CHANNEL_TOP_SLOW,  /* ticker_batch, every 5 s */
  PMM_CHANNEL_DEPTH,     /* changes of the book: binance depth@100ms, coinbase level2_batch, advanced level2 */
  PMM_CHANNEL_DEPTH_TOP, /* binance depth20@100ms: a full picture each time */
  PMM_CHANNEL_CANDLE,    /* binance kline; window_s is its length: 1, 60, 3600 */
  PMM_CHANNEL_RELAY,     /* rtds crypto_prices: Binance again, later */
  PMM_CHANNEL_SPOT,      /* rtds, polybolt: the oracle's instantaneous price */
  PMM_CHANNEL_TWAP,      /* rtds, polybolt: the oracle's average over window_s (30 or 60) */
  PMM_CHANNEL_TOKEN,     /* polybolt: best prices of an outcome token */
  PMM_CHANNEL_INDEX,     /* kalshi: each second, with averages */
  PMM_CHANNEL_INDEX_5HZ, /* kalshi: five times a second */
  PMM_CHANNEL_CNT
} pmm_feed_channel_t;

#define PMM_FEED_SYMBOL_MAX 80 /* token ids have up to 78 digits */
#define PMM_FEED_STREAMS_MAX 64
typedef struct pmm_feed_stream {
  uint8_t channel;                  /* pmm_feed_channel_t */
  uint16_t window_s;                /* TWAP, CANDLE; else 0 */
  char symbol[PMM_FEED_SYMBOL_MAX]; /* in the feed's own spelling: "BTCUSDT", "BTC-USD", "btc/usd", "btcusd", "BRTI" */
} pmm_feed_stream_t;

/* -- codec: one per connection. Allocates in open; afterwards only while the longest frame yet grows. -- */
typedef enum pmm_feed_tick_kind {
  PMM_TICK_TRADE,  /* price, qty, side of the taker */
  PMM_TICK_TOP,    /* bid, ask; price = last trade where the feed tells it, else 0 */
  PMM_TICK_SPOT,   /* price: an index or oracle value */
  PMM_TICK_TWAP,   /* price: mean over the stream's window_s ending at source_ns */
  PMM_TICK_MEAN,   /* price: mean of window_cnt one-second values so far of the window start_ns .. end_ns */
  PMM_TICK_CANDLE, /* open in bid_e8, close in price_e8; start_ns, end_ns (exclusive); final only with PMM_TICK_FINAL */
  PMM_TICK_BEAT    /* no price: the stream is alive */
} pmm_feed_tick_kind_t;

enum { /* pmm_feed_tick_t.flags */
  PMM_TICK_HISTORY = 1, /* back-fill or snapshot: no news, does not make a source healthy */
  PMM_TICK_GAP = 2,     /* `missed` messages of this stream went missing before this one (0: unknown how many) */
  PMM_TICK_LATE = 4,    /* older than one already given, or a repetition: for records only */
  PMM_TICK_FINAL = 8,   /* CANDLE: closed */
  PMM_TICK_TRAILING = 16 /* MEAN: the trailing minute, not the window of a market */
};

typedef struct pmm_feed_tick {
  int64_t source_ns; /* when the source says it happened, or PMM_TIME_NONE (binance bookTicker has no time) */
  int64_t send_ns;   /* when the relay sent it, or PMM_TIME_NONE */
  int64_t price_e8, bid_e8, ask_e8, qty_e8;
  int64_t start_ns, end_ns; /* MEAN, CANDLE */
  uint64_t seq;             /* rises along a stream: trade id, update id, source time in ms where the feed has no number */
  uint32_t missed;
  uint16_t stream;     /* index into the codec's streams */
  uint16_t window_cnt; /* MEAN: how many of the window's values are in */
  uint8_t kind, flags, side;
} pmm_feed_tick_t;

/* A level of a book that changed: qty_e8 is absolute, 0 removes. */
typedef struct pmm_feed_level { int64_t price_e8, qty_e8; uint8_t side; } pmm_feed_level_t;

typedef enum pmm_feed_frame_kind {
  PMM_FRAME_NOTHING, /* empty, unknown type, symbol not ours: ignored */
  PMM_FRAME_DATA,    /* ticks and, for depth channels, levels */
  PMM_FRAME_ACK,     /* a request was accepted */
  PMM_FRAME_AUTHED,  /* a credential was accepted: the frames behind it may follow */
  PMM_FRAME_PONG,
  PMM_FRAME_ERROR,   /* see advice, code and text */
  PMM_FRAME_GOAWAY   /* the server is about to close: open a replacement now */
} pmm_feed_frame_kind_t;

typedef enum pmm_feed_advice { /* what an error or a close asks of us */
  PMM_ADVICE_NONE,    /* log it, go on */
  PMM_ADVICE_RETRY,   /* reconnect after the usual backoff */
  PMM_ADVICE_LATER,   /* reconnect after a longer pause */
  PMM_ADVICE_SOON,    /* one reconnect after a uniform pause of up to 10 s: the server drains */
  PMM_ADVICE_AUTH,    /* authenticate again on this connection */
  PMM_ADVICE_STOP     /* a refused credential or a mistake of ours: do not come back */
} pmm_feed_advice_t;

typedef struct pmm_feed_frame {
  uint8_t kind;       /* pmm_feed_frame_kind_t */
  uint8_t advice;     /* pmm_feed_advice_t, with ERROR */
  bool gap;           /* messages of this connection went missing before this one: resubscribe or reconnect where derived state counts */
  uint32_t missed;    /* how many, 0 unknown */
  int32_t code;       /* ERROR: the feed's number, 0 none */
  const pmm_feed_tick_t *tick; size_t tick_cnt;    /* oldest first; the codec's memory, valid until its next call */
  const pmm_feed_level_t *level; size_t level_cnt; /* of stream level_stream */
  uint64_t first_id, last_id;                      /* update ids of a depth event, 0 none */
  uint16_t level_stream;
  bool level_snapshot;                             /* the levels replace the whole book */
  char text[192];     /* ERROR, ACK: for people; never a secret */
} pmm_feed_frame_t;

typedef struct pmm_feed_login { const char *key, *secret, *passphrase; } pmm_feed_login_t; /* borrowed for the codec's life, never copied */
typedef struct pmm_feed_codec_config {
  uint8_t feed;                    /* pmm_feed_source_t */
  const pmm_feed_stream_t *stream; /* copied */
  size_t stream_cnt;               /* 1 .. PMM_FEED_STREAMS_MAX */
  size_t levels_max;               /* of one depth frame; 0: depth channels are refused by open */
  bool microseconds;               /* binance: ask for microsecond times */
  bool by_message;                 /* binance: subscribe by message on /ws instead of in the URL */
  bool filtered;                   /* rtds: ask for our symbols only; default: all, filtered here, which is the most robust */
  pmm_feed_login_t login;          /* polybolt; key NULL: none */
} pmm_feed_codec_config_t;
typedef struct pmm_feed_codec pmm_feed_codec_t;

/* PMM_INVAL with err naming the stream (channel the feed has not, symbol spelt as the feed refuses it), PMM_FULL (memory). */
pmm_status_t pmm_feed_codec_open(pmm_feed_codec_t **codec, const pmm_feed_codec_config_t *config, pmm_error_t *err);
void pmm_feed_codec_close(pmm_feed_codec_t *codec); /* NULL is fine */
/* A new connection: counters start again. */
void pmm_feed_codec_reset(pmm_feed_codec_t *codec);

/* pmm_feed_decode reads one text frame; PMM_JSON_PAD (64) readable bytes must follow it. *frame is written only on PMM_OK. Unknown fields,
   types and symbols are no error. PMM_PARSE with the byte offset in err and every counter as it was; PMM_FULL (more ticks or levels in one
   frame than the codec holds). */
pmm_status_t pmm_feed_decode(pmm_feed_codec_t *codec, const char *text, size_t len, pmm_feed_frame_t *frame, pmm_error_t *err);

#define PMM_FEED_OUT_MAX 16384 /* bytes that hold any frame and URL below */
/* The URL to connect to, under base ("wss://stream.binance.com:9443"). PMM_FULL: cap. */
pmm_status_t pmm_feed_url(const pmm_feed_codec_t *codec, const char *base, char *buf, size_t cap);
/* The nth frame to send on a fresh connection, from 0; PMM_END behind the last. *wait: send no further one before PMM_FRAME_AUTHED.
   May hold a credential: cleanse buf after sending. */
pmm_status_t pmm_feed_hello(const pmm_feed_codec_t *codec, size_t n, char *buf, size_t cap, size_t *len, bool *wait);
/* The frame that takes every subscription back; PMM_END when the feed has none. n as above. */
pmm_status_t pmm_feed_goodbye(const pmm_feed_codec_t *codec, size_t n, char *buf, size_t cap, size_t *len);
/* Keep-alive text frame; PMM_END when the feed needs none (its server pings). */
pmm_status_t pmm_feed_ping(const pmm_feed_codec_t *codec, char *buf, size_t cap, size_t *len);

/* What a feed asks of its clients, from its documentation. */
typedef struct pmm_feed_rules {
  const char *url;            /* production */
  int64_t ping_ns;            /* text ping this often; 0: none */
  int64_t idle_ns;            /* not a byte for so long: dead */
  int64_t price_idle_ns;      /* connected but no price for so long: reconnect; 0: a silent channel may be healthy */
  int64_t rotate_ns;          /* open a fresh connection before the server cuts this one; 0: no limit known */
  double message_rate, message_cap; /* client messages a second, pings and pongs included */
  size_t message_max;         /* bytes of a frame */
  bool deflate;
} pmm_feed_rules_t;
const pmm_feed_rules_t *pmm_feed_rules(pmm_feed_source_t feed);
/* What a close code, or the HTTP status of a refused upgrade (else 0), asks of us. */
pmm_feed_advice_t pmm_feed_on_close(pmm_feed_source_t feed, int code, int http);

/* Ages at which a stream warns and is stale (section "merge"); PMM_NS_MAX: never by itself. */
typedef struct pmm_feed_limits { int64_t warn_ns, stale_ns, beat_ns /* heartbeat or ping older: stale */, lag_ns /* source time older: stale */; } pmm_feed_limits_t;
pmm_feed_limits_t pmm_feed_limits(pmm_feed_source_t feed, pmm_feed_channel_t channel);
/* How the engine should see prints of a channel. */
pmm_under_kind_t pmm_feed_under_kind(pmm_feed_channel_t channel);

#endif
