/* Orders into the place and out of it: single and in batches, takers held back where the market says so, cancels of all kinds. */
#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "server/polymarket/impl.h"

#define BATCH_MAX 15
#define CANCELS_MAX 1000           /* ids in one request, since 2026-06-15 */
#define GTD_EARLY_S 60             /* the venue stops an order so long before its stated time */

typedef struct placed {            /* how one order went */
  int http;                        /* 200, or of the refusal with its text in why */
  char why[512], id[PMM_POLY_HEX_WORD];
  const pmm_place_order_t *order;
  int64_t making_e6, taking_e6;    /* at once */
  uint64_t trade_from, trade_to;   /* seqs after trade_from up to trade_to may be its */
} placed_t;

/* -- phases -- */
static int check_phase(const pmm__pd_t *d, bool post_only, char why[512]) {
  const char *text = NULL;
  if (d->disabled) text = "Trading is currently disabled. Check polymarket.com for updates";
  else if (d->phase == PMM_PHASE_CANCEL_ONLY) text = "Trading is currently cancel-only. New orders are not accepted, but cancels are allowed.";
  else if (d->phase == PMM_PHASE_POST_ONLY && !post_only) text = "post-only mode: only post-only orders and cancels are allowed";
  if (!text) return 0;
  snprintf(why, 512, "%s", text);
  return 503;
}

static int refuse_phase(pmm__pd_t *d, pmm_call_t *call, int64_t now_ns, const char *why) {
  int64_t const left_s = d->phase_until_ns == PMM_NS_MAX ? 60 : (d->phase_until_ns - now_ns + PMM_NS_PER_S - 1) / PMM_NS_PER_S;
  if (d->disabled || d->phase != PMM_PHASE_POST_ONLY) return pmm__pd_fail(d, 503, "%s", why);
  char seconds[24];
  size_t len;
  snprintf(seconds, sizeof seconds, "%lld", (long long)left_s);
  pmm_header_t const retry = {"Retry-After", seconds};
  pmm_text_clear(&d->out);
  pmm_text_object(&d->out, NULL);
  pmm_text_string(&d->out, "error", why);
  pmm_text_string(&d->out, "code", "post_only_mode");
  pmm_text_int(&d->out, "retry_after_seconds", left_s);
  pmm_text_end(&d->out);
  const char *const body = pmm_text_get(&d->out, &len);
  d->service.host_ops->reply(d->service.host, call, 503, &retry, 1, body, len);
  return 0;
}

/* -- placing -- */
/* Terms beside the place's record. They stay with the order for ever; those of an order that leaves no record are taken back. */
static uint64_t extra_add(pmm__pd_t *d, const pmm__pd_key_t *key, const pmm__pd_post_t *p) {
  if (d->extra_cnt == d->extra_cap) {
    size_t const cap = d->extra_cap ? d->extra_cap * 2 : 1024;
    pmm__pd_extra_t *const extra = realloc(d->extra, cap * sizeof *extra);
    if (!extra) return 0;
    d->extra = extra;
    d->extra_cap = cap;
  }
  d->extra[d->extra_cnt] = (pmm__pd_extra_t){.key = (uint32_t)(key - d->key),
                                             .type = p->type,
                                             .signature_type = p->order.signature_type,
                                             .maker = p->order.maker,
                                             .expiration_s = (int64_t)p->order.expiration_s,
                                             .builder = p->order.builder};
  return ++d->extra_cnt;
}

static pmm_place_request_t request_of(const pmm__pd_t *d, const pmm__pd_key_t *key, const pmm__pd_post_t *p, uint64_t tag) {
  static const pmm_tif_t tif[] = {[PMM__PD_GTC] = PMM_GTC, [PMM__PD_GTD] = PMM_GTD, [PMM__PD_FOK] = PMM_FOK, [PMM__PD_FAK] = PMM_IOC};
  static const pmm_route_t route[2][2] = {{PMM_BUY_YES, PMM_SELL_YES}, {PMM_BUY_NO, PMM_SELL_NO}};
  return (pmm_place_request_t){
      .account = d->member[key->member].account,
      .market = p->market,
      .route = route[p->outcome][p->order.side],
      .price_e4 = pmm__pd_price(p->outcome, p->price_e4),
      .qty_e6 = p->qty_e6,
      .spend_e6 = p->spend_e6,
      .tif = tif[p->type],
      .expire_ns = p->type == PMM__PD_GTD ? ((int64_t)p->order.expiration_s - GTD_EARLY_S) * PMM_NS_PER_S : PMM_NS_MAX,
      .post_only = p->post_only,
      .from_inventory = p->order.side == PMM_POLY_SELL,
      .stp = -1,
      .id = p->id,
      .tag = tag,
  };
}

/* Shares of a token bought by trades that may still fail: they cannot be sold yet. */
static int64_t unsettled(const pmm__pd_t *d, uint32_t account, uint32_t market, int outcome) {
  int64_t sum_e6 = 0;
  for (const pmm_place_fill_t *f = pmm_place_fill_before(d->place, account, PMM_PLACE_NONE); f;
       f = pmm_place_fill_before(d->place, account, f->seq)) {
    uint8_t const settle = pmm_place_trade_at(d->place, f->trade)->settle;
    bool const pending = settle != PMM_PLACE_CONFIRMED && settle != PMM_PLACE_FAILED;
    if (pending && f->market == market && pmm__pd_route_outcome(f->route) == outcome && !pmm_route_is_sell((pmm_route_t)f->route))
      sum_e6 += f->qty_e6;
  }
  return sum_e6;
}

static void say_funds(const pmm__pd_t *d, const pmm__pd_key_t *key, const pmm__pd_post_t *p, char why[512]) {
  uint32_t const account = d->member[key->member].account;
  pmm_place_holding_t h;
  int64_t locked_e6, balance_e6 = pmm_place_cash(d->place, account, &locked_e6), matched_e6 = 0;
  if (p->order.side == PMM_POLY_SELL) {
    pmm_place_holding(d->place, account, p->market, &h);
    balance_e6 = p->outcome ? h.no_e6 : h.yes_e6;
    locked_e6 = p->outcome ? h.no_locked_e6 : h.yes_locked_e6;
    matched_e6 = unsettled(d, account, p->market, p->outcome);
  }
  if (balance_e6 < (int64_t)p->order.maker_e6)
    snprintf(why, 512, "not enough balance / allowance: the balance is not enough -> balance: %lld, order amount: %llu", (long long)balance_e6,
             (unsigned long long)p->order.maker_e6);
  else
    snprintf(why, 512,
             "not enough balance / allowance: the balance is not enough -> balance: %lld, sum of active orders: %lld, sum of matched "
             "orders: %lld, order amount (inc. fees): %llu",
             (long long)balance_e6, (long long)locked_e6, (long long)matched_e6, (unsigned long long)p->order.maker_e6);
}

#define FOK_TEXT "order couldn't be fully filled. FOK orders are fully filled or killed."
#define FAK_TEXT "no orders found to match with FAK order. FAK orders are partially filled or killed if no match is found."

static int say_reject(const pmm__pd_t *d, const pmm__pd_key_t *key, const pmm__pd_post_t *p, pmm_reject_t reject, char why[512]) {
  const char *text = "could not insert order";
  switch (reject) {
  case PMM_REJECT_FUNDS:
  case PMM_REJECT_SHARES: return say_funds(d, key, p, why), 400;
  case PMM_REJECT_DUPLICATE: return snprintf(why, 512, "order %s is invalid. Duplicated.", p->id), 400;
  case PMM_REJECT_POST_ONLY: text = "invalid post-only order: order crosses book"; break;
  case PMM_REJECT_FOK: text = FOK_TEXT; break;
  case PMM_REJECT_IOC: text = FAK_TEXT; break;
  case PMM_REJECT_EXPIRY: text = "invalid expiration"; break;
  case PMM_REJECT_CLOSED:
  case PMM_REJECT_SETTLED: text = "the market is not yet ready to process new orders"; break;
  default: return snprintf(why, 512, "%s", text), 500;
  }
  snprintf(why, 512, "%s", text);
  return 400;
}

static void place(pmm__pd_t *d, const pmm__pd_key_t *key, const pmm__pd_post_t *p, int64_t now_ns, placed_t *out) {
  pmm_place_answer_t answer;
  uint64_t const tag = extra_add(d, key, p);
  pmm_place_request_t const request = request_of(d, key, p, tag);
  uint64_t const orders = pmm_place_order_cnt(d->place);
  out->trade_from = pmm_place_trade_cnt(d->place);
  memcpy(out->id, p->id, sizeof out->id);
  if (tag == 0) answer = (pmm_place_answer_t){.reject = PMM_REJECT_FULL};
  else pmm_place_order(d->place, &request, now_ns, &answer);
  out->trade_to = pmm_place_trade_cnt(d->place);
  if (tag != 0 && pmm_place_order_cnt(d->place) == orders) d->extra_cnt--; /* refused without a record */
  bool const nothing = answer.reject == PMM_REJECT_NONE && p->type > PMM__PD_GTD && answer.filled_e6 == 0;
  pmm_reject_t const why = nothing ? p->type == PMM__PD_FOK ? PMM_REJECT_FOK : PMM_REJECT_IOC : answer.reject;
  if (why != PMM_REJECT_NONE) {
    out->http = say_reject(d, key, p, why, out->why);
    return;
  }
  bool const buy = p->order.side == PMM_POLY_BUY;
  out->http = 200;
  out->order = answer.order;
  out->making_e6 = buy ? answer.order->taker_cost_e6 : answer.filled_e6;
  out->taking_e6 = buy ? answer.filled_e6 : answer.order->taker_cost_e6;
}

/* Reads, checks and places one order; node is the element of a batch or the body itself. */
static void post_one(pmm__pd_t *d, const pmm__pd_key_t *key, const pmm_json_node_t *node, int64_t now_ns, placed_t *out) {
  pmm__pd_post_t p;
  *out = (placed_t){0};
  out->http = pmm__pd_post_read(d, key, node, now_ns, &p, out->why);
  if (out->http == 0) out->http = check_phase(d, p.post_only, out->why);
  if (out->http == 0) place(d, key, &p, now_ns, out);
}

static void put_amount(pmm_text_t *t, const char *key, int64_t amount_e6) {
  if (amount_e6 == 0) pmm_text_string(t, key, "");
  else pmm_text_decimal(t, key, amount_e6, 6, 0);
}

static void put_placed(const pmm__pd_t *d, pmm_text_t *t, const placed_t *placed, const char *status) {
  bool const good = placed->http == 200;
  pmm_text_object(t, NULL);
  pmm_text_bool(t, "success", true); /* also where it failed: errorMsg tells */
  pmm_text_string(t, "errorMsg", good ? "" : placed->why);
  pmm_text_string(t, "orderID", good ? placed->id : "");
  pmm_text_string(t, "status", good ? status : "");
  put_amount(t, "makingAmount", placed->making_e6);
  put_amount(t, "takingAmount", placed->taking_e6);
  if (good && placed->order && placed->making_e6 > 0) {
    pmm_text_array(t, "tradeIDs");
    for (uint64_t seq = placed->trade_from + 1; seq <= placed->trade_to; seq++) {
      const pmm_place_trade_t *const trade = pmm_place_trade_at(d->place, seq);
      if (trade->taker == placed->order->seq) pmm_text_string(t, NULL, trade->id);
    }
    pmm_text_end(t);
  }
  pmm_text_end(t);
}

static const char *placed_status(const placed_t *placed) {
  return placed->order && placed->order->status == PMM_PLACE_OPEN ? "live" : "matched";
}

/* -- takers held back -- */
/* True when the order would trade now in a market that holds takers. */
static bool is_held(pmm__pd_t *d, const pmm__pd_post_t *p) {
  pmm_side_t const side = p->order.side == PMM_POLY_BUY ? PMM_ASK : PMM_BID;
  int32_t const best_e4 = pmm__pd_best(d, p->market, p->outcome, side);
  if (!d->market[p->market].itode || p->post_only || best_e4 == 0) return false;
  return side == PMM_ASK ? p->price_e4 >= best_e4 : p->price_e4 <= best_e4;
}

static bool hold(pmm__pd_req_t *r, bool batch, bool answered) {
  pmm__pd_t *const d = r->d;
  size_t const len = r->http->body_len;
  pmm__pd_held_t *const held = d->held_cnt < PMM__PD_HELD_MAX ? malloc(sizeof *held + len + PMM_JSON_PAD) : NULL;
  if (!held) return false;
  *held = (pmm__pd_held_t){.call = answered ? NULL : r->call,
                           .key = (uint32_t)(r->key - d->key),
                           .due_ns = r->now_ns + PMM__PD_HOLD_NS,
                           .batch = batch,
                           .len = len};
  memcpy(held->body, r->http->body, len);
  memset(held->body + len, 0, PMM_JSON_PAD);
  if (!answered) r->call->user = held;
  *(d->held ? &d->held_last->next : &d->held) = held;
  d->held_last = held;
  d->held_cnt++;
  d->service.host_ops->wake(d->service.host);
  return true;
}

/* -- a body of one, a body of many -- */
static int run_single(pmm__pd_t *d, const pmm__pd_key_t *key, pmm_call_t *call, const pmm_json_node_t *root, int64_t now_ns) {
  placed_t placed;
  post_one(d, key, root, now_ns, &placed);
  pmm_text_clear(&d->out);
  if (placed.http == 200) return put_placed(d, &d->out, &placed, placed_status(&placed)), 200;
  if (placed.http == 503 && call) return refuse_phase(d, call, now_ns, placed.why);
  return pmm__pd_fail(d, placed.http, "%s", placed.why);
}

static int run_batch(pmm__pd_t *d, const pmm__pd_key_t *key, const pmm_json_node_t *root, int64_t now_ns) {
  pmm_text_clear(&d->out);
  pmm_text_array(&d->out, NULL);
  for (const pmm_json_node_t *e = pmm_json_first(root); e; e = pmm_json_next(root, e)) {
    placed_t placed;
    post_one(d, key, e, now_ns, &placed);
    put_placed(d, &d->out, &placed, placed_status(&placed));
  }
  pmm_text_end(&d->out);
  return 200;
}

static void run_held(pmm__pd_t *d, pmm__pd_held_t *held, int64_t now_ns) {
  const pmm_json_node_t *const root = pmm__pd_json(d, held->body, held->len);
  const pmm__pd_key_t *const key = &d->key[held->key];
  size_t len;
  if (held->call) held->call->user = NULL;
  int const http = !root ? pmm__pd_fail(d, 500, "could not insert order")
                   : held->batch ? run_batch(d, key, root, now_ns)
                                 : run_single(d, key, held->call, root, now_ns);
  const char *const text = pmm_text_get(&d->out, &len);
  if (held->call && http != 0) pmm_service_reply(&d->service, held->call, http, text, len);
}

void pmm__pd_held_run(pmm__pd_t *d, int64_t now_ns) {
  while (d->held && d->held->due_ns <= now_ns) {
    pmm__pd_held_t *const held = d->held;
    d->held = held->next;
    d->held_cnt--;
    run_held(d, held, now_ns);
    free(held);
  }
}

void pmm__pd_held_free(pmm__pd_t *d) {
  while (d->held) {
    pmm__pd_held_t *const held = d->held;
    d->held = held->next;
    free(held);
  }
}

/* Whether a body has an order that must wait; deferred: and every such order says that its client does not. */
static bool must_hold(pmm__pd_req_t *r, const pmm_json_node_t *node, pmm__pd_post_t *p) {
  char why[512];
  return pmm__pd_post_read(r->d, r->key, node, r->now_ns, p, why) == 0 && check_phase(r->d, p->post_only, why) == 0 && is_held(r->d, p);
}

int pmm__pd_order_post(pmm__pd_req_t *r) {
  const pmm_json_node_t *const root = pmm__pd_body(r);
  pmm__pd_post_t p;
  if (!root) return pmm__pd_fail(r->d, 400, "Invalid order payload");
  if (!pmm__pd_limit_signer(r, PMM__PD_ORDERS, 1)) return 0;
  if (!must_hold(r, root, &p)) return run_single(r->d, r->key, r->call, root, r->now_ns);
  if (!hold(r, false, p.defer)) return pmm__pd_fail(r->d, 500, "could not insert order");
  if (!p.defer) return 0;
  placed_t placed = {.http = 200};
  memcpy(placed.id, p.id, sizeof placed.id);
  put_placed(r->d, &r->d->out, &placed, "delayed");
  return 200;
}

int pmm__pd_orders_post(pmm__pd_req_t *r) {
  const pmm_json_node_t *const root = pmm__pd_body(r);
  size_t cnt = 0;
  bool held = false;
  pmm__pd_post_t p;
  for (const pmm_json_node_t *e = pmm_json_first(root); e; e = pmm_json_next(root, e)) cnt++;
  if (cnt == 0) return pmm__pd_fail(r->d, 400, "Invalid order payload");
  if (cnt > BATCH_MAX) return pmm__pd_fail(r->d, 400, "Too many orders in payload: %zu, max allowed: %d", cnt, BATCH_MAX);
  if (!pmm__pd_limit_signer(r, PMM__PD_ORDERS, (double)cnt)) return 0;
  for (const pmm_json_node_t *e = pmm_json_first(root); e && !held; e = pmm_json_next(root, e)) held = must_hold(r, e, &p);
  if (!held) return run_batch(r->d, r->key, root, r->now_ns);
  return hold(r, true, false) ? 0 : pmm__pd_fail(r->d, 500, "could not insert order");
}

/* -- cancels -- */
static void refusals_flush(pmm__pd_t *d, const pmm_text_t *refused) {
  size_t len;
  const char *const text = pmm_text_get(refused, &len);
  pmm_text_json(&d->out, "not_canceled", text, len);
}

/* NULL when it was cancelled, else the reason. */
static const char *cancel_one(pmm__pd_req_t *r, const char *id) {
  const pmm_place_order_t *const o = pmm_place_order_find(r->d->place, id);
  uint32_t const account = r->d->member[r->key->member].account;
  if (!o || o->account != account) return "Order not found or already canceled";
  if (o->status == PMM_PLACE_FILLED) return "Order already matched";
  if (pmm_place_cancel(r->d->place, account, o->seq, PMM_REJECT_USER, r->now_ns, NULL) != PMM_OK) return "Order already canceled";
  return NULL;
}

static bool is_order_id(const char *id) {
  pmm_poly_word_t word;
  return pmm_poly_word_parse(id, strlen(id), &word) == PMM_OK;
}

/* cancelled ids go to d->out as they come, the others with their reasons to refused, which is copied after them. */
static void cancel_into(pmm__pd_req_t *r, const char *id, pmm_text_t *refused) {
  const char *const why = cancel_one(r, id);
  if (why) pmm_text_string(refused, id, why);
  else pmm_text_string(&r->d->out, NULL, id);
}

static void begin_cancels(pmm__pd_t *d, pmm_text_t *refused) {
  pmm_text_object(&d->out, NULL);
  pmm_text_array(&d->out, "canceled");
  pmm_text_object(refused, NULL);
}

static int end_cancels(pmm__pd_t *d, pmm_text_t *refused) {
  pmm_text_end(&d->out);
  pmm_text_end(refused);
  refusals_flush(d, refused);
  pmm_text_end(&d->out);
  pmm_text_free(refused);
  return 200;
}

static int cancels_stopped(pmm__pd_req_t *r) { return pmm__pd_fail(r->d, 503, "Trading is currently disabled. Check polymarket.com for updates"); }

int pmm__pd_cancel_one(pmm__pd_req_t *r) {
  char id[PMM_POLY_HEX_WORD];
  pmm_text_t refused = {0};
  if (r->d->disabled) return cancels_stopped(r);
  if (!pmm__pd_text_of(pmm_json_get(pmm__pd_body(r), "orderID"), id, sizeof id) || !is_order_id(id))
    return pmm__pd_fail(r->d, 400, "Invalid orderID");
  if (!pmm__pd_limit_signer(r, PMM__PD_CANCELS, 1)) return 0;
  begin_cancels(r->d, &refused);
  cancel_into(r, id, &refused);
  return end_cancels(r->d, &refused);
}

/* Duplicates are ignored: an id named before in the list. */
static bool named_before(const pmm_json_node_t *list, const pmm_json_node_t *until) {
  for (const pmm_json_node_t *e = pmm_json_first(list); e != until; e = pmm_json_next(list, e))
    if (e->len == until->len && memcmp(e->text, until->text, e->len) == 0) return true;
  return false;
}

int pmm__pd_cancel_many(pmm__pd_req_t *r) {
  const pmm_json_node_t *const root = pmm__pd_body(r);
  char id[PMM_POLY_HEX_WORD];
  size_t cnt = 0;
  pmm_text_t refused = {0};
  if (r->d->disabled) return cancels_stopped(r);
  for (const pmm_json_node_t *e = pmm_json_first(root); e; e = pmm_json_next(root, e), cnt++)
    if (!pmm__pd_text_of(e, id, sizeof id) || !is_order_id(id)) return pmm__pd_fail(r->d, 400, "Invalid orderID");
  if (!root || root->type != PMM_JSON_ARRAY || cnt == 0) return pmm__pd_fail(r->d, 400, "Invalid order payload");
  if (cnt > CANCELS_MAX) return pmm__pd_fail(r->d, 400, "Too many orders in payload, max allowed: %d", CANCELS_MAX);
  if (!pmm__pd_limit_signer(r, PMM__PD_CANCELS, (double)cnt)) return 0;
  begin_cancels(r->d, &refused);
  for (const pmm_json_node_t *e = pmm_json_first(root); e; e = pmm_json_next(root, e))
    if (!named_before(root, e) && pmm__pd_text_of(e, id, sizeof id)) cancel_into(r, id, &refused);
  return end_cancels(r->d, &refused);
}

/* Every open order in a market (UINT32_MAX: any) on an outcome (-1: either). */
static int cancel_where(pmm__pd_req_t *r, uint32_t market, int outcome) {
  uint32_t const account = r->d->member[r->key->member].account;
  pmm_text_t refused = {0};
  uint32_t cnt = 0;
  begin_cancels(r->d, &refused);
  for (const pmm_place_order_t *o = pmm_place_open_after(r->d->place, account, 0); o; o = pmm_place_open_after(r->d->place, account, o->seq)) {
    if ((market != UINT32_MAX && o->market != market) || (outcome >= 0 && pmm__pd_route_outcome(o->route) != outcome)) continue;
    cancel_into(r, o->id, &refused);
    cnt++;
  }
  pmm__pd_limit_charge(r, cnt);
  return end_cancels(r->d, &refused);
}

int pmm__pd_cancel_all(pmm__pd_req_t *r) {
  if (r->d->disabled) return cancels_stopped(r);
  return pmm__pd_limit_signer(r, PMM__PD_CANCELS, 1) ? cancel_where(r, UINT32_MAX, -1) : 0;
}

int pmm__pd_cancel_market(pmm__pd_req_t *r) {
  const pmm_json_node_t *const root = pmm__pd_body(r);
  char condition[PMM_POLY_HEX_WORD] = "", token[PMM_POLY_DEC_WORD] = "";
  uint32_t market = UINT32_MAX, of_token = UINT32_MAX;
  int outcome = -1;
  if (r->d->disabled) return cancels_stopped(r);
  bool const by_market = pmm__pd_text_of(pmm_json_get(root, "market"), condition, sizeof condition) && condition[0];
  bool const by_token = pmm__pd_text_of(pmm_json_get(root, "asset_id"), token, sizeof token) && token[0];
  if (!by_market && !by_token) return pmm__pd_fail(r->d, 400, "Invalid payload");
  if (by_market && !pmm__pd_condition_find(r->d, condition, &market)) return pmm__pd_fail(r->d, 400, "Invalid market");
  if (by_token && !pmm__pd_token_find(r->d, token, strlen(token), &of_token, &outcome)) return pmm__pd_fail(r->d, 400, "Invalid token id");
  if (!pmm__pd_limit_signer(r, PMM__PD_CANCELS, 1)) return 0;
  bool const apart = by_market && by_token && of_token != market; /* a token of another market: nothing fits */
  return cancel_where(r, by_token ? of_token : market, apart ? 2 : outcome);
}
