/* venue/polymarket/prepare.h -- orders signed ahead of need. Signing takes some 50 us; a maker's orders lie on a small grid of market, route,
   price and size, so the likely ones are kept ready and taking one is a look-up. Each is used once: its salt, and so its id, is its
   own. An order too old is signed afresh, because the venue looks at the timestamp inside.
   Single-threaded, fixed size; refill is called when nothing else is to be done. */
#ifndef PMM_VENUE_POLYMARKET_PREPARE_H
#define PMM_VENUE_POLYMARKET_PREPARE_H
#include "pmm/event.h"
#include "pmm/polymarket.h"

/* Who signs, for whom. */
typedef struct pmm_poly_wallet_terms {
  const pmm_poly_signer_t *signer;   /* borrowed */
  int version;                       /* of the exchange; 3 for markets that ask for it */
  uint64_t chain_id;
  uint8_t signature_type;
  pmm_poly_address_t maker, order_signer;
  pmm_poly_word_t metadata, builder;
} pmm_poly_wallet_terms_t;

/* What an order is wanted for. Prices are YES prices; the order is worded for the route's token. */
typedef struct pmm_poly_want {
  uint32_t market;
  uint8_t route;                     /* pmm_route_t */
  int32_t price_e4;
  int64_t qty_e6;                    /* shares */
} pmm_poly_want_t;

/* The signature of a request: over its body and the second in which it is sent. Two, for from the middle of a second on the next one's is made, too. */
typedef struct pmm_poly_seal { struct { int64_t at_s; char hmac[PMM_POLY_HMAC_TEXT]; } of[2]; } pmm_poly_seal_t; /* by at_s & 1; at_s 0: none */
static inline const char *pmm_poly_seal_at(const pmm_poly_seal_t *seal, int64_t at_s) { return seal->of[at_s & 1].at_s == at_s ? seal->of[at_s & 1].hmac : NULL; }
static inline void pmm_poly_seal_break(pmm_poly_seal_t *seal) { seal->of[0].at_s = seal->of[1].at_s = 0; }
#define PMM_POLY_SEAL_AHEAD_NS (PMM_NS_PER_S / 2)

typedef struct pmm_poly_ready {
  pmm_poly_word_t id;
  pmm_poly_order_t order;
  uint32_t json_len;
  pmm_poly_seal_t seal;              /* of a post-only GTC order's request */
  char json[PMM_POLY_ORDER_JSON_MAX]; /* the "order" member of a request */
} pmm_poly_ready_t;

typedef struct pmm_poly_prepared_stats { uint64_t hits, misses, signatures, expired, sealed; } pmm_poly_prepared_stats_t; /* sealed: hits whose request was signed, too */
typedef struct pmm_poly_prepared pmm_poly_prepared_t;

/* order_max: orders kept at most (0: none, every take misses); age_ns: how old one may be when it is taken. PMM_FULL. */
pmm_status_t pmm_poly_prepared_new(pmm_poly_prepared_t **store, const pmm_poly_wallet_terms_t *terms, uint32_t markets_max, uint32_t order_max,
                                   int64_t age_ns, pmm_error_t *err);
void pmm_poly_prepared_free(pmm_poly_prepared_t *store);
/* Terms of a market, also when its tick changes (what was ready for it is dropped). PMM_INVAL (index, token, tick). */
pmm_status_t pmm_poly_prepared_market(pmm_poly_prepared_t *store, uint32_t market, const char *token_yes, const char *token_no, bool neg_risk,
                                      int32_t tick_e4, pmm_error_t *err);
/* An order like this may be wanted soon. Three are kept of each. Takes the place of the one longest not asked for; O(1). */
void pmm_poly_prepared_want(pmm_poly_prepared_t *store, const pmm_poly_want_t *want, int64_t now_ns);
/* Who signs requests; without, none is signed ahead. The requests of all orders that are ready and asked for lately are signed for each second, before it
   begins. Called again, it drops what was signed: the key has changed. */
typedef void (*pmm_poly_seal_fn)(void *ctx, const pmm_poly_ready_t *order, int64_t at_s, char hmac[PMM_POLY_HMAC_TEXT]);
void pmm_poly_prepared_on_seal(pmm_poly_prepared_t *store, pmm_poly_seal_fn fn, void *ctx);
/* Signs one that is wanted and not ready, or is about to be too old; random gives its salt. False: nothing to do. */
bool pmm_poly_prepared_refill(pmm_poly_prepared_t *store, uint64_t random, int64_t now_ns);
/* The order for this, ready; NULL: none, sign one (pmm_poly_order_make). Valid until the next refill. About 20 ns. */
const pmm_poly_ready_t *pmm_poly_prepared_take(pmm_poly_prepared_t *store, const pmm_poly_want_t *want, int64_t now_ns);
const pmm_poly_prepared_stats_t *pmm_poly_prepared_stats(const pmm_poly_prepared_t *store);

/* A resting order here and now, for what was not prepared, or (expire_ns not 0) one with an expiry. PMM_INVAL (price off the grid, no
   quantity, amounts that do not fit). */
pmm_status_t pmm_poly_order_make(pmm_poly_prepared_t *store, const pmm_poly_want_t *want, int64_t expire_s, uint64_t random, int64_t now_ns,
                                 pmm_poly_ready_t *out);
/* An order to be filled at once: a BUY spends qty x price and may get more shares than qty at better prices (the venue targets
   collateral); a SELL targets shares. */
pmm_status_t pmm_poly_order_make_taker(pmm_poly_prepared_t *store, const pmm_poly_want_t *want, uint64_t random, int64_t now_ns,
                                       pmm_poly_ready_t *out);
#endif
