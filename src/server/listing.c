/* How markets and accounts come into a place and its dialect: from the configuration, or from an admin call. */
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include "pmm/hash.h"
#include "pmm/tape.h"
#include "server/exchange_impl.h"

#define FOREVER_NS (366 * 24 * 3600 * PMM_NS_PER_S) /* how long the truth of a market that stays open takes */

bool pmm__stall_find(const pmm__stall_t *s, const char *id, uint32_t *market) {
  for (uint32_t i = 0; i < s->listed_cnt; i++)
    if (strcmp(s->listed[i].id, id) == 0) {
      *market = s->listed[i].market;
      return true;
    }
  return pmm_place_market_find(s->place, id, market) == PMM_OK;
}

const char *pmm__stall_name(const pmm__stall_t *s, uint32_t market) {
  for (uint32_t i = 0; i < s->listed_cnt; i++)
    if (s->listed[i].market == market) return s->listed[i].id;
  return pmm_place_market(s->place, market)->id;
}

static int64_t trader_cnt(const pmm_traders_params_t *t) { return t->noise + t->informed + t->momentum + t->reference; }

uint32_t pmm__stall_background(const pmm_exchange_config_t *c) {
  int64_t const traders = c->traders ? trader_cnt(c->traders) : 0;
  return (uint32_t)pmm_min64(pmm_max64(traders, 2), 1000);
}

/* ---- recordings ---- */

static pmm_status_t tape_market(const pmm_tape_t *tape, const char *path, const char *name, uint32_t *market, pmm_error_t *err) {
  uint32_t const cnt = pmm_tape_market_cnt(tape);
  for (uint32_t i = 0; name && i < cnt; i++)
    if (strcmp(pmm_tape_market(tape, i)->id, name) == 0) {
      *market = i;
      return PMM_OK;
    }
  if (name) return pmm_error_set(err, PMM_NOT_FOUND, "%s: no market %s in it", path, name);
  if (cnt != 1) return pmm_error_set(err, PMM_INVAL, "%s: %u markets in it; name one: FILE:MARKET", path, cnt);
  *market = 0;
  return PMM_OK;
}

/* One market's records, in memory that grows by halves; its underlyings and other markets left out. */
static pmm_status_t read_md(pmm_tape_t *tape, uint32_t market, pmm_md_t **out, size_t *out_cnt, pmm_error_t *err) {
  pmm_tape_cursor_t *cursor;
  const pmm_md_t *md;
  size_t cnt, kept = 0, cap = 0;
  pmm_md_t *all = NULL;
  pmm_status_t st = pmm_tape_cursor_open(&cursor, tape, err);
  if (st != PMM_OK) return st;
  while ((st = pmm_tape_cursor_next(cursor, &md, &cnt, err)) == PMM_OK) {
    if (kept + cnt > cap) {
      cap = (kept + cnt) * 3 / 2;
      pmm_md_t *const more = realloc(all, cap * sizeof *more);
      if (!more) {
        st = pmm_error_set(err, PMM_FULL, "no memory for the recording");
        break;
      }
      all = more;
    }
    for (size_t i = 0; i < cnt; i++)
      if (md[i].market == market && !pmm_kind_is_underlying(md[i].kind)) all[kept++] = md[i];
  }
  pmm_tape_cursor_close(cursor);
  if (st == PMM_END && kept == 0) st = pmm_error_set(err, PMM_INVAL, "the recording has nothing of this market");
  if (st != PMM_END) {
    free(all);
    return st;
  }
  *out = all;
  *out_cnt = kept;
  return PMM_OK;
}

/* "FILE[:MARKET]"; a colon may be part of the file's name, too. */
static pmm_status_t load_tape(const char *spec, pmm_md_t **md, size_t *cnt, uint32_t *market, pmm_error_t *err) {
  char path[PMM_PARAM_TEXT_MAX];
  memcpy(path, spec, sizeof path);
  char *const colon = access(path, F_OK) == 0 ? NULL : strrchr(path, ':');
  if (colon) *colon = 0;
  pmm_tape_t *tape;
  pmm_status_t st = pmm_tape_open(&tape, path, err);
  if (st != PMM_OK) return st;
  st = tape_market(tape, path, colon ? colon + 1 : NULL, market, err);
  if (st == PMM_OK) st = read_md(tape, *market, md, cnt, err);
  pmm_tape_close(tape);
  return st;
}

/* ---- background flow ---- */

/* The same listing has the same truth in every dialect: what it settles at is one fact, and prices differ by who trades where. */
static pmm_status_t add_traders(pmm__stall_t *s, uint32_t market, const pmm_listing_params_t *l, uint32_t nth, int64_t now_ns, pmm_error_t *err) {
  const pmm_exchange_t *const x = s->exchange;
  if (trader_cnt(&x->traders) == 0) return PMM_OK;
  pmm_scenario_params_t scenario = x->scenario;
  scenario.duration_ns = l->duration_ns > 0 ? l->duration_ns : FOREVER_NS;
  if (scenario.kind == PMM_SCENARIO_WALK) scenario.p0 = l->p0;
  if (scenario.kind == PMM_SCENARIO_DIGITAL && l->strike > 0) scenario.strike = l->strike;
  pmm_scenario_params_t priced;
  if (!pmm__asset_scenario(&x->scenario, l, &priced)) return pmm_place_traders(s->place, market, &scenario, &x->traders, pmm_hash_mix(pmm_hash_mix(x->seed, 100), nth), now_ns, err);
  priced.duration_ns = scenario.duration_ns;
  return pmm_place_traders(s->place, market, &priced, &x->traders, pmm__asset_seed(x->seed, l->asset), now_ns, err);
}

/* ---- markets ---- */

static bool room_for_listing(pmm__stall_t *s) {
  if (s->listed_cnt < s->listed_cap) return true;
  uint32_t const cap = s->listed_cap ? 2 * s->listed_cap : 16;
  pmm__listed_t *const listed = realloc(s->listed, cap * sizeof *listed);
  if (!listed) return false;
  s->listed = listed;
  s->listed_cap = cap;
  return true;
}

static pmm_status_t enter(pmm__stall_t *s, const pmm_listing_params_t *l, int64_t now_ns, uint32_t *index, pmm_error_t *err) {
  pmm_market_t m;
  pmm_status_t st = s->dialect->market(l, now_ns, s->exchange->seed, &m, err);
  if (st == PMM_OK) st = pmm_place_market_add(s->place, &m, now_ns, index, err);
  return st == PMM_OK ? s->dialect->list(s->inner, *index, l, err) : st;
}

/* The recording is read first: a market whose file is not there is not listed. */
pmm_status_t pmm__stall_list(pmm__stall_t *s, const pmm_listing_params_t *l, uint32_t nth, int64_t now_ns, uint32_t *market, pmm_error_t *err) {
  uint32_t index = 0, md_market = 0;
  pmm_md_t *md = NULL;
  size_t md_cnt = 0;
  if (!room_for_listing(s)) return pmm_error_set(err, PMM_FULL, "no memory");
  if (pmm__stall_find(s, l->id, &index)) return pmm_error_set(err, PMM_EXISTS, "listing %s: is there already", l->id);
  pmm_status_t st = l->tape[0] ? load_tape(l->tape, &md, &md_cnt, &md_market, err) : PMM_OK;
  if (st == PMM_OK) st = enter(s, l, now_ns, &index, err);
  if (st != PMM_OK) {
    free(md);
    return st;
  }
  pmm__listed_t *const listed = &s->listed[s->listed_cnt++];
  *listed = (pmm__listed_t){.market = index, .md = md};
  memcpy(listed->id, l->id, sizeof listed->id);
  *market = index;
  return md ? pmm_place_flow(s->place, index, md_market, md, md_cnt, now_ns, err) : add_traders(s, index, l, nth, now_ns, err);
}

/* ---- accounts ---- */

pmm_status_t pmm__stall_member(pmm__stall_t *s, const pmm_member_params_t *member, pmm_error_t *err) {
  uint32_t account;
  pmm_status_t const st = pmm_place_account_add(s->place, member->name, member->cash_e6, &account, err);
  return st == PMM_OK ? s->dialect->member(s->inner, account, member, err) : st;
}
