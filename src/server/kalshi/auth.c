/* Whose request it is: three headers, an RSA-PSS or Ed25519 signature over time, method and path. Source: Kalshi API docs, "API keys"; bodies
   of refusals as seen on demo, 2026-06. The signature is looked at first and the time after it. */
#include <string.h>
#include "pmm/decimal.h"
#include "server/kalshi/impl.h"

static pmm__kx_member_t *member_of(const pmm__kx_t *k, const char *key_id) {
  for (uint32_t i = 0; i < k->member_cnt; i++)
    if (k->member[i]->key_id[0] && strcmp(k->member[i]->key_id, key_id) == 0) return k->member[i];
  return NULL;
}

static bool is_fresh(const pmm__kx_t *k, const char *timestamp) {
  int64_t ms;
  if (pmm_decimal_parse(timestamp, strlen(timestamp), 0, &ms, NULL) != PMM_OK || ms < 0 || ms > INT64_MAX / PMM_NS_PER_MS) return false;
  int64_t const window_ns = k->config.serve.skew_ns > 0 ? k->config.serve.skew_ns : PMM__KX_SKEW_NS;
  return pmm_abs64(ms * PMM_NS_PER_MS - k->now_ns) <= window_ns;
}

int pmm__kx_auth(pmm__kx_t *k, const pmm_request_t *http, pmm__kx_member_t **member) {
  const char *const key_id = pmm_request_header(http, "KALSHI-ACCESS-KEY"), *const at = pmm_request_header(http, "KALSHI-ACCESS-TIMESTAMP"),
                   *const signature = pmm_request_header(http, "KALSHI-ACCESS-SIGNATURE");
  *member = NULL;
  if (!key_id && !at && !signature) return 0;
  if (!signature) return pmm__kx_error(k, 401, "signature_is_missing_from_headers", NULL);
  if (!key_id || !at) return pmm__kx_error(k, 401, "token_authentication_failure", NULL);
  pmm__kx_member_t *const m = member_of(k, key_id);
  if (!m) return pmm__kx_error(k, 401, "authentication_error", "NOT_FOUND");
  if (strlen(at) > 20 || pmm_kalshi_verify(m->key, at, http->method, http->path, signature) != PMM_OK)
    return pmm__kx_error(k, 401, "authentication_error", "INCORRECT_API_KEY_SIGNATURE");
  if (!is_fresh(k, at)) return pmm__kx_error(k, 401, "header_timestamp_expired", NULL);
  *member = m;
  return 0;
}
