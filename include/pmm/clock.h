/* pmm/clock.h -- time as text. Nothing here reads a clock: only the application does. */
#ifndef PMM_CLOCK_H
#define PMM_CLOCK_H
#include "pmm/types.h"

#define PMM_TIME_BUF 40

/* pmm_time_parse reads RFC 3339 ("2026-06-11T05:39:31.28563Z", 0 to 9 fraction digits, Z or +hh:mm) into
   Unix nanoseconds. A blank or small t may stand for T; leap seconds (:60) are refused.
   PMM_PARSE with *at (may be NULL) the byte offset, or PMM_OVERFLOW (outside 1678..2262). */
pmm_status_t pmm_time_parse(const char *text, size_t len, int64_t *out_ns, size_t *at);

/* pmm_time_print writes "2026-06-11T05:39:31.285630Z" with `digits` (0..9) fraction digits, rounded down.
   Returns the length. PMM_TIME_NONE prints "-". */
size_t pmm_time_print(int64_t ns, int digits, char *buf);

/* pmm_duration_parse reads "250ms", "1.5s", "10m", "2h", "3d", "100us", "5ns"; a bare number is seconds. Exact; the
   number may have a sign. PMM_PARSE (number or unit), PMM_INVAL (finer than 1 ns, or than 1e-9 of its unit) or
   PMM_OVERFLOW, with *at (may be NULL) the byte offset. */
pmm_status_t pmm_duration_parse(const char *text, size_t len, int64_t *out_ns, size_t *at);
#endif
