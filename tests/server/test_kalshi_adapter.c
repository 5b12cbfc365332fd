/* The adapter to Kalshi against the dialect, in virtual time: a driver that places, cancels and amends at random while another account trades
   into its orders, with nothing going wrong and with everything going wrong. At the end nothing rests, every order has had its end, and what
   the driver was told adds up to the exchange's own books to the micro-dollar. */
#include <unistd.h>
#include "base/check.h"
#include "pmm/book.h"
#include "pmm/kalshi.h"
#include "pmm/server.h"
#include "pmm/venue.h"

#define NOW0 (INT64_C(1790000000) * PMM_NS_PER_S)
#define S PMM_NS_PER_S
#define MS PMM_NS_PER_MS
#define ORDERS 20000
#define MARKETS 2
#define CASH (INT64_C(100000) * PMM_ONE_E6)

static const char *const tickers[MARKETS] = {"KXT-26NOV20-A", "KXT-26NOV20-B"};

typedef struct told { /* an order as the driver knows it */
  uint32_t market; uint8_t side, tif; int32_t price_e4;
  int64_t qty_e6, filled_e6, least_e6;  /* least: of its size, when the venue says how much was filled in all */
  bool acked, over, lost, cancel_sent, amending;
} told_t;

typedef struct world {
  pmm_net_t *net;
  pmm_place_t *place;
  pmm_service_t *dialect, *faulty;
  pmm_kalshi_key_t *key;
  char pem[PMM_KALSHI_PEM_BUF], key_file[80];
  uint32_t alice, bob, market[MARKETS];
  pmm_adapter_t *adapter;
  told_t told[ORDERS];
  uint32_t told_cnt, open_cnt;
  int64_t position_e6[MARKETS], cash_e6, fees_e6;
  pmm_ladder_t book[MARKETS]; pmm_arena_t arena; pmm_grid_t grid[MARKETS]; bool whole[MARKETS];
  uint32_t market_cnt, reports, quiet_reports, adopted, gaps, alerts, fills;
  int64_t report_cash_e6;
  bool discovered, ready, stopped; uint32_t left; uint64_t readies;
  bool failed;
  char life[MARKETS]; int64_t payout_e6[MARKETS];
} world_t;

/* -- the driver's side -- */

static void on_discovered(void *ctx, const pmm_market_t *market, uint32_t cnt) {
  world_t *const w = ctx;
  w->market_cnt = cnt;
  w->discovered = true;
  for (uint32_t i = 0; i < cnt && i < MARKETS; i++) {
    w->grid[i] = market[i].grid;
    assert_int_equal(pmm_market_check(&market[i], NULL), PMM_OK);
  }
}
static void on_failed(void *ctx, const pmm_error_t *err, bool retrying) {
  world_t *const w = ctx;
  if (getenv("PMM_TEST_LOUD")) printf("failed%s: %s\n", retrying ? ", retrying" : "", err->text);
  w->failed |= !retrying;
}
static void on_md(void *ctx, const pmm_md_t *md, size_t cnt) {
  world_t *const w = ctx;
  for (size_t i = 0; i < cnt; i++) {
    int64_t old;
    uint32_t const m = md[i].market - 7;
    assert_true(m < MARKETS);
    if (md[i].kind == PMM_MD_GAP) w->whole[m] = false, w->gaps++;
    if (md[i].kind == PMM_MD_CLEAR) w->whole[m] = true;
    if (md[i].kind == PMM_MD_STATUS) w->life[m] = (char)md[i].aux, w->payout_e6[m] = md[i].qty_e6;
    if (md[i].kind == PMM_MD_LEVEL) assert_true(w->whole[m]); /* nothing is told of a book that is not trusted */
    assert_int_equal(pmm_book_apply(&w->book[m], &w->grid[m], &md[i], &old), PMM_OK);
  }
}

static void end(world_t *w, told_t *t) {
  if (!t->over) w->open_cnt--;
  t->over = true;
}

static void on_fill(world_t *w, told_t *t, const pmm_event_t *ev) {
  t->filled_e6 += ev->md.qty_e6;
  if (t->filled_e6 > t->qty_e6) fail_msg("order %llx filled beyond its size", (unsigned long long)ev->order_id);
  assert_int_equal(ev->md.side, t->side);
  int64_t const cash = pmm_notional_floor(ev->md.price_e4, ev->md.qty_e6);
  w->cash_e6 += (t->side == PMM_BID ? -cash : cash) - ev->amount_e6;
  w->position_e6[t->market] += t->side == PMM_BID ? ev->md.qty_e6 : -ev->md.qty_e6;
  w->fees_e6 += ev->amount_e6;
  w->fills++;
  if (t->filled_e6 == t->qty_e6) end(w, t);
}

static void on_account(void *ctx, const pmm_event_t *ev) {
  world_t *const w = ctx;
  uint64_t const n = (ev->order_id & UINT32_MAX) - 1;
  if (ev->order_id >> 32 != 5) return; /* an order found at the start */
  assert_true(n < w->told_cnt);
  told_t *const t = &w->told[n];
  assert_int_equal(ev->md.market, 7 + t->market);
  if (getenv("PMM_TEST_LOUD") && atoi(getenv("PMM_TEST_LOUD")) > 1) printf("%lld order %llu kind %d qty %lld amount %lld aux %d\n", (long long)((ev->md.recv_ns - NOW0) / MS), (unsigned long long)n, ev->md.kind, (long long)ev->md.qty_e6, (long long)ev->amount_e6, ev->md.aux);
  switch (ev->md.kind) {
  case PMM_EV_ACK: t->acked = true; break;
  case PMM_EV_FILL: on_fill(w, t, ev); break;
  case PMM_EV_LOST: t->lost = true; break;
  case PMM_EV_REJECT:
    assert_false(t->acked);
    assert_int_equal(t->filled_e6, 0);
    end(w, t);
    break;
  case PMM_EV_CANCELLED:
  case PMM_EV_EXPIRED:
    assert_false(t->over && t->filled_e6 < t->qty_e6);
    t->least_e6 = t->qty_e6 - ev->md.qty_e6;
    end(w, t);
    break;
  case PMM_EV_CANCEL_REJECT: t->cancel_sent = false; break;
  case PMM_EV_AMEND_REJECT: t->amending = false; break;
  case PMM_EV_AMENDED:
    t->amending = false;
    t->qty_e6 = ev->amount_e6 + ev->md.qty_e6;
    if (t->filled_e6 == t->qty_e6) end(w, t);
    break;
  case PMM_EV_ORDER_STATE:
    t->lost = t->cancel_sent = t->amending = false;
    t->qty_e6 = ev->md.qty_e6 > 0 ? ev->md.qty_e6 + ev->amount_e6 : t->qty_e6;
    if (ev->md.qty_e6 == 0) {
      t->least_e6 = ev->amount_e6;
      end(w, t);
    }
    break;
  default: fail_msg("event of kind %d", ev->md.kind);
  }
}

static void on_report(void *ctx, const pmm_account_report_t *r) {
  world_t *const w = ctx;
  w->reports++;
  w->report_cash_e6 = r->cash_e6;
  if (r->takeover) w->adopted += (uint32_t)r->order_cnt;
  if (r->takeover || r->in_flight > 0) return;
  w->quiet_reports++;
  for (size_t i = 0; i < r->holding_cnt; i++) {
    uint32_t const m = r->holding[i].market - 7;
    assert_true(m < MARKETS);
    if (r->holding[i].yes_e6 - r->holding[i].no_e6 != w->position_e6[m]) fail_msg("market %u: %lld told, %lld had", m, (long long)w->position_e6[m], (long long)(r->holding[i].yes_e6 - r->holding[i].no_e6));
  }
}
static void on_ready(void *ctx, bool ready, const char *why) {
  world_t *const w = ctx;
  if (getenv("PMM_TEST_LOUD")) printf("ready %d %s\n", ready, why);
  w->ready = ready;
  w->readies += ready;
}
static void on_stopped(void *ctx, uint32_t left) {
  world_t *const w = ctx;
  w->stopped = true;
  w->left = left;
}
static void on_notice(void *ctx, const pmm_notice_t *n) {
  world_t *const w = ctx;
  if (getenv("PMM_TEST_LOUD")) printf("%lld %s %s: %s\n", (long long)((n->at_ns - NOW0) / MS), n->severity == PMM_ALERT ? "ALERT" : "notice", n->code, n->text);
  w->alerts += n->severity == PMM_ALERT;
  assert_null(strstr(n->text, "PRIVATE"));
}
static const char *on_secret(void *ctx, const char *name) {
  world_t *const w = ctx;
  return strcmp(name, "KALSHI_API_KEY_ID") == 0 ? "key-alice" : strcmp(name, "KALSHI_PRIVATE_KEY") == 0 ? w->pem : NULL;
}

/* -- the world -- */

static void add_member(world_t *w) {
  pmm_member_params_t m = {.cash_e6 = CASH};
  char pem[PMM_KALSHI_PEM_BUF];
  snprintf(m.name, sizeof m.name, "alice");
  snprintf(m.kalshi_key_id, sizeof m.kalshi_key_id, "key-alice");
  snprintf(w->key_file, sizeof w->key_file, "/tmp/pmm-test-adapter-%d.pem", (int)getpid());
  snprintf(m.kalshi_public_key, sizeof m.kalshi_public_key, "%s", w->key_file);
  assert_int_equal(pmm_kalshi_key_generate(&w->key, true, NULL), PMM_OK);
  assert_int_equal(pmm_kalshi_key_pem(w->key, false, pem, sizeof pem), PMM_OK);
  assert_int_equal(pmm_kalshi_key_pem(w->key, true, w->pem, sizeof w->pem), PMM_OK);
  FILE *const f = fopen(w->key_file, "wb");
  assert_non_null(f);
  fputs(pem, f);
  fclose(f);
  assert_int_equal(pmm_place_account_add(w->place, "alice", CASH, &w->alice, NULL), PMM_OK);
  assert_int_equal(pmm_place_account_add(w->place, "bob", CASH, &w->bob, NULL), PMM_OK);
  assert_int_equal(pmm_kalshi_dialect.member(w->dialect, w->alice, &m, NULL), PMM_OK);
}

static void add_markets(world_t *w, int64_t duration_ns) {
  for (int i = 0; i < MARKETS; i++) {
    pmm_listing_params_t l = {.tick_e4 = 100, .duration_ns = duration_ns, .taker_rate = -1, .maker_rate = -1};
    pmm_market_t m;
    pmm_error_t err = {0};
    snprintf(l.id, sizeof l.id, "%s", tickers[i]);
    if (pmm_kalshi_dialect.market(&l, NOW0, 1, &m, &err) != PMM_OK || pmm_place_market_add(w->place, &m, NOW0, &w->market[i], &err) != PMM_OK ||
        pmm_kalshi_dialect.list(w->dialect, w->market[i], &l, &err) != PMM_OK) fail_msg("%s", err.text);
  }
}

static pmm_venue_params_t usual(void) {
  pmm_venue_params_t p = {.venue = PMM_VENUE_KALSHI - 1, .rest = "http://venue", .ws = "ws://venue", .markets = "KXT-26NOV20-A event:KXT-26NOV20", .open_orders = PMM_OPEN_CANCEL,
                          .reconcile_ns = 5 * S, .dead_man_ns = 20 * S, .request_timeout_ns = 3 * S, .stale_ns = 60 * S, .skew_max_ns = 2 * S, .batch_max = 10};
  return p;
}

static world_t *world_open(uint64_t seed, const pmm_faults_params_t *faults, int64_t duration_ns) {
  world_t *const w = calloc(1, sizeof *w);
  pmm_error_t err = {0};
  pmm_vnet_config_t const net = {.start_ns = NOW0, .seed = seed, .latency_ns = 5 * MS, .jitter_ns = 5 * MS};
  pmm_place_config_t const place = {.venue = PMM_VENUE_KALSHI, .accounts_max = 8, .markets_max = 8, .seed = seed};
  assert_int_equal(pmm_vnet_open(&w->net, &net, &err), PMM_OK);
  assert_int_equal(pmm_place_open(&w->place, &place, &err), PMM_OK);
  pmm_dialect_config_t const dialect = {.serve = {.rate_limit = true}, .place = w->place, .seed = seed};
  assert_int_equal(pmm_kalshi_dialect.open(&w->dialect, &dialect, &err), PMM_OK);
  add_member(w);
  add_markets(w, duration_ns);
  assert_int_equal(pmm_faults_open(&w->faulty, w->dialect, faults, &pmm_kalshi_dialect.bodies, &err), PMM_OK);
  assert_int_equal(pmm_vnet_host(w->net, "venue", w->faulty, &err), PMM_OK);
  assert_int_equal(pmm_arena_open(&w->arena, MARKETS * (pmm_ladder_bytes(10000) + 64)), PMM_OK);
  for (int i = 0; i < MARKETS; i++) {
    assert_int_equal(pmm_ladder_init(&w->book[i], &w->arena, 100, 10000), PMM_OK);
    assert_int_equal(pmm_grid_uniform(&w->grid[i], 100), PMM_OK);
  }
  w->cash_e6 = CASH;
  return w;
}

static void pass(world_t *w, int64_t ns) { pmm_vnet_run(w->net, pmm_net_mono(w->net) + ns); }

static void open_adapter(world_t *w, const pmm_venue_params_t *params) {
  pmm_error_t err = {0};
  pmm_venue_sink_t const sink = {w, on_discovered, on_failed, on_md, on_account, on_report, on_ready, on_stopped, {on_notice, w}};
  if (pmm_kalshi_ops.open(&w->adapter, w->net, params, &(pmm_secrets_t){on_secret, w}, false, 5, &sink, &err) != PMM_OK) fail_msg("%s", err.text);
  for (int i = 0; i < 600 && !w->discovered; i++) pass(w, 100 * MS);
  assert_true(w->discovered);
  pmm_kalshi_ops.start(w->adapter, 7, PMM_TIME_NONE);
  for (int i = 0; i < 600 && !w->ready; i++) pass(w, 100 * MS);
  assert_true(w->ready);
}

static void world_close(world_t *w) {
  pmm_error_t err = {0};
  if (pmm_place_check(w->place, &err) != PMM_OK) fail_msg("%s", err.text);
  pmm_kalshi_ops.close(w->adapter);
  pmm_vnet_close(w->net);
  pmm_faults_close(w->faulty);
  pmm_kalshi_dialect.close(w->dialect);
  pmm_place_close(w->place);
  pmm_arena_close(&w->arena);
  pmm_kalshi_key_free(w->key);
  unlink(w->key_file);
  free(w);
}

/* -- what the driver does -- */

static uint64_t place(world_t *w, uint32_t market, pmm_side_t side, int32_t price_e4, int64_t qty_e6, pmm_tif_t tif) {
  uint64_t const n = w->told_cnt++;
  assert_true(n < ORDERS);
  w->told[n] = (told_t){.market = market, .side = (uint8_t)side, .tif = (uint8_t)tif, .price_e4 = price_e4, .qty_e6 = qty_e6};
  w->open_cnt++;
  pmm_action_t const a = {.order_id = UINT64_C(5) << 32 | (n + 1), .qty_e6 = qty_e6, .price_e4 = price_e4, .market = 7 + market, .kind = PMM_ACT_PLACE,
                          .route = side == PMM_BID ? PMM_BUY_YES : PMM_BUY_NO, .tif = (uint8_t)tif, .flags = tif == PMM_GTC ? PMM_ACT_POST_ONLY : 0};
  pmm_kalshi_ops.submit(w->adapter, &a, 1);
  return n;
}
static void cancel(world_t *w, uint64_t n) {
  pmm_action_t const a = {.order_id = UINT64_C(5) << 32 | (n + 1), .market = 7 + w->told[n].market, .kind = PMM_ACT_CANCEL};
  w->told[n].cancel_sent = true;
  pmm_kalshi_ops.submit(w->adapter, &a, 1);
}
static void shrink(world_t *w, uint64_t n, int64_t open_e6, int32_t price_e4) {
  pmm_action_t const a = {.order_id = UINT64_C(5) << 32 | (n + 1), .market = 7 + w->told[n].market, .kind = PMM_ACT_AMEND, .qty_e6 = open_e6, .price_e4 = price_e4};
  w->told[n].amending = true;
  pmm_kalshi_ops.submit(w->adapter, &a, 1);
}

static int64_t bob(world_t *w, uint32_t market, pmm_side_t side, int32_t price_e4, int64_t qty_e6) {
  pmm_place_answer_t answer;
  pmm_place_request_t const r = {.account = w->bob, .market = w->market[market], .route = side == PMM_BID ? PMM_BUY_YES : PMM_BUY_NO, .price_e4 = price_e4, .qty_e6 = qty_e6,
                                 .tif = PMM_IOC, .stp = -1};
  pmm_place_order(w->place, &r, pmm_net_now(w->net), &answer);
  return answer.filled_e6;
}

static uint64_t any_open(world_t *w, pmm_rng_t *rng) {
  for (int i = 0; i < 50; i++) {
    uint64_t const n = w->told_cnt > 40 ? w->told_cnt - 1 - pmm_rng_below(rng, 40) : pmm_rng_below(rng, w->told_cnt);
    if (w->told[n].acked && !w->told[n].over && !w->told[n].lost) return n;
  }
  return UINT64_MAX;
}

static void act(world_t *w, pmm_rng_t *rng) {
  uint32_t const market = (uint32_t)pmm_rng_below(rng, MARKETS);
  pmm_side_t const side = (pmm_side_t)pmm_rng_below(rng, 2);
  int32_t const away = (int32_t)pmm_rng_below(rng, 4) * 100, price = side == PMM_BID ? 4900 - away : 5100 + away;
  int64_t const qty = (int64_t)(1 + pmm_rng_below(rng, 2000)) * 10000;
  uint64_t const what = pmm_rng_below(rng, 10);
  if (what < 3 && w->ready && w->open_cnt < 30) place(w, market, side, price, qty, PMM_GTC);
  else if (what == 3 && w->ready) place(w, market, side, side == PMM_BID ? 5200 : 4800, qty / 20000 * 10000 + 10000, PMM_IOC);
  else if (what < 6 && w->told_cnt > 0) {
    uint64_t const n = any_open(w, rng);
    if (n != UINT64_MAX && !w->told[n].cancel_sent) cancel(w, n);
  } else if (what == 6 && w->told_cnt > 0) {
    uint64_t const n = any_open(w, rng);
    told_t *const t = n != UINT64_MAX ? &w->told[n] : NULL;
    if (t && !t->cancel_sent && !t->amending && t->qty_e6 - t->filled_e6 > 20000) shrink(w, n, (t->qty_e6 - t->filled_e6) / 20000 * 10000, t->price_e4);
  } else if (what > 6) {
    bob(w, market, side, side == PMM_BID ? 5300 : 4700, (int64_t)(1 + pmm_rng_below(rng, 1500)) * 10000);
  }
}

/* Everything must have come to its end, and both sides say the same. */
static void settle(world_t *w) {
  pmm_kalshi_ops.stop(w->adapter, pmm_net_mono(w->net) + 120 * S);
  for (int i = 0; i < 1300 && !w->stopped; i++) pass(w, 100 * MS);
  assert_true(w->stopped);
  assert_int_equal(w->left, 0);
  assert_null(pmm_place_open_after(w->place, w->alice, 0));
}

static void compare(world_t *w) {
  int64_t locked, no_e6 = 0;
  for (uint32_t m = 0; m < MARKETS; m++) {
    pmm_place_holding_t h;
    pmm_place_holding(w->place, w->alice, w->market[m], &h);
    if (h.yes_e6 - h.no_e6 != w->position_e6[m]) fail_msg("market %u: told %lld, has %lld", m, (long long)w->position_e6[m], (long long)(h.yes_e6 - h.no_e6));
    no_e6 += w->position_e6[m] < 0 ? -w->position_e6[m] : 0;
  }
  assert_int_equal(pmm_place_cash(w->place, w->alice, &locked), w->cash_e6 - no_e6); /* a NO held has cost its dollar's other part */
  for (uint32_t n = 0; n < w->told_cnt; n++) {
    const told_t *const t = &w->told[n];
    if (!t->over) fail_msg("order %u has had no end", n);
    if (t->filled_e6 < t->least_e6) fail_msg("order %u: %lld filled, %lld told", n, (long long)t->least_e6, (long long)t->filled_e6);
  }
}

static void run(uint64_t seed, const pmm_faults_params_t *faults, int64_t step_ns, int steps, bool books) {
  world_t *const w = world_open(seed, faults, 3600 * S * 24);
  pmm_venue_params_t const params = usual();
  pmm_faults_params_t const none = {.seed = seed};
  pmm_rng_t rng;
  pmm_rng_seed(&rng, seed);
  open_adapter(w, &params);
  for (int i = 0; i < steps; i++) {
    act(w, &rng);
    pass(w, step_ns);
  }
  pmm_faults_set(w->faulty, &none); /* so that the end can be compared */
  for (int i = 0; i < 1200 && w->open_cnt > 0; i++) {
    for (uint32_t n = 0; n < w->told_cnt; n++)
      if (!w->told[n].over && w->told[n].acked && !w->told[n].lost && !w->told[n].cancel_sent) cancel(w, n);
    pass(w, 100 * MS);
  }
  pass(w, 70 * S); /* several reconciliations */
  if (books)
    for (uint32_t m = 0; m < MARKETS; m++) {
      if (!w->whole[m]) fail_msg("book %u is not whole", m);
      assert_int_equal(pmm_ladder_hash(&w->book[m]), pmm_ladder_hash(pmm_place_ladder(w->place, w->market[m])));
    }
  settle(w);
  compare(w);
  assert_true(w->fills > 10 && w->told_cnt > 50 && w->quiet_reports > 0);
  assert_false(w->failed);
  printf("seed %llu: %u orders, %u fills, %u reports, %llu times ready, %u gaps\n", (unsigned long long)seed, w->told_cnt, w->fills, w->reports, (unsigned long long)w->readies, w->gaps);
  world_close(w);
}

static void nothing_goes_wrong(void **state) {
  (void)state;
  run(check_env_u64("PMM_TEST_SEED", 1), &(pmm_faults_params_t){.seed = 1}, 60 * MS, (int)check_ops(3000), true);
}

/* One thing after another, then everything at once. */
static void things_go_wrong(void **state) {
  (void)state;
  static const struct { const char *why; pmm_faults_params_t faults; } rows[] = {
      {"requests vanish", {.drop_request = 0.05}},
      {"answers vanish", {.drop_answer = 0.05}},
      {"gateways fail before", {.error_5xx = 0.05}},
      {"gateways fail behind", {.error_5xx_after = 0.05}},
      {"too many requests", {.rate_limited = 0.05}},
      {"everything is late", {.delay_ns = 300 * MS, .delay_jitter_ns = 700 * MS}},
      {"messages come twice", {.duplicate = 0.02}},
      {"messages change places", {.reorder = 0.02}},
      {"messages are missing", {.lose = 0.02}},
      {"connections break", {.disconnect_per_s = 0.1}},
      {"connections fall silent", {.mute_per_s = 0.02, .mute_ns = 40 * S}},
      {"all of it", {.delay_ns = 20 * MS, .delay_jitter_ns = 100 * MS, .drop_request = 0.01, .drop_answer = 0.01, .error_5xx = 0.01, .error_5xx_after = 0.01, .rate_limited = 0.01,
                     .duplicate = 0.003, .reorder = 0.003, .lose = 0.003, .disconnect_per_s = 0.02, .mute_per_s = 0.005, .mute_ns = 40 * S, .slow_read_per_s = 0.01, .slow_ns = 3 * S}},
  };
  uint64_t const first = check_env_u64("PMM_TEST_SEED", 1), seeds = check_env_u64("PMM_TEST_SEEDS", 1), only = check_env_u64("PMM_TEST_ROW", UINT64_MAX);
  for (size_t i = 0; i < COUNT_OF(rows); i++)
    for (uint64_t seed = first; seed < first + seeds; seed++) {
      pmm_faults_params_t f = rows[i].faults;
      f.seed = seed;
      if (only != UINT64_MAX && only != i) continue;
      printf("%s: ", rows[i].why);
      fflush(stdout);
      run(seed, &f, 100 * MS, (int)check_ops(1500), true);
    }
}

/* The process dies: nobody renews its orders, and each ends by itself within the switch's time. While it lives they rest for as long as it likes. */
static void a_dead_client_leaves_nothing(void **state) {
  (void)state;
  world_t *const w = world_open(3, &(pmm_faults_params_t){.seed = 3}, 24 * 3600 * S);
  pmm_venue_params_t const params = usual();
  open_adapter(w, &params);
  for (uint32_t m = 0; m < MARKETS; m++) place(w, m, PMM_BID, 4000, PMM_ONE_E6, PMM_GTC);
  pass(w, 300 * S); /* fifteen times the switch's time */
  for (uint32_t n = 0; n < MARKETS; n++) assert_true(w->told[n].acked && !w->told[n].over);
  pmm_kalshi_ops.close(w->adapter);
  w->adapter = NULL;
  assert_non_null(pmm_place_open_after(w->place, w->alice, 0));
  pass(w, params.dead_man_ns + 3 * S);
  assert_null(pmm_place_open_after(w->place, w->alice, 0));
  world_close(w);
}

static void rest_by_hand(world_t *w, const char *client_id) {
  pmm_place_answer_t answer;
  pmm_place_request_t const r = {.account = w->alice, .market = w->market[1], .route = PMM_BUY_YES, .price_e4 = 3000, .qty_e6 = 5 * PMM_ONE_E6, .tif = PMM_GTC, .stp = -1, .client_id = client_id};
  pmm_place_order(w->place, &r, pmm_net_now(w->net), &answer);
  assert_int_equal(answer.reject, PMM_REJECT_NONE);
}

/* What rests at the start is cancelled or adopted, as the user wishes; what turns up later is nobody's and goes. */
static void what_is_found_at_the_start(void **state) {
  (void)state;
  for (int adopt = 0; adopt < 2; adopt++) {
    world_t *const w = world_open(4, &(pmm_faults_params_t){.seed = 4}, 24 * 3600 * S);
    pmm_venue_params_t params = usual();
    params.open_orders = adopt ? PMM_OPEN_ADOPT : PMM_OPEN_CANCEL;
    rest_by_hand(w, "by-hand");
    rest_by_hand(w, "pmm-0000000400000001");
    open_adapter(w, &params);
    assert_int_equal(w->adopted, adopt ? 2 : 0);
    assert_int_equal(pmm_place_open_after(w->place, w->alice, 0) != NULL, adopt);
    if (!adopt) {
      rest_by_hand(w, "later");
      pass(w, 15 * S);
      assert_null(pmm_place_open_after(w->place, w->alice, 0));
    }
    settle(w);
    world_close(w);
  }
}

static void everything_at_once(void **state) {
  (void)state;
  world_t *const w = world_open(5, &(pmm_faults_params_t){.seed = 5}, 24 * 3600 * S);
  pmm_venue_params_t const params = usual();
  open_adapter(w, &params);
  for (int i = 0; i < 8; i++) place(w, (uint32_t)i % MARKETS, PMM_BID, 4000 - 100 * i, PMM_ONE_E6, PMM_GTC);
  pass(w, 3 * S);
  rest_by_hand(w, "unknown");
  pmm_kalshi_ops.cancel_all(w->adapter);
  pass(w, 3 * S);
  for (int i = 0; i < 8; i++) assert_true(w->told[i].over);
  pass(w, 12 * S);
  assert_null(pmm_place_open_after(w->place, w->alice, 0));
  uint64_t const n = place(w, 0, PMM_BID, 4000, PMM_ONE_E6, PMM_GTC); /* the order group is set back first */
  pass(w, 3 * S);
  assert_true(w->told[n].acked && !w->told[n].over);
  settle(w);
  compare(w);
  world_close(w);
}

/* Out of reach at the stop: that it knows of no order is no proof that none rests. */
static void a_stop_in_vain(void **state) {
  (void)state;
  for (int orders = 0; orders < 2; orders++) {
    world_t *const w = world_open(7, &(pmm_faults_params_t){.seed = 7}, 24 * 3600 * S);
    pmm_venue_params_t const params = usual();
    open_adapter(w, &params);
    if (orders) place(w, 0, PMM_BID, 4000, PMM_ONE_E6, PMM_GTC);
    pass(w, S);
    pmm_vnet_cable(w->net, "venue", false);
    pmm_kalshi_ops.stop(w->adapter, pmm_net_mono(w->net) + 5 * S);
    pass(w, 4 * S);
    assert_false(w->stopped);
    pass(w, 2 * S);
    assert_true(w->stopped && w->left == (orders ? 1 : PMM_ORDERS_LEFT_UNKNOWN));
    world_close(w);
  }
}

/* Closing sends no message; the result comes by the socket. */
static void a_market_ends(void **state) {
  (void)state;
  world_t *const w = world_open(6, &(pmm_faults_params_t){.seed = 6}, 60 * S);
  pmm_venue_params_t const params = usual();
  open_adapter(w, &params);
  uint64_t const n = place(w, 0, PMM_BID, 4000, PMM_ONE_E6, PMM_GTC);
  pass(w, 70 * S);
  assert_int_equal(w->life[0], PMM_LIFE_CLOSED);
  assert_true(w->told[n].over);
  uint64_t const late = place(w, 0, PMM_BID, 4000, PMM_ONE_E6, PMM_GTC);
  assert_true(w->told[late].over); /* refused at once */
  assert_int_equal(pmm_place_life(w->place, w->market[0], pmm_net_now(w->net), PMM_LIFE_RESOLVED, PMM_OUTCOME_YES, PMM_ONE_E6), PMM_OK);
  pass(w, 40 * S);
  assert_int_equal(w->life[0], PMM_LIFE_RESOLVED);
  assert_int_equal(w->payout_e6[0], PMM_ONE_E6);
  settle(w);
  world_close(w);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(nothing_goes_wrong),
      cmocka_unit_test(things_go_wrong),
      cmocka_unit_test(a_dead_client_leaves_nothing),
      cmocka_unit_test(what_is_found_at_the_start),
      cmocka_unit_test(everything_at_once),
      cmocka_unit_test(a_stop_in_vain),
      cmocka_unit_test(a_market_ends),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
