/* tape/timeline.h -- for sources that are not in order of time: their figures are gathered first (64 bytes each), then sorted
   and played. Markets reach the tape with their first moment. */
#ifndef PMM_TAPE_TIMELINE_H
#define PMM_TAPE_TIMELINE_H
#include "import.h"

typedef enum pmm__moment_kind {
  PMM__MOMENT_NONE,    /* dropped */
  PMM__MOMENT_UNDER,   /* who = underlying, aux = pmm_under_kind_t, value = value_e8 */
  PMM__MOMENT_MARK,    /* the market opens, nothing more */
  PMM__MOMENT_TOP,     /* price_e4 = best prices without sizes; value = contracts x 1e6 traded since the last; -1: not told */
  PMM__MOMENT_PRICE,   /* price_e4[0] = price of YES */
  PMM__MOMENT_GAP,     /* made when playing */
  PMM__MOMENT_RESOLVE, /* value = pmm_outcome_t; closes as well */
} pmm__moment_kind_t;

typedef struct pmm__moment {
  int64_t at_ns, exch_ns, value;
  int32_t price_e4[2], last_e4; /* last_e4: of the last trade, 0 none */
  uint32_t who;                 /* index of pmm__listed_t, or underlying */
  uint64_t order;               /* of moments of one time */
  uint8_t kind, aux;
} pmm__moment_t;

typedef struct pmm__listed {
  pmm_market_t desc;
  pmm_outcome_t outcome;         /* follows the close at once, when known */
  char label[2][PMM_ID_MAX];     /* prices: of the outcomes, tokens are in token_yes and token_no until it is known which is which */
  int64_t first_ns, last_ns;     /* prices, candles: of its rows */
  int32_t last_e4;               /* last price */
  int64_t last_at_ns, volume_e6; /* while playing */
  pmm__imarket_t *market;        /* once on the tape */
} pmm__listed_t;

typedef struct pmm__timeline {
  pmm__moment_t *moment;
  size_t cnt, cap;
  pmm__listed_t *listed;
  uint32_t listed_cap;
  pmm__names_t names; /* of listed */
} pmm__timeline_t;    /* zeroed: empty */

/* The market of this id, new ones with pmm_market_init's terms and is_new set. PMM_FULL. The pointer holds until the next. */
pmm_status_t pmm__timeline_market(pmm__import_t *import, pmm__timeline_t *timeline, const char *id, uint32_t *index, bool *is_new);
pmm_status_t pmm__timeline_add(pmm__import_t *import, pmm__timeline_t *timeline, const pmm__moment_t *moment); /* PMM_FULL */
/* Sorts, puts gaps between best prices too far apart, and writes it all. */
pmm_status_t pmm__timeline_play(pmm__import_t *import, pmm__timeline_t *timeline);
void pmm__timeline_fini(pmm__timeline_t *timeline);
#endif
