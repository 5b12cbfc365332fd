/* Streams: rotation and promotion, silence, pings, backpressure, refusals, compression; and servers that misbehave. */
#include "net/deflate.h"
#include "raw.h"

#define MS PMM_NS_PER_MS
#define SEC PMM_NS_PER_S

static void turns(rig_t *rig, int cnt) {
  for (int i = 0; i < cnt; i++) pmm_net_step(rig->net, MS);
}

static void test_rotation(void **state) {
  (void)state;
  rig_t rig;
  rig_client_t c = {0};
  rig_open(&rig, NULL, (pmm_host_config_t){0});
  rig_connect(&rig, &c, "/greet", (pmm_ws_config_t){.rotate_ns = 20 * MS});
  RIG_UNTIL(&rig, c.opened == 2 && c.messages == 2); /* both deliver */
  assert_int_equal(c.conn, 2);
  assert_int_equal(pmm_ws_send(c.ws, 1, "old", 3), PMM_OK);
  RIG_UNTIL(&rig, c.messages == 3);
  assert_int_equal(c.closed, 0);
  pmm_ws_promote(c.ws, 2);
  assert_int_equal(pmm_ws_send(c.ws, 1, "old", 3), PMM_STATE);
  assert_int_equal(c.closed, 0); /* never from inside the call */
  RIG_UNTIL(&rig, c.closed == 1);
  assert_int_equal(c.closed_conn, 1);
  assert_int_equal(c.code, 1000);
  RIG_UNTIL(&rig, c.opened == 3); /* and again */
  assert_int_equal(c.conn, 3);
  turns(&rig, 50);
  assert_int_equal(c.opened, 3);  /* but no third one beside an unpromoted second */
  pmm_ws_close(c.ws);
  rig_close(&rig);
}

/* The old one ends before the fresh one is promoted: the fresh one simply goes on. */
static void test_old_ends(void **state) {
  (void)state;
  rig_t rig;
  rig_client_t c = {0};
  rig_open(&rig, NULL, (pmm_host_config_t){0});
  rig_connect(&rig, &c, "/", (pmm_ws_config_t){.rotate_ns = 20 * MS});
  RIG_UNTIL(&rig, c.opened == 2);
  pmm_ws_send(c.ws, 1, "close 4001", 10);
  RIG_UNTIL(&rig, c.closed == 1);
  assert_int_equal(c.closed_conn, 1);
  assert_int_equal(pmm_ws_send(c.ws, 2, "still", 5), PMM_OK);
  RIG_UNTIL(&rig, c.messages == 1);
  RIG_UNTIL(&rig, c.opened == 3); /* which is rotated in its turn */
  pmm_ws_close(c.ws);
  rig_close(&rig);
}

/* The fresh one ends: another is wanted, and the old one stays. */
static void test_fresh_ends(void **state) {
  (void)state;
  rig_t rig;
  rig_client_t c = {0};
  rig_open(&rig, NULL, (pmm_host_config_t){0});
  rig_connect(&rig, &c, "/", (pmm_ws_config_t){.rotate_ns = 20 * MS});
  RIG_UNTIL(&rig, c.opened == 2);
  pmm_ws_reconnect(c.ws, 2, "out of step");
  RIG_UNTIL(&rig, c.opened == 3);
  assert_int_equal(c.closed, 1);
  assert_int_equal(c.closed_conn, 2);
  assert_int_equal(pmm_ws_send(c.ws, 1, "still", 5), PMM_OK);
  RIG_UNTIL(&rig, c.messages == 1);
  pmm_ws_promote(c.ws, 3);
  RIG_UNTIL(&rig, c.closed == 2);
  assert_int_equal(c.closed_conn, 1);
  pmm_ws_close(c.ws);
  rig_close(&rig);
}

static void test_pings(void **state) {
  (void)state;
  rig_t rig;
  rig_client_t c = {0};
  rig_open(&rig, NULL, (pmm_host_config_t){0});
  rig_connect(&rig, &c, "/", (pmm_ws_config_t){.ping_ns = 5 * MS, .idle_ns = 2 * SEC});
  RIG_UNTIL(&rig, c.opened == 1);
  rig.service.base.host_ops->ping(rig.host, rig.service.peer[0], "abc", 3);
  RIG_UNTIL(&rig, rig.service.pongs == 1);
  assert_string_equal(rig.service.last_pong, "abc");
  int64_t const until_ns = pmm_net_mono(rig.net) + 3 * SEC;
  RIG_UNTIL(&rig, pmm_net_mono(rig.net) > until_ns); /* the answers to our pings keep it open */
  assert_int_equal(c.closed, 0);
  pmm_ws_close(c.ws);
  rig_close(&rig);
}

static void test_silence(void **state) {
  (void)state;
  rig_t rig;
  rig_client_t c = {.answer_ns = -1};
  rig_open(&rig, NULL, (pmm_host_config_t){0});
  rig_connect(&rig, &c, "/", (pmm_ws_config_t){.idle_ns = 30 * MS});
  RIG_UNTIL(&rig, c.closed == 1);
  assert_int_equal(c.opened, 1);
  assert_int_equal(c.code, 1006);
  assert_string_equal(c.why, "silent for too long");
  pmm_ws_close(c.ws);
  rig_close(&rig);
}

static void test_refusal(void **state) {
  (void)state;
  rig_t rig;
  rig_client_t c = {.answer_ns = -1};
  rig_open(&rig, NULL, (pmm_host_config_t){0});
  rig_connect(&rig, &c, "/no", (pmm_ws_config_t){0});
  RIG_UNTIL(&rig, c.closed == 1);
  assert_int_equal(c.http, 403);
  assert_int_equal(c.code, 1006);
  assert_int_equal(rig.service.opened, 0);
  assert_int_equal(rig.service.closed, 0); /* was never upgraded */
  pmm_ws_close(c.ws);
  rig_client_t d = {.headers_status = PMM_STATE};
  rig_connect(&rig, &d, "/", (pmm_ws_config_t){0});
  RIG_UNTIL(&rig, d.attempts == 3);
  assert_int_equal(d.closed, 0);
  d.headers_status = PMM_OK;
  RIG_UNTIL(&rig, d.opened == 1);
  pmm_ws_close(d.ws);
  rig_close(&rig);
}

/* A Retry-After of a refusal is waited for although our own backoff is a millisecond. */
static void test_retry_after(void **state) {
  (void)state;
  static const char answer[] = "HTTP/1.1 429 Too Many Requests\r\nRetry-After: 100\r\nContent-Length: 0\r\n\r\n";
  rig_t rig;
  rig_client_t c = {0};
  raw_server_t server;
  char url[64];
  rig_open(&rig, NULL, (pmm_host_config_t){0});
  raw_start(&server, (raw_script_t){.answer = answer, .len = sizeof answer - 1}, 5);
  snprintf(url, sizeof url, "ws://127.0.0.1:%d/", server.port);
  rig_connect(&rig, &c, url, (pmm_ws_config_t){0});
  RIG_UNTIL(&rig, c.closed == 1);
  assert_int_equal(c.http, 429);
  turns(&rig, 100);
  assert_int_equal(c.attempts, 1);
  pmm_ws_close(c.ws);
  rig_close(&rig);
  raw_stop(&server);
}

/* A peer that does not read: what waits is bounded, and nothing of a refused message was sent. */
static void test_backpressure(void **state) {
  (void)state;
  static const char answer[] = "HTTP/1.1 101 x\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: %A\r\n\r\n";
  int const server = socket(AF_INET, SOCK_STREAM, 0);
  struct sockaddr_in address = raw_address(0);
  socklen_t len = sizeof address;
  assert_int_equal(bind(server, (struct sockaddr *)&address, len), 0);
  assert_int_equal(listen(server, 1), 0);
  getsockname(server, (struct sockaddr *)&address, &len);
  rig_t rig;
  rig_client_t c = {.answer_ns = -1};
  char url[64], accept_text[32], key[32];
  rig_open(&rig, NULL, (pmm_host_config_t){0});
  snprintf(url, sizeof url, "ws://127.0.0.1:%d/", ntohs(address.sin_port));
  rig_connect(&rig, &c, url, (pmm_ws_config_t){0});
  turns(&rig, 5);
  raw_server_t peer = {.script = {answer, sizeof answer - 1, NULL, 0, false}};
  int const fd = accept(server, NULL, NULL);
  turns(&rig, 5);
  ssize_t const got = recv(fd, peer.request, sizeof peer.request - 1, 0);
  assert_true(got > 0);
  snprintf(key, sizeof key, "%.24s", strcasestr(peer.request, "sec-websocket-key: ") + 19);
  pmm__head_accept(key, accept_text);
  raw_say(&peer, fd);
  RIG_UNTIL(&rig, c.opened == 1);
  char *const text = calloc(1, 100000);
  memset(text, 'z', 100000);
  pmm_status_t st = PMM_OK;
  int sent = 0;
  while ((st = pmm_ws_send(c.ws, c.conn, text, 100000)) == PMM_OK) sent++;
  free(text);
  assert_int_equal(st, PMM_FULL);
  assert_true(sent >= 10 && sent < 1000);
  assert_int_equal(c.closed, 0);
  assert_int_equal(pmm_ws_send(c.ws, c.conn, "", 0), PMM_OK); /* a short one still fits */
  close(fd);
  RIG_UNTIL(&rig, c.closed == 1);
  close(server);
  pmm_ws_close(c.ws);
  rig_close(&rig);
}

/* A client that does not read is closed by the host; the service is told once, and may go on sending meanwhile. */
static void test_slow_client(void **state) {
  (void)state;
  rig_t rig;
  char got[4096];
  rig_open(&rig, NULL, (pmm_host_config_t){0});
  int const fd = raw_connect(&rig);
  static const char hello[] = "GET / HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: "
                              "dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n";
  assert_true(raw_send(&rig, fd, hello, sizeof hello - 1));
  raw_read(&rig, fd, "\r\n\r\n", got, sizeof got);
  assert_non_null(strstr(got, "Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=")); /* RFC 6455 section 1.3 */
  char *const text = calloc(1, 100000);
  memset(text, 'z', 100000);
  pmm_status_t st = PMM_OK;
  for (int i = 0; i < 1000 && st == PMM_OK; i++) st = pmm_service_send(&rig.service.base, rig.service.peer[0], text, 100000);
  assert_int_equal(st, PMM_FULL);
  assert_int_equal(pmm_service_send(&rig.service.base, rig.service.peer[0], text, 1), PMM_STATE);
  assert_int_equal(rig.service.closed, 0);
  RIG_UNTIL(&rig, rig.service.closed == 1);
  assert_true(rig_noticed(&rig, "slow"));
  free(text);
  close(fd);
  rig_close(&rig);
}

static void test_deflate(void **state) {
  (void)state;
  rig_t rig;
  rig_client_t c = {0};
  rig_open(&rig, NULL, (pmm_host_config_t){0});
  rig_connect(&rig, &c, "/", (pmm_ws_config_t){.deflate = true});
  RIG_UNTIL(&rig, c.opened == 1);
  for (int i = 1; i <= 50; i++) { /* the window is carried from one to the next */
    char text[32];
    int const len = snprintf(text, sizeof text, "large %d", i * 7919);
    assert_int_equal(pmm_ws_send(c.ws, c.conn, text, (size_t)len), PMM_OK);
    RIG_UNTIL(&rig, c.messages == i);
    assert_int_equal(c.len, i * 7919);
    assert_memory_equal(c.text, "abcdefghijklmnopqrstuvwxyzabc", 29);
  }
  pmm_ws_close(c.ws);
  rig_close(&rig);
}

static void test_agreement(void **state) {
  (void)state;
  static const struct { const char *offer, *answer; int bits; bool fresh, recv_fresh; } rows[] = {
      {NULL, "", 0, false, false},
      {"permessage-deflate", "permessage-deflate", 15, false, false},
      {PMM__DEFLATE_OFFER, "permessage-deflate; client_no_context_takeover", 15, false, true},
      {"permessage-deflate; server_no_context_takeover; server_max_window_bits=10", "permessage-deflate; server_no_context_takeover; server_max_window_bits=10", 10, true, false},
      {"permessage-deflate; server_max_window_bits=\"12\"", "permessage-deflate; server_max_window_bits=12", 12, false, false},
      {"permessage-deflate; server_max_window_bits=8, permessage-deflate", "permessage-deflate", 15, false, false},
      {"permessage-deflate; server_max_window_bits=16", "", 0, false, false},
      {"permessage-deflate; server_max_window_bits", "", 0, false, false},
      {"permessage-deflate; x=1", "", 0, false, false},
      {"permessage-deflate; server_no_context_takeover; server_no_context_takeover", "", 0, false, false},
      {"x-webkit-deflate-frame, permessage-deflate;client_max_window_bits=10", "permessage-deflate", 15, false, false},
      {";;;,,,=", "", 0, false, false},
  };
  for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
    char answer[128];
    pmm__deflate_params_t params;
    pmm__deflate_answer(rows[i].offer, &params, answer, sizeof answer);
    if (strcmp(answer, rows[i].answer) != 0) fail_msg("%s: %s", rows[i].offer, answer);
    assert_int_equal(params.send_bits, rows[i].bits);
    assert_int_equal(params.send_fresh, rows[i].fresh);
    assert_int_equal(params.recv_fresh, rows[i].recv_fresh);
  }
  pmm__deflate_params_t params;
  assert_int_equal(pmm__deflate_agreed("permessage-deflate; server_no_context_takeover", &params), PMM_OK);
  assert_true(params.on && params.recv_fresh && !params.sends);
  assert_int_equal(pmm__deflate_agreed(NULL, &params), PMM_OK);
  assert_false(params.on);
  assert_int_equal(pmm__deflate_agreed("x-other", &params), PMM_PARSE);
  assert_int_equal(pmm__deflate_agreed("permessage-deflate, permessage-deflate", &params), PMM_PARSE);
  assert_int_equal(pmm__deflate_agreed("permessage-deflate; client_max_window_bits", &params), PMM_PARSE);
}

/* Cut frames, wrong frames, huge ones: one end each, with its close code, a notice, and no more memory than allowed. */
#define UPGRADE "HTTP/1.1 101 x\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: %A\r\n"
#define OPEN UPGRADE "\r\n"
#define DEFLATED UPGRADE "Sec-WebSocket-Extensions: permessage-deflate\r\n\r\n"
static void test_hostile(void **state) {
  (void)state;
  static char zeros[65536], fragment[65546] = "\x00\x7f\x00\x00\x00\x00\x00\x01\x00\x00";
  static const char header[] = "X-Again: aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa\r\n";
  const struct { const char *why; int opened, code, messages; const char *says; raw_script_t script; } rows[] = {
      {"a whole message first", 1, 1006, 1, "", SCRIPT(OPEN "\x81\x03" "abc"), .cut = true}},
      {"cut in a frame", 1, 1006, 0, "", SCRIPT(OPEN "\x81\x05" "abc"), .cut = true}},
      {"huge frame", 1, 1009, 0, "too large", SCRIPT(OPEN "\x82\x7f\x00\x00\x00\xff\x00\x00\x00\x00"), .flood = zeros, .flood_len = sizeof zeros}},
      {"absurd length", 1, 1002, 0, "", SCRIPT(OPEN "\x82\x7f\xff\xff\xff\xff\xff\xff\xff\xff" "aaaa")}},
      {"endless fragments", 1, 1009, 0, "too large", SCRIPT(OPEN "\x02\x01" "a"), .flood = fragment, .flood_len = sizeof fragment}},
      {"says nothing more", 1, 1006, 0, "silent", SCRIPT(OPEN)}},
      {"invalid UTF-8", 1, 1007, 0, "UTF-8", SCRIPT(OPEN "\x81\x02\xc3\x28")}},
      {"UTF-8 cut between fragments is whole", 1, 1006, 1, "", SCRIPT(OPEN "\x01\x01\xc3\x80\x01\xa4"), .cut = true}},
      {"masked by a server", 1, 1002, 0, "masked", SCRIPT(OPEN "\x81\x81" "abcd" "x")}},
      {"reserved bit", 1, 1002, 0, "reserved", SCRIPT(OPEN "\xc1\x01x")}},
      {"unknown opcode", 1, 1002, 0, "opcode", SCRIPT(OPEN "\x83\x01x")}},
      {"continuation of nothing", 1, 1002, 0, "order", SCRIPT(OPEN "\x80\x01x")}},
      {"fragments interleaved", 1, 1002, 0, "order", SCRIPT(OPEN "\x01\x01x\x81\x01y")}},
      {"fragmented ping", 1, 1002, 0, "", SCRIPT(OPEN "\x09\x01x")}},
      {"long ping", 1, 1002, 0, "", SCRIPT(OPEN "\x89\x7e\x00\x7e" "aaaa")}},
      {"close with half a code", 1, 1002, 0, "close", SCRIPT(OPEN "\x88\x01\x03")}},
      {"close with a code that none may send", 1, 1002, 0, "close", SCRIPT(OPEN "\x88\x02\x03\xed")}},
      {"close without a code", 1, 1005, 0, "", SCRIPT(OPEN "\x88\x00")}},
      {"close, then more", 1, 1001, 0, "bye", SCRIPT(OPEN "\x88\x05\x03\xe9" "bye" "\x81\x01x")}},
      {"a reason that would break a log's line", 1, 1001, 0, "a b c", SCRIPT(OPEN "\x88\x07\x03\xe9" "a\nb\x1b" "c"), .cut = true}},
      {"RFC 7692's Hello", 1, 1006, 1, "", SCRIPT(DEFLATED "\xc1\x07\xf2\x48\xcd\xc9\xc9\x07\x00"), .cut = true}},
      {"does not inflate", 1, 1007, 0, "inflate", SCRIPT(DEFLATED "\xc1\x07\xff\xff\xff\xff\xff\xff\xff")}},
      {"extension that was not offered", 0, 1006, 0, "bad answer", SCRIPT(UPGRADE "Sec-WebSocket-Extensions: x-y\r\n\r\n")}},
      {"wrong accept", 0, 1006, 0, "bad answer", SCRIPT("HTTP/1.1 101 x\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: AAAA\r\n\r\n")}},
      {"no accept", 0, 1006, 0, "bad answer", SCRIPT("HTTP/1.1 101 x\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\r\n")}},
      {"no upgrade", 0, 1006, 0, "HTTP 200", SCRIPT("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n")}},
      {"server error", 0, 1006, 0, "HTTP 502", SCRIPT("HTTP/1.1 502 Bad Gateway\r\n\r\n")}},
      {"not HTTP", 0, 1006, 0, "not HTTP", SCRIPT("220 smtp ready\r\n")}},
      {"cut in the head", 0, 1006, 0, "", SCRIPT("HTTP/1.1 101 x\r\nUpgr"), .cut = true}},
      {"endless headers", 0, 1006, 0, "endless", SCRIPT("HTTP/1.1 101 x\r\n"), .flood = header, .flood_len = sizeof header - 1}},
      {"interim answer, then the real one", 1, 1006, 1, "", SCRIPT("HTTP/1.1 103 Early\r\nLink: x\r\n\r\n" OPEN "\x81\x01x"), .cut = true}},
      {"ping and close in the bytes of the upgrade", 1, 1000, 0, "", SCRIPT(OPEN "\x89\x01x\x88\x02\x03\xe8")}},
  };
  for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
    rig_t rig;
    raw_server_t server;
    char url[64];
    rig_client_t c = {.answer_ns = -1};
    rig_open(&rig, NULL, (pmm_host_config_t){0});
    raw_start(&server, rows[i].script, 1);
    snprintf(url, sizeof url, "ws://127.0.0.1:%d/x", server.port);
    size_t const before = raw_memory();
    rig_connect(&rig, &c, url, (pmm_ws_config_t){.message_max = 1 << 20, .deflate = true, .idle_ns = strcmp(rows[i].says, "silent") == 0 ? 50 * MS : 0});
    RIG_UNTIL(&rig, c.closed == 1);
    if (c.opened != rows[i].opened || c.code != rows[i].code || c.messages != rows[i].messages || !strstr(c.why, rows[i].says))
      fail_msg("%s: opened %d, code %d, %d messages, %s", rows[i].why, c.opened, c.code, c.messages, c.why);
    assert_true(rig_noticed(&rig, "disconnected"));
    assert_true(raw_memory() < before + (64 << 20));
    pmm_ws_close(c.ws);
    rig_close(&rig);
    raw_stop(&server);
  }
}

/* A deflate bomb: a message of a few kilobytes that would inflate to gigabytes. */
static void test_bomb(void **state) {
  (void)state;
  pmm__deflate_params_t const params = {.on = true, .sends = true, .send_bits = 15};
  pmm__deflate_t *const deflate = pmm__deflate_new(&params);
  pmm__buf_t packed = {0}, out = {0};
  char *const zeros = calloc(1, 8 << 20);
  assert_true(pmm__deflate_pack(deflate, &packed, zeros, 8 << 20));
  assert_true(packed.len < 65536);
  assert_int_equal(pmm__deflate_unpack(deflate, &out, &packed, 1 << 20), PMM_FULL);
  assert_true(out.cap <= 4 << 20);
  pmm__deflate_free(deflate);
  pmm__buf_fini(&packed);
  pmm__buf_fini(&out);
  free(zeros);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_rotation), cmocka_unit_test(test_old_ends),    cmocka_unit_test(test_fresh_ends),   cmocka_unit_test(test_pings),       cmocka_unit_test(test_silence),
      cmocka_unit_test(test_refusal),  cmocka_unit_test(test_retry_after), cmocka_unit_test(test_backpressure), cmocka_unit_test(test_slow_client), cmocka_unit_test(test_deflate),
      cmocka_unit_test(test_agreement), cmocka_unit_test(test_hostile),    cmocka_unit_test(test_bomb)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
