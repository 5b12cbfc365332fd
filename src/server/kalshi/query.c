/* Parameters of paths and bodies, and the small writers of the venue's numbers. */
#include <stdio.h>
#include <string.h>
#include "pmm/clock.h"
#include "pmm/decimal.h"
#include "pmm/hash.h"
#include "server/kalshi/impl.h"

/* -- query -- */

bool pmm__kx_query(pmm__kx_request_t *q, const char *name, char *out, size_t cap) {
  return pmm_query_get(q->http->query, name, 0, out, cap) == PMM_OK && out[0];
}

/* "min_ts" as the docs' messages name it: "MinTs". */
static const char *camel(const char *name, char *out, size_t cap) {
  size_t n = 0;
  bool up = true;
  for (; *name && n + 1 < cap; name++) {
    if (*name == '_') up = true;
    else out[n++] = (char)(up && *name >= 'a' && *name <= 'z' ? *name - 32 : *name), up = false;
  }
  out[n] = 0;
  return out;
}

int pmm__kx_query_refuse(pmm__kx_t *k, const pmm__kx_request_t *q, const char *name, const char *tag) {
  char field[48];
  camel(name, field, sizeof field);
  return pmm__kx_bare(k, "Parameter validation failed for %s: Key: '%sParams.%s' Error:Field validation for '%s' failed on the '%s' tag", q->op,
                      q->op, field, field, tag);
}

int64_t pmm__kx_query_int(pmm__kx_t *k, pmm__kx_request_t *q, const char *name, int64_t lo, int64_t hi, int64_t absent_value) {
  char text[32];
  pmm_status_t const st = pmm_query_get(q->http->query, name, 0, text, sizeof text);
  int64_t value = absent_value;
  if (q->status || st == PMM_NOT_FOUND || (st == PMM_OK && !text[0])) return absent_value;
  if (st != PMM_OK || pmm_decimal_parse(text, strlen(text), 0, &value, NULL) != PMM_OK)
    q->status = pmm__kx_bare(k, "Invalid format for parameter %s: error binding string parameter: strconv.ParseInt: parsing %s: invalid syntax", name,
                             st == PMM_OK ? text : "value");
  else if (value < lo) q->status = pmm__kx_query_refuse(k, q, name, "gte");
  else if (value > hi) q->status = pmm__kx_query_refuse(k, q, name, "lte");
  return q->status ? absent_value : value;
}

bool pmm__kx_query_bool(pmm__kx_t *k, pmm__kx_request_t *q, const char *name) {
  char text[16];
  if (q->status || !pmm__kx_query(q, name, text, sizeof text)) return false;
  bool const yes = strcmp(text, "true") == 0 || strcmp(text, "1") == 0;
  if (!yes && strcmp(text, "false") != 0 && strcmp(text, "0") != 0)
    q->status =
        pmm__kx_bare(k, "Invalid format for parameter %s: error binding string parameter: strconv.ParseBool: parsing %s: invalid syntax", name, text);
  return yes;
}

void pmm__kx_query_shard(pmm__kx_t *k, pmm__kx_request_t *q) {
  pmm__kx_query_int(k, q, "subaccount", 0, 0, 0);
  pmm__kx_query_int(k, q, "exchange_index", -1, 0, 0);
}

bool pmm__kx_in_list(const char *list, const char *text) {
  size_t const len = strlen(text);
  if (!*list) return true;
  for (const char *at = list; at; at = strchr(at, ',') ? strchr(at, ',') + 1 : NULL)
    if (strncmp(at, text, len) == 0 && (at[len] == ',' || !at[len])) return true;
  return false;
}

/* A cursor means nothing to clients; one that means nothing to us is the first page (demo, 2026-06). */
uint64_t pmm__kx_cursor(pmm__kx_request_t *q) {
  char text[64];
  uint64_t at = 0;
  if (!pmm__kx_query(q, "cursor", text, sizeof text) || strlen(text) != 17 || text[0] != 'C') return PMM_PLACE_NONE;
  static const char digits[] = "0123456789abcdef";
  for (const char *c = text + 1; *c; c++) {
    const char *const digit = memchr(digits, *c, 16);
    if (!digit) return PMM_PLACE_NONE;
    at = at << 4 | (uint64_t)(digit - digits);
  }
  return at;
}

void pmm__kx_cursor_put(pmm_text_t *t, const char *key, uint64_t at, bool more) {
  char text[20] = "";
  if (more) snprintf(text, sizeof text, "C%016llx", (unsigned long long)at);
  pmm_text_string(t, key, text);
}

/* -- bodies; messages as Go's encoding/json words them, which clients have come to match on -- */

static const char *kind_of(const pmm_json_node_t *n) {
  static const char *const kinds[] = {"null", "bool", "number", "string", "array", "object"};
  return kinds[n->type];
}

static int wrong_type(pmm__kx_t *k, const char *type, const char *field, const pmm_json_node_t *n, const char *want) {
  char details[256];
  snprintf(details, sizeof details, "json: cannot unmarshal %s into Go struct field %s.%s of type %s", kind_of(n), type, field, want);
  return pmm__kx_flat(k, 400, "bad_request", details);
}

int pmm__kx_required(pmm__kx_t *k, const char *type, const char *name) {
  char field[48], details[256];
  camel(name, field, sizeof field);
  snprintf(details, sizeof details, "Key: '%s.%s' Error:Field validation for '%s' failed on the 'required' tag", type, field, field);
  return pmm__kx_flat(k, 400, "bad_request", details);
}

/* The member unless it is absent or null, which are the same to the venue. */
static const pmm_json_node_t *member(const pmm_json_node_t *o, const char *name) {
  const pmm_json_node_t *const n = pmm_json_get(o, name);
  return n && n->type != PMM_JSON_NULL ? n : NULL;
}

int pmm__kx_member_text(pmm__kx_t *k, const char *type, const pmm_json_node_t *o, const char *name, pmm__kx_want_t want, char *out, size_t cap) {
  const pmm_json_node_t *const n = member(o, name);
  if (n && n->type != PMM_JSON_STRING) return wrong_type(k, type, name, n, "string");
  if (!n || n->len == 0) return want == PMM__KX_REQUIRED ? pmm__kx_required(k, type, name) : 0;
  if (n->len >= cap || memchr(n->text, 0, n->len)) {
    char details[128];
    snprintf(details, sizeof details, "%s is too long or not a text", name);
    return pmm__kx_flat(k, 400, "bad_request", details);
  }
  memcpy(out, n->text, n->len);
  out[n->len] = 0;
  return 0;
}

int pmm__kx_member_int(pmm__kx_t *k, const char *type, const pmm_json_node_t *o, const char *name, int64_t *out, bool *present) {
  const pmm_json_node_t *const n = member(o, name);
  if (present) *present = n != NULL;
  if (!n) return 0;
  if (n->type != PMM_JSON_NUMBER || pmm_decimal_parse(n->text, n->len, 0, out, NULL) != PMM_OK) return wrong_type(k, type, name, n, "int64");
  return 0;
}

int pmm__kx_member_bool(pmm__kx_t *k, const char *type, const pmm_json_node_t *o, const char *name, bool *out) {
  const pmm_json_node_t *const n = member(o, name);
  if (!n) return 0;
  if (n->type != PMM_JSON_BOOL) return wrong_type(k, type, name, n, "bool");
  *out = n->text[0] == 't';
  return 0;
}

int pmm__kx_member_decimal(pmm__kx_t *k, const char *type, const pmm_json_node_t *o, const char *name, int decimals, int scale, const char *code,
                           int64_t *out, bool *present) {
  const pmm_json_node_t *const n = member(o, name);
  if (present) *present = n != NULL;
  if (!n) return 0;
  if (n->type != PMM_JSON_STRING) return wrong_type(k, type, name, n, "string");
  int64_t value, unit = 1;
  for (int i = decimals; i < scale; i++) unit *= 10;
  bool const is_plain = !memchr(n->text, 'e', n->len) && !memchr(n->text, 'E', n->len);
  if (!is_plain || pmm_decimal_parse(n->text, n->len, decimals, &value, NULL) != PMM_OK || __builtin_mul_overflow(value, unit, out))
    return pmm__kx_error(k, 400, code, NULL);
  return 0;
}

/* There is one shard here, 0; -1 insists on routing by ticker, which leads there, too. The same for subaccounts, but for the -1. */
int pmm__kx_member_shard(pmm__kx_t *k, const char *type, const pmm_json_node_t *o) {
  int64_t shard = 0, subaccount = 0;
  int status = pmm__kx_member_int(k, type, o, "exchange_index", &shard, NULL);
  if (!status) status = pmm__kx_member_int(k, type, o, "subaccount", &subaccount, NULL);
  if (status) return status;
  if (shard < -1 || shard > 0) return pmm__kx_flat(k, 400, "bad_request", "unknown exchange_index");
  return subaccount != 0 ? pmm__kx_flat(k, 400, "bad_request", "unknown subaccount") : 0;
}

bool pmm__kx_find_market(const pmm__kx_t *k, const char *ticker, uint32_t *index) {
  uint32_t i;
  if (pmm_place_market_find(k->place, ticker, &i) != PMM_OK || i >= k->market_cap || !k->market[i].listed) return false;
  *index = i;
  return true;
}

/* -- writers -- */

void pmm__kx_price(pmm_text_t *t, const char *key, int32_t price_e4) { pmm_text_decimal(t, key, price_e4, 4, 4); }
void pmm__kx_count(pmm_text_t *t, const char *key, int64_t qty_e6) { pmm_text_decimal(t, key, qty_e6, 6, 2); }
void pmm__kx_cost(pmm_text_t *t, const char *key, int64_t cash_e6) { pmm_text_decimal(t, key, cash_e6, 6, 6); }
void pmm__kx_dollars(pmm_text_t *t, const char *key, int64_t cash_e6) { pmm_text_decimal(t, key, cash_e6, 6, 4); }

void pmm__kx_time(pmm_text_t *t, const char *key, int64_t ns) {
  char buf[PMM_TIME_BUF];
  size_t len = pmm_time_print(ns, 6, buf); /* "...T05:39:31.285630Z" */
  if (len > 8 && buf[len - 1] == 'Z') {
    len--;
    while (buf[len - 1] == '0') len--;
    if (buf[len - 1] == '.') len--;
    buf[len++] = 'Z';
  }
  pmm_text_string_n(t, key, buf, len);
}

static int64_t floor_div(int64_t a, int64_t b) { return a / b - (a % b < 0); }
void pmm__kx_seconds(pmm_text_t *t, const char *key, int64_t ns) { pmm_text_int(t, key, floor_div(ns, PMM_NS_PER_S)); }
void pmm__kx_millis(pmm_text_t *t, const char *key, int64_t ns) { pmm_text_int(t, key, floor_div(ns, PMM_NS_PER_MS)); }

void pmm__kx_uuid(pmm_rng_t *rng, char out[PMM__KX_UUID]) {
  uint64_t const a = pmm_rng_u64(rng), b = pmm_rng_u64(rng);
  snprintf(out, PMM__KX_UUID, "%08x-%04x-4%03x-%04x-%012llx", (unsigned)(a >> 32), (unsigned)(a >> 16 & 0xffff), (unsigned)(a & 0xfff),
           (unsigned)(0x8000 | (b >> 48 & 0x3fff)), (unsigned long long)(b & 0xffffffffffff));
}

void pmm__kx_uuid_of(const char *text, uint64_t seed, char out[PMM__KX_UUID]) {
  pmm_rng_t rng;
  pmm_rng_seed(&rng, pmm_hash64(text, strlen(text), seed));
  pmm__kx_uuid(&rng, out);
}

void pmm__kx_direction(pmm_text_t *t, pmm_side_t side) {
  pmm_text_string(t, "side", "yes");
  pmm_text_string(t, "action", side == PMM_BID ? "buy" : "sell");
  pmm_text_string(t, "outcome_side", pmm__kx_outcome_side(side));
  pmm_text_string(t, "book_side", pmm__kx_book_side(side));
}
