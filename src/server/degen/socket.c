/* Sockets: who listens to what, requests over them, and what is pushed. A book message closes with the end of what one request caused, so
   that its seq rises by one and the book is whole after it. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "pmm/decimal.h"
#include "server/degen/impl.h"

/* ---- sets of markets ---- */

static bool wants(const pmm__dd_set_t *s, uint32_t market) { return s->all || s->bit[market / 64] >> (market % 64) & 1; }

static void set_market(pmm__dd_set_t *s, uint32_t market, bool on) {
  if (on) s->bit[market / 64] |= UINT64_C(1) << (market % 64);
  else s->bit[market / 64] &= ~(UINT64_C(1) << (market % 64));
}

/* ---- pushing ---- */

static void send_text(pmm__dd_t *d, pmm_peer_t *peer, pmm_text_t *t) {
  size_t len;
  const char *const text = pmm_text_get(t, &len);
  if (len > 0) (void)pmm_service_send(&d->service, peer, text, len); /* one that reads too slowly is closed by the host */
}

static pmm_text_t *begin(pmm__dd_t *d, const char *channel) {
  pmm_text_clear(&d->message);
  pmm_text_object(&d->message, NULL);
  pmm_text_string(&d->message, "ch", channel);
  return &d->message;
}

static void send_snapshot(pmm__dd_t *d, pmm__dd_sock_t *s, uint32_t market) {
  pmm_text_t *const t = begin(d, "book");
  pmm_text_string(t, "type", "snapshot");
  pmm__dd_put_book(d, t, market, UINT32_MAX, false, pmm_service_now(&d->service));
  pmm_text_end(t);
  send_text(d, s->peer, t);
}

static void push_book(pmm__dd_t *d, uint32_t market) {
  size_t kept = 0;
  bool any = false;
  pmm_text_t *const t = begin(d, "book");
  pmm_text_string(t, "type", "delta");
  pmm_text_string(t, "market", pmm_place_market(d->place, market)->id);
  pmm_text_uint(t, "seq", d->market[market].seq + 1);
  pmm_text_int(t, "ts", pmm_service_now(&d->service) / PMM_NS_PER_MS);
  pmm_text_array(t, "changes");
  for (size_t i = 0; i < d->change_cnt; i++) {
    pmm__dd_change_t const c = d->change[i];
    if (c.market != market) {
      d->change[kept++] = c;
      continue;
    }
    any = true;
    pmm_text_array(t, NULL);
    pmm_text_string(t, NULL, "yes");
    pmm_text_string(t, NULL, c.side == PMM_BID ? "bid" : "ask");
    pmm_text_decimal(t, NULL, c.price_e4, 4, 2);
    pmm_text_decimal(t, NULL, c.total_e6, 6, 0);
    pmm_text_end(t);
  }
  pmm_text_end(t);
  pmm_text_end(t);
  d->change_cnt = kept;
  if (!any) return;
  d->market[market].seq++;
  for (pmm__dd_sock_t *s = d->socks; s; s = s->next)
    if (wants(&s->book, market)) send_text(d, s->peer, t);
}

static void note_change(pmm__dd_t *d, const pmm_place_event_t *e) {
  for (size_t i = 0; i < d->change_cnt; i++)
    if (d->change[i].market == e->market && d->change[i].side == e->side && d->change[i].price_e4 == e->price_e4) {
      d->change[i].total_e6 = e->total_e6;
      return;
    }
  if (d->change_cnt == d->change_cap) {
    size_t const cap = d->change_cap ? 2 * d->change_cap : 64;
    pmm__dd_change_t *const change = realloc(d->change, cap * sizeof *change);
    if (!change) {
      d->market[e->market].seq++; /* a gap that clients see: they ask for the book again */
      return;
    }
    d->change = change;
    d->change_cap = cap;
  }
  d->change[d->change_cnt++] = (pmm__dd_change_t){.market = e->market, .side = e->side, .price_e4 = e->price_e4, .total_e6 = e->total_e6};
}

static void push_trade(pmm__dd_t *d, const pmm_place_event_t *e) {
  pmm_text_t *const t = begin(d, "trades");
  pmm__dd_put_trade(d, t, "trade", e->trade);
  pmm_text_end(t);
  for (pmm__dd_sock_t *s = d->socks; s; s = s->next)
    if (wants(&s->trades, e->market)) send_text(d, s->peer, t);
}

static void push_market(pmm__dd_t *d, uint32_t market) {
  pmm_text_t *const t = begin(d, "markets");
  pmm__dd_put_market(d, t, "market", market, pmm_service_now(&d->service));
  pmm_text_end(t);
  for (pmm__dd_sock_t *s = d->socks; s; s = s->next)
    if (wants(&s->markets, market)) send_text(d, s->peer, t);
}

static void push_private(pmm__dd_t *d, const pmm_place_event_t *e) {
  bool const fill = e->kind == PMM_PLACE_EV_FILL;
  pmm_text_t *const t = begin(d, fill ? "fills" : "orders");
  if (fill) pmm__dd_put_fill(d, t, "fill", e->fill);
  else pmm__dd_put_order(d, t, "order", e->order);
  pmm_text_end(t);
  for (pmm__dd_sock_t *s = d->socks; s; s = s->next)
    if (s->member && s->member->account == e->account && (fill ? s->fills : s->orders)) send_text(d, s->peer, t);
}

void pmm__dd_told(void *ctx, const pmm_place_event_t *e) {
  pmm__dd_t *const d = ctx;
  bool const private = e->account != UINT32_MAX;
  if (private) pmm__dd_remember(d, e->account, e->market);
  if (private && pmm_place_is_background(d->place, e->account)) return;
  switch (e->kind) {
  case PMM_PLACE_EV_LEVEL: note_change(d, e); break;
  case PMM_PLACE_EV_END: push_book(d, e->market); break;
  case PMM_PLACE_EV_TRADE: push_trade(d, e); break;
  case PMM_PLACE_EV_MARKET:
    if (pmm_place_market(d->place, e->market)->life == PMM_LIFE_RESOLVED) (void)pmm_place_truth(d->place, e->market, &d->market[e->market].settle_e8);
    push_market(d, e->market);
    break;
  case PMM_PLACE_EV_ORDER:
  case PMM_PLACE_EV_FILL: push_private(d, e); break;
  case PMM_PLACE_EV_SETTLE: /* the venue settles at once */
  case PMM_PLACE_EV_CASH: break;
  }
}

/* ---- requests ---- */

typedef enum channel { BOOK = 1, TRADES = 2, MARKETS = 4, ORDERS = 8, FILLS = 16 } channel_t;

static unsigned read_channels(pmm__dd_req_t *r, const pmm_json_node_t *list) {
  static const char *const names[] = {"book", "trades", "markets", "orders", "fills"};
  unsigned mask = 0;
  for (const pmm_json_node_t *e = pmm_json_first(list); e; e = pmm_json_next(list, e)) {
    unsigned one = 0;
    for (unsigned i = 0; i < 5; i++)
      if (pmm_json_is(e, names[i])) one = 1u << i;
    if (one == 0) mask |= 1u << 31;
    mask |= one;
  }
  if (mask != 0 && mask < 1u << 31) return mask;
  pmm__dd_fail(r, PMM__DD_BAD_REQUEST, "channels", "book, trades, markets, orders, fills");
  return 0;
}

/* Every market named must be known before anything changes. */
static bool check_markets(pmm__dd_req_t *r, const pmm_json_node_t *list) {
  for (const pmm_json_node_t *e = pmm_json_first(list); e; e = pmm_json_next(list, e)) {
    char id[PMM_ID_MAX];
    uint32_t market;
    if (pmm__dd_text_of(e, id, sizeof id) && pmm__dd_market_of(r->d, id, &market)) continue;
    pmm__dd_fail(r, PMM__DD_NOT_FOUND, "markets", "no such market");
    return false;
  }
  return true;
}

static void change_public(pmm__dd_sock_t *s, unsigned mask, uint32_t market, bool on) {
  if (mask & BOOK) set_market(&s->book, market, on);
  if (mask & TRADES) set_market(&s->trades, market, on);
  if (mask & MARKETS) set_market(&s->markets, market, on);
}

static void change_all(pmm__dd_sock_t *s, unsigned mask, bool on) {
  pmm__dd_set_t *const sets[] = {&s->book, &s->trades, &s->markets};
  for (unsigned i = 0; i < 3; i++)
    if (mask >> i & 1) *sets[i] = (pmm__dd_set_t){.all = on};
}

static void put_subscribed(pmm_text_t *t, unsigned mask) {
  static const char *const names[] = {"book", "trades", "markets", "orders", "fills"};
  pmm_text_object(t, NULL);
  pmm_text_array(t, "channels");
  for (unsigned i = 0; i < 5; i++)
    if (mask >> i & 1) pmm_text_string(t, NULL, names[i]);
  pmm_text_end(t);
  pmm_text_end(t);
}

/* Returns the channels that changed; 0: refused. Without a list of markets, all of them, those to come included. */
static unsigned subscribe(pmm__dd_req_t *r, pmm__dd_sock_t *s, const pmm_json_node_t *body, bool on) {
  const pmm_json_node_t *const markets = pmm_json_get(body, "markets");
  unsigned const mask = read_channels(r, pmm_json_get(body, "channels"));
  if (mask == 0 || !check_markets(r, markets)) return 0;
  if ((mask & (ORDERS | FILLS)) && !r->member) {
    pmm__dd_fail(r, PMM__DD_UNAUTHORIZED, "channels", "private channels need a token");
    return 0;
  }
  if (mask & ORDERS) s->orders = on;
  if (mask & FILLS) s->fills = on;
  if (!markets) change_all(s, mask, on);
  for (const pmm_json_node_t *e = pmm_json_first(markets); e; e = pmm_json_next(markets, e)) {
    char id[PMM_ID_MAX];
    uint32_t market;
    if (pmm__dd_text_of(e, id, sizeof id) && pmm__dd_market_of(r->d, id, &market)) change_public(s, mask, market, on);
  }
  put_subscribed(&r->d->out, mask);
  return mask;
}

/* After the answer: the books asked for, again for those who ask again. */
static void send_books(pmm__dd_t *d, pmm__dd_sock_t *s, const pmm_json_node_t *markets) {
  if (!markets)
    for (uint32_t i = 0; i < pmm_place_market_cnt(d->place); i++)
      if (d->market[i].listed) send_snapshot(d, s, i);
  for (const pmm_json_node_t *e = pmm_json_first(markets); e; e = pmm_json_next(markets, e)) {
    char id[PMM_ID_MAX];
    uint32_t market;
    if (pmm__dd_text_of(e, id, sizeof id) && pmm__dd_market_of(d, id, &market)) send_snapshot(d, s, market);
  }
}

static void put_account(pmm_text_t *t, const pmm__dd_t *d, const pmm__dd_member_t *m) {
  pmm_text_object(t, NULL);
  pmm_text_string(t, "account", pmm_place_account_name(d->place, m->account));
  pmm_text_end(t);
}

static void put_pong(pmm_text_t *t, int64_t now_ns) {
  pmm_text_object(t, NULL);
  pmm_text_int(t, "ts", now_ns / PMM_NS_PER_MS);
  pmm_text_end(t);
}

#define NO_RE INT64_MIN
/* {"re":ID,"ok":...}: the number the client gave its request. */
static void answer(pmm__dd_req_t *r, pmm__dd_sock_t *s, int64_t re) {
  pmm_text_t *const t = &r->d->message;
  pmm_text_clear(t);
  pmm_text_object(t, NULL);
  if (re == NO_RE) pmm_text_null(t, "re");
  else pmm_text_int(t, "re", re);
  pmm_text_bool(t, "ok", r->error.code == PMM__DD_NONE);
  if (r->error.code == PMM__DD_NONE) {
    size_t len;
    const char *const result = pmm_text_get(&r->d->out, &len);
    pmm_text_json(t, "result", len ? result : "null", len ? len : 4);
  } else {
    pmm__dd_put_error(t, "error", &r->error);
  }
  pmm_text_end(t);
  send_text(r->d, s->peer, t);
}

static void authorize(pmm__dd_req_t *r, pmm__dd_sock_t *s, const char *token) {
  int64_t until_ns;
  pmm__dd_member_t *const m = token[0] ? pmm__dd_token(r->d, token, r->now_ns, &until_ns) : NULL;
  if (!m) {
    pmm__dd_fail(r, PMM__DD_UNAUTHORIZED, "token", "the token is not valid");
    return;
  }
  if (s->member != m) s->orders = s->fills = false; /* the account's own channels are the account's */
  s->member = m;
  s->token_ns = until_ns;
  put_account(&r->d->out, r->d, m);
}

typedef enum op { OP_NONE, OP_SUBSCRIBE, OP_UNSUBSCRIBE, OP_AUTH, OP_PING, OP_PLACE, OP_CANCEL, OP_AMEND, OP_HEARTBEAT } op_t;

static op_t read_op(const pmm_json_node_t *node) {
  static const char *const names[] = {"", "subscribe", "unsubscribe", "auth", "ping", "order.place", "order.cancel", "order.amend", "heartbeat"};
  for (int i = OP_SUBSCRIBE; i <= OP_HEARTBEAT; i++)
    if (pmm_json_is(node, names[i])) return (op_t)i;
  return OP_NONE;
}

static void trade_op(pmm__dd_req_t *r, op_t op, const pmm_json_node_t *body) {
  if (!r->member) {
    pmm__dd_fail(r, PMM__DD_UNAUTHORIZED, NULL, "a valid token is needed");
    return;
  }
  switch (op) {
  case OP_PLACE: pmm__dd_place(r, body); break;
  case OP_CANCEL: pmm__dd_cancel(r, body); break;
  case OP_AMEND: pmm__dd_amend(r, NULL, body); break;
  default: pmm__dd_beat(r, body); break;
  }
}

static unsigned run(pmm__dd_req_t *r, pmm__dd_sock_t *s, const pmm_json_node_t *body, op_t op) {
  switch (op) {
  case OP_SUBSCRIBE: return subscribe(r, s, body, true);
  case OP_UNSUBSCRIBE: (void)subscribe(r, s, body, false); return 0;
  case OP_PING: put_pong(&r->d->out, r->now_ns); return 0;
  case OP_NONE: pmm__dd_fail(r, PMM__DD_BAD_REQUEST, "op", "no such op"); return 0;
  default: trade_op(r, op, body); return 0;
  }
}

void pmm__dd_message(pmm_service_t *service, pmm_peer_t *peer, const char *text, size_t len) {
  pmm__dd_t *const d = (pmm__dd_t *)service;
  pmm__dd_sock_t *const s = peer->user;
  const pmm_json_node_t *body;
  const char *why;
  size_t at;
  pmm__dd_req_t r = {.d = d, .now_ns = pmm_service_now(service)};
  s->heard_ns = r.now_ns;
  r.member = s->member && s->token_ns > r.now_ns ? s->member : NULL;
  pmm_text_clear(&d->out);
  if (pmm_json_parse(d->parser, text, len, &body, &at, &why) != PMM_OK || body->type != PMM_JSON_OBJECT) {
    pmm__dd_fail(&r, PMM__DD_BAD_REQUEST, NULL, "a message is a JSON object");
    answer(&r, s, NO_RE);
    return;
  }
  const pmm_json_node_t *const id = pmm_json_get(body, "id");
  int64_t re = NO_RE; /* a number is but a token until it is read: anything else than a whole one is no name */
  if (id && id->type == PMM_JSON_NUMBER) (void)pmm_decimal_parse(id->text, id->len, 0, &re, NULL);
  op_t const op = read_op(pmm_json_get(body, "op"));
  if (op == OP_AUTH) { /* the parser reads the token's parts next: what is still needed of the message is read first */
    char token[4096] = "";
    (void)pmm__dd_text_of(pmm_json_get(body, "token"), token, sizeof token);
    authorize(&r, s, token);
    answer(&r, s, re);
    return;
  }
  unsigned const changed = run(&r, s, body, op);
  answer(&r, s, re);
  if (changed & BOOK) send_books(d, s, pmm_json_get(body, "markets"));
}

/* ---- lives of sockets ---- */

int pmm__dd_upgrade(pmm_service_t *service, pmm_peer_t *peer, const pmm_request_t *request, char *refusal, size_t cap) {
  pmm__dd_t *const d = (pmm__dd_t *)service;
  int64_t const now = pmm_service_now(service);
  int64_t until_ns = 0;
  pmm__dd_member_t *member = NULL;
  if (strcmp(request->path, "/ws") != 0) {
    snprintf(refusal, cap, "{\"error\":{\"code\":\"not_found\",\"message\":\"the socket is at /ws\"}}");
    return 404;
  }
  if (pmm_request_header(request, "authorization") && !(member = pmm__dd_bearer(d, request, now, &until_ns))) {
    snprintf(refusal, cap, "{\"error\":{\"code\":\"unauthorized\",\"message\":\"the token is not valid\"}}");
    return 401;
  }
  pmm__dd_sock_t *const s = calloc(1, sizeof *s);
  if (!s) {
    snprintf(refusal, cap, "{\"error\":{\"code\":\"internal\",\"message\":\"no memory\"}}");
    return 500;
  }
  *s = (pmm__dd_sock_t){.peer = peer, .member = member, .token_ns = until_ns, .heard_ns = now, .ping_ns = now + PMM__DD_PING_NS, .next = d->socks};
  if (d->socks) d->socks->prev = s;
  d->socks = s;
  peer->user = s;
  d->service.host_ops->wake(d->service.host);
  return 0;
}

void pmm__dd_pong(pmm_service_t *service, pmm_peer_t *peer, const char *payload, size_t len) {
  (void)payload, (void)len;
  ((pmm__dd_sock_t *)peer->user)->heard_ns = pmm_service_now(service);
}

void pmm__dd_closed(pmm_service_t *service, pmm_peer_t *peer) {
  pmm__dd_t *const d = (pmm__dd_t *)service;
  pmm__dd_sock_t *const s = peer->user;
  if (s->next) s->next->prev = s->prev;
  *(s->prev ? &s->prev->next : &d->socks) = s->next;
  free(s);
}

int64_t pmm__dd_socks_due(pmm__dd_t *d, int64_t now_ns) {
  int64_t due = PMM_NS_MAX;
  for (pmm__dd_sock_t *s = d->socks, *next; s; s = next) {
    next = s->next;
    if (now_ns - s->heard_ns >= PMM__DD_SILENT_NS) {
      s->heard_ns = s->ping_ns = now_ns + PMM__DD_SILENT_NS; /* `closed` follows; till then it is left alone */
      d->service.host_ops->close(d->service.host, s->peer, 1001, "silent for 45 s");
      continue;
    }
    if (s->ping_ns <= now_ns) {
      s->ping_ns = now_ns + PMM__DD_PING_NS;
      d->service.host_ops->ping(d->service.host, s->peer, "", 0);
    }
    due = pmm_min64(due, pmm_min64(s->ping_ns, s->heard_ns + PMM__DD_SILENT_NS));
  }
  return due;
}
