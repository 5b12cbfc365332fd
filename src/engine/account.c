/* account.c -- what the account is told, and what comes from outside the market: fills, refusals, cash, the operator, a probability, time. */
#include "pmm/engine.h"
#include <assert.h>
#include "engine_impl.h"

#define HOUSE_NS PMM_NS_PER_S /* beat of the check for unanswered requests */

/* -- the account -- */
void pmm__try_resolve(pmm_engine_t *e, pmm__market_t *m) {
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
  if (m->resolve_pending) pmm__try_resolve(e, m);
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
