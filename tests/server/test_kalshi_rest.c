/* Kalshi's dialect, request by request: who may, what is refused and how, and what each call does to the books of the place.
   Values from tests/vectors/kalshi_vectors.json and the Kalshi API docs (2026-11). */
#include "kalshi_rig.h"

#define ORDERS "/portfolio/events/orders"

static json_t *vectors(void) {
  char path[512];
  json_error_t err;
  snprintf(path, sizeof path, "%s/tests/vectors/kalshi_vectors.json", getenv("PMM_SRC") ? getenv("PMM_SRC") : ".");
  json_t *const j = json_load_file(path, 0, &err);
  if (!j) fail_msg("%s: %s", path, err.text);
  return j;
}

/* -- credentials -- */

static void test_auth(void **state) {
  (void)state;
  static const char balance[] = "/trade-api/v2/portfolio/balance";
  rig_t r;
  rig_open(&r);
  char stale[24], other[PMM_KALSHI_SIGNATURE_BUF], old[PMM_KALSHI_SIGNATURE_BUF], ahead[24], fresh[24];
  snprintf(fresh, sizeof fresh, "%" PRId64, RIG_NOW / PMM_NS_PER_MS);
  snprintf(stale, sizeof stale, "%" PRId64, RIG_NOW / PMM_NS_PER_MS - 10001);
  snprintf(ahead, sizeof ahead, "%" PRId64, RIG_NOW / PMM_NS_PER_MS + 9999);
  assert_int_equal(pmm_kalshi_sign(r.key[0], fresh, "POST", balance, other), PMM_OK);
  assert_int_equal(pmm_kalshi_sign(r.key[0], stale, "GET", balance, old), PMM_OK);
  const struct { const char *why; rig_call_t call; int http; const char *code, *details; } rows[] = {
      {"Ed25519", {.who = 0}, 200, NULL, NULL},
      {"RSA-PSS", {.who = 1}, 200, NULL, NULL},
      {"no credentials", {.who = -1}, 401, "token_authentication_failure", NULL},
      {"no signature", {.who = -1, .name = {"KALSHI-ACCESS-KEY"}, .value = {"key-alice"}}, 401, "signature_is_missing_from_headers", NULL},
      {"unknown key", {.who = 0, .name = {"KALSHI-ACCESS-KEY"}, .value = {"key-carol"}}, 401, "authentication_error", "NOT_FOUND"},
      {"somebody else's key",
       {.who = 0, .name = {"KALSHI-ACCESS-KEY"}, .value = {"key-bob"}},
       401,
       "authentication_error",
       "INCORRECT_API_KEY_SIGNATURE"},
      {"another method",
       {.who = 0, .name = {"KALSHI-ACCESS-SIGNATURE"}, .value = {other}},
       401,
       "authentication_error",
       "INCORRECT_API_KEY_SIGNATURE"},
      {"no base64", {.who = 0, .name = {"KALSHI-ACCESS-SIGNATURE"}, .value = {"%%%"}}, 401, "authentication_error", "INCORRECT_API_KEY_SIGNATURE"},
      {"another time", {.who = 0, .name = {"KALSHI-ACCESS-TIMESTAMP"}, .value = {ahead}}, 401, "authentication_error", "INCORRECT_API_KEY_SIGNATURE"},
      {"too old",
       {.who = 0, .name = {"KALSHI-ACCESS-TIMESTAMP", "KALSHI-ACCESS-SIGNATURE"}, .value = {stale, old}},
       401,
       "header_timestamp_expired",
       NULL},
  };
  for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
    rig_call_t c = rows[i].call;
    c.method = "GET", c.path = balance, c.query = "subaccount=0"; /* the query is not signed */
    int const http = rig_http(&r, &c);
    if (http != rows[i].http) fail_msg("%s: %d %s", rows[i].why, http, r.body);
    if (rows[i].code) rig_expect(&r, "error.code", rows[i].code);
    if (rows[i].details) rig_expect(&r, "error.details", rows[i].details);
  }
  rig_shut(&r);
}

/* Every body of a refusal that the vectors hold. */
static void test_error_bodies(void **state) {
  (void)state;
  json_t *const v = vectors();
  rig_t r;
  rig_open(&r);
  const json_t *const cases = rig_at(v, "errors.cases");
  size_t seen = 0;
  struct { const char *method, *path, *body; int who; int http; } calls[] = {
      {"GET", "/portfolio/orders/00000000-0000-4000-8000-000000000000", NULL, 0, 404},
      {"POST", ORDERS,
       "{\"ticker\":\"" RIG_A "\",\"side\":\"bid\",\"count\":\"1.00\",\"price\":\"0.5150\",\"time_in_force\":\"good_till_canceled\",\"self_trade_"
                              "prevention_type\":\"maker\"}",
       0, 400},
      {"POST", ORDERS,
       "{\"ticker\":\"" RIG_A "\",\"side\":\"bid\",\"count\":\"1000000.00\",\"price\":\"0.5100\",\"time_in_force\":\"good_till_canceled\",\"self_"
                              "trade_prevention_type\":\"maker\"}",
       0, 400},
      {"POST", ORDERS, "{\"ticker\":\"" RIG_A "\",\"side\":\"bid\",\"count\":10,\"price\":\"0.5100\"}", 0, 400},
      {"GET", "/markets?limit=1001", NULL, -1, 400},
  };
  for (size_t i = 0; i < sizeof calls / sizeof calls[0]; i++) {
    char path[256], *query;
    snprintf(path, sizeof path, "%s", calls[i].path);
    if ((query = strchr(path, '?'))) *query++ = 0;
    assert_int_equal(rig_do(&r, calls[i].who, calls[i].method, path, query, calls[i].body), calls[i].http);
    json_t *const got = rig_json(&r);
    bool found = false;
    size_t n;
    json_t *row;
    json_array_foreach(cases, n, row) found =
        found || (json_integer_value(json_object_get(row, "http")) == calls[i].http && json_equal(json_object_get(row, "body"), got));
    if (!found) fail_msg("not a body of the venue's: %s", r.body);
    seen += found;
    json_decref(got);
  }
  assert_int_equal(seen, sizeof calls / sizeof calls[0]);
  json_decref(v);
  rig_shut(&r);
}

static void test_requests(void **state) {
  (void)state;
  static const struct { const char *why, *method, *path, *query, *body; int who, http; const char *at, *want; } rows[] = {
      {"public without keys", "GET", "/exchange/status", NULL, NULL, -1, 200, "trading_active", "true"},
      {"public with keys", "GET", "/exchange/status", NULL, NULL, 0, 200, "exchange_index_statuses.0.exchange_index", "0"},
      {"schedule", "GET", "/exchange/schedule", NULL, NULL, -1, 200, "schedule.standard_hours.0.sunday.0.open_time", "00:00"},
      {"a path there is not", "GET", "/nothing", NULL, NULL, -1, 404, "error.code", "not_found"},
      {"a method there is not", "PATCH", "/markets", NULL, NULL, -1, 405, "error.code", "method_not_allowed"},
      {"private without keys", "GET", "/portfolio/orders", NULL, NULL, -1, 401, "error.code", "token_authentication_failure"},
      {"V1 create", "POST", "/portfolio/orders", NULL, "{}", 0, 410, "error.code", "deprecated_v1_order_endpoint"},
      {"V1 cancel", "DELETE", "/portfolio/orders/abc", NULL, NULL, 0, 410, "error.code", "deprecated_v1_order_endpoint"},
      {"V1 batch", "DELETE", "/portfolio/orders/batched", NULL, "{}", 0, 410, "error.code", "deprecated_v1_order_endpoint"},
      {"V1 amend", "POST", "/portfolio/orders/abc/amend", NULL, "{}", 0, 410, "error.code", "deprecated_v1_order_endpoint"},
      {"no JSON", "POST", ORDERS, NULL, "{", 0, 400, "code", "bad_request"},
      {"an array", "POST", ORDERS, NULL, "[]", 0, 400, "code", "bad_request"},
      {"nothing", "POST", ORDERS, NULL, "{}", 0, 400, "details",
       "Key: 'CreateOrderV2Request.Ticker' Error:Field validation for 'Ticker' failed on the 'required' tag"},
      {"limit no number", "GET", "/markets", "limit=ten", NULL, -1, 400, "msg",
       "Invalid format for parameter limit: error binding string parameter: strconv.ParseInt: parsing ten: invalid syntax"},
      {"nonsense cursor is the first page", "GET", "/markets", "cursor=nonsense&limit=1", NULL, -1, 200, "markets.0.ticker", RIG_A},
      {"a filter's word", "GET", "/markets", "status=active", NULL, -1, 400, "markets", "(absent)"},
      {"open markets", "GET", "/markets", "status=open", NULL, -1, 200, "markets.1.ticker", RIG_B},
      {"one market", "GET", "/markets/" RIG_A, NULL, NULL, -1, 200, "market.status", "active"},
      {"a percent in the path", "GET", "/markets/KXT%2D26NOV20-A", NULL, NULL, -1, 200, "market.ticker", RIG_A},
      {"a bad escape", "GET", "/markets/KXT%2", NULL, NULL, -1, 404, "error.code", "not_found"},
      {"its ranges", "GET", "/markets/" RIG_A, NULL, NULL, -1, 200, "market.price_ranges.0",
       "{\"start\":\"0.0000\",\"end\":\"1.0000\",\"step\":\"0.0100\"}"},
      {"its empty sides", "GET", "/markets/" RIG_A, NULL, NULL, -1, 200, "market.yes_ask_dollars", "1.0000"},
      {"a market there is not", "GET", "/markets/KXT", NULL, NULL, -1, 404, "error.code", "not_found"},
      {"some markets", "GET", "/markets", "tickers=" RIG_B "%2CKXT", NULL, -1, 200, "markets.0.ticker", RIG_B},
      {"an empty book", "GET", "/markets/" RIG_A "/orderbook", "depth=0", NULL, -1, 200, "orderbook_fp", "{\"yes_dollars\":[],\"no_dollars\":[]}"},
      {"too deep", "GET", "/markets/" RIG_A "/orderbook", "depth=101", NULL, -1, 400, "orderbook_fp", "(absent)"},
      {"books", "GET", "/markets/orderbooks", "tickers=" RIG_B "&tickers=" RIG_A, NULL, -1, 200, "orderbooks.1.ticker", RIG_A},
      {"events", "GET", "/events", "with_nested_markets=true", NULL, -1, 200, "events.0.markets.1.ticker", RIG_B},
      {"an event", "GET", "/events/KXT-26NOV20", NULL, NULL, -1, 200, "event.series_ticker", "KXT"},
      {"series", "GET", "/series/KXT", NULL, NULL, -1, 200, "series.fee_type", "quadratic"},
      {"its multiplier", "GET", "/series/KXT", NULL, NULL, -1, 200, "series.fee_multiplier", "1"},
      {"candles need times", "GET", "/series/KXT/markets/" RIG_A "/candlesticks", NULL, NULL, -1, 400, "msg",
       "Query argument start_ts is required, but not found"},
      {"costs", "GET", "/account/endpoint_costs", NULL, NULL, -1, 200, "default_cost", "10"},
      {"limits", "GET", "/account/limits", NULL, NULL, 0, 200, "write", "{\"refill_rate\":100,\"bucket_capacity\":100}"},
      {"no settlements yet", "GET", "/portfolio/settlements", NULL, NULL, 0, 200, "settlements", "[]"},
      {"balance", "GET", "/portfolio/balance", NULL, NULL, 0, 200, "balance_dollars", "10000.0000"},
      {"balance in cents", "GET", "/portfolio/balance", NULL, NULL, 0, 200, "balance", "1000000"},
      {"a shard there is not", "GET", "/portfolio/orders", "exchange_index=3", NULL, 0, 400, "orders", "(absent)"},
      {"cutoff", "GET", "/historical/cutoff", NULL, NULL, -1, 200, "market_settled_ts", "2026-09-21T14:13:20Z"},
  };
  rig_t r;
  rig_open(&r);
  for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
    int const http = rig_do(&r, rows[i].who, rows[i].method, rows[i].path, rows[i].query, rows[i].body);
    if (http != rows[i].http) fail_msg("%s: %d %s", rows[i].why, http, r.body);
    rig_expect(&r, rows[i].at, rows[i].want);
  }
  assert_int_equal(rig_http(&r, &(rig_call_t){.method = "POST", .path = "/trade-api/v2" ORDERS, .body = "{}", .who = 0, .no_type = true}), 400);
  rig_expect(&r, "code", "invalid_content_type");
  rig_shut(&r);
}

/* -- orders: the vectors' cases -- */

static void place_book(rig_t *r, const json_t *book) {
  size_t i;
  json_t *row;
  json_array_foreach(book, i, row) {
    const char *const name = json_string_value(json_array_get(row, 0));
    char more[96];
    snprintf(more, sizeof more, ",\"client_order_id\":\"%s\"", name);
    int const who = strncmp(name, "own", 3) == 0 ? 0 : 1;
    assert_int_equal(rig_order(r, who, RIG_A, json_string_value(json_array_get(row, 1)), json_string_value(json_array_get(row, 2)),
                               json_string_value(json_array_get(row, 3)), more),
                     201);
  }
}

static void check_vector(rig_t *r, const json_t *row) {
  const json_t *const request = json_object_get(row, "request"), *const response = json_object_get(row, "response"),
                      *const after = json_object_get(row, "book_after");
  json_t *const body = json_deep_copy(request);
  json_object_set_new(body, "ticker", json_string(RIG_A));
  if (!json_object_get(body, "self_trade_prevention_type")) json_object_set_new(body, "self_trade_prevention_type", json_string("taker_at_cross"));
  char *const text = json_dumps(body, 0);
  int const http = rig_do(r, 0, "POST", ORDERS, NULL, text);
  if (http != json_integer_value(json_object_get(row, "http"))) fail_msg("%s: %d %s", json_string_value(json_object_get(row, "why")), http, r->body);
  const char *key;
  json_t *want;
  json_object_foreach((json_t *)(uintptr_t)response, key, want) rig_expect(r, key, json_string_value(want));
  if (json_object_get(row, "error_code")) rig_expect(r, "error.code", json_string_value(json_object_get(row, "error_code")));
  if (json_object_get(row, "error_details")) rig_expect(r, "error.details", json_string_value(json_object_get(row, "error_details")));
  if (after) {
    assert_int_equal(rig_get(r, -1, "/markets/" RIG_A "/orderbook", NULL), 200);
    json_t *const got = rig_json(r);
    if (!json_equal(json_object_get(got, "orderbook_fp"), after)) fail_msg("%s: book %s", json_string_value(json_object_get(row, "why")), r->body);
    json_decref(got);
  }
  free(text);
  json_decref(body);
}

static void test_vector_orders(void **state) {
  (void)state;
  json_t *const v = vectors();
  const json_t *const cases = rig_at(v, "orders.cases");
  size_t i, ran = 0;
  json_t *row;
  json_array_foreach(cases, i, row) {
    if (!json_object_get(row, "request")) continue; /* told in words: the tests below */
    rig_t r;
    rig_open(&r);
    place_book(&r, json_object_get(row, "book"));
    check_vector(&r, row);
    rig_shut(&r);
    ran++;
  }
  assert_int_equal(ran, 8);
  json_decref(v);
}

/* Fees of the vectors, as the ledger takes them: one trade each, of a taker. */
static void test_vector_fees(void **state) {
  (void)state;
  json_t *const v = vectors();
  const json_t *const cases = rig_at(v, "fees.cases");
  size_t i, ran = 0;
  json_t *row;
  json_array_foreach(cases, i, row) {
    const char *const role = json_string_value(json_object_get(row, "role")), *const multiplier =
                                                                                  json_string_value(json_object_get(row, "fee_multiplier"));
    int64_t fee_e6 = -1;
    const char *const want = json_string_value(rig_at(row, "direct_1e-4.fee_before_rebate")), *const price = json_string_value(
                                                                                                  json_object_get(row, "yes_price"));
    size_t const price_len = strlen(price);
    if (strcmp(role, "taker") != 0 || strcmp(multiplier, "1") != 0 || (price_len > 4 && strspn(price + 4, "0") != price_len - 4)) continue;
    rig_t r;
    rig_open(&r);
    const char *const side = json_string_value(json_object_get(row, "side")), *const count = json_string_value(json_object_get(row, "count"));
    assert_int_equal(rig_order(&r, 1, RIG_A, strcmp(side, "bid") == 0 ? "ask" : "bid", count, price, NULL), 201);
    assert_int_equal(rig_order(&r, 0, RIG_A, side, count, price, NULL), 201);
    assert_int_equal(rig_get(&r, 0, "/portfolio/fills", NULL), 200);
    rig_expect(&r, "fills.0.fee_cost", want);
    rig_expect(&r, "fills.0.is_taker", "true");
    pmm_place_holding_t h;
    pmm_place_holding(r.place, r.account[0], r.market[0], &h);
    fee_e6 = h.fees_e6;
    assert_true(fee_e6 >= 0);
    rig_shut(&r);
    ran++;
  }
  assert_true(ran >= 5);
  json_decref(v);
}

static void test_vector_positions(void **state) {
  (void)state;
  json_t *const v = vectors();
  const json_t *const cases = rig_at(v, "positions.cases");
  pmm_listing_params_t free_of_fees = rig_listing;
  free_of_fees.fees = 1;
  size_t i;
  json_t *row;
  json_array_foreach(cases, i, row) {
    rig_t r;
    rig_open_with(&r, &(pmm_serve_params_t){0}, &free_of_fees);
    size_t n;
    json_t *fill;
    json_array_foreach(json_object_get(row, "fills"), n, fill) {
      const char *const side = json_string_value(json_array_get(fill, 0)), *const count = json_string_value(json_array_get(fill, 1)),
                        *const price = json_string_value(json_array_get(fill, 2));
      assert_int_equal(rig_order(&r, 1, RIG_A, strcmp(side, "bid") == 0 ? "ask" : "bid", count, price, NULL), 201);
      assert_int_equal(rig_order(&r, 0, RIG_A, side, count, price, NULL), 201);
    }
    assert_int_equal(rig_get(&r, 0, "/portfolio/positions", NULL), 200);
    rig_expect(&r, "market_positions.0.position_fp", json_string_value(json_object_get(row, "position_fp")));
    rig_expect(&r, "market_positions.0.realized_pnl_dollars", json_string_value(json_object_get(row, "realized_pnl")));
    rig_expect(&r, "market_positions.0.market_exposure_dollars", json_string_value(json_object_get(row, "market_exposure")));
    rig_expect(&r, "event_positions.0.event_ticker", "KXT-26NOV20");
    rig_shut(&r);
  }
  json_decref(v);
}

static void test_vector_settlement(void **state) {
  (void)state;
  json_t *const v = vectors();
  const json_t *const cases = rig_at(v, "settlement.cases");
  size_t i, ran = 0;
  json_t *row;
  json_array_foreach(cases, i, row) {
    const char *const position = json_string_value(json_object_get(row, "position_fp")), *const result =
                                                                                             json_string_value(json_object_get(row, "result"));
    bool const is_short = position[0] == '-';
    if (strcmp(position, "0.00") == 0) continue;
    pmm_listing_params_t free_of_fees = rig_listing;
    free_of_fees.fees = 1;
    rig_t r;
    rig_open_with(&r, &(pmm_serve_params_t){0}, &free_of_fees);
    assert_int_equal(rig_order(&r, 1, RIG_A, is_short ? "bid" : "ask", position + is_short, "0.50", NULL), 201);
    assert_int_equal(rig_order(&r, 0, RIG_A, is_short ? "ask" : "bid", position + is_short, "0.50", NULL), 201);
    int64_t const before = pmm_place_cash(r.place, r.account[0], NULL);
    double const value = atof(json_string_value(json_object_get(row, "settlement_value_dollars"))),
                 paid = atof(json_string_value(json_object_get(row, "payout_dollars")));
    pmm_outcome_t const outcome = strcmp(result, "yes") == 0 ? PMM_OUTCOME_YES : strcmp(result, "no") == 0 ? PMM_OUTCOME_NO : PMM_OUTCOME_VOID;
    rig_pass(&r, rig_listing.duration_ns);
    assert_int_equal(pmm_place_life(r.place, r.market[0], r.now_ns, PMM_LIFE_RESOLVED, outcome, (int64_t)(value * 1e6 + 0.5)), PMM_OK);
    assert_int_equal(pmm_place_cash(r.place, r.account[0], NULL) - before, (int64_t)(paid * 1e6 + 0.5));
    assert_int_equal(rig_get(&r, 0, "/portfolio/settlements", NULL), 200);
    rig_expect(&r, "settlements.0.market_result", result);
    rig_expect(&r, is_short ? "settlements.0.no_count_fp" : "settlements.0.yes_count_fp", position + is_short);
    char cents[32];
    snprintf(cents, sizeof cents, "%d", (int)(paid * 100 + 1e-6));
    rig_expect(&r, "settlements.0.revenue", cents);
    assert_int_equal(rig_get(&r, 0, "/portfolio/positions", NULL), 200);
    rig_expect(&r, "market_positions", "[]");
    assert_int_equal(rig_get(&r, -1, "/markets/" RIG_A, NULL), 200);
    rig_expect(&r, "market.status", "finalized");
    rig_expect(&r, "market.result", result);
    rig_shut(&r);
    ran++;
  }
  assert_true(ran >= 6);
  json_decref(v);
}

/* -- order entry -- */

static void test_refused_forms(void **state) {
  (void)state;
  static const struct { const char *why, *side, *count, *price, *more; int http; const char *code; } rows[] = {
      {"5 decimals", "bid", "1.00", "0.56001", NULL, 400, "invalid_price"},
      {"3 decimals", "bid", "1.005", "0.56", NULL, 400, "invalid_order_size"},
      {"nothing", "bid", "0", "0.56", NULL, 400, "invalid_order_size"},
      {"less than nothing", "bid", "-1", "0.56", NULL, 400, "invalid_order_size"},
      {"a free contract", "bid", "1", "0", NULL, 400, "invalid_price"},
      {"a sure one", "bid", "1", "1.0000", NULL, 400, "invalid_price"},
      {"an exponent", "bid", "1e1", "0.56", NULL, 400, "invalid_order_size"},
      {"more than fits", "bid", "99999999999999999999", "0.56", NULL, 400, "invalid_order_size"},
      {"no side", "buy", "1", "0.56", NULL, 400, NULL},
      {"GTT is no word", "bid", "1", "0.56", ",\"time_in_force\":\"GTT\"", 400, NULL},
      {"expiry of an immediate order", "bid", "1", "0.56", ",\"time_in_force\":\"immediate_or_cancel\",\"expiration_time\":1790000100", 400,
       "invalid_order"},
      {"expiry in the past", "bid", "1", "0.56", ",\"expiration_time\":1789999999", 400, "invalid_order"},
      {"expiry far out", "bid", "1", "0.56", ",\"expiration_time\":9223372036854775807", 400, "invalid_order"},
      {"no group", "bid", "1", "0.56", ",\"order_group_id\":\"x\"", 404, "not_found"},
      {"a subaccount", "bid", "1", "0.56", ",\"subaccount\":5", 400, NULL},
      {"reduce nothing", "bid", "1", "0.56", ",\"time_in_force\":\"immediate_or_cancel\",\"reduce_only\":true", 400, "invalid_order"},
      {"reduce in text", "bid", "1", "0.56", ",\"reduce_only\":\"yes\"", 400, NULL},
  };
  rig_t r;
  rig_open(&r);
  for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
    int const http = rig_order(&r, 0, RIG_A, rows[i].side, rows[i].count, rows[i].price, rows[i].more);
    if (http != rows[i].http) fail_msg("%s: %d %s", rows[i].why, http, r.body);
    rig_expect(&r, rows[i].code ? "error.code" : "code", rows[i].code ? rows[i].code : "bad_request");
  }
  assert_int_equal(rig_order(&r, 0, "KXT", "bid", "1", "0.50", NULL), 404);
  rig_expect(&r, "error.code", "market_not_found");
  assert_int_equal(rig_order(&r, 0, RIG_A, "bid", "1", "0.50", ",\"expiration_ts\":5,\"unknown\":{\"a\":[1]}"),
                   201); /* the old name and unknown ones are ignored */
  int64_t locked;
  pmm_place_cash(r.place, r.account[0], &locked);
  assert_true(locked >= 500000);
  rig_shut(&r);
}

/* A client order id serves once: after a cancel, a failed fill-or-kill, a rename. */
static void test_client_ids(void **state) {
  (void)state;
  rig_t r;
  char id[64], path[160];
  rig_open(&r);
  assert_int_equal(rig_order(&r, 0, RIG_A, "bid", "1", "0.50", ",\"client_order_id\":\"a\""), 201);
  rig_text(&r, "order_id", id, sizeof id);
  rig_expect(&r, "client_order_id", "a");
  snprintf(path, sizeof path, ORDERS "/%s", id);
  assert_int_equal(rig_do(&r, 0, "DELETE", path, NULL, NULL), 200);
  rig_expect(&r, "reduced_by", "1.00");
  assert_int_equal(rig_do(&r, 0, "DELETE", path, NULL, NULL), 404);
  assert_int_equal(rig_order(&r, 0, RIG_A, "bid", "1", "0.50", ",\"client_order_id\":\"a\""), 409);
  rig_expect(&r, "error.code", "order_already_exists");
  assert_int_equal(rig_order(&r, 1, RIG_A, "bid", "1", "0.50", ",\"client_order_id\":\"a\""), 201); /* another account's */
  assert_int_equal(rig_order(&r, 0, RIG_A, "bid", "1", "0.60", ",\"client_order_id\":\"b\",\"time_in_force\":\"fill_or_kill\""), 409);
  assert_int_equal(rig_order(&r, 0, RIG_A, "bid", "1", "0.50", ",\"client_order_id\":\"b\""), 409);
  rig_expect(&r, "error.code", "order_already_exists");
  rig_shut(&r);
}

static void test_amend(void **state) {
  (void)state;
  rig_t r;
  char id[64], path[160], body[256];
  rig_open(&r);
  assert_int_equal(rig_order(&r, 0, RIG_A, "bid", "10", "0.45", ",\"client_order_id\":\"a\""), 201);
  rig_text(&r, "order_id", id, sizeof id);
  assert_int_equal(rig_order(&r, 1, RIG_A, "bid", "5", "0.45", NULL), 201);
  assert_int_equal(rig_order(&r, 1, RIG_A, "ask", "4", "0.45", NULL), 201);
  rig_expect(&r, "fill_count", "4.00");
  snprintf(path, sizeof path, ORDERS "/%s/amend", id);
#define AMEND(count, price, more) \
  (snprintf(body, sizeof body, "{\"ticker\":\"" RIG_A "\",\"side\":\"bid\",\"count\":\"%s\",\"price\":\"%s\"%s}", count, price, more), \
   rig_do(&r, 0, "POST", path, NULL, body))
  assert_int_equal(AMEND("7.00", "0.4500", ""), 200); /* the vectors' first: a smaller total keeps its place */
  rig_expect(&r, "remaining_count", "3.00");
  rig_expect(&r, "fill_count", "4.00");
  char queue[160];
  snprintf(queue, sizeof queue, "/portfolio/orders/%s/queue_position", id);
  assert_int_equal(rig_get(&r, 0, queue, NULL), 200);
  rig_expect(&r, "queue_position_fp", "0.00");
  assert_int_equal(AMEND("12.00", "0.4500", ",\"client_order_id\":\"a\",\"updated_client_order_id\":\"a2\""), 200);
  rig_expect(&r, "remaining_count", "8.00");
  rig_expect(&r, "client_order_id", "a2");
  assert_int_equal(rig_get(&r, 0, queue, NULL), 200);
  rig_expect(&r, "queue_position_fp", "5.00"); /* a larger one does not */
  assert_int_equal(rig_order(&r, 0, RIG_A, "bid", "1", "0.40", ",\"client_order_id\":\"a\""), 409); /* the old name stays used */
  assert_int_equal(rig_order(&r, 0, RIG_A, "bid", "1", "0.40", ",\"client_order_id\":\"a2\""), 409);
  assert_int_equal(AMEND("12.00", "0.4500", ",\"expiration_time\":1790000060"), 200);
  snprintf(queue, sizeof queue, "/portfolio/orders/%s", id);
  assert_int_equal(rig_get(&r, 0, queue, NULL), 200);
  rig_expect(&r, "order.expiration_time", "2026-09-21T14:14:20Z");
  assert_int_equal(AMEND("4.00", "0.4500", ""), 400); /* nothing would be left */
  assert_int_equal(AMEND("12.00", "0.4550", ",\"updated_client_order_id\":\"a3\""), 400);
  rig_expect(&r, "error.code", "invalid_price");
  assert_int_equal(AMEND("12.00", "0.4500", ",\"updated_client_order_id\":\"a\""), 409);
  assert_int_equal(rig_order(&r, 0, RIG_A, "bid", "1", "0.40", ",\"client_order_id\":\"a3\""), 201); /* a refused amend used nothing up */
  assert_int_equal(rig_order(&r, 1, RIG_A, "ask", "2", "0.47", NULL), 201);
  assert_int_equal(AMEND("12.00", "0.4700", ""), 200); /* trades at once */
  rig_expect(&r, "average_fill_price", "0.4700");
  rig_expect(&r, "fill_count", "6.00");
  rig_expect(&r, "remaining_count", "6.00");
  rig_pass(&r, 61 * PMM_NS_PER_S);
  assert_int_equal(rig_get(&r, 0, queue, NULL), 200);
  rig_expect(&r, "order.status", "canceled");
  assert_int_equal(AMEND("13.00", "0.4700", ""), 404);
#undef AMEND
  rig_shut(&r);
}

static void test_decrease(void **state) {
  (void)state;
  rig_t r;
  char id[64], path[160];
  rig_open(&r);
  assert_int_equal(rig_order(&r, 0, RIG_A, "bid", "10", "0.45", NULL), 201);
  rig_text(&r, "order_id", id, sizeof id);
  snprintf(path, sizeof path, ORDERS "/%s/decrease", id);
  assert_int_equal(rig_do(&r, 0, "POST", path, NULL, "{\"reduce_by\":\"4.00\"}"), 200);
  rig_expect(&r, "remaining_count", "6.00");
  assert_int_equal(rig_do(&r, 0, "POST", path, NULL, "{\"reduce_to\":\"2.50\"}"), 200);
  rig_expect(&r, "remaining_count", "2.50");
  assert_int_equal(rig_do(&r, 0, "POST", path, NULL, "{\"reduce_to\":\"2.50\"}"), 400);
  assert_int_equal(rig_do(&r, 0, "POST", path, NULL, "{}"), 400);
  assert_int_equal(rig_do(&r, 0, "POST", path, NULL, "{\"reduce_to\":\"1\",\"reduce_by\":\"1\"}"), 400);
  assert_int_equal(rig_do(&r, 0, "POST", path, NULL, "{\"reduce_by\":4}"), 400);
  assert_int_equal(rig_do(&r, 1, "POST", path, NULL, "{\"reduce_by\":\"1\"}"), 404);
  assert_int_equal(rig_do(&r, 0, "POST", path, NULL, "{\"reduce_by\":\"99.00\"}"), 200);
  rig_expect(&r, "remaining_count", "0.00");
  assert_int_equal(rig_get(&r, 0, "/portfolio/orders", "status=canceled"), 200);
  rig_expect(&r, "orders.0.order_id", id);
  rig_expect(&r, "orders.0.remaining_count_fp", "0.00");
  int64_t locked;
  pmm_place_cash(r.place, r.account[0], &locked);
  assert_int_equal(locked, 0);
  rig_shut(&r);
}

static void test_batches(void **state) {
  (void)state;
#define ITEM(id, price) \
  "{\"ticker\":\"" RIG_A "\",\"side\":\"bid\",\"count\":\"1\",\"price\":\"" price \
  "\",\"time_in_force\":\"good_till_canceled\",\"self_trade_prevention_type\":\"maker\",\"client_order_id\":\"" id "\"}"
  rig_t r;
  char a[64], b[64], body[512];
  rig_open(&r);
  assert_int_equal(rig_do(&r, 0, "POST", ORDERS "/batched", NULL,
                          "{\"orders\":[" ITEM("a", "0.40") "," ITEM("b", "0.405") "," ITEM("c", "0.41") "," ITEM("a", "0.42") ",7,{\"ticker\":5}]}"),
                   201);
  rig_expect(&r, "orders.0.remaining_count", "1.00");
  rig_expect(&r, "orders.0.error", "null");
  rig_expect(&r, "orders.1.error.code", "invalid_price");
  rig_expect(&r, "orders.1.client_order_id", "b");
  rig_expect(&r, "orders.1.order_id", "(absent)");
  rig_expect(&r, "orders.2.client_order_id", "c");
  rig_expect(&r, "orders.3.error.code", "order_already_exists");
  rig_expect(&r, "orders.4.error.code", "bad_request");
  rig_expect(&r, "orders.5.error.code", "bad_request");
  rig_expect(&r, "orders.6", "(absent)");
  rig_text(&r, "orders.0.order_id", a, sizeof a);
  rig_text(&r, "orders.2.order_id", b, sizeof b);
  assert_int_equal(rig_get(&r, 0, "/portfolio/orders/queue_positions", "market_tickers=" RIG_A "%2C" RIG_B), 200);
  rig_expect(&r, "queue_positions.1.queue_position_fp", "0.00");
  snprintf(body, sizeof body, "{\"orders\":[{\"order_id\":\"%s\"},{\"order_id\":\"gone\"},{\"order_id\":\"%s\",\"market_ticker\":\"" RIG_A "\"}]}", a,
           b);
  assert_int_equal(rig_do(&r, 0, "DELETE", ORDERS "/batched", NULL, body), 200);
  rig_expect(&r, "orders.0.reduced_by", "1.00");
  rig_expect(&r, "orders.0.error", "null");
  rig_expect(&r, "orders.1.error.code", "not_found");
  rig_expect(&r, "orders.1.reduced_by", "0.00");
  rig_expect(&r, "orders.2.client_order_id", "c");
  assert_int_equal(rig_do(&r, 0, "POST", ORDERS "/batched", NULL, "{\"orders\":[]}"), 201);
  rig_expect(&r, "orders", "[]");
  assert_int_equal(rig_do(&r, 0, "POST", ORDERS "/batched", NULL, "{}"), 400);
  assert_int_equal(rig_do(&r, 0, "POST", ORDERS "/batched", NULL, "{\"orders\":[" ITEM("d", "0.40") "," ITEM("e", "0.41") "]}"), 201);
  assert_int_equal(rig_do(&r, 0, "DELETE", ORDERS, NULL, NULL), 204);
  assert_string_equal(r.body, "");
  assert_null(pmm_place_open_after(r.place, r.account[0], 0));
  rig_shut(&r);
}

/* Lists page from newest to oldest without a gap or a repeat. */
static void test_paging(void **state) {
  (void)state;
  rig_t r;
  rig_open(&r);
  for (int i = 0; i < 25; i++) {
    char more[64];
    snprintf(more, sizeof more, ",\"client_order_id\":\"n%d\"", i);
    assert_int_equal(rig_order(&r, i % 2, RIG_A, "bid", "1", "0.40", more), 201);
    if (i < 20) assert_int_equal(rig_order(&r, 1 - i % 2, RIG_A, "ask", "1", "0.40", NULL), 201);
  }
  static const struct { const char *path, *list; int who, total; } rows[] = {
    {"/portfolio/orders", "orders", 0, 23}, {"/portfolio/fills", "fills", 0, 20}, {"/markets/trades", "trades", -1, 20}};
  for (size_t n = 0; n < sizeof rows / sizeof rows[0]; n++) {
    char query[64] = "limit=7", cursor[40], last[64] = "";
    int total = 0, pages = 0;
    do {
      assert_int_equal(rig_get(&r, rows[n].who, rows[n].path, query), 200);
      json_t *const j = rig_json(&r);
      const json_t *const list = json_object_get(j, rows[n].list);
      size_t i;
      json_t *row;
      json_array_foreach(list, i, row) {
        const char *const id = json_string_value(json_object_get(row, n == 0 ? "order_id" : "trade_id"));
        assert_string_not_equal(id, last);
        snprintf(last, sizeof last, "%s", id);
        total++;
      }
      snprintf(cursor, sizeof cursor, "%s", json_string_value(json_object_get(j, "cursor")));
      snprintf(query, sizeof query, "limit=7&cursor=%s", cursor);
      json_decref(j);
    } while (cursor[0] && ++pages < 10);
    assert_int_equal(total, rows[n].total);
  }
  assert_int_equal(rig_get(&r, 0, "/portfolio/orders", "status=resting"), 200);
  rig_expect(&r, "orders.2.status", "resting");
  rig_expect(&r, "orders.3", "(absent)");
  assert_int_equal(rig_get(&r, 0, "/portfolio/orders", "min_ts=1790000001"), 200);
  rig_expect(&r, "orders", "[]");
  rig_shut(&r);
}

/* -- order groups -- */

static void test_groups(void **state) {
  (void)state;
  rig_t r;
  char id[64], path[160], more[160], order[64], order_path[160];
  rig_open(&r);
  assert_int_equal(rig_do(&r, 0, "POST", "/portfolio/order_groups/create", NULL, "{\"contracts_limit\":0}"), 400);
  assert_int_equal(rig_do(&r, 0, "POST", "/portfolio/order_groups/create", NULL, "{\"contracts_limit\":5,\"contracts_limit_fp\":\"6.00\"}"), 400);
  assert_int_equal(rig_do(&r, 0, "POST", "/portfolio/order_groups/create", NULL, "{\"contracts_limit\":5}"), 201);
  rig_text(&r, "order_group_id", id, sizeof id);
  snprintf(path, sizeof path, "/portfolio/order_groups/%s", id);
  snprintf(more, sizeof more, ",\"order_group_id\":\"%s\"", id);
  assert_int_equal(rig_get(&r, 1, path, NULL), 404); /* somebody else's */
  assert_int_equal(rig_order(&r, 0, RIG_A, "bid", "4", "0.45", more), 201);
  assert_int_equal(rig_order(&r, 0, RIG_A, "bid", "4", "0.44", more), 201);
  rig_text(&r, "order_id", order, sizeof order);
  snprintf(order_path, sizeof order_path, "/portfolio/orders/%s", order);
  assert_int_equal(rig_order(&r, 0, RIG_B, "bid", "4", "0.44", NULL), 201); /* of no group */
  assert_int_equal(rig_order(&r, 1, RIG_A, "ask", "4", "0.44", NULL), 201); /* 4 within the window: not yet */
  assert_int_equal(rig_get(&r, 0, path, NULL), 200);
  rig_expect(&r, "orders.0", order);
  rig_expect(&r, "contracts_limit_fp", "5.00");
  rig_pass(&r, 14 * PMM_NS_PER_S);
  assert_int_equal(rig_order(&r, 1, RIG_A, "ask", "3", "0.44", NULL), 201); /* 4 + 3 in 15 s: the fill is whole, the rest is cancelled */
  rig_expect(&r, "fill_count", "3.00");
  assert_int_equal(rig_get(&r, 0, order_path, NULL), 200);
  rig_expect(&r, "order.status", "canceled");
  rig_expect(&r, "order.fill_count_fp", "3.00");
  rig_expect(&r, "order.order_group_id", id);
  assert_int_equal(rig_order(&r, 0, RIG_A, "bid", "1", "0.45", more), 400); /* triggered */
  assert_int_equal(rig_get(&r, 0, "/portfolio/orders", "status=resting"), 200);
  rig_expect(&r, "orders.0.ticker", RIG_B);
  snprintf(path, sizeof path, "/portfolio/order_groups/%s/reset", id);
  assert_int_equal(rig_do(&r, 0, "PUT", path, NULL, "{}"), 200);
  assert_string_equal(r.body, "{}");
  assert_int_equal(rig_order(&r, 0, RIG_A, "bid", "1", "0.45", more), 201);
  snprintf(path, sizeof path, "/portfolio/order_groups/%s/trigger", id);
  assert_int_equal(rig_do(&r, 0, "PUT", path, NULL, NULL), 200);
  assert_int_equal(rig_get(&r, 0, "/portfolio/orders", "status=resting&ticker=" RIG_A), 200);
  rig_expect(&r, "orders", "[]");
  snprintf(path, sizeof path, "/portfolio/order_groups/%s", id);
  assert_int_equal(rig_do(&r, 0, "DELETE", path, NULL, NULL), 200);
  assert_int_equal(rig_get(&r, 0, path, NULL), 404);
  assert_int_equal(rig_get(&r, 0, "/portfolio/order_groups", NULL), 200);
  rig_expect(&r, "order_groups", "[]");
  rig_shut(&r);
}

/* What was matched more than 15 s ago does not count; a lower limit may fire at once; a taker counts as well. */
static void test_groups_window(void **state) {
  (void)state;
  rig_t r;
  char id[64], path[160], more[160];
  rig_open(&r);
  assert_int_equal(rig_do(&r, 0, "POST", "/portfolio/order_groups/create", NULL, "{\"contracts_limit_fp\":\"10.00\"}"), 201);
  rig_text(&r, "order_group_id", id, sizeof id);
  snprintf(more, sizeof more, ",\"order_group_id\":\"%s\"", id);
  assert_int_equal(rig_order(&r, 0, RIG_A, "bid", "30", "0.45", more), 201);
  for (int i = 0; i < 3; i++) {
    assert_int_equal(rig_order(&r, 1, RIG_A, "ask", "6", "0.45", NULL), 201);
    rig_expect(&r, "fill_count", "6.00");
    rig_pass(&r, 15 * PMM_NS_PER_S);
  }
  assert_int_equal(rig_order(&r, 1, RIG_B, "ask", "4", "0.45", NULL), 201);
  assert_int_equal(rig_order(&r, 0, RIG_B, "bid", "4", "0.45", more), 201); /* 4 as the taker */
  snprintf(path, sizeof path, "/portfolio/order_groups/%s/limit", id);
  assert_int_equal(rig_do(&r, 0, "PUT", path, NULL, "{\"contracts_limit\":5}"), 200);
  assert_int_equal(rig_get(&r, 0, "/portfolio/orders", "status=resting"), 200);
  rig_expect(&r, "orders.0.fill_count_fp", "18.00");
  assert_int_equal(rig_do(&r, 0, "PUT", path, NULL, "{\"contracts_limit\":4}"), 200);
  assert_int_equal(rig_get(&r, 0, "/portfolio/orders", "status=resting"), 200);
  rig_expect(&r, "orders", "[]");
  rig_shut(&r);
}

/* -- limits -- */

static void test_rate_limit(void **state) {
  (void)state;
  json_t *const v = vectors();
  rig_t r;
  rig_open_with(&r, &(pmm_serve_params_t){.rate_limit = true}, &rig_listing);
  const json_t *const cases = rig_at(v, "rate_limit.cases");
  size_t i;
  json_t *row;
  json_array_foreach(cases, i, row) {
    const char *const op = json_string_value(json_object_get(row, "op"));
    bool const ok = json_is_true(json_object_get(row, "ok"));
    r.now_ns = RIG_NOW + json_integer_value(json_object_get(row, "t_ms")) * PMM_NS_PER_MS;
    int http;
    if (strcmp(op, "create batch of 9") == 0) http = rig_do(&r, 0, "POST", ORDERS "/batched", NULL, "{\"orders\":[1,2,3,4,5,6,7,8,9]}");
    else if (strcmp(op, "create") == 0) http = rig_order(&r, 0, RIG_A, "bid", "1", "0.10", NULL);
    else http = rig_do(&r, 0, "DELETE", ORDERS "/none", NULL, NULL);
    assert_int_equal(http == 429, !ok);
    if (!ok) assert_string_equal(r.body, "{\"error\":{\"code\":\"too_many_requests\",\"message\":\"too many requests\"}}");
  }
  for (int n = 0; n < 20; n++) assert_int_equal(rig_get(&r, 1, "/portfolio/balance", NULL), 200); /* 200 read tokens */
  assert_int_equal(rig_get(&r, 1, "/portfolio/balance", NULL), 429);
  assert_int_equal(rig_get(&r, 0, "/portfolio/balance", NULL), 200); /* each account for itself */
  rig_pass(&r, PMM_NS_PER_S);
  assert_int_equal(rig_do(&r, 1, "POST", "/account/api_usage_level/upgrade", NULL, NULL), 200);
  assert_int_equal(rig_get(&r, 1, "/account/limits", NULL), 200);
  rig_expect(&r, "usage_tier", "advanced");
  rig_expect(&r, "write", "{\"refill_rate\":300,\"bucket_capacity\":600}");
  json_decref(v);
  rig_shut(&r);
}

/* -- money, lives, time -- */

static void test_collateral(void **state) {
  (void)state;
  pmm_listing_params_t free_of_fees = rig_listing;
  free_of_fees.fees = 1;
  rig_t r;
  int64_t locked;
  rig_open_with(&r, &(pmm_serve_params_t){0}, &free_of_fees);
  assert_int_equal(rig_order(&r, 0, RIG_A, "bid", "10", "0.40", NULL), 201);
  assert_int_equal(pmm_place_cash(r.place, r.account[0], &locked), INT64_C(10000000000));
  assert_int_equal(locked, 4000000);
  assert_int_equal(rig_get(&r, 0, "/portfolio/balance", NULL), 200);
  rig_expect(&r, "balance_dollars", "9996.0000");
  assert_int_equal(rig_order(&r, 1, RIG_A, "ask", "10", "0.40", NULL), 201);
  assert_int_equal(rig_order(&r, 0, RIG_A, "ask", "10", "0.70", NULL), 201); /* closes what is held: nothing is reserved */
  pmm_place_cash(r.place, r.account[0], &locked);
  assert_int_equal(locked, 0);
  assert_int_equal(rig_order(&r, 0, RIG_A, "ask", "2", "0.75", NULL), 201); /* opens */
  pmm_place_cash(r.place, r.account[0], &locked);
  assert_int_equal(locked, 500000);
  assert_int_equal(rig_get(&r, 0, "/portfolio/summary/total_resting_order_value", NULL), 200);
  rig_expect(&r, "total_resting_order_value", "50");
  assert_int_equal(rig_order(&r, 1, RIG_A, "bid", "12", "0.75", NULL), 201); /* closes bob's short in part */
  rig_expect(&r, "fill_count", "12.00");
  rig_expect(&r, "average_fill_price", "0.7083");
  assert_int_equal(rig_get(&r, 1, "/portfolio/positions", NULL), 200);
  rig_expect(&r, "market_positions.0.position_fp", "2.00");
  rig_shut(&r);
}

static void test_reduce_only(void **state) {
  (void)state;
  rig_t r;
  rig_open(&r);
  assert_int_equal(rig_order(&r, 0, RIG_A, "bid", "3", "0.40", NULL), 201);
  assert_int_equal(rig_order(&r, 1, RIG_A, "ask", "3", "0.40", NULL), 201);
  assert_int_equal(rig_order(&r, 1, RIG_A, "bid", "9", "0.30", NULL), 201);
  assert_int_equal(rig_order(&r, 0, RIG_A, "ask", "9", "0.30", ",\"reduce_only\":true,\"time_in_force\":\"immediate_or_cancel\""), 201);
  rig_expect(&r, "fill_count", "3.00");
  rig_expect(&r, "remaining_count", "0.00");
  assert_int_equal(rig_get(&r, 0, "/portfolio/positions", "count_filter=position"), 200);
  rig_expect(&r, "market_positions", "[]");
  assert_int_equal(rig_get(&r, 0, "/portfolio/positions", NULL), 200);
  rig_expect(&r, "market_positions.0.position_fp", "0.00");
  rig_shut(&r);
}

/* Pause and resume: what asked for it goes at once, all goes at the resumption. Close and expiry. */
static void test_lives(void **state) {
  (void)state;
  rig_t r;
  rig_open(&r);
  assert_int_equal(rig_order(&r, 0, RIG_A, "bid", "1", "0.40", ",\"client_order_id\":\"stay\""), 201);
  assert_int_equal(rig_order(&r, 0, RIG_A, "bid", "1", "0.41", ",\"client_order_id\":\"go\",\"cancel_order_on_pause\":true"), 201);
  assert_int_equal(pmm_place_life(r.place, r.market[0], r.now_ns, PMM_LIFE_HALTED, PMM_OUTCOME_UNKNOWN, 0), PMM_OK);
  rig_pass(&r, 1);
  assert_int_equal(rig_get(&r, 0, "/portfolio/orders", "status=resting"), 200);
  rig_expect(&r, "orders.0.client_order_id", "stay");
  rig_expect(&r, "orders.1", "(absent)");
  assert_int_equal(rig_get(&r, -1, "/markets", "status=paused"), 200);
  rig_expect(&r, "markets.0.status", "inactive");
  assert_int_equal(rig_order(&r, 0, RIG_A, "bid", "1", "0.40", NULL), 409);
  rig_expect(&r, "error.code", "market_inactive");
  assert_int_equal(pmm_place_life(r.place, r.market[0], r.now_ns, PMM_LIFE_OPEN, PMM_OUTCOME_UNKNOWN, 0), PMM_OK);
  rig_pass(&r, 1);
  assert_int_equal(rig_get(&r, 0, "/portfolio/orders", "status=resting"), 200);
  rig_expect(&r, "orders", "[]");
  assert_int_equal(rig_order(&r, 0, RIG_A, "bid", "1", "0.40", ",\"expiration_time\":1790000010"), 201);
  assert_int_equal(rig_order(&r, 0, RIG_A, "bid", "1", "0.42", NULL), 201);
  rig_pass(&r, 9 * PMM_NS_PER_S);
  assert_int_equal(rig_get(&r, 0, "/portfolio/orders", "status=resting"), 200);
  rig_expect(&r, "orders.1.expiration_time", "2026-09-21T14:13:30Z");
  rig_pass(&r, PMM_NS_PER_S);
  assert_int_equal(rig_get(&r, 0, "/portfolio/orders", "status=resting"), 200);
  rig_expect(&r, "orders.0.yes_price_dollars", "0.4200");
  rig_expect(&r, "orders.1", "(absent)");
  rig_pass(&r, rig_listing.duration_ns);
  assert_int_equal(rig_get(&r, 0, "/portfolio/orders", "status=resting"), 200);
  rig_expect(&r, "orders", "[]");
  assert_int_equal(rig_get(&r, -1, "/markets/" RIG_A, NULL), 200);
  rig_expect(&r, "market.status", "closed");
  rig_shut(&r);
}

/* Reads that come late: the cancelled order still rests, the position is not there yet; writes are not late. */
static void test_lag(void **state) {
  (void)state;
  rig_t r;
  char id[64], path[160], cancel[160];
  rig_open_with(&r, &(pmm_serve_params_t){.lag_ns = 400 * PMM_NS_PER_MS}, &rig_listing);
  assert_int_equal(rig_order(&r, 0, RIG_A, "bid", "1", "0.40", NULL), 201);
  rig_text(&r, "order_id", id, sizeof id);
  snprintf(path, sizeof path, "/portfolio/orders/%s", id);
  snprintf(cancel, sizeof cancel, ORDERS "/%s", id);
  assert_int_equal(rig_get(&r, 0, path, NULL), 404);
  assert_int_equal(rig_get(&r, 0, "/portfolio/balance", NULL), 200);
  rig_expect(&r, "balance_dollars", "10000.0000");
  rig_pass(&r, 400 * PMM_NS_PER_MS);
  assert_int_equal(rig_get(&r, 0, path, NULL), 200);
  rig_expect(&r, "order.status", "resting");
  assert_int_equal(rig_get(&r, 0, "/portfolio/balance", NULL), 200);
  rig_expect(&r, "balance", "999958"); /* 0.40 and the bound of its fee */
  assert_int_equal(rig_do(&r, 0, "DELETE", cancel, NULL, NULL), 200);
  rig_pass(&r, 399 * PMM_NS_PER_MS);
  assert_int_equal(rig_get(&r, 0, path, NULL), 200);
  rig_expect(&r, "order.status", "resting");
  assert_int_equal(rig_do(&r, 0, "DELETE", cancel, NULL, NULL), 404);
  rig_pass(&r, PMM_NS_PER_MS);
  assert_int_equal(rig_get(&r, 0, path, NULL), 200);
  rig_expect(&r, "order.status", "canceled");
  assert_int_equal(rig_order(&r, 0, RIG_A, "bid", "1", "0.40", NULL), 201);
  assert_int_equal(rig_order(&r, 1, RIG_A, "ask", "1", "0.40", NULL), 201);
  assert_int_equal(rig_get(&r, 0, "/portfolio/positions", NULL), 200);
  rig_expect(&r, "market_positions", "[]");
  assert_int_equal(rig_get(&r, 0, "/portfolio/fills", NULL), 200);
  rig_expect(&r, "fills", "[]");
  rig_pass(&r, 400 * PMM_NS_PER_MS);
  assert_int_equal(rig_get(&r, 0, "/portfolio/positions", NULL), 200);
  rig_expect(&r, "market_positions.0.position_fp", "1.00");
  assert_int_equal(rig_get(&r, 0, "/portfolio/fills", NULL), 200);
  rig_expect(&r, "fills.0.count_fp", "1.00");
  rig_shut(&r);
}

static void test_candles(void **state) {
  (void)state;
  rig_t r;
  rig_open(&r);
  rig_pass(&r, 40 * PMM_NS_PER_S); /* 14:14:00 */
  assert_int_equal(rig_order(&r, 0, RIG_A, "bid", "5", "0.40", NULL), 201);
  assert_int_equal(rig_order(&r, 1, RIG_A, "ask", "1", "0.40", NULL), 201);
  rig_pass(&r, 60 * PMM_NS_PER_S);
  assert_int_equal(rig_order(&r, 0, RIG_A, "bid", "1", "0.45", NULL), 201);
  assert_int_equal(rig_order(&r, 1, RIG_A, "ask", "3", "0.40", NULL), 201);
  static const char path[] = "/series/KXT/markets/" RIG_A "/candlesticks";
  assert_int_equal(rig_get(&r, -1, path, "start_ts=1790000000&end_ts=1790003600&period_interval=1"), 200);
  rig_expect(&r, "candlesticks.0.end_period_ts", "1790000100");
  rig_expect(&r, "candlesticks.0.price.close_dollars", "0.4000");
  rig_expect(&r, "candlesticks.0.volume_fp", "1.00");
  rig_expect(&r, "candlesticks.1.yes_bid",
             "{\"open_dollars\":\"0.4000\",\"low_dollars\":\"0.4000\",\"high_dollars\":\"0.4500\",\"close_dollars\":\"0.4000\"}");
  rig_expect(&r, "candlesticks.1.price.open_dollars", "0.4500");
  rig_expect(&r, "candlesticks.1.price.mean_dollars", "0.4166");
  rig_expect(&r, "candlesticks.1.price.previous_dollars", "0.4000");
  rig_expect(&r, "candlesticks.1.open_interest_fp", "4.00");
  rig_expect(&r, "candlesticks.2", "(absent)");
  assert_int_equal(rig_get(&r, -1, path, "start_ts=1790000000&end_ts=1790003600&period_interval=60"), 200);
  rig_expect(&r, "candlesticks.0.volume_fp", "4.00");
  rig_expect(&r, "candlesticks.0.price.open_dollars", "0.4000");
  rig_expect(&r, "candlesticks.1", "(absent)");
  assert_int_equal(
      rig_get(&r, -1, "/markets/candlesticks", "market_tickers=" RIG_A "," RIG_B "&start_ts=1790000000&end_ts=1790003600&period_interval=1"), 200);
  rig_expect(&r, "markets.0.candlesticks.1.volume_fp", "3.00");
  rig_expect(&r, "markets.1.candlesticks", "[]");
  assert_int_equal(rig_get(&r, -1, "/series/KXT/events/KXT-26NOV20/candlesticks", "start_ts=1790000000&end_ts=1790003600&period_interval=1440"), 200);
  rig_expect(&r, "market_candlesticks.0", "[]"); /* the day has not ended */
  assert_int_equal(rig_get(&r, -1, "/markets/" RIG_A, NULL), 200);
  rig_expect(&r, "market.volume_24h_fp", "4.00");
  rig_expect(&r, "market.last_price_dollars", "0.4000");
  rig_shut(&r);
}

/* What a listing may say, and what not. */
static void test_listing(void **state) {
  (void)state;
  static const struct { const char *why; pmm_listing_params_t listing; pmm_status_t want; } rows[] = {
    {"as it comes", {.id = "KX-1", .tick_e4 = 100, .taker_rate = -1, .maker_rate = -1}, PMM_OK},
    {"tapered", {.id = "KX-1", .grid = "tapered_deci_cent", .taker_rate = -1, .maker_rate = -1}, PMM_OK},
    {"no such grid", {.id = "KX-1", .grid = "cents"}, PMM_NOT_FOUND},
    {"no such tick", {.id = "KX-1", .tick_e4 = 33}, PMM_INVAL},
    {"no ticker", {.id = "KX/1", .tick_e4 = 100}, PMM_INVAL},
    {"a lot of 0.001", {.id = "KX-1", .tick_e4 = 100, .lot_e6 = 1000}, PMM_INVAL},
    {"somebody else's fees", {.id = "KX-1", .tick_e4 = 100, .fees = 3}, PMM_INVAL},
  };
  for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
    pmm_market_t m;
    pmm_error_t err = {0};
    if (pmm_kalshi_dialect.market(&rows[i].listing, RIG_NOW, 1, &m, &err) != rows[i].want) fail_msg("%s: %s", rows[i].why, err.text);
  }
  pmm_listing_params_t tapered = {
      .grid = "tapered_deci_cent", .taker_rate = 0.035, .maker_rate = 0.0175, .event = "KXBTC15M-26OCT021330", .strike = 68000.5, .asset = "BTC"};
  rig_t r;
  uint32_t index;
  rig_open(&r);
  rig_list(&r, "KXBTC15M-26OCT021330-30", &tapered, &index);
  assert_int_equal(rig_get(&r, -1, "/markets/KXBTC15M-26OCT021330-30", NULL), 200);
  rig_expect(&r, "market.price_level_structure", "tapered_deci_cent");
  rig_expect(&r, "market.price_ranges.2.start", "0.9000");
  rig_expect(&r, "market.floor_strike", "68000.5");
  rig_expect(&r, "market.strike_type", "greater_or_equal");
  assert_int_equal(rig_get(&r, -1, "/series/KXBTC15M", NULL), 200);
  rig_expect(&r, "series.fee_multiplier", "0.5");
  rig_expect(&r, "series.fee_type", "quadratic_with_combo_maker_fees");
  assert_int_equal(rig_order(&r, 0, "KXBTC15M-26OCT021330-30", "bid", "1", "0.0990", NULL), 201);
  assert_int_equal(rig_order(&r, 0, "KXBTC15M-26OCT021330-30", "bid", "1", "0.1010", NULL), 400);
  rig_shut(&r);
}

int main(void) {
  const struct CMUnitTest tests[] = {
    cmocka_unit_test(test_auth),           cmocka_unit_test(test_error_bodies),    cmocka_unit_test(test_requests),
    cmocka_unit_test(test_vector_orders),  cmocka_unit_test(test_vector_fees),     cmocka_unit_test(test_vector_positions),
    cmocka_unit_test(test_vector_settlement), cmocka_unit_test(test_refused_forms), cmocka_unit_test(test_client_ids),
    cmocka_unit_test(test_amend),          cmocka_unit_test(test_decrease),        cmocka_unit_test(test_batches),
    cmocka_unit_test(test_paging),         cmocka_unit_test(test_groups),          cmocka_unit_test(test_groups_window),
    cmocka_unit_test(test_rate_limit),     cmocka_unit_test(test_collateral),      cmocka_unit_test(test_reduce_only),
    cmocka_unit_test(test_lives),          cmocka_unit_test(test_lag),             cmocka_unit_test(test_candles),
    cmocka_unit_test(test_listing),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
