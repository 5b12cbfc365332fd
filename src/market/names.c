#include <string.h>
#include "pmm/event.h"
#include "pmm/market.h"

static const char *const reject_text[] = {
#define X(name, text) text,
    PMM_REJECT_MAP(X)};
static const char *const life_text[] = {PMM_LIFE_MAP(X)};
static const char *const outcome_text[] = {PMM_OUTCOME_MAP(X)};
static const char *const venue_text[] = {PMM_VENUE_MAP(X)
#undef X
};

#define COUNT_OF(a) (sizeof(a) / sizeof((a)[0]))

static const char *name_at(const char *const *names, size_t cnt, size_t i) { return i < cnt ? names[i] : "unknown"; }

const char *pmm_reject_to_string(pmm_reject_t reason) {
  return name_at(reject_text, COUNT_OF(reject_text), (size_t)reason);
}
const char *pmm_life_to_string(pmm_life_t life) { return name_at(life_text, COUNT_OF(life_text), (size_t)life); }
const char *pmm_outcome_to_string(pmm_outcome_t outcome) {
  return name_at(outcome_text, COUNT_OF(outcome_text), (size_t)outcome);
}
const char *pmm_venue_to_string(pmm_venue_t venue) { return name_at(venue_text, COUNT_OF(venue_text), (size_t)venue); }

static pmm_status_t find_name(const char *const *names, size_t cnt, const char *text, size_t *out) {
  for (size_t i = 0; i < cnt; i++)
    if (strcmp(names[i], text) == 0) {
      *out = i;
      return PMM_OK;
    }
  return PMM_NOT_FOUND;
}

pmm_status_t pmm_outcome_from_string(const char *text, pmm_outcome_t *out) {
  size_t i;
  pmm_status_t const st = find_name(outcome_text, COUNT_OF(outcome_text), text, &i);
  if (st == PMM_OK) *out = (pmm_outcome_t)i;
  return st;
}

pmm_status_t pmm_venue_from_string(const char *text, pmm_venue_t *out) {
  size_t i;
  pmm_status_t const st = find_name(venue_text, COUNT_OF(venue_text), text, &i);
  if (st == PMM_OK) *out = (pmm_venue_t)i;
  return st;
}
