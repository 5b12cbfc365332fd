/* live.c -- opening, putting the engine together once every venue has told its markets, stopping. */
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include "live_impl.h"

const char *pmm_live_phase_to_string(pmm_live_phase_t phase) {
  switch (phase) {
#define X(name, text) case PMM_LIVE_##name: return text;
    PMM_LIVE_PHASE_MAP(X)
#undef X
  }
  return "unknown phase";
}

static bool was_killed(const pmm_live_t *l) { return l->cfg.before && l->cfg.before->killed; }

/* -- saying things -- */
void pmm__live_note(pmm_live_t *l, pmm_severity_t severity, const char *code, uint32_t market, const char *fmt, ...) {
  char text[256];
  va_list args;
  va_start(args, fmt);
  vsnprintf(text, sizeof text, fmt, args);
  va_end(args);
  pmm_notice(&l->cfg.notices, pmm_net_now(l->net), severity, "live", code, market, "%s", text);
}

void pmm__live_fail(pmm_live_t *l, pmm_status_t st, const char *fmt, ...) {
  char text[400];
  va_list args;
  va_start(args, fmt);
  vsnprintf(text, sizeof text, fmt, args);
  va_end(args);
  if (l->error.status == PMM_OK) pmm_error_set(&l->error, st, "%s", text);
  pmm__live_note(l, PMM_ALERT, "failed", PMM_NOTICE_NO_MARKET, "%s", text);
  pmm_live_stop(l);
}

void pmm__live_persist(pmm_live_t *l, bool at_once) {
  l->told_killed = l->has_setup ? pmm_engine_risk(l->setup.engine)->killed : was_killed(l);
  if (l->cfg.persist) l->cfg.persist(l->cfg.persist_ctx, l, at_once);
}

/* -- markets of all venues in one table -- */
static uint32_t total_markets(const pmm_live_t *l) {
  uint32_t n = 0;
  for (uint32_t i = 0; i < l->venue_cnt; i++) n += l->venue[i].market_cnt;
  return n;
}

/* "ID=GROUP ID=GROUP": the group of a market, into event. */
static void regroup(pmm_market_t *m, const char *groups) {
  size_t const len = strlen(m->id);
  for (const char *at = groups; *at;) {
    size_t const word = strcspn(at, " ");
    if (word > len + 1 && strncmp(at, m->id, len) == 0 && at[len] == '=' && word - len - 1 < sizeof m->event)
      snprintf(m->event, sizeof m->event, "%.*s", (int)(word - len - 1), at + len + 1);
    at += word + strspn(at + word, " ");
  }
}

static void find_underlying(const pmm_live_t *l, pmm_market_t *m) {
  m->underlying = PMM_UNDER_NONE;
  for (uint32_t i = 0; m->asset[0] && i < l->underlying_cnt; i++)
    if (strcmp(l->underlying[i].id, m->asset) == 0) { m->underlying = i; return; }
}

/* A market's name is unique over all venues: on tapes and in reports. */
static void make_unique(pmm_market_t *table, uint32_t cnt, const char *venue) {
  pmm_market_t *const m = &table[cnt];
  for (uint32_t i = 0; i < cnt; i++) {
    if (strcmp(table[i].id, m->id) != 0) continue;
    char id[PMM_ID_MAX];
    snprintf(id, sizeof id, "%.20s:%.70s", venue, m->id);
    memcpy(m->id, id, sizeof id);
    return;
  }
}

static pmm_market_t *gather_markets(pmm_live_t *l, uint32_t *cnt) {
  *cnt = total_markets(l);
  pmm_market_t *const table = calloc(*cnt + (size_t)1, sizeof *table);
  l->wallet = calloc(*cnt + (size_t)1, sizeof *l->wallet);
  l->slot_of_market = calloc(*cnt + (size_t)1, sizeof *l->slot_of_market);
  l->series = calloc(*cnt + (size_t)1, sizeof *l->series);
  l->strike_e8 = calloc(*cnt + (size_t)1, sizeof *l->strike_e8);
  if (!table || !l->wallet || !l->slot_of_market || !l->series || !l->strike_e8) {
    free(table);
    return NULL;
  }
  uint32_t n = 0;
  for (uint32_t i = 0; i < l->venue_cnt; i++) {
    pmm__live_venue_t *const v = &l->venue[i];
    v->first_market = v->status.first_market = n;
    v->status.market_cnt = v->market_cnt;
    for (uint32_t k = 0; k < v->market_cnt; k++, n++) {
      table[n] = v->market[k];
      pmm__live_settles(l, &table[n], &l->series[n]);
      regroup(&table[n], v->params->groups);
      find_underlying(l, &table[n]);
      make_unique(table, n, v->status.name);
      l->wallet[n] = i;
      l->slot_of_market[n] = UINT32_MAX;
    }
  }
  return table;
}

/* -- the engine -- */
static pmm_status_t open_engine(pmm_live_t *l, const pmm_market_t *table, uint32_t cnt, pmm_error_t *err) {
  bool const paper = l->cfg.mode == PMM_LIVE_PAPER;
  pmm__setup_live_t const how = {.run_id = l->cfg.run_id, .wallet_cnt = paper ? 1 : l->venue_cnt, .wallet = paper ? NULL : l->wallet,
                                 .cash_e6 = paper ? l->config->account.cash_e6 : 0};
  pmm_status_t st = pmm__setup_open_live(&l->setup, l->config, table, cnt, l->underlying, l->underlying_cnt, true, paper ? pmm__paper_bytes(l) : 0, &how, err);
  l->has_setup = st == PMM_OK;
  if (st != PMM_OK) return st;
  for (uint32_t i = l->setup.slot_cnt; i-- > 0;) l->slot_of_market[l->setup.slot[i].market] = i;
  uint32_t const burst = 2 * 64 * (l->setup.slot_cnt + 1) + 256; /* what the engine holds at most */
  for (uint32_t i = 0; i < l->venue_cnt; i++)
    if (!(l->venue[i].out = calloc(burst, sizeof *l->venue[i].out))) return pmm_error_set(err, PMM_FULL, "out of memory");
  st = pmm__kept_open(l, err);
  pmm__learned_open(l);
  if (st == PMM_OK) st = paper ? pmm__paper_open(&l->paper, l, err) : pmm__own_open(&l->own, l, err);
  if (st == PMM_OK) {
    pmm_arena_seal(&l->setup.arena);
    pmm_arena_touch(&l->setup.arena);
  }
  pmm_observer_t const *const o = l->cfg.observer;
  if (st == PMM_OK && o && o->start) o->start(o->ctx, l->setup.engine, l->setup.market, cnt, l->setup.slot, l->setup.slot_cnt);
  return st;
}

static pmm_status_t open_recorder(pmm_live_t *l, const pmm_market_t *table, uint32_t cnt, pmm_error_t *err) {
  if (!l->cfg.record) return PMM_OK;
  char provenance[256];
  snprintf(provenance, sizeof provenance, "{\"made_by\":\"pmm %s\",\"run\":%llu,\"venues\":%u}", l->cfg.mode == PMM_LIVE_RECORD ? "record" : l->cfg.mode == PMM_LIVE_PAPER ? "paper" : "live",
           (unsigned long long)l->cfg.run_id, l->venue_cnt);
  pmm__recorder_config_t const rc = {.folder = l->cfg.record, .name = l->cfg.record_name ? l->cfg.record_name : "pmm", .provenance = provenance,
    .every_ns = l->config->live.record_every_ns, .market = table, .market_cnt = cnt, .underlying = l->underlying, .underlying_cnt = l->underlying_cnt,
    .notices = l->cfg.notices};
  return pmm__recorder_open(&l->recorder, &rc, err);
}

static void start_venues(pmm_live_t *l) {
  for (uint32_t i = 0; i < l->venue_cnt; i++) {
    pmm__live_venue_t *const v = &l->venue[i];
    v->started = true;
    v->ops->start(v->adapter, v->first_market, v->fills_until_ns);
  }
}

/* Every venue has told its markets: now there can be an engine. Paper and recording have nothing to take over. */
static void put_together(pmm_live_t *l) {
  pmm_error_t err = {0};
  uint32_t cnt;
  pmm_market_t *const table = gather_markets(l, &cnt);
  pmm_status_t st = table ? PMM_OK : pmm_error_set(&err, PMM_FULL, "out of memory");
  if (st == PMM_OK && cnt == 0) st = pmm_error_set(&err, PMM_NOT_FOUND, "no market to trade: see venues.N.markets");
  if (st == PMM_OK && l->cfg.mode != PMM_LIVE_RECORD) st = open_engine(l, table, cnt, &err);
  if (st == PMM_OK) st = open_recorder(l, l->has_setup ? l->setup.market : table, cnt, &err);
  if (st == PMM_OK && !l->has_setup) { l->setup.market = table; l->setup.market_cnt = cnt; } else free(table);
  if (st != PMM_OK) { pmm__live_fail(l, st, "%s", err.text); return; }
  bool const trade = l->cfg.mode == PMM_LIVE_TRADE;
  l->phase = trade ? PMM_LIVE_TAKEOVER : PMM_LIVE_RUNNING;
  if (l->has_setup) {
    pmm__live_begin(l);
    if (trade) pmm_live_operator(l, PMM_OP_PAUSE); /* until the account is known */
    if (was_killed(l) && !trade) pmm_live_operator(l, PMM_OP_KILL);
  }
  pmm__live_watch_strikes(l);
  start_venues(l);
}

/* -- what adapters tell -- */
void pmm__live_discovered(void *ctx, const pmm_market_t *market, uint32_t cnt) {
  pmm__live_venue_t *const v = ctx;
  pmm_live_t *const l = v->live;
  if (v->discovered || l->phase != PMM_LIVE_OPENING) return;
  v->market = calloc(cnt + (size_t)1, sizeof *v->market);
  if (!v->market) { pmm__live_fail(l, PMM_FULL, "%s: out of memory", v->status.name); return; }
  memcpy(v->market, market, cnt * sizeof *market);
  v->market_cnt = cnt;
  v->discovered = true;
  pmm__live_note(l, PMM_NOTE, "markets", PMM_NOTICE_NO_MARKET, "%s: %u market%s", v->status.name, cnt, cnt == 1 ? "" : "s");
  for (uint32_t i = 0; i < l->venue_cnt; i++)
    if (!l->venue[i].discovered) return;
  put_together(l);
}

void pmm__live_failed(void *ctx, const pmm_error_t *err, bool retrying) {
  pmm__live_venue_t *const v = ctx;
  snprintf(v->status.why, sizeof v->status.why, "%.90s", err->text);
  if (!retrying) pmm__live_fail(v->live, err->status, "%s: %s", v->status.name, err->text);
  else pmm__live_note(v->live, PMM_WARN, "retry", PMM_NOTICE_NO_MARKET, "%s: %s; trying again", v->status.name, err->text);
}

/* -- stopping -- */
static void finish(pmm_live_t *l) {
  if (l->phase == PMM_LIVE_DONE) return;
  l->phase = PMM_LIVE_DONE;
  pmm_net_timer_stop(l->net, &l->timer);
  pmm_net_timer_stop(l->net, &l->stop_timer);
  pmm_error_t err = {0};
  if (l->recorder && pmm__recorder_close(l->recorder, &err) != PMM_OK && l->error.status == PMM_OK) l->error = err;
  l->recorder = NULL;
  if (l->has_setup) pmm__live_persist(l, false);
}

void pmm__live_stopped(void *ctx, uint32_t orders_left) {
  pmm__live_venue_t *const v = ctx;
  pmm_live_t *const l = v->live;
  v->stopped = true;
  v->status.orders_left = orders_left;
  if (orders_left == PMM_ORDERS_LEFT_UNKNOWN)
    pmm__live_note(l, PMM_ALERT, "orders-left", PMM_NOTICE_NO_MARKET, "%s: could not be asked what rests; orders may still rest: look there, cancel by hand", v->status.name);
  else if (orders_left) pmm__live_note(l, PMM_ALERT, "orders-left", PMM_NOTICE_NO_MARKET, "%s: %u orders may still rest: cancel them by hand", v->status.name, orders_left);
  for (uint32_t i = 0; i < l->venue_cnt; i++)
    if (!l->venue[i].stopped) return;
  finish(l);
}

static void give_up(void *ctx) {
  pmm_live_t *const l = ctx;
  for (uint32_t i = 0; i < l->venue_cnt; i++)
    if (!l->venue[i].stopped) {
      l->venue[i].stopped = true;
      l->venue[i].status.orders_left = PMM_ORDERS_LEFT_UNKNOWN;
      pmm__live_note(l, PMM_ALERT, "orders-left", PMM_NOTICE_NO_MARKET, "%s: did not answer in time; orders may still rest", l->venue[i].status.name);
    }
  finish(l);
}

void pmm_live_stop(pmm_live_t *l) {
  if (l->phase >= PMM_LIVE_STOPPING) return;
  bool const trade = l->cfg.mode == PMM_LIVE_TRADE;
  if (l->has_setup) pmm_live_operator(l, PMM_OP_PAUSE);
  l->phase = PMM_LIVE_STOPPING;
  int64_t const deadline = pmm_net_mono(l->net) + l->config->live.shutdown_ns;
  l->stop_timer = (pmm_timer_t){.fn = give_up, .ctx = l};
  pmm_net_timer_set(l->net, &l->stop_timer, trade ? deadline + PMM_NS_PER_S / 2 : pmm_net_mono(l->net));
  for (uint32_t i = 0; i < l->venue_cnt; i++) {
    pmm__live_venue_t *const v = &l->venue[i];
    if (trade && v->started) v->ops->stop(v->adapter, deadline);
    else v->stopped = true;
  }
  for (uint32_t i = 0; i < l->venue_cnt; i++)
    if (!l->venue[i].stopped) return;
  if (trade) pmm_net_timer_set(l->net, &l->stop_timer, pmm_net_mono(l->net)); /* done, but not from inside a caller's callback */
}

void pmm_live_operator(pmm_live_t *l, pmm_operator_t op) {
  if (!l->has_setup || l->phase >= PMM_LIVE_STOPPING) return;
  if (op == PMM_OP_PAUSE || op == PMM_OP_RESUME) l->paused = op == PMM_OP_PAUSE;
  pmm_event_t const ev = {.md = {.recv_ns = pmm_net_now(l->net), .exch_ns = PMM_TIME_NONE, .kind = PMM_EV_OPERATOR, .aux = (uint8_t)op}};
  pmm__live_event(l, &ev);
  if (op != PMM_OP_KILL || l->paper) return;
  for (uint32_t i = 0; i < l->venue_cnt; i++)
    if (l->venue[i].started) l->venue[i].ops->cancel_all(l->venue[i].adapter); /* by the venue's own means as well */
}

/* -- opening -- */
static void look_again(void *ctx) {
  pmm__live_venue_t *const v = ctx;
  if (v->live->phase == PMM_LIVE_RUNNING) v->ops->reconcile(v->adapter);
}

static pmm_status_t open_venue(pmm_live_t *l, uint32_t i, pmm_error_t *err) {
  pmm__live_venue_t *const v = &l->venue[i];
  v->live = l;
  v->index = i;
  v->params = &l->config->venue[i];
  v->fills_until_ns = l->cfg.before ? l->cfg.before->fills_until_ns[i] : PMM_TIME_NONE;
  v->again = (pmm_timer_t){.fn = look_again, .ctx = v};
  pmm_venue_t const venue = (pmm_venue_t)(v->params->venue + 1);
  v->status.name = *v->params->name ? v->params->name : pmm_venue_to_string(venue);
  v->status.venue = venue;
  v->status.last_md_ns = PMM_TIME_NONE;
  v->ops = pmm_venue_ops(venue);
  if (!v->ops) return pmm_error_set(err, PMM_UNSUPPORTED, "venues.%u: no adapter for %s", i, pmm_venue_to_string(venue));
  pmm_venue_sink_t sink = pmm__live_sink;
  sink.ctx = v;
  sink.notices = l->cfg.notices;
  return v->ops->open(&v->adapter, l->net, v->params, &l->cfg.secrets, l->cfg.mode != PMM_LIVE_TRADE, l->cfg.run_id, &sink, err);
}

static pmm_status_t check_config(const pmm_live_config_t *c, pmm_error_t *err) {
  if (c->config->venue_cnt == 0) return pmm_error_set(err, PMM_INVAL, "%s: venues: none; a live run needs at least one", c->config->path);
  if (c->run_id == 0 || c->run_id > INT32_MAX) return pmm_error_set(err, PMM_INVAL, "run id outside 1..2^31-1");
  if (c->mode == PMM_LIVE_RECORD && !c->record) return pmm_error_set(err, PMM_INVAL, "no folder to record to");
  return PMM_OK;
}

pmm_status_t pmm_live_open(pmm_live_t **live, pmm_net_t *net, const pmm_live_config_t *config, pmm_error_t *err) {
  pmm_status_t st = check_config(config, err);
  if (st != PMM_OK) return st;
  pmm_live_t *const l = calloc(1, sizeof *l);
  if (!l) return pmm_error_set(err, PMM_FULL, "out of memory");
  l->cfg = *config;
  l->config = config->config;
  l->net = net;
  l->began_ns = pmm_net_mono(net);
  l->told_killed = was_killed(l);
  st = pmm__live_feeds_open(l, err);
  for (; st == PMM_OK && l->venue_cnt < l->config->venue_cnt;) {
    st = open_venue(l, l->venue_cnt, err);
    l->venue_cnt += st == PMM_OK;
  }
  if (st != PMM_OK) { pmm_live_close(l); return st; }
  *live = l;
  return PMM_OK;
}

void pmm_live_close(pmm_live_t *l) {
  if (!l) return;
  pmm_net_timer_stop(l->net, &l->timer);
  pmm_net_timer_stop(l->net, &l->stop_timer);
  for (uint32_t i = 0; i < l->venue_cnt; i++) {
    pmm_net_timer_stop(l->net, &l->venue[i].again);
    l->venue[i].ops->close(l->venue[i].adapter);
    free(l->venue[i].market);
    free(l->venue[i].out);
  }
  pmm__live_feeds_close(l);
  pmm_error_t err;
  (void)pmm__recorder_close(l->recorder, &err);
  pmm__paper_close(l->paper);
  pmm__own_close(l->own);
  if (l->has_setup) pmm__setup_close(&l->setup);
  else free(l->setup.market);
  free(l->underlying);
  free(l->wallet);
  free(l->slot_of_market);
  free(l->strike_e8);
  free(l->value);
  free(l);
}

/* -- looking in -- */
pmm_live_phase_t pmm_live_phase(const pmm_live_t *l) { return l->phase; }
const pmm_error_t *pmm_live_error(const pmm_live_t *l) { return l->error.status == PMM_OK ? NULL : &l->error; }
pmm_engine_t *pmm_live_engine(pmm_live_t *l) { return l->has_setup ? l->setup.engine : NULL; }
uint32_t pmm_live_slot_cnt(const pmm_live_t *l) { return l->has_setup ? l->setup.slot_cnt : 0; }
const pmm_slot_config_t *pmm_live_slot(const pmm_live_t *l, uint32_t slot) { return &l->setup.slot[slot]; }
uint32_t pmm_live_market_cnt(const pmm_live_t *l) { return l->setup.market_cnt; }
const pmm_market_t *pmm_live_market(const pmm_live_t *l, uint32_t market) { return &l->setup.market[market]; }

void pmm_live_status(pmm_live_t *l, pmm_live_status_t *out) {
  *out = (pmm_live_status_t){.phase = l->phase, .paused = l->paused, .venue_cnt = l->venue_cnt, .killed = was_killed(l)};
  for (uint32_t i = 0; i < l->venue_cnt; i++) out->venue[i] = l->venue[i].status;
  if (l->recorder) pmm__recorder_poll(l->recorder, &out->recorded, &out->recorder_lost);
  if (!l->has_setup) return;
  out->killed = pmm_engine_risk(l->setup.engine)->killed;
  out->equity_e6 = pmm_engine_equity(l->setup.engine);
  out->put_off = l->put_off;
  for (uint32_t i = 0; i < l->setup.slot_cnt; i++) out->open_orders += pmm_exec_open_cnt(pmm_engine_exec(l->setup.engine), i);
}

pmm_status_t pmm_live_result(pmm_live_t *l, pmm_result_t *result, pmm_error_t *err) {
  if (!l->has_setup) return pmm_error_set(err, PMM_NOT_READY, "nothing was traded: markets were not known yet");
  pmm_engine_finish(l->setup.engine);
  pmm_status_t const st = pmm__result_gather(&l->setup, result, err);
  if (st != PMM_OK) return st;
  result->fill_source = l->paper ? "simulated on live books" : "venues";
  result->wall_s = (double)(pmm_net_mono(l->net) - l->began_ns) / 1e9;
  if (result->wall_s > 0) result->events_per_s = (double)result->events / result->wall_s;
  return PMM_OK;
}
