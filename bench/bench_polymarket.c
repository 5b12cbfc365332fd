/* bench_polymarket [small] [FILE] -- Polymarket's wire: ns per message from bytes to the ladder, by kind of message, and the costs of
   signing. FILE: recorded messages of the market channel, a line each (the raw recording of the folder in PMM_DATA when there is
   none; without that, messages of the recorded shape). One JSON object per line. ns_per_message_min is of the quickest pass: on a busy
   machine that says more. Hashes are of the final books, or of the signatures, and depend on the input only. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <zlib.h>
#include "pmm/book.h"
#include "pmm/hash.h"
#include "pmm/polymarket.h"
#include "venue/polymarket/codec.h"
#include "venue/polymarket/prepare.h"

#define YES "45936375922793925919605092352922707796689801895417366600539442410775071099958"
#define NO "86520121088881862182423437128238697252500151785248183602134095101149900014256"
#define OTHER "13917627517502768201235213826866970628416806758650647861097354638225151676696"
#define OTHER_NO "79951446619687279678993570456142474051779067785614208685555261501997794502271"
#define MESSAGES_MAX 8192
#define RECORDING "polymarket-ws-raw/btc5m_20260421T215333Z.market-ws.jsonl.gz"

static double now_ns(void) {
  struct timespec ts;
  clock_gettime(CLOCK_MONOTONIC, &ts);
  return (double)ts.tv_sec * 1e9 + (double)ts.tv_nsec;
}

_Noreturn static void die(const char *what) {
  fprintf(stderr, "bench_polymarket: %s\n", what);
  exit(1);
}

/* -- messages -- */
typedef struct message { char *text; size_t len; uint8_t kind; bool fits; } message_t; /* fits: of the kind and size at work */
static message_t message[MESSAGES_MAX];
static size_t message_cnt;
static pmm_poly_tokens_t *tokens;
static pmm_poly_codec_t *codec;
static pmm_ladder_t ladder[2];
static pmm_grid_t grid;

static void add(const char *text, size_t len) {
  pmm_poly_msg_t msg;
  pmm_error_t err;
  if (message_cnt == MESSAGES_MAX) return;
  message_t *const m = &message[message_cnt++];
  m->text = calloc(1, len + PMM_JSON_PAD);
  if (!m->text) die("out of memory");
  memcpy(m->text, text, len);
  m->len = len;
  if (pmm_poly_decode(codec, m->text, len, 0, 0, &msg, &err) != PMM_OK) die(err.text);
  m->kind = msg.kind;
}

static bool read_file(const char *path) {
  static char line[1 << 20];
  gzFile const file = gzopen(path, "rb");
  if (!file) return false;
  while (gzgets(file, line, sizeof line)) {
    char *const payload = strstr(line, "\"payload\":"); /* in an envelope, or bare */
    size_t const len = strcspn(line, "\n");
    if (payload) add(payload + 10, (size_t)(line + len - payload) - 11);
    else if (len > 0) add(line, len);
  }
  gzclose(file);
  return message_cnt > 0;
}

static void make_change(int i) {
  char text[1024];
  int const price = 40 + i % 20;
  const char *const side = price < 50 ? "BUY" : "SELL", *const other = price < 50 ? "SELL" : "BUY";
  int const len = snprintf(text, sizeof text,
      "{\"market\":\"0x125149c5918fc5f8c6d34682f700a898a1a19ea4f4e2ae68ff4c5794ba657074\",\"price_changes\":[{\"asset_id\":\"" YES "\",\"price\":\"0.%d\",\"size\":\"%d.%02d\",\"side\":\"%s\","
      "\"hash\":\"425af2848c4f6462b5d2954448419abc0abac9ac\",\"best_bid\":\"0.49\",\"best_ask\":\"0.50\"},{\"asset_id\":\"" NO "\",\"price\":\"0.%d\",\"size\":\"%d.%02d\",\"side\":\"%s\","
      "\"hash\":\"a1e787af723e1ed926a99bf9c1676cf18167c829\",\"best_bid\":\"0.50\",\"best_ask\":\"0.51\"}],\"timestamp\":\"17768084147%02d\",\"event_type\":\"price_change\"}",
      price, i % 1000, i % 100, side, 100 - price, i % 1000, i % 100, other, i % 100);
  add(text, (size_t)len);
}

/* 364 bytes, as a thin market's book is. */
static void make_book(int i) {
  char text[1024];
  int const len = snprintf(text, sizeof text,
      "{\"market\":\"0x125149c5918fc5f8c6d34682f700a898a1a19ea4f4e2ae68ff4c5794ba657074\",\"asset_id\":\"" YES "\",\"bids\":[{\"price\":\"0.%d\",\"size\":\"%d\"}],"
      "\"asks\":[{\"price\":\"0.5%d\",\"size\":\"20\"}],\"hash\":\"425af2848c4f6462b5d2954448419abc0abac9ac\",\"timestamp\":\"1776808414710\",\"event_type\":\"book\"}", 30 + i % 20, 10 + i % 90, i % 10);
  add(text, (size_t)len);
}

static void make_print(int i) {
  char text[1024];
  int const len = snprintf(text, sizeof text,
      "{\"market\":\"0x125149c5918fc5f8c6d34682f700a898a1a19ea4f4e2ae68ff4c5794ba657074\",\"asset_id\":\"" YES "\",\"price\":\"0.%d\",\"size\":\"13.7931\",\"fee_rate_bps\":\"1000\",\"side\":\"BUY\","
      "\"timestamp\":\"1776808414725\",\"event_type\":\"last_trade_price\",\"transaction_hash\":\"0x6893bfa548783f987119f14d65d8cf044586c04ca1f128e289d2e3e5674a1ef2\"}", 30 + i % 40);
  add(text, (size_t)len);
}

#define WORD "0x1111111111111111111111111111111111111111111111111111111111111111"
static void make_private(int i) {
  char text[2048];
  int len = snprintf(text, sizeof text,
      "{\"event_type\":\"order\",\"id\":\"" WORD "\",\"owner\":\"9180014b-33c8-9240-a14b-bdca11c0a465\",\"market\":\"0xbd31dc8a20211944f6b70f31557f1001557b59905b7738480ca09bd4532f84af\",\"asset_id\":\"" YES "\","
      "\"side\":\"SELL\",\"original_size\":\"%d\",\"size_matched\":\"2.5\",\"price\":\"0.57\",\"associate_trades\":null,\"outcome\":\"YES\",\"type\":\"UPDATE\",\"created_at\":\"1672290687\",\"expiration\":\"0\","
      "\"order_type\":\"GTC\",\"status\":\"LIVE\",\"maker_address\":\"0x1234567890123456789012345678901234567890\",\"timestamp\":\"1672290687\"}", 10 + i % 50);
  add(text, (size_t)len);
  len = snprintf(text, sizeof text,
      "{\"event_type\":\"trade\",\"type\":\"TRADE\",\"id\":\"28c4d2eb-bbea-40e7-a9f0-b2fdb56b2c2e\",\"taker_order_id\":\"" WORD "\",\"market\":\"0xbd31dc8a20211944f6b70f31557f1001557b59905b7738480ca09bd4532f84af\","
      "\"asset_id\":\"" YES "\",\"side\":\"BUY\",\"size\":\"10\",\"price\":\"0.57\",\"fee_rate_bps\":\"0\",\"status\":\"MATCHED\",\"matchtime\":\"1672290701\",\"last_update\":\"1672290701\",\"outcome\":\"YES\","
      "\"owner\":\"9180014b-33c8-9240-a14b-bdca11c0a465\",\"maker_orders\":[{\"order_id\":\"" WORD "\",\"owner\":\"9180014b-33c8-9240-a14b-bdca11c0a465\",\"matched_amount\":\"%d\",\"price\":\"0.57\",\"asset_id\":\"" YES "\","
      "\"outcome\":\"YES\",\"side\":\"SELL\"}],\"bucket_index\":0,\"trader_side\":\"MAKER\",\"timestamp\":\"1672290701123\"}", 1 + i % 9);
  add(text, (size_t)len);
}

static void apply(const pmm_poly_msg_t *msg) {
  int64_t old;
  for (uint32_t i = 0; i < msg->md_cnt; i++) (void)pmm_book_apply(&ladder[msg->md[i].market], &grid, &msg->md[i], &old);
}

/* Every fitting message `passes` times; the books afterwards as a hash. */
static void bench_kind(const char *name, pmm_poly_kind_t kind, size_t len_max, int passes) {
  static message_t *fit[MESSAGES_MAX];
  pmm_error_t err;
  double best = 1e18, whole = 0;
  size_t n = 0, bytes = 0;
  for (size_t i = 0; i < message_cnt; i++)
    if (message[i].kind == kind && message[i].len <= len_max) fit[n++] = &message[i], bytes += message[i].len;
  if (n == 0) return;
  for (int pass = 0; pass < passes; pass++) {
    double const start = now_ns();
    for (size_t i = 0; i < n; i++) {
      pmm_poly_msg_t msg;
      if (__builtin_expect(pmm_poly_decode(codec, fit[i]->text, fit[i]->len, (int64_t)i, (uint32_t)i, &msg, &err) != PMM_OK, 0)) die(err.text);
      apply(&msg);
    }
    double const took = now_ns() - start;
    whole += took;
    if (took < best) best = took;
  }
  printf("{\"bench\":\"polymarket_message\",\"case\":\"%s\",\"messages\":%zu,\"bytes\":%zu,\"ns_per_message\":%.1f,\"ns_per_message_min\":%.1f,\"hash\":\"0x%016llx\"}\n", name,
         n, bytes / n, whole / passes / (double)n, best / (double)n, (unsigned long long)pmm_hash_mix(pmm_ladder_hash(&ladder[0]), pmm_ladder_hash(&ladder[1])));
}

static void bench_messages(const char *path, bool small) {
  pmm_arena_t arena = {0};
  char recorded[512];
  const char *const data = getenv("PMM_DATA");
  tokens = pmm_poly_tokens_new(2);
  static const char *const token[] = {YES, NO, OTHER, OTHER_NO};
  for (uint32_t i = 0; tokens && i < 4; i++) pmm_poly_tokens_add(tokens, token[i], strlen(token[i]), i / 2, i % 2);
  codec = tokens ? pmm_poly_codec_new(tokens) : NULL;
  if (!codec || pmm_arena_open(&arena, 2 * pmm_ladder_bytes(100) + 4096) != PMM_OK || pmm_grid_uniform(&grid, 100) != PMM_OK) die("out of memory");
  for (int i = 0; i < 2; i++)
    if (pmm_ladder_init(&ladder[i], &arena, 100, 100) != PMM_OK) die("out of memory");
  if (!path && data && !small) {
    snprintf(recorded, sizeof recorded, "%s/" RECORDING, data);
    path = recorded;
  }
  bool const is_recorded = path && read_file(path);
  if (path && !is_recorded) die("no messages in the file");
  for (int i = 0; i < 500; i++) {
    if (!is_recorded) make_change(i), make_print(i);
    make_book(i);
    make_private(i);
  }
  int const passes = small ? 2 : 400;
  bench_kind(is_recorded ? "price_change, recorded" : "price_change", PMM_POLY_CHANGE, 1000, passes);
  bench_kind("book of 364 bytes", PMM_POLY_BOOK, 400, passes * 4);
  if (is_recorded) bench_kind("book, recorded", PMM_POLY_BOOK, 1 << 20, passes);
  bench_kind(is_recorded ? "last_trade_price, recorded" : "last_trade_price", PMM_POLY_PRINT, 1000, passes * 4);
  bench_kind("user order", PMM_POLY_ORDER, 2000, passes * 4);
  bench_kind("user trade", PMM_POLY_TRADE, 2000, passes * 4);
  if (pmm_poly_codec_stats(codec)->parsed > 0) printf("{\"bench\":\"polymarket_message\",\"case\":\"full parser\",\"messages\":%llu}\n", (unsigned long long)pmm_poly_codec_stats(codec)->parsed);
  pmm_arena_close(&arena);
  pmm_poly_codec_free(codec);
  pmm_poly_tokens_free(tokens);
  for (size_t i = 0; i < message_cnt; i++) free(message[i].text);
}

/* -- signing -- */
static void report(const char *name, int cnt, double took, uint64_t hash) {
  printf("{\"bench\":\"polymarket_sign\",\"case\":\"%s\",\"requests\":%d,\"requests_per_s\":%.0f,\"us_per_request\":%.3f,\"hash\":\"0x%016llx\"}\n", name, cnt, 1e9 * cnt / took, took / cnt / 1e3,
         (unsigned long long)hash);
}

static void bench_orders(const pmm_poly_signer_t *signer, int cnt, uint8_t type, const char *name) {
  pmm_poly_domain_t domain;
  pmm_poly_order_t order = {.version = 2, .signature_type = type, .maker_e6 = 5000000, .taker_e6 = 10000000, .timestamp_ms = 1700000000123};
  uint8_t sig[PMM_POLY_SIG_MAX];
  char json[PMM_POLY_ORDER_JSON_MAX];
  size_t sig_len;
  uint64_t hash = 0;
  if (pmm_poly_domain(2, false, PMM_POLY_CHAIN_POLYGON, &domain) != PMM_OK || pmm_poly_word_from_decimal(YES, strlen(YES), &order.token) != PMM_OK) die("domain");
  order.maker = order.signer = *pmm_poly_signer_address(signer);
  double const start = now_ns();
  for (int i = 0; i < cnt; i++) {
    pmm_poly_word_t id;
    order.salt = (uint64_t)i;
    if (pmm_poly_order_sign(signer, &domain, &order, &id, sig, &sig_len) != PMM_OK) die("sign");
    hash = pmm_hash64(json, pmm_poly_order_json(&order, sig, sig_len, json), hash);
  }
  report(name, cnt, now_ns() - start, hash);
}

static void bench_hmac(int cnt, size_t body_len, const char *name) {
  pmm_poly_hmac_t hmac;
  char body[2048], out[PMM_POLY_HMAC_TEXT];
  uint64_t hash = 0;
  memset(body, 'x', sizeof body);
  if (pmm_poly_hmac_init(&hmac, "c2VjcmV0LXNlY3JldC1zZWNyZXQtc2VjcmV0LTEyMzQ=", 44) != PMM_OK) die("hmac");
  double const start = now_ns();
  for (int i = 0; i < cnt; i++) {
    pmm_poly_hmac_sign(&hmac, 1700000000 + i, "POST", "/order", body, body_len, out);
    hash = pmm_hash64(out, sizeof out, hash);
  }
  report(name, cnt, now_ns() - start, hash);
  pmm_poly_hmac_fini(&hmac);
}

static void bench_recover(const pmm_poly_signer_t *signer, int cnt) {
  pmm_poly_word_t digest = {{1}};
  pmm_poly_address_t by;
  uint8_t sig[65];
  uint64_t hash = 0;
  if (pmm_poly_sign_digest(signer, &digest, sig) != PMM_OK) die("sign");
  double const start = now_ns();
  for (int i = 0; i < cnt; i++) {
    if (pmm_poly_recover(&digest, sig, &by) != PMM_OK) die("recover");
    hash = pmm_hash64(&by, sizeof by, hash);
  }
  report("recover the signer", cnt, now_ns() - start, hash);
}

static void bench_prepared(const pmm_poly_signer_t *signer, int rounds) {
  pmm_poly_prepared_t *store = NULL;
  pmm_poly_wallet_terms_t const terms = {.signer = signer, .version = 2, .chain_id = PMM_POLY_CHAIN_POLYGON, .maker = *pmm_poly_signer_address(signer), .order_signer = *pmm_poly_signer_address(signer)};
  pmm_error_t err;
  uint64_t hash = 0;
  double took = 0;
  if (pmm_poly_prepared_new(&store, &terms, 1, 64, 60 * PMM_NS_PER_S, &err) != PMM_OK) die(err.text);
  if (pmm_poly_prepared_market(store, 0, YES, NO, false, 100, &err) != PMM_OK) die(err.text);
  for (int round = 0; round < rounds; round++) {
    int64_t const at_ns = (int64_t)(round + 1) * PMM_NS_PER_S;
    for (int i = 0; i < 40; i++) pmm_poly_prepared_want(store, &(pmm_poly_want_t){0, PMM_BUY_YES, 3000 + i * 100, 10 * PMM_ONE_E6}, at_ns);
    for (int i = 0; i < 64 && pmm_poly_prepared_refill(store, (uint64_t)(round * 64 + i), at_ns); i++) {}
    double const start = now_ns();
    for (int i = 0; i < 40; i++) {
      const pmm_poly_ready_t *const ready = pmm_poly_prepared_take(store, &(pmm_poly_want_t){0, PMM_BUY_YES, 3000 + i * 100, 10 * PMM_ONE_E6}, at_ns);
      if (!ready) die("not prepared");
      hash = pmm_hash_mix(hash, ready->json_len + ready->id.b[0]);
    }
    took += now_ns() - start;
  }
  report("prepared order, look-up", rounds * 40, took, hash);
  pmm_poly_prepared_free(store);
}

int main(int argc, char **argv) {
  bool const small = argc > 1 && strcmp(argv[1], "small") == 0;
  static const uint8_t seed[32] = {1};
  pmm_poly_signer_t *signer;
  if (argc > 2 + small) die("usage: bench_polymarket [small] [FILE]");
  bench_messages(argc > 1 + small ? argv[1 + small] : NULL, small);
  if (pmm_poly_signer_new("ac0974bec39a17e36ba4a6b4d238ff944bacb478cbed5efcae784d7bf4f2ff80", 64, seed, &signer, NULL) != PMM_OK) die("key");
  bench_orders(signer, small ? 20 : 5000, PMM_POLY_EOA, "order, one signature");
  bench_orders(signer, small ? 20 : 5000, PMM_POLY_DEPOSIT, "order of a deposit wallet");
  bench_recover(signer, small ? 20 : 5000);
  bench_hmac(small ? 100 : 200000, 0, "hmac, no body");
  bench_hmac(small ? 100 : 200000, 960, "hmac, an order");
  bench_prepared(signer, small ? 2 : 50);
  pmm_poly_signer_free(signer);
  return 0;
}
