#include "demo_sockets.h"

#include <inttypes.h>
#include <math.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include "cmd.h"
#include "out.h"
#include "pmm/live.h"
#include "pmm/server.h"

#define FRAME_NS (PMM_NS_PER_S / 5)
#define DEPTH 5
#define KEY_ID "00000000-0000-4000-8000-00000000de30"
#define WALLET_KEY "ac0974bec39a17e36ba4a6b4d238ff944bacb478cbed5efcae784d7bf4f2ff80" /* a published development key: nobody's money */
#define WALLET_ADDRESS "0xf39Fd6e51aad88F6F4ce6aB8827279cffFb92266"
#define TOKEN_SECRET "the demo's own exchange signs with this"

/* Three venues, one question each: priced from an underlying, with a spread that adapts, and plainly around the mid. */
static const char DEMO[] =
    "strategies:\n"
    "  - {name: digital, match: 'BTC-*', strategy: digital}\n"
    "  - {name: adaptive, match: 'KX*', strategy: adaptive}\n"
    "  - {name: linear, match: 'will-*', strategy: linear, params: {spread_bps: 200, inventory_alpha: 0.0005}}\n"
    "engine: {min_requote: 100ms, vol_dt: 200ms}\n" /* a volatility after some seconds, not after half a minute */
    "traders: {noise: 8, noise_rate: 1.2, informed: 2, momentum: 1, reference: 2}\n"
    "serve:\n"
    "  - {dialect: degen}\n"
    "  - {dialect: kalshi}\n"
    "  - {dialect: polymarket}\n"
    "  - {dialect: binance}\n"
    "  - {dialect: coinbase}\n"
    "listings:\n"
    "  - {id: BTC-UP, dialect: degen, title: 'Bitcoin above its price at the start?', asset: BTC, strike: 95000, p0: 0.5}\n"
    "  - {id: KXRAIN-26, dialect: kalshi, event: KXRAIN, title: 'Rain in New York?', grid: tapered_deci_cent, p0: 0.4}\n"
    "  - {id: will-it-snow, dialect: polymarket, event: snow, title: 'Will it snow?', tick: 0.01, p0: 0.6}\n"
    "members:\n"
    "  - {name: maker, cash: 10000, kalshi_key_id: '" KEY_ID "', polymarket_address: '" WALLET_ADDRESS "'}\n";

typedef struct demo {
  const pmm_app_demo_t *args;
  pmm_config_t config;
  char folder[64], key[96], public[96];
  pmm_net_t *net;
  pmm_exchange_t *exchange;
  pmm_host_t *host[PMM_SERVE_MAX];
  pmm_live_t *live;
  uint64_t warnings;
  char last[320];
  double trace[60]; int trace_cnt;
} demo_t;

static volatile sig_atomic_t stopped;
static void on_signal(int sig) { (void)sig; stopped = 1; }

/* -- keys, for the length of the demo -- */
static bool write_pem(const char *path, EVP_PKEY *key, bool private) {
  FILE *const f = fopen(path, "wxe");
  if (!f) return false;
  bool const ok = fchmod(fileno(f), 0600) == 0 && (private ? PEM_write_PrivateKey(f, key, NULL, NULL, 0, NULL, NULL) : PEM_write_PUBKEY(f, key)) == 1;
  return fclose(f) == 0 && ok;
}

static bool make_keys(demo_t *d) {
  const char *const tmp = getenv("TMPDIR");
  snprintf(d->folder, sizeof d->folder, "%.40s/pmm-demo-XXXXXX", tmp && *tmp ? tmp : "/tmp");
  if (!mkdtemp(d->folder)) { d->folder[0] = '\0'; return false; }
  snprintf(d->key, sizeof d->key, "%s/key.pem", d->folder);
  snprintf(d->public, sizeof d->public, "%s/public.pem", d->folder);
  EVP_PKEY *const key = EVP_RSA_gen(2048);
  bool const ok = key && write_pem(d->key, key, true) && write_pem(d->public, key, false);
  EVP_PKEY_free(key);
  return ok;
}

static void remove_keys(const demo_t *d) {
  if (!*d->folder) return;
  unlink(d->key);
  unlink(d->public);
  rmdir(d->folder);
}

static const char *secret(void *ctx, const char *name) {
  const demo_t *const d = ctx;
  const struct { const char *name, *value; } table[] = {{"KALSHI_API_KEY_ID", KEY_ID}, {"KALSHI_PRIVATE_KEY_PATH", d->key}, {"PK", WALLET_KEY}, {"DEGEN_API_KEY", "maker"},
                                                        {"DEGEN_WALLET_KEY", TOKEN_SECRET}, {"DEGEN_EXCHANGE_SECRET", TOKEN_SECRET}};
  for (size_t i = 0; i < sizeof table / sizeof table[0]; i++)
    if (strcmp(table[i].name, name) == 0) return table[i].value;
  return NULL;
}

static void on_notice(void *ctx, const pmm_notice_t *n) {
  demo_t *const d = ctx;
  if (n->severity == PMM_NOTE) return;
  d->warnings++;
  snprintf(d->last, sizeof d->last, "%s: %s", n->source, n->text);
  if (n->severity == PMM_ALERT) pmm_app_error("%s", d->last);
}

/* -- putting it up -- */
/* What a user's file does not say about the exchange is the demo's. */
static bool lend_exchange(pmm_config_t *c) {
  pmm_error_t err;
  pmm_config_t *const own = malloc(sizeof *own);
  if (!own) return false;
  bool const ok = pmm_config_parse(own, "demo", DEMO, strlen(DEMO), NULL, 0, &err) == PMM_OK;
  if (ok && c->serve_cnt == 0) {
    c->serve_cnt = own->serve_cnt;
    c->listing_cnt = own->listing_cnt;
    memcpy(c->serve, own->serve, sizeof c->serve);
    memcpy(c->listing, own->listing, sizeof c->listing);
  }
  if (ok && c->member_cnt == 0) {
    c->member_cnt = 1;
    c->member[0] = own->member[0];
  }
  free(own);
  return ok;
}

static bool load(demo_t *d) {
  const pmm_app_config_args_t *const a = d->args->config;
  const char *const text = d->args->one_strategy ? strstr(DEMO, "engine:") : DEMO; /* without its list of strategies */
  pmm_error_t err;
  pmm_status_t const st = a->path ? pmm_config_load(&d->config, a->path, a->set, a->set_cnt, &err) : pmm_config_parse(&d->config, "demo", text, strlen(text), a->set, a->set_cnt, &err);
  if (st != PMM_OK) { pmm_app_error("%s", err.text); return false; }
  if (!lend_exchange(&d->config)) { pmm_app_error("out of memory"); return false; }
  d->config.venue_cnt = d->config.feed_cnt = 0; /* its own exchange, and no other */
  for (uint32_t i = 0; i < d->config.member_cnt; i++) memcpy(d->config.member[i].kalshi_public_key, d->public, sizeof d->public);
  for (uint32_t i = 0; i < d->config.listing_cnt; i++)
    d->config.listing[i].duration_ns = (int64_t)(d->args->duration_s * 1e9) + 3600 * PMM_NS_PER_S; /* the demo ends before its markets */
  return true;
}

static pmm_status_t open_exchange(demo_t *d, pmm_error_t *err) {
  pmm_config_t *const c = &d->config;
  pmm_exchange_config_t const xc = {.serve = c->serve, .serve_cnt = c->serve_cnt, .listing = c->listing, .listing_cnt = c->listing_cnt, .member = c->member,
    .member_cnt = c->member_cnt, .faults = &c->faults, .scenario = &c->scenario, .traders = &c->traders, .seed = c->seed, .start_ns = pmm_app_wall_ns(), .secret = secret,
    .secret_ctx = d, .notices = {.fn = on_notice, .ctx = d}};
  pmm_status_t st = pmm_exchange_open(&d->exchange, &xc, err);
  for (uint32_t i = 0; st == PMM_OK && i < c->serve_cnt; i++) {
    pmm_host_config_t const hc = {.notices = xc.notices};
    st = pmm_host_open(&d->host[i], d->net, pmm_exchange_service(d->exchange, i), &hc, err);
  }
  return st;
}

/* Every market listed there. */
static void list_markets(const pmm_config_t *c, pmm_venue_t venue, char out[PMM_PARAM_TEXT_MAX]) {
  size_t n = 0;
  for (uint32_t i = 0; i < c->listing_cnt; i++) {
    const pmm_listing_params_t *const l = &c->listing[i];
    if (l->dialect[0] && strcmp(l->dialect, pmm_venue_to_string(venue)) != 0) continue;
    n += (size_t)snprintf(out + n, PMM_PARAM_TEXT_MAX - n, "%s%s", n ? " " : "", l->id);
    if (n >= PMM_PARAM_TEXT_MAX) return;
  }
}

/* The maker learns where the exchange stands, as a user would write it down. */
static void point_at_exchange(demo_t *d) {
  pmm_config_t *const c = &d->config;
  static const struct { const char *symbol; } feeds[] = {{"btcusdt"}, {"BTC-USD"}};
  for (uint32_t i = 0; i < c->serve_cnt; i++) {
    int const port = pmm_host_port(d->host[i]);
    if (c->serve[i].dialect < PMM_SERVE_FEED && c->venue_cnt < PMM_VENUES_MAX) {
      pmm_venue_params_t *const v = &c->venue[c->venue_cnt++];
      pmm_params_default(pmm_venue_param_table, pmm_venue_param_cnt, v);
      v->venue = c->serve[i].dialect;
      snprintf(v->rest, sizeof v->rest, "http://127.0.0.1:%d", port);
      snprintf(v->ws, sizeof v->ws, "ws://127.0.0.1:%d", port);
      char markets[PMM_PARAM_TEXT_MAX] = ""; /* apart from the configuration they are read from */
      list_markets(c, (pmm_venue_t)(v->venue + 1), markets);
      memcpy(v->markets, markets, sizeof markets);
    } else if (c->feed_cnt < 2) {
      pmm_feed_params_t *const f = &c->feed[c->feed_cnt];
      pmm_params_default(pmm_feed_param_table, pmm_feed_param_cnt, f);
      f->source = c->serve[i].dialect - PMM_SERVE_FEED;
      snprintf(f->symbol, sizeof f->symbol, "%s", feeds[c->feed_cnt++].symbol);
      snprintf(f->url, sizeof f->url, "ws://127.0.0.1:%d", port);
    }
  }
}

static pmm_status_t open_live(demo_t *d, pmm_error_t *err) {
  pmm_live_config_t lc = {.mode = PMM_LIVE_TRADE, .config = &d->config, .secrets = {.get = secret, .ctx = d}, .run_id = 1, .notices = {.fn = on_notice, .ctx = d}};
  return pmm_live_open(&d->live, d->net, &lc, err);
}

/* -- the screen -- */
static int64_t own_at(pmm_engine_t *e, uint32_t slot, pmm_side_t side, int32_t price_e4) {
  pmm_own_order_t o[64];
  size_t const n = pmm_exec_own_orders(pmm_engine_exec(e), slot, o, 64);
  int64_t sum = 0;
  for (size_t i = 0; i < n; i++)
    if (o[i].side == side && o[i].price_e4 == price_e4) sum += o[i].open_e6;
  return sum;
}

/* "  0.4800     120.00 (10.00)": a level, and what of it is ours. */
static void put_level(pmm_engine_t *e, uint32_t slot, uint32_t market, pmm_side_t side, int32_t tick) {
  pmm_ladder_t const *const l = pmm_engine_ladder(e, market);
  if (tick == PMM_TICKS_NONE) { printf("%26s", ""); return; }
  int32_t const price = tick * l->tick_e4;
  int64_t const own = own_at(e, slot, side, price);
  printf("%s%7.4f %9.2f", own ? "\033[1;33m" : side == PMM_BID ? "\033[32m" : "\033[31m", price / 1e4, (double)pmm_ladder_qty(l, side, tick) / 1e6);
  if (own) printf(" %-8.2f\033[0m", (double)own / 1e6); else printf("%9s\033[0m", "");
}

static void draw_books(demo_t *d, pmm_engine_t *e) {
  uint32_t const cnt = pmm_live_slot_cnt(d->live) < 3 ? pmm_live_slot_cnt(d->live) : 3;
  for (uint32_t i = 0; i < cnt; i++) {
    const pmm_slot_config_t *const s = pmm_live_slot(d->live, i);
    char head[64];
    snprintf(head, sizeof head, "%s  %s", pmm_venue_to_string((pmm_venue_t)pmm_live_market(d->live, s->market)->venue), s->name);
    printf("\033[1m %-27.27s\033[0m", head);
  }
  printf("\033[K\n");
  for (uint32_t i = 0; i < cnt; i++) printf(" %-27.27s", pmm_live_market(d->live, pmm_live_slot(d->live, i)->market)->id);
  printf("\033[K\n");
  for (int row = DEPTH; row >= -DEPTH; row--) {
    for (uint32_t i = 0; i < cnt && row; i++) {
      uint32_t const market = pmm_live_slot(d->live, i)->market;
      pmm_ladder_t const *const l = pmm_engine_ladder(e, market);
      pmm_side_t const side = row > 0 ? PMM_ASK : PMM_BID;
      int32_t tick = l->best[side];
      for (int k = 1; k < abs(row) && tick != PMM_TICKS_NONE; k++) tick = pmm_ladder_next(l, side, tick);
      putchar(' ');
      put_level(e, i, market, side, tick);
      putchar(' ');
    }
    printf("\033[K\n");
  }
}

static void draw_account(demo_t *d, pmm_engine_t *e, const pmm_live_status_t *s) {
  for (uint32_t i = 0; i < s->venue_cnt; i++) {
    pmm_live_venue_status_t const *const v = &s->venue[i];
    pmm_position_t p = {0};
    if (i < pmm_live_slot_cnt(d->live)) pmm_ledger_position(pmm_engine_ledger(e), i, &p);
    printf(" %-11s %-9s orders %6" PRIu64 "  fills %5" PRIu64 "  YES %8.2f  NO %8.2f  cash $%11.4f\033[K\n", v->name, v->ready ? "ready" : "waiting", v->orders, v->fills,
           (double)p.yes_e6 / 1e6, (double)p.no_e6 / 1e6, (double)pmm_ledger_wallet_cash(pmm_engine_ledger(e), i) / 1e6);
  }
}

static void draw_trace(demo_t *d, double pnl) {
  static const char *const bar[] = {"▁", "▂", "▃", "▄", "▅", "▆", "▇", "█"};
  if (d->trace_cnt == 60) memmove(d->trace, d->trace + 1, sizeof d->trace - sizeof d->trace[0]);
  d->trace[d->trace_cnt == 60 ? 59 : d->trace_cnt++] = pnl;
  double lo = INFINITY, hi = -INFINITY;
  for (int i = 0; i < d->trace_cnt; i++) { lo = fmin(lo, d->trace[i]); hi = fmax(hi, d->trace[i]); }
  printf("\033[36m P&L $%+.4f  ", pnl);
  for (int i = 0; i < d->trace_cnt; i++) fputs(bar[hi > lo ? (int)((d->trace[i] - lo) / (hi - lo) * 7.999) : 3], stdout);
  printf("\033[0m\033[K\n");
}

static void draw(demo_t *d, double left_s) {
  pmm_engine_t *const e = pmm_live_engine(d->live);
  pmm_live_status_t s;
  pmm_live_status(d->live, &s);
  printf("\033[H\033[1m pmm demo\033[0m  %s, %.0f s to go  \033[2mthree venues and two feeds over loopback sockets; ours in yellow\033[0m\033[K\n\033[K\n",
         pmm_live_phase_to_string(s.phase), left_s);
  if (e) {
    draw_books(d, e);
    draw_account(d, e, &s);
    draw_trace(d, (double)(s.equity_e6 - pmm_ledger_deposits(pmm_engine_ledger(e))) / 1e6);
  }
  printf(" %.100s\033[K\n\033[J", d->last);
  fflush(stdout);
}

static void loop(demo_t *d) {
  bool const screen = !d->args->json && isatty(STDOUT_FILENO);
  int64_t const end = pmm_net_mono(d->net) + (int64_t)(d->args->duration_s * 1e9);
  int64_t drawn = 0;
  if (screen) fputs("\033[2J\033[?25l", stdout);
  while (pmm_live_phase(d->live) != PMM_LIVE_DONE) {
    int64_t const now = pmm_net_mono(d->net);
    pmm_net_step(d->net, pmm_min64(FRAME_NS, end > now ? end - now : FRAME_NS));
    if (stopped || pmm_net_mono(d->net) >= end) pmm_live_stop(d->live);
    if (!screen || pmm_net_mono(d->net) - drawn < FRAME_NS) continue;
    drawn = pmm_net_mono(d->net);
    draw(d, fmax(0, (double)(end - drawn) / 1e9));
  }
  if (screen) fputs("\033[?25h", stdout);
}

static uint32_t account_in(const pmm_place_t *place, const char *name) {
  for (uint32_t i = 0; i < pmm_place_account_cnt(place); i++)
    if (strcmp(pmm_place_account_name(place, i), name) == 0) return i;
  return 0;
}

/* Its own books against the exchange's: what every venue of the demo holds for the account. */
static bool agrees(demo_t *d) {
  bool ok = true;
  pmm_ledger_t *const l = pmm_engine_ledger(pmm_live_engine(d->live));
  for (uint32_t i = 0; i < d->config.venue_cnt; i++) {
    int64_t const theirs = pmm_place_cash(pmm_exchange_place(d->exchange, i), account_in(pmm_exchange_place(d->exchange, i), d->config.member[0].name), NULL), ours = pmm_ledger_wallet_cash(l, i);
    if (theirs == ours) continue;
    pmm_app_error("%s: the ledger has $%.6f, the exchange $%.6f", pmm_venue_to_string((pmm_venue_t)(d->config.venue[i].venue + 1)), (double)ours / 1e6, (double)theirs / 1e6);
    ok = false;
  }
  return ok;
}

static int finish(demo_t *d) {
  pmm_error_t err;
  pmm_result_t result = {0};
  const pmm_error_t *const failed = pmm_live_error(d->live);
  if (failed) { pmm_app_error("%s", failed->text); return PMM_EXIT_FAILED; }
  if (pmm_live_result(d->live, &result, &err) != PMM_OK) { pmm_app_error("%s", err.text); return stopped ? PMM_EXIT_DONE : PMM_EXIT_FAILED; }
  if (d->args->json) pmm_result_write_json(stdout, &result);
  else pmm_result_write_table(stdout, &result);
  pmm_result_free(&result);
  return agrees(d) ? PMM_EXIT_DONE : PMM_EXIT_FAILED;
}

int pmm_app_demo_sockets(const pmm_app_demo_t *args) {
  demo_t *const d = calloc(1, sizeof *d);
  if (!d) { pmm_app_error("out of memory"); return PMM_EXIT_FAILED; }
  d->args = args;
  signal(SIGPIPE, SIG_IGN);
  struct sigaction const sa = {.sa_handler = on_signal};
  sigaction(SIGINT, &sa, NULL);
  sigaction(SIGTERM, &sa, NULL);
  int status = PMM_EXIT_FAILED;
  pmm_error_t err = {0};
  pmm_net_config_t const nc = {.notices = {.fn = on_notice, .ctx = d}};
  if (!make_keys(d)) pmm_app_error("cannot make keys in a temporary folder");
  else if (!load(d)) status = PMM_EXIT_USAGE;
  else if (pmm_net_open(&d->net, &nc, &err) != PMM_OK || open_exchange(d, &err) != PMM_OK) pmm_app_error("%s", err.text);
  else {
    point_at_exchange(d);
    if (open_live(d, &err) != PMM_OK) pmm_app_error("%s", err.text);
    else {
      loop(d);
      status = finish(d);
    }
  }
  pmm_live_close(d->live);
  for (uint32_t i = 0; i < PMM_SERVE_MAX; i++) pmm_host_close(d->host[i]);
  pmm_net_close(d->net);
  pmm_exchange_close(d->exchange);
  remove_keys(d);
  free(d);
  return status;
}
