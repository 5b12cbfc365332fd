/* pmm/server.h -- the exchange as a server: dialects of venues over pmm_place_t, each a pmm_service_t (pmm/service.h), admin calls, stand-in price
   feeds, and the whole of `pmm exchange` put together from a configuration. */
#ifndef PMM_SERVER_H
#define PMM_SERVER_H
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
/* The service of serve[i]: admin calls, faults and dialect in one; for pmm_host_open or pmm_vnet_host. */
pmm_service_t *pmm_exchange_service(pmm_exchange_t *exchange, uint32_t i);
pmm_place_t *pmm_exchange_place(pmm_exchange_t *exchange, uint32_t i);
void pmm_exchange_faults(pmm_exchange_t *exchange, uint32_t i, const pmm_faults_params_t *faults); /* from now on */
/* Admin calls, on every service below /admin, bearer token, JSON; docs/exchange-server.md:
     POST /admin/markets {listing}             POST /admin/markets/ID/resolve {"outcome","payout"}   .../halt  .../open  .../close   .../tick {"tick"}
     POST /admin/accounts {member}             POST /admin/accounts/NAME/deposit {"amount"}          GET /admin/accounts/NAME (cash, locked, holdings, open orders, fees)
     GET /admin/check (conservation)           POST /admin/faults {faults}                           GET /admin/stats                   */

/* -- stand-in price feeds: one script, every feed's frames, a known settlement value -- */
typedef struct pmm_feed_stand pmm_feed_stand_t;
#endif
