/* binance/codec.c -- Binance spot market streams, raw (/ws) and combined (/stream). Binance API docs, "WebSocket Streams", 2026-11.
   Subscriptions stand in the URL, so that nothing needs to be sent but a LIST_SUBSCRIPTIONS that verifies them: an unknown stream name is
   accepted in silence. */
#include <string.h>
#include "feed/codec.h"

#define NAME_MAX_LEN (PMM_FEED_SYMBOL_MAX + 24)
enum { ID_SUBSCRIBE = 1, ID_UNSUBSCRIBE = 2, ID_LIST = 3 };

static const struct { uint16_t window_s; const char *name; } INTERVALS[] = {{1, "1s"}, {60, "1m"}, {180, "3m"}, {300, "5m"}, {900, "15m"}, {1800, "30m"}, {3600, "1h"}, {7200, "2h"}, {14400, "4h"}};

static const char *interval_name(uint16_t window_s) {
  for (size_t i = 0; i < sizeof INTERVALS / sizeof INTERVALS[0]; i++)
    if (INTERVALS[i].window_s == window_s) return INTERVALS[i].name;
  return NULL;
}

static uint32_t interval_s(const pmm_json_node_t *name) {
  for (size_t i = 0; i < sizeof INTERVALS / sizeof INTERVALS[0]; i++)
    if (pmm_json_is(name, INTERVALS[i].name)) return INTERVALS[i].window_s;
  return 0; /* a length we never ask for: no stream has it */
}

static bool symbol_ok(const pmm_feed_stream_t *s) {
  size_t const len = strlen(s->symbol);
  if (len == 0 || len > 32 || strspn(s->symbol, "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789") != len) return false;
  return s->channel == PMM_CHANNEL_CANDLE ? interval_name(s->window_s) != NULL : s->window_s == 0;
}

static char lower(char ch) { return ch >= 'A' && ch <= 'Z' ? (char)(ch - 'A' + 'a') : ch; }

/* "btcusdt@kline_1h": lower case, although the s field inside events is upper case. */
static void stream_name(const pmm_feed_stream_t *s, char buf[NAME_MAX_LEN]) {
  static const char *const SUFFIX[PMM_CHANNEL_CNT] = {
      [PMM_CHANNEL_TRADE] = "trade",        [PMM_CHANNEL_AGG_TRADE] = "aggTrade",       [PMM_CHANNEL_TOP] = "bookTicker",
      [PMM_CHANNEL_DEPTH] = "depth@100ms",  [PMM_CHANNEL_DEPTH_TOP] = "depth20@100ms",  [PMM_CHANNEL_CANDLE] = "kline_"};
  pmm__out_t o = {.buf = buf, .cap = NAME_MAX_LEN};
  for (const char *p = s->symbol; *p; p++) buf[o.len++] = lower(*p);
  pmm__feed_put(&o, "@%s%s", SUFFIX[s->channel], s->channel == PMM_CHANNEL_CANDLE ? interval_name(s->window_s) : "");
}

/* -- events -- */

/* A trade: the buyer was the maker means that the taker sold. */
static pmm_status_t read_trade(pmm_feed_codec_t *c, const pmm_json_node_t *e, pmm_feed_tick_t *t) {
  const pmm_json_node_t *const m = pmm_json_get(e, "m");
  pmm_status_t st;
  if ((st = pmm__feed_read_price(c, e, "p", &t->price_e8)) != PMM_OK) return st;
  if ((st = pmm__read_size(c, e, "q", &t->qty_e8)) != PMM_OK) return st;
  if ((st = pmm__read_epoch(c, e, "T", &t->source_ns)) != PMM_OK) return st;
  if ((st = pmm__read_epoch(c, e, "E", &t->send_ns)) != PMM_OK) return st;
  if (!m || m->type != PMM_JSON_BOOL) return pmm__feed_bad(c, m ? m : e, "no side");
  t->side = m->len == 4 ? PMM_ASK : PMM_BID;
  return PMM_OK;
}

static pmm_status_t on_trade(pmm_feed_codec_t *c, const pmm_json_node_t *e, bool aggregate) {
  int const s = pmm__stream_of(c, aggregate ? PMM_CHANNEL_AGG_TRADE : PMM_CHANNEL_TRADE, pmm_json_get(e, "s"), 0);
  if (s == PMM__NO_STREAM) return PMM_OK;
  pmm_feed_tick_t *const t = pmm__tick(c, s, PMM_TICK_TRADE);
  uint64_t id, first = 0, last = 0;
  pmm_status_t st = read_trade(c, e, t);
  if (st == PMM_OK) st = pmm__read_u64(c, e, aggregate ? "a" : "t", &id);
  if (st == PMM_OK && aggregate) st = pmm__read_u64(c, e, "f", &first);
  if (st == PMM_OK && aggregate) st = pmm__read_u64(c, e, "l", &last);
  if (st != PMM_OK) return st;
  pmm__counter_t *const k = &c->next[s];
  bool const seen = k->has;
  uint64_t const before = k->last_id;
  pmm__count(k, PMM__BY_ONE, id, t);
  if (!aggregate || (t->flags & PMM_TICK_LATE)) return PMM_OK;
  k->last_id = last;
  if (seen && first > before + 1) { /* the aggregates follow each other but trades between them do not */
    t->flags |= PMM_TICK_GAP;
    if (t->missed == 0) t->missed = 1;
  }
  return PMM_OK;
}

/* No type and no time: known by its fields. Update ids rise and skip. */
static pmm_status_t on_top(pmm_feed_codec_t *c, const pmm_json_node_t *e) {
  int const s = pmm__stream_of(c, PMM_CHANNEL_TOP, pmm_json_get(e, "s"), 0);
  if (s == PMM__NO_STREAM) return PMM_OK;
  pmm_feed_tick_t *const t = pmm__tick(c, s, PMM_TICK_TOP);
  uint64_t id;
  pmm_status_t st;
  if ((st = pmm__feed_read_price(c, e, "b", &t->bid_e8)) != PMM_OK) return st;
  if ((st = pmm__feed_read_price(c, e, "a", &t->ask_e8)) != PMM_OK) return st;
  if ((st = pmm__read_u64(c, e, "u", &id)) != PMM_OK) return st;
  pmm__count(&c->next[s], PMM__RISING, id, t);
  return PMM_OK;
}

static pmm_status_t on_candle(pmm_feed_codec_t *c, const pmm_json_node_t *e) {
  const pmm_json_node_t *const k = pmm_json_get(e, "k"), *const closed = pmm_json_get(k, "x");
  int const s = pmm__stream_of(c, PMM_CHANNEL_CANDLE, pmm_json_get(e, "s"), interval_s(pmm_json_get(k, "i")));
  if (s == PMM__NO_STREAM) return PMM_OK;
  pmm_feed_tick_t *const t = pmm__tick(c, s, PMM_TICK_CANDLE);
  pmm_status_t st;
  if ((st = pmm__feed_read_price(c, k, "o", &t->bid_e8)) != PMM_OK) return st;
  if ((st = pmm__feed_read_price(c, k, "c", &t->price_e8)) != PMM_OK) return st;
  if ((st = pmm__read_epoch(c, k, "t", &t->start_ns)) != PMM_OK) return st;
  if ((st = pmm__read_epoch(c, k, "T", &t->end_ns)) != PMM_OK) return st;
  if ((st = pmm__read_epoch(c, e, "E", &t->send_ns)) != PMM_OK) return st;
  if (!closed || closed->type != PMM_JSON_BOOL) return pmm__feed_bad(c, k, "no word on whether it is closed");
  t->end_ns += t->end_ns % PMM_NS_PER_MS ? PMM_NS_PER_US : PMM_NS_PER_MS; /* theirs is the last unit inside */
  t->source_ns = t->send_ns;
  if (closed->len == 4) t->flags |= PMM_TICK_FINAL;
  pmm__count(&c->next[s], PMM__RISING, (uint64_t)(t->send_ns / PMM_NS_PER_US), t);
  return PMM_OK;
}

/* [["price","qty"],...] */
static pmm_status_t read_levels(pmm_feed_codec_t *c, const pmm_json_node_t *e, const char *key, pmm_side_t side) {
  const pmm_json_node_t *const list = pmm_json_get(e, key);
  if (!list || list->type != PMM_JSON_ARRAY) return pmm__feed_bad(c, list ? list : e, "no list of levels");
  for (const pmm_json_node_t *row = pmm_json_first(list); row; row = pmm_json_next(list, row)) {
    const pmm_json_node_t *const price = pmm_json_first(row), *const qty = price ? pmm_json_next(row, price) : NULL;
    int64_t p, q;
    pmm_status_t st = pmm__price_of(c, price, &p);
    if (st == PMM_OK) st = pmm__size_of(c, qty, &q);
    if (st == PMM_OK) st = pmm__level(c, p, q, side);
    if (st != PMM_OK) return st;
  }
  return PMM_OK;
}

static pmm_status_t on_depth(pmm_feed_codec_t *c, const pmm_json_node_t *e, pmm_feed_frame_t *out) {
  int const s = pmm__stream_of(c, PMM_CHANNEL_DEPTH, pmm_json_get(e, "s"), 0);
  uint64_t first, last;
  pmm_status_t st;
  if (s == PMM__NO_STREAM) return PMM_OK;
  if ((st = pmm__read_u64(c, e, "U", &first)) != PMM_OK) return st;
  if ((st = pmm__read_u64(c, e, "u", &last)) != PMM_OK) return st;
  if (last < first) return pmm__feed_bad(c, e, "update ids run backwards");
  pmm__counter_t *const k = &c->next[s];
  if (k->has && last <= k->seq) return PMM_OK; /* again */
  if ((st = read_levels(c, e, "b", PMM_BID)) != PMM_OK) return st;
  if ((st = read_levels(c, e, "a", PMM_ASK)) != PMM_OK) return st;
  out->gap = k->has && first > k->seq + 1;
  if (out->gap) out->missed = first - k->seq - 1 > UINT32_MAX ? UINT32_MAX : (uint32_t)(first - k->seq - 1);
  *k = (pmm__counter_t){.seq = last, .has = true};
  out->first_id = first;
  out->last_id = last;
  out->level_stream = (uint16_t)s;
  out->kind = PMM_FRAME_DATA;
  return PMM_OK;
}

/* A picture names no symbol: the combined stream's name does; a raw connection must have only one such stream. */
static int picture_stream(const pmm_feed_codec_t *c, const pmm_json_node_t *name) {
  int found = PMM__NO_STREAM;
  for (size_t i = 0; i < c->stream_cnt; i++) {
    if (c->stream[i].channel != PMM_CHANNEL_DEPTH_TOP) continue;
    size_t const len = c->symbol_len[i];
    if (!name) {
      if (found != PMM__NO_STREAM) return PMM__NO_STREAM;
      found = (int)i;
      continue;
    }
    size_t n = 0;
    while (n < len && n < name->len && name->text[n] == lower(c->stream[i].symbol[n])) n++;
    if (n == len && name->len > len && name->text[len] == '@') return (int)i;
  }
  return found;
}

static pmm_status_t on_picture(pmm_feed_codec_t *c, const pmm_json_node_t *e, const pmm_json_node_t *name, pmm_feed_frame_t *out) {
  int const s = picture_stream(c, name);
  uint64_t id;
  pmm_status_t st;
  if (s == PMM__NO_STREAM) return PMM_OK;
  if ((st = pmm__read_u64(c, e, "lastUpdateId", &id)) != PMM_OK) return st;
  if (c->next[s].has && id <= c->next[s].seq) return PMM_OK;
  if ((st = read_levels(c, e, "bids", PMM_BID)) != PMM_OK) return st;
  if ((st = read_levels(c, e, "asks", PMM_ASK)) != PMM_OK) return st;
  c->next[s] = (pmm__counter_t){.seq = id, .has = true};
  out->last_id = id;
  out->level_stream = (uint16_t)s;
  out->level_snapshot = true;
  return PMM_OK;
}

static pmm_status_t on_event(pmm_feed_codec_t *c, const pmm_json_node_t *e, const pmm_json_node_t *name, pmm_feed_frame_t *out) {
  const pmm_json_node_t *const type = pmm_json_get(e, "e");
  if (pmm_json_is(type, "trade")) return on_trade(c, e, false);
  if (pmm_json_is(type, "aggTrade")) return on_trade(c, e, true);
  if (pmm_json_is(type, "kline")) return on_candle(c, e);
  if (pmm_json_is(type, "depthUpdate")) return on_depth(c, e, out);
  if (pmm_json_is(type, "serverShutdown")) {
    out->kind = PMM_FRAME_GOAWAY;
    return PMM_OK;
  }
  if (type) return PMM_OK; /* blockTrade is off-book and no price; others we do not know */
  if (pmm_json_get(e, "lastUpdateId")) return on_picture(c, e, name, out);
  if (pmm_json_get(e, "u")) return on_top(c, e);
  return PMM_OK;
}

/* -- control -- */

static pmm_status_t on_error(const pmm_json_node_t *error, pmm_feed_codec_t *c, pmm_feed_frame_t *out) {
  uint64_t code = 0;
  if (pmm__read_u64(c, error, "code", &code) != PMM_OK || code > INT32_MAX) code = 0;
  out->kind = PMM_FRAME_ERROR;
  out->code = (int32_t)code;
  pmm__say(out, "request refused: ", pmm_json_get(error, "msg"));
  return PMM_OK;
}

static bool listed(const pmm_json_node_t *list, const char *name) {
  for (const pmm_json_node_t *e = pmm_json_first(list); e; e = pmm_json_next(list, e))
    if (pmm_json_is(e, name)) return true;
  return false;
}

static pmm_status_t on_result(pmm_feed_codec_t *c, const pmm_json_node_t *result, pmm_feed_frame_t *out) {
  out->kind = PMM_FRAME_ACK;
  if (result->type != PMM_JSON_ARRAY) return PMM_OK;
  for (size_t i = 0; i < c->stream_cnt; i++) {
    char name[NAME_MAX_LEN];
    stream_name(&c->stream[i], name);
    if (listed(result, name)) continue;
    out->kind = PMM_FRAME_ERROR;
    out->advice = PMM_ADVICE_RETRY;
    pmm__say(out, "not subscribed: ", &(pmm_json_node_t){.text = name, .len = (uint32_t)strlen(name), .type = PMM_JSON_STRING});
    return PMM_OK;
  }
  return PMM_OK;
}

static pmm_status_t decode(pmm_feed_codec_t *c, const pmm_json_node_t *root, pmm_feed_frame_t *out) {
  const pmm_json_node_t *const data = pmm_json_get(root, "data"), *const name = pmm_json_get(root, "stream");
  if (root->type != PMM_JSON_OBJECT) return pmm__feed_bad(c, root, "no object");
  if (name && data) return on_event(c, data, name->type == PMM_JSON_STRING ? name : NULL, out);
  const pmm_json_node_t *const result = pmm_json_get(root, "result"), *const error = pmm_json_get(root, "error");
  if (error) return on_error(error, c, out);
  if (pmm_json_get(root, "code") && pmm_json_get(root, "msg")) return on_error(root, c, out);
  if (result) return on_result(c, result, out);
  return on_event(c, root, NULL, out);
}

/* -- what we send -- */

static pmm_status_t url(const pmm_feed_codec_t *c, const char *base, char *buf, size_t cap) {
  pmm__out_t o = {.buf = buf, .cap = cap};
  size_t len;
  pmm__feed_put(&o, "%s/%s", base, c->by_message ? "ws" : "stream?streams=");
  for (size_t i = 0; i < c->stream_cnt && !c->by_message; i++) {
    char name[NAME_MAX_LEN];
    stream_name(&c->stream[i], name);
    pmm__feed_put(&o, "%s%s", i ? "/" : "", name);
  }
  if (c->microseconds) pmm__feed_put(&o, "%stimeUnit=MICROSECOND", c->by_message ? "?" : "&");
  return pmm__put_end(&o, &len);
}

static pmm_status_t put_request(const pmm_feed_codec_t *c, const char *method, int id, char *buf, size_t cap, size_t *len) {
  pmm__out_t o = {.buf = buf, .cap = cap};
  pmm__feed_put(&o, "{\"method\":\"%s\",\"params\":[", method);
  for (size_t i = 0; i < c->stream_cnt; i++) {
    char name[NAME_MAX_LEN];
    stream_name(&c->stream[i], name);
    pmm__feed_put(&o, "%s\"%s\"", i ? "," : "", name);
  }
  pmm__feed_put(&o, "],\"id\":%d}", id);
  return pmm__put_end(&o, len);
}

static pmm_status_t hello(const pmm_feed_codec_t *c, size_t n, bool on, char *buf, size_t cap, size_t *len, bool *wait) {
  (void)wait;
  if (!on) return n == 0 ? put_request(c, "UNSUBSCRIBE", ID_UNSUBSCRIBE, buf, cap, len) : PMM_END;
  if (c->by_message && n == 0) return put_request(c, "SUBSCRIBE", ID_SUBSCRIBE, buf, cap, len);
  if (n > (c->by_message ? 1u : 0u)) return PMM_END;
  pmm__out_t o = {.buf = buf, .cap = cap};
  pmm__feed_put(&o, "{\"method\":\"LIST_SUBSCRIPTIONS\",\"id\":%d}", ID_LIST);
  return pmm__put_end(&o, len);
}

const pmm__codec_ops_t pmm__binance_ops = {
    .name = "binance",
    .channels = 1u << PMM_CHANNEL_TRADE | 1u << PMM_CHANNEL_AGG_TRADE | 1u << PMM_CHANNEL_TOP | 1u << PMM_CHANNEL_DEPTH | 1u << PMM_CHANNEL_DEPTH_TOP | 1u << PMM_CHANNEL_CANDLE,
    .symbol_ok = symbol_ok,
    .decode = decode,
    .url = url,
    .hello = hello};
