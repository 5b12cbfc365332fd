/* report_impl.h -- the recorder's inside: what it keeps of a run, shared by report*.c. */
#ifndef PMM_BACKTEST_REPORT_IMPL_H
#define PMM_BACKTEST_REPORT_IMPL_H
#include <jansson.h>
#include "pmm/report.h"

#define PMM__BUCKETS 2048    /* of a track at most; at least half as many once a run is long enough */
#define PMM__DEPTH_COLS 512
#define PMM__DEPTH_ROWS 200
#define PMM__BUCKET_NS (50 * PMM_NS_PER_MS) /* first width */
#define PMM__FILLS_MAX 8192
#define PMM__GAPS_MAX 256
#define PMM__LAGS_MAX 4096
#define PMM__DECISIONS 1024  /* remembered of the last minutes */
#define PMM__MARKS 1024      /* equity marks of the last minutes */
#define PMM__HORIZONS 9
#define PMM__DISTANCES 6
#define PMM__MARKOUTS_OPEN 65536 /* fills whose markouts are still open, a power of two */
#define PMM__PANEL_NONE UINT32_MAX

/* -- tracks: equal buckets of time in bounded memory -- */
/* Finished buckets are [0, cnt); the one under way is kept by the owner. When cap is reached neighbours are merged and the width
   doubles, so that between cap/2 and cap buckets describe any length of run. cap is even. */
typedef struct pmm__track {
  unsigned char *item; size_t size;
  uint32_t cnt, cap;
  int64_t t0_ns, width_ns;
  void (*merge)(void *into, const void *later, size_t size);
} pmm__track_t;
static inline int64_t pmm__track_end(const pmm__track_t *t) { return t->t0_ns + (t->cnt + 1) * t->width_ns; } /* of the bucket under way */
void pmm__track_push(pmm__track_t *t, const void *item);
static inline const void *pmm__track_at(const pmm__track_t *t, uint32_t i) { return t->item + (size_t)i * t->size; }

/* What happened in a bucket: of one slot, or summed over all. Prices are 0 where there was none. */
typedef struct pmm__bucket {
  int32_t bid_e4, ask_e4;               /* best of the book at the end */
  int32_t mid_lo_e4, mid_hi_e4;
  int32_t our_bid_e4, our_bid_lo_e4, our_bid_hi_e4, our_ask_e4, our_ask_lo_e4, our_ask_hi_e4;
  int64_t net_e6, net_lo_e6, net_hi_e6; /* of all slots: sum of |net| */
  int64_t limit_e6;                     /* how far the strategy may go; 0 no limit */
  int64_t pnl_e6, spread_e6, fees_e6;   /* since the start; fees net of rebates */
  uint32_t orders, cancels, fills;      /* within the bucket */
  int64_t fill_qty_e6;
  int64_t open_ns, two_sided_ns;        /* trading time, and that with both our sides quoted; of all slots: slot-time */
} pmm__bucket_t;
void pmm__bucket_merge(void *into, const void *later, size_t size);
void pmm__bucket_next(pmm__bucket_t *bucket); /* the bucket after this one begins as this one ended */

typedef struct pmm__panel {
  uint32_t slot;                        /* PMM__PANEL_NONE: free */
  bool started;
  int64_t from_ns;                      /* watched since; the slot may have traded before */
  pmm__track_t track, depth;
  pmm__bucket_t now;
  uint8_t column[PMM__DEPTH_ROWS];      /* the book at the last end of a column */
  int32_t row_e4, rows;
  const char *limit_source;
} pmm__panel_t;

typedef struct pmm__watch_slot {
  uint32_t market, next_in_market, panel;
  char name[64];
  int64_t param_limit_e6; const char *param_limit; /* the strategy's own parameter for its limit, if it has one */
  bool dirty, open, two_sided;
  int64_t since_ns;                     /* time integrals are done up to here */
  int64_t net_e6, spread_e6;
  uint64_t score;                       /* how busy it is: orders, and fills many times */
} pmm__watch_slot_t;

typedef struct pmm__watch_market {
  char id[PMM_ID_MAX];
  pmm_mid_state_t mid;
  double value;                         /* mid, or the payout once resolved */
  int32_t bid_e4, ask_e4;
  uint32_t first_slot;
  bool open, resolved, gap;
  uint8_t outcome;
} pmm__watch_market_t;

typedef struct pmm__fill { int64_t at_ns, qty_e6, fee_e6; double mid; int32_t price_e4; uint32_t slot; uint8_t side, flags; } pmm__fill_t;
typedef struct pmm__gap { int64_t from_ns, to_ns; uint32_t market; } pmm__gap_t;

/* -- markouts -- */
typedef struct pmm__moment { double w, wx, w2, w2x, w2xx; uint64_t n; } pmm__moment_t; /* weights are contracts */
typedef struct pmm__open_fill { int64_t at_ns; double price, qty; uint32_t market; uint8_t side, distance; } pmm__open_fill_t;
typedef struct pmm__markouts {
  pmm__moment_t sum[2][PMM__DISTANCES][PMM__HORIZONS];
  pmm__open_fill_t *open; uint64_t head, tail[PMM__HORIZONS];
  int64_t due_ns;
} pmm__markouts_t;
extern const int64_t pmm__horizon_ns[PMM__HORIZONS];
extern const char *const pmm__distance_name[PMM__DISTANCES];
void pmm__markouts_fill(pmm__markouts_t *m, const pmm__watch_market_t *market, const pmm__fill_t *fill, uint32_t market_idx);
void pmm__markouts_due(pmm__markouts_t *m, const pmm__watch_market_t *market, int64_t now_ns); /* horizons that ended before now */
/* Mean and standard error in dollars per contract; false without a fill. */
bool pmm__moment_mean(const pmm__moment_t *m, double *mean, double *se);
void pmm__moment_add(pmm__moment_t *into, const pmm__moment_t *other);

/* -- the worst minutes -- */
typedef struct pmm__decision {
  int64_t at_ns;
  uint32_t slot;
  bool is_fill;
  uint16_t placed, cancelled, amended;
  uint8_t action, side;                 /* pmm_quote_action_t; side of a fill */
  pmm_level_t bid, ask;                 /* best wanted; of a fill: bid holds price and size */
  int32_t bid_cnt, ask_cnt, book_bid_e4, book_ask_e4;
  double fair;
  int64_t net_e6;
  int32_t reason_cnt;
  pmm_reason_t reason[PMM_REASONS_MAX];
  const char *why;
} pmm__decision_t;
typedef struct pmm__mark { int64_t at_ns, equity_e6; uint64_t decisions; } pmm__mark_t;
typedef struct pmm__worst {
  int64_t window_ns, spacing_ns, next_ns;
  pmm__mark_t mark[PMM__MARKS]; uint32_t mark_head, mark_cnt; /* falling maxima of the window, the highest first */
  pmm__decision_t *ring; uint64_t ring_head;
  uint64_t decisions;                   /* so far, also those not remembered */
  pmm__decision_t *kept; uint32_t kept_cnt;
  int64_t from_ns, to_ns, fall_e6; uint64_t in_window;
} pmm__worst_t;
void pmm__worst_decision(pmm__worst_t *w, const pmm__decision_t *d);
void pmm__worst_mark(pmm__worst_t *w, int64_t now_ns, int64_t equity_e6);

typedef struct pmm__hour { int64_t pnl_e6, volume_e6, seen_ns; uint64_t fills; } pmm__hour_t;

struct pmm_recorder {
  pmm_observer_t observer;
  pmm_recorder_opts_t opts;
  pmm_engine_t *engine;                 /* during the run */
  bool finished;
  pmm__watch_slot_t *slot; uint32_t slot_cnt;
  pmm__watch_market_t *market; uint32_t market_cnt;
  uint32_t *dirty; uint32_t dirty_cnt; int64_t dirty_ns;
  pmm__panel_t *panel; uint32_t panel_cap;
  unsigned char *panel_memory;
  int64_t risk_net_e6;
  int64_t stale_ns;
  pmm__track_t total; pmm__bucket_t now;
  int64_t sample_ns;                    /* when the account is looked at next */
  int64_t start_equity_e6, spread_e6, gross_e6;
  uint32_t open_cnt, two_sided_cnt; int64_t since_ns;
  int64_t first_ns, last_ns;
  pmm__fill_t *fill; uint32_t fill_cnt, fill_stride; uint64_t fill_total;
  pmm__gap_t gap[PMM__GAPS_MAX]; uint64_t gap_total;
  int64_t lag_ns[PMM__LAGS_MAX]; uint32_t lag_cnt; uint64_t lag_total, lag_stride; int64_t lag_min_ns, lag_max_ns;
  pmm__markouts_t markouts;
  pmm__worst_t worst;
  pmm__hour_t hour[24]; int64_t hour_end_ns, hour_equity_e6, hour_since_ns;
  uint64_t lost_fills;                  /* of orders nobody knows any more, in a market of several slots */
};

/* -- pages -- */
extern const unsigned char pmm__report_js[], pmm__report_css[], pmm__report_html[]; /* generated from web/report when building */
extern const size_t pmm__report_js_size, pmm__report_css_size, pmm__report_html_size;
/* The document of a run; NULL without memory. */
json_t *pmm__report_document(const pmm_recorder_t *r, const pmm_report_info_t *info, const pmm_result_t *result, pmm_error_t *err);
/* What a reader must know before believing the figures. tapes as pmm__report_tapes gives them. */
json_t *pmm__report_honesty(const pmm_recorder_t *r, const pmm_report_info_t *info, const pmm_result_t *result, json_t *tapes);
json_t *pmm__report_tapes(const pmm_report_info_t *info, pmm_error_t *err); /* NULL on an error */
#endif
