/* engine.c -- market data: the books, the life of a market, and who hears of a message; and looking in. */
#include "pmm/engine.h"
#include <assert.h>
#include <string.h>
#include "engine_impl.h"

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
    pmm__try_resolve(e, m);
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
  pmm__show_terms(core, b);
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
  pmm__show_terms(core, b);
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
  else if (md->kind == PMM_MD_TICK) pmm__show_terms(core, b);
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
