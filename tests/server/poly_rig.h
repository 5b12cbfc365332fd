/* A fake host around the Polymarket dialect: requests as its clients sign them, answers and messages kept for looking at. Virtual time. */
#ifndef TEST_SERVER_POLY_RIG_H
#define TEST_SERVER_POLY_RIG_H
#include <jansson.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <cmocka.h>
#include "base/json.h"
#include "pmm/decimal.h"
#include "pmm/polymarket.h"
#include "pmm/server.h"
#include "server/polymarket/dialect.h"

#define RIG_START_NS (INT64_C(1700000000) * PMM_NS_PER_S)
#define RIG_MEMBERS 3
#define RIG_MSGS 256

typedef struct rig_sock {
  pmm_peer_t peer;
  char *msg[RIG_MSGS];
  size_t msg_cnt;
  int closed;
  struct rig_sock *next;
} rig_sock_t; /* closed: code, 0 open */
typedef struct rig_call { pmm_call_t call; int http; char *body; char header[256]; bool dropped; } rig_call_t;
typedef struct rig_member {
  pmm_poly_signer_t *signer;
  pmm_poly_address_t funder; bool has_funder;
  uint32_t account;
  char key[64], secret[128], passphrase[128];
  pmm_poly_hmac_t hmac;
} rig_member_t;
typedef struct rig {
  pmm_place_t *place;
  pmm_service_t *service;
  int64_t now_ns;
  rig_member_t member[RIG_MEMBERS];
  uint32_t market;
  rig_sock_t *socks;
  uint64_t salt;
  int64_t next_ns;       /* when advance is due: as it said last, or at once when the service asked to be woken */
  rig_call_t last;       /* of rig_do */
  json_t *json;          /* its body, borrowed until the next */
} rig_t;

/* -- the host -- */
static inline void rig_reply(void *host, pmm_call_t *call, int http, const pmm_header_t *header, size_t cnt, const char *body, size_t len) {
  (void)host;
  rig_call_t *const c = (rig_call_t *)call;
  assert_int_equal(c->http, 0); /* once */
  c->http = http;
  free(c->body);
  c->body = strndup(body, len);
  assert_int_equal(strlen(c->body), len);
  for (size_t i = 0, at = 0; i < cnt; i++) at += (size_t)snprintf(c->header + at, sizeof c->header - at, "%s: %s;", header[i].name, header[i].value);
}
static inline void rig_drop(void *host, pmm_call_t *call) { (void)host, ((rig_call_t *)call)->dropped = true; }
static inline pmm_status_t rig_send(void *host, pmm_peer_t *peer, const char *text, size_t len) {
  (void)host;
  rig_sock_t *const s = (rig_sock_t *)peer;
  if (s->closed) return PMM_STATE;
  if (s->msg_cnt == RIG_MSGS) { /* the oldest half goes */
    for (size_t i = 0; i < RIG_MSGS / 2; i++) free(s->msg[i]);
    memmove(s->msg, s->msg + RIG_MSGS / 2, sizeof *s->msg * (RIG_MSGS / 2));
    s->msg_cnt = RIG_MSGS / 2;
  }
  s->msg[s->msg_cnt++] = strndup(text, len);
  return PMM_OK;
}
static inline void rig_ping(void *host, pmm_peer_t *peer, const char *payload, size_t len) { (void)host, (void)peer, (void)payload, (void)len; }
static inline void rig_close_peer(void *host, pmm_peer_t *peer, int code, const char *why) {
  (void)host, (void)why, ((rig_sock_t *)peer)->closed = code;
}
static inline int64_t rig_now(void *host) { return ((rig_t *)host)->now_ns; }
static inline void rig_wake(void *host) { ((rig_t *)host)->next_ns = ((rig_t *)host)->now_ns; }
static const pmm_host_ops_t rig_host = {rig_reply, rig_drop, rig_send, rig_ping, rig_close_peer, rig_now, rig_wake};

/* -- requests -- */
typedef struct rig_header { const char *name, *value; } rig_header_t;
static inline const char *rig_header(const pmm_request_t *r, const char *name) {
  for (const rig_header_t *h = r->impl; h && h->name; h++)
    if (strcasecmp(h->name, name) == 0) return h->value;
  return NULL;
}

static inline void rig_send_call(rig_t *rig, rig_call_t *call, const rig_header_t *header, const char *method, const char *path,
                                 const char *query, const char *body, size_t len) {
  char *const padded = calloc(1, len + PMM_JSON_PAD);
  memcpy(padded, body, len);
  pmm_request_t const r = {.method = method,
                           .path = path,
                           .query = query,
                           .body = padded,
                           .body_len = len,
                           .remote = "127.0.0.1",
                           .header = rig_header,
                           .impl = header};
  rig->service->ops->http(rig->service, &call->call, &r);
  free(padded);
}

/* An answer into rig->last and rig->json; the status. */
static inline int rig_raw(rig_t *rig, const rig_header_t *header, const char *method, const char *path, const char *query, const char *body) {
  free(rig->last.body);
  rig->last = (rig_call_t){0};
  rig_send_call(rig, &rig->last, header, method, path, query ? query : "", body ? body : "", body ? strlen(body) : 0);
  if (rig->json) json_decref(rig->json);
  rig->json = rig->last.body ? json_loads(rig->last.body, JSON_DECODE_ANY, NULL) : NULL;
  return rig->last.http;
}

static inline void rig_l2(const rig_t *rig, rig_member_t *m, const char *method, const char *path, const char *body, rig_header_t header[6],
                          char text[3][64]) {
  pmm_poly_address_print(pmm_poly_signer_address(m->signer), text[0]);
  snprintf(text[1], 64, "%lld", (long long)(rig->now_ns / PMM_NS_PER_S));
  pmm_poly_hmac_sign(&m->hmac, rig->now_ns / PMM_NS_PER_S, method, path, body, body ? strlen(body) : 0, text[2]);
  rig_header_t const all[] = {{"poly_address", text[0]}, {"POLY_SIGNATURE", text[2]},        {"POLY_TIMESTAMP", text[1]},
                              {"POLY_API_KEY", m->key},  {"Poly_Passphrase", m->passphrase}, {NULL, NULL}};
  memcpy(header, all, sizeof all);
}

/* who: a member's index, -1 for nobody (a public route). */
static inline int rig_do(rig_t *rig, int who, const char *method, const char *path, const char *query, const char *body) {
  rig_header_t header[6] = {{NULL, NULL}};
  char text[3][64];
  if (who >= 0) rig_l2(rig, &rig->member[who], method, path, body, header, text);
  return rig_raw(rig, header, method, path, query, body);
}

static inline int rig_l1(rig_t *rig, int who, const char *method, const char *path, uint64_t nonce) {
  uint8_t sig[65];
  char address[PMM_POLY_HEX_ADDRESS], hex[133], at[24], n[24];
  pmm_poly_signer_t *const signer = rig->member[who].signer;
  assert_int_equal(pmm_poly_l1_sign(signer, PMM_POLY_CHAIN_POLYGON, rig->now_ns / PMM_NS_PER_S, nonce, sig), PMM_OK);
  pmm_poly_hex(sig, sizeof sig, hex);
  pmm_poly_address_print(pmm_poly_signer_address(signer), address);
  snprintf(at, sizeof at, "%lld", (long long)(rig->now_ns / PMM_NS_PER_S));
  snprintf(n, sizeof n, "%llu", (unsigned long long)nonce);
  rig_header_t const header[] = {{"POLY_ADDRESS", address}, {"POLY_SIGNATURE", hex}, {"POLY_TIMESTAMP", at}, {"POLY_NONCE", n}, {NULL, NULL}};
  return rig_raw(rig, header, method, path, NULL, NULL);
}

static inline const char *rig_str(const json_t *o, const char *key) {
  const char *const text = json_string_value(json_object_get(o, key));
  return text ? text : "(none)";
}
static inline const char *rig_error(const rig_t *rig) { return rig_str(rig->json, "error"); }

static inline void rig_take_key(rig_t *rig, int who) {
  rig_member_t *const m = &rig->member[who];
  snprintf(m->key, sizeof m->key, "%s", rig_str(rig->json, "apiKey"));
  snprintf(m->secret, sizeof m->secret, "%s", rig_str(rig->json, "secret"));
  snprintf(m->passphrase, sizeof m->passphrase, "%s", rig_str(rig->json, "passphrase"));
  assert_int_equal(pmm_poly_hmac_init(&m->hmac, m->secret, strlen(m->secret)), PMM_OK);
}

/* -- orders -- */
typedef struct rig_order {
  int who;
  int outcome;              /* 0 YES, 1 NO */
  pmm_poly_side_t side;
  const char *type;         /* "GTC" ... */
  int32_t price_e4;
  int64_t qty_e6;           /* shares; of a market buy: money */
  bool post_only, defer, market;
  uint8_t wallet;           /* pmm_poly_wallet_t */
  int64_t expiration_s;
  int version;              /* 0: 2 */
} rig_order_t;

static inline const char *rig_token(const rig_t *rig, int outcome) {
  const pmm_market_t *const m = pmm_place_market(rig->place, rig->market);
  return outcome ? m->token_no : m->token_yes;
}

/* The signed order; id gets its hash. */
static inline pmm_poly_order_t rig_make(rig_t *rig, const rig_order_t *w) {
  rig_member_t *const m = &rig->member[w->who];
  pmm_poly_amounts_t a;
  int32_t const tick_e4 = pmm_place_market(rig->place, rig->market)->grid.tick_e4;
  pmm_status_t const st = w->market ? pmm_poly_amounts_market(w->side, tick_e4, w->price_e4, w->qty_e6, 4, &a)
                                    : pmm_poly_amounts_limit(w->side, tick_e4, w->price_e4, w->qty_e6, &a);
  assert_int_equal(st, PMM_OK);
  pmm_poly_order_t o = {.version = (uint8_t)(w->version ? w->version : 2),
                        .side = (uint8_t)w->side,
                        .signature_type = w->wallet,
                        .salt = ++rig->salt,
                        .maker = *pmm_poly_signer_address(m->signer),
                        .signer = *pmm_poly_signer_address(m->signer),
                        .maker_e6 = a.maker_e6,
                        .taker_e6 = a.taker_e6,
                        .timestamp_ms = (uint64_t)(rig->now_ns / PMM_NS_PER_MS),
                        .expiration_s = (uint64_t)w->expiration_s};
  if (o.version == 1) o.timestamp_ms = 0;
  if (w->wallet == PMM_POLY_PROXY) pmm_poly_proxy_wallet(&o.signer, &o.maker);
  if (w->wallet == PMM_POLY_SAFE) pmm_poly_safe_wallet(&o.signer, &o.maker);
  if (w->wallet == PMM_POLY_DEPOSIT) o.maker = o.signer = m->funder;
  pmm_poly_word_from_decimal(rig_token(rig, w->outcome), strlen(rig_token(rig, w->outcome)), &o.token);
  return o;
}

static inline void rig_wrap(rig_t *rig, const rig_order_t *w, const pmm_poly_order_t *o, char *body, size_t cap, char id[PMM_POLY_HEX_WORD]) {
  pmm_poly_domain_t domain;
  pmm_poly_word_t hash;
  uint8_t sig[PMM_POLY_SIG_MAX];
  size_t sig_len;
  char json[PMM_POLY_ORDER_JSON_MAX];
  assert_int_equal(pmm_poly_domain(o->version, false, PMM_POLY_CHAIN_POLYGON, &domain), PMM_OK);
  assert_int_equal(pmm_poly_order_sign(rig->member[w->who].signer, &domain, o, &hash, sig, &sig_len), PMM_OK);
  pmm_poly_hex(hash.b, 32, id);
  pmm_poly_order_json(o, sig, sig_len, json);
  snprintf(body, cap, "{\"deferExec\":%s,\"postOnly\":%s,\"order\":%s,\"owner\":\"%s\",\"orderType\":\"%s\"}", w->defer ? "true" : "false",
           w->post_only ? "true" : "false", json, rig->member[w->who].key, w->type);
}

/* Posts it; id (may be NULL) gets its hash. */
static inline int rig_post(rig_t *rig, const rig_order_t *w, char id[PMM_POLY_HEX_WORD]) {
  char body[4096], hash[PMM_POLY_HEX_WORD];
  pmm_poly_order_t const o = rig_make(rig, w);
  rig_wrap(rig, w, &o, body, sizeof body, id ? id : hash);
  return rig_do(rig, w->who, "POST", "/order", NULL, body);
}
#define RIG_POST(rig, id, ...) rig_post(rig, &(rig_order_t){__VA_ARGS__}, id)
static inline void rig_must(rig_t *rig, const rig_order_t *w, char id[PMM_POLY_HEX_WORD]) {
  int const http = rig_post(rig, w, id);
  if (http != 200) fail_msg("%d %s", http, rig->last.body);
}
#define RIG_MUST(rig, id, ...) rig_must(rig, &(rig_order_t){__VA_ARGS__}, id)

/* -- sockets -- */
static inline rig_sock_t *rig_open_sock(rig_t *rig, const char *path) {
  rig_sock_t *const s = calloc(1, sizeof *s);
  pmm_request_t const r = {.method = "GET", .path = path, .query = "", .body = "", .remote = "127.0.0.1", .header = rig_header};
  char refusal[256];
  assert_int_equal(rig->service->ops->upgrade(rig->service, &s->peer, &r, refusal, sizeof refusal), 0);
  s->next = rig->socks;
  rig->socks = s;
  return s;
}
static inline void rig_say(rig_t *rig, rig_sock_t *s, const char *text) {
  size_t const len = strlen(text);
  char *const padded = calloc(1, len + PMM_JSON_PAD);
  memcpy(padded, text, len);
  rig->service->ops->message(rig->service, &s->peer, padded, len);
  free(padded);
}
static inline void rig_forget(rig_sock_t *s) {
  for (size_t i = 0; i < s->msg_cnt; i++) free(s->msg[i]);
  s->msg_cnt = 0;
}
static inline json_t *rig_msg(const rig_sock_t *s, size_t i) { /* a new reference */
  if (i >= s->msg_cnt) fail_msg("only %zu messages", s->msg_cnt);
  json_t *const json = json_loads(s->msg[i], JSON_DECODE_ANY, NULL);
  if (!json) fail_msg("no JSON: %s", s->msg[i]);
  return json;
}

/* -- life -- */
static inline void rig_to(rig_t *rig, int64_t at_ns) { /* time passes; advance is called when it is due and never else, as a host does */
  while (rig->next_ns <= at_ns) {
    rig->now_ns = rig->next_ns > rig->now_ns ? rig->next_ns : rig->now_ns;
    rig->next_ns = PMM_NS_MAX; /* unless it is woken meanwhile */
    int64_t const next = rig->service->ops->advance(rig->service, rig->now_ns);
    if (next < rig->next_ns) rig->next_ns = next > rig->now_ns ? next : rig->now_ns + 1;
  }
  rig->now_ns = at_ns;
}
static inline void rig_pass(rig_t *rig, int64_t ns) { rig_to(rig, rig->now_ns + ns); }

static inline void rig_check(const rig_t *rig) {
  pmm_error_t err = {0};
  if (pmm_place_check(rig->place, &err) != PMM_OK) fail_msg("%s", err.text);
}

static inline uint32_t rig_list(rig_t *rig, const char *id, void (*edit)(pmm_listing_params_t *)) {
  pmm_listing_params_t listing = {0};
  pmm_market_t market;
  pmm_error_t err = {0};
  uint32_t index;
  pmm_params_default(pmm_listing_param_table, pmm_listing_param_cnt, &listing);
  snprintf(listing.id, sizeof listing.id, "%s", id);
  listing.duration_ns = 0;
  if (edit) edit(&listing);
  if (pmm_polymarket_dialect.market(&listing, rig->now_ns, 7, &market, &err) != PMM_OK) fail_msg("%s", err.text);
  if (pmm_place_market_add(rig->place, &market, rig->now_ns, &index, &err) != PMM_OK) fail_msg("%s", err.text);
  if (pmm_polymarket_dialect.list(rig->service, index, &listing, &err) != PMM_OK) fail_msg("%s", err.text);
  return index;
}

static const char *const rig_keys[RIG_MEMBERS] = {
    "ac0974bec39a17e36ba4a6b4d238ff944bacb478cbed5efcae784d7bf4f2ff80", /* public development accounts */
    "59c6995e998f97a5a0044966f0945389dc9e86dae88c7a8412f4603b6b78690d", "5de4111afa1a4b94908f83103eb1f1706367c2e68ca870fc3fb9a804cdab365a"};

static inline void rig_member_add(rig_t *rig, int i) {
  static const uint8_t seed[32] = {3};
  rig_member_t *const m = &rig->member[i];
  pmm_member_params_t p = {0};
  pmm_error_t err = {0};
  assert_int_equal(pmm_poly_signer_new(rig_keys[i], 64, seed, &m->signer, &err), PMM_OK);
  snprintf(p.name, sizeof p.name, "member%d", i);
  p.cash_e6 = INT64_C(10000) * PMM_ONE_E6;
  pmm_poly_address_print(pmm_poly_signer_address(m->signer), p.polymarket_address);
  if (i == 2) { /* the third one trades from a deposit wallet, too */
    snprintf(p.polymarket_funder, sizeof p.polymarket_funder, "0x9fE46736679d2D9a65F0992F2272dE9f3c7fa6e0");
    m->has_funder = true;
    pmm_poly_address_parse(p.polymarket_funder, 42, &m->funder);
  }
  assert_int_equal(pmm_place_account_add(rig->place, p.name, p.cash_e6, &m->account, &err), PMM_OK);
  assert_int_equal(pmm_polymarket_dialect.member(rig->service, m->account, &p, &err), PMM_OK);
}

typedef struct rig_setup { pmm_serve_params_t serve; pmm_place_config_t place; } rig_setup_t;
static inline rig_setup_t rig_usual(void) {
  rig_setup_t s = {.place = {.venue = PMM_VENUE_POLYMARKET,
                             .accounts_max = 16,
                             .markets_max = 8,
                             .settle_mined_ns = PMM_NS_PER_S,
                             .settle_ns = 4 * PMM_NS_PER_S,
                             .seed = 11}};
  pmm_params_default(pmm_serve_param_table, pmm_serve_param_cnt, &s.serve);
  s.serve.rate_limit = false;
  return s;
}

static inline rig_t *rig_open(const rig_setup_t *setup, bool keys) {
  rig_t *const rig = calloc(1, sizeof *rig);
  pmm_error_t err = {0};
  rig->now_ns = RIG_START_NS;
  rig->salt = 1000;
  if (pmm_place_open(&rig->place, &setup->place, &err) != PMM_OK) fail_msg("%s", err.text);
  pmm_dialect_config_t const config = {.serve = setup->serve, .place = rig->place, .seed = 5};
  if (pmm_polymarket_dialect.open(&rig->service, &config, &err) != PMM_OK) fail_msg("%s", err.text);
  rig->service->host_ops = &rig_host;
  rig->service->host = rig;
  rig->market = rig_list(rig, "demo", NULL);
  for (int i = 0; i < RIG_MEMBERS; i++) {
    rig_member_add(rig, i);
    if (!keys) continue;
    assert_int_equal(rig_l1(rig, i, "POST", "/auth/api-key", 0), 200);
    rig_take_key(rig, i);
  }
  return rig;
}

static inline void rig_close(rig_t *rig) {
  rig_check(rig);
  while (rig->socks) {
    rig_sock_t *const s = rig->socks;
    rig->socks = s->next;
    rig->service->ops->closed(rig->service, &s->peer);
    rig_forget(s);
    free(s);
  }
  pmm_polymarket_dialect.close(rig->service);
  pmm_place_close(rig->place);
  for (int i = 0; i < RIG_MEMBERS; i++) pmm_poly_signer_free(rig->member[i].signer);
  free(rig->last.body);
  if (rig->json) json_decref(rig->json);
  free(rig);
}

/* Both members hold pairs to sell, made by a split. */
static inline void rig_split(rig_t *rig, int who, int64_t qty_e6) {
  assert_int_equal(pmm_place_split(rig->place, rig->member[who].account, rig->market, qty_e6, rig->now_ns), PMM_OK);
}
#endif
