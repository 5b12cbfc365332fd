/* venue/polymarket/codec.h -- the venue's WebSocket messages as records. Pure: bytes in, structs out; no clock, no I/O, nothing
   allocated after init except that an unusually long message may grow the JSON parser.

   A condition has two tokens whose books mirror each other: a bid for NO at b is an ask for YES at 1-b of the same size. All that
   comes out is in YES space. A change is told twice in one message, once per token; the second telling is dropped.

   Messages in the shape the venue sends are read by a scanner that walks the bytes once; anything it is not sure of (escapes, nesting,
   repeated keys, white space, any error) is left to the full parser, which feeds the same code, so both give the same result. */
#ifndef PMM_VENUE_POLYMARKET_CODEC_H
#define PMM_VENUE_POLYMARKET_CODEC_H
#include "base/json.h"
#include "pmm/event.h"
#include "pmm/market.h"
#include "pmm/polymarket.h"

#define PMM_POLY_NONE UINT32_MAX       /* no market of ours */
#define PMM_POLY_RECORDS_MAX 20004     /* of one message: a book of both sides at the finest tick, and its frame */
#define PMM_POLY_MAKERS_MAX 512        /* orders of makers in one trade */
#define PMM_POLY_TRADE_ID_MAX 64

/* -- tokens -- */
typedef struct pmm_poly_tokens pmm_poly_tokens_t; /* token id -> (market, yes or no) */
pmm_poly_tokens_t *pmm_poly_tokens_new(uint32_t markets_max); /* NULL: out of memory */
void pmm_poly_tokens_free(pmm_poly_tokens_t *tokens);
/* PMM_EXISTS (known already), PMM_FULL, PMM_INVAL (empty, too long). */
pmm_status_t pmm_poly_tokens_add(pmm_poly_tokens_t *tokens, const char *token, size_t len, uint32_t market, bool no);
/* Exact. False: not ours. About 10 ns. */
bool pmm_poly_tokens_find(const pmm_poly_tokens_t *tokens, const char *token, size_t len, uint32_t *market, bool *no);

/* -- messages -- */
typedef enum pmm_poly_kind {
  PMM_POLY_OTHER,      /* a type we do not use, or about a token that is not ours */
  PMM_POLY_BOOK,       /* md: CLEAR and the levels */
  PMM_POLY_CHANGE,     /* md: LEVELs */
  PMM_POLY_PRINT,      /* md: a TRADE, or none when its size is left open */
  PMM_POLY_TICK,       /* md: a TICK */
  PMM_POLY_BBO,        /* best prices only */
  PMM_POLY_NEW_MARKET, /* a listing; nothing decoded */
  PMM_POLY_RESOLVED,   /* md: a STATUS */
  PMM_POLY_ORDER,      /* user channel: order */
  PMM_POLY_TRADE       /* user channel: trade */
} pmm_poly_kind_t;

typedef enum pmm_poly_order_state { /* what the venue says of an order */
  PMM_POLY_ORDER_LIVE, PMM_POLY_ORDER_MATCHED, PMM_POLY_ORDER_DELAYED, PMM_POLY_ORDER_UNMATCHED, PMM_POLY_ORDER_CANCELED,
  PMM_POLY_ORDER_RESOLVED, /* cancelled as its market resolved */
  PMM_POLY_ORDER_INVALID, PMM_POLY_ORDER_UNKNOWN
} pmm_poly_order_state_t;
typedef enum pmm_poly_order_event { PMM_POLY_PLACEMENT, PMM_POLY_UPDATE, PMM_POLY_CANCELLATION } pmm_poly_order_event_t;
typedef enum pmm_poly_trade_state {
  PMM_POLY_MATCHED, PMM_POLY_MINED, PMM_POLY_RETRYING, PMM_POLY_CONFIRMED, PMM_POLY_FAILED, PMM_POLY_TRADE_UNKNOWN
} pmm_poly_trade_state_t;

typedef struct pmm_poly_user_order {
  pmm_poly_word_t id;
  uint32_t market; bool no;  /* PMM_POLY_NONE: a market that is not ours */
  uint8_t event, state;      /* pmm_poly_order_event_t, pmm_poly_order_state_t */
  uint8_t side;              /* pmm_poly_side_t, of the token */
  int32_t price_e4;          /* of the token */
  int64_t size_e6, matched_e6;
  int64_t created_ns, expire_ns; /* PMM_TIME_NONE: not told, or none */
} pmm_poly_user_order_t;

typedef struct pmm_poly_share { /* one order's part in a trade */
  pmm_poly_word_t order;
  uint32_t market; bool no;
  uint8_t side;              /* of the token */
  int32_t price_e4;
  int64_t qty_e6;
} pmm_poly_share_t;

typedef struct pmm_poly_user_trade {
  char id[PMM_POLY_TRADE_ID_MAX];
  uint8_t state;             /* pmm_poly_trade_state_t */
  int64_t match_ns;          /* PMM_TIME_NONE: not told */
  pmm_poly_share_t taker;    /* its price may be a mean, cut to four places: the makers' prices are exact */
  const pmm_poly_share_t *maker; uint32_t maker_cnt; /* the codec's memory, until its next call */
} pmm_poly_user_trade_t;

typedef struct pmm_poly_msg {
  uint8_t kind;              /* pmm_poly_kind_t */
  uint8_t told_best;         /* best prices are told */
  bool no;                   /* about the NO token */
  uint32_t market;
  int64_t exch_ns;           /* PMM_TIME_NONE: not told */
  int32_t best_e4[2];        /* [side] YES space, after the message; 0: that side is empty */
  uint64_t hash;             /* of the venue's book hash: equal or not, nothing else; 0 not told */
  const pmm_md_t *md; uint32_t md_cnt; /* the codec's memory, until its next call */
  int32_t tick_e4;           /* BOOK: its tick when told, else 0 */
  pmm_poly_user_order_t order;
  pmm_poly_user_trade_t trade;
} pmm_poly_msg_t;

typedef struct pmm_poly_codec pmm_poly_codec_t;
typedef struct pmm_poly_codec_stats { uint64_t scanned, parsed; } pmm_poly_codec_stats_t; /* messages by the way they were read */
/* Borrows tokens. NULL: out of memory. */
pmm_poly_codec_t *pmm_poly_codec_new(const pmm_poly_tokens_t *tokens);
void pmm_poly_codec_free(pmm_poly_codec_t *codec);
void pmm_poly_codec_set_first(pmm_poly_codec_t *codec, uint32_t first_market); /* added to market in every md record */
const pmm_poly_codec_stats_t *pmm_poly_codec_stats(const pmm_poly_codec_t *codec);

/* A frame is one message or an array of them: the next message from text[*at..len), as a piece of the frame; PMM_END after the last,
   PMM_PARSE (with *at at the trouble). Start with *at = 0. Texts that are no JSON (PONG, NO NEW ASSETS) give PMM_END at once. */
pmm_status_t pmm_poly_frame_next(const char *text, size_t len, size_t *at, const char **message, size_t *message_len);
/* Decodes one message; PMM_JSON_PAD readable bytes must follow text[0..len). PMM_OK, or PMM_PARSE / PMM_FULL with err telling the byte, *out
   unchanged. */
pmm_status_t pmm_poly_decode(pmm_poly_codec_t *codec, const char *text, size_t len, int64_t recv_ns, uint32_t seq, pmm_poly_msg_t *out,
                             pmm_error_t *err);
/* The same by the full parser only: what the scanner is compared with. */
pmm_status_t pmm_poly_decode_slow(pmm_poly_codec_t *codec, const char *text, size_t len, int64_t recv_ns, uint32_t seq, pmm_poly_msg_t *out,
                                  pmm_error_t *err);
/* An open order or a past trade as REST tells it (items of /data/orders, /data/trades, an order by its id). err names the field. */
pmm_status_t pmm_poly_read_order(pmm_poly_codec_t *codec, const pmm_json_node_t *item, pmm_poly_user_order_t *out, pmm_error_t *err);
pmm_status_t pmm_poly_read_trade(pmm_poly_codec_t *codec, const pmm_json_node_t *item, pmm_poly_user_trade_t *out, pmm_error_t *err);
/* A REST book summary; md as for PMM_POLY_BOOK. */
pmm_status_t pmm_poly_read_book(pmm_poly_codec_t *codec, const pmm_json_node_t *summary, int64_t recv_ns, pmm_poly_msg_t *out, pmm_error_t *err);
#endif
