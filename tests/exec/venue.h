/* tests/exec/venue.h -- a venue seen through an unreliable wire: requests and events wait in queues that a test may
   deliver in any order, repeat, or lose. What is lost is followed by a LOST event; fills are only ever late. */
#ifndef PMM_TESTS_EXEC_VENUE_H
#define PMM_TESTS_EXEC_VENUE_H
#include "exec/world.h"

#define VENUE_ORDERS 512
#define VENUE_QUEUE 512

typedef struct venue_order { uint64_t id; int64_t total, filled; int32_t price; uint32_t slot; uint8_t route; bool alive; } venue_order_t;

typedef struct venue {
  venue_order_t order[VENUE_ORDERS];
  int order_cnt;
  pmm_action_t request[VENUE_QUEUE];
  int request_cnt;
  pmm_event_t event[VENUE_QUEUE];
  int event_cnt;
  uint64_t trade_id;
  bool pending_settlement; /* fills settle later */
} venue_t;

static inline int64_t venue_open(const venue_order_t *o) { return o->total - o->filled; }

static inline venue_order_t *venue_find(venue_t *v, uint64_t id) {
  for (int i = 0; i < v->order_cnt; i++)
    if (v->order[i].id == id) return &v->order[i];
  return NULL;
}

static inline void venue_say(venue_t *v, pmm_event_t ev) {
  assert_true(v->event_cnt < VENUE_QUEUE);
  v->event[v->event_cnt++] = ev;
}

static inline void venue_say_about(venue_t *v, pmm_kind_t kind, const venue_order_t *o, int64_t qty_e6, int64_t amount_e6) {
  pmm_event_t ev = ev_order(kind, o->id);
  ev.md.qty_e6 = qty_e6;
  ev.md.price_e4 = o->price;
  ev.amount_e6 = amount_e6;
  ev.ref_id = o->id ^ 0xabc;
  venue_say(v, ev);
}

static inline void venue_take(venue_t *v, const world_t *w) {
  for (uint32_t i = 0; i < w->out.cnt; i++) {
    assert_true(v->request_cnt < VENUE_QUEUE);
    v->request[v->request_cnt++] = w->action[i];
  }
}

static inline pmm_action_t venue_pop_request(venue_t *v, int at) {
  pmm_action_t const a = v->request[at];
  memmove(&v->request[at], &v->request[at + 1], sizeof a * (size_t)(--v->request_cnt - at));
  return a;
}

static inline pmm_event_t venue_pop_event(venue_t *v, int at) {
  pmm_event_t const ev = v->event[at];
  memmove(&v->event[at], &v->event[at + 1], sizeof ev * (size_t)(--v->event_cnt - at));
  return ev;
}

static inline void venue_place(venue_t *v, const pmm_action_t *a) {
  assert_true(v->order_cnt < VENUE_ORDERS);
  assert_null(venue_find(v, a->order_id)); /* an id is never used twice */
  v->order[v->order_cnt++] = (venue_order_t){.id = a->order_id, .total = a->qty_e6, .price = a->price_e4, .slot = a->slot, .route = a->route, .alive = true};
  venue_say_about(v, PMM_EV_ACK, &v->order[v->order_cnt - 1], a->qty_e6, 0);
}

static inline void venue_cancel(venue_t *v, const pmm_action_t *a) {
  venue_order_t *const o = venue_find(v, a->order_id);
  if (!o || !o->alive) {
    venue_say(v, ev_order(PMM_EV_CANCEL_REJECT, a->order_id));
    return;
  }
  o->alive = false;
  venue_say_about(v, PMM_EV_CANCELLED, o, venue_open(o), 0);
}

static inline void venue_amend(venue_t *v, const pmm_action_t *a) {
  venue_order_t *const o = venue_find(v, a->order_id);
  if (!o || !o->alive) {
    pmm_event_t ev = ev_order(PMM_EV_AMEND_REJECT, a->order_id);
    ev.md.aux = PMM_REJECT_UNKNOWN_ORDER;
    venue_say(v, ev);
    return;
  }
  o->total = o->filled + pmm_min64(venue_open(o), a->qty_e6);
  venue_say_about(v, PMM_EV_AMENDED, o, venue_open(o), o->filled);
}

/* The venue takes up a request. */
static inline void venue_process(venue_t *v, int at) {
  pmm_action_t const a = venue_pop_request(v, at);
  if (a.kind == PMM_ACT_PLACE) venue_place(v, &a);
  else if (a.kind == PMM_ACT_CANCEL) venue_cancel(v, &a);
  else venue_amend(v, &a);
}

static inline void venue_refuse(venue_t *v, int at) {
  pmm_action_t const a = venue_pop_request(v, at);
  venue_say(v, ev_order(PMM_EV_REJECT, a.order_id));
}

static inline void venue_lose_request(venue_t *v, int at) {
  pmm_action_t const a = venue_pop_request(v, at);
  venue_say(v, ev_order(PMM_EV_LOST, a.order_id));
}

static inline bool is_trade_event(const pmm_event_t *ev) {
  return ev->md.kind == PMM_EV_FILL || ev->md.kind == PMM_EV_SETTLED || ev->md.kind == PMM_EV_SETTLE_FAILED;
}

/* An answer is lost on its way; fills and settlements are only put off. */
static inline void venue_lose_event(venue_t *v, int at) {
  pmm_event_t const ev = venue_pop_event(v, at);
  venue_say(v, is_trade_event(&ev) ? ev : ev_order(PMM_EV_LOST, ev.order_id));
}

static inline void venue_fill(venue_t *v, venue_order_t *o, int64_t qty_e6, int64_t fee_e6) {
  o->filled += qty_e6;
  if (venue_open(o) == 0) o->alive = false;
  pmm_event_t ev = ev_fill(o->id, ++v->trade_id, o->price, qty_e6, fee_e6);
  if (v->pending_settlement) ev.md.aux = PMM_SETTLE_PENDING;
  venue_say(v, ev);
}

static inline void venue_expire(venue_t *v, venue_order_t *o) {
  o->alive = false;
  venue_say_about(v, PMM_EV_EXPIRED, o, venue_open(o), 0);
}

/* Answers a reconciliation. */
static inline void venue_tell(venue_t *v, uint64_t id) {
  venue_order_t *const o = venue_find(v, id);
  pmm_event_t ev = ev_order(PMM_EV_ORDER_STATE, id);
  if (o) {
    ev.md.qty_e6 = o->alive ? venue_open(o) : 0;
    ev.amount_e6 = o->filled;
  }
  venue_say(v, ev);
}
#endif
