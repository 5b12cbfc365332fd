/* The Degen dialect as a service: its life, routes, and time. */
#include <assert.h>
#include <openssl/crypto.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "server/degen/impl.h"

/* ---- routes ---- */

#define PARTS_MAX 4
typedef struct path { char buf[512]; const char *part[PARTS_MAX]; size_t cnt; } path_t;

static int hex_of(char c) { return c >= '0' && c <= '9' ? c - '0' : c >= 'a' && c <= 'f' ? c - 'a' + 10 : c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1; }

/* Segments, percent-decoded after they are told apart. False: too long, too many, or a bad escape. */
static bool split(const char *path, path_t *out) {
  size_t n = 0;
  out->cnt = 0;
  for (const char *at = path; *at; at++) {
    if (*at == '/') {
      if (at[1] == 0 || at[1] == '/') return false;
      if (out->cnt == PARTS_MAX || n + 1 >= sizeof out->buf) return false;
      if (n > 0) out->buf[n++] = 0;
      out->part[out->cnt++] = out->buf + n;
      continue;
    }
    char c = *at;
    if (c == '%') {
      int const high = hex_of(at[1]), low = high < 0 ? -1 : hex_of(at[2]);
      if (low < 0 || high + low == 0) return false;
      c = (char)(high << 4 | low);
      at += 2;
    }
    if (out->cnt == 0 || n + 1 >= sizeof out->buf) return false;
    out->buf[n++] = c;
  }
  out->buf[n] = 0;
  return out->cnt > 0;
}

typedef struct call { pmm__dd_req_t r; path_t path; const char *method, *query; const pmm_json_node_t *body; } call_t;

static bool is(const call_t *c, const char *method, size_t cnt, const char *first) {
  return strcmp(c->method, method) == 0 && c->path.cnt == cnt && strcmp(c->path.part[0], first) == 0;
}

static bool needs_body(call_t *c) {
  if (c->body) return true;
  pmm__dd_fail(&c->r, PMM__DD_BAD_REQUEST, NULL, "the body is not a JSON object");
  return false;
}

/* True: it was one of the public calls. */
static bool route_public(call_t *c) {
  pmm__dd_req_t *const r = &c->r;
  if (is(c, "GET", 1, "markets")) pmm__dd_markets(r, c->query);
  else if (is(c, "GET", 2, "markets")) pmm__dd_market_get(r, c->path.part[1]);
  else if (is(c, "GET", 3, "markets") && strcmp(c->path.part[2], "book") == 0) pmm__dd_book_get(r, c->path.part[1], c->query);
  else if (is(c, "GET", 3, "markets") && strcmp(c->path.part[2], "trades") == 0) pmm__dd_trades(r, c->path.part[1], c->query);
  else return false;
  return true;
}

static bool is_private(const call_t *c) {
  return is(c, "POST", 1, "orders") || is(c, "GET", 1, "orders") || is(c, "DELETE", 1, "orders") || is(c, "GET", 2, "orders") ||
         is(c, "DELETE", 2, "orders") || is(c, "PATCH", 2, "orders") || is(c, "GET", 1, "fills") || is(c, "GET", 1, "positions") ||
         is(c, "GET", 1, "balance") || is(c, "POST", 1, "heartbeat");
}

static void route_private(call_t *c) {
  pmm__dd_req_t *const r = &c->r;
  const char *const id = c->path.part[1];
  if (is(c, "GET", 1, "orders")) pmm__dd_orders(r, c->query);
  else if (is(c, "GET", 2, "orders")) pmm__dd_order_get(r, id);
  else if (is(c, "DELETE", 2, "orders")) pmm__dd_cancel_one(r, id);
  else if (is(c, "GET", 1, "fills")) pmm__dd_fills(r, c->query);
  else if (is(c, "GET", 1, "positions")) pmm__dd_positions(r);
  else if (is(c, "GET", 1, "balance")) pmm__dd_balance(r);
  else if (!needs_body(c)) return;
  else if (is(c, "POST", 1, "orders")) pmm__dd_place(r, c->body);
  else if (is(c, "DELETE", 1, "orders")) pmm__dd_cancel(r, c->body);
  else if (is(c, "PATCH", 2, "orders")) pmm__dd_amend(r, id, c->body);
  else pmm__dd_beat(r, c->body);
}

static void route(call_t *c, const pmm_request_t *request) {
  if (!split(request->path, &c->path)) {
    pmm__dd_fail(&c->r, PMM__DD_NOT_FOUND, NULL, "no such path");
    return;
  }
  if (route_public(c)) return;
  if (!is_private(c)) {
    pmm__dd_fail(&c->r, PMM__DD_NOT_FOUND, NULL, "no such call");
    return;
  }
  int64_t until_ns;
  c->r.member = pmm__dd_bearer(c->r.d, request, c->r.now_ns, &until_ns);
  if (!c->r.member) {
    pmm__dd_fail(&c->r, PMM__DD_UNAUTHORIZED, NULL, "a valid bearer token is needed");
    return;
  }
  const pmm_json_node_t *body; /* parsed after the token: they share a parser */
  const char *why;
  size_t at;
  if (request->body_len > 0 && pmm_json_parse(c->r.d->parser, request->body, request->body_len, &body, &at, &why) == PMM_OK &&
      body->type == PMM_JSON_OBJECT)
    c->body = body;
  route_private(c);
}

static void on_http(pmm_service_t *service, pmm_call_t *call, const pmm_request_t *request) {
  pmm__dd_t *const d = (pmm__dd_t *)service;
  call_t c = {.r = {.d = d, .now_ns = pmm_service_now(service)}, .method = request->method, .query = request->query};
  char retry[24];
  pmm_header_t const header = {"Retry-After", retry};
  pmm_text_clear(&d->out);
  route(&c, request);
  if (c.r.error.code == PMM__DD_NONE && d->out.failed) pmm__dd_fail(&c.r, PMM__DD_INTERNAL, NULL, "no memory for the answer");
  if (c.r.error.code != PMM__DD_NONE) {
    pmm_text_clear(&d->out);
    pmm_text_object(&d->out, NULL);
    pmm__dd_put_error(&d->out, "error", &c.r.error);
    pmm_text_end(&d->out);
  }
  snprintf(retry, sizeof retry, "%lld", (long long)((c.r.error.retry_ns + PMM_NS_PER_S - 1) / PMM_NS_PER_S));
  size_t len;
  const char *const text = pmm_text_get(&d->out, &len);
  service->host_ops->reply(service->host, call, pmm__dd_http_status(c.r.error.code), &header, c.r.error.retry_ns > 0, text, len);
}

/* ---- time ---- */

static int64_t on_advance(pmm_service_t *service, int64_t now_ns) {
  pmm__dd_t *const d = (pmm__dd_t *)service;
  int64_t const place = pmm_place_advance(d->place, now_ns), beats = pmm__dd_beats_due(d, now_ns), socks = pmm__dd_socks_due(d, now_ns);
  return pmm_min64(place, pmm_min64(beats, socks));
}

static const pmm_service_ops_t service_ops = {
    .name = "degen",
    .http = on_http,
    .upgrade = pmm__dd_upgrade,
    .message = pmm__dd_message,
    .pong = pmm__dd_pong,
    .closed = pmm__dd_closed,
    .advance = on_advance,
};

/* ---- life ---- */

static void dialect_close(pmm_service_t *service) {
  if (!service) return;
  pmm__dd_t *const d = (pmm__dd_t *)service;
  pmm_place_listen(d->place, (pmm_place_listener_t){0});
  while (d->socks) {
    pmm__dd_sock_t *const s = d->socks;
    d->socks = s->next;
    free(s);
  }
  if (d->member) OPENSSL_cleanse(d->member, PMM__DD_MEMBERS_MAX * sizeof *d->member);
  pmm_text_free(&d->out);
  pmm_text_free(&d->message);
  pmm_json_free(d->parser);
  free(d->market);
  free(d->member);
  free(d->change);
  free(d->past);
  free(d);
}

static pmm_status_t dialect_open(pmm_service_t **service, const pmm_dialect_config_t *config, pmm_error_t *err) {
  pmm__dd_t *const d = calloc(1, sizeof *d);
  if (!d) return pmm_error_set(err, PMM_FULL, "degen: no memory");
  d->service.ops = &service_ops;
  d->place = config->place;
  d->serve = config->serve;
  d->notices = config->notices;
  d->secret = config->secret;
  d->secret_ctx = config->secret_ctx;
  d->parser = pmm_json_new();
  d->market = calloc(PMM_PLACE_MARKETS_MAX, sizeof *d->market);
  d->member = calloc(PMM__DD_MEMBERS_MAX, sizeof *d->member);
  d->past = d->serve.lag_ns > 0 ? calloc(PMM__DD_PAST_MAX, sizeof *d->past) : NULL;
  if (!d->parser || !d->market || !d->member || (d->serve.lag_ns > 0 && !d->past)) {
    dialect_close(&d->service);
    return pmm_error_set(err, PMM_FULL, "degen: no memory");
  }
  pmm_place_listen(d->place, (pmm_place_listener_t){.fn = pmm__dd_told, .ctx = d});
  *service = &d->service;
  return PMM_OK;
}

/* ---- markets and members ---- */

static void set_fees(const pmm_listing_params_t *l, pmm_fee_schedule_t *fees) {
  bool const charges = (l->taker_rate > 0 || l->maker_rate > 0) && l->fees != 1; /* none by default; rates are shares of notional */
  *fees = (pmm_fee_schedule_t){0};
  if (!charges) return;
  fees->model = PMM_FEE_BPS;
  fees->taker_rate_e6 = (int32_t)(pmm_max64(0, (int64_t)(l->taker_rate * 1e6 + 0.5)));
  fees->maker_rate_e6 = (int32_t)(pmm_max64(0, (int64_t)(l->maker_rate * 1e6 + 0.5)));
}

static pmm_status_t dialect_market(const pmm_listing_params_t *l, int64_t now_ns, uint64_t seed, pmm_market_t *market, pmm_error_t *err) {
  (void)seed;
  pmm_market_t m;
  if (l->id[0] == 0 || strlen(l->id) >= PMM_ID_MAX) return pmm_error_set(err, PMM_INVAL, "listing '%.40s': id: 1 to %d bytes", l->id, PMM_ID_MAX - 1);
  if (strlen(l->event) >= PMM_ID_MAX) return pmm_error_set(err, PMM_INVAL, "listing %s: event: longer than %d bytes", l->id, PMM_ID_MAX - 1);
  if (l->grid[0] != 0) return pmm_error_set(err, PMM_INVAL, "listing %s: grid: Degen knows one tick a market", l->id);
  pmm_market_init(&m, l->id);
  strcpy(m.event, l->event[0] ? l->event : l->id);
  m.venue = PMM_VENUE_DEGEN;
  if (pmm_grid_uniform(&m.grid, l->tick_e4) != PMM_OK) return pmm_error_set(err, PMM_INVAL, "listing %s: tick: must divide a dollar", l->id);
  m.lot_e6 = l->lot_e6 > 0 ? l->lot_e6 : PMM_ONE_E6;
  m.min_size_e6 = l->min_size_e6 > 0 ? l->min_size_e6 : m.lot_e6;
  set_fees(l, &m.fees);
  m.open_ns = now_ns;
  if (l->duration_ns > 0) m.close_ns = now_ns + l->duration_ns;
  m.strike_e8 = (int64_t)(l->strike * 1e8 + 0.5);
  pmm_status_t const st = pmm_market_check(&m, err);
  if (st == PMM_OK) *market = m;
  return st;
}

static pmm_status_t dialect_list(pmm_service_t *service, uint32_t market, const pmm_listing_params_t *l, pmm_error_t *err) {
  pmm__dd_t *const d = (pmm__dd_t *)service;
  if (market >= pmm_place_market_cnt(d->place)) return pmm_error_set(err, PMM_INVAL, "degen: no market %u", market);
  if (d->market[market].listed) return pmm_error_set(err, PMM_EXISTS, "listing %s: listed already", l->id);
  d->market[market].listed = true;
  snprintf(d->market[market].asset, sizeof d->market[market].asset, "%s", l->asset);
  return PMM_OK;
}

/* Its own secret by the name of an environment variable, or the exchange's. One without either cannot come in here. */
static pmm_status_t dialect_member(pmm_service_t *service, uint32_t account, const pmm_member_params_t *params, pmm_error_t *err) {
  pmm__dd_t *const d = (pmm__dd_t *)service;
  const char *const name = params->degen_secret_env[0] ? params->degen_secret_env : "DEGEN_EXCHANGE_SECRET";
  const char *const secret = d->secret ? d->secret(d->secret_ctx, name) : NULL;
  if (!secret || !secret[0]) {
    if (params->degen_secret_env[0]) return pmm_error_set(err, PMM_NOT_FOUND, "member %s: %s is not set", params->name, name);
    pmm_notice(&d->notices, 0, PMM_WARN, "degen", "no-secret", PMM_NOTICE_NO_MARKET, "member %s cannot come in: %s is not set", params->name, name);
    return PMM_OK;
  }
  if (strlen(secret) < 16 || strlen(secret) >= PMM__DD_SECRET_MAX)
    return pmm_error_set(err, PMM_INVAL, "member %s: %s: a secret has 16 to %d bytes", params->name, name, PMM__DD_SECRET_MAX - 1);
  if (d->member_cnt == PMM__DD_MEMBERS_MAX) return pmm_error_set(err, PMM_FULL, "member %s: more than %u members", params->name, PMM__DD_MEMBERS_MAX);
  pmm__dd_member_t *const m = &d->member[d->member_cnt++];
  *m = (pmm__dd_member_t){.account = account, .beat_due_ns = PMM_NS_MAX};
  strcpy(m->secret, secret);
  pmm_bucket_init(&m->bucket, PMM__DD_RATE, PMM__DD_BURST, 0, 0, 0);
  return PMM_OK;
}

const pmm_dialect_ops_t pmm_degen_dialect = {
    .venue = PMM_VENUE_DEGEN,
    .open = dialect_open,
    .close = dialect_close,
    .list = dialect_list,
    .member = dialect_member,
    .market = dialect_market,
    .bodies = {.rate_limited = "{\"error\":{\"code\":\"rate_limited\",\"message\":\"too many requests\"}}",
               .error = "{\"error\":{\"code\":\"internal\",\"message\":\"try again\"}}",
               .header = (const pmm_header_t[]){{"Retry-After", "1"}},
               .header_cnt = 1},
};
