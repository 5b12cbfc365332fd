/* feeds.c -- prices of underlyings into the engine, and strikes of markets whose strike is the price at their start. */
#include <stdlib.h>
#include <string.h>
#include "live_impl.h"

#define LOOK_NS PMM_NS_PER_S

static void on_md(void *ctx, const pmm_md_t *md, size_t cnt) { pmm__live_md(ctx, md, cnt); }

static void on_priced(void *ctx, uint32_t underlying, bool priced, const char *why) {
  pmm_live_t *const l = ctx;
  pmm__live_note(l, priced ? PMM_NOTE : PMM_WARN, priced ? "priced" : "no-price", PMM_NOTICE_NO_MARKET, "%s: %s",
                 underlying < l->underlying_cnt ? l->underlying[underlying].id : "?", priced ? "checked price" : why);
}

pmm_status_t pmm__live_feeds_open(pmm_live_t *l, pmm_error_t *err) {
  if (l->config->feed_cnt == 0) return PMM_OK;
  pmm_feeds_config_t const fc = {.feed = l->config->feed, .feed_cnt = l->config->feed_cnt, .merge = &l->config->merge, .secrets = l->cfg.secrets,
                                 .raw = l->cfg.mode == PMM_LIVE_RECORD};
  pmm_feed_sink_t const sink = {.ctx = l, .md = on_md, .priced = on_priced, .notices = l->cfg.notices};
  pmm_status_t const st = pmm_feed_open(&l->feeds, l->net, &fc, &sink, err);
  if (st != PMM_OK) return st;
  uint32_t cnt;
  const pmm_underlying_t *const table = pmm_feed_underlyings(l->feeds, &cnt);
  l->underlying = calloc(cnt + (size_t)1, sizeof *l->underlying);
  if (!l->underlying) return pmm_error_set(err, PMM_FULL, "out of memory");
  memcpy(l->underlying, table, cnt * sizeof *table);
  l->underlying_cnt = cnt;
  return PMM_OK;
}

void pmm__live_feeds_close(pmm_live_t *l) {
  pmm_net_timer_stop(l->net, &l->strike_timer);
  pmm_feed_close(l->feeds);
  free(l->series);
}

/* -- what a market's name says about how it settles -- */
static bool parse_series(const pmm_live_t *l, const pmm_market_t *m, pmm_series_t *out) {
  pmm_series_t candidate[PMM_SERIES_CANDIDATES];
  size_t cnt = 0;
  int64_t const now = pmm_net_now(l->net);
  if (pmm_series_parse(m->id, now, candidate, &cnt, NULL) != PMM_OK && (!m->event[0] || pmm_series_parse(m->event, now, candidate, &cnt, NULL) != PMM_OK)) return false;
  *out = candidate[0];
  for (size_t i = 1; i < cnt; i++) /* the hour that exists twice: the one at whose end the market closes */
    if (m->close_ns != PMM_TIME_NONE && pmm_abs64(candidate[i].end_ns - m->close_ns) < pmm_abs64(out->end_ns - m->close_ns)) *out = candidate[i];
  return true;
}

void pmm__live_settles(pmm_live_t *l, pmm_market_t *m, pmm_series_t *series) {
  *series = (pmm_series_t){0};
  if (!parse_series(l, m, series)) return;
  if (!m->asset[0]) snprintf(m->asset, sizeof m->asset, "%s", series->asset);
  if (m->strike_e8 == 0 && !series->strike_at_start) m->strike_e8 = series->strike_e8;
  if (m->settle_window_ns == 0) m->settle_window_ns = series->window_ns;
  if (series->test == PMM_TEST_GE) m->tie_is_yes = 1;
}

/* A strike that is a price at a time: told to the engine, and to the tape, once that print is there. */
static void look(void *ctx) {
  pmm_live_t *const l = ctx;
  int64_t const now = pmm_net_now(l->net);
  bool more = false;
  for (uint32_t i = 0; i < l->setup.market_cnt; i++) {
    pmm_series_t *const s = &l->series[i];
    if (!s->strike_at_start || s->start_ns == PMM_TIME_NONE || now >= s->end_ns) continue;
    more = true;
    pmm_settle_print_t print;
    if (now < s->start_ns || pmm_feed_value(l->feeds, s, false, &print) != PMM_OK) continue;
    pmm_md_t const md = {.recv_ns = now, .exch_ns = print.at_ns, .qty_e6 = print.value_e8, .market = i, .kind = PMM_MD_STRIKE, .flags = PMM_F_LAST};
    pmm__live_note(l, PMM_NOTE, "strike", i, "%s: strike %.8g%s", l->setup.market[i].id, (double)print.value_e8 / 1e8,
                   print.flags & PMM_SETTLE_PROVISIONAL ? ", provisional" : "");
    if (!(print.flags & PMM_SETTLE_PROVISIONAL)) s->strike_at_start = false; /* else it may still be corrected */
    if (l->strike_e8[i] == print.value_e8) continue;
    l->strike_e8[i] = print.value_e8;
    pmm__live_md(l, &md, 1);
  }
  if (more) pmm_net_timer_set(l->net, &l->strike_timer, pmm_net_mono(l->net) + LOOK_NS);
}

void pmm__live_watch_strikes(pmm_live_t *l) {
  if (!l->feeds) return;
  l->strike_timer = (pmm_timer_t){.fn = look, .ctx = l};
  pmm_net_timer_set(l->net, &l->strike_timer, pmm_net_mono(l->net));
}
