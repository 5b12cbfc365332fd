/* Messages of Kalshi's socket: every kind, what is refused and where, and that all readers agree. */
#include "venue/kalshi_rig.h"

#define MS PMM_NS_PER_MS
#define DELTA "{\"type\":\"orderbook_delta\",\"sid\":1,\"seq\":2,\"msg\":{\"market_ticker\":\"KXT-26NOV20-A\",\"market_id\":\"0-1\",\"price_dollars\":\"0.4700\"," \
  "\"delta_fp\":\"-3.00\",\"side\":\"yes\",\"ts\":\"2026-11-20T06:31:29.957081Z\",\"ts_ms\":1795156289957}}"
#define BOOK "{\"type\":\"orderbook_snapshot\",\"sid\":1,\"seq\":1,\"msg\":{\"market_ticker\":\"KXT-26NOV20-A\",\"market_id\":\"0-1\"," \
  "\"yes_dollars_fp\":[[\"0.4500\",\"20.00\"],[\"0.4700\",\"3.00\"]],\"no_dollars_fp\":[[\"0.4800\",\"2.00\"]]}}"
#define FILL "{\"type\":\"fill\",\"sid\":5,\"msg\":{\"trade_id\":\"t-1\",\"order_id\":\"o-1\",\"client_order_id\":\"mm-000001\",\"market_ticker\":\"KXT-26NOV20-A\"," \
  "\"exchange_index\":0,\"is_taker\":false,\"side\":\"yes\",\"action\":\"buy\",\"yes_price_dollars\":\"0.4500\",\"count_fp\":\"4.00\",\"fee_cost\":\"0.000500\"," \
  "\"outcome_side\":\"yes\",\"book_side\":\"bid\",\"post_position_fp\":\"-4.00\",\"ts\":1795156290,\"ts_ms\":1795156290101}}"
#define ORDER "{\"type\":\"user_order\",\"sid\":6,\"msg\":{\"order_id\":\"o-1\",\"user_id\":\"u\",\"ticker\":\"KXT-26NOV20-A\",\"exchange_index\":2,\"status\":\"canceled\"," \
  "\"side\":\"no\",\"is_yes\":false,\"outcome_side\":\"no\",\"book_side\":\"ask\",\"yes_price_dollars\":\"0.4500\",\"fill_count_fp\":\"4.00\",\"remaining_count_fp\":\"0.00\"," \
  "\"initial_count_fp\":\"10.00\",\"taker_fill_cost_dollars\":\"0.000000\",\"maker_fill_cost_dollars\":\"1.800000\",\"taker_fees_dollars\":\"0.010000\"," \
  "\"maker_fees_dollars\":\"0.000300\",\"client_order_id\":\"pmm-00000001000000ff\",\"created_time\":\"2026-11-20T06:31:29.9Z\",\"created_ts_ms\":1795156289900," \
  "\"last_updated_ts_ms\":1795156291000,\"last_update_reason\":\"CloseCancel\",\"subaccount_number\":3}}"
#define TRADE "{\"type\":\"trade\",\"sid\":2,\"seq\":9,\"msg\":{\"trade_id\":\"t-1\",\"market_ticker\":\"KXT-26NOV20-A\",\"yes_price_dollars\":\"0.4500\"," \
  "\"no_price_dollars\":\"0.5500\",\"count_fp\":\"4.25\",\"taker_side\":\"no\",\"taker_outcome_side\":\"no\",\"taker_book_side\":\"ask\",\"is_block_trade\":false," \
  "\"ts\":1795156290,\"ts_ms\":1795156290101}}"
#define TICKER "{\"type\":\"ticker\",\"sid\":3,\"msg\":{\"market_ticker\":\"KXT-26NOV20-A\",\"market_id\":\"0-1\",\"price_dollars\":\"0.4500\",\"yes_bid_dollars\":\"0.4400\"," \
  "\"yes_ask_dollars\":\"0.4600\",\"yes_bid_size_fp\":\"12.00\",\"yes_ask_size_fp\":\"7.50\",\"last_trade_size_fp\":\"4.00\",\"volume_fp\":\"1000.00\"," \
  "\"open_interest_fp\":\"500.00\",\"dollar_volume\":450,\"dollar_open_interest\":220,\"ts\":1795156290,\"ts_ms\":1795156290101,\"time\":\"2026-11-20T06:31:30Z\"}}"
#define POSITION "{\"type\":\"market_position\",\"sid\":7,\"msg\":{\"user_id\":\"u\",\"market_ticker\":\"KXT-26NOV20-A\",\"position_fp\":\"-4.00\"," \
  "\"position_cost_dollars\":\"2.200000\",\"realized_pnl_dollars\":\"-0.100000\",\"fees_paid_dollars\":\"0.017500\",\"position_fee_cost_dollars\":\"0.0\",\"volume_fp\":\"8.00\"}}"
#define GROUP "{\"type\":\"order_group_updates\",\"sid\":8,\"seq\":3,\"msg\":{\"event_type\":\"limit_updated\",\"order_group_id\":\"g-1\",\"contracts_limit_fp\":\"50.00\",\"ts_ms\":1795156290101}}"
#define STRUCTURE "{\"type\":\"market_lifecycle_v2\",\"sid\":9,\"seq\":4,\"msg\":{\"market_ticker\":\"KXT-26NOV20-A\",\"event_type\":\"price_level_structure_updated\"," \
  "\"price_level_structure\":\"tapered_deci_cent\",\"price_ranges\":[{\"start\":\"0.0000\",\"end\":\"0.1000\",\"step\":\"0.0010\"}," \
  "{\"start\":\"0.1000\",\"end\":\"0.9000\",\"step\":\"0.0100\"},{\"start\":\"0.9000\",\"end\":\"1.0000\",\"step\":\"0.0010\"}]}}"
#define SETTLED "{\"type\":\"market_lifecycle_v2\",\"sid\":9,\"seq\":5,\"msg\":{\"market_ticker\":\"KXT-26NOV20-A\",\"event_type\":\"settled\",\"exchange_index\":0," \
  "\"result\":\"scalar\",\"settlement_value\":\"0.3700\",\"settled_ts\":1795156290}}"
#define FEE "{\"type\":\"event_fee_update\",\"sid\":9,\"seq\":6,\"msg\":{\"event_ticker\":\"KXT-26NOV20\",\"fee_type_override\":null,\"fee_multiplier_override\":0.5}}"
#define INDEX "{\"type\":\"cfbenchmarks_value\",\"sid\":1,\"seq\":911,\"msg\":{\"index_id\":\"BRTI\",\"received_at\":1795187670019,\"data\":\"{\\\"type\\\":\\\"value\\\",\\\"id\\\":" \
  "\\\"BRTI\\\",\\\"time\\\":1795187670000,\\\"value\\\":\\\"91262.07\\\"}\",\"avg_60s_data\":{\"value\":\"91258.40310000\",\"window_size\":60," \
  "\"window_start_ts_ms\":1795187610000,\"window_end_ts_exclusive\":1795187670000},\"last_60s_windowed_average_15min\":{\"value\":\"91260.11500000\"," \
  "\"window_size\":30,\"window_start_ts_ms\":1795187640000,\"window_end_ts_exclusive\":1795187700000}}}"
#define INDEX_5HZ "{\"type\":\"cfbenchmarks_value_5hz\",\"sid\":2,\"seq\":42,\"msg\":{\"index_id\":\"BRTI\",\"value_usd\":\"91227.61000000\",\"source_ts_ms\":1795186805200," \
  "\"received_at\":1795186805218,\"data\":\"{\\\"type\\\":\\\"value\\\"}\"}}"
#define SUBSCRIBED "{\"type\":\"subscribed\",\"id\":1,\"msg\":{\"channel\":\"orderbook_delta\",\"sid\":4}}"
#define ACK "{\"type\":\"ok\",\"id\":3,\"sid\":1,\"seq\":8,\"msg\":{\"market_tickers\":[\"A\",\"B\"]}}"
#define ERROR "{\"type\":\"error\",\"id\":3,\"msg\":{\"code\":12,\"msg\":\"exactly one subscription id required\"}}"

static const char *const samples[] = {DELTA, BOOK, FILL, ORDER, TRADE, TICKER, POSITION, GROUP, STRUCTURE, SETTLED, FEE, INDEX, INDEX_5HZ, SUBSCRIBED, ACK, ERROR};

static void deltas_and_snapshots(void **state) {
  (void)state;
  pmm_kalshi_frame_t f;
  assert_int_equal(read_frame(DELTA, &f), PMM_OK);
  assert_int_equal(f.type, PMM_KALSHI_DELTA);
  assert_true(f.has_seq && f.seq == 2 && f.sid == 1);
  text_is(f.market, "KXT-26NOV20-A");
  assert_int_equal(f.exch_ns, INT64_C(1795156289957) * MS);
  assert_int_equal(f.u.delta.price_e4, 4700);
  assert_int_equal(f.u.delta.qty_e6, -3000000);
  assert_false(f.u.delta.no);
  assert_int_equal(read_frame(BOOK, &f), PMM_OK);
  assert_int_equal(f.type, PMM_KALSHI_BOOK);
  assert_int_equal(f.u.book.cnt[0], 2);
  assert_int_equal(f.u.book.cnt[1], 1);
  assert_int_equal(f.u.book.level[0][1].price_e4, 4700);
  assert_int_equal(f.u.book.level[0][1].qty_e6, 3000000);
  assert_int_equal(f.u.book.level[1][0].price_e4, 4800);
}

static void the_account(void **state) {
  (void)state;
  pmm_kalshi_frame_t f;
  assert_int_equal(read_frame(FILL, &f), PMM_OK);
  assert_int_equal(f.type, PMM_KALSHI_FILL);
  assert_false(f.has_seq);
  text_is(f.u.fill.trade_id, "t-1");
  text_is(f.u.fill.client_order_id, "mm-000001");
  assert_int_equal(f.u.fill.fee_e6, 500);
  assert_int_equal(f.u.fill.qty_e6, 4000000);
  assert_int_equal(f.u.fill.side, PMM_BID);
  assert_true(f.u.fill.maker && f.u.fill.has_position);
  assert_int_equal(f.u.fill.position_e6, -4000000);
  assert_int_equal(f.exch_ns, INT64_C(1795156290101) * MS);
  assert_int_equal(read_frame(ORDER, &f), PMM_OK);
  text_is(f.u.order.client_order_id, "pmm-00000001000000ff");
  assert_int_equal(f.u.order.status, PMM_KALSHI_ORDER_CANCELED);
  assert_int_equal(f.u.order.reason, PMM_KALSHI_REASON_CLOSE);
  assert_int_equal(f.u.order.side, PMM_ASK);
  assert_int_equal(f.u.order.initial_e6, 10000000);
  assert_int_equal(f.u.order.filled_e6, 4000000);
  assert_int_equal(f.u.order.fees_e6, 10300);
  assert_int_equal(f.u.order.subaccount, 3);
  assert_int_equal(f.u.order.exchange_index, 2);
  assert_int_equal(f.u.order.created_ns, INT64_C(1795156289900) * MS);
  assert_int_equal(f.exch_ns, INT64_C(1795156291000) * MS);
  assert_int_equal(read_frame(POSITION, &f), PMM_OK);
  assert_int_equal(f.u.position.position_e6, -4000000);
  assert_int_equal(f.u.position.cost_e6, 2200000);
  assert_int_equal(f.u.position.realized_e6, -100000);
  assert_int_equal(read_frame(GROUP, &f), PMM_OK);
  assert_int_equal(f.u.group.event, PMM_KALSHI_GROUP_LIMIT);
  assert_int_equal(f.u.group.limit_e6, 50000000);
  text_is(f.u.group.group_id, "g-1");
}

static void the_market(void **state) {
  (void)state;
  pmm_kalshi_frame_t f;
  assert_int_equal(read_frame(TRADE, &f), PMM_OK);
  assert_int_equal(f.u.trade.taker, PMM_ASK);
  assert_int_equal(f.u.trade.price_e4, 4500);
  assert_int_equal(f.u.trade.qty_e6, 4250000);
  assert_int_equal(read_frame(TICKER, &f), PMM_OK);
  assert_int_equal(f.u.ticker.bid_e4, 4400);
  assert_int_equal(f.u.ticker.ask_e6, 7500000);
  assert_int_equal(f.u.ticker.volume_e6, INT64_C(1000000000));
  assert_int_equal(read_frame(STRUCTURE, &f), PMM_OK);
  assert_int_equal(f.u.life.event, PMM_KALSHI_EVENT_STRUCTURE);
  assert_true(f.u.life.has_grid);
  assert_int_equal(f.u.life.grid.range_cnt, 3);
  assert_int_equal(f.u.life.grid.tick_e4, 10);
  assert_int_equal(read_frame(SETTLED, &f), PMM_OK);
  assert_int_equal(f.u.life.event, PMM_KALSHI_EVENT_SETTLED);
  assert_int_equal(f.u.life.result, PMM_OUTCOME_VOID);
  assert_true(f.u.life.has_payout && f.u.life.payout_e6 == 370000);
  assert_int_equal(f.exch_ns, INT64_C(1795156290) * PMM_NS_PER_S);
  assert_int_equal(read_frame(FEE, &f), PMM_OK);
  assert_int_equal(f.u.fee.multiplier_e6, 500000);
  assert_int_equal(f.u.fee.fee_type.len, 0);
}

static void reference_prices_and_replies(void **state) {
  (void)state;
  pmm_kalshi_frame_t f;
  assert_int_equal(read_frame(INDEX, &f), PMM_OK);
  assert_int_equal(f.u.index.value_e8, INT64_C(9126207000000));
  assert_int_equal(f.u.index.source_ns, INT64_C(1795187670000) * MS);
  assert_true(f.u.index.minute.has && f.u.index.quarter.has);
  assert_int_equal(f.u.index.minute.value_e8, INT64_C(9125840310000));
  assert_int_equal(f.u.index.quarter.window_size, 30);
  assert_int_equal(read_frame(INDEX_5HZ, &f), PMM_OK);
  assert_int_equal(f.u.index.value_e8, INT64_C(9122761000000));
  assert_false(f.u.index.minute.has);
  assert_int_equal(read_frame(SUBSCRIBED, &f), PMM_OK);
  assert_int_equal(f.sid, 4);
  text_is(f.u.subscribed.channel, "orderbook_delta");
  assert_int_equal(read_frame("{\"type\":\"subscribed\",\"id\":1,\"sid\":7,\"msg\":{\"channel\":\"cfbenchmarks_value\"}}", &f), PMM_OK);
  assert_int_equal(f.sid, 7);
  assert_int_equal(read_frame(ACK, &f), PMM_OK);
  assert_true(f.type == PMM_KALSHI_ACK && f.id == 3 && f.seq == 8);
  assert_int_equal(read_frame("{\"type\":\"ok\",\"id\":4,\"msg\":[{\"channel\":\"trade\",\"sid\":2}]}", &f), PMM_OK);
  assert_int_equal(read_frame(ERROR, &f), PMM_OK);
  assert_true(f.type == PMM_KALSHI_ERROR && f.u.error.code == 12 && f.id == 3);
  assert_int_equal(read_frame("{\"type\":\"pyth_value\",\"sid\":1,\"seq\":3,\"msg\":{\"x\":[1,{}]}}", &f), PMM_OK);
  assert_true(f.type == PMM_KALSHI_OTHER && f.seq == 3); /* unknown, but it counts */
}

/* What venues have left out or will: words that come and go, keys that are null, an empty side without a key. */
static void tolerated(void **state) {
  (void)state;
  pmm_kalshi_frame_t f;
  assert_int_equal(read_frame("{\"type\":\"orderbook_snapshot\",\"sid\":1,\"seq\":1,\"msg\":{\"market_ticker\":\"A\",\"market_id\":\"x\"}}", &f), PMM_OK);
  assert_int_equal(f.u.book.cnt[0] + f.u.book.cnt[1], 0);
  assert_int_equal(read_frame("{\"type\":\"orderbook_snapshot\",\"sid\":1,\"seq\":1,\"msg\":{\"market_ticker\":\"A\",\"no_dollars_fp\":[]}}", &f), PMM_OK);
  assert_int_equal(read_frame("{\"type\":\"fill\",\"sid\":5,\"msg\":{\"fill_id\":\"t\",\"order_id\":\"o\",\"ticker\":\"A\",\"is_taker\":true,\"side\":\"no\",\"action\":\"sell\","
                              "\"yes_price_dollars\":\"0.017500\",\"count_fp\":\"1\",\"fee_cost\":\"0.01\",\"created_time\":\"2026-06-11T05:39:31.28563Z\"}}", &f),
                   PMM_OK);
  assert_int_equal(f.u.fill.price_e4, 175);
  assert_int_equal(f.u.fill.side, PMM_BID); /* sold NO */
  assert_int_equal(f.exch_ns, INT64_C(1781156371285630000));
  text_is(f.u.fill.trade_id, "t");
  assert_int_equal(read_frame("{\"type\":\"orderbook_delta\",\"sid\":1,\"seq\":2,\"msg\":{\"market_ticker\":\"A\",\"price_dollars\":\"0.1\",\"delta_fp\":\"1\",\"side\":\"no\","
                              "\"ts\":\"2026-06-11T05:39:29Z\"}}", &f), PMM_OK);
  assert_int_equal(f.exch_ns, INT64_C(1781156369000000000));
}

static void refused(void **state) {
  (void)state;
  static const struct { const char *text; pmm_status_t want; const char *says; } rows[] = {
      {"", PMM_PARSE, "byte"},
      {"[]", PMM_PARSE, "no object"},
      {"{\"sid\":1}", PMM_PARSE, "type is missing"},
      {"{\"type\":\"orderbook_delta\",\"sid\":1,\"seq\":2}", PMM_PARSE, "msg is missing"},
      {"{\"type\":\"orderbook_delta\",\"sid\":1,\"seq\":2,\"msg\":{\"market_ticker\":\"A\",\"price_dollars\":\"1.01\",\"delta_fp\":\"1\",\"side\":\"yes\"}}", PMM_PARSE, "price_dollars: out of range"},
      {"{\"type\":\"orderbook_delta\",\"sid\":1,\"seq\":2,\"msg\":{\"market_ticker\":\"A\",\"price_dollars\":\"0.00001\",\"delta_fp\":\"1\",\"side\":\"yes\"}}", PMM_PARSE, "no number of its scale"},
      {"{\"type\":\"orderbook_delta\",\"sid\":1,\"seq\":2,\"msg\":{\"market_ticker\":\"A\",\"price_dollars\":\"0.1\",\"delta_fp\":\"1\",\"side\":\"maybe\"}}", PMM_PARSE, "neither yes nor no"},
      {"{\"type\":\"orderbook_delta\",\"sid\":-1,\"seq\":2,\"msg\":{}}", PMM_PARSE, "sid: out of range"},
      {"{\"type\":\"orderbook_delta\",\"sid\":1,\"seq\":1e30,\"msg\":{}}", PMM_PARSE, "seq"},
      {"{\"type\":\"orderbook_snapshot\",\"sid\":1,\"seq\":1,\"msg\":{\"market_ticker\":\"A\",\"yes_dollars_fp\":[[\"0.1\"]]}}", PMM_PARSE, "a level is"},
      {"{\"type\":\"orderbook_snapshot\",\"sid\":1,\"seq\":1,\"msg\":{\"market_ticker\":\"A\",\"yes_dollars_fp\":[[\"0.1\",\"-1\"]]}}", PMM_PARSE, "count: out of range"},
      {"{\"type\":\"orderbook_snapshot\",\"sid\":1,\"seq\":1,\"msg\":{\"market_ticker\":\"A\",\"yes_dollars_fp\":{}}}", PMM_PARSE, "no array"},
      {"{\"type\":\"fill\",\"msg\":{\"order_id\":\"o\",\"trade_id\":\"t\",\"market_ticker\":\"A\",\"is_taker\":true,\"yes_price_dollars\":\"0.5\",\"count_fp\":\"1\",\"fee_cost\":\"0\"}}", PMM_PARSE, "book_side is missing"},
      {"{\"type\":\"fill\",\"msg\":{\"order_id\":5}}", PMM_PARSE, "order_id: no text"},
      {"{\"type\":\"subscribed\",\"id\":1,\"msg\":{\"channel\":\"x\"}}", PMM_PARSE, "sid is missing"},
      {"{\"type\":\"market_lifecycle_v2\",\"msg\":{\"market_ticker\":\"A\",\"price_ranges\":[{\"start\":\"0\",\"end\":\"1\",\"step\":\"0.03\"}]}}", PMM_PARSE, "price_ranges"},
      {"{\"type\":\"market_lifecycle_v2\",\"msg\":{\"market_ticker\":\"A\",\"settlement_value\":\"1.5\"}}", PMM_PARSE, "settlement_value"},
      {"{\"type\":\"cfbenchmarks_value\",\"msg\":{\"index_id\":\"B\",\"data\":\"nonsense\"}}", PMM_PARSE, "data"},
      {DELTA "x", PMM_PARSE, "byte"},
  };
  for (size_t i = 0; i < COUNT_OF(rows); i++) {
    pmm_kalshi_frame_t f, before;
    memset(&f, 0x5a, sizeof f);
    before = f;
    pmm_status_t const st = read_frame(rows[i].text, &f);
    if (st != rows[i].want || !strstr(rig_err.text, rows[i].says)) fail_msg("%s: %d %s", rows[i].text, st, rig_err.text);
    assert_memory_equal(&f, &before, sizeof f);
  }
}

/* -- the readers agree -- */

/* Everything a frame says, as text, so that frames can be compared although their texts lie elsewhere. */
static void say(char *out, size_t cap, pmm_status_t st, const pmm_kalshi_frame_t *f) {
  if (st != PMM_OK) {
    snprintf(out, cap, "status %d", st);
    return;
  }
  int n = snprintf(out, cap, "%u %d %llu %llu %u %lld [%.*s] ", f->type, f->has_seq, (unsigned long long)f->id, (unsigned long long)f->seq, f->sid,
                   (long long)f->exch_ns, (int)f->market.len, f->market.len ? f->market.at : "");
  if (f->type == PMM_KALSHI_DELTA)
    n += snprintf(out + n, cap - (size_t)n, "%lld %d %d [%.*s]", (long long)f->u.delta.qty_e6, f->u.delta.price_e4, f->u.delta.no, (int)f->u.delta.client_order_id.len,
                  f->u.delta.client_order_id.len ? f->u.delta.client_order_id.at : "");
  if (f->type == PMM_KALSHI_BOOK)
    for (int side = 0; side < 2; side++)
      for (uint32_t i = 0; i < f->u.book.cnt[side] && (size_t)n + 64 < cap; i++)
        n += snprintf(out + n, cap - (size_t)n, " %d:%d*%lld", side, f->u.book.level[side][i].price_e4, (long long)f->u.book.level[side][i].qty_e6);
  if (f->type == PMM_KALSHI_TRADE)
    n += snprintf(out + n, cap - (size_t)n, "%lld %d %d %d", (long long)f->u.trade.qty_e6, f->u.trade.price_e4, f->u.trade.taker, f->u.trade.block);
  if (f->type == PMM_KALSHI_FILL)
    n += snprintf(out + n, cap - (size_t)n, "%lld %lld %d %d %d %lld", (long long)f->u.fill.qty_e6, (long long)f->u.fill.fee_e6, f->u.fill.price_e4, f->u.fill.side,
                  f->u.fill.maker, (long long)f->u.fill.position_e6);
  if (f->type == PMM_KALSHI_ORDER)
    snprintf(out + n, cap - (size_t)n, "%lld %lld %d %d %d %d", (long long)f->u.order.filled_e6, (long long)f->u.order.remaining_e6, f->u.order.price_e4, f->u.order.side,
             f->u.order.status, f->u.order.reason);
}

static void compare(const char *text) {
  static char said[3][8192];
  for (int reader = PMM_KALSHI_READ_BEST; reader <= PMM_KALSHI_READ_JSON; reader++) {
    pmm_kalshi_frame_t f;
    pmm_kalshi_codec_reader(codec, (pmm_kalshi_reader_t)reader);
    pmm_status_t const st = read_frame(text, &f);
    say(said[reader], sizeof said[reader], st, &f);
  }
  pmm_kalshi_codec_reader(codec, PMM_KALSHI_READ_BEST);
  if (strcmp(said[0], said[1]) != 0 || strcmp(said[1], said[2]) != 0) fail_msg("%s\nscan   %s\ntokens %s\njson   %s", text, said[0], said[1], said[2]);
}

/* Each sample with a few bytes changed, cut, doubled or swapped: whatever comes of it, all readers say the same. */
static void mutate(pmm_rng_t *rng, char *text, size_t *len) {
  static const char bytes[] = "0123456789.-+eE\"\\{}[],: nulltruefalse\t\x01\x7f\xc3";
  size_t const at = pmm_rng_below(rng, *len);
  switch (pmm_rng_below(rng, 4)) {
  case 0: text[at] = bytes[pmm_rng_below(rng, sizeof bytes - 1)]; break;
  case 1:
    memmove(text + at, text + at + 1, *len - at);
    *len -= *len > 1;
    break;
  case 2:
    memmove(text + at + 1, text + at, *len - at + 1);
    (*len)++;
    break;
  default:
    text[at] = text[pmm_rng_below(rng, *len)];
    break;
  }
}

static void readers_agree(void **state) {
  (void)state;
  pmm_rng_t rng;
  pmm_rng_seed(&rng, check_seed("readers"));
  for (size_t i = 0; i < COUNT_OF(samples); i++) compare(samples[i]);
  uint64_t const ops = check_ops(60000);
  for (uint64_t n = 0; n < ops; n++) {
    char text[2048];
    size_t len = strlen(strcpy(text, samples[pmm_rng_below(&rng, COUNT_OF(samples))]));
    for (uint64_t k = 1 + pmm_rng_below(&rng, 3); k > 0; k--) mutate(&rng, text, &len);
    text[len] = '\0';
    if (strlen(text) == len) compare(text);
  }
}

/* A price or size of any length, now and then not one; most have the four and two decimals that the venue prints. */
static int print_number(char *out, size_t cap, pmm_rng_t *rng, bool price) {
  static const char *const odd[] = {"", "0", "1", "0.1", "00.1000", "0.12345", "0.1.0", ".5000", "0.", "1.0000", "0.00", "1e3", "0.470", "12345678.00", "99999999999.00", "7.000001", "1.0x"};
  if (pmm_rng_below(rng, 8) == 0) return snprintf(out, cap, "%s", odd[pmm_rng_below(rng, COUNT_OF(odd))]);
  if (price) return snprintf(out, cap, "0.%04u", (unsigned)pmm_rng_below(rng, 10000));
  uint64_t below = 10;
  for (uint64_t n = pmm_rng_below(rng, 9); n > 0; n--) below *= 10;
  return snprintf(out, cap, "%s%llu.%02u", pmm_rng_below(rng, 8) ? "" : "-", (unsigned long long)pmm_rng_below(rng, below), (unsigned)pmm_rng_below(rng, 100));
}

static int print_levels(char *out, size_t cap, pmm_rng_t *rng) {
  int n = 0;
  for (uint64_t left = pmm_rng_below(rng, 6); left > 0; left--) {
    n += snprintf(out + n, cap - (size_t)n, "[\"");
    n += print_number(out + n, cap - (size_t)n, rng, true);
    n += snprintf(out + n, cap - (size_t)n, "\",\"");
    n += print_number(out + n, cap - (size_t)n, rng, false);
    n += snprintf(out + n, cap - (size_t)n, "\"]%s", left > 1 ? "," : "");
  }
  return n;
}

/* Numbers of a book and a change in all their lengths. */
static void numbers_of_every_length(void **state) {
  (void)state;
  pmm_rng_t rng;
  pmm_rng_seed(&rng, check_seed("numbers"));
  uint64_t const ops = check_ops(15000);
  for (uint64_t n = 0; n < ops; n++) {
    char text[1024], price[32], change[32], yes[256] = "", no[256] = "", seq[24];
    snprintf(seq, sizeof seq, "%.*s", (int)pmm_rng_below(&rng, 21), pmm_rng_below(&rng, 10) ? "12345678901234567890" : "0");
    print_levels(yes, sizeof yes, &rng);
    print_levels(no, sizeof no, &rng);
    print_number(price, sizeof price, &rng, true);
    print_number(change, sizeof change, &rng, false);
    snprintf(text, sizeof text, "{\"type\":\"orderbook_snapshot\",\"sid\":1,\"seq\":%s,\"msg\":{\"market_ticker\":\"A\",\"market_id\":\"x\",\"yes_dollars_fp\":[%s],"
             "\"no_dollars_fp\":[%s]}}", seq, yes, no);
    compare(text);
    snprintf(text, sizeof text, "{\"type\":\"orderbook_delta\",\"sid\":1,\"seq\":%s,\"msg\":{\"market_ticker\":\"A\",\"market_id\":\"x\",\"price_dollars\":\"%s\","
             "\"delta_fp\":\"%s\",\"side\":\"no\",\"ts\":\"2026-11-20T06:31:29Z\",\"ts_ms\":%s}}", seq, price, change, seq);
    compare(text);
  }
}

/* A message that is cut while the bytes behind it go on as it would: nothing behind the end counts. */
static void nothing_behind_the_end_counts(void **state) {
  (void)state;
  static const char *const texts[] = {DELTA, BOOK};
  for (size_t i = 0; i < COUNT_OF(texts); i++) {
    char text[1024] = "";
    size_t const len = strlen(strcpy(text, texts[i]));
    for (size_t cut = 0; cut < len; cut++)
      for (int reader = PMM_KALSHI_READ_BEST; reader <= PMM_KALSHI_READ_JSON; reader++) {
        pmm_kalshi_frame_t f;
        pmm_kalshi_codec_reader(codec, (pmm_kalshi_reader_t)reader);
        if (pmm_kalshi_frame_read(codec, text, cut, &f, &rig_err) != PMM_PARSE) fail_msg("reader %d took %.*s", reader, (int)cut, text);
      }
  }
  pmm_kalshi_codec_reader(codec, PMM_KALSHI_READ_BEST);
}

/* The usual bytes never need simdjson, and books not even tokens: measured by making the slower readers useless. */
static void keys_in_any_order(void **state) {
  (void)state;
  pmm_kalshi_frame_t f, g;
  assert_int_equal(read_frame(DELTA, &f), PMM_OK);
  assert_int_equal(read_frame("{ \"msg\" : {\"side\":\"yes\", \"ts_ms\":1795156289957,\"delta_fp\":\"-3.00\",\"new\":{\"a\":[null]},\"price_dollars\":\"4.7e-1\",\n"
                              "\"market_ticker\":\"KXT\\u002d26NOV20-A\"},\"seq\":2,\"sid\":1,\"type\":\"orderbook_delta\"}", &g), PMM_OK);
  assert_int_equal(g.u.delta.qty_e6, f.u.delta.qty_e6);
  assert_int_equal(g.u.delta.price_e4, f.u.delta.price_e4);
  assert_int_equal(g.exch_ns, f.exch_ns);
  text_is(g.market, "KXT-26NOV20-A");
  assert_int_equal(read_frame("{\"type\":\"orderbook_delta\",\"sid\":1,\"seq\":2,\"msg\":{\"market_ticker\":\"A\",\"market_id\":\"x\",\"price_dollars\":\"0.4700\",\"delta_fp\":\"1.00\","
                              "\"side\":\"no\",\"client_order_id\":\"pmm-1\",\"subaccount\":0,\"ts\":\"2026-11-20T06:31:29Z\",\"ts_ms\":5},\"sending_ts_ms\":6}", &g), PMM_OK);
  text_is(g.u.delta.client_order_id, "pmm-1");
  assert_true(g.u.delta.no);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(deltas_and_snapshots), cmocka_unit_test(the_account), cmocka_unit_test(the_market), cmocka_unit_test(reference_prices_and_replies),
      cmocka_unit_test(tolerated), cmocka_unit_test(refused), cmocka_unit_test(readers_agree), cmocka_unit_test(numbers_of_every_length),
      cmocka_unit_test(nothing_behind_the_end_counts), cmocka_unit_test(keys_in_any_order),
  };
  return cmocka_run_group_tests(tests, rig_open, rig_close);
}
