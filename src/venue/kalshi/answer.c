/* Answers to order requests, and refusals in all their shapes. Source: Kalshi API docs, "Orders", and bodies seen on the demo exchange (2026-06). */
#include "codec.h"

/* -- errors -- */

/* What the venue writes ends in logs: printable bytes only, cut to fit. */
static void plain(const pmm_json_node_t *n, char *out, size_t cap) {
  size_t len = 0;
  out[0] = '\0';
  if (!n || n->type != PMM_JSON_STRING) return;
  for (; len < n->len && len + 1 < cap; len++) out[len] = n->text[len] >= ' ' && n->text[len] <= '~' ? n->text[len] : ' ';
  out[len] = '\0';
}

static void texts(const pmm_json_node_t *object, pmm_kalshi_error_t *out) {
  plain(pmm_json_get(object, "code"), out->code, sizeof out->code);
  plain(pmm_json_get(object, "message"), out->message, sizeof out->message);
  plain(pmm_json_get(object, "details"), out->details, sizeof out->details);
}

static const struct { const char *code; pmm_kalshi_fault_t fault; pmm_reject_t reject; } codes[] = {
    {"order_already_exists", PMM_KALSHI_FAULT_DUPLICATE, PMM_REJECT_DUPLICATE},
    {"fill_or_kill_insufficient_resting_volume", PMM_KALSHI_FAULT_REFUSED, PMM_REJECT_FOK},
    {"insufficient_balance", PMM_KALSHI_FAULT_REFUSED, PMM_REJECT_FUNDS},
    {"available_balance_too_low", PMM_KALSHI_FAULT_REFUSED, PMM_REJECT_FUNDS},
    {"invalid_price", PMM_KALSHI_FAULT_REFUSED, PMM_REJECT_PRICE},
    {"invalid_order_size", PMM_KALSHI_FAULT_REFUSED, PMM_REJECT_SIZE},
    {"market_inactive", PMM_KALSHI_FAULT_CLOSED, PMM_REJECT_CLOSED},
    {"MARKET_INACTIVE", PMM_KALSHI_FAULT_CLOSED, PMM_REJECT_CLOSED},
    {"market_not_found", PMM_KALSHI_FAULT_CLOSED, PMM_REJECT_CLOSED},
    {"not_found", PMM_KALSHI_FAULT_NOT_FOUND, PMM_REJECT_UNKNOWN_ORDER},
    {"too_many_requests", PMM_KALSHI_FAULT_RATE, PMM_REJECT_RATE},
    {"header_timestamp_expired", PMM_KALSHI_FAULT_AUTH, PMM_REJECT_NONE},
    {"authentication_error", PMM_KALSHI_FAULT_AUTH, PMM_REJECT_NONE},
    {"token_authentication_failure", PMM_KALSHI_FAULT_AUTH, PMM_REJECT_NONE},
};

/* Details are words for people; these few decide something. */
static pmm_reject_t reject_of_details(const char *details) {
  if (strstr(details, "post only cross") || strstr(details, "PostOnlyCross")) return PMM_REJECT_POST_ONLY;
  if (strstr(details, "self trade") || strstr(details, "SelfTrade")) return PMM_REJECT_SELF_TRADE;
  if (strstr(details, "expiration")) return PMM_REJECT_EXPIRY;
  return PMM_REJECT_NONE;
}

static pmm_kalshi_fault_t fault_of_http(int http) {
  if (http == 401 || http == 403) return PMM_KALSHI_FAULT_AUTH;
  if (http == 404) return PMM_KALSHI_FAULT_NOT_FOUND;
  if (http == 429) return PMM_KALSHI_FAULT_RATE;
  if (http >= 400 && http < 500 && http != 408) return PMM_KALSHI_FAULT_REFUSED;
  return PMM_KALSHI_FAULT_UNKNOWN; /* the gateway may have given up on a request that went on */
}

/* An item of a batch has no status line: these words stand for a 5xx. */
static bool is_doubtful(const char *code) { return strstr(code, "internal") || strstr(code, "timeout") || strstr(code, "unavailable"); }

/* A 5xx stays unknown whatever its body says: the gateway that wrote it may not be what took the order. */
static void judge(int http, pmm_kalshi_error_t *e) {
  e->fault = fault_of_http(http);
  e->reject = e->fault == PMM_KALSHI_FAULT_NOT_FOUND ? PMM_REJECT_UNKNOWN_ORDER
              : e->fault == PMM_KALSHI_FAULT_RATE    ? PMM_REJECT_RATE
                                                     : PMM_REJECT_NONE;
  if (is_doubtful(e->code)) e->fault = PMM_KALSHI_FAULT_UNKNOWN;
  if (e->fault == PMM_KALSHI_FAULT_UNKNOWN) return;
  for (size_t i = 0; i < PMM__COUNT(codes); i++) {
    if (strcmp(e->code, codes[i].code) != 0) continue;
    e->fault = codes[i].fault;
    e->reject = codes[i].reject;
    return;
  }
  if (e->reject == PMM_REJECT_NONE) e->reject = reject_of_details(e->details);
}

void pmm_kalshi_error_read(pmm_kalshi_codec_t *codec, int http, const char *text, size_t len, pmm_kalshi_error_t *out) {
  const pmm_json_node_t *root;
  *out = (pmm_kalshi_error_t){0};
  if (pmm__kalshi_root(codec, text, len, &root, NULL) == PMM_OK && root->type == PMM_JSON_OBJECT) {
    const pmm_json_node_t *const error = pmm_json_get(root, "error");
    if (error && error->type == PMM_JSON_OBJECT) texts(error, out);
    else texts(root, out);
    if (error && error->type == PMM_JSON_STRING) plain(error, out->message, sizeof out->message);
    if (!out->message[0]) plain(pmm_json_get(root, "msg"), out->message, sizeof out->message);
  }
  judge(http, out);
}

/* -- successes -- */

typedef struct raw_done { pmm_kalshi_done_t d; const pmm_json_node_t *error; } raw_done_t;

static pmm_status_t take_done(const pmm__read_t *r, const pmm_json_node_t *object, pmm_kalshi_done_t *out) {
  static const pmm__field_t fields[] = {
      PMM__FIELD(raw_done_t, d.client_order_id, "client_order_id", F_TEXT, false),
      PMM__FIELD(raw_done_t, d.filled_e6, "fill_count", F_QTY, false),
      PMM__FIELD(raw_done_t, d.order_id, "order_id", F_TEXT, false),
      PMM__FIELD(raw_done_t, d.remaining_e6, "remaining_count", F_QTY, false),
      PMM__FIELD(raw_done_t, d.reduced_e6, "reduced_by", F_QTY, false),
      PMM__FIELD(raw_done_t, d.exch_ns, "ts_ms", F_MS, false),
      PMM__FIELD(raw_done_t, error, "error", F_NODE, false),
  };
  raw_done_t raw = {.d = {.filled_e6 = -1, .remaining_e6 = -1, .reduced_e6 = -1, .exch_ns = PMM_TIME_NONE}};
  pmm_status_t const st = pmm__fields(r, object, fields, PMM__COUNT(fields), &raw);
  if (st != PMM_OK) return st;
  if (raw.error) {
    texts(raw.error, &raw.d.error);
    judge(400, &raw.d.error); /* an item that failed was refused; its code says by what */
  } else if (raw.d.order_id.len == 0) {
    return pmm__kalshi_bad(r, object->at, "order_id is missing");
  }
  *out = raw.d;
  return PMM_OK;
}

pmm_status_t pmm_kalshi_done_read(pmm_kalshi_codec_t *codec, const char *text, size_t len, pmm_kalshi_done_t *out, pmm_error_t *err) {
  pmm__read_t const r = {text, err};
  const pmm_json_node_t *root;
  pmm_status_t const st = pmm__kalshi_root(codec, text, len, &root, err);
  return st == PMM_OK ? take_done(&r, root, out) : st;
}

static pmm_status_t take_item(const pmm__read_t *r, const pmm_json_node_t *object, void *out) { return take_done(r, object, out); }

pmm_status_t pmm_kalshi_batch_read(pmm_kalshi_codec_t *codec, const char *text, size_t len, pmm_kalshi_done_t *out, size_t cap, size_t *cnt,
                                   pmm_error_t *err) {
  pmm_kalshi_page_t page;
  pmm_status_t const st = pmm__kalshi_list(codec, text, len, (pmm__list_t){"orders", NULL, sizeof *out, take_item}, out, cap, &page, err);
  if (st == PMM_OK) *cnt = page.cnt;
  return st;
}
