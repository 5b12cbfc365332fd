/* scan_replay.c -- a recording read through the engine with a strategy that only looks; scan_impl.h. */
#include <stdlib.h>
#include <string.h>
#include "scan_impl.h"

static pmm_status_t wake(void *state, const void *params, uint64_t seed) {
  (void)state;
  (void)params;
  (void)seed;
  return PMM_OK;
}

static pmm_status_t look(void *state, const pmm_view_t *view, pmm_quotes_t *out) {
  (void)state;
  (void)view;
  out->action = PMM_QUOTE_KEEP;
  return PMM_OK;
}

static const pmm_strategy_ops_t silent = {
    .abi = PMM_STRATEGY_ABI, .name = "silent", .help = "", .state_size = 1, .init = wake, .on_view = look};

/* The configuration's books, feeds and market overrides; nobody trades, so the account need not be marked. */
static pmm_config_t *silent_config(const pmm_config_t *config) {
  pmm_config_t *const c = malloc(sizeof *c);
  if (!c) return NULL;
  *c = *config;
  c->strategy_cnt = 1;
  memset(&c->strategy[0], 0, sizeof c->strategy[0]);
  c->strategy[0].ops = &silent;
  memcpy(c->strategy[0].name, "silent", sizeof "silent");
  memcpy(c->strategy[0].match, "*", sizeof "*");
  c->engine.equity_every_ns = c->engine.sharpe_every_ns = INT64_C(365) * 86400 * PMM_NS_PER_S;
  return c;
}

pmm_status_t pmm__replay_open(pmm__replay_t *r, const pmm_config_t *config, const pmm_backtest_opts_t *data, pmm_error_t *err) {
  *r = (pmm__replay_t){.config = silent_config(config)};
  if (!r->config) return pmm_error_set(err, PMM_FULL, "no memory");
  pmm_status_t st = pmm__stream_open(&r->stream, data, err);
  if (st != PMM_OK) return st;
  uint32_t cnt;
  const pmm_market_t *const market = pmm__stream_markets(r->stream, &cnt);
  r->underlying = pmm__stream_underlyings(r->stream, &r->underlying_cnt);
  if (cnt == 0) return pmm_error_set(err, PMM_NOT_FOUND, "the recording has no market");
  st = pmm__setup_open(&r->setup, r->config, market, cnt, r->underlying, r->underlying_cnt, true, 0, err);
  if (st != PMM_OK) return st;
  r->slot_of = malloc(cnt * sizeof *r->slot_of);
  r->gap = calloc(cnt, sizeof *r->gap);
  if (!r->slot_of || !r->gap) return pmm_error_set(err, PMM_FULL, "no memory for %u markets", cnt);
  memset(r->slot_of, 0xff, cnt * sizeof *r->slot_of);
  for (uint32_t i = 0; i < r->setup.slot_cnt; i++) r->slot_of[r->setup.slot[i].market] = i;
  return PMM_OK;
}

void pmm__replay_close(pmm__replay_t *r) {
  pmm__setup_close(&r->setup);
  pmm__stream_close(r->stream);
  free(r->slot_of);
  free(r->gap);
  free(r->config);
  *r = (pmm__replay_t){0};
}

static void one_record(pmm__replay_t *r, const pmm__replay_hooks_t *hooks, const pmm_md_t *md) {
  if (hooks->before) hooks->before(hooks->ctx, md);
  pmm_engine_on_md(r->setup.engine, md);
  uint32_t actions;
  pmm_engine_actions(r->setup.engine, &actions);
  if (actions) pmm_engine_actions_done(r->setup.engine);
  if (md->kind == PMM_MD_GAP && md->market < r->setup.market_cnt) r->gap[md->market] = true;
  if (md->kind == PMM_MD_CLEAR && md->market < r->setup.market_cnt) r->gap[md->market] = false;
  if (hooks->after) hooks->after(hooks->ctx, md);
}

pmm_status_t pmm__replay_run(pmm__replay_t *r, const pmm_backtest_opts_t *data, const pmm__replay_hooks_t *hooks, unsigned pass,
                             unsigned pass_cnt, pmm_error_t *err) {
  uint64_t const total = pmm__stream_total(r->stream);
  uint64_t done = 0;
  for (;;) {
    const pmm_md_t *md;
    size_t cnt;
    pmm_status_t const st = pmm__stream_next(r->stream, &md, &cnt, err);
    if (st == PMM_END) return PMM_OK;
    if (st != PMM_OK) return st;
    for (size_t i = 0; i < cnt; i++) one_record(r, hooks, &md[i]);
    done += cnt;
    if (data->progress) data->progress(data->ctx, pass * total + done, pass_cnt * total);
  }
}

bool pmm__replay_two_sided(const pmm__replay_t *r, uint32_t market) {
  if (r->gap[market] || !pmm_life_trades((pmm_life_t)pmm_engine_market(r->setup.engine, market)->life)) return false;
  pmm_book_state_t const state = pmm_ladder_state(pmm_engine_ladder(r->setup.engine, market));
  return state == PMM_BOOK_NORMAL || state == PMM_BOOK_LOCKED;
}

void pmm__replay_view(const pmm__replay_t *r, uint32_t market, pmm_view_t *out) {
  pmm_engine_view(r->setup.engine, r->slot_of[market], out);
}
