/* orders.c -- what becomes of each order, from whatever source it is heard; and looking up those in doubt.
   A request may be under way while a look says "no such order": on a socket that still stands, an answer to a later question shows that the
   earlier was read; otherwise time must pass, and two looks agree. */
#include "venue/degen/adapter.h"
#include <stdio.h>
#include <string.h>

uint64_t pmm__d_alias(const char *vid, size_t len) { return pmm_venue_ref(vid, len) | PMM_ORDER_ALIAS; }

uint32_t pmm__d_order_find(pmm__degen_t *a, pmm_degen_text_t vid, pmm_degen_text_t client_id) {
  uint64_t id = 0;
  uint32_t idx = vid.at ? pmm__orders_find_vid(a->orders, vid.at, vid.len) : PMM__ORDER_NONE;
  if (idx == PMM__ORDER_NONE && pmm_degen_client_id_read(client_id, &id)) idx = pmm__orders_find(a->orders, id);
  return idx;
}

void pmm__d_emit(pmm__degen_t *a, pmm_kind_t kind, uint32_t idx, int64_t qty_e6, int64_t amount_e6, uint8_t aux) {
  const pmm__vorder_t *const o = pmm__orders_at(a->orders, idx);
  pmm_event_t const ev = {
    .md = {.recv_ns = pmm_net_now(a->net), .exch_ns = PMM_TIME_NONE, .qty_e6 = qty_e6, .price_e4 = o->price_e4, .market = a->first + o->market, .kind = (uint8_t)kind,
           .side = (uint8_t)pmm_route_side((pmm_route_t)o->route), .aux = aux},
    .order_id = o->order_id, .amount_e6 = amount_e6, .ref_id = o->vid[0] ? pmm_venue_ref(o->vid, strlen(o->vid)) : 0};
  a->sink.account(a->sink.ctx, &ev);
}

/* It is over and the driver is told so, once; of one in doubt as the answer to that doubt. */
void pmm__d_order_end(pmm__degen_t *a, uint32_t idx, pmm_kind_t kind, int64_t rest_e6, uint8_t aux) {
  pmm__vorder_t *const o = pmm__orders_at(a->orders, idx);
  pmm__dorder_t *const x = &a->extra[idx];
  bool const lost = o->lost;
  x->look_ns = 0;
  x->cancel_waits = x->amend_waits = x->place_waits = false;
  o->asked = 0;
  o->lost = false;
  bool const told = o->told_end;
  o->told_end = true;
  pmm__orders_over(a->orders, idx);
  a->moved++;
  if (told) return;
  if (lost) pmm__d_emit(a, PMM_EV_ORDER_STATE, idx, 0, o->venue_filled_e6, aux);
  else pmm__d_emit(a, kind, idx, rest_e6, 0, aux);
}

static uint8_t reason(pmm_degen_text_t text, const pmm__vorder_t *o) {
  if (pmm_degen_text_is(text, "ioc")) return PMM_REJECT_IOC;
  if (pmm_degen_text_is(text, "fok")) return PMM_REJECT_FOK;
  if (pmm_degen_text_is(text, "tick")) return PMM_REJECT_TICK;
  if (pmm_degen_text_is(text, "user")) return PMM_REJECT_USER;
  pmm_reject_t const known = text.at ? pmm_degen_reject(text.at, text.len) : PMM_REJECT_NONE;
  return (uint8_t)(known != PMM_REJECT_NONE ? known : o->tif == PMM_IOC ? PMM_REJECT_IOC : o->tif == PMM_FOK ? PMM_REJECT_FOK : PMM_REJECT_USER);
}

static void rests(pmm__degen_t *a, uint32_t idx, const pmm_degen_order_t *h) {
  pmm__vorder_t *const o = pmm__orders_at(a->orders, idx);
  pmm__dorder_t *const x = &a->extra[idx];
  if (o->stage == PMM__V_OVER) {
    if (!x->gone) return; /* an older word, overtaken */
    pmm__d_notice(a, PMM_ALERT, "late-order", o->market, "an order thought never placed rests: cancelled");
    pmm__d_cancel_vid(a, h->id.at, h->id.len);
    return;
  }
  o->stage = PMM__V_RESTS;
  o->asked &= (uint8_t)~PMM__ASKED_PLACE;
  o->qty_e6 = h->qty_e6;
  if (!x->acked) {
    x->acked = true;
    a->moved++;
    pmm__d_emit(a, PMM_EV_ACK, idx, h->qty_e6 - h->filled_e6, 0, 0);
    /* The acknowledgement settles the doubt about the order, not one about a request made since. */
    if (o->lost && !(o->asked & (PMM__ASKED_CANCEL | PMM__ASKED_AMEND))) o->lost = false;
  }
  if (x->looking && x->cancelled) pmm__d_look(a, idx, PMM__D_LOOK_NS); /* reads lag behind */
  else if (x->looking && o->lost) {
    o->lost = false;
    pmm__d_emit(a, PMM_EV_ORDER_STATE, idx, h->qty_e6 - h->filled_e6, h->filled_e6, 0);
  }
}

/* All filled: the fills tell. Only one in doubt needs a word. */
static void filled(pmm__degen_t *a, uint32_t idx) {
  pmm__vorder_t *const o = pmm__orders_at(a->orders, idx);
  if (o->stage == PMM__V_OVER) return;
  bool const lost = o->lost;
  o->lost = false;
  o->asked = 0;
  o->told_end = true;
  a->extra[idx].look_ns = 0;
  pmm__orders_over(a->orders, idx);
  a->moved++;
  if (lost) pmm__d_emit(a, PMM_EV_ORDER_STATE, idx, 0, o->venue_filled_e6, 0);
}

void pmm__d_order_heard(pmm__degen_t *a, const pmm_degen_order_t *h) {
  uint32_t const idx = pmm__d_order_find(a, h->id, h->client_id);
  uint64_t id = 0;
  if (idx == PMM__ORDER_NONE) { /* of an earlier run, or by another hand: the next reconciliation judges; one of ours so late goes now */
    if (a->taken && h->status == PMM_DEGEN_OPEN && pmm_degen_client_id_read(h->client_id, &id)) pmm__d_read_account(a);
    return;
  }
  pmm__vorder_t *const o = pmm__orders_at(a->orders, idx);
  (void)pmm__orders_name(a->orders, idx, h->id.at, h->id.len); /* another id under our client id cannot be: theirs are unique */
  o->heard_ns = pmm__d_mono(a);
  o->venue_filled_e6 = pmm_max64(o->venue_filled_e6, h->filled_e6);
  if (o->venue_filled_e6 > o->filled_e6 && a->fills_ns == 0) a->fills_ns = pmm__d_mono(a) + PMM__D_FILL_WAIT_NS;
  switch ((pmm_degen_status_t)h->status) {
  case PMM_DEGEN_OPEN: rests(a, idx, h); break;
  case PMM_DEGEN_FILLED: filled(a, idx); break;
  case PMM_DEGEN_CANCELLED: pmm__d_order_end(a, idx, PMM_EV_CANCELLED, h->qty_e6 - h->filled_e6, reason(h->reason, o)); break;
  case PMM_DEGEN_EXPIRED: pmm__d_order_end(a, idx, PMM_EV_EXPIRED, h->qty_e6 - h->filled_e6, reason(h->reason, o)); break;
  case PMM_DEGEN_REJECTED: pmm__d_order_end(a, idx, PMM_EV_REJECT, 0, reason(h->reason, o)); break;
  }
}

/* -- in doubt -- */

void pmm__d_look(pmm__degen_t *a, uint32_t idx, int64_t in_ns) {
  int64_t const at_ns = pmm__d_mono(a) + in_ns;
  pmm__dorder_t *const x = &a->extra[idx];
  if (pmm__orders_at(a->orders, idx)->stage == PMM__V_OVER || x->place_waits) return;
  if (x->look_ns == 0 || at_ns < x->look_ns) x->look_ns = at_ns;
}

void pmm__d_lose(pmm__degen_t *a, uint32_t idx) {
  pmm__vorder_t *const o = pmm__orders_at(a->orders, idx);
  if (o->stage == PMM__V_OVER) return;
  o->asked = 0;
  a->moved++;
  if (!o->lost) { /* a cancel of one in doubt already leaves it as doubtful as it was */
    o->lost = true;
    a->extra[idx].looks = 0;
    pmm__d_emit(a, PMM_EV_LOST, idx, 0, 0, 0);
  }
  pmm__d_look(a, idx, 0);
}

/* Whether the request its fate hangs on can no longer come to anything new. */
static bool is_read(pmm__degen_t *a, const pmm__dorder_t *x) {
  if (x->conn == 0 || x->conn != a->conn || a->answered >= x->req) return true;
  pmm__drequest_t *const r = pmm__d_request(a, PMM__D_PING);
  if (!r) return false;
  int const n = snprintf(a->body, sizeof a->body, "{\"op\":\"ping\",\"id\":%llu}", (unsigned long long)r->id);
  pmm__d_send(a, r, (size_t)n);
  return false;
}

/* Not there. One that had an id is gone; one that had none may be on its way still. */
static void not_found(pmm__degen_t *a, uint32_t idx) {
  pmm__vorder_t *const o = pmm__orders_at(a->orders, idx);
  pmm__dorder_t *const x = &a->extra[idx];
  bool const old = pmm__d_mono(a) - x->placed_ns >= PMM__D_GRACE_NS;
  if (++x->looks < 2 || !old) {
    pmm__d_look(a, idx, PMM__D_LOOK_NS);
    return;
  }
  x->gone = true;
  o->lost = true; /* "open 0, filled so much" is what is known */
  pmm__d_order_end(a, idx, PMM_EV_ORDER_STATE, 0, 0);
}

static bool hears(pmm__degen_t *a, pmm_degen_text_t json, uint32_t idx) {
  pmm_degen_order_t o;
  if (pmm_degen_read_order(json, &o, a->scratch, NULL) != PMM_OK || o.is_error || pmm__d_order_find(a, o.id, o.client_id) != idx) return false;
  a->extra[idx].looking = true;
  pmm__d_order_heard(a, &o);
  a->extra[idx].looking = false;
  return true;
}

static void on_looked(void *ctx, uint64_t tag, const pmm_http_response_t *r) {
  pmm__degen_t *const a = ctx;
  uint32_t const idx = pmm__orders_find(a->orders, tag);
  pmm_degen_list_t list;
  pmm_degen_text_t at;
  if (idx == PMM__ORDER_NONE) return;
  pmm__vorder_t *const o = pmm__orders_at(a->orders, idx);
  o->asked &= (uint8_t)~PMM__ASKED_STATE;
  if (o->stage == PMM__V_OVER) return;
  if (r->status == PMM_OK && r->http == 404) {
    not_found(a, idx);
    return;
  }
  bool const many = r->status == PMM_OK && r->http == 200 && pmm_degen_list_open(r->body, r->body_len, "orders", &list) == PMM_OK;
  bool found = false;
  if (many)
    while (!found && pmm_degen_list_next(&list, &at)) found = hears(a, at, idx);
  else found = r->status == PMM_OK && r->http == 200 && hears(a, pmm__d_body(r), idx);
  if (many && !found) not_found(a, idx);
  else if (!found) pmm__d_look(a, idx, PMM__D_LOOK_NS); /* no usable answer */
}

static void look(pmm__degen_t *a, uint32_t idx) {
  pmm__vorder_t *const o = pmm__orders_at(a->orders, idx);
  char path[PMM_ID_MAX * 3 + 128], name[PMM_ID_MAX * 3], client_id[PMM_DEGEN_CLIENT_ID_LEN + 1];
  a->extra[idx].look_ns = 0;
  if (o->asked & PMM__ASKED_STATE) return;
  if (!is_read(a, &a->extra[idx]) || !pmm__d_escape(o->vid[0] ? o->vid : a->market[o->market].market.id, name, sizeof name)) {
    pmm__d_look(a, idx, PMM__D_LOOK_NS / 4);
    return;
  }
  pmm_degen_client_id(o->order_id, client_id);
  if (o->vid[0]) snprintf(path, sizeof path, "/orders/%s", name);
  else snprintf(path, sizeof path, "/orders?market=%s&client_id=%s&limit=1000", name, client_id); /* the list without a status holds those that are over, too */
  if (pmm__d_http(a, "GET", path, NULL, 0, 1, o->order_id, on_looked)) o->asked |= PMM__ASKED_STATE;
  else pmm__d_look(a, idx, PMM__D_LOOK_NS);
}

void pmm__d_orders_tick(pmm__degen_t *a) {
  int64_t const now_ns = pmm__d_mono(a);
  for (uint32_t idx = pmm__orders_first(a->orders), next; idx != PMM__ORDER_NONE; idx = next) {
    next = pmm__orders_next(a->orders, idx);
    if (a->extra[idx].look_ns > 0 && now_ns >= a->extra[idx].look_ns) look(a, idx);
  }
}
