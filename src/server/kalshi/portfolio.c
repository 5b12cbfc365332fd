/* What an account has: balance, positions, fills, settlements. Source: Kalshi API docs, "Portfolio" (2026-11). A position is one signed number:
   YES and NO of a market offset at once. */
#include <stdlib.h>
#include <string.h>
#include "server/kalshi/impl.h"

/* -- kept from event to event -- */

pmm__kx_position_t *pmm__kx_position(pmm__kx_t *k, uint32_t account, uint32_t market) {
  pmm__kx_market_t *const m = &k->market[market];
  if (account >= m->position_cnt) {
    pmm__kx_position_t *const grown = realloc(m->position, (account + 1) * sizeof *grown);
    if (!grown) return NULL;
    memset(grown + m->position_cnt, 0, (account + 1 - m->position_cnt) * sizeof *grown);
    m->position = grown;
    m->position_cnt = account + 1;
  }
  return &m->position[account];
}

void pmm__kx_position_update(pmm__kx_t *k, uint32_t account, uint32_t market, int64_t at_ns) {
  pmm__kx_position_t *const p = pmm__kx_position(k, account, market);
  if (!p || p->settled) return;
  pmm_place_holding(k->place, account, market, &p->holding);
  p->updated_ns = at_ns;
}

static int64_t net_of(const pmm_place_holding_t *h) { return h->yes_e6 - h->no_e6; }

static bool make_room(pmm__kx_t *k) {
  if (k->settlement_cnt < k->settlement_cap) return true;
  uint32_t const cap = k->settlement_cap ? k->settlement_cap * 2 : 64;
  pmm__kx_settlement_t *const grown = realloc(k->settlement, cap * sizeof *grown);
  if (!grown) return false;
  k->settlement = grown;
  k->settlement_cap = cap;
  return true;
}

/* The market has paid: what each had is written down before it is forgotten. The payout is that of the place: each outcome rounded down. */
void pmm__kx_settle(pmm__kx_t *k, uint32_t market, int64_t at_ns) {
  pmm__kx_market_t *const m = &k->market[market];
  int64_t const payout_e6 = pmm_place_market(k->place, market)->payout_yes_e6;
  for (uint32_t a = 0; a < m->position_cnt; a++) {
    pmm__kx_position_t *const p = &m->position[a];
    if (p->settled || p->updated_ns == 0) continue;
    p->settled = true;
    const pmm_place_holding_t *const h = &p->holding;
    if (h->traded_e6 == 0 || !make_room(k)) continue;
    int64_t const revenue_e6 = pmm_muldiv_floor(h->yes_e6, payout_e6, PMM_ONE_E6) + pmm_muldiv_floor(h->no_e6, PMM_ONE_E6 - payout_e6, PMM_ONE_E6);
    k->settlement[k->settlement_cnt++] = (pmm__kx_settlement_t){.account = a,
                                                                .market = market,
                                                                .yes_e6 = h->yes_e6,
                                                                .no_e6 = h->no_e6,
                                                                .yes_cost_e6 = h->yes_cost_e6,
                                                                .no_cost_e6 = h->no_cost_e6,
                                                                .fees_e6 = h->fees_e6,
                                                                .revenue_e6 = revenue_e6,
                                                                .payout_yes_e6 = payout_e6,
                                                                .at_ns = at_ns};
  }
}

/* -- balance -- */

static int64_t floor_cents(int64_t cash_e6) { return cash_e6 / 10000 - (cash_e6 % 10000 < 0); }

/* A position is worth its side's best bid, or its last price where there is none. */
static int64_t worth(pmm__kx_t *k, uint32_t market, const pmm_place_holding_t *h) {
  const pmm_ladder_t *const l = pmm_place_ladder(k->place, market);
  pmm_place_stats_t stats;
  pmm_place_stats(k->place, market, &stats);
  int64_t const net_e6 = net_of(h);
  int32_t const best_e4 = pmm_ladder_best_e4(l, net_e6 >= 0 ? PMM_BID : PMM_ASK), yes_e4 = best_e4 ? best_e4 : stats.last_e4;
  if (!yes_e4) return h->yes_cost_e6 + h->no_cost_e6;
  return net_e6 >= 0 ? pmm_notional_floor(yes_e4, net_e6) : pmm_notional_floor(PMM_ONE_E4 - yes_e4, -net_e6);
}

static int64_t portfolio_worth(pmm__kx_t *k, uint32_t account) {
  int64_t sum_e6 = 0;
  for (uint32_t i = 0; i < k->market_cap; i++) {
    pmm__kx_position_t p;
    if (!k->market[i].listed || account >= k->market[i].position_cnt) continue;
    pmm__kx_seen_position(k, account, i, &p);
    if (!p.settled && net_of(&p.holding) != 0) sum_e6 += worth(k, i, &p.holding);
  }
  return sum_e6;
}

static void put_indexed(pmm_text_t *t, const char *key, int64_t cash_e6) {
  pmm_text_array(t, key);
  pmm_text_object(t, NULL);
  pmm_text_int(t, "exchange_index", 0);
  pmm__kx_dollars(t, "balance", cash_e6);
  pmm_text_end(t);
  pmm_text_end(t);
}

int pmm__kx_get_balance(pmm__kx_t *k, pmm__kx_request_t *q) {
  pmm__kx_query_shard(k, q);
  if (q->status) return q->status;
  int64_t locked_e6, cash_e6 = pmm__kx_seen_cash(k, q->member->account, &locked_e6);
  int64_t const free_e6 = cash_e6 - locked_e6;
  pmm_text_t *const t = &k->out;
  pmm_text_object(t, NULL);
  pmm_text_int(t, "balance", floor_cents(free_e6));
  pmm__kx_dollars(t, "balance_dollars", free_e6);
  pmm_text_int(t, "portfolio_value", floor_cents(portfolio_worth(k, q->member->account)));
  pmm__kx_seconds(t, "updated_ts", k->now_ns);
  put_indexed(t, "balance_breakdown", free_e6);
  pmm_text_end(t);
  return 200;
}

int pmm__kx_get_resting_value(pmm__kx_t *k, pmm__kx_request_t *q) {
  int64_t locked_e6;
  pmm__kx_seen_cash(k, q->member->account, &locked_e6);
  pmm_text_object(&k->out, NULL);
  pmm_text_int(&k->out, "total_resting_order_value", floor_cents(locked_e6));
  put_indexed(&k->out, "resting_order_value_breakdown", locked_e6);
  pmm_text_end(&k->out);
  return 200;
}

int pmm__kx_get_subaccount_balances(pmm__kx_t *k, pmm__kx_request_t *q) {
  int64_t locked_e6, cash_e6 = pmm__kx_seen_cash(k, q->member->account, &locked_e6);
  pmm_text_t *const t = &k->out;
  pmm_text_object(t, NULL);
  pmm_text_array(t, "subaccount_balances");
  pmm_text_object(t, NULL);
  pmm_text_int(t, "subaccount_number", 0);
  pmm_text_int(t, "exchange_index", 0);
  pmm__kx_dollars(t, "balance", cash_e6 - locked_e6);
  pmm__kx_seconds(t, "updated_ts", k->now_ns);
  pmm_text_end(t);
  pmm_text_end(t);
  pmm_text_end(t);
  return 200;
}

int pmm__kx_get_subaccount_transfers(pmm__kx_t *k, pmm__kx_request_t *q) {
  (void)q;
  pmm_text_put(&k->out, "{\"transfers\":[],\"cursor\":\"\"}");
  return 200;
}

int pmm__kx_get_netting(pmm__kx_t *k, pmm__kx_request_t *q) {
  (void)q;
  pmm_text_put(&k->out, "{\"netting_configs\":[{\"subaccount_number\":0,\"enabled\":true}]}");
  return 200;
}

/* -- positions -- */

typedef struct position_filter { char ticker[PMM_ID_MAX], event[PMM_ID_MAX]; bool held, traded; } position_filter_t;

static bool position_passes(pmm__kx_t *k, uint32_t account, uint32_t market, const position_filter_t *f, pmm__kx_position_t *out) {
  const pmm__kx_market_t *const m = &k->market[market];
  if (!m->listed || account >= m->position_cnt) return false;
  if (f->ticker[0] && strcmp(f->ticker, pmm_place_market(k->place, market)->id) != 0) return false;
  if (f->event[0] && strcmp(f->event, k->event[m->event].ticker) != 0) return false;
  pmm__kx_seen_position(k, account, market, out);
  if (out->updated_ns == 0 || out->settled) return false; /* a settled one is among the settlements */
  if (f->held && net_of(&out->holding) == 0) return false;
  return out->holding.traded_e6 != 0;
}

static void put_position(pmm__kx_t *k, uint32_t market, const pmm__kx_position_t *p) {
  pmm_text_t *const t = &k->out;
  const pmm_place_holding_t *const h = &p->holding;
  pmm_text_object(t, NULL);
  pmm_text_string(t, "ticker", pmm_place_market(k->place, market)->id);
  pmm_text_int(t, "exchange_index", 0);
  pmm__kx_cost(t, "total_traded_dollars", h->traded_e6);
  pmm__kx_count(t, "position_fp", net_of(h));
  pmm__kx_cost(t, "market_exposure_dollars", h->yes_cost_e6 + h->no_cost_e6);
  pmm__kx_cost(t, "realized_pnl_dollars", h->realized_e6);
  pmm__kx_cost(t, "fees_paid_dollars", h->fees_e6);
  pmm__kx_time(t, "last_updated_ts", p->updated_ns);
  pmm_text_end(t);
}

typedef struct event_sum { int64_t traded_e6, shares_e6, exposure_e6, realized_e6, fees_e6; bool any; } event_sum_t;

static void put_event_position(pmm__kx_t *k, uint32_t event, const event_sum_t *s) {
  pmm_text_t *const t = &k->out;
  pmm_text_object(t, NULL);
  pmm_text_string(t, "event_ticker", k->event[event].ticker);
  pmm__kx_cost(t, "total_cost_dollars", s->traded_e6);
  pmm__kx_count(t, "total_cost_shares_fp", s->shares_e6);
  pmm__kx_cost(t, "event_exposure_dollars", s->exposure_e6);
  pmm__kx_cost(t, "realized_pnl_dollars", s->realized_e6);
  pmm__kx_cost(t, "fees_paid_dollars", s->fees_e6);
  pmm_text_end(t);
}

static void put_event_positions(pmm__kx_t *k, uint32_t account, const position_filter_t *f) {
  pmm_text_array(&k->out, "event_positions");
  for (uint32_t e = 0; e < k->event_cnt; e++) {
    event_sum_t s = {0};
    for (uint32_t i = 0; i < k->market_cap; i++) {
      pmm__kx_position_t p;
      if (!k->market[i].listed || k->market[i].event != e || !position_passes(k, account, i, f, &p)) continue;
      s.any = true;
      s.traded_e6 += p.holding.traded_e6;
      s.shares_e6 += p.volume_e6;
      s.exposure_e6 += p.holding.yes_cost_e6 + p.holding.no_cost_e6;
      s.realized_e6 += p.holding.realized_e6;
      s.fees_e6 += p.holding.fees_e6;
    }
    if (s.any) put_event_position(k, e, &s);
  }
  pmm_text_end(&k->out);
}

int pmm__kx_get_positions(pmm__kx_t *k, pmm__kx_request_t *q) {
  position_filter_t f = {0};
  char counts[64] = "";
  int64_t left = pmm__kx_query_int(k, q, "limit", 1, 1000, 100);
  pmm__kx_query_shard(k, q);
  pmm__kx_query(q, "ticker", f.ticker, sizeof f.ticker);
  pmm__kx_query(q, "event_ticker", f.event, sizeof f.event);
  if (pmm__kx_query(q, "count_filter", counts, sizeof counts))
    f.held = pmm__kx_in_list(counts, "position") && !pmm__kx_in_list(counts, "total_traded");
  if (q->status) return q->status;
  uint32_t const account = q->member->account;
  uint64_t const cursor = pmm__kx_cursor(q);
  pmm__kx_position_t p;
  uint64_t i = cursor == PMM_PLACE_NONE ? 0 : cursor;
  pmm_text_object(&k->out, NULL);
  pmm_text_array(&k->out, "market_positions");
  for (; i < k->market_cap && left > 0; i++)
    if (position_passes(k, account, (uint32_t)i, &f, &p)) put_position(k, (uint32_t)i, &p), left--;
  while (i < k->market_cap && !position_passes(k, account, (uint32_t)i, &f, &p)) i++;
  pmm_text_end(&k->out);
  put_event_positions(k, account, &f);
  pmm__kx_cursor_put(&k->out, "cursor", i, i < k->market_cap);
  pmm_text_end(&k->out);
  return 200;
}

/* -- fills -- */

typedef struct fill_filter { char ticker[PMM_ID_MAX], order[PMM_PLACE_ID_MAX]; int64_t min_ts, max_ts; } fill_filter_t;

static void put_fill(pmm__kx_t *k, const pmm_place_fill_t *f) {
  pmm_text_t *const t = &k->out;
  const pmm_place_trade_t *const trade = pmm_place_trade_at(k->place, f->trade);
  const pmm_place_order_t *const order = pmm_place_order_at(k->place, f->order);
  const char *const ticker = pmm_place_market(k->place, f->market)->id;
  pmm_text_object(t, NULL);
  pmm_text_string(t, "fill_id", trade->id);
  pmm_text_string(t, "trade_id", trade->id);
  pmm_text_int(t, "exchange_index", 0);
  pmm_text_string(t, "order_id", order->id);
  pmm_text_string(t, "ticker", ticker);
  pmm_text_string(t, "market_ticker", ticker);
  pmm__kx_direction(t, pmm_route_side((pmm_route_t)f->route));
  pmm__kx_count(t, "count_fp", f->qty_e6);
  pmm__kx_price(t, "yes_price_dollars", f->price_e4);
  pmm__kx_price(t, "no_price_dollars", PMM_ONE_E4 - f->price_e4);
  pmm_text_bool(t, "is_taker", !f->maker);
  pmm__kx_time(t, "created_time", f->at_ns);
  pmm__kx_cost(t, "fee_cost", f->fee_e6);
  pmm_text_int(t, "subaccount_number", 0);
  pmm__kx_seconds(t, "ts", f->at_ns);
  pmm_text_end(t);
}

static bool fill_passes(const pmm__kx_t *k, const pmm_place_fill_t *f, const fill_filter_t *filter) {
  int64_t const s = f->at_ns / PMM_NS_PER_S;
  if (f->market >= k->market_cap || !k->market[f->market].listed || !pmm__kx_seen_fill(k, f) || s < filter->min_ts || s > filter->max_ts)
    return false;
  if (filter->ticker[0] && strcmp(filter->ticker, pmm_place_market(k->place, f->market)->id) != 0) return false;
  return !filter->order[0] || strcmp(filter->order, pmm_place_order_at(k->place, f->order)->id) == 0;
}

static const pmm_place_fill_t *fill_before(const pmm__kx_t *k, uint32_t account, uint64_t seq, const fill_filter_t *filter) {
  const pmm_place_fill_t *f = pmm_place_fill_before(k->place, account, seq);
  while (f && !fill_passes(k, f, filter)) f = pmm_place_fill_before(k->place, account, f->seq);
  return f;
}

int pmm__kx_get_fills(pmm__kx_t *k, pmm__kx_request_t *q) {
  fill_filter_t filter = {0};
  int64_t left = pmm__kx_query_int(k, q, "limit", 1, 1000, 100);
  filter.min_ts = pmm__kx_query_int(k, q, "min_ts", 0, INT64_MAX, INT64_MIN);
  filter.max_ts = pmm__kx_query_int(k, q, "max_ts", 0, INT64_MAX, INT64_MAX);
  pmm__kx_query_shard(k, q);
  pmm__kx_query(q, "ticker", filter.ticker, sizeof filter.ticker);
  pmm__kx_query(q, "order_id", filter.order, sizeof filter.order);
  if (q->status) return q->status;
  uint32_t const account = q->member->account;
  const pmm_place_fill_t *f = fill_before(k, account, pmm__kx_cursor(q), &filter);
  uint64_t last = 0;
  pmm_text_object(&k->out, NULL);
  pmm_text_array(&k->out, "fills");
  for (; f && left > 0; left--, last = f->seq, f = fill_before(k, account, last, &filter)) put_fill(k, f);
  pmm_text_end(&k->out);
  pmm__kx_cursor_put(&k->out, "cursor", last, f != NULL);
  pmm_text_end(&k->out);
  return 200;
}

/* -- settlements -- */

static void put_settlement(pmm__kx_t *k, const pmm__kx_settlement_t *s) {
  pmm_text_t *const t = &k->out;
  const pmm_market_t *const pm = pmm_place_market(k->place, s->market);
  pmm_text_object(t, NULL);
  pmm_text_string(t, "ticker", pm->id);
  pmm_text_int(t, "exchange_index", 0);
  pmm_text_string(t, "event_ticker", k->event[k->market[s->market].event].ticker);
  pmm_text_string(t, "market_result", pmm__kx_result(pm));
  pmm__kx_count(t, "yes_count_fp", s->yes_e6);
  pmm__kx_cost(t, "yes_total_cost_dollars", s->yes_cost_e6);
  pmm__kx_count(t, "no_count_fp", s->no_e6);
  pmm__kx_cost(t, "no_total_cost_dollars", s->no_cost_e6);
  pmm_text_int(t, "revenue", floor_cents(s->revenue_e6));
  pmm__kx_time(t, "settled_time", s->at_ns);
  pmm__kx_cost(t, "fee_cost", s->fees_e6);
  pmm_text_int(t, "value", floor_cents(s->payout_yes_e6));
  pmm_text_end(t);
}

typedef struct settlement_filter { char ticker[PMM_ID_MAX], event[PMM_ID_MAX]; int64_t min_ts, max_ts; uint32_t account; } settlement_filter_t;

/* Index + 1 of the newest below `before` that passes, 0: none. */
static uint64_t settlement_before(const pmm__kx_t *k, uint64_t before, const settlement_filter_t *f) {
  for (uint64_t i = before; i-- > 0;) {
    const pmm__kx_settlement_t *const s = &k->settlement[i];
    int64_t const at_s = s->at_ns / PMM_NS_PER_S;
    if (s->account != f->account || at_s < f->min_ts || at_s > f->max_ts) continue;
    if (f->ticker[0] && strcmp(f->ticker, pmm_place_market(k->place, s->market)->id) != 0) continue;
    if (!f->event[0] || strcmp(f->event, k->event[k->market[s->market].event].ticker) == 0) return i + 1;
  }
  return 0;
}

int pmm__kx_get_settlements(pmm__kx_t *k, pmm__kx_request_t *q) {
  settlement_filter_t f = {.account = q->member->account};
  int64_t left = pmm__kx_query_int(k, q, "limit", 1, 1000, 100);
  f.min_ts = pmm__kx_query_int(k, q, "min_ts", 0, INT64_MAX, INT64_MIN);
  f.max_ts = pmm__kx_query_int(k, q, "max_ts", 0, INT64_MAX, INT64_MAX);
  pmm__kx_query_shard(k, q);
  pmm__kx_query(q, "ticker", f.ticker, sizeof f.ticker);
  pmm__kx_query(q, "event_ticker", f.event, sizeof f.event);
  if (q->status) return q->status;
  uint64_t const cursor = pmm__kx_cursor(q);
  uint64_t at = settlement_before(k, cursor < k->settlement_cnt ? cursor : k->settlement_cnt, &f), last = 0;
  pmm_text_object(&k->out, NULL);
  pmm_text_array(&k->out, "settlements");
  for (; at && left > 0; left--, last = at - 1, at = settlement_before(k, last, &f)) put_settlement(k, &k->settlement[at - 1]);
  pmm_text_end(&k->out);
  pmm__kx_cursor_put(&k->out, "cursor", last, at != 0);
  pmm_text_end(&k->out);
  return 200;
}
