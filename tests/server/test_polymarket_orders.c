/* Orders in, fills and cancels out: what is refused and with which words, what is matched and at which amounts, how trades settle. */
#include "poly_rig.h"

#define SHARES(n) ((int64_t)((n) * 1000000))

static void post_error(rig_t *rig, const char *why, const char *body, int http, const char *want) {
  int const got = rig_do(rig, 0, "POST", "/order", NULL, body);
  if (got != http || !strstr(rig_error(rig), want)) fail_msg("%s: %d %s", why, got, rig->last.body);
}

/* An order that is right, with one thing wrong: each is found, and nothing is placed. */
static void test_refusals(void **state) {
  (void)state;
  static const struct { const char *why, *from, *to, *want; } rows[] = {
      {"an owner that is no key", "\"owner\":\"", "\"owner\":\"x", "the order owner has to be the owner of the API KEY"},
      {"another signer", "\"signer\":\"0xf39F", "\"signer\":\"0xf39E", "the order signer address has to be the address of the API KEY"},
      {"another maker", "\"maker\":\"0xf39F", "\"maker\":\"0xf39E", "maker address not allowed"},
      {"a bit of the signature", "\"signature\":\"0x", "\"signature\":\"0x0", "Invalid order payload"},
      {"more shares than were signed", "\"takerAmount\":\"21", "\"takerAmount\":\"31", "invalid signature"},
      {"less money than was signed", "\"makerAmount\":\"10520000", "\"makerAmount\":\"10519999", "invalid signature"},
      {"another salt", "\"salt\":1001", "\"salt\":1002", "invalid signature"},
      {"a salt no number holds", "\"salt\":1001", "\"salt\":9007199254740992", "Invalid order payload"},
      {"the other side", "\"side\":\"BUY\"", "\"side\":\"SELL\"", "invalid signature"},
      {"no side", "\"side\":\"BUY\"", "\"side\":\"HOLD\"", "Invalid order payload"},
      {"another type of wallet", "\"signatureType\":0", "\"signatureType\":2", "maker address not allowed"},
      {"no type of wallet", "\"signatureType\":0", "\"signatureType\":4", "Invalid order payload"},
      {"another time", "\"timestamp\":\"17", "\"timestamp\":\"16", "invalid signature"},
      {"a token nobody has", "\"tokenId\":\"", "\"tokenId\":\"1", "Invalid token id"},
      {"an expiry without GTD", "\"expiration\":\"0\"", "\"expiration\":\"1800000000\"", "invalid expiration"},
      {"GTD without an expiry", "\"orderType\":\"GTC\"", "\"orderType\":\"GTD\"", "invalid expiration"},
      {"no order type", "\"orderType\":\"GTC\"", "\"orderType\":\"DAY\"", "Invalid order payload"},
      {"post-only that may not rest", "\"postOnly\":false", "\"postOnly\":true ,\"x\":[", "Invalid order payload"},
      {"a market buy by the cent", "\"orderType\":\"GTC\"", "\"orderType\":\"FAK\"", "no orders found to match with FAK order"},
      {"a market buy of all or nothing", "\"orderType\":\"GTC\"", "\"orderType\":\"FOK\"", "order couldn't be fully filled"},
      {"no amounts", "\"makerAmount\":\"10520000\"", "\"makerAmount\":\"0\"", "Invalid order payload"},
      {"a negative amount", "\"makerAmount\":\"10520000\"", "\"makerAmount\":\"-5\"", "Invalid order payload"},
      {"metadata that is no word", "\"metadata\":\"0x00", "\"metadata\":\"0x0", "Invalid order payload"},
  };
  rig_setup_t const setup = rig_usual();
  rig_t *const rig = rig_open(&setup, true);
  char body[4096], broken[4200], id[PMM_POLY_HEX_WORD];
  rig_order_t const want = {.who = 0, .type = "GTC", .price_e4 = 5000, .qty_e6 = SHARES(21.04)};
  pmm_poly_order_t const order = rig_make(rig, &want);
  rig_wrap(rig, &want, &order, body, sizeof body, id);
  for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
    char *const at = strstr(body, rows[i].from);
    if (!at) fail_msg("%s: not in %s", rows[i].why, body);
    snprintf(broken, sizeof broken, "%.*s%s%s", (int)(at - body), body, rows[i].to, at + strlen(rows[i].from));
    post_error(rig, rows[i].why, broken, 400, rows[i].want);
  }
  post_error(rig, "no JSON", "{", 400, "Invalid order payload");
  post_error(rig, "a list", "[]", 400, "Invalid order payload");
  assert_null(pmm_place_open_after(rig->place, rig->member[0].account, 0));
  assert_int_equal(rig_do(rig, 0, "POST", "/order", NULL, body), 200);
  assert_int_equal(rig_do(rig, 0, "POST", "/order", NULL, body), 400); /* sent again, as the client does after a 5xx */
  assert_non_null(strstr(rig_error(rig), "Duplicated."));
  rig_close(rig);
}

/* Amounts by hand: what the client cannot make is refused, what it can is taken. */
static void test_amounts(void **state) {
  (void)state;
  static const struct { const char *why, *type; pmm_poly_side_t side; uint64_t maker_e6, taker_e6; const char *want;
  } rows[] = {
      {"0.56 for 21.04", "GTC", PMM_POLY_BUY, 11782400, 21040000, ""},
      {"five decimals of money on a cent grid", "GTC", PMM_POLY_BUY, 11782410, 21040000,
       "maker amount supports a max accuracy of 4 decimals, taker amount a max of 2"},
      {"three decimals of shares", "GTC", PMM_POLY_BUY, 11782400, 21041000, "taker amount a max of 2 decimals"},
      {"off the grid by half a cent", "GTC", PMM_POLY_BUY, 5550000, 10000000, "Price (0.555) breaks minimum tick size rule: 0.01"},
      {"no price of four decimals", "GTC", PMM_POLY_BUY, 4331800, 19690000, ""},
      {"a little less than the price says", "GTC", PMM_POLY_BUY, 4330000, 19690000,
       "the maker amount for a $0.22 order of size 19.69 should be '4.3318' but the value submited is '4.33'"},
      {"a dollar a share", "GTC", PMM_POLY_BUY, 10000000, 10000000, "breaks minimum tick size rule"},
      {"two dollars a share", "GTC", PMM_POLY_BUY, 20000000, 10000000, "breaks minimum tick size rule"},
      {"four shares", "GTC", PMM_POLY_BUY, 2000000, 4000000, "Size (4) lower than the minimum: 5"},
      {"a sale of what is not held", "GTC", PMM_POLY_SELL, 12340000, 7033800,
       "not enough balance / allowance: the balance is not enough -> balance: 0, order amount: 12340000"},
      {"a purchase of more than there is", "GTC", PMM_POLY_BUY, 50000000000, 100000000000, "not enough balance / allowance"},
      {"a market buy by the mill", "FOK", PMM_POLY_BUY, 10001000, 20000000,
       "the market buy orders maker amount supports a max accuracy of 2 decimals, taker amount a max of 4 decimals"},
      {"a market buy of five decimals", "FAK", PMM_POLY_BUY, 10000000, 17543850, "supports a max accuracy of 2 decimals"},
      {"a market buy under a dollar", "FAK", PMM_POLY_BUY, 990000, 1980000,
       "invalid amount for a marketable BUY order ($0.99), min size: $1"},
      {"a market sale, to the purchases above: trading with oneself is allowed", "FAK", PMM_POLY_SELL, 15670000, 6738100, ""},
      {"a market sale at more than anybody pays", "FAK", PMM_POLY_SELL, 4000000, 3000000, "no orders found to match"},
  };
  rig_setup_t const setup = rig_usual();
  rig_t *const rig = rig_open(&setup, true);
  for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
    char body[4096], id[PMM_POLY_HEX_WORD];
    rig_order_t const want = {.who = 0, .type = rows[i].type, .side = rows[i].side, .price_e4 = 5000, .qty_e6 = SHARES(20)};
    pmm_poly_order_t order = rig_make(rig, &want);
    if (rows[i].maker_e6 == 15670000) rig_split(rig, 0, SHARES(20));
    order.maker_e6 = rows[i].maker_e6;
    order.taker_e6 = rows[i].taker_e6;
    rig_wrap(rig, &want, &order, body, sizeof body, id);
    int const http = rig_do(rig, 0, "POST", "/order", NULL, body);
    if (rows[i].want[0] ? http != 400 || !strstr(rig_error(rig), rows[i].want) : http != 200)
      fail_msg("%s: %d %s", rows[i].why, http, rig->last.body);
  }
  rig_close(rig);
}

static void test_wallets(void **state) {
  (void)state;
  rig_setup_t const setup = rig_usual();
  rig_t *const rig = rig_open(&setup, true);
  for (uint8_t wallet = 0; wallet <= PMM_POLY_DEPOSIT; wallet++) {
    char id[PMM_POLY_HEX_WORD];
    RIG_MUST(rig, id, .who = 2, .type = "GTC", .price_e4 = 1000 + 100 * wallet, .qty_e6 = SHARES(10), .wallet = wallet);
    assert_string_equal(rig_str(rig->json, "orderID"), id);
    assert_string_equal(rig_str(rig->json, "status"), "live");
    assert_string_equal(rig_str(rig->json, "makingAmount"), "");
  }
  /* A deposit wallet that is not the member's, and one whose wrapper was meddled with. */
  rig->member[0].funder = rig->member[2].funder;
  assert_int_equal(RIG_POST(rig, NULL, .who = 0, .type = "GTC", .price_e4 = 1000, .qty_e6 = SHARES(10), .wallet = PMM_POLY_DEPOSIT), 400);
  assert_non_null(strstr(rig_error(rig), "maker address not allowed"));
  char body[4096], id[PMM_POLY_HEX_WORD];
  rig_order_t const want = {.who = 2, .type = "GTC", .price_e4 = 2000, .qty_e6 = SHARES(10), .wallet = PMM_POLY_DEPOSIT};
  pmm_poly_order_t const order = rig_make(rig, &want);
  rig_wrap(rig, &want, &order, body, sizeof body, id);
  char *const at = strstr(body, "00ba\"");
  assert_non_null(at);
  at[3] = 'b';
  post_error(rig, "a key of another", body, 400, "owner of the API KEY");
  assert_int_equal(rig_do(rig, 2, "POST", "/order", NULL, body), 400);
  assert_string_equal(rig_error(rig), "invalid signature");
  rig_close(rig);
}

static void test_versions(void **state) {
  (void)state;
  rig_setup_t const setup = rig_usual();
  rig_t *const rig = rig_open(&setup, true);
  assert_int_equal(RIG_POST(rig, NULL, .who = 0, .type = "GTC", .price_e4 = 4000, .qty_e6 = SHARES(10), .version = 1), 400);
  assert_string_equal(rig_error(rig), "order_version_mismatch");
  pmm_polymarket_version(rig->service, 1);
  assert_int_equal(rig_do(rig, -1, "GET", "/version", NULL, NULL), 200);
  assert_int_equal(json_integer_value(json_object_get(rig->json, "version")), 1);
  RIG_MUST(rig, NULL, .who = 0, .type = "GTC", .price_e4 = 4000, .qty_e6 = SHARES(10), .version = 1);
  assert_int_equal(RIG_POST(rig, NULL, .who = 0, .type = "GTC", .price_e4 = 4000, .qty_e6 = SHARES(10)), 400);
  assert_string_equal(rig_error(rig), "order_version_mismatch");
  rig_close(rig);
}

static void assert_answer(const rig_t *rig, const char *status, const char *making, const char *taking, size_t trades) {
  if (strcmp(rig_str(rig->json, "status"), status) != 0 || strcmp(rig_str(rig->json, "makingAmount"), making) != 0 ||
      strcmp(rig_str(rig->json, "takingAmount"), taking) != 0 || json_array_size(json_object_get(rig->json, "tradeIDs")) != trades)
    fail_msg("want %s %s %s %zu: %s", status, making, taking, trades, rig->last.body);
}

static int64_t cash(const rig_t *rig, int who) { return pmm_place_cash(rig->place, rig->member[who].account, NULL); }
static pmm_place_holding_t held(const rig_t *rig, int who) {
  pmm_place_holding_t h;
  pmm_place_holding(rig->place, rig->member[who].account, rig->market, &h);
  return h;
}

static void test_matching(void **state) {
  (void)state;
  rig_setup_t const setup = rig_usual();
  rig_t *const rig = rig_open(&setup, true);
  int64_t const start = cash(rig, 0);
  /* Two who buy opposite outcomes mint pairs: YES at 0.45, then NO at 0.60 which meets it at 0.55. */
  RIG_MUST(rig, NULL, .who = 0, .outcome = 0, .side = PMM_POLY_BUY, .type = "GTC", .price_e4 = 4500, .qty_e6 = SHARES(100));
  RIG_MUST(rig, NULL, .who = 1, .outcome = 1, .side = PMM_POLY_BUY, .type = "GTC", .price_e4 = 6000, .qty_e6 = SHARES(40));
  assert_answer(rig, "matched", "22", "40", 1);
  assert_int_equal(cash(rig, 0), start - SHARES(18));
  assert_int_equal(held(rig, 0).yes_e6, SHARES(40));
  assert_int_equal(held(rig, 1).no_e6, SHARES(40));
  int64_t const fee = cash(rig, 1) - (start - SHARES(22));
  assert_int_equal(fee, -495000); /* 40 x 0.05 x 0.45 x 0.55, the taker's */
  rig_pass(rig, 10 * PMM_NS_PER_S);
  /* Post-only that would cross; a limit that takes and rests; money that buys what it can. */
  assert_int_equal(RIG_POST(rig, NULL, .who = 1, .outcome = 1, .type = "GTC", .price_e4 = 5500, .qty_e6 = SHARES(10), .post_only = true), 400);
  assert_string_equal(rig_error(rig), "invalid post-only order: order crosses book");
  RIG_MUST(rig, NULL, .who = 1, .outcome = 1, .type = "GTC", .price_e4 = 5500, .qty_e6 = SHARES(80));
  assert_answer(rig, "live", "33", "60", 1); /* the rest of 20 stands as an offer of YES at 0.45 */
  RIG_MUST(rig, NULL, .who = 2, .outcome = 0, .type = "FOK", .price_e4 = 5000, .qty_e6 = SHARES(4.5), .market = true);
  assert_answer(rig, "matched", "4.5", "10", 1);
  assert_int_equal(RIG_POST(rig, NULL, .who = 2, .outcome = 0, .type = "FOK", .price_e4 = 5000, .qty_e6 = SHARES(90), .market = true), 400);
  assert_non_null(strstr(rig_error(rig), "FOK orders are fully filled or killed"));
  RIG_MUST(rig, NULL, .who = 2, .outcome = 0, .type = "FAK", .price_e4 = 5000, .qty_e6 = SHARES(90), .market = true);
  assert_answer(rig, "matched", "4.5", "10", 1);
  assert_int_equal(RIG_POST(rig, NULL, .who = 2, .outcome = 0, .type = "FAK", .price_e4 = 5000, .qty_e6 = SHARES(90), .market = true), 400);
  assert_non_null(strstr(rig_error(rig), "no orders found to match with FAK order"));
  rig_pass(rig, 10 * PMM_NS_PER_S);
  /* A sale of what is held, at once, to a resting purchase: two sellers of opposite outcomes merge pairs. */
  RIG_MUST(rig, NULL, .who = 0, .outcome = 0, .side = PMM_POLY_SELL, .type = "GTC", .price_e4 = 3000, .qty_e6 = SHARES(50));
  assert_answer(rig, "live", "", "", 0);
  RIG_MUST(rig, NULL, .who = 1, .outcome = 1, .side = PMM_POLY_SELL, .type = "FAK", .price_e4 = 6000, .qty_e6 = SHARES(50), .market = true);
  assert_answer(rig, "matched", "50", "35", 1);
  assert_int_equal(held(rig, 0).yes_e6, SHARES(50));
  assert_int_equal(held(rig, 1).no_e6, SHARES(70));
  rig_close(rig);
}

static void test_batches(void **state) {
  (void)state;
  rig_setup_t const setup = rig_usual();
  rig_t *const rig = rig_open(&setup, true);
  char *const body = calloc(1, 1 << 16), one[4096], id[PMM_POLY_HEX_WORD];
  for (int cnt = 3; cnt <= 16; cnt += 13) { /* 3, the second of which is too small; then one too many */
    strcpy(body, "[");
    for (int i = 0; i < cnt; i++) {
      rig_order_t const want = {.who = 0, .type = "GTC", .price_e4 = 1000 + 100 * i, .qty_e6 = SHARES(i == 1 ? 4 : 10)};
      pmm_poly_order_t const order = rig_make(rig, &want);
      rig_wrap(rig, &want, &order, one, sizeof one, id);
      strcat(strcat(body, i ? "," : ""), one);
    }
    strcat(body, "]");
    int const http = rig_do(rig, 0, "POST", "/orders", NULL, body);
    if (cnt == 16) {
      assert_int_equal(http, 400);
      assert_string_equal(rig_error(rig), "Too many orders in payload: 16, max allowed: 15");
      continue;
    }
    assert_int_equal(http, 200);
    assert_int_equal(json_array_size(rig->json), 3);
    const json_t *const bad = json_array_get(rig->json, 1);
    assert_true(json_is_true(json_object_get(bad, "success")));
    assert_non_null(strstr(rig_str(bad, "errorMsg"), "lower than the minimum: 5"));
    assert_string_equal(rig_str(bad, "orderID"), "");
    assert_string_equal(rig_str(json_array_get(rig->json, 2), "status"), "live");
    assert_string_equal(rig_str(json_array_get(rig->json, 2), "orderID"), id);
  }
  free(body);
  rig_close(rig);
}

static size_t canceled(const rig_t *rig) { return json_array_size(json_object_get(rig->json, "canceled")); }

static void test_cancels(void **state) {
  (void)state;
  rig_setup_t const setup = rig_usual();
  rig_t *const rig = rig_open(&setup, true);
  char id[8][PMM_POLY_HEX_WORD], body[1024];
  for (int i = 0; i < 8; i++) RIG_MUST(rig, id[i], .who = 0, .outcome = i % 2, .type = "GTC", .price_e4 = 1000 + 100 * i, .qty_e6 = SHARES(10));
  snprintf(body, sizeof body, "{\"orderID\":\"%s\"}", id[0]);
  assert_int_equal(rig_do(rig, 1, "DELETE", "/order", NULL, body), 200); /* another's */
  assert_int_equal(canceled(rig), 0);
  assert_int_equal(rig_do(rig, 0, "DELETE", "/order", NULL, body), 200);
  assert_int_equal(canceled(rig), 1);
  assert_int_equal(rig_do(rig, 0, "DELETE", "/order", NULL, body), 200);
  assert_string_equal(rig_str(json_object_get(rig->json, "not_canceled"), id[0]), "Order already canceled");
  snprintf(body, sizeof body, "[\"%s\",\"%s\",\"%s\",\"0x%064d\"]", id[1], id[2], id[1], 7);
  assert_int_equal(rig_do(rig, 0, "DELETE", "/orders", NULL, body), 200);
  assert_int_equal(canceled(rig), 2);
  assert_int_equal(json_object_size(json_object_get(rig->json, "not_canceled")), 1);
  assert_int_equal(rig_do(rig, 0, "DELETE", "/order", NULL, "{\"orderID\":\"5\"}"), 400);
  assert_string_equal(rig_error(rig), "Invalid orderID");
  snprintf(body, sizeof body, "{\"market\":\"\",\"asset_id\":\"%s\"}", rig_token(rig, 1)); /* 3, 5, 7 stand on NO */
  assert_int_equal(rig_do(rig, 0, "DELETE", "/cancel-market-orders", NULL, body), 200);
  assert_int_equal(canceled(rig), 3);
  assert_int_equal(rig_do(rig, 0, "DELETE", "/cancel-market-orders", NULL, "{}"), 400);
  assert_int_equal(rig_do(rig, 0, "DELETE", "/cancel-all", NULL, NULL), 200);
  assert_int_equal(canceled(rig), 2);
  assert_null(pmm_place_open_after(rig->place, rig->member[0].account, 0));
  rig_close(rig);
}

static void test_settlement(void **state) {
  (void)state;
  rig_setup_t const setup = rig_usual();
  rig_t *const rig = rig_open(&setup, true);
  char query[128];
  for (int fails = 0; fails < 2; fails++) {
    int64_t const before[2] = {cash(rig, 0), cash(rig, 1)};
    pmm_place_faults(rig->place, fails, 0);
    RIG_MUST(rig, NULL, .who = 0, .type = "GTC", .price_e4 = 4500, .qty_e6 = SHARES(10));
    RIG_MUST(rig, NULL, .who = 1, .outcome = 1, .type = "GTC", .price_e4 = 5500, .qty_e6 = SHARES(10));
    snprintf(query, sizeof query, "id=%s&next_cursor=MA%%3D%%3D", json_string_value(json_array_get(json_object_get(rig->json, "tradeIDs"), 0)));
    const char *const want[2][3] = {{"MATCHED", "MINED", "CONFIRMED"}, {"MATCHED", "FAILED", "FAILED"}};
    for (int step = 0; step < 3; step++) {
      assert_int_equal(rig_do(rig, 1, "GET", "/data/trades", query, NULL), 200);
      assert_string_equal(rig_str(rig->json, "next_cursor"), "LTE=");
      const json_t *const trade = json_array_get(json_object_get(rig->json, "data"), 0);
      assert_string_equal(rig_str(trade, "status"), want[fails][step]);
      assert_string_equal(rig_str(trade, "trader_side"), "TAKER");
      assert_int_equal(strlen(rig_str(trade, "transaction_hash")), step > 0 && !fails ? 66 : 0); /* none before it is mined */
      assert_string_equal(rig_str(trade, "outcome"), "No");
      assert_string_equal(rig_str(trade, "price"), "0.55");
      const json_t *const maker = json_array_get(json_object_get(trade, "maker_orders"), 0);
      assert_string_equal(rig_str(maker, "price"), "0.45");
      assert_string_equal(rig_str(maker, "asset_id"), rig_token(rig, 0));
      rig_pass(rig, (step == 0 ? 1 : 4) * PMM_NS_PER_S);
    }
    if (fails)
      for (int i = 0; i < 2; i++) assert_int_equal(cash(rig, i), before[i]); /* undone on both sides */
  }
  rig_close(rig);
}

static void test_phases(void **state) {
  (void)state;
  rig_setup_t const setup = rig_usual();
  rig_t *const rig = rig_open(&setup, true);
  char id[PMM_POLY_HEX_WORD], body[256];
  RIG_MUST(rig, id, .who = 0, .type = "GTC", .price_e4 = 4000, .qty_e6 = SHARES(10));
  pmm_polymarket_restart(rig->service, rig->now_ns, 90 * PMM_NS_PER_S, 120 * PMM_NS_PER_S);
  assert_int_equal(RIG_POST(rig, NULL, .who = 0, .type = "GTC", .price_e4 = 4000, .qty_e6 = SHARES(10)), 425);
  assert_non_null(strstr(rig->last.header, "Retry-After"));
  assert_int_equal(rig_do(rig, 0, "GET", "/data/orders", NULL, NULL), 200); /* reads go on */
  assert_int_equal(json_array_size(json_object_get(rig->json, "data")), 1);
  rig_pass(rig, 90 * PMM_NS_PER_S);
  assert_int_equal(RIG_POST(rig, NULL, .who = 0, .type = "GTC", .price_e4 = 4000, .qty_e6 = SHARES(10)), 503);
  assert_string_equal(rig_str(rig->json, "code"), "post_only_mode");
  assert_int_equal(json_integer_value(json_object_get(rig->json, "retry_after_seconds")), 120);
  assert_non_null(strstr(rig->last.header, "Retry-After: 120"));
  RIG_MUST(rig, NULL, .who = 0, .type = "GTC", .price_e4 = 4000, .qty_e6 = SHARES(10), .post_only = true);
  rig_pass(rig, 120 * PMM_NS_PER_S);
  RIG_MUST(rig, NULL, .who = 0, .type = "GTC", .price_e4 = 4000, .qty_e6 = SHARES(10));
  pmm_polymarket_phase(rig->service, PMM_PHASE_CANCEL_ONLY, PMM_NS_MAX);
  assert_int_equal(RIG_POST(rig, NULL, .who = 0, .type = "GTC", .price_e4 = 4000, .qty_e6 = SHARES(10), .post_only = true), 503);
  snprintf(body, sizeof body, "{\"orderID\":\"%s\"}", id);
  assert_int_equal(rig_do(rig, 0, "DELETE", "/order", NULL, body), 200);
  assert_int_equal(canceled(rig), 1);
  pmm_polymarket_disable(rig->service, true);
  assert_int_equal(rig_do(rig, 0, "DELETE", "/cancel-all", NULL, NULL), 503);
  rig_close(rig);
}

static void test_gtd(void **state) {
  (void)state;
  rig_setup_t const setup = rig_usual();
  rig_t *const rig = rig_open(&setup, true);
  int64_t const now_s = rig->now_ns / PMM_NS_PER_S;
  char id[PMM_POLY_HEX_WORD];
  assert_int_equal(RIG_POST(rig, NULL, .who = 0, .type = "GTD", .price_e4 = 4000, .qty_e6 = SHARES(10), .expiration_s = now_s + 179), 400);
  assert_string_equal(rig_error(rig), "invalid expiration");
  RIG_MUST(rig, id, .who = 0, .type = "GTD", .price_e4 = 4000, .qty_e6 = SHARES(10), .expiration_s = now_s + 180);
  rig_pass(rig, 119 * PMM_NS_PER_S); /* it is stopped a minute early */
  assert_int_equal(pmm_place_order_find(rig->place, id)->status, PMM_PLACE_OPEN);
  rig_pass(rig, PMM_NS_PER_S);
  assert_int_not_equal(pmm_place_order_find(rig->place, id)->status, PMM_PLACE_OPEN);
  rig_close(rig);
}

static void on_coin(pmm_listing_params_t *listing) { snprintf(listing->asset, sizeof listing->asset, "BTC"); }

/* Markets on coins hold takers for 50 ms; makers are not held. */
static void test_taker_hold(void **state) {
  (void)state;
  rig_setup_t const setup = rig_usual();
  rig_t *const rig = rig_open(&setup, true);
  rig->market = rig_list(rig, "btc-updown", on_coin);
  RIG_MUST(rig, NULL, .who = 0, .type = "GTC", .price_e4 = 4500, .qty_e6 = SHARES(30));
  for (int round = 0; round < 3; round++) { /* waits; does not want to wait; left while waiting */
    rig_call_t call = {0};
    rig_header_t header[6];
    char body[4096], id[PMM_POLY_HEX_WORD], text[3][64];
    rig_order_t const want = {.who = 1, .outcome = 1, .type = "GTC", .price_e4 = 5500, .qty_e6 = SHARES(10), .defer = round == 1};
    pmm_poly_order_t const order = rig_make(rig, &want);
    rig_wrap(rig, &want, &order, body, sizeof body, id);
    rig_l2(rig, &rig->member[1], "POST", "/order", body, header, text);
    rig_send_call(rig, &call, header, "POST", "/order", "", body, strlen(body));
    assert_int_equal(call.http, round == 1 ? 200 : 0);
    if (round == 1) assert_non_null(strstr(call.body, "\"status\":\"delayed\""));
    if (round == 2) rig->service->ops->gone(rig->service, &call.call);
    rig_pass(rig, 49 * PMM_NS_PER_MS);
    assert_null(pmm_place_order_find(rig->place, id));
    rig_pass(rig, PMM_NS_PER_MS);
    assert_int_equal(pmm_place_order_find(rig->place, id)->status, PMM_PLACE_FILLED);
    if (round == 0) assert_non_null(strstr(call.body, "\"status\":\"matched\",\"makingAmount\":\"5.5\",\"takingAmount\":\"10\""));
    if (round == 2) assert_int_equal(call.http, 0);
    free(call.body);
  }
  rig_close(rig);
}

int main(void) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(test_refusals), cmocka_unit_test(test_amounts),    cmocka_unit_test(test_wallets),
                                     cmocka_unit_test(test_versions), cmocka_unit_test(test_matching),   cmocka_unit_test(test_batches),
                                     cmocka_unit_test(test_cancels),  cmocka_unit_test(test_settlement), cmocka_unit_test(test_phases),
                                     cmocka_unit_test(test_gtd),      cmocka_unit_test(test_taker_hold)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
