/* Orders: from actions to requests and from answers to events. An order's id is the hash it was signed with, known before it is sent; what
   an answer leaves open is settled by asking for that id, never by sending again. */
#include <stdio.h>
#include <stdlib.h>
#include "adapter.h"
#include "pmm/arena.h"
#include "pmm/hash.h"

#define BUCKETS (PMM_VENUE_ORDERS_MAX * 2)
#define LOOK_AFTER_CANCEL_NS (500 * PMM_NS_PER_MS) /* the user channel tells first, as a rule */
#define LOOK_AFTER_MATCH_NS (400 * PMM_NS_PER_MS)
#define LOOK_AGAIN_NS PMM_NS_PER_S
#define LOOKS_MAX 3                  /* times the venue must not know an order before it counts as gone */
#define GTD_LEAD_S 60                /* the venue stops an order so long before the time it carries */
#define GTD_MIN_S 180                /* and wants that time at least so far ahead */

/* -- the table -- */
pmm_status_t pmm__orders_init(pmm__poly_t *p, pmm_error_t *err) {
  int64_t const now = pmm_net_mono(p->net);
  p->order = calloc(PMM_VENUE_ORDERS_MAX, sizeof *p->order);
  p->by_id = calloc(BUCKETS, sizeof *p->by_id);
  p->by_word = calloc(BUCKETS, sizeof *p->by_word);
  p->fill = calloc(PMM__FILLS_MAX, sizeof *p->fill);
  p->by_fill = calloc(PMM__FILLS_MAX * 2, sizeof *p->by_fill);
  if (!p->order || !p->by_id || !p->by_word || !p->fill || !p->by_fill) return pmm_error_set(err, PMM_FULL, "out of memory");
  pmm_pages_touch(p->order, PMM_VENUE_ORDERS_MAX * sizeof *p->order);
  pmm_pages_touch(p->by_id, BUCKETS * sizeof *p->by_id);
  pmm_pages_touch(p->by_word, BUCKETS * sizeof *p->by_word);
  pmm_pages_touch(p->fill, PMM__FILLS_MAX * sizeof *p->fill);
  pmm_pages_touch(p->by_fill, PMM__FILLS_MAX * 2 * sizeof *p->by_fill);
  for (uint32_t i = PMM_VENUE_ORDERS_MAX; i-- > 0;) {
    p->order[i].next = p->free_head;
    p->free_head = i + 1;
  }
  /* Tokens a second and at most of the venue's lowest tier; a tenth of the cancels is kept for cancelling everything. */
  pmm_bucket_init(&p->bucket_order, 40, 60, 0, 0, now);
  pmm_bucket_init(&p->bucket_cancel, 80, 120, 12, 0, now);
  return pmm__seals_init(p, err);
}

void pmm__poly_orders_free(pmm__poly_t *p) {
  free(p->order);
  free(p->by_id);
  free(p->by_word);
  free(p->fill);
  free(p->by_fill);
  pmm__seals_free(p);
}

static uint32_t index_of(const pmm__poly_t *p, const pmm__order_t *o) { return (uint32_t)(o - p->order); }

static uint32_t *id_bucket(const pmm__poly_t *p, uint64_t order_id) { return &p->by_id[pmm_hash_order(order_id) & (BUCKETS - 1)]; }

static uint32_t *word_bucket(const pmm__poly_t *p, const pmm_poly_word_t *id) { /* a hash already */
  uint32_t h;
  memcpy(&h, id->b, sizeof h);
  return &p->by_word[h & (BUCKETS - 1)];
}

pmm__order_t *pmm__order_by_id(pmm__poly_t *p, uint64_t order_id) {
  for (uint32_t n = *id_bucket(p, order_id); n != 0; n = p->order[n - 1].next_id)
    if (p->order[n - 1].order_id == order_id) return &p->order[n - 1];
  return NULL;
}

pmm__order_t *pmm__order_by_word(pmm__poly_t *p, const pmm_poly_word_t *id) {
  for (uint32_t n = *word_bucket(p, id); n != 0; n = p->order[n - 1].next_word)
    if (pmm_poly_word_eq(&p->order[n - 1].id, id)) return &p->order[n - 1];
  return NULL;
}

static void unlink_id(pmm__poly_t *p, pmm__order_t *o) {
  for (uint32_t *at = id_bucket(p, o->order_id); *at != 0; at = &p->order[*at - 1].next_id)
    if (*at == index_of(p, o) + 1) {
      *at = o->next_id;
      return;
    }
}

static void unlink_word(pmm__poly_t *p, pmm__order_t *o) {
  for (uint32_t *at = word_bucket(p, &o->id); *at != 0; at = &p->order[*at - 1].next_word)
    if (*at == index_of(p, o) + 1) {
      *at = o->next_word;
      return;
    }
}

/* By its id it is found from now on. */
static void link_word(pmm__poly_t *p, pmm__order_t *o) {
  uint32_t *const bucket = word_bucket(p, &o->id);
  char hex[PMM_POLY_HEX_WORD];
  o->ref = pmm_venue_ref(hex, pmm_poly_hex(o->id.b, sizeof o->id.b, hex));
  o->next_word = *bucket;
  *bucket = index_of(p, o) + 1;
}

/* The longest done gives up its place when none is free. */
static pmm__order_t *take_place(pmm__poly_t *p) {
  uint32_t const n = p->free_head ? p->free_head : p->done_head;
  if (n == 0) return NULL;
  pmm__order_t *const o = &p->order[n - 1];
  if (p->free_head) {
    p->free_head = o->next;
    return o;
  }
  p->done_head = o->next;
  if (p->done_head == 0) p->done_tail = 0;
  unlink_id(p, o);
  unlink_word(p, o);
  return o;
}

pmm__order_t *pmm__poly_order_add(pmm__poly_t *p, uint64_t order_id, uint32_t market, const pmm_poly_word_t *id) {
  pmm__order_t *const o = take_place(p);
  if (!o) return NULL;
  uint32_t *const bucket = id_bucket(p, order_id);
  *o = (pmm__order_t){.order_id = order_id, .market = market, .next_id = *bucket};
  *bucket = index_of(p, o) + 1;
  if (id) {
    o->id = *id;
    link_word(p, o);
    pmm__seals_add(p, o);
  }
  p->order_cnt++;
  return o;
}

static void stop_looking(pmm__poly_t *p, pmm__order_t *o) {
  if (o->look_ns != 0) p->look_cnt--;
  o->look_ns = 0;
}

void pmm__order_done(pmm__poly_t *p, pmm__order_t *o) {
  if (o->state == PMM__ORDER_DONE) return;
  stop_looking(p, o);
  pmm__seals_remove(p, o);
  o->state = PMM__ORDER_DONE;
  o->done_ns = pmm_net_mono(p->net);
  o->next = 0;
  if (p->done_tail) p->order[p->done_tail - 1].next = index_of(p, o) + 1;
  else p->done_head = index_of(p, o) + 1;
  p->done_tail = index_of(p, o) + 1;
  p->order_cnt--;
}

void pmm__order_look(pmm__poly_t *p, pmm__order_t *o, int64_t after_ns) {
  int64_t const at = pmm_net_mono(p->net) + after_ns;
  if (o->state == PMM__ORDER_DONE || (o->look_ns != 0 && o->look_ns <= at)) return;
  if (o->look_ns == 0) p->look_cnt++;
  o->look_ns = at;
}

uint64_t pmm__orders_in_flight(const pmm__poly_t *p) {
  uint64_t cnt = p->fills_pending;
  for (uint32_t i = 0; i < PMM_VENUE_ORDERS_MAX; i++) {
    const pmm__order_t *const o = &p->order[i];
    cnt += o->state == PMM__ORDER_SENT || o->state == PMM__ORDER_LOST || (o->state == PMM__ORDER_LIVE && (o->cancel_sent || o->filled_e6 != o->matched_e6));
  }
  return cnt;
}

/* -- events -- */
void pmm__poly_emit(pmm__poly_t *p, pmm_kind_t kind, const pmm__order_t *o, int64_t qty_e6, int64_t amount_e6, uint8_t aux) {
  pmm_event_t ev = {.order_id = o->order_id, .amount_e6 = amount_e6};
  ev.md = (pmm_md_t){.recv_ns = pmm_net_now(p->net), .exch_ns = PMM_TIME_NONE, .qty_e6 = qty_e6, .price_e4 = o->price_e4, .market = p->first + o->market,
                     .kind = (uint8_t)kind, .side = (uint8_t)pmm_route_side((pmm_route_t)o->route), .flags = PMM_F_LAST, .aux = aux};
  ev.ref_id = o->ref;
  p->sink.account(p->sink.ctx, &ev);
}

static void acked(pmm__poly_t *p, pmm__order_t *o) {
  if (o->state != PMM__ORDER_SENT) return;
  o->state = PMM__ORDER_LIVE;
  pmm__poly_emit(p, PMM_EV_ACK, o, o->qty_e6, 0, 0);
}

static void rejected(pmm__poly_t *p, pmm__order_t *o, pmm_reject_t reason) {
  if (reason == PMM_REJECT_FUNDS && pmm_route_is_sell((pmm_route_t)o->route)) reason = PMM_REJECT_SHARES;
  pmm__poly_emit(p, PMM_EV_REJECT, o, 0, 0, (uint8_t)reason);
  pmm__order_done(p, o);
}

/* What came of a request is open: the venue is asked. */
static void lost(pmm__poly_t *p, pmm__order_t *o, int64_t after_ns) {
  if (o->state == PMM__ORDER_DONE) return;
  if (o->state != PMM__ORDER_LOST) pmm__poly_emit(p, PMM_EV_LOST, o, 0, 0, 0);
  o->state = PMM__ORDER_LOST;
  o->looks = 0;
  pmm__order_look(p, o, after_ns);
}

/* -- actions -- */
static void refuse_action(pmm__poly_t *p, const pmm_action_t *a, pmm_kind_t kind, pmm_reject_t reason) {
  pmm_event_t const ev = {.order_id = a->order_id, .md = {.recv_ns = pmm_net_now(p->net), .exch_ns = PMM_TIME_NONE, .price_e4 = a->price_e4, .market = a->market,
                          .kind = (uint8_t)kind, .side = (uint8_t)pmm_route_side((pmm_route_t)a->route), .flags = PMM_F_LAST, .aux = (uint8_t)reason}};
  p->sink.account(p->sink.ctx, &ev);
}

static bool push(uint32_t *queue, uint32_t head, uint32_t *cnt, uint32_t value) {
  if (*cnt == PMM__QUEUE_MAX) return false;
  queue[(head + (*cnt)++) % PMM__QUEUE_MAX] = value;
  return true;
}

static pmm_reject_t why_not(const pmm__poly_t *p, const pmm_action_t *a) {
  uint32_t const market = a->market - p->first;
  if (market >= p->market_cnt || p->stage != PMM__RUNNING || !p->hmac_ready) return PMM_REJECT_CLOSED;
  if (p->phase == PMM_PHASE_CANCEL_ONLY || (p->phase == PMM_PHASE_POST_ONLY && !(a->flags & PMM_ACT_POST_ONLY))) return PMM_REJECT_PHASE;
  if (a->qty_e6 <= 0) return PMM_REJECT_SIZE;
  if (a->tif == PMM_GTD && a->expire_ns / PMM_NS_PER_S + GTD_LEAD_S < pmm__venue_now(p) / PMM_NS_PER_S + GTD_MIN_S) return PMM_REJECT_EXPIRY;
  return PMM_REJECT_NONE;
}

static void place(pmm__poly_t *p, const pmm_action_t *a) {
  pmm_reject_t reason = why_not(p, a);
  pmm__order_t *o = NULL;
  if (reason == PMM_REJECT_NONE && pmm__order_by_id(p, a->order_id)) reason = PMM_REJECT_DUPLICATE;
  if (reason == PMM_REJECT_NONE && (p->queue_cnt == PMM__QUEUE_MAX || !(o = pmm__poly_order_add(p, a->order_id, a->market - p->first, NULL)))) reason = PMM_REJECT_FULL;
  if (!o) {
    refuse_action(p, a, PMM_EV_REJECT, reason);
    return;
  }
  o->route = a->route;
  o->tif = a->tif;
  o->post_only = (a->flags & PMM_ACT_POST_ONLY) != 0;
  o->price_e4 = a->price_e4;
  o->qty_e6 = a->qty_e6;
  o->sent_ns = a->expire_ns; /* until it is sent */
  o->state = PMM__ORDER_SENT;
  o->held = true;
  (void)push(p->queue, p->queue_head, &p->queue_cnt, index_of(p, o));
}

static void cancel(pmm__poly_t *p, const pmm_action_t *a) {
  pmm__order_t *const o = pmm__order_by_id(p, a->order_id);
  if (!o || o->state == PMM__ORDER_DONE) {
    refuse_action(p, a, PMM_EV_CANCEL_REJECT, PMM_REJECT_UNKNOWN_ORDER);
    return;
  }
  if (o->held) { /* never left: flush drops it */
    o->held = false;
    pmm__poly_emit(p, PMM_EV_CANCELLED, o, o->qty_e6, 0, PMM_REJECT_USER);
    pmm__order_done(p, o);
    return;
  }
  o->cancel_wanted = true;
  if (o->state == PMM__ORDER_SENT) return; /* until the answer: a cancel that overtakes its order finds nothing */
  if (!push(p->cancel_queue, p->cancel_head, &p->cancel_cnt, index_of(p, o))) refuse_action(p, a, PMM_EV_CANCEL_REJECT, PMM_REJECT_RATE);
}

void pmm__orders_submit(pmm__poly_t *p, const pmm_action_t *action, size_t cnt) {
  for (size_t i = 0; i < cnt; i++) {
    if (action[i].kind == PMM_ACT_PLACE) place(p, &action[i]);
    else if (action[i].kind == PMM_ACT_CANCEL) cancel(p, &action[i]);
    else refuse_action(p, &action[i], PMM_EV_AMEND_REJECT, PMM_REJECT_NONE); /* the venue has no amend */
  }
  pmm__orders_flush(p);
}

/* -- sending cancels -- */
static bool wants_cancel(const pmm__order_t *o) { return o->cancel_wanted && !o->cancel_sent && (o->state == PMM__ORDER_LIVE || o->state == PMM__ORDER_LOST); }

/* list: by rising index, as they are signed ahead. */
static bool send_cancels(pmm__poly_t *p, const uint32_t *list, uint32_t cnt) {
  size_t const len = pmm__cancel_body(p, list, cnt);
  pmm__request_t *const request = pmm__send(p, &(pmm__send_t){.call = PMM__CALL_CANCEL, .auth = PMM__SIGNED, .method = "DELETE", .base = p->rest,
                                                              .path = pmm__cancel_path(cnt), .body = p->body, .body_len = len, .seal = pmm__seal_of(p, list, cnt)});
  if (!request) return false;
  request->cnt = cnt;
  for (uint32_t i = 0; i < cnt; i++) {
    request->order[i] = list[i];
    p->order[list[i]].cancel_sent = true;
    pmm__seals_remove(p, &p->order[list[i]]);
  }
  return true;
}

static void flush_later(pmm__poly_t *p, int64_t now, int64_t when) {
  if (when == PMM_NS_MAX) when = now + PMM_NS_PER_S;
  pmm_net_timer_set(p->net, &p->flush, when > now ? when : now + PMM_NS_PER_MS);
}

static void flush_cancels(pmm__poly_t *p, int64_t now) {
  while (p->cancel_cnt > 0) {
    uint32_t list[PMM_POLY_CANCELS_MAX], cnt = 0, seen = 0;
    for (; seen < p->cancel_cnt && cnt < 100; seen++) {
      uint32_t const n = p->cancel_queue[(p->cancel_head + seen) % PMM__QUEUE_MAX];
      if (!wants_cancel(&p->order[n])) continue;
      if (!pmm_bucket_take(&p->bucket_cancel, 1, PMM_BUCKET_CANCEL, now)) break;
      pmm__put_sorted(list, &cnt, n);
    }
    if (cnt > 0 && !send_cancels(p, list, cnt)) {
      flush_later(p, now, now + 20 * PMM_NS_PER_MS);
      return;
    }
    p->cancel_head = (p->cancel_head + seen) % PMM__QUEUE_MAX;
    p->cancel_cnt -= seen;
    if (seen == 0) {
      flush_later(p, now, pmm_bucket_when(&p->bucket_cancel, 1, PMM_BUCKET_CANCEL, now));
      return;
    }
  }
}

/* -- sending orders -- */
/* *out: ready, valid until orders are signed ahead again, or made in room. */
static pmm_status_t make(pmm__poly_t *p, const pmm__order_t *o, pmm_poly_ready_t *room, const pmm_poly_ready_t **out) {
  pmm_poly_want_t const want = {o->market, o->route, o->price_e4, o->qty_e6};
  int const version = p->market[o->market].listing.version;
  pmm_poly_prepared_t *const store = p->prepared[version == 3];
  int64_t const now = pmm__venue_now(p);
  if (!store) return PMM_UNSUPPORTED;
  *out = room;
  if (o->tif == PMM_IOC || o->tif == PMM_FOK) return pmm_poly_order_make_taker(store, &want, pmm_net_random(p->net), now, room);
  if (o->tif == PMM_GTD) return pmm_poly_order_make(store, &want, o->sent_ns / PMM_NS_PER_S + GTD_LEAD_S, pmm_net_random(p->net), now, room);
  const pmm_poly_ready_t *const ready = pmm_poly_prepared_take(store, &want, now);
  if (!ready) return pmm_poly_order_make(store, &want, 0, pmm_net_random(p->net), now, room);
  *out = ready;
  return PMM_OK;
}

/* The same size is likely to be wanted again, here and a few steps away. By now the order may be another one: a likely one as well. */
static void want_more(pmm__poly_t *p, const pmm__order_t *o) {
  pmm__market_t *const m = &p->market[o->market];
  pmm_poly_prepared_t *const store = p->prepared[m->listing.version == 3];
  int32_t const tick = m->listing.market.grid.tick_e4;
  int64_t const now = pmm__venue_now(p);
  if (!store || o->tif != PMM_GTC || p->params.prepared == 0) return;
  for (int32_t step = -2; step <= 2; step++) {
    pmm_poly_want_t const want = {o->market, o->route, o->price_e4 + step * tick, o->qty_e6};
    if (want.price_e4 > 0 && want.price_e4 < PMM_ONE_E4) pmm_poly_prepared_want(store, &want, now);
  }
}

void pmm__orders_foresee(pmm__poly_t *p) {
  for (uint32_t i = 0; i < p->hint_cnt; i++) want_more(p, &p->order[p->hint[i]]);
  p->hint_cnt = 0;
}

/* The place that the next order will take; the table is larger than the caches near by. */
static void want_place(const pmm__poly_t *p) {
  uint32_t const n = p->free_head ? p->free_head : p->done_head;
  if (n == 0) return;
  pmm_lines_want(&p->order[n - 1], sizeof *p->order);
  pmm_lines_want(&p->cancel_seal[n - 1], sizeof *p->cancel_seal);
}

/* Thought about when nothing else is to be done. */
static void hint(pmm__poly_t *p, uint32_t order) {
  int64_t const soon = pmm_net_mono(p->net) + PMM_NS_PER_MS;
  if (p->hint_cnt < PMM__HINTS_MAX) p->hint[p->hint_cnt++] = order;
  if (p->refill.heap == 0 || p->refill.at_ns > soon) pmm_net_timer_set(p->net, &p->refill, soon); /* it may be asleep for half a second */
}

typedef struct posting { pmm_poly_post_t post[PMM_POLY_BATCH_MAX]; const pmm_poly_ready_t *ready[PMM_POLY_BATCH_MAX]; uint32_t order[PMM_POLY_BATCH_MAX], cnt; } posting_t;

static void collect(pmm__poly_t *p, posting_t *out, uint32_t max, int64_t now) {
  out->cnt = 0;
  while (p->queue_cnt > 0 && out->cnt < max) {
    pmm__order_t *const o = &p->order[p->queue[p->queue_head]];
    bool const dropped = o->state != PMM__ORDER_SENT || !o->held;
    if (!dropped && !pmm_bucket_take(&p->bucket_order, 1, PMM_BUCKET_NORMAL, now)) {
      flush_later(p, now, pmm_bucket_when(&p->bucket_order, 1, PMM_BUCKET_NORMAL, now));
      break;
    }
    p->queue_head = (p->queue_head + 1) % PMM__QUEUE_MAX;
    p->queue_cnt--;
    if (dropped) continue;
    o->held = false;
    const pmm_poly_ready_t *ready;
    pmm_status_t const st = make(p, o, &p->made[out->cnt], &ready);
    if (st != PMM_OK) {
      pmm__poly_note(p, PMM_NOTE, "reject", o->market, "order cannot be signed: %s", pmm_status_to_string(st));
      rejected(p, o, st == PMM_INVAL ? PMM_REJECT_PRICE : PMM_REJECT_CLOSED);
      continue;
    }
    out->post[out->cnt] = (pmm_poly_post_t){ready->json, ready->json_len, (pmm_tif_t)o->tif, o->post_only, false};
    out->ready[out->cnt] = ready;
    out->order[out->cnt++] = index_of(p, o);
  }
}

/* What sending them leaves to be done waits until all have left: the places it touches are rarely in the caches, and an answer comes later still. */
static void settle_posted(pmm__poly_t *p) {
  while (p->posted_cnt > 0) {
    uint32_t const n = p->posted[--p->posted_cnt];
    link_word(p, &p->order[n]);
    pmm__seals_add(p, &p->order[n]);
    hint(p, n);
  }
  want_place(p);
}

static void send_orders(pmm__poly_t *p, const posting_t *all) {
  bool const one = all->cnt == 1, sealed = one && all->post->tif == PMM_GTC && all->post->post_only;
  size_t const len = one ? pmm_poly_body_order(all->post, p->credentials->key, p->body, sizeof p->body)
                         : pmm_poly_body_orders(all->post, all->cnt, p->credentials->key, p->body, sizeof p->body);
  pmm__request_t *const request = len == 0 ? NULL : pmm__send(p, &(pmm__send_t){.call = PMM__CALL_POST, .auth = PMM__SIGNED, .method = "POST", .base = p->rest,
                                                                                .path = one ? "/order" : "/orders", .body = p->body, .body_len = len,
                                                                                .seal = sealed ? &all->ready[0]->seal : NULL});
  for (uint32_t i = 0; i < all->cnt; i++) {
    pmm__order_t *const o = &p->order[all->order[i]];
    if (!request) {
      rejected(p, o, PMM_REJECT_RATE); /* nothing left this machine */
      continue;
    }
    request->order[request->cnt++] = all->order[i];
    o->id = all->ready[i]->id;
    o->sent_ns = pmm_net_mono(p->net);
    o->sent_seq = request->sent_seq;
    if (p->posted_cnt == PMM__QUEUE_MAX) settle_posted(p);
    p->posted[p->posted_cnt++] = all->order[i];
  }
}

void pmm__orders_flush(pmm__poly_t *p) {
  int64_t const now = pmm_net_mono(p->net);
  uint32_t const max = p->params.batch_max < PMM_POLY_BATCH_MAX ? (uint32_t)p->params.batch_max : PMM_POLY_BATCH_MAX;
  flush_cancels(p, now);
  while (p->queue_cnt > 0) {
    posting_t all;
    if (!pmm__can_send(p)) {
      flush_later(p, now, now + 20 * PMM_NS_PER_MS);
      break;
    }
    collect(p, &all, max > 0 ? max : 1, now);
    if (all.cnt == 0) break;
    send_orders(p, &all);
  }
  if (p->posted_cnt > 0) settle_posted(p);
}

/* -- what the venue tells of an order -- */
/* It is gone; fills it had may still be under way. */
static void closed(pmm__poly_t *p, pmm__order_t *o, uint8_t aux) {
  int64_t const open = o->qty_e6 - o->matched_e6;
  if (o->closed || o->state == PMM__ORDER_DONE) return;
  o->closed = true;
  stop_looking(p, o);
  if (open > 0) pmm__poly_emit(p, PMM_EV_CANCELLED, o, open, 0, aux);
  if (o->filled_e6 >= o->matched_e6) pmm__order_done(p, o);
  else p->reconcile_ns = pmm_net_mono(p->net); /* reads the trades that are missing */
}

static uint8_t reason_of(const pmm__order_t *o, uint8_t state) {
  if (state == PMM_POLY_ORDER_RESOLVED) return PMM_REJECT_SETTLED;
  return o->tif == PMM_IOC ? PMM_REJECT_IOC : o->tif == PMM_FOK ? PMM_REJECT_FOK : PMM_REJECT_USER;
}

static bool is_gone(const pmm_poly_user_order_t *told) {
  return told->event == PMM_POLY_CANCELLATION || told->state == PMM_POLY_ORDER_CANCELED || told->state == PMM_POLY_ORDER_RESOLVED || told->state == PMM_POLY_ORDER_INVALID;
}

/* A lost order is found, resting or gone: that is told as a state, because the driver counted it as unknown. */
static void found(pmm__poly_t *p, pmm__order_t *o, const pmm_poly_user_order_t *told) {
  bool const gone = is_gone(told) || o->matched_e6 >= told->size_e6;
  int64_t const open = gone ? 0 : o->qty_e6 - o->matched_e6;
  stop_looking(p, o);
  o->state = PMM__ORDER_LIVE;
  pmm__poly_emit(p, PMM_EV_ORDER_STATE, o, open > 0 ? open : 0, o->matched_e6, 0);
  if (open > 0) {
    o->cancel_sent = false;
    pmm__seals_add(p, o);
    if (o->cancel_wanted) (void)push(p->cancel_queue, p->cancel_head, &p->cancel_cnt, index_of(p, o));
    return;
  }
  o->closed = true;
  if (o->filled_e6 >= o->matched_e6) pmm__order_done(p, o);
  else p->reconcile_ns = pmm_net_mono(p->net);
}

void pmm__orders_heard(pmm__poly_t *p, const pmm_poly_user_order_t *told) {
  pmm__order_t *const o = pmm__order_by_word(p, &told->id);
  if (!o || o->state == PMM__ORDER_DONE) return;
  if (told->matched_e6 > o->matched_e6) o->matched_e6 = told->matched_e6;
  o->looks = 0;
  if (o->state == PMM__ORDER_LOST) found(p, o, told);
  else {
    if (told->event != PMM_POLY_CANCELLATION) acked(p, o);
    if (is_gone(told)) closed(p, o, reason_of(o, told->state));
    else if (o->matched_e6 >= told->size_e6) { /* filled: a BUY by collateral may have got more, or in dust less, than asked for */
      if (o->qty_e6 > o->matched_e6) closed(p, o, reason_of(o, told->state));
      else if (o->filled_e6 >= o->matched_e6) pmm__order_done(p, o);
    }
  }
  if (wants_cancel(o) && !o->closed) (void)push(p->cancel_queue, p->cancel_head, &p->cancel_cnt, index_of(p, o));
  if (p->cancel_cnt > 0) pmm__orders_flush(p);
}

/* -- answers -- */
static void react(pmm__poly_t *p, const pmm_poly_answer_t *answer, int32_t retry_s) {
  if (answer->restarting) {
    p->restart_backoff_ns = p->restart_backoff_ns == 0 ? PMM_NS_PER_S : pmm_min64(p->restart_backoff_ns * 2, 30 * PMM_NS_PER_S);
    pmm__set_phase(p, PMM_PHASE_CANCEL_ONLY, pmm_max64(p->restart_backoff_ns, retry_s * PMM_NS_PER_S));
  } else if (answer->cancel_only) pmm__set_phase(p, PMM_PHASE_CANCEL_ONLY, pmm_max64(retry_s, 10) * PMM_NS_PER_S);
  else if (answer->post_only) pmm__set_phase(p, PMM_PHASE_POST_ONLY, pmm_max64(retry_s, 5) * PMM_NS_PER_S);
  if (answer->version_mismatch) pmm__read_version(p);
}

static void take_answer(pmm__poly_t *p, pmm__order_t *o, const pmm_poly_answer_t *answer) {
  if (o->state == PMM__ORDER_DONE) return;
  if (answer->placed == PMM_POLY_PLACED_REFUSED) {
    if (answer->ambiguous || answer->reason == PMM_REJECT_DUPLICATE) lost(p, o, 0); /* "Duplicated": it is there */
    else if (o->state == PMM__ORDER_SENT) {
      pmm__poly_note(p, PMM_NOTE, "reject", o->market, "order refused: %s", answer->text);
      rejected(p, o, (pmm_reject_t)answer->reason);
    }
    react(p, answer, 0);
    return;
  }
  if (answer->has_id && !pmm_poly_word_eq(&answer->id, &o->id)) pmm__poly_note(p, PMM_ALERT, "order-id", o->market, "an order came back under another id than it was signed with");
  p->restart_backoff_ns = 0;
  acked(p, o);
  if (o->tif == PMM_IOC || o->tif == PMM_FOK || answer->placed != PMM_POLY_PLACED_LIVE) pmm__order_look(p, o, LOOK_AFTER_MATCH_NS);
  if (wants_cancel(o)) (void)push(p->cancel_queue, p->cancel_head, &p->cancel_cnt, index_of(p, o));
}

static int64_t retry_after(const pmm_http_response_t *response, int32_t told_s) {
  const char *const header = response->status == PMM_OK ? pmm_http_header(response, "Retry-After") : NULL;
  long const s = header ? strtol(header, NULL, 10) : told_s;
  return s > 0 && s < 86400 ? s : 0;
}

static void posts_refused(pmm__poly_t *p, const pmm__request_t *request, const pmm_http_response_t *response) {
  const pmm_json_node_t *const root = pmm__parse(p, response);
  pmm_poly_answer_t answer;
  int32_t told_s;
  pmm_poly_read_refusal(response->http, root, response->body, response->body_len, &answer, &told_s);
  int64_t const wait_s = retry_after(response, told_s);
  if (response->http == 429) {
    int64_t const now = pmm_net_mono(p->net);
    pmm_bucket_drain(&p->bucket_order, now, now + pmm_max64(wait_s, 1) * PMM_NS_PER_S);
  }
  pmm__poly_note(p, PMM_WARN, "refused", PMM_NOTICE_NO_MARKET, "HTTP %d: %s", response->http, answer.text);
  for (uint32_t i = 0; i < request->cnt; i++) {
    pmm__order_t *const o = &p->order[request->order[i]];
    if (o->state == PMM__ORDER_DONE) continue;
    if (answer.ambiguous || answer.reason == PMM_REJECT_DUPLICATE) lost(p, o, 0);
    else if (o->state == PMM__ORDER_SENT) rejected(p, o, (pmm_reject_t)answer.reason);
  }
  react(p, &answer, (int32_t)wait_s);
}

static void answer_post(pmm__poly_t *p, const pmm__request_t *request, const pmm_http_response_t *response) {
  if (response->status == PMM_OK && response->http >= 400) {
    posts_refused(p, request, response);
    return;
  }
  pmm_poly_answer_t answer[PMM_POLY_BATCH_MAX];
  bool has[PMM_POLY_BATCH_MAX] = {false};
  const pmm_json_node_t *const root = pmm__is_ok(response) ? pmm__parse(p, response) : NULL;
  const pmm_json_node_t *e = root && request->cnt > 1 ? pmm_json_first(root) : root;
  for (uint32_t i = 0; i < request->cnt && e; i++) { /* all are read before any is acted on: the parser's memory may be used again */
    has[i] = pmm_poly_read_answer(e, &answer[i], NULL) == PMM_OK;
    e = request->cnt > 1 ? pmm_json_next(root, e) : NULL;
  }
  for (uint32_t i = 0; i < request->cnt; i++) {
    pmm__order_t *const o = &p->order[request->order[i]];
    if (has[i]) take_answer(p, o, &answer[i]);
    else if (response->unsent && o->state == PMM__ORDER_SENT) rejected(p, o, PMM_REJECT_RATE);
    else lost(p, o, 0);
  }
}

typedef struct cancels { pmm__poly_t *p; pmm_poly_word_t id[PMM_POLY_CANCELS_MAX]; uint8_t what[PMM_POLY_CANCELS_MAX]; uint32_t cnt; } cancels_t;

static void note_cancel(void *ctx, const pmm_poly_word_t *id, pmm_poly_cancelled_t what) {
  cancels_t *const c = ctx;
  if (c->cnt == PMM_POLY_CANCELS_MAX) return;
  c->id[c->cnt] = *id;
  c->what[c->cnt++] = (uint8_t)what;
}

/* How much of it was filled the user channel tells; without it, or when it is silent, a look does. */
static void take_cancel(pmm__poly_t *p, pmm__order_t *o, pmm_poly_cancelled_t what) {
  if (o->state == PMM__ORDER_DONE || o->closed) return;
  if (what == PMM_POLY_CANCEL_DONE) {
    pmm__order_look(p, o, p->socket[0].conn ? LOOK_AFTER_CANCEL_NS : 0);
    return;
  }
  pmm__poly_emit(p, PMM_EV_CANCEL_REJECT, o, 0, 0, PMM_REJECT_UNKNOWN_ORDER);
  o->state = PMM__ORDER_LOST;
  pmm__order_look(p, o, 0);
}

static void cancels_failed(pmm__poly_t *p, const pmm__request_t *request, const pmm_http_response_t *response) {
  bool const limited = response->status == PMM_OK && (response->http == 429 || response->http == 425);
  if (limited) {
    int64_t const now = pmm_net_mono(p->net);
    pmm_bucket_drain(&p->bucket_cancel, now, now + pmm_max64(retry_after(response, 0), 1) * PMM_NS_PER_S);
  }
  for (uint32_t i = 0; i < request->cnt; i++) {
    pmm__order_t *const o = &p->order[request->order[i]];
    o->cancel_sent = false;
    if (o->state == PMM__ORDER_DONE || o->closed) continue;
    pmm__seals_add(p, o);
    if (limited || response->unsent) (void)push(p->cancel_queue, p->cancel_head, &p->cancel_cnt, request->order[i]);
    else lost(p, o, 0);
  }
  if (p->cancel_cnt > 0) flush_later(p, pmm_net_mono(p->net), pmm_net_mono(p->net) + 100 * PMM_NS_PER_MS);
}

static void answer_cancel(pmm__poly_t *p, const pmm__request_t *request, const pmm_http_response_t *response) {
  cancels_t got = {.p = p};
  const pmm_json_node_t *const root = pmm__is_ok(response) ? pmm__parse(p, response) : NULL;
  if (!root || pmm_poly_read_cancels(root, note_cancel, &got, NULL) != PMM_OK) {
    cancels_failed(p, request, response);
    return;
  }
  for (uint32_t i = 0; i < got.cnt; i++) {
    pmm__order_t *const o = pmm__order_by_word(p, &got.id[i]);
    if (o) take_cancel(p, o, (pmm_poly_cancelled_t)got.what[i]);
  }
}

/* -- looks -- */
static void look(pmm__poly_t *p, pmm__order_t *o) {
  char path[128] = "/data/order/";
  pmm_poly_hex(o->id.b, sizeof o->id.b, path + strlen(path));
  if (pmm__send(p, &(pmm__send_t){.call = PMM__CALL_LOOK, .auth = PMM__SIGNED, .method = "GET", .base = p->rest, .path = path, .retries = 1, .arg = index_of(p, o)}))
    stop_looking(p, o);
  else o->look_ns = pmm_net_mono(p->net) + LOOK_AGAIN_NS;
}

/* The venue does not know it: it never came, or is no longer listed. One answer is not enough, the order may still be on its way. */
static void not_found(pmm__poly_t *p, pmm__order_t *o) {
  if (++o->looks < LOOKS_MAX) {
    pmm__order_look(p, o, LOOK_AGAIN_NS);
    return;
  }
  pmm__poly_emit(p, PMM_EV_ORDER_STATE, o, 0, o->matched_e6, 0);
  o->closed = true;
  if (o->filled_e6 >= o->matched_e6) pmm__order_done(p, o);
  else p->reconcile_ns = pmm_net_mono(p->net);
}

static void answer_look(pmm__poly_t *p, const pmm__request_t *request, const pmm_http_response_t *response) {
  pmm__order_t *const o = &p->order[request->arg];
  const pmm_json_node_t *root = pmm__is_ok(response) ? pmm__parse(p, response) : NULL;
  pmm_poly_user_order_t told;
  if (o->state == PMM__ORDER_DONE || o->closed) return;
  if (root && pmm_json_get(root, "order")) root = pmm_json_get(root, "order");
  if (root && root->type == PMM_JSON_OBJECT && pmm_poly_read_order(p->codec, root, &told, NULL) == PMM_OK && pmm_poly_word_eq(&told.id, &o->id)) {
    bool const resting = !is_gone(&told) && told.matched_e6 < told.size_e6;
    pmm__orders_heard(p, &told);
    if (resting && o->state == PMM__ORDER_LIVE && (o->tif == PMM_IOC || o->tif == PMM_FOK || o->cancel_sent)) pmm__order_look(p, o, LOOK_AGAIN_NS); /* not decided yet */
    return;
  }
  bool const answered = response->status == PMM_OK && (response->http == 404 || response->http == 400 || pmm__is_ok(response));
  if (answered) not_found(p, o);
  else pmm__order_look(p, o, LOOK_AGAIN_NS);
}

void pmm__orders_beat(pmm__poly_t *p, int64_t now_ns) {
  int budget = 16; /* looks a beat */
  for (uint32_t i = 0; i < PMM_VENUE_ORDERS_MAX && p->look_cnt > 0 && budget > 0; i++)
    if (p->order[i].look_ns != 0 && p->order[i].look_ns <= now_ns) {
      look(p, &p->order[i]);
      budget--;
    }
}

/* -- many at once -- */
void pmm__orders_cancel_market(pmm__poly_t *p, uint32_t market) {
  for (uint32_t i = 0; i < PMM_VENUE_ORDERS_MAX; i++) {
    pmm__order_t *const o = &p->order[i];
    if ((o->state != PMM__ORDER_LIVE && o->state != PMM__ORDER_SENT && o->state != PMM__ORDER_LOST) || o->market != market || o->cancel_wanted || o->held) continue;
    o->cancel_wanted = true;
    if (o->state != PMM__ORDER_SENT) (void)push(p->cancel_queue, p->cancel_head, &p->cancel_cnt, i);
  }
  pmm__orders_flush(p);
}

static void drop_held(pmm__poly_t *p) {
  for (; p->queue_cnt > 0; p->queue_cnt--, p->queue_head = (p->queue_head + 1) % PMM__QUEUE_MAX) {
    pmm__order_t *const o = &p->order[p->queue[p->queue_head]];
    if (o->state != PMM__ORDER_SENT || !o->held) continue;
    o->held = false;
    pmm__poly_emit(p, PMM_EV_CANCELLED, o, o->qty_e6, 0, PMM_REJECT_USER);
    pmm__order_done(p, o);
  }
}

/* By the venue's own means, so that orders nobody knows go as well: market by market, which leaves the account's others alone. */
void pmm__cancel_everything(pmm__poly_t *p) {
  int64_t const now = pmm_net_mono(p->net);
  drop_held(p);
  if (!p->hmac_ready) return;
  for (uint32_t i = 0; i < p->market_cnt; i++) {
    char body[128];
    size_t const len = pmm_poly_body_cancel_market(p->market[i].listing.condition, body, sizeof body);
    (void)pmm_bucket_take(&p->bucket_cancel, 1, PMM_BUCKET_CANCEL_ALL, now);
    if (!pmm__send(p, &(pmm__send_t){.call = PMM__CALL_CANCEL_MARKET, .auth = PMM__SIGNED, .method = "DELETE", .base = p->rest, .path = "/cancel-market-orders", .body = body,
                                     .body_len = len, .retries = 2, .arg = i})) { /* more markets than requests: all of the account then */
      (void)pmm__send(p, &(pmm__send_t){.call = PMM__CALL_CANCEL_ALL, .auth = PMM__SIGNED, .method = "DELETE", .base = p->rest, .path = "/cancel-all", .retries = 2});
      break;
    }
  }
  for (uint32_t i = 0; i < PMM_VENUE_ORDERS_MAX; i++) /* those whose answer is still to come are cancelled when it does */
    if (p->order[i].state == PMM__ORDER_SENT) p->order[i].cancel_wanted = true;
}

void pmm__orders_answer(pmm__poly_t *p, const pmm__request_t *request, const pmm_http_response_t *response) {
  if (request->call == PMM__CALL_POST) answer_post(p, request, response);
  else if (request->call == PMM__CALL_LOOK) answer_look(p, request, response);
  else if (request->call == PMM__CALL_CANCEL || pmm__is_ok(response)) answer_cancel(p, request, response);
  else pmm__poly_note(p, PMM_WARN, "cancel", PMM_NOTICE_NO_MARKET, "cancelling everything: HTTP %d", response->http);
  pmm__orders_flush(p);
}
