/* Polymarket behind pmm/venue.h: settings and keys to a running adapter, its beat, and its end. */
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include "adapter.h"
#include "internal.h"
#include "pmm/decimal.h"

#define REST_URL "https://clob.polymarket.com"
#define WS_URL "wss://ws-subscriptions-clob.polymarket.com"
#define GAMMA_URL "https://gamma-api.polymarket.com"
#define DATA_URL "https://data-api.polymarket.com"
#define TIME_NS (300 * PMM_NS_PER_S) /* the venue's clock is read again this often */
#define STOP_LOOK_NS (500 * PMM_NS_PER_MS)
#define TICKS_MAX PMM_LADDER_TICKS_MAX
#define ANSWER_BYTES 65536 /* answers to requests up to here never make the parser allocate: those to orders are far below, the account's pages may not be */

static const char *const secret_names[] = {"PK", "CLOB_API_KEY", "CLOB_SECRET", "CLOB_PASS_PHRASE", "FUNDER_ADDRESS", "CLOB_HOST", "CHAIN_ID", "POLY_SIGNATURE_TYPE", NULL};

/* -- small things -- */
int64_t pmm__venue_now(const pmm__poly_t *p) { return pmm_net_now(p->net) + pmm_offset_ns(&p->offset, NULL); }

void pmm__poly_note(pmm__poly_t *p, pmm_severity_t severity, const char *code, uint32_t market, const char *fmt, ...) {
  char text[200];
  va_list args;
  va_start(args, fmt);
  vsnprintf(text, sizeof text, fmt, args);
  va_end(args);
  pmm_notice(&p->sink.notices, pmm_net_now(p->net), severity, PMM__SOURCE, code, market == PMM_NOTICE_NO_MARKET ? market : p->first + market, "%s", text);
}

void pmm__poly_enter(pmm__poly_t *p) { p->depth++; }

void pmm__poly_leave(pmm__poly_t *p) {
  p->depth--;
  if (p->closing) pmm_polymarket_ops.close((pmm_adapter_t *)(void *)p); /* frees once nothing is left */
}

static void on_retry(void *ctx) {
  pmm__poly_t *const p = ctx;
  void (*const fn)(pmm__poly_t *) = p->retry_fn;
  p->retry_fn = NULL;
  pmm__poly_enter(p);
  if (fn) fn(p);
  pmm__poly_leave(p);
}

void pmm__later(pmm__poly_t *p, void (*fn)(pmm__poly_t *p)) {
  int64_t const base = (PMM_NS_PER_S / 2) << (p->retry_cnt < 6 ? p->retry_cnt : 6);
  p->retry_cnt++;
  p->retry_fn = fn;
  pmm_net_timer_set(p->net, &p->retry, pmm_net_mono(p->net) + base / 2 + (int64_t)(pmm_net_random(p->net) % (uint64_t)(base / 2)));
}

void pmm__again_from_start(pmm__poly_t *p) {
  if (p->stage == PMM__STARTING) pmm__auth_begin(p);
}

void pmm__check_ready(pmm__poly_t *p) {
  const char *why = "";
  bool ready = pmm__sockets_ready(p, &why);
  if (!p->public_only && !p->took_over) ready = false, why = "the account is not taken over";
  if (p->stage != PMM__RUNNING) ready = false, why = p->stage > PMM__RUNNING ? "stopping" : why;
  if (ready == p->ready) return;
  p->ready = ready;
  p->sink.ready(p->sink.ctx, ready, ready ? "" : why);
}

void pmm__set_phase(pmm__poly_t *p, pmm_phase_t phase, int64_t for_ns) {
  int64_t const now = pmm_net_mono(p->net);
  p->phase_until_ns = phase == PMM_PHASE_NORMAL ? 0 : for_ns == PMM_NS_MAX ? PMM_NS_MAX : now + for_ns;
  if (phase == p->phase) return;
  p->phase = (uint8_t)phase;
  static const char *const names[] = {"normal", "post-only", "cancel-only"};
  pmm__poly_note(p, PMM_WARN, "phase", PMM_NOTICE_NO_MARKET, "the venue is %s", names[phase]);
  for (uint32_t i = 0; i < p->market_cnt; i++) {
    pmm_md_t const md = {.recv_ns = pmm_net_now(p->net), .exch_ns = PMM_TIME_NONE, .market = p->first + i, .kind = PMM_MD_PHASE, .aux = (uint8_t)phase, .flags = PMM_F_LAST, .seq = ++p->seq};
    p->sink.md(p->sink.ctx, &md, 1);
  }
}

/* After a restart (425) comes a time of post-only, of a length not told: the first order finds out. */
static void phase_over(pmm__poly_t *p) {
  bool const restarted = p->phase == PMM_PHASE_CANCEL_ONLY && p->restart_backoff_ns > 0;
  pmm__set_phase(p, restarted ? PMM_PHASE_POST_ONLY : PMM_PHASE_NORMAL, 120 * PMM_NS_PER_S);
  if (restarted) p->reconcile_ns = pmm_net_mono(p->net);
}

/* -- the beat -- */
static void beat_stop(pmm__poly_t *p, int64_t now) {
  if (now >= p->stop_ns) {
    pmm__tell_stopped(p, p->round.strays > 0 ? p->round.strays : PMM_ORDERS_LEFT_UNKNOWN);
    return;
  }
  if (p->stop_looking || now < p->reconcile_ns || !p->hmac_ready) return;
  p->reconcile_ns = now + STOP_LOOK_NS;
  p->round.cursor[0] = '\0';
  p->round.strays = 0;
  p->round.pages = 0;
  char query[] = "?next_cursor=MA%3D%3D";
  p->stop_looking = pmm__send(p, &(pmm__send_t){.call = PMM__CALL_LEFT, .auth = PMM__SIGNED, .method = "GET", .base = p->rest, .path = "/data/orders", .query = query}) != NULL;
}

static void on_beat(void *ctx) {
  pmm__poly_t *const p = ctx;
  int64_t const now = pmm_net_mono(p->net);
  pmm__poly_enter(p);
  pmm_net_timer_set(p->net, &p->beat, now + PMM__BEAT_NS);
  pmm__sockets_beat(p, now);
  if (p->hmac_ready) pmm__orders_beat(p, now);
  if (p->phase_until_ns != 0 && now >= p->phase_until_ns) phase_over(p);
  if (p->took_over && !p->closing && now >= p->heartbeat_ns) pmm__heartbeat(p);
  if (p->stage == PMM__STOPPING) beat_stop(p, now);
  else if (p->took_over && !p->round.active && p->reconcile_ns != 0 && now >= p->reconcile_ns) {
    (void)pmm__send(p, &(pmm__send_t){.call = PMM__CALL_TIME, .method = "GET", .base = p->rest, .path = "/time"});
    pmm__reconcile_begin(p, false);
  }
  pmm__poly_leave(p);
}

/* One signature at a time, so that a message never waits for two. */
static void on_refill(void *ctx) {
  pmm__poly_t *const p = ctx;
  int64_t const now = pmm__venue_now(p), half = PMM_POLY_SEAL_AHEAD_NS - now % PMM_POLY_SEAL_AHEAD_NS; /* then requests are signed for the next second */
  bool more = pmm__seals_refill(p, now);
  pmm__orders_foresee(p);
  for (int i = 0; i < 2 && !more; i++)
    if (p->prepared[i]) more = pmm_poly_prepared_refill(p->prepared[i], pmm_net_random(p->net), now);
  pmm_net_timer_set(p->net, &p->refill, pmm_net_mono(p->net) + (more ? PMM_NS_PER_MS : half));
}

static void on_flush(void *ctx) {
  pmm__poly_t *const p = ctx;
  pmm__poly_enter(p);
  pmm__orders_flush(p);
  pmm__poly_leave(p);
}

/* -- opening -- */
static const char *get(const pmm_secrets_t *secrets, const char *name) {
  const char *const text = secrets && secrets->get ? secrets->get(secrets->ctx, name) : NULL;
  return text && *text ? text : NULL;
}

static pmm_status_t set_url(char out[PMM__URL_MAX], const char *text, const char *fallback, pmm_error_t *err) {
  const char *const from = *text ? text : fallback;
  size_t len = strlen(from);
  while (len > 0 && from[len - 1] == '/') len--;
  if (len >= PMM__URL_MAX - 64) return pmm_error_set(err, PMM_INVAL, "polymarket: a URL is too long");
  memcpy(out, from, len);
  out[len] = '\0';
  return PMM_OK;
}

/* Where rest is set, it stands for the other hosts as well, unless they are set too: a simulator serves all of them. */
static pmm_status_t set_urls(pmm__poly_t *p, const pmm_secrets_t *secrets, pmm_error_t *err) {
  const pmm_venue_params_t *const v = &p->params;
  const char *const host = get(secrets, "CLOB_HOST");
  pmm_status_t st = set_url(p->rest, *v->rest ? v->rest : host ? host : "", REST_URL, err);
  bool const own = st == PMM_OK && strcmp(p->rest, REST_URL) != 0;
  char ws[PMM__URL_MAX + 8] = WS_URL;
  if (own) snprintf(ws, sizeof ws, "ws%s", strncmp(p->rest, "http", 4) == 0 ? p->rest + 4 : p->rest); /* http -> ws, https -> wss */
  if (st == PMM_OK) st = set_url(p->ws, v->ws, ws, err);
  if (st == PMM_OK) st = set_url(p->gamma, v->gamma, own ? p->rest : GAMMA_URL, err);
  return st == PMM_OK ? set_url(p->data, v->data, own ? p->rest : DATA_URL, err) : st;
}

static pmm_status_t number_secret(const pmm_secrets_t *secrets, const char *name, int64_t fallback, int64_t *out, pmm_error_t *err) {
  const char *const text = get(secrets, name);
  *out = fallback;
  if (!text) return PMM_OK;
  return pmm_decimal_parse(text, strlen(text), 0, out, NULL) == PMM_OK ? PMM_OK : pmm_error_set(err, PMM_INVAL, "%s: not a whole number", name);
}

static pmm_status_t set_wallet(pmm__poly_t *p, const pmm_secrets_t *secrets, pmm_error_t *err) {
  const char *const key = get(secrets, "PK"), *const funder = get(secrets, "FUNDER_ADDRESS");
  uint8_t seed[32];
  int64_t type, chain;
  if (!key) return pmm_error_set(err, PMM_NOT_FOUND, "PK: the wallet's private key is missing");
  for (int i = 0; i < 4; i++) {
    uint64_t const random = pmm_net_random(p->net);
    memcpy(seed + 8 * i, &random, 8);
  }
  pmm_status_t st = pmm_poly_signer_new(key, strlen(key), seed, &p->signer, err);
  if (st == PMM_OK) st = number_secret(secrets, "POLY_SIGNATURE_TYPE", PMM_POLY_EOA, &type, err);
  if (st == PMM_OK) st = number_secret(secrets, "CHAIN_ID", p->params.chain_id, &chain, err);
  if (st != PMM_OK) return st;
  if (p->params.signature_type >= 0) type = p->params.signature_type;
  if (type < 0 || type > PMM_POLY_DEPOSIT) return pmm_error_set(err, PMM_INVAL, "POLY_SIGNATURE_TYPE: must be 0, 1, 2 or 3");
  p->chain_id = (uint64_t)(p->params.chain_id != (int64_t)PMM_POLY_CHAIN_POLYGON ? p->params.chain_id : chain);
  p->signature_type = (uint8_t)type;
  p->funder = *pmm_poly_signer_address(p->signer);
  if (funder && pmm_poly_address_parse(funder, strlen(funder), &p->funder) != PMM_OK) return pmm_error_set(err, PMM_INVAL, "FUNDER_ADDRESS: not 0x and 40 hex digits");
  if (!funder && type == PMM_POLY_PROXY) pmm_poly_proxy_wallet(pmm_poly_signer_address(p->signer), &p->funder);
  if (!funder && type == PMM_POLY_SAFE) pmm_poly_safe_wallet(pmm_poly_signer_address(p->signer), &p->funder);
  if (!funder && type == PMM_POLY_DEPOSIT) return pmm_error_set(err, PMM_NOT_FOUND, "FUNDER_ADDRESS: a deposit wallet must be named");
  pmm_poly_address_print(pmm_poly_signer_address(p->signer), p->address);
  pmm_poly_address_print(&p->funder, p->funder_text);
  return PMM_OK;
}

static pmm_status_t set_credentials(pmm__poly_t *p, const pmm_secrets_t *secrets, pmm_error_t *err) {
  static const char *const names[] = {"CLOB_API_KEY", "CLOB_SECRET", "CLOB_PASS_PHRASE"};
  p->credentials = pmm__secret_alloc(sizeof *p->credentials);
  p->hmac = pmm__secret_alloc(sizeof *p->hmac);
  if (!p->credentials || !p->hmac) return pmm_error_set(err, PMM_FULL, "out of memory");
  char *const out[] = {p->credentials->key, p->credentials->secret, p->credentials->passphrase};
  int given = 0;
  for (int i = 0; i < 3; i++) {
    const char *const text = get(secrets, names[i]);
    if (!text) continue;
    if (strlen(text) >= PMM_POLY_KEY_MAX || strpbrk(text, "\"\\\r\n")) return pmm_error_set(err, PMM_INVAL, "%s: too long, or with characters that no key has", names[i]);
    memcpy(out[i], text, strlen(text) + 1);
    given++;
  }
  if (given == 0) return PMM_OK; /* derived from the wallet's signature */
  if (given < 3) return pmm_error_set(err, PMM_NOT_FOUND, "CLOB_API_KEY, CLOB_SECRET and CLOB_PASS_PHRASE go together");
  return pmm__auth_use(p, err);
}

static void free_all(pmm__poly_t *p) {
  pmm__discover_free(p);
  pmm__poly_orders_free(p);
  for (int i = 0; i < 2; i++) pmm_poly_prepared_free(p->prepared[i]);
  pmm_poly_codec_free(p->codec);
  pmm_poly_tokens_free(p->tokens);
  pmm_json_free(p->json);
  pmm_arena_close(&p->arena);
  free(p->market);
  pmm_poly_signer_free(p->signer);
  pmm__secret_free(p->credentials, sizeof *p->credentials);
  pmm__secret_free(p->hmac, sizeof *p->hmac);
  free(p);
}

static pmm_status_t fill(pmm__poly_t *p, const pmm_secrets_t *secrets, pmm_error_t *err) {
  p->json = pmm_json_new();
  pmm__requests_init(p);
  p->beat = (pmm_timer_t){.fn = on_beat, .ctx = p};
  p->refill = (pmm_timer_t){.fn = on_refill, .ctx = p};
  p->flush = (pmm_timer_t){.fn = on_flush, .ctx = p};
  p->retry = (pmm_timer_t){.fn = on_retry, .ctx = p};
  if (!p->json || pmm_json_reserve(p->json, ANSWER_BYTES) != PMM_OK) return pmm_error_set(err, PMM_FULL, "out of memory");
  pmm_status_t st = set_urls(p, secrets, err);
  if (st == PMM_OK && !p->public_only) st = set_wallet(p, secrets, err);
  if (st == PMM_OK) st = pmm__orders_init(p, err);
  if (st == PMM_OK && !p->public_only) st = set_credentials(p, secrets, err);
  return st == PMM_OK ? pmm__discover_plan(p, err) : st;
}

static pmm_status_t poly_open(pmm_adapter_t **adapter, pmm_net_t *net, const pmm_venue_params_t *params, const pmm_secrets_t *secrets, bool public_only,
                              uint64_t run_id, const pmm_venue_sink_t *sink, pmm_error_t *err) {
  pmm__poly_t *const p = calloc(1, sizeof *p);
  (void)run_id; /* an order's number is in its salt nowhere: its hash is its identity */
  if (!p) return pmm_error_set(err, PMM_FULL, "out of memory");
  p->net = net;
  p->params = *params;
  p->sink = *sink;
  p->public_only = public_only;
  pmm_status_t const st = fill(p, secrets, err);
  if (st != PMM_OK) {
    free_all(p);
    return st;
  }
  *adapter = (pmm_adapter_t *)(void *)p;
  pmm_net_timer_set(net, &p->retry, pmm_net_mono(net)); /* discovery begins from the loop, not from inside this call */
  p->retry_fn = pmm__discover;
  return PMM_OK;
}

/* -- starting -- */
static pmm_status_t open_markets(pmm__poly_t *p, pmm_error_t *err) {
  p->tokens = pmm_poly_tokens_new(p->market_cnt);
  p->codec = p->tokens ? pmm_poly_codec_new(p->tokens) : NULL;
  if (!p->codec || pmm_arena_open(&p->arena, p->market_cnt * (pmm_ladder_bytes(TICKS_MAX) + 64) + 4096) != PMM_OK) return pmm_error_set(err, PMM_FULL, "out of memory");
  pmm_poly_codec_set_first(p->codec, p->first);
  for (uint32_t i = 0; i < p->market_cnt; i++) {
    pmm__market_t *const m = &p->market[i];
    const pmm_market_t *const d = &m->listing.market;
    pmm_status_t st = pmm_ladder_init(&m->ladder, &p->arena, d->grid.tick_cnt, TICKS_MAX);
    if (st == PMM_OK) st = pmm_poly_tokens_add(p->tokens, d->token_yes, strlen(d->token_yes), i, false);
    if (st == PMM_OK) st = pmm_poly_tokens_add(p->tokens, d->token_no, strlen(d->token_no), i, true);
    if (st != PMM_OK) return pmm_error_set(err, st, "polymarket: %s: %s", d->id, pmm_status_to_string(st));
  }
  return PMM_OK;
}

static void seal_order(void *ctx, const pmm_poly_ready_t *order, int64_t at_s, char hmac[PMM_POLY_HMAC_TEXT]) {
  pmm__poly_t *const p = ctx;
  pmm_poly_post_t const post = {order->json, order->json_len, PMM_GTC, true, false};
  size_t const len = pmm_poly_body_order(&post, p->credentials->key, p->body, sizeof p->body);
  pmm_poly_hmac_sign(p->hmac, at_s, "POST", "/order", p->body, len, hmac);
}

void pmm__seal_anew(pmm__poly_t *p) {
  pmm__seals_drop(p);
  for (int i = 0; i < 2; i++)
    if (p->prepared[i]) pmm_poly_prepared_on_seal(p->prepared[i], seal_order, p);
}

static pmm_status_t open_prepared(pmm__poly_t *p, pmm_error_t *err) {
  for (int version = 2; version <= 3; version++) {
    uint32_t cnt = 0;
    for (uint32_t i = 0; i < p->market_cnt; i++) cnt += p->market[i].listing.version == version;
    if (cnt == 0) continue;
    pmm_poly_wallet_terms_t const terms = {.signer = p->signer, .version = version, .chain_id = p->chain_id, .signature_type = p->signature_type, .maker = p->funder,
                                           .order_signer = p->signature_type == PMM_POLY_DEPOSIT ? p->funder : *pmm_poly_signer_address(p->signer)};
    uint32_t const kept = (uint32_t)pmm_min64(p->params.prepared * 2 * cnt, 16384);
    pmm_status_t st = pmm_poly_prepared_new(&p->prepared[version == 3], &terms, p->market_cnt, kept, p->params.prepared_age_ns, err);
    for (uint32_t i = 0; i < p->market_cnt && st == PMM_OK; i++) {
      const pmm_poly_listing_t *const l = &p->market[i].listing;
      if (l->version == version) st = pmm_poly_prepared_market(p->prepared[version == 3], i, l->market.token_yes, l->market.token_no, l->neg_risk, l->market.grid.tick_e4, err);
    }
    if (st != PMM_OK) return st;
  }
  pmm__seal_anew(p);
  return PMM_OK;
}

static void poly_start(pmm_adapter_t *adapter, uint32_t first_market, int64_t fills_since_ns) {
  pmm__poly_t *const p = pmm__poly(adapter);
  pmm_error_t err;
  p->first = first_market;
  p->stage = PMM__STARTING;
  p->last_trade_s = (fills_since_ns == PMM_TIME_NONE ? pmm_net_now(p->net) : fills_since_ns) / PMM_NS_PER_S;
  pmm_status_t st = open_markets(p, &err);
  if (st == PMM_OK && !p->public_only) st = open_prepared(p, &err);
  if (st == PMM_OK && p->public_only) {
    p->stage = PMM__RUNNING;
    st = pmm__sockets_open(p, &err);
  }
  if (st != PMM_OK) {
    p->sink.failed(p->sink.ctx, &err, false);
    return;
  }
  p->retry_cnt = 0;
  pmm_net_timer_set(p->net, &p->beat, pmm_net_mono(p->net) + PMM__BEAT_NS);
  if (!p->public_only) {
    pmm__read_version(p);
    pmm__auth_begin(p);
  }
}

/* -- the rest of the table -- */
static void poly_submit(pmm_adapter_t *adapter, const pmm_action_t *action, size_t cnt) { pmm__orders_submit(pmm__poly(adapter), action, cnt); }
static void poly_cancel_all(pmm_adapter_t *adapter) { pmm__cancel_everything(pmm__poly(adapter)); }

static void poly_reconcile(pmm_adapter_t *adapter) {
  pmm__poly_t *const p = pmm__poly(adapter);
  if (p->took_over && p->stage == PMM__RUNNING) p->reconcile_ns = pmm_net_mono(p->net);
}

void pmm__tell_stopped(pmm__poly_t *p, uint32_t left) {
  if (p->stage == PMM__STOPPED) return;
  p->stage = PMM__STOPPED;
  p->reconcile_ns = 0;
  p->sink.stopped(p->sink.ctx, left);
}

static void poly_stop(pmm_adapter_t *adapter, int64_t deadline_mono_ns) {
  pmm__poly_t *const p = pmm__poly(adapter);
  bool const trades = p->took_over;
  if (p->stage >= PMM__STOPPING) return;
  p->stage = PMM__STOPPING;
  p->stop_ns = deadline_mono_ns;
  p->round.active = false;
  p->round.strays = 0;
  p->reconcile_ns = pmm_net_mono(p->net) + 50 * PMM_NS_PER_MS;
  pmm__check_ready(p);
  if (trades) pmm__cancel_everything(p);
  else pmm__tell_stopped(p, 0); /* nothing was ever sent */
}

/* Requests under way still call back, so the memory outlives them; the last one comes here again. */
static void poly_close(pmm_adapter_t *adapter) {
  pmm__poly_t *const p = pmm__poly(adapter);
  if (!p) return;
  if (!p->closing) {
    p->closing = true;
    pmm__sockets_close(p);
    pmm_net_timer_stop(p->net, &p->beat);
    pmm_net_timer_stop(p->net, &p->refill);
    pmm_net_timer_stop(p->net, &p->flush);
    pmm_net_timer_stop(p->net, &p->retry);
  }
  if (p->outstanding == 0 && p->depth == 0) free_all(p);
}

const pmm_venue_ops_t pmm_polymarket_ops = {
    .venue = PMM_VENUE_POLYMARKET, .secrets = secret_names, .open = poly_open, .start = poly_start, .submit = poly_submit, .cancel_all = poly_cancel_all,
    .reconcile = poly_reconcile, .stop = poly_stop, .close = poly_close};
