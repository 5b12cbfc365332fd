/* What Kalshi's recordings have in common. */
#include "import.h"

/* KXBTC15M-26MAY130900-00: series, date, suffix. The event is all but the suffix. */
static void set_event(pmm_market_t *desc) {
  const char *const dash = strrchr(desc->id, '-');
  size_t const len = dash ? (size_t)(dash - desc->id) : strlen(desc->id);
  memcpy(desc->event, desc->id, len);
  desc->event[len] = '\0';
}

void pmm__kalshi_terms(pmm_market_t *desc) {
  desc->venue = PMM_VENUE_KALSHI;
  desc->fees = (pmm_fee_schedule_t){.model = PMM_FEE_KALSHI, .taker_rate_e6 = 70000, .precision_e6 = 100};
  set_event(desc);
}
