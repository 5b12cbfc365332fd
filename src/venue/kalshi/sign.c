/* Keys and signatures. Source: Kalshi API docs, "API keys" and "Quick start: authenticated requests" (2026-11). */
#include <inttypes.h>
#include <openssl/bio.h>
#include <openssl/crypto.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/rsa.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "pmm/kalshi.h"

#define RSA_BITS_MIN 2048
#define RSA_BITS_MAX 4096
#define SALT_LEN 32
#define SIGNATURE_BYTES_MAX (RSA_BITS_MAX / 8)
#define VERIFY_TEXT_MAX (8192 + 64) /* a host takes paths of 8 KiB */

struct pmm_kalshi_key {
  EVP_PKEY *pkey;
  bool is_ed25519, is_private;
};

/* -- keys -- */

/* OpenSSL would ask on the terminal for the passphrase of an encrypted key. */
static int no_passphrase(char *buf, int size, int rwflag, void *ctx) {
  (void)buf, (void)size, (void)rwflag, (void)ctx;
  return -1;
}

/* What OpenSSL says could quote the key: only our own words go into err. */
static pmm_status_t take(pmm_kalshi_key_t **key, EVP_PKEY *pkey, bool is_private, pmm_error_t *err) {
  ERR_clear_error();
  if (!pkey) return pmm_error_set(err, PMM_PARSE, "kalshi key: no readable unencrypted %s key in PEM form", is_private ? "private" : "public");
  int const kind = EVP_PKEY_get_base_id(pkey), bits = EVP_PKEY_get_bits(pkey);
  const char *bad = NULL;
  if (kind != EVP_PKEY_RSA && kind != EVP_PKEY_ED25519) bad = "neither RSA nor Ed25519";
  else if (kind == EVP_PKEY_RSA && (bits < RSA_BITS_MIN || bits > RSA_BITS_MAX)) bad = "an RSA key has 2048 to 4096 bits";
  pmm_kalshi_key_t *const k = bad ? NULL : malloc(sizeof *k);
  if (!k) {
    EVP_PKEY_free(pkey);
    return bad ? pmm_error_set(err, PMM_UNSUPPORTED, "kalshi key: %s", bad) : pmm_error_set(err, PMM_FULL, "kalshi key: out of memory");
  }
  *k = (pmm_kalshi_key_t){.pkey = pkey, .is_ed25519 = kind == EVP_PKEY_ED25519, .is_private = is_private};
  *key = k;
  return PMM_OK;
}

static pmm_status_t read_pem(pmm_kalshi_key_t **key, const char *pem, size_t len, bool is_private, pmm_error_t *err) {
  BIO *const bio = len < INT32_MAX ? BIO_new_mem_buf(pem, (int)len) : NULL;
  EVP_PKEY *pkey = NULL;
  if (bio) pkey = is_private ? PEM_read_bio_PrivateKey(bio, NULL, no_passphrase, NULL) : PEM_read_bio_PUBKEY(bio, NULL, no_passphrase, NULL);
  BIO_free(bio);
  return take(key, pkey, is_private, err);
}

pmm_status_t pmm_kalshi_key_read(pmm_kalshi_key_t **key, const char *pem, size_t len, pmm_error_t *err) { return read_pem(key, pem, len, true, err); }

pmm_status_t pmm_kalshi_key_read_public(pmm_kalshi_key_t **key, const char *pem, size_t len, pmm_error_t *err) {
  return read_pem(key, pem, len, false, err);
}

pmm_status_t pmm_kalshi_key_generate(pmm_kalshi_key_t **key, bool ed25519, pmm_error_t *err) {
  EVP_PKEY *const pkey = ed25519 ? EVP_PKEY_Q_keygen(NULL, NULL, "ED25519") : EVP_PKEY_Q_keygen(NULL, NULL, "RSA", (size_t)RSA_BITS_MIN);
  return take(key, pkey, true, err);
}

/* Memory behind it is cleared before it is freed, as it may hold a private key. */
pmm_status_t pmm_kalshi_key_pem(const pmm_kalshi_key_t *key, bool is_private, char *buf, size_t cap) {
  if (is_private && !key->is_private) return PMM_STATE;
  BIO *const bio = BIO_new(BIO_s_secmem());
  char *text = NULL;
  long len = -1;
  int const ok = !bio         ? 0
                 : is_private ? PEM_write_bio_PKCS8PrivateKey(bio, key->pkey, NULL, NULL, 0, NULL, NULL)
                              : PEM_write_bio_PUBKEY(bio, key->pkey);
  if (ok) len = BIO_get_mem_data(bio, &text);
  pmm_status_t const st = len < 0 || (size_t)len >= cap ? PMM_FULL : PMM_OK;
  if (st == PMM_OK) {
    memcpy(buf, text, (size_t)len);
    buf[len] = '\0';
  }
  BIO_free(bio);
  return st;
}

void pmm_kalshi_key_free(pmm_kalshi_key_t *key) {
  if (!key) return;
  EVP_PKEY_free(key->pkey); /* clears the private numbers */
  free(key);
}

/* -- the text, the signature -- */

pmm_status_t pmm_kalshi_sign_text(const char *timestamp, const char *method, const char *path, char *buf, size_t cap, size_t *len) {
  size_t const ts = strlen(timestamp), verb = strlen(method), way = strcspn(path, "?");
  if (way == 0 || path[0] != '/') return PMM_INVAL;
  if (ts + verb + way >= cap) return PMM_FULL;
  memcpy(buf, timestamp, ts);
  memcpy(buf + ts, method, verb);
  memcpy(buf + ts + verb, path, way);
  buf[ts + verb + way] = '\0';
  *len = ts + verb + way;
  return PMM_OK;
}

/* PSS with SHA-256 everywhere and a salt as long as the digest. Ed25519 hashes by itself: no digest. */
static bool set_up(const pmm_kalshi_key_t *key, EVP_MD_CTX *ctx, bool sign) {
  EVP_PKEY_CTX *pctx = NULL;
  const EVP_MD *const md = key->is_ed25519 ? NULL : EVP_sha256();
  int const ok = sign ? EVP_DigestSignInit(ctx, &pctx, md, NULL, key->pkey) : EVP_DigestVerifyInit(ctx, &pctx, md, NULL, key->pkey);
  if (ok != 1) return false;
  if (key->is_ed25519) return true;
  return EVP_PKEY_CTX_set_rsa_padding(pctx, RSA_PKCS1_PSS_PADDING) == 1 && EVP_PKEY_CTX_set_rsa_mgf1_md(pctx, EVP_sha256()) == 1 &&
         EVP_PKEY_CTX_set_rsa_pss_saltlen(pctx, SALT_LEN) == 1;
}

pmm_status_t pmm_kalshi_sign(const pmm_kalshi_key_t *key, const char *timestamp, const char *method, const char *path,
                             char signature[PMM_KALSHI_SIGNATURE_BUF]) {
  char text[PMM_KALSHI_SIGN_TEXT_BUF];
  unsigned char raw[SIGNATURE_BYTES_MAX];
  size_t text_len = 0, raw_len = sizeof raw;
  if (!key->is_private) return PMM_STATE;
  pmm_status_t const st = pmm_kalshi_sign_text(timestamp, method, path, text, sizeof text, &text_len);
  if (st != PMM_OK) return st;
  EVP_MD_CTX *const ctx = EVP_MD_CTX_new();
  bool const ok = ctx && set_up(key, ctx, true) && EVP_DigestSign(ctx, raw, &raw_len, (const unsigned char *)text, text_len) == 1;
  EVP_MD_CTX_free(ctx);
  ERR_clear_error();
  if (!ok) return PMM_IO;
  EVP_EncodeBlock((unsigned char *)signature, raw, (int)raw_len);
  return PMM_OK;
}

/* Standard base64 with padding, nothing around it; the length, or 0. */
static size_t decode_base64(const char *text, unsigned char *out, size_t cap) {
  static const char alphabet[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
  size_t const len = strlen(text), plain = strspn(text, alphabet), pad = len - plain;
  if (len == 0 || len % 4 != 0 || pad > 2 || strspn(text + plain, "=") != pad || len / 4 * 3 > cap) return 0;
  int const got = EVP_DecodeBlock(out, (const unsigned char *)text, (int)len);
  return got > 0 ? (size_t)got - pad : 0;
}

pmm_status_t pmm_kalshi_verify(const pmm_kalshi_key_t *key, const char *timestamp, const char *method, const char *path, const char *signature) {
  char text[VERIFY_TEXT_MAX];
  unsigned char raw[SIGNATURE_BYTES_MAX + 3];
  size_t text_len = 0;
  size_t const raw_len = decode_base64(signature, raw, sizeof raw);
  if (raw_len == 0) return PMM_PARSE;
  pmm_status_t const st = pmm_kalshi_sign_text(timestamp, method, path, text, sizeof text, &text_len);
  if (st != PMM_OK) return st;
  EVP_MD_CTX *const ctx = EVP_MD_CTX_new();
  bool const ready = ctx && set_up(key, ctx, false);
  bool const good = ready && EVP_DigestVerify(ctx, raw, raw_len, (const unsigned char *)text, text_len) == 1;
  EVP_MD_CTX_free(ctx);
  ERR_clear_error();
  return good ? PMM_OK : ready ? PMM_REJECTED : PMM_IO;
}

/* -- headers signed ahead -- */

typedef struct prepared {
  char method[8], path[PMM_KALSHI_PATH_BUF];
  char timestamp[24], signature[PMM_KALSHI_SIGNATURE_BUF];
  int64_t signed_ns; /* venue time in the signature; PMM_TIME_NONE: not signed yet */
} prepared_t;

struct pmm_kalshi_signer {
  const pmm_kalshi_key_t *key;
  char key_id[PMM_KALSHI_KEY_ID_BUF];
  prepared_t slot[PMM_KALSHI_PREPARED_MAX];
  uint32_t slot_cnt;
  prepared_t spare; /* what is signed on the spot */
  pmm_kalshi_signer_stats_t stats;
};

/* The key id is public, but a header must stay one line. */
static bool key_id_is_plain(const char *id) {
  size_t const len = strlen(id);
  for (size_t i = 0; i < len; i++)
    if (id[i] <= ' ' || id[i] > '~') return false;
  return len > 0 && len < PMM_KALSHI_KEY_ID_BUF;
}

pmm_status_t pmm_kalshi_signer_open(pmm_kalshi_signer_t **signer, const pmm_kalshi_key_t *key, const char *key_id, pmm_error_t *err) {
  if (!key->is_private) return pmm_error_set(err, PMM_INVAL, "kalshi key: a public key cannot sign");
  if (!key_id_is_plain(key_id)) return pmm_error_set(err, PMM_INVAL, "kalshi key id: empty, too long or not plain text");
  pmm_kalshi_signer_t *const s = calloc(1, sizeof *s);
  if (!s) return pmm_error_set(err, PMM_FULL, "kalshi signer: out of memory");
  s->key = key;
  memcpy(s->key_id, key_id, strlen(key_id) + 1);
  *signer = s;
  return PMM_OK;
}

void pmm_kalshi_signer_close(pmm_kalshi_signer_t *signer) {
  if (!signer) return;
  OPENSSL_cleanse(signer, sizeof *signer); /* a signature is a credential while its window lasts */
  free(signer);
}

/* Copies the part of path that is signed. */
static pmm_status_t name(prepared_t *p, const char *method, const char *path) {
  size_t const way = strcspn(path, "?");
  if (strlen(method) >= sizeof p->method || way >= sizeof p->path || way == 0) return PMM_INVAL;
  memcpy(p->method, method, strlen(method) + 1);
  memcpy(p->path, path, way);
  p->path[way] = '\0';
  p->signed_ns = PMM_TIME_NONE;
  return PMM_OK;
}

static pmm_status_t sign_now(pmm_kalshi_signer_t *s, prepared_t *p, int64_t now_ns) {
  if (now_ns < 0) return PMM_INVAL;
  char timestamp[sizeof p->timestamp];
  snprintf(timestamp, sizeof timestamp, "%" PRId64, now_ns / PMM_NS_PER_MS);
  pmm_status_t const st = pmm_kalshi_sign(s->key, timestamp, p->method, p->path, p->signature);
  if (st != PMM_OK) return st;
  memcpy(p->timestamp, timestamp, sizeof timestamp);
  p->signed_ns = now_ns;
  s->stats.signatures++;
  return PMM_OK;
}

static bool is_within(const prepared_t *p, int64_t now_ns, int64_t window_ns) {
  return p->signed_ns != PMM_TIME_NONE && now_ns - p->signed_ns <= window_ns && p->signed_ns - now_ns <= window_ns;
}

static void give(const pmm_kalshi_signer_t *s, const prepared_t *p, pmm_header_t header[PMM_KALSHI_HEADERS]) {
  header[0] = (pmm_header_t){"KALSHI-ACCESS-KEY", s->key_id};
  header[1] = (pmm_header_t){"KALSHI-ACCESS-TIMESTAMP", p->timestamp};
  header[2] = (pmm_header_t){"KALSHI-ACCESS-SIGNATURE", p->signature};
}

pmm_status_t pmm_kalshi_signer_prepare(pmm_kalshi_signer_t *signer, const char *method, const char *path, uint32_t *slot) {
  if (signer->slot_cnt == PMM_KALSHI_PREPARED_MAX) return PMM_FULL;
  pmm_status_t const st = name(&signer->slot[signer->slot_cnt], method, path);
  if (st == PMM_OK) *slot = signer->slot_cnt++;
  return st;
}

bool pmm_kalshi_signer_refill(pmm_kalshi_signer_t *signer, int64_t now_ns) {
  prepared_t *oldest = NULL;
  for (uint32_t i = 0; i < signer->slot_cnt; i++) {
    prepared_t *const p = &signer->slot[i];
    if (is_within(p, now_ns, PMM_KALSHI_REFILL_NS)) continue;
    if (!oldest || p->signed_ns < oldest->signed_ns) oldest = p;
  }
  return oldest && sign_now(signer, oldest, now_ns) == PMM_OK;
}

pmm_status_t pmm_kalshi_signer_at(pmm_kalshi_signer_t *signer, uint32_t slot, int64_t now_ns, pmm_header_t header[PMM_KALSHI_HEADERS]) {
  if (slot >= signer->slot_cnt) return PMM_INVAL;
  prepared_t *const p = &signer->slot[slot];
  if (__builtin_expect(is_within(p, now_ns, PMM_KALSHI_WINDOW_NS), 1)) {
    signer->stats.ready++;
  } else {
    pmm_status_t const st = sign_now(signer, p, now_ns);
    if (st != PMM_OK) return st;
    signer->stats.late++;
  }
  give(signer, p, header);
  return PMM_OK;
}

pmm_status_t pmm_kalshi_signer_sign(pmm_kalshi_signer_t *signer, const char *method, const char *path, int64_t now_ns,
                                    pmm_header_t header[PMM_KALSHI_HEADERS]) {
  pmm_status_t st = name(&signer->spare, method, path);
  if (st == PMM_OK) st = sign_now(signer, &signer->spare, now_ns);
  if (st == PMM_OK) give(signer, &signer->spare, header);
  return st;
}

const pmm_kalshi_signer_stats_t *pmm_kalshi_signer_stats(const pmm_kalshi_signer_t *signer) { return &signer->stats; }
