#include "timeline.h"
#include <stdlib.h>

static pmm_status_t no_memory(const pmm__import_t *im) { return pmm_error_set(im->err, PMM_FULL, "import: out of memory"); }

void pmm__timeline_fini(pmm__timeline_t *t) {
  free(t->moment);
  free(t->listed);
  pmm__names_fini(&t->names);
  *t = (pmm__timeline_t){0};
}

pmm_status_t pmm__timeline_market(pmm__import_t *im, pmm__timeline_t *t, const char *id, uint32_t *index, bool *is_new) {
  size_t const len = strlen(id);
  *index = pmm__names_find(&t->names, id, len);
  *is_new = *index == PMM__NAME_NONE;
  if (!*is_new) return PMM_OK;
  if (t->names.cnt == t->listed_cap) {
    uint32_t const cap = t->listed_cap ? t->listed_cap * 2 : 64;
    pmm__listed_t *const grown = realloc(t->listed, cap * sizeof *grown);
    if (!grown) return no_memory(im);
    t->listed = grown;
    t->listed_cap = cap;
  }
  *index = t->names.cnt;
  t->listed[*index] = (pmm__listed_t){.last_at_ns = PMM_TIME_NONE};
  pmm_market_init(&t->listed[*index].desc, id);
  return pmm__names_add(&t->names, id, len) == PMM_OK ? PMM_OK : no_memory(im);
}

pmm_status_t pmm__timeline_add(pmm__import_t *im, pmm__timeline_t *t, const pmm__moment_t *moment) {
  if (t->cnt == t->cap) {
    size_t const cap = t->cap ? t->cap * 2 : 4096;
    pmm__moment_t *const grown = realloc(t->moment, cap * sizeof *grown);
    if (!grown) return no_memory(im);
    t->moment = grown;
    t->cap = cap;
  }
  t->moment[t->cnt] = *moment;
  t->moment[t->cnt].order = t->cnt;
  t->cnt++;
  return PMM_OK;
}

static int by_time(const void *a, const void *b) {
  const pmm__moment_t *const x = a, *const y = b;
  if (x->at_ns != y->at_ns) return x->at_ns < y->at_ns ? -1 : 1;
  return x->order < y->order ? -1 : 1;
}

static void sort(pmm__timeline_t *t) {
  if (t->cnt > 1) qsort(t->moment, t->cnt, sizeof *t->moment, by_time);
  for (size_t i = 0; i < t->cnt; i++) t->moment[i].order = i;
}

/* After best prices that stood for longer than the gap comes the moment when trust ends. */
static pmm_status_t add_gaps(pmm__import_t *im, pmm__timeline_t *t) {
  size_t const cnt = t->cnt;
  for (size_t i = 0; i < cnt; i++) {
    const pmm__moment_t m = t->moment[i];
    if (m.kind != PMM__MOMENT_TOP) continue;
    int64_t *const last_ns = &t->listed[m.who].last_at_ns;
    pmm__moment_t const gap = {.kind = PMM__MOMENT_GAP, .who = m.who, .at_ns = *last_ns + im->gap_ns};
    pmm_status_t const st = *last_ns != PMM_TIME_NONE && m.at_ns - *last_ns > im->gap_ns ? pmm__timeline_add(im, t, &gap) : PMM_OK;
    if (st != PMM_OK) return st;
    *last_ns = m.at_ns;
  }
  sort(t);
  for (uint32_t i = 0; i < t->names.cnt; i++) t->listed[i].last_at_ns = PMM_TIME_NONE;
  return PMM_OK;
}

static pmm_status_t list(pmm__import_t *im, pmm__listed_t *l) {
  if (l->market) return PMM_OK;
  pmm_status_t const st = pmm__market_add(im, &l->desc, &l->market);
  return st == PMM_OK && l->outcome != PMM_OUTCOME_UNKNOWN ? pmm__market_resolve(im, l->market, l->outcome) : st;
}

static pmm_status_t play_top(pmm__import_t *im, pmm__listed_t *l, const pmm__moment_t *m) {
  pmm__top_t const top = {.price_e4 = {m->price_e4[PMM_BID], m->price_e4[PMM_ASK]}};
  if (m->value < 0) return pmm__message_top(im, &top);
  if (__builtin_add_overflow(l->volume_e6, m->value, &l->volume_e6))
    return pmm_error_set(im->err, PMM_OVERFLOW, "%s: volume of %.80s does not fit", im->source->name, l->desc.id);
  if (m->last_e4) l->market->last_price_e4 = m->last_e4;
  pmm_status_t const st = pmm__message_add(im, PMM_MD_VOLUME, 0, m->last_e4, l->volume_e6, 0);
  return st == PMM_OK ? pmm__message_top(im, &top) : st;
}

/* Sources repeat rows: one price of a time is enough. */
static bool is_repeated(pmm__listed_t *l, const pmm__moment_t *m) {
  if (l->last_at_ns == m->at_ns) return true;
  l->last_at_ns = m->at_ns;
  return false;
}

static pmm_status_t play_message(pmm__import_t *im, pmm__listed_t *l, const pmm__moment_t *m) {
  pmm_status_t st = list(im, l);
  if (st != PMM_OK) return st;
  if (is_repeated(l, m)) {
    im->stats->skipped++;
    return PMM_OK;
  }
  st = pmm__message_begin(im, l->market, m->at_ns, PMM_TIME_NONE);
  if (st == PMM_OK && m->kind == PMM__MOMENT_TOP) st = play_top(im, l, m);
  if (st == PMM_OK && m->kind == PMM__MOMENT_PRICE) st = pmm__message_add(im, PMM_MD_PRICE, 0, m->price_e4[0], 0, 0);
  return st == PMM_OK ? pmm__message_end(im) : st;
}

static pmm_status_t play_resolve(pmm__import_t *im, pmm__listed_t *l, const pmm__moment_t *m) {
  if (!l->market) return PMM_OK;
  pmm_status_t st = pmm__clock(im, m->at_ns);
  if (st == PMM_OK) st = pmm__market_resolve(im, l->market, (pmm_outcome_t)m->value);
  return st == PMM_OK ? pmm__market_close(im, l->market) : st;
}

static pmm_status_t play_gap(pmm__import_t *im, const pmm__listed_t *l, const pmm__moment_t *m) {
  pmm_status_t const st = pmm__clock(im, m->at_ns);
  return st == PMM_OK && l->market ? pmm__market_gap(im, l->market) : st;
}

static pmm_status_t play(pmm__import_t *im, pmm__timeline_t *t, const pmm__moment_t *m) {
  switch (m->kind) {
  case PMM__MOMENT_NONE: im->stats->skipped++; return PMM_OK;
  case PMM__MOMENT_UNDER: return pmm__underlying_tick(im, m->who, (pmm_under_kind_t)m->aux, m->at_ns, m->exch_ns, m->value);
  case PMM__MOMENT_GAP: return play_gap(im, &t->listed[m->who], m);
  case PMM__MOMENT_RESOLVE: return play_resolve(im, &t->listed[m->who], m);
  default: return play_message(im, &t->listed[m->who], m);
  }
}

pmm_status_t pmm__timeline_play(pmm__import_t *im, pmm__timeline_t *t) {
  sort(t);
  pmm_status_t st = im->gap_ns == PMM_NS_MAX ? PMM_OK : add_gaps(im, t);
  for (size_t i = 0; i < t->cnt && st == PMM_OK; i++) st = play(im, t, &t->moment[i]);
  return st;
}
