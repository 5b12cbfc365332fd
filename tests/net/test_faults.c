/* Each fault alone, then all together: repeatable from the seed, and nothing at all when none is set. */
#include "net/echo.h"
#include "pmm/hash.h"

typedef struct world { pmm_net_t *net; echo_t echo; pmm_service_t *faulty; client_t client; } world_t;

static world_t *world_open(uint64_t net_seed, const pmm_faults_params_t *params, bool wrapped) {
  static const pmm_header_t retry = {"X-Answer", "7"};
  static const pmm_faults_bodies_t bodies = {.rate_limited = "slow down", .error = "broken", .header = &retry, .header_cnt = 1};
  world_t *const w = calloc(1, sizeof *w);
  pmm_vnet_config_t const config = {.start_ns = 1000 * SEC, .seed = net_seed, .latency_ns = 10 * MS};
  assert_int_equal(pmm_vnet_open(&w->net, &config, NULL), PMM_OK);
  echo_init(&w->echo);
  if (wrapped) assert_int_equal(pmm_faults_open(&w->faulty, &w->echo.base, params, &bodies, NULL), PMM_OK);
  assert_int_equal(pmm_vnet_host(w->net, "venue", wrapped ? w->faulty : &w->echo.base, NULL), PMM_OK);
  w->client.net = w->net;
  return w;
}

static void world_close(world_t *w) {
  pmm_ws_close(w->client.ws);
  pmm_vnet_close(w->net);
  assert_int_equal(w->echo.live, 0);
  pmm_faults_close(w->faulty);
  free(w);
}

static void test_http(void **state) {
  (void)state;
  static const struct { const char *why; pmm_faults_params_t params; pmm_status_t status; int http_least, http_most; const char *body, *header; int64_t at_ms; uint32_t handled; size_t stat; } rows[] = {
#define STAT(field) offsetof(pmm_faults_stats_t, field)
    {"none", {0}, PMM_OK, 200, 200, "POST  t body", "yes", 20, 1, STAT(requests)},
    {"late", {.delay_ns = 300 * MS}, PMM_OK, 200, 200, "POST  t body", "yes", 320, 1, STAT(requests)},
    {"never arrives", {.drop_request = 1}, PMM_NOT_READY, 0, 0, "", "-", 5000, 0, STAT(dropped)},
    {"handled, and the answer lost", {.drop_answer = 1}, PMM_NOT_READY, 0, 0, "", "-", 5000, 1, STAT(lost_answers)},
    {"5xx without being handled", {.error_5xx = 1}, PMM_OK, 500, 504, "broken", "-", 20, 0, STAT(errors)},
    {"5xx although it was handled", {.error_5xx_after = 1}, PMM_OK, 500, 504, "broken", "-", 20, 1, STAT(errors)},
    {"429 with the body and headers of the venue", {.rate_limited = 1}, PMM_OK, 429, 429, "slow down", "7", 20, 0, STAT(limited)},
    {"425", {.restart_425 = 1}, PMM_OK, 425, 425, "broken", "-", 20, 0, STAT(errors)},
    {"late and wrong", {.restart_425 = 1, .delay_ns = 50 * MS}, PMM_OK, 425, 425, "broken", "-", 70, 0, STAT(errors)},
  };
  for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
    world_t *const w = world_open(1, &rows[i].params, true);
    client_t *const c = &w->client;
    client_get(c, "POST", "https://venue/echo", 5 * SEC, 0);
    pmm_vnet_run(w->net, 20 * SEC);
    const pmm_faults_stats_t *const stats = pmm_faults_stats(w->faulty);
    if (c->answers != 1 || c->status != rows[i].status || c->http < rows[i].http_least || c->http > rows[i].http_most || strcmp(c->body, rows[i].body) != 0 ||
        strcmp(c->answer_header, rows[i].header) != 0 || c->recv_ns != rows[i].at_ms * MS || w->echo.handled != rows[i].handled ||
        *(const uint64_t *)((const char *)stats + rows[i].stat) != 1)
      fail_msg("%s: status %d, http %d, \"%s\", %s, handled %u, at %lld", rows[i].why, c->status, c->http, c->body, c->answer_header, w->echo.handled, (long long)c->recv_ns);
    world_close(w);
  }
}

/* Shares are shares: of 2000 requests about a tenth each. */
static void test_shares(void **state) {
  (void)state;
  pmm_faults_params_t const params = {.seed = 4, .drop_request = .1, .drop_answer = .1, .error_5xx = .1, .rate_limited = .1};
  world_t *const w = world_open(1, &params, true);
  for (int i = 0; i < 2000; i++) {
    client_get(&w->client, "POST", "https://venue/echo", 100 * MS, 0);
    pmm_vnet_run(w->net, pmm_net_mono(w->net) + 10 * MS);
  }
  pmm_vnet_run(w->net, pmm_net_mono(w->net) + SEC);
  const pmm_faults_stats_t *const s = pmm_faults_stats(w->faulty);
  assert_int_equal(s->requests, 2000);
  assert_int_equal(w->client.answers, 2000);
  assert_in_range(s->dropped, 150, 250);
  assert_in_range(s->limited, 130, 230);
  assert_in_range(s->errors, 110, 210);
  assert_in_range(s->lost_answers, 100, 195);
  assert_int_equal(w->echo.handled, s->requests - s->dropped - s->limited - s->errors);
  world_close(w);
}

/* -- sockets -- */

static world_t *world_socket(const pmm_faults_params_t *params) {
  static const pmm_faults_params_t none;
  world_t *const w = world_open(1, &none, true);
  pmm_ws_config_t config = client_config(&w->client, "wss://venue/ws");
  config.backoff_min_ns = config.backoff_max_ns = 200 * MS;
  client_ws(&w->client, &config);
  pmm_vnet_run(w->net, 100 * MS);
  assert_string_equal(w->client.log, "20 open 1;20 1:hello;");
  pmm_faults_set(w->faulty, params);
  w->client.log_len = 0;
  w->client.log[0] = '\0';
  return w;
}

static void test_messages(void **state) {
  (void)state;
  static const struct { const char *why; pmm_faults_params_t params; const char *want; } rows[] = {
    {"none", {0}, "120 1:a;120 1:b;120 1:c;"},
    {"late", {.delay_ns = 30 * MS}, "150 1:a;150 1:b;150 1:c;"},
    {"lost", {.lose = 1}, ""},
    {"twice", {.duplicate = 1}, "120 1:a;120 1:a;120 1:b;120 1:b;120 1:c;120 1:c;"},
    {"after the next one; the last after a while", {.reorder = 1}, "120 1:b;120 1:a;1120 1:c;"},
    {"all at once", {.reorder = 1, .duplicate = 1, .delay_ns = 30 * MS}, "150 1:b;150 1:b;150 1:a;1150 1:c;"},
  };
  for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
    world_t *const w = world_socket(&rows[i].params);
    client_say(&w->client, "a");
    client_say(&w->client, "b");
    client_say(&w->client, "c");
    pmm_vnet_run(w->net, 5 * SEC);
    if (strcmp(w->client.log, rows[i].want) != 0) fail_msg("%s: %s", rows[i].why, w->client.log);
    world_close(w);
  }
}

static void test_disconnect(void **state) {
  (void)state;
  world_t *const w = world_socket(&(pmm_faults_params_t){.disconnect_per_s = .5});
  pmm_vnet_run(w->net, 200 * SEC);
  const pmm_faults_stats_t *const s = pmm_faults_stats(w->faulty);
  assert_in_range(s->disconnects, 60, 140);
  assert_in_range(w->client.opened, s->disconnects, s->disconnects + 1);
  assert_true(w->echo.peer_cnt <= ECHO_PEERS);
  world_close(w);
}

/* Silent for a while, the socket open, then everything in order. */
static void test_mute(void **state) {
  (void)state;
  world_t *const w = world_socket(&(pmm_faults_params_t){.mute_per_s = 1000, .mute_ns = 2 * SEC});
  pmm_vnet_run(w->net, 200 * MS);
  pmm_faults_set(w->faulty, &(pmm_faults_params_t){0});
  client_say(&w->client, "a");
  client_say(&w->client, "ping p");
  client_say(&w->client, "b");
  pmm_vnet_run(w->net, 2 * SEC);
  assert_int_equal(w->client.log_len, 0);
  assert_null(strstr(w->echo.log, "pong"));
  pmm_vnet_run(w->net, 3 * SEC);
  assert_non_null(strstr(w->client.log, ":a;"));
  assert_true(strstr(w->client.log, ":b;") > strstr(w->client.log, ":a;"));
  assert_non_null(strstr(w->echo.log, "pong 0 p;"));
  assert_true(pmm_faults_stats(w->faulty)->mutes > 0);
  world_close(w);
}

static void test_slow(void **state) {
  (void)state;
  world_t *const w = world_socket(&(pmm_faults_params_t){.slow_read_per_s = 1000, .slow_ns = 2 * SEC});
  pmm_vnet_run(w->net, 200 * MS);
  pmm_faults_set(w->faulty, &(pmm_faults_params_t){0});
  client_say(&w->client, "a");
  client_say(&w->client, "b");
  pmm_vnet_run(w->net, 2 * SEC);
  assert_int_equal(w->echo.handled, 0);
  pmm_vnet_run(w->net, 3 * SEC);
  assert_non_null(strstr(w->echo.log, "0:a;0:b;"));
  assert_non_null(strstr(w->client.log, "1:a;"));
  world_close(w);
}

/* What is held back is bounded: a mute socket that is talked at is cut. */
static void test_bounded(void **state) {
  (void)state;
  world_t *const w = world_socket(&(pmm_faults_params_t){.mute_per_s = 1000, .mute_ns = 100 * SEC});
  pmm_vnet_run(w->net, 200 * MS);
  client_say(&w->client, "flood 100");
  pmm_vnet_run(w->net, SEC);
  assert_non_null(strstr(w->echo.log, "flood -2;closed 0;"));
  world_close(w);
}

/* A service that closes while messages are held back: they go first. */
static void test_close_in_order(void **state) {
  (void)state;
  world_t *const w = world_socket(&(pmm_faults_params_t){.delay_ns = 100 * MS, .reorder = 1});
  client_say(&w->client, "a");
  client_say(&w->client, "close 4002");
  client_say(&w->client, "too late");
  pmm_vnet_run(w->net, 250 * MS);
  const char *const a = strstr(w->client.log, "1:a;"), *const closed = strstr(w->client.log, "closed 1 4002 0 as asked;");
  assert_true(a && closed && a < closed);
  assert_null(strstr(w->echo.log, "too late"));
  world_close(w);
}

/* -- all of them -- */

static uint64_t busy_run(const pmm_faults_params_t *params, bool wrapped, uint64_t net_seed, char *last, size_t cap) {
  world_t *const w = world_open(net_seed, params, wrapped);
  client_t *const c = &w->client;
  pmm_ws_config_t config = client_config(c, "wss://venue/ws");
  config.ping_ns = SEC;
  config.idle_ns = 5 * SEC;
  client_ws(c, &config);
  for (int i = 1; i < 300; i++) {
    char text[32];
    snprintf(text, sizeof text, i % 50 == 0 ? "ping %d" : "say %d", i);
    client_say(c, text);
    if (i % 3 == 0) client_get(c, i % 2 ? "GET" : "POST", i % 5 ? "https://venue/echo" : "https://venue/later", 900 * MS, 1);
    pmm_vnet_run(w->net, i * 100 * MS);
  }
  uint64_t const h = pmm_hash_mix(pmm_hash64(c->log, c->log_len, 0), pmm_hash64(w->echo.log, w->echo.log_len, 0));
  if (last) snprintf(last, cap, "%s", c->log);
  world_close(w);
  return h;
}

static void test_repeats(void **state) {
  (void)state;
  pmm_faults_params_t params = {.seed = 9, .delay_ns = 20 * MS, .delay_jitter_ns = 80 * MS, .drop_request = .05, .drop_answer = .05, .error_5xx = .05,
                                .error_5xx_after = .05, .rate_limited = .05, .restart_425 = .05, .duplicate = .05, .reorder = .05, .lose = .05,
                                .disconnect_per_s = .2, .mute_per_s = .1, .mute_ns = SEC, .slow_read_per_s = .1, .slow_ns = SEC};
  for (uint64_t seed = 1; seed <= 20; seed++) {
    params.seed = seed;
    assert_true(busy_run(&params, true, 1, NULL, 0) == busy_run(&params, true, 1, NULL, 0));
  }
  uint64_t const one = busy_run(&params, true, 1, NULL, 0);
  params.seed = 99;
  assert_true(one != busy_run(&params, true, 1, NULL, 0));
}

static void test_transparent(void **state) {
  (void)state;
  static char with[1 << 16], without[1 << 16];
  pmm_faults_params_t const none = {.seed = 5};
  uint64_t const a = busy_run(&none, true, 2, with, sizeof with), b = busy_run(&none, false, 2, without, sizeof without);
  assert_string_equal(with, without);
  assert_true(a == b);
}

int main(void) {
  const struct CMUnitTest tests[] = {
    cmocka_unit_test(test_http), cmocka_unit_test(test_shares), cmocka_unit_test(test_messages), cmocka_unit_test(test_disconnect), cmocka_unit_test(test_mute),
    cmocka_unit_test(test_slow), cmocka_unit_test(test_bounded), cmocka_unit_test(test_close_in_order), cmocka_unit_test(test_repeats), cmocka_unit_test(test_transparent),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
