/* bench_kalshi [N] -- Kalshi's wire: ns a message for every kind of the socket (N messages each, default 400 000), with the ladder brought up to
   date for those of books; ns to write an order; microseconds to sign, and ns to look a prepared signature up. One JSON object a line.
   Messages are printed as the venue prints them, in the lengths of recorded ones (delta 320 bytes, snapshot of 364). ns_per_message is over the
   whole run, ns_min over its quickest part: on a busy machine the latter says more. The hash is over what was read and depends on N only. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include "pmm/hash.h"
#include "pmm/kalshi.h"
#include "pmm/rng.h"

#define SLOT 1024      /* bytes of a message with its padding */
#define SLOTS 256       /* prepared messages, gone round; they stay in the cache, as bytes just received do */
#define PART 256       /* messages a timed part */
#define TICKER "KXBTC15M-26NOV200645-45"
#define MARKET_ID "5b5f3a6e-9c1d-4e7b-8a2f-0d1c2b3a4f5e"

static double now_s(void) {
  struct timespec ts;
  clock_gettime(CLOCK_MONOTONIC, &ts);
  return (double)ts.tv_sec + (double)ts.tv_nsec * 1e-9;
}

typedef struct messages { char *text; uint32_t len[SLOTS]; } messages_t;
typedef int (*print_t)(char *out, size_t cap, pmm_rng_t *rng, uint64_t n);

static int print_book(char *out, size_t cap, pmm_rng_t *rng, uint64_t n) {
  return snprintf(out, cap,
                  "{\"type\":\"orderbook_snapshot\",\"sid\":1,\"seq\":%" PRIu64 ",\"msg\":{\"market_ticker\":\"" TICKER
                  "\",\"market_id\":\"" MARKET_ID "\","
                  "\"yes_dollars_fp\":[[\"0.4200\",\"%u.00\"],[\"0.4300\",\"120.00\"],[\"0.4400\",\"75.50\"],[\"0.4500\",\"20.00\"],[\"0."
                  "4700\",\"3.00\"]],"
                  "\"no_dollars_fp\":[[\"0.4200\",\"210.00\"],[\"0.4500\",\"64.00\"],[\"0.4600\",\"18.25\"],[\"0.4800\",\"%u.00\"]]}}",
                  n + 1, 1000 + (unsigned)pmm_rng_below(rng, 999000), 10 + (unsigned)pmm_rng_below(rng, 90));
}

/* Levels of 2 000 contracts, changed by less than that and back: no size goes below zero however often the block is gone round. */
static int print_delta(char *out, size_t cap, pmm_rng_t *rng, uint64_t n) {
  static unsigned change, cents, no;
  if (n % 2 == 0) {
    change = 1 + (unsigned)pmm_rng_below(rng, 99999);
    cents = 1 + (unsigned)pmm_rng_below(rng, 49);
    no = (unsigned)pmm_rng_below(rng, 2);
  }
  return snprintf(out, cap,
                  "{\"type\":\"orderbook_delta\",\"sid\":1,\"seq\":%" PRIu64 ",\"msg\":{\"market_ticker\":\"" TICKER
                  "\",\"market_id\":\"" MARKET_ID "\","
                  "\"price_dollars\":\"0.%02u00\",\"delta_fp\":\"%s%u.%02u\",\"side\":\"%s\",\"ts\":\"2026-11-20T06:31:29.957081Z\",\"ts_"
                  "ms\":1795156289957}}",
                  n + 1, cents, n % 2 ? "-" : "", change / 100, change % 100, no ? "no" : "yes");
}

static int print_trade(char *out, size_t cap, pmm_rng_t *rng, uint64_t n) {
  unsigned const cents = 1 + (unsigned)pmm_rng_below(rng, 98);
  return snprintf(out, cap,
                  "{\"type\":\"trade\",\"sid\":1,\"seq\":%" PRIu64 ",\"msg\":{\"trade_id\":\"1f3a6e5b-9c1d-4e7b-8a2f-%012" PRIx64
                  "\",\"market_ticker\":\"" TICKER "\","
                  "\"yes_price_dollars\":\"0.%02u00\",\"no_price_dollars\":\"0.%02u00\",\"count_fp\":\"%u.00\",\"taker_side\":\"yes\","
                  "\"taker_outcome_side\":\"yes\","
                  "\"taker_book_side\":\"bid\",\"is_block_trade\":false,\"ts\":1795156290,\"ts_ms\":1795156290101}}",
                  n + 1, n, cents, 100 - cents, 1 + (unsigned)pmm_rng_below(rng, 500));
}

static int print_ticker(char *out, size_t cap, pmm_rng_t *rng, uint64_t n) {
  (void)n;
  return snprintf(out, cap,
                  "{\"type\":\"ticker\",\"sid\":3,\"msg\":{\"market_ticker\":\"" TICKER "\",\"market_id\":\"" MARKET_ID
                  "\",\"price_dollars\":\"0.4500\","
                  "\"yes_bid_dollars\":\"0.4400\",\"yes_ask_dollars\":\"0.4600\",\"yes_bid_size_fp\":\"%u.00\",\"yes_ask_size_fp\":\"7."
                  "50\",\"last_trade_size_fp\":\"4.00\","
                  "\"volume_fp\":\"100000.00\",\"open_interest_fp\":\"5000.00\",\"dollar_volume\":45000,\"dollar_open_interest\":2200,"
                  "\"ts\":1795156290,\"ts_ms\":1795156290101,"
                  "\"time\":\"2026-11-20T06:31:30.101Z\"}}",
                  1 + (unsigned)pmm_rng_below(rng, 500));
}

static int print_fill(char *out, size_t cap, pmm_rng_t *rng, uint64_t n) {
  return snprintf(out, cap,
                  "{\"type\":\"fill\",\"sid\":5,\"msg\":{\"trade_id\":\"1f3a6e5b-9c1d-4e7b-8a2f-%012" PRIx64
                  "\",\"order_id\":\"2597b999-f887-4195-8bac-c3f97a1f2021\","
                  "\"client_order_id\":\"pmm-00000001%08" PRIx64 "\",\"market_ticker\":\"" TICKER
                  "\",\"exchange_index\":2,\"is_taker\":false,\"side\":\"yes\",\"action\":\"buy\","
                  "\"yes_price_dollars\":\"0.4500\",\"count_fp\":\"%u.00\",\"fee_cost\":\"0.000000\",\"outcome_side\":\"yes\",\"book_"
                  "side\":\"bid\",\"post_position_fp\":\"4.00\","
                  "\"ts\":1795156290,\"ts_ms\":1795156290101}}",
                  n, n & 0xffffffff, 1 + (unsigned)pmm_rng_below(rng, 500));
}

static int print_order(char *out, size_t cap, pmm_rng_t *rng, uint64_t n) {
  return snprintf(
      out, cap,
      "{\"type\":\"user_order\",\"sid\":6,\"msg\":{\"order_id\":\"2597b999-f887-4195-8bac-c3f97a1f2021\",\"user_id\":\"" MARKET_ID
      "\",\"ticker\":\"" TICKER "\","
      "\"exchange_index\":2,\"status\":\"resting\",\"side\":\"yes\",\"is_yes\":true,\"outcome_side\":\"yes\",\"book_side\":\"bid\",\"yes_"
      "price_dollars\":\"0.4500\","
      "\"fill_count_fp\":\"%u.00\",\"remaining_count_fp\":\"7.00\",\"initial_count_fp\":\"510.00\",\"taker_fill_cost_dollars\":\"0."
      "000000\","
      "\"maker_fill_cost_dollars\":\"1.350000\",\"taker_fees_dollars\":\"0.000000\",\"maker_fees_dollars\":\"0.000000\",\"client_order_"
      "id\":\"pmm-00000001%08" PRIx64 "\","
      "\"created_time\":\"2026-11-20T06:31:29.957081Z\",\"created_ts_ms\":1795156289957,\"last_updated_ts_ms\":1795156290101,\"last_update_"
      "reason\":\"Trade\"}}",
      (unsigned)pmm_rng_below(rng, 500), n & 0xffffffff);
}

static int print_position(char *out, size_t cap, pmm_rng_t *rng, uint64_t n) {
  (void)n;
  return snprintf(out, cap,
                  "{\"type\":\"market_position\",\"sid\":7,\"msg\":{\"user_id\":\"" MARKET_ID "\",\"market_ticker\":\"" TICKER
                  "\",\"position_fp\":\"-%u.00\","
                  "\"position_cost_dollars\":\"2.200000\",\"realized_pnl_dollars\":\"-0.100000\",\"fees_paid_dollars\":\"0.017500\","
                  "\"position_fee_cost_dollars\":\"0.000000\","
                  "\"volume_fp\":\"8.00\"}}",
                  (unsigned)pmm_rng_below(rng, 500));
}

static int print_life(char *out, size_t cap, pmm_rng_t *rng, uint64_t n) {
  return snprintf(out, cap,
                  "{\"type\":\"market_lifecycle_v2\",\"sid\":9,\"seq\":%" PRIu64 ",\"msg\":{\"market_ticker\":\"" TICKER
                  "\",\"event_type\":\"close_date_updated\","
                  "\"exchange_index\":2,\"close_ts\":%u}}",
                  n + 1, 1795156290 + (unsigned)pmm_rng_below(rng, 900));
}

static int print_index(char *out, size_t cap, pmm_rng_t *rng, uint64_t n) {
  return snprintf(out, cap,
                  "{\"type\":\"cfbenchmarks_value\",\"sid\":8,\"seq\":%" PRIu64
                  ",\"msg\":{\"index_id\":\"BRTI\",\"received_at\":1795186805023,\"data\":\"{\\\"type\\\":\\\"value\\\","
                  "\\\"id\\\":\\\"BRTI\\\",\\\"time\\\":1795186805000,\\\"value\\\":\\\"91%03u.61\\\"}\",\"avg_60s_data\":{\"value\":"
                  "\"91219.88120000\",\"window_size\":60,"
                  "\"window_start_ts_ms\":1795186745000,\"window_end_ts_exclusive\":1795186805000}}}",
                  n + 1, (unsigned)pmm_rng_below(rng, 999));
}

static messages_t prepare(print_t print, uint64_t seed) {
  messages_t m = {.text = calloc(SLOTS, SLOT)};
  pmm_rng_t rng;
  if (!m.text) exit(1);
  pmm_rng_seed(&rng, seed);
  for (uint64_t n = 0; n < SLOTS; n++) {
    int const len = print(m.text + n * SLOT, SLOT - 64, &rng, n);
    if (len < 0 || len >= SLOT - 64) exit(1);
    m.len[n] = (uint32_t)len;
  }
  return m;
}

static pmm_kalshi_books_t *open_books(void) {
  pmm_kalshi_books_t *books;
  pmm_market_t market;
  uint32_t index;
  pmm_market_init(&market, TICKER);
  if (pmm_kalshi_books_open(&books, 1) != PMM_OK || pmm_kalshi_books_add(books, &market, &index) != PMM_OK ||
      pmm_kalshi_books_sid(books, 1, false) != PMM_OK)
    exit(1);
  return books;
}

/* Every level gets 2 000 contracts, so that deltas have something to take from. */
static void fill_book(pmm_kalshi_codec_t *codec, pmm_kalshi_books_t *books) {
  static char text[8192];
  int n = snprintf(text, sizeof text,
                   "{\"type\":\"orderbook_snapshot\",\"sid\":1,\"seq\":0,\"msg\":{\"market_ticker\":\"" TICKER
                   "\",\"market_id\":\"x\",\"yes_dollars_fp\":[");
  for (int side = 0; side < 2; side++) {
    for (int c = 1; c < 50; c++) n += snprintf(text + n, sizeof text - (size_t)n, "%s[\"0.%02d00\",\"2000.00\"]", c > 1 ? "," : "", c);
    n += snprintf(text + n, sizeof text - (size_t)n, side ? "]}}" : "],\"no_dollars_fp\":[");
  }
  pmm_kalshi_frame_t f;
  const pmm_md_t *md;
  size_t cnt;
  if (pmm_kalshi_frame_read(codec, text, (size_t)n, &f, NULL) != PMM_OK || pmm_kalshi_books_apply(books, &f, 1, &md, &cnt) != PMM_OK) exit(1);
}

static uint64_t read_part(pmm_kalshi_codec_t *codec, pmm_kalshi_books_t *books, const messages_t *m, uint64_t from, uint64_t cnt, uint64_t hash) {
  for (uint64_t n = from; n < from + cnt; n++) {
    size_t const slot = n % SLOTS;
    pmm_kalshi_frame_t f;
    const pmm_md_t *md;
    size_t md_cnt = 0;
    if (pmm_kalshi_frame_read(codec, m->text + slot * SLOT, m->len[slot], &f, NULL) != PMM_OK) exit(1);
    if (f.type >= PMM_KALSHI_BOOK && f.type <= PMM_KALSHI_TRADE) {
      f.seq = n + 1; /* the block is gone round: numbers go on */
      if (pmm_kalshi_books_count(books, &f) != PMM_OK || pmm_kalshi_books_apply(books, &f, (int64_t)n, &md, &md_cnt) != PMM_OK) exit(1);
      hash = pmm_hash_mix(hash, (uint64_t)md[md_cnt - 1].qty_e6 + (uint64_t)md[md_cnt - 1].price_e4);
    }
    hash = pmm_hash_mix(hash, f.type + f.seq + (uint64_t)f.exch_ns);
  }
  return hash;
}

static void bench_reading(pmm_kalshi_codec_t *codec, const char *kind, print_t print, uint64_t total) {
  messages_t const m = prepare(print, 7);
  pmm_kalshi_books_t *const books = open_books();
  fill_book(codec, books);
  uint64_t hash = 0, bytes = 0;
  double min = 1e9, const_start = now_s(), last = const_start;
  for (uint64_t n = 0, cnt; n < total; n += cnt) {
    cnt = total - n < PART ? total - n : PART;
    hash = read_part(codec, books, &m, n, cnt, hash);
    double const now = now_s(), ns = (now - last) * 1e9 / (double)cnt;
    if (ns < min) min = ns;
    last = now;
  }
  for (size_t i = 0; i < SLOTS; i++) bytes += m.len[i];
  hash = pmm_hash_mix(hash, pmm_ladder_hash(pmm_kalshi_books_ladder(books, 0)));
  printf("{\"bench\":\"kalshi_read\",\"kind\":\"%s\",\"messages\":%" PRIu64
         ",\"bytes\":%.0f,\"ns_per_message\":%.1f,\"ns_min\":%.1f,\"hash\":\"0x%016" PRIx64 "\"}\n",
         kind, total, (double)bytes / SLOTS, (last - const_start) * 1e9 / (double)total, min, hash);
  pmm_kalshi_books_close(books);
  free(m.text);
}

static void bench_writing(uint64_t total) {
  char buf[512], id[PMM_KALSHI_CLIENT_ID_LEN + 1];
  uint64_t hash = 0;
  double const start = now_s();
  for (uint64_t n = 0; n < total; n++) {
    pmm_kalshi_client_id(n, id);
    pmm_kalshi_new_t const o = {.market = TICKER,
                                .client_order_id = id,
                                .price_e4 = 1 + (int32_t)(n % 9998),
                                .qty_e6 = (int64_t)(1 + n % 1000) * PMM_ONE_E6,
                                .side = n & 1,
                                .post_only = true};
    size_t const len = pmm_kalshi_write_create(&o, buf, sizeof buf);
    hash = pmm_hash_mix(hash, len + (uint64_t)(unsigned char)buf[len / 2]);
  }
  printf("{\"bench\":\"kalshi_write\",\"kind\":\"create\",\"messages\":%" PRIu64 ",\"ns_per_message\":%.1f,\"hash\":\"0x%016" PRIx64
         "\"}\n",
         total, (now_s() - start) * 1e9 / (double)total, hash);
}

/* Signatures are salted, so the hash is over what they were asked for and that they verify. */
static void bench_signing(const char *kind, bool ed25519, uint64_t total) {
  pmm_kalshi_key_t *key;
  char signature[PMM_KALSHI_SIGNATURE_BUF], ts[24];
  if (pmm_kalshi_key_generate(&key, ed25519, NULL) != PMM_OK) exit(1);
  uint64_t hash = 0;
  double const start = now_s();
  for (uint64_t n = 0; n < total; n++) {
    snprintf(ts, sizeof ts, "%" PRIu64, UINT64_C(1790000000000) + n);
    if (pmm_kalshi_sign(key, ts, "POST", "/trade-api/v2/portfolio/events/orders", signature) != PMM_OK) exit(1);
  }
  double const signed_s = now_s();
  for (uint64_t n = 0; n < total; n++)
    hash = pmm_hash_mix(hash, n + (pmm_kalshi_verify(key, ts, "POST", "/trade-api/v2/portfolio/events/orders", signature) == PMM_OK));
  printf("{\"bench\":\"kalshi_sign\",\"kind\":\"%s\",\"messages\":%" PRIu64
         ",\"us_per_signature\":%.1f,\"us_per_verify\":%.1f,\"hash\":\"0x%016" PRIx64 "\"}\n",
         kind, total, (signed_s - start) * 1e6 / (double)total, (now_s() - signed_s) * 1e6 / (double)total, hash);
  pmm_kalshi_key_free(key);
}

static void bench_prepared(uint64_t total) {
  pmm_kalshi_key_t *key;
  pmm_kalshi_signer_t *signer;
  uint32_t slot;
  if (pmm_kalshi_key_generate(&key, true, NULL) != PMM_OK || pmm_kalshi_signer_open(&signer, key, "key", NULL) != PMM_OK) exit(1);
  if (pmm_kalshi_signer_prepare(signer, "POST", "/trade-api/v2/portfolio/events/orders", &slot) != PMM_OK ||
      !pmm_kalshi_signer_refill(signer, 1000000))
    exit(1);
  uint64_t hash = 0;
  double const start = now_s();
  for (uint64_t n = 0; n < total; n++) {
    pmm_header_t h[PMM_KALSHI_HEADERS];
    if (pmm_kalshi_signer_at(signer, slot, (int64_t)(1000000 + n % 1000), h) != PMM_OK) exit(1);
    hash = pmm_hash_mix(hash, (uint64_t)(unsigned char)h[1].value[0] + n);
  }
  printf("{\"bench\":\"kalshi_sign\",\"kind\":\"prepared\",\"messages\":%" PRIu64 ",\"ns_per_message\":%.1f,\"hash\":\"0x%016" PRIx64
         "\"}\n",
         total, (now_s() - start) * 1e9 / (double)total, hash);
  pmm_kalshi_signer_close(signer);
  pmm_kalshi_key_free(key);
}

int main(int argc, char **argv) {
  static const struct { const char *kind; print_t print; } kinds[] = {
      {"delta", print_delta}, {"snapshot", print_book}, {"trade", print_trade}, {"ticker", print_ticker}, {"fill", print_fill},
      {"user_order", print_order}, {"market_position", print_position}, {"lifecycle", print_life}, {"index", print_index}};
  uint64_t const total = argc > 1 ? strtoull(argv[1], NULL, 10) : 400000;
  pmm_kalshi_codec_t *codec;
  if (argc > 2 || total == 0) {
    fprintf(stderr, "usage: bench_kalshi [N]\n");
    return 2;
  }
  if (pmm_kalshi_codec_open(&codec) != PMM_OK) return 1;
  for (size_t i = 0; i < sizeof kinds / sizeof kinds[0]; i++) bench_reading(codec, kinds[i].kind, kinds[i].print, total);
  bench_writing(total);
  bench_signing("rsa2048", false, total / 1000 + 1);
  bench_signing("ed25519", true, total / 200 + 1);
  bench_prepared(total);
  pmm_kalshi_codec_close(codec);
  return 0;
}
