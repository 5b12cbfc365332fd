/* Opens the dialect, lists markets and members, takes requests in and lets time pass. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "pmm/decimal.h"
#include "server/kalshi/impl.h"

#define TAKER_RATE_E6 70000 /* 0.07; the makers of a "quadratic" series pay nothing, which 98 % of them are (2026-09) */
#define PRECISION_E6 100    /* accounts of direct members keep 0.0001 dollars */

static pmm__kx_t *of(pmm_service_t *service) { return (pmm__kx_t *)(void *)service; }

/* -- time -- */

void pmm__kx_wake(pmm__kx_t *k) {
  if (k->service.host_ops) k->service.host_ops->wake(k->service.host); /* markets are listed before there is a host */
}

/* Lets the place catch up; what that causes is told by the listener, what it asks for is done at once. */
static int64_t advance_to(pmm__kx_t *k, int64_t now_ns) {
  if (now_ns > k->now_ns) k->now_ns = now_ns;
  pmm__kx_begin(k, UINT32_MAX, NULL, NULL);
  int64_t const next_ns = pmm_place_advance(k->place, k->now_ns);
  pmm__kx_end(k);
  return next_ns;
}

static int64_t on_advance(pmm_service_t *service, int64_t now_ns) {
  pmm__kx_t *const k = of(service);
  int64_t const next_ns = advance_to(k, now_ns);
  return pmm_min64(next_ns, pmm_min64(pmm__kx_ping(k), pmm__kx_index_tick(k)));
}

/* -- requests -- */

static void on_http(pmm_service_t *service, pmm_call_t *call, const pmm_request_t *request) {
  pmm__kx_t *const k = of(service);
  size_t const root_len = strlen(PMM__KX_ROOT);
  advance_to(k, pmm_service_now(service));
  int http = 404;
  pmm_text_clear(&k->out);
  if (strncmp(request->path, PMM__KX_ROOT, root_len) == 0 && request->path[root_len] == '/') http = pmm__kx_serve(k, request);
  else pmm__kx_not_found(k);
  if (k->out.failed) http = pmm__kx_error(k, 500, "internal_server_error", NULL);
  if (http == 204) pmm_text_clear(&k->out);
  size_t len;
  const char *const body = pmm_text_get(&k->out, &len);
  pmm_service_reply(service, call, http, body, len);
  pmm__kx_wake(k); /* an order may expire sooner than anything before */
}

static int on_upgrade(pmm_service_t *service, pmm_peer_t *peer, const pmm_request_t *request, char *refusal, size_t cap) {
  pmm__kx_t *const k = of(service);
  advance_to(k, pmm_service_now(service));
  return pmm__kx_upgrade_socket(k, peer, request, refusal, cap);
}

static void on_opened(pmm_service_t *service, pmm_peer_t *peer) { pmm__kx_opened(of(service), peer->user); }

static void on_message(pmm_service_t *service, pmm_peer_t *peer, const char *text, size_t len) {
  pmm__kx_t *const k = of(service);
  advance_to(k, pmm_service_now(service));
  pmm__kx_message(k, peer->user, text, len);
}

static void on_closed(pmm_service_t *service, pmm_peer_t *peer) { pmm__kx_closed(of(service), peer->user); }

/* -- calls of the place -- */

void pmm__kx_begin(pmm__kx_t *k, uint32_t account, const char *client_id, const char *reason) {
  k->doing = (pmm__kx_doing_t){.account = account, .client_id = client_id, .reason = reason};
  k->busy = true;
}

typedef struct wipe { uint32_t market; bool all; } wipe_t;

static bool is_wiped(void *ctx, const pmm_place_order_t *order) {
  const wipe_t *const w = ctx;
  return order->market == w->market && (w->all || (order->tag & PMM__KX_TAG_PAUSE));
}

/* A market that trades again after a pause has lost its orders; one that pauses loses those that asked for it. */
static void wipe_markets(pmm__kx_t *k) {
  for (uint32_t i = 0; i < k->market_cap; i++) {
    pmm__kx_market_t *const m = &k->market[i];
    if (!m->wipe && !m->pause) continue;
    wipe_t w = {.market = i, .all = m->wipe};
    m->wipe = m->pause = false;
    k->doing.reason = "HaltCancel";
    for (uint32_t a = 0; a < pmm_place_account_cnt(k->place); a++) pmm_place_cancel_if(k->place, a, is_wiped, &w, PMM_REJECT_CLOSED, k->now_ns);
  }
}

void pmm__kx_end(pmm__kx_t *k) {
  while (k->deferred) {
    k->deferred = false;
    k->doing = (pmm__kx_doing_t){.account = UINT32_MAX};
    pmm__kx_groups_sweep(k);
    wipe_markets(k);
  }
  k->busy = false;
  k->doing = (pmm__kx_doing_t){.account = UINT32_MAX};
}

/* -- members -- */

pmm__kx_member_t *pmm__kx_member_at(const pmm__kx_t *k, uint32_t account) {
  for (uint32_t i = 0; i < k->member_cnt; i++)
    if (k->member[i]->account == account) return k->member[i];
  return NULL;
}

static pmm_status_t read_key(const char *path, pmm_kalshi_key_t **key, pmm_error_t *err) {
  char pem[PMM_KALSHI_PEM_BUF];
  FILE *const f = fopen(path, "rb");
  if (!f) return pmm_error_set(err, PMM_IO, "%s: cannot be read", path);
  size_t const len = fread(pem, 1, sizeof pem, f);
  fclose(f);
  if (len == sizeof pem) return pmm_error_set(err, PMM_PARSE, "%s: too large for a public key", path);
  return pmm_kalshi_key_read_public(key, pem, len, err);
}

static pmm_status_t add_member(pmm_service_t *service, uint32_t account, const pmm_member_params_t *params, pmm_error_t *err) {
  pmm__kx_t *const k = of(service);
  for (uint32_t i = 0; i < k->member_cnt; i++)
    if (params->kalshi_key_id[0] && strcmp(k->member[i]->key_id, params->kalshi_key_id) == 0)
      return pmm_error_set(err, PMM_EXISTS, "member %s: key id %s belongs to %s", params->name, params->kalshi_key_id, k->member[i]->name);
  pmm_kalshi_key_t *key = NULL;
  if (params->kalshi_key_id[0]) {
    pmm_status_t const st = read_key(params->kalshi_public_key, &key, err);
    if (st != PMM_OK) return st;
  }
  pmm__kx_member_t **const grown = realloc(k->member, (k->member_cnt + 1) * sizeof *grown);
  if (grown) k->member = grown;
  pmm__kx_member_t *const m = grown ? calloc(1, sizeof *m) : NULL;
  if (!m) {
    pmm_kalshi_key_free(key);
    return pmm_error_set(err, PMM_FULL, "member %s: out of memory", params->name);
  }
  m->account = account;
  m->key = key;
  snprintf(m->name, sizeof m->name, "%s", params->name);
  snprintf(m->key_id, sizeof m->key_id, "%s", params->kalshi_key_id);
  pmm__kx_uuid_of(params->name, k->config.seed, m->user);
  pmm__kx_tier(m, 0, k->now_ns);
  k->member[k->member_cnt++] = m;
  pmm__kx_late_cash(k, account);
  return PMM_OK;
}

/* -- markets -- */

static pmm_status_t grow_markets(pmm__kx_t *k, uint32_t market) {
  if (market < k->market_cap) return PMM_OK;
  uint32_t const cap = market + 16;
  pmm__kx_market_t *const grown = realloc(k->market, cap * sizeof *grown);
  if (!grown) return PMM_FULL;
  memset(grown + k->market_cap, 0, (cap - k->market_cap) * sizeof *grown);
  k->market = grown;
  k->market_cap = cap;
  return PMM_OK;
}

static pmm_status_t list_market(pmm_service_t *service, uint32_t market, const pmm_listing_params_t *listing, pmm_error_t *err) {
  pmm__kx_t *const k = of(service);
  if (market >= pmm_place_market_cnt(k->place) || market >= PMM_PLACE_MARKETS_MAX)
    return pmm_error_set(err, PMM_INVAL, "kalshi: no such market of the place");
  if (grow_markets(k, market) != PMM_OK) return pmm_error_set(err, PMM_FULL, "kalshi: out of memory");
  if (k->market[market].listed) return pmm_error_set(err, PMM_EXISTS, "market %s is listed already", listing->id);
  uint32_t const events = k->event_cnt;
  pmm_status_t const st = pmm__kx_catalog_add(k, market, listing, err);
  if (st == PMM_OK) pmm__kx_send_listed(k, market, k->event_cnt > events);
  return st;
}

/* rate x 1e6 of a listing, `usual` where it leaves it to the schedule. */
static int32_t rate_e6(double rate, int32_t usual) {
  int64_t out = usual;
  if (rate >= 0 && pmm_decimal_from_double(rate, 6, &out) != PMM_OK) out = usual;
  return (int32_t)out;
}

/* The schedules a listing may name, as the settings count them: venue, none, kalshi, polymarket, degen. */
static pmm_status_t set_fees(const pmm_listing_params_t *listing, pmm_market_t *market, pmm_error_t *err) {
  if (listing->fees == 1) return PMM_OK;
  if (listing->fees != 0 && listing->fees != 2) return pmm_error_set(err, PMM_INVAL, "market %s: Kalshi charges Kalshi's fees or none", listing->id);
  market->fees = (pmm_fee_schedule_t){.model = PMM_FEE_KALSHI,
                                      .taker_rate_e6 = rate_e6(listing->taker_rate, TAKER_RATE_E6),
                                      .maker_rate_e6 = rate_e6(listing->maker_rate, 0),
                                      .precision_e6 = PRECISION_E6};
  return PMM_OK;
}

/* Tickers travel in paths and comma lists. */
static bool is_ticker(const char *text) {
  size_t const len = strspn(text, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._");
  return len > 0 && !text[len];
}

/* A market without an event of its own is named EVENT-OUTCOME. */
static void event_of(const pmm_listing_params_t *listing, char *out, size_t cap) {
  snprintf(out, cap, "%.*s", (int)cap - 1, listing->event[0] ? listing->event : listing->id);
  char *const last = strrchr(out, '-');
  if (!listing->event[0] && last && last != strchr(out, '-')) *last = 0;
}

static pmm_status_t make_market(const pmm_listing_params_t *listing, int64_t now_ns, uint64_t seed, pmm_market_t *market, pmm_error_t *err) {
  (void)seed; /* tickers are all the names there are */
  if (!is_ticker(listing->id) || (listing->event[0] && !is_ticker(listing->event)) || strlen(listing->id) >= PMM_ID_MAX ||
      strlen(listing->event) >= PMM_ID_MAX)
    return pmm_error_set(err, PMM_INVAL, "market %.80s: tickers of Kalshi are letters, digits, '-', '.' and '_'", listing->id);
  pmm_market_t m;
  pmm_market_init(&m, listing->id);
  m.venue = PMM_VENUE_KALSHI;
  event_of(listing, m.event, sizeof m.event);
  pmm_status_t st = listing->grid[0] ? pmm_grid_named(&m.grid, listing->grid) : pmm_grid_uniform(&m.grid, listing->tick_e4);
  if (st != PMM_OK) return pmm_error_set(err, st, "market %s: no such price grid", listing->id);
  m.lot_e6 = listing->lot_e6 > 0 ? listing->lot_e6 : PMM__KX_LOT_E6;
  m.min_size_e6 = listing->min_size_e6 > 0 ? listing->min_size_e6 : m.lot_e6;
  if (m.lot_e6 % PMM__KX_LOT_E6 != 0 || m.min_size_e6 % m.lot_e6 != 0)
    return pmm_error_set(err, PMM_INVAL, "market %s: sizes on Kalshi are multiples of 0.01", listing->id);
  if ((st = set_fees(listing, &m, err)) != PMM_OK) return st;
  m.open_ns = now_ns;
  m.close_ns = listing->duration_ns > 0 ? now_ns + listing->duration_ns : PMM_TIME_NONE;
  if (listing->strike > 0 && pmm_decimal_from_double(listing->strike, 8, &m.strike_e8) != PMM_OK)
    return pmm_error_set(err, PMM_INVAL, "market %s: strike out of range", listing->id);
  m.tie_is_yes = listing->strike > 0; /* up-or-down series settle yes on a tie: strike_type greater_or_equal */
  if ((st = pmm_market_check(&m, err)) != PMM_OK) return st;
  *market = m;
  return PMM_OK;
}

/* -- opening -- */

static void free_market(pmm__kx_market_t *m) {
  free(m->minute);
  free(m->position);
}

static void close_dialect(pmm_service_t *service) {
  if (!service) return;
  pmm__kx_t *const k = of(service);
  if (k->place) pmm_place_listen(k->place, (pmm_place_listener_t){0});
  while (k->peers) pmm__kx_closed(k, k->peers);
  for (uint32_t i = 0; i < k->member_cnt; i++) {
    pmm_kalshi_key_free(k->member[i]->key);
    free(k->member[i]);
  }
  for (uint32_t i = 0; i < k->market_cap; i++) free_market(&k->market[i]);
  for (uint32_t i = 0; i < k->group_cnt; i++) free(k->group[i].matched);
  pmm__kx_late_close(k);
  pmm_json_free(k->json);
  pmm_text_free(&k->out);
  pmm_text_free(&k->frame);
  free(k->member);
  free(k->market);
  free(k->event);
  free(k->series);
  free(k->group);
  free(k->settlement);
  free(k->index);
  free(k->touched);
  free(k);
}

static const pmm_service_ops_t service_ops = {
  .name = "kalshi",
  .http = on_http,
  .upgrade = on_upgrade,
  .opened = on_opened,
  .message = on_message,
  .closed = on_closed,
  .advance = on_advance,
};

const pmm_service_ops_t *const pmm_kalshi_dialect_service = &service_ops;

static pmm_status_t open_dialect(pmm_service_t **service, const pmm_dialect_config_t *config, pmm_error_t *err) {
  pmm__kx_t *const k = calloc(1, sizeof *k);
  if (!k) return pmm_error_set(err, PMM_FULL, "kalshi: out of memory");
  k->service.ops = &service_ops;
  k->config = *config;
  k->place = config->place;
  k->doing.account = UINT32_MAX;
  k->start_ns = PMM_TIME_NONE;
  pmm_rng_seed(&k->rng, config->seed);
  k->json = pmm_json_new();
  if (!k->json || (config->serve.lag_ns > 0 && pmm__kx_late_open(k) != PMM_OK)) {
    k->place = NULL;
    close_dialect(&k->service);
    return pmm_error_set(err, PMM_FULL, "kalshi: out of memory");
  }
  pmm_place_listen(k->place, (pmm_place_listener_t){.fn = pmm__kx_on_event, .ctx = k});
  *service = &k->service;
  return PMM_OK;
}

const pmm_dialect_ops_t pmm_kalshi_dialect = {
  .venue = PMM_VENUE_KALSHI,
  .open = open_dialect,
  .close = close_dialect,
  .list = list_market,
  .member = add_member,
  .market = make_market,
  .bodies = {.rate_limited = "{\"error\":{\"code\":\"too_many_requests\",\"message\":\"too many requests\"}}",
             .error = "{\"error\":{\"code\":\"internal_server_error\",\"message\":\"internal server error\"}}"},
};
