/* The two channels: what subscribers are told, and that a book kept from the messages alone is the book. */
#include "poly_rig.h"
#include "base/check.h"

#define SHARES(n) ((int64_t)((n) * 1000000))

static void subscribe(rig_t *rig, rig_sock_t *s, const char *more) {
  char text[512];
  snprintf(text, sizeof text, "{\"assets_ids\":[\"%s\",\"%s\"],\"type\":\"market\"%s}", rig_token(rig, 0), rig_token(rig, 1), more);
  rig_say(rig, s, text);
}

static size_t count(const rig_sock_t *s, const char *type) {
  char want[64];
  size_t n = 0;
  snprintf(want, sizeof want, "\"event_type\":\"%s\"", type);
  for (size_t i = 0; i < s->msg_cnt; i++) n += strstr(s->msg[i], want) != NULL;
  return n;
}

static json_t *first(const rig_sock_t *s, const char *type) { /* a new reference */
  char want[64];
  snprintf(want, sizeof want, "\"event_type\":\"%s\"", type);
  for (size_t i = 0; i < s->msg_cnt; i++)
    if (strstr(s->msg[i], want)) return rig_msg(s, i);
  fail_msg("no %s", type);
  return NULL;
}

static void test_talk(void **state) {
  (void)state;
  rig_setup_t const setup = rig_usual();
  rig_t *const rig = rig_open(&setup, true);
  rig_sock_t *const s = rig_open_sock(rig, "/ws/market");
  static const struct {
    const char *say, *want;
  } rows[] = {{"PING", "PONG"},
              {"hello", "INVALID OPERATION"},
              {"{}", "INVALID OPERATION"},
              {"[1]", "INVALID OPERATION"},
              {"{\"assets_ids\":[\"5\"],\"type\":\"market\"}", "[]"},
              {"{\"assets_ids\":[5],\"type\":\"market\"}", "[]"},
              {"{\"assets_ids\":[],\"operation\":\"swap\"}", "INVALID OPERATION"}};
  for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
    rig_say(rig, s, rows[i].say);
    assert_int_equal(s->msg_cnt, 1);
    assert_string_equal(s->msg[0], rows[i].want);
    rig_forget(s);
  }
  subscribe(rig, s, "");
  json_t *const books = rig_msg(s, 0);
  assert_int_equal(json_array_size(books), 2);
  assert_string_equal(rig_str(json_array_get(books, 1), "asset_id"), rig_token(rig, 1));
  assert_string_equal(rig_str(json_array_get(books, 1), "event_type"), "book");
  json_decref(books);
  rig_forget(s);
  subscribe(rig, s, "");
  assert_string_equal(s->msg[0], "NO NEW ASSETS");
  rig_forget(s);
  char text[256];
  snprintf(text, sizeof text, "{\"operation\":\"unsubscribe\",\"assets_ids\":[\"%s\",\"%s\"]}", rig_token(rig, 0), rig_token(rig, 1));
  rig_say(rig, s, text);
  RIG_MUST(rig, NULL, .who = 0, .type = "GTC", .price_e4 = 4500, .qty_e6 = SHARES(50));
  assert_int_equal(s->msg_cnt, 0);
  pmm_peer_t peer = {0};
  char refusal[128];
  pmm_request_t const r = {.method = "GET", .path = "/ws/other", .query = "", .body = "", .header = rig_header};
  assert_int_equal(rig->service->ops->upgrade(rig->service, &peer, &r, refusal, sizeof refusal), 404);
  rig_close(rig);
}

static void test_changes(void **state) {
  (void)state;
  rig_setup_t const setup = rig_usual();
  rig_t *const rig = rig_open(&setup, true);
  rig_sock_t *const s = rig_open_sock(rig, "/ws/market"), *const plain = rig_open_sock(rig, "/ws/market");
  subscribe(rig, s, ",\"custom_feature_enabled\":true");
  subscribe(rig, plain, "");
  rig_forget(s);
  rig_forget(plain);
  RIG_MUST(rig, NULL, .who = 0, .type = "GTC", .price_e4 = 4500, .qty_e6 = SHARES(50));
  assert_int_equal(plain->msg_cnt, 1);
  json_t *const m = rig_msg(plain, 0);
  const json_t *const yes = json_array_get(json_object_get(m, "price_changes"), 0), *const no = json_array_get(
                                                                                        json_object_get(m, "price_changes"), 1);
  assert_string_equal(rig_str(m, "event_type"), "price_change");
  assert_string_equal(rig_str(m, "timestamp"), "1700000000000");
  assert_string_equal(rig_str(yes, "asset_id"), rig_token(rig, 0));
  assert_string_equal(rig_str(yes, "side"), "BUY");
  assert_string_equal(rig_str(yes, "price"), "0.45");
  assert_string_equal(rig_str(yes, "size"), "50");
  assert_string_equal(rig_str(yes, "best_bid"), "0.45");
  assert_string_equal(rig_str(yes, "best_ask"), "1");
  assert_string_equal(rig_str(no, "asset_id"), rig_token(rig, 1));
  assert_string_equal(rig_str(no, "side"), "SELL");
  assert_string_equal(rig_str(no, "price"), "0.55");
  assert_string_equal(rig_str(no, "best_ask"), "0.55");
  json_decref(m);
  assert_int_equal(count(s, "best_bid_ask"), 2); /* one a token */
  rig_forget(plain);
  RIG_MUST(rig, NULL, .who = 1, .outcome = 1, .type = "FAK", .price_e4 = 5500, .qty_e6 = SHARES(5.5), .market = true);
  assert_int_equal(count(plain, "last_trade_price"), 1);
  assert_int_equal(count(plain, "book"), 2);
  assert_int_equal(count(plain, "price_change"), 0);
  json_t *const print = first(plain, "last_trade_price");
  assert_string_equal(rig_str(print, "asset_id"), rig_token(rig, 1)); /* the taker's token and side */
  assert_string_equal(rig_str(print, "side"), "BUY");
  assert_string_equal(rig_str(print, "price"), "0.55");
  assert_string_equal(rig_str(print, "size"), "10");
  json_decref(print);
  rig_forget(plain);
  rig_forget(s);
  assert_int_equal(pmm_place_regrid(rig->place, rig->market, rig->now_ns, 10), PMM_OK);
  json_t *const tick = first(plain, "tick_size_change");
  assert_string_equal(rig_str(tick, "old_tick_size"), "0.01");
  assert_string_equal(rig_str(tick, "new_tick_size"), "0.001");
  json_decref(tick);
  RIG_MUST(rig, NULL, .who = 0, .type = "GTC", .price_e4 = 4555, .qty_e6 = SHARES(50)); /* half a cent, rounded up to a mill */
  assert_string_equal(rig_str(rig->json, "status"), "live");
  rig_list(rig, "another", NULL);
  assert_int_equal(count(s, "new_market"), 1);
  assert_int_equal(count(plain, "new_market"), 0);
  assert_int_equal(pmm_place_life(rig->place, rig->market, rig->now_ns, PMM_LIFE_CLOSED, PMM_OUTCOME_UNKNOWN, 0), PMM_OK);
  assert_int_equal(pmm_place_life(rig->place, rig->market, rig->now_ns, PMM_LIFE_RESOLVED, PMM_OUTCOME_YES, PMM_ONE_E6), PMM_OK);
  json_t *const resolved = first(s, "market_resolved");
  assert_string_equal(rig_str(resolved, "winning_asset_id"), rig_token(rig, 0));
  json_decref(resolved);
  assert_int_equal(count(plain, "market_resolved"), 0);
  assert_int_equal(RIG_POST(rig, NULL, .who = 0, .type = "GTC", .price_e4 = 4500, .qty_e6 = SHARES(50)), 400);
  assert_non_null(strstr(rig_error(rig), "not yet ready"));
  rig_close(rig);
}

static void let_in(rig_t *rig, rig_sock_t *s, int who, const char *passphrase, const char *markets) {
  char text[1024];
  snprintf(text, sizeof text, "{\"auth\":{\"apiKey\":\"%s\",\"secret\":\"%s\",\"passphrase\":\"%s\"},\"type\":\"user\",\"markets\":[%s]}",
           rig->member[who].key, rig->member[who].secret, passphrase ? passphrase : rig->member[who].passphrase, markets);
  rig_say(rig, s, text);
}

static void assert_story(const rig_sock_t *s, const char *want) { /* type/status of each message, with size_matched of orders */
  char got[1024] = "";
  for (size_t i = 0; i < s->msg_cnt; i++) {
    json_t *const m = rig_msg(s, i);
    bool const order = strcmp(rig_str(m, "event_type"), "order") == 0;
    snprintf(got + strlen(got), sizeof got - strlen(got), "%s%s/%s/%s", i ? " " : "", rig_str(m, "type"), rig_str(m, "status"),
             order ? rig_str(m, "size_matched") : rig_str(m, "trader_side"));
    json_decref(m);
  }
  if (strcmp(got, want) != 0) fail_msg("want %s\n got %s", want, got);
}

static void test_user(void **state) {
  (void)state;
  rig_setup_t const setup = rig_usual();
  rig_t *const rig = rig_open(&setup, true);
  rig_sock_t *const bad = rig_open_sock(rig, "/ws/user"), *const maker = rig_open_sock(rig, "/ws/user"),
                    *const taker = rig_open_sock(rig, "/ws/user");
  rig_sock_t *const other = rig_open_sock(rig, "/ws/user");
  char id[PMM_POLY_HEX_WORD], body[256];
  let_in(rig, bad, 0, "wrong", "");
  assert_int_equal(bad->closed, 1008);
  let_in(rig, maker, 0, NULL, "");
  let_in(rig, taker, 1, NULL, "");
  let_in(rig, other, 0, NULL, "\"0x1111\""); /* another market only */
  rig_say(rig, maker, "PING");
  assert_string_equal(maker->msg[0], "PONG");
  rig_forget(maker);
  RIG_MUST(rig, id, .who = 0, .type = "GTC", .price_e4 = 4500, .qty_e6 = SHARES(50));
  assert_story(maker, "PLACEMENT/LIVE/0");
  rig_forget(maker);
  RIG_MUST(rig, NULL, .who = 1, .outcome = 1, .type = "GTC", .price_e4 = 5500, .qty_e6 = SHARES(20));
  rig_pass(rig, 10 * PMM_NS_PER_S);
  assert_story(maker, "TRADE/MATCHED/MAKER UPDATE/LIVE/20 TRADE/MINED/MAKER TRADE/CONFIRMED/MAKER");
  json_t *const trade = first(taker, "trade");
  assert_string_equal(rig_str(trade, "asset_id"), rig_token(rig, 1));
  assert_string_equal(rig_str(trade, "owner"), rig->member[1].key);
  assert_string_equal(rig_str(json_array_get(json_object_get(trade, "maker_orders"), 0), "order_id"), id);
  json_decref(trade);
  rig_forget(maker);
  rig_forget(taker);
  pmm_place_faults(rig->place, 0, 1); /* told, mined, and then undone */
  RIG_MUST(rig, NULL, .who = 1, .outcome = 1, .type = "GTC", .price_e4 = 5500, .qty_e6 = SHARES(10));
  rig_pass(rig, 30 * PMM_NS_PER_S);
  assert_story(maker, "TRADE/MATCHED/MAKER UPDATE/LIVE/30 TRADE/MINED/MAKER TRADE/RETRYING/MAKER TRADE/FAILED/MAKER");
  rig_forget(maker);
  snprintf(body, sizeof body, "{\"orderID\":\"%s\"}", id);
  assert_int_equal(rig_do(rig, 0, "DELETE", "/order", NULL, body), 200);
  assert_story(maker, "CANCELLATION/CANCELED/30");
  rig_forget(maker);
  RIG_MUST(rig, NULL, .who = 0, .type = "GTC", .price_e4 = 4500, .qty_e6 = SHARES(50));
  assert_int_equal(pmm_place_life(rig->place, rig->market, rig->now_ns, PMM_LIFE_CLOSED, PMM_OUTCOME_UNKNOWN, 0), PMM_OK);
  assert_story(maker, "PLACEMENT/LIVE/0 CANCELLATION/CANCELED_MARKET_RESOLVED/0");
  assert_int_equal(other->msg_cnt, 0);
  rig_close(rig);
}

/* -- a subscriber who keeps both books from the messages alone -- */
typedef struct kept { int64_t qty_e6[2][2][101]; } kept_t; /* [outcome][bid, ask][cents] */
static int64_t e6(const char *text) {
  int64_t value = -1;
  assert_int_equal(pmm_decimal_parse(text, strlen(text), 6, &value, NULL), PMM_OK);
  return value;
}
static size_t cents(const char *text) { return (size_t)(e6(text) / 10000); }

static void take_book(const rig_t *rig, kept_t *kept, const json_t *m) {
  int const outcome = strcmp(rig_str(m, "asset_id"), rig_token(rig, 1)) == 0;
  static const char *const sides[] = {"bids", "asks"};
  memset(kept->qty_e6[outcome], 0, sizeof kept->qty_e6[outcome]);
  for (int side = 0; side < 2; side++) {
    size_t i;
    json_t *level;
    json_array_foreach(json_object_get(m, sides[side]), i, level) kept->qty_e6[outcome][side][cents(rig_str(level, "price"))] =
        e6(rig_str(level, "size"));
  }
}

static void take_message(const rig_t *rig, kept_t *kept, const json_t *m, bool broken) {
  size_t i;
  json_t *e;
  json_array_foreach(m, i, e) take_book(rig, kept, e);
  if (strcmp(rig_str(m, "event_type"), "book") == 0) take_book(rig, kept, m);
  if (strcmp(rig_str(m, "event_type"), "price_change") != 0) return;
  json_array_foreach(json_object_get(m, "price_changes"), i, e) {
    int const outcome = strcmp(rig_str(e, "asset_id"), rig_token(rig, 1)) == 0, side = strcmp(rig_str(e, "side"), "SELL") == 0;
    if (!broken || outcome == 0) kept->qty_e6[outcome][side][cents(rig_str(e, "price"))] = e6(rig_str(e, "size"));
  }
}

static bool kept_is_book(rig_t *rig, const kept_t *kept) {
  for (int outcome = 0; outcome < 2; outcome++) {
    kept_t want = {0};
    char query[128];
    snprintf(query, sizeof query, "token_id=%s", rig_token(rig, outcome));
    assert_int_equal(rig_do(rig, -1, "GET", "/book", query, NULL), 200);
    take_book(rig, &want, rig->json);
    if (memcmp(kept->qty_e6[outcome], want.qty_e6[outcome], sizeof want.qty_e6[outcome]) != 0) return false;
  }
  return true;
}

static void random_request(rig_t *rig, pmm_rng_t *rng) {
  static const char *const types[] = {"GTC", "GTC", "GTC", "FAK", "FOK"};
  int const who = (int)pmm_rng_below(rng, RIG_MEMBERS);
  char body[256];
  const pmm_place_order_t *const open =
      pmm_place_open_after(rig->place, rig->member[who].account, pmm_rng_below(rng, pmm_place_order_cnt(rig->place) + 1));
  switch (pmm_rng_below(rng, 8)) {
  case 0: rig_do(rig, who, "DELETE", pmm_rng_below(rng, 8) ? "/nothing" : "/cancel-all", NULL, NULL); break;
  case 1:
    if (!open) break;
    snprintf(body, sizeof body, "{\"orderID\":\"%s\"}", open->id);
    assert_int_equal(rig_do(rig, who, "DELETE", "/order", NULL, body), 200);
    break;
  case 2: rig_pass(rig, (int64_t)pmm_rng_below(rng, 3 * PMM_NS_PER_S)); break;
  default: {
    const char *const type = types[pmm_rng_below(rng, 5)];
    rig_order_t const o = {.who = who,
                           .outcome = (int)pmm_rng_below(rng, 2),
                           .side = (pmm_poly_side_t)pmm_rng_below(rng, 2),
                           .type = type,
                           .market = type[0] == 'F',
                           .price_e4 = 100 * (int32_t)check_between(rng, 40, 60),
                           .qty_e6 = 10000 * check_between(rng, 500, 3000),
                           .wallet = who == 2 ? PMM_POLY_DEPOSIT : PMM_POLY_EOA};
    rig_post(rig, &o, NULL);
    assert_true(rig->last.http == 200 || rig->last.http == 400);
  }
  }
}

static uint64_t kept_property(uint64_t seed, uint64_t ops, bool broken) {
  rig_setup_t setup = rig_usual();
  setup.place.fail_share = 0.2;
  setup.place.ghost_share = 0.1;
  rig_t *const rig = rig_open(&setup, true);
  rig_sock_t *const s = rig_open_sock(rig, "/ws/market"), *const user = rig_open_sock(rig, "/ws/user");
  kept_t *const kept = calloc(1, sizeof *kept);
  pmm_rng_t rng;
  uint64_t bad = NO_MISMATCH;
  pmm_rng_seed(&rng, seed);
  subscribe(rig, s, ",\"custom_feature_enabled\":true");
  let_in(rig, user, 0, NULL, "");
  for (int i = 0; i < RIG_MEMBERS; i++) rig_split(rig, i, SHARES(1000));
  for (uint64_t op = 0; op < ops && bad == NO_MISMATCH; op++) {
    random_request(rig, &rng);
    for (size_t i = 0; i < s->msg_cnt; i++) {
      json_t *const m = rig_msg(s, i);
      take_message(rig, kept, m, broken);
      json_decref(m);
    }
    rig_forget(s);
    if (!kept_is_book(rig, kept)) bad = op;
    if (op % 64 == 0) rig_check(rig);
  }
  free(kept);
  rig_close(rig);
  return bad;
}

static void test_kept_books(void **state) {
  (void)state;
  check_random("books kept from messages", kept_property, 400);
}

int main(void) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(test_talk), cmocka_unit_test(test_changes), cmocka_unit_test(test_user),
                                     cmocka_unit_test(test_kept_books)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
