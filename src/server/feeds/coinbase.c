/* Stand-in for Coinbase Exchange's market-data feed: subscriptions within five seconds, the present list as answer, tickers, matches behind the
   last one, heartbeats, a book as picture and changes. Coinbase Exchange docs, "WebSocket Channels", 2026-11. */
#include <stdio.h>
#include <string.h>
#include "server/feeds/stand.h"

#define S PMM_NS_PER_S
#define DEADLINE_NS (5 * S)
#define SEQUENCE_A_STEP 60 /* book events of a product that our channels do not show */

static const struct { const char *name; uint8_t channel; } CHANNELS[] = {{"ticker", PMM_CHANNEL_TOP}, {"ticker_batch", PMM_CHANNEL_TOP_SLOW}, {"matches", PMM_CHANNEL_TRADE},
                                                                         {"heartbeat", PMM_CHANNEL_RELAY /* free here */}, {"level2_batch", PMM_CHANNEL_DEPTH}};
#define CHANNEL_CNT (sizeof CHANNELS / sizeof CHANNELS[0])
#define HEARTBEAT PMM_CHANNEL_RELAY

static int64_t sequence(int64_t at_ns) { return at_ns / PMM__STEP_NS * SEQUENCE_A_STEP; }

static void product(pmm__stand_t *s, char out[16], uint32_t asset) {
  snprintf(out, 16, "%s-usd", s->world->asset[asset].token);
  for (char *c = out; *c; c++)
    if (*c >= 'a' && *c <= 'z') *c = (char)(*c - 'a' + 'A');
}

static void put_product(pmm__stand_t *s, const char *key, uint32_t asset) {
  char name[16];
  product(s, name, asset);
  pmm_text_string(&s->text, key, name);
}

/* -- data -- */

static void send_ticker(pmm__stand_t *s, pmm__stand_peer_t *p, uint32_t a, int64_t at_ns) {
  const pmm__quote_t *const q = pmm__world_at(s->world, a, at_ns);
  pmm_text_t *const t = &s->text;
  if (!q->traded) return;
  int64_t const old = pmm__every(s->knobs.out_of_order_every, q->trade_cnt) ? 2 * SEQUENCE_A_STEP + 1 : 0;
  pmm_text_object(t, NULL);
  pmm_text_string(t, "type", "ticker");
  pmm_text_int(t, "sequence", sequence(at_ns) - old);
  put_product(s, "product_id", a);
  pmm__put_price(t, "price", q->bought ? q->ask_e8 : q->bid_e8, 2);
  pmm__put_price(t, "best_bid", q->bid_e8, 2);
  pmm_text_string(t, "best_bid_size", "0.25000000");
  pmm__put_price(t, "best_ask", q->ask_e8, 2);
  pmm_text_string(t, "best_ask_size", "0.10320000");
  pmm_text_string(t, "side", q->bought ? "buy" : "sell");
  pmm__put_iso(t, "time", at_ns - PMM_NS_PER_MS, 6);
  pmm_text_int(t, "trade_id", q->trade_cnt);
  pmm_text_string(t, "last_size", "0.0125");
  pmm_text_end(t);
  pmm__stand_send(s, p);
}

static void send_match(pmm__stand_t *s, pmm__stand_peer_t *p, uint32_t a, int64_t at_ns, bool last) {
  const pmm__quote_t *const q = pmm__world_at(s->world, a, at_ns);
  pmm_text_t *const t = &s->text;
  if (!last && (!q->traded || pmm__every(s->knobs.skip_trade_every, q->trade_cnt))) return;
  pmm_text_object(t, NULL);
  pmm_text_string(t, "type", last ? "last_match" : "match");
  pmm_text_int(t, "trade_id", q->trade_cnt);
  pmm_text_string(t, "maker_order_id", "5f1c1b0e-3a57-4b52-9d2e-0c6a5f0a7b11");
  pmm_text_string(t, "taker_order_id", "a0f2c4de-7f8b-4c1d-8a31-2d6a1be0c922");
  pmm_text_string(t, "side", q->bought ? "sell" : "buy"); /* the maker's */
  pmm_text_string(t, "size", "0.01250000");
  pmm__put_price(t, "price", q->bought ? q->ask_e8 : q->bid_e8, 2);
  put_product(s, "product_id", a);
  pmm_text_int(t, "sequence", sequence(at_ns));
  pmm__put_iso(t, "time", at_ns - PMM_NS_PER_MS, 6);
  pmm_text_end(t);
  pmm__stand_send(s, p);
}

static void send_heartbeat(pmm__stand_t *s, pmm__stand_peer_t *p, uint32_t a, int64_t at_ns) {
  pmm_text_t *const t = &s->text;
  pmm_text_object(t, NULL);
  pmm_text_string(t, "type", "heartbeat");
  pmm_text_int(t, "sequence", sequence(at_ns));
  pmm_text_int(t, "last_trade_id", pmm__world_at(s->world, a, at_ns)->trade_cnt);
  put_product(s, "product_id", a);
  pmm__put_iso(t, "time", at_ns, 6);
  pmm_text_end(t);
  pmm__stand_send(s, p);
}

static void put_row(pmm_text_t *t, const char *side, int64_t price_e8, int64_t qty_e8) {
  pmm_text_array(t, NULL);
  if (side) pmm_text_string(t, NULL, side);
  pmm__put_price(t, NULL, price_e8, 2);
  pmm__put_price(t, NULL, qty_e8, 8);
  pmm_text_end(t);
}

static void send_snapshot(pmm__stand_t *s, pmm__stand_peer_t *p, uint32_t a, int64_t at_ns) {
  const pmm__quote_t *const q = pmm__world_at(s->world, a, at_ns);
  pmm_text_t *const t = &s->text;
  int64_t const gap = q->bid_e8 / 1000000 + 1;
  uint32_t const levels = s->knobs.snapshot_levels ? s->knobs.snapshot_levels / 2 : 3;
  pmm_text_object(t, NULL);
  pmm_text_string(t, "type", "snapshot");
  put_product(s, "product_id", a);
  for (int side = 0; side < 2; side++) {
    pmm_text_array(t, side == 0 ? "bids" : "asks");
    for (uint32_t i = 0; i < levels; i++) {
      int64_t const price = side == 0 ? q->bid_e8 - (int64_t)i * gap : q->ask_e8 + (int64_t)i * gap;
      if (price > 0) put_row(t, NULL, price, 25000000);
    }
    pmm_text_end(t);
  }
  pmm_text_end(t);
  pmm__stand_send(s, p);
}

static void send_changes(pmm__stand_t *s, pmm__stand_peer_t *p, uint32_t a, int64_t at_ns) {
  const pmm__quote_t *const now = pmm__world_at(s->world, a, at_ns), *const before = pmm__world_at(s->world, a, at_ns - PMM__STEP_NS);
  pmm_text_t *const t = &s->text;
  if (now->bid_e8 == before->bid_e8 && now->ask_e8 == before->ask_e8) return;
  pmm_text_object(t, NULL);
  pmm_text_string(t, "type", "l2update");
  put_product(s, "product_id", a);
  pmm__put_iso(t, "time", at_ns, 6);
  pmm_text_array(t, "changes");
  if (now->bid_e8 != before->bid_e8) put_row(t, "buy", before->bid_e8, 0), put_row(t, "buy", now->bid_e8, 20000000);
  if (now->ask_e8 != before->ask_e8) put_row(t, "sell", before->ask_e8, 0), put_row(t, "sell", now->ask_e8, 20000000);
  pmm_text_end(t);
  pmm_text_end(t);
  pmm__stand_send(s, p);
}

/* -- subscriptions -- */

static void refuse(pmm__stand_t *s, pmm__stand_peer_t *p, const char *reason) {
  pmm_text_object(&s->text, NULL);
  pmm_text_string(&s->text, "type", "error");
  pmm_text_string(&s->text, "message", "Failed to subscribe");
  pmm_text_string(&s->text, "reason", reason);
  pmm_text_end(&s->text);
  pmm__stand_send(s, p);
}

static void send_list(pmm__stand_t *s, pmm__stand_peer_t *p) {
  pmm_text_object(&s->text, NULL);
  pmm_text_string(&s->text, "type", "subscriptions");
  pmm_text_array(&s->text, "channels");
  for (size_t k = 0; k < CHANNEL_CNT; k++) {
    if (!p->sub[CHANNELS[k].channel]) continue;
    pmm_text_object(&s->text, NULL);
    pmm_text_string(&s->text, "name", CHANNELS[k].name);
    pmm_text_array(&s->text, "product_ids");
    for (uint32_t a = 0; a < s->world->asset_cnt; a++)
      if (p->sub[CHANNELS[k].channel] & 1u << a) put_product(s, NULL, a);
    pmm_text_end(&s->text);
    pmm_text_null(&s->text, "account_ids");
    pmm_text_end(&s->text);
  }
  pmm_text_end(&s->text);
  pmm_text_end(&s->text);
  pmm__stand_send(s, p);
}

static uint32_t products_of(pmm__stand_t *s, const pmm_json_node_t *list) {
  uint32_t bits = 0;
  for (const pmm_json_node_t *e = pmm_json_first(list); e; e = pmm_json_next(list, e)) {
    int const a = e->type == PMM_JSON_STRING ? pmm__world_asset(s->world, e->text, e->len, "-usd") : -1;
    if (a >= 0) bits |= 1u << a;
  }
  return bits;
}

static int channel_of(const pmm_json_node_t *name) {
  for (size_t k = 0; k < CHANNEL_CNT; k++)
    if (pmm_json_is(name, CHANNELS[k].name)) return CHANNELS[k].channel;
  return -1;
}

/* What a fresh subscription begins with. */
static void greet(pmm__stand_t *s, pmm__stand_peer_t *p, int channel, uint32_t fresh) {
  int64_t const at_ns = s->world->newest * PMM__STEP_NS;
  for (uint32_t a = 0; a < s->world->asset_cnt; a++) {
    if (!(fresh & 1u << a)) continue;
    if (channel == PMM_CHANNEL_TRADE) send_match(s, p, a, at_ns, true);
    if (channel == PMM_CHANNEL_DEPTH) send_snapshot(s, p, a, at_ns);
  }
}

static void message(pmm__stand_t *s, pmm__stand_peer_t *p, const char *text, size_t len) {
  const pmm_json_node_t *const root = pmm__stand_parse(s, text, len), *const type = pmm_json_get(root, "type"), *const channels = pmm_json_get(root, "channels");
  bool const on = pmm_json_is(type, "subscribe");
  uint32_t const all = products_of(s, pmm_json_get(root, "product_ids")); /* read before anything is sent: the parser is shared */
  uint32_t before[PMM_CHANNEL_CNT];
  memcpy(before, p->sub, sizeof before);
  if (!root || (!on && !pmm_json_is(type, "unsubscribe"))) {
    refuse(s, p, "Malformed JSON");
    return;
  }
  for (const pmm_json_node_t *e = pmm_json_first(channels); e; e = pmm_json_next(channels, e)) {
    const pmm_json_node_t *const name = e->type == PMM_JSON_OBJECT ? pmm_json_get(e, "name") : e, *const own = pmm_json_get(e, "product_ids");
    int const channel = channel_of(name);
    if (channel < 0) {
      bool const closed = pmm_json_is(name, "level2") || pmm_json_is(name, "level3") || pmm_json_is(name, "full");
      memcpy(p->sub, before, sizeof before);
      refuse(s, p, closed ? "level2, level3, and full channels now require authentication" : "no such channel");
      return;
    }
    uint32_t const bits = own ? products_of(s, own) : all;
    if (on) p->sub[channel] |= bits;
    else p->sub[channel] &= ~(bits ? bits : UINT32_MAX);
  }
  p->subscribed = true;
  send_list(s, p);
  for (int c = 0; c < PMM_CHANNEL_CNT; c++) greet(s, p, c, p->sub[c] & ~before[c]);
}

static void step(pmm__stand_t *s, pmm__stand_peer_t *p, int64_t at_ns) {
  if (!p->subscribed && at_ns - p->opened_ns >= DEADLINE_NS) {
    pmm__stand_close(s, p, 1008, "subscribe within 5 seconds");
    return;
  }
  for (uint32_t a = 0; a < s->world->asset_cnt; a++) {
    uint32_t const bit = 1u << a;
    if (p->sub[PMM_CHANNEL_TRADE] & bit) send_match(s, p, a, at_ns, false);
    if (p->sub[PMM_CHANNEL_TOP] & bit) send_ticker(s, p, a, at_ns);
    if ((p->sub[PMM_CHANNEL_TOP_SLOW] & bit) && at_ns % (5 * S) == 0) send_ticker(s, p, a, at_ns);
    if (p->sub[PMM_CHANNEL_DEPTH] & bit) send_changes(s, p, a, at_ns);
    if ((p->sub[HEARTBEAT] & bit) && pmm__on_second(at_ns) && !s->knobs.stop_heartbeats) send_heartbeat(s, p, a, at_ns);
  }
}

const pmm__stand_ops_t pmm__stand_coinbase = {.name = "coinbase", .message = message, .step = step};
