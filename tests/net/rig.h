/* rig.h -- a network, a service that does what its paths say, on a port, and a client's view of it: for the tests of src/net. */
#ifndef TESTS_NET_RIG_H
#define TESTS_NET_RIG_H
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

typedef struct rig_service {
  pmm_service_t base;
  pmm_call_t *late[8]; size_t late_cnt;          /* of "/late": answered when the test says so */
  pmm_peer_t *peer[64]; size_t peer_cnt;
  int upgrades, opened, closed, gone, calls, pongs;
  char last_method[16], last_path[8300], last_query[8300], last_body[4096]; size_t last_len;
  char last_header[256];                         /* POLY_ADDRESS or KALSHI-ACCESS-KEY of the last call or upgrade */
  char last_remote[64], last_pong[128];
  int64_t advanced_ns, next_ns; int advances;
  int fail_cnt;                                  /* "/fail": so many 503 before a 200 */
} rig_service_t;

static bool rig_padded(const char *text, size_t len) {
  volatile char sum = 0;
  for (size_t i = 0; i < PMM_JSON_PAD; i++) sum = (char)(sum ^ text[len + i]); /* a sanitizer sees a read too far */
  return true;
}

static void rig_remember(rig_service_t *s, const pmm_request_t *q) {
  snprintf(s->last_method, sizeof s->last_method, "%s", q->method);
  snprintf(s->last_path, sizeof s->last_path, "%s", q->path);
  snprintf(s->last_query, sizeof s->last_query, "%s", q->query);
  snprintf(s->last_remote, sizeof s->last_remote, "%s", q->remote);
  snprintf(s->last_body, sizeof s->last_body, "%.*s", (int)q->body_len, q->body);
  s->last_len = q->body_len;
  const char *header = pmm_request_header(q, "poly_address");
  if (!header) header = pmm_request_header(q, "kalshi-access-key");
  snprintf(s->last_header, sizeof s->last_header, "%s", header ? header : "");
  assert_true(rig_padded(q->body, q->body_len));
}

static void rig_http(pmm_service_t *base, pmm_call_t *call, const pmm_request_t *q) {
  rig_service_t *const s = (rig_service_t *)base;
  s->calls++;
  rig_remember(s, q);
  if (strcmp(q->path, "/late") == 0) s->late[s->late_cnt++] = call;
  else if (strcmp(q->path, "/drop") == 0) base->host_ops->drop(base->host, call);
  else if (strcmp(q->path, "/fail") == 0 && s->fail_cnt-- > 0) pmm_service_reply(base, call, 503, "{}", 2);
  else if (strcmp(q->path, "/429") == 0) {
    pmm_header_t const header[] = {{"Retry-After", "7"}, {"Content-Type", "text/plain"}};
    base->host_ops->reply(base->host, call, 429, header, 2, "slow down", 9);
  } else if (strcmp(q->path, "/large") == 0) {
    size_t const len = (size_t)strtoul(q->query, NULL, 10);
    char *const body = malloc(len + 1);
    memset(body, 'x', len);
    pmm_service_reply(base, call, 200, body, len);
    free(body);
  } else pmm_service_reply(base, call, 200, q->body, q->body_len);
}

static void rig_gone(pmm_service_t *base, pmm_call_t *call) {
  (void)call;
  ((rig_service_t *)base)->gone++;
}

static int rig_upgrade(pmm_service_t *base, pmm_peer_t *peer, const pmm_request_t *q, char *refusal, size_t cap) {
  rig_service_t *const s = (rig_service_t *)base;
  rig_remember(s, q);
  s->upgrades++;
  if (strcmp(q->path, "/no") == 0) {
    snprintf(refusal, cap, "{\"error\":\"no\"}");
    return 403;
  }
  peer->user = s;
  return 0;
}

static void rig_opened(pmm_service_t *base, pmm_peer_t *peer) {
  rig_service_t *const s = (rig_service_t *)base;
  s->opened++;
  s->peer[s->peer_cnt++ % 64] = peer;
  if (strcmp(s->last_path, "/greet") == 0) pmm_service_send(base, peer, "hello", 5);
}

/* Echo; "close N": closes with that code; "large N": a message of so many bytes. */
static void rig_message(pmm_service_t *base, pmm_peer_t *peer, const char *text, size_t len) {
  assert_true(rig_padded(text, len));
  char word[32] = "";
  snprintf(word, sizeof word, "%.*s", (int)(len < 31 ? len : 31), text);
  if (strncmp(word, "close ", 6) == 0) base->host_ops->close(base->host, peer, atoi(word + 6), "as asked");
  else if (strncmp(word, "large ", 6) == 0) {
    size_t const n = (size_t)atol(word + 6);
    char *const body = malloc(n + 1);
    for (size_t i = 0; i < n; i++) body[i] = (char)('a' + i % 26);
    pmm_service_send(base, peer, body, n);
    free(body);
  } else pmm_service_send(base, peer, text, len);
}

static void rig_pong(pmm_service_t *base, pmm_peer_t *peer, const char *payload, size_t len) {
  (void)peer;
  rig_service_t *const s = (rig_service_t *)base;
  s->pongs++;
  snprintf(s->last_pong, sizeof s->last_pong, "%.*s", (int)len, payload);
}

static void rig_closed(pmm_service_t *base, pmm_peer_t *peer) {
  rig_service_t *const s = (rig_service_t *)base;
  assert_ptr_equal(peer->user, s);
  s->closed++;
}

static int64_t rig_advance(pmm_service_t *base, int64_t now_ns) {
  rig_service_t *const s = (rig_service_t *)base;
  s->advances++;
  s->advanced_ns = now_ns;
  int64_t const next_ns = s->next_ns;
  s->next_ns = PMM_NS_MAX;
  return next_ns;
}

static const pmm_service_ops_t rig_ops = {.name = "rig", .http = rig_http, .gone = rig_gone, .upgrade = rig_upgrade, .opened = rig_opened, .message = rig_message,
                                          .pong = rig_pong, .closed = rig_closed, .advance = rig_advance};

/* -- everything together -- */

typedef struct rig {
  pmm_net_t *net;
  rig_service_t service;
  pmm_host_t *host;
  char http[64], ws[64];                         /* "http://127.0.0.1:PORT" */
  pmm_notice_t notice[256]; size_t notice_cnt;
} rig_t;

static void rig_notice(void *ctx, const pmm_notice_t *notice) {
  rig_t *const rig = ctx;
  rig->notice[rig->notice_cnt++ % 256] = *notice;
}

static inline bool rig_noticed(const rig_t *rig, const char *code) {
  for (size_t i = 0; i < rig->notice_cnt && i < 256; i++)
    if (strcmp(rig->notice[i].code, code) == 0) return true;
  return false;
}

/* The rig's host with everything in config but the port and the sink. */
static inline void rig_open(rig_t *rig, const pmm_net_config_t *net, pmm_host_config_t host) {
  pmm_error_t err = {0};
  memset(rig, 0, sizeof *rig);
  pmm_net_config_t config = net ? *net : (pmm_net_config_t){0};
  config.notices = host.notices = (pmm_notice_sink_t){rig_notice, rig};
  rig->service.base.ops = &rig_ops;
  rig->service.next_ns = PMM_NS_MAX;
  if (pmm_net_open(&rig->net, &config, &err) != PMM_OK) fail_msg("%s", err.text);
  if (pmm_host_open(&rig->host, rig->net, &rig->service.base, &host, &err) != PMM_OK) fail_msg("%s", err.text);
  snprintf(rig->http, sizeof rig->http, "http%s://127.0.0.1:%d", host.cert_file ? "s" : "", pmm_host_port(rig->host));
  snprintf(rig->ws, sizeof rig->ws, "ws%s://127.0.0.1:%d", host.cert_file ? "s" : "", pmm_host_port(rig->host));
}

static inline void rig_close(rig_t *rig) {
  pmm_host_close(rig->host);
  pmm_net_close(rig->net);
  assert_int_equal(rig->service.closed, rig->service.opened);
}

/* Turns the loop until the condition holds; a minute without it is a failure, not a pace. */
#define RIG_UNTIL(rig, condition)                                                                     \
  do {                                                                                                \
    int64_t const until_ns_ = pmm_net_mono((rig)->net) + 60 * PMM_NS_PER_S;                           \
    while (!(condition)) {                                                                            \
      if (pmm_net_mono((rig)->net) > until_ns_) fail_msg("waited in vain for %s", #condition);        \
      pmm_net_step((rig)->net, 50 * PMM_NS_PER_MS);                                                   \
    }                                                                                                 \
  } while (0)

/* -- answers of requests -- */

typedef struct rig_answer { int cnt; pmm_status_t status; bool unsent; int http; char body[4096]; size_t len; char why[128], type[64], retry_after[16], date[64]; int64_t rtt_ns; } rig_answer_t;

static void rig_done(void *ctx, uint64_t tag, const pmm_http_response_t *r) {
  rig_answer_t *const a = (rig_answer_t *)ctx + tag;
  a->cnt++;
  a->status = r->status;
  a->unsent = r->unsent;
  a->http = r->http;
  a->len = r->body_len;
  a->rtt_ns = r->recv_ns - r->sent_ns;
  assert_true(rig_padded(r->body, r->body_len));
  snprintf(a->body, sizeof a->body, "%.*s", (int)(r->body_len < sizeof a->body ? r->body_len : sizeof a->body - 1), r->body);
  snprintf(a->why, sizeof a->why, "%s", r->why);
  const char *text = pmm_http_header(r, "content-type");
  snprintf(a->type, sizeof a->type, "%s", text ? text : "");
  text = pmm_http_header(r, "RETRY-AFTER");
  snprintf(a->retry_after, sizeof a->retry_after, "%s", text ? text : "");
  text = pmm_http_header(r, "date");
  snprintf(a->date, sizeof a->date, "%s", text ? text : "");
}

static inline void rig_send(rig_t *rig, rig_answer_t *answer, const char *method, const char *path, const char *body, pmm_http_request_t more) {
  char url[9000];
  pmm_error_t err = {0};
  snprintf(url, sizeof url, "%s%s", path[0] == '/' ? rig->http : "", path);
  more.method = method;
  more.url = url;
  more.body = body;
  if (body && more.body_len == 0) more.body_len = strlen(body);
  more.done = rig_done;
  more.ctx = answer;
  if (pmm_http_send(rig->net, &more, &err) != PMM_OK) fail_msg("%s", err.text);
}

static inline rig_answer_t rig_ask(rig_t *rig, const char *method, const char *path, const char *body) {
  rig_answer_t answer = {0};
  rig_send(rig, &answer, method, path, body, (pmm_http_request_t){0});
  assert_int_equal(answer.cnt, 0); /* never before pmm_http_send returned */
  RIG_UNTIL(rig, answer.cnt == 1);
  return answer;
}

/* -- what a stream says -- */

typedef struct rig_client {
  pmm_ws_t *ws;
  int opened, closed, messages, attempts;
  uint32_t conn, closed_conn;                    /* the latest */
  int code, http; char why[128];
  char text[256]; size_t len; uint64_t bytes; int64_t recv_ns;
  int64_t answer_ns;                             /* what `closed` returns */
  bool close_in_message, quiet;                  /* quiet: no callback may come any more */
  pmm_status_t headers_status;
} rig_client_t;

static pmm_status_t rig_headers(void *ctx, pmm_header_t header[PMM_WS_HEADERS_MAX], size_t *cnt) {
  rig_client_t *const c = ctx;
  c->attempts++;
  header[0] = (pmm_header_t){"KALSHI-ACCESS-KEY", "key"};
  *cnt = 1;
  return c->headers_status;
}
static void rig_on_opened(void *ctx, uint32_t conn) {
  rig_client_t *const c = ctx;
  assert_false(c->quiet);
  c->opened++;
  c->conn = conn;
}
static void rig_on_message(void *ctx, uint32_t conn, const char *text, size_t len, int64_t recv_ns) {
  (void)conn;
  rig_client_t *const c = ctx;
  assert_false(c->quiet);
  assert_true(rig_padded(text, len));
  c->messages++;
  c->len = len;
  c->bytes += len;
  c->recv_ns = recv_ns;
  snprintf(c->text, sizeof c->text, "%.*s", (int)(len < sizeof c->text ? len : sizeof c->text - 1), text);
  if (!c->close_in_message) return;
  c->quiet = true;
  pmm_ws_close(c->ws);
  c->ws = NULL;
}
static int64_t rig_on_closed(void *ctx, uint32_t conn, int code, int http, const char *why) {
  rig_client_t *const c = ctx;
  assert_false(c->quiet);
  c->closed++;
  c->closed_conn = conn;
  c->code = code;
  c->http = http;
  snprintf(c->why, sizeof c->why, "%s", why);
  return c->answer_ns;
}

static inline void rig_connect(rig_t *rig, rig_client_t *c, const char *path, pmm_ws_config_t more) {
  char url[256];
  pmm_error_t err = {0};
  snprintf(url, sizeof url, "%s%s", path[0] == '/' ? rig->ws : "", path);
  more.url = url;
  more.headers = rig_headers;
  more.opened = rig_on_opened;
  more.message = rig_on_message;
  more.closed = rig_on_closed;
  more.ctx = c;
  if (more.backoff_min_ns == 0) more.backoff_min_ns = more.backoff_max_ns = PMM_NS_PER_MS;
  if (pmm_ws_open(rig->net, &more, &c->ws, &err) != PMM_OK) fail_msg("%s", err.text);
}
#endif
