/* The dialect as a service: which request goes to whom, and what the exchange tells it of markets and members. */
#include <assert.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "server/polymarket/impl.h"

/* -- answers -- */
int pmm__pd_fail(pmm__pd_t *d, int http, const char *fmt, ...) {
  char text[640];
  va_list ap;
  va_start(ap, fmt);
  vsnprintf(text, sizeof text, fmt, ap);
  va_end(ap);
  pmm_text_clear(&d->out);
  pmm_text_object(&d->out, NULL);
  pmm_text_string(&d->out, "error", text);
  pmm_text_end(&d->out);
  return http;
}

int pmm__pd_ok(pmm__pd_t *d, const char *json) {
  pmm_text_clear(&d->out);
  pmm_text_put(&d->out, json);
  return 200;
}

static int get_ok(pmm__pd_req_t *r) { return pmm__pd_ok(r->d, "\"OK\""); }
static int get_version(pmm__pd_req_t *r) { return pmm_text_printf(&r->d->out, "{\"version\":%d}", r->d->version), 200; }
static int get_time(pmm__pd_req_t *r) { return pmm_text_printf(&r->d->out, "%lld", (long long)(r->now_ns / PMM_NS_PER_S)), 200; }
static int get_plural(pmm__pd_req_t *r) { return pmm__pd_fail(r->d, 400, "Invalid payload"); }
static int get_markets(pmm__pd_req_t *r) { return pmm__pd_is_gamma_query(r) ? pmm__pd_gamma_markets(r) : pmm__pd_markets(r); }
static int get_market(pmm__pd_req_t *r) { return strncmp(r->arg, "0x", 2) == 0 ? pmm__pd_market(r) : pmm__pd_gamma_market(r); }

/* -- what requests bring -- */
const char *pmm__pd_query(const pmm__pd_req_t *r, const char *name, char *buf, size_t cap) {
  if (pmm_query_get(r->http->query, name, 0, buf, cap) != PMM_OK) buf[0] = '\0';
  return buf;
}

bool pmm__pd_query_int(const pmm__pd_req_t *r, const char *name, int64_t *out) {
  char text[32];
  pmm__pd_query(r, name, text, sizeof text);
  return pmm_decimal_parse_floor(text, strlen(text), 0, out, NULL) == PMM_OK;
}

const pmm_json_node_t *pmm__pd_json(pmm__pd_t *d, const char *text, size_t len) {
  const pmm_json_node_t *root;
  size_t at;
  const char *why;
  return len > 0 && pmm_json_parse(d->parser, text, len, &root, &at, &why) == PMM_OK ? root : NULL;
}
const pmm_json_node_t *pmm__pd_body(pmm__pd_req_t *r) { return pmm__pd_json(r->d, r->http->body, r->http->body_len); }

bool pmm__pd_text_of(const pmm_json_node_t *node, char *buf, size_t cap) {
  if (!node || node->type != PMM_JSON_STRING || node->len >= cap || memchr(node->text, '\0', node->len)) return false;
  memcpy(buf, node->text, node->len);
  buf[node->len] = '\0';
  return true;
}

/* -- pages: the cursor is the base64 of a decimal offset, "MA==" the first, "LTE=" (-1) after the last -- */
static const char base64_digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

static void cursor_print(int64_t offset, char out[32]) {
  unsigned char text[24] = {0};
  size_t const len = (size_t)snprintf((char *)text, sizeof text, "%lld", (long long)offset);
  size_t n = 0;
  for (size_t i = 0; i < len; i += 3) {
    uint32_t const bits = (uint32_t)text[i] << 16 | (uint32_t)text[i + 1] << 8 | text[i + 2];
    for (size_t k = 0; k < 4; k++) out[n++] = i + k <= len ? base64_digits[bits >> (18 - 6 * k) & 63] : '=';
  }
  out[n] = '\0';
}

static bool cursor_parse(const char *text, int64_t *offset) {
  char plain[24];
  size_t n = 0;
  uint32_t bits = 0, bit_cnt = 0;
  for (const char *c = text; *c && *c != '='; c++) {
    const char *const digit = strchr(base64_digits, *c);
    if (!digit) return false;
    bits = (bits << 6 | (uint32_t)(digit - base64_digits)) & 0xffff;
    bit_cnt += 6;
    if (bit_cnt < 8) continue;
    if (n == sizeof plain) return false;
    bit_cnt -= 8;
    plain[n++] = (char)(bits >> bit_cnt & 0xff);
  }
  return pmm_decimal_parse(plain, n, 0, offset, NULL) == PMM_OK;
}

bool pmm__pd_page_begin(pmm__pd_req_t *r, pmm__pd_page_t *page, size_t limit) {
  char cursor[64];
  int64_t offset = 0;
  pmm__pd_query(r, "next_cursor", cursor, sizeof cursor);
  if (cursor[0] && !cursor_parse(cursor, &offset)) return pmm__pd_fail(r->d, 400, "Invalid next_cursor"), false;
  if (offset < 0) return pmm__pd_fail(r->d, 400, "next item should be greater than or equal to 0"), false;
  *page = (pmm__pd_page_t){.from = (size_t)offset, .limit = limit};
  pmm_text_object(&r->d->out, NULL);
  pmm_text_array(&r->d->out, "data");
  return true;
}

bool pmm__pd_page_wants(pmm__pd_page_t *page) {
  size_t const i = page->seen++;
  if (i < page->from) return false;
  if (page->given == page->limit) return page->more = true, false;
  page->given++;
  return true;
}

int pmm__pd_page_end(pmm__pd_req_t *r, pmm__pd_page_t *page) {
  char cursor[32];
  cursor_print(page->more ? (int64_t)(page->from + page->given) : -1, cursor);
  pmm_text_end(&r->d->out);
  pmm_text_string(&r->d->out, "next_cursor", cursor);
  pmm_text_int(&r->d->out, "limit", (int64_t)page->limit);
  pmm_text_int(&r->d->out, "count", (int64_t)page->given);
  pmm_text_end(&r->d->out);
  return 200;
}

/* -- routes -- */
enum { PUBLIC, WALLET /* the handler reads L1 headers itself */, READ /* L2, any key */, TRADE /* L2, no read-only key */ };
enum { ENGINE = 1 /* answers 425 while the engine restarts */ };
typedef struct route { const char *method, *path; pmm__pd_handler_t *fn; uint8_t auth, flags; int8_t scope; } route_t;

/* '*' stands for one last part of a path. Scopes: limits.c. The catalogue and data hosts share the port; their paths differ from the CLOB's, but for
   /markets, where the query tells. */
static const route_t routes[] = {
    {"GET", "/", get_ok, PUBLIC, 0, 1},
    {"GET", "/ok", get_ok, PUBLIC, 0, 1},
    {"GET", "/time", get_time, PUBLIC, 0, 0},
    {"GET", "/version", get_version, PUBLIC, 0, 0},
    {"POST", "/auth/api-key", pmm__pd_key_create, WALLET, 0, 2},
    {"GET", "/auth/derive-api-key", pmm__pd_key_derive, WALLET, 0, 2},
    {"GET", "/auth/api-keys", pmm__pd_key_list, READ, 0, 2},
    {"DELETE", "/auth/api-key", pmm__pd_key_delete, READ, 0, 2},
    {"POST", "/auth/readonly-api-key", pmm__pd_key_more, TRADE, 0, 2},
    {"GET", "/auth/readonly-api-keys", pmm__pd_key_more_list, READ, 0, 2},
    {"DELETE", "/auth/readonly-api-key", pmm__pd_key_more_delete, TRADE, 0, 2},
    {"POST", "/auth/builder-api-key", pmm__pd_key_more, TRADE, 0, 2},
    {"GET", "/auth/builder-api-key", pmm__pd_key_more_list, READ, 0, 2},
    {"DELETE", "/auth/builder-api-key", pmm__pd_key_more_delete, TRADE, 0, 2},
    {"GET", "/auth/ban-status/closed-only", pmm__pd_closed_only, READ, 0, 2},
    /* market data */
    {"GET", "/book", pmm__pd_book, PUBLIC, 0, 3},
    {"GET", "/price", pmm__pd_price_one, PUBLIC, 0, 4},
    {"GET", "/midpoint", pmm__pd_mid, PUBLIC, 0, 5},
    {"POST", "/books", pmm__pd_books, PUBLIC, 0, 6},
    {"POST", "/prices", pmm__pd_prices, PUBLIC, 0, 7},
    {"POST", "/midpoints", pmm__pd_mids, PUBLIC, 0, 8},
    {"GET", "/books", get_plural, PUBLIC, 0, 6},
    {"GET", "/prices", get_plural, PUBLIC, 0, 7},
    {"GET", "/midpoints", get_plural, PUBLIC, 0, 8},
    {"GET", "/spreads", get_plural, PUBLIC, 0, 0},
    {"GET", "/last-trades-prices", get_plural, PUBLIC, 0, 0},
    {"GET", "/spread", pmm__pd_spread, PUBLIC, 0, 0},
    {"POST", "/spreads", pmm__pd_spreads, PUBLIC, 0, 0},
    {"GET", "/last-trade-price", pmm__pd_last, PUBLIC, 0, 0},
    {"POST", "/last-trades-prices", pmm__pd_lasts, PUBLIC, 0, 0},
    {"GET", "/tick-size", pmm__pd_tick, PUBLIC, 0, 9},
    {"GET", "/tick-size/*", pmm__pd_tick, PUBLIC, 0, 9},
    {"GET", "/neg-risk", pmm__pd_neg_risk, PUBLIC, 0, 0},
    {"GET", "/fee-rate", pmm__pd_fee_rate, PUBLIC, 0, 0},
    {"GET", "/prices-history", pmm__pd_history, PUBLIC, 0, 10},
    {"GET", "/markets", get_markets, PUBLIC, 0, 0},
    {"GET", "/sampling-markets", pmm__pd_markets, PUBLIC, 0, 0},
    {"GET", "/simplified-markets", pmm__pd_simplified, PUBLIC, 0, 0},
    {"GET", "/sampling-simplified-markets", pmm__pd_simplified, PUBLIC, 0, 0},
    {"GET", "/markets/*", get_market, PUBLIC, 0, 0},
    {"GET", "/clob-markets/*", pmm__pd_clob_market, PUBLIC, 0, 0},
    {"GET", "/markets-by-token/*", pmm__pd_by_token, PUBLIC, 0, 0},
    {"GET", "/rewards/markets/current", pmm__pd_page_empty, PUBLIC, 0, 0},
    {"GET", "/rewards/markets/multi", pmm__pd_page_empty, PUBLIC, 0, 0},
    {"GET", "/rewards/markets/*", pmm__pd_page_empty, PUBLIC, 0, 0},
    {"GET", "/rebates/current", pmm__pd_null, PUBLIC, 0, 0},
    {"GET", "/fees/builder-fees/*", pmm__pd_builder_fees, PUBLIC, 0, 0},
    {"GET", "/builder/trades", pmm__pd_builder_trades, PUBLIC, 0, 0},
    /* orders */
    {"POST", "/order", pmm__pd_order_post, TRADE, ENGINE, 16},
    {"POST", "/orders", pmm__pd_orders_post, TRADE, ENGINE, 17},
    {"DELETE", "/order", pmm__pd_cancel_one, TRADE, ENGINE, 18},
    {"DELETE", "/orders", pmm__pd_cancel_many, TRADE, ENGINE, 19},
    {"DELETE", "/cancel-all", pmm__pd_cancel_all, TRADE, ENGINE, 20},
    {"DELETE", "/cancel-market-orders", pmm__pd_cancel_market, TRADE, ENGINE, 21},
    {"POST", "/v1/heartbeats", pmm__pd_heartbeat, TRADE, 0, 0},
    {"POST", "/heartbeats", pmm__pd_heartbeat_old, TRADE, 0, 0},
    /* the account */
    {"GET", "/data/orders", pmm__pd_data_orders, READ, 0, 11},
    {"GET", "/data/order/*", pmm__pd_data_order, READ, 0, 11},
    {"GET", "/order/*", pmm__pd_data_order, READ, 0, 11},
    {"GET", "/data/pre-migration-orders", pmm__pd_page_empty, READ, 0, 11},
    {"GET", "/data/trades", pmm__pd_data_trades, READ, 0, 12},
    {"GET", "/balance-allowance", pmm__pd_balance, READ, 0, 13},
    {"GET", "/balance-allowance/update", pmm__pd_balance_update, READ, 0, 14},
    {"GET", "/notifications", pmm__pd_notes, READ, 0, 15},
    {"DELETE", "/notifications", pmm__pd_notes_drop, READ, 0, 15},
    {"GET", "/order-scoring", pmm__pd_scoring_one, READ, 0, 0},
    {"POST", "/orders-scoring", pmm__pd_scoring, READ, 0, 0},
    {"GET", "/rewards/user", pmm__pd_page_empty, READ, 0, 0},
    {"GET", "/rewards/user/total", pmm__pd_list_empty, READ, 0, 0},
    {"GET", "/rewards/user/percentages", pmm__pd_object_empty, READ, 0, 0},
    {"GET", "/rewards/user/markets", pmm__pd_page_empty, READ, 0, 0},
    /* catalogue and data hosts */
    {"GET", "/events", pmm__pd_gamma_events, PUBLIC, 0, 22},
    {"GET", "/events/*", pmm__pd_gamma_event, PUBLIC, 0, 22},
    {"GET", "/events/slug/*", pmm__pd_gamma_event_slug, PUBLIC, 0, 22},
    {"GET", "/markets/slug/*", pmm__pd_gamma_slug, PUBLIC, 0, 23},
    {"GET", "/positions", pmm__pd_positions, PUBLIC, 0, 24},
    {"GET", "/trades", pmm__pd_public_trades, PUBLIC, 0, 25},
    {"GET", "/activity", pmm__pd_activity, PUBLIC, 0, 25},
    {"GET", "/value", pmm__pd_value, PUBLIC, 0, 24},
};

/* NULL: no match; else the rest of the path ("" for a route without '*'). */
static const char *route_match(const route_t *route, const char *path) {
  size_t const len = strlen(route->path);
  if (route->path[len - 1] != '*') return strcmp(path, route->path) == 0 ? path + len : NULL;
  return strncmp(path, route->path, len - 1) == 0 && path[len - 1] != '\0' && !strchr(path + len - 1, '/') ? path + len - 1 : NULL;
}

static const route_t *route_find(const char *method, const char *path, const char **arg, bool *path_known) {
  *path_known = false;
  for (size_t i = 0; i < sizeof routes / sizeof routes[0]; i++) {
    const char *const rest = route_match(&routes[i], path);
    if (!rest) continue;
    *path_known = true;
    if (strcmp(routes[i].method, method) != 0) continue;
    *arg = rest;
    return &routes[i];
  }
  return NULL;
}

static void phases_end(pmm__pd_t *d, int64_t now_ns) {
  if (d->restart_until_ns <= now_ns) d->restart_until_ns = 0;
  if (d->phase_until_ns <= now_ns) d->phase = PMM_PHASE_NORMAL;
}

static int run_route(pmm__pd_req_t *r, const route_t *route) {
  pmm__pd_t *const d = r->d;
  phases_end(d, r->now_ns);
  if (!pmm__pd_limit_route(r, route->scope)) return 0;
  if ((route->flags & ENGINE) && d->restart_until_ns > 0) {
    pmm_header_t const retry = {"Retry-After", "1"};
    d->service.host_ops->reply(d->service.host, r->call, 425, &retry, 1, "{\"error\":\"Too Early\"}", 21);
    return 0;
  }
  if (route->auth >= READ) {
    int const refused = pmm__pd_l2(r, route->auth == TRADE);
    if (refused) return refused;
  }
  int const status = route->fn(r);
  if (route->flags & ENGINE) d->service.host_ops->wake(d->service.host); /* what expires or settles next may have changed */
  return status;
}

static void answer(pmm__pd_t *d, pmm_call_t *call, int http) {
  size_t len;
  const char *const text = pmm_text_get(&d->out, &len);
  if (d->out.failed) pmm_service_reply(&d->service, call, 500, "{\"error\":\"out of memory\"}", 25);
  else pmm_service_reply(&d->service, call, http, text, len);
}

static void on_http(pmm_service_t *service, pmm_call_t *call, const pmm_request_t *http) {
  pmm__pd_t *const d = (pmm__pd_t *)service;
  pmm__pd_req_t r = {.d = d, .call = call, .http = http, .arg = "", .now_ns = pmm_service_now(service)};
  bool path_known;
  call->user = NULL;
  pmm_text_clear(&d->out);
  const route_t *const route = route_find(http->method, http->path, &r.arg, &path_known);
  int status;
  if (route) status = run_route(&r, route);
  else status = path_known ? pmm__pd_fail(d, 405, "method not allowed") : pmm__pd_fail(d, 404, "not found");
  if (status != 0) answer(d, call, status);
}

static void on_gone(pmm_service_t *service, pmm_call_t *call) {
  (void)service;
  pmm__pd_held_t *const held = call->user;
  if (held) held->call = NULL; /* the order it brought stays */
}

/* -- sockets -- */
static int on_upgrade(pmm_service_t *service, pmm_peer_t *peer, const pmm_request_t *request, char *refusal, size_t cap) {
  pmm__pd_t *const d = (pmm__pd_t *)service;
  bool const user = strcmp(request->path, "/ws/user") == 0;
  pmm__pd_sock_t *sock = NULL;
  if (!user && strcmp(request->path, "/ws/market") != 0) return snprintf(refusal, cap, "{\"error\":\"not found\"}"), 404;
  if (!(sock = calloc(1, sizeof *sock))) return snprintf(refusal, cap, "{\"error\":\"out of memory\"}"), 503;
  *sock = (pmm__pd_sock_t){.peer = peer, .user = user, .key = PMM__PD_NO_KEY, .next = d->socks};
  if (d->socks) d->socks->prev = sock;
  d->socks = sock;
  peer->user = sock;
  return 0;
}

static void on_message(pmm_service_t *service, pmm_peer_t *peer, const char *text, size_t len) {
  pmm__pd_sock_message((pmm__pd_t *)service, peer->user, text, len);
}

static void on_closed(pmm_service_t *service, pmm_peer_t *peer) {
  pmm__pd_t *const d = (pmm__pd_t *)service;
  pmm__pd_sock_t *const sock = peer->user;
  if (sock->next) sock->next->prev = sock->prev;
  *(sock->prev ? &sock->prev->next : &d->socks) = sock->next;
  free(sock);
}

static int64_t on_advance(pmm_service_t *service, int64_t now_ns) {
  pmm__pd_t *const d = (pmm__pd_t *)service;
  d->place_ns = pmm_place_advance(d->place, now_ns);
  pmm__pd_held_run(d, now_ns);
  if (d->sweep_ns <= now_ns) pmm__pd_sweep(d, now_ns);
  int64_t next = pmm_min64(d->place_ns, d->sweep_ns);
  return d->held ? pmm_min64(next, d->held->due_ns) : next;
}

static const pmm_service_ops_t service_ops = {
    .name = "polymarket",
    .http = on_http,
    .gone = on_gone,
    .upgrade = on_upgrade,
    .message = on_message,
    .closed = on_closed,
    .advance = on_advance,
};

/* -- life -- */
static void dialect_close(pmm_service_t *service) {
  if (!service) return;
  pmm__pd_t *const d = (pmm__pd_t *)service;
  while (d->socks) {
    pmm__pd_sock_t *const sock = d->socks;
    d->socks = sock->next;
    free(sock);
  }
  pmm__pd_held_free(d);
  pmm__pd_keys_free(d);
  pmm_text_free(&d->out);
  pmm_text_free(&d->message);
  pmm_text_free(&d->spare);
  pmm_json_free(d->parser);
  free(d->market);
  free(d->token);
  free(d->member);
  free(d->extra);
  free(d->change);
  free(d->print);
  free(d);
}

static pmm_status_t dialect_open(pmm_service_t **service, const pmm_dialect_config_t *config, pmm_error_t *err) {
  pmm__pd_t *const d = calloc(1, sizeof *d);
  if (!d) return pmm_error_set(err, PMM_FULL, "polymarket: out of memory");
  d->service.ops = &service_ops;
  d->place = config->place;
  d->serve = config->serve;
  d->notices = config->notices;
  d->seed = config->seed;
  d->version = 2;
  d->sweep_ns = PMM_NS_MAX;
  d->phase_until_ns = PMM_NS_MAX;
  if (d->serve.skew_ns == 0) d->serve.skew_ns = 60 * PMM_NS_PER_S;
  d->parser = pmm_json_new();
  d->market = calloc(PMM_PLACE_MARKETS_MAX, sizeof *d->market);
  d->token = calloc(PMM__PD_TOKENS_CAP, sizeof *d->token);
  d->member = calloc(PMM__PD_MEMBERS_MAX, sizeof *d->member);
  d->key = calloc(PMM__PD_KEYS_MAX, sizeof *d->key);
  if (!d->parser || !d->market || !d->token || !d->member || !d->key) {
    dialect_close(&d->service);
    return pmm_error_set(err, PMM_FULL, "polymarket: out of memory");
  }
  pmm_place_listen(d->place, (pmm_place_listener_t){.fn = pmm__pd_event, .ctx = d});
  *service = &d->service;
  return PMM_OK;
}

/* -- markets and members -- */
/* Ids a chain would give: of the listing's name and the seed. A name that is a condition id already stays. */
static void derive_ids(const char *name, uint64_t seed, pmm_poly_word_t *condition, pmm_poly_word_t token[2]) {
  uint8_t text[33];
  struct { char tag[24]; uint64_t seed; char name[PMM_PARAM_TEXT_MAX]; } in = {.tag = "pmm condition", .seed = __builtin_bswap64(seed)};
  snprintf(in.name, sizeof in.name, "%s", name);
  if (pmm_poly_word_parse(name, strlen(name), condition) != PMM_OK) pmm_keccak256(&in, sizeof in, condition);
  memcpy(text, condition->b, 32);
  for (uint8_t i = 0; i < 2; i++) {
    text[32] = (uint8_t)(i + 1); /* index sets 1 and 2 */
    pmm_keccak256(text, sizeof text, &token[i]);
  }
}

static void set_fees(const pmm_listing_params_t *listing, pmm_fee_schedule_t *fees) {
  static const char *const names[] = {"venue", "none", "kalshi", "polymarket", "degen"};
  const char *const model = names[listing->fees];
  bool const crypto = listing->asset[0] != '\0';
  *fees = (pmm_fee_schedule_t){0};
  if (strcmp(model, "none") == 0) return;
  /* Another venue's schedule is not for this one to charge; its own stands in. Rates: fee page, 2026-10. */
  fees->model = PMM_FEE_POLYMARKET;
  fees->exponent = 1;
  fees->taker_rate_e6 = listing->taker_rate >= 0 ? (int32_t)(listing->taker_rate * 1e6 + 0.5) : crypto ? 70000 : 50000;
  fees->rebate_share_e6 = crypto ? 200000 : 250000;
}

static pmm_status_t dialect_market(const pmm_listing_params_t *listing, int64_t now_ns, uint64_t seed, pmm_market_t *market, pmm_error_t *err) {
  pmm_poly_word_t condition, token[2];
  pmm_market_t m;
  char id[PMM_POLY_HEX_WORD];
  if (listing->id[0] == '\0') return pmm_error_set(err, PMM_INVAL, "listing: id: empty");
  if (listing->grid[0] != '\0') return pmm_error_set(err, PMM_INVAL, "listing %s: grid: Polymarket knows one tick a market", listing->id);
  if (!pmm_poly_tick_is_valid(listing->tick_e4))
    return pmm_error_set(err, PMM_INVAL, "listing %s: tick: Polymarket has 0.1, 0.01, 0.005, 0.0025, 0.001 and 0.0001", listing->id);
  derive_ids(listing->id, seed, &condition, token);
  pmm_poly_hex(condition.b, sizeof condition.b, id);
  pmm_market_init(&m, id);
  if (snprintf(m.event, sizeof m.event, "%s", listing->event[0] ? listing->event : listing->id) >= (int)sizeof m.event)
    return pmm_error_set(err, PMM_INVAL, "listing %s: event: longer than %d bytes", listing->id, PMM_ID_MAX - 1);
  pmm_poly_word_to_decimal(&token[0], m.token_yes);
  pmm_poly_word_to_decimal(&token[1], m.token_no);
  m.venue = PMM_VENUE_POLYMARKET;
  pmm_grid_uniform(&m.grid, listing->tick_e4);
  /* Fills are in millionths. The smallest order is this dialect's to check: it binds orders that rest, not those that take. */
  m.lot_e6 = listing->lot_e6 > 0 ? listing->lot_e6 : 1;
  m.min_size_e6 = m.lot_e6;
  set_fees(listing, &m.fees);
  m.open_ns = now_ns;
  if (listing->duration_ns > 0) m.close_ns = now_ns + listing->duration_ns;
  m.strike_e8 = (int64_t)(listing->strike * 1e8 + 0.5);
  m.tie_is_yes = listing->asset[0] != '\0'; /* "Up" wins a tie */
  pmm_status_t const st = pmm_market_check(&m, err);
  if (st == PMM_OK) *market = m;
  return st;
}

static pmm_status_t dialect_list(pmm_service_t *service, uint32_t market, const pmm_listing_params_t *listing, pmm_error_t *err) {
  pmm__pd_t *const d = (pmm__pd_t *)service;
  if (market >= pmm_place_market_cnt(d->place)) return pmm_error_set(err, PMM_INVAL, "polymarket: no market %u", market);
  pmm__pd_market_t *const mk = &d->market[market];
  const pmm_market_t *const m = pmm_place_market(d->place, market);
  if (mk->listed) return pmm_error_set(err, PMM_EXISTS, "listing %s: already listed", listing->id);
  for (int i = 0; i < 2; i++)
    if (pmm_poly_word_from_decimal(pmm__pd_token(m, i), strlen(pmm__pd_token(m, i)), &mk->token[i]) != PMM_OK)
      return pmm_error_set(err, PMM_INVAL, "listing %s: token ids are no numbers", listing->id);
  for (int version = 1; version <= 3; version++) {
    pmm_status_t const st = pmm_poly_domain(version, listing->neg_risk, PMM_POLY_CHAIN_POLYGON, &mk->domain[version - 1]);
    assert(st == PMM_OK);
    (void)st;
  }
  mk->listed = true;
  mk->neg_risk = listing->neg_risk;
  mk->v3 = listing->exchange_v3;
  mk->itode = listing->asset[0] != '\0';
  mk->min_size_e6 = listing->min_size_e6 > 0 ? listing->min_size_e6 : 5 * PMM_ONE_E6;
  mk->listed_ns = mk->changed_ns = m->open_ns != PMM_TIME_NONE ? m->open_ns : 0;
  mk->tick_e4 = m->grid.tick_e4;
  mk->life = m->life;
  snprintf(mk->slug, sizeof mk->slug, "%s", listing->id);
  snprintf(mk->title, sizeof mk->title, "%s", listing->title[0] ? listing->title : listing->id);
  snprintf(mk->asset, sizeof mk->asset, "%s", listing->asset);
  pmm__pd_token_add(d, market);
  pmm__pd_new_market(d, market);
  return PMM_OK;
}

static pmm_status_t dialect_member(pmm_service_t *service, uint32_t account, const pmm_member_params_t *member, pmm_error_t *err) {
  pmm__pd_t *const d = (pmm__pd_t *)service;
  pmm__pd_member_t m = {.account = account, .orders = {.at_ns = PMM_TIME_NONE}, .cancels = {.at_ns = PMM_TIME_NONE}};
  if (member->polymarket_address[0] == '\0') return PMM_OK; /* comes in by other dialects only */
  if (d->member_cnt == PMM__PD_MEMBERS_MAX) return pmm_error_set(err, PMM_FULL, "member %s: more than %u members", member->name, PMM__PD_MEMBERS_MAX);
  if (pmm_poly_address_parse(member->polymarket_address, strlen(member->polymarket_address), &m.address) != PMM_OK)
    return pmm_error_set(err, PMM_INVAL, "member %s: polymarket_address: not 0x and 40 hex digits", member->name);
  m.has_funder = member->polymarket_funder[0] != '\0';
  if (m.has_funder && pmm_poly_address_parse(member->polymarket_funder, strlen(member->polymarket_funder), &m.funder) != PMM_OK)
    return pmm_error_set(err, PMM_INVAL, "member %s: polymarket_funder: not 0x and 40 hex digits", member->name);
  if (pmm__pd_member_of(d, &m.address) || (m.has_funder && pmm__pd_member_of(d, &m.funder)))
    return pmm_error_set(err, PMM_EXISTS, "member %s: its address belongs to another", member->name);
  d->member[d->member_cnt++] = m;
  return PMM_OK;
}

/* -- states of the venue -- */
void pmm_polymarket_restart(pmm_service_t *service, int64_t now_ns, int64_t restart_ns, int64_t post_only_ns) {
  int64_t const until_ns = now_ns + restart_ns;
  ((pmm__pd_t *)service)->restart_until_ns = until_ns;
  pmm_polymarket_phase(service, PMM_PHASE_POST_ONLY, until_ns > PMM_NS_MAX - post_only_ns ? PMM_NS_MAX : until_ns + post_only_ns);
}

void pmm_polymarket_phase(pmm_service_t *service, pmm_phase_t phase, int64_t until_ns) {
  pmm__pd_t *const d = (pmm__pd_t *)service;
  d->phase = phase;
  d->phase_until_ns = until_ns;
}

void pmm_polymarket_disable(pmm_service_t *service, bool disabled) { ((pmm__pd_t *)service)->disabled = disabled; }

void pmm_polymarket_version(pmm_service_t *service, int version) {
  assert(version == 1 || version == 2);
  ((pmm__pd_t *)service)->version = version;
}

/* By name, for the operator's calls. A restart is followed by the venue's two minutes of post-only. */
static pmm_status_t dialect_state(pmm_service_t *service, const char *name, int64_t value_e9, int64_t now_ns) {
  int64_t const until_ns = value_e9 > PMM_NS_MAX - now_ns ? PMM_NS_MAX : now_ns + value_e9;
  if (value_e9 < 0) return PMM_INVAL;
  if (strcmp(name, "restart") == 0) pmm_polymarket_restart(service, now_ns, until_ns - now_ns, 120 * PMM_NS_PER_S);
  else if (strcmp(name, "post_only") == 0) pmm_polymarket_phase(service, PMM_PHASE_POST_ONLY, until_ns);
  else if (strcmp(name, "cancel_only") == 0) pmm_polymarket_phase(service, PMM_PHASE_CANCEL_ONLY, until_ns);
  else if (strcmp(name, "disabled") == 0) pmm_polymarket_disable(service, value_e9 != 0);
  else if (strcmp(name, "version") != 0) return PMM_NOT_FOUND;
  else if (value_e9 != 1 * PMM_NS_PER_S && value_e9 != 2 * PMM_NS_PER_S) return PMM_INVAL;
  else pmm_polymarket_version(service, (int)(value_e9 / PMM_NS_PER_S));
  return PMM_OK;
}

static const pmm_header_t limited[] = {
    {"Retry-After", "1"}, {"Poly-RateLimit-Remaining", "0"}, {"Poly-RateLimit-Reset", "1"}, {"Poly-RateLimit-Tier", "standard"}};
const pmm_dialect_ops_t pmm_polymarket_dialect = {
    .venue = PMM_VENUE_POLYMARKET,
    .open = dialect_open,
    .close = dialect_close,
    .list = dialect_list,
    .member = dialect_member,
    .market = dialect_market,
    .state = dialect_state,
    .bodies = {.rate_limited = "{\"error\":\"Too Many Requests\"}",
               .error = "{\"error\":\"could not insert order\"}",
               .header = limited,
               .header_cnt = 4},
};
