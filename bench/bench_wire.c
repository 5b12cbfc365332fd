/* bench_wire [ORDERS [VENUE|all [PLAYS]]] -- from the bytes of a message to the bytes of the orders it led to, in one process: adapter, codec, book, strategy, risk,
   executor, signature and encoder. The messages come from a run against the exchange in a simulated network, kept and played again to the driver alone
   (boundary.h). What is timed is one callback with a venue's message, from its entry to the moment in which an order's bytes are handed to the network; the
   second order of a message waits for the first. One JSON object a venue: quantiles, and a histogram by powers of two of nanoseconds.
   first: each message's first order only; ready: orders for which nothing had to be signed within the message.
   ORDERS: how many are waited for (default 5000). PLAYS: how often it is played (default 1); told is the play with the least median, for a machine whose
   speed others take a share of. The hash is over the bytes sent; all runs must send the same. */
#include <dlfcn.h>
#include <inttypes.h>
#include <openssl/evp.h>
#include <secp256k1_recovery.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>
#include "boundary.h"
#include "pmm/arena.h"
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

/* -- the clock: from a message's entry to each order's bytes -- */
static struct {
  int64_t entered_ns;      /* 0: not inside a message */
  bool first;              /* order of this message */
  bool ready;              /* nothing was signed since it came */
  struct samples { uint32_t *all, *first, *ready; size_t cnt, first_cnt, ready_cnt; } now, best;
} g;

/* The two functions with which orders and requests are signed, looked at on the way. */
int secp256k1_ecdsa_sign_recoverable(const secp256k1_context *ctx, secp256k1_ecdsa_recoverable_signature *sig, const unsigned char *msg, const unsigned char *key,
                                     secp256k1_nonce_function nonce, const void *more) {
  static int (*real)(const secp256k1_context *, secp256k1_ecdsa_recoverable_signature *, const unsigned char *, const unsigned char *, secp256k1_nonce_function, const void *);
  if (!real) *(void **)&real = dlsym(RTLD_NEXT, "secp256k1_ecdsa_sign_recoverable");
  g.ready = false;
  return real(ctx, sig, msg, key, nonce, more);
}
int EVP_DigestSign(EVP_MD_CTX *ctx, unsigned char *sig, size_t *sig_len, const unsigned char *text, size_t len) {
  static int (*real)(EVP_MD_CTX *, unsigned char *, size_t *, const unsigned char *, size_t);
  if (!real) *(void **)&real = dlsym(RTLD_NEXT, "EVP_DigestSign");
  g.ready = false;
  return real(ctx, sig, sig_len, text, len);
}

static bool places(const char *text, size_t len) { /* new orders only: what a quote costs */
  return memmem(text, len, "\"order.place\"", 13) || memmem(text, len, "\"client_order_id\"", 17) || memmem(text, len, "\"signature\"", 11);
}

static void on_send(const char *text, size_t len, bool begins) {
  static int64_t left_ns;
  if (g.entered_ns == 0 || g.now.cnt == SAMPLES) return;
  if (!begins) { /* what looking cost is nobody's time */
    g.entered_ns += clock_ns() - left_ns;
    return;
  }
  left_ns = clock_ns();
  int64_t const ns = left_ns - g.entered_ns;
  if (places(text, len)) {
    struct samples *const s = &g.now;
    uint32_t const sample = (uint32_t)pmm_min64(ns, UINT32_MAX);
    s->all[s->cnt++] = sample;
    if (g.first) s->first[s->first_cnt++] = sample;
    g.first = false;
    if (g.ready) s->ready[s->ready_cnt++] = sample;
  }
}

static void on_message(bool begins) {
  g.first = g.ready = begins;
  g.entered_ns = begins ? clock_ns() : 0;
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

static int by_size(const void *left, const void *right) {
  uint32_t const x = *(const uint32_t *)left, y = *(const uint32_t *)right;
  return x < y ? -1 : x > y;
}

static void sort_samples(struct samples *s) {
  qsort(s->all, s->cnt, sizeof *s->all, by_size);
  qsort(s->first, s->first_cnt, sizeof *s->first, by_size);
  qsort(s->ready, s->ready_cnt, sizeof *s->ready, by_size);
}

static void keep_best(void) {
  sort_samples(&g.now);
  bool const better = g.best.cnt == 0 || (g.now.cnt > 0 && g.now.all[g.now.cnt / 2] < g.best.all[g.best.cnt / 2]);
  if (!better) return;
  struct samples const before = g.best;
  g.best = g.now;
  g.now = before;
}

static void print_result(const char *venue, uint64_t orders, uint64_t hash) {
  const struct samples *const s = &g.best;
  size_t const n = s->cnt ? s->cnt : 1, k = s->first_cnt ? s->first_cnt : 1, r = s->ready_cnt ? s->ready_cnt : 1;
  printf("{\"bench\":\"wire\",\"venue\":\"%s\",\"orders\":%" PRIu64 ",\"samples\":%zu,\"p50_ns\":%u,\"p90_ns\":%u,\"p99_ns\":%u,\"p999_ns\":%u,\"max_ns\":%u,", venue, orders, s->cnt,
         s->all[n / 2], s->all[n * 9 / 10], s->all[n * 99 / 100], s->all[n * 999 / 1000], s->all[n - 1]);
  printf("\"first\":%zu,\"first_p50_ns\":%u,\"first_p99_ns\":%u,\"ready\":%zu,\"ready_p50_ns\":%u,\"ready_p99_ns\":%u,\"histogram\":[", s->first_cnt, s->first[k / 2],
         s->first[k * 99 / 100], s->ready_cnt, s->ready[r / 2], s->ready[r * 99 / 100]);
  uint64_t bin[32] = {0};
  for (size_t i = 0; i < s->cnt; i++) bin[31 - __builtin_clz(s->all[i] | 1)]++;
  for (int i = 0, first = 1; i < 32; i++)
    if (bin[i]) { printf("%s[%u,%" PRIu64 "]", first ? "" : ",", 1u << i, bin[i]); first = 0; }
  printf("],\"hash\":\"%016" PRIx64 "\"}\n", hash);
}

static void die(const char *what, const pmm_error_t *err) {
  fprintf(stderr, "bench_wire: %s: %s\n", what, err->text);
  exit(1);
}

static void run(const char *venue, uint64_t wanted, int plays) {
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
  pmm_exchange_config_t const xc = {.serve = config.serve, .serve_cnt = 1, .listing = config.listing, .listing_cnt = 1, .member = m, .member_cnt = 1, .faults = &config.faults,
    .scenario = &config.scenario, .traders = &config.traders, .seed = 7, .start_ns = START_NS, .secret = secret};
  if (pmm_exchange_open(&exchange, &xc, &err) != PMM_OK) die("exchange", &err);
  char host[32];
  snprintf(host, sizeof host, "%s.test", venue);
  if (pmm_vnet_host(net, host, pmm_exchange_service(exchange, 0), &err) != PMM_OK) die("host", &err);
  pmm_live_config_t lc = {.mode = PMM_LIVE_TRADE, .config = &config, .secrets = {.get = secret}, .run_id = 1};
  if (pmm_live_open(&live, b_record(net), &lc, &err) != PMM_OK) die("live", &err);
  pmm_live_status_t st = {0};
  for (int64_t s = 1; s < 36000 && st.venue[0].orders < wanted && !pmm_live_error(live); s++) {
    pmm_vnet_run(net, s * PMM_NS_PER_S);
    pmm_live_status(live, &st);
  }
  if (pmm_live_error(live)) die("live", pmm_live_error(live));
  uint64_t const orders = st.venue[0].orders, sent = b.sent;
  size_t const cnt = b.event_cnt;
  pmm_live_close(live);
  pmm_vnet_close(net);
  pmm_exchange_close(exchange);
  g.best.cnt = 0;
  for (int k = 0; k < plays; k++) {
    if (pmm_live_open(&live, b_play(), &lc, &err) != PMM_OK) die("live", &err);
    b.on_send = on_send;
    b.on_message = on_message;
    g.now.cnt = g.now.first_cnt = g.now.ready_cnt = 0;
    for (size_t i = 0; i < cnt; i++) b_step(&b.event[i]);
    if (b.sent != sent) die("a run that was played", &(pmm_error_t){.text = "it sent other bytes than the first"});
    pmm_live_close(live);
    keep_best();
  }
  print_result(venue, orders, sent);
}

static bool take_samples(struct samples *s) {
  s->all = calloc(SAMPLES, sizeof *s->all);
  s->first = calloc(SAMPLES, sizeof *s->first);
  s->ready = calloc(SAMPLES, sizeof *s->ready);
  return s->all && s->first && s->ready;
}

static void free_samples(struct samples *s) {
  free(s->all);
  free(s->first);
  free(s->ready);
}

int main(int argc, char **argv) {
  uint64_t const wanted = argc > 1 ? strtoull(argv[1], NULL, 10) : 5000;
  int const plays = argc > 3 ? atoi(argv[3]) : 1;
  pmm_heap_huge(); /* as a live run does */
  if (!mkdtemp(folder)) return 1;
  snprintf(key_path, sizeof key_path, "%s/key.pem", folder);
  snprintf(public_path, sizeof public_path, "%s/public.pem", folder);
  char command[512];
  snprintf(command, sizeof command, "openssl genpkey -algorithm RSA -pkeyopt rsa_keygen_bits:2048 -out %s 2>/dev/null && chmod 600 %s && openssl pkey -in %s -pubout -out %s", key_path, key_path,
           key_path, public_path);
  if (system(command) != 0 || !take_samples(&g.now) || !take_samples(&g.best)) return 1;
  static const char *const venues[] = {"degen", "kalshi", "polymarket"};
  for (size_t i = 0; i < sizeof venues / sizeof *venues; i++)
    if (argc < 3 || strcmp(argv[2], "all") == 0 || strcmp(argv[2], venues[i]) == 0) run(venues[i], wanted, plays);
  free_samples(&g.now);
  free_samples(&g.best);
  unlink(key_path);
  unlink(public_path);
  rmdir(folder);
  return 0;
}
