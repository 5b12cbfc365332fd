/* script.h -- scenario events that a user writes into a recorded stream: halts, phases, outages, late resolutions. One line an event,

     TIME MARKET-GLOB EVENT [ARGUMENT]

   with TIME absolute (2026-06-11T05:39:31Z) or +offset from the stream's first record; the table of events is in docs/backtest.md. A
   script makes records of its own, before the recorded ones of the same moment, and withholds recorded ones: those of a market
   during an outage, and those that a scripted halt or a later resolution contradicts. Nothing here knows tapes. */
#ifndef PMM_BACKTEST_SCRIPT_H
#define PMM_BACKTEST_SCRIPT_H
#include "pmm/config.h"

typedef struct pmm__script pmm__script_t;
/* Borrows market for its life. *script is NULL when there is not one event. Errors "FILE:LINE: reason" ("script.events:NUMBER: " for
   those in the configuration): PMM_IO, PMM_PARSE, PMM_INVAL, PMM_NOT_FOUND (no market matches), PMM_FULL. */
pmm_status_t pmm__script_open(pmm__script_t **script, const pmm_script_params_t *params, const pmm_market_t *market, uint32_t market_cnt,
                              int64_t start_ns, pmm_error_t *err);
void pmm__script_close(pmm__script_t *script);
int64_t pmm__script_due(const pmm__script_t *script);   /* of its next event; PMM_NS_MAX: none */
bool pmm__script_owes(const pmm__script_t *script);     /* a resolution put off, which comes even after the recording has ended */
/* Takes the next event: its records, possibly none, valid until the next call. PMM_FULL: memory. */
pmm_status_t pmm__script_take(pmm__script_t *script, const pmm_md_t **md, size_t *cnt);
/* A recorded record passes by, market indices being the stream's; *passes false: it is withheld. May make a new event due at once.
   PMM_FULL: memory. */
pmm_status_t pmm__script_see(pmm__script_t *script, const pmm_md_t *md, bool *passes);
#endif
