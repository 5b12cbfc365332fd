/* feed/adapter.h -- inside of the adapter: links (connections to one host, with one codec for each of two connections that overlap while rotating)
   carry streams; each stream is a configured feed, which belongs to an underlying. */
#ifndef PMM_FEED_ADAPTER_H
#define PMM_FEED_ADAPTER_H
#include "pmm/feed.h"
#include "pmm/kalshi.h"
#include "pmm/net.h"

#define PMM__BEAT_NS (250 * PMM_NS_PER_MS) /* the adapter looks at everything this often */
#define PMM__LOGIN_MAX 256
#define PMM__NOTICE_NS (60 * PMM_NS_PER_S) /* the same trouble of the same feed is told once a minute */

typedef enum pmm__trouble {
  PMM__BAD_FRAME, PMM__GAP, PMM__REFUSED, PMM__CONFLICT, PMM__CLOCK, PMM__LAG, PMM__JUMP, PMM__SEND, PMM__STALE, PMM__TROUBLE_CNT
} pmm__trouble_t;

typedef struct pmm__feed { /* one of the configuration's */
  const pmm_feed_params_t *params; /* a copy of ours */
  uint32_t link, stream;           /* stream: index in the link's codecs */
  uint32_t under, source;          /* source: index in the underlying's merge */
  uint32_t entry;                  /* in the table of underlyings: raw prices or the averaged series; UINT32_MAX none */
  uint8_t channel;
  bool warned;
  int64_t lag_ns, price_ns;        /* price_ns: monotonic time of its last price */
  uint64_t prices, gaps;
} pmm__feed_t;

typedef struct pmm__slot { /* one connection */
  uint32_t conn;                   /* 0: free */
  bool open, waits, authed;
  size_t hello;                    /* next frame to send */
  uint32_t auth_tries; int64_t auth_ns; /* again at; PMM_NS_MAX */
  int64_t opened_ns, price_ns, ping_ns;
  uint64_t seen;                   /* streams with news, by bit */
  pmm_feed_codec_t *codec;
} pmm__slot_t;

typedef struct pmm__link {
  struct pmm_feeds *feeds;
  pmm_feed_source_t source;
  const pmm_feed_rules_t *rules;
  const char *name, *base;         /* of its first feed */
  char key[PMM__LOGIN_MAX], secret[PMM__LOGIN_MAX], passphrase[PMM__LOGIN_MAX]; /* wiped at close */
  pmm_kalshi_key_t *kalshi_key;
  pmm_kalshi_signer_t *signer;
  char path[PMM_KALSHI_PATH_BUF];
  pmm_feed_stream_t stream[PMM_FEED_STREAMS_MAX];
  uint32_t feed_of[PMM_FEED_STREAMS_MAX];
  uint32_t stream_cnt;
  uint64_t price_mask;             /* streams that must have news before a fresh connection replaces the old */
  pmm__slot_t slot[2];
  pmm_bucket_t bucket;
  pmm_ws_t *ws;
  bool stopped;
  int64_t regained_ns;             /* last reconnect for a gap */
  int64_t told_ns[PMM__TROUBLE_CNT];
  uint64_t untold[PMM__TROUBLE_CNT];
  uint64_t messages, parse_errors, connections;
} pmm__link_t;

typedef struct pmm__under {
  char id[PMM_PARAM_TEXT_MAX];
  pmm_merge_t merge;
  uint32_t feed_of[PMM_MERGE_SOURCES_MAX];
  uint32_t entry;                  /* of the checked price */
  pmm_settle_series_t *twap, *spot, *open, *close, *mean; /* NULL: no feed carries it; mean: whole minutes that Kalshi's relay gave */
  bool priced, told; uint8_t why;
  int64_t price_e8, sent_ns;
} pmm__under_t;

struct pmm_feeds {
  pmm_net_t *net;
  pmm_feed_sink_t sink;
  pmm_merge_params_t merge_params;
  bool raw;
  pmm_feed_params_t params[PMM_FEEDS_MAX];
  pmm__feed_t feed[PMM_FEEDS_MAX]; uint32_t feed_cnt;
  pmm__link_t link[PMM_FEEDS_MAX]; uint32_t link_cnt;
  pmm__under_t under[PMM_FEEDS_MAX]; uint32_t under_cnt;
  pmm_underlying_t entry[2 * PMM_FEEDS_MAX]; uint32_t entry_cnt;
  pmm_timer_t timer;
  char out[PMM_FEED_OUT_MAX];      /* frames on their way; wiped after a credential */
};

/* channels.c: "" or the source's own name for it, to channel and window; symbol in the source's spelling. PMM_INVAL. */
pmm_status_t pmm__stream_of_params(const pmm_feed_params_t *params, pmm_feed_stream_t *stream, pmm_error_t *err);
bool pmm__is_foreign(const pmm_feed_stream_t *stream, pmm_feed_source_t source); /* quoted in something that is not dollars */

/* login.c */
pmm_status_t pmm__login_take(pmm__link_t *link, const pmm_secrets_t *secrets, pmm_error_t *err);
void pmm__login_wipe(pmm__link_t *link);
pmm_status_t pmm__login_headers(pmm__link_t *link, pmm_header_t header[PMM_WS_HEADERS_MAX], size_t *cnt);

/* link.c */
pmm_status_t pmm__feed_link_open(pmm__link_t *link, pmm_error_t *err);
void pmm__link_close(pmm__link_t *link);
void pmm__link_beat(pmm__link_t *link, int64_t mono_ns);
void pmm__feed_tell(pmm__link_t *link, pmm__trouble_t trouble, pmm_severity_t severity, const char *code, const char *text);

/* feeds.c: what a link brings. live: the first connection came, or the last one went. */
void pmm__on_connected(struct pmm_feeds *feeds, pmm__link_t *link, bool up, int64_t mono_ns);
void pmm__on_tick(struct pmm_feeds *feeds, pmm__link_t *link, const pmm_feed_tick_t *tick, int64_t mono_ns);
void pmm__on_gap(struct pmm_feeds *feeds, pmm__link_t *link);
void pmm__after_frame(struct pmm_feeds *feeds, pmm__link_t *link, int64_t mono_ns); /* all ticks of a frame are in: prices may be sent */
#endif
