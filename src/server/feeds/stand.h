/* server/feeds/stand.h -- inside of the stand-in feeds: a world of prices by steps of 100 ms that all of them look at, and what their
   services have in common: peers, pings, lives, silence. */
#ifndef PMM_SERVER_FEEDS_STAND_H
#define PMM_SERVER_FEEDS_STAND_H
#include "base/json.h"
#include "pmm/kalshi.h"
#include "pmm/rng.h"
#include "pmm/server.h"
#include "server/text.h"

#define PMM__STEP_NS (100 * PMM_NS_PER_MS)
#define PMM__STEPS_A_SECOND 10
#define PMM__STEPS_KEPT 49152 /* a little over 80 minutes: an hour's candle and the averages before it */
#define PMM__ASSETS_MAX 8
#define PMM__STAND_PEERS_MAX 64

/* -- the world -- */
typedef struct pmm__quote { int64_t bid_e8, ask_e8; uint32_t trade_cnt; /* trades up to and with this step */ bool traded, bought; } pmm__quote_t;
typedef struct pmm__asset {
  const char *token;           /* "btc" */
  pmm__quote_t *step;          /* ring */
  pmm_rng_t rng;
  double log_mid;
  size_t script_at;            /* next row */
} pmm__asset_t;
typedef struct pmm__row { int64_t at_ns, bid_e8, ask_e8; uint8_t asset; } pmm__row_t;
typedef struct pmm__world {
  int64_t start_ns, newest;    /* newest: last step known, counted from 1970 */
  double step_sigma;
  uint32_t asset_cnt;
  pmm__asset_t asset[PMM__ASSETS_MAX];
  pmm__row_t *row; size_t row_cnt;
} pmm__world_t;
pmm_status_t pmm__world_open(pmm__world_t *w, const pmm_feed_stand_params_t *params, pmm_error_t *err);
void pmm__world_close(pmm__world_t *w);
void pmm__world_advance(pmm__world_t *w, int64_t now_ns);
/* Times must be known and kept: at most the last advance, at least 80 minutes before it. */
const pmm__quote_t *pmm__world_at(const pmm__world_t *w, uint32_t asset, int64_t at_ns);
int64_t pmm__world_mid(const pmm__world_t *w, uint32_t asset, int64_t at_ns);
/* Mean of the n mids at whole seconds that end with at_ns. */
int64_t pmm__world_mean(const pmm__world_t *w, uint32_t asset, int64_t at_ns, int n);
int64_t pmm__world_twap(const pmm__world_t *w, uint32_t asset, int64_t at_ns, int window_s); /* stamped at_ns: the window ends 3 s before it */
/* "btc", "BTC-USD", "btcusdt", "BRTI" ... : the asset's number, or -1 when suffix is not behind it. Any case. */
int pmm__world_asset(const pmm__world_t *w, const char *symbol, size_t len, const char *suffix);
const char *pmm__world_index(const pmm__world_t *w, uint32_t asset); /* "BRTI", or NULL */

/* -- services -- */
typedef struct pmm__stand_peer {
  pmm_peer_t *peer;            /* NULL: free */
  bool combined, micro, authed, subscribed, unsubscribed_ever;
  uint32_t sub[PMM_CHANNEL_CNT]; /* bit per asset */
  uint64_t seq[PMM_CHANNEL_CNT + 1];
  int64_t opened_ns, ping_ns, pong_ns, second_ns, data_ns;
  uint32_t in_second, sub_in_second, items, auth_tries, missed_pongs;
  uint64_t heartbeats;
} pmm__stand_peer_t;

typedef struct pmm__stand pmm__stand_t;
typedef struct pmm__stand_ops {
  const char *name;
  int64_t ping_ns, pong_ns;    /* ping this often; cut when no pong for so long */
  int64_t life_ns;
  int (*upgrade)(pmm__stand_t *s, pmm__stand_peer_t *p, const pmm_request_t *request, char *refusal, size_t cap);
  void (*opened)(pmm__stand_t *s, pmm__stand_peer_t *p);
  void (*message)(pmm__stand_t *s, pmm__stand_peer_t *p, const char *text, size_t len);
  void (*step)(pmm__stand_t *s, pmm__stand_peer_t *p, int64_t at_ns); /* every 100 ms, for each peer */
  void (*http)(pmm__stand_t *s, pmm_call_t *call, const pmm_request_t *request);
} pmm__stand_ops_t;
extern const pmm__stand_ops_t pmm__stand_binance, pmm__stand_coinbase, pmm__stand_advanced, pmm__stand_rtds, pmm__stand_polybolt, pmm__stand_kalshi;

struct pmm__stand {
  pmm_service_t base;
  pmm_feed_stand_t *all;
  const pmm__stand_ops_t *ops;
  pmm__world_t *world;
  pmm_feed_stand_knobs_t knobs;
  pmm__stand_peer_t peer[PMM__STAND_PEERS_MAX];
  int64_t at_ns;               /* last step done */
  bool shutdown_told, close_done;
  pmm_text_t text;
  pmm_json_parser_t *json;
};
struct pmm_feed_stand {
  pmm_feed_stand_params_t params;
  pmm_kalshi_key_t *kalshi_key;
  pmm__world_t world;
  pmm__stand_t stand[PMM_FEED_CNT];
};

void pmm__stand_send(pmm__stand_t *s, pmm__stand_peer_t *p); /* what stands in s->text; nothing while muted. Clears it */
void pmm__stand_close(pmm__stand_t *s, pmm__stand_peer_t *p, int code, const char *why);
static inline bool pmm__every(uint32_t n, int64_t count) { return n && count % n == n - 1; } /* of counts from 0 the nth, 2nth, ... */
static inline bool pmm__on_second(int64_t at_ns) { return at_ns % PMM_NS_PER_S == 0; }
const pmm_json_node_t *pmm__stand_parse(pmm__stand_t *s, const char *text, size_t len); /* NULL: no JSON */
void pmm__put_iso(pmm_text_t *t, const char *key, int64_t ns, int digits);
void pmm__put_price(pmm_text_t *t, const char *key, int64_t value_e8, int decimals); /* a string */
#endif
