/* feed/codec.h -- what the six codecs share: reading JSON nodes into fixed point with the place of any trouble, finding the
   stream a symbol belongs to, and sequence counters that are committed only when the whole frame was good. */
#ifndef PMM_FEED_CODEC_H
#define PMM_FEED_CODEC_H
#include "base/json.h"
#include "pmm/feed.h"

#define PMM__TICKS_MAX 4096 /* of one frame: the longest back-fills known have 120 points a symbol, trade snapshots 1000 */
#define PMM__INNER_MAX 1024 /* JSON inside a string */
#define PMM__SCAN_NODES 1024 /* documents that the quick reader takes */
#define PMM__SCAN_COPY 1024

/* Counters of one stream. `next` holds what the frame under way will commit. */
typedef struct pmm__counter {
  uint64_t seq, last_id; /* last seen; last_id: trade id that an aggregate ended with or a heartbeat told */
  bool has;
} pmm__counter_t;

typedef struct pmm__codec_ops {
  const char *name;
  uint32_t channels;                                           /* bits 1 << pmm_feed_channel_t */
  bool (*symbol_ok)(const pmm_feed_stream_t *stream);
  pmm_status_t (*decode)(pmm_feed_codec_t *c, const pmm_json_node_t *root, pmm_feed_frame_t *out);
  /* A frame that is no JSON object or array; NULL: refused. */
  pmm_status_t (*plain)(pmm_feed_codec_t *c, const char *text, size_t len, pmm_feed_frame_t *out);
  pmm_status_t (*url)(const pmm_feed_codec_t *c, const char *base, char *buf, size_t cap);
  pmm_status_t (*hello)(const pmm_feed_codec_t *c, size_t n, bool on, char *buf, size_t cap, size_t *len, bool *wait);
} pmm__codec_ops_t;
extern const pmm__codec_ops_t pmm__binance_ops, pmm__coinbase_ops, pmm__advanced_ops, pmm__rtds_ops, pmm__polybolt_ops, pmm__kalshi_index_ops;

struct pmm_feed_codec {
  const pmm__codec_ops_t *ops;
  pmm_json_parser_t *json, *inner_json;
  pmm_feed_stream_t stream[PMM_FEED_STREAMS_MAX];
  size_t symbol_len[PMM_FEED_STREAMS_MAX];
  size_t stream_cnt;
  bool microseconds, by_message, filtered;
  pmm_feed_login_t login;
  pmm__counter_t counter[PMM_FEED_STREAMS_MAX], next[PMM_FEED_STREAMS_MAX];
  pmm__counter_t conn[PMM_CHANNEL_CNT + 1], conn_next[PMM_CHANNEL_CNT + 1]; /* a connection's or a channel's own numbering */
  pmm_feed_tick_t *tick;
  size_t tick_cnt;
  pmm_feed_level_t *level;
  size_t level_cnt, levels_max;
  const char *why, *lack; /* of a failed decode, and what follows it */
  size_t at;
  char inner[PMM__INNER_MAX + PMM_JSON_PAD];
  pmm_json_node_t scanned[PMM__SCAN_NODES], inner_scanned[PMM__SCAN_NODES];
  char copy[PMM__SCAN_COPY], inner_copy[PMM__SCAN_COPY];
};

/* scan.c: the nodes of a document, as pmm_json_parse gives them, or false: let that one read it. PMM_JSON_PAD readable bytes follow the text. */
bool pmm__feed_scan(const char *text, size_t len, pmm_json_node_t node[PMM__SCAN_NODES], char copy[PMM__SCAN_COPY]);

/* -- reading; each returns PMM_OK or PMM_PARSE with c->at and c->why set; a missing node (NULL) is trouble at `parent` -- */
pmm_status_t pmm__feed_bad(pmm_feed_codec_t *c, const pmm_json_node_t *node, const char *why);
pmm_status_t pmm__feed_read_price(pmm_feed_codec_t *c, const pmm_json_node_t *object, const char *key, int64_t *out); /* > 0 */
pmm_status_t pmm__read_size(pmm_feed_codec_t *c, const pmm_json_node_t *object, const char *key, int64_t *out);  /* >= 0 */
pmm_status_t pmm__read_u64(pmm_feed_codec_t *c, const pmm_json_node_t *object, const char *key, uint64_t *out);  /* number or digits in a string */
pmm_status_t pmm__read_epoch(pmm_feed_codec_t *c, const pmm_json_node_t *object, const char *key, int64_t *out_ns); /* ms or us, by magnitude */
pmm_status_t pmm__read_iso(pmm_feed_codec_t *c, const pmm_json_node_t *object, const char *key, int64_t *out_ns);
pmm_status_t pmm__price_of(pmm_feed_codec_t *c, const pmm_json_node_t *node, int64_t *out);
pmm_status_t pmm__size_of(pmm_feed_codec_t *c, const pmm_json_node_t *node, int64_t *out);
pmm_status_t pmm__price_e18(pmm_feed_codec_t *c, const pmm_json_node_t *node, int64_t *out); /* an integer scaled by 10^18 */
bool pmm__is_empty(const pmm_json_node_t *node); /* absent, null, or "" */
/* JSON inside a string. */
pmm_status_t pmm__read_inner(pmm_feed_codec_t *c, const pmm_json_node_t *node, const pmm_json_node_t **root);

/* -- streams -- */
#define PMM__NO_STREAM (-1)
int pmm__stream_of(const pmm_feed_codec_t *c, pmm_feed_channel_t channel, const pmm_json_node_t *symbol, uint32_t window_s);
bool pmm__has_channel(const pmm_feed_codec_t *c, pmm_feed_channel_t channel);
/* True at the first stream of its channel (and window): so that each channel is asked for once. */
bool pmm__first_of_channel(const pmm_feed_codec_t *c, size_t i);

/* -- ticks and counters -- */
/* A zeroed tick of that stream without times, or NULL when the frame holds too many: return pmm__too_many. */
pmm_feed_tick_t *pmm__tick(pmm_feed_codec_t *c, int stream, pmm_feed_tick_kind_t kind);
pmm_status_t pmm__too_many(pmm_feed_codec_t *c);
pmm_status_t pmm__level(pmm_feed_codec_t *c, int64_t price_e8, int64_t qty_e8, pmm_side_t side);
typedef enum pmm__step { PMM__BY_ONE, PMM__RISING } pmm__step_t;
/* Moves a counter on to seq and flags the tick: LATE when seq does not rise, GAP with `missed` when BY_ONE and numbers are missing. */
void pmm__count(pmm__counter_t *counter, pmm__step_t step, uint64_t seq, pmm_feed_tick_t *tick);
/* The same for a connection's numbering, into the frame; false when seq is not new. */
bool pmm__count_conn(pmm__counter_t *counter, uint64_t seq, pmm_feed_frame_t *out);

/* -- writing -- */
typedef struct pmm__out { char *buf; size_t cap, len; bool full; } pmm__out_t;
void pmm__feed_put(pmm__out_t *o, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
void pmm__feed_put_quoted(pmm__out_t *o, const char *text); /* a JSON string, escaped */
pmm_status_t pmm__put_end(const pmm__out_t *o, size_t *len);
/* Copies text for people into frame->text: printable ASCII only, cut. */
void pmm__say(pmm_feed_frame_t *frame, const char *what, const pmm_json_node_t *text);
#endif
