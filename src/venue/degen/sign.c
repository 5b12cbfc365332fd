/* sign.c -- tokens: base64url(header) "." base64url(claims) "." base64url(HMAC-SHA256 of what stands before). RFC 7515, RFC 7519. */
#include <inttypes.h>
#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <stdio.h>
#include <string.h>
#include "venue/degen/scan.h"

#define CLAIMS_MAX 512
#define MAC_LEN 32

static const char alphabet[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";

/* Without padding; the length, or 0 when it does not fit. */
static size_t encode(const unsigned char *in, size_t len, char *out, size_t cap) {
  size_t const n = len / 3 * 4 + (len % 3 ? len % 3 + 1 : 0);
  if (n >= cap) return 0;
  for (size_t i = 0, o = 0; o < n; i += 3) {
    uint32_t const word = (uint32_t)in[i] << 16 | (uint32_t)(i + 1 < len ? in[i + 1] : 0) << 8 | (i + 2 < len ? in[i + 2] : 0);
    for (int k = 0; k < 4 && o < n; k++) out[o++] = alphabet[word >> (18 - 6 * k) & 63];
  }
  out[n] = '\0';
  return n;
}

/* Exact: no padding, no stray bits in the last character. */
static bool decode(const char *in, size_t len, unsigned char *out, size_t cap, size_t *out_len) {
  size_t const n = len / 4 * 3 + (len % 4 ? len % 4 - 1 : 0);
  uint32_t word = 0;
  if (len % 4 == 1 || n > cap) return false;
  for (size_t i = 0, o = 0; i < len; i++) {
    const char *const at = in[i] ? strchr(alphabet, in[i]) : NULL;
    if (!at) return false;
    word = word << 6 | (uint32_t)(at - alphabet);
    if (i % 4 != 0) out[o++] = (unsigned char)(word >> (6 - 2 * (i % 4)));
  }
  if (len % 4 != 0 && (word & (len % 4 == 2 ? 15u : 3u)) != 0) return false;
  *out_len = n;
  return true;
}

static bool mac(const char *secret, size_t secret_len, const char *text, size_t len, unsigned char out[MAC_LEN]) {
  unsigned n = MAC_LEN;
  return secret_len <= INT32_MAX && HMAC(EVP_sha256(), secret, (int)secret_len, (const unsigned char *)text, len, out, &n) && n == MAC_LEN;
}

pmm_status_t pmm_degen_token_mint(const char *secret, size_t secret_len, const char *sub, int64_t issued_s, int64_t expires_s, char *token, size_t cap) {
  static const char header[] = "{\"alg\":\"HS256\",\"typ\":\"JWT\"}";
  char claims[CLAIMS_MAX], text[PMM_DEGEN_TOKEN_BUF];
  unsigned char sum[MAC_LEN];
  size_t const sub_len = strlen(sub);
  if (secret_len == 0 || sub_len == 0 || sub_len >= PMM_DEGEN_SUB_BUF) return PMM_INVAL;
  for (size_t i = 0; i < sub_len; i++)
    if (sub[i] < 0x20 || sub[i] > 0x7e || sub[i] == '"' || sub[i] == '\\') return PMM_INVAL;
  int const n = snprintf(claims, sizeof claims, "{\"sub\":\"%s\",\"iat\":%" PRId64 ",\"exp\":%" PRId64 "}", sub, issued_s, expires_s);
  size_t const h = encode((const unsigned char *)header, sizeof header - 1, text, sizeof text);
  text[h] = '.';
  size_t const c = encode((const unsigned char *)claims, (size_t)n, text + h + 1, sizeof text - h - 1);
  size_t const len = h + 1 + c;
  if (!mac(secret, secret_len, text, len, sum)) return PMM_IO;
  text[len] = '.';
  size_t const s = encode(sum, sizeof sum, text + len + 1, sizeof text - len - 1);
  if (c == 0 || s == 0 || len + 1 + s >= cap) return PMM_FULL;
  memcpy(token, text, len + 1 + s + 1);
  OPENSSL_cleanse(text, sizeof text);
  return PMM_OK;
}

bool pmm_degen_token_is(const char *text) {
  int dots = 0;
  for (const char *p = text; *p; p++) {
    if (*p == '.' && p > text && p[1] && p[1] != '.') dots++;
    else if (*p == '.' || !strchr(alphabet, *p)) return false;
  }
  return dots == 2;
}

static pmm_status_t read_claims(const char *json, size_t len, int64_t now_s, char sub[PMM_DEGEN_SUB_BUF]) {
  pmm_degen_text_t const text = {json, (uint32_t)len};
  char found[PMM_DEGEN_SUB_BUF];
  uint64_t expires_s = 0;
  if (pmm_degen_get_text(text, "sub", found, sizeof found) != PMM_OK || found[0] == '\0') return PMM_PARSE;
  if (pmm_degen_get_number(text, "exp", &expires_s) != PMM_OK || expires_s > INT64_MAX) return PMM_PARSE;
  if ((int64_t)expires_s <= now_s) return PMM_STATE;
  memcpy(sub, found, sizeof found);
  return PMM_OK;
}

pmm_status_t pmm_degen_token_verify(const char *secret, size_t secret_len, const char *token, int64_t now_s, char sub[PMM_DEGEN_SUB_BUF]) {
  unsigned char header[CLAIMS_MAX + PMM_JSON_PAD] = {0}, claims[CLAIMS_MAX + PMM_JSON_PAD] = {0}, got[MAC_LEN + 1], want[MAC_LEN];
  size_t const h = strcspn(token, "."), c = token[h] ? strcspn(token + h + 1, ".") : 0, len = h + 1 + c;
  size_t header_len = 0, claims_len = 0, got_len = 0;
  if (h == 0 || c == 0 || token[len] != '.') return PMM_PARSE;
  if (!decode(token, h, header, CLAIMS_MAX, &header_len) || !decode(token + h + 1, c, claims, CLAIMS_MAX, &claims_len)) return PMM_PARSE;
  if (!decode(token + len + 1, strlen(token + len + 1), got, sizeof got, &got_len)) return PMM_PARSE;
  char algorithm[16];
  if (pmm_degen_get_text((pmm_degen_text_t){(char *)header, (uint32_t)header_len}, "alg", algorithm, sizeof algorithm) != PMM_OK) return PMM_PARSE;
  if (strcmp(algorithm, "HS256") != 0) return PMM_UNSUPPORTED; /* "none" above all */
  if (secret_len == 0 || !mac(secret, secret_len, token, len, want)) return PMM_REJECTED;
  bool const same = got_len == MAC_LEN && CRYPTO_memcmp(got, want, MAC_LEN) == 0;
  OPENSSL_cleanse(want, sizeof want);
  return same ? read_claims((const char *)claims, claims_len, now_s, sub) : PMM_REJECTED;
}
