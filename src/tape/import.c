/* Importing: options, markets and their life cycle, messages into records. The sources are in import_*.c. */
#include "import.h"
#include <errno.h>
#include <libgen.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>
#include <fcntl.h>
#include "pmm/decimal.h"
#include "pmm/clock.h"

#define PRICES (PMM_ONE_E4 + 1)
#define NOTES_MAX 65536

static const pmm__importer_t *const importers[] = {
    &pmm__importer_kalshi,
    &pmm__importer_books,
    &pmm__importer_ws,
    &pmm__importer_multifeed,
    &pmm__importer_bbo,
    &pmm__importer_updown,
    &pmm__importer_daily,
    &pmm__importer_prices,
    &pmm__importer_outcomes,
    &pmm__importer_kalshi_bbo,
    &pmm__importer_polls,
    &pmm__importer_ladder,
    &pmm__importer_candles,
    &pmm__importer_depth,
    &pmm__importer_chainlink,
    &pmm__importer_envelope,
    &pmm__importer_binance,
    &pmm__importer_coinbase,
    &pmm__importer_npz,
};
#define IMPORTERS (sizeof importers / sizeof importers[0])

const char *pmm_import_format(size_t index, const char **what) {
  if (index >= IMPORTERS) return NULL;
  if (what) *what = importers[index]->what;
  return importers[index]->name;
}

/* -- errors and fields -- */
pmm_status_t pmm__bad(const pmm__import_t *im, const pmm_json_node_t *node, const char *fmt, ...) {
  char why[256];
  va_list args;
  va_start(args, fmt);
  vsnprintf(why, sizeof why, fmt, args);
  va_end(args);
  const pmm__source_t *const s = im->source;
  return pmm_error_set(im->err, PMM_PARSE, "%s:%llu: byte %u: %s", s->name,
                       s->input ? (unsigned long long)pmm__input_line_no(s->input) : 0ULL, node ? s->json_at + node->at + 1 : 1, why);
}

pmm_status_t pmm__field(const pmm__import_t *im, const pmm_json_node_t *object, const char *key, const pmm_json_node_t **node) {
  *node = pmm_json_get(object, key);
  return *node ? PMM_OK : pmm__bad(im, object, "%s is missing", key);
}

static pmm_status_t bad_number(const pmm__import_t *im, const pmm_json_node_t *node, const char *what, pmm_status_t st) {
  const char *const why = st == PMM_OVERFLOW ? "too large" : st == PMM_INVAL ? "has more decimals than we keep" : "not a number";
  return pmm__bad(im, node, "%s: %s: %.*s", what, why, (int)(node->len < 40 ? node->len : 40), node->text);
}

static bool is_numeric(const pmm_json_node_t *node) { return node->type == PMM_JSON_NUMBER || node->type == PMM_JSON_STRING; }

pmm_status_t pmm__number(const pmm__import_t *im, const pmm_json_node_t *node, const char *what, int scale, int64_t *out) {
  pmm_status_t const st = is_numeric(node) ? pmm_decimal_parse(node->text, node->len, scale, out, NULL) : PMM_PARSE;
  return st == PMM_OK ? PMM_OK : bad_number(im, node, what, st);
}

pmm_status_t pmm__number_floor(const pmm__import_t *im, const pmm_json_node_t *node, const char *what, int scale, int64_t *out) {
  pmm_status_t const st = is_numeric(node) ? pmm_decimal_parse_floor(node->text, node->len, scale, out, NULL) : PMM_PARSE;
  return st == PMM_OK ? PMM_OK : bad_number(im, node, what, st);
}

pmm_status_t pmm__field_number(const pmm__import_t *im, const pmm_json_node_t *object, const char *key, int scale, int64_t *out) {
  const pmm_json_node_t *node;
  pmm_status_t const st = pmm__field(im, object, key, &node);
  return st == PMM_OK ? pmm__number(im, node, key, scale, out) : st;
}

/* Times of our age in nanoseconds: whatever lies further off is no time but a mistake. */
static pmm_status_t check_time(const pmm__import_t *im, const pmm_json_node_t *node, const char *what, int64_t ns) {
  return ns > 0 && ns < INT64_C(4000000000) * PMM_NS_PER_S ? PMM_OK : pmm__bad(im, node, "%s: not a time", what);
}

pmm_status_t pmm__field_time(const pmm__import_t *im, const pmm_json_node_t *object, const char *key, int64_t *out_ns) {
  const pmm_json_node_t *const node = pmm_json_get(object, key);
  *out_ns = PMM_TIME_NONE;
  if (!node || node->type == PMM_JSON_NULL) return PMM_OK;
  if (node->type != PMM_JSON_STRING || pmm_time_parse(node->text, node->len, out_ns, NULL) != PMM_OK) *out_ns = 0;
  return check_time(im, node, key, *out_ns);
}

pmm_status_t pmm__seconds(const pmm__import_t *im, const pmm_json_node_t *node, const char *what, int64_t *out_ns) {
  pmm_status_t const st = pmm__number(im, node, what, 9, out_ns);
  return st == PMM_OK ? check_time(im, node, what, *out_ns) : st;
}

pmm_status_t pmm__field_seconds(const pmm__import_t *im, const pmm_json_node_t *object, const char *key, int64_t *out_ns) {
  const pmm_json_node_t *node;
  pmm_status_t const st = pmm__field(im, object, key, &node);
  return st == PMM_OK ? pmm__seconds(im, node, key, out_ns) : st;
}

pmm_status_t pmm__field_ms(const pmm__import_t *im, const pmm_json_node_t *object, const char *key, int64_t *out_ns) {
  const pmm_json_node_t *node;
  pmm_status_t st = pmm__field(im, object, key, &node);
  if (st == PMM_OK) st = pmm__number(im, node, key, 6, out_ns);
  return st == PMM_OK ? check_time(im, node, key, *out_ns) : st;
}

pmm_status_t pmm__field_text(const pmm__import_t *im, const pmm_json_node_t *object, const char *key, char out[PMM_ID_MAX]) {
  const pmm_json_node_t *node;
  pmm_status_t const st = pmm__field(im, object, key, &node);
  if (st != PMM_OK) return st;
  if (node->type != PMM_JSON_STRING || node->len == 0 || node->len >= PMM_ID_MAX || memchr(node->text, '\0', node->len))
    return pmm__bad(im, node, "%s: not a text of 1 to %d bytes", key, PMM_ID_MAX - 1);
  memcpy(out, node->text, node->len);
  out[node->len] = '\0';
  return PMM_OK;
}

pmm_status_t pmm__price(const pmm__import_t *im, const pmm_json_node_t *node, const char *what, int32_t *price_e4) {
  int64_t value;
  pmm_status_t const st = pmm__number(im, node, what, 4, &value);
  if (st != PMM_OK) return st;
  if (value <= 0 || value >= PMM_ONE_E4)
    return pmm__bad(im, node, "%s: outside (0,1): %.*s", what, (int)(node->len < 40 ? node->len : 40), node->text);
  *price_e4 = (int32_t)value;
  return PMM_OK;
}

pmm_status_t pmm__size(const pmm__import_t *im, const pmm_json_node_t *node, const char *what, int64_t *qty_e6) {
  pmm_status_t const st = pmm__number(im, node, what, 6, qty_e6);
  return st != PMM_OK || *qty_e6 >= 0 ? st : pmm__bad(im, node, "%s: negative", what);
}

void pmm__note(pmm__import_t *im, const char *fmt, ...) {
  char text[256];
  va_list args;
  if (im->notes_len > NOTES_MAX) return; /* enough to see what goes on */
  va_start(args, fmt);
  vsnprintf(text, sizeof text, fmt, args);
  va_end(args);
  char *grown;
  int const n = asprintf(&grown, "%s%s\"%s\"", im->notes ? im->notes : "", im->notes ? "," : "", text);
  if (n < 0) return;
  free(im->notes);
  im->notes = grown;
  im->notes_len = (size_t)n;
}

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

static pmm_status_t read_named(pmm__import_t *im) {
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

static pmm_status_t no_memory(const pmm__import_t *im) { return pmm_error_set(im->err, PMM_FULL, "import: out of memory"); }

static pmm_status_t open_book(const pmm__import_t *im, pmm__imarket_t *m) {
  if (m->book.memory || m->desc.data & PMM_DATA_PRICE) return PMM_OK; /* prices alone make no book */
  return pmm__book_init(&m->book, m->desc.grid.tick_e4) == PMM_OK ? PMM_OK : no_memory(im);
}

static pmm_status_t grow_markets(pmm__import_t *im) {
  if (im->market_cnt < im->market_cap) return PMM_OK;
  uint32_t const cap = im->market_cap ? im->market_cap * 2 : 16;
  pmm__imarket_t **const grown = realloc(im->market, cap * sizeof *grown);
  if (!grown) return no_memory(im);
  im->market = grown;
  im->market_cap = cap;
  return PMM_OK;
}

pmm_status_t pmm__market_add(pmm__import_t *im, const pmm_market_t *desc, pmm__imarket_t **market) {
  pmm_status_t st = grow_markets(im);
  pmm__imarket_t *const m = st == PMM_OK ? calloc(1, sizeof *m) : NULL;
  if (!m) return st == PMM_OK ? no_memory(im) : st;
  m->desc = *desc;
  m->desc.life = PMM_LIFE_PENDING;
  m->last_recv_ns = m->last_venue_ns = PMM_TIME_NONE;
  st = pmm_tape_add_market(im->writer, &m->desc, &m->index, im->err);
  if (st == PMM_OK) st = open_book(im, m);
  if (st == PMM_OK && pmm__names_add(&im->names, m->desc.id, strlen(m->desc.id)) != PMM_OK) st = no_memory(im);
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
  if (pmm__skew_counts(md) && pmm__skew_add(&im->skew[md->kind == PMM_MD_UNDERLYING], md->recv_ns, md->exch_ns) != PMM_OK) return no_memory(im);
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

static int64_t clamp_recv(pmm__import_t *im, int64_t recv_ns) {
  if (recv_ns >= im->now_ns) return recv_ns;
  im->stats->clamped++;
  return im->now_ns;
}

/* -- messages -- */
pmm_status_t pmm__message_begin(pmm__import_t *im, pmm__imarket_t *m, int64_t recv_ns, int64_t exch_ns) {
  recv_ns = clamp_recv(im, recv_ns);
  int64_t const venue_ns = exch_ns != PMM_TIME_NONE ? exch_ns : recv_ns;
  pmm_status_t st = run_clock(im, recv_ns);
  if (st == PMM_OK) st = move_life(im, m, recv_ns, venue_ns);
  if (st == PMM_OK) st = open_book(im, m);
  if (st != PMM_OK) return st;
  im->stats->messages++;
  im->at = m;
  im->now_ns = recv_ns;
  im->exch_ns = exch_ns;
  im->md_cnt = 0;
  m->seq++;
  m->last_recv_ns = recv_ns;
  m->last_venue_ns = venue_ns;
  m->source = im->source ? im->source->order : 0;
  return PMM_OK;
}

pmm_status_t pmm__message_add(pmm__import_t *im, pmm_kind_t kind, int side, int32_t price_e4, int64_t qty_e6, int flags) {
  if (im->md_cnt == im->md_cap) {
    size_t const cap = im->md_cap ? im->md_cap * 2 : 256;
    pmm_md_t *const grown = realloc(im->md, cap * sizeof *grown);
    if (!grown) return no_memory(im);
    im->md = grown;
    im->md_cap = cap;
  }
  im->md[im->md_cnt++] = (pmm_md_t){.recv_ns = im->now_ns,
                                    .exch_ns = im->exch_ns,
                                    .qty_e6 = qty_e6,
                                    .price_e4 = price_e4,
                                    .seq = im->at->seq,
                                    .market = im->at->index,
                                    .kind = (uint8_t)kind,
                                    .side = (uint8_t)side,
                                    .flags = (uint8_t)flags};
  if (kind == PMM_MD_TRADE) {
    im->stats->trades++;
    im->at->has_trades = true;
  }
  return PMM_OK;
}

pmm_status_t pmm__message_end(pmm__import_t *im) {
  if (im->md_cnt == 0) {
    pmm_status_t const st = pmm__message_add(im, PMM_MD_MARK, 0, 0, 0, 0);
    if (st != PMM_OK) return st;
  }
  im->md[im->md_cnt - 1].flags |= PMM_F_LAST;
  for (size_t i = 0; i < im->md_cnt; i++) {
    pmm_status_t const st = pmm__emit(im, &im->md[i]);
    if (st != PMM_OK) return st;
  }
  return PMM_OK;
}

/* Polymarket refines 0.01 to 0.001 near the ends, and the recorders do not always say so: a price off the grid does. */
static int32_t finer_tick(int32_t tick_e4, int32_t price_e4) {
  static const int32_t steps[] = {100, 10, 1};
  size_t i = 0;
  while (steps[i] > 1 && (tick_e4 % steps[i] != 0 || price_e4 % steps[i] != 0)) i++;
  return steps[i];
}

pmm_status_t pmm__message_tick(pmm__import_t *im, const pmm_json_node_t *where, int64_t tick_e4) {
  pmm__book_t *const book = &im->at->book;
  if (tick_e4 == book->ladder.tick_e4) return PMM_OK;
  pmm_status_t const st = tick_e4 > 0 && tick_e4 < PMM_ONE_E4 ? pmm__book_regrid(book, (int32_t)tick_e4) : PMM_INVAL;
  if (st == PMM_INVAL) return pmm__bad(im, where, "tick does not divide a dollar");
  return st == PMM_OK ? pmm__message_add(im, PMM_MD_TICK, 0, (int32_t)tick_e4, 0, 0) : no_memory(im);
}

static pmm_status_t refine_tick(pmm__import_t *im, int32_t price_e4) {
  pmm__imarket_t *const m = im->at;
  if (pmm__book_fits(&m->book, price_e4)) return PMM_OK;
  return pmm__message_tick(im, NULL, finer_tick(m->book.ladder.tick_e4, price_e4));
}

pmm_status_t pmm__message_level(pmm__import_t *im, pmm_side_t side, int32_t price_e4, int64_t qty_e6) {
  pmm__book_t *const book = &im->at->book;
  pmm_status_t const st = refine_tick(im, price_e4);
  if (st != PMM_OK || pmm__book_qty(book, side, price_e4) == qty_e6) return st;
  (void)pmm__book_set(book, side, price_e4, qty_e6);
  return pmm__message_add(im, PMM_MD_LEVEL, (int)side, price_e4, qty_e6, 0);
}

pmm_status_t pmm__message_clear(pmm__import_t *im) {
  pmm_ladder_clear(&im->at->book.ladder);
  im->at->book_known = true;
  return pmm__message_add(im, PMM_MD_CLEAR, 0, 0, 0, PMM_F_SNAPSHOT);
}

void pmm__full_begin(pmm__import_t *im) {
  for (int side = 0; side < 2; side++) {
    for (size_t i = 0; i < im->full_cnt[side]; i++) im->full_qty[side][im->full_price[side][i]] = 0;
    im->full_cnt[side] = 0;
  }
}

pmm_status_t pmm__full_level(pmm__import_t *im, pmm_side_t side, int32_t price_e4, int64_t qty_e6, const pmm_json_node_t *where) {
  if (qty_e6 == 0) return PMM_OK;
  if (im->full_qty[side][price_e4] != 0) return pmm__bad(im, where, "price listed twice");
  im->full_qty[side][price_e4] = qty_e6;
  im->full_price[side][im->full_cnt[side]++] = price_e4;
  return PMM_OK;
}

/* Levels of the present book that the full one does not have. */
static pmm_status_t remove_missing(pmm__import_t *im, pmm_side_t side) {
  pmm_ladder_t *const l = &im->at->book.ladder;
  for (int32_t tick = l->best[side]; tick != PMM_TICKS_NONE;) {
    int32_t const next = pmm_ladder_next(l, side, tick), price_e4 = tick * l->tick_e4;
    pmm_status_t const st = im->full_qty[side][price_e4] == 0 ? pmm__message_level(im, side, price_e4, 0) : PMM_OK;
    if (st != PMM_OK) return st;
    tick = next;
  }
  return PMM_OK;
}

static pmm_status_t set_levels(pmm__import_t *im, pmm_side_t side) {
  for (size_t i = 0; i < im->full_cnt[side]; i++) {
    int32_t const price_e4 = im->full_price[side][i];
    pmm_status_t const st = pmm__message_level(im, side, price_e4, im->full_qty[side][price_e4]);
    if (st != PMM_OK) return st;
  }
  return PMM_OK;
}

pmm_status_t pmm__full_end(pmm__import_t *im) {
  bool const fresh = !im->at->book_known;
  size_t const from = im->md_cnt;
  pmm_status_t st = fresh ? pmm__message_clear(im) : PMM_OK;
  for (int side = 0; side < 2 && st == PMM_OK; side++) st = remove_missing(im, (pmm_side_t)side);
  for (int side = 0; side < 2 && st == PMM_OK; side++) st = set_levels(im, (pmm_side_t)side);
  for (size_t i = from; fresh && i < im->md_cnt; i++) im->md[i].flags |= PMM_F_SNAPSHOT;
  return st;
}

static pmm_status_t top_level(pmm__import_t *im, pmm_side_t side, const pmm__top_t *top) {
  int32_t const price_e4 = top->price_e4[side];
  if (price_e4 <= 0 || price_e4 >= PMM_ONE_E4) return PMM_OK;
  return pmm__full_level(im, side, price_e4, top->qty_e6[side] > 0 ? top->qty_e6[side] : PMM_ONE_E6, NULL);
}

pmm_status_t pmm__message_top(pmm__import_t *im, const pmm__top_t *top) {
  size_t const from = im->md_cnt;
  pmm__full_begin(im);
  pmm_status_t st = top_level(im, PMM_BID, top);
  if (st == PMM_OK) st = top_level(im, PMM_ASK, top);
  if (st != PMM_OK) return st;
  if (im->full_cnt[PMM_BID] + im->full_cnt[PMM_ASK] > 0)
    for (int side = 0; side < 2; side++) im->at->last_top_e4[side] = im->full_cnt[side] ? top->price_e4[side] : 0;
  st = pmm__full_end(im);
  for (size_t i = from; i < im->md_cnt; i++) {
    pmm_md_t *const md = &im->md[i];
    bool const has_size = md->qty_e6 > 0 ? top->qty_e6[md->side] > 0 : !(im->at->desc.data & PMM_DATA_NOSIZE);
    if (md->kind == PMM_MD_LEVEL && !has_size) md->flags |= PMM_F_NOSIZE;
  }
  return st;
}

pmm_outcome_t pmm__outcome_of_top(pmm__import_t *im, const pmm__imarket_t *m, const char **why) {
  (void)im, (void)why;
  if (m->last_top_e4[PMM_BID] == 0 && m->last_top_e4[PMM_ASK] == 0) return PMM_OUTCOME_UNKNOWN;
  pmm_outcome_t const outcome = pmm__outcome_of_book(m->last_top_e4[PMM_BID], m->last_top_e4[PMM_ASK]);
  return outcome == PMM_OUTCOME_VOID ? PMM_OUTCOME_UNKNOWN : outcome;
}

pmm_status_t pmm__market_gap(pmm__import_t *im, pmm__imarket_t *m) {
  if (!m->book_known) return PMM_OK;
  pmm_md_t const md = {.recv_ns = im->now_ns, .exch_ns = m->last_recv_ns, .seq = m->seq, .market = m->index, .kind = PMM_MD_GAP};
  m->book_known = false;
  im->stats->gaps++;
  if (im->trades) pmm__trades_forget(im, m);
  return pmm__emit(im, &md);
}

pmm_status_t pmm__underlying_tick(pmm__import_t *im, uint32_t underlying, pmm_under_kind_t kind, int64_t recv_ns, int64_t exch_ns,
                                  int64_t value_e8) {
  recv_ns = clamp_recv(im, recv_ns);
  pmm_status_t const st = run_clock(im, recv_ns);
  if (st != PMM_OK) return st;
  pmm_md_t const md = {.recv_ns = recv_ns,
                       .exch_ns = exch_ns,
                       .qty_e6 = value_e8,
                       .seq = ++im->tick_seq[underlying],
                       .market = underlying,
                       .kind = PMM_MD_UNDERLYING,
                       .flags = PMM_F_LAST,
                       .aux = (uint8_t)kind};
  im->stats->messages++;
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

static pmm_status_t end_markets(pmm__import_t *im) {
  pmm_status_t st = PMM_OK;
  pmm__imarket_t **const order = malloc((im->market_cnt + 1) * sizeof *order);
  if (!order) return no_memory(im);
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

/* -- running one -- */
void pmm_import_opts_default(pmm_import_opts_t *opts) { *opts = (pmm_import_opts_t){.outcome = "auto", .infer_trades = true, .tick_e4 = 100, .scale = 1}; }

static const pmm__importer_t *importer_of(const pmm_import_opts_t *opts, pmm_error_t *err) {
  char names[sizeof err->text - 112] = ""; /* what the rest of the message leaves */
  for (size_t i = 0; i < IMPORTERS; i++) {
    if (opts->format && strcmp(importers[i]->name, opts->format) == 0) return importers[i];
    size_t const at = strlen(names);
    snprintf(names + at, sizeof names - at, "%s%s", i ? ", " : "", importers[i]->name);
  }
  pmm_error_set(err, PMM_INVAL, "format %.80s: not one of %s", opts->format ? opts->format : "(none)", names);
  return NULL;
}

static bool outcome_is_known(const pmm_import_opts_t *opts) {
  pmm_outcome_t outcome;
  if (strcmp(opts->outcome, "auto") == 0) return true;
  return pmm_outcome_from_string(opts->outcome, &outcome) == PMM_OK && outcome != PMM_OUTCOME_UNKNOWN;
}

static bool take_memory(pmm__import_t *im) {
  bool ok = true;
  for (int side = 0; side < 2; side++) {
    ok = (im->full_qty[side] = calloc(PRICES, sizeof(int64_t))) && ok;
    ok = (im->full_price[side] = calloc(PRICES, sizeof(int32_t))) && ok;
  }
  return ok;
}

static void import_fini(pmm__import_t *im) {
  for (size_t i = 0; i < im->source_cnt; i++) pmm__source_close(&im->sources[i]);
  pmm__trades_free(im->trades);
  for (uint32_t i = 0; i < im->market_cnt; i++) {
    pmm__book_fini(&im->market[i]->book);
    free(im->market[i]);
  }
  for (int side = 0; side < 2; side++) {
    free(im->full_qty[side]);
    free(im->full_price[side]);
  }
  for (int i = 0; i < 2; i++) pmm__skew_fini(&im->skew[i]);
  free(im->market);
  free(im->md);
  pmm__names_fini(&im->names);
  pmm__names_fini(&im->named);
  free(im->named_outcome);
  free(im->notes);
}

static const char *file_name(const char *path) { /* provenance names files, not folders of this machine */
  const char *const slash = strrchr(path, '/');
  return slash ? slash + 1 : path;
}

static void put_quoted(FILE *out, const char *text) {
  fputc('"', out);
  for (const char *s = text; *s; s++) {
    if (*s == '"' || *s == '\\') fputc('\\', out);
    if ((unsigned char)*s < 0x20) fprintf(out, "\\u%04x", (unsigned)*s);
    else fputc(*s, out);
  }
  fputc('"', out);
}

/* One JSON object on one line; nothing in it depends on when or where it was made. */
static char *make_provenance(const pmm__import_t *im) {
  char *text = NULL;
  size_t len;
  FILE *const out = open_memstream(&text, &len);
  if (!out) return NULL;
  fprintf(out, "{\"made_by\":\"pmm tape import\",\"format\":\"%s\",\"outcome\":\"%s\",\"infer_trades\":%s,\"files\":[", im->importer->name,
          im->opts->outcome, im->opts->infer_trades ? "true" : "false");
  for (size_t i = 0; i < im->source_cnt; i++) {
    if (i > 0) fputc(',', out);
    put_quoted(out, file_name(im->sources[i].name));
  }
  fputc(']', out);
  if (im->gap_ns != PMM_NS_MAX) fprintf(out, ",\"gap_ns\":%lld", (long long)im->gap_ns);
  if (im->opts->map) {
    fputs(",\"map\":", out);
    put_quoted(out, im->opts->map);
  }
  fputc('}', out);
  if (fclose(out) == 0) return text;
  free(text);
  return NULL;
}

/* Both clocks stand on the tape as they were; how far they are apart is for whoever reads it. */
static void put_skew(pmm__import_t *im, int of_underlyings, const char *key, char *out, size_t len) {
  pmm_tape_skew_t skew;
  pmm__skew_result(&im->skew[of_underlyings], &skew);
  out[0] = '\0';
  if (skew.cnt == 0) return;
  snprintf(out, len, "\"%s\":{\"median\":%.3f,\"p1\":%.3f,\"p99\":%.3f,\"messages\":%llu},", key, (double)skew.median_ns / 1e6,
           (double)skew.p1_ns / 1e6, (double)skew.p99_ns / 1e6, (unsigned long long)skew.cnt);
}

static char *make_note(pmm__import_t *im) {
  char *text, of_markets[160], of_underlyings[160];
  const pmm_import_stats_t *const s = im->stats;
  put_skew(im, 0, "recv_minus_venue_ms", of_markets, sizeof of_markets);
  put_skew(im, 1, "recv_minus_feed_ms", of_underlyings, sizeof of_underlyings);
  int const n = asprintf(
      &text,
      "{\"lines\":%llu,\"messages\":%llu,\"skipped\":%llu,\"clamped\":%llu,\"gaps\":%llu,\"trades\":%llu,\"inferred\":%llu,%s%s\"notes\":[%s]}",
      (unsigned long long)s->lines, (unsigned long long)s->messages, (unsigned long long)s->skipped, (unsigned long long)s->clamped,
      (unsigned long long)s->gaps, (unsigned long long)s->trades, (unsigned long long)s->inferred, of_markets, of_underlyings, im->notes ? im->notes : "");
  return n < 0 ? NULL : text;
}

static pmm_status_t run_importer(pmm__import_t *im) {
  pmm_status_t st = im->importer->run(im, im->sources, im->source_cnt);
  if (st == PMM_OK && im->stats->messages == 0)
    st = pmm_error_set(im->err, PMM_PARSE, "%s: no %s messages in it", im->sources[0].name, im->importer->name);
  return st == PMM_OK ? end_markets(im) : st;
}

static pmm_status_t finish(pmm__import_t *im) {
  if (im->trades) pmm__trades_note(im);
  char *const note = make_note(im);
  if (!note) {
    pmm_tape_abort(im->writer);
    return no_memory(im);
  }
  pmm_status_t const st = pmm_tape_finish(im->writer, note, im->err);
  free(note);
  return st;
}

static pmm_status_t write_tape(pmm__import_t *im, const char *out_path) {
  char *const provenance = make_provenance(im);
  if (!provenance) return no_memory(im);
  pmm__tape_remove_leftover(out_path);
  pmm_status_t st = pmm_tape_create(&im->writer, out_path, provenance, im->err);
  free(provenance);
  if (st != PMM_OK) return st;
  st = run_importer(im);
  if (st == PMM_OK) return finish(im);
  pmm_tape_abort(im->writer);
  return st;
}

static pmm_status_t import(const pmm_import_opts_t *opts, pmm__source_t *source, size_t n, const char *out_path, pmm_import_stats_t *stats,
                           pmm_error_t *err) {
  *stats = (pmm_import_stats_t){0};
  pmm__import_t im = {
      .opts = opts, .stats = stats, .err = err, .sources = source, .source_cnt = n, .now_ns = INT64_MIN + 1, .next_due_ns = PMM_NS_MAX};
  im.importer = importer_of(opts, err);
  if (!im.importer) return PMM_INVAL;
  if (!outcome_is_known(opts)) return pmm_error_set(err, PMM_INVAL, "outcome %s: not one of yes, no, void, auto", opts->outcome);
  int64_t const gap_ns = opts->gap_ns ? opts->gap_ns : im.importer->gap_ns;
  im.gap_ns = gap_ns > 0 ? gap_ns : PMM_NS_MAX;
  for (size_t i = 0; i < n; i++) {
    struct stat info;
    source[i].order = i;
    im.total_bytes += source[i].path && stat(source[i].path, &info) == 0 ? (uint64_t)info.st_size : source[i].len;
  }
  pmm_status_t st = take_memory(&im) ? read_named(&im) : no_memory(&im);
  if (st == PMM_OK) st = write_tape(&im, out_path);
  import_fini(&im);
  return st;
}

pmm_status_t pmm_import(const pmm_import_opts_t *opts, const char *const *path, size_t n, const char *out_path, pmm_import_stats_t *stats,
                        pmm_error_t *err) {
  if (n == 0) return pmm_error_set(err, PMM_INVAL, "nothing to import");
  pmm__source_t *const source = calloc(n, sizeof *source);
  if (!source) return pmm_error_set(err, PMM_FULL, "import: out of memory");
  for (size_t i = 0; i < n; i++) source[i].path = source[i].name = path[i];
  pmm_status_t const st = import(opts, source, n, out_path, stats, err);
  free(source);
  return st;
}

pmm_status_t pmm_import_buffer(const pmm_import_opts_t *opts, const char *name, const void *data, size_t len, const char *out_path,
                               pmm_import_stats_t *stats, pmm_error_t *err) {
  pmm__source_t source = {.name = name, .data = data, .len = len};
  return import(opts, &source, 1, out_path, stats, err);
}
