/* Kalshi's dialect over its socket: commands and their answers, numbering, each channel's frames; and that a book kept from the frames is the
   book of the place, whatever happens. Shapes from the Kalshi API docs, AsyncAPI 2.0 (2026-11), and tests/vectors/kalshi_vectors.json. */
#include "kalshi_rig.h"
#include "pmm/decimal.h"
#include "pmm/rng.h"

#define SUB(channels, more) "{\"id\":1,\"cmd\":\"subscribe\",\"params\":{\"channels\":[" channels "]" more "}}"
#define A_ONLY ",\"market_tickers\":[\"" RIG_A "\"]"
#define UPDATE(sid, action, tickers) \
  "{\"id\":3,\"cmd\":\"update_subscription\",\"params\":{\"sids\":[" sid "],\"action\":\"" action "\",\"market_tickers\":[" tickers "]}}"

/* -- commands -- */

static void test_upgrade(void **state) {
  (void)state;
  rig_t r;
  rig_wire_t w;
  pmm_peer_t peer = {0};
  char refusal[256];
  rig_open(&r);
  rig_make(&r, &(rig_call_t){.method = "GET", .path = "/trade-api/ws/v2", .who = -1}, &w); /* public channels need keys, too */
  assert_int_equal(r.service->ops->upgrade(r.service, &peer, &w.request, refusal, sizeof refusal), 401);
  assert_string_equal(refusal, "{\"code\":\"token_authentication_failure\"}");
  free(w.body);
  rig_make(&r, &(rig_call_t){.method = "GET", .path = "/trade-api/ws/v1", .who = 0}, &w);
  assert_int_equal(r.service->ops->upgrade(r.service, &peer, &w.request, refusal, sizeof refusal), 404);
  free(w.body);
  rig_socket_t *const s = rig_connect(&r, 0, 0);
  rig_pass(&r, 9999 * PMM_NS_PER_MS);
  assert_int_equal(s->pings, 0);
  rig_pass(&r, PMM_NS_PER_MS);
  assert_int_equal(s->pings, 1);
  assert_string_equal(s->ping, "heartbeat");
  assert_int_equal(r.service->ops->advance(r.service, r.now_ns), r.now_ns + 10 * PMM_NS_PER_S);
  rig_quiet(s);
  rig_shut(&r);
}

static void test_refused_commands(void **state) {
  (void)state;
  static const struct { const char *why, *text, *code, *id; } rows[] = {
    {"no JSON", "hello", "1", "(absent)"},
    {"an array", "[1]", "1", "(absent)"},
    {"an id in text", "{\"id\":\"x\",\"cmd\":\"list_subscriptions\"}", "1", "(absent)"},
    {"no command", "{\"id\":4}", "5", "4"},
    {"another command", "{\"id\":4,\"cmd\":\"resubscribe\",\"params\":{}}", "5", "4"},
    {"no parameters", "{\"id\":4,\"cmd\":\"subscribe\"}", "2", "4"},
    {"no channels", "{\"id\":4,\"cmd\":\"subscribe\",\"params\":{}}", "3", "4"},
    {"id 0 counts as absent", "{\"id\":0,\"cmd\":\"subscribe\",\"params\":{\"channels\":[]}}", "3", "(absent)"},
    {"no sids", "{\"id\":4,\"cmd\":\"unsubscribe\",\"params\":{}}", "4", "4"},
    {"an unknown sid", "{\"id\":4,\"cmd\":\"unsubscribe\",\"params\":{\"sids\":[9]}}", "7", "4"},
    {"an unknown channel", SUB("\"trade\",\"multivariate\"", ""), "8", "1"},
    {"a book of no market", SUB("\"orderbook_delta\"", ""), "14", "1"},
    {"a market there is not", SUB("\"trade\"", ",\"market_ticker\":\"KXT\""), "11", "1"},
    {"a market that is no text", SUB("\"trade\"", ",\"market_tickers\":[5]"), "11", "1"},
    {"no indices", SUB("\"cfbenchmarks_value\"", ""), "24", "1"},
    {"sharding by nothing", SUB("\"trade\"", ",\"shard_factor\":0"), "20", "1"},
    {"a shard too far", SUB("\"trade\"", ",\"shard_factor\":2,\"shard_key\":2"), "21", "1"},
    {"two at once", "{\"id\":3,\"cmd\":\"update_subscription\",\"params\":{\"sids\":[1,2],\"action\":\"add_markets\"}}", "12", "3"},
    {"no action", "{\"id\":3,\"cmd\":\"update_subscription\",\"params\":{\"sid\":1}}", "15", "3"},
    {"another action", "{\"id\":3,\"cmd\":\"update_subscription\",\"params\":{\"sid\":1,\"action\":\"pause\"}}", "13", "3"},
    {"no market", "{\"id\":3,\"cmd\":\"update_subscription\",\"params\":{\"sid\":1,\"action\":\"add_markets\"}}", "14", "3"},
    {"a snapshot of a trade", UPDATE("1", "get_snapshot", "\"" RIG_A "\""), "13", "3"},
  };
  rig_t r;
  rig_open(&r);
  rig_socket_t *const s = rig_connect(&r, 0, 0);
  rig_say(&r, s, SUB("\"trade\"", A_ONLY));
  rig_frame(s, "type", "subscribed", "id", "1", "msg.channel", "trade", "msg.sid", "1", NULL);
  for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
    rig_say(&r, s, rows[i].text);
    if (s->cnt != s->read + 1) fail_msg("%s: %zu frames", rows[i].why, s->cnt - s->read);
    rig_frame(s, "type", "error", "msg.code", rows[i].code, "id", rows[i].id, NULL);
  }
  rig_say(&r, s, "{\"id\":5,\"cmd\":\"list_subscriptions\"}"); /* what was refused left nothing behind */
  rig_frame(s, "type", "ok", "id", "5", "msg", "[{\"channel\":\"trade\",\"sid\":1}]", NULL);
  rig_shut(&r);
}

/* One seq a sid over both markets and the answers to commands. */
static void test_numbering(void **state) {
  (void)state;
  rig_t r;
  rig_open(&r);
  rig_socket_t *const s = rig_connect(&r, 0, 0);
  assert_int_equal(rig_order(&r, 1, RIG_A, "bid", "3", "0.47", NULL), 201);
  assert_int_equal(rig_order(&r, 1, RIG_A, "ask", "2", "0.52", NULL), 201);
  rig_say(&r, s, SUB("\"orderbook_delta\",\"trade\"", A_ONLY));
  rig_frame(s, "type", "subscribed", "msg.sid", "1", NULL);
  rig_frame(s, "type", "orderbook_snapshot", "sid", "1", "seq", "1", "msg.market_ticker", RIG_A, "msg.yes_dollars_fp", "[[\"0.4700\",\"3.00\"]]",
            "msg.no_dollars_fp", "[[\"0.4800\",\"2.00\"]]", NULL);
  rig_frame(s, "type", "subscribed", "msg.sid", "2", "msg.channel", "trade", NULL);
  assert_int_equal(rig_order(&r, 0, RIG_A, "bid", "1", "0.46", ",\"client_order_id\":\"mm-1\""), 201);
  rig_frame(s, "type", "orderbook_delta", "sid", "1", "seq", "2", "msg.price_dollars", "0.4600", "msg.delta_fp", "1.00", "msg.side", "yes",
            "msg.client_order_id", "mm-1", "msg.ts", "2026-09-21T14:13:20Z", "msg.ts_ms", "1790000000000", NULL);
  assert_int_equal(rig_order(&r, 1, RIG_B, "bid", "1", "0.46", NULL), 201); /* not followed */
  rig_quiet(s);
  rig_say(&r, s, UPDATE("1", "add_markets", "\"" RIG_B "\""));
  rig_frame(s, "type", "ok", "id", "3", "sid", "1", "seq", "3", "msg.market_tickers", "[\"" RIG_A "\",\"" RIG_B "\"]", NULL);
  rig_frame(s, "type", "orderbook_snapshot", "sid", "1", "seq", "4", "msg.market_ticker", RIG_B, "msg.no_dollars_fp", "(absent)", NULL);
  assert_int_equal(rig_order(&r, 1, RIG_B, "ask", "1", "0.60", NULL), 201);
  rig_frame(s, "seq", "5", "msg.market_ticker", RIG_B, "msg.side", "no", "msg.price_dollars", "0.4000", "msg.client_order_id", "(absent)", NULL);
  rig_say(&r, s, UPDATE("1", "get_snapshot", "\"" RIG_A "\",\"" RIG_B "\""));
  rig_frame(s, "type", "orderbook_snapshot", "id", "3", "seq", "6", "msg.market_ticker", RIG_A, NULL);
  rig_frame(s, "type", "orderbook_snapshot", "id", "3", "seq", "7", "msg.market_ticker", RIG_B, NULL);
  rig_say(&r, s, UPDATE("1", "delete_markets", "\"" RIG_A "\""));
  rig_frame(s, "type", "ok", "seq", "8", "msg.market_tickers", "[\"" RIG_B "\"]", NULL);
  rig_say(&r, s, UPDATE("1", "get_snapshot", "\"" RIG_A "\""));
  rig_frame(s, "type", "error", "msg.code", "11", NULL);
  assert_int_equal(rig_order(&r, 0, RIG_A, "ask", "1", "0.47", NULL), 201);
  rig_frame(s, "type", "trade", "sid", "2", "seq", "1", "msg.yes_price_dollars", "0.4700", "msg.no_price_dollars", "0.5300", "msg.count_fp", "1.00",
            "msg.taker_side", "no", "msg.taker_book_side", "ask", "msg.is_block_trade", "false", "msg.ts", "1790000000", NULL);
  rig_quiet(s);
  rig_say(&r, s, "{\"id\":8,\"cmd\":\"unsubscribe\",\"params\":{\"sids\":[1,2]}}");
  rig_frame(s, "type", "unsubscribed", "id", "8", "sid", "1", "seq", "9", NULL);
  rig_frame(s, "type", "unsubscribed", "id", "8", "sid", "2", "seq", "2", NULL);
  rig_say(&r, s, SUB("\"trade\"", ""));
  rig_frame(s, "msg.sid", "3", NULL); /* numbers of subscriptions are not given twice */
  rig_shut(&r);
}

static void test_yes_price(void **state) {
  (void)state;
  rig_t r;
  rig_open(&r);
  rig_socket_t *const s = rig_connect(&r, 0, 0);
  assert_int_equal(rig_order(&r, 1, RIG_A, "ask", "9", "0.55", NULL), 201);
  assert_int_equal(rig_order(&r, 1, RIG_A, "ask", "1", "0.52", NULL), 201);
  rig_say(&r, s, SUB("\"orderbook_delta\"", ",\"market_ticker\":\"" RIG_A "\",\"use_yes_price\":true,\"skip_ticker_ack\":true"));
  rig_frame(s, "type", "subscribed", NULL);
  rig_frame(s, "msg.no_dollars_fp", "[[\"0.5200\",\"1.00\"],[\"0.5500\",\"9.00\"]]", "msg.yes_dollars_fp", "(absent)", NULL);
  assert_int_equal(rig_order(&r, 1, RIG_A, "bid", "0.25", "0.52", NULL), 201); /* STP: the incoming one ends */
  rig_quiet(s);
  assert_int_equal(rig_order(&r, 0, RIG_A, "bid", "0.25", "0.52", NULL), 201);
  rig_frame(s, "msg.side", "no", "msg.price_dollars", "0.5200", "msg.delta_fp", "-0.25", NULL);
  rig_say(&r, s, UPDATE("1", "add_markets", "\"" RIG_B "\""));
  rig_frame(s, "type", "ok", "msg", "{}", NULL);
  rig_frame(s, "type", "orderbook_snapshot", "msg.market_ticker", RIG_B, NULL);
  rig_shut(&r);
}

/* -- a match, as both sides and a bystander see it -- */

static void test_match(void **state) {
  (void)state;
  rig_t r;
  char order[64], trade[64];
  rig_open(&r);
  rig_socket_t *const maker = rig_connect(&r, 0, 0), *const taker = rig_connect(&r, 1, 1);
  assert_int_equal(rig_order(&r, 0, RIG_A, "bid", "10", "0.45", ",\"client_order_id\":\"m\""), 201);
  rig_text(&r, "order_id", order, sizeof order);
  rig_say(&r, maker, SUB("\"fill\",\"user_orders\",\"market_positions\",\"trade\"", ""));
  rig_say(&r, taker, SUB("\"fill\",\"user_orders\",\"market_positions\",\"ticker\"", A_ONLY ",\"send_initial_snapshot\":true"));
  maker->read = maker->cnt;
  taker->read = taker->cnt - 1;
  rig_frame(taker, "type", "ticker", "seq", "(absent)", "msg.yes_bid_dollars", "0.4500", "msg.yes_ask_dollars", "1.0000", "msg.yes_bid_size_fp",
            "10.00", "msg.volume_fp", "0.00", NULL);
  assert_int_equal(rig_order(&r, 1, RIG_A, "ask", "4", "0.40", ",\"client_order_id\":\"t\""), 201);
  assert_int_equal(rig_get(&r, -1, "/markets/trades", "ticker=" RIG_A), 200);
  rig_text(&r, "trades.0.trade_id", trade, sizeof trade);
  rig_frame(maker, "type", "trade", "msg.trade_id", trade, "msg.taker_outcome_side", "no", NULL);
  rig_frame(maker, "type", "fill", "seq", "(absent)", "msg.trade_id", trade, "msg.order_id", order, "msg.client_order_id", "m", "msg.is_taker",
            "false", "msg.side", "yes", "msg.action", "buy", "msg.outcome_side", "yes", "msg.book_side", "bid", "msg.yes_price_dollars", "0.4500",
            "msg.count_fp", "4.00", "msg.fee_cost", "0.000000", "msg.post_position_fp", "4.00", "msg.ts", "1790000000", NULL);
  rig_frame(maker, "type", "user_order", "msg.order_id", order, "msg.ticker", RIG_A, "msg.status", "resting", "msg.fill_count_fp", "4.00",
            "msg.remaining_count_fp", "6.00", "msg.initial_count_fp", "10.00", "msg.maker_fill_cost_dollars", "1.800000", "msg.taker_fees_dollars",
            "0.000000", "msg.last_update_reason", "Trade", "msg.is_yes", "true", NULL);
  rig_frame(maker, "type", "market_position", "msg.market_ticker", RIG_A, "msg.position_fp", "4.00", "msg.position_cost_dollars", "1.800000",
            "msg.volume_fp", "4.00", NULL);
  rig_quiet(maker);
  rig_frame(taker, "type", "fill", "msg.is_taker", "true", "msg.book_side", "ask", "msg.outcome_side", "no", "msg.fee_cost", "0.069300",
            "msg.post_position_fp", "-4.00", NULL);
  rig_frame(taker, "type", "user_order", "msg.status", "executed", "msg.remaining_count_fp", "0.00", "msg.taker_fees_dollars", "0.069300", NULL);
  rig_frame(taker, "type", "market_position", "msg.position_fp", "-4.00", "msg.fees_paid_dollars", "0.069300", NULL);
  rig_frame(taker, "type", "ticker", "msg.price_dollars", "0.4500", "msg.yes_bid_size_fp", "6.00", "msg.last_trade_size_fp", "4.00", "msg.volume_fp",
            "4.00", "msg.dollar_volume", "4", "msg.open_interest_fp", "4.00", NULL);
  rig_quiet(taker);
  rig_shut(&r);
}

static void test_reasons(void **state) {
  (void)state;
  rig_t r;
  char id[64], path[160], body[200];
  rig_open(&r);
  rig_socket_t *const s = rig_connect(&r, 0, 0);
  rig_say(&r, s, SUB("\"user_orders\"", A_ONLY));
  s->read = s->cnt;
  assert_int_equal(rig_order(&r, 0, RIG_A, "bid", "10", "0.45", ",\"expiration_time\":1790000010"), 201);
  rig_text(&r, "order_id", id, sizeof id);
  rig_frame(s, "msg.status", "resting", "msg.last_update_reason", "(absent)", "msg.expiration_ts_ms", "1790000010000", NULL);
  snprintf(path, sizeof path, "/portfolio/events/orders/%s/amend", id);
  snprintf(body, sizeof body, "{\"ticker\":\"" RIG_A "\",\"side\":\"bid\",\"count\":\"8\",\"price\":\"0.45\"}");
  assert_int_equal(rig_do(&r, 0, "POST", path, NULL, body), 200);
  rig_frame(s, "msg.remaining_count_fp", "8.00", "msg.last_update_reason", "Amend", NULL);
  snprintf(path, sizeof path, "/portfolio/events/orders/%s/decrease", id);
  assert_int_equal(rig_do(&r, 0, "POST", path, NULL, "{\"reduce_to\":\"5\"}"), 200);
  rig_frame(s, "msg.remaining_count_fp", "5.00", "msg.last_update_reason", "Decrease", NULL);
  assert_int_equal(rig_order(&r, 0, RIG_A, "ask", "1", "0.45", ",\"self_trade_prevention_type\":\"maker\",\"time_in_force\":\"immediate_or_cancel\""),
                   201);
  rig_frame(s, "msg.order_id", id, "msg.status", "canceled", "msg.last_update_reason", "SelfTradeCancel", NULL);
  s->read = s->cnt;
  assert_int_equal(rig_order(&r, 0, RIG_A, "bid", "10", "0.45", ",\"expiration_time\":1790000010"), 201);
  rig_pass(&r, 10 * PMM_NS_PER_S);
  s->read++;
  rig_frame(s, "msg.status", "canceled", "msg.last_update_reason", "ExpiryCancel", NULL);
  assert_int_equal(rig_order(&r, 0, RIG_A, "bid", "1", "0.45", ",\"cancel_order_on_pause\":true"), 201);
  assert_int_equal(rig_order(&r, 0, RIG_A, "bid", "1", "0.44", NULL), 201);
  s->read = s->cnt;
  assert_int_equal(pmm_place_life(r.place, r.market[0], r.now_ns, PMM_LIFE_HALTED, PMM_OUTCOME_UNKNOWN, 0), PMM_OK);
  rig_pass(&r, 1);
  rig_frame(s, "msg.yes_price_dollars", "0.4500", "msg.last_update_reason", "HaltCancel", NULL);
  rig_quiet(s);
  assert_int_equal(pmm_place_life(r.place, r.market[0], r.now_ns, PMM_LIFE_OPEN, PMM_OUTCOME_UNKNOWN, 0), PMM_OK);
  rig_pass(&r, 1);
  rig_frame(s, "msg.yes_price_dollars", "0.4400", "msg.last_update_reason", "HaltCancel", NULL);
  assert_int_equal(rig_order(&r, 0, RIG_A, "bid", "1", "0.44", NULL), 201);
  rig_pass(&r, rig_listing.duration_ns);
  s->read = s->cnt - 1;
  rig_frame(s, "msg.status", "canceled", "msg.last_update_reason", "CloseCancel", NULL);
  rig_shut(&r);
}

static void test_life(void **state) {
  (void)state;
  rig_t r;
  uint32_t index;
  rig_open(&r);
  rig_socket_t *const s = rig_connect(&r, 0, 0);
  rig_say(&r, s, SUB("\"market_lifecycle_v2\"", ""));
  rig_frame(s, "type", "subscribed", NULL);
  rig_list(&r, "KXNEW-26DEC-T1", &rig_listing, &index);
  rig_frame(s, "type", "event_lifecycle", "seq", "1", "msg.event_ticker", "KXNEW-26DEC", "msg.series_ticker", "KXNEW", NULL);
  rig_frame(s, "type", "market_lifecycle_v2", "seq", "2", "msg.event_type", "created", "msg.market_ticker", "KXNEW-26DEC-T1", "msg.close_ts",
            "1790003600", "msg.price_level_structure", "linear_cent", NULL);
  assert_int_equal(pmm_place_life(r.place, r.market[0], r.now_ns, PMM_LIFE_HALTED, PMM_OUTCOME_UNKNOWN, 0), PMM_OK);
  rig_frame(s, "seq", "3", "msg.event_type", "deactivated", "msg.is_deactivated", "true", NULL);
  assert_int_equal(pmm_place_life(r.place, r.market[0], r.now_ns, PMM_LIFE_OPEN, PMM_OUTCOME_UNKNOWN, 0), PMM_OK);
  rig_frame(s, "seq", "4", "msg.event_type", "activated", NULL);
  assert_int_equal(pmm_place_regrid(r.place, r.market[0], r.now_ns, 10), PMM_OK);
  rig_frame(s, "seq", "5", "msg.event_type", "price_level_structure_updated", "msg.price_level_structure", "deci_cent", "msg.price_ranges.0.step",
            "0.0010", NULL);
  rig_pass(&r, PMM_NS_PER_S);
  assert_int_equal(pmm_place_life(r.place, r.market[0], r.now_ns, PMM_LIFE_CLOSED, PMM_OUTCOME_UNKNOWN, 0), PMM_OK);
  rig_frame(s, "seq", "6", "msg.event_type", "close_date_updated", "msg.close_ts", "1790000001", NULL); /* early */
  assert_int_equal(pmm_place_life(r.place, r.market[0], r.now_ns, PMM_LIFE_RESOLVED, PMM_OUTCOME_YES, PMM_ONE_E6), PMM_OK);
  rig_frame(s, "seq", "7", "msg.event_type", "determined", "msg.result", "yes", "msg.settlement_value", "1.0000", NULL);
  rig_frame(s, "seq", "8", "msg.event_type", "settled", "msg.settled_ts", "1790000001", NULL);
  rig_pass(&r, rig_listing.duration_ns); /* the others close by the clock: nothing is said */
  rig_quiet(s);
  rig_shut(&r);
}

static void test_groups(void **state) {
  (void)state;
  rig_t r;
  char id[64], more[128];
  rig_open(&r);
  rig_socket_t *const s = rig_connect(&r, 0, 0), *const other = rig_connect(&r, 1, 1);
  rig_say(&r, s, SUB("\"order_group_updates\"", ""));
  rig_say(&r, other, SUB("\"order_group_updates\"", ""));
  s->read = other->read = 1;
  assert_int_equal(rig_do(&r, 0, "POST", "/portfolio/order_groups/create", NULL, "{\"contracts_limit\":2}"), 201);
  rig_text(&r, "order_group_id", id, sizeof id);
  rig_frame(s, "type", "order_group_updates", "seq", "1", "msg.event_type", "created", "msg.order_group_id", id, "msg.contracts_limit_fp", "2.00",
            NULL);
  snprintf(more, sizeof more, ",\"order_group_id\":\"%s\"", id);
  assert_int_equal(rig_order(&r, 0, RIG_A, "bid", "3", "0.45", more), 201);
  assert_int_equal(rig_order(&r, 1, RIG_A, "ask", "2", "0.45", NULL), 201);
  rig_frame(s, "seq", "2", "msg.event_type", "triggered", "msg.contracts_limit_fp", "(absent)", NULL);
  rig_quiet(s);
  rig_quiet(other);
  rig_shut(&r);
}

static void test_indices(void **state) {
  (void)state;
  rig_t r;
  rig_open(&r);
  rig_socket_t *const s = rig_connect(&r, 0, 0);
  int64_t const quarter_s = (RIG_NOW / PMM_NS_PER_S + 900) / 900 * 900;
  assert_int_equal(pmm_kalshi_dialect_index(r.service, "BRTI", 6800012000000, (quarter_s - 70) * PMM_NS_PER_S), PMM_OK);
  assert_int_equal(pmm_kalshi_dialect_index(r.service, "no id!", 1, r.now_ns), PMM_INVAL);
  assert_int_equal(pmm_kalshi_dialect_index(r.service, "BRTI", 0, r.now_ns), PMM_INVAL);
  rig_say(&r, s, SUB("\"cfbenchmarks_value\",\"cfbenchmarks_value_5hz\"", ",\"index_ids\":[\"BRTI\"]"));
  rig_frame(s, "msg.channel", "cfbenchmarks_value", "msg.sid", "1", NULL);
  rig_frame(s, "msg.channel", "cfbenchmarks_value_5hz", "msg.sid", "2", NULL);
  assert_int_equal(pmm_kalshi_dialect_index(r.service, "BRTI", 6800014000000, (quarter_s - 60) * PMM_NS_PER_S), PMM_OK);
  rig_frame(s, "type", "cfbenchmarks_value_5hz", "sid", "2", "seq", "1", "msg.value_usd", "68000.14000000", NULL);
  rig_frame(s, "type", "cfbenchmarks_value", "sid", "1", "seq", "1", "msg.index_id", "BRTI", "msg.avg_60s_data.value", "68000.13000000",
            "msg.avg_60s_data.window_size", "2", "msg.last_60s_windowed_average_15min", "(absent)", NULL);
  for (int64_t i = 59; i >= 0; i--)
    assert_int_equal(pmm_kalshi_dialect_index(r.service, "BRTI", 6800000000000 + i * 100000000, (quarter_s - i) * PMM_NS_PER_S), PMM_OK);
  s->read++;
  rig_frame(s, "msg.last_60s_windowed_average_15min.window_size", "1", "msg.last_60s_windowed_average_15min.value", "68059.00000000", NULL);
  s->read = s->cnt - 1;
  rig_frame(s, "msg.last_60s_windowed_average_15min.window_size", "60", "msg.last_60s_windowed_average_15min.value", "68029.50000000",
            "msg.avg_60s_data.window_size", "60", NULL);
  assert_int_equal(pmm_kalshi_dialect_index(r.service, "BRTI", 1, (quarter_s - 1) * PMM_NS_PER_S), PMM_INVAL); /* time does not go back */
  assert_int_equal(pmm_kalshi_dialect_index(r.service, "ETHUSD_RTI", 250000000000, quarter_s * PMM_NS_PER_S), PMM_OK);
  rig_quiet(s);
  rig_say(&r, s, "{\"id\":2,\"cmd\":\"update_subscription\",\"params\":{\"sid\":1,\"action\":\"indexlist\"}}");
  rig_frame(s, "type", "cfbenchmarks_value_indexlist", "id", "2", "sid", "1", "msg.index_ids", "[\"BRTI\",\"ETHUSD_RTI\"]", NULL);
  rig_say(&r, s, "{\"id\":3,\"cmd\":\"update_subscription\",\"params\":{\"sid\":1,\"action\":\"subscribe_indices\",\"index_ids\":[\"ETHUSD_RTI\"]}}");
  rig_frame(s, "type", "ok", "id", "3", "msg.index_ids", "[\"BRTI\",\"ETHUSD_RTI\"]", NULL);
  rig_say(&r, s, "{\"id\":4,\"cmd\":\"update_subscription\",\"params\":{\"sid\":1,\"action\":\"unsubscribe_indices\",\"index_ids\":[\"BRTI\"]}}");
  rig_frame(s, "type", "ok", "id", "4", "msg.index_ids", "[\"ETHUSD_RTI\"]", NULL);
  rig_shut(&r);
}

/* The price that a synthetic market follows is its asset's index, once a second. */
static void test_own_index(void **state) {
  (void)state;
  static const pmm_scenario_params_t scenario = {.kind = PMM_SCENARIO_DIGITAL,
                                                 .volatility = 0.6,
                                                 .spot = 68000,
                                                 .strike = 68000,
                                                 .duration_ns = INT64_C(900) * PMM_NS_PER_S,
                                                 .step_ns = PMM_NS_PER_S};
  pmm_traders_params_t const traders = {.noise = 1, .noise_rate = 1, .size_mean = 5};
  pmm_listing_params_t listing = rig_listing;
  pmm_error_t err = {0};
  rig_t r;
  uint32_t index;
  rig_open(&r);
  snprintf(listing.asset, sizeof listing.asset, "BTC");
  rig_list(&r, "KXBTC15M-26OCT021330-30", &listing, &index);
  if (pmm_place_traders(r.place, index, &scenario, &traders, 5, r.now_ns, &err) != PMM_OK) fail_msg("%s", err.text);
  rig_pass(&r, PMM_NS_PER_S);
  rig_socket_t *const s = rig_connect(&r, 0, 0);
  rig_say(&r, s, SUB("\"cfbenchmarks_value\"", ",\"index_ids\":[\"BRTI\"]"));
  s->read = s->cnt;
  for (int i = 0; i < 5; i++) rig_pass(&r, PMM_NS_PER_S), rig_pass(&r, 1000);
  assert_int_equal(s->cnt - s->read, 5);
  for (int i = 0; i < 4; i++) rig_frame(s, "type", "cfbenchmarks_value", "msg.index_id", "BRTI", NULL);
  json_t *const last = json_loads(s->frame[s->cnt - 1], 0, NULL);
  assert_int_equal(json_integer_value(rig_at(last, "msg.avg_60s_data.window_size")), 6);
  json_decref(last);
  rig_shut(&r);
}

/* A reader that is too slow gets nothing more, and nobody else notices. */
static void test_slow_reader(void **state) {
  (void)state;
  rig_t r;
  rig_open(&r);
  rig_socket_t *const slow = rig_connect(&r, 0, 0), *const fast = rig_connect(&r, 1, 0);
  rig_say(&r, slow, SUB("\"orderbook_delta\"", A_ONLY));
  rig_say(&r, fast, SUB("\"orderbook_delta\"", A_ONLY));
  size_t const had = slow->cnt;
  slow->full = true;
  assert_int_equal(rig_order(&r, 1, RIG_A, "bid", "1", "0.45", NULL), 201);
  slow->full = false;
  assert_int_equal(rig_order(&r, 1, RIG_A, "bid", "1", "0.46", NULL), 201);
  assert_int_equal(slow->cnt, had);
  assert_int_equal(fast->cnt, had + 2);
  rig_shut(&r);
}

/* -- a book kept from frames -- */

typedef struct book { int64_t qty_e6[2][PMM_ONE_E4 + 1]; uint64_t seq; bool started; } book_t;

static int64_t number(const json_t *v, int scale) {
  int64_t out;
  const char *const text = json_string_value(v);
  assert_int_equal(pmm_decimal_parse(text, strlen(text), scale, &out, NULL), PMM_OK);
  return out;
}

static int32_t yes_price(const json_t *v, int side, bool use_yes_price) {
  int32_t const e4 = (int32_t)number(v, 4);
  return side == PMM_BID || use_yes_price ? e4 : PMM_ONE_E4 - e4;
}

static void load_side(book_t *b, const json_t *levels, int side, bool use_yes_price) {
  size_t i;
  json_t *level;
  int64_t last = -1;
  json_array_foreach(levels, i, level) {
    assert_true(number(json_array_get(level, 0), 4) > last); /* ascending */
    last = number(json_array_get(level, 0), 4);
    b->qty_e6[side][yes_price(json_array_get(level, 0), side, use_yes_price)] = number(json_array_get(level, 1), 6);
  }
}

static void apply(book_t *b, const char *text, bool use_yes_price) {
  json_t *const j = json_loads(text, 0, NULL);
  const json_t *const msg = json_object_get(j, "msg");
  const char *const type = json_string_value(json_object_get(j, "type"));
  uint64_t const seq = (uint64_t)json_integer_value(json_object_get(j, "seq"));
  if (strncmp(type, "orderbook", 9) == 0) {
    assert_int_equal(seq, b->seq + 1);
    b->seq = seq;
  }
  if (strcmp(type, "orderbook_snapshot") == 0) {
    memset(b->qty_e6, 0, sizeof b->qty_e6);
    load_side(b, json_object_get(msg, "yes_dollars_fp"), PMM_BID, use_yes_price);
    load_side(b, json_object_get(msg, "no_dollars_fp"), PMM_ASK, use_yes_price);
    b->started = true;
  } else if (strcmp(type, "orderbook_delta") == 0) {
    int const side = strcmp(json_string_value(json_object_get(msg, "side")), "yes") == 0 ? PMM_BID : PMM_ASK;
    int64_t *const at = &b->qty_e6[side][yes_price(json_object_get(msg, "price_dollars"), side, use_yes_price)];
    *at += number(json_object_get(msg, "delta_fp"), 6);
    assert_true(b->started && *at >= 0);
  }
  json_decref(j);
}

static void compare(const rig_t *r, const book_t *b) {
  const pmm_ladder_t *const l = pmm_place_ladder(r->place, r->market[0]);
  for (int side = 0; side < 2; side++)
    for (int32_t e4 = 1; e4 < PMM_ONE_E4; e4++) {
      int64_t const want = e4 % l->tick_e4 == 0 ? pmm_ladder_qty(l, (pmm_side_t)side, e4 / l->tick_e4) : 0;
      if (b->qty_e6[side][e4] != want) fail_msg("side %d price %d: %" PRId64 ", not %" PRId64, side, e4, b->qty_e6[side][e4], want);
    }
}

static void random_step(rig_t *r, pmm_rng_t *rng, char ids[][64], int *id_cnt) {
  char price[16], count[16], more[160];
  int const who = (int)pmm_rng_below(rng, 2), what = (int)pmm_rng_below(rng, 10);
  static const char *const tifs[] = {"good_till_canceled", "immediate_or_cancel", "fill_or_kill"};
  snprintf(price, sizeof price, "0.%02d", 40 + (int)pmm_rng_below(rng, 20));
  snprintf(count, sizeof count, "%d.%02d", (int)pmm_rng_below(rng, 5), 1 + (int)pmm_rng_below(rng, 99));
  if (what < 7 || *id_cnt == 0) {
    snprintf(more, sizeof more, ",\"time_in_force\":\"%s\",\"self_trade_prevention_type\":\"%s\"", tifs[pmm_rng_below(rng, 5) % 3],
             pmm_rng_below(rng, 2) ? "maker" : "taker_at_cross");
    if (rig_order(r, who, RIG_A, pmm_rng_below(rng, 2) ? "bid" : "ask", count, price, more) == 201 && *id_cnt < 256)
      rig_text(r, "order_id", ids[(*id_cnt)++], 64);
    return;
  }
  char path[160], body[200];
  const char *const id = ids[pmm_rng_below(rng, (uint64_t)*id_cnt)];
  if (what == 7) snprintf(path, sizeof path, "/portfolio/events/orders/%s", id), rig_do(r, who, "DELETE", path, NULL, NULL);
  if (what == 8) {
    snprintf(path, sizeof path, "/portfolio/events/orders/%s/amend", id);
    snprintf(body, sizeof body, "{\"ticker\":\"" RIG_A "\",\"side\":\"%s\",\"count\":\"%s\",\"price\":\"%s\"}", pmm_rng_below(rng, 2) ? "bid" : "ask",
             count, price);
    rig_do(r, who, "POST", path, NULL, body);
  }
  if (what == 9)
    snprintf(path, sizeof path, "/portfolio/events/orders/%s/decrease", id), rig_do(r, who, "POST", path, NULL, "{\"reduce_by\":\"0.50\"}");
}

static void test_books(void **state) {
  (void)state;
  for (uint64_t seed = 1; seed <= 4; seed++) {
    static char ids[256][64];
    rig_t r;
    pmm_rng_t rng;
    int id_cnt = 0;
    book_t *const b = calloc(2, sizeof *b);
    rig_open(&r);
    pmm_rng_seed(&rng, seed);
    for (int i = 0; i < 40; i++) random_step(&r, &rng, ids, &id_cnt);
    for (size_t i = 0; i < 2; i++)
      rig_say(&r, rig_connect(&r, i, (int)i), i ? SUB("\"orderbook_delta\"", A_ONLY ",\"use_yes_price\":true") : SUB("\"orderbook_delta\"", A_ONLY));
    for (int i = 0; i < 400; i++) {
      random_step(&r, &rng, ids, &id_cnt);
      rig_pass(&r, 20 * PMM_NS_PER_MS);
      for (size_t n = 0; n < 2; n++)
        for (; r.socket[n]->read < r.socket[n]->cnt; r.socket[n]->read++) apply(&b[n], r.socket[n]->frame[r.socket[n]->read], n == 1);
      if (i % 50 == 49) compare(&r, &b[0]), compare(&r, &b[1]);
    }
    if (b[0].seq < 150) fail_msg("only %" PRIu64 " frames", b[0].seq); /* something did happen */
    assert_int_equal(b[0].seq, b[1].seq);
    rig_shut(&r);
    free(b);
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {
    cmocka_unit_test(test_upgrade), cmocka_unit_test(test_refused_commands), cmocka_unit_test(test_numbering), cmocka_unit_test(test_yes_price),
    cmocka_unit_test(test_match),   cmocka_unit_test(test_reasons),          cmocka_unit_test(test_life),      cmocka_unit_test(test_groups),
    cmocka_unit_test(test_indices), cmocka_unit_test(test_own_index), cmocka_unit_test(test_slow_reader),      cmocka_unit_test(test_books),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
