#include <stdarg.h>
#include <stdio.h>
#include "pmm/net.h"

void pmm_notice(const pmm_notice_sink_t *sink, int64_t at_ns, pmm_severity_t severity, const char *source, const char *code, uint32_t market,
                const char *fmt, ...) {
  if (!sink || !sink->fn) return;
  pmm_notice_t notice = {.at_ns = at_ns, .severity = (uint8_t)severity, .market = market};
  snprintf(notice.source, sizeof notice.source, "%s", source);
  snprintf(notice.code, sizeof notice.code, "%s", code);
  va_list args;
  va_start(args, fmt);
  vsnprintf(notice.text, sizeof notice.text, fmt, args);
  va_end(args);
  sink->fn(sink->ctx, &notice);
}
