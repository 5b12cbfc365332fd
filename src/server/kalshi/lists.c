/* Orders as their owner sees them: one, many, and where they stand in the queue. Source: Kalshi API docs, "Get Orders" (2026-11). */
#include <string.h>
#include "server/kalshi/impl.h"

#define EVENTS_MAX 10

/* An expired order is a cancelled one; a partly filled one rests. */
const char *pmm__kx_order_status(const pmm_place_order_t *o) {
  switch ((pmm_place_status_t)o->status) {
  case PMM_PLACE_OPEN: return "resting";
  case PMM_PLACE_FILLED: return "executed";
  default: return "canceled";
  }
}

int64_t pmm__kx_initial(const pmm_place_order_t *o) { return o->qty_e6; }

static void put_progress(pmm_text_t *t, const pmm_place_order_t *o) {
  pmm__kx_count(t, "fill_count_fp", o->filled_e6);
  pmm__kx_count(t, "remaining_count_fp", o->open_e6);
  pmm__kx_count(t, "initial_count_fp", pmm__kx_initial(o));
  pmm__kx_cost(t, "taker_fill_cost_dollars", o->taker_cost_e6);
  pmm__kx_cost(t, "maker_fill_cost_dollars", o->maker_cost_e6);
  pmm__kx_cost(t, "taker_fees_dollars", o->taker_fee_e6);
  pmm__kx_cost(t, "maker_fees_dollars", o->maker_fee_e6);
}

static void put_order(pmm__kx_t *k, const char *key, const pmm__kx_member_t *m, const pmm_place_order_t *o) {
  pmm_text_t *const t = &k->out;
  const pmm__kx_group_t *const g = pmm__kx_group_at(k, o->group);
  pmm_text_object(t, key);
  pmm_text_string(t, "order_id", o->id);
  pmm_text_string(t, "user_id", m->user);
  pmm_text_string(t, "client_order_id", o->client_id);
  pmm_text_string(t, "ticker", pmm_place_market(k->place, o->market)->id);
  pmm__kx_direction(t, pmm_route_side((pmm_route_t)o->route));
  pmm_text_string(t, "type", "limit");
  pmm_text_string(t, "status", pmm__kx_order_status(o));
  pmm__kx_price(t, "yes_price_dollars", o->price_e4);
  pmm__kx_price(t, "no_price_dollars", PMM_ONE_E4 - o->price_e4);
  put_progress(t, o);
  if (o->expire_ns != PMM_NS_MAX) pmm__kx_time(t, "expiration_time", o->expire_ns);
  pmm__kx_time(t, "created_time", o->created_ns);
  pmm__kx_time(t, "last_update_time", o->updated_ns);
  pmm_text_string(t, "self_trade_prevention_type", o->stp == PMM_STP_CANCEL_MAKER ? "maker" : "taker_at_cross");
  if (g) pmm_text_string(t, "order_group_id", g->id);
  pmm_text_bool(t, "cancel_order_on_pause", (o->tag & PMM__KX_TAG_PAUSE) != 0);
  pmm_text_int(t, "subaccount_number", 0);
  pmm_text_int(t, "exchange_index", 0);
  pmm_text_end(t);
}

int pmm__kx_get_order(pmm__kx_t *k, pmm__kx_request_t *q) {
  const pmm_place_order_t *const own = pmm__kx_own_order(k, q->member, q->arg[0]), *const o = own ? pmm__kx_seen_order(k, own) : NULL;
  if (!o) return pmm__kx_not_found(k);
  pmm_text_object(&k->out, NULL);
  put_order(k, "order", q->member, o);
  pmm_text_end(&k->out);
  return 200;
}

typedef struct order_filter { char ticker[PMM_ID_MAX], events[EVENTS_MAX * PMM_ID_MAX], status[16]; int64_t min_ts, max_ts; } order_filter_t;

static bool order_passes(const pmm__kx_t *k, const pmm_place_order_t *o, const order_filter_t *f) {
  if (o->status == PMM_PLACE_REJECTED || o->market >= k->market_cap || !k->market[o->market].listed) return false;
  if (f->ticker[0] && strcmp(f->ticker, pmm_place_market(k->place, o->market)->id) != 0) return false;
  if (f->status[0] && strcmp(f->status, pmm__kx_order_status(o)) != 0) return false;
  int64_t const s = o->created_ns / PMM_NS_PER_S;
  return pmm__kx_in_list(f->events, k->event[k->market[o->market].event].ticker) && s >= f->min_ts && s <= f->max_ts;
}

/* The newest order of an account before seq that passes, as it is seen; NULL. */
static const pmm_place_order_t *order_before(pmm__kx_t *k, uint32_t account, uint64_t seq, const order_filter_t *f) {
  for (const pmm_place_order_t *o = pmm_place_order_before(k->place, account, seq); o; o = pmm_place_order_before(k->place, account, o->seq)) {
    const pmm_place_order_t *const seen = pmm__kx_seen_order(k, o);
    if (seen && order_passes(k, seen, f)) return seen;
  }
  return NULL;
}

int pmm__kx_get_orders(pmm__kx_t *k, pmm__kx_request_t *q) {
  order_filter_t f = {0};
  int64_t left = pmm__kx_query_int(k, q, "limit", 1, 1000, 100);
  f.min_ts = pmm__kx_query_int(k, q, "min_ts", 0, INT64_MAX, INT64_MIN);
  f.max_ts = pmm__kx_query_int(k, q, "max_ts", 0, INT64_MAX, INT64_MAX);
  pmm__kx_query_shard(k, q);
  pmm__kx_query(q, "ticker", f.ticker, sizeof f.ticker);
  pmm__kx_query(q, "event_ticker", f.events, sizeof f.events);
  if (pmm__kx_query(q, "status", f.status, sizeof f.status) && !pmm__kx_in_list("resting,canceled,executed", f.status) && !q->status)
    q->status = pmm__kx_query_refuse(k, q, "status", "oneof");
  if (q->status) return q->status;
  uint32_t const account = q->member->account;
  const pmm_place_order_t *o = order_before(k, account, pmm__kx_cursor(q), &f);
  uint64_t last = 0;
  pmm_text_object(&k->out, NULL);
  pmm_text_array(&k->out, "orders");
  for (; o && left > 0; left--, last = o->seq, o = order_before(k, account, last, &f)) put_order(k, NULL, q->member, o);
  pmm_text_end(&k->out);
  pmm__kx_cursor_put(&k->out, "cursor", last, o != NULL);
  pmm_text_end(&k->out);
  return 200;
}

/* -- queues -- */

int pmm__kx_get_queue_position(pmm__kx_t *k, pmm__kx_request_t *q) {
  const pmm_place_order_t *const o = pmm__kx_own_order(k, q->member, q->arg[0]);
  int64_t const ahead_e6 = o ? pmm_place_ahead(k->place, o->seq) : -1;
  if (ahead_e6 < 0) return pmm__kx_not_found(k);
  pmm_text_object(&k->out, NULL);
  pmm__kx_count(&k->out, "queue_position_fp", ahead_e6);
  pmm_text_end(&k->out);
  return 200;
}

int pmm__kx_get_queue_positions(pmm__kx_t *k, pmm__kx_request_t *q) {
  char tickers[4096] = "", event[PMM_ID_MAX] = "";
  bool const by_ticker = pmm__kx_query(q, "market_tickers", tickers, sizeof tickers),
             by_event = pmm__kx_query(q, "event_ticker", event, sizeof event);
  pmm__kx_query_shard(k, q);
  if (!q->status && !by_ticker && !by_event) q->status = pmm__kx_bare(k, "Need to specify market_tickers or event_ticker");
  if (q->status) return q->status;
  pmm_text_t *const t = &k->out;
  pmm_text_object(t, NULL);
  pmm_text_array(t, "queue_positions");
  uint32_t const account = q->member->account;
  for (const pmm_place_order_t *o = pmm_place_open_after(k->place, account, 0); o; o = pmm_place_open_after(k->place, account, o->seq)) {
    const char *const ticker = pmm_place_market(k->place, o->market)->id;
    if (o->market >= k->market_cap || !k->market[o->market].listed || !pmm__kx_in_list(tickers, ticker)) continue;
    if (by_event && strcmp(event, k->event[k->market[o->market].event].ticker) != 0) continue;
    pmm_text_object(t, NULL);
    pmm_text_string(t, "order_id", o->id);
    pmm_text_string(t, "market_ticker", ticker);
    pmm__kx_count(t, "queue_position_fp", pmm_max64(0, pmm_place_ahead(k->place, o->seq)));
    pmm_text_end(t);
  }
  pmm_text_end(t);
  pmm_text_end(t);
  return 200;
}
