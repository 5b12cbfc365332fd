/* A Kalshi dialect with a place, two members and two markets behind a host that only writes down what it is told. */
#ifndef TESTS_SERVER_KALSHI_RIG_H
#define TESTS_SERVER_KALSHI_RIG_H
#include <inttypes.h>
#include <jansson.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <unistd.h>
#include <cmocka.h>
#include "base/json.h"
#include "pmm/kalshi.h"
#include "pmm/server.h"
#include "server/kalshi/index.h"

#define RIG __attribute__((unused)) static
#define RIG_NOW (INT64_C(1790000000) * PMM_NS_PER_S)
#define RIG_A "KXT-26NOV20-A"
#define RIG_B "KXT-26NOV20-B"
#define RIG_FRAMES_MAX 4096

typedef struct rig_socket {
  pmm_peer_t peer;
  char *frame[RIG_FRAMES_MAX]; size_t cnt, read;
  int pings; char ping[32];
  bool full;                    /* refuses what is sent, as a slow reader's host does */
} rig_socket_t;

typedef struct rig {
  pmm_place_t *place;
  pmm_service_t *service;
  int64_t now_ns;
  uint32_t account[2], market[2];
  pmm_kalshi_key_t *key[2];
  char key_file[2][64];
  int http; char *body; size_t replies;
  rig_socket_t *socket[4];
} rig_t;

typedef struct rig_call {
  const char *method, *path, *query, *body;
  int who; /* -1: unsigned */
  const char *name[4], *value[4];
  bool no_type;
} rig_call_t;
typedef struct rig_headers { const char *name[12], *value[12]; size_t cnt; } rig_headers_t;

/* -- the host -- */

static void rig_reply(void *host, pmm_call_t *call, int http, const pmm_header_t *header, size_t header_cnt, const char *body, size_t len) {
  rig_t *const r = host;
  (void)call, (void)header, (void)header_cnt;
  free(r->body);
  r->body = calloc(1, len + 1);
  memcpy(r->body, body, len);
  r->http = http;
  r->replies++;
}
static void rig_drop(void *host, pmm_call_t *call) { (void)host, (void)call; }
static rig_socket_t *rig_socket_of(pmm_peer_t *peer) { return (rig_socket_t *)(void *)peer; }
static pmm_status_t rig_send(void *host, pmm_peer_t *peer, const char *text, size_t len) {
  rig_socket_t *const s = rig_socket_of(peer);
  (void)host;
  if (s->full) return PMM_FULL;
  assert_true(s->cnt < RIG_FRAMES_MAX);
  s->frame[s->cnt] = calloc(1, len + 1);
  memcpy(s->frame[s->cnt++], text, len);
  return PMM_OK;
}
static void rig_ping(void *host, pmm_peer_t *peer, const char *payload, size_t len) {
  rig_socket_t *const s = rig_socket_of(peer);
  (void)host;
  s->pings++;
  snprintf(s->ping, sizeof s->ping, "%.*s", (int)len, payload);
}
static void rig_close(void *host, pmm_peer_t *peer, int code, const char *why) { (void)host, (void)peer, (void)code, (void)why; }
static int64_t rig_now(void *host) { return ((rig_t *)host)->now_ns; }
static void rig_wake(void *host) { (void)host; }
static const pmm_host_ops_t rig_host_ops = {rig_reply, rig_drop, rig_send, rig_ping, rig_close, rig_now, rig_wake};

static const char *rig_header(const pmm_request_t *request, const char *name) {
  const rig_headers_t *const h = request->impl;
  for (size_t i = 0; i < h->cnt; i++)
    if (strcasecmp(h->name[i], name) == 0) return h->value[i];
  return NULL;
}

/* -- requests -- */

typedef struct rig_wire { pmm_request_t request; rig_headers_t headers; char at[24], signature[PMM_KALSHI_SIGNATURE_BUF], *body; } rig_wire_t;

static void rig_make(rig_t *r, const rig_call_t *c, rig_wire_t *w) {
  static const char *const key_ids[] = {"key-alice", "key-bob"};
  size_t const len = c->body ? strlen(c->body) : 0;
  memset(w, 0, sizeof *w);
  w->body = calloc(1, len + PMM_JSON_PAD);
  if (len) memcpy(w->body, c->body, len);
  w->request = (pmm_request_t){.method = c->method,
                               .path = c->path,
                               .query = c->query ? c->query : "",
                               .body = w->body,
                               .body_len = len,
                               .remote = "127.0.0.1",
                               .header = rig_header,
                               .impl = &w->headers};
  rig_headers_t *const h = &w->headers;
  if (c->who >= 0) {
    snprintf(w->at, sizeof w->at, "%" PRId64, r->now_ns / PMM_NS_PER_MS);
    assert_int_equal(pmm_kalshi_sign(r->key[c->who], w->at, c->method, c->path, w->signature), PMM_OK);
    const char *const names[] = {"KALSHI-ACCESS-KEY", "KALSHI-ACCESS-TIMESTAMP", "KALSHI-ACCESS-SIGNATURE"}, *const values[] = {key_ids[c->who],
                                                                                                                                w->at, w->signature};
    for (size_t i = 0; i < 3; i++, h->cnt++) h->name[h->cnt] = names[i], h->value[h->cnt] = values[i];
  }
  if (len && !c->no_type) h->name[h->cnt] = "content-type", h->value[h->cnt++] = "application/json";
  for (size_t i = 0; i < 4 && c->name[i]; i++) {
    size_t at = 0;
    while (at < h->cnt && strcasecmp(h->name[at], c->name[i]) != 0) at++;
    h->name[at] = c->name[i];
    h->value[at] = c->value[i];
    if (at == h->cnt) h->cnt++;
  }
}

RIG int rig_http(rig_t *r, const rig_call_t *c) {
  rig_wire_t w;
  pmm_call_t call = {0};
  rig_make(r, c, &w);
  size_t const before = r->replies;
  r->service->ops->http(r->service, &call, &w.request);
  assert_int_equal(r->replies, before + 1);
  free(w.body);
  return r->http;
}

/* As member who; path below the root. */
RIG int rig_do(rig_t *r, int who, const char *method, const char *path, const char *query, const char *body) {
  char full[512];
  snprintf(full, sizeof full, "/trade-api/v2%s", path);
  return rig_http(r, &(rig_call_t){.method = method, .path = full, .query = query, .body = body, .who = who});
}
RIG int rig_get(rig_t *r, int who, const char *path, const char *query) { return rig_do(r, who, "GET", path, query, NULL); }

/* The latest body as JSON; the caller drops it. */
RIG json_t *rig_json(rig_t *r) {
  json_t *const j = json_loads(r->body, JSON_DECODE_ANY, NULL);
  if (!j) fail_msg("no JSON: %s", r->body);
  return j;
}

/* A value by a path of keys and indices: "orders.0.status". Borrowed; NULL. */
RIG const json_t *rig_at(const json_t *j, const char *path) {
  char key[64];
  while (j && *path) {
    size_t const len = strcspn(path, ".");
    snprintf(key, sizeof key, "%.*s", (int)len, path);
    j = json_is_array(j) ? json_array_get(j, (size_t)atoi(key)) : json_object_get(j, key);
    path += len + (path[len] == '.');
  }
  return j;
}

static void rig_check(const json_t *j, const char *path, const char *want, const char *where) {
  const json_t *const v = rig_at(j, path);
  char *const text = v ? (json_is_string(v) ? strdup(json_string_value(v)) : json_dumps(v, JSON_ENCODE_ANY | JSON_COMPACT)) : strdup("(absent)");
  if (strcmp(text, want) != 0) fail_msg("%s: %s is %s, not %s", where, path, text, want);
  free(text);
}

/* A value of the latest body: strings as they are, everything else as JSON; "(absent)". */
RIG void rig_expect(rig_t *r, const char *path, const char *want) {
  json_t *const j = rig_json(r);
  rig_check(j, path, want, r->body);
  json_decref(j);
}

RIG void rig_text(rig_t *r, const char *path, char *out, size_t cap) {
  json_t *const j = rig_json(r);
  const json_t *const v = rig_at(j, path);
  if (!json_is_string(v)) fail_msg("%s: no text at %s", r->body, path);
  snprintf(out, cap, "%s", json_string_value(v));
  json_decref(j);
}

RIG int rig_order(rig_t *r, int who, const char *ticker, const char *side, const char *count, const char *price, const char *more) {
  char body[512];
  snprintf(body, sizeof body,
           "{\"ticker\":\"%s\",\"side\":\"%s\",\"count\":\"%s\",\"price\":\"%s\"%s%s%s}", ticker, side, count, price,
           more && strstr(more, "time_in_force") ? "" : ",\"time_in_force\":\"good_till_canceled\"",
           more && strstr(more, "self_trade") ? "" : ",\"self_trade_prevention_type\":\"taker_at_cross\"", more ? more : "");
  return rig_do(r, who, "POST", "/portfolio/events/orders", NULL, body);
}

/* Time goes on by so much, in one step. */
RIG void rig_pass(rig_t *r, int64_t ns) {
  r->now_ns += ns;
  r->service->ops->advance(r->service, r->now_ns);
}

/* -- sockets -- */

RIG rig_socket_t *rig_connect(rig_t *r, size_t slot, int who) {
  rig_wire_t w;
  char refusal[256] = "";
  rig_socket_t *const s = r->socket[slot] = calloc(1, sizeof *s);
  rig_make(r, &(rig_call_t){.method = "GET", .path = "/trade-api/ws/v2", .who = who}, &w);
  assert_int_equal(r->service->ops->upgrade(r->service, &s->peer, &w.request, refusal, sizeof refusal), 0);
  free(w.body);
  r->service->ops->opened(r->service, &s->peer);
  return s;
}

RIG void rig_say(rig_t *r, rig_socket_t *s, const char *text) {
  size_t const len = strlen(text);
  char *const padded = calloc(1, len + PMM_JSON_PAD);
  memcpy(padded, text, len);
  r->service->ops->message(r->service, &s->peer, padded, len);
  free(padded);
}

/* The next frame not yet read must have these values: path, value, path, value ..., NULL. */
RIG void rig_frame(rig_socket_t *s, ...) {
  if (s->read == s->cnt) fail_msg("no frame has come");
  const char *const text = s->frame[s->read++];
  json_t *const j = json_loads(text, 0, NULL);
  if (!j) fail_msg("no JSON: %s", text);
  va_list args;
  va_start(args, s);
  for (const char *path = va_arg(args, const char *); path; path = va_arg(args, const char *)) rig_check(j, path, va_arg(args, const char *), text);
  va_end(args);
  json_decref(j);
}
RIG void rig_quiet(const rig_socket_t *s) {
  if (s->read != s->cnt) fail_msg("unexpected: %s", s->frame[s->read]);
}

/* -- the whole -- */

RIG void rig_list(rig_t *r, const char *id, const pmm_listing_params_t *like, uint32_t *index) {
  pmm_listing_params_t listing = *like;
  pmm_error_t err = {0};
  pmm_market_t market;
  snprintf(listing.id, sizeof listing.id, "%s", id);
  if (pmm_kalshi_dialect.market(&listing, r->now_ns, 1, &market, &err) != PMM_OK) fail_msg("%s", err.text);
  if (pmm_place_market_add(r->place, &market, r->now_ns, index, &err) != PMM_OK) fail_msg("%s", err.text);
  if (pmm_kalshi_dialect.list(r->service, *index, &listing, &err) != PMM_OK) fail_msg("%s", err.text);
}

/* Made once a process: RSA keys take their time. The first is Ed25519, the second RSA. */
static pmm_kalshi_key_t *rig_key(int i) {
  static pmm_kalshi_key_t *keys[2];
  pmm_error_t err = {0};
  if (!keys[i]) assert_int_equal(pmm_kalshi_key_generate(&keys[i], i == 0, &err), PMM_OK);
  return keys[i];
}

static void rig_member(rig_t *r, int i, const char *name, int64_t cash_e6) {
  pmm_error_t err = {0};
  pmm_member_params_t m = {.cash_e6 = cash_e6};
  char pem[PMM_KALSHI_PEM_BUF];
  snprintf(m.name, sizeof m.name, "%s", name);
  snprintf(m.kalshi_key_id, sizeof m.kalshi_key_id, "key-%s", name);
  snprintf(r->key_file[i], sizeof r->key_file[i], "/tmp/pmm-test-%d-%d.pem", (int)getpid(), i);
  snprintf(m.kalshi_public_key, sizeof m.kalshi_public_key, "%s", r->key_file[i]);
  r->key[i] = rig_key(i);
  assert_int_equal(pmm_kalshi_key_pem(r->key[i], false, pem, sizeof pem), PMM_OK);
  FILE *const f = fopen(r->key_file[i], "wb");
  assert_non_null(f);
  fputs(pem, f);
  fclose(f);
  assert_int_equal(pmm_place_account_add(r->place, name, cash_e6, &r->account[i], &err), PMM_OK);
  if (pmm_kalshi_dialect.member(r->service, r->account[i], &m, &err) != PMM_OK) fail_msg("%s", err.text);
}

static const pmm_listing_params_t rig_listing = {
    .tick_e4 = 100, .duration_ns = INT64_C(3600) * PMM_NS_PER_S, .taker_rate = -1, .maker_rate = -1, .title = "Will it?"};

RIG void rig_open_with(rig_t *r, const pmm_serve_params_t *serve, const pmm_listing_params_t *listing) {
  pmm_error_t err = {0};
  memset(r, 0, sizeof *r);
  r->now_ns = RIG_NOW;
  if (pmm_place_open(&r->place,
                     &(pmm_place_config_t){.venue = PMM_VENUE_KALSHI, .accounts_max = 8, .markets_max = 8, .orders_max = 100000, .seed = 7},
                     &err) != PMM_OK)
    fail_msg("%s", err.text);
  if (pmm_kalshi_dialect.open(&r->service, &(pmm_dialect_config_t){.serve = *serve, .place = r->place, .seed = 7}, &err) != PMM_OK)
    fail_msg("%s", err.text);
  r->service->host_ops = &rig_host_ops;
  r->service->host = r;
  rig_member(r, 0, "alice", INT64_C(10000) * PMM_ONE_E6);
  rig_member(r, 1, "bob", INT64_C(10000) * PMM_ONE_E6);
  rig_list(r, RIG_A, listing, &r->market[0]);
  rig_list(r, RIG_B, listing, &r->market[1]);
}
RIG void rig_open(rig_t *r) { rig_open_with(r, &(pmm_serve_params_t){0}, &rig_listing); }

RIG void rig_shut(rig_t *r) {
  pmm_error_t err = {0};
  if (pmm_place_check(r->place, &err) != PMM_OK) fail_msg("%s", err.text);
  for (size_t i = 0; i < 4; i++) {
    rig_socket_t *const s = r->socket[i];
    if (!s) continue;
    r->service->ops->closed(r->service, &s->peer);
    for (size_t n = 0; n < s->cnt; n++) free(s->frame[n]);
    free(s);
  }
  pmm_kalshi_dialect.close(r->service);
  pmm_place_close(r->place);
  for (int i = 0; i < 2; i++) unlink(r->key_file[i]);
  free(r->body);
}
#endif
