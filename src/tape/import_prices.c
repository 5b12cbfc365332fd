/* Tables of prices and outcomes, none of them in order of time.
   polymarket-daily:    market_id, instrument_id, outcome_label, observed_at (s), close; and a table of results among the inputs:
                        market_id, winning_outcome_instrument_id, winning_outcome_label, resolved_at (s)
   polymarket-prices:   condition_id, question, token_id, outcome (Yes/No), timestamp_utc, price
   kalshi-candles:      ticker, end_period_ts (s), yes_bid_close, yes_ask_close, close_dollars, volume
   polymarket-outcomes: window_id, resolved_up, final_price, price_to_beat (Chainlink); or
                        timestamp (s), outcome up/down, btc_open, btc_close (Binance)
   The two tokens of a market are complements, and the market is counted once: by its Yes (or Up) token, else the first on
   file. */
#include <stdio.h>
#include <stdlib.h>
#include "csv.h"
#include "timeline.h"

#define AFTER_LAST_NS PMM_NS_PER_S /* a market whose close is not on file closes this long after its last row */

typedef struct result {
  char winner[PMM_ID_MAX], label[PMM_ID_MAX];
  int64_t resolved_ns;
} result_t;

typedef struct prices {
  pmm__timeline_t timeline;
  pmm__names_t resolved; /* market ids, numbers of result */
  result_t *result;
  uint32_t result_cap;
  uint32_t feed; /* polymarket-outcomes: underlying of the present file */
} prices_t;      /* own of the import */

static prices_t *prices_of(const pmm__import_t *im) { return im->own; }

typedef pmm_status_t (*row_fn)(pmm__import_t *im, pmm__source_t *s, const int *column);
#define COLUMNS_MAX 8
/* A kind of table: known by its first column, which no other kind has. */
typedef struct kind {
  const char *column[COLUMNS_MAX]; /* NULL after the last */
  row_fn take;
} kind_t;

static pmm_status_t take_rows(pmm__import_t *im, pmm__source_t *s, const kind_t *kind) {
  int column[COLUMNS_MAX];
  pmm_status_t st = PMM_OK;
  for (int i = 0; i < COLUMNS_MAX && kind->column[i] && st == PMM_OK; i++) st = pmm__csv_need(im, s, kind->column[i], &column[i]);
  while (st == PMM_OK && (st = pmm__csv_row(im, s)) == PMM_OK) {
    im->stats->lines++;
    st = kind->take(im, s, column);
    pmm__progress(im);
  }
  return st == PMM_END ? PMM_OK : st;
}

/* Reads every source of this kind; seen counts them per source. */
static pmm_status_t take_kind(pmm__import_t *im, pmm__source_t *source, size_t cnt, const kind_t *kind) {
  pmm_status_t st = PMM_OK;
  for (size_t i = 0; i < cnt && st == PMM_OK; i++) {
    st = pmm__source_open(im, &source[i]);
    if (st == PMM_OK) st = pmm__csv_open(im, &source[i], ',');
    if (st == PMM_OK && pmm__csv_column(&source[i], kind->column[0]) != PMM__CSV_NONE) {
      st = take_rows(im, &source[i], kind);
      source[i].ended = true;
    }
    pmm__source_close(&source[i]);
  }
  return st;
}

/* Kinds in order, then nothing may be left; then the play. */
static pmm_status_t run_kinds(pmm__import_t *im, pmm__source_t *source, size_t cnt, const kind_t *kind, size_t kind_cnt,
                              pmm_status_t (*finish)(pmm__import_t *)) {
  prices_t prices = {0};
  pmm_status_t st = PMM_OK;
  im->own = &prices;
  for (size_t i = 0; i < kind_cnt && st == PMM_OK; i++) st = take_kind(im, source, cnt, &kind[i]);
  for (size_t i = 0; i < cnt && st == PMM_OK; i++)
    if (!source[i].ended)
      st = pmm_error_set(im->err, PMM_PARSE, "%s:1: no column %s in the heading", source[i].name, kind[kind_cnt - 1].column[0]);
  if (st == PMM_OK && finish) st = finish(im);
  if (st == PMM_OK) st = pmm__timeline_play(im, &prices.timeline);
  pmm__timeline_fini(&prices.timeline);
  pmm__names_fini(&prices.resolved);
  free(prices.result);
  im->own = NULL;
  return st;
}

static pmm_outcome_t decide(pmm__import_t *im, const pmm__imarket_t *m, const char **why) {
  (void)im, (void)m, (void)why;
  return PMM_OUTCOME_UNKNOWN; /* it was decided before the play, or nobody knows */
}

static void see(pmm__listed_t *l, int64_t at_ns) {
  if (l->last_ns == 0 || at_ns < l->first_ns) l->first_ns = at_ns;
  if (at_ns > l->last_ns) l->last_ns = at_ns;
}

/* -- two tokens, one price -- */
/* Which of its market's tokens this is: 0 or 1 in order of arrival. */
static pmm_status_t token_of(pmm__import_t *im, const pmm__source_t *s, int token_column, int label_column, pmm__listed_t *l,
                             uint8_t *which) {
  char token[PMM_ID_MAX], *const known[2] = {l->desc.token_yes, l->desc.token_no};
  pmm_status_t const st = pmm__cell_text(im, s, token_column, token);
  for (uint8_t i = 0; i < 2 && st == PMM_OK; i++) {
    *which = i;
    if (strcmp(known[i], token) == 0) return PMM_OK;
    if (known[i][0] != '\0') continue;
    memcpy(known[i], token, sizeof token);
    return pmm__cell_text(im, s, label_column, l->label[i]);
  }
  return st == PMM_OK ? pmm__bad_cell(im, s, token_column, "a third outcome of market %.80s", l->desc.id) : st;
}

static pmm_status_t add_price(pmm__import_t *im, const pmm__source_t *s, int column, uint32_t market, uint8_t token, int64_t at_ns) {
  pmm__moment_t m = {.kind = PMM__MOMENT_PRICE, .at_ns = at_ns, .who = market, .aux = token};
  if (pmm__csv_cell(s, column).len == 0) return pmm__bad_cell(im, s, column, "empty");
  pmm_status_t const st = pmm__cell_price(im, s, column, 4, &m.price_e4[0]);
  if (st != PMM_OK) return st;
  if (m.price_e4[0] == 0 || m.price_e4[0] == PMM_ONE_E4) m.kind = PMM__MOMENT_NONE; /* decided, or no price at all */
  see(&prices_of(im)->timeline.listed[market], at_ns);
  return pmm__timeline_add(im, &prices_of(im)->timeline, &m);
}

static pmm_status_t list(pmm__import_t *im, const pmm__source_t *s, int column, uint32_t *index, bool *is_new) {
  char id[PMM_ID_MAX];
  pmm_status_t const st = pmm__cell_text(im, s, column, id);
  return st == PMM_OK ? pmm__timeline_market(im, &prices_of(im)->timeline, id, index, is_new) : st;
}

static bool is_no_label(const char *label) { return strcmp(label, "No") == 0 || strcmp(label, "Down") == 0; }

/* The token that came first is YES unless its label says the contrary. */
static int yes_of(const pmm__listed_t *l) { return is_no_label(l->label[0]) && !is_no_label(l->label[1]) ? 1 : 0; }

static void swap_names(char a[PMM_ID_MAX], char b[PMM_ID_MAX]) {
  char t[PMM_ID_MAX];
  memcpy(t, a, sizeof t);
  memcpy(a, b, sizeof t);
  memcpy(b, t, sizeof t);
}

/* Prices of the YES token stay. Those of NO go, or are turned round where they are all there is. */
static void count_once(prices_t *p) {
  for (size_t i = 0; i < p->timeline.cnt; i++) {
    pmm__moment_t *const m = &p->timeline.moment[i];
    const pmm__listed_t *const l = &p->timeline.listed[m->who];
    if (m->kind != PMM__MOMENT_PRICE || m->aux == yes_of(l)) continue;
    if (l->label[1][0] != '\0') m->kind = PMM__MOMENT_NONE;
    else m->price_e4[0] = PMM_ONE_E4 - m->price_e4[0];
  }
}

static void name_tokens(prices_t *p) {
  for (uint32_t i = 0; i < p->timeline.names.cnt; i++) {
    pmm__listed_t *const l = &p->timeline.listed[i];
    if (yes_of(l) == 0) continue;
    swap_names(l->desc.token_yes, l->desc.token_no);
    swap_names(l->label[0], l->label[1]);
  }
}

/* -- polymarket-daily -- */
static pmm_status_t take_result(pmm__import_t *im, pmm__source_t *s, const int *column) {
  prices_t *const p = prices_of(im);
  char id[PMM_ID_MAX];
  result_t r;
  pmm_status_t st = pmm__cell_text(im, s, column[1], id);
  if (st == PMM_OK) st = pmm__cell_text(im, s, column[0], r.winner);
  if (st == PMM_OK) st = pmm__cell_text(im, s, column[2], r.label);
  if (st == PMM_OK) st = pmm__cell_time(im, s, column[3], PMM__TIME_S, "", &r.resolved_ns);
  if (st != PMM_OK) return st;
  if (pmm__names_find(&p->resolved, id, strlen(id)) != PMM__NAME_NONE)
    return pmm__bad_cell(im, s, column[1], "market %.80s resolves twice", id);
  if (p->resolved.cnt == p->result_cap) {
    uint32_t const cap = p->result_cap ? p->result_cap * 2 : 1024;
    result_t *const grown = realloc(p->result, cap * sizeof *grown);
    if (!grown) return pmm_error_set(im->err, PMM_FULL, "%s: out of memory", s->name);
    p->result = grown;
    p->result_cap = cap;
  }
  p->result[p->resolved.cnt] = r;
  return pmm__names_add(&p->resolved, id, strlen(id)) == PMM_OK ? PMM_OK : pmm_error_set(im->err, PMM_FULL, "%s: out of memory", s->name);
}

static const result_t *result_of(const prices_t *p, const char *id) {
  uint32_t const at = pmm__names_find(&p->resolved, id, strlen(id));
  return at == PMM__NAME_NONE ? NULL : &p->result[at];
}

static pmm_status_t take_daily(pmm__import_t *im, pmm__source_t *s, const int *column) {
  prices_t *const p = prices_of(im);
  uint32_t index;
  uint8_t token;
  bool is_new;
  int64_t at_ns;
  pmm_status_t st = list(im, s, column[1], &index, &is_new);
  if (st != PMM_OK) return st;
  pmm__listed_t *const l = &p->timeline.listed[index];
  const result_t *const r = result_of(p, l->desc.id);
  if (is_new) {
    pmm__polymarket_terms(&l->desc);
    memcpy(l->desc.event, l->desc.id, sizeof l->desc.event);
    l->desc.data = PMM_DATA_PRICE;
    if (r) l->desc.close_ns = r->resolved_ns;
  }
  st = pmm__cell_time(im, s, column[3], PMM__TIME_S, "", &at_ns);
  if (st == PMM_OK) st = token_of(im, s, column[0], column[2], l, &token);
  if (st != PMM_OK) return st;
  if (!r || at_ns <= r->resolved_ns) return add_price(im, s, column[4], index, token, at_ns);
  im->stats->skipped++; /* a price after the resolution is no price */
  return PMM_OK;
}

/* A winner that is on file under neither id is told by its label; failing that it is the outcome that is not on file. */
static pmm_outcome_t daily_outcome(const pmm__listed_t *l, const result_t *r) {
  if (strcmp(r->winner, l->desc.token_yes) == 0) return PMM_OUTCOME_YES;
  if (strcmp(r->winner, l->desc.token_no) == 0) return PMM_OUTCOME_NO;
  if (strcmp(r->label, l->label[0]) == 0) return PMM_OUTCOME_YES;
  if (strcmp(r->label, l->label[1]) == 0) return PMM_OUTCOME_NO;
  if (l->label[0][0] == '\0') return PMM_OUTCOME_YES;
  return l->label[1][0] == '\0' ? PMM_OUTCOME_NO : PMM_OUTCOME_VOID;
}

static pmm_status_t finish_daily(pmm__import_t *im) {
  prices_t *const p = prices_of(im);
  count_once(p);
  name_tokens(p);
  for (uint32_t i = 0; i < p->timeline.names.cnt; i++) {
    pmm__listed_t *const l = &p->timeline.listed[i];
    const result_t *const r = result_of(p, l->desc.id);
    if (r) l->outcome = daily_outcome(l, r);
    if (l->outcome == PMM_OUTCOME_VOID) pmm__note(im, "%s: void: the winner is no outcome on file", l->desc.id);
  }
  return PMM_OK;
}

static pmm_status_t run_daily(pmm__import_t *im, pmm__source_t *source, size_t cnt) {
  static const kind_t kinds[] = {
      {{"winning_outcome_instrument_id", "market_id", "winning_outcome_label", "resolved_at", NULL}, take_result},
      {{"instrument_id", "market_id", "outcome_label", "observed_at", "close", NULL}, take_daily}};
  return run_kinds(im, source, cnt, kinds, 2, finish_daily);
}

/* -- polymarket-prices -- */
/* "Will the highest temperature in Austin be 90-91F on August 4?" -> "Will the highest temperature in Austin on August 4?": the
   brackets of one day are one event. Another question is an event of its own. */
static void event_of(const char *question, char out[PMM_ID_MAX]) {
  const char *const be = strstr(question, " be "), *const on = be ? strstr(be, " on ") : NULL;
  if (on) snprintf(out, PMM_ID_MAX, "%.*s%s", (int)(be - question), question, on);
  else snprintf(out, PMM_ID_MAX, "%s", question);
}

static pmm_status_t take_history(pmm__import_t *im, pmm__source_t *s, const int *column) {
  prices_t *const p = prices_of(im);
  uint32_t index;
  uint8_t token;
  bool is_new;
  int64_t at_ns;
  pmm_status_t st = list(im, s, column[0], &index, &is_new);
  if (st != PMM_OK) return st;
  pmm__listed_t *const l = &p->timeline.listed[index];
  if (is_new) {
    pmm__polymarket_terms(&l->desc);
    event_of(pmm__csv_cell(s, column[1]).text, l->desc.event);
    l->desc.data = PMM_DATA_PRICE;
  }
  st = pmm__cell_time(im, s, column[4], PMM__TIME_ISO, "Z", &at_ns);
  if (st == PMM_OK) st = token_of(im, s, column[2], column[3], l, &token);
  return st == PMM_OK ? add_price(im, s, column[5], index, token, at_ns) : st;
}

/* The outcome by the last price (from 0.95 up or 0.05 down; none at all says nothing), and with it the close. */
static void decide_by_price(pmm__listed_t *l, int32_t price_e4) {
  if (price_e4 >= 9500) l->outcome = PMM_OUTCOME_YES;
  else if (price_e4 > 0 && price_e4 <= 500) l->outcome = PMM_OUTCOME_NO;
  else return;
  l->desc.close_ns = l->last_ns + AFTER_LAST_NS;
}

static pmm_status_t finish_history(pmm__import_t *im) {
  prices_t *const p = prices_of(im);
  int64_t *const at_ns = calloc(p->timeline.names.cnt + 1, sizeof *at_ns); /* of the last price so far */
  if (!at_ns) return pmm_error_set(im->err, PMM_FULL, "import: out of memory");
  count_once(p);
  name_tokens(p);
  for (size_t i = 0; i < p->timeline.cnt; i++) {
    const pmm__moment_t *const m = &p->timeline.moment[i];
    if (m->kind != PMM__MOMENT_PRICE || m->at_ns < at_ns[m->who]) continue;
    at_ns[m->who] = m->at_ns;
    p->timeline.listed[m->who].last_e4 = m->price_e4[0];
  }
  free(at_ns);
  for (uint32_t i = 0; i < p->timeline.names.cnt; i++) decide_by_price(&p->timeline.listed[i], p->timeline.listed[i].last_e4);
  return PMM_OK;
}

static pmm_status_t run_history(pmm__import_t *im, pmm__source_t *source, size_t cnt) {
  static const kind_t kind = {{"condition_id", "question", "token_id", "outcome", "timestamp_utc", "price", NULL}, take_history};
  return run_kinds(im, source, cnt, &kind, 1, finish_history);
}

/* -- kalshi-candles -- */
static pmm_status_t take_candle(pmm__import_t *im, pmm__source_t *s, const int *column) {
  prices_t *const p = prices_of(im);
  pmm__moment_t m = {.kind = PMM__MOMENT_TOP};
  bool is_new;
  pmm_status_t st = list(im, s, column[1], &m.who, &is_new);
  if (st != PMM_OK) return st;
  pmm__listed_t *const l = &p->timeline.listed[m.who];
  if (is_new) {
    pmm__kalshi_terms(&l->desc);
    l->desc.data = PMM_DATA_TOP | PMM_DATA_NOSIZE;
  }
  st = pmm__cell_time(im, s, column[0], PMM__TIME_S, "", &m.at_ns);
  if (st == PMM_OK) st = pmm__cell_price(im, s, column[2], 4, &m.price_e4[PMM_BID]);
  if (st == PMM_OK) st = pmm__cell_price(im, s, column[3], 4, &m.price_e4[PMM_ASK]);
  if (st == PMM_OK) st = pmm__cell_price(im, s, column[4], 4, &m.last_e4);
  if (st == PMM_OK && pmm__csv_cell(s, column[5]).len > 0) st = pmm__cell_size(im, s, column[5], &m.value);
  if (st != PMM_OK) return st;
  if (m.last_e4 && m.at_ns >= l->last_ns) l->last_e4 = m.last_e4;
  see(l, m.at_ns);
  return pmm__timeline_add(im, &p->timeline, &m);
}

static pmm_status_t finish_candles(pmm__import_t *im) {
  prices_t *const p = prices_of(im);
  for (uint32_t i = 0; i < p->timeline.names.cnt; i++) decide_by_price(&p->timeline.listed[i], p->timeline.listed[i].last_e4);
  return PMM_OK;
}

static pmm_status_t run_candles(pmm__import_t *im, pmm__source_t *source, size_t cnt) {
  static const kind_t kind = {{"end_period_ts", "ticker", "yes_bid_close", "yes_ask_close", "close_dollars", "volume", NULL}, take_candle};
  return run_kinds(im, source, cnt, &kind, 1, finish_candles);
}

/* -- polymarket-outcomes -- */
typedef struct window {
  char slug[PMM_ID_MAX];
  int64_t open_e8, close_e8;
  bool is_up;
} window_t;

static pmm_status_t add_value(pmm__import_t *im, int64_t at_ns, int64_t value_e8, pmm_under_kind_t kind) {
  pmm__moment_t const m = {
      .kind = PMM__MOMENT_UNDER, .aux = (uint8_t)kind, .at_ns = at_ns, .exch_ns = at_ns, .value = value_e8, .who = prices_of(im)->feed};
  return pmm__timeline_add(im, &prices_of(im)->timeline, &m);
}

/* A market of nothing but its window: it opens, the underlying has its first and last value, it resolves. */
static pmm_status_t add_window(pmm__import_t *im, const pmm__source_t *s, int column, const window_t *w, pmm_under_kind_t kind) {
  prices_t *const p = prices_of(im);
  pmm__moment_t m = {.kind = PMM__MOMENT_MARK};
  bool is_new;
  pmm_status_t st = pmm__timeline_market(im, &p->timeline, w->slug, &m.who, &is_new);
  if (st != PMM_OK) return st;
  if (!is_new) return pmm__bad_cell(im, s, column, "market %.80s is there twice", w->slug);
  pmm__listed_t *const l = &p->timeline.listed[m.who];
  pmm__polymarket_terms(&l->desc);
  memcpy(l->desc.event, w->slug, sizeof l->desc.event);
  if (!pmm__polymarket_window(w->slug, &l->desc.open_ns, &l->desc.close_ns))
    return pmm__bad_cell(im, s, column, "not of the form btc-updown-5m-<start>: %.80s", w->slug);
  if (w->open_e8 <= 0 || w->close_e8 <= 0) return pmm__bad_cell(im, s, column, "a price of the underlying is not positive");
  l->desc.tie_is_yes = 1;
  l->desc.strike_e8 = w->open_e8;
  l->desc.underlying = p->feed;
  l->outcome = w->is_up ? PMM_OUTCOME_YES : PMM_OUTCOME_NO;
  m.at_ns = l->desc.open_ns;
  st = add_value(im, l->desc.open_ns, w->open_e8, kind);
  if (st == PMM_OK) st = pmm__timeline_add(im, &p->timeline, &m);
  return st == PMM_OK ? add_value(im, l->desc.close_ns, w->close_e8, kind) : st;
}

static pmm_status_t take_label(pmm__import_t *im, pmm__source_t *s, const int *column) {
  window_t w;
  int64_t up = 0;
  pmm_status_t st = pmm__underlying_add(im, "BTC-USD", "chainlink", PMM_UNDER_ORACLE, &prices_of(im)->feed);
  if (st == PMM_OK) st = pmm__cell_text(im, s, column[0], w.slug);
  if (st == PMM_OK) st = pmm__cell_number(im, s, column[1], 0, &up);
  if (st == PMM_OK && up != 0 && up != 1) st = pmm__bad_cell(im, s, column[1], "neither 0 nor 1");
  if (st == PMM_OK) st = pmm__cell_number_floor(im, s, column[2], 8, &w.close_e8);
  if (st == PMM_OK) st = pmm__cell_number_floor(im, s, column[3], 8, &w.open_e8);
  w.is_up = up == 1;
  return st == PMM_OK ? add_window(im, s, column[0], &w, PMM_UNDER_ORACLE) : st;
}

static pmm_status_t take_enriched(pmm__import_t *im, pmm__source_t *s, const int *column) {
  window_t w = {0};
  int64_t start_ns = 0;
  pmm_status_t st = pmm__underlying_add(im, "BTC-USD", "binance", PMM_UNDER_TRADE, &prices_of(im)->feed);
  if (st == PMM_OK) st = pmm__cell_time(im, s, column[1], PMM__TIME_S, "", &start_ns);
  if (st == PMM_OK) st = pmm__cell_number_floor(im, s, column[0], 8, &w.open_e8);
  if (st == PMM_OK) st = pmm__cell_number_floor(im, s, column[3], 8, &w.close_e8);
  if (st != PMM_OK) return st;
  const char *const outcome = pmm__csv_cell(s, column[2]).text;
  w.is_up = strcmp(outcome, "up") == 0;
  if (!w.is_up && strcmp(outcome, "down") != 0) return pmm__bad_cell(im, s, column[2], "neither up nor down: %.40s", outcome);
  snprintf(w.slug, sizeof w.slug, "btc-updown-5m-%lld", (long long)(start_ns / PMM_NS_PER_S));
  return add_window(im, s, column[1], &w, PMM_UNDER_TRADE);
}

static pmm_status_t run_outcomes(pmm__import_t *im, pmm__source_t *source, size_t cnt) {
  static const kind_t kinds[] = {{{"btc_open", "timestamp", "outcome", "btc_close", NULL}, take_enriched},
                                 {{"window_id", "resolved_up", "final_price", "price_to_beat", NULL}, take_label}};
  return run_kinds(im, source, cnt, kinds, 2, NULL);
}

const pmm__importer_t pmm__importer_daily = {.name = "polymarket-daily",
                                             .what = "prices by day of resolved markets and their results, CSV",
                                             .run = run_daily,
                                             .decide = decide,
                                             .resolve_after_ns = PMM_NS_MAX};
const pmm__importer_t pmm__importer_prices = {.name = "polymarket-prices",
                                              .what = "price histories of tokens, CSV",
                                              .run = run_history,
                                              .decide = decide,
                                              .resolve_after_ns = PMM_NS_MAX};
const pmm__importer_t pmm__importer_candles = {.name = "kalshi-candles",
                                               .what = "best prices and volume by the hour, CSV",
                                               .run = run_candles,
                                               .decide = decide,
                                               .resolve_after_ns = PMM_NS_MAX,
                                               .gap_ns = 7200 * PMM_NS_PER_S};
const pmm__importer_t pmm__importer_outcomes = {.name = "polymarket-outcomes",
                                                .what = "outcomes of 5-minute BTC markets with first and last price of the underlying, CSV",
                                                .run = run_outcomes,
                                                .decide = decide,
                                                .close_grace_ns = 1, /* the last value goes before the close */
                                                .resolve_after_ns = PMM_NS_MAX};
