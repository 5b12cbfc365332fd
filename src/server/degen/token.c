/* Bearer tokens: JSON Web Tokens with HS256 (RFC 7515, 7519), made by whoever shares a member's secret. Claims: sub, the account's name, and
   exp, seconds since 1970. */
#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <string.h>
#include <strings.h>
#include "pmm/decimal.h"
#include "server/degen/impl.h"

#define TOKEN_MAX 4096
#define PART_MAX (TOKEN_MAX * 3 / 4 + PMM_JSON_PAD)

/* base64url without padding; -1: not that. */
static int sextet(char c) {
  if (c >= 'A' && c <= 'Z') return c - 'A';
  if (c >= 'a' && c <= 'z') return c - 'a' + 26;
  if (c >= '0' && c <= '9') return c - '0' + 52;
  return c == '-' ? 62 : c == '_' ? 63 : -1;
}

static bool decode(const char *text, size_t len, unsigned char *out, size_t cap, size_t *out_len) {
  uint32_t bits = 0, have = 0;
  size_t n = 0;
  if (len % 4 == 1) return false;
  for (size_t i = 0; i < len; i++) {
    int const v = sextet(text[i]);
    if (v < 0 || n == cap) return false;
    bits = bits << 6 | (uint32_t)v;
    have += 6;
    if (have < 8) continue;
    have -= 8;
    out[n++] = (unsigned char)(bits >> have);
  }
  *out_len = n;
  return (bits & ((1u << have) - 1)) == 0; /* one spelling of each token only */
}

static const pmm_json_node_t *decode_json(pmm__dd_t *d, const char *text, size_t len, char part[PART_MAX]) {
  const pmm_json_node_t *root;
  const char *why;
  size_t part_len, at;
  if (!decode(text, len, (unsigned char *)part, PART_MAX - PMM_JSON_PAD, &part_len)) return NULL;
  return pmm_json_parse(d->parser, part, part_len, &root, &at, &why) == PMM_OK && root->type == PMM_JSON_OBJECT ? root : NULL;
}

static pmm__dd_member_t *member_named(pmm__dd_t *d, const pmm_json_node_t *sub) {
  char name[PMM_PARAM_TEXT_MAX];
  if (!pmm__dd_text_of(sub, name, sizeof name)) return NULL;
  for (uint32_t i = 0; i < d->member_cnt; i++)
    if (strcmp(pmm_place_account_name(d->place, d->member[i].account), name) == 0) return &d->member[i];
  return NULL;
}

static bool is_signed(const pmm__dd_member_t *m, const char *token, size_t len, const char *signature, size_t signature_len) {
  unsigned char want[EVP_MAX_MD_SIZE], got[64];
  unsigned int want_len = 0;
  size_t got_len;
  if (!decode(signature, signature_len, got, sizeof got, &got_len) || got_len != 32) return false;
  if (!HMAC(EVP_sha256(), m->secret, (int)strlen(m->secret), (const unsigned char *)token, len, want, &want_len)) return false;
  return want_len == 32 && CRYPTO_memcmp(want, got, 32) == 0;
}

pmm__dd_member_t *pmm__dd_token(pmm__dd_t *d, const char *token, int64_t now_ns, int64_t *until_ns) {
  char part[PART_MAX];
  const char *const dot = strchr(token, '.'), *const end = dot ? strchr(dot + 1, '.') : NULL;
  if (!end || strlen(token) > TOKEN_MAX) return NULL;
  const pmm_json_node_t *const header = decode_json(d, token, (size_t)(dot - token), part);
  if (!header || !pmm_json_is(pmm_json_get(header, "alg"), "HS256")) return NULL; /* "none" least of all */
  const pmm_json_node_t *const claims = decode_json(d, dot + 1, (size_t)(end - dot - 1), part);
  if (!claims) return NULL;
  pmm__dd_member_t *const m = member_named(d, pmm_json_get(claims, "sub"));
  const pmm_json_node_t *const exp = pmm_json_get(claims, "exp");
  int64_t exp_ns;
  if (!m || !exp || exp->type != PMM_JSON_NUMBER || pmm_decimal_parse_floor(exp->text, exp->len, 9, &exp_ns, NULL) != PMM_OK || exp_ns <= now_ns)
    return NULL;
  if (!is_signed(m, token, (size_t)(end - token), end + 1, strlen(end + 1))) return NULL;
  *until_ns = exp_ns;
  return m;
}

pmm__dd_member_t *pmm__dd_bearer(pmm__dd_t *d, const pmm_request_t *request, int64_t now_ns, int64_t *until_ns) {
  const char *const header = pmm_request_header(request, "authorization");
  return header && strncasecmp(header, "Bearer ", 7) == 0 ? pmm__dd_token(d, header + 7, now_ns, until_ns) : NULL;
}
