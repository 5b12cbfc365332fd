/* Who is asking: a wallet's signature for making keys (L1), an HMAC for everything private (L2); and heartbeats, which watch the orders of a key. */
#include <openssl/crypto.h>
#include <stdlib.h>
#include <string.h>
#include "server/polymarket/impl.h"

#define UNAUTHORIZED "Unauthorized/Invalid api key"

pmm__pd_member_t *pmm__pd_member_of(pmm__pd_t *d, const pmm_poly_address_t *address) {
  for (uint32_t i = 0; i < d->member_cnt; i++) {
    pmm__pd_member_t *const m = &d->member[i];
    if (pmm_poly_address_eq(&m->address, address) || (m->has_funder && pmm_poly_address_eq(&m->funder, address))) return m;
  }
  return NULL;
}

bool pmm__pd_hex(const char *text, uint8_t *out, size_t cnt) {
  pmm_poly_word_t word;
  char part[PMM_POLY_HEX_WORD] = "0x";
  if (strlen(text) != 2 + 2 * cnt || strncmp(text, "0x", 2) != 0) return false;
  for (size_t at = 0; at < cnt; at += 32) { /* in words, the last one filled up with zeros */
    size_t const len = cnt - at < 32 ? cnt - at : 32;
    memset(part + 2, '0', 64);
    memcpy(part + 2, text + 2 + 2 * at, 2 * len);
    if (pmm_poly_word_parse(part, 66, &word) != PMM_OK) return false;
    memcpy(out + at, word.b, len);
  }
  return true;
}

/* The time a client signed, within the window. */
static bool time_fits(const pmm__pd_req_t *r, const char *text) {
  int64_t at_s;
  if (pmm_decimal_parse(text, strlen(text), 0, &at_s, NULL) != PMM_OK || at_s < 0 || at_s > PMM_NS_MAX / PMM_NS_PER_S) return false;
  return pmm_abs64(r->now_ns - at_s * PMM_NS_PER_S) <= r->d->serve.skew_ns;
}

/* -- L1 -- */
static bool l1_read(const pmm__pd_req_t *r, pmm_poly_address_t *address, uint64_t *nonce) {
  const char *const who = pmm_request_header(r->http, "POLY_ADDRESS"), *const sig = pmm_request_header(r->http, "POLY_SIGNATURE");
  const char *const at = pmm_request_header(r->http, "POLY_TIMESTAMP"), *const n = pmm_request_header(r->http, "POLY_NONCE");
  uint8_t bytes[65];
  int64_t number = 0;
  pmm_poly_word_t digest;
  pmm_poly_address_t signer;
  if (!who || !sig || !at || pmm_poly_address_parse(who, strlen(who), address) != PMM_OK) return false;
  if (n && (pmm_decimal_parse(n, strlen(n), 0, &number, NULL) != PMM_OK || number < 0)) return false;
  if (!time_fits(r, at) || !pmm__pd_hex(sig, bytes, sizeof bytes)) return false;
  pmm_poly_l1_digest(address, PMM_POLY_CHAIN_POLYGON, at, (uint64_t)number, &digest);
  *nonce = (uint64_t)number;
  return pmm_poly_recover(&digest, bytes, &signer) == PMM_OK && pmm_poly_address_eq(&signer, address);
}

/* -- keys -- */
static void key_bytes(const pmm__pd_t *d, const pmm_poly_address_t *address, uint64_t nonce, uint8_t kind, const char *what, pmm_poly_word_t *out) {
  struct { uint64_t seed, nonce; uint8_t address[24], kind[8]; char what[16]; } in = {.seed = d->seed, .nonce = nonce, .kind = {kind}};
  memcpy(in.address, address->b, 20);
  snprintf(in.what, sizeof in.what, "%s", what);
  pmm_keccak256(&in, sizeof in, out);
  OPENSSL_cleanse(&in, sizeof in);
}

static void base64url(const uint8_t bytes[32], char out[45]) {
  static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
  for (size_t i = 0, n = 0; n < 44; i += 3, n += 4) {
    uint32_t const bits = (uint32_t)bytes[i] << 16 | (uint32_t)bytes[i + 1] << 8 | (i + 2 < 32 ? bytes[i + 2] : 0);
    for (size_t k = 0; k < 4; k++) out[n + k] = digits[bits >> (18 - 6 * k) & 63];
  }
  out[43] = '='; /* 32 bytes are 43 digits */
  out[44] = '\0';
}

/* The same address, nonce and seed give the same key for ever. */
static void key_fill(const pmm__pd_t *d, const pmm_poly_address_t *address, uint64_t nonce, uint8_t kind, pmm__pd_key_t *key) {
  pmm_poly_word_t w;
  char hex[PMM_POLY_HEX_WORD];
  key_bytes(d, address, nonce, kind, "id", &w);
  w.b[6] = (uint8_t)((w.b[6] & 0x0f) | 0x40);
  w.b[8] = (uint8_t)((w.b[8] & 0x3f) | 0x80);
  pmm_poly_hex(w.b, 16, hex);
  snprintf(key->id, sizeof key->id, "%.8s-%.4s-%.4s-%.4s-%.12s", hex + 2, hex + 10, hex + 14, hex + 18, hex + 22);
  key_bytes(d, address, nonce, kind, "secret", &w);
  base64url(w.b, key->secret);
  pmm_poly_hmac_init(&key->hmac, key->secret, strlen(key->secret));
  key_bytes(d, address, nonce, kind, "passphrase", &w);
  pmm_poly_hex(w.b, sizeof w.b, hex);
  memcpy(key->passphrase, hex + 2, sizeof key->passphrase);
  OPENSSL_cleanse(&w, sizeof w);
  OPENSSL_cleanse(hex, sizeof hex);
}

static pmm__pd_key_t *key_at(pmm__pd_t *d, uint32_t member, uint64_t nonce, uint8_t kind) {
  for (uint32_t i = 0; i < d->key_cnt; i++)
    if (d->key[i].member == member && d->key[i].nonce == nonce && d->key[i].kind == kind) return &d->key[i];
  return NULL;
}

static pmm__pd_key_t *key_make(pmm__pd_t *d, uint32_t member, uint64_t nonce, uint8_t kind) {
  if (d->key_cnt == PMM__PD_KEYS_MAX) return NULL;
  pmm__pd_key_t *const key = &d->key[d->key_cnt++];
  *key = (pmm__pd_key_t){.member = member, .nonce = nonce, .kind = kind, .beat_ns = PMM_TIME_NONE};
  key_fill(d, &d->member[member].address, nonce, kind, key);
  return key;
}

void pmm__pd_keys_free(pmm__pd_t *d) {
  if (d->key) OPENSSL_cleanse(d->key, sizeof *d->key * d->key_cnt);
  free(d->key);
}

pmm__pd_key_t *pmm__pd_key_find(pmm__pd_t *d, const char *id) {
  for (uint32_t i = 0; i < d->key_cnt; i++)
    if (!d->key[i].deleted && strcmp(d->key[i].id, id) == 0) return &d->key[i];
  return NULL;
}

static bool same(const char *want, const char *got) { return got && strlen(got) == strlen(want) && CRYPTO_memcmp(want, got, strlen(want)) == 0; }

bool pmm__pd_key_is(const pmm__pd_key_t *key, const char *secret, const char *passphrase) {
  bool const a = same(key->secret, secret), b = same(key->passphrase, passphrase);
  return a && b;
}

static int put_key(pmm__pd_t *d, const pmm__pd_key_t *key) {
  pmm_text_object(&d->out, NULL);
  pmm_text_string(&d->out, "apiKey", key->id);
  pmm_text_string(&d->out, "secret", key->secret);
  pmm_text_string(&d->out, "passphrase", key->passphrase);
  pmm_text_end(&d->out);
  return 200;
}

/* Whose wallet signed the L1 headers: the index of the member, or a refusal. */
static int l1_member(pmm__pd_req_t *r, uint32_t *member, uint64_t *nonce) {
  pmm_poly_address_t address;
  if (!l1_read(r, &address, nonce)) return pmm__pd_fail(r->d, 401, "Invalid L1 Request headers");
  for (*member = 0; *member < r->d->member_cnt; ++*member)
    if (pmm_poly_address_eq(&r->d->member[*member].address, &address)) return 0;
  return pmm__pd_fail(r->d, 401, "Invalid L1 Request headers"); /* a wallet that is no member's */
}

int pmm__pd_key_create(pmm__pd_req_t *r) {
  uint32_t member;
  uint64_t nonce;
  int const refused = l1_member(r, &member, &nonce);
  if (refused) return refused;
  pmm__pd_key_t *const key = key_at(r->d, member, nonce, PMM__PD_TRADING) ? NULL : key_make(r->d, member, nonce, PMM__PD_TRADING);
  return key ? put_key(r->d, key) : pmm__pd_fail(r->d, 400, "Could not create api key");
}

int pmm__pd_key_derive(pmm__pd_req_t *r) {
  uint32_t member;
  uint64_t nonce;
  int const refused = l1_member(r, &member, &nonce);
  if (refused) return refused;
  const pmm__pd_key_t *const key = key_at(r->d, member, nonce, PMM__PD_TRADING);
  return key && !key->deleted ? put_key(r->d, key) : pmm__pd_fail(r->d, 400, "Could not derive api key!");
}

/* -- L2 -- */
int pmm__pd_l2(pmm__pd_req_t *r, bool trading) {
  const char *const who = pmm_request_header(r->http, "POLY_ADDRESS"), *const sig = pmm_request_header(r->http, "POLY_SIGNATURE");
  const char *const at = pmm_request_header(r->http, "POLY_TIMESTAMP"), *const id = pmm_request_header(r->http, "POLY_API_KEY");
  const char *const passphrase = pmm_request_header(r->http, "POLY_PASSPHRASE");
  pmm_poly_address_t address;
  pmm__pd_key_t *const key = id ? pmm__pd_key_find(r->d, id) : NULL;
  bool good = key && who && sig && at && same(key->passphrase, passphrase) && pmm_poly_address_parse(who, strlen(who), &address) == PMM_OK;
  good = good && pmm_poly_address_eq(&r->d->member[key->member].address, &address) && time_fits(r, at);
  good = good && pmm_poly_hmac_verify(&key->hmac, at, r->http->method, r->http->path, r->http->body, r->http->body_len, sig, strlen(sig));
  if (!good || (trading && key->kind != PMM__PD_TRADING)) return pmm__pd_fail(r->d, 401, UNAUTHORIZED);
  r->key = key;
  return 0;
}

static bool is_builder(const pmm__pd_req_t *r) { return strstr(r->http->path, "builder") != NULL; }

static void put_key_ids(pmm__pd_req_t *r, const char *name, uint8_t kind) {
  pmm_text_t *const t = &r->d->out;
  if (name) pmm_text_object(t, NULL);
  pmm_text_array(t, name);
  for (uint32_t i = 0; i < r->d->key_cnt; i++) {
    const pmm__pd_key_t *const key = &r->d->key[i];
    if (key->member == r->key->member && key->kind == kind && !key->deleted) pmm_text_string(t, NULL, key->id);
  }
  pmm_text_end(t);
  if (name) pmm_text_end(t);
}

int pmm__pd_key_list(pmm__pd_req_t *r) { return put_key_ids(r, "apiKeys", PMM__PD_TRADING), 200; }

int pmm__pd_key_delete(pmm__pd_req_t *r) {
  r->key->deleted = true;
  for (pmm__pd_sock_t *s = r->d->socks; s; s = s->next)
    if (s->user && s->key == (uint32_t)(r->key - r->d->key)) r->d->service.host_ops->close(r->d->service.host, s->peer, 1008, "key deleted");
  return pmm__pd_ok(r->d, "\"OK\"");
}

/* Read-only and builder keys: any number, numbered by how many keys there are. */
int pmm__pd_key_more(pmm__pd_req_t *r) {
  pmm__pd_key_t *const key = key_make(r->d, r->key->member, r->d->key_cnt, is_builder(r) ? PMM__PD_BUILDER : PMM__PD_READONLY);
  return key ? put_key(r->d, key) : pmm__pd_fail(r->d, 400, "Could not create api key");
}

int pmm__pd_key_more_list(pmm__pd_req_t *r) {
  if (is_builder(r)) put_key_ids(r, NULL, PMM__PD_BUILDER);
  else put_key_ids(r, "readonlyApiKeys", PMM__PD_READONLY);
  return 200;
}

int pmm__pd_key_more_delete(pmm__pd_req_t *r) {
  char id[PMM__PD_UUID];
  const pmm_json_node_t *const body = pmm__pd_body(r);
  pmm__pd_key_t *const key = pmm__pd_text_of(pmm_json_get(body, "key"), id, sizeof id) ? pmm__pd_key_find(r->d, id) : NULL;
  if (!key || key->member != r->key->member || key->kind == PMM__PD_TRADING) return pmm__pd_fail(r->d, 400, "Invalid API key");
  key->deleted = true;
  return pmm__pd_ok(r->d, "\"OK\"");
}

int pmm__pd_closed_only(pmm__pd_req_t *r) { return pmm__pd_ok(r->d, "{\"closed_only\":false}"); }

/* -- heartbeats -- */
static void beat(pmm__pd_req_t *r) {
  r->key->beat_ns = r->now_ns;
  if (r->d->serve.heartbeat_ns == 0 || r->d->sweep_ns != PMM_NS_MAX) return;
  r->d->sweep_ns = r->now_ns + PMM__PD_SWEEP_NS;
  r->d->service.host_ops->wake(r->d->service.host);
}

int pmm__pd_heartbeat(pmm__pd_req_t *r) {
  char id[PMM__PD_UUID];
  if (!pmm__pd_text_of(pmm_json_get(pmm__pd_body(r), "heartbeat_id"), id, sizeof id)) id[0] = '?', id[1] = '\0';
  bool const good = strcmp(id, r->key->beat_id) == 0;
  if (good) {
    pmm__pd_uuid(r->d, r->key->beat_id);
    beat(r);
  }
  pmm_text_object(&r->d->out, NULL);
  if (!good) pmm_text_string(&r->d->out, "error_msg", "Invalid Heartbeat ID");
  pmm_text_string(&r->d->out, "heartbeat_id", r->key->beat_id);
  pmm_text_end(&r->d->out);
  return good ? 200 : 400;
}

int pmm__pd_heartbeat_old(pmm__pd_req_t *r) {
  r->key->beat_id[0] = '\0';
  beat(r);
  return pmm__pd_ok(r->d, "{\"status\":\"ok\"}");
}

typedef struct of_key { const pmm__pd_t *d; uint32_t key; } of_key_t;
static bool is_of_key(void *ctx, const pmm_place_order_t *o) {
  const of_key_t *const want = ctx;
  const pmm__pd_extra_t *const extra = pmm__pd_extra(want->d, o);
  return extra && extra->key == want->key;
}

void pmm__pd_sweep(pmm__pd_t *d, int64_t now_ns) {
  bool watching = false;
  for (uint32_t i = 0; i < d->key_cnt; i++) {
    pmm__pd_key_t *const key = &d->key[i];
    if (key->beat_ns == PMM_TIME_NONE) continue;
    watching = true;
    if (now_ns - key->beat_ns <= d->serve.heartbeat_ns) continue;
    uint32_t const cnt = pmm_place_cancel_if(d->place, d->member[key->member].account, is_of_key, &(of_key_t){d, i}, PMM_REJECT_USER, now_ns);
    key->beat_ns = PMM_TIME_NONE; /* watched again from its next heartbeat on */
    pmm_notice(&d->notices, now_ns, PMM_WARN, "polymarket", "heartbeat", PMM_NOTICE_NO_MARKET, "heartbeats stopped: %u orders cancelled", cnt);
  }
  d->sweep_ns = watching ? now_ns + PMM__PD_SWEEP_NS : PMM_NS_MAX;
}
