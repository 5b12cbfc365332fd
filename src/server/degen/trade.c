/* Orders in, cancels, amends and heartbeats: the same for REST and the socket. */
#include <string.h>
#include "pmm/decimal.h"
#include "server/degen/impl.h"

bool pmm__dd_text_of(const pmm_json_node_t *node, char *out, size_t cap) {
  if (!node || node->type != PMM_JSON_STRING || node->len == 0 || node->len >= cap || memchr(node->text, 0, node->len)) return false;
  memcpy(out, node->text, node->len);
  out[node->len] = 0;
  return true;
}

/* ---- the rate limit ---- */

static bool take(pmm__dd_req_t *r, size_t actions) {
  pmm_bucket_t *const b = &r->member->bucket;
  if (!r->d->serve.rate_limit || pmm_bucket_take(b, (double)actions, PMM_BUCKET_NORMAL, r->now_ns)) return true;
  pmm__dd_fail(r, PMM__DD_RATE_LIMITED, NULL, "too many order actions");
  r->error.retry_ns = pmm_max64(1, pmm_bucket_when(b, (double)actions, PMM_BUCKET_NORMAL, r->now_ns) - r->now_ns);
  return false;
}

/* ---- reading an order ---- */

static bool read_decimal(const pmm_json_node_t *node, int scale, int64_t *out) {
  return node && (node->type == PMM_JSON_STRING || node->type == PMM_JSON_NUMBER) &&
         pmm_decimal_parse(node->text, node->len, scale, out, NULL) == PMM_OK;
}

/* -1: something else than true, false or nothing. */
static int read_flag(const pmm_json_node_t *object, const char *key) {
  const pmm_json_node_t *const node = pmm_json_get(object, key);
  if (!node || node->type == PMM_JSON_NULL) return 0;
  return node->type == PMM_JSON_BOOL ? node->text[0] == 't' : -1;
}

/* 0 or 1 for the first or second word, -1 for neither. */
static int one_of(const pmm_json_node_t *node, const char *first, const char *second) {
  return pmm_json_is(node, first) ? 0 : pmm_json_is(node, second) ? 1 : -1;
}

static bool read_price(pmm__dd_req_t *r, const pmm_json_node_t *node, int32_t *price_e4) {
  int64_t price;
  if (!read_decimal(node, 4, &price) || price <= 0 || price >= PMM_ONE_E4) {
    pmm__dd_fail(r, PMM__DD_INVALID_PRICE, "price", "a price is a decimal number between 0 and 1 on the market's grid");
    return false;
  }
  *price_e4 = (int32_t)price;
  return true;
}

static bool read_size(pmm__dd_req_t *r, const pmm_json_node_t *node, int64_t *qty_e6) {
  if (read_decimal(node, 6, qty_e6) && *qty_e6 > 0 && *qty_e6 <= INT64_MAX / (4 * PMM_ONE_E4)) return true;
  pmm__dd_fail(r, PMM__DD_INVALID_SIZE, "size", "a size is a positive number of contracts");
  return false;
}

static bool read_tif(pmm__dd_req_t *r, const pmm_json_node_t *line, pmm_place_request_t *q) {
  const pmm_json_node_t *const tif = pmm_json_get(line, "tif"), *const until = pmm_json_get(line, "expires_at");
  int64_t ms = 0;
  q->tif = !tif || pmm_json_is(tif, "gtc") ? PMM_GTC : pmm_json_is(tif, "ioc") ? PMM_IOC : pmm_json_is(tif, "fok") ? PMM_FOK : PMM_GTD;
  if (q->tif == PMM_GTD && !pmm_json_is(tif, "gtd")) {
    pmm__dd_fail(r, PMM__DD_BAD_REQUEST, "tif", "tif is gtc, ioc, fok or gtd");
    return false;
  }
  if (q->tif == PMM_GTD && (!read_decimal(until, 0, &ms) || ms <= 0 || ms > INT64_MAX / PMM_NS_PER_MS)) {
    pmm__dd_fail(r, PMM__DD_BAD_REQUEST, "expires_at", "gtd needs expires_at, milliseconds since 1970");
    return false;
  }
  q->expire_ns = ms * PMM_NS_PER_MS;
  return true;
}

static bool read_flags(pmm__dd_req_t *r, const pmm_json_node_t *line, pmm_place_request_t *q) {
  int const post_only = read_flag(line, "post_only"), inventory = read_flag(line, "from_inventory");
  if (post_only < 0 || inventory < 0) {
    pmm__dd_fail(r, PMM__DD_BAD_REQUEST, post_only < 0 ? "post_only" : "from_inventory", "true or false");
    return false;
  }
  q->post_only = post_only;
  q->from_inventory = inventory;
  if (!q->post_only || q->tif == PMM_GTC || q->tif == PMM_GTD) return true;
  pmm__dd_fail(r, PMM__DD_BAD_REQUEST, "post_only", "an immediate order cannot be post-only");
  return false;
}

static bool read_market(pmm__dd_req_t *r, const pmm_json_node_t *line, uint32_t *market) {
  char id[PMM_ID_MAX];
  if (pmm__dd_text_of(pmm_json_get(line, "market"), id, sizeof id) && pmm__dd_market_of(r->d, id, market)) return true;
  pmm__dd_fail(r, PMM__DD_NOT_FOUND, "market", "no such market");
  return false;
}

static bool read_client_id(pmm__dd_req_t *r, const pmm_json_node_t *line, char client_id[PMM_PLACE_ID_MAX]) {
  const pmm_json_node_t *const node = pmm_json_get(line, "client_id");
  client_id[0] = 0;
  if (!node || node->type == PMM_JSON_NULL || (node->type == PMM_JSON_STRING && node->len == 0)) return true;
  if (pmm__dd_text_of(node, client_id, PMM_PLACE_ID_MAX)) return true;
  pmm__dd_fail(r, PMM__DD_BAD_REQUEST, "client_id", "a client id is a text of at most 79 bytes");
  return false;
}

/* Every outcome is an instrument of its own; the place has one book in YES terms. */
static bool read_order(pmm__dd_req_t *r, const pmm_json_node_t *line, pmm_place_request_t *q, char client_id[PMM_PLACE_ID_MAX]) {
  *q = (pmm_place_request_t){.account = r->member->account, .stp = PMM_PLACE_STP_USUAL, .client_id = client_id};
  if (line->type != PMM_JSON_OBJECT) {
    pmm__dd_fail(r, PMM__DD_BAD_REQUEST, NULL, "an order is an object");
    return false;
  }
  int const no = one_of(pmm_json_get(line, "outcome"), "yes", "no"), ask = one_of(pmm_json_get(line, "side"), "bid", "ask");
  if (no < 0 || ask < 0) {
    pmm__dd_fail(r, PMM__DD_BAD_REQUEST, no < 0 ? "outcome" : "side", no < 0 ? "outcome is yes or no" : "side is bid or ask");
    return false;
  }
  if (!read_market(r, line, &q->market) || !read_price(r, pmm_json_get(line, "price"), &q->price_e4) ||
      !read_size(r, pmm_json_get(line, "size"), &q->qty_e6))
    return false;
  if (!read_tif(r, line, q) || !read_flags(r, line, q) || !read_client_id(r, line, client_id)) return false;
  static const pmm_route_t routes[2][2] = {{PMM_BUY_YES, PMM_SELL_YES}, {PMM_BUY_NO, PMM_SELL_NO}}; /* [no][ask] */
  q->route = routes[no][ask];
  if (no) q->price_e4 = PMM_ONE_E4 - q->price_e4;
  return true;
}

/* ---- placing ---- */

static void refuse(pmm__dd_req_t *r, pmm_reject_t why) {
  switch (why) {
  case PMM_REJECT_POST_ONLY: pmm__dd_fail(r, PMM__DD_POST_ONLY, "price", "the order would trade at once"); break;
  case PMM_REJECT_FUNDS: pmm__dd_fail(r, PMM__DD_BALANCE, "size", "not enough free cash"); break;
  case PMM_REJECT_SHARES: pmm__dd_fail(r, PMM__DD_SHARES, "size", "not enough free shares"); break;
  case PMM_REJECT_PRICE: pmm__dd_fail(r, PMM__DD_INVALID_PRICE, "price", "the price is off the market's grid"); break;
  case PMM_REJECT_SIZE: pmm__dd_fail(r, PMM__DD_INVALID_SIZE, "size", "the size is below the least or off the lot"); break;
  case PMM_REJECT_CLOSED: pmm__dd_fail(r, PMM__DD_MARKET_CLOSED, "market", "the market takes no orders"); break;
  case PMM_REJECT_DUPLICATE: pmm__dd_fail(r, PMM__DD_DUPLICATE, "client_id", "the client id was used before"); break;
  case PMM_REJECT_SELF_TRADE: pmm__dd_fail(r, PMM__DD_SELF_TRADE, NULL, "the order would trade with an own one"); break;
  case PMM_REJECT_EXPIRY: pmm__dd_fail(r, PMM__DD_BAD_REQUEST, "expires_at", "expires_at is not in the future"); break;
  case PMM_REJECT_UNKNOWN_ORDER: pmm__dd_fail(r, PMM__DD_NOT_FOUND, "id", "no such open order"); break;
  default: pmm__dd_fail(r, PMM__DD_INTERNAL, NULL, pmm_reject_to_string(why)); break;
  }
}

/* A fill-or-kill that could not be filled never entered the book: told as an order that was rejected, without an id. */
static pmm_place_order_t killed(const pmm_place_request_t *q, int64_t now_ns) {
  pmm_place_order_t o = {.market = q->market, .route = (uint8_t)q->route, .price_e4 = q->price_e4, .qty_e6 = q->qty_e6, .status = PMM_PLACE_REJECTED,
                         .reason = PMM_REJECT_FOK, .created_ns = now_ns, .updated_ns = now_ns};
  strcpy(o.client_id, q->client_id);
  return o;
}

static void place_line(pmm__dd_req_t *r, const pmm_json_node_t *line) {
  pmm_place_request_t q;
  pmm_place_answer_t answer;
  char client_id[PMM_PLACE_ID_MAX];
  r->error = (pmm__dd_error_t){0};
  if (!read_order(r, line, &q, client_id)) return;
  pmm_place_order(r->d->place, &q, r->now_ns, &answer);
  if (answer.reject == PMM_REJECT_FOK) {
    pmm_place_order_t const o = killed(&q, r->now_ns);
    pmm__dd_put_order(r->d, &r->d->out, NULL, &o);
  } else if (answer.reject != PMM_REJECT_NONE) {
    refuse(r, answer.reject);
  } else {
    pmm__dd_put_order(r->d, &r->d->out, NULL, answer.order);
  }
}

static size_t count(const pmm_json_node_t *array) {
  size_t n = 0;
  for (const pmm_json_node_t *e = pmm_json_first(array); e; e = pmm_json_next(array, e)) n++;
  return n;
}

void pmm__dd_place(pmm__dd_req_t *r, const pmm_json_node_t *body) {
  const pmm_json_node_t *const list = pmm_json_get(body, "orders");
  if (!list) {
    if (take(r, 1)) place_line(r, body);
    return;
  }
  size_t const cnt = count(list);
  if (cnt == 0 || cnt > PMM__DD_BATCH_MAX) {
    pmm__dd_fail(r, PMM__DD_BAD_REQUEST, "orders", "a batch has 1 to 100 orders");
    return;
  }
  if (!take(r, cnt)) return;
  pmm_text_t *const t = &r->d->out;
  pmm_text_object(t, NULL);
  pmm_text_array(t, "orders");
  for (const pmm_json_node_t *line = pmm_json_first(list); line; line = pmm_json_next(list, line)) {
    place_line(r, line);
    if (r->error.code == PMM__DD_NONE) continue;
    pmm_text_object(t, NULL);
    pmm__dd_put_error(t, "error", &r->error);
    pmm_text_end(t);
  }
  pmm_text_end(t);
  pmm_text_end(t);
  r->error = (pmm__dd_error_t){0};
}

/* ---- cancelling ---- */

static const pmm_place_order_t *own(const pmm__dd_req_t *r, const pmm_place_order_t *o) {
  return o && o->account == r->member->account && o->id[0] ? o : NULL;
}

/* By id or client id; ids of what went, and names of what was not open. The two lists are written at once: one into out, the other beside it. */
static void cancel_listed(pmm__dd_req_t *r, const pmm_json_node_t *names, bool by_client) {
  pmm_text_t *const t = &r->d->out, missing = {0};
  pmm_text_array(&missing, NULL);
  pmm_text_object(t, NULL);
  pmm_text_array(t, "cancelled");
  for (const pmm_json_node_t *e = pmm_json_first(names); e; e = pmm_json_next(names, e)) {
    char name[PMM_PLACE_ID_MAX] = "";
    bool const named = pmm__dd_text_of(e, name, sizeof name);
    const pmm_place_order_t *const o =
        !named ? NULL : own(r, by_client ? pmm_place_client_find(r->d->place, r->member->account, name) : pmm_place_order_find(r->d->place, name));
    if (o && pmm_place_cancel(r->d->place, o->account, o->seq, PMM_REJECT_USER, r->now_ns, NULL) == PMM_OK) pmm_text_string(t, NULL, o->id);
    else if (e->type == PMM_JSON_STRING) pmm_text_string_n(&missing, NULL, e->text, e->len);
  }
  pmm_text_end(t);
  pmm_text_end(&missing);
  size_t len;
  const char *const text = pmm_text_get(&missing, &len);
  pmm_text_json(t, "not_found", text, len);
  pmm_text_end(t);
  pmm_text_free(&missing);
}

/* All of the account's, or those in one market. */
static void cancel_many(pmm__dd_req_t *r, bool all, uint32_t market) {
  pmm_text_t *const t = &r->d->out;
  pmm_text_object(t, NULL);
  pmm_text_array(t, "cancelled");
  for (const pmm_place_order_t *o = pmm_place_open_after(r->d->place, r->member->account, 0), *next; o; o = next) {
    next = pmm_place_open_after(r->d->place, r->member->account, o->seq);
    if ((all || o->market == market) && pmm_place_cancel(r->d->place, o->account, o->seq, PMM_REJECT_USER, r->now_ns, NULL) == PMM_OK)
      pmm_text_string(t, NULL, o->id);
  }
  pmm_text_end(t);
  pmm_text_array(t, "not_found");
  pmm_text_end(t);
  pmm_text_end(t);
}

void pmm__dd_cancel(pmm__dd_req_t *r, const pmm_json_node_t *body) {
  const pmm_json_node_t *const ids = pmm_json_get(body, "ids"), *const client_ids = pmm_json_get(body, "client_ids"),
                               *const list = ids ? ids : client_ids;
  uint32_t market = 0;
  if (list) {
    size_t const cnt = count(list);
    if (cnt == 0 || cnt > (size_t)PMM__DD_BURST) pmm__dd_fail(r, PMM__DD_BAD_REQUEST, ids ? "ids" : "client_ids", "a list of 1 to 400 texts");
    else if (take(r, cnt)) cancel_listed(r, list, !ids);
    return;
  }
  bool const all = read_flag(body, "all") == 1;
  if (!all && !pmm_json_get(body, "market")) {
    pmm__dd_fail(r, PMM__DD_BAD_REQUEST, NULL, "ids, client_ids, market or all");
    return;
  }
  if ((all || read_market(r, body, &market)) && take(r, 1)) cancel_many(r, all, market);
}

void pmm__dd_cancel_one(pmm__dd_req_t *r, const char *id) {
  if (!take(r, 1)) return;
  const pmm_place_order_t *const o = own(r, pmm_place_order_find(r->d->place, id));
  bool const gone = o && pmm_place_cancel(r->d->place, o->account, o->seq, PMM_REJECT_USER, r->now_ns, NULL) == PMM_OK;
  pmm_text_t *const t = &r->d->out;
  pmm_text_object(t, NULL);
  for (int k = 0; k < 2; k++) {
    pmm_text_array(t, k ? "not_found" : "cancelled");
    if (gone == !k) pmm_text_string(t, NULL, id);
    pmm_text_end(t);
  }
  pmm_text_end(t);
}

/* ---- amending ---- */

static const pmm_place_order_t *amended(const pmm__dd_req_t *r, const char *id, const pmm_json_node_t *body) {
  char name[PMM_PLACE_ID_MAX];
  if (id) return own(r, pmm_place_order_find(r->d->place, id));
  if (pmm__dd_text_of(pmm_json_get(body, "order_id"), name, sizeof name)) return own(r, pmm_place_order_find(r->d->place, name));
  if (pmm__dd_text_of(pmm_json_get(body, "client_id"), name, sizeof name))
    return own(r, pmm_place_client_find(r->d->place, r->member->account, name));
  return NULL;
}

/* size is the whole size, what has been filled included: whatever fills meanwhile, no more is bought than was meant. */
void pmm__dd_amend(pmm__dd_req_t *r, const char *id, const pmm_json_node_t *body) {
  if (!take(r, 1)) return;
  const pmm_place_order_t *const o = amended(r, id, body);
  if (!o || o->status != PMM_PLACE_OPEN) {
    pmm__dd_fail(r, PMM__DD_NOT_FOUND, "id", "no such open order");
    return;
  }
  int64_t qty = o->qty_e6;
  int32_t price = o->price_e4;
  const pmm_json_node_t *const price_node = pmm_json_get(body, "price"), *const size_node = pmm_json_get(body, "size");
  bool const no = o->route == PMM_BUY_NO || o->route == PMM_SELL_NO;
  if (price_node && !read_price(r, price_node, &price)) return;
  if (price_node && no) price = PMM_ONE_E4 - price;
  if (size_node && !read_size(r, size_node, &qty)) return;
  pmm_reject_t const why =
      qty > o->filled_e6 ? pmm_place_amend(r->d->place, o->account, o->seq, price, qty - o->filled_e6, r->now_ns) : PMM_REJECT_SIZE;
  if (why != PMM_REJECT_NONE) refuse(r, why);
  else pmm__dd_put_order(r->d, &r->d->out, NULL, o);
}

/* ---- heartbeats ---- */

void pmm__dd_beat(pmm__dd_req_t *r, const pmm_json_node_t *body) {
  int64_t ms;
  if (!read_decimal(pmm_json_get(body, "timeout_ms"), 0, &ms) || ms < 0 || ms > PMM__DD_BEAT_MAX_MS) {
    pmm__dd_fail(r, PMM__DD_BAD_REQUEST, "timeout_ms", "milliseconds, 0 to 3600000");
    return;
  }
  r->member->beat_ns = ms * PMM_NS_PER_MS;
  r->member->beat_due_ns = ms ? r->now_ns + r->member->beat_ns : PMM_NS_MAX;
  r->d->service.host_ops->wake(r->d->service.host);
  pmm_text_object(&r->d->out, NULL);
  pmm_text_int(&r->d->out, "timeout_ms", ms);
  pmm_text_end(&r->d->out);
}

int64_t pmm__dd_beats_due(pmm__dd_t *d, int64_t now_ns) {
  int64_t next = PMM_NS_MAX;
  for (uint32_t i = 0; i < d->member_cnt; i++) {
    pmm__dd_member_t *const m = &d->member[i];
    if (m->beat_due_ns <= now_ns) {
      m->beat_due_ns = PMM_NS_MAX; /* watched again from its next heartbeat on */
      uint32_t const cnt = pmm_place_cancel_if(d->place, m->account, NULL, NULL, PMM_REJECT_EXPIRY, now_ns);
      pmm_notice(&d->notices, now_ns, PMM_WARN, "degen", "heartbeat", PMM_NOTICE_NO_MARKET, "%s is silent: %u orders cancelled",
                 pmm_place_account_name(d->place, m->account), cnt);
    }
    next = pmm_min64(next, m->beat_due_ns);
  }
  return next;
}
