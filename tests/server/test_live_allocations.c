/* What a running engine allocates between a message and the orders it leads to: nothing. Every allocation of the process passes through this program; what
   counts is what happens inside a message of a socket, from its entry until the callback returns (decoder, book, strategy, risk, executor, signature,
   encoder, hand-over), inside the answer to an order where a venue takes orders by HTTP, and inside a timer, by which a quote that had to wait leaves.
   The network itself does not count: the simulated one copies whatever it carries. Nor does what only a start needs, and looks at the account, whose
   answers are read page by page. Libraries that sign are counted apart: OpenSSL allocates for an RSA signature, so one made on the way of an order shows.
   Only Kalshi's changes in place have one, because their path names the order and the path is signed; everything else is signed ahead.
   PMM_TEST_SECONDS: how long is counted after the first minute (120 s of simulated time by default). */
#include "server/sea.h"

#if defined(__SANITIZE_ADDRESS__)
#define HAS_ASAN 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
#define HAS_ASAN 1
#endif
#endif

#if defined(__GLIBC__) && !defined(HAS_ASAN)
#include <dlfcn.h>
#include <errno.h>
#include <execinfo.h>
#include <nettle/hmac.h>
#include <openssl/evp.h>
#include "base/json.h"

#define WARM_S 60
#define ORDERS 50 /* fewer, and the way of an order was not looked at */
#define FRAMES 24
#define KEPT 8 /* places that are told in full */

/* -- the allocator: everything comes through here -- */
extern void *__libc_malloc(size_t size);
extern void *__libc_calloc(size_t cnt, size_t size);
extern void *__libc_realloc(void *old, size_t size);
extern void *__libc_memalign(size_t align, size_t size);

typedef enum where { NOWHERE, MESSAGE, ANSWER, TIMER, WHERE_CNT } where_t;
static _Thread_local where_t now_in; /* the network, and threads that write tapes, are nowhere */

typedef struct place { void *frame[FRAMES]; int cnt; size_t size; } place_t;
static struct {
  uint64_t entered[WHERE_CNT], own[WHERE_CNT], library[WHERE_CNT]; /* allocations of ours; of what signs and hashes for us */
  uint64_t orders[WHERE_CNT], other[WHERE_CNT];                    /* handed over from there: new orders; cancels and changes */
  uint64_t changes[WHERE_CNT], signed_here[WHERE_CNT];             /* requests that change in place; that were signed on the spot */
  uint64_t library_told[WHERE_CNT];
  uint64_t sealed[WHERE_CNT];                                      /* requests whose HMAC was made there */
  place_t place[KEPT]; uint32_t place_cnt;
} found;

static bool is_crypto(void *frame) {
  Dl_info info;
  return dladdr(frame, &info) && info.dli_fname && (strstr(info.dli_fname, "libcrypto") || strstr(info.dli_fname, "libsecp256k1") || strstr(info.dli_fname, "libnettle"));
}

static void keep(void *const *frame, int cnt, size_t size) {
  for (uint32_t i = 0; i < found.place_cnt; i++)
    if (found.place[i].cnt == cnt && memcmp(found.place[i].frame, frame, (size_t)cnt * sizeof *frame) == 0) return;
  if (found.place_cnt == KEPT) return;
  place_t *const p = &found.place[found.place_cnt++];
  memcpy(p->frame, frame, (size_t)cnt * sizeof *frame);
  p->cnt = cnt;
  p->size = size;
}

static void allocated(size_t size) {
  where_t const where = now_in;
  if (__builtin_expect(where == NOWHERE, 1)) return;
  now_in = NOWHERE; /* looking at the stack may allocate */
  void *frame[FRAMES];
  int const cnt = backtrace(frame, FRAMES);
  bool crypto = false;
  for (int i = 0; i < cnt && !crypto; i++) crypto = is_crypto(frame[i]);
  if (crypto) found.library[where]++;
  else {
    found.own[where]++;
    keep(frame, cnt, size);
  }
  now_in = where;
}

void *malloc(size_t size) { allocated(size); return __libc_malloc(size); }
void *calloc(size_t cnt, size_t size) { allocated(cnt * size); return __libc_calloc(cnt, size); }
void *realloc(void *old, size_t size) { allocated(size); return __libc_realloc(old, size); }
void *aligned_alloc(size_t align, size_t size) { allocated(size); return __libc_memalign(align, size); }
int posix_memalign(void **out, size_t align, size_t size) {
  allocated(size);
  void *const block = __libc_memalign(align, size);
  if (!block) return ENOMEM;
  *out = block;
  return 0;
}

/* Polymarket's requests carry one each. */
void hmac_sha256_digest(struct hmac_sha256_ctx *ctx, size_t len, uint8_t *digest) {
  static void (*real)(struct hmac_sha256_ctx *, size_t, uint8_t *);
  if (!real) *(void **)&real = dlsym(RTLD_NEXT, "nettle_hmac_sha256_digest");
  found.sealed[now_in]++;
  real(ctx, len, digest);
}

/* As a command that turns them into names and lines; frames of libraries stay out. */
static void tell_places(void) {
  for (uint32_t i = 0; i < found.place_cnt; i++) {
    place_t const *const p = &found.place[i];
    fprintf(stderr, "  %zu bytes: addr2line -fpe %s", p->size, program_invocation_name);
    for (int k = 0; k < p->cnt; k++) {
      Dl_info info, mine;
      if (dladdr(p->frame[k], &info) && dladdr((void *)(uintptr_t)tell_places, &mine) && info.dli_fbase == mine.dli_fbase)
        fprintf(stderr, " 0x%zx", (size_t)((char *)p->frame[k] - (char *)info.dli_fbase));
    }
    fputc('\n', stderr);
  }
}

/* -- a net between adapter and network that knows who is at work -- */
typedef struct tap { pmm_ws_config_t inner; } tap_t;
typedef struct asked { pmm_http_request_t inner; bool used, order; } asked_t;
typedef struct armed { pmm_timer_t *timer; void (*fn)(void *ctx); void *ctx; } armed_t;
static struct {
  const pmm_net_ops_t *real;
  pmm_net_ops_t ops;
  tap_t tap[32]; size_t tap_cnt;
  asked_t asked[512];
  armed_t armed[128]; size_t armed_cnt;
  bool warm, broken;     /* counting; every hundredth message allocates on purpose */
} g;

/* Nothing of what the network does while it is asked for something counts. */
static where_t step_out(void) {
  where_t const was = now_in;
  now_in = NOWHERE;
  return was;
}

static bool has(const char *text, size_t len, const char *word) { return memmem(text, len, word, strlen(word)) != NULL; }
static void note(const char *text, size_t len) { /* a new order's own words at each venue */
  bool const order = has(text, len, "\"order.place\"") || has(text, len, "\"client_order_id\"") || has(text, len, "\"signature\"");
  found.orders[now_in] += order;
  found.other[now_in] += !order;
}

static void note_signature(const char *url) {
  where_t const w = now_in;
  found.changes[w] += strstr(url, "/amend") || strstr(url, "/decrease");
  found.signed_here[w] += found.library[w] > found.library_told[w];
  found.library_told[w] = found.library[w];
}

static void enter(where_t where) {
  if (!g.warm) return;
  now_in = where;
  found.entered[where]++;
}
static void leave(void) { now_in = NOWHERE; }

static void on_timer(void *ctx) {
  armed_t *const a = ctx;
  a->timer->fn = a->fn; /* as its owner left it */
  a->timer->ctx = a->ctx;
  enter(TIMER);
  a->fn(a->ctx);
  leave();
}

static void timer_set(pmm_net_t *net, pmm_timer_t *timer, int64_t at_ns) {
  where_t const was = step_out();
  size_t i = 0;
  while (i < g.armed_cnt && g.armed[i].timer != timer) i++;
  assert_true(i < COUNT_OF(g.armed));
  if (i == g.armed_cnt) g.armed[g.armed_cnt++].timer = timer;
  if (timer->fn != on_timer) {
    g.armed[i].fn = timer->fn;
    g.armed[i].ctx = timer->ctx;
  }
  timer->fn = on_timer;
  timer->ctx = &g.armed[i];
  g.real->timer_set(net, timer, at_ns);
  now_in = was;
}
static void timer_stop(pmm_net_t *net, pmm_timer_t *timer) {
  where_t const was = step_out();
  g.real->timer_stop(net, timer);
  now_in = was;
}

static pmm_status_t ws_send(pmm_ws_t *ws, uint32_t conn, const char *text, size_t len) {
  if (has(text, len, "\"order.")) note(text, len);
  where_t const was = step_out();
  pmm_status_t const st = g.real->ws_send(ws, conn, text, len);
  now_in = was;
  return st;
}
static void ws_promote(pmm_ws_t *ws, uint32_t conn) {
  where_t const was = step_out();
  g.real->ws_promote(ws, conn);
  now_in = was;
}
static void ws_reconnect(pmm_ws_t *ws, uint32_t conn, const char *why) {
  where_t const was = step_out();
  g.real->ws_reconnect(ws, conn, why);
  now_in = was;
}
static void ws_close(pmm_ws_t *ws) {
  where_t const was = step_out();
  g.real->ws_close(ws);
  now_in = was;
}

static void on_done(void *ctx, uint64_t tag, const pmm_http_response_t *response) {
  asked_t const a = *(asked_t *)ctx;
  ((asked_t *)ctx)->used = false;
  if (a.order) enter(ANSWER);
  a.inner.done(a.inner.ctx, tag, response);
  leave();
}

static pmm_status_t http_send(pmm_net_t *net, const pmm_http_request_t *request, pmm_error_t *err) {
  bool const order = strcmp(request->method, "GET") != 0 && strstr(request->url, "/order") != NULL;
  if (order) note(request->body ? request->body : "", request->body ? request->body_len : 0);
  if (order) note_signature(request->url);
  where_t const was = step_out();
  size_t i = 0;
  while (i < COUNT_OF(g.asked) && g.asked[i].used) i++;
  assert_true(i < COUNT_OF(g.asked));
  g.asked[i] = (asked_t){.inner = *request, .used = true, .order = order};
  pmm_http_request_t mine = *request;
  mine.done = on_done;
  mine.ctx = &g.asked[i];
  pmm_status_t const st = g.real->http_send(net, &mine, err);
  if (st != PMM_OK) g.asked[i].used = false;
  now_in = was;
  return st;
}

static pmm_status_t on_headers(void *ctx, pmm_header_t header[PMM_WS_HEADERS_MAX], size_t *cnt) { tap_t *const t = ctx; return t->inner.headers(t->inner.ctx, header, cnt); }
static void on_opened(void *ctx, uint32_t conn) { tap_t *const t = ctx; if (t->inner.opened) t->inner.opened(t->inner.ctx, conn); }
static int64_t on_closed(void *ctx, uint32_t conn, int code, int http, const char *why) {
  tap_t *const t = ctx;
  return t->inner.closed ? t->inner.closed(t->inner.ctx, conn, code, http, why) : 0;
}
static void on_message(void *ctx, uint32_t conn, const char *text, size_t len, int64_t recv_ns) {
  tap_t *const t = ctx;
  enter(MESSAGE);
  t->inner.message(t->inner.ctx, conn, text, len, recv_ns);
  if (g.broken && now_in == MESSAGE && found.entered[MESSAGE] % 100 == 0) {
    void *volatile block = malloc(16);
    free(block);
  }
  leave();
}
static pmm_status_t ws_open(pmm_net_t *net, const pmm_ws_config_t *config, pmm_ws_t **ws, pmm_error_t *err) {
  assert_true(g.tap_cnt < COUNT_OF(g.tap));
  tap_t *const t = &g.tap[g.tap_cnt++];
  t->inner = *config;
  pmm_ws_config_t mine = *config;
  mine.headers = config->headers ? on_headers : NULL;
  mine.opened = on_opened;
  mine.message = on_message;
  mine.closed = on_closed;
  mine.ctx = t;
  where_t const was = step_out();
  pmm_status_t const st = g.real->ws_open(net, &mine, ws, err);
  now_in = was;
  return st;
}

static void tap(pmm_net_t *net) {
  memset(&g, 0, sizeof g);
  memset(&found, 0, sizeof found);
  g.real = net->ops;
  g.ops = *net->ops;
  g.ops.timer_set = timer_set;
  g.ops.timer_stop = timer_stop;
  g.ops.http_send = http_send;
  g.ops.ws_open = ws_open;
  g.ops.ws_send = ws_send;
  g.ops.ws_promote = ws_promote;
  g.ops.ws_reconnect = ws_reconnect;
  g.ops.ws_close = ws_close;
  net->ops = &g.ops;
}

/* -- runs -- */
static sea_t sea;

#define COMMON "seed: 7\nengine: {min_requote: 100ms}\nrisk: {max_order_rate: 0, max_daily_loss: 100000, max_trades_per_day: 0, max_heat: 1, max_gross: 10000000}\n" \
  "traders: {noise: 6, noise_rate: 2, informed: 2, momentum: 1, reference: 2}\nscenario: {volatility: 0.6, step: 100ms}\n"
#define VENUE(dialect, id) "venues: [{venue: " dialect ", rest: \"http://" dialect ".test\", ws: \"ws://" dialect ".test\", markets: " id "}]\n"
#define AT(dialect) COMMON "serve: [{dialect: " dialect ", rate_limit: false}]\nlistings: [{id: RAIN, event: RAIN-EV, duration: 24h}]\n" VENUE(dialect, "RAIN")
#define FEEDS "  - {dialect: binance}\n  - {dialect: coinbase}\n  - {dialect: rtds}\n"
#define FEEDS_READ "feeds:\n  - {source: binance, symbol: btcusdt, url: \"ws://binance.test\"}\n  - {source: coinbase, symbol: BTC-USD, url: \"ws://coinbase.test\"}\n" \
  "  - {source: rtds, symbol: btc/usd, settlement: true, url: \"ws://rtds.test\"}\nmerge: {max_dev_bps: 200}\n"
#define PRICED(dialect, id, more) COMMON "serve:\n  - {dialect: " dialect ", rate_limit: false}\n" FEEDS \
  "listings: [{id: " id ", event: BTC-EV, asset: BTC, strike: 95000" more "}]\n" VENUE(dialect, id) FEEDS_READ

typedef struct dialect { pmm_venue_t venue; const char *name, *yaml, *priced; } dialect_t;
static const dialect_t dialects[] = {
  {PMM_VENUE_DEGEN, "degen", AT("degen"), PRICED("degen", "BTC-95K", ", duration: 24h")},
  {PMM_VENUE_KALSHI, "kalshi", AT("kalshi"), PRICED("kalshi", "KXBTCD-26JAN0113-T95000", ", duration: 24h")},
  {PMM_VENUE_POLYMARKET, "polymarket", AT("polymarket"), PRICED("polymarket", "btc-updown-15m-1767268800", ", duration: 15m")}};

static uint64_t sum(const uint64_t of[WHERE_CNT]) { return of[MESSAGE] + of[ANSWER] + of[TIMER]; }

static void tell(const char *title) {
  static const char *const names[] = {[MESSAGE] = "messages", [ANSWER] = "answers", [TIMER] = "timers"};
  printf("%s\n", title);
  for (int i = MESSAGE; i < WHERE_CNT; i++)
    printf("  %6" PRIu64 " %-8s %5" PRIu64 " orders, %5" PRIu64 " cancels and changes; %" PRIu64 " allocations, %" PRIu64 " more to sign, %" PRIu64 " HMAC\n", found.entered[i], names[i], found.orders[i],
           found.other[i], found.own[i], found.library[i], found.sealed[i]);
  fflush(stdout);
}

/* Runs, warms up, counts. */
static void count(const char *title, const char *yaml, const char *const *set, size_t set_cnt, pmm_live_mode_t mode, const char *record, bool broken) {
  sea_open(&sea, yaml, set, set_cnt);
  tap(sea.net);
  g.broken = broken;
  sea_start(&sea, mode, 1, record);
  sea_run(&sea, WARM_S);
  if (pmm_live_phase(sea.live) != PMM_LIVE_RUNNING) fail_msg("%s: does not run after a minute: %s", title, sea.last_alert);
  g.warm = true;
  sea_run(&sea, (double)check_env_u64("PMM_TEST_SECONDS", 120));
  for (int i = 0; mode == PMM_LIVE_TRADE && sum(found.orders) < ORDERS && i < 720; i++) sea_run(&sea, 10); /* a strategy that waits longer before it begins */
  g.warm = false;
  if (pmm_live_error(sea.live)) fail_msg("%s: %s", title, pmm_live_error(sea.live)->text);
  if (sea.killed) fail_msg("%s: killed: %s", title, sea.last_alert);
  tell(title);
  if (!broken) tell_places();
  if (mode == PMM_LIVE_TRADE) sea_stop(&sea);
  sea_close(&sea);
}

static uint64_t count_strategy(const dialect_t *d, const char *strategy, const char *const *more, size_t more_cnt) {
  char title[64], name[64];
  snprintf(title, sizeof title, "%s on %s", strategy, d->name);
  snprintf(name, sizeof name, "strategy=%s", strategy);
  const char *set[16] = {name};
  for (size_t i = 0; i < more_cnt; i++) set[1 + i] = more[i];
  count(title, strcmp(strategy, "digital") == 0 ? d->priced : d->yaml, set, 1 + more_cnt, PMM_LIVE_TRADE, NULL, false);
  assert_true(found.entered[MESSAGE] > 500);
  assert_true(sum(found.orders) >= ORDERS);
  assert_int_equal(sum(found.own), 0);
  for (int w = MESSAGE; w <= ANSWER; w++) assert_int_equal(found.signed_here[w], d->venue == PMM_VENUE_KALSHI ? found.changes[w] : 0);
  return found.orders[MESSAGE];
}

static void every_strategy(const dialect_t *d) {
  const char *const only = getenv("PMM_TEST_DIALECT"); /* for looking at one */
  if (only && strcmp(only, d->name) != 0) skip();
  const char *const linear[] = {"params.spread_bps=200", "params.inventory_alpha=0.001", "params.size=10"};
  const char *const changing[] = {"params.spread_bps=200", "params.inventory_alpha=0.05", "params.size=10", "exec.amend=true"};
  const char *const curve[] = {"params.liquidity=150", "params.margin=0.01", "params.levels=6"};
  const char *const digital[] = {"params.feed_stale_s=5", "engine.vol_dt=250ms"};
  uint64_t at_once = count_strategy(d, "linear", linear, COUNT_OF(linear));
  at_once += count_strategy(d, "linear", changing, COUNT_OF(changing));
  at_once += count_strategy(d, "adaptive", NULL, 0);
  at_once += count_strategy(d, "logit", NULL, 0);
  at_once += count_strategy(d, "curve", curve, COUNT_OF(curve));
  at_once += count_strategy(d, "digital", digital, COUNT_OF(digital));
  assert_true(at_once > 500); /* not all of them left by a timer */
}
static void test_degen(void **state) { (void)state; every_strategy(&dialects[0]); }
static void test_kalshi(void **state) { (void)state; every_strategy(&dialects[1]); }
static void test_polymarket(void **state) { (void)state; every_strategy(&dialects[2]); }

/* Requests of one order, and those that cancel one or a quote, are signed before they are wanted. */
static void test_polymarket_ahead(void **state) {
  (void)state;
  const char *const set[] = {"params.spread_bps=200", "params.inventory_alpha=0.001", "params.size=10", "venues.0.batch=1"};
  (void)count_strategy(&dialects[2], "linear", set, COUNT_OF(set));
  assert_true(found.sealed[TIMER] > 1000);
  assert_true(found.sealed[MESSAGE] * 5 < found.orders[MESSAGE] + found.other[MESSAGE]);
}

/* Fills simulated on live books, and a tape of it all, which a thread of its own writes. */
static void test_paper(void **state) {
  (void)state;
  const char *const set[] = {"strategy=linear", "params.spread_bps=200"};
  for (size_t i = 0; i < COUNT_OF(dialects); i++) {
    char title[64], folder[96];
    snprintf(title, sizeof title, "linear on paper, recorded, at %s", dialects[i].name);
    sea_make_keys();
    snprintf(folder, sizeof folder, "%s/tape-%s", sea_folder, dialects[i].name);
    count(title, dialects[i].yaml, set, COUNT_OF(set), PMM_LIVE_PAPER, folder, false);
    assert_true(found.entered[MESSAGE] > 500);
    assert_int_equal(sum(found.orders), 0); /* nothing leaves the house */
    assert_int_equal(sum(found.own), 0);
  }
}

/* -- the canaries: what is asserted not to be there is seen when it is -- */
static void test_message_is_seen(void **state) {
  (void)state;
  const char *const set[] = {"strategy=linear", "params.spread_bps=200"};
  count("degen, with an allocation in every hundredth message", dialects[0].yaml, set, COUNT_OF(set), PMM_LIVE_TRADE, NULL, true);
  assert_true(found.entered[MESSAGE] > 500);
  assert_int_equal(found.own[MESSAGE], found.entered[MESSAGE] / 100);
  assert_true(found.place_cnt > 0);
}

static void test_libraries_are_seen(void **state) {
  (void)state;
  memset(&found, 0, sizeof found);
  now_in = MESSAGE;
  EVP_MD_CTX *const digest = EVP_MD_CTX_new();
  now_in = ANSWER;
  pmm_json_parser_t *const json = pmm_json_new(); /* by C++'s operator new */
  now_in = NOWHERE;
  EVP_MD_CTX_free(digest);
  pmm_json_free(json);
  assert_true(found.library[MESSAGE] > 0 && found.own[MESSAGE] == 0);
  assert_true(found.own[ANSWER] > 0 && found.library[ANSWER] == 0);
}

static void test_json_reserve(void **state) {
  (void)state;
  enum { LEN = 20001 };
  static char dense[LEN + PMM_JSON_PAD];
  const pmm_json_node_t *root;
  size_t at;
  const char *why;
  for (size_t i = 0; i < LEN; i++) dense[i] = i % 2 ? '0' : ',';
  dense[0] = '[';
  dense[LEN - 1] = ']';
  pmm_json_parser_t *const json = pmm_json_new();
  assert_int_equal(pmm_json_reserve(json, LEN), PMM_OK);
  memset(&found, 0, sizeof found);
  now_in = MESSAGE;
  pmm_status_t const st = pmm_json_parse(json, dense, LEN, &root, &at, &why);
  now_in = NOWHERE;
  assert_int_equal(st, PMM_OK);
  assert_int_equal(found.own[MESSAGE], 0);
  pmm_json_free(json);
}

int main(void) {
  void *frame[1];
  (void)backtrace(frame, 1); /* loads what it needs */
  cmocka_set_test_filter(getenv("PMM_TEST_ONLY")); /* for looking at one */
  const struct CMUnitTest tests[] = {cmocka_unit_test(test_message_is_seen), cmocka_unit_test(test_libraries_are_seen), cmocka_unit_test(test_json_reserve),
                                     cmocka_unit_test(test_degen), cmocka_unit_test(test_kalshi), cmocka_unit_test(test_polymarket), cmocka_unit_test(test_polymarket_ahead),
                                     cmocka_unit_test(test_paper)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}

#else
static void test_skipped(void **state) {
  (void)state;
  puts("skipped: counting needs glibc's allocator behind this program's, and the sanitizer puts its own there");
  skip();
}
int main(void) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(test_skipped)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
#endif
