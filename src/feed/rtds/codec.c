/* rtds/codec.c -- Polymarket's older price socket. Polymarket docs, "Real-Time Data Socket", 2026-08, and what is seen on the wire:
   the back-fill of the oracle's spot prices carries the exchange prices' topic (the slash in its symbols tells), frames may be arrays or empty,
   a time may be a string, and one bad entry silences a whole batch, so that each topic has a frame of its own. */
#include <string.h>
#include "feed/codec.h"

static const struct { const char *topic; uint8_t channel; uint16_t window_s; } TOPIC[] = {
    {"crypto_prices", PMM_CHANNEL_RELAY, 0},
    {"crypto_prices_chainlink", PMM_CHANNEL_SPOT, 0},
    {"crypto_prices_twap_thirty", PMM_CHANNEL_TWAP, 30},
    {"crypto_prices_twap_sixty", PMM_CHANNEL_TWAP, 60}};
#define TOPIC_CNT (sizeof TOPIC / sizeof TOPIC[0])

static bool symbol_ok(const pmm_feed_stream_t *s) {
  size_t const len = strlen(s->symbol);
  const char *const slash = strchr(s->symbol, '/');
  if (len == 0 || len > 32 || strspn(s->symbol, "abcdefghijklmnopqrstuvwxyz0123456789/") != len) return false;
  if (s->channel == PMM_CHANNEL_RELAY) return !slash && s->window_s == 0;
  return slash && (s->channel == PMM_CHANNEL_TWAP ? s->window_s == 30 || s->window_s == 60 : s->window_s == 0);
}

static int topic_of(const pmm_json_node_t *topic) {
  for (size_t i = 0; i < TOPIC_CNT; i++)
    if (pmm_json_is(topic, TOPIC[i].topic)) return (int)i;
  return -1;
}

static int stream_of(const pmm_feed_codec_t *c, const pmm_json_node_t *topic, const pmm_json_node_t *symbol) {
  int t = topic_of(topic);
  if (t < 0 || !symbol || symbol->type != PMM_JSON_STRING) return PMM__NO_STREAM;
  if (TOPIC[t].channel == PMM_CHANNEL_RELAY && memchr(symbol->text, '/', symbol->len)) t = 1;
  return pmm__stream_of(c, (pmm_feed_channel_t)TOPIC[t].channel, symbol, TOPIC[t].window_s);
}

/* The accurate text when there is one: a plain decimal for exchange prices, else an integer scaled by 10^18. */
static pmm_status_t read_value(pmm_feed_codec_t *c, const pmm_json_node_t *point, uint8_t channel, int64_t *out) {
  const pmm_json_node_t *const accurate = pmm_json_get(point, "full_accuracy_value");
  if (pmm__is_empty(accurate)) return pmm__feed_read_price(c, point, "value", out);
  return channel == PMM_CHANNEL_RELAY ? pmm__price_of(c, accurate, out) : pmm__price_e18(c, accurate, out);
}

static pmm_status_t add_point(pmm_feed_codec_t *c, int s, const pmm_json_node_t *point, int64_t send_ns, bool history) {
  uint8_t const channel = c->stream[s].channel;
  pmm_feed_tick_kind_t const kind = channel == PMM_CHANNEL_RELAY ? PMM_TICK_TRADE : channel == PMM_CHANNEL_TWAP ? PMM_TICK_TWAP : PMM_TICK_SPOT;
  pmm_feed_tick_t *const t = pmm__tick(c, s, kind);
  if (!t) return pmm__too_many(c);
  pmm_status_t st = read_value(c, point, channel, &t->price_e8);
  if (st == PMM_OK) st = pmm__read_epoch(c, point, "timestamp", &t->source_ns);
  if (st != PMM_OK) return st;
  t->send_ns = send_ns;
  if (history) t->flags |= PMM_TICK_HISTORY;
  pmm__count(&c->next[s], PMM__RISING, (uint64_t)(t->source_ns / PMM_NS_PER_MS), t);
  return PMM_OK;
}

static pmm_status_t on_prices(pmm_feed_codec_t *c, const pmm_json_node_t *frame, bool history) {
  const pmm_json_node_t *const payload = pmm_json_get(frame, "payload"), *const window = pmm_json_get(payload, "window_s");
  int const s = stream_of(c, pmm_json_get(frame, "topic"), pmm_json_get(payload, "symbol"));
  int64_t send_ns;
  uint64_t window_s;
  pmm_status_t st;
  if (s == PMM__NO_STREAM) return PMM_OK;
  if ((st = pmm__read_epoch(c, frame, "timestamp", &send_ns)) != PMM_OK) return st;
  if (window && (st = pmm__read_u64(c, payload, "window_s", &window_s)) != PMM_OK) return st;
  if (window && window_s != c->stream[s].window_s) return pmm__feed_bad(c, window, "an average over another window than its topic's");
  if (!history) return add_point(c, s, payload, send_ns, false);
  const pmm_json_node_t *const data = pmm_json_get(payload, "data");
  for (const pmm_json_node_t *e = pmm_json_first(data); e; e = pmm_json_next(data, e))
    if ((st = add_point(c, s, e, send_ns, true)) != PMM_OK) return st;
  return PMM_OK;
}

static pmm_status_t on_error(pmm_feed_codec_t *c, const pmm_json_node_t *frame, pmm_feed_frame_t *out) {
  const pmm_json_node_t *const body = pmm_json_get(frame, "body"), *const message = pmm_json_get(body ? body : frame, "message");
  uint64_t code = 0;
  if (pmm_json_get(frame, "statusCode") && pmm__read_u64(c, frame, "statusCode", &code) != PMM_OK) code = 0;
  out->kind = PMM_FRAME_ERROR;
  out->code = code > INT32_MAX ? 0 : (int32_t)code;
  pmm__say(out, "request refused: ", message);
  return PMM_OK;
}

static pmm_status_t on_frame(pmm_feed_codec_t *c, const pmm_json_node_t *frame, pmm_feed_frame_t *out) {
  const pmm_json_node_t *const type = pmm_json_get(frame, "type");
  if (pmm_json_is(type, "update")) return on_prices(c, frame, false);
  if (pmm_json_is(type, "subscribe")) return on_prices(c, frame, true);
  if (!type && (pmm_json_get(frame, "message") || pmm_json_get(frame, "body"))) return on_error(c, frame, out);
  return PMM_OK;
}

static pmm_status_t decode(pmm_feed_codec_t *c, const pmm_json_node_t *root, pmm_feed_frame_t *out) {
  if (root->type != PMM_JSON_ARRAY) return on_frame(c, root, out);
  for (const pmm_json_node_t *e = pmm_json_first(root); e; e = pmm_json_next(root, e)) {
    pmm_status_t const st = on_frame(c, e, out);
    if (st != PMM_OK) return st;
  }
  return PMM_OK;
}

/* "pong" on some builds. */
static pmm_status_t plain(pmm_feed_codec_t *c, const char *text, size_t len, pmm_feed_frame_t *out) {
  if (len != 4 || strncasecmp(text, "pong", 4) != 0) return pmm__feed_bad(c, NULL, "neither JSON nor a pong");
  out->kind = PMM_FRAME_PONG;
  return PMM_OK;
}

/* -- what we send -- */

static const char *topic_name(const pmm_feed_stream_t *s) {
  for (size_t i = 0; i < TOPIC_CNT; i++)
    if (TOPIC[i].channel == s->channel && TOPIC[i].window_s == s->window_s) return TOPIC[i].topic;
  return "";
}

/* A filter is text with JSON in it and not one space: with a space there comes the back-fill and then nothing. */
static pmm_status_t put_request(const pmm_feed_codec_t *c, size_t i, bool on, char *buf, size_t cap, size_t *len) {
  pmm__out_t o = {.buf = buf, .cap = cap};
  pmm__feed_put(&o, "{\"action\":\"%s\",\"subscriptions\":[{\"topic\":\"%s\",\"type\":\"update\"", on ? "subscribe" : "unsubscribe", topic_name(&c->stream[i]));
  if (c->filtered) pmm__feed_put(&o, ",\"filters\":\"{\\\"symbol\\\":\\\"%s\\\"}\"", c->stream[i].symbol);
  pmm__feed_put(&o, "}]}");
  return pmm__put_end(&o, len);
}

static pmm_status_t hello(const pmm_feed_codec_t *c, size_t n, bool on, char *buf, size_t cap, size_t *len, bool *wait) {
  (void)wait;
  for (size_t i = 0; i < c->stream_cnt; i++)
    if ((c->filtered || pmm__first_of_channel(c, i)) && n-- == 0) return put_request(c, i, on, buf, cap, len);
  return PMM_END;
}

const pmm__codec_ops_t pmm__rtds_ops = {
    .name = "rtds",
    .channels = 1u << PMM_CHANNEL_RELAY | 1u << PMM_CHANNEL_SPOT | 1u << PMM_CHANNEL_TWAP,
    .symbol_ok = symbol_ok,
    .decode = decode,
    .plain = plain,
    .hello = hello};
