/* The Degen adapter against the Degen dialect in virtual time: what the driver is told must add up to what the exchange has, to the micro-dollar,
   whatever goes wrong between them. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>
#include "pmm/book.h"
#include "pmm/rng.h"
#include "pmm/server.h"
#include "pmm/venue.h"

#define MS PMM_NS_PER_MS
#define SEC PMM_NS_PER_S
#define ONE INT64_C(1000000)
#define SECRET "a secret that both ends know"
#define MARKETS 2
#define FIRST 5 /* the driver's index of the first market */
#define ORDERS_MAX 4096
#define CASH (10000 * ONE)

typedef enum state { SENT, LIVE, OVER } state_t;
typedef struct order { state_t state; bool cancel_sent, lost; uint8_t route; int32_t price_e4; uint32_t market; int64_t qty_e6, filled_e6, want_filled_e6; uint32_t rejects, ends; uint8_t why; } order_t;

typedef struct rig {
  pmm_net_t *net;
  pmm_place_t *place;
  pmm_service_t *dialect, *faulty;
  uint32_t me, other;
  pmm_adapter_t *adapter;
  bool public_only;
  /* what the driver has been told */
  uint32_t market_cnt, reports, ready_turns, notices, alerts;
  bool ready, stopped, failed, retrying; uint32_t left;
  char error[512];
  pmm_account_report_t report; pmm_holding_report_t holding[8]; pmm_order_report_t open[64]; size_t open_cnt;
  int64_t cash_e6, yes_e6[MARKETS], no_e6[MARKETS], fees_e6;
  order_t order[ORDERS_MAX]; uint64_t order_cnt; /* order_id = base + index */
  uint64_t fills, fill_ref[ORDERS_MAX * 4], stray_fills, duplicates;
  int64_t last_differences;
  uint32_t settled_reports; bool differs;
  pmm_arena_t arena; pmm_ladder_t ladder[MARKETS]; pmm_grid_t grid[MARKETS]; bool trusted[MARKETS]; uint32_t gaps, clears, trades, statuses;
  char last_notice[300];
} rig_t;

#define BASE (UINT64_C(9) << 32)

/* -- the driver -- */

static void on_discovered(void *ctx, const pmm_market_t *market, uint32_t cnt) {
  rig_t *const r = ctx;
  r->market_cnt = cnt;
  for (uint32_t i = 0; i < cnt && i < MARKETS; i++) assert_int_equal(pmm_market_check(&market[i], NULL), PMM_OK);
  pmm_degen_ops.start(r->adapter, FIRST, PMM_TIME_NONE);
}

static void on_failed(void *ctx, const pmm_error_t *err, bool retrying) {
  rig_t *const r = ctx;
  r->failed = true;
  r->retrying = retrying;
  snprintf(r->error, sizeof r->error, "%s", err->text);
}

static void on_md(void *ctx, const pmm_md_t *md, size_t cnt) {
  rig_t *const r = ctx;
  for (size_t i = 0; i < cnt; i++) {
    uint32_t const m = md[i].market - FIRST;
    int64_t old;
    assert_true(m < MARKETS);
    assert_int_equal(md[i].recv_ns, pmm_net_now(r->net));
    if (md[i].kind == PMM_MD_GAP) r->trusted[m] = false, r->gaps++;
    if (md[i].kind == PMM_MD_CLEAR) r->trusted[m] = true, r->clears++;
    if (md[i].kind == PMM_MD_LEVEL) assert_true(r->trusted[m]);
    r->trades += md[i].kind == PMM_MD_TRADE;
    r->statuses += md[i].kind == PMM_MD_STATUS;
    assert_int_equal(pmm_book_apply(&r->ladder[m], &r->grid[m], &md[i], &old), PMM_OK);
  }
  assert_true(md[cnt - 1].flags & PMM_F_LAST || md[cnt - 1].kind == PMM_MD_GAP);
}

static void book_fill(rig_t *r, const pmm_event_t *ev, order_t *o) {
  uint32_t const m = ev->md.market - FIRST;
  int64_t const p = ev->md.price_e4, q = ev->md.qty_e6;
  bool const no = o->route == PMM_BUY_NO || o->route == PMM_SELL_NO, sell = pmm_route_is_sell((pmm_route_t)o->route);
  int64_t const notional = pmm_notional_floor((int32_t)(no ? PMM_ONE_E4 - p : p), q);
  r->cash_e6 += (sell ? notional : -notional) - ev->amount_e6;
  *(no ? &r->no_e6[m] : &r->yes_e6[m]) += sell ? -q : q;
  o->filled_e6 += q;
  r->fees_e6 += ev->amount_e6;
}

/* A pair is a dollar, sooner or later: shares behind a sale only once they are free. So accounts are compared as if all pairs were cash. */
static int64_t worth(int64_t cash_e6, const int64_t *yes_e6, const int64_t *no_e6, int64_t net_e6[MARKETS]) {
  for (uint32_t m = 0; m < MARKETS; m++) {
    cash_e6 += pmm_min64(yes_e6[m], no_e6[m]);
    net_e6[m] = yes_e6[m] - no_e6[m];
  }
  return cash_e6;
}

static bool same(const rig_t *r, int64_t cash_e6, const int64_t *yes_e6, const int64_t *no_e6) {
  int64_t mine[MARKETS], theirs[MARKETS];
  int64_t const a = worth(r->cash_e6, r->yes_e6, r->no_e6, mine), b = worth(cash_e6, yes_e6, no_e6, theirs);
  return a == b && memcmp(mine, theirs, sizeof mine) == 0;
}

static bool seen_before(rig_t *r, uint64_t ref) {
  for (uint64_t i = 0; i < r->fills; i++)
    if (r->fill_ref[i] == ref) return true;
  r->fill_ref[r->fills++] = ref;
  return false;
}

static void on_account(void *ctx, const pmm_event_t *ev) {
  rig_t *const r = ctx;
  uint64_t const i = ev->order_id - BASE;
  if (i >= r->order_cnt) {
    r->stray_fills += ev->md.kind == PMM_EV_FILL;
    return;
  }
  order_t *const o = &r->order[i];
  assert_int_equal(ev->md.market, FIRST + o->market);
  switch (ev->md.kind) {
  case PMM_EV_ACK:
    assert_true(o->state == SENT);
    assert_true(ev->ref_id != 0);
    o->state = LIVE;
    break;
  case PMM_EV_FILL:
    if (seen_before(r, ev->ref_id)) r->duplicates++;
    book_fill(r, ev, o);
    if (o->filled_e6 >= o->qty_e6) o->state = OVER;
    break;
  case PMM_EV_CANCELLED:
  case PMM_EV_EXPIRED:
    o->ends++;
    assert_true(ev->md.qty_e6 > 0);
    o->want_filled_e6 = o->qty_e6 - ev->md.qty_e6; /* fills up to here still come */
    o->state = OVER;
    o->why = ev->md.aux;
    break;
  case PMM_EV_REJECT:
    o->ends++;
    o->rejects++;
    assert_int_equal(o->filled_e6, 0);
    o->state = OVER;
    o->why = ev->md.aux;
    break;
  case PMM_EV_LOST: o->lost = true; break;
  case PMM_EV_ORDER_STATE:
    o->lost = false;
    if (ev->md.qty_e6 == 0) {
      o->ends++;
      o->want_filled_e6 = ev->amount_e6;
      o->state = OVER;
    } else if (o->state == SENT) o->state = LIVE;
    o->cancel_sent = false;
    break;
  case PMM_EV_AMENDED: o->qty_e6 = ev->amount_e6 + ev->md.qty_e6; break;
  case PMM_EV_CANCEL_REJECT: o->lost = true; break;
  default: break;
  }
}

static void on_report(void *ctx, const pmm_account_report_t *report) {
  rig_t *const r = ctx;
  r->report = *report;
  r->reports++;
  assert_true(report->holding_cnt <= 8 && report->order_cnt <= 64);
  memcpy(r->holding, report->holding, report->holding_cnt * sizeof *r->holding);
  if (report->takeover) memcpy(r->open, report->order, report->order_cnt * sizeof *r->open);
  if (report->takeover) r->open_cnt = report->order_cnt;
  if (report->takeover) {
    r->cash_e6 = report->cash_e6;
    for (size_t i = 0; i < report->holding_cnt; i++) {
      r->yes_e6[report->holding[i].market - FIRST] = report->holding[i].yes_e6;
      r->no_e6[report->holding[i].market - FIRST] = report->holding[i].no_e6;
    }
  } else if (report->in_flight == 0) { /* then books and venue agree */
    r->settled_reports++;
    int64_t yes[MARKETS] = {0}, no[MARKETS] = {0};
    for (size_t i = 0; i < report->holding_cnt; i++) {
      yes[report->holding[i].market - FIRST] = report->holding[i].yes_e6;
      no[report->holding[i].market - FIRST] = report->holding[i].no_e6;
    }
    if (!same(r, report->cash_e6, yes, no)) r->differs = true;
  }
}

static void on_ready(void *ctx, bool ready, const char *why) {
  rig_t *const r = ctx;
  (void)why;
  assert_true(r->ready != ready);
  r->ready = ready;
  r->ready_turns++;
  if (ready)
    for (uint32_t m = 0; m < MARKETS; m++) assert_true(r->trusted[m]);
}

static void on_stopped(void *ctx, uint32_t left) {
  rig_t *const r = ctx;
  assert_false(r->stopped);
  r->stopped = true;
  r->left = left;
}

static void on_notice(void *ctx, const pmm_notice_t *n) {
  rig_t *const r = ctx;
  r->notices++;
  r->alerts += n->severity == PMM_ALERT;
  snprintf(r->last_notice, sizeof r->last_notice, "%s: %s", n->code, n->text);
  assert_null(strstr(n->text, SECRET)); /* never a secret */
  if (getenv("SHOW")) fprintf(stderr, "%8lld %d %s: %s\n", (long long)(pmm_net_mono(r->net) / MS), n->severity, n->code, n->text);
}

/* -- the world -- */

static const char *exchange_secret(void *ctx, const char *name) {
  (void)ctx;
  return strcmp(name, "DEGEN_EXCHANGE_SECRET") == 0 ? SECRET : NULL;
}

static const char *my_secret(void *ctx, const char *name) {
  (void)ctx;
  return strcmp(name, "DEGEN_API_KEY") == 0 ? "me" : strcmp(name, "DEGEN_WALLET_KEY") == 0 ? SECRET : NULL;
}

static void list(rig_t *r, const char *id, int64_t duration_ns) {
  pmm_listing_params_t l = {.tick_e4 = 100, .duration_ns = duration_ns, .strike = 95000, .taker_rate = -1, .maker_rate = -1};
  pmm_market_t market;
  uint32_t index;
  strcpy(l.id, id);
  strcpy(l.asset, "BTC");
  assert_int_equal(pmm_degen_dialect.market(&l, pmm_net_now(r->net), 1, &market, NULL), PMM_OK);
  assert_int_equal(pmm_place_market_add(r->place, &market, pmm_net_now(r->net), &index, NULL), PMM_OK);
  assert_int_equal(pmm_degen_dialect.list(r->dialect, index, &l, NULL), PMM_OK);
}

static rig_t *rig_open(uint64_t seed, const pmm_faults_params_t *faults, const pmm_serve_params_t *serve) {
  rig_t *const r = calloc(1, sizeof *r);
  pmm_error_t err;
  pmm_vnet_config_t const net = {.start_ns = INT64_C(1700000000) * SEC, .seed = seed, .latency_ns = 5 * MS, .jitter_ns = 5 * MS};
  assert_int_equal(pmm_vnet_open(&r->net, &net, &err), PMM_OK);
  pmm_place_config_t const c = {.venue = PMM_VENUE_DEGEN, .accounts_max = 8, .markets_max = 8, .seed = seed};
  assert_int_equal(pmm_place_open(&r->place, &c, &err), PMM_OK);
  pmm_dialect_config_t const d = {.serve = *serve, .place = r->place, .secret = exchange_secret};
  assert_int_equal(pmm_degen_dialect.open(&r->dialect, &d, &err), PMM_OK);
  assert_int_equal(pmm_faults_open(&r->faulty, r->dialect, faults, &pmm_degen_dialect.bodies, &err), PMM_OK);
  assert_int_equal(pmm_vnet_host(r->net, "degen", r->faulty, &err), PMM_OK);
  list(r, "BTC-95K", 7200 * SEC);
  list(r, "BTC-96K", 7200 * SEC);
  const char *const names[] = {"me", "other"};
  uint32_t *const accounts[] = {&r->me, &r->other};
  for (int i = 0; i < 2; i++) {
    pmm_member_params_t m = {0};
    strcpy(m.name, names[i]);
    assert_int_equal(pmm_place_account_add(r->place, names[i], CASH, accounts[i], &err), PMM_OK);
    assert_int_equal(pmm_degen_dialect.member(r->dialect, *accounts[i], &m, &err), PMM_OK);
  }
  assert_int_equal(pmm_arena_open(&r->arena, 1 << 20), PMM_OK);
  for (int m = 0; m < MARKETS; m++) {
    assert_int_equal(pmm_grid_uniform(&r->grid[m], 100), PMM_OK);
    assert_int_equal(pmm_ladder_init(&r->ladder[m], &r->arena, 100, 100), PMM_OK);
  }
  return r;
}

static pmm_venue_params_t usual(void) {
  pmm_venue_params_t p = {.venue = PMM_VENUE_DEGEN - 1, .rest = "https://degen", .markets = "BTC-95K BTC-96*", .reconcile_ns = 10 * SEC, .dead_man_ns = 10 * SEC,
                          .request_timeout_ns = 2 * SEC, .stale_ns = 15 * SEC, .skew_max_ns = 2 * SEC, .batch_max = 10};
  return p;
}

static pmm_status_t rig_adapter(rig_t *r, const pmm_venue_params_t *params, pmm_error_t *err) {
  pmm_venue_sink_t const sink = {.ctx = r, .discovered = on_discovered, .failed = on_failed, .md = on_md, .account = on_account, .report = on_report, .ready = on_ready,
                                 .stopped = on_stopped, .notices = {on_notice, r}};
  pmm_secrets_t const secrets = {my_secret, NULL};
  return pmm_degen_ops.open(&r->adapter, r->net, params, &secrets, r->public_only, 1, &sink, err);
}

static void rig_start(rig_t *r, const pmm_venue_params_t *params) {
  pmm_error_t err;
  if (rig_adapter(r, params, &err) != PMM_OK) fail_msg("%s", err.text);
}

static void rig_close(rig_t *r) {
  pmm_error_t err;
  pmm_degen_ops.close(r->adapter);
  if (pmm_place_check(r->place, &err) != PMM_OK) fail_msg("%s", err.text);
  pmm_vnet_close(r->net);
  pmm_faults_close(r->faulty);
  pmm_degen_dialect.close(r->dialect);
  pmm_place_close(r->place);
  pmm_arena_close(&r->arena);
  free(r);
}

static void run(rig_t *r, int64_t ns) { pmm_vnet_run(r->net, pmm_net_mono(r->net) + ns); }

static void start_ready(rig_t *r) {
  pmm_venue_params_t const p = usual();
  rig_start(r, &p);
  run(r, 2 * SEC);
  assert_true(r->ready);
  assert_int_equal(r->market_cnt, 2);
}

static uint64_t place(rig_t *r, uint32_t market, pmm_route_t route, int32_t price_e4, int64_t qty, pmm_tif_t tif, uint8_t flags) {
  assert_true(r->order_cnt < ORDERS_MAX);
  uint64_t const i = r->order_cnt++;
  r->order[i] = (order_t){.route = (uint8_t)route, .price_e4 = price_e4, .market = market, .qty_e6 = qty * ONE};
  pmm_action_t const a = {.order_id = BASE + i, .qty_e6 = qty * ONE, .price_e4 = price_e4, .market = FIRST + market, .kind = PMM_ACT_PLACE, .route = (uint8_t)route, .tif = (uint8_t)tif, .flags = flags};
  pmm_degen_ops.submit(r->adapter, &a, 1);
  return i;
}

static void cancel(rig_t *r, uint64_t i) {
  order_t *const o = &r->order[i];
  pmm_action_t const a = {.order_id = BASE + i, .price_e4 = o->price_e4, .market = FIRST + o->market, .kind = PMM_ACT_CANCEL, .route = o->route};
  o->cancel_sent = true;
  pmm_degen_ops.submit(r->adapter, &a, 1);
}

static void amend(rig_t *r, uint64_t i, int64_t open) {
  order_t *const o = &r->order[i];
  pmm_action_t const a = {.order_id = BASE + i, .price_e4 = o->price_e4, .qty_e6 = open * ONE, .market = FIRST + o->market, .kind = PMM_ACT_AMEND, .route = o->route, .flags = PMM_ACT_REDUCE_ONLY};
  pmm_degen_ops.submit(r->adapter, &a, 1);
}

/* The other account, by hand. */
static void other(rig_t *r, uint32_t market, pmm_route_t route, int32_t price_e4, int64_t qty, pmm_tif_t tif) {
  pmm_place_answer_t answer;
  pmm_place_request_t const q = {.account = r->other, .market = market, .route = route, .price_e4 = price_e4, .qty_e6 = qty * ONE, .tif = tif, .stp = PMM_PLACE_STP_USUAL};
  pmm_place_order(r->place, &q, pmm_net_now(r->net), &answer);
}

static void agree(rig_t *r) {
  int64_t yes[MARKETS], no[MARKETS];
  for (uint32_t m = 0; m < MARKETS; m++) {
    pmm_place_holding_t h;
    pmm_place_holding(r->place, r->me, m, &h);
    yes[m] = h.yes_e6;
    no[m] = h.no_e6;
  }
  assert_true(same(r, pmm_place_cash(r->place, r->me, NULL), yes, no));
  assert_int_equal(r->duplicates, 0);
  assert_int_equal(r->stray_fills, 0);
}

static uint32_t resting(rig_t *r) {
  uint32_t n = 0;
  for (const pmm_place_order_t *o = pmm_place_open_after(r->place, r->me, 0); o; o = pmm_place_open_after(r->place, r->me, o->seq)) n++;
  return n;
}

static const pmm_faults_params_t no_faults;
static const pmm_serve_params_t plain = {.rate_limit = true};

/* -- one thing at a time -- */

static void test_orders(void **state) {
  (void)state;
  rig_t *const r = rig_open(1, &no_faults, &plain);
  start_ready(r);
  assert_true(r->report.takeover && r->report.cash_e6 == CASH && r->report.holding_cnt == 0);
  uint64_t const a = place(r, 0, PMM_BUY_YES, 4800, 10, PMM_GTC, PMM_ACT_POST_ONLY), b = place(r, 0, PMM_BUY_NO, 5200, 10, PMM_GTC, PMM_ACT_POST_ONLY);
  run(r, 100 * MS);
  assert_true(r->order[a].state == LIVE && r->order[b].state == LIVE);
  assert_int_equal(resting(r), 2);
  assert_true(r->ladder[0].best[PMM_BID] == 48 && r->ladder[0].best[PMM_ASK] == 52);
  other(r, 0, PMM_BUY_NO, 4800, 4, PMM_IOC); /* sells YES to us */
  run(r, 100 * MS);
  assert_int_equal(r->order[a].filled_e6, 4 * ONE);
  assert_true(r->trades > 0);
  amend(r, a, 3);
  run(r, 100 * MS);
  assert_int_equal(r->order[a].qty_e6, 7 * ONE);
  cancel(r, a);
  run(r, 100 * MS);
  assert_true(r->order[a].state == OVER && r->order[a].want_filled_e6 == 4 * ONE && r->order[a].ends == 1);
  cancel(r, a); /* again: over */
  assert_true(r->order[a].lost);
  other(r, 0, PMM_BUY_YES, 5200, 10, PMM_IOC); /* all of b, netting pairs */
  run(r, 400 * MS);
  assert_true(r->order[b].state == OVER && r->order[b].filled_e6 == 10 * ONE);
  uint64_t const c = place(r, 0, PMM_BUY_YES, 5000, 10, PMM_IOC, 0), d = place(r, 0, PMM_BUY_YES, 5050, 10, PMM_GTC, 0), e = place(r, 1, PMM_SELL_YES, 5000, 5, PMM_GTC, 0);
  uint64_t const f = place(r, 0, PMM_BUY_YES, 5000, 10, PMM_FOK, 0);
  run(r, 400 * MS);
  assert_true(r->order[c].state == OVER && r->order[c].why == PMM_REJECT_IOC && r->order[c].want_filled_e6 == 0);
  assert_true(r->order[d].rejects == 1 && r->order[d].why == PMM_REJECT_PRICE);
  assert_true(r->order[e].rejects == 1 && r->order[e].why == PMM_REJECT_SHARES);
  assert_true(r->order[f].rejects == 1 && r->order[f].why == PMM_REJECT_FOK);
  uint64_t const g = place(r, 0, PMM_BUY_YES, 1000, 10, PMM_GTC, 0);
  cancel(r, g); /* before its answer: by client id */
  run(r, 3 * SEC);
  assert_true(r->order[g].state == OVER && r->order[g].ends == 1);
  agree(r);
  run(r, 30 * SEC);
  assert_true(r->settled_reports > 0 && !r->differs);
  assert_int_equal(r->alerts, 0);
  assert_int_equal(r->ready_turns, 1);
  rig_close(r);
}

static void test_closing(void **state) {
  (void)state;
  rig_t *const r = rig_open(2, &no_faults, &plain);
  start_ready(r);
  uint64_t const a = place(r, 0, PMM_BUY_YES, 4000, 10, PMM_GTC, 0);
  run(r, 100 * MS);
  other(r, 0, PMM_BUY_NO, 4000, 4, PMM_IOC);
  assert_int_equal(pmm_place_life(r->place, 0, pmm_net_now(r->net), PMM_LIFE_CLOSED, PMM_OUTCOME_UNKNOWN, 0), PMM_OK);
  run(r, 300 * MS);
  assert_true(r->order[a].state == OVER && r->order[a].want_filled_e6 == 4 * ONE && r->order[a].filled_e6 == 4 * ONE);
  uint64_t const b = place(r, 0, PMM_BUY_YES, 4000, 10, PMM_GTC, 0);
  run(r, 300 * MS);
  assert_true(r->order[b].rejects == 1 && r->order[b].why == PMM_REJECT_CLOSED);
  assert_int_equal(pmm_place_life(r->place, 0, pmm_net_now(r->net), PMM_LIFE_RESOLVED, PMM_OUTCOME_YES, ONE), PMM_OK);
  run(r, 300 * MS);
  assert_int_equal(r->statuses, 2);
  rig_close(r);
}

/* Found at the start: cancelled, or adopted and then managed. */
static void test_takeover(void **state) {
  (void)state;
  for (int adopt = 0; adopt < 2; adopt++) {
    rig_t *const r = rig_open(3, &no_faults, &plain);
    pmm_place_answer_t answer;
    pmm_place_request_t q = {.account = r->me, .market = 1, .route = PMM_BUY_NO, .price_e4 = 6000, .qty_e6 = 10 * ONE, .stp = PMM_PLACE_STP_USUAL, .client_id = "by hand"};
    pmm_place_order(r->place, &q, pmm_net_now(r->net), &answer);
    q.client_id = "p0000000900000fff";
    pmm_place_order(r->place, &q, pmm_net_now(r->net), &answer);
    other(r, 1, PMM_BUY_YES, 6000, 3, PMM_IOC);
    pmm_venue_params_t p = usual();
    p.open_orders = adopt ? PMM_OPEN_ADOPT : PMM_OPEN_CANCEL;
    rig_start(r, &p);
    run(r, 5 * SEC);
    assert_true(r->ready);
    assert_true(r->report.takeover && r->report.holding_cnt == 1 && r->holding[0].market == FIRST + 1 && r->holding[0].no_e6 == 3 * ONE);
    assert_int_equal(resting(r), adopt ? 2 : 0);
    assert_int_equal(r->open_cnt, adopt ? 2 : 0);
    if (adopt) {
      assert_true(r->open[0].order_id & PMM_ORDER_ALIAS);
      assert_true(r->open[0].price_e4 == 6000 && r->open[0].open_e6 == 7 * ONE && r->open[0].filled_e6 == 3 * ONE && r->open[0].route == PMM_BUY_NO);
      assert_true(r->open[1].order_id == UINT64_C(0x900000fff));
      pmm_action_t const a[2] = {{.order_id = r->open[0].order_id, .market = FIRST + 1, .kind = PMM_ACT_CANCEL}, {.order_id = r->open[1].order_id, .market = FIRST + 1, .kind = PMM_ACT_CANCEL}};
      pmm_degen_ops.submit(r->adapter, a, 2);
      run(r, 2 * SEC);
      assert_int_equal(resting(r), 0);
    }
    assert_int_equal(r->cash_e6, pmm_place_cash(r->place, r->me, NULL));
    rig_close(r);
  }
}

/* Orders nobody knows are cancelled by the next reconciliation. */
static void test_unknown_orders(void **state) {
  (void)state;
  rig_t *const r = rig_open(4, &no_faults, &plain);
  start_ready(r);
  pmm_place_answer_t answer;
  pmm_place_request_t const q = {.account = r->me, .market = 1, .route = PMM_BUY_NO, .price_e4 = 6000, .qty_e6 = 10 * ONE, .stp = PMM_PLACE_STP_USUAL, .client_id = "by hand"};
  pmm_place_order(r->place, &q, pmm_net_now(r->net), &answer);
  uint64_t const a = place(r, 0, PMM_BUY_YES, 4000, 10, PMM_GTC, 0);
  run(r, 12 * SEC);
  assert_int_equal(resting(r), 1);
  assert_true(r->order[a].state == LIVE);
  rig_close(r);
}

/* The switch on the venue's side: unplugged, no order of ours rests longer than it allows. */
static void test_dead_man(void **state) {
  (void)state;
  rig_t *const r = rig_open(5, &no_faults, &plain);
  start_ready(r);
  uint64_t const a = place(r, 0, PMM_BUY_YES, 4000, 10, PMM_GTC, 0);
  run(r, 60 * SEC);
  assert_int_equal(resting(r), 1); /* heartbeats keep it */
  assert_int_equal(r->ready_turns, 1);
  pmm_vnet_cable(r->net, "degen", false);
  run(r, 11 * SEC);
  assert_int_equal(resting(r), 0);
  run(r, 20 * SEC);
  assert_false(r->ready);
  assert_true(!r->trusted[0] && !r->trusted[1]);
  pmm_vnet_cable(r->net, "degen", true);
  run(r, 60 * SEC);
  assert_true(r->ready && r->trusted[0] && r->trusted[1]);
  assert_true(r->order[a].state == OVER && r->order[a].want_filled_e6 == 0);
  agree(r);
  rig_close(r);
}

static void test_stop(void **state) {
  (void)state;
  rig_t *const r = rig_open(6, &no_faults, &plain);
  start_ready(r);
  for (int i = 0; i < 20; i++) place(r, (uint32_t)i % 2, PMM_BUY_YES, 100 * (10 + i), 1, PMM_GTC, 0);
  run(r, 200 * MS);
  assert_int_equal(resting(r), 20);
  uint64_t const late = place(r, 0, PMM_BUY_YES, 100, 1, PMM_GTC, 0); /* under way when it stops */
  pmm_degen_ops.stop(r->adapter, pmm_net_mono(r->net) + 5 * SEC);
  assert_false(r->stopped);
  run(r, 6 * SEC);
  assert_true(r->stopped && r->left == 0);
  assert_int_equal(resting(r), 0);
  assert_true(r->order[late].state == OVER);
  for (uint64_t i = 0; i < r->order_cnt; i++) assert_true(r->order[i].state == OVER);
  rig_close(r);
  rig_t *const cut = rig_open(6, &no_faults, &plain); /* the venue out of reach: said so at the deadline */
  start_ready(cut);
  place(cut, 0, PMM_BUY_YES, 4000, 1, PMM_GTC, 0);
  run(cut, 200 * MS);
  pmm_vnet_cable(cut->net, "degen", false);
  pmm_degen_ops.stop(cut->adapter, pmm_net_mono(cut->net) + 5 * SEC);
  run(cut, 6 * SEC);
  assert_true(cut->stopped && cut->left == 1);
  rig_close(cut);
}

/* No order that it knows of: only a look at the venue tells that none rests. */
static void test_stop_unseen(void **state) {
  (void)state;
  rig_t *const r = rig_open(6, &no_faults, &plain);
  start_ready(r);
  pmm_vnet_cable(r->net, "degen", false);
  pmm_degen_ops.stop(r->adapter, pmm_net_mono(r->net) + 5 * SEC);
  run(r, 4 * SEC);
  assert_false(r->stopped);
  run(r, 2 * SEC);
  assert_true(r->stopped);
  assert_int_equal(r->left, PMM_ORDERS_LEFT_UNKNOWN);
  rig_close(r);
  rig_t *const back = rig_open(6, &no_faults, &plain); /* in reach again before the deadline */
  start_ready(back);
  pmm_vnet_cable(back->net, "degen", false);
  pmm_degen_ops.stop(back->adapter, pmm_net_mono(back->net) + 10 * SEC);
  run(back, 3 * SEC);
  assert_false(back->stopped);
  pmm_vnet_cable(back->net, "degen", true);
  run(back, 5 * SEC);
  assert_true(back->stopped && back->left == 0);
  rig_close(back);
}

static void test_opening(void **state) {
  (void)state;
  static const struct { const char *why, *rest, *markets; pmm_status_t want; bool failed, retrying; const char *text; } rows[] = {
    {"no host", "", "BTC-95K", PMM_INVAL, false, false, "rest"},
    {"no markets", "https://degen", "  ", PMM_INVAL, false, false, "markets"},
    {"no such market", "https://degen", "BTC-1", PMM_OK, true, false, "no such market"},
    {"none open", "https://degen", "series:ETH", PMM_OK, true, true, "no open market"},
    {"no such venue", "https://elsewhere", "BTC-95K", PMM_OK, true, true, "no such host"},
    {"a series", "https://degen/", "series:BTC", PMM_OK, false, false, ""},
  };
  for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
    rig_t *const r = rig_open(7, &no_faults, &plain);
    pmm_venue_params_t p = usual();
    pmm_error_t err = {0};
    strcpy(p.rest, rows[i].rest);
    strcpy(p.markets, rows[i].markets);
    pmm_status_t const st = rig_adapter(r, &p, &err);
    if (st == PMM_OK) run(r, 10 * SEC);
    else snprintf(r->error, sizeof r->error, "%s", err.text);
    if (st != rows[i].want || r->failed != rows[i].failed || r->retrying != rows[i].retrying || !strstr(r->error, rows[i].text))
      fail_msg("%s: %d, failed %d, retrying %d: %s", rows[i].why, st, r->failed, r->retrying, r->error);
    if (st == PMM_OK && !rows[i].failed) assert_true(r->ready);
    rig_close(r);
  }
}

static void test_public(void **state) {
  (void)state;
  rig_t *const r = rig_open(8, &no_faults, &plain);
  r->public_only = true;
  start_ready(r);
  other(r, 0, PMM_BUY_YES, 4000, 4, PMM_GTC);
  run(r, SEC);
  assert_int_equal(r->ladder[0].best[PMM_BID], 40);
  assert_int_equal(r->reports, 0);
  pmm_degen_ops.stop(r->adapter, pmm_net_mono(r->net) + SEC);
  run(r, SEC);
  assert_true(r->stopped && r->left == 0);
  rig_close(r);
}

/* More than the budget: cancels go, places wait, and none is lost. */
static void test_rate(void **state) {
  (void)state;
  rig_t *const r = rig_open(9, &no_faults, &plain);
  start_ready(r);
  for (int i = 0; i < 600; i++) place(r, 0, PMM_BUY_YES, 100, 1, PMM_GTC, 0);
  run(r, 50 * MS);
  uint32_t const early = resting(r);
  assert_in_range(early, 250, 330); /* the reserve for cancels stays */
  for (uint64_t i = 0; i < 100; i++) cancel(r, i);
  run(r, 100 * MS);
  assert_true(r->order[50].state == OVER);
  run(r, 5 * SEC);
  assert_int_equal(resting(r), 500);
  rig_close(r);
}

/* -- everything at once -- */

static void trade(rig_t *r, pmm_rng_t *rng) {
  uint32_t const m = (uint32_t)pmm_rng_below(rng, MARKETS);
  int32_t const price = 100 * (30 + (int32_t)pmm_rng_below(rng, 40));
  int64_t const qty = 1 + (int64_t)pmm_rng_below(rng, 5);
  uint64_t const what = pmm_rng_below(rng, 10);
  if (what < 3 && r->order_cnt < ORDERS_MAX - 1) {
    pmm_route_t const route = (pmm_route_t)pmm_rng_below(rng, 4);
    bool const post = pmm_rng_below(rng, 2);
    place(r, m, route, price, qty, post ? PMM_GTC : (pmm_tif_t)(pmm_rng_below(rng, 2) ? PMM_IOC : PMM_GTC), post ? PMM_ACT_POST_ONLY : 0);
  } else if (what < 6 && r->order_cnt > 0) {
    uint64_t const back = pmm_rng_below(rng, r->order_cnt < 30 ? r->order_cnt : 30), i = r->order_cnt - 1 - back;
    if (r->order[i].state != OVER && !r->order[i].cancel_sent) cancel(r, i);
  } else other(r, m, pmm_rng_below(rng, 2) ? PMM_BUY_YES : PMM_BUY_NO, price, qty, pmm_rng_below(rng, 2) ? PMM_GTC : PMM_IOC);
}

static void cancel_live(rig_t *r) {
  for (uint64_t i = 0; i < r->order_cnt; i++)
    if (r->order[i].state != OVER && !r->order[i].cancel_sent) cancel(r, i);
}

static void check_books(rig_t *r) {
  for (uint32_t m = 0; m < MARKETS; m++) {
    assert_true(r->trusted[m]);
    assert_true(pmm_ladder_hash(&r->ladder[m]) == pmm_ladder_hash(pmm_place_ladder(r->place, m)));
  }
}

static void stormy(uint64_t seed, const pmm_faults_params_t *faults, const pmm_serve_params_t *serve, int steps) {
  pmm_faults_params_t f = *faults;
  f.seed = seed;
  rig_t *const r = rig_open(seed, &no_faults, serve);
  pmm_rng_t rng;
  pmm_rng_seed(&rng, seed);
  start_ready(r);
  pmm_faults_set(r->faulty, &f);
  for (int i = 0; i < steps; i++) {
    trade(r, &rng);
    run(r, (int64_t)pmm_rng_below(&rng, 100) * MS);
  }
  pmm_faults_set(r->faulty, &no_faults);
  for (int i = 0; i < 4; i++) { /* everything settles once the network does */
    run(r, 20 * SEC);
    cancel_live(r);
  }
  run(r, 20 * SEC);
  const pmm_faults_stats_t *const s = pmm_faults_stats(r->faulty);
  if (getenv("SHOW")) fprintf(stderr, "seed %llu: %llu orders, %llu fills, %u gaps, %u ready turns, %llu lost, %llu disconnects, %u alerts\n", (unsigned long long)seed,
      (unsigned long long)r->order_cnt, (unsigned long long)r->fills, r->gaps, r->ready_turns, (unsigned long long)s->lost, (unsigned long long)s->disconnects, r->alerts);
  assert_int_equal(resting(r), 0);
  for (uint64_t i = 0; i < r->order_cnt; i++) {
    const order_t *const o = &r->order[i];
    if (o->state != OVER || o->ends > 1 || (o->ends == 1 && o->want_filled_e6 != o->filled_e6))
      fail_msg("seed %llu: order %llu: state %d, %u ends, filled %lld of %lld", (unsigned long long)seed, (unsigned long long)i, o->state, o->ends, (long long)o->filled_e6, (long long)o->want_filled_e6);
  }
  agree(r);
  assert_false(r->differs);
  assert_true(r->settled_reports > 0 && r->fills > 20);
  check_books(r);
  pmm_degen_ops.stop(r->adapter, pmm_net_mono(r->net) + 5 * SEC);
  run(r, 6 * SEC);
  assert_true(r->stopped && r->left == 0);
  rig_close(r);
}

static void test_calm(void **state) {
  (void)state;
  stormy(1, &no_faults, &plain, 1500);
}

static const pmm_faults_params_t all_faults = {
  .delay_ns = 2 * MS, .delay_jitter_ns = 50 * MS, .drop_request = .02, .drop_answer = .03, .error_5xx = .03, .error_5xx_after = .03, .rate_limited = .03, .restart_425 = .03,
  .duplicate = .03, .reorder = .03, .lose = .03, .disconnect_per_s = .05, .mute_per_s = .02, .mute_ns = 3 * SEC, .slow_read_per_s = .02, .slow_ns = 3 * SEC};

static void test_storm(void **state) {
  (void)state;
  for (uint64_t seed = 1; seed <= 20; seed++) stormy(seed, &all_faults, &plain, 600);
}

/* Reads that show the state of a while ago. */
static void test_lag(void **state) {
  (void)state;
  pmm_serve_params_t const lagging = {.rate_limit = true, .lag_ns = SEC};
  for (uint64_t seed = 1; seed <= 5; seed++) stormy(seed, &all_faults, &lagging, 400);
}

int main(void) {
  const struct CMUnitTest tests[] = {
    cmocka_unit_test(test_orders), cmocka_unit_test(test_closing), cmocka_unit_test(test_takeover), cmocka_unit_test(test_unknown_orders), cmocka_unit_test(test_dead_man),
    cmocka_unit_test(test_stop), cmocka_unit_test(test_stop_unseen), cmocka_unit_test(test_opening), cmocka_unit_test(test_public), cmocka_unit_test(test_rate), cmocka_unit_test(test_calm), cmocka_unit_test(test_storm), cmocka_unit_test(test_lag),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
