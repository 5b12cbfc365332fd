/* fuzz_server_kalshi.c -- the Kalshi dialect against arbitrary requests and socket texts. The input is a script, a step a line:
     p METHOD PATH QUERY BODY     from nobody            a, b METHOD PATH QUERY BODY     signed by the first, second member ("-": no query)
     h KEY TIME SIGNATURE         headers as they are, on the balance
     w TEXT, u TEXT               on a socket of the first, second member    x           both sockets are closed and opened again
     t N                          N milliseconds pass    l N                             the first market's life moves, or its tick
     i N                          a reference price of N cents
   PATH is below /trade-api/v2; in PATH, QUERY and BODY a $ is the latest order's id, a # the latest group's.
   Every call is answered once, with a status and JSON, or 204 and nothing; every frame is JSON, and those of a sid that are numbered are
   numbered without a gap; the exchange's books balance at the end. */
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <unistd.h>
#include "base/json.h"
#include "pmm/kalshi.h"
#include "pmm/server.h"
#include "server/kalshi/index.h"

#define LINE_MAX_LEN 8192
#define STEPS_MAX 64
#define SIDS_MAX 1024
#define START_NS (INT64_C(1790000000) * PMM_NS_PER_S)

typedef struct sock { pmm_peer_t peer; bool live; uint64_t seq[SIDS_MAX]; } sock_t;
static pmm_place_t *place;
static pmm_service_t *service;
static pmm_kalshi_key_t *key[2];
static char key_file[2][64];
static int64_t now_ns;
static size_t replies;
static sock_t socks[2];
static char order_id[64], group_id[64];

/* -- the host -- */

static void remember(const json_t *json, const char *name, char *out, size_t cap) {
  const char *const text = json_string_value(json_object_get(json, name));
  if (text) snprintf(out, cap, "%s", text);
}

static void reply(void *host, pmm_call_t *call, int http, const pmm_header_t *header, size_t cnt, const char *body, size_t len) {
  (void)host, (void)call, (void)header, (void)cnt;
  replies++;
  if (http < 200 || http > 599 || (http == 204) != (len == 0)) abort();
  if (len == 0) return;
  json_t *const json = json_loadb(body, len, 0, NULL);
  if (!json) abort();
  remember(json, "order_id", order_id, sizeof order_id);
  remember(json, "order_group_id", group_id, sizeof group_id);
  json_decref(json);
}
static void drop(void *host, pmm_call_t *call) { (void)host, (void)call; }

static pmm_status_t send_text(void *host, pmm_peer_t *peer, const char *text, size_t len) {
  (void)host;
  sock_t *const s = (sock_t *)(void *)peer;
  json_t *const json = json_loadb(text, len, 0, NULL);
  if (!s->live || !json || !json_is_string(json_object_get(json, "type"))) abort();
  json_int_t const sid = json_integer_value(json_object_get(json, "sid")), seq = json_integer_value(json_object_get(json, "seq"));
  if (json_object_get(json, "seq") && sid > 0 && sid < SIDS_MAX && (uint64_t)seq != ++s->seq[sid]) abort();
  json_decref(json);
  return PMM_OK;
}
static void ping(void *host, pmm_peer_t *peer, const char *payload, size_t len) {
  (void)host, (void)payload, (void)len;
  if (!((sock_t *)(void *)peer)->live) abort();
}
static void close_peer(void *host, pmm_peer_t *peer, int code, const char *why) { (void)host, (void)peer, (void)code, (void)why; }
static int64_t now(void *host) { return (void)host, now_ns; }
static void wake(void *host) { (void)host; }
static const pmm_host_ops_t host_ops = {reply, drop, send_text, ping, close_peer, now, wake};

/* -- requests -- */

typedef struct headers { const char *name[4], *value[4]; size_t cnt; } headers_t;
static const char *header_of(const pmm_request_t *request, const char *name) {
  const headers_t *const h = request->impl;
  for (size_t i = 0; i < h->cnt; i++)
    if (strcasecmp(h->name[i], name) == 0) return h->value[i];
  return NULL;
}

static void put_header(headers_t *h, const char *name, const char *value) {
  h->name[h->cnt] = name;
  h->value[h->cnt++] = value;
}

static void sign(headers_t *h, int who, const char *method, const char *path, char at[24], char signature[PMM_KALSHI_SIGNATURE_BUF]) {
  snprintf(at, 24, "%lld", (long long)(now_ns / PMM_NS_PER_MS));
  if (pmm_kalshi_sign(key[who], at, method, path, signature) != PMM_OK) return; /* a path too long to be signed */
  put_header(h, "KALSHI-ACCESS-KEY", who ? "b" : "a");
  put_header(h, "KALSHI-ACCESS-TIMESTAMP", at);
  put_header(h, "KALSHI-ACCESS-SIGNATURE", signature);
}

static void call(int who, const char *method, const char *path, const char *query, const char *body, headers_t *h) {
  static char padded[2 * LINE_MAX_LEN + PMM_JSON_PAD];
  char at[24], signature[PMM_KALSHI_SIGNATURE_BUF];
  pmm_call_t c = {0};
  size_t const len = strlen(body);
  memcpy(padded, body, len);
  memset(padded + len, 0, PMM_JSON_PAD);
  if (who >= 0) sign(h, who, method, path, at, signature);
  if (len) put_header(h, "Content-Type", "application/json");
  pmm_request_t const request = {
      .method = method, .path = path, .query = query, .body = padded, .body_len = len, .remote = "127.0.0.1", .header = header_of, .impl = h};
  size_t const before = replies;
  service->ops->http(service, &c, &request);
  if (replies != before + 1) abort();
}

static void expand(const char *from, char *out, size_t cap) {
  size_t n = 0;
  for (; *from && n + 64 < cap; from++) {
    if (*from == '$' || *from == '#') n += (size_t)snprintf(out + n, cap - n, "%s", *from == '$' ? order_id : group_id);
    else out[n++] = *from;
  }
  out[n] = 0;
}

static void request_step(int who, char *line) {
  static char path[2 * LINE_MAX_LEN], query[2 * LINE_MAX_LEN], body[2 * LINE_MAX_LEN];
  char *rest = line, *const method = strsep(&rest, " "), *const raw_path = rest ? strsep(&rest, " ") : "",
       *const raw_query = rest ? strsep(&rest, " ") : "-";
  headers_t h = {0};
  size_t const root = (size_t)snprintf(path, sizeof path, "/trade-api/v2");
  expand(raw_path, path + root, sizeof path - root);
  expand(strcmp(raw_query, "-") == 0 ? "" : raw_query, query, sizeof query);
  expand(rest ? rest : "", body, sizeof body);
  call(who, method, path, query, body, &h);
}

static void header_step(char *line) {
  static const char *const names[] = {"KALSHI-ACCESS-KEY", "KALSHI-ACCESS-TIMESTAMP", "KALSHI-ACCESS-SIGNATURE"};
  headers_t h = {0};
  char *rest = line;
  for (size_t i = 0; i < 3 && rest; i++) {
    const char *const value = strsep(&rest, " ");
    if (*value) put_header(&h, names[i], value);
  }
  call(-1, "GET", "/trade-api/v2/portfolio/balance", "", "", &h);
}

/* -- sockets -- */

static void hang_up(sock_t *s) {
  if (!s->live) return;
  s->live = false;
  service->ops->closed(service, &s->peer);
}

static void connect_socket(int who) {
  char at[24], signature[PMM_KALSHI_SIGNATURE_BUF], refusal[256];
  headers_t h = {0};
  sock_t *const s = &socks[who];
  hang_up(s);
  memset(s, 0, sizeof *s);
  sign(&h, who, "GET", "/trade-api/ws/v2", at, signature);
  pmm_request_t const request = {
      .method = "GET", .path = "/trade-api/ws/v2", .query = "", .body = "", .remote = "127.0.0.1", .header = header_of, .impl = &h};
  if (service->ops->upgrade(service, &s->peer, &request, refusal, sizeof refusal) != 0) abort();
  s->live = true;
  service->ops->opened(service, &s->peer);
}

static void say(int who, const char *text) {
  static char padded[LINE_MAX_LEN + PMM_JSON_PAD];
  size_t const len = strlen(text);
  memcpy(padded, text, len);
  memset(padded + len, 0, PMM_JSON_PAD);
  service->ops->message(service, &socks[who].peer, padded, len);
}

/* -- the exchange -- */

static void life_step(unsigned n) {
  static const struct { pmm_life_t life; pmm_outcome_t outcome; int64_t payout_e6; } moves[] = {
    {PMM_LIFE_HALTED, PMM_OUTCOME_UNKNOWN, 0}, {PMM_LIFE_OPEN, PMM_OUTCOME_UNKNOWN, 0},        {PMM_LIFE_CLOSED, PMM_OUTCOME_UNKNOWN, 0},
    {PMM_LIFE_RESOLVING, PMM_OUTCOME_YES, 0},  {PMM_LIFE_RESOLVED, PMM_OUTCOME_YES, PMM_ONE_E6}, {PMM_LIFE_RESOLVED, PMM_OUTCOME_VOID, 370000}};
  if (n % 8 < 6) pmm_place_life(place, 0, now_ns, moves[n % 8].life, moves[n % 8].outcome, moves[n % 8].payout_e6);
  else pmm_place_regrid(place, 0, now_ns, n % 8 == 6 ? 10 : 100);
}

static void step(char *line) {
  char *const rest = line[0] && line[1] == ' ' ? line + 2 : line + strlen(line);
  switch (line[0]) {
  case 'p': request_step(-1, rest); break;
  case 'a': request_step(0, rest); break;
  case 'b': request_step(1, rest); break;
  case 'h': header_step(rest); break;
  case 'w': say(0, rest); break;
  case 'u': say(1, rest); break;
  case 'x': connect_socket(0), connect_socket(1); break;
  case 't': now_ns += (int64_t)(strtoul(rest, NULL, 10) % 100000000) * PMM_NS_PER_MS, service->ops->advance(service, now_ns); break;
  case 'l': life_step((unsigned)strtoul(rest, NULL, 10)); break;
  case 'i': pmm_kalshi_dialect_index(service, "BRTI", (int64_t)(strtoul(rest, NULL, 10) % 100000000) * 1000000, now_ns); break;
  default: break;
  }
}

static void make_keys(void) {
  for (int i = 0; i < 2; i++) {
    char pem[PMM_KALSHI_PEM_BUF];
    pmm_error_t err;
    snprintf(key_file[i], sizeof key_file[i], "/tmp/fuzz-server-kalshi-%d-%d.pem", (int)getpid(), i);
    FILE *const f = fopen(key_file[i], "wb");
    if (!f || pmm_kalshi_key_generate(&key[i], true, &err) != PMM_OK || pmm_kalshi_key_pem(key[i], false, pem, sizeof pem) != PMM_OK) abort();
    fputs(pem, f);
    fclose(f);
  }
}

static void open_all(bool lag) {
  static const pmm_place_config_t config = {.venue = PMM_VENUE_KALSHI, .accounts_max = 4, .markets_max = 2, .orders_max = 2000, .seed = 1};
  static const char *const ids[] = {"KXT-26NOV20-A", "KXBTC15M-26OCT021330-30"}, *const names[] = {"a", "b"};
  pmm_error_t err;
  now_ns = START_NS;
  order_id[0] = group_id[0] = 0;
  if (pmm_place_open(&place, &config, &err) != PMM_OK) abort();
  pmm_dialect_config_t const dialect = {.serve = {.rate_limit = true, .lag_ns = lag ? 400 * PMM_NS_PER_MS : 0}, .place = place, .seed = 1};
  if (pmm_kalshi_dialect.open(&service, &dialect, &err) != PMM_OK) abort();
  service->host_ops = &host_ops;
  service->host = &now_ns;
  for (int i = 0; i < 2; i++) {
    pmm_member_params_t m = {0};
    uint32_t account, index;
    pmm_market_t market;
    pmm_listing_params_t listing = {.tick_e4 = 100, .duration_ns = INT64_C(3600) * PMM_NS_PER_S, .taker_rate = -1, .maker_rate = i ? 0.0175 : -1};
    snprintf(m.name, sizeof m.name, "%s", names[i]);
    snprintf(m.kalshi_key_id, sizeof m.kalshi_key_id, "%s", names[i]);
    snprintf(m.kalshi_public_key, sizeof m.kalshi_public_key, "%s", key_file[i]);
    snprintf(listing.id, sizeof listing.id, "%s", ids[i]);
    if (i) snprintf(listing.grid, sizeof listing.grid, "tapered_deci_cent");
    if (pmm_place_account_add(place, m.name, INT64_C(1000) * PMM_ONE_E6, &account, &err) != PMM_OK ||
        pmm_kalshi_dialect.member(service, account, &m, &err) != PMM_OK)
      abort();
    if (pmm_kalshi_dialect.market(&listing, now_ns, 1, &market, &err) != PMM_OK ||
        pmm_place_market_add(place, &market, now_ns, &index, &err) != PMM_OK || pmm_kalshi_dialect.list(service, index, &listing, &err) != PMM_OK)
      abort();
    connect_socket(i);
  }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  static char line[LINE_MAX_LEN];
  if (!key[0]) make_keys();
  open_all(size > 0 && data[0] == '\n');
  for (size_t at = 0, steps = 0; at < size && steps < STEPS_MAX; steps++) {
    const uint8_t *const end = memchr(data + at, '\n', size - at);
    size_t const len = end ? (size_t)(end - data) - at : size - at, used = len < sizeof line - 1 ? len : sizeof line - 1;
    memcpy(line, data + at, used);
    line[used] = 0;
    step(line);
    at += len + 1;
  }
  pmm_error_t err;
  if (pmm_place_check(place, &err) != PMM_OK) abort();
  hang_up(&socks[0]);
  hang_up(&socks[1]);
  pmm_kalshi_dialect.close(service);
  pmm_place_close(place);
  return 0;
}
