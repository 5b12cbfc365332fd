/* A part of a tape: some markets, some time. What went before the cut is replayed and enters as one state, so that a reader
   of the part knows what a reader of the whole knew. */
#include <fnmatch.h>
#include <stdlib.h>
#include "book.h"
#include "format.h"
#include "provenance.h"

#define LEFT_OUT UINT32_MAX

typedef struct cut_market {
  uint32_t index; /* on the new tape, or LEFT_OUT */
  pmm__book_t book;
  bool book_known, in_gap;
  pmm_md_t last;                                                  /* the record before the cut, for its times and number; kind 0: none */
  pmm_md_t status, tick, phase, settlement, strike, volume, price, gap; /* the last of each; kind 0: none */
} cut_market_t;

typedef struct cut {
  const pmm_tape_t *tape;
  const pmm_tape_cut_opts_t *opts;
  pmm_tape_writer_t *writer;
  cut_market_t *market;
  uint32_t *underlying;    /* index on the new tape, or LEFT_OUT */
  pmm_md_t *value, *mean;  /* [underlying] the last before the cut; kind 0: none */
  uint32_t kept_cnt;
  bool started; /* the state stands on the tape */
  pmm_tape_cut_stats_t *stats;
  pmm_error_t *err;
} cut_t;

static bool is_underlying(const pmm_md_t *md) { return md->kind == PMM_MD_UNDERLYING || md->kind == PMM_MD_SETTLE_MEAN; }

static pmm_status_t no_memory(const cut_t *c) { return pmm_error_set(c->err, PMM_FULL, "tape cut: out of memory"); }

/* -- what is kept -- */
static bool matches(const char *const *glob, size_t cnt, const char *id) {
  for (size_t i = 0; i < cnt; i++)
    if (fnmatch(glob[i], id, 0) == 0) return true;
  return false;
}

/* Named by the user; else, with only some markets kept, those that settle them. */
static bool wants_underlying(const cut_t *c, const pmm_underlying_t *u) {
  const pmm_tape_cut_opts_t *const o = c->opts;
  if (o->underlying_cnt > 0) return matches(o->underlying, o->underlying_cnt, u->id);
  if (o->market_cnt == 0) return true;
  for (uint32_t i = 0; i < pmm_tape_market_cnt(c->tape); i++) {
    const pmm_market_t *const m = pmm_tape_market(c->tape, i);
    if (matches(o->market, o->market_cnt, m->id) && m->underlying != PMM_UNDER_NONE &&
        strcmp(pmm_tape_underlying(c->tape, m->underlying)->id, u->id) == 0)
      return true;
  }
  return false;
}

static pmm_status_t keep_underlyings(cut_t *c) {
  pmm_status_t st = PMM_OK;
  for (uint32_t i = 0; i < pmm_tape_underlying_cnt(c->tape) && st == PMM_OK; i++) {
    const pmm_underlying_t *const u = pmm_tape_underlying(c->tape, i);
    c->underlying[i] = LEFT_OUT;
    if (!wants_underlying(c, u)) continue;
    c->stats->underlyings++;
    st = pmm_tape_add_underlying(c->writer, u, &c->underlying[i], c->err);
  }
  return st;
}

/* Writes a market's row, with the life it has at the start of the new tape. */
static pmm_status_t put_market(cut_t *c, uint32_t i) {
  pmm_market_t desc = *pmm_tape_market(c->tape, i);
  if (desc.underlying != PMM_UNDER_NONE) desc.underlying = c->underlying[desc.underlying]; /* LEFT_OUT is PMM_UNDER_NONE */
  if (c->market[i].status.kind) desc.life = c->market[i].status.aux;
  return pmm_tape_add_market(c->writer, &desc, &c->market[i].index, c->err);
}
_Static_assert(LEFT_OUT == PMM_UNDER_NONE, "an underlying that is left out is none");

static pmm_status_t keep_markets(cut_t *c) {
  pmm_status_t st = PMM_OK;
  for (uint32_t i = 0; i < pmm_tape_market_cnt(c->tape) && st == PMM_OK; i++) {
    c->market[i].index = LEFT_OUT;
    if (c->opts->market_cnt > 0 && !matches(c->opts->market, c->opts->market_cnt, pmm_tape_market(c->tape, i)->id)) continue;
    c->stats->markets++;
    st = put_market(c, i);
  }
  return st;
}

/* -- before the cut: replay -- */
static pmm_status_t open_book(cut_t *c, cut_market_t *m, uint32_t i) {
  if (m->book.memory) return PMM_OK;
  return pmm__book_init(&m->book, pmm_tape_market(c->tape, i)->grid.tick_e4) == PMM_OK ? PMM_OK : no_memory(c);
}

static pmm_status_t bad_record(const cut_t *c) {
  return pmm_error_set(c->err, PMM_CORRUPT, "tape cut: a level or tick off the grid; pmm tape verify says where");
}

static pmm_status_t replay(cut_t *c, cut_market_t *m, const pmm_md_t *md) {
  pmm_status_t const st = open_book(c, m, md->market);
  if (st != PMM_OK) return st;
  if (!(md->flags & PMM_F_KEYFRAME)) m->last = *md;
  switch (md->kind) {
  case PMM_MD_LEVEL:
    m->book_known = true;
    return pmm__book_set(&m->book, (pmm_side_t)md->side, md->price_e4, md->qty_e6) == PMM_OK ? PMM_OK : bad_record(c);
  case PMM_MD_CLEAR:
    pmm_ladder_clear(&m->book.ladder);
    m->book_known = true;
    m->in_gap = false;
    return PMM_OK;
  case PMM_MD_TICK: m->tick = *md; return pmm__book_regrid(&m->book, md->price_e4) == PMM_OK ? PMM_OK : bad_record(c);
  case PMM_MD_STATUS: m->status = *md; return PMM_OK;
  case PMM_MD_PHASE: m->phase = *md; return PMM_OK;
  case PMM_MD_SETTLEMENT: m->settlement = *md; return PMM_OK;
  case PMM_MD_STRIKE: m->strike = *md; return PMM_OK;
  case PMM_MD_VOLUME: m->volume = *md; return PMM_OK;
  case PMM_MD_PRICE: m->price = *md; return PMM_OK;
  case PMM_MD_GAP:
    m->gap = *md;
    m->in_gap = true;
    return PMM_OK;
  default: return PMM_OK;
  }
}

static pmm_status_t remember(cut_t *c, const pmm_md_t *md) {
  if (md->kind == PMM_MD_UNDERLYING) c->value[md->market] = *md;
  else if (md->kind == PMM_MD_SETTLE_MEAN) c->mean[md->market] = *md;
  else if (c->market[md->market].index != LEFT_OUT) return replay(c, &c->market[md->market], md);
  return PMM_OK;
}

/* -- at the cut: the state -- */
static pmm_status_t put(cut_t *c, const pmm_md_t *md) {
  c->stats->records++;
  return pmm_tape_append(c->writer, md, c->err);
}

/* A remembered record, now at the time of the cut; nothing when there is none. */
static pmm_status_t put_again(cut_t *c, pmm_md_t md, uint32_t index, int flags) {
  if (md.kind == PMM_KIND_NONE) return PMM_OK;
  md.recv_ns = c->opts->from_ns;
  md.market = index;
  md.flags = (uint8_t)((md.flags & ~PMM_F_LAST) | PMM_F_KEYFRAME | flags);
  c->stats->state_records++;
  return put(c, &md);
}

static pmm_status_t put_side(cut_t *c, const cut_market_t *m, pmm_side_t side, int *left) {
  const pmm_ladder_t *const l = &m->book.ladder;
  pmm_status_t st = PMM_OK;
  for (int32_t tick = l->best[side]; tick != PMM_TICKS_NONE && st == PMM_OK; tick = pmm_ladder_next(l, side, tick)) {
    pmm_md_t level = m->last;
    level.kind = PMM_MD_LEVEL;
    level.side = (uint8_t)side;
    level.price_e4 = tick * l->tick_e4;
    level.qty_e6 = pmm_ladder_qty(l, side, tick);
    level.aux = 0;
    level.flags = 0;
    st = put_again(c, level, m->index, PMM_F_SNAPSHOT | (--*left == 0 && !m->in_gap ? PMM_F_LAST : 0));
  }
  return st;
}

/* In a gap the book is stale: it stands on the tape for whoever compares, but nobody may act on it, so nothing ends it as
   a message and the gap follows at once. */
static pmm_status_t put_book(cut_t *c, const cut_market_t *m) {
  if (!m->book_known) return PMM_OK;
  int left = m->book.ladder.level_cnt[PMM_BID] + m->book.ladder.level_cnt[PMM_ASK];
  pmm_md_t const clear = {.exch_ns = m->last.exch_ns, .seq = m->last.seq, .kind = PMM_MD_CLEAR};
  pmm_status_t st = put_again(c, clear, m->index, PMM_F_SNAPSHOT | (left == 0 && !m->in_gap ? PMM_F_LAST : 0));
  if (st == PMM_OK) st = put_side(c, m, PMM_BID, &left);
  return st == PMM_OK ? put_side(c, m, PMM_ASK, &left) : st;
}

static pmm_status_t put_state(cut_t *c, uint32_t i) {
  cut_market_t *const m = &c->market[i];
  if (m->index == LEFT_OUT || m->last.kind == PMM_KIND_NONE) return PMM_OK;
  pmm_status_t st = put_market(c, i);
  if (st == PMM_OK) st = put_again(c, m->tick, m->index, 0);
  if (st == PMM_OK) st = put_again(c, m->status, m->index, 0);
  if (st == PMM_OK) st = put_again(c, m->phase, m->index, 0);
  if (st == PMM_OK) st = put_again(c, m->settlement, m->index, 0);
  if (st == PMM_OK) st = put_again(c, m->strike, m->index, 0);
  if (st == PMM_OK) st = put_again(c, m->volume, m->index, 0);
  if (st == PMM_OK) st = put_again(c, m->price, m->index, m->book_known ? 0 : PMM_F_LAST);
  if (st == PMM_OK) st = put_book(c, m);
  if (st == PMM_OK && m->in_gap) st = put_again(c, m->gap, m->index, 0);
  return st;
}

static pmm_status_t start(cut_t *c) {
  pmm_status_t st = PMM_OK;
  c->started = true;
  if (c->opts->from_ns == PMM_TIME_NONE) return PMM_OK;
  for (uint32_t i = 0; i < pmm_tape_underlying_cnt(c->tape) && st == PMM_OK; i++) {
    if (c->underlying[i] == LEFT_OUT) continue;
    st = put_again(c, c->value[i], c->underlying[i], PMM_F_LAST);
    if (st == PMM_OK) st = put_again(c, c->mean[i], c->underlying[i], PMM_F_LAST);
  }
  for (uint32_t i = 0; i < pmm_tape_market_cnt(c->tape) && st == PMM_OK; i++) st = put_state(c, i);
  return st;
}

/* -- after it: copy -- */
static pmm_status_t copy(cut_t *c, const pmm_md_t *md) {
  uint32_t const index = is_underlying(md) ? c->underlying[md->market] : c->market[md->market].index;
  if (index == LEFT_OUT) return PMM_OK;
  pmm_md_t out = *md;
  out.market = index;
  c->kept_cnt++;
  return put(c, &out);
}

static pmm_status_t take(cut_t *c, const pmm_md_t *md) {
  if (md->recv_ns < c->opts->from_ns) return remember(c, md);
  pmm_status_t const st = c->started ? PMM_OK : start(c);
  return st == PMM_OK ? copy(c, md) : st;
}

static pmm_status_t take_all(cut_t *c) {
  pmm_tape_cursor_t *cursor;
  const pmm_md_t *md;
  size_t cnt;
  uint64_t done = 0;
  bool ended = false;
  pmm_status_t st = pmm_tape_cursor_open(&cursor, c->tape, c->err);
  if (st != PMM_OK) return st;
  while (!ended && (st = pmm_tape_cursor_next(cursor, &md, &cnt, c->err)) == PMM_OK) {
    for (size_t i = 0; i < cnt && st == PMM_OK && !ended; i++)
      if (!(ended = md[i].recv_ns >= c->opts->to_ns)) st = take(c, &md[i]);
    if (st != PMM_OK) break;
    done += cnt;
    if (c->opts->progress.step) c->opts->progress.step(c->opts->progress.ctx, done, pmm_tape_info(c->tape)->records);
  }
  pmm_tape_cursor_close(cursor);
  return st == PMM_END ? PMM_OK : st;
}

static pmm_status_t write_cut(cut_t *c) {
  pmm_status_t st = keep_underlyings(c);
  if (st == PMM_OK) st = keep_markets(c);
  if (st == PMM_OK && c->stats->markets + c->stats->underlyings == 0)
    return pmm_error_set(c->err, PMM_NOT_FOUND, "tape cut: no market and no underlying on this tape has such a name");
  if (st == PMM_OK) st = take_all(c);
  if (st == PMM_OK && c->kept_cnt == 0) st = pmm_error_set(c->err, PMM_NOT_FOUND, "tape cut: no records of these markets in that time");
  return st;
}

/* -- provenance: what was done, then what the tape said of itself -- */
static void put_globs(FILE *out, const char *key, const char *const *glob, size_t cnt) {
  if (cnt == 0) return;
  fprintf(out, ",\"%s\":[", key);
  for (size_t i = 0; i < cnt; i++) {
    if (i > 0) fputc(',', out);
    pmm__put_quoted(out, glob[i]);
  }
  fputc(']', out);
}

static char *make_provenance(const cut_t *c) {
  const pmm_tape_cut_opts_t *const o = c->opts;
  char *text = NULL;
  size_t len;
  FILE *const out = open_memstream(&text, &len);
  if (!out) return NULL;
  fputs("{\"made_by\":\"pmm tape cut\"", out);
  if (o->from_ns != PMM_TIME_NONE) fprintf(out, ",\"from_ns\":%lld", (long long)o->from_ns);
  if (o->to_ns != PMM_NS_MAX) fprintf(out, ",\"to_ns\":%lld", (long long)o->to_ns);
  put_globs(out, "market", o->market, o->market_cnt);
  put_globs(out, "underlying", o->underlying, o->underlying_cnt);
  fprintf(out, "}\n%s", pmm_tape_info(c->tape)->provenance);
  if (fclose(out) == 0) return text;
  free(text);
  return NULL;
}

static pmm_status_t create(cut_t *c, const char *out_path) {
  char *const provenance = make_provenance(c);
  if (!provenance) return no_memory(c);
  pmm__tape_remove_leftover(out_path);
  pmm_status_t const st = pmm_tape_create(&c->writer, out_path, provenance, c->err);
  free(provenance);
  return st;
}

static bool take_memory(cut_t *c) {
  size_t const markets = pmm_tape_market_cnt(c->tape) + (size_t)1, underlyings = pmm_tape_underlying_cnt(c->tape) + (size_t)1;
  bool ok = (c->market = calloc(markets, sizeof *c->market));
  ok = (c->underlying = calloc(underlyings, sizeof *c->underlying)) && ok;
  ok = (c->value = calloc(underlyings, sizeof *c->value)) && ok;
  return (c->mean = calloc(underlyings, sizeof *c->mean)) && ok;
}

static void cut_fini(cut_t *c) {
  for (uint32_t i = 0; c->market && i < pmm_tape_market_cnt(c->tape); i++) pmm__book_fini(&c->market[i].book);
  free(c->market);
  free(c->underlying);
  free(c->value);
  free(c->mean);
}

void pmm_tape_cut_opts_default(pmm_tape_cut_opts_t *opts) { *opts = (pmm_tape_cut_opts_t){.from_ns = PMM_TIME_NONE, .to_ns = PMM_NS_MAX}; }

pmm_status_t pmm_tape_cut(const pmm_tape_t *tape, const pmm_tape_cut_opts_t *opts, const char *out_path, pmm_tape_cut_stats_t *stats,
                          pmm_error_t *err) {
  cut_t c = {.tape = tape, .opts = opts, .stats = stats, .err = err};
  *stats = (pmm_tape_cut_stats_t){0};
  if (opts->from_ns >= opts->to_ns) return pmm_error_set(err, PMM_INVAL, "tape cut: the end does not come after the beginning");
  pmm_status_t st = take_memory(&c) ? create(&c, out_path) : no_memory(&c);
  if (st == PMM_OK) {
    st = write_cut(&c);
    if (st == PMM_OK) st = pmm_tape_finish(c.writer, NULL, err);
    else pmm_tape_abort(c.writer);
  }
  cut_fini(&c);
  return st;
}
