/* pmm/server.h -- the exchange as a server: dialects of venues over pmm_place_t, each a pmm_service_t (pmm/service.h), admin calls, stand-in price
   feeds, and the whole of `pmm exchange` put together from a configuration. */
#ifndef PMM_SERVER_H
#define PMM_SERVER_H
#include "pmm/feed.h"
#include "pmm/place.h"
#include "pmm/service.h"

/* -- one dialect -- */
typedef struct pmm_dialect_config {
  pmm_serve_params_t serve;
  pmm_place_t *place;                 /* borrowed; the dialect is its listener */
  uint64_t seed;                      /* of ids and keys it makes up */
  /* A secret by name for signing (Degen: DEGEN_EXCHANGE_SECRET), NULL when absent; valid until open or member returns. */
  const char *(*secret)(void *ctx, const char *name); void *secret_ctx;
  pmm_notice_sink_t notices;
} pmm_dialect_config_t;
typedef struct pmm_dialect_ops {
  pmm_venue_t venue;
  pmm_status_t (*open)(pmm_service_t **service, const pmm_dialect_config_t *config, pmm_error_t *err);
  void (*close)(pmm_service_t *service);
  /* A market of the place is listed, with what pmm_market_t does not hold (title, asset, neg_risk). Before the first request, or any time later. */
  pmm_status_t (*list)(pmm_service_t *service, uint32_t market, const pmm_listing_params_t *listing, pmm_error_t *err);
  /* An account of the place may come in with these credentials. */
  pmm_status_t (*member)(pmm_service_t *service, uint32_t account, const pmm_member_params_t *member, pmm_error_t *err);
  /* What a market needs before it enters the place: token ids, condition id, lot and smallest size, fee schedule of the venue; from the listing. */
  pmm_status_t (*market)(const pmm_listing_params_t *listing, int64_t now_ns, uint64_t seed, pmm_market_t *market, pmm_error_t *err);
  /* A state of the venue that no market and no account has, by the dialect's own word for it, from now on; value is a number x 10^9 (so that a
     duration is in ns). PMM_NOT_FOUND (no such state), PMM_INVAL (value). NULL: it has none. */
  pmm_status_t (*state)(pmm_service_t *service, const char *name, int64_t value_e9, int64_t now_ns);
  pmm_faults_bodies_t bodies;         /* what its rate limiter and failures say */
} pmm_dialect_ops_t;
extern const pmm_dialect_ops_t pmm_kalshi_dialect, pmm_polymarket_dialect, pmm_degen_dialect;
const pmm_dialect_ops_t *pmm_dialect_ops(pmm_venue_t venue); /* NULL for sim */

/* -- `pmm exchange`: places, dialects, members, listings, faults and stand-in feeds of a configuration -- */
typedef struct pmm_exchange pmm_exchange_t;
typedef struct pmm_exchange_config {
  const pmm_serve_params_t *serve; uint32_t serve_cnt;
  const pmm_listing_params_t *listing; uint32_t listing_cnt;
  const pmm_member_params_t *member; uint32_t member_cnt;
  const pmm_faults_params_t *faults;
  const pmm_scenario_params_t *scenario; const pmm_traders_params_t *traders; /* of listings without a tape */
  uint64_t seed;
  int64_t start_ns;
  const char *admin_token;            /* bearer token of /admin calls; NULL: they are refused */
  const char *(*secret)(void *ctx, const char *name); void *secret_ctx;
  pmm_notice_sink_t notices;
} pmm_exchange_config_t;
pmm_status_t pmm_exchange_open(pmm_exchange_t **exchange, const pmm_exchange_config_t *config, pmm_error_t *err);
void pmm_exchange_close(pmm_exchange_t *exchange);
/* The service of serve[i]: admin calls, faults and dialect in one; for pmm_host_open or pmm_vnet_host. Of a price feed: its stand-in, whose prices follow
   the truth of the markets listed on an asset; it has no place (NULL). */
pmm_service_t *pmm_exchange_service(pmm_exchange_t *exchange, uint32_t i);
pmm_place_t *pmm_exchange_place(pmm_exchange_t *exchange, uint32_t i);
void pmm_exchange_faults(pmm_exchange_t *exchange, uint32_t i, const pmm_faults_params_t *faults); /* from now on */
/* Admin calls, on every service below /admin, bearer token, JSON; docs/exchange-server.md:
     POST /admin/markets {listing}             POST /admin/markets/ID/resolve {"outcome","payout"}   .../halt  .../open  .../close   .../tick {"tick"}
     POST /admin/accounts {member}             POST /admin/accounts/NAME/deposit {"amount"}          GET /admin/accounts/NAME (cash, locked, holdings, open orders, fees)
     GET /admin/check (conservation)           POST /admin/faults {faults}                           GET /admin/stats
     POST /admin/venue {"state","value"}: a state that only this venue has. Polymarket: restart, post_only, cancel_only (seconds), disabled (0, 1),
     version (1, 2) */

/* -- stand-in price feeds: one script (or a seeded walk) gives every feed's frames, consistent with each other, and a known settlement value.
   Services for pmm_host_open or pmm_vnet_host, one for each source; all live by their host's clock. -- */
typedef struct pmm_feed_stand_knobs { /* what goes wrong; 0 never. "every n": of that kind of message */
  uint32_t skip_depth_every, skip_trade_every;  /* binance: update ids, trade ids. coinbase: a match. advanced: see skip_number_every */
  uint32_t skip_number_every;                   /* advanced: sequence_num; polybolt: seq; kalshi: seq */
  uint32_t out_of_order_every;                  /* coinbase: a ticker with an older sequence */
  uint32_t dropped_every;                       /* polybolt: frames that tell that others were dropped */
  uint32_t skip_second_every, repeat_second_every; /* kalshi, rtds, polybolt: a value missing; kalshi: one time twice with two values */
  uint32_t empty_row_every;                     /* advanced: ticker_batch rows of empty strings */
  uint32_t snapshot_levels;                     /* coinbase: of level2_batch, beside the usual ones: a picture of several MB */
  bool stop_heartbeats;                         /* coinbase, advanced */
  bool string_counter, string_times;            /* advanced: heartbeat_counter; rtds: payload.timestamp */
  bool other_provider, empty_snapshot;          /* polybolt */
  bool no_index;                                /* kalshi: no values at all */
  int64_t life_ns;                              /* connections are cut when so old; 0: binance 24 h, others never */
  int64_t mute_from_ns, mute_until_ns;          /* wall time: open, and silent */
  int64_t hole_from_ns, hole_until_ns;          /* rtds: silent, and then all of it at once */
  int64_t shutdown_ns;                          /* wall time: binance: notice, and 1 s later cut */
  int64_t close_ns; int32_t close_code;         /* wall time: every connection is closed with that code, once */
} pmm_feed_stand_knobs_t;
typedef struct pmm_feed_stand_params {
  uint64_t seed;
  int64_t start_ns;              /* wall time; whole seconds. Before it prices stand still */
  const char *script;            /* lines "t,symbol,bid,ask": seconds from the start, "BTC", dollars; a symbol's quotes stand until its next line. NULL: walks */
  double volatility;             /* per year, of walks; 0: 0.5 */
  const char *polybolt_key, *polybolt_secret, *polybolt_passphrase; /* NULL: any that is not empty */
  const char *kalshi_public_pem; /* NULL: headers must be there, and are not verified */
} pmm_feed_stand_params_t;
typedef struct pmm_feed_stand pmm_feed_stand_t;
pmm_status_t pmm_feed_stand_open(pmm_feed_stand_t **stand, const pmm_feed_stand_params_t *params, pmm_error_t *err); /* PMM_PARSE: the script, with its line */
void pmm_feed_stand_close(pmm_feed_stand_t *stand);
pmm_service_t *pmm_feed_stand_service(pmm_feed_stand_t *stand, pmm_feed_source_t source);
void pmm_feed_stand_knobs(pmm_feed_stand_t *stand, pmm_feed_source_t source, const pmm_feed_stand_knobs_t *knobs); /* from now on */
/* What a market of that series settles on (at_end) or has as its strike. PMM_NOT_READY: not yet; PMM_NOT_FOUND: too long ago, or no such asset. */
pmm_status_t pmm_feed_stand_value(const pmm_feed_stand_t *stand, const pmm_series_t *series, bool at_end, int64_t *value_e8);
#endif
