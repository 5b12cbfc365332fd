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
  if (!c->books) {
    n += sizeof(pmm__core_t) + sizeof(pmm__book_t) * (c->market_cnt + 1);
    for (uint32_t i = 0; i < c->market_cnt; i++) n += pmm_ladder_bytes(ladder_cap(&c->market[i])) + 256;
    n += (sizeof(pmm__source_t) + sizeof(pmm__group_t)) * c->underlying_cnt + 256;
    n += pmm__names_bytes(c->market_cnt) + pmm__names_bytes(c->underlying_cnt);
  }
  n += (sizeof(pmm__slot_t) + 2 * sizeof(uint32_t)) * (c->slot_cnt + 1) + 128 + strategy_bytes(c);
  n += sizeof(pmm__markout_t) * PMM__MARKOUT_RING;
  n += (sizeof(pmm_action_t) * 2 + 1024) * orders_max(c) + ((size_t)1 << 20);
  n += 4096u * (size_t)(c->slot_cnt + 1) + ((size_t)4 << 20); /* ledger and exec */
  return n;
}

/* After a change of the market's terms: what strategies see of them. */
static void show_terms(const pmm__core_t *core, pmm__book_t *b) {
  int32_t const step = core->params.quote_tick_e4, tick = b->desc.grid.tick_e4;
  b->coarse = step > tick && step % tick == 0;
  if (!b->coarse) return;
  b->quote = b->desc;
  pmm_status_t const st = pmm_grid_uniform(&b->quote.grid, step);
  assert(st == PMM_OK); /* checked at the start */
  (void)st;
}

static pmm_status_t init_book(pmm__core_t *core, pmm_arena_t *arena, uint32_t i, const pmm_engine_config_t *c) {
  pmm__book_t *const b = &core->book[i];
  b->desc = c->market[i];
  show_terms(core, b);
  b->opened_ns = PMM_TIME_NONE;
  b->group = UINT32_MAX;
  b->window_ns = b->desc.settle_window_ns > 0 && b->desc.close_ns != PMM_TIME_NONE ? b->desc.close_ns - b->desc.settle_window_ns : PMM_NS_MAX;
  pmm_flow_init(&b->flow, c->params.trade_half_life_s);
  return pmm_ladder_init(&b->ladder, arena, b->desc.grid.tick_cnt, ladder_cap(&b->desc));
}

/* -- names that several things share: each gets the index of the first with its name -- */
static size_t names_table(uint32_t cnt) {
  size_t table = 16;
  while (table < 2 * (size_t)cnt) table *= 2;
  return table;
}

size_t pmm__names_bytes(uint32_t cnt) { return names_table(cnt) * sizeof(uint32_t) + 64; }

pmm_status_t pmm__names_init(pmm__names_t *n, pmm_arena_t *arena, uint32_t cnt) {
  size_t const table = names_table(cnt);
  *n = (pmm__names_t){.first = PMM_ARENA_NEW(arena, uint32_t, table), .mask = (uint32_t)table - 1};
  return n->first ? PMM_OK : PMM_FULL;
}

uint32_t pmm__names_first(pmm__names_t *n, const char *name, uint32_t index, const char *(*name_of)(const void *ctx, uint32_t index), const void *ctx) {
  uint32_t at = (uint32_t)pmm_hash64(name, strlen(name), 0) & n->mask;
  for (; n->first[at] != 0; at = (at + 1) & n->mask)
    if (strcmp(name_of(ctx, n->first[at] - 1), name) == 0) return n->first[at] - 1;
  n->first[at] = index + 1;
  return index;
}

static const char *event_of(const void *core, uint32_t i) { return ((const pmm__core_t *)core)->book[i].desc.event; }

/* Markets of one event share an exposure; a market without one is its own. */
static pmm_status_t init_exposures(pmm__core_t *core, pmm_arena_t *arena) {
  pmm__names_t names;
  if (pmm__names_init(&names, arena, core->market_cnt) != PMM_OK) return PMM_FULL;
  for (uint32_t i = 0; i < core->market_cnt; i++) {
    const char *const event = core->book[i].desc.event;
    core->book[i].exposure = event[0] ? pmm__names_first(&names, event, i, event_of, core) : i;
  }
  return PMM_OK;
}

static pmm_status_t init_core(pmm_engine_t *e, pmm_arena_t *arena, const pmm_engine_config_t *c, pmm_error_t *err) {
  pmm__core_t *const core = e->core = PMM_ARENA_NEW(arena, pmm__core_t, 1);
  if (!core) return pmm_error_set(err, PMM_FULL, "no memory for the engine");
  core->params = c->params;
  core->now_ns = INT64_MIN;
  core->due_ns = PMM_NS_MAX;
  core->market_cnt = c->market_cnt;
  core->book = PMM_ARENA_NEW(arena, pmm__book_t, c->market_cnt + 1);
  if (!core->book) return pmm_error_set(err, PMM_FULL, "no memory for %u markets", c->market_cnt);
  for (uint32_t i = 0; i < c->market_cnt; i++) {
    pmm_status_t const st = init_book(core, arena, i, c);
    if (st != PMM_OK) return pmm_error_set(err, st, "market %s: %s", c->market[i].id, pmm_status_to_string(st));
  }
  if (init_exposures(core, arena) != PMM_OK) return pmm_error_set(err, PMM_FULL, "no memory for events");
  pmm_status_t const st = pmm__feeds_init(core, arena, c);
  return st == PMM_OK ? st : pmm_error_set(err, st, "underlyings: %s", pmm_status_to_string(st));
}

/* Behind those that came before it: engines of one core act in the order in which they were made. */
static void join_core(pmm_engine_t *e, pmm__core_t *core) {
  e->core = core;
  e->index = core->last ? core->last->index + 1 : 0;
  if (core->last) core->last->next = e; else core->first = e;
  core->last = e;
  core->due_ns = pmm_min64(core->due_ns, e->internal_due_ns);
}

/* Slots of one configuration entry in markets of one event are a group: one state, one decision. */
static pmm_status_t join_group(pmm_engine_t *e, uint32_t i, pmm_error_t *err) {
  pmm__slot_t *const s = &e->slot[i];
  s->leader = i;
  if (!e->market[s->cfg.market].book->desc.event[0]) return PMM_OK;
  for (uint32_t k = 0; k < i; k++) {
    pmm__slot_t *const lead = &e->slot[k];
    bool const ours = lead->leader == k && lead->cfg.ops == s->cfg.ops && lead->cfg.params == s->cfg.params;
    if (!ours || e->market[lead->cfg.market].book->exposure != e->market[s->cfg.market].book->exposure) continue;
    uint32_t legs = 2, last = k;
    for (; e->slot[last].next_leg != UINT32_MAX; last = e->slot[last].next_leg) legs++;
    if (legs > PMM_LEGS_MAX) return pmm_error_set(err, PMM_FULL, "strategy %s: more than %d markets in event %s", s->cfg.name, PMM_LEGS_MAX, e->market[s->cfg.market].book->desc.event);
    e->slot[last].next_leg = i;
    s->leader = k;
    s->state = lead->state;
    return PMM_OK;
  }
  return PMM_OK;
}

static pmm_status_t init_state(pmm_engine_t *e, pmm_arena_t *arena, uint32_t i, const pmm_engine_config_t *c, pmm_error_t *err) {
  pmm__slot_t *const s = &e->slot[i];
  pmm_strategy_ops_t const *const ops = s->cfg.ops;
  s->leader = s->next_leg = UINT32_MAX;
  pmm_status_t st = ops->on_group ? join_group(e, i, err) : PMM_OK;
  if (st != PMM_OK || s->state) return st;
  s->state = pmm_arena_take(arena, ops->state_size ? ops->state_size : 1, 64);
  if (!s->state) return pmm_error_set(err, PMM_FULL, "no memory for strategy %s", s->cfg.name);
  st = ops->init(s->state, s->cfg.params, pmm_hash_mix(c->seed, i));
  return st == PMM_OK ? st : pmm_error_set(err, st, "strategy %s: %s", s->cfg.name, pmm_status_to_string(st));
}

static pmm_status_t init_slot(pmm_engine_t *e, pmm_arena_t *arena, uint32_t i, const pmm_engine_config_t *c, pmm_error_t *err) {
  pmm__slot_t *const s = &e->slot[i];
  s->cfg = c->slot[i];
  pmm_strategy_ops_t const *const ops = s->cfg.ops;
  if (s->cfg.market >= e->market_cnt) return pmm_error_set(err, PMM_INVAL, "strategy %s: no market %u", s->cfg.name, s->cfg.market);
  pmm__market_t *const m = &e->market[s->cfg.market];
  if (m->slot_cnt >= PMM_SLOTS_PER_MARKET_MAX)
    return pmm_error_set(err, PMM_FULL, "market %s: more than %d strategies", m->book->desc.id, PMM_SLOTS_PER_MARKET_MAX);
  uint32_t at = m->slot_cnt++;
  for (; at > 0 && e->slot[m->slot[at - 1]].cfg.ops->priority < ops->priority; at--) m->slot[at] = m->slot[at - 1];
  m->slot[at] = i;
  m->wake |= ops->wake | PMM_WAKE_LIFE;
  m->listens |= ops->on_event != NULL;
  m->book->wake |= m->wake | (m->listens ? PMM__LISTENS : 0);
  m->book->flows += ops->inputs == 0 || ops->on_event;
  if (m->book->group != UINT32_MAX && ((ops->wake & PMM_WAKE_FEED) || ops->on_event)) e->core->group[m->book->group].heard = true;
  pmm_status_t st = init_state(e, arena, i, c, err);
  if (st != PMM_OK) return st;
  s->refresh_ns = ops->refresh_ns && (ops->wake & PMM_WAKE_TIMER) ? ops->refresh_ns(s->cfg.params) : 0;
  s->next_refresh_ns = s->due_ns = PMM_NS_MAX;
  s->last_decision_ns = INT64_MIN / 2;
  s->accrued_ns = PMM_TIME_NONE;
  e->heap[i] = s->heap_pos = i;
  pmm_quotes_clear(&s->quotes);
  st = pmm_ledger_slot(e->ledger, i, s->cfg.market, s->cfg.net_pairs);
  if (st == PMM_OK && s->cfg.wallet) st = pmm_ledger_slot_wallet(e->ledger, i, s->cfg.wallet);
  return st == PMM_OK ? pmm_exec_slot(e->exec, i, s->cfg.market) : st;
}

static pmm_status_t init_money(pmm_engine_t *e, pmm_arena_t *arena, const pmm_engine_config_t *c, pmm_error_t *err) {
  pmm_ledger_config_t const lc = {.slot_cnt = c->slot_cnt ? c->slot_cnt : 1, .pending_max = 1024, .wallet_cnt = c->wallet_cnt};
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
  e->held = PMM_ARENA_NEW(arena, uint32_t, c->slot_cnt + 1);
  e->exposure_e6 = PMM_ARENA_NEW(arena, int64_t, c->market_cnt + 1);
  e->markout = PMM_ARENA_NEW(arena, pmm__markout_t, PMM__MARKOUT_RING);
  e->actions.cap = orders_max(c) * 2 + 256;
  e->actions.action = PMM_ARENA_NEW(arena, pmm_action_t, e->actions.cap);
  if (!e->market || !e->slot || !e->heap || !e->held || !e->exposure_e6 || !e->markout || !e->actions.action)
    return pmm_error_set(err, PMM_FULL, "no memory for %u markets", c->market_cnt);
  if (c->books && c->books->core->market_cnt != c->market_cnt) return pmm_error_set(err, PMM_INVAL, "shared books are of %u markets, not %u", c->books->core->market_cnt, c->market_cnt);
  pmm_status_t st = c->books ? PMM_OK : init_core(e, arena, c, err);
  if (st != PMM_OK) return st;
  join_core(e, c->books ? c->books->core : e->core);
  for (uint32_t i = 0; i < c->market_cnt; i++) e->market[i] = (pmm__market_t){.book = &e->core->book[i], .quiet_ns = INT64_MIN};
  st = init_money(e, arena, c, err);
  for (uint32_t i = 0; st == PMM_OK && i < c->slot_cnt; i++) st = init_slot(e, arena, i, c, err);
  if (st == PMM_OK) *out = e;
  return st;
}

/* -- calm markets -- */
/* A whole message of levels in such a market asks for nothing but its book, its mid and its count. Kept in b->calm by whatever changes it. */
static inline bool is_calm(const pmm__book_t *b) {
  return b->seen && !b->gap && !b->pending && b->desc.life == PMM_LIFE_OPEN && !(b->wake & (PMM_WAKE_BOOK | PMM__LISTENS)) && (b->opened_ns != PMM_TIME_NONE || !b->wake);
}

/* -- life cycle -- */
static void start_slots(pmm_engine_t *e, pmm__market_t *m) {
  for (uint32_t i = 0; i < m->slot_cnt; i++) {
    pmm__slot_t *const s = &e->slot[m->slot[i]];
    s->accrued_ns = e->now_ns;
    s->next_refresh_ns = s->refresh_ns ? e->now_ns : PMM_NS_MAX;
    pmm__slot_due(e, m->slot[i]);
  }
}
static void stop_slots(pmm_engine_t *e, pmm__market_t *m) {
  for (uint32_t i = 0; i < m->slot_cnt; i++) {
    pmm__slot_t *const s = &e->slot[m->slot[i]];
    pmm__accrue(e, s);
    pmm__hear(e, s);
    s->next_refresh_ns = PMM_NS_MAX;
    pmm__slot_due(e, m->slot[i]);
  }
}

static void start_trading(pmm__core_t *core, uint32_t market) {
  pmm__book_t *const b = &core->book[market];
  b->opened_ns = core->now_ns;
  pmm_flow_start(&b->flow, core->now_ns);
  for (pmm_engine_t *e = core->first; e; e = e->next) {
    pmm__sync(e, core->now_ns);
    start_slots(e, &e->market[market]);
  }
  b->calm = is_calm(b);
}
static void stop_trading(pmm__core_t *core, uint32_t market) {
  for (pmm_engine_t *e = core->first; e; e = e->next) {
    pmm__sync(e, core->now_ns);
    stop_slots(e, &e->market[market]);
  }
  core->book[market].opened_ns = PMM_TIME_NONE;
  core->book[market].calm = false;
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
    pmm_status_t const st = pmm_ledger_resolve(e->ledger, (uint32_t)(m - e->market), m->book->desc.payout_yes_e6, NULL);
    assert(st == PMM_OK); /* all locks were released with the orders */
    (void)st;
  }
  for (uint32_t i = 0; i < m->slot_cnt; i++) pmm__refresh(e, m->slot[i]);
}

static bool is_payout(const pmm_md_t *md) {
  return md->side > PMM_OUTCOME_UNKNOWN && md->side <= PMM_OUTCOME_VOID && md->qty_e6 >= 0 && md->qty_e6 <= PMM_ONE_E6;
}

/* What an engine does about its market's new state. */
static void live_on(pmm_engine_t *e, uint32_t market, pmm_life_t to) {
  pmm__market_t *const m = &e->market[market];
  pmm__sync(e, e->core->now_ns);
  if (to == PMM_LIFE_HALTED) pmm__cancel_market(e, m);
  if (to == PMM_LIFE_RESOLVED) {
    m->resolve_pending = true;
    for (uint32_t i = 0; i < m->slot_cnt; i++) e->slot[m->slot[i]].mark.stale = true; /* worth the payout now */
    try_resolve(e, m);
  }
  pmm__wake_market(e, m, PMM_WAKE_LIFE);
}

static void on_status(pmm__core_t *core, const pmm_md_t *md) {
  pmm__book_t *const b = &core->book[md->market];
  pmm_life_t const to = (pmm_life_t)md->aux;
  if (md->aux > PMM_LIFE_RESOLVED || pmm_life_move((pmm_life_t)b->desc.life, to) != PMM_OK || (to == PMM_LIFE_RESOLVED && !is_payout(md))) {
    core->bad++;
    return;
  }
  if (to == PMM_LIFE_RESOLVED && b->desc.life == PMM_LIFE_RESOLVED) return; /* said twice: it was paid once */
  bool const trades = pmm_life_trades(to);
  if (!trades && b->opened_ns != PMM_TIME_NONE) stop_trading(core, md->market);
  b->desc.life = md->aux;
  b->calm = is_calm(b);
  if (to == PMM_LIFE_RESOLVED) {
    b->desc.outcome = md->side;
    b->desc.payout_yes_e6 = md->qty_e6;
  }
  show_terms(core, b);
  if (trades && b->opened_ns == PMM_TIME_NONE) start_trading(core, md->market);
  for (pmm_engine_t *e = core->first; e; e = e->next) live_on(e, md->market, to);
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

static void tell_all(pmm__core_t *core, const pmm_md_t *md) {
  if (!(core->book[md->market].wake & PMM__LISTENS)) return;
  for (pmm_engine_t *e = core->first; e; e = e->next) {
    if (!e->market[md->market].listens) continue;
    pmm__sync(e, core->now_ns);
    pmm__tell(e, &e->market[md->market], md);
  }
}

/* The engines hear of a whole message. */
static void spread(pmm__core_t *core, const pmm_md_t *md, uint32_t wake) {
  pmm__book_t const *const b = &core->book[md->market];
  if (__builtin_expect(b->opened_ns == PMM_TIME_NONE, 0)) start_trading(core, md->market); /* open from the start: no STATUS came */
  if (b->gap || !(b->wake & (wake | PMM__LISTENS))) return;
  for (pmm_engine_t *e = core->first; e; e = e->next) {
    pmm__market_t *const m = &e->market[md->market];
    if (m->listens) {
      pmm__sync(e, core->now_ns);
      pmm__tell(e, m, md);
    }
    if (!(m->wake & wake) || (wake == PMM_WAKE_BOOK && core->now_ns < m->quiet_ns)) continue;
    pmm__sync(e, core->now_ns);
    pmm__wake_market(e, m, wake);
  }
}

static inline void note_mid(pmm__book_t *b, int64_t now_ns) {
  int32_t const bid = b->ladder.best[PMM_BID], ask = b->ladder.best[PMM_ASK];
  if (__builtin_expect(bid == PMM_TICKS_NONE || ask == PMM_TICKS_NONE, 0)) return;
  if (__builtin_expect(bid >= ask, 0)) {
    if (bid == ask) b->locked++;
    else { b->crossed++; return; }
  }
  b->mid_twice_ticks = bid + ask;
  b->mid_tick_e4 = b->ladder.tick_e4;
  b->mid_ns = now_ns;
}

static void resume(pmm__core_t *core, uint32_t market) {
  core->book[market].ready = true;
  for (pmm_engine_t *e = core->first; e; e = e->next) {
    pmm__sync(e, core->now_ns);
    pmm__resume_market(e, &e->market[market]);
  }
}

/* One venue message is complete: the book is consistent and worth a decision. Inlined: a replay does little else. */
static inline __attribute__((always_inline)) void end_message(pmm__core_t *core, const pmm_md_t *md) {
  pmm__book_t *const b = &core->book[md->market];
  note_mid(b, core->now_ns);
  if (md->flags & PMM_F_SNAPSHOT) b->gap = false;
  if (md->kind == PMM_MD_LEVEL || md->kind == PMM_MD_CLEAR) b->seen = true;
  uint32_t const wake = b->pending | PMM_WAKE_BOOK;
  b->pending = 0;
  if (__builtin_expect(!b->ready || md->kind == PMM_MD_PRICE, 0) && b->seen && !b->gap) resume(core, md->market);
  if (b->desc.life != PMM_LIFE_OPEN) return;
  b->messages++;
  b->calm = is_calm(b);
  if ((b->wake & (wake | PMM__LISTENS)) || (__builtin_expect(b->opened_ns == PMM_TIME_NONE, 0) && b->wake)) spread(core, md, wake);
}

static void on_trade(pmm__core_t *core, const pmm_md_t *md) {
  if (md->qty_e6 <= 0 || md->price_e4 <= 0 || md->price_e4 >= PMM_ONE_E4 || md->side > PMM_ASK) { core->bad++; return; }
  pmm__book_t *const b = &core->book[md->market];
  core->trades++;
  b->pending |= PMM_WAKE_TRADE;
  b->calm = false; /* until the message ends */
  if (b->flows == 0) return; /* nobody asks for its statistics */
  pmm_flow_trade(&b->flow, core->now_ns, (pmm_side_t)md->side, md->price_e4, md->qty_e6, md->flags);
  if (!(md->flags & PMM_F_LAST)) tell_all(core, md);
}

/* A source without a book: its price is the mid. */
static bool on_price(pmm__core_t *core, pmm__book_t *b, const pmm_md_t *md) {
  if (md->price_e4 < 0 || md->price_e4 > PMM_ONE_E4) { core->bad++; return false; }
  b->mid_twice_ticks = 2 * md->price_e4;
  b->mid_tick_e4 = 1;
  b->mid_ns = core->now_ns;
  b->seen = true;
  return true;
}

static bool on_phase(pmm__core_t *core, pmm__book_t *b, const pmm_md_t *md) {
  if (md->aux > PMM_PHASE_CANCEL_ONLY) { core->bad++; return false; }
  b->phase = md->aux;
  b->pending |= PMM_WAKE_LIFE;
  b->calm = false;
  return true;
}

static bool on_strike(pmm__core_t *core, pmm__book_t *b, const pmm_md_t *md) {
  if (md->qty_e6 <= 0) { core->bad++; return false; }
  b->desc.strike_e8 = md->qty_e6;
  show_terms(core, b);
  b->pending |= PMM_WAKE_LIFE;
  b->calm = false;
  return true;
}

static void on_gap(pmm__core_t *core, const pmm_md_t *md) {
  core->book[md->market].gap = true;
  core->book[md->market].calm = false;
  core->gaps++;
  core->book[md->market].ready = false;
  for (pmm_engine_t *e = core->first; e; e = e->next) {
    pmm__market_t *const m = &e->market[md->market];
    pmm__sync(e, core->now_ns);
    pmm__cancel_market(e, m);
    for (uint32_t i = 0; i < m->slot_cnt; i++) pmm__slot_due(e, m->slot[i]);
  }
  tell_all(core, md);
}

static void on_market_record(pmm__core_t *core, const pmm_md_t *md) {
  pmm__book_t *const b = &core->book[md->market];
  switch (md->kind) {
    case PMM_MD_TRADE: on_trade(core, md); break;
    case PMM_MD_STATUS: on_status(core, md); return;
    case PMM_MD_GAP: on_gap(core, md); return;
    case PMM_MD_CLEAR: b->gap = false; break; /* a whole book follows, or the venue emptied it */
    case PMM_MD_TICK:
      b->pending |= PMM_WAKE_LIFE;
      b->calm = false;
      break;
    case PMM_MD_PRICE: if (!on_price(core, b, md)) return; break;
    case PMM_MD_PHASE: if (!on_phase(core, b, md)) return; break;
    case PMM_MD_STRIKE: if (!on_strike(core, b, md)) return; break;
    case PMM_MD_SETTLEMENT: /* the venue's affair; what comes of it are account events */
    case PMM_MD_MARK:
    case PMM_MD_VOLUME: break;
    default: core->bad++; return;
  }
  if (md->flags & PMM_F_LAST) end_message(core, md);
}

static void check_money(const pmm__core_t *core) {
#ifdef PMM_CHECKS
  pmm_error_t err;
  for (pmm_engine_t const *e = core->first; e; e = e->next) assert(pmm_ledger_check(e->ledger, &err) == PMM_OK);
#endif
  (void)core;
}

/* Markouts and equity marks that have come due, before the record that brought the time changes a book. */
static __attribute__((noinline)) void internal_due(pmm__core_t *core) {
  core->due_ns = PMM_NS_MAX;
  for (pmm_engine_t *e = core->first; e; e = e->next) {
    if (core->now_ns >= e->internal_due_ns) {
      if (e->now_ns == INT64_MIN) pmm__stir(e); /* from now on there is time, and timers */
      pmm__sync(e, core->now_ns);
      pmm__internal_due(e);
    }
    core->due_ns = pmm_min64(core->due_ns, e->internal_due_ns);
  }
}

static inline void take_time(pmm__core_t *core, const pmm_md_t *md) {
  if (md->recv_ns > core->now_ns) core->now_ns = md->recv_ns;
  core->md_events++;
  if (__builtin_expect(core->now_ns >= core->due_ns, 0)) internal_due(core);
}

static void apply_other(pmm__core_t *core, const pmm_md_t *md) {
  int64_t old_e6;
  bool const book = md->kind == PMM_MD_CLEAR || md->kind == PMM_MD_TICK;
  if (!book || md->market >= core->market_cnt) return; /* pmm_engine_react counts what makes no sense */
  pmm__book_t *const b = &core->book[md->market];
  if (pmm_book_apply(&b->ladder, &b->desc.grid, md, &old_e6) != PMM_OK) core->bad++;
  else if (md->kind == PMM_MD_TICK) show_terms(core, b);
}

static inline void apply(pmm__core_t *core, const pmm_md_t *md) {
  take_time(core, md);
  if (__builtin_expect(md->kind != PMM_MD_LEVEL, 0)) { apply_other(core, md); return; }
  int64_t old_e6;
  if (__builtin_expect(md->market >= core->market_cnt, 0)) { core->bad++; return; }
  pmm__book_t *const b = &core->book[md->market];
  if (__builtin_expect(pmm_book_apply(&b->ladder, &b->desc.grid, md, &old_e6) != PMM_OK, 0)) core->bad++;
}

static void react_other(pmm__core_t *core, const pmm_md_t *md) {
  if (pmm_kind_is_underlying(md->kind)) pmm__feed(core, md);
  else if (md->market >= core->market_cnt) core->bad++;
  else on_market_record(core, md);
}

static inline void react(pmm__core_t *core, const pmm_md_t *md) {
  if (__builtin_expect(md->kind != PMM_MD_LEVEL, 0)) react_other(core, md);
  else if ((md->flags & PMM_F_LAST) && md->market < core->market_cnt) end_message(core, md);
  check_money(core);
}

void pmm_engine_apply(pmm_engine_t *e, const pmm_md_t *md) { apply(e->core, md); }

bool pmm_engine_react(pmm_engine_t *e, const pmm_md_t *md) {
  react(e->core, md);
  return e->core->stirred != NULL;
}

pmm_engine_t *pmm_engine_stirred(pmm_engine_t *any) {
  pmm_engine_t *const e = any->core->stirred;
  if (!e) return NULL;
  any->core->stirred = e->next_stirred;
  e->stirred = false;
  return e;
}

bool pmm_engine_any_stirred(const pmm_engine_t *any) { return any->core->stirred != NULL; }

uint32_t pmm_engine_index(const pmm_engine_t *e) { return e->index; }

pmm_status_t pmm_engine_on_md(pmm_engine_t *e, const pmm_md_t *md) {
  uint64_t const bad = e->core->bad;
  apply(e->core, md);
  react(e->core, md);
  return e->core->bad == bad ? PMM_OK : PMM_INVAL;
}

/* A LEVEL that is a whole message and no part of a snapshot: kind and flags looked at together. */
static inline bool is_plain_level(const pmm_md_t *r) {
  uint32_t word;
  memcpy(&word, &r->kind, sizeof word); /* kind, side, flags, aux */
  return (word & (UINT32_C(0xff) | (uint32_t)(PMM_F_LAST | PMM_F_SNAPSHOT) << 16)) == ((uint32_t)PMM_MD_LEVEL | (uint32_t)PMM_F_LAST << 16);
}
_Static_assert(offsetof(pmm_md_t, flags) == offsetof(pmm_md_t, kind) + 2 && __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__, "kind and flags lie in one word");

/* Most records are whole messages of one level in a market that trades and of which nobody hears at once. They change the book, the mid and
   three counts; a row of them up to the next record of another sort, or the next time that matters, is taken here. */
static size_t levels(pmm__core_t *core, const pmm_md_t *md, size_t cnt, int64_t before_ns) {
  int64_t const limit = pmm_min64(before_ns, core->due_ns);
  size_t n = 0;
  for (; n < cnt; n++) {
    pmm_md_t const *const r = &md[n];
    if (r->recv_ns >= limit || !is_plain_level(r) || r->market >= core->market_cnt) break;
    pmm__book_t *const b = &core->book[r->market];
    if (!b->calm) break;
    int64_t old_e6;
    if (__builtin_expect(pmm_book_apply(&b->ladder, &b->desc.grid, r, &old_e6) != PMM_OK, 0)) core->bad++;
    note_mid(b, r->recv_ns > core->now_ns ? r->recv_ns : core->now_ns);
    b->messages++;
  }
  if (n == 0) return 0;
  core->md_events += n;
  core->now_ns = pmm_max64(core->now_ns, md[n - 1].recv_ns);
  check_money(core);
  return n;
}

size_t pmm_engine_on_mds(pmm_engine_t *e, const pmm_md_t *md, size_t cnt, int64_t before_ns) {
  pmm__core_t *const core = e->core;
  size_t n = 0;
  while (n < cnt && md[n].recv_ns < before_ns) {
    n += levels(core, md + n, cnt - n, before_ns);
    if (n == cnt || md[n].recv_ns >= before_ns) break;
    apply(core, &md[n]);
    react(core, &md[n++]);
    if (__builtin_expect(core->stirred != NULL, 0)) break;
  }
  return n;
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
  pmm__stir(e);
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
  if (ev->md.kind != PMM_EV_ACK) pmm__refresh(e, fx.slot); /* resting as it was asked to changes no position and no exposure */
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
static void came_in(pmm_engine_t *e, int64_t amount_e6) {
  pmm_risk_on_deposit(&e->risk, amount_e6);
  e->equity_e6 += amount_e6;
  e->peak_e6 += amount_e6;
  e->sharpe_equity_e6 += amount_e6;
}
static void on_deposit(pmm_engine_t *e, const pmm_event_t *ev) {
  if (pmm_ledger_deposit_in(e->ledger, ev->md.seq, ev->amount_e6) != PMM_OK) { e->bad++; return; }
  came_in(e, ev->amount_e6);
}

/* -- what the account held before -- */
/* Gain and loss of what was there before count from its value when it was last looked at, if that is known, else from its cost. Until its book has a mid it
   stands at just that: one half, as for other books without one, would be a gain or a loss that nobody made. */
static void on_position(pmm_engine_t *e, const pmm_event_t *ev) {
  int64_t const qty = ev->md.qty_e6, cost = ev->amount_e6, known = (int64_t)ev->md.price_e4 * 100;
  bool const sound = ev->md.seq < e->slot_cnt && known >= 0 && known < PMM_ONE_E6;
  if (!sound || pmm_ledger_adopt(e->ledger, ev->md.seq, ev->md.side, qty, cost) != PMM_OK) { e->bad++; return; }
  pmm__market_t *const m = &e->market[e->slot[ev->md.seq].cfg.market];
  int64_t const each = known == 0 ? pmm_muldiv_floor(cost, PMM_ONE_E6, qty) : ev->md.side ? PMM_ONE_E6 - known : known;
  if (m->found_e6 == 0) m->found_e6 = pmm_min64(pmm_max64(ev->md.side ? PMM_ONE_E6 - each : each, 1), PMM_ONE_E6 - 1);
  came_in(e, known == 0 ? cost : pmm_muldiv_floor(qty, each, PMM_ONE_E6));
  pmm__refresh(e, ev->md.seq);
}
static void on_open_order(pmm_engine_t *e, const pmm_event_t *ev) {
  if (ev->md.seq >= e->slot_cnt) { e->bad++; return; }
  pmm_exec_found_t const found = {.order_id = ev->order_id, .ref_id = ev->ref_id, .open_e6 = ev->md.qty_e6, .filled_e6 = ev->amount_e6, .now_ns = e->now_ns,
                                  .price_e4 = ev->md.price_e4, .route = ev->md.aux};
  const pmm_market_t *const market = &e->market[e->slot[ev->md.seq].cfg.market].book->desc;
  if (pmm_exec_adopt(e->exec, ev->md.seq, &found, market) != PMM_OK) { e->bad++; return; }
  pmm__refresh(e, ev->md.seq);
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

static void on_timer(pmm_engine_t *e) {
  if (e->now_ns >= e->house_ns) {
    pmm_exec_on_timer(e->exec, e->now_ns);
    if (e->risk.killed) stop_everything(e); /* a venue may have refused the first cancels */
    e->house_ns = e->now_ns + HOUSE_NS;
  }
  pmm__run_timers(e);
}

static void check_all(pmm_engine_t *e) {
#ifdef PMM_CHECKS
  pmm_error_t err;
  assert(pmm_engine_check(e, &err) == PMM_OK);
#endif
  (void)e;
}

static void enter(pmm_engine_t *e, int64_t now_ns) {
  pmm__sync(e, now_ns);
  e->other_events++;
  e->muted = true; /* whoever calls looks at actions and timers afterwards */
  if (__builtin_expect(e->now_ns >= e->internal_due_ns, 0)) pmm__internal_due(e);
}

void pmm_engine_timer(pmm_engine_t *e, int64_t now_ns) {
  enter(e, now_ns);
  on_timer(e);
  e->muted = false;
  check_all(e);
}

pmm_status_t pmm_engine_on_event(pmm_engine_t *e, const pmm_event_t *ev) {
  if (ev->md.kind <= PMM_MD_KIND_END) return pmm_engine_on_md(e, &ev->md);
  uint64_t const bad = e->bad;
  enter(e, ev->md.recv_ns);
  if (ev->md.kind >= PMM_EV_ACK && ev->md.kind <= PMM_EV_ORDER_STATE) on_account(e, ev);
  else switch (ev->md.kind) {
    case PMM_EV_TIMER: on_timer(e); break;
    case PMM_EV_OPERATOR: on_operator(e, ev); break;
    case PMM_EV_FAIR: on_fair(e, ev); break;
    case PMM_EV_DEPOSIT: on_deposit(e, ev); break;
    case PMM_EV_POSITION: on_position(e, ev); break;
    case PMM_EV_OPEN_ORDER: on_open_order(e, ev); break;
    default: e->bad++;
  }
  e->muted = false;
  check_all(e);
  return e->bad == bad ? PMM_OK : PMM_INVAL;
}

/* -- what strategies learn -- */
static bool owns_state(const pmm_engine_t *e, uint32_t slot) { return e->slot[slot].leader == UINT32_MAX || e->slot[slot].leader == slot; }

size_t pmm_engine_save(const pmm_engine_t *e, uint32_t slot, char *buf, size_t cap) {
  pmm__slot_t const *const s = &e->slot[slot];
  return s->cfg.ops->save && owns_state(e, slot) ? s->cfg.ops->save(s->state, e->now_ns, buf, cap) : 0;
}

pmm_status_t pmm_engine_load(pmm_engine_t *e, uint32_t slot, int64_t now_ns, const char *text, size_t len, pmm_error_t *err) {
  pmm__slot_t const *const s = &e->slot[slot];
  if (!s->cfg.ops->load || !owns_state(e, slot)) return pmm_error_set(err, PMM_UNSUPPORTED, "strategy %s takes nothing up", s->cfg.name);
  return s->cfg.ops->load(s->state, now_ns, text, len, err);
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
pmm_ladder_t *pmm_engine_ladder(pmm_engine_t *e, uint32_t market) { return &e->core->book[market].ladder; }
pmm_market_t *pmm_engine_market(pmm_engine_t *e, uint32_t market) { return &e->core->book[market].desc; }
pmm_ledger_t *pmm_engine_ledger(pmm_engine_t *e) { return e->ledger; }
pmm_exec_t *pmm_engine_exec(pmm_engine_t *e) { return e->exec; }
pmm_risk_t *pmm_engine_risk(pmm_engine_t *e) { return &e->risk; }
const pmm_quotes_t *pmm_engine_quotes(const pmm_engine_t *e, uint32_t slot) { return &e->slot[slot].quotes; }

uint64_t pmm_engine_hash(pmm_engine_t *e) {
  uint64_t h = pmm_hash_mix(e->path_hash, e->core->md_events + e->other_events);
  for (uint32_t i = 0; i < e->market_cnt; i++) {
    h = pmm_hash_mix(h, pmm_ladder_hash(&e->core->book[i].ladder));
    h = pmm_hash_mix(h, e->core->book[i].messages ^ ((uint64_t)e->core->book[i].desc.life << 60));
  }
  h = pmm_ledger_hash(e->ledger, h);
  h = pmm_exec_hash(e->exec, h);
  return pmm_hash_mix(h, e->decisions);
}

pmm_status_t pmm_engine_check(pmm_engine_t *e, pmm_error_t *err) {
  pmm_status_t st = pmm_ledger_check(e->ledger, err);
  if (st == PMM_OK) st = pmm_exec_check(e->exec, err);
  for (uint32_t i = 0; st == PMM_OK && i < e->market_cnt; i++)
    if (!pmm_ladder_is_valid(&e->core->book[i].ladder)) st = pmm_error_set(err, PMM_CORRUPT, "ladder of %s", e->core->book[i].desc.id);
  return st;
}
