#include "pmm/flow.h"
#include <math.h>
#include "pmm/fmath.h"

#define MINUTE_BUCKETS 6
#define HALF_HOUR_BUCKETS 180
#define MINUTE_S 60.0

static int64_t bucket_of(int64_t ns) { return ns / PMM_FLOW_BUCKET_NS - (ns % PMM_FLOW_BUCKET_NS < 0); }

static size_t slot_of(int64_t bucket) {
  int64_t const r = bucket % PMM_FLOW_BUCKETS;
  return (size_t)(r < 0 ? r + PMM_FLOW_BUCKETS : r);
}

void pmm_flow_init(pmm_flow_t *flow, double half_life_s) {
  *flow = (pmm_flow_t){.first_ns = PMM_TIME_NONE, .ewma_price = NAN, .ewma_ns = PMM_TIME_NONE, .half_life_s = half_life_s};
}

void pmm_flow_start(pmm_flow_t *flow, int64_t now_ns) {
  if (flow->first_ns != PMM_TIME_NONE) return;
  flow->first_ns = now_ns;
  flow->bucket = bucket_of(now_ns);
}

/* Makes room for the next bucket: three buckets fall out of the three windows. */
static void open_bucket(pmm_flow_t *flow) {
  int64_t const b = ++flow->bucket;
  size_t const minute = slot_of(b - MINUTE_BUCKETS), half_hour = slot_of(b - HALF_HOUR_BUCKETS), oldest = slot_of(b);
  flow->vol_1m_e6 -= flow->vol_e6[minute];
  flow->trades_1m -= flow->trades[minute];
  flow->vol_30m_e6 -= flow->vol_e6[half_hour];
  flow->trades_6h -= flow->trades[oldest];
  flow->vol_e6[oldest] = 0;
  flow->trades[oldest] = 0;
}

void pmm_flow_advance(pmm_flow_t *flow, int64_t now_ns) {
  if (flow->first_ns == PMM_TIME_NONE) return;
  int64_t const target = bucket_of(now_ns);
  while (flow->bucket < target && flow->trades_6h != 0) open_bucket(flow); /* ends when nothing is left to forget */
  if (flow->bucket < target) flow->bucket = target;
}

/* y += (1 - 2^(-dt/half_life)) (v - y), as pmm_ewma_add does; the first trade sets it. */
static void ewma_trade(pmm_flow_t *flow, int64_t now_ns, double price) {
  if (flow->ewma_ns == PMM_TIME_NONE) {
    flow->ewma_price = price;
    flow->ewma_ns = now_ns;
    return;
  }
  if (now_ns <= flow->ewma_ns) return;
  double const dt_s = (double)(now_ns - flow->ewma_ns) / (double)PMM_NS_PER_S;
  flow->ewma_price += -pmm_expm1(-M_LN2 * dt_s / flow->half_life_s) * (price - flow->ewma_price);
  flow->ewma_ns = now_ns;
}

void pmm_flow_trade(pmm_flow_t *flow, int64_t now_ns, pmm_side_t taker, int32_t price_e4, int64_t qty_e6, uint8_t flags) {
  pmm_flow_start(flow, now_ns);
  pmm_flow_advance(flow, now_ns);
  flow->last[flow->cnt++ & (PMM_FLOW_TRADES - 1)] =
      (pmm_print_t){.at_ns = now_ns, .qty_e6 = qty_e6, .price_e4 = price_e4, .side = (uint8_t)taker, .flags = flags};
  size_t const slot = slot_of(flow->bucket); /* a time that went back counts as now */
  flow->vol_e6[slot] += qty_e6;
  flow->trades[slot]++;
  flow->vol_1m_e6 += qty_e6;
  flow->vol_30m_e6 += qty_e6;
  flow->trades_1m++;
  flow->trades_6h++;
  ewma_trade(flow, now_ns, (double)price_e4 / PMM_ONE_E4);
}

double pmm_flow_trade_rate(const pmm_flow_t *flow) { return (double)flow->trades_1m / MINUTE_S; }

double pmm_flow_volume_ratio(const pmm_flow_t *flow, int64_t now_ns) {
  if (flow->vol_30m_e6 <= 0) return 1;
  double const seen_min = (double)(now_ns - flow->first_ns) / (double)PMM_NS_PER_S / MINUTE_S;
  double const per_minute = (double)flow->vol_30m_e6 / pmm_clip(seen_min, 1, 30);
  return (double)flow->vol_1m_e6 / per_minute;
}

uint64_t pmm_flow_trades_6h(const pmm_flow_t *flow) { return flow->trades_6h; }

const pmm_print_t *pmm_flow_last(const pmm_flow_t *flow) {
  return flow->cnt ? &flow->last[(flow->cnt - 1) & (PMM_FLOW_TRADES - 1)] : NULL;
}
