#include "pmm/net.h"

/* D. Mills, "Internet Time Synchronization: the Network Time Protocol", IEEE Trans. Commun. 39(10), 1991: the venue's stamp lies at the
   middle of the round trip, and the shortest of the last few bounds the error best. */
void pmm_offset_add(pmm_offset_t *offset, int64_t sent_wall_ns, int64_t recv_wall_ns, int64_t venue_wall_ns) {
  int64_t const rtt_ns = recv_wall_ns - sent_wall_ns;
  if (rtt_ns < 0) return; /* our own clock was set in between */
  uint32_t const i = offset->cnt++ % PMM_OFFSET_SAMPLES;
  if (offset->cnt == 2 * PMM_OFFSET_SAMPLES) offset->cnt = PMM_OFFSET_SAMPLES; /* still full, still in step */
  offset->offset_ns[i] = venue_wall_ns - (sent_wall_ns + rtt_ns / 2);
  offset->rtt_ns[i] = rtt_ns;
  uint32_t const cnt = offset->cnt < PMM_OFFSET_SAMPLES ? offset->cnt : PMM_OFFSET_SAMPLES;
  offset->best = 0;
  for (uint32_t k = 1; k < cnt; k++)
    if (offset->rtt_ns[k] < offset->rtt_ns[offset->best]) offset->best = k;
}

int64_t pmm_offset_ns(const pmm_offset_t *offset, int64_t *error_ns) {
  bool const any = offset->cnt > 0;
  if (error_ns) *error_ns = any ? offset->rtt_ns[offset->best] / 2 : PMM_NS_MAX;
  return any ? offset->offset_ns[offset->best] : 0;
}
