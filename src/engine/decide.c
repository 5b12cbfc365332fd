/* decide.c -- waking strategies: building the view, asking, handing quotes to exec; timers. */
#include <math.h>
#include <string.h>
#include "engine_impl.h"

/* -- timers: an indexed binary heap of slots by due time, ties by slot -- */
static bool before(const pmm_engine_t *e, uint32_t a, uint32_t b) {
  int64_t const x = e->slot[a].due_ns, y = e->slot[b].due_ns;
  return x != y ? x < y : a < b;
}
static void heap_put(pmm_engine_t *e, uint32_t pos, uint32_t slot) {
  e->heap[pos] = slot;
  e->slot[slot].heap_pos = pos;
}
static void sift_up(pmm_engine_t *e, uint32_t pos) {
  uint32_t const slot = e->heap[pos];
  for (; pos > 0 && before(e, slot, e->heap[(pos - 1) / 2]); pos = (pos - 1) / 2) heap_put(e, pos, e->heap[(pos - 1) / 2]);
  heap_put(e, pos, slot);
}
static void sift_down(pmm_engine_t *e, uint32_t pos) {
  uint32_t const slot = e->heap[pos], n = e->slot_cnt;
  for (;;) {
    uint32_t child = 2 * pos + 1;
    if (child >= n) break;
    if (child + 1 < n && before(e, e->heap[child + 1], e->heap[child])) child++;
    if (!before(e, e->heap[child], slot)) break;
    heap_put(e, pos, e->heap[child]);
    pos = child;
  }
  heap_put(e, pos, slot);
}
void pmm__heap_fix(pmm_engine_t *e, uint32_t slot, int64_t due_ns) {
  pmm__slot_t *const s = &e->slot[slot];
  if (s->due_ns == due_ns) return;
  pmm__stir(e);
  bool const sooner = due_ns < s->due_ns;
  s->due_ns = due_ns;
  if (sooner) sift_up(e, s->heap_pos); else sift_down(e, s->heap_pos);
}

/* A slot is due at its refresh (not while there is no book to quote on; where a source gives a price now and then, once after each), or earlier when a decision was held back by min_requote_ns. */
void pmm__slot_due(pmm_engine_t *e, uint32_t slot) {
  pmm__slot_t *const s = &e->slot[slot];
  pmm__book_t const *const b = e->market[s->cfg.market].book;
  bool const idle = !b->ready || (pmm__price_only(b) && s->last_decision_ns >= b->mid_ns);
  int64_t due = b->desc.life == PMM_LIFE_OPEN && !idle ? s->next_refresh_ns : PMM_NS_MAX;
  if (s->throttled) due = pmm_min64(due, s->last_decision_ns + e->params.min_requote_ns);
  pmm__heap_fix(e, slot, due);
}

/* A book has come, or come back: its slots' timers go on, on their beat. */
void pmm__resume_market(pmm_engine_t *e, pmm__market_t *m) {
  for (uint32_t i = 0; i < m->slot_cnt; i++) {
    pmm__slot_t *const s = &e->slot[m->slot[i]];
    if (s->refresh_ns && s->next_refresh_ns < e->now_ns)
      s->next_refresh_ns += (e->now_ns - s->next_refresh_ns + s->refresh_ns - 1) / s->refresh_ns * s->refresh_ns;
    pmm__slot_due(e, m->slot[i]);
  }
}

void pmm__run_timers(pmm_engine_t *e) {
  for (uint32_t n = e->slot_cnt; n > 0 && e->slot[e->heap[0]].due_ns <= e->now_ns; n--) {
    uint32_t const slot = e->heap[0];
    pmm__slot_t *const s = &e->slot[slot];
    uint32_t wake = s->throttled;
    pmm__hear(e, s);
    if (s->next_refresh_ns <= e->now_ns) {
      wake |= PMM_WAKE_TIMER;
      /* Keep the beat; after a silence start a new one instead of catching up. */
      s->next_refresh_ns += s->refresh_ns;
      if (s->next_refresh_ns <= e->now_ns) s->next_refresh_ns = e->now_ns + s->refresh_ns;
    }
    pmm__decide(e, slot, wake);
    pmm__slot_due(e, slot);
  }
}

/* What a decision was held back for has been seen by another one. */
static void unthrottle(pmm_engine_t *e, uint32_t slot) {
  if (!e->slot[slot].throttled) return;
  pmm__hear(e, &e->slot[slot]);
  pmm__slot_due(e, slot);
}

/* -- view -- */
static size_t fair_values(pmm_engine_t *e, const pmm__market_t *m) {
  size_t n = 0;
  pmm_flow_t const *const flow = &m->book->flow;
  if (m->has_external) e->fair[n++] = m->external;
  if (flow->cnt)
    e->fair[n++] = (pmm_fair_t){.kind = PMM_FAIR_TRADE_EWMA, .p = flow->ewma_price, .weight = 1, .as_of_ns = flow->ewma_ns, .expires_ns = PMM_NS_MAX};
  return n;
}

static double life_time_left(const pmm_market_t *m, int64_t now_ns) {
  bool const known = m->close_ns != PMM_TIME_NONE && now_ns != INT64_MIN; /* before the first event there is no time */
  return known ? (double)(m->close_ns - now_ns) / 1e9 : NAN;
}
static double life_time_whole(const pmm_market_t *m) {
  return m->close_ns == PMM_TIME_NONE || m->open_ns == PMM_TIME_NONE ? NAN : (double)(m->close_ns - m->open_ns) / 1e9;
}

/* Section 1 of the models: the book's mid, else the last valid one while it is young, else one half. Where a source gives prices
   now and then instead of a book, the last one stands until the next. */
static void mid_view(const pmm_engine_t *e, const pmm__book_t *b, pmm_view_t *v) {
  double mid;
  int64_t const stale_ns = b->desc.data & PMM_DATA_PRICE ? PMM_NS_MAX : e->params.stale_mid_ns;
  if (pmm_ladder_mid(&b->ladder, &mid) == PMM_OK) {
    v->mid = mid;
    v->mid_age_ns = 0;
    return;
  }
  v->mid_age_ns = b->mid_tick_e4 ? e->now_ns - b->mid_ns : PMM_NS_MAX;
  v->mid = v->mid_age_ns < stale_ns ? pmm__last_mid(b) : 0.5;
}

/* The rest of the view, which a strategy that named its inputs does without. */
static void build_rest(pmm_engine_t *e, uint32_t slot, pmm_view_t *v) {
  pmm__slot_t *const s = &e->slot[slot];
  pmm__market_t const *const m = &e->market[s->cfg.market];
  pmm__book_t const *const b = m->book;
  v->fair = e->fair;
  v->fair_cnt = fair_values(e, m);
  v->free_cash_e6 = pmm_ledger_slot_free(e->ledger, slot);
  v->group_net_e6 = e->exposure_e6[b->exposure];
  v->others_flatten_e6 = e->flatten_e6 - s->flatten_e6;
  v->time_left_s = life_time_left(&b->desc, e->now_ns);
  v->life_s = life_time_whole(&b->desc);
  if (b->group != UINT32_MAX) pmm__under_view(e, b, &v->under);
  else v->under = (pmm_under_view_t){.volatility = NAN, .settle_mean = NAN, .age_s = INFINITY};
  v->order_cnt = pmm_exec_open_cnt(e->exec, slot) ? pmm_exec_own_orders(e->exec, slot, e->own, PMM__OWN_MAX) : 0;
  if (e->ahead)
    for (size_t i = 0; i < v->order_cnt; i++) e->own[i].ahead_e6 = e->ahead(e->ahead_ctx, e->own[i].order_id);
  v->orders = e->own;
  v->rate_left = pmm_risk_rate_left(&e->risk, e->now_ns);
}

/* Where a strategy did not name its inputs it gets everything; where it did, the rest says "nothing known". */
static void build_none(pmm_view_t *v) {
  v->fair = NULL;
  v->orders = NULL;
  v->fair_cnt = v->order_cnt = 0;
  v->free_cash_e6 = v->group_net_e6 = v->others_flatten_e6 = 0;
  v->time_left_s = v->life_s = NAN;
  v->under = (pmm_under_view_t){.volatility = NAN, .settle_mean = NAN, .age_s = INFINITY};
  v->rate_left = INFINITY;
}

static void build_view(pmm_engine_t *e, uint32_t slot, uint32_t wake, bool whole, pmm_view_t *v) {
  pmm__slot_t *const s = &e->slot[slot];
  pmm__book_t const *const b = e->market[s->cfg.market].book;
  v->now_ns = e->now_ns;
  v->wake = wake;
  v->market = pmm__shown(b);
  v->ladder = &b->ladder;
  v->flow = &b->flow;
  mid_view(e, b, v);
  v->position = s->pos;
  v->signals = &s->cfg.signals;
  if (whole) build_rest(e, slot, v);
  else build_none(v);
}
/* Looking changes nothing: a run that is watched decides as one that is not. */
void pmm_engine_view(pmm_engine_t *e, uint32_t slot, pmm_view_t *out) { build_view(e, slot, 0, true, out); }

/* -- decision -- */
/* An operator's "flatten" overrides the strategy with an exit of whatever is held. */
static void flatten_quotes(const pmm__slot_t *s, double fair, pmm_quotes_t *q) {
  int64_t const net = pmm_position_net(&s->pos);
  pmm_quotes_clear(q);
  q->fair = fair;
  q->why = "flatten ordered";
  if (net == 0) { q->action = PMM_QUOTE_PAUSE; return; }
  q->action = PMM_QUOTE_EXIT;
  q->exit_side = net > 0 ? PMM_ASK : PMM_BID;
  q->exit_qty_e6 = pmm_abs64(net);
  q->exit_limit = NAN;
}

/* A strategy may be the user's own: what it says is checked before money follows it. NULL when it makes sense. */
static const char *fault_of(const pmm_quotes_t *q) {
  if ((uint32_t)q->action > PMM_QUOTE_TAKE) return "unknown action";
  if (q->action == PMM_QUOTE_TAKE) return isfinite(q->fair) ? NULL : "take without a fair value";
  if (q->action == PMM_QUOTE_EXIT) return isfinite(q->fair) && (uint32_t)q->exit_side <= PMM_ASK ? NULL : "exit without a fair value or side";
  if (q->action != PMM_QUOTE_QUOTE) return NULL;
  if ((uint32_t)q->bid_cnt > PMM_LEVELS_MAX || (uint32_t)q->ask_cnt > PMM_LEVELS_MAX) return "number of levels";
  return q->bid_cnt + q->ask_cnt == 0 || isfinite(q->fair) ? NULL : "fair value is not a number";
}

static void pause_because(pmm_quotes_t *q, const char *why) {
  pmm_quotes_clear(q);
  q->action = PMM_QUOTE_PAUSE;
  q->why = why;
}

/* What the venue would refuse is not asked for; cancels it takes in every phase. */
static void mind_phase(uint8_t phase, pmm_quotes_t *q) {
  if (q->action == PMM_QUOTE_KEEP) return;
  if (phase == PMM_PHASE_CANCEL_ONLY) pause_because(q, "venue takes cancels only");
  else if (q->action == PMM_QUOTE_EXIT || q->action == PMM_QUOTE_TAKE) pause_because(q, "venue takes post-only orders only");
}

static void permit(pmm_engine_t *e, pmm__slot_t *s, pmm_status_t st);

static void ask_strategy(pmm_engine_t *e, pmm__slot_t *s, const pmm_view_t *view) {
  pmm_quotes_t *const q = &s->quotes;
  pmm_quotes_clear(q);
  permit(e, s, s->cfg.ops->on_view(s->state, view, q));
}

/* What a strategy said, as far as it may be acted on. */
static void permit(pmm_engine_t *e, pmm__slot_t *s, pmm_status_t st) {
  pmm_quotes_t *const q = &s->quotes;
  const char *const fault = st != PMM_OK ? pmm_status_to_string(st) : fault_of(q);
  if (__builtin_expect(fault != NULL, 0)) pause_because(q, fault);
  else if (e->paused && (q->action == PMM_QUOTE_QUOTE || q->action == PMM_QUOTE_TAKE)) pause_because(q, "paused by operator");
  else if (__builtin_expect(e->market[s->cfg.market].book->phase != PMM_PHASE_NORMAL, 0)) mind_phase(e->market[s->cfg.market].book->phase, q);
}

static void mix_actions(pmm_engine_t *e, uint32_t from) {
  pmm__stir(e);
  for (uint32_t i = from; i < e->actions.cnt; i++) {
    pmm_action_t const *const a = &e->actions.action[i];
    e->path_hash = pmm_hash_mix(e->path_hash, a->order_id ^ ((uint64_t)a->kind << 56));
    e->path_hash = pmm_hash_mix(e->path_hash, (uint64_t)a->qty_e6 ^ ((uint64_t)(uint32_t)a->price_e4 << 40));
    e->path_hash = pmm_hash_mix(e->path_hash, (uint64_t)a->at_ns);
  }
}

/* True when nothing is left to do while quotes, book and orders stay as they are. */
static bool act(pmm_engine_t *e, uint32_t slot, const pmm_quotes_t *q) {
  pmm__slot_t *const s = &e->slot[slot];
  pmm__book_t const *const b = e->market[s->cfg.market].book;
  pmm_exec_ctx_t const ctx = {.now_ns = e->now_ns, .market = pmm__shown(b), .ladder = &b->ladder, .equity_e6 = e->equity_e6, .at_risk_e6 = pmm__at_risk(e)};
  uint32_t const from = e->actions.cnt;
  bool const settled = pmm_exec_quote(e->exec, slot, &ctx, q, &e->actions, NULL);
  if (e->actions.cnt == from) return settled;
  pmm__accrue(e, s);
  pmm__refresh(e, slot);
  mix_actions(e, from);
  return false;
}

#define MEMO_INPUTS (PMM_INPUT_TOUCH | PMM_INPUT_POSITION)

static bool same_again(const pmm_engine_t *e, const pmm__slot_t *s, const pmm__book_t *b, uint32_t wake) {
  return s->memo.valid && s->memo.bid == b->ladder.best[PMM_BID] && s->memo.ask == b->ladder.best[PMM_ASK] && !(wake & (PMM_WAKE_LIFE | PMM_WAKE_FAIR)) &&
         s->memo.factor == pmm_risk_size_factor(&e->risk) && !e->flatten && !e->paused;
}

/* A mid that is not in the book ages, so it is not remembered. */
static void remember(const pmm_engine_t *e, pmm__slot_t *s, const pmm__book_t *b) {
  int32_t const bid = b->ladder.best[PMM_BID], ask = b->ladder.best[PMM_ASK];
  bool const pure = s->cfg.ops->inputs && !(s->cfg.ops->inputs & ~MEMO_INPUTS);
  if (!pure || bid == PMM_TICKS_NONE || ask == PMM_TICKS_NONE || bid > ask || s->quotes.action == PMM_QUOTE_EXIT || e->flatten || e->paused) return;
  s->memo = (pmm__memo_t){.valid = true, .bid = bid, .ask = ask, .factor = pmm_risk_size_factor(&e->risk)};
}

/* -- groups -- */
static bool is_usable(const pmm__book_t *b) { return b->desc.life == PMM_LIFE_OPEN && b->seen && !b->gap; }

static void build_leg(pmm_engine_t *e, uint32_t slot, uint32_t wake, pmm_leg_t *leg) {
  pmm__slot_t *const s = &e->slot[slot];
  pmm_quotes_clear(&s->quotes);
  leg->out = &s->quotes;
  leg->active = is_usable(e->market[s->cfg.market].book);
  build_view(e, slot, wake, leg->active, &leg->view);
  leg->view.orders = NULL; /* all legs would share one buffer */
  leg->view.fair = NULL;
  leg->view.fair_cnt = 0;
}

static void decide_group(pmm_engine_t *e, uint32_t slot, uint32_t wake) {
  pmm_leg_t leg[PMM_LEGS_MAX];
  size_t cnt = 0;
  uint32_t const leader = e->slot[slot].leader;
  for (uint32_t i = leader; i != UINT32_MAX; i = e->slot[i].next_leg) build_leg(e, i, wake, &leg[cnt++]);
  unthrottle(e, slot);
  pmm__slot_t *const lead = &e->slot[leader];
  pmm_status_t const st = e->flatten ? PMM_OK : lead->cfg.ops->on_group(lead->state, leg, cnt);
  size_t k = 0;
  for (uint32_t i = leader; i != UINT32_MAX; i = e->slot[i].next_leg, k++) {
    pmm__slot_t *const s = &e->slot[i];
    if (!leg[k].active) continue;
    if (e->flatten) flatten_quotes(s, leg[k].view.mid, &s->quotes);
    else permit(e, s, st);
    (void)act(e, i, &s->quotes);
  }
}

void pmm__decide(pmm_engine_t *e, uint32_t slot, uint32_t wake) {
  pmm__slot_t *const s = &e->slot[slot];
  pmm__book_t const *const b = e->market[s->cfg.market].book;
  if (!wake || b->desc.life != PMM_LIFE_OPEN || !b->seen || b->gap || e->risk.killed) return;
  s->last_decision_ns = e->now_ns;
  s->st.decisions++;
  e->decisions++;
  if (same_again(e, s, b, wake)) {
    unthrottle(e, slot);
    return;
  }
  s->memo.valid = false;
  if (s->leader != UINT32_MAX) { decide_group(e, slot, wake); return; }
  pmm_view_t view;
  build_view(e, slot, wake, s->cfg.ops->inputs == 0, &view);
  unthrottle(e, slot);
  if (e->flatten) flatten_quotes(s, view.mid, &s->quotes);
  else ask_strategy(e, s, &view);
  if (act(e, slot, &s->quotes)) remember(e, s, b);
}

static void wake_slot(pmm_engine_t *e, uint32_t slot, uint32_t wake) {
  pmm__slot_t *const s = &e->slot[slot];
  uint32_t const wanted = wake & (s->cfg.ops->wake | PMM_WAKE_LIFE);
  if (!wanted) return;
  bool const urgent = wanted & (PMM_WAKE_FILL | PMM_WAKE_LIFE | PMM_WAKE_FAIR);
  if (!urgent && e->params.min_requote_ns && e->now_ns - s->last_decision_ns < e->params.min_requote_ns) {
    if ((s->throttled & wanted) == wanted) return; /* already waiting for its turn */
    s->throttled |= wanted;
    pmm__market_t *const m = &e->market[s->cfg.market];
    if (m->slot_cnt == 1 && (s->throttled & PMM_WAKE_BOOK)) m->quiet_ns = s->last_decision_ns + e->params.min_requote_ns;
    pmm__slot_due(e, slot);
    return;
  }
  pmm__decide(e, slot, wanted);
}

void pmm__wake_market(pmm_engine_t *e, pmm__market_t *m, uint32_t wake) {
  if (!(m->wake & wake) || m->book->desc.life != PMM_LIFE_OPEN) return;
  for (uint32_t i = 0; i < m->slot_cnt; i++) wake_slot(e, m->slot[i], wake);
}

void pmm__cancel_market(pmm_engine_t *e, pmm__market_t *m) {
  for (uint32_t i = 0; i < m->slot_cnt; i++) {
    pmm__slot_t *const s = &e->slot[m->slot[i]];
    uint32_t const from = e->actions.cnt;
    pmm_exec_cancel_slot(e->exec, m->slot[i], e->now_ns, &e->actions);
    if (e->actions.cnt == from) continue;
    pmm__accrue(e, s);
    pmm__refresh(e, m->slot[i]);
    mix_actions(e, from);
  }
}
