/* Answers of REST to private calls. Error texts: Polymarket CLOB API docs (2026-11) and captured answers. */
#include "rest.h"
#include <stdio.h>
#include <string.h>
#include "pmm/decimal.h"
#include "rest_json.h"

/* -- members -- */
pmm_status_t pmm__rest_bad(pmm_error_t *err, const char *key, const char *why) { return pmm_error_set(err, PMM_PARSE, "polymarket: %s: %s", key, why); }

pmm_status_t pmm__rest_decimal(const pmm_json_node_t *o, const char *key, int scale, bool cut, int64_t *out, pmm_error_t *err) {
  const pmm_json_node_t *const n = pmm_json_get(o, key);
  if (!n || (n->type != PMM_JSON_STRING && n->type != PMM_JSON_NUMBER)) return pmm__rest_bad(err, key, "missing");
  pmm_status_t const st = cut ? pmm_decimal_parse_floor(n->text, n->len, scale, out, NULL) : pmm_decimal_parse(n->text, n->len, scale, out, NULL);
  return st == PMM_OK ? PMM_OK : pmm__rest_bad(err, key, "no number that fits");
}

bool pmm__rest_has(const pmm_json_node_t *o, const char *key) {
  const pmm_json_node_t *const n = pmm_json_get(o, key);
  return n && n->type != PMM_JSON_NULL && (n->type != PMM_JSON_STRING || n->len > 0);
}

pmm_status_t pmm__rest_text(const pmm_json_node_t *o, const char *key, char *out, size_t cap, pmm_error_t *err) {
  const pmm_json_node_t *const n = pmm_json_get(o, key);
  if (!n || n->type != PMM_JSON_STRING) return pmm__rest_bad(err, key, "missing");
  if (n->len >= cap || memchr(n->text, '\0', n->len)) return pmm__rest_bad(err, key, "too long");
  memcpy(out, n->text, n->len);
  out[n->len] = '\0';
  return PMM_OK;
}

bool pmm__rest_true(const pmm_json_node_t *o, const char *key) {
  const pmm_json_node_t *const n = pmm_json_get(o, key);
  return n && n->type == PMM_JSON_BOOL && n->text[0] == 't';
}

/* -- single values -- */
pmm_status_t pmm_poly_read_tick_size(const pmm_json_node_t *o, int32_t *tick_e4, pmm_error_t *err) {
  int64_t value;
  pmm_status_t const st = pmm__rest_decimal(o, "minimum_tick_size", 4, false, &value, err);
  if (st != PMM_OK) return st;
  if (value <= 0 || value >= PMM_ONE_E4 || PMM_ONE_E4 % value != 0) return pmm__rest_bad(err, "minimum_tick_size", "does not divide a dollar");
  *tick_e4 = (int32_t)value;
  return PMM_OK;
}

pmm_status_t pmm_poly_read_neg_risk(const pmm_json_node_t *o, bool *neg_risk, pmm_error_t *err) {
  const pmm_json_node_t *const n = pmm_json_get(o, "neg_risk");
  if (!n || n->type != PMM_JSON_BOOL) return pmm__rest_bad(err, "neg_risk", "missing");
  *neg_risk = n->text[0] == 't';
  return PMM_OK;
}

pmm_status_t pmm_poly_read_fee_rate(const pmm_json_node_t *o, int32_t *bps, pmm_error_t *err) {
  int64_t value;
  pmm_status_t const st = pmm__rest_decimal(o, "base_fee", 0, false, &value, err);
  if (st != PMM_OK) return st;
  if (value < 0 || value > 10000) return pmm__rest_bad(err, "base_fee", "out of range");
  *bps = (int32_t)value;
  return PMM_OK;
}

pmm_status_t pmm_poly_read_version(const pmm_json_node_t *o, int *version, pmm_error_t *err) {
  int64_t value;
  pmm_status_t const st = pmm__rest_decimal(o, "version", 0, false, &value, err);
  if (st != PMM_OK) return st;
  if (value < 1 || value > 1000) return pmm__rest_bad(err, "version", "out of range");
  *version = (int)value;
  return PMM_OK;
}

/* Allowances beyond 64 bits (2^256 - 1 is usual) count as unlimited. */
static int64_t allowance_of(const pmm_json_node_t *n) {
  int64_t value;
  pmm_status_t const st = pmm_decimal_parse(n->text, n->len, 0, &value, NULL);
  return st == PMM_OVERFLOW ? INT64_MAX : st == PMM_OK ? value : -1;
}

pmm_status_t pmm_poly_read_balance(const pmm_json_node_t *o, int64_t *balance_e6, int64_t *allowance_e6, pmm_error_t *err) {
  const pmm_json_node_t *const all = pmm_json_get(o, "allowances"), *const one = pmm_json_get(o, "allowance");
  int64_t balance, least = one ? allowance_of(one) : -1;
  pmm_status_t const st = pmm__rest_decimal(o, "balance", 0, false, &balance, err);
  if (st != PMM_OK) return st;
  if (all && all->type == PMM_JSON_OBJECT)
    for (const pmm_json_node_t *key = all + 1; key < all + all->span; key += 1 + key[1].span) {
      int64_t const value = allowance_of(key + 1);
      if (least < 0 || (value >= 0 && value < least)) least = value;
    }
  *balance_e6 = balance;
  *allowance_e6 = least;
  return PMM_OK;
}

pmm_status_t pmm_poly_read_time(const char *text, size_t len, int64_t *at_s) {
  while (len > 0 && (text[len - 1] == '\n' || text[len - 1] == '\r' || text[len - 1] == ' ')) len--;
  return pmm_decimal_parse(text, len, 0, at_s, NULL) == PMM_OK ? PMM_OK : PMM_PARSE;
}

/* What goes back out in headers and JSON must be plain. */
static bool is_plain(const char *text) {
  for (; *text; text++)
    if (*text < 0x21 || *text > 0x7e || *text == '"' || *text == '\\') return false;
  return true;
}

pmm_status_t pmm_poly_read_credentials(const pmm_json_node_t *o, pmm_poly_credentials_t *out, pmm_error_t *err) {
  pmm_poly_credentials_t got;
  pmm_status_t st = pmm__rest_text(o, "apiKey", got.key, sizeof got.key, err);
  if (st == PMM_OK) st = pmm__rest_text(o, "secret", got.secret, sizeof got.secret, err);
  if (st == PMM_OK) st = pmm__rest_text(o, "passphrase", got.passphrase, sizeof got.passphrase, err);
  if (st == PMM_OK && !(is_plain(got.key) && is_plain(got.secret) && is_plain(got.passphrase))) st = pmm__rest_bad(err, "apiKey", "odd characters");
  if (st == PMM_OK) *out = got;
  explicit_bzero(&got, sizeof got);
  return st;
}

pmm_status_t pmm_poly_read_heartbeat(const pmm_json_node_t *o, char id[PMM_POLY_KEY_MAX], pmm_error_t *err) {
  char got[PMM_POLY_KEY_MAX];
  pmm_status_t const st = pmm__rest_text(o, "heartbeat_id", got, sizeof got, err);
  if (st != PMM_OK) return st;
  if (!is_plain(got)) return pmm__rest_bad(err, "heartbeat_id", "odd characters");
  memcpy(id, got, sizeof got);
  return PMM_OK;
}

/* -- lists -- */
static bool is_cursor(const char *text) {
  for (; *text; text++)
    if (!strchr("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/=-_", *text)) return false;
  return true;
}

pmm_status_t pmm_poly_read_page(const pmm_json_node_t *root, const pmm_json_node_t **data, char next[PMM_POLY_CURSOR_MAX], pmm_error_t *err) {
  char cursor[PMM_POLY_CURSOR_MAX] = "";
  if (root->type != PMM_JSON_ARRAY) {
    const pmm_json_node_t *const list = pmm_json_get(root, "data");
    if (!list || list->type != PMM_JSON_ARRAY) return pmm__rest_bad(err, "data", "not a list");
    if (pmm__rest_has(root, "next_cursor")) {
      pmm_status_t const st = pmm__rest_text(root, "next_cursor", cursor, sizeof cursor, err);
      if (st != PMM_OK) return st;
      if (!is_cursor(cursor)) return pmm__rest_bad(err, "next_cursor", "odd characters");
    }
    root = list;
  }
  if (strcmp(cursor, PMM_POLY_PAGE_END) == 0) cursor[0] = '\0';
  *data = root;
  memcpy(next, cursor, sizeof cursor);
  return PMM_OK;
}

pmm_status_t pmm_poly_read_position(const pmm_json_node_t *o, const pmm_poly_tokens_t *tokens, pmm_poly_position_t *out, pmm_error_t *err) {
  pmm_poly_position_t got = {.market = PMM_POLY_NONE, .cost_e6 = -1};
  const pmm_json_node_t *const asset = pmm_json_get(o, "asset");
  int64_t mean_e6;
  if (!asset || asset->type != PMM_JSON_STRING) return pmm__rest_bad(err, "asset", "missing");
  pmm_status_t const st = pmm__rest_decimal(o, "size", 6, true, &got.qty_e6, err);
  if (st != PMM_OK) return st;
  if (got.qty_e6 < 0) return pmm__rest_bad(err, "size", "negative");
  (void)pmm_poly_tokens_find(tokens, asset->text, asset->len, &got.market, &got.no);
  if (pmm__rest_has(o, "avgPrice") && pmm__rest_decimal(o, "avgPrice", 6, true, &mean_e6, NULL) == PMM_OK && mean_e6 >= 0 && mean_e6 <= PMM_ONE_E6)
    got.cost_e6 = pmm_muldiv_floor(got.qty_e6, mean_e6, PMM_ONE_E6);
  got.mergeable = pmm__rest_true(o, "mergeable");
  got.redeemable = pmm__rest_true(o, "redeemable");
  *out = got;
  return PMM_OK;
}

/* -- answers to orders -- */
static bool has(const char *text, size_t len, const char *piece) { return memmem(text, len, piece, strlen(piece)) != NULL; }

pmm_reject_t pmm_poly_reason(const char *text, size_t len) {
  static const struct { const char *piece; pmm_reject_t reason; } table[] = {
      {"crosses book", PMM_REJECT_POST_ONLY}, {"crosses the book", PMM_REJECT_POST_ONLY}, {"minimum tick size", PMM_REJECT_PRICE}, {"lower than the minimum", PMM_REJECT_SIZE},
      {"min size", PMM_REJECT_SIZE}, {"invalid amounts", PMM_REJECT_SIZE}, {"not enough balance", PMM_REJECT_FUNDS}, {"Duplicated", PMM_REJECT_DUPLICATE},
      {"invalid expiration", PMM_REJECT_EXPIRY}, {"fully filled or killed", PMM_REJECT_FOK}, {"filled or killed", PMM_REJECT_FOK}, {"partially filled or killed", PMM_REJECT_IOC},
      {"no orders found to match", PMM_REJECT_IOC}, {"there are no matching orders", PMM_REJECT_IOC}, {"not yet ready", PMM_REJECT_CLOSED}, {"post-only mode", PMM_REJECT_PHASE},
      {"cancel-only", PMM_REJECT_PHASE}, {"rading is", PMM_REJECT_PHASE}, {"order_version_mismatch", PMM_REJECT_PHASE}, {"Too Many Requests", PMM_REJECT_RATE},
      {"Too many orders", PMM_REJECT_RATE}, {"closed only mode", PMM_REJECT_PHASE}, {"banned", PMM_REJECT_CLOSED}};
  pmm_reject_t reason = PMM_REJECT_CLOSED; /* refused for a reason that asking again will not cure */
  for (size_t i = sizeof table / sizeof table[0]; i-- > 0;)
    if (has(text, len, table[i].piece)) reason = table[i].reason;
  return has(text, len, "no orders found to match") ? PMM_REJECT_IOC : reason;
}

/* Server-side failures that leave open whether the order was taken. */
static bool leaves_open(const char *text, size_t len) { return has(text, len, "could not insert order") || has(text, len, "order timed out") || has(text, len, "delayed due to"); }

static void refuse(pmm_poly_answer_t *out, const char *text, size_t len) {
  size_t const cut = len < sizeof out->text ? len : sizeof out->text - 1;
  out->placed = PMM_POLY_PLACED_REFUSED;
  out->reason = (uint8_t)pmm_poly_reason(text, len);
  out->post_only = has(text, len, "post-only mode");
  out->cancel_only = has(text, len, "cancel-only") || has(text, len, "rading is currently disabled") || has(text, len, "rading is disabled");
  out->version_mismatch = has(text, len, "order_version_mismatch");
  out->ambiguous = leaves_open(text, len);
  for (size_t i = 0; i < cut; i++) out->text[i] = text[i] >= ' ' && text[i] < 0x7f ? text[i] : '?';
  out->text[cut] = '\0';
}

static pmm_status_t read_placed(const pmm_json_node_t *o, pmm_poly_answer_t *got, pmm_error_t *err) {
  static const char *const names[] = {"live", "matched", "delayed", "unmatched"};
  const pmm_json_node_t *const status = pmm_json_get(o, "status"), *const id = pmm_json_get(o, "orderID");
  if (!id || id->type != PMM_JSON_STRING || pmm_poly_word_parse(id->text, id->len, &got->id) != PMM_OK) return pmm__rest_bad(err, "orderID", "not 0x and 64 hex digits");
  got->has_id = true;
  for (size_t i = 0; i < sizeof names / sizeof names[0]; i++)
    if (pmm_json_is(status, names[i])) {
      got->placed = (uint8_t)i;
      return PMM_OK;
    }
  return pmm__rest_bad(err, "status", "none of the known");
}

/* In a batch a refused entry still says success, so errorMsg decides. */
pmm_status_t pmm_poly_read_answer(const pmm_json_node_t *o, pmm_poly_answer_t *out, pmm_error_t *err) {
  pmm_poly_answer_t got = {0};
  const pmm_json_node_t *why = pmm_json_get(o, "errorMsg");
  if (!why || why->type != PMM_JSON_STRING || why->len == 0) why = pmm_json_get(o, "error");
  if (why && why->type == PMM_JSON_STRING && why->len > 0) refuse(&got, why->text, why->len);
  else {
    pmm_status_t const st = read_placed(o, &got, err);
    if (st != PMM_OK) return st;
  }
  *out = got;
  return PMM_OK;
}

void pmm_poly_read_refusal(int http, const pmm_json_node_t *root, const char *body, size_t len, pmm_poly_answer_t *out, int32_t *retry_s) {
  const pmm_json_node_t *why = pmm_json_get(root, "error");
  int64_t seconds;
  if (!why) why = pmm_json_get(root, "errorMsg");
  *out = (pmm_poly_answer_t){0};
  *retry_s = 0;
  if (why && why->type == PMM_JSON_STRING) refuse(out, why->text, why->len);
  else refuse(out, body, len);
  if (pmm__rest_has(root, "retry_after_seconds") && pmm__rest_decimal(root, "retry_after_seconds", 0, true, &seconds, NULL) == PMM_OK && seconds > 0 && seconds < 86400)
    *retry_s = (int32_t)seconds;
  if (http == 425) out->restarting = true, out->reason = PMM_REJECT_PHASE;
  if (http == 429) out->reason = PMM_REJECT_RATE;
  if (http >= 500 && http != 503) out->ambiguous = out->reason == PMM_REJECT_CLOSED || out->ambiguous;
  if (http == 503) out->ambiguous = !out->post_only && !out->cancel_only;
}

/* -- answers to cancels -- */
static const pmm_json_node_t *check_ids(const pmm_json_node_t *list, int step) {
  pmm_poly_word_t id;
  for (const pmm_json_node_t *n = list + 1; n < list + list->span; n += step == 1 ? n->span : 1 + n[1].span)
    if (n->type != PMM_JSON_STRING || pmm_poly_word_parse(n->text, n->len, &id) != PMM_OK) return n;
  return NULL;
}

pmm_status_t pmm_poly_read_cancels(const pmm_json_node_t *o, void (*fn)(void *ctx, const pmm_poly_word_t *id, pmm_poly_cancelled_t what), void *ctx,
                                   pmm_error_t *err) {
  const pmm_json_node_t *const yes = pmm_json_get(o, "canceled"), *const no = pmm_json_get(o, "not_canceled");
  pmm_poly_word_t id;
  if (!yes || yes->type != PMM_JSON_ARRAY) return pmm__rest_bad(err, "canceled", "not a list");
  if (check_ids(yes, 1)) return pmm__rest_bad(err, "canceled", "an element is no order id");
  bool const has_no = no && no->type == PMM_JSON_OBJECT;
  if (has_no && check_ids(no, 2)) return pmm__rest_bad(err, "not_canceled", "a key is no order id");
  for (const pmm_json_node_t *n = pmm_json_first(yes); n; n = pmm_json_next(yes, n))
    if (pmm_poly_word_parse(n->text, n->len, &id) == PMM_OK) fn(ctx, &id, PMM_POLY_CANCEL_DONE);
  if (!has_no) return PMM_OK;
  for (const pmm_json_node_t *key = no + 1; key < no + no->span; key += 1 + key[1].span)
    if (pmm_poly_word_parse(key->text, key->len, &id) == PMM_OK) fn(ctx, &id, PMM_POLY_CANCEL_NOT);
  return PMM_OK;
}
