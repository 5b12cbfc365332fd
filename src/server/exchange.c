/* The exchange: for each dialect a place, the dialect over it, faults before that, and before everything the service that hosts are given,
   which answers the calls below /admin itself, passes the rest on, and resolves markets whose truth is out. */
#include <assert.h>
#include <math.h>
#include <openssl/crypto.h>
#include <stdlib.h>
#include <string.h>
#include "pmm/hash.h"
#include "server/exchange_impl.h"

const pmm_dialect_ops_t *pmm_dialect_ops(pmm_venue_t venue) {
  switch (venue) {
  case PMM_VENUE_KALSHI: return &pmm_kalshi_dialect;
  case PMM_VENUE_POLYMARKET: return &pmm_polymarket_dialect;
  case PMM_VENUE_DEGEN: return &pmm_degen_dialect;
  case PMM_VENUE_SIM: return NULL;
  }
  return NULL;
}

/* ---- the service before all others ---- */

static pmm__stall_t *of(pmm_service_t *service) { return (pmm__stall_t *)service; }

/* What is behind speaks to the host directly: calls and sockets are the host's own. */
static pmm_service_t *behind(pmm_service_t *service) {
  pmm_service_t *const next = of(service)->faulty;
  next->host = service->host;
  next->host_ops = service->host_ops;
  return next;
}

static void on_http(pmm_service_t *service, pmm_call_t *call, const pmm_request_t *request) {
  pmm_service_t *const next = behind(service);
  if (!of(service)->place || !pmm__admin_http(of(service), call, request)) next->ops->http(next, call, request);
}

static void on_gone(pmm_service_t *service, pmm_call_t *call) {
  pmm_service_t *const next = behind(service);
  if (next->ops->gone) next->ops->gone(next, call);
}

static int on_upgrade(pmm_service_t *service, pmm_peer_t *peer, const pmm_request_t *request, char *refusal, size_t cap) {
  pmm_service_t *const next = behind(service);
  return next->ops->upgrade(next, peer, request, refusal, cap);
}

static void on_opened(pmm_service_t *service, pmm_peer_t *peer) {
  pmm_service_t *const next = behind(service);
  if (next->ops->opened) next->ops->opened(next, peer);
}

static void on_message(pmm_service_t *service, pmm_peer_t *peer, const char *text, size_t len) {
  pmm_service_t *const next = behind(service);
  next->ops->message(next, peer, text, len);
}

static void on_pong(pmm_service_t *service, pmm_peer_t *peer, const char *payload, size_t len) {
  pmm_service_t *const next = behind(service);
  if (next->ops->pong) next->ops->pong(next, peer, payload, len);
}

static void on_closed(pmm_service_t *service, pmm_peer_t *peer) {
  pmm_service_t *const next = behind(service);
  next->ops->closed(next, peer);
}

/* A closed market pays once its truth is out: at 0 or 1. One without synthetic traders waits for an admin call, or its recording. */
static void resolve_due(pmm__stall_t *s, int64_t now_ns) {
  for (uint32_t i = 0; i < s->listed_cnt; i++) {
    uint32_t const market = s->listed[i].market;
    if (pmm_place_market(s->place, market)->life != PMM_LIFE_CLOSED) continue;
    double const truth = pmm_place_truth(s->place, market, NULL);
    if (truth == 0 || truth == 1)
      (void)pmm_place_life(s->place, market, now_ns, PMM_LIFE_RESOLVED, truth == 1 ? PMM_OUTCOME_YES : PMM_OUTCOME_NO, truth == 1 ? PMM_ONE_E6 : 0);
  }
}

static int64_t on_advance(pmm_service_t *service, int64_t now_ns) {
  pmm_service_t *const next = behind(service);
  int64_t const due = next->ops->advance(next, now_ns);
  resolve_due(of(service), now_ns);
  return due;
}

static const pmm_service_ops_t stall_ops = {"exchange", on_http, on_gone, on_upgrade, on_opened, on_message, on_pong, on_closed, on_advance};

/* ---- opening ---- */

static pmm_status_t place_config(const pmm_exchange_config_t *c, const pmm_serve_params_t *serve, const pmm_dialect_ops_t *dialect, uint64_t seed,
                                 pmm_place_config_t *out, pmm_error_t *err) {
  bool const late = dialect->venue == PMM_VENUE_POLYMARKET;
  int64_t const settle = serve->settle_ns > 0 ? serve->settle_ns : late ? 4 * PMM_NS_PER_S : 0;
  if (!late && (serve->fail_share > 0 || serve->ghost_share > 0 || settle > 0))
    return pmm_error_set(err, PMM_INVAL, "serve: settle, fail_share, ghost_share: trades at %s are final at once",
                         pmm_venue_to_string(dialect->venue));
  uint32_t const markets = c->listing_cnt + PMM__LATER_MAX;
  int64_t const accounts = c->member_cnt + PMM__LATER_MAX + (int64_t)markets * pmm__stall_background(c);
  *out = (pmm_place_config_t){.venue = dialect->venue,
                              .accounts_max = (uint32_t)pmm_min64(accounts, 65536),
                              .markets_max = markets,
                              .settle_mined_ns = settle / 2,
                              .settle_ns = settle,
                              .fail_share = serve->fail_share,
                              .ghost_share = serve->ghost_share,
                              .seed = seed};
  return PMM_OK;
}

/* A price feed has no place, no accounts and no admin calls. */
static pmm_status_t open_feed(pmm__stall_t *s, const pmm_exchange_config_t *c, uint32_t i, pmm_error_t *err) {
  pmm_exchange_t *const x = s->exchange;
  static const pmm_faults_bodies_t bodies = {.rate_limited = "{\"error\":\"too many requests\"}", .error = "{\"error\":\"internal\"}"};
  if (!x->stand) {
    pmm_status_t const st = pmm__stands_open(&x->stand, c, err);
    if (st != PMM_OK) return st;
  }
  s->inner = pmm_feed_stand_service(x->stand, (pmm_feed_source_t)(s->serve.dialect - PMM_SERVE_FEED));
  pmm_faults_params_t faults = {0};
  if (c->faults) faults = *c->faults;
  faults.seed = pmm_hash_mix(faults.seed ? faults.seed : x->seed, i + 1);
  return pmm_faults_open(&s->faulty, s->inner, &faults, &bodies, err);
}

static pmm_status_t open_stall(pmm__stall_t *s, const pmm_exchange_config_t *c, uint32_t i, pmm_error_t *err) {
  pmm_exchange_t *const x = s->exchange;
  s->service.ops = &stall_ops;
  s->serve = c->serve[i];
  if (s->serve.dialect >= PMM_SERVE_FEED) return open_feed(s, c, i, err);
  s->dialect = pmm_dialect_ops((pmm_venue_t)(s->serve.dialect + 1));
  if (!s->dialect) return pmm_error_set(err, PMM_INVAL, "serve: no such dialect");
  uint64_t const seed = pmm_hash_mix(x->seed, i + 1);
  pmm_place_config_t pc;
  pmm_status_t st = place_config(c, &s->serve, s->dialect, seed, &pc, err);
  if (st == PMM_OK) st = pmm_place_open(&s->place, &pc, err);
  if (st != PMM_OK) return st;
  pmm_dialect_config_t const dc = {
      .serve = s->serve, .place = s->place, .seed = seed, .secret = c->secret, .secret_ctx = c->secret_ctx, .notices = c->notices};
  if ((st = s->dialect->open(&s->inner, &dc, err)) != PMM_OK) return st;
  pmm_faults_params_t faults = {0};
  if (c->faults) faults = *c->faults;
  faults.seed = pmm_hash_mix(faults.seed ? faults.seed : x->seed, i + 1);
  return pmm_faults_open(&s->faulty, s->inner, &faults, &s->dialect->bodies, err);
}

static bool is_listed_in(const pmm_listing_params_t *l, const pmm__stall_t *s) {
  return l->dialect[0] == 0 || strcmp(l->dialect, pmm_venue_to_string(s->dialect->venue)) == 0;
}

static pmm_status_t check_listing(const pmm_listing_params_t *l, pmm_error_t *err) {
  pmm_venue_t venue;
  if (l->dialect[0] == 0 || (pmm_venue_from_string(l->dialect, &venue) == PMM_OK && pmm_dialect_ops(venue))) return PMM_OK;
  return pmm_error_set(err, PMM_INVAL, "listing %s: dialect: '%.40s' (allowed: kalshi, polymarket, degen, or nothing)", l->id, l->dialect);
}

static pmm_status_t fill_stall(pmm__stall_t *s, const pmm_exchange_config_t *c, pmm_error_t *err) {
  pmm_status_t st = PMM_OK;
  uint32_t market;
  for (uint32_t i = 0; st == PMM_OK && i < c->member_cnt; i++) st = pmm__stall_member(s, &c->member[i], err);
  for (uint32_t i = 0; st == PMM_OK && i < c->listing_cnt; i++)
    if (is_listed_in(&c->listing[i], s)) st = pmm__stall_list(s, &c->listing[i], i, c->start_ns, &market, err);
  return st;
}

static pmm_status_t open_all(pmm_exchange_t *x, const pmm_exchange_config_t *c, pmm_error_t *err) {
  pmm_status_t st = PMM_OK;
  for (uint32_t i = 0; st == PMM_OK && i < c->listing_cnt; i++) st = check_listing(&c->listing[i], err);
  for (uint32_t i = 0; st == PMM_OK && i < c->serve_cnt; i++) {
    pmm__stall_t *const s = &x->stall[x->stall_cnt++];
    s->exchange = x;
    st = open_stall(s, c, i, err);
    if (st == PMM_OK && s->place) st = fill_stall(s, c, err);
  }
  return st;
}

pmm_status_t pmm_exchange_open(pmm_exchange_t **exchange, const pmm_exchange_config_t *c, pmm_error_t *err) {
  if (c->serve_cnt == 0) return pmm_error_set(err, PMM_INVAL, "serve: no dialect to speak; see pmm config reference");
  if (c->admin_token && (strlen(c->admin_token) < 16 || strlen(c->admin_token) >= PMM__ADMIN_TOKEN_MAX))
    return pmm_error_set(err, PMM_INVAL, "the admin token has 16 to %d bytes", PMM__ADMIN_TOKEN_MAX - 1);
  pmm_exchange_t *const x = calloc(1, sizeof *x);
  if (!x) return pmm_error_set(err, PMM_FULL, "no memory");
  if (c->scenario) x->scenario = *c->scenario;
  if (c->traders && c->scenario) x->traders = *c->traders;
  x->seed = c->seed;
  if (c->admin_token) strcpy(x->admin_token, c->admin_token);
  x->parser = pmm_json_new();
  x->stall = calloc(c->serve_cnt, sizeof *x->stall);
  pmm_status_t const st = x->parser && x->stall ? open_all(x, c, err) : pmm_error_set(err, PMM_FULL, "no memory");
  if (st != PMM_OK) pmm_exchange_close(x);
  else *exchange = x;
  return st;
}

static void close_stall(pmm__stall_t *s) {
  pmm_faults_close(s->faulty);
  if (s->inner && s->dialect) s->dialect->close(s->inner);
  if (s->place) pmm_place_close(s->place);
  for (uint32_t i = 0; i < s->listed_cnt; i++) free(s->listed[i].md);
  free(s->listed);
}

void pmm_exchange_close(pmm_exchange_t *x) {
  if (!x) return;
  for (uint32_t i = 0; i < x->stall_cnt; i++) close_stall(&x->stall[i]);
  if (x->stand) pmm_feed_stand_close(x->stand);
  OPENSSL_cleanse(x->admin_token, sizeof x->admin_token);
  pmm_json_free(x->parser);
  pmm_text_free(&x->out);
  free(x->stall);
  free(x);
}

pmm_service_t *pmm_exchange_service(pmm_exchange_t *x, uint32_t i) {
  assert(i < x->stall_cnt);
  return &x->stall[i].service;
}

pmm_place_t *pmm_exchange_place(pmm_exchange_t *x, uint32_t i) {
  assert(i < x->stall_cnt);
  return x->stall[i].place;
}

void pmm_exchange_faults(pmm_exchange_t *x, uint32_t i, const pmm_faults_params_t *faults) {
  assert(i < x->stall_cnt);
  pmm_faults_set(x->stall[i].faulty, faults);
}
