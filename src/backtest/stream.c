/* stream.c -- several tapes, or records in memory, as one stream in receive order, with the events of a script among them. Runs are as
   long as possible: a run ends where a block ends, where another tape has an earlier record, or at an event; so one tape alone is
   handed out block by block, without a copy. */
#include <stdlib.h>
#include <string.h>
#include "run.h"
#include "script.h"

typedef struct source {
  pmm_tape_t *tape;           /* NULL: memory, one block */
  pmm_tape_cursor_t *cursor;
  uint32_t market_base, under_base;
  const pmm_md_t *md; size_t cnt, at; /* the block in hand */
  bool done;
} source_t;

struct pmm__stream {
  source_t *source; size_t source_cnt;
  pmm_market_t *market; uint32_t market_cnt;
  pmm_underlying_t *underlying; uint32_t underlying_cnt;
  pmm_md_t *copy;  /* a run with market indices moved */
  pmm__script_t *script; /* NULL: none */
  uint64_t total;
  bool truncated;
};

static pmm_status_t fetch(source_t *s, pmm_error_t *err) {
  if (!s->tape) {
    s->done = true;
    return PMM_OK;
  }
  pmm_status_t const st = pmm_tape_cursor_next(s->cursor, &s->md, &s->cnt, err);
  s->at = 0;
  s->done = st == PMM_END;
  return s->done ? PMM_OK : st;
}

static pmm_status_t add_tables(pmm__stream_t *st, source_t *s, pmm_error_t *err) {
  uint32_t const markets = pmm_tape_market_cnt(s->tape), unders = pmm_tape_underlying_cnt(s->tape);
  pmm_market_t *const m = realloc(st->market, (st->market_cnt + markets + 1) * sizeof *m);
  if (m) st->market = m;
  pmm_underlying_t *const u = realloc(st->underlying, (st->underlying_cnt + unders + 1) * sizeof *u);
  if (u) st->underlying = u;
  if (!m || !u) return pmm_error_set(err, PMM_FULL, "no memory for %u markets", markets);
  s->market_base = st->market_cnt;
  s->under_base = st->underlying_cnt;
  for (uint32_t i = 0; i < markets; i++) {
    pmm_market_t *const to = &st->market[st->market_cnt++];
    *to = *pmm_tape_market(s->tape, i);
    if (to->underlying != PMM_UNDER_NONE) to->underlying += s->under_base;
  }
  for (uint32_t i = 0; i < unders; i++) st->underlying[st->underlying_cnt++] = *pmm_tape_underlying(s->tape, i);
  return PMM_OK;
}

static pmm_status_t open_source(pmm__stream_t *st, source_t *s, const char *path, pmm_error_t *err) {
  pmm_status_t ok = pmm_tape_open(&s->tape, path, err);
  if (ok == PMM_OK) ok = pmm_tape_cursor_open(&s->cursor, s->tape, err);
  if (ok == PMM_OK) ok = add_tables(st, s, err);
  if (ok != PMM_OK) return ok;
  pmm_tape_info_t const *const info = pmm_tape_info(s->tape);
  st->total += info->records;
  st->truncated |= info->truncated;
  return fetch(s, err);
}

static pmm_status_t open_memory(pmm__stream_t *st, const pmm_backtest_opts_t *o, pmm_error_t *err) {
  st->source[0] = (source_t){.md = o->md, .cnt = o->md_cnt};
  st->total = o->md_cnt;
  st->market = calloc(o->market_cnt + 1, sizeof *st->market);
  st->underlying = calloc(o->underlying_cnt + 1, sizeof *st->underlying);
  if (!st->market || !st->underlying) return pmm_error_set(err, PMM_FULL, "no memory for %u markets", o->market_cnt);
  if (o->market_cnt) memcpy(st->market, o->market, o->market_cnt * sizeof *st->market);
  if (o->underlying_cnt) memcpy(st->underlying, o->underlying, o->underlying_cnt * sizeof *st->underlying);
  st->market_cnt = o->market_cnt;
  st->underlying_cnt = o->underlying_cnt;
  return PMM_OK;
}

pmm_status_t pmm__stream_open(pmm__stream_t **out, const pmm_backtest_opts_t *o, pmm_error_t *err) {
  pmm__stream_t *const st = calloc(1, sizeof *st);
  if (!st) return pmm_error_set(err, PMM_FULL, "no memory");
  st->source_cnt = o->tape_cnt ? o->tape_cnt : 1;
  st->source = calloc(o->tape_cnt + 1, sizeof *st->source);
  st->copy = o->tape_cnt > 1 ? malloc(sizeof(pmm_md_t) * PMM_TAPE_BLOCK_RECORDS) : NULL;
  pmm_status_t ok = st->source && (o->tape_cnt <= 1 || st->copy) ? PMM_OK : pmm_error_set(err, PMM_FULL, "no memory");
  if (ok == PMM_OK && o->tape_cnt == 0) ok = open_memory(st, o, err);
  for (size_t i = 0; ok == PMM_OK && i < o->tape_cnt; i++) ok = open_source(st, &st->source[i], o->tape[i], err);
  if (ok != PMM_OK) pmm__stream_close(st);
  else *out = st;
  return ok;
}

/* The source whose next record is earliest (ties: the one named first), and the time at which another takes over. */
static source_t *earliest(pmm__stream_t *st, int64_t *until_ns) {
  source_t *best = NULL;
  *until_ns = PMM_NS_MAX;
  for (size_t i = 0; i < st->source_cnt; i++) {
    source_t *const s = &st->source[i];
    if (s->done) continue;
    int64_t const t = s->md[s->at].recv_ns;
    if (!best || t < best->md[best->at].recv_ns) {
      if (best) *until_ns = pmm_min64(*until_ns, best->md[best->at].recv_ns);
      best = s;
    } else {
      *until_ns = pmm_min64(*until_ns, t);
    }
  }
  return best;
}

static pmm_status_t refill(pmm__stream_t *st, pmm_error_t *err) {
  for (size_t i = 0; i < st->source_cnt; i++)
    while (!st->source[i].done && st->source[i].at == st->source[i].cnt) {
      pmm_status_t const ok = fetch(&st->source[i], err);
      if (ok != PMM_OK) return ok;
    }
  return PMM_OK;
}

pmm_status_t pmm__stream_script(pmm__stream_t *st, const pmm_config_t *config, pmm_error_t *err) {
  pmm_status_t const ok = refill(st, err);
  if (ok != PMM_OK) return ok;
  int64_t until;
  source_t const *const first = earliest(st, &until);
  return pmm__script_open(&st->script, &config->script, st->market, st->market_cnt, first ? first->md[first->at].recv_ns : 0, err);
}

void pmm__stream_close(pmm__stream_t *st) {
  if (!st) return;
  pmm__script_close(st->script);
  for (size_t i = 0; st->source && i < st->source_cnt; i++) {
    if (st->source[i].cursor) pmm_tape_cursor_close(st->source[i].cursor);
    if (st->source[i].tape) pmm_tape_close(st->source[i].tape);
  }
  free(st->source);
  free(st->market);
  free(st->underlying);
  free(st->copy);
  free(st);
}

static bool is_moved(const source_t *s) { return (s->market_base | s->under_base) != 0; }

static pmm_md_t moved(const source_t *s, const pmm_md_t *md) {
  pmm_md_t to = *md;
  to.market += pmm_kind_is_underlying(md->kind) ? s->under_base : s->market_base;
  return to;
}

/* How many of the next records before until_ns the script lets through at once, up to one that it withholds or an event of its own. */
static pmm_status_t let_through(pmm__stream_t *st, const source_t *s, int64_t until_ns, size_t *cnt, bool *withheld) {
  size_t n = 0;
  *withheld = false;
  for (; s->at + n < s->cnt && (n == 0 || s->md[s->at + n].recv_ns < pmm_min64(until_ns, pmm__script_due(st->script))); n++) {
    bool passes;
    pmm_md_t const md = moved(s, &s->md[s->at + n]);
    if (pmm__script_see(st->script, &md, &passes) != PMM_OK) return PMM_FULL;
    if ((*withheld = !passes)) break;
  }
  *cnt = n;
  return PMM_OK;
}

/* The next run of one source, without what the script withholds; empty when that is all. */
static pmm_status_t next_run(pmm__stream_t *st, source_t *s, int64_t until_ns, const pmm_md_t **md, size_t *cnt) {
  size_t n = 1;
  bool withheld = false;
  if (!st->script && until_ns == PMM_NS_MAX) n = s->cnt - s->at; /* of one source alone, all there is */
  else if (!st->script) while (s->at + n < s->cnt && s->md[s->at + n].recv_ns < until_ns) n++;
  else if (let_through(st, s, until_ns, &n, &withheld) != PMM_OK) return PMM_FULL;
  *md = &s->md[s->at];
  *cnt = n;
  s->at += n + withheld;
  if (!is_moved(s)) return PMM_OK;
  for (size_t i = 0; i < n; i++) st->copy[i] = moved(s, &(*md)[i]);
  *md = st->copy;
  return PMM_OK;
}

/* An event comes before the records of its moment; after the recording, only what leads up to a resolution put off. */
static bool is_scripts_turn(const pmm__stream_t *st, const source_t *s) {
  if (!st->script) return false;
  return s ? pmm__script_due(st->script) <= s->md[s->at].recv_ns : pmm__script_owes(st->script);
}

/* Blocks used up are replaced only here: the last run stays valid until this call. */
pmm_status_t pmm__stream_next(pmm__stream_t *st, const pmm_md_t **md, size_t *cnt, pmm_error_t *err) {
  for (*cnt = 0; *cnt == 0;) {
    pmm_status_t ok = refill(st, err);
    if (ok != PMM_OK) return ok;
    int64_t until;
    source_t *const s = earliest(st, &until);
    if (is_scripts_turn(st, s)) ok = pmm__script_take(st->script, md, cnt);
    else if (s) ok = next_run(st, s, until, md, cnt);
    else return PMM_END;
    if (ok != PMM_OK) return pmm_error_set(err, ok, "no memory for scripted events");
  }
  return PMM_OK;
}

const pmm_market_t *pmm__stream_markets(const pmm__stream_t *st, uint32_t *cnt) { *cnt = st->market_cnt; return st->market; }
const pmm_underlying_t *pmm__stream_underlyings(const pmm__stream_t *st, uint32_t *cnt) { *cnt = st->underlying_cnt; return st->underlying; }
uint64_t pmm__stream_total(const pmm__stream_t *st) { return st->total; }
bool pmm__stream_truncated(const pmm__stream_t *st) { return st->truncated; }
