/* Prints of the series that settles: boundary capture, running averages and what remains to be averaged; see pmm/feed.h. */
#include <string.h>
#include "pmm/feed.h"

void pmm_settle_init(pmm_settle_series_t *s) {
  memset(s, 0, sizeof *s);
  s->newest_s = INT64_MIN;
  for (size_t i = 0; i < PMM_SETTLE_SECONDS; i++) s->print[i].at_ns = PMM_TIME_NONE;
}

/* The second a stamp belongs to: its own, or, between two, the one behind it: a print counts for a boundary at or before it. */
static int64_t second_of(int64_t at_ns) { return (at_ns + PMM_NS_PER_S - 1) / PMM_NS_PER_S; }

static pmm_settle_print_t *slot_of(pmm_settle_series_t *s, int64_t second) { return &s->print[second % PMM_SETTLE_SECONDS]; }

static const pmm_settle_print_t *print_at(const pmm_settle_series_t *s, int64_t second) {
  if (second < 0) return NULL;
  const pmm_settle_print_t *const p = &s->print[second % PMM_SETTLE_SECONDS];
  return p->at_ns != PMM_TIME_NONE && second_of(p->at_ns) == second ? p : NULL;
}

/* Within a second that has a print already: on the second beats between seconds; else the first one stays. */
static pmm_status_t add_again(pmm_settle_series_t *s, pmm_settle_print_t *p, int64_t at_ns, int64_t value_e8, bool *replace) {
  bool const exact = at_ns % PMM_NS_PER_S == 0;
  *replace = exact && (p->flags & PMM_SETTLE_INEXACT);
  if (*replace) return PMM_OK;
  if (p->at_ns != at_ns || p->value_e8 == value_e8) return PMM_EXISTS;
  p->flags |= PMM_SETTLE_CONFLICT;
  s->conflicts++;
  return PMM_CORRUPT;
}

pmm_status_t pmm_settle_add(pmm_settle_series_t *s, int64_t at_ns, int64_t value_e8, int64_t wall_ns) {
  if (at_ns < 0 || at_ns > PMM_NS_MAX - PMM_NS_PER_S || value_e8 <= 0) return PMM_INVAL;
  int64_t const second = second_of(at_ns);
  if (s->newest_s != INT64_MIN && second <= s->newest_s - PMM_SETTLE_SECONDS) return PMM_INVAL;
  pmm_settle_print_t *const p = slot_of(s, second);
  if (print_at(s, second)) {
    bool replace;
    pmm_status_t const st = add_again(s, p, at_ns, value_e8, &replace);
    if (!replace) return st;
  }
  *p = (pmm_settle_print_t){.at_ns = at_ns, .value_e8 = value_e8, .recv_ns = wall_ns};
  if (at_ns % PMM_NS_PER_S) p->flags |= PMM_SETTLE_INEXACT;
  if (wall_ns - at_ns > PMM_SETTLE_LATE_NS) {
    p->flags |= PMM_SETTLE_LATE;
    s->late++;
  }
  if (second > s->newest_s) s->newest_s = second;
  return PMM_OK;
}

/* The rule for a boundary without a print is not published: the first one behind it stands in, and says so. */
static const pmm_settle_print_t *first_behind(const pmm_settle_series_t *s, int64_t second) {
  for (int64_t k = 1; k <= PMM_SETTLE_LATE_NS / PMM_NS_PER_S; k++) {
    const pmm_settle_print_t *const p = print_at(s, second + k);
    if (p) return p;
  }
  return NULL;
}

pmm_status_t pmm_settle_at(pmm_settle_series_t *s, int64_t boundary_ns, int64_t wall_ns, pmm_settle_print_t *out) {
  if (boundary_ns < 0 || boundary_ns % PMM_NS_PER_S) return PMM_INVAL;
  int64_t const second = boundary_ns / PMM_NS_PER_S;
  const pmm_settle_print_t *p = print_at(s, second);
  if (p && !(p->flags & PMM_SETTLE_INEXACT)) {
    *out = *p;
    return PMM_OK;
  }
  if (wall_ns - boundary_ns < PMM_SETTLE_LATE_NS) return PMM_NOT_READY;
  if ((p = first_behind(s, second))) {
    *out = *p;
    out->flags |= PMM_SETTLE_PROVISIONAL;
    return PMM_OK;
  }
  if (wall_ns - boundary_ns < PMM_SETTLE_GRACE_NS) return PMM_NOT_READY;
  s->missing++;
  return PMM_NOT_FOUND;
}

pmm_status_t pmm_settle_verify(pmm_settle_series_t *s, int64_t boundary_ns, int64_t published_e8) {
  const pmm_settle_print_t *const p = boundary_ns >= 0 && boundary_ns % PMM_NS_PER_S == 0 ? print_at(s, boundary_ns / PMM_NS_PER_S) : NULL;
  if (!p || (p->flags & PMM_SETTLE_INEXACT)) return PMM_NOT_FOUND;
  s->checked++;
  if (pmm_abs64(p->value_e8 - published_e8) <= 1) return PMM_OK; /* published values are shortened on the way */
  s->mismatches++;
  return PMM_CORRUPT;
}

pmm_status_t pmm_settle_mean(const pmm_settle_series_t *s, int64_t end_ns, int64_t lag_ns, uint32_t n, uint32_t *cnt, int64_t *mean_e8) {
  if (n == 0 || n > 3600 || (end_ns - lag_ns) % PMM_NS_PER_S) return PMM_INVAL;
  int64_t const last = (end_ns - lag_ns) / PMM_NS_PER_S;
  pmm_i128_t sum = 0;
  uint32_t k = 0;
  for (int64_t t = last - n + 1; t <= last; t++) {
    const pmm_settle_print_t *const p = print_at(s, t);
    if (!p || (p->flags & PMM_SETTLE_INEXACT)) continue;
    sum += p->value_e8;
    k++;
  }
  if (k == 0) return PMM_NOT_READY;
  *cnt = k;
  *mean_e8 = (int64_t)(sum / k);
  return PMM_OK;
}

pmm_status_t pmm_settle_needed(uint32_t n, uint32_t k, int64_t mean_e8, int64_t strike_e8, int64_t *needed_e8) {
  if (n == 0 || k > n) return PMM_INVAL;
  if (k == n) return PMM_STATE;
  pmm_i128_t const sum = (pmm_i128_t)n * strike_e8 - (pmm_i128_t)k * mean_e8, rest = n - k;
  pmm_i128_t q = sum / rest;
  if (sum % rest > 0) q++;
  if (q > INT64_MAX || q < INT64_MIN) return PMM_OVERFLOW;
  *needed_e8 = (int64_t)q;
  return PMM_OK;
}

int64_t pmm_settle_round(int64_t value_e8, int decimals) {
  int64_t unit = 1;
  for (int i = decimals; i < 8; i++) unit *= 10;
  int64_t const down = value_e8 - ((value_e8 % unit) + unit) % unit;
  return value_e8 - down >= (unit + 1) / 2 && unit > 1 ? down + unit : down;
}

pmm_md_t pmm_feed_md(uint32_t underlying, pmm_under_kind_t kind, int64_t value_e8, int64_t source_ns, int64_t recv_ns) {
  return (pmm_md_t){.recv_ns = recv_ns, .exch_ns = source_ns, .qty_e6 = value_e8, .market = underlying, .kind = PMM_MD_UNDERLYING, .aux = (uint8_t)kind, .flags = PMM_F_LAST};
}

pmm_md_t pmm_feed_md_mean(uint32_t underlying, int64_t mean_e8, int64_t source_ns, int64_t recv_ns) {
  return (pmm_md_t){.recv_ns = recv_ns, .exch_ns = source_ns, .qty_e6 = mean_e8, .market = underlying, .kind = PMM_MD_SETTLE_MEAN, .flags = PMM_F_LAST};
}
