/* Sources of one underlying into one checked price; the rules stand in pmm/feed.h. */
#include <assert.h>
#include <math.h>
#include <string.h>
#include "pmm/feed.h"

#define SIGMA_MIN 2.5e-5    /* of a second's log return: a quarter of a basis point. A quiet minute must not make every tick a jump */
#define SIGMA_UNKNOWN 2e-4  /* before there are enough returns: twice a lively bitcoin's */
#define RETURNS_MIN 20
#define VAR_HALF_LIFE_S 60.0
#define RETURN_CLIP 6.0     /* a jump counts as so many deviations in the volatility, lest it hides the next one */
#define SAMPLE_GAP_S 10.0
#define BLOCK_NS (60 * PMM_NS_PER_S)

pmm_status_t pmm_merge_init(pmm_merge_t *m, const pmm_merge_params_t *params, const pmm_merge_source_config_t *source, size_t cnt) {
  size_t references = 0;
  if (cnt == 0 || cnt > PMM_MERGE_SOURCES_MAX) return PMM_INVAL;
  for (size_t i = 0; i < cnt; i++) {
    references += source[i].reference;
    if (source[i].window_s >= PMM_MERGE_SECONDS) return PMM_INVAL;
  }
  if (references > 1 || params->quorum < 1 || !(params->max_dev_bps > 0 && params->max_dev_bps <= 10000) || !(params->jump_sigma > 0) ||
      !(params->basis_half_life_s > 0) || params->jump_hold_ns < 0)
    return PMM_INVAL;
  memset(m, 0, sizeof *m);
  m->params = *params;
  m->max_dev_e6 = (int64_t)(params->max_dev_bps * 100);
  m->source_cnt = (uint32_t)cnt;
  for (size_t i = 0; i < cnt; i++) {
    pmm_merge_source_t *const s = &m->source[i];
    s->config = source[i];
    s->lag_min_ns = PMM_NS_MAX;
    s->lag_block_ns = s->seen_ns = s->beat_ns = s->sampled_ns = PMM_TIME_NONE;
    for (int k = 0; k < PMM_MERGE_SECONDS; k++) s->second[k] = PMM_TIME_NONE;
    pmm_ewma_init(&s->basis, params->basis_half_life_s);
  }
  return PMM_OK;
}

void pmm_merge_link(pmm_merge_t *m, uint32_t source, bool up, int64_t mono_ns) {
  assert(source < m->source_cnt);
  pmm_merge_source_t *const s = &m->source[source];
  s->connected = up;
  s->live = s->held = s->gap = false;
  if (up) s->beat_ns = mono_ns;
}

void pmm_merge_beat(pmm_merge_t *m, uint32_t source, int64_t mono_ns) {
  assert(source < m->source_cnt);
  m->source[source].beat_ns = mono_ns;
}

void pmm_merge_gap(pmm_merge_t *m, uint32_t source) {
  assert(source < m->source_cnt);
  m->source[source].gap = true;
}

/* -- health -- */

static bool within(int64_t now_ns, int64_t at_ns, int64_t limit_ns) {
  return limit_ns == PMM_NS_MAX || (at_ns != PMM_TIME_NONE && now_ns - at_ns <= limit_ns);
}

static bool is_healthy(const pmm_merge_source_t *s, int64_t now_ns) {
  return s->connected && s->live && s->has && !s->gap && !s->conflict && !s->crossed && !s->lagging && !s->config.aside &&
         (!s->config.foreign || s->basis.has) && within(now_ns, s->seen_ns, s->config.limits.stale_ns) &&
         within(now_ns, s->beat_ns > s->seen_ns ? s->beat_ns : s->seen_ns, s->config.limits.beat_ns);
}

/* A source's price in the reference's currency. */
static int64_t shifted(const pmm_merge_source_t *s, int64_t price_e8) {
  return s->config.foreign ? (int64_t)llround((double)price_e8 * pmm_exp(s->basis.value)) : price_e8;
}

/* -- jumps -- */

static double sigma_of(const pmm_merge_source_t *s) {
  if (s->returns < RETURNS_MIN) return SIGMA_UNKNOWN;
  double const sigma = sqrt(s->var);
  return sigma > SIGMA_MIN ? sigma : SIGMA_MIN;
}

static double log_ratio(int64_t a, int64_t b) { return pmm_log((double)a / (double)b); }

static bool is_jump(const pmm_merge_t *m, const pmm_merge_source_t *s, int64_t price_e8) {
  return s->has && fabs(log_ratio(price_e8, s->price_e8)) > m->params.jump_sigma * sigma_of(s);
}

/* Another healthy source's latest word, believed or not, is nearer to the new price than to the old one. */
static bool has_company(const pmm_merge_t *m, uint32_t source, int64_t price_e8, int64_t now_ns) {
  const pmm_merge_source_t *const s = &m->source[source];
  int64_t const fresh = shifted(s, price_e8), old = shifted(s, s->price_e8);
  for (uint32_t i = 0; i < m->source_cnt; i++) {
    const pmm_merge_source_t *const other = &m->source[i];
    if (i == source || !is_healthy(other, now_ns)) continue;
    int64_t const word = shifted(other, other->held ? other->held_e8 : other->price_e8);
    if (pmm_abs64(word - fresh) < pmm_abs64(word - old)) return true;
  }
  return false;
}

static void believe(pmm_merge_source_t *s, int64_t price_e8) {
  s->price_e8 = price_e8;
  s->held = false;
  s->has = true;
}

/* Held jumps whose time is up, or that have company by now. */
static void let_go(pmm_merge_t *m, int64_t now_ns) {
  for (uint32_t i = 0; i < m->source_cnt; i++) {
    pmm_merge_source_t *const s = &m->source[i];
    if (s->held && (now_ns - s->held_ns >= m->params.jump_hold_ns || has_company(m, i, s->held_e8, now_ns))) believe(s, s->held_e8);
  }
}

/* Variance of a second's return, sampled at most once a second from prices that are believed. */
static void sample(pmm_merge_source_t *s, int64_t now_ns) {
  double const dt_s = s->sampled_ns == PMM_TIME_NONE ? INFINITY : (double)(now_ns - s->sampled_ns) / 1e9;
  if (dt_s < 1) return;
  if (dt_s <= SAMPLE_GAP_S) {
    double r2 = log_ratio(s->price_e8, s->sampled_e8);
    r2 = r2 * r2 / dt_s;
    if (s->returns >= RETURNS_MIN) r2 = fmin(r2, RETURN_CLIP * RETURN_CLIP * fmax(s->var, SIGMA_MIN * SIGMA_MIN));
    double const alpha = s->returns < RETURNS_MIN ? 1.0 / (s->returns + 1) : 1 - pmm_exp(-dt_s * 0.6931471805599453 / VAR_HALF_LIFE_S);
    s->var += alpha * (r2 - s->var);
    s->returns++;
  }
  s->sampled_ns = now_ns;
  s->sampled_e8 = s->price_e8;
}

/* -- basis -- */

static void remember_second(pmm_merge_source_t *s, int64_t wall_ns) {
  int64_t const second = wall_ns / PMM_NS_PER_S;
  s->second[second % PMM_MERGE_SECONDS] = second;
  s->second_log[second % PMM_MERGE_SECONDS] = pmm_log((double)s->price_e8);
}

/* Mean of own log prices over the seconds (end - n, end]; the last known one stands for seconds without a tick. False without any. */
static bool mean_log(const pmm_merge_source_t *s, int64_t end, int64_t n, double *out) {
  double sum = 0, last = 0;
  int64_t cnt = 0;
  for (int64_t t = end - n + 1; t <= end; t++) {
    int64_t const at = t % PMM_MERGE_SECONDS;
    if (s->second[at] == t) last = s->second_log[at];
    else if (cnt == 0) continue;
    sum += last;
    cnt++;
  }
  if (cnt * 2 < n) return false; /* less than half of the window: no comparison */
  *out = sum / (double)cnt;
  return true;
}

/* A fresh value of the reference: every foreign source is compared with it, over the reference's own window if it is an average. */
static void measure_bases(pmm_merge_t *m, const pmm_merge_source_t *ref, const pmm_feed_tick_t *t, int64_t mono_ns, int64_t wall_ns) {
  double const log_ref = pmm_log((double)ref->price_e8);
  int64_t const end = (t->source_ns == PMM_TIME_NONE ? wall_ns : t->source_ns) / PMM_NS_PER_S;
  for (uint32_t i = 0; i < m->source_cnt; i++) {
    pmm_merge_source_t *const s = &m->source[i];
    double own;
    if (!s->config.foreign || !s->connected || !s->live || !s->has || s->held || s->crossed || s->conflict || !within(mono_ns, s->seen_ns, s->config.limits.stale_ns)) continue;
    if (!mean_log(s, end, ref->config.window_s ? ref->config.window_s : 1, &own)) {
      if (ref->config.window_s) continue;
      own = pmm_log((double)s->price_e8);
    }
    pmm_ewma_add(&s->basis, mono_ns, log_ref - own);
  }
}

/* -- clocks -- */

/* The quickest tick of each minute against the quickest of the first: delays only ever add, so what moves the least lag is a clock. */
static uint32_t check_clock(const pmm_merge_t *m, pmm_merge_source_t *s, int64_t source_ns, int64_t mono_ns, int64_t wall_ns) {
  if (source_ns == PMM_TIME_NONE) return 0;
  int64_t const lag_ns = wall_ns - source_ns;
  uint32_t bits = lag_ns < 0 ? PMM_MERGE_CLOCK : 0;
  s->lagging = s->config.limits.lag_ns != PMM_NS_MAX && s->config.limits.lag_ns != 0 && lag_ns > s->config.limits.lag_ns;
  if (s->lagging) bits |= PMM_MERGE_LAGGING;
  if (s->lag_block_ns == PMM_TIME_NONE) s->lag_block_ns = mono_ns;
  if (mono_ns - s->lag_block_ns >= BLOCK_NS) {
    if (s->lag_has_base && pmm_abs64(s->lag_min_ns - s->lag_base_ns) > m->params.clock_drift_ns) bits |= PMM_MERGE_CLOCK;
    if (!s->lag_has_base || (bits & PMM_MERGE_CLOCK)) s->lag_base_ns = s->lag_min_ns; /* told: from here on */
    s->lag_has_base = true;
    s->lag_min_ns = PMM_NS_MAX;
    s->lag_block_ns = mono_ns;
  }
  if (lag_ns < s->lag_min_ns) s->lag_min_ns = lag_ns;
  return bits;
}

/* -- ticks -- */

static bool has_price(const pmm_feed_tick_t *t) { return t->kind == PMM_TICK_TRADE || t->kind == PMM_TICK_TOP || t->kind == PMM_TICK_SPOT || t->kind == PMM_TICK_TWAP; }

static int64_t price_of(const pmm_feed_tick_t *t) { return t->kind == PMM_TICK_TOP ? t->bid_e8 + (t->ask_e8 - t->bid_e8) / 2 : t->price_e8; }

/* Numbers must rise: an older one, or the same with the same value, is nothing new; the same with another value contradicts. */
static uint32_t check_order(pmm_merge_source_t *s, const pmm_feed_tick_t *t, int64_t price_e8) {
  if (!s->has || t->seq > s->seq) return 0;
  s->late++;
  if (t->seq < s->seq || s->last_e8 == price_e8) return PMM_MERGE_LATE;
  s->conflict = true;
  s->conflicts++;
  return PMM_MERGE_LATE | PMM_MERGE_CONFLICT;
}

static uint32_t take(pmm_merge_t *m, uint32_t source, int64_t price_e8, int64_t mono_ns) {
  pmm_merge_source_t *const s = &m->source[source];
  bool const averaged = s->config.window_s != 0;
  if (averaged || !s->live || !is_jump(m, s, price_e8) || has_company(m, source, price_e8, mono_ns)) {
    believe(s, price_e8);
    return PMM_MERGE_USED;
  }
  if (!s->held) {
    s->held_ns = mono_ns;
    s->jumps++;
  }
  s->held = true;
  s->held_e8 = price_e8;
  return PMM_MERGE_HELD;
}

uint32_t pmm_merge_tick(pmm_merge_t *m, uint32_t source, const pmm_feed_tick_t *t, int64_t mono_ns, int64_t wall_ns) {
  assert(source < m->source_cnt);
  pmm_merge_source_t *const s = &m->source[source];
  if (t->kind == PMM_TICK_BEAT) s->beat_ns = mono_ns;
  if (!has_price(t) || (t->flags & PMM_TICK_HISTORY)) return 0;
  let_go(m, mono_ns);
  bool const top = t->kind == PMM_TICK_TOP, crossed = top && (t->bid_e8 <= 0 || t->ask_e8 <= 0 || t->bid_e8 >= t->ask_e8);
  int64_t const price_e8 = price_of(t);
  uint32_t bits = check_order(s, t, price_e8);
  if (bits) return bits;
  s->seq = t->seq;
  s->last_e8 = price_e8;
  s->conflict = s->gap = false;
  s->seen_ns = mono_ns;
  s->crossed = crossed;
  if (crossed || price_e8 <= 0) {
    s->crossed = true;
    return PMM_MERGE_CROSSED;
  }
  bits = check_clock(m, s, t->source_ns, mono_ns, wall_ns) | take(m, source, price_e8, mono_ns);
  s->live = true;
  if (!s->held) {
    sample(s, mono_ns);
    if (s->config.foreign) remember_second(s, wall_ns);
    if (s->config.reference && !s->lagging) measure_bases(m, s, t, mono_ns, wall_ns);
  }
  let_go(m, mono_ns);
  return bits;
}

/* -- the price -- */

typedef struct row { int64_t price_e8; uint32_t source; } row_t;

static int64_t median(const row_t *sorted, size_t n) {
  int64_t const hi = sorted[n / 2].price_e8, lo = sorted[(n - 1) / 2].price_e8;
  return lo + (hi - lo) / 2;
}

static bool is_apart(int64_t a, int64_t b, int64_t dev_e6) { return (pmm_i128_t)pmm_abs64(a - b) * 1000000 > (pmm_i128_t)dev_e6 * b; }

static size_t healthy_rows(const pmm_merge_t *m, int64_t now_ns, row_t row[PMM_MERGE_SOURCES_MAX], uint32_t *mask) {
  size_t n = 0;
  for (uint32_t i = 0; i < m->source_cnt; i++) {
    if (!is_healthy(&m->source[i], now_ns)) continue;
    int64_t const price_e8 = shifted(&m->source[i], m->source[i].price_e8);
    size_t at = n++;
    for (; at > 0 && row[at - 1].price_e8 > price_e8; at--) row[at] = row[at - 1];
    row[at] = (row_t){price_e8, i};
    *mask |= 1u << i;
  }
  return n;
}

/* Who is out: further than max_dev from the median of all, until within half of it. */
static size_t drop_outliers(pmm_merge_t *m, row_t *row, size_t n) {
  int64_t const middle = median(row, n);
  size_t kept = 0;
  for (size_t i = 0; i < n; i++) {
    pmm_merge_source_t *const s = &m->source[row[i].source];
    bool const out = is_apart(row[i].price_e8, middle, s->out ? m->max_dev_e6 / 2 : m->max_dev_e6);
    if (out && !s->out) s->drops++;
    s->out = out;
    if (!out) row[kept++] = row[i];
  }
  return kept;
}

/* Two cannot outvote each other: they agree, or there is no price until they are within half the band again. */
static bool is_split(pmm_merge_t *m, const row_t *row) {
  m->split = is_apart(row[1].price_e8, row[0].price_e8, m->split ? m->max_dev_e6 / 2 : m->max_dev_e6);
  return m->split;
}

static int64_t quorum_of(const pmm_merge_t *m) {
  uint32_t inside = 0;
  for (uint32_t i = 0; i < m->source_cnt; i++) inside += !m->source[i].config.aside;
  return m->params.single_ok && inside == 1 ? 1 : m->params.quorum;
}

pmm_status_t pmm_merge_price(pmm_merge_t *m, int64_t mono_ns, pmm_merged_t *out) {
  row_t row[PMM_MERGE_SOURCES_MAX];
  *out = (pmm_merged_t){.why = PMM_MERGE_NO_QUORUM};
  let_go(m, mono_ns);
  size_t n = healthy_rows(m, mono_ns, row, &out->healthy);
  if (n > 2) n = drop_outliers(m, row, n);
  if ((int64_t)n < quorum_of(m) || n == 0) return PMM_NOT_READY;
  if (n != 2) m->split = false;
  else if (is_split(m, row)) {
    out->why = PMM_MERGE_SPLIT;
    return PMM_NOT_READY;
  }
  for (size_t i = 0; i < n; i++) out->used |= 1u << row[i].source;
  out->price_e8 = median(row, n);
  out->why = PMM_MERGE_OK;
  return PMM_OK;
}

static int64_t after(int64_t at_ns, int64_t limit_ns, int64_t now_ns) { /* the first instant beyond the limit, if it is still to come */
  if (limit_ns == PMM_NS_MAX || at_ns == PMM_TIME_NONE || now_ns - at_ns > limit_ns) return PMM_NS_MAX;
  return at_ns + limit_ns + 1;
}

int64_t pmm_merge_next(const pmm_merge_t *m, int64_t mono_ns) {
  int64_t next = PMM_NS_MAX;
  for (uint32_t i = 0; i < m->source_cnt; i++) {
    const pmm_merge_source_t *const s = &m->source[i];
    if (s->held) next = pmm_min64(next, s->held_ns + m->params.jump_hold_ns);
    if (!s->connected || !s->live) continue;
    next = pmm_min64(next, after(s->seen_ns, s->config.limits.stale_ns, mono_ns));
    next = pmm_min64(next, after(s->beat_ns > s->seen_ns ? s->beat_ns : s->seen_ns, s->config.limits.beat_ns, mono_ns));
  }
  return next;
}
