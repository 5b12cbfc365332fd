/* pmm/decimal.h -- exact decimal text to scaled integers and back, never through double. */
#ifndef PMM_DECIMAL_H
#define PMM_DECIMAL_H
#include "pmm/types.h"

#define PMM_DECIMAL_BUF 32 /* enough for any int64 with sign, point and NUL */

/* pmm_decimal_parse reads  [+-] digits [. digits] [(e|E) [+-] digits]  filling the whole of text[0..len).
   scale    0 .. 18: *out is the value x 10^scale
   Exact: digits beyond scale must be zero. Any number of digits, as long as the result fits int64.
   Returns PMM_OK; PMM_PARSE (empty, stray character, NaN, inf), PMM_INVAL (more decimals than scale holds) or
   PMM_OVERFLOW; then *out is unchanged and *at (may be NULL) is the byte offset of the trouble (len when the text
   ends too soon or the zeros that scale adds do not fit). */
pmm_status_t pmm_decimal_parse(const char *text, size_t len, int scale, int64_t *out, size_t *at);

/* pmm_decimal_parse_floor is the same but cuts digits beyond scale toward minus infinity, for inputs
   (prices of an underlying with 14 decimals) finer than we keep. */
pmm_status_t pmm_decimal_parse_floor(const char *text, size_t len, int scale, int64_t *out, size_t *at);

/* pmm_decimal_print writes value / 10^scale with at least min_decimals decimals and no further trailing
   zeros; min_decimals 0 gives "10", "0.5"; 4 gives "0.5000". Returns the length, without the NUL.
   buf holds PMM_DECIMAL_BUF bytes; 0 <= min_decimals <= scale <= 18. */
size_t pmm_decimal_print(int64_t value, int scale, int min_decimals, char *buf);

/* pmm_decimal_from_double rounds a finite x * 10^scale to the nearest integer (half away from zero), for numbers that
   a JSON source gives as a double. PMM_INVAL if not finite, PMM_OVERFLOW if it does not fit. */
pmm_status_t pmm_decimal_from_double(double x, int scale, int64_t *out);

#endif
