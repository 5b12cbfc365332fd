/* Markets of an import: their outcomes, life cycle and clock, and how they end. */
#include "import.h"
#include <stdio.h>
#include <stdlib.h>

/* -- outcomes given by the user -- */
/* A market named again takes the later line. */
static bool set_named(pmm__import_t *im, const char *id, size_t len, pmm_outcome_t outcome) {
  uint32_t at = pmm__names_find(&im->named, id, len);
  if (at == PMM__NAME_NONE) {
    at = im->named.cnt;
    pmm_outcome_t *const grown = realloc(im->named_outcome, (at + 1) * sizeof *grown);
    if (grown) im->named_outcome = grown;
    if (!grown || pmm__names_add(&im->named, id, len) != PMM_OK) return false;
  }
  im->named_outcome[at] = outcome;
  return true;
}

static pmm_status_t add_named(pmm__import_t *im, const char *line, size_t len, uint64_t line_no) {
  const char *const comma = memchr(line, ',', len);
  size_t const id_len = comma ? (size_t)(comma - line) : len;
  char outcome_text[16] = {0};
  pmm_outcome_t outcome;
  if (comma && len - id_len - 1 < sizeof outcome_text) memcpy(outcome_text, comma + 1, len - id_len - 1);
  if (line_no == 1 && strcmp(outcome_text, "outcome") == 0) return PMM_OK; /* a heading */
  if (id_len == 0 || id_len >= PMM_ID_MAX || pmm_outcome_from_string(outcome_text, &outcome) != PMM_OK || outcome == PMM_OUTCOME_UNKNOWN)
    return pmm_error_set(im->err, PMM_PARSE, "%s:%llu: byte 1: not of the form market,yes|no|void", im->opts->outcomes_path,
                         (unsigned long long)line_no);
  if (set_named(im, line, id_len, outcome)) return PMM_OK;
  return pmm_error_set(im->err, PMM_FULL, "%s: out of memory", im->opts->outcomes_path);
}

pmm_status_t pmm__outcomes_read(pmm__import_t *im) {
  pmm__input_t *in;
  const char *line;
  size_t len;
  if (!im->opts->outcomes_path) return PMM_OK;
  pmm_status_t st = pmm__input_open(&in, im->opts->outcomes_path, im->err);
  if (st != PMM_OK) return st;
  while ((st = pmm__input_line(in, &line, &len, im->err)) == PMM_OK && (st = add_named(im, line, len, pmm__input_line_no(in))) == PMM_OK)
    continue;
  pmm__input_close(in);
  return st == PMM_END ? PMM_OK : st;
}

/* What the user says about a market, or UNKNOWN. */
static pmm_outcome_t given_outcome(const pmm__import_t *im, const pmm__imarket_t *m) {
  pmm_outcome_t outcome = PMM_OUTCOME_UNKNOWN;
  uint32_t const named = pmm__names_find(&im->named, m->desc.id, strlen(m->desc.id));
  if (named != PMM__NAME_NONE) return im->named_outcome[named];
  if (strcmp(im->opts->outcome, "auto") != 0) (void)pmm_outcome_from_string(im->opts->outcome, &outcome);
  return outcome;
}

pmm_outcome_t pmm__outcome_of_book(int32_t bid_e4, int32_t ask_e4) {
  int32_t const twice_mid = bid_e4 + (ask_e4 ? ask_e4 : PMM_ONE_E4);
  if (twice_mid >= 19000) return PMM_OUTCOME_YES;
  return twice_mid <= 1000 ? PMM_OUTCOME_NO : PMM_OUTCOME_VOID;
}

pmm_outcome_t pmm__outcome_of_top(pmm__import_t *im, const pmm__imarket_t *m, const char **why) {
  (void)im, (void)why;
  if (m->last_top_e4[PMM_BID] == 0 && m->last_top_e4[PMM_ASK] == 0) return PMM_OUTCOME_UNKNOWN;
  pmm_outcome_t const outcome = pmm__outcome_of_book(m->last_top_e4[PMM_BID], m->last_top_e4[PMM_ASK]);
  return outcome == PMM_OUTCOME_VOID ? PMM_OUTCOME_UNKNOWN : outcome;
}

pmm_side_t pmm__taker_of(const pmm__imarket_t *m, int32_t price_e4) {
  int32_t const bid_e4 = pmm_ladder_best_e4(&m->book.ladder, PMM_BID), ask_e4 = pmm_ladder_best_e4(&m->book.ladder, PMM_ASK);
  if (ask_e4 && price_e4 >= ask_e4) return PMM_BID;
  if (bid_e4 && price_e4 <= bid_e4) return PMM_ASK;
  if (m->last_price_e4 == 0 || price_e4 == m->last_price_e4) return m->last_taker;
  return price_e4 > m->last_price_e4 ? PMM_BID : PMM_ASK;
}

/* -- markets -- */
static bool is_named(const pmm__imarket_t *m, const char *id, size_t len) {
  return strncmp(m->desc.id, id, len) == 0 && m->desc.id[len] == '\0';
}

pmm__imarket_t *pmm__market_find(const pmm__import_t *im, const char *id, size_t len) {
  if (im->at && is_named(im->at, id, len)) return im->at; /* mostly the same as before */
  uint32_t const at = pmm__names_find(&im->names, id, len);
  return at == PMM__NAME_NONE ? NULL : im->market[at];
}

static pmm_status_t open_book(const pmm__import_t *im, pmm__imarket_t *m) {
  if (m->book.memory || m->desc.data & PMM_DATA_PRICE) return PMM_OK; /* prices alone make no book */
  return pmm__book_init(&m->book, m->desc.grid.tick_e4) == PMM_OK ? PMM_OK : pmm__no_memory(im);
}

static pmm_status_t grow_markets(pmm__import_t *im) {
  if (im->market_cnt < im->market_cap) return PMM_OK;
  uint32_t const cap = im->market_cap ? im->market_cap * 2 : 16;
  pmm__imarket_t **const grown = realloc(im->market, cap * sizeof *grown);
  if (!grown) return pmm__no_memory(im);
  im->market = grown;
  im->market_cap = cap;
  return PMM_OK;
}

pmm_status_t pmm__market_add(pmm__import_t *im, const pmm_market_t *desc, pmm__imarket_t **market) {
  pmm_status_t st = grow_markets(im);
  pmm__imarket_t *const m = st == PMM_OK ? calloc(1, sizeof *m) : NULL;
  if (!m) return st == PMM_OK ? pmm__no_memory(im) : st;
  m->desc = *desc;
  m->desc.life = PMM_LIFE_PENDING;
  m->last_recv_ns = m->last_venue_ns = PMM_TIME_NONE;
  st = pmm_tape_add_market(im->writer, &m->desc, &m->index, im->err);
  if (st == PMM_OK) st = open_book(im, m);
  if (st == PMM_OK && pmm__names_add(&im->names, m->desc.id, strlen(m->desc.id)) != PMM_OK) st = pmm__no_memory(im);
  if (st != PMM_OK) {
    pmm__book_fini(&m->book);
    free(m);
    return st;
  }
  im->market[im->market_cnt++] = m;
  *market = m;
  return PMM_OK;
}

pmm_status_t pmm__market_update(pmm__import_t *im, pmm__imarket_t *m) {
  uint32_t index;
  return pmm_tape_add_market(im->writer, &m->desc, &index, im->err);
}

pmm_status_t pmm__underlying_add(pmm__import_t *im, const char *id, const char *source, pmm_under_kind_t kind, uint32_t *index) {
  pmm_underlying_t u = {.kind = (uint8_t)kind};
  snprintf(u.id, sizeof u.id, "%s", id);
  snprintf(u.source, sizeof u.source, "%s", source);
  return pmm_tape_add_underlying(im->writer, &u, index, im->err);
}

pmm_status_t pmm__emit(pmm__import_t *im, const pmm_md_t *md) {
  im->now_ns = md->recv_ns;
  im->stats->records++;
  if (pmm__skew_counts(md) && pmm__skew_add(&im->skew[md->kind == PMM_MD_UNDERLYING], md->recv_ns, md->exch_ns) != PMM_OK) return pmm__no_memory(im);
  return im->trades ? pmm__trades_push(im, md) : pmm_tape_append(im->writer, md, im->err);
}

static pmm_status_t emit_status(pmm__import_t *im, const pmm__imarket_t *m, pmm_life_t life, int64_t recv_ns, int64_t exch_ns,
                                pmm_outcome_t outcome) {
  pmm_md_t md = {.recv_ns = pmm_max64(recv_ns, im->now_ns),
                 .exch_ns = exch_ns,
                 .seq = m->seq,
                 .market = m->index,
                 .kind = PMM_MD_STATUS,
                 .side = (uint8_t)outcome,
                 .aux = (uint8_t)life};
  if (life == PMM_LIFE_RESOLVED) (void)pmm_outcome_payout(outcome, &md.qty_e6);
  return pmm__emit(im, &md);
}

static pmm_status_t emit_resolved(pmm__import_t *im, pmm__imarket_t *m) {
  m->resolved = true;
  m->desc.outcome = (uint8_t)m->outcome;
  (void)pmm_outcome_payout(m->outcome, &m->desc.payout_yes_e6);
  pmm__book_fini(&m->book); /* a later message, if any, starts a new one */
  m->book_known = false;
  return emit_status(im, m, PMM_LIFE_RESOLVED, im->now_ns, PMM_TIME_NONE, m->outcome);
}

/* When the clock next has something to do for this market. */
static int64_t due_ns(const pmm__import_t *im, const pmm__imarket_t *m) {
  if (m->desc.close_ns == PMM_TIME_NONE || !m->opened || m->resolved) return PMM_NS_MAX;
  if (!m->closed) return m->desc.close_ns + im->importer->close_grace_ns;
  return im->importer->resolve_after_ns == PMM_NS_MAX ? PMM_NS_MAX : m->desc.close_ns + im->importer->resolve_after_ns;
}

static void due_changed(pmm__import_t *im, const pmm__imarket_t *m) { im->next_due_ns = pmm_min64(im->next_due_ns, due_ns(im, m)); }

static pmm_status_t close_market(pmm__import_t *im, pmm__imarket_t *m, int64_t recv_ns) {
  m->closed = true;
  pmm_status_t const st = emit_status(im, m, PMM_LIFE_CLOSED, recv_ns, m->desc.close_ns, PMM_OUTCOME_UNKNOWN);
  due_changed(im, m);
  return st == PMM_OK && m->outcome != PMM_OUTCOME_UNKNOWN ? emit_resolved(im, m) : st;
}

pmm_status_t pmm__market_close(pmm__import_t *im, pmm__imarket_t *m) {
  return m->opened && !m->closed ? close_market(im, m, im->now_ns) : PMM_OK;
}

/* A closed market's outcome, by the rules, now that nothing more is expected. */
static pmm_status_t settle_market(pmm__import_t *im, pmm__imarket_t *m) {
  const char *why = NULL;
  if (m->resolved) return PMM_OK;
  m->outcome = given_outcome(im, m);
  if (m->outcome == PMM_OUTCOME_UNKNOWN) m->outcome = im->importer->decide(im, m, &why);
  if (why) pmm__note(im, "%s: void: %s", m->desc.id, why);
  return m->outcome == PMM_OUTCOME_UNKNOWN ? PMM_OK : emit_resolved(im, m);
}

pmm_status_t pmm__market_resolve(pmm__import_t *im, pmm__imarket_t *m, pmm_outcome_t outcome) {
  if (m->resolved || m->outcome != PMM_OUTCOME_UNKNOWN) return PMM_OK;
  pmm_outcome_t const given = given_outcome(im, m);
  m->outcome = given != PMM_OUTCOME_UNKNOWN ? given : outcome;
  return m->closed ? emit_resolved(im, m) : PMM_OK;
}

static pmm_status_t clock_market(pmm__import_t *im, pmm__imarket_t *m, int64_t recv_ns) {
  pmm_status_t st = PMM_OK;
  if (!m->closed && due_ns(im, m) <= recv_ns) st = close_market(im, m, m->desc.close_ns);
  if (st == PMM_OK && m->closed && due_ns(im, m) <= recv_ns) st = settle_market(im, m);
  return st;
}

/* Closes and resolves what is due before a record of recv_ns. */
static pmm_status_t run_clock(pmm__import_t *im, int64_t recv_ns) {
  if (recv_ns < im->next_due_ns) return PMM_OK;
  int64_t next = PMM_NS_MAX;
  for (uint32_t i = 0; i < im->market_cnt; i++) {
    pmm_status_t const st = clock_market(im, im->market[i], recv_ns);
    if (st != PMM_OK) return st;
    next = pmm_min64(next, due_ns(im, im->market[i]));
  }
  im->next_due_ns = next;
  return PMM_OK;
}

pmm_status_t pmm__clock(pmm__import_t *im, int64_t recv_ns) {
  pmm_status_t const st = run_clock(im, recv_ns);
  im->now_ns = pmm_max64(im->now_ns, recv_ns);
  return st;
}

static pmm_status_t open_market(pmm__import_t *im, pmm__imarket_t *m, int64_t recv_ns) {
  m->opened = true;
  pmm_status_t const st = emit_status(im, m, PMM_LIFE_OPEN, recv_ns, m->desc.open_ns, PMM_OUTCOME_UNKNOWN);
  due_changed(im, m);
  return st;
}

pmm_status_t pmm__market_open(pmm__import_t *im, pmm__imarket_t *m, int64_t recv_ns) {
  return m->opened ? PMM_OK : open_market(im, m, recv_ns);
}

/* Kalshi takes no orders before the open; Polymarket's window is the time that decides, trading begins long before. */
static bool may_open(const pmm__imarket_t *m, int64_t venue_ns) {
  return m->desc.venue != PMM_VENUE_KALSHI || m->desc.open_ns == PMM_TIME_NONE || venue_ns >= m->desc.open_ns;
}

static pmm_status_t move_life(pmm__import_t *im, pmm__imarket_t *m, int64_t recv_ns, int64_t venue_ns) {
  pmm_status_t st = PMM_OK;
  if (!m->opened && may_open(m, venue_ns)) st = open_market(im, m, recv_ns);
  if (st == PMM_OK && m->opened && !m->closed && m->desc.close_ns != PMM_TIME_NONE && venue_ns >= m->desc.close_ns)
    st = close_market(im, m, recv_ns);
  return st;
}

pmm_status_t pmm__market_meet(pmm__import_t *im, pmm__imarket_t *m, int64_t recv_ns, int64_t venue_ns) {
  pmm_status_t st = run_clock(im, recv_ns);
  if (st == PMM_OK) st = move_life(im, m, recv_ns, venue_ns);
  return st == PMM_OK ? open_book(im, m) : st;
}

pmm_status_t pmm__market_gap(pmm__import_t *im, pmm__imarket_t *m) {
  if (!m->book_known) return PMM_OK;
  pmm_md_t const md = {.recv_ns = im->now_ns, .exch_ns = m->last_recv_ns, .seq = m->seq, .market = m->index, .kind = PMM_MD_GAP};
  m->book_known = false;
  im->stats->gaps++;
  if (im->trades) pmm__trades_forget(im, m);
  return pmm__emit(im, &md);
}

/* -- the end of an import -- */
static int by_close(const void *a, const void *b) {
  const pmm__imarket_t *const x = *(pmm__imarket_t *const *)a, *const y = *(pmm__imarket_t *const *)b;
  if (x->desc.close_ns != y->desc.close_ns) return x->desc.close_ns < y->desc.close_ns ? -1 : 1;
  return x->index < y->index ? -1 : 1;
}

/* The recording does not tell how it ended. */
static bool stays_open(pmm__import_t *im, const pmm__imarket_t *m) {
  const char *why = NULL;
  return m->outcome == PMM_OUTCOME_UNKNOWN && given_outcome(im, m) == PMM_OUTCOME_UNKNOWN &&
         im->importer->decide(im, m, &why) == PMM_OUTCOME_UNKNOWN;
}

static pmm_status_t end_market(pmm__import_t *im, pmm__imarket_t *m) {
  pmm_status_t st = PMM_OK;
  if (!m->opened) st = open_market(im, m, pmm_max64(im->now_ns, m->desc.open_ns)); /* nothing but early messages */
  if (st != PMM_OK || (!m->closed && stays_open(im, m))) return st;
  if (!m->closed) st = close_market(im, m, m->desc.close_ns);
  return st == PMM_OK ? settle_market(im, m) : st;
}

static void set_data_flags(const pmm__import_t *im, pmm__imarket_t *m) {
  if (m->has_trades) m->desc.data |= PMM_DATA_TRADES;
  if (m->has_inferred) m->desc.data |= PMM_DATA_INFERRED;
  if (m->desc.underlying != PMM_UNDER_NONE && im->tick_seq[m->desc.underlying] > 0) m->desc.data |= PMM_DATA_UNDERLYING;
}

pmm_status_t pmm__markets_end(pmm__import_t *im) {
  pmm_status_t st = PMM_OK;
  pmm__imarket_t **const order = malloc((im->market_cnt + 1) * sizeof *order);
  if (!order) return pmm__no_memory(im);
  for (uint32_t i = 0; i < im->market_cnt; i++) order[i] = im->market[i];
  qsort(order, im->market_cnt, sizeof *order, by_close);
  for (uint32_t i = 0; i < im->market_cnt && st == PMM_OK; i++) st = end_market(im, order[i]);
  free(order);
  if (st == PMM_OK && im->trades) st = pmm__trades_flush(im);
  for (uint32_t i = 0; i < im->market_cnt && st == PMM_OK; i++) {
    set_data_flags(im, im->market[i]);
    st = pmm__market_update(im, im->market[i]);
  }
  return st;
}
