/* tests/server/degen_host.h -- a host that keeps what a service answers and sends, for tests in process; and tokens for its accounts. */
#ifndef TEST_SERVER_DEGEN_HOST_H
#define TEST_SERVER_DEGEN_HOST_H
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include "base/json.h"
#include "pmm/server.h"

#define ONE INT64_C(1000000)
#define SEC PMM_NS_PER_S
#define CNT(a) (sizeof(a) / sizeof(a)[0])
#define SECRET "a secret of some length"

typedef struct peer_log { pmm_peer_t peer; char text[1 << 16]; size_t len; uint32_t pings; int close_code; } peer_log_t;
typedef struct fake_host {
  pmm_service_t *service;
  int64_t now_ns;
  int http; char body[1 << 20]; char retry[32]; int replies;
  int wakes;
} fake_host_t;

static inline void fake_reply(void *host, pmm_call_t *call, int http, const pmm_header_t *header, size_t header_cnt, const char *body, size_t len) {
  fake_host_t *const h = host;
  (void)call;
  assert_true(len < sizeof h->body);
  h->http = http;
  memcpy(h->body, body, len);
  h->body[len] = 0;
  h->retry[0] = 0;
  for (size_t i = 0; i < header_cnt; i++)
    if (strcmp(header[i].name, "Retry-After") == 0) snprintf(h->retry, sizeof h->retry, "%s", header[i].value);
  h->replies++;
}
static inline void fake_drop(void *host, pmm_call_t *call) { (void)host, (void)call; }
static inline pmm_status_t fake_send(void *host, pmm_peer_t *peer, const char *text, size_t len) {
  peer_log_t *const p = (peer_log_t *)peer;
  (void)host;
  assert_true(p->len + len + 2 < sizeof p->text);
  memcpy(p->text + p->len, text, len);
  p->len += len;
  p->text[p->len++] = '\n';
  p->text[p->len] = 0;
  return PMM_OK;
}
static inline void fake_ping(void *host, pmm_peer_t *peer, const char *payload, size_t len) { (void)host, (void)payload, (void)len; ((peer_log_t *)peer)->pings++; }
static inline void fake_close(void *host, pmm_peer_t *peer, int code, const char *why) { (void)host, (void)why; ((peer_log_t *)peer)->close_code = code; }
static inline int64_t fake_now(void *host) { return ((fake_host_t *)host)->now_ns; }
static inline void fake_wake(void *host) { ((fake_host_t *)host)->wakes++; }
static const pmm_host_ops_t fake_ops = {fake_reply, fake_drop, fake_send, fake_ping, fake_close, fake_now, fake_wake};

static inline void fake_host(fake_host_t *h, pmm_service_t *service, int64_t now_ns) {
  *h = (fake_host_t){.service = service, .now_ns = now_ns};
  service->host = h;
  service->host_ops = &fake_ops;
}

typedef struct fake_headers { const char *authorization; } fake_headers_t;
static inline const char *fake_header(const pmm_request_t *r, const char *name) {
  const fake_headers_t *const f = r->impl;
  return strcasecmp(name, "authorization") == 0 ? f->authorization : NULL;
}

/* token NULL: none. The answer's status; its body in h->body. */
static inline int ask(fake_host_t *h, const char *token, const char *method, const char *path_query, const char *body) {
  char path[1024], bearer[2048], padded[65536];
  snprintf(path, sizeof path, "%s", path_query);
  char *const mark = strchr(path, '?');
  if (mark) *mark = 0;
  snprintf(bearer, sizeof bearer, "Bearer %s", token ? token : "");
  fake_headers_t const f = {token ? bearer : NULL};
  memset(padded, ' ', sizeof padded);
  size_t const len = body ? strlen(body) : 0;
  memcpy(padded, body ? body : "", len);
  pmm_request_t const r = {.method = method, .path = path, .query = mark ? mark + 1 : "", .body = padded, .body_len = len, .remote = "127.0.0.1", .header = fake_header, .impl = &f};
  pmm_call_t call = {0};
  h->replies = 0;
  h->service->ops->http(h->service, &call, &r);
  assert_int_equal(h->replies, 1);
  return h->http;
}

static inline int open_sock(fake_host_t *h, peer_log_t *p, const char *token, const char *path) {
  char bearer[2048], refusal[256];
  snprintf(bearer, sizeof bearer, "Bearer %s", token ? token : "");
  fake_headers_t const f = {token ? bearer : NULL};
  pmm_request_t const r = {.method = "GET", .path = path, .query = "", .body = "", .remote = "127.0.0.1", .header = fake_header, .impl = &f};
  memset(p, 0, sizeof *p);
  return h->service->ops->upgrade(h->service, &p->peer, &r, refusal, sizeof refusal);
}

static inline void say(fake_host_t *h, peer_log_t *p, const char *text) {
  char padded[65536];
  size_t const len = strlen(text);
  memset(padded, 'x', sizeof padded);
  memcpy(padded, text, len);
  h->service->ops->message(h->service, &p->peer, padded, len);
}

/* What came since the last look, emptied. */
static inline const char *heard(peer_log_t *p) {
  static char text[1 << 16];
  memcpy(text, p->text, sizeof text);
  p->len = 0;
  p->text[0] = 0;
  return text;
}

static inline void base64url(const unsigned char *in, size_t len, char *out) {
  static const char abc[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
  size_t o = 0;
  for (size_t i = 0; i < len; i += 3) {
    uint32_t const w = (uint32_t)in[i] << 16 | (uint32_t)(i + 1 < len ? in[i + 1] : 0) << 8 | (i + 2 < len ? in[i + 2] : 0);
    for (size_t k = 0; k < 4 && i + k <= len; k++) out[o++] = abc[w >> (18 - 6 * k) & 63];
  }
  out[o] = 0;
}

static inline void mint(const char *header, const char *claims, const char *secret, char *token) {
  unsigned char mac[32];
  unsigned int mac_len;
  base64url((const unsigned char *)header, strlen(header), token);
  strcat(token, ".");
  base64url((const unsigned char *)claims, strlen(claims), token + strlen(token));
  HMAC(EVP_sha256(), secret, (int)strlen(secret), (const unsigned char *)token, strlen(token), mac, &mac_len);
  strcat(token, ".");
  base64url(mac, 32, token + strlen(token));
}

static inline void token_for(const char *name, int64_t until_s, char *token) {
  char claims[256];
  snprintf(claims, sizeof claims, "{\"sub\":\"%s\",\"exp\":%lld}", name, (long long)until_s);
  mint("{\"alg\":\"HS256\",\"typ\":\"JWT\"}", claims, SECRET, token);
}
#endif
