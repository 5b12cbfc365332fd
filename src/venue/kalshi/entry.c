/* Orders on their way: queues behind the rate budget, batches, and what the venue answers. */
#include <stdio.h>
#include "adapter.h"

#define QUEUE_MASK (PMM__K_QUEUE_MAX - 1)
#define RETRY_NS PMM_NS_PER_S
_Static_assert((PMM__K_QUEUE_MAX & QUEUE_MASK) == 0, "queues are rings of a power of two");

static void push(pmm__kqueue_t *q, uint32_t idx) { q->at[q->head++ & QUEUE_MASK] = idx; }
void pmm__k_queue_cancel(pmm__kalshi_t *a, uint32_t idx) {
  if (a->korder[idx].cancel_queued) return;
  a->korder[idx].cancel_queued = true;
  push(&a->cancels, idx);
}

static bool queue_empty(const pmm__kqueue_t *q) { return q->head == q->tail; }

void pmm__k_set_limits(pmm__kalshi_t *a, const pmm_kalshi_limits_t *l) {
  int64_t const mono_ns = pmm_net_mono(a->net);
  double const cap = (double)l->write_cap_e6 / 1e6, reserve = cap * 0.2;
  pmm_bucket_init(&a->read_bucket, (double)l->read_rate_e6 / 1e6, (double)l->read_cap_e6 / 1e6, 0, 0, mono_ns);
  pmm_bucket_init(&a->write_bucket, (double)l->write_rate_e6 / 1e6, cap, reserve, reserve < 10 ? reserve : 10, mono_ns);
}

/* -- requests -- */

static void on_done(void *ctx, uint64_t tag, const pmm_http_response_t *r);

static void add(pmm__kalshi_t *a, pmm__krequest_t *r, uint32_t idx) {
  pmm__vorder_t *const o = pmm__orders_at(a->orders, idx);
  r->order[r->cnt] = idx;
  r->order_id[r->cnt++] = o->order_id;
  o->sent_ns = pmm_net_mono(a->net);
}

static pmm_kalshi_new_t form_of(pmm__kalshi_t *a, uint32_t idx, char id[PMM_KALSHI_CLIENT_ID_LEN + 1]) {
  const pmm__vorder_t *const o = pmm__orders_at(a->orders, idx);
  pmm__korder_t *const k = &a->korder[idx];
  pmm_kalshi_client_id(o->order_id, id);
  bool const rests = o->tif == PMM_GTC || o->tif == PMM_GTD;
  int64_t expires_ns = k->user_expires_ns;
  if (rests && a->params.dead_man_ns > 0) { /* nobody renews the orders of a process that died: they end by themselves */
    int64_t const dead_ns = pmm__k_venue_now(a) + a->params.dead_man_ns + PMM_NS_PER_S;
    expires_ns = expires_ns == PMM_TIME_NONE ? dead_ns : pmm_min64(expires_ns, dead_ns);
  }
  k->expires_ns = rests ? expires_ns : PMM_TIME_NONE;
  return (pmm_kalshi_new_t){.market = a->market[o->market].desc.id,
                            .client_order_id = id,
                            .group_id = a->group[0] ? a->group : NULL,
                            .price_e4 = o->price_e4,
                            .qty_e6 = o->qty_e6,
                            .expires_ns = expires_ns,
                            .side = (uint8_t)pmm_route_side((pmm_route_t)o->route),
                            .tif = rests ? (expires_ns == PMM_TIME_NONE ? PMM_GTC : PMM_GTD) : o->tif,
                            .post_only = rests && (o->flags & PMM_ACT_POST_ONLY),
                            .reduce_only = !rests && (o->flags & PMM_ACT_REDUCE_ONLY),
                            .subaccount = (int32_t)a->params.subaccount};
}

static void reject(pmm__kalshi_t *a, uint32_t idx, pmm_reject_t why) { pmm__k_ended(a, idx, PMM_EV_REJECT, 0, 0, why, PMM_TIME_NONE); }

/* Sends what r lists; an order that has no form on the wire is refused here. */
static void send_places(pmm__kalshi_t *a, pmm__krequest_t *r, uint64_t tag) {
  pmm_kalshi_new_t form[PMM__K_BATCH_MAX];
  char id[PMM__K_BATCH_MAX][PMM_KALSHI_CLIENT_ID_LEN + 1];
  for (uint8_t i = 0; i < r->cnt; i++) {
    form[i] = form_of(a, r->order[i], id[i]);
    pmm__orders_at(a->orders, r->order[i])->asked |= PMM__ASKED_PLACE;
  }
  bool const one = r->cnt == 1;
  size_t const len =
      one ? pmm_kalshi_write_create(form, a->body, sizeof a->body) : pmm_kalshi_write_batch_create(form, r->cnt, a->body, sizeof a->body);
  bool const sent = len > 0 && pmm__k_send_ahead(a, one ? K_PATH_CREATE : K_PATH_BATCH_CREATE, a->body, len, on_done, tag);
  if (sent) return;
  for (uint8_t i = 0; i < r->cnt; i++) reject(a, r->order[i], len > 0 ? PMM_REJECT_RATE : PMM_REJECT_SIZE);
  pmm__k_request_free(a, r);
}

static void send_cancels(pmm__kalshi_t *a, pmm__krequest_t *r, uint64_t tag) {
  pmm_kalshi_kill_t kill[PMM__K_BATCH_MAX];
  for (uint8_t i = 0; i < r->cnt; i++) {
    pmm__vorder_t *const o = pmm__orders_at(a->orders, r->order[i]);
    o->asked |= PMM__ASKED_CANCEL;
    kill[i] = (pmm_kalshi_kill_t){o->vid, a->market[o->market].desc.id, (int32_t)a->params.subaccount};
  }
  size_t const len = pmm_kalshi_write_batch_cancel(kill, r->cnt, a->body, sizeof a->body);
  if (len > 0 && pmm__k_send_ahead(a, K_PATH_BATCH_CANCEL, a->body, len, on_done, tag)) return;
  for (uint8_t i = 0; i < r->cnt; i++) {
    pmm__orders_at(a->orders, r->order[i])->asked &= (uint8_t)~PMM__ASKED_CANCEL;
    pmm__k_queue_cancel(a, r->order[i]);
  }
  pmm__k_request_free(a, r);
}

void pmm__k_cancel_stray(pmm__kalshi_t *a, const pmm_kalshi_kill_t *kill, size_t cnt) {
  for (size_t from = 0, n; from < cnt; from += n) {
    uint64_t tag;
    n = cnt - from < PMM__K_BATCH_MAX ? cnt - from : PMM__K_BATCH_MAX;
    bool const may = a->request_cnt < PMM__K_REQUESTS_MAX && pmm_bucket_take(&a->write_bucket, (double)((int64_t)n * a->costs.batch_cancel),
                                                                             PMM_BUCKET_CANCEL, pmm_net_mono(a->net));
    if (!may) return; /* they are found again */
    pmm__krequest_t *const r = pmm__k_request_new(a, K_STRAY, &tag);
    size_t const len = pmm_kalshi_write_batch_cancel(kill + from, n, a->body, sizeof a->body);
    if (len == 0 || !pmm__k_send_ahead(a, K_PATH_BATCH_CANCEL, a->body, len, on_done, tag)) pmm__k_request_free(a, r);
  }
}

static void send_amend(pmm__kalshi_t *a, pmm__krequest_t *r, uint64_t tag) {
  pmm__vorder_t *const o = pmm__orders_at(a->orders, r->order[0]);
  pmm__korder_t *const k = &a->korder[r->order[0]];
  char path[160];
  const char *const market = a->market[o->market].desc.id;
  bool const decrease = r->kind == K_DECREASE;
  o->asked |= PMM__ASKED_AMEND;
  int64_t const by_e6 = pmm__vorder_open(o) - k->amend_e6;
  k->amend_total_e6 = r->kind == K_RENEW ? o->qty_e6 : decrease ? o->qty_e6 - by_e6 : o->filled_e6 + k->amend_e6;
  if (r->kind == K_RENEW) k->expires_ns = pmm__k_venue_now(a) + a->params.dead_man_ns + PMM_NS_PER_S;
  if (r->kind == K_RENEW && k->user_expires_ns != PMM_TIME_NONE) k->expires_ns = pmm_min64(k->expires_ns, k->user_expires_ns);
  pmm_kalshi_amend_t const form = {.market = market,
                                   .side = (uint8_t)pmm_route_side((pmm_route_t)o->route),
                                   .price_e4 = r->kind == K_RENEW ? o->price_e4 : k->amend_price_e4,
                                   .total_e6 = k->amend_total_e6,
                                   .expires_ns = r->kind == K_RENEW ? k->expires_ns : PMM_TIME_NONE};
  snprintf(path, sizeof path, PMM__K_ORDERS "/%s/%s", o->vid, decrease ? "decrease" : "amend");
  size_t const len =
      decrease ? pmm_kalshi_write_decrease(market, by_e6, a->body, sizeof a->body) : pmm_kalshi_write_amend(&form, a->body, sizeof a->body);
  if (len > 0 && pmm__k_send(a, "POST", path, a->body, len, on_done, tag)) return;
  o->asked &= (uint8_t)~PMM__ASKED_AMEND;
  k->renewing = false;
  if (r->kind != K_RENEW) pmm__k_event(a, o, PMM_EV_AMEND_REJECT, 0, 0, PMM_REJECT_SIZE, PMM_TIME_NONE);
  pmm__k_request_free(a, r);
}

/* -- queues -- */

static bool is_live(const pmm__kalshi_t *a, uint32_t idx) { return pmm__orders_at(a->orders, idx)->stage != PMM__V_OVER; }

static bool may_cancel(const pmm__kalshi_t *a, uint32_t idx) {
  const pmm__vorder_t *const o = pmm__orders_at(a->orders, idx);
  return o->stage != PMM__V_OVER && o->vid[0] && !(o->asked & PMM__ASKED_CANCEL);
}
static bool may_place(const pmm__kalshi_t *a, uint32_t idx) { return is_live(a, idx) && a->korder[idx].queued; }
static bool may_amend(const pmm__kalshi_t *a, uint32_t idx) {
  const pmm__vorder_t *const o = pmm__orders_at(a->orders, idx);
  return o->stage == PMM__V_RESTS && !(o->asked & (PMM__ASKED_CANCEL | PMM__ASKED_AMEND)) && (a->korder[idx].has_amend || a->korder[idx].renewing);
}

/* Drops what has become moot; how many stand at the front for one request (others behind a moot one wait for the next). */
static uint32_t front(pmm__kalshi_t *a, pmm__kqueue_t *q, bool (*may)(const pmm__kalshi_t *, uint32_t), uint32_t max) {
  while (!queue_empty(q) && !may(a, q->at[q->tail & QUEUE_MASK])) {
    if (q == &a->cancels) a->korder[q->at[q->tail & QUEUE_MASK]].cancel_queued = false;
    q->tail++;
  }
  uint32_t n = 0;
  while (n < max && q->tail + n != q->head && may(a, q->at[(q->tail + n) & QUEUE_MASK])) n++;
  return n;
}

static uint32_t batch_max(const pmm__kalshi_t *a) { return (uint32_t)pmm_min64(a->params.batch_max, PMM__K_BATCH_MAX); }

static void wait_until(pmm__kalshi_t *a, int64_t at_ns) {
  int64_t const mono_ns = pmm_net_mono(a->net);
  if (at_ns == PMM_NS_MAX) at_ns = mono_ns + RETRY_NS;
  if (!a->pump.heap || a->pump.at_ns > at_ns) pmm_net_timer_set(a->net, &a->pump, pmm_max64(at_ns, mono_ns + PMM_NS_PER_MS));
}

/* As many as the budget has, at least one; 0: none, and a timer is set. */
static uint32_t afford(pmm__kalshi_t *a, uint32_t n, int64_t cost, pmm_bucket_class_t cls) {
  int64_t const mono_ns = pmm_net_mono(a->net);
  for (; n > 0; n--) {
    if (pmm_bucket_take(&a->write_bucket, (double)(n * cost), cls, mono_ns)) return n;
    if (n == 1) wait_until(a, pmm_bucket_when(&a->write_bucket, (double)cost, cls, mono_ns));
  }
  return 0;
}

static void pump_cancels(pmm__kalshi_t *a) {
  for (uint32_t n; (n = front(a, &a->cancels, may_cancel, batch_max(a))) > 0;) {
    uint64_t tag;
    if (a->request_cnt == PMM__K_REQUESTS_MAX || (n = afford(a, n, a->costs.batch_cancel, PMM_BUCKET_CANCEL)) == 0) return;
    pmm__krequest_t *const r = pmm__k_request_new(a, K_CANCEL, &tag);
    for (uint32_t i = 0; i < n; i++) {
      uint32_t const idx = a->cancels.at[a->cancels.tail++ & QUEUE_MASK];
      a->korder[idx].cancel_queued = false;
      pmm__orders_at(a->orders, idx)->asked |= PMM__ASKED_CANCEL; /* once, though it may stand here twice */
      add(a, r, idx);
    }
    send_cancels(a, r, tag);
  }
}

static void pump_amends(pmm__kalshi_t *a) {
  while (front(a, &a->amends, may_amend, 1) > 0) {
    uint64_t tag;
    uint32_t const idx = a->amends.at[a->amends.tail & QUEUE_MASK];
    const pmm__vorder_t *const o = pmm__orders_at(a->orders, idx);
    const pmm__korder_t *const k = &a->korder[idx];
    bool const decrease = k->has_amend && k->amend_price_e4 == o->price_e4 && k->amend_e6 < pmm__vorder_open(o);
    if (a->request_cnt == PMM__K_REQUESTS_MAX || afford(a, 1, decrease ? a->costs.decrease : a->costs.amend, PMM_BUCKET_NORMAL) == 0) return;
    a->amends.tail++;
    pmm__krequest_t *const r = pmm__k_request_new(a, decrease ? K_DECREASE : k->has_amend ? K_AMEND : K_RENEW, &tag);
    add(a, r, idx);
    send_amend(a, r, tag);
  }
}

static bool reset_group(pmm__kalshi_t *a) {
  char path[160];
  uint64_t tag;
  if (!a->group_triggered) return true;
  if (a->group_resetting || a->request_cnt == PMM__K_REQUESTS_MAX || afford(a, 1, a->costs.other, PMM_BUCKET_NORMAL) == 0) return false;
  pmm__krequest_t *const r = pmm__k_request_new(a, K_RESET, &tag);
  snprintf(path, sizeof path, "/portfolio/order_groups/%s/reset", a->group);
  a->group_resetting = pmm__k_send(a, "PUT", path, "{}", 2, on_done, tag);
  if (!a->group_resetting) pmm__k_request_free(a, r);
  return false;
}

static void pump_places(pmm__kalshi_t *a) {
  int64_t const mono_ns = pmm_net_mono(a->net);
  if (a->stopping || a->cancel_all_wanted) return;
  if (mono_ns < a->hold_ns) {
    if (!queue_empty(&a->places)) wait_until(a, a->hold_ns);
    return;
  }
  for (uint32_t n; (n = front(a, &a->places, may_place, batch_max(a))) > 0;) {
    uint64_t tag;
    if (!reset_group(a) || a->request_cnt == PMM__K_REQUESTS_MAX) return;
    if ((n = afford(a, n, n > 1 ? a->costs.batch_create : a->costs.create, PMM_BUCKET_NORMAL)) == 0) return;
    pmm__krequest_t *const r = pmm__k_request_new(a, K_CREATE, &tag);
    for (uint32_t i = 0; i < n; i++) {
      uint32_t const idx = a->places.at[a->places.tail++ & QUEUE_MASK];
      a->korder[idx].queued = false;
      add(a, r, idx);
    }
    a->activity++;
    send_places(a, r, tag);
  }
}

/* Everything of ours at once: the order group ends what rests in it, known to us or not. */
static void pump_cancel_all(pmm__kalshi_t *a) {
  char path[160];
  uint64_t tag;
  if (!a->cancel_all_wanted || !a->group[0]) {
    a->cancel_all_wanted = false;
    return;
  }
  if (a->request_cnt == PMM__K_REQUESTS_MAX || afford(a, 1, a->costs.other, PMM_BUCKET_CANCEL_ALL) == 0) return;
  pmm__krequest_t *const r = pmm__k_request_new(a, K_TRIGGER, &tag);
  snprintf(path, sizeof path, "/portfolio/order_groups/%s/trigger", a->group);
  if (pmm__k_send(a, "PUT", path, "{}", 2, on_done, tag)) {
    a->cancel_all_wanted = false;
    a->group_triggered = true;
    a->activity++;
  } else {
    pmm__k_request_free(a, r);
  }
}

void pmm__k_pump(pmm__kalshi_t *a) {
  if (a->closed) return;
  pump_cancel_all(a);
  pump_cancels(a);
  pump_amends(a);
  pump_places(a);
}

/* -- what the driver asks -- */

void pmm__k_cancel_idx(pmm__kalshi_t *a, uint32_t idx) {
  pmm__vorder_t *const o = pmm__orders_at(a->orders, idx);
  pmm__korder_t *const k = &a->korder[idx];
  if (k->queued) { /* never left */
    k->queued = false;
    pmm__k_ended(a, idx, PMM_EV_CANCELLED, o->qty_e6, 0, PMM_REJECT_USER, PMM_TIME_NONE);
    return;
  }
  k->wants_cancel = true;
  if (o->vid[0]) pmm__k_queue_cancel(a, idx); /* else as soon as the venue has named it */
}

static void place(pmm__kalshi_t *a, const pmm_action_t *act) {
  uint32_t idx;
  uint32_t const market = act->market - a->first_market;
  pmm__vorder_t stray = {.order_id = act->order_id, .market = market, .route = act->route, .price_e4 = act->price_e4, .qty_e6 = act->qty_e6};
  if (market >= a->market_cnt) return; /* no market of ours: there is nobody to answer for */
  bool const closed = a->market[market].desc.life != PMM_LIFE_OPEN;
  pmm_status_t const st = a->stopping || closed || !a->taken_over ? PMM_CLOSED : pmm__orders_add(a->orders, act->order_id, &idx);
  if (st != PMM_OK) {
    pmm__k_event(a, &stray, PMM_EV_REJECT, 0, 0,
                 st == PMM_CLOSED   ? PMM_REJECT_CLOSED
                 : st == PMM_EXISTS ? PMM_REJECT_DUPLICATE
                                    : PMM_REJECT_FULL,
                 PMM_TIME_NONE);
    return;
  }
  pmm__vorder_t *const o = pmm__orders_at(a->orders, idx);
  o->market = market;
  o->route = act->route;
  o->tif = act->tif;
  o->flags = act->flags;
  o->price_e4 = act->price_e4;
  o->qty_e6 = act->qty_e6;
  a->korder[idx] =
      (pmm__korder_t){.expires_ns = PMM_TIME_NONE, .user_expires_ns = act->tif == PMM_GTD ? act->expire_ns : PMM_TIME_NONE, .queued = true};
  push(&a->places, idx);
}

static void cancel_or_amend(pmm__kalshi_t *a, const pmm_action_t *act) {
  uint32_t const idx = pmm__orders_find(a->orders, act->order_id);
  bool const cancel = act->kind == PMM_ACT_CANCEL;
  pmm__vorder_t stray = {.order_id = act->order_id, .market = act->market - a->first_market};
  if (idx == PMM__ORDER_NONE || !is_live(a, idx)) {
    pmm__k_event(a, idx == PMM__ORDER_NONE ? &stray : pmm__orders_at(a->orders, idx), cancel ? PMM_EV_CANCEL_REJECT : PMM_EV_AMEND_REJECT,
                 0, 0, PMM_REJECT_UNKNOWN_ORDER, PMM_TIME_NONE);
    return;
  }
  if (cancel) {
    pmm__k_cancel_idx(a, idx);
    return;
  }
  pmm__korder_t *const k = &a->korder[idx];
  if (pmm__orders_at(a->orders, idx)->stage != PMM__V_RESTS || k->has_amend) { /* not named yet, or one change at a time */
    pmm__k_event(a, pmm__orders_at(a->orders, idx), PMM_EV_AMEND_REJECT, 0, 0, PMM_REJECT_PHASE, PMM_TIME_NONE);
    return;
  }
  k->has_amend = true;
  k->amend_e6 = act->qty_e6;
  k->amend_price_e4 = act->price_e4;
  push(&a->amends, idx);
}

void pmm__k_submit(pmm__kalshi_t *a, const pmm_action_t *action, size_t cnt) {
  for (size_t i = 0; i < cnt; i++) {
    if (action[i].kind == PMM_ACT_PLACE) place(a, &action[i]);
    else cancel_or_amend(a, &action[i]);
  }
  pmm__k_pump(a);
}

void pmm__k_cancel_all(pmm__kalshi_t *a) {
  a->cancel_all_wanted = a->signer && !a->public_only;
  for (uint32_t i = pmm__orders_first(a->orders), next; i != PMM__ORDER_NONE; i = next) {
    next = pmm__orders_next(a->orders, i);
    pmm__k_cancel_idx(a, i);
  }
  a->reconcile_wanted = a->taken_over; /* finds what nobody knows */
  pmm__k_pump(a);
}

/* -- what the venue answers -- */

static void placed(pmm__kalshi_t *a, uint32_t idx, const pmm_kalshi_done_t *d) {
  pmm__vorder_t *const o = pmm__orders_at(a->orders, idx);
  if (d->filled_e6 > o->venue_filled_e6) o->venue_filled_e6 = d->filled_e6;
  pmm__k_acked(a, idx, d->order_id, d->exch_ns);
  if (d->remaining_e6 != 0 || d->filled_e6 < 0 || o->stage == PMM__V_OVER) return;
  /* Nothing rests: all filled, and the fills tell so; or the rest was cancelled on arrival. */
  pmm_reject_t const why = o->tif == PMM_IOC || o->tif == PMM_FOK ? PMM_REJECT_IOC : PMM_REJECT_SELF_TRADE;
  if (d->filled_e6 < o->qty_e6) pmm__k_ended(a, idx, PMM_EV_CANCELLED, o->qty_e6 - d->filled_e6, d->filled_e6, why, d->exch_ns);
}

static void not_placed(pmm__kalshi_t *a, uint32_t idx, const pmm_kalshi_error_t *e) {
  if (e->fault == PMM_KALSHI_FAULT_UNKNOWN || e->fault == PMM_KALSHI_FAULT_DUPLICATE) {
    pmm__k_lost(a, idx); /* "used before": an order by this id stands, and it can only be ours */
    return;
  }
  pmm__k_notice(a, PMM_NOTE, "reject", pmm__orders_at(a->orders, idx)->market, "order refused: %s %s %s", e->code, e->message, e->details);
  reject(a, idx, e->reject);
}

static void cancelled(pmm__kalshi_t *a, uint32_t idx, const pmm_kalshi_done_t *d) {
  pmm__vorder_t *const o = pmm__orders_at(a->orders, idx);
  if (d->reduced_e6 <= 0 || a->korder[idx].doubtful || (o->asked & PMM__ASKED_AMEND)) { /* nothing was left, or of how much is not known */
    pmm__k_look(a, idx, 0);
    return;
  }
  pmm__k_ended(a, idx, PMM_EV_CANCELLED, d->reduced_e6, pmm_max64(o->qty_e6 - d->reduced_e6, 0), PMM_REJECT_USER, d->exch_ns);
}

static void not_cancelled(pmm__kalshi_t *a, uint32_t idx, const pmm_kalshi_error_t *e) {
  pmm__vorder_t *const o = pmm__orders_at(a->orders, idx);
  if (o->stage == PMM__V_OVER) return;
  switch (e->fault) {
  case PMM_KALSHI_FAULT_RATE:
  case PMM_KALSHI_FAULT_AUTH: /* nothing happened: a cancel may be asked again as often as need be */
    pmm__k_queue_cancel(a, idx);
    wait_until(a, pmm_net_mono(a->net) + RETRY_NS);
    break;
  case PMM_KALSHI_FAULT_UNKNOWN: pmm__k_lost(a, idx); break;
  default: /* done, filled or on its way out: a look tells which */
    if (!o->told_end) pmm__k_event(a, o, PMM_EV_CANCEL_REJECT, 0, 0, PMM_REJECT_UNKNOWN_ORDER, PMM_TIME_NONE);
    pmm__k_look(a, idx, 0);
  }
}

static void amended(pmm__kalshi_t *a, uint32_t idx, const pmm__krequest_t *r, const pmm_kalshi_done_t *d) {
  pmm__vorder_t *const o = pmm__orders_at(a->orders, idx);
  pmm__korder_t *const k = &a->korder[idx];
  if (r->kind == K_RENEW) {
    k->renewing = false;
    return;
  }
  k->has_amend = false;
  if (o->stage == PMM__V_OVER) return;
  if (d->remaining_e6 <= 0) { /* fills have crossed it: nothing is left */
    k->doubtful = true;
    pmm__k_look(a, idx, 0);
    return;
  }
  o->price_e4 = k->amend_price_e4;
  o->qty_e6 = k->amend_total_e6;
  o->venue_filled_e6 = pmm_max64(o->venue_filled_e6, o->qty_e6 - d->remaining_e6);
  pmm__k_event(a, o, PMM_EV_AMENDED, pmm__vorder_open(o), o->filled_e6, 0, d->exch_ns); /* fills told so far: they may have overtaken this, or not */
  pmm__k_end_if_complete(a, idx);
}

static void not_amended(pmm__kalshi_t *a, uint32_t idx, const pmm__krequest_t *r, const pmm_kalshi_error_t *e) {
  pmm__vorder_t *const o = pmm__orders_at(a->orders, idx);
  pmm__korder_t *const k = &a->korder[idx];
  bool const renew = r->kind == K_RENEW;
  if (renew) k->renewing = false;
  else k->has_amend = false;
  if (o->stage == PMM__V_OVER) return;
  k->doubtful |= e->fault == PMM_KALSHI_FAULT_UNKNOWN && !renew;
  if (k->doubtful) pmm__k_lost(a, idx);
  else if (!renew) pmm__k_event(a, o, PMM_EV_AMEND_REJECT, 0, 0, (uint8_t)e->reject, PMM_TIME_NONE);
  if (e->fault == PMM_KALSHI_FAULT_NOT_FOUND) pmm__k_look(a, idx, 0);
}

static void one_done(pmm__kalshi_t *a, const pmm__krequest_t *r, uint8_t i, const pmm_kalshi_done_t *d) {
  uint32_t const idx = r->order[i];
  pmm__vorder_t *const o = pmm__orders_at(a->orders, idx);
  if (o->order_id != r->order_id[i]) return; /* its place is another's by now */
  uint8_t const bit = r->kind == K_CREATE ? PMM__ASKED_PLACE : r->kind == K_CANCEL ? PMM__ASKED_CANCEL : PMM__ASKED_AMEND;
  o->asked &= (uint8_t)~bit;
  o->heard_ns = pmm_net_mono(a->net);
  bool const good = d->error.fault == PMM_KALSHI_FAULT_NONE;
  if (r->kind == K_CREATE && good) placed(a, idx, d);
  else if (r->kind == K_CREATE) not_placed(a, idx, &d->error);
  else if (r->kind == K_CANCEL && good) cancelled(a, idx, d);
  else if (r->kind == K_CANCEL) not_cancelled(a, idx, &d->error);
  else if (good) amended(a, idx, r, d);
  else not_amended(a, idx, r, &d->error);
}

/* One verdict for everything that the request listed. */
static void all_done(pmm__kalshi_t *a, const pmm__krequest_t *r, const pmm_kalshi_error_t *e) {
  pmm_kalshi_done_t const d = {.filled_e6 = -1, .remaining_e6 = -1, .reduced_e6 = -1, .exch_ns = PMM_TIME_NONE, .error = *e};
  for (uint8_t i = 0; i < r->cnt; i++) one_done(a, r, i, &d);
}

static void slow_down(pmm__kalshi_t *a) {
  int64_t const mono_ns = pmm_net_mono(a->net);
  pmm_bucket_drain(&a->write_bucket, mono_ns, mono_ns + RETRY_NS);
  a->hold_ns = mono_ns + RETRY_NS;
  pmm__k_notice(a, PMM_WARN, "rate-limit", PMM_NOTICE_NO_MARKET, "too many requests: the venue wants us to wait");
}

static void failed(pmm__kalshi_t *a, const pmm__krequest_t *r, const pmm_http_response_t *response) {
  pmm_kalshi_error_t e = {.fault = PMM_KALSHI_FAULT_UNKNOWN};
  if (response->status != PMM_OK) {
    e.fault = response->unsent ? PMM_KALSHI_FAULT_RATE : PMM_KALSHI_FAULT_UNKNOWN; /* not sent is not placed: as when told to wait */
    if (response->unsent) e.reject = PMM_REJECT_RATE;
  } else {
    pmm_kalshi_error_read(a->codec, response->http, response->body, response->body_len, &e);
  }
  if (response->http == 429) slow_down(a);
  if (e.fault == PMM_KALSHI_FAULT_AUTH)
    pmm__k_notice(a, PMM_ALERT, "refused", PMM_NOTICE_NO_MARKET, "the venue refuses our key: %s %s", e.code, e.details);
  all_done(a, r, &e);
}

static void answered(pmm__kalshi_t *a, const pmm__krequest_t *r, const pmm_http_response_t *response) {
  pmm_kalshi_done_t d[PMM__K_BATCH_MAX];
  size_t cnt = 1;
  pmm_error_t err = {0};
  bool const batch = r->kind == K_CANCEL || (r->kind == K_CREATE && r->cnt > 1);
  pmm_status_t const st = batch ? pmm_kalshi_batch_read(a->codec, response->body, response->body_len, d, PMM__K_BATCH_MAX, &cnt, &err)
                                : pmm_kalshi_done_read(a->codec, response->body, response->body_len, d, &err);
  if (st != PMM_OK || cnt != r->cnt) {
    pmm__k_notice(a, PMM_ALERT, "malformed", PMM_NOTICE_NO_MARKET, "an answer cannot be read: %.160s", err.text);
    all_done(a, r, &(pmm_kalshi_error_t){.fault = PMM_KALSHI_FAULT_UNKNOWN});
    return;
  }
  if (d[0].exch_ns != PMM_TIME_NONE) pmm__k_hear(a, response, d[0].exch_ns);
  for (uint8_t i = 0; i < r->cnt; i++) one_done(a, r, i, &d[i]);
}

/* The trigger may have been lost on its way; every order is cancelled by name as well, so a second one only makes sure. */
static void group_done(pmm__kalshi_t *a, const pmm__krequest_t *r, const pmm_http_response_t *response) {
  bool const good = response->status == PMM_OK && response->http >= 200 && response->http < 300;
  if (r->kind == K_RESET) {
    a->group_resetting = false;
    if (good) a->group_triggered = false;
    else a->hold_ns = pmm_net_mono(a->net) + RETRY_NS;
    if (response->http == 404) a->group[0] = '\0', a->group_triggered = false;
  } else if (!good && response->http != 404) {
    a->cancel_all_wanted = true;
    wait_until(a, pmm_net_mono(a->net) + RETRY_NS);
  }
}

static void on_done(void *ctx, uint64_t tag, const pmm_http_response_t *response) {
  pmm__kalshi_t *const a = ctx;
  if (pmm__k_returned(a)) return;
  pmm__krequest_t *const r = pmm__k_request_of(a, tag);
  if (!r) return;
  a->activity++;
  pmm__krequest_t const was = *r;
  pmm__k_request_free(a, r);
  if (was.kind == K_STRAY) return; /* whether it worked shows when orders are read again */
  if (was.kind == K_TRIGGER || was.kind == K_RESET) group_done(a, &was, response);
  else if (response->status == PMM_OK && response->http >= 200 && response->http < 300) answered(a, &was, response);
  else failed(a, &was, response);
  pmm__k_pump(a);
}

/* -- the dead-man's switch -- */

/* Half of an order's time has passed: it gets its whole time again. An expiry alone does not cost its place in the queue. */
void pmm__k_entry_tick(pmm__kalshi_t *a, int64_t mono_ns) {
  int64_t const now_ns = pmm__k_venue_now(a);
  (void)mono_ns;
  if (a->params.dead_man_ns > 0 && !a->stopping && a->conn)
    for (uint32_t i = pmm__orders_first(a->orders); i != PMM__ORDER_NONE; i = pmm__orders_next(a->orders, i)) {
      pmm__vorder_t *const o = pmm__orders_at(a->orders, i);
      pmm__korder_t *const k = &a->korder[i];
      bool const due = k->expires_ns != PMM_TIME_NONE && k->expires_ns - now_ns < a->params.dead_man_ns / 2 + PMM_NS_PER_S &&
                       k->expires_ns != k->user_expires_ns;
      if (!due || o->stage != PMM__V_RESTS || o->told_end || k->renewing || k->has_amend || k->wants_cancel || o->lost) continue;
      k->renewing = true;
      push(&a->amends, i);
    }
  pmm__k_pump(a);
}
