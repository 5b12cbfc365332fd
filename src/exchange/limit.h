/* exchange/limit.h -- a venue's limit on requests as token buckets. A bucket fills at a steady rate up to its capacity; a request takes
   its cost or, where less is there, nothing, and is refused. Counted in integers: 1e-12 of a token, so that a rate in thousandths a
   second times nanoseconds is exact and no order of calls loses a part. */
#ifndef PMM_EXCHANGE_LIMIT_H
#define PMM_EXCHANGE_LIMIT_H
#include "pmm/exchange.h"

#define PMM__TOKENS_MAX 1e6 /* capacity, and tokens a second: 1e18 in the smallest unit */

typedef struct pmm__bucket { int64_t left_e12, capacity_e12, refill_e3, at_ns; } pmm__bucket_t;
void pmm__bucket_init(pmm__bucket_t *bucket, double capacity, double refill_per_s); /* full */
bool pmm__bucket_take(pmm__bucket_t *bucket, int64_t now_ns, int64_t cost_e12);

typedef struct pmm__limit {
  bool on;
  pmm__bucket_t bucket[2];
  int64_t cost_e12[PMM_ACT_AMEND + 1]; /* by pmm_action_kind_t */
  uint8_t from[PMM_ACT_AMEND + 1];     /* which bucket */
} pmm__limit_t;
/* PMM_INVAL: a figure of custom that is not positive (costs: negative) or above PMM__TOKENS_MAX, or a cost that the bucket never holds. */
pmm_status_t pmm__limit_init(pmm__limit_t *limit, const pmm_sim_params_t *params);
static inline bool pmm__limit_allows(pmm__limit_t *limit, int64_t now_ns, uint8_t kind) {
  return !limit->on || pmm__bucket_take(&limit->bucket[limit->from[kind]], now_ns, limit->cost_e12[kind]);
}
#endif
