/* Messages of the socket. Source: Kalshi API docs, AsyncAPI 2.0 and the pages of each channel (2026-11). */
#include <stdlib.h>
#include "codec.h"

#define RESERVED_BYTES 65536 /* messages and answers up to here never make the parser allocate */

pmm_status_t pmm_kalshi_codec_open(pmm_kalshi_codec_t **codec) {
  pmm_kalshi_codec_t *const c = calloc(1, sizeof *c);
  if (!c) return PMM_FULL;
  c->json = pmm_json_new();
  if (!c->json || pmm_json_reserve(c->json, RESERVED_BYTES) != PMM_OK) {
    pmm_kalshi_codec_close(c);
    return PMM_FULL;
  }
  *codec = c;
  return PMM_OK;
}

void pmm_kalshi_codec_close(pmm_kalshi_codec_t *codec) {
  if (!codec) return;
  pmm_json_free(codec->json);
  free(codec);
}

void pmm_kalshi_codec_reader(pmm_kalshi_codec_t *codec, pmm_kalshi_reader_t reader) { codec->reader = reader; }

pmm_status_t pmm__kalshi_root(pmm_kalshi_codec_t *codec, const char *text, size_t len, const pmm_json_node_t **root, pmm_error_t *err) {
  size_t at = 0;
  const char *why = "";
  if (codec->reader <= PMM_KALSHI_READ_TOKENS && pmm__kalshi_tokens(codec->node, PMM__KALSHI_NODES_MAX, text, len)) {
    *root = codec->node;
    return PMM_OK;
  }
  pmm_status_t const st = pmm_json_parse(codec->json, text, len, root, &at, &why);
  return st == PMM_OK ? st : pmm_error_set(err, st, "kalshi: byte %zu: %s", at, why);
}

/* -- parts -- */

static pmm_status_t level(const pmm__read_t *r, const pmm_json_node_t *pair, pmm_kalshi_level_t *out) {
  static const pmm__field_t price = PMM__FIELD(pmm_kalshi_level_t, price_e4, "price", F_PRICE, true),
                            count = PMM__FIELD(pmm_kalshi_level_t, qty_e6, "count", F_QTY, true);
  const pmm_json_node_t *const first = pmm_json_first(pair), *const second = first ? pmm_json_next(pair, first) : NULL;
  if (!second || pmm_json_next(pair, second)) return pmm__kalshi_bad(r, pair->at, "a level is [price, count]");
  pmm_status_t const st = pmm__value(r, first, &price, out);
  return st == PMM_OK ? pmm__value(r, second, &count, out) : st;
}

pmm_status_t pmm__kalshi_levels(pmm_kalshi_codec_t *codec, const pmm__read_t *r, int side, const pmm_json_node_t *array, pmm_kalshi_frame_t *frame) {
  uint32_t n = 0;
  if (array && array->type != PMM_JSON_ARRAY) return pmm__kalshi_bad(r, array->at, "levels: no array");
  for (const pmm_json_node_t *e = pmm_json_first(array); e; e = pmm_json_next(array, e)) {
    if (n == PMM_KALSHI_LEVELS_MAX) return pmm_error_set(r->err, PMM_FULL, "kalshi: byte %u: more levels than prices", e->at);
    pmm_status_t const st = level(r, e, &codec->level[side][n]);
    if (st != PMM_OK) return st;
    n++;
  }
  frame->u.book.level[side] = codec->level[side];
  frame->u.book.cnt[side] = n;
  return PMM_OK;
}

/* Which side of the YES book: said outright since V2; before that a word for the outcome, or outcome and action together. */
typedef struct sides { uint8_t book, outcome, side, action; } sides_t;
#define NO_SIDES {PMM_KALSHI_NO_SIDE, PMM_KALSHI_NO_SIDE, PMM_KALSHI_NO_SIDE, 0}
static const char *const actions[] = {"", "buy", "sell", NULL};

static pmm_status_t side_of(const pmm__read_t *r, const pmm_json_node_t *object, const sides_t *s, uint8_t *out) {
  if (s->book != PMM_KALSHI_NO_SIDE) *out = s->book;
  else if (s->outcome != PMM_KALSHI_NO_SIDE) *out = s->outcome;
  else if (s->side != PMM_KALSHI_NO_SIDE && s->action) *out = s->side ^ (s->action == 2);
  else return pmm__kalshi_bad(r, object->at, "book_side is missing");
  return PMM_OK;
}

typedef struct raw_fill {
  pmm_kalshi_fill_t f;
  sides_t sides;
  int64_t ts_ns, created_ns, ms_ns;
  bool taker;
  pmm_kalshi_text_t id, ticker;
  int64_t position_e6;
} raw_fill_t;

pmm_status_t pmm__kalshi_fill(const pmm__read_t *r, const pmm_json_node_t *object, pmm_kalshi_fill_t *out) {
  static const pmm__field_t fields[] = {
      PMM__FIELD(raw_fill_t, id, "fill_id", F_TEXT, false),
      PMM__FIELD(raw_fill_t, f.trade_id, "trade_id", F_TEXT, false),
      PMM__FIELD(raw_fill_t, f.order_id, "order_id", F_TEXT, true),
      PMM__FIELD(raw_fill_t, f.client_order_id, "client_order_id", F_TEXT, false),
      PMM__FIELD(raw_fill_t, ticker, "ticker", F_TEXT, false),
      PMM__FIELD(raw_fill_t, f.market, "market_ticker", F_TEXT, false),
      PMM__FIELD(raw_fill_t, f.exchange_index, "exchange_index", F_INT, false),
      PMM__FIELD(raw_fill_t, taker, "is_taker", F_BOOL, true),
      PMM__FIELD(raw_fill_t, sides.side, "side", F_OUTCOME, false),
      PMM__FIELD_WORD(raw_fill_t, sides.action, "action", actions),
      PMM__FIELD(raw_fill_t, f.price_e4, "yes_price_dollars", F_PRICE, true),
      PMM__FIELD(raw_fill_t, f.qty_e6, "count_fp", F_QTY, true),
      PMM__FIELD(raw_fill_t, f.fee_e6, "fee_cost", F_E6, true),
      PMM__FIELD(raw_fill_t, sides.outcome, "outcome_side", F_OUTCOME, false),
      PMM__FIELD(raw_fill_t, sides.book, "book_side", F_BOOK_SIDE, false),
      PMM__FIELD(raw_fill_t, position_e6, "post_position_fp", F_E6, false),
      PMM__FIELD(raw_fill_t, f.subaccount, "subaccount", F_INT, false),
      PMM__FIELD(raw_fill_t, f.subaccount, "subaccount_number", F_INT, false),
      PMM__FIELD(raw_fill_t, created_ns, "created_time", F_TIME, false),
      PMM__FIELD(raw_fill_t, ts_ns, "ts", F_TIME, false),
      PMM__FIELD(raw_fill_t, ms_ns, "ts_ms", F_MS, false),
  };
  raw_fill_t raw = {.sides = NO_SIDES, .ts_ns = PMM_TIME_NONE, .created_ns = PMM_TIME_NONE, .ms_ns = PMM_TIME_NONE, .position_e6 = INT64_MIN};
  pmm_status_t st = pmm__fields(r, object, fields, PMM__COUNT(fields), &raw);
  if (st == PMM_OK) st = side_of(r, object, &raw.sides, &raw.f.side);
  if (st != PMM_OK) return st;
  if (raw.f.trade_id.len == 0) raw.f.trade_id = raw.id;
  if (raw.f.market.len == 0) raw.f.market = raw.ticker;
  if (raw.f.trade_id.len == 0 || raw.f.market.len == 0) return pmm__kalshi_bad(r, object->at, "trade_id or market is missing");
  raw.f.maker = !raw.taker;
  raw.f.has_position = raw.position_e6 != INT64_MIN;
  raw.f.position_e6 = raw.f.has_position ? raw.position_e6 : 0;
  raw.f.exch_ns = raw.ms_ns != PMM_TIME_NONE ? raw.ms_ns : raw.created_ns != PMM_TIME_NONE ? raw.created_ns : raw.ts_ns;
  *out = raw.f;
  return PMM_OK;
}

typedef struct raw_order {
  pmm_kalshi_order_t o;
  sides_t sides;
  int64_t taker_fees_e6, maker_fees_e6, created_ms_ns, updated_ms_ns, expires_ms_ns;
} raw_order_t;

static int64_t first_time(int64_t a, int64_t b) { return a != PMM_TIME_NONE ? a : b; }

pmm_status_t pmm__kalshi_order(const pmm__read_t *r, const pmm_json_node_t *object, pmm_kalshi_order_t *out) {
  static const char *const status[] = {"", "resting", "canceled", "executed", NULL};
#define X(name, text) text,
  static const char *const reasons[] = {PMM_KALSHI_REASON_MAP(X) NULL};
#undef X
  static const pmm__field_t fields[] = {
      PMM__FIELD(raw_order_t, o.order_id, "order_id", F_TEXT, true),
      PMM__FIELD(raw_order_t, o.client_order_id, "client_order_id", F_TEXT, false),
      PMM__FIELD(raw_order_t, o.market, "ticker", F_TEXT, true),
      PMM__FIELD(raw_order_t, o.exchange_index, "exchange_index", F_INT, false),
      PMM__FIELD(raw_order_t, sides.side, "side", F_OUTCOME, false),
      PMM__FIELD_WORD(raw_order_t, sides.action, "action", actions),
      PMM__FIELD(raw_order_t, sides.outcome, "outcome_side", F_OUTCOME, false),
      PMM__FIELD(raw_order_t, sides.book, "book_side", F_BOOK_SIDE, false),
      PMM__FIELD_WORD(raw_order_t, o.status, "status", status),
      PMM__FIELD(raw_order_t, o.price_e4, "yes_price_dollars", F_PRICE, true),
      PMM__FIELD(raw_order_t, o.filled_e6, "fill_count_fp", F_QTY, true),
      PMM__FIELD(raw_order_t, o.remaining_e6, "remaining_count_fp", F_QTY, true),
      PMM__FIELD(raw_order_t, o.initial_e6, "initial_count_fp", F_QTY, false),
      PMM__FIELD(raw_order_t, taker_fees_e6, "taker_fees_dollars", F_E6, false),
      PMM__FIELD(raw_order_t, maker_fees_e6, "maker_fees_dollars", F_E6, false),
      PMM__FIELD(raw_order_t, o.group_id, "order_group_id", F_TEXT, false),
      PMM__FIELD(raw_order_t, o.created_ns, "created_time", F_TIME, false),
      PMM__FIELD(raw_order_t, created_ms_ns, "created_ts_ms", F_MS, false),
      PMM__FIELD(raw_order_t, o.updated_ns, "last_update_time", F_TIME, false),
      PMM__FIELD(raw_order_t, updated_ms_ns, "last_updated_ts_ms", F_MS, false),
      PMM__FIELD(raw_order_t, o.expires_ns, "expiration_time", F_TIME, false),
      PMM__FIELD(raw_order_t, expires_ms_ns, "expiration_ts_ms", F_MS, false),
      PMM__FIELD_WORD(raw_order_t, o.reason, "last_update_reason", reasons),
      PMM__FIELD(raw_order_t, o.subaccount, "subaccount_number", F_INT, false),
  };
  raw_order_t raw = {.sides = NO_SIDES, .created_ms_ns = PMM_TIME_NONE, .updated_ms_ns = PMM_TIME_NONE, .expires_ms_ns = PMM_TIME_NONE};
  raw.o.created_ns = raw.o.updated_ns = raw.o.expires_ns = PMM_TIME_NONE;
  pmm_status_t st = pmm__fields(r, object, fields, PMM__COUNT(fields), &raw);
  if (st == PMM_OK) st = side_of(r, object, &raw.sides, &raw.o.side);
  if (st != PMM_OK) return st;
  raw.o.created_ns = first_time(raw.o.created_ns, raw.created_ms_ns); /* the text has the finer time */
  raw.o.updated_ns = first_time(raw.o.updated_ns, raw.updated_ms_ns);
  raw.o.expires_ns = first_time(raw.o.expires_ns, raw.expires_ms_ns);
  if (__builtin_add_overflow(raw.taker_fees_e6, raw.maker_fees_e6, &raw.o.fees_e6)) return pmm__kalshi_bad(r, object->at, "fees: out of range");
  *out = raw.o;
  return PMM_OK;
}

pmm_status_t pmm__kalshi_position(const pmm__read_t *r, const pmm_json_node_t *object, pmm_kalshi_position_t *out) {
  static const pmm__field_t fields[] = {
      PMM__FIELD(pmm_kalshi_position_t, market, "ticker", F_TEXT, false),
      PMM__FIELD(pmm_kalshi_position_t, market, "market_ticker", F_TEXT, false),
      PMM__FIELD(pmm_kalshi_position_t, exchange_index, "exchange_index", F_INT, false),
      PMM__FIELD(pmm_kalshi_position_t, position_e6, "position_fp", F_E6, true),
      PMM__FIELD(pmm_kalshi_position_t, cost_e6, "position_cost_dollars", F_E6, false),
      PMM__FIELD(pmm_kalshi_position_t, cost_e6, "market_exposure_dollars", F_E6, false),
      PMM__FIELD(pmm_kalshi_position_t, realized_e6, "realized_pnl_dollars", F_E6, false),
      PMM__FIELD(pmm_kalshi_position_t, fees_e6, "fees_paid_dollars", F_E6, false),
      PMM__FIELD(pmm_kalshi_position_t, volume_e6, "volume_fp", F_E6, false),
      PMM__FIELD(pmm_kalshi_position_t, subaccount, "subaccount", F_INT, false),
  };
  pmm_kalshi_position_t p = {0};
  pmm_status_t const st = pmm__fields(r, object, fields, PMM__COUNT(fields), &p);
  if (st != PMM_OK) return st;
  if (p.market.len == 0) return pmm__kalshi_bad(r, object->at, "ticker is missing");
  *out = p;
  return PMM_OK;
}

/* -- channels: each fills f->u and what of f its message tells -- */

typedef struct taker { pmm_kalshi_codec_t *codec; pmm__read_t r; pmm_kalshi_frame_t *f; } taker_t;

typedef struct raw_book { pmm_kalshi_text_t market; const pmm_json_node_t *yes, *no; } raw_book_t;
static pmm_status_t take_book(taker_t *t, const pmm_json_node_t *msg) {
  static const pmm__field_t fields[] = {
      PMM__FIELD(raw_book_t, market, "market_ticker", F_TEXT, true),
      PMM__FIELD(raw_book_t, yes, "yes_dollars_fp", F_NODE, false),
      PMM__FIELD(raw_book_t, no, "no_dollars_fp", F_NODE, false),
  };
  raw_book_t raw = {0};
  pmm_status_t st = pmm__fields(&t->r, msg, fields, PMM__COUNT(fields), &raw);
  if (st == PMM_OK) st = pmm__kalshi_levels(t->codec, &t->r, 0, raw.yes, t->f);
  if (st == PMM_OK) st = pmm__kalshi_levels(t->codec, &t->r, 1, raw.no, t->f);
  t->f->market = raw.market;
  return st;
}

/* The text in ts is on its way out: it counts only where the milliseconds are missing. */
typedef struct raw_delta {
  pmm_kalshi_text_t market, client_order_id;
  int64_t qty_e6, ts_ns, ms_ns;
  const pmm_json_node_t *ts;
  int32_t price_e4;
  uint8_t side;
} raw_delta_t;
static pmm_status_t take_delta(taker_t *t, const pmm_json_node_t *msg) {
  static const pmm__field_t fields[] = {
      PMM__FIELD(raw_delta_t, market, "market_ticker", F_TEXT, true),
      PMM__FIELD(raw_delta_t, price_e4, "price_dollars", F_PRICE, true),
      PMM__FIELD(raw_delta_t, qty_e6, "delta_fp", F_E6, true),
      PMM__FIELD(raw_delta_t, side, "side", F_OUTCOME, true),
      PMM__FIELD(raw_delta_t, client_order_id, "client_order_id", F_TEXT, false),
      PMM__FIELD(raw_delta_t, ts, "ts", F_NODE, false),
      PMM__FIELD(raw_delta_t, ms_ns, "ts_ms", F_MS, false),
  };
  static const pmm__field_t ts = PMM__FIELD(raw_delta_t, ts_ns, "ts", F_TIME, false);
  raw_delta_t raw = {.ts_ns = PMM_TIME_NONE, .ms_ns = PMM_TIME_NONE, .side = PMM_KALSHI_NO_SIDE};
  pmm_status_t st = pmm__fields(&t->r, msg, fields, PMM__COUNT(fields), &raw);
  if (st == PMM_OK && raw.ms_ns == PMM_TIME_NONE && raw.ts) st = pmm__value(&t->r, raw.ts, &ts, &raw);
  if (st != PMM_OK) return st;
  if (raw.side == PMM_KALSHI_NO_SIDE) return pmm__kalshi_bad(&t->r, msg->at, "side: neither yes nor no");
  t->f->market = raw.market;
  t->f->exch_ns = first_time(raw.ms_ns, raw.ts_ns);
  t->f->u.delta.qty_e6 = raw.qty_e6;
  t->f->u.delta.price_e4 = raw.price_e4;
  t->f->u.delta.no = raw.side == PMM_ASK;
  t->f->u.delta.client_order_id = raw.client_order_id;
  return PMM_OK;
}

typedef struct raw_trade {
  pmm_kalshi_text_t market, trade_id;
  int64_t qty_e6, ts_ns, ms_ns;
  int32_t price_e4;
  uint8_t book, outcome, old;
  bool block;
} raw_trade_t;
static pmm_status_t take_trade(taker_t *t, const pmm_json_node_t *msg) {
  static const pmm__field_t fields[] = {
      PMM__FIELD(raw_trade_t, trade_id, "trade_id", F_TEXT, true),
      PMM__FIELD(raw_trade_t, market, "market_ticker", F_TEXT, true),
      PMM__FIELD(raw_trade_t, price_e4, "yes_price_dollars", F_PRICE, true),
      PMM__FIELD(raw_trade_t, qty_e6, "count_fp", F_QTY, true),
      PMM__FIELD(raw_trade_t, old, "taker_side", F_OUTCOME, false),
      PMM__FIELD(raw_trade_t, outcome, "taker_outcome_side", F_OUTCOME, false),
      PMM__FIELD(raw_trade_t, book, "taker_book_side", F_BOOK_SIDE, false),
      PMM__FIELD(raw_trade_t, block, "is_block_trade", F_BOOL, false),
      PMM__FIELD(raw_trade_t, ts_ns, "ts", F_TIME, false),
      PMM__FIELD(raw_trade_t, ms_ns, "ts_ms", F_MS, false),
  };
  raw_trade_t raw = {
      .ts_ns = PMM_TIME_NONE, .ms_ns = PMM_TIME_NONE, .book = PMM_KALSHI_NO_SIDE, .outcome = PMM_KALSHI_NO_SIDE, .old = PMM_KALSHI_NO_SIDE};
  pmm_status_t const st = pmm__fields(&t->r, msg, fields, PMM__COUNT(fields), &raw);
  if (st != PMM_OK) return st;
  uint8_t const taker = raw.book != PMM_KALSHI_NO_SIDE ? raw.book : raw.outcome != PMM_KALSHI_NO_SIDE ? raw.outcome : raw.old;
  if (taker == PMM_KALSHI_NO_SIDE) return pmm__kalshi_bad(&t->r, msg->at, "taker_book_side is missing");
  t->f->market = raw.market;
  t->f->exch_ns = first_time(raw.ms_ns, raw.ts_ns);
  t->f->u.trade.trade_id = raw.trade_id;
  t->f->u.trade.qty_e6 = raw.qty_e6;
  t->f->u.trade.price_e4 = raw.price_e4;
  t->f->u.trade.taker = taker;
  t->f->u.trade.block = raw.block;
  return PMM_OK;
}

typedef struct raw_ticker {
  pmm_kalshi_text_t market;
  int64_t bid_e6, ask_e6, last_e6, volume_e6, open_e6, ts_ns, ms_ns;
  int32_t price_e4, bid_e4, ask_e4;
} raw_ticker_t;
static pmm_status_t take_ticker(taker_t *t, const pmm_json_node_t *msg) {
  static const pmm__field_t fields[] = {
      PMM__FIELD(raw_ticker_t, market, "market_ticker", F_TEXT, true),
      PMM__FIELD(raw_ticker_t, price_e4, "price_dollars", F_PRICE, false),
      PMM__FIELD(raw_ticker_t, bid_e4, "yes_bid_dollars", F_PRICE, false),
      PMM__FIELD(raw_ticker_t, ask_e4, "yes_ask_dollars", F_PRICE, false),
      PMM__FIELD(raw_ticker_t, bid_e6, "yes_bid_size_fp", F_QTY, false),
      PMM__FIELD(raw_ticker_t, ask_e6, "yes_ask_size_fp", F_QTY, false),
      PMM__FIELD(raw_ticker_t, last_e6, "last_trade_size_fp", F_QTY, false),
      PMM__FIELD(raw_ticker_t, volume_e6, "volume_fp", F_QTY, false),
      PMM__FIELD(raw_ticker_t, open_e6, "open_interest_fp", F_QTY, false),
      PMM__FIELD(raw_ticker_t, ts_ns, "ts", F_TIME, false),
      PMM__FIELD(raw_ticker_t, ms_ns, "ts_ms", F_MS, false),
  };
  raw_ticker_t raw = {.ts_ns = PMM_TIME_NONE, .ms_ns = PMM_TIME_NONE, .ask_e4 = PMM_ONE_E4};
  pmm_status_t const st = pmm__fields(&t->r, msg, fields, PMM__COUNT(fields), &raw);
  if (st != PMM_OK) return st;
  t->f->market = raw.market;
  t->f->exch_ns = first_time(raw.ms_ns, raw.ts_ns);
  t->f->u.ticker.bid_e6 = raw.bid_e6;
  t->f->u.ticker.ask_e6 = raw.ask_e6;
  t->f->u.ticker.last_e6 = raw.last_e6;
  t->f->u.ticker.volume_e6 = raw.volume_e6;
  t->f->u.ticker.open_interest_e6 = raw.open_e6;
  t->f->u.ticker.price_e4 = raw.price_e4;
  t->f->u.ticker.bid_e4 = raw.bid_e4;
  t->f->u.ticker.ask_e4 = raw.ask_e4;
  return PMM_OK;
}

static pmm_status_t take_fill(taker_t *t, const pmm_json_node_t *msg) {
  pmm_status_t const st = pmm__kalshi_fill(&t->r, msg, &t->f->u.fill);
  if (st != PMM_OK) return st;
  t->f->market = t->f->u.fill.market;
  t->f->exch_ns = t->f->u.fill.exch_ns;
  return PMM_OK;
}

static pmm_status_t take_order(taker_t *t, const pmm_json_node_t *msg) {
  pmm_status_t const st = pmm__kalshi_order(&t->r, msg, &t->f->u.order);
  if (st != PMM_OK) return st;
  t->f->market = t->f->u.order.market;
  t->f->exch_ns = first_time(t->f->u.order.updated_ns, t->f->u.order.created_ns);
  return PMM_OK;
}

static pmm_status_t take_position(taker_t *t, const pmm_json_node_t *msg) {
  pmm_status_t const st = pmm__kalshi_position(&t->r, msg, &t->f->u.position);
  if (st == PMM_OK) t->f->market = t->f->u.position.market;
  return st;
}

typedef struct raw_life {
  pmm_kalshi_text_t market;
  uint8_t event, result;
  int64_t open_ns, close_ns, determined_ns, settled_ns, payout_e6;
  const pmm_json_node_t *ranges;
} raw_life_t;
static pmm_status_t take_life(taker_t *t, const pmm_json_node_t *msg) {
  static const char *const events[] = {"", "created", "activated", "deactivated", "close_date_updated", "determined", "settled",
                                       "price_level_structure_updated", "metadata_updated", NULL};
  static const char *const results[] = {"", "yes", "no", "scalar", NULL}; /* as pmm_outcome_t: unknown, yes, no, void */
  static const pmm__field_t fields[] = {
      PMM__FIELD(raw_life_t, market, "market_ticker", F_TEXT, true),
      PMM__FIELD_WORD(raw_life_t, event, "event_type", events),
      PMM__FIELD(raw_life_t, open_ns, "open_ts", F_TIME, false),
      PMM__FIELD(raw_life_t, close_ns, "close_ts", F_TIME, false),
      PMM__FIELD(raw_life_t, determined_ns, "determination_ts", F_TIME, false),
      PMM__FIELD(raw_life_t, settled_ns, "settled_ts", F_TIME, false),
      PMM__FIELD_WORD(raw_life_t, result, "result", results),
      PMM__FIELD(raw_life_t, payout_e6, "settlement_value", F_E6, false),
      PMM__FIELD(raw_life_t, ranges, "price_ranges", F_NODE, false),
  };
  raw_life_t raw = {.open_ns = PMM_TIME_NONE,
                    .close_ns = PMM_TIME_NONE,
                    .determined_ns = PMM_TIME_NONE,
                    .settled_ns = PMM_TIME_NONE,
                    .payout_e6 = INT64_MIN};
  pmm_status_t st = pmm__fields(&t->r, msg, fields, PMM__COUNT(fields), &raw);
  if (st == PMM_OK && raw.ranges) st = pmm__kalshi_grid(&t->r, raw.ranges, &t->f->u.life.grid);
  if (st != PMM_OK) return st;
  bool const has_payout = raw.payout_e6 != INT64_MIN;
  if (has_payout && (raw.payout_e6 < 0 || raw.payout_e6 > PMM_ONE_E6)) return pmm__kalshi_bad(&t->r, msg->at, "settlement_value: outside 0..1");
  t->f->market = raw.market;
  t->f->exch_ns = first_time(raw.settled_ns, raw.determined_ns);
  t->f->u.life.event = raw.event;
  t->f->u.life.result = raw.result;
  t->f->u.life.has_payout = has_payout;
  t->f->u.life.payout_e6 = has_payout ? raw.payout_e6 : 0;
  t->f->u.life.open_ns = raw.open_ns;
  t->f->u.life.close_ns = raw.close_ns;
  t->f->u.life.has_grid = raw.ranges != NULL;
  return PMM_OK;
}

typedef struct raw_fee { pmm_kalshi_text_t event, type; int64_t multiplier_e6; } raw_fee_t;
static pmm_status_t take_fee(taker_t *t, const pmm_json_node_t *msg) {
  static const pmm__field_t fields[] = {
      PMM__FIELD(raw_fee_t, event, "event_ticker", F_TEXT, true),
      PMM__FIELD(raw_fee_t, type, "fee_type_override", F_TEXT, false),
      PMM__FIELD(raw_fee_t, multiplier_e6, "fee_multiplier_override", F_QTY, false),
  };
  raw_fee_t raw = {.multiplier_e6 = -1};
  pmm_status_t const st = pmm__fields(&t->r, msg, fields, PMM__COUNT(fields), &raw);
  t->f->u.fee.event = raw.event;
  t->f->u.fee.fee_type = raw.type;
  t->f->u.fee.multiplier_e6 = raw.multiplier_e6;
  return st;
}

typedef struct raw_group { pmm_kalshi_text_t id; uint8_t event; int64_t limit_e6, ms_ns; } raw_group_t;
static pmm_status_t take_group(taker_t *t, const pmm_json_node_t *msg) {
  static const char *const events[] = {"", "created", "triggered", "reset", "deleted", "limit_updated", NULL};
  static const pmm__field_t fields[] = {
      PMM__FIELD_WORD(raw_group_t, event, "event_type", events),
      PMM__FIELD(raw_group_t, id, "order_group_id", F_TEXT, true),
      PMM__FIELD(raw_group_t, limit_e6, "contracts_limit_fp", F_QTY, false),
      PMM__FIELD(raw_group_t, ms_ns, "ts_ms", F_MS, false),
  };
  raw_group_t raw = {.limit_e6 = -1, .ms_ns = PMM_TIME_NONE};
  pmm_status_t const st = pmm__fields(&t->r, msg, fields, PMM__COUNT(fields), &raw);
  t->f->exch_ns = raw.ms_ns;
  t->f->u.group.group_id = raw.id;
  t->f->u.group.limit_e6 = raw.limit_e6;
  t->f->u.group.event = raw.event;
  return st;
}

/* -- reference prices -- */

static pmm_status_t average(const pmm__read_t *r, const pmm_json_node_t *node, pmm_kalshi_average_t *out) {
  static const pmm__field_t fields[] = {
      PMM__FIELD(pmm_kalshi_average_t, value_e8, "value", F_E8, true),
      PMM__FIELD(pmm_kalshi_average_t, window_size, "window_size", F_INT, true),
      PMM__FIELD(pmm_kalshi_average_t, start_ns, "window_start_ts_ms", F_MS, false),
      PMM__FIELD(pmm_kalshi_average_t, end_ns, "window_end_ts_exclusive", F_MS, false),
  };
  *out = (pmm_kalshi_average_t){.start_ns = PMM_TIME_NONE, .end_ns = PMM_TIME_NONE};
  if (!node) return PMM_OK;
  out->has = true;
  return pmm__fields(r, node, fields, PMM__COUNT(fields), out);
}

typedef struct raw_inner { pmm_kalshi_text_t id; int64_t time_ns, value_e8; } raw_inner_t;
/* `data` is JSON inside a string, as the index provider gave it. */
static pmm_status_t inner(taker_t *t, pmm_kalshi_text_t data, raw_inner_t *out) {
  static const pmm__field_t fields[] = {
      PMM__FIELD(raw_inner_t, time_ns, "time", F_MS, true),
      PMM__FIELD(raw_inner_t, value_e8, "value", F_E8, true),
  };
  char text[512 + PMM_JSON_PAD] = "";
  pmm_json_node_t node[32];
  pmm__read_t const r = {text, t->r.err};
  if (data.len > 512) return pmm__kalshi_bad(&t->r, 0, "data: too long");
  size_t n = 0;
  for (uint32_t i = 0; i < data.len; i++) /* blanks lie only between tokens: its strings are ids and numbers */
    if (data.at[i] != ' ' && data.at[i] != '\n' && data.at[i] != '\t' && data.at[i] != '\r') text[n++] = data.at[i];
  if (!pmm__kalshi_tokens(node, PMM__COUNT(node), text, n)) return pmm__kalshi_bad(&t->r, 0, "data: no JSON of the usual form");
  return pmm__fields(&r, node, fields, PMM__COUNT(fields), out);
}

typedef struct raw_index {
  pmm_kalshi_text_t id, data;
  int64_t value_e8, source_ns, received_ns;
  const pmm_json_node_t *minute, *quarter;
} raw_index_t;
static pmm_status_t take_index(taker_t *t, const pmm_json_node_t *msg) {
  static const pmm__field_t fields[] = {
      PMM__FIELD(raw_index_t, id, "index_id", F_TEXT, true),
      PMM__FIELD(raw_index_t, value_e8, "value_usd", F_E8, false),
      PMM__FIELD(raw_index_t, source_ns, "source_ts_ms", F_MS, false),
      PMM__FIELD(raw_index_t, received_ns, "received_at", F_MS, false),
      PMM__FIELD(raw_index_t, data, "data", F_TEXT, false),
      PMM__FIELD(raw_index_t, minute, "avg_60s_data", F_NODE, false),
      PMM__FIELD(raw_index_t, quarter, "last_60s_windowed_average_15min", F_NODE, false),
  };
  raw_index_t raw = {.value_e8 = INT64_MIN, .source_ns = PMM_TIME_NONE, .received_ns = PMM_TIME_NONE};
  pmm_status_t st = pmm__fields(&t->r, msg, fields, PMM__COUNT(fields), &raw);
  if (st == PMM_OK) st = average(&t->r, raw.minute, &t->f->u.index.minute);
  if (st == PMM_OK) st = average(&t->r, raw.quarter, &t->f->u.index.quarter);
  if (st == PMM_OK && (raw.value_e8 == INT64_MIN || raw.source_ns == PMM_TIME_NONE)) {
    raw_inner_t in = {.time_ns = PMM_TIME_NONE};
    st = inner(t, raw.data, &in);
    raw.value_e8 = in.value_e8;
    raw.source_ns = in.time_ns;
  }
  t->f->exch_ns = t->f->u.index.source_ns = raw.source_ns;
  t->f->u.index.index = raw.id;
  t->f->u.index.value_e8 = raw.value_e8;
  t->f->u.index.received_ns = raw.received_ns;
  return st;
}

/* -- replies -- */

typedef struct raw_reply { pmm_kalshi_text_t channel, text; uint32_t sid; int64_t code; } raw_reply_t;
static pmm_status_t take_subscribed(taker_t *t, const pmm_json_node_t *msg) {
  static const pmm__field_t fields[] = {
      PMM__FIELD(raw_reply_t, channel, "channel", F_TEXT, true),
      PMM__FIELD(raw_reply_t, sid, "sid", F_ID, false), /* here, or beside msg */
  };
  raw_reply_t raw = {0};
  pmm_status_t const st = pmm__fields(&t->r, msg, fields, PMM__COUNT(fields), &raw);
  if (st != PMM_OK) return st;
  if (raw.sid) t->f->sid = raw.sid;
  if (!t->f->sid) return pmm__kalshi_bad(&t->r, msg->at, "sid is missing");
  t->f->u.subscribed.channel = raw.channel;
  return PMM_OK;
}

static pmm_status_t take_error(taker_t *t, const pmm_json_node_t *msg) {
  static const pmm__field_t fields[] = {
      PMM__FIELD(raw_reply_t, code, "code", F_INT, true),
      PMM__FIELD(raw_reply_t, text, "msg", F_TEXT, false),
      PMM__FIELD(raw_reply_t, sid, "sid", F_ID, false),
  };
  raw_reply_t raw = {0};
  pmm_status_t const st = pmm__fields(&t->r, msg, fields, PMM__COUNT(fields), &raw);
  if (st != PMM_OK) return st;
  if (!t->f->sid) t->f->sid = raw.sid;
  t->f->u.error.code = raw.code;
  t->f->u.error.text = raw.text;
  return PMM_OK;
}

/* -- all of them -- */

static const struct {
  const char *name;
  uint8_t type;
  pmm_status_t (*take)(taker_t *t, const pmm_json_node_t *msg); /* NULL: what is beside msg suffices */
} types[] = {
    {"orderbook_delta", PMM_KALSHI_DELTA, take_delta},
    {"orderbook_snapshot", PMM_KALSHI_BOOK, take_book},
    {"trade", PMM_KALSHI_TRADE, take_trade},
    {"ticker", PMM_KALSHI_TICKER, take_ticker},
    {"fill", PMM_KALSHI_FILL, take_fill},
    {"user_order", PMM_KALSHI_ORDER, take_order},
    {"market_position", PMM_KALSHI_POSITION, take_position},
    {"market_lifecycle_v2", PMM_KALSHI_LIFECYCLE, take_life},
    {"multivariate_market_lifecycle", PMM_KALSHI_LIFECYCLE, take_life},
    {"event_lifecycle", PMM_KALSHI_EVENT_LIFECYCLE, NULL},
    {"event_fee_update", PMM_KALSHI_EVENT_FEE, take_fee},
    {"order_group_updates", PMM_KALSHI_GROUP, take_group},
    {"cfbenchmarks_value", PMM_KALSHI_INDEX, take_index},
    {"cfbenchmarks_value_5hz", PMM_KALSHI_INDEX_5HZ, take_index},
    {"cfbenchmarks_value_indexlist", PMM_KALSHI_INDEX_LIST, NULL},
    {"subscribed", PMM_KALSHI_SUBSCRIBED, take_subscribed},
    {"unsubscribed", PMM_KALSHI_UNSUBSCRIBED, NULL},
    {"ok", PMM_KALSHI_ACK, NULL},
    {"error", PMM_KALSHI_ERROR, take_error},
};

typedef struct raw_frame { pmm_kalshi_text_t type; uint64_t id, seq; uint32_t sid; const pmm_json_node_t *msg; } raw_frame_t;

static pmm_status_t take_frame(taker_t *t, const pmm_json_node_t *root) {
  static const pmm__field_t fields[] = {
      PMM__FIELD(raw_frame_t, type, "type", F_TEXT, true), PMM__FIELD(raw_frame_t, id, "id", F_COUNT, false),
      PMM__FIELD(raw_frame_t, sid, "sid", F_ID, false),    PMM__FIELD(raw_frame_t, seq, "seq", F_COUNT, false),
      PMM__FIELD(raw_frame_t, msg, "msg", F_NODE, false),
  };
  raw_frame_t raw = {.seq = UINT64_MAX};
  pmm_status_t const st = pmm__fields(&t->r, root, fields, PMM__COUNT(fields), &raw);
  if (st != PMM_OK) return st;
  t->f->id = raw.id;
  t->f->sid = raw.sid;
  t->f->has_seq = raw.seq != UINT64_MAX;
  t->f->seq = t->f->has_seq ? raw.seq : 0;
  for (size_t i = 0; i < PMM__COUNT(types); i++) {
    if (strlen(types[i].name) != raw.type.len || memcmp(types[i].name, raw.type.at, raw.type.len) != 0) continue;
    t->f->type = types[i].type;
    if (types[i].take && !raw.msg) return pmm__kalshi_bad(&t->r, root->at, "msg is missing");
    return types[i].take ? types[i].take(t, raw.msg) : PMM_OK;
  }
  return PMM_OK; /* a type of another day */
}

pmm_status_t pmm_kalshi_frame_read(pmm_kalshi_codec_t *codec, const char *text, size_t len, pmm_kalshi_frame_t *frame, pmm_error_t *err) {
  if (codec->reader == PMM_KALSHI_READ_BEST && pmm__kalshi_scan_book(codec, text, len, frame)) return PMM_OK;
  const pmm_json_node_t *root;
  pmm_kalshi_frame_t f = {.exch_ns = PMM_TIME_NONE};
  pmm_status_t st = pmm__kalshi_root(codec, text, len, &root, err);
  if (st != PMM_OK) return st;
  taker_t t = {codec, {text, err}, &f};
  st = take_frame(&t, root);
  if (st == PMM_OK) *frame = f;
  return st;
}
