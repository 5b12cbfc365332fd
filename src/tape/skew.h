/* tape/skew.h -- receive time minus venue time, message by message, into the figures of pmm_tape_skew_t. */
#ifndef PMM_TAPE_SKEW_H
#define PMM_TAPE_SKEW_H
#include "pmm/tape.h"
#include "quantile.h"

#define PMM__SKEW_WINDOWS 32 /* parts of the tape whose floors give the drift */
#define PMM__SKEW_WINDOW_MIN 20 /* messages; a part with fewer says nothing */

typedef struct pmm__skew {
  pmm__quantile_t all, window;
  int64_t first_ns, window_ns; /* of the tape; window_ns 0: no drift wanted */
  int64_t window_at;           /* number of the part under way */
  int floor_cnt;
  double floor_h[PMM__SKEW_WINDOWS], floor_ms[PMM__SKEW_WINDOWS];
} pmm__skew_t; /* zeroed, then first_ns and window_ns */

/* Does this record end a message of the venue's that bears both times? */
static inline bool pmm__skew_counts(const pmm_md_t *md) {
  return (md->flags & (PMM_F_LAST | PMM_F_KEYFRAME)) == PMM_F_LAST && md->exch_ns != PMM_TIME_NONE;
}
pmm_status_t pmm__skew_add(pmm__skew_t *skew, int64_t recv_ns, int64_t exch_ns); /* PMM_FULL: out of memory */
void pmm__skew_result(pmm__skew_t *skew, pmm_tape_skew_t *out);                  /* once, at the end */
void pmm__skew_fini(pmm__skew_t *skew);
#endif
