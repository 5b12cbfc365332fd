/* Order entry: create, cancel, amend, decrease, alone and in batches. Source: Kalshi API docs, "Create Order V2" and its neighbours (2026-11). */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "server/kalshi/impl.h"

#define CLIENT_ID_CAP 65           /* FIX limits it to 64; REST's limit is not documented */
#define COUNT_MAX_E6 (INT64_C(1000000000) * PMM_ONE_E6)

/* -- what came -- */

typedef struct order_form {        /* of a create or an amend */
  char ticker[PMM_ID_MAX], client_id[CLIENT_ID_CAP], group_id[PMM__KX_UUID];
  uint32_t market;
  pmm_side_t side;
  int32_t price_e4;
  int64_t qty_e6, expire_s;
  bool has_expire;
} order_form_t;

static int invalid(pmm__kx_t *k, const char *type, const char *field) {
  char details[160];
  snprintf(details, sizeof details, "Key: '%s.%s' Error:Field validation for '%s' failed on the 'oneof' tag", type, field, field);
  return pmm__kx_flat(k, 400, "bad_request", details);
}

/* One of two words: 0, 1; -1: another. */
static int which(const char *text, const char *a, const char *b) { return strcmp(text, a) == 0 ? 0 : strcmp(text, b) == 0 ? 1 : -1; }

static int read_number(pmm__kx_t *k, const char *type, const pmm_json_node_t *o, order_form_t *f) {
  bool has_count = false, has_price = false;
  int64_t price_e4 = 0;
  int status = pmm__kx_member_decimal(k, type, o, "count", 2, 6, "invalid_order_size", &f->qty_e6, &has_count);
  if (!status && !has_count) status = pmm__kx_required(k, type, "count");
  if (!status) status = pmm__kx_member_decimal(k, type, o, "price", 4, 4, "invalid_price", &price_e4, &has_price);
  if (!status && !has_price) status = pmm__kx_required(k, type, "price");
  if (status) return status;
  if (f->qty_e6 <= 0 || f->qty_e6 > COUNT_MAX_E6) return pmm__kx_error(k, 400, "invalid_order_size", NULL);
  if (price_e4 <= 0 || price_e4 >= PMM_ONE_E4) return pmm__kx_error(k, 400, "invalid_price", NULL);
  f->price_e4 = (int32_t)price_e4;
  return 0;
}

static int read_form(pmm__kx_t *k, const char *type, const pmm_json_node_t *o, order_form_t *f) {
  char side[8] = "";
  *f = (order_form_t){0};
  int status = pmm__kx_member_text(k, type, o, "ticker", PMM__KX_REQUIRED, f->ticker, sizeof f->ticker);
  if (!status) status = pmm__kx_member_text(k, type, o, "side", PMM__KX_REQUIRED, side, sizeof side);
  if (!status) status = pmm__kx_member_text(k, type, o, "client_order_id", PMM__KX_OPTIONAL, f->client_id, sizeof f->client_id);
  if (!status) status = read_number(k, type, o, f);
  if (!status) status = pmm__kx_member_int(k, type, o, "expiration_time", &f->expire_s, &f->has_expire);
  if (!status) status = pmm__kx_member_shard(k, type, o);
  if (status) return status;
  int const side_at = which(side, "bid", "ask");
  if (side_at < 0) return invalid(k, type, "Side");
  f->side = (pmm_side_t)side_at;
  if (f->expire_s < 0 || f->expire_s > INT64_MAX / PMM_NS_PER_S) return pmm__kx_error(k, 400, "invalid_order", "expiration time out of range");
  return pmm__kx_find_market(k, f->ticker, &f->market) ? 0 : pmm__kx_error(k, 404, "market_not_found", NULL);
}

/* -- create -- */

/* Who holds the opposite closes it: what is held and free covers such an order, and no cash is reserved for it. An order larger than that is
   reserved for as a whole. */
static void choose_route(pmm__kx_t *k, pmm_place_request_t *r, pmm_side_t side) {
  pmm_place_holding_t h;
  pmm_place_holding(k->place, r->account, r->market, &h);
  int64_t const free_e6 = side == PMM_BID ? h.no_e6 - h.no_locked_e6 : h.yes_e6 - h.yes_locked_e6;
  r->from_inventory = free_e6 > 0 && (r->reduce_only || free_e6 >= r->qty_e6);
  if (r->from_inventory) r->route = side == PMM_BID ? PMM_SELL_NO : PMM_SELL_YES;
  else r->route = side == PMM_BID ? PMM_BUY_YES : PMM_BUY_NO;
}

static int read_terms(pmm__kx_t *k, const char *type, const pmm_json_node_t *o, const order_form_t *f, pmm_place_request_t *r) {
  static const char *const tifs[] = {"good_till_canceled", "immediate_or_cancel", "fill_or_kill"};
  static const uint8_t tif_of[] = {PMM_GTC, PMM_IOC, PMM_FOK};
  char tif[24] = "", stp[24] = "";
  bool pause = false;
  int status = pmm__kx_member_text(k, type, o, "time_in_force", PMM__KX_REQUIRED, tif, sizeof tif);
  if (!status) status = pmm__kx_member_text(k, type, o, "self_trade_prevention_type", PMM__KX_REQUIRED, stp, sizeof stp);
  if (!status) status = pmm__kx_member_bool(k, type, o, "post_only", &r->post_only);
  if (!status) status = pmm__kx_member_bool(k, type, o, "reduce_only", &r->reduce_only);
  if (!status) status = pmm__kx_member_bool(k, type, o, "cancel_order_on_pause", &pause);
  if (status) return status;
  size_t i = 0;
  while (i < 3 && strcmp(tif, tifs[i]) != 0) i++;
  if (i == 3) return invalid(k, type, "TimeInForce");
  int const stp_at = which(stp, "taker_at_cross", "maker");
  if (stp_at < 0) return invalid(k, type, "SelfTradePreventionType");
  r->tif = (pmm_tif_t)tif_of[i];
  r->stp = stp_at == 0 ? PMM_STP_CANCEL_TAKER : PMM_STP_CANCEL_MAKER;
  r->tag = pause ? PMM__KX_TAG_PAUSE : 0;
  r->expire_ns = PMM_NS_MAX;
  if (r->tif != PMM_GTC && f->has_expire) return pmm__kx_error(k, 400, "invalid_order", "expiration time goes with good_till_canceled only");
  if (r->tif != PMM_GTC && r->post_only) return pmm__kx_error(k, 400, "invalid_order", "post only goes with good_till_canceled only");
  if (f->has_expire && f->expire_s > 0) {
    r->tif = PMM_GTD;
    r->expire_ns = f->expire_s * PMM_NS_PER_S;
  }
  return 0;
}

static int read_group(pmm__kx_t *k, const char *type, const pmm_json_node_t *o, order_form_t *f, pmm_place_request_t *r) {
  int const status = pmm__kx_member_text(k, type, o, "order_group_id", PMM__KX_OPTIONAL, f->group_id, sizeof f->group_id);
  if (status || !f->group_id[0]) return status;
  const pmm__kx_group_t *const g = pmm__kx_group_find(k, r->account, f->group_id, &r->group);
  if (!g) return pmm__kx_error(k, 404, "not_found", "order group");
  return g->triggered ? pmm__kx_error(k, 400, "invalid_order", "order group is triggered") : 0;
}

/* The mean price in YES terms, cut to 4 decimals, and the mean fee of what was filled. The cost is in the money of the order's outcome. */
static void put_means(pmm_text_t *t, const pmm_place_order_t *o, int64_t filled_e6, int64_t cost_e6, int64_t fee_e6) {
  if (filled_e6 <= 0) return;
  bool const in_no = o->route == PMM_BUY_NO || o->route == PMM_SELL_NO;
  pmm__kx_price(t, "average_fill_price", (int32_t)pmm_muldiv_floor(in_no ? filled_e6 - cost_e6 : cost_e6, PMM_ONE_E4, filled_e6));
  pmm__kx_cost(t, "average_fee_paid", pmm_muldiv_floor(fee_e6, PMM_ONE_E6, filled_e6));
}

static void put_ids(pmm_text_t *t, const pmm_place_order_t *o) {
  pmm_text_string(t, "order_id", o->id);
  if (o->client_id[0]) pmm_text_string(t, "client_order_id", o->client_id);
}

static void put_created(pmm__kx_t *k, const pmm_place_order_t *o) {
  pmm_text_t *const t = &k->out;
  pmm_text_object(t, NULL);
  put_ids(t, o);
  pmm__kx_count(t, "fill_count", o->filled_e6);
  pmm__kx_count(t, "remaining_count", o->open_e6);
  put_means(t, o, o->filled_e6, o->taker_cost_e6, o->taker_fee_e6);
  pmm__kx_millis(t, "ts_ms", k->now_ns);
  pmm_text_end(t);
}

/* One order: 201 with the flat answer, or a refusal. */
static int create_one(pmm__kx_t *k, pmm__kx_member_t *m, const pmm_json_node_t *o) {
  static const char type[] = "CreateOrderV2Request";
  order_form_t f;
  pmm_place_request_t r = {.account = m->account};
  if (o->type != PMM_JSON_OBJECT) return pmm__kx_flat(k, 400, "bad_request", "json: cannot unmarshal into Go value of type CreateOrderV2Request");
  int status = read_form(k, type, o, &f);
  if (!status) status = read_terms(k, type, o, &f, &r);
  if (!status) status = read_group(k, type, o, &f, &r);
  if (status) return status;
  r.market = f.market;
  r.price_e4 = f.price_e4;
  r.qty_e6 = f.qty_e6;
  r.client_id = f.client_id;
  choose_route(k, &r, f.side);
  pmm_place_answer_t answer;
  pmm__kx_begin(k, m->account, f.client_id, NULL);
  pmm_place_order(k->place, &r, k->now_ns, &answer);
  pmm__kx_end(k);
  if (answer.reject != PMM_REJECT_NONE || !answer.order) {
    pmm__kx_refusal_t const no = pmm__kx_refusal(answer.reject);
    return pmm__kx_error(k, no.http, no.code, no.details);
  }
  put_created(k, answer.order);
  return 201;
}

int pmm__kx_create(pmm__kx_t *k, pmm__kx_request_t *q) { return create_one(k, q->member, q->body); }

int pmm__kx_gone(pmm__kx_t *k, pmm__kx_request_t *q) {
  (void)q;
  return pmm__kx_error(k, 410, "deprecated_v1_order_endpoint", NULL);
}

/* -- batches: each item is served as if it came alone, and its answer put in the list -- */

typedef int item_fn(pmm__kx_t *k, pmm__kx_member_t *m, const pmm_json_node_t *o);

/* The refusal of an item, without the wrapper that it would have alone. */
static void put_item_error(pmm_text_t *t, const char *refusal, size_t len) {
  static const char wrapper[] = "{\"error\":";
  size_t const skip = sizeof wrapper - 1;
  if (len > skip && strncmp(refusal, wrapper, skip) == 0) pmm_text_json(t, "error", refusal + skip, len - skip - 1);
  else pmm_text_json(t, "error", refusal, len);
}

static void copy_member(pmm_text_t *t, const char *key, const pmm_json_node_t *o) {
  const pmm_json_node_t *const n = pmm_json_get(o, key);
  if (n && n->type == PMM_JSON_STRING) pmm_text_string_n(t, key, n->text, n->len);
  else pmm_text_null(t, key);
}

static void put_item(pmm_text_t *t, const pmm_json_node_t *o, const pmm_text_t *answer, int status, bool is_cancel) {
  size_t len;
  const char *const text = pmm_text_get(answer, &len);
  if (status < 300) { /* {...}: one more member goes in at its end */
    pmm_text_json(t, NULL, text, len - 1);
    pmm_text_put(t, ",\"error\":null}");
    return;
  }
  pmm_text_object(t, NULL);
  if (is_cancel) {
    copy_member(t, "order_id", o);
    pmm_text_string(t, "reduced_by", "0.00");
  } else {
    copy_member(t, "client_order_id", o);
  }
  put_item_error(t, text, len);
  pmm_text_end(t);
}

static int serve_batch(pmm__kx_t *k, pmm__kx_request_t *q, item_fn *fn, bool is_cancel) {
  const pmm_json_node_t *const orders = pmm_json_get(q->body, "orders");
  int64_t cnt = 0;
  for (const pmm_json_node_t *o = pmm_json_first(orders); o; o = pmm_json_next(orders, o)) cnt++;
  if (!orders || orders->type != PMM_JSON_ARRAY)
    return pmm__kx_required(k, is_cancel ? "BatchCancelOrdersV2Request" : "BatchCreateOrdersV2Request", "orders");
  if (cnt > PMM__KX_BATCH_MAX) return pmm__kx_flat(k, 400, "bad_request", "too many orders in a batch");
  pmm_text_t list = {0};
  pmm_text_object(&list, NULL);
  pmm_text_array(&list, "orders");
  for (const pmm_json_node_t *o = pmm_json_first(orders); o; o = pmm_json_next(orders, o)) {
    pmm_text_clear(&k->out);
    int const status = fn(k, q->member, o);
    put_item(&list, o, &k->out, status, is_cancel);
  }
  pmm_text_end(&list);
  pmm_text_end(&list);
  pmm_text_free(&k->out);
  k->out = list;
  return is_cancel ? 200 : 201;
}

int pmm__kx_create_many(pmm__kx_t *k, pmm__kx_request_t *q) { return serve_batch(k, q, create_one, false); }

/* -- cancel -- */

const pmm_place_order_t *pmm__kx_own_order(const pmm__kx_t *k, const pmm__kx_member_t *m, const char *id) {
  const pmm_place_order_t *const o = pmm_place_order_find(k->place, id);
  return o && o->account == m->account && o->status != PMM_PLACE_REJECTED ? o : NULL;
}

/* Dead, unknown and somebody else's look the same. */
static int cancel_one(pmm__kx_t *k, pmm__kx_member_t *m, const char *id) {
  const pmm_place_order_t *const o = pmm__kx_own_order(k, m, id);
  int64_t reduced_e6 = 0;
  if (!o || o->status != PMM_PLACE_OPEN) return pmm__kx_not_found(k);
  pmm__kx_begin(k, m->account, o->client_id, NULL);
  pmm_status_t const st = pmm_place_cancel(k->place, m->account, o->seq, PMM_REJECT_USER, k->now_ns, &reduced_e6);
  pmm__kx_end(k);
  if (st != PMM_OK) return pmm__kx_not_found(k);
  pmm_text_t *const t = &k->out;
  pmm_text_object(t, NULL);
  put_ids(t, o);
  pmm__kx_count(t, "reduced_by", reduced_e6);
  pmm__kx_millis(t, "ts_ms", k->now_ns);
  pmm_text_end(t);
  return 200;
}

int pmm__kx_cancel(pmm__kx_t *k, pmm__kx_request_t *q) {
  pmm__kx_query_shard(k, q);
  return q->status ? q->status : cancel_one(k, q->member, q->arg[0]);
}

static int cancel_item(pmm__kx_t *k, pmm__kx_member_t *m, const pmm_json_node_t *o) {
  static const char type[] = "BatchCancelOrdersV2RequestOrder";
  char id[PMM_PLACE_ID_MAX] = "";
  if (o->type != PMM_JSON_OBJECT)
    return pmm__kx_flat(k, 400, "bad_request", "json: cannot unmarshal into Go value of type BatchCancelOrdersV2RequestOrder");
  int status = pmm__kx_member_text(k, type, o, "order_id", PMM__KX_REQUIRED, id, sizeof id);
  if (!status) status = pmm__kx_member_shard(k, type, o);
  return status ? status : cancel_one(k, m, id);
}

int pmm__kx_cancel_many(pmm__kx_t *k, pmm__kx_request_t *q) { return serve_batch(k, q, cancel_item, true); }

int pmm__kx_cancel_all(pmm__kx_t *k, pmm__kx_request_t *q) {
  pmm__kx_query_shard(k, q);
  if (q->status) return q->status;
  pmm__kx_begin(k, q->member->account, NULL, NULL);
  pmm_place_cancel_if(k->place, q->member->account, NULL, NULL, PMM_REJECT_USER, k->now_ns);
  pmm__kx_end(k);
  return 204;
}

/* -- amend and decrease -- */

static int place_amend(pmm__kx_t *k, pmm__kx_member_t *m, const pmm_place_order_t *o, int32_t price_e4, int64_t open_e6, const char *reason) {
  pmm__kx_begin(k, m->account, o->client_id, reason);
  pmm_reject_t const why = pmm_place_amend(k->place, m->account, o->seq, price_e4, open_e6, k->now_ns);
  pmm__kx_end(k);
  if (why == PMM_REJECT_NONE) return 0;
  pmm__kx_refusal_t const no = pmm__kx_refusal(why == PMM_REJECT_SHARES ? PMM_REJECT_FUNDS : why); /* a closing order cannot grow past what is held */
  return pmm__kx_error(k, no.http, no.code, no.details);
}

/* What the path, the ticker and the side name must be one order. */
static int amend_check(pmm__kx_t *k, const pmm_place_order_t *o, const order_form_t *f) {
  if (o->market != f->market) return pmm__kx_not_found(k);
  if (pmm_route_side((pmm_route_t)o->route) != f->side) return pmm__kx_error(k, 400, "invalid_order", "side cannot be amended");
  if (f->client_id[0] && strcmp(f->client_id, o->client_id) != 0) return pmm__kx_error(k, 400, "invalid_order", "client_order_id does not match");
  return f->qty_e6 <= o->filled_e6 ? pmm__kx_error(k, 400, "invalid_order_size", NULL) : 0;
}

/* Refused, nothing has changed. The order goes by its new name once it has been amended: what the amend itself causes is still told by the old
   one, and an order that it fills keeps that. */
static int amend_terms(pmm__kx_t *k, pmm__kx_member_t *m, const pmm_place_order_t *o, const order_form_t *f, const char *new_id) {
  bool const renames = new_id[0] && strcmp(new_id, o->client_id) != 0;
  if (f->has_expire && f->expire_s > 0 && f->expire_s * PMM_NS_PER_S <= k->now_ns)
    return pmm__kx_error(k, 400, "invalid_order", "expiration time must be in the future");
  if (renames && pmm_place_client_find(k->place, m->account, new_id)) return pmm__kx_error(k, 409, "order_already_exists", NULL);
  int const status = place_amend(k, m, o, f->price_e4, f->qty_e6 - o->filled_e6, "Amend");
  if (status || o->status != PMM_PLACE_OPEN) return status;
  pmm__kx_begin(k, m->account, o->client_id, "Amend");
  if (renames) pmm_place_rename(k->place, m->account, o->seq, new_id);
  if (f->has_expire) pmm_place_expire(k->place, m->account, o->seq, f->expire_s > 0 ? f->expire_s * PMM_NS_PER_S : PMM_NS_MAX, k->now_ns);
  pmm__kx_end(k);
  return 0;
}

int pmm__kx_amend(pmm__kx_t *k, pmm__kx_request_t *q) {
  static const char type[] = "AmendOrderV2Request";
  order_form_t f;
  char new_id[CLIENT_ID_CAP] = "";
  pmm__kx_query_shard(k, q);
  int status = q->status ? q->status : read_form(k, type, q->body, &f);
  if (!status) status = pmm__kx_member_text(k, type, q->body, "updated_client_order_id", PMM__KX_OPTIONAL, new_id, sizeof new_id);
  if (status) return status;
  const pmm_place_order_t *const o = pmm__kx_own_order(k, q->member, q->arg[0]);
  if (!o || o->status != PMM_PLACE_OPEN) return pmm__kx_not_found(k);
  if ((status = amend_check(k, o, &f)) != 0) return status;
  int64_t const filled_e6 = o->filled_e6, cost_e6 = o->taker_cost_e6, fee_e6 = o->taker_fee_e6;
  if ((status = amend_terms(k, q->member, o, &f, new_id)) != 0) return status;
  pmm_text_t *const t = &k->out;
  pmm_text_object(t, NULL);
  put_ids(t, o);
  pmm__kx_count(t, "remaining_count", o->open_e6);
  pmm__kx_count(t, "fill_count", o->filled_e6);
  put_means(t, o, o->filled_e6 - filled_e6, o->taker_cost_e6 - cost_e6, o->taker_fee_e6 - fee_e6);
  pmm__kx_millis(t, "ts_ms", k->now_ns);
  pmm_text_end(t);
  return 200;
}

/* Down to nothing is a cancel. */
static int decrease_to(pmm__kx_t *k, pmm__kx_member_t *m, const pmm_place_order_t *o, int64_t open_e6) {
  if (open_e6 > 0) return place_amend(k, m, o, o->price_e4, open_e6, "Decrease");
  pmm__kx_begin(k, m->account, o->client_id, "Decrease");
  pmm_status_t const st = pmm_place_cancel(k->place, m->account, o->seq, PMM_REJECT_USER, k->now_ns, NULL);
  pmm__kx_end(k);
  return st == PMM_OK ? 0 : pmm__kx_not_found(k);
}

int pmm__kx_decrease(pmm__kx_t *k, pmm__kx_request_t *q) {
  static const char type[] = "DecreaseOrderV2Request";
  int64_t by_e6 = 0, to_e6 = 0;
  bool has_by = false, has_to = false;
  pmm__kx_query_shard(k, q);
  int status = q->status;
  if (!status) status = pmm__kx_member_decimal(k, type, q->body, "reduce_by", 2, 6, "invalid_order_size", &by_e6, &has_by);
  if (!status) status = pmm__kx_member_decimal(k, type, q->body, "reduce_to", 2, 6, "invalid_order_size", &to_e6, &has_to);
  if (!status) status = pmm__kx_member_shard(k, type, q->body);
  if (status) return status;
  if (has_by == has_to) return pmm__kx_flat(k, 400, "bad_request", "exactly one of reduce_by and reduce_to must be given");
  const pmm_place_order_t *const o = pmm__kx_own_order(k, q->member, q->arg[0]);
  if (!o || o->status != PMM_PLACE_OPEN) return pmm__kx_not_found(k);
  int64_t const open_e6 = has_to ? to_e6 : pmm_max64(0, o->open_e6 - pmm_min64(by_e6, o->open_e6));
  if (by_e6 < 0 || to_e6 < 0 || (has_by && by_e6 == 0) || open_e6 >= o->open_e6) return pmm__kx_error(k, 400, "invalid_order_size", NULL);
  if ((status = decrease_to(k, q->member, o, open_e6)) != 0) return status;
  pmm_text_t *const t = &k->out;
  pmm_text_object(t, NULL);
  put_ids(t, o);
  pmm__kx_count(t, "remaining_count", o->open_e6);
  pmm__kx_millis(t, "ts_ms", k->now_ns);
  pmm_text_end(t);
  return 200;
}
