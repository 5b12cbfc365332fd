/* The adapter's life: what it is opened with, what time brings, and the table of functions. */
#include <openssl/crypto.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include "adapter.h"
#include "pmm/arena.h"

#define REST_HOST "https://external-api.kalshi.com/trade-api/v2"
#define WS_HOST "wss://external-api-ws.kalshi.com/trade-api/ws/v2"
#define STATUS_NS (10 * PMM_NS_PER_S)
#define WRITE_RATE 100 /* the lowest tier's, until the venue says otherwise */
#define READ_RATE 200

static const char *const secret_names[] = {"KALSHI_API_KEY_ID", "KALSHI_PRIVATE_KEY_PATH", "KALSHI_PRIVATE_KEY", NULL};

/* -- telling -- */

void pmm__k_notice(pmm__kalshi_t *a, pmm_severity_t severity, const char *code, uint32_t market, const char *fmt, ...) {
  char text[256];
  va_list args;
  va_start(args, fmt);
  vsnprintf(text, sizeof text, fmt, args);
  va_end(args);
  pmm_notice(&a->sink.notices, pmm_net_now(a->net), severity, a->params.name[0] ? a->params.name : "kalshi", code,
             market == PMM_NOTICE_NO_MARKET ? market : a->first_market + market, "%s", text);
}

void pmm__k_md(pmm__kalshi_t *a, pmm_md_t *md, size_t cnt) {
  for (size_t i = 0; i < cnt; i++) md[i].market += a->first_market;
  a->sink.md(a->sink.ctx, md, cnt);
}

void pmm__k_event(pmm__kalshi_t *a, const pmm__vorder_t *o, pmm_kind_t kind, int64_t qty_e6, int64_t amount_e6, uint8_t aux, int64_t exch_ns) {
  pmm_event_t const ev = {.md = {.recv_ns = pmm_net_now(a->net),
                                 .exch_ns = exch_ns,
                                 .qty_e6 = qty_e6,
                                 .price_e4 = o->price_e4,
                                 .market = a->first_market + o->market,
                                 .kind = (uint8_t)kind,
                                 .side = (uint8_t)pmm_route_side((pmm_route_t)o->route),
                                 .aux = aux},
                          .order_id = o->order_id,
                          .amount_e6 = amount_e6,
                          .ref_id = o->vid[0] ? pmm_venue_ref(o->vid, strlen(o->vid)) : 0};
  a->activity++;
  a->sink.account(a->sink.ctx, &ev);
}

static void tell_life(pmm__kalshi_t *a, uint32_t market, pmm_life_t life, pmm_outcome_t outcome, int64_t payout_e6) {
  a->market[market].desc.life = (uint8_t)life;
  pmm_md_t md = {.recv_ns = pmm_net_now(a->net),
                 .exch_ns = PMM_TIME_NONE,
                 .qty_e6 = payout_e6,
                 .market = market,
                 .kind = PMM_MD_STATUS,
                 .side = (uint8_t)outcome,
                 .aux = (uint8_t)life,
                 .flags = PMM_F_LAST};
  pmm__k_md(a, &md, 1);
}

/* Messages may be missing in between: a market that is settled was closed before. */
void pmm__k_life(pmm__kalshi_t *a, uint32_t market, pmm_life_t life, pmm_outcome_t outcome, int64_t payout_e6) {
  pmm_life_t const now = (pmm_life_t)a->market[market].desc.life;
  if (now == life) return;
  if (pmm_life_move(now, life) != PMM_OK && life > PMM_LIFE_CLOSED && now < PMM_LIFE_CLOSED)
    tell_life(a, market, PMM_LIFE_CLOSED, PMM_OUTCOME_UNKNOWN, 0);
  if (pmm_life_move((pmm_life_t)a->market[market].desc.life, life) == PMM_OK) tell_life(a, market, life, outcome, payout_e6);
}

static bool shards_trade(const pmm__kalshi_t *a) {
  return a->exchange.exchange_active && a->exchange.trading_active && (a->shards & a->exchange.shards & ~a->exchange.shards_trading) == 0;
}

void pmm__k_judge_ready(pmm__kalshi_t *a) {
  const char *why = NULL;
  if (a->stopping) why = "stopping";
  else if (!a->public_only && !a->taken_over) why = "taking over";
  else if (!a->conn) why = "not connected";
  else if (!a->books_whole) why = "books are not whole";
  else if (!a->public_only && (a->sid[K_FILLS] == 0 || a->sid[K_ORDERS] == 0)) why = "the account's channels are not open";
  else if (!shards_trade(a)) why = "the exchange does not trade";
  if (a->ready == !why) return;
  a->ready = !why;
  a->sink.ready(a->sink.ctx, a->ready, why ? why : "");
}

/* -- time -- */

/* Opening and closing send no message. */
static void keep_hours(pmm__kalshi_t *a) {
  int64_t const now_ns = pmm__k_venue_now(a);
  for (uint32_t i = 0; i < a->market_cnt; i++) {
    const pmm_market_t *const m = &a->market[i].desc;
    bool const trades = m->life == PMM_LIFE_OPEN || m->life == PMM_LIFE_HALTED;
    if (trades && m->close_ns != PMM_TIME_NONE && now_ns >= m->close_ns) pmm__k_life(a, i, PMM_LIFE_CLOSED, PMM_OUTCOME_UNKNOWN, 0);
    else if (m->life == PMM_LIFE_PENDING && m->open_ns != PMM_TIME_NONE && now_ns >= m->open_ns)
      pmm__k_life(a, i, PMM_LIFE_OPEN, PMM_OUTCOME_UNKNOWN, 0);
  }
}

static void tell_phase(pmm__kalshi_t *a, pmm_phase_t phase) {
  for (uint32_t i = 0; i < a->market_cnt; i++) {
    pmm_md_t md = {.recv_ns = pmm_net_now(a->net),
                   .exch_ns = PMM_TIME_NONE,
                   .market = i,
                   .kind = PMM_MD_PHASE,
                   .aux = (uint8_t)phase,
                   .flags = PMM_F_LAST};
    pmm__k_md(a, &md, 1);
  }
}

/* Weekly maintenance: first no new orders, then nothing at all. What rests survives. */
static void on_status(void *ctx, uint64_t tag, const pmm_http_response_t *r) {
  pmm__kalshi_t *const a = ctx;
  pmm_kalshi_exchange_t x;
  (void)tag;
  if (pmm__k_returned(a) || r->status != PMM_OK || (r->http != 200 && r->http != 503) ||
      pmm_kalshi_exchange_read(a->codec, r->body, r->body_len, &x, NULL) != PMM_OK)
    return;
  bool const traded = shards_trade(a);
  a->exchange = x;
  if (shards_trade(a) == traded) return;
  pmm__k_notice(a, PMM_WARN, "exchange", PMM_NOTICE_NO_MARKET,
                traded ? "the exchange takes no orders (maintenance or pause)" : "the exchange trades again");
  tell_phase(a, traded ? PMM_PHASE_CANCEL_ONLY : PMM_PHASE_NORMAL);
  pmm__k_judge_ready(a);
}

static void ask_status(pmm__kalshi_t *a, int64_t mono_ns) {
  if (mono_ns < a->next_status_ns || !pmm_bucket_take(&a->read_bucket, (double)a->costs.other, PMM_BUCKET_NORMAL, mono_ns)) return;
  a->next_status_ns = mono_ns + STATUS_NS;
  (void)pmm__k_get(a, "/exchange/status", on_status, 0);
}

static void finish_stop(pmm__kalshi_t *a, uint32_t left) {
  if (a->stopped) return;
  a->stopped = true;
  pmm__k_step(a, K_IDLE);
  a->sink.stopped(a->sink.ctx, left);
}

static void forget_answer(void *ctx, uint64_t tag, const pmm_http_response_t *r) {
  (void)tag, (void)r;
  (void)pmm__k_returned(ctx);
}

/* The list shows none: what the table still has only waits for fills. The group goes with us. */
void pmm__k_cleared(pmm__kalshi_t *a) {
  char path[160];
  if (a->group[0]) {
    snprintf(path, sizeof path, "/portfolio/order_groups/%s", a->group);
    (void)pmm__k_send(a, "DELETE", path, NULL, 0, forget_answer, 0);
  }
  finish_stop(a, 0);
}

void pmm__k_took_over(pmm__kalshi_t *a) {
  pmm_error_t err = {0};
  int64_t const mono_ns = pmm_net_mono(a->net);
  a->taken_over = true;
  a->reading_takeover = false;
  a->next_reconcile_ns = mono_ns + a->params.reconcile_ns;
  if (a->last_fill_ns == PMM_TIME_NONE) a->last_fill_ns = pmm__k_venue_now(a);
  if (!a->ws && pmm__k_stream_open(a, &err) != PMM_OK) a->sink.failed(a->sink.ctx, &err, false);
  pmm__k_judge_ready(a);
}

static void on_tick(void *ctx) {
  pmm__kalshi_t *const a = ctx;
  int64_t const mono_ns = pmm_net_mono(a->net);
  if (a->signer) (void)pmm_kalshi_signer_refill(a->signer, pmm__k_venue_now(a));
  pmm__k_steps_tick(a, mono_ns);
  if (a->started) {
    keep_hours(a);
    pmm__k_stream_tick(a, mono_ns);
    ask_status(a, mono_ns);
    if (!a->public_only) {
      pmm__k_looks_tick(a, mono_ns);
      pmm__k_entry_tick(a, mono_ns);
    }
  }
  if (a->stopping && mono_ns >= a->stop_by_ns) { /* that none is known is no proof: the list would have ended this before */
    uint32_t const live = pmm__orders_live_cnt(a->orders);
    finish_stop(a, live ? live : PMM_ORDERS_LEFT_UNKNOWN);
  }
  pmm_net_timer_set(a->net, &a->tick, mono_ns + PMM__K_TICK_NS);
}

static void on_pump(void *ctx) { pmm__k_pump(ctx); }

/* -- opening -- */

static pmm_status_t read_file(const char *path, char *buf, size_t cap, size_t *len, pmm_error_t *err) {
  FILE *const in = fopen(path, "re");
  if (!in) return pmm_error_set(err, PMM_IO, "kalshi: KALSHI_PRIVATE_KEY_PATH: %s cannot be read", path);
  *len = fread(buf, 1, cap, in);
  bool const whole = !ferror(in) && feof(in);
  fclose(in);
  return whole ? PMM_OK : pmm_error_set(err, PMM_IO, "kalshi: KALSHI_PRIVATE_KEY_PATH: %s is no key file", path);
}

static const char *secret(const pmm_secrets_t *s, const char *name) {
  const char *const value = s && s->get ? s->get(s->ctx, name) : NULL;
  return value && value[0] ? value : NULL;
}

static pmm_status_t open_key(pmm__kalshi_t *a, const pmm_secrets_t *secrets, pmm_error_t *err) {
  const char *const id = secret(secrets, secret_names[0]), *const path = secret(secrets, secret_names[1]),
                    *const pem = secret(secrets, secret_names[2]);
  char buf[PMM_KALSHI_PEM_BUF];
  size_t len = 0;
  if (!id) return pmm_error_set(err, PMM_NOT_FOUND, "kalshi: KALSHI_API_KEY_ID is not set");
  if (!path && !pem) return pmm_error_set(err, PMM_NOT_FOUND, "kalshi: KALSHI_PRIVATE_KEY_PATH is not set");
  pmm_status_t st = path ? read_file(path, buf, sizeof buf, &len, err) : PMM_OK;
  if (st == PMM_OK) st = pmm_kalshi_key_read(&a->key, path ? buf : pem, path ? len : strlen(pem), err);
  OPENSSL_cleanse(buf, sizeof buf);
  return st == PMM_OK ? pmm_kalshi_signer_open(&a->signer, a->key, id, err) : st;
}

/* A base URL may name the host alone. */
static void place_url(char *out, const char *given, const char *usual, const char *path) {
  snprintf(out, PMM_PARAM_TEXT_MAX, "%.200s", given[0] ? given : usual);
  size_t len = strlen(out);
  while (len > 0 && out[len - 1] == '/') out[--len] = '\0';
  const char *const host = strstr(out, "://");
  if (host && !strchr(host + 3, '/')) snprintf(out + len, PMM_PARAM_TEXT_MAX - len, "%s", path);
}

static pmm_status_t place_urls(pmm__kalshi_t *a, pmm_error_t *err) {
  place_url(a->rest, a->params.rest, REST_HOST, "/trade-api/v2");
  place_url(a->ws_url, a->params.ws, WS_HOST, "/trade-api/ws/v2");
  const char *const rest = strstr(a->rest, "://"), *const ws = strstr(a->ws_url, "://");
  if (!rest || !ws) return pmm_error_set(err, PMM_INVAL, "kalshi: rest and ws want a URL with its scheme");
  a->root = strchr(rest + 3, '/');
  a->ws_path = strchr(ws + 3, '/');
  return a->root && a->ws_path ? PMM_OK : pmm_error_set(err, PMM_INVAL, "kalshi: rest or ws is too long");
}

static pmm_status_t prepare_paths(pmm__kalshi_t *a, pmm_error_t *err) {
  static const struct { const char *method, *path; } row[K_PATHS] = {[K_PATH_CREATE] = {"POST", PMM__K_ORDERS}, [K_PATH_BATCH_CREATE] = {"POST", PMM__K_ORDERS "/batched"},
                                                                     [K_PATH_BATCH_CANCEL] = {"DELETE", PMM__K_ORDERS "/batched"}};
  for (size_t i = 0; i < K_PATHS; i++) {
    char path[PMM_KALSHI_PATH_BUF];
    pmm__kpath_t *const p = &a->path[i];
    p->method = row[i].method;
    snprintf(p->url, sizeof p->url, "%s%s", a->rest, row[i].path);
    snprintf(path, sizeof path, "%.150s%s", a->root, row[i].path);
    if (pmm_kalshi_signer_prepare(a->signer, p->method, path, &p->slot) != PMM_OK) return pmm_error_set(err, PMM_INVAL, "kalshi: rest is too long");
  }
  return PMM_OK;
}

static bool take_memory(pmm__kalshi_t *a) {
  a->market = calloc(PMM_VENUE_MARKETS_MAX, sizeof *a->market);
  a->event_terms = calloc(PMM_VENUE_MARKETS_MAX, sizeof *a->event_terms);
  a->korder = calloc(PMM_VENUE_ORDERS_MAX, sizeof *a->korder);
  pmm_pages_touch(a->korder, PMM_VENUE_ORDERS_MAX * sizeof *a->korder);
  a->holding = calloc(PMM_VENUE_MARKETS_MAX, sizeof *a->holding);
  a->adopted = calloc(PMM__K_PAGE, sizeof *a->adopted);
  a->order_page = calloc(PMM__K_PAGE, sizeof *a->order_page);
  a->fill_page = calloc(PMM__K_PAGE, sizeof *a->fill_page);
  a->position_page = calloc(PMM__K_PAGE, sizeof *a->position_page);
  a->places.at = calloc(PMM__K_QUEUE_MAX, sizeof *a->places.at);
  a->cancels.at = calloc(PMM__K_QUEUE_MAX, sizeof *a->cancels.at);
  a->amends.at = calloc(PMM__K_QUEUE_MAX, sizeof *a->amends.at);
  return a->market && a->event_terms && a->korder && a->holding && a->adopted && a->order_page && a->fill_page && a->position_page &&
         a->places.at && a->cancels.at && a->amends.at && pmm__orders_new(&a->orders, PMM_VENUE_ORDERS_MAX) == PMM_OK &&
         pmm__seen_new(&a->seen, PMM__K_SEEN_MAX) == PMM_OK && pmm_kalshi_codec_open(&a->codec) == PMM_OK &&
         pmm_kalshi_books_open(&a->books, PMM_VENUE_MARKETS_MAX) == PMM_OK;
}

static void close_adapter(pmm_adapter_t *a) {
  if (!a) return;
  a->closed = true;
  pmm_net_timer_stop(a->net, &a->tick);
  pmm_net_timer_stop(a->net, &a->pump);
  pmm_ws_close(a->ws);
  pmm_kalshi_signer_close(a->signer);
  pmm_kalshi_key_free(a->key);
  pmm_kalshi_codec_close(a->codec);
  pmm_kalshi_books_close(a->books);
  pmm__orders_free(a->orders);
  pmm__seen_free(a->seen);
  void *const memory[] = {a->market,    a->event_terms,   a->korder,    a->holding,    a->adopted,  a->order_page,
                          a->fill_page, a->position_page, a->places.at, a->cancels.at, a->amends.at};
  for (size_t i = 0; i < sizeof memory / sizeof memory[0]; i++) free(memory[i]);
  a->signer = NULL;
  if (a->http_cnt == 0) free(a); /* else with the last answer */
}

static pmm_status_t set_up(pmm__kalshi_t *a, const pmm_secrets_t *secrets, pmm_error_t *err) {
  int64_t const mono_ns = pmm_net_mono(a->net);
  if (!a->params.markets[0]) return pmm_error_set(err, PMM_INVAL, "kalshi: markets: none are named");
  pmm__k_requests_init(a);
  if (!take_memory(a)) return pmm_error_set(err, PMM_FULL, "kalshi: out of memory");
  pmm_kalshi_costs_default(&a->costs);
  pmm_kalshi_limits_t const lowest = {.read_rate_e6 = READ_RATE * PMM_ONE_E6,
                                      .read_cap_e6 = READ_RATE * PMM_ONE_E6,
                                      .write_rate_e6 = WRITE_RATE * PMM_ONE_E6,
                                      .write_cap_e6 = WRITE_RATE * PMM_ONE_E6};
  pmm__k_set_limits(a, &lowest);
  pmm_status_t st = place_urls(a, err);
  if (st == PMM_OK) st = open_key(a, secrets, err);
  if (st == PMM_OK) st = prepare_paths(a, err);
  if (st != PMM_OK) return st;
  a->tick = (pmm_timer_t){.fn = on_tick, .ctx = a};
  a->pump = (pmm_timer_t){.fn = on_pump, .ctx = a};
  pmm_net_timer_set(a->net, &a->tick, mono_ns + PMM__K_TICK_NS);
  pmm__k_boot(a);
  return PMM_OK;
}

/* Kalshi's socket wants keys even for public channels, so public_only needs them too: only the account is left alone. */
static pmm_status_t open_adapter(pmm_adapter_t **adapter, pmm_net_t *net, const pmm_venue_params_t *params, const pmm_secrets_t *secrets,
                                 bool public_only, uint64_t run_id, const pmm_venue_sink_t *sink, pmm_error_t *err) {
  (void)run_id; /* order ids carry it */
  pmm__kalshi_t *const a = calloc(1, sizeof *a);
  if (!a) return pmm_error_set(err, PMM_FULL, "kalshi: out of memory");
  a->net = net;
  a->params = *params;
  a->sink = *sink;
  a->public_only = public_only;
  a->fills_since_ns = a->last_fill_ns = PMM_TIME_NONE;
  pmm_status_t const st = set_up(a, secrets, err);
  if (st == PMM_OK) *adapter = a;
  else close_adapter(a);
  return st;
}

/* -- the driver's calls -- */

static void start(pmm_adapter_t *a, uint32_t first_market, int64_t fills_since_ns) {
  pmm_error_t err = {0};
  a->started = true;
  a->first_market = first_market;
  a->fills_since_ns = a->last_fill_ns = fills_since_ns;
  pmm_kalshi_books_first(a->books, first_market);
  a->next_status_ns = pmm_net_mono(a->net) + STATUS_NS;
  if (a->public_only) {
    if (pmm__k_stream_open(a, &err) != PMM_OK) a->sink.failed(a->sink.ctx, &err, false);
    return;
  }
  a->reading_takeover = true;
  a->activity_at_start = a->activity;
  if (a->params.open_orders == PMM_OPEN_CANCEL) pmm__k_step(a, K_TAKE_CLEAR);
  else pmm__k_take_group(a);
}

static void reconcile(pmm_adapter_t *a) { a->reconcile_wanted = a->taken_over; }

static void stop(pmm_adapter_t *a, int64_t deadline_mono_ns) {
  a->stopping = true;
  a->stop_by_ns = deadline_mono_ns;
  pmm__k_judge_ready(a);
  if (!a->taken_over) {
    if (a->public_only || !a->started) finish_stop(a, 0);
    else pmm__k_step(a, K_TAKE_CLEAR);
    return;
  }
  for (uint32_t i = pmm__orders_first(a->orders), next; i != PMM__ORDER_NONE; i = next) { /* what was never sent ends here */
    next = pmm__orders_next(a->orders, i);
    if (a->korder[i].queued) pmm__k_cancel_idx(a, i);
  }
  pmm__k_cancel_all(a);
  a->step_gen++; /* a reconciliation under way gives way */
  pmm__k_step(a, K_TAKE_CLEAR);
}

const pmm_venue_ops_t pmm_kalshi_ops = {.venue = PMM_VENUE_KALSHI,
                                        .secrets = secret_names,
                                        .open = open_adapter,
                                        .start = start,
                                        .submit = pmm__k_submit,
                                        .cancel_all = pmm__k_cancel_all,
                                        .reconcile = reconcile,
                                        .stop = stop,
                                        .close = close_adapter};
