/* bench_wire [ORDERS] -- from the bytes of a message to the bytes of the orders it led to, in one process: adapter, codec, book, strategy, risk, executor,
   signature and encoder, against the exchange in a simulated network. What is timed is one callback with a venue's message, from its entry to the moment
   in which an order's bytes are handed to the network. One JSON object a venue: quantiles, and a histogram by powers of two of nanoseconds.
   ORDERS: how many are waited for (default 5000). The hash is over what was sent and depends on ORDERS only. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>
#include "pmm/hash.h"
#include "pmm/live.h"
#include "pmm/server.h"

#define START_NS (INT64_C(1767268800) * PMM_NS_PER_S)
#define KEY_ID "7b6e2d1c-0000-4000-8000-0123456789ab"
#define PK "0xac0974bec39a17e36ba4a6b4d238ff944bacb478cbed5efcae784d7bf4f2ff80" /* the public Hardhat development account 0 */
#define ADDRESS "0xf39Fd6e51aad88F6F4ce6aB8827279cffFb92266"
#define SECRET "a secret that both sides know: 0123456789abcdef"
#define SAMPLES 4000000

static int64_t clock_ns(void) {
  struct timespec ts;
  clock_gettime(CLOCK_MONOTONIC, &ts);
  return (int64_t)ts.tv_sec * 1000000000 + ts.tv_nsec;
}

/* -- a net between adapter and network that looks at the clock -- */
typedef struct tap { pmm_ws_config_t inner; } tap_t;
static struct {
  const pmm_net_ops_t *real;
  pmm_net_ops_t ops;
  tap_t tap[32]; size_t tap_cnt;
  int64_t entered_ns;      /* 0: not inside a message */
  uint32_t *sample; size_t cnt;
  uint64_t hash;
} g;

static void note(const char *text, size_t len) {
  if (g.entered_ns == 0 || g.cnt == SAMPLES) return;
  int64_t const ns = clock_ns() - g.entered_ns;
  g.sample[g.cnt++] = (uint32_t)pmm_min64(ns, UINT32_MAX);
  g.hash = pmm_hash_mix(g.hash, len);
  (void)text;
}

static bool places(const char *text, size_t len) { /* new orders only: what a quote costs */
  return memmem(text, len, "\"order.place\"", 13) || memmem(text, len, "\"client_order_id\"", 17) || memmem(text, len, "\"signature\"", 11);
}
static pmm_status_t ws_send(pmm_ws_t *ws, uint32_t conn, const char *text, size_t len) {
  if (places(text, len)) note(text, len);
  return g.real->ws_send(ws, conn, text, len);
}
static pmm_status_t http_send(pmm_net_t *net, const pmm_http_request_t *request, pmm_error_t *err) {
  if (request->body && places(request->body, request->body_len)) note(request->body, request->body_len);
  return g.real->http_send(net, request, err);
}

static pmm_status_t on_headers(void *ctx, pmm_header_t header[PMM_WS_HEADERS_MAX], size_t *cnt) { tap_t *const t = ctx; return t->inner.headers(t->inner.ctx, header, cnt); }
static void on_opened(void *ctx, uint32_t conn) { tap_t *const t = ctx; if (t->inner.opened) t->inner.opened(t->inner.ctx, conn); }
static int64_t on_closed(void *ctx, uint32_t conn, int code, int http, const char *why) { tap_t *const t = ctx; return t->inner.closed ? t->inner.closed(t->inner.ctx, conn, code, http, why) : 0; }
static void on_message(void *ctx, uint32_t conn, const char *text, size_t len, int64_t recv_ns) {
  tap_t *const t = ctx;
  g.entered_ns = clock_ns();
  t->inner.message(t->inner.ctx, conn, text, len, recv_ns);
  g.entered_ns = 0;
}
static pmm_status_t ws_open(pmm_net_t *net, const pmm_ws_config_t *config, pmm_ws_t **ws, pmm_error_t *err) {
  tap_t *const t = &g.tap[g.tap_cnt++];
  t->inner = *config;
  pmm_ws_config_t mine = *config;
  mine.headers = config->headers ? on_headers : NULL;
  mine.opened = on_opened;
  mine.message = on_message;
  mine.closed = on_closed;
  mine.ctx = t;
  return g.real->ws_open(net, &mine, ws, err);
}

static void tap(pmm_net_t *net) {
  g.real = net->ops;
  g.ops = *net->ops;
  g.ops.ws_open = ws_open;
  g.ops.ws_send = ws_send;
  g.ops.http_send = http_send;
  net->ops = &g.ops;
}

/* -- the run -- */
static char folder[] = "/tmp/pmm-bench-wire-XXXXXX", key_path[64], public_path[64];

static const char *secret(void *ctx, const char *name) {
  (void)ctx;
  const struct { const char *name, *value; } table[] = {{"KALSHI_API_KEY_ID", KEY_ID}, {"KALSHI_PRIVATE_KEY_PATH", key_path}, {"PK", PK}, {"DEGEN_API_KEY", "maker"},
                                                        {"DEGEN_WALLET_KEY", SECRET}, {"DEGEN_EXCHANGE_SECRET", SECRET}};
  for (size_t i = 0; i < sizeof table / sizeof table[0]; i++)
    if (strcmp(table[i].name, name) == 0) return table[i].value;
  return NULL;
}

static int by_size(const void *a, const void *b) {
  uint32_t const x = *(const uint32_t *)a, y = *(const uint32_t *)b;
  return x < y ? -1 : x > y;
}

static void print_result(const char *venue, uint64_t orders) {
  qsort(g.sample, g.cnt, sizeof *g.sample, by_size);
  size_t const n = g.cnt ? g.cnt : 1;
  printf("{\"bench\":\"wire\",\"venue\":\"%s\",\"orders\":%" PRIu64 ",\"samples\":%zu,\"p50_ns\":%u,\"p90_ns\":%u,\"p99_ns\":%u,\"p999_ns\":%u,\"max_ns\":%u,\"histogram\":[", venue, orders, g.cnt,
         g.sample[n / 2], g.sample[n * 9 / 10], g.sample[n * 99 / 100], g.sample[n * 999 / 1000], g.sample[n - 1]);
  uint64_t bin[32] = {0};
  for (size_t i = 0; i < g.cnt; i++) bin[31 - __builtin_clz(g.sample[i] | 1)]++;
  for (int i = 0, first = 1; i < 32; i++)
    if (bin[i]) { printf("%s[%u,%" PRIu64 "]", first ? "" : ",", 1u << i, bin[i]); first = 0; }
  printf("],\"hash\":\"%016" PRIx64 "\"}\n", g.hash);
}

static void die(const char *what, const pmm_error_t *err) {
  fprintf(stderr, "bench_wire: %s: %s\n", what, err->text);
  exit(1);
}

static void run(const char *venue, uint64_t wanted) {
  static pmm_config_t config;
  char yaml[2048];
  snprintf(yaml, sizeof yaml,
           "seed: 7\nstrategy: linear\nparams: {spread_bps: 1000, size: 10}\nengine: {equity_every: 60s}\n" /* follows the mid from afar: quotes move, and are rarely hit */
           "risk: {max_order_rate: 0, max_daily_loss: 100000, max_trades_per_day: 0, max_heat: 1}\n"
           "traders: {noise: 6, noise_rate: 2, informed: 2, momentum: 1, reference: 2}\nscenario: {volatility: 0.6, step: 100ms}\n"
           "serve: [{dialect: %s, rate_limit: false}]\nlistings: [{id: RAIN, event: RAIN-EV, duration: 24h}]\n"
           "venues: [{venue: %s, rest: \"http://%s.test\", ws: \"ws://%s.test\", markets: RAIN, batch: 1, prepared: 64}]\n", venue, venue, venue, venue);
  pmm_error_t err = {0};
  if (pmm_config_parse(&config, "bench.yaml", yaml, strlen(yaml), NULL, 0, &err) != PMM_OK) die("config", &err);
  config.member_cnt = 1;
  pmm_member_params_t *const m = &config.member[0];
  pmm_params_default(pmm_member_param_table, pmm_member_param_cnt, m);
  snprintf(m->kalshi_key_id, sizeof m->kalshi_key_id, KEY_ID);
  snprintf(m->kalshi_public_key, sizeof m->kalshi_public_key, "%s", public_path);
  snprintf(m->polymarket_address, sizeof m->polymarket_address, ADDRESS);
  pmm_net_t *net;
  pmm_exchange_t *exchange;
  pmm_live_t *live;
  pmm_vnet_config_t const vc = {.start_ns = START_NS, .seed = 7, .latency_ns = 1000000};
  if (pmm_vnet_open(&net, &vc, &err) != PMM_OK) die("net", &err);
  tap(net);
  pmm_exchange_config_t const xc = {.serve = config.serve, .serve_cnt = 1, .listing = config.listing, .listing_cnt = 1, .member = m, .member_cnt = 1, .faults = &config.faults,
    .scenario = &config.scenario, .traders = &config.traders, .seed = 7, .start_ns = START_NS, .secret = secret};
  if (pmm_exchange_open(&exchange, &xc, &err) != PMM_OK) die("exchange", &err);
  char host[32];
  snprintf(host, sizeof host, "%s.test", venue);
  if (pmm_vnet_host(net, host, pmm_exchange_service(exchange, 0), &err) != PMM_OK) die("host", &err);
  pmm_live_config_t lc = {.mode = PMM_LIVE_TRADE, .config = &config, .secrets = {.get = secret}, .run_id = 1};
  for (size_t i = 0; i < PMM_VENUES_MAX; i++) lc.fills_since_ns[i] = PMM_TIME_NONE;
  if (pmm_live_open(&live, net, &lc, &err) != PMM_OK) die("live", &err);
  g.cnt = 0;
  g.hash = 0;
  pmm_live_status_t st = {0};
  for (int64_t s = 1; s < 36000 && st.venue[0].orders < wanted && !pmm_live_error(live); s++) {
    pmm_vnet_run(net, s * PMM_NS_PER_S);
    pmm_live_status(live, &st);
  }
  if (pmm_live_error(live)) die("live", pmm_live_error(live));
  print_result(venue, st.venue[0].orders);
  pmm_live_close(live);
  pmm_vnet_close(net);
  pmm_exchange_close(exchange);
  g.tap_cnt = 0;
}

int main(int argc, char **argv) {
  uint64_t const wanted = argc > 1 ? strtoull(argv[1], NULL, 10) : 5000;
  if (!mkdtemp(folder)) return 1;
  snprintf(key_path, sizeof key_path, "%s/key.pem", folder);
  snprintf(public_path, sizeof public_path, "%s/public.pem", folder);
  char command[512];
  snprintf(command, sizeof command, "openssl genpkey -algorithm RSA -pkeyopt rsa_keygen_bits:2048 -out %s 2>/dev/null && chmod 600 %s && openssl pkey -in %s -pubout -out %s", key_path, key_path,
           key_path, public_path);
  if (system(command) != 0 || !(g.sample = malloc(SAMPLES * sizeof *g.sample))) return 1;
  run("degen", wanted);
  run("kalshi", wanted);
  run("polymarket", wanted);
  free(g.sample);
  unlink(key_path);
  unlink(public_path);
  rmdir(folder);
  return 0;
}
