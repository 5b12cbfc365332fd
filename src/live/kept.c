/* kept.c -- what goes over to the next run of the account. The day's result is an amount, reckoned with values of what was held; the next run takes its
   holdings in at those same values, whatever they cost and whatever came in or went out meanwhile. So the loss of the day is that of one run that was never
   interrupted: a fall while nobody ran counts as well, and none counts twice. */
#include <stdlib.h>
#include <string.h>
#include "live_impl.h"

pmm_status_t pmm__kept_open(pmm_live_t *l, pmm_error_t *err) {
  const pmm_live_kept_t *const before = l->cfg.before;
  l->value = calloc(l->setup.slot_cnt + (before ? before->value_cnt : 0) + 1, sizeof *l->value);
  if (!l->value) return pmm_error_set(err, PMM_FULL, "out of memory");
  if (before && !l->paper) pmm_risk_resume(pmm_engine_risk(l->setup.engine), pmm_net_now(l->net), &before->day);
  return PMM_OK;
}

int32_t pmm__kept_value_e4(const pmm__live_venue_t *v, uint32_t market) {
  const pmm_live_t *const l = v->live;
  const pmm_live_kept_t *const before = l->cfg.before;
  const char *const id = v->market[market - v->first_market].id;
  if (!before || before->day.day < pmm_net_now(l->net) / PMM_NS_PER_DAY - 1) return 0; /* too long ago to say anything about a day */
  for (size_t i = 0; i < before->value_cnt; i++)
    if (before->value[i].venue == v->index && strcmp(before->value[i].market, id) == 0) return before->value[i].yes_e4;
  return 0;
}

/* -- for the next run -- */
static size_t values_before(const pmm_live_t *l, uint32_t venue, pmm_live_value_t *out) {
  const pmm_live_kept_t *const before = l->cfg.before;
  size_t n = 0;
  for (size_t i = 0; before && i < before->value_cnt; i++)
    if (before->value[i].venue == venue) out[n++] = before->value[i];
  return n;
}

static bool holds(const pmm_live_t *l, uint32_t slot) {
  pmm_position_t p;
  pmm_ledger_position(pmm_engine_ledger(l->setup.engine), slot, &p);
  return (p.yes_e6 | p.no_e6) != 0;
}

static size_t values_now(const pmm_live_t *l, pmm_live_value_t *out) {
  size_t n = 0;
  uint32_t last = UINT32_MAX; /* slots of a market follow each other */
  for (uint32_t i = 0; i < l->setup.slot_cnt; i++) {
    uint32_t const market = l->setup.slot[i].market;
    const pmm__live_venue_t *const v = &l->venue[l->wallet[market]];
    if (!v->taken_over || market == last || !holds(l, i)) continue;
    out[n++] = (pmm_live_value_t){.venue = v->index, .market = v->market[market - v->first_market].id, .yes_e4 = pmm_engine_value_e4(l->setup.engine, market)};
    last = market;
  }
  return n;
}

void pmm_live_kept(pmm_live_t *l, pmm_live_kept_t *out) {
  const pmm_live_kept_t *const before = l->cfg.before;
  *out = before ? *before : (pmm_live_kept_t){0};
  for (uint32_t i = 0; i < PMM_VENUES_MAX; i++) out->fills_until_ns[i] = i < l->venue_cnt ? l->venue[i].fills_until_ns : PMM_TIME_NONE;
  if (!l->has_setup || l->cfg.mode != PMM_LIVE_TRADE) return;
  size_t n = values_now(l, l->value);
  for (uint32_t i = 0; i < l->venue_cnt; i++)
    if (!l->venue[i].taken_over) n += values_before(l, i, l->value + n);
  out->killed = pmm_engine_risk(l->setup.engine)->killed;
  out->value = l->value;
  out->value_cnt = n;
  pmm_risk_day(pmm_engine_risk(l->setup.engine), pmm_engine_equity(l->setup.engine), &out->day);
}
