/* What the Degen venue sends, as text. Prices and sizes are decimal strings, times integer milliseconds. */
#include <assert.h>
#include "server/degen/impl.h"

int pmm__dd_http_status(pmm__dd_code_t code) {
  switch (code) {
#define X(name, http, text) case PMM__DD_##name: return http;
    PMM__DD_CODE_MAP(X)
#undef X
  }
  return 500;
}

static const char *code_text(pmm__dd_code_t code) {
  switch (code) {
#define X(name, http, text) case PMM__DD_##name: return text;
    PMM__DD_CODE_MAP(X)
#undef X
  }
  return "internal";
}

void pmm__dd_fail(pmm__dd_req_t *r, pmm__dd_code_t code, const char *field, const char *message) {
  r->error = (pmm__dd_error_t){.code = code, .field = field, .message = message};
}

void pmm__dd_put_error(pmm_text_t *t, const char *key, const pmm__dd_error_t *e) {
  pmm_text_object(t, key);
  pmm_text_string(t, "code", code_text(e->code));
  pmm_text_string(t, "message", e->message);
  if (e->field) pmm_text_string(t, "field", e->field);
  if (e->retry_ns > 0) pmm_text_int(t, "retry_after_ms", (e->retry_ns + PMM_NS_PER_MS - 1) / PMM_NS_PER_MS);
  pmm_text_end(t);
}

static bool is_no(uint8_t route) { return route == PMM_BUY_NO || route == PMM_SELL_NO; }
static void put_price(pmm_text_t *t, const char *key, int32_t price_e4) { pmm_text_decimal(t, key, price_e4, 4, 2); }
static void put_size(pmm_text_t *t, const char *key, int64_t qty_e6) { pmm_text_decimal(t, key, qty_e6, 6, 0); }
static void put_time(pmm_text_t *t, const char *key, int64_t at_ns) {
  if (at_ns == PMM_TIME_NONE || at_ns == PMM_NS_MAX) pmm_text_null(t, key);
  else pmm_text_int(t, key, at_ns / PMM_NS_PER_MS);
}

static void put_market_id(const pmm__dd_t *d, pmm_text_t *t, uint32_t market) {
  pmm_text_string(t, "market", pmm_place_market(d->place, market)->id);
}

static void put_outcome(pmm_text_t *t, uint8_t route, int32_t price_e4) {
  pmm_text_string(t, "outcome", is_no(route) ? "no" : "yes");
  put_price(t, "price", is_no(route) ? PMM_ONE_E4 - price_e4 : price_e4);
}

/* ---- orders ---- */

static const char *status_text(const pmm_place_order_t *o) {
  static const char *const text[] = {"open", "filled", "cancelled", "rejected", "expired"};
  return text[o->status];
}

static const char *reason_text(const pmm_place_order_t *o) {
  if (o->status == PMM_PLACE_OPEN || o->status == PMM_PLACE_FILLED) return NULL;
  switch ((pmm_reject_t)o->reason) {
  case PMM_REJECT_USER: return "user";
  case PMM_REJECT_SELF_TRADE: return "self_trade";
  case PMM_REJECT_IOC: return "ioc";
  case PMM_REJECT_FOK: return "fok";
  case PMM_REJECT_CLOSED: return "market_closed";
  case PMM_REJECT_TICK: return "tick";
  case PMM_REJECT_FUNDS: return "insufficient_balance";
  case PMM_REJECT_EXPIRY: return o->status == PMM_PLACE_EXPIRED ? "expired" : "heartbeat";
  default: return "venue";
  }
}

void pmm__dd_put_order(const pmm__dd_t *d, pmm_text_t *t, const char *key, const pmm_place_order_t *o) {
  pmm_text_object(t, key);
  pmm_text_string(t, "id", o->id);
  pmm_text_string(t, "client_id", o->client_id[0] ? o->client_id : NULL);
  put_market_id(d, t, o->market);
  pmm_text_string(t, "side", pmm_route_is_sell((pmm_route_t)o->route) ? "ask" : "bid");
  put_outcome(t, o->route, o->price_e4);
  put_size(t, "size", o->qty_e6);
  put_size(t, "filled", o->filled_e6);
  put_size(t, "remaining", o->open_e6);
  pmm_text_string(t, "status", status_text(o));
  pmm_text_string(t, "reason", reason_text(o));
  put_time(t, "ts", o->updated_ns);
  pmm_text_end(t);
}

/* ---- trades and fills ---- */

void pmm__dd_put_trade(const pmm__dd_t *d, pmm_text_t *t, const char *key, const pmm_place_trade_t *trade) {
  const pmm_place_fill_t *const taker = pmm_place_fill_at(d->place, trade->fill[0]); /* in the taker's words */
  pmm_text_object(t, key);
  pmm_text_string(t, "id", trade->id);
  pmm_text_uint(t, "seq", trade->seq);
  put_market_id(d, t, trade->market);
  put_outcome(t, taker->route, trade->price_e4);
  put_size(t, "size", trade->qty_e6);
  pmm_text_string(t, "taker_side", pmm_route_is_sell((pmm_route_t)taker->route) ? "ask" : "bid");
  put_time(t, "ts", trade->at_ns);
  pmm_text_end(t);
}

void pmm__dd_put_fill(const pmm__dd_t *d, pmm_text_t *t, const char *key, const pmm_place_fill_t *f) {
  const pmm_place_order_t *const o = pmm_place_order_at(d->place, f->order);
  pmm_text_object(t, key);
  pmm_text_uint(t, "seq", f->account_seq);
  pmm_text_string(t, "id", pmm_place_trade_at(d->place, f->trade)->id);
  pmm_text_string(t, "order_id", o->id);
  pmm_text_string(t, "client_id", o->client_id[0] ? o->client_id : NULL);
  put_market_id(d, t, f->market);
  put_outcome(t, f->route, f->price_e4);
  pmm_text_string(t, "side", pmm_route_is_sell((pmm_route_t)f->route) ? "ask" : "bid");
  put_size(t, "size", f->qty_e6);
  pmm_text_decimal(t, "fee", f->fee_e6, 6, 2);
  pmm_text_string(t, "liquidity", f->maker ? "maker" : "taker");
  put_time(t, "ts", f->at_ns);
  pmm_text_end(t);
}

/* ---- markets ---- */

static const char *life_text(uint8_t life) {
  switch ((pmm_life_t)life) {
  case PMM_LIFE_PENDING: return "PENDING";
  case PMM_LIFE_OPEN: return "OPEN";
  case PMM_LIFE_HALTED: return "HALTED";
  case PMM_LIFE_CLOSED:
  case PMM_LIFE_RESOLVING: return "CLOSED";
  case PMM_LIFE_RESOLVED: return "RESOLVED";
  }
  return "CLOSED";
}

/* The middle of the book in millionths, the last trade where a side is missing, half a dollar before anything. */
static int64_t price_now(const pmm__dd_t *d, uint32_t market, const pmm_place_stats_t *s) {
  const pmm_market_t *const m = pmm_place_market(d->place, market);
  if (m->life == PMM_LIFE_RESOLVED) return m->payout_yes_e6;
  const pmm_ladder_t *const l = pmm_place_ladder(d->place, market);
  int32_t const bid = pmm_ladder_best_e4(l, PMM_BID), ask = pmm_ladder_best_e4(l, PMM_ASK);
  if (bid && ask) return (int64_t)(bid + ask) * 50;
  return s->last_e4 ? (int64_t)s->last_e4 * 100 : PMM_ONE_E6 / 2;
}

void pmm__dd_put_market(const pmm__dd_t *d, pmm_text_t *t, const char *key, uint32_t market, int64_t now_ns) {
  const pmm_market_t *const m = pmm_place_market(d->place, market);
  const pmm__dd_market_t *const mine = &d->market[market];
  bool const resolved = m->life == PMM_LIFE_RESOLVED;
  pmm_place_stats_t s;
  pmm_place_stats(d->place, market, &s);
  int64_t const yes_e6 = price_now(d, market, &s);
  pmm_text_object(t, key);
  pmm_text_string(t, "id", m->id);
  pmm_text_string(t, "asset", mine->asset[0] ? mine->asset : NULL);
  if (m->strike_e8 != 0) pmm_text_decimal(t, "strike", m->strike_e8, 8, 0);
  else pmm_text_null(t, "strike");
  pmm_text_string(t, "status", life_text(m->life));
  put_time(t, "opens_at", m->open_ns);
  put_time(t, "expires_at", m->close_ns);
  if (m->close_ns == PMM_TIME_NONE) pmm_text_null(t, "seconds_to_expiry");
  else pmm_text_int(t, "seconds_to_expiry", pmm_max64(0, m->close_ns - now_ns) / PMM_NS_PER_S);
  put_price(t, "tick", m->grid.tick_e4);
  pmm_text_number(t, "taker_fee_bps", m->fees.model == PMM_FEE_BPS ? m->fees.taker_rate_e6 : 0, 2, 0);
  pmm_text_number(t, "maker_fee_bps", m->fees.model == PMM_FEE_BPS ? m->fees.maker_rate_e6 : 0, 2, 0);
  pmm_text_decimal(t, "yes_price", yes_e6, 6, 2);
  pmm_text_decimal(t, "no_price", PMM_ONE_E6 - yes_e6, 6, 2);
  put_size(t, "volume", s.volume_e6);
  pmm_text_decimal(t, "liquidity", pmm_ladder_notional(pmm_place_ladder(d->place, market)), 6, 2);
  pmm_text_string(t, "outcome", !resolved ? NULL : m->outcome == PMM_OUTCOME_YES ? "YES" : m->outcome == PMM_OUTCOME_NO ? "NO" : "VOID");
  if (resolved && mine->settle_e8 != 0) pmm_text_decimal(t, "settle_price", mine->settle_e8, 8, 2);
  else pmm_text_null(t, "settle_price");
  pmm_text_end(t);
}

/* ---- books ---- */

/* One side of the book, as the side `as` of an outcome: the NO book is the YES book seen in the mirror. */
static void put_levels(const pmm_ladder_t *l, pmm_text_t *t, const char *key, pmm_side_t side, bool no, uint32_t depth) {
  uint32_t cnt = 0;
  pmm_text_array(t, key);
  for (int32_t tick = l->best[side]; tick != PMM_TICKS_NONE && cnt < depth; tick = pmm_ladder_next(l, side, tick), cnt++) {
    int32_t const price_e4 = tick * l->tick_e4;
    pmm_text_array(t, NULL);
    put_price(t, NULL, no ? PMM_ONE_E4 - price_e4 : price_e4);
    put_size(t, NULL, pmm_ladder_qty(l, side, tick));
    pmm_text_end(t);
  }
  pmm_text_end(t);
}

static void put_outcome_book(const pmm_ladder_t *l, pmm_text_t *t, const char *key, bool no, uint32_t depth) {
  pmm_text_object(t, key);
  put_levels(l, t, "bids", no ? PMM_ASK : PMM_BID, no, depth);
  put_levels(l, t, "asks", no ? PMM_BID : PMM_ASK, no, depth);
  pmm_text_end(t);
}

void pmm__dd_put_book(const pmm__dd_t *d, pmm_text_t *t, uint32_t market, uint32_t depth, bool both, int64_t now_ns) {
  const pmm_ladder_t *const l = pmm_place_ladder(d->place, market);
  put_market_id(d, t, market);
  pmm_text_uint(t, "seq", d->market[market].seq);
  put_time(t, "ts", now_ns);
  put_outcome_book(l, t, "yes", false, depth);
  if (both) put_outcome_book(l, t, "no", true, depth);
}
