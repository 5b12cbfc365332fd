/* bench_degen [N] -- Degen's wire: ns a message for every kind of the socket (N messages each, default 400 000), with the ladder brought up to date for
   those of books; ns to write an order and a cancel; microseconds to mint a token. One JSON object a line. Messages are printed as the
   venue's reference has them. ns_per_message is over the whole run, ns_min over its quickest part: on a busy machine the latter says more.
   The hash is over what was read or written and depends on N only. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include "base/json.h"
#include "pmm/book.h"
#include "pmm/degen.h"
#include "pmm/hash.h"
#include "pmm/rng.h"

#define SLOT 2048 /* bytes of a message with its padding */
#define SLOTS 256 /* prepared messages, gone round; they stay in the cache, as bytes just received do */
#define PART 256  /* messages a timed part */
#define MARKET "btc-95000-1763715300"

static pmm_degen_level_t level[PMM_DEGEN_LEVELS_MAX];
static char scratch[PMM_DEGEN_SCRATCH];
static pmm_ladder_t ladder;
static pmm_grid_t grid;

static double now_ns(void) {
  struct timespec ts;
  clock_gettime(CLOCK_MONOTONIC, &ts);
  return (double)ts.tv_sec * 1e9 + (double)ts.tv_nsec;
}

_Noreturn static void die(const char *what) {
  fprintf(stderr, "bench_degen: %s\n", what);
  exit(1);
}

typedef int (*print_t)(char *out, size_t cap, pmm_rng_t *rng, uint64_t n);
static unsigned below(pmm_rng_t *rng, unsigned n) { return (unsigned)pmm_rng_below(rng, n); }

static int print_delta(char *out, size_t cap, pmm_rng_t *rng, uint64_t n) {
  unsigned const cents = 1 + below(rng, 99);
  return snprintf(out, cap, "{\"ch\":\"book\",\"type\":\"delta\",\"market\":\"" MARKET "\",\"seq\":%" PRIu64 ",\"ts\":1763715000123,\"changes\":[[\"yes\",\"%s\",\"0.%02u\",\"%u\"]]}",
                  n + 1, cents < 50 ? "bid" : "ask", cents, below(rng, 3) ? below(rng, 2000) : 0);
}

static int print_delta5(char *out, size_t cap, pmm_rng_t *rng, uint64_t n) {
  int len = snprintf(out, cap, "{\"ch\":\"book\",\"type\":\"delta\",\"market\":\"" MARKET "\",\"seq\":%" PRIu64 ",\"ts\":1763715000123,\"changes\":[", n + 1);
  for (int i = 0; i < 5; i++) {
    unsigned const cents = 1 + below(rng, 99);
    len += snprintf(out + len, cap - (size_t)len, "%s[\"yes\",\"%s\",\"0.%02u\",\"%u\"]", i ? "," : "", cents < 50 ? "bid" : "ask", cents, below(rng, 2000));
  }
  return len + snprintf(out + len, cap - (size_t)len, "]}");
}

static int print_side(char *out, size_t cap, const char *key, int from, int step, pmm_rng_t *rng) {
  int len = snprintf(out, cap, "\"%s\":[", key);
  for (int i = 0; i < 10; i++) len += snprintf(out + len, cap - (size_t)len, "%s[\"0.%02d\",\"%u\"]", i ? "," : "", from + i * step, 1 + below(rng, 2000));
  return len + snprintf(out + len, cap - (size_t)len, "]");
}

static int print_snapshot(char *out, size_t cap, pmm_rng_t *rng, uint64_t n) {
  int len = snprintf(out, cap, "{\"ch\":\"book\",\"type\":\"snapshot\",\"market\":\"" MARKET "\",\"seq\":%" PRIu64 ",\"ts\":1763715000123,\"yes\":{", n + 1);
  len += print_side(out + len, cap - (size_t)len, "bids", 48, -1, rng);
  len += snprintf(out + len, cap - (size_t)len, ",");
  len += print_side(out + len, cap - (size_t)len, "asks", 52, 1, rng);
  return len + snprintf(out + len, cap - (size_t)len, "}}");
}

static int print_trade(char *out, size_t cap, pmm_rng_t *rng, uint64_t n) {
  return snprintf(out, cap, "{\"ch\":\"trades\",\"trade\":{\"id\":\"6f1d3a5e-7c2b-4d8e-9a01-%012" PRIx64 "\",\"seq\":%" PRIu64 ",\"market\":\"" MARKET "\",\"outcome\":\"yes\","
                  "\"price\":\"0.%02u\",\"size\":\"%u\",\"taker_side\":\"bid\",\"ts\":1763715000123}}", n, n + 1, 1 + below(rng, 99), 1 + below(rng, 500));
}

#define ORDER "{\"id\":\"6f1d3a5e-7c2b-4d8e-9a01-%012" PRIx64 "\",\"client_id\":\"p00000007%08" PRIx64 "\",\"market\":\"" MARKET "\",\"side\":\"bid\",\"outcome\":\"yes\"," \
  "\"price\":\"0.%02u\",\"size\":\"%u\",\"filled\":\"0\",\"remaining\":\"%u\",\"status\":\"open\",\"reason\":null,\"ts\":1763715000123}"

static int print_order(char *out, size_t cap, pmm_rng_t *rng, uint64_t n) {
  unsigned const size = 1 + below(rng, 500);
  return snprintf(out, cap, "{\"ch\":\"orders\",\"order\":" ORDER "}", n, n, 1 + below(rng, 99), size, size);
}

static int print_answer(char *out, size_t cap, pmm_rng_t *rng, uint64_t n) {
  unsigned const size = 1 + below(rng, 500);
  return snprintf(out, cap, "{\"re\":%" PRIu64 ",\"ok\":true,\"result\":{\"orders\":[" ORDER "]}}", n + 1, n, n, 1 + below(rng, 99), size, size);
}

static int print_fill(char *out, size_t cap, pmm_rng_t *rng, uint64_t n) {
  return snprintf(out, cap, "{\"ch\":\"fills\",\"fill\":{\"seq\":%" PRIu64 ",\"id\":\"6f1d3a5e-7c2b-4d8e-9a01-%012" PRIx64 "\",\"order_id\":\"6f1d3a5e-7c2b-4d8e-9a01-%012" PRIx64 "\","
                  "\"client_id\":\"p00000007%08" PRIx64 "\",\"market\":\"" MARKET "\",\"outcome\":\"yes\",\"price\":\"0.%02u\",\"side\":\"bid\",\"size\":\"%u\",\"fee\":\"0.00\","
                  "\"liquidity\":\"maker\",\"ts\":1763715000123}}", n + 1, n, n, n, 1 + below(rng, 99), 1 + below(rng, 500));
}

/* -- reading -- */

static uint64_t to_ladder(const pmm_degen_msg_t *m) {
  int64_t old;
  if (m->kind == PMM_DEGEN_BOOK) pmm_ladder_clear(&ladder);
  for (size_t i = 0; i < m->level_cnt; i++) {
    pmm_md_t const md = {.kind = PMM_MD_LEVEL, .side = level[i].side, .price_e4 = level[i].price_e4, .qty_e6 = level[i].qty_e6};
    if (pmm_book_apply(&ladder, &grid, &md, &old) != PMM_OK) die("a level off the grid");
  }
  return (uint64_t)(uint32_t)ladder.best[PMM_BID] << 32 | (uint32_t)ladder.best[PMM_ASK];
}

static uint64_t read_one(const char *text, size_t len) {
  pmm_degen_msg_t m;
  pmm_degen_order_t o;
  pmm_degen_list_t list;
  pmm_degen_text_t at;
  pmm_error_t err;
  if (pmm_degen_decode(text, len, &m, level, scratch, &err) != PMM_OK) die(err.text);
  switch (m.kind) {
  case PMM_DEGEN_BOOK:
  case PMM_DEGEN_DELTA: return to_ladder(&m);
  case PMM_DEGEN_TRADE: return (uint64_t)m.trade.qty_e6 ^ (uint64_t)m.trade.price_e4;
  case PMM_DEGEN_ORDER: return (uint64_t)m.order.qty_e6 ^ (uint64_t)m.order.price_e4;
  case PMM_DEGEN_FILL: return (uint64_t)m.fill.qty_e6 ^ m.fill.seq;
  case PMM_DEGEN_ANSWER:
    if (pmm_degen_list_open(m.result.at, m.result.len, "orders", &list) != PMM_OK || !pmm_degen_list_next(&list, &at)) die("no order in the answer");
    if (pmm_degen_read_order(at, &o, scratch, &err) != PMM_OK) die(err.text);
    return m.re ^ (uint64_t)o.qty_e6;
  case PMM_DEGEN_MARKET:
  case PMM_DEGEN_OTHER: break;
  }
  die("not a message of this benchmark");
}

typedef struct result { double total_ns, best_ns; uint64_t hash; } result_t;

static void tell(const char *kind, uint64_t n, size_t bytes, const result_t *r) {
  printf("{\"bench\":\"degen\",\"kind\":\"%s\",\"messages\":%" PRIu64 ",\"bytes\":%zu,\"ns_per_message\":%.1f,\"ns_min\":%.1f,\"hash\":\"0x%016" PRIx64 "\"}\n", kind, n, bytes,
         r->total_ns / (double)n, r->best_ns, r->hash);
}

static void bench_read(const char *kind, print_t print, uint64_t n) {
  static char text[SLOTS][SLOT];
  size_t len[SLOTS], bytes = 0;
  pmm_rng_t rng;
  pmm_rng_seed(&rng, 1);
  for (uint64_t i = 0; i < SLOTS; i++) {
    int const got = print(text[i], SLOT - PMM_JSON_PAD, &rng, i);
    if (got <= 0 || got >= SLOT - PMM_JSON_PAD) die("a message that does not fit");
    bytes += len[i] = (size_t)got;
  }
  pmm_ladder_clear(&ladder);
  result_t r = {.best_ns = 1e18};
  for (uint64_t done = 0; done < n;) {
    uint64_t const from = done, to = done + PART < n ? done + PART : n;
    double const t0 = now_ns();
    for (; done < to; done++) r.hash = pmm_hash_mix(r.hash, read_one(text[done % SLOTS], len[done % SLOTS]));
    double const ns = now_ns() - t0;
    r.total_ns += ns;
    if (ns / (double)(to - from) < r.best_ns) r.best_ns = ns / (double)(to - from);
  }
  tell(kind, n, bytes / SLOTS, &r);
}

/* -- writing -- */

static size_t write_place(char *buf, size_t cap, uint64_t i) {
  pmm_action_t const a = {.order_id = UINT64_C(0x700000001) + i, .qty_e6 = (int64_t)(1 + i % 500) * PMM_ONE_E6, .price_e4 = (int32_t)(100 * (1 + i % 99)), .route = (uint8_t)(i % 4),
                          .flags = PMM_ACT_POST_ONLY};
  pmm_degen_writer_t w;
  pmm_degen_place_begin(&w, buf, cap, i + 1);
  pmm_degen_place_order(&w, MARKET, &a);
  return pmm_degen_place_end(&w);
}

static size_t write_cancel(char *buf, size_t cap, uint64_t i) {
  pmm_degen_writer_t w;
  pmm_degen_cancel_begin(&w, buf, cap, i + 1, false);
  pmm_degen_cancel_order(&w, "6f1d3a5e-7c2b-4d8e-9a01-000000000001");
  return pmm_degen_cancel_end(&w);
}

static size_t write_token(char *buf, size_t cap, uint64_t i) {
  return pmm_degen_token_mint("a secret of some length", 23, "account", (int64_t)i, (int64_t)i + 3600, buf, cap) == PMM_OK ? strlen(buf) : 0;
}

static void bench_write(const char *kind, size_t (*write)(char *, size_t, uint64_t), uint64_t n) {
  char buf[SLOT];
  size_t bytes = 0;
  result_t r = {.best_ns = 1e18};
  for (uint64_t done = 0; done < n;) {
    uint64_t const from = done, to = done + PART < n ? done + PART : n;
    double const t0 = now_ns();
    for (; done < to; done++) {
      size_t const len = write(buf, sizeof buf, done);
      if (len == 0) die("nothing written");
      uint64_t tail;
      memcpy(&tail, buf + len - sizeof tail, sizeof tail);
      r.hash = pmm_hash_mix(r.hash, tail ^ len);
      bytes = len;
    }
    double const ns = now_ns() - t0;
    r.total_ns += ns;
    if (ns / (double)(to - from) < r.best_ns) r.best_ns = ns / (double)(to - from);
  }
  tell(kind, n, bytes, &r);
}

int main(int argc, char **argv) {
  uint64_t const n = argc > 1 ? strtoull(argv[1], NULL, 10) : 400000;
  pmm_arena_t arena;
  if (n == 0 || argc > 2) {
    fprintf(stderr, "usage: bench_degen [N]\n");
    return 2;
  }
  if (pmm_arena_open(&arena, 1 << 20) != PMM_OK || pmm_grid_uniform(&grid, 100) != PMM_OK || pmm_ladder_init(&ladder, &arena, grid.tick_cnt, grid.tick_cnt) != PMM_OK) die("out of memory");
  bench_read("delta", print_delta, n);
  bench_read("delta_5", print_delta5, n);
  bench_read("snapshot_20", print_snapshot, n);
  bench_read("trade", print_trade, n);
  bench_read("order", print_order, n);
  bench_read("fill", print_fill, n);
  bench_read("answer", print_answer, n);
  bench_write("place", write_place, n);
  bench_write("cancel", write_cancel, n);
  bench_write("token", write_token, n < 20000 ? n : 20000);
  pmm_arena_close(&arena);
  return 0;
}
