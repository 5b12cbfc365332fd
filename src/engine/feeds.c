/* feeds.c -- underlyings: sources of one id merged into a checked price, its volatility, and the running average
   over each market's settlement window. */
#include <math.h>
#include <string.h>
#include "engine_impl.h"

#define NONE UINT32_MAX

static const char *id_of(const void *config, uint32_t i) { return ((const pmm_engine_config_t *)config)->underlying[i].id; }

static void group_add_window(pmm__group_t *g, int64_t window_ns) {
  if (window_ns < g->next_window_ns) g->next_window_ns = window_ns;
}

/* Groups are indexed by their first source, so a stream of n sources has at most n groups. */
pmm_status_t pmm__feeds_init(pmm__core_t *e, pmm_arena_t *arena, const pmm_engine_config_t *config) {
  uint32_t const n = config->underlying_cnt;
  e->source_cnt = e->group_cnt = n;
  if (n == 0) return PMM_OK;
  e->source = PMM_ARENA_NEW(arena, pmm__source_t, n);
  e->group = PMM_ARENA_NEW(arena, pmm__group_t, n);
  if (!e->source || !e->group) return PMM_FULL;
  for (uint32_t i = n; i-- > 0;) {
    pmm__group_t *const g = &e->group[i];
    g->first_source = g->first_market = NONE;
    g->next_window_ns = PMM_NS_MAX;
    g->at_ns = g->venue_mean_ns = PMM_TIME_NONE;
    pmm_status_t const st = pmm_vol_init(&g->vol, (pmm_vol_kind_t)config->params.vol_kind, (double)config->params.vol_dt_ns / 1e9,
                                         (int32_t)config->params.vol_window, config->params.vol_half_life_s);
    if (st != PMM_OK) return st;
  }
  pmm__names_t names;
  if (pmm__names_init(&names, arena, n) != PMM_OK) return PMM_FULL;
  for (uint32_t i = 0; i < n; i++)
    e->source[i] = (pmm__source_t){.at_ns = PMM_TIME_NONE, .group = pmm__names_first(&names, config->underlying[i].id, i, id_of, config), .kind = config->underlying[i].kind};
  for (uint32_t i = n; i-- > 0;) {
    e->source[i].next = e->group[e->source[i].group].first_source;
    e->group[e->source[i].group].first_source = i;
  }
  for (uint32_t i = e->market_cnt; i-- > 0;) {
    pmm__book_t *const m = &e->book[i];
    if (m->desc.underlying >= n) { m->group = NONE; continue; }
    m->group = e->source[m->desc.underlying].group;
    m->next_in_group = e->group[m->group].first_market;
    e->group[m->group].first_market = i;
    if (m->window_ns != PMM_NS_MAX) group_add_window(&e->group[m->group], m->window_ns);
  }
  return PMM_OK;
}

static bool is_fresh(const pmm__core_t *e, const pmm__source_t *s, int64_t now_ns) {
  return s->at_ns != PMM_TIME_NONE && s->kind != PMM_UNDER_TWAP && now_ns - s->at_ns <= e->params.feed_max_age_ns;
}

/* Insertion-sorted prices of fresh sources; a settlement average is no price of now and stays out. */
static int fresh_prices(const pmm__core_t *e, const pmm__group_t *g, int64_t now_ns, double out[PMM_FAIRS_MAX]) {
  int n = 0;
  for (uint32_t i = g->first_source; i != NONE && n < PMM_FAIRS_MAX; i = e->source[i].next) {
    if (!is_fresh(e, &e->source[i], now_ns)) continue;
    int at = n++;
    for (; at > 0 && out[at - 1] > e->source[i].price; at--) out[at] = out[at - 1];
    out[at] = e->source[i].price;
  }
  return n;
}

static double median(const double *sorted, int n) { return n % 2 ? sorted[n / 2] : (sorted[n / 2 - 1] + sorted[n / 2]) / 2; }

/* Windows that start between the last update and now begin at the integral's value at their start; the price was
   constant in between. */
static void open_windows(pmm__core_t *e, pmm__group_t *g, int64_t now_ns) {
  if (now_ns < g->next_window_ns) return;
  g->next_window_ns = PMM_NS_MAX;
  for (uint32_t i = g->first_market; i != NONE; i = e->book[i].next_in_group) {
    pmm__book_t *const m = &e->book[i];
    if (m->in_window || m->window_ns == PMM_NS_MAX) continue;
    if (m->window_ns > now_ns) { group_add_window(g, m->window_ns); continue; }
    int64_t const lead = m->window_ns > g->at_ns ? m->window_ns - g->at_ns : 0;
    m->window_integral = g->integral + g->price * ((double)lead / 1e9);
    if (m->window_ns < g->at_ns) m->window_ns = g->at_ns; /* we came late: the average is over what we saw */
    m->in_window = true;
  }
}

static void feed_market(pmm_engine_t *e, pmm__market_t *m, const pmm_md_t *md) {
  pmm__sync(e, md->recv_ns);
  if (m->listens && m->book->desc.life == PMM_LIFE_OPEN && !m->book->gap) pmm__tell(e, m, md);
  pmm__wake_market(e, m, PMM_WAKE_FEED);
}

/* Markets that have resolved leave the chain on the way. */
static void spread(pmm__core_t *core, pmm__group_t *g, const pmm_md_t *md) {
  for (uint32_t *link = &g->first_market; *link != NONE;) {
    uint32_t const i = *link;
    pmm__book_t *const b = &core->book[i];
    if (b->desc.life == PMM_LIFE_RESOLVED) { *link = b->next_in_group; continue; }
    link = &b->next_in_group;
    if (b->wake & (PMM_WAKE_FEED | PMM__LISTENS))
      for (pmm_engine_t *e = core->first; e; e = e->next) feed_market(e, &e->market[i], md);
  }
}

void pmm__feed(pmm__core_t *e, const pmm_md_t *md) {
  if (md->market >= e->source_cnt || md->qty_e6 <= 0) { e->bad++; return; }
  pmm__source_t *const s = &e->source[md->market];
  pmm__group_t *const g = &e->group[s->group];
  if (md->kind == PMM_MD_SETTLE_MEAN) {
    g->venue_mean = (double)md->qty_e6 / 1e8;
    g->venue_mean_ns = e->now_ns;
    return;
  }
  s->price = (double)md->qty_e6 / 1e8;
  s->at_ns = e->now_ns;
  double price[PMM_FAIRS_MAX];
  int const n = fresh_prices(e, g, e->now_ns, price);
  if (n == 0) return;
  double const now_price = median(price, n);
  if (g->has) {
    open_windows(e, g, e->now_ns);
    g->integral += g->price * ((double)(e->now_ns - g->at_ns) / 1e9);
  }
  g->price = now_price;
  g->at_ns = e->now_ns;
  if (!g->has) { g->has = true; open_windows(e, g, e->now_ns); }
  if (pmm_vol_add(&g->vol, e->now_ns, now_price) != PMM_OK) e->bad++;
  if (g->heard) spread(e, g, md);
}

void pmm__under_view(const pmm_engine_t *engine, const pmm__book_t *m, pmm_under_view_t *out) {
  pmm__core_t const *const e = engine->core;
  int64_t const now_ns = engine->now_ns;
  *out = (pmm_under_view_t){.volatility = NAN, .settle_mean = NAN, .age_s = INFINITY};
  if (m->group == NONE || !e->group[m->group].has) return;
  pmm__group_t *const g = &e->group[m->group];
  double price[PMM_FAIRS_MAX];
  int const n = fresh_prices(e, g, now_ns, price);
  out->has = true;
  out->price = n ? median(price, n) : g->price;
  out->gap_bps = n > 1 ? (price[n - 1] - price[0]) / out->price * 1e4 : 0;
  int64_t newest = PMM_TIME_NONE;
  for (uint32_t i = g->first_source; i != NONE; i = e->source[i].next)
    if (e->source[i].kind != PMM_UNDER_TWAP && e->source[i].at_ns > newest) newest = e->source[i].at_ns;
  out->age_s = newest == PMM_TIME_NONE ? INFINITY : (double)(now_ns - newest) / 1e9;
  double vol;
  if (pmm_vol_get(&g->vol, &vol) == PMM_OK) out->volatility = vol;
  if (m->in_window && now_ns > m->window_ns) {
    double const integral = g->integral + g->price * ((double)(now_ns - g->at_ns) / 1e9);
    out->settle_gone_s = (double)(now_ns - m->window_ns) / 1e9;
    bool const told = g->venue_mean_ns != PMM_TIME_NONE && now_ns - g->venue_mean_ns <= e->params.feed_max_age_ns;
    out->settle_mean = told ? g->venue_mean : (integral - m->window_integral) / out->settle_gone_s;
  }
}
