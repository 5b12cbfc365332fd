/* What the stand-in feeds have in common: peers, pings and pongs, the age of connections, silence, and time in steps. */
#include "server/feeds/stand.h"
#include <stdlib.h>
#include <string.h>
#include "pmm/clock.h"
#include "pmm/decimal.h"

#define BEHIND_MAX_NS (10 * PMM_NS_PER_S) /* a host that slept: what was missed beyond this is not sent any more */

static const pmm__stand_ops_t *const OPS[PMM_FEED_CNT] = {
    [PMM_FEED_BINANCE] = &pmm__stand_binance, [PMM_FEED_COINBASE] = &pmm__stand_coinbase, [PMM_FEED_COINBASE_ADVANCED] = &pmm__stand_advanced,
    [PMM_FEED_RTDS] = &pmm__stand_rtds,       [PMM_FEED_POLYBOLT] = &pmm__stand_polybolt, [PMM_FEED_KALSHI_INDEX] = &pmm__stand_kalshi};

void pmm__stand_send(pmm__stand_t *s, pmm__stand_peer_t *p) {
  size_t len;
  const char *const text = pmm_text_get(&s->text, &len);
  int64_t const now_ns = pmm_service_now(&s->base);
  bool const muted = s->knobs.mute_until_ns && now_ns >= s->knobs.mute_from_ns && now_ns < s->knobs.mute_until_ns;
  if (p->peer && !muted && !s->text.failed) pmm_service_send(&s->base, p->peer, text, len);
  pmm_text_clear(&s->text);
}

void pmm__stand_close(pmm__stand_t *s, pmm__stand_peer_t *p, int code, const char *why) {
  if (p->peer) s->base.host_ops->close(s->base.host, p->peer, code, why);
  if (p->peer) p->peer->user = NULL;
  *p = (pmm__stand_peer_t){0};
}

const pmm_json_node_t *pmm__stand_parse(pmm__stand_t *s, const char *text, size_t len) {
  const pmm_json_node_t *root;
  const char *why;
  size_t at;
  return pmm_json_parse(s->json, text, len, &root, &at, &why) == PMM_OK ? root : NULL;
}

void pmm__put_iso(pmm_text_t *t, const char *key, int64_t ns, int digits) {
  char text[PMM_TIME_BUF];
  pmm_time_print(ns, digits, text);
  pmm_text_string(t, key, text);
}

void pmm__put_price(pmm_text_t *t, const char *key, int64_t value_e8, int decimals) { pmm_text_decimal(t, key, value_e8, 8, decimals); }

/* -- the service's side -- */

static pmm__stand_peer_t *free_peer(pmm__stand_t *s) {
  for (size_t i = 0; i < PMM__STAND_PEERS_MAX; i++)
    if (!s->peer[i].peer) return &s->peer[i];
  return NULL;
}

static void on_http(pmm_service_t *service, pmm_call_t *call, const pmm_request_t *request) {
  pmm__stand_t *const s = (pmm__stand_t *)service;
  static const char nothing[] = "{\"msg\":\"no such path\"}";
  if (s->ops->http) s->ops->http(s, call, request);
  else pmm_service_reply(service, call, 404, nothing, sizeof nothing - 1);
}

static int on_upgrade(pmm_service_t *service, pmm_peer_t *peer, const pmm_request_t *request, char *refusal, size_t cap) {
  pmm__stand_t *const s = (pmm__stand_t *)service;
  pmm__stand_peer_t *const p = free_peer(s);
  if (!p) return 503;
  int64_t const now_ns = pmm_service_now(service);
  *p = (pmm__stand_peer_t){.opened_ns = now_ns, .ping_ns = now_ns, .pong_ns = now_ns, .second_ns = now_ns, .data_ns = now_ns};
  int const http = s->ops->upgrade ? s->ops->upgrade(s, p, request, refusal, cap) : 0;
  if (http) {
    *p = (pmm__stand_peer_t){0};
    return http;
  }
  p->peer = peer;
  peer->user = p;
  return 0;
}

static void on_opened(pmm_service_t *service, pmm_peer_t *peer) {
  pmm__stand_t *const s = (pmm__stand_t *)service;
  if (peer->user && s->ops->opened) s->ops->opened(s, peer->user);
  service->host_ops->wake(service->host);
}

static void on_message(pmm_service_t *service, pmm_peer_t *peer, const char *text, size_t len) {
  pmm__stand_t *const s = (pmm__stand_t *)service;
  if (peer->user) s->ops->message(s, peer->user, text, len);
}

/* A pong counts as a client's message where messages are counted. */
static void on_pong(pmm_service_t *service, pmm_peer_t *peer, const char *payload, size_t len) {
  pmm__stand_peer_t *const p = peer->user;
  (void)payload, (void)len;
  if (!p) return;
  p->pong_ns = pmm_service_now(service);
  p->missed_pongs = 0;
  p->in_second++;
}

static void on_closed(pmm_service_t *service, pmm_peer_t *peer) {
  (void)service;
  if (peer->user) *(pmm__stand_peer_t *)peer->user = (pmm__stand_peer_t){0};
}

/* Pings, and cuts of those who do not answer or are too old. False: gone. */
static bool keep(pmm__stand_t *s, pmm__stand_peer_t *p, int64_t now_ns) {
  int64_t const life_ns = s->knobs.life_ns ? s->knobs.life_ns : s->ops->life_ns;
  if (life_ns && now_ns - p->opened_ns >= life_ns) {
    pmm__stand_close(s, p, 1001, "end of life");
    return false;
  }
  if (s->ops->ping_ns && now_ns - p->ping_ns >= s->ops->ping_ns) {
    p->missed_pongs += p->pong_ns < p->ping_ns;
    p->ping_ns = now_ns;
    s->base.host_ops->ping(s->base.host, p->peer, "beat", 4);
  }
  if (s->ops->pong_ns && now_ns - p->pong_ns > s->ops->pong_ns) {
    pmm__stand_close(s, p, s->ops == &pmm__stand_polybolt ? 4002 : 1006, "no pong");
    return false;
  }
  return true;
}

static void each_step(pmm__stand_t *s, int64_t at_ns) {
  bool const close_now = s->knobs.close_ns && at_ns >= s->knobs.close_ns && !s->close_done;
  for (size_t i = 0; i < PMM__STAND_PEERS_MAX; i++) {
    pmm__stand_peer_t *const p = &s->peer[i];
    if (!p->peer) continue;
    if (close_now) pmm__stand_close(s, p, s->knobs.close_code, "knob");
    else if (keep(s, p, at_ns)) s->ops->step(s, p, at_ns);
  }
  s->close_done |= close_now;
}

static int64_t on_advance(pmm_service_t *service, int64_t now_ns) {
  pmm__stand_t *const s = (pmm__stand_t *)service;
  if (now_ns - s->at_ns > BEHIND_MAX_NS) s->at_ns = now_ns / PMM__STEP_NS * PMM__STEP_NS - PMM__STEP_NS;
  pmm__world_advance(s->world, now_ns);
  while (s->at_ns + PMM__STEP_NS <= now_ns) {
    s->at_ns += PMM__STEP_NS;
    each_step(s, s->at_ns);
  }
  return s->at_ns + PMM__STEP_NS;
}

static const pmm_service_ops_t SERVICE = {.name = "feed stand-in", .http = on_http, .upgrade = on_upgrade, .opened = on_opened, .message = on_message,
                                          .pong = on_pong, .closed = on_closed, .advance = on_advance};

/* -- life -- */

static pmm_status_t open_services(pmm_feed_stand_t *all, pmm_error_t *err) {
  for (int i = 0; i < PMM_FEED_CNT; i++) {
    pmm__stand_t *const s = &all->stand[i];
    *s = (pmm__stand_t){.base = {.ops = &SERVICE}, .all = all, .ops = OPS[i], .world = &all->world, .at_ns = all->params.start_ns - PMM__STEP_NS};
    if (!(s->json = pmm_json_new())) return pmm_error_set(err, PMM_FULL, "out of memory");
  }
  return PMM_OK;
}

pmm_status_t pmm_feed_stand_open(pmm_feed_stand_t **stand, const pmm_feed_stand_params_t *params, pmm_error_t *err) {
  pmm_feed_stand_t *const all = calloc(1, sizeof *all);
  if (!all) return pmm_error_set(err, PMM_FULL, "out of memory");
  all->params = *params;
  pmm_status_t st = pmm__world_open(&all->world, params, err);
  if (st == PMM_OK && params->kalshi_public_pem) st = pmm_kalshi_key_read_public(&all->kalshi_key, params->kalshi_public_pem, strlen(params->kalshi_public_pem), err);
  if (st == PMM_OK) st = open_services(all, err);
  if (st != PMM_OK) {
    pmm_feed_stand_close(all);
    return st;
  }
  *stand = all;
  return PMM_OK;
}

void pmm_feed_stand_close(pmm_feed_stand_t *all) {
  if (!all) return;
  for (int i = 0; i < PMM_FEED_CNT; i++) {
    pmm_json_free(all->stand[i].json);
    pmm_text_free(&all->stand[i].text);
  }
  pmm_kalshi_key_free(all->kalshi_key);
  pmm__world_close(&all->world);
  free(all);
}

pmm_service_t *pmm_feed_stand_service(pmm_feed_stand_t *all, pmm_feed_source_t source) { return &all->stand[source].base; }

void pmm_feed_stand_knobs(pmm_feed_stand_t *all, pmm_feed_source_t source, const pmm_feed_stand_knobs_t *knobs) {
  pmm__stand_t *const s = &all->stand[source];
  s->knobs = *knobs;
  s->shutdown_told = s->close_done = false;
}

/* -- what markets settle on -- */

static int64_t value_of(const pmm__world_t *w, const pmm_series_t *s, uint32_t asset, int64_t at_ns, bool at_end) {
  switch ((pmm_settles_on_t)s->settles_on) {
  case PMM_SETTLES_CHAINLINK_TWAP60: return pmm__world_twap(w, asset, at_ns, 60);
  case PMM_SETTLES_CF_MEAN60: return pmm__world_mean(w, asset, at_ns, 60);
  case PMM_SETTLES_BINANCE_1H: return pmm__world_mid(w, asset, at_end ? at_ns - PMM__STEP_NS : at_ns); /* close: the last step inside */
  default: return pmm__world_mid(w, asset, at_ns + 60 * PMM_NS_PER_S - PMM__STEP_NS);
  }
}

pmm_status_t pmm_feed_stand_value(const pmm_feed_stand_t *all, const pmm_series_t *s, bool at_end, int64_t *value_e8) {
  int64_t const at_ns = at_end ? s->end_ns : s->start_ns, newest_ns = all->world.newest * PMM__STEP_NS;
  int const asset = pmm__world_asset(&all->world, s->asset, strlen(s->asset), "");
  if (asset < 0 || at_ns == PMM_TIME_NONE || at_ns % PMM_NS_PER_S) return PMM_NOT_FOUND;
  if (at_ns + (s->settles_on == PMM_SETTLES_BINANCE_1M ? 60 * PMM_NS_PER_S : 0) > newest_ns) return PMM_NOT_READY;
  if (newest_ns - at_ns > (PMM__STEPS_KEPT - 100 * PMM__STEPS_A_SECOND) * PMM__STEP_NS) return PMM_NOT_FOUND;
  int64_t const value = value_of(&all->world, s, (uint32_t)asset, at_ns, at_end);
  *value_e8 = s->decimals >= 0 ? pmm_settle_round(value, s->decimals) : value;
  return PMM_OK;
}
