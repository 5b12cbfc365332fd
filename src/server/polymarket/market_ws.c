/* The market channel: what happens to books, told from the side of each token. What one request did to a market is one message: a price_change with
   both tokens' levels, or, where trades touched the book, the trades and then both books whole. */
#include <stdlib.h>
#include <string.h>
#include "server/polymarket/impl.h"

void pmm__pd_sock_send(pmm__pd_t *d, pmm__pd_sock_t *sock, const pmm_text_t *text) {
  size_t len;
  const char *const bytes = pmm_text_get(text, &len);
  if (len > 0) pmm_service_send(&d->service, sock->peer, bytes, len); /* a slow reader is closed by the host */
}

static void send_plain(pmm__pd_t *d, pmm__pd_sock_t *sock, const char *text) { pmm_service_send(&d->service, sock->peer, text, strlen(text)); }

/* -- who hears of it: a token's subscribers, a market's (outcome -1: of either token), everybody (market UINT32_MAX) -- */
static bool hears(const pmm__pd_sock_t *s, uint32_t market, int outcome, bool custom) {
  if (s->user || !s->subscribed || (custom && !s->custom)) return false;
  if (market == UINT32_MAX) return true;
  if (outcome >= 0) return pmm__pd_has(s, market * 2 + (uint32_t)outcome);
  return pmm__pd_has(s, market * 2) || pmm__pd_has(s, market * 2 + 1);
}

static bool anybody(const pmm__pd_t *d, uint32_t market, int outcome, bool custom) {
  for (const pmm__pd_sock_t *s = d->socks; s; s = s->next)
    if (hears(s, market, outcome, custom)) return true;
  return false;
}

static void tell(pmm__pd_t *d, uint32_t market, int outcome, bool custom) {
  for (pmm__pd_sock_t *s = d->socks, *next; s; s = next) {
    next = s->next;
    if (hears(s, market, outcome, custom)) pmm__pd_sock_send(d, s, &d->message);
  }
}

/* Begins a message of that type; its members follow. */
static pmm_text_t *begin(pmm__pd_t *d, const char *type, uint32_t market, int64_t at_ns) {
  pmm_text_t *const t = &d->message;
  pmm_text_clear(t);
  pmm_text_object(t, NULL);
  pmm_text_string(t, "event_type", type);
  pmm_text_string(t, "market", pmm_place_market(d->place, market)->id);
  pmm__pd_put_ms(t, "timestamp", at_ns);
  return t;
}

/* -- books -- */
static void tell_book(pmm__pd_t *d, uint32_t market, int outcome) {
  if (!anybody(d, market, outcome, false)) return;
  pmm_text_clear(&d->message);
  pmm__pd_put_book(d, &d->message, market, outcome, true);
  tell(d, market, outcome, false);
}

static void put_change(pmm__pd_t *d, pmm_text_t *t, const pmm__pd_change_t *c, int outcome, const char *hash) {
  pmm_text_object(t, NULL);
  pmm_text_string(t, "asset_id", pmm__pd_token(pmm_place_market(d->place, c->market), outcome));
  pmm_text_decimal(t, "price", pmm__pd_price(outcome, c->price_e4), 4, 0);
  pmm_text_decimal(t, "size", c->total_e6, 6, 0);
  pmm_text_string(t, "side", (c->side == PMM_BID) == (outcome == 0) ? "BUY" : "SELL");
  pmm_text_string(t, "hash", hash);
  pmm_text_decimal(t, "best_bid", pmm__pd_best(d, c->market, outcome, PMM_BID), 4, 0);
  int32_t const ask_e4 = pmm__pd_best(d, c->market, outcome, PMM_ASK);
  pmm_text_decimal(t, "best_ask", ask_e4 ? ask_e4 : PMM_ONE_E4, 4, 0); /* as the venue shows an empty side: 0 and 1 */
  pmm_text_end(t);
}

static void tell_changes(pmm__pd_t *d, uint32_t market, int64_t at_ns) {
  char hash[2][41];
  if (!anybody(d, market, -1, false)) return;
  for (int i = 0; i < 2; i++) pmm__pd_book_hash(d, market, i, hash[i]);
  pmm_text_t *const t = begin(d, "price_change", market, at_ns);
  pmm_text_array(t, "price_changes");
  for (size_t i = 0; i < d->change_cnt; i++)
    for (int outcome = 0; outcome < 2 && d->change[i].market == market; outcome++) put_change(d, t, &d->change[i], outcome, hash[outcome]);
  pmm_text_end(t);
  pmm_text_end(t);
  tell(d, market, -1, false);
}

static void tell_best(pmm__pd_t *d, uint32_t market, int64_t at_ns) {
  pmm__pd_market_t *const mk = &d->market[market];
  int32_t const bid_e4 = pmm__pd_best(d, market, 0, PMM_BID), ask_e4 = pmm__pd_best(d, market, 0, PMM_ASK);
  if (bid_e4 == mk->best_e4[PMM_BID] && ask_e4 == mk->best_e4[PMM_ASK]) return;
  mk->best_e4[PMM_BID] = bid_e4;
  mk->best_e4[PMM_ASK] = ask_e4;
  for (int outcome = 0; outcome < 2; outcome++) {
    if (!anybody(d, market, outcome, true)) continue;
    int32_t const bid = pmm__pd_best(d, market, outcome, PMM_BID), ask = pmm__pd_best(d, market, outcome, PMM_ASK);
    pmm_text_t *const t = begin(d, "best_bid_ask", market, at_ns);
    pmm_text_string(t, "asset_id", pmm__pd_token(pmm_place_market(d->place, market), outcome));
    pmm_text_decimal(t, "best_bid", bid, 4, 0);
    pmm_text_decimal(t, "best_ask", ask ? ask : PMM_ONE_E4, 4, 0);
    pmm_text_decimal(t, "spread", (ask ? ask : PMM_ONE_E4) - bid, 4, 0);
    pmm_text_end(t);
    tell(d, market, outcome, true);
  }
}

static void tell_print(pmm__pd_t *d, const pmm_place_trade_t *trade) {
  const pmm_place_order_t *const taker = pmm_place_order_at(d->place, trade->taker);
  int const outcome = pmm__pd_route_outcome(taker->route);
  pmm_poly_word_t hash;
  char text[PMM_POLY_HEX_WORD];
  if (!anybody(d, trade->market, outcome, false)) return;
  pmm_keccak256(trade->id, strlen(trade->id), &hash);
  pmm_poly_hex(hash.b, sizeof hash.b, text);
  pmm_text_t *const t = begin(d, "last_trade_price", trade->market, trade->at_ns);
  pmm_text_string(t, "asset_id", pmm__pd_token(pmm_place_market(d->place, trade->market), outcome));
  pmm_text_decimal(t, "price", pmm__pd_price(outcome, trade->price_e4), 4, 0);
  pmm_text_decimal(t, "size", trade->qty_e6, 6, 0);
  pmm_text_string(t, "side", pmm__pd_route_side(taker->route));
  pmm_text_string(t, "fee_rate_bps", "0");
  pmm_text_string(t, "transaction_hash", text);
  pmm_text_end(t);
  tell(d, trade->market, outcome, false);
}

/* -- what is gathered until the book is consistent -- */
static void *room(void *list, size_t *cap, size_t cnt, size_t size) { /* the list, with room for one more; NULL: none */
  if (cnt < *cap) return list;
  size_t const more = *cap ? *cap * 2 : 64;
  void *const bigger = realloc(list, more * size);
  if (bigger) *cap = more;
  return bigger;
}

/* The last word on each level counts. */
static void gather_level(pmm__pd_t *d, const pmm_place_event_t *e) {
  d->market[e->market].changed_ns = e->at_ns;
  for (size_t i = d->change_cnt; i-- > 0 && d->change_cnt - i < 64;) {
    pmm__pd_change_t *const c = &d->change[i];
    if (c->market != e->market || c->side != e->side || c->price_e4 != e->price_e4) continue;
    c->total_e6 = e->total_e6;
    return;
  }
  pmm__pd_change_t *const list = room(d->change, &d->change_cap, d->change_cnt, sizeof *list);
  if (!list) return; /* a subscriber's book is stale until the next whole one: best_bid and best_ask tell him */
  d->change = list;
  list[d->change_cnt++] = (pmm__pd_change_t){.market = e->market, .side = e->side, .price_e4 = e->price_e4, .total_e6 = e->total_e6};
}

static void gather_print(pmm__pd_t *d, const pmm_place_event_t *e) {
  d->market[e->market].last_trade = e->trade->seq;
  d->market[e->market].changed_ns = e->at_ns;
  pmm__pd_print_t *const list = room(d->print, &d->print_cap, d->print_cnt, sizeof *list);
  if (!list) return;
  d->print = list;
  list[d->print_cnt++] = (pmm__pd_print_t){.market = e->market, .trade = e->trade->seq};
}

static void flush_prints(pmm__pd_t *d, uint32_t market) {
  for (size_t i = 0; i < d->print_cnt; i++) {
    if (d->print[i].market != market) continue;
    tell_print(d, pmm_place_trade_at(d->place, d->print[i].trade));
    d->print[i].done = true;
  }
  for (int outcome = 0; outcome < 2; outcome++) tell_book(d, market, outcome);
}

static void changes_done(pmm__pd_t *d, uint32_t market) {
  for (size_t i = 0; i < d->change_cnt; i++)
    if (d->change[i].market == market) d->change[i].done = true;
}

static void flush(pmm__pd_t *d, int64_t at_ns) {
  for (size_t i = 0; i < d->print_cnt; i++) {
    uint32_t const market = d->print[i].market;
    if (d->print[i].done || !d->market[market].listed) continue;
    flush_prints(d, market);
    changes_done(d, market);
    tell_best(d, market, at_ns);
  }
  for (size_t i = 0; i < d->change_cnt; i++) {
    uint32_t const market = d->change[i].market;
    if (d->change[i].done || !d->market[market].listed) continue;
    tell_changes(d, market, at_ns);
    changes_done(d, market);
    tell_best(d, market, at_ns);
  }
  d->print_cnt = d->change_cnt = 0;
}

/* -- markets -- */
static void put_ids(pmm_text_t *t, const char *key, const pmm_market_t *m) {
  pmm_text_array(t, key);
  for (int i = 0; i < 2; i++) pmm_text_string(t, NULL, pmm__pd_token(m, i));
  pmm_text_end(t);
}

static void put_number_id(pmm_text_t *t, uint32_t market) {
  char id[16];
  snprintf(id, sizeof id, "%u", market + 1);
  pmm_text_string(t, "id", id);
}

void pmm__pd_new_market(pmm__pd_t *d, uint32_t market) {
  const pmm_market_t *const m = pmm_place_market(d->place, market);
  const pmm__pd_market_t *const mk = &d->market[market];
  if (!anybody(d, UINT32_MAX, -1, true)) return;
  pmm_text_t *const t = begin(d, "new_market", market, mk->listed_ns);
  put_number_id(t, market);
  pmm_text_string(t, "question", mk->title);
  pmm_text_string(t, "slug", mk->slug);
  pmm_text_string(t, "description", mk->title);
  put_ids(t, "assets_ids", m);
  pmm_text_array(t, "outcomes");
  for (int i = 0; i < 2; i++) pmm_text_string(t, NULL, pmm__pd_outcome(i));
  pmm_text_end(t);
  pmm_text_object(t, "event_message");
  pmm_text_string(t, "slug", m->event);
  pmm_text_end(t);
  pmm_text_array(t, "tags");
  pmm_text_end(t);
  pmm_text_string(t, "condition_id", m->id);
  pmm_text_bool(t, "active", m->life != PMM_LIFE_PENDING);
  put_ids(t, "clob_token_ids", m);
  pmm_text_string(t, "sports_market_type", "");
  pmm_text_string(t, "line", "");
  pmm_text_string(t, "game_start_time", "");
  pmm_text_decimal(t, "order_price_min_tick_size", m->grid.tick_e4, 4, 0);
  pmm_text_string(t, "group_item_title", mk->title);
  pmm_text_string(t, "taker_base_fee", "0");
  pmm_text_bool(t, "fees_enabled", m->fees.taker_rate_e6 > 0);
  pmm_text_object(t, "fee_schedule");
  pmm_text_int(t, "exponent", m->fees.exponent);
  pmm_text_number(t, "rate", m->fees.taker_rate_e6, 6, 0);
  pmm_text_bool(t, "taker_only", true);
  pmm_text_number(t, "rebate_rate", m->fees.rebate_share_e6, 6, 0);
  pmm_text_end(t);
  pmm_text_end(t);
  tell(d, UINT32_MAX, -1, true);
}

static void tell_resolved(pmm__pd_t *d, uint32_t market, int64_t at_ns) {
  const pmm_market_t *const m = pmm_place_market(d->place, market);
  int const winner = m->outcome == PMM_OUTCOME_YES ? 0 : m->outcome == PMM_OUTCOME_NO ? 1 : -1;
  if (!anybody(d, market, -1, true)) return;
  pmm_text_t *const t = begin(d, "market_resolved", market, at_ns);
  put_number_id(t, market);
  put_ids(t, "assets_ids", m);
  pmm_text_string(t, "winning_asset_id", winner < 0 ? "" : pmm__pd_token(m, winner));
  pmm_text_string(t, "winning_outcome", winner < 0 ? "" : pmm__pd_outcome(winner));
  pmm_text_object(t, "event_message");
  pmm_text_string(t, "slug", m->event);
  pmm_text_end(t);
  pmm_text_array(t, "tags");
  pmm_text_end(t);
  pmm_text_end(t);
  tell(d, market, -1, true);
}

static void tell_tick(pmm__pd_t *d, uint32_t market, int32_t old_e4, int64_t at_ns) {
  const pmm_market_t *const m = pmm_place_market(d->place, market);
  for (int outcome = 0; outcome < 2; outcome++) {
    if (!anybody(d, market, outcome, false)) continue;
    pmm_text_t *const t = begin(d, "tick_size_change", market, at_ns);
    pmm_text_string(t, "asset_id", pmm__pd_token(m, outcome));
    pmm_text_decimal(t, "old_tick_size", old_e4, 4, 0);
    pmm_text_decimal(t, "new_tick_size", m->grid.tick_e4, 4, 0);
    pmm_text_end(t);
    tell(d, market, outcome, false);
  }
}

static void on_market(pmm__pd_t *d, const pmm_place_event_t *e) {
  pmm__pd_market_t *const mk = &d->market[e->market];
  const pmm_market_t *const m = pmm_place_market(d->place, e->market);
  if (!mk->listed) return;
  if (m->grid.tick_e4 != mk->tick_e4) {
    int32_t const old_e4 = mk->tick_e4;
    mk->tick_e4 = m->grid.tick_e4;
    tell_tick(d, e->market, old_e4, e->at_ns);
  }
  if (m->life == PMM_LIFE_RESOLVED && mk->life != PMM_LIFE_RESOLVED) tell_resolved(d, e->market, e->at_ns);
  mk->life = m->life;
}

void pmm__pd_event(void *ctx, const pmm_place_event_t *e) {
  pmm__pd_t *const d = ctx;
  switch (e->kind) {
  case PMM_PLACE_EV_LEVEL: gather_level(d, e); break;
  case PMM_PLACE_EV_TRADE: gather_print(d, e); break;
  case PMM_PLACE_EV_MARKET: on_market(d, e); break;
  case PMM_PLACE_EV_END: flush(d, e->at_ns); break;
  case PMM_PLACE_EV_ORDER:
  case PMM_PLACE_EV_FILL:
  case PMM_PLACE_EV_SETTLE:
  case PMM_PLACE_EV_CASH: pmm__pd_user_event(d, e); break;
  }
}

/* -- what clients say -- */
/* Each token of a list that is known: on or off. Books of those that are new go to d->message, an array. */
typedef struct marked { size_t known, fresh; } marked_t;
static marked_t mark_tokens(pmm__pd_t *d, pmm__pd_sock_t *sock, const pmm_json_node_t *list, bool on, bool dump) {
  marked_t marked = {0};
  uint32_t market;
  int outcome;
  pmm_text_clear(&d->message);
  pmm_text_array(&d->message, NULL);
  for (const pmm_json_node_t *e = pmm_json_first(list); e; e = pmm_json_next(list, e)) {
    if (e->type != PMM_JSON_STRING || !pmm__pd_token_find(d, e->text, e->len, &market, &outcome)) continue;
    uint32_t const i = market * 2 + (uint32_t)outcome;
    marked.known++;
    if (on && !pmm__pd_has(sock, i)) {
      marked.fresh++;
      if (dump) pmm__pd_put_book(d, &d->message, market, outcome, true);
    }
    pmm__pd_put(sock, i, on);
  }
  pmm_text_end(&d->message);
  return marked;
}

static bool is_true(const pmm_json_node_t *node, bool otherwise) { return node && node->type == PMM_JSON_BOOL ? node->text[0] == 't' : otherwise; }

static void market_message(pmm__pd_t *d, pmm__pd_sock_t *sock, const pmm_json_node_t *root) {
  const pmm_json_node_t *const operation = pmm_json_get(root, "operation");
  const pmm_json_node_t *list = pmm_json_get(root, "assets_ids");
  bool const off = pmm_json_is(operation, "unsubscribe");
  if (!list) list = pmm_json_get(root, "asset_ids");
  bool const named = operation ? off || pmm_json_is(operation, "subscribe")
                               : !pmm_json_get(root, "type") || pmm_json_is(pmm_json_get(root, "type"), "market");
  if (!named || !list || list->type != PMM_JSON_ARRAY) return send_plain(d, sock, "INVALID OPERATION");
  sock->custom = is_true(pmm_json_get(root, "custom_feature_enabled"), sock->custom);
  sock->subscribed = true;
  bool const dump = is_true(pmm_json_get(root, "initial_dump"), true);
  marked_t const marked = mark_tokens(d, sock, list, !off, dump);
  if (off) return;
  if (marked.known > 0 && marked.fresh == 0) send_plain(d, sock, "NO NEW ASSETS");
  else if (dump) pmm__pd_sock_send(d, sock, &d->message);
}

void pmm__pd_sock_message(pmm__pd_t *d, pmm__pd_sock_t *sock, const char *text, size_t len) {
  if (len == 4 && memcmp(text, "PING", 4) == 0) return send_plain(d, sock, "PONG");
  const pmm_json_node_t *const root = pmm__pd_json(d, text, len);
  if (!root) return send_plain(d, sock, "INVALID OPERATION");
  if (sock->user) pmm__pd_user_message(d, sock, root);
  else market_message(d, sock, root);
}
