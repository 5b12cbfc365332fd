/* The simulated network: time, requests, streams, the cable; and that a seed repeats to the bit. */
#include "net/echo.h"
#include "pmm/hash.h"
#include "pmm/rng.h"

typedef struct world { pmm_net_t *net; echo_t echo; client_t client; } world_t;

static world_t *world_open(uint64_t seed, int64_t jitter_ns) {
  world_t *const w = calloc(1, sizeof *w);
  pmm_vnet_config_t const config = {.start_ns = 1000 * SEC, .seed = seed, .latency_ns = 10 * MS, .jitter_ns = jitter_ns};
  assert_int_equal(pmm_vnet_open(&w->net, &config, NULL), PMM_OK);
  echo_init(&w->echo);
  assert_int_equal(pmm_vnet_host(w->net, "venue", &w->echo.base, NULL), PMM_OK);
  w->client.net = w->net;
  return w;
}

static void world_close(world_t *w) {
  pmm_ws_close(w->client.ws);
  pmm_vnet_close(w->net);
  assert_int_equal(w->echo.live, 0);
  free(w);
}

/* -- time -- */

typedef struct tick { pmm_timer_t timer; pmm_net_t *net; char *log; char name; } tick_t;
static void on_tick(void *ctx) {
  tick_t *const t = ctx;
  size_t const n = strlen(t->log);
  snprintf(t->log + n, 100 - n, "%c%lld ", t->name, (long long)pmm_net_mono(t->net));
  if (t->name == 'c') pmm_net_timer_set(t->net, &t->timer, pmm_net_mono(t->net) + 5); /* sets itself again, until stopped */
}

static void test_timers(void **state) {
  (void)state;
  world_t *const w = world_open(1, 0);
  char log[100] = "";
  tick_t t[4];
  for (int i = 0; i < 4; i++) t[i] = (tick_t){.timer = {.fn = on_tick, .ctx = &t[i]}, .net = w->net, .log = log, .name = (char)('a' + i)};
  pmm_net_timer_set(w->net, &t[1].timer, 30);
  pmm_net_timer_set(w->net, &t[0].timer, 20);
  pmm_net_timer_set(w->net, &t[2].timer, 20);
  pmm_net_timer_set(w->net, &t[3].timer, 21);
  pmm_net_timer_set(w->net, &t[0].timer, 27); /* moved */
  pmm_net_timer_stop(w->net, &t[3].timer);
  pmm_net_timer_stop(w->net, &t[3].timer);    /* again does nothing */
  pmm_vnet_run(w->net, 32);
  assert_string_equal(log, "c20 c25 a27 b30 c30 "); /* at 30 b was set first */
  pmm_net_timer_stop(w->net, &t[2].timer);
  assert_int_equal(pmm_net_mono(w->net), 32);
  assert_int_equal(pmm_net_now(w->net), 1000 * SEC + 32);
  assert_false(pmm_vnet_step(w->net));
  assert_int_equal(pmm_vnet_next(w->net), PMM_NS_MAX);
  world_close(w);
}

/* Random settings, moves and stops against a plain list. */
enum { TIMERS = 200 };
static int64_t fired_at[TIMERS];
static pmm_net_t *fired_net;
static void on_fired(void *ctx) { *(int64_t *)ctx = pmm_net_mono(fired_net); }

static void test_timers_random(void **state) {
  (void)state;
  world_t *const w = world_open(1, 0);
  pmm_timer_t timer[TIMERS];
  int64_t want[TIMERS];
  pmm_rng_t rng;
  pmm_rng_seed(&rng, 11);
  fired_net = w->net;
  for (int i = 0; i < TIMERS; i++) {
    timer[i] = (pmm_timer_t){.fn = on_fired, .ctx = &fired_at[i]};
    want[i] = fired_at[i] = -1;
  }
  for (int op = 0; op < 5000; op++) {
    size_t const i = pmm_rng_below(&rng, TIMERS);
    if (pmm_rng_below(&rng, 3) == 0) {
      pmm_net_timer_stop(w->net, &timer[i]);
      want[i] = -1;
    } else {
      want[i] = 10 + (int64_t)pmm_rng_below(&rng, 1000);
      pmm_net_timer_set(w->net, &timer[i], want[i]);
    }
  }
  pmm_vnet_run(w->net, 2000);
  for (int i = 0; i < TIMERS; i++) assert_int_equal(fired_at[i], want[i]);
  world_close(w);
}

/* -- requests -- */

static void test_http(void **state) {
  (void)state;
  static const struct { const char *why, *method, *url; int64_t timeout_ns; int32_t retries; pmm_status_t status; int http; bool unsent; const char *body; int64_t at_ms; uint32_t handled; } rows[] = {
    {"an answer takes one way there and one back", "GET", "https://venue/echo?a=b", 0, 0, PMM_OK, 200, false, "GET a=b t ", 20, 1},
    {"a body travels, with DELETE too", "DELETE", "http://venue/echo", 0, 0, PMM_OK, 200, false, "DELETE  t body", 20, 1},
    {"a port is part of the name or is not", "GET", "https://venue:8443/echo", 0, 0, PMM_OK, 200, false, "GET  t ", 20, 1},
    {"an answer may come later", "POST", "https://venue/later", 0, 0, PMM_OK, 200, false, "POST  t body", 1020, 1},
    {"no such host: nobody has seen it", "POST", "https://elsewhere/echo", 0, 0, PMM_IO, 0, true, "", 10, 0},
    {"no answer: outcome unknown", "POST", "https://venue/never", 2 * SEC, 0, PMM_NOT_READY, 0, false, "", 2000, 1},
    {"cut: outcome unknown", "POST", "https://venue/cut", 0, 0, PMM_IO, 0, false, "", 20, 1},
    {"503 is an answer", "GET", "https://venue/fail/1", 0, 0, PMM_OK, 503, false, "busy", 20, 1},
    {"retried when the caller allows it", "GET", "https://venue/fail/2", 0, 2, PMM_OK, 200, false, "GET  t ", -1, 3},
    {"not more often than allowed", "GET", "https://venue/fail/2", 0, 1, PMM_OK, 503, false, "busy", -1, 2},
    {"a POST is not sent again once it was seen", "POST", "https://venue/fail/2", 0, 2, PMM_OK, 503, false, "busy", 20, 1},
    {"a broken connection is retried", "GET", "https://venue/cut", 0, 1, PMM_IO, 0, false, "", -1, 2},
    {"an answer too large", "GET", "https://venue/big", 0, 0, PMM_FULL, 0, false, "", 20, 1},
  };
  for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
    world_t *const w = world_open(1, 0);
    client_t *const c = &w->client;
    pmm_header_t const header = {"X-Test", "t"};
    bool const has_body = strcmp(rows[i].method, "GET") != 0;
    pmm_http_request_t const request = {.method = rows[i].method, .url = rows[i].url, .header = &header, .header_cnt = 1, .body = has_body ? "body" : NULL, .body_len = has_body ? 4 : 0,
                                        .timeout_ns = rows[i].timeout_ns, .retries = rows[i].retries, .answer_max = 5000, .done = client_done, .ctx = c, .tag = 7};
    assert_int_equal(pmm_http_send(w->net, &request, NULL), PMM_OK);
    assert_int_equal(c->answers, 0);
    pmm_vnet_run(w->net, 30 * SEC);
    if (c->answers != 1 || c->status != rows[i].status || c->http != rows[i].http || c->unsent != rows[i].unsent || strcmp(c->body, rows[i].body) != 0 ||
        w->echo.handled != rows[i].handled || (rows[i].at_ms >= 0 && c->recv_ns != rows[i].at_ms * MS))
      fail_msg("%s: %u answers, status %d, http %d, unsent %d, \"%s\", handled %u, %s", rows[i].why, c->answers, c->status, c->http, c->unsent, c->body, w->echo.handled, c->log);
    if (c->http == 200) assert_string_equal(c->answer_header, strstr(rows[i].url, "/later") ? "-" : "yes");
    world_close(w);
  }
}

static void test_http_refusals(void **state) {
  (void)state;
  world_t *const w = world_open(1, 0);
  static const char *const bad[] = {"", "venue/echo", "ftp://venue/", "https:///x", "ws://venue/"};
  pmm_error_t err;
  for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
    pmm_http_request_t const request = {.method = "GET", .url = bad[i], .done = client_done, .ctx = &w->client};
    assert_int_equal(pmm_http_send(w->net, &request, &err), PMM_INVAL);
  }
  pmm_http_request_t const request = {.method = "GET", .url = "https://venue/never", .done = client_done, .ctx = &w->client};
  pmm_status_t st = PMM_OK;
  uint32_t sent = 0;
  while ((st = pmm_http_send(w->net, &request, &err)) == PMM_OK) sent++;
  assert_int_equal(st, PMM_FULL);
  assert_int_equal(sent, 256);
  pmm_vnet_run(w->net, 5 * SEC);
  assert_int_equal(w->client.answers, 0);
  pmm_vnet_close(w->net); /* open requests end with PMM_STATE */
  assert_int_equal(w->client.answers, 256);
  assert_int_equal(w->client.status, PMM_STATE);
  assert_non_null(strstr(w->echo.log, "gone;"));
  free(w);
}

/* A client that gives up: the service is told, and what was on its way is still handled. */
static void test_http_gone(void **state) {
  (void)state;
  world_t *const w = world_open(1, 0);
  client_get(&w->client, "POST", "https://venue/later", 500 * MS, 0);
  pmm_vnet_run(w->net, 505 * MS);
  assert_int_equal(w->client.status, PMM_NOT_READY);
  assert_non_null(w->echo.later);
  pmm_vnet_run(w->net, 511 * MS);
  assert_null(w->echo.later);
  client_get(&w->client, "POST", "https://venue/never", 5 * MS, 0);
  pmm_vnet_run(w->net, 2 * SEC);
  assert_string_equal(w->echo.log, "POST /later;gone;POST /never;gone;");
  assert_int_equal(w->client.answers, 2);
  assert_false(w->client.unsent);
  world_close(w);
}

/* -- streams -- */

static void test_ws(void **state) {
  (void)state;
  world_t *const w = world_open(1, 0);
  client_t *const c = &w->client;
  pmm_ws_config_t const config = client_config(c, "wss://venue/ws?t=1");
  client_ws(c, &config);
  assert_int_equal(pmm_ws_send(c->ws, 1, "early", 5), PMM_STATE);
  pmm_vnet_run(w->net, 30 * MS);
  assert_int_equal(client_say(c, "one"), PMM_OK);
  assert_int_equal(client_say(c, "two"), PMM_OK);
  assert_int_equal(pmm_ws_send(c->ws, 2, "none", 4), PMM_STATE);
  assert_int_equal(client_say(c, "ping abc"), PMM_OK);
  pmm_vnet_run(w->net, 100 * MS);
  assert_string_equal(c->log, "20 open 1;20 1:hello;50 1:one;50 1:two;");
  assert_string_equal(w->echo.log, "upgrade /ws?t=1 signed;opened 0;0:one;0:two;0:ping abc;pong 0 abc;");
  assert_int_equal(client_say(c, "close 4001"), PMM_OK);
  pmm_vnet_run(w->net, 121 * MS);
  assert_non_null(strstr(c->log, "120 closed 1 4001 0 as asked;"));
  pmm_vnet_run(w->net, 3 * SEC); /* it comes back */
  assert_int_equal(c->opened, 2);
  assert_int_equal(c->conn, 2);
  assert_int_equal(w->echo.live, 1);
  world_close(w);
}

static void test_ws_closed_inside(void **state) {
  (void)state;
  world_t *const w = world_open(1, 0);
  client_t *const c = &w->client;
  pmm_ws_config_t const config = client_config(c, "ws://venue/ws");
  c->close_in_message = true;
  client_ws(c, &config);
  pmm_vnet_run(w->net, 10 * SEC);
  assert_string_equal(c->log, "20 open 1;20 1:hello;"); /* no callback afterwards */
  assert_int_equal(w->echo.live, 0);
  world_close(w);
}

/* What `closed` returns decides about the next attempt; failures back off. */
static void test_ws_backoff(void **state) {
  (void)state;
  static const struct { const char *why, *url; int64_t says; uint32_t least, most; } rows[] = {
    {"refused again and again, ever more seldom", "wss://venue/no", 0, 4, 40},
    {"never again", "wss://venue/no", -1, 1, 1},
    {"not before the venue wants", "wss://venue/no", 50 * SEC, 2, 2},
    {"nobody there", "wss://elsewhere/", 0, 4, 40},
  };
  for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
    world_t *const w = world_open(3, 0);
    client_t *const c = &w->client;
    c->closed_says = rows[i].says;
    pmm_ws_config_t const config = client_config(c, rows[i].url);
    client_ws(c, &config);
    pmm_vnet_run(w->net, 60 * SEC);
    if (c->attempts < rows[i].least || c->attempts > rows[i].most) fail_msg("%s: %u attempts", rows[i].why, c->attempts);
    assert_int_equal(c->opened, 0);
    assert_non_null(strstr(c->log, strstr(rows[i].url, "venue") ? "20 closed 1 1006 401 not here;" : "20 closed 1 1006 0 no such host;"));
    world_close(w);
  }
}

static void test_ws_headers_refused(void **state) {
  (void)state;
  world_t *const w = world_open(1, 0);
  client_t *const c = &w->client;
  c->refuse_headers = true;
  pmm_ws_config_t const config = client_config(c, "wss://venue/ws");
  client_ws(c, &config);
  pmm_vnet_run(w->net, 20 * SEC);
  assert_in_range(c->attempts, 3, 30);
  assert_int_equal(c->log_len, 0);
  c->refuse_headers = false;
  pmm_vnet_run(w->net, 60 * SEC);
  assert_int_equal(c->opened, 1);
  world_close(w);
}

static void test_ws_limits(void **state) {
  (void)state;
  world_t *const w = world_open(1, 0);
  client_t *const c = &w->client;
  pmm_ws_config_t config = client_config(c, "wss://venue/ws");
  config.message_max = 60000;
  client_ws(c, &config);
  pmm_vnet_run(w->net, 30 * MS);
  client_say(c, "flood 1");
  pmm_vnet_run(w->net, 60 * MS);
  assert_non_null(strstr(c->log, "50 closed 1 1009 0 message too large;"));
  pmm_vnet_run(w->net, 5 * SEC);
  assert_int_equal(c->conn, 2);
  client_say(c, "flood 100"); /* more than waits for a slow reader */
  pmm_vnet_run(w->net, 6 * SEC);
  assert_non_null(strstr(w->echo.log, "flood -2;closed 1;"));
  static char block[1 << 18];
  pmm_vnet_run(w->net, 20 * SEC);
  assert_int_equal(c->conn, 3);
  for (int i = 0; i < 4; i++) assert_int_equal(pmm_ws_send(c->ws, 3, block, sizeof block), PMM_OK);
  assert_int_equal(pmm_ws_send(c->ws, 3, block, sizeof block), PMM_FULL);
  world_close(w);
}

/* Rotation: both deliver until the owner promotes; the old one then closes. */
static void test_ws_rotation(void **state) {
  (void)state;
  world_t *const w = world_open(1, 0);
  client_t *const c = &w->client;
  pmm_ws_config_t config = client_config(c, "wss://venue/ws");
  config.rotate_ns = 10 * SEC;
  client_ws(c, &config);
  pmm_vnet_run(w->net, 10 * SEC + 100 * MS);
  assert_int_equal(c->opened, 2);
  assert_int_equal(w->echo.live, 2);
  assert_int_equal(pmm_ws_send(c->ws, 1, "old", 3), PMM_OK);
  assert_int_equal(pmm_ws_send(c->ws, 2, "new", 3), PMM_OK);
  pmm_vnet_run(w->net, 10 * SEC + 200 * MS);
  assert_non_null(strstr(c->log, "10120 1:old;10120 2:new;"));
  pmm_ws_promote(c->ws, 2);
  assert_int_equal(pmm_ws_send(c->ws, 1, "old", 3), PMM_STATE);
  pmm_vnet_run(w->net, 15 * SEC);
  assert_non_null(strstr(c->log, "10200 closed 1 1000 0 a fresh connection took over;"));
  assert_int_equal(w->echo.live, 1);
  assert_int_equal(c->opened, 2);
  pmm_vnet_run(w->net, 21 * SEC); /* and the next */
  assert_int_equal(c->opened, 3);
  pmm_ws_reconnect(c->ws, 3, "incomplete"); /* the fresh one fails: another beside the old */
  pmm_vnet_run(w->net, 25 * SEC);
  assert_int_equal(c->opened, 4);
  assert_int_equal(w->echo.live, 2);
  pmm_ws_reconnect(c->ws, 2, "out of step"); /* the old one fails: the fresh one is all there is */
  pmm_vnet_run(w->net, 29 * SEC);
  assert_int_equal(c->opened, 4);
  assert_int_equal(w->echo.live, 1);
  pmm_vnet_run(w->net, 40 * SEC); /* and rotates in its turn */
  assert_int_equal(c->opened, 5);
  world_close(w);
}

static void test_ws_reconnect(void **state) {
  (void)state;
  world_t *const w = world_open(1, 0);
  client_t *const c = &w->client;
  pmm_ws_config_t config = client_config(c, "wss://venue/ws");
  config.backoff_min_ns = config.backoff_max_ns = 100 * MS;
  client_ws(c, &config);
  pmm_vnet_run(w->net, 100 * MS);
  client_say(c, "lost"); /* its echo comes too late */
  pmm_ws_reconnect(c->ws, 0, "out of step");
  assert_int_equal(client_say(c, "x"), PMM_STATE);
  size_t const said = c->log_len;
  pmm_vnet_run(w->net, 100 * MS);
  assert_string_equal(c->log + said, "100 closed 1 1006 0 out of step;");
  pmm_vnet_run(w->net, 400 * MS);
  assert_int_equal(c->conn, 2);
  assert_null(strstr(c->log, ":lost"));
  world_close(w);
}

/* -- the cable -- */

static void test_cable(void **state) {
  (void)state;
  world_t *const w = world_open(1, 0);
  client_t *const c = &w->client;
  pmm_ws_config_t config = client_config(c, "wss://venue/ws");
  config.idle_ns = 5 * SEC;
  config.ping_ns = 2 * SEC;
  client_ws(c, &config);
  pmm_vnet_run(w->net, 60 * SEC);
  assert_string_equal(c->log, "20 open 1;20 1:hello;"); /* pings keep it alive */
  pmm_vnet_cable(w->net, "venue", false);
  client_get(c, "POST", "https://venue/echo", SEC, 0);
  assert_int_equal(client_say(c, "into the void"), PMM_OK);
  pmm_vnet_run(w->net, 61 * SEC);
  assert_int_equal(c->status, PMM_NOT_READY);
  assert_false(c->unsent);
  assert_int_equal(w->echo.handled, 0);
  pmm_vnet_run(w->net, 62 * SEC);
  pmm_vnet_cable(w->net, "venue", true); /* what was open stays dead */
  client_get(c, "POST", "https://venue/echo", SEC, 0);
  pmm_vnet_run(w->net, 63 * SEC);
  assert_int_equal(c->http, 200);
  assert_int_equal(c->opened, 1);
  pmm_vnet_run(w->net, 75 * SEC);
  assert_non_null(strstr(c->log, "closed 1 1006 0 silent for too long;"));
  assert_int_equal(c->opened, 2);
  assert_null(strstr(w->echo.log, "closed 0;")); /* the service has not learnt it: nobody told it */
  assert_int_equal(w->echo.live, 2);
  w->echo.base.host_ops->close(w->echo.base.host, w->echo.peer[0], 1001, "silent");
  pmm_vnet_run(w->net, 85 * SEC);
  assert_int_equal(w->echo.live, 1);
  world_close(w);
}

/* A service that stops listening, and another in its place. */
static void test_restart(void **state) {
  (void)state;
  world_t *const w = world_open(1, 0);
  client_t *const c = &w->client;
  pmm_ws_config_t const config = client_config(c, "wss://venue/ws");
  client_ws(c, &config);
  client_get(c, "POST", "https://venue/never", 0, 0);
  pmm_vnet_run(w->net, SEC);
  assert_int_equal(pmm_vnet_host(w->net, "venue", &w->echo.base, NULL), PMM_EXISTS);
  assert_int_equal(pmm_vnet_host(w->net, "venue", NULL, NULL), PMM_OK);
  assert_int_equal(w->echo.live, 0);
  pmm_vnet_run(w->net, SEC + 20 * MS);
  assert_int_equal(c->status, PMM_IO);
  assert_false(c->unsent);
  assert_non_null(strstr(c->log, "1010 closed 1 1006 0 ;"));
  client_get(c, "POST", "https://venue/echo", 0, 0);
  pmm_vnet_run(w->net, 2 * SEC);
  assert_int_equal(c->status, PMM_IO);
  assert_true(c->unsent);
  assert_int_equal(pmm_vnet_host(w->net, "venue", &w->echo.base, NULL), PMM_OK);
  pmm_vnet_run(w->net, 60 * SEC);
  assert_int_equal(c->opened, 2);
  assert_int_equal(w->echo.live, 1);
  world_close(w);
}

/* -- the same seed, the same run -- */

static uint64_t busy_run(uint64_t seed) {
  world_t *const w = world_open(seed, 30 * MS);
  client_t *const c = &w->client;
  pmm_ws_config_t config = client_config(c, "wss://venue/ws");
  config.rotate_ns = 7 * SEC;
  config.ping_ns = SEC;
  config.idle_ns = 3 * SEC;
  c->promote = true;
  client_ws(c, &config);
  for (int i = 1; i < 400; i++) {
    char text[32];
    snprintf(text, sizeof text, i % 97 == 0 ? "close 1006" : "say %d %llu", i, (unsigned long long)pmm_net_random(w->net) % 1000);
    client_say(c, text);
    if (i % 5 == 0) client_get(c, i % 2 ? "GET" : "POST", i % 3 ? "https://venue/echo" : "https://venue/fail/30", 3 * SEC, 2);
    if (i % 130 == 0) pmm_vnet_cable(w->net, "venue", false);
    if (i % 130 == 20) pmm_vnet_cable(w->net, "venue", true);
    pmm_vnet_run(w->net, i * 100 * MS);
  }
  uint64_t const h = pmm_hash_mix(pmm_hash64(c->log, c->log_len, 0), pmm_hash64(w->echo.log, w->echo.log_len, 0));
  assert_true(c->messages > 200 && c->opened > 4 && c->answers > 50);
  world_close(w);
  return h;
}

static void test_repeats(void **state) {
  (void)state;
  assert_true(busy_run(1) == busy_run(1));
  assert_true(busy_run(1) != busy_run(2)); /* the hash sees something */
}

/* Order within a connection holds whatever the latencies. */
static void test_order(void **state) {
  (void)state;
  world_t *const w = world_open(5, 500 * MS);
  client_t *const c = &w->client;
  pmm_ws_config_t const config = client_config(c, "wss://venue/ws");
  client_ws(c, &config);
  pmm_vnet_run(w->net, 3 * SEC);
  char text[16], want[16];
  for (int i = 100; i < 300; i++) {
    snprintf(text, sizeof text, "n%d", i);
    client_say(c, text);
    pmm_vnet_run(w->net, pmm_net_mono(w->net) + 3 * MS);
  }
  pmm_vnet_run(w->net, 10 * SEC);
  const char *at = c->log;
  for (int i = 100; i < 300; i++) {
    snprintf(want, sizeof want, ":n%d;", i);
    at = strstr(at, want);
    assert_non_null(at);
  }
  world_close(w);
}

int main(void) {
  const struct CMUnitTest tests[] = {
    cmocka_unit_test(test_timers), cmocka_unit_test(test_timers_random), cmocka_unit_test(test_http), cmocka_unit_test(test_http_refusals),
    cmocka_unit_test(test_http_gone), cmocka_unit_test(test_ws), cmocka_unit_test(test_ws_closed_inside), cmocka_unit_test(test_ws_backoff),
    cmocka_unit_test(test_ws_headers_refused), cmocka_unit_test(test_ws_limits), cmocka_unit_test(test_ws_rotation), cmocka_unit_test(test_ws_reconnect),
    cmocka_unit_test(test_cable), cmocka_unit_test(test_restart), cmocka_unit_test(test_repeats), cmocka_unit_test(test_order),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
