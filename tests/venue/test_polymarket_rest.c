/* REST of Polymarket: markets from their three sources, answers to orders and cancels, lists, and request bodies byte for byte; and orders
   signed ahead of need. */
#include <jansson.h>
#include "base/check.h"
#include "venue/polymarket/rest.h"

#define YES "45936375922793925919605092352922707796689801895417366600539442410775071099958"
#define NO "86520121088881862182423437128238697252500151785248183602134095101149900014256"
#define WORD "0x1111111111111111111111111111111111111111111111111111111111111111"
#define WORD2 "0x2222222222222222222222222222222222222222222222222222222222222222"

static pmm_json_parser_t *json;

static int open_json(void **state) { (void)state; return (json = pmm_json_new()) ? 0 : -1; }
static int close_json(void **state) { (void)state; pmm_json_free(json); return 0; }

static const pmm_json_node_t *parse(const char *text) {
  static char padded[16384];
  const pmm_json_node_t *root;
  size_t at;
  const char *why;
  assert_true(strlen(text) + PMM_JSON_PAD < sizeof padded);
  memset(padded, 0, sizeof padded);
  memcpy(padded, text, strlen(text));
  if (pmm_json_parse(json, padded, strlen(text), &root, &at, &why) != PMM_OK) fail_msg("%s: %s", why, text);
  return root;
}

/* -- markets -- */
static void test_market(void **state) {
  (void)state;
  pmm_poly_listing_t l;
  pmm_error_t err = {0};
  assert_int_equal(pmm_poly_read_market(parse("{\"condition_id\":\"" WORD "\",\"market_slug\":\"rain\",\"neg_risk\":true,\"neg_risk_market_id\":\"0xev\",\"accepting_orders\":true,\"closed\":false,"
                                              "\"minimum_order_size\":5,\"minimum_tick_size\":0.001,\"end_date_iso\":\"2026-12-01T00:00:00Z\",\"tokens\":[{\"token_id\":\"" NO "\",\"outcome\":\"No\"},"
                                              "{\"token_id\":\"" YES "\",\"outcome\":\"Yes\"}]}"), &l, &err), PMM_OK);
  assert_string_equal(l.market.id, "rain");
  assert_string_equal(l.market.event, "0xev");
  assert_string_equal(l.market.token_yes, YES); /* by name, not by place */
  assert_string_equal(l.market.token_no, NO);
  assert_int_equal(l.market.grid.tick_e4, 10);
  assert_int_equal(l.market.min_size_e6, 5 * PMM_ONE_E6);
  assert_int_equal(l.market.life, PMM_LIFE_OPEN);
  assert_int_equal(l.market.close_ns, INT64_C(1796083200) * PMM_NS_PER_S);
  assert_true(l.neg_risk);
  assert_int_equal(l.version, 2);
}

static void test_compact(void **state) {
  (void)state;
  pmm_poly_listing_t l;
  pmm_error_t err = {0};
  assert_int_equal(pmm_poly_read_compact(parse("{\"c\":\"" WORD "\",\"t\":[{\"t\":\"" YES "\",\"o\":\"Up\"},{\"t\":\"" NO "\",\"o\":\"Down\"}],\"mts\":0.01,\"mos\":15,\"fd\":{\"r\":0.07,\"e\":1,\"to\":true},\"v\":\"v2\"}"),
                                         NULL, &l, &err), PMM_OK);
  assert_int_equal(l.market.fees.model, PMM_FEE_POLYMARKET);
  assert_int_equal(l.market.fees.taker_rate_e6, 70000);
  assert_int_equal(l.market.min_size_e6, 15 * PMM_ONE_E6);
  assert_int_equal(l.version, 3);
  assert_false(l.neg_risk);
}

static void test_gamma(void **state) {
  (void)state;
  pmm_poly_listing_t l;
  pmm_error_t err = {0};
  const char *const v1 = "{\"conditionId\":\"" WORD "\",\"slug\":\"btc-updown-5m-1776808200\",\"version\":\"v1\",\"clobTokenIds\":\"[\\\"" YES "\\\", \\\"" NO "\\\"]\",\"positionIds\":[\"1\",\"2\"],"
                         "\"outcomes\":\"[\\\"Up\\\", \\\"Down\\\"]\",\"orderPriceMinTickSize\":0.01,\"orderMinSize\":5,\"acceptingOrders\":true,\"active\":true,\"closed\":false,\"feesEnabled\":true,"
                         "\"feeSchedule\":{\"rate\":0.07,\"exponent\":1,\"takerOnly\":true,\"rebateRate\":0.2},\"startDate\":\"2026-04-20T21:55:00Z\",\"endDate\":\"2026-04-21T22:00:00Z\"}";
  assert_int_equal(pmm_poly_read_gamma(parse(v1), &l, &err), PMM_OK);
  assert_string_equal(l.market.token_yes, YES); /* not the positionIds that v1 markets carry too */
  assert_int_equal(l.market.close_ns, INT64_C(1776808500) * PMM_NS_PER_S); /* from the slug, exact */
  assert_int_equal(l.market.tie_is_yes, 1);
  assert_int_equal(l.market.fees.rebate_share_e6, 200000);
  assert_int_equal(l.version, 2);
  const char *const v2 = "{\"conditionId\":\"" WORD "\",\"slug\":\"x\",\"version\":\"v2\",\"clobTokenIds\":\"[]\",\"positionIds\":[\"77\",\"78\"],\"outcomes\":\"[\\\"No\\\", \\\"Yes\\\"]\","
                         "\"orderPriceMinTickSize\":\"0.0025\",\"negRisk\":true,\"acceptingOrders\":false}";
  assert_int_equal(pmm_poly_read_gamma(parse(v2), &l, &err), PMM_OK);
  assert_string_equal(l.market.token_yes, "78");
  assert_int_equal(l.version, 3);
  assert_int_equal(l.market.life, PMM_LIFE_HALTED);
  assert_int_equal(l.market.fees.model, PMM_FEE_NONE);
}

static void test_bad_markets(void **state) {
  static const struct { const char *text, *says; } rows[] = {
      {"{}", "condition_id"}, {"{\"condition_id\":\"0x1\"}", "tokens"}, {"{\"condition_id\":\"0x1\",\"tokens\":[{\"token_id\":\"1\"}]}", "tokens"},
      {"{\"condition_id\":\"0x1\",\"tokens\":[{\"token_id\":\"1\"},{\"token_id\":\"2\"}]}", "minimum_tick_size"},
      {"{\"condition_id\":\"0x1\",\"tokens\":[{\"token_id\":\"1\"},{\"token_id\":\"2\"}],\"minimum_tick_size\":0.03}", "minimum_tick_size"},
      {"{\"condition_id\":\"0x1\",\"tokens\":[{\"token_id\":\"a\"},{\"token_id\":\"2\"}],\"minimum_tick_size\":0.01}", "tokens"},
      {"{\"condition_id\":\"0x1\",\"tokens\":[{\"token_id\":\"1\"},{\"token_id\":\"2\"}],\"minimum_tick_size\":0.01,\"minimum_order_size\":-5}", "minimum_order_size"}};
  (void)state;
  for (size_t i = 0; i < COUNT_OF(rows); i++) {
    pmm_poly_listing_t l = {.version = 99};
    pmm_error_t err = {0};
    assert_int_equal(pmm_poly_read_market(parse(rows[i].text), &l, &err), PMM_PARSE);
    if (!strstr(err.text, rows[i].says)) fail_msg("%s", err.text);
    assert_int_equal(l.version, 99);
  }
}

/* -- single values, lists -- */
static void test_values(void **state) {
  (void)state;
  int32_t n;
  int64_t a, b;
  int version;
  bool flag;
  char id[PMM_POLY_KEY_MAX];
  pmm_poly_credentials_t c;
  assert_int_equal(pmm_poly_read_tick_size(parse("{\"minimum_tick_size\":0.0025}"), &n, NULL), PMM_OK);
  assert_int_equal(n, 25);
  assert_int_equal(pmm_poly_read_tick_size(parse("{\"minimum_tick_size\":0.07}"), &n, NULL), PMM_PARSE);
  assert_int_equal(pmm_poly_read_neg_risk(parse("{\"neg_risk\":true}"), &flag, NULL), PMM_OK);
  assert_true(flag);
  assert_int_equal(pmm_poly_read_fee_rate(parse("{\"base_fee\":100}"), &n, NULL), PMM_OK);
  assert_int_equal(n, 100);
  assert_int_equal(pmm_poly_read_version(parse("{\"version\":2}"), &version, NULL), PMM_OK);
  assert_int_equal(version, 2);
  assert_int_equal(pmm_poly_read_balance(parse("{\"balance\":\"1234567\",\"allowances\":{\"0x1\":\"115792089237316195423570985008687907853269984665640564039457584007913129639935\",\"0x2\":\"5\"}}"), &a, &b, NULL), PMM_OK);
  assert_int_equal(a, 1234567);
  assert_int_equal(b, 5);
  assert_int_equal(pmm_poly_read_balance(parse("{\"balance\":\"7\"}"), &a, &b, NULL), PMM_OK);
  assert_int_equal(b, -1);
  assert_int_equal(pmm_poly_read_time("1700000000\n", 11, &a), PMM_OK);
  assert_int_equal(a, 1700000000);
  assert_int_equal(pmm_poly_read_time("x", 1, &a), PMM_PARSE);
  assert_int_equal(pmm_poly_read_credentials(parse("{\"apiKey\":\"a-b\",\"secret\":\"c2Vj\",\"passphrase\":\"p\"}"), &c, NULL), PMM_OK);
  assert_string_equal(c.secret, "c2Vj");
  assert_int_equal(pmm_poly_read_credentials(parse("{\"apiKey\":\"a\\r\\nX: y\",\"secret\":\"c2Vj\",\"passphrase\":\"p\"}"), &c, NULL), PMM_PARSE); /* no header of theirs in ours */
  assert_int_equal(pmm_poly_read_heartbeat(parse("{\"error_msg\":\"Invalid Heartbeat ID\",\"heartbeat_id\":\"abc\"}"), id, NULL), PMM_OK);
  assert_string_equal(id, "abc");
}

static void test_pages(void **state) {
  (void)state;
  const pmm_json_node_t *data;
  char next[PMM_POLY_CURSOR_MAX];
  assert_int_equal(pmm_poly_read_page(parse("{\"data\":[{},{}],\"next_cursor\":\"MTAw\"}"), &data, next, NULL), PMM_OK);
  assert_string_equal(next, "MTAw");
  assert_int_equal(pmm_poly_read_page(parse("{\"data\":[],\"next_cursor\":\"LTE=\"}"), &data, next, NULL), PMM_OK);
  assert_string_equal(next, ""); /* the end is never sent back */
  assert_int_equal(pmm_poly_read_page(parse("[{}]"), &data, next, NULL), PMM_OK);
  assert_int_equal(pmm_poly_read_page(parse("{\"items\":[]}"), &data, next, NULL), PMM_PARSE);
  assert_int_equal(pmm_poly_read_page(parse("{\"data\":[],\"next_cursor\":\"a&b=c\"}"), &data, next, NULL), PMM_PARSE);
}

static void test_positions(void **state) {
  (void)state;
  pmm_poly_tokens_t *const tokens = pmm_poly_tokens_new(1);
  pmm_poly_position_t p;
  pmm_poly_tokens_add(tokens, YES, strlen(YES), 0, false);
  pmm_poly_tokens_add(tokens, NO, strlen(NO), 0, true);
  assert_int_equal(pmm_poly_read_position(parse("{\"asset\":\"" NO "\",\"size\":12.34567899,\"avgPrice\":0.5,\"mergeable\":true}"), tokens, &p, NULL), PMM_OK);
  assert_true(p.no && p.mergeable && !p.redeemable);
  assert_int_equal(p.qty_e6, 12345678);
  assert_int_equal(p.cost_e6, 6172839);
  assert_int_equal(pmm_poly_read_position(parse("{\"asset\":\"9\",\"size\":1}"), tokens, &p, NULL), PMM_OK);
  assert_int_equal(p.market, PMM_POLY_NONE);
  assert_int_equal(p.cost_e6, -1);
  assert_int_equal(pmm_poly_read_position(parse("{\"asset\":\"9\",\"size\":-1}"), tokens, &p, NULL), PMM_PARSE);
  pmm_poly_tokens_free(tokens);
}

/* -- answers -- */
static void test_answers(void **state) {
  static const struct { const char *text; pmm_poly_placed_t placed; pmm_reject_t reason; bool ambiguous; } rows[] = {
      {"{\"success\":true,\"errorMsg\":\"\",\"orderID\":\"" WORD "\",\"status\":\"live\",\"makingAmount\":\"\",\"takingAmount\":\"\"}", PMM_POLY_PLACED_LIVE, 0, false},
      {"{\"success\":true,\"errorMsg\":\"\",\"orderID\":\"" WORD "\",\"status\":\"matched\",\"makingAmount\":\"4.5\",\"takingAmount\":\"10\",\"tradeIDs\":[\"x\"]}", PMM_POLY_PLACED_MATCHED, 0, false},
      {"{\"success\":true,\"errorMsg\":\"\",\"orderID\":\"" WORD "\",\"status\":\"delayed\"}", PMM_POLY_PLACED_DELAYED, 0, false},
      {"{\"success\":true,\"errorMsg\":\"order 0x1 is invalid. Price (0.123) breaks minimum tick size rule: 0.01\",\"orderID\":\"\",\"status\":\"\"}", PMM_POLY_PLACED_REFUSED, PMM_REJECT_PRICE, false},
      {"{\"errorMsg\":\"order 0x1 is invalid. Size (1.08) lower than the minimum: 5\"}", PMM_POLY_PLACED_REFUSED, PMM_REJECT_SIZE, false},
      {"{\"error\":\"invalid post-only order: order crosses book\"}", PMM_POLY_PLACED_REFUSED, PMM_REJECT_POST_ONLY, false},
      {"{\"error\":\"not enough balance / allowance: the balance is not enough -> balance: 1, order amount: 2\"}", PMM_POLY_PLACED_REFUSED, PMM_REJECT_FUNDS, false},
      {"{\"error\":\"order 0x1 is invalid. Duplicated.\"}", PMM_POLY_PLACED_REFUSED, PMM_REJECT_DUPLICATE, false},
      {"{\"error\":\"order couldn't be fully filled. FOK orders are fully filled or killed.\"}", PMM_POLY_PLACED_REFUSED, PMM_REJECT_FOK, false},
      {"{\"error\":\"no orders found to match with FAK order. FAK orders are partially filled or killed if no match is found.\"}", PMM_POLY_PLACED_REFUSED, PMM_REJECT_IOC, false},
      {"{\"error\":\"invalid expiration\"}", PMM_POLY_PLACED_REFUSED, PMM_REJECT_EXPIRY, false},
      {"{\"error\":\"post-only mode: only post-only orders and cancels are allowed\"}", PMM_POLY_PLACED_REFUSED, PMM_REJECT_PHASE, false},
      {"{\"error\":\"Trading is currently cancel-only. New orders are not accepted, but cancels are allowed.\"}", PMM_POLY_PLACED_REFUSED, PMM_REJECT_PHASE, false},
      {"{\"error\":\"could not insert order\"}", PMM_POLY_PLACED_REFUSED, PMM_REJECT_CLOSED, true},
      {"{\"error\":\"something new\"}", PMM_POLY_PLACED_REFUSED, PMM_REJECT_CLOSED, false}};
  (void)state;
  for (size_t i = 0; i < COUNT_OF(rows); i++) {
    pmm_poly_answer_t a;
    pmm_error_t err = {0};
    if (pmm_poly_read_answer(parse(rows[i].text), &a, &err) != PMM_OK) fail_msg("%s: %s", err.text, rows[i].text);
    if (a.placed != rows[i].placed || a.reason != rows[i].reason || a.ambiguous != rows[i].ambiguous) fail_msg("%s: placed %d, reason %d", rows[i].text, a.placed, a.reason);
  }
  pmm_poly_answer_t a;
  assert_int_equal(pmm_poly_read_answer(parse("{\"success\":true,\"orderID\":\"0x1\",\"status\":\"live\"}"), &a, NULL), PMM_PARSE);
  assert_int_equal(pmm_poly_read_answer(parse("{\"success\":true,\"orderID\":\"" WORD "\",\"status\":\"flying\"}"), &a, NULL), PMM_PARSE);
}

static void test_refusals(void **state) {
  static const struct { int http; const char *body; pmm_reject_t reason; bool ambiguous, restarting, post_only, cancel_only; int32_t retry_s; } rows[] = {
      {400, "{\"error\":\"order_version_mismatch\"}", PMM_REJECT_PHASE, false, false, false, false, 0},
      {401, "{\"error\":\"Unauthorized/Invalid api key\"}", PMM_REJECT_CLOSED, false, false, false, false, 0},
      {425, "", PMM_REJECT_PHASE, false, true, false, false, 0},
      {429, "Too Many Requests", PMM_REJECT_RATE, false, false, false, false, 0},
      {500, "{\"error\":\"order timed out\"}", PMM_REJECT_CLOSED, true, false, false, false, 0},
      {500, "{\"error\":\"FOK orders are filled or killed\"}", PMM_REJECT_FOK, false, false, false, false, 0},
      {502, "<html>", PMM_REJECT_CLOSED, true, false, false, false, 0},
      {503, "{\"error\":\"post-only mode: only post-only orders and cancels are allowed\",\"code\":\"post_only_mode\",\"retry_after_seconds\":79}", PMM_REJECT_PHASE, false, false, true, false, 79},
      {503, "{\"error\":\"Trading is currently cancel-only. New orders are not accepted, but cancels are allowed.\"}", PMM_REJECT_PHASE, false, false, false, true, 0},
      {503, "upstream", PMM_REJECT_CLOSED, true, false, false, false, 0}};
  (void)state;
  for (size_t i = 0; i < COUNT_OF(rows); i++) {
    pmm_poly_answer_t a;
    int32_t retry_s;
    pmm_poly_read_refusal(rows[i].http, rows[i].body[0] == '{' ? parse(rows[i].body) : NULL, rows[i].body, strlen(rows[i].body), &a, &retry_s);
    if (a.reason != rows[i].reason || a.ambiguous != rows[i].ambiguous || a.restarting != rows[i].restarting || a.post_only != rows[i].post_only || a.cancel_only != rows[i].cancel_only ||
        retry_s != rows[i].retry_s)
      fail_msg("%d %s: reason %d, ambiguous %d, retry %d", rows[i].http, rows[i].body, a.reason, a.ambiguous, retry_s);
  }
}

static void count_cancel(void *ctx, const pmm_poly_word_t *id, pmm_poly_cancelled_t what) { ((int *)ctx)[what] += id->b[0]; }

static void test_cancels(void **state) {
  (void)state;
  int got[2] = {0, 0};
  assert_int_equal(pmm_poly_read_cancels(parse("{\"canceled\":[\"" WORD "\"],\"not_canceled\":{\"" WORD2 "\":\"Order not found\"}}"), count_cancel, got, NULL), PMM_OK);
  assert_int_equal(got[PMM_POLY_CANCEL_DONE], 0x11);
  assert_int_equal(got[PMM_POLY_CANCEL_NOT], 0x22);
  assert_int_equal(pmm_poly_read_cancels(parse("{\"canceled\":[\"" WORD "\"],\"not_canceled\":{\"x\":\"y\"}}"), count_cancel, got, NULL), PMM_PARSE);
  assert_int_equal(got[PMM_POLY_CANCEL_DONE], 0x11); /* nothing was called */
  assert_int_equal(pmm_poly_read_cancels(parse("{\"error\":\"x\"}"), count_cancel, got, NULL), PMM_PARSE);
}

/* -- bodies: the vectors' own, whole -- */
static void test_bodies(void **state) {
  (void)state;
  json_error_t jerr;
  json_t *const vectors = json_load_file("tests/vectors/polymarket_vectors.json", 0, &jerr), *v;
  size_t i;
  assert_non_null(vectors);
  json_array_foreach(json_object_get(vectors, "orders"), i, v) {
    static const struct { const char *text; pmm_tif_t tif; } types[] = {{"GTC", PMM_GTC}, {"GTD", PMM_GTD}, {"FAK", PMM_IOC}, {"FOK", PMM_FOK}};
    const char *const want = json_string_value(json_object_get(v, "post_body")), *const inner = strstr(want, "\"order\":") + 8, *const end = strstr(inner, "},\"owner\"") + 1;
    pmm_poly_post_t post = {inner, (size_t)(end - inner), PMM_GTC, strstr(want, "\"postOnly\":true") != NULL, strstr(want, "\"deferExec\":true") != NULL};
    char got[8192];
    for (size_t t = 0; t < COUNT_OF(types); t++)
      if (strstr(strstr(want, "orderType"), types[t].text)) post.tif = types[t].tif;
    assert_int_equal(pmm_poly_body_order(&post, "11111111-2222-3333-4444-555555555555", got, sizeof got), strlen(want));
    assert_string_equal(got, want);
    char two[8192];
    assert_int_equal(pmm_poly_body_orders((pmm_poly_post_t[]){post, post}, 2, "11111111-2222-3333-4444-555555555555", two, sizeof two), 2 * strlen(want) + 3);
    assert_int_equal(pmm_poly_body_order(&post, "x", got, 100), 0); /* does not fit */
  }
  json_decref(vectors);
  pmm_poly_word_t id[2];
  char buf[1024];
  assert_int_equal(pmm_poly_word_parse(WORD, 66, &id[0]), PMM_OK);
  assert_int_equal(pmm_poly_word_parse(WORD2, 66, &id[1]), PMM_OK);
  pmm_poly_body_cancel(id, buf, sizeof buf);
  assert_string_equal(buf, "{\"orderID\":\"" WORD "\"}");
  pmm_poly_body_cancels(id, 2, buf, sizeof buf);
  assert_string_equal(buf, "[\"" WORD "\",\"" WORD2 "\"]");
  pmm_poly_body_cancel_market("0xaa", buf, sizeof buf);
  assert_string_equal(buf, "{\"market\":\"0xaa\"}");
  pmm_poly_body_heartbeat("", buf, sizeof buf);
  assert_string_equal(buf, "{\"heartbeat_id\":\"\"}");
  pmm_poly_body_subscribe_market((const char *const[]){"1", "2"}, 2, buf, sizeof buf);
  assert_string_equal(buf, "{\"assets_ids\":[\"1\",\"2\"],\"type\":\"market\",\"custom_feature_enabled\":true}");
  pmm_poly_body_subscribe_user(&(pmm_poly_credentials_t){"k", "s", "p"}, NULL, 0, buf, sizeof buf);
  assert_string_equal(buf, "{\"auth\":{\"apiKey\":\"k\",\"secret\":\"s\",\"passphrase\":\"p\"},\"type\":\"user\",\"markets\":[]}");
}

/* -- prepared orders -- */
static pmm_poly_signer_t *signer;

static pmm_poly_prepared_t *store_of(uint32_t order_max) {
  static const uint8_t seed[32] = {9};
  pmm_poly_prepared_t *store;
  pmm_error_t err = {0};
  if (!signer) assert_int_equal(pmm_poly_signer_new("ac0974bec39a17e36ba4a6b4d238ff944bacb478cbed5efcae784d7bf4f2ff80", 64, seed, &signer, &err), PMM_OK);
  pmm_poly_wallet_terms_t const terms = {.signer = signer, .version = 2, .chain_id = 137, .maker = *pmm_poly_signer_address(signer), .order_signer = *pmm_poly_signer_address(signer)};
  assert_int_equal(pmm_poly_prepared_new(&store, &terms, 2, order_max, 60 * PMM_NS_PER_S, &err), PMM_OK);
  if (pmm_poly_prepared_market(store, 0, YES, NO, false, 100, &err) != PMM_OK) fail_msg("%s", err.text);
  return store;
}

/* An order says what was wanted, and its signature is ours. */
static void check_ready(const pmm_poly_ready_t *r, const pmm_poly_want_t *want) {
  char no[PMM_POLY_DEC_WORD];
  pmm_poly_word_t id;
  pmm_poly_domain_t domain;
  bool const is_no = want->route == PMM_BUY_NO || want->route == PMM_SELL_NO;
  int32_t const price = is_no ? PMM_ONE_E4 - want->price_e4 : want->price_e4;
  pmm_poly_word_to_decimal(&r->order.token, no);
  assert_string_equal(no, is_no ? NO : YES);
  assert_int_equal(r->order.side, pmm_route_is_sell((pmm_route_t)want->route) ? PMM_POLY_SELL : PMM_POLY_BUY);
  uint64_t const money = (uint64_t)pmm_notional_floor(price, want->qty_e6);
  assert_int_equal(r->order.side == PMM_POLY_BUY ? r->order.maker_e6 : r->order.taker_e6, money);
  assert_int_equal(r->order.side == PMM_POLY_BUY ? r->order.taker_e6 : r->order.maker_e6, want->qty_e6);
  assert_int_equal(pmm_poly_domain(2, false, 137, &domain), PMM_OK);
  pmm_poly_order_id(&domain, &r->order, &id);
  assert_true(pmm_poly_word_eq(&id, &r->id));
  assert_int_equal(strlen(r->json), r->json_len);
}

/* Requests of prepared orders are signed for the second in which they may be sent, from its middle on for the next as well; the next order of a place has
   its own. */
static void seal_it(void *ctx, const pmm_poly_ready_t *order, int64_t at_s, char hmac[PMM_POLY_HMAC_TEXT]) {
  (*(int *)ctx)++;
  snprintf(hmac, PMM_POLY_HMAC_TEXT, "%02x %lld", order->id.b[0], (long long)at_s);
}
static void check_seal(const pmm_poly_ready_t *r, int64_t at_s) {
  char want[PMM_POLY_HMAC_TEXT];
  snprintf(want, sizeof want, "%02x %lld", r->id.b[0], (long long)at_s);
  assert_non_null(pmm_poly_seal_at(&r->seal, at_s));
  assert_string_equal(pmm_poly_seal_at(&r->seal, at_s), want);
}
static void test_sealed(void **state) {
  (void)state;
  pmm_poly_prepared_t *const store = store_of(64);
  int64_t now = 1000 * PMM_NS_PER_S;
  uint64_t salt = 1;
  int cnt = 0;
  pmm_poly_prepared_on_seal(store, seal_it, &cnt);
  for (int32_t k = 0; k < 20; k++) pmm_poly_prepared_want(store, &(pmm_poly_want_t){0, PMM_BUY_YES, 3000 + 100 * k, 10 * PMM_ONE_E6}, now);
  while (pmm_poly_prepared_refill(store, salt++, now)) {}
  assert_int_equal(cnt, 60); /* three of each */
  pmm_poly_want_t const want = {0, PMM_BUY_YES, 4000, 10 * PMM_ONE_E6};
  const pmm_poly_ready_t *r = pmm_poly_prepared_take(store, &want, now);
  assert_non_null(r);
  check_seal(r, 1000);
  while (pmm_poly_prepared_refill(store, salt++, now)) {}
  assert_int_equal(cnt, 61);
  now += PMM_NS_PER_S;
  while (pmm_poly_prepared_refill(store, salt++, now)) {}
  assert_int_equal(cnt, 121); /* all, for the new second */
  r = pmm_poly_prepared_take(store, &want, now);
  assert_non_null(r);
  check_seal(r, 1001);
  assert_int_equal(pmm_poly_prepared_stats(store)->sealed, 2);
  now += PMM_NS_PER_S / 2;
  while (pmm_poly_prepared_refill(store, salt++, now)) {}
  assert_int_equal(cnt, 182); /* the new one for both seconds, the others for the next */
  now += PMM_NS_PER_S / 2;
  r = pmm_poly_prepared_take(store, &want, now); /* when the second changes, nothing has been signed since */
  assert_non_null(r);
  check_seal(r, 1002);
  assert_int_equal(pmm_poly_prepared_stats(store)->sealed, 3);
  pmm_poly_prepared_on_seal(store, seal_it, &cnt); /* another key */
  r = pmm_poly_prepared_take(store, &(pmm_poly_want_t){0, PMM_BUY_YES, 3000, 10 * PMM_ONE_E6}, now);
  assert_non_null(r);
  assert_null(pmm_poly_seal_at(&r->seal, 1002));
  now += 11 * PMM_NS_PER_S; /* not asked for lately: not worth it, but for the two taken a second later */
  while (pmm_poly_prepared_refill(store, salt++, now)) {}
  assert_int_equal(pmm_poly_prepared_stats(store)->sealed, 3);
  assert_true(cnt < 182 + 16);
  pmm_poly_prepared_free(store);
}

static void test_prepared(void **state) {
  (void)state;
  pmm_poly_prepared_t *const store = store_of(64);
  int64_t now = 1000 * PMM_NS_PER_S;
  uint64_t salt = 1;
  static const uint8_t routes[] = {PMM_BUY_YES, PMM_SELL_NO, PMM_SELL_YES, PMM_BUY_NO};
  for (size_t i = 0; i < 4; i++) {
    pmm_poly_want_t const want = {0, routes[i], 4300, 10 * PMM_ONE_E6};
    assert_null(pmm_poly_prepared_take(store, &want, now));
    pmm_poly_prepared_want(store, &want, now);
    assert_null(pmm_poly_prepared_take(store, &want, now)); /* wanted is not signed */
    pmm_poly_word_t id[3];
    for (int k = 0; k < 3; k++) assert_true(pmm_poly_prepared_refill(store, salt++, now));
    assert_false(pmm_poly_prepared_refill(store, salt++, now)); /* three of a kind are enough */
    for (int k = 0; k < 3; k++) {
      const pmm_poly_ready_t *const ready = pmm_poly_prepared_take(store, &want, now);
      assert_non_null(ready);
      check_ready(ready, &want);
      id[k] = ready->id;
      for (int j = 0; j < k; j++) assert_false(pmm_poly_word_eq(&id[j], &id[k])); /* another salt, another order */
    }
    assert_null(pmm_poly_prepared_take(store, &want, now)); /* each once only */
    while (pmm_poly_prepared_refill(store, salt++, now)) {}
    assert_non_null(pmm_poly_prepared_take(store, &want, now + 59 * PMM_NS_PER_S));
    while (pmm_poly_prepared_refill(store, salt++, now)) {}
    assert_null(pmm_poly_prepared_take(store, &want, now + 61 * PMM_NS_PER_S)); /* too old */
  }
  pmm_poly_want_t const off = {0, PMM_BUY_YES, 4350, 10 * PMM_ONE_E6}; /* between the steps */
  pmm_poly_prepared_want(store, &off, now);
  while (pmm_poly_prepared_refill(store, salt++, now)) {}
  assert_null(pmm_poly_prepared_take(store, &off, now));
  pmm_error_t err;
  assert_int_equal(pmm_poly_prepared_market(store, 0, YES, NO, false, 10, &err), PMM_OK); /* a new tick: what was ready goes */
  assert_null(pmm_poly_prepared_take(store, &(pmm_poly_want_t){0, PMM_BUY_NO, 4300, 10 * PMM_ONE_E6}, now));
  assert_int_equal(pmm_poly_prepared_market(store, 2, YES, NO, false, 10, &err), PMM_INVAL);
  assert_int_equal(pmm_poly_prepared_market(store, 0, "x", NO, false, 10, &err), PMM_INVAL);
  assert_int_equal(pmm_poly_prepared_market(store, 0, YES, NO, false, 30, &err), PMM_INVAL);
  pmm_poly_prepared_free(store);
}

static void test_prepared_many(void **state) { /* more wants than places: those taken are right, no salt comes twice */
  (void)state;
  pmm_poly_prepared_t *const store = store_of(16);
  pmm_rng_t rng;
  pmm_rng_seed(&rng, 4);
  static uint64_t salts[4096];
  size_t taken = 0;
  for (int i = 0; i < 1500; i++) {
    pmm_poly_want_t const want = {0, (uint8_t)pmm_rng_below(&rng, 4), (int32_t)(40 + pmm_rng_below(&rng, 4)) * 100, (int64_t)(5 + pmm_rng_below(&rng, 2)) * PMM_ONE_E6};
    int64_t const now = (int64_t)(i + 1) * PMM_NS_PER_S;
    pmm_poly_prepared_want(store, &want, now);
    if (pmm_rng_below(&rng, 2)) (void)pmm_poly_prepared_refill(store, pmm_rng_u64(&rng), now);
    const pmm_poly_ready_t *const ready = pmm_poly_prepared_take(store, &want, now);
    if (!ready) continue;
    check_ready(ready, &want);
    assert_true(now / PMM_NS_PER_MS - (int64_t)ready->order.timestamp_ms < 60000);
    for (size_t k = 0; k < taken; k++) assert_int_not_equal(salts[k], ready->order.salt);
    salts[taken++] = ready->order.salt;
  }
  assert_true(taken > 50);
  assert_int_equal(pmm_poly_prepared_stats(store)->hits, taken);
  pmm_poly_prepared_free(store);
  pmm_poly_prepared_t *const none = store_of(0);
  pmm_poly_want_t const want = {0, PMM_BUY_YES, 4300, 10 * PMM_ONE_E6};
  pmm_poly_prepared_want(none, &want, 1);
  assert_false(pmm_poly_prepared_refill(none, 1, 1));
  assert_null(pmm_poly_prepared_take(none, &want, 1));
  pmm_poly_ready_t made;
  assert_int_equal(pmm_poly_order_make(none, &want, 1900000000, 7, 5 * PMM_NS_PER_S, &made), PMM_OK);
  check_ready(&made, &want);
  assert_int_equal(made.order.expiration_s, 1900000000);
  assert_int_equal(made.order.timestamp_ms, 5000);
  assert_int_equal(pmm_poly_order_make(none, &(pmm_poly_want_t){0, PMM_BUY_YES, 4300, 0}, 0, 7, 1, &made), PMM_INVAL);
  assert_int_equal(pmm_poly_order_make(none, &(pmm_poly_want_t){1, PMM_BUY_YES, 4300, PMM_ONE_E6}, 0, 7, 1, &made), PMM_INVAL); /* a market without terms */
  assert_int_equal(pmm_poly_order_make_taker(none, &(pmm_poly_want_t){0, PMM_BUY_YES, 5700, INT64_C(175440000)}, 7, 1, &made), PMM_OK);
  assert_int_equal(made.order.maker_e6, 100000000); /* whole cents of collateral */
  assert_int_equal(made.order.taker_e6 % 100, 0);   /* four decimals of shares */
  pmm_poly_prepared_free(none);
  pmm_poly_signer_free(signer);
}

int main(void) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(test_market), cmocka_unit_test(test_compact), cmocka_unit_test(test_gamma), cmocka_unit_test(test_bad_markets), cmocka_unit_test(test_values),
                                     cmocka_unit_test(test_pages), cmocka_unit_test(test_positions), cmocka_unit_test(test_answers), cmocka_unit_test(test_refusals), cmocka_unit_test(test_cancels),
                                     cmocka_unit_test(test_bodies), cmocka_unit_test(test_prepared), cmocka_unit_test(test_sealed), cmocka_unit_test(test_prepared_many)};
  return cmocka_run_group_tests_name("polymarket rest", tests, open_json, close_json);
}
