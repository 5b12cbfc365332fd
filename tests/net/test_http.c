/* Requests: retries, what is told about an outcome, deadlines, limits; against our host and against servers that misbehave. */
#include "raw.h"

#define SEC PMM_NS_PER_S

static void test_retries(void **state) {
  (void)state;
  static const struct { const char *why, *method; int fails, retries, http, calls; } rows[] = {
      {"passing trouble of an idempotent call", "GET", 2, 2, 200, 3},  {"as often as allowed", "GET", 3, 2, 503, 3},
      {"none unless asked for", "GET", 1, 0, 503, 1},                  {"an order is never repeated", "POST", 1, 5, 503, 1},
      {"a cancel may be", "DELETE", 1, 5, 200, 2},
  };
  rig_t rig;
  rig_open(&rig, NULL, (pmm_host_config_t){0});
  for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
    rig_answer_t a = {0};
    rig.service.calls = 0;
    rig.service.fail_cnt = rows[i].fails;
    rig_send(&rig, &a, rows[i].method, "/fail", NULL, (pmm_http_request_t){.retries = rows[i].retries, .timeout_ns = 50 * SEC});
    RIG_UNTIL(&rig, a.cnt == 1);
    if (a.http != rows[i].http || rig.service.calls != rows[i].calls) fail_msg("%s: %d after %d calls", rows[i].why, a.http, rig.service.calls);
  }
  rig_answer_t const a = rig_ask(&rig, "GET", "/429", NULL);
  assert_int_equal(a.http, 429);
  assert_string_equal(a.retry_after, "7");
  assert_string_equal(a.type, "text/plain");
  assert_string_equal(a.body, "slow down");
  rig_close(&rig);
}

/* A kept connection on which the request is read and then cut: curl would send it again by itself. */
static void test_never_twice(void **state) {
  (void)state;
  rig_t rig;
  rig_open(&rig, NULL, (pmm_host_config_t){0});
  for (int round = 0; round < 3; round++) {
    assert_int_equal(rig_ask(&rig, "GET", "/x", NULL).http, 200); /* warms the connection */
    rig.service.calls = 0;
    rig_answer_t const a = rig_ask(&rig, "POST", "/drop", "{\"order\":1}");
    assert_int_equal(a.status, PMM_IO);
    assert_false(a.unsent);
    assert_int_equal(rig.service.calls, 1);
  }
  rig_close(&rig);
}

static void test_unsent(void **state) {
  (void)state;
  rig_t rig;
  rig_open(&rig, NULL, (pmm_host_config_t){0});
  raw_server_t gone;
  char url[64];
  raw_start(&gone, (raw_script_t){0}, 0);
  raw_stop(&gone);
  snprintf(url, sizeof url, "http://127.0.0.1:%d/", gone.port);
  rig_answer_t a = {0};
  rig_send(&rig, &a, "POST", url, "{}", (pmm_http_request_t){.retries = 2});
  RIG_UNTIL(&rig, a.cnt == 1);
  assert_int_equal(a.status, PMM_IO);
  assert_true(a.unsent);
  assert_true(a.why[0]);
  rig_close(&rig);
}

static void test_deadline(void **state) {
  (void)state;
  rig_t rig;
  rig_open(&rig, NULL, (pmm_host_config_t){0});
  rig_answer_t a = {0};
  rig_send(&rig, &a, "POST", "/late", "{}", (pmm_http_request_t){.timeout_ns = 30 * PMM_NS_PER_MS, .retries = 3});
  RIG_UNTIL(&rig, a.cnt == 1);
  assert_int_equal(a.status, PMM_NOT_READY);
  assert_false(a.unsent);
  RIG_UNTIL(&rig, rig.service.gone == 1); /* the service learns that nobody waits */
  rig_answer_t b = {0};
  rig_send(&rig, &b, "POST", "/late", "late", (pmm_http_request_t){0});
  RIG_UNTIL(&rig, rig.service.late_cnt == 2);
  pmm_service_reply(&rig.service.base, rig.service.late[1], 201, "at last", 7);
  RIG_UNTIL(&rig, b.cnt == 1);
  assert_int_equal(b.http, 201);
  assert_string_equal(b.body, "at last");
  rig_close(&rig);
}

static void test_limits(void **state) {
  (void)state;
  rig_t rig;
  rig_open(&rig, &(pmm_net_config_t){.requests_max = 4}, (pmm_host_config_t){0});
  rig_answer_t a = {0};
  rig_send(&rig, &a, "GET", "/large?100001", NULL, (pmm_http_request_t){.answer_max = 100000, .retries = 3});
  RIG_UNTIL(&rig, a.cnt == 1);
  assert_int_equal(a.status, PMM_FULL);
  assert_false(a.unsent);
  assert_int_equal(rig.service.calls, 1);
  a = (rig_answer_t){0};
  rig_send(&rig, &a, "GET", "/large?100000", NULL, (pmm_http_request_t){.answer_max = 100000});
  RIG_UNTIL(&rig, a.cnt == 1);
  assert_int_equal(a.len, 100000);
  rig_answer_t many[4] = {0};
  for (uint64_t i = 0; i < 4; i++) rig_send(&rig, many, "GET", "/late", NULL, (pmm_http_request_t){.tag = i});
  pmm_error_t err;
  pmm_http_request_t const more = {.method = "GET", .url = rig.http, .done = rig_done, .ctx = many};
  assert_int_equal(pmm_http_send(rig.net, &more, &err), PMM_FULL);
  RIG_UNTIL(&rig, rig.service.late_cnt == 4);
  pmm_host_close(rig.host);
  RIG_UNTIL(&rig, many[0].cnt + many[1].cnt + many[2].cnt + many[3].cnt == 4);
  assert_int_equal(rig.service.gone, 4);
  assert_int_equal(many[3].status, PMM_IO);
  pmm_net_close(rig.net);
}

static void test_arguments(void **state) {
  (void)state;
  rig_t rig;
  rig_open(&rig, NULL, (pmm_host_config_t){0});
  pmm_header_t const bad = {"A", "x\r\nB: y"};
  static const struct { const char *method, *url; bool header, done; } rows[] = {
      {"GET", "http://example.com/", false, true}, {"TRACE", "http://127.0.0.1:1/", false, true}, {"GET", "ftp://127.0.0.1/", false, true},
      {"GET", "http://127.0.0.1:1/", true, true},  {"GET", "http://127.0.0.1:1/", false, false},  {"GET", "", false, true},
  };
  for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
    pmm_error_t err = {0};
    pmm_http_request_t const q = {.method = rows[i].method, .url = rows[i].url, .header = &bad, .header_cnt = rows[i].header, .done = rows[i].done ? rig_done : NULL};
    assert_int_equal(pmm_http_send(rig.net, &q, &err), PMM_INVAL);
    assert_true(err.text[0]);
  }
  rig_close(&rig);
}

static void test_close(void **state) {
  (void)state;
  rig_t rig;
  rig_open(&rig, NULL, (pmm_host_config_t){0});
  rig_answer_t a[2] = {0};
  rig_send(&rig, a, "POST", "/late", "{}", (pmm_http_request_t){.tag = 0});
  RIG_UNTIL(&rig, rig.service.late_cnt == 1);
  rig_send(&rig, a, "GET", "/late", NULL, (pmm_http_request_t){.tag = 1});
  pmm_net_close(rig.net); /* the host with it */
  for (int i = 0; i < 2; i++) {
    assert_int_equal(a[i].cnt, 1);
    assert_int_equal(a[i].status, PMM_STATE);
  }
  assert_false(a[0].unsent);
}

/* Each ends the request with a status and a reason, and costs no more memory than allowed. */
static void test_hostile(void **state) {
  (void)state;
  static char line[70000];
  memset(line, 'a', sizeof line);
  memcpy(line, "X: ", 3);
  memcpy(line + sizeof line - 2, "\r\n", 2);
  static const char header[] = "X-Again: aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa\r\n", interim[] = "HTTP/1.1 103 Early\r\nLink: x\r\n\r\n";
  const struct { const char *why; pmm_status_t want; raw_script_t script; } rows[] = {
      {"cut before an answer", PMM_IO, SCRIPT(""), .cut = true}},
      {"cut in the head", PMM_IO, SCRIPT("HTTP/1.1 200 OK\r\nContent-Le"), .cut = true}},
      {"cut in the body", PMM_IO, SCRIPT("HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nabc"), .cut = true}},
      {"not HTTP", PMM_IO, SCRIPT("SSH-2.0-OpenSSH_9.2\r\n\r\n"), .cut = true}},
      {"half chunk", PMM_IO, SCRIPT("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n10\r\nabc"), .cut = true}},
      {"endless headers", PMM_FULL, SCRIPT("HTTP/1.1 200 OK\r\n"), .flood = header, .flood_len = sizeof header - 1}},
      {"one endless header", PMM_FULL, SCRIPT("HTTP/1.1 200 OK\r\nX: "), .flood = line + 3, .flood_len = 60000}},
      {"many long headers", PMM_FULL, SCRIPT("HTTP/1.1 200 OK\r\n"), .flood = line, .flood_len = sizeof line}},
      {"endless interim answers", PMM_FULL, SCRIPT(""), .flood = interim, .flood_len = sizeof interim - 1}},
      {"endless body", PMM_FULL, SCRIPT("HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n"), .flood = line, .flood_len = sizeof line}},
      {"endless chunks", PMM_FULL, SCRIPT("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1\r\na\r\n100000000\r\n"), .flood = line, .flood_len = sizeof line}},
      {"not a chunk", PMM_IO, SCRIPT("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n"), .cut = true}},
      {"announces too much and stays", PMM_NOT_READY, SCRIPT("HTTP/1.1 200 OK\r\nContent-Length: 99999\r\n\r\nabc")}},
      {"says nothing", PMM_NOT_READY, SCRIPT("")}},
      {"does not inflate", PMM_IO, SCRIPT("HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: 8\r\n\r\nnot gzip")}},
      {"a NUL in a header", PMM_IO, SCRIPT("HTTP/1.1 200 OK\r\nX: a\0b\r\nContent-Length: 0\r\n\r\n"), .cut = true}},
  };
  for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
    rig_t rig;
    raw_server_t server;
    char url[64];
    rig_open(&rig, NULL, (pmm_host_config_t){0});
    raw_start(&server, rows[i].script, 1);
    snprintf(url, sizeof url, "http://127.0.0.1:%d/x", server.port);
    rig_answer_t a = {0};
    size_t const before = raw_memory();
    rig_send(&rig, &a, "POST", url, "{}", (pmm_http_request_t){.answer_max = 1 << 20, .timeout_ns = rows[i].want == PMM_NOT_READY ? SEC / 20 : 30 * SEC});
    RIG_UNTIL(&rig, a.cnt == 1);
    if (a.status != rows[i].want) fail_msg("%s: %s, HTTP %d, %s", rows[i].why, pmm_status_to_string(a.status), a.http, a.why);
    assert_false(a.unsent);
    assert_int_equal(a.http, 0);
    assert_true(raw_memory() < before + (64 << 20));
    rig_close(&rig);
    raw_stop(&server);
  }
}

/* A folded line has nothing to continue in the second answer; libcurl 7.88 would add it to a header of the first, freed by then. */
static void test_folded(void **state) {
  (void)state;
  rig_t rig;
  raw_server_t server;
  char url[64];
  rig_open(&rig, NULL, (pmm_host_config_t){0});
  static const char answer[] = "HTTP/1.1 503 x\r\n folded\r\nX: y\r\nConnection: close\r\nContent-Length: 0\r\n\r\n";
  raw_start(&server, (raw_script_t){.answer = answer, .len = sizeof answer - 1}, 3);
  snprintf(url, sizeof url, "http://127.0.0.1:%d/x", server.port);
  rig_answer_t a = {0};
  rig_send(&rig, &a, "GET", url, NULL, (pmm_http_request_t){.retries = 2, .timeout_ns = 30 * SEC});
  RIG_UNTIL(&rig, a.cnt == 1);
  rig_close(&rig);
  raw_stop(&server);
}

int main(void) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(test_retries),   cmocka_unit_test(test_never_twice), cmocka_unit_test(test_unsent), cmocka_unit_test(test_deadline),
                                     cmocka_unit_test(test_limits),    cmocka_unit_test(test_arguments),   cmocka_unit_test(test_close),  cmocka_unit_test(test_hostile),
                                     cmocka_unit_test(test_folded)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
