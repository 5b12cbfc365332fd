/* src/exec/table.c -- open orders: a pool, their ids (linear probing, deletion by shifting back, never more than half
   full), one sorted list per slot and side; and the last fills, to spot duplicates. */
#include <assert.h>
#include "exec/internal.h"
#include "pmm/hash.h"

/* -- ids -- */
static uint32_t home(const pmm_exec_t *e, uint64_t id) { return pmm_hash_order(id) & e->table_mask; }

static uint32_t place_of(const pmm_exec_t *e, uint64_t id) {
  for (uint32_t i = home(e, id);; i = (i + 1) & e->table_mask)
    if (e->table[i] == PMM__NONE || e->order[e->table[i]].id == id) return i;
}

uint32_t pmm__order_find(const pmm_exec_t *exec, uint64_t id) { return exec->table[place_of(exec, id)]; }

static void forget_id(pmm_exec_t *e, uint64_t id) {
  uint32_t hole = place_of(e, id);
  uint32_t const mask = e->table_mask;
  for (uint32_t i = (hole + 1) & mask; e->table[i] != PMM__NONE; i = (i + 1) & mask) {
    uint32_t const want = home(e, e->order[e->table[i]].id);
    if (((i - want) & mask) < ((i - hole) & mask)) continue; /* it would move before its home */
    e->table[hole] = e->table[i];
    hole = i;
  }
  e->table[hole] = PMM__NONE;
}

/* -- lists -- */
static void link_order(pmm_exec_t *e, pmm_order_t *o) {
  pmm__exec_slot_t *const s = &e->slot[o->slot];
  pmm_side_t const side = pmm__order_side(o);
  uint32_t const at = (uint32_t)(o - e->order);
  uint32_t prev = s->tail[side]; /* new quotes come in from the best outward, so the end is near */
  while (prev != PMM__NONE && pmm__price_better(side, o->price_e4, e->order[prev].price_e4)) prev = e->order[prev].prev;
  uint32_t const next = prev == PMM__NONE ? s->head[side] : e->order[prev].next;
  o->prev = prev;
  o->next = next;
  if (prev != PMM__NONE) e->order[prev].next = at;
  else s->head[side] = at;
  if (next != PMM__NONE) e->order[next].prev = at;
  else s->tail[side] = at;
}

static void unlink_order(pmm_exec_t *e, pmm_order_t *o) {
  pmm__exec_slot_t *const s = &e->slot[o->slot];
  pmm_side_t const side = pmm__order_side(o);
  if (o->prev != PMM__NONE) e->order[o->prev].next = o->next;
  else s->head[side] = o->next;
  if (o->next != PMM__NONE) e->order[o->next].prev = o->prev;
  else s->tail[side] = o->prev;
}

pmm_order_t *pmm__order_add(pmm_exec_t *exec, const pmm_order_t *order) {
  uint32_t const at = exec->free_head;
  if (at == PMM__NONE) return NULL;
  pmm_order_t *const o = &exec->order[at];
  exec->free_head = o->next;
  *o = *order;
  uint32_t const place = place_of(exec, o->id);
  assert(exec->table[place] == PMM__NONE);
  exec->table[place] = at;
  exec->issued[o->id & exec->issued_mask] = (pmm__issued_t){.id = o->id, .slot = o->slot, .route = o->route};
  link_order(exec, o);
  exec->slot[o->slot].open_cnt++;
  exec->open_cnt++;
  return o;
}

void pmm__order_drop(pmm_exec_t *exec, pmm_order_t *order) {
  assert(order->lock.cash_e6 == 0 && order->lock.qty_e6 == 0);
  unlink_order(exec, order);
  forget_id(exec, order->id);
  exec->slot[order->slot].open_cnt--;
  exec->open_cnt--;
  order->next = exec->free_head;
  exec->free_head = (uint32_t)(order - exec->order);
}

void pmm__order_reprice(pmm_exec_t *exec, pmm_order_t *order, int32_t price_e4) {
  unlink_order(exec, order);
  order->price_e4 = price_e4;
  link_order(exec, order);
}

/* -- fills seen -- */
#define TRADE_MASK (2 * PMM__TRADES_KEPT - 1)

static uint32_t trade_home(const pmm__trade_t *t) { return (uint32_t)pmm_hash_mix(t->order_id, t->trade_id) & TRADE_MASK; }

static uint32_t trade_place(const pmm_exec_t *e, const pmm__trade_t *t) {
  for (uint32_t i = trade_home(t);; i = (i + 1) & TRADE_MASK) {
    if (e->trade_table[i] == 0) return i;
    const pmm__trade_t *const have = &e->trade[e->trade_table[i] - 1];
    if (have->order_id == t->order_id && have->trade_id == t->trade_id) return i;
  }
}

static void trade_forget(pmm_exec_t *e, const pmm__trade_t *t) {
  uint32_t hole = trade_place(e, t);
  for (uint32_t i = (hole + 1) & TRADE_MASK; e->trade_table[i] != 0; i = (i + 1) & TRADE_MASK) {
    uint32_t const want = trade_home(&e->trade[e->trade_table[i] - 1]);
    if (((i - want) & TRADE_MASK) < ((i - hole) & TRADE_MASK)) continue;
    e->trade_table[hole] = e->trade_table[i];
    hole = i;
  }
  e->trade_table[hole] = 0;
}

/* A venue that numbers its trades upward needs no table: a number above all before it is new. The first that is not brings the table,
   of what the ring holds, for good. */
static void tabulate(pmm_exec_t *e) {
  uint64_t const kept = e->trade_cnt < PMM__TRADES_KEPT ? e->trade_cnt : PMM__TRADES_KEPT;
  for (uint64_t k = e->trade_cnt - kept; k < e->trade_cnt; k++) {
    uint32_t const at = (uint32_t)(k & (PMM__TRADES_KEPT - 1));
    e->trade_table[trade_place(e, &e->trade[at])] = (uint16_t)(at + 1);
  }
  e->trades_tabled = true;
}

bool pmm__trade_seen(pmm_exec_t *exec, uint64_t order_id, uint64_t trade_id) {
  if (!exec->trades_tabled && trade_id > exec->trade_id_max) return false;
  if (!exec->trades_tabled) tabulate(exec);
  pmm__trade_t const t = {.order_id = order_id, .trade_id = trade_id};
  return exec->trade_table[trade_place(exec, &t)] != 0;
}

void pmm__trade_note(pmm_exec_t *exec, uint64_t order_id, uint64_t trade_id) {
  pmm__trade_t const t = {.order_id = order_id, .trade_id = trade_id};
  uint32_t const at = (uint32_t)(exec->trade_cnt & (PMM__TRADES_KEPT - 1));
  if (exec->trades_tabled) {
    if (exec->trade_cnt >= PMM__TRADES_KEPT) trade_forget(exec, &exec->trade[at]);
    uint32_t const place = trade_place(exec, &t);
    assert(exec->trade_table[place] == 0);
    exec->trade_table[place] = (uint16_t)(at + 1);
  }
  if (trade_id > exec->trade_id_max) exec->trade_id_max = trade_id;
  exec->trade[at] = t;
  exec->trade_cnt++;
}
