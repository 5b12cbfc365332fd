/* init.c -- from markets, slots and settings to an engine with its books, its feeds and its account. */
#include "pmm/engine.h"
#include <assert.h>
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

void pmm__show_terms(const pmm__core_t *core, pmm__book_t *b) {
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
  pmm__show_terms(core, b);
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
