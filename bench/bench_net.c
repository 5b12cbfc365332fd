/* bench_net.c -- socket to socket on loopback: a WebSocket message there and back, and a REST call, through the whole of src/net, both ends in
   one process and one loop (so a round trip is two sends, two polls and two callbacks each way). usage: bench_net [round trips]
   Prints percentiles of a histogram with one per cent per bucket; sizes are those of an order and its answer. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include "pmm/hash.h"
#include "pmm/service.h"

#define BUCKETS 4096
#define STEP 1.01

static const char order[] = "{\"id\":7,\"cmd\":\"order.place\",\"params\":{\"market\":\"KXBTCD-26NOV2117-T98000\",\"side\":\"bid\",\"price\":\"0.4700\",\"size\":\"125.00\","
                            "\"client_order_id\":\"9f1c0f64-6b1e-4f3a-8a52-000000000007\",\"post_only\":true}}";

typedef struct histogram { uint64_t bucket[BUCKETS], cnt; int64_t max_ns; } histogram_t;
typedef struct bench {
  pmm_service_t service;
  pmm_net_t *net;
  pmm_ws_t *ws; uint32_t conn;
  char url[64];
  histogram_t histogram;
  int64_t sent_ns;
  uint64_t left, hash;
  bool done;
} bench_t;

/* -- the service: echo -- */

static void on_call(pmm_service_t *s, pmm_call_t *call, const pmm_request_t *q) { pmm_service_reply(s, call, 200, q->body, q->body_len); }
static int on_upgrade(pmm_service_t *s, pmm_peer_t *peer, const pmm_request_t *q, char *refusal, size_t cap) {
  (void)s;
  (void)peer;
  (void)q;
  (void)refusal;
  (void)cap;
  return 0;
}
static void on_echo(pmm_service_t *s, pmm_peer_t *peer, const char *text, size_t len) { pmm_service_send(s, peer, text, len); }
static void on_gone(pmm_service_t *s, pmm_peer_t *peer) {
  (void)s;
  (void)peer;
}
static int64_t on_advance(pmm_service_t *s, int64_t now_ns) {
  (void)s;
  (void)now_ns;
  return PMM_NS_MAX;
}
static const pmm_service_ops_t ops = {.name = "echo", .http = on_call, .upgrade = on_upgrade, .message = on_echo, .closed = on_gone, .advance = on_advance};

/* -- measuring -- */

static void record(histogram_t *h, int64_t ns) {
  int const i = ns > 1 ? (int)(log((double)ns) / log(STEP)) : 0;
  h->bucket[i < BUCKETS ? i : BUCKETS - 1]++;
  h->cnt++;
  if (ns > h->max_ns) h->max_ns = ns;
}

static double percentile(const histogram_t *h, double share) {
  uint64_t seen = 0;
  for (int i = 0; i < BUCKETS; i++) {
    seen += h->bucket[i];
    if ((double)seen >= share * (double)h->cnt) return pow(STEP, i + 1);
  }
  return (double)h->max_ns;
}

static void print(const bench_t *b, const char *what, double took_s) {
  struct rusage use;
  getrusage(RUSAGE_SELF, &use);
  printf("{\"bench\":\"net\",\"case\":\"%s\",\"requests_per_s\":%.0f,\"round_trips\":%llu,\"bytes\":%zu,\"p50_us\":%.1f,\"p90_us\":%.1f,\"p99_us\":%.1f,\"p999_us\":%.1f,"
         "\"max_us\":%.1f,\"peak_kib\":%ld,\"hash\":\"%016llx\"}\n", what, (double)b->histogram.cnt / took_s, (unsigned long long)b->histogram.cnt, sizeof order - 1,
         percentile(&b->histogram, 0.5) / 1e3, percentile(&b->histogram, 0.9) / 1e3, percentile(&b->histogram, 0.99) / 1e3, percentile(&b->histogram, 0.999) / 1e3,
         (double)b->histogram.max_ns / 1e3, use.ru_maxrss, (unsigned long long)b->hash);
}

/* One answer has come; false: it was the last. */
static bool count(bench_t *b, const char *text, size_t len) {
  record(&b->histogram, pmm_net_mono(b->net) - b->sent_ns);
  b->hash = pmm_hash_mix(b->hash, pmm_hash64(text, len, 0));
  b->done = --b->left == 0;
  b->sent_ns = pmm_net_mono(b->net);
  return !b->done;
}

static void run(bench_t *b, uint64_t cnt, const char *what, void (*first)(bench_t *b)) {
  memset(&b->histogram, 0, sizeof b->histogram);
  b->hash = 0;
  b->left = cnt;
  b->done = false;
  int64_t const start_ns = b->sent_ns = pmm_net_mono(b->net);
  first(b);
  while (!b->done) pmm_net_step(b->net, PMM_NS_PER_S);
  if (what) print(b, what, (double)(pmm_net_mono(b->net) - start_ns) / 1e9);
}

/* -- WebSocket -- */

static void send_order(bench_t *b) {
  if (pmm_ws_send(b->ws, b->conn, order, sizeof order - 1) != PMM_OK) exit(1);
}
static void on_opened(void *ctx, uint32_t conn) { ((bench_t *)ctx)->conn = conn; }
static void on_message(void *ctx, uint32_t conn, const char *text, size_t len, int64_t recv_ns) {
  (void)conn;
  (void)recv_ns;
  if (count(ctx, text, len)) send_order(ctx);
}

/* -- REST -- */

static void send_call(bench_t *b);
static void on_answer(void *ctx, uint64_t tag, const pmm_http_response_t *r) {
  (void)tag;
  if (r->http != 200) { fprintf(stderr, "bench_net: %s\n", r->why); exit(1); }
  if (count(ctx, r->body, r->body_len)) send_call(ctx);
}
static void send_call(bench_t *b) {
  pmm_header_t const header[] = {{"KALSHI-ACCESS-KEY", "00000000-0000-0000-0000-000000000000"}, {"KALSHI-ACCESS-TIMESTAMP", "1795255012345"}};
  pmm_http_request_t const q = {.method = "POST", .url = b->url, .header = header, .header_cnt = 2, .body = order, .body_len = sizeof order - 1, .done = on_answer, .ctx = b};
  if (pmm_http_send(b->net, &q, NULL) != PMM_OK) exit(1);
}

int main(int argc, char **argv) {
  uint64_t const cnt = argc > 1 ? strtoull(argv[1], NULL, 10) : 100000;
  static bench_t b;
  pmm_host_t *host;
  pmm_error_t err;
  b.service.ops = &ops;
  if (cnt == 0 || pmm_net_open(&b.net, &(pmm_net_config_t){0}, &err) != PMM_OK || pmm_host_open(&host, b.net, &b.service, &(pmm_host_config_t){0}, &err) != PMM_OK) return 1;
  snprintf(b.url, sizeof b.url, "ws://127.0.0.1:%d/", pmm_host_port(host));
  pmm_ws_config_t const config = {.url = b.url, .opened = on_opened, .message = on_message, .ctx = &b};
  if (pmm_ws_open(b.net, &config, &b.ws, &err) != PMM_OK) return 1;
  while (b.conn == 0) pmm_net_step(b.net, PMM_NS_PER_S);
  uint64_t const warm = cnt / 10 + 1;
  run(&b, warm, NULL, send_order);
  run(&b, cnt, "ws message there and back", send_order);
  snprintf(b.url, sizeof b.url, "http://127.0.0.1:%d/portfolio/orders", pmm_host_port(host));
  run(&b, warm, NULL, send_call);
  run(&b, cnt, "rest call", send_call);
  pmm_ws_close(b.ws);
  pmm_host_close(host);
  pmm_net_close(b.net);
  return 0;
}
