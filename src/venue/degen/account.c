/* account.c -- fills in the order of their numbers, and the account as the venue has it: taken over at the start, read again at every beat and
   after every new connection. A reading is of one moment when no fill and no order moved from its first page to its last. */
#include "venue/degen/adapter.h"
#include <stdio.h>
#include <string.h>

#define RETRY_NS PMM_NS_PER_S
#define CLEAR_NS (300 * PMM_NS_PER_MS)
#define ROUNDS_MAX 10 /* readings at the start that saw something move; then it is told as it is */

/* -- fills -- */

static void deliver(pmm__degen_t *a, const pmm_degen_fill_t *f) {
  uint32_t const market = pmm__d_market_find(a, f->market);
  if (market == PMM__ORDER_NONE) return; /* of a market that is not ours */
  uint32_t const idx = pmm__d_order_find(a, f->order_id, f->client_id);
  uint64_t id = 0;
  uint8_t side = f->is_no ? PMM_ASK : PMM_BID;
  if (idx != PMM__ORDER_NONE) {
    pmm__vorder_t *const o = pmm__orders_at(a->orders, idx);
    (void)pmm__orders_name(a->orders, idx, f->order_id.at, f->order_id.len);
    id = o->order_id;
    side = (uint8_t)pmm_route_side((pmm_route_t)o->route);
    o->filled_e6 += f->qty_e6;
    o->venue_filled_e6 = pmm_max64(o->venue_filled_e6, o->filled_e6);
    o->heard_ns = pmm__d_mono(a);
  } else if (!pmm_degen_client_id_read(f->client_id, &id)) id = pmm__d_alias(f->order_id.at, f->order_id.len);
  pmm_event_t const ev = {
    .md = {.recv_ns = pmm_net_now(a->net), .exch_ns = f->ts_ns, .qty_e6 = f->qty_e6, .price_e4 = f->price_e4, .seq = (uint32_t)f->seq, .market = a->first + market,
           .kind = PMM_EV_FILL, .side = side, .flags = f->maker ? PMM_F_MAKER : 0, .aux = PMM_SETTLE_FINAL},
    .order_id = id, .amount_e6 = f->fee_e6, .ref_id = pmm_venue_ref(f->id.at, f->id.len)};
  a->sink.account(a->sink.ctx, &ev);
  if (idx == PMM__ORDER_NONE) return;
  pmm__vorder_t *const o = pmm__orders_at(a->orders, idx);
  if (o->order_id == id && o->filled_e6 >= o->qty_e6 && o->stage != PMM__V_OVER && !o->lost) { /* complete: nothing more to be told */
    o->told_end = true;
    o->asked = 0;
    pmm__orders_over(a->orders, idx);
  }
}

/* Each number once, in order; before the start those the driver knows are passed over. */
static void take_fill(pmm__degen_t *a, const pmm_degen_fill_t *f) {
  if (f->seq <= a->fill_seq) return;
  a->fill_seq = f->seq;
  a->moved++;
  bool const known = !a->taken && (a->fills_since_ns == PMM_TIME_NONE || f->ts_ns <= a->fills_since_ns);
  if (!known) deliver(a, f);
}

void pmm__d_fill_heard(pmm__degen_t *a, const pmm_degen_fill_t *f) {
  if (f->seq > a->fill_seen) a->fill_seen = f->seq;
  if (!a->taken && a->read <= PMM__D_FILLS) return; /* not known yet how far the driver knows: the reading tells */
  if (f->seq == a->fill_seq + 1) take_fill(a, f);
  else if (f->seq > a->fill_seq + 1 && a->fills_ns == 0) {
    pmm__d_notice(a, PMM_NOTE, "fill-gap", PMM_NOTICE_NO_MARKET, "fill %llu after %llu", (unsigned long long)f->seq, (unsigned long long)a->fill_seq);
    a->fills_ns = pmm__d_mono(a);
  }
}

/* A page of fills; *more: it was full. */
static bool take_page(pmm__degen_t *a, const pmm_http_response_t *r, bool *more) {
  pmm_degen_list_t list;
  pmm_degen_text_t at;
  pmm_degen_fill_t f;
  uint32_t cnt = 0;
  uint64_t last = 0;
  if (r->status != PMM_OK || r->http != 200 || pmm_degen_list_open(r->body, r->body_len, "fills", &list) != PMM_OK) return false;
  while (pmm_degen_list_next(&list, &at)) {
    pmm_error_t err;
    if (pmm_degen_read_fill(at, &f, a->scratch, &err) != PMM_OK) {
      pmm__d_notice(a, PMM_ALERT, "malformed", PMM_NOTICE_NO_MARKET, "a fill: %.200s", err.text);
      return false;
    }
    take_fill(a, &f);
    cnt++;
  }
  bool const has_last = pmm_degen_get_number(pmm__d_body(r), "last_seq", &last) == PMM_OK;
  if (a->jump && has_last && last > a->fill_seq) a->fill_seq = last; /* what was before is of no interest */
  *more = cnt > 0 && (cnt >= PMM__D_PAGE || (has_last && last > a->fill_seq) || a->jump);
  a->jump = false;
  return true;
}

static void fills_path(const pmm__degen_t *a, char *path, size_t cap) {
  snprintf(path, cap, "/fills?after_seq=%llu&limit=%d", (unsigned long long)a->fill_seq, a->jump ? 1 : PMM__D_PAGE);
}

static bool lacks_fills(pmm__degen_t *a) {
  if (a->fill_seen > a->fill_seq) return true;
  for (uint32_t idx = pmm__orders_first(a->orders); idx != PMM__ORDER_NONE; idx = pmm__orders_next(a->orders, idx))
    if (pmm__orders_at(a->orders, idx)->venue_filled_e6 > pmm__orders_at(a->orders, idx)->filled_e6) return true;
  return false;
}

static void on_fills(void *ctx, uint64_t tag, const pmm_http_response_t *r) {
  pmm__degen_t *const a = ctx;
  bool more = false;
  (void)tag;
  a->fills_busy = false;
  bool const ok = take_page(a, r, &more);
  if (!ok || more || lacks_fills(a)) a->fills_ns = pmm__d_mono(a) + (ok && more ? 0 : PMM__D_FILL_WAIT_NS);
}

static void mend_fills(pmm__degen_t *a) {
  char path[96];
  if (!a->taken || a->fills_ns == 0 || pmm__d_mono(a) < a->fills_ns || a->fills_busy) return;
  a->fills_ns = 0;
  fills_path(a, path, sizeof path);
  a->fills_busy = pmm__d_http(a, "GET", path, NULL, 0, 2, 0, on_fills);
  if (!a->fills_busy) a->fills_ns = pmm__d_mono(a) + PMM__D_FILL_WAIT_NS;
}

/* -- reading the account -- */

static void next_step(pmm__degen_t *a, pmm__dread_t step);

static void read_failed(pmm__degen_t *a, const char *why) {
  if (!a->taken) pmm__d_notice(a, PMM_WARN, "takeover", PMM_NOTICE_NO_MARKET, "account not readable: %.100s", why);
  a->read = PMM__D_IDLE;
  a->read_wanted = true;
  a->read_ns = pmm__d_mono(a) + RETRY_NS;
}

static bool take_positions(pmm__degen_t *a, const pmm_http_response_t *r) {
  pmm_degen_list_t list;
  pmm_degen_text_t at;
  pmm_degen_position_t p;
  a->holding_cnt = 0;
  if (pmm_degen_list_open(r->body, r->body_len, "positions", &list) != PMM_OK) return false;
  while (pmm_degen_list_next(&list, &at)) {
    if (pmm_degen_read_position(at, &p, a->scratch, NULL) != PMM_OK) return false;
    uint32_t const market = pmm__d_market_find(a, p.market);
    if (market == PMM__ORDER_NONE || (p.yes_e6 == 0 && p.no_e6 == 0) || a->holding_cnt == PMM_VENUE_MARKETS_MAX) continue;
    a->holding[a->holding_cnt++] = (pmm_holding_report_t){.market = a->first + market, .yes_e6 = p.yes_e6, .no_e6 = p.no_e6, .yes_cost_e6 = p.yes_cost_e6, .no_cost_e6 = p.no_cost_e6};
  }
  return true;
}

static void adopt(pmm__degen_t *a, uint32_t market, const pmm_degen_order_t *h) {
  uint64_t id = 0;
  uint32_t idx = 0;
  if (!pmm_degen_client_id_read(h->client_id, &id)) id = pmm__d_alias(h->id.at, h->id.len);
  if (pmm__orders_add(a->orders, id, &idx) != PMM_OK || pmm__orders_name(a->orders, idx, h->id.at, h->id.len) != PMM_OK) return;
  pmm__vorder_t *const o = pmm__orders_at(a->orders, idx);
  o->market = market;
  o->route = h->route;
  o->stage = PMM__V_RESTS;
  o->price_e4 = h->price_e4;
  o->qty_e6 = h->qty_e6;
  o->filled_e6 = o->venue_filled_e6 = h->filled_e6;
  o->sent_ns = o->heard_ns = pmm__d_mono(a);
  a->extra[idx] = (pmm__dorder_t){.acked = true};
  a->listed[idx] = 1;
}

/* An open order of the list. Returns whether it must go before the account is ours. */
static bool take_open(pmm__degen_t *a, const pmm_degen_order_t *h) {
  uint32_t const market = pmm__d_market_find(a, h->market);
  if (market == PMM__ORDER_NONE) return false;
  uint32_t const idx = pmm__d_order_find(a, h->id, h->client_id);
  if (idx != PMM__ORDER_NONE) {
    a->listed[idx] = 1;
    pmm__d_order_heard(a, h);
    return false;
  }
  if (!a->taken && a->params.open_orders == PMM_OPEN_ADOPT) {
    adopt(a, market, h);
    return false;
  }
  if (a->taken) pmm__d_notice(a, PMM_WARN, "unknown-order", market, "order %.*s is not ours: cancelled", (int)pmm_min64(h->id.len, 80), h->id.at);
  pmm__d_cancel_vid(a, h->id.at, h->id.len);
  return !a->taken;
}

/* Orders we think open that the list, asked for later than our last word of them, does not hold. */
static void look_for_missing(pmm__degen_t *a) {
  for (uint32_t idx = pmm__orders_first(a->orders); idx != PMM__ORDER_NONE; idx = pmm__orders_next(a->orders, idx)) {
    const pmm__vorder_t *const o = pmm__orders_at(a->orders, idx);
    if (a->listed[idx] || o->asked || a->extra[idx].place_waits || o->sent_ns >= a->read_began_ns || o->heard_ns >= a->read_began_ns) continue;
    pmm__orders_at(a->orders, idx)->lost = true;
    pmm__d_emit(a, PMM_EV_LOST, idx, 0, 0, 0);
    pmm__d_look(a, idx, 0);
  }
}

static bool take_orders(pmm__degen_t *a, const pmm_http_response_t *r, bool *must_clear) {
  pmm_degen_list_t list;
  pmm_degen_text_t at;
  pmm_degen_order_t o;
  memset(a->listed, 0, PMM_VENUE_ORDERS_MAX);
  if (pmm_degen_list_open(r->body, r->body_len, "orders", &list) != PMM_OK) return false;
  while (pmm_degen_list_next(&list, &at)) {
    if (pmm_degen_read_order(at, &o, a->scratch, NULL) != PMM_OK || o.is_error) return false;
    if (o.status == PMM_DEGEN_OPEN) *must_clear = take_open(a, &o) || *must_clear;
  }
  if (a->taken) look_for_missing(a);
  return true;
}

static uint64_t in_flight(pmm__degen_t *a) {
  uint64_t cnt = a->moved - a->moved_at_start + (a->fill_seen > a->fill_seq);
  for (uint32_t idx = pmm__orders_first(a->orders); idx != PMM__ORDER_NONE; idx = pmm__orders_next(a->orders, idx)) {
    const pmm__vorder_t *const o = pmm__orders_at(a->orders, idx);
    cnt += o->asked != 0 || o->lost || o->venue_filled_e6 > o->filled_e6;
  }
  return cnt;
}

/* Orders as they are now, after the fills that crossed the reading. */
static void list_adopted(pmm__degen_t *a) {
  a->adopted_cnt = 0;
  for (uint32_t idx = pmm__orders_first(a->orders); idx != PMM__ORDER_NONE; idx = pmm__orders_next(a->orders, idx)) {
    const pmm__vorder_t *const o = pmm__orders_at(a->orders, idx);
    a->adopted[a->adopted_cnt++] = (pmm_order_report_t){.order_id = o->order_id, .market = a->first + o->market, .route = o->route, .price_e4 = o->price_e4,
                                                        .open_e6 = pmm__vorder_open(o), .filled_e6 = o->filled_e6, .placed_ns = pmm_net_now(a->net)};
  }
}

static void conclude(pmm__degen_t *a) {
  uint64_t const moving = in_flight(a);
  if (!a->taken && moving > 0 && ++a->read_rounds < ROUNDS_MAX) {
    next_step(a, PMM__D_BALANCE);
    return;
  }
  bool const takeover = !a->taken;
  if (takeover) list_adopted(a);
  pmm_account_report_t const report = {.takeover = takeover, .at_ns = pmm_net_now(a->net), .cash_e6 = a->balance.cash_e6, .locked_e6 = a->balance.locked_e6,
                                       .holding = a->holding, .holding_cnt = a->holding_cnt, .order = takeover ? a->adopted : NULL,
                                       .order_cnt = takeover ? a->adopted_cnt : 0, .in_flight = moving};
  a->read = PMM__D_IDLE;
  a->taken = true;
  a->reconciled = a->conn != 0 && a->subscribed;
  a->read_ns = pmm__d_mono(a) + a->params.reconcile_ns;
  a->sink.report(a->sink.ctx, &report);
  pmm__d_judge(a);
}

static void take(pmm__degen_t *a, pmm__dread_t step, const pmm_http_response_t *r) {
  bool more = false, must_clear = false, ok = true;
  pmm__dread_t next = (pmm__dread_t)(step + 1);
  switch (step) {
  case PMM__D_FILLS:
  case PMM__D_FILLS_AGAIN: ok = take_page(a, r, &more); break;
  case PMM__D_BALANCE: ok = pmm_degen_read_balance(pmm__d_body(r), &a->balance, NULL) == PMM_OK; break;
  case PMM__D_POSITIONS: ok = take_positions(a, r); break;
  case PMM__D_OPEN: ok = take_orders(a, r, &must_clear); break;
  case PMM__D_IDLE: break;
  }
  if (!ok) read_failed(a, "an answer that cannot be read");
  else if (must_clear) { /* they are being cancelled; then once more from the beginning */
    read_failed(a, "orders of before are cancelled first");
    a->read_ns = pmm__d_mono(a) + CLEAR_NS;
  } else if (more) next_step(a, step);
  else if (step == PMM__D_FILLS_AGAIN) conclude(a);
  else next_step(a, next);
}

static void on_read(void *ctx, uint64_t tag, const pmm_http_response_t *r) {
  pmm__degen_t *const a = ctx;
  a->read_busy = false;
  if (a->phase != PMM__D_RUNS || a->read != tag) return;
  if (r->status != PMM_OK || r->http != 200) read_failed(a, r->status != PMM_OK ? r->why : "refused");
  else take(a, (pmm__dread_t)tag, r);
}

static void next_step(pmm__degen_t *a, pmm__dread_t step) {
  char path[96];
  static const char *const paths[] = {[PMM__D_BALANCE] = "/balance", [PMM__D_POSITIONS] = "/positions", [PMM__D_OPEN] = "/orders?status=open"};
  bool const fills = step == PMM__D_FILLS || step == PMM__D_FILLS_AGAIN;
  if (fills) fills_path(a, path, sizeof path);
  a->read = (uint8_t)step;
  if (step == PMM__D_BALANCE) a->moved_at_start = a->moved;
  if (step == PMM__D_OPEN) a->read_began_ns = pmm__d_mono(a);
  a->read_busy = pmm__d_http(a, "GET", fills ? path : paths[step], NULL, 0, 2, step, on_read);
  if (!a->read_busy) read_failed(a, "cannot be asked for");
}

void pmm__d_read_account(pmm__degen_t *a) { a->read_wanted = true; }

void pmm__d_account_tick(pmm__degen_t *a) {
  int64_t const now_ns = pmm__d_mono(a);
  mend_fills(a);
  if (a->phase != PMM__D_RUNS || a->read != PMM__D_IDLE || a->read_busy || !a->conn) return;
  bool const due = a->read_ns > 0 && now_ns >= a->read_ns;
  if (!due && !(a->read_wanted && (a->taken ? true : a->read_ns == 0))) return;
  a->read_wanted = false;
  a->read_ns = now_ns + a->params.reconcile_ns;
  a->read_rounds = 0;
  next_step(a, PMM__D_FILLS);
}
