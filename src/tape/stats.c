/* What a tape holds, counted: records, spreads, depth, gaps and clocks of each market and underlying. */
#include <stdlib.h>
#include "book.h"
#include "pmm/tape.h"
#include "skew.h"

#define SIZE_UNIT_E6 10000 /* sizes enter their histogram in hundredths of a contract */

typedef struct stream {
  pmm_tape_stream_t *out;
  pmm__book_t book;
  pmm_grid_t grid;
  pmm__quantile_t spread, size[2];
  uint64_t one_tick;
  bool in_gap, closed;
  int64_t gap_since_ns;
  pmm__skew_t skew;
} stream_t;

typedef struct stats {
  const pmm_tape_t *tape;
  stream_t *stream; /* markets, then underlyings */
  uint32_t market_cnt, cnt;
  pmm__skew_t skew; /* of all markets together */
} stats_t;

static pmm_status_t start_stream(const stats_t *x, stream_t *s, const pmm_md_t *md) {
  if (s->out->first_ns != PMM_TIME_NONE) return PMM_OK;
  s->out->first_ns = md->recv_ns;
  if (pmm_kind_is_underlying(md->kind)) return PMM_OK;
  s->grid = pmm_tape_market(x->tape, md->market)->grid;
  return pmm__book_init(&s->book, s->grid.tick_e4);
}

static void end_gap(stream_t *s, int64_t now_ns) {
  if (s->in_gap) s->out->gap_longest_ns = pmm_max64(s->out->gap_longest_ns, now_ns - s->gap_since_ns);
  s->in_gap = false;
}

static void begin_gap(stream_t *s, const pmm_md_t *md) {
  s->out->gaps++;
  if (s->in_gap || s->closed) return;
  s->in_gap = true;
  s->gap_since_ns = md->exch_ns != PMM_TIME_NONE ? md->exch_ns : md->recv_ns;
}

static pmm_status_t take_record(stream_t *s, const pmm_md_t *md) {
  switch (md->kind) {
  case PMM_MD_LEVEL: (void)pmm__book_set(&s->book, (pmm_side_t)md->side, md->price_e4, md->qty_e6); return PMM_OK;
  case PMM_MD_CLEAR: pmm_ladder_clear(&s->book.ladder); end_gap(s, md->recv_ns); return PMM_OK;
  case PMM_MD_TRADE: s->out->volume_e6 += md->qty_e6; return PMM_OK;
  case PMM_MD_GAP: begin_gap(s, md); return PMM_OK;
  case PMM_MD_STATUS:
    s->closed = md->aux >= PMM_LIFE_CLOSED;
    if (s->closed) end_gap(s, md->recv_ns);
    return PMM_OK;
  case PMM_MD_TICK:
    (void)pmm_grid_uniform(&s->grid, md->price_e4); /* verify is who complains of a tick that is none */
    return pmm__book_regrid(&s->book, md->price_e4) == PMM_FULL ? PMM_FULL : PMM_OK;
  default: return PMM_OK;
  }
}

static pmm_status_t measure_sides(stream_t *s) {
  const pmm_ladder_t *const l = &s->book.ladder;
  pmm_status_t st = PMM_OK;
  for (int side = 0; side < 2 && st == PMM_OK; side++)
    if (l->best[side] != PMM_TICKS_NONE) st = pmm__quantile_add(&s->size[side], pmm_ladder_qty(l, (pmm_side_t)side, l->best[side]) / SIZE_UNIT_E6);
  return st;
}

/* The book at the end of a message. */
static pmm_status_t measure_book(stream_t *s) {
  const pmm_ladder_t *const l = &s->book.ladder;
  int32_t const bid_e4 = pmm_ladder_best_e4(l, PMM_BID), ask_e4 = pmm_ladder_best_e4(l, PMM_ASK);
  switch (pmm_ladder_state(l)) {
  case PMM_BOOK_EMPTY: return PMM_OK;
  case PMM_BOOK_ONE_SIDED: s->out->one_sided_msgs++; break;
  case PMM_BOOK_LOCKED: s->out->locked_msgs++; break;
  case PMM_BOOK_CROSSED: s->out->crossed_msgs++; return PMM_OK;
  case PMM_BOOK_NORMAL:
    s->one_tick += pmm_grid_up(&s->grid, bid_e4) >= ask_e4;
    if (pmm__quantile_add(&s->spread, ask_e4 - bid_e4) != PMM_OK) return PMM_FULL;
    break;
  }
  return measure_sides(s);
}

static pmm_status_t take_skew(stats_t *x, stream_t *s, const pmm_md_t *md) {
  if (!pmm__skew_counts(md)) return PMM_OK;
  pmm_status_t const st = pmm__skew_add(&s->skew, md->recv_ns, md->exch_ns);
  return st == PMM_OK && !pmm_kind_is_underlying(md->kind) ? pmm__skew_add(&x->skew, md->recv_ns, md->exch_ns) : st;
}

static pmm_status_t take(stats_t *x, const pmm_md_t *md) {
  stream_t *const s = &x->stream[md->market + (pmm_kind_is_underlying(md->kind) ? x->market_cnt : 0)];
  pmm_status_t st = start_stream(x, s, md);
  if (st != PMM_OK) return st;
  s->out->last_ns = md->recv_ns;
  s->out->records[md->kind]++;
  if (!pmm_kind_is_underlying(md->kind) && (st = take_record(s, md)) != PMM_OK) return st;
  if ((md->flags & (PMM_F_LAST | PMM_F_KEYFRAME)) == PMM_F_LAST) {
    s->out->messages++;
    if (!pmm_kind_is_underlying(md->kind) && !s->in_gap && !s->closed) st = measure_book(s);
  }
  return st == PMM_OK ? take_skew(x, s, md) : st;
}

static pmm_status_t take_all(stats_t *x, const pmm_tape_progress_t *progress, pmm_error_t *err) {
  pmm_tape_cursor_t *cursor;
  const pmm_md_t *md;
  size_t cnt;
  uint64_t done = 0;
  pmm_status_t st = pmm_tape_cursor_open(&cursor, x->tape, err);
  if (st != PMM_OK) return st;
  while ((st = pmm_tape_cursor_next(cursor, &md, &cnt, err)) == PMM_OK) {
    for (size_t i = 0; i < cnt && st == PMM_OK; i++) st = take(x, &md[i]);
    if (st != PMM_OK) {
      pmm_error_set(err, st, "tape stats: out of memory");
      break;
    }
    done += cnt;
    if (progress && progress->step) progress->step(progress->ctx, done, pmm_tape_info(x->tape)->records);
  }
  pmm_tape_cursor_close(cursor);
  return st == PMM_END ? PMM_OK : st;
}

static void finish_stream(stream_t *s) {
  pmm_tape_stream_t *const o = s->out;
  o->spread_cnt = s->spread.cnt;
  o->spread_median_e4 = (int32_t)pmm__quantile_at(&s->spread, 0.5);
  o->spread_p95_e4 = (int32_t)pmm__quantile_at(&s->spread, 0.95);
  o->one_tick_share = s->spread.cnt ? (double)s->one_tick / (double)s->spread.cnt : 0;
  for (int side = 0; side < 2; side++) o->best_qty_e6[side] = pmm__quantile_at(&s->size[side], 0.5) * SIZE_UNIT_E6;
  pmm__skew_result(&s->skew, &o->skew);
}

static void free_stream(stream_t *s) {
  pmm__book_fini(&s->book);
  pmm__quantile_fini(&s->spread);
  for (int side = 0; side < 2; side++) pmm__quantile_fini(&s->size[side]);
  pmm__skew_fini(&s->skew);
}

static void name_streams(stats_t *x, pmm_tape_stream_t *out) {
  const pmm_tape_info_t *const info = pmm_tape_info(x->tape);
  x->skew.first_ns = info->first_ns;
  x->skew.window_ns = (info->last_ns - info->first_ns) / PMM__SKEW_WINDOWS + 1;
  for (uint32_t i = 0; i < x->cnt; i++) {
    bool const under = i >= x->market_cnt;
    const pmm_underlying_t *const u = under ? pmm_tape_underlying(x->tape, i - x->market_cnt) : NULL;
    out[i] = (pmm_tape_stream_t){.id = under ? u->id : pmm_tape_market(x->tape, i)->id,
                                 .source = under ? u->source : NULL,
                                 .first_ns = PMM_TIME_NONE,
                                 .last_ns = PMM_TIME_NONE};
    x->stream[i] = (stream_t){.out = &out[i], .skew = {.first_ns = x->skew.first_ns, .window_ns = x->skew.window_ns}};
  }
}

pmm_status_t pmm_tape_stats(const pmm_tape_t *tape, const pmm_tape_progress_t *progress, pmm_tape_stats_t *out, pmm_error_t *err) {
  stats_t x = {.tape = tape, .market_cnt = pmm_tape_market_cnt(tape)};
  x.cnt = x.market_cnt + pmm_tape_underlying_cnt(tape);
  *out = (pmm_tape_stats_t){.market_cnt = x.market_cnt, .cnt = x.cnt};
  out->stream = calloc(x.cnt ? x.cnt : 1, sizeof *out->stream);
  x.stream = calloc(x.cnt ? x.cnt : 1, sizeof *x.stream);
  pmm_status_t st = PMM_FULL;
  if (out->stream && x.stream) {
    name_streams(&x, out->stream);
    st = take_all(&x, progress, err);
    for (uint32_t i = 0; i < x.cnt; i++) {
      finish_stream(&x.stream[i]);
      free_stream(&x.stream[i]);
    }
    pmm__skew_result(&x.skew, &out->skew);
    pmm__skew_fini(&x.skew);
  } else {
    pmm_error_set(err, PMM_FULL, "tape stats: out of memory");
  }
  free(x.stream);
  if (st != PMM_OK) pmm_tape_stats_fini(out);
  return st;
}

void pmm_tape_stats_fini(pmm_tape_stats_t *stats) {
  free(stats->stream);
  stats->stream = NULL;
}

/* -- a glance at the clocks: some blocks only -- */
static pmm_status_t sample_block(pmm_tape_cursor_t *cursor, int64_t at_ns, pmm__skew_t *skew, pmm_error_t *err) {
  const pmm_md_t *md;
  size_t cnt;
  pmm_status_t st = pmm_tape_cursor_seek(cursor, at_ns, err);
  if (st == PMM_OK) st = pmm_tape_cursor_next(cursor, &md, &cnt, err);
  for (size_t i = 0; st == PMM_OK && i < cnt; i++)
    if (!pmm_kind_is_underlying(md[i].kind) && pmm__skew_counts(&md[i])) st = pmm__skew_add(skew, md[i].recv_ns, md[i].exch_ns);
  return st;
}

pmm_status_t pmm_tape_skew(const pmm_tape_t *tape, pmm_tape_skew_t *out, pmm_error_t *err) {
  const pmm_tape_info_t *const info = pmm_tape_info(tape);
  int64_t const step_ns = (info->last_ns - info->first_ns) / PMM_TAPE_SKEW_BLOCKS + 1;
  pmm__skew_t skew = {0};
  pmm_tape_cursor_t *cursor;
  *out = (pmm_tape_skew_t){0};
  if (info->records == 0) return PMM_OK;
  pmm_status_t st = pmm_tape_cursor_open(&cursor, tape, err);
  if (st != PMM_OK) return st;
  for (int i = 0; i < PMM_TAPE_SKEW_BLOCKS && st == PMM_OK; i++) st = sample_block(cursor, info->first_ns + i * step_ns, &skew, err);
  pmm_tape_cursor_close(cursor);
  if (st == PMM_OK) pmm__skew_result(&skew, out);
  pmm__skew_fini(&skew);
  return st;
}
