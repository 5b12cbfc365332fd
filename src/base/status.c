#include "pmm/status.h"
#include <stdarg.h>
#include <stdio.h>

const char *pmm_status_to_string(pmm_status_t status) {
  switch (status) {
#define X(name, value, text) \
  case PMM_##name:           \
    return text;
    PMM_STATUS_MAP(X)
#undef X
  }
  return "unknown status";
}

pmm_status_t pmm_error_set(pmm_error_t *err, pmm_status_t status, const char *fmt, ...) {
  if (err == NULL) return status;
  err->status = status;
  va_list args;
  va_start(args, fmt);
  int const n = vsnprintf(err->text, sizeof err->text, fmt, args);
  va_end(args);
  if (n < 0) err->text[0] = '\0';
  return status;
}
