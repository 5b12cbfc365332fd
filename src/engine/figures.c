/* figures.c -- what a run is judged by: markouts, spread capture, time integrals, equity, drawdown, Sharpe. */
#include <assert.h>
#include <math.h>
#include "engine_impl.h"

#ifdef PMM_CHECKS
#define PMM__CHECK_MARKS 1
#else
#define PMM__CHECK_MARKS 0
#endif

static const int64_t MARKOUT_NS[PMM_MARKOUT_CNT] = {1 * PMM_NS_PER_S, 10 * PMM_NS_PER_S, 60 * PMM_NS_PER_S};

/* What one YES is worth now, in dollars: the payout once resolved, else the last valid mid, else what holdings came in at, else one half. */
double pmm__yes_value(const pmm__market_t *m) {
  if (m->resolved || m->resolve_pending) return (double)m->book->desc.payout_yes_e6 / 1e6;
  if (m->book->mid_tick_e4 == 0 && m->found_e6) return (double)m->found_e6 / 1e6;
  return pmm__last_mid(m->book);
}
int64_t pmm__yes_value_e6(const pmm__market_t *m) {
  if (m->resolved || m->resolve_pending) return m->book->desc.payout_yes_e6;
  return (int64_t)floor(pmm__yes_value(m) * 1e6 + 0.5);
}

/* Closes the slot's time integrals up to now, with the orders and position held since the last call. */
void pmm__accrue(pmm_engine_t *e, pmm__slot_t *s) {
  pmm__market_t const *const m = &e->market[s->cfg.market];
  int64_t const from = s->accrued_ns;
  s->accrued_ns = e->now_ns;
  if (m->book->opened_ns == PMM_TIME_NONE || from == PMM_TIME_NONE) return;
  int64_t const dt_ns = e->now_ns - pmm_max64(from, m->book->opened_ns);
  if (dt_ns <= 0) return;
  double const dt_s = (double)dt_ns / 1e9;
  bool const bid = s->open.best_bid_e4 != 0, ask = s->open.best_ask_e4 != 0;
  s->st.open_ns += dt_ns;
  if (bid || ask) s->st.quoted_ns += dt_ns;
  if (bid && ask) {
    s->st.two_sided_ns += dt_ns;
    s->st.spread_time += (double)(s->open.best_ask_e4 - s->open.best_bid_e4) / PMM_ONE_E4 * dt_s;
  }
  s->st.inventory_time += (double)pmm_abs64(pmm_position_net(&s->pos)) / 1e6 * dt_s;
}

/* -- marking the account: only slots that hold something count, and of these only those whose position or price moved since
   the last marking are worked out anew -- */
static void hold(pmm_engine_t *e, uint32_t slot) {
  pmm__slot_t *const s = &e->slot[slot];
  bool const holds = (s->pos.yes_e6 | s->pos.no_e6) != 0;
  s->mark.stale = true;
  if (holds == s->mark.listed) return;
  s->mark.listed = holds;
  if (holds) {
    s->mark.at = e->held_cnt;
    e->held[e->held_cnt++] = slot;
    return;
  }
  uint32_t const last = e->held[--e->held_cnt];
  e->held[s->mark.at] = last;
  e->slot[last].mark.at = s->mark.at;
  e->unrealized_e6 -= s->mark.unrealized_e6;
  e->flatten_e6 -= s->flatten_e6;
  s->mark.unrealized_e6 = s->flatten_e6 = 0;
}

void pmm__refresh(pmm_engine_t *e, uint32_t slot) {
  pmm__slot_t *const s = &e->slot[slot];
  int64_t const net = pmm_position_net(&s->pos);
  pmm_ledger_position(e->ledger, slot, &s->pos);
  pmm_exec_open(e->exec, slot, &s->open);
  s->memo.valid = false;
  hold(e, slot);
  int64_t const now_net = pmm_position_net(&s->pos);
  e->exposure_e6[e->market[s->cfg.market].book->exposure] += now_net - net;
  s->st.inventory_max_e6 = pmm_max64(s->st.inventory_max_e6, pmm_abs64(now_net));
}

static void internal_due_at(pmm_engine_t *e) {
  int64_t due = e->next_equity_ns;
  for (int k = 0; k < PMM_MARKOUT_CNT; k++)
    if (e->markout_tail[k] != e->markout_head)
      due = pmm_min64(due, e->markout[e->markout_tail[k] & (PMM__MARKOUT_RING - 1)].at_ns + MARKOUT_NS[k]);
  e->internal_due_ns = due;
  if (due < e->core->due_ns) e->core->due_ns = due;
}

static void take_markout(pmm_engine_t *e, int k) {
  pmm__markout_t const *const f = &e->markout[e->markout_tail[k]++ & (PMM__MARKOUT_RING - 1)];
  pmm__slot_t *const s = &e->slot[f->slot];
  double const qty = (double)f->qty_e6 / 1e6;
  s->st.markout[k] += f->sign * (pmm__yes_value(&e->market[s->cfg.market]) - f->price) * qty;
  s->st.markout_qty[k] += qty;
}

void pmm__note_fill(pmm_engine_t *e, const pmm_exec_effect_t *fx) {
  pmm__slot_t *const s = &e->slot[fx->slot];
  pmm__market_t const *const m = &e->market[s->cfg.market];
  int const sign = pmm_side_sign(fx->side);
  if (fx->fee_e6 >= 0) s->st.fees_e6 += fx->fee_e6; else s->st.rebates_e6 -= fx->fee_e6;
  s->st.spread_e6 += sign * (pmm_muldiv_floor(pmm__yes_value_e6(m), fx->fill_qty_e6, PMM_ONE_E6) - pmm_notional_floor(fx->fill_price_e4, fx->fill_qty_e6));
  pmm_risk_on_fill(&e->risk, e->now_ns, fx->realized_e6);
  for (int k = 0; k < PMM_MARKOUT_CNT; k++) /* a full ring marks its oldest early rather than lose it */
    if (e->markout_head - e->markout_tail[k] >= PMM__MARKOUT_RING) take_markout(e, k);
  e->markout[e->markout_head++ & (PMM__MARKOUT_RING - 1)] = (pmm__markout_t){
      .at_ns = e->now_ns, .qty_e6 = fx->fill_qty_e6, .price = (double)fx->fill_price_e4 / PMM_ONE_E4, .slot = fx->slot, .sign = (int8_t)sign};
  internal_due_at(e);
}

/* A failed settlement: its fee was never charged. Spread and markouts keep it: they judge our quoting. */
void pmm__undo_fill(pmm_engine_t *e, const pmm_exec_effect_t *fx) {
  pmm__slot_t *const s = &e->slot[fx->slot];
  if (fx->fee_e6 >= 0) s->st.fees_e6 -= fx->fee_e6; else s->st.rebates_e6 += fx->fee_e6;
}

/* What positions and open buys could still lose: cost of holdings plus cash behind orders. */
int64_t pmm__at_risk(const pmm_engine_t *e) {
  pmm_ledger_totals_t t;
  pmm_ledger_totals(e->ledger, &t);
  return t.cost_e6 + t.reserved_e6;
}

/* Buying the opposite of a net position: a NO costs a dollar less the YES value. */
static int64_t flatten_cost(const pmm__slot_t *s, int64_t yes_e6) {
  int64_t const net = pmm_position_net(&s->pos);
  return net == 0 ? 0 : pmm_muldiv_ceil(pmm_abs64(net), net > 0 ? PMM_ONE_E6 - yes_e6 : yes_e6, PMM_ONE_E6);
}

static void mark_slot(pmm_engine_t *e, uint32_t slot) {
  pmm__slot_t *const s = &e->slot[slot];
  pmm__market_t const *const m = &e->market[s->cfg.market];
  pmm__book_t const *const b = m->book;
  if (!s->mark.stale && s->mark.twice_ticks == b->mid_twice_ticks && s->mark.tick_e4 == b->mid_tick_e4) return;
  int64_t const yes = pmm__yes_value_e6(m), unrealized = pmm_ledger_unrealized(e->ledger, slot, yes), flatten = flatten_cost(s, yes);
  e->unrealized_e6 += unrealized - s->mark.unrealized_e6;
  e->flatten_e6 += flatten - s->flatten_e6;
  s->flatten_e6 = flatten;
  s->mark.unrealized_e6 = unrealized;
  s->mark.twice_ticks = b->mid_twice_ticks;
  s->mark.tick_e4 = b->mid_tick_e4;
  s->mark.stale = false;
}

int32_t pmm_engine_value_e4(const pmm_engine_t *e, uint32_t market) {
  return (int32_t)pmm_min64(pmm_max64((pmm__yes_value_e6(&e->market[market]) + 50) / 100, 1), PMM_ONE_E4 - 1);
}

int64_t pmm_engine_equity(pmm_engine_t *e) {
  pmm_ledger_totals_t t;
  pmm_ledger_totals(e->ledger, &t);
  int64_t equity = t.cash_e6 + t.cost_e6;
  for (uint32_t i = 0; i < e->held_cnt; i++)
    equity += pmm_ledger_unrealized(e->ledger, e->held[i], pmm__yes_value_e6(&e->market[e->slot[e->held[i]].cfg.market]));
  return equity;
}

static void add_return(pmm_engine_t *e) {
  double const r = (double)(e->equity_e6 - e->sharpe_equity_e6) / 1e6;
  e->sharpe_equity_e6 = e->equity_e6;
  e->ret_cnt++;
  double const d = r - e->ret_mean;
  e->ret_mean += d / (double)e->ret_cnt;
  e->ret_m2 += d * (r - e->ret_mean);
}

void pmm__mark_equity(pmm_engine_t *e) {
  for (uint32_t i = 0; i < e->held_cnt; i++) mark_slot(e, e->held[i]);
  pmm_ledger_totals_t t;
  pmm_ledger_totals(e->ledger, &t);
  e->equity_e6 = t.cash_e6 + t.cost_e6 + e->unrealized_e6;
  assert(!PMM__CHECK_MARKS || e->equity_e6 == pmm_engine_equity(e));
  e->peak_e6 = pmm_max64(e->peak_e6, e->equity_e6);
  e->drawdown_e6 = pmm_max64(e->drawdown_e6, e->peak_e6 - e->equity_e6);
  if (e->now_ns >= e->next_sharpe_ns) {
    if (e->next_sharpe_ns != INT64_MIN) add_return(e); /* the first mark only starts the clock */
    e->next_sharpe_ns = e->now_ns + e->params.sharpe_every_ns;
  }
  bool const was_killed = e->risk.killed;
  pmm_risk_on_equity(&e->risk, e->now_ns, e->equity_e6);
  if (e->risk.killed && !was_killed)
    for (uint32_t i = 0; i < e->market_cnt; i++) pmm__cancel_market(e, &e->market[i]);
}

void pmm__internal_due(pmm_engine_t *e) {
  for (int k = 0; k < PMM_MARKOUT_CNT; k++)
    while (e->markout_tail[k] != e->markout_head &&
           e->markout[e->markout_tail[k] & (PMM__MARKOUT_RING - 1)].at_ns + MARKOUT_NS[k] <= e->now_ns)
      take_markout(e, k);
  if (e->now_ns >= e->next_equity_ns) {
    pmm__mark_equity(e);
    e->next_equity_ns = e->now_ns + e->params.equity_every_ns;
  }
  internal_due_at(e);
}

void pmm_engine_slot_stats(const pmm_engine_t *e, uint32_t slot, pmm_slot_stats_t *out) {
  pmm__slot_t const *const s = &e->slot[slot];
  pmm__market_t const *const m = &e->market[s->cfg.market];
  *out = s->st;
  out->messages = m->book->messages;
  out->realized_e6 = s->pos.realized_e6;
  out->resolved = m->resolved;
  out->outcome = m->book->desc.outcome;
  out->payout_yes_e6 = m->book->desc.payout_yes_e6;
  if (m->resolved) return;
  out->final_yes_e6 = s->pos.yes_e6;
  out->final_no_e6 = s->pos.no_e6;
  out->unrealized_e6 = pmm_ledger_unrealized(e->ledger, slot, pmm__yes_value_e6(m));
}

void pmm_engine_stats(pmm_engine_t *e, pmm_engine_stats_t *out) {
  *out = (pmm_engine_stats_t){.events = e->core->md_events + e->other_events, .md_events = e->core->md_events, .bad_events = e->core->bad + e->bad, .trades = e->core->trades, .decisions = e->decisions, .gaps = e->core->gaps,
      .equity_e6 = e->equity_e6, .peak_e6 = e->peak_e6, .max_drawdown_e6 = e->drawdown_e6, .sharpe = NAN, .return_cnt = e->ret_cnt};
  for (uint32_t i = 0; i < e->market_cnt; i++) {
    out->crossed_msgs += e->core->book[i].crossed;
    out->locked_msgs += e->core->book[i].locked;
  }
  if (e->ret_cnt >= 2 && e->ret_m2 > 0)
    out->sharpe = e->ret_mean / sqrt(e->ret_m2 / (double)(e->ret_cnt - 1)) * sqrt(PMM_YEAR_S / ((double)e->params.sharpe_every_ns / 1e9));
}

void pmm_engine_finish(pmm_engine_t *e) {
  if (e->finished) return;
  e->finished = true;
  for (uint32_t i = 0; i < e->slot_cnt; i++) {
    pmm__accrue(e, &e->slot[i]);
    pmm__refresh(e, i);
  }
  for (int k = 0; k < PMM_MARKOUT_CNT; k++)
    while (e->markout_tail[k] != e->markout_head) take_markout(e, k);
  pmm__mark_equity(e);
  if (e->equity_e6 != e->sharpe_equity_e6) add_return(e); /* the last, shorter interval, with the resolution in it */
}
