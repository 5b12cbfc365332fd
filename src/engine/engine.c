/* engine.c -- events in, actions out. */
#include "pmm/engine.h"
#include <assert.h>
#include <math.h>
#include <string.h>
#include "engine_impl.h"

#define OFF(f) offsetof(pmm_engine_params_t, f)
const pmm_param_t pmm_engine_param_table[] = {
    {"quote_tick", PMM_PARAM_PRICE, OFF(quote_tick_e4), "0", 0, 0.5, "dollars", NULL, "quotes stand on this step even where the market's is finer; 0: the market's own"},
    {"stale_mid", PMM_PARAM_DURATION, OFF(stale_mid_ns), "30s", 0, 86400, "s", NULL, "how long a lost mid price is remembered before one half is assumed"},
    {"vol_kind", PMM_PARAM_ENUM, OFF(vol_kind), "stdev", 0, 0, "", "stdev|ewma", "estimator of the underlying's volatility"},
    {"vol_dt", PMM_PARAM_DURATION, OFF(vol_dt_ns), "1s", 0.001, 3600, "s", NULL, "sampling interval of the underlying"},
    {"vol_window", PMM_PARAM_INT, OFF(vol_window), "100", 20, 1024, "returns", NULL, "returns in the stdev estimator's window"},
    {"vol_half_life", PMM_PARAM_F64, OFF(vol_half_life_s), "60", 0.001, 1e6, "s", NULL, "half-life of the ewma estimator"},
    {"feed_max_age", PMM_PARAM_DURATION, OFF(feed_max_age_ns), "10s", 0.001, 86400, "s", NULL, "a price source older than this does not enter the median"},
    {"trade_half_life", PMM_PARAM_F64, OFF(trade_half_life_s), "30", 0.001, 1e6, "s", NULL, "half-life of the average of trade prices"},
    {"min_requote", PMM_PARAM_DURATION, OFF(min_requote_ns), "0", 0, 3600, "s", NULL, "at most one decision from book, trade or feed news in this time; 0: on every message"},
    {"equity_every", PMM_PARAM_DURATION, OFF(equity_every_ns), "1s", 0.001, 86400, "s", NULL, "how often the account is marked for drawdown and loss limits"},
    {"sharpe_every", PMM_PARAM_DURATION, OFF(sharpe_every_ns), "60s", 0.001, 86400, "s", NULL, "interval of the returns behind the Sharpe ratio"},
};
const size_t pmm_engine_param_cnt = sizeof pmm_engine_param_table / sizeof pmm_engine_param_table[0];
#undef OFF

#define HOUSE_NS PMM_NS_PER_S /* beat of the check for unanswered requests */

/* -- construction -- */
static uint32_t orders_max(const pmm_engine_config_t *c) { return c->orders_max ? c->orders_max : (c->slot_cnt ? c->slot_cnt : 1) * 64; }

static size_t strategy_bytes(const pmm_engine_config_t *c) {
  size_t sum = 0;
  for (uint32_t i = 0; i < c->slot_cnt; i++) sum += c->slot[i].ops->state_size + 64;
  return sum;
}
/* Room for a market's ladder: its own grid or, where the venue may refine it (Polymarket goes from 0.01 to 0.001 near
   the ends), the finer one. */
static int32_t ladder_cap(const pmm_market_t *m) {
  return m->venue == PMM_VENUE_POLYMARKET && m->grid.tick_cnt < 1000 ? 1000 : m->grid.tick_cnt;
}

size_t pmm_engine_bytes(const pmm_engine_config_t *c) {
  size_t n = sizeof(pmm_engine_t) + 4096;
  n += (sizeof(pmm__market_t) + sizeof(int64_t) + 128) * c->market_cnt;
  for (uint32_t i = 0; i < c->market_cnt; i++) n += pmm_ladder_bytes(ladder_cap(&c->market[i])) + 256;
  n += (sizeof(pmm__slot_t) + sizeof(uint32_t)) * (c->slot_cnt + 1) + strategy_bytes(c);
  n += (sizeof(pmm__source_t) + sizeof(pmm__group_t)) * c->underlying_cnt + 256;
  n += sizeof(pmm__markout_t) * PMM__MARKOUT_RING;
  n += (sizeof(pmm_action_t) * 2 + 1024) * orders_max(c) + ((size_t)1 << 20);
  n += 4096u * (size_t)(c->slot_cnt + 1) + ((size_t)4 << 20); /* ledger and exec */
  return n;
}

/* After a change of the market's terms: what strategies see of them. */
static void show_terms(const pmm_engine_t *e, pmm__market_t *m) {
  int32_t const step = e->params.quote_tick_e4, tick = m->desc.grid.tick_e4;
  m->coarse = step > tick && step % tick == 0;
  if (!m->coarse) return;
  m->quote = m->desc;
  pmm_status_t const st = pmm_grid_uniform(&m->quote.grid, step);
  assert(st == PMM_OK); /* checked at the start */
  (void)st;
}

static pmm_status_t init_market(pmm_engine_t *e, pmm_arena_t *arena, uint32_t i, const pmm_engine_config_t *c) {
  pmm__market_t *const m = &e->market[i];
  m->desc = c->market[i];
  show_terms(e, m);
  m->opened_ns = PMM_TIME_NONE;
  m->quiet_ns = INT64_MIN;
  m->group = UINT32_MAX;
  m->window_ns = m->desc.settle_window_ns > 0 && m->desc.close_ns != PMM_TIME_NONE ? m->desc.close_ns - m->desc.settle_window_ns : PMM_NS_MAX;
  pmm_flow_init(&m->flow, c->params.trade_half_life_s);
  return pmm_ladder_init(&m->ladder, arena, m->desc.grid.tick_cnt, ladder_cap(&m->desc));
}

/* Markets of one event share an exposure; a market without one is its own. */
static void init_exposures(pmm_engine_t *e) {
  for (uint32_t i = 0; i < e->market_cnt; i++) {
    e->market[i].exposure = i;
    if (!e->market[i].desc.event[0]) continue;
    for (uint32_t j = 0; j < i; j++)
      if (strcmp(e->market[j].desc.event, e->market[i].desc.event) == 0) { e->market[i].exposure = j; break; }
  }
}

static pmm_status_t init_slot(pmm_engine_t *e, pmm_arena_t *arena, uint32_t i, const pmm_engine_config_t *c, pmm_error_t *err) {
  pmm__slot_t *const s = &e->slot[i];
  s->cfg = c->slot[i];
  pmm_strategy_ops_t const *const ops = s->cfg.ops;
  if (s->cfg.market >= e->market_cnt) return pmm_error_set(err, PMM_INVAL, "strategy %s: no market %u", s->cfg.name, s->cfg.market);
  pmm__market_t *const m = &e->market[s->cfg.market];
  if (m->slot_cnt >= PMM_SLOTS_PER_MARKET_MAX)
    return pmm_error_set(err, PMM_FULL, "market %s: more than %d strategies", m->desc.id, PMM_SLOTS_PER_MARKET_MAX);
  m->slot[m->slot_cnt++] = i;
  m->wake |= ops->wake | PMM_WAKE_LIFE;
  m->listens |= ops->on_event != NULL;
  s->state = pmm_arena_take(arena, ops->state_size ? ops->state_size : 1, 64);
  if (!s->state) return pmm_error_set(err, PMM_FULL, "no memory for strategy %s", s->cfg.name);
  pmm_status_t st = ops->init(s->state, s->cfg.params, pmm_hash_mix(c->seed, i));
  if (st != PMM_OK) return pmm_error_set(err, st, "strategy %s: %s", s->cfg.name, pmm_status_to_string(st));
  s->refresh_ns = ops->refresh_ns && (ops->wake & PMM_WAKE_TIMER) ? ops->refresh_ns(s->cfg.params) : 0;
  s->next_refresh_ns = s->due_ns = PMM_NS_MAX;
  s->last_decision_ns = INT64_MIN / 2;
  s->accrued_ns = PMM_TIME_NONE;
  e->heap[i] = s->heap_pos = i;
  pmm_quotes_clear(&s->quotes);
  st = pmm_ledger_slot(e->ledger, i, s->cfg.market, s->cfg.net_pairs);
  return st == PMM_OK ? pmm_exec_slot(e->exec, i, s->cfg.market) : st;
}

static pmm_status_t init_money(pmm_engine_t *e, pmm_arena_t *arena, const pmm_engine_config_t *c, pmm_error_t *err) {
  pmm_ledger_config_t const lc = {.slot_cnt = c->slot_cnt ? c->slot_cnt : 1, .pending_max = 1024};
  pmm_exec_config_t const xc = {.params = c->exec, .slot_cnt = lc.slot_cnt, .orders_max = orders_max(c), .id_base = c->run_id << 32};
  pmm_risk_init(&e->risk, &c->risk);
  pmm_status_t st = pmm_ledger_init(&e->ledger, arena, &lc);
  if (st == PMM_OK) st = pmm_exec_init(&e->exec, arena, &xc, e->ledger, &e->risk);
  if (st == PMM_OK && c->cash_e6) st = pmm_ledger_deposit(e->ledger, c->cash_e6);
  if (st != PMM_OK) return pmm_error_set(err, st, "account: %s", pmm_status_to_string(st));
  e->equity_e6 = e->peak_e6 = e->sharpe_equity_e6 = c->cash_e6;
  return PMM_OK;
}

pmm_status_t pmm_engine_init(pmm_engine_t **out, pmm_arena_t *arena, const pmm_engine_config_t *c, pmm_error_t *err) {
  pmm_grid_t step;
  if (c->params.quote_tick_e4 && pmm_grid_uniform(&step, c->params.quote_tick_e4) != PMM_OK)
    return pmm_error_set(err, PMM_INVAL, "engine.quote_tick: must divide a dollar");
  if (c->slot_cnt > PMM_SLOTS_MAX) return pmm_error_set(err, PMM_INVAL, "more than %d strategy slots", PMM_SLOTS_MAX);
  pmm_engine_t *const e = PMM_ARENA_NEW(arena, pmm_engine_t, 1);
  if (!e) return pmm_error_set(err, PMM_FULL, "no memory for the engine");
  e->params = c->params;
  e->now_ns = INT64_MIN;
  e->next_equity_ns = e->internal_due_ns = e->next_sharpe_ns = INT64_MIN;
  e->house_ns = c->slot_cnt && c->exec.pending_timeout_ns > 0 ? INT64_MIN : PMM_NS_MAX;
  e->market_cnt = c->market_cnt;
  e->slot_cnt = c->slot_cnt;
  e->market = PMM_ARENA_NEW(arena, pmm__market_t, c->market_cnt + 1);
  e->slot = PMM_ARENA_NEW(arena, pmm__slot_t, c->slot_cnt + 1);
  e->heap = PMM_ARENA_NEW(arena, uint32_t, c->slot_cnt + 1);
  e->exposure_e6 = PMM_ARENA_NEW(arena, int64_t, c->market_cnt + 1);
  e->markout = PMM_ARENA_NEW(arena, pmm__markout_t, PMM__MARKOUT_RING);
  e->actions.cap = orders_max(c) * 2 + 256;
  e->actions.action = PMM_ARENA_NEW(arena, pmm_action_t, e->actions.cap);
  if (!e->market || !e->slot || !e->heap || !e->exposure_e6 || !e->markout || !e->actions.action)
    return pmm_error_set(err, PMM_FULL, "no memory for %u markets", c->market_cnt);
  for (uint32_t i = 0; i < c->market_cnt; i++) {
    pmm_status_t const st = init_market(e, arena, i, c);
    if (st != PMM_OK) return pmm_error_set(err, st, "market %s: %s", c->market[i].id, pmm_status_to_string(st));
  }
  init_exposures(e);
  pmm_status_t st = pmm__feeds_init(e, arena, c);
  if (st != PMM_OK) return pmm_error_set(err, st, "underlyings: %s", pmm_status_to_string(st));
  st = init_money(e, arena, c, err);
  for (uint32_t i = 0; st == PMM_OK && i < c->slot_cnt; i++) st = init_slot(e, arena, i, c, err);
  if (st == PMM_OK) *out = e;
  return st;
}

/* -- life cycle -- */
static void start_trading(pmm_engine_t *e, pmm__market_t *m) {
  m->opened_ns = e->now_ns;
  pmm_flow_start(&m->flow, e->now_ns);
  for (uint32_t i = 0; i < m->slot_cnt; i++) {
    pmm__slot_t *const s = &e->slot[m->slot[i]];
    s->accrued_ns = e->now_ns;
    s->next_refresh_ns = s->refresh_ns ? e->now_ns : PMM_NS_MAX;
    pmm__slot_due(e, m->slot[i]);
  }
}
static void stop_trading(pmm_engine_t *e, pmm__market_t *m) {
  for (uint32_t i = 0; i < m->slot_cnt; i++) {
    pmm__slot_t *const s = &e->slot[m->slot[i]];
    pmm__accrue(e, s);
    pmm__hear(e, s);
    s->next_refresh_ns = PMM_NS_MAX;
    pmm__slot_due(e, m->slot[i]);
  }
  m->opened_ns = PMM_TIME_NONE;
}

/* Pays out once every order of ours in the market is accounted for; their last events may still be on the way. */
static void try_resolve(pmm_engine_t *e, pmm__market_t *m) {
  for (uint32_t i = 0; i < m->slot_cnt; i++)
    if (pmm_exec_open_cnt(e->exec, m->slot[i])) return;
  for (uint32_t i = 0; i < m->slot_cnt; i++) {
    pmm__slot_t *const s = &e->slot[m->slot[i]];
    s->st.final_yes_e6 = s->pos.yes_e6;
    s->st.final_no_e6 = s->pos.no_e6;
  }
  m->resolve_pending = false;
  m->resolved = true;
  if (m->slot_cnt) {
    pmm_status_t const st = pmm_ledger_resolve(e->ledger, (uint32_t)(m - e->market), m->desc.payout_yes_e6, NULL);
    assert(st == PMM_OK); /* all locks were released with the orders */
    (void)st;
  }
  for (uint32_t i = 0; i < m->slot_cnt; i++) pmm__refresh(e, m->slot[i]);
}

static bool is_payout(const pmm_md_t *md) {
  return md->side > PMM_OUTCOME_UNKNOWN && md->side <= PMM_OUTCOME_VOID && md->qty_e6 >= 0 && md->qty_e6 <= PMM_ONE_E6;
}

static void on_status(pmm_engine_t *e, pmm__market_t *m, const pmm_md_t *md) {
  pmm_life_t const to = (pmm_life_t)md->aux;
  if (md->aux > PMM_LIFE_RESOLVED || pmm_life_move((pmm_life_t)m->desc.life, to) != PMM_OK || (to == PMM_LIFE_RESOLVED && !is_payout(md))) {
    e->bad++;
    return;
  }
  if (to == PMM_LIFE_RESOLVED && m->desc.life == PMM_LIFE_RESOLVED) return; /* said twice: it was paid once */
  bool const trades = pmm_life_trades(to);
  if (!trades && m->opened_ns != PMM_TIME_NONE) stop_trading(e, m);
  m->desc.life = md->aux;
  show_terms(e, m);
  if (trades && m->opened_ns == PMM_TIME_NONE) start_trading(e, m);
  if (to == PMM_LIFE_HALTED) pmm__cancel_market(e, m);
  if (to == PMM_LIFE_RESOLVED) {
    m->desc.outcome = md->side;
    m->desc.payout_yes_e6 = md->qty_e6;
    m->resolve_pending = true;
    show_terms(e, m);
    try_resolve(e, m);
  }
  pmm__wake_market(e, m, PMM_WAKE_LIFE);
}

/* -- market data -- */
void pmm__tell(pmm_engine_t *e, pmm__market_t *m, const pmm_md_t *md) {
  pmm_event_t const event = {.md = *md};
  for (uint32_t i = 0; i < m->slot_cnt; i++) {
    pmm__slot_t *const s = &e->slot[m->slot[i]];
    if (!s->cfg.ops->on_event) continue;
    pmm_view_t view;
    pmm_engine_view(e, m->slot[i], &view);
    s->cfg.ops->on_event(s->state, &view, &event);
  }
}

static void wake_after_message(pmm_engine_t *e, pmm__market_t *m, const pmm_md_t *md, uint32_t wake) {
  if (__builtin_expect(m->opened_ns == PMM_TIME_NONE, 0)) start_trading(e, m); /* open from the start: no STATUS came */
  if (m->gap) return;
  if (m->listens) pmm__tell(e, m, md);
  if (wake == PMM_WAKE_BOOK && e->now_ns < m->quiet_ns) return;
  pmm__wake_market(e, m, wake);
}

/* One venue message is complete: the book is consistent and worth a decision. Inlined: a replay does little else. */
static inline __attribute__((always_inline)) void end_message(pmm_engine_t *e, pmm__market_t *m, const pmm_md_t *md) {
  int32_t const bid = m->ladder.best[PMM_BID], ask = m->ladder.best[PMM_ASK];
  if (bid != PMM_TICKS_NONE && ask != PMM_TICKS_NONE) {
    if (__builtin_expect(bid >= ask, 0)) { if (bid == ask) m->locked++; else m->crossed++; }
    if (bid <= ask) {
      m->mid.last = (double)(bid + ask) * m->ladder.tick_e4 / (2.0 * PMM_ONE_E4);
      m->mid.at_ns = e->now_ns;
      m->mid.has = true;
    }
  }
  if (md->flags & PMM_F_SNAPSHOT) m->gap = false;
  if (md->kind == PMM_MD_LEVEL || md->kind == PMM_MD_CLEAR) m->seen = true;
  uint32_t const wake = m->pending | PMM_WAKE_BOOK;
  m->pending = 0;
  if (m->desc.life != PMM_LIFE_OPEN) return;
  m->messages++;
  if (m->slot_cnt) wake_after_message(e, m, md, wake);
}

static void on_trade(pmm_engine_t *e, pmm__market_t *m, const pmm_md_t *md) {
  if (md->qty_e6 <= 0 || md->price_e4 <= 0 || md->price_e4 >= PMM_ONE_E4 || md->side > PMM_ASK) { e->bad++; return; }
  e->trades++;
  m->pending |= PMM_WAKE_TRADE;
  if (m->slot_cnt == 0) return; /* nobody asks for its statistics */
  pmm_flow_trade(&m->flow, e->now_ns, (pmm_side_t)md->side, md->price_e4, md->qty_e6, md->flags);
  if (m->listens && !(md->flags & PMM_F_LAST)) pmm__tell(e, m, md);
}

/* A source without a book: its price is the mid. */
static bool on_price(pmm_engine_t *e, pmm__market_t *m, const pmm_md_t *md) {
  if (md->price_e4 < 0 || md->price_e4 > PMM_ONE_E4) { e->bad++; return false; }
  m->mid = (pmm_mid_state_t){.last = (double)md->price_e4 / PMM_ONE_E4, .at_ns = e->now_ns, .has = true};
  m->seen = true;
  return true;
}

static bool on_phase(pmm_engine_t *e, pmm__market_t *m, const pmm_md_t *md) {
  if (md->aux > PMM_PHASE_CANCEL_ONLY) { e->bad++; return false; }
  m->phase = md->aux;
  m->pending |= PMM_WAKE_LIFE;
  return true;
}

static void on_market_record(pmm_engine_t *e, pmm__market_t *m, const pmm_md_t *md) {
  switch (md->kind) {
    case PMM_MD_TRADE: on_trade(e, m, md); break;
    case PMM_MD_STATUS: on_status(e, m, md); return;
    case PMM_MD_GAP:
      m->gap = true;
      e->gaps++;
      pmm__cancel_market(e, m);
      if (m->listens) pmm__tell(e, m, md);
      return;
    case PMM_MD_CLEAR: m->gap = false; break; /* a whole book follows, or the venue emptied it */
    case PMM_MD_TICK: m->pending |= PMM_WAKE_LIFE; break;
    case PMM_MD_PRICE: if (!on_price(e, m, md)) return; break;
    case PMM_MD_PHASE: if (!on_phase(e, m, md)) return; break;
    case PMM_MD_SETTLEMENT: break; /* the venue's affair; what comes of it are account events */
    case PMM_MD_MARK:
    case PMM_MD_VOLUME: break;
    default: e->bad++; return;
  }
  if (md->flags & PMM_F_LAST) end_message(e, m, md);
}

static void check_money(const pmm_engine_t *e) {
#ifdef PMM_CHECKS
  pmm_error_t err;
  assert(pmm_ledger_check(e->ledger, &err) == PMM_OK);
#endif
  (void)e;
}

static inline void take_time(pmm_engine_t *e, const pmm_md_t *md) {
  if (md->recv_ns > e->now_ns) e->now_ns = md->recv_ns;
  e->md_events++;
  if (__builtin_expect(e->now_ns >= e->internal_due_ns, 0)) pmm__internal_due(e);
}

static void apply_other(pmm_engine_t *e, const pmm_md_t *md) {
  int64_t old_e6;
  bool const book = md->kind == PMM_MD_CLEAR || md->kind == PMM_MD_TICK;
  if (!book || md->market >= e->market_cnt) return; /* pmm_engine_react counts what makes no sense */
  pmm__market_t *const m = &e->market[md->market];
  if (pmm_book_apply(&m->ladder, &m->desc.grid, md, &old_e6) != PMM_OK) e->bad++;
  else if (md->kind == PMM_MD_TICK) show_terms(e, m);
}

static inline void apply(pmm_engine_t *e, const pmm_md_t *md) {
  take_time(e, md);
  if (__builtin_expect(md->kind != PMM_MD_LEVEL, 0)) { apply_other(e, md); return; }
  int64_t old_e6;
  if (__builtin_expect(md->market >= e->market_cnt, 0)) { e->bad++; return; }
  pmm__market_t *const m = &e->market[md->market];
  if (__builtin_expect(pmm_book_apply(&m->ladder, &m->desc.grid, md, &old_e6) != PMM_OK, 0)) e->bad++;
}

static void react_other(pmm_engine_t *e, const pmm_md_t *md) {
  if (md->kind == PMM_MD_UNDERLYING || md->kind == PMM_MD_SETTLE_MEAN) pmm__feed(e, md);
  else if (md->market >= e->market_cnt) e->bad++;
  else on_market_record(e, &e->market[md->market], md);
}

static inline void react(pmm_engine_t *e, const pmm_md_t *md) {
  if (__builtin_expect(md->kind != PMM_MD_LEVEL, 0)) react_other(e, md);
  else if ((md->flags & PMM_F_LAST) && md->market < e->market_cnt) end_message(e, &e->market[md->market], md);
  check_money(e);
}

void pmm_engine_apply(pmm_engine_t *e, const pmm_md_t *md) { apply(e, md); }

bool pmm_engine_react(pmm_engine_t *e, const pmm_md_t *md) {
  react(e, md);
  bool const stirred = e->stirred || e->actions.cnt;
  e->stirred = false;
  return stirred;
}

pmm_status_t pmm_engine_on_md(pmm_engine_t *e, const pmm_md_t *md) {
  uint64_t const bad = e->bad;
  apply(e, md);
  react(e, md);
  return e->bad == bad ? PMM_OK : PMM_INVAL;
}

/* -- the account -- */
static void stop_everything(pmm_engine_t *e) {
  pmm_risk_kill(&e->risk);
  for (uint32_t i = 0; i < e->market_cnt; i++) pmm__cancel_market(e, &e->market[i]);
}

/* The slot whose time integrals an event may end: that of an open order, or of a fill that is not settled. */
static void accrue_for(pmm_engine_t *e, const pmm_event_t *ev) {
  pmm_order_t const *const open = pmm_exec_find(e->exec, ev->order_id);
  pmm_fill_t fill;
  if (open) pmm__accrue(e, &e->slot[open->slot]);
  else if (ev->md.kind == PMM_EV_SETTLE_FAILED && pmm_ledger_pending(e->ledger, ev->ref_id, &fill)) pmm__accrue(e, &e->slot[fill.slot]);
}

/* Strategies hear of a fill as their order was placed: side and market are ours, not the venue's wording. */
static void tell_fill(pmm_engine_t *e, const pmm_exec_effect_t *fx, const pmm_event_t *ev) {
  pmm__slot_t *const s = &e->slot[fx->slot];
  if (!s->cfg.ops->on_event) return;
  pmm_event_t event = *ev;
  event.md.side = (uint8_t)fx->side;
  event.md.market = s->cfg.market;
  pmm_view_t view;
  pmm_engine_view(e, fx->slot, &view);
  s->cfg.ops->on_event(s->state, &view, &event);
}

/* An order that we gave up rests after all. */
static void cancel_stray(pmm_engine_t *e, const pmm_event_t *ev, uint32_t slot) {
  if (e->actions.cnt == e->actions.cap) return;
  (void)pmm_risk_allow_cancel(&e->risk, e->now_ns); /* uses the rate budget but is not held back by it */
  e->actions.action[e->actions.cnt++] = (pmm_action_t){.at_ns = e->now_ns, .order_id = ev->order_id, .market = e->slot[slot].cfg.market,
      .kind = PMM_ACT_CANCEL, .slot = (uint16_t)slot, .ref_id = (int64_t)ev->ref_id};
}

static void on_refused(pmm_engine_t *e, const pmm_event_t *ev, const pmm_exec_effect_t *fx, pmm_status_t st) {
  bool const fill = ev->md.kind == PMM_EV_FILL, ignored = st == PMM_STATE || st == PMM_NOT_FOUND; /* late, a copy, or not ours */
  if (!ignored) e->bad++;
  if (fill && !ignored) stop_everything(e); /* a fill that our books cannot hold: they and the venue disagree */
  if (st == PMM_STATE && fx->known && ev->md.kind == PMM_EV_ACK && !pmm_exec_find(e->exec, ev->order_id)) cancel_stray(e, ev, fx->slot);
}

static void on_account(pmm_engine_t *e, const pmm_event_t *ev) {
  pmm_exec_effect_t fx;
  accrue_for(e, ev);
  pmm_status_t const st = pmm_exec_on_event(e->exec, ev, &fx);
  e->path_hash = pmm_hash_mix(e->path_hash, ev->order_id ^ ((uint64_t)ev->md.kind << 56));
  e->path_hash = pmm_hash_mix(e->path_hash, (uint64_t)ev->md.qty_e6 ^ ((uint64_t)(uint32_t)ev->md.price_e4 << 40));
  if (st != PMM_OK) { on_refused(e, ev, &fx, st); return; }
  if (!fx.known) return;
  pmm__market_t *const m = &e->market[e->slot[fx.slot].cfg.market];
  pmm__refresh(e, fx.slot);
  bool const undone = ev->md.kind == PMM_EV_SETTLE_FAILED;
  if (undone) pmm__undo_fill(e, &fx);
  if (fx.is_fill) {
    pmm__note_fill(e, &fx);
    tell_fill(e, &fx, ev);
  }
  if (m->resolve_pending) try_resolve(e, m);
  else if ((fx.is_fill || undone) && (e->slot[fx.slot].cfg.ops->wake & PMM_WAKE_FILL)) pmm__decide(e, fx.slot, PMM_WAKE_FILL);
}

/* Cash that comes or goes is neither gain nor loss. */
static void on_deposit(pmm_engine_t *e, int64_t amount_e6) {
  if (pmm_ledger_deposit(e->ledger, amount_e6) != PMM_OK) { e->bad++; return; }
  pmm_risk_on_deposit(&e->risk, amount_e6);
  e->equity_e6 += amount_e6;
  e->peak_e6 += amount_e6;
  e->sharpe_equity_e6 += amount_e6;
}

static void on_operator(pmm_engine_t *e, const pmm_event_t *ev) {
  switch (ev->md.aux) {
    case PMM_OP_PAUSE: e->paused = true; break;
    case PMM_OP_RESUME: e->paused = e->flatten = false; break;
    case PMM_OP_FLATTEN: e->flatten = true; break;
    case PMM_OP_KILL: stop_everything(e); break;
    case PMM_OP_RESET: pmm_risk_reset(&e->risk); break;
    default: e->bad++; return;
  }
  if (ev->md.aux == PMM_OP_PAUSE)
    for (uint32_t i = 0; i < e->market_cnt; i++) pmm__cancel_market(e, &e->market[i]);
  else if (ev->md.aux != PMM_OP_KILL)
    for (uint32_t i = 0; i < e->slot_cnt; i++) pmm__decide(e, i, PMM_WAKE_LIFE);
}

static void on_fair(pmm_engine_t *e, const pmm_event_t *ev) {
  if (ev->md.market >= e->market_cnt || ev->amount_e6 < 0 || ev->amount_e6 > PMM_ONE_E6) { e->bad++; return; }
  pmm__market_t *const m = &e->market[ev->md.market];
  m->external = (pmm_fair_t){.kind = PMM_FAIR_EXTERNAL, .p = (double)ev->amount_e6 / 1e6, .weight = 1,
                             .as_of_ns = ev->md.exch_ns == PMM_TIME_NONE ? e->now_ns : ev->md.exch_ns, .expires_ns = ev->ref_id ? (int64_t)ev->ref_id : PMM_NS_MAX};
  m->has_external = true;
  pmm__wake_market(e, m, PMM_WAKE_FAIR);
}

pmm_status_t pmm_engine_on_event(pmm_engine_t *e, const pmm_event_t *ev) {
  if (ev->md.kind <= PMM_MD_KIND_END) return pmm_engine_on_md(e, &ev->md);
  uint64_t const bad = e->bad;
  if (ev->md.recv_ns > e->now_ns) e->now_ns = ev->md.recv_ns;
  e->other_events++;
  if (e->now_ns >= e->internal_due_ns) pmm__internal_due(e);
  if (ev->md.kind >= PMM_EV_ACK && ev->md.kind <= PMM_EV_ORDER_STATE) on_account(e, ev);
  else switch (ev->md.kind) {
    case PMM_EV_TIMER:
      if (e->now_ns >= e->house_ns) {
        pmm_exec_on_timer(e->exec, e->now_ns);
        e->house_ns = e->now_ns + HOUSE_NS;
      }
      pmm__run_timers(e);
      break;
    case PMM_EV_OPERATOR: on_operator(e, ev); break;
    case PMM_EV_FAIR: on_fair(e, ev); break;
    case PMM_EV_DEPOSIT: on_deposit(e, ev->amount_e6); break;
    default: e->bad++;
  }
#ifdef PMM_CHECKS
  pmm_error_t err;
  assert(pmm_engine_check(e, &err) == PMM_OK);
#endif
  return e->bad == bad ? PMM_OK : PMM_INVAL;
}

/* -- small accessors -- */
const pmm_action_t *pmm_engine_actions(const pmm_engine_t *e, uint32_t *cnt) { *cnt = e->actions.cnt; return e->actions.action; }
void pmm_engine_actions_done(pmm_engine_t *e) { e->actions.cnt = 0; }
int64_t pmm_engine_next_timer(const pmm_engine_t *e) {
  if (e->slot_cnt == 0 || e->now_ns == INT64_MIN) return PMM_NS_MAX; /* before the first event there is no time */
  return pmm_min64(e->slot[e->heap[0]].due_ns, e->house_ns);
}
void pmm_engine_set_ahead(pmm_engine_t *e, pmm_ahead_fn fn, void *ctx) { e->ahead = fn; e->ahead_ctx = ctx; }
int64_t pmm_engine_now(const pmm_engine_t *e) { return e->now_ns; }
pmm_ladder_t *pmm_engine_ladder(pmm_engine_t *e, uint32_t market) { return &e->market[market].ladder; }
pmm_market_t *pmm_engine_market(pmm_engine_t *e, uint32_t market) { return &e->market[market].desc; }
pmm_ledger_t *pmm_engine_ledger(pmm_engine_t *e) { return e->ledger; }
pmm_exec_t *pmm_engine_exec(pmm_engine_t *e) { return e->exec; }
pmm_risk_t *pmm_engine_risk(pmm_engine_t *e) { return &e->risk; }
const pmm_quotes_t *pmm_engine_quotes(const pmm_engine_t *e, uint32_t slot) { return &e->slot[slot].quotes; }

uint64_t pmm_engine_hash(pmm_engine_t *e) {
  uint64_t h = pmm_hash_mix(e->path_hash, e->md_events + e->other_events);
  for (uint32_t i = 0; i < e->market_cnt; i++) {
    h = pmm_hash_mix(h, pmm_ladder_hash(&e->market[i].ladder));
    h = pmm_hash_mix(h, e->market[i].messages ^ ((uint64_t)e->market[i].desc.life << 60));
  }
  h = pmm_ledger_hash(e->ledger, h);
  h = pmm_exec_hash(e->exec, h);
  return pmm_hash_mix(h, e->decisions);
}

pmm_status_t pmm_engine_check(pmm_engine_t *e, pmm_error_t *err) {
  pmm_status_t st = pmm_ledger_check(e->ledger, err);
  if (st == PMM_OK) st = pmm_exec_check(e->exec, err);
  for (uint32_t i = 0; st == PMM_OK && i < e->market_cnt; i++)
    if (!pmm_ladder_is_valid(&e->market[i].ladder)) st = pmm_error_set(err, PMM_CORRUPT, "ladder of %s", e->market[i].desc.id);
  return st;
}
