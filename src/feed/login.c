/* Credentials of the two feeds that want them. Kept in the link, wiped when it closes, never told. */
#include <errno.h>
#include <openssl/crypto.h>
#include <stdio.h>
#include <string.h>
#include "feed/adapter.h"

static const char *secret_of(const pmm_secrets_t *s, const char *name) { return s->get ? s->get(s->ctx, name) : NULL; }

static pmm_status_t copy_secret(const pmm_secrets_t *s, const char *name, char out[PMM__LOGIN_MAX], pmm_error_t *err) {
  const char *const text = secret_of(s, name);
  if (!text || !*text) return pmm_error_set(err, PMM_NOT_FOUND, "%s is not set", name);
  if (strlen(text) >= PMM__LOGIN_MAX) return pmm_error_set(err, PMM_INVAL, "%s is too long", name);
  memcpy(out, text, strlen(text) + 1);
  return PMM_OK;
}

static pmm_status_t take_polymarket(pmm__link_t *link, const pmm_secrets_t *s, pmm_error_t *err) {
  pmm_status_t st = copy_secret(s, "CLOB_API_KEY", link->key, err);
  if (st == PMM_OK) st = copy_secret(s, "CLOB_SECRET", link->secret, err);
  return st == PMM_OK ? copy_secret(s, "CLOB_PASS_PHRASE", link->passphrase, err) : st;
}

static pmm_status_t read_key(pmm__link_t *link, const char *path, pmm_error_t *err) {
  char pem[PMM_KALSHI_PEM_BUF];
  FILE *const in = fopen(path, "re");
  if (!in) return pmm_error_set(err, PMM_NOT_FOUND, "KALSHI_PRIVATE_KEY_PATH: %s", strerror(errno));
  setvbuf(in, NULL, _IONBF, 0); /* no copy of the key in a stream's buffer */
  size_t const len = fread(pem, 1, sizeof pem, in);
  fclose(in);
  pmm_status_t const st = len == sizeof pem ? pmm_error_set(err, PMM_INVAL, "KALSHI_PRIVATE_KEY_PATH: longer than any key") : pmm_kalshi_key_read(&link->kalshi_key, pem, len, err);
  OPENSSL_cleanse(pem, sizeof pem);
  return st;
}

/* The path that is signed: of the URL, from the first slash behind the host. */
static pmm_status_t take_kalshi(pmm__link_t *link, const pmm_secrets_t *s, pmm_error_t *err) {
  const char *const host = strstr(link->base, "://"), *const path = host ? strchr(host + 3, '/') : NULL;
  const char *const file = secret_of(s, "KALSHI_PRIVATE_KEY_PATH");
  if (!file || !*file) return pmm_error_set(err, PMM_NOT_FOUND, "KALSHI_PRIVATE_KEY_PATH is not set");
  if (path && strlen(path) >= sizeof link->path) return pmm_error_set(err, PMM_INVAL, "%s: path too long", link->base);
  snprintf(link->path, sizeof link->path, "%s", path ? path : "/");
  pmm_status_t st = copy_secret(s, "KALSHI_API_KEY_ID", link->key, err);
  if (st == PMM_OK) st = read_key(link, file, err);
  return st == PMM_OK ? pmm_kalshi_signer_open(&link->signer, link->kalshi_key, link->key, err) : st;
}

pmm_status_t pmm__login_take(pmm__link_t *link, const pmm_secrets_t *secrets, pmm_error_t *err) {
  if (link->source == PMM_FEED_POLYBOLT) return take_polymarket(link, secrets, err);
  return link->source == PMM_FEED_KALSHI_INDEX ? take_kalshi(link, secrets, err) : PMM_OK;
}

void pmm__login_wipe(pmm__link_t *link) {
  pmm_kalshi_signer_close(link->signer);
  pmm_kalshi_key_free(link->kalshi_key);
  link->signer = NULL;
  link->kalshi_key = NULL;
  OPENSSL_cleanse(link->key, sizeof link->key);
  OPENSSL_cleanse(link->secret, sizeof link->secret);
  OPENSSL_cleanse(link->passphrase, sizeof link->passphrase);
}

pmm_status_t pmm__login_headers(pmm__link_t *link, pmm_header_t header[PMM_WS_HEADERS_MAX], size_t *cnt) {
  *cnt = 0;
  if (!link->signer) return PMM_OK;
  pmm_status_t const st = pmm_kalshi_signer_sign(link->signer, "GET", link->path, pmm_net_now(link->feeds->net), header);
  if (st == PMM_OK) *cnt = PMM_KALSHI_HEADERS;
  return st;
}
