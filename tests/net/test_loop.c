/* Requests and streams over real sockets on loopback, both ends ours. */
#include "rig.h"

static void test_methods(void **state) {
  (void)state;
  rig_t rig;
  rig_open(&rig, NULL, (pmm_host_config_t){0});
  static const char *const methods[] = {"GET", "POST", "PUT", "PATCH", "DELETE"};
  for (size_t i = 0; i < 5; i++)
    for (int with = 0; with < 2; with++) {
      pmm_http_request_t const more = {.header = (pmm_header_t[]){{"POLY_ADDRESS", "0xAb"}, {"X-Empty", ""}}, .header_cnt = 2};
      rig_answer_t a = {0};
      rig_send(&rig, &a, methods[i], "/a%2Fb/../c//d?x=%26&y=1", with ? "{\"a\":1}" : NULL, more);
      RIG_UNTIL(&rig, a.cnt == 1);
      assert_int_equal(a.http, 200);
      assert_string_equal(rig.service.last_method, methods[i]);
      assert_string_equal(rig.service.last_path, "/a%2Fb/../c//d");
      assert_string_equal(rig.service.last_query, "x=%26&y=1");
      assert_string_equal(rig.service.last_header, "0xAb");
      assert_string_equal(rig.service.last_remote, "127.0.0.1");
      assert_string_equal(a.body, with ? "{\"a\":1}" : "");
      assert_string_equal(a.type, with ? "application/json" : "");
      assert_int_equal(strlen(a.date), 29);
    }
  rig_close(&rig);
}

static void test_echo(void **state) {
  (void)state;
  rig_t rig;
  rig_client_t c = {0};
  rig_open(&rig, NULL, (pmm_host_config_t){0});
  rig_connect(&rig, &c, "/greet?a=b", (pmm_ws_config_t){0});
  RIG_UNTIL(&rig, c.messages == 1);
  assert_string_equal(c.text, "hello");
  assert_string_equal(rig.service.last_query, "a=b");
  assert_string_equal(rig.service.last_header, "key");
  assert_int_equal(pmm_ws_send(c.ws, c.conn, "one", 3), PMM_OK);
  assert_int_equal(pmm_ws_send(c.ws, c.conn, "two", 3), PMM_OK);
  assert_int_equal(pmm_ws_send(c.ws, c.conn + 1, "x", 1), PMM_STATE);
  RIG_UNTIL(&rig, c.messages == 3);
  assert_string_equal(c.text, "two");
  assert_int_equal(pmm_ws_send(c.ws, c.conn, "large 3000000", 13), PMM_OK);
  RIG_UNTIL(&rig, c.messages == 4);
  assert_int_equal(c.len, 3000000);
  c.close_in_message = true;
  assert_int_equal(pmm_ws_send(c.ws, c.conn, "last", 4), PMM_OK);
  RIG_UNTIL(&rig, rig.service.closed == 1);
  assert_null(c.ws);
  rig_close(&rig);
}

static void test_reconnect(void **state) {
  (void)state;
  rig_t rig;
  rig_client_t c = {0};
  rig_open(&rig, NULL, (pmm_host_config_t){0});
  rig_connect(&rig, &c, "/", (pmm_ws_config_t){0});
  RIG_UNTIL(&rig, c.opened == 1);
  pmm_ws_send(c.ws, c.conn, "close 4000", 10);
  RIG_UNTIL(&rig, c.opened == 2);
  assert_int_equal(c.closed, 1);
  assert_int_equal(c.code, 4000);
  assert_string_equal(c.why, "as asked");
  assert_int_equal(c.conn, 2);
  pmm_ws_send(c.ws, c.conn, "close 1006", 10);
  RIG_UNTIL(&rig, c.opened == 3);
  assert_int_equal(c.code, 1006);
  pmm_ws_reconnect(c.ws, 0, "stale");
  assert_int_equal(c.closed, 2); /* not from inside the call */
  RIG_UNTIL(&rig, c.opened == 4);
  assert_string_equal(c.why, "stale");
  c.answer_ns = -1;
  pmm_ws_reconnect(c.ws, c.conn, "enough");
  RIG_UNTIL(&rig, c.closed == 4);
  for (int i = 0; i < 20; i++) pmm_net_step(rig.net, PMM_NS_PER_MS);
  assert_int_equal(c.attempts, 4);
  pmm_ws_close(c.ws);
  rig_close(&rig);
}

int main(void) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(test_methods), cmocka_unit_test(test_echo), cmocka_unit_test(test_reconnect)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
