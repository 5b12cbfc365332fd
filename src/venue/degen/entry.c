/* entry.c -- orders out: over the socket, or REST while it is down; cancels before amends before new orders through the rate budget. Answers in.
   No allocation between submit and the bytes. */
#include "venue/degen/adapter.h"
#include <string.h>

#define QUEUE_MASK (PMM_VENUE_ORDERS_MAX - 1)

/* -- queues of what the budget holds back -- */

static void push(pmm__degen_t *a, pmm__dqueue_t *q, uint32_t idx) { /* as long as the table: each order waits at most once in each */
  uint32_t const at = (q->head + q->cnt++) & QUEUE_MASK;
  q->idx[at] = idx;
  q->order_id[at] = pmm__orders_at(a->orders, idx)->order_id;
}

static uint32_t front(pmm__dqueue_t *q) { return q->idx[q->head & QUEUE_MASK]; }
static void pop(pmm__dqueue_t *q) {
  q->head++;
  q->cnt--;
}

/* Drops what is no longer wanted from the front; false: empty. */
static bool settle(pmm__degen_t *a, pmm__dqueue_t *q, bool (*waits)(const pmm__dorder_t *)) {
  while (q->cnt > 0) {
    uint32_t const idx = front(q);
    const pmm__vorder_t *const o = pmm__orders_at(a->orders, idx);
    if (o->order_id == q->order_id[q->head & QUEUE_MASK] && o->stage != PMM__V_OVER && waits(&a->extra[idx])) return true;
    pop(q);
  }
  return false;
}

static bool waits_place(const pmm__dorder_t *x) { return x->place_waits; }
static bool waits_cancel(const pmm__dorder_t *x) { return x->cancel_waits; }
static bool waits_amend(const pmm__dorder_t *x) { return x->amend_waits; }

/* -- requests under way -- */

pmm__drequest_t *pmm__d_request(pmm__degen_t *a, pmm__dkind_t kind) {
  pmm__drequest_t *const r = &a->request[(a->request_last + 1) & (PMM__D_REQUESTS - 1)];
  if (r->kind != PMM__D_FREE) return NULL;
  r->id = ++a->request_last;
  r->kind = (uint8_t)kind;
  r->conn = a->conn;
  r->sent_ns = pmm__d_mono(a);
  r->cnt = 0;
  return r;
}

bool pmm__d_send(pmm__degen_t *a, pmm__drequest_t *r, size_t len) {
  if (len > 0 && a->conn && pmm_ws_send(a->ws, a->conn, a->body, len) == PMM_OK) return true;
  r->kind = PMM__D_FREE;
  return false;
}

static void take_order(pmm__degen_t *a, pmm__drequest_t *r, uint32_t idx) {
  r->order[r->cnt] = idx;
  r->order_id[r->cnt++] = pmm__orders_at(a->orders, idx)->order_id;
}

static bool still(pmm__degen_t *a, const pmm__drequest_t *r, uint32_t i) { return pmm__orders_at(a->orders, r->order[i])->order_id == r->order_id[i]; }

static void lose_request(pmm__degen_t *a, pmm__drequest_t *r) {
  uint8_t const kind = r->kind;
  r->kind = PMM__D_FREE;
  if (kind == PMM__D_PLACE || kind == PMM__D_CANCEL || kind == PMM__D_AMEND)
    for (uint32_t i = 0; i < r->cnt; i++)
      if (still(a, r, i)) pmm__d_lose(a, r->order[i]);
}

void pmm__d_conn_lost(pmm__degen_t *a, uint32_t conn) {
  for (uint32_t i = 0; i < PMM__D_REQUESTS; i++)
    if (a->request[i].kind != PMM__D_FREE && a->request[i].conn == conn) lose_request(a, &a->request[i]);
}

/* -- answers -- */

static void refused(pmm__degen_t *a, uint32_t idx, pmm_degen_text_t code) {
  pmm_reject_t const reject = pmm_degen_reject(code.at, code.len);
  if (reject == PMM_REJECT_NONE || reject == PMM_REJECT_DUPLICATE) { /* a failure of theirs, or the first of two rests: a look tells */
    pmm__d_lose(a, idx);
    return;
  }
  pmm__d_order_end(a, idx, PMM_EV_REJECT, 0, (uint8_t)reject);
}

static void drained(pmm__degen_t *a) {
  int64_t const now_ns = pmm__d_mono(a);
  pmm_bucket_drain(&a->bucket, now_ns, now_ns + PMM_NS_PER_S);
  pmm__d_notice(a, PMM_WARN, "rate-limit", PMM_NOTICE_NO_MARKET, "the venue refuses for its rate limit");
}

/* One line per order, in order. What is missing or cannot be read is looked up. */
static void placed(pmm__degen_t *a, const pmm__drequest_t *r, pmm_degen_text_t result) {
  pmm_degen_list_t list;
  pmm_degen_text_t at;
  pmm_degen_order_t o;
  uint32_t i = 0;
  pmm_status_t st = result.at ? pmm_degen_list_open(result.at, result.len, "orders", &list) : PMM_PARSE;
  if (st == PMM_NOT_FOUND && r->cnt == 1) st = pmm_degen_list_open(result.at, result.len, NULL, &list);
  for (; st == PMM_OK && i < r->cnt && pmm_degen_list_next(&list, &at); i++) {
    if (!still(a, r, i)) continue;
    if (pmm_degen_read_order(at, &o, a->scratch, NULL) != PMM_OK) pmm__d_lose(a, r->order[i]);
    else if (o.is_error) refused(a, r->order[i], o.code);
    else if (pmm__d_order_find(a, o.id, o.client_id) != r->order[i]) pmm__d_lose(a, r->order[i]); /* of another order */
    else pmm__d_order_heard(a, &o);
  }
  for (; i < r->cnt; i++)
    if (still(a, r, i)) pmm__d_lose(a, r->order[i]);
}

static bool names(pmm__degen_t *a, pmm_degen_text_t json, uint32_t idx) { /* a quoted id, or client id */
  const pmm__vorder_t *const o = pmm__orders_at(a->orders, idx);
  char client_id[PMM_DEGEN_CLIENT_ID_LEN + 1];
  pmm_degen_text_t const id = {json.at + 1, json.len >= 2 ? json.len - 2 : 0};
  pmm_degen_client_id(o->order_id, client_id);
  return json.at[0] == '"' && (pmm_degen_text_is(id, client_id) || (o->vid[0] && pmm_degen_text_is(id, o->vid)));
}

static bool listed(pmm__degen_t *a, pmm_degen_text_t result, const char *key, uint32_t idx) {
  pmm_degen_list_t list;
  pmm_degen_text_t at;
  if (!result.at || pmm_degen_list_open(result.at, result.len, key, &list) != PMM_OK) return false;
  while (pmm_degen_list_next(&list, &at))
    if (names(a, at, idx)) return true;
  return false;
}

/* How much was open when it went is in the order's own message; should that be late, a look tells. */
static void cancelled(pmm__degen_t *a, const pmm__drequest_t *r, pmm_degen_text_t result) {
  for (uint32_t i = 0; i < r->cnt; i++) {
    uint32_t const idx = r->order[i];
    if (!still(a, r, i)) continue;
    pmm__vorder_t *const o = pmm__orders_at(a->orders, idx);
    o->asked &= (uint8_t)~PMM__ASKED_CANCEL;
    if (o->stage == PMM__V_OVER) continue;
    if (result.at && !listed(a, result, "not_found", idx)) { /* "cancelled" has the venue's ids, which are not known yet after a cancel by client id */
      a->extra[idx].cancelled = true;
      pmm__d_look(a, idx, PMM__D_LOOK_NS / 4);
    } else {
      pmm__d_emit(a, PMM_EV_CANCEL_REJECT, idx, 0, 0, PMM_REJECT_UNKNOWN_ORDER);
      o->lost = true; /* filled, gone, or never was */
      pmm__d_look(a, idx, 0);
    }
  }
}

static void amended(pmm__degen_t *a, const pmm__drequest_t *r, const pmm_degen_msg_t *msg) {
  pmm_degen_order_t o;
  uint32_t const idx = r->order[0];
  if (!still(a, r, 0)) return;
  pmm__vorder_t *const v = pmm__orders_at(a->orders, idx);
  v->asked &= (uint8_t)~PMM__ASKED_AMEND;
  if (v->stage == PMM__V_OVER) return;
  if (!msg->ok) {
    pmm_reject_t const reject = pmm_degen_reject(msg->code.at, msg->code.len);
    if (reject == PMM_REJECT_NONE) pmm__d_lose(a, idx);
    else pmm__d_emit(a, PMM_EV_AMEND_REJECT, idx, 0, 0, (uint8_t)reject);
    if (reject == PMM_REJECT_UNKNOWN_ORDER) pmm__d_lose(a, idx);
    return;
  }
  if (pmm_degen_read_order(msg->result, &o, a->scratch, NULL) != PMM_OK || pmm__d_order_find(a, o.id, o.client_id) != idx) {
    pmm__d_lose(a, idx);
    return;
  }
  if (o.status == PMM_DEGEN_OPEN) {
    v->price_e4 = o.price_e4;
    pmm__d_emit(a, PMM_EV_AMENDED, idx, o.qty_e6 - o.filled_e6, o.filled_e6, 0);
  }
  pmm__d_order_heard(a, &o);
}

static void again_cancel(pmm__degen_t *a, pmm__drequest_t *r) {
  for (uint32_t i = 0; i < r->cnt; i++) {
    pmm__vorder_t *const o = pmm__orders_at(a->orders, r->order[i]);
    if (!still(a, r, i) || o->stage == PMM__V_OVER || a->extra[r->order[i]].cancel_waits) continue;
    o->asked &= (uint8_t)~PMM__ASKED_CANCEL;
    a->extra[r->order[i]].cancel_waits = true;
    push(a, &a->cancels, r->order[i]);
  }
}

/* msg: of the socket, or made of a REST answer. */
static void answered(pmm__degen_t *a, pmm__drequest_t *slot, const pmm_degen_msg_t *msg) {
  pmm__drequest_t *const r = slot;
  bool const limited = !msg->ok && pmm_degen_text_is(msg->code, "rate_limited");
  if (limited) drained(a);
  switch ((pmm__dkind_t)r->kind) {
  case PMM__D_PLACE:
    if (msg->ok) placed(a, r, msg->result);
    else
      for (uint32_t i = 0; i < r->cnt; i++)
        if (still(a, r, i)) refused(a, r->order[i], msg->code);
    break;
  case PMM__D_CANCEL:
    if (msg->ok) cancelled(a, r, msg->result);
    else if (limited) again_cancel(a, r); /* not handled: a cancel must come through */
    else
      for (uint32_t i = 0; i < r->cnt; i++)
        if (still(a, r, i)) pmm__d_lose(a, r->order[i]);
    break;
  case PMM__D_AMEND: amended(a, r, msg); break;
  case PMM__D_SUBSCRIBE:
    if (!msg->ok) pmm_ws_reconnect(a->ws, r->conn, "subscription refused");
    break;
  case PMM__D_BEAT:
    if (msg->ok) a->beat_ok_ns = pmm__d_mono(a);
    break;
  case PMM__D_SWEEP:
    if (!msg->ok) a->sweep_ns = pmm__d_mono(a); /* again, soon */
    break;
  case PMM__D_PING:
  case PMM__D_FREE: break;
  }
  r->kind = PMM__D_FREE;
}

void pmm__d_answer(pmm__degen_t *a, const pmm_degen_msg_t *msg) {
  pmm__drequest_t *const r = &a->request[msg->re & (PMM__D_REQUESTS - 1)];
  if (r->kind == PMM__D_FREE || r->id != msg->re || r->conn != a->conn) return; /* late, or a copy */
  if (msg->re > a->answered) a->answered = msg->re;
  answered(a, r, msg);
}

/* Over REST: 4xx is a refusal, anything else without a usable body leaves the outcome open. */
static void on_rest(void *ctx, uint64_t tag, const pmm_http_response_t *h) {
  pmm__degen_t *const a = ctx;
  pmm__drequest_t *const r = &a->request[tag & (PMM__D_REQUESTS - 1)];
  char code[40] = "", message[128];
  if (r->kind == PMM__D_FREE || r->id != tag) return;
  if (h->status == PMM_OK && h->http == 200) {
    answered(a, r, &(pmm_degen_msg_t){.kind = PMM_DEGEN_ANSWER, .ok = true, .result = pmm__d_body(h)});
    return;
  }
  if (h->status == PMM_OK && h->http >= 400 && h->http < 500 && pmm_degen_get_error(pmm__d_body(h), code, message) != PMM_OK)
    strcpy(code, h->http == 429 ? "rate_limited" : h->http == 425 ? "forbidden" : "bad_request");
  if (h->status != PMM_OK && h->unsent) strcpy(code, "forbidden"); /* never reached them */
  answered(a, r, &(pmm_degen_msg_t){.kind = PMM_DEGEN_ANSWER, .code = {code, (uint32_t)strlen(code)}});
}

/* -- sending -- */

static bool deliver(pmm__degen_t *a, pmm__drequest_t *r, const char *method, const char *path, size_t len) {
  if (r->conn) return pmm__d_send(a, r, len);
  if (len > 0 && pmm__d_http(a, method, path, a->body, len, 0, r->id, on_rest)) return true;
  r->kind = PMM__D_FREE;
  return false;
}

static void mark_sent(pmm__degen_t *a, const pmm__drequest_t *r, uint8_t asked) {
  for (uint32_t i = 0; i < r->cnt; i++) {
    pmm__vorder_t *const o = pmm__orders_at(a->orders, r->order[i]);
    pmm__dorder_t *const x = &a->extra[r->order[i]];
    o->asked |= asked;
    o->sent_ns = r->sent_ns;
    if (asked & PMM__ASKED_PLACE) x->placed_ns = r->sent_ns;
    x->conn = r->conn;
    x->req = r->id;
  }
  a->moved++;
}

static uint32_t portion(const pmm__degen_t *a) { return (uint32_t)pmm_min64(pmm_max64(a->params.batch_max, 1), PMM__D_BATCH_MAX); }

static bool send_cancels(pmm__degen_t *a) {
  char client_id[PMM_DEGEN_CLIENT_ID_LEN + 1];
  pmm_degen_writer_t w;
  pmm__drequest_t *r = NULL;
  bool by_client_id = false;
  uint32_t const most = portion(a);
  uint32_t const head = a->cancels.head, cnt = a->cancels.cnt;
  while (settle(a, &a->cancels, waits_cancel) && (!r || r->cnt < most)) {
    uint32_t const idx = front(&a->cancels);
    const pmm__vorder_t *const o = pmm__orders_at(a->orders, idx);
    if (r && by_client_id != (o->vid[0] == '\0')) break;
    if (!pmm_bucket_take(&a->bucket, 1, PMM_BUCKET_CANCEL, pmm__d_mono(a))) break;
    if (!r && !(r = pmm__d_request(a, PMM__D_CANCEL))) break;
    if (r->cnt == 0) {
      by_client_id = o->vid[0] == '\0';
      pmm_degen_cancel_begin(&w, a->body, sizeof a->body, r->conn ? r->id : 0, by_client_id);
    }
    pmm_degen_client_id(o->order_id, client_id);
    pmm_degen_cancel_order(&w, by_client_id ? client_id : o->vid);
    take_order(a, r, idx);
    pop(&a->cancels);
  }
  if (!r) return false;
  if (!deliver(a, r, "DELETE", "/orders", pmm_degen_cancel_end(&w))) {
    a->cancels.head = head; /* nothing left: they wait on */
    a->cancels.cnt = cnt;
    return false;
  }
  mark_sent(a, r, PMM__ASKED_CANCEL);
  for (uint32_t i = 0; i < r->cnt; i++) a->extra[r->order[i]].cancel_waits = false;
  return true;
}

static bool send_amend(pmm__degen_t *a) {
  char path[PMM__VID_MAX * 3 + 16], id[PMM__VID_MAX * 3];
  if (!settle(a, &a->amends, waits_amend)) return false;
  uint32_t const idx = front(&a->amends);
  pmm__vorder_t *const o = pmm__orders_at(a->orders, idx);
  pmm__dorder_t *const x = &a->extra[idx];
  if (!o->vid[0] || !pmm__d_escape(o->vid, id, sizeof id)) { /* not heard of yet: nothing to change */
    x->amend_waits = false;
    pop(&a->amends);
    pmm__d_emit(a, PMM_EV_AMEND_REJECT, idx, 0, 0, PMM_REJECT_PHASE);
    return true;
  }
  if (!pmm_bucket_take(&a->bucket, 1, PMM_BUCKET_NORMAL, pmm__d_mono(a))) return false;
  pmm__drequest_t *const r = pmm__d_request(a, PMM__D_AMEND);
  if (!r) return false;
  /* The venue's size is the whole order's, filled part included: fills that cross it leave less open, never more. */
  size_t const n = pmm_degen_amend(a->body, sizeof a->body, r->conn ? r->id : 0, o->vid, o->route == PMM_SELL_NO || o->route == PMM_BUY_NO, x->amend_price_e4,
                                   o->filled_e6 + x->amend_open_e6);
  take_order(a, r, idx);
  strcpy(path, "/orders/");
  strcat(path, id);
  if (!deliver(a, r, "PATCH", path, n)) return false;
  mark_sent(a, r, PMM__ASKED_AMEND);
  x->amend_waits = false;
  pop(&a->amends);
  return true;
}

static void write_order(pmm__degen_t *a, pmm_degen_writer_t *w, uint32_t idx) {
  const pmm__vorder_t *const o = pmm__orders_at(a->orders, idx);
  pmm_action_t const action = {.order_id = o->order_id, .qty_e6 = o->qty_e6, .price_e4 = o->price_e4, .route = o->route, .tif = o->tif, .flags = o->flags,
                               .expire_ns = (int64_t)o->tag};
  pmm_degen_place_order(w, a->market[o->market].market.id, &action);
}

static bool send_places(pmm__degen_t *a) {
  pmm_degen_writer_t w;
  pmm__drequest_t *r = NULL;
  uint32_t const most = portion(a), head = a->places.head, cnt = a->places.cnt;
  while (settle(a, &a->places, waits_place) && (!r || r->cnt < most)) {
    uint32_t const idx = front(&a->places);
    if (!pmm_bucket_take(&a->bucket, 1, PMM_BUCKET_NORMAL, pmm__d_mono(a))) break;
    if (!r && !(r = pmm__d_request(a, PMM__D_PLACE))) break;
    if (r->cnt == 0) pmm_degen_place_begin(&w, a->body, sizeof a->body, r->conn ? r->id : 0);
    write_order(a, &w, idx);
    take_order(a, r, idx);
    pop(&a->places);
  }
  if (!r) return false;
  if (!deliver(a, r, "POST", "/orders", pmm_degen_place_end(&w))) {
    a->places.head = head;
    a->places.cnt = cnt;
    return false;
  }
  mark_sent(a, r, PMM__ASKED_PLACE);
  for (uint32_t i = 0; i < r->cnt; i++) a->extra[r->order[i]].place_waits = false;
  return true;
}

void pmm__d_pump(pmm__degen_t *a) {
  int64_t const now_ns = pmm__d_mono(a);
  if (a->phase < PMM__D_RUNS || a->phase > PMM__D_STOPS) return;
  while (send_cancels(a)) {}
  if (a->phase == PMM__D_RUNS && a->cancels.cnt == 0) {
    while (send_amend(a)) {}
    while (send_places(a)) {}
  }
  if (a->cancels.cnt + a->amends.cnt + a->places.cnt == 0) return;
  int64_t const when_ns = pmm_bucket_when(&a->bucket, 1, a->cancels.cnt ? PMM_BUCKET_CANCEL : PMM_BUCKET_NORMAL, now_ns);
  if (when_ns > now_ns && when_ns != PMM_NS_MAX) pmm_net_timer_set(a->net, &a->pump, when_ns); /* held back by something else: the tick */
}

/* -- what the driver asks for -- */

static void tell_reject(pmm__degen_t *a, const pmm_action_t *act, pmm_kind_t kind, pmm_reject_t why) {
  pmm_event_t const ev = {.md = {.recv_ns = pmm_net_now(a->net), .exch_ns = PMM_TIME_NONE, .market = act->market, .kind = (uint8_t)kind, .aux = (uint8_t)why}, .order_id = act->order_id};
  a->sink.account(a->sink.ctx, &ev);
}

static void ask_place(pmm__degen_t *a, const pmm_action_t *act) {
  uint32_t const local = act->market - a->first;
  uint32_t idx = 0;
  pmm_status_t st = local < a->market_cnt ? PMM_OK : PMM_INVAL;
  if (a->phase != PMM__D_RUNS) st = PMM_STATE;
  if (st == PMM_OK) st = pmm__orders_add(a->orders, act->order_id, &idx);
  if (st != PMM_OK) {
    tell_reject(a, act, PMM_EV_REJECT, st == PMM_FULL ? PMM_REJECT_FULL : st == PMM_EXISTS ? PMM_REJECT_DUPLICATE : PMM_REJECT_CLOSED);
    return;
  }
  pmm__vorder_t *const o = pmm__orders_at(a->orders, idx);
  o->market = local;
  o->route = act->route;
  o->tif = act->tif;
  o->flags = act->flags;
  o->price_e4 = act->price_e4;
  o->qty_e6 = act->qty_e6;
  o->tag = (uint64_t)act->expire_ns;
  o->sent_ns = pmm__d_mono(a);
  a->extra[idx] = (pmm__dorder_t){.place_waits = true};
  push(a, &a->places, idx);
}

static void ask_cancel(pmm__degen_t *a, const pmm_action_t *act, uint32_t idx) {
  pmm__dorder_t *const x = &a->extra[idx];
  if (x->place_waits) { /* it never left */
    x->place_waits = false;
    pmm__d_order_end(a, idx, PMM_EV_CANCELLED, pmm__vorder_open(pmm__orders_at(a->orders, idx)), PMM_REJECT_USER);
    return;
  }
  (void)act;
  if (x->cancel_waits || (pmm__orders_at(a->orders, idx)->asked & PMM__ASKED_CANCEL)) return;
  x->amend_waits = false;
  x->cancel_waits = true;
  push(a, &a->cancels, idx);
}

static void ask_amend(pmm__degen_t *a, const pmm_action_t *act, uint32_t idx) {
  pmm__dorder_t *const x = &a->extra[idx];
  x->amend_price_e4 = act->price_e4;
  x->amend_open_e6 = act->qty_e6;
  if (x->amend_waits) return;
  x->amend_waits = true;
  push(a, &a->amends, idx);
}

void pmm__d_submit(pmm_adapter_t *a, const pmm_action_t *action, size_t cnt) {
  for (size_t i = 0; i < cnt; i++) {
    const pmm_action_t *const act = &action[i];
    if (act->kind == PMM_ACT_PLACE) {
      ask_place(a, act);
      continue;
    }
    uint32_t const idx = pmm__orders_find(a->orders, act->order_id);
    bool const known = idx != PMM__ORDER_NONE && pmm__orders_at(a->orders, idx)->stage != PMM__V_OVER;
    if (!known) tell_reject(a, act, act->kind == PMM_ACT_CANCEL ? PMM_EV_CANCEL_REJECT : PMM_EV_AMEND_REJECT, PMM_REJECT_UNKNOWN_ORDER);
    else if (act->kind == PMM_ACT_CANCEL) ask_cancel(a, act, idx);
    else ask_amend(a, act, idx);
  }
  pmm__d_pump(a);
}

void pmm__d_drop_places(pmm__degen_t *a) {
  for (uint32_t idx = pmm__orders_first(a->orders), next; idx != PMM__ORDER_NONE; idx = next) {
    next = pmm__orders_next(a->orders, idx);
    if (!a->extra[idx].place_waits) continue;
    a->extra[idx].place_waits = false;
    pmm__d_order_end(a, idx, PMM_EV_REJECT, 0, PMM_REJECT_PHASE);
  }
}

/* -- cancelling everything -- */

static void sweep_market(pmm__degen_t *a, uint32_t i) {
  (void)pmm_bucket_take(&a->bucket, 1, PMM_BUCKET_CANCEL_ALL, pmm__d_mono(a)); /* not held back by our own count of tokens */
  pmm__drequest_t *const r = pmm__d_request(a, PMM__D_SWEEP);
  if (r) deliver(a, r, "DELETE", "/orders", pmm_degen_cancel_market(a->body, sizeof a->body, r->conn ? r->id : 0, a->market[i].market.id));
}

void pmm__d_sweep(pmm__degen_t *a) {
  a->sweep_ns = 0;
  for (uint32_t i = 0; i < a->market_cnt; i++) sweep_market(a, i);
  /* What this leaves is found by the states of our orders: each open one is looked at. */
  for (uint32_t idx = pmm__orders_first(a->orders); idx != PMM__ORDER_NONE; idx = pmm__orders_next(a->orders, idx)) pmm__d_look(a, idx, PMM__D_LOOK_NS);
  a->moved++;
}

/* An order that is no more than an id to us. */
void pmm__d_cancel_vid(pmm__degen_t *a, const char *vid, size_t len) {
  char text[PMM__VID_MAX];
  pmm_degen_writer_t w;
  if (len == 0 || len >= sizeof text) return;
  memcpy(text, vid, len);
  text[len] = '\0';
  pmm__drequest_t *const r = pmm__d_request(a, PMM__D_SWEEP);
  if (!r) return;
  pmm_degen_cancel_begin(&w, a->body, sizeof a->body, r->conn ? r->id : 0, false);
  pmm_degen_cancel_order(&w, text);
  deliver(a, r, "DELETE", "/orders", pmm_degen_cancel_end(&w));
  a->moved++;
}

/* -- time -- */

void pmm__d_entry_tick(pmm__degen_t *a) {
  int64_t const late_ns = pmm__d_mono(a) - a->params.request_timeout_ns;
  bool dead = false;
  for (uint32_t i = 0; i < PMM__D_REQUESTS; i++) {
    pmm__drequest_t *const r = &a->request[i];
    if (r->kind == PMM__D_FREE || r->conn == 0 || r->sent_ns > late_ns) continue;
    /* Silence on a question that costs nothing, or no books, and the connection is of no use. */
    dead = dead || r->kind == PMM__D_PING || r->kind == PMM__D_SUBSCRIBE;
    lose_request(a, r);
  }
  if (dead && a->conn) pmm_ws_reconnect(a->ws, a->conn, "questions stay unanswered");
  if (a->sweep_ns > 0 && pmm__d_mono(a) >= a->sweep_ns + PMM_NS_PER_S / 2) pmm__d_sweep(a);
}
