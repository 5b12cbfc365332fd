/* stands.c -- stand-in price feeds beside the venues: one world of prices for all of them. An asset on which a market is listed follows that market's
   truth, so that a maker who prices from the feed prices what the synthetic traders know. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "pmm/hash.h"
#include "server/exchange_impl.h"

#define PATH_NS (6 * 3600 * PMM_NS_PER_S) /* of a script; behind it prices stand still */
#define HALF_SPREAD 0.00005               /* of the price, each side */

uint64_t pmm__asset_seed(uint64_t seed, const char *asset) { return pmm_hash_mix(seed, pmm_hash64(asset, strlen(asset), 0x6173736574)); /* "asset" */ }

/* On the user's own digital scenario, or at the money. */
bool pmm__asset_scenario(const pmm_scenario_params_t *scenario, const pmm_listing_params_t *l, pmm_scenario_params_t *out) {
  if (!l->asset[0] || l->strike <= 0) return false;
  *out = *scenario;
  out->kind = PMM_SCENARIO_DIGITAL;
  out->strike = l->strike;
  if (scenario->kind != PMM_SCENARIO_DIGITAL) out->spot = l->strike;
  return true;
}

static bool listed_before(const pmm_exchange_config_t *c, uint32_t i) {
  for (uint32_t k = 0; k < i; k++)
    if (strcmp(c->listing[k].asset, c->listing[i].asset) == 0 && c->listing[k].strike > 0) return true;
  return false;
}

/* "t,symbol,bid,ask" for every step of an asset's path. */
static pmm_status_t write_path(FILE *out, const pmm_exchange_config_t *c, const pmm_listing_params_t *l) {
  pmm_scenario_params_t params;
  pmm_scenario_t truth;
  if (!pmm__asset_scenario(c->scenario, l, &params)) return PMM_OK;
  params.duration_ns = PATH_NS;
  pmm_status_t const st = pmm_scenario_init(&truth, &params, c->start_ns, pmm_hash_mix(pmm__asset_seed(c->seed, l->asset), 1));
  if (st != PMM_OK) return st;
  do
    fprintf(out, "%.3f,%s,%.8f,%.8f\n", (double)(truth.at_ns - c->start_ns) / 1e9, l->asset, truth.spot * (1 - HALF_SPREAD), truth.spot * (1 + HALF_SPREAD));
  while (pmm_scenario_step(&truth));
  return PMM_OK;
}

static char *make_script(const pmm_exchange_config_t *c) {
  char *text = NULL;
  size_t len;
  FILE *const out = open_memstream(&text, &len);
  pmm_status_t st = out ? PMM_OK : PMM_FULL;
  for (uint32_t i = 0; st == PMM_OK && c->scenario && i < c->listing_cnt; i++)
    if (!listed_before(c, i)) st = write_path(out, c, &c->listing[i]);
  if (out && fclose(out) == 0 && st == PMM_OK) return text;
  free(text);
  return NULL;
}

pmm_status_t pmm__stands_open(pmm_feed_stand_t **stand, const pmm_exchange_config_t *c, pmm_error_t *err) {
  char *const script = make_script(c);
  if (!script) return pmm_error_set(err, PMM_FULL, "no memory");
  int64_t const start = c->start_ns - c->start_ns % PMM_NS_PER_S;
  pmm_feed_stand_params_t const params = {.seed = c->seed, .start_ns = start, .script = *script ? script : NULL};
  pmm_status_t const st = pmm_feed_stand_open(stand, &params, err);
  free(script);
  return st;
}
