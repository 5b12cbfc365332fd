/* Trade inference against a slow model: random sessions of deltas and tickers, where the model searches every subset. */
#include "tape/tape_test.h"

#define CANDIDATES_MAX 12

typedef struct decrease { int64_t at_ms, cents; int price, side; bool amended; size_t line; int64_t model_cents; } decrease_t;

/* A random session under way: the text of its lines and the book as the generator knows it. */
typedef struct session {
  pmm_rng_t *rng;
  FILE *text;
  int64_t now_ms, volume, book[2][100]; /* cents of a contract by price in cents */
  uint64_t seq;
  size_t lines;
  decrease_t window[CANDIDATES_MAX];
  size_t window_cnt;
  int64_t *expected; /* per line: hundredths of contracts of the TRADE before it */
} session_t;

static int best(const session_t *s, int side) {
  if (side == PMM_BID) {
    for (int p = 99; p > 0; p--) if (s->book[side][p]) return p;
  } else {
    for (int p = 1; p < 100; p++) if (s->book[side][p]) return p;
  }
  return 0;
}

static void line_head(session_t *s, const char *type, int64_t exch_ms) {
  int64_t const s_ = exch_ms / 1000, minute = s_ / 60;
  fprintf(s->text, "{\"event_type\":\"%s\",\"market_ticker\":\"KXT\",\"sequence_number\":%llu,\"local_recv_ns\":%lld000000,\"exchange_ts\":\"2030-03-17T%02lld:%02lld:%02lld.%03lldZ\",\"payload_json\":", type,
          (unsigned long long)s->seq, (long long)(INT64_C(1899936000000) + s->now_ms), (long long)(minute / 60), (long long)(minute % 60), (long long)(s_ % 60), (long long)(exch_ms % 1000));
  s->lines++;
}

static void put_delta(session_t *s, int64_t at_ms, int side, int price, int64_t cents) {
  s->seq++;
  line_head(s, "orderbook_delta", at_ms);
  fprintf(s->text, "{\"side\":\"%s\",\"price_dollars\":\"0.%02d\",\"delta_fp\":\"%s%lld.%02lld\"}}\n", side == PMM_BID ? "yes" : "no", side == PMM_BID ? price : 100 - price, cents < 0 ? "-" : "",
          (long long)llabs(cents) / 100, (long long)llabs(cents) % 100);
  s->book[side][price] += cents;
}

/* A decrease at the touch, or two deltas that move an order, or an increase. */
static void random_delta(session_t *s, int64_t at_ms) {
  int const side = (int)pmm_rng_below(s->rng, 2), price = best(s, side);
  int64_t cents = check_between(s->rng, 1, 9) * (pmm_rng_below(s->rng, 3) ? 100 : 25);
  if (price == 0 || s->book[side][price] < cents || s->window_cnt == CANDIDATES_MAX || pmm_rng_below(s->rng, 3) == 0) {
    put_delta(s, at_ms, side, side == PMM_BID ? (int)check_between(s->rng, 40, 49) : (int)check_between(s->rng, 51, 60), 100 * check_between(s->rng, 1, 30) + 7); /* never the size of a decrease */
    return;
  }
  bool const amended = pmm_rng_below(s->rng, 4) == 0;
  s->window[s->window_cnt++] = (decrease_t){.at_ms = at_ms, .cents = cents, .price = price, .side = side, .amended = amended, .line = s->lines};
  put_delta(s, at_ms, side, price, -cents);
  if (amended) put_delta(s, at_ms, side, side == PMM_BID ? 30 : 70, cents);
}

/* -- the model -- */
static int model_rank(const decrease_t *d, const decrease_t *last) {
  if (last && d->at_ms == last->at_ms && d->side == last->side) return 0;
  return d->cents % 100 ? 1 : 2;
}

static bool model_search(decrease_t **item, size_t n, int64_t want) { /* the first subset in the order of the items */
  if (want == 0) return true;
  if (n == 0 || want < 0) return false;
  item[0]->model_cents = item[0]->cents;
  if (model_search(item + 1, n - 1, want - item[0]->cents)) return true;
  item[0]->model_cents = 0;
  return model_search(item + 1, n - 1, want);
}

static void model_window(session_t *s, int64_t traded, int64_t last_cents, int last_price) {
  decrease_t *item[CANDIDATES_MAX], *last = NULL;
  size_t n = 0;
  if (traded <= 0) return;
  for (size_t i = 0; i < s->window_cnt; i++) {
    decrease_t *const d = &s->window[i];
    d->model_cents = 0;
    if (!d->amended && d->cents == last_cents && d->price == last_price && d->cents <= traded) last = d;
  }
  for (size_t i = s->window_cnt; i-- > 0;) /* latest first within a rank */
    if (!s->window[i].amended && &s->window[i] != last && !(last && &s->window[i] > last)) item[n++] = &s->window[i];
  for (size_t i = 1; i < n; i++)
    for (size_t k = i; k > 0 && model_rank(item[k], last) < model_rank(item[k - 1], last); k--) {
      decrease_t *const t = item[k];
      item[k] = item[k - 1];
      item[k - 1] = t;
    }
  if (last) {
    last->model_cents = last->cents;
    traded -= last->cents;
  }
  if (model_search(item, n, traded)) return;
  for (size_t i = 0; i < n; i++) { /* no exact fit: fill up in order */
    item[i]->model_cents = item[i]->cents < traded ? item[i]->cents : traded;
    traded -= item[i]->model_cents;
  }
}

static void put_ticker(session_t *s) {
  int64_t traded = 0, last_cents = 100;
  int last_price = 50;
  for (size_t i = 0; i < s->window_cnt; i++) { /* what really traded: some of the decreases; sometimes the volume is a lie */
    if (s->window[i].amended || pmm_rng_below(s->rng, 2)) continue;
    traded += s->window[i].cents;
    last_cents = s->window[i].cents;
    last_price = s->window[i].price;
  }
  if (pmm_rng_below(s->rng, 8) == 0) traded += 13;
  s->volume += 2 * traded;
  model_window(s, traded, last_cents, last_price);
  for (size_t i = 0; i < s->window_cnt; i++) s->expected[s->window[i].line] = traded > 0 ? s->window[i].model_cents : 0;
  s->window_cnt = 0;
  line_head(s, "ticker", s->now_ms);
  fprintf(s->text, "{\"volume_fp\":\"%lld.%02lld\",\"last_trade_size_fp\":\"%lld.%02lld\",\"price_dollars\":\"0.%02d\"}}\n", (long long)s->volume / 100, (long long)s->volume % 100, (long long)last_cents / 100,
          (long long)last_cents % 100, last_price);
}

/* Line numbers are recovered from md.seq, as every line is a message of the one market. */
static uint64_t compare(const char *path, const session_t *s) {
  whole_t w = read_tape(path);
  uint64_t at = NO_MISMATCH;
  int64_t *const got = calloc(s->lines + 1, sizeof *got);
  for (size_t i = 0; i < w.cnt; i++)
    if (w.md[i].kind == PMM_MD_TRADE) got[w.md[i].seq - 1] += w.md[i].qty_e6 / 10000;
  for (size_t i = s->lines; i-- > 0;)
    if (got[i] != s->expected[i]) at = i;
  free(got);
  free_whole(&w);
  return at;
}

static uint64_t random_session(uint64_t seed, uint64_t ops, bool broken) {
  pmm_rng_t rng;
  char *text;
  size_t len;
  pmm_rng_seed(&rng, seed);
  session_t s = {.rng = &rng, .text = open_memstream(&text, &len), .now_ms = 3600000, .expected = calloc(3 * ops + 100, sizeof(int64_t))};
  s.seq = 1;
  line_head(&s, "orderbook_snapshot", 0);
  fputs("{}}\n", s.text);
  put_ticker(&s);
  for (uint64_t i = 0; i < ops; i++) {
    s.now_ms += check_between(&rng, 0, 2);
    if (pmm_rng_below(&rng, 9) == 0) put_ticker(&s), s.now_ms++;
    else random_delta(&s, s.now_ms);
  }
  put_ticker(&s);
  fclose(s.text);
  if (broken) s.expected[s.lines / 2] += 1;
  pmm_import_stats_t stats;
  pmm_error_t err = {0};
  pmm_tape_check_t check;
  ASSERT_OK(import_text("kalshi-ws", "session", text, scratch("t.tape"), &stats, &err), err);
  ASSERT_OK(pmm_tape_verify(scratch("t.tape"), &check, &err), err);
  uint64_t const at = compare(scratch("t.tape"), &s);
  free(text);
  free(s.expected);
  return at;
}

static void test_random_sessions(void **state) {
  (void)state;
  check_random("trade inference", random_session, 30000);
}

static void test_canary(void **state) {
  (void)state;
  check_canary("trade inference", random_session, 500);
}

/* More records than may wait, without a ticker: the queue gives up its candidates and goes on. */
static void test_without_tickers(void **state) {
  (void)state;
  pmm_rng_t rng;
  char *text;
  size_t len;
  pmm_rng_seed(&rng, 3);
  session_t s = {.rng = &rng, .text = open_memstream(&text, &len), .now_ms = 3600000, .expected = calloc(700000, sizeof(int64_t))};
  s.seq = 1;
  line_head(&s, "orderbook_snapshot", 0);
  fputs("{\"yes_dollars_fp\":[[\"0.5\",\"1000000\"]]}}\n", s.text);
  put_ticker(&s);
  s.book[PMM_BID][50] = 100000000;
  for (int i = 0; i < 300000; i++) put_delta(&s, s.now_ms + i % 7, PMM_BID, 50, -1);
  s.volume += 20;
  line_head(&s, "ticker", s.now_ms + 100);
  fputs("{\"volume_fp\":\"0.20\",\"last_trade_size_fp\":\"0.01\",\"price_dollars\":\"0.50\"}}\n", s.text);
  fclose(s.text);
  pmm_import_stats_t stats;
  pmm_error_t err = {0};
  ASSERT_OK(import_text("kalshi-ws", "session", text, scratch("t.tape"), &stats, &err), err);
  assert_true(stats.inferred <= 10);
  assert_int_equal(stats.messages, 300003);
  whole_t w = read_tape(scratch("t.tape"));
  assert_int_equal(w.cnt, stats.records);
  free_whole(&w);
  free(text);
  free(s.expected);
}

int main(void) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(test_random_sessions), cmocka_unit_test(test_canary), cmocka_unit_test(test_without_tickers)};
  return cmocka_run_group_tests(tests, scratch_setup, scratch_teardown);
}
