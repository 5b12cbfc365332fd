/* The calls below /admin: whoever holds the exchange's token makes markets and accounts, moves markets through their lives, turns faults on,
   and looks into the books. Numbers are read as a configuration's are; docs/exchange-server.md has every call. */
#include <openssl/crypto.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>
#include "pmm/decimal.h"
#include "server/exchange_impl.h"

typedef struct admin {
  pmm__stall_t *s;
  pmm_text_t *t;
  const pmm_json_node_t *body;        /* NULL: none */
  int64_t now_ns;
  int http;
  pmm_error_t err;
} admin_t;

static void fail(admin_t *a, int http, const char *text) {
  a->http = http;
  pmm_error_set(&a->err, PMM_INVAL, "%s", text);
}

static void fail_with(admin_t *a, pmm_status_t st) {
  a->http = st == PMM_NOT_FOUND ? 404 : st == PMM_EXISTS || st == PMM_STATE || st == PMM_FUNDS ? 409 : 400;
  if (a->err.text[0] == 0) pmm_error_set(&a->err, st, "%s", pmm_status_to_string(st));
}

/* ---- reading ---- */

static bool text_of(const pmm_json_node_t *node, char *out, size_t cap) {
  if (!node || node->type == PMM_JSON_ARRAY || node->type == PMM_JSON_OBJECT || node->len >= cap || memchr(node->text, 0, node->len)) return false;
  memcpy(out, node->text, node->len);
  out[node->len] = 0;
  return true;
}

/* Members of an object into the fields of a settings struct, whose defaults are set first. */
static bool read_params(admin_t *a, const pmm_param_t *params, size_t cnt, void *out) {
  pmm_params_default(params, cnt, out);
  if (!a->body) return fail(a, 400, "the body is not a JSON object"), false;
  const pmm_json_node_t *const end = a->body + a->body->span;
  for (const pmm_json_node_t *key = a->body + 1; key < end; key = key + 1 + key[1].span) {
    char name[64], value[PMM_PARAM_TEXT_MAX];
    const pmm_param_t *const param = text_of(key, name, sizeof name) ? pmm_param_find(params, cnt, name) : NULL;
    if (!param || !text_of(key + 1, value, sizeof value)) {
      a->http = 400;
      pmm_error_set(&a->err, PMM_INVAL, "%.60s: %s", key->type == PMM_JSON_STRING && key->len < 60 ? name : "?",
                    param ? "not a value" : "no such setting");
      return false;
    }
    if (pmm_param_set(param, out, value, &a->err) != PMM_OK) return a->http = 400, false;
  }
  return true;
}

static bool read_number(admin_t *a, const char *key, int scale, int64_t *out) {
  const pmm_json_node_t *const node = pmm_json_get(a->body, key);
  if (node && (node->type == PMM_JSON_STRING || node->type == PMM_JSON_NUMBER) &&
      pmm_decimal_parse(node->text, node->len, scale, out, NULL) == PMM_OK)
    return true;
  a->http = 400;
  pmm_error_set(&a->err, PMM_PARSE, "%s: not a decimal number", key);
  return false;
}

/* ---- markets ---- */

static void put_market(admin_t *a, const char *key, uint32_t market) {
  const pmm_market_t *const m = pmm_place_market(a->s->place, market);
  pmm_place_stats_t s;
  pmm_place_stats(a->s->place, market, &s);
  pmm_text_object(a->t, key);
  pmm_text_string(a->t, "id", pmm__stall_name(a->s, market));
  pmm_text_string(a->t, "market", m->id);
  pmm_text_string(a->t, "token_yes", m->token_yes[0] ? m->token_yes : NULL);
  pmm_text_string(a->t, "token_no", m->token_no[0] ? m->token_no : NULL);
  pmm_text_string(a->t, "life", pmm_life_to_string((pmm_life_t)m->life));
  pmm_text_string(a->t, "outcome", m->life == PMM_LIFE_RESOLVED ? pmm_outcome_to_string((pmm_outcome_t)m->outcome) : NULL);
  pmm_text_decimal(a->t, "tick", m->grid.tick_e4, 4, 2);
  pmm_text_decimal(a->t, "volume", s.volume_e6, 6, 2);
  pmm_text_decimal(a->t, "open_interest", s.open_interest_e6, 6, 2);
  pmm_text_uint(a->t, "trades", s.trades);
  pmm_text_end(a->t);
}

static void list_market(admin_t *a) {
  pmm_listing_params_t listing = {0};
  uint32_t market;
  if (!read_params(a, pmm_listing_param_table, pmm_listing_param_cnt, &listing)) return;
  pmm_status_t const st = pmm__stall_list(a->s, &listing, 1000 + a->s->listed_cnt, a->now_ns, &market, &a->err);
  if (st != PMM_OK) fail_with(a, st);
  else put_market(a, NULL, market);
}

static pmm_status_t resolve(admin_t *a, uint32_t market) {
  char text[16];
  pmm_outcome_t outcome;
  int64_t payout;
  if (!text_of(pmm_json_get(a->body, "outcome"), text, sizeof text) || pmm_outcome_from_string(text, &outcome) != PMM_OK ||
      pmm_outcome_payout(outcome, &payout) != PMM_OK)
    return pmm_error_set(&a->err, PMM_INVAL, "outcome: yes, no or void");
  if (pmm_json_get(a->body, "payout") && !read_number(a, "payout", 6, &payout)) return PMM_INVAL;
  if (!pmm_match_payout_fits(outcome, payout)) return pmm_error_set(&a->err, PMM_INVAL, "payout: 1 for yes, 0 for no, 0 to 1 for void");
  uint8_t const life = pmm_place_market(a->s->place, market)->life;
  if (life == PMM_LIFE_PENDING) (void)pmm_place_life(a->s->place, market, a->now_ns, PMM_LIFE_OPEN, PMM_OUTCOME_UNKNOWN, 0);
  if (life <= PMM_LIFE_HALTED) (void)pmm_place_life(a->s->place, market, a->now_ns, PMM_LIFE_CLOSED, PMM_OUTCOME_UNKNOWN, 0);
  if (life == PMM_LIFE_RESOLVED) return pmm_error_set(&a->err, PMM_STATE, "the market has resolved");
  return pmm_place_life(a->s->place, market, a->now_ns, PMM_LIFE_RESOLVED, outcome, payout);
}

static pmm_status_t change_tick(admin_t *a, uint32_t market) {
  int64_t tick;
  if (!read_number(a, "tick", 4, &tick)) return PMM_INVAL;
  if (tick <= 0 || tick >= PMM_ONE_E4) return pmm_error_set(&a->err, PMM_INVAL, "tick: between 0 and 1");
  return pmm_place_regrid(a->s->place, market, a->now_ns, (int32_t)tick);
}

static void move_market(admin_t *a, const char *id, const char *how) {
  static const struct {
    const char *name;
    pmm_life_t life;
  } lives[] = {{"halt", PMM_LIFE_HALTED}, {"open", PMM_LIFE_OPEN}, {"close", PMM_LIFE_CLOSED}};
  uint32_t market;
  pmm_status_t st = PMM_NOT_FOUND;
  if (!pmm__stall_find(a->s, id, &market)) {
    fail(a, 404, "no such market");
    return;
  }
  for (size_t i = 0; i < sizeof lives / sizeof lives[0]; i++)
    if (strcmp(lives[i].name, how) == 0) st = pmm_place_life(a->s->place, market, a->now_ns, lives[i].life, PMM_OUTCOME_UNKNOWN, 0);
  if (strcmp(how, "resolve") == 0) st = resolve(a, market);
  if (strcmp(how, "tick") == 0) st = change_tick(a, market);
  if (st != PMM_OK) fail_with(a, st);
  else put_market(a, NULL, market);
}

/* ---- accounts ---- */

static void put_order(admin_t *a, const pmm_place_order_t *o) {
  static const char *const routes[] = {"buy_yes", "sell_no", "sell_yes", "buy_no"};
  pmm_text_object(a->t, NULL);
  pmm_text_string(a->t, "id", o->id);
  pmm_text_string(a->t, "client_id", o->client_id);
  pmm_text_string(a->t, "market", pmm_place_market(a->s->place, o->market)->id);
  pmm_text_string(a->t, "route", routes[o->route]);
  pmm_text_string(a->t, "side", pmm_route_side((pmm_route_t)o->route) == PMM_BID ? "bid" : "ask");
  pmm_text_decimal(a->t, "price", o->price_e4, 4, 4);
  pmm_text_decimal(a->t, "size", o->qty_e6, 6, 2);
  pmm_text_decimal(a->t, "open", o->open_e6, 6, 2);
  pmm_text_decimal(a->t, "filled", o->filled_e6, 6, 2);
  pmm_text_end(a->t);
}

static void put_holding(admin_t *a, uint32_t account, uint32_t market) {
  pmm_place_holding_t h;
  pmm_place_holding(a->s->place, account, market, &h);
  pmm_text_object(a->t, NULL);
  pmm_text_string(a->t, "id", pmm__stall_name(a->s, market));
  pmm_text_string(a->t, "market", pmm_place_market(a->s->place, market)->id);
  pmm_text_decimal(a->t, "yes", h.yes_e6, 6, 2);
  pmm_text_decimal(a->t, "no", h.no_e6, 6, 2);
  pmm_text_decimal(a->t, "yes_locked", h.yes_locked_e6, 6, 2);
  pmm_text_decimal(a->t, "no_locked", h.no_locked_e6, 6, 2);
  pmm_text_decimal(a->t, "yes_cost", h.yes_cost_e6, 6, 6);
  pmm_text_decimal(a->t, "no_cost", h.no_cost_e6, 6, 6);
  pmm_text_decimal(a->t, "realized", h.realized_e6, 6, 6);
  pmm_text_decimal(a->t, "fees", h.fees_e6, 6, 6);
  pmm_text_end(a->t);
}

static void put_account(admin_t *a, uint32_t account) {
  const pmm_place_t *const p = a->s->place;
  int64_t locked, fees = 0;
  int64_t const cash = pmm_place_cash(p, account, &locked);
  const pmm_place_fill_t *const last = pmm_place_fill_before(p, account, PMM_PLACE_NONE);
  for (uint32_t i = 0; i < pmm_place_market_cnt(p); i++) {
    pmm_place_holding_t h;
    pmm_place_holding(p, account, i, &h);
    fees += h.fees_e6;
  }
  pmm_text_object(a->t, NULL);
  pmm_text_string(a->t, "name", pmm_place_account_name(p, account));
  pmm_text_decimal(a->t, "cash", cash, 6, 6);
  pmm_text_decimal(a->t, "locked", locked, 6, 6);
  pmm_text_decimal(a->t, "fees", fees, 6, 6);
  pmm_text_uint(a->t, "fills", last ? last->account_seq : 0);
  pmm_text_array(a->t, "holdings");
  for (uint32_t i = 0; i < pmm_place_market_cnt(p); i++) put_holding(a, account, i);
  pmm_text_end(a->t);
  pmm_text_array(a->t, "orders");
  for (const pmm_place_order_t *o = pmm_place_open_after(p, account, 0); o; o = pmm_place_open_after(p, account, o->seq)) put_order(a, o);
  pmm_text_end(a->t);
  pmm_text_end(a->t);
}

static bool account_of(admin_t *a, const char *name, uint32_t *account) {
  if (pmm_place_account_find(a->s->place, name, account) == PMM_OK) return true;
  fail(a, 404, "no such account");
  return false;
}

static void add_account(admin_t *a) {
  pmm_member_params_t member = {0};
  uint32_t account;
  if (!read_params(a, pmm_member_param_table, pmm_member_param_cnt, &member)) return;
  pmm_status_t const st = pmm__stall_member(a->s, &member, &a->err);
  if (st != PMM_OK) fail_with(a, st);
  else if (account_of(a, member.name, &account)) put_account(a, account);
}

static void deposit(admin_t *a, const char *name) {
  uint32_t account;
  int64_t amount;
  if (!account_of(a, name, &account) || !read_number(a, "amount", 6, &amount)) return;
  pmm_status_t const st = pmm_place_deposit(a->s->place, account, amount, a->now_ns);
  if (st != PMM_OK) fail_with(a, st);
  else put_account(a, account);
}

/* ---- the whole ---- */

static void check(admin_t *a) {
  pmm_error_t err = {0};
  bool const ok = pmm_place_check(a->s->place, &err) == PMM_OK;
  pmm_text_object(a->t, NULL);
  pmm_text_bool(a->t, "ok", ok);
  pmm_text_string(a->t, "error", ok ? NULL : err.text);
  pmm_text_end(a->t);
}

static void set_faults(admin_t *a) {
  pmm_faults_params_t faults = {0};
  if (!read_params(a, pmm_faults_param_table, pmm_faults_param_cnt, &faults)) return;
  pmm_faults_set(a->s->faulty, &faults);
  pmm_text_object(a->t, NULL);
  pmm_text_bool(a->t, "ok", true);
  pmm_text_end(a->t);
}

static void put_faults(admin_t *a) {
  const pmm_faults_stats_t *const f = pmm_faults_stats(a->s->faulty);
  struct {
    const char *name;
    uint64_t cnt;
  } const rows[] = {{"requests", f->requests},   {"dropped", f->dropped}, {"lost_answers", f->lost_answers},
                    {"errors", f->errors},       {"limited", f->limited}, {"duplicated", f->duplicated},
                    {"reordered", f->reordered}, {"lost", f->lost},       {"disconnects", f->disconnects},
                    {"mutes", f->mutes},         {"slowed", f->slowed}};
  pmm_text_object(a->t, "faults");
  for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) pmm_text_uint(a->t, rows[i].name, rows[i].cnt);
  pmm_text_end(a->t);
}

static void put_stats(admin_t *a) {
  const pmm_place_t *const p = a->s->place;
  pmm_text_object(a->t, NULL);
  pmm_text_string(a->t, "dialect", pmm_venue_to_string(a->s->dialect->venue));
  pmm_text_int(a->t, "ts", a->now_ns / PMM_NS_PER_MS);
  pmm_text_uint(a->t, "orders", pmm_place_order_cnt(p));
  pmm_text_uint(a->t, "trades", pmm_place_trade_cnt(p));
  pmm_text_array(a->t, "accounts");
  for (uint32_t i = 0; i < pmm_place_account_cnt(p); i++)
    if (!pmm_place_is_background(p, i)) pmm_text_string(a->t, NULL, pmm_place_account_name(p, i));
  pmm_text_end(a->t);
  pmm_text_array(a->t, "markets");
  for (uint32_t i = 0; i < pmm_place_market_cnt(p); i++) put_market(a, NULL, i);
  pmm_text_end(a->t);
  put_faults(a);
  pmm_text_end(a->t);
}

static void set_state(admin_t *a) {
  char name[64];
  int64_t value;
  if (!text_of(pmm_json_get(a->body, "state"), name, sizeof name)) return fail(a, 400, "state: not a text");
  if (!read_number(a, "value", 9, &value)) return;
  pmm_status_t const st = a->s->dialect->state ? a->s->dialect->state(a->s->inner, name, value, a->now_ns) : PMM_NOT_FOUND;
  if (st != PMM_OK) return fail_with(a, st);
  pmm_text_object(a->t, NULL);
  pmm_text_bool(a->t, "ok", true);
  pmm_text_end(a->t);
}

/* ---- routes ---- */

#define PARTS_MAX 4
typedef struct path { char buf[1024]; const char *part[PARTS_MAX]; size_t cnt; } path_t;

/* The parts behind /admin, split where they are plain text, then decoded by the query reader, which has the same escapes (names and ids hold
   no '+'). */
static bool split(const char *path, path_t *out) {
  size_t used = 0;
  out->cnt = 0;
  for (const char *at = path; *at == '/'; ) {
    size_t const len = strcspn(at + 1, "/");
    char query[512];
    if (len == 0 || len > 400 || out->cnt == PARTS_MAX) return false;
    snprintf(query, sizeof query, "x=%.*s", (int)len, at + 1);
    if (pmm_query_get(query, "x", 0, out->buf + used, sizeof out->buf - used) != PMM_OK) return false;
    out->part[out->cnt++] = out->buf + used;
    used += strlen(out->buf + used) + 1;
    at += 1 + len;
  }
  return true;
}

static void route(admin_t *a, const char *method, const path_t *p) {
  bool const post = strcmp(method, "POST") == 0, get = strcmp(method, "GET") == 0;
  const char *const what = p->cnt > 0 ? p->part[0] : "";
  bool const markets = strcmp(what, "markets") == 0, accounts = strcmp(what, "accounts") == 0;
  uint32_t account;
  if (post && markets && p->cnt == 1) list_market(a);
  else if (post && markets && p->cnt == 3) move_market(a, p->part[1], p->part[2]);
  else if (post && accounts && p->cnt == 1) add_account(a);
  else if (post && accounts && p->cnt == 3 && strcmp(p->part[2], "deposit") == 0) deposit(a, p->part[1]);
  else if (get && accounts && p->cnt == 2) (void)(account_of(a, p->part[1], &account) && (put_account(a, account), true));
  else if (get && p->cnt == 1 && strcmp(what, "check") == 0) check(a);
  else if (post && p->cnt == 1 && strcmp(what, "faults") == 0) set_faults(a);
  else if (get && p->cnt == 1 && strcmp(what, "stats") == 0) put_stats(a);
  else if (post && p->cnt == 1 && strcmp(what, "venue") == 0) set_state(a);
  else fail(a, 404, "no such call");
}

static bool is_admin(const pmm_exchange_t *x, const pmm_request_t *request) {
  const char *const header = pmm_request_header(request, "authorization");
  size_t const len = strlen(x->admin_token);
  return len > 0 && header && strncasecmp(header, "Bearer ", 7) == 0 && strlen(header + 7) == len &&
         CRYPTO_memcmp(header + 7, x->admin_token, len) == 0;
}

static void run(admin_t *a, const pmm_request_t *request) {
  pmm_exchange_t *const x = a->s->exchange;
  const pmm_json_node_t *body;
  const char *why;
  size_t at;
  path_t path;
  if (!is_admin(x, request)) {
    fail(a, x->admin_token[0] ? 401 : 403, x->admin_token[0] ? "the admin token is needed" : "the exchange was started without an admin token");
  } else if (!split(request->path + strlen("/admin"), &path)) {
    fail(a, 404, "no such call");
  } else if (request->body_len > 0 &&
             (pmm_json_parse(x->parser, request->body, request->body_len, &body, &at, &why) != PMM_OK || body->type != PMM_JSON_OBJECT)) {
    fail(a, 400, "the body is not a JSON object");
  } else {
    a->body = request->body_len > 0 ? body : NULL;
    route(a, request->method, &path);
  }
}

bool pmm__admin_http(pmm__stall_t *s, pmm_call_t *call, const pmm_request_t *request) {
  if (strncmp(request->path, "/admin", 6) != 0 || (request->path[6] != 0 && request->path[6] != '/')) return false;
  admin_t a = {.s = s, .t = &s->exchange->out, .now_ns = pmm_service_now(&s->service), .http = 200};
  pmm_text_clear(a.t);
  run(&a, request);
  if (a.http != 200) {
    pmm_text_clear(a.t);
    pmm_text_object(a.t, NULL);
    pmm_text_string(a.t, "error", a.err.text);
    pmm_text_end(a.t);
  }
  size_t len;
  const char *const text = pmm_text_get(a.t, &len);
  pmm_service_reply(&s->service, call, a.http, text, len);
  s->service.host_ops->wake(s->service.host); /* what was asked may be due to something else next */
  return true;
}
