/* The codec: a table of messages, the scanner against the full parser on messages bent at random, and recordings against the tape's
   importer, which was written apart from it. */
#include <jansson.h>
#include <unistd.h>
#include <zlib.h>
#include "base/check.h"
#include "pmm/book.h"
#include "pmm/hash.h"
#include "pmm/tape.h"
#include "venue/polymarket/codec.h"

#define YES "45936375922793925919605092352922707796689801895417366600539442410775071099958"
#define NO "86520121088881862182423437128238697252500151785248183602134095101149900014256"
#define OTHER "13917627517502768201235213826866970628416806758650647861097354638225151676696"
#define OTHER_NO "79951446619687279678993570456142474051779067785614208685555261501997794502271"
#define STRANGER "71321045679252212594626385532706912750332728571942532289631379312455583992563"
#define WORD "0x1111111111111111111111111111111111111111111111111111111111111111"
#define WORD2 "0x2222222222222222222222222222222222222222222222222222222222222222"

static pmm_poly_tokens_t *tokens;
static pmm_poly_codec_t *codec;

static int open_codec(void **state) {
  (void)state;
  tokens = pmm_poly_tokens_new(2);
  assert_int_equal(pmm_poly_tokens_add(tokens, YES, strlen(YES), 0, false), PMM_OK);
  assert_int_equal(pmm_poly_tokens_add(tokens, NO, strlen(NO), 0, true), PMM_OK);
  assert_int_equal(pmm_poly_tokens_add(tokens, OTHER, strlen(OTHER), 1, false), PMM_OK);
  assert_int_equal(pmm_poly_tokens_add(tokens, OTHER_NO, strlen(OTHER_NO), 1, true), PMM_OK);
  codec = pmm_poly_codec_new(tokens);
  assert_non_null(codec);
  return 0;
}

static int close_codec(void **state) {
  (void)state;
  pmm_poly_codec_free(codec);
  pmm_poly_tokens_free(tokens);
  return 0;
}

static char padded[1 << 20];

static const char *pad(const char *text, size_t len) {
  assert_true(len + PMM_JSON_PAD <= sizeof padded);
  memmove(padded, text, len);
  memset(padded + len, 0, PMM_JSON_PAD);
  return padded;
}

/* The records of a message as text: "bid 0.4900 10; ask ..."; "!" for the last of a message. */
static void records_text(const pmm_poly_msg_t *msg, char *out, size_t cap) {
  size_t at = 0;
  out[0] = '\0';
  for (uint32_t i = 0; i < msg->md_cnt; i++) {
    const pmm_md_t *const md = &msg->md[i];
    static const char *const kind[] = {"none", "level", "trade", "clear", "mark", "status", "tick"};
    at += (size_t)snprintf(out + at, cap - at, "%s%u %s %d %d %lld%s%s", i ? "; " : "", md->market, kind[md->kind], md->side, md->price_e4,
                           (long long)md->qty_e6, md->flags & PMM_F_SNAPSHOT ? " s" : "", md->flags & PMM_F_LAST ? " !" : "");
  }
}

static void test_messages(void **state) {
  static const struct { const char *why, *text; pmm_status_t want; pmm_poly_kind_t kind; const char *records; } rows[] = {
      {"a change is told once per token and counts once",
       "{\"market\":\"0xaa\",\"price_changes\":[{\"asset_id\":\"" YES "\",\"price\":\"0.86\",\"size\":\"362.17\",\"side\":\"BUY\",\"hash\":\"425af2848c4f6462b5d2954448419abc0abac9ac\","
       "\"best_bid\":\"0.86\",\"best_ask\":\"0.87\"},{\"asset_id\":\"" NO "\",\"price\":\"0.14\",\"size\":\"362.17\",\"side\":\"SELL\",\"hash\":\"a1\",\"best_bid\":\"0.13\","
       "\"best_ask\":\"0.14\"}],\"timestamp\":\"1776808414710\",\"event_type\":\"price_change\"}", PMM_OK, PMM_POLY_CHANGE, "0 level 0 8600 362170000 !"},
      {"the same with NO first",
       "{\"market\":\"0xaa\",\"price_changes\":[{\"asset_id\":\"" NO "\",\"price\":\"0.14\",\"size\":\"5\",\"side\":\"SELL\"},{\"asset_id\":\"" YES "\",\"price\":\"0.86\",\"size\":\"5\",\"side\":\"BUY\"}],"
       "\"timestamp\":\"1\",\"event_type\":\"price_change\"}", PMM_OK, PMM_POLY_CHANGE, "0 level 0 8600 5000000 !"},
      {"a change of NO alone is mirrored",
       "{\"event_type\":\"price_change\",\"market\":\"0xaa\",\"timestamp\":\"1\",\"price_changes\":[{\"asset_id\":\"" NO "\",\"price\":\"0.49\",\"size\":\"3\",\"side\":\"BUY\"}]}",
       PMM_OK, PMM_POLY_CHANGE, "0 level 1 5100 3000000 !"},
      {"two changes of one token, and a level that empties",
       "{\"event_type\":\"price_change\",\"market\":\"0xaa\",\"timestamp\":\"1\",\"price_changes\":[{\"asset_id\":\"" YES "\",\"price\":\"0.49\",\"size\":\"0\",\"side\":\"BUY\"},"
       "{\"asset_id\":\"" YES "\",\"price\":\"0.5\",\"size\":\"1.25\",\"side\":\"SELL\"}]}", PMM_OK, PMM_POLY_CHANGE, "0 level 0 4900 0; 0 level 1 5000 1250000 !"},
      {"changes of two markets end one message each",
       "{\"event_type\":\"price_change\",\"market\":\"0xaa\",\"timestamp\":\"1\",\"price_changes\":[{\"asset_id\":\"" YES "\",\"price\":\"0.49\",\"size\":\"1\",\"side\":\"BUY\"},"
       "{\"asset_id\":\"" OTHER "\",\"price\":\"0.5\",\"size\":\"2\",\"side\":\"SELL\"}]}", PMM_OK, PMM_POLY_CHANGE, "0 level 0 4900 1000000 !; 1 level 1 5000 2000000 !"},
      {"tokens that are not ours are passed over",
       "{\"event_type\":\"price_change\",\"market\":\"0xaa\",\"timestamp\":\"1\",\"price_changes\":[{\"asset_id\":\"" STRANGER "\",\"price\":\"0.49\",\"size\":\"1\",\"side\":\"BUY\"}]}",
       PMM_OK, PMM_POLY_OTHER, ""},
      {"an older recording names the token once",
       "{\"event_type\":\"price_change\",\"market\":\"0xaa\",\"asset_id\":\"" NO "\",\"timestamp\":\"1\",\"changes\":[{\"price\":\"0.48\",\"size\":\"1\",\"side\":\"BUY\"}]}",
       PMM_OK, PMM_POLY_CHANGE, "0 level 1 5200 1000000 !"},
      {"a book", "{\"market\":\"0xaa\",\"asset_id\":\"" YES "\",\"timestamp\":\"5\",\"hash\":\"h\",\"bids\":[{\"price\":\"0.49\",\"size\":\"10\"},{\"price\":\"0.5\",\"size\":\"7.5\"}],"
       "\"asks\":[{\"price\":\"0.53\",\"size\":\"4\"}],\"tick_size\":\"0.01\",\"event_type\":\"book\",\"last_trade_price\":\"0.5\"}", PMM_OK, PMM_POLY_BOOK,
       "0 clear 0 0 0 s; 0 level 0 4900 10000000 s; 0 level 0 5000 7500000 s; 0 level 1 5300 4000000 s !"},
      {"a book of NO, without a type", "{\"market\":\"0xaa\",\"asset_id\":\"" NO "\",\"timestamp\":\"5\",\"bids\":[{\"price\":\"0.47\",\"size\":\"4\"}],\"asks\":[]}", PMM_OK, PMM_POLY_BOOK,
       "0 clear 0 0 0 s; 0 level 1 5300 4000000 s !"},
      {"an empty book", "{\"event_type\":\"book\",\"asset_id\":\"" YES "\",\"bids\":[],\"asks\":[]}", PMM_OK, PMM_POLY_BOOK, "0 clear 0 0 0 s !"},
      {"white space and escapes", " {\"event_type\" : \"bo\\u006fk\",\n\"asset_id\":\"" YES "\",\"bids\":[ {\"size\":\"1\", \"price\":0.25} ],\"asks\":null} ", PMM_PARSE, 0, ""},
      {"white space, numbers and another order", " {\"event_type\" : \"bo\\u006fk\",\n\"asset_id\":\"" YES "\",\"bids\":[ {\"size\":1, \"price\":0.25} ],\"asks\":[]} ", PMM_OK, PMM_POLY_BOOK,
       "0 clear 0 0 0 s; 0 level 0 2500 1000000 s !"},
      {"a print: the taker bought NO", "{\"market\":\"0xaa\",\"asset_id\":\"" NO "\",\"price\":\"0.2\",\"size\":\"13.7931\",\"fee_rate_bps\":\"1000\",\"side\":\"BUY\",\"timestamp\":\"1776808414725\","
       "\"event_type\":\"last_trade_price\",\"transaction_hash\":\"0x68\"}", PMM_OK, PMM_POLY_PRINT, "0 trade 1 8000 13793100 !"},
      {"a print without a size", "{\"asset_id\":\"" YES "\",\"price\":\"0.2\",\"size\":\"\",\"side\":\"BUY\",\"timestamp\":\"1\",\"event_type\":\"last_trade_price\"}", PMM_OK, PMM_POLY_PRINT, ""},
      {"a tick change", "{\"event_type\":\"tick_size_change\",\"asset_id\":\"" YES "\",\"market\":\"0xaa\",\"old_tick_size\":\"0.01\",\"new_tick_size\":\"0.001\",\"timestamp\":\"100000000\"}",
       PMM_OK, PMM_POLY_TICK, "0 tick 0 10 0 !"},
      {"best prices", "{\"market\":\"0xaa\",\"asset_id\":\"" YES "\",\"best_bid\":\"0.86\",\"best_ask\":\"0.87\",\"spread\":\"0.01\",\"timestamp\":\"1\",\"event_type\":\"best_bid_ask\"}", PMM_OK, PMM_POLY_BBO, ""},
      {"resolved: NO won", "{\"event_type\":\"market_resolved\",\"id\":\"1\",\"market\":\"0xaa\",\"assets_ids\":[\"" YES "\",\"" NO "\"],\"winning_asset_id\":\"" NO "\",\"winning_outcome\":\"No\",\"timestamp\":\"1\"}",
       PMM_OK, PMM_POLY_RESOLVED, "0 status 2 0 0 !"},
      {"a listing", "{\"event_type\":\"new_market\",\"id\":\"1\",\"market\":\"0xcc\",\"event_message\":{\"x\":[1]},\"timestamp\":\"1\"}", PMM_OK, PMM_POLY_NEW_MARKET, ""},
      {"an unknown type", "{\"event_type\":\"weather\",\"timestamp\":\"1\"}", PMM_OK, PMM_POLY_OTHER, ""},
      {"no type", "{\"timestamp\":\"1\"}", PMM_PARSE, 0, ""},
      {"price 1", "{\"event_type\":\"book\",\"asset_id\":\"" YES "\",\"bids\":[{\"price\":\"1\",\"size\":\"1\"}],\"asks\":[]}", PMM_PARSE, 0, ""},
      {"price with five places", "{\"event_type\":\"book\",\"asset_id\":\"" YES "\",\"bids\":[{\"price\":\"0.12345\",\"size\":\"1\"}],\"asks\":[]}", PMM_PARSE, 0, ""},
      {"negative size", "{\"event_type\":\"book\",\"asset_id\":\"" YES "\",\"bids\":[{\"price\":\"0.1\",\"size\":\"-1\"}],\"asks\":[]}", PMM_PARSE, 0, ""},
      {"side", "{\"event_type\":\"price_change\",\"timestamp\":\"1\",\"price_changes\":[{\"asset_id\":\"" YES "\",\"price\":\"0.1\",\"size\":\"1\",\"side\":\"HOLD\"}]}", PMM_PARSE, 0, ""},
      {"a tick that does not divide", "{\"event_type\":\"tick_size_change\",\"asset_id\":\"" YES "\",\"new_tick_size\":\"0.003\",\"timestamp\":\"1\"}", PMM_PARSE, 0, ""},
      {"seconds beyond the year 2262", "{\"event_type\":\"best_bid_ask\",\"asset_id\":\"" YES "\",\"best_bid\":\"0.4\",\"best_ask\":\"0.5\",\"timestamp\":\"9223372037\"}", PMM_PARSE, 0, ""},
      {"the last second there is", "{\"event_type\":\"best_bid_ask\",\"asset_id\":\"" YES "\",\"best_bid\":\"0.4\",\"best_ask\":\"0.5\",\"timestamp\":\"9223372036\"}", PMM_OK, PMM_POLY_BBO, ""},
      {"milliseconds beyond it", "{\"event_type\":\"best_bid_ask\",\"asset_id\":\"" YES "\",\"best_bid\":\"0.4\",\"best_ask\":\"0.5\",\"timestamp\":\"9223372036855\"}", PMM_PARSE, 0, ""},
      {"the last millisecond", "{\"event_type\":\"best_bid_ask\",\"asset_id\":\"" YES "\",\"best_bid\":\"0.4\",\"best_ask\":\"0.5\",\"timestamp\":\"9223372036854\"}", PMM_OK, PMM_POLY_BBO, ""},
      {"a letter in a time", "{\"event_type\":\"best_bid_ask\",\"asset_id\":\"" YES "\",\"best_bid\":\"0.4\",\"best_ask\":\"0.5\",\"timestamp\":\"17768084x4710\"}", PMM_PARSE, 0, ""},
      {"seventeen digits", "{\"event_type\":\"best_bid_ask\",\"asset_id\":\"" YES "\",\"best_bid\":\"0.4\",\"best_ask\":\"0.5\",\"timestamp\":\"00001776808414710\"}", PMM_OK, PMM_POLY_BBO, ""},
      {"cut short", "{\"event_type\":\"book\",\"asset_id\":\"" YES "\",\"bids\":[{\"price\":\"0.1\"", PMM_PARSE, 0, ""},
      {"text behind", "{\"event_type\":\"weather\"} x", PMM_PARSE, 0, ""},
  };
  (void)state;
  for (size_t i = 0; i < COUNT_OF(rows); i++)
    for (int slow = 0; slow < 2; slow++) {
      pmm_poly_msg_t msg = {.kind = 99};
      pmm_error_t err = {0};
      char got[1000];
      size_t const len = strlen(rows[i].text);
      const char *const text = pad(rows[i].text, len);
      pmm_status_t const st = slow ? pmm_poly_decode_slow(codec, text, len, 7, 3, &msg, &err) : pmm_poly_decode(codec, text, len, 7, 3, &msg, &err);
      if (st != rows[i].want) fail_msg("%s: %s %s", rows[i].why, pmm_status_to_string(st), err.text);
      if (st != PMM_OK) {
        assert_int_equal(msg.kind, 99);
        assert_non_null(strstr(err.text, "byte"));
        continue;
      }
      if (msg.kind != rows[i].kind) fail_msg("%s: kind %d", rows[i].why, msg.kind);
      records_text(&msg, got, sizeof got);
      if (strcmp(got, rows[i].records) != 0) fail_msg("%s: %s", rows[i].why, got);
    }
}

static pmm_poly_msg_t decode(const char *text) {
  pmm_poly_msg_t msg;
  pmm_error_t err = {0};
  if (pmm_poly_decode(codec, pad(text, strlen(text)), strlen(text), 7, 3, &msg, &err) != PMM_OK) fail_msg("%s: %s", err.text, text);
  return msg;
}

static void test_best(void **state) {
  static const struct { const char *token, *bid, *ask; bool told; int32_t best[2]; } rows[] = {
      {YES, "0.49", "0.51", true, {4900, 5100}}, {NO, "0.49", "0.52", true, {4800, 5100}}, {YES, "0", "0.51", true, {0, 5100}}, {YES, "0.49", "1", true, {4900, 0}},
      {YES, "0.49", "0", true, {4900, 0}},       {NO, "0", "0.52", true, {4800, 0}},       {NO, "0.49", "1", true, {0, 5100}},  {YES, "", "0.5", false, {0, 0}}};
  (void)state;
  for (size_t i = 0; i < COUNT_OF(rows); i++) {
    char text[400];
    snprintf(text, sizeof text, "{\"event_type\":\"best_bid_ask\",\"asset_id\":\"%s\",\"best_bid\":\"%s\",\"best_ask\":\"%s\"}", rows[i].token, rows[i].bid, rows[i].ask);
    pmm_poly_msg_t const msg = decode(text);
    assert_int_equal(msg.told_best, rows[i].told);
    if (msg.told_best) assert_memory_equal(msg.best_e4, rows[i].best, sizeof rows[i].best);
  }
}

static const char trade_text[] =
    "{\"event_type\":\"trade\",\"type\":\"TRADE\",\"id\":\"28c4d2eb-bbea-40e7-a9f0-b2fdb56b2c2e\",\"taker_order_id\":\"" WORD "\",\"market\":\"0xaa\",\"asset_id\":\"" YES "\",\"side\":\"BUY\","
    "\"size\":\"10\",\"price\":\"0.57333333\",\"fee_rate_bps\":\"0\",\"status\":\"MATCHED\",\"matchtime\":\"1672290701\",\"last_update\":\"1672290701\",\"outcome\":\"YES\",\"owner\":\"x\","
    "\"trade_owner\":\"x\",\"maker_orders\":[{\"order_id\":\"" WORD2 "\",\"owner\":\"y\",\"matched_amount\":\"4\",\"price\":\"0.57\",\"asset_id\":\"" YES "\",\"outcome\":\"YES\"},"
    "{\"order_id\":\"" WORD "\",\"matched_amount\":\"6\",\"price\":\"0.42\",\"asset_id\":\"" NO "\",\"side\":\"BUY\"}],\"bucket_index\":0,\"timestamp\":\"1672290701123\"}";
static const char order_text[] =
    "{\"event_type\":\"order\",\"id\":\"" WORD "\",\"owner\":\"x\",\"market\":\"0xaa\",\"asset_id\":\"" NO "\",\"side\":\"SELL\",\"original_size\":\"10\",\"size_matched\":\"2.5\",\"price\":\"0.57\","
    "\"associate_trades\":[\"a\",\"b\"],\"outcome\":\"NO\",\"type\":\"UPDATE\",\"created_at\":\"1672290687\",\"expiration\":\"0\",\"order_type\":\"GTC\",\"status\":\"LIVE\",\"timestamp\":\"1672290687\"}";

static void test_user_trade(void **state) {
  (void)state;
  uint64_t const parsed = pmm_poly_codec_stats(codec)->parsed;
  pmm_poly_msg_t const msg = decode(trade_text);
  const pmm_poly_user_trade_t *const t = &msg.trade;
  assert_int_equal(pmm_poly_codec_stats(codec)->parsed, parsed); /* the usual shape needs no full parser */
  assert_int_equal(msg.kind, PMM_POLY_TRADE);
  assert_int_equal(msg.exch_ns, INT64_C(1672290701123000000));
  assert_string_equal(t->id, "28c4d2eb-bbea-40e7-a9f0-b2fdb56b2c2e");
  assert_int_equal(t->state, PMM_POLY_MATCHED);
  assert_int_equal(t->match_ns, INT64_C(1672290701000000000));
  assert_int_equal(t->taker.order.b[5], 0x11);
  assert_int_equal(t->taker.price_e4, 5733);
  assert_int_equal(t->taker.qty_e6, 10000000);
  assert_int_equal(t->maker_cnt, 2);
  assert_int_equal(t->maker[0].side, PMM_POLY_SELL); /* not told: the other side of the taker's token */
  assert_int_equal(t->maker[0].qty_e6, 4000000);
  assert_true(t->maker[1].no);
  assert_int_equal(t->maker[1].side, PMM_POLY_BUY);
  assert_int_equal(t->maker[1].price_e4, 4200);
}

static void test_user_order(void **state) {
  static const struct { const char *status; pmm_poly_order_state_t want; } rows[] = {
      {"LIVE", PMM_POLY_ORDER_LIVE}, {"ORDER_STATUS_LIVE", PMM_POLY_ORDER_LIVE}, {"MATCHED", PMM_POLY_ORDER_MATCHED}, {"DELAYED", PMM_POLY_ORDER_DELAYED}, {"UNMATCHED", PMM_POLY_ORDER_UNMATCHED},
      {"CANCELED", PMM_POLY_ORDER_CANCELED}, {"CANCELED_FOK orders are fully filled or killed", PMM_POLY_ORDER_CANCELED}, {"ORDER_STATUS_CANCELED_MARKET_RESOLVED", PMM_POLY_ORDER_RESOLVED},
      {"INVALID", PMM_POLY_ORDER_INVALID}, {"WHAT", PMM_POLY_ORDER_UNKNOWN}};
  (void)state;
  pmm_poly_msg_t msg = decode(order_text);
  assert_int_equal(msg.kind, PMM_POLY_ORDER);
  assert_true(msg.order.no);
  assert_int_equal(msg.order.side, PMM_POLY_SELL);
  assert_int_equal(msg.order.event, PMM_POLY_UPDATE);
  assert_int_equal(msg.order.size_e6, 10000000);
  assert_int_equal(msg.order.matched_e6, 2500000);
  assert_int_equal(msg.order.created_ns, INT64_C(1672290687000000000));
  assert_int_equal(msg.order.expire_ns, PMM_TIME_NONE);
  for (size_t i = 0; i < COUNT_OF(rows); i++) {
    char text[2000];
    const char *const at = strstr(order_text, "\"LIVE\"");
    snprintf(text, sizeof text, "%.*s\"%s\"%s", (int)(at - order_text), order_text, rows[i].status, at + 6);
    msg = decode(text);
    assert_int_equal(msg.order.state, rows[i].want);
  }
}

/* -- frames -- */
static void test_frames(void **state) {
  static const struct { const char *text, *want; } rows[] = {
      {"{\"a\":1}", "{\"a\":1};"}, {"[{\"a\":1},{\"b\":\"]}\\\"\"}]", "{\"a\":1};{\"b\":\"]}\\\"\"};"}, {"[]", ""}, {"PONG", ""}, {"NO NEW ASSETS", ""}, {"", ""}, {"  [ {\"a\":[{}]} ] ", "{\"a\":[{}]};"},
      {"[{\"a\":1}", "!"}, {"[{\"a\":1},", "{\"a\":1};!"}, {"[1]", "!"}, {"[{\"a\":1}] x", "{\"a\":1};!"}, {"[{\"a\":1}{}]", "!"}, {"[{\"a\":\"", "!"}};
  (void)state;
  for (size_t i = 0; i < COUNT_OF(rows); i++) {
    char got[200] = "";
    size_t at = 0, len;
    const char *message;
    pmm_status_t st;
    while ((st = pmm_poly_frame_next(rows[i].text, strlen(rows[i].text), &at, &message, &len)) == PMM_OK) {
      strncat(got, message, len);
      strcat(got, ";");
    }
    if (st == PMM_PARSE) strcat(got, "!");
    if (strcmp(got, rows[i].want) != 0) fail_msg("%s: %s", rows[i].text, got);
  }
}

/* -- scanner against full parser -- */
static const char *const shapes[] = {
    trade_text, order_text,
    "{\"market\":\"0xaa\",\"price_changes\":[{\"asset_id\":\"" YES "\",\"price\":\"0.86\",\"size\":\"362.17\",\"side\":\"BUY\",\"hash\":\"425af2848c4f6462b5d2954448419abc0abac9ac\",\"best_bid\":\"0.86\","
    "\"best_ask\":\"0.87\"},{\"asset_id\":\"" NO "\",\"price\":\"0.14\",\"size\":\"362.17\",\"side\":\"SELL\",\"hash\":\"a1e787af\",\"best_bid\":\"0.13\",\"best_ask\":\"0.14\"}],\"timestamp\":\"1776808414710\","
    "\"event_type\":\"price_change\"}",
    "{\"market\":\"0xaa\",\"asset_id\":\"" YES "\",\"bids\":[{\"price\":\"0.49\",\"size\":\"10\"},{\"price\":\"0.5\",\"size\":\"7.5\"}],\"asks\":[{\"price\":\"0.53\",\"size\":\"4\"}],\"hash\":\"0123456789\",\"timestamp\":\"5\",\"event_type\":\"book\"}",
    "{\"market\":\"0xaa\",\"asset_id\":\"" NO "\",\"price\":\"0.2\",\"size\":\"13.7931\",\"fee_rate_bps\":\"1000\",\"side\":\"BUY\",\"timestamp\":\"1776808414725\",\"event_type\":\"last_trade_price\",\"transaction_hash\":\"0x68\"}"};

/* All that a decoded message says, as one number. */
static uint64_t fingerprint(pmm_status_t st, const pmm_poly_msg_t *m, const pmm_error_t *err) {
  uint64_t h = pmm_hash_mix(1, (uint64_t)(int64_t)st);
  if (st != PMM_OK) return pmm_hash64(err->text, strlen(err->text), h);
  h = pmm_hash_mix(pmm_hash_mix(pmm_hash_mix(h, m->kind), m->market), (uint64_t)m->exch_ns);
  h = pmm_hash_mix(pmm_hash_mix(h, m->no), m->hash);
  h = pmm_hash_mix(h, m->told_best ? (uint64_t)m->best_e4[0] << 32 | (uint32_t)m->best_e4[1] : 1);
  h = pmm_hash64(m->md, m->md_cnt * sizeof *m->md, pmm_hash_mix(h, (uint64_t)m->tick_e4));
  if (m->kind == PMM_POLY_ORDER) h = pmm_hash_mix(pmm_hash64(&m->order.id, 32, h), (uint64_t)(m->order.price_e4 + m->order.size_e6 * 3 + m->order.matched_e6 * 5 + m->order.side * 7 + m->order.state * 11 + m->order.event * 13) ^ (uint64_t)m->order.created_ns);
  if (m->kind != PMM_POLY_TRADE) return h;
  h = pmm_hash64(m->trade.id, strlen(m->trade.id), pmm_hash_mix(h, m->trade.state * 31u + m->trade.maker_cnt));
  h = pmm_hash_mix(pmm_hash64(&m->trade.taker.order, 32, h), (uint64_t)(m->trade.taker.price_e4 + m->trade.taker.qty_e6 * 3 + m->trade.taker.side));
  for (uint32_t i = 0; i < m->trade.maker_cnt; i++) {
    const pmm_poly_share_t *const s = &m->trade.maker[i];
    h = pmm_hash_mix(pmm_hash64(&s->order, 32, h), (uint64_t)(s->price_e4 + s->qty_e6 * 3 + s->side * 5 + s->no * 7) ^ s->market);
  }
  return h;
}

static void bend(pmm_rng_t *rng, char *text, size_t *len) {
  static const char spice[] = "\"\\{}[],: 0159.-eEntf\x01\x80\xff";
  size_t const at = pmm_rng_below(rng, *len);
  switch (pmm_rng_below(rng, 4)) {
  case 0: text[at] = spice[pmm_rng_below(rng, sizeof spice - 1)]; break;
  case 1: memmove(text + at, text + at + 1, --*len - at); break;
  case 2: memmove(text + at + 1, text + at, (*len)++ - at); text[at] = spice[pmm_rng_below(rng, sizeof spice - 1)]; break;
  default: { /* a piece is moved elsewhere: keys change places, repeat */
    size_t const cnt = pmm_rng_below(rng, *len - at < 40 ? *len - at : 40), to = pmm_rng_below(rng, *len - cnt);
    char piece[40];
    memcpy(piece, text + at, cnt);
    memmove(text + to, piece, cnt);
  }
  }
}

static uint64_t same_result(uint64_t seed, uint64_t ops, bool broken) {
  pmm_rng_t rng;
  pmm_rng_seed(&rng, seed);
  for (uint64_t op = 0; op < ops; op++) {
    char text[4096];
    const char *const shape = shapes[pmm_rng_below(&rng, COUNT_OF(shapes))];
    size_t len = strlen(shape);
    memcpy(text, shape, len);
    for (uint64_t n = pmm_rng_below(&rng, 4); n > 0; n--) bend(&rng, text, &len);
    pmm_poly_msg_t msg = {0};
    pmm_error_t err = {0};
    pmm_status_t st = pmm_poly_decode(codec, pad(text, len), len, 7, 3, &msg, &err);
    uint64_t const fast = fingerprint(st, &msg, &err);
    if (broken && op == ops / 2) padded[strcspn(padded, "123456789")] ^= 1;
    st = pmm_poly_decode_slow(codec, padded, len, 7, 3, &msg, &err);
    if (fingerprint(st, &msg, &err) != fast) {
      printf("%.*s\n", (int)len, text);
      return op;
    }
  }
  return NO_MISMATCH;
}

static void test_same_result(void **state) { (void)state; check_random("scanner and parser", same_result, 30000); }
static void test_same_result_canary(void **state) {
  (void)state;
  for (uint64_t seed = 1; seed < 50; seed++) /* a broken digit may lie in a member nobody reads */
    if (same_result(seed, 2, true) != NO_MISMATCH) return;
  fail_msg("the broken operation went unnoticed");
}

static void test_tokens(void **state) {
  pmm_poly_tokens_t *const t = pmm_poly_tokens_new(100);
  char text[PMM_POLY_DEC_WORD];
  uint32_t market;
  bool no;
  (void)state;
  for (uint32_t i = 0; i < 200; i++) { /* ends that agree make the table collide */
    snprintf(text, sizeof text, "12345678%03u987654321", i);
    assert_int_equal(pmm_poly_tokens_add(t, text, strlen(text), i / 2, i % 2), PMM_OK);
  }
  assert_int_equal(pmm_poly_tokens_add(t, text, strlen(text), 1, false), PMM_EXISTS);
  assert_int_equal(pmm_poly_tokens_add(t, "1", 1, 1, false), PMM_FULL);
  assert_int_equal(pmm_poly_tokens_add(t, "", 0, 1, false), PMM_INVAL);
  for (uint32_t i = 0; i < 200; i++) {
    snprintf(text, sizeof text, "12345678%03u987654321", i);
    assert_true(pmm_poly_tokens_find(t, text, strlen(text), &market, &no));
    assert_int_equal(market * 2 + no, i);
  }
  assert_false(pmm_poly_tokens_find(t, "12345678201987654321", 20, &market, &no));
  assert_false(pmm_poly_tokens_find(t, "7", 1, &market, &no));
  pmm_poly_tokens_free(t);
}

/* -- recordings -- */
#define RECORDING "polymarket-ws-raw/btc5m_20260421T215333Z"
static pmm_arena_t arena;
static pmm_ladder_t ladder[2];
static pmm_grid_t grid[2];
static bool known[2];

static void apply(const pmm_md_t *md, size_t cnt) {
  int64_t old;
  for (size_t i = 0; i < cnt; i++) {
    uint32_t const m = md[i].market;
    known[m] |= md[i].kind == PMM_MD_CLEAR;
    if (known[m]) assert_int_equal(pmm_book_apply(&ladder[m], &grid[m], &md[i], &old), PMM_OK);
  }
}

static void fresh_ladders(void) {
  pmm_arena_close(&arena);
  assert_int_equal(pmm_arena_open(&arena, 2 * pmm_ladder_bytes(100) + 4096), PMM_OK);
  for (int i = 0; i < 2; i++) {
    assert_int_equal(pmm_ladder_init(&ladder[i], &arena, 100, 100), PMM_OK);
    assert_int_equal(pmm_grid_uniform(&grid[i], 100), PMM_OK);
    known[i] = false;
  }
}

typedef struct seen { uint64_t messages, told, wrong, trades; int64_t volume_e6; } seen_t;

static void take_line(const char *line, size_t len, seen_t *seen) { /* {"capturedAt":..,"payload":{..}} */
  const char *const payload = strstr(line, "\"payload\":") + 10;
  size_t const message_len = (size_t)(line + len - payload) - 1;
  pmm_poly_msg_t msg;
  pmm_error_t err = {0};
  if (pmm_poly_decode(codec, pad(payload, message_len), message_len, 7, 3, &msg, &err) != PMM_OK) fail_msg("%s: %.300s", err.text, payload);
  seen->messages++;
  apply(msg.md, msg.md_cnt);
  for (uint32_t i = 0; i < msg.md_cnt; i++)
    if (msg.md[i].kind == PMM_MD_TRADE) seen->trades++, seen->volume_e6 += msg.md[i].qty_e6;
  if (msg.kind != PMM_POLY_CHANGE || !msg.told_best || !known[msg.market]) return;
  seen->told++;
  seen->wrong += pmm_ladder_best_e4(&ladder[msg.market], PMM_BID) != msg.best_e4[PMM_BID] || pmm_ladder_best_e4(&ladder[msg.market], PMM_ASK) != msg.best_e4[PMM_ASK];
}

static void run_codec(const char *path, seen_t *seen) {
  gzFile const file = gzopen(path, "rb");
  char *const line = malloc(1 << 20);
  assert_non_null(file);
  assert_non_null(line);
  fresh_ladders();
  while (gzgets(file, line, 1 << 20)) take_line(line, strcspn(line, "\n"), seen);
  gzclose(file);
  free(line);
}

/* Final books and trades of the importer's tape. */
static void run_import(const char *data, seen_t *seen) {
  char messages[512], markets[512], out[64];
  snprintf(messages, sizeof messages, "%s/" RECORDING ".market-ws.jsonl.gz", data);
  snprintf(markets, sizeof markets, "%s/" RECORDING ".markets.json", data);
  snprintf(out, sizeof out, "/tmp/pmm-%d-polymarket.tape", (int)getpid());
  pmm_import_opts_t opts;
  pmm_import_stats_t stats;
  pmm_error_t err = {0};
  pmm_import_opts_default(&opts);
  opts.format = "polymarket-ws";
  pmm_tape_t *tape;
  pmm_tape_cursor_t *cursor;
  const pmm_md_t *md;
  size_t cnt;
  if (pmm_import(&opts, (const char *const[]){messages, markets}, 2, out, &stats, &err) != PMM_OK) fail_msg("%s", err.text);
  assert_int_equal(pmm_tape_open(&tape, out, &err), PMM_OK);
  unlink(out);
  assert_int_equal(pmm_tape_cursor_open(&cursor, tape, &err), PMM_OK);
  bool const swapped = strcmp(pmm_tape_market(tape, 0)->token_yes, YES) != 0;
  fresh_ladders();
  while (pmm_tape_cursor_next(cursor, &md, &cnt, &err) == PMM_OK)
    for (size_t i = 0; i < cnt; i++) {
      pmm_md_t one = md[i];
      one.market ^= swapped;
      if (one.kind == PMM_MD_TRADE) seen->trades++, seen->volume_e6 += one.qty_e6;
      known[one.market] |= one.kind == PMM_MD_LEVEL;
      if (one.kind == PMM_MD_LEVEL || one.kind == PMM_MD_CLEAR || one.kind == PMM_MD_TICK) apply(&one, 1);
    }
  pmm_tape_cursor_close(cursor);
  pmm_tape_close(tape);
}

static void test_recording(void **state) {
  const char *const data = getenv("PMM_DATA");
  char path[512];
  (void)state;
  if (!data) skip();
  snprintf(path, sizeof path, "%s/" RECORDING ".market-ws.jsonl.gz", data);
  seen_t ours = {0}, theirs = {0};
  uint64_t const parsed = pmm_poly_codec_stats(codec)->parsed;
  run_codec(path, &ours);
  printf("%llu messages, best prices agree in %llu of %llu, full parser needed %llu times\n", (unsigned long long)ours.messages, (unsigned long long)(ours.told - ours.wrong),
         (unsigned long long)ours.told, (unsigned long long)(pmm_poly_codec_stats(codec)->parsed - parsed));
  assert_int_equal(ours.messages, 5544);
  assert_in_range(ours.wrong, 0, 4);
  assert_int_equal(pmm_poly_codec_stats(codec)->parsed, parsed);
  uint64_t const hash[2] = {pmm_ladder_hash(&ladder[0]), pmm_ladder_hash(&ladder[1])};
  run_import(data, &theirs);
  assert_int_equal(ours.trades, theirs.trades);
  assert_int_equal(ours.volume_e6, theirs.volume_e6);
  assert_int_equal(hash[0], pmm_ladder_hash(&ladder[0]));
  assert_int_equal(hash[1], pmm_ladder_hash(&ladder[1]));
  pmm_arena_close(&arena);
}

int main(void) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(test_messages), cmocka_unit_test(test_best), cmocka_unit_test(test_user_trade), cmocka_unit_test(test_user_order),
                                     cmocka_unit_test(test_frames), cmocka_unit_test(test_same_result), cmocka_unit_test(test_same_result_canary), cmocka_unit_test(test_tokens),
                                     cmocka_unit_test(test_recording)};
  return cmocka_run_group_tests_name("polymarket codec", tests, open_codec, close_codec);
}
