#include "pmm/venue.h"

const pmm_venue_ops_t *pmm_venue_ops(pmm_venue_t venue) {
  switch (venue) {
  case PMM_VENUE_KALSHI: return &pmm_kalshi_ops;
  case PMM_VENUE_POLYMARKET: return &pmm_polymarket_ops;
  case PMM_VENUE_DEGEN: return &pmm_degen_ops;
  case PMM_VENUE_SIM: break;
  }
  return NULL;
}
