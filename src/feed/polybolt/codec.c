/* polybolt/codec.c -- Polymarket's newer price socket. Polymarket docs, "PolyBolt", 2026-10.
   Each channel numbers its frames, all symbols and the snapshots together. Values are plain decimals here, not scaled by 10^18. A series from
   another provider than the one that settles is refused, not taken for it. */
#include <string.h>
#include "feed/codec.h"

#define VERSION 1
#define PROVIDER "chainlink"

static const char *const CHANNEL[PMM_CHANNEL_CNT] = {
    [PMM_CHANNEL_SPOT] = "price.crypto", [PMM_CHANNEL_TWAP] = "price.crypto.twap", [PMM_CHANNEL_TOKEN] = "price.polymarket"};

static const struct { const char *code; uint8_t advice; } ERRORS[] = {
    {"auth_required", PMM_ADVICE_AUTH}, {"auth_unavailable", PMM_ADVICE_AUTH}, {"auth_invalid", PMM_ADVICE_STOP},
    {"auth_expired", PMM_ADVICE_STOP},  {"auth_attempts", PMM_ADVICE_STOP},    {"sub_limit", PMM_ADVICE_STOP},
    {"rate_limited", PMM_ADVICE_LATER}};

static bool symbol_ok(const pmm_feed_stream_t *s) {
  size_t const len = strlen(s->symbol);
  if (len == 0) return false;
  if (s->channel == PMM_CHANNEL_TOKEN) return len <= 78 && s->window_s == 0 && strspn(s->symbol, "0123456789") == len;
  if (len > 32 || strspn(s->symbol, "abcdefghijklmnopqrstuvwxyz0123456789") != len) return false;
  if (len < 4 || strcmp(s->symbol + len - 3, "usd") != 0) return false; /* "btcusdt" is refused by the server */
  return s->channel == PMM_CHANNEL_TWAP ? s->window_s == 60 : s->window_s == 0;
}

static int channel_of(const pmm_json_node_t *name) {
  for (int i = 0; i < PMM_CHANNEL_CNT; i++)
    if (CHANNEL[i] && pmm_json_is(name, CHANNEL[i])) return i;
  return -1;
}

typedef struct envelope { int64_t send_ns; bool history; } envelope_t;

static pmm_status_t add_point(pmm_feed_codec_t *c, int s, const pmm_json_node_t *point, const envelope_t *env) {
  pmm_feed_tick_t *const t = pmm__tick(c, s, c->stream[s].channel == PMM_CHANNEL_TWAP ? PMM_TICK_TWAP : PMM_TICK_SPOT);
  if (!t) return pmm__too_many(c);
  bool const accurate = !pmm__is_empty(pmm_json_get(point, "full_accuracy_value"));
  pmm_status_t st = pmm__feed_read_price(c, point, accurate ? "full_accuracy_value" : "value", &t->price_e8);
  if (st == PMM_OK) st = pmm__read_epoch(c, point, "timestamp", &t->source_ns);
  if (st != PMM_OK) return st;
  t->send_ns = env->send_ns;
  if (env->history) t->flags |= PMM_TICK_HISTORY;
  pmm__count(&c->next[s], PMM__RISING, (uint64_t)(t->source_ns / PMM_NS_PER_MS), t);
  return PMM_OK;
}

static pmm_status_t on_crypto(pmm_feed_codec_t *c, int channel, const pmm_json_node_t *payload, const envelope_t *env, pmm_feed_frame_t *out) {
  const pmm_json_node_t *const source = pmm_json_get(payload, "source"), *const data = pmm_json_get(payload, "data");
  uint64_t window_s = 0;
  pmm_status_t st;
  if (channel == PMM_CHANNEL_TWAP && (st = pmm__read_u64(c, payload, "window_seconds", &window_s)) != PMM_OK) return st;
  int const s = pmm__stream_of(c, (pmm_feed_channel_t)channel, pmm_json_get(payload, "symbol"), window_s > 3600 ? 0 : (uint32_t)window_s);
  if (s == PMM__NO_STREAM) return PMM_OK;
  if (source && !pmm_json_is(source, PROVIDER)) {
    out->kind = PMM_FRAME_ERROR;
    pmm__say(out, "prices come from another provider: ", source);
    return PMM_OK;
  }
  if (!env->history) return add_point(c, s, payload, env);
  for (const pmm_json_node_t *e = pmm_json_first(data); e; e = pmm_json_next(data, e))
    if ((st = add_point(c, s, e, env)) != PMM_OK) return st;
  return PMM_OK;
}

/* "" is an empty side, told as 0. */
static pmm_status_t read_side(pmm_feed_codec_t *c, const pmm_json_node_t *payload, const char *key, int64_t *out) {
  return pmm__is_empty(pmm_json_get(payload, key)) ? PMM_OK : pmm__feed_read_price(c, payload, key, out);
}

static pmm_status_t on_token(pmm_feed_codec_t *c, const pmm_json_node_t *payload, const envelope_t *env) {
  int const s = pmm__stream_of(c, PMM_CHANNEL_TOKEN, pmm_json_get(payload, "asset_id"), 0);
  if (s == PMM__NO_STREAM) return PMM_OK; /* also a cold snapshot, which is an empty array */
  pmm_feed_tick_t *const t = pmm__tick(c, s, PMM_TICK_TOP);
  if (!t) return pmm__too_many(c);
  pmm_status_t st;
  if ((st = read_side(c, payload, "best_bid", &t->bid_e8)) != PMM_OK) return st;
  if ((st = read_side(c, payload, "best_ask", &t->ask_e8)) != PMM_OK) return st;
  if ((st = pmm__read_epoch(c, payload, "timestamp", &t->source_ns)) != PMM_OK) return st;
  t->send_ns = env->send_ns;
  if (env->history) t->flags |= PMM_TICK_HISTORY;
  t->seq = (uint64_t)(t->source_ns / PMM_NS_PER_MS); /* several changes may share a millisecond: order is the channel's */
  return PMM_OK;
}

static pmm_status_t on_data(pmm_feed_codec_t *c, const pmm_json_node_t *root, pmm_feed_frame_t *out) {
  int const channel = channel_of(pmm_json_get(root, "channel"));
  const pmm_json_node_t *const snapshot = pmm_json_get(root, "snapshot"), *const payload = pmm_json_get(root, "payload");
  envelope_t env = {.history = snapshot && snapshot->type == PMM_JSON_BOOL && snapshot->len == 4};
  uint64_t seq, version, dropped = 0;
  pmm_status_t st;
  if (channel < 0) return PMM_OK;
  if ((st = pmm__read_u64(c, root, "v", &version)) != PMM_OK) return st;
  if (version != VERSION) return pmm__feed_bad(c, pmm_json_get(root, "v"), "a version that we do not know");
  if ((st = pmm__read_u64(c, root, "seq", &seq)) != PMM_OK) return st;
  if ((st = pmm__read_epoch(c, root, "ts", &env.send_ns)) != PMM_OK) return st;
  if (pmm_json_get(root, "dropped") && (st = pmm__read_u64(c, root, "dropped", &dropped)) != PMM_OK) return st;
  if (!pmm__count_conn(&c->conn_next[channel], seq, out)) return PMM_OK; /* again */
  if (dropped) {
    out->gap = true;
    out->missed = dropped > UINT32_MAX ? UINT32_MAX : (uint32_t)dropped;
  }
  return channel == PMM_CHANNEL_TOKEN ? on_token(c, payload, &env) : on_crypto(c, channel, payload, &env, out);
}

static pmm_status_t on_error(const pmm_json_node_t *root, pmm_feed_frame_t *out) {
  const pmm_json_node_t *const code = pmm_json_get(root, "code");
  out->kind = PMM_FRAME_ERROR;
  for (size_t i = 0; i < sizeof ERRORS / sizeof ERRORS[0]; i++)
    if (pmm_json_is(code, ERRORS[i].code)) out->advice = ERRORS[i].advice;
  pmm__say(out, "request refused: ", code);
  return PMM_OK;
}

static pmm_status_t decode(pmm_feed_codec_t *c, const pmm_json_node_t *root, pmm_feed_frame_t *out) {
  const pmm_json_node_t *const op = pmm_json_get(root, "op");
  if (root->type != PMM_JSON_OBJECT) return pmm__feed_bad(c, root, "no object");
  if (!op) return on_data(c, root, out);
  if (pmm_json_is(op, "error")) return on_error(root, out);
  if (pmm_json_is(op, "authed")) out->kind = PMM_FRAME_AUTHED;
  else if (pmm_json_is(op, "pong")) out->kind = PMM_FRAME_PONG;
  else if (pmm_json_is(op, "subscribed") || pmm_json_is(op, "unsubscribed")) out->kind = PMM_FRAME_ACK;
  return PMM_OK;
}

/* -- what we send: the credential first, then every stream in one frame -- */

static pmm_status_t put_auth(const pmm_feed_codec_t *c, char *buf, size_t cap, size_t *len) {
  pmm__out_t o = {.buf = buf, .cap = cap};
  pmm__feed_put(&o, "{\"op\":\"auth\",\"rid\":\"a1\",\"auth\":{\"apiKey\":");
  pmm__feed_put_quoted(&o, c->login.key);
  pmm__feed_put(&o, ",\"secret\":");
  pmm__feed_put_quoted(&o, c->login.secret ? c->login.secret : "");
  pmm__feed_put(&o, ",\"passphrase\":");
  pmm__feed_put_quoted(&o, c->login.passphrase ? c->login.passphrase : "");
  pmm__feed_put(&o, "}}");
  return pmm__put_end(&o, len);
}

static pmm_status_t put_streams(const pmm_feed_codec_t *c, bool on, char *buf, size_t cap, size_t *len) {
  pmm__out_t o = {.buf = buf, .cap = cap};
  pmm__feed_put(&o, "{\"op\":\"%s\",\"rid\":\"%s\",\"subscriptions\":[", on ? "subscribe" : "unsubscribe", on ? "s1" : "u1");
  for (size_t i = 0; i < c->stream_cnt; i++) {
    const pmm_feed_stream_t *const s = &c->stream[i];
    pmm__feed_put(&o, "%s{\"channel\":\"%s\",\"filter\":{\"%s\":\"%s\"", i ? "," : "", CHANNEL[s->channel],
             s->channel == PMM_CHANNEL_TOKEN ? "asset_id" : "symbol", s->symbol);
    if (s->channel == PMM_CHANNEL_TWAP) pmm__feed_put(&o, ",\"window_seconds\":%d", s->window_s);
    if (s->channel == PMM_CHANNEL_SPOT) pmm__feed_put(&o, ",\"provider\":\"" PROVIDER "\"");
    pmm__feed_put(&o, "}}");
  }
  pmm__feed_put(&o, "]}");
  return pmm__put_end(&o, len);
}

static pmm_status_t hello(const pmm_feed_codec_t *c, size_t n, bool on, char *buf, size_t cap, size_t *len, bool *wait) {
  if (on && c->login.key) {
    *wait = n == 0;
    if (n-- == 0) return put_auth(c, buf, cap, len);
  }
  return n == 0 ? put_streams(c, on, buf, cap, len) : PMM_END;
}

const pmm__codec_ops_t pmm__polybolt_ops = {
    .name = "polybolt",
    .channels = 1u << PMM_CHANNEL_SPOT | 1u << PMM_CHANNEL_TWAP | 1u << PMM_CHANNEL_TOKEN,
    .symbol_ok = symbol_ok,
    .decode = decode,
    .hello = hello};
