/* server/polymarket/dialect.h -- states of the venue that no market and no account has: what an operator of the exchange, or a test, turns on.
   The service must be Polymarket's (pmm_polymarket_dialect.open). All take effect with the next request. */
#ifndef PMM_SERVER_POLYMARKET_DIALECT_H
#define PMM_SERVER_POLYMARKET_DIALECT_H
#include "pmm/event.h"
#include "pmm/service.h"

/* The engine restarts: trading routes answer 425 for restart_ns, then only post-only orders and cancels are taken for post_only_ns. */
void pmm_polymarket_restart(pmm_service_t *service, int64_t now_ns, int64_t restart_ns, int64_t post_only_ns);
/* PMM_PHASE_POST_ONLY (503 with post_only_mode), PMM_PHASE_CANCEL_ONLY (503), PMM_PHASE_NORMAL; until_ns PMM_NS_MAX: until told otherwise. */
void pmm_polymarket_phase(pmm_service_t *service, pmm_phase_t phase, int64_t until_ns);
/* Trading is disabled: neither orders nor cancels are taken. */
void pmm_polymarket_disable(pmm_service_t *service, bool disabled);
/* The generation of orders it takes and tells at /version, 1 or 2; others are refused with order_version_mismatch. */
void pmm_polymarket_version(pmm_service_t *service, int version);
#endif
