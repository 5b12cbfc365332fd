/* venue/append.h -- texts put one behind another where an order's bytes wait for it: what snprintf does with "%s%s", in a tenth of the time. */
#ifndef PMM_VENUE_APPEND_H
#define PMM_VENUE_APPEND_H
#include <stdbool.h>
#include <string.h>

/* Behind the *at bytes of out, which then end with a zero. False: no room, nothing changed. */
static inline bool pmm__append(char *out, size_t cap, size_t *at, const char *text, size_t len) {
  if (len >= cap - *at) return false;
  memcpy(out + *at, text, len);
  *at += len;
  out[*at] = '\0';
  return true;
}
#endif
