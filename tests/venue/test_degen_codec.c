/* Degen's wire: every message of the reference, refusals with their place, and that whatever this reader accepts is JSON to simdjson too. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>
#include "base/json.h"
#include "pmm/degen.h"
#include "pmm/rng.h"

#define ORDER "{\"id\":\"o-1\",\"client_id\":\"p0000000700000001\",\"market\":\"BTC-1\",\"outcome\":\"yes\",\"side\":\"bid\",\"price\":\"0.48\",\"size\":\"120\",\"filled\":\"20\"," \
  "\"remaining\":\"100\",\"status\":\"open\",\"reason\":null,\"ts\":1763715000123}"
#define FILL "{\"seq\":7,\"id\":\"f-1\",\"order_id\":\"o-1\",\"client_id\":null,\"market\":\"BTC-1\",\"outcome\":\"no\",\"price\":\"0.30\",\"size\":\"5\",\"fee\":\"0.0003\"," \
  "\"liquidity\":\"maker\",\"ts\":1763715000124}"
#define MARKET "{\"id\":\"BTC-1\",\"asset\":\"BTC\",\"strike\":\"95000\",\"status\":\"OPEN\",\"opens_at\":1763715000000,\"expires_at\":1763715300000,\"seconds_to_expiry\":300," \
  "\"tick\":\"0.01\",\"yes_price\":\"0.5\",\"no_price\":\"0.5\",\"volume\":\"10\",\"liquidity\":\"20\",\"outcome\":null,\"settle_price\":null}"
#define DELTA "{\"ch\":\"book\",\"type\":\"delta\",\"market\":\"BTC-1\",\"seq\":42,\"ts\":1763715000123,\"changes\":[[\"yes\",\"bid\",\"0.48\",\"120\"],[\"no\",\"bid\",\"0.4\",0]]}"
#define SNAPSHOT "{\"ch\":\"book\",\"type\":\"snapshot\",\"market\":\"BTC-1\",\"seq\":41,\"ts\":1763715000000,\"yes\":{\"bids\":[[\"0.47\",\"10\"],[\"0.46\",\"20\"]],\"asks\":[[\"0.52\",\"30\"]]}," \
  "\"no\":{\"bids\":[[\"0.48\",\"30\"]],\"asks\":[]}}"
#define TRADE "{\"ch\":\"trades\",\"trade\":{\"id\":\"t-1\",\"seq\":3,\"market\":\"BTC-1\",\"outcome\":\"no\",\"price\":\"0.45\",\"size\":\"5\",\"taker_side\":\"bid\",\"ts\":1}}"

static pmm_degen_level_t level[PMM_DEGEN_LEVELS_MAX];
static char scratch[PMM_DEGEN_SCRATCH];
static pmm_error_t err;

static char *padded(const char *text, size_t len) {
  char *const copy = calloc(1, len + PMM_JSON_PAD);
  memcpy(copy, text, len);
  return copy;
}

static pmm_status_t decode(const char *text, pmm_degen_msg_t *msg) { return pmm_degen_decode(text, strlen(text), msg, level, scratch, &err); }

static void test_books(void **state) {
  (void)state;
  pmm_degen_msg_t m;
  assert_int_equal(decode(DELTA, &m), PMM_OK);
  assert_int_equal(m.kind, PMM_DEGEN_DELTA);
  assert_true(pmm_degen_text_is(m.market, "BTC-1"));
  assert_int_equal(m.seq, 42);
  assert_int_equal(m.ts_ns, INT64_C(1763715000123) * PMM_NS_PER_MS);
  assert_int_equal(m.level_cnt, 2);
  assert_true(level[0].side == PMM_BID && level[0].price_e4 == 4800 && level[0].qty_e6 == 120 * PMM_ONE_E6);
  assert_true(level[1].side == PMM_ASK && level[1].price_e4 == 6000 && level[1].qty_e6 == 0); /* a NO bid is a YES ask */
  assert_int_equal(decode(SNAPSHOT, &m), PMM_OK);
  assert_int_equal(m.kind, PMM_DEGEN_BOOK);
  assert_int_equal(m.level_cnt, 3);
  assert_true(level[2].side == PMM_ASK && level[2].price_e4 == 5200 && level[2].qty_e6 == 30 * PMM_ONE_E6);
  /* REST: no channel, keys in another order, blanks */
  assert_int_equal(decode(" { \"yes\" : { \"asks\" : [ ] , \"bids\" : [ [ 0.47 , 10 ] ] } ,\n\"seq\":\t9,\"market\":\"BTC-1\",\"ts\":5}\r\n", &m), PMM_OK);
  assert_true(m.kind == PMM_DEGEN_BOOK && m.seq == 9 && m.level_cnt == 1 && level[0].price_e4 == 4700);
}

static void test_messages(void **state) {
  (void)state;
  pmm_degen_msg_t m;
  assert_int_equal(decode(TRADE, &m), PMM_OK);
  assert_true(m.kind == PMM_DEGEN_TRADE && m.trade.price_e4 == 5500 && m.trade.taker_side == PMM_ASK && m.trade.qty_e6 == 5 * PMM_ONE_E6);
  assert_int_equal(decode("{\"ch\":\"markets\",\"market\":" MARKET "}", &m), PMM_OK);
  assert_true(m.kind == PMM_DEGEN_MARKET && m.info.life == PMM_LIFE_OPEN && m.info.tick_e4 == 100 && m.info.strike_e8 == INT64_C(95000) * 100000000);
  assert_true(pmm_degen_text_is(m.info.asset, "BTC") && m.info.outcome == PMM_OUTCOME_UNKNOWN);
  assert_int_equal(m.info.expires_ns - m.info.opens_ns, 300 * PMM_NS_PER_S);
  assert_int_equal(decode("{\"ch\":\"orders\",\"order\":" ORDER "}", &m), PMM_OK);
  assert_true(m.kind == PMM_DEGEN_ORDER && m.order.route == PMM_BUY_YES && m.order.price_e4 == 4800 && m.order.qty_e6 == 120 * PMM_ONE_E6);
  assert_true(m.order.filled_e6 == 20 * PMM_ONE_E6 && m.order.status == PMM_DEGEN_OPEN && pmm_degen_text_is(m.order.id, "o-1") && !m.order.reason.at);
  assert_int_equal(decode("{\"ch\":\"fills\",\"fill\":" FILL "}", &m), PMM_OK);
  assert_true(m.kind == PMM_DEGEN_FILL && m.fill.seq == 7 && m.fill.price_e4 == 7000 && m.fill.is_no && m.fill.maker && m.fill.fee_e6 == 300 && !m.fill.client_id.at);
  assert_int_equal(decode("{\"re\":7,\"ok\":true,\"result\":{\"orders\":[" ORDER ",{\"error\":{\"code\":\"invalid_size\",\"message\":\"no\"}}]}}", &m), PMM_OK);
  assert_true(m.kind == PMM_DEGEN_ANSWER && m.re == 7 && m.ok);
  pmm_degen_list_t list;
  pmm_degen_text_t at;
  pmm_degen_order_t o;
  assert_int_equal(pmm_degen_list_open(m.result.at, m.result.len, "orders", &list), PMM_OK);
  assert_true(pmm_degen_list_next(&list, &at));
  assert_int_equal(pmm_degen_read_order(at, &o, scratch, &err), PMM_OK);
  assert_true(!o.is_error && pmm_degen_text_is(o.client_id, "p0000000700000001"));
  assert_true(pmm_degen_list_next(&list, &at));
  assert_int_equal(pmm_degen_read_order(at, &o, scratch, &err), PMM_OK);
  assert_true(o.is_error && pmm_degen_reject(o.code.at, o.code.len) == PMM_REJECT_SIZE);
  assert_false(pmm_degen_list_next(&list, &at));
  assert_int_equal(list.status, PMM_OK);
  assert_int_equal(decode("{\"re\":8,\"ok\":false,\"error\":{\"code\":\"rate_limited\",\"message\":\"a \\\"quote\\\" \\u00e9\\ud83d\\ude00\",\"field\":null}}", &m), PMM_OK);
  assert_true(!m.ok && pmm_degen_text_is(m.code, "rate_limited") && pmm_degen_text_is(m.message, "a \"quote\" \xc3\xa9\xf0\x9f\x98\x80"));
  assert_int_equal(decode("{\"op\":\"pong\",\"deep\":[[[{\"a\":[1,-2.5e+3,true,null]}]]]}", &m), PMM_OK);
  assert_int_equal(m.kind, PMM_DEGEN_OTHER);
}

static void test_rest(void **state) {
  (void)state;
  static const char positions[] = "{\"positions\":[{\"market\":\"A\",\"yes\":\"10\",\"no\":\"0\",\"yes_cost\":\"4.8\",\"no_cost\":\"0\",\"realized\":\"-1.25\"}]}";
  static const char fills[] = "{\"fills\":[" FILL "],\"last_seq\":7}";
  static const char markets[] = "{\"markets\":[" MARKET "],\"cursor\":\"n\\u0065xt\"}";
  pmm_degen_list_t list;
  pmm_degen_text_t at;
  pmm_degen_position_t p;
  pmm_degen_balance_t b;
  pmm_degen_fill_t f;
  pmm_degen_market_t m;
  char text[40], message[128];
  uint64_t n = 0;
  assert_int_equal(pmm_degen_list_open(positions, sizeof positions - 1, "positions", &list), PMM_OK);
  assert_true(pmm_degen_list_next(&list, &at));
  assert_int_equal(pmm_degen_read_position(at, &p, scratch, &err), PMM_OK);
  assert_true(p.yes_e6 == 10 * PMM_ONE_E6 && p.yes_cost_e6 == 4800000 && p.no_cost_e6 == 0);
  assert_int_equal(pmm_degen_list_open(positions, sizeof positions - 1, "orders", &list), PMM_NOT_FOUND);
  assert_int_equal(pmm_degen_list_open("{\"orders\":[}", 12, "orders", &list), PMM_PARSE);
  assert_int_equal(pmm_degen_list_open(fills, sizeof fills - 1, "fills", &list), PMM_OK);
  assert_true(pmm_degen_list_next(&list, &at));
  assert_int_equal(pmm_degen_read_fill(at, &f, scratch, &err), PMM_OK);
  assert_int_equal(pmm_degen_get_number((pmm_degen_text_t){fills, sizeof fills - 1}, "last_seq", &n), PMM_OK);
  assert_int_equal(n, 7);
  assert_int_equal(pmm_degen_list_open(markets, sizeof markets - 1, "markets", &list), PMM_OK);
  assert_true(pmm_degen_list_next(&list, &at));
  assert_int_equal(pmm_degen_read_market(at, &m, scratch, &err), PMM_OK);
  assert_int_equal(pmm_degen_get_text((pmm_degen_text_t){markets, sizeof markets - 1}, "cursor", text, sizeof text), PMM_OK);
  assert_string_equal(text, "next");
  assert_int_equal(pmm_degen_get_text((pmm_degen_text_t){"{\"cursor\":null}", 15}, "cursor", text, sizeof text), PMM_NOT_FOUND);
  static const char balance[] = "{\"cash\":\"1000.5\",\"locked\":\"12.000001\",\"available\":\"988.499999\"}";
  assert_int_equal(pmm_degen_read_balance((pmm_degen_text_t){balance, sizeof balance - 1}, &b, &err), PMM_OK);
  assert_true(b.cash_e6 == 1000500000 && b.locked_e6 == 12000001);
  static const char error[] = "{\"error\":{\"code\":\"not_found\",\"message\":\"no such order\",\"field\":\"id\"}}";
  assert_int_equal(pmm_degen_get_error((pmm_degen_text_t){error, sizeof error - 1}, text, message), PMM_OK);
  assert_string_equal(text, "not_found");
  assert_int_equal(pmm_degen_reject("nonsense", 8), PMM_REJECT_NONE);
}

static void test_refusals(void **state) {
  (void)state;
  static const struct { const char *text, *want; } rows[] = {
    {"", "byte 0: an object expected"},
    {"[]", "byte 0: an object expected"},
    {"{} x", "byte 3: more text behind the message"},
    {"{\"a\":1,}", "byte 7: a string expected"},
    {"{\"a\" 1}", "byte 5: a colon expected"},
    {"{\"a\":[1 2]}", "byte 8: a comma expected"},
    {"{\"a\":[1,]}", "byte 8: an element expected"},
    {"{\"a\":01}", "byte 7: a number expected"},
    {"{\"a\":1.}", "byte 7: digits expected behind the point"},
    {"{\"a\":\"x", "byte 7: a string does not end"},
    {"{\"a\":\"\x01\"}", "byte 6: control character in a string"},
    {"{\"a\":\"\xff\"}", "byte 6: not UTF-8"},
    {"{\"a\":\"\\q\"}", "byte 7: not an escape"},
    {"{\"a\":\"\\ud800x\"}", "byte 12: half of a surrogate pair"},
    {"{\"a\":[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[1]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]}", "byte 37: nested too deeply"},
    {"{\"ch\":\"book\",\"type\":\"delta\",\"market\":\"M\",\"seq\":1,\"changes\":[[\"yes\",\"bid\",\"1.00\",\"1\"]]}", "a price lies between 0 and 1"},
    {"{\"ch\":\"book\",\"type\":\"delta\",\"market\":\"M\",\"seq\":1,\"changes\":[[\"yes\",\"bid\",\"0.48001\",\"1\"]]}", "a decimal expected"},
    {"{\"ch\":\"book\",\"type\":\"delta\",\"market\":\"M\",\"seq\":1,\"changes\":[[\"yes\",\"bid\",\"0.48\",\"-1\"]]}", "less than nothing"},
    {"{\"ch\":\"book\",\"type\":\"delta\",\"market\":\"M\",\"seq\":1,\"changes\":[[\"yes\",\"bid\",\"0.48\"]]}", "less in a level than expected"},
    {"{\"ch\":\"book\",\"type\":\"delta\",\"market\":\"M\",\"seq\":1,\"changes\":[[\"yes\",\"bid\",\"0.48\",\"1\",2]]}", "more in a level than expected"},
    {"{\"ch\":\"book\",\"type\":\"delta\",\"market\":\"M\",\"changes\":[]}", "a book without all it needs"},
    {"{\"ch\":\"book\",\"type\":\"snapshot\",\"market\":\"M\",\"seq\":1,\"changes\":[]}", "a book of an unknown type"},
    {"{\"ch\":\"book\",\"type\":\"delta\",\"market\":\"M\",\"seq\":99999999999999999999,\"changes\":[]}", "a whole number expected"},
    {"{\"ch\":\"orders\"}", "a message without its content"},
    {"{\"ch\":\"orders\",\"order\":{\"id\":\"\",\"market\":\"M\",\"outcome\":\"yes\",\"price\":\"0.5\",\"size\":\"1\",\"status\":\"open\"}}", "an order without all it needs"},
    {"{\"ch\":\"orders\",\"order\":{\"id\":\"1\",\"market\":\"M\",\"outcome\":\"yes\",\"price\":\"0.5\",\"size\":\"1\",\"filled\":2,\"status\":\"open\"}}", "filled beyond its size"},
    {"{\"ch\":\"orders\",\"order\":{\"status\":\"gone\"}}", "an order's status expected"},
    {"{\"re\":1,\"ok\":\"yes\"}", "true or false expected"},
    {"{\"ch\":\"markets\",\"market\":{\"id\":\"M\",\"status\":\"OPEN\",\"tick\":\"0.03\"}}", "not a tick"},
    {"{\"ch\":\"fills\",\"fill\":{\"ts\":99999999999999999}}", "a time beyond the calendar"},
  };
  for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
    pmm_degen_msg_t m;
    char *const text = padded(rows[i].text, strlen(rows[i].text));
    pmm_status_t const st = pmm_degen_decode(text, strlen(rows[i].text), &m, level, scratch, &err);
    if (st != PMM_PARSE || !strstr(err.text, rows[i].want)) fail_msg("%s: %d %s", rows[i].text, st, st == PMM_OK ? "" : err.text);
    free(text);
  }
}

static void test_too_many_levels(void **state) {
  (void)state;
  size_t const n = PMM_DEGEN_LEVELS_MAX + 1;
  char *const text = malloc(100 + n * 40);
  size_t len = (size_t)sprintf(text, "{\"ch\":\"book\",\"type\":\"delta\",\"market\":\"M\",\"seq\":1,\"changes\":[");
  for (size_t i = 0; i < n; i++) len += (size_t)sprintf(text + len, "%s[\"yes\",\"bid\",\"0.5\",\"1\"]", i ? "," : "");
  len += (size_t)sprintf(text + len, "]}");
  pmm_degen_msg_t m;
  assert_int_equal(pmm_degen_decode(text, len, &m, level, scratch, &err), PMM_FULL);
  free(text);
}

/* Mutations of real messages: what is accepted must be JSON to an independent parser, and every prefix is refused. */
static void test_mutations(void **state) {
  (void)state;
  static const char *const texts[] = {DELTA, SNAPSHOT, TRADE, "{\"ch\":\"orders\",\"order\":" ORDER "}", "{\"ch\":\"fills\",\"fill\":" FILL "}", "{\"ch\":\"markets\",\"market\":" MARKET "}",
                                      "{\"re\":8,\"ok\":false,\"error\":{\"code\":\"x\",\"message\":\"\\ud83d\\ude00\",\"field\":-1.5e3}}"};
  static const char alphabet[] = "\"\\{}[],:01.9-+eEtfnu \x01\x7f\x80\xc3\xa9\xff";
  pmm_json_parser_t *const parser = pmm_json_new();
  pmm_rng_t rng;
  pmm_rng_seed(&rng, 77);
  uint64_t accepted = 0;
  for (size_t t = 0; t < sizeof texts / sizeof texts[0]; t++) {
    size_t const len = strlen(texts[t]);
    pmm_degen_msg_t m;
    char *const text = padded(texts[t], len);
    for (size_t cut = 0; cut < len; cut++) assert_int_not_equal(pmm_degen_decode(text, cut, &m, level, scratch, &err), PMM_OK);
    for (int k = 0; k < 20000; k++) {
      memcpy(text, texts[t], len);
      for (uint64_t n = 1 + pmm_rng_below(&rng, 3); n > 0; n--) text[pmm_rng_below(&rng, len)] = alphabet[pmm_rng_below(&rng, sizeof alphabet - 1)];
      if (pmm_degen_decode(text, len, &m, level, scratch, &err) != PMM_OK) continue;
      accepted++;
      const pmm_json_node_t *root;
      size_t at;
      const char *why;
      if (pmm_json_parse(parser, text, len, &root, &at, &why) != PMM_OK) fail_msg("accepted, but %s at %zu: %s", why, at, text);
    }
    free(text);
  }
  assert_true(accepted > 1000);
  pmm_json_free(parser);
}

/* -- the usual bytes and the general way -- */

static int print_number(char *out, pmm_rng_t *rng, bool price) {
  static const char *const odd[] = {"", "0", "1", "0.1", "00.10", "0.12345", "0.120000", "0.1.0", ".50", "0.", "0.0000", "1e1", "-1", "1234567", "123456.123456", "12.1234567", "1.0x", "+5"};
  if (pmm_rng_below(rng, 24) == 0) return sprintf(out, "%s", odd[pmm_rng_below(rng, sizeof odd / sizeof odd[0])]);
  uint64_t below = 10;
  for (uint64_t n = pmm_rng_below(rng, price ? 4 : 7); n > 0; n--) below *= 10;
  if (price) return sprintf(out, "0.%llu", (unsigned long long)pmm_rng_below(rng, below));
  int const len = sprintf(out, "%llu", (unsigned long long)pmm_rng_below(rng, below));
  return pmm_rng_below(rng, 3) ? len : len + sprintf(out + len, ".%0*u", 1 + (int)pmm_rng_below(rng, 6), (unsigned)pmm_rng_below(rng, 10));
}

/* The list of a change or of a side of a book, with `gap` between its tokens. */
static int print_list(char *out, pmm_rng_t *rng, bool change, const char *gap) {
  static const char *const words[] = {"yes", "no", "yes", "no", "yes", "no", "maybe", "n"}, *const sides[] = {"bid", "ask", "bid", "ask", "bid", "ask", "both", "a"};
  char number[32];
  int len = sprintf(out, "[%s", gap);
  for (uint64_t n = pmm_rng_below(rng, 5); n > 0; n--) {
    len += sprintf(out + len, "[%s", gap);
    if (change) {
      const char *const word = words[pmm_rng_below(rng, 40) ? pmm_rng_below(rng, 6) : 7], *const side = sides[pmm_rng_below(rng, 40) ? pmm_rng_below(rng, 6) : 6];
      len += sprintf(out + len, "\"%s\",%s\"%s\",%s", word, gap, side, gap);
    }
    print_number(number, rng, true);
    len += sprintf(out + len, "\"%s\",%s", number, gap);
    print_number(number, rng, false);
    len += sprintf(out + len, "\"%s\"%s]%s", number, gap, n > 1 ? "," : "");
  }
  return len + sprintf(out + len, "]");
}

static int print_book(char *out, uint64_t seed, const char *gap) {
  static const char *const numbers[] = {"1", "42", "1763715000123", "12345678", "123456789012345", "1234567890123456", "0", "01", "\"7\"", "null", "9999999999999999999"};
  pmm_rng_t rng;
  pmm_rng_seed(&rng, seed);
  bool const change = pmm_rng_below(&rng, 2) == 0;
  const char *const seq = numbers[pmm_rng_below(&rng, pmm_rng_below(&rng, 4) ? 5 : 11)], *const ts = numbers[pmm_rng_below(&rng, pmm_rng_below(&rng, 4) ? 4 : 11)];
  const char *const market = pmm_rng_below(&rng, 8) ? "BTC-1" : pmm_rng_below(&rng, 2) ? "BTC\\u002d1" : "\xc3\xa9";
  int len = sprintf(out, "{%s\"ch\":\"book\",%s\"type\":\"%s\",\"market\":\"%s\",\"seq\":%s,\"ts\":%s,%s\"%s\":", gap, gap, change ? "delta" : "snapshot", market, seq, ts, gap,
                    change ? "changes" : "yes");
  if (change) {
    len += print_list(out + len, &rng, true, gap);
    return len + sprintf(out + len, "}");
  }
  len += sprintf(out + len, "{\"bids\":");
  len += print_list(out + len, &rng, false, gap);
  len += sprintf(out + len, ",\"asks\":");
  len += print_list(out + len, &rng, false, gap);
  return len + sprintf(out + len, "}}");
}

/* Books as the venue prints them are read by words; the same with blanks between the tokens the general way. Both must say the same. */
static void test_usual_and_general(void **state) {
  (void)state;
  static pmm_degen_level_t general_level[PMM_DEGEN_LEVELS_MAX];
  static char general_scratch[PMM_DEGEN_SCRATCH];
  uint64_t accepted = 0;
  for (uint64_t seed = 0; seed < 40000; seed++) {
    char buf[2048], spaced[2048];
    pmm_degen_msg_t m, g;
    pmm_error_t general_err;
    print_book(spaced, seed, " ");
    pmm_status_t const want = pmm_degen_decode(spaced, strlen(spaced), &g, general_level, general_scratch, &general_err);
    print_book(buf, seed, "");
    size_t const len = strlen(buf);
    char *const text = malloc(len); /* not a byte behind it */
    memcpy(text, buf, len);
    pmm_status_t const st = pmm_degen_decode(text, len, &m, level, scratch, &err);
    if (st != want) fail_msg("%d, not %d: %s", st, want, buf);
    if (st == PMM_OK) {
      accepted++;
      bool same = m.kind == g.kind && m.seq == g.seq && m.ts_ns == g.ts_ns && m.level_cnt == g.level_cnt && m.market.len == g.market.len && memcmp(m.market.at, g.market.at, m.market.len) == 0;
      for (size_t i = 0; same && i < m.level_cnt; i++)
        same = level[i].price_e4 == general_level[i].price_e4 && level[i].qty_e6 == general_level[i].qty_e6 && level[i].side == general_level[i].side;
      if (!same) fail_msg("%s\n%s", buf, spaced);
    } else if (strcmp(strchr(strchr(err.text, ':') + 1, ':'), strchr(strchr(general_err.text, ':') + 1, ':')) != 0) fail_msg("%s, not %s: %s", err.text, general_err.text, buf);
    free(text);
  }
  if (accepted < 10000) fail_msg("%llu accepted", (unsigned long long)accepted);
}

/* -- what we say -- */

static void test_encode(void **state) {
  (void)state;
  char buf[1024], id[PMM_DEGEN_CLIENT_ID_LEN + 1];
  pmm_degen_writer_t w;
  uint64_t back = 0;
  pmm_action_t a = {.order_id = UINT64_C(0x700000001), .qty_e6 = 120 * PMM_ONE_E6, .price_e4 = 4800, .route = PMM_BUY_YES, .tif = PMM_GTC, .flags = PMM_ACT_POST_ONLY};
  pmm_action_t b = {.order_id = 2, .qty_e6 = 5 * PMM_ONE_E6, .price_e4 = 4800, .route = PMM_SELL_NO, .tif = PMM_GTD, .expire_ns = 1500 * PMM_NS_PER_MS};
  pmm_degen_place_begin(&w, buf, sizeof buf, 7);
  pmm_degen_place_order(&w, "BTC-1", &a);
  pmm_degen_place_order(&w, "BTC-1", &b);
  buf[pmm_degen_place_end(&w)] = '\0';
  assert_string_equal(buf, "{\"op\":\"order.place\",\"id\":7,\"orders\":[{\"market\":\"BTC-1\",\"outcome\":\"yes\",\"side\":\"bid\",\"price\":\"0.48\",\"size\":\"120\",\"client_id\":\"p0000000700000001\","
                           "\"post_only\":true,\"tif\":\"gtc\"},{\"market\":\"BTC-1\",\"outcome\":\"no\",\"side\":\"ask\",\"from_inventory\":true,\"price\":\"0.52\",\"size\":\"5\","
                           "\"client_id\":\"p0000000000000002\",\"tif\":\"gtd\",\"expires_at\":1500}]}");
  pmm_degen_cancel_begin(&w, buf, sizeof buf, 8, false);
  pmm_degen_cancel_order(&w, "o-1");
  pmm_degen_cancel_order(&w, "o-2");
  buf[pmm_degen_cancel_end(&w)] = '\0';
  assert_string_equal(buf, "{\"op\":\"order.cancel\",\"id\":8,\"ids\":[\"o-1\",\"o-2\"]}");
  buf[pmm_degen_cancel_market(buf, sizeof buf, 0, "BTC-1")] = '\0';
  assert_string_equal(buf, "{\"market\":\"BTC-1\"}");
  buf[pmm_degen_amend(buf, sizeof buf, 0, NULL, true, 4800, 7 * PMM_ONE_E6)] = '\0';
  assert_string_equal(buf, "{\"price\":\"0.52\",\"size\":\"7\"}");
  buf[pmm_degen_heartbeat(buf, sizeof buf, 9, 10000)] = '\0';
  assert_string_equal(buf, "{\"op\":\"heartbeat\",\"id\":9,\"timeout_ms\":10000}");
  assert_int_equal(pmm_degen_cancel_market(buf, sizeof buf, 1, "a\"b"), 0); /* nothing malformed is ever sent */
  for (size_t cap = 1; cap < 60; cap++) {
    pmm_degen_place_begin(&w, buf, cap, 7);
    pmm_degen_place_order(&w, "BTC-1", &a);
    assert_int_equal(pmm_degen_place_end(&w), 0);
  }
  pmm_degen_client_id(UINT64_C(0xfedcba9876543210), id);
  assert_true(pmm_degen_client_id_read((pmm_degen_text_t){id, PMM_DEGEN_CLIENT_ID_LEN}, &back));
  assert_true(back == UINT64_C(0xfedcba9876543210));
  assert_false(pmm_degen_client_id_read((pmm_degen_text_t){"pFEDCBA9876543210", 17}, &back));
  assert_false(pmm_degen_client_id_read((pmm_degen_text_t){"p0000000000000000", 17}, &back));
}

/* -- tokens -- */

static void test_tokens(void **state) {
  (void)state;
  char token[PMM_DEGEN_TOKEN_BUF], sub[PMM_DEGEN_SUB_BUF], small[40];
  assert_int_equal(pmm_degen_token_mint("secret", 6, "alice", 1000, 2000, token, sizeof token), PMM_OK);
  /* From Python's hmac and base64 over the same texts. */
  assert_string_equal(token, "eyJhbGciOiJIUzI1NiIsInR5cCI6IkpXVCJ9.eyJzdWIiOiJhbGljZSIsImlhdCI6MTAwMCwiZXhwIjoyMDAwfQ.IywjCL82cdINRpVZxf2LWKAaWz5ksNQC7O3Eg0pS13I");
  assert_true(pmm_degen_token_is(token));
  assert_int_equal(pmm_degen_token_verify("secret", 6, token, 1999, sub), PMM_OK);
  assert_string_equal(sub, "alice");
  assert_int_equal(pmm_degen_token_verify("secret", 6, token, 2000, sub), PMM_STATE);
  assert_int_equal(pmm_degen_token_verify("Secret", 6, token, 1999, sub), PMM_REJECTED);
  for (size_t i = 0; token[i]; i++) { /* one byte changed: never accepted */
    char const was = token[i];
    token[i] = was == 'A' ? 'B' : 'A';
    assert_int_not_equal(pmm_degen_token_verify("secret", 6, token, 1999, sub), PMM_OK);
    token[i] = was;
  }
  size_t const len = strlen(token);
  for (size_t cut = 0; cut < len; cut++) {
    char part[PMM_DEGEN_TOKEN_BUF];
    memcpy(part, token, cut);
    part[cut] = '\0';
    assert_int_not_equal(pmm_degen_token_verify("secret", 6, part, 1999, sub), PMM_OK);
  }
  /* {"alg":"none"} is no signature, whatever stands behind the dot */
  assert_int_equal(pmm_degen_token_verify("secret", 6, "eyJhbGciOiJub25lIn0.eyJzdWIiOiJhbGljZSIsImV4cCI6MjAwMH0.", 1000, sub), PMM_UNSUPPORTED);
  assert_int_equal(pmm_degen_token_mint("", 0, "alice", 1, 2, token, sizeof token), PMM_INVAL);
  assert_int_equal(pmm_degen_token_mint("s", 1, "a\"b", 1, 2, token, sizeof token), PMM_INVAL);
  assert_int_equal(pmm_degen_token_mint("s", 1, "", 1, 2, token, sizeof token), PMM_INVAL);
  assert_int_equal(pmm_degen_token_mint("s", 1, "alice", 1, 2, small, sizeof small), PMM_FULL);
  assert_false(pmm_degen_token_is("a-plain-key"));
  assert_false(pmm_degen_token_is("a..b"));
  assert_false(pmm_degen_token_is("a.b."));
}

int main(void) {
  const struct CMUnitTest tests[] = {
    cmocka_unit_test(test_books), cmocka_unit_test(test_messages), cmocka_unit_test(test_rest), cmocka_unit_test(test_refusals),
    cmocka_unit_test(test_too_many_levels), cmocka_unit_test(test_mutations), cmocka_unit_test(test_usual_and_general), cmocka_unit_test(test_encode), cmocka_unit_test(test_tokens),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
