/* Refusals, in the venue's three shapes. Which code means which shape: Kalshi API docs, "Errors", and demo traffic of 2026-06. */
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include "server/kalshi/impl.h"

/* The message is the code in words, but for the one whose message is the code itself. */
static void words(const char *code, char *out, size_t cap) {
  snprintf(out, cap, "%s", code);
  if (strcmp(code, "authentication_error") == 0) return;
  for (char *c = out; *c; c++)
    if (*c == '_') *c = ' ';
}

void pmm__kx_error_members(pmm_text_t *t, const char *code, const char *details) {
  char message[96];
  words(code, message, sizeof message);
  pmm_text_string(t, "code", code);
  pmm_text_string(t, "message", message);
  if (details) pmm_text_string(t, "details", details);
}

int pmm__kx_error(pmm__kx_t *k, int http, const char *code, const char *details) {
  pmm_text_t *const t = &k->out;
  pmm_text_clear(t);
  pmm_text_object(t, NULL);
  pmm_text_object(t, "error");
  pmm__kx_error_members(t, code, details);
  pmm_text_end(t);
  pmm_text_end(t);
  return http;
}

int pmm__kx_flat(pmm__kx_t *k, int http, const char *code, const char *details) {
  pmm_text_t *const t = &k->out;
  pmm_text_clear(t);
  pmm_text_object(t, NULL);
  pmm__kx_error_members(t, code, details);
  pmm_text_end(t);
  return http;
}

int pmm__kx_bare(pmm__kx_t *k, const char *fmt, ...) {
  char msg[512];
  va_list args;
  va_start(args, fmt);
  vsnprintf(msg, sizeof msg, fmt, args);
  va_end(args);
  pmm_text_t *const t = &k->out;
  pmm_text_clear(t);
  pmm_text_object(t, NULL);
  pmm_text_string(t, "msg", msg);
  pmm_text_end(t);
  return 400;
}

int pmm__kx_not_found(pmm__kx_t *k) { return pmm__kx_error(k, 404, "not_found", NULL); }

/* What the matching engine says, as the venue says it. The spelling and the status of market_inactive are not documented: 409 is how it
   refuses what the state of an order or a market forbids. */
pmm__kx_refusal_t pmm__kx_refusal(pmm_reject_t why) {
  switch (why) {
  case PMM_REJECT_POST_ONLY: return (pmm__kx_refusal_t){400, "invalid_order", "post only cross"};
  case PMM_REJECT_FUNDS: return (pmm__kx_refusal_t){400, "insufficient_balance", NULL};
  case PMM_REJECT_SHARES: return (pmm__kx_refusal_t){400, "invalid_order", "reduce only order would not reduce a position"};
  case PMM_REJECT_PRICE:
  case PMM_REJECT_TICK: return (pmm__kx_refusal_t){400, "invalid_price", NULL};
  case PMM_REJECT_SIZE: return (pmm__kx_refusal_t){400, "invalid_order_size", NULL};
  case PMM_REJECT_CLOSED:
  case PMM_REJECT_SETTLED:
  case PMM_REJECT_PHASE: return (pmm__kx_refusal_t){409, "market_inactive", NULL};
  case PMM_REJECT_DUPLICATE: return (pmm__kx_refusal_t){409, "order_already_exists", NULL};
  case PMM_REJECT_FOK: return (pmm__kx_refusal_t){409, "fill_or_kill_insufficient_resting_volume", NULL};
  case PMM_REJECT_RATE: return (pmm__kx_refusal_t){429, "too_many_requests", NULL};
  case PMM_REJECT_EXPIRY: return (pmm__kx_refusal_t){400, "invalid_order", "expiration time must be in the future"};
  case PMM_REJECT_UNKNOWN_ORDER: return (pmm__kx_refusal_t){404, "not_found", NULL};
  case PMM_REJECT_FULL: return (pmm__kx_refusal_t){503, "service_unavailable", NULL};
  default: return (pmm__kx_refusal_t){400, "invalid_order", NULL};
  }
}
