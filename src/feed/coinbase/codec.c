/* coinbase/codec.c -- Coinbase Exchange, the market-data feed. Coinbase Exchange docs, "WebSocket Channels", 2026-11.
   Sequence numbers count every book event of a product, so on the channels that we take they rise with holes: only trade ids tell gaps. */
#include <string.h>
#include "feed/codec.h"

static const char *const CHANNEL[PMM_CHANNEL_CNT] = {
    [PMM_CHANNEL_TRADE] = "matches", [PMM_CHANNEL_TOP] = "ticker", [PMM_CHANNEL_TOP_SLOW] = "ticker_batch", [PMM_CHANNEL_DEPTH] = "level2_batch"};

static bool symbol_ok(const pmm_feed_stream_t *s) {
  size_t const len = strlen(s->symbol);
  const char *const dash = strchr(s->symbol, '-');
  return len <= 32 && dash && dash != s->symbol && dash[1] && strspn(s->symbol, "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-") == len && s->window_s == 0;
}

static pmm_status_t on_ticker(pmm_feed_codec_t *c, const pmm_json_node_t *m) {
  const pmm_json_node_t *const product = pmm_json_get(m, "product_id");
  int s = pmm__stream_of(c, PMM_CHANNEL_TOP, product, 0);
  if (s == PMM__NO_STREAM) s = pmm__stream_of(c, PMM_CHANNEL_TOP_SLOW, product, 0);
  if (s == PMM__NO_STREAM) return PMM_OK;
  pmm_feed_tick_t *const t = pmm__tick(c, s, PMM_TICK_TOP);
  uint64_t seq;
  pmm_status_t st;
  if ((st = pmm__feed_read_price(c, m, "price", &t->price_e8)) != PMM_OK) return st;
  if ((st = pmm__feed_read_price(c, m, "best_bid", &t->bid_e8)) != PMM_OK) return st;
  if ((st = pmm__feed_read_price(c, m, "best_ask", &t->ask_e8)) != PMM_OK) return st;
  if ((st = pmm__read_u64(c, m, "sequence", &seq)) != PMM_OK) return st;
  if ((st = pmm__read_iso(c, m, "time", &t->source_ns)) != PMM_OK) return st;
  t->side = pmm_json_is(pmm_json_get(m, "side"), "sell") ? PMM_ASK : PMM_BID; /* the taker's, unlike in matches */
  pmm__count(&c->next[s], PMM__RISING, seq, t);
  return PMM_OK;
}

/* side is the maker's: "sell" means that a buyer lifted an ask. */
static pmm_status_t on_match(pmm_feed_codec_t *c, const pmm_json_node_t *m, bool history) {
  int const s = pmm__stream_of(c, PMM_CHANNEL_TRADE, pmm_json_get(m, "product_id"), 0);
  if (s == PMM__NO_STREAM) return PMM_OK;
  pmm_feed_tick_t *const t = pmm__tick(c, s, PMM_TICK_TRADE);
  uint64_t id;
  pmm_status_t st;
  if ((st = pmm__feed_read_price(c, m, "price", &t->price_e8)) != PMM_OK) return st;
  if ((st = pmm__read_size(c, m, "size", &t->qty_e8)) != PMM_OK) return st;
  if ((st = pmm__read_u64(c, m, "trade_id", &id)) != PMM_OK) return st;
  if ((st = pmm__read_iso(c, m, "time", &t->source_ns)) != PMM_OK) return st;
  t->side = pmm_json_is(pmm_json_get(m, "side"), "sell") ? PMM_BID : PMM_ASK;
  if (history) t->flags |= PMM_TICK_HISTORY;
  pmm__count(&c->next[s], PMM__BY_ONE, id, t);
  return PMM_OK;
}

/* Tells of every stream of the product that it lives; and of its trades that some are missing, when their last id is ahead of ours. */
static pmm_status_t on_heartbeat(pmm_feed_codec_t *c, const pmm_json_node_t *m) {
  const pmm_json_node_t *const product = pmm_json_get(m, "product_id");
  uint64_t last;
  int64_t at_ns;
  pmm_status_t st;
  if ((st = pmm__read_u64(c, m, "last_trade_id", &last)) != PMM_OK) return st;
  if ((st = pmm__read_iso(c, m, "time", &at_ns)) != PMM_OK) return st;
  for (int ch = 0; ch < PMM_CHANNEL_CNT; ch++) {
    int const s = pmm__stream_of(c, (pmm_feed_channel_t)ch, product, 0);
    if (s == PMM__NO_STREAM) continue;
    pmm_feed_tick_t *const t = pmm__tick(c, s, PMM_TICK_BEAT);
    t->source_ns = at_ns;
    pmm__counter_t *const k = &c->next[s];
    if (ch != PMM_CHANNEL_TRADE || !k->has || last <= k->seq || last <= k->last_id) continue;
    t->flags |= PMM_TICK_GAP;
    t->missed = last - k->seq > UINT32_MAX ? UINT32_MAX : (uint32_t)(last - k->seq);
    k->last_id = last; /* told once */
  }
  return PMM_OK;
}

static pmm_status_t read_row(pmm_feed_codec_t *c, const pmm_json_node_t *row, const pmm_json_node_t *price, pmm_side_t side) {
  const pmm_json_node_t *const qty = price ? pmm_json_next(row, price) : NULL;
  int64_t p, q;
  pmm_status_t st = pmm__price_of(c, price, &p);
  if (st == PMM_OK) st = pmm__size_of(c, qty, &q);
  return st == PMM_OK ? pmm__level(c, p, q, side) : st;
}

static pmm_status_t on_snapshot(pmm_feed_codec_t *c, const pmm_json_node_t *m, pmm_feed_frame_t *out) {
  int const s = pmm__stream_of(c, PMM_CHANNEL_DEPTH, pmm_json_get(m, "product_id"), 0);
  if (s == PMM__NO_STREAM) return PMM_OK;
  for (int side = PMM_BID; side <= PMM_ASK; side++) {
    const pmm_json_node_t *const list = pmm_json_get(m, side == PMM_BID ? "bids" : "asks");
    if (!list || list->type != PMM_JSON_ARRAY) return pmm__feed_bad(c, list ? list : m, "no list of levels");
    for (const pmm_json_node_t *row = pmm_json_first(list); row; row = pmm_json_next(list, row)) {
      pmm_status_t const st = read_row(c, row, pmm_json_first(row), (pmm_side_t)side);
      if (st != PMM_OK) return st;
    }
  }
  out->level_stream = (uint16_t)s;
  out->level_snapshot = true;
  return PMM_OK;
}

static pmm_status_t on_changes(pmm_feed_codec_t *c, const pmm_json_node_t *m, pmm_feed_frame_t *out) {
  int const s = pmm__stream_of(c, PMM_CHANNEL_DEPTH, pmm_json_get(m, "product_id"), 0);
  const pmm_json_node_t *const list = pmm_json_get(m, "changes");
  if (s == PMM__NO_STREAM) return PMM_OK;
  if (!list || list->type != PMM_JSON_ARRAY) return pmm__feed_bad(c, list ? list : m, "no list of changes");
  for (const pmm_json_node_t *row = pmm_json_first(list); row; row = pmm_json_next(list, row)) {
    const pmm_json_node_t *const side = pmm_json_first(row);
    bool const buy = pmm_json_is(side, "buy");
    if (!buy && !pmm_json_is(side, "sell")) return pmm__feed_bad(c, row, "no side");
    pmm_status_t const st = read_row(c, row, pmm_json_next(row, side), buy ? PMM_BID : PMM_ASK);
    if (st != PMM_OK) return st;
  }
  out->level_stream = (uint16_t)s;
  return PMM_OK;
}

/* A refused subscription is refused again next time: the connection is of no use, and only people can mend it. */
static pmm_status_t on_error(const pmm_json_node_t *m, pmm_feed_frame_t *out) {
  const pmm_json_node_t *const reason = pmm_json_get(m, "reason");
  out->kind = PMM_FRAME_ERROR;
  out->advice = pmm_json_is(pmm_json_get(m, "message"), "Authentication Failed") ? PMM_ADVICE_STOP : PMM_ADVICE_NONE;
  pmm__say(out, "request refused: ", reason ? reason : pmm_json_get(m, "message"));
  return PMM_OK;
}

static pmm_status_t decode(pmm_feed_codec_t *c, const pmm_json_node_t *root, pmm_feed_frame_t *out) {
  const pmm_json_node_t *const type = pmm_json_get(root, "type");
  if (root->type != PMM_JSON_OBJECT) return pmm__feed_bad(c, root, "no object");
  if (pmm_json_is(type, "ticker")) return on_ticker(c, root);
  if (pmm_json_is(type, "match")) return on_match(c, root, false);
  if (pmm_json_is(type, "last_match")) return on_match(c, root, true);
  if (pmm_json_is(type, "heartbeat")) return on_heartbeat(c, root);
  if (pmm_json_is(type, "l2update")) return on_changes(c, root, out);
  if (pmm_json_is(type, "snapshot")) return on_snapshot(c, root, out);
  if (pmm_json_is(type, "subscriptions")) out->kind = PMM_FRAME_ACK;
  if (pmm_json_is(type, "error")) return on_error(root, out);
  return PMM_OK;
}

/* -- what we send -- */

static bool seen_before(const pmm_feed_codec_t *c, size_t i) {
  for (size_t k = 0; k < i; k++)
    if (strcmp(c->stream[k].symbol, c->stream[i].symbol) == 0) return true;
  return false;
}

/* channel PMM_CHANNEL_CNT: the products of all streams, each once */
static size_t put_products(const pmm_feed_codec_t *c, pmm__out_t *o, int channel) {
  size_t cnt = 0;
  pmm__feed_put(o, "\"product_ids\":[");
  for (size_t i = 0; i < c->stream_cnt; i++) {
    if (channel == PMM_CHANNEL_CNT ? seen_before(c, i) : c->stream[i].channel != channel) continue;
    pmm__feed_put(o, "%s\"%s\"", cnt++ ? "," : "", c->stream[i].symbol);
  }
  pmm__feed_put(o, "]");
  return cnt;
}

/* Every channel has as many products as there are (a stream stands only once): then one list serves all. */
static bool is_uniform(const pmm_feed_codec_t *c) {
  size_t products = 0, channels = 0;
  for (size_t i = 0; i < c->stream_cnt; i++) products += !seen_before(c, i), channels += pmm__first_of_channel(c, i);
  return products * channels == c->stream_cnt;
}

static pmm_status_t hello(const pmm_feed_codec_t *c, size_t n, bool on, char *buf, size_t cap, size_t *len, bool *wait) {
  (void)wait;
  if (n > 0) return PMM_END;
  pmm__out_t o = {.buf = buf, .cap = cap};
  bool const uniform = is_uniform(c);
  pmm__feed_put(&o, "{\"type\":\"%s\",", on ? "subscribe" : "unsubscribe");
  if (uniform) {
    put_products(c, &o, PMM_CHANNEL_CNT);
    pmm__feed_put(&o, ",");
  }
  pmm__feed_put(&o, "\"channels\":[");
  for (size_t i = 0; i < c->stream_cnt; i++) {
    if (!pmm__first_of_channel(c, i)) continue;
    if (uniform) {
      pmm__feed_put(&o, "\"%s\",", CHANNEL[c->stream[i].channel]);
      continue;
    }
    pmm__feed_put(&o, "{\"name\":\"%s\",", CHANNEL[c->stream[i].channel]);
    put_products(c, &o, c->stream[i].channel);
    pmm__feed_put(&o, "},");
  }
  if (uniform) pmm__feed_put(&o, "\"heartbeat\"");
  else {
    pmm__feed_put(&o, "{\"name\":\"heartbeat\",");
    put_products(c, &o, PMM_CHANNEL_CNT);
    pmm__feed_put(&o, "}");
  }
  pmm__feed_put(&o, "]}");
  return pmm__put_end(&o, len);
}

const pmm__codec_ops_t pmm__coinbase_ops = {
    .name = "coinbase",
    .channels = 1u << PMM_CHANNEL_TRADE | 1u << PMM_CHANNEL_TOP | 1u << PMM_CHANNEL_TOP_SLOW | 1u << PMM_CHANNEL_DEPTH,
    .symbol_ok = symbol_ok,
    .decode = decode,
    .hello = hello};
