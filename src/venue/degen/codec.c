/* codec.c -- what the venue says, by the pull reader: keys in any order, unknown ones passed over. */
#include "venue/degen/usual.h"

bool pmm_degen_text_is(pmm_degen_text_t text, const char *want) {
  size_t const n = strlen(want);
  return text.at && text.len == n && memcmp(text.at, want, n) == 0;
}

#define OUTCOME_UNSET 2

/* -- small pieces -- */

/* A string, or null: absent. */
static bool read_text(pmm__scan_t *s, pmm_degen_text_t *out) {
  *out = (pmm_degen_text_t){0};
  return pmm__scan_null(s) || pmm__scan_string(s, out);
}

/* A decimal, or null: what was there stays. */
static bool read_decimal(pmm__scan_t *s, int scale, int64_t *out) { return pmm__scan_null(s) || pmm__scan_decimal(s, scale, out); }

static bool read_price(pmm__scan_t *s, int32_t *out) {
  int64_t v = 0;
  if (!pmm__scan_decimal(s, 4, &v)) return false;
  if (v <= 0 || v >= PMM_ONE_E4) return pmm__scan_fail(s, "a price lies between 0 and 1");
  *out = (int32_t)v;
  return true;
}

static bool read_amount(pmm__scan_t *s, int64_t *out) { /* sizes and cash that cannot be negative */
  int64_t v = 0;
  if (!pmm__scan_decimal(s, 6, &v)) return false;
  if (v < 0) return pmm__scan_fail(s, "less than nothing");
  *out = v;
  return true;
}

static bool read_ms(pmm__scan_t *s, int64_t *out_ns) {
  uint64_t v = 0;
  *out_ns = PMM_TIME_NONE;
  if (pmm__scan_null(s)) return true;
  if (!pmm__scan_whole(s, &v)) return false;
  if (v > (uint64_t)(INT64_MAX / PMM_NS_PER_MS)) return pmm__scan_fail(s, "a time beyond the calendar");
  *out_ns = (int64_t)v * PMM_NS_PER_MS;
  return true;
}

static bool read_outcome(pmm__scan_t *s, uint8_t *is_no) {
  pmm_degen_text_t t;
  if (!pmm__scan_string(s, &t)) return false;
  if (pmm_degen_text_is(t, "yes")) *is_no = 0;
  else if (pmm_degen_text_is(t, "no")) *is_no = 1;
  else return pmm__scan_fail(s, "yes or no expected");
  return true;
}

static bool read_side(pmm__scan_t *s, uint8_t *side) {
  pmm_degen_text_t t;
  if (!pmm__scan_string(s, &t)) return false;
  if (pmm_degen_text_is(t, "bid")) *side = PMM_BID;
  else if (pmm_degen_text_is(t, "ask")) *side = PMM_ASK;
  else return pmm__scan_fail(s, "bid or ask expected");
  return true;
}

static int32_t yes_price(uint8_t is_no, int32_t price_e4) { return is_no ? PMM_ONE_E4 - price_e4 : price_e4; }

/* -- levels -- */
typedef struct levels { pmm_degen_level_t *level; size_t cnt; bool full; } levels_t;

static bool add_level(pmm__scan_t *s, levels_t *l, uint8_t side, int32_t price_e4, int64_t qty_e6) {
  if (l->cnt == PMM_DEGEN_LEVELS_MAX) {
    l->full = true;
    return pmm__scan_fail(s, "more levels than a book can have");
  }
  l->level[l->cnt++] = (pmm_degen_level_t){qty_e6, price_e4, side};
  return true;
}

static bool end_of_tuple(pmm__scan_t *s, bool *first) {
  return !pmm__scan_element(s, first) && !s->why ? true : pmm__scan_fail(s, "more in a level than expected");
}

static bool tuple_item(pmm__scan_t *s, bool *first) { return pmm__scan_element(s, first) || pmm__scan_fail(s, "less in a level than expected"); }

/* [["yes","bid","0.48","120"], ...]: a change of the NO book is one of the YES book, mirrored. */
static bool read_changes(pmm__scan_t *s, levels_t *l) {
  bool first = true;
  if (!pmm__scan_open(s, '[')) return false;
  while (pmm__scan_element(s, &first)) {
    if (l->cnt < PMM_DEGEN_LEVELS_MAX && pmm__usual_change(s, &l->level[l->cnt])) {
      l->cnt++;
      continue;
    }
    bool item = true;
    uint8_t is_no = 0, side = 0;
    int32_t price = 0;
    int64_t qty = 0;
    if (!pmm__scan_open(s, '[') || !tuple_item(s, &item) || !read_outcome(s, &is_no) || !tuple_item(s, &item) || !read_side(s, &side) ||
        !tuple_item(s, &item) || !read_price(s, &price) || !tuple_item(s, &item) || !read_amount(s, &qty) || !end_of_tuple(s, &item))
      return false;
    if (!add_level(s, l, side ^ is_no, yes_price(is_no, price), qty)) return false;
  }
  return !s->why;
}

static bool read_ladder(pmm__scan_t *s, levels_t *l, uint8_t side) {
  bool first = true;
  if (!pmm__scan_open(s, '[')) return false;
  while (pmm__scan_element(s, &first)) {
    if (l->cnt < PMM_DEGEN_LEVELS_MAX && pmm__usual_level(s, side, &l->level[l->cnt])) {
      l->cnt++;
      continue;
    }
    bool item = true;
    int32_t price = 0;
    int64_t qty = 0;
    if (!pmm__scan_open(s, '[') || !tuple_item(s, &item) || !read_price(s, &price) || !tuple_item(s, &item) || !read_amount(s, &qty) || !end_of_tuple(s, &item))
      return false;
    if (!add_level(s, l, side, price, qty)) return false;
  }
  return !s->why;
}

/* {"bids":[...],"asks":[...]} of YES; the book of NO mirrors it and is passed over. */
static bool read_book(pmm__scan_t *s, levels_t *l) {
  bool first = true;
  pmm_degen_text_t key;
  if (!pmm__scan_open(s, '{')) return false;
  while (pmm__scan_member(s, &first, &key)) {
    if (PMM__KEY(key, "bids")) read_ladder(s, l, PMM_BID);
    else if (PMM__KEY(key, "asks")) read_ladder(s, l, PMM_ASK);
    else pmm__scan_skip(s, NULL);
  }
  return !s->why;
}

/* -- objects -- */

static bool read_error(pmm__scan_t *s, pmm_degen_text_t *code, pmm_degen_text_t *message) {
  bool first = true;
  pmm_degen_text_t key;
  if (!pmm__scan_open(s, '{')) return false;
  while (pmm__scan_member(s, &first, &key)) {
    if (PMM__KEY(key, "code")) read_text(s, code);
    else if (PMM__KEY(key, "message")) read_text(s, message);
    else pmm__scan_skip(s, NULL);
  }
  return s->why ? false : code->at ? true : pmm__scan_fail(s, "an error without a code");
}

static bool read_status(pmm__scan_t *s, uint8_t *out) {
  static const char *const names[] = {"open", "filled", "cancelled", "rejected", "expired"};
  pmm_degen_text_t t;
  if (!pmm__scan_string(s, &t)) return false;
  for (uint8_t i = 0; i < sizeof names / sizeof names[0]; i++)
    if (pmm_degen_text_is(t, names[i])) {
      *out = i;
      return true;
    }
  return pmm__scan_fail(s, "an order's status expected");
}

static bool read_order(pmm__scan_t *s, pmm_degen_order_t *o) {
  bool first = true, has_status = false, has_qty = false;
  uint8_t is_no = OUTCOME_UNSET, side = PMM_BID;
  int32_t price = 0;
  pmm_degen_text_t key;
  *o = (pmm_degen_order_t){.ts_ns = PMM_TIME_NONE};
  if (!pmm__scan_open(s, '{')) return false;
  while (pmm__scan_member(s, &first, &key)) {
    if (PMM__KEY(key, "id")) read_text(s, &o->id);
    else if (PMM__KEY(key, "client_id")) read_text(s, &o->client_id);
    else if (PMM__KEY(key, "market")) read_text(s, &o->market);
    else if (PMM__KEY(key, "outcome")) read_outcome(s, &is_no);
    else if (PMM__KEY(key, "side")) read_side(s, &side);
    else if (PMM__KEY(key, "price")) read_price(s, &price);
    else if (PMM__KEY(key, "size")) has_qty = read_amount(s, &o->qty_e6);
    else if (PMM__KEY(key, "filled")) read_amount(s, &o->filled_e6);
    else if (PMM__KEY(key, "status")) has_status = read_status(s, &o->status);
    else if (PMM__KEY(key, "reason")) read_text(s, &o->reason);
    else if (PMM__KEY(key, "ts")) read_ms(s, &o->ts_ns);
    else if (PMM__KEY(key, "error") && !pmm__scan_null(s)) o->is_error = read_error(s, &o->code, &o->message);
    else if (!PMM__KEY(key, "error")) pmm__scan_skip(s, NULL);
  }
  if (s->why) return false;
  if (o->is_error) return true;
  bool const named = o->id.at && o->id.len > 0; /* an order that never entered the book has no id */
  if ((!named && (o->status != PMM_DEGEN_REJECTED || !o->client_id.at)) || !o->market.at || !has_status || !has_qty || price == 0 || is_no == OUTCOME_UNSET) return pmm__scan_fail(s, "an order without all it needs");
  if (o->filled_e6 > o->qty_e6) return pmm__scan_fail(s, "an order filled beyond its size");
  o->price_e4 = yes_price(is_no, price);
  o->route = (uint8_t)(side == PMM_BID ? (is_no ? PMM_BUY_NO : PMM_BUY_YES) : (is_no ? PMM_SELL_NO : PMM_SELL_YES));
  return true;
}

static bool read_fill(pmm__scan_t *s, pmm_degen_fill_t *f) {
  bool first = true;
  uint8_t is_no = OUTCOME_UNSET;
  int32_t price = 0;
  pmm_degen_text_t key, liquidity = {0};
  *f = (pmm_degen_fill_t){.ts_ns = PMM_TIME_NONE};
  if (!pmm__scan_open(s, '{')) return false;
  while (pmm__scan_member(s, &first, &key)) {
    if (PMM__KEY(key, "seq")) pmm__scan_whole(s, &f->seq);
    else if (PMM__KEY(key, "id")) read_text(s, &f->id);
    else if (PMM__KEY(key, "order_id")) read_text(s, &f->order_id);
    else if (PMM__KEY(key, "client_id")) read_text(s, &f->client_id);
    else if (PMM__KEY(key, "market")) read_text(s, &f->market);
    else if (PMM__KEY(key, "outcome")) read_outcome(s, &is_no);
    else if (PMM__KEY(key, "price")) read_price(s, &price);
    else if (PMM__KEY(key, "size")) read_amount(s, &f->qty_e6);
    else if (PMM__KEY(key, "fee")) pmm__scan_decimal(s, 6, &f->fee_e6);
    else if (PMM__KEY(key, "liquidity")) read_text(s, &liquidity);
    else if (PMM__KEY(key, "ts")) read_ms(s, &f->ts_ns);
    else pmm__scan_skip(s, NULL);
  }
  if (s->why) return false;
  if (f->seq == 0 || !f->id.at || !f->order_id.at || !f->market.at || is_no == OUTCOME_UNSET || price == 0 || f->qty_e6 == 0) return pmm__scan_fail(s, "a fill without all it needs");
  f->is_no = is_no != 0;
  f->price_e4 = yes_price(is_no, price);
  f->maker = pmm_degen_text_is(liquidity, "maker");
  return true;
}

static bool read_trade(pmm__scan_t *s, pmm_degen_trade_t *t) {
  bool first = true;
  uint8_t is_no = 0, side = PMM_BID;
  int32_t price = 0;
  pmm_degen_text_t key;
  *t = (pmm_degen_trade_t){.ts_ns = PMM_TIME_NONE};
  if (!pmm__scan_open(s, '{')) return false;
  while (pmm__scan_member(s, &first, &key)) {
    if (PMM__KEY(key, "id")) read_text(s, &t->id);
    else if (PMM__KEY(key, "seq")) pmm__scan_whole(s, &t->seq);
    else if (PMM__KEY(key, "market")) read_text(s, &t->market);
    else if (PMM__KEY(key, "outcome")) read_outcome(s, &is_no);
    else if (PMM__KEY(key, "price")) read_price(s, &price);
    else if (PMM__KEY(key, "size")) read_amount(s, &t->qty_e6);
    else if (PMM__KEY(key, "taker_side")) read_side(s, &side);
    else if (PMM__KEY(key, "ts")) read_ms(s, &t->ts_ns);
    else pmm__scan_skip(s, NULL);
  }
  if (s->why) return false;
  if (!t->market.at || price == 0 || t->qty_e6 == 0) return pmm__scan_fail(s, "a trade without all it needs");
  t->price_e4 = yes_price(is_no, price);
  t->taker_side = side ^ is_no;
  return true;
}

static bool read_life(pmm__scan_t *s, uint8_t *out) {
  static const struct { const char *name; uint8_t life; } names[] = {
    {"PENDING", PMM_LIFE_PENDING}, {"OPEN", PMM_LIFE_OPEN}, {"HALTED", PMM_LIFE_HALTED}, {"CLOSED", PMM_LIFE_CLOSED}, {"RESOLVED", PMM_LIFE_RESOLVED}};
  pmm_degen_text_t t;
  if (!pmm__scan_string(s, &t)) return false;
  for (size_t i = 0; i < sizeof names / sizeof names[0]; i++)
    if (pmm_degen_text_is(t, names[i].name)) {
      *out = names[i].life;
      return true;
    }
  return pmm__scan_fail(s, "a market's status expected");
}

static bool read_result(pmm__scan_t *s, uint8_t *out) {
  pmm_degen_text_t t;
  if (pmm__scan_null(s)) return true;
  if (!pmm__scan_string(s, &t)) return false;
  *out = pmm_degen_text_is(t, "YES") ? PMM_OUTCOME_YES : pmm_degen_text_is(t, "NO") ? PMM_OUTCOME_NO : pmm_degen_text_is(t, "VOID") ? PMM_OUTCOME_VOID : PMM_OUTCOME_UNKNOWN;
  return *out != PMM_OUTCOME_UNKNOWN || pmm__scan_fail(s, "YES or NO expected");
}

static bool read_bps(pmm__scan_t *s, int32_t *out) {
  int64_t v = 0;
  if (pmm__scan_null(s)) return true;
  if (!pmm__scan_decimal(s, 0, &v)) return false;
  if (v < -PMM_ONE_E4 || v > PMM_ONE_E4) return pmm__scan_fail(s, "a fee beyond the whole notional");
  *out = (int32_t)v;
  return true;
}

static bool read_market(pmm__scan_t *s, pmm_degen_market_t *m) {
  bool first = true, has_status = false;
  int64_t tick = 0;
  pmm_degen_text_t key;
  *m = (pmm_degen_market_t){.opens_ns = PMM_TIME_NONE, .expires_ns = PMM_TIME_NONE, .tick_e4 = 100};
  if (!pmm__scan_open(s, '{')) return false;
  while (pmm__scan_member(s, &first, &key)) {
    if (PMM__KEY(key, "id")) read_text(s, &m->id);
    else if (PMM__KEY(key, "asset")) read_text(s, &m->asset);
    else if (PMM__KEY(key, "strike")) read_decimal(s, 8, &m->strike_e8);
    else if (PMM__KEY(key, "status")) has_status = read_life(s, &m->life);
    else if (PMM__KEY(key, "opens_at")) read_ms(s, &m->opens_ns);
    else if (PMM__KEY(key, "expires_at")) read_ms(s, &m->expires_ns);
    else if (PMM__KEY(key, "tick")) pmm__scan_decimal(s, 4, &tick);
    else if (PMM__KEY(key, "outcome")) read_result(s, &m->outcome);
    else if (PMM__KEY(key, "taker_fee_bps")) read_bps(s, &m->taker_fee_bps);
    else if (PMM__KEY(key, "maker_fee_bps")) read_bps(s, &m->maker_fee_bps);
    else pmm__scan_skip(s, NULL);
  }
  if (s->why) return false;
  if (!m->id.at || m->id.len == 0 || m->id.len >= PMM_ID_MAX || !has_status) return pmm__scan_fail(s, "a market without all it needs");
  if (tick != 0) {
    if (tick < 0 || PMM_ONE_E4 % tick != 0 || tick == PMM_ONE_E4) return pmm__scan_fail(s, "not a tick");
    m->tick_e4 = (int32_t)tick;
  }
  return true;
}

/* -- messages of the socket -- */

typedef struct frame {
  pmm_degen_text_t ch, type;
  bool has_book, has_changes, has_re, has_seq;
} frame_t;

/* "market" is a name in the channel of books and an object in that of markets. */
static bool read_market_or_name(pmm__scan_t *s, pmm_degen_msg_t *msg) {
  if (pmm__scan_peek(s) == '"') return pmm__scan_string(s, &msg->market);
  if (!read_market(s, &msg->info)) return false;
  msg->kind = PMM_DEGEN_MARKET;
  return true;
}

static bool read_member(pmm__scan_t *s, pmm_degen_text_t key, frame_t *f, pmm_degen_msg_t *msg, levels_t *l) {
  if (PMM__KEY(key, "ch")) return pmm__scan_string(s, &f->ch);
  if (PMM__KEY(key, "type")) return pmm__scan_string(s, &f->type);
  if (PMM__KEY(key, "market")) return read_market_or_name(s, msg);
  if (PMM__KEY(key, "seq")) return f->has_seq = pmm__scan_whole(s, &msg->seq);
  if (PMM__KEY(key, "ts")) return read_ms(s, &msg->ts_ns);
  if (PMM__KEY(key, "changes")) return f->has_changes = read_changes(s, l);
  if (PMM__KEY(key, "yes")) return f->has_book = read_book(s, l);
  if (PMM__KEY(key, "re")) return pmm__scan_null(s) || (f->has_re = pmm__scan_whole(s, &msg->re));
  if (PMM__KEY(key, "ok")) return pmm__scan_bool(s, &msg->ok);
  if (PMM__KEY(key, "result")) return pmm__scan_skip(s, &msg->result);
  if (PMM__KEY(key, "error")) return pmm__scan_null(s) || read_error(s, &msg->code, &msg->message);
  msg->kind = PMM__KEY(key, "trade") ? PMM_DEGEN_TRADE : PMM__KEY(key, "order") ? PMM_DEGEN_ORDER : PMM__KEY(key, "fill") ? PMM_DEGEN_FILL : msg->kind;
  if (PMM__KEY(key, "trade")) return read_trade(s, &msg->trade);
  if (PMM__KEY(key, "order")) return read_order(s, &msg->order);
  if (PMM__KEY(key, "fill")) return read_fill(s, &msg->fill);
  return pmm__scan_skip(s, NULL);
}

/* What the members make together. */
static bool conclude(pmm__scan_t *s, const frame_t *f, pmm_degen_msg_t *msg) {
  bool const is_book = pmm_degen_text_is(f->ch, "book") || (!f->ch.at && f->has_book);
  if (is_book) {
    bool const delta = f->has_changes && !f->has_book;
    if (!msg->market.at || !f->has_seq || (!f->has_book && !f->has_changes) || (f->has_book && f->has_changes)) return pmm__scan_fail(s, "a book without all it needs");
    if (f->type.at && !pmm_degen_text_is(f->type, delta ? "delta" : "snapshot")) return pmm__scan_fail(s, "a book of an unknown type");
    msg->kind = delta ? PMM_DEGEN_DELTA : PMM_DEGEN_BOOK;
  } else if (!f->ch.at) msg->kind = f->has_re || msg->code.at ? PMM_DEGEN_ANSWER : PMM_DEGEN_OTHER;
  else if (msg->kind == PMM_DEGEN_OTHER && (pmm_degen_text_is(f->ch, "trades") || pmm_degen_text_is(f->ch, "orders") || pmm_degen_text_is(f->ch, "fills")))
    return pmm__scan_fail(s, "a message without its content");
  return true;
}

pmm_status_t pmm_degen_decode(const char *text, size_t len, pmm_degen_msg_t *msg, pmm_degen_level_t *level, char *scratch, pmm_error_t *err) {
  pmm__scan_t s;
  frame_t f = {0};
  levels_t l = {.level = level};
  bool first = true;
  pmm_degen_text_t key;
  pmm__scan_init(&s, text, len, scratch);
  msg->kind = PMM_DEGEN_OTHER;
  msg->market = msg->result = msg->code = msg->message = (pmm_degen_text_t){0};
  msg->seq = msg->re = 0;
  msg->ts_ns = PMM_TIME_NONE;
  msg->ok = false;
  if (pmm__usual_head(&s, &f.type, msg)) {
    f.ch = (pmm_degen_text_t){"book", 4};
    f.has_seq = true;
    first = false;
  } else pmm__scan_init(&s, text, len, scratch);
  if (!first || pmm__scan_open(&s, '{'))
    while (pmm__scan_member(&s, &first, &key) && read_member(&s, key, &f, msg, &l)) {}
  if (!pmm__scan_done(&s) || !conclude(&s, &f, msg)) {
    pmm__scan_error(&s, err);
    return l.full ? PMM_FULL : PMM_PARSE;
  }
  msg->level_cnt = l.cnt;
  return PMM_OK;
}

/* -- REST -- */

pmm_status_t pmm_degen_list_open(const char *text, size_t len, const char *want, pmm_degen_list_t *list) {
  pmm__scan_t s;
  bool first = true;
  pmm_degen_text_t key, span = {0};
  char scratch[PMM_DEGEN_SCRATCH];
  pmm__scan_init(&s, text, len, scratch);
  if (!want) {
    if (!pmm__scan_skip(&s, &span) || !pmm__scan_done(&s)) return PMM_PARSE;
    *list = (pmm_degen_list_t){.text = span.at, .at = span.at, .end = span.at + span.len, .first = true, .single = true};
    return PMM_OK;
  }
  pmm_degen_text_t found = {0};
  if (pmm__scan_open(&s, '{'))
    while (pmm__scan_member(&s, &first, &key) && pmm__scan_skip(&s, &span))
      if (!found.at && pmm_degen_text_is(key, want)) found = span;
  if (!pmm__scan_done(&s)) return PMM_PARSE;
  if (!found.at || *found.at != '[') return PMM_NOT_FOUND;
  *list = (pmm_degen_list_t){.text = found.at, .at = found.at + 1, .end = found.at + found.len, .first = true};
  return PMM_OK;
}

bool pmm_degen_list_next(pmm_degen_list_t *list, pmm_degen_text_t *element) {
  if (list->single) {
    bool const had = list->first;
    list->first = false;
    if (had) *element = (pmm_degen_text_t){list->text, (uint32_t)(list->end - list->text)};
    return had;
  }
  pmm__scan_t s;
  pmm__scan_init(&s, list->at, (size_t)(list->end - list->at), NULL);
  bool const more = pmm__scan_element(&s, &list->first) && pmm__scan_skip(&s, element);
  if (s.why) list->status = PMM_PARSE;
  list->at = s.at;
  return more;
}

static pmm_status_t whole(pmm__scan_t *s, bool read, pmm_error_t *err) { return read && pmm__scan_done(s) ? PMM_OK : pmm__scan_error(s, err); }

pmm_status_t pmm_degen_read_order(pmm_degen_text_t json, pmm_degen_order_t *out, char *scratch, pmm_error_t *err) {
  pmm__scan_t s;
  pmm__scan_init(&s, json.at, json.len, scratch);
  return whole(&s, read_order(&s, out), err);
}

pmm_status_t pmm_degen_read_fill(pmm_degen_text_t json, pmm_degen_fill_t *out, char *scratch, pmm_error_t *err) {
  pmm__scan_t s;
  pmm__scan_init(&s, json.at, json.len, scratch);
  return whole(&s, read_fill(&s, out), err);
}

pmm_status_t pmm_degen_read_market(pmm_degen_text_t json, pmm_degen_market_t *out, char *scratch, pmm_error_t *err) {
  pmm__scan_t s;
  pmm__scan_init(&s, json.at, json.len, scratch);
  return whole(&s, read_market(&s, out), err);
}

static bool read_position(pmm__scan_t *s, pmm_degen_position_t *p) {
  bool first = true;
  pmm_degen_text_t key;
  *p = (pmm_degen_position_t){.yes_cost_e6 = -1, .no_cost_e6 = -1};
  if (!pmm__scan_open(s, '{')) return false;
  while (pmm__scan_member(s, &first, &key)) {
    if (PMM__KEY(key, "market")) read_text(s, &p->market);
    else if (PMM__KEY(key, "yes")) read_amount(s, &p->yes_e6);
    else if (PMM__KEY(key, "no")) read_amount(s, &p->no_e6);
    else if (PMM__KEY(key, "yes_cost")) read_decimal(s, 6, &p->yes_cost_e6);
    else if (PMM__KEY(key, "no_cost")) read_decimal(s, 6, &p->no_cost_e6);
    else pmm__scan_skip(s, NULL);
  }
  return s->why ? false : p->market.at ? true : pmm__scan_fail(s, "a position without a market");
}

pmm_status_t pmm_degen_read_position(pmm_degen_text_t json, pmm_degen_position_t *out, char *scratch, pmm_error_t *err) {
  pmm__scan_t s;
  pmm__scan_init(&s, json.at, json.len, scratch);
  return whole(&s, read_position(&s, out), err);
}

pmm_status_t pmm_degen_read_balance(pmm_degen_text_t json, pmm_degen_balance_t *out, pmm_error_t *err) {
  pmm__scan_t s;
  bool first = true, has_cash = false;
  pmm_degen_text_t key;
  char scratch[PMM_DEGEN_SCRATCH];
  pmm__scan_init(&s, json.at, json.len, scratch);
  *out = (pmm_degen_balance_t){.locked_e6 = -1};
  if (pmm__scan_open(&s, '{'))
    while (pmm__scan_member(&s, &first, &key)) {
      if (PMM__KEY(key, "cash")) has_cash = pmm__scan_decimal(&s, 6, &out->cash_e6);
      else if (PMM__KEY(key, "locked")) pmm__scan_decimal(&s, 6, &out->locked_e6);
      else pmm__scan_skip(&s, NULL);
    }
  return whole(&s, !s.why && (has_cash || pmm__scan_fail(&s, "a balance without cash")), err);
}

/* Finds a key of the outermost object; the reader stands at its value. */
static bool find_key(pmm__scan_t *s, const char *want) {
  bool first = true;
  pmm_degen_text_t key;
  if (!pmm__scan_open(s, '{')) return false;
  while (pmm__scan_member(s, &first, &key)) {
    if (pmm_degen_text_is(key, want)) return true;
    pmm__scan_skip(s, NULL);
  }
  return false;
}

pmm_status_t pmm_degen_get_text(pmm_degen_text_t json, const char *key, char *out, size_t cap) {
  pmm__scan_t s;
  pmm_degen_text_t text;
  char scratch[PMM_DEGEN_SCRATCH];
  pmm__scan_init(&s, json.at, json.len, scratch);
  if (!find_key(&s, key) || pmm__scan_null(&s)) return s.why ? PMM_PARSE : PMM_NOT_FOUND;
  if (!pmm__scan_string(&s, &text)) return PMM_PARSE;
  if (text.len >= cap) return PMM_FULL;
  memcpy(out, text.at, text.len);
  out[text.len] = '\0';
  return PMM_OK;
}

pmm_status_t pmm_degen_get_number(pmm_degen_text_t json, const char *key, uint64_t *out) {
  pmm__scan_t s;
  char scratch[PMM_DEGEN_SCRATCH];
  pmm__scan_init(&s, json.at, json.len, scratch);
  if (!find_key(&s, key) || pmm__scan_null(&s)) return s.why ? PMM_PARSE : PMM_NOT_FOUND;
  return pmm__scan_whole(&s, out) ? PMM_OK : PMM_PARSE;
}

static void keep(pmm_degen_text_t text, char *out, size_t cap) {
  size_t const n = text.at ? (text.len < cap ? text.len : cap - 1) : 0;
  if (n > 0) memcpy(out, text.at, n);
  out[n] = '\0';
}

pmm_status_t pmm_degen_get_error(pmm_degen_text_t json, char code[40], char message[128]) {
  pmm__scan_t s;
  pmm_degen_text_t c = {0}, m = {0};
  char scratch[PMM_DEGEN_SCRATCH];
  pmm__scan_init(&s, json.at, json.len, scratch);
  if (!find_key(&s, "error")) return s.why ? PMM_PARSE : PMM_NOT_FOUND;
  if (!read_error(&s, &c, &m)) return PMM_PARSE;
  keep(c, code, 40);
  keep(m, message, 128);
  return PMM_OK;
}

pmm_reject_t pmm_degen_reject(const char *code, size_t len) {
  static const struct { const char *code; pmm_reject_t reject; } rows[] = {
    {"market_closed", PMM_REJECT_CLOSED},        {"invalid_price", PMM_REJECT_PRICE},          {"invalid_size", PMM_REJECT_SIZE},
    {"post_only_would_cross", PMM_REJECT_POST_ONLY}, {"insufficient_balance", PMM_REJECT_FUNDS}, {"insufficient_shares", PMM_REJECT_SHARES},
    {"duplicate_client_id", PMM_REJECT_DUPLICATE}, {"self_trade", PMM_REJECT_SELF_TRADE},      {"rate_limited", PMM_REJECT_RATE},
    {"not_found", PMM_REJECT_UNKNOWN_ORDER},     {"bad_request", PMM_REJECT_SIZE},             {"unauthorized", PMM_REJECT_PHASE},
    {"forbidden", PMM_REJECT_PHASE}};
  for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++)
    if (pmm_degen_text_is((pmm_degen_text_t){code, (uint32_t)len}, rows[i].code)) return rows[i].reject;
  return PMM_REJECT_NONE;
}
