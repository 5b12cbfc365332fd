/* backtest.c -- replaying recorded data against the engine and the fill simulator.

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
#define RECORDED_MAX 65536

typedef struct side_book { pmm_ladder_t ladder; pmm_grid_t grid; } side_book_t;

typedef struct driver {
  pmm__setup_t setup;
  pmm_sim_t *sim;
  pmm_market_t **sim_market; pmm_ladder_t **sim_ladder; /* the exchange's view */
  pmm_market_t *own_market; pmm_ladder_t *own_ladder;   /* only where feed latency gives it books of its own */
  pmm__queue_t actions, answers;
  pmm__delays_t delays;
  int64_t next_ns;     /* earliest of timer, action, answer */
  const pmm_backtest_opts_t *opts;
  bool separate;       /* exchange-side books */
  pmm_feed_latency_t feed; int64_t feed_ns;
  uint64_t done;
} driver_t;

static void next_due(driver_t *d) {
  d->next_ns = pmm_min64(pmm_min64(pmm_engine_next_timer(d->setup.engine), pmm_sim_next(d->sim)), pmm_min64(pmm__queue_due(&d->actions), pmm__queue_due(&d->answers)));
}

/* Actions the engine just asked for set out for the exchange. */
static pmm_status_t send_actions(driver_t *d, int64_t now_ns) {
  uint32_t cnt;
  pmm_action_t const *const a = pmm_engine_actions(d->setup.engine, &cnt);
  for (uint32_t i = 0; i < cnt; i++)
    if (pmm__queue_push(&d->actions, now_ns + pmm_latency_next(&d->delays.order), &a[i]) != PMM_OK) return PMM_FULL;
  if (cnt == 0) return PMM_OK;
  pmm_observer_t const *const o = d->opts->observer;
  if (o && o->actions) o->actions(o->ctx, now_ns, a, cnt);
  pmm_engine_actions_done(d->setup.engine);
  return PMM_OK;
}

static pmm_status_t collect_answers(driver_t *d) {
  pmm_event_t ev;
  while (pmm_sim_poll(d->sim, &ev))
    if (pmm__queue_push(&d->answers, ev.md.exch_ns + pmm_latency_next(&d->delays.response), &ev) != PMM_OK) return PMM_FULL;
  return PMM_OK;
}

static void deliver_answer(driver_t *d, int64_t now_ns) {
  pmm_event_t ev;
  memcpy(&ev, pmm__queue_pop(&d->answers), sizeof ev);
  ev.md.recv_ns = now_ns;
  if (d->opts->on_account || d->opts->observer) {
    pmm_order_t const *const o = pmm_exec_find(pmm_engine_exec(d->setup.engine), ev.order_id);
    uint32_t const slot = o ? o->slot : UINT32_MAX;
    pmm_observer_t const *const observer = d->opts->observer;
    if (d->opts->on_account) d->opts->on_account(d->opts->account_ctx, &ev, slot);
    if (observer && observer->account) observer->account(observer->ctx, &ev, slot);
  }
  pmm_engine_on_event(d->setup.engine, &ev);
}

static pmm_status_t run_timer(driver_t *d, int64_t due_ns) {
  int64_t const now = pmm_max64(due_ns, pmm_engine_now(d->setup.engine)); /* the first is due since for ever */
  pmm_sim_advance(d->sim, now);
  pmm_event_t const ev = {.md = {.recv_ns = now, .kind = PMM_EV_TIMER}};
  pmm_engine_on_event(d->setup.engine, &ev);
  return collect_answers(d);
}

/* Everything due at or before until_ns, oldest first; answers before timers before actions at one instant. */
static pmm_status_t run_until(driver_t *d, int64_t until_ns) {
  for (;;) {
    int64_t const answer = pmm__queue_due(&d->answers), action = pmm__queue_due(&d->actions);
    int64_t const timer = pmm_engine_next_timer(d->setup.engine), sim = pmm_sim_next(d->sim);
    int64_t const now = pmm_min64(pmm_min64(timer, sim), pmm_min64(answer, action));
    if (now > until_ns || now == PMM_NS_MAX) break;
    pmm_status_t st = PMM_OK;
    if (answer == now) deliver_answer(d, now);
    else if (sim == now) {
      pmm_sim_advance(d->sim, now);
      st = collect_answers(d);
    }
    else if (timer == now) st = run_timer(d, now);
    else {
      pmm_sim_on_action(d->sim, now, pmm__queue_pop(&d->actions));
      st = collect_answers(d);
    }
    if (st == PMM_OK) st = send_actions(d, pmm_engine_now(d->setup.engine));
    if (st != PMM_OK) return st;
  }
  next_due(d);
  return PMM_OK;
}

static pmm_status_t run_due(driver_t *d, int64_t until_ns) { return __builtin_expect(d->next_ns > until_ns, 1) ? PMM_OK : run_until(d, until_ns); }

static pmm_status_t after_sim(driver_t *d) {
  uint64_t const before = d->answers.head;
  pmm_status_t const st = collect_answers(d);
  if (d->answers.head != before) d->next_ns = pmm_min64(d->next_ns, pmm__queue_due(&d->answers));
  return st;
}

/* Answers that arrive at this instant, before our own look at the data. */
static pmm_status_t deliver_now(driver_t *d, int64_t now_ns) {
  while (__builtin_expect(pmm__queue_due(&d->answers) <= now_ns, 0)) {
    deliver_answer(d, now_ns);
    if (send_actions(d, now_ns) != PMM_OK) return PMM_FULL;
  }
  return PMM_OK;
}

/* What the engine wants after a record: actions on their way, and a look at its timers, which any record may move. */
static pmm_status_t after_engine(driver_t *d, int64_t now_ns) {
  uint32_t cnt;
  pmm_engine_actions(d->setup.engine, &cnt);
  if (cnt) {
    if (send_actions(d, now_ns) != PMM_OK) return PMM_FULL;
    d->next_ns = pmm_min64(d->next_ns, pmm__queue_due(&d->actions));
  }
  d->next_ns = pmm_min64(d->next_ns, pmm_engine_next_timer(d->setup.engine));
  return PMM_OK;
}

/* -- one book for both sides -- */
static void show_record(const driver_t *d, const pmm_md_t *md) {
  pmm_observer_t const *const o = d->opts->observer;
  if (__builtin_expect(o != NULL, 0) && o->record) o->record(o->ctx, md);
}

static bool ends_message(const pmm_md_t *md) { return (md->flags & PMM_F_LAST) || md->kind >= PMM_MD_MARK; }

static pmm_status_t shared_record(driver_t *d, const pmm_md_t *md) {
  pmm_engine_t *const e = d->setup.engine;
  int64_t const now = md->recv_ns;
  bool const whole = ends_message(md);
  if (run_due(d, now - 1) != PMM_OK) return PMM_FULL;
  pmm_engine_apply(e, md);
  if (__builtin_expect(pmm_sim_matters(d->sim, md), 0)) {
    pmm_sim_on_md(d->sim, now, md);
    if (after_sim(d) != PMM_OK) return PMM_FULL;
  }
  if (whole && deliver_now(d, now) != PMM_OK) return PMM_FULL;
  if (pmm_engine_react(e, md) && after_engine(d, now) != PMM_OK) return PMM_FULL;
  show_record(d, md);
  return whole ? run_due(d, now) : PMM_OK;
}

static pmm_status_t shared_run(driver_t *d, const pmm_md_t *md, size_t cnt) {
  for (size_t i = 0; i < cnt; i++)
    if (shared_record(d, &md[i]) != PMM_OK) return PMM_FULL;
  return PMM_OK;
}

static void replay_run(driver_t *d, const pmm_md_t *md, size_t cnt) {
  for (size_t i = 0; i < cnt; i++) pmm_engine_on_md(d->setup.engine, &md[i]);
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

static pmm_status_t venue_record(driver_t *d, reader_t *r, int64_t now) {
  pmm_md_t const *const md = &r->md[r->at++];
  r->clock_ns = now;
  if (md->kind == PMM_MD_UNDERLYING || md->kind == PMM_MD_SETTLE_MEAN || md->market >= d->setup.market_cnt) return PMM_OK;
  int64_t old;
  pmm_market_t *const m = d->sim_market[md->market];
  pmm_book_apply(d->sim_ladder[md->market], &m->grid, md, &old);
  if (md->kind == PMM_MD_STATUS && md->aux <= PMM_LIFE_RESOLVED && pmm_life_move((pmm_life_t)m->life, (pmm_life_t)md->aux) == PMM_OK) m->life = md->aux;
  pmm_sim_on_md(d->sim, now, md);
  return after_sim(d);
}

static pmm_status_t local_record(driver_t *d, reader_t *r) {
  pmm_md_t const *const md = &r->md[r->at++];
  pmm_engine_on_md(d->setup.engine, md);
  if (d->opts->progress && (++d->done & 0xffff) == 0) d->opts->progress(d->opts->ctx, d->done, pmm__stream_total(r->stream));
  pmm_status_t const st = after_engine(d, md->recv_ns);
  show_record(d, md);
  return st;
}

/* The next thing to happen: venue_ns and local_ns are when the next record reaches the exchange and us. */
static pmm_status_t happen(driver_t *d, reader_t *venue, int64_t venue_ns, reader_t *local, int64_t local_ns) {
  if (venue_ns <= d->next_ns && venue_ns <= local_ns) return venue_record(d, venue, venue_ns);
  if (d->next_ns < local_ns) return run_until(d, d->next_ns);
  if (pmm__queue_due(&d->answers) > local_ns) return local_record(d, local);
  pmm_status_t const st = deliver_now(d, local_ns);
  next_due(d);
  return st;
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
static pmm_status_t open_books(driver_t *d) {
  uint32_t const n = d->setup.market_cnt;
  d->sim_market = calloc(n + 1, sizeof *d->sim_market);
  d->sim_ladder = calloc(n + 1, sizeof *d->sim_ladder);
  if (!d->sim_market || !d->sim_ladder) return PMM_FULL;
  if (d->separate) {
    d->own_market = calloc(n + 1, sizeof *d->own_market);
    d->own_ladder = PMM_ARENA_NEW(&d->setup.arena, pmm_ladder_t, n + 1);
    if (!d->own_market || !d->own_ladder) return PMM_FULL;
  }
  for (uint32_t i = 0; i < n; i++) {
    d->sim_market[i] = pmm_engine_market(d->setup.engine, i);
    d->sim_ladder[i] = pmm_engine_ladder(d->setup.engine, i);
    if (!d->separate) continue;
    d->own_market[i] = d->setup.market[i];
    pmm_ladder_t const *const like = d->sim_ladder[i];
    if (pmm_ladder_init(&d->own_ladder[i], &d->setup.arena, like->tick_cnt, like->cap_cnt) != PMM_OK) return PMM_FULL;
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

static pmm_status_t open_delays(driver_t *d, const pmm_config_t *c, pmm_error_t *err) {
  if (c->latency.model != PMM_LATENCY_RECORDED || c->latency.samples[0]) return pmm__delays_open(&d->delays, c, NULL, 0, err);
  int64_t *const sample = malloc(RECORDED_MAX * sizeof *sample);
  if (!sample) return pmm_error_set(err, PMM_FULL, "no memory for latencies");
  pmm_status_t st;
  size_t const n = recorded_latencies(d->opts, sample, err, &st);
  if (st == PMM_OK) st = pmm__delays_open(&d->delays, c, sample, n, err);
  if (st != PMM_OK) { free(sample); return st; }
  d->delays.sample = sample;
  return PMM_OK;
}

static pmm_status_t open_exchange(driver_t *d, const pmm_config_t *c, pmm_error_t *err) {
  pmm_sim_params_t params = c->exchange;
  params.net_pairs = c->account.net_pairs;
  pmm_status_t st = open_books(d);
  if (st == PMM_OK) st = pmm_sim_init(&d->sim, &d->setup.arena, &params, d->sim_market, d->sim_ladder, d->setup.market_cnt, ORDERS_MAX, c->account.cash_e6);
  if (st == PMM_OK) st = pmm__queue_open(&d->actions, sizeof(pmm_action_t));
  if (st == PMM_OK) st = pmm__queue_open(&d->answers, sizeof(pmm_event_t));
  if (st != PMM_OK) return pmm_error_set(err, st, "exchange: %s", pmm_status_to_string(st));
  return open_delays(d, c, err);
}

static int64_t ahead_of(void *ctx, uint64_t order_id) { return pmm_sim_ahead(ctx, order_id); }

static pmm_status_t open_driver(driver_t *d, const pmm_config_t *c, const pmm_backtest_opts_t *o, pmm__stream_t *stream, pmm_error_t *err) {
  d->opts = o;
  d->feed = (pmm_feed_latency_t)c->latency.feed;
  d->feed_ns = c->latency.feed_ns;
  d->separate = d->feed != PMM_FEED_NONE;
  uint32_t markets, unders;
  const pmm_market_t *const m = pmm__stream_markets(stream, &markets);
  const pmm_underlying_t *const u = pmm__stream_underlyings(stream, &unders);
  size_t const extra = o->replay_only ? 0 : pmm_sim_bytes(markets, ORDERS_MAX) + (d->separate ? book_bytes(m, markets) : 0);
  pmm_status_t st = pmm__setup_open(&d->setup, c, m, markets, u, unders, !o->replay_only, extra, err);
  if (st != PMM_OK || o->replay_only) return st;
  st = open_exchange(d, c, err);
  if (st == PMM_OK) pmm_engine_set_ahead(d->setup.engine, ahead_of, d->sim);
  if (st != PMM_OK) return st;
  if (o->observer && o->observer->start)
    o->observer->start(o->observer->ctx, d->setup.engine, d->setup.market, d->setup.market_cnt, d->setup.slot, d->setup.slot_cnt);
  next_due(d);
  return PMM_OK;
}

static void close_driver(driver_t *d) {
  pmm__queue_close(&d->actions);
  pmm__queue_close(&d->answers);
  pmm__delays_close(&d->delays);
  free(d->sim_market);
  free(d->sim_ladder);
  free(d->own_market);
  pmm__setup_close(&d->setup);
}

/* -- the end: both books of the account must say the same -- */
static pmm_status_t compare_account(driver_t *d, pmm_error_t *err) {
  pmm_ledger_t *const l = pmm_engine_ledger(d->setup.engine);
  int64_t ours = pmm_ledger_cash(l), theirs = pmm_sim_cash(d->sim);
  for (uint32_t i = 0; i < d->setup.market_cnt; i++) {
    int64_t yes = 0, no = 0, venue_yes, venue_no;
    for (uint32_t k = 0; k < d->setup.slot_cnt; k++) {
      if (d->setup.slot[k].market != i) continue;
      pmm_position_t p;
      pmm_ledger_position(l, k, &p);
      yes += p.yes_e6;
      no += p.no_e6;
    }
    pmm_sim_holding(d->sim, i, &venue_yes, &venue_no);
    if (yes - no != venue_yes - venue_no)
      return pmm_error_set(err, PMM_CORRUPT, "market %s: the ledger holds net %lld, the exchange %lld (1e-6 contracts)", d->setup.market[i].id, (long long)(yes - no), (long long)(venue_yes - venue_no));
    ours += pmm_min64(yes, no);
    theirs += pmm_min64(venue_yes, venue_no);
  }
  if (ours != theirs) return pmm_error_set(err, PMM_CORRUPT, "the ledger has %lld, the exchange %lld micro-dollars of cash", (long long)ours, (long long)theirs);
  return pmm_engine_check(d->setup.engine, err);
}

/* What is still on its way when the data ends arrives; timers no longer run. */
static pmm_status_t drain(driver_t *d, pmm_error_t *err) {
  while (pmm__queue_due(&d->actions) != PMM_NS_MAX || pmm__queue_due(&d->answers) != PMM_NS_MAX) {
    int64_t const answer = pmm__queue_due(&d->answers), action = pmm__queue_due(&d->actions);
    if (answer <= action) {
      deliver_answer(d, answer);
      if (send_actions(d, pmm_engine_now(d->setup.engine)) != PMM_OK) return pmm_error_set(err, PMM_FULL, "too many orders under way");
    } else {
      pmm_sim_on_action(d->sim, action, pmm__queue_pop(&d->actions));
      if (collect_answers(d) != PMM_OK) return pmm_error_set(err, PMM_FULL, "too many answers under way");
    }
  }
  pmm_engine_finish(d->setup.engine);
  return compare_account(d, err);
}

static void note_fill_source(const driver_t *d, pmm_result_t *r) {
  pmm_sim_stats_t const *const s = pmm_sim_stats(d->sim);
  r->inferred_fills = s->inferred_fills;
  r->cross_fills = s->cross_fills;
  r->taker_fills = s->taker_fills;
  r->trade_fills = s->maker_fills - s->cross_fills - s->inferred_fills;
  int const kinds = (r->trade_fills > 0) + (r->inferred_fills > 0) + (r->cross_fills > 0);
  uint32_t data = 0;
  for (uint32_t i = 0; i < d->setup.slot_cnt; i++) data |= d->setup.market[d->setup.slot[i].market].data;
  if (kinds > 1) r->fill_source = "mixed: see trade_fills, inferred_fills, cross_fills";
  else if (r->cross_fills) r->fill_source = "book crossings";
  else if (r->inferred_fills || (kinds == 0 && (data & PMM_DATA_INFERRED))) r->fill_source = "inferred trades";
  else r->fill_source = r->trade_fills || (data & PMM_DATA_TRADES) ? "trades" : "book crossings";
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

pmm_status_t pmm_backtest_run(const pmm_config_t *c, const pmm_backtest_opts_t *o, pmm_result_t *out, pmm_error_t *err) {
  memset(out, 0, sizeof *out);
  pmm__stream_t *stream = NULL;
  pmm_status_t st = pmm__stream_open(&stream, o, err);
  if (st != PMM_OK) return st;
  driver_t d = {0};
  st = open_driver(&d, c, o, stream, err);
  double const start = pmm__wall_seconds();
  if (st == PMM_OK) st = d.separate && !o->replay_only ? run_two_clocks(&d, stream, err) : run_one_clock(&d, stream, err);
  if (st == PMM_OK && !o->replay_only) st = drain(&d, err);
  double const wall = pmm__wall_seconds() - start;
  if (st == PMM_OK) st = pmm__result_gather(&d.setup, out, err);
  if (st == PMM_OK) {
    out->wall_s = wall;
    out->events_per_s = wall > 0 ? (double)out->events / wall : 0;
    out->truncated = pmm__stream_truncated(stream);
    if (d.sim) note_fill_source(&d, out);
    if (o->observer && o->observer->finish) o->observer->finish(o->observer->ctx, out);
  }
  close_driver(&d);
  pmm__stream_close(stream);
  return st;
}

static void observe_nothing(pmm_backtest_opts_t *o) {
  o->observer = NULL;
  o->on_account = NULL;
}

pmm_status_t pmm_backtest_many(const pmm_config_t *const *config, size_t cnt, const pmm_backtest_opts_t *opts, pmm_result_t *result, pmm_error_t *err) {
  memset(result, 0, cnt * sizeof *result);
  pmm_backtest_opts_t o = *opts;
  observe_nothing(&o);
  pmm_status_t st = PMM_OK;
  for (size_t i = 0; st == PMM_OK && i < cnt; i++) st = pmm_backtest_run(config[i], &o, &result[i], err);
  for (size_t i = 0; st != PMM_OK && i < cnt; i++) {
    pmm_result_free(&result[i]);
    memset(&result[i], 0, sizeof result[i]);
  }
  return st;
}
