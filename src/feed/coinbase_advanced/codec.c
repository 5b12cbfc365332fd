/* coinbase_advanced/codec.c -- Coinbase Advanced Trade, market data. Coinbase Developer docs, "Advanced Trade WebSocket", 2026-11.
   One counter numbers the frames of a connection across its channels; one channel is subscribed per message. */
#include <string.h>
#include "feed/codec.h"

#define CONN 0 /* the connection's counter */
#define BEAT 1 /* heartbeat_counter */

static const char *const CHANNEL[PMM_CHANNEL_CNT] = {
    [PMM_CHANNEL_TRADE] = "market_trades", [PMM_CHANNEL_TOP] = "ticker", [PMM_CHANNEL_TOP_SLOW] = "ticker_batch", [PMM_CHANNEL_DEPTH] = "level2"};

static bool symbol_ok(const pmm_feed_stream_t *s) {
  size_t const len = strlen(s->symbol);
  const char *const dash = strchr(s->symbol, '-');
  return len <= 32 && dash && dash != s->symbol && dash[1] && strspn(s->symbol, "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-") == len && s->window_s == 0;
}

typedef struct envelope { int64_t at_ns; uint64_t seq; } envelope_t;
typedef pmm_status_t (*row_fn)(pmm_feed_codec_t *c, const pmm_json_node_t *row, const envelope_t *env, bool history);

/* trade_id is text here; side is the maker's, as on the older feed. */
static pmm_status_t on_trade(pmm_feed_codec_t *c, const pmm_json_node_t *row, const envelope_t *env, bool history) {
  int const s = pmm__stream_of(c, PMM_CHANNEL_TRADE, pmm_json_get(row, "product_id"), 0);
  if (s == PMM__NO_STREAM) return PMM_OK;
  pmm_feed_tick_t *const t = pmm__tick(c, s, PMM_TICK_TRADE);
  if (!t) return pmm__too_many(c);
  uint64_t id;
  pmm_status_t st;
  if ((st = pmm__feed_read_price(c, row, "price", &t->price_e8)) != PMM_OK) return st;
  if ((st = pmm__read_size(c, row, "size", &t->qty_e8)) != PMM_OK) return st;
  if ((st = pmm__read_u64(c, row, "trade_id", &id)) != PMM_OK) return st;
  if ((st = pmm__read_iso(c, row, "time", &t->source_ns)) != PMM_OK) return st;
  t->send_ns = env->at_ns;
  t->side = pmm_json_is(pmm_json_get(row, "side"), "SELL") ? PMM_BID : PMM_ASK;
  if (history) t->flags |= PMM_TICK_HISTORY;
  pmm__count(&c->next[s], PMM__BY_ONE, id, t);
  return PMM_OK;
}

/* The batch channel has no best prices and now and then rows of empty strings; no row has a trade's time. */
static pmm_status_t on_ticker(pmm_feed_codec_t *c, const pmm_json_node_t *row, const envelope_t *env, bool history) {
  const pmm_json_node_t *const product = pmm_json_get(row, "product_id");
  bool const top = !pmm__is_empty(pmm_json_get(row, "best_bid")) && !pmm__is_empty(pmm_json_get(row, "best_ask"));
  int s = pmm__stream_of(c, PMM_CHANNEL_TOP, product, 0);
  if (s == PMM__NO_STREAM || !top) s = pmm__stream_of(c, PMM_CHANNEL_TOP_SLOW, product, 0);
  if (s == PMM__NO_STREAM || pmm__is_empty(pmm_json_get(row, "price"))) return PMM_OK;
  pmm_feed_tick_t *const t = pmm__tick(c, s, top ? PMM_TICK_TOP : PMM_TICK_TRADE);
  if (!t) return pmm__too_many(c);
  pmm_status_t st = pmm__feed_read_price(c, row, "price", &t->price_e8);
  if (st == PMM_OK && top) st = pmm__feed_read_price(c, row, "best_bid", &t->bid_e8);
  if (st == PMM_OK && top) st = pmm__feed_read_price(c, row, "best_ask", &t->ask_e8);
  if (st != PMM_OK) return st;
  t->source_ns = t->send_ns = env->at_ns;
  if (history) t->flags |= PMM_TICK_HISTORY;
  pmm__count(&c->next[s], PMM__RISING, (uint64_t)env->at_ns, t); /* the frame's number starts again with each connection */
  return PMM_OK;
}

/* Rows come newest first and are given oldest first. A list longer than any real one (snapshots hold 1000 trades) is refused. */
#define ROWS_MAX 4096
static pmm_status_t each_row(pmm_feed_codec_t *c, const pmm_json_node_t *list, const envelope_t *env, bool history, row_fn fn) {
  const pmm_json_node_t *row[ROWS_MAX];
  size_t cnt = 0;
  if (!list || list->type != PMM_JSON_ARRAY) return pmm__feed_bad(c, list, "no list of rows");
  for (const pmm_json_node_t *e = pmm_json_first(list); e; e = pmm_json_next(list, e)) {
    if (cnt == ROWS_MAX) return pmm__too_many(c);
    row[cnt++] = e;
  }
  while (cnt-- > 0) {
    pmm_status_t const st = fn(c, row[cnt], env, history);
    if (st != PMM_OK) return st;
  }
  return PMM_OK;
}

static pmm_status_t on_levels(pmm_feed_codec_t *c, const pmm_json_node_t *event, bool history, pmm_feed_frame_t *out) {
  int const s = pmm__stream_of(c, PMM_CHANNEL_DEPTH, pmm_json_get(event, "product_id"), 0);
  const pmm_json_node_t *const list = pmm_json_get(event, "updates");
  if (s == PMM__NO_STREAM) return PMM_OK;
  if (!list || list->type != PMM_JSON_ARRAY) return pmm__feed_bad(c, event, "no list of updates");
  if (c->level_cnt && out->level_stream != s) return pmm__feed_bad(c, event, "books of two products in one frame");
  for (const pmm_json_node_t *row = pmm_json_first(list); row; row = pmm_json_next(list, row)) {
    const pmm_json_node_t *const side = pmm_json_get(row, "side");
    bool const bid = pmm_json_is(side, "bid");
    int64_t price, qty;
    if (!bid && !pmm_json_is(side, "offer")) return pmm__feed_bad(c, row, "no side");
    pmm_status_t st = pmm__feed_read_price(c, row, "price_level", &price);
    if (st == PMM_OK) st = pmm__read_size(c, row, "new_quantity", &qty);
    if (st == PMM_OK) st = pmm__level(c, price, qty, bid ? PMM_BID : PMM_ASK);
    if (st != PMM_OK) return st;
  }
  out->level_stream = (uint16_t)s;
  out->level_snapshot = history;
  return PMM_OK;
}

/* The counter is a number, on older servers a string. A hole in it means lost heartbeats, which the connection's own counter shows too. */
static pmm_status_t on_heartbeat(pmm_feed_codec_t *c, const pmm_json_node_t *event, const envelope_t *env, pmm_feed_frame_t *out) {
  uint64_t counter;
  pmm_status_t const st = pmm__read_u64(c, event, "heartbeat_counter", &counter);
  if (st != PMM_OK) return st;
  pmm__count_conn(&c->conn_next[BEAT], counter, out);
  for (size_t i = 0; i < c->stream_cnt; i++) {
    pmm_feed_tick_t *const t = pmm__tick(c, (int)i, PMM_TICK_BEAT);
    if (!t) return pmm__too_many(c);
    t->source_ns = t->send_ns = env->at_ns;
  }
  return PMM_OK;
}

static pmm_status_t on_event(pmm_feed_codec_t *c, const pmm_json_node_t *channel, const pmm_json_node_t *event, const envelope_t *env, pmm_feed_frame_t *out) {
  bool const history = pmm_json_is(pmm_json_get(event, "type"), "snapshot");
  if (pmm_json_is(channel, "market_trades")) return each_row(c, pmm_json_get(event, "trades"), env, history, on_trade);
  if (pmm_json_is(channel, "ticker") || pmm_json_is(channel, "ticker_batch")) return each_row(c, pmm_json_get(event, "tickers"), env, history, on_ticker);
  if (pmm_json_is(channel, "l2_data")) return on_levels(c, event, history, out);
  if (pmm_json_is(channel, "heartbeats")) return on_heartbeat(c, event, env, out);
  if (pmm_json_is(channel, "subscriptions")) out->kind = PMM_FRAME_ACK;
  return PMM_OK;
}

static pmm_status_t decode(pmm_feed_codec_t *c, const pmm_json_node_t *root, pmm_feed_frame_t *out) {
  const pmm_json_node_t *const channel = pmm_json_get(root, "channel"), *const events = pmm_json_get(root, "events");
  envelope_t env;
  pmm_status_t st;
  if (root->type != PMM_JSON_OBJECT) return pmm__feed_bad(c, root, "no object");
  if (pmm_json_is(pmm_json_get(root, "type"), "error")) { /* errors come outside the envelope */
    out->kind = PMM_FRAME_ERROR;
    pmm__say(out, "request refused: ", pmm_json_get(root, "message"));
    return PMM_OK;
  }
  if (!channel) return PMM_OK;
  if ((st = pmm__read_u64(c, root, "sequence_num", &env.seq)) != PMM_OK) return st;
  if ((st = pmm__read_iso(c, root, "timestamp", &env.at_ns)) != PMM_OK) return st;
  if (!pmm__count_conn(&c->conn_next[CONN], env.seq, out)) return PMM_OK; /* again */
  for (const pmm_json_node_t *e = pmm_json_first(events); e; e = pmm_json_next(events, e))
    if ((st = on_event(c, channel, e, &env, out)) != PMM_OK) return st;
  return PMM_OK;
}

/* -- what we send: a message per channel, and one for the heartbeats that keep quiet channels open -- */

static pmm_status_t put_channel(const pmm_feed_codec_t *c, size_t first, bool on, char *buf, size_t cap, size_t *len) {
  pmm__out_t o = {.buf = buf, .cap = cap};
  uint8_t const channel = c->stream[first].channel;
  pmm__feed_put(&o, "{\"type\":\"%s\",\"product_ids\":[", on ? "subscribe" : "unsubscribe");
  for (size_t i = first; i < c->stream_cnt; i++)
    if (c->stream[i].channel == channel) pmm__feed_put(&o, "%s\"%s\"", i == first ? "" : ",", c->stream[i].symbol);
  pmm__feed_put(&o, "],\"channel\":\"%s\"}", CHANNEL[channel]);
  return pmm__put_end(&o, len);
}

static pmm_status_t hello(const pmm_feed_codec_t *c, size_t n, bool on, char *buf, size_t cap, size_t *len, bool *wait) {
  (void)wait;
  for (size_t i = 0; i < c->stream_cnt; i++)
    if (pmm__first_of_channel(c, i) && n-- == 0) return put_channel(c, i, on, buf, cap, len);
  if (n > 0) return PMM_END;
  pmm__out_t o = {.buf = buf, .cap = cap};
  pmm__feed_put(&o, "{\"type\":\"%s\",\"channel\":\"heartbeats\"}", on ? "subscribe" : "unsubscribe");
  return pmm__put_end(&o, len);
}

const pmm__codec_ops_t pmm__advanced_ops = {
    .name = "coinbase_advanced",
    .channels = 1u << PMM_CHANNEL_TRADE | 1u << PMM_CHANNEL_TOP | 1u << PMM_CHANNEL_TOP_SLOW | 1u << PMM_CHANNEL_DEPTH,
    .symbol_ok = symbol_ok,
    .decode = decode,
    .hello = hello};
