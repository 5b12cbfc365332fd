/* Orders and trades of the account, from the user channel and from REST, which words them alike. */
#include "fields.h"

#define SIDE_NOT_TOLD 2

/* Text of a status without the prefix that some answers put before it. */
static pmm__span_t without(const pmm__span_t *span, const char *prefix) {
  size_t const len = strlen(prefix);
  pmm__span_t cut = span ? *span : (pmm__span_t){"", 0, 0, true};
  if (cut.len >= len && memcmp(cut.s, prefix, len) == 0) {
    cut.s += len;
    cut.len -= (uint32_t)len;
  }
  return cut;
}

static bool starts_with(const pmm__span_t *span, const char *text) {
  size_t const len = strlen(text);
  return span->len >= len && memcmp(span->s, text, len) == 0;
}

static uint8_t order_state(const pmm__span_t *span) {
  pmm__span_t const s = without(span, "ORDER_STATUS_");
  if (pmm__span_is(&s, "LIVE")) return PMM_POLY_ORDER_LIVE;
  if (pmm__span_is(&s, "MATCHED")) return PMM_POLY_ORDER_MATCHED;
  if (pmm__span_is(&s, "DELAYED")) return PMM_POLY_ORDER_DELAYED;
  if (pmm__span_is(&s, "UNMATCHED")) return PMM_POLY_ORDER_UNMATCHED;
  if (pmm__span_is(&s, "INVALID")) return PMM_POLY_ORDER_INVALID;
  if (starts_with(&s, "CANCELED_MARKET_RESOLVED")) return PMM_POLY_ORDER_RESOLVED;
  return starts_with(&s, "CANCELED") || starts_with(&s, "CANCELLED") ? PMM_POLY_ORDER_CANCELED : PMM_POLY_ORDER_UNKNOWN;
}

static uint8_t trade_state(const pmm__span_t *span) {
  pmm__span_t const s = without(span, "TRADE_STATUS_");
  if (starts_with(&s, "MATCHED")) return PMM_POLY_MATCHED; /* also MATCHED_NOT_BROADCASTED */
  if (pmm__span_is(&s, "MINED")) return PMM_POLY_MINED;
  if (pmm__span_is(&s, "RETRYING")) return PMM_POLY_RETRYING;
  if (pmm__span_is(&s, "CONFIRMED")) return PMM_POLY_CONFIRMED;
  return pmm__span_is(&s, "FAILED") ? PMM_POLY_FAILED : PMM_POLY_TRADE_UNKNOWN;
}

static uint8_t order_event(const pmm__span_t *span) {
  if (pmm__span_is(span, "CANCELLATION")) return PMM_POLY_CANCELLATION;
  return pmm__span_is(span, "UPDATE") ? PMM_POLY_UPDATE : PMM_POLY_PLACEMENT;
}

/* An order id in a trade. Ours are hashes; one of another form is somebody else's, and no reason to lose the fill beside it. */
static pmm_status_t read_party(pmm_poly_codec_t *codec, const pmm__span_t *span, pmm_poly_word_t *id) {
  if (!span || !span->is_text) return pmm__wrong(codec, span, "order id: missing");
  if (pmm_poly_word_parse(span->s, span->len, id) != PMM_OK) *id = (pmm_poly_word_t){{0}};
  return PMM_OK;
}

pmm_status_t pmm__interpret_order(pmm_poly_codec_t *codec, pmm_poly_user_order_t *out) {
  const pmm__fields_t *const top = &codec->top;
  pmm_poly_user_order_t o = {.market = PMM_POLY_NONE};
  pmm_poly_side_t side = PMM_POLY_BUY;
  pmm_status_t st = pmm__read_word(codec, pmm__get(top, PMM__F_ID), &o.id);
  if (st == PMM_OK) st = pmm__read_token(codec, pmm__get(top, PMM__F_ASSET_ID), &o.market, &o.no);
  if (st == PMM_OK) st = pmm__read_side(codec, pmm__get(top, PMM__F_SIDE), &side);
  if (st == PMM_OK) st = pmm__poly_read_price(codec, pmm__get(top, PMM__F_PRICE), &o.price_e4);
  if (st == PMM_OK) st = pmm__read_qty(codec, pmm__get(top, PMM__F_ORIGINAL_SIZE), &o.size_e6);
  if (st == PMM_OK) st = pmm__read_qty(codec, pmm__get(top, PMM__F_SIZE_MATCHED), &o.matched_e6);
  if (st == PMM_OK) st = pmm__read_time(codec, pmm__get(top, PMM__F_CREATED_AT), &o.created_ns);
  if (st == PMM_OK) st = pmm__read_time(codec, pmm__get(top, PMM__F_EXPIRATION), &o.expire_ns);
  if (st != PMM_OK) return st;
  o.side = (uint8_t)side;
  o.event = order_event(pmm__get(top, PMM__F_TYPE));
  o.state = order_state(pmm__get(top, PMM__F_STATUS));
  *out = o;
  return PMM_OK;
}

pmm_status_t pmm__take_share(pmm_poly_codec_t *codec) {
  const pmm__fields_t *const item = &codec->item;
  const pmm__span_t *const told_side = pmm__get(item, PMM__F_SIDE);
  pmm_poly_share_t share = {.side = SIDE_NOT_TOLD};
  pmm_poly_side_t side = PMM_POLY_BUY;
  if (codec->share_cnt == PMM_POLY_MAKERS_MAX) {
    codec->why = "too many makers in one trade";
    return PMM_FULL;
  }
  pmm_status_t st = read_party(codec, pmm__get(item, PMM__F_ORDER_ID), &share.order);
  if (st == PMM_OK) st = pmm__read_token(codec, pmm__get(item, PMM__F_ASSET_ID), &share.market, &share.no);
  if (st == PMM_OK) st = pmm__poly_read_price(codec, pmm__get(item, PMM__F_PRICE), &share.price_e4);
  if (st == PMM_OK) st = pmm__read_qty(codec, pmm__get(item, PMM__F_MATCHED_AMOUNT), &share.qty_e6);
  if (st == PMM_OK && told_side && told_side->len > 0) {
    st = pmm__read_side(codec, told_side, &side);
    share.side = (uint8_t)side;
  }
  if (st == PMM_OK) codec->share[codec->share_cnt++] = share;
  return st;
}

/* A maker whose side is not told holds the other side of the taker's token, or the same side of the other token (mint, merge). */
static void settle_sides(pmm_poly_codec_t *codec, const pmm_poly_share_t *taker) {
  for (uint32_t i = 0; i < codec->share_cnt; i++) {
    pmm_poly_share_t *const maker = &codec->share[i];
    if (maker->side == SIDE_NOT_TOLD) maker->side = maker->no == taker->no ? taker->side ^ 1 : taker->side;
  }
}

static pmm_status_t read_trade_id(pmm_poly_codec_t *codec, char out[PMM_POLY_TRADE_ID_MAX]) {
  const pmm__span_t *const id = pmm__get(&codec->top, PMM__F_ID);
  if (!id || !id->is_text || id->len == 0 || id->len >= PMM_POLY_TRADE_ID_MAX) return pmm__wrong(codec, id, "trade id: missing or too long");
  memcpy(out, id->s, id->len);
  out[id->len] = '\0';
  return PMM_OK;
}

pmm_status_t pmm__interpret_trade(pmm_poly_codec_t *codec, pmm_poly_user_trade_t *out) {
  const pmm__fields_t *const top = &codec->top;
  const pmm__span_t *const match = pmm__get(top, PMM__F_MATCH_TIME);
  pmm_poly_user_trade_t t = {.taker = {.market = PMM_POLY_NONE}};
  pmm_poly_side_t side = PMM_POLY_BUY;
  pmm_status_t st = read_trade_id(codec, t.id);
  if (st == PMM_OK) st = read_party(codec, pmm__get(top, PMM__F_TAKER_ORDER_ID), &t.taker.order);
  if (st == PMM_OK) st = pmm__read_token(codec, pmm__get(top, PMM__F_ASSET_ID), &t.taker.market, &t.taker.no);
  if (st == PMM_OK) st = pmm__read_side(codec, pmm__get(top, PMM__F_SIDE), &side);
  if (st == PMM_OK) st = pmm__read_mean(codec, pmm__get(top, PMM__F_PRICE), &t.taker.price_e4);
  if (st == PMM_OK) st = pmm__read_qty(codec, pmm__get(top, PMM__F_SIZE), &t.taker.qty_e6);
  if (st == PMM_OK) st = pmm__read_time(codec, match ? match : pmm__get(top, PMM__F_MATCHTIME), &t.match_ns);
  if (st != PMM_OK) return st;
  t.taker.side = (uint8_t)side;
  t.state = trade_state(pmm__get(top, PMM__F_STATUS));
  settle_sides(codec, &t.taker);
  t.maker = codec->share;
  t.maker_cnt = codec->share_cnt;
  *out = t;
  return PMM_OK;
}
