/* exchange/traders_impl.h -- where synthetic traders send their orders, when it is not straight to the engine. */
#ifndef PMM_EXCHANGE_TRADERS_IMPL_H
#define PMM_EXCHANGE_TRADERS_IMPL_H
#include "pmm/exchange.h"

typedef void (*pmm__submit_t)(void *ctx, uint32_t account, int64_t now_ns, const pmm_action_t *action);
void pmm__traders_route(pmm_traders_t *traders, pmm__submit_t submit, void *ctx);
#endif
