/* fuzz_server_polymarket.c -- the Polymarket dialect against arbitrary requests and socket texts. The input is a script, a step a line:
     p METHOD PATH QUERY BODY     from nobody            a, b METHOD PATH QUERY BODY     signed by the first, second member ("-": no query)
     l METHOD PATH NONCE SIG      with wallet headers    o BYTES                         a well-formed signed order made of the bytes
     w TEXT, u TEXT               on a market, a user socket                x            both sockets are closed and opened again
     t N                          N milliseconds pass    f N                             a state of the venue, a share of trades that fail
   Every answer is JSON with a status, each call is answered once at most, and the exchange's books balance at the end. */
#include <jansson.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include "base/json.h"
#include "pmm/polymarket.h"
#include "pmm/server.h"
#include "server/polymarket/dialect.h"

#define LINE_MAX_LEN 8192
#define STEPS_MAX 64
#define START_NS (INT64_C(1700000000) * PMM_NS_PER_S)

typedef struct call { pmm_call_t call; int http; } call_t;
typedef struct sock { pmm_peer_t peer; bool live; } sock_t;
static pmm_place_t *place;
static pmm_service_t *service;
static int64_t now_ns;
static pmm_poly_signer_t *signer[2];
static char key[2][64], passphrase[2][128], secret[2][128];
static pmm_poly_hmac_t hmac[2];
static call_t calls[STEPS_MAX + 8];
static size_t call_cnt;
static sock_t socks[2];
static uint64_t salt;
static char last[4096];

/* -- the host -- */
static void reply(void *host, pmm_call_t *call, int http, const pmm_header_t *header, size_t cnt, const char *body, size_t len) {
  (void)host, (void)header, (void)cnt;
  call_t *const c = (call_t *)call;
  json_t *const json = json_loadb(body, len, JSON_DECODE_ANY, NULL);
  if (c->http != 0 || http < 200 || http > 599 || !json) abort();
  json_decref(json);
  c->http = http;
  snprintf(last, sizeof last, "%.*s", (int)(len < sizeof last ? len : sizeof last - 1), body);
}
static void drop(void *host, pmm_call_t *call) { (void)host, (void)call; }
static pmm_status_t send_text(void *host, pmm_peer_t *peer, const char *text, size_t len) {
  (void)host;
  if (!((sock_t *)peer)->live || len == 0) abort();
  if (text[0] != '{' && text[0] != '[') return PMM_OK; /* PONG and the like */
  json_t *const json = json_loadb(text, len, 0, NULL);
  if (!json) abort();
  json_decref(json);
  return PMM_OK;
}
static void ping(void *host, pmm_peer_t *peer, const char *payload, size_t len) { (void)host, (void)peer, (void)payload, (void)len; }
static void close_peer(void *host, pmm_peer_t *peer, int code, const char *why) { (void)host, (void)peer, (void)code, (void)why; }
static int64_t now(void *host) { return (void)host, now_ns; }
static void wake(void *host) { (void)host; }
static const pmm_host_ops_t host_ops = {reply, drop, send_text, ping, close_peer, now, wake};

/* -- requests -- */
typedef struct header { const char *name, *value; } header_t;
static const char *header_of(const pmm_request_t *r, const char *name) {
  for (const header_t *h = r->impl; h && h->name; h++)
    if (strcasecmp(h->name, name) == 0) return h->value;
  return NULL;
}

static void request(const header_t *header, const char *method, const char *path, const char *query, const char *body) {
  size_t const len = strlen(body);
  char *const padded = calloc(1, len + PMM_JSON_PAD);
  memcpy(padded, body, len);
  pmm_request_t const r = {.method = method,
                           .path = path,
                           .query = query,
                           .body = padded,
                           .body_len = len,
                           .remote = "127.0.0.1",
                           .header = header_of,
                           .impl = header};
  call_t *const call = &calls[call_cnt++];
  *call = (call_t){0};
  service->ops->http(service, &call->call, &r);
  free(padded);
}

static void signed_request(int who, const char *method, const char *path, const char *query, const char *body) {
  char address[PMM_POLY_HEX_ADDRESS], at[24], sig[PMM_POLY_HMAC_TEXT];
  pmm_poly_address_print(pmm_poly_signer_address(signer[who]), address);
  snprintf(at, sizeof at, "%lld", (long long)(now_ns / PMM_NS_PER_S));
  pmm_poly_hmac_sign(&hmac[who], now_ns / PMM_NS_PER_S, method, path, body, strlen(body), sig);
  header_t const header[] = {{"POLY_ADDRESS", address},
                             {"POLY_SIGNATURE", sig},
                             {"POLY_TIMESTAMP", at},
                             {"POLY_API_KEY", key[who]},
                             {"POLY_PASSPHRASE", passphrase[who]},
                             {NULL, NULL}};
  request(header, method, path, query, body);
}

static void wallet_request(int who, const char *method, const char *path, uint64_t nonce, const char *broken) {
  uint8_t sig[65];
  char address[PMM_POLY_HEX_ADDRESS], hex[133], at[24], n[24];
  pmm_poly_l1_sign(signer[who], PMM_POLY_CHAIN_POLYGON, now_ns / PMM_NS_PER_S, nonce, sig);
  pmm_poly_hex(sig, sizeof sig, hex);
  pmm_poly_address_print(pmm_poly_signer_address(signer[who]), address);
  snprintf(at, sizeof at, "%lld", (long long)(now_ns / PMM_NS_PER_S));
  snprintf(n, sizeof n, "%llu", (unsigned long long)nonce);
  header_t const header[] = {
      {"POLY_ADDRESS", address}, {"POLY_SIGNATURE", *broken ? broken : hex}, {"POLY_TIMESTAMP", at}, {"POLY_NONCE", n}, {NULL, NULL}};
  request(header, method, path, "", "");
}

/* who, outcome and side, type and flags, price, size (2), market */
static void order(const unsigned char *b, size_t len) {
  static const char *const types[] = {"GTC", "GTD", "FOK", "FAK"};
  unsigned char v[7] = {0};
  memcpy(v, b, len < sizeof v ? len : sizeof v);
  int const who = v[0] & 1;
  uint32_t const market = v[6] & 1;
  const pmm_market_t *const m = pmm_place_market(place, market);
  const char *const token = v[1] & 1 ? m->token_no : m->token_yes, *const type = types[v[2] & 3];
  pmm_poly_side_t const side = v[1] & 2 ? PMM_POLY_SELL : PMM_POLY_BUY;
  int32_t const price_e4 = 100 * (1 + v[3] % 99);
  int64_t const qty_e6 = 10000 * (int64_t)(1 + v[4] + 256 * v[5]);
  pmm_poly_amounts_t a;
  pmm_poly_domain_t domain;
  pmm_poly_word_t id;
  uint8_t sig[PMM_POLY_SIG_MAX];
  size_t sig_len;
  char json[PMM_POLY_ORDER_JSON_MAX], body[4096];
  pmm_status_t const st =
      v[2] & 2 ? pmm_poly_amounts_market(side, 100, price_e4, qty_e6, 4, &a) : pmm_poly_amounts_limit(side, 100, price_e4, qty_e6, &a);
  if (st != PMM_OK) return;
  pmm_poly_order_t o = {.version = 2,
                        .side = (uint8_t)side,
                        .salt = ++salt,
                        .maker = *pmm_poly_signer_address(signer[who]),
                        .signer = *pmm_poly_signer_address(signer[who]),
                        .maker_e6 = a.maker_e6,
                        .taker_e6 = a.taker_e6,
                        .timestamp_ms = (uint64_t)(now_ns / PMM_NS_PER_MS),
                        .expiration_s = (v[2] & 3) == 1 ? (uint64_t)(now_ns / PMM_NS_PER_S) + 200 : 0};
  pmm_poly_word_from_decimal(token, strlen(token), &o.token);
  if (pmm_poly_domain(2, false, PMM_POLY_CHAIN_POLYGON, &domain) != PMM_OK ||
      pmm_poly_order_sign(signer[who], &domain, &o, &id, sig, &sig_len) != PMM_OK)
    abort();
  pmm_poly_order_json(&o, sig, sig_len, json);
  bool const batch = v[2] & 16;
  snprintf(body, sizeof body, "%s{\"deferExec\":%s,\"postOnly\":%s,\"order\":%s,\"owner\":\"%s\",\"orderType\":\"%s\"}%s", batch ? "[" : "",
           v[2] & 8 ? "true" : "false", v[2] & 4 ? "true" : "false", json, key[who], type, batch ? "]" : "");
  signed_request(who, "POST", batch ? "/orders" : "/order", "", body);
}

/* -- sockets -- */
static void sock_open(int i) {
  pmm_request_t const r = {.method = "GET", .path = i ? "/ws/user" : "/ws/market", .query = "", .body = "", .header = header_of};
  char refusal[256];
  socks[i] = (sock_t){.live = true};
  if (service->ops->upgrade(service, &socks[i].peer, &r, refusal, sizeof refusal) != 0) abort();
}
static void sock_close(int i) {
  if (socks[i].live) service->ops->closed(service, &socks[i].peer);
  socks[i].live = false;
}
static void say(int i, const char *text) {
  size_t const len = strlen(text);
  char *const padded = calloc(1, len + PMM_JSON_PAD);
  memcpy(padded, text, len);
  service->ops->message(service, &socks[i].peer, padded, len);
  free(padded);
}

static void pass(int64_t ns) {
  int64_t const until = now_ns + ns;
  for (int i = 0; i < 1000; i++) {
    int64_t const next = service->ops->advance(service, now_ns);
    if (next > until) break;
    now_ns = next > now_ns ? next : now_ns + 1;
  }
  now_ns = until > now_ns ? until : now_ns;
  service->ops->advance(service, now_ns);
}

static void state(unsigned n) {
  switch (n % 6) {
  case 0: pmm_polymarket_restart(service, now_ns, PMM_NS_PER_S, PMM_NS_PER_S); break;
  case 1: pmm_polymarket_phase(service, (pmm_phase_t)(n / 6 % 3), PMM_NS_MAX); break;
  case 2: pmm_polymarket_disable(service, n / 6 % 2); break;
  case 3: pmm_place_faults(place, (n / 6 % 3) / 2.0, 0); break;
  case 4: (void)pmm_place_regrid(place, 0, now_ns, n / 6 % 2 ? 10 : 100); break;
  default: (void)pmm_place_life(place, 1, now_ns, (pmm_life_t)(n / 6 % 6), PMM_OUTCOME_YES, PMM_ONE_E6); break;
  }
}

/* -- life -- */
static const char *text_of(const json_t *o, const char *name) {
  const char *const text = json_string_value(json_object_get(o, name));
  if (!text) abort();
  return text;
}

static void member_add(int i) {
  static const char *const keys[] = {"ac0974bec39a17e36ba4a6b4d238ff944bacb478cbed5efcae784d7bf4f2ff80",
                                     "59c6995e998f97a5a0044966f0945389dc9e86dae88c7a8412f4603b6b78690d"};
  static const uint8_t seed[32] = {3};
  pmm_member_params_t p = {.cash_e6 = INT64_C(1000) * PMM_ONE_E6};
  uint32_t account;
  snprintf(p.name, sizeof p.name, "member%d", i);
  if (pmm_poly_signer_new(keys[i], 64, seed, &signer[i], NULL) != PMM_OK) abort();
  pmm_poly_address_print(pmm_poly_signer_address(signer[i]), p.polymarket_address);
  if (pmm_place_account_add(place, p.name, p.cash_e6, &account, NULL) != PMM_OK ||
      pmm_polymarket_dialect.member(service, account, &p, NULL) != PMM_OK)
    abort();
  for (uint32_t market = 0; market < 2; market++)
    if (pmm_place_split(place, account, market, 100 * PMM_ONE_E6, now_ns) != PMM_OK) abort();
  wallet_request(i, "POST", "/auth/api-key", 0, "");
  json_t *const json = json_loads(last, 0, NULL);
  snprintf(key[i], sizeof key[i], "%s", text_of(json, "apiKey"));
  snprintf(secret[i], sizeof secret[i], "%s", text_of(json, "secret"));
  snprintf(passphrase[i], sizeof passphrase[i], "%s", text_of(json, "passphrase"));
  json_decref(json);
  if (pmm_poly_hmac_init(&hmac[i], secret[i], strlen(secret[i])) != PMM_OK) abort();
}

static void listing_add(const char *id, const char *asset) {
  pmm_listing_params_t listing = {0};
  pmm_market_t market;
  uint32_t index;
  pmm_params_default(pmm_listing_param_table, pmm_listing_param_cnt, &listing);
  snprintf(listing.id, sizeof listing.id, "%s", id);
  snprintf(listing.asset, sizeof listing.asset, "%s", asset);
  if (pmm_polymarket_dialect.market(&listing, now_ns, 1, &market, NULL) != PMM_OK ||
      pmm_place_market_add(place, &market, now_ns, &index, NULL) != PMM_OK ||
      pmm_polymarket_dialect.list(service, index, &listing, NULL) != PMM_OK)
    abort();
}

static void begin(void) {
  pmm_place_config_t const pc = {.venue = PMM_VENUE_POLYMARKET,
                                 .accounts_max = 4,
                                 .markets_max = 2,
                                 .orders_max = 1000,
                                 .settle_mined_ns = PMM_NS_PER_S,
                                 .settle_ns = 4 * PMM_NS_PER_S,
                                 .seed = 1};
  pmm_dialect_config_t dc = {.seed = 2};
  now_ns = START_NS;
  call_cnt = 0;
  salt = 0;
  if (pmm_place_open(&place, &pc, NULL) != PMM_OK) abort();
  pmm_params_default(pmm_serve_param_table, pmm_serve_param_cnt, &dc.serve);
  dc.place = place;
  if (pmm_polymarket_dialect.open(&service, &dc, NULL) != PMM_OK) abort();
  service->host_ops = &host_ops;
  listing_add("demo", "");
  listing_add("coin", "BTC");
  for (int i = 0; i < 2; i++) member_add(i);
  for (int i = 0; i < 2; i++) sock_open(i);
  /* Both channels are open to what follows, whatever the input says of them. */
  char text[1024];
  const pmm_market_t *const m = pmm_place_market(place, 0);
  snprintf(text, sizeof text, "{\"type\":\"market\",\"custom_feature_enabled\":true,\"assets_ids\":[\"%s\",\"%s\"]}", m->token_yes, m->token_no);
  say(0, text);
  snprintf(text, sizeof text, "{\"type\":\"user\",\"auth\":{\"apiKey\":\"%s\",\"secret\":\"%s\",\"passphrase\":\"%s\"}}", key[0], secret[0],
           passphrase[0]);
  say(1, text);
}

static void end(void) {
  pmm_error_t err = {0};
  pass(10 * PMM_NS_PER_S);
  if (pmm_place_check(place, &err) != PMM_OK) {
    fprintf(stderr, "%s\n", err.text);
    abort();
  }
  for (int i = 0; i < 2; i++) {
    sock_close(i);
    pmm_poly_signer_free(signer[i]);
    signer[i] = NULL;
  }
  pmm_polymarket_dialect.close(service);
  pmm_place_close(place);
}

static void step(char *line, size_t len) {
  char *part[4] = {line + (len > 1 ? 2 : len), NULL, NULL, NULL};
  char const kind = line[0];
  if (kind == 'o') return order((const unsigned char *)line + 1, len - 1);
  if (kind == 'w' || kind == 'u') return socks[kind == 'u'].live ? say(kind == 'u', part[0]) : (void)0;
  if (kind == 't') return pass((int64_t)(strtoul(part[0], NULL, 10) % 100000) * PMM_NS_PER_MS);
  if (kind == 'f') return state((unsigned)strtoul(part[0], NULL, 10));
  if (kind == 'x') {
    for (int i = 0; i < 2; i++) sock_close(i), sock_open(i);
    return;
  }
  for (int i = 1; i < 4; i++) {
    part[i] = strchr(part[i - 1], ' ');
    if (part[i]) *part[i]++ = '\0';
    else part[i] = part[i - 1] + strlen(part[i - 1]);
  }
  const char *const query = strcmp(part[2], "-") == 0 ? "" : part[2];
  if (kind == 'p') request(NULL, part[0], part[1], query, part[3]);
  else if (kind == 'a' || kind == 'b') signed_request(kind == 'b', part[0], part[1], query, part[3]);
  else if (kind == 'l') wallet_request(0, part[0], part[1], strtoul(part[2], NULL, 10) % 1000, part[3]);
}

int LLVMFuzzerTestOneInput(const unsigned char *data, size_t size);
int LLVMFuzzerTestOneInput(const unsigned char *data, size_t size) {
  static char line[LINE_MAX_LEN + 1];
  begin();
  for (size_t at = 0, steps = 0; at < size && steps < STEPS_MAX; steps++) {
    const unsigned char *const newline = memchr(data + at, '\n', size - at);
    size_t const width = newline ? (size_t)(newline - data) - at : size - at, len = width < LINE_MAX_LEN ? width : LINE_MAX_LEN;
    memcpy(line, data + at, len);
    line[len] = '\0';
    if (len > 0) step(line, len);
    at += width + 1;
  }
  end();
  return 0;
}
