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
#include "pmm/venue.h"
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

/* -- merge: sources of one underlying -> one checked price. Pure and deterministic: the same calls give the same prices. Allocates nothing.
   A source counts when it is connected, has given news since (history does not count), is neither silent nor late beyond its limits, has
   bid < ask, no open gap, no contradiction, and, where it is quoted in another currency, a known basis. The price is the median of those; of
   two their mean, when they stand within max_dev of each other. A source further than max_dev from the median is out until it is within half
   of that. Fewer than the quorum: no price. A source's jump alone is not believed until another moves or jump_hold_ns have passed. -- */
#define PMM_MERGE_SOURCES_MAX 16
#define PMM_MERGE_SECONDS 128 /* of own prices kept for comparing with a series that is an average */

typedef struct pmm_merge_source_config {
  pmm_feed_limits_t limits;
  bool foreign;     /* quoted in another currency (USDT): compared with the reference, shifted by the basis, never used raw */
  bool reference;   /* bases are measured against this one; at most one */
  bool aside;       /* not in the median: an average, or a relay of another source of the list */
  uint16_t window_s; /* reference: its values are means over so long; 0 instantaneous */
} pmm_merge_source_config_t;

enum { /* what pmm_merge_tick noticed */
  PMM_MERGE_USED = 1,      /* the source's price is this tick's now */
  PMM_MERGE_LATE = 2,      /* older than one already seen, or the same again: not used */
  PMM_MERGE_CONFLICT = 4,  /* same number, other value: the source is not trusted until a newer one */
  PMM_MERGE_CROSSED = 8,   /* bid >= ask, or a side missing */
  PMM_MERGE_HELD = 16,     /* a jump, waiting for company */
  PMM_MERGE_CLOCK = 32,    /* from the future, or the lag of its quickest ticks has drifted: clocks need looking at */
  PMM_MERGE_LAGGING = 64   /* older than the source's limit: counts as stale */
};

typedef struct pmm_merge_source {
  pmm_merge_source_config_t config;
  bool connected, live, gap, conflict, crossed, lagging, out, held, has;
  int64_t price_e8, last_e8;      /* believed; last seen (before the jump filter) */
  int64_t held_e8, held_ns;       /* waiting since */
  int64_t seen_ns, beat_ns;       /* monotonic */
  uint64_t seq;
  pmm_ewma_t basis;               /* log(reference) - log(own) */
  double var; int32_t returns; int64_t sampled_ns; int64_t sampled_e8; /* of a second's log return */
  double second_log[PMM_MERGE_SECONDS]; int64_t second[PMM_MERGE_SECONDS]; /* own log price at the end of each wall second */
  int64_t lag_min_ns, lag_base_ns, lag_block_ns; bool lag_has_base; /* quickest tick of this minute, of the first, the minute's start */
  uint64_t late, conflicts, jumps, drops; /* counted for metrics */
} pmm_merge_source_t;

typedef struct pmm_merge {
  pmm_merge_params_t params;
  int64_t max_dev_e6;
  uint32_t source_cnt;
  bool split;                     /* two sources stood too far apart */
  pmm_merge_source_t source[PMM_MERGE_SOURCES_MAX];
} pmm_merge_t;

typedef enum pmm_merge_why { PMM_MERGE_OK, PMM_MERGE_NO_QUORUM, PMM_MERGE_SPLIT } pmm_merge_why_t;
typedef struct pmm_merged {
  int64_t price_e8;               /* 0 without a price */
  uint32_t healthy, used;         /* bit per source */
  uint8_t why;                    /* pmm_merge_why_t */
} pmm_merged_t;

/* PMM_INVAL: no source or too many, two references, a parameter out of its table's range. */
pmm_status_t pmm_merge_init(pmm_merge_t *merge, const pmm_merge_params_t *params, const pmm_merge_source_config_t *source, size_t cnt);
void pmm_merge_link(pmm_merge_t *merge, uint32_t source, bool up, int64_t mono_ns); /* connected (again), or lost */
void pmm_merge_beat(pmm_merge_t *merge, uint32_t source, int64_t mono_ns);          /* heartbeat or ping of its connection */
/* A gap is open: what is derived from this source cannot be used until pmm_merge_tick brings its next top of book or print. */
void pmm_merge_gap(pmm_merge_t *merge, uint32_t source);
/* One tick (TRADE, TOP, SPOT, TWAP; others are ignored). Returns PMM_MERGE_* bits. O(sources). */
uint32_t pmm_merge_tick(pmm_merge_t *merge, uint32_t source, const pmm_feed_tick_t *tick, int64_t mono_ns, int64_t wall_ns);
/* The price now; *out is written either way. PMM_NOT_READY with out->why. Decides who is out, so call it after each tick and when time has passed. */
pmm_status_t pmm_merge_price(pmm_merge_t *merge, int64_t mono_ns, pmm_merged_t *out);
/* When the answer may change without a tick: a source grows stale or a held jump is let go; PMM_NS_MAX: never. */
int64_t pmm_merge_next(const pmm_merge_t *merge, int64_t mono_ns);

/* -- settle: prints of the series that settles, by their own second. A strike is the print stamped exactly at its boundary. -- */
#define PMM_SETTLE_SECONDS 4096 /* kept: a little over an hour */
#define PMM_SETTLE_LATE_NS (2 * PMM_NS_PER_S)
#define PMM_SETTLE_GRACE_NS (10 * PMM_NS_PER_S) /* after this a print that is not there is missing */

enum { PMM_SETTLE_LATE = 1, PMM_SETTLE_CONFLICT = 2, PMM_SETTLE_INEXACT = 4, PMM_SETTLE_PROVISIONAL = 8 };
typedef struct pmm_settle_print {
  int64_t at_ns;     /* the series' own stamp; PMM_TIME_NONE: none */
  int64_t value_e8;  /* the first value seen for it */
  int64_t recv_ns;   /* wall clock */
  uint8_t flags;     /* LATE: came > 2 s after its stamp; CONFLICT: another value came for it; INEXACT: stamped within the second before, not on it */
} pmm_settle_print_t;
typedef struct pmm_settle_series {
  int64_t newest_s;  /* latest second with a print */
  uint64_t conflicts, late, missing, mismatches, checked;
  pmm_settle_print_t print[PMM_SETTLE_SECONDS];
} pmm_settle_series_t;

void pmm_settle_init(pmm_settle_series_t *series);
/* PMM_OK; PMM_EXISTS: the same again; PMM_CORRUPT: another value for a stamp that has one, which stays and is marked; PMM_INVAL: too old to keep,
   not above zero. */
pmm_status_t pmm_settle_add(pmm_settle_series_t *series, int64_t at_ns, int64_t value_e8, int64_t wall_ns);
/* The value at a boundary (a whole second). PMM_OK with the print stamped exactly there; or, when there is none and wall_ns is past it by 2 s,
   the first one at most 2 s behind it, PROVISIONAL. PMM_NOT_READY: may still come. PMM_NOT_FOUND: missing (counted once per call). */
pmm_status_t pmm_settle_at(pmm_settle_series_t *series, int64_t boundary_ns, int64_t wall_ns, pmm_settle_print_t *out);
/* Compares with what the venue published for that boundary, to 1e-8; PMM_CORRUPT counts a mismatch, PMM_NOT_FOUND when we have no print. */
pmm_status_t pmm_settle_verify(pmm_settle_series_t *series, int64_t boundary_ns, int64_t published_e8);

/* Mean of those of the n whole seconds ending at end_ns - lag_ns (that second in, the one n earlier out) that are known; *cnt of n.
   PMM_NOT_READY with none. n <= 3600. */
pmm_status_t pmm_settle_mean(const pmm_settle_series_t *series, int64_t end_ns, int64_t lag_ns, uint32_t n, uint32_t *cnt, int64_t *mean_e8);
/* With k of n values known, mean so far P and strike K, what the rest must average: (n K - k P) / (n - k), rounded up. PMM_STATE: k == n,
   all is known. PMM_INVAL: k > n. PMM_OVERFLOW. */
pmm_status_t pmm_settle_needed(uint32_t n, uint32_t k, int64_t mean_e8, int64_t strike_e8, int64_t *needed_e8);
/* Half up, to so many decimals (0 .. 8). */
int64_t pmm_settle_round(int64_t value_e8, int decimals);

/* Records for the engine: market is the index of the underlying's entry. */
pmm_md_t pmm_feed_md(uint32_t underlying, pmm_under_kind_t kind, int64_t value_e8, int64_t source_ns, int64_t recv_ns);
pmm_md_t pmm_feed_md_mean(uint32_t underlying, int64_t mean_e8, int64_t source_ns, int64_t recv_ns);

/* -- series: names of markets that settle on these feeds. Times of day in them are New York's: on the day that clocks go back an hour
   exists twice, on the day they go forward one does not exist. So a name may stand for two windows: keep rows by their UTC start. -- */
typedef enum pmm_settles_on {
  PMM_SETTLES_UNKNOWN,
  PMM_SETTLES_CHAINLINK_TWAP60, /* the print of the 60 s average stream at the boundary */
  PMM_SETTLES_BINANCE_1H,       /* open and close of the hour's candle */
  PMM_SETTLES_BINANCE_1M,       /* close of the minute's candle that starts at the boundary */
  PMM_SETTLES_CF_MEAN60         /* mean of the index's 60 one-second values in (boundary - 60 s, boundary] */
} pmm_settles_on_t;
typedef enum pmm_settle_test { PMM_TEST_GE, PMM_TEST_GT, PMM_TEST_LT, PMM_TEST_BETWEEN /* both ends in */ } pmm_settle_test_t;

typedef struct pmm_series {
  uint8_t venue;               /* pmm_venue_t */
  uint8_t settles_on;          /* pmm_settles_on_t */
  uint8_t test;                /* pmm_settle_test_t; of a Kalshi range or its tails the market's own words decide: see ask_market */
  int8_t decimals;             /* the value is rounded to so many; -1: not */
  bool strike_at_start;        /* the strike is the series' value at start_ns */
  bool ask_market;             /* strike and test must come from the market's own fields */
  char asset[12];              /* "BTC" */
  char symbol[24];             /* the settling series in its feed's words: "btcusd", "BTCUSDT", "BRTI" */
  int64_t start_ns, end_ns;    /* strike instant (PMM_TIME_NONE: no such) and settle instant */
  int64_t strike_e8, cap_e8;   /* from the name; 0 not there */
  int64_t window_ns;           /* length of the average that settles; 0: a single value */
} pmm_series_t;

#define PMM_SERIES_CANDIDATES 2
/* Reads a slug or ticker. now_ns helps a slug without a year: the year that brings it nearest. Candidates in order of time; *cnt is 1 or 2.
   PMM_NOT_FOUND: not of a series known here. PMM_UNSUPPORTED: known, and settled by a rule that nothing here can follow. PMM_PARSE: of a known
   series but malformed, or a time that does not exist. */
pmm_status_t pmm_series_parse(const char *name, int64_t now_ns, pmm_series_t out[PMM_SERIES_CANDIDATES], size_t *cnt, pmm_error_t *err);
/* The slug of the up-or-down window of 5 or 15 minutes that contains now. asset: "btc". PMM_INVAL. */
pmm_status_t pmm_series_updown_slug(const char *asset, int minutes, int64_t now_ns, char *buf, size_t cap);
/* Whether what the market says about itself is the rule that the series stands for. resolution_source: its URL, "" unknown; twap: it says that
   averages are on; lookback_s of them. PMM_UNSUPPORTED: do not quote it. */
pmm_status_t pmm_series_check(const pmm_series_t *series, const char *resolution_source, bool twap, int lookback_s, pmm_error_t *err);
/* "BRTI", "ERTI", "ETHUSDRTI", ... to the name on the wire; PMM_NOT_FOUND. Static storage. */
pmm_status_t pmm_series_index(const char *prose, const char **name);
/* "greater_or_equal", "greater", "less", "between": a market's strike_type. PMM_NOT_FOUND. */
pmm_status_t pmm_series_test(const char *strike_type, pmm_settle_test_t *test);
/* Whether YES (Up) wins. cap_e8 counts with BETWEEN only. */
bool pmm_series_wins(pmm_settle_test_t test, int64_t value_e8, int64_t strike_e8, int64_t cap_e8);
/* New York's clock (rules since 2007: forward on the second Sunday of March, back on the first of November, at 2 am). */
int64_t pmm_new_york_offset_ns(int64_t utc_ns); /* local minus UTC: -4 h or -5 h */
/* The instants at which New York's clocks show local_ns (a time written as if it were UTC): 0, 1 or 2 of them. */
size_t pmm_new_york_to_utc(int64_t local_ns, int64_t out_ns[2]);

/* -- adapter: the feeds of a configuration over a net. One connection for each host; subscriptions, keep-alive, rate limits, backoff, rotation and
   re-seeding by each feed's rules. What comes out is records for the engine: one checked price for each underlying, the averaged series beside
   it, and means of settlement windows. Without a checked price nothing is sent for an underlying, and `priced` says so at once. -- */
typedef struct pmm_feeds pmm_feeds_t;
typedef struct pmm_feed_sink {
  void *ctx;
  void (*md)(void *ctx, const pmm_md_t *md, size_t cnt); /* UNDERLYING and SETTLE_MEAN; market = entry of pmm_feed_underlyings; recv_ns: wall clock */
  void (*priced)(void *ctx, uint32_t underlying, bool priced, const char *why); /* the checked price came, or went; may be NULL */
  pmm_notice_sink_t notices;
} pmm_feed_sink_t;
typedef struct pmm_feeds_config {
  const pmm_feed_params_t *feed; uint32_t feed_cnt;
  const pmm_merge_params_t *merge;
  pmm_secrets_t secrets;    /* CLOB_API_KEY, CLOB_SECRET, CLOB_PASS_PHRASE; KALSHI_API_KEY_ID, KALSHI_PRIVATE_KEY_PATH: of the feeds that need them */
  bool raw;                 /* for recording: every source's own prices, one entry a feed, and no merging */
} pmm_feeds_config_t;
/* PMM_INVAL (a symbol, a channel, a URL), PMM_NOT_FOUND (a missing secret, by name), PMM_FULL. Connections are made afterwards. */
pmm_status_t pmm_feed_open(pmm_feeds_t **feeds, pmm_net_t *net, const pmm_feeds_config_t *config, const pmm_feed_sink_t *sink, pmm_error_t *err);
void pmm_feed_close(pmm_feeds_t *feeds); /* NULL is fine; no callback afterwards */
/* The table that records refer to; fixed from open on. Entries with one id belong together. */
const pmm_underlying_t *pmm_feed_underlyings(const pmm_feeds_t *feeds, uint32_t *cnt);

/* The settling series' value at a market's start (its strike) or end, if a feed that carries it is open, rounded as the series says. Status and
   flags as pmm_settle_at; PMM_UNSUPPORTED: no feed of that series is configured; PMM_INVAL: the series has no such instant. */
pmm_status_t pmm_feed_value(pmm_feeds_t *feeds, const pmm_series_t *series, bool at_end, pmm_settle_print_t *out);
/* What the venue published for it; differences are counted and told. */
pmm_status_t pmm_feed_verify(pmm_feeds_t *feeds, const pmm_series_t *series, bool at_end, int64_t published_e8);

typedef struct pmm_feed_status { /* one configured feed */
  const char *name, *underlying;
  bool connected, healthy;
  int64_t age_ns;                /* of its last price; PMM_NS_MAX: none yet */
  int64_t lag_ns;                /* last receive minus source time; PMM_TIME_NONE */
  double basis_bps;
  uint64_t messages, prices, parse_errors, gaps, late, conflicts, jumps, drops, connections;
} pmm_feed_status_t;
pmm_status_t pmm_feed_status(const pmm_feeds_t *feeds, uint32_t feed, pmm_feed_status_t *out); /* PMM_INVAL: no such feed */

#endif
