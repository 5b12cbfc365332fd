/* Who is let in: wallet signatures make keys, keys sign requests; heartbeats watch the orders of a key; limits. */
#include "poly_rig.h"

static void test_keys(void **state) {
  (void)state;
  rig_setup_t const setup = rig_usual();
  rig_t *const rig = rig_open(&setup, false);
  assert_int_equal(rig_l1(rig, 0, "GET", "/auth/derive-api-key", 0), 400);
  assert_string_equal(rig_error(rig), "Could not derive api key!");
  assert_int_equal(rig_l1(rig, 0, "POST", "/auth/api-key", 0), 200);
  rig_take_key(rig, 0);
  assert_int_equal(strlen(rig->member[0].key), 36);
  assert_int_equal(rig_l1(rig, 0, "POST", "/auth/api-key", 0), 400);
  assert_string_equal(rig_error(rig), "Could not create api key");
  assert_int_equal(rig_l1(rig, 0, "GET", "/auth/derive-api-key", 0), 200);
  assert_string_equal(rig_str(rig->json, "apiKey"), rig->member[0].key);
  assert_string_equal(rig_str(rig->json, "secret"), rig->member[0].secret);
  assert_int_equal(rig_l1(rig, 0, "POST", "/auth/api-key", 1), 200); /* another nonce, another key */
  assert_string_not_equal(rig_str(rig->json, "apiKey"), rig->member[0].key);
  assert_int_equal(rig_do(rig, 0, "GET", "/auth/api-keys", NULL, NULL), 200);
  assert_int_equal(json_array_size(json_object_get(rig->json, "apiKeys")), 2);
  assert_int_equal(rig_do(rig, 0, "GET", "/auth/ban-status/closed-only", NULL, NULL), 200);
  assert_int_equal(rig_do(rig, 0, "DELETE", "/auth/api-key", NULL, NULL), 200);
  assert_int_equal(rig_do(rig, 0, "GET", "/auth/api-keys", NULL, NULL), 401);
  rig_close(rig);
}

static void test_l1_refusals(void **state) {
  (void)state;
  rig_setup_t const setup = rig_usual();
  rig_t *const rig = rig_open(&setup, false);
  /* The worked example of the venue's client: its account 0 at 1700000000, nonce 0. */
  rig_header_t header[] = {{"POLY_ADDRESS", "0xf39Fd6e51aad88F6F4ce6aB8827279cffFb92266"},
                           {"POLY_SIGNATURE", "0x659ed4b28ae28e0f038fdf0023c00863c9559caacb9ebc83f44eea87059a099a36f1e1dee110e7faa1c4f65d17"
                                              "489b2da1333ebef78bbe2116d81207b975052d1c"},
                           {"POLY_TIMESTAMP", "1700000000"},
                           {"POLY_NONCE", "0"},
                           {NULL, NULL}};
  assert_int_equal(rig_raw(rig, header, "POST", "/auth/api-key", NULL, NULL), 200);
  static const struct { const char *why; size_t which; const char *value;
  } rows[] = {
      {"another address", 0, "0x70997970C51812dc3A010C7d01b50e0d17dc79C8"},
      {"another nonce", 3, "1"},
      {"another time", 2, "1700000001"},
      {"a time long past", 2, "1600000000"},
      {"no time", 2, "soon"},
      {"a signature cut short", 1, "0x659ed4b2"},
      {"no hex", 1,
       "0xzz9ed4b28ae28e0f038fdf0023c00863c9559caacb9ebc83f44eea87059a099a36f1e1dee110e7faa1c4f65d17489b2da1333ebef78bbe2116d81207b975052d1"
       "c"},
      {"no address", 0, "0x12"},
  };
  for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
    const char *const was = header[rows[i].which].value;
    header[rows[i].which].value = rows[i].value;
    if (rig_raw(rig, header, "GET", "/auth/derive-api-key", NULL, NULL) != 401) fail_msg("%s: %s", rows[i].why, rig->last.body);
    header[rows[i].which].value = was;
  }
  assert_int_equal(rig_raw(rig, header, "GET", "/auth/derive-api-key", NULL, NULL), 200);
  rig_close(rig);
}

static void test_l2_refusals(void **state) {
  (void)state;
  rig_setup_t const setup = rig_usual();
  rig_t *const rig = rig_open(&setup, true);
  rig_member_t *const m = &rig->member[0];
  rig_header_t header[6];
  char text[3][64];
  rig_l2(rig, m, "GET", "/data/orders", NULL, header, text);
  assert_int_equal(rig_raw(rig, header, "GET", "/data/orders", "market=&next_cursor=MA%3D%3D", NULL), 200); /* the query is not signed */
  static const struct { const char *why; size_t which; const char *value;
  } rows[] = {{"another's address", 0, "0x70997970C51812dc3A010C7d01b50e0d17dc79C8"},
              {"another signature", 1, "DbAmRpEdOaUInDP7_3VWQ_cwc_qbdXdteq6TRxrunK4="},
              {"a time outside the window", 2, "1700000061"},
              {"a key that is none", 3, "11111111-2222-3333-4444-555555555555"},
              {"another passphrase", 4, "aabbccddeeff"},
              {"no signature", 1, NULL}};
  for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
    const char *const was = header[rows[i].which].value;
    header[rows[i].which].value = rows[i].value;
    if (rig_raw(rig, header, "GET", "/data/orders", NULL, NULL) != 401) fail_msg("%s: %s", rows[i].why, rig->last.body);
    assert_string_equal(rig_error(rig), "Unauthorized/Invalid api key");
    header[rows[i].which].value = was;
  }
  assert_int_equal(rig_raw(rig, header, "GET", "/data/trades", NULL, NULL), 401);   /* signed for another path */
  assert_int_equal(rig_raw(rig, header, "DELETE", "/cancel-all", NULL, NULL), 401); /* and method */
  rig_l2(rig, m, "POST", "/orders-scoring", "[]", header, text);
  assert_int_equal(rig_raw(rig, header, "POST", "/orders-scoring", NULL, "[]"), 200);
  assert_int_equal(rig_raw(rig, header, "POST", "/orders-scoring", NULL, "[ ]"), 401); /* the very bytes */
  rig_to(rig, rig->now_ns + 61 * PMM_NS_PER_S);
  assert_int_equal(rig_raw(rig, header, "POST", "/orders-scoring", NULL, "[]"), 401); /* too old by now */
  rig_close(rig);
}

static void test_readonly_keys(void **state) {
  (void)state;
  rig_setup_t const setup = rig_usual();
  rig_t *const rig = rig_open(&setup, true);
  rig_member_t const own = rig->member[0];
  assert_int_equal(rig_do(rig, 0, "POST", "/auth/readonly-api-key", NULL, NULL), 200);
  rig_take_key(rig, 0);
  assert_int_equal(rig_do(rig, 0, "GET", "/data/orders", NULL, NULL), 200);
  assert_int_equal(rig_do(rig, 0, "DELETE", "/cancel-all", NULL, NULL), 401);
  char body[128];
  snprintf(body, sizeof body, "{\"key\":\"%s\"}", rig->member[0].key);
  rig_member_t const readonly = rig->member[0];
  rig->member[0] = own;
  assert_int_equal(rig_do(rig, 0, "DELETE", "/auth/readonly-api-key", NULL, body), 200);
  rig->member[0] = readonly;
  assert_int_equal(rig_do(rig, 0, "GET", "/data/orders", NULL, NULL), 401);
  rig_close(rig);
}

static void test_heartbeats(void **state) {
  (void)state;
  rig_setup_t const setup = rig_usual();
  rig_t *const rig = rig_open(&setup, true);
  char body[128], id[PMM_POLY_HEX_WORD];
  RIG_MUST(rig, id, .who = 0, .type = "GTC", .price_e4 = 4000, .qty_e6 = 10 * PMM_ONE_E6);
  RIG_MUST(rig, NULL, .who = 1, .type = "GTC", .price_e4 = 4100, .qty_e6 = 10 * PMM_ONE_E6);
  rig_pass(rig, 60 * PMM_NS_PER_S); /* nobody began: nobody is watched */
  assert_int_equal(pmm_place_order_find(rig->place, id)->status, PMM_PLACE_OPEN);
  assert_int_equal(rig_do(rig, 0, "POST", "/v1/heartbeats", NULL, "{\"heartbeat_id\":\"\"}"), 200);
  char first[64];
  snprintf(first, sizeof first, "%s", rig_str(rig->json, "heartbeat_id"));
  assert_int_equal(rig_do(rig, 0, "POST", "/v1/heartbeats", NULL, "{\"heartbeat_id\":\"\"}"), 400);
  assert_string_equal(rig_str(rig->json, "error_msg"), "Invalid Heartbeat ID");
  assert_string_equal(rig_str(rig->json, "heartbeat_id"), first);
  for (int i = 0; i < 10; i++) { /* each beat names the one before */
    rig_pass(rig, 5 * PMM_NS_PER_S);
    snprintf(body, sizeof body, "{\"heartbeat_id\":\"%s\"}", first);
    assert_int_equal(rig_do(rig, 0, "POST", "/v1/heartbeats", NULL, body), 200);
    snprintf(first, sizeof first, "%s", rig_str(rig->json, "heartbeat_id"));
  }
  rig_pass(rig, 10 * PMM_NS_PER_S);
  assert_int_equal(pmm_place_order_find(rig->place, id)->status, PMM_PLACE_OPEN);
  rig_pass(rig, 5 * PMM_NS_PER_S); /* 10 to 15 s after the last one */
  assert_int_equal(pmm_place_order_find(rig->place, id)->status, PMM_PLACE_CANCELLED);
  assert_non_null(pmm_place_open_after(rig->place, rig->member[1].account, 0)); /* others' stay */
  rig_close(rig);
}

static void test_limits(void **state) {
  (void)state;
  rig_setup_t setup = rig_usual();
  setup.serve.rate_limit = true;
  rig_t *const rig = rig_open(&setup, true);
  int passed = 0;
  while (passed < 1000 && rig_do(rig, -1, "GET", "/tick-size", "token_id=1", NULL) != 429) passed++;
  assert_int_equal(passed, 200);
  assert_string_equal(rig->last.body, "{\"error\":\"Too Many Requests\"}");
  assert_non_null(strstr(rig->last.header, "Retry-After: 1;"));
  assert_non_null(strstr(rig->last.header, "Poly-RateLimit-Remaining: 0;"));
  rig_pass(rig, PMM_NS_PER_S); /* 20 a second come back */
  for (passed = 0; rig_do(rig, -1, "GET", "/tick-size", "token_id=1", NULL) != 429; passed++) assert_in_range(passed, 0, 30);
  assert_int_equal(passed, 20);
  /* A signer's orders: 60 at once, 40 a second. A batch counts whole. */
  for (passed = 0; RIG_POST(rig, NULL, .who = 0, .type = "GTC", .price_e4 = 1000, .qty_e6 = 5 * PMM_ONE_E6) != 429; passed++)
    assert_in_range(passed, 0, 70);
  assert_int_equal(passed, 60);
  assert_int_equal(RIG_POST(rig, NULL, .who = 1, .type = "GTC", .price_e4 = 1000, .qty_e6 = 5 * PMM_ONE_E6), 200);
  /* Cancelling everything costs what it cancels, and may leave a debt: 1 + 60 of 120 */
  assert_int_equal(rig_do(rig, 0, "DELETE", "/cancel-all", NULL, NULL), 200);
  assert_int_equal(json_array_size(json_object_get(rig->json, "canceled")), 60);
  rig_close(rig);
}

int main(void) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(test_keys),          cmocka_unit_test(test_l1_refusals), cmocka_unit_test(test_l2_refusals),
                                     cmocka_unit_test(test_readonly_keys), cmocka_unit_test(test_heartbeats),  cmocka_unit_test(test_limits)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
