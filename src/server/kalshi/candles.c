/* Candlesticks: one record for each minute in which a quote or a trade came, put together for hours and days when asked. A period in which
   nothing happened has none. Source: Kalshi API docs, "Get Market Candlesticks" (2026-11). */
#include <stdlib.h>
#include <string.h>
#include "server/kalshi/impl.h"

#define MINUTE_NS (60 * PMM_NS_PER_S)
#define BATCH_TICKERS_MAX 100
#define BATCH_CANDLES_MAX 10000

/* -- keeping them -- */

static void quote_add(pmm__kx_quote_t *q, int32_t e4) {
  if (!q->set) *q = (pmm__kx_quote_t){e4, e4, e4, e4, true};
  if (e4 < q->low_e4) q->low_e4 = e4;
  if (e4 > q->high_e4) q->high_e4 = e4;
  q->close_e4 = e4;
}

static int32_t close_before(const pmm__kx_market_t *m) {
  if (m->minute_cnt == 0) return 0;
  const pmm__kx_minute_t *const last = &m->minute[m->minute_cnt - 1];
  return last->price.set ? last->price.close_e4 : last->previous_e4;
}

static bool make_room(pmm__kx_market_t *m) {
  if (m->minute_cnt < m->minute_cap) return true;
  if (m->minute_cap >= PMM__KX_MINUTES_MAX) { /* the older half goes */
    m->minute_cnt = m->minute_cap / 2;
    memmove(m->minute, m->minute + (m->minute_cap - m->minute_cnt), m->minute_cnt * sizeof *m->minute);
    return true;
  }
  uint32_t const cap = m->minute_cap ? m->minute_cap * 2 : 16;
  pmm__kx_minute_t *const grown = realloc(m->minute, cap * sizeof *grown);
  if (!grown) return false;
  m->minute = grown;
  m->minute_cap = cap;
  return true;
}

/* The record of now's minute, begun with the quote that the minute before ended with; NULL when out of memory: the candle is lost. */
static pmm__kx_minute_t *minute_at(pmm__kx_market_t *m, int64_t now_ns) {
  int64_t const minute = now_ns / MINUTE_NS;
  if (m->minute_cnt && m->minute[m->minute_cnt - 1].minute >= minute) return &m->minute[m->minute_cnt - 1];
  if (!make_room(m)) return NULL;
  pmm__kx_minute_t fresh = {.minute = minute, .previous_e4 = close_before(m)};
  const pmm__kx_minute_t *const last = m->minute_cnt ? &m->minute[m->minute_cnt - 1] : NULL;
  if (last) {
    quote_add(&fresh.bid, last->bid.close_e4);
    quote_add(&fresh.ask, last->ask.close_e4);
    fresh.interest_e6 = last->interest_e6;
  }
  m->minute[m->minute_cnt] = fresh;
  return &m->minute[m->minute_cnt++];
}

void pmm__kx_candle_trade(pmm__kx_t *k, uint32_t market, const pmm_place_trade_t *trade) {
  pmm__kx_minute_t *const c = minute_at(&k->market[market], trade->at_ns);
  if (!c) return;
  quote_add(&c->price, trade->price_e4);
  c->volume_e6 += trade->qty_e6;
  c->notional_e6 += pmm_notional_floor(trade->price_e4, trade->qty_e6);
}

void pmm__kx_candle_quote(pmm__kx_t *k, uint32_t market, int64_t now_ns) {
  const pmm_ladder_t *const l = pmm_place_ladder(k->place, market);
  int32_t const bid_e4 = pmm_ladder_best_e4(l, PMM_BID), ask_e4 = pmm_ladder_best_e4(l, PMM_ASK);
  pmm__kx_minute_t *const c = minute_at(&k->market[market], now_ns);
  if (!c) return;
  pmm_place_stats_t stats;
  pmm_place_stats(k->place, market, &stats);
  quote_add(&c->bid, bid_e4);
  quote_add(&c->ask, ask_e4 ? ask_e4 : PMM_ONE_E4);
  c->interest_e6 = stats.open_interest_e6;
}

void pmm__kx_day(const pmm__kx_t *k, uint32_t market, pmm__kx_day_t *out) {
  const pmm__kx_market_t *const m = &k->market[market];
  int64_t const begin = (k->now_ns - PMM_NS_PER_DAY) / MINUTE_NS;
  *out = (pmm__kx_day_t){.ask_e4 = PMM_ONE_E4};
  for (uint32_t i = m->minute_cnt; i-- > 0;) {
    const pmm__kx_minute_t *const c = &m->minute[i];
    if (c->minute >= begin) {
      out->volume_e6 += c->volume_e6;
      continue;
    }
    out->bid_e4 = c->bid.close_e4;
    out->ask_e4 = c->ask.set ? c->ask.close_e4 : PMM_ONE_E4;
    out->price_e4 = c->price.set ? c->price.close_e4 : c->previous_e4;
    return;
  }
}

/* -- showing them -- */

static void quote_merge(pmm__kx_quote_t *into, const pmm__kx_quote_t *from) {
  if (!from->set) return;
  if (!into->set) {
    *into = *from;
    return;
  }
  if (from->low_e4 < into->low_e4) into->low_e4 = from->low_e4;
  if (from->high_e4 > into->high_e4) into->high_e4 = from->high_e4;
  into->close_e4 = from->close_e4;
}

static void put_quote(pmm_text_t *t, const char *key, const pmm__kx_quote_t *q) {
  pmm_text_object(t, key);
  pmm__kx_price(t, "open_dollars", q->open_e4);
  pmm__kx_price(t, "low_dollars", q->low_e4);
  pmm__kx_price(t, "high_dollars", q->high_e4);
  pmm__kx_price(t, "close_dollars", q->close_e4);
  pmm_text_end(t);
}

static void put_traded(pmm_text_t *t, const pmm__kx_minute_t *c) {
  pmm_text_object(t, "price");
  if (c->volume_e6 > 0) {
    int64_t const mean_e4 = pmm_muldiv_floor(c->notional_e6, PMM_ONE_E4, c->volume_e6);
    pmm__kx_price(t, "open_dollars", c->price.open_e4);
    pmm__kx_price(t, "low_dollars", c->price.low_e4);
    pmm__kx_price(t, "high_dollars", c->price.high_e4);
    pmm__kx_price(t, "close_dollars", c->price.close_e4);
    pmm__kx_price(t, "mean_dollars", (int32_t)mean_e4);
    pmm__kx_price(t, "min_dollars", c->price.low_e4);
    pmm__kx_price(t, "max_dollars", c->price.high_e4);
  }
  if (c->previous_e4) pmm__kx_price(t, "previous_dollars", c->previous_e4);
  pmm_text_end(t);
}

static void put_candle(pmm_text_t *t, const pmm__kx_minute_t *c, int64_t end_s) {
  pmm_text_object(t, NULL);
  pmm_text_int(t, "end_period_ts", end_s);
  put_quote(t, "yes_bid", &c->bid);
  put_quote(t, "yes_ask", &c->ask);
  put_traded(t, c);
  pmm__kx_count(t, "volume_fp", c->volume_e6);
  pmm__kx_count(t, "open_interest_fp", c->interest_e6);
  pmm_text_end(t);
}

typedef struct span { int64_t start_s, end_s, minutes; bool before; } span_t;

static void read_span(pmm__kx_t *k, pmm__kx_request_t *q, span_t *s) {
  static const char *const required[] = {"start_ts", "end_ts", "period_interval"};
  char text[32];
  for (size_t i = 0; i < 3 && !q->status; i++)
    if (!pmm__kx_query(q, required[i], text, sizeof text)) q->status = pmm__kx_bare(k, "Query argument %s is required, but not found", required[i]);
  int64_t const end_max = INT64_MAX / PMM_NS_PER_S;
  *s = (span_t){.start_s = pmm__kx_query_int(k, q, "start_ts", 0, end_max, 0),
                .end_s = pmm__kx_query_int(k, q, "end_ts", 0, end_max, 0),
                .minutes = pmm__kx_query_int(k, q, "period_interval", 1, 1440, 1),
                .before = pmm__kx_query_bool(k, q, "include_latest_before_start")};
  if (q->status) return;
  if (s->minutes != 1 && s->minutes != 60 && s->minutes != 1440)
    q->status = pmm__kx_query_refuse(k, q, "period_interval", "oneof");
  else if (s->end_s < s->start_s) q->status = pmm__kx_bare(k, "Parameter validation failed for %s: end_ts is before start_ts", q->op);
}

static int64_t period_of(const pmm__kx_minute_t *c, const span_t *s) { return c->minute / s->minutes; }
static int64_t end_of(int64_t period, const span_t *s) { return (period + 1) * s->minutes * 60; }

/* Candles whose end lies in the span, in an array; returns how many, at most `most`. */
static int64_t put_candles(pmm__kx_t *k, const char *key, uint32_t market, const span_t *s, int64_t most) {
  const pmm__kx_market_t *const m = &k->market[market];
  pmm_text_t *const t = &k->out;
  int64_t cnt = 0;
  uint32_t i = 0;
  pmm_text_array(t, key);
  while (i < m->minute_cnt && end_of(period_of(&m->minute[i], s), s) < s->start_s) i++;
  if (s->before && i > 0) { /* what stood before, as a candle of the period before the first */
    pmm__kx_minute_t last = m->minute[i - 1];
    last.previous_e4 = last.price.set ? last.price.close_e4 : last.previous_e4;
    last.volume_e6 = 0;
    put_candle(t, &last, s->start_s);
    cnt++;
  }
  while (i < m->minute_cnt && cnt < most) {
    int64_t const period = period_of(&m->minute[i], s);
    if (end_of(period, s) > s->end_s) break;
    pmm__kx_minute_t sum = m->minute[i++];
    for (; i < m->minute_cnt && period_of(&m->minute[i], s) == period; i++) {
      quote_merge(&sum.bid, &m->minute[i].bid);
      quote_merge(&sum.ask, &m->minute[i].ask);
      quote_merge(&sum.price, &m->minute[i].price);
      sum.volume_e6 += m->minute[i].volume_e6;
      sum.notional_e6 += m->minute[i].notional_e6;
      sum.interest_e6 = m->minute[i].interest_e6;
    }
    put_candle(t, &sum, end_of(period, s));
    cnt++;
  }
  pmm_text_end(t);
  return cnt;
}

int pmm__kx_get_candles(pmm__kx_t *k, pmm__kx_request_t *q) {
  span_t s;
  uint32_t market;
  read_span(k, q, &s);
  if (q->status) return q->status;
  if (!pmm__kx_find_market(k, q->arg[1], &market) || strcmp(k->series[k->event[k->market[market].event].series].ticker, q->arg[0]) != 0)
    return pmm__kx_not_found(k);
  pmm_text_object(&k->out, NULL);
  pmm_text_string(&k->out, "ticker", q->arg[1]);
  put_candles(k, "candlesticks", market, &s, PMM__KX_CANDLES_MAX);
  pmm_text_end(&k->out);
  return 200;
}

int pmm__kx_get_candles_many(pmm__kx_t *k, pmm__kx_request_t *q) {
  span_t s;
  char list[BATCH_TICKERS_MAX * PMM_ID_MAX / 4] = "";
  read_span(k, q, &s);
  if (!q->status && !pmm__kx_query(q, "market_tickers", list, sizeof list))
    q->status = pmm__kx_bare(k, "Query argument market_tickers is required, but not found");
  if (q->status) return q->status;
  int64_t left = BATCH_CANDLES_MAX, tickers = 0;
  pmm_text_object(&k->out, NULL);
  pmm_text_array(&k->out, "markets");
  char *rest = list;
  for (char *ticker = strtok_r(list, ",", &rest); ticker; ticker = strtok_r(NULL, ",", &rest)) {
    uint32_t market;
    if (++tickers > BATCH_TICKERS_MAX)
      return pmm__kx_bare(k, "Parameter validation failed for %s: at most %d market_tickers", q->op, BATCH_TICKERS_MAX);
    if (!pmm__kx_find_market(k, ticker, &market)) continue;
    pmm_text_object(&k->out, NULL);
    pmm_text_string(&k->out, "market_ticker", ticker);
    left -= put_candles(k, "candlesticks", market, &s, left);
    pmm_text_end(&k->out);
  }
  pmm_text_end(&k->out);
  pmm_text_end(&k->out);
  return 200;
}

int pmm__kx_get_candles_event(pmm__kx_t *k, pmm__kx_request_t *q) {
  span_t s;
  read_span(k, q, &s);
  if (q->status) return q->status;
  uint32_t event = 0;
  while (event < k->event_cnt && strcmp(k->event[event].ticker, q->arg[1]) != 0) event++;
  if (event == k->event_cnt || strcmp(k->series[k->event[event].series].ticker, q->arg[0]) != 0) return pmm__kx_not_found(k);
  pmm_text_object(&k->out, NULL);
  pmm_text_array(&k->out, "market_tickers");
  for (uint32_t i = 0; i < k->market_cap; i++)
    if (k->market[i].listed && k->market[i].event == event) pmm_text_string(&k->out, NULL, pmm_place_market(k->place, i)->id);
  pmm_text_end(&k->out);
  pmm_text_array(&k->out, "market_candlesticks");
  for (uint32_t i = 0; i < k->market_cap; i++)
    if (k->market[i].listed && k->market[i].event == event) put_candles(k, NULL, i, &s, PMM__KX_CANDLES_MAX);
  pmm_text_end(&k->out);
  pmm_text_int(&k->out, "adjusted_end_ts", s.end_s);
  pmm_text_end(&k->out);
  return 200;
}
