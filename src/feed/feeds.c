/* The feeds of a configuration: links to hosts, underlyings with their merged price and settlement series, and the records that come of them. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "feed/adapter.h"

#define NONE UINT32_MAX
#define RESEND_NS PMM_NS_PER_S          /* a price that does not change is sent again this often: it is fresh, not forgotten */
#define WINDOW_NS (60 * PMM_NS_PER_S)   /* of every settlement average here */
#define BOUNDARY_NS (300 * PMM_NS_PER_S) /* windows end on multiples of this */
/* The average stamped T is reported to be that of the 60 seconds up to T - 3 s; its rule is not published (third-party checks, 2026-09). */
#define TWAP_LAG_NS (3 * PMM_NS_PER_S)

/* -- records out -- */

static void send(pmm_feeds_t *f, const pmm_md_t *md) { f->sink.md(f->sink.ctx, md, 1); }

static void send_price(pmm_feeds_t *f, uint32_t entry, int64_t value_e8, int64_t source_ns) {
  pmm_md_t const md = pmm_feed_md(entry, (pmm_under_kind_t)f->entry[entry].kind, value_e8, source_ns, pmm_net_now(f->net));
  send(f, &md);
}

static const char *why_text(uint8_t why) {
  return why == PMM_MERGE_OK ? "checked price" : why == PMM_MERGE_SPLIT ? "two sources disagree" : "not enough healthy sources";
}

/* Every change of "is there a price", and of the reason why not, is told once. */
static void tell_priced(pmm_feeds_t *f, uint32_t u, bool priced, uint8_t why) {
  pmm__under_t *const un = &f->under[u];
  if (un->told && un->priced == priced && un->why == why) return;
  bool const news = un->told || priced; /* before the first price there is nothing to lose */
  un->told = true;
  un->priced = priced;
  un->why = why;
  if (news) pmm_notice(&f->sink.notices, pmm_net_now(f->net), priced ? PMM_NOTE : PMM_ALERT, "feed", priced ? "priced" : "no-price", PMM_NOTICE_NO_MARKET, "%s: %s", un->id, why_text(why));
  if (news && f->sink.priced) f->sink.priced(f->sink.ctx, un->entry, priced, why_text(why));
}

static void evaluate(pmm_feeds_t *f, uint32_t u, int64_t mono_ns) {
  pmm__under_t *const un = &f->under[u];
  pmm_merged_t merged;
  if (f->raw || un->entry == NONE) return;
  bool const priced = pmm_merge_price(&un->merge, mono_ns, &merged) == PMM_OK;
  tell_priced(f, u, priced, merged.why);
  if (!priced || (merged.price_e8 == un->price_e8 && un->sent_ns != PMM_TIME_NONE && mono_ns - un->sent_ns < RESEND_NS)) return;
  un->price_e8 = merged.price_e8;
  un->sent_ns = mono_ns;
  send_price(f, un->entry, merged.price_e8, pmm_net_now(f->net));
}

/* -- settlement -- */

static void capture(pmm__link_t *l, pmm_settle_series_t *series, int64_t at_ns, int64_t value_e8, int64_t wall_ns) {
  if (series && pmm_settle_add(series, at_ns, value_e8, wall_ns) == PMM_CORRUPT) pmm__feed_tell(l, PMM__CONFLICT, PMM_ALERT, "conflict", "two values for one second of a settlement series");
}

/* In the minute before a boundary, from the oracle's own seconds: the mean of those that the average will hold. */
static void send_oracle_mean(pmm_feeds_t *f, const pmm__under_t *un, const pmm_feed_tick_t *t) {
  int64_t const end_ns = (t->source_ns + TWAP_LAG_NS + BOUNDARY_NS - 1) / BOUNDARY_NS * BOUNDARY_NS;
  uint32_t cnt;
  int64_t mean_e8;
  if (f->raw || !un->twap || un->entry == NONE || end_ns - TWAP_LAG_NS - t->source_ns >= WINDOW_NS) return;
  if (pmm_settle_mean(un->spot, end_ns, TWAP_LAG_NS, 60, &cnt, &mean_e8) != PMM_OK) return;
  pmm_md_t const md = pmm_feed_md_mean(un->entry, mean_e8, t->source_ns, pmm_net_now(f->net));
  send(f, &md);
}

/* The relay's mean of a quarter's last minute: what is in it is told by its count alone. The whole of it is the value at the boundary. */
static void on_mean(pmm_feeds_t *f, pmm__link_t *l, const pmm__under_t *un, const pmm_feed_tick_t *t) {
  if (t->flags & PMM_TICK_TRAILING) return;
  if (t->window_cnt == 60 && t->source_ns % BOUNDARY_NS == 0) capture(l, un->mean, t->source_ns, t->price_e8, pmm_net_now(f->net));
  if (f->raw || un->entry == NONE) return;
  pmm_md_t const md = pmm_feed_md_mean(un->entry, t->price_e8, t->source_ns, pmm_net_now(f->net));
  send(f, &md);
}

static void on_settling(pmm_feeds_t *f, pmm__link_t *l, const pmm__feed_t *fd, const pmm_feed_tick_t *t) {
  const pmm__under_t *const un = &f->under[fd->under];
  int64_t const wall_ns = pmm_net_now(f->net);
  switch ((pmm_feed_tick_kind_t)t->kind) {
  case PMM_TICK_TWAP:
    if (l->stream[fd->stream].window_s == 60) capture(l, un->twap, t->source_ns, t->price_e8, wall_ns);
    break;
  case PMM_TICK_SPOT:
    if (fd->channel == PMM_CHANNEL_INDEX_5HZ) break;
    capture(l, un->spot, t->source_ns, t->price_e8, wall_ns);
    if (!(t->flags & PMM_TICK_HISTORY) && fd->channel == PMM_CHANNEL_SPOT) send_oracle_mean(f, un, t);
    break;
  case PMM_TICK_CANDLE:
    /* An open stands from the first trade on, a close when it is final: neither grows worse by coming late. */
    capture(l, un->open, t->start_ns, t->bid_e8, t->start_ns);
    if (t->flags & PMM_TICK_FINAL) capture(l, un->close, t->end_ns, t->price_e8, t->end_ns);
    break;
  case PMM_TICK_MEAN: on_mean(f, l, un, t); break;
  default: break;
  }
}

/* -- ticks -- */

static void tell_bits(pmm__link_t *l, const pmm__feed_t *fd, uint32_t bits) {
  const char *const name = fd->params->symbol;
  if (bits & PMM_MERGE_CONFLICT) pmm__feed_tell(l, PMM__CONFLICT, PMM_ALERT, "conflict", name);
  if (bits & PMM_MERGE_CLOCK) pmm__feed_tell(l, PMM__CLOCK, PMM_ALERT, "clock", name);
  if (bits & PMM_MERGE_LAGGING) pmm__feed_tell(l, PMM__LAG, PMM_WARN, "lag", name);
  if (bits & PMM_MERGE_HELD) pmm__feed_tell(l, PMM__JUMP, PMM_WARN, "jump", name);
}

static int64_t price_of(const pmm_feed_tick_t *t) { return t->kind == PMM_TICK_TOP ? t->bid_e8 + (t->ask_e8 - t->bid_e8) / 2 : t->price_e8; }

static bool is_news(const pmm_feed_tick_t *t) {
  if (t->kind == PMM_TICK_TOP && (t->bid_e8 <= 0 || t->ask_e8 <= t->bid_e8)) return false;
  return (t->kind == PMM_TICK_TRADE || t->kind == PMM_TICK_TOP || t->kind == PMM_TICK_SPOT || t->kind == PMM_TICK_TWAP) && !(t->flags & (PMM_TICK_HISTORY | PMM_TICK_LATE));
}

void pmm__on_tick(pmm_feeds_t *f, pmm__link_t *l, const pmm_feed_tick_t *t, int64_t mono_ns) {
  pmm__feed_t *const fd = &f->feed[l->feed_of[t->stream]];
  pmm__under_t *const un = &f->under[fd->under];
  int64_t const wall_ns = pmm_net_now(f->net);
  if (t->flags & PMM_TICK_GAP) fd->gaps++;
  bool const known_before = t->kind != PMM_TICK_BEAT && t->seq <= un->merge.source[fd->source].seq && un->merge.source[fd->source].has;
  tell_bits(l, fd, pmm_merge_tick(&un->merge, fd->source, t, mono_ns, wall_ns));
  on_settling(f, l, fd, t);
  if (!is_news(t) || known_before || price_of(t) <= 0) return;
  fd->prices++;
  fd->price_ns = mono_ns;
  fd->warned = false;
  if (t->source_ns != PMM_TIME_NONE) fd->lag_ns = wall_ns - t->source_ns;
  if (fd->entry != NONE) send_price(f, fd->entry, price_of(t), t->source_ns);
}

void pmm__after_frame(pmm_feeds_t *f, pmm__link_t *l, int64_t mono_ns) {
  uint32_t done = NONE;
  for (uint32_t i = 0; i < l->stream_cnt; i++) {
    uint32_t const u = f->feed[l->feed_of[i]].under;
    if (u != done) evaluate(f, u, mono_ns);
    done = u;
  }
}

void pmm__on_connected(pmm_feeds_t *f, pmm__link_t *l, bool up, int64_t mono_ns) {
  for (uint32_t i = 0; i < l->stream_cnt; i++) {
    const pmm__feed_t *const fd = &f->feed[l->feed_of[i]];
    pmm_merge_link(&f->under[fd->under].merge, fd->source, up, mono_ns);
  }
  pmm__after_frame(f, l, mono_ns);
}

void pmm__on_gap(pmm_feeds_t *f, pmm__link_t *l) {
  for (uint32_t i = 0; i < l->stream_cnt; i++) f->feed[l->feed_of[i]].gaps++;
}

static void warn_silent(pmm_feeds_t *f, pmm__feed_t *fd, int64_t mono_ns) {
  int64_t const warn_ns = f->under[fd->under].merge.source[fd->source].config.limits.warn_ns;
  if (fd->warned || fd->price_ns == PMM_TIME_NONE || warn_ns == PMM_NS_MAX || mono_ns - fd->price_ns <= warn_ns) return;
  fd->warned = true;
  pmm__feed_tell(&f->link[fd->link], PMM__STALE, PMM_WARN, "stale", fd->params->symbol);
}

static void on_timer(void *ctx) {
  pmm_feeds_t *const f = ctx;
  int64_t const mono_ns = pmm_net_mono(f->net);
  for (uint32_t i = 0; i < f->link_cnt; i++) pmm__link_beat(&f->link[i], mono_ns);
  for (uint32_t i = 0; i < f->feed_cnt; i++) warn_silent(f, &f->feed[i], mono_ns);
  int64_t next_ns = mono_ns + PMM__BEAT_NS;
  for (uint32_t u = 0; u < f->under_cnt; u++) {
    evaluate(f, u, mono_ns);
    next_ns = pmm_min64(next_ns, pmm_max64(mono_ns + PMM_NS_PER_MS, pmm_merge_next(&f->under[u].merge, mono_ns)));
  }
  pmm_net_timer_set(f->net, &f->timer, next_ns);
}

/* -- putting it together -- */

static uint32_t under_of(pmm_feeds_t *f, const char *id) {
  for (uint32_t u = 0; u < f->under_cnt; u++)
    if (strcmp(f->under[u].id, id) == 0) return u;
  pmm__under_t *const un = &f->under[f->under_cnt];
  size_t const len = strnlen(id, sizeof un->id - 1);
  memcpy(un->id, id, len);
  un->id[len] = '\0';
  un->entry = NONE;
  un->sent_ns = PMM_TIME_NONE;
  return f->under_cnt++;
}

static const char *base_of(const pmm_feed_params_t *p) { return p->url[0] ? p->url : pmm_feed_rules((pmm_feed_source_t)p->source)->url; }

static uint32_t link_of(pmm_feeds_t *f, const pmm_feed_params_t *p) {
  for (uint32_t i = 0; i < f->link_cnt; i++)
    if (f->link[i].source == (pmm_feed_source_t)p->source && strcmp(f->link[i].base, base_of(p)) == 0) return i;
  pmm__link_t *const l = &f->link[f->link_cnt];
  l->feeds = f;
  l->source = (pmm_feed_source_t)p->source;
  l->rules = pmm_feed_rules(l->source);
  l->name = p->name[0] ? p->name : pmm_feed_to_string(l->source);
  l->base = base_of(p);
  return f->link_cnt++;
}

static uint32_t add_entry(pmm_feeds_t *f, const char *id, const char *source, pmm_under_kind_t kind) {
  pmm_underlying_t *const e = &f->entry[f->entry_cnt];
  snprintf(e->id, sizeof e->id, "%.*s", PMM_ID_MAX - 1, id);
  snprintf(e->source, sizeof e->source, "%.*s", PMM_ID_MAX - 1, source);
  e->kind = (uint8_t)kind;
  return f->entry_cnt++;
}

static pmm_status_t add_feed(pmm_feeds_t *f, uint32_t i, pmm_error_t *err) {
  const pmm_feed_params_t *const p = &f->params[i];
  pmm_feed_stream_t stream;
  pmm_status_t const st = pmm__stream_of_params(p, &stream, err);
  if (st != PMM_OK) return st;
  pmm__feed_t *const fd = &f->feed[i];
  *fd = (pmm__feed_t){.params = p, .entry = NONE, .channel = stream.channel, .lag_ns = PMM_TIME_NONE, .price_ns = PMM_TIME_NONE};
  fd->link = link_of(f, p);
  fd->under = under_of(f, p->underlying);
  pmm__link_t *const l = &f->link[fd->link];
  for (uint32_t k = 0; k < l->stream_cnt; k++)
    if (l->stream[k].channel == stream.channel && l->stream[k].window_s == stream.window_s && strcmp(l->stream[k].symbol, stream.symbol) == 0)
      return pmm_error_set(err, PMM_INVAL, "feed %s %s stands twice", pmm_feed_to_string(l->source), stream.symbol);
  fd->stream = l->stream_cnt;
  l->feed_of[l->stream_cnt] = i;
  if (stream.channel != PMM_CHANNEL_CANDLE) l->price_mask |= UINT64_C(1) << l->stream_cnt; /* candles may take a while */
  l->stream[l->stream_cnt++] = stream;
  return PMM_OK;
}

/* How well a feed serves to measure bases against: what settles, as it is now; else an oracle; else a dollar price; else the average. 0: not. */
static int reference_rank(const pmm_feeds_t *f, const pmm__feed_t *fd) {
  const pmm_feed_stream_t *const s = &f->link[fd->link].stream[fd->stream];
  bool const oracle = s->channel == PMM_CHANNEL_SPOT || s->channel == PMM_CHANNEL_INDEX || s->channel == PMM_CHANNEL_INDEX_5HZ;
  if (oracle) return fd->params->settlement ? 5 : 4;
  if (s->channel == PMM_CHANNEL_TWAP) return 2;
  bool const price = s->channel == PMM_CHANNEL_TOP || s->channel == PMM_CHANNEL_TRADE || s->channel == PMM_CHANNEL_AGG_TRADE;
  return price && !pmm__is_foreign(s, f->link[fd->link].source) ? 3 : 0;
}

static uint32_t reference_of(const pmm_feeds_t *f, uint32_t u) {
  uint32_t best = NONE;
  for (uint32_t i = 0; i < f->feed_cnt; i++)
    if (f->feed[i].under == u && reference_rank(f, &f->feed[i]) > (best == NONE ? 0 : reference_rank(f, &f->feed[best]))) best = i;
  return best;
}

static bool has_direct(const pmm_feeds_t *f, uint32_t u) { /* Binance itself, beside its relay */
  for (uint32_t i = 0; i < f->feed_cnt; i++)
    if (f->feed[i].under == u && f->feed[i].params->source == PMM_FEED_BINANCE && f->feed[i].channel != PMM_CHANNEL_CANDLE) return true;
  return false;
}

static pmm_merge_source_config_t source_config(const pmm_feeds_t *f, uint32_t i, uint32_t reference) {
  const pmm__feed_t *const fd = &f->feed[i];
  const pmm_feed_params_t *const p = fd->params;
  const pmm_feed_stream_t *const s = &f->link[fd->link].stream[fd->stream];
  pmm_merge_source_config_t c = {.limits = pmm_feed_limits((pmm_feed_source_t)p->source, (pmm_feed_channel_t)fd->channel), .reference = i == reference};
  if (p->warn_ns > 0) c.limits.warn_ns = p->warn_ns;
  if (p->stale_ns > 0) c.limits.stale_ns = p->stale_ns;
  c.aside = fd->channel == PMM_CHANNEL_TWAP || fd->channel == PMM_CHANNEL_CANDLE || (fd->channel == PMM_CHANNEL_RELAY && has_direct(f, fd->under));
  c.foreign = reference != NONE && pmm__is_foreign(s, (pmm_feed_source_t)p->source); /* nothing to compare with: the price is in that currency */
  c.window_s = fd->channel == PMM_CHANNEL_TWAP ? s->window_s : 0;
  return c;
}

static pmm_status_t set_up_merge(pmm_feeds_t *f, uint32_t u, pmm_error_t *err) {
  pmm__under_t *const un = &f->under[u];
  pmm_merge_source_config_t config[PMM_MERGE_SOURCES_MAX];
  uint32_t const reference = reference_of(f, u);
  uint32_t cnt = 0;
  for (uint32_t i = 0; i < f->feed_cnt; i++) {
    if (f->feed[i].under != u) continue;
    f->feed[i].source = cnt;
    un->feed_of[cnt] = i;
    config[cnt++] = source_config(f, i, reference);
  }
  pmm_status_t const st = pmm_merge_init(&un->merge, &f->merge_params, config, cnt);
  return st == PMM_OK ? st : pmm_error_set(err, st, "merge: a parameter out of range");
}

static bool carries(const pmm_feeds_t *f, uint32_t u, pmm_feed_channel_t channel) {
  for (uint32_t i = 0; i < f->feed_cnt; i++)
    if (f->feed[i].under == u && f->feed[i].channel == channel) return true;
  return false;
}

static pmm_status_t new_series(pmm_settle_series_t **series, bool wanted) {
  if (!wanted) return PMM_OK;
  *series = malloc(sizeof **series);
  if (!*series) return PMM_FULL;
  pmm_settle_init(*series);
  return PMM_OK;
}

static pmm_status_t set_up_series(pmm_feeds_t *f, uint32_t u) {
  pmm__under_t *const un = &f->under[u];
  bool const candles = carries(f, u, PMM_CHANNEL_CANDLE), index = carries(f, u, PMM_CHANNEL_INDEX);
  bool const ok = new_series(&un->twap, carries(f, u, PMM_CHANNEL_TWAP)) == PMM_OK && new_series(&un->spot, index || carries(f, u, PMM_CHANNEL_SPOT)) == PMM_OK &&
                  new_series(&un->mean, index) == PMM_OK && new_series(&un->open, candles) == PMM_OK && new_series(&un->close, candles) == PMM_OK;
  return ok ? PMM_OK : PMM_FULL;
}

/* Checked: an entry for each underlying with a price of now, and one for each averaged series. Raw: an entry for each feed. */
static void set_up_entries(pmm_feeds_t *f) {
  for (uint32_t u = 0; u < f->under_cnt && !f->raw; u++)
    for (uint32_t k = 0; k < f->under[u].merge.source_cnt; k++)
      if (!f->under[u].merge.source[k].config.aside && f->under[u].entry == NONE) f->under[u].entry = add_entry(f, f->under[u].id, "merged", PMM_UNDER_ORACLE);
  for (uint32_t i = 0; i < f->feed_cnt; i++) {
    pmm__feed_t *const fd = &f->feed[i];
    bool const averaged = fd->channel == PMM_CHANNEL_TWAP;
    if (fd->channel == PMM_CHANNEL_CANDLE || (!f->raw && !averaged)) continue;
    const char *const name = fd->params->name[0] ? fd->params->name : pmm_feed_to_string((pmm_feed_source_t)fd->params->source);
    fd->entry = add_entry(f, fd->params->underlying, name, pmm_feed_under_kind((pmm_feed_channel_t)fd->channel));
  }
}

static pmm_status_t set_up(pmm_feeds_t *f, const pmm_feeds_config_t *config, pmm_error_t *err) {
  pmm_status_t st = PMM_OK;
  memcpy(f->params, config->feed, config->feed_cnt * sizeof f->params[0]);
  for (uint32_t i = 0; i < config->feed_cnt && st == PMM_OK; i++, f->feed_cnt++) st = add_feed(f, i, err);
  for (uint32_t u = 0; u < f->under_cnt && st == PMM_OK; u++) st = set_up_merge(f, u, err);
  for (uint32_t u = 0; u < f->under_cnt && st == PMM_OK; u++)
    if ((st = set_up_series(f, u)) != PMM_OK) pmm_error_set(err, st, "out of memory");
  if (st != PMM_OK) return st;
  set_up_entries(f);
  for (uint32_t i = 0; i < f->link_cnt && st == PMM_OK; i++) {
    st = pmm__login_take(&f->link[i], &config->secrets, err);
    if (st == PMM_OK) st = pmm__feed_link_open(&f->link[i], err);
  }
  return st;
}

pmm_status_t pmm_feed_open(pmm_feeds_t **feeds, pmm_net_t *net, const pmm_feeds_config_t *config, const pmm_feed_sink_t *sink, pmm_error_t *err) {
  if (config->feed_cnt == 0 || config->feed_cnt > PMM_FEEDS_MAX) return pmm_error_set(err, PMM_INVAL, "between 1 and %d feeds, not %u", PMM_FEEDS_MAX, config->feed_cnt);
  pmm_feeds_t *const f = calloc(1, sizeof *f);
  if (!f) return pmm_error_set(err, PMM_FULL, "out of memory");
  f->net = net;
  f->sink = *sink;
  f->raw = config->raw;
  f->merge_params = *config->merge;
  f->timer = (pmm_timer_t){.fn = on_timer, .ctx = f};
  pmm_status_t const st = set_up(f, config, err);
  if (st != PMM_OK) {
    pmm_feed_close(f);
    return st;
  }
  pmm_net_timer_set(net, &f->timer, pmm_net_mono(net) + PMM__BEAT_NS);
  *feeds = f;
  return PMM_OK;
}

void pmm_feed_close(pmm_feeds_t *f) {
  if (!f) return;
  pmm_net_timer_stop(f->net, &f->timer);
  for (uint32_t i = 0; i < f->link_cnt; i++) pmm__link_close(&f->link[i]);
  for (uint32_t u = 0; u < f->under_cnt; u++) {
    pmm__under_t *const un = &f->under[u];
    free(un->twap), free(un->spot), free(un->mean), free(un->open), free(un->close);
  }
  free(f);
}

const pmm_underlying_t *pmm_feed_underlyings(const pmm_feeds_t *f, uint32_t *cnt) {
  *cnt = f->entry_cnt;
  return f->entry;
}

/* -- questions -- */

/* The underlying with a feed that speaks of the series' symbol, in that feed's words. */
static pmm__under_t *under_of_series(pmm_feeds_t *f, const pmm_series_t *s, pmm_feed_channel_t channel) {
  for (uint32_t i = 0; i < f->feed_cnt; i++) {
    const pmm__feed_t *const fd = &f->feed[i];
    const char *a = f->link[fd->link].stream[fd->stream].symbol, *b = s->symbol;
    if (fd->channel != channel) continue;
    for (; *a && *b; a++, b++) {
      if (*a == '/') a++; /* btc/usd and btcusd are one */
      if (*a != *b) break;
    }
    if (!*a && !*b) return &f->under[fd->under];
  }
  return NULL;
}

static pmm_settle_series_t *series_of(pmm_feeds_t *f, const pmm_series_t *s, bool at_end) {
  pmm__under_t *un;
  switch ((pmm_settles_on_t)s->settles_on) {
  case PMM_SETTLES_CHAINLINK_TWAP60: return (un = under_of_series(f, s, PMM_CHANNEL_TWAP)) ? un->twap : NULL;
  case PMM_SETTLES_CF_MEAN60: return (un = under_of_series(f, s, PMM_CHANNEL_INDEX)) ? un->mean : NULL;
  case PMM_SETTLES_BINANCE_1H: return (un = under_of_series(f, s, PMM_CHANNEL_CANDLE)) ? at_end ? un->close : un->open : NULL;
  case PMM_SETTLES_BINANCE_1M: return (un = under_of_series(f, s, PMM_CHANNEL_CANDLE)) ? un->close : NULL;
  default: return NULL;
  }
}

/* The candle of the minute that begins at the boundary closes a minute later. */
static int64_t instant_of(const pmm_series_t *s, bool at_end) {
  int64_t const at_ns = at_end ? s->end_ns : s->start_ns;
  return at_ns != PMM_TIME_NONE && s->settles_on == PMM_SETTLES_BINANCE_1M ? at_ns + 60 * PMM_NS_PER_S : at_ns;
}

/* Where the relay's whole minute was missed, our own seconds of it stand in: all sixty of them, or nothing. */
static pmm_status_t own_minute(pmm_feeds_t *f, const pmm_series_t *s, int64_t at_ns, pmm_settle_print_t *out) {
  const pmm__under_t *const un = under_of_series(f, s, PMM_CHANNEL_INDEX);
  uint32_t cnt;
  int64_t mean_e8;
  if (!un || !un->spot || pmm_settle_mean(un->spot, at_ns, 0, 60, &cnt, &mean_e8) != PMM_OK || cnt != 60) return PMM_NOT_FOUND;
  *out = (pmm_settle_print_t){.at_ns = at_ns, .value_e8 = mean_e8, .recv_ns = pmm_net_now(f->net), .flags = PMM_SETTLE_PROVISIONAL};
  return PMM_OK;
}

pmm_status_t pmm_feed_value(pmm_feeds_t *f, const pmm_series_t *s, bool at_end, pmm_settle_print_t *out) {
  pmm_settle_series_t *const series = series_of(f, s, at_end);
  int64_t const at_ns = instant_of(s, at_end);
  pmm_settle_print_t p;
  if (!series) return PMM_UNSUPPORTED;
  if (at_ns == PMM_TIME_NONE) return PMM_INVAL;
  pmm_status_t st = pmm_settle_at(series, at_ns, pmm_net_now(f->net), &p);
  if (st != PMM_OK && s->settles_on == PMM_SETTLES_CF_MEAN60 && pmm_net_now(f->net) - at_ns >= PMM_SETTLE_LATE_NS) st = own_minute(f, s, at_ns, &p);
  if (st != PMM_OK) return st;
  if (s->decimals >= 0) p.value_e8 = pmm_settle_round(p.value_e8, s->decimals);
  *out = p;
  return PMM_OK;
}

pmm_status_t pmm_feed_verify(pmm_feeds_t *f, const pmm_series_t *s, bool at_end, int64_t published_e8) {
  pmm_settle_series_t *const series = series_of(f, s, at_end);
  pmm_settle_print_t p;
  if (!series) return PMM_UNSUPPORTED;
  if (s->decimals < 0) {
    pmm_status_t const st = pmm_settle_verify(series, instant_of(s, at_end), published_e8);
    if (st == PMM_CORRUPT) pmm_notice(&f->sink.notices, pmm_net_now(f->net), PMM_ALERT, "feed", "mismatch", PMM_NOTICE_NO_MARKET, "%s: the venue settles on another value than we saw", s->symbol);
    return st;
  }
  pmm_status_t const st = pmm_feed_value(f, s, at_end, &p);
  if (st != PMM_OK) return st == PMM_NOT_READY ? PMM_NOT_FOUND : st;
  series->checked++;
  if (p.value_e8 == published_e8) return PMM_OK;
  series->mismatches++;
  pmm_notice(&f->sink.notices, pmm_net_now(f->net), PMM_ALERT, "feed", "mismatch", PMM_NOTICE_NO_MARKET, "%s: the venue settles on another value than we saw", s->symbol);
  return PMM_CORRUPT;
}

pmm_status_t pmm_feed_status(const pmm_feeds_t *f, uint32_t feed, pmm_feed_status_t *out) {
  if (feed >= f->feed_cnt) return PMM_INVAL;
  const pmm__feed_t *const fd = &f->feed[feed];
  const pmm__link_t *const l = &f->link[fd->link];
  const pmm_merge_source_t *const s = &f->under[fd->under].merge.source[fd->source];
  int64_t const age_ns = fd->price_ns == PMM_TIME_NONE ? PMM_NS_MAX : pmm_net_mono(f->net) - fd->price_ns;
  *out = (pmm_feed_status_t){.name = l->name, .underlying = fd->params->underlying, .connected = s->connected, .age_ns = age_ns, .lag_ns = fd->lag_ns,
                             .healthy = s->connected && s->live && !s->out && !s->conflict && !s->crossed && !s->lagging && age_ns <= s->config.limits.stale_ns,
                             .basis_bps = s->basis.has ? s->basis.value * 1e4 : 0, .messages = l->messages, .prices = fd->prices, .parse_errors = l->parse_errors,
                             .gaps = fd->gaps, .late = s->late, .conflicts = s->conflicts, .jumps = s->jumps, .drops = s->drops, .connections = l->connections};
  return PMM_OK;
}
