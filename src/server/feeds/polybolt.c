/* Stand-in for Polymarket's newer price socket: authentication, acknowledgements, a snapshot for each fresh item, numbers per channel, pings each
   25 s, and the limits with their close codes. Polymarket docs, "PolyBolt", 2026-10. */
#include <stdio.h>
#include <string.h>
#include "server/feeds/stand.h"

#define S PMM_NS_PER_S
#define MS PMM_NS_PER_MS
#define ITEMS_MAX 64
#define FRAMES_A_SECOND 20
#define AUTH_MAX 8
#define FRAME_MAX 65536
#define DELAY_NS (1400 * MS)
#define SNAPSHOT_S 120

static const char *name_of(uint8_t channel) { return channel == PMM_CHANNEL_TWAP ? "price.crypto.twap" : "price.crypto"; }

static int64_t value_at(const pmm__world_t *w, uint8_t channel, uint32_t a, int64_t at_ns) {
  return channel == PMM_CHANNEL_TWAP ? pmm__world_twap(w, a, at_ns, 60) : pmm__world_mid(w, a, at_ns);
}

/* -- answers -- */

static void put_rid(pmm_text_t *t, const pmm_json_node_t *root) {
  const pmm_json_node_t *const rid = pmm_json_get(root, "rid");
  if (rid && rid->type == PMM_JSON_STRING) pmm_text_string_n(t, "rid", rid->text, rid->len);
}

static void refuse(pmm__stand_t *s, pmm__stand_peer_t *p, const char *code, const pmm_json_node_t *channel, const pmm_json_node_t *root) {
  pmm_text_object(&s->text, NULL);
  pmm_text_string(&s->text, "op", "error");
  pmm_text_string(&s->text, "code", code);
  if (channel && channel->type == PMM_JSON_STRING) pmm_text_string_n(&s->text, "channel", channel->text, channel->len);
  put_rid(&s->text, root);
  pmm_text_end(&s->text);
  pmm__stand_send(s, p);
}

static void answer(pmm__stand_t *s, pmm__stand_peer_t *p, const char *op, int channel, const pmm_json_node_t *root) {
  pmm_text_object(&s->text, NULL);
  pmm_text_string(&s->text, "op", op);
  if (channel >= 0) pmm_text_string(&s->text, "channel", name_of((uint8_t)channel));
  put_rid(&s->text, root);
  if (channel == PMM_CHANNEL_SPOT) pmm_text_string(&s->text, "provider", s->knobs.other_provider ? "pyth" : "chainlink");
  pmm_text_end(&s->text);
  pmm__stand_send(s, p);
}

/* -- data -- */

static void begin(pmm__stand_t *s, pmm__stand_peer_t *p, uint8_t channel, int64_t send_ns) {
  p->seq[channel] += 1 + pmm__every(s->knobs.skip_number_every, (int64_t)p->seq[channel]);
  pmm_text_object(&s->text, NULL);
  pmm_text_int(&s->text, "v", 1);
  pmm_text_string(&s->text, "channel", name_of(channel));
  pmm_text_uint(&s->text, "seq", p->seq[channel]);
  pmm_text_int(&s->text, "ts", send_ns / MS);
}

static void put_series(pmm__stand_t *s, uint8_t channel, uint32_t a) {
  char symbol[16];
  snprintf(symbol, sizeof symbol, "%susd", s->world->asset[a].token);
  pmm_text_string(&s->text, "symbol", symbol);
  if (channel == PMM_CHANNEL_TWAP) pmm_text_int(&s->text, "window_seconds", 60);
  pmm_text_string(&s->text, "source", s->knobs.other_provider && channel == PMM_CHANNEL_SPOT ? "pyth" : "chainlink");
}

static void put_point(pmm__stand_t *s, uint8_t channel, uint32_t a, int64_t at_ns) {
  int64_t const value = value_at(s->world, channel, a, at_ns);
  pmm_text_number(&s->text, "value", value, 8, 0);
  pmm__put_price(&s->text, "full_accuracy_value", value, 8);
  pmm_text_int(&s->text, "timestamp", at_ns / MS);
}

static void send_update(pmm__stand_t *s, pmm__stand_peer_t *p, uint8_t channel, uint32_t a, int64_t at_ns, int64_t send_ns) {
  begin(s, p, channel, send_ns);
  if (pmm__every(s->knobs.dropped_every, (int64_t)p->seq[channel])) pmm_text_int(&s->text, "dropped", 3);
  pmm_text_object(&s->text, "payload");
  put_series(s, channel, a);
  put_point(s, channel, a, at_ns);
  pmm_text_end(&s->text);
  pmm_text_end(&s->text);
  pmm__stand_send(s, p);
}

static void send_snapshot(pmm__stand_t *s, pmm__stand_peer_t *p, uint8_t channel, uint32_t a) {
  int64_t const now_ns = s->world->newest * PMM__STEP_NS, last = (now_ns - DELAY_NS) / S * S;
  begin(s, p, channel, now_ns);
  pmm_text_bool(&s->text, "snapshot", true);
  pmm_text_object(&s->text, "payload");
  put_series(s, channel, a);
  pmm_text_array(&s->text, "data");
  for (int k = SNAPSHOT_S - 1; k >= 0 && !s->knobs.empty_snapshot; k--) {
    pmm_text_object(&s->text, NULL);
    put_point(s, channel, a, last - k * S);
    pmm_text_end(&s->text);
  }
  pmm_text_end(&s->text);
  pmm_text_end(&s->text);
  pmm_text_end(&s->text);
  pmm__stand_send(s, p);
}

/* -- requests -- */

static bool is_secret(const pmm_json_node_t *n, const char *want) { return n && n->type == PMM_JSON_STRING && n->len && (!want || pmm_json_is(n, want)); }

static void on_auth(pmm__stand_t *s, pmm__stand_peer_t *p, const pmm_json_node_t *root) {
  const pmm_json_node_t *const auth = pmm_json_get(root, "auth");
  const pmm_feed_stand_params_t *const want = &s->all->params;
  if (++p->auth_tries > AUTH_MAX) {
    refuse(s, p, "auth_attempts", NULL, root);
    pmm__stand_close(s, p, 4008, "auth attempts");
    return;
  }
  p->authed = is_secret(pmm_json_get(auth, "apiKey"), want->polybolt_key) && is_secret(pmm_json_get(auth, "secret"), want->polybolt_secret) &&
              is_secret(pmm_json_get(auth, "passphrase"), want->polybolt_passphrase);
  if (p->authed) answer(s, p, "authed", -1, root);
  else {
    refuse(s, p, "auth_invalid", NULL, root);
    pmm__stand_close(s, p, 4001, "credential refused");
  }
}

static int channel_of(const pmm_json_node_t *name) {
  return pmm_json_is(name, "price.crypto.twap") ? PMM_CHANNEL_TWAP : pmm_json_is(name, "price.crypto") ? PMM_CHANNEL_SPOT : -1;
}

/* Lower case only; the average has no other window than 60. */
static int asset_of(pmm__stand_t *s, const pmm_json_node_t *filter, int channel) {
  const pmm_json_node_t *const symbol = pmm_json_get(filter, "symbol"), *const window = pmm_json_get(filter, "window_seconds");
  if (!symbol || symbol->type != PMM_JSON_STRING) return -1;
  for (uint32_t i = 0; i < symbol->len; i++)
    if (symbol->text[i] < 'a' || symbol->text[i] > 'z') return -1;
  if (channel == PMM_CHANNEL_TWAP && (!window || window->len != 2 || memcmp(window->text, "60", 2) != 0)) return -1;
  return pmm__world_asset(s->world, symbol->text, symbol->len, "usd");
}

/* False: the connection is gone. */
static bool on_item(pmm__stand_t *s, pmm__stand_peer_t *p, const pmm_json_node_t *item, const pmm_json_node_t *root, bool on) {
  const pmm_json_node_t *const name = pmm_json_get(item, "channel");
  int const channel = channel_of(name), asset = channel < 0 ? -1 : asset_of(s, pmm_json_get(item, "filter"), channel);
  if (channel < 0 || asset < 0 || !p->authed) {
    refuse(s, p, channel < 0 ? "bad_channel" : asset < 0 ? "bad_filter" : "auth_required", name, root);
    return true;
  }
  uint32_t const bit = 1u << asset;
  bool const fresh = !(p->sub[channel] & bit);
  if (on && fresh && ++p->items > ITEMS_MAX) {
    refuse(s, p, "sub_limit", name, root);
    pmm__stand_close(s, p, 4008, "too many items");
    return false;
  }
  if (on) p->sub[channel] |= bit;
  else p->sub[channel] &= ~bit;
  answer(s, p, on ? "subscribed" : "unsubscribed", channel, root);
  if (on && fresh) send_snapshot(s, p, (uint8_t)channel, (uint32_t)asset);
  return true;
}

static void on_items(pmm__stand_t *s, pmm__stand_peer_t *p, const pmm_json_node_t *root, bool on) {
  const pmm_json_node_t *const list = pmm_json_get(root, "subscriptions");
  if (++p->sub_in_second > FRAMES_A_SECOND) {
    refuse(s, p, "rate_limited", NULL, root);
    pmm__stand_close(s, p, 4008, "too many frames");
    return;
  }
  if (!list) {
    on_item(s, p, root, root, on);
    return;
  }
  for (const pmm_json_node_t *e = pmm_json_first(list); e; e = pmm_json_next(list, e))
    if (!on_item(s, p, e, root, on)) return;
}

static void message(pmm__stand_t *s, pmm__stand_peer_t *p, const char *text, size_t len) {
  const pmm_json_node_t *const root = len <= FRAME_MAX ? pmm__stand_parse(s, text, len) : NULL, *const op = pmm_json_get(root, "op");
  if (pmm_json_is(op, "auth")) on_auth(s, p, root);
  else if (pmm_json_is(op, "subscribe")) on_items(s, p, root, true);
  else if (pmm_json_is(op, "unsubscribe")) on_items(s, p, root, false);
  else if (pmm_json_is(op, "ping")) answer(s, p, "pong", -1, root);
  else refuse(s, p, "bad_op", NULL, root);
}

static void step(pmm__stand_t *s, pmm__stand_peer_t *p, int64_t at_ns) {
  if (at_ns - p->second_ns >= S) p->sub_in_second = 0, p->second_ns = at_ns;
  if (p->missed_pongs >= 2) {
    pmm__stand_close(s, p, 4002, "pongs missed");
    return;
  }
  int64_t const stamp = at_ns - DELAY_NS;
  if (stamp % S || pmm__every(s->knobs.skip_second_every, stamp / S)) return;
  for (uint32_t a = 0; a < s->world->asset_cnt; a++) {
    if (p->sub[PMM_CHANNEL_SPOT] & 1u << a) send_update(s, p, PMM_CHANNEL_SPOT, a, stamp, at_ns);
    if (p->sub[PMM_CHANNEL_TWAP] & 1u << a) send_update(s, p, PMM_CHANNEL_TWAP, a, stamp, at_ns);
  }
}

const pmm__stand_ops_t pmm__stand_polybolt = {.name = "polybolt", .ping_ns = 25 * S, .message = message, .step = step};
