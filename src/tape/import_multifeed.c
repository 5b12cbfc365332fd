/* polymarket-multifeed: one JSON document with windows[], each a market and its events, arrays [receive time s, kind, ...]:
     s, l, t  Binance, Chainlink, Chainlink's 60 s mean (the settlement series): feed second, price
     b        best bid and ask of a token, without sizes
     p        a print of a token: price, size
   Windows of one document, and documents, may overlap in time: their events are merged, and underlying values that a
   second window repeats are left out. */
#include <stdlib.h>
#include "import.h"
#include "pmm/decimal.h"

#define WINDOWS_MAX 1024
#define UP_LEN_NS (300 * PMM_NS_PER_S) /* of a window whose name does not tell */

enum { FEEDS = 3 };
static const struct {
  char kind;
  const char *source;
  pmm_under_kind_t under;
} feeds[FEEDS] = {{'s', "binance", PMM_UNDER_TRADE}, {'l', "chainlink", PMM_UNDER_ORACLE}, {'t', "chainlink-twap-60s", PMM_UNDER_TWAP}};

typedef struct window {
  const pmm_json_node_t *node, *events, *event; /* event: the next one, NULL at the end */
  int64_t recv_ns;
  pmm__imarket_t *market; /* NULL until its first event is handled */
  uint32_t feed[FEEDS];   /* underlyings on the tape */
} window_t;

typedef struct document { /* own of a source */
  size_t cnt;
  window_t *at; /* whose event is next */
  window_t window[];
} document_t;

typedef struct state {
  int64_t last_feed_ns[PMM_TAPE_UNDER_MAX];
} state_t; /* own of the import */

/* -- events in order -- */
static pmm_status_t set_event(pmm__import_t *im, window_t *w, const pmm_json_node_t *event) {
  w->event = event;
  if (!event) return PMM_OK;
  const pmm_json_node_t *const time = pmm_json_first(event);
  return time ? pmm__seconds(im, time, "receive time", &w->recv_ns) : pmm__bad(im, event, "event is not a list");
}

static pmm_status_t read_window(pmm__import_t *im, window_t *w, const pmm_json_node_t *node) {
  w->node = node;
  pmm_status_t const st = pmm__field(im, node, "events", &w->events);
  if (st != PMM_OK) return st;
  if (w->events->type != PMM_JSON_ARRAY) return pmm__bad(im, w->events, "events: not a list");
  return set_event(im, w, pmm_json_first(w->events));
}

static pmm_status_t read_document(pmm__import_t *im, pmm__source_t *s) {
  pmm_status_t st = pmm__source_whole(im, s);
  const pmm_json_node_t *windows;
  if (st == PMM_OK) st = pmm__field(im, s->root, "windows", &windows);
  if (st != PMM_OK) return st;
  if (windows->type != PMM_JSON_ARRAY) return pmm__bad(im, windows, "windows: not a list");
  size_t cnt = 0;
  for (const pmm_json_node_t *e = pmm_json_first(windows); e; e = pmm_json_next(windows, e)) cnt++;
  if (cnt > WINDOWS_MAX) return pmm__bad(im, windows, "more than %d windows in one document", WINDOWS_MAX);
  document_t *const d = calloc(1, sizeof *d + cnt * sizeof d->window[0]);
  if (!d) return pmm_error_set(im->err, PMM_FULL, "%s: out of memory", s->name);
  s->own = d;
  for (const pmm_json_node_t *e = pmm_json_first(windows); e && st == PMM_OK; e = pmm_json_next(windows, e))
    st = read_window(im, &d->window[d->cnt++], e);
  return st;
}

static pmm_status_t next(pmm__import_t *im, pmm__source_t *s) {
  document_t *d = s->own;
  pmm_status_t st = PMM_OK;
  im->source = s;
  if (!d) st = read_document(im, s);
  else if (d->at) st = set_event(im, d->at, pmm_json_next(d->at->events, d->at->event));
  if (st != PMM_OK) return st;
  d = s->own;
  d->at = NULL;
  for (size_t i = 0; i < d->cnt; i++)
    if (d->window[i].event && (!d->at || d->window[i].recv_ns < d->at->recv_ns)) d->at = &d->window[i];
  if (!d->at) return PMM_END;
  s->recv_ns = d->at->recv_ns;
  return PMM_OK;
}

/* -- a window's market -- */
static void asset_of(const char *slug, char out[PMM_ID_MAX]) { /* btc-updown-... -> BTC-USD */
  size_t n = 0;
  for (; slug[n] && slug[n] != '-' && n < PMM_ID_MAX - 5; n++)
    out[n] = (char)(slug[n] >= 'a' && slug[n] <= 'z' ? slug[n] - 'a' + 'A' : slug[n]);
  memcpy(out + n, "-USD", 5);
}

static pmm_status_t add_feeds(pmm__import_t *im, window_t *w, const char *slug) {
  char asset[PMM_ID_MAX];
  asset_of(slug, asset);
  pmm_status_t st = PMM_OK;
  for (int i = 0; i < FEEDS && st == PMM_OK; i++) st = pmm__underlying_add(im, asset, feeds[i].source, feeds[i].under, &w->feed[i]);
  return st;
}

static pmm_status_t read_label(pmm__import_t *im, const pmm_json_node_t *window, pmm_market_t *desc, pmm_outcome_t *outcome) {
  const pmm_json_node_t *const label = pmm_json_get(window, "label"), *const strike = pmm_json_get(label, "price_to_beat"),
                               *const up = pmm_json_get(label, "resolved_up");
  *outcome = PMM_OUTCOME_UNKNOWN;
  if (up && up->type == PMM_JSON_NUMBER) *outcome = up->len == 1 && up->text[0] == '1' ? PMM_OUTCOME_YES : PMM_OUTCOME_NO;
  if (!strike || strike->type == PMM_JSON_NULL) return PMM_OK;
  return pmm__number_floor(im, strike, "price_to_beat", 8, &desc->strike_e8); /* the feed has 10 decimals and more */
}

static pmm_status_t add_market(pmm__import_t *im, window_t *w) {
  pmm_market_t desc;
  pmm_outcome_t outcome;
  char slug[PMM_ID_MAX];
  pmm_status_t st = pmm__field_text(im, w->node, "cid", slug);
  if (st != PMM_OK) return st;
  pmm_market_init(&desc, slug);
  pmm__polymarket_terms(&desc);
  memcpy(desc.event, slug, sizeof desc.event);
  desc.tie_is_yes = 1;
  desc.settle_window_ns = 60 * PMM_NS_PER_S;
  desc.data = PMM_DATA_TOP | PMM_DATA_NOSIZE | PMM_DATA_TRADES;
  st = pmm__field_seconds(im, w->node, "window_ts", &desc.open_ns);
  if (st == PMM_OK) st = pmm__field_text(im, w->node, "token_up", desc.token_yes);
  if (st == PMM_OK) st = pmm__field_text(im, w->node, "token_down", desc.token_no);
  if (st == PMM_OK) st = read_label(im, w->node, &desc, &outcome);
  if (st == PMM_OK) st = add_feeds(im, w, slug);
  if (st != PMM_OK) return st;
  desc.close_ns = desc.open_ns + UP_LEN_NS;
  (void)pmm__polymarket_window(slug, &desc.open_ns, &desc.close_ns);
  desc.underlying = w->feed[FEEDS - 1]; /* the settlement series; the others share its name */
  if (pmm__market_find(im, slug, strlen(slug))) return pmm__bad(im, w->node, "window %.80s is there twice", slug);
  st = pmm__market_add(im, &desc, &w->market);
  return st == PMM_OK && outcome != PMM_OUTCOME_UNKNOWN ? pmm__market_resolve(im, w->market, outcome) : st;
}

/* -- events -- */
#define FIELDS 5
/* The elements of an event; how many there are. */
static int split(const pmm_json_node_t *event, const pmm_json_node_t *field[FIELDS]) {
  int n = 0;
  for (const pmm_json_node_t *e = pmm_json_first(event); e && n < FIELDS; e = pmm_json_next(event, e)) field[n++] = e;
  return n;
}

static pmm_status_t take_feed(pmm__import_t *im, const window_t *w, int feed, const pmm_json_node_t *const field[FIELDS]) {
  state_t *const state = im->own;
  uint32_t const u = w->feed[feed];
  int64_t exch_ns, value_e8;
  pmm_status_t st = pmm__seconds(im, field[2], "feed time", &exch_ns);
  if (st == PMM_OK) st = pmm__number_floor(im, field[3], "price", 8, &value_e8);
  if (st == PMM_OK && value_e8 <= 0) st = pmm__bad(im, field[3], "price: not positive");
  if (st != PMM_OK) return st;
  if (exch_ns <= state->last_feed_ns[u]) {
    im->stats->skipped++; /* another window's copy */
    return PMM_OK;
  }
  state->last_feed_ns[u] = exch_ns;
  return pmm__underlying_tick(im, u, feeds[feed].under, w->recv_ns, exch_ns, value_e8);
}

static pmm_status_t token_of(pmm__import_t *im, const pmm__imarket_t *m, const pmm_json_node_t *token, bool *mirrored) {
  *mirrored = pmm_json_is(token, m->desc.token_no);
  return *mirrored || pmm_json_is(token, m->desc.token_yes) ? PMM_OK : pmm__bad(im, token, "token is none of window %.80s", m->desc.id);
}

/* A best price; 0 or 1 stands for an empty side. */
static pmm_status_t top_price(pmm__import_t *im, const pmm_json_node_t *node, int64_t *price_e4) {
  pmm_status_t const st = pmm__number(im, node, "best price", 4, price_e4);
  return st == PMM_OK && (*price_e4 < 0 || *price_e4 > PMM_ONE_E4) ? pmm__bad(im, node, "best price: outside 0..1") : st;
}

static pmm_status_t take_top(pmm__import_t *im, bool mirrored, const pmm_json_node_t *const field[FIELDS]) {
  int64_t bid_e4, ask_e4;
  pmm_status_t st = top_price(im, field[3], &bid_e4);
  if (st == PMM_OK) st = top_price(im, field[4], &ask_e4);
  if (st != PMM_OK) return st;
  pmm__top_t const top = {
      .price_e4 = {(int32_t)(mirrored ? PMM_ONE_E4 - ask_e4 : bid_e4), (int32_t)(mirrored ? PMM_ONE_E4 - bid_e4 : ask_e4)}};
  return pmm__message_top(im, &top);
}

static pmm_status_t take_print(pmm__import_t *im, const pmm__imarket_t *m, bool mirrored, const pmm_json_node_t *const field[FIELDS]) {
  int32_t price_e4;
  int64_t qty_e6;
  pmm_status_t st = pmm__price(im, field[3], "price", &price_e4);
  if (st == PMM_OK) st = pmm__size(im, field[4], "size", &qty_e6);
  if (st != PMM_OK || qty_e6 == 0) return st;
  pmm_side_t const taker = pmm__taker_of(m, mirrored ? PMM_ONE_E4 - price_e4 : price_e4);
  return pmm__polymarket_trade(im, mirrored, mirrored ? pmm_side_opposite(taker) : taker, price_e4, qty_e6);
}

static pmm_status_t take_market_event(pmm__import_t *im, const window_t *w, char kind, const pmm_json_node_t *const field[FIELDS]) {
  bool mirrored;
  pmm_status_t st = token_of(im, w->market, field[2], &mirrored);
  if (st == PMM_OK) st = pmm__message_begin(im, w->market, w->recv_ns, PMM_TIME_NONE);
  if (st == PMM_OK) st = kind == 'b' ? take_top(im, mirrored, field) : take_print(im, w->market, mirrored, field);
  return st == PMM_OK ? pmm__message_end(im) : st;
}

static pmm_status_t item(pmm__import_t *im, pmm__source_t *s) {
  window_t *const w = ((document_t *)s->own)->at;
  const pmm_json_node_t *field[FIELDS];
  int const n = split(w->event, field);
  pmm_status_t const st = w->market ? PMM_OK : add_market(im, w);
  if (st != PMM_OK) return st;
  if (n < 2 || field[1]->type != PMM_JSON_STRING || field[1]->len != 1) return pmm__bad(im, w->event, "event without a kind");
  char const kind = field[1]->text[0];
  for (int i = 0; i < FEEDS; i++)
    if (kind == feeds[i].kind)
      return n >= 4 ? take_feed(im, w, i, field) : pmm__bad(im, w->event, "event of kind %c with %d fields", kind, n);
  if (kind == 'b' || kind == 'p')
    return n >= 5 ? take_market_event(im, w, kind, field) : pmm__bad(im, w->event, "event of kind %c with %d fields", kind, n);
  im->stats->skipped++;
  return PMM_OK;
}

static pmm_status_t run(pmm__import_t *im, pmm__source_t *source, size_t cnt) {
  state_t *const state = calloc(1, sizeof *state);
  if (!state) return pmm_error_set(im->err, PMM_FULL, "import: out of memory");
  im->own = state;
  pmm_status_t st = pmm__sources_first(im, source, cnt, next);
  if (st == PMM_OK) st = pmm__sources_merge(im, source, cnt, next, item);
  free(state);
  im->own = NULL;
  return st;
}

const pmm__importer_t pmm__importer_multifeed = {.name = "polymarket-multifeed",
                                                 .what = "top of book, prints and price feeds of 5-minute markets, one JSON document each",
                                                 .run = run,
                                                 .decide = pmm__polymarket_decide,
                                                 .close_grace_ns = 0, /* receive time is all there is */
                                                 .resolve_after_ns = 60 * PMM_NS_PER_S};
