/* kalshi-ws: recordings of Kalshi's WebSocket, a session in files of one prefix (PREFIX.control..., .orderbook_snapshot...,
   .orderbook_delta..., .ticker..., .coinbase_trades...), one JSON line a message. What a line is stands in its event_type,
   so names matter only for the grouping. Sessions follow each other; a market met again keeps its index.
   Or captures of the frames themselves, {"type","sid","seq","msg"}, with or without a receive time (capture.h); there one
   numbering (sid) may cover many markets, and trades are printed where that channel was subscribed. */
#include <stdlib.h>
#include "capture.h"
#include "pmm/decimal.h"

#define QUARTER_NS (900 * PMM_NS_PER_S)

/* -- sessions -- */
/* Length of the path up to the first dot of the file's name. */
static size_t prefix_len(const char *path) {
  const char *const slash = strrchr(path, '/');
  const char *const dot = strchr(slash ? slash : path, '.');
  return dot ? (size_t)(dot - path) : strlen(path);
}

static bool same_session(const pmm__source_t *a, const pmm__source_t *b) {
  size_t const len = prefix_len(a->name);
  return len == prefix_len(b->name) && memcmp(a->name, b->name, len) == 0;
}

/* -- captures -- */
typedef struct capture {
  bool is_capture, has_trades;
  int64_t first_ns; /* first time in it, for frames before it that have none */
} capture_t;
typedef struct subscription {
  size_t order; /* of the source */
  uint64_t sid, seq;
} subscription_t;
typedef struct kalshi {
  capture_t *capture; /* [order of the source] */
  subscription_t *sub;
  size_t sub_cnt;
  bool any_capture;
} kalshi_t; /* own of the import */

/* A recorder's line says event_type or raw_event_type; a frame says type. */
static bool is_frame(const pmm_json_node_t *root) {
  return pmm_json_get(root, "type") && !pmm_json_get(root, "event_type") && !pmm_json_get(root, "raw_event_type");
}

/* Where market and venue time stand. */
static const pmm_json_node_t *body_of(const pmm__source_t *s) { return is_frame(s->root) ? pmm_json_get(s->root, "msg") : s->root; }

/* The venue's time of a frame, PMM_TIME_NONE where it has none (snapshots). */
static pmm_status_t frame_time(pmm__import_t *im, const pmm_json_node_t *root, int64_t *ns) {
  const pmm_json_node_t *const msg = pmm_json_get(root, "msg");
  *ns = PMM_TIME_NONE;
  return pmm_json_get(msg, "ts_ms") ? pmm__field_ms(im, msg, "ts_ms", ns) : PMM_OK;
}

static pmm_status_t scan_frames(pmm__import_t *im, pmm__source_t *s, capture_t *c) {
  int64_t recv_ns, venue_ns;
  pmm_status_t st;
  while ((st = pmm__capture_line(im, s, &recv_ns)) == PMM_OK) {
    if (!c->is_capture && !is_frame(s->root)) return PMM_END; /* a recorder's file */
    c->is_capture = true;
    c->has_trades = c->has_trades || pmm_json_is(pmm_json_get(s->root, "type"), "trade");
    if ((st = frame_time(im, s->root, &venue_ns)) != PMM_OK) return st;
    if (recv_ns == PMM_TIME_NONE) recv_ns = venue_ns;
    if (c->first_ns == 0 && recv_ns != PMM_TIME_NONE) c->first_ns = recv_ns;
  }
  return st;
}

static pmm_status_t scan(pmm__import_t *im, pmm__source_t *s) {
  kalshi_t *const k = im->own;
  capture_t *const c = &k->capture[s->order];
  pmm_import_stats_t const stats = *im->stats;
  pmm_status_t st = pmm__source_open(im, s);
  if (st == PMM_OK) st = scan_frames(im, s, c);
  pmm__source_close(s);
  s->done_bytes = 0;
  *im->stats = stats;
  k->any_capture = k->any_capture || c->is_capture;
  return st == PMM_END ? PMM_OK : st;
}

static subscription_t *subscription_of(kalshi_t *k, size_t order, uint64_t sid) {
  for (size_t i = 0; i < k->sub_cnt; i++)
    if (k->sub[i].order == order && k->sub[i].sid == sid) return &k->sub[i];
  subscription_t *const grown = realloc(k->sub, (k->sub_cnt + 1) * sizeof *grown);
  if (!grown) return NULL;
  k->sub = grown;
  grown[k->sub_cnt] = (subscription_t){.order = order, .sid = sid};
  return &grown[k->sub_cnt++];
}

/* Every frame of a subscription is counted, over all its markets: one missing makes all their books suspect. */
static pmm_status_t follow(pmm__import_t *im, pmm__source_t *s, uint64_t *sid) {
  int64_t number = 0;
  pmm_status_t st = pmm__field_number(im, s->root, "sid", 0, &number);
  if (st != PMM_OK) return st;
  subscription_t *const sub = subscription_of(im->own, s->order, *sid = (uint64_t)number);
  if (!sub) return pmm_error_set(im->err, PMM_FULL, "%s: out of memory", s->name);
  bool const is_next = s->seq == sub->seq + 1;
  sub->seq = s->seq;
  for (uint32_t i = 0; i < im->market_cnt && !is_next && st == PMM_OK; i++)
    if (im->market[i]->source == s->order && im->market[i]->sid == *sid) st = pmm__market_gap(im, im->market[i]);
  return st;
}

/* -- markets -- */
static bool is_quarter_hour(const char *ticker) { return strstr(ticker, "15M-") != NULL; }

/* BTC-USD of KXBTC15M; false for a series of something else. */
static bool asset_of(const char *ticker, char out[16]) {
  size_t n = 0;
  if (strncmp(ticker, "KX", 2) != 0 || !is_quarter_hour(ticker)) return false;
  for (; n < 8 && ticker[2 + n] >= 'A' && ticker[2 + n] <= 'Z'; n++) out[n] = ticker[2 + n];
  memcpy(out + n, "-USD", 5);
  return n > 0;
}

static pmm_status_t add_market(pmm__import_t *im, const char *ticker, pmm__imarket_t **market) {
  pmm_market_t desc;
  char asset[16];
  pmm_market_init(&desc, ticker);
  pmm__kalshi_terms(&desc);
  desc.data = PMM_DATA_DEPTH;
  (void)pmm_grid_named(&desc.grid, "tapered_deci_cent");
  if (asset_of(ticker, asset)) { /* settles on a 60 s mean; at the strike is yes */
    desc.tie_is_yes = 1;
    desc.settle_window_ns = 60 * PMM_NS_PER_S;
    pmm_status_t const st = pmm__underlying_add(im, asset, "coinbase", PMM_UNDER_TRADE, &desc.underlying);
    if (st != PMM_OK) return st;
  }
  return pmm__market_add(im, &desc, market);
}

static pmm_status_t market_of(pmm__import_t *im, const pmm_json_node_t *line, pmm__imarket_t **market) {
  char ticker[PMM_ID_MAX];
  pmm_status_t const st = pmm__field_text(im, line, "market_ticker", ticker);
  if (st != PMM_OK) return st;
  *market = pmm__market_find(im, ticker, strlen(ticker));
  return *market ? PMM_OK : add_market(im, ticker, market);
}

/* -- control -- */
/* Once the market that opens at another's close shows its strike, the other is decided: that strike is the other's
   settlement value (venue rules: the 60 s mean of the index before the open). */
static pmm_status_t decide_neighbours(pmm__import_t *im, const pmm__imarket_t *m) {
  for (uint32_t i = 0; i < im->market_cnt; i++) {
    pmm__imarket_t *const before = im->market[i];
    if (before == m || !before->strike_known || before->desc.close_ns != m->desc.open_ns) continue;
    if (before->desc.underlying != m->desc.underlying || m->desc.underlying == PMM_UNDER_NONE) continue;
    pmm_status_t const st = pmm__market_resolve(im, before, m->desc.strike_e8 >= before->desc.strike_e8 ? PMM_OUTCOME_YES : PMM_OUTCOME_NO);
    if (st != PMM_OK) return st;
  }
  return PMM_OK;
}

static pmm_status_t watch_market(pmm__import_t *im, pmm__imarket_t *m, const pmm_json_node_t *payload) {
  const pmm_json_node_t *const strike = pmm_json_get(payload, "strike");
  int64_t close_ns;
  pmm_status_t st = pmm__field_time(im, payload, "close_time", &close_ns);
  if (st == PMM_OK && strike && strike->type != PMM_JSON_NULL) {
    st = pmm__number(im, strike, "strike", 8, &m->desc.strike_e8);
    m->strike_known = st == PMM_OK;
  }
  if (st != PMM_OK) return st;
  m->desc.close_ns = close_ns;
  m->desc.open_ns = close_ns != PMM_TIME_NONE && is_quarter_hour(m->desc.id) ? close_ns - QUARTER_NS : PMM_TIME_NONE;
  st = pmm__market_update(im, m);
  return st == PMM_OK && m->strike_known && close_ns != PMM_TIME_NONE ? decide_neighbours(im, m) : st;
}

static pmm_status_t take_watch(pmm__import_t *im, pmm__source_t *s, const pmm_json_node_t *payload) {
  pmm__imarket_t *m;
  pmm_status_t const st = market_of(im, s->root, &m);
  im->stats->skipped++;
  return st == PMM_OK ? watch_market(im, m, payload) : st;
}

/* A new connection, or a switch to the next market: what was followed so far is followed no longer. */
static pmm_status_t take_break(pmm__import_t *im, pmm__source_t *s, const pmm_json_node_t *payload) {
  pmm__imarket_t *m;
  (void)payload;
  im->stats->skipped++;
  pmm_status_t const st = market_of(im, s->root, &m);
  return st == PMM_OK ? pmm__market_gap(im, m) : st;
}

static pmm_status_t take_nothing(pmm__import_t *im, pmm__source_t *s, const pmm_json_node_t *payload) {
  (void)s, (void)payload;
  im->stats->skipped++;
  return PMM_OK;
}

/* -- book -- */
static pmm_status_t begin(pmm__import_t *im, pmm__source_t *s, pmm__imarket_t **m) {
  int64_t exch_ns;
  pmm_status_t st = market_of(im, body_of(s), m);
  if (st == PMM_OK) st = is_frame(s->root) ? frame_time(im, s->root, &exch_ns) : pmm__field_time(im, s->root, "exchange_ts", &exch_ns);
  return st == PMM_OK ? pmm__message_begin(im, *m, s->recv_ns, exch_ns) : st;
}

/* YES bids stay; NO bids at p are YES asks at 1-p. */
static pmm_status_t level_price(pmm__import_t *im, const pmm__imarket_t *m, const pmm_json_node_t *node, bool is_no, int32_t *price_e4) {
  pmm_status_t const st = pmm__price(im, node, "price", price_e4);
  if (st != PMM_OK) return st;
  if (is_no) *price_e4 = PMM_ONE_E4 - *price_e4;
  return pmm__book_fits(&m->book, *price_e4) ? PMM_OK : pmm__bad(im, node, "price: off the grid of a tenth of a cent");
}

static pmm_status_t snapshot_side(pmm__import_t *im, pmm__imarket_t *m, const pmm_json_node_t *levels, bool is_no) {
  if (levels && levels->type != PMM_JSON_ARRAY) return pmm__bad(im, levels, "levels: not a list");
  for (const pmm_json_node_t *e = pmm_json_first(levels); e; e = pmm_json_next(levels, e)) {
    const pmm_json_node_t *const price = pmm_json_first(e), *const size = price ? pmm_json_next(e, price) : NULL;
    int32_t price_e4;
    int64_t qty_e6;
    if (!size) return pmm__bad(im, e, "level: not [price, size]");
    pmm_status_t st = level_price(im, m, price, is_no, &price_e4);
    if (st == PMM_OK) st = pmm__size(im, size, "size", &qty_e6);
    if (st == PMM_OK) st = pmm__full_level(im, is_no ? PMM_ASK : PMM_BID, price_e4, qty_e6, e);
    if (st != PMM_OK) return st;
  }
  return PMM_OK;
}

/* A snapshot that does not continue the numbering opens a new subscription. */
static pmm_status_t take_snapshot(pmm__import_t *im, pmm__source_t *s, const pmm_json_node_t *payload) {
  pmm__imarket_t *m;
  pmm_status_t st = market_of(im, body_of(s), &m);
  if (st == PMM_OK && s->seq != m->venue_seq + 1) st = pmm__market_gap(im, m);
  if (st == PMM_OK) st = begin(im, s, &m);
  if (st != PMM_OK) return st;
  m->venue_seq = s->seq;
  m->book_known = false; /* so that the whole of it is written */
  pmm__full_begin(im);
  st = snapshot_side(im, m, pmm_json_get(payload, "yes_dollars_fp"), false);
  if (st == PMM_OK) st = snapshot_side(im, m, pmm_json_get(payload, "no_dollars_fp"), true);
  if (st == PMM_OK) st = pmm__full_end(im);
  return st == PMM_OK ? pmm__message_end(im) : st;
}

typedef struct delta {
  pmm_side_t side;
  int32_t price_e4;
  int64_t qty_e6;
} delta_t;

static pmm_status_t read_delta(pmm__import_t *im, const pmm__imarket_t *m, const pmm_json_node_t *payload, delta_t *d) {
  const pmm_json_node_t *side, *price;
  pmm_status_t st = pmm__field(im, payload, "side", &side);
  if (st == PMM_OK) st = pmm__field(im, payload, "price_dollars", &price);
  if (st == PMM_OK) st = pmm__field_number(im, payload, "delta_fp", 6, &d->qty_e6);
  if (st != PMM_OK) return st;
  d->side = pmm_json_is(side, "no") ? PMM_ASK : PMM_BID;
  if (d->side == PMM_BID && !pmm_json_is(side, "yes")) return pmm__bad(im, side, "side: neither yes nor no");
  return level_price(im, m, price, d->side == PMM_ASK, &d->price_e4);
}

static pmm_status_t apply_delta(pmm__import_t *im, pmm__imarket_t *m, const pmm_json_node_t *payload) {
  delta_t d;
  int64_t total_e6;
  pmm_status_t st = read_delta(im, m, payload, &d);
  if (st != PMM_OK) return st;
  bool const at_touch = pmm_ladder_best_e4(&m->book.ladder, d.side) == d.price_e4;
  if (__builtin_add_overflow(pmm__book_qty(&m->book, d.side, d.price_e4), d.qty_e6, &total_e6))
    return pmm__bad(im, payload, "size does not fit");
  if (total_e6 < 0) return pmm__bad(im, payload, "level %d of market %.80s would become negative", (int)d.price_e4, m->desc.id);
  st = pmm__message_level(im, d.side, d.price_e4, total_e6);
  if (st != PMM_OK || im->md_cnt == 0) return st == PMM_OK ? pmm__message_end(im) : st;
  pmm_md_t const level = im->md[0];
  st = pmm__message_end(im);
  return st == PMM_OK && im->trades ? pmm__trades_delta(im, m, &level, d.qty_e6, at_touch) : st;
}

static pmm_status_t take_delta(pmm__import_t *im, pmm__source_t *s, const pmm_json_node_t *payload) {
  pmm__imarket_t *m;
  pmm_status_t st = market_of(im, body_of(s), &m);
  if (st == PMM_OK && s->seq != m->venue_seq + 1) st = pmm__market_gap(im, m); /* an update was missed */
  if (st == PMM_OK) st = begin(im, s, &m);
  if (st != PMM_OK) return st;
  m->venue_seq = s->seq;
  if (m->book_known) return apply_delta(im, m, payload);
  im->stats->skipped++;
  return pmm__message_end(im);
}

static pmm_status_t take_ticker(pmm__import_t *im, pmm__source_t *s, const pmm_json_node_t *payload) {
  pmm__imarket_t *m;
  pmm__ticker_t t;
  int64_t price_e4;
  pmm_status_t st = begin(im, s, &m);
  if (st == PMM_OK) st = pmm__field_number(im, payload, "volume_fp", 6, &t.volume_e6);
  if (st == PMM_OK) st = pmm__field_number(im, payload, "last_trade_size_fp", 6, &t.last_size_e6);
  if (st == PMM_OK) st = pmm__field_number(im, payload, "price_dollars", 4, &price_e4);
  if (st == PMM_OK && (price_e4 < 0 || price_e4 > PMM_ONE_E4)) st = pmm__bad(im, payload, "price_dollars: outside 0..1");
  if (st == PMM_OK && t.volume_e6 < 0) st = pmm__bad(im, payload, "volume_fp: negative");
  if (st != PMM_OK) return st;
  t.exch_ns = im->exch_ns;
  t.last_price_e4 = (int32_t)price_e4;
  if (price_e4 > 0) m->last_price_e4 = (int32_t)price_e4;
  st = pmm__message_add(im, PMM_MD_VOLUME, 0, (int32_t)price_e4, t.volume_e6, 0);
  if (st == PMM_OK) st = pmm__message_end(im);
  return st == PMM_OK && im->trades ? pmm__trades_ticker(im, m, &t) : st;
}

/* -- frames that only captures hold -- */
static pmm_status_t take_trade(pmm__import_t *im, pmm__source_t *s, const pmm_json_node_t *payload) {
  const pmm_json_node_t *price, *const now = pmm_json_get(payload, "taker_outcome_side"), *const then = pmm_json_get(payload, "taker_side"),
                                       *const taker = now ? now : then;
  pmm__imarket_t *m;
  int32_t price_e4;
  int64_t qty_e6;
  pmm_status_t st = begin(im, s, &m);
  if (st == PMM_OK) st = pmm__field(im, payload, "yes_price_dollars", &price);
  if (st == PMM_OK) st = pmm__price(im, price, "yes_price_dollars", &price_e4);
  if (st == PMM_OK) st = pmm__field_number(im, payload, "count_fp", 6, &qty_e6);
  if (st != PMM_OK) return st;
  if (qty_e6 <= 0) return pmm__bad(im, payload, "count_fp: not positive");
  if (!pmm_json_is(taker, "yes") && !pmm_json_is(taker, "no"))
    return pmm__bad(im, taker ? taker : payload, "taker_outcome_side: neither yes nor no");
  m->last_price_e4 = price_e4;
  st = pmm__message_add(im, PMM_MD_TRADE, pmm_json_is(taker, "yes") ? PMM_BID : PMM_ASK, price_e4, qty_e6, 0);
  return st == PMM_OK ? pmm__message_end(im) : st;
}

/* Of markets that have been met: that channel tells of all there are. */
static pmm_status_t take_lifecycle(pmm__import_t *im, pmm__source_t *s, const pmm_json_node_t *payload) {
  const pmm_json_node_t *const close = pmm_json_get(payload, "close_ts"), *const result = pmm_json_get(payload, "result");
  char ticker[PMM_ID_MAX];
  im->stats->skipped++;
  pmm_status_t st = pmm__field_text(im, payload, "market_ticker", ticker);
  pmm__imarket_t *const m = st == PMM_OK ? pmm__market_find(im, ticker, strlen(ticker)) : NULL;
  if (!m) return st;
  if (close && close->type != PMM_JSON_NULL && !m->closed) {
    st = pmm__seconds(im, close, "close_ts", &m->desc.close_ns);
    if (st == PMM_OK) st = pmm__market_update(im, m);
  }
  bool const is_yes = pmm_json_is(result, "yes");
  if (st != PMM_OK || (!is_yes && !pmm_json_is(result, "no"))) return st;
  st = pmm__clock(im, s->recv_ns);
  if (st == PMM_OK) st = pmm__market_resolve(im, m, is_yes ? PMM_OUTCOME_YES : PMM_OUTCOME_NO);
  return st == PMM_OK ? pmm__market_close(im, m) : st;
}

static const struct {
  const char *name;
  pmm_status_t (*take)(pmm__import_t *, pmm__source_t *, const pmm_json_node_t *);
} frames[] = {{"orderbook_delta", take_delta},
              {"orderbook_snapshot", take_snapshot},
              {"ticker", take_ticker},
              {"trade", take_trade},
              {"market_lifecycle_v2", take_lifecycle}};
#define FRAMES (sizeof frames / sizeof frames[0])

/* The books' own numbering is that of their subscription. */
static pmm_status_t mark_market(pmm__import_t *im, const pmm__source_t *s, uint64_t sid) {
  pmm__imarket_t *m;
  pmm_status_t const st = market_of(im, body_of(s), &m);
  if (st != PMM_OK) return st;
  m->sid = sid;
  m->venue_seq = s->seq - 1;
  return PMM_OK;
}

static pmm_status_t take_frame(pmm__import_t *im, pmm__source_t *s) {
  const pmm_json_node_t *const type = pmm_json_get(s->root, "type"), *msg;
  uint64_t sid = 0;
  size_t i = 0;
  while (i < FRAMES && !pmm_json_is(type, frames[i].name)) i++;
  pmm_status_t st = s->seq > 0 ? follow(im, s, &sid) : PMM_OK;
  if (st != PMM_OK) return st;
  if (i == FRAMES) return take_nothing(im, s, NULL);
  st = pmm__field(im, s->root, "msg", &msg);
  bool const is_book = i < 2;
  if (st == PMM_OK && is_book && s->seq == 0) st = pmm__bad(im, s->root, "seq is missing");
  if (st == PMM_OK && is_book) st = mark_market(im, s, sid);
  return st == PMM_OK ? frames[i].take(im, s, msg) : st;
}

/* Without a receive time the venue's stands for it, and a frame without either takes the one before. */
static pmm_status_t next_frame(pmm__import_t *im, pmm__source_t *s, int64_t recv_ns) {
  int64_t seq = 0;
  pmm_status_t st = recv_ns == PMM_TIME_NONE ? frame_time(im, s->root, &recv_ns) : PMM_OK;
  if (st == PMM_OK && pmm_json_get(s->root, "seq")) st = pmm__field_number(im, s->root, "seq", 0, &seq);
  if (st != PMM_OK) return st;
  if (seq < 0) return pmm__bad(im, s->root, "seq: negative");
  if (recv_ns == PMM_TIME_NONE) recv_ns = pmm_max64(s->recv_ns, ((const kalshi_t *)im->own)->capture[s->order].first_ns);
  s->recv_ns = recv_ns;
  s->seq = (uint64_t)seq;
  s->rank = 1;
  return PMM_OK;
}

/* -- Coinbase -- */
static pmm_status_t take_match(pmm__import_t *im, pmm__source_t *s) {
  char symbol[PMM_ID_MAX];
  uint32_t underlying;
  int64_t exch_ns, value_e8;
  pmm_status_t st = pmm__field_text(im, s->root, "symbol", symbol);
  if (st == PMM_OK) st = pmm__field_time(im, s->root, "exchange_ts_utc", &exch_ns);
  if (st == PMM_OK) st = pmm__field_number(im, s->root, "price", 8, &value_e8);
  if (st == PMM_OK && value_e8 <= 0) st = pmm__bad(im, s->root, "price: not positive");
  if (st == PMM_OK) st = pmm__underlying_add(im, symbol, "coinbase", PMM_UNDER_TRADE, &underlying);
  return st == PMM_OK ? pmm__underlying_tick(im, underlying, PMM_UNDER_TRADE, s->recv_ns, exch_ns, value_e8) : st;
}

/* -- lines -- */
static const struct {
  const char *name;
  uint64_t rank;
  pmm_status_t (*take)(pmm__import_t *, pmm__source_t *, const pmm_json_node_t *);
} types[] = {
    {"orderbook_delta", 1, take_delta}, {"orderbook_snapshot", 1, take_snapshot}, {"ticker", 2, take_ticker},
    {"watch_market", 0, take_watch},    {"ws_connected", 0, take_break},          {"market_rotated", 0, take_break},
};
#define TYPES (sizeof types / sizeof types[0])

static size_t type_of(const pmm_json_node_t *root) {
  const pmm_json_node_t *const name = pmm_json_get(root, "event_type");
  size_t i = 0;
  while (i < TYPES && !pmm_json_is(name, types[i].name)) i++;
  return i;
}

/* At one time: control, then the book by its numbering, then tickers, then Coinbase. */
static pmm_status_t next(pmm__import_t *im, pmm__source_t *s) {
  int64_t recv_ns = PMM_TIME_NONE;
  pmm_status_t st = pmm__capture_line(im, s, &recv_ns);
  if (st == PMM_OK && is_frame(s->root)) return next_frame(im, s, recv_ns);
  if (st == PMM_OK) st = pmm__field_number(im, s->root, "local_recv_ns", 0, &s->recv_ns);
  if (st == PMM_OK && (s->recv_ns <= 0 || s->recv_ns / PMM_NS_PER_S > INT64_C(4000000000)))
    st = pmm__bad(im, s->root, "local_recv_ns: not a time");
  if (st != PMM_OK) return st;
  int64_t seq = 0;
  size_t const type = type_of(s->root);
  bool const is_match = pmm_json_get(s->root, "raw_event_type") != NULL;
  s->rank = is_match ? 3 : type < TYPES ? types[type].rank : 0;
  if (s->rank == 1) {
    st = pmm__field_number(im, s->root, "sequence_number", 0, &seq);
    if (st == PMM_OK && seq < 1) st = pmm__bad(im, s->root, "sequence_number: below 1");
  }
  s->seq = (uint64_t)seq;
  return st;
}

static pmm_status_t item(pmm__import_t *im, pmm__source_t *s) {
  if (is_frame(s->root)) return take_frame(im, s);
  if (s->rank == 3) return take_match(im, s);
  size_t const type = type_of(s->root);
  const pmm_json_node_t *payload;
  if (type == TYPES)
    return pmm_json_get(s->root, "event_type") ? take_nothing(im, s, NULL) : pmm__bad(im, s->root, "event_type is missing");
  pmm_status_t const st = pmm__field(im, s->root, "payload_json", &payload);
  return st == PMM_OK ? types[type].take(im, s, payload) : st;
}

/* -- a session after another -- */
static int by_beginning(const void *a, const void *b) {
  const pmm__source_t *const x = a, *const y = b;
  if (x->recv_ns != y->recv_ns) return x->recv_ns < y->recv_ns ? -1 : 1;
  return x->order < y->order ? -1 : 1;
}

static pmm_status_t run_session(pmm__import_t *im, pmm__source_t *s, size_t cnt) {
  pmm_status_t st = pmm__sources_merge(im, s, cnt, next, item);
  for (uint32_t i = 0; i < im->market_cnt && st == PMM_OK; i++) { /* the recorder stops */
    st = pmm__market_gap(im, im->market[i]);
    im->market[i]->venue_seq = 0;
  }
  return st;
}

/* Moves the files of the first file's session to the front; how many they are. */
static size_t gather_session(pmm__source_t *s, size_t cnt) {
  size_t n = 1;
  for (size_t i = 1; i < cnt; i++) {
    if (!same_session(&s[0], &s[i])) continue;
    pmm__source_t const found = s[i];
    memmove(&s[n + 1], &s[n], (i - n) * sizeof *s);
    s[n++] = found;
  }
  return n;
}

static bool any_trades(const kalshi_t *k, size_t cnt) {
  for (size_t i = 0; i < cnt; i++)
    if (k->capture[i].has_trades) return true;
  return false;
}

/* Where trades are on file none are inferred. */
static pmm_status_t run_sessions(pmm__import_t *im, pmm__source_t *s, size_t cnt) {
  pmm_status_t st = PMM_OK;
  for (size_t i = 0; i < cnt && st == PMM_OK; i++) st = scan(im, &s[i]);
  if (st != PMM_OK) return st;
  if (im->opts->infer_trades && !any_trades(im->own, cnt)) st = pmm__trades_new(&im->trades);
  if (st != PMM_OK) return pmm_error_set(im->err, st, "import: out of memory");
  st = pmm__sources_first(im, s, cnt, next);
  qsort(s, cnt, sizeof *s, by_beginning);
  while (cnt > 0 && st == PMM_OK) {
    size_t const n = gather_session(s, cnt);
    st = run_session(im, s, n);
    s += n;
    cnt -= n;
  }
  return st;
}

static pmm_status_t run(pmm__import_t *im, pmm__source_t *s, size_t cnt) {
  kalshi_t kalshi = {.capture = calloc(cnt, sizeof *kalshi.capture)};
  if (!kalshi.capture) return pmm_error_set(im->err, PMM_FULL, "import: out of memory");
  im->own = &kalshi;
  pmm_status_t const st = run_sessions(im, s, cnt);
  im->ends_unknown = kalshi.any_capture;
  free(kalshi.capture);
  free(kalshi.sub);
  im->own = NULL;
  return st;
}

/* Without a later strike: the last price, provided that trading was recorded into the settlement minute. */
static pmm_outcome_t decide(pmm__import_t *im, const pmm__imarket_t *m, const char **why) {
  if (im->ends_unknown && m->desc.close_ns == PMM_TIME_NONE) return PMM_OUTCOME_UNKNOWN;
  *why = "recording stops before the close and no later strike is on file";
  if (m->desc.close_ns != PMM_TIME_NONE && m->last_venue_ns < m->desc.close_ns - 60 * PMM_NS_PER_S) return PMM_OUTCOME_VOID;
  pmm_outcome_t const outcome = m->last_price_e4 ? pmm__outcome_of_book(m->last_price_e4, m->last_price_e4) : PMM_OUTCOME_VOID;
  *why = outcome == PMM_OUTCOME_VOID ? "last price is not at an end and no later strike is on file" : NULL;
  return outcome;
}

const pmm__importer_t pmm__importer_kalshi = {.name = "kalshi-ws",
                                              .what = "Kalshi WebSocket messages: recorded sessions, or captures of one raw message a line",
                                              .run = run,
                                              .decide = decide,
                                              .close_grace_ns = 5 * PMM_NS_PER_S,
                                              .resolve_after_ns = PMM_NS_MAX};
