/* What the market channel's messages mean, in YES space. */
#include "fields.h"

/* -- elements, as they are met -- */
pmm_status_t pmm__take_level(pmm_poly_codec_t *codec, int side, const pmm__span_t *price, const pmm__span_t *size) {
  pmm__level_t level;
  pmm_status_t st = pmm__poly_read_price(codec, price, &level.price_e4);
  if (st == PMM_OK) st = pmm__read_qty(codec, size, &level.qty_e6);
  if (st != PMM_OK || level.qty_e6 == 0) return st;
  if (codec->level_cnt[side] == PMM__LEVELS_MAX) {
    codec->why = "more levels than prices";
    codec->where = price->at;
    return PMM_FULL;
  }
  codec->level[side][codec->level_cnt[side]++] = level;
  return PMM_OK;
}

static pmm_status_t read_change(pmm_poly_codec_t *codec, pmm__change_t *change) {
  const pmm__fields_t *const item = &codec->item;
  pmm_poly_side_t side = PMM_POLY_BUY;
  pmm_status_t st = pmm__read_side(codec, pmm__get(item, PMM__F_SIDE), &side);
  if (st == PMM_OK) st = pmm__poly_read_price(codec, pmm__get(item, PMM__F_PRICE), &change->price_e4);
  if (st == PMM_OK) st = pmm__read_qty(codec, pmm__get(item, PMM__F_SIZE), &change->qty_e6);
  if (st == PMM_OK) st = pmm__read_best(codec, pmm__get(item, PMM__F_BEST_BID), &change->best_e4[PMM_BID]);
  if (st == PMM_OK) st = pmm__read_best(codec, pmm__get(item, PMM__F_BEST_ASK), &change->best_e4[PMM_ASK]);
  change->side = side == PMM_POLY_BUY ? PMM_BID : PMM_ASK;
  change->hash = pmm__read_hash(pmm__get(item, PMM__F_HASH));
  return st;
}

pmm_status_t pmm__take_change(pmm_poly_codec_t *codec) {
  pmm__change_t *const change = &codec->change[codec->change_cnt];
  if (codec->change_cnt == PMM__CHANGES_MAX) {
    codec->why = "too many changes in one message";
    return PMM_FULL;
  }
  const pmm__fields_t *const names_token = codec->one_by_one ? &codec->top : &codec->item;
  pmm_status_t st = pmm__read_token(codec, pmm__get(names_token, PMM__F_ASSET_ID), &change->market, &change->no);
  if (st == PMM_OK) st = read_change(codec, change);
  if (st == PMM_OK && change->market != PMM_POLY_NONE) codec->change_cnt++;
  return st;
}

/* -- records -- */
static void put(pmm_poly_codec_t *codec, uint32_t n, const pmm_md_t *md) { codec->md[n] = *md; }

static pmm_md_t record(const pmm_poly_codec_t *codec, uint8_t kind, uint32_t market, int64_t recv_ns, int64_t exch_ns, uint32_t seq) {
  return (pmm_md_t){.recv_ns = recv_ns, .exch_ns = exch_ns, .seq = seq, .market = codec->first_market + market, .kind = kind};
}

static int32_t yes_price(bool no, int32_t price_e4) { return no ? PMM_ONE_E4 - price_e4 : price_e4; }
static uint8_t yes_side(bool no, uint8_t side) { return no ? (uint8_t)(side ^ 1) : side; }

/* Best prices of a token, as told (-1: not), in YES space with 0 for an empty side. False when one is not told. */
static bool yes_best(bool no, const int32_t told[2], int32_t best[2]) {
  if (told[PMM_BID] < 0 || told[PMM_ASK] < 0) return false;
  int32_t const ask = told[PMM_ASK] == 0 ? PMM_ONE_E4 : told[PMM_ASK]; /* an empty side of asks is told as 0 or as 1 */
  best[PMM_BID] = no ? PMM_ONE_E4 - ask : told[PMM_BID];
  best[PMM_ASK] = no ? PMM_ONE_E4 - told[PMM_BID] : ask;
  if (best[PMM_ASK] == PMM_ONE_E4) best[PMM_ASK] = 0;
  return true;
}

static bool is_mirror(const pmm__change_t *a, const pmm__change_t *b) {
  return a->market == b->market && a->no != b->no && a->side != b->side && a->price_e4 + b->price_e4 == PMM_ONE_E4 && a->qty_e6 == b->qty_e6;
}

static pmm_status_t interpret_change(pmm_poly_codec_t *codec, int64_t recv_ns, int64_t exch_ns, uint32_t seq, pmm_poly_msg_t *out) {
  uint32_t n = 0;
  bool told_before = false;
  out->told_best = false;
  out->hash = 0;
  for (uint32_t i = 0; i < codec->change_cnt; i++) {
    const pmm__change_t *const c = &codec->change[i];
    out->told_best = yes_best(c->no, c->best_e4, out->best_e4);
    if (!c->no) out->hash = c->hash;
    told_before = i > 0 && !told_before && is_mirror(c - 1, c);
    if (told_before) continue;
    pmm_md_t md = record(codec, PMM_MD_LEVEL, c->market, recv_ns, exch_ns, seq);
    md.side = yes_side(c->no, c->side);
    md.price_e4 = yes_price(c->no, c->price_e4);
    md.qty_e6 = c->qty_e6;
    if (n > 0 && codec->md[n - 1].market != md.market) codec->md[n - 1].flags |= PMM_F_LAST;
    put(codec, n++, &md);
  }
  if (n > 0) codec->md[n - 1].flags |= PMM_F_LAST;
  out->kind = n > 0 ? PMM_POLY_CHANGE : PMM_POLY_OTHER;
  out->market = n > 0 ? codec->change[0].market : PMM_POLY_NONE;
  out->no = false;
  out->md_cnt = n;
  return PMM_OK;
}

static uint32_t put_levels(pmm_poly_codec_t *codec, uint32_t n, int side, bool no, pmm_md_t md) {
  md.side = yes_side(no, (uint8_t)side);
  for (uint32_t i = 0; i < codec->level_cnt[side]; i++) {
    md.price_e4 = yes_price(no, codec->level[side][i].price_e4);
    md.qty_e6 = codec->level[side][i].qty_e6;
    put(codec, n++, &md);
  }
  return n;
}

static pmm_status_t read_tick(pmm_poly_codec_t *codec, const pmm__span_t *span, int32_t *tick_e4) {
  pmm_status_t const st = pmm__poly_read_price(codec, span, tick_e4);
  return st == PMM_OK && PMM_ONE_E4 % *tick_e4 != 0 ? pmm__wrong(codec, span, "tick size: does not divide a dollar") : st;
}

pmm_status_t pmm__interpret_book(pmm_poly_codec_t *codec, int64_t recv_ns, uint32_t seq, pmm_poly_msg_t *out) {
  const pmm__span_t *const tick = pmm__get(&codec->top, PMM__F_TICK_SIZE);
  uint32_t market = PMM_POLY_NONE;
  bool no = false;
  int64_t exch_ns = PMM_TIME_NONE;
  int32_t tick_e4 = 0;
  if (!pmm__get(&codec->top, PMM__F_BIDS) || !pmm__get(&codec->top, PMM__F_ASKS)) return pmm__wrong(codec, NULL, "book without bids or asks");
  pmm_status_t st = pmm__read_token(codec, pmm__get(&codec->top, PMM__F_ASSET_ID), &market, &no);
  if (st == PMM_OK) st = pmm__read_time(codec, pmm__get(&codec->top, PMM__F_TIMESTAMP), &exch_ns);
  if (st == PMM_OK && tick && tick->len > 0) st = read_tick(codec, tick, &tick_e4);
  if (st != PMM_OK) return st;
  pmm_md_t md = record(codec, PMM_MD_CLEAR, market, recv_ns, exch_ns, seq);
  md.flags = PMM_F_SNAPSHOT;
  put(codec, 0, &md);
  md.kind = PMM_MD_LEVEL;
  uint32_t n = put_levels(codec, 1, PMM_BID, no, md);
  n = put_levels(codec, n, PMM_ASK, no, md);
  codec->md[n - 1].flags |= PMM_F_LAST;
  out->kind = market == PMM_POLY_NONE ? PMM_POLY_OTHER : PMM_POLY_BOOK;
  out->market = market;
  out->no = no;
  out->exch_ns = exch_ns;
  out->told_best = false;
  out->hash = pmm__read_hash(pmm__get(&codec->top, PMM__F_HASH));
  out->tick_e4 = tick_e4;
  out->md = codec->md;
  out->md_cnt = market == PMM_POLY_NONE ? 0 : n;
  return PMM_OK;
}

/* A message about one token that becomes at most one record. */
static pmm_status_t finish_one(pmm_poly_codec_t *codec, uint8_t kind, const pmm_md_t *md, bool has_md, uint32_t market, bool no, pmm_poly_msg_t *out) {
  out->kind = market == PMM_POLY_NONE ? PMM_POLY_OTHER : kind;
  out->market = market;
  out->no = no;
  out->told_best = false;
  out->hash = 0;
  out->md_cnt = has_md && market != PMM_POLY_NONE;
  if (!out->md_cnt) return PMM_OK;
  put(codec, 0, md);
  codec->md[0].flags |= PMM_F_LAST;
  codec->md[0].market = codec->first_market + market;
  return PMM_OK;
}

static pmm_status_t interpret_print(pmm_poly_codec_t *codec, pmm_md_t *md, pmm_poly_msg_t *out) {
  const pmm__fields_t *const top = &codec->top;
  const pmm__span_t *const size = pmm__get(top, PMM__F_SIZE);
  uint32_t market = PMM_POLY_NONE;
  bool no = false;
  pmm_poly_side_t side = PMM_POLY_BUY;
  int32_t price = 0;
  pmm_status_t st = pmm__read_token(codec, pmm__get(top, PMM__F_ASSET_ID), &market, &no);
  if (st != PMM_OK) return st;
  if (size && size->len == 0) return finish_one(codec, PMM_POLY_PRINT, md, false, market, no, out);
  st = pmm__poly_read_price(codec, pmm__get(top, PMM__F_PRICE), &price);
  if (st == PMM_OK) st = pmm__read_qty(codec, size, &md->qty_e6);
  if (st == PMM_OK) st = pmm__read_side(codec, pmm__get(top, PMM__F_SIDE), &side);
  if (st != PMM_OK) return st;
  md->kind = PMM_MD_TRADE;
  md->price_e4 = yes_price(no, price);
  md->side = yes_side(no, side == PMM_POLY_BUY ? PMM_BID : PMM_ASK);
  return finish_one(codec, PMM_POLY_PRINT, md, md->qty_e6 > 0, market, no, out);
}

static pmm_status_t interpret_tick(pmm_poly_codec_t *codec, pmm_md_t *md, pmm_poly_msg_t *out) {
  uint32_t market = PMM_POLY_NONE;
  bool no = false;
  pmm_status_t st = pmm__read_token(codec, pmm__get(&codec->top, PMM__F_ASSET_ID), &market, &no);
  if (st == PMM_OK) st = read_tick(codec, pmm__get(&codec->top, PMM__F_NEW_TICK_SIZE), &md->price_e4);
  md->kind = PMM_MD_TICK;
  return st == PMM_OK ? finish_one(codec, PMM_POLY_TICK, md, true, market, no, out) : st;
}

static pmm_status_t interpret_bbo(pmm_poly_codec_t *codec, pmm_md_t *md, pmm_poly_msg_t *out) {
  uint32_t market = PMM_POLY_NONE;
  bool no = false;
  int32_t told[2] = {-1, -1};
  pmm_status_t st = pmm__read_token(codec, pmm__get(&codec->top, PMM__F_ASSET_ID), &market, &no);
  if (st == PMM_OK) st = pmm__read_best(codec, pmm__get(&codec->top, PMM__F_BEST_BID), &told[PMM_BID]);
  if (st == PMM_OK) st = pmm__read_best(codec, pmm__get(&codec->top, PMM__F_BEST_ASK), &told[PMM_ASK]);
  if (st == PMM_OK) st = finish_one(codec, PMM_POLY_BBO, md, false, market, no, out);
  if (st == PMM_OK) out->told_best = yes_best(no, told, out->best_e4);
  return st;
}

static pmm_status_t interpret_resolved(pmm_poly_codec_t *codec, pmm_md_t *md, pmm_poly_msg_t *out) {
  uint32_t market = PMM_POLY_NONE;
  bool no = false;
  const pmm__span_t *const winner = pmm__get(&codec->top, PMM__F_WINNING_ASSET_ID);
  if (winner && winner->len > 0) {
    pmm_status_t const st = pmm__read_token(codec, winner, &market, &no);
    if (st != PMM_OK) return st;
  }
  md->kind = PMM_MD_STATUS;
  md->aux = PMM_LIFE_RESOLVED;
  md->side = no ? PMM_OUTCOME_NO : PMM_OUTCOME_YES;
  md->qty_e6 = no ? 0 : PMM_ONE_E6;
  return finish_one(codec, PMM_POLY_RESOLVED, md, true, market, no, out);
}

static pmm_status_t interpret_public(pmm_poly_codec_t *codec, const pmm__span_t *type, int64_t recv_ns, uint32_t seq, pmm_poly_msg_t *out) {
  int64_t exch_ns = PMM_TIME_NONE;
  pmm_status_t st = pmm__read_time(codec, pmm__get(&codec->top, PMM__F_TIMESTAMP), &exch_ns);
  if (st != PMM_OK) return st;
  pmm_md_t md = record(codec, PMM_KIND_NONE, 0, recv_ns, exch_ns, seq);
  if (pmm__span_is(type, "price_change")) st = interpret_change(codec, recv_ns, exch_ns, seq, out);
  else if (pmm__span_is(type, "last_trade_price")) st = interpret_print(codec, &md, out);
  else if (pmm__span_is(type, "best_bid_ask")) st = interpret_bbo(codec, &md, out);
  else if (pmm__span_is(type, "tick_size_change")) st = interpret_tick(codec, &md, out);
  else if (pmm__span_is(type, "market_resolved")) st = interpret_resolved(codec, &md, out);
  else {
    finish_one(codec, PMM_POLY_OTHER, &md, false, PMM_POLY_NONE, false, out);
    if (pmm__span_is(type, "new_market")) out->kind = PMM_POLY_NEW_MARKET;
  }
  if (st != PMM_OK) return st;
  out->exch_ns = exch_ns;
  out->md = codec->md;
  out->tick_e4 = 0;
  return PMM_OK;
}

static pmm_status_t interpret_private(pmm_poly_codec_t *codec, uint8_t kind, pmm_poly_msg_t *out) {
  pmm_poly_user_order_t order;
  pmm_poly_user_trade_t trade;
  int64_t exch_ns = PMM_TIME_NONE;
  pmm_status_t st = pmm__read_time(codec, pmm__get(&codec->top, PMM__F_TIMESTAMP), &exch_ns);
  if (st == PMM_OK) st = kind == PMM_POLY_ORDER ? pmm__interpret_order(codec, &order) : pmm__interpret_trade(codec, &trade);
  if (st != PMM_OK) return st;
  if (kind == PMM_POLY_ORDER) out->order = order;
  else out->trade = trade;
  out->kind = kind;
  out->market = kind == PMM_POLY_ORDER ? order.market : trade.taker.market;
  out->no = kind == PMM_POLY_ORDER ? order.no : trade.taker.no;
  out->told_best = false;
  out->exch_ns = exch_ns;
  out->hash = 0;
  out->tick_e4 = 0;
  out->md = codec->md;
  out->md_cnt = 0;
  return PMM_OK;
}

/* The books of a fresh subscription may come without a type. */
pmm_status_t pmm__interpret(pmm_poly_codec_t *codec, int64_t recv_ns, uint32_t seq, pmm_poly_msg_t *out) {
  const pmm__span_t *const type = pmm__get(&codec->top, PMM__F_EVENT_TYPE);
  bool const untyped_book = !type && pmm__get(&codec->top, PMM__F_BIDS) && pmm__get(&codec->top, PMM__F_ASKS);
  if (untyped_book || pmm__span_is(type, "book")) return pmm__interpret_book(codec, recv_ns, seq, out);
  if (!type) return pmm__wrong(codec, NULL, "event_type: missing");
  if (pmm__span_is(type, "order")) return interpret_private(codec, PMM_POLY_ORDER, out);
  if (pmm__span_is(type, "trade")) return interpret_private(codec, PMM_POLY_TRADE, out);
  return interpret_public(codec, type, recv_ns, seq, out);
}
