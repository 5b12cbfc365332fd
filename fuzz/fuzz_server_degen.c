/* fuzz_server_degen.c -- the Degen dialect, and the admin calls before it, against arbitrary requests and socket texts. The input is a script, a
   step a line:
     p METHOD PATH BODY     from nobody             a, b METHOD PATH BODY     with the token of the first, second member (PATH with its query)
     A METHOD PATH BODY     with the admin token    k TOKEN                   a balance asked for with this token
     w TEXT, v TEXT         on a public socket, on the first member's         x     both sockets are closed and opened again
     t N                    N milliseconds pass
   Every answer is JSON with a status and comes once, every text on a socket is JSON, and the exchange's books balance at the end. */
#include <jansson.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include "base/json.h"
#include "pmm/param.h"
#include "pmm/server.h"

#define LINE_MAX_LEN 8192
#define STEPS_MAX 128
#define START_NS (INT64_C(1700000000) * PMM_NS_PER_S)
#define SECRET "a secret of some length"
#define ADMIN "an admin token of some length"

static pmm_exchange_t *exchange;
static pmm_service_t *service;
static int64_t now_ns;
static char token[2][512];
static int replies;
static struct { pmm_peer_t peer; bool live; } socks[2];

/* -- the host -- */
static void must_be_json(const char *text, size_t len) {
  json_t *const json = json_loadb(text, len, 0, NULL);
  if (!json) abort();
  json_decref(json);
}
static void reply(void *host, pmm_call_t *call, int http, const pmm_header_t *header, size_t cnt, const char *body, size_t len) {
  (void)host, (void)call, (void)header, (void)cnt;
  if (++replies != 1 || http < 200 || http > 599) abort();
  must_be_json(body, len);
}
static void drop(void *host, pmm_call_t *call) { (void)host, (void)call; }
static pmm_status_t send_text(void *host, pmm_peer_t *peer, const char *text, size_t len) {
  (void)host;
  if (peer == &socks[0].peer ? !socks[0].live : !socks[1].live) abort();
  must_be_json(text, len);
  return PMM_OK;
}
static void ping(void *host, pmm_peer_t *peer, const char *payload, size_t len) { (void)host, (void)peer, (void)payload, (void)len; }
static void close_peer(void *host, pmm_peer_t *peer, int code, const char *why) { (void)host, (void)peer, (void)code, (void)why; }
static int64_t now(void *host) { return (void)host, now_ns; }
static void wake(void *host) { (void)host; }
static const pmm_host_ops_t host_ops = {reply, drop, send_text, ping, close_peer, now, wake};

/* -- requests -- */
static const char *header_of(const pmm_request_t *r, const char *name) { return strcasecmp(name, "authorization") == 0 ? r->impl : NULL; }

static pmm_request_t request(const char *method, char *path, const char *body, size_t len, const char *authorization) {
  char *const mark = strchr(path, '?');
  if (mark) *mark = 0;
  return (pmm_request_t){.method = method, .path = path, .query = mark ? mark + 1 : "", .body = body, .body_len = len, .remote = "127.0.0.1", .header = header_of, .impl = authorization};
}

static void call(const char *method, char *path, const char *body, const char *bearer) {
  char authorization[LINE_MAX_LEN + 16], padded[LINE_MAX_LEN + PMM_JSON_PAD] = {0};
  pmm_call_t c = {0};
  size_t const len = strlen(body);
  snprintf(authorization, sizeof authorization, "Bearer %s", bearer ? bearer : "");
  memcpy(padded, body, len);
  pmm_request_t const r = request(method, path, padded, len, bearer ? authorization : NULL);
  replies = 0;
  service->ops->http(service, &c, &r);
  if (replies != 1) abort();
}

static void text(int i, const char *line) {
  char padded[LINE_MAX_LEN + PMM_JSON_PAD] = {0};
  size_t const len = strlen(line);
  memcpy(padded, line, len);
  service->ops->message(service, &socks[i].peer, padded, len);
}

static void sockets(bool open) {
  for (int i = 0; i < 2; i++) {
    char path[] = "/ws", authorization[600], refusal[256];
    snprintf(authorization, sizeof authorization, "Bearer %s", token[0]);
    pmm_request_t const r = request("GET", path, "", 0, i ? authorization : NULL);
    if (socks[i].live) service->ops->closed(service, &socks[i].peer);
    socks[i].live = open;
    if (open && service->ops->upgrade(service, &socks[i].peer, &r, refusal, sizeof refusal) != 0) abort();
  }
}

/* -- the exchange -- */
static void base64url(const unsigned char *in, size_t len, char *out) {
  static const char abc[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
  for (size_t i = 0; i < len; i += 3) {
    uint32_t const w = (uint32_t)in[i] << 16 | (uint32_t)(i + 1 < len ? in[i + 1] : 0) << 8 | (i + 2 < len ? in[i + 2] : 0);
    for (size_t k = 0; k < 4 && i + k <= len; k++) *out++ = abc[w >> (18 - 6 * k) & 63];
  }
  *out = 0;
}

static void mint(const char *name, char *out) {
  char claims[128];
  unsigned char mac[32];
  unsigned int mac_len;
  snprintf(claims, sizeof claims, "{\"sub\":\"%s\",\"exp\":1800000000}", name);
  strcpy(out, "eyJhbGciOiJIUzI1NiJ9.");
  base64url((const unsigned char *)claims, strlen(claims), out + strlen(out));
  HMAC(EVP_sha256(), SECRET, sizeof SECRET - 1, (const unsigned char *)out, strlen(out), mac, &mac_len);
  strcat(out, ".");
  base64url(mac, 32, out + strlen(out));
}

static const char *secret_of(void *ctx, const char *name) { return (void)ctx, strcmp(name, "DEGEN_EXCHANGE_SECRET") == 0 ? SECRET : NULL; }

static void open_exchange(void) {
  pmm_serve_params_t serve = {0};
  pmm_listing_params_t listing[2] = {0};
  pmm_member_params_t member[2] = {0};
  pmm_error_t err;
  pmm_params_default(pmm_serve_param_table, pmm_serve_param_cnt, &serve);
  for (int i = 0; i < 2; i++) {
    pmm_params_default(pmm_listing_param_table, pmm_listing_param_cnt, &listing[i]);
    pmm_params_default(pmm_member_param_table, pmm_member_param_cnt, &member[i]);
    snprintf(listing[i].id, sizeof listing[i].id, "M%d", i);
    snprintf(member[i].name, sizeof member[i].name, "a%d", i);
    member[i].cash_e6 = 1000 * PMM_ONE_E6;
    mint(member[i].name, token[i]);
  }
  listing[1].taker_rate = 0.01;
  pmm_exchange_config_t const c = {.serve = &serve, .serve_cnt = 1, .listing = listing, .listing_cnt = 2, .member = member, .member_cnt = 2, .seed = 1, .start_ns = START_NS,
                                   .admin_token = ADMIN, .secret = secret_of};
  if (serve.dialect != PMM_VENUE_DEGEN - 1 || pmm_exchange_open(&exchange, &c, &err) != PMM_OK) abort();
  service = pmm_exchange_service(exchange, 0);
  service->host_ops = &host_ops;
  now_ns = START_NS;
}

static void http_step(char *line, const char *bearer) {
  char *const method = strsep(&line, " "), *const path = strsep(&line, " ");
  static char root[] = "/";
  /* No faults from within: what they hold back would come after its call is gone. Files are not for a fuzzer to name. */
  if (bearer && strcmp(bearer, ADMIN) == 0 && ((path && strpbrk(path, "%f")) || (line && strstr(line, "tape")))) return;
  call(method, path ? path : root, line ? line : "", bearer);
}

static void step(char *line) {
  char const kind = line[0];
  char *const rest = line[0] && line[1] == ' ' ? line + 2 : line + strlen(line);
  char path[] = "/balance";
  switch (kind) {
  case 'p': http_step(rest, NULL); break;
  case 'a': http_step(rest, token[0]); break;
  case 'b': http_step(rest, token[1]); break;
  case 'A': http_step(rest, ADMIN); break;
  case 'k': call("GET", path, "", rest); break;
  case 'w': text(0, rest); break;
  case 'v': text(1, rest); break;
  case 'x': sockets(true); break;
  case 't':
    now_ns += (int64_t)(strtoul(rest, NULL, 10) % 10000000) * PMM_NS_PER_MS;
    service->ops->advance(service, now_ns);
    break;
  default: break;
  }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  static char line[LINE_MAX_LEN];
  pmm_error_t err;
  open_exchange();
  sockets(true);
  for (size_t at = 0, steps = 0; at < size && steps < STEPS_MAX; steps++) {
    const uint8_t *const end = memchr(data + at, '\n', size - at);
    size_t const len = end ? (size_t)(end - (data + at)) : size - at, kept = len < LINE_MAX_LEN ? len : LINE_MAX_LEN - 1;
    memcpy(line, data + at, kept);
    line[kept] = 0;
    step(line);
    at += len + 1;
  }
  sockets(false);
  if (pmm_place_check(pmm_exchange_place(exchange, 0), &err) != PMM_OK) abort();
  pmm_exchange_close(exchange);
  return 0;
}
