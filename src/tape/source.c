/* Sources of an import: opening, the next line, and the merge. */
#include <stdlib.h>
#include "csv.h"

static void forget_line(pmm__source_t *s) {
  s->text = NULL;
  s->root = NULL;
  s->json_at = 0;
}

void pmm__source_close(pmm__source_t *s) {
  if (s->input) s->done_bytes = pmm__input_consumed(s->input);
  pmm__input_close(s->input);
  pmm_json_free(s->json);
  pmm_json_free(s->inner);
  free(s->inner_text);
  pmm__csv_close(s->csv);
  free(s->own);
  s->input = NULL;
  s->json = NULL;
  s->csv = NULL;
  s->inner = NULL;
  s->inner_text = NULL;
  s->own = NULL;
  forget_line(s);
}

pmm_status_t pmm__source_open(pmm__import_t *im, pmm__source_t *s) {
  im->source = s;
  pmm_status_t const st =
      s->path ? pmm__input_open(&s->input, s->path, im->err) : pmm__input_memory(&s->input, s->name, s->data, s->len, im->err);
  if (st != PMM_OK) return st;
  s->json = pmm_json_new();
  return s->json ? PMM_OK : pmm_error_set(im->err, PMM_FULL, "%s: out of memory", s->name);
}

static pmm_status_t parse(pmm__import_t *im, pmm__source_t *s, size_t len) {
  size_t at;
  const char *why;
  pmm_status_t const st = pmm_json_parse(s->json, s->text, len, &s->root, &at, &why);
  if (st == PMM_OK) return PMM_OK;
  return pmm_error_set(im->err, st, "%s:%llu: byte %zu: %s", s->name, (unsigned long long)pmm__input_line_no(s->input), at + 1, why);
}

pmm_status_t pmm__source_line(pmm__import_t *im, pmm__source_t *s) {
  size_t len;
  im->source = s;
  forget_line(s);
  pmm_status_t const st = pmm__input_line(s->input, &s->text, &len, im->err);
  return st == PMM_OK ? parse(im, s, len) : st;
}

pmm_status_t pmm__source_whole(pmm__import_t *im, pmm__source_t *s) {
  size_t len;
  im->source = s;
  forget_line(s);
  pmm_status_t const st = pmm__input_rest(s->input, &s->text, &len, im->err);
  return st == PMM_OK ? parse(im, s, len) : st;
}

static pmm_status_t end_source(pmm__source_t *s) {
  pmm__source_close(s);
  s->ended = true;
  return PMM_OK;
}

/* Between two items further apart than the gap, or after the last, comes the moment when trust ends. It lies the gap's length
   after the first, as anybody would have known it then. */
static void note_silence(const pmm__import_t *im, pmm__source_t *s, int64_t before_ns, bool last) {
  if (im->gap_ns == PMM_NS_MAX || (!last && s->recv_ns - before_ns <= im->gap_ns)) return;
  s->silent = true;
  s->held_ns = last ? PMM_NS_MAX : s->recv_ns;
  s->recv_ns = before_ns + im->gap_ns;
}

static pmm_status_t advance(pmm__import_t *im, pmm__source_t *s, pmm__next_fn next, bool first) {
  int64_t const before_ns = s->recv_ns;
  pmm_status_t const st = next(im, s);
  if (st != PMM_OK && st != PMM_END) return st;
  if (!first) note_silence(im, s, before_ns, st == PMM_END);
  return st == PMM_OK || s->silent ? PMM_OK : end_source(s);
}

pmm_status_t pmm__sources_first(pmm__import_t *im, pmm__source_t *s, size_t cnt, pmm__next_fn next) {
  pmm_import_stats_t const stats = *im->stats; /* what is passed over here is passed over again */
  for (size_t i = 0; i < cnt; i++) {
    if (s[i].ended) continue; /* already read for another purpose */
    pmm_status_t st = pmm__source_open(im, &s[i]);
    if (st == PMM_OK) st = advance(im, &s[i], next, true);
    pmm__source_close(&s[i]);
    if (st != PMM_OK) return st;
    if (!s[i].ended) s[i].done_bytes = 0;
    *im->stats = stats;
  }
  return PMM_OK;
}

static bool comes_before(const pmm__source_t *a, const pmm__source_t *b) {
  if (a->recv_ns != b->recv_ns) return a->recv_ns < b->recv_ns;
  return a->rank != b->rank ? a->rank < b->rank : a->seq < b->seq;
}

static int by_start(const void *a, const void *b) {
  const pmm__source_t *const x = a, *const y = b;
  if (comes_before(x, y)) return -1;
  if (comes_before(y, x)) return 1;
  return x->order < y->order ? -1 : 1;
}

/* Sources are sorted by their beginning, so the first that is not open yet ends the search. */
static pmm__source_t *earliest(pmm__source_t *s, size_t cnt) {
  pmm__source_t *best = NULL;
  for (size_t i = 0; i < cnt; i++) {
    if (s[i].ended) continue;
    if (!best || comes_before(&s[i], best)) best = &s[i];
    if (!s[i].input) break;
  }
  return best;
}

void pmm__progress(const pmm__import_t *im) {
  if (!im->opts->progress || im->stats->lines % 1024 != 0) return;
  uint64_t done = 0;
  for (size_t i = 0; i < im->source_cnt; i++) {
    const pmm__source_t *const s = &im->sources[i];
    done += s->input ? pmm__input_consumed(s->input) : s->done_bytes;
  }
  im->opts->progress(im->opts->ctx, done, im->total_bytes);
}

static pmm_status_t fall_silent(pmm__import_t *im, pmm__source_t *s) {
  pmm_status_t st = pmm__clock(im, s->recv_ns);
  for (uint32_t i = 0; i < im->market_cnt && st == PMM_OK; i++)
    if (im->market[i]->source == s->order) st = pmm__market_gap(im, im->market[i]);
  s->silent = false;
  s->recv_ns = s->held_ns;
  return st == PMM_OK && s->held_ns == PMM_NS_MAX ? end_source(s) : st;
}

static pmm_status_t step(pmm__import_t *im, pmm__source_t *s, pmm__next_fn next, pmm__item_fn item) {
  pmm_status_t st;
  if (s->silent) return fall_silent(im, s);
  bool const first = !s->input;
  if (first) { /* known by its first line; now it is wanted */
    st = pmm__source_open(im, s);
  } else {
    im->source = s;
    im->stats->lines++;
    st = item(im, s);
    pmm__progress(im);
  }
  return st == PMM_OK ? advance(im, s, next, first) : st;
}

/* Are there only silences left? Nothing comes after them that they could spoil. */
static bool all_said(const pmm__source_t *s, size_t cnt) {
  for (size_t i = 0; i < cnt; i++)
    if (!s[i].ended && !(s[i].silent && s[i].held_ns == PMM_NS_MAX)) return false;
  return true;
}

pmm_status_t pmm__sources_merge(pmm__import_t *im, pmm__source_t *s, size_t cnt, pmm__next_fn next, pmm__item_fn item) {
  pmm__source_t *now;
  qsort(s, cnt, sizeof *s, by_start);
  while ((now = earliest(s, cnt)) != NULL) {
    if (now->silent && all_said(s, cnt)) {
      end_source(now);
      continue;
    }
    pmm_status_t const st = step(im, now, next, item);
    if (st != PMM_OK) return st;
    while (cnt > 0 && s->ended) s++, cnt--;
  }
  return PMM_OK;
}
