/* Stand-in for Binance's market streams: both URL forms, control messages and their errors, trades, best prices, candles, depth with its REST
   picture, the limits that cut clients. Binance API docs, "WebSocket Streams", 2026-11. */
#include <stdio.h>
#include <string.h>
#include "server/feeds/stand.h"

#define S PMM_NS_PER_S
#define MESSAGES_A_SECOND 5
#define LEVELS 5

static const struct { const char *suffix; uint8_t channel; uint8_t index; int64_t candle_s; } STREAMS[] = {
    {"@trade", PMM_CHANNEL_TRADE, 0, 0},         {"@aggTrade", PMM_CHANNEL_AGG_TRADE, 0, 0},       {"@bookTicker", PMM_CHANNEL_TOP, 0, 0},
    {"@depth@100ms", PMM_CHANNEL_DEPTH, 0, 0},   {"@depth20@100ms", PMM_CHANNEL_DEPTH_TOP, 0, 0},  {"@kline_1s", PMM_CHANNEL_CANDLE, 0, 1},
    {"@kline_1m", PMM_CHANNEL_CANDLE, 1, 60},    {"@kline_1h", PMM_CHANNEL_CANDLE, 2, 3600}};
#define STREAM_CNT (sizeof STREAMS / sizeof STREAMS[0])

/* Candles of three lengths share a channel: eight bits of assets for each. */
static uint32_t bit_of(size_t stream, int asset) { return 1u << (asset + 8 * STREAMS[stream].index); }

static bool find(const pmm__world_t *w, const char *name, size_t len, size_t *stream, int *asset) {
  const char *const at = memchr(name, '@', len);
  if (!at) return false;
  size_t const head = (size_t)(at - name);
  *asset = pmm__world_asset(w, name, head, "usdt");
  for (*stream = 0; *stream < STREAM_CNT; (*stream)++)
    if (strlen(STREAMS[*stream].suffix) == len - head && memcmp(at, STREAMS[*stream].suffix, len - head) == 0) return *asset >= 0;
  return false;
}

static void set(pmm__stand_t *s, pmm__stand_peer_t *p, const char *name, size_t len, bool on) {
  size_t stream;
  int asset;
  if (!find(s->world, name, len, &stream, &asset)) return; /* an unknown name is accepted, and silent */
  if (on) p->sub[STREAMS[stream].channel] |= bit_of(stream, asset);
  else p->sub[STREAMS[stream].channel] &= ~bit_of(stream, asset);
}

static void set_list(pmm__stand_t *s, pmm__stand_peer_t *p, const char *list) {
  while (*list) {
    size_t const len = strcspn(list, "/");
    set(s, p, list, len, true);
    list += len + (list[len] == '/');
  }
}

static int upgrade(pmm__stand_t *s, pmm__stand_peer_t *p, const pmm_request_t *r, char *refusal, size_t cap) {
  char value[4096];
  p->micro = pmm_query_get(r->query, "timeUnit", 0, value, sizeof value) == PMM_OK && strcasecmp(value, "microsecond") == 0;
  if (strcmp(r->path, "/stream") == 0) {
    p->combined = true;
    if (pmm_query_get(r->query, "streams", 0, value, sizeof value) == PMM_OK) set_list(s, p, value);
    return 0;
  }
  if (strncmp(r->path, "/ws", 3) == 0 && (r->path[3] == '\0' || r->path[3] == '/')) {
    set_list(s, p, r->path + 3 + (r->path[3] == '/'));
    return 0;
  }
  snprintf(refusal, cap, "{\"code\":-1,\"msg\":\"no such path\"}");
  return 404;
}

/* -- control -- */

static void put_id(pmm_text_t *t, const pmm_json_node_t *id) {
  if (id && id->type == PMM_JSON_NUMBER) pmm_text_json(t, "id", id->text, id->len);
  else if (id && id->type == PMM_JSON_STRING) pmm_text_string_n(t, "id", id->text, id->len);
}

static void refuse(pmm__stand_t *s, pmm__stand_peer_t *p, int code, const char *msg, const pmm_json_node_t *id) {
  pmm_text_object(&s->text, NULL);
  pmm_text_int(&s->text, "code", code);
  pmm_text_string(&s->text, "msg", msg);
  put_id(&s->text, id);
  pmm_text_end(&s->text);
  pmm__stand_send(s, p);
}

static void put_list(pmm__stand_t *s, const pmm__stand_peer_t *p) {
  pmm_text_array(&s->text, "result");
  for (size_t k = 0; k < STREAM_CNT; k++)
    for (uint32_t a = 0; a < s->world->asset_cnt; a++) {
      char name[64];
      if (!(p->sub[STREAMS[k].channel] & bit_of(k, (int)a))) continue;
      snprintf(name, sizeof name, "%susdt%s", s->world->asset[a].token, STREAMS[k].suffix);
      pmm_text_string(&s->text, NULL, name);
    }
  pmm_text_end(&s->text);
}

static void answer(pmm__stand_t *s, pmm__stand_peer_t *p, const pmm_json_node_t *id, int list_or_flag) {
  pmm_text_object(&s->text, NULL);
  if (list_or_flag == 'l') put_list(s, p);
  else if (list_or_flag == 'f') pmm_text_bool(&s->text, "result", p->combined);
  else pmm_text_null(&s->text, "result");
  put_id(&s->text, id);
  pmm_text_end(&s->text);
  pmm__stand_send(s, p);
}

static void on_property(pmm__stand_t *s, pmm__stand_peer_t *p, const pmm_json_node_t *params, const pmm_json_node_t *id, bool write) {
  const pmm_json_node_t *const name = pmm_json_first(params), *const value = name ? pmm_json_next(params, name) : NULL;
  if (!name || name->type != PMM_JSON_STRING) refuse(s, p, 2, "Invalid request: property name must be a string", id);
  else if (!pmm_json_is(name, "combined")) refuse(s, p, 0, "Unknown property", id);
  else if (!write) answer(s, p, id, 'f');
  else if (!value || value->type != PMM_JSON_BOOL) refuse(s, p, 1, "Invalid value type: expected Boolean", id);
  else {
    p->combined = value->len == 4;
    answer(s, p, id, 0);
  }
}

static void message(pmm__stand_t *s, pmm__stand_peer_t *p, const char *text, size_t len) {
  p->in_second++;
  const pmm_json_node_t *const root = pmm__stand_parse(s, text, len);
  if (!root) {
    refuse(s, p, 3, "Invalid JSON: expected value at line 1 column 1", NULL);
    return;
  }
  const pmm_json_node_t *const method = pmm_json_get(root, "method"), *const params = pmm_json_get(root, "params"), *const id = pmm_json_get(root, "id");
  bool const on = pmm_json_is(method, "SUBSCRIBE");
  if (on || pmm_json_is(method, "UNSUBSCRIBE")) {
    for (const pmm_json_node_t *e = pmm_json_first(params); e; e = pmm_json_next(params, e)) set(s, p, e->text, e->len, on);
    answer(s, p, id, 0);
  } else if (pmm_json_is(method, "LIST_SUBSCRIPTIONS")) answer(s, p, id, 'l');
  else if (pmm_json_is(method, "SET_PROPERTY")) on_property(s, p, params, id, true);
  else if (pmm_json_is(method, "GET_PROPERTY")) on_property(s, p, params, id, false);
  else refuse(s, p, 2, "Invalid request: unknown variant, expected one of `SUBSCRIBE`, `UNSUBSCRIBE`, `LIST_SUBSCRIPTIONS`, `SET_PROPERTY`, `GET_PROPERTY` at line 1 column 20", id);
}

/* -- events -- */

static void put_time(pmm_text_t *t, const pmm__stand_peer_t *p, const char *key, int64_t ns) { pmm_text_int(t, key, ns / (p->micro ? PMM_NS_PER_US : PMM_NS_PER_MS)); }

static void upper_symbol(pmm__stand_t *s, uint32_t asset) {
  char name[16];
  snprintf(name, sizeof name, "%susdt", s->world->asset[asset].token);
  for (char *c = name; *c; c++)
    if (*c >= 'a' && *c <= 'z') *c = (char)(*c - 'a' + 'A');
  pmm_text_string(&s->text, "s", name);
}

static void begin(pmm__stand_t *s, const pmm__stand_peer_t *p, uint32_t asset, const char *suffix) {
  char name[64];
  snprintf(name, sizeof name, "%susdt%s", s->world->asset[asset].token, suffix);
  if (p->combined) {
    pmm_text_object(&s->text, NULL);
    pmm_text_string(&s->text, "stream", name);
  }
  pmm_text_object(&s->text, p->combined ? "data" : NULL);
}

static void finish(pmm__stand_t *s, pmm__stand_peer_t *p) {
  pmm_text_end(&s->text);
  if (p->combined) pmm_text_end(&s->text);
  pmm__stand_send(s, p);
}

static void send_trade(pmm__stand_t *s, pmm__stand_peer_t *p, uint32_t a, int64_t at_ns, bool aggregate) {
  const pmm__quote_t *const q = pmm__world_at(s->world, a, at_ns);
  pmm_text_t *const t = &s->text;
  int64_t const id = q->trade_cnt;
  if (!q->traded || pmm__every(s->knobs.skip_trade_every, id)) return;
  begin(s, p, a, aggregate ? "@aggTrade" : "@trade");
  pmm_text_string(t, "e", aggregate ? "aggTrade" : "trade");
  put_time(t, p, "E", at_ns);
  upper_symbol(s, a);
  pmm_text_int(t, aggregate ? "a" : "t", id);
  pmm__put_price(t, "p", q->bought ? q->ask_e8 : q->bid_e8, 8);
  pmm__put_price(t, "q", 100000 * (1 + id % 50), 8);
  if (aggregate) pmm_text_int(t, "f", id), pmm_text_int(t, "l", id);
  put_time(t, p, "T", at_ns - PMM_NS_PER_MS);
  pmm_text_bool(t, "m", !q->bought);
  pmm_text_bool(t, "M", true);
  finish(s, p);
}

static void send_top(pmm__stand_t *s, pmm__stand_peer_t *p, uint32_t a, int64_t at_ns) {
  const pmm__quote_t *const q = pmm__world_at(s->world, a, at_ns);
  begin(s, p, a, "@bookTicker");
  pmm_text_int(&s->text, "u", at_ns / PMM__STEP_NS * 4);
  upper_symbol(s, a);
  pmm__put_price(&s->text, "b", q->bid_e8, 8);
  pmm__put_price(&s->text, "B", 320110000, 8);
  pmm__put_price(&s->text, "a", q->ask_e8, 8);
  pmm__put_price(&s->text, "A", 104400000, 8);
  finish(s, p);
}

/* The candle from the world's own steps: open is the first inside, close the last. */
static void send_candle(pmm__stand_t *s, pmm__stand_peer_t *p, uint32_t a, size_t stream, int64_t at_ns) {
  int64_t const length = STREAMS[stream].candle_s * S, last = at_ns - PMM__STEP_NS, start = last / length * length;
  bool const closed = at_ns % length == 0;
  pmm_text_t *const t = &s->text;
  int64_t const open = pmm__world_mid(s->world, a, start), close = pmm__world_mid(s->world, a, last);
  begin(s, p, a, STREAMS[stream].suffix);
  pmm_text_string(t, "e", "kline");
  put_time(t, p, "E", at_ns);
  upper_symbol(s, a);
  pmm_text_object(t, "k");
  put_time(t, p, "t", start);
  put_time(t, p, "T", start + length - (p->micro ? PMM_NS_PER_US : PMM_NS_PER_MS));
  upper_symbol(s, a);
  pmm_text_string(t, "i", STREAMS[stream].suffix + 7);
  pmm__put_price(t, "o", open, 8);
  pmm__put_price(t, "c", close, 8);
  pmm__put_price(t, "h", open > close ? open : close, 8);
  pmm__put_price(t, "l", open < close ? open : close, 8);
  pmm_text_int(t, "n", pmm__world_at(s->world, a, last)->trade_cnt - pmm__world_at(s->world, a, start)->trade_cnt);
  pmm_text_bool(t, "x", closed);
  pmm_text_end(t);
  finish(s, p);
}

/* -- depth: five levels a side, each a dollar thousandth apart, four update ids a step -- */

static int64_t level_price(const pmm__quote_t *q, int side, int i) {
  int64_t const gap = q->bid_e8 / 100000 + 1;
  return side == 0 ? q->bid_e8 - i * gap : q->ask_e8 + i * gap;
}

static void put_level(pmm_text_t *t, int64_t price_e8, int64_t qty_e8) {
  pmm_text_array(t, NULL);
  pmm__put_price(t, NULL, price_e8, 8);
  pmm__put_price(t, NULL, qty_e8, 8);
  pmm_text_end(t);
}

static void put_side(pmm_text_t *t, const char *key, int side, const pmm__quote_t *now, const pmm__quote_t *before) {
  pmm_text_array(t, key);
  for (int i = 0; before && i < LEVELS; i++) {
    bool stays = false;
    for (int k = 0; k < LEVELS; k++) stays |= level_price(now, side, k) == level_price(before, side, i);
    if (!stays) put_level(t, level_price(before, side, i), 0);
  }
  for (int i = 0; i < LEVELS; i++) put_level(t, level_price(now, side, i), (int64_t)(i + 1) * 100000000);
  pmm_text_end(t);
}

static void send_depth(pmm__stand_t *s, pmm__stand_peer_t *p, uint32_t a, int64_t at_ns) {
  int64_t const step = at_ns / PMM__STEP_NS;
  if (pmm__every(s->knobs.skip_depth_every, step)) return;
  begin(s, p, a, "@depth@100ms");
  pmm_text_string(&s->text, "e", "depthUpdate");
  put_time(&s->text, p, "E", at_ns);
  upper_symbol(s, a);
  pmm_text_int(&s->text, "U", step * 4 - 3);
  pmm_text_int(&s->text, "u", step * 4);
  const pmm__quote_t *const now = pmm__world_at(s->world, a, at_ns), *const before = pmm__world_at(s->world, a, at_ns - PMM__STEP_NS);
  put_side(&s->text, "b", 0, now, before);
  put_side(&s->text, "a", 1, now, before);
  finish(s, p);
}

static void put_picture(pmm__stand_t *s, uint32_t a, int64_t at_ns) {
  pmm_text_int(&s->text, "lastUpdateId", at_ns / PMM__STEP_NS * 4);
  put_side(&s->text, "bids", 0, pmm__world_at(s->world, a, at_ns), NULL);
  put_side(&s->text, "asks", 1, pmm__world_at(s->world, a, at_ns), NULL);
}

static void send_picture(pmm__stand_t *s, pmm__stand_peer_t *p, uint32_t a, int64_t at_ns) {
  begin(s, p, a, "@depth20@100ms");
  put_picture(s, a, at_ns);
  finish(s, p);
}

static void on_http(pmm__stand_t *s, pmm_call_t *call, const pmm_request_t *r) {
  static const char unknown[] = "{\"code\":-1121,\"msg\":\"Invalid symbol.\"}";
  char symbol[32];
  int const a = strcmp(r->path, "/api/v3/depth") == 0 && pmm_query_get(r->query, "symbol", 0, symbol, sizeof symbol) == PMM_OK ? pmm__world_asset(s->world, symbol, strlen(symbol), "usdt") : -1;
  if (a < 0) {
    pmm_service_reply(&s->base, call, 400, unknown, sizeof unknown - 1);
    return;
  }
  pmm_text_object(&s->text, NULL);
  put_picture(s, (uint32_t)a, s->world->newest * PMM__STEP_NS);
  pmm_text_end(&s->text);
  size_t len;
  const char *const body = pmm_text_get(&s->text, &len);
  pmm_service_reply(&s->base, call, 200, body, len);
  pmm_text_clear(&s->text);
}

/* -- time -- */

/* True: the connection is gone. */
static bool shut_down(pmm__stand_t *s, pmm__stand_peer_t *p, int64_t at_ns) {
  if (!s->knobs.shutdown_ns) return false;
  if (at_ns == s->knobs.shutdown_ns) {
    if (p->combined) pmm_text_printf(&s->text, "{\"stream\":\"!serverShutdown\",\"data\":{\"e\":\"serverShutdown\",\"E\":%lld}}", (long long)(at_ns / PMM_NS_PER_MS));
    else pmm_text_printf(&s->text, "{\"e\":\"serverShutdown\",\"E\":%lld}", (long long)(at_ns / PMM_NS_PER_MS));
    pmm__stand_send(s, p);
  }
  if (at_ns != s->knobs.shutdown_ns + S || p->opened_ns > s->knobs.shutdown_ns) return false;
  pmm__stand_close(s, p, 1001, "shutdown");
  return true;
}

static void step(pmm__stand_t *s, pmm__stand_peer_t *p, int64_t at_ns) {
  if (at_ns - p->second_ns >= S) p->in_second = 0, p->second_ns = at_ns;
  if (p->in_second > MESSAGES_A_SECOND) {
    pmm__stand_close(s, p, 1008, "Too many requests");
    return;
  }
  if (shut_down(s, p, at_ns)) return;
  for (uint32_t a = 0; a < s->world->asset_cnt && p->peer; a++) {
    uint32_t const bit = 1u << a;
    if (p->sub[PMM_CHANNEL_TRADE] & bit) send_trade(s, p, a, at_ns, false);
    if (p->sub[PMM_CHANNEL_AGG_TRADE] & bit) send_trade(s, p, a, at_ns, true);
    if (p->sub[PMM_CHANNEL_TOP] & bit) send_top(s, p, a, at_ns);
    if (p->sub[PMM_CHANNEL_DEPTH] & bit) send_depth(s, p, a, at_ns);
    if (p->sub[PMM_CHANNEL_DEPTH_TOP] & bit) send_picture(s, p, a, at_ns);
    for (size_t k = 5; k < STREAM_CNT; k++)
      if ((p->sub[PMM_CHANNEL_CANDLE] & bit_of(k, (int)a)) && at_ns % ((k == 5 ? 1 : 2) * S) == 0) send_candle(s, p, a, k, at_ns);
  }
}

const pmm__stand_ops_t pmm__stand_binance = {.name = "binance", .ping_ns = 20 * S, .pong_ns = 60 * S, .life_ns = 24 * 3600 * S, .upgrade = upgrade, .message = message, .step = step, .http = on_http};
