/* A service for tests of what lies between a client and a service: it answers by path and by message, and writes down all it is told.
     /echo      the method, query, header X and body      /later      the same a second later        /never      nothing
     /cut       cuts the connection                       /fail/N     N times 503, then 200          /big        100 000 bytes
   On a socket it echoes; "close CODE", "ping TEXT", "flood N" do what they say. /no is refused. */
#ifndef TEST_NET_ECHO_H
#define TEST_NET_ECHO_H
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>
#include "base/json.h"
#include "pmm/service.h"

#define ECHO_PEERS 256
typedef struct echo {
  pmm_service_t base;
  char log[1 << 16]; size_t log_len;
  int fails;
  pmm_call_t *later; int64_t later_ns; char later_text[256];
  pmm_peer_t *peer[ECHO_PEERS]; uint32_t peer_cnt, live;
  uint32_t handled;
} echo_t;

__attribute__((format(printf, 2, 3))) static inline void echo_log(echo_t *e, const char *fmt, ...) {
  va_list args;
  va_start(args, fmt);
  int const n = vsnprintf(e->log + e->log_len, sizeof e->log - e->log_len, fmt, args);
  va_end(args);
  if (n > 0 && (size_t)n < sizeof e->log - e->log_len) e->log_len += (size_t)n;
}

static inline int echo_index(echo_t *e, const pmm_peer_t *peer) {
  for (uint32_t i = 0; i < e->peer_cnt; i++)
    if (e->peer[i] == peer) return (int)i;
  fail_msg("a peer nobody upgraded");
  return -1;
}

static inline void echo_http(pmm_service_t *service, pmm_call_t *call, const pmm_request_t *r) {
  echo_t *const e = (echo_t *)service;
  const char *const x = pmm_request_header(r, "x-test");
  e->handled++;
  echo_log(e, "%s %s;", r->method, r->path);
  if (strcmp(r->path, "/never") == 0) return;
  if (strcmp(r->path, "/cut") == 0) {
    e->base.host_ops->drop(e->base.host, call);
    return;
  }
  if (strcmp(r->path, "/big") == 0) {
    char *const big = malloc(100000);
    memset(big, 'b', 100000);
    pmm_service_reply(service, call, 200, big, 100000);
    free(big);
    return;
  }
  char text[256];
  int const n = snprintf(text, sizeof text, "%s %s %s %.*s", r->method, r->query, x ? x : "-", (int)r->body_len, r->body);
  for (size_t i = 0; i < PMM_JSON_PAD; i++) assert_true(r->body[r->body_len + i] == '\0');
  if (strcmp(r->path, "/later") == 0) {
    e->later = call;
    e->later_ns = pmm_service_now(service) + PMM_NS_PER_S;
    memcpy(e->later_text, text, sizeof text);
    e->base.host_ops->wake(e->base.host);
  } else if (strncmp(r->path, "/fail/", 6) == 0 && e->fails++ < atoi(r->path + 6)) pmm_service_reply(service, call, 503, "busy", 4);
  else e->base.host_ops->reply(e->base.host, call, 200, &(pmm_header_t){"X-Answer", "yes"}, 1, text, (size_t)n);
}

static inline void echo_gone(pmm_service_t *service, pmm_call_t *call) {
  echo_t *const e = (echo_t *)service;
  echo_log(e, "gone;");
  if (e->later == call) e->later = NULL;
}

static inline int echo_upgrade(pmm_service_t *service, pmm_peer_t *peer, const pmm_request_t *r, char *refusal, size_t cap) {
  echo_t *const e = (echo_t *)service;
  const char *const x = pmm_request_header(r, "X-Test");
  echo_log(e, "upgrade %s?%s %s;", r->path, r->query, x ? x : "-");
  if (strcmp(r->path, "/no") == 0) {
    snprintf(refusal, cap, "not here");
    return 401;
  }
  assert_true(e->peer_cnt < ECHO_PEERS);
  e->peer[e->peer_cnt++] = peer;
  e->live++;
  return 0;
}

static inline void echo_opened(pmm_service_t *service, pmm_peer_t *peer) {
  echo_log((echo_t *)service, "opened %d;", echo_index((echo_t *)service, peer));
  assert_int_equal(pmm_service_send(service, peer, "hello", 5), PMM_OK);
}

static inline void echo_message(pmm_service_t *service, pmm_peer_t *peer, const char *text, size_t len) {
  echo_t *const e = (echo_t *)service;
  e->handled++;
  for (size_t i = 0; i < PMM_JSON_PAD; i++) assert_true(text[len + i] == '\0');
  if (len < 200) echo_log(e, "%d:%s;", echo_index(e, peer), text);
  if (strncmp(text, "close ", 6) == 0) e->base.host_ops->close(e->base.host, peer, atoi(text + 6), "as asked");
  else if (strncmp(text, "ping ", 5) == 0) e->base.host_ops->ping(e->base.host, peer, text + 5, len - 5);
  else if (strncmp(text, "flood ", 6) == 0) {
    static char block[1 << 16];
    pmm_status_t st = PMM_OK;
    for (int i = atoi(text + 6); i > 0 && st == PMM_OK; i--) st = pmm_service_send(service, peer, block, sizeof block);
    echo_log(e, "flood %d;", st);
  } else pmm_service_send(service, peer, text, len);
}

static inline void echo_pong(pmm_service_t *service, pmm_peer_t *peer, const char *payload, size_t len) {
  echo_log((echo_t *)service, "pong %d %.*s;", echo_index((echo_t *)service, peer), (int)len, payload);
}

static inline void echo_closed(pmm_service_t *service, pmm_peer_t *peer) {
  echo_t *const e = (echo_t *)service;
  int const i = echo_index(e, peer);
  echo_log(e, "closed %d;", i);
  e->peer[i] = NULL;
  e->live--;
}

static inline int64_t echo_advance(pmm_service_t *service, int64_t now_ns) {
  echo_t *const e = (echo_t *)service;
  if (!e->later) return PMM_NS_MAX;
  if (now_ns < e->later_ns) return e->later_ns;
  pmm_call_t *const call = e->later;
  e->later = NULL;
  pmm_service_reply(service, call, 200, e->later_text, strlen(e->later_text));
  return PMM_NS_MAX;
}

static inline void echo_init(echo_t *e) {
  static const pmm_service_ops_t ops = {.name = "echo", .http = echo_http, .gone = echo_gone, .upgrade = echo_upgrade, .opened = echo_opened,
                                        .message = echo_message, .pong = echo_pong, .closed = echo_closed, .advance = echo_advance};
  memset(e, 0, sizeof *e);
  e->base.ops = &ops;
}

/* -- the client: writes down every callback with its time in ms -- */
typedef struct client {
  pmm_net_t *net; pmm_ws_t *ws;
  char log[1 << 18]; size_t log_len;
  uint32_t conn, opened, answers, messages; /* conn: the newest that opened */
  int64_t closed_says; bool refuse_headers; uint32_t attempts;
  pmm_status_t status; int http; bool unsent; char body[256]; char answer_header[32]; size_t body_len;
  int64_t sent_ns, recv_ns;
  bool close_in_message, promote;
} client_t;

__attribute__((format(printf, 2, 3))) static inline void client_log(client_t *c, const char *fmt, ...) {
  va_list args;
  va_start(args, fmt);
  size_t const room = sizeof c->log - c->log_len;
  int n = snprintf(c->log + c->log_len, room, "%lld ", (long long)(pmm_net_mono(c->net) / PMM_NS_PER_MS));
  n += vsnprintf(c->log + c->log_len + n, room - (size_t)n, fmt, args);
  va_end(args);
  if (n > 0 && (size_t)n < room) c->log_len += (size_t)n;
}

static inline void client_done(void *ctx, uint64_t tag, const pmm_http_response_t *r) {
  client_t *const c = ctx;
  const char *const header = pmm_http_header(r, "x-answer");
  c->answers++;
  c->status = r->status;
  c->http = r->http;
  c->unsent = r->unsent;
  c->body_len = r->body_len;
  c->sent_ns = r->sent_ns;
  c->recv_ns = r->recv_ns;
  for (size_t i = 0; i < PMM_JSON_PAD; i++) assert_true(r->body[r->body_len + i] == '\0');
  snprintf(c->body, sizeof c->body, "%s", r->body);
  snprintf(c->answer_header, sizeof c->answer_header, "%s", header ? header : "-");
  client_log(c, "answer %llu %d %d;", (unsigned long long)tag, r->status, r->http);
}

static inline void client_get(client_t *c, const char *method, const char *url, int64_t timeout_ns, int32_t retries) {
  pmm_header_t const header = {"X-Test", "t"};
  bool const has_body = strcmp(method, "GET") != 0;
  pmm_http_request_t const request = {.method = method, .url = url, .header = &header, .header_cnt = 1, .body = has_body ? "body" : NULL, .body_len = has_body ? 4 : 0,
                                      .timeout_ns = timeout_ns, .retries = retries, .done = client_done, .ctx = c, .tag = 7};
  assert_int_equal(pmm_http_send(c->net, &request, NULL), PMM_OK);
}

static inline pmm_status_t client_headers(void *ctx, pmm_header_t header[PMM_WS_HEADERS_MAX], size_t *cnt) {
  client_t *const c = ctx;
  c->attempts++;
  if (c->refuse_headers) return PMM_NOT_READY;
  header[0] = (pmm_header_t){"X-Test", "signed"};
  *cnt = 1;
  return PMM_OK;
}

static inline void client_opened(void *ctx, uint32_t conn) {
  client_t *const c = ctx;
  c->opened++;
  c->conn = conn;
  client_log(c, "open %u;", conn);
  if (c->promote) pmm_ws_promote(c->ws, conn);
}

static inline void client_message(void *ctx, uint32_t conn, const char *text, size_t len, int64_t recv_ns) {
  client_t *const c = ctx;
  c->messages++;
  assert_int_equal(recv_ns, pmm_net_mono(c->net));
  for (size_t i = 0; i < PMM_JSON_PAD; i++) assert_true(text[len + i] == '\0');
  client_log(c, "%u:%.*s;", conn, len < 100 ? (int)len : 3, text);
  if (c->close_in_message) {
    pmm_ws_close(c->ws);
    c->ws = NULL;
  }
}

static inline int64_t client_closed(void *ctx, uint32_t conn, int code, int http, const char *why) {
  client_t *const c = ctx;
  client_log(c, "closed %u %d %d %s;", conn, code, http, why);
  return c->closed_says;
}

static inline pmm_ws_config_t client_config(client_t *c, const char *url) {
  return (pmm_ws_config_t){.url = url, .headers = client_headers, .opened = client_opened, .message = client_message, .closed = client_closed, .ctx = c};
}

static inline void client_ws(client_t *c, const pmm_ws_config_t *config) { assert_int_equal(pmm_ws_open(c->net, config, &c->ws, NULL), PMM_OK); }
static inline pmm_status_t client_say(client_t *c, const char *text) { return pmm_ws_send(c->ws, c->conn, text, strlen(text)); }

#define MS PMM_NS_PER_MS
#define SEC PMM_NS_PER_S
#endif
