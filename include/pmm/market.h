/* pmm/market.h -- what a market is: its names, grid, money terms and life cycle. Plain data; the same struct
   stands in a tape's market table, in the engine and in the exchange. */
#ifndef PMM_MARKET_H
#define PMM_MARKET_H
#include "pmm/fees.h"
#include "pmm/grid.h"
#include "pmm/types.h"

#define PMM_ID_MAX 96

#define PMM_LIFE_MAP(X) X(PENDING, "pending") X(OPEN, "open") X(HALTED, "halted") X(CLOSED, "closed") X(RESOLVING, "resolving") X(RESOLVED, "resolved")
typedef enum pmm_life {
#define X(name, text) PMM_LIFE_##name,
  PMM_LIFE_MAP(X)
#undef X
} pmm_life_t;
#define PMM_OUTCOME_MAP(X) X(UNKNOWN, "unknown") X(YES, "yes") X(NO, "no") X(VOID, "void")
typedef enum pmm_outcome {
#define X(name, text) PMM_OUTCOME_##name,
  PMM_OUTCOME_MAP(X)
#undef X
} pmm_outcome_t;
#define PMM_VENUE_MAP(X) X(SIM, "sim") X(KALSHI, "kalshi") X(POLYMARKET, "polymarket") X(DEGEN, "degen")
typedef enum pmm_venue {
#define X(name, text) PMM_VENUE_##name,
  PMM_VENUE_MAP(X)
#undef X
} pmm_venue_t;
const char *pmm_life_to_string(pmm_life_t life);
const char *pmm_outcome_to_string(pmm_outcome_t outcome);
const char *pmm_venue_to_string(pmm_venue_t venue);
pmm_status_t pmm_outcome_from_string(const char *text, pmm_outcome_t *out); /* PMM_NOT_FOUND */
pmm_status_t pmm_venue_from_string(const char *text, pmm_venue_t *out);

#define PMM_UNDER_NONE UINT32_MAX
enum { /* pmm_market_t.data: what a recording of this market holds */
  PMM_DATA_DEPTH = 1,      /* full book with sizes */
  PMM_DATA_TOP = 2,        /* best prices only */
  PMM_DATA_NOSIZE = 4,     /* sizes are nominal */
  PMM_DATA_TRADES = 8,     /* printed trades */
  PMM_DATA_INFERRED = 16,  /* trades inferred at import */
  PMM_DATA_UNDERLYING = 32, /* its underlying's price */
  PMM_DATA_PRICE = 64      /* prices only, without a book (PMM_MD_PRICE) */
};

typedef struct pmm_market {
  char id[PMM_ID_MAX];          /* the venue's name for it, NUL-terminated */
  char event[PMM_ID_MAX];       /* exposure group: markets of one event share it; may be empty */
  char token_yes[PMM_ID_MAX];   /* venue token ids where it has them */
  char token_no[PMM_ID_MAX];
  uint8_t venue;                /* pmm_venue_t */
  uint8_t life;                 /* pmm_life_t at the start of the stream */
  uint8_t outcome;              /* pmm_outcome_t when known (for reports; the stream's STATUS events act) */
  uint8_t tie_is_yes;           /* settles yes when the settlement value equals the strike */
  uint32_t data;                /* PMM_DATA_* */
  uint32_t underlying;          /* index into the stream's table of underlyings or PMM_UNDER_NONE */
  pmm_grid_t grid;
  int64_t lot_e6;               /* quantities are multiples of this */
  int64_t min_size_e6;          /* smallest order */
  pmm_fee_schedule_t fees;
  int64_t open_ns, close_ns;    /* trading window or PMM_TIME_NONE */
  int64_t strike_e8;            /* 0 none: YES when the settlement value is above it */
  int64_t settle_window_ns;     /* settlement value = mean over this long before close; 0: the last value */
  int64_t payout_yes_e6;        /* once resolved */
  char asset[16];               /* what its underlying is called ("BTC"), where a venue tells; finds `underlying` in a live run; not on tape */
} pmm_market_t;

/* pmm_market_init gives a usable default: sim venue, open, cent grid, lot 0.01, min size 0.01, no fees, no times,
   no underlying, tie not yes. */
void pmm_market_init(pmm_market_t *market, const char *id);
/* pmm_market_check: every field consistent (grid, lot divides, times ordered); PMM_INVAL with err naming the field. */
pmm_status_t pmm_market_check(const pmm_market_t *market, pmm_error_t *err);

/* pmm_life_move tells whether a market may go from one state to another: pending->open; open<->halted;
   open|halted->closed; closed->open (early close revoked) |resolving|resolved; resolving->resolved|closed;
   any state to itself. Nothing leaves resolved. PMM_STATE otherwise. */
pmm_status_t pmm_life_move(pmm_life_t from, pmm_life_t to);
static inline bool pmm_life_trades(pmm_life_t life) { return life == PMM_LIFE_OPEN; }
/* pmm_outcome_payout: cash_e6 for one YES: yes 1e6, no 0, void 5e5; unknown PMM_INVAL. */
pmm_status_t pmm_outcome_payout(pmm_outcome_t outcome, int64_t *payout_e6);

typedef struct pmm_underlying { char id[PMM_ID_MAX]; char source[PMM_ID_MAX]; uint8_t kind; } pmm_underlying_t; /* kind: pmm_under_kind_t */
#endif
