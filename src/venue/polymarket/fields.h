/* venue/polymarket/fields.h -- the members of the venue's messages, by number, and an object as spans of its text. The scanner
   (scan.c) and the full parser (codec.c) both fill these; what they mean is decided once, in codec_market.c and codec_user.c. */
#ifndef PMM_VENUE_POLYMARKET_FIELDS_H
#define PMM_VENUE_POLYMARKET_FIELDS_H
#include <string.h>
#include "codec.h"

#define PMM__FIELD_MAP(X)                                                                                                          \
  X(ASSET_ID, "asset_id") X(ASKS, "asks") X(BEST_ASK, "best_ask") X(BEST_BID, "best_bid") X(BIDS, "bids") X(CHANGES, "changes")     \
  X(CREATED_AT, "created_at") X(EVENT_TYPE, "event_type") X(EXPIRATION, "expiration") X(HASH, "hash") X(ID, "id")                   \
  X(LAST_UPDATE, "last_update") X(MAKER_ORDERS, "maker_orders") X(MARKET, "market") X(MATCH_TIME, "match_time")                     \
  X(MATCHED_AMOUNT, "matched_amount") X(MATCHTIME, "matchtime") X(NEW_TICK_SIZE, "new_tick_size") X(ORDER_ID, "order_id")           \
  X(ORIGINAL_SIZE, "original_size") X(PRICE, "price") X(PRICE_CHANGES, "price_changes") X(SIDE, "side") X(SIZE, "size")             \
  X(SIZE_MATCHED, "size_matched") X(STATUS, "status") X(TAKER_ORDER_ID, "taker_order_id") X(TICK_SIZE, "tick_size")                 \
  X(TIMESTAMP, "timestamp") X(TYPE, "type") X(WINNING_ASSET_ID, "winning_asset_id")
typedef enum pmm__field {
#define X(name, text) PMM__F_##name,
  PMM__FIELD_MAP(X)
#undef X
  PMM__FIELD_CNT,
  PMM__F_UNUSED = PMM__FIELD_CNT /* a member we do not look at */
} pmm__field_t;
_Static_assert(PMM__FIELD_CNT <= 64, "a bit for each");

typedef struct pmm__span { const char *s; uint32_t len, at; bool is_text; } pmm__span_t; /* at: byte in the message */
typedef struct pmm__fields { uint64_t seen; pmm__span_t f[PMM__FIELD_CNT + 1]; } pmm__fields_t; /* f[i] holds when bit i is seen */
static inline const pmm__span_t *pmm__get(const pmm__fields_t *o, pmm__field_t field) {
  return o->seen >> field & 1 ? &o->f[field] : NULL;
}
static inline bool pmm__span_is(const pmm__span_t *span, const char *text) {
  size_t const len = strlen(text);
  return span && span->is_text && span->len == len && memcmp(span->s, text, len) == 0;
}

/* Which member a key names. Lengths differ enough that at most four texts are compared. */
static inline pmm__field_t pmm__field_of(const char *key, size_t len) {
#define PMM__IS(name, text) if (memcmp(key, text, sizeof text - 1) == 0) return PMM__F_##name;
  switch (len) {
  case 2: PMM__IS(ID, "id") break;
  case 4: PMM__IS(SIZE, "size") PMM__IS(SIDE, "side") PMM__IS(HASH, "hash") PMM__IS(BIDS, "bids") PMM__IS(ASKS, "asks") PMM__IS(TYPE, "type") break;
  case 5: PMM__IS(PRICE, "price") break;
  case 6: PMM__IS(MARKET, "market") PMM__IS(STATUS, "status") break;
  case 7: PMM__IS(CHANGES, "changes") break;
  case 8: PMM__IS(ASSET_ID, "asset_id") PMM__IS(BEST_BID, "best_bid") PMM__IS(BEST_ASK, "best_ask") PMM__IS(ORDER_ID, "order_id") break;
  case 9: PMM__IS(TIMESTAMP, "timestamp") PMM__IS(TICK_SIZE, "tick_size") PMM__IS(MATCHTIME, "matchtime") break;
  case 10: PMM__IS(EVENT_TYPE, "event_type") PMM__IS(CREATED_AT, "created_at") PMM__IS(EXPIRATION, "expiration") PMM__IS(MATCH_TIME, "match_time") break;
  case 11: PMM__IS(LAST_UPDATE, "last_update") break;
  case 12: PMM__IS(SIZE_MATCHED, "size_matched") PMM__IS(MAKER_ORDERS, "maker_orders") break;
  case 13: PMM__IS(PRICE_CHANGES, "price_changes") PMM__IS(ORIGINAL_SIZE, "original_size") PMM__IS(NEW_TICK_SIZE, "new_tick_size") break;
  case 14: PMM__IS(MATCHED_AMOUNT, "matched_amount") PMM__IS(TAKER_ORDER_ID, "taker_order_id") break;
  case 16: PMM__IS(WINNING_ASSET_ID, "winning_asset_id") break;
  default: break;
  }
#undef PMM__IS
  return PMM__F_UNUSED;
}

typedef struct pmm__level { int64_t qty_e6; int32_t price_e4; } pmm__level_t;      /* of the token */
typedef struct pmm__change {
  int64_t qty_e6;
  uint64_t hash;
  uint32_t market;
  int32_t price_e4;             /* of the token */
  int32_t best_e4[2];           /* of the token; -1 not told */
  bool no; uint8_t side;        /* pmm_side_t, of the token */
} pmm__change_t;

typedef struct pmm__recent { char text[PMM_POLY_DEC_WORD]; uint32_t len, market; bool no; } pmm__recent_t; /* a token that was found */

#define PMM__LEVELS_MAX 10000   /* a side at the finest tick has 9 999 */
#define PMM__CHANGES_MAX 4096

struct pmm_poly_codec {
  const pmm_poly_tokens_t *tokens;
  pmm_json_parser_t *json;
  uint32_t first_market;
  pmm_poly_codec_stats_t stats;
  pmm__fields_t top, item;      /* the message's own members, and those of the element at work */
  uint32_t level_cnt[2], change_cnt, share_cnt;
  bool one_by_one;              /* the message is an older one: its changes name no token, the message does */
  pmm__recent_t recent[2];
  const char *why;              /* what is wrong ... */
  uint32_t where;               /* ... and at which byte */
  pmm__level_t level[2][PMM__LEVELS_MAX];
  pmm__change_t change[PMM__CHANGES_MAX];
  pmm_poly_share_t share[PMM_POLY_MAKERS_MAX];
  pmm_md_t md[PMM_POLY_RECORDS_MAX];
};

/* -- scan.c -- */
/* Fills codec from the text; false: not of the usual shape, or wrong, or full. */
bool pmm__scan(pmm_poly_codec_t *codec, const char *text, size_t len);

/* -- numbers.c: PMM_PARSE with codec->why and where -- */
pmm_status_t pmm__wrong(pmm_poly_codec_t *codec, const pmm__span_t *span, const char *why);
pmm_status_t pmm__poly_read_price(pmm_poly_codec_t *codec, const pmm__span_t *span, int32_t *price_e4);  /* within (0, 1) */
pmm_status_t pmm__read_best(pmm_poly_codec_t *codec, const pmm__span_t *span, int32_t *price_e4);   /* within [0, 1]; absent or "": -1 */
/* A price that may be the mean of several fills, cut to four places; within [0, 1]. */
pmm_status_t pmm__read_mean(pmm_poly_codec_t *codec, const pmm__span_t *span, int32_t *price_e4);
pmm_status_t pmm__read_qty(pmm_poly_codec_t *codec, const pmm__span_t *span, int64_t *qty_e6);      /* >= 0 */
pmm_status_t pmm__read_side(pmm_poly_codec_t *codec, const pmm__span_t *span, pmm_poly_side_t *side);
pmm_status_t pmm__read_time(pmm_poly_codec_t *codec, const pmm__span_t *span, int64_t *ns); /* ms or s; absent, "" or 0: PMM_TIME_NONE */
pmm_status_t pmm__read_word(pmm_poly_codec_t *codec, const pmm__span_t *span, pmm_poly_word_t *word);
/* Which token; PMM_POLY_NONE for one that is not ours. */
pmm_status_t pmm__read_token(pmm_poly_codec_t *codec, const pmm__span_t *span, uint32_t *market, bool *no);
uint64_t pmm__read_hash(const pmm__span_t *span);

/* -- elements of lists, taken from codec->item as they are met; PMM_PARSE or PMM_FULL -- */
pmm_status_t pmm__take_level(pmm_poly_codec_t *codec, int side, const pmm__span_t *price, const pmm__span_t *size);
pmm_status_t pmm__take_change(pmm_poly_codec_t *codec);
pmm_status_t pmm__take_share(pmm_poly_codec_t *codec);

/* -- what the filled codec means -- */
pmm_status_t pmm__interpret(pmm_poly_codec_t *codec, int64_t recv_ns, uint32_t seq, pmm_poly_msg_t *out);
pmm_status_t pmm__interpret_book(pmm_poly_codec_t *codec, int64_t recv_ns, uint32_t seq, pmm_poly_msg_t *out);
pmm_status_t pmm__interpret_order(pmm_poly_codec_t *codec, pmm_poly_user_order_t *out);
pmm_status_t pmm__interpret_trade(pmm_poly_codec_t *codec, pmm_poly_user_trade_t *out);
#endif
