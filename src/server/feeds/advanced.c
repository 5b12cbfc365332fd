/* Stand-in for Coinbase Advanced Trade's market data: one channel per message, one counter per connection, heartbeats without which a quiet
   connection is closed, trades in batches of 250 ms (here: every 300). Coinbase Developer docs, "Advanced Trade WebSocket", 2026-11. */
#include <stdio.h>
#include <string.h>
#include "server/feeds/stand.h"

#define S PMM_NS_PER_S
#define DEADLINE_NS (5 * S)
#define QUIET_NS (60 * S)
#define BATCH_STEPS 3
#define HEARTBEATS PMM_CHANNEL_RELAY /* free here */

static const struct { const char *name; uint8_t channel; } CHANNELS[] = {
    {"market_trades", PMM_CHANNEL_TRADE}, {"ticker", PMM_CHANNEL_TOP}, {"ticker_batch", PMM_CHANNEL_TOP_SLOW}, {"level2", PMM_CHANNEL_DEPTH}, {"heartbeats", HEARTBEATS}};
#define CHANNEL_CNT (sizeof CHANNELS / sizeof CHANNELS[0])

static void put_product(pmm__stand_t *s, const char *key, uint32_t asset) {
  char name[16];
  snprintf(name, sizeof name, "%s-usd", s->world->asset[asset].token);
  for (char *c = name; *c; c++)
    if (*c >= 'a' && *c <= 'z') *c = (char)(*c - 'a' + 'A');
  pmm_text_string(&s->text, key, name);
}

/* The envelope up to the open list of events. */
static void begin(pmm__stand_t *s, pmm__stand_peer_t *p, const char *channel, int64_t at_ns) {
  p->seq[0] += pmm__every(s->knobs.skip_number_every, (int64_t)p->seq[0]);
  pmm_text_object(&s->text, NULL);
  pmm_text_string(&s->text, "channel", channel);
  pmm__put_iso(&s->text, "timestamp", at_ns, 9);
  pmm_text_uint(&s->text, "sequence_num", p->seq[0]++);
  pmm_text_array(&s->text, "events");
  pmm_text_object(&s->text, NULL);
}

static void finish(pmm__stand_t *s, pmm__stand_peer_t *p) {
  pmm_text_end(&s->text);
  pmm_text_end(&s->text);
  pmm_text_end(&s->text);
  pmm__stand_send(s, p);
}

static void put_trade(pmm__stand_t *s, uint32_t a, int64_t at_ns) {
  const pmm__quote_t *const q = pmm__world_at(s->world, a, at_ns);
  char id[24];
  snprintf(id, sizeof id, "%u", q->trade_cnt);
  pmm_text_object(&s->text, NULL);
  pmm_text_string(&s->text, "trade_id", id);
  put_product(s, "product_id", a);
  pmm__put_price(&s->text, "price", q->bought ? q->ask_e8 : q->bid_e8, 2);
  pmm_text_string(&s->text, "size", "0.0125");
  pmm_text_string(&s->text, "side", q->bought ? "SELL" : "BUY"); /* the maker's */
  pmm__put_iso(&s->text, "time", at_ns - PMM_NS_PER_MS, 6);
  pmm_text_end(&s->text);
}

/* Newest first. */
static void send_trades(pmm__stand_t *s, pmm__stand_peer_t *p, uint32_t a, int64_t at_ns, bool snapshot) {
  int const steps = snapshot ? 20 : BATCH_STEPS;
  bool any = false;
  for (int k = 0; k < steps; k++) any |= pmm__world_at(s->world, a, at_ns - k * PMM__STEP_NS)->traded;
  if (!any && !snapshot) return;
  begin(s, p, "market_trades", at_ns);
  pmm_text_string(&s->text, "type", snapshot ? "snapshot" : "update");
  pmm_text_array(&s->text, "trades");
  for (int k = 0; k < steps; k++)
    if (pmm__world_at(s->world, a, at_ns - k * PMM__STEP_NS)->traded) put_trade(s, a, at_ns - k * PMM__STEP_NS);
  pmm_text_end(&s->text);
  finish(s, p);
}

static void send_ticker(pmm__stand_t *s, pmm__stand_peer_t *p, uint32_t a, int64_t at_ns, bool batch) {
  const pmm__quote_t *const q = pmm__world_at(s->world, a, at_ns);
  bool const empty = batch && pmm__every(s->knobs.empty_row_every, at_ns / (5 * S));
  if (!q->traded && !batch) return;
  begin(s, p, batch ? "ticker_batch" : "ticker", at_ns);
  pmm_text_string(&s->text, "type", "update");
  pmm_text_array(&s->text, "tickers");
  pmm_text_object(&s->text, NULL);
  pmm_text_string(&s->text, "type", "ticker");
  put_product(s, "product_id", a);
  if (empty) pmm_text_string(&s->text, "price", "");
  else pmm__put_price(&s->text, "price", q->bought ? q->ask_e8 : q->bid_e8, 2);
  if (!batch) {
    pmm__put_price(&s->text, "best_bid", q->bid_e8, 2);
    pmm_text_string(&s->text, "best_bid_quantity", "0.25");
    pmm__put_price(&s->text, "best_ask", q->ask_e8, 2);
    pmm_text_string(&s->text, "best_ask_quantity", "0.1032");
  }
  pmm_text_end(&s->text);
  pmm_text_end(&s->text);
  finish(s, p);
}

static void put_update(pmm__stand_t *s, const char *side, int64_t price_e8, const char *quantity, int64_t at_ns) {
  pmm_text_object(&s->text, NULL);
  pmm_text_string(&s->text, "side", side);
  pmm__put_iso(&s->text, "event_time", at_ns, 6);
  pmm__put_price(&s->text, "price_level", price_e8, 2);
  pmm_text_string(&s->text, "new_quantity", quantity);
  pmm_text_end(&s->text);
}

static void send_levels(pmm__stand_t *s, pmm__stand_peer_t *p, uint32_t a, int64_t at_ns, bool snapshot) {
  const pmm__quote_t *const now = pmm__world_at(s->world, a, at_ns), *const before = pmm__world_at(s->world, a, at_ns - PMM__STEP_NS);
  if (!snapshot && now->bid_e8 == before->bid_e8 && now->ask_e8 == before->ask_e8) return;
  begin(s, p, "l2_data", at_ns);
  pmm_text_string(&s->text, "type", snapshot ? "snapshot" : "update");
  put_product(s, "product_id", a);
  pmm_text_array(&s->text, "updates");
  if (!snapshot && now->bid_e8 != before->bid_e8) put_update(s, "bid", before->bid_e8, "0", at_ns);
  if (!snapshot && now->ask_e8 != before->ask_e8) put_update(s, "offer", before->ask_e8, "0", at_ns);
  put_update(s, "bid", now->bid_e8, "0.25", at_ns);
  put_update(s, "offer", now->ask_e8, "0.1032", at_ns);
  pmm_text_end(&s->text);
  finish(s, p);
}

static void send_heartbeat(pmm__stand_t *s, pmm__stand_peer_t *p, int64_t at_ns) {
  char counter[24];
  begin(s, p, "heartbeats", at_ns);
  pmm__put_iso(&s->text, "current_time", at_ns, 9);
  snprintf(counter, sizeof counter, "%llu", (unsigned long long)p->heartbeats);
  if (s->knobs.string_counter) pmm_text_string(&s->text, "heartbeat_counter", counter);
  else pmm_text_uint(&s->text, "heartbeat_counter", p->heartbeats);
  p->heartbeats++;
  finish(s, p);
}

/* -- subscriptions -- */

static void send_list(pmm__stand_t *s, pmm__stand_peer_t *p) {
  begin(s, p, "subscriptions", s->world->newest * PMM__STEP_NS);
  pmm_text_object(&s->text, "subscriptions");
  for (size_t k = 0; k < CHANNEL_CNT; k++) {
    if (!p->sub[CHANNELS[k].channel]) continue;
    pmm_text_array(&s->text, CHANNELS[k].name);
    if (CHANNELS[k].channel == HEARTBEATS) pmm_text_string(&s->text, NULL, "heartbeats");
    else
      for (uint32_t a = 0; a < s->world->asset_cnt; a++)
        if (p->sub[CHANNELS[k].channel] & 1u << a) put_product(s, NULL, a);
    pmm_text_end(&s->text);
  }
  pmm_text_end(&s->text);
  finish(s, p);
}

static void refuse(pmm__stand_t *s, pmm__stand_peer_t *p, const char *message) {
  pmm_text_object(&s->text, NULL);
  pmm_text_string(&s->text, "type", "error");
  pmm_text_string(&s->text, "message", message);
  pmm_text_end(&s->text);
  pmm__stand_send(s, p);
}

static uint32_t products_of(pmm__stand_t *s, const pmm_json_node_t *list) {
  uint32_t bits = 0;
  for (const pmm_json_node_t *e = pmm_json_first(list); e; e = pmm_json_next(list, e)) {
    int const usd = e->type == PMM_JSON_STRING ? pmm__world_asset(s->world, e->text, e->len, "-usd") : -1;
    int const usdc = e->type == PMM_JSON_STRING ? pmm__world_asset(s->world, e->text, e->len, "-usdc") : -1; /* one book behind both names */
    if (usd >= 0 || usdc >= 0) bits |= 1u << (usd >= 0 ? usd : usdc);
  }
  return bits;
}

static void message(pmm__stand_t *s, pmm__stand_peer_t *p, const char *text, size_t len) {
  const pmm_json_node_t *const root = pmm__stand_parse(s, text, len), *const type = pmm_json_get(root, "type"), *const name = pmm_json_get(root, "channel");
  bool const on = pmm_json_is(type, "subscribe");
  int channel = -1;
  for (size_t k = 0; k < CHANNEL_CNT; k++)
    if (pmm_json_is(name, CHANNELS[k].name)) channel = CHANNELS[k].channel;
  if (!root || (!on && !pmm_json_is(type, "unsubscribe")) || channel < 0) {
    refuse(s, p, "channel is not supported");
    return;
  }
  uint32_t const bits = channel == HEARTBEATS ? 1u : products_of(s, pmm_json_get(root, "product_ids")), before = p->sub[channel];
  int64_t const at_ns = s->world->newest * PMM__STEP_NS;
  p->sub[channel] = on ? before | bits : before & ~bits;
  p->subscribed = true;
  send_list(s, p);
  for (uint32_t a = 0; a < s->world->asset_cnt; a++) {
    if (!(p->sub[channel] & ~before & 1u << a)) continue;
    if (channel == PMM_CHANNEL_TRADE) send_trades(s, p, a, at_ns, true);
    if (channel == PMM_CHANNEL_DEPTH) send_levels(s, p, a, at_ns, true);
  }
}

static void step(pmm__stand_t *s, pmm__stand_peer_t *p, int64_t at_ns) {
  if (!p->subscribed && at_ns - p->opened_ns >= DEADLINE_NS) {
    pmm__stand_close(s, p, 1008, "subscribe within 5 seconds");
    return;
  }
  uint64_t const before = p->seq[0];
  for (uint32_t a = 0; a < s->world->asset_cnt; a++) {
    uint32_t const bit = 1u << a;
    if ((p->sub[PMM_CHANNEL_TRADE] & bit) && at_ns / PMM__STEP_NS % BATCH_STEPS == 0) send_trades(s, p, a, at_ns, false);
    if (p->sub[PMM_CHANNEL_TOP] & bit) send_ticker(s, p, a, at_ns, false);
    if ((p->sub[PMM_CHANNEL_TOP_SLOW] & bit) && at_ns % (5 * S) == 0) send_ticker(s, p, a, at_ns, true);
    if (p->sub[PMM_CHANNEL_DEPTH] & bit) send_levels(s, p, a, at_ns, false);
  }
  if (p->sub[HEARTBEATS] && pmm__on_second(at_ns) && !s->knobs.stop_heartbeats) send_heartbeat(s, p, at_ns);
  if (p->seq[0] != before) p->data_ns = at_ns;
  else if (at_ns - p->data_ns >= QUIET_NS) pmm__stand_close(s, p, 1001, "quiet");
}

const pmm__stand_ops_t pmm__stand_advanced = {.name = "coinbase_advanced", .message = message, .step = step};
