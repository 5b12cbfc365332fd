/* adapter.c -- opening, tokens, time, readiness, stopping. */
#include "venue/degen/adapter.h"
#include <openssl/crypto.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define RATE 200.0   /* order actions a second, and at once: the venue's default */
#define BURST 400.0
#define CANCEL_RESERVE 100.0
#define PANIC_RESERVE 20.0

void pmm__d_notice(pmm__degen_t *a, pmm_severity_t severity, const char *code, uint32_t market, const char *fmt, ...) {
  char text[256];
  va_list args;
  va_start(args, fmt);
  vsnprintf(text, sizeof text, fmt, args);
  va_end(args);
  pmm_notice(&a->sink.notices, pmm_net_now(a->net), severity, a->source, code, market == PMM_NOTICE_NO_MARKET ? market : a->first + market, "%s", text);
}

/* -- REST -- */

/* A ready token, or one minted anew before the last one ends. */
const char *pmm__d_bearer(pmm__degen_t *a) {
  int64_t const now_s = pmm_net_now(a->net) / PMM_NS_PER_S;
  if (a->bearer[0] && now_s < a->bearer_until_s - PMM__D_TOKEN_S / 4) return a->bearer;
  memcpy(a->bearer, "Bearer ", 8);
  if (a->secret_len == 0) memcpy(a->bearer + 7, a->sub, strlen(a->sub) + 1);
  else if (pmm_degen_token_mint(a->secret, a->secret_len, a->sub, now_s, now_s + PMM__D_TOKEN_S, a->bearer + 7, sizeof a->bearer - 7) != PMM_OK) a->bearer[7] = '\0';
  a->bearer_until_s = a->secret_len == 0 ? INT64_MAX : now_s + PMM__D_TOKEN_S;
  return a->bearer;
}

static void on_http(void *ctx, uint64_t tag, const pmm_http_response_t *response) {
  pmm__dcall_t *const call = ctx;
  pmm__dlife_t *const life = call->life;
  pmm__d_done_t const done = call->done;
  (void)tag;
  call->used = false;
  life->used--;
  if (life->adapter) done(life->adapter, call->tag, response); /* which may close the adapter, and with the last answer its life ends */
  else if (life->used == 0) free(life);
}

static pmm__dcall_t *free_call(pmm__dlife_t *life) {
  for (uint32_t i = 0; i < PMM__D_CALLS; i++)
    if (!life->call[i].used) return &life->call[i];
  return NULL;
}

bool pmm__d_http(pmm__degen_t *a, const char *method, const char *path, const char *body, size_t len, int32_t retries, uint64_t tag, pmm__d_done_t done) {
  char url[PMM_PARAM_TEXT_MAX + 1024];
  pmm_header_t header[2];
  size_t cnt = 0;
  int const n = snprintf(url, sizeof url, "%s%s", a->rest, path);
  pmm__dcall_t *const call = free_call(a->life);
  if (n < 0 || (size_t)n >= sizeof url || !call) return false;
  if (!a->public_only) header[cnt++] = (pmm_header_t){"Authorization", pmm__d_bearer(a)};
  if (body) header[cnt++] = (pmm_header_t){"Content-Type", "application/json"};
  pmm_http_request_t const request = {.method = method, .url = url, .header = header, .header_cnt = cnt, .body = body, .body_len = len,
                                      .timeout_ns = a->params.request_timeout_ns, .retries = retries, .done = on_http, .ctx = call};
  if (pmm_http_send(a->net, &request, NULL) != PMM_OK) return false;
  *call = (pmm__dcall_t){.life = a->life, .done = done, .tag = tag, .used = true};
  a->life->used++;
  return true;
}

bool pmm__d_escape(const char *text, char *out, size_t cap) {
  static const char plain[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_.~";
  size_t o = 0;
  for (; *text; text++) {
    if (o + 4 > cap) return false;
    if (strchr(plain, *text)) out[o++] = *text;
    else o += (size_t)snprintf(out + o, cap - o, "%%%02X", (unsigned char)*text);
  }
  out[o] = '\0';
  return true;
}

/* -- readiness -- */

void pmm__d_judge(pmm__degen_t *a) {
  bool whole = a->phase == PMM__D_RUNS && a->conn != 0 && a->subscribed && (a->public_only || (a->taken && a->reconciled));
  for (uint32_t i = 0; whole && !a->ready && i < a->market_cnt; i++) whole = a->market[i].synced; /* later one book alone does not stop the others */
  if (whole == a->ready) return;
  a->ready = whole;
  a->sink.ready(a->sink.ctx, whole, whole ? "books and account are whole" : a->phase >= PMM__D_STOPS ? "stopping" : "connection lost");
}

/* -- stopping: cancelled, and confirmed by a look -- */

static void stopped(pmm__degen_t *a, uint32_t left) {
  a->phase = PMM__D_STOPPED;
  pmm_ws_close(a->ws);
  a->ws = NULL;
  a->conn = 0;
  pmm_net_timer_stop(a->net, &a->pump);
  a->sink.stopped(a->sink.ctx, left);
}

static void stop_looked(void *ctx, uint64_t tag, const pmm_http_response_t *r) {
  pmm__degen_t *const a = ctx;
  (void)tag;
  pmm_degen_list_t list;
  pmm_degen_text_t at;
  pmm_degen_order_t o;
  a->stop_busy = false;
  if (a->phase != PMM__D_STOPS || r->status != PMM_OK || r->http != 200 || pmm_degen_list_open(r->body, r->body_len, "orders", &list) != PMM_OK) return;
  uint32_t left = 0;
  while (pmm_degen_list_next(&list, &at)) {
    if (pmm_degen_read_order(at, &o, a->scratch, NULL) != PMM_OK || o.is_error || o.status != PMM_DEGEN_OPEN) continue;
    if (pmm__d_market_find(a, o.market) == PMM__ORDER_NONE) continue;
    left++;
    pmm__d_cancel_vid(a, o.id.at, o.id.len);
  }
  a->stop_left = left;
  /* Requests sent before may still place something: they must have been answered or looked up. */
  if (left == 0 && pmm__orders_live_cnt(a->orders) == 0) stopped(a, 0);
}

static void stop_tick(pmm__degen_t *a) {
  if (pmm__d_mono(a) >= a->stop_ns) { /* that none is known is no proof: a look would have ended this before */
    uint32_t const live = pmm__orders_live_cnt(a->orders), left = a->stop_left > live ? a->stop_left : live;
    stopped(a, left ? left : PMM_ORDERS_LEFT_UNKNOWN);
    return;
  }
  if (!a->stop_busy) a->stop_busy = pmm__d_http(a, "GET", "/orders?status=open", NULL, 0, 0, 0, stop_looked);
}

static void degen_stop(pmm_adapter_t *a, int64_t deadline_mono_ns) {
  bool const trades = a->phase == PMM__D_RUNS && !a->public_only;
  if (a->phase >= PMM__D_STOPS) return;
  a->phase = PMM__D_STOPS;
  a->stop_ns = deadline_mono_ns;
  pmm__d_judge(a);
  if (!trades) a->stop_ns = INT64_MIN; /* nothing of ours can rest */
  else {
    pmm__d_drop_places(a);
    pmm__d_sweep(a);
  }
  pmm_net_timer_set(a->net, &a->tick, pmm__d_mono(a));
}

/* -- time -- */

static void on_tick(void *ctx) {
  pmm__degen_t *const a = ctx;
  if (a->phase == PMM__D_STOPPED) return;
  pmm_net_timer_set(a->net, &a->tick, pmm__d_mono(a) + PMM__D_TICK_NS);
  if (a->phase == PMM__D_DISCOVERS && a->retry_ns > 0 && pmm__d_mono(a) >= a->retry_ns) {
    a->retry_ns = 0;
    pmm__d_discover(a);
  }
  if (a->phase == PMM__D_STOPS && a->stop_ns == INT64_MIN) {
    stopped(a, 0);
    return;
  }
  if (a->phase < PMM__D_RUNS) return;
  pmm__d_stream_tick(a);
  if (!a->public_only) {
    pmm__d_entry_tick(a);
    pmm__d_orders_tick(a);
    pmm__d_account_tick(a);
    pmm__d_pump(a);
  }
  pmm__d_judge(a);
  if (a->phase == PMM__D_STOPS) stop_tick(a);
}

static void on_pump(void *ctx) { pmm__d_pump(ctx); }

/* -- opening -- */

static void queue_free(pmm__dqueue_t *q) {
  free(q->idx);
  free(q->order_id);
}

static void degen_close(pmm_adapter_t *a) {
  if (!a) return;
  if (a->net) {
    pmm_net_timer_stop(a->net, &a->tick);
    pmm_net_timer_stop(a->net, &a->pump);
  }
  pmm_ws_close(a->ws);
  if (a->life) a->life->adapter = NULL;
  if (a->life && a->life->used == 0) free(a->life);
  queue_free(&a->places);
  queue_free(&a->cancels);
  queue_free(&a->amends);
  pmm__orders_free(a->orders);
  free(a->market);
  free(a->extra);
  free(a->request);
  free(a->level);
  free(a->md);
  free(a->holding);
  free(a->adopted);
  free(a->listed);
  free(a->names);
  OPENSSL_cleanse(a, sizeof *a);
  free(a);
}

static bool queue_init(pmm__dqueue_t *q) {
  q->idx = calloc(PMM_VENUE_ORDERS_MAX, sizeof *q->idx);
  q->order_id = calloc(PMM_VENUE_ORDERS_MAX, sizeof *q->order_id);
  return q->idx && q->order_id;
}

static bool take_memory(pmm__degen_t *a) {
  a->life = calloc(1, sizeof *a->life);
  if (a->life) a->life->adapter = a;
  a->market = calloc(PMM_VENUE_MARKETS_MAX, sizeof *a->market);
  a->level = calloc(PMM_DEGEN_LEVELS_MAX, sizeof *a->level);
  a->md = calloc(PMM_DEGEN_LEVELS_MAX + 1, sizeof *a->md);
  a->extra = calloc(PMM_VENUE_ORDERS_MAX, sizeof *a->extra);
  a->listed = calloc(PMM_VENUE_ORDERS_MAX, 1);
  a->request = calloc(PMM__D_REQUESTS, sizeof *a->request);
  a->holding = calloc(PMM_VENUE_MARKETS_MAX, sizeof *a->holding);
  a->adopted = calloc(PMM_VENUE_ORDERS_MAX, sizeof *a->adopted);
  bool const queues = queue_init(&a->places) && queue_init(&a->cancels) && queue_init(&a->amends);
  bool const table = pmm__orders_new(&a->orders, PMM_VENUE_ORDERS_MAX) == PMM_OK;
  return a->life && a->market && a->level && a->md && a->extra && a->listed && a->request && a->holding && a->adopted && queues && table;
}

static pmm_status_t take_urls(pmm__degen_t *a, pmm_error_t *err) {
  size_t n = strlen(a->params.rest);
  if (n == 0) return pmm_error_set(err, PMM_INVAL, "venue degen: rest: the base URL of the venue is needed");
  while (n > 0 && a->params.rest[n - 1] == '/') n--;
  snprintf(a->rest, sizeof a->rest, "%.*s", (int)n, a->params.rest);
  if (a->params.ws[0]) {
    n = strlen(a->params.ws);
    while (n > 0 && a->params.ws[n - 1] == '/') n--;
    bool const whole = n >= 3 && memcmp(a->params.ws + n - 3, "/ws", 3) == 0;
    snprintf(a->ws_url, sizeof a->ws_url, "%.*s%s", (int)n, a->params.ws, whole ? "" : "/ws");
  } else if (strncmp(a->rest, "http", 4) == 0) snprintf(a->ws_url, sizeof a->ws_url, "ws%s/ws", a->rest + 4); /* https: wss */
  return PMM_OK;
}

static pmm_status_t take_secrets(pmm__degen_t *a, const pmm_secrets_t *secrets, pmm_error_t *err) {
  if (a->public_only) return PMM_OK;
  const char *const key = secrets && secrets->get ? secrets->get(secrets->ctx, "DEGEN_API_KEY") : NULL;
  if (!key || !key[0]) return pmm_error_set(err, PMM_NOT_FOUND, "venue degen: DEGEN_API_KEY is not set: a token, or the account's name beside DEGEN_WALLET_KEY");
  bool const ready = pmm_degen_token_is(key);
  if (strlen(key) >= sizeof a->sub || (!ready && strlen(key) >= PMM_DEGEN_SUB_BUF)) return pmm_error_set(err, PMM_INVAL, "venue degen: DEGEN_API_KEY is too long");
  memcpy(a->sub, key, strlen(key) + 1);
  if (ready) return PMM_OK;
  const char *const secret = secrets->get(secrets->ctx, "DEGEN_WALLET_KEY");
  if (!secret || !secret[0]) return pmm_error_set(err, PMM_NOT_FOUND, "venue degen: DEGEN_WALLET_KEY is not set: the secret that signs tokens, as DEGEN_API_KEY is no token itself");
  a->secret_len = strlen(secret);
  if (a->secret_len >= sizeof a->secret) return pmm_error_set(err, PMM_INVAL, "venue degen: DEGEN_WALLET_KEY is too long");
  memcpy(a->secret, secret, a->secret_len + 1);
  if (pmm__d_bearer(a)[7] == '\0') return pmm_error_set(err, PMM_INVAL, "venue degen: DEGEN_API_KEY is no account's name: printable characters without quotes");
  return PMM_OK;
}

static pmm_status_t degen_open(pmm_adapter_t **out, pmm_net_t *net, const pmm_venue_params_t *params, const pmm_secrets_t *secrets, bool public_only, uint64_t run_id,
                               const pmm_venue_sink_t *sink, pmm_error_t *err) {
  (void)run_id; /* order ids are distinct per run already */
  pmm__degen_t *const a = calloc(1, sizeof *a);
  if (!a) return pmm_error_set(err, PMM_FULL, "venue degen: out of memory");
  *a = (pmm__degen_t){.net = net, .params = *params, .sink = *sink, .public_only = public_only};
  a->tick = (pmm_timer_t){.fn = on_tick, .ctx = a};
  a->pump = (pmm_timer_t){.fn = on_pump, .ctx = a};
  snprintf(a->source, sizeof a->source, "%s", params->name[0] ? params->name : "degen");
  pmm_status_t st = take_urls(a, err);
  if (st == PMM_OK && params->markets[strspn(params->markets, " ")] == '\0') st = pmm_error_set(err, PMM_INVAL, "venue degen: markets: none named");
  if (st == PMM_OK) st = take_secrets(a, secrets, err);
  if (st == PMM_OK && !take_memory(a)) st = pmm_error_set(err, PMM_FULL, "venue degen: out of memory");
  if (st != PMM_OK) {
    degen_close(a);
    return st;
  }
  pmm_bucket_init(&a->bucket, RATE, BURST, CANCEL_RESERVE, PANIC_RESERVE, pmm_net_mono(net));
  a->retry_ns = 1; /* discovery begins with the first tick */
  pmm_net_timer_set(net, &a->tick, pmm_net_mono(net));
  *out = a;
  return PMM_OK;
}

static void degen_start(pmm_adapter_t *a, uint32_t first_market, int64_t fills_since_ns) {
  if (a->phase != PMM__D_FOUND) return;
  a->phase = PMM__D_RUNS;
  a->first = first_market;
  a->fills_since_ns = fills_since_ns;
  a->jump = fills_since_ns == PMM_TIME_NONE;
  if (!pmm__d_stream_open(a)) pmm__d_notice(a, PMM_ALERT, "socket", PMM_NOTICE_NO_MARKET, "%s: not a socket's address", a->ws_url);
}

static void degen_cancel_all(pmm_adapter_t *a) {
  if (a->phase != PMM__D_RUNS || a->public_only) return;
  pmm__d_drop_places(a);
  pmm__d_sweep(a);
}

static void degen_reconcile(pmm_adapter_t *a) { a->read_wanted = true; }

static const char *const secret_names[] = {"DEGEN_API_KEY", "DEGEN_WALLET_KEY", NULL};
const pmm_venue_ops_t pmm_degen_ops = {
  .venue = PMM_VENUE_DEGEN, .secrets = secret_names, .open = degen_open, .start = degen_start, .submit = pmm__d_submit, .cancel_all = degen_cancel_all,
  .reconcile = degen_reconcile, .stop = degen_stop, .close = degen_close,
};
