/* fuzz_feed_series.c -- slugs and tickers of any bytes: refused with a reason, or windows that have an end and, if a start, one before it. */
#include <stdlib.h>
#include <string.h>
#include "pmm/feed.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  char name[256];
  pmm_series_t s[PMM_SERIES_CANDIDATES];
  pmm_error_t err = {0};
  size_t cnt = 0;
  if (size >= sizeof name) return 0;
  memcpy(name, data, size);
  name[size] = '\0';
  pmm_status_t const st = pmm_series_parse(name, INT64_C(1795186800000000000), s, &cnt, &err);
  if (st != PMM_OK && !err.text[0]) abort();
  if (st != PMM_OK) return 0;
  if (cnt < 1 || cnt > PMM_SERIES_CANDIDATES) abort();
  for (size_t i = 0; i < cnt; i++)
    if (s[i].settles_on == PMM_SETTLES_UNKNOWN || !s[i].symbol[0] || (s[i].start_ns != PMM_TIME_NONE && s[i].start_ns >= s[i].end_ns) || s[i].strike_e8 < 0) abort();
  return 0;
}
