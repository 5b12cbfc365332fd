/* Books and trades. Source: Kalshi API docs, "Get Market Orderbook", "Get Trades" (2026-11). */
#include <stdlib.h>
#include <string.h>
#include "server/kalshi/impl.h"

#define TICKERS_MAX 100

static void put_level(pmm_text_t *t, const pmm_ladder_t *ladder, pmm_side_t side, int32_t tick, bool yes_price) {
  int32_t const yes_e4 = tick * ladder->tick_e4;
  pmm_text_array(t, NULL);
  pmm__kx_price(t, NULL, side == PMM_BID || yes_price ? yes_e4 : PMM_ONE_E4 - yes_e4);
  pmm__kx_count(t, NULL, pmm_ladder_qty(ladder, side, tick));
  pmm_text_end(t);
}

/* Best last, in the side's own money: bids of YES upward, and bids of NO upward, which are YES asks downward. With yes_price the NO side is
   written in YES prices, lowest (its best) first: ascending numbers in any case. */
void pmm__kx_levels(pmm_text_t *t, const char *key, const pmm_ladder_t *ladder, pmm_side_t side, int64_t depth, bool yes_price) {
  int32_t ticks[PMM_LADDER_TICKS_MAX], cnt = 0;
  for (int32_t tick = ladder->best[side]; tick != PMM_TICKS_NONE && (depth == 0 || cnt < depth); tick = pmm_ladder_next(ladder, side, tick))
    ticks[cnt++] = tick;
  pmm_text_array(t, key);
  if (side == PMM_ASK && yes_price)
    for (int32_t i = 0; i < cnt; i++) put_level(t, ladder, side, ticks[i], true);
  else
    for (int32_t i = cnt; i-- > 0;) put_level(t, ladder, side, ticks[i], false);
  pmm_text_end(t);
}

static void put_book(pmm__kx_t *k, uint32_t market, int64_t depth) {
  const pmm_ladder_t *const l = pmm_place_ladder(k->place, market);
  pmm_text_object(&k->out, "orderbook_fp");
  pmm__kx_levels(&k->out, "yes_dollars", l, PMM_BID, depth, false);
  pmm__kx_levels(&k->out, "no_dollars", l, PMM_ASK, depth, false);
  pmm_text_end(&k->out);
}

int pmm__kx_get_orderbook(pmm__kx_t *k, pmm__kx_request_t *q) {
  uint32_t market;
  int64_t const depth = pmm__kx_query_int(k, q, "depth", 0, 100, 0);
  if (q->status) return q->status;
  if (!pmm__kx_find_market(k, q->arg[0], &market)) return pmm__kx_not_found(k);
  pmm_text_object(&k->out, NULL);
  put_book(k, market, depth);
  pmm_text_end(&k->out);
  return 200;
}

int pmm__kx_get_orderbooks(pmm__kx_t *k, pmm__kx_request_t *q) {
  char ticker[PMM_ID_MAX];
  uint32_t market[TICKERS_MAX], cnt = 0;
  for (size_t n = 0;; n++) {
    pmm_status_t const st = pmm_query_get(q->http->query, "tickers", n, ticker, sizeof ticker);
    if (st == PMM_NOT_FOUND) break;
    if (n == TICKERS_MAX)
      return pmm__kx_query_refuse(k, q, "tickers", "max");
    if (st == PMM_OK && pmm__kx_find_market(k, ticker, &market[cnt])) cnt++;
  }
  if (cnt == 0) return pmm__kx_bare(k, "Query argument tickers is required, but not found");
  pmm_text_object(&k->out, NULL);
  pmm_text_array(&k->out, "orderbooks");
  for (uint32_t i = 0; i < cnt; i++) {
    pmm_text_object(&k->out, NULL);
    pmm_text_string(&k->out, "ticker", pmm_place_market(k->place, market[i])->id);
    put_book(k, market[i], 0);
    pmm_text_end(&k->out);
  }
  pmm_text_end(&k->out);
  pmm_text_end(&k->out);
  return 200;
}

static void put_trade(pmm__kx_t *k, const pmm_place_trade_t *trade) {
  pmm_text_t *const t = &k->out;
  pmm_side_t const side = (pmm_side_t)trade->taker_side;
  pmm_text_object(t, NULL);
  pmm_text_string(t, "trade_id", trade->id);
  pmm_text_string(t, "ticker", pmm_place_market(k->place, trade->market)->id);
  pmm__kx_count(t, "count_fp", trade->qty_e6);
  pmm__kx_price(t, "yes_price_dollars", trade->price_e4);
  pmm__kx_price(t, "no_price_dollars", PMM_ONE_E4 - trade->price_e4);
  pmm_text_string(t, "taker_side", pmm__kx_outcome_side(side));
  pmm_text_string(t, "taker_outcome_side", pmm__kx_outcome_side(side));
  pmm_text_string(t, "taker_book_side", pmm__kx_book_side(side));
  pmm__kx_time(t, "created_time", trade->at_ns);
  pmm_text_bool(t, "is_block_trade", false);
  pmm_text_end(t);
}

typedef struct trade_filter { bool any_market; uint32_t market; int64_t min_ts, max_ts; } trade_filter_t;

/* The newest trade older than seq that passes, 0: none. */
static uint64_t trade_before(const pmm__kx_t *k, uint64_t seq, const trade_filter_t *f) {
  while (seq-- > 1) {
    const pmm_place_trade_t *const trade = pmm_place_trade_at(k->place, seq);
    if (!trade) continue;
    int64_t const s = trade->at_ns / PMM_NS_PER_S;
    if (s < f->min_ts) return 0; /* trades are in the order of time */
    if (s <= f->max_ts && (f->any_market || trade->market == f->market) && trade->market < k->market_cap && k->market[trade->market].listed)
      return seq;
  }
  return 0;
}

int pmm__kx_get_trades(pmm__kx_t *k, pmm__kx_request_t *q) {
  char ticker[PMM_ID_MAX], block[8];
  int64_t left = pmm__kx_query_int(k, q, "limit", 1, 1000, 100);
  trade_filter_t f = {.min_ts = pmm__kx_query_int(k, q, "min_ts", 0, INT64_MAX, INT64_MIN),
                      .max_ts = pmm__kx_query_int(k, q, "max_ts", 0, INT64_MAX, INT64_MAX)};
  bool const only_blocks = pmm__kx_query(q, "is_block_trade", block, sizeof block) && pmm__kx_query_bool(k, q, "is_block_trade"); /* there are none */
  f.any_market = !pmm__kx_query(q, "ticker", ticker, sizeof ticker);
  if (q->status) return q->status;
  bool const none = only_blocks || (!f.any_market && !pmm__kx_find_market(k, ticker, &f.market));
  uint64_t const cursor = pmm__kx_cursor(q), newest = pmm_place_trade_cnt(k->place) + 1;
  uint64_t seq = none ? 0 : trade_before(k, cursor < newest ? cursor : newest, &f), last = 0;
  pmm_text_object(&k->out, NULL);
  pmm_text_array(&k->out, "trades");
  for (; seq && left > 0; left--, last = seq, seq = trade_before(k, seq, &f)) put_trade(k, pmm_place_trade_at(k->place, seq));
  pmm_text_end(&k->out);
  pmm__kx_cursor_put(&k->out, "cursor", last, seq != 0);
  pmm_text_end(&k->out);
  return 200;
}
