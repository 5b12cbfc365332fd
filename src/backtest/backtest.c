/* backtest.c -- replaying recorded data against engines and fill simulators.

   A pass replays one stream for one or many runs: each run has an account, an engine, a simulator and a connection of its own, the
   books are kept once. Runs never touch each other, so that a run is the same alone or among many.

   Two clocks. The exchange sees a record when it happened there, we see it when we received it; orders and answers travel in
   between with their latencies. With latency.feed none both see it at its receive time and share one book, which halves the
   work; otherwise the exchange has books of its own and a second reader of the tape that runs ahead.
   At one instant the order is: a message reaches the exchange, answers reach us, the message reaches us, timers run, our actions
   reach the exchange; then the next message of that instant. With books of its own the exchange has all its messages of an instant
   before any of ours. A message is whole: nothing happens between its records. */
#include <assert.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include "run.h"

#define ORDERS_MAX 65536
#define ORDERS_PER_SLOT 256
#define RECORDED_MAX 65536
#define RUNS_MAX 256 /* of one pass */

typedef struct run {
  pmm__setup_t setup;
  pmm_sim_t *sim;
  pmm__queue_t actions, answers;
  pmm__delays_t delays;
} run_t;

typedef struct driver {
  run_t *run; uint32_t run_cnt;
  pmm_engine_t *engine;     /* of the first run: the one that is given market data, for all */
  int64_t *due_ns;          /* by run: earliest of timer, action, answer, simulator */
  int64_t next_ns;          /* the least of them */
  pmm_sim_watch_market_t *watch; /* by market: what any of the simulators watches for */
  bool *stale;              /* watch[market] must be made anew */
  pmm_market_t **sim_market; pmm_ladder_t **sim_ladder; /* the exchange's view */
  pmm_market_t *own_market; pmm_ladder_t *own_ladder;   /* only where feed latency gives it books of its own */
  uint32_t market_cnt;
  const pmm_backtest_opts_t *opts;
  bool separate;            /* exchange-side books */
  pmm_feed_latency_t feed; int64_t feed_ns;
  uint64_t done;
} driver_t;

/* -- what happens next -- */
static void run_due_at(driver_t *d, uint32_t k) {
  run_t const *const r = &d->run[k];
  d->due_ns[k] = pmm_min64(pmm_min64(pmm_engine_next_timer(r->setup.engine), pmm_sim_next(r->sim)), pmm_min64(pmm__queue_due(&r->actions), pmm__queue_due(&r->answers)));
  if (d->due_ns[k] < d->next_ns) d->next_ns = d->due_ns[k];
}

static void next_due(driver_t *d) {
  int64_t next = PMM_NS_MAX;
  for (uint32_t k = 0; k < d->run_cnt; k++) next = pmm_min64(next, d->due_ns[k]);
  d->next_ns = next;
}

/* Actions the engine just asked for set out for the exchange. */
static pmm_status_t send_actions(driver_t *d, run_t *r, int64_t now_ns) {
  uint32_t cnt;
  pmm_action_t const *const a = pmm_engine_actions(r->setup.engine, &cnt);
  if (cnt == 0) return PMM_OK;
  for (uint32_t i = 0; i < cnt; i++)
    if (pmm__queue_push(&r->actions, now_ns + pmm_latency_next(&r->delays.order), &a[i]) != PMM_OK) return PMM_FULL;
  pmm_observer_t const *const o = d->opts->observer;
  if (o && o->actions) o->actions(o->ctx, now_ns, a, cnt);
  pmm_engine_actions_done(r->setup.engine);
  return PMM_OK;
}

static pmm_status_t collect_answers(run_t *r) {
  pmm_event_t ev;
  while (pmm_sim_poll(r->sim, &ev))
    if (pmm__queue_push(&r->answers, ev.md.exch_ns + pmm_latency_next(&r->delays.response), &ev) != PMM_OK) return PMM_FULL;
  return PMM_OK;
}

static void show_account(driver_t *d, run_t *r, const pmm_event_t *ev) {
  pmm_order_t const *const o = pmm_exec_find(pmm_engine_exec(r->setup.engine), ev->order_id);
  uint32_t const slot = o ? o->slot : UINT32_MAX;
  pmm_observer_t const *const observer = d->opts->observer;
  if (d->opts->on_account) d->opts->on_account(d->opts->account_ctx, ev, slot);
  if (observer && observer->account) observer->account(observer->ctx, ev, slot);
}

static void deliver_answer(driver_t *d, run_t *r, int64_t now_ns) {
  pmm_event_t ev;
  memcpy(&ev, pmm__queue_pop(&r->answers), sizeof ev);
  ev.md.recv_ns = now_ns;
  if (d->opts->on_account || d->opts->observer) show_account(d, r, &ev);
  pmm_engine_on_event(r->setup.engine, &ev);
}

/* What a simulator watches for may be another thing after any call of it. */
static void note_watch(driver_t *d, const run_t *r, uint32_t market) {
  if (d->run_cnt == 1) return;
  pmm_sim_watch_market_t const *const w = &((const pmm_sim_watch_t *)(const void *)r->sim)->market[market], *const all = &d->watch[market];
  bool wider = (w->kinds & ~all->kinds) != 0 || w->attention > all->attention;
  for (int side = 0; side < 2; side++)
    wider |= w->cross_at[side] < all->cross_at[side] || (w->low_e4[side] != INT32_MAX && (w->low_e4[side] < all->low_e4[side] ||
             (int64_t)w->low_e4[side] + w->span_e4[side] > (int64_t)all->low_e4[side] + all->span_e4[side]));
  if (wider) d->stale[market] = true;
}

static pmm_status_t run_timer(run_t *r, int64_t due_ns) {
  int64_t const now = pmm_max64(due_ns, pmm_engine_now(r->setup.engine)); /* the first is due since for ever */
  pmm_sim_advance(r->sim, now);
  pmm_engine_timer(r->setup.engine, now);
  return collect_answers(r);
}

static pmm_status_t run_action(driver_t *d, run_t *r, int64_t now_ns) {
  pmm_action_t const *const a = pmm__queue_pop(&r->actions);
  pmm_sim_on_action(r->sim, now_ns, a);
  if (a->market < d->market_cnt) note_watch(d, r, a->market);
  return collect_answers(r);
}

/* Everything of one run due at or before until_ns, oldest first; answers before timers before actions at one instant. */
static pmm_status_t run_until(driver_t *d, uint32_t k, int64_t until_ns) {
  run_t *const r = &d->run[k];
  for (;;) {
    int64_t const answer = pmm__queue_due(&r->answers), action = pmm__queue_due(&r->actions);
    int64_t const timer = pmm_engine_next_timer(r->setup.engine), sim = pmm_sim_next(r->sim);
    int64_t const now = pmm_min64(pmm_min64(timer, sim), pmm_min64(answer, action));
    if (now > until_ns || now == PMM_NS_MAX) { d->due_ns[k] = now; break; }
    pmm_status_t st = PMM_OK;
    if (answer == now) deliver_answer(d, r, now);
    else if (sim == now) {
      pmm_sim_advance(r->sim, now);
      st = collect_answers(r);
    }
    else if (timer == now) st = run_timer(r, now);
    else st = run_action(d, r, now);
    if (st == PMM_OK) st = send_actions(d, r, pmm_engine_now(r->setup.engine));
    if (st != PMM_OK) return st;
  }
  return PMM_OK;
}

static __attribute__((noinline)) pmm_status_t all_until(driver_t *d, int64_t until_ns) {
  for (uint32_t k = 0; k < d->run_cnt; k++)
    if (d->due_ns[k] <= until_ns && run_until(d, k, until_ns) != PMM_OK) return PMM_FULL;
  next_due(d);
  return PMM_OK;
}

static inline pmm_status_t run_due(driver_t *d, int64_t until_ns) { return __builtin_expect(d->next_ns > until_ns, 1) ? PMM_OK : all_until(d, until_ns); }

/* Answers that arrive at this instant, before our own look at the data. */
static __attribute__((noinline)) pmm_status_t deliver_due(driver_t *d, int64_t now_ns) {
  for (uint32_t k = 0; k < d->run_cnt; k++) {
    run_t *const r = &d->run[k];
    if (d->due_ns[k] > now_ns || pmm__queue_due(&r->answers) > now_ns) continue;
    do {
      deliver_answer(d, r, now_ns);
      if (send_actions(d, r, now_ns) != PMM_OK) return PMM_FULL;
    } while (pmm__queue_due(&r->answers) <= now_ns);
    run_due_at(d, k);
  }
  next_due(d);
  return PMM_OK;
}
static inline pmm_status_t deliver_now(driver_t *d, int64_t now_ns) { return __builtin_expect(d->next_ns > now_ns, 1) ? PMM_OK : deliver_due(d, now_ns); }

/* What engines want after a record: actions on their way, and a look at their timers. */
static __attribute__((noinline)) pmm_status_t after_engines(driver_t *d, int64_t now_ns) {
  for (pmm_engine_t *e; (e = pmm_engine_stirred(d->engine));) {
    uint32_t const k = pmm_engine_index(e);
    if (send_actions(d, &d->run[k], now_ns) != PMM_OK) return PMM_FULL;
    run_due_at(d, k);
  }
  next_due(d);
  return PMM_OK;
}

/* -- the exchange sees a record -- */
static void watch_anew(driver_t *d, uint32_t market) {
  pmm_sim_watch_market_t all = {.cross_at = {INT32_MAX, INT32_MAX}, .low_e4 = {INT32_MAX, INT32_MAX}};
  int64_t high[2] = {INT32_MIN, INT32_MIN};
  for (uint32_t k = 0; k < d->run_cnt; k++) {
    pmm_sim_watch_market_t const *const w = &((const pmm_sim_watch_t *)(const void *)d->run[k].sim)->market[market];
    all.kinds |= w->kinds;
    all.attention |= w->attention;
    for (int side = 0; side < 2; side++) {
      if (w->cross_at[side] < all.cross_at[side]) all.cross_at[side] = w->cross_at[side];
      if (w->low_e4[side] == INT32_MAX) continue;
      if (w->low_e4[side] < all.low_e4[side]) all.low_e4[side] = w->low_e4[side];
      high[side] = pmm_max64(high[side], (int64_t)w->low_e4[side] + w->span_e4[side]);
    }
  }
  for (int side = 0; side < 2; side++) all.span_e4[side] = high[side] >= all.low_e4[side] ? (uint32_t)(high[side] - all.low_e4[side]) : 0;
  d->watch[market] = all;
  d->stale[market] = false;
}

static __attribute__((noinline)) pmm_status_t sims_see(driver_t *d, const pmm_md_t *md, int64_t now_ns) {
  for (uint32_t k = 0; k < d->run_cnt; k++) {
    run_t *const r = &d->run[k];
    if (!pmm_sim_matters(r->sim, md)) continue;
    pmm_sim_on_md(r->sim, now_ns, md);
    note_watch(d, r, md->market);
    int64_t const before = pmm__queue_due(&r->answers);
    if (collect_answers(r) != PMM_OK) return PMM_FULL;
    if (before == PMM_NS_MAX || pmm_sim_next(r->sim) != PMM_NS_MAX) run_due_at(d, k);
  }
  return PMM_OK;
}

static inline pmm_status_t venue_sees(driver_t *d, const pmm_md_t *md, int64_t now_ns) {
  if (d->run_cnt == 1) return __builtin_expect(!pmm_sim_matters(d->run[0].sim, md), 1) ? PMM_OK : sims_see(d, md, now_ns);
  if (md->market >= d->market_cnt) return PMM_OK;
  if (__builtin_expect(d->stale[md->market], 0)) watch_anew(d, md->market);
  return pmm_sim_watch_matters(&d->watch[md->market], md) ? sims_see(d, md, now_ns) : PMM_OK;
}

/* -- one book for both sides -- */
static void show_record(const driver_t *d, const pmm_md_t *md) {
  pmm_observer_t const *const o = d->opts->observer;
  if (__builtin_expect(o != NULL, 0) && o->record) o->record(o->ctx, md);
}

static inline bool ends_message(const pmm_md_t *md) { return (md->flags & PMM_F_LAST) || md->kind >= PMM_MD_MARK; }

static inline pmm_status_t shared_record(driver_t *d, const pmm_md_t *md) {
  int64_t const now = md->recv_ns;
  bool const whole = ends_message(md);
  if (run_due(d, now - 1) != PMM_OK) return PMM_FULL;
  pmm_engine_apply(d->engine, md);
  if (venue_sees(d, md, now) != PMM_OK) return PMM_FULL;
  if (whole && deliver_now(d, now) != PMM_OK) return PMM_FULL;
  if (pmm_engine_react(d->engine, md) && after_engines(d, now) != PMM_OK) return PMM_FULL;
  show_record(d, md);
  return whole ? run_due(d, now) : PMM_OK;
}

static pmm_status_t shared_run(driver_t *d, const pmm_md_t *md, size_t cnt) {
  for (size_t i = 0; i < cnt; i++)
    if (shared_record(d, &md[i]) != PMM_OK) return PMM_FULL;
  return PMM_OK;
}

static void replay_run(driver_t *d, const pmm_md_t *md, size_t cnt) {
  for (size_t i = 0; i < cnt; i++) pmm_engine_on_md(d->engine, &md[i]);
}

/* -- books of its own for the exchange -- */
typedef struct reader { pmm__stream_t *stream; const pmm_md_t *md; size_t cnt, at; bool done; int64_t clock_ns; } reader_t;

static pmm_status_t reader_fill(reader_t *r, pmm_error_t *err) {
  while (!r->done && r->at == r->cnt) {
    pmm_status_t const st = pmm__stream_next(r->stream, &r->md, &r->cnt, err);
    r->at = 0;
    if (st == PMM_END) r->done = true;
    else if (st != PMM_OK) return st;
  }
  return PMM_OK;
}

/* When the exchange knew a record: never after we did, never before its predecessor. */
static int64_t venue_time(const driver_t *d, const reader_t *r) {
  pmm_md_t const *const md = &r->md[r->at];
  int64_t t = md->recv_ns;
  if (d->feed == PMM_FEED_CONSTANT) t -= d->feed_ns;
  else if (md->exch_ns != PMM_TIME_NONE) t = pmm_min64(t, md->exch_ns);
  return pmm_max64(t, r->clock_ns);
}

static inline pmm_status_t venue_record(driver_t *d, reader_t *r, int64_t now) {
  pmm_md_t const *const md = &r->md[r->at++];
  r->clock_ns = now;
  if (md->kind == PMM_MD_UNDERLYING || md->kind == PMM_MD_SETTLE_MEAN || md->market >= d->market_cnt) return PMM_OK;
  int64_t old;
  pmm_market_t *const m = d->sim_market[md->market];
  pmm_book_apply(d->sim_ladder[md->market], &m->grid, md, &old);
  if (md->kind == PMM_MD_STATUS && md->aux <= PMM_LIFE_RESOLVED && pmm_life_move((pmm_life_t)m->life, (pmm_life_t)md->aux) == PMM_OK) m->life = md->aux;
  return venue_sees(d, md, now);
}

static inline pmm_status_t local_record(driver_t *d, reader_t *r) {
  pmm_md_t const *const md = &r->md[r->at++];
  pmm_engine_apply(d->engine, md);
  bool const stirred = pmm_engine_react(d->engine, md);
  if (d->opts->progress && (++d->done & 0xffff) == 0) d->opts->progress(d->opts->ctx, d->done, pmm__stream_total(r->stream));
  pmm_status_t const st = __builtin_expect(stirred, 0) ? after_engines(d, md->recv_ns) : PMM_OK;
  show_record(d, md);
  return st;
}

/* The next thing to happen: venue_ns and local_ns are when the next record reaches the exchange and us. */
static inline pmm_status_t happen(driver_t *d, reader_t *venue, int64_t venue_ns, reader_t *local, int64_t local_ns) {
  if (venue_ns <= d->next_ns && venue_ns <= local_ns) return venue_record(d, venue, venue_ns);
  if (d->next_ns < local_ns) return all_until(d, d->next_ns);
  pmm_status_t const st = deliver_now(d, local_ns);
  return st == PMM_OK ? local_record(d, local) : st;
}

static pmm_status_t run_separate(driver_t *d, reader_t *venue, reader_t *local, pmm_error_t *err) {
  for (;;) {
    pmm_status_t st = reader_fill(venue, err);
    if (st == PMM_OK) st = reader_fill(local, err);
    if (st != PMM_OK || (local->done && venue->done)) return st;
    int64_t const tv = venue->done ? PMM_NS_MAX : venue_time(d, venue);
    int64_t const tl = local->done ? PMM_NS_MAX : local->md[local->at].recv_ns;
    st = happen(d, venue, tv, local, tl);
    if (st != PMM_OK) return pmm_error_set(err, st, "orders under way: %s", pmm_status_to_string(st));
  }
}

/* -- construction -- */
static pmm_status_t open_books(driver_t *d, pmm_arena_t *arena) {
  uint32_t const n = d->market_cnt;
  d->sim_market = calloc(n + 1, sizeof *d->sim_market);
  d->sim_ladder = calloc(n + 1, sizeof *d->sim_ladder);
  d->watch = calloc(n + 1, sizeof *d->watch);
  d->stale = calloc(n + 1, sizeof *d->stale);
  if (!d->sim_market || !d->sim_ladder || !d->watch || !d->stale) return PMM_FULL;
  if (d->separate) {
    d->own_market = calloc(n + 1, sizeof *d->own_market);
    d->own_ladder = PMM_ARENA_NEW(arena, pmm_ladder_t, n + 1);
    if (!d->own_market || !d->own_ladder) return PMM_FULL;
  }
  for (uint32_t i = 0; i < n; i++) {
    d->stale[i] = true;
    d->sim_market[i] = pmm_engine_market(d->engine, i);
    d->sim_ladder[i] = pmm_engine_ladder(d->engine, i);
    if (!d->separate) continue;
    d->own_market[i] = *d->sim_market[i];
    pmm_ladder_t const *const like = d->sim_ladder[i];
    if (pmm_ladder_init(&d->own_ladder[i], arena, like->tick_cnt, like->cap_cnt) != PMM_OK) return PMM_FULL;
    d->sim_market[i] = &d->own_market[i];
    d->sim_ladder[i] = &d->own_ladder[i];
  }
  return PMM_OK;
}

static size_t book_bytes(const pmm_market_t *m, uint32_t n) {
  size_t sum = sizeof(pmm_ladder_t) * (n + 1) + 4096;
  for (uint32_t i = 0; i < n; i++) sum += pmm_ladder_bytes(pmm_max64(m[i].grid.tick_cnt, 1000) > 1000 ? m[i].grid.tick_cnt : 1000) + 256;
  return sum;
}

/* Latencies the tape itself recorded: receive minus exchange time of its first records, where positive. */
static size_t recorded_latencies(const pmm_backtest_opts_t *o, int64_t *out, pmm_error_t *err, pmm_status_t *st) {
  pmm__stream_t *s = NULL;
  size_t n = 0;
  *st = pmm__stream_open(&s, o, err);
  const pmm_md_t *md;
  size_t cnt;
  while (*st == PMM_OK && n < RECORDED_MAX) {
    pmm_status_t const next = pmm__stream_next(s, &md, &cnt, err);
    if (next == PMM_END) break;
    *st = next;
    for (size_t i = 0; next == PMM_OK && i < cnt && n < RECORDED_MAX; i++)
      if (md[i].exch_ns != PMM_TIME_NONE && md[i].recv_ns > md[i].exch_ns) out[n++] = md[i].recv_ns - md[i].exch_ns;
  }
  pmm__stream_close(s);
  return n;
}

/* The latencies of the tape itself are looked up once for all runs. */
typedef struct recorded { int64_t *ns; size_t cnt; bool known; } recorded_t;

static pmm_status_t open_delays(driver_t *d, run_t *r, const pmm_config_t *c, recorded_t *seen, pmm_error_t *err) {
  bool const wanted = c->latency.model == PMM_LATENCY_RECORDED;
  if (wanted && !seen->known) {
    seen->ns = malloc(RECORDED_MAX * sizeof *seen->ns);
    if (!seen->ns) return pmm_error_set(err, PMM_FULL, "no memory for latencies");
    pmm_status_t st;
    seen->cnt = recorded_latencies(d->opts, seen->ns, err, &st);
    if (st != PMM_OK) return st;
    seen->known = true;
  }
  return pmm__delays_open(&r->delays, c, seen->ns, seen->cnt, err);
}

static int64_t ahead_of(void *ctx, uint64_t order_id) { return pmm_sim_ahead(ctx, order_id); }

/* Orders that may be at the exchange at once: those the engine may have, and those whose end it does not know of yet. */
static uint32_t orders_of(uint32_t slot_cnt) { return (uint32_t)pmm_min64(ORDERS_MAX, pmm_max64(4, slot_cnt) * ORDERS_PER_SLOT); }

static pmm_status_t open_run(driver_t *d, uint32_t k, const pmm_config_t *c, recorded_t *seen, pmm__stream_t *stream, pmm_error_t *err) {
  run_t *const r = &d->run[k];
  uint32_t markets, unders;
  const pmm_market_t *const m = pmm__stream_markets(stream, &markets);
  const pmm_underlying_t *const u = pmm__stream_underlyings(stream, &unders);
  bool const replay = d->opts->replay_only;
  uint32_t const orders = orders_of((uint32_t)pmm_min64(ORDERS_MAX, (int64_t)markets * c->strategy_cnt));
  size_t const extra = replay ? 0 : pmm_sim_bytes(markets, orders) + (d->separate && k == 0 ? book_bytes(m, markets) : 0);
  pmm_status_t st = pmm__setup_open_beside(&r->setup, k ? d->engine : NULL, c, m, markets, u, unders, !replay, extra, err);
  if (st != PMM_OK) return st;
  if (k == 0) d->engine = r->setup.engine;
  d->market_cnt = markets;
  if (replay) return PMM_OK;
  if (k == 0) st = open_books(d, &r->setup.arena);
  pmm_sim_params_t params = c->exchange;
  params.net_pairs = c->account.net_pairs;
  if (st == PMM_OK) st = pmm_sim_init(&r->sim, &r->setup.arena, &params, d->sim_market, d->sim_ladder, markets, orders, c->account.cash_e6);
  if (st == PMM_OK) st = pmm__queue_open(&r->actions, sizeof(pmm_action_t));
  if (st == PMM_OK) st = pmm__queue_open(&r->answers, sizeof(pmm_event_t));
  if (st != PMM_OK) return pmm_error_set(err, st, "exchange: %s", pmm_status_to_string(st));
  st = open_delays(d, r, c, seen, err);
  if (st != PMM_OK) return st;
  pmm_engine_set_ahead(r->setup.engine, ahead_of, r->sim);
  d->due_ns[k] = PMM_NS_MAX;
  return PMM_OK;
}

static pmm_status_t open_driver(driver_t *d, const pmm_config_t *const *c, uint32_t cnt, const pmm_backtest_opts_t *o, pmm__stream_t *stream, pmm_error_t *err) {
  *d = (driver_t){.opts = o, .run_cnt = cnt, .feed = (pmm_feed_latency_t)c[0]->latency.feed, .feed_ns = c[0]->latency.feed_ns, .next_ns = PMM_NS_MAX};
  d->separate = d->feed != PMM_FEED_NONE;
  d->run = calloc(cnt, sizeof *d->run);
  d->due_ns = calloc(cnt, sizeof *d->due_ns);
  if (!d->run || !d->due_ns) return pmm_error_set(err, PMM_FULL, "no memory for %u runs", cnt);
  recorded_t seen = {0};
  pmm_status_t st = PMM_OK;
  for (uint32_t k = 0; st == PMM_OK && k < cnt; k++) st = open_run(d, k, c[k], &seen, stream, err);
  free(seen.ns);
  pmm__setup_t const *const s = &d->run[0].setup;
  if (st == PMM_OK && o->observer && o->observer->start) o->observer->start(o->observer->ctx, s->engine, s->market, s->market_cnt, s->slot, s->slot_cnt);
  return st;
}

static void close_driver(driver_t *d) {
  for (uint32_t k = d->run ? d->run_cnt : 0; k-- > 0;) { /* the first owns the books */
    run_t *const r = &d->run[k];
    pmm__queue_close(&r->actions);
    pmm__queue_close(&r->answers);
    pmm__delays_close(&r->delays);
    pmm__setup_close(&r->setup);
  }
  free(d->run);
  free(d->due_ns);
  free(d->watch);
  free(d->stale);
  free(d->sim_market);
  free(d->sim_ladder);
  free(d->own_market);
}

/* -- the end: both books of the account must say the same -- */
static pmm_status_t compare_account(run_t *r, pmm_error_t *err) {
  pmm__setup_t const *const s = &r->setup;
  pmm_ledger_t *const l = pmm_engine_ledger(s->engine);
  int64_t ours = pmm_ledger_cash(l), theirs = pmm_sim_cash(r->sim);
  for (uint32_t i = 0; i < s->market_cnt; i++) {
    int64_t yes = 0, no = 0, venue_yes, venue_no;
    for (uint32_t k = 0; k < s->slot_cnt; k++) {
      if (s->slot[k].market != i) continue;
      pmm_position_t p;
      pmm_ledger_position(l, k, &p);
      yes += p.yes_e6;
      no += p.no_e6;
    }
    pmm_sim_holding(r->sim, i, &venue_yes, &venue_no);
    if (yes - no != venue_yes - venue_no)
      return pmm_error_set(err, PMM_CORRUPT, "market %s: the ledger holds net %lld, the exchange %lld (1e-6 contracts)", s->market[i].id, (long long)(yes - no), (long long)(venue_yes - venue_no));
    ours += pmm_min64(yes, no);
    theirs += pmm_min64(venue_yes, venue_no);
  }
  if (ours != theirs) return pmm_error_set(err, PMM_CORRUPT, "the ledger has %lld, the exchange %lld micro-dollars of cash", (long long)ours, (long long)theirs);
  return pmm_engine_check(s->engine, err);
}

/* What is still on its way when the data ends arrives; timers no longer run. */
static pmm_status_t drain(driver_t *d, run_t *r, pmm_error_t *err) {
  while (pmm__queue_due(&r->actions) != PMM_NS_MAX || pmm__queue_due(&r->answers) != PMM_NS_MAX || pmm_sim_next(r->sim) != PMM_NS_MAX) {
    int64_t const answer = pmm__queue_due(&r->answers), action = pmm__queue_due(&r->actions), sim = pmm_sim_next(r->sim);
    pmm_status_t st = PMM_OK;
    if (answer <= action && answer <= sim) deliver_answer(d, r, answer);
    else if (sim <= action) {
      pmm_sim_advance(r->sim, sim);
      st = collect_answers(r);
    }
    else st = run_action(d, r, action);
    if (st == PMM_OK) st = send_actions(d, r, pmm_engine_now(r->setup.engine));
    if (st != PMM_OK) return pmm_error_set(err, PMM_FULL, "too many orders under way");
  }
  pmm_engine_finish(r->setup.engine);
  return compare_account(r, err);
}

static void note_fill_source(const run_t *r, pmm_result_t *out) {
  pmm_sim_stats_t const *const s = pmm_sim_stats(r->sim);
  out->inferred_fills = s->inferred_fills;
  out->cross_fills = s->cross_fills;
  out->taker_fills = s->taker_fills;
  out->trade_fills = s->maker_fills - s->cross_fills - s->inferred_fills;
  int const kinds = (out->trade_fills > 0) + (out->inferred_fills > 0) + (out->cross_fills > 0);
  uint32_t data = 0;
  for (uint32_t i = 0; i < r->setup.slot_cnt; i++) data |= r->setup.market[r->setup.slot[i].market].data;
  if (kinds > 1) out->fill_source = "mixed: see trade_fills, inferred_fills, cross_fills";
  else if (out->cross_fills) out->fill_source = "book crossings";
  else if (out->inferred_fills || (kinds == 0 && (data & PMM_DATA_INFERRED))) out->fill_source = "inferred trades";
  else out->fill_source = out->trade_fills || (data & PMM_DATA_TRADES) ? "trades" : "book crossings";
}

static pmm_status_t run_one_clock(driver_t *d, pmm__stream_t *stream, pmm_error_t *err) {
  const pmm_md_t *md;
  size_t cnt;
  for (;;) {
    pmm_status_t st = pmm__stream_next(stream, &md, &cnt, err);
    if (st == PMM_END) return PMM_OK;
    if (st != PMM_OK) return st;
    if (d->opts->replay_only) replay_run(d, md, cnt);
    else if (shared_run(d, md, cnt) != PMM_OK) return pmm_error_set(err, PMM_FULL, "too many orders under way");
    if (d->opts->progress) d->opts->progress(d->opts->ctx, d->done += cnt, pmm__stream_total(stream));
  }
}

static pmm_status_t run_two_clocks(driver_t *d, pmm__stream_t *stream, pmm_error_t *err) {
  reader_t local = {.stream = stream, .clock_ns = INT64_MIN}, venue = {.clock_ns = INT64_MIN};
  pmm_status_t st = pmm__stream_open(&venue.stream, d->opts, err);
  if (st == PMM_OK) st = run_separate(d, &venue, &local, err);
  pmm__stream_close(venue.stream);
  return st;
}

static pmm_status_t gather(driver_t *d, pmm_result_t *result, double wall, bool truncated, pmm_error_t *err) {
  for (uint32_t k = 0; k < d->run_cnt; k++) {
    pmm_status_t const st = pmm__result_gather(&d->run[k].setup, &result[k], err);
    if (st != PMM_OK) return st;
    result[k].wall_s = wall;
    result[k].events_per_s = wall > 0 ? (double)result[k].events / wall : 0;
    result[k].truncated = truncated;
    if (d->run[k].sim) note_fill_source(&d->run[k], &result[k]);
  }
  return PMM_OK;
}

/* One pass over the data for cnt configurations that may share books. */
static pmm_status_t pass(const pmm_config_t *const *c, uint32_t cnt, const pmm_backtest_opts_t *o, pmm_result_t *result, pmm_error_t *err) {
  pmm__stream_t *stream = NULL;
  pmm_status_t st = pmm__stream_open(&stream, o, err);
  if (st != PMM_OK) return st;
  driver_t d;
  st = open_driver(&d, c, cnt, o, stream, err);
  double const start = pmm__wall_seconds();
  if (st == PMM_OK) st = d.separate && !o->replay_only ? run_two_clocks(&d, stream, err) : run_one_clock(&d, stream, err);
  for (uint32_t k = 0; st == PMM_OK && !o->replay_only && k < cnt; k++) st = drain(&d, &d.run[k], err);
  if (st == PMM_OK) st = gather(&d, result, pmm__wall_seconds() - start, pmm__stream_truncated(stream), err);
  if (st == PMM_OK && o->observer && o->observer->finish) o->observer->finish(o->observer->ctx, result);
  close_driver(&d);
  pmm__stream_close(stream);
  return st;
}

static void empty(pmm_result_t *result, size_t cnt) {
  for (size_t i = 0; i < cnt; i++) {
    pmm_result_free(&result[i]);
    memset(&result[i], 0, sizeof result[i]);
  }
}

pmm_status_t pmm_backtest_run(const pmm_config_t *c, const pmm_backtest_opts_t *o, pmm_result_t *out, pmm_error_t *err) {
  memset(out, 0, sizeof *out);
  pmm_status_t const st = pass(&c, 1, o, out, err);
  if (st != PMM_OK) empty(out, 1);
  return st;
}

/* Whether two configurations see the same books at the same times. */
static bool share_books(const pmm_config_t *a, const pmm_config_t *b) {
  return memcmp(&a->engine, &b->engine, sizeof a->engine) == 0 && memcmp(&a->market, &b->market, sizeof a->market) == 0 &&
         a->latency.feed == b->latency.feed && a->latency.feed_ns == b->latency.feed_ns;
}

/* Takes the next configuration that has not run, and those after it that share its books, into one pass. */
static uint32_t choose(const pmm_config_t *const *config, size_t cnt, size_t first, const bool *done, const pmm_config_t **chosen, size_t *index) {
  uint32_t n = 0;
  for (size_t i = first; i < cnt && n < RUNS_MAX; i++) {
    if (done[i] || !share_books(config[first], config[i])) continue;
    chosen[n] = config[i];
    index[n++] = i;
  }
  return n;
}

pmm_status_t pmm_backtest_many(const pmm_config_t *const *config, size_t cnt, const pmm_backtest_opts_t *opts, pmm_result_t *result, pmm_error_t *err) {
  memset(result, 0, cnt * sizeof *result);
  pmm_backtest_opts_t o = *opts;
  o.observer = NULL;
  o.on_account = NULL;
  bool *const done = calloc(cnt + 1, sizeof *done);
  pmm_result_t *const part = calloc(RUNS_MAX, sizeof *part);
  pmm_status_t st = done && part ? PMM_OK : pmm_error_set(err, PMM_FULL, "no memory for %zu runs", cnt);
  for (size_t i = 0; st == PMM_OK && i < cnt; i++) {
    if (done[i]) continue;
    const pmm_config_t *chosen[RUNS_MAX];
    size_t index[RUNS_MAX];
    uint32_t const n = choose(config, cnt, i, done, chosen, index);
    memset(part, 0, n * sizeof *part);
    st = pass(chosen, n, &o, part, err);
    for (uint32_t k = 0; k < n; k++) {
      done[index[k]] = true;
      result[index[k]] = part[k];
    }
  }
  free(done);
  free(part);
  if (st != PMM_OK) empty(result, cnt);
  return st;
}
