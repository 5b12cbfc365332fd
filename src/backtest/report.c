/* report.c -- the recorder: an observer that turns a run of any length into a picture of bounded size. It asks the engine, never
   tells it anything; a run's state_hash is the same with it and without.

   What an answer of the exchange or a decision changes is looked up at the next callback, when the engine has digested it, and
   booked at the time it happened. */
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include "pmm/param.h"
#include "report_impl.h"

#define PANELS_DEFAULT 12
#define WINDOW_NS (600 * PMM_NS_PER_S)
#define HOUR_NS (3600 * PMM_NS_PER_S)

/* -- time -- */
/* Fills the totals' time integrals up to now. */
static void integrate_total(pmm_recorder_t *r, int64_t now_ns) {
  int64_t const dt = now_ns - r->since_ns;
  if (dt <= 0) return;
  r->now.open_ns += dt * r->open_cnt;
  r->now.two_sided_ns += dt * r->two_sided_cnt;
  r->since_ns = now_ns;
}

static void advance_total(pmm_recorder_t *r, int64_t now_ns) {
  while (now_ns >= pmm__track_end(&r->total)) {
    integrate_total(r, pmm__track_end(&r->total));
    pmm__track_push(&r->total, &r->now);
    pmm__bucket_next(&r->now);
  }
  integrate_total(r, now_ns);
}

static void integrate_slot(const pmm_recorder_t *r, pmm__watch_slot_t *s, int64_t now_ns) {
  int64_t const dt = now_ns - s->since_ns;
  if (dt <= 0) return;
  s->since_ns = now_ns;
  if (s->panel == PMM__PANEL_NONE) return;
  pmm__bucket_t *const b = &r->panel[s->panel].now;
  if (s->open) b->open_ns += dt;
  if (s->two_sided) b->two_sided_ns += dt;
}

static void take_column(const pmm_recorder_t *r, pmm__panel_t *p, uint32_t market);

static void start_panel(pmm_recorder_t *r, pmm__panel_t *p, int64_t now_ns) {
  p->started = true;
  p->from_ns = p->track.t0_ns = p->depth.t0_ns = now_ns;
  p->track.width_ns = p->depth.width_ns = PMM__BUCKET_NS;
  r->slot[p->slot].since_ns = now_ns;
}

/* Brings a panel's tracks up to now; columns of a stretch without records show the book as it was before. */
static void advance_panel(pmm_recorder_t *r, pmm__panel_t *p, int64_t now_ns) {
  pmm__watch_slot_t *const s = &r->slot[p->slot];
  if (!p->started) start_panel(r, p, now_ns);
  while (now_ns >= pmm__track_end(&p->track)) {
    integrate_slot(r, s, pmm__track_end(&p->track));
    pmm__track_push(&p->track, &p->now);
    pmm__bucket_next(&p->now);
  }
  integrate_slot(r, s, now_ns);
  if (now_ns < pmm__track_end(&p->depth)) return;
  while (now_ns >= pmm__track_end(&p->depth) + p->depth.width_ns) pmm__track_push(&p->depth, p->column);
  take_column(r, p, s->market);
  pmm__track_push(&p->depth, p->column);
}

/* -- depth map: a byte a cell. 0 nothing; 1..127 resting bids, 129..255 asks, in quarter powers of two from 1/128 contract -- */
static uint8_t size_code(int64_t qty_e6, pmm_side_t side) {
  int power;
  double const mantissa = frexp((double)qty_e6 / 1e6 * 128, &power); /* in [1/2, 1) */
  int const quarter = (mantissa >= 0.5946035575013605) + (mantissa >= 0.7071067811865476) + (mantissa >= 0.8408964152537145);
  int64_t const code = pmm_min64(pmm_max64(1 + 4 * (power - 1) + quarter, 1), 127);
  return (uint8_t)(side == PMM_BID ? code : 128 + code);
}

static void depth_merge(void *into, const void *later, size_t size) { memcpy(into, later, size); }

static void take_column(const pmm_recorder_t *r, pmm__panel_t *p, uint32_t market) {
  memset(p->column, 0, sizeof p->column);
  if (r->market[market].gap) return; /* nobody knows what the book was */
  pmm_ladder_t const *const l = pmm_engine_ladder(r->engine, market);
  int64_t sum[2][PMM__DEPTH_ROWS] = {{0}, {0}};
  for (int side = 0; side < 2; side++)
    for (int32_t t = l->best[side]; t != PMM_TICKS_NONE; t = pmm_ladder_next(l, (pmm_side_t)side, t)) {
      int32_t const row = t * l->tick_e4 / p->row_e4;
      if (row < p->rows) sum[side][row] += pmm_ladder_qty(l, (pmm_side_t)side, t);
    }
  for (int32_t i = 0; i < p->rows; i++) {
    pmm_side_t const side = sum[PMM_ASK][i] > sum[PMM_BID][i] ? PMM_ASK : PMM_BID;
    if (sum[side][i] > 0) p->column[i] = size_code(sum[side][i], side);
  }
}

/* -- what an event changed -- */
static int64_t limit_of(const pmm_recorder_t *r, pmm__panel_t *p) {
  pmm__watch_slot_t const *const s = &r->slot[p->slot];
  pmm_quotes_t const *const q = pmm_engine_quotes(r->engine, p->slot);
  int64_t limit = s->param_limit_e6;
  const char *source = s->param_limit;
  for (int32_t i = 0; i < q->reason_cnt; i++) {
    if (strcmp(q->reason[i].name, "limit") == 0) { limit = (int64_t)(q->reason[i].value * 1e6); source = "the strategy's reason 'limit'"; }
    if (limit && s->param_limit && strcmp(s->param_limit, "max_position") == 0 && strcmp(q->reason[i].name, "band") == 0) {
      limit = (int64_t)((double)limit * q->reason[i].value); /* digital: the share of it allowed at this time of the market's life */
      source = "max_position x the strategy's reason 'band'";
    }
  }
  bool const own = limit > 0 && !(r->risk_net_e6 > 0 && r->risk_net_e6 < limit);
  if (own) p->limit_source = source; /* named even where the risk limit takes over later */
  return own ? limit : r->risk_net_e6;
}

static void note_quotes(pmm__bucket_t *b, int32_t bid, int32_t ask) {
  b->our_bid_e4 = bid;
  b->our_ask_e4 = ask;
  if (bid && (!b->our_bid_lo_e4 || bid < b->our_bid_lo_e4)) b->our_bid_lo_e4 = bid;
  if (bid > b->our_bid_hi_e4) b->our_bid_hi_e4 = bid;
  if (ask && (!b->our_ask_lo_e4 || ask < b->our_ask_lo_e4)) b->our_ask_lo_e4 = ask;
  if (ask > b->our_ask_hi_e4) b->our_ask_hi_e4 = ask;
}

static void note_stats(pmm__bucket_t *b, const pmm_slot_stats_t *st) {
  b->pnl_e6 = st->realized_e6 - st->fees_e6 + st->rebates_e6 + st->unrealized_e6;
  b->spread_e6 = st->spread_e6;
  b->fees_e6 = st->fees_e6 - st->rebates_e6;
}

static void refresh_panel(pmm_recorder_t *r, const pmm__watch_slot_t *s, const pmm_slot_stats_t *st, const pmm_exec_open_t *open) {
  pmm__panel_t *const p = &r->panel[s->panel];
  note_quotes(&p->now, open->best_bid_e4, open->best_ask_e4);
  note_stats(&p->now, st);
  p->now.net_e6 = s->net_e6;
  p->now.net_lo_e6 = pmm_min64(p->now.net_lo_e6, s->net_e6);
  p->now.net_hi_e6 = pmm_max64(p->now.net_hi_e6, s->net_e6);
  p->now.limit_e6 = limit_of(r, p);
}

static void refresh_slot(pmm_recorder_t *r, uint32_t slot, int64_t now_ns) {
  pmm__watch_slot_t *const s = &r->slot[slot];
  if (s->panel != PMM__PANEL_NONE) advance_panel(r, &r->panel[s->panel], now_ns);
  else integrate_slot(r, s, now_ns);
  pmm_exec_open_t open;
  pmm_slot_stats_t st;
  pmm_position_t pos;
  pmm_exec_open(pmm_engine_exec(r->engine), slot, &open);
  pmm_engine_slot_stats(r->engine, slot, &st);
  pmm_ledger_position(pmm_engine_ledger(r->engine), slot, &pos);
  bool const is_open = r->market[s->market].open, two = is_open && open.best_bid_e4 && open.best_ask_e4;
  r->open_cnt += (uint32_t)is_open - (uint32_t)s->open;
  r->two_sided_cnt += (uint32_t)two - (uint32_t)s->two_sided;
  s->open = is_open;
  s->two_sided = two;
  r->spread_e6 += st.spread_e6 - s->spread_e6;
  s->spread_e6 = st.spread_e6;
  r->gross_e6 += pmm_abs64(pmm_position_net(&pos)) - pmm_abs64(s->net_e6);
  s->net_e6 = pmm_position_net(&pos);
  r->now.net_e6 = r->gross_e6;
  r->now.net_hi_e6 = pmm_max64(r->now.net_hi_e6, r->gross_e6);
  r->now.net_lo_e6 = pmm_min64(r->now.net_lo_e6, r->gross_e6);
  if (s->panel != PMM__PANEL_NONE) refresh_panel(r, s, &st, &open);
}

static void set_dirty(pmm_recorder_t *r, uint32_t slot, int64_t now_ns) {
  r->dirty_ns = now_ns;
  if (r->slot[slot].dirty) return;
  r->slot[slot].dirty = true;
  r->dirty[r->dirty_cnt++] = slot;
}

static void flush_dirty(pmm_recorder_t *r) {
  if (r->dirty_cnt == 0) return;
  advance_total(r, r->dirty_ns);
  for (uint32_t i = 0; i < r->dirty_cnt; i++) {
    r->slot[r->dirty[i]].dirty = false;
    refresh_slot(r, r->dirty[i], r->dirty_ns);
  }
  r->dirty_cnt = 0;
}

/* -- the account as a whole -- */
static void mark_hour(pmm_recorder_t *r, int64_t now_ns, int64_t equity_e6) {
  pmm__hour_t *const h = &r->hour[(r->hour_since_ns / HOUR_NS % 24 + 24) % 24];
  h->pnl_e6 += equity_e6 - r->hour_equity_e6;
  h->seen_ns += now_ns - r->hour_since_ns;
  r->hour_equity_e6 = equity_e6;
  r->hour_since_ns = now_ns;
  r->hour_end_ns = (now_ns / HOUR_NS + 1) * HOUR_NS;
}

static void sample(pmm_recorder_t *r, int64_t now_ns) {
  int64_t const equity = pmm_engine_equity(r->engine);
  if (now_ns >= r->hour_end_ns) mark_hour(r, now_ns, equity);
  if (now_ns >= r->worst.next_ns) pmm__worst_mark(&r->worst, now_ns, equity);
  advance_total(r, now_ns);
  pmm_ledger_totals_t t;
  pmm_ledger_totals(pmm_engine_ledger(r->engine), &t);
  r->now.pnl_e6 = equity - r->start_equity_e6;
  r->now.spread_e6 = r->spread_e6;
  r->now.fees_e6 = t.fees_e6;
  r->sample_ns = pmm_min64(pmm_min64(now_ns + r->total.width_ns / 4, r->worst.next_ns), r->hour_end_ns);
}

static void start_clock(pmm_recorder_t *r, int64_t now_ns) {
  r->first_ns = r->since_ns = r->hour_since_ns = r->total.t0_ns = now_ns;
  r->total.width_ns = PMM__BUCKET_NS;
  r->hour_equity_e6 = r->start_equity_e6 = pmm_engine_equity(r->engine);
  r->hour_end_ns = (now_ns / HOUR_NS + 1) * HOUR_NS;
  r->sample_ns = now_ns;
}

static void tick(pmm_recorder_t *r, int64_t now_ns) {
  if (r->first_ns == PMM_TIME_NONE) start_clock(r, now_ns);
  r->last_ns = pmm_max64(r->last_ns, now_ns);
  if (now_ns >= r->sample_ns) sample(r, now_ns);
}

/* -- panels for the busiest -- */
static void clear_panel(pmm__panel_t *p) {
  p->slot = PMM__PANEL_NONE;
  p->started = false;
  p->track.cnt = p->depth.cnt = 0;
  p->now = (pmm__bucket_t){0};
  memset(p->column, 0, sizeof p->column);
  p->limit_source = "risk.max_net";
}

static void give_panel(pmm_recorder_t *r, uint32_t index, uint32_t slot) {
  pmm__panel_t *const p = &r->panel[index];
  if (p->slot != PMM__PANEL_NONE) r->slot[p->slot].panel = PMM__PANEL_NONE;
  clear_panel(p);
  p->slot = slot;
  r->slot[slot].panel = index;
  pmm_grid_t const *const g = &pmm_engine_market(r->engine, r->slot[slot].market)->grid;
  p->row_e4 = g->tick_e4;
  while (p->row_e4 * PMM__DEPTH_ROWS < PMM_ONE_E4) p->row_e4 += g->tick_e4;
  p->rows = (PMM_ONE_E4 + p->row_e4 - 1) / p->row_e4;
  p->depth.size = (size_t)p->rows;
}

/* A slot without a panel takes that of the quietest once it has done twice as much: the page then says since when it was watched. */
static void want_panel(pmm_recorder_t *r, uint32_t slot) {
  uint32_t quietest = 0;
  uint64_t least = UINT64_MAX;
  for (uint32_t i = 0; i < r->panel_cap; i++) {
    uint64_t const score = r->panel[i].slot == PMM__PANEL_NONE ? 0 : r->slot[r->panel[i].slot].score + 1;
    if (score < least) { least = score; quietest = i; }
    if (least == 0) break;
  }
  if (least == 0 || r->slot[slot].score > 2 * least) give_panel(r, quietest, slot);
}

static void scored(pmm_recorder_t *r, uint32_t slot, uint64_t points) {
  r->slot[slot].score += points;
  if (r->slot[slot].panel == PMM__PANEL_NONE) want_panel(r, slot);
}

/* -- callbacks -- */
static void note_mid(pmm__bucket_t *b, int32_t mid_e4) {
  if (!b->mid_lo_e4 || mid_e4 < b->mid_lo_e4) b->mid_lo_e4 = mid_e4;
  if (mid_e4 > b->mid_hi_e4) b->mid_hi_e4 = mid_e4;
}

static void note_book(pmm_recorder_t *r, pmm__watch_market_t *m, uint32_t market, int64_t now_ns) {
  pmm_ladder_t const *const l = pmm_engine_ladder(r->engine, market);
  int32_t const bid = pmm_ladder_best_e4(l, PMM_BID), ask = pmm_ladder_best_e4(l, PMM_ASK);
  bool const moved = bid != m->bid_e4 || ask != m->ask_e4;
  m->bid_e4 = bid;
  m->ask_e4 = ask;
  if (moved || !m->mid.has) {
    pmm_mid_update(&m->mid, l, now_ns, r->stale_ns);
    if (!m->resolved && m->mid.has) m->value = m->mid.last;
  }
  int32_t const mid = bid && ask && bid <= ask ? (bid + ask) / 2 : 0;
  for (uint32_t i = m->first_slot; i != UINT32_MAX; i = r->slot[i].next_in_market) {
    if (r->slot[i].panel == PMM__PANEL_NONE) continue;
    pmm__panel_t *const p = &r->panel[r->slot[i].panel];
    advance_panel(r, p, now_ns);
    if (!moved) continue;
    p->now.bid_e4 = bid;
    p->now.ask_e4 = ask;
    if (mid) note_mid(&p->now, mid);
    if (r->slot[i].net_e6 == 0) continue;
    pmm_slot_stats_t st;
    pmm_engine_slot_stats(r->engine, i, &st);
    note_stats(&p->now, &st);
  }
}

/* A source without a book gives the price itself, and the engine takes it for the mid. */
static void note_price(pmm_recorder_t *r, pmm__watch_market_t *m, const pmm_md_t *md) {
  if (md->price_e4 < 0 || md->price_e4 > PMM_ONE_E4) return;
  m->mid = (pmm_mid_state_t){.last = (double)md->price_e4 / PMM_ONE_E4, .at_ns = md->recv_ns, .has = true};
  if (!m->resolved) m->value = m->mid.last;
  for (uint32_t i = m->first_slot; i != UINT32_MAX; i = r->slot[i].next_in_market) {
    if (r->slot[i].panel == PMM__PANEL_NONE) continue;
    pmm__panel_t *const p = &r->panel[r->slot[i].panel];
    advance_panel(r, p, md->recv_ns);
    note_mid(&p->now, md->price_e4);
    set_dirty(r, i, md->recv_ns); /* what is held is worth something else now */
  }
}

static void note_lag(pmm_recorder_t *r, const pmm_md_t *md) {
  int64_t const lag = md->recv_ns - md->exch_ns;
  if (r->lag_total == 0 || lag < r->lag_min_ns) r->lag_min_ns = lag;
  if (r->lag_total == 0 || lag > r->lag_max_ns) r->lag_max_ns = lag;
  if (r->lag_total++ % r->lag_stride != 0) return;
  if (r->lag_cnt == PMM__LAGS_MAX) { /* every second one stays */
    for (uint32_t i = 0; i < PMM__LAGS_MAX / 2; i++) r->lag_ns[i] = r->lag_ns[2 * i];
    r->lag_cnt = PMM__LAGS_MAX / 2;
    r->lag_stride *= 2;
  }
  r->lag_ns[r->lag_cnt++] = lag;
}

static void note_life(pmm_recorder_t *r, pmm__watch_market_t *m, const pmm_md_t *md) {
  pmm_market_t const *const desc = pmm_engine_market(r->engine, md->market);
  m->open = pmm_life_trades((pmm_life_t)desc->life);
  if (desc->life == PMM_LIFE_RESOLVED && !m->resolved) {
    m->resolved = true;
    m->outcome = desc->outcome;
    m->value = (double)desc->payout_yes_e6 / 1e6;
  }
  for (uint32_t i = m->first_slot; i != UINT32_MAX; i = r->slot[i].next_in_market) set_dirty(r, i, md->recv_ns);
}

static void note_gap(pmm_recorder_t *r, pmm__watch_market_t *m, const pmm_md_t *md) {
  m->gap = true;
  if (r->gap_total < PMM__GAPS_MAX)
    r->gap[r->gap_total] = (pmm__gap_t){.from_ns = md->exch_ns == PMM_TIME_NONE ? md->recv_ns : md->exch_ns, .to_ns = md->recv_ns, .market = md->market};
  r->gap_total++;
}

static void on_record(void *ctx, const pmm_md_t *md) {
  pmm_recorder_t *const r = ctx;
  int64_t const now = md->recv_ns;
  flush_dirty(r);
  pmm__markouts_due(&r->markouts, r->market, now);
  tick(r, now);
  if (pmm_kind_is_underlying(md->kind) || md->market >= r->market_cnt) return;
  pmm__watch_market_t *const m = &r->market[md->market];
  if (md->exch_ns != PMM_TIME_NONE && md->kind != PMM_MD_GAP) note_lag(r, md);
  if (m->first_slot == UINT32_MAX) return;
  if (md->kind == PMM_MD_GAP) note_gap(r, m, md);
  if (md->kind == PMM_MD_CLEAR) m->gap = false;
  if (!(md->flags & PMM_F_LAST) && md->kind < PMM_MD_MARK) return;
  if (md->kind == PMM_MD_STATUS || (!m->open && !m->resolved)) note_life(r, m, md);
  note_book(r, m, md->market, now);
  if (md->kind == PMM_MD_PRICE) note_price(r, m, md);
}

static uint32_t only_slot(const pmm_recorder_t *r, uint32_t market) {
  if (market >= r->market_cnt) return UINT32_MAX;
  uint32_t const s = r->market[market].first_slot;
  return s != UINT32_MAX && r->slot[s].next_in_market == UINT32_MAX ? s : UINT32_MAX;
}

static void keep_fill(pmm_recorder_t *r, const pmm__fill_t *f) {
  if (r->fill_total++ % r->fill_stride != 0) return;
  if (r->fill_cnt == PMM__FILLS_MAX) {
    for (uint32_t i = 0; i < PMM__FILLS_MAX / 2; i++) r->fill[i] = r->fill[2 * i];
    r->fill_cnt = PMM__FILLS_MAX / 2;
    r->fill_stride *= 2;
  }
  r->fill[r->fill_cnt++] = *f;
}

static void decision_of_fill(pmm_recorder_t *r, const pmm__fill_t *f) {
  pmm__watch_slot_t const *const s = &r->slot[f->slot];
  pmm__decision_t const d = {.at_ns = f->at_ns, .slot = f->slot, .is_fill = true, .side = f->side, .bid = {f->price_e4, f->qty_e6},
                             .book_bid_e4 = r->market[s->market].bid_e4, .book_ask_e4 = r->market[s->market].ask_e4, .fair = f->mid,
                             .net_e6 = s->net_e6 + pmm_side_sign((pmm_side_t)f->side) * f->qty_e6};
  pmm__worst_decision(&r->worst, &d);
}

static void on_fill(pmm_recorder_t *r, const pmm_event_t *ev, uint32_t slot) {
  uint32_t const market = r->slot[slot].market;
  pmm__fill_t const f = {.at_ns = ev->md.recv_ns, .qty_e6 = ev->md.qty_e6, .fee_e6 = ev->amount_e6, .mid = r->market[market].value,
                         .price_e4 = ev->md.price_e4, .slot = slot, .side = ev->md.side & 1, .flags = ev->md.flags};
  scored(r, slot, 64);
  keep_fill(r, &f);
  pmm__markouts_fill(&r->markouts, r->market, &f, market);
  decision_of_fill(r, &f);
  pmm__hour_t *const h = &r->hour[(f.at_ns / HOUR_NS % 24 + 24) % 24];
  h->fills++;
  h->volume_e6 += pmm_notional_floor(f.price_e4, f.qty_e6);
  r->now.fills++;
  r->now.fill_qty_e6 += f.qty_e6;
  if (r->slot[slot].panel == PMM__PANEL_NONE) return;
  pmm__bucket_t *const b = &r->panel[r->slot[slot].panel].now;
  b->fills++;
  b->fill_qty_e6 += f.qty_e6;
}

static void on_account(void *ctx, const pmm_event_t *ev, uint32_t slot) {
  pmm_recorder_t *const r = ctx;
  int64_t const now = ev->md.recv_ns;
  flush_dirty(r);
  pmm__markouts_due(&r->markouts, r->market, now);
  tick(r, now);
  if (slot == UINT32_MAX) slot = only_slot(r, ev->md.market); /* a fill that came after the end of its order */
  if (slot == UINT32_MAX) {
    r->lost_fills += ev->md.kind == PMM_EV_FILL;
    return;
  }
  advance_total(r, now);
  if (r->slot[slot].panel != PMM__PANEL_NONE) advance_panel(r, &r->panel[r->slot[slot].panel], now);
  if (ev->md.kind == PMM_EV_FILL) on_fill(r, ev, slot);
  set_dirty(r, slot, now);
}

static void note_decision(pmm_recorder_t *r, uint32_t slot, int64_t now_ns, const pmm__decision_t *counts) {
  pmm_quotes_t const *const q = pmm_engine_quotes(r->engine, slot);
  pmm__watch_slot_t const *const s = &r->slot[slot];
  pmm__decision_t d = *counts;
  d.at_ns = now_ns;
  d.slot = slot;
  d.action = (uint8_t)q->action;
  d.side = (uint8_t)q->exit_side;
  d.bid_cnt = q->bid_cnt;
  d.ask_cnt = q->ask_cnt;
  if (q->bid_cnt) d.bid = q->bid[0];
  if (q->ask_cnt) d.ask = q->ask[0];
  d.book_bid_e4 = r->market[s->market].bid_e4;
  d.book_ask_e4 = r->market[s->market].ask_e4;
  d.fair = q->fair;
  d.net_e6 = s->net_e6;
  d.reason_cnt = q->reason_cnt;
  memcpy(d.reason, q->reason, (size_t)q->reason_cnt * sizeof *q->reason);
  d.why = q->why;
  pmm__worst_decision(&r->worst, &d);
}

static void count_action(pmm__bucket_t *b, const pmm_action_t *a) {
  b->orders += a->kind == PMM_ACT_PLACE;
  b->cancels += a->kind == PMM_ACT_CANCEL;
}

static void on_actions(void *ctx, int64_t now_ns, const pmm_action_t *action, uint32_t cnt) {
  pmm_recorder_t *const r = ctx;
  flush_dirty(r);
  tick(r, now_ns);
  advance_total(r, now_ns);
  pmm__decision_t counts = {0};
  for (uint32_t i = 0; i < cnt; i++) {
    pmm_action_t const *const a = &action[i];
    if (a->slot >= r->slot_cnt) continue;
    scored(r, a->slot, 1);
    count_action(&r->now, a);
    if (r->slot[a->slot].panel != PMM__PANEL_NONE) {
      advance_panel(r, &r->panel[r->slot[a->slot].panel], now_ns);
      count_action(&r->panel[r->slot[a->slot].panel].now, a);
    }
    counts.placed = (uint16_t)(counts.placed + (a->kind == PMM_ACT_PLACE));
    counts.cancelled = (uint16_t)(counts.cancelled + (a->kind == PMM_ACT_CANCEL));
    counts.amended = (uint16_t)(counts.amended + (a->kind == PMM_ACT_AMEND));
    set_dirty(r, a->slot, now_ns);
    if (i + 1 < cnt && action[i + 1].slot == a->slot) continue;
    note_decision(r, a->slot, now_ns, &counts);
    counts = (pmm__decision_t){0};
  }
}

/* The strategy's own limit, where one of its parameters is known to be one. */
static void find_limit(pmm__watch_slot_t *s, const pmm_slot_config_t *cfg) {
  static const char *const NAMES[] = {"max_inventory", "max_position", "q_max"};
  for (size_t i = 0; i < sizeof NAMES / sizeof NAMES[0] && !s->param_limit; i++) {
    pmm_param_t const *const p = pmm_param_find(cfg->ops->params, cfg->ops->param_cnt, NAMES[i]);
    if (!p || p->type != PMM_PARAM_QTY || !cfg->params) continue;
    memcpy(&s->param_limit_e6, (const char *)cfg->params + p->offset, sizeof s->param_limit_e6);
    s->param_limit = p->name;
  }
}

static bool take_tables(pmm_recorder_t *r, uint32_t markets, uint32_t slots) {
  uint32_t const pool = pmm_min64(slots, 4 * (int64_t)r->opts.panels_max) > 0 ? (uint32_t)pmm_min64(slots, 4 * (int64_t)r->opts.panels_max) : 1;
  size_t const bytes = PMM__BUCKETS * sizeof(pmm__bucket_t) + PMM__DEPTH_COLS * PMM__DEPTH_ROWS;
  r->slot = calloc(slots + 1, sizeof *r->slot);
  r->market = calloc(markets + 1, sizeof *r->market);
  r->dirty = calloc(slots + 1, sizeof *r->dirty);
  r->panel = calloc(pool, sizeof *r->panel);
  r->panel_memory = malloc(pool * bytes);
  if (!r->slot || !r->market || !r->dirty || !r->panel || !r->panel_memory) return false;
  r->panel_cap = pool;
  for (uint32_t i = 0; i < pool; i++) {
    pmm__panel_t *const p = &r->panel[i];
    unsigned char *const memory = r->panel_memory + i * bytes;
    p->track = (pmm__track_t){.item = memory, .size = sizeof(pmm__bucket_t), .cap = PMM__BUCKETS, .merge = pmm__bucket_merge};
    p->depth = (pmm__track_t){.item = memory + PMM__BUCKETS * sizeof(pmm__bucket_t), .cap = PMM__DEPTH_COLS, .merge = depth_merge};
    clear_panel(p);
  }
  return true;
}

static void on_start(void *ctx, pmm_engine_t *engine, const pmm_market_t *market, uint32_t market_cnt, const pmm_slot_config_t *slot, uint32_t slot_cnt) {
  pmm_recorder_t *const r = ctx;
  if (!take_tables(r, market_cnt, slot_cnt)) return; /* first_ns stays unset, and the report says that nothing was seen */
  r->engine = engine;
  r->market_cnt = market_cnt;
  r->slot_cnt = slot_cnt;
  r->risk_net_e6 = pmm_engine_risk(engine)->params.max_net_e6;
  for (uint32_t i = 0; i < market_cnt; i++) {
    r->market[i].first_slot = UINT32_MAX;
    r->market[i].value = 0.5;
    memcpy(r->market[i].id, market[i].id, sizeof r->market[i].id);
  }
  for (uint32_t i = slot_cnt; i-- > 0;) {
    pmm__watch_slot_t *const s = &r->slot[i];
    s->market = slot[i].market;
    s->panel = PMM__PANEL_NONE;
    s->next_in_market = r->market[s->market].first_slot;
    r->market[s->market].first_slot = i;
    memcpy(s->name, slot[i].name, sizeof s->name);
    find_limit(s, &slot[i]);
  }
  for (uint32_t i = 0; i < slot_cnt && slot_cnt <= r->panel_cap; i++) give_panel(r, i, i);
}

static void on_finish(void *ctx, const pmm_result_t *result) {
  pmm_recorder_t *const r = ctx;
  (void)result;
  if (!r->engine || r->first_ns == PMM_TIME_NONE) return;
  flush_dirty(r);
  for (uint32_t i = 0; i < r->slot_cnt; i++) /* the chart of a market ends with it */
    if (!r->market[r->slot[i].market].resolved) set_dirty(r, i, r->last_ns);
  flush_dirty(r);
  pmm__markouts_due(&r->markouts, r->market, r->last_ns);
  sample(r, r->last_ns);
  pmm__worst_mark(&r->worst, r->last_ns, r->start_equity_e6 + r->now.pnl_e6);
  mark_hour(r, r->last_ns, r->start_equity_e6 + r->now.pnl_e6);
  integrate_total(r, r->last_ns);
  pmm__track_push(&r->total, &r->now);
  for (uint32_t i = 0; i < r->panel_cap; i++) {
    pmm__panel_t *const p = &r->panel[i];
    if (p->slot == PMM__PANEL_NONE || !p->started) continue;
    pmm__track_push(&p->track, &p->now);
    take_column(r, p, r->slot[p->slot].market);
    pmm__track_push(&p->depth, p->column);
  }
  r->finished = true;
  r->engine = NULL;
}

/* Without these the callbacks below would have nowhere to write. */
static bool no_tables(const pmm_recorder_t *r) { return r->engine == NULL; }
static void record(void *ctx, const pmm_md_t *md) { if (!no_tables(ctx)) on_record(ctx, md); }
static void account(void *ctx, const pmm_event_t *ev, uint32_t slot) { if (!no_tables(ctx)) on_account(ctx, ev, slot); }
static void actions(void *ctx, int64_t now_ns, const pmm_action_t *a, uint32_t cnt) { if (!no_tables(ctx)) on_actions(ctx, now_ns, a, cnt); }

/* -- life -- */
pmm_status_t pmm_recorder_open(pmm_recorder_t **out, const pmm_recorder_opts_t *opts, pmm_error_t *err) {
  pmm_recorder_t *const r = calloc(1, sizeof *r);
  if (!r) return pmm_error_set(err, PMM_FULL, "report: no memory");
  if (opts) r->opts = *opts;
  if (r->opts.panels_max == 0) r->opts.panels_max = PANELS_DEFAULT;
  r->observer = (pmm_observer_t){.ctx = r, .start = on_start, .record = record, .account = account, .actions = actions, .finish = on_finish};
  r->first_ns = PMM_TIME_NONE;
  r->stale_ns = 30 * PMM_NS_PER_S;
  r->fill_stride = 1;
  r->lag_stride = 1;
  r->markouts.due_ns = PMM_NS_MAX;
  int64_t const tenth = r->opts.span_ns / 10;
  r->worst.window_ns = tenth > 0 && tenth < WINDOW_NS ? tenth : WINDOW_NS;
  r->worst.spacing_ns = r->worst.window_ns / (PMM__MARKS / 2);
  r->worst.next_ns = INT64_MIN;
  unsigned char *const memory = malloc(PMM__BUCKETS * sizeof(pmm__bucket_t));
  r->total = (pmm__track_t){.item = memory, .size = sizeof(pmm__bucket_t), .cap = PMM__BUCKETS, .merge = pmm__bucket_merge};
  r->fill = calloc(PMM__FILLS_MAX, sizeof *r->fill);
  r->markouts.open = calloc(PMM__MARKOUTS_OPEN, sizeof *r->markouts.open);
  r->worst.ring = calloc(PMM__DECISIONS, sizeof *r->worst.ring);
  r->worst.kept = calloc(PMM__DECISIONS, sizeof *r->worst.kept);
  if (!memory || !r->fill || !r->markouts.open || !r->worst.ring || !r->worst.kept) {
    pmm_recorder_close(r);
    return pmm_error_set(err, PMM_FULL, "report: no memory");
  }
  *out = r;
  return PMM_OK;
}

void pmm_recorder_close(pmm_recorder_t *r) {
  if (!r) return;
  free(r->slot);
  free(r->market);
  free(r->dirty);
  free(r->panel);
  free(r->panel_memory);
  free(r->total.item);
  free(r->fill);
  free(r->markouts.open);
  free(r->worst.ring);
  free(r->worst.kept);
  free(r);
}

const pmm_observer_t *pmm_recorder_observer(pmm_recorder_t *r) { return &r->observer; }
