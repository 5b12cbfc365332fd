/* The Polymarket adapter (pmm/venue.h) against the Polymarket dialect over a network in virtual time: what the adapter tells its driver must be
   what happened on the exchange, whatever the network and the venue do. */
#include "base/check.h"
#include "pmm/decimal.h"
#include "pmm/polymarket.h"
#include "pmm/server.h"
#include "pmm/venue.h"
#include "server/polymarket/dialect.h"

#define SEC PMM_NS_PER_S
#define MS PMM_NS_PER_MS
#define ORDERS_MAX 4096
#define START_NS (INT64_C(1700000000) * SEC)
#define SHARE PMM_ONE_E6

typedef struct seen { uint64_t id; uint8_t route; uint32_t acks, rejects, fills, cancelled, lost, states, settled, failed, cancel_rejects; uint8_t reason; int64_t filled_e6, open_e6, fee_e6, state_open_e6; bool maker; int32_t price_e4; } seen_t;
typedef struct told { uint64_t ref; uint64_t order; int64_t qty_e6; bool undone; } told_t;

typedef struct world {
  pmm_net_t *net;
  pmm_place_t *place;
  pmm_service_t *dialect, *faulty;
  pmm_adapter_t *adapter;
  uint32_t market, us, other;
  pmm_market_t listed;
  uint32_t discovered, reports, readies, gaps, ticks, phases, stopped, left, clears, prints;
  uint8_t phase;
  bool ready, failed, start_at_once;
  pmm_account_report_t last;
  pmm_order_report_t adopted[8];
  pmm_holding_report_t holding;
  seen_t order[ORDERS_MAX]; uint32_t order_cnt;
  told_t told[ORDERS_MAX]; uint32_t told_cnt;
  uint64_t id, others;
  char why[128];
} world_t;

/* -- the driver's side -- */
static void on_discovered(void *ctx, const pmm_market_t *market, uint32_t cnt) {
  world_t *const w = ctx;
  assert_int_equal(cnt, 1);
  w->listed = market[0];
  w->discovered++;
  if (w->start_at_once) pmm_polymarket_ops.start(w->adapter, 7, PMM_TIME_NONE);
}
static void on_failed(void *ctx, const pmm_error_t *err, bool retrying) {
  world_t *const w = ctx;
  snprintf(w->why, sizeof w->why, "%.120s", err->text);
  w->failed = !retrying;
}
static void on_md(void *ctx, const pmm_md_t *md, size_t cnt) {
  world_t *const w = ctx;
  for (size_t i = 0; i < cnt; i++) {
    assert_int_equal(md[i].market, 7);
    w->gaps += md[i].kind == PMM_MD_GAP;
    w->ticks += md[i].kind == PMM_MD_TICK;
    w->clears += md[i].kind == PMM_MD_CLEAR;
    w->prints += md[i].kind == PMM_MD_TRADE;
    if (md[i].kind == PMM_MD_PHASE) w->phases++, w->phase = md[i].aux;
  }
}
static seen_t *order_of(world_t *w, uint64_t id) {
  for (uint32_t i = 0; i < w->order_cnt; i++)
    if (w->order[i].id == id) return &w->order[i];
  assert_true(w->order_cnt < ORDERS_MAX);
  w->order[w->order_cnt] = (seen_t){.id = id};
  return &w->order[w->order_cnt++];
}
static void on_fill(world_t *w, seen_t *o, const pmm_event_t *ev) {
  for (uint32_t i = 0; i < w->told_cnt; i++)
    if (w->told[i].ref == ev->ref_id && w->told[i].order == ev->order_id) fail_msg("a fill was told twice");
  assert_true(w->told_cnt < ORDERS_MAX);
  w->told[w->told_cnt++] = (told_t){ev->ref_id, ev->order_id, ev->md.qty_e6, false};
  o->fills++;
  o->filled_e6 += ev->md.qty_e6;
  o->fee_e6 += ev->amount_e6;
  o->maker = (ev->md.flags & PMM_F_MAKER) != 0;
  o->price_e4 = ev->md.price_e4;
}
static void on_settle(world_t *w, const pmm_event_t *ev) {
  for (uint32_t i = 0; i < w->told_cnt; i++) {
    if (w->told[i].ref != ev->ref_id || w->told[i].order != ev->order_id) continue;
    seen_t *const o = order_of(w, ev->order_id);
    if (ev->md.kind == PMM_EV_SETTLED) o->settled++;
    else {
      assert_false(w->told[i].undone);
      w->told[i].undone = true;
      o->failed++;
      o->filled_e6 -= w->told[i].qty_e6;
    }
    return;
  }
  fail_msg("a settlement of a fill that was never told");
}
static void on_account(void *ctx, const pmm_event_t *ev) {
  world_t *const w = ctx;
  seen_t *const o = order_of(w, ev->order_id);
  assert_int_equal(ev->md.market, 7);
  switch (ev->md.kind) {
  case PMM_EV_ACK: o->acks++; break;
  case PMM_EV_REJECT: o->rejects++; o->reason = ev->md.aux; break;
  case PMM_EV_FILL: on_fill(w, o, ev); break;
  case PMM_EV_CANCELLED: o->cancelled++; o->open_e6 = ev->md.qty_e6; o->reason = ev->md.aux; break;
  case PMM_EV_CANCEL_REJECT: o->cancel_rejects++; break;
  case PMM_EV_LOST: o->lost++; break;
  case PMM_EV_ORDER_STATE: o->states++; o->state_open_e6 = ev->md.qty_e6; break;
  case PMM_EV_SETTLED: case PMM_EV_SETTLE_FAILED: on_settle(w, ev); break;
  default: fail_msg("event kind %d", ev->md.kind);
  }
}
static void on_report(void *ctx, const pmm_account_report_t *r) {
  world_t *const w = ctx;
  w->reports++;
  w->last = *r;
  for (size_t i = 0; i < r->order_cnt && i < COUNT_OF(w->adopted); i++) w->adopted[i] = r->order[i];
  w->holding = r->holding_cnt > 0 ? r->holding[0] : (pmm_holding_report_t){0};
}
static void on_ready(void *ctx, bool ready, const char *why) {
  world_t *const w = ctx;
  w->ready = ready;
  w->readies++;
  snprintf(w->why, sizeof w->why, "%s", why);
}
static void on_stopped(void *ctx, uint32_t left) { world_t *const w = ctx; w->stopped++; w->left = left; }
static void on_notice(void *ctx, const pmm_notice_t *n) {
  (void)ctx;
  assert_null(strstr(n->text, "ac0974bec39a17e3")); /* the key */
  if (getenv("PMM_TEST_VERBOSE")) printf("  %lld.%03lld [%s] %s\n", (long long)(n->at_ns / SEC % 1000), (long long)(n->at_ns / MS % 1000), n->code, n->text);
}

static const char *secret(void *ctx, const char *name) {
  const char *const *const list = ctx; /* name, value, ..., NULL */
  for (size_t i = 0; list && list[i]; i += 2)
    if (strcmp(list[i], name) == 0) return list[i + 1];
  return NULL;
}
static const char *const usual_secrets[] = {"PK", "0xac0974bec39a17e36ba4a6b4d238ff944bacb478cbed5efcae784d7bf4f2ff80", NULL};

/* -- the exchange -- */
typedef struct setup { pmm_faults_params_t faults; double fail_share; int64_t settle_ns; bool rate_limit, adopt; int64_t reconcile_ns; const char *markets; const char *const *secrets; } setup_t;

static void list_market(world_t *w) {
  pmm_listing_params_t listing = {0};
  pmm_market_t market;
  pmm_error_t err = {0};
  pmm_params_default(pmm_listing_param_table, pmm_listing_param_cnt, &listing);
  snprintf(listing.id, sizeof listing.id, "demo");
  if (pmm_polymarket_dialect.market(&listing, START_NS, 7, &market, &err) != PMM_OK) fail_msg("%s", err.text);
  market.fees = (pmm_fee_schedule_t){.model = PMM_FEE_POLYMARKET, .exponent = 1, .taker_rate_e6 = 70000};
  if (pmm_place_market_add(w->place, &market, START_NS, &w->market, &err) != PMM_OK) fail_msg("%s", err.text);
  if (pmm_polymarket_dialect.list(w->dialect, w->market, &listing, &err) != PMM_OK) fail_msg("%s", err.text);
}

static void add_members(world_t *w) {
  pmm_member_params_t m = {0};
  pmm_error_t err = {0};
  snprintf(m.name, sizeof m.name, "us");
  snprintf(m.polymarket_address, sizeof m.polymarket_address, "0xf39Fd6e51aad88F6F4ce6aB8827279cffFb92266");
  assert_int_equal(pmm_place_account_add(w->place, m.name, INT64_C(10000) * SHARE, &w->us, &err), PMM_OK);
  assert_int_equal(pmm_polymarket_dialect.member(w->dialect, w->us, &m, &err), PMM_OK);
  assert_int_equal(pmm_place_account_add(w->place, "other", INT64_C(1000000) * SHARE, &w->other, &err), PMM_OK);
  assert_int_equal(pmm_place_split(w->place, w->other, w->market, INT64_C(10000) * SHARE, START_NS), PMM_OK);
}

static pmm_venue_params_t params_of(const setup_t *s) {
  pmm_venue_params_t v = {0};
  pmm_params_default(pmm_venue_param_table, pmm_venue_param_cnt, &v);
  v.venue = PMM_VENUE_POLYMARKET - 1;
  snprintf(v.rest, sizeof v.rest, "https://venue");
  snprintf(v.markets, sizeof v.markets, "%s", s->markets ? s->markets : "demo");
  v.open_orders = s->adopt ? PMM_OPEN_ADOPT : PMM_OPEN_CANCEL;
  if (s->reconcile_ns) v.reconcile_ns = s->reconcile_ns;
  return v;
}

static pmm_venue_sink_t sink_of(world_t *w) {
  return (pmm_venue_sink_t){.ctx = w, .discovered = on_discovered, .failed = on_failed, .md = on_md, .account = on_account, .report = on_report, .ready = on_ready, .stopped = on_stopped,
                            .notices = {on_notice, NULL}};
}

static void attach(world_t *w, const setup_t *s) {
  pmm_venue_params_t const v = params_of(s);
  pmm_venue_sink_t const sink = sink_of(w);
  pmm_secrets_t const secrets = {secret, (void *)(uintptr_t)(s->secrets ? s->secrets : usual_secrets)};
  pmm_error_t err = {0};
  w->start_at_once = true;
  if (pmm_polymarket_ops.open(&w->adapter, w->net, &v, &secrets, false, 1, &sink, &err) != PMM_OK) fail_msg("%s", err.text);
}

static world_t *world_open(const setup_t *s) {
  world_t *const w = calloc(1, sizeof *w);
  pmm_error_t err = {0};
  pmm_place_config_t place = {.venue = PMM_VENUE_POLYMARKET, .accounts_max = 16, .markets_max = 8, .settle_mined_ns = s->settle_ns / 4, .settle_ns = s->settle_ns, .fail_share = s->fail_share, .seed = 11};
  pmm_vnet_config_t const net = {.start_ns = START_NS, .seed = 5, .latency_ns = 5 * MS, .jitter_ns = 5 * MS};
  pmm_dialect_config_t config = {.seed = 5};
  if (pmm_place_open(&w->place, &place, &err) != PMM_OK) fail_msg("%s", err.text);
  pmm_params_default(pmm_serve_param_table, pmm_serve_param_cnt, &config.serve);
  config.serve.rate_limit = s->rate_limit;
  config.place = w->place;
  if (pmm_polymarket_dialect.open(&w->dialect, &config, &err) != PMM_OK) fail_msg("%s", err.text);
  if (pmm_vnet_open(&w->net, &net, &err) != PMM_OK) fail_msg("%s", err.text);
  if (pmm_faults_open(&w->faulty, w->dialect, &s->faults, &pmm_polymarket_dialect.bodies, &err) != PMM_OK) fail_msg("%s", err.text);
  if (pmm_vnet_host(w->net, "venue", w->faulty, &err) != PMM_OK) fail_msg("%s", err.text);
  list_market(w);
  add_members(w);
  w->id = UINT64_C(1) << 32;
  return w;
}

static void world_close(world_t *w) {
  pmm_error_t err = {0};
  if (pmm_place_check(w->place, &err) != PMM_OK) fail_msg("%s", err.text);
  pmm_polymarket_ops.close(w->adapter);
  pmm_vnet_close(w->net);
  pmm_faults_close(w->faulty);
  pmm_polymarket_dialect.close(w->dialect);
  pmm_place_close(w->place);
  free(w);
}

static void pass(world_t *w, int64_t ns) { pmm_vnet_run(w->net, pmm_net_mono(w->net) + ns); }

static world_t *world_ready(const setup_t *s) {
  world_t *const w = world_open(s);
  attach(w, s);
  pass(w, 3 * SEC);
  if (!w->ready) fail_msg("not ready: %s", w->why);
  return w;
}

static uint64_t act(world_t *w, pmm_route_t route, int32_t price_e4, int64_t qty_e6, pmm_tif_t tif, bool post_only) {
  pmm_action_t const a = {.order_id = ++w->id, .qty_e6 = qty_e6, .price_e4 = price_e4, .market = 7, .kind = PMM_ACT_PLACE, .route = (uint8_t)route, .tif = (uint8_t)tif,
                          .flags = post_only ? PMM_ACT_POST_ONLY : 0};
  order_of(w, w->id)->route = (uint8_t)route;
  pmm_polymarket_ops.submit(w->adapter, &a, 1);
  return w->id;
}
static uint64_t bid(world_t *w, int32_t price_e4, int64_t qty_e6) { return act(w, PMM_BUY_YES, price_e4, qty_e6, PMM_GTC, true); }

static void cancel(world_t *w, uint64_t id) {
  pmm_action_t const a = {.order_id = id, .market = 7, .kind = PMM_ACT_CANCEL};
  pmm_polymarket_ops.submit(w->adapter, &a, 1);
}

/* The other account trades by itself. */
static pmm_place_answer_t trade(world_t *w, uint32_t account, pmm_route_t route, int32_t price_e4, int64_t qty_e6, pmm_tif_t tif) {
  pmm_place_request_t r = {.account = account, .market = w->market, .route = route, .price_e4 = price_e4, .qty_e6 = qty_e6, .tif = tif, .expire_ns = PMM_NS_MAX, .stp = PMM_PLACE_STP_USUAL};
  pmm_place_answer_t answer;
  char id[PMM_POLY_HEX_WORD];
  pmm_poly_word_t hash;
  uint64_t const n = ++w->others;
  pmm_keccak256(&n, sizeof n, &hash); /* an id of the venue's form */
  pmm_poly_hex(hash.b, sizeof hash.b, id);
  if (n % 4 != 0) r.id = id; /* and now and then one of another form: no reason to lose our fill */
  pmm_place_order(w->place, &r, pmm_net_now(w->net), &answer);
  return answer;
}

static uint32_t resting(const world_t *w) {
  uint32_t n = 0;
  for (const pmm_place_order_t *o = pmm_place_open_after(w->place, w->us, 0); o; o = pmm_place_open_after(w->place, w->us, o->seq)) n++;
  return n;
}

/* Contracts as the adapter's fills make them, against the exchange's. */
static void check_holdings(world_t *w) {
  pmm_place_holding_t h;
  int64_t yes = 0, no = 0;
  for (uint32_t i = 0; i < w->order_cnt; i++) {
    const seen_t *const o = &w->order[i];
    if (o->route == PMM_BUY_YES) yes += o->filled_e6;
    if (o->route == PMM_SELL_YES) yes -= o->filled_e6;
    if (o->route == PMM_BUY_NO) no += o->filled_e6;
    if (o->route == PMM_SELL_NO) no -= o->filled_e6;
  }
  pmm_place_holding(w->place, w->us, w->market, &h);
  assert_int_equal(yes, h.yes_e6);
  assert_int_equal(no, h.no_e6);
}

/* -- tests -- */
static void test_start(void **state) {
  (void)state;
  world_t *const w = world_ready(&(setup_t){.settle_ns = 4 * SEC});
  assert_int_equal(w->discovered, 1);
  assert_int_equal(w->listed.venue, PMM_VENUE_POLYMARKET);
  assert_int_equal(w->listed.grid.tick_e4, 100);
  assert_int_equal(w->reports, 1);
  assert_true(w->last.takeover);
  assert_int_equal(w->last.cash_e6, INT64_C(10000) * SHARE);
  assert_int_equal(w->last.in_flight, 0);
  pass(w, 40 * SEC);
  assert_true(w->reports >= 2); /* the beat of reconciliation */
  assert_int_equal(w->gaps, 0);
  assert_int_equal(w->readies, 1);
  world_close(w);
}

static void test_by_condition(void **state) {
  (void)state;
  world_t *const w = world_open(&(setup_t){.settle_ns = 4 * SEC});
  char markets[128];
  snprintf(markets, sizeof markets, "%s", pmm_place_market(w->place, w->market)->id);
  attach(w, &(setup_t){.markets = markets});
  pass(w, 3 * SEC);
  assert_true(w->ready);
  assert_string_equal(w->listed.id, markets);
  assert_int_equal(w->listed.fees.model, PMM_FEE_POLYMARKET);
  assert_int_equal(w->listed.fees.taker_rate_e6, 70000);
  world_close(w);
}

static void test_maker(void **state) {
  (void)state;
  world_t *const w = world_ready(&(setup_t){.settle_ns = 4 * SEC});
  uint64_t const id = bid(w, 4500, 20 * SHARE);
  pass(w, 100 * MS);
  seen_t *const o = order_of(w, id);
  assert_int_equal(o->acks, 1);
  assert_int_equal(resting(w), 1);
  assert_int_equal(trade(w, w->other, PMM_SELL_YES, 4500, 8 * SHARE, PMM_IOC).filled_e6, 8 * SHARE);
  pass(w, 200 * MS);
  assert_int_equal(o->fills, 1);
  assert_int_equal(o->filled_e6, 8 * SHARE);
  assert_int_equal(o->price_e4, 4500);
  assert_int_equal(o->fee_e6, 0);
  assert_true(o->maker);
  assert_int_equal(o->settled, 0);
  pass(w, 6 * SEC);
  assert_int_equal(o->settled, 1);
  cancel(w, id);
  pass(w, 2 * SEC);
  assert_int_equal(o->cancelled, 1);
  assert_int_equal(o->open_e6, 12 * SHARE);
  assert_int_equal(o->reason, PMM_REJECT_USER);
  assert_int_equal(resting(w), 0);
  cancel(w, id);
  assert_int_equal(o->cancel_rejects, 1);
  check_holdings(w);
  pass(w, 60 * SEC);
  assert_int_equal(w->last.in_flight, 0);
  assert_int_equal(w->holding.yes_e6, 8 * SHARE);
  assert_int_equal(w->last.cash_e6, INT64_C(10000) * SHARE - 8 * SHARE / 100 * 45);
  world_close(w);
}

static void test_mint(void **state) { /* our NO bid against a YES bid: both pay, a pair is made */
  (void)state;
  world_t *const w = world_ready(&(setup_t){.settle_ns = 4 * SEC});
  uint64_t const id = act(w, PMM_BUY_NO, 5500, 10 * SHARE, PMM_GTC, true); /* NO at 0.45 */
  pass(w, 100 * MS);
  assert_int_equal(trade(w, w->other, PMM_BUY_YES, 5500, 10 * SHARE, PMM_IOC).filled_e6, 10 * SHARE);
  pass(w, 6 * SEC);
  assert_int_equal(order_of(w, id)->filled_e6, 10 * SHARE);
  assert_int_equal(order_of(w, id)->price_e4, 5500);
  check_holdings(w);
  world_close(w);
}

static void test_taker(void **state) {
  (void)state;
  world_t *const w = world_ready(&(setup_t){.settle_ns = 4 * SEC});
  trade(w, w->other, PMM_SELL_YES, 5000, 10 * SHARE, PMM_GTC);
  trade(w, w->other, PMM_SELL_YES, 5200, 10 * SHARE, PMM_GTC);
  pass(w, 100 * MS);
  uint64_t const sell = act(w, PMM_SELL_YES, 5000, 5 * SHARE, PMM_IOC, false); /* we hold none */
  uint64_t const buy = act(w, PMM_BUY_YES, 5300, 15 * SHARE, PMM_IOC, false);
  pass(w, 8 * SEC);
  const seen_t *const o = order_of(w, buy);
  assert_int_equal(order_of(w, sell)->rejects, 1);
  assert_int_equal(order_of(w, sell)->reason, PMM_REJECT_SHARES);
  assert_in_range(o->acks, 0, 1); /* fills may overtake the answer */
  assert_int_equal(o->fills, 2);  /* two makers, two prices */
  assert_false(o->maker);
  assert_int_equal(o->settled, 2);
  assert_in_range(o->filled_e6, 15 * SHARE, 16 * SHARE); /* spends 7.95: at better prices that is more than 15 */
  assert_true(o->fee_e6 > 0);
  check_holdings(w);
  uint64_t const far = act(w, PMM_BUY_YES, 100, 15 * SHARE, PMM_FOK, false);
  pass(w, 2 * SEC);
  if (order_of(w, far)->rejects + order_of(w, far)->cancelled != 1) fail_msg("%u acks, %u lost, %u states", order_of(w, far)->acks, order_of(w, far)->lost, order_of(w, far)->states);
  world_close(w);
}

static void test_refusals(void **state) {
  (void)state;
  world_t *const w = world_ready(&(setup_t){.settle_ns = 4 * SEC});
  trade(w, w->other, PMM_SELL_YES, 5000, 10 * SHARE, PMM_GTC);
  pass(w, 100 * MS);
  struct { uint64_t id; pmm_reject_t reason; const char *why; } const rows[] = {
      {bid(w, 5000, 10 * SHARE), PMM_REJECT_POST_ONLY, "crosses"},
      {bid(w, 4550, 10 * SHARE), PMM_REJECT_PRICE, "off the grid"},
      {bid(w, 4500, SHARE), PMM_REJECT_SIZE, "below the minimum"},
      {bid(w, 4500, INT64_C(1000000) * SHARE), PMM_REJECT_FUNDS, "beyond the balance"}};
  pass(w, SEC);
  for (size_t i = 0; i < COUNT_OF(rows); i++) {
    const seen_t *const o = order_of(w, rows[i].id);
    if (o->rejects != 1 || o->reason != rows[i].reason) fail_msg("%s: %u rejects, reason %d", rows[i].why, o->rejects, o->reason);
  }
  pmm_action_t const amend = {.order_id = ++w->id, .market = 7, .kind = PMM_ACT_CANCEL};
  pmm_polymarket_ops.submit(w->adapter, &amend, 1);
  assert_int_equal(order_of(w, w->id)->cancel_rejects, 1);
  assert_int_equal(resting(w), 0);
  world_close(w);
}

static void test_batch(void **state) {
  (void)state;
  world_t *const w = world_ready(&(setup_t){.settle_ns = 4 * SEC});
  pmm_action_t a[25];
  for (size_t i = 0; i < COUNT_OF(a); i++) {
    a[i] = (pmm_action_t){.order_id = ++w->id, .qty_e6 = 5 * SHARE, .price_e4 = (int32_t)(1000 + 100 * i), .market = 7, .kind = PMM_ACT_PLACE, .route = PMM_BUY_YES, .flags = PMM_ACT_POST_ONLY};
    order_of(w, w->id)->route = PMM_BUY_YES;
  }
  a[3].price_e4 = 50; /* one bad one among them */
  pmm_polymarket_ops.submit(w->adapter, a, COUNT_OF(a));
  pass(w, SEC);
  assert_int_equal(resting(w), 24);
  assert_int_equal(order_of(w, a[3].order_id)->rejects, 1);
  for (size_t i = 0; i < COUNT_OF(a); i++) a[i].kind = PMM_ACT_CANCEL;
  pmm_polymarket_ops.submit(w->adapter, a, COUNT_OF(a));
  pass(w, 2 * SEC);
  assert_int_equal(resting(w), 0);
  for (size_t i = 0; i < COUNT_OF(a); i++) assert_int_equal(order_of(w, a[i].order_id)->cancelled, i != 3);
  world_close(w);
}

static void test_cancel_before_answer(void **state) {
  (void)state;
  world_t *const w = world_ready(&(setup_t){.settle_ns = 4 * SEC});
  uint64_t const id = bid(w, 4500, 10 * SHARE);
  cancel(w, id); /* at once: waits for the answer */
  pass(w, 2 * SEC);
  assert_int_equal(order_of(w, id)->cancelled, 1);
  assert_int_equal(order_of(w, id)->cancel_rejects, 0);
  assert_int_equal(resting(w), 0);
  world_close(w);
}

static void test_lost_answers(void **state) {
  (void)state;
  world_t *const w = world_ready(&(setup_t){.settle_ns = 4 * SEC});
  pmm_faults_set(w->faulty, &(pmm_faults_params_t){.drop_answer = 1});
  uint64_t const id = bid(w, 4500, 10 * SHARE);
  uint64_t const orders = pmm_place_order_cnt(w->place);
  pass(w, 8 * SEC);
  pmm_faults_set(w->faulty, &(pmm_faults_params_t){0});
  pass(w, 10 * SEC);
  const seen_t *const o = order_of(w, id);
  assert_int_equal(pmm_place_order_cnt(w->place), orders + 1); /* sent once */
  assert_int_equal(resting(w), 1);
  assert_true(o->acks == 1 || (o->lost == 1 && o->states >= 1 && o->state_open_e6 == 10 * SHARE)); /* by the user channel, or looked up */
  world_close(w);
}

static void test_never_arrived(void **state) {
  (void)state;
  world_t *const w = world_ready(&(setup_t){.settle_ns = 4 * SEC});
  pmm_faults_set(w->faulty, &(pmm_faults_params_t){.drop_request = 1});
  uint64_t const id = bid(w, 4500, 10 * SHARE);
  pass(w, 8 * SEC);
  pmm_faults_set(w->faulty, &(pmm_faults_params_t){0});
  pass(w, 15 * SEC);
  const seen_t *const o = order_of(w, id);
  assert_int_equal(o->lost, 1);
  assert_int_equal(o->states, 1);
  assert_int_equal(o->state_open_e6, 0);
  assert_int_equal(resting(w), 0);
  world_close(w);
}

static void test_failed_settlement(void **state) {
  (void)state;
  world_t *const w = world_ready(&(setup_t){.settle_ns = 4 * SEC, .fail_share = 1});
  uint64_t const id = bid(w, 4500, 10 * SHARE);
  pass(w, 100 * MS);
  trade(w, w->other, PMM_SELL_YES, 4500, 10 * SHARE, PMM_IOC);
  pass(w, 10 * SEC);
  assert_int_equal(order_of(w, id)->fills, 1);
  assert_int_equal(order_of(w, id)->failed, 1);
  check_holdings(w); /* none */
  world_close(w);
}

static void test_restart(void **state) {
  (void)state;
  world_t *const w = world_ready(&(setup_t){.settle_ns = 4 * SEC});
  pmm_polymarket_restart(w->dialect, pmm_net_now(w->net), 10 * SEC, 20 * SEC);
  uint64_t const first = bid(w, 4500, 10 * SHARE);
  pass(w, SEC / 2);
  assert_int_equal(order_of(w, first)->rejects, 1);
  assert_int_equal(order_of(w, first)->reason, PMM_REJECT_PHASE);
  assert_int_equal(w->phase, PMM_PHASE_CANCEL_ONLY);
  uint64_t const held = bid(w, 4500, 10 * SHARE);
  assert_int_equal(order_of(w, held)->reason, PMM_REJECT_PHASE); /* at once */
  for (int i = 0; i < 40 && w->phase == PMM_PHASE_CANCEL_ONLY; i++) pass(w, SEC);
  assert_int_equal(w->phase, PMM_PHASE_POST_ONLY);
  pass(w, 10 * SEC);
  uint64_t const later = bid(w, 4500, 10 * SHARE), taker = act(w, PMM_BUY_YES, 4500, 10 * SHARE, PMM_IOC, false);
  pass(w, SEC);
  assert_int_equal(order_of(w, later)->acks, 1);
  assert_int_equal(order_of(w, taker)->reason, PMM_REJECT_PHASE);
  pass(w, 150 * SEC);
  assert_int_equal(w->phase, PMM_PHASE_NORMAL);
  world_close(w);
}

static void test_cable(void **state) {
  (void)state;
  world_t *const w = world_ready(&(setup_t){.settle_ns = 4 * SEC});
  uint64_t const id = bid(w, 4500, 10 * SHARE);
  pass(w, SEC);
  uint32_t const clears = w->clears;
  pmm_vnet_cable(w->net, "venue", false);
  pass(w, 45 * SEC);
  assert_false(w->ready);
  assert_int_equal(w->gaps, 1);
  assert_int_equal(resting(w), 0); /* the heartbeat stopped: the venue cancelled */
  pmm_vnet_cable(w->net, "venue", true);
  pass(w, 60 * SEC);
  assert_true(w->ready);
  assert_true(w->clears > clears);
  const seen_t *const o = order_of(w, id);
  assert_true(o->cancelled == 1 || (o->states >= 1 && o->state_open_e6 == 0)); /* found out */
  world_close(w);
}

static void test_fill_while_away(void **state) {
  (void)state;
  world_t *const w = world_ready(&(setup_t){.settle_ns = 4 * SEC});
  uint64_t const id = bid(w, 4500, 10 * SHARE);
  pass(w, SEC);
  pmm_vnet_cable(w->net, "venue", false);
  pass(w, SEC);
  trade(w, w->other, PMM_SELL_YES, 4500, 4 * SHARE, PMM_IOC);
  pass(w, 40 * SEC);
  pmm_vnet_cable(w->net, "venue", true);
  pass(w, 60 * SEC);
  assert_int_equal(order_of(w, id)->filled_e6, 4 * SHARE);
  check_holdings(w);
  world_close(w);
}

static void test_tick(void **state) {
  (void)state;
  world_t *const w = world_ready(&(setup_t){.settle_ns = 4 * SEC});
  uint64_t const id = bid(w, 4500, 10 * SHARE);
  pass(w, SEC);
  assert_int_equal(pmm_place_regrid(w->place, w->market, pmm_net_now(w->net), 10), PMM_OK);
  pass(w, 3 * SEC);
  assert_int_equal(w->ticks, 1);
  assert_int_equal(order_of(w, id)->cancelled, 1);
  uint64_t const fine = bid(w, 4505 + 5, 10 * SHARE); /* 0.451 */
  pass(w, SEC);
  assert_int_equal(order_of(w, fine)->acks, 1);
  assert_int_equal(w->gaps, 0);
  world_close(w);
}

static void test_takeover_cancels(void **state) {
  (void)state;
  world_t *const w = world_open(&(setup_t){.settle_ns = 4 * SEC});
  pmm_place_request_t const r = {.account = w->us, .market = w->market, .route = PMM_BUY_YES, .price_e4 = 3000, .qty_e6 = 10 * SHARE, .expire_ns = PMM_NS_MAX, .stp = PMM_PLACE_STP_USUAL,
                                 .id = "0x1111111111111111111111111111111111111111111111111111111111111111"};
  pmm_place_answer_t answer;
  pmm_place_order(w->place, &r, START_NS, &answer);
  assert_int_equal(answer.reject, PMM_REJECT_NONE);
  attach(w, &(setup_t){0});
  pass(w, 10 * SEC);
  assert_true(w->ready);
  assert_int_equal(resting(w), 0);
  assert_int_equal(w->last.order_cnt, 0);
  world_close(w);
}

static void test_takeover_adopts(void **state) {
  (void)state;
  world_t *const w = world_open(&(setup_t){.settle_ns = 4 * SEC});
  pmm_place_request_t const r = {.account = w->us, .market = w->market, .route = PMM_BUY_NO, .price_e4 = 7000, .qty_e6 = 10 * SHARE, .expire_ns = PMM_NS_MAX, .stp = PMM_PLACE_STP_USUAL,
                                 .id = "0x1111111111111111111111111111111111111111111111111111111111111111"};
  pmm_place_answer_t answer;
  pmm_place_order(w->place, &r, START_NS, &answer);
  attach(w, &(setup_t){.adopt = true});
  pass(w, 10 * SEC);
  assert_true(w->ready);
  assert_int_equal(resting(w), 1);
  assert_int_equal(w->last.order_cnt, 1);
  assert_true(w->adopted[0].order_id & PMM_ORDER_ALIAS);
  assert_int_equal(w->adopted[0].route, PMM_BUY_NO);
  assert_int_equal(w->adopted[0].price_e4, 7000);
  assert_int_equal(w->adopted[0].open_e6, 10 * SHARE);
  order_of(w, w->adopted[0].order_id)->route = PMM_BUY_NO;
  trade(w, w->other, PMM_BUY_YES, 7000, 4 * SHARE, PMM_IOC);
  pass(w, 2 * SEC);
  assert_int_equal(order_of(w, w->adopted[0].order_id)->filled_e6, 4 * SHARE);
  cancel(w, w->adopted[0].order_id);
  pass(w, 2 * SEC);
  assert_int_equal(resting(w), 0);
  check_holdings(w);
  world_close(w);
}

static void test_stop(void **state) {
  (void)state;
  world_t *const w = world_ready(&(setup_t){.settle_ns = 4 * SEC});
  for (int i = 0; i < 5; i++) bid(w, 4000 + 100 * i, 10 * SHARE);
  pass(w, SEC);
  bid(w, 4500, 10 * SHARE); /* on its way */
  pmm_polymarket_ops.stop(w->adapter, pmm_net_mono(w->net) + 5 * SEC);
  pass(w, 6 * SEC);
  assert_int_equal(w->stopped, 1);
  assert_int_equal(w->left, 0);
  assert_int_equal(resting(w), 0);
  world_close(w);
}

static void test_stop_in_vain(void **state) {
  (void)state;
  world_t *const w = world_ready(&(setup_t){.settle_ns = 4 * SEC});
  bid(w, 4500, 10 * SHARE);
  pass(w, SEC);
  pmm_vnet_cable(w->net, "venue", false);
  pmm_polymarket_ops.stop(w->adapter, pmm_net_mono(w->net) + 3 * SEC);
  pass(w, 4 * SEC);
  assert_int_equal(w->stopped, 1);
  assert_true(w->left > 0);
  world_close(w);
  world_t *const none = world_ready(&(setup_t){.settle_ns = 4 * SEC}); /* no order that it knows of: only a look tells that none rests */
  pmm_vnet_cable(none->net, "venue", false);
  pmm_polymarket_ops.stop(none->adapter, pmm_net_mono(none->net) + 3 * SEC);
  pass(none, 4 * SEC);
  assert_int_equal(none->stopped, 1);
  assert_true(none->left == PMM_ORDERS_LEFT_UNKNOWN);
  world_close(none);
}

static void test_settings(void **state) {
  static const char *const none[] = {NULL};
  static const char *const bad_key[] = {"PK", "12", NULL};
  static const char *const half[] = {"PK", "ac0974bec39a17e36ba4a6b4d238ff944bacb478cbed5efcae784d7bf4f2ff80", "CLOB_API_KEY", "x", NULL};
  static const char *const type[] = {"PK", "ac0974bec39a17e36ba4a6b4d238ff944bacb478cbed5efcae784d7bf4f2ff80", "POLY_SIGNATURE_TYPE", "7", NULL};
  static const char *const deposit[] = {"PK", "ac0974bec39a17e36ba4a6b4d238ff944bacb478cbed5efcae784d7bf4f2ff80", "POLY_SIGNATURE_TYPE", "3", NULL};
  static const struct { const char *const *secrets; const char *markets; pmm_status_t want; const char *says; } rows[] = {
      {none, "demo", PMM_NOT_FOUND, "PK"}, {bad_key, "demo", PMM_PARSE, "64 hex digits"}, {half, "demo", PMM_NOT_FOUND, "CLOB_SECRET"}, {type, "demo", PMM_INVAL, "POLY_SIGNATURE_TYPE"},
      {deposit, "demo", PMM_NOT_FOUND, "FUNDER_ADDRESS"}, {usual_secrets, "", PMM_INVAL, "markets"}, {usual_secrets, "a/b", PMM_INVAL, "markets"}};
  (void)state;
  world_t *const w = world_open(&(setup_t){.settle_ns = 4 * SEC});
  for (size_t i = 0; i < COUNT_OF(rows); i++) {
    pmm_venue_params_t const v = params_of(&(setup_t){.markets = rows[i].markets});
    pmm_venue_sink_t const sink = sink_of(w);
    pmm_secrets_t const secrets = {secret, (void *)(uintptr_t)rows[i].secrets};
    pmm_error_t err = {0};
    pmm_adapter_t *none_opened = NULL;
    assert_int_equal(pmm_polymarket_ops.open(&none_opened, w->net, &v, &secrets, false, 1, &sink, &err), rows[i].want);
    if (!strstr(err.text, rows[i].says)) fail_msg("%s", err.text);
  }
  pmm_venue_params_t const v = params_of(&(setup_t){0});
  pmm_venue_sink_t const sink = sink_of(w);
  pmm_error_t err = {0};
  w->start_at_once = true;
  assert_int_equal(pmm_polymarket_ops.open(&w->adapter, w->net, &v, &(pmm_secrets_t){secret, (void *)(uintptr_t)none}, true, 1, &sink, &err), PMM_OK); /* recording needs no key */
  pass(w, 3 * SEC);
  assert_true(w->ready);
  trade(w, w->other, PMM_SELL_YES, 5000, 10 * SHARE, PMM_GTC);
  trade(w, w->other, PMM_BUY_YES, 5000, 4 * SHARE, PMM_IOC);
  pass(w, SEC);
  assert_true(w->prints >= 1);
  world_close(w);
}

static void test_no_such_market(void **state) {
  (void)state;
  world_t *const w = world_open(&(setup_t){.settle_ns = 4 * SEC});
  attach(w, &(setup_t){.markets = "nothing-of-the-kind"});
  pass(w, 3 * SEC);
  assert_true(w->failed);
  assert_non_null(strstr(w->why, "nothing-of-the-kind"));
  assert_int_equal(w->discovered, 0);
  world_close(w);
}

static void test_close_at_any_time(void **state) { /* with requests under way; the sanitizers watch */
  (void)state;
  for (int64_t at = 0; at < 200 * MS; at += 3 * MS) {
    world_t *const w = world_open(&(setup_t){.settle_ns = 4 * SEC});
    attach(w, &(setup_t){0});
    pass(w, at);
    pmm_polymarket_ops.close(w->adapter);
    w->adapter = NULL;
    pass(w, SEC);
    world_close(w);
  }
}

/* The driver closes from inside a callback of the adapter's. */
static void close_when(void *ctx, bool ready, const char *why) {
  world_t *const w = ctx;
  (void)why;
  if (!ready || !w->adapter) return;
  pmm_polymarket_ops.close(w->adapter);
  w->adapter = NULL;
}
static void test_close_inside(void **state) {
  (void)state;
  world_t *const w = world_open(&(setup_t){.settle_ns = 4 * SEC});
  pmm_venue_params_t const v = params_of(&(setup_t){0});
  pmm_venue_sink_t sink = sink_of(w);
  pmm_error_t err = {0};
  sink.ready = close_when;
  w->start_at_once = true;
  assert_int_equal(pmm_polymarket_ops.open(&w->adapter, w->net, &v, &(pmm_secrets_t){secret, (void *)(uintptr_t)usual_secrets}, false, 1, &sink, &err), PMM_OK);
  pass(w, 5 * SEC);
  assert_null(w->adapter);
  world_close(w);
}

/* -- whole days of trouble -- */
static void random_step(world_t *w, pmm_rng_t *rng) {
  int32_t const price = (int32_t)(40 + pmm_rng_below(rng, 20)) * 100;
  int64_t const qty = (int64_t)(5 + pmm_rng_below(rng, 10)) * SHARE;
  switch (pmm_rng_below(rng, 8)) {
  case 0: case 1: act(w, pmm_rng_below(rng, 2) ? PMM_BUY_YES : PMM_BUY_NO, price, qty, PMM_GTC, true); return;
  case 2: act(w, (pmm_route_t)pmm_rng_below(rng, 4), price, qty, pmm_rng_below(rng, 2) ? PMM_IOC : PMM_FOK, false); return;
  case 3: act(w, pmm_rng_below(rng, 2) ? PMM_SELL_YES : PMM_SELL_NO, price, qty, PMM_GTC, true); return;
  case 4: if (w->order_cnt > 0) cancel(w, w->order[pmm_rng_below(rng, w->order_cnt)].id); return;
  case 5: trade(w, w->other, pmm_rng_below(rng, 2) ? PMM_BUY_YES : PMM_SELL_YES, price, qty, PMM_IOC); return;
  case 6: trade(w, w->other, pmm_rng_below(rng, 2) ? PMM_BUY_NO : PMM_SELL_NO, price, qty, PMM_GTC); return;
  default: return;
  }
}

static void test_trouble(void **state) {
  (void)state;
  uint64_t const seed = check_seed("trouble"), runs = check_ops(6);
  for (uint64_t run = 0; run < runs; run++) {
    pmm_rng_t rng;
    pmm_rng_seed(&rng, seed + run);
    setup_t const s = {.settle_ns = 4 * SEC, .fail_share = 0.1, .reconcile_ns = 10 * SEC};
    world_t *const w = world_ready(&s);
    pmm_faults_set(w->faulty, &(pmm_faults_params_t){.seed = seed + run, .delay_jitter_ns = 50 * MS, .drop_request = 0.02, .drop_answer = 0.02, .error_5xx = 0.02, .error_5xx_after = 0.02,
                                                     .rate_limited = 0.02, .restart_425 = 0.005, .duplicate = 0.03, .reorder = 0.03, .lose = 0.03, .disconnect_per_s = 0.01});
    for (int i = 0; i < 400; i++) {
      random_step(w, &rng);
      pass(w, (int64_t)pmm_rng_below(&rng, 400) * MS);
    }
    pmm_faults_set(w->faulty, &(pmm_faults_params_t){0});
    pass(w, 40 * SEC);
    for (uint32_t i = 0; i < w->order_cnt; i++) cancel(w, w->order[i].id);
    pass(w, 60 * SEC);
    printf("run %llu: %u orders, %u fills, %u resting\n", (unsigned long long)run, w->order_cnt, w->told_cnt, resting(w));
    check_holdings(w);
    assert_int_equal(w->last.in_flight, 0);
    pmm_polymarket_ops.stop(w->adapter, pmm_net_mono(w->net) + 10 * SEC);
    pass(w, 10 * SEC);
    assert_int_equal(w->left, 0);
    assert_int_equal(resting(w), 0);
    world_close(w);
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_start), cmocka_unit_test(test_by_condition), cmocka_unit_test(test_maker), cmocka_unit_test(test_mint), cmocka_unit_test(test_taker), cmocka_unit_test(test_refusals),
      cmocka_unit_test(test_batch), cmocka_unit_test(test_cancel_before_answer), cmocka_unit_test(test_lost_answers), cmocka_unit_test(test_never_arrived), cmocka_unit_test(test_failed_settlement),
      cmocka_unit_test(test_restart), cmocka_unit_test(test_cable), cmocka_unit_test(test_fill_while_away), cmocka_unit_test(test_tick), cmocka_unit_test(test_takeover_cancels),
      cmocka_unit_test(test_takeover_adopts), cmocka_unit_test(test_stop), cmocka_unit_test(test_stop_in_vain), cmocka_unit_test(test_settings), cmocka_unit_test(test_no_such_market),
      cmocka_unit_test(test_close_at_any_time), cmocka_unit_test(test_close_inside), cmocka_unit_test(test_trouble)};
  return cmocka_run_group_tests_name("polymarket adapter", tests, NULL, NULL);
}
