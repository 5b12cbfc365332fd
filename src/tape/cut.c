/* A part of a tape: some markets, some time. What went before the cut is replayed and enters as one state, so that a reader
   of the part knows what a reader of the whole knew. */
#include <fnmatch.h>
#include <stdlib.h>
#include "format.h"
#include "keep.h"
#include "provenance.h"

#define LEFT_OUT UINT32_MAX

typedef struct cut_market {
  uint32_t index; /* on the new tape, or LEFT_OUT */
  pmm__keep_t keep;
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
  if (c->market[i].keep.status.kind) desc.life = c->market[i].keep.status.aux;
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
static pmm_status_t replay(cut_t *c, cut_market_t *m, const pmm_md_t *md) {
  pmm_status_t const st = pmm__keep_take(&m->keep, md, pmm_tape_market(c->tape, md->market)->grid.tick_e4);
  if (st == PMM_FULL) return no_memory(c);
  return st == PMM_OK ? PMM_OK : pmm_error_set(c->err, PMM_CORRUPT, "tape cut: a level or tick off the grid; pmm tape verify says where");
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

static pmm_status_t put_state_record(void *ctx, const pmm_md_t *md) {
  cut_t *const c = ctx;
  c->stats->state_records++;
  return put(c, md);
}

static pmm_status_t put_again(cut_t *c, pmm_md_t md, uint32_t index) {
  return pmm__keep_again(md, c->opts->from_ns, index, PMM_F_LAST, put_state_record, c);
}

static pmm_status_t put_state(cut_t *c, uint32_t i) {
  cut_market_t *const m = &c->market[i];
  if (m->index == LEFT_OUT || m->keep.last.kind == PMM_KIND_NONE) return PMM_OK;
  pmm_status_t const st = put_market(c, i);
  return st == PMM_OK ? pmm__keep_put(&m->keep, c->opts->from_ns, m->index, put_state_record, c) : st;
}

static pmm_status_t start(cut_t *c) {
  pmm_status_t st = PMM_OK;
  c->started = true;
  if (c->opts->from_ns == PMM_TIME_NONE) return PMM_OK;
  for (uint32_t i = 0; i < pmm_tape_underlying_cnt(c->tape) && st == PMM_OK; i++) {
    if (c->underlying[i] == LEFT_OUT) continue;
    st = put_again(c, c->value[i], c->underlying[i]);
    if (st == PMM_OK) st = put_again(c, c->mean[i], c->underlying[i]);
  }
  for (uint32_t i = 0; i < pmm_tape_market_cnt(c->tape) && st == PMM_OK; i++) st = put_state(c, i);
  return st;
}

/* -- after it: copy -- */
static pmm_status_t copy(cut_t *c, const pmm_md_t *md) {
  uint32_t const index = pmm_kind_is_underlying(md->kind) ? c->underlying[md->market] : c->market[md->market].index;
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
  for (uint32_t i = 0; c->market && i < pmm_tape_market_cnt(c->tape); i++) pmm__keep_fini(&c->market[i].keep);
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
