/* The Degen dialect call by call, in process: what is answered, pushed, refused. */
#include <strings.h>
#include "degen_host.h"
#include "pmm/degen.h"

#define NOW (INT64_C(1700000000) * SEC)

typedef struct rig {
  pmm_place_t *place;
  pmm_service_t *service;
  fake_host_t host;
  uint32_t me, other;
  char token[1024], theirs[1024];
} rig_t;

static const char *secret_of(void *ctx, const char *name) {
  (void)ctx;
  return strcmp(name, "DEGEN_EXCHANGE_SECRET") == 0 ? SECRET : strcmp(name, "THEIR_SECRET") == 0 ? "another secret, as long" : NULL;
}

static void list(rig_t *r, const char *id, int64_t duration_ns) {
  pmm_listing_params_t l = {.tick_e4 = 100, .duration_ns = duration_ns, .strike = 95000, .taker_rate = -1, .maker_rate = -1};
  strcpy(l.id, id);
  strcpy(l.asset, "BTC");
  pmm_market_t market;
  uint32_t index;
  assert_int_equal(pmm_degen_dialect.market(&l, r->host.now_ns, 1, &market, NULL), PMM_OK);
  assert_int_equal(pmm_place_market_add(r->place, &market, r->host.now_ns, &index, NULL), PMM_OK);
  assert_int_equal(pmm_degen_dialect.list(r->service, index, &l, NULL), PMM_OK);
}

static void setup_with(rig_t *r, pmm_serve_params_t serve) {
  memset(r, 0, sizeof *r);
  pmm_error_t err;
  pmm_place_config_t const c = {.venue = PMM_VENUE_DEGEN, .accounts_max = 8, .markets_max = 8, .seed = 1};
  assert_int_equal(pmm_place_open(&r->place, &c, &err), PMM_OK);
  pmm_dialect_config_t const d = {.serve = serve, .place = r->place, .secret = secret_of};
  assert_int_equal(pmm_degen_dialect.open(&r->service, &d, &err), PMM_OK);
  fake_host(&r->host, r->service, NOW);
  list(r, "BTC-95K", 3600 * SEC);
  const char *const names[] = {"me", "other"};
  uint32_t *const accounts[] = {&r->me, &r->other};
  for (int i = 0; i < 2; i++) {
    pmm_member_params_t m = {0};
    strcpy(m.name, names[i]);
    assert_int_equal(pmm_place_account_add(r->place, names[i], 1000 * ONE, accounts[i], &err), PMM_OK);
    assert_int_equal(pmm_degen_dialect.member(r->service, *accounts[i], &m, &err), PMM_OK);
  }
  token_for("me", 1700100000, r->token);
  token_for("other", 1700100000, r->theirs);
}

static void setup(rig_t *r) { setup_with(r, (pmm_serve_params_t){.rate_limit = true}); }

static void teardown(rig_t *r) {
  pmm_error_t err;
  if (pmm_place_check(r->place, &err) != PMM_OK) fail_msg("%s", err.text);
  pmm_degen_dialect.close(r->service);
  pmm_place_close(r->place);
}

static void has(const char *text, const char *want) {
  if (!strstr(text, want)) fail_msg("no %s in %s", want, text);
}

#define BID(price, size, more) "{\"market\":\"BTC-95K\",\"outcome\":\"yes\",\"side\":\"bid\",\"price\":\"" price "\",\"size\":\"" size "\"" more "}"
#define NO_BID(price, size, more) "{\"market\":\"BTC-95K\",\"outcome\":\"no\",\"side\":\"bid\",\"price\":" price ",\"size\":" size more "}"

/* The value of the nth "id" in the last answer. */
static void id_of(const rig_t *r, char id[64]) {
  const char *const at = strstr(r->host.body, "\"id\":\"");
  assert_non_null(at);
  snprintf(id, 64, "%.36s", at + 6);
}

static void tokens(void **state) {
  (void)state;
  rig_t r;
  setup(&r);
  char t[1024];
  assert_int_equal(ask(&r.host, r.token, "GET", "/balance", NULL), 200);
  assert_string_equal(r.host.body, "{\"cash\":\"1000.00\",\"locked\":\"0.00\",\"available\":\"1000.00\"}");
  static const struct { const char *why, *header, *claims, *secret; } bad[] = {
    {"no algorithm", "{\"alg\":\"none\"}", "{\"sub\":\"me\",\"exp\":1700100000}", SECRET},
    {"another algorithm", "{\"alg\":\"HS512\"}", "{\"sub\":\"me\",\"exp\":1700100000}", SECRET},
    {"another secret", "{\"alg\":\"HS256\"}", "{\"sub\":\"me\",\"exp\":1700100000}", "a secret of some other"},
    {"expired", "{\"alg\":\"HS256\"}", "{\"sub\":\"me\",\"exp\":1700000000}", SECRET},
    {"no expiry", "{\"alg\":\"HS256\"}", "{\"sub\":\"me\"}", SECRET},
    {"expiry as text", "{\"alg\":\"HS256\"}", "{\"sub\":\"me\",\"exp\":\"1700100000\"}", SECRET},
    {"nobody", "{\"alg\":\"HS256\"}", "{\"sub\":\"you\",\"exp\":1700100000}", SECRET},
    {"no JSON", "{\"alg\":\"HS256\"}", "me", SECRET},
  };
  for (size_t i = 0; i < CNT(bad); i++) {
    mint(bad[i].header, bad[i].claims, bad[i].secret, t);
    if (ask(&r.host, t, "GET", "/balance", NULL) != 401) fail_msg("%s", bad[i].why);
    has(r.host.body, "\"code\":\"unauthorized\"");
  }
  mint("{\"alg\":\"HS256\"}", "{\"sub\":\"me\",\"exp\":1700100000.5}", SECRET, t);
  assert_int_equal(ask(&r.host, t, "GET", "/balance", NULL), 200);
  t[strlen(t) - 1] ^= 1;
  assert_int_equal(ask(&r.host, t, "GET", "/balance", NULL), 401);
  const char *const garbage[] = {"", ".", "..", "...", "a.b.c", "eyJ.eyJ.", r.token + 1};
  for (size_t i = 0; i < CNT(garbage); i++) assert_int_equal(ask(&r.host, garbage[i], "GET", "/balance", NULL), 401);
  assert_int_equal(ask(&r.host, NULL, "GET", "/balance", NULL), 401);
  assert_int_equal(pmm_degen_token_mint(SECRET, sizeof SECRET - 1, "me", 1700000000, 1700000600, t, sizeof t), PMM_OK); /* the adapter's own */
  assert_int_equal(ask(&r.host, t, "GET", "/balance", NULL), 200);
  pmm_member_params_t m = {.name = "own"};
  uint32_t own;
  pmm_error_t err;
  strcpy(m.degen_secret_env, "NOT_SET");
  assert_int_equal(pmm_place_account_add(r.place, "own", 0, &own, &err), PMM_OK);
  assert_int_equal(pmm_degen_dialect.member(r.service, own, &m, &err), PMM_NOT_FOUND);
  strcpy(m.degen_secret_env, "THEIR_SECRET");
  assert_int_equal(pmm_degen_dialect.member(r.service, own, &m, &err), PMM_OK);
  mint("{\"alg\":\"HS256\"}", "{\"sub\":\"own\",\"exp\":1700100000}", "another secret, as long", t);
  assert_int_equal(ask(&r.host, t, "GET", "/balance", NULL), 200);
  mint("{\"alg\":\"HS256\"}", "{\"sub\":\"me\",\"exp\":1700100000}", "another secret, as long", t);
  assert_int_equal(ask(&r.host, t, "GET", "/balance", NULL), 401); /* its secret does not speak for others */
  teardown(&r);
}

static void orders(void **state) {
  (void)state;
  rig_t r;
  char id[64], path[128];
  setup(&r);
  assert_int_equal(ask(&r.host, r.token, "POST", "/orders", BID("0.48", "120", ",\"client_id\":\"a1\"")), 200);
  id_of(&r, id);
  has(r.host.body, "\"client_id\":\"a1\",\"market\":\"BTC-95K\",\"side\":\"bid\",\"outcome\":\"yes\",\"price\":\"0.48\",\"size\":\"120\",\"filled\":"
                   "\"0\",\"remaining\":\"120\",\"status\":\"open\",\"reason\":null,\"ts\":1700000000000}");
  assert_int_equal(ask(&r.host, NULL, "GET", "/markets/BTC-95K/book", NULL), 200);
  has(r.host.body, "{\"market\":\"BTC-95K\",\"seq\":1,\"ts\":1700000000000,\"yes\":{\"bids\":[[\"0.48\",\"120\"]],\"asks\":[]},\"no\":{\"bids\":[],"
                   "\"asks\":[[\"0.52\",\"120\"]]}}");
  assert_int_equal(ask(&r.host, r.token, "GET", "/balance", NULL), 200);
  has(r.host.body, "\"locked\":\"57.60\"");
  assert_int_equal(ask(&r.host, r.theirs, "POST", "/orders", NO_BID("0.52", "20", "")), 200); /* numbers will do; a pair is minted */
  has(r.host.body, "\"outcome\":\"no\",\"price\":\"0.52\",\"size\":\"20\",\"filled\":\"20\",\"remaining\":\"0\",\"status\":\"filled\"");
  snprintf(path, sizeof path, "/orders/%s", id);
  assert_int_equal(ask(&r.host, r.token, "GET", path, NULL), 200);
  has(r.host.body, "\"filled\":\"20\",\"remaining\":\"100\"");
  assert_int_equal(ask(&r.host, r.theirs, "GET", path, NULL), 404);
  assert_int_equal(ask(&r.host, r.theirs, "DELETE", path, NULL), 200); /* somebody else's is not there */
  has(r.host.body, "\"cancelled\":[],\"not_found\":[\"");
  assert_int_equal(ask(&r.host, r.token, "GET", "/fills", NULL), 200);
  has(r.host.body, "{\"fills\":[{\"seq\":1,\"id\":\"");
  has(r.host.body, "\"client_id\":\"a1\",\"market\":\"BTC-95K\",\"outcome\":\"yes\",\"price\":\"0.48\",\"side\":\"bid\",\"size\":\"20\",\"fee\":\"0."
                   "00\",\"liquidity\":\"maker\",\"ts\":1700000000000}],\"last_seq\":1}");
  assert_int_equal(ask(&r.host, r.token, "GET", "/fills?after_seq=1", NULL), 200);
  assert_string_equal(r.host.body, "{\"fills\":[],\"last_seq\":1}");
  assert_int_equal(ask(&r.host, r.token, "GET", "/positions", NULL), 200);
  assert_string_equal(
      r.host.body,
      "{\"positions\":[{\"market\":\"BTC-95K\",\"yes\":\"20\",\"no\":\"0\",\"yes_cost\":\"9.60\",\"no_cost\":\"0.00\",\"realized\":\"0.00\"}]}");
  assert_int_equal(ask(&r.host, NULL, "GET", "/markets/BTC-95K/trades", NULL), 200);
  has(r.host.body,
      "\"seq\":1,\"market\":\"BTC-95K\",\"outcome\":\"no\",\"price\":\"0.52\",\"size\":\"20\",\"taker_side\":\"bid\",\"ts\":1700000000000}]}");
  assert_int_equal(ask(&r.host, r.token, "DELETE", path, NULL), 200);
  snprintf(path, sizeof path, "{\"cancelled\":[\"%s\"],\"not_found\":[]}", id);
  assert_string_equal(r.host.body, path);
  teardown(&r);
}

static void refusals(void **state) {
  (void)state;
  rig_t r;
  setup(&r);
  ask(&r.host, r.theirs, "POST", "/orders", BID("0.40", "5", ""));
  ask(&r.host, r.token, "POST", "/orders", BID("0.30", "5", ",\"client_id\":\"used\""));
  static const struct { const char *body; int http; const char *code, *field;
  } rows[] = {
      {BID("0.485", "1", ""), 400, "invalid_price", "price"},
      {BID("1", "1", ""), 400, "invalid_price", "price"},
      {BID("x", "1", ""), 400, "invalid_price", "price"},
      {BID("0.00001", "1", ""), 400, "invalid_price", "price"},
      {BID("0.4", "0", ""), 400, "invalid_size", "size"},
      {BID("0.4", "-1", ""), 400, "invalid_size", "size"},
      {BID("0.4", "1.5", ""), 400, "invalid_size", "size"},
      {BID("0.4", "1e30", ""), 400, "invalid_size", "size"},
      {BID("0.4", "100000", ""), 409, "insufficient_balance", "size"},
      {BID("0.4", "1", ",\"tif\":\"day\""), 400, "bad_request", "tif"},
      {BID("0.4", "1", ",\"tif\":\"gtd\""), 400, "bad_request", "expires_at"},
      {BID("0.4", "1", ",\"tif\":\"gtd\",\"expires_at\":1699999999999"), 400, "bad_request", "expires_at"},
      {BID("0.4", "1", ",\"post_only\":1"), 400, "bad_request", "post_only"},
      {BID("0.4", "1", ",\"post_only\":true,\"tif\":\"ioc\""), 400, "bad_request", "post_only"},
      {BID("0.4", "1", ",\"client_id\":7"), 400, "bad_request", "client_id"},
      {BID("0.4", "1", ",\"client_id\":\"used\""), 409, "duplicate_client_id", "client_id"},
      {NO_BID("0.60", "1", ",\"post_only\":true"), 409, "post_only_would_cross", "price"},
      {"{\"market\":\"X\",\"outcome\":\"yes\",\"side\":\"bid\",\"price\":\"0.4\",\"size\":1}", 404, "not_found", "market"},
      {"{\"market\":\"BTC-95K\",\"outcome\":\"maybe\",\"side\":\"bid\",\"price\":\"0.4\",\"size\":1}", 400, "bad_request", "outcome"},
      {"{\"market\":\"BTC-95K\",\"outcome\":\"yes\",\"side\":\"buy\",\"price\":\"0.4\",\"size\":1}", 400, "bad_request", "side"},
      {"{\"market\":\"BTC-95K\",\"outcome\":\"yes\",\"side\":\"ask\",\"price\":\"0.4\",\"size\":1,\"from_inventory\":true}", 409,
       "insufficient_shares", "size"},
      {"{\"orders\":[]}", 400, "bad_request", "orders"},
      {"[1]", 400, "bad_request", NULL},
      {"{", 400, "bad_request", NULL},
      {"", 400, "bad_request", NULL},
  };
  for (size_t i = 0; i < CNT(rows); i++) {
    int const http = ask(&r.host, r.token, "POST", "/orders", rows[i].body);
    char want[128];
    snprintf(want, sizeof want, "{\"error\":{\"code\":\"%s\",\"message\":\"", rows[i].code);
    if (http != rows[i].http || strncmp(r.host.body, want, strlen(want)) != 0) fail_msg("%s: %d %s", rows[i].body, http, r.host.body);
    snprintf(want, sizeof want, "\"field\":\"%s\"", rows[i].field ? rows[i].field : "");
    if (!strstr(r.host.body, rows[i].field ? want : "\"}}")) fail_msg("%s: %s", rows[i].body, r.host.body);
  }
  static const struct { const char *method, *path; int http;
  } paths[] = {
      {"GET", "/", 404},
      {"GET", "//", 404},
      {"GET", "/markets/", 404},
      {"GET", "/markets/%zz", 404},
      {"GET", "/markets/%00", 404},
      {"GET", "/markets/BTC%2D95K", 200},
      {"GET", "/nothing", 404},
      {"PUT", "/orders", 404},
      {"GET", "/markets?limit=x", 400},
      {"GET", "/markets?cursor=999999999999", 200},
      {"GET", "/orders?status=odd", 400},
      {"GET", "/orders?market=X", 404},
      {"GET", "/fills?after_seq=-1", 400},
      {"GET", "/markets/BTC-95K/trades?after=99", 200},
      {"GET", "/a/b/c/d/e/f", 404},
  };
  for (size_t i = 0; i < CNT(paths); i++)
    if (ask(&r.host, r.token, paths[i].method, paths[i].path, NULL) != paths[i].http)
      fail_msg("%s %s: %d %s", paths[i].method, paths[i].path, r.host.http, r.host.body);
  teardown(&r);
}

static void fill_or_kill_and_the_rest(void **state) {
  (void)state;
  rig_t r;
  setup(&r);
  ask(&r.host, r.theirs, "POST", "/orders", NO_BID("0.50", "5", ""));
  assert_int_equal(ask(&r.host, r.token, "POST", "/orders", BID("0.50", "6", ",\"tif\":\"fok\"")), 200);
  has(r.host.body, "{\"id\":\"\",");
  has(r.host.body, "\"status\":\"rejected\",\"reason\":\"fok\"");
  assert_int_equal(ask(&r.host, r.token, "POST", "/orders", BID("0.50", "6", ",\"tif\":\"ioc\"")), 200);
  has(r.host.body, "\"filled\":\"5\",\"remaining\":\"0\",\"status\":\"cancelled\",\"reason\":\"ioc\"");
  /* an ask is a bid on the opposite, unless it comes from inventory */
  assert_int_equal(
      ask(&r.host, r.token, "POST", "/orders", "{\"market\":\"BTC-95K\",\"outcome\":\"yes\",\"side\":\"ask\",\"price\":\"0.70\",\"size\":3}"), 200);
  has(r.host.body, "\"side\":\"bid\",\"outcome\":\"no\",\"price\":\"0.30\"");
  assert_int_equal(ask(&r.host, r.token, "POST", "/orders",
                       "{\"market\":\"BTC-95K\",\"outcome\":\"yes\",\"side\":\"ask\",\"price\":\"0.80\",\"size\":5,\"from_inventory\":true}"),
                   200);
  has(r.host.body, "\"side\":\"ask\",\"outcome\":\"yes\",\"price\":\"0.80\"");
  /* meeting an own order cancels the resting one */
  assert_int_equal(ask(&r.host, r.token, "POST", "/orders", BID("0.70", "1", ",\"client_id\":\"c\"")), 200);
  has(r.host.body, "\"status\":\"open\"");
  assert_int_equal(ask(&r.host, r.token, "GET", "/orders?status=cancelled", NULL), 200);
  has(r.host.body, "\"status\":\"cancelled\",\"reason\":\"self_trade\"");
  assert_int_equal(ask(&r.host, r.token, "DELETE", "/orders", "{\"client_ids\":[\"c\",\"d\",\"c\"]}"), 200);
  has(r.host.body, "\"not_found\":[\"d\",\"c\"]}");
  assert_int_equal(ask(&r.host, r.token, "DELETE", "/orders", "{}"), 400);
  assert_int_equal(ask(&r.host, r.token, "DELETE", "/orders", "{\"all\":true}"), 200);
  assert_int_equal(ask(&r.host, r.token, "GET", "/orders?status=open", NULL), 200);
  assert_string_equal(r.host.body, "{\"orders\":[]}");
  teardown(&r);
}

static void batches_and_amends(void **state) {
  (void)state;
  rig_t r;
  char id[64], path[128];
  setup(&r);
  ask(&r.host, r.theirs, "POST", "/orders", BID("0.41", "5", ""));
  assert_int_equal(
      ask(&r.host, r.token, "POST", "/orders", "{\"orders\":[" BID("0.41", "10", "") "," BID("0.415", "1", "") "," NO_BID("0.59", "7", "") ",3]}"),
      200);
  has(r.host.body, "{\"orders\":[{\"id\":\"");
  has(r.host.body, "{\"error\":{\"code\":\"invalid_price\"");
  has(r.host.body, "{\"error\":{\"code\":\"bad_request\",\"message\":\"an order is an object\"}}]}");
  id_of(&r, id);
  assert_int_equal(ask(&r.host, r.token, "GET", "/orders", NULL), 200); /* the NO bid took five of the other's, then met its own */
  has(r.host.body, "\"reason\":\"self_trade\"");
  assert_int_equal(ask(&r.host, r.token, "POST", "/orders", BID("0.30", "10", "")), 200);
  id_of(&r, id);
  ask(&r.host, r.theirs, "POST", "/orders", BID("0.30", "1", ""));
  snprintf(path, sizeof path, "/orders/%s", id);
  uint64_t const seq = pmm_place_order_find(r.place, id)->seq;
  assert_int_equal(ask(&r.host, r.token, "PATCH", path, "{\"price\":\"0.30\",\"size\":\"8\"}"), 200);
  has(r.host.body, "\"size\":\"8\",\"filled\":\"0\",\"remaining\":\"8\"");
  assert_int_equal(pmm_place_ahead(r.place, seq), 0); /* smaller at the same price: it keeps its place */
  ask(&r.host, r.theirs, "POST", "/orders", NO_BID("0.70", "3", ""));
  assert_int_equal(ask(&r.host, r.token, "PATCH", path, "{\"size\":\"5\"}"), 200);
  has(r.host.body, "\"size\":\"5\",\"filled\":\"3\",\"remaining\":\"2\"");
  assert_int_equal(ask(&r.host, r.token, "PATCH", path, "{\"size\":\"3\"}"), 400);
  assert_int_equal(ask(&r.host, r.token, "PATCH", path, "{\"price\":\"0.31\"}"), 200);
  has(r.host.body, "\"price\":\"0.31\"");
  assert_int_equal(ask(&r.host, r.theirs, "PATCH", path, "{\"size\":\"1\"}"), 404);
  teardown(&r);
}

static void rate_limit(void **state) {
  (void)state;
  rig_t r;
  setup(&r);
  for (int i = 0; i < 400; i++) assert_int_equal(ask(&r.host, r.token, "POST", "/orders", BID("0.01", "1", "")), 200);
  assert_int_equal(ask(&r.host, r.token, "POST", "/orders", BID("0.01", "1", "")), 429);
  has(r.host.body, "\"code\":\"rate_limited\"");
  assert_string_equal(r.host.retry, "1");
  assert_int_equal(ask(&r.host, r.token, "GET", "/balance", NULL), 200); /* reads are free */
  assert_int_equal(ask(&r.host, r.theirs, "POST", "/orders", BID("0.01", "1", "")), 200);
  r.host.now_ns += SEC / 100; /* two more */
  assert_int_equal(
      ask(&r.host, r.token, "POST", "/orders", "{\"orders\":[" BID("0.01", "1", "") "," BID("0.01", "1", "") "," BID("0.01", "1", "") "]}"), 429);
  assert_int_equal(ask(&r.host, r.token, "POST", "/orders", "{\"orders\":[" BID("0.01", "1", "") "," BID("0.01", "1", "") "]}"), 200);
  assert_int_equal(ask(&r.host, r.token, "DELETE", "/orders/x", NULL), 429);
  r.host.now_ns += 3 * SEC;
  assert_int_equal(ask(&r.host, r.token, "DELETE", "/orders", "{\"all\":true}"), 200);
  teardown(&r);
}

static void heartbeat(void **state) {
  (void)state;
  rig_t r;
  setup(&r);
  ask(&r.host, r.token, "POST", "/orders", BID("0.40", "1", ""));
  ask(&r.host, r.theirs, "POST", "/orders", BID("0.40", "1", ""));
  assert_int_equal(ask(&r.host, r.token, "POST", "/heartbeat", "{\"timeout_ms\":10000}"), 200);
  assert_string_equal(r.host.body, "{\"timeout_ms\":10000}");
  assert_int_equal(r.service->ops->advance(r.service, NOW), NOW + 10 * SEC);
  r.host.now_ns = NOW + 9 * SEC;
  assert_int_equal(ask(&r.host, r.token, "POST", "/heartbeat", "{\"timeout_ms\":10000}"), 200);
  r.service->ops->advance(r.service, r.host.now_ns = NOW + 18 * SEC);
  assert_non_null(pmm_place_open_after(r.place, r.me, 0));
  r.service->ops->advance(r.service, r.host.now_ns = NOW + 19 * SEC);
  assert_null(pmm_place_open_after(r.place, r.me, 0));
  assert_non_null(pmm_place_open_after(r.place, r.other, 0));
  assert_int_equal(ask(&r.host, r.token, "GET", "/orders", NULL), 200);
  has(r.host.body, "\"status\":\"cancelled\",\"reason\":\"heartbeat\"");
  ask(&r.host, r.token, "POST", "/orders", BID("0.40", "1", ""));
  assert_int_equal(ask(&r.host, r.token, "POST", "/heartbeat", "{\"timeout_ms\":5000}"), 200);
  assert_int_equal(ask(&r.host, r.token, "POST", "/heartbeat", "{\"timeout_ms\":0}"), 200);
  r.service->ops->advance(r.service, r.host.now_ns += 60 * SEC);
  assert_non_null(pmm_place_open_after(r.place, r.me, 0)); /* switched off */
  assert_int_equal(ask(&r.host, r.token, "POST", "/heartbeat", "{\"timeout_ms\":-1}"), 400);
  teardown(&r);
}

static void markets(void **state) {
  (void)state;
  rig_t r;
  setup(&r);
  list(&r, "ETH", 0);
  ask(&r.host, r.token, "POST", "/orders", BID("0.40", "10", ""));
  ask(&r.host, r.theirs, "POST", "/orders", NO_BID("0.50", "10", ""));
  assert_int_equal(ask(&r.host, NULL, "GET", "/markets/BTC-95K", NULL), 200);
  assert_string_equal(r.host.body, "{\"id\":\"BTC-95K\",\"asset\":\"BTC\",\"strike\":\"95000\",\"status\":\"OPEN\",\"opens_at\":1700000000000,"
                                   "\"expires_at\":1700003600000,\"seconds_to_expiry\":3600,"
                                   "\"tick\":\"0.01\",\"taker_fee_bps\":0,\"maker_fee_bps\":0,\"yes_price\":\"0.45\",\"no_price\":\"0.55\","
                                   "\"volume\":\"0\",\"liquidity\":\"9.00\",\"outcome\":null,\"settle_price\":null}");
  assert_int_equal(ask(&r.host, NULL, "GET", "/markets?limit=1", NULL), 200);
  has(r.host.body, "\"cursor\":\"1\"}");
  assert_int_equal(ask(&r.host, NULL, "GET", "/markets?limit=1&cursor=1", NULL), 200);
  has(r.host.body, "{\"markets\":[{\"id\":\"ETH\"");
  has(r.host.body, "\"cursor\":null}");
  assert_int_equal(ask(&r.host, NULL, "GET", "/markets?status=RESOLVED", NULL), 200);
  assert_string_equal(r.host.body, "{\"markets\":[],\"cursor\":null}");
  peer_log_t *const p = calloc(1, sizeof *p);
  assert_int_equal(open_sock(&r.host, p, r.token, "/ws"), 0);
  say(&r.host, p, "{\"op\":\"subscribe\",\"channels\":[\"markets\",\"orders\"]}");
  heard(p);
  r.service->ops->advance(r.service, r.host.now_ns = NOW + 3600 * SEC); /* trading stops and orders expire */
  const char *text = heard(p);
  has(text, "{\"ch\":\"markets\",\"market\":{\"id\":\"BTC-95K\"");
  has(text, "\"status\":\"CLOSED\"");
  has(text, "\"status\":\"expired\",\"reason\":\"market_closed\"");
  assert_int_equal(ask(&r.host, r.token, "POST", "/orders", BID("0.40", "10", "")), 409);
  has(r.host.body, "market_closed");
  assert_int_equal(pmm_place_life(r.place, 0, r.host.now_ns, PMM_LIFE_RESOLVED, PMM_OUTCOME_YES, ONE), PMM_OK);
  text = heard(p);
  has(text, "\"status\":\"RESOLVED\"");
  has(text, "\"outcome\":\"YES\"");
  pmm_place_regrid(r.place, 1, r.host.now_ns, 10);
  has(heard(p), "\"tick\":\"0.001\"");
  r.service->ops->closed(r.service, &p->peer);
  free(p);
  teardown(&r);
}

static void sockets(void **state) {
  (void)state;
  rig_t r;
  setup(&r);
  peer_log_t *const p = calloc(1, sizeof *p), *const q = calloc(1, sizeof *q);
  assert_int_equal(open_sock(&r.host, p, NULL, "/other"), 404);
  assert_int_equal(open_sock(&r.host, p, "bad", "/ws"), 401);
  assert_int_equal(open_sock(&r.host, p, NULL, "/ws"), 0);
  assert_int_equal(open_sock(&r.host, q, r.theirs, "/ws"), 0);
  say(&r.host, p, "{\"op\":\"subscribe\",\"id\":1,\"channels\":[\"book\",\"trades\"],\"markets\":[\"BTC-95K\"]}");
  assert_string_equal(
      heard(p), "{\"re\":1,\"ok\":true,\"result\":{\"channels\":[\"book\",\"trades\"]}}\n"
                "{\"ch\":\"book\",\"type\":\"snapshot\",\"market\":\"BTC-95K\",\"seq\":0,\"ts\":1700000000000,\"yes\":{\"bids\":[],\"asks\":[]}}\n");
  static const struct { const char *text, *want;
  } wrong[] = {
      {"{\"op\":\"subscribe\",\"id\":2,\"channels\":[\"fills\"]}", "{\"re\":2,\"ok\":false,\"error\":{\"code\":\"unauthorized\""},
      {"{\"op\":\"subscribe\",\"id\":3,\"channels\":[\"book\"],\"markets\":[\"X\"]}", "{\"re\":3,\"ok\":false,\"error\":{\"code\":\"not_found\""},
      {"{\"op\":\"subscribe\",\"id\":4,\"channels\":[\"odd\"]}", "{\"re\":4,\"ok\":false,\"error\":{\"code\":\"bad_request\""},
      {"{\"op\":\"order.place\",\"id\":5,\"orders\":[]}", "{\"re\":5,\"ok\":false,\"error\":{\"code\":\"unauthorized\""},
      {"{\"op\":\"auth\",\"id\":6,\"token\":\"x.y.z\"}", "{\"re\":6,\"ok\":false,\"error\":{\"code\":\"unauthorized\""},
      {"{\"op\":\"ping\",\"id\":1tape}", "{\"re\":null,\"ok\":"}, /* a number is but a token until it is read */
    {"{\"op\":\"dance\",\"id\":7}", "{\"re\":7,\"ok\":false,\"error\":{\"code\":\"bad_request\""},
      {"hello", "{\"re\":null,\"ok\":false,\"error\":{\"code\":\"bad_request\""},
      {"[]", "{\"re\":null,\"ok\":false"},
      {"{\"op\":\"ping\"}", "{\"re\":null,\"ok\":true,\"result\":{\"ts\":1700000000000}}"},
  };
  for (size_t i = 0; i < CNT(wrong); i++) {
    say(&r.host, p, wrong[i].text);
    has(heard(p), wrong[i].want);
  }
  char text[2048];
  snprintf(text, sizeof text, "{\"op\":\"auth\",\"id\":8,\"token\":\"%s\"}", r.token);
  say(&r.host, p, text);
  assert_string_equal(heard(p), "{\"re\":8,\"ok\":true,\"result\":{\"account\":\"me\"}}\n");
  say(&r.host, p, "{\"op\":\"subscribe\",\"id\":9,\"channels\":[\"orders\",\"fills\"]}");
  heard(p);
  say(&r.host, p, "{\"op\":\"order.place\",\"id\":10,\"orders\":[" BID("0.48", "120", ",\"client_id\":\"k\"") "]}");
  const char *got = heard(p);
  has(got, "{\"ch\":\"orders\",\"order\":{\"id\":\"");
  has(got, "{\"ch\":\"book\",\"type\":\"delta\",\"market\":\"BTC-95K\",\"seq\":1,\"ts\":1700000000000,\"changes\":[[\"yes\",\"bid\",\"0.48\",\"120\"]"
           "]}\n");
  has(got, "{\"re\":10,\"ok\":true,\"result\":{\"orders\":[{\"id\":\"");
  say(&r.host, q, "{\"op\":\"order.place\",\"id\":1,\"orders\":[" NO_BID("0.52", "20", "") "]}");
  has(heard(q), "\"status\":\"filled\"");
  got = heard(p);
  has(got, "{\"ch\":\"trades\",\"trade\":{\"id\":\"");
  has(got, "{\"ch\":\"fills\",\"fill\":{\"seq\":1,");
  has(got, "\"seq\":2,\"ts\":1700000000000,\"changes\":[[\"yes\",\"bid\",\"0.48\",\"100\"]]}");
  say(&r.host, p, "{\"op\":\"order.amend\",\"id\":11,\"client_id\":\"k\",\"size\":70}");
  has(heard(p), "{\"re\":11,\"ok\":true,\"result\":{\"id\":\"");
  say(&r.host, p, "{\"op\":\"order.cancel\",\"id\":12,\"market\":\"BTC-95K\"}");
  got = heard(p);
  has(got, "\"seq\":4,\"ts\":1700000000000,\"changes\":[[\"yes\",\"bid\",\"0.48\",\"0\"]]}");
  has(got, "\"not_found\":[]}}\n");
  say(&r.host, p, "{\"op\":\"heartbeat\",\"id\":13,\"timeout_ms\":100}");
  has(heard(p), "{\"re\":13,\"ok\":true,\"result\":{\"timeout_ms\":100}}");
  say(&r.host, p, "{\"op\":\"unsubscribe\",\"id\":14,\"channels\":[\"book\",\"trades\",\"orders\",\"fills\"],\"markets\":[\"BTC-95K\"]}");
  heard(p);
  say(&r.host, q, "{\"op\":\"order.place\",\"id\":2,\"orders\":[" BID("0.52", "20", "") "]}");
  assert_string_equal(heard(p), "");
  r.service->ops->closed(r.service, &p->peer);
  r.service->ops->closed(r.service, &q->peer);
  free(p);
  free(q);
  teardown(&r);
}

static void silence(void **state) {
  (void)state;
  rig_t r;
  setup(&r);
  peer_log_t *const p = calloc(1, sizeof *p), *const q = calloc(1, sizeof *q);
  open_sock(&r.host, p, NULL, "/ws");
  open_sock(&r.host, q, NULL, "/ws");
  for (int s = 1; s <= 44; s++) {
    r.service->ops->advance(r.service, r.host.now_ns = NOW + s * SEC);
    if (s % 10 == 0) r.service->ops->pong(r.service, &q->peer, "", 0);
  }
  assert_int_equal(p->pings, 2);
  assert_int_equal(p->close_code, 0);
  r.service->ops->advance(r.service, r.host.now_ns = NOW + 45 * SEC);
  assert_int_equal(p->close_code, 1001);
  assert_int_equal(q->close_code, 0);
  r.service->ops->closed(r.service, &p->peer);
  r.service->ops->closed(r.service, &q->peer);
  free(p);
  free(q);
  teardown(&r);
}

static void expired_tokens_on_sockets(void **state) {
  (void)state;
  rig_t r;
  setup(&r);
  char token[1024];
  token_for("me", 1700000100, token);
  peer_log_t *const p = calloc(1, sizeof *p);
  assert_int_equal(open_sock(&r.host, p, token, "/ws"), 0);
  say(&r.host, p, "{\"op\":\"order.place\",\"id\":1,\"orders\":[" BID("0.40", "1", "") "]}");
  has(heard(p), "\"ok\":true");
  r.host.now_ns = NOW + 100 * SEC;
  say(&r.host, p, "{\"op\":\"order.place\",\"id\":2,\"orders\":[" BID("0.40", "1", "") "]}");
  has(heard(p), "unauthorized");
  r.service->ops->closed(r.service, &p->peer);
  free(p);
  teardown(&r);
}

static void reads_that_lag(void **state) {
  (void)state;
  rig_t r;
  setup_with(&r, (pmm_serve_params_t){.lag_ns = 2 * SEC});
  ask(&r.host, r.theirs, "POST", "/orders", NO_BID("0.50", "10", ""));
  r.host.now_ns = NOW + 5 * SEC;
  ask(&r.host, r.token, "POST", "/orders", BID("0.50", "10", ""));
  ask(&r.host, r.token, "GET", "/positions", NULL);
  assert_string_equal(r.host.body, "{\"positions\":[]}");
  ask(&r.host, r.token, "GET", "/fills", NULL);
  assert_string_equal(r.host.body, "{\"fills\":[],\"last_seq\":0}");
  r.host.now_ns = NOW + 7 * SEC;
  ask(&r.host, r.token, "GET", "/positions", NULL);
  has(r.host.body, "\"yes\":\"10\"");
  ask(&r.host, r.token, "GET", "/balance", NULL);
  has(r.host.body, "\"cash\":\"995.00\"");
  ask(&r.host, r.token, "POST", "/orders", BID("0.10", "100", ""));
  ask(&r.host, r.token, "GET", "/balance", NULL);
  has(r.host.body, "\"locked\":\"0.00\"");
  ask(&r.host, r.token, "GET", "/orders?status=open", NULL);
  assert_string_equal(r.host.body, "{\"orders\":[]}");
  r.host.now_ns = NOW + 9 * SEC;
  ask(&r.host, r.token, "GET", "/balance", NULL);
  has(r.host.body, "\"locked\":\"10.00\"");
  teardown(&r);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(tokens),
      cmocka_unit_test(orders),
      cmocka_unit_test(refusals),
      cmocka_unit_test(fill_or_kill_and_the_rest),
      cmocka_unit_test(batches_and_amends),
      cmocka_unit_test(rate_limit),
      cmocka_unit_test(heartbeat),
      cmocka_unit_test(markets),
      cmocka_unit_test(sockets),
      cmocka_unit_test(silence),
      cmocka_unit_test(expired_tokens_on_sockets),
      cmocka_unit_test(reads_that_lag),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
