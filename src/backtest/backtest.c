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
#include "pmm/hash.h"
#include "pmm/rewards.h"
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
  pmm_rewards_t *rewards;
  const pmm_sim_watch_market_t *watch; /* the simulator's */
  bool samples;             /* rewards are sampled */
} run_t;

/* The latencies that the tape itself recorded: looked up once, for all runs. */
typedef struct recorded { int64_t *ns; size_t cnt; bool known; } recorded_t;

typedef struct driver {
  run_t *run; uint32_t run_cnt;
  pmm_engine_t *engine;     /* of the first run: the one that is given market data, for all */
  int64_t *due_ns;          /* by run: earliest of timer, action, answer, simulator */
  int64_t next_ns;          /* the least of them */
  const pmm_sim_watch_market_t *watch; /* by market: what any of the simulators watches for; of one, its own */
  pmm_sim_watch_market_t *common; /* of several */
  bool *stale;              /* common[market] must be made anew */
  pmm_market_t **sim_market; pmm_ladder_t **sim_ladder; /* the exchange's view */
  pmm_market_t *own_market; pmm_ladder_t *own_ladder;   /* only where feed latency gives it books of its own */
  uint32_t market_cnt;
  const pmm_backtest_opts_t *opts;
  bool separate;            /* exchange-side books */
  int64_t ahead_ns;         /* how far the exchange may read ahead of us */
  pmm_feed_latency_t feed; int64_t feed_ns;
  recorded_t recorded;
  uint64_t done;
} driver_t;

/* -- what happens next -- */
/* What happens at the exchange by itself: settlements, and samples for rewards from our first record on (before it there is no time). */
static inline int64_t venue_next(const run_t *r) {
  bool const samples = r->samples && pmm_engine_now(r->setup.engine) != INT64_MIN;
  return samples ? pmm_min64(pmm_sim_next(r->sim), pmm_rewards_next(r->rewards)) : pmm_sim_next(r->sim);
}

static void run_due_at(driver_t *d, uint32_t k) {
  run_t const *const r = &d->run[k];
  d->due_ns[k] = pmm_min64(pmm_min64(pmm_engine_next_timer(r->setup.engine), venue_next(r)), pmm_min64(pmm__queue_due(&r->actions), pmm__queue_due(&r->answers)));
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
  while (pmm_sim_poll(r->sim, &ev)) {
    if (ev.md.kind == PMM_EV_FILL) pmm_rewards_fill(r->rewards, ev.md.exch_ns, ev.md.market, ev.md.flags & PMM_F_MAKER, ev.md.price_e4, ev.md.qty_e6);
    if (pmm__queue_push(&r->answers, ev.md.exch_ns + pmm_latency_next(&r->delays.response), &ev) != PMM_OK) return PMM_FULL;
  }
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
  pmm_sim_watch_market_t const *const w = &r->watch[market], *const all = &d->common[market];
  bool wider = (w->kinds & ~all->kinds) != 0 || w->attention > all->attention;
  for (int side = 0; side < 2; side++)
    wider |= w->cross_at[side] < all->cross_at[side] || (w->low_e4[side] != INT32_MAX && (w->low_e4[side] < all->low_e4[side] ||
             (int64_t)w->low_e4[side] + w->span_e4[side] > (int64_t)all->low_e4[side] + all->span_e4[side]));
  if (wider) d->stale[market] = true;
}

static pmm_status_t run_timer(run_t *r, int64_t due_ns) {
  int64_t const now = pmm_max64(due_ns, pmm_engine_now(r->setup.engine)); /* the first is due since for ever */
  pmm_status_t st = PMM_OK;
  if (pmm_sim_advance(r->sim, now)) st = collect_answers(r);
  pmm_engine_timer(r->setup.engine, now);
  return st;
}

static pmm_status_t run_venue(run_t *r, int64_t due_ns) {
  int64_t const now = pmm_max64(due_ns, pmm_engine_now(r->setup.engine)); /* the first sample is due since for ever */
  if (pmm_rewards_next(r->rewards) == due_ns) pmm_rewards_sample(r->rewards, now, r->sim);
  return pmm_sim_advance(r->sim, now) ? collect_answers(r) : PMM_OK;
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
    int64_t const timer = pmm_engine_next_timer(r->setup.engine), venue = venue_next(r);
    int64_t const now = pmm_min64(pmm_min64(timer, venue), pmm_min64(answer, action));
    if (now > until_ns || now == PMM_NS_MAX) { d->due_ns[k] = now; break; }
    pmm_status_t st = PMM_OK;
    if (answer == now) deliver_answer(d, r, now);
    else if (venue == now) st = run_venue(r, now);
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
static pmm_status_t after_engines(driver_t *d, int64_t now_ns) {
  if (!pmm_engine_any_stirred(d->engine)) return PMM_OK;
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
    pmm_sim_watch_market_t const *const w = &d->run[k].watch[market];
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
  d->common[market] = all;
  d->stale[market] = false;
}

static __attribute__((noinline)) pmm_status_t sims_see(driver_t *d, const pmm_md_t *md, int64_t now_ns) {
  for (uint32_t k = 0; k < d->run_cnt; k++) {
    run_t *const r = &d->run[k];
    if (!pmm_sim_watch_matters(&r->watch[md->market], md) || !pmm_sim_on_md(r->sim, now_ns, md)) continue;
    note_watch(d, r, md->market);
    if (collect_answers(r) != PMM_OK) return PMM_FULL;
    run_due_at(d, k);
  }
  return PMM_OK;
}

static inline pmm_status_t venue_sees(driver_t *d, const pmm_md_t *md, int64_t now_ns) {
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
  while (cnt > 0) {
    size_t const n = pmm_engine_on_mds(d->engine, md, cnt, PMM_NS_MAX);
    while (pmm_engine_stirred(d->engine)) {} /* without strategies there is nothing to do about it */
    md += n;
    cnt -= n;
  }
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
static inline int64_t venue_time(const driver_t *d, const pmm_md_t *md, int64_t clock_ns) {
  int64_t t = md->recv_ns;
  if (d->feed == PMM_FEED_CONSTANT) t -= d->feed_ns;
  else if (md->exch_ns != PMM_TIME_NONE) t = pmm_min64(t, md->exch_ns);
  return pmm_max64(t, clock_ns);
}

static __attribute__((noinline)) pmm_status_t venue_other(driver_t *d, const pmm_md_t *md, int64_t now) {
  if (pmm_kind_is_underlying(md->kind) || md->market >= d->market_cnt) return PMM_OK;
  int64_t old;
  pmm_market_t *const m = d->sim_market[md->market];
  pmm_book_apply(d->sim_ladder[md->market], &m->grid, md, &old);
  if (md->kind == PMM_MD_STATUS && md->aux <= PMM_LIFE_RESOLVED && pmm_life_move((pmm_life_t)m->life, (pmm_life_t)md->aux) == PMM_OK) m->life = md->aux;
  return venue_sees(d, md, now);
}

/* The exchange's records up to a time, as long as nothing of ours comes between. The common record, a level that concerns no order of
   ours, is dealt with here. */
static pmm_status_t venue_run(driver_t *d, reader_t *r, int64_t until_ns) {
  const pmm_md_t *md = r->md + r->at, *const end = r->md + r->cnt;
  pmm_sim_watch_market_t const *const watch = d->watch;
  bool const several = d->run_cnt > 1;
  int64_t clock = r->clock_ns, limit = pmm_min64(until_ns, d->next_ns);
  pmm_status_t st = PMM_OK;
  for (; md < end; md++) {
    int64_t const t = venue_time(d, md, clock);
    if (t > limit) break;
    clock = t;
    if (__builtin_expect(md->kind == PMM_MD_LEVEL && md->market < d->market_cnt, 1)) {
      int64_t old;
      pmm_book_apply(d->sim_ladder[md->market], &d->sim_market[md->market]->grid, md, &old);
      if (several && d->stale[md->market]) watch_anew(d, md->market);
      if (!pmm_sim_watch_level(&watch[md->market], md)) continue;
      st = sims_see(d, md, t);
    } else {
      st = venue_other(d, md, t);
    }
    if (st != PMM_OK) break;
    limit = pmm_min64(until_ns, d->next_ns);
  }
  r->at = (size_t)(md - r->md);
  r->clock_ns = clock;
  return st;
}

/* Our records before a time, up to the first that makes an engine act. */
static pmm_status_t local_until(driver_t *d, reader_t *r, int64_t before_ns) {
  size_t const left = d->opts->observer ? 1 : r->cnt - r->at, n = pmm_engine_on_mds(d->engine, r->md + r->at, left, before_ns);
  if (n == 0) return PMM_OK;
  pmm_md_t const *const last = &r->md[r->at + n - 1];
  r->at += n;
  uint64_t const told = d->done >> 16;
  d->done += n;
  if (d->opts->progress && d->done >> 16 != told) d->opts->progress(d->opts->ctx, d->done, pmm__stream_total(r->stream));
  pmm_status_t const st = after_engines(d, last->recv_ns);
  show_record(d, last);
  return st;
}

/* Our records before the next of the exchange's, as long as nothing else comes between. Answers of the same instant come first. */
static pmm_status_t local_run(driver_t *d, reader_t *r, int64_t before_ns) {
  while (r->at < r->cnt) {
    int64_t const t = r->md[r->at].recv_ns;
    if (t >= before_ns || t > d->next_ns) break;
    if (t == d->next_ns && deliver_now(d, t) != PMM_OK) return PMM_FULL;
    if (local_until(d, r, t == d->next_ns ? t + 1 : pmm_min64(before_ns, d->next_ns)) != PMM_OK) return PMM_FULL;
  }
  return PMM_OK;
}

/* Neither side needs the other's records while no order and no answer can arrive: an order that a record of ours causes arrives
   ahead_ns later at the earliest, so that the exchange may read so far ahead. */
static pmm_status_t run_separate(driver_t *d, reader_t *venue, reader_t *local, pmm_error_t *err) {
  pmm_status_t st = PMM_OK;
  while (st == PMM_OK) {
    st = reader_fill(venue, err);
    if (st == PMM_OK) st = reader_fill(local, err);
    if (st != PMM_OK || (local->done && venue->done)) return st;
    int64_t const tl = local->done ? PMM_NS_MAX : local->md[local->at].recv_ns;
    int64_t const tv = venue->done ? PMM_NS_MAX : venue_time(d, &venue->md[venue->at], venue->clock_ns);
    if (tv <= d->next_ns && tv <= tl) st = venue_run(d, venue, local->done ? PMM_NS_MAX : tl + d->ahead_ns);
    else if (d->next_ns < tl) st = all_until(d, d->next_ns);
    else st = local_run(d, local, tv);
  }
  return pmm_error_set(err, st, "orders under way: %s", pmm_status_to_string(st));
}

/* -- construction -- */
static pmm_status_t open_books(driver_t *d, pmm_arena_t *arena) {
  uint32_t const n = d->market_cnt;
  d->sim_market = calloc(n + 1, sizeof *d->sim_market);
  d->sim_ladder = calloc(n + 1, sizeof *d->sim_ladder);
  d->common = calloc(n + 1, sizeof *d->common);
  d->stale = calloc(n + 1, sizeof *d->stale);
  if (!d->sim_market || !d->sim_ladder || !d->common || !d->stale) return PMM_FULL;
  if (d->separate) {
    d->own_market = calloc(n + 1, sizeof *d->own_market);
    d->own_ladder = PMM_ARENA_NEW(arena, pmm_ladder_t, n + 1);
    if (!d->own_market || !d->own_ladder) return PMM_FULL;
  }
  for (uint32_t i = 0; i < n; i++) {
    d->stale[i] = d->run_cnt > 1;
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

static pmm_status_t open_delays(driver_t *d, run_t *r, const pmm_config_t *c, pmm_error_t *err) {
  recorded_t *const seen = &d->recorded;
  if (c->latency.model == PMM_LATENCY_RECORDED && !seen->known) {
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

static pmm_status_t open_run(driver_t *d, uint32_t k, const pmm_config_t *c, pmm__stream_t *stream, pmm_error_t *err) {
  run_t *const r = &d->run[k];
  uint32_t markets, unders;
  const pmm_market_t *const m = pmm__stream_markets(stream, &markets);
  const pmm_underlying_t *const u = pmm__stream_underlyings(stream, &unders);
  bool const replay = d->opts->replay_only;
  uint32_t const orders = orders_of((uint32_t)pmm_min64(ORDERS_MAX, (int64_t)markets * c->strategy_cnt));
  size_t const extra = replay ? 0 : pmm_sim_bytes(markets, orders) + pmm_rewards_bytes(markets) + (d->separate && k == 0 ? book_bytes(m, markets) : 0);
  pmm_status_t st = pmm__setup_open_beside(&r->setup, k ? d->engine : NULL, c, m, markets, u, unders, !replay, extra, err);
  if (st != PMM_OK) return st;
  if (k == 0) d->engine = r->setup.engine;
  d->market_cnt = markets;
  if (replay) return PMM_OK;
  if (k == 0) st = open_books(d, &r->setup.arena);
  pmm_sim_params_t params = c->exchange;
  params.net_pairs = c->account.net_pairs;
  params.seed = pmm_hash_mix(c->seed, UINT64_C(0x73696d));
  if (st == PMM_OK) st = pmm_sim_init(&r->sim, &r->setup.arena, &params, d->sim_market, d->sim_ladder, markets, orders, c->account.cash_e6);
  if (st == PMM_OK) st = pmm_rewards_init(&r->rewards, &r->setup.arena, &c->rewards, d->sim_market, d->sim_ladder, markets, c->seed);
  if (st == PMM_OK) st = pmm__queue_open(&r->actions, sizeof(pmm_action_t));
  if (st == PMM_OK) st = pmm__queue_open(&r->answers, sizeof(pmm_event_t));
  if (st != PMM_OK) return pmm_error_set(err, st, "exchange: %s", pmm_status_to_string(st));
  st = open_delays(d, r, c, err);
  if (st != PMM_OK) return st;
  r->watch = ((const pmm_sim_watch_t *)(const void *)r->sim)->market;
  r->samples = c->rewards.model != PMM_REWARDS_NONE;
  d->watch = d->run_cnt > 1 ? d->common : r->watch;
  pmm_engine_set_ahead(r->setup.engine, ahead_of, r->sim);
  d->due_ns[k] = PMM_NS_MAX;
  return PMM_OK;
}

/* Orders with one constant latency cannot arrive earlier than that. A strategy that may look at the queue ahead of its orders must see it as
   of now, so nothing is read ahead for it; nor for an observer. */
static int64_t read_ahead(const driver_t *d, const pmm_config_t *const *c, uint32_t cnt) {
  int64_t ahead = d->opts->observer || d->opts->replay_only ? 0 : PMM_NS_PER_S;
  for (uint32_t k = 0; k < cnt; k++) {
    ahead = pmm_min64(ahead, c[k]->latency.model == PMM_LATENCY_CONSTANT ? c[k]->latency.order_ns : 0);
    pmm__setup_t const *const s = &d->run[k].setup;
    for (uint32_t i = 0; i < s->slot_cnt; i++)
      if (s->slot[i].ops->inputs == 0) ahead = 0;
  }
  return ahead;
}

static pmm_status_t open_driver(driver_t *d, const pmm_config_t *const *c, uint32_t cnt, const pmm_backtest_opts_t *o, pmm__stream_t *stream, pmm_error_t *err) {
  *d = (driver_t){.opts = o, .run_cnt = cnt, .feed = (pmm_feed_latency_t)c[0]->latency.feed, .feed_ns = c[0]->latency.feed_ns, .next_ns = PMM_NS_MAX};
  d->separate = d->feed != PMM_FEED_NONE;
  d->run = calloc(cnt, sizeof *d->run);
  d->due_ns = calloc(cnt, sizeof *d->due_ns);
  if (!d->run || !d->due_ns) return pmm_error_set(err, PMM_FULL, "no memory for %u runs", cnt);
  pmm_status_t st = PMM_OK;
  for (uint32_t k = 0; st == PMM_OK && k < cnt; k++) st = open_run(d, k, c[k], stream, err);
  if (st == PMM_OK) d->ahead_ns = read_ahead(d, c, cnt);
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
  free(d->recorded.ns);
  free(d->due_ns);
  free(d->common);
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
  for (uint32_t i = 0, k = 0; i < s->market_cnt; i++) {
    int64_t yes = 0, no = 0, venue_yes, venue_no;
    for (; k < s->slot_cnt && s->slot[k].market == i; k++) { /* slots stand in the order of their markets */
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
      (void)pmm_sim_advance(r->sim, sim);
      st = collect_answers(r);
    }
    else st = run_action(d, r, action);
    if (st == PMM_OK) st = send_actions(d, r, pmm_engine_now(r->setup.engine));
    if (st != PMM_OK) return pmm_error_set(err, PMM_FULL, "too many orders under way");
  }
  pmm_engine_finish(r->setup.engine);
  return compare_account(r, err);
}

static void note_fill_source(const run_t *r, const pmm_config_t *c, pmm_result_t *out) {
  pmm_sim_stats_t const *const s = pmm_sim_stats(r->sim);
  out->inferred_fills = s->inferred_fills;
  out->cross_fills = s->cross_fills;
  out->taker_fills = s->taker_fills;
  out->bernoulli_fills = s->bernoulli_fills;
  out->rate_refused = s->rate_refused;
  out->settle_failed = s->settle_failed;
  out->trade_fills = s->maker_fills - s->cross_fills - s->inferred_fills - s->bernoulli_fills;
  int const kinds = (out->trade_fills > 0) + (out->inferred_fills > 0) + (out->cross_fills > 0) + (out->bernoulli_fills > 0);
  uint32_t data = 0;
  bool chance = false;
  for (uint32_t i = 0; i < r->setup.slot_cnt; i++) {
    pmm_market_t const *const m = &r->setup.market[r->setup.slot[i].market];
    data |= m->data;
    chance |= pmm_fill_is_bernoulli(c->exchange.fill_model, m);
  }
  if (chance) {
    out->bernoulli_rate = c->exchange.bernoulli_rate;
    out->bernoulli_decay = c->exchange.bernoulli_decay;
    out->bernoulli_seed = c->seed;
  }
  if (kinds > 1) out->fill_source = "mixed: see trade_fills, inferred_fills, cross_fills, bernoulli_fills";
  else if (out->bernoulli_fills || (kinds == 0 && chance)) out->fill_source = "chance (bernoulli), not recorded trades";
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

/* The recording with the configuration's scenario events in it. */
static pmm_status_t open_stream(pmm__stream_t **stream, const pmm_config_t *c, const pmm_backtest_opts_t *o, pmm_error_t *err) {
  pmm_status_t st = pmm__stream_open(stream, o, err);
  if (st != PMM_OK) return st;
  st = pmm__stream_script(*stream, c, err);
  if (st != PMM_OK) pmm__stream_close(*stream);
  return st;
}

static pmm_status_t run_two_clocks(driver_t *d, const pmm_config_t *c, pmm__stream_t *stream, pmm_error_t *err) {
  reader_t local = {.stream = stream, .clock_ns = INT64_MIN}, venue = {.clock_ns = INT64_MIN};
  pmm_status_t st = open_stream(&venue.stream, c, d->opts, err);
  if (st != PMM_OK) return st;
  st = run_separate(d, &venue, &local, err);
  pmm__stream_close(venue.stream);
  return st;
}

static pmm_status_t gather(driver_t *d, const pmm_config_t *const *c, pmm_result_t *result, double wall, bool truncated, pmm_error_t *err) {
  for (uint32_t k = 0; k < d->run_cnt; k++) {
    pmm_status_t const st = pmm__result_gather(&d->run[k].setup, &result[k], err);
    if (st != PMM_OK) return st;
    result[k].wall_s = wall;
    result[k].events_per_s = wall > 0 ? (double)result[k].events / wall : 0;
    result[k].truncated = truncated;
    if (!d->run[k].sim) continue;
    note_fill_source(&d->run[k], c[k], &result[k]);
    pmm_rewards_total(d->run[k].rewards, &result[k].rewards_low_e6, &result[k].rewards_high_e6, &result[k].accrued_rebates_e6, &result[k].reward_samples);
  }
  return PMM_OK;
}

/* One pass over the data for cnt configurations that may share books. */
static pmm_status_t pass(const pmm_config_t *const *c, uint32_t cnt, const pmm_backtest_opts_t *o, pmm_result_t *result, pmm_error_t *err) {
  pmm__stream_t *stream = NULL;
  pmm_status_t st = open_stream(&stream, c[0], o, err);
  if (st != PMM_OK) return st;
  pmm_backtest_opts_t feeds_only = *o;
  uint32_t markets;
  (void)pmm__stream_markets(stream, &markets);
  if (markets == 0) { /* a recording of underlyings alone: there is nothing to trade, but it replays */
    feeds_only.replay_only = true;
    o = &feeds_only;
  }
  driver_t d;
  st = open_driver(&d, c, cnt, o, stream, err);
  double const start = pmm__wall_seconds();
  if (st == PMM_OK) st = d.separate && !o->replay_only ? run_two_clocks(&d, c[0], stream, err) : run_one_clock(&d, stream, err);
  for (uint32_t k = 0; st == PMM_OK && !o->replay_only && k < cnt; k++) st = drain(&d, &d.run[k], err);
  if (st == PMM_OK) st = gather(&d, c, result, pmm__wall_seconds() - start, pmm__stream_truncated(stream), err);
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
         a->latency.feed == b->latency.feed && a->latency.feed_ns == b->latency.feed_ns &&
         strcmp(a->script.file, b->script.file) == 0 && strcmp(a->script.events, b->script.events) == 0;
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
    const pmm_config_t *chosen[RUNS_MAX] = {NULL};
    size_t index[RUNS_MAX] = {0};
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
