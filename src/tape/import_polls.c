/* Kalshi books asked for again and again by REST, one JSON line each.
   kalshi-bbo-polls: {"ts": ms, "ticker", "yes_bid", "yes_ask": cents or null, "yes_bid_sz", "yes_ask_sz"}
   kalshi-depth:     {"captured_at": RFC 3339, "ticker", "yes_bids", "no_bids": [[price, contracts], ...]}
   Neither tells when a market closes, and what happened between two polls is not on file. */
#include "import.h"
#include "pmm/decimal.h"

static pmm_status_t market_of(pmm__import_t *im, const pmm__source_t *s, int32_t tick_e4, uint32_t data, pmm__imarket_t **market) {
  char ticker[PMM_ID_MAX];
  pmm_market_t desc;
  pmm_status_t const st = pmm__field_text(im, s->root, "ticker", ticker);
  if (st != PMM_OK) return st;
  *market = pmm__market_find(im, ticker, strlen(ticker));
  if (*market) return PMM_OK;
  pmm_market_init(&desc, ticker);
  pmm__kalshi_terms(&desc);
  (void)pmm_grid_uniform(&desc.grid, tick_e4);
  desc.data = data;
  return pmm__market_add(im, &desc, market);
}

/* -- kalshi-bbo-polls -- */
static pmm_status_t next_poll(pmm__import_t *im, pmm__source_t *s) {
  pmm_status_t const st = pmm__source_line(im, s);
  return st == PMM_OK ? pmm__field_ms(im, s->root, "ts", &s->recv_ns) : st;
}

/* The recorder wrote binary fractions of a grid of 0.1 cent. */
static pmm_status_t poll_price(pmm__import_t *im, const pmm__source_t *s, const char *key, int32_t *price_e4) {
  const pmm_json_node_t *node;
  int64_t value;
  pmm_status_t st = pmm__field(im, s->root, key, &node);
  *price_e4 = 0;
  if (st != PMM_OK || node->type == PMM_JSON_NULL) return st;
  st = pmm__number_floor(im, node, key, 6, &value);
  if (st != PMM_OK) return st;
  if (value < 0 || value > 100 * PMM_ONE_E6) return pmm__bad(im, node, "%s: outside 0..100 cents", key);
  *price_e4 = (int32_t)((value + 50000) / 100000) * 10;
  return PMM_OK;
}

static pmm_status_t poll_size(pmm__import_t *im, const pmm__source_t *s, const char *key, pmm_side_t side, pmm__top_t *top) {
  const pmm_json_node_t *node;
  pmm_status_t st = pmm__field(im, s->root, key, &node);
  if (st == PMM_OK && node->type != PMM_JSON_NULL) st = pmm__size(im, node, key, &top->qty_e6[side]);
  if (top->qty_e6[side] == 0) top->price_e4[side] = 0;
  return st;
}

static pmm_status_t take_poll(pmm__import_t *im, pmm__source_t *s) {
  pmm__imarket_t *m;
  pmm__top_t top = {0};
  pmm_status_t st = market_of(im, s, 10, PMM_DATA_TOP, &m);
  if (st == PMM_OK) st = poll_price(im, s, "yes_bid", &top.price_e4[PMM_BID]);
  if (st == PMM_OK) st = poll_price(im, s, "yes_ask", &top.price_e4[PMM_ASK]);
  if (st == PMM_OK) st = poll_size(im, s, "yes_bid_sz", PMM_BID, &top);
  if (st == PMM_OK) st = poll_size(im, s, "yes_ask_sz", PMM_ASK, &top);
  if (st == PMM_OK) st = pmm__message_begin(im, m, s->recv_ns, PMM_TIME_NONE);
  if (st == PMM_OK) st = pmm__message_top(im, &top);
  return st == PMM_OK ? pmm__message_end(im) : st;
}

static pmm_status_t run_polls(pmm__import_t *im, pmm__source_t *source, size_t cnt) {
  pmm_status_t const st = pmm__sources_first(im, source, cnt, next_poll);
  return st == PMM_OK ? pmm__sources_merge(im, source, cnt, next_poll, take_poll) : st;
}

/* -- kalshi-depth -- */
static pmm_status_t next_capture(pmm__import_t *im, pmm__source_t *s) {
  const pmm_json_node_t *node;
  pmm_status_t st = pmm__source_line(im, s);
  if (st == PMM_OK) st = pmm__field(im, s->root, "captured_at", &node);
  if (st == PMM_OK) st = pmm__field_time(im, s->root, "captured_at", &s->recv_ns);
  return st == PMM_OK && s->recv_ns == PMM_TIME_NONE ? pmm__bad(im, node, "captured_at: not a time") : st;
}

static pmm_status_t take_levels(pmm__import_t *im, const pmm__source_t *s, const char *key, bool is_no) {
  const pmm_json_node_t *levels;
  pmm_status_t const found = pmm__field(im, s->root, key, &levels);
  if (found != PMM_OK) return found;
  if (levels->type != PMM_JSON_ARRAY) return pmm__bad(im, levels, "%s: not a list", key);
  for (const pmm_json_node_t *e = pmm_json_first(levels); e; e = pmm_json_next(levels, e)) {
    const pmm_json_node_t *const price = pmm_json_first(e), *const size = price ? pmm_json_next(e, price) : NULL;
    int32_t price_e4;
    int64_t qty_e6 = 0;
    if (!size) return pmm__bad(im, e, "%s: not [price, contracts]", key);
    pmm_status_t st = pmm__price(im, price, "price", &price_e4);
    if (st == PMM_OK) st = pmm__size(im, size, "size", &qty_e6);
    if (st == PMM_OK) st = pmm__full_level(im, is_no ? PMM_ASK : PMM_BID, is_no ? PMM_ONE_E4 - price_e4 : price_e4, qty_e6, e);
    if (st != PMM_OK) return st;
  }
  return PMM_OK;
}

static pmm_status_t take_capture(pmm__import_t *im, pmm__source_t *s) {
  pmm__imarket_t *m;
  pmm_status_t st = market_of(im, s, 100, PMM_DATA_DEPTH, &m);
  if (st == PMM_OK) st = pmm__message_begin(im, m, s->recv_ns, PMM_TIME_NONE);
  if (st != PMM_OK) return st;
  pmm__full_begin(im);
  st = take_levels(im, s, "yes_bids", false);
  if (st == PMM_OK) st = take_levels(im, s, "no_bids", true);
  if (st == PMM_OK) st = pmm__full_end(im);
  return st == PMM_OK ? pmm__message_end(im) : st;
}

static pmm_status_t run_depth(pmm__import_t *im, pmm__source_t *source, size_t cnt) {
  pmm_status_t const st = pmm__sources_first(im, source, cnt, next_capture);
  return st == PMM_OK ? pmm__sources_merge(im, source, cnt, next_capture, take_capture) : st;
}

/* A book of hours ago says how it ended only if somebody looked at it then: nobody knows. */
static pmm_outcome_t decide(pmm__import_t *im, const pmm__imarket_t *m, const char **why) {
  (void)im, (void)m, (void)why;
  return PMM_OUTCOME_UNKNOWN;
}

const pmm__importer_t pmm__importer_polls = {.name = "kalshi-bbo-polls",
                                             .what = "best prices with sizes, asked for every few seconds, JSON lines",
                                             .run = run_polls,
                                             .decide = decide,
                                             .resolve_after_ns = PMM_NS_MAX,
                                             .gap_ns = 30 * PMM_NS_PER_S};
const pmm__importer_t pmm__importer_depth = {.name = "kalshi-depth",
                                             .what = "full books of many markets, asked for now and then, JSON lines",
                                             .run = run_depth,
                                             .decide = decide,
                                             .resolve_after_ns = PMM_NS_MAX,
                                             .gap_ns = 60 * PMM_NS_PER_S};
