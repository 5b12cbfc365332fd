/* tests/backtest/rig.h -- streams of records by hand, a strategy that quotes by a timetable, and a log of what the account saw. */
#ifndef PMM_TESTS_BACKTEST_RIG_H
#define PMM_TESTS_BACKTEST_RIG_H
#include <math.h>
#include <unistd.h>
#include "base/check.h"
#include "pmm/backtest.h"

#define QTY(contracts) ((int64_t)((contracts)*1000000.0 + ((contracts) < 0 ? -0.5 : 0.5)))
#define RIG_START_S INT64_C(1767268800) /* 2026-01-01 12:00 */
#define RIG_RECORDS 4096
#define RIG_EVENTS 4096

static inline int64_t rig_ns(double s) { return RIG_START_S * PMM_NS_PER_S + (int64_t)floor(s * 1e9 + 0.5); }
static inline double rig_s(int64_t ns) { return (double)(ns - RIG_START_S * PMM_NS_PER_S) / 1e9; }

/* -- a strategy that quotes by a timetable -- */
typedef struct rig_quote { double at_s; int32_t bid_e4, ask_e4; int64_t qty_e6; } rig_quote_t; /* from at_s on; price 0: that side not at all */
typedef struct rig_plan {
  const rig_quote_t *quote; size_t cnt;
  int64_t refresh_ns;
  uint32_t calls;
  double call_s[256], call_mid[256]; /* when it was asked, and what it saw */
} rig_plan_t;
typedef struct rig_params { rig_plan_t *plan; } rig_params_t;

static inline pmm_status_t rig_init(void *state, const void *params, uint64_t seed) {
  (void)seed;
  *(rig_params_t *)state = *(const rig_params_t *)params;
  return PMM_OK;
}
static inline int64_t rig_refresh(const void *params) { return ((const rig_params_t *)params)->plan->refresh_ns; }
static inline pmm_status_t rig_view(void *state, const pmm_view_t *view, pmm_quotes_t *out) {
  rig_plan_t *const plan = ((rig_params_t *)state)->plan;
  if (plan->calls < COUNT_OF(plan->call_s)) {
    plan->call_s[plan->calls] = rig_s(view->now_ns);
    plan->call_mid[plan->calls] = view->mid;
  }
  plan->calls++;
  out->fair = view->mid;
  out->resize_tolerance = 1; /* what is left of a fill keeps its place */
  for (size_t i = plan->cnt; i-- > 0;) {
    rig_quote_t const *const q = &plan->quote[i];
    if (rig_ns(q->at_s) > view->now_ns) continue;
    if (q->bid_e4) out->bid[out->bid_cnt++] = (pmm_level_t){q->bid_e4, q->qty_e6};
    if (q->ask_e4) out->ask[out->ask_cnt++] = (pmm_level_t){q->ask_e4, q->qty_e6};
    return PMM_OK;
  }
  return PMM_OK;
}
static const pmm_strategy_ops_t rig_ops = {.abi = PMM_STRATEGY_ABI, .name = "timetable", .help = "", .state_size = sizeof(rig_params_t),
  .wake = PMM_WAKE_BOOK | PMM_WAKE_TIMER | PMM_WAKE_LIFE, .init = rig_init, .refresh_ns = rig_refresh, .on_view = rig_view};

/* -- a run -- */
typedef struct rig {
  pmm_config_t config;
  pmm_market_t market[4]; uint32_t market_cnt;
  pmm_underlying_t under[2]; uint32_t under_cnt;
  pmm_md_t md[RIG_RECORDS]; size_t md_cnt;
  rig_plan_t plan[4];
  pmm_event_t event[RIG_EVENTS]; size_t event_cnt;
  pmm_result_t result;
  pmm_error_t err;
  void (*meddle)(pmm_event_t *event); /* changes what the engine is told: for canaries */
} rig_t;

/* Default configuration without latency and with limits out of the way. */
static inline void rig_config(pmm_config_t *c) {
  pmm_config_default(c);
  c->latency.order_ns = c->latency.response_ns = 0;
  c->account.cash_e6 = QTY(10000);
  c->risk.max_heat = 1;
  c->risk.max_daily_loss_e6 = 0;
  c->exec.pending_timeout_ns = 0;
}

static inline void rig_market(rig_t *r, const char *id, uint32_t data) {
  pmm_market_t *const m = &r->market[r->market_cnt++];
  pmm_market_init(m, id);
  m->life = PMM_LIFE_PENDING;
  m->data = data;
}

static inline void rig_strategy(rig_t *r, uint32_t i, const char *match, const rig_quote_t *quote, size_t cnt) {
  pmm_config_strategy_t *const s = &r->config.strategy[i];
  *s = (pmm_config_strategy_t){.ops = &rig_ops};
  snprintf(s->name, sizeof s->name, "timetable%u", i);
  snprintf(s->match, sizeof s->match, "%s", match);
  r->plan[i] = (rig_plan_t){.quote = quote, .cnt = cnt};
  rig_params_t const params = {.plan = &r->plan[i]};
  memcpy(s->params, &params, sizeof params);
  if (r->config.strategy_cnt <= i) r->config.strategy_cnt = i + 1;
}

/* One market with depth and prints and a timetable for it. */
static inline void rig_open(rig_t *r, const rig_quote_t *quote, size_t cnt) {
  memset(r, 0, sizeof *r);
  rig_config(&r->config);
  rig_market(r, "M", PMM_DATA_DEPTH | PMM_DATA_TRADES);
  rig_strategy(r, 0, "*", quote, cnt);
}

/* -- records -- */
static inline pmm_md_t *rig_add(rig_t *r, double s, pmm_md_t md) {
  assert_true(r->md_cnt < RIG_RECORDS);
  md.recv_ns = rig_ns(s);
  md.exch_ns = PMM_TIME_NONE;
  r->md[r->md_cnt] = md;
  return &r->md[r->md_cnt++];
}
static inline void rig_life(rig_t *r, double s, pmm_life_t life) { rig_add(r, s, (pmm_md_t){.kind = PMM_MD_STATUS, .aux = (uint8_t)life, .flags = PMM_F_LAST}); }
static inline void rig_resolve(rig_t *r, double s, pmm_outcome_t outcome) {
  int64_t pay = 0;
  assert_int_equal(pmm_outcome_payout(outcome, &pay), PMM_OK);
  rig_life(r, s, PMM_LIFE_CLOSED);
  rig_add(r, s, (pmm_md_t){.kind = PMM_MD_STATUS, .aux = PMM_LIFE_RESOLVED, .side = (uint8_t)outcome, .qty_e6 = pay, .flags = PMM_F_LAST});
}
static inline pmm_md_t *rig_level(rig_t *r, double s, pmm_side_t side, int32_t price_e4, double qty, uint8_t flags) {
  return rig_add(r, s, (pmm_md_t){.kind = PMM_MD_LEVEL, .side = (uint8_t)side, .price_e4 = price_e4, .qty_e6 = QTY(qty), .flags = flags});
}
static inline pmm_md_t *rig_trade(rig_t *r, double s, pmm_side_t taker, int32_t price_e4, double qty, uint8_t flags) {
  return rig_add(r, s, (pmm_md_t){.kind = PMM_MD_TRADE, .side = (uint8_t)taker, .price_e4 = price_e4, .qty_e6 = QTY(qty), .flags = flags});
}
static inline void rig_book(rig_t *r, double s, int32_t bid_e4, double bid_qty, int32_t ask_e4, double ask_qty) {
  rig_add(r, s, (pmm_md_t){.kind = PMM_MD_CLEAR, .flags = PMM_F_SNAPSHOT});
  rig_level(r, s, PMM_BID, bid_e4, bid_qty, PMM_F_SNAPSHOT);
  rig_level(r, s, PMM_ASK, ask_e4, ask_qty, PMM_F_SNAPSHOT | PMM_F_LAST);
}

/* -- running -- */
static inline void rig_note(void *ctx, const pmm_event_t *event, uint32_t slot) {
  rig_t *const r = ctx;
  (void)slot;
  if (r->meddle) r->meddle((pmm_event_t *)(uintptr_t)event);
  assert_true(r->event_cnt < RIG_EVENTS);
  r->event[r->event_cnt++] = *event;
}
static inline pmm_backtest_opts_t rig_opts(rig_t *r) {
  return (pmm_backtest_opts_t){.md = r->md, .md_cnt = r->md_cnt, .market = r->market, .market_cnt = r->market_cnt, .underlying = r->under,
    .underlying_cnt = r->under_cnt, .on_account = rig_note, .account_ctx = r};
}
static inline pmm_status_t rig_try(rig_t *r) {
  pmm_backtest_opts_t const opts = rig_opts(r);
  r->event_cnt = 0;
  for (size_t i = 0; i < COUNT_OF(r->plan); i++) r->plan[i].calls = 0;
  return pmm_backtest_run(&r->config, &opts, &r->result, &r->err);
}
static inline void rig_run(rig_t *r) {
  if (rig_try(r) != PMM_OK) fail_msg("backtest: %s", r->err.text);
}
static inline void rig_close(rig_t *r) { pmm_result_free(&r->result); }

/* What the account saw of a kind, as text: "2.000 .4800x5 3.000 .4800x3" (exchange time, price, quantity). */
static inline const char *rig_saw(const rig_t *r, pmm_kind_t kind) {
  static char text[16384];
  size_t n = 0;
  text[0] = 0;
  for (size_t i = 0; i < r->event_cnt; i++) {
    const pmm_event_t *const e = &r->event[i];
    if (e->md.kind == kind && n + 64 < sizeof text)
      n += (size_t)snprintf(text + n, sizeof text - n, "%s%.3f .%04dx%g", n ? " " : "", rig_s(e->md.exch_ns), e->md.price_e4, (double)e->md.qty_e6 / 1e6);
  }
  return text;
}
static inline const char *rig_fills(const rig_t *r) { return rig_saw(r, PMM_EV_FILL); }

/* A file name of its own for this process, below TMPDIR. */
static inline const char *rig_path(const char *name) {
  static char path[4][512];
  static int next;
  char *const p = path[next++ % 4];
  const char *const dir = getenv("TMPDIR");
  snprintf(p, sizeof path[0], "%s/pmm-%d-%s", dir ? dir : "/tmp", (int)getpid(), name);
  return p;
}
#endif
