/* What happens in the place, as frames to those who follow it. Of a match: the trade, fills of both sides, both orders, positions.
   Source: Kalshi API docs, AsyncAPI 2.0 (2026-11). */
#include <stdlib.h>
#include <string.h>
#include "pmm/decimal.h"
#include "server/kalshi/impl.h"

/* Every subscription of a channel that wants a market, whosever it is. */
#define EACH_SUB(k, p, s, wanted, of_market)                                   \
  for (pmm__kx_peer_t *p = (k)->peers; p; p = p->next)                         \
    for (pmm__kx_sub_t *s = p->sub; s && s < p->sub + p->sub_cnt; s++)         \
      if (pmm__kx_wants(s, wanted, of_market))

static const char *ticker_of(const pmm__kx_t *k, uint32_t market) { return pmm_place_market(k->place, market)->id; }

static void put_stamps(pmm_text_t *t, int64_t at_ns) {
  pmm__kx_seconds(t, "ts", at_ns);
  pmm__kx_millis(t, "ts_ms", at_ns);
}

/* -- books -- */

void pmm__kx_send_snapshot(pmm__kx_t *k, pmm__kx_peer_t *p, pmm__kx_sub_t *s, uint32_t market, int64_t id) {
  const pmm_ladder_t *const l = pmm_place_ladder(k->place, market);
  pmm_text_t *const t = pmm__kx_frame_begin(k, s, "orderbook_snapshot", id, true);
  pmm_text_string(t, "market_ticker", ticker_of(k, market));
  pmm_text_string(t, "market_id", k->market[market].uuid);
  if (l->best[PMM_BID] != PMM_TICKS_NONE) pmm__kx_levels(t, "yes_dollars_fp", l, PMM_BID, 0, false); /* an empty side has no key */
  if (l->best[PMM_ASK] != PMM_TICKS_NONE) pmm__kx_levels(t, "no_dollars_fp", l, PMM_ASK, 0, s->yes_price);
  pmm__kx_frame_send(k, p);
}

static void on_level(pmm__kx_t *k, const pmm_place_event_t *e) {
  k->market[e->market].changed = true;
  if (e->delta_e6 == 0) return;
  EACH_SUB(k, p, s, PMM__KX_BOOK, e->market) {
    pmm_text_t *const t = pmm__kx_frame_begin(k, s, "orderbook_delta", 0, true);
    pmm_text_string(t, "market_ticker", ticker_of(k, e->market));
    pmm_text_string(t, "market_id", k->market[e->market].uuid);
    pmm__kx_price(t, "price_dollars", e->side == PMM_BID || s->yes_price ? e->price_e4 : PMM_ONE_E4 - e->price_e4);
    pmm__kx_count(t, "delta_fp", e->delta_e6);
    pmm_text_string(t, "side", e->side == PMM_BID ? "yes" : "no");
    if (p->member->account == k->doing.account && k->doing.client_id && k->doing.client_id[0]) {
      pmm_text_string(t, "client_order_id", k->doing.client_id);
      pmm_text_int(t, "subaccount", 0);
    }
    pmm__kx_time(t, "ts", e->at_ns);
    pmm__kx_millis(t, "ts_ms", e->at_ns);
    pmm__kx_frame_send(k, p);
  }
}

/* -- tickers -- */

static int64_t whole_dollars(int64_t e6) { return e6 / PMM_ONE_E6; }

void pmm__kx_send_ticker(pmm__kx_t *k, pmm__kx_peer_t *p, pmm__kx_sub_t *s, uint32_t market) {
  const pmm_ladder_t *const l = pmm_place_ladder(k->place, market);
  int32_t const bid_e4 = pmm_ladder_best_e4(l, PMM_BID), ask_e4 = pmm_ladder_best_e4(l, PMM_ASK);
  pmm_place_stats_t stats;
  pmm_place_stats(k->place, market, &stats);
  pmm_text_t *const t = pmm__kx_frame_begin(k, s, "ticker", 0, false);
  pmm_text_string(t, "market_ticker", ticker_of(k, market));
  pmm_text_string(t, "market_id", k->market[market].uuid);
  pmm__kx_price(t, "price_dollars", stats.last_e4);
  pmm__kx_price(t, "yes_bid_dollars", bid_e4);
  pmm__kx_price(t, "yes_ask_dollars", ask_e4 ? ask_e4 : PMM_ONE_E4);
  pmm__kx_count(t, "yes_bid_size_fp", bid_e4 ? pmm_ladder_qty(l, PMM_BID, l->best[PMM_BID]) : 0);
  pmm__kx_count(t, "yes_ask_size_fp", ask_e4 ? pmm_ladder_qty(l, PMM_ASK, l->best[PMM_ASK]) : 0);
  pmm__kx_count(t, "last_trade_size_fp", k->market[market].last_size_e6);
  pmm__kx_count(t, "volume_fp", stats.volume_e6);
  pmm__kx_count(t, "open_interest_fp", stats.open_interest_e6);
  pmm_text_int(t, "dollar_volume", whole_dollars(stats.volume_e6));
  pmm_text_int(t, "dollar_open_interest", whole_dollars(stats.open_interest_e6));
  put_stamps(t, k->now_ns);
  pmm__kx_time(t, "time", k->now_ns);
  pmm__kx_frame_send(k, p);
}

/* -- trades and fills -- */

static bool took_part(const pmm__kx_t *k, const pmm_place_trade_t *trade, uint32_t account) {
  const pmm_place_order_t *const taker = pmm_place_order_at(k->place, trade->taker), *const maker = pmm_place_order_at(k->place, trade->maker);
  return (taker && taker->account == account) || (maker && maker->account == account);
}

static void on_trade(pmm__kx_t *k, const pmm_place_event_t *e) {
  const pmm_place_trade_t *const trade = e->trade;
  pmm_side_t const side = (pmm_side_t)trade->taker_side;
  k->market[e->market].changed = true;
  k->market[e->market].last_size_e6 = trade->qty_e6;
  pmm__kx_candle_trade(k, e->market, trade);
  EACH_SUB(k, p, s, PMM__KX_TRADE, e->market) {
    if (s->self_only && !took_part(k, trade, p->member->account)) continue;
    pmm_text_t *const t = pmm__kx_frame_begin(k, s, "trade", 0, true);
    pmm_text_string(t, "trade_id", trade->id);
    pmm_text_string(t, "market_ticker", ticker_of(k, e->market));
    pmm__kx_price(t, "yes_price_dollars", trade->price_e4);
    pmm__kx_price(t, "no_price_dollars", PMM_ONE_E4 - trade->price_e4);
    pmm__kx_count(t, "count_fp", trade->qty_e6);
    pmm_text_string(t, "taker_side", pmm__kx_outcome_side(side));
    pmm_text_string(t, "taker_outcome_side", pmm__kx_outcome_side(side));
    pmm_text_string(t, "taker_book_side", pmm__kx_book_side(side));
    pmm_text_bool(t, "is_block_trade", false);
    put_stamps(t, e->at_ns);
    pmm__kx_frame_send(k, p);
  }
}

static void touch(pmm__kx_t *k, uint32_t account, uint32_t market) {
  for (uint32_t i = 0; i < k->touched_cnt; i += 2)
    if (k->touched[i] == account && k->touched[i + 1] == market) return;
  if (k->touched_cnt + 2 > k->touched_cap) {
    uint32_t const cap = k->touched_cap ? k->touched_cap * 2 : 16;
    uint32_t *const grown = realloc(k->touched, cap * sizeof *grown);
    if (!grown) return;
    k->touched = grown;
    k->touched_cap = cap;
  }
  k->touched[k->touched_cnt++] = account;
  k->touched[k->touched_cnt++] = market;
}

static void send_fill(pmm__kx_t *k, pmm__kx_peer_t *p, pmm__kx_sub_t *s, const pmm_place_event_t *e) {
  const pmm_place_fill_t *const f = e->fill;
  const pmm_place_order_t *const o = pmm_place_order_at(k->place, f->order);
  const pmm_place_trade_t *const trade = pmm_place_trade_at(k->place, f->trade);
  pmm_text_t *const t = pmm__kx_frame_begin(k, s, "fill", 0, false);
  pmm_text_string(t, "trade_id", trade->id);
  pmm_text_string(t, "order_id", o->id);
  if (o->client_id[0]) pmm_text_string(t, "client_order_id", o->client_id);
  pmm_text_string(t, "market_ticker", ticker_of(k, f->market));
  pmm_text_int(t, "exchange_index", 0);
  pmm_text_bool(t, "is_taker", !f->maker);
  pmm__kx_direction(t, pmm_route_side((pmm_route_t)f->route));
  pmm_text_string(t, "purchased_side", pmm__kx_outcome_side(pmm_route_side((pmm_route_t)f->route)));
  pmm__kx_price(t, "yes_price_dollars", f->price_e4);
  pmm__kx_count(t, "count_fp", f->qty_e6);
  pmm__kx_cost(t, "fee_cost", f->fee_e6);
  pmm__kx_count(t, "post_position_fp", f->position_e6);
  pmm_text_int(t, "subaccount", 0);
  put_stamps(t, f->at_ns);
  pmm__kx_frame_send(k, p);
}

static void on_fill(pmm__kx_t *k, const pmm_place_event_t *e) {
  const pmm_place_fill_t *const f = e->fill;
  const pmm_place_order_t *const o = pmm_place_order_at(k->place, f->order);
  pmm__kx_position_t *const position = pmm__kx_position(k, f->account, f->market);
  if (position) position->volume_e6 += f->qty_e6;
  touch(k, f->account, f->market);
  pmm__kx_group_fill(k, o->group, f->qty_e6, f->at_ns);
  EACH_SUB(k, p, s, PMM__KX_FILL, f->market)
    if (p->member->account == f->account) send_fill(k, p, s, e);
}

/* -- orders -- */

/* Why an order last changed; NULL: it was its owner. */
static const char *reason_of(const pmm__kx_t *k, const pmm_place_order_t *o) {
  bool const is_closed = pmm_place_market(k->place, o->market)->life >= PMM_LIFE_CLOSED;
  switch ((pmm_place_status_t)o->status) {
  case PMM_PLACE_EXPIRED: return is_closed ? "CloseCancel" : "ExpiryCancel";
  case PMM_PLACE_CANCELLED:
    if (o->reason == PMM_REJECT_SELF_TRADE) return "SelfTradeCancel";
    if (o->reason == PMM_REJECT_POST_ONLY) return "PostOnlyCrossCancel";
    if (o->reason == PMM_REJECT_SETTLED || (o->reason == PMM_REJECT_CLOSED && is_closed)) return "CloseCancel";
    return k->doing.reason;
  default:
    if (k->doing.reason && o->account == k->doing.account) return k->doing.reason;
    return o->filled_e6 > 0 ? "Trade" : NULL;
  }
}

static void put_order(pmm__kx_t *k, pmm_text_t *t, const pmm__kx_member_t *m, const pmm_place_order_t *o) {
  pmm_side_t const side = pmm_route_side((pmm_route_t)o->route);
  pmm_text_string(t, "order_id", o->id);
  pmm_text_string(t, "user_id", m->user);
  pmm_text_string(t, "ticker", ticker_of(k, o->market));
  pmm_text_int(t, "exchange_index", 0);
  pmm_text_string(t, "status", pmm__kx_order_status(o));
  pmm_text_string(t, "side", "yes");
  pmm_text_bool(t, "is_yes", side == PMM_BID);
  pmm_text_string(t, "outcome_side", pmm__kx_outcome_side(side));
  pmm_text_string(t, "book_side", pmm__kx_book_side(side));
  pmm__kx_price(t, "yes_price_dollars", o->price_e4);
  pmm__kx_count(t, "fill_count_fp", o->filled_e6);
  pmm__kx_count(t, "remaining_count_fp", o->open_e6);
  pmm__kx_count(t, "initial_count_fp", pmm__kx_initial(o));
  pmm__kx_cost(t, "taker_fill_cost_dollars", o->taker_cost_e6);
  pmm__kx_cost(t, "maker_fill_cost_dollars", o->maker_cost_e6);
  pmm__kx_cost(t, "taker_fees_dollars", o->taker_fee_e6);
  pmm__kx_cost(t, "maker_fees_dollars", o->maker_fee_e6);
  pmm_text_string(t, "client_order_id", o->client_id);
}

static void put_order_terms(pmm__kx_t *k, pmm_text_t *t, const pmm_place_order_t *o) {
  const pmm__kx_group_t *const g = pmm__kx_group_at(k, o->group);
  const char *const reason = reason_of(k, o);
  if (g) pmm_text_string(t, "order_group_id", g->id);
  pmm_text_string(t, "self_trade_prevention_type", o->stp == PMM_STP_CANCEL_MAKER ? "maker" : "taker_at_cross");
  pmm__kx_time(t, "created_time", o->created_ns);
  pmm__kx_millis(t, "created_ts_ms", o->created_ns);
  pmm__kx_time(t, "last_update_time", o->updated_ns);
  pmm__kx_millis(t, "last_updated_ts_ms", o->updated_ns);
  if (o->expire_ns != PMM_NS_MAX) {
    pmm__kx_time(t, "expiration_time", o->expire_ns);
    pmm__kx_millis(t, "expiration_ts_ms", o->expire_ns);
  }
  if (reason) pmm_text_string(t, "last_update_reason", reason);
  pmm_text_int(t, "subaccount_number", 0);
}

static void on_order(pmm__kx_t *k, const pmm_place_event_t *e) {
  const pmm_place_order_t *const o = e->order;
  if (o->status == PMM_PLACE_REJECTED) return; /* the answer of the request told it */
  pmm__kx_late_order(k, o);
  EACH_SUB(k, p, s, PMM__KX_ORDERS, o->market) {
    if (p->member->account != o->account) continue;
    pmm_text_t *const t = pmm__kx_frame_begin(k, s, "user_order", 0, false);
    put_order(k, t, p->member, o);
    put_order_terms(k, t, o);
    pmm__kx_frame_send(k, p);
  }
}

/* -- positions -- */

static void send_position(pmm__kx_t *k, uint32_t account, uint32_t market) {
  const pmm__kx_position_t *const held = &k->market[market].position[account];
  const pmm_place_holding_t *const h = &held->holding;
  EACH_SUB(k, p, s, PMM__KX_POSITIONS, market) {
    if (p->member->account != account) continue;
    pmm_text_t *const t = pmm__kx_frame_begin(k, s, "market_position", 0, false);
    pmm_text_string(t, "user_id", p->member->user);
    pmm_text_string(t, "market_ticker", ticker_of(k, market));
    pmm__kx_count(t, "position_fp", h->yes_e6 - h->no_e6);
    pmm__kx_cost(t, "position_cost_dollars", h->yes_cost_e6 + h->no_cost_e6);
    pmm__kx_cost(t, "realized_pnl_dollars", h->realized_e6);
    pmm__kx_cost(t, "fees_paid_dollars", h->fees_e6);
    pmm__kx_cost(t, "position_fee_cost_dollars", h->yes_e6 == h->no_e6 ? 0 : h->fees_e6);
    pmm__kx_count(t, "volume_fp", held->volume_e6);
    pmm_text_int(t, "subaccount", 0);
    pmm__kx_frame_send(k, p);
  }
}

static void flush_positions(pmm__kx_t *k, int64_t at_ns) {
  for (uint32_t i = 0; i < k->touched_cnt; i += 2) {
    uint32_t const account = k->touched[i], market = k->touched[i + 1];
    pmm__kx_position_update(k, account, market, at_ns);
    if (account >= k->market[market].position_cnt) continue; /* no memory for it */
    pmm__kx_late_position(k, account, market);
    send_position(k, account, market);
  }
  k->touched_cnt = 0;
}

static void on_end(pmm__kx_t *k, const pmm_place_event_t *e) {
  pmm__kx_market_t *const m = &k->market[e->market];
  flush_positions(k, e->at_ns);
  if (!m->changed) return;
  m->changed = false;
  pmm__kx_candle_quote(k, e->market, e->at_ns);
  EACH_SUB(k, p, s, PMM__KX_TICKER, e->market) pmm__kx_send_ticker(k, p, s, e->market);
}

/* -- groups -- */

void pmm__kx_send_group(pmm__kx_t *k, const pmm__kx_group_t *g, const char *event_type) {
  for (pmm__kx_peer_t *p = k->peers; p; p = p->next)
    for (uint32_t i = 0; i < p->sub_cnt; i++) {
      pmm__kx_sub_t *const s = &p->sub[i];
      if (s->channel != PMM__KX_GROUPS || p->member->account != g->account) continue;
      pmm_text_t *const t = pmm__kx_frame_begin(k, s, "order_group_updates", 0, true);
      pmm_text_string(t, "event_type", event_type);
      pmm_text_string(t, "order_group_id", g->id);
      if (event_type[0] == 'c' || event_type[0] == 'l') pmm__kx_count(t, "contracts_limit_fp", g->limit_e6); /* created, limit_updated */
      pmm__kx_millis(t, "ts_ms", k->now_ns);
      pmm__kx_frame_send(k, p);
    }
}

/* -- lives of markets: opening and closing by the clock send nothing -- */

typedef enum life_kind { LIFE_CREATED, LIFE_ACTIVATED, LIFE_DEACTIVATED, LIFE_CLOSE, LIFE_DETERMINED, LIFE_SETTLED, LIFE_GRID } life_kind_t;

static void put_life(pmm__kx_t *k, pmm_text_t *t, life_kind_t kind, uint32_t market, int64_t at_ns) {
  const pmm_market_t *const pm = pmm_place_market(k->place, market);
  int64_t const close_ns = pm->close_ns;
  char structure[PMM_PARAM_TEXT_MAX];
  if (kind == LIFE_CREATED || kind == LIFE_GRID) {
    pmm__kx_structure(k, market, structure, sizeof structure);
    pmm_text_string(t, "price_level_structure", structure);
    pmm__kx_price_ranges(t, &pm->grid);
  }
  if (kind == LIFE_CREATED) pmm__kx_seconds(t, "open_ts", pm->open_ns != PMM_TIME_NONE ? pm->open_ns : at_ns);
  if (kind == LIFE_CREATED && close_ns != PMM_TIME_NONE) pmm__kx_seconds(t, "close_ts", close_ns);
  if (kind == LIFE_CLOSE) pmm__kx_seconds(t, "close_ts", pmm_life_trades((pmm_life_t)pm->life) && close_ns != PMM_TIME_NONE ? close_ns : at_ns);
  if (kind == LIFE_ACTIVATED || kind == LIFE_DEACTIVATED) pmm_text_bool(t, "is_deactivated", kind == LIFE_DEACTIVATED);
  if (kind == LIFE_DETERMINED) {
    pmm_text_string(t, "result", pmm__kx_result(pm));
    pmm__kx_dollars(t, "settlement_value", pm->payout_yes_e6);
    pmm__kx_seconds(t, "determination_ts", at_ns);
  }
  if (kind == LIFE_SETTLED) pmm__kx_seconds(t, "settled_ts", at_ns);
}

static void send_life(pmm__kx_t *k, life_kind_t kind, uint32_t market, int64_t at_ns) {
  static const char *const words[] = {
      "created", "activated", "deactivated", "close_date_updated", "determined", "settled", "price_level_structure_updated"};
  k->market[market].updated_ns = at_ns;
  EACH_SUB(k, p, s, PMM__KX_LIFE, market) {
    pmm_text_t *const t = pmm__kx_frame_begin(k, s, "market_lifecycle_v2", 0, true);
    pmm_text_string(t, "market_ticker", ticker_of(k, market));
    pmm_text_string(t, "event_type", words[kind]);
    pmm_text_int(t, "exchange_index", 0);
    put_life(k, t, kind, market, at_ns);
    pmm__kx_frame_send(k, p);
  }
}

void pmm__kx_send_listed(pmm__kx_t *k, uint32_t market, bool new_event) {
  const pmm__kx_event_t *const e = &k->event[k->market[market].event];
  if (new_event)
    EACH_SUB(k, p, s, PMM__KX_LIFE, market) {
      pmm_text_t *const t = pmm__kx_frame_begin(k, s, "event_lifecycle", 0, true);
      pmm_text_string(t, "event_ticker", e->ticker);
      pmm_text_int(t, "exchange_index", 0);
      pmm_text_string(t, "title", e->title);
      pmm_text_string(t, "subtitle", "");
      pmm_text_string(t, "collateral_return_type", "");
      pmm_text_string(t, "series_ticker", k->series[e->series].ticker);
      pmm__kx_frame_send(k, p);
    }
  send_life(k, LIFE_CREATED, market, k->market[market].created_ns);
}

static void reopened(pmm__kx_t *k, uint32_t market, pmm_life_t from, int64_t at_ns) {
  pmm__kx_market_t *const m = &k->market[market];
  if (from == PMM_LIFE_PENDING) return; /* its time came */
  if (from == PMM_LIFE_CLOSED) send_life(k, LIFE_CLOSE, market, at_ns);
  send_life(k, LIFE_ACTIVATED, market, at_ns);
  m->closed_ns = PMM_TIME_NONE;
  m->wipe = k->deferred = true;
}

static void closed(pmm__kx_t *k, uint32_t market, int64_t at_ns) {
  const pmm_market_t *const pm = pmm_place_market(k->place, market);
  bool const early = pm->close_ns == PMM_TIME_NONE || at_ns < pm->close_ns;
  k->market[market].closed_ns = at_ns;
  if (early) send_life(k, LIFE_CLOSE, market, at_ns);
}

static void determined(pmm__kx_t *k, uint32_t market, int64_t at_ns) {
  pmm__kx_market_t *const m = &k->market[market];
  if (m->determined_ns != PMM_TIME_NONE || pmm_place_market(k->place, market)->outcome == PMM_OUTCOME_UNKNOWN) return;
  m->determined_ns = at_ns;
  send_life(k, LIFE_DETERMINED, market, at_ns);
}

static void on_life(pmm__kx_t *k, uint32_t market, int64_t at_ns) {
  pmm__kx_market_t *const m = &k->market[market];
  pmm_life_t const from = (pmm_life_t)m->life, to = (pmm_life_t)pmm_place_market(k->place, market)->life;
  m->life = (uint8_t)to;
  if (from == to) return;
  if (to >= PMM_LIFE_CLOSED && from < PMM_LIFE_CLOSED) closed(k, market, at_ns);
  if (to == PMM_LIFE_OPEN) reopened(k, market, from, at_ns);
  if (to == PMM_LIFE_HALTED) {
    send_life(k, LIFE_DEACTIVATED, market, at_ns);
    m->pause = k->deferred = true;
  }
  if (to == PMM_LIFE_CLOSED) m->determined_ns = PMM_TIME_NONE; /* a determination was taken back */
  if (to >= PMM_LIFE_RESOLVING) determined(k, market, at_ns);
  if (to != PMM_LIFE_RESOLVED) return;
  m->settled_ns = at_ns;
  send_life(k, LIFE_SETTLED, market, at_ns);
  pmm__kx_settle(k, market, at_ns);
}

static void on_market(pmm__kx_t *k, const pmm_place_event_t *e) {
  flush_positions(k, e->at_ns);
  if (e->regrid) send_life(k, LIFE_GRID, e->market, e->at_ns);
  on_life(k, e->market, e->at_ns);
  if (k->deferred && !k->busy) pmm__kx_wake(k); /* somebody else moved it: what follows is done when time passes */
}

/* -- all -- */

void pmm__kx_on_event(void *ctx, const pmm_place_event_t *e) {
  pmm__kx_t *const k = ctx;
  if (e->at_ns > k->now_ns) k->now_ns = e->at_ns;
  bool const is_private = e->kind >= PMM_PLACE_EV_ORDER;
  bool const listed = e->market < k->market_cap && k->market[e->market].listed;
  if (is_private && !pmm__kx_member_at(k, e->account)) return;
  if (is_private) pmm__kx_late_cash(k, e->account);
  if (!listed) return; /* a change of cash may belong to no market */
  switch (e->kind) {
  case PMM_PLACE_EV_LEVEL: on_level(k, e); break;
  case PMM_PLACE_EV_TRADE: on_trade(k, e); break;
  case PMM_PLACE_EV_MARKET: on_market(k, e); break;
  case PMM_PLACE_EV_END: on_end(k, e); break;
  case PMM_PLACE_EV_ORDER: on_order(k, e); break;
  case PMM_PLACE_EV_FILL: on_fill(k, e); break;
  case PMM_PLACE_EV_SETTLE:
  case PMM_PLACE_EV_CASH: break;
  }
}
