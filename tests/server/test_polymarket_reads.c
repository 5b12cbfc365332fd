/* What anybody can read of markets and books, and accounts of themselves; both hosts' lists on one port. */
#include "poly_rig.h"

#define SHARES(n) ((int64_t)((n) * 1000000))

static char *of_token(const rig_t *rig, int outcome, const char *more) {
  static char query[256];
  snprintf(query, sizeof query, "token_id=%s%s", rig_token(rig, outcome), more);
  return query;
}
static int get(rig_t *rig, const char *path, const char *query) { return rig_do(rig, -1, "GET", path, query, NULL); }

/* The client's helper: SHA-1 of the compact answer with its hash emptied. */
static void assert_hash(const rig_t *rig) {
  char hash[41], want[41];
  snprintf(hash, sizeof hash, "%s", rig_str(rig->json, "hash"));
  json_object_set_new(rig->json, "hash", json_string(""));
  char *const text = json_dumps(rig->json, JSON_COMPACT); /* keeps the order of keys */
  pmm_poly_book_hash(text, strlen(text), want);
  free(text);
  assert_string_equal(hash, want);
}

static const char *level(const rig_t *rig, const char *side, size_t i, const char *key) {
  return rig_str(json_array_get(json_object_get(rig->json, side), i), key);
}

static void test_books(void **state) {
  (void)state;
  rig_setup_t const setup = rig_usual();
  rig_t *const rig = rig_open(&setup, true);
  RIG_MUST(rig, NULL, .who = 0, .outcome = 0, .type = "GTC", .price_e4 = 4400, .qty_e6 = SHARES(100));
  RIG_MUST(rig, NULL, .who = 0, .outcome = 0, .type = "GTC", .price_e4 = 4500, .qty_e6 = SHARES(50));
  RIG_MUST(rig, NULL, .who = 1, .outcome = 1, .type = "GTC", .price_e4 = 4600, .qty_e6 = SHARES(60.5)); /* an offer of YES at 0.54 */
  assert_int_equal(get(rig, "/book", of_token(rig, 0, "")), 200);
  assert_string_equal(level(rig, "bids", 0, "price"), "0.44"); /* the best stands last */
  assert_string_equal(level(rig, "bids", 1, "price"), "0.45");
  assert_string_equal(level(rig, "bids", 1, "size"), "50");
  assert_string_equal(level(rig, "asks", 0, "price"), "0.54");
  assert_string_equal(level(rig, "asks", 0, "size"), "60.5");
  assert_string_equal(rig_str(rig->json, "tick_size"), "0.01");
  assert_string_equal(rig_str(rig->json, "min_order_size"), "5");
  assert_string_equal(rig_str(rig->json, "timestamp"), "1700000000000");
  assert_hash(rig);
  assert_int_equal(get(rig, "/book", of_token(rig, 1, "")), 200); /* the mirror */
  assert_string_equal(level(rig, "bids", 0, "price"), "0.46");
  assert_string_equal(level(rig, "asks", 0, "price"), "0.56");
  assert_string_equal(level(rig, "asks", 1, "price"), "0.55");
  assert_hash(rig);
  char body[512];
  snprintf(body, sizeof body, "[{\"token_id\":\"%s\"},{\"token_id\":\"5\"},{\"token_id\":\"%s\",\"side\":\"BUY\"}]", rig_token(rig, 0),
           rig_token(rig, 1));
  assert_int_equal(rig_do(rig, -1, "POST", "/books", NULL, body), 200);
  assert_int_equal(json_array_size(rig->json), 2); /* the unknown one is left out */
  rig_close(rig);
}

static void test_prices(void **state) {
  (void)state;
  rig_setup_t const setup = rig_usual();
  rig_t *const rig = rig_open(&setup, true);
  assert_int_equal(get(rig, "/midpoint", of_token(rig, 0, "")), 404);
  RIG_MUST(rig, NULL, .who = 0, .outcome = 0, .type = "GTC", .price_e4 = 4500, .qty_e6 = SHARES(50));
  RIG_MUST(rig, NULL, .who = 1, .outcome = 1, .type = "GTC", .price_e4 = 4600, .qty_e6 = SHARES(60));
  static const struct { const char *path, *more; int outcome; int http; const char *body; } rows[] = {
      {"/ok", "", 0, 200, "\"OK\""},
      {"/time", "", 0, 200, "1700000000"},
      {"/version", "", 0, 200, "{\"version\":2}"},
      {"/price", "&side=BUY", 0, 200, "{\"price\":\"0.54\"}"},
      {"/price", "&side=SELL", 0, 200, "{\"price\":\"0.45\"}"},
      {"/price", "&side=BUY", 1, 200, "{\"price\":\"0.55\"}"},
      {"/price", "", 0, 400, "{\"error\":\"Invalid side\"}"},
      {"/midpoint", "", 0, 200, "{\"mid\":\"0.495\"}"},
      {"/midpoint", "", 1, 200, "{\"mid\":\"0.505\"}"},
      {"/spread", "", 1, 200, "{\"spread\":\"0.09\"}"},
      {"/last-trade-price", "", 0, 200, "{\"price\":\"0.5\",\"side\":\"\"}"},
      {"/tick-size", "", 0, 200, "{\"minimum_tick_size\":0.01}"},
      {"/neg-risk", "", 0, 200, "{\"neg_risk\":false}"},
      {"/fee-rate", "", 0, 200, "{\"base_fee\":0}"},
      {"/books", "", 0, 400, "{\"error\":\"Invalid payload\"}"},
      {"/nothing", "", 0, 404, "{\"error\":\"not found\"}"},
      {"/order", "", 0, 405, "{\"error\":\"method not allowed\"}"},
  };
  for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
    int const http = get(rig, rows[i].path, of_token(rig, rows[i].outcome, rows[i].more));
    if (http != rows[i].http || strcmp(rig->last.body, rows[i].body) != 0) fail_msg("%s%s: %d %s", rows[i].path, rows[i].more, http, rig->last.body);
  }
  assert_int_equal(get(rig, "/book", "token_id=x"), 400);
  assert_string_equal(rig_error(rig), "Invalid token id");
  assert_int_equal(get(rig, "/book", "token_id=12345"), 404);
  assert_string_equal(rig_error(rig), "No orderbook exists for the requested token id");
  char body[512];
  snprintf(body, sizeof body, "[{\"token_id\":\"%s\",\"side\":\"SELL\"}]", rig_token(rig, 0));
  assert_int_equal(rig_do(rig, -1, "POST", "/prices", NULL, body), 200);
  assert_string_equal(rig_str(json_object_get(rig->json, rig_token(rig, 0)), "SELL"), "0.45");
  assert_int_equal(rig_do(rig, -1, "POST", "/midpoints", NULL, body), 200);
  assert_string_equal(rig_str(rig->json, rig_token(rig, 0)), "0.495");
  assert_int_equal(rig_do(rig, -1, "POST", "/prices", NULL, "[{\"token_id\":5}]"), 400);
  RIG_MUST(rig, NULL, .who = 2, .outcome = 1, .type = "FAK", .price_e4 = 5500, .qty_e6 = SHARES(5.5), .market = true);
  assert_int_equal(get(rig, "/last-trade-price", of_token(rig, 0, "")), 200);
  assert_string_equal(rig->last.body, "{\"price\":\"0.45\",\"side\":\"SELL\"}"); /* who bought NO sold YES */
  assert_int_equal(get(rig, "/last-trade-price", of_token(rig, 1, "")), 200);
  assert_string_equal(rig->last.body, "{\"price\":\"0.55\",\"side\":\"BUY\"}");
  char query[256];
  snprintf(query, sizeof query, "market=%s&interval=1h", rig_token(rig, 1));
  assert_int_equal(get(rig, "/prices-history", query), 200);
  assert_string_equal(rig->last.body, "{\"history\":[{\"t\":1700000000,\"p\":0.55}]}");
  snprintf(query, sizeof query, "market=%s&interval=1w&fidelity=1", rig_token(rig, 1));
  assert_int_equal(get(rig, "/prices-history", query), 400);
  assert_string_equal(rig_error(rig), "invalid fidelity: 1");
  rig_close(rig);
}

static void on_event(pmm_listing_params_t *listing) {
  snprintf(listing->event, sizeof listing->event, "race");
  listing->neg_risk = true;
  listing->tick_e4 = 10;
}

static void test_catalogue(void **state) {
  (void)state;
  rig_setup_t const setup = rig_usual();
  rig_t *const rig = rig_open(&setup, true);
  uint32_t const a = rig_list(rig, "race-a", on_event);
  rig_list(rig, "race-b", on_event);
  const pmm_market_t *const m = pmm_place_market(rig->place, a);
  char path[256], query[256];
  assert_int_equal(get(rig, "/markets", ""), 200);
  assert_int_equal(json_array_size(json_object_get(rig->json, "data")), 3);
  assert_string_equal(rig_str(rig->json, "next_cursor"), "LTE=");
  assert_int_equal(get(rig, "/simplified-markets", "next_cursor=Mg=="), 200); /* from the third on */
  assert_int_equal(json_array_size(json_object_get(rig->json, "data")), 1);
  assert_int_equal(get(rig, "/markets", "next_cursor=LTE="), 400);
  assert_string_equal(rig_error(rig), "next item should be greater than or equal to 0");
  snprintf(path, sizeof path, "/markets/%s", m->id);
  assert_int_equal(get(rig, path, ""), 200);
  assert_string_equal(rig_str(rig->json, "market_slug"), "race-a");
  assert_true(json_is_true(json_object_get(rig->json, "neg_risk")));
  assert_int_equal(get(rig, "/markets/0x12", ""), 400);
  snprintf(path, sizeof path, "/clob-markets/%s", m->id);
  assert_int_equal(get(rig, path, ""), 200);
  assert_int_equal(json_array_size(json_object_get(rig->json, "t")), 2);
  assert_true(json_real_value(json_object_get(rig->json, "mts")) == 0.001);
  assert_true(json_is_true(json_object_get(rig->json, "nr")));
  snprintf(path, sizeof path, "/markets-by-token/%s", m->token_no);
  assert_int_equal(get(rig, path, ""), 200);
  assert_string_equal(rig_str(rig->json, "condition_id"), m->id);
  /* The catalogue's own paths and filters. */
  assert_int_equal(get(rig, "/markets", "slug=race-a"), 200);
  assert_int_equal(json_array_size(rig->json), 1);
  json_t *const tokens = json_loads(rig_str(json_array_get(rig->json, 0), "clobTokenIds"), 0, NULL); /* a list in a string */
  assert_string_equal(json_string_value(json_array_get(tokens, 1)), m->token_no);
  json_decref(tokens);
  snprintf(query, sizeof query, "condition_ids=%s&clob_token_ids=%s", m->id, m->token_yes);
  assert_int_equal(get(rig, "/markets", query), 200);
  assert_int_equal(json_array_size(rig->json), 1);
  assert_int_equal(get(rig, "/markets", "closed=true"), 200);
  assert_int_equal(json_array_size(rig->json), 0);
  assert_int_equal(get(rig, "/markets", "limit=2&offset=2"), 200);
  assert_int_equal(json_array_size(rig->json), 1);
  assert_int_equal(get(rig, "/markets/2", ""), 200);
  assert_string_equal(rig_str(rig->json, "slug"), "race-a");
  assert_int_equal(get(rig, "/events", "slug=race"), 200);
  assert_int_equal(json_array_size(json_object_get(json_array_get(rig->json, 0), "markets")), 2);
  assert_int_equal(get(rig, "/events/slug/race", ""), 200);
  assert_int_equal(get(rig, "/events", ""), 200);
  assert_int_equal(json_array_size(rig->json), 2);
  rig_close(rig);
}

static void test_account(void **state) {
  (void)state;
  rig_setup_t const setup = rig_usual();
  rig_t *const rig = rig_open(&setup, true);
  char id[PMM_POLY_HEX_WORD], path[128], query[256], user[PMM_POLY_HEX_ADDRESS];
  RIG_MUST(rig, id, .who = 0, .type = "GTC", .price_e4 = 4500, .qty_e6 = SHARES(50));
  RIG_MUST(rig, NULL, .who = 1, .outcome = 1, .type = "GTC", .price_e4 = 5500, .qty_e6 = SHARES(20));
  assert_int_equal(rig_do(rig, 0, "GET", "/data/orders", "next_cursor=MA%3D%3D", NULL), 200);
  const json_t *const order = json_array_get(json_object_get(rig->json, "data"), 0);
  assert_string_equal(rig_str(order, "id"), id);
  assert_string_equal(rig_str(order, "status"), "LIVE");
  assert_string_equal(rig_str(order, "original_size"), "50");
  assert_string_equal(rig_str(order, "size_matched"), "20");
  assert_string_equal(rig_str(order, "price"), "0.45");
  assert_string_equal(rig_str(order, "owner"), rig->member[0].key);
  assert_int_equal(json_array_size(json_object_get(order, "associate_trades")), 1);
  snprintf(path, sizeof path, "/data/order/%s", id);
  assert_int_equal(rig_do(rig, 0, "GET", path, NULL, NULL), 200);
  assert_int_equal(rig_do(rig, 1, "GET", path, NULL, NULL), 404); /* another's */
  assert_int_equal(rig_do(rig, 0, "GET", "/balance-allowance", "asset_type=COLLATERAL&signature_type=0", NULL), 200);
  assert_string_equal(rig_str(rig->json, "balance"), "9991000000"); /* 20 at 0.45; what is on order is still there */
  assert_int_equal(json_object_size(json_object_get(rig->json, "allowances")), 3);
  snprintf(query, sizeof query, "asset_type=CONDITIONAL&token_id=%s&signature_type=0", rig_token(rig, 1));
  assert_int_equal(rig_do(rig, 1, "GET", "/balance-allowance", query, NULL), 200);
  assert_string_equal(rig_str(rig->json, "balance"), "20000000");
  assert_int_equal(rig_do(rig, 1, "GET", "/balance-allowance", "asset_type=GOLD", NULL), 400);
  assert_int_equal(rig_do(rig, 0, "GET", "/notifications", "signature_type=0", NULL), 200);
  assert_int_equal(json_array_size(rig->json), 1);
  assert_int_equal(rig_do(rig, 0, "DELETE", "/notifications", "ids=1", NULL), 200);
  assert_int_equal(rig_do(rig, 0, "GET", "/notifications", NULL, NULL), 200);
  assert_int_equal(json_array_size(rig->json), 0);
  pmm_poly_address_print(pmm_poly_signer_address(rig->member[1].signer), user);
  snprintf(query, sizeof query, "user=%s&sizeThreshold=1", user);
  assert_int_equal(get(rig, "/positions", query), 200);
  const json_t *const position = json_array_get(rig->json, 0);
  assert_string_equal(rig_str(position, "asset"), rig_token(rig, 1));
  assert_true(json_number_value(json_object_get(position, "size")) == 20);
  assert_true(json_number_value(json_object_get(position, "avgPrice")) == 0.55);
  assert_int_equal(get(rig, "/trades", query), 200);
  assert_int_equal(json_array_size(rig->json), 0); /* not on the chain yet */
  rig_pass(rig, 2 * PMM_NS_PER_S);
  assert_int_equal(get(rig, "/trades", query), 200);
  assert_int_equal(json_array_size(rig->json), 1);
  assert_int_equal(get(rig, "/positions", ""), 400);
  snprintf(query, sizeof query, "after=%lld", (long long)(rig->now_ns / PMM_NS_PER_S + 1));
  assert_int_equal(rig_do(rig, 0, "GET", "/data/trades", query, NULL), 200);
  assert_int_equal(json_array_size(json_object_get(rig->json, "data")), 0);
  rig_close(rig);
}

/* 250 trades in pages of 100. */
static void test_pages(void **state) {
  (void)state;
  rig_setup_t const setup = rig_usual();
  rig_t *const rig = rig_open(&setup, true);
  RIG_MUST(rig, NULL, .who = 0, .type = "GTC", .price_e4 = 5000, .qty_e6 = SHARES(2000));
  for (int i = 0; i < 250; i++) RIG_MUST(rig, NULL, .who = 1, .outcome = 1, .type = "GTC", .price_e4 = 5000, .qty_e6 = SHARES(5));
  char query[64] = "next_cursor=MA==";
  json_t *const seen = json_object();
  int pages = 0;
  for (; strcmp(query, "next_cursor=LTE=") != 0; pages++) {
    assert_int_equal(rig_do(rig, 0, "GET", "/data/trades", query, NULL), 200);
    size_t i;
    json_t *trade;
    json_array_foreach(json_object_get(rig->json, "data"), i, trade) json_object_set_new(seen, rig_str(trade, "id"), json_true());
    snprintf(query, sizeof query, "next_cursor=%s", rig_str(rig->json, "next_cursor"));
  }
  assert_int_equal(pages, 3);
  assert_int_equal(json_object_size(seen), 250);
  json_decref(seen);
  rig_close(rig);
}

/* Reads that run behind show the state of then: the order that is gone, the balance before the fill, also of one undone since. */
static void test_lag(void **state) {
  (void)state;
  rig_setup_t setup = rig_usual();
  setup.serve.lag_ns = 10 * PMM_NS_PER_S;
  rig_t *const rig = rig_open(&setup, true);
  char query[256];
  for (int fails = 0; fails < 2; fails++) {
    pmm_place_faults(rig->place, fails, 0);
    rig_pass(rig, 100 * PMM_NS_PER_S);
    int64_t const before = pmm_place_cash(rig->place, rig->member[0].account, NULL);
    RIG_MUST(rig, NULL, .who = 0, .type = "GTC", .price_e4 = 4500, .qty_e6 = SHARES(20));
    assert_int_equal(rig_do(rig, 0, "GET", "/data/orders", NULL, NULL), 200);
    assert_int_equal(json_array_size(json_object_get(rig->json, "data")), 0); /* not seen yet */
    rig_pass(rig, 20 * PMM_NS_PER_S);
    RIG_MUST(rig, NULL, .who = 1, .outcome = 1, .type = "GTC", .price_e4 = 5500, .qty_e6 = SHARES(20));
    int64_t const after = before - SHARES(9);
    static const struct {
      int64_t wait_s;
      bool open, filled[2];
    } steps[] = {{0, true, {false, false}}, {9, true, {false, false}}, {1, false, {true, true}}, {1, false, {true, false}}};
    for (size_t i = 0; i < 4; i++) { /* the match fails a second after it was made, seen a second after it was seen */
      rig_pass(rig, steps[i].wait_s * PMM_NS_PER_S);
      assert_int_equal(rig_do(rig, 0, "GET", "/data/orders", NULL, NULL), 200);
      assert_int_equal(json_array_size(json_object_get(rig->json, "data")), steps[i].open);
      assert_int_equal(rig_do(rig, 0, "GET", "/balance-allowance", "asset_type=COLLATERAL", NULL), 200);
      int64_t const want = steps[i].filled[fails] ? after : before;
      if (strtoll(rig_str(rig->json, "balance"), NULL, 10) != want)
        fail_msg("step %zu, fails %d: %s, want %lld", i, fails, rig->last.body, (long long)want);
      snprintf(query, sizeof query, "asset_type=CONDITIONAL&token_id=%s", rig_token(rig, 0));
      assert_int_equal(rig_do(rig, 0, "GET", "/balance-allowance", query, NULL), 200);
      int64_t const shares = (fails ? SHARES(20) : 0) + (steps[i].filled[fails] ? SHARES(20) : 0);
      assert_int_equal(strtoll(rig_str(rig->json, "balance"), NULL, 10), shares);
    }
  }
  rig_close(rig);
}

static void test_listings(void **state) {
  (void)state;
  pmm_listing_params_t listing = {0};
  pmm_market_t market, again;
  pmm_error_t err;
  pmm_params_default(pmm_listing_param_table, pmm_listing_param_cnt, &listing);
  assert_int_equal(pmm_polymarket_dialect.market(&listing, RIG_START_NS, 7, &market, &err), PMM_OK);
  assert_int_equal(pmm_polymarket_dialect.market(&listing, RIG_START_NS, 7, &again, &err), PMM_OK);
  assert_string_equal(market.token_yes, again.token_yes); /* the same ids from the same name and seed */
  assert_int_equal(pmm_polymarket_dialect.market(&listing, RIG_START_NS, 8, &again, &err), PMM_OK);
  assert_string_not_equal(market.token_yes, again.token_yes);
  assert_int_equal(strlen(market.id), 66);
  assert_int_equal(market.fees.taker_rate_e6, 50000);
  snprintf(listing.asset, sizeof listing.asset, "BTC");
  assert_int_equal(pmm_polymarket_dialect.market(&listing, RIG_START_NS, 7, &market, &err), PMM_OK);
  assert_int_equal(market.fees.taker_rate_e6, 70000);
  listing.tick_e4 = 200;
  assert_int_equal(pmm_polymarket_dialect.market(&listing, RIG_START_NS, 7, &market, &err), PMM_INVAL);
  assert_non_null(strstr(err.text, "tick"));
}

int main(void) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(test_books),   cmocka_unit_test(test_prices), cmocka_unit_test(test_catalogue),
                                     cmocka_unit_test(test_account), cmocka_unit_test(test_pages),  cmocka_unit_test(test_lag),
                                     cmocka_unit_test(test_listings)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
