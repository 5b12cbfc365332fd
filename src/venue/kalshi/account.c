/* The account: fills told once, orders whose fate is in doubt, and everything read again at the start and every so often. */
#include <inttypes.h>
#include <stdio.h>
#include "adapter.h"

#define LOOK_NS PMM_NS_PER_S
#define LOOK_SOON_NS (500 * PMM_NS_PER_MS)
#define LOOKS_BELIEVED 4                    /* reads lag behind writes: a state that should not be is asked for again so often */
#define GONE_AFTER_NS (8 * PMM_NS_PER_S)    /* not listed so long after the request: it never arrived */
#define STALE_NS (3 * PMM_NS_PER_S)
#define FILLS_OVERLAP_NS (60 * PMM_NS_PER_S)
#define PAST_OVERLAP_NS (10 * PMM_NS_PER_S)
#define GROUP_LIMIT_E6 (INT64_C(1000000) * PMM_ONE_E6) /* the most there is: the group is there to be triggered, not to trip */

/* -- telling -- */

void pmm__k_acked(pmm__kalshi_t *a, uint32_t idx, pmm_kalshi_text_t vid, int64_t exch_ns) {
  pmm__vorder_t *const o = pmm__orders_at(a->orders, idx);
  pmm__korder_t *const k = &a->korder[idx];
  (void)pmm__orders_name(a->orders, idx, vid.at, vid.len);
  o->heard_ns = pmm_net_mono(a->net);
  if (o->told_end || o->stage == PMM__V_OVER) return;
  o->stage = PMM__V_RESTS;
  if (!k->acked) {
    k->acked = true;
    o->lost = false;
    pmm__k_event(a, o, PMM_EV_ACK, pmm__vorder_open(o), 0, 0, exch_ns);
  }
  if (k->wants_cancel) pmm__k_queue_cancel(a, idx);
}

/* It is over as far as the driver goes; for us once every fill has been told. */
void pmm__k_end_if_complete(pmm__kalshi_t *a, uint32_t idx) {
  pmm__vorder_t *const o = pmm__orders_at(a->orders, idx);
  if (o->stage == PMM__V_OVER) return;
  bool const full = o->filled_e6 >= o->qty_e6;
  if (!full && !(o->told_end && o->filled_e6 >= o->venue_filled_e6)) return;
  o->told_end = true;
  o->lost = false;
  a->korder[idx].look_ns = 0;
  pmm__orders_over(a->orders, idx);
}

void pmm__k_ended(pmm__kalshi_t *a, uint32_t idx, pmm_kind_t kind, int64_t was_open_e6, int64_t venue_filled_e6, pmm_reject_t why, int64_t exch_ns) {
  pmm__vorder_t *const o = pmm__orders_at(a->orders, idx);
  o->venue_filled_e6 = pmm_max64(o->venue_filled_e6, venue_filled_e6);
  if (o->told_end || o->stage == PMM__V_OVER) return;
  o->told_end = true;
  a->korder[idx].queued = false;
  pmm__k_event(a, o, kind, was_open_e6, 0, (uint8_t)why, exch_ns);
  pmm__k_end_if_complete(a, idx);
  if (o->stage != PMM__V_OVER) pmm__k_look(a, idx, 2 * LOOK_NS); /* fills are under way: when they do not come they are read */
}

void pmm__k_lost(pmm__kalshi_t *a, uint32_t idx) {
  pmm__vorder_t *const o = pmm__orders_at(a->orders, idx);
  if (o->stage == PMM__V_OVER) return;
  if (!o->lost && !o->told_end) pmm__k_event(a, o, PMM_EV_LOST, 0, 0, 0, PMM_TIME_NONE);
  o->lost = !o->told_end;
  a->korder[idx].looks = 0;
  pmm__k_look(a, idx, LOOK_SOON_NS);
}

/* -- fills -- */

static uint32_t find(const pmm__kalshi_t *a, pmm_kalshi_text_t vid, pmm_kalshi_text_t client_id) {
  uint64_t order_id;
  uint32_t const idx = pmm__orders_find_vid(a->orders, vid.at, vid.len);
  if (idx != PMM__ORDER_NONE || pmm_kalshi_client_id_read(client_id, &order_id) != PMM_OK) return idx;
  return pmm__orders_find(a->orders, order_id);
}

static bool is_new(pmm__kalshi_t *a, const pmm_kalshi_fill_t *f) {
  char key[2 * PMM__VID_MAX];
  int const n = snprintf(key, sizeof key, "%.*s/%.*s", (int)pmm_min64(f->trade_id.len, PMM__VID_MAX - 2), f->trade_id.at,
                         (int)pmm_min64(f->order_id.len, PMM__VID_MAX - 2), f->order_id.at);
  return pmm__seen_note(a->seen, key, (size_t)n);
}

static void tell_fill(pmm__kalshi_t *a, const pmm_kalshi_fill_t *f, uint64_t order_id, uint32_t market) {
  pmm_event_t const ev = {.md = {.recv_ns = pmm_net_now(a->net),
                                 .exch_ns = f->exch_ns,
                                 .qty_e6 = f->qty_e6,
                                 .price_e4 = f->price_e4,
                                 .market = a->first_market + market,
                                 .kind = PMM_EV_FILL,
                                 .side = f->side,
                                 .flags = f->maker ? PMM_F_MAKER : 0,
                                 .aux = PMM_SETTLE_FINAL},
                          .order_id = order_id,
                          .amount_e6 = f->fee_e6,
                          .ref_id = pmm_venue_ref(f->trade_id.at, f->trade_id.len)};
  a->activity++;
  if (f->exch_ns != PMM_TIME_NONE) a->last_fill_ns = pmm_max64(a->last_fill_ns, f->exch_ns);
  a->sink.account(a->sink.ctx, &ev);
}

/* REST fills do not say whose they are: one whose order is not named yet is left for the next reading. */
void pmm__k_fill(pmm__kalshi_t *a, const pmm_kalshi_fill_t *f) {
  uint32_t market;
  uint64_t order_id;
  if (pmm_kalshi_books_find(a->books, f->market, &market) != PMM_OK || f->qty_e6 <= 0 || f->subaccount != a->params.subaccount) return;
  uint32_t const idx = find(a, f->order_id, f->client_order_id);
  if (idx == PMM__ORDER_NONE) {
    bool const ours = pmm_kalshi_client_id_read(f->client_order_id, &order_id) == PMM_OK;
    if (ours && is_new(a, f)) tell_fill(a, f, order_id, market);
    else if (!ours)
      pmm__k_notice(a, PMM_WARN, "foreign-fill", market, "a fill of order %.*s, which is not one of ours",
                    (int)pmm_min64(f->order_id.len, 64), f->order_id.at);
    return;
  }
  pmm__vorder_t *const o = pmm__orders_at(a->orders, idx);
  if (!is_new(a, f)) return;
  (void)pmm__orders_name(a->orders, idx, f->order_id.at, f->order_id.len);
  o->heard_ns = pmm_net_mono(a->net);
  o->filled_e6 += f->qty_e6;
  o->venue_filled_e6 = pmm_max64(o->venue_filled_e6, o->filled_e6);
  tell_fill(a, f, o->order_id, market);
  pmm__k_end_if_complete(a, idx);
}

/* -- what the orders' channel says -- */

static pmm_reject_t why_of(uint8_t reason) {
  switch ((pmm_kalshi_reason_t)reason) {
  case PMM_KALSHI_REASON_SELF_TRADE: return PMM_REJECT_SELF_TRADE;
  case PMM_KALSHI_REASON_POST_ONLY: return PMM_REJECT_POST_ONLY;
  case PMM_KALSHI_REASON_REDUCE_ONLY: return PMM_REJECT_SHARES;
  case PMM_KALSHI_REASON_MARGIN: return PMM_REJECT_FUNDS;
  case PMM_KALSHI_REASON_HALT:
  case PMM_KALSHI_REASON_CLOSE: return PMM_REJECT_CLOSED;
  case PMM_KALSHI_REASON_BOUNDS: return PMM_REJECT_PRICE;
  default: return PMM_REJECT_USER;
  }
}

void pmm__k_order(pmm__kalshi_t *a, const pmm_kalshi_order_t *v) {
  uint32_t const idx = find(a, v->order_id, v->client_order_id);
  if (idx == PMM__ORDER_NONE) return; /* reading the open orders finds what is nobody's */
  pmm__vorder_t *const o = pmm__orders_at(a->orders, idx);
  o->venue_filled_e6 = pmm_max64(o->venue_filled_e6, v->filled_e6);
  pmm__k_acked(a, idx, v->order_id, v->updated_ns);
  if (v->expires_ns != PMM_TIME_NONE && a->korder[idx].expires_ns != PMM_TIME_NONE) a->korder[idx].expires_ns = v->expires_ns;
  if (v->status == PMM_KALSHI_ORDER_CANCELED) {
    bool const expired = v->reason == PMM_KALSHI_REASON_EXPIRY || v->reason == PMM_KALSHI_REASON_CLOSE;
    pmm__k_ended(a, idx, expired ? PMM_EV_EXPIRED : PMM_EV_CANCELLED, pmm_max64(o->qty_e6 - v->filled_e6, 0), v->filled_e6,
                 why_of(v->reason), v->updated_ns);
  } else if (v->status == PMM_KALSHI_ORDER_EXECUTED && o->stage != PMM__V_OVER) {
    pmm__k_look(a, idx, 2 * LOOK_NS);
  }
  pmm__k_pump(a);
}

/* -- looking up -- */

void pmm__k_look(pmm__kalshi_t *a, uint32_t idx, int64_t in_ns) {
  pmm__korder_t *const k = &a->korder[idx];
  int64_t const at_ns = pmm_net_mono(a->net) + in_ns;
  if (k->look_ns == 0 || at_ns < k->look_ns) k->look_ns = at_ns;
}

static void tell_state(pmm__kalshi_t *a, uint32_t idx, int64_t open_e6, int64_t filled_e6) {
  pmm__vorder_t *const o = pmm__orders_at(a->orders, idx);
  o->lost = false;
  o->venue_filled_e6 = pmm_max64(o->venue_filled_e6, filled_e6);
  if (filled_e6 < o->filled_e6) { /* fills told meanwhile */
    open_e6 = pmm_max64(open_e6 - (o->filled_e6 - filled_e6), 0);
    filled_e6 = o->filled_e6;
  }
  if (!o->told_end) pmm__k_event(a, o, PMM_EV_ORDER_STATE, open_e6, filled_e6, 0, PMM_TIME_NONE);
  if (open_e6 > 0) return;
  o->told_end = true;
  pmm__k_end_if_complete(a, idx);
  if (o->stage == PMM__V_OVER) return;
  a->reconcile_wanted = a->taken_over; /* its fills have not come by themselves: they are read */
  pmm__k_look(a, idx, 5 * LOOK_NS);
}

static void found(pmm__kalshi_t *a, uint32_t idx, const pmm_kalshi_order_t *v) {
  pmm__vorder_t *const o = pmm__orders_at(a->orders, idx);
  pmm__korder_t *const k = &a->korder[idx];
  (void)pmm__orders_name(a->orders, idx, v->order_id.at, v->order_id.len);
  o->heard_ns = pmm_net_mono(a->net);
  if (v->status != PMM_KALSHI_ORDER_RESTING) {
    tell_state(a, idx, 0, v->filled_e6);
    return;
  }
  if ((k->wants_cancel || o->told_end) && k->looks++ < LOOKS_BELIEVED) { /* perhaps it is only not yet written that it is gone */
    pmm__k_look(a, idx, LOOK_NS);
    return;
  }
  k->acked = true;
  o->stage = PMM__V_RESTS;
  o->told_end = false;
  o->qty_e6 = v->filled_e6 + v->remaining_e6;
  k->doubtful = false;
  tell_state(a, idx, v->remaining_e6, v->filled_e6);
  if (k->wants_cancel) pmm__k_queue_cancel(a, idx);
}

static void not_found(pmm__kalshi_t *a, uint32_t idx) {
  pmm__vorder_t *const o = pmm__orders_at(a->orders, idx);
  pmm__korder_t *const k = &a->korder[idx];
  if (k->looks < UINT8_MAX) k->looks++;
  int64_t const age_ns = pmm_net_mono(a->net) - o->sent_ns;
  if (k->looks < LOOKS_BELIEVED || age_ns < a->params.request_timeout_ns + GONE_AFTER_NS) pmm__k_look(a, idx, LOOK_NS);
  else tell_state(a, idx, 0, pmm_max64(o->filled_e6, o->venue_filled_e6));
}

static void on_look(void *ctx, uint64_t tag, const pmm_http_response_t *response) {
  pmm__kalshi_t *const a = ctx;
  if (pmm__k_returned(a)) return;
  pmm__krequest_t *const r = pmm__k_request_of(a, tag);
  if (!r) return;
  pmm__krequest_t const was = *r;
  pmm__k_request_free(a, r);
  pmm__vorder_t *const o = pmm__orders_at(a->orders, was.order[0]);
  if (o->order_id != was.order_id[0]) return;
  o->asked &= (uint8_t)~PMM__ASKED_STATE;
  if (o->stage == PMM__V_OVER) return;
  pmm_kalshi_page_t page = {0};
  bool const read = response->status == PMM_OK && response->http == 200 &&
                    pmm_kalshi_orders_read(a->codec, response->body, response->body_len, a->order_page, PMM__K_PAGE, &page, NULL) == PMM_OK;
  if (response->status == PMM_OK && response->http == 404) {
    not_found(a, was.order[0]);
    return;
  }
  if (!read) {
    pmm__k_look(a, was.order[0], 2 * LOOK_NS);
    return;
  }
  for (size_t i = 0; i < page.cnt; i++)
    if (find(a, a->order_page[i].order_id, a->order_page[i].client_order_id) == was.order[0]) {
      found(a, was.order[0], &a->order_page[i]);
      pmm__k_pump(a);
      return;
    }
  if (page.cursor[0]) pmm__k_look(a, was.order[0], 2 * LOOK_NS); /* more than a page since then: not seen is not gone */
  else not_found(a, was.order[0]);
}

static void look(pmm__kalshi_t *a, uint32_t idx) {
  char path[512];
  uint64_t tag;
  pmm__vorder_t *const o = pmm__orders_at(a->orders, idx);
  int64_t const mono_ns = pmm_net_mono(a->net), since_ns = pmm__k_venue_now(a) - (mono_ns - o->sent_ns) - PAST_OVERLAP_NS;
  if (a->request_cnt == PMM__K_REQUESTS_MAX ||
      !pmm_bucket_take(&a->read_bucket, (double)(o->vid[0] ? a->costs.get_order : a->costs.other), PMM_BUCKET_NORMAL, mono_ns))
    return;
  pmm__krequest_t *const r = pmm__k_request_new(a, K_LOOK, &tag);
  r->cnt = 1;
  r->order[0] = idx;
  r->order_id[0] = o->order_id;
  if (o->vid[0]) snprintf(path, sizeof path, "/portfolio/orders/%s", o->vid);
  else
    snprintf(path, sizeof path, "/portfolio/orders?ticker=%s&min_ts=%" PRId64 "&limit=%d", a->market[o->market].desc.id,
             since_ns / PMM_NS_PER_S, PMM__K_PAGE);
  if (!pmm__k_get(a, path, on_look, tag)) {
    pmm__k_request_free(a, r);
    return;
  }
  o->asked |= PMM__ASKED_STATE;
  a->korder[idx].look_ns = 0;
}

void pmm__k_looks_tick(pmm__kalshi_t *a, int64_t mono_ns) {
  for (uint32_t i = pmm__orders_first(a->orders), next; i != PMM__ORDER_NONE; i = next) {
    next = pmm__orders_next(a->orders, i);
    int64_t const due_ns = a->korder[i].look_ns;
    if (due_ns && mono_ns >= due_ns && !(pmm__orders_at(a->orders, i)->asked & PMM__ASKED_STATE)) look(a, i);
  }
}

/* -- pages -- */

static bool in_ours(const pmm__kalshi_t *a, const pmm_kalshi_order_t *v, uint32_t *market) {
  return v->status == PMM_KALSHI_ORDER_RESTING && v->subaccount == a->params.subaccount &&
         pmm_kalshi_books_find(a->books, v->market, market) == PMM_OK;
}

/* Ids as texts of their own: what was read lasts until the codec's next message. */
static void cancel_stray(pmm__kalshi_t *a, const pmm_kalshi_order_t *v, uint32_t market) {
  char vid[PMM__VID_MAX];
  if (v->order_id.len >= sizeof vid) return;
  memcpy(vid, v->order_id.at, v->order_id.len);
  vid[v->order_id.len] = '\0';
  pmm__k_cancel_stray(a, &(pmm_kalshi_kill_t){vid, a->market[market].desc.id, (int32_t)a->params.subaccount}, 1);
}

/* At takeover and at a stop: whatever of the account rests in our markets goes, until none is listed. */
static void clear_page(pmm__kalshi_t *a, const pmm_kalshi_page_t *page) {
  uint32_t market, cnt = 0;
  for (size_t i = 0; i < page->cnt; i++) {
    if (!in_ours(a, &a->order_page[i], &market)) continue;
    cnt++;
    cancel_stray(a, &a->order_page[i], market);
  }
  a->clear_again |= cnt > 0;
  if (cnt > 0) pmm__k_notice(a, PMM_NOTE, "open-orders", PMM_NOTICE_NO_MARKET, "%u open orders are being cancelled", cnt);
}

static void adopt(pmm__kalshi_t *a, const pmm_kalshi_order_t *v, uint32_t market) {
  uint64_t order_id;
  uint32_t idx;
  if (pmm_kalshi_client_id_read(v->client_order_id, &order_id) != PMM_OK) order_id = PMM_ORDER_ALIAS | pmm_venue_ref(v->order_id.at, v->order_id.len);
  if (a->adopted_cnt == PMM__K_PAGE || pmm__orders_add(a->orders, order_id, &idx) != PMM_OK) return;
  pmm__vorder_t *const o = pmm__orders_at(a->orders, idx);
  o->market = market;
  o->route = v->side == PMM_BID ? PMM_BUY_YES : PMM_BUY_NO;
  o->tif = PMM_GTC;
  o->stage = PMM__V_RESTS;
  o->price_e4 = v->price_e4;
  o->filled_e6 = o->venue_filled_e6 = v->filled_e6;
  o->qty_e6 = v->filled_e6 + v->remaining_e6;
  o->heard_ns = pmm_net_mono(a->net);
  a->korder[idx] = (pmm__korder_t){.expires_ns = v->expires_ns, .user_expires_ns = PMM_TIME_NONE, .acked = true};
  (void)pmm__orders_name(a->orders, idx, v->order_id.at, v->order_id.len);
  a->adopted[a->adopted_cnt++] = (pmm_order_report_t){.order_id = order_id,
                                                      .market = a->first_market + market,
                                                      .route = o->route,
                                                      .price_e4 = o->price_e4,
                                                      .open_e6 = v->remaining_e6,
                                                      .filled_e6 = v->filled_e6,
                                                      .placed_ns = v->created_ns};
}

/* Orders of earlier runs, by name, so that their fills are known when they are read. */
static void past_page(pmm__kalshi_t *a, const pmm_kalshi_page_t *page) {
  for (size_t i = 0; i < page->cnt; i++) {
    const pmm_kalshi_order_t *const v = &a->order_page[i];
    uint64_t order_id;
    uint32_t market, idx;
    if (v->status == PMM_KALSHI_ORDER_RESTING || pmm_kalshi_client_id_read(v->client_order_id, &order_id) != PMM_OK) continue;
    if (pmm_kalshi_books_find(a->books, v->market, &market) != PMM_OK || pmm__orders_add(a->orders, order_id, &idx) != PMM_OK) continue;
    pmm__vorder_t *const o = pmm__orders_at(a->orders, idx);
    o->market = market;
    o->route = v->side == PMM_BID ? PMM_BUY_YES : PMM_BUY_NO;
    o->price_e4 = v->price_e4;
    o->qty_e6 = INT64_MAX; /* its fills are told, it itself is history */
    o->told_end = true;
    a->korder[idx] = (pmm__korder_t){.expires_ns = PMM_TIME_NONE, .user_expires_ns = PMM_TIME_NONE, .acked = true};
    (void)pmm__orders_name(a->orders, idx, v->order_id.at, v->order_id.len);
    pmm__orders_over(a->orders, idx);
  }
}

static void open_page(pmm__kalshi_t *a, const pmm_kalshi_page_t *page) {
  for (size_t i = 0; i < page->cnt; i++) {
    const pmm_kalshi_order_t *const v = &a->order_page[i];
    uint32_t market;
    if (!in_ours(a, v, &market)) continue;
    uint32_t const idx = find(a, v->order_id, v->client_order_id);
    pmm__vorder_t *const o = idx != PMM__ORDER_NONE ? pmm__orders_at(a->orders, idx) : NULL;
    if (!o && a->reading_takeover) {
      adopt(a, v, market);
    } else if (!o || o->stage == PMM__V_OVER) {
      if (o && o->heard_ns > a->step_started_ns - STALE_NS) continue; /* reads lag: it may have ended just now */
      pmm__k_notice(a, PMM_WARN, "difference", market, "an order rests that nobody here knows: cancelled");
      cancel_stray(a, v, market);
    } else if (o->lost) {
      found(a, idx, v);
    } else {
      o->heard_ns = pmm_max64(o->heard_ns, a->step_started_ns);
      o->venue_filled_e6 = pmm_max64(o->venue_filled_e6, v->filled_e6);
      (void)pmm__orders_name(a->orders, idx, v->order_id.at, v->order_id.len);
    }
  }
}

/* What we think rests and the list does not have. */
static void miss(pmm__kalshi_t *a) {
  for (uint32_t i = pmm__orders_first(a->orders), next; i != PMM__ORDER_NONE; i = next) {
    next = pmm__orders_next(a->orders, i);
    pmm__vorder_t *const o = pmm__orders_at(a->orders, i);
    if (o->stage != PMM__V_RESTS || o->heard_ns > a->step_started_ns - STALE_NS || o->lost) continue;
    pmm__k_notice(a, PMM_WARN, "difference", o->market, "an order of ours is no longer listed: looked up");
    pmm__k_look(a, i, 0);
  }
}

static void positions_page(pmm__kalshi_t *a, const pmm_kalshi_page_t *page) {
  for (size_t i = 0; i < page->cnt; i++) {
    const pmm_kalshi_position_t *const p = &a->position_page[i];
    uint32_t market;
    if (p->position_e6 == 0 || pmm_kalshi_books_find(a->books, p->market, &market) != PMM_OK || a->holding_cnt == PMM_VENUE_MARKETS_MAX) continue;
    bool const yes = p->position_e6 > 0;
    a->holding[a->holding_cnt++] = (pmm_holding_report_t){.market = a->first_market + market,
                                                          .yes_e6 = yes ? p->position_e6 : 0,
                                                          .no_e6 = yes ? 0 : -p->position_e6,
                                                          .yes_cost_e6 = yes ? p->cost_e6 : 0,
                                                          .no_cost_e6 = yes ? 0 : p->cost_e6};
  }
}

static void fills_page(pmm__kalshi_t *a, const pmm_kalshi_page_t *page) {
  for (size_t i = page->cnt; i-- > 0;) { /* newest come first */
    bool const old = a->reading_takeover && a->fills_since_ns != PMM_TIME_NONE && a->fill_page[i].exch_ns < a->fills_since_ns;
    if (old) (void)is_new(a, &a->fill_page[i]); /* known to the driver: never told again */
    else pmm__k_fill(a, &a->fill_page[i]);
  }
}

/* Markets past their close whose end no message told. */
static void markets_page(pmm__kalshi_t *a, const pmm_http_response_t *r) {
  pmm_kalshi_market_t m[64];
  pmm_kalshi_page_t page;
  if (pmm_kalshi_markets_read(a->codec, r->body, r->body_len, m, sizeof m / sizeof m[0], &page, NULL) != PMM_OK) return;
  for (size_t i = 0; i < page.cnt; i++) {
    uint32_t market;
    pmm_kalshi_text_t const id = {m[i].desc.id, (uint32_t)strlen(m[i].desc.id)};
    if (pmm_kalshi_books_find(a->books, id, &market) != PMM_OK) continue;
    pmm_market_t *const have = &a->market[market].desc;
    have->close_ns = m[i].desc.close_ns;
    have->outcome = m[i].desc.outcome;
    have->payout_yes_e6 = m[i].desc.payout_yes_e6;
    if (m[i].desc.life > PMM_LIFE_CLOSED) pmm__k_life(a, market, (pmm_life_t)m[i].desc.life, (pmm_outcome_t)have->outcome, have->payout_yes_e6);
  }
}

static uint64_t in_flight(const pmm__kalshi_t *a) {
  uint64_t n = a->request_cnt + (a->activity - a->activity_at_start);
  for (uint32_t i = pmm__orders_first(a->orders); i != PMM__ORDER_NONE; i = pmm__orders_next(a->orders, i)) {
    const pmm__vorder_t *const o = pmm__orders_at(a->orders, i);
    n += o->lost || o->told_end || o->venue_filled_e6 > o->filled_e6;
  }
  return n;
}

static void report(pmm__kalshi_t *a) {
  pmm_account_report_t const r = {.takeover = a->reading_takeover,
                                  .at_ns = pmm_net_now(a->net),
                                  .cash_e6 = a->balance_e6 + a->locked_e6,
                                  .locked_e6 = a->locked_e6,
                                  .holding = a->holding,
                                  .holding_cnt = a->holding_cnt,
                                  .order = a->adopted,
                                  .order_cnt = a->reading_takeover ? a->adopted_cnt : 0,
                                  .in_flight = in_flight(a)};
  a->sink.report(a->sink.ctx, &r);
}

/* -- the order of things -- */

size_t pmm__k_group_body(pmm__kalshi_t *a) {
  return pmm_kalshi_write_group(GROUP_LIMIT_E6, (int32_t)a->params.subaccount, a->shards ? __builtin_ctz(a->shards) : 0, a->body, sizeof a->body);
}

static void closed_tickers(pmm__kalshi_t *a, char *path, size_t cap) {
  size_t n = 0;
  int cnt = 0;
  int64_t const now_ns = pmm__k_venue_now(a);
  for (uint32_t i = 0; i < a->market_cnt && cnt < 20; i++) {
    const pmm_market_t *const m = &a->market[i].desc;
    if (m->life == PMM_LIFE_RESOLVED || m->close_ns == PMM_TIME_NONE || m->close_ns > now_ns) continue;
    n += (size_t)snprintf(path + n, cap - n, "%s%s", cnt++ ? "," : "/markets?limit=100&tickers=", m->id);
    if (n + PMM_ID_MAX + 2 >= cap) break;
  }
}

void pmm__k_account_path(pmm__kalshi_t *a, char *path, size_t cap) {
  int64_t const since_ns = a->reading_takeover ? a->fills_since_ns : a->last_fill_ns;
  int64_t const min_s = pmm_max64((since_ns == PMM_TIME_NONE ? pmm__k_venue_now(a) : since_ns) - FILLS_OVERLAP_NS, 0) / PMM_NS_PER_S;
  int const sub = (int)a->params.subaccount;
  switch ((pmm__kstep_t)a->step) {
  case K_TAKE_CLEAR:
  case K_READ_ORDERS: snprintf(path, cap, "/portfolio/orders?status=resting&limit=%d&subaccount=%d", PMM__K_PAGE, sub); break;
  case K_TAKE_GROUP: snprintf(path, cap, "/portfolio/order_groups/create"); return;
  case K_READ_PAST: snprintf(path, cap, "/portfolio/orders?limit=%d&min_ts=%" PRId64 "&subaccount=%d", PMM__K_PAGE, min_s, sub); break;
  case K_READ_FILLS: snprintf(path, cap, "/portfolio/fills?limit=%d&min_ts=%" PRId64 "&subaccount=%d", PMM__K_PAGE, min_s, sub); break;
  case K_READ_POSITIONS: snprintf(path, cap, "/portfolio/positions?limit=%d&count_filter=position&subaccount=%d", PMM__K_PAGE, sub); break;
  case K_READ_BALANCE: snprintf(path, cap, "/portfolio/balance?subaccount=%d", sub); return;
  case K_READ_LOCKED: snprintf(path, cap, "/portfolio/summary/total_resting_order_value"); return;
  case K_READ_MARKETS: closed_tickers(a, path, cap); return;
  default: pmm__k_boot_path(a, path, cap); return;
  }
  pmm__k_put_cursor(a, path, cap);
}

static pmm__kstep_t after_group(const pmm__kalshi_t *a) { return a->fills_since_ns != PMM_TIME_NONE ? K_READ_PAST : K_READ_ORDERS; }

/* A group lies on one shard, and orders of another would be refused with it. */
void pmm__k_take_group(pmm__kalshi_t *a) {
  bool const one = __builtin_popcount(a->shards) <= 1;
  if (!one)
    pmm__k_notice(a, PMM_NOTE, "order-group", PMM_NOTICE_NO_MARKET, "markets of several shards: cancelling everything takes a cancel for each order");
  pmm__k_step(a, one ? K_TAKE_GROUP : after_group(a));
}

/* What follows a step when its last page has been read. */
static void after(pmm__kalshi_t *a) {
  char path[1536] = "";
  switch ((pmm__kstep_t)a->step) {
  case K_TAKE_CLEAR:
    if (a->stopping) pmm__k_cleared(a);
    else pmm__k_take_group(a);
    break;
  case K_TAKE_GROUP: pmm__k_step(a, after_group(a)); break;
  case K_READ_PAST: pmm__k_step(a, K_READ_FILLS); break;
  case K_READ_FILLS: pmm__k_step(a, K_READ_ORDERS); break;
  case K_READ_ORDERS:
    if (!a->reading_takeover) miss(a);
    a->holding_cnt = 0;
    pmm__k_step(a, K_READ_POSITIONS);
    break;
  case K_READ_POSITIONS: pmm__k_step(a, K_READ_BALANCE); break;
  case K_READ_BALANCE: pmm__k_step(a, K_READ_LOCKED); break;
  case K_READ_LOCKED:
    report(a);
    if (a->reading_takeover) pmm__k_took_over(a);
    closed_tickers(a, path, sizeof path);
    pmm__k_step(a, path[0] ? K_READ_MARKETS : K_IDLE);
    break;
  default: pmm__k_step(a, K_IDLE); break;
  }
}

/* A page of the step; its items take effect only when all of it can be read. */
static pmm_status_t take_page(pmm__kalshi_t *a, const pmm_http_response_t *r, pmm_kalshi_page_t *page, pmm_error_t *err) {
  pmm_kalshi_balance_t balance;
  pmm_kalshi_group_state_t group;
  pmm_status_t st;
  const char *const body = r->body;
  switch ((pmm__kstep_t)a->step) {
  case K_TAKE_CLEAR:
  case K_READ_PAST:
  case K_READ_ORDERS:
    st = pmm_kalshi_orders_read(a->codec, body, r->body_len, a->order_page, PMM__K_PAGE, page, err);
    if (st == PMM_OK) (a->step == K_TAKE_CLEAR ? clear_page : a->step == K_READ_PAST ? past_page : open_page)(a, page);
    return st;
  case K_TAKE_GROUP:
    st = pmm_kalshi_groups_read(a->codec, body, r->body_len, &group, 1, page, err);
    if (st == PMM_OK && page->cnt == 1 && group.id.len < sizeof a->group) snprintf(a->group, sizeof a->group, "%.*s", (int)group.id.len, group.id.at);
    return st;
  case K_READ_FILLS:
    st = pmm_kalshi_fills_read(a->codec, body, r->body_len, a->fill_page, PMM__K_PAGE, page, err);
    if (st == PMM_OK) fills_page(a, page);
    return st;
  case K_READ_POSITIONS:
    st = pmm_kalshi_positions_read(a->codec, body, r->body_len, a->position_page, PMM__K_PAGE, page, err);
    if (st == PMM_OK) positions_page(a, page);
    return st;
  case K_READ_BALANCE:
    st = pmm_kalshi_balance_read(a->codec, body, r->body_len, &balance, err);
    if (st == PMM_OK) a->balance_e6 = balance.balance_e6;
    return st;
  case K_READ_LOCKED: return pmm_kalshi_resting_value_read(a->codec, body, r->body_len, &a->locked_e6, err);
  default: markets_page(a, r); return PMM_OK;
  }
}

bool pmm__k_account_answer(pmm__kalshi_t *a, const pmm_http_response_t *r, pmm_error_t *err) {
  pmm_kalshi_page_t page = {0};
  bool const good = r->http == 200 || r->http == 201;
  if (!good && a->step == K_TAKE_GROUP && r->http >= 400 && r->http < 500 && r->http != 429) {
    pmm__k_notice(a, PMM_WARN, "order-group", PMM_NOTICE_NO_MARKET,
                  "no order group (HTTP %d): cancelling everything takes a cancel for each order", r->http);
    after(a);
    return true;
  }
  if (!good) {
    pmm_kalshi_error_t e;
    pmm_kalshi_error_read(a->codec, r->http, r->body, r->body_len, &e);
    (void)pmm_error_set(err, PMM_IO, "kalshi: HTTP status %d %s %s", r->http, e.code, e.message);
    return false;
  }
  if (take_page(a, r, &page, err) != PMM_OK) return false;
  memcpy(a->cursor, page.cursor, sizeof a->cursor);
  if (a->cursor[0] && a->step != K_TAKE_CLEAR) {
    pmm__k_step_again(a);
  } else if (a->step == K_TAKE_CLEAR && a->clear_again) { /* listed again until none is */
    a->clear_again = false;
    a->cursor[0] = '\0';
    a->retry_ns = pmm_net_mono(a->net) + LOOK_SOON_NS;
  } else {
    after(a);
  }
  return true;
}
