/* src/exec/exec.c -- construction, parameters and questions. */
#include <assert.h>
#include "exec/internal.h"
#include "pmm/hash.h"

#define AT(field) offsetof(pmm_exec_params_t, field)
#define ISSUED_MIN 4096

const pmm_param_t pmm_exec_param_table[] = {
  {"route", PMM_PARAM_ENUM, AT(route), "auto", 0, 0, "", "auto|sell_first|opposite_only",
   "how an order is worded: sell what is held first (auto, sell_first), or always buy the opposite outcome"},
  {"on_cross", PMM_PARAM_ENUM, AT(on_cross), "inside", 0, 0, "", "inside|skip",
   "a quote that would take: place it one tick inside the book, or not at all"},
  {"max_exit_slippage", PMM_PARAM_F64, AT(max_exit_slippage), "0.05", 0, 1, "dollars", NULL,
   "an exit takes prices at most this far from fair value"},
  {"amend", PMM_PARAM_BOOL, AT(amend), "false", 0, 0, "", NULL, "the venue shrinks an order in place, keeping its queue place"},
  {"post_only", PMM_PARAM_BOOL, AT(post_only), "true", 0, 0, "", NULL, "quotes ask the venue to refuse them rather than let them take"},
  {"pending_timeout", PMM_PARAM_DURATION, AT(pending_timeout_ns), "10s", 0, 3600, "s", NULL,
   "a request unanswered this long makes the order's fate unknown, to be reconciled; 0: never"},
};
const size_t pmm_exec_param_cnt = sizeof pmm_exec_param_table / sizeof pmm_exec_param_table[0];

/* -- construction -- */
static uint32_t pow2_above(uint32_t n) {
  uint32_t p = 2;
  while (p < n) p *= 2;
  return p;
}

static pmm_status_t take_arrays(pmm_exec_t *e, pmm_arena_t *arena) {
  uint32_t const table_cnt = pow2_above(2 * e->order_cnt + 1);
  uint32_t const issued_cnt = pow2_above((uint32_t)pmm_max64(ISSUED_MIN, 4 * (int64_t)e->order_cnt));
  e->slot = PMM_ARENA_NEW(arena, pmm__exec_slot_t, e->slot_cnt);
  e->order = PMM_ARENA_NEW(arena, pmm_order_t, e->order_cnt);
  e->table = PMM_ARENA_NEW(arena, uint32_t, table_cnt);
  e->issued = PMM_ARENA_NEW(arena, pmm__issued_t, issued_cnt);
  e->trade = PMM_ARENA_NEW(arena, pmm__trade_t, PMM__TRADES_KEPT);
  e->trade_table = PMM_ARENA_NEW(arena, uint16_t, 2 * PMM__TRADES_KEPT);
  if (!e->slot || !e->order || !e->table || !e->issued || !e->trade || !e->trade_table) return PMM_FULL;
  e->table_mask = table_cnt - 1;
  e->issued_mask = issued_cnt - 1;
  for (uint32_t i = 0; i < table_cnt; i++) e->table[i] = PMM__NONE;
  for (uint32_t i = 0; i < e->order_cnt; i++) e->order[i].next = i + 1 < e->order_cnt ? i + 1 : PMM__NONE;
  for (uint32_t i = 0; i < e->slot_cnt; i++)
    for (int side = 0; side < 2; side++) e->slot[i].head[side] = e->slot[i].tail[side] = PMM__NONE;
  return PMM_OK;
}

pmm_status_t pmm_exec_init(pmm_exec_t **exec, pmm_arena_t *arena, const pmm_exec_config_t *config, pmm_ledger_t *ledger, pmm_risk_t *risk) {
  if (config->slot_cnt == 0 || config->slot_cnt > UINT16_MAX + 1 || config->orders_max == 0 || config->orders_max > UINT32_MAX / 8) return PMM_INVAL;
  if (config->id_base & UINT32_MAX) return PMM_INVAL;
  pmm_exec_t *const e = PMM_ARENA_NEW(arena, pmm_exec_t, 1);
  if (!e) return PMM_FULL;
  *e = (pmm_exec_t){.params = config->params, .ledger = ledger, .risk = risk, .slot_cnt = config->slot_cnt, .order_cnt = config->orders_max,
    .id_base = config->id_base, .id_last = config->id_base, .deadline_ns = PMM_NS_MAX};
  if (take_arrays(e, arena) != PMM_OK) return PMM_FULL;
  *exec = e;
  return PMM_OK;
}

pmm_status_t pmm_exec_slot(pmm_exec_t *exec, uint32_t slot, uint32_t market) {
  if (slot >= exec->slot_cnt) return PMM_INVAL;
  if (exec->slot[slot].bound) return PMM_EXISTS;
  exec->slot[slot].market = market;
  exec->slot[slot].bound = true;
  return PMM_OK;
}

/* -- questions -- */
size_t pmm_exec_own_orders(const pmm_exec_t *exec, uint32_t slot, pmm_own_order_t *out, size_t cap) {
  size_t n = 0;
  for (int side = 0; side < 2; side++)
    for (const pmm_order_t *o = pmm__order_at(exec, exec->slot[slot].head[side]); o && n < cap; o = pmm__order_at(exec, o->next))
      out[n++] = (pmm_own_order_t){.order_id = o->id, .open_e6 = pmm_order_open(o), .ahead_e6 = o->ahead_e6, .placed_ns = o->placed_ns,
        .price_e4 = o->price_e4, .side = (uint8_t)side, .state = o->state, .seen = o->seen};
  return n;
}

uint32_t pmm_exec_open_cnt(const pmm_exec_t *exec, uint32_t slot) { return exec->slot[slot].open_cnt; }

const pmm_order_t *pmm_exec_find(const pmm_exec_t *exec, uint64_t order_id) { return pmm__order_at(exec, pmm__order_find(exec, order_id)); }

void pmm_exec_open(const pmm_exec_t *exec, uint32_t slot, pmm_exec_open_t *out) {
  int64_t qty[2] = {0, 0}, cash[2] = {0, 0};
  int32_t best[2] = {0, 0};
  for (int side = 0; side < 2; side++)
    for (const pmm_order_t *o = pmm__order_at(exec, exec->slot[slot].head[side]); o; o = pmm__order_at(exec, o->next)) {
      qty[side] += pmm_order_open(o);
      cash[side] += o->lock.cash_e6;
      if (best[side] == 0 && pmm__order_counts(o)) best[side] = o->price_e4;
    }
  *out = (pmm_exec_open_t){.bid_e6 = qty[PMM_BID], .ask_e6 = qty[PMM_ASK], .bid_cash_e6 = cash[PMM_BID], .ask_cash_e6 = cash[PMM_ASK],
    .best_bid_e4 = best[PMM_BID], .best_ask_e4 = best[PMM_ASK]};
}

const pmm_exec_stats_t *pmm_exec_stats(const pmm_exec_t *exec, uint32_t slot) { return &exec->slot[slot].stats; }

static uint64_t hash_order(const pmm_order_t *o, uint64_t h) {
  uint64_t const word[] = {o->id, o->ref_id, (uint64_t)(uint32_t)o->price_e4 << 16 | (uint64_t)o->state << 8 | o->route, (uint64_t)o->qty_e6,
    (uint64_t)o->filled_e6, (uint64_t)o->lock.cash_e6, (uint64_t)o->lock.qty_e6, (uint64_t)o->acted_ns};
  return pmm_hash64(word, sizeof word, h);
}

uint64_t pmm_exec_hash(const pmm_exec_t *exec, uint64_t h) {
  h = pmm_hash_mix(h, exec->id_last);
  for (uint32_t i = 0; i < exec->slot_cnt; i++) {
    h = pmm_hash64(&exec->slot[i].stats, sizeof exec->slot[i].stats, h);
    for (int side = 0; side < 2; side++)
      for (const pmm_order_t *o = pmm__order_at(exec, exec->slot[i].head[side]); o; o = pmm__order_at(exec, o->next)) h = hash_order(o, h);
  }
  return h;
}
