/* Stand-in for the index channels of Kalshi's socket: a signed handshake, values each second and five times a second, the trailing minute's
   average and, in the last minute of each quarter of an hour, that of the window so far. Kalshi API docs, "cfbenchmarks_value", 2026-10. */
#include <stdio.h>
#include <string.h>
#include "pmm/decimal.h"
#include "server/feeds/stand.h"

#define S PMM_NS_PER_S
#define MS PMM_NS_PER_MS
#define QUARTER_NS (900 * S)
#define MINUTE_NS (60 * S)
#define RELAY_NS (19 * MS) /* from value to us, as told in received_at */

/* Headers must be there; with a key configured the signature must be its own. */
static int upgrade(pmm__stand_t *s, pmm__stand_peer_t *p, const pmm_request_t *r, char *refusal, size_t cap) {
  const char *const key = pmm_request_header(r, "KALSHI-ACCESS-KEY"), *const stamp = pmm_request_header(r, "KALSHI-ACCESS-TIMESTAMP"),
             *const signature = pmm_request_header(r, "KALSHI-ACCESS-SIGNATURE");
  (void)p;
  bool ok = key && *key && stamp && *stamp && signature && *signature;
  if (ok && s->all->kalshi_key) ok = pmm_kalshi_verify(s->all->kalshi_key, stamp, "GET", r->path, signature) == PMM_OK;
  if (ok) return 0;
  snprintf(refusal, cap, "{\"error\":{\"code\":\"authentication_error\",\"message\":\"authentication_error\"}}");
  return 401;
}

/* -- data -- */

static int64_t index_at(const pmm__stand_t *s, uint32_t a, int64_t at_ns) { return pmm__world_mid(s->world, a, at_ns); }

static void put_data(pmm__stand_t *s, uint32_t a, int64_t at_ns, int64_t value_e8) {
  char value[PMM_DECIMAL_BUF], text[200];
  pmm_decimal_print(value_e8, 8, 2, value);
  snprintf(text, sizeof text, "{\"type\":\"value\",\"id\":\"%s\",\"time\":%lld,\"value\":\"%s\"}", pmm__world_index(s->world, a), (long long)(at_ns / MS), value);
  pmm_text_string(&s->text, "data", text);
}

static void put_mean(pmm__stand_t *s, const char *key, uint32_t a, int64_t at_ns, int cnt, int64_t start_ns, int64_t end_ns) {
  pmm_text_object(&s->text, key);
  pmm__put_price(&s->text, "value", pmm__world_mean(s->world, a, at_ns, cnt), 8);
  pmm_text_int(&s->text, "window_size", cnt);
  pmm_text_int(&s->text, "window_start_ts_ms", start_ns / MS);
  pmm_text_int(&s->text, "window_end_ts_exclusive", end_ns / MS);
  pmm_text_end(&s->text);
}

static void begin(pmm__stand_t *s, pmm__stand_peer_t *p, const char *type, uint8_t channel, uint32_t a) {
  p->seq[channel] += 1 + pmm__every(s->knobs.skip_number_every, (int64_t)p->seq[channel]);
  pmm_text_object(&s->text, NULL);
  pmm_text_string(&s->text, "type", type);
  pmm_text_int(&s->text, "sid", channel == PMM_CHANNEL_INDEX ? 1 : 2);
  pmm_text_uint(&s->text, "seq", p->seq[channel]);
  pmm_text_object(&s->text, "msg");
  pmm_text_string(&s->text, "index_id", pmm__world_index(s->world, a));
}

static void finish(pmm__stand_t *s, pmm__stand_peer_t *p) {
  pmm_text_end(&s->text);
  pmm_text_end(&s->text);
  pmm__stand_send(s, p);
}

/* k of 60 are in: the second after the window's begin is the first, its last is the quarter itself. */
static void send_value(pmm__stand_t *s, pmm__stand_peer_t *p, uint32_t a, int64_t at_ns, int64_t off_e8) {
  int64_t const close_ns = (at_ns + QUARTER_NS - 1) / QUARTER_NS * QUARTER_NS, left_ns = close_ns - at_ns;
  begin(s, p, "cfbenchmarks_value", PMM_CHANNEL_INDEX, a);
  pmm_text_int(&s->text, "received_at", (at_ns + RELAY_NS) / MS);
  put_data(s, a, at_ns, index_at(s, a, at_ns) + off_e8);
  put_mean(s, "avg_60s_data", a, at_ns, 60, at_ns - MINUTE_NS, at_ns);
  if (left_ns < MINUTE_NS) put_mean(s, "last_60s_windowed_average_15min", a, at_ns, (int)((MINUTE_NS - left_ns) / S), close_ns - MINUTE_NS, close_ns);
  finish(s, p);
}

static void send_5hz(pmm__stand_t *s, pmm__stand_peer_t *p, uint32_t a, int64_t at_ns) {
  begin(s, p, "cfbenchmarks_value_5hz", PMM_CHANNEL_INDEX_5HZ, a);
  pmm__put_price(&s->text, "value_usd", index_at(s, a, at_ns), 8);
  pmm_text_int(&s->text, "source_ts_ms", at_ns / MS);
  pmm_text_int(&s->text, "received_at", (at_ns + RELAY_NS) / MS);
  put_data(s, a, at_ns, index_at(s, a, at_ns));
  finish(s, p);
}

/* -- requests -- */

static void refuse(pmm__stand_t *s, pmm__stand_peer_t *p, int64_t id, int code, const char *msg) {
  pmm_text_object(&s->text, NULL);
  pmm_text_int(&s->text, "id", id);
  pmm_text_string(&s->text, "type", "error");
  pmm_text_object(&s->text, "msg");
  pmm_text_int(&s->text, "code", code);
  pmm_text_string(&s->text, "msg", msg);
  finish(s, p);
}

static uint32_t indices_of(pmm__stand_t *s, const pmm_json_node_t *list) {
  uint32_t bits = 0;
  for (const pmm_json_node_t *e = pmm_json_first(list); e; e = pmm_json_next(list, e))
    for (uint32_t a = 0; a < s->world->asset_cnt; a++)
      if (pmm__world_index(s->world, a) && (pmm_json_is(e, "all") || pmm_json_is(e, pmm__world_index(s->world, a)))) bits |= 1u << a;
  return bits;
}

static int channel_of(const pmm_json_node_t *params) {
  const pmm_json_node_t *const first = pmm_json_first(pmm_json_get(params, "channels"));
  return pmm_json_is(first, "cfbenchmarks_value") ? PMM_CHANNEL_INDEX : pmm_json_is(first, "cfbenchmarks_value_5hz") ? PMM_CHANNEL_INDEX_5HZ : -1;
}

static void on_subscribe(pmm__stand_t *s, pmm__stand_peer_t *p, const pmm_json_node_t *params, int64_t id) {
  int const channel = channel_of(params);
  uint32_t const bits = indices_of(s, pmm_json_get(params, "index_ids"));
  if (channel < 0 || !bits) {
    refuse(s, p, id, channel < 0 ? 8 : 6, channel < 0 ? "Unknown channel name" : "Params required");
    return;
  }
  p->sub[channel] |= bits;
  pmm_text_object(&s->text, NULL);
  pmm_text_string(&s->text, "type", "subscribed");
  pmm_text_int(&s->text, "id", id);
  pmm_text_object(&s->text, "msg");
  pmm_text_string(&s->text, "channel", channel == PMM_CHANNEL_INDEX ? "cfbenchmarks_value" : "cfbenchmarks_value_5hz");
  pmm_text_int(&s->text, "sid", channel == PMM_CHANNEL_INDEX ? 1 : 2);
  finish(s, p);
}

static void send_list(pmm__stand_t *s, pmm__stand_peer_t *p, int channel, int64_t id, bool all) {
  pmm_text_object(&s->text, NULL);
  pmm_text_string(&s->text, "type", all ? "cfbenchmarks_value_indexlist" : "ok");
  pmm_text_int(&s->text, "id", id);
  pmm_text_int(&s->text, "sid", channel == PMM_CHANNEL_INDEX ? 1 : 2);
  pmm_text_uint(&s->text, "seq", ++p->seq[channel]);
  pmm_text_object(&s->text, "msg");
  pmm_text_array(&s->text, "index_ids");
  for (uint32_t a = 0; a < s->world->asset_cnt; a++)
    if (pmm__world_index(s->world, a) && (all || (p->sub[channel] & 1u << a))) pmm_text_string(&s->text, NULL, pmm__world_index(s->world, a));
  pmm_text_end(&s->text);
  finish(s, p);
}

static void on_update(pmm__stand_t *s, pmm__stand_peer_t *p, const pmm_json_node_t *params, int64_t id) {
  const pmm_json_node_t *const action = pmm_json_get(params, "action"), *const sid = pmm_json_get(params, "sid");
  uint32_t const bits = indices_of(s, pmm_json_get(params, "index_ids"));
  int const channel = sid && sid->len == 1 && sid->text[0] == '1' ? PMM_CHANNEL_INDEX : sid && sid->len == 1 && sid->text[0] == '2' ? PMM_CHANNEL_INDEX_5HZ : -1;
  if (channel < 0 || !p->sub[channel]) {
    refuse(s, p, id, 12, "Unknown subscription ID");
    return;
  }
  bool const list = pmm_json_is(action, "indexlist");
  if (pmm_json_is(action, "subscribe_indices")) p->sub[channel] |= bits;
  else if (pmm_json_is(action, "unsubscribe_indices")) p->sub[channel] &= ~bits;
  else if (!list) {
    refuse(s, p, id, 13, "Unknown action");
    return;
  }
  send_list(s, p, channel, id, list);
}

static void message(pmm__stand_t *s, pmm__stand_peer_t *p, const char *text, size_t len) {
  const pmm_json_node_t *const root = pmm__stand_parse(s, text, len), *const cmd = pmm_json_get(root, "cmd"), *const params = pmm_json_get(root, "params"), *const number = pmm_json_get(root, "id");
  int64_t id = 0;
  if (number && number->type == PMM_JSON_NUMBER && pmm_decimal_parse(number->text, number->len, 0, &id, NULL) != PMM_OK) id = 0;
  if (pmm_json_is(cmd, "subscribe")) on_subscribe(s, p, params, id);
  else if (pmm_json_is(cmd, "update_subscription")) on_update(s, p, params, id);
  else refuse(s, p, id, root ? 5 : 1, root ? "Unknown command" : "Unable to process message");
}

static void step(pmm__stand_t *s, pmm__stand_peer_t *p, int64_t at_ns) {
  if (s->knobs.no_index) return;
  for (uint32_t a = 0; a < s->world->asset_cnt; a++) {
    if ((p->sub[PMM_CHANNEL_INDEX_5HZ] & 1u << a) && at_ns % (200 * MS) == 0) send_5hz(s, p, a, at_ns);
    if (!(p->sub[PMM_CHANNEL_INDEX] & 1u << a) || !pmm__on_second(at_ns) || pmm__every(s->knobs.skip_second_every, at_ns / S)) continue;
    send_value(s, p, a, at_ns, 0);
    if (pmm__every(s->knobs.repeat_second_every, at_ns / S)) send_value(s, p, a, at_ns, 1000000); /* the same second, a cent more */
  }
}

const pmm__stand_ops_t pmm__stand_kalshi = {.name = "kalshi_index", .ping_ns = 10 * S, .upgrade = upgrade, .message = message, .step = step};
