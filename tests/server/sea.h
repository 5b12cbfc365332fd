/* tests/server/sea.h -- a live run against the exchange in a simulated network: the same adapters, the same dialects, no socket and no clock. An hour
   passes in seconds and repeats from its seed. */
#ifndef PMM_TESTS_SERVER_SEA_H
#define PMM_TESTS_SERVER_SEA_H
#include <inttypes.h>
#include "base/check.h"
#include "pmm/live.h"
#include "pmm/server.h"

#define SEA_START_NS (INT64_C(1767268800) * PMM_NS_PER_S) /* 2026-01-01 12:00 UTC */
#define SEA_KEY_ID "7b6e2d1c-0000-4000-8000-0123456789ab"
#define SEA_PK "0xac0974bec39a17e36ba4a6b4d238ff944bacb478cbed5efcae784d7bf4f2ff80"      /* the public Hardhat development account 0 */
#define SEA_ADDRESS "0xf39Fd6e51aad88F6F4ce6aB8827279cffFb92266"

typedef struct sea {
  pmm_net_t *net;
  pmm_exchange_t *exchange;
  pmm_live_t *live;
  pmm_config_t config;
  pmm_exchange_config_t xc;
  char key_path[128], public_path[128];
  uint64_t alerts, notices;
  bool loud;                 /* PMM_TEST_LOUD: notices on stderr */
  bool killed;
  char last_alert[320];
  const pmm_live_learned_t *learned; size_t learned_cnt;
  const pmm_observer_t *observer;
  char said[320];            /* about what strategies learned */
  pmm_live_kept_t kept; pmm_live_value_t value[8]; char market[8][PMM_ID_MAX]; /* what the last run left, as a file would have it */
} sea_t;

/* -- keys: made once a process by the openssl command, in a folder of its own -- */
static char sea_folder[64];
static inline void sea_remove_keys(void) {
  char command[128];
  snprintf(command, sizeof command, "rm -rf %s", sea_folder);
  if (*sea_folder) (void)!system(command);
}
static inline void sea_make_keys(void) {
  if (*sea_folder) return;
  strcpy(sea_folder, "/tmp/pmm-sea-XXXXXX");
  assert_non_null(mkdtemp(sea_folder));
  char command[512];
  snprintf(command, sizeof command,
           "openssl genpkey -algorithm RSA -pkeyopt rsa_keygen_bits:2048 -out %s/key.pem 2>/dev/null && chmod 600 %s/key.pem && "
           "openssl pkey -in %s/key.pem -pubout -out %s/public.pem 2>/dev/null", sea_folder, sea_folder, sea_folder, sea_folder);
  assert_int_equal(system(command), 0);
  atexit(sea_remove_keys);
}

static inline const char *sea_secret(void *ctx, const char *name) {
  sea_t *const s = ctx;
  const struct { const char *name, *value; } table[] = {
    {"KALSHI_API_KEY_ID", SEA_KEY_ID}, {"KALSHI_PRIVATE_KEY_PATH", s->key_path}, {"PK", SEA_PK}, {"DEGEN_API_KEY", "maker"},
    {"DEGEN_WALLET_KEY", "a secret that both sides know: 0123456789abcdef"}, {"DEGEN_EXCHANGE_SECRET", "a secret that both sides know: 0123456789abcdef"}};
  for (size_t i = 0; i < COUNT_OF(table); i++)
    if (strcmp(table[i].name, name) == 0) return table[i].value;
  return NULL;
}

static inline void sea_notice(void *ctx, const pmm_notice_t *n) {
  sea_t *const s = ctx;
  s->notices++;
  if (strcmp(n->code, "learned") == 0) snprintf(s->said, sizeof s->said, "%s", n->text);
  if (n->severity == PMM_ALERT) {
    s->alerts++;
    snprintf(s->last_alert, sizeof s->last_alert, "%s %s: %s", n->source, n->code, n->text);
  }
  if (s->loud) fprintf(stderr, "%10.3f %s %s %s: %s\n", (double)(n->at_ns - SEA_START_NS) / 1e9, n->severity == PMM_ALERT ? "ALERT" : "-", n->source, n->code, n->text);
}

/* As a process that dies leaves it; its run has to know its account. */
static inline void sea_keep(sea_t *s) {
  pmm_live_kept_t kept;
  pmm_live_kept(s->live, &kept);
  assert_in_range(kept.value_cnt, 0, COUNT_OF(s->value));
  s->kept = kept;
  s->kept.value = s->value;
  for (size_t i = 0; i < kept.value_cnt; i++) {
    snprintf(s->market[i], sizeof s->market[i], "%s", kept.value[i].market);
    s->value[i] = kept.value[i];
    s->value[i].market = s->market[i];
  }
}

static inline void sea_persist(void *ctx, pmm_live_t *live, bool at_once) {
  pmm_live_kept_t kept;
  pmm_live_kept(live, &kept);
  ((sea_t *)ctx)->killed = kept.killed;
  (void)at_once;
}

/* yaml: venues, serve, listings, traders ... ; hosts are <dialect>.test. One member, "maker", with every credential, is added. */
static inline void sea_open(sea_t *s, const char *yaml, const char *const *set, size_t set_cnt) {
  pmm_error_t err;
  memset(s, 0, sizeof *s);
  s->loud = getenv("PMM_TEST_LOUD") != NULL;
  sea_make_keys();
  snprintf(s->key_path, sizeof s->key_path, "%s/key.pem", sea_folder);
  snprintf(s->public_path, sizeof s->public_path, "%s/public.pem", sea_folder);
  if (pmm_config_parse(&s->config, "sea.yaml", yaml, strlen(yaml), set, set_cnt, &err) != PMM_OK) fail_msg("%s", err.text);
  s->config.member_cnt = 1;
  pmm_member_params_t *const m = &s->config.member[0];
  pmm_params_default(pmm_member_param_table, pmm_member_param_cnt, m);
  snprintf(m->name, sizeof m->name, "maker");
  m->cash_e6 = INT64_C(1000000000000); /* a million: pairs that nobody merges tie up cash */
  snprintf(m->kalshi_key_id, sizeof m->kalshi_key_id, "%s", SEA_KEY_ID);
  snprintf(m->kalshi_public_key, sizeof m->kalshi_public_key, "%s", s->public_path);
  snprintf(m->polymarket_address, sizeof m->polymarket_address, "%s", SEA_ADDRESS);
  pmm_vnet_config_t const vc = {.start_ns = SEA_START_NS, .seed = s->config.seed, .latency_ns = 2000000, .jitter_ns = 3000000};
  assert_int_equal(pmm_vnet_open(&s->net, &vc, &err), PMM_OK);
  s->xc = (pmm_exchange_config_t){.serve = s->config.serve, .serve_cnt = s->config.serve_cnt, .listing = s->config.listing, .listing_cnt = s->config.listing_cnt,
    .member = s->config.member, .member_cnt = 1, .faults = &s->config.faults, .scenario = &s->config.scenario, .traders = &s->config.traders, .seed = s->config.seed,
    .start_ns = SEA_START_NS, .admin_token = "who holds this is the operator", .secret = sea_secret, .secret_ctx = s, .notices = {.fn = sea_notice, .ctx = s}};
  if (pmm_exchange_open(&s->exchange, &s->xc, &err) != PMM_OK) fail_msg("exchange: %s", err.text);
  for (uint32_t i = 0; i < s->config.serve_cnt; i++) {
    char host[64];
    int32_t const dialect = s->config.serve[i].dialect;
    snprintf(host, sizeof host, "%s.test", dialect >= PMM_SERVE_FEED ? pmm_feed_to_string((pmm_feed_source_t)(dialect - PMM_SERVE_FEED)) : pmm_venue_to_string((pmm_venue_t)(dialect + 1)));
    if (pmm_vnet_host(s->net, host, pmm_exchange_service(s->exchange, i), &err) != PMM_OK) fail_msg("%s", err.text);
  }
}

static inline void sea_start_after(sea_t *s, pmm_live_mode_t mode, uint64_t run_id, const char *record, const pmm_live_kept_t *before) {
  pmm_error_t err;
  pmm_live_config_t lc = {.learned = s->learned, .learned_cnt = s->learned_cnt,
                          .mode = mode, .config = &s->config, .secrets = {.get = sea_secret, .ctx = s}, .run_id = run_id, .before = before, .record = record, .observer = s->observer,
                          .notices = {.fn = sea_notice, .ctx = s}, .persist = sea_persist, .persist_ctx = s};
  if (pmm_live_open(&s->live, s->net, &lc, &err) != PMM_OK) fail_msg("live: %s", err.text);
}

static inline void sea_start(sea_t *s, pmm_live_mode_t mode, uint64_t run_id, const char *record) { sea_start_after(s, mode, run_id, record, NULL); }

static inline void sea_run(sea_t *s, double seconds) { pmm_vnet_run(s->net, pmm_net_mono(s->net) + (int64_t)(seconds * 1e9)); }

/* Stops and lets what is still under way come to its end. */
static inline void sea_stop(sea_t *s) {
  pmm_live_stop(s->live);
  for (int i = 0; i < 100 && pmm_live_phase(s->live) != PMM_LIVE_DONE; i++) sea_run(s, 0.1);
  assert_int_equal(pmm_live_phase(s->live), PMM_LIVE_DONE);
}

static inline uint32_t sea_account(const pmm_place_t *p) {
  for (uint32_t i = 0; i < pmm_place_account_cnt(p); i++)
    if (strcmp(pmm_place_account_name(p, i), "maker") == 0) return i;
  fail_msg("no such account");
  return 0;
}

/* Orders of ours that the exchange ever took. */
static inline uint64_t sea_orders(const sea_t *s, uint32_t venue) {
  const pmm_place_t *const p = pmm_exchange_place(s->exchange, venue);
  uint32_t const account = sea_account(p);
  uint64_t n = 0;
  for (const pmm_place_order_t *o = pmm_place_order_before(p, account, PMM_PLACE_NONE); o; o = pmm_place_order_before(p, account, o->seq)) n++;
  return n;
}

static inline int sea_by_text(const void *a, const void *b) { return strcmp(*(const char *const *)a, *(const char *const *)b); }

/* No client id twice. */
static inline void sea_ids_are_unique(const sea_t *s, uint32_t venue) {
  const pmm_place_t *const p = pmm_exchange_place(s->exchange, venue);
  uint32_t const account = sea_account(p);
  uint64_t const cnt = sea_orders(s, venue);
  const char **const id = calloc(cnt + 1, sizeof *id);
  uint64_t n = 0;
  for (const pmm_place_order_t *o = pmm_place_order_before(p, account, PMM_PLACE_NONE); o; o = pmm_place_order_before(p, account, o->seq))
    id[n++] = *o->client_id ? o->client_id : o->id;
  qsort(id, n, sizeof *id, sea_by_text);
  for (uint64_t i = 1; i < n; i++)
    if (strcmp(id[i - 1], id[i]) == 0) fail_msg("id used twice: %s", id[i]);
  free(id);
}

/* The place's market: by name, or by token where a venue names it otherwise. */
static inline uint32_t sea_market(const pmm_place_t *p, const pmm_market_t *m) {
  const char *const colon = strchr(m->id, ':'), *const id = colon ? colon + 1 : m->id; /* "kalshi:RAIN" where two venues have one */
  for (uint32_t i = 0; i < pmm_place_market_cnt(p); i++) {
    const pmm_market_t *const have = pmm_place_market(p, i);
    if (strcmp(have->id, id) == 0 || (m->token_yes[0] && strcmp(have->token_yes, m->token_yes) == 0)) return i;
  }
  fail_msg("the exchange has no market %s", m->id);
  return 0;
}

/* Whether the engine's book is the exchange's less our own orders, level for level. Messages under way make it differ for an instant. */
static inline bool sea_sees_the_others(sea_t *s, uint32_t venue, bool *with_own) {
  const pmm_place_t *const p = pmm_exchange_place(s->exchange, venue);
  pmm_live_status_t st;
  pmm_live_status(s->live, &st);
  uint32_t const market = st.venue[venue].first_market, at = sea_market(p, pmm_live_market(s->live, market)), account = sea_account(p);
  static int64_t own[2][10001];
  memset(own, 0, sizeof own);
  *with_own = false;
  for (const pmm_place_order_t *o = pmm_place_open_after(p, account, 0); o; o = pmm_place_open_after(p, account, o->seq)) {
    own[pmm_route_side((pmm_route_t)o->route)][o->price_e4] += o->open_e6;
    *with_own = true;
  }
  const pmm_ladder_t *const theirs = pmm_place_ladder(p, at), *const ours = pmm_engine_ladder(pmm_live_engine(s->live), market);
  for (int side = 0; side < 2; side++)
    for (int32_t t = 1; t < theirs->tick_cnt; t++) {
      int32_t const price = t * theirs->tick_e4;
      if (pmm_ladder_qty(ours, (pmm_side_t)side, price / ours->tick_e4) != pmm_ladder_qty(theirs, (pmm_side_t)side, t) - own[side][price]) return false;
    }
  return true;
}

/* Ledger and exchange to the micro-dollar; nothing rests. what: for messages. */
static inline void sea_agrees(sea_t *s, uint32_t venue, const char *what) {
  const pmm_place_t *const p = pmm_exchange_place(s->exchange, venue);
  pmm_error_t err;
  if (pmm_place_check(p, &err) != PMM_OK) fail_msg("%s: the exchange's own books: %s", what, err.text);
  uint32_t const account = sea_account(p);
  const pmm_place_order_t *const open = pmm_place_open_after(p, account, 0);
  if (open) fail_msg("%s: order %s still rests at %d, %" PRId64 " of it", what, open->client_id[0] ? open->client_id : open->id, open->price_e4, open->open_e6);
  int64_t locked, cash = pmm_place_cash(p, account, &locked);
  pmm_ledger_t *const l = pmm_engine_ledger(pmm_live_engine(s->live));
  int64_t const ours = pmm_ledger_wallet_cash(l, venue); /* nothing rests, so whatever nets has been netted */
  if (ours != cash) fail_msg("%s: ledger has %" PRId64 ", exchange %" PRId64 " (%+" PRId64 " millionths)", what, ours, cash, ours - cash);
  pmm_live_status_t st;
  pmm_live_status(s->live, &st);
  for (uint32_t i = 0; i < st.venue[venue].market_cnt; i++) {
    uint32_t const market = st.venue[venue].first_market + i;
    int64_t yes = 0, no = 0;
    for (uint32_t k = 0; k < pmm_live_slot_cnt(s->live); k++) {
      pmm_position_t pos;
      if (pmm_live_slot(s->live, k)->market != market) continue;
      pmm_ledger_position(l, k, &pos);
      yes += pos.yes_e6;
      no += pos.no_e6;
    }
    pmm_place_holding_t h = {0};
    uint32_t const at = sea_market(p, pmm_live_market(s->live, market));
    pmm_place_holding(p, account, at, &h);
    bool const net = pmm_live_market(s->live, market)->venue != PMM_VENUE_POLYMARKET;
    bool const same = net ? yes - no == h.yes_e6 - h.no_e6 : yes == h.yes_e6 && no == h.no_e6;
    if (!same) fail_msg("%s: %s: ledger holds %" PRId64 "/%" PRId64 ", exchange %" PRId64 "/%" PRId64, what, pmm_live_market(s->live, market)->id, yes, no, h.yes_e6, h.no_e6);
  }
}

static inline void sea_close(sea_t *s) {
  pmm_live_close(s->live);
  pmm_vnet_close(s->net);
  pmm_exchange_close(s->exchange);
}
#endif
