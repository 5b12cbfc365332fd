/* L2: HMAC-SHA256 of a request. nettle keeps the keyed state in the caller's struct, so that signing an order allocates
   nothing; OpenSSL's EVP_MAC allocates a context for every message. */
#include <nettle/base64.h>
#include <nettle/hmac.h>
#include <nettle/memops.h>
#include <nettle/sha1.h>
#include <openssl/crypto.h>
#include "internal.h"

_Static_assert(sizeof(struct hmac_sha256_ctx) <= sizeof(pmm_poly_hmac_t), "the public struct holds nettle's");
#define CTX(hmac) ((struct hmac_sha256_ctx *)(void *)(hmac)->state)

static int base64_digit(char c) {
  if (c >= 'A' && c <= 'Z') return c - 'A';
  if (c >= 'a' && c <= 'z') return c - 'a' + 26;
  if (c >= '0' && c <= '9') return c - '0' + 52;
  if (c == '+' || c == '-') return 62;
  return c == '/' || c == '_' ? 63 : -1;
}

/* By hand: nettle's decoder knows one alphabet at a time and refuses stray characters, which the venue's client skips. */
static pmm_status_t base64_decode(const char *text, size_t len, uint8_t out[PMM_POLY_SECRET_MAX], size_t *out_len) {
  uint32_t bits = 0;
  int bit_cnt = 0;
  size_t n = 0;
  for (size_t i = 0; i < len && text[i] != '='; i++) {
    int const digit = base64_digit(text[i]);
    if (digit < 0) continue;
    bits = bits << 6 | (uint32_t)digit;
    bit_cnt += 6;
    if (bit_cnt < 8) continue;
    if (n == PMM_POLY_SECRET_MAX) return PMM_FULL;
    bit_cnt -= 8;
    out[n++] = (uint8_t)(bits >> bit_cnt);
  }
  *out_len = n;
  return n > 0 ? PMM_OK : PMM_PARSE;
}

pmm_status_t pmm_poly_hmac_init(pmm_poly_hmac_t *hmac, const char *secret, size_t len) {
  uint8_t key[PMM_POLY_SECRET_MAX];
  size_t key_len;
  pmm_status_t const st = base64_decode(secret, len, key, &key_len);
  if (st == PMM_OK) hmac_sha256_set_key(CTX(hmac), key_len, key);
  OPENSSL_cleanse(key, sizeof key);
  return st;
}

void pmm_poly_hmac_fini(pmm_poly_hmac_t *hmac) { OPENSSL_cleanse(hmac, sizeof *hmac); }

static void update_text(pmm_poly_hmac_t *hmac, const char *text) { hmac_sha256_update(CTX(hmac), strlen(text), (const uint8_t *)text); }

static void sign_text(pmm_poly_hmac_t *hmac, const char *timestamp, const char *method, const char *path, const void *body, size_t body_len,
                      char out[PMM_POLY_HMAC_TEXT]) {
  uint8_t digest[SHA256_DIGEST_SIZE];
  update_text(hmac, timestamp);
  update_text(hmac, method);
  update_text(hmac, path);
  if (body_len > 0) hmac_sha256_update(CTX(hmac), body_len, body);
  hmac_sha256_digest(CTX(hmac), sizeof digest, digest); /* and back to the keyed state */
  base64_encode_raw(out, sizeof digest, digest);
  out[PMM_POLY_HMAC_TEXT - 1] = '\0';
  for (char *c = out; *c; c++) *c = *c == '+' ? '-' : *c == '/' ? '_' : *c;
}

void pmm_poly_hmac_sign(pmm_poly_hmac_t *hmac, int64_t timestamp_s, const char *method, const char *path, const void *body, size_t body_len,
                        char out[PMM_POLY_HMAC_TEXT]) {
  char text[24];
  text[pmm__put_decimal(text, 0, (uint64_t)timestamp_s)] = '\0';
  sign_text(hmac, text, method, path, body, body_len, out);
}

bool pmm_poly_hmac_verify(pmm_poly_hmac_t *hmac, const char *timestamp, const char *method, const char *path, const void *body,
                          size_t body_len, const char *signature, size_t signature_len) {
  char want[PMM_POLY_HMAC_TEXT], got[PMM_POLY_HMAC_TEXT - 1];
  sign_text(hmac, timestamp, method, path, body, body_len, want);
  if (signature_len != sizeof got) return false;
  for (size_t i = 0; i < sizeof got; i++) got[i] = signature[i] == '+' ? '-' : signature[i] == '/' ? '_' : signature[i];
  return memeql_sec(want, got, sizeof got) != 0;
}

void pmm_poly_book_hash(const char *json, size_t len, char hex[41]) {
  struct sha1_ctx ctx;
  uint8_t digest[SHA1_DIGEST_SIZE];
  char text[2 + 40];
  sha1_init(&ctx);
  sha1_update(&ctx, len, (const uint8_t *)json);
  sha1_digest(&ctx, sizeof digest, digest);
  pmm__put_hex(text, 0, digest, sizeof digest);
  memcpy(hex, text + 2, 40);
  hex[40] = '\0';
}
