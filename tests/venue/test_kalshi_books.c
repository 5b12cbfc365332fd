/* Kalshi's books from frames, their numbering, and what is written: requests and commands. */
#include "pmm/decimal.h"
#include "venue/kalshi_rig.h"

static int64_t e(const char *text, int scale) {
  int64_t v = 0;
  if (!text || pmm_decimal_parse(text, strlen(text), scale, &v, NULL) != PMM_OK) fail_msg("\"%s\"", text ? text : "(null)");
  return v;
}
static const char *item(const json_t *array, size_t i) { return json_string_value(json_array_get(array, i)); }

static pmm_kalshi_books_t *books_for(const char *const *ids, size_t cnt, bool yes_price) {
  pmm_kalshi_books_t *b = NULL;
  assert_int_equal(pmm_kalshi_books_open(&b, (uint32_t)cnt), PMM_OK);
  for (size_t i = 0; i < cnt; i++) {
    pmm_market_t m;
    uint32_t index;
    pmm_market_init(&m, ids[i]);
    assert_int_equal(pmm_grid_uniform(&m.grid, 1), PMM_OK);
    assert_int_equal(pmm_kalshi_books_add(b, &m, &index), PMM_OK);
    assert_int_equal(index, i);
  }
  for (uint32_t sid = 1; sid <= 9; sid++) assert_int_equal(pmm_kalshi_books_sid(b, sid, yes_price), PMM_OK);
  return b;
}

/* A ladder of its own that follows the records alone, as an engine would. */
static void follow(pmm_ladder_t *l, const pmm_md_t *md, size_t cnt) {
  for (size_t i = 0; i < cnt; i++) {
    if (md[i].kind == PMM_MD_CLEAR) pmm_ladder_clear(&l[md[i].market]);
    if (md[i].kind == PMM_MD_LEVEL) assert_int_equal(pmm_ladder_set(&l[md[i].market], (pmm_side_t)md[i].side, md[i].price_e4, md[i].qty_e6), PMM_OK);
    assert_int_equal(md[i].flags & PMM_F_LAST, i + 1 == cnt ? PMM_F_LAST : 0);
  }
}

static void check_side(const pmm_ladder_t *l, pmm_side_t side, const json_t *want) {
  size_t i;
  json_t *level;
  assert_int_equal(l->level_cnt[side], json_array_size(want));
  json_array_foreach(want, i, level) assert_int_equal(pmm_ladder_qty(l, side, (int32_t)e(item(level, 0), 4)), e(item(level, 1), 6));
}

static void vector_books(void **state) {
  (void)state;
  size_t i, k;
  json_t *row, *frame, *want;
  const char *ticker;
  json_array_foreach(json_object_get(json_object_get(vectors, "books"), "cases"), i, row) {
    const char *ids[4];
    size_t n = 0;
    json_object_foreach(json_object_get(row, "result"), ticker, want) ids[n++] = ticker;
    pmm_kalshi_books_t *const b = books_for(ids, n, json_is_true(json_object_get(row, "use_yes_price")));
    pmm_arena_t arena;
    pmm_ladder_t copy[4];
    assert_int_equal(pmm_arena_open(&arena, 4 * pmm_ladder_bytes(10000)), PMM_OK);
    for (size_t m = 0; m < 4; m++) assert_int_equal(pmm_ladder_init(&copy[m], &arena, 10000, 10000), PMM_OK);
    json_array_foreach(json_object_get(row, "frames"), k, frame) {
      char *const text = dump(frame);
      pmm_kalshi_frame_t f;
      const pmm_md_t *md;
      size_t cnt;
      if (read_frame(text, &f) != PMM_OK) fail_msg("%s", rig_err.text);
      assert_int_equal(pmm_kalshi_books_count(b, &f), PMM_OK);
      assert_int_equal(pmm_kalshi_books_apply(b, &f, 7, &md, &cnt), PMM_OK);
      assert_true(cnt > 0 && md[0].recv_ns == 7 && md[0].seq == f.seq);
      follow(copy, md, cnt);
      free(text);
    }
    for (uint32_t m = 0; m < n; m++) {
      want = json_object_get(json_object_get(row, "result"), ids[m]);
      const pmm_ladder_t *const l = pmm_kalshi_books_ladder(b, m);
      check_side(l, PMM_BID, json_object_get(want, "yes_bids"));
      check_side(l, PMM_ASK, json_object_get(want, "yes_asks"));
      assert_int_equal(pmm_ladder_hash(l), pmm_ladder_hash(&copy[m]));
      assert_true(pmm_kalshi_books_is_good(b, m));
    }
    pmm_arena_close(&arena);
    pmm_kalshi_books_close(b);
  }
}

static void vector_gaps(void **state) {
  (void)state;
  size_t i, k;
  json_t *row, *frame;
  json_array_foreach(json_object_get(json_object_get(vectors, "sequence_gaps"), "cases"), i, row) {
    static const char *const ids[] = {"A"};
    pmm_kalshi_books_t *const b = books_for(ids, 1, false);
    json_t *const gaps = json_array();
    json_array_foreach(json_object_get(row, "frames"), k, frame) {
      pmm_kalshi_frame_t const f = {.has_seq = true, .sid = (uint32_t)json_integer_value(json_array_get(frame, 0)), .seq = (uint64_t)json_integer_value(json_array_get(frame, 1))};
      if (pmm_kalshi_books_count(b, &f) == PMM_SEQ_GAP) json_array_append_new(gaps, json_pack("[I,I]", (json_int_t)f.sid, (json_int_t)f.seq));
    }
    if (!json_equal(gaps, json_object_get(row, "gap_at"))) fail_msg("%s", str(row, "why"));
    json_decref(gaps);
    pmm_kalshi_books_close(b);
  }
}

#define SNAP(seq, market, yes, no) "{\"type\":\"orderbook_snapshot\",\"sid\":1,\"seq\":" #seq ",\"msg\":{\"market_ticker\":\"" market "\",\"yes_dollars_fp\":[" yes "],\"no_dollars_fp\":[" no "]}}"
#define CHANGE(seq, market, price, by) "{\"type\":\"orderbook_delta\",\"sid\":1,\"seq\":" #seq ",\"msg\":{\"market_ticker\":\"" market "\",\"price_dollars\":\"" price "\",\"delta_fp\":\"" by "\",\"side\":\"yes\"}}"

/* What makes a book untrustworthy, what is said about it, and what mends it. */
static void books_that_are_not_good(void **state) {
  (void)state;
  static const char *const ids[] = {"A", "B"};
  static const struct { const char *why, *text; pmm_status_t count, apply; size_t cnt; int kind; bool good[2]; } rows[] = {
      {"a delta before any snapshot", CHANGE(1, "A", "0.5", "1"), PMM_OK, PMM_NOT_READY, 0, 0, {false, false}},
      {"a snapshot", SNAP(2, "A", "[\"0.5\",\"2\"]", ""), PMM_OK, PMM_OK, 2, PMM_MD_CLEAR, {true, false}},
      {"another market of the same sid", SNAP(3, "B", "", "[\"0.4\",\"2\"]"), PMM_OK, PMM_OK, 2, PMM_MD_CLEAR, {true, true}},
      {"a market that is not ours", CHANGE(4, "C", "0.5", "1"), PMM_OK, PMM_NOT_FOUND, 0, 0, {true, true}},
      {"a delta", CHANGE(5, "A", "0.5", "-1"), PMM_OK, PMM_OK, 1, PMM_MD_LEVEL, {true, true}},
      {"below zero", CHANGE(6, "A", "0.5", "-1.01"), PMM_OK, PMM_CORRUPT, 1, PMM_MD_GAP, {false, true}},
      {"and said once", CHANGE(7, "A", "0.5", "-5"), PMM_OK, PMM_NOT_READY, 0, 0, {false, true}},
      {"a snapshot mends it", SNAP(8, "A", "[\"0.5\",\"2\"]", ""), PMM_OK, PMM_OK, 2, PMM_MD_CLEAR, {true, true}},
      {"off the ladder", CHANGE(9, "A", "0", "1"), PMM_OK, PMM_CORRUPT, 1, PMM_MD_GAP, {false, true}},
      {"a lost frame spoils every book of the sid", SNAP(11, "A", "", ""), PMM_SEQ_GAP, PMM_OK, 1, PMM_MD_CLEAR, {true, false}},
      {"a snapshot with a price that is none", SNAP(12, "A", "[\"0\",\"1\"]", ""), PMM_OK, PMM_CORRUPT, 1, PMM_MD_GAP, {false, false}},
  };
  pmm_kalshi_books_t *const b = books_for(ids, 2, false);
  for (size_t i = 0; i < COUNT_OF(rows); i++) {
    pmm_kalshi_frame_t f;
    const pmm_md_t *md = NULL;
    size_t cnt = 99;
    if (read_frame(rows[i].text, &f) != PMM_OK) fail_msg("%s: %s", rows[i].why, rig_err.text);
    pmm_status_t const count = pmm_kalshi_books_count(b, &f), apply = pmm_kalshi_books_apply(b, &f, 5, &md, &cnt);
    if (count != rows[i].count || apply != rows[i].apply || cnt != rows[i].cnt || (cnt > 0 && md[0].kind != rows[i].kind)) fail_msg("%s: %d %d %zu", rows[i].why, count, apply, cnt);
    if (pmm_kalshi_books_is_good(b, 0) != rows[i].good[0] || pmm_kalshi_books_is_good(b, 1) != rows[i].good[1]) fail_msg("%s", rows[i].why);
    assert_true(pmm_ladder_is_valid(pmm_kalshi_books_ladder(b, 0)));
  }
  pmm_md_t md[2];
  assert_int_equal(pmm_kalshi_books_gaps(b, 5, md, 2), 1); /* B, since the lost frame; A's was told at once */
  assert_true(md[0].market == 1 && md[0].kind == PMM_MD_GAP);
  assert_int_equal(pmm_kalshi_books_gaps(b, 5, md, 2), 0);
  pmm_kalshi_books_close(b);
}

static void a_lost_connection_and_another_grid(void **state) {
  (void)state;
  static const char *const ids[] = {"A", "B"};
  pmm_kalshi_books_t *const b = books_for(ids, 2, false);
  pmm_kalshi_frame_t f;
  const pmm_md_t *md;
  size_t cnt;
  pmm_md_t gap[2];
  pmm_grid_t cents;
  assert_int_equal(read_frame(SNAP(1, "B", "[\"0.5\",\"2\"],[\"0.505\",\"1\"]", ""), &f), PMM_OK);
  assert_int_equal(pmm_kalshi_books_count(b, &f), PMM_OK);
  assert_int_equal(pmm_kalshi_books_apply(b, &f, 5, &md, &cnt), PMM_OK);
  assert_int_equal(pmm_grid_uniform(&cents, 100), PMM_OK);
  assert_int_equal(pmm_kalshi_books_regrid(b, 1, &cents), PMM_OK);
  assert_int_equal(pmm_kalshi_books_ladder(b, 1)->level_cnt[PMM_BID], 1);
  assert_int_equal(pmm_kalshi_books_ladder(b, 1)->best[PMM_BID], 50);
  pmm_kalshi_books_forget(b);
  assert_int_equal(pmm_kalshi_books_gaps(b, 9, gap, 2), 1);
  assert_true(gap[0].market == 1 && gap[0].recv_ns == 9);
  assert_int_equal(pmm_kalshi_books_apply(b, &f, 5, &md, &cnt), PMM_NOT_FOUND); /* its sid is forgotten */
  pmm_kalshi_books_close(b);
}

static void trades(void **state) {
  (void)state;
  static const char *const ids[] = {"A"};
  pmm_kalshi_books_t *const b = books_for(ids, 1, false);
  pmm_kalshi_frame_t f;
  const pmm_md_t *md;
  size_t cnt;
  for (int block = 0; block < 2; block++) {
    char text[300];
    snprintf(text, sizeof text, "{\"type\":\"trade\",\"sid\":1,\"seq\":1,\"msg\":{\"trade_id\":\"t\",\"market_ticker\":\"A\",\"yes_price_dollars\":\"0.36\",\"count_fp\":\"2\","
             "\"taker_book_side\":\"ask\",\"is_block_trade\":%s,\"ts_ms\":5}}", block ? "true" : "false");
    assert_int_equal(read_frame(text, &f), PMM_OK);
    assert_int_equal(pmm_kalshi_books_apply(b, &f, 5, &md, &cnt), PMM_OK);
    assert_int_equal(cnt, 1);
    assert_int_equal(md[0].kind, block ? PMM_MD_MARK : PMM_MD_TRADE);
    if (!block) assert_true(md[0].side == PMM_ASK && md[0].price_e4 == 3600 && md[0].qty_e6 == 2000000 && md[0].exch_ns == 5 * PMM_NS_PER_MS);
  }
  pmm_kalshi_books_close(b);
}

/* -- what is written -- */

/* Any byte that a name may not hold, at any place of a name of any length. */
static void names(void **state) {
  (void)state;
  char buf[600], text[41];
  for (size_t len = 1; len <= 40; len++)
    for (size_t at = 0; at < len; at++)
      for (int c = 1; c < 256; c++) {
        memset(text, 'K', len);
        text[len] = '\0';
        text[at] = (char)c;
        pmm_kalshi_new_t const n = {.market = text, .client_order_id = "c", .price_e4 = 5000, .qty_e6 = 10000, .tif = PMM_IOC};
        bool const plain = c >= ' ' && c <= '~' && c != '"' && c != '\\';
        if ((pmm_kalshi_write_create(&n, buf, sizeof buf) > 0) != plain) fail_msg("byte %d at %zu of %zu", c, at, len);
      }
}

static void requests(void **state) {
  (void)state;
  char buf[600];
  pmm_kalshi_new_t n = {.market = "KXT-26NOV20-A", .client_order_id = "mm-000001", .price_e4 = 4500, .qty_e6 = 10000000, .expires_ns = PMM_TIME_NONE, .side = PMM_BID, .tif = PMM_GTC, .post_only = true};
  static const char want[] = "{\"ticker\":\"KXT-26NOV20-A\",\"side\":\"bid\",\"count\":\"10.00\",\"price\":\"0.4500\",\"time_in_force\":\"good_till_canceled\","
                             "\"self_trade_prevention_type\":\"taker_at_cross\",\"post_only\":true,\"client_order_id\":\"mm-000001\"}";
  assert_int_equal(pmm_kalshi_write_create(&n, buf, sizeof buf), sizeof want - 1);
  assert_string_equal(buf, want);
  assert_int_equal(pmm_kalshi_write_create(&n, buf, sizeof want), sizeof want - 1);
  assert_int_equal(pmm_kalshi_write_create(&n, buf, sizeof want - 1), 0);
  n = (pmm_kalshi_new_t){.market = "A", .client_order_id = "c", .group_id = "g", .price_e4 = 1, .qty_e6 = 10000, .expires_ns = INT64_C(1790000000) * PMM_NS_PER_S + 5, .side = PMM_ASK, .tif = PMM_GTD, .cancel_on_pause = true,
                        .stp_maker = true, .subaccount = 3};
  assert_true(pmm_kalshi_write_create(&n, buf, sizeof buf) > 0);
  assert_string_equal(buf, "{\"ticker\":\"A\",\"side\":\"ask\",\"count\":\"0.01\",\"price\":\"0.0001\",\"time_in_force\":\"good_till_canceled\",\"expiration_time\":1790000000,"
                           "\"self_trade_prevention_type\":\"maker\",\"cancel_order_on_pause\":true,\"client_order_id\":\"c\",\"order_group_id\":\"g\",\"subaccount\":3}");
  static const struct { const char *why; int32_t price_e4; int64_t qty_e6; const char *market; int tif; } bad[] = {
      {"no price", 0, 10000, "A", PMM_GTC}, {"a dollar", 10000, 10000, "A", PMM_GTC}, {"finer than the lot", 5000, 10001, "A", PMM_GTC}, {"nothing", 5000, 0, "A", PMM_GTC},
      {"negative", 5000, -10000, "A", PMM_GTC}, {"a quote in a name", 5000, 10000, "A\"", PMM_GTC}, {"a line break", 5000, 10000, "A\n", PMM_GTC}, {"no expiry", 5000, 10000, "A", PMM_GTD}};
  for (size_t i = 0; i < COUNT_OF(bad); i++) {
    n = (pmm_kalshi_new_t){.market = bad[i].market, .client_order_id = "c", .price_e4 = bad[i].price_e4, .qty_e6 = bad[i].qty_e6, .expires_ns = 0, .tif = (uint8_t)bad[i].tif};
    if (pmm_kalshi_write_create(&n, buf, sizeof buf) != 0) fail_msg("%s: %s", bad[i].why, buf);
  }
  n = (pmm_kalshi_new_t){.market = "A", .client_order_id = "c", .price_e4 = 5000, .qty_e6 = INT64_C(123456780000), .tif = PMM_IOC, .reduce_only = true};
  assert_true(pmm_kalshi_write_batch_create((pmm_kalshi_new_t[]){n, n}, 2, buf, sizeof buf) > 0);
  json_t *const batch = json_loads(buf, 0, NULL);
  assert_int_equal(json_array_size(json_object_get(batch, "orders")), 2);
  assert_string_equal(str(json_array_get(json_object_get(batch, "orders"), 1), "count"), "123456.78");
  assert_string_equal(str(json_array_get(json_object_get(batch, "orders"), 1), "time_in_force"), "immediate_or_cancel");
  json_decref(batch);
}

static void other_requests(void **state) {
  (void)state;
  char buf[600];
  assert_true(pmm_kalshi_write_batch_cancel((pmm_kalshi_kill_t[]){{"o-1", "A", 0}, {"o-2", "B", 2}}, 2, buf, sizeof buf) > 0);
  assert_string_equal(buf, "{\"orders\":[{\"order_id\":\"o-1\",\"market_ticker\":\"A\"},{\"order_id\":\"o-2\",\"subaccount\":2,\"market_ticker\":\"B\"}]}");
  assert_true(pmm_kalshi_write_amend(&(pmm_kalshi_amend_t){.market = "A", .client_order_id = "c", .side = PMM_ASK, .price_e4 = 5600, .total_e6 = 7000000, .expires_ns = PMM_TIME_NONE}, buf, sizeof buf) > 0);
  assert_string_equal(buf, "{\"ticker\":\"A\",\"side\":\"ask\",\"price\":\"0.5600\",\"count\":\"7.00\",\"client_order_id\":\"c\"}");
  assert_true(pmm_kalshi_write_amend(&(pmm_kalshi_amend_t){.market = "A", .price_e4 = 5600, .total_e6 = 7000000, .expires_ns = INT64_C(1790000000) * PMM_NS_PER_S}, buf, sizeof buf) > 0);
  assert_string_equal(buf, "{\"ticker\":\"A\",\"side\":\"bid\",\"price\":\"0.5600\",\"count\":\"7.00\",\"expiration_time\":1790000000}");
  assert_true(pmm_kalshi_write_decrease("A", 4000000, buf, sizeof buf) > 0);
  assert_string_equal(buf, "{\"reduce_by\":\"4.00\",\"market_ticker\":\"A\"}");
  assert_true(pmm_kalshi_write_group(50000000, 0, 0, buf, sizeof buf) > 0);
  assert_string_equal(buf, "{\"contracts_limit_fp\":\"50.00\"}");
  const char *const channels[] = {"orderbook_delta", "trade"}, *const markets[] = {"KXT-26NOV20-A"};
  assert_true(pmm_kalshi_write_subscribe(1, channels, 2, markets, 1, false, buf, sizeof buf) > 0);
  assert_string_equal(buf, "{\"id\":1,\"cmd\":\"subscribe\",\"params\":{\"channels\":[\"orderbook_delta\",\"trade\"],\"market_tickers\":[\"KXT-26NOV20-A\"],\"use_yes_price\":false}}");
  assert_true(pmm_kalshi_write_subscribe(2, channels + 1, 1, NULL, 0, true, buf, sizeof buf) > 0);
  assert_string_equal(buf, "{\"id\":2,\"cmd\":\"subscribe\",\"params\":{\"channels\":[\"trade\"]}}");
  assert_true(pmm_kalshi_write_update(3, 1, PMM_KALSHI_GET_SNAPSHOT, markets, 1, buf, sizeof buf) > 0);
  assert_string_equal(buf, "{\"id\":3,\"cmd\":\"update_subscription\",\"params\":{\"sids\":[1],\"market_tickers\":[\"KXT-26NOV20-A\"],\"action\":\"get_snapshot\"}}");
  assert_true(pmm_kalshi_write_unsubscribe(4, (uint32_t[]){1, 2}, 2, buf, sizeof buf) > 0);
  assert_string_equal(buf, "{\"id\":4,\"cmd\":\"unsubscribe\",\"params\":{\"sids\":[1,2]}}");
}

static void client_ids(void **state) {
  (void)state;
  char id[PMM_KALSHI_CLIENT_ID_LEN + 1];
  uint64_t back = 5;
  pmm_kalshi_client_id(UINT64_C(0x8000000100abcdef), id);
  assert_string_equal(id, "pmm-8000000100abcdef");
  assert_int_equal(pmm_kalshi_client_id_read((pmm_kalshi_text_t){id, PMM_KALSHI_CLIENT_ID_LEN}, &back), PMM_OK);
  assert_true(back == UINT64_C(0x8000000100abcdef));
  static const char *const others[] = {"", "mm-000001", "pmm-8000000100ABCDEF", "pmm-8000000100abcdeg", "pmm-8000000100abcdef0", "xmm-8000000100abcdef"};
  for (size_t i = 0; i < COUNT_OF(others); i++)
    assert_int_equal(pmm_kalshi_client_id_read((pmm_kalshi_text_t){others[i], (uint32_t)strlen(others[i])}, &back), PMM_NOT_FOUND);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(vector_books), cmocka_unit_test(vector_gaps), cmocka_unit_test(books_that_are_not_good), cmocka_unit_test(a_lost_connection_and_another_grid),
      cmocka_unit_test(trades), cmocka_unit_test(names), cmocka_unit_test(requests), cmocka_unit_test(other_requests), cmocka_unit_test(client_ids),
  };
  return cmocka_run_group_tests(tests, rig_open, rig_close);
}
