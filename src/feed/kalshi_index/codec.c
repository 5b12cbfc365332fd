/* kalshi_index/codec.c -- the CF Benchmarks indices that Kalshi relays and settles on. Kalshi API docs, channel "cfbenchmarks_value", 2026-10.
   A value stands as JSON inside a string. Averages come with the number of values in them: that number counts, not the bounds beside it,
   whose names and meaning differ. */
#include <string.h>
#include "feed/codec.h"

#define WINDOW_VALUES_MAX 60

static bool symbol_ok(const pmm_feed_stream_t *s) {
  size_t const len = strlen(s->symbol);
  return len > 0 && len <= 32 && s->window_s == 0 && strspn(s->symbol, "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_") == len;
}

/* Each subscription numbers its messages, answers to requests about it too. A counter remembers its subscription in last_id. */
static pmm_status_t count(pmm_feed_codec_t *c, const pmm_json_node_t *root, pmm_feed_frame_t *out, bool *fresh) {
  uint64_t sid, seq;
  pmm_status_t st;
  if ((st = pmm__read_u64(c, root, "sid", &sid)) != PMM_OK) return st;
  if ((st = pmm__read_u64(c, root, "seq", &seq)) != PMM_OK) return st;
  pmm__counter_t *k = c->conn_next;
  pmm__counter_t *const end = c->conn_next + sizeof c->conn_next / sizeof c->conn_next[0];
  while (k < end && k->has && k->last_id != sid) k++;
  if (k == end) return pmm__feed_bad(c, root, "more subscriptions than we ever made");
  *fresh = pmm__count_conn(k, seq, out);
  k->last_id = sid;
  return PMM_OK;
}

/* {"type":"value","id":"BRTI","time":<ms>,"value":"68000.12"}, and of the index that the message names */
static pmm_status_t read_data(pmm_feed_codec_t *c, const pmm_json_node_t *msg, int s, pmm_feed_tick_t *t) {
  const pmm_json_node_t *const text = pmm_json_get(msg, "data");
  const pmm_json_node_t *data;
  pmm_status_t st = pmm__read_inner(c, text, &data);
  if (st != PMM_OK) return st;
  if (!pmm_json_is(pmm_json_get(data, "id"), c->stream[s].symbol)) return pmm__feed_bad(c, text, "a value of another index than its message's");
  if ((st = pmm__feed_read_price(c, data, "value", &t->price_e8)) == PMM_OK) st = pmm__read_epoch(c, data, "time", &t->source_ns);
  return st == PMM_OK ? PMM_OK : pmm__feed_bad(c, text, "no price with its time in the inner text");
}

static pmm_status_t add_mean(pmm_feed_codec_t *c, const pmm_json_node_t *mean, int s, int64_t at_ns, int64_t send_ns, uint8_t flags) {
  uint64_t cnt;
  pmm_status_t st;
  if (pmm__is_empty(mean)) return PMM_OK;
  if ((st = pmm__read_u64(c, mean, "window_size", &cnt)) != PMM_OK) return st;
  if (cnt == 0) return PMM_OK; /* nothing in it yet */
  if (cnt > WINDOW_VALUES_MAX) return pmm__feed_bad(c, mean, "more values than a minute has seconds");
  pmm_feed_tick_t *const t = pmm__tick(c, s, PMM_TICK_MEAN);
  if (!t) return pmm__too_many(c);
  if ((st = pmm__feed_read_price(c, mean, "value", &t->price_e8)) != PMM_OK) return st;
  if ((st = pmm__read_epoch(c, mean, "window_start_ts_ms", &t->start_ns)) != PMM_OK) return st;
  if ((st = pmm__read_epoch(c, mean, "window_end_ts_exclusive", &t->end_ns)) != PMM_OK) return st;
  t->source_ns = at_ns;
  t->send_ns = send_ns;
  t->seq = (uint64_t)(at_ns / PMM_NS_PER_MS);
  t->window_cnt = (uint16_t)cnt;
  t->flags = flags;
  return PMM_OK;
}

static pmm_status_t on_value(pmm_feed_codec_t *c, const pmm_json_node_t *root, pmm_feed_channel_t channel, pmm_feed_frame_t *out) {
  const pmm_json_node_t *const msg = pmm_json_get(root, "msg");
  bool fresh;
  pmm_status_t st;
  if ((st = count(c, root, out, &fresh)) != PMM_OK) return st;
  if (!fresh) return PMM_OK; /* again */
  int const s = pmm__stream_of(c, channel, pmm_json_get(msg, "index_id"), 0);
  if (s == PMM__NO_STREAM) return PMM_OK;
  pmm_feed_tick_t *const t = pmm__tick(c, s, PMM_TICK_SPOT);
  if ((st = pmm__read_epoch(c, msg, "received_at", &t->send_ns)) != PMM_OK) return st;
  if (channel == PMM_CHANNEL_INDEX_5HZ) {
    if ((st = pmm__feed_read_price(c, msg, "value_usd", &t->price_e8)) != PMM_OK) return st;
    if ((st = pmm__read_epoch(c, msg, "source_ts_ms", &t->source_ns)) != PMM_OK) return st;
  } else if ((st = read_data(c, msg, s, t)) != PMM_OK) return st;
  pmm__count(&c->next[s], PMM__RISING, (uint64_t)(t->source_ns / PMM_NS_PER_MS), t);
  if (channel == PMM_CHANNEL_INDEX_5HZ) return PMM_OK;
  int64_t const at_ns = t->source_ns, send_ns = t->send_ns;
  if ((st = add_mean(c, pmm_json_get(msg, "avg_60s_data"), s, at_ns, send_ns, PMM_TICK_TRAILING)) != PMM_OK) return st;
  return add_mean(c, pmm_json_get(msg, "last_60s_windowed_average_15min"), s, at_ns, send_ns, 0);
}

static pmm_status_t on_error(pmm_feed_codec_t *c, const pmm_json_node_t *root, pmm_feed_frame_t *out) {
  const pmm_json_node_t *const msg = pmm_json_get(root, "msg");
  uint64_t code;
  out->kind = PMM_FRAME_ERROR;
  if (pmm_json_get(msg, "code") && pmm__read_u64(c, msg, "code", &code) == PMM_OK && code <= INT32_MAX) out->code = (int32_t)code;
  pmm__say(out, "request refused: ", pmm_json_get(msg, "msg"));
  return PMM_OK;
}

static pmm_status_t decode(pmm_feed_codec_t *c, const pmm_json_node_t *root, pmm_feed_frame_t *out) {
  const pmm_json_node_t *const type = pmm_json_get(root, "type");
  if (root->type != PMM_JSON_OBJECT) return pmm__feed_bad(c, root, "no object");
  if (pmm_json_is(type, "cfbenchmarks_value")) return on_value(c, root, PMM_CHANNEL_INDEX, out);
  if (pmm_json_is(type, "cfbenchmarks_value_5hz")) return on_value(c, root, PMM_CHANNEL_INDEX_5HZ, out);
  if (pmm_json_is(type, "error")) return on_error(c, root, out);
  if (!pmm_json_is(type, "subscribed") && !pmm_json_is(type, "ok") && !pmm_json_is(type, "cfbenchmarks_value_indexlist")) return PMM_OK;
  out->kind = PMM_FRAME_ACK;
  bool fresh;
  return pmm_json_get(root, "seq") ? count(c, root, out, &fresh) : PMM_OK;
}

/* -- what we send: one subscription per channel -- */

static pmm_status_t put_channel(const pmm_feed_codec_t *c, size_t first, int id, char *buf, size_t cap, size_t *len) {
  pmm__out_t o = {.buf = buf, .cap = cap};
  uint8_t const channel = c->stream[first].channel;
  pmm__feed_put(&o, "{\"id\":%d,\"cmd\":\"subscribe\",\"params\":{\"channels\":[\"%s\"],\"index_ids\":[", id,
           channel == PMM_CHANNEL_INDEX ? "cfbenchmarks_value" : "cfbenchmarks_value_5hz");
  for (size_t i = first; i < c->stream_cnt; i++)
    if (c->stream[i].channel == channel) pmm__feed_put(&o, "%s\"%s\"", i == first ? "" : ",", c->stream[i].symbol);
  pmm__feed_put(&o, "]}}");
  return pmm__put_end(&o, len);
}

/* Taking it back needs the subscription's number, which only the server gives; closing the connection does the same. */
static pmm_status_t hello(const pmm_feed_codec_t *c, size_t n, bool on, char *buf, size_t cap, size_t *len, bool *wait) {
  (void)wait;
  int const id = (int)n + 1;
  for (size_t i = 0; on && i < c->stream_cnt; i++)
    if (pmm__first_of_channel(c, i) && n-- == 0) return put_channel(c, i, id, buf, cap, len);
  return PMM_END;
}

const pmm__codec_ops_t pmm__kalshi_index_ops = {
    .name = "kalshi_index",
    .channels = 1u << PMM_CHANNEL_INDEX | 1u << PMM_CHANNEL_INDEX_5HZ,
    .symbol_ok = symbol_ok,
    .decode = decode,
    .hello = hello};
