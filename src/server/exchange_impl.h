/* server/exchange_impl.h -- inside of the exchange: exchange.c puts it together and is the service that stands before each dialect, listing.c
   brings markets and accounts in, admin.c answers the calls below /admin. */
#ifndef PMM_SERVER_EXCHANGE_IMPL_H
#define PMM_SERVER_EXCHANGE_IMPL_H
#include "base/json.h"
#include "pmm/server.h"
#include "server/text.h"

#define PMM__ADMIN_TOKEN_MAX 256
#define PMM__LATER_MAX 64u           /* markets and accounts that come in through admin calls, each */

typedef struct pmm__listed {          /* a market of one place */
  char id[PMM_PARAM_TEXT_MAX];        /* the listing's; the place may know it by another */
  uint32_t market;
  pmm_md_t *md;                       /* its recording; NULL none */
} pmm__listed_t;

typedef struct pmm__stall {           /* one dialect, or one price feed, on one port */
  pmm_service_t service;              /* first: what the host is given */
  struct pmm_exchange *exchange;
  pmm_serve_params_t serve;
  const pmm_dialect_ops_t *dialect;   /* NULL: a price feed */
  pmm_place_t *place;                 /* NULL: a price feed */
  pmm_service_t *inner, *faulty;      /* the dialect or feed; what stands before it */
  pmm__listed_t *listed; uint32_t listed_cnt, listed_cap;
} pmm__stall_t;

struct pmm_exchange {
  pmm_scenario_params_t scenario;
  pmm_traders_params_t traders;
  uint64_t seed;
  char admin_token[PMM__ADMIN_TOKEN_MAX];
  pmm__stall_t *stall; uint32_t stall_cnt;
  pmm_feed_stand_t *stand;            /* prices of all feeds; NULL: none is served */
  pmm_json_parser_t *parser;
  pmm_text_t out;
};

/* stands.c */
uint64_t pmm__asset_seed(uint64_t seed, const char *asset); /* of the traders of every market on it */
bool pmm__asset_scenario(const pmm_scenario_params_t *scenario, const pmm_listing_params_t *listing, pmm_scenario_params_t *out); /* false: no asset */
pmm_status_t pmm__stands_open(pmm_feed_stand_t **stand, const pmm_exchange_config_t *config, pmm_error_t *err);

/* listing.c */
pmm_status_t pmm__stall_list(pmm__stall_t *s, const pmm_listing_params_t *listing, uint32_t nth, int64_t now_ns, uint32_t *market, pmm_error_t *err);
pmm_status_t pmm__stall_member(pmm__stall_t *s, const pmm_member_params_t *member, pmm_error_t *err);
bool pmm__stall_find(const pmm__stall_t *s, const char *id, uint32_t *market); /* by the listing's name or the place's */
const char *pmm__stall_name(const pmm__stall_t *s, uint32_t market);           /* the listing's */
uint32_t pmm__stall_background(const pmm_exchange_config_t *config);           /* accounts that background flow of one market may need */
/* admin.c: true when the call was one below /admin, answered */
bool pmm__admin_http(pmm__stall_t *s, pmm_call_t *call, const pmm_request_t *request);
#endif
