/* The result as JSON and as a table: every key, its form, and the sums that must hold. */
#include <jansson.h>
#include "backtest/rig.h"

static rig_t r;

/* -- a result with a number of its own in every field -- */
static pmm_market_result_t markets[2];
static pmm_result_t sample(void) {
  for (int i = 0; i < 2; i++) {
    markets[i] = (pmm_market_result_t){.messages = 5, .orders = 6, .cancels = 7, .fills = 8, .bought_e6 = 1500000, .sold_e6 = 250000, .final_net_e6 = -1250000,
      .outcome = (uint8_t)(i ? PMM_OUTCOME_NO : PMM_OUTCOME_YES), .pnl_e6 = -123456, .fees_e6 = 789};
    snprintf(markets[i].market, sizeof markets[i].market, "MKT%d", i);
    snprintf(markets[i].strategy, sizeof markets[i].strategy, "s%d", i);
  }
  return (pmm_result_t){.events = 1001, .messages = 1002, .wall_s = 0.5, .events_per_s = 2002, .orders = 1003, .cancels = 1004, .amends = 1005, .fills = 1006,
    .maker_fills = 1007, .rejects = 1008, .refused = 1009, .decisions = 1010, .volume_e6 = 11500000, .fees_e6 = 12250000, .rebates_e6 = 13125000, 
    .bought_e6 = 14010000, .sold_e6 = 15020000, .pnl_total_e6 = -16000001, .pnl_realized_e6 = 17000000, .pnl_unrealized_e6 = 18000000, .pnl_spread_e6 = 19000000,
    .pnl_inventory_e6 = -20000000, .max_drawdown_e6 = 21000000, .sharpe = 22.5, .markout = {0.23, NAN, -0.25}, .fill_rate = 0.26, .uptime = 0.27, .mean_spread = 0.28,
    .inventory_mean = 29.5, .inventory_max = 30.5, .final_net_e6 = -1010000, .state_hash = UINT64_C(0x00ab00cd00ef0011), .trade_fills = 31, .inferred_fills = 32,
    .cross_fills = 33, .taker_fills = 34, .fill_source = "trades", .gaps = 35, .crossed_msgs = 36, .locked_msgs = 37, .bad_events = 38, .truncated = true,
    .killed = true, .market_cnt = 2, .market = markets};
}

static char *text_of(void (*write)(FILE *, const pmm_result_t *), const pmm_result_t *result) {
  char *text = NULL;
  size_t len = 0;
  FILE *const f = open_memstream(&text, &len);
  assert_non_null(f);
  write(f, result);
  assert_int_equal(fclose(f), 0);
  return text;
}

static json_t *json_of(const pmm_result_t *result) {
  char *const text = text_of(pmm_result_write_json, result);
  json_error_t err;
  json_t *const o = json_loads(text, JSON_REJECT_DUPLICATES, &err);
  if (!o) fail_msg("line %d: %s", err.line, err.text);
  free(text);
  return o;
}

static const struct { const char *key; double want; } NUMBERS[] = {
  {"events", 1001}, {"messages", 1002}, {"wall_s", 0.5}, {"events_per_s", 2002}, {"orders", 1003}, {"cancels", 1004}, {"amends", 1005}, {"fills", 1006},
  {"maker_fills", 1007}, {"rejects", 1008}, {"refused", 1009}, {"decisions", 1010}, {"volume", 11.5}, {"fees", 12.25}, {"rebates", 13.125}, {"rewards", 0},
  {"pnl_e6", -16000001}, {"max_drawdown", 21}, {"sharpe", 22.5}, {"fill_rate", 0.26}, {"uptime", 0.27}, {"mean_spread", 0.28}, {"final_position", -1.01},
  {"trade_fills", 31}, {"inferred_fills", 32}, {"cross_fills", 33}, {"taker_fills", 34}, {"gaps", 35}, {"crossed_messages", 36}, {"locked_messages", 37}, {"bad_events", 38}};

static void test_json_values(void **state) {
  (void)state;
  pmm_result_t const s = sample();
  json_t *const o = json_of(&s);
  for (size_t i = 0; i < COUNT_OF(NUMBERS); i++) {
    const json_t *const v = json_object_get(o, NUMBERS[i].key);
    if (!json_is_number(v) || json_number_value(v) != NUMBERS[i].want) fail_msg("%s", NUMBERS[i].key);
  }
  double total, realized, unrealized, spread, inventory, fees, m1, m60, mean, max;
  json_t *m10;
  assert_int_equal(json_unpack(o, "{s:{s:f,s:f,s:f,s:f,s:f,s:f}}", "pnl", "total", &total, "realized", &realized, "unrealized", &unrealized, "spread", &spread,
                               "inventory", &inventory, "fees", &fees), 0);
  assert_true(total == -16.000001 && realized == 17 && unrealized == 18 && spread == 19 && inventory == -20 && fees == -12.25);
  assert_int_equal(json_unpack(o, "{s:{s:f,s:o,s:f},s:{s:f,s:f}}", "markout", "1s", &m1, "10s", &m10, "60s", &m60, "inventory", "mean", &mean, "max", &max), 0);
  assert_true(m1 == 0.23 && json_is_null(m10) && m60 == -0.25 && mean == 29.5 && max == 30.5);
  assert_string_equal(json_string_value(json_object_get(o, "bought")), "14.01");
  assert_string_equal(json_string_value(json_object_get(o, "sold")), "15.02");
  assert_string_equal(json_string_value(json_object_get(o, "final_net")), "-1.01");
  assert_string_equal(json_string_value(json_object_get(o, "outcome")), "mixed");
  assert_string_equal(json_string_value(json_object_get(o, "fill_source")), "trades");
  assert_string_equal(json_string_value(json_object_get(o, "state_hash")), "0x00ab00cd00ef0011");
  assert_true(json_is_true(json_object_get(o, "truncated")) && json_is_true(json_object_get(o, "killed")));
  json_decref(o);
}

static void test_json_markets(void **state) {
  (void)state;
  pmm_result_t s = sample();
  json_t *o = json_of(&s);
  const json_t *const list = json_object_get(o, "markets");
  assert_int_equal(json_array_size(list), 2);
  const char *market, *strategy, *bought, *sold, *net, *outcome;
  int messages, orders, cancels, fills, fees, pnl;
  assert_int_equal(json_unpack(json_array_get(list, 1), "{s:s,s:s,s:i,s:i,s:i,s:i,s:s,s:s,s:s,s:s,s:i,s:i}", "market", &market, "strategy", &strategy, "messages", &messages,
                               "orders", &orders, "cancels", &cancels, "fills", &fills, "bought", &bought, "sold", &sold, "final_net", &net, "outcome", &outcome,
                               "fees_e6", &fees, "pnl_e6", &pnl), 0);
  assert_string_equal(market, "MKT1");
  assert_string_equal(strategy, "s1");
  assert_true(messages == 5 && orders == 6 && cancels == 7 && fills == 8 && fees == 789 && pnl == -123456);
  assert_string_equal(bought, "1.50");
  assert_string_equal(sold, "0.25");
  assert_string_equal(net, "-1.25");
  assert_string_equal(outcome, "no");
  json_decref(o);
  s.market_cnt = 1; /* one outcome is named, none is unknown */
  o = json_of(&s);
  assert_string_equal(json_string_value(json_object_get(o, "outcome")), "yes");
  json_decref(o);
  s.market_cnt = 0;
  o = json_of(&s);
  assert_string_equal(json_string_value(json_object_get(o, "outcome")), "unknown");
  json_decref(o);
}

/* What is not a number is null, never NaN. */
static void test_json_nulls(void **state) {
  (void)state;
  pmm_result_t s = sample();
  s.sharpe = s.mean_spread = NAN;
  s.events_per_s = INFINITY;
  json_t *const o = json_of(&s);
  assert_true(json_is_null(json_object_get(o, "sharpe")) && json_is_null(json_object_get(o, "mean_spread")) && json_is_null(json_object_get(o, "events_per_s")));
  json_decref(o);
}

static void test_table(void **state) {
  (void)state;
  pmm_result_t s = sample();
  char *text = text_of(pmm_result_write_table, &s);
  static const char *const has[] = {"events", "1001", "orders", "1003", "rejected 1008", "from trades", "P&L $", "-16.000001", "rebates", "13.125000", "max drawdown $",
    "Sharpe", "22.50", "markout 1 s", "23.000 c", "27.0%", "00ab00cd00ef0011", "whole block", "stopped trading", "MKT0", "MKT1"};
  for (size_t i = 0; i < COUNT_OF(has); i++)
    if (!strstr(text, has[i])) fail_msg("no \"%s\" in\n%s", has[i], text);
  free(text);
  s.market_cnt = 1;
  s.truncated = s.killed = false;
  s.sharpe = NAN;
  s.rebates_e6 = 0;
  text = text_of(pmm_result_write_table, &s);
  static const char *const has_not[] = {"whole block", "stopped trading", "Sharpe", "rebates", "nan"};
  for (size_t i = 0; i < COUNT_OF(has_not); i++)
    if (strstr(text, has_not[i])) fail_msg("\"%s\" in\n%s", has_not[i], text);
  assert_non_null(strstr(text, "(MKT0)"));
  free(text);
}

/* -- sums over random runs -- */
static void random_run(uint64_t seed) {
  static rig_quote_t plan[60];
  pmm_rng_t rng;
  pmm_rng_seed(&rng, seed);
  for (size_t i = 0; i < COUNT_OF(plan); i++) {
    int32_t const bid = 100 * (int32_t)check_between(&rng, 40, 55);
    plan[i] = (rig_quote_t){(double)i, bid, bid + 100 * (int32_t)check_between(&rng, 1, 6), QTY(0.01) * check_between(&rng, 100, 2000)};
  }
  rig_open(&r, plan, COUNT_OF(plan));
  r.config.market.fees = (int32_t)check_between(&rng, 1, 4);
  r.config.exchange.cross_fill = PMM_CROSSFILL_ALWAYS;
  r.config.exchange.queue = (int32_t)check_between(&rng, 0, 3);
  r.config.account.net_pairs = (int32_t)check_between(&rng, 0, 2);
  r.config.exec.route = (int32_t)check_between(&rng, 0, 2);
  r.config.latency.order_ns = r.config.latency.response_ns = check_between(&rng, 0, 30) * PMM_NS_PER_MS;
  r.config.latency.feed = (int32_t)check_between(&rng, 0, 2);
  r.config.latency.feed_ns = check_between(&rng, 0, 30) * PMM_NS_PER_MS;
  rig_life(&r, 0, PMM_LIFE_OPEN);
  rig_book(&r, 0, 4500, 100, 5500, 100);
  for (int i = 1; i < 1500; i++) {
    double const at = 0.04 * i;
    pmm_side_t const side = (pmm_side_t)pmm_rng_below(&rng, 2);
    int32_t const price = 100 * (int32_t)check_between(&rng, 42, 58);
    if (pmm_rng_below(&rng, 3)) rig_level(&r, at, side, side == PMM_BID ? price - 300 : price + 300, pmm_rng_below(&rng, 3) ? (double)pmm_rng_below(&rng, 90) : 0, PMM_F_LAST);
    else rig_trade(&r, at, side, price, 0.01 * (double)check_between(&rng, 1, 2000), PMM_F_LAST);
    r.md[r.md_cnt - 1].exch_ns = r.md[r.md_cnt - 1].recv_ns - check_between(&rng, 0, 20) * PMM_NS_PER_MS;
  }
  if (pmm_rng_below(&rng, 3)) rig_resolve(&r, 70, (pmm_outcome_t)check_between(&rng, PMM_OUTCOME_YES, PMM_OUTCOME_VOID));
  rig_run(&r);
}

static int64_t fill_volume(int64_t *bought, int64_t *sold, int64_t *fees) {
  int64_t volume = 0;
  *bought = *sold = *fees = 0;
  for (size_t i = 0; i < r.event_cnt; i++) {
    const pmm_event_t *const e = &r.event[i];
    if (e->md.kind != PMM_EV_FILL) continue;
    *(e->md.side == PMM_BID ? bought : sold) += e->md.qty_e6;
    *fees += e->amount_e6;
    volume += pmm_notional_floor(e->md.price_e4, e->md.qty_e6);
  }
  return volume;
}

static void test_sums(void **state) {
  (void)state;
  uint64_t const seed = check_seed("sums of results"), runs = check_ops(60);
  uint64_t filled = 0;
  for (uint64_t i = 0; i < runs; i++) {
    random_run(seed + i);
    pmm_result_t const *const x = &r.result;
    int64_t bought, sold, fees;
    assert_int_equal(fill_volume(&bought, &sold, &fees), x->volume_e6);
    assert_int_equal(bought, x->bought_e6);
    assert_int_equal(sold, x->sold_e6);
    assert_int_equal(fees, x->fees_e6 - x->rebates_e6);
    assert_int_equal(x->final_net_e6, bought - sold);
    assert_int_equal(x->pnl_total_e6, x->pnl_realized_e6 + x->pnl_unrealized_e6 - x->fees_e6 + x->rebates_e6);
    assert_int_equal(x->pnl_total_e6, x->pnl_spread_e6 + x->pnl_inventory_e6 - x->fees_e6 + x->rebates_e6);
    assert_int_equal(x->pnl_total_e6, x->market[0].pnl_e6);
    assert_int_equal(x->fills, x->trade_fills + x->inferred_fills + x->cross_fills + x->taker_fills);
    assert_true(x->uptime >= 0 && x->uptime <= 1 && x->max_drawdown_e6 >= 0);
    assert_true(x->inventory_max >= x->inventory_mean);
    assert_int_equal(x->bad_events, 0);
    filled += x->fills;
    rig_close(&r);
  }
  assert_true(filled > 10 * runs);
}

int main(void) {
  const struct CMUnitTest tests[] = {
    cmocka_unit_test(test_json_values), cmocka_unit_test(test_json_markets), cmocka_unit_test(test_json_nulls), cmocka_unit_test(test_table), cmocka_unit_test(test_sums),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
