/* scan.c -- figures of every market of a recording, the verdict on it, and who would want it. Two readings: the first finds when
   each market had a book and its means, the second stops at each market's moment. */
#include "pmm/scan.h"
#include <fnmatch.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include "scan_impl.h"

#define LIQUIDITY_MIN 1000.0 /* dollars; models.md section 10, like the next three */
#define SPREAD_MAX 0.05
#define VOLUME_MIN 10000.0
#define TIME_MIN_S (7 * 86400.0)
#define BUCKET_NS (600 * PMM_NS_PER_S)
#define BUCKETS 144 /* of ten minutes: a day */
#define VOL_STEP_NS (10 * PMM_NS_PER_S)
#define VOL_RETURNS_MIN 20
#define VOL_HOLE 60 /* steps without a record that are a hole, not calm */
#define HOUR_NS (3600.0 * 1e9)

/* -- verdict -- */
const char *pmm_verdict_to_string(pmm_verdict_t verdict) {
  switch (verdict) {
  case PMM_VERDICT_VIABLE: return "VIABLE";
  case PMM_VERDICT_MARGINAL: return "MARGINAL";
  case PMM_VERDICT_LIMITED: return "LIMITED";
  case PMM_VERDICT_NO_DATA: return "NO_DATA";
  }
  return "unknown verdict";
}

const char *pmm_volume_source_to_string(pmm_volume_source_t source) {
  switch (source) {
  case PMM_VOLUME_NONE: return "none";
  case PMM_VOLUME_TRADES: return "trades";
  case PMM_VOLUME_INFERRED: return "inferred trades";
  case PMM_VOLUME_COUNTER: return "venue's counter";
  }
  return "unknown source";
}

pmm_verdict_t pmm_scan_judge(const pmm_scan_facts_t *f, bool holds[PMM_SCAN_CONDITIONS]) {
  bool const each[PMM_SCAN_CONDITIONS] = {
      [PMM_SCAN_LIQUIDITY] = f->liquidity > LIQUIDITY_MIN,
      [PMM_SCAN_SPREAD] = f->spread > 0 && f->spread<SPREAD_MAX, [PMM_SCAN_ACTIVITY] = f->volume_24h> VOLUME_MIN || f->trades_24h >= 1,
      [PMM_SCAN_TIME_LEFT] = f->time_left_s >= TIME_MIN_S,
  };
  int cnt = 0;
  for (int i = 0; i < PMM_SCAN_CONDITIONS; i++) cnt += each[i];
  if (holds) memcpy(holds, each, sizeof each);
  if (isnan(f->price)) return PMM_VERDICT_NO_DATA;
  return cnt == PMM_SCAN_CONDITIONS ? PMM_VERDICT_VIABLE : cnt == PMM_SCAN_CONDITIONS - 1 ? PMM_VERDICT_MARGINAL : PMM_VERDICT_LIMITED;
}

/* -- the work in hand -- */
typedef struct bucket {
  double dollars;
  uint32_t trades;
} bucket_t;
typedef struct gauge {               /* of one market */
  int64_t first_ns, last_ns;         /* of its records */
  int64_t first_two_ns, last_two_ns; /* both sides of the book */
  bool two_sided;
  int64_t next_s_ns; /* first pass: next full second */
  double open_s, two_s, liquidity, spread;
  uint64_t trades, inferred;
  double dollars, counted; /* by prints; by the venue's counter */
  int64_t counter_e6;
  bool has_counter;
  int64_t target_ns; /* second pass: the moment; PMM_TIME_NONE never */
  int64_t bucket_idx;
  bucket_t bucket[BUCKETS];
  int64_t next_vol_ns;
  double x, squares;
  uint64_t returns;
  bool has_x;
} gauge_t;

typedef struct candidate {
  const pmm_strategy_ops_t *ops;
  const char *match;
  void *params, *state;
} candidate_t;

typedef struct work {
  pmm__replay_t replay;
  const pmm_config_t *config;
  const pmm_scan_opts_t *opts;
  pmm_scan_t *out;
  gauge_t *gauge;
  uint32_t *by_target;
  uint32_t target_cnt, target_next;
  int64_t end_ns;
  candidate_t candidate[PMM_SCAN_STRATEGIES_MAX];
} work_t;

static double book_spread(const pmm_ladder_t *l) { return (pmm_ladder_best_e4(l, PMM_ASK) - pmm_ladder_best_e4(l, PMM_BID)) / 1e4; }

/* Whether a recording shows how much rests in a book. */
static bool has_sizes(uint32_t data) {
  return !(data & PMM_DATA_NOSIZE) && ((data & (PMM_DATA_DEPTH | PMM_DATA_TOP)) || !(data & PMM_DATA_PRICE));
}

/* -- first reading -- */
/* Full seconds up to until_ns, for which the market stood as it stands now. */
static void count_seconds(work_t *w, uint32_t i, int64_t until_ns) {
  gauge_t *const g = &w->gauge[i];
  const pmm_market_t *const m = pmm_engine_market(w->replay.setup.engine, i);
  if (m->close_ns != PMM_TIME_NONE) until_ns = pmm_min64(until_ns, m->close_ns);
  if (g->first_ns == PMM_TIME_NONE || until_ns < g->next_s_ns) return;
  int64_t const cnt = (until_ns - g->next_s_ns) / PMM_NS_PER_S + 1;
  g->next_s_ns += cnt * PMM_NS_PER_S;
  if (!pmm_life_trades((pmm_life_t)m->life) || w->replay.gap[i]) return;
  const pmm_ladder_t *const l = pmm_engine_ladder(w->replay.setup.engine, i);
  g->open_s += (double)cnt;
  g->liquidity += (double)cnt * ((double)pmm_ladder_notional(l) / 1e6);
  if (!pmm__replay_two_sided(&w->replay, i)) return;
  g->two_s += (double)cnt;
  g->spread += (double)cnt * book_spread(l);
}

static void survey_before(void *ctx, const pmm_md_t *md) {
  work_t *const w = ctx;
  w->end_ns = md->recv_ns;
  if (!pmm__is_of_market(md) || md->market >= w->replay.setup.market_cnt) return;
  count_seconds(w, md->market, md->recv_ns - 1);
}

/* Dollars that a print or a step of the venue's counter stands for; 0 for other records. */
static double dollars_of(work_t *w, gauge_t *g, const pmm_md_t *md) {
  if (md->kind == PMM_MD_TRADE) return (double)md->qty_e6 / 1e6 * md->price_e4 / 1e4;
  if (md->kind != PMM_MD_VOLUME) return 0;
  int64_t const before_e6 = g->counter_e6;
  bool const had = g->has_counter;
  g->counter_e6 = md->qty_e6;
  g->has_counter = true;
  if (!had || md->qty_e6 <= before_e6) return 0;
  double mid = md->price_e4 / 1e4;
  if (md->price_e4 == 0 && pmm_ladder_mid(pmm_engine_ladder(w->replay.setup.engine, md->market), &mid) != PMM_OK) mid = 0.5;
  return (double)(md->qty_e6 - before_e6) / 1e6 * mid;
}

static void survey_after(void *ctx, const pmm_md_t *md) {
  work_t *const w = ctx;
  if (!pmm__is_of_market(md) || md->market >= w->replay.setup.market_cnt) return;
  gauge_t *const g = &w->gauge[md->market];
  if (g->first_ns == PMM_TIME_NONE) {
    g->first_ns = md->recv_ns;
    g->next_s_ns = (md->recv_ns / PMM_NS_PER_S + 1) * PMM_NS_PER_S;
  }
  g->last_ns = md->recv_ns;
  double const dollars = dollars_of(w, g, md);
  if (md->kind == PMM_MD_TRADE) {
    g->trades++;
    g->inferred += (md->flags & PMM_F_INFERRED) != 0;
    g->dollars += dollars;
  } else {
    g->counted += dollars;
  }
  if (!(md->flags & PMM_F_LAST) && md->kind < PMM_MD_MARK) return; /* the message goes on */
  bool const is_two_sided = pmm__replay_two_sided(&w->replay, md->market);
  if (is_two_sided && g->first_two_ns == PMM_TIME_NONE) g->first_two_ns = md->recv_ns;
  if (g->two_sided && !is_two_sided) g->last_two_ns = pmm_max64(md->recv_ns - 1, g->first_two_ns);
  g->two_sided = is_two_sided;
}

static void end_survey(work_t *w) {
  for (uint32_t i = 0; i < w->replay.setup.market_cnt; i++) {
    gauge_t *const g = &w->gauge[i];
    const pmm_market_t *const m = pmm_engine_market(w->replay.setup.engine, i);
    count_seconds(w, i, w->end_ns);
    if (g->two_sided) g->last_two_ns = w->end_ns;
    if (g->last_two_ns != PMM_TIME_NONE && m->close_ns != PMM_TIME_NONE)
      g->last_two_ns = pmm_min64(g->last_two_ns, pmm_max64(m->close_ns - 1, g->first_two_ns));
  }
}

/* -- moments -- */
/* Still trading when the recording stopped. */
static bool is_alive(const work_t *w, uint32_t i) {
  const pmm_market_t *const m = pmm_engine_market(w->replay.setup.engine, i);
  return pmm_life_trades((pmm_life_t)m->life) && (m->close_ns == PMM_TIME_NONE || m->close_ns > w->end_ns);
}

static int64_t moment_of(const work_t *w, uint32_t i) {
  const gauge_t *const g = &w->gauge[i];
  if (g->first_ns == PMM_TIME_NONE) return PMM_TIME_NONE;
  if (w->opts->at == PMM_SCAN_MOMENT) return g->first_ns <= w->opts->at_ns ? w->opts->at_ns : PMM_TIME_NONE;
  bool const has_book = g->first_two_ns != PMM_TIME_NONE && g->last_two_ns != PMM_TIME_NONE; /* else all that was recorded */
  int64_t const first_ns = has_book ? g->first_two_ns : g->first_ns, last_ns = has_book ? g->last_two_ns : g->last_ns;
  bool const is_middle = w->opts->at == PMM_SCAN_MIDDLE || (w->opts->at == PMM_SCAN_AUTO && !is_alive(w, i));
  return is_middle ? first_ns + (last_ns - first_ns) / 2 : last_ns;
}

static int by_moment(const void *a, const void *b, void *ctx) {
  const gauge_t *const g = ctx;
  uint32_t const i = *(const uint32_t *)a, k = *(const uint32_t *)b;
  if (g[i].target_ns != g[k].target_ns) return g[i].target_ns < g[k].target_ns ? -1 : 1;
  return i < k ? -1 : i > k;
}

static void plan_moments(work_t *w) {
  uint32_t const cnt = w->replay.setup.market_cnt;
  for (uint32_t i = 0; i < cnt; i++) {
    w->gauge[i].target_ns = w->replay.slot_of[i] == UINT32_MAX ? PMM_TIME_NONE : moment_of(w, i);
    w->gauge[i].has_counter = false;
    if (w->gauge[i].target_ns != PMM_TIME_NONE) w->by_target[w->target_cnt++] = i;
  }
  qsort_r(w->by_target, w->target_cnt, sizeof *w->by_target, by_moment, w->gauge);
}

/* -- second reading: activity of the last day, volatility, the moment itself -- */
static bucket_t *bucket_at(gauge_t *g, int64_t now_ns) {
  int64_t const idx = now_ns / BUCKET_NS;
  if (idx - g->bucket_idx >= BUCKETS) memset(g->bucket, 0, sizeof g->bucket);
  else
    for (int64_t k = g->bucket_idx + 1; k <= idx; k++) g->bucket[k % BUCKETS] = (bucket_t){0};
  if (idx > g->bucket_idx) g->bucket_idx = idx;
  return &g->bucket[g->bucket_idx % BUCKETS];
}

/* Changes of the log-odds over steps of 10 s, by the value in force at each. */
static void step_volatility(work_t *w, uint32_t i, int64_t until_ns) {
  gauge_t *const g = &w->gauge[i];
  if (until_ns < g->next_vol_ns) return;
  int64_t const steps = (until_ns - g->next_vol_ns) / VOL_STEP_NS + 1;
  g->next_vol_ns += steps * VOL_STEP_NS;
  double mid;
  bool const is_known =
      pmm__replay_two_sided(&w->replay, i) && pmm_ladder_mid(pmm_engine_ladder(w->replay.setup.engine, i), &mid) == PMM_OK;
  double const x = is_known ? pmm_logit(mid) : 0;
  if (is_known && g->has_x && steps <= VOL_HOLE) {
    g->squares += (x - g->x) * (x - g->x);
    g->returns += (uint64_t)steps;
  }
  g->x = x;
  g->has_x = is_known;
}

static void fill_score(work_t *w, const pmm_view_t *view, uint32_t k, pmm_scan_market_t *m) {
  const candidate_t *const c = &w->candidate[k];
  pmm_scan_score_t *const s = &m->score[k];
  *s = (pmm_scan_score_t){.score = NAN, .bid = NAN, .ask = NAN, .size = NAN, .reward_low = NAN, .reward_high = NAN};
  if (fnmatch(c->match, m->id, 0) != 0) return;
  if (c->ops->score) s->score = c->ops->score(c->params, view);
  pmm_quotes_t q;
  pmm_quotes_clear(&q);
  memset(c->state, 0, c->ops->state_size);
  if (isnan(m->facts.spread) || (c->ops->init && c->ops->init(c->state, c->params, 1) != PMM_OK)) return;
  if (c->ops->on_view(c->state, view, &q) != PMM_OK || q.action != PMM_QUOTE_QUOTE || !q.bid_cnt || !q.ask_cnt) return;
  int64_t const size_e6 = pmm_min64(q.bid[0].qty_e6, q.ask[0].qty_e6);
  const pmm_grid_t *const grid = &view->market->grid;
  int32_t const under_e4 = pmm_grid_down(grid, pmm_ladder_best_e4(view->ladder, PMM_ASK)),
                over_e4 = pmm_grid_up(grid, pmm_ladder_best_e4(view->ladder, PMM_BID));
  if (under_e4 == PMM_TICKS_NONE || over_e4 == PMM_TICKS_NONE) return;
  double const bid = fmin(q.bid[0].price_e4 / 1e4, under_e4 / 1e4); /* one tick inside the book where it would cross, as exec places it */
  double const ask = fmax(q.ask[0].price_e4 / 1e4, over_e4 / 1e4);
  s->bid = bid;
  s->ask = ask;
  s->size = (double)size_e6 / 1e6;
  double const middle = (m->bid + m->ask) / 2, away = fmax(middle - bid, ask - middle);
  double low, high;
  if (w->config->rewards.model == PMM_REWARDS_NONE) return;
  if (pmm_rewards_quote_score(&w->config->rewards, view->ladder, (int32_t)floor(away * 1e4 + 0.5), size_e6, &low, &high) != PMM_OK) return;
  s->reward_low = low;
  s->reward_high = high;
}

static void fill_book(const pmm_ladder_t *l, pmm_scan_market_t *m) {
  m->facts.liquidity = has_sizes(m->data) ? (double)pmm_ladder_notional(l) / 1e6 : NAN;
  for (int side = PMM_BID; side <= PMM_ASK; side++) {
    if (l->best[side] == PMM_TICKS_NONE) continue;
    double const price = pmm_ladder_best_e4(l, (pmm_side_t)side) / 1e4,
                 qty = (double)pmm_ladder_qty(l, (pmm_side_t)side, l->best[side]) / 1e6;
    *(side == PMM_BID ? &m->bid : &m->ask) = price;
    *(side == PMM_BID ? &m->bid_qty : &m->ask_qty) = qty;
  }
  if (!isnan(m->bid) && !isnan(m->ask)) m->facts.spread = m->ask - m->bid;
}

static void fill_activity(work_t *w, uint32_t i, pmm_scan_market_t *m) {
  gauge_t *const g = &w->gauge[i];
  bucket_at(g, m->at_ns);
  double trades = 0;
  for (int k = 0; k < BUCKETS; k++) {
    m->facts.volume_24h += g->bucket[k].dollars;
    trades += g->bucket[k].trades;
  }
  bool const knows_trades = trades > 0 || m->volume_source == PMM_VOLUME_TRADES || m->volume_source == PMM_VOLUME_INFERRED ||
                            (m->data & (PMM_DATA_TRADES | PMM_DATA_INFERRED));
  m->facts.trades_24h = knows_trades ? trades : NAN;
  if (!knows_trades && m->volume_source == PMM_VOLUME_NONE) m->facts.volume_24h = NAN; /* not none: unknown */
  m->seen_h = (double)(m->at_ns - g->first_ns) / HOUR_NS;
  if (m->seen_h > 0) m->trade_rate_h = m->facts.trades_24h / fmin(m->seen_h, 24);
  if (g->returns >= VOL_RETURNS_MIN) m->volatility = sqrt(g->squares / ((double)g->returns * (double)VOL_STEP_NS / HOUR_NS));
}

/* The market as somebody saw it then: what became of it is not to be known. */
static void take_moment(work_t *w, uint32_t i) {
  gauge_t *const g = &w->gauge[i];
  pmm_scan_market_t *const m = &w->out->market[i];
  pmm_event_t const tick = {.md = {.recv_ns = g->target_ns, .kind = PMM_EV_TIMER}};
  pmm_engine_on_event(w->replay.setup.engine, &tick);
  step_volatility(w, i, g->target_ns);
  pmm_view_t view;
  pmm__replay_view(&w->replay, i, &view);
  pmm_market_t market = *view.market;
  pmm_signals_t signals = *view.signals;
  if (market.life < PMM_LIFE_RESOLVED) market.outcome = PMM_OUTCOME_UNKNOWN;
  signals.sigma = 1; /* asked before any warm-up */
  view.market = &market;
  view.signals = &signals;
  m->at_ns = g->target_ns;
  m->life = market.life;
  m->facts.time_left_s = market.close_ns == PMM_TIME_NONE ? NAN : fmax(0, (double)(market.close_ns - g->target_ns) / 1e9);
  if (!w->replay.gap[i]) fill_book(view.ladder, m);
  if (view.mid_age_ns != PMM_NS_MAX)
    m->facts.price = view.mid_age_ns == 0 || !pmm_flow_last(view.flow) ? view.mid : pmm_flow_last(view.flow)->price_e4 / 1e4;
  else if (pmm_flow_last(view.flow)) m->facts.price = pmm_flow_last(view.flow)->price_e4 / 1e4;
  fill_activity(w, i, m);
  m->verdict = pmm_scan_judge(&m->facts, m->holds);
  for (uint32_t k = 0; k < w->out->strategy_cnt; k++) fill_score(w, &view, k, m);
}

static void moments_until(work_t *w, int64_t before_ns) {
  while (w->target_next < w->target_cnt && w->gauge[w->by_target[w->target_next]].target_ns < before_ns)
    take_moment(w, w->by_target[w->target_next++]);
}

static void moments_before(void *ctx, const pmm_md_t *md) {
  work_t *const w = ctx;
  moments_until(w, md->recv_ns);
  if (!pmm__is_of_market(md) || md->market >= w->replay.setup.market_cnt) return;
  gauge_t *const g = &w->gauge[md->market];
  if (g->next_vol_ns == PMM_TIME_NONE) g->next_vol_ns = md->recv_ns;
  step_volatility(w, md->market, md->recv_ns - 1);
}

static void moments_after(void *ctx, const pmm_md_t *md) {
  work_t *const w = ctx;
  if ((md->kind != PMM_MD_TRADE && md->kind != PMM_MD_VOLUME) || md->market >= w->replay.setup.market_cnt) return;
  gauge_t *const g = &w->gauge[md->market];
  double const dollars = dollars_of(w, g, md);
  bool const is_trade = md->kind == PMM_MD_TRADE;
  if (is_trade == (w->out->market[md->market].volume_source == PMM_VOLUME_COUNTER)) return; /* one source, not both */
  bucket_t *const b = bucket_at(g, md->recv_ns);
  b->dollars += dollars;
  b->trades += is_trade;
}

/* -- ranking -- */
typedef struct ranking {
  const pmm_scan_t *scan;
  uint32_t strategy;
} ranking_t;

static int by_score(const void *a, const void *b, void *ctx) {
  const ranking_t *const r = ctx;
  uint32_t const i = *(const uint32_t *)a, k = *(const uint32_t *)b;
  double const x = r->scan->market[i].score[r->strategy].score, y = r->scan->market[k].score[r->strategy].score;
  if (isnan(x) != isnan(y)) return isnan(x) ? 1 : -1;
  if (x != y && !isnan(x)) return x > y ? -1 : 1;
  return i < k ? -1 : i > k;
}

static int by_merit(const void *a, const void *b, void *ctx) {
  const pmm_scan_t *const s = ctx;
  uint32_t const i = *(const uint32_t *)a, k = *(const uint32_t *)b;
  const pmm_scan_market_t *const x = &s->market[i], *const y = &s->market[k];
  if (x->verdict != y->verdict) return x->verdict < y->verdict ? -1 : 1;
  double const a_dollars = isnan(x->facts.liquidity) ? -1 : x->facts.liquidity,
               b_dollars = isnan(y->facts.liquidity) ? -1 : y->facts.liquidity;
  if (a_dollars != b_dollars) return a_dollars > b_dollars ? -1 : 1;
  return i < k ? -1 : i > k;
}

static void rank_all(pmm_scan_t *s) {
  for (uint32_t k = 0; k < s->strategy_cnt; k++) {
    ranking_t r = {s, k};
    qsort_r(s->order, s->market_cnt, sizeof *s->order, by_score, &r);
    pmm_scan_strategy_t *const st = &s->strategy[k];
    for (uint32_t i = 0; i < s->market_cnt; i++) {
      pmm_scan_score_t *const score = &s->market[s->order[i]].score[k];
      if (isnan(score->score)) break;
      score->rank = ++st->wanted;
      score->chosen = st->market_max <= 0 || score->rank <= (uint32_t)st->market_max;
    }
  }
  ranking_t only = {s, 0};
  if (s->strategy_cnt == 1 && s->strategy[0].ranks) qsort_r(s->order, s->market_cnt, sizeof *s->order, by_score, &only);
  else qsort_r(s->order, s->market_cnt, sizeof *s->order, by_merit, s);
}

/* -- candidates -- */
static const pmm_config_strategy_t *configured(const pmm_config_t *c, const pmm_strategy_ops_t *ops) {
  for (uint32_t i = 0; i < c->strategy_cnt; i++)
    if (c->strategy[i].ops == ops) return &c->strategy[i];
  return NULL;
}

static pmm_status_t add_candidate(work_t *w, const pmm_strategy_ops_t *ops, const pmm_config_strategy_t *from, pmm_error_t *err) {
  if (w->out->strategy_cnt == PMM_SCAN_STRATEGIES_MAX)
    return pmm_error_set(err, PMM_FULL, "more than %d strategies", PMM_SCAN_STRATEGIES_MAX);
  candidate_t *const c = &w->candidate[w->out->strategy_cnt];
  pmm_scan_strategy_t *const s = &w->out->strategy[w->out->strategy_cnt++];
  *c = (candidate_t){.ops = ops, .match = from ? from->match : "*"};
  c->params = aligned_alloc(64, PMM_CONFIG_PARAMS_MAX);
  c->state = aligned_alloc(64, (ops->state_size + 63) / 64 * 64);
  if (!c->params || !c->state) return pmm_error_set(err, PMM_FULL, "no memory");
  if (!from && ops->params_size > PMM_CONFIG_PARAMS_MAX)
    return pmm_error_set(err, PMM_INVAL, "strategy %.64s: more parameters than a configuration holds", ops->name);
  memset(c->params, 0, PMM_CONFIG_PARAMS_MAX);
  if (from) memcpy(c->params, from->params, sizeof from->params);
  else pmm_params_default(ops->params, ops->param_cnt, c->params);
  snprintf(s->name, sizeof s->name, "%s", from ? from->name : ops->name);
  s->ranks = ops->score != NULL;
  s->market_max = ops->market_max ? ops->market_max(c->params) : 0;
  return PMM_OK;
}

static pmm_status_t add_named(work_t *w, const char *name, pmm_error_t *err) {
  for (uint32_t i = 0; i < w->config->strategy_cnt; i++)
    if (strcmp(w->config->strategy[i].name, name) == 0) return add_candidate(w, w->config->strategy[i].ops, &w->config->strategy[i], err);
  const pmm_strategy_ops_t *ops;
  pmm_status_t const st = pmm_strategy_find(name, &ops, err);
  return st == PMM_OK ? add_candidate(w, ops, configured(w->config, ops), err) : st;
}

static pmm_status_t add_candidates(work_t *w, pmm_error_t *err) {
  if (w->opts->strategy) return add_named(w, w->opts->strategy, err);
  size_t cnt;
  const pmm_strategy_ops_t *const *const table = pmm_strategy_table(&cnt);
  pmm_status_t st = PMM_OK;
  if (w->opts->every_strategy)
    for (size_t i = 0; st == PMM_OK && i < cnt; i++) st = add_candidate(w, table[i], configured(w->config, table[i]), err);
  else
    for (uint32_t i = 0; st == PMM_OK && i < w->config->strategy_cnt; i++)
      st = add_candidate(w, w->config->strategy[i].ops, &w->config->strategy[i], err);
  return st;
}

/* -- running -- */
static pmm_volume_source_t source_of(const gauge_t *g) {
  if (g->trades) return g->inferred == g->trades ? PMM_VOLUME_INFERRED : PMM_VOLUME_TRADES;
  return g->has_counter ? PMM_VOLUME_COUNTER : PMM_VOLUME_NONE;
}

static void fill_means(work_t *w) {
  for (uint32_t i = 0; i < w->out->market_cnt; i++) {
    const pmm_market_t *const from = &w->replay.setup.market[i];
    const gauge_t *const g = &w->gauge[i];
    pmm_scan_market_t *const m = &w->out->market[i];
    memcpy(m->id, from->id, sizeof m->id);
    m->venue = from->venue;
    m->data = from->data;
    m->life = from->life;
    m->outcome = from->outcome;
    m->at_ns = PMM_TIME_NONE;
    m->facts = (pmm_scan_facts_t){.spread = NAN, .time_left_s = NAN, .price = NAN, .trades_24h = NAN};
    m->verdict = PMM_VERDICT_NO_DATA;
    m->bid = m->ask = m->trade_rate_h = m->volatility = NAN;
    m->volume_source = source_of(g);
    m->mean.recorded_h = g->open_s / 3600;
    m->mean.liquidity = g->open_s > 0 && has_sizes(from->data) ? g->liquidity / g->open_s : NAN;
    m->mean.two_sided = g->open_s > 0 ? g->two_s / g->open_s : NAN;
    m->mean.spread = g->two_s > 0 ? g->spread / g->two_s : NAN;
    m->mean.trades = g->trades;
    m->mean.volume = m->volume_source == PMM_VOLUME_COUNTER ? g->counted : g->dollars;
    for (uint32_t k = 0; k < w->out->strategy_cnt; k++)
      m->score[k] = (pmm_scan_score_t){.score = NAN, .bid = NAN, .ask = NAN, .size = NAN, .reward_low = NAN, .reward_high = NAN};
  }
}

static pmm_status_t make_tables(work_t *w, pmm_error_t *err) {
  uint32_t const cnt = w->replay.setup.market_cnt;
  w->gauge = calloc(cnt, sizeof *w->gauge);
  w->by_target = calloc(cnt, sizeof *w->by_target);
  w->out->market = calloc(cnt, sizeof *w->out->market);
  w->out->order = calloc(cnt, sizeof *w->out->order);
  if (!w->gauge || !w->by_target || !w->out->market || !w->out->order) return pmm_error_set(err, PMM_FULL, "no memory for %u markets", cnt);
  w->out->market_cnt = cnt;
  for (uint32_t i = 0; i < cnt; i++) {
    gauge_t *const g = &w->gauge[i];
    g->first_ns = g->last_ns = g->first_two_ns = g->last_two_ns = g->target_ns = g->next_vol_ns = PMM_TIME_NONE;
  }
  return PMM_OK;
}

/* Markets that market.only leaves out are no business of the report. */
static void list_markets(work_t *w) {
  uint32_t cnt = 0;
  for (uint32_t i = 0; i < w->out->market_cnt; i++)
    if (w->replay.slot_of[i] != UINT32_MAX) w->out->market[cnt++] = w->out->market[i];
  w->out->market_cnt = cnt;
  for (uint32_t i = 0; i < cnt; i++) w->out->order[i] = i;
  rank_all(w->out);
}

static pmm_status_t read_twice(work_t *w, const pmm_backtest_opts_t *data, pmm_error_t *err) {
  pmm__replay_hooks_t const survey = {w, survey_before, survey_after}, moments = {w, moments_before, moments_after};
  pmm_status_t st = pmm__replay_open(&w->replay, w->config, data, err);
  if (st == PMM_OK) st = make_tables(w, err);
  if (st == PMM_OK) st = add_candidates(w, err);
  if (st == PMM_OK) st = pmm__replay_run(&w->replay, data, &survey, 0, 2, err);
  if (st != PMM_OK) return st;
  end_survey(w);
  fill_means(w);
  plan_moments(w);
  w->out->truncated = pmm__stream_truncated(w->replay.stream);
  pmm__replay_close(&w->replay);
  st = pmm__replay_open(&w->replay, w->config, data, err);
  if (st == PMM_OK) st = pmm__replay_run(&w->replay, data, &moments, 1, 2, err);
  if (st != PMM_OK) return st;
  moments_until(w, PMM_NS_MAX);
  list_markets(w);
  return PMM_OK;
}

pmm_status_t pmm_scan_run(const pmm_config_t *config, const pmm_backtest_opts_t *data, const pmm_scan_opts_t *opts, pmm_scan_t *out,
                          pmm_error_t *err) {
  *out = (pmm_scan_t){.at = opts->at, .at_ns = opts->at_ns, .has_rewards = config->rewards.model != PMM_REWARDS_NONE};
  work_t w = {.config = config, .opts = opts, .out = out};
  pmm_status_t const st = read_twice(&w, data, err);
  pmm__replay_close(&w.replay);
  free(w.gauge);
  free(w.by_target);
  for (uint32_t i = 0; i < PMM_SCAN_STRATEGIES_MAX; i++) {
    free(w.candidate[i].params);
    free(w.candidate[i].state);
  }
  if (st != PMM_OK) pmm_scan_free(out);
  return st;
}

void pmm_scan_free(pmm_scan_t *scan) {
  free(scan->market);
  free(scan->order);
  scan->market = NULL;
  scan->order = NULL;
  scan->market_cnt = 0;
}
