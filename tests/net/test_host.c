/* A host against clients by hand: every rule of HTTP/1.1 that a venue's client may rely on, and every way to wear a server down. */
#include "raw.h"

#define MS PMM_NS_PER_MS
#define UPGRADE_HEAD "Host: x\r\nUpgrade: websocket\r\nConnection: keep-alive, Upgrade\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n"

/* One connection: sends, reads until the host hangs up or `want` came. True: hung up. */
static bool talk(rig_t *rig, const char *text, size_t len, const char *want, char *out, size_t cap) {
  int const fd = raw_connect(rig);
  raw_send(rig, fd, text, len);
  bool const ended = raw_read(rig, fd, want, out, cap);
  close(fd);
  return ended;
}

static void test_rules(void **state) {
  (void)state;
  static const struct { const char *why, *text, *want, *path, *body; bool hangs_up; } rows[] = {
      {"plain", "GET /a?b HTTP/1.1\r\nHost: x\r\n\r\n", "HTTP/1.1 200 OK\r\n", "/a", "", false},
      {"old version hangs up", "GET /a HTTP/1.0\r\n\r\n", "Connection: close", "/a", "", true},
      {"as asked", "GET /a HTTP/1.1\r\nConnection: close\r\n\r\n", "Connection: close", "/a", "", true},
      {"DELETE with a body", "DELETE /order HTTP/1.1\r\nContent-Length: 7\r\n\r\n{\"a\":1}", "\r\n\r\n{\"a\":1}", "/order", "{\"a\":1}", false},
      {"GET with a body", "GET /g HTTP/1.1\r\nContent-Length: 2\r\n\r\n{}", "\r\n\r\n{}", "/g", "{}", false},
      {"chunks and trailers", "POST /c HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n2;x=y\r\nde\r\n0\r\nX: y\r\n\r\n", "\r\n\r\nabcde", "/c", "abcde", false},
      {"HEAD has no body", "HEAD /h HTTP/1.1\r\nConnection: close\r\n\r\n", "Content-Length: 0\r\n", "/h", "", true},
      {"waits for 100", "POST /e HTTP/1.1\r\nExpect: 100-continue\r\nContent-Length: 3\r\n\r\n", "HTTP/1.1 100 Continue\r\n\r\n", "", "", false},
      {"absolute path as sent", "GET //a/%2e%2E/./b%zz HTTP/1.1\r\n\r\n", "200 OK", "//a/%2e%2E/./b%zz", "", false},
      {"leading blank lines", "\r\n\r\nGET /l HTTP/1.1\r\n\r\n", "200 OK", "/l", "", false},
      {"other upgrades are ignored", "GET /u HTTP/1.1\r\nConnection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\nHTTP2-Settings: AA\r\n\r\n", "200 OK", "/u", "", false},
      {"upgrade", "GET /w HTTP/1.1\r\n" UPGRADE_HEAD "\r\n", "HTTP/1.1 101 Switching Protocols\r\n", "/w", "", false},
      {"upgrade with compression", "GET /w HTTP/1.1\r\n" UPGRADE_HEAD "Sec-WebSocket-Extensions: permessage-deflate; client_max_window_bits\r\n\r\n", "Sec-WebSocket-Extensions: permessage-deflate\r\n", "/w", "", false},
      {"upgrade refused by the service", "GET /no HTTP/1.1\r\n" UPGRADE_HEAD "\r\n", "{\"error\":\"no\"}", "/no", "", true},
  };
  for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
    rig_t rig;
    char out[4096];
    rig_open(&rig, NULL, (pmm_host_config_t){0});
    bool const ended = talk(&rig, rows[i].text, strlen(rows[i].text), rows[i].hangs_up ? NULL : rows[i].want, out, sizeof out);
    if (!strstr(out, rows[i].want) || ended != rows[i].hangs_up) fail_msg("%s: %s", rows[i].why, out);
    assert_string_equal(rig.service.last_path, rows[i].path);
    assert_string_equal(rig.service.last_body, rows[i].body);
    rig_close(&rig);
  }
}

/* What breaks the rules is refused in HTTP's words, noticed, and never reaches the service. */
static void test_refused(void **state) {
  (void)state;
  static char lines[40000], target[9000], many[8000];
  memset(target, 'a', sizeof target - 1);
  memcpy(target, "GET /", 5);
  strcpy(lines, "GET / HTTP/1.1\r\nX: ");
  memset(lines + strlen(lines), 'b', sizeof lines - 1 - strlen(lines));
  strcpy(many, "GET / HTTP/1.1\r\n");
  for (int i = 0; i < 120; i++) strcat(many, "X: y\r\n");
  const struct { const char *why, *text, *want; } rows[] = {
      {"not HTTP", "SSH-2.0-x\r\n\r\n", "400 Bad Request"},
      {"TLS to a plain port", "\x16\x03\x01\x02", "400 Bad Request"},
      {"unknown method", "BREW / HTTP/1.1\r\n\r\n", "400 Bad Request"},
      {"proxy request", "GET http://other/ HTTP/1.1\r\n\r\n", "400 Bad Request"},
      {"tunnel", "CONNECT other:443 HTTP/1.1\r\n\r\n", "400 Bad Request"},
      {"two lengths", "POST / HTTP/1.1\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nab", "400 Bad Request"},
      {"length and chunks", "POST / HTTP/1.1\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", "400 Bad Request"},
      {"bad length", "POST / HTTP/1.1\r\nContent-Length: -1\r\n\r\n", "400 Bad Request"},
      {"bad chunk", "POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n", "400 Bad Request"},
      {"body announced too large", "POST / HTTP/1.1\r\nContent-Length: 1048577\r\n\r\n", "413 Payload Too Large"},
      {"absurd length", "POST / HTTP/1.1\r\nContent-Length: 99999999999999999999999\r\n\r\n", "400 Bad Request"},
      {"absurd chunk", "POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\nfffffffffffffffff\r\n", "400 Bad Request"},
      {"long target", target, "414 URI Too Long"},
      {"long header", lines, "431 Request Header Fields Too Large"},
      {"many headers", many, "431 Request Header Fields Too Large"},
      {"upgrade of another version", "GET / HTTP/1.1\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 8\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n", "426 Upgrade Required"},
      {"upgrade without a key", "GET / HTTP/1.1\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13\r\n\r\n", "400 Bad Request"},
      {"upgrade by POST", "POST / HTTP/1.1\r\nContent-Length: 0\r\n" UPGRADE_HEAD "\r\n", "400 Bad Request"},
  };
  for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
    rig_t rig;
    char out[4096];
    rig_open(&rig, NULL, (pmm_host_config_t){0});
    bool const ended = talk(&rig, rows[i].text, strlen(rows[i].text), NULL, out, sizeof out);
    if (!ended || !strstr(out, rows[i].want)) fail_msg("%s: %s", rows[i].why, out);
    assert_true(rig_noticed(&rig, "refused"));
    assert_int_equal(rig.service.calls + rig.service.upgrades, 0);
    rig_close(&rig);
  }
  static const char nul[] = "GET / HTTP/1.1\r\nX: a\0b\r\n\r\n";
  rig_t rig;
  char out[4096];
  rig_open(&rig, NULL, (pmm_host_config_t){0});
  assert_true(talk(&rig, nul, sizeof nul - 1, NULL, out, sizeof out));
  assert_non_null(strstr(out, "400 Bad Request"));
  rig_close(&rig);
}

/* Trailers are read over without moving the headers, and do not go on for ever either. */
static void test_trailers(void **state) {
  (void)state;
  static char text[90000] = "POST /c HTTP/1.1\r\nPOLY_ADDRESS: 0xA\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n";
  size_t const head_len = strlen(text);
  rig_t rig;
  char out[4096];
  for (int rows = 100; rows <= 8000; rows += 7900) {
    text[head_len] = '\0';
    for (int i = 0; i < rows; i++) strcpy(text + head_len + i * 9, "POLY: y\r\n");
    memcpy(text + head_len + rows * 9, "\r\n", 3);
    rig_open(&rig, NULL, (pmm_host_config_t){0});
    talk(&rig, text, strlen(text), "\r\n\r\n", out, sizeof out);
    if (rows == 100) {
      assert_non_null(strstr(out, "200 OK"));
      assert_string_equal(rig.service.last_header, "0xA");
      assert_string_equal(rig.service.last_body, "abc");
    } else assert_non_null(strstr(out, "431 "));
    rig_close(&rig);
  }
}

/* A body that never ends, in chunks: refused at the limit although it is still being sent. */
static void test_endless_body(void **state) {
  (void)state;
  static char chunk[65536 + 9];
  rig_t rig;
  char out[4096];
  rig_open(&rig, NULL, (pmm_host_config_t){0});
  int const fd = raw_connect(&rig);
  memcpy(chunk, "10000\r\n", 7);
  memset(chunk + 7, 'x', 65536);
  memcpy(chunk + 7 + 65536, "\r\n", 2);
  size_t const before = raw_memory();
  raw_send(&rig, fd, "POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n", 47);
  for (int i = 0; i < 40 && raw_send(&rig, fd, chunk, sizeof chunk); i++) {}
  assert_true(raw_read(&rig, fd, NULL, out, sizeof out));
  assert_non_null(strstr(out, "413 Payload Too Large"));
  assert_true(raw_memory() < before + (32 << 20));
  assert_int_equal(rig.service.calls, 0);
  close(fd);
  rig_close(&rig);
}

/* One byte at a time, for ever: the time for the head, and for the body, is for the whole of it. */
static void test_slow_loris(void **state) {
  (void)state;
  static const char *const begin[] = {"GET / HTTP/1.1\r\nX: ", "POST / HTTP/1.1\r\nContent-Length: 1000000\r\n\r\n", ""};
  for (size_t i = 0; i < 3; i++) {
    rig_t rig;
    char c = 'a';
    rig_open(&rig, NULL, (pmm_host_config_t){.header_timeout_ns = 100 * MS, .body_timeout_ns = 100 * MS});
    int const fd = raw_connect(&rig);
    raw_send(&rig, fd, begin[i], strlen(begin[i]));
    int64_t const until_ns = pmm_net_mono(rig.net) + 60 * PMM_NS_PER_S;
    while (i < 2 && !rig_noticed(&rig, "slow") && pmm_net_mono(rig.net) < until_ns) {
      raw_send(&rig, fd, &c, 1);
      pmm_net_step(rig.net, 5 * MS);
    }
    char out[1024];
    assert_true(raw_read(&rig, fd, NULL, out, sizeof out)); /* who says nothing is shown the door without a word */
    if (i < 2) assert_true(rig_noticed(&rig, "slow"));
    if (i < 2) assert_non_null(strstr(out, "408 Request Timeout"));
    assert_int_equal(rig.service.calls, 0);
    close(fd);
    rig_close(&rig);
  }
}

/* A client that asks for much and reads nothing. */
static void test_slow_reader(void **state) {
  (void)state;
  rig_t rig;
  rig_open(&rig, NULL, (pmm_host_config_t){.body_timeout_ns = 50 * MS});
  int const fd = raw_connect(&rig);
  raw_send(&rig, fd, "GET /large?30000000 HTTP/1.1\r\n\r\n", 32);
  RIG_UNTIL(&rig, rig_noticed(&rig, "slow"));
  assert_int_equal(rig.service.calls, 1);
  close(fd);
  rig_close(&rig);
}

/* The last answer of a connection reaches a client that takes its time, although the host is done with it. */
static void test_last_answer(void **state) {
  (void)state;
  rig_t rig;
  static char chunk[1 << 20];
  size_t got = 0;
  rig_open(&rig, NULL, (pmm_host_config_t){0});
  int const fd = raw_connect(&rig);
  raw_send(&rig, fd, "GET /large?30000000 HTTP/1.0\r\n\r\n", 32);
  int64_t const until_ns = pmm_net_mono(rig.net) + 1500 * MS; /* longer than a connection without bytes would linger */
  RIG_UNTIL(&rig, pmm_net_mono(rig.net) > until_ns);
  for (;;) {
    ssize_t const n = recv(fd, chunk, sizeof chunk, 0);
    if (n == 0 || (n < 0 && errno != EAGAIN)) break;
    if (n > 0) got += (size_t)n;
    pmm_net_step(rig.net, 0);
  }
  assert_true(got > 30000000);
  close(fd);
  rig_close(&rig);
}

static void test_pipelined(void **state) {
  (void)state;
  rig_t rig;
  char out[8192];
  rig_open(&rig, NULL, (pmm_host_config_t){0});
  static const char three[] = "POST /late HTTP/1.1\r\nContent-Length: 3\r\n\r\noneGET /429 HTTP/1.1\r\n\r\nPOST /x HTTP/1.1\r\nConnection: close\r\nContent-Length: 5\r\n\r\nthree";
  int const fd = raw_connect(&rig);
  raw_send(&rig, fd, three, sizeof three - 1);
  RIG_UNTIL(&rig, rig.service.late_cnt == 1);
  for (int i = 0; i < 10; i++) pmm_net_step(rig.net, MS);
  assert_int_equal(rig.service.calls, 1); /* each is answered before the next is read */
  pmm_service_reply(&rig.service.base, rig.service.late[0], 202, "first", 5);
  assert_true(raw_read(&rig, fd, NULL, out, sizeof out));
  const char *const a = strstr(out, "202 Accepted"), *const b = strstr(out, "429 Too Many Requests"), *const c = strstr(out, "\r\n\r\nthree");
  assert_true(a && b && c && a < b && b < c);
  assert_int_equal(rig.service.calls, 3);
  close(fd);
  rig_close(&rig);
}

/* Bytes of later requests while one waits: read no further than the limit, and nothing is lost. */
static void test_far_ahead(void **state) {
  (void)state;
  rig_t rig;
  char out[4096];
  rig_open(&rig, NULL, (pmm_host_config_t){0});
  int const fd = raw_connect(&rig);
  raw_send(&rig, fd, "GET /late HTTP/1.1\r\n\r\n", 22);
  RIG_UNTIL(&rig, rig.service.late_cnt == 1);
  static const char next[] = "POST /x HTTP/1.1\r\nContent-Length: 500000\r\n\r\n";
  char *const body = malloc(500000);
  memset(body, 'q', 500000);
  raw_send(&rig, fd, next, sizeof next - 1);
  size_t sent = 0;
  for (int i = 0; i < 200; i++) {
    ssize_t const n = send(fd, body + sent, 500000 - sent, MSG_NOSIGNAL);
    if (n > 0) sent += (size_t)n;
    pmm_net_step(rig.net, 0);
  }
  pmm_service_reply(&rig.service.base, rig.service.late[0], 200, "", 0);
  raw_send(&rig, fd, body + sent, 500000 - sent);
  raw_read(&rig, fd, "qqqqqq", out, sizeof out);
  assert_int_equal(rig.service.last_len, 500000);
  free(body);
  close(fd);
  rig_close(&rig);
}

static void test_leaves(void **state) {
  (void)state;
  rig_t rig;
  rig_open(&rig, NULL, (pmm_host_config_t){0});
  int fd = raw_connect(&rig);
  raw_send(&rig, fd, "GET /late HTTP/1.1\r\n\r\n", 22);
  RIG_UNTIL(&rig, rig.service.late_cnt == 1);
  close(fd);
  RIG_UNTIL(&rig, rig.service.gone == 1);
  fd = raw_connect(&rig);
  raw_send(&rig, fd, "POST / HTTP/1.1\r\nContent-Length: 9\r\n\r\nhalf", 42);
  close(fd);
  RIG_UNTIL(&rig, rig_noticed(&rig, "cut"));
  assert_int_equal(rig.service.calls, 1);
  rig_close(&rig);
}

static void test_cap(void **state) {
  (void)state;
  rig_t rig;
  char out[256];
  rig_open(&rig, NULL, (pmm_host_config_t){.connections_max = 3});
  int fd[5];
  for (int i = 0; i < 5; i++) fd[i] = raw_connect(&rig);
  assert_true(raw_read(&rig, fd[4], NULL, out, sizeof out));
  assert_true(rig_noticed(&rig, "too-many"));
  raw_send(&rig, fd[0], "GET /a HTTP/1.1\r\n\r\n", 19);
  assert_false(raw_read(&rig, fd[0], "200 OK", out, sizeof out)); /* those inside are served */
  for (int i = 0; i < 5; i++) close(fd[i]);
  for (int i = 0; i < 20; i++) pmm_net_step(rig.net, MS);
  assert_int_equal(rig_ask(&rig, "GET", "/a", NULL).http, 200); /* and there is room again */
  rig_close(&rig);
}

/* Frames that no client may send: an end with its code, a notice, and a service that is told once. */
static void test_frames(void **state) {
  (void)state;
  static const char head[] = "GET / HTTP/1.1\r\n" UPGRADE_HEAD "\r\n";
  static const struct { const char *why; size_t len; const char *text, *says; } rows[] = {
#define ROW(why, text, says) {why, sizeof(text) - 1, text, says}
      ROW("not masked", "\x81\x01x", "unmasked"), ROW("invalid UTF-8", "\x81\x82\0\0\0\0\xff\xff", "UTF-8"), ROW("huge", "\x82\xff\0\0\0\0\0\x20\0\0" "abcdx", "too large"),
      ROW("deflated without agreement", "\xc1\x81" "abcdx", "reserved"), ROW("fragmented close", "\x08\x80" "abcd", "malformed"),
      ROW("length not in its shortest form", "\x81\xfe\0\x01" "abcdx", "malformed"),
  };
  for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
    rig_t rig;
    char out[4096];
    rig_open(&rig, NULL, (pmm_host_config_t){0});
    int const fd = raw_connect(&rig);
    raw_send(&rig, fd, head, sizeof head - 1);
    raw_send(&rig, fd, rows[i].text, rows[i].len);
    assert_true(raw_read(&rig, fd, NULL, out, sizeof out));
    if (!strstr(out, rows[i].says)) fail_msg("%s: %s", rows[i].why, out);
    assert_true(rig_noticed(&rig, "protocol"));
    RIG_UNTIL(&rig, rig.service.closed == 1);
    assert_int_equal(rig.service.opened, 1);
    close(fd);
    rig_close(&rig);
  }
}

static void test_time(void **state) {
  (void)state;
  rig_t rig;
  rig_open(&rig, NULL, (pmm_host_config_t){0});
  RIG_UNTIL(&rig, rig.service.advances == 1);
  rig.service.next_ns = pmm_net_now(rig.net) + 20 * MS;
  int64_t const due_ns = rig.service.next_ns;
  rig.service.base.host_ops->wake(rig.host);
  assert_int_equal(rig.service.advances, 1);
  RIG_UNTIL(&rig, rig.service.advances == 3);
  assert_true(rig.service.advanced_ns >= due_ns - MS); /* wall and monotonic clock may drift apart a little */
  rig_close(&rig);
}

static void test_open(void **state) {
  (void)state;
  rig_t rig;
  pmm_error_t err = {0};
  pmm_host_t *host;
  rig_open(&rig, NULL, (pmm_host_config_t){0});
  rig_service_t other = {.base = {.ops = &rig_ops}};
  assert_int_equal(pmm_host_open(&host, rig.net, &other.base, &(pmm_host_config_t){.port = pmm_host_port(rig.host)}, &err), PMM_IO);
  assert_non_null(strstr(err.text, "in use"));
  assert_int_equal(pmm_host_open(&host, rig.net, &other.base, &(pmm_host_config_t){.bind = "example"}, &err), PMM_INVAL);
  assert_int_equal(pmm_host_open(&host, rig.net, &other.base, &(pmm_host_config_t){.port = 70000}, &err), PMM_INVAL);
  rig_close(&rig);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_rules),     cmocka_unit_test(test_refused),   cmocka_unit_test(test_trailers),  cmocka_unit_test(test_endless_body), cmocka_unit_test(test_slow_loris), cmocka_unit_test(test_slow_reader),
      cmocka_unit_test(test_last_answer), cmocka_unit_test(test_pipelined), cmocka_unit_test(test_far_ahead), cmocka_unit_test(test_leaves),       cmocka_unit_test(test_cap),        cmocka_unit_test(test_frames),
      cmocka_unit_test(test_time),      cmocka_unit_test(test_open)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
