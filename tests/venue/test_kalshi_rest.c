/* Kalshi's REST answers: markets and what they cost, the account, rate tables, refusals in every shape; and the golden vectors of them. */
#include "pmm/clock.h"
#include "pmm/decimal.h"
#include "venue/kalshi_rig.h"

#define READ(fn, text, ...) (rig_err = (pmm_error_t){0}, padded(text, &rig_len), fn(codec, rig_buf, rig_len, __VA_ARGS__, &rig_err))
static size_t rig_len;

#define MARKET "{\"ticker\":\"KXBTC15M-26NOV200645-45\",\"event_ticker\":\"KXBTC15M-26NOV200645\",\"market_type\":\"binary\",\"title\":\"BTC \\u2265 91,250?\"," \
  "\"created_time\":\"2026-11-20T06:00:00Z\",\"updated_time\":\"2026-11-20T06:31:00.5Z\",\"open_time\":\"2026-11-20T06:30:00Z\",\"close_time\":\"2026-11-20T06:45:00Z\"," \
  "\"status\":\"active\",\"yes_bid_dollars\":\"0.4700\",\"volume_fp\":\"120.00\",\"open_interest_fp\":\"60.50\",\"result\":\"\",\"notional_value_dollars\":\"1.0000\"," \
  "\"strike_type\":\"greater_or_equal\",\"floor_strike\":91250.25,\"price_level_structure\":\"whatever\",\"exchange_index\":2," \
  "\"price_ranges\":[{\"start\":\"0.0000\",\"end\":\"0.1000\",\"step\":\"0.0010\"},{\"start\":\"0.1000\",\"end\":\"0.9000\",\"step\":\"0.0100\"}," \
  "{\"start\":\"0.9000\",\"end\":\"1.0000\",\"step\":\"0.0010\"}]}"

static void markets(void **state) {
  (void)state;
  pmm_kalshi_market_t m[2];
  pmm_kalshi_page_t page;
  assert_int_equal(READ(pmm_kalshi_markets_read, "{\"markets\":[" MARKET "],\"cursor\":\"abc\"}", m, 2, &page), PMM_OK);
  assert_int_equal(page.cnt, 1);
  assert_string_equal(page.cursor, "abc");
  assert_string_equal(m[0].desc.id, "KXBTC15M-26NOV200645-45");
  assert_string_equal(m[0].desc.event, "KXBTC15M-26NOV200645");
  assert_string_equal(m[0].series, "KXBTC15M");
  assert_int_equal(m[0].desc.life, PMM_LIFE_OPEN);
  assert_int_equal(m[0].desc.grid.range_cnt, 3);
  assert_int_equal(m[0].desc.grid.tick_e4, 10);
  assert_true(pmm_grid_is_valid(&m[0].desc.grid, 910) && !pmm_grid_is_valid(&m[0].desc.grid, 1010));
  assert_int_equal(m[0].desc.close_ns - m[0].desc.open_ns, 900 * PMM_NS_PER_S);
  assert_int_equal(m[0].desc.strike_e8, INT64_C(9125025000000));
  assert_int_equal(m[0].desc.tie_is_yes, 1);
  assert_int_equal(m[0].exchange_index, 2);
  assert_int_equal(m[0].open_interest_e6, 60500000);
  assert_int_equal(READ(pmm_kalshi_markets_read, "{\"market\":" MARKET "}", m, 2, &page), PMM_OK);
  assert_true(page.cnt == 1 && page.cursor[0] == '\0');
  assert_int_equal(READ(pmm_kalshi_markets_read, "{\"markets\":[" MARKET "," MARKET "," MARKET "]}", m, 2, &page), PMM_FULL);
}

/* status, result and settlement of markets, as {status, rest}. */
static void lives(void **state) {
  (void)state;
  static const struct { const char *status, *rest; int life, outcome; int64_t payout_e6; } rows[] = {
      {"initialized", "", PMM_LIFE_PENDING, PMM_OUTCOME_UNKNOWN, 0},
      {"active", "", PMM_LIFE_OPEN, PMM_OUTCOME_UNKNOWN, 0},
      {"inactive", "", PMM_LIFE_HALTED, PMM_OUTCOME_UNKNOWN, 0},
      {"closed", "", PMM_LIFE_CLOSED, PMM_OUTCOME_UNKNOWN, 0},
      {"determined", ",\"result\":\"yes\"", PMM_LIFE_RESOLVING, PMM_OUTCOME_YES, 1000000},
      {"disputed", ",\"result\":\"no\"", PMM_LIFE_RESOLVING, PMM_OUTCOME_NO, 0},
      {"finalized", ",\"result\":\"scalar\",\"settlement_value_dollars\":\"0.3700\"", PMM_LIFE_RESOLVED, PMM_OUTCOME_VOID, 370000},
      {"frozen-by-a-new-word", "", PMM_LIFE_HALTED, PMM_OUTCOME_UNKNOWN, 0},
  };
  for (size_t i = 0; i < COUNT_OF(rows); i++) {
    char text[400];
    pmm_kalshi_market_t m;
    pmm_kalshi_page_t page;
    snprintf(text, sizeof text, "{\"market\":{\"ticker\":\"A\",\"status\":\"%s\",\"price_level_structure\":\"linear_cent\"%s}}", rows[i].status, rows[i].rest);
    assert_int_equal(READ(pmm_kalshi_markets_read, text, &m, 1, &page), PMM_OK);
    if (m.desc.life != rows[i].life || m.desc.outcome != rows[i].outcome || m.desc.payout_yes_e6 != rows[i].payout_e6) fail_msg("%s", rows[i].status);
  }
}

static void markets_refused(void **state) {
  (void)state;
  static const struct { const char *text, *says; } rows[] = {
      {"{\"markets\":{}}", "markets: no array"},
      {"{}", "markets is missing"},
      {"{\"market\":{\"status\":\"active\"}}", "ticker is missing"},
      {"{\"market\":{\"ticker\":\"\",\"price_level_structure\":\"linear_cent\"}}", "ticker: empty"},
      {"{\"market\":{\"ticker\":\"A\"}}", "price_ranges are missing"},
      {"{\"market\":{\"ticker\":\"A\",\"price_ranges\":[]}}", "price_ranges"},
      {"{\"market\":{\"ticker\":\"A\",\"price_level_structure\":\"linear_cent\",\"close_time\":\"yesterday\"}}", "close_time: no time"},
      {"{\"market\":{\"ticker\":\"A\",\"price_level_structure\":\"linear_cent\",\"settlement_value_dollars\":\"3\"}}", "payout_yes"},
      {"{\"market\":{\"ticker\":\"A\",\"price_level_structure\":\"linear_cent\"},\"cursor\":7}", "cursor: no text"},
      {"{\"market\":{\"ticker\":\"AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA\"}}", "ticker: too long"},
  };
  for (size_t i = 0; i < COUNT_OF(rows); i++) {
    pmm_kalshi_market_t m;
    pmm_kalshi_page_t page = {.cnt = 77};
    pmm_status_t const st = READ(pmm_kalshi_markets_read, rows[i].text, &m, 1, &page);
    if (st != PMM_PARSE || !strstr(rig_err.text, rows[i].says)) fail_msg("%s: %d %s", rows[i].text, st, rig_err.text);
    assert_int_equal(page.cnt, 77);
  }
}

static void vector_ticks(void **state) {
  (void)state;
  const char *name;
  json_t *row, *price;
  size_t i;
  json_t *const structures = json_object_get(json_object_get(vectors, "ticks"), "structures");
  assert_int_equal(json_object_size(structures), 12);
  json_object_foreach(structures, name, row) {
    for (int by_name = 0; by_name < 2; by_name++) {
      json_t *const m = json_pack("{s:{s:s,s:s}}", "market", "ticker", "A", "price_level_structure", by_name ? name : "of another day");
      if (!by_name) json_object_set(json_object_get(m, "market"), "price_ranges", json_object_get(row, "price_ranges"));
      char *const text = dump(m);
      pmm_kalshi_market_t out;
      pmm_kalshi_page_t page;
      assert_int_equal(READ(pmm_kalshi_markets_read, text, &out, 1, &page), PMM_OK);
      assert_int_equal(pmm_grid_level_cnt(&out.desc.grid), json_integer_value(json_object_get(row, "level_cnt")));
      json_array_foreach(json_object_get(row, "valid"), i, price) {
        int64_t e4 = 0;
        assert_int_equal(pmm_decimal_parse(json_string_value(price), strlen(json_string_value(price)), 4, &e4, NULL), PMM_OK);
        assert_true(pmm_grid_is_valid(&out.desc.grid, (int32_t)e4));
      }
      json_array_foreach(json_object_get(row, "invalid"), i, price) {
        int64_t e4 = 0;
        assert_int_equal(pmm_decimal_parse(json_string_value(price), strlen(json_string_value(price)), 4, &e4, NULL), PMM_OK);
        assert_false(pmm_grid_is_valid(&out.desc.grid, (int32_t)e4));
      }
      free(text);
      json_decref(m);
    }
  }
}

/* -- fees: from a series' answer to the charge of a fill -- */

static const char *type_of_role(const char *role) { return strcmp(role, "taker") == 0 ? "quadratic" : role + strlen("maker_"); }
static int64_t e(const char *text, int scale) {
  int64_t v = 0;
  if (!text || pmm_decimal_parse(text, strlen(text), scale, &v, NULL) != PMM_OK) fail_msg("\"%s\"", text ? text : "(null)");
  return v;
}

static void vector_fees(void **state) {
  (void)state;
  size_t i;
  json_t *row;
  json_t *const rows = json_object_get(json_object_get(vectors, "fees"), "cases");
  assert_int_equal(json_array_size(rows), 18);
  json_array_foreach(rows, i, row) {
    char text[200];
    pmm_kalshi_terms_t series;
    pmm_fee_schedule_t fees;
    bool const maker = strcmp(str(row, "role"), "taker") != 0;
    snprintf(text, sizeof text, "{\"series\":{\"ticker\":\"KXT\",\"fee_type\":\"%s\",\"fee_multiplier\":%s}}", type_of_role(str(row, "role")), str(row, "fee_multiplier"));
    assert_int_equal(READ(pmm_kalshi_terms_read, text, &series), PMM_OK);
    static const struct { const char *column; int32_t precision_e6; } precisions[] = {{"direct_1e-4", 100}, {"cent_1e-2", 10000}};
    for (size_t k = 0; k < 2; k++) {
      assert_int_equal(pmm_kalshi_fees(&series, NULL, precisions[k].precision_e6, &fees), PMM_OK);
      pmm_side_t const side = strcmp(str(row, "side"), "bid") == 0 ? PMM_BID : PMM_ASK;
      pmm_fee_acc_t acc = {0};
      pmm_fee_detail_t const d = pmm_fee_kalshi_detail(&fees, maker, side, (int32_t)e(str(row, "yes_price"), 4), e(str(row, "count"), 6), &acc);
      const json_t *const want = json_object_get(row, precisions[k].column);
      assert_int_equal(d.trade_fee_e6, e(str(row, "trade_fee"), 6));
      assert_int_equal(d.balance_change_e6, e(str(want, "balance_change"), 6));
      assert_int_equal(d.trade_fee_e6 + d.rounding_fee_e6, e(str(want, "fee_before_rebate"), 6));
    }
  }
}

static void fee_overrides(void **state) {
  (void)state;
  pmm_kalshi_terms_t series, event;
  pmm_fee_schedule_t f;
  assert_int_equal(READ(pmm_kalshi_terms_read, "{\"series\":{\"fee_type\":\"quadratic_with_maker_fees\",\"fee_multiplier\":1}}", &series), PMM_OK);
  assert_int_equal(pmm_kalshi_fees(&series, NULL, 100, &f), PMM_OK);
  assert_true(f.taker_rate_e6 == 70000 && f.maker_rate_e6 == 17500 && f.precision_e6 == 100);
  assert_int_equal(READ(pmm_kalshi_terms_read, "{\"event\":{\"event_ticker\":\"E\",\"fee_type_override\":null,\"fee_multiplier_override\":0.5}}", &event), PMM_OK);
  assert_true(!event.has_type && event.has_multiplier);
  assert_int_equal(pmm_kalshi_fees(&series, &event, 100, &f), PMM_OK);
  assert_true(f.taker_rate_e6 == 35000 && f.maker_rate_e6 == 8750);
  assert_int_equal(READ(pmm_kalshi_terms_read, "{\"event\":{\"fee_type_override\":\"quadratic\",\"fee_multiplier_override\":null}}", &event), PMM_OK);
  assert_int_equal(pmm_kalshi_fees(&series, &event, 100, &f), PMM_OK);
  assert_true(f.taker_rate_e6 == 70000 && f.maker_rate_e6 == 0);
  assert_int_equal(READ(pmm_kalshi_terms_read, "{\"series\":{\"fee_type\":\"cubic\",\"fee_multiplier\":2}}", &series), PMM_OK);
  assert_int_equal(pmm_kalshi_fees(&series, NULL, 100, &f), PMM_NOT_FOUND);
  assert_true(f.taker_rate_e6 == 140000 && f.maker_rate_e6 == 35000);
  series.multiplier_e6 = 20 * PMM_ONE_E6;
  assert_int_equal(pmm_kalshi_fees(&series, NULL, 100, &f), PMM_INVAL);
  assert_int_equal(READ(pmm_kalshi_terms_read, "{\"market\":{}}", &series), PMM_PARSE);
}

/* -- the account -- */

static void orders_and_fills(void **state) {
  (void)state;
  pmm_kalshi_order_t o[3];
  pmm_kalshi_fill_t f[3];
  pmm_kalshi_position_t p[3];
  pmm_kalshi_page_t page;
  assert_int_equal(READ(pmm_kalshi_orders_read, "{\"orders\":[{\"order_id\":\"o-1\",\"user_id\":\"u\",\"client_order_id\":\"\",\"ticker\":\"A\",\"side\":\"yes\",\"action\":\"sell\",\"type\":\"limit\","
                        "\"status\":\"resting\",\"yes_price_dollars\":\"0.5600\",\"no_price_dollars\":\"0.4400\",\"fill_count_fp\":\"1.50\",\"remaining_count_fp\":\"8.50\","
                        "\"initial_count_fp\":\"10.00\",\"expiration_time\":null,\"created_time\":\"2026-06-11T05:39:29Z\",\"order_group_id\":\"g\"}],\"cursor\":\"\"}", o, 3, &page), PMM_OK);
  assert_int_equal(page.cnt, 1);
  assert_int_equal(o[0].side, PMM_ASK); /* sold YES */
  assert_int_equal(o[0].status, PMM_KALSHI_ORDER_RESTING);
  assert_int_equal(o[0].remaining_e6, 8500000);
  assert_int_equal(o[0].expires_ns, PMM_TIME_NONE);
  text_is(o[0].group_id, "g");
  assert_int_equal(READ(pmm_kalshi_fills_read, "{\"fills\":[{\"fill_id\":\"t-1\",\"trade_id\":\"t-1\",\"order_id\":\"o-1\",\"ticker\":\"A\",\"market_ticker\":\"A\",\"outcome_side\":\"no\","
                        "\"book_side\":\"ask\",\"count_fp\":\"2.00\",\"yes_price_dollars\":\"0.5200\",\"no_price_dollars\":\"0.4800\",\"is_taker\":true,\"created_time\":\"2026-06-11T05:39:31.28563Z\","
                        "\"fee_cost\":\"0.035000\",\"ts\":1781156371}],\"cursor\":\"next\"}", f, 3, &page), PMM_OK);
  assert_string_equal(page.cursor, "next");
  assert_int_equal(f[0].fee_e6, 35000);
  assert_int_equal(f[0].exch_ns, INT64_C(1781156371285630000));
  assert_false(f[0].maker || f[0].has_position);
  assert_int_equal(READ(pmm_kalshi_positions_read, "{\"market_positions\":[{\"ticker\":\"A\",\"exchange_index\":1,\"total_traded_dollars\":\"6.0\",\"position_fp\":\"-10.00\",\"market_exposure_dollars\":\"6.000000\","
                        "\"realized_pnl_dollars\":\"0.200000\",\"fees_paid_dollars\":\"0.1\",\"last_updated_ts\":\"2026-06-11T05:39:29Z\"}],\"event_positions\":[{\"event_ticker\":\"E\"}]}", p, 3, &page), PMM_OK);
  assert_true(p[0].position_e6 == -10000000 && p[0].cost_e6 == 6000000 && p[0].exchange_index == 1);
  pmm_kalshi_frame_t book;
  char *const text = dump(json_object_get(json_object_get(vectors, "rest_book"), "body"));
  assert_int_equal(READ(pmm_kalshi_orderbook_read, text, &book), PMM_OK);
  free(text);
  assert_true(book.u.book.cnt[0] == 2 && book.u.book.cnt[1] == 2);
  assert_true(book.u.book.level[0][1].price_e4 == 4700 && book.u.book.level[1][1].qty_e6 == 2000000);
}

static void account_and_exchange(void **state) {
  (void)state;
  pmm_kalshi_balance_t b;
  pmm_kalshi_exchange_t x;
  pmm_kalshi_limits_t l;
  pmm_kalshi_costs_t c, d;
  pmm_kalshi_group_state_t g[2];
  pmm_kalshi_page_t page;
  assert_int_equal(READ(pmm_kalshi_balance_read, "{\"balance\":9801,\"balance_dollars\":\"98.0186\",\"portfolio_value\":5,\"updated_ts\":1781156371,\"balance_breakdown\":[{\"exchange_index\":0,\"balance\":\"90.0000\"},"
                        "{\"exchange_index\":2,\"balance\":\"8.0186\"},{\"exchange_index\":99,\"balance\":\"1\"}]}", &b), PMM_OK);
  assert_true(b.balance_e6 == 98018600 && b.shards == 5 && b.shard_e6[2] == 8018600);
  assert_int_equal(READ(pmm_kalshi_exchange_read, "{\"exchange_active\":true,\"trading_active\":true,\"exchange_index_statuses\":[{\"exchange_index\":0,\"description\":\"x\",\"exchange_active\":true,\"trading_active\":true},"
                        "{\"exchange_index\":2,\"exchange_active\":true,\"trading_active\":false}]}", &x), PMM_OK);
  assert_true(x.trading_active && x.shards == 5 && x.shards_trading == 1);
  assert_int_equal(READ(pmm_kalshi_limits_read, "{\"usage_tier\":\"basic\",\"read\":{\"refill_rate\":200,\"bucket_capacity\":200},\"write\":{\"refill_rate\":100,\"bucket_capacity\":100},\"grants\":[]}", &l), PMM_OK);
  assert_true(l.read_rate_e6 == 200000000 && l.write_cap_e6 == 100000000);
  assert_string_equal(l.tier, "basic");
  assert_int_equal(READ(pmm_kalshi_costs_read, "{\"default_cost\":11,\"endpoint_costs\":[{\"method\":\"DELETE\",\"path\":\"/trade-api/v2/portfolio/events/orders/:order_id\",\"cost\":3},"
                        "{\"method\":\"DELETE\",\"path\":\"/trade-api/v2/portfolio/events/orders\",\"cost\":4},{\"method\":\"GET\",\"path\":\"/trade-api/v2/portfolio/orders/{order_id}\",\"cost\":5},"
                        "{\"method\":\"POST\",\"path\":\"/trade-api/v2/portfolio/events/orders/:order_id/amend\",\"cost\":6},{\"method\":\"GET\",\"path\":\"/other\",\"cost\":7}]}", &c), PMM_OK);
  d = (pmm_kalshi_costs_t){.create = 11, .cancel = 3, .cancel_all = 4, .batch_create = 11, .batch_cancel = 3, .amend = 6, .decrease = 11, .get_order = 5, .other = 11};
  assert_memory_equal(&c, &d, sizeof c);
  assert_int_equal(READ(pmm_kalshi_groups_read, "{\"order_groups\":[{\"id\":\"g-1\",\"contracts_limit_fp\":\"50.00\",\"is_auto_cancel_enabled\":true}]}", g, 2, &page), PMM_OK);
  assert_true(page.cnt == 1 && g[0].limit_e6 == 50000000 && g[0].auto_cancel);
  assert_int_equal(READ(pmm_kalshi_groups_read, "{}", g, 2, &page), PMM_OK);
  assert_int_equal(page.cnt, 0);
  assert_int_equal(READ(pmm_kalshi_groups_read, "{\"order_group_id\":\"g-2\",\"subaccount\":0,\"exchange_index\":2}", g, 2, &page), PMM_OK);
  text_is(g[0].id, "g-2");
  assert_int_equal(g[0].exchange_index, 2);
}

static void answers(void **state) {
  (void)state;
  pmm_kalshi_done_t d[3];
  size_t cnt = 0;
  assert_int_equal(READ(pmm_kalshi_done_read, "{\"client_order_id\":\"mm-000001\",\"fill_count\":\"3.00\",\"order_id\":\"o-1\",\"remaining_count\":\"7.00\",\"average_fill_price\":\"0.5155\",\"ts_ms\":1790000000200}", d), PMM_OK);
  assert_true(d->filled_e6 == 3000000 && d->remaining_e6 == 7000000 && d->reduced_e6 == -1 && d->exch_ns == INT64_C(1790000000200) * PMM_NS_PER_MS);
  assert_int_equal(d->error.fault, PMM_KALSHI_FAULT_NONE);
  assert_int_equal(READ(pmm_kalshi_batch_read, "{\"orders\":[{\"order_id\":\"o-1\",\"client_order_id\":\"a\",\"fill_count\":\"0.00\",\"remaining_count\":\"1.00\",\"ts_ms\":5,\"error\":null},"
                        "{\"client_order_id\":\"b\",\"error\":{\"code\":\"insufficient_balance\",\"message\":\"no\"}},{\"order_id\":\"o-3\",\"client_order_id\":\"c\",\"reduced_by\":\"0.00\",\"error\":{\"code\":\"not_found\"}}]}",
                        d, 3, &cnt), PMM_OK);
  assert_int_equal(cnt, 3);
  assert_int_equal(d[0].error.fault, PMM_KALSHI_FAULT_NONE);
  assert_int_equal(d[1].error.reject, PMM_REJECT_FUNDS);
  assert_int_equal(d[2].error.fault, PMM_KALSHI_FAULT_NOT_FOUND);
  assert_int_equal(d[2].reduced_e6, 0);
  assert_int_equal(READ(pmm_kalshi_done_read, "{\"fill_count\":\"3.00\"}", d), PMM_PARSE);
}

static void vector_errors(void **state) {
  (void)state;
  size_t i;
  json_t *row;
  json_t *const rows = json_object_get(json_object_get(vectors, "errors"), "cases");
  assert_int_equal(json_array_size(rows), 14);
  json_array_foreach(rows, i, row) {
    pmm_kalshi_error_t got;
    size_t len;
    char *const text = dump(json_object_get(row, "body"));
    padded(text, &len);
    pmm_kalshi_error_read(codec, (int)json_integer_value(json_object_get(row, "http")), rig_buf, len, &got);
    assert_string_equal(got.code, str(row, "code") ? str(row, "code") : "");
    if (str(row, "details")) assert_string_equal(got.details, str(row, "details"));
    assert_true(got.message[0] != '\0');
    free(text);
  }
}

static void what_errors_mean(void **state) {
  (void)state;
  static const struct { int http; const char *body; pmm_kalshi_fault_t fault; pmm_reject_t reject; } rows[] = {
      {400, "{\"error\":{\"code\":\"invalid_order\",\"message\":\"invalid order\",\"details\":\"post only cross\"}}", PMM_KALSHI_FAULT_REFUSED, PMM_REJECT_POST_ONLY},
      {400, "{\"error\":{\"code\":\"invalid_price\"}}", PMM_KALSHI_FAULT_REFUSED, PMM_REJECT_PRICE},
      {400, "{\"error\":{\"code\":\"available_balance_too_low\"}}", PMM_KALSHI_FAULT_REFUSED, PMM_REJECT_FUNDS},
      {409, "{\"error\":{\"code\":\"order_already_exists\"}}", PMM_KALSHI_FAULT_DUPLICATE, PMM_REJECT_DUPLICATE},
      {409, "{\"error\":{\"code\":\"fill_or_kill_insufficient_resting_volume\"}}", PMM_KALSHI_FAULT_REFUSED, PMM_REJECT_FOK},
      {400, "{\"error\":{\"code\":\"MARKET_INACTIVE\"}}", PMM_KALSHI_FAULT_CLOSED, PMM_REJECT_CLOSED},
      {404, "{\"error\":{\"code\":\"not_found\"}}", PMM_KALSHI_FAULT_NOT_FOUND, PMM_REJECT_UNKNOWN_ORDER},
      {429, "{\"error\":\"too many requests\"}", PMM_KALSHI_FAULT_RATE, PMM_REJECT_RATE},
      {401, "{\"code\":\"token_authentication_failure\"}", PMM_KALSHI_FAULT_AUTH, PMM_REJECT_NONE},
      {403, "", PMM_KALSHI_FAULT_AUTH, PMM_REJECT_NONE},
      {500, "{\"error\":{\"code\":\"not_found\"}}", PMM_KALSHI_FAULT_UNKNOWN, PMM_REJECT_NONE},
      {503, "{\"exchange_active\":false,\"trading_active\":false}", PMM_KALSHI_FAULT_UNKNOWN, PMM_REJECT_NONE},
      {504, "<html>gateway</html>", PMM_KALSHI_FAULT_UNKNOWN, PMM_REJECT_NONE},
      {408, "{}", PMM_KALSHI_FAULT_UNKNOWN, PMM_REJECT_NONE},
      {418, "{\"msg\":5}", PMM_KALSHI_FAULT_REFUSED, PMM_REJECT_NONE},
      {400, "[1,2]", PMM_KALSHI_FAULT_REFUSED, PMM_REJECT_NONE},
  };
  for (size_t i = 0; i < COUNT_OF(rows); i++) {
    pmm_kalshi_error_t got;
    size_t len;
    padded(rows[i].body, &len);
    pmm_kalshi_error_read(codec, rows[i].http, rig_buf, len, &got);
    if (got.fault != rows[i].fault || got.reject != rows[i].reject) fail_msg("%d %s: %d %d", rows[i].http, rows[i].body, got.fault, got.reject);
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(markets), cmocka_unit_test(lives), cmocka_unit_test(markets_refused), cmocka_unit_test(vector_ticks), cmocka_unit_test(vector_fees),
      cmocka_unit_test(fee_overrides), cmocka_unit_test(orders_and_fills), cmocka_unit_test(account_and_exchange), cmocka_unit_test(answers),
      cmocka_unit_test(vector_errors), cmocka_unit_test(what_errors_mean),
  };
  return cmocka_run_group_tests(tests, rig_open, rig_close);
}
