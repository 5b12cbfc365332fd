/* pmm/flow.h -- recent trades of one market and their statistics: rates, volumes, averages. O(1) per trade and
   per question, no allocation. Buckets of 10 s over 6 h, a ring of the last trades, a few EWMAs. */
#ifndef PMM_FLOW_H
#define PMM_FLOW_H
#include "pmm/types.h"

#define PMM_FLOW_TRADES 64  /* last prints kept, a power of two */
#define PMM_FLOW_BUCKET_NS (10 * PMM_NS_PER_S)
#define PMM_FLOW_BUCKETS 2160 /* 6 h */

typedef struct pmm_print { int64_t at_ns, qty_e6; int32_t price_e4; uint8_t side, flags; } pmm_print_t;

typedef struct pmm_flow {
  pmm_print_t last[PMM_FLOW_TRADES]; /* ring; newest at (cnt-1) & 63 */
  uint64_t cnt;                      /* trades ever */
  int64_t first_ns;                  /* time of the first event seen, PMM_TIME_NONE before */
  int64_t bucket;                    /* index (time / 10 s) of the newest bucket */
  int64_t vol_e6[PMM_FLOW_BUCKETS];
  uint32_t trades[PMM_FLOW_BUCKETS];
  int64_t vol_1m_e6, vol_30m_e6;     /* running sums over the newest 6 and 180 buckets */
  uint64_t trades_1m, trades_6h;
  double ewma_price;                 /* of trade prices, dollars; NaN before the first */
  int64_t ewma_ns;
  double half_life_s;
} pmm_flow_t;

/* Times are expected to ascend; a trade with an older time counts as now in every statistic. The EWMA is that of
   pmm_ewma_add: the first of several trades at one instant carries the weight. */
void pmm_flow_init(pmm_flow_t *flow, double half_life_s); /* half_life_s > 0 */
void pmm_flow_start(pmm_flow_t *flow, int64_t now_ns);  /* first sight of the market: averages count from here */
void pmm_flow_trade(pmm_flow_t *flow, int64_t now_ns, pmm_side_t taker, int32_t price_e4, int64_t qty_e6, uint8_t flags);
void pmm_flow_advance(pmm_flow_t *flow, int64_t now_ns); /* forget what is too old; called before questions */
double pmm_flow_trade_rate(const pmm_flow_t *flow);     /* trades in the newest 6 buckets / 60 s */
/* Volume of the last minute over the 30-minute average per minute (over the time seen, at least 1 minute); 1 when there
   is none. */
double pmm_flow_volume_ratio(const pmm_flow_t *flow, int64_t now_ns);
uint64_t pmm_flow_trades_6h(const pmm_flow_t *flow);
const pmm_print_t *pmm_flow_last(const pmm_flow_t *flow); /* NULL before the first */
#endif
