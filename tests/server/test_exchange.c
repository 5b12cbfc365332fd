/* The exchange put together: what it refuses to open, admin calls, markets that live and resolve by themselves, recordings, and all of it
   through a simulated network. */
#include <math.h>
#include <strings.h>
#include <unistd.h>
#include "degen_host.h"
#include "pmm/hash.h"
#include "pmm/param.h"
#include "pmm/tape.h"

#define NOW (INT64_C(1700000000) * SEC)
#define TOKEN "an admin token of some length"

typedef struct rig {
  pmm_serve_params_t serve[3];
  pmm_listing_params_t listing[4];
  pmm_member_params_t member[2];
  pmm_faults_params_t faults;
  pmm_scenario_params_t scenario;
  pmm_traders_params_t traders;
  pmm_exchange_config_t config;
  pmm_exchange_t *exchange;
  fake_host_t host[3];
} rig_t;

static const char *secret_of(void *ctx, const char *name) {
  (void)ctx;
  return strcmp(name, "DEGEN_EXCHANGE_SECRET") == 0 ? SECRET : NULL;
}

/* Three dialects, one market in each, two members, no traders. */
static void prepare(rig_t *r) {
  memset(r, 0, sizeof *r);
  for (int i = 0; i < 3; i++) {
    pmm_params_default(pmm_serve_param_table, pmm_serve_param_cnt, &r->serve[i]);
    r->serve[i].dialect = i; /* kalshi, polymarket, degen */
  }
  for (int i = 0; i < 4; i++) pmm_params_default(pmm_listing_param_table, pmm_listing_param_cnt, &r->listing[i]);
  strcpy(r->listing[0].id, "RAIN");
  for (int i = 0; i < 2; i++) pmm_params_default(pmm_member_param_table, pmm_member_param_cnt, &r->member[i]);
  strcpy(r->member[0].name, "me");
  strcpy(r->member[1].name, "other");
  r->member[0].cash_e6 = r->member[1].cash_e6 = 1000 * ONE;
  pmm_params_default(pmm_faults_param_table, pmm_faults_param_cnt, &r->faults);
  pmm_params_default(pmm_scenario_param_table, pmm_scenario_param_cnt, &r->scenario);
  r->config = (pmm_exchange_config_t){.serve = r->serve,
                                      .serve_cnt = 3,
                                      .listing = r->listing,
                                      .listing_cnt = 1,
                                      .member = r->member,
                                      .member_cnt = 2,
                                      .faults = &r->faults,
                                      .scenario = &r->scenario,
                                      .traders = &r->traders,
                                      .seed = 5,
                                      .start_ns = NOW,
                                      .admin_token = TOKEN,
                                      .secret = secret_of};
}

static void open_it(rig_t *r) {
  pmm_error_t err;
  if (pmm_exchange_open(&r->exchange, &r->config, &err) != PMM_OK) fail_msg("%s", err.text);
  for (uint32_t i = 0; i < r->config.serve_cnt; i++) fake_host(&r->host[i], pmm_exchange_service(r->exchange, i), NOW);
}

static void check_and_close(rig_t *r) {
  pmm_error_t err;
  for (uint32_t i = 0; i < r->config.serve_cnt; i++)
    if (pmm_place_check(pmm_exchange_place(r->exchange, i), &err) != PMM_OK) fail_msg("%s", err.text);
  pmm_exchange_close(r->exchange);
}

static void has(const char *text, const char *want) {
  if (!strstr(text, want)) fail_msg("no %s in %s", want, text);
}

static void refused(rig_t *r, const char *why) {
  pmm_error_t err = {0};
  pmm_exchange_t *x;
  assert_true(pmm_exchange_open(&x, &r->config, &err) != PMM_OK);
  has(err.text, why);
}

static void what_is_not_opened(void **state) {
  (void)state;
  rig_t r;
  prepare(&r);
  r.config.serve_cnt = 0;
  refused(&r, "serve");
  prepare(&r);
  r.config.admin_token = "short";
  refused(&r, "admin token");
  prepare(&r);
  r.serve[2].fail_share = 0.1;
  refused(&r, "final at once");
  prepare(&r);
  strcpy(r.listing[0].dialect, "nasdaq");
  refused(&r, "nasdaq");
  prepare(&r);
  r.config.listing_cnt = 2;
  r.listing[1] = r.listing[0];
  refused(&r, "already");
  prepare(&r);
  r.member[1] = r.member[0];
  refused(&r, "me");
  prepare(&r);
  strcpy(r.member[0].degen_secret_env, "NOT_SET");
  refused(&r, "NOT_SET");
  prepare(&r);
  strcpy(r.listing[0].tape, "/no/such/tape:X");
  refused(&r, "/no/such/tape");
}

static int admin(rig_t *r, uint32_t i, const char *method, const char *path, const char *body) { return ask(&r->host[i], TOKEN, method, path, body); }

static void admin_calls(void **state) {
  (void)state;
  rig_t r;
  prepare(&r);
  open_it(&r);
  const char *const body = r.host[2].body;
  assert_int_equal(ask(&r.host[2], NULL, "GET", "/admin/stats", NULL), 401);
  assert_int_equal(ask(&r.host[2], "an admin token of some lengtH", "GET", "/admin/stats", NULL), 401);
  assert_int_equal(ask(&r.host[2], NULL, "GET", "/administrator", NULL), 404); /* the dialect's own answer */
  has(body, "\"code\":\"not_found\"");
  for (uint32_t i = 0; i < 3; i++) {
    assert_int_equal(admin(&r, i, "GET", "/admin/check", NULL), 200);
    assert_string_equal(r.host[i].body, "{\"ok\":true,\"error\":null}");
  }
  static const struct { const char *method, *path, *body; int http; const char *want;
  } rows[] = {
      {"POST", "/admin/markets", "{\"id\":\"SNOW\",\"tick\":\"0.01\",\"duration\":\"1h\"}", 200,
       "{\"id\":\"SNOW\",\"market\":\"SNOW\",\"token_yes\":null,\"token_no\":null,\"life\":\"open\""},
      {"POST", "/admin/markets", "{\"id\":\"SNOW\"}", 409, "already"},
      {"POST", "/admin/markets", "{\"ids\":\"A\"}", 400, "no such setting"},
      {"POST", "/admin/markets", "{\"id\":\"A\",\"tick\":7}", 400, "tick"},
      {"POST", "/admin/markets", "{\"id\":[]}", 400, "not a value"},
      {"POST", "/admin/markets", "{", 400, "JSON"},
      {"POST", "/admin/markets", NULL, 400, "JSON"},
      {"POST", "/admin/markets", "{\"id\":\"T\",\"tape\":\"/no/such/tape\"}", 400, "/no/such/tape"},
      {"POST", "/admin/markets/T/halt", NULL, 404, "no such market"},
      {"POST", "/admin/markets/SNOW/halt", NULL, 200, "\"life\":\"halted\""},
      {"POST", "/admin/markets/SNOW/open", NULL, 200, "\"life\":\"open\""},
      {"POST", "/admin/markets/SNOW/tick", "{\"tick\":\"0.001\"}", 200, "\"tick\":\"0.001\""},
      {"POST", "/admin/markets/SNOW/tick", "{\"tick\":0.3}", 400, "error"},
      {"POST", "/admin/markets/SNOW/dance", NULL, 404, "error"},
      {"POST", "/admin/markets/HAIL/halt", NULL, 404, "no such market"},
      {"POST", "/admin/markets/SNOW/resolve", "{\"outcome\":\"maybe\"}", 400, "outcome"},
      {"POST", "/admin/markets/SNOW/resolve", "{\"outcome\":\"yes\",\"payout\":0.5}", 400, "payout"},
      {"POST", "/admin/markets/SNOW/close", NULL, 200, "\"life\":\"closed\""},
      {"POST", "/admin/markets/SNOW/open", NULL, 200, "\"life\":\"open\""},
      {"POST", "/admin/markets/SNOW/resolve", "{\"outcome\":\"void\",\"payout\":\"0.25\"}", 200, "\"life\":\"resolved\",\"outcome\":\"void\""},
      {"POST", "/admin/markets/SNOW/resolve", "{\"outcome\":\"yes\"}", 409, "resolved"},
      {"POST", "/admin/markets/SNOW/halt", NULL, 409, "error"},
      {"POST", "/admin/accounts", "{\"name\":\"third\",\"cash\":250}", 200, "{\"name\":\"third\",\"cash\":\"250.000000\",\"locked\":\"0.000000\""},
      {"POST", "/admin/accounts", "{\"name\":\"third\"}", 409, "third"},
      {"POST", "/admin/accounts/third/deposit", "{\"amount\":\"0.5\"}", 200, "\"cash\":\"250.500000\""},
      {"POST", "/admin/accounts/third/deposit", "{\"amount\":-300}", 409, "error"},
      {"POST", "/admin/accounts/third/deposit", "{}", 400, "amount"},
      {"GET", "/admin/accounts/nobody", NULL, 404, "no such account"},
      {"GET", "/admin/accounts/third", NULL, 200, "\"orders\":[]"},
      {"GET", "/admin/stats", NULL, 200, "\"accounts\":[\"me\",\"other\",\"third\"]"},
      {"POST", "/admin/faults", "{\"error_5xx\":1}", 200, "{\"ok\":true}"},
      {"POST", "/admin/faults", "{\"error_5xx\":2}", 400, "error_5xx"},
      {"GET", "/admin", NULL, 404, "error"},
      {"GET", "/admin/", NULL, 404, "error"},
      {"GET", "/admin/a/b/c/d/e", NULL, 404, "error"},
      {"GET", "/admin/accounts/%zz", NULL, 404, "error"},
  };
  for (size_t i = 0; i < CNT(rows); i++) {
    int const http = admin(&r, 2, rows[i].method, rows[i].path, rows[i].body);
    if (http != rows[i].http || !strstr(body, rows[i].want))
      fail_msg("%s %s %s: %d %s", rows[i].method, rows[i].path, rows[i].body ? rows[i].body : "", http, body);
  }
  assert_true(ask(&r.host[2], NULL, "GET", "/markets", NULL) >= 500); /* faults are on; admin calls do not suffer them */
  assert_int_equal(admin(&r, 2, "GET", "/admin/stats", NULL), 200);
  has(body, "\"errors\":1");
  char token[1024];
  token_for("third", 1700100000, token);
  admin(&r, 2, "POST", "/admin/faults", "{}");
  assert_int_equal(ask(&r.host[2], token, "GET", "/balance", NULL), 200);
  check_and_close(&r);
  prepare(&r);
  r.config.admin_token = NULL;
  open_it(&r);
  assert_int_equal(admin(&r, 0, "GET", "/admin/stats", NULL), 403);
  check_and_close(&r);
}

/* A condition id, a ticker, a name: the listing's name finds each. */
static void one_name_in_all_dialects(void **state) {
  (void)state;
  rig_t r;
  prepare(&r);
  open_it(&r);
  for (uint32_t i = 0; i < 3; i++) {
    assert_int_equal(admin(&r, i, "POST", "/admin/markets/RAIN/resolve", "{\"outcome\":\"no\"}"), 200);
    has(r.host[i].body, "\"outcome\":\"no\"");
  }
  check_and_close(&r);
}

static uint64_t trade_hash(const pmm_place_t *p) {
  uint64_t h = 0;
  for (uint64_t i = 1; i <= pmm_place_trade_cnt(p); i++) {
    const pmm_place_trade_t *const t = pmm_place_trade_at(p, i);
    h = pmm_hash_mix(pmm_hash_mix(h, (uint64_t)t->price_e4), (uint64_t)t->qty_e6);
  }
  return h;
}

/* Five minutes of traders in each dialect: one truth, other prices, and a pay-out at the end. */
static uint64_t lived(uint64_t seed) {
  rig_t r;
  prepare(&r);
  r.config.seed = seed;
  pmm_params_default(pmm_traders_param_table, pmm_traders_param_cnt, &r.traders);
  r.listing[0].duration_ns = 300 * SEC;
  open_it(&r);
  for (int64_t s = 0; s < 299; s++)
    for (uint32_t i = 0; i < 3; i++) {
      r.host[i].now_ns = NOW + s * SEC;
      r.host[i].service->ops->advance(r.host[i].service, r.host[i].now_ns);
    }
  double const truth = pmm_place_truth(pmm_exchange_place(r.exchange, 0), 0, NULL);
  assert_true(truth > 0 && truth < 1);
  uint64_t hash[3];
  for (uint32_t i = 0; i < 3; i++) {
    pmm_place_t *const p = pmm_exchange_place(r.exchange, i);
    assert_true(pmm_place_truth(p, 0, NULL) == truth);
    assert_true(pmm_place_trade_cnt(p) > 50);
    hash[i] = trade_hash(p);
    r.host[i].now_ns = NOW + 301 * SEC;
    r.host[i].service->ops->advance(r.host[i].service, r.host[i].now_ns);
    r.host[i].service->ops->advance(r.host[i].service, r.host[i].now_ns += 3600 * SEC); /* Kalshi takes its time to settle */
    const pmm_market_t *const m = pmm_place_market(p, 0);
    assert_int_equal(m->life, PMM_LIFE_RESOLVED);
    assert_int_equal(m->outcome, pmm_place_truth(p, 0, NULL) == 1 ? PMM_OUTCOME_YES : PMM_OUTCOME_NO);
  }
  assert_true(hash[0] != hash[1] && hash[1] != hash[2]);
  check_and_close(&r);
  return pmm_hash_mix(pmm_hash_mix(hash[0], hash[1]), hash[2]);
}

static void a_market_lives_and_pays(void **state) {
  (void)state;
  uint64_t const h = lived(5);
  assert_true(lived(5) == h); /* the same seed, the same day */
  assert_true(lived(6) != h);
}

static void a_recording_behind_a_market(void **state) {
  (void)state;
  char path[] = "/tmp/pmm-exchange-XXXXXX";
  int const fd = mkstemp(path);
  assert_true(fd >= 0);
  close(fd);
  pmm_tape_writer_t *w;
  pmm_market_t market;
  uint32_t index;
  pmm_error_t err;
  assert_int_equal(pmm_tape_create(&w, path, "", &err), PMM_OK);
  for (int i = 0; i < 2; i++) {
    pmm_market_init(&market, i ? "SECOND" : "FIRST");
    assert_int_equal(pmm_tape_add_market(w, &market, &index, &err), PMM_OK);
  }
  for (uint32_t k = 0; k < 2; k++) {
    pmm_md_t const md = {.recv_ns = 1000 + k,
                         .exch_ns = 1000,
                         .qty_e6 = 25 * ONE,
                         .price_e4 = 4000 + 100 * (int32_t)k,
                         .market = k,
                         .kind = PMM_MD_LEVEL,
                         .side = PMM_BID,
                         .flags = PMM_F_LAST};
    assert_int_equal(pmm_tape_append(w, &md, &err), PMM_OK);
  }
  assert_int_equal(pmm_tape_finish(w, NULL, &err), PMM_OK);
  rig_t r;
  prepare(&r);
  snprintf(r.listing[0].tape, sizeof r.listing[0].tape, "%s:SECOND", path);
  open_it(&r);
  r.host[2].service->ops->advance(r.host[2].service, NOW);
  assert_int_equal(ask(&r.host[2], NULL, "GET", "/markets/RAIN/book", NULL), 200);
  has(r.host[2].body, "\"yes\":{\"bids\":[[\"0.41\",\"25\"]]");
  check_and_close(&r);
  snprintf(r.listing[0].tape, sizeof r.listing[0].tape, "%s", path);
  refused(&r, "2 markets in it");
  snprintf(r.listing[0].tape, sizeof r.listing[0].tape, "%s:THIRD", path);
  refused(&r, "no market THIRD");
  unlink(path);
}

/* ---- through a simulated network ---- */

typedef struct client {
  pmm_net_t *net;
  pmm_ws_t *ws;
  uint32_t conn, opened;
  char token[1024], bearer[1100];
  uint64_t seq, gaps, deltas, fills;
  int http;
  char body[4096];
} client_t;

static pmm_status_t headers(void *ctx, pmm_header_t header[PMM_WS_HEADERS_MAX], size_t *cnt) {
  client_t *const c = ctx;
  header[0] = (pmm_header_t){"Authorization", c->bearer};
  *cnt = 1;
  return PMM_OK;
}

static void opened(void *ctx, uint32_t conn) {
  static const char text[] = "{\"op\":\"subscribe\",\"id\":1,\"channels\":[\"book\",\"fills\"]}";
  client_t *const c = ctx;
  c->conn = conn;
  c->opened++;
  assert_int_equal(pmm_ws_send(c->ws, conn, text, sizeof text - 1), PMM_OK);
}

static void on_text(void *ctx, uint32_t conn, const char *text, size_t len, int64_t recv_ns) {
  client_t *const c = ctx;
  char copy[8192];
  (void)conn, (void)recv_ns;
  snprintf(copy, sizeof copy, "%.*s", (int)len, text);
  const char *const at = strstr(copy, "\"seq\":");
  uint64_t const seq = at ? strtoull(at + 6, NULL, 10) : 0;
  if (strstr(copy, "\"type\":\"snapshot\"")) c->seq = seq;
  if (strstr(copy, "\"ch\":\"fills\"")) c->fills++;
  if (!strstr(copy, "\"type\":\"delta\"")) return;
  c->deltas++;
  if (seq != c->seq + 1) c->gaps++;
  c->seq = seq;
}

static int64_t on_closed(void *ctx, uint32_t conn, int code, int http, const char *why) {
  (void)ctx, (void)conn, (void)code, (void)http, (void)why;
  return 0;
}

static void on_done(void *ctx, uint64_t tag, const pmm_http_response_t *response) {
  client_t *const c = ctx;
  (void)tag;
  c->http = response->http;
  snprintf(c->body, sizeof c->body, "%.*s", (int)response->body_len, response->body);
}

static void post(client_t *c, const char *body) {
  pmm_header_t const header = {"Authorization", c->bearer};
  pmm_http_request_t const q = {.method = "POST",
                                .url = "http://degen/orders",
                                .header = &header,
                                .header_cnt = 1,
                                .body = body,
                                .body_len = strlen(body),
                                .done = on_done,
                                .ctx = c};
  c->http = -1;
  assert_int_equal(pmm_http_send(c->net, &q, NULL), PMM_OK);
}

/* Without faults no delta is missed; with lost messages and disconnects some are, and each snapshot starts afresh. */
static void over_a_network(rig_t *r, client_t *c) {
  pmm_error_t err;
  memset(c, 0, sizeof *c);
  r->traders.noise = 10;
  r->traders.reference = 2;
  r->traders.noise_rate = r->traders.reference_rate = 1;
  r->traders.size_mean = 10;
  r->traders.reference_half_spread = 0.02;
  if (pmm_exchange_open(&r->exchange, &r->config, &err) != PMM_OK) fail_msg("%s", err.text);
  pmm_vnet_config_t const v = {.start_ns = NOW, .seed = 3, .latency_ns = SEC / 100};
  assert_int_equal(pmm_vnet_open(&c->net, &v, &err), PMM_OK);
  assert_int_equal(pmm_vnet_host(c->net, "degen", pmm_exchange_service(r->exchange, 2), &err), PMM_OK);
  token_for("me", 1700100000, c->token);
  snprintf(c->bearer, sizeof c->bearer, "Bearer %s", c->token);
  pmm_ws_config_t const w = {.url = "ws://degen/ws", .headers = headers, .opened = opened, .message = on_text, .closed = on_closed, .ctx = c};
  assert_int_equal(pmm_ws_open(c->net, &w, &c->ws, &err), PMM_OK);
  for (int s = 1; s <= 120; s++) {
    pmm_vnet_run(c->net, s * SEC);
    if (s % 10 == 0) post(c, "{\"market\":\"RAIN\",\"outcome\":\"yes\",\"side\":\"bid\",\"price\":\"0.70\",\"size\":1,\"tif\":\"ioc\"}");
  }
  pmm_vnet_run(c->net, 130 * SEC);
  pmm_ws_close(c->ws);
  pmm_vnet_close(c->net);
  check_and_close(r);
}

static void through_a_network(void **state) {
  (void)state;
  rig_t r;
  client_t c;
  prepare(&r);
  over_a_network(&r, &c);
  assert_int_equal(c.http, 200);
  has(c.body, "\"status\":");
  assert_true(c.deltas > 100);
  assert_int_equal(c.gaps, 0);
  assert_int_equal(c.opened, 1); /* pings were answered: not dropped for silence */
  assert_true(c.fills > 5);
  prepare(&r);
  r.faults.lose = 0.05;
  r.faults.disconnect_per_s = 0.05;
  over_a_network(&r, &c);
  assert_true(c.gaps > 3);
  assert_true(c.opened > 1);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(what_is_not_opened),          cmocka_unit_test(admin_calls),
      cmocka_unit_test(one_name_in_all_dialects),    cmocka_unit_test(a_market_lives_and_pays),
      cmocka_unit_test(a_recording_behind_a_market), cmocka_unit_test(through_a_network),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
