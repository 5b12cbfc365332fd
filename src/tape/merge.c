/* Several tapes into one, by receive time. */
#include <stdlib.h>
#include "format.h"
#include "provenance.h"

#define NONE UINT32_MAX

typedef struct input {
  const char *path;
  pmm_tape_t *tape;
  pmm_tape_cursor_t *cursor; /* NULL: not begun, or ended */
  const pmm_md_t *md;        /* the records at hand: md[at..cnt) */
  size_t at, cnt, order;
  uint32_t *market, *underlying; /* index on the new tape */
  bool *begun;                   /* [market of this input] it had a record */
  bool ended;
} input_t;

typedef struct joint { /* one market of the new tape */
  uint32_t parts, waiting; /* inputs that hold it; those of them that have not begun */
  uint32_t input;          /* whose records come now, as inputs are sorted; NONE before the first */
  uint8_t life;
  int64_t last_ns;
  pmm_market_t desc;
} joint_t;

typedef struct merge {
  const pmm_tape_merge_opts_t *opts;
  input_t *input;
  size_t input_cnt, low; /* those before low have ended */
  pmm_tape_writer_t *writer;
  joint_t *joint; /* [market of the new tape] */
  uint32_t joint_cnt;
  uint64_t total;
  pmm_tape_merge_stats_t *stats;
  pmm_error_t *err;
} merge_t;

static pmm_status_t no_memory(const merge_t *x) { return pmm_error_set(x->err, PMM_FULL, "tape merge: out of memory"); }

/* -- tables -- */
static pmm_status_t add_underlyings(merge_t *x, input_t *in) {
  uint32_t const n = pmm_tape_underlying_cnt(in->tape);
  pmm_status_t st = (in->underlying = calloc(n + (size_t)1, sizeof *in->underlying)) ? PMM_OK : no_memory(x);
  for (uint32_t i = 0; i < n && st == PMM_OK; i++) {
    st = pmm_tape_add_underlying(x->writer, pmm_tape_underlying(in->tape, i), &in->underlying[i], x->err);
    if (st == PMM_OK && in->underlying[i] >= x->stats->underlyings) x->stats->underlyings = in->underlying[i] + 1;
  }
  return st;
}

static bool same_grid(const pmm_grid_t *a, const pmm_grid_t *b) {
  return a->range_cnt == b->range_cnt && memcmp(a->range, b->range, (size_t)a->range_cnt * sizeof a->range[0]) == 0;
}

/* A later part knows more of how it ended; what a part does not know it does not change. */
static pmm_status_t join(merge_t *x, joint_t *j, const input_t *in, const pmm_market_t *part) {
  pmm_market_t *const d = &j->desc;
  if (!x->opts->join)
    return pmm_error_set(x->err, PMM_INVAL, "%s: market %s is on an earlier tape too; --same-market join makes one of its parts", in->path,
                         part->id);
  if (d->venue != part->venue || !same_grid(&d->grid, &part->grid))
    return pmm_error_set(x->err, PMM_INVAL, "%s: market %s has another venue or grid than on an earlier tape", in->path, part->id);
  d->data |= part->data;
  if (part->outcome != PMM_OUTCOME_UNKNOWN) {
    d->outcome = part->outcome;
    d->payout_yes_e6 = part->payout_yes_e6;
  }
  if (part->strike_e8) d->strike_e8 = part->strike_e8;
  if (d->underlying == PMM_UNDER_NONE) d->underlying = part->underlying;
  if (j->parts == 1) x->stats->joined++;
  return PMM_OK;
}

static pmm_status_t add_market(merge_t *x, input_t *in, uint32_t i) {
  pmm_market_t desc = *pmm_tape_market(in->tape, i);
  if (desc.underlying != PMM_UNDER_NONE) desc.underlying = in->underlying[desc.underlying];
  uint32_t index;
  pmm_status_t st = pmm_tape_add_market(x->writer, &desc, &index, x->err);
  if (st != PMM_OK) return st;
  in->market[i] = index;
  joint_t *const j = &x->joint[index];
  if (index == x->joint_cnt) {
    x->joint_cnt++;
    *j = (joint_t){.input = NONE, .life = desc.life, .last_ns = PMM_TIME_NONE, .desc = desc};
  } else {
    st = join(x, j, in, &desc);
    if (st == PMM_OK) st = pmm_tape_add_market(x->writer, &j->desc, &index, x->err);
  }
  j->parts++;
  j->waiting++;
  return st;
}

static pmm_status_t add_markets(merge_t *x, input_t *in) {
  uint32_t const n = pmm_tape_market_cnt(in->tape);
  in->market = calloc(n + (size_t)1, sizeof *in->market);
  in->begun = calloc(n + (size_t)1, sizeof *in->begun);
  pmm_status_t st = in->market && in->begun ? PMM_OK : no_memory(x);
  for (uint32_t i = 0; i < n && st == PMM_OK; i++) st = add_market(x, in, i);
  return st;
}

static pmm_status_t add_tables(merge_t *x) {
  size_t rows = 1;
  for (size_t i = 0; i < x->input_cnt; i++) rows += pmm_tape_market_cnt(x->input[i].tape);
  pmm_status_t st = (x->joint = calloc(rows, sizeof *x->joint)) ? PMM_OK : no_memory(x);
  for (size_t i = 0; i < x->input_cnt && st == PMM_OK; i++) {
    st = add_underlyings(x, &x->input[i]);
    if (st == PMM_OK) st = add_markets(x, &x->input[i]);
  }
  x->stats->markets = x->joint_cnt;
  return st;
}

/* -- records -- */
static pmm_status_t put(merge_t *x, const pmm_md_t *md) {
  x->stats->records++;
  return pmm_tape_append(x->writer, md, x->err);
}

static bool is_end(const pmm_md_t *md) { return md->kind == PMM_MD_STATUS && md->aux >= PMM_LIFE_CLOSED; }

/* Importers close and resolve a market when its recording ends; with a later part to come that was not the end. */
static bool drops_status(const joint_t *j, const pmm_md_t *md, uint32_t input) {
  if (md->kind != PMM_MD_STATUS) return false;
  if (is_end(md) && j->waiting > 0) return true;
  return j->input != input || pmm_life_move((pmm_life_t)j->life, (pmm_life_t)md->aux) != PMM_OK;
}

/* The record is of another part than the one before. */
static pmm_status_t change_part(merge_t *x, joint_t *j, const input_t *in, uint32_t input, const pmm_md_t *md, bool first) {
  if (!first)
    return pmm_error_set(x->err, PMM_INVAL, "%s: market %s: the parts overlap in time, so no book can be made of them", in->path, j->desc.id);
  bool const resumed = j->input != NONE;
  j->input = input;
  if (!resumed) return PMM_OK;
  pmm_md_t const gap = {.recv_ns = md->recv_ns, .exch_ns = j->last_ns, .market = md->market, .kind = PMM_MD_GAP};
  return put(x, &gap);
}

static pmm_status_t take_part(merge_t *x, input_t *in, uint32_t input, const pmm_md_t *md, bool first) {
  joint_t *const j = &x->joint[md->market];
  pmm_status_t st = PMM_OK;
  j->waiting -= first;
  if (j->input != input && (first || md->kind != PMM_MD_STATUS)) st = change_part(x, j, in, input, md, first);
  if (st != PMM_OK) return st;
  if (drops_status(j, md, input)) {
    x->stats->dropped++;
    return PMM_OK;
  }
  if (md->kind == PMM_MD_STATUS) j->life = md->aux;
  j->last_ns = md->recv_ns;
  return put(x, md);
}

static pmm_status_t take(merge_t *x, input_t *in, const pmm_md_t *from) {
  pmm_md_t md = *from;
  if (pmm_kind_is_underlying(from->kind)) {
    md.market = in->underlying[from->market];
    return put(x, &md);
  }
  bool const first = !in->begun[from->market];
  in->begun[from->market] = true;
  md.market = in->market[from->market];
  if (x->joint[md.market].parts > 1) return take_part(x, in, (uint32_t)(in - x->input), &md, first);
  return put(x, &md);
}

/* -- inputs in step: sorted by their beginning, open from there to their end -- */
static int by_start(const void *a, const void *b) {
  const input_t *const x = a, *const y = b;
  int64_t const p = pmm_tape_info(x->tape)->first_ns, q = pmm_tape_info(y->tape)->first_ns;
  if (p != q) return p < q ? -1 : 1;
  return x->order < y->order ? -1 : 1;
}

static int64_t next_ns(const input_t *in) { return in->cursor ? in->md[in->at].recv_ns : pmm_tape_info(in->tape)->first_ns; }

static bool comes_before(const input_t *a, const input_t *b) {
  int64_t const p = next_ns(a), q = next_ns(b);
  return p != q ? p < q : a->order < b->order;
}

static input_t *earliest(merge_t *x) {
  input_t *best = NULL;
  while (x->low < x->input_cnt && x->input[x->low].ended) x->low++;
  for (size_t i = x->low; i < x->input_cnt; i++) {
    input_t *const in = &x->input[i];
    if (in->ended) continue;
    if (best && !in->cursor && pmm_tape_info(in->tape)->first_ns > next_ns(best)) break; /* nor do those behind it */
    if (!best || comes_before(in, best)) best = in;
  }
  return best;
}

static pmm_status_t refill(merge_t *x, input_t *in) {
  pmm_status_t st = in->cursor ? PMM_OK : pmm_tape_cursor_open(&in->cursor, in->tape, x->err);
  in->at = 0;
  if (st == PMM_OK) st = pmm_tape_cursor_next(in->cursor, &in->md, &in->cnt, x->err);
  if (st != PMM_END) return st;
  pmm_tape_cursor_close(in->cursor);
  in->cursor = NULL;
  in->ended = true;
  return PMM_OK;
}

/* All records of one time, so that a message stays whole. */
static pmm_status_t take_run(merge_t *x, input_t *in) {
  do {
    pmm_status_t const st = take(x, in, &in->md[in->at++]);
    if (st != PMM_OK) return st;
  } while (in->at < in->cnt && in->md[in->at].recv_ns == in->md[in->at - 1].recv_ns);
  return in->at == in->cnt ? refill(x, in) : PMM_OK;
}

static pmm_status_t take_all(merge_t *x) {
  input_t *in;
  uint64_t steps = 0;
  qsort(x->input, x->input_cnt, sizeof *x->input, by_start);
  for (size_t i = 0; i < x->input_cnt; i++) x->input[i].ended = pmm_tape_info(x->input[i].tape)->records == 0;
  while ((in = earliest(x)) != NULL) {
    pmm_status_t const st = in->cursor ? take_run(x, in) : refill(x, in);
    if (st != PMM_OK) return st;
    if (x->opts->progress.step && ++steps % 4096 == 0) x->opts->progress.step(x->opts->progress.ctx, x->stats->records, x->total);
  }
  return PMM_OK;
}

/* -- provenance: what was done, then what each tape said of itself -- */
static char *make_provenance(const merge_t *x) {
  char *text = NULL;
  size_t len;
  FILE *const out = open_memstream(&text, &len);
  if (!out) return NULL;
  fprintf(out, "{\"made_by\":\"pmm tape merge\",\"join\":%s,\"tapes\":[", x->opts->join ? "true" : "false");
  for (size_t i = 0; i < x->input_cnt; i++) {
    if (i > 0) fputc(',', out);
    pmm__put_quoted(out, pmm__file_name(x->input[i].path));
  }
  fputs("]}", out);
  for (size_t i = 0; i < x->input_cnt; i++) {
    const char *const provenance = pmm_tape_info(x->input[i].tape)->provenance;
    if (provenance[0]) fprintf(out, "\n%s", provenance);
  }
  if (fclose(out) == 0) return text;
  free(text);
  return NULL;
}

static pmm_status_t create(merge_t *x, const char *out_path) {
  char *const provenance = make_provenance(x);
  if (!provenance) return no_memory(x);
  pmm__tape_remove_leftover(out_path);
  pmm_status_t const st = pmm_tape_create(&x->writer, out_path, provenance, x->err);
  free(provenance);
  return st;
}

static pmm_status_t open_inputs(merge_t *x, const char *const *path, size_t n) {
  pmm_status_t st = PMM_OK;
  for (size_t i = 0; i < n && st == PMM_OK; i++) {
    x->input[i].path = path[i];
    x->input[i].order = i;
    st = pmm_tape_open(&x->input[i].tape, path[i], x->err);
    if (st != PMM_OK) break;
    x->input_cnt++;
    x->total += pmm_tape_info(x->input[i].tape)->records;
  }
  return st;
}

static void merge_fini(merge_t *x) {
  for (size_t i = 0; i < x->input_cnt; i++) {
    input_t *const in = &x->input[i];
    pmm_tape_cursor_close(in->cursor);
    pmm_tape_close(in->tape);
    free(in->market);
    free(in->underlying);
    free(in->begun);
  }
  free(x->input);
  free(x->joint);
}

pmm_status_t pmm_tape_merge(const char *const *path, size_t n, const pmm_tape_merge_opts_t *opts, const char *out_path,
                            pmm_tape_merge_stats_t *stats, pmm_error_t *err) {
  merge_t x = {.opts = opts, .stats = stats, .err = err};
  *stats = (pmm_tape_merge_stats_t){0};
  if (n == 0) return pmm_error_set(err, PMM_INVAL, "tape merge: nothing to merge");
  pmm_status_t st = (x.input = calloc(n, sizeof *x.input)) ? open_inputs(&x, path, n) : no_memory(&x);
  if (st == PMM_OK) st = create(&x, out_path);
  if (st == PMM_OK) {
    st = add_tables(&x);
    if (st == PMM_OK) st = take_all(&x);
    if (st == PMM_OK) st = pmm_tape_finish(x.writer, NULL, err);
    else pmm_tape_abort(x.writer);
  }
  merge_fini(&x);
  return st;
}
