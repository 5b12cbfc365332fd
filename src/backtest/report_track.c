/* report_track.c -- tracks of time buckets, markouts by horizon, and the worst minutes: the recorder's instruments. */
#include <assert.h>
#include <math.h>
#include <string.h>
#include "report_impl.h"

/* -- tracks -- */
static void halve(pmm__track_t *t) {
  for (uint32_t i = 0; i < t->cnt / 2; i++) {
    unsigned char *const into = t->item + (size_t)i * t->size, *const first = t->item + (size_t)i * 2 * t->size;
    memmove(into, first, t->size);
    t->merge(into, first + t->size, t->size);
  }
  t->cnt /= 2;
  t->width_ns *= 2;
}

void pmm__track_push(pmm__track_t *t, const void *item) {
  assert(t->cnt < t->cap);
  memcpy(t->item + (size_t)t->cnt++ * t->size, item, t->size);
  if (t->cnt == t->cap) halve(t);
}

static int32_t lower(int32_t a, int32_t b) { return a == 0 || (b != 0 && b < a) ? b : a; } /* 0 is no price */
static int32_t higher(int32_t a, int32_t b) { return a > b ? a : b; }

void pmm__bucket_merge(void *into, const void *later, size_t size) {
  (void)size;
  pmm__bucket_t *const a = into;
  const pmm__bucket_t *const b = later;
  pmm__bucket_t m = *b;
  m.mid_lo_e4 = lower(a->mid_lo_e4, b->mid_lo_e4);
  m.mid_hi_e4 = higher(a->mid_hi_e4, b->mid_hi_e4);
  m.our_bid_lo_e4 = lower(a->our_bid_lo_e4, b->our_bid_lo_e4);
  m.our_bid_hi_e4 = higher(a->our_bid_hi_e4, b->our_bid_hi_e4);
  m.our_ask_lo_e4 = lower(a->our_ask_lo_e4, b->our_ask_lo_e4);
  m.our_ask_hi_e4 = higher(a->our_ask_hi_e4, b->our_ask_hi_e4);
  m.net_lo_e6 = pmm_min64(a->net_lo_e6, b->net_lo_e6);
  m.net_hi_e6 = pmm_max64(a->net_hi_e6, b->net_hi_e6);
  m.orders += a->orders;
  m.cancels += a->cancels;
  m.fills += a->fills;
  m.fill_qty_e6 += a->fill_qty_e6;
  m.open_ns += a->open_ns;
  m.two_sided_ns += a->two_sided_ns;
  *a = m;
}

void pmm__bucket_next(pmm__bucket_t *b) {
  b->our_bid_lo_e4 = b->our_bid_hi_e4 = b->our_bid_e4;
  b->our_ask_lo_e4 = b->our_ask_hi_e4 = b->our_ask_e4;
  if (b->bid_e4 && b->ask_e4) b->mid_lo_e4 = b->mid_hi_e4 = (b->bid_e4 + b->ask_e4) / 2;
  else b->mid_lo_e4 = b->mid_hi_e4; /* prices without a book: about the last one */
  b->net_lo_e6 = b->net_hi_e6 = b->net_e6;
  b->orders = b->cancels = b->fills = 0;
  b->fill_qty_e6 = b->open_ns = b->two_sided_ns = 0;
}

/* -- markouts -- */
const int64_t pmm__horizon_ns[PMM__HORIZONS] = {
    100 * PMM_NS_PER_MS, 500 * PMM_NS_PER_MS, 1 * PMM_NS_PER_S, 5 * PMM_NS_PER_S, 10 * PMM_NS_PER_S,
    30 * PMM_NS_PER_S, 60 * PMM_NS_PER_S, 120 * PMM_NS_PER_S, 300 * PMM_NS_PER_S};
const char *const pmm__distance_name[PMM__DISTANCES] = {"beyond the mid", "0 to 0.5 c", "0.5 to 1 c", "1 to 2 c", "2 to 5 c", "over 5 c"};

/* Upper ends in 1e-4 dollars. A fill beyond the mid was a bad one from the start: the book had already passed our price. */
static uint8_t distance_of(double mid, int32_t price_e4, uint8_t side) {
  static const double END[PMM__DISTANCES - 1] = {-0.5, 50.5, 100.5, 200.5, 500.5};
  double const away = (side == PMM_BID ? 1 : -1) * (mid * PMM_ONE_E4 - price_e4);
  uint8_t k = 0;
  while (k < PMM__DISTANCES - 1 && away > END[k]) k++;
  return k;
}

static int64_t due_of(const pmm__markouts_t *m, int k) {
  return m->tail[k] == m->head ? PMM_NS_MAX : m->open[m->tail[k] & (PMM__MARKOUTS_OPEN - 1)].at_ns + pmm__horizon_ns[k];
}

static void set_due(pmm__markouts_t *m) {
  m->due_ns = PMM_NS_MAX;
  for (int k = 0; k < PMM__HORIZONS; k++) m->due_ns = pmm_min64(m->due_ns, due_of(m, k));
}

static void take(pmm__markouts_t *m, const pmm__watch_market_t *market, int k) {
  pmm__open_fill_t const *const f = &m->open[m->tail[k]++ & (PMM__MARKOUTS_OPEN - 1)];
  double const x = (f->side == PMM_BID ? 1 : -1) * (market[f->market].value - f->price), w = f->qty;
  pmm__moment_t *const s = &m->sum[f->side][f->distance][k];
  s->w += w;
  s->wx += w * x;
  s->w2 += w * w;
  s->w2x += w * w * x;
  s->w2xx += w * w * x * x;
  s->n++;
}

void pmm__markouts_fill(pmm__markouts_t *m, const pmm__watch_market_t *market, const pmm__fill_t *fill, uint32_t market_idx) {
  for (int k = 0; k < PMM__HORIZONS; k++) /* a full ring marks its oldest early rather than lose it */
    if (m->head - m->tail[k] >= PMM__MARKOUTS_OPEN) take(m, market, k);
  m->open[m->head++ & (PMM__MARKOUTS_OPEN - 1)] = (pmm__open_fill_t){
      .at_ns = fill->at_ns, .price = (double)fill->price_e4 / PMM_ONE_E4, .qty = (double)fill->qty_e6 / 1e6, .market = market_idx,
      .side = fill->side, .distance = distance_of(fill->mid, fill->price_e4, fill->side)};
  set_due(m);
}

void pmm__markouts_due(pmm__markouts_t *m, const pmm__watch_market_t *market, int64_t now_ns) {
  if (__builtin_expect(m->due_ns >= now_ns, 1)) return;
  for (int k = 0; k < PMM__HORIZONS; k++)
    while (due_of(m, k) < now_ns) take(m, market, k);
  set_due(m);
}

void pmm__moment_add(pmm__moment_t *a, const pmm__moment_t *b) {
  a->w += b->w;
  a->wx += b->wx;
  a->w2 += b->w2;
  a->w2x += b->w2x;
  a->w2xx += b->w2xx;
  a->n += b->n;
}

/* The standard error of a weighted mean, sqrt(sum w^2 (x - mean)^2) / sum w, times n/(n-1) for the mean's own degree of freedom.
   Fills that come together move together, so the true error is larger; docs/report.md says so. */
bool pmm__moment_mean(const pmm__moment_t *m, double *mean, double *se) {
  if (m->n == 0 || m->w <= 0) return false;
  *mean = m->wx / m->w;
  *se = NAN;
  if (m->n < 2) return true;
  double const ss = m->w2xx - 2 * *mean * m->w2x + *mean * *mean * m->w2;
  *se = sqrt(fmax(0, ss) * (double)m->n / (double)(m->n - 1)) / m->w;
  return true;
}

/* -- the worst minutes -- */
void pmm__worst_decision(pmm__worst_t *w, const pmm__decision_t *d) {
  w->decisions++;
  w->ring[w->ring_head++ % PMM__DECISIONS] = *d;
}

static pmm__mark_t *mark_at(pmm__worst_t *w, uint32_t i) { return &w->mark[(w->mark_head + i) % PMM__MARKS]; }

static void keep_window(pmm__worst_t *w, int64_t from_ns, int64_t to_ns) {
  uint64_t const first = w->ring_head > PMM__DECISIONS ? w->ring_head - PMM__DECISIONS : 0;
  w->kept_cnt = 0;
  for (uint64_t i = first; i < w->ring_head; i++) {
    pmm__decision_t const *const d = &w->ring[i % PMM__DECISIONS];
    if (d->at_ns >= from_ns && d->at_ns <= to_ns) w->kept[w->kept_cnt++] = *d;
  }
}

/* The largest fall that ends now is from the highest mark of the window; marks that a later, higher one overtook can never be it. */
void pmm__worst_mark(pmm__worst_t *w, int64_t now_ns, int64_t equity_e6) {
  w->next_ns = now_ns + w->spacing_ns;
  while (w->mark_cnt && mark_at(w, 0)->at_ns < now_ns - w->window_ns) { w->mark_head = (w->mark_head + 1) % PMM__MARKS; w->mark_cnt--; }
  if (w->mark_cnt) {
    pmm__mark_t const top = *mark_at(w, 0);
    if (top.equity_e6 - equity_e6 > w->fall_e6) {
      w->fall_e6 = top.equity_e6 - equity_e6;
      w->from_ns = top.at_ns;
      w->to_ns = now_ns;
      w->in_window = w->decisions - top.decisions;
      keep_window(w, top.at_ns, now_ns);
    }
  }
  while (w->mark_cnt && mark_at(w, w->mark_cnt - 1)->equity_e6 <= equity_e6) w->mark_cnt--;
  if (w->mark_cnt == PMM__MARKS) { w->mark_head = (w->mark_head + 1) % PMM__MARKS; w->mark_cnt--; }
  *mark_at(w, w->mark_cnt++) = (pmm__mark_t){.at_ns = now_ns, .equity_e6 = equity_e6, .decisions = w->decisions};
}
