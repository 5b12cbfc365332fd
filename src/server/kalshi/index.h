/* server/kalshi/index.h -- the reference prices behind crypto markets, as channel cfbenchmarks_value tells them. The dialect tells those that
   synthetic digital markets with an `asset` follow by itself; who makes other prices (a script, a stand-in feed) hands each in here. */
#ifndef PMM_SERVER_KALSHI_INDEX_H
#define PMM_SERVER_KALSHI_INDEX_H
#include "pmm/service.h"

/* A value of an index ("BRTI") of service, a Kalshi dialect, at at_ns: goes to cfbenchmarks_value_5hz at once, and to cfbenchmarks_value
   with its averages when it is the first of its second. PMM_INVAL (name, value not positive), PMM_FULL (too many indices). */
pmm_status_t pmm_kalshi_dialect_index(pmm_service_t *service, const char *index_id, int64_t value_e8, int64_t at_ns);
#endif
