#include "script.h"
#include <errno.h>
#include <fnmatch.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include "pmm/clock.h"
#include "pmm/decimal.h"

#define LINE_MAX_BYTES 512
#define BOOK_TICKS_MIN 1000 /* a book may be refined while it is recorded */

typedef enum event_kind { EV_HALT, EV_RESUME, EV_PHASE, EV_TICK, EV_SETTLE_DELAY, EV_SETTLE_FAIL, EV_RESOLVE_DELAY, EV_OUTAGE, EV_OUTAGE_END, EV_LATE } event_kind_t;
typedef enum arg_kind { ARG_NONE, ARG_DURATION, ARG_SHARE, ARG_TICK } arg_kind_t;
static const struct { const char *name; event_kind_t kind; arg_kind_t arg; int64_t value; } events[] = {
  {"halt", EV_HALT, ARG_NONE, 0},
  {"resume", EV_RESUME, ARG_NONE, 0},
  {"post_only", EV_PHASE, ARG_NONE, PMM_PHASE_POST_ONLY},
  {"cancel_only", EV_PHASE, ARG_NONE, PMM_PHASE_CANCEL_ONLY},
  {"normal", EV_PHASE, ARG_NONE, PMM_PHASE_NORMAL},
  {"tick", EV_TICK, ARG_TICK, 0},
  {"settlement_delay", EV_SETTLE_DELAY, ARG_DURATION, 0},
  {"settlement_fail", EV_SETTLE_FAIL, ARG_SHARE, 0},
  {"resolve_delay", EV_RESOLVE_DELAY, ARG_DURATION, 0},
  {"outage", EV_OUTAGE, ARG_DURATION, 0},
};
#define EVENT_CNT (sizeof events / sizeof events[0])

typedef struct step { int64_t at_ns; uint64_t seq; event_kind_t kind; int64_t arg; uint32_t market; pmm_md_t md; /* EV_LATE */ } step_t;

typedef struct watched { /* one market, as the recording has it */
  bool touched;              /* some event is about it */
  uint8_t life;              /* pmm_life_t, without scripted halts */
  bool halted;               /* by the script */
  uint8_t phase;
  bool out;                  /* an outage */
  int64_t out_until_ns, resolve_delay_ns;
  bool gap;                  /* the recording has one now */
  int32_t price_e4;          /* last PMM_MD_PRICE, -1 none */
  pmm_grid_t grid;
  pmm_ladder_t *ladder;      /* for markets with outages: what to show when they end */
  void *memory;
} watched_t;

struct pmm__script {
  const pmm_market_t *market; uint32_t market_cnt;
  watched_t *state;
  step_t *step; size_t cnt, cap, next; /* by time; taken up to next */
  uint64_t seq;
  size_t late_cnt;           /* EV_LATE among those not taken */
  pmm_md_t *out; size_t out_cnt, out_cap;
};

/* ---- steps in order of time, then as they were added ---- */

static pmm_status_t add_step(pmm__script_t *s, step_t step) {
  if (s->cnt == s->cap) {
    size_t const cap = s->cap ? 2 * s->cap : 64;
    step_t *const more = realloc(s->step, cap * sizeof *more);
    if (!more) return PMM_FULL;
    s->step = more;
    s->cap = cap;
  }
  step.seq = s->seq++;
  s->late_cnt += step.kind == EV_LATE;
  size_t at = s->cnt++;
  for (; at > s->next && s->step[at - 1].at_ns > step.at_ns; at--) s->step[at] = s->step[at - 1];
  s->step[at] = step;
  return PMM_OK;
}

/* ---- reading ---- */

typedef struct place { const char *name; size_t line; pmm_error_t *err; } place_t;
static __attribute__((format(printf, 3, 4))) pmm_status_t fail(const place_t *at, pmm_status_t status, const char *fmt, ...) {
  char reason[sizeof at->err->text];
  va_list args;
  va_start(args, fmt);
  vsnprintf(reason, sizeof reason, fmt, args);
  va_end(args);
  return pmm_error_set(at->err, status, "%.200s:%zu: %s", at->name, at->line, reason);
}

static pmm_status_t read_time(const place_t *at, const char *text, int64_t start_ns, int64_t *out) {
  size_t const len = strlen(text);
  int64_t offset = 0;
  if (text[0] == '+') {
    if (pmm_duration_parse(text + 1, len - 1, &offset, NULL) != PMM_OK || offset < 0 || offset > INT64_MAX / 4)
      return fail(at, PMM_PARSE, "%.60s: not an offset (+90s, +10m, +1.5h)", text);
    *out = start_ns + offset;
    return PMM_OK;
  }
  if (pmm_time_parse(text, len, out, NULL) != PMM_OK) return fail(at, PMM_PARSE, "%.60s: not a time (2026-06-11T05:39:31Z, or +10m from the start)", text);
  if (*out >= start_ns) return PMM_OK;
  char start[PMM_TIME_BUF];
  pmm_time_print(start_ns, 3, start);
  return fail(at, PMM_INVAL, "%.60s: before the data begin (%s)", text, start);
}

static pmm_status_t read_event(const place_t *at, const char *name, size_t *out) {
  pmm_param_t rows[EVENT_CNT] = {0};
  for (size_t i = 0; i < EVENT_CNT; i++) {
    if (strcmp(name, events[i].name) == 0) { *out = i; return PMM_OK; }
    rows[i].name = events[i].name;
  }
  return fail(at, PMM_NOT_FOUND, "%.60s: no such event (did you mean '%s'?)", name, pmm_param_nearest(rows, EVENT_CNT, name));
}

static pmm_status_t read_share(const place_t *at, const char *text, int64_t *out) {
  if (pmm_decimal_parse(text, strlen(text), 4, out, NULL) != PMM_OK || *out < 0 || *out > PMM_ONE_E4)
    return fail(at, PMM_INVAL, "%.60s: not a share (0 to 1, four decimals)", text);
  return PMM_OK;
}

static pmm_status_t read_tick(const place_t *at, const char *text, int64_t *out) {
  pmm_grid_t grid;
  if (pmm_decimal_parse(text, strlen(text), 4, out, NULL) != PMM_OK || *out <= 0 || *out >= PMM_ONE_E4 || pmm_grid_uniform(&grid, (int32_t)*out) != PMM_OK)
    return fail(at, PMM_INVAL, "%.60s: not a tick (0.01, 0.001, ...)", text);
  return PMM_OK;
}

static pmm_status_t read_arg(const place_t *at, size_t event, const char *text, int64_t *out) {
  const char *const name = events[event].name;
  *out = events[event].value;
  if (events[event].arg == ARG_NONE) return text ? fail(at, PMM_PARSE, "%s takes no argument: %.60s", name, text) : PMM_OK;
  if (!text) return fail(at, PMM_PARSE, "%s needs %s", name, events[event].arg == ARG_DURATION ? "a duration (90s, 10m)" : events[event].arg == ARG_SHARE ? "a share (0.02)" : "a tick (0.001)");
  if (events[event].arg == ARG_SHARE) return read_share(at, text, out);
  if (events[event].arg == ARG_TICK) return read_tick(at, text, out);
  if (pmm_duration_parse(text, strlen(text), out, NULL) != PMM_OK || *out < 0 || *out > INT64_MAX / 4) return fail(at, PMM_PARSE, "%.60s: not a duration (90s, 10m)", text);
  return PMM_OK;
}

/* The recorded book goes on in its own prices: it fits a finer grid, as far as books are made for one. */
static pmm_status_t check_tick(const place_t *at, const pmm_market_t *m, int64_t tick_e4) {
  int32_t const finest = m->venue == PMM_VENUE_POLYMARKET && m->grid.tick_e4 > PMM_ONE_E4 / BOOK_TICKS_MIN ? PMM_ONE_E4 / BOOK_TICKS_MIN : m->grid.tick_e4;
  bool const fits = tick_e4 >= finest && m->grid.tick_e4 % tick_e4 == 0;
  return fits ? PMM_OK : fail(at, PMM_INVAL, "a tick of %g does not fit %.60s: its recorded prices have %g, its book room for %g", (double)tick_e4 / PMM_ONE_E4, m->id,
                              (double)m->grid.tick_e4 / PMM_ONE_E4, (double)finest / PMM_ONE_E4);
}

static pmm_status_t add_line(pmm__script_t *s, const place_t *at, char *line, int64_t start_ns) {
  char *rest = line, *field[5];
  size_t cnt = 0, event = 0;
  for (char *f; cnt < 5 && (f = strtok_r(rest, " \t\r\n", &rest));) field[cnt++] = f;
  if (cnt == 0) return PMM_OK;
  if (cnt < 3 || cnt > 4) return fail(at, PMM_PARSE, "an event has 3 or 4 words: TIME MARKET-GLOB EVENT [ARGUMENT]");
  step_t step = {0};
  pmm_status_t st = read_time(at, field[0], start_ns, &step.at_ns);
  if (st == PMM_OK) st = read_event(at, field[2], &event);
  if (st == PMM_OK) st = read_arg(at, event, cnt == 4 ? field[3] : NULL, &step.arg);
  if (st != PMM_OK) return st;
  step.kind = events[event].kind;
  bool matched = false;
  for (uint32_t i = 0; i < s->market_cnt; i++) {
    if (fnmatch(field[1], s->market[i].id, 0) != 0) continue;
    matched = s->state[i].touched = true;
    step.market = i;
    if (step.kind == EV_TICK) st = check_tick(at, &s->market[i], step.arg);
    if (st != PMM_OK) return st;
    if (add_step(s, step) != PMM_OK) return fail(at, PMM_FULL, "no memory");
  }
  return matched ? PMM_OK : fail(at, PMM_NOT_FOUND, "no market matches '%.60s' (the data have %u)", field[1], s->market_cnt);
}

static pmm_status_t read_file(pmm__script_t *s, const char *path, int64_t start_ns, pmm_error_t *err) {
  FILE *const f = fopen(path, "re");
  if (!f) return pmm_error_set(err, PMM_IO, "script.file: %.200s: %s", path, strerror(errno));
  char line[LINE_MAX_BYTES];
  place_t at = {.name = path, .err = err};
  pmm_status_t st = PMM_OK;
  while (st == PMM_OK && fgets(line, sizeof line, f)) {
    at.line++;
    if (!strchr(line, '\n') && !feof(f)) st = fail(&at, PMM_PARSE, "longer than a line may be (%d bytes)", LINE_MAX_BYTES - 2);
    line[strcspn(line, "#")] = '\0';
    if (st == PMM_OK) st = add_line(s, &at, line, start_ns);
  }
  if (st == PMM_OK && ferror(f)) st = pmm_error_set(err, PMM_IO, "script.file: %.200s: %s", path, strerror(errno));
  fclose(f);
  return st;
}

static pmm_status_t read_inline(pmm__script_t *s, const char *text, int64_t start_ns, pmm_error_t *err) {
  char copy[PMM_PARAM_TEXT_MAX];
  snprintf(copy, sizeof copy, "%s", text);
  place_t at = {.name = "script.events", .err = err};
  pmm_status_t st = PMM_OK;
  char *rest = copy;
  for (char *line; st == PMM_OK && (line = strsep(&rest, ";"));) {
    at.line++;
    st = add_line(s, &at, line, start_ns);
  }
  return st;
}

/* ---- construction ---- */

static pmm_status_t open_book(watched_t *w) {
  int32_t const ticks = w->grid.tick_cnt, cap = ticks < BOOK_TICKS_MIN ? BOOK_TICKS_MIN : ticks;
  size_t const bytes = (sizeof(pmm_ladder_t) + pmm_ladder_bytes(cap) + 4 * 64 + 63) / 64 * 64;
  pmm_arena_t arena;
  if (!(w->memory = aligned_alloc(64, bytes))) return PMM_FULL;
  pmm_arena_init(&arena, w->memory, bytes);
  if (!(w->ladder = PMM_ARENA_NEW(&arena, pmm_ladder_t, 1))) return PMM_FULL;
  return pmm_ladder_init(w->ladder, &arena, ticks, cap);
}

static pmm_status_t open_books(pmm__script_t *s) {
  pmm_status_t st = PMM_OK;
  for (size_t i = 0; st == PMM_OK && i < s->cnt; i++) {
    watched_t *const w = &s->state[s->step[i].market];
    if (s->step[i].kind == EV_OUTAGE && !w->ladder) st = open_book(w);
  }
  return st;
}

pmm_status_t pmm__script_open(pmm__script_t **script, const pmm_script_params_t *params, const pmm_market_t *market, uint32_t market_cnt,
                              int64_t start_ns, pmm_error_t *err) {
  *script = NULL;
  if (!params->file[0] && !params->events[0]) return PMM_OK;
  pmm__script_t *const s = calloc(1, sizeof *s);
  if (!s) return pmm_error_set(err, PMM_FULL, "no memory");
  s->market = market;
  s->market_cnt = market_cnt;
  s->state = calloc(market_cnt + 1, sizeof *s->state);
  pmm_status_t st = s->state ? PMM_OK : pmm_error_set(err, PMM_FULL, "no memory");
  for (uint32_t i = 0; st == PMM_OK && i < market_cnt; i++) s->state[i] = (watched_t){.life = market[i].life, .grid = market[i].grid, .price_e4 = -1};
  if (st == PMM_OK && params->file[0]) st = read_file(s, params->file, start_ns, err);
  if (st == PMM_OK && params->events[0]) st = read_inline(s, params->events, start_ns, err);
  if (st == PMM_OK && open_books(s) != PMM_OK) st = pmm_error_set(err, PMM_FULL, "no memory for the books of scripted outages");
  if (st == PMM_OK && s->cnt > 0) *script = s;
  else pmm__script_close(s);
  return st;
}

void pmm__script_close(pmm__script_t *s) {
  if (!s) return;
  for (uint32_t i = 0; s->state && i < s->market_cnt; i++) free(s->state[i].memory);
  free(s->state);
  free(s->step);
  free(s->out);
  free(s);
}

/* ---- what an event puts into the stream ---- */

static pmm_status_t put(pmm__script_t *s, const step_t *step, pmm_md_t md) {
  if (s->out_cnt == s->out_cap) {
    size_t const cap = s->out_cap ? 2 * s->out_cap : 64;
    pmm_md_t *const more = realloc(s->out, cap * sizeof *more);
    if (!more) return PMM_FULL;
    s->out = more;
    s->out_cap = cap;
  }
  md.recv_ns = md.exch_ns = step->at_ns;
  md.market = step->market;
  s->out[s->out_cnt++] = md;
  return PMM_OK;
}

static pmm_status_t put_life(pmm__script_t *s, const step_t *step, pmm_life_t life) {
  return put(s, step, (pmm_md_t){.kind = PMM_MD_STATUS, .aux = (uint8_t)life, .flags = PMM_F_LAST});
}
static pmm_status_t put_phase(pmm__script_t *s, const step_t *step, uint8_t phase) {
  return put(s, step, (pmm_md_t){.kind = PMM_MD_PHASE, .aux = phase, .flags = PMM_F_LAST});
}

static pmm_status_t halt(pmm__script_t *s, watched_t *w, const step_t *step) {
  w->halted = true;
  return w->life == PMM_LIFE_OPEN ? put_life(s, step, PMM_LIFE_HALTED) : PMM_OK; /* else as soon as it opens: pmm__script_see */
}

static pmm_status_t resume(pmm__script_t *s, watched_t *w, const step_t *step) {
  if (!w->halted) return PMM_OK;
  w->halted = false;
  return w->life == PMM_LIFE_OPEN ? put_life(s, step, PMM_LIFE_OPEN) : PMM_OK;
}

static pmm_status_t refine(pmm__script_t *s, watched_t *w, const step_t *step) {
  pmm_md_t const md = {.kind = PMM_MD_TICK, .price_e4 = (int32_t)step->arg, .flags = PMM_F_LAST};
  int64_t old;
  if (step->arg >= w->grid.tick_e4) return PMM_OK; /* the recording has gone there itself */
  if (w->ladder) (void)pmm_book_apply(w->ladder, &w->grid, &md, &old);
  else (void)pmm_grid_uniform(&w->grid, md.price_e4);
  return put(s, step, md);
}

static pmm_status_t begin_outage(pmm__script_t *s, watched_t *w, const step_t *step) {
  int64_t const until_ns = step->at_ns + step->arg;
  w->out_until_ns = w->out ? pmm_max64(w->out_until_ns, until_ns) : until_ns;
  if (add_step(s, (step_t){.at_ns = until_ns, .kind = EV_OUTAGE_END, .market = step->market}) != PMM_OK) return PMM_FULL;
  if (w->out) return PMM_OK;
  w->out = true;
  if (put(s, step, (pmm_md_t){.kind = PMM_MD_GAP, .flags = PMM_F_LAST}) != PMM_OK) return PMM_FULL;
  return put_phase(s, step, PMM_PHASE_CANCEL_ONLY);
}

/* The book as it is now, as a venue shows it to somebody who comes back. */
static pmm_status_t put_book(pmm__script_t *s, const watched_t *w, const step_t *step) {
  uint8_t const flags = PMM_F_SNAPSHOT | (s->market[step->market].data & PMM_DATA_NOSIZE ? PMM_F_NOSIZE : 0);
  pmm_status_t st = put(s, step, (pmm_md_t){.kind = PMM_MD_CLEAR, .flags = PMM_F_SNAPSHOT});
  for (int side = PMM_BID; side <= PMM_ASK; side++)
    for (int32_t tick = w->ladder->best[side]; st == PMM_OK && tick != PMM_TICKS_NONE; tick = pmm_ladder_next(w->ladder, (pmm_side_t)side, tick))
      st = put(s, step, (pmm_md_t){.kind = PMM_MD_LEVEL, .side = (uint8_t)side, .price_e4 = tick * w->ladder->tick_e4, .qty_e6 = w->ladder->qty_e6[side][tick], .flags = flags});
  if (st == PMM_OK) s->out[s->out_cnt - 1].flags |= PMM_F_LAST;
  return st;
}

static pmm_status_t end_outage(pmm__script_t *s, watched_t *w, const step_t *step) {
  if (!w->out || step->at_ns < w->out_until_ns) return PMM_OK; /* a longer one reaches beyond this */
  w->out = false;
  pmm_status_t st = put_phase(s, step, w->phase);
  if (st == PMM_OK && !w->gap) st = put_book(s, w, step); /* else the recorded gap goes on */
  if (st != PMM_OK || w->gap || w->price_e4 < 0) return st;
  return put(s, step, (pmm_md_t){.kind = PMM_MD_PRICE, .price_e4 = w->price_e4, .flags = PMM_F_LAST});
}

static pmm_status_t put_late(pmm__script_t *s, watched_t *w, const step_t *step) {
  w->life = PMM_LIFE_RESOLVED;
  return put(s, step, step->md);
}

static pmm_status_t happen(pmm__script_t *s, watched_t *w, const step_t *step) {
  switch (step->kind) {
  case EV_HALT: return halt(s, w, step);
  case EV_RESUME: return resume(s, w, step);
  case EV_PHASE:
    w->phase = (uint8_t)step->arg;
    return w->out ? PMM_OK : put_phase(s, step, w->phase);
  case EV_TICK: return refine(s, w, step);
  case EV_SETTLE_DELAY: return put(s, step, (pmm_md_t){.kind = PMM_MD_SETTLEMENT, .qty_e6 = step->arg, .price_e4 = -1, .flags = PMM_F_LAST});
  case EV_SETTLE_FAIL: return put(s, step, (pmm_md_t){.kind = PMM_MD_SETTLEMENT, .qty_e6 = -1, .price_e4 = (int32_t)step->arg, .flags = PMM_F_LAST});
  case EV_RESOLVE_DELAY: w->resolve_delay_ns = step->arg; return PMM_OK;
  case EV_OUTAGE: return begin_outage(s, w, step);
  case EV_OUTAGE_END: return end_outage(s, w, step);
  case EV_LATE: return put_late(s, w, step);
  }
  return PMM_OK;
}

int64_t pmm__script_due(const pmm__script_t *s) { return s->next < s->cnt ? s->step[s->next].at_ns : PMM_NS_MAX; }
bool pmm__script_owes(const pmm__script_t *s) { return s->late_cnt > 0; }

pmm_status_t pmm__script_take(pmm__script_t *s, const pmm_md_t **md, size_t *cnt) {
  step_t const step = s->step[s->next++];
  watched_t *const w = &s->state[step.market];
  s->out_cnt = 0;
  s->late_cnt -= step.kind == EV_LATE;
  pmm_status_t const st = w->life == PMM_LIFE_RESOLVED ? PMM_OK : happen(s, w, &step);
  *md = s->out;
  *cnt = s->out_cnt;
  return st;
}

/* ---- what the recording says ---- */

static pmm_status_t see_status(pmm__script_t *s, watched_t *w, const pmm_md_t *md, bool *passes) {
  step_t const step = {.at_ns = md->recv_ns, .market = md->market, .md = *md};
  if (md->aux == PMM_LIFE_RESOLVED && w->resolve_delay_ns > 0) {
    step_t late = step;
    late.kind = EV_LATE;
    late.at_ns += w->resolve_delay_ns;
    *passes = false;
    return add_step(s, late);
  }
  uint8_t const was = w->life;
  if (md->aux <= PMM_LIFE_RESOLVED && pmm_life_move((pmm_life_t)was, (pmm_life_t)md->aux) == PMM_OK) w->life = md->aux;
  if (md->aux != PMM_LIFE_OPEN || !w->halted) return PMM_OK;
  if (was == PMM_LIFE_OPEN || was == PMM_LIFE_HALTED) {
    *passes = false; /* halted it stays */
    return PMM_OK;
  }
  step_t again = step; /* it opens, and is halted at once */
  again.kind = EV_HALT;
  return add_step(s, again);
}

static void see_book(watched_t *w, const pmm_md_t *md) {
  int64_t old;
  if (w->ladder) (void)pmm_book_apply(w->ladder, &w->grid, md, &old); /* what does not fit is counted by the engine */
  else if (md->kind == PMM_MD_TICK) (void)pmm_grid_uniform(&w->grid, md->price_e4);
  if (md->kind == PMM_MD_CLEAR) w->gap = false;
  if (md->kind == PMM_MD_GAP) w->gap = true;
  if (md->kind == PMM_MD_PRICE) w->price_e4 = md->price_e4;
  if (md->kind == PMM_MD_PHASE) w->phase = md->aux;
}

pmm_status_t pmm__script_see(pmm__script_t *s, const pmm_md_t *md, bool *passes) {
  *passes = true;
  if (pmm_kind_is_underlying(md->kind) || md->market >= s->market_cnt) return PMM_OK;
  watched_t *const w = &s->state[md->market];
  if (!w->touched) return PMM_OK;
  if (md->kind == PMM_MD_STATUS) return see_status(s, w, md, passes);
  see_book(w, md);
  *passes = !w->out || md->kind == PMM_MD_TICK || md->kind == PMM_MD_SETTLEMENT;
  return PMM_OK;
}
