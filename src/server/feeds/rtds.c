/* Stand-in for Polymarket's older price socket, with its traps: the empty first frame, the back-fill under the wrong topic, filters with a space
   that silence, one bad entry that silences its batch. Polymarket docs, "Real-Time Data Socket", and captures of 2026-08 and 09. */
#include <stdio.h>
#include <string.h>
#include "server/feeds/stand.h"

#define S PMM_NS_PER_S
#define MS PMM_NS_PER_MS

static const struct { const char *topic; uint8_t channel; uint8_t shift; int window_s; int64_t delay_ns; const char *suffix; int backfill; } TOPICS[] = {
    {"crypto_prices", PMM_CHANNEL_RELAY, 0, 0, 200 * MS, "usdt", 120},
    {"crypto_prices_chainlink", PMM_CHANNEL_SPOT, 0, 0, 1400 * MS, "/usd", 57},
    {"crypto_prices_twap_thirty", PMM_CHANNEL_TWAP, 8, 30, 1500 * MS, "/usd", 57},
    {"crypto_prices_twap_sixty", PMM_CHANNEL_TWAP, 0, 60, 1500 * MS, "/usd", 57}};
#define TOPIC_CNT (sizeof TOPICS / sizeof TOPICS[0])

static int64_t value_at(const pmm__world_t *w, size_t topic, uint32_t a, int64_t at_ns) {
  return TOPICS[topic].window_s ? pmm__world_twap(w, a, at_ns, TOPICS[topic].window_s) : pmm__world_mid(w, a, at_ns);
}

static void put_symbol(pmm__stand_t *s, size_t topic, uint32_t a) {
  char name[16];
  snprintf(name, sizeof name, "%s%s", s->world->asset[a].token, TOPICS[topic].suffix);
  pmm_text_string(&s->text, "symbol", name);
}

static void put_point(pmm__stand_t *s, size_t topic, uint32_t a, int64_t at_ns, bool accurate) {
  int64_t const value = value_at(s->world, topic, a, at_ns);
  char ms[24], scaled[40];
  snprintf(ms, sizeof ms, "%lld", (long long)(at_ns / MS));
  if (s->knobs.string_times && accurate) pmm_text_string(&s->text, "timestamp", ms);
  else pmm_text_int(&s->text, "timestamp", at_ns / MS);
  pmm_text_number(&s->text, "value", value, 8, 0);
  snprintf(scaled, sizeof scaled, "%lld0000000000", (long long)value); /* 1e8 to 1e18 */
  if (accurate && TOPICS[topic].channel == PMM_CHANNEL_RELAY) pmm__put_price(&s->text, "full_accuracy_value", value, 8);
  else if (accurate) pmm_text_string(&s->text, "full_accuracy_value", scaled);
}

static void send_update(pmm__stand_t *s, pmm__stand_peer_t *p, size_t topic, uint32_t a, int64_t at_ns, int64_t send_ns) {
  pmm_text_object(&s->text, NULL);
  pmm_text_string(&s->text, "connection_id", "kQ2xS1Fz0AEbQwA=");
  pmm_text_object(&s->text, "payload");
  put_symbol(s, topic, a);
  put_point(s, topic, a, at_ns, true);
  if (TOPICS[topic].window_s) pmm_text_int(&s->text, "window_s", TOPICS[topic].window_s);
  pmm_text_end(&s->text);
  pmm_text_int(&s->text, "timestamp", send_ns / MS);
  pmm_text_string(&s->text, "topic", TOPICS[topic].topic);
  pmm_text_string(&s->text, "type", "update");
  pmm_text_end(&s->text);
  pmm__stand_send(s, p);
}

/* The oracle's spot prices come under the exchange's topic. */
static void send_backfill(pmm__stand_t *s, pmm__stand_peer_t *p, size_t topic, uint32_t a, int64_t now_ns) {
  int64_t const last = (now_ns - TOPICS[topic].delay_ns) / S * S;
  pmm_text_object(&s->text, NULL);
  pmm_text_object(&s->text, "payload");
  pmm_text_array(&s->text, "data");
  for (int k = TOPICS[topic].backfill - 1; k >= 0; k--) {
    pmm_text_object(&s->text, NULL);
    put_point(s, topic, a, last - k * S, false);
    pmm_text_end(&s->text);
  }
  pmm_text_end(&s->text);
  put_symbol(s, topic, a);
  pmm_text_end(&s->text);
  pmm_text_int(&s->text, "timestamp", now_ns / MS);
  pmm_text_string(&s->text, "topic", TOPICS[topic].channel == PMM_CHANNEL_SPOT ? "crypto_prices" : TOPICS[topic].topic);
  pmm_text_string(&s->text, "type", "subscribe");
  pmm_text_end(&s->text);
  pmm__stand_send(s, p);
}

/* -- subscriptions -- */

static int topic_of(const pmm_json_node_t *name) {
  for (size_t i = 0; i < TOPIC_CNT; i++)
    if (pmm_json_is(name, TOPICS[i].topic)) return (int)i;
  return -1;
}

static void refuse_body(pmm__stand_t *s, pmm__stand_peer_t *p) {
  pmm_text_put(&s->text, "{\"message\":\"Invalid request body\"}");
  pmm__stand_send(s, p);
}

static void refuse_topic(pmm__stand_t *s, pmm__stand_peer_t *p, const pmm_json_node_t *topic) {
  char text[160];
  snprintf(text, sizeof text, "topic: %.*s and type: update not found", topic && topic->type == PMM_JSON_STRING ? (int)topic->len : 0, topic ? topic->text : "");
  pmm_text_object(&s->text, NULL);
  pmm_text_object(&s->text, "body");
  pmm_text_string(&s->text, "message", text);
  pmm_text_end(&s->text);
  pmm_text_int(&s->text, "statusCode", 401);
  pmm_text_end(&s->text);
  pmm__stand_send(s, p);
}

/* Assets a filter lets through; none: all. *silent: it has a space in it, which gives the back-fill and nothing more. */
static uint32_t filter_of(pmm__stand_t *s, const pmm_json_node_t *filters, size_t topic, bool *silent) {
  *silent = false;
  if (!filters || filters->len == 0) return (1u << s->world->asset_cnt) - 1;
  char text[256];
  *silent = memchr(filters->text, ' ', filters->len) != NULL;
  for (uint32_t a = 0; a < s->world->asset_cnt; a++) {
    int const n = snprintf(text, sizeof text, "{\"symbol\":%s\"%s%s\"}", *silent ? " " : "", s->world->asset[a].token, TOPICS[topic].suffix);
    if ((uint32_t)n == filters->len && memcmp(text, filters->text, filters->len) == 0) return 1u << a;
  }
  return 0;
}

typedef struct item { size_t topic; uint32_t assets; bool silent; } item_t;
#define ITEMS_MAX 32

static void apply(pmm__stand_t *s, pmm__stand_peer_t *p, const item_t *it, bool on) {
  int64_t const now_ns = s->world->newest * PMM__STEP_NS;
  uint32_t const bits = it->assets << TOPICS[it->topic].shift;
  uint32_t *const sub = &p->sub[TOPICS[it->topic].channel];
  if (!on) {
    *sub &= ~bits;
    return;
  }
  for (uint32_t a = 0; a < s->world->asset_cnt; a++)
    if (it->assets & 1u << a) send_backfill(s, p, it->topic, a, now_ns);
  if (!it->silent) *sub |= bits;
}

static void message(pmm__stand_t *s, pmm__stand_peer_t *p, const char *text, size_t len) {
  if (len == 4 && memcmp(text, "PING", 4) == 0) return; /* no reply comes */
  const pmm_json_node_t *const root = pmm__stand_parse(s, text, len), *const action = pmm_json_get(root, "action"), *const list = pmm_json_get(root, "subscriptions");
  bool const on = pmm_json_is(action, "subscribe");
  item_t item[ITEMS_MAX];
  size_t cnt = 0;
  if (!root || (!on && !pmm_json_is(action, "unsubscribe"))) {
    refuse_body(s, p);
    return;
  }
  for (const pmm_json_node_t *e = pmm_json_first(list); e && cnt < ITEMS_MAX; e = pmm_json_next(list, e), cnt++) {
    const pmm_json_node_t *const filters = pmm_json_get(e, "filters");
    int const topic = topic_of(pmm_json_get(e, "topic"));
    if (filters && filters->type != PMM_JSON_STRING) {
      refuse_body(s, p);
      return;
    }
    if (topic < 0) { /* and with it the whole batch */
      refuse_topic(s, p, pmm_json_get(e, "topic"));
      return;
    }
    item[cnt].topic = (size_t)topic;
    item[cnt].assets = filter_of(s, filters, (size_t)topic, &item[cnt].silent);
  }
  for (size_t i = 0; i < cnt; i++) apply(s, p, &item[i], on);
}

static void opened(pmm__stand_t *s, pmm__stand_peer_t *p) { pmm_service_send(&s->base, p->peer, "", 0); }

/* What is due at at_ns, sent at send_ns: different only when a hole is filled. */
static void send_due(pmm__stand_t *s, pmm__stand_peer_t *p, int64_t at_ns, int64_t send_ns) {
  for (size_t i = 0; i < TOPIC_CNT; i++) {
    int64_t const stamp = at_ns - TOPICS[i].delay_ns;
    if (stamp % S || pmm__every(s->knobs.skip_second_every, stamp / S)) continue;
    for (uint32_t a = 0; a < s->world->asset_cnt; a++)
      if (p->sub[TOPICS[i].channel] >> TOPICS[i].shift & 1u << a) send_update(s, p, i, a, stamp, send_ns);
  }
}

static void step(pmm__stand_t *s, pmm__stand_peer_t *p, int64_t at_ns) {
  bool const holes = s->knobs.hole_until_ns > s->knobs.hole_from_ns;
  if (holes && at_ns >= s->knobs.hole_from_ns && at_ns < s->knobs.hole_until_ns) return;
  if (holes && at_ns == s->knobs.hole_until_ns)
    for (int64_t t = s->knobs.hole_from_ns; t < at_ns; t += PMM__STEP_NS) send_due(s, p, t, at_ns);
  send_due(s, p, at_ns, at_ns);
}

const pmm__stand_ops_t pmm__stand_rtds = {.name = "rtds", .opened = opened, .message = message, .step = step};
