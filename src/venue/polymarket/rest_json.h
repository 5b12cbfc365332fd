/* venue/polymarket/rest_json.h -- members of answers, shared by the files that read REST. */
#ifndef PMM_VENUE_POLYMARKET_REST_JSON_H
#define PMM_VENUE_POLYMARKET_REST_JSON_H
#include "base/json.h"

pmm_status_t pmm__rest_bad(pmm_error_t *err, const char *key, const char *why); /* PMM_PARSE */
/* A number, as text or as number; cut: digits beyond scale are dropped. */
pmm_status_t pmm__rest_decimal(const pmm_json_node_t *o, const char *key, int scale, bool cut, int64_t *out, pmm_error_t *err);
pmm_status_t pmm__rest_text(const pmm_json_node_t *o, const char *key, char *out, size_t cap, pmm_error_t *err);
bool pmm__rest_has(const pmm_json_node_t *o, const char *key);  /* there, not null and not "" */
bool pmm__rest_true(const pmm_json_node_t *o, const char *key);
#endif
