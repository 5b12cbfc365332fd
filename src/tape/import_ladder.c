/* kalshi-ladder: Kalshi's hourly crypto markets asked for by REST a few times an hour, all strikes of a series in one JSON
   line: current (an event: its times and outcomes with their quotes), spot (Coinbase), previous_settlement (results of an
   event before). Lines are not in order of time. */
#include <stdlib.h>
#include "pmm/decimal.h"
#include "timeline.h"

static pmm__timeline_t *timeline_of(const pmm__import_t *im) { return im->own; }

/* -- spot -- */
static pmm_status_t take_spot(pmm__import_t *im, const pmm_json_node_t *root, int64_t at_ns) {
  const pmm_json_node_t *const spot = pmm_json_get(root, "spot");
  char product[PMM_ID_MAX], source[PMM_ID_MAX];
  pmm__moment_t m = {.kind = PMM__MOMENT_UNDER, .aux = PMM_UNDER_TRADE, .at_ns = at_ns};
  if (!spot || spot->type == PMM_JSON_NULL) return PMM_OK;
  pmm_status_t st = pmm__field_text(im, spot, "product", product);
  if (st == PMM_OK) st = pmm__field_text(im, spot, "source", source);
  if (st == PMM_OK) st = pmm__field_number(im, spot, "price", 8, &m.value);
  if (st == PMM_OK) st = pmm__field_time(im, spot, "exchange_time", &m.exch_ns);
  if (st == PMM_OK && m.value <= 0) st = pmm__bad(im, spot, "price: not positive");
  if (st == PMM_OK) st = pmm__underlying_add(im, product, source, PMM_UNDER_TRADE, &m.who);
  return st == PMM_OK ? pmm__timeline_add(im, timeline_of(im), &m) : st;
}

/* The underlying of the line's markets, if it has one. */
static pmm_status_t spot_of(pmm__import_t *im, const pmm_json_node_t *root, uint32_t *underlying) {
  const pmm_json_node_t *const spot = pmm_json_get(root, "spot");
  char product[PMM_ID_MAX], source[PMM_ID_MAX];
  *underlying = PMM_UNDER_NONE;
  if (!spot || spot->type == PMM_JSON_NULL) return PMM_OK;
  pmm_status_t st = pmm__field_text(im, spot, "product", product);
  if (st == PMM_OK) st = pmm__field_text(im, spot, "source", source);
  return st == PMM_OK ? pmm__underlying_add(im, product, source, PMM_UNDER_TRADE, underlying) : st;
}

/* -- outcomes of an event -- */
typedef struct event {
  char ticker[PMM_ID_MAX];
  int64_t open_ns, close_ns;
  uint32_t underlying;
} event_t;

/* "greater" is yes above its floor. "less" and "between" have bounds that one strike cannot express: none is given. */
static pmm_status_t read_strike(pmm__import_t *im, const pmm_json_node_t *outcome, pmm_market_t *desc) {
  if (!pmm_json_is(pmm_json_get(outcome, "strike_type"), "greater")) return PMM_OK;
  return pmm__field_number(im, outcome, "floor_strike", 8, &desc->strike_e8);
}

static pmm_status_t list(pmm__import_t *im, const pmm_json_node_t *outcome, const event_t *event, uint32_t *index) {
  char ticker[PMM_ID_MAX];
  bool is_new = false;
  pmm_status_t st = pmm__field_text(im, outcome, "ticker", ticker);
  if (st == PMM_OK) st = pmm__timeline_market(im, timeline_of(im), ticker, index, &is_new);
  if (st != PMM_OK) return st;
  pmm_market_t *const desc = &timeline_of(im)->listed[*index].desc;
  if (desc->data != 0) return PMM_OK; /* known; a result alone, met before its quotes, does not describe a market */
  pmm__kalshi_terms(desc);
  memcpy(desc->event, event->ticker, sizeof desc->event);
  desc->open_ns = event->open_ns;
  desc->close_ns = event->close_ns;
  desc->underlying = event->underlying;
  desc->settle_window_ns = 60 * PMM_NS_PER_S;
  desc->data = PMM_DATA_TOP | PMM_DATA_NOSIZE;
  return read_strike(im, outcome, desc);
}

static pmm_status_t read_price(pmm__import_t *im, const pmm_json_node_t *outcome, const char *key, int32_t *price_e4) {
  const pmm_json_node_t *node;
  int64_t value;
  pmm_status_t st = pmm__field(im, outcome, key, &node);
  *price_e4 = 0;
  if (st != PMM_OK || node->type == PMM_JSON_NULL) return st;
  st = pmm__number(im, node, key, 4, &value);
  if (st != PMM_OK) return st;
  if (value < 0 || value > PMM_ONE_E4) return pmm__bad(im, node, "%s: outside 0..1", key);
  *price_e4 = (int32_t)value;
  return PMM_OK;
}

static pmm_status_t take_outcome(pmm__import_t *im, const pmm_json_node_t *outcome, const event_t *event, int64_t at_ns) {
  pmm__moment_t m = {.kind = PMM__MOMENT_TOP, .at_ns = at_ns, .value = -1};
  pmm_status_t st = list(im, outcome, event, &m.who);
  if (st == PMM_OK) st = read_price(im, outcome, "yes_bid", &m.price_e4[PMM_BID]);
  if (st == PMM_OK) st = read_price(im, outcome, "yes_ask", &m.price_e4[PMM_ASK]);
  return st == PMM_OK ? pmm__timeline_add(im, timeline_of(im), &m) : st;
}

static pmm_status_t need_time(pmm__import_t *im, const pmm_json_node_t *object, const char *key, int64_t *ns) {
  pmm_status_t const st = pmm__field_time(im, object, key, ns);
  return st == PMM_OK && *ns == PMM_TIME_NONE ? pmm__bad(im, object, "%s is missing", key) : st;
}

static pmm_status_t take_current(pmm__import_t *im, const pmm_json_node_t *root, int64_t at_ns) {
  const pmm_json_node_t *current, *const outcomes = pmm_json_get(pmm_json_get(root, "current"), "outcomes");
  event_t event;
  pmm_status_t st = pmm__field(im, root, "current", &current);
  if (st != PMM_OK) return st;
  if (!outcomes) {
    im->stats->skipped++; /* "no_hourly_group_found" */
    return PMM_OK;
  }
  if (outcomes->type != PMM_JSON_ARRAY) return pmm__bad(im, outcomes, "outcomes: not a list");
  st = pmm__field_text(im, current, "event_ticker", event.ticker);
  if (st == PMM_OK) st = need_time(im, current, "open_time", &event.open_ns);
  if (st == PMM_OK) st = need_time(im, current, "close_time", &event.close_ns);
  if (st == PMM_OK && event.open_ns >= event.close_ns) st = pmm__bad(im, current, "close_time: not after open_time");
  if (st == PMM_OK) st = spot_of(im, root, &event.underlying);
  for (const pmm_json_node_t *e = pmm_json_first(outcomes); e && st == PMM_OK; e = pmm_json_next(outcomes, e))
    st = take_outcome(im, e, &event, at_ns);
  return st;
}

/* -- results of an event before -- */
static pmm_status_t take_result(pmm__import_t *im, const pmm_json_node_t *ticker, const pmm_json_node_t *result, int64_t at_ns) {
  char id[PMM_ID_MAX];
  bool is_new;
  pmm__moment_t m = {.kind = PMM__MOMENT_RESOLVE, .at_ns = at_ns};
  if (ticker->len == 0 || ticker->len >= PMM_ID_MAX || memchr(ticker->text, '\0', ticker->len))
    return pmm__bad(im, ticker, "results: a ticker is not a text of 1 to %d bytes", PMM_ID_MAX - 1);
  memcpy(id, ticker->text, ticker->len);
  id[ticker->len] = '\0';
  m.value = pmm_json_is(result, "yes") ? PMM_OUTCOME_YES : PMM_OUTCOME_NO;
  if (m.value == PMM_OUTCOME_NO && !pmm_json_is(result, "no")) return pmm__bad(im, result, "results: neither yes nor no");
  pmm_status_t const st = pmm__timeline_market(im, timeline_of(im), id, &m.who, &is_new); /* new: never quoted, so never on tape */
  return st == PMM_OK ? pmm__timeline_add(im, timeline_of(im), &m) : st;
}

static pmm_status_t take_settlement(pmm__import_t *im, const pmm_json_node_t *root, int64_t at_ns) {
  const pmm_json_node_t *const results = pmm_json_get(pmm_json_get(root, "previous_settlement"), "results");
  if (!results) return PMM_OK;
  if (results->type != PMM_JSON_OBJECT) return pmm__bad(im, results, "results: not an object");
  const pmm_json_node_t *const end = results + results->span;
  for (const pmm_json_node_t *key = results + 1; key < end;) {
    const pmm_json_node_t *const value = key + key->span;
    pmm_status_t const st = take_result(im, key, value, at_ns);
    if (st != PMM_OK) return st;
    key = value + value->span;
  }
  return PMM_OK;
}

/* -- lines -- */
static pmm_status_t take_line(pmm__import_t *im, pmm__source_t *s) {
  int64_t at_ns = 0;
  pmm_status_t st = need_time(im, s->root, "captured_at", &at_ns);
  if (st == PMM_OK) st = take_settlement(im, s->root, at_ns);
  if (st == PMM_OK) st = take_spot(im, s->root, at_ns);
  return st == PMM_OK ? take_current(im, s->root, at_ns) : st;
}

static pmm_status_t read_file(pmm__import_t *im, pmm__source_t *s) {
  pmm_status_t st = pmm__source_open(im, s);
  while (st == PMM_OK && (st = pmm__source_line(im, s)) == PMM_OK) {
    im->stats->lines++;
    st = take_line(im, s);
    pmm__progress(im);
  }
  pmm__source_close(s);
  return st == PMM_END ? PMM_OK : st;
}

static pmm_status_t run(pmm__import_t *im, pmm__source_t *source, size_t cnt) {
  pmm__timeline_t timeline = {0};
  pmm_status_t st = PMM_OK;
  im->own = &timeline;
  for (size_t i = 0; i < cnt && st == PMM_OK; i++) st = read_file(im, &source[i]);
  if (st == PMM_OK) st = pmm__timeline_play(im, &timeline);
  pmm__timeline_fini(&timeline);
  im->own = NULL;
  return st;
}

static pmm_outcome_t decide(pmm__import_t *im, const pmm__imarket_t *m, const char **why) {
  (void)im, (void)m, (void)why;
  return PMM_OUTCOME_UNKNOWN; /* the settlement is on file, or nobody knows */
}

const pmm__importer_t pmm__importer_ladder = {
    .name = "kalshi-ladder",
    .what = "hourly crypto markets, all strikes a few times an hour, with spot and results, JSON lines",
    .run = run,
    .decide = decide,
    .resolve_after_ns = PMM_NS_MAX,
    .gap_ns = 2100 * PMM_NS_PER_S};
