/* Kalshi's dialect on a simulated network: signed headers made ahead, requests and a stream over it, its pings, and the bodies of its faults. */
#include "kalshi_rig.h"
#include "pmm/net.h"

typedef struct guest {
  pmm_net_t *net;
  pmm_kalshi_signer_t *signer;
  int answers, http, unanswered, opened, closed;
  char body[2048];
  uint64_t seq;
  int64_t bid_e6;              /* all that is bid, by the frames */
} guest_t;

static void on_done(void *ctx, uint64_t tag, const pmm_http_response_t *response) {
  guest_t *const g = ctx;
  (void)tag;
  g->answers++;
  g->http = response->http;
  if (response->status != PMM_OK) g->unanswered++;
  snprintf(g->body, sizeof g->body, "%.*s", (int)response->body_len, response->body);
}

static void ask(guest_t *g, const char *method, const char *path, const char *body) {
  char url[256], full[200];
  pmm_header_t header[PMM_KALSHI_HEADERS + 1];
  snprintf(full, sizeof full, "/trade-api/v2%s", path);
  snprintf(url, sizeof url, "https://kalshi%s", full);
  assert_int_equal(pmm_kalshi_signer_sign(g->signer, method, full, pmm_net_now(g->net), header), PMM_OK);
  header[PMM_KALSHI_HEADERS] = (pmm_header_t){"Content-Type", "application/json"};
  pmm_http_request_t const request = {.method = method,
                                      .url = url,
                                      .header = header,
                                      .header_cnt = PMM_KALSHI_HEADERS + (body ? 1 : 0),
                                      .body = body,
                                      .body_len = body ? strlen(body) : 0,
                                      .done = on_done,
                                      .ctx = g};
  int const before = g->answers;
  assert_int_equal(pmm_http_send(g->net, &request, NULL), PMM_OK);
  while (g->answers == before && pmm_vnet_step(g->net)) {}
  assert_int_equal(g->answers, before + 1);
}

static pmm_status_t ws_headers(void *ctx, pmm_header_t header[PMM_WS_HEADERS_MAX], size_t *cnt) {
  guest_t *const g = ctx;
  *cnt = PMM_KALSHI_HEADERS;
  return pmm_kalshi_signer_sign(g->signer, "GET", "/trade-api/ws/v2", pmm_net_now(g->net), header);
}
static void ws_opened(void *ctx, uint32_t conn) { ((guest_t *)ctx)->opened += conn > 0; }
static int64_t ws_closed(void *ctx, uint32_t conn, int code, int http, const char *why) {
  (void)conn, (void)code, (void)http, (void)why;
  ((guest_t *)ctx)->closed++;
  return 0;
}

static void ws_message(void *ctx, uint32_t conn, const char *text, size_t len, int64_t recv_ns) {
  guest_t *const g = ctx;
  (void)conn, (void)recv_ns;
  json_t *const j = json_loadb(text, len, 0, NULL);
  const json_t *const seq = json_object_get(j, "seq"), *const delta = rig_at(j, "msg.delta_fp");
  if (seq) assert_int_equal(json_integer_value(seq), ++g->seq);
  if (delta && strcmp(json_string_value(rig_at(j, "msg.side")), "yes") == 0)
    g->bid_e6 += (int64_t)(atof(json_string_value(delta)) * 1e6 + (json_string_value(delta)[0] == '-' ? -.5 : .5));
  json_decref(j);
}

static void open_world(rig_t *r, guest_t *g, pmm_service_t *service) {
  pmm_error_t err = {0};
  memset(g, 0, sizeof *g);
  assert_int_equal(
      pmm_vnet_open(&g->net, &(pmm_vnet_config_t){.start_ns = RIG_NOW, .seed = 3, .latency_ns = 10 * PMM_NS_PER_MS, .jitter_ns = 5 * PMM_NS_PER_MS},
                    &err),
      PMM_OK);
  assert_int_equal(pmm_vnet_host(g->net, "kalshi", service, &err), PMM_OK);
  assert_int_equal(pmm_kalshi_signer_open(&g->signer, r->key[0], "key-alice", &err), PMM_OK);
}

static void close_world(guest_t *g) {
  pmm_kalshi_signer_close(g->signer);
  pmm_vnet_close(g->net);
}

#define ORDER(count, price) \
  "{\"ticker\":\"" RIG_A "\",\"side\":\"bid\",\"count\":\"" count "\",\"price\":\"" price \
  "\",\"time_in_force\":\"good_till_canceled\",\"self_trade_prevention_type\":\"maker\",\"expiration_time\":1790000060}"

static void test_over_the_net(void **state) {
  (void)state;
  rig_t r;
  guest_t g;
  pmm_ws_t *ws;
  rig_open(&r);
  open_world(&r, &g, r.service);
  pmm_ws_config_t const config = {.url = "wss://kalshi/trade-api/ws/v2",
                                  .headers = ws_headers,
                                  .opened = ws_opened,
                                  .message = ws_message,
                                  .closed = ws_closed,
                                  .ctx = &g,
                                  .idle_ns = 25 * PMM_NS_PER_S};
  assert_int_equal(pmm_ws_open(g.net, &config, &ws, NULL), PMM_OK);
  while (!g.opened && pmm_vnet_step(g.net)) {}
  static const char subscribe[] = "{\"id\":1,\"cmd\":\"subscribe\",\"params\":{\"channels\":[\"orderbook_delta\"],\"market_ticker\":\"" RIG_A "\"}}";
  assert_int_equal(pmm_ws_send(ws, 1, subscribe, strlen(subscribe)), PMM_OK);
  ask(&g, "POST", "/portfolio/events/orders", ORDER("10.00", "0.4500"));
  assert_int_equal(g.http, 201);
  ask(&g, "POST", "/portfolio/events/orders", ORDER("2.00", "0.4600"));
  ask(&g, "GET", "/portfolio/balance", NULL);
  assert_int_equal(g.http, 200);
  pmm_vnet_run(g.net, 50 * PMM_NS_PER_S);
  assert_int_equal(g.bid_e6, 12000000);
  pmm_vnet_run(g.net, 70 * PMM_NS_PER_S); /* both expire; the heartbeat keeps a quiet stream open all the while */
  assert_int_equal(g.bid_e6, 0);
  assert_int_equal(g.closed, 0);
  assert_int_equal(g.seq, 5);
  pmm_ws_close(ws);
  close_world(&g);
  r.service->host_ops = &rig_host_ops;
  r.service->host = &r;
  rig_shut(&r);
}

/* The dialect says what its limiter and its failures say. An answer may be lost although the order was accepted; its name tells. */
static void test_faults(void **state) {
  (void)state;
  static const struct { const char *why; pmm_faults_params_t faults; int http; const char *code; bool accepted; } rows[] = {
    {"limited", {.seed = 1, .rate_limited = 1}, 429, "too_many_requests", false},
    {"failed", {.seed = 1, .error_5xx = 1}, 0, "internal_server_error", false},
    {"failed, and yet accepted", {.seed = 1, .error_5xx_after = 1}, 0, "internal_server_error", true},
  };
  for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
    rig_t r;
    guest_t g;
    pmm_service_t *faulty;
    rig_open(&r);
    assert_int_equal(pmm_faults_open(&faulty, r.service, &rows[i].faults, &pmm_kalshi_dialect.bodies, NULL), PMM_OK);
    open_world(&r, &g, faulty);
    ask(&g, "POST", "/portfolio/events/orders", ORDER("10.00", "0.4500"));
    if (rows[i].http ? g.http != rows[i].http : g.http < 500) fail_msg("%s: %d %s", rows[i].why, g.http, g.body);
    if (!strstr(g.body, rows[i].code)) fail_msg("%s: %s", rows[i].why, g.body);
    assert_int_equal(pmm_place_open_after(r.place, r.account[0], 0) != NULL, rows[i].accepted);
    close_world(&g);
    pmm_faults_close(faulty);
    r.service->host_ops = &rig_host_ops;
    r.service->host = &r;
    rig_shut(&r);
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(test_over_the_net), cmocka_unit_test(test_faults)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
