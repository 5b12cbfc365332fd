/* calibrate.c -- one reading of a recording for everything but the queue: warm-up, volatilities, fill intensity, toxic flow and
   latencies. What is measured and what is assumed: docs/calibrate.md. */
#include <stdlib.h>
#include <string.h>
#include "calibrate_impl.h"

#define HOLE_NS (600 * PMM_NS_PER_S) /* a longer silence is no calm: no return across it */
#define RETURNS_MIN 20
#define HOUR_S 3600.0
#define LATENCY_BINS 1024 /* 16 an octave from 1 us on */
#define LATENCY_LEAST_NS 1000.0
#define LATENCY_MIN 100
#define NEGATIVE_MAX 0.01
#define SUGGEST_MIN 100 /* samples, and prints, that a suggestion rests on */
#define EDGE 1e-9       /* of a price */

/* -- returns by the value in force at equal steps -- */
typedef struct sampler {
  int64_t next_ns, step_ns;
  double last;
  bool has;
  double sum, squares;
  uint64_t cnt;
} sampler_t;

static void sample(sampler_t *s, int64_t until_ns, double now_value) {
  if (s->next_ns == PMM_TIME_NONE) s->next_ns = until_ns;
  if (until_ns < s->next_ns) return;
  int64_t const steps = (until_ns - s->next_ns) / s->step_ns + 1;
  s->next_ns += steps * s->step_ns;
  bool const is_known = !isnan(now_value);
  if (is_known && s->has && (steps - 1) * s->step_ns <= HOLE_NS) {
    double const r = now_value - s->last;
    s->sum += r;
    s->squares += r * r;
    s->cnt += (uint64_t)steps;
  }
  s->last = now_value;
  s->has = is_known;
}

/* Deviation of n returns (about their mean: drift is no risk) scaled to a span. Its standard error is that of normal returns. */
static pmm_cal_volatility_t volatility_of(double sum, double squares, uint64_t n, double per_span) {
  if (n < RETURNS_MIN) return (pmm_cal_volatility_t){NAN, NAN, n};
  double const mean = sum / (double)n, var = fmax(0, squares / (double)n - mean * mean) * (double)n / (double)(n - 1);
  double const value = sqrt(var * per_span);
  return (pmm_cal_volatility_t){value, value / sqrt(2.0 * (double)(n - 1)), n};
}

/* -- distances from the mid -- */
typedef struct pool {                     /* of one source of fills */
  double time[2][PMM_INTENSITY_BINS + 1]; /* [side of the maker][how many bins an order could stand in]: seconds */
  uint64_t furthest[2][PMM_INTENSITY_BINS];
} pool_t;

typedef struct latency {
  uint64_t bin[LATENCY_BINS], cnt, negative;
  int64_t least_ns, most_ns;
} latency_t;

typedef struct watch { /* of one market */
  bool has_prints;
  int64_t at_ns, close_ns;
  bool live; /* it trades and shows both sides */
  double settled;
  int64_t changed_ns; /* the mid before it last moved, and when that was */
  bool has_settled;
  sampler_t log_odds[PMM_CAL_HORIZONS];
  int64_t order_ns, order_exch_ns;
  uint8_t order_side;
  double order_reach;
  bool has_order;
  int64_t window_ns;
  double window_mid;
  int32_t low_ask_e4, high_bid_e4;
  bool has_window;
  pmm_warmup_t *warmup;
  void *memory;
  double trade_rate;
  int64_t rate_ns;
} watch_t;

typedef struct feed {
  sampler_t whole;
  pmm_vol_t stdev, ewma;
  double value;
  bool has;
} feed_t;

typedef struct work {
  pmm__replay_t replay;
  const pmm_config_t *config;
  pmm_calibration_t *out;
  pmm_warmup_params_t warmup;
  double nu, c_sigma, w1, w2;
  int64_t lag_ns, lag_inferred_ns;
  double width; /* of a bin, dollars: the coarsest tick around one half */
  watch_t *watch;
  double *mid;
  bool *has_mid; /* by market */
  feed_t *feed;
  pool_t prints, crossings;
  uint64_t inside;
  pmm__prints_t *flow;
  latency_t *latency;
  float *toxicity;
  size_t toxicity_cnt, toxicity_cap;
  double jump, one_way, abs_return;
  double pq_time, pq_sum, market_s;
  pmm_status_t status;
} work_t;

static double bin_distance(const work_t *w, int j) { return (j + 0.5) * w->width; }

/* How many bins an order of a side could stand in: its price must lie inside (0, 1). */
static int bins_within(const work_t *w, double room) {
  int const n = (int)floor(room / w->width + 0.5 - EDGE);
  return n < 0 ? 0 : n > PMM_INTENSITY_BINS ? PMM_INTENSITY_BINS : n;
}

static void expose(const work_t *w, pool_t *pool, double mid, double seconds) {
  pool->time[PMM_BID][bins_within(w, mid)] += seconds;
  pool->time[PMM_ASK][bins_within(w, 1 - mid)] += seconds;
}

/* The bin an event ended in, -1 nearer than all of them. */
static int bin_of(const work_t *w, double reach) {
  int const j = (int)floor(reach / w->width - 0.5 + 1e-6);
  return j < 0 ? -1 : j >= PMM_INTENSITY_BINS ? PMM_INTENSITY_BINS - 1 : j;
}

/* -- market orders: prints of one side at one instant are one -- */
static void end_order(work_t *w, watch_t *m) {
  if (!m->has_order) return;
  m->has_order = false;
  int const j = bin_of(w, m->order_reach);
  if (j < 0) w->inside++;
  else w->prints.furthest[m->order_side == PMM_ASK ? PMM_BID : PMM_ASK][j]++;
}

/* The mid that was known before the print: where it moved within the lag, the print may have moved it. */
static double mid_before(const work_t *w, const watch_t *m, uint32_t i, const pmm_md_t *md) {
  int64_t const lag_ns = md->flags & PMM_F_INFERRED ? w->lag_inferred_ns : w->lag_ns;
  return m->has_settled && md->recv_ns - m->changed_ns < lag_ns ? m->settled : w->mid[i];
}

static void on_print(work_t *w, watch_t *m, const pmm_md_t *md) {
  w->out->trades++;
  w->out->inferred += (md->flags & PMM_F_INFERRED) != 0;
  if (!m->live || md->qty_e6 <= 0 || md->side > PMM_ASK) return;
  double const mid = mid_before(w, m, md->market, md), price = md->price_e4 / 1e4;
  double const reach = md->side == PMM_ASK ? mid - price : price - mid;
  bool const is_same = m->has_order && md->side == m->order_side &&
                       (md->recv_ns == m->order_ns || (md->exch_ns != PMM_TIME_NONE && md->exch_ns == m->order_exch_ns));
  if (!is_same) {
    end_order(w, m);
    m->has_order = true;
    m->order_side = md->side;
    m->order_ns = md->recv_ns;
    m->order_exch_ns = md->exch_ns;
    m->order_reach = reach;
  } else {
    m->order_reach = fmax(m->order_reach, reach);
  }
  if (pmm__prints_add(w->flow, md, mid) != PMM_OK) w->status = PMM_FULL;
}

/* -- crossings: how far the other side came within a second -- */
static void end_window(work_t *w, watch_t *m, int64_t now_ns) {
  m->has_window = false;
  expose(w, &w->crossings, m->window_mid, (double)(now_ns - m->window_ns) / 1e9); /* after its second nothing moved until now */
  int const bid = bin_of(w, m->window_mid - m->low_ask_e4 / 1e4), ask = bin_of(w, m->high_bid_e4 / 1e4 - m->window_mid);
  if (bid >= 0) w->crossings.furthest[PMM_BID][bid]++;
  if (ask >= 0) w->crossings.furthest[PMM_ASK][ask]++;
}

static void show_window(work_t *w, watch_t *m, uint32_t i, int64_t now_ns) {
  const pmm_ladder_t *const l = pmm_engine_ladder(w->replay.setup.engine, i);
  int32_t const bid = pmm_ladder_best_e4(l, PMM_BID), ask = pmm_ladder_best_e4(l, PMM_ASK);
  if (!m->live) {
    m->has_window = false; /* the book went: what would have come is not known */
    return;
  }
  if (!m->has_window) {
    m->has_window = true;
    m->window_ns = now_ns;
    m->window_mid = w->mid[i];
    m->low_ask_e4 = ask;
    m->high_bid_e4 = bid;
    return;
  }
  if (ask < m->low_ask_e4) m->low_ask_e4 = ask;
  if (bid > m->high_bid_e4) m->high_bid_e4 = bid;
}

/* -- time passes with the market as it stands -- */
static void pass_time(work_t *w, uint32_t i, int64_t now_ns) {
  watch_t *const m = &w->watch[i];
  if (m->close_ns != PMM_TIME_NONE && now_ns > m->close_ns) now_ns = m->close_ns;
  if (m->at_ns == PMM_TIME_NONE || now_ns < m->at_ns) {
    m->at_ns = m->at_ns == PMM_TIME_NONE ? now_ns : m->at_ns;
    return;
  }
  double const dt = (double)(now_ns - m->at_ns) / 1e9, mid = w->mid[i];
  if (m->live) {
    if (m->has_prints) expose(w, &w->prints, mid, dt);
    w->pq_time += dt;
    w->pq_sum += dt * mid * (1 - mid);
    w->market_s += m->has_prints ? dt : 0;
  }
  double const x = m->live ? pmm_logit(mid) : NAN;
  for (int h = 0; h < PMM_CAL_HORIZONS; h++) sample(&m->log_odds[h], now_ns - 1, x);
  if (!m->has_prints && m->has_window && now_ns - m->window_ns >= PMM_NS_PER_S) end_window(w, m, now_ns);
  m->at_ns = now_ns;
}

/* -- the book after a message -- */
static void refresh_mid(work_t *w, uint32_t i, int64_t now_ns) {
  watch_t *const m = &w->watch[i];
  double mid;
  m->live = pmm__replay_two_sided(&w->replay, i) && pmm_ladder_mid(pmm_engine_ladder(w->replay.setup.engine, i), &mid) == PMM_OK;
  if (!m->live) {
    w->has_mid[i] = m->has_settled = false;
    return;
  }
  int64_t const lag_ns = pmm_max64(w->lag_ns, m->has_prints && w->replay.setup.market[i].data & PMM_DATA_INFERRED ? w->lag_inferred_ns : 0);
  if (w->has_mid[i] && mid != w->mid[i]) {
    if (!m->has_settled || now_ns - m->changed_ns >= lag_ns) m->settled = w->mid[i];
    m->has_settled = true;
    m->changed_ns = now_ns;
  }
  w->mid[i] = mid;
  w->has_mid[i] = true;
}

static void warm(work_t *w, uint32_t i, const pmm_md_t *md) {
  watch_t *const m = &w->watch[i];
  if (md->kind == PMM_MD_GAP) {
    pmm_warmup_gap(m->warmup);
    return;
  }
  if (!pmm_life_trades((pmm_life_t)pmm_engine_market(w->replay.setup.engine, i)->life) || w->replay.gap[i]) return;
  if (md->recv_ns - m->rate_ns >= PMM_NS_PER_S || md->kind == PMM_MD_TRADE) {
    pmm_view_t view;
    pmm__replay_view(&w->replay, i, &view);
    m->trade_rate = pmm_flow_trade_rate(view.flow);
    m->rate_ns = md->recv_ns;
  }
  double const left_s = m->close_ns == PMM_TIME_NONE ? NAN : (double)(m->close_ns - md->recv_ns) / 1e9;
  pmm_warmup_event(m->warmup, md->recv_ns, left_s, m->live ? w->mid[i] : NAN, m->trade_rate, md->kind == PMM_MD_TRADE);
}

/* -- records -- */
static void note_latency(latency_t *l, const pmm_md_t *md) {
  if (md->exch_ns == PMM_TIME_NONE || md->kind == PMM_MD_GAP || md->kind == PMM_MD_STATUS)
    return; /* those two are not a message of that time */
  int64_t const ns = md->recv_ns - md->exch_ns;
  if (l->cnt == 0 || ns < l->least_ns) l->least_ns = ns;
  if (l->cnt == 0 || ns > l->most_ns) l->most_ns = ns;
  l->cnt++;
  if (ns < 0) {
    l->negative++;
    return;
  }
  double const octaves = pmm_log(fmax((double)ns, LATENCY_LEAST_NS) / LATENCY_LEAST_NS) * 1.4426950408889634;
  int const bin = (int)(octaves * 16);
  l->bin[bin < LATENCY_BINS ? bin : LATENCY_BINS - 1]++;
}

static void before(void *ctx, const pmm_md_t *md) {
  work_t *const w = ctx;
  w->out->records++;
  if (w->out->first_ns == PMM_TIME_NONE) w->out->first_ns = md->recv_ns;
  w->out->last_ns = md->recv_ns;
  pmm__prints_mature(w->flow, md->recv_ns, w->mid, w->has_mid);
  if (pmm__is_of_market(md) && md->market < w->replay.setup.market_cnt) pass_time(w, md->market, md->recv_ns);
}

static void on_feed(work_t *w, const pmm_md_t *md) {
  if (md->market >= w->replay.underlying_cnt || md->qty_e6 <= 0) return;
  feed_t *const f = &w->feed[md->market];
  double const price = (double)md->qty_e6 / 1e8;
  note_latency(&w->latency[1 + md->market], md);
  sample(&f->whole, md->recv_ns - 1, f->has ? f->value : NAN);
  f->value = pmm_log(price);
  f->has = true;
  pmm_vol_add(&f->stdev, md->recv_ns, price);
  pmm_vol_add(&f->ewma, md->recv_ns, price);
}

static void after(void *ctx, const pmm_md_t *md) {
  work_t *const w = ctx;
  if (md->kind == PMM_MD_UNDERLYING) on_feed(w, md);
  if (!pmm__is_of_market(md) || md->market >= w->replay.setup.market_cnt || w->replay.slot_of[md->market] == UINT32_MAX) return;
  watch_t *const m = &w->watch[md->market];
  bool const is_whole = (md->flags & PMM_F_LAST) || md->kind >= PMM_MD_MARK;
  if (md->kind == PMM_MD_TRADE) on_print(w, m, md);
  if (!is_whole) {
    if (md->kind == PMM_MD_TRADE) warm(w, md->market, md); /* a strategy hears of every print */
    return;
  }
  note_latency(&w->latency[0], md);
  refresh_mid(w, md->market, md->recv_ns);
  if (!m->has_prints) show_window(w, m, md->market, md->recv_ns);
  warm(w, md->market, md);
}

static void on_step(void *ctx, const pmm_warmup_step_t *step) {
  work_t *const w = ctx;
  if (w->toxicity_cnt == w->toxicity_cap) {
    size_t const cap = w->toxicity_cap ? w->toxicity_cap * 2 : 4096;
    float *const more = realloc(w->toxicity, cap * sizeof *more);
    if (!more) {
      w->status = PMM_FULL;
      return;
    }
    w->toxicity = more;
    w->toxicity_cap = cap;
  }
  w->toxicity[w->toxicity_cnt++] = (float)step->toxicity;
  w->jump += step->jump;
  w->one_way += step->one_way;
  w->abs_return += fabs(step->ret);
}

/* -- report -- */
static int by_value(const void *a, const void *b) {
  float const x = *(const float *)a, y = *(const float *)b;
  return x < y ? -1 : x > y;
}

double pmm__quantile(float *v, size_t n, double share) {
  if (n == 0) return NAN;
  qsort(v, n, sizeof *v, by_value);
  return (double)v[(size_t)(share * (double)(n - 1) + 0.5)];
}

static void report_intensity(const work_t *w, const pool_t *pool, pmm_intensity_t fit[PMM_CAL_SIDES]) {
  memset(fit, 0, sizeof *fit * PMM_CAL_SIDES);
  for (int which = 0; which < PMM_CAL_SIDES; which++) fit[which].bin_cnt = PMM_INTENSITY_BINS;
  for (int side = 0; side < 2; side++) {
    double time = 0;
    uint64_t reached = 0;
    for (int j = PMM_INTENSITY_BINS; j-- > 0;) {
      time += pool->time[side][j + 1];
      reached += pool->furthest[side][j];
      pmm_intensity_bin_t const bin = {.distance = bin_distance(w, j), .exposure_s = time, .reached = reached};
      fit[side == PMM_BID ? PMM_CAL_BID : PMM_CAL_ASK].bin[j] = bin;
      fit[PMM_CAL_BOTH].bin[j].distance = bin.distance;
      fit[PMM_CAL_BOTH].bin[j].exposure_s += time;
      fit[PMM_CAL_BOTH].bin[j].reached += reached;
    }
  }
  for (int which = 0; which < PMM_CAL_SIDES; which++) pmm_intensity_fit(&fit[which]);
}

static double median_of(float *scratch, const pmm_calibration_t *c, bool done, size_t offset) {
  size_t n = 0;
  for (uint32_t i = 0; i < c->warmup_cnt; i++) {
    const pmm_warmup_found_t *const f = &c->warmup[i].found;
    if (done ? f->done : f->chosen) scratch[n++] = (float)*(const double *)(const void *)((const char *)f + offset);
  }
  return pmm__quantile(scratch, n, 0.5);
}

/* To the millisecond: a median of floats should not print as 2.4000000953674316. */
static double rounded(double x) { return floor(x * 1e3 + 0.5) / 1e3; }

static pmm_status_t report_warmup(work_t *w) {
  pmm_calibration_t *const c = w->out;
  float *const scratch = calloc(w->replay.setup.market_cnt + 1, sizeof *scratch);
  c->warmup = calloc(w->replay.setup.market_cnt + 1, sizeof *c->warmup);
  if (!scratch || !c->warmup) {
    free(scratch);
    return PMM_FULL;
  }
  for (uint32_t i = 0; i < w->replay.setup.market_cnt; i++) {
    if (!w->watch[i].warmup || w->watch[i].at_ns == PMM_TIME_NONE) continue;
    pmm_cal_warmup_t *const out = &c->warmup[c->warmup_cnt++];
    memcpy(out->market, w->replay.setup.market[i].id, sizeof out->market);
    pmm_warmup_get(w->watch[i].warmup, &out->found);
    c->chosen_cnt += out->found.chosen;
    c->done_cnt += out->found.done;
  }
  c->clock = w->warmup.clock;
  if (c->chosen_cnt) {
    c->clock.dt_sample_s = rounded(median_of(scratch, c, false, offsetof(pmm_warmup_found_t, clock.dt_sample_s)));
    c->clock.tau_fast_s = rounded(median_of(scratch, c, false, offsetof(pmm_warmup_found_t, clock.tau_fast_s)));
    c->clock.tau_slow_s = rounded(median_of(scratch, c, false, offsetof(pmm_warmup_found_t, clock.tau_slow_s)));
    c->clock.h1_s = rounded(median_of(scratch, c, false, offsetof(pmm_warmup_found_t, clock.h1_s)));
    c->clock.h2_s = rounded(median_of(scratch, c, false, offsetof(pmm_warmup_found_t, clock.h2_s)));
  }
  c->sigma_base = median_of(scratch, c, true, offsetof(pmm_warmup_found_t, sigma_base));
  free(scratch);
  return PMM_OK;
}

static void report_log_odds(work_t *w) {
  for (int h = 0; h < PMM_CAL_HORIZONS; h++) {
    double squares = 0;
    uint64_t n = 0;
    for (uint32_t i = 0; i < w->replay.setup.market_cnt; i++) {
      squares += w->watch[i].log_odds[h].squares;
      n += w->watch[i].log_odds[h].cnt;
    }
    w->out->log_odds[h] = volatility_of(0, squares, n, HOUR_S / pmm_cal_horizon_s[h]); /* about zero: a price is a martingale */
  }
}

static pmm_status_t report_feeds(work_t *w) {
  w->out->under = calloc(w->replay.underlying_cnt + 1, sizeof *w->out->under);
  if (!w->out->under) return PMM_FULL;
  w->out->under_cnt = w->replay.underlying_cnt;
  for (uint32_t i = 0; i < w->replay.underlying_cnt; i++) {
    pmm_cal_underlying_t *const u = &w->out->under[i];
    feed_t *const f = &w->feed[i];
    memcpy(u->id, w->replay.underlying[i].id, sizeof u->id);
    memcpy(u->source, w->replay.underlying[i].source, sizeof u->source);
    u->kind = w->replay.underlying[i].kind;
    u->whole = volatility_of(f->whole.sum, f->whole.squares, f->whole.cnt, PMM_YEAR_S / ((double)f->whole.step_ns / 1e9));
    u->stdev = u->ewma = NAN;
    double annual;
    if (pmm_vol_get(&f->stdev, &annual) == PMM_OK) u->stdev = annual;
    if (pmm_vol_get(&f->ewma, &annual) == PMM_OK) u->ewma = annual;
  }
  return PMM_OK;
}

static double latency_quantile(const latency_t *l, double share) {
  uint64_t const of = l->cnt - l->negative;
  if (of == 0) return NAN;
  uint64_t const want = (uint64_t)(share * (double)(of - 1));
  uint64_t sum = 0;
  for (int i = 0; i < LATENCY_BINS; i++) {
    sum += l->bin[i];
    if (sum <= want) continue;
    double const ns = LATENCY_LEAST_NS * pmm_exp((i + 0.5) / 16 * 0.69314718055994531);
    return pmm_clip(ns, fmax(0, (double)l->least_ns), (double)l->most_ns) / 1e6;
  }
  return (double)l->most_ns / 1e6;
}

static pmm_status_t report_latency(work_t *w) {
  pmm_calibration_t *const c = w->out;
  c->latency = calloc(w->replay.underlying_cnt + 1, sizeof *c->latency);
  if (!c->latency) return PMM_FULL;
  c->latency_cnt = w->replay.underlying_cnt + 1;
  for (uint32_t i = 0; i < c->latency_cnt; i++) {
    const latency_t *const l = &w->latency[i];
    pmm_cal_latency_t *const out = &c->latency[i];
    if (i) snprintf(out->name, sizeof out->name, "%s %s", w->replay.underlying[i - 1].source, w->replay.underlying[i - 1].id);
    else snprintf(out->name, sizeof out->name, "markets");
    out->messages = l->cnt;
    out->negative = l->negative;
    out->min_ms = l->cnt ? (double)l->least_ns / 1e6 : NAN;
    out->max_ms = l->cnt ? (double)l->most_ns / 1e6 : NAN;
    out->p50_ms = latency_quantile(l, 0.5);
    out->p90_ms = latency_quantile(l, 0.9);
    out->p99_ms = latency_quantile(l, 0.99);
    out->usable = l->cnt >= LATENCY_MIN && (double)l->negative <= NEGATIVE_MAX * (double)l->cnt;
  }
  return PMM_OK;
}

/* c_tox: the weight at which the markout of the average print counts as much as a movement that one sample in ten exceeds.
   sigma_max: the sigma of a sample in a hundred with that markout. */
static void report_toxicity(work_t *w) {
  pmm_calibration_t *const c = w->out;
  pmm__prints_report(w->flow, c);
  double const n = (double)w->toxicity_cnt;
  c->steps = w->toxicity_cnt;
  c->mean_jump = n > 0 ? w->jump / n : NAN;
  c->mean_one_way = n > 0 ? w->one_way / n : NAN;
  c->mean_abs_return = n > 0 ? w->abs_return / n : NAN;
  c->toxicity_p50 = pmm__quantile(w->toxicity, w->toxicity_cnt, 0.5);
  c->toxicity_p90 = pmm__quantile(w->toxicity, w->toxicity_cnt, 0.9);
  c->toxicity_p99 = pmm__quantile(w->toxicity, w->toxicity_cnt, 0.99);
  c->z = (w->w1 * c->adverse_10s + w->w2 * c->adverse_60s) / c->mean_abs_return;
  c->c_tox = c->sigma_max = NAN;
  if (c->steps < SUGGEST_MIN || c->markout_all.prints < SUGGEST_MIN) return;
  if (!(c->z > 0) || !isfinite(c->z) || !(c->toxicity_p90 > 0)) return;
  c->c_tox = rounded(pmm_clip(c->toxicity_p90 / c->z, 0.01, 10));
  double const s = c->toxicity_p99 + c->c_tox * c->z;
  c->sigma_max = rounded(pmm_clip(1 + w->c_sigma * pmm_pow(s, w->nu), 1.5, 20));
}

static pmm_status_t report_all(work_t *w) {
  for (uint32_t i = 0; i < w->replay.setup.market_cnt; i++) {
    pass_time(w, i, w->out->last_ns);
    end_order(w, &w->watch[i]);
  }
  report_intensity(w, &w->prints, w->out->prints);
  report_intensity(w, &w->crossings, w->out->crossings);
  w->out->inside = w->inside;
  w->out->mean_pq = w->pq_time > 0 ? w->pq_sum / w->pq_time : NAN;
  w->out->trade_rate = w->market_s > 0 ? (double)w->out->trades / w->market_s : NAN;
  report_log_odds(w);
  report_toxicity(w);
  pmm_status_t st = report_warmup(w);
  if (st == PMM_OK) st = report_feeds(w);
  if (st == PMM_OK) st = report_latency(w);
  return st == PMM_OK ? w->status : st;
}

/* -- construction -- */
static double number_of(const pmm_strategy_ops_t *ops, const void *params, const char *name) {
  const pmm_param_t *const p = pmm_param_find(ops->params, ops->param_cnt, name);
  return *(const double *)(const void *)((const char *)params + p->offset);
}

static pmm_status_t read_logit(work_t *w, const void *params, pmm_error_t *err) {
  const pmm_strategy_ops_t *ops;
  _Alignas(64) unsigned char defaults[PMM_CONFIG_PARAMS_MAX] = {0};
  pmm_status_t const st = pmm_strategy_find("logit", &ops, err);
  if (st != PMM_OK) return st;
  if (!params) {
    pmm_params_default(ops->params, ops->param_cnt, defaults);
    params = defaults;
  }
  pmm_warmup_params_of(&w->warmup, params);
  w->nu = number_of(ops, params, "nu");
  w->c_sigma = number_of(ops, params, "c_sigma");
  w->w1 = number_of(ops, params, "w1");
  w->w2 = number_of(ops, params, "w2");
  return PMM_OK;
}

static pmm_status_t open_market(work_t *w, uint32_t i) {
  watch_t *const m = &w->watch[i];
  const pmm_market_t *const d = &w->replay.setup.market[i];
  *m = (watch_t){.has_prints = (d->data & (PMM_DATA_TRADES | PMM_DATA_INFERRED)) != 0,
                 .at_ns = PMM_TIME_NONE,
                 .close_ns = d->close_ns,
                 .rate_ns = INT64_MIN / 2};
  for (int h = 0; h < PMM_CAL_HORIZONS; h++)
    m->log_odds[h] = (sampler_t){.next_ns = PMM_TIME_NONE, .step_ns = (int64_t)(pmm_cal_horizon_s[h] * 1e9)};
  int32_t const above_e4 = pmm_grid_up(&d->grid, PMM_ONE_E4 / 2); /* tapered grids are finer at the edges only */
  w->width = fmax(w->width, above_e4 == PMM_TICKS_NONE ? 0.5 : (above_e4 - PMM_ONE_E4 / 2) / 1e4);
  m->memory = aligned_alloc(64, pmm_warmup_bytes());
  return m->memory ? pmm_warmup_init(&m->warmup, m->memory, &w->warmup, on_step, w) : PMM_FULL;
}

static pmm_status_t open_work(work_t *w, const pmm_calibrate_opts_t *opts, pmm_error_t *err) {
  pmm_status_t st = read_logit(w, opts->logit_params, err);
  if (st != PMM_OK) return st;
  uint32_t const markets = w->replay.setup.market_cnt, feeds = w->replay.underlying_cnt;
  w->lag_ns = w->config->exchange.print_lag_ns;
  w->lag_inferred_ns = pmm_max64(w->lag_ns, PMM_NS_PER_S);
  w->watch = calloc(markets, sizeof *w->watch);
  w->mid = calloc(markets, sizeof *w->mid);
  w->has_mid = calloc(markets, sizeof *w->has_mid);
  w->feed = calloc(feeds + 1, sizeof *w->feed);
  w->latency = calloc(feeds + 1, sizeof *w->latency);
  bool const has_all = w->watch && w->mid && w->has_mid && w->feed && w->latency;
  st = has_all ? pmm__prints_open(&w->flow) : PMM_FULL;
  for (uint32_t i = 0; st == PMM_OK && i < markets; i++) st = open_market(w, i);
  for (uint32_t i = 0; st == PMM_OK && i < feeds; i++) {
    const pmm_engine_params_t *const e = &w->config->engine;
    feed_t *const f = &w->feed[i];
    f->whole = (sampler_t){.next_ns = PMM_TIME_NONE, .step_ns = e->vol_dt_ns};
    st = pmm_vol_init(&f->stdev, PMM_VOL_STDEV, (double)e->vol_dt_ns / 1e9, (int32_t)e->vol_window, e->vol_half_life_s);
    if (st == PMM_OK) st = pmm_vol_init(&f->ewma, PMM_VOL_EWMA, (double)e->vol_dt_ns / 1e9, (int32_t)e->vol_window, e->vol_half_life_s);
  }
  return st == PMM_OK ? st : pmm_error_set(err, st, "calibrate: %s", pmm_status_to_string(st));
}

static void close_work(work_t *w) {
  for (uint32_t i = 0; w->watch && i < w->replay.setup.market_cnt; i++) free(w->watch[i].memory);
  free(w->watch);
  free(w->mid);
  free(w->has_mid);
  free(w->feed);
  free(w->latency);
  free(w->toxicity);
  pmm__prints_close(w->flow);
  pmm__replay_close(&w->replay);
}

static pmm_status_t measure(work_t *w, const pmm_backtest_opts_t *data, const pmm_calibrate_opts_t *opts, pmm_error_t *err) {
  pmm__replay_hooks_t const hooks = {w, before, after};
  pmm_status_t st = pmm__replay_open(&w->replay, w->config, data, err);
  if (st == PMM_OK) st = open_work(w, opts, err);
  if (st == PMM_OK) st = pmm__replay_run(&w->replay, data, &hooks, 0, opts->no_queue ? 1 : 2, err);
  if (st != PMM_OK) return st;
  w->out->market_cnt = w->replay.setup.slot_cnt;
  w->out->truncated = pmm__stream_truncated(w->replay.stream);
  st = report_all(w);
  return st == PMM_OK ? st : pmm_error_set(err, st, "calibrate: %s", pmm_status_to_string(st));
}

pmm_status_t pmm_calibrate_run(const pmm_config_t *config, const pmm_backtest_opts_t *data, const pmm_calibrate_opts_t *opts,
                               pmm_calibration_t *out, pmm_error_t *err) {
  *out = (pmm_calibration_t){
      .first_ns = PMM_TIME_NONE, .last_ns = PMM_TIME_NONE, .queue_best = -1, .queue_margin = NAN, .queue_margin_se = NAN};
  work_t *const w = calloc(1, sizeof *w);
  if (!w) return pmm_error_set(err, PMM_FULL, "no memory");
  w->config = config;
  w->out = out;
  pmm_status_t st = measure(w, data, opts, err);
  close_work(w);
  free(w);
  if (st == PMM_OK) st = pmm__queue_compare(config, data, opts, out, err);
  if (st != PMM_OK) pmm_calibrate_free(out);
  return st;
}

void pmm_calibrate_free(pmm_calibration_t *c) {
  free(c->warmup);
  free(c->under);
  free(c->latency);
  c->warmup = NULL;
  c->under = NULL;
  c->latency = NULL;
  c->warmup_cnt = c->under_cnt = c->latency_cnt = 0;
}
