/* session.c -- a synthetic market: a matching engine, seeded traders around a random truth, and our engine as one account among
   them. Everything happens in simulated time, in one thread, from one seed.

   The book we are shown is the exchange's less our own resting orders, as in a replay: a strategy that quoted around a mid made by
   its own quotes would follow its own tail. */
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include "pmm/hash.h"
#include "run.h"

#define START_NS (INT64_C(1767225600) * PMM_NS_PER_S) /* 2026-01-01, so that times in logs look like times */
#define MATCH_BYTES ((size_t)160 << 20)
#define OWN_MAX 4096
#define TOUCHED_MAX 256

typedef struct own_order { uint64_t id; int64_t open_e6; int32_t tick; uint8_t side; } own_order_t;

struct pmm_session {
  pmm__setup_t setup;
  pmm_arena_t venue_arena;
  pmm_match_t *match;
  pmm_traders_t *traders;
  pmm_scenario_t truth;
  pmm__queue_t actions, answers, data;
  pmm__delays_t delays;
  pmm_market_t market;
  pmm_underlying_t underlying;
  uint32_t account;
  int64_t now_ns, next_truth_ns;
  int64_t own_e6[2][PMM_LADDER_TICKS_MAX];
  own_order_t own[OWN_MAX]; uint32_t own_cnt;
  struct { int32_t tick; uint8_t side; } touched[TOUCHED_MAX]; uint32_t touched_cnt;
  bool resolved;
  uint32_t seq;
  double started_s;
  pmm_error_t error;
  const pmm_backtest_opts_t *opts;
};

/* -- our own orders as the venue has them -- */
static own_order_t *find_own(pmm_session_t *s, uint64_t id) {
  for (uint32_t i = 0; i < s->own_cnt; i++)
    if (s->own[i].id == id) return &s->own[i];
  return NULL;
}
static void touch(pmm_session_t *s, uint8_t side, int32_t tick) {
  for (uint32_t i = 0; i < s->touched_cnt; i++)
    if (s->touched[i].tick == tick && s->touched[i].side == side) return;
  if (s->touched_cnt < TOUCHED_MAX) { s->touched[s->touched_cnt].tick = tick; s->touched[s->touched_cnt++].side = side; }
}
static void set_own(pmm_session_t *s, own_order_t *o, int32_t tick, int64_t open_e6) {
  s->own_e6[o->side][o->tick] -= o->open_e6;
  touch(s, o->side, o->tick);
  o->tick = tick;
  o->open_e6 = open_e6;
  s->own_e6[o->side][o->tick] += o->open_e6;
  touch(s, o->side, o->tick);
  if (open_e6 == 0) *o = s->own[--s->own_cnt];
}
static void track_own(pmm_session_t *s, const pmm_event_t *ev) {
  own_order_t *const o = find_own(s, ev->order_id);
  int32_t const tick = ev->md.price_e4 / s->market.grid.tick_e4;
  switch (ev->md.kind) {
    case PMM_EV_ACK:
      if (!o && ev->md.qty_e6 > 0 && s->own_cnt < OWN_MAX) {
        s->own[s->own_cnt] = (own_order_t){.id = ev->order_id, .tick = tick, .side = ev->md.side};
        set_own(s, &s->own[s->own_cnt++], tick, ev->md.qty_e6);
      }
      break;
    case PMM_EV_FILL: if (o) set_own(s, o, o->tick, pmm_max64(0, o->open_e6 - ev->md.qty_e6)); break;
    case PMM_EV_AMENDED: if (o) set_own(s, o, tick, ev->md.qty_e6); break;
    case PMM_EV_CANCELLED:
    case PMM_EV_EXPIRED: if (o) set_own(s, o, o->tick, 0); break;
    default: break;
  }
}

/* -- what the venue tells: data to everyone, answers to accounts -- */
static pmm_status_t publish(pmm_session_t *s, pmm_md_t md, int64_t delay_ns) {
  md.exch_ns = s->now_ns;
  md.seq = ++s->seq;
  return pmm__queue_push(&s->data, s->now_ns + delay_ns, &md);
}

static pmm_status_t publish_book(pmm_session_t *s) {
  pmm_ladder_t const *const l = pmm_match_ladder(s->match, 0);
  for (uint32_t i = 0; i < s->touched_cnt; i++) {
    uint8_t const side = s->touched[i].side;
    int32_t const tick = s->touched[i].tick;
    int64_t const rest = pmm_ladder_qty(l, (pmm_side_t)side, tick) - s->own_e6[side][tick];
    pmm_md_t const md = {.qty_e6 = pmm_max64(0, rest), .price_e4 = tick * l->tick_e4, .kind = PMM_MD_LEVEL, .side = side,
                         .flags = i + 1 == s->touched_cnt ? PMM_F_LAST : 0};
    if (publish(s, md, 0) != PMM_OK) return PMM_FULL;
  }
  s->touched_cnt = 0;
  return PMM_OK;
}

static pmm_status_t drain_venue(pmm_session_t *s) {
  uint32_t account;
  pmm_event_t ev;
  while (pmm_match_poll(s->match, &account, &ev)) {
    if (account == PMM_ACCOUNT_PUBLIC) {
      if (ev.md.kind == PMM_MD_LEVEL) touch(s, ev.md.side, ev.md.price_e4 / s->market.grid.tick_e4);
      else {
        ev.md.flags = (uint8_t)(ev.md.flags & ~PMM_F_LAST); /* the book records that follow end the message */
        if (ev.md.kind != PMM_MD_TRADE) ev.md.flags |= PMM_F_LAST;
        if (publish(s, ev.md, 0) != PMM_OK) return PMM_FULL;
      }
    } else if (account == s->account) {
      track_own(s, &ev);
      if (pmm__queue_push(&s->answers, s->now_ns + pmm_latency_next(&s->delays.response), &ev) != PMM_OK) return PMM_FULL;
    } else {
      pmm_traders_on_event(s->traders, account, &ev);
    }
  }
  return publish_book(s);
}

static const pmm_observer_t *observer_of(const pmm_session_t *s) { return s->opts ? s->opts->observer : NULL; }

static pmm_status_t send_actions(pmm_session_t *s) {
  uint32_t cnt;
  pmm_action_t const *const a = pmm_engine_actions(s->setup.engine, &cnt);
  for (uint32_t i = 0; i < cnt; i++)
    if (pmm__queue_push(&s->actions, s->now_ns + pmm_latency_next(&s->delays.order), &a[i]) != PMM_OK) return PMM_FULL;
  pmm_observer_t const *const o = observer_of(s);
  if (cnt && o && o->actions) o->actions(o->ctx, s->now_ns, a, cnt);
  pmm_engine_actions_done(s->setup.engine);
  return PMM_OK;
}

/* -- the truth moves -- */
static pmm_status_t step_truth(pmm_session_t *s) {
  if (!pmm_scenario_step(&s->truth) || s->truth.done) return PMM_OK;
  s->next_truth_ns = s->truth.at_ns + s->truth.params.step_ns;
  if (s->truth.params.kind != PMM_SCENARIO_DIGITAL) return PMM_OK;
  pmm_md_t const md = {.qty_e6 = (int64_t)floor(s->truth.spot * 1e8 + 0.5), .kind = PMM_MD_UNDERLYING, .aux = PMM_UNDER_TRADE, .flags = PMM_F_LAST};
  return publish(s, md, 0);
}

static pmm_status_t resolve(pmm_session_t *s) {
  s->resolved = true;
  while (!s->truth.done) pmm_scenario_step(&s->truth);
  pmm_match_life(s->match, 0, s->now_ns, PMM_LIFE_CLOSED, PMM_OUTCOME_UNKNOWN, 0);
  pmm_status_t st = drain_venue(s);
  bool const yes = s->truth.outcome_yes;
  pmm_match_life(s->match, 0, s->now_ns, PMM_LIFE_RESOLVED, yes ? PMM_OUTCOME_YES : PMM_OUTCOME_NO, yes ? PMM_ONE_E6 : 0);
  if (st == PMM_OK) st = drain_venue(s);
  return st;
}

/* -- one happening -- */
static pmm_status_t deliver(pmm_session_t *s) {
  pmm_observer_t const *const observer = observer_of(s);
  pmm_event_t ev;
  if (pmm__queue_due(&s->answers) <= s->now_ns) {
    memcpy(&ev, pmm__queue_pop(&s->answers), sizeof ev);
    ev.md.recv_ns = s->now_ns;
    pmm_order_t const *const o = pmm_exec_find(pmm_engine_exec(s->setup.engine), ev.order_id);
    if (s->opts && s->opts->on_account) s->opts->on_account(s->opts->account_ctx, &ev, o ? o->slot : UINT32_MAX);
    if (observer && observer->account) observer->account(observer->ctx, &ev, o ? o->slot : UINT32_MAX);
    pmm_engine_on_event(s->setup.engine, &ev);
    return send_actions(s);
  }
  pmm_md_t md;
  memcpy(&md, pmm__queue_pop(&s->data), sizeof md);
  md.recv_ns = s->now_ns;
  pmm_engine_on_md(s->setup.engine, &md);
  pmm_status_t const st = send_actions(s);
  if (observer && observer->record) observer->record(observer->ctx, &md);
  return st;
}

static pmm_status_t timer(pmm_session_t *s) {
  pmm_event_t const ev = {.md = {.recv_ns = s->now_ns, .kind = PMM_EV_TIMER}};
  pmm_engine_on_event(s->setup.engine, &ev);
  return send_actions(s);
}

static int64_t next_ns(const pmm_session_t *s) {
  int64_t t = pmm_min64(pmm__queue_due(&s->answers), pmm__queue_due(&s->data));
  t = pmm_min64(t, pmm__queue_due(&s->actions));
  if (s->resolved) return t;
  t = pmm_min64(t, pmm_min64(s->next_truth_ns, pmm_traders_next_ns(s->traders)));
  t = pmm_min64(t, pmm_max64(pmm_engine_next_timer(s->setup.engine), s->now_ns));
  return pmm_min64(t, s->market.close_ns);
}

static pmm_status_t happen(pmm_session_t *s) {
  if (pmm__queue_due(&s->answers) <= s->now_ns || pmm__queue_due(&s->data) <= s->now_ns) return deliver(s);
  if (pmm__queue_due(&s->actions) <= s->now_ns) {
    pmm_match_submit(s->match, s->account, s->now_ns, pmm__queue_pop(&s->actions));
    return drain_venue(s);
  }
  if (s->now_ns >= s->market.close_ns) return resolve(s);
  if (s->next_truth_ns <= s->now_ns) return step_truth(s);
  if (pmm_traders_next_ns(s->traders) <= s->now_ns) {
    pmm_traders_step(s->traders, s->now_ns, s->truth.p);
    return drain_venue(s);
  }
  return timer(s);
}

bool pmm_session_run(pmm_session_t *s, int64_t until_ns) {
  int64_t const until = until_ns > PMM_NS_MAX - START_NS ? PMM_NS_MAX : START_NS + until_ns;
  for (;;) {
    int64_t const t = next_ns(s);
    if (t == PMM_NS_MAX) break;
    if (t > until) return true;
    s->now_ns = pmm_max64(s->now_ns, t);
    pmm_status_t const st = happen(s);
    if (st != PMM_OK) {
      pmm_error_set(&s->error, st, "synthetic market: %s", pmm_status_to_string(st));
      return false;
    }
  }
  pmm_engine_finish(s->setup.engine);
  return false;
}

/* -- construction -- */
static void describe_market(pmm_session_t *s, const pmm_config_t *c) {
  bool const digital = c->scenario.kind == PMM_SCENARIO_DIGITAL;
  pmm_market_init(&s->market, digital ? "DIGITAL" : "WALK");
  s->market.open_ns = START_NS;
  s->market.close_ns = START_NS + c->scenario.duration_ns;
  s->market.life = PMM_LIFE_OPEN;
  s->market.data = PMM_DATA_DEPTH | PMM_DATA_TRADES;
  if (!digital) return;
  s->market.underlying = 0;
  s->market.data |= PMM_DATA_UNDERLYING;
  s->market.strike_e8 = (int64_t)floor(c->scenario.strike * 1e8 + 0.5);
  strcpy(s->underlying.id, "SPOT");
  strcpy(s->underlying.source, "scenario");
}

static pmm_status_t open_venue(pmm_session_t *s, const pmm_config_t *c, pmm_error_t *err) {
  pmm_match_params_t const mp = {.stp = PMM_STP_CANCEL_MAKER, .net_pairs = pmm_net_applies(c->account.net_pairs, &s->market), .accounts_max = 4096, .orders_max = 65536, .client_ids_max = 1u << 20};
  pmm_status_t st = pmm_arena_open(&s->venue_arena, MATCH_BYTES);
  if (st == PMM_OK) st = pmm_match_init(&s->match, &s->venue_arena, &mp, s->setup.market, 1);
  if (st == PMM_OK) st = pmm_match_account(s->match, c->account.cash_e6, &s->account);
  if (st == PMM_OK) st = pmm_scenario_init(&s->truth, &c->scenario, START_NS, pmm_hash_mix(c->seed, 1));
  if (st == PMM_OK) st = pmm_traders_init(&s->traders, &s->venue_arena, &c->traders, s->match, 0, START_NS, pmm_hash_mix(c->seed, 2));
  if (st == PMM_OK) st = pmm__queue_open(&s->actions, sizeof(pmm_action_t));
  if (st == PMM_OK) st = pmm__queue_open(&s->answers, sizeof(pmm_event_t));
  if (st == PMM_OK) st = pmm__queue_open(&s->data, sizeof(pmm_md_t));
  if (st != PMM_OK) return pmm_error_set(err, st, "synthetic market: %s", pmm_status_to_string(st));
  return pmm__delays_open(&s->delays, c, NULL, 0, err);
}

static pmm_status_t open_market(pmm_session_t *s) {
  s->next_truth_ns = START_NS + s->truth.params.step_ns;
  pmm_md_t const open = {.kind = PMM_MD_STATUS, .aux = PMM_LIFE_OPEN, .flags = PMM_F_LAST};
  pmm_md_t const empty = {.kind = PMM_MD_CLEAR, .flags = PMM_F_SNAPSHOT | PMM_F_LAST}; /* nobody has quoted yet, and we know it */
  pmm_status_t const st = publish(s, open, 0);
  return st == PMM_OK ? publish(s, empty, 0) : st;
}

pmm_status_t pmm_session_open(pmm_session_t **out, const pmm_config_t *c, pmm_error_t *err) {
  pmm_session_t *const s = calloc(1, sizeof *s);
  if (!s) return pmm_error_set(err, PMM_FULL, "no memory");
  s->now_ns = START_NS;
  s->started_s = pmm__wall_seconds();
  describe_market(s, c);
  bool const digital = s->market.underlying != PMM_UNDER_NONE;
  pmm_status_t st = pmm__setup_open(&s->setup, c, &s->market, 1, &s->underlying, digital ? 1 : 0, true, 0, err);
  if (st == PMM_OK) st = open_venue(s, c, err);
  if (st == PMM_OK) st = open_market(s);
  if (st != PMM_OK) pmm_session_close(s);
  else *out = s;
  return st;
}

void pmm_session_close(pmm_session_t *s) {
  if (!s) return;
  pmm__queue_close(&s->actions);
  pmm__queue_close(&s->answers);
  pmm__queue_close(&s->data);
  pmm__delays_close(&s->delays);
  if (s->venue_arena.base) pmm_arena_close(&s->venue_arena);
  pmm__setup_close(&s->setup);
  free(s);
}

pmm_engine_t *pmm_session_engine(pmm_session_t *s) { return s->setup.engine; }
double pmm_session_truth(const pmm_session_t *s) { return s->truth.p; }
int64_t pmm_session_now(const pmm_session_t *s) { return s->now_ns - START_NS; }
const pmm_error_t *pmm_session_error(const pmm_session_t *s) { return s->error.status == PMM_OK ? NULL : &s->error; }

pmm_status_t pmm_session_result(pmm_session_t *s, pmm_result_t *out, pmm_error_t *err) {
  pmm_status_t const st = pmm__result_gather(&s->setup, out, err);
  if (st != PMM_OK) return st;
  out->wall_s = pmm__wall_seconds() - s->started_s;
  out->events_per_s = out->wall_s > 0 ? (double)out->events / out->wall_s : 0;
  out->fill_source = "matching engine";
  out->taker_fills = out->fills - out->maker_fills;
  out->trade_fills = out->maker_fills;
  return PMM_OK;
}

/* The exchange's own books of our account must say what the ledger says. */
static pmm_status_t compare_account(pmm_session_t *s, pmm_error_t *err) {
  int64_t locked, yes = 0, no = 0, vy, vn;
  for (uint32_t i = 0; i < s->setup.slot_cnt; i++) {
    pmm_position_t p;
    pmm_ledger_position(pmm_engine_ledger(s->setup.engine), i, &p);
    yes += p.yes_e6;
    no += p.no_e6;
  }
  pmm_match_holding(s->match, s->account, 0, &vy, &vn, NULL, NULL);
  int64_t const ours = pmm_ledger_cash(pmm_engine_ledger(s->setup.engine)) + pmm_min64(yes, no);
  int64_t const theirs = pmm_match_cash(s->match, s->account, &locked) + pmm_min64(vy, vn);
  if (ours != theirs || yes - no != vy - vn)
    return pmm_error_set(err, PMM_CORRUPT, "ledger and exchange differ: cash %lld against %lld, net %lld against %lld", (long long)ours, (long long)theirs,
                         (long long)(yes - no), (long long)(vy - vn));
  pmm_status_t const st = pmm_match_check(s->match, err);
  return st == PMM_OK ? pmm_engine_check(s->setup.engine, err) : st;
}

pmm_status_t pmm_backtest_scenario(const pmm_config_t *c, const pmm_backtest_opts_t *o, pmm_result_t *out, pmm_error_t *err) {
  memset(out, 0, sizeof *out);
  pmm_session_t *s = NULL;
  pmm_status_t st = pmm_session_open(&s, c, err);
  if (st != PMM_OK) return st;
  s->opts = o;
  pmm_observer_t const *const observer = observer_of(s);
  if (observer && observer->start) observer->start(observer->ctx, s->setup.engine, s->setup.market, s->setup.market_cnt, s->setup.slot, s->setup.slot_cnt);
  int64_t const step = pmm_max64(c->scenario.duration_ns / 200, 1);
  for (int64_t t = step; pmm_session_run(s, t); t += step)
    if (o && o->progress) o->progress(o->ctx, (uint64_t)(t / PMM_NS_PER_MS), (uint64_t)(c->scenario.duration_ns / PMM_NS_PER_MS));
  if (s->error.status != PMM_OK) {
    if (err) *err = s->error;
    st = s->error.status;
  }
  if (st == PMM_OK) st = compare_account(s, err);
  if (st == PMM_OK) st = pmm_session_result(s, out, err);
  if (st == PMM_OK && observer && observer->finish) observer->finish(observer->ctx, out);
  pmm_session_close(s);
  return st;
}
