/* src/exec/check.c -- every invariant of the open orders from scratch. */
#include "exec/internal.h"

#define FAIL_UNLESS(fact, ...) \
  do { \
    if (!(fact)) return pmm_error_set(err, PMM_CORRUPT, __VA_ARGS__); \
  } while (0)

typedef struct sums { uint32_t cnt; int64_t cash_e6, yes_e6, no_e6; } sums_t;

static pmm_status_t check_order(const pmm_exec_t *e, const pmm_order_t *o, uint32_t slot, pmm_side_t side, pmm_error_t *err) {
  unsigned long long const id = o->id;
  FAIL_UNLESS(o->slot == slot && pmm__order_side(o) == side, "order %llu stands in a list that is not its own", id);
  FAIL_UNLESS(pmm_exec_find(e, o->id) == o, "order %llu cannot be found by its id", id);
  FAIL_UNLESS(!pmm_order_is_terminal((pmm_order_state_t)o->state), "order %llu is over but still open", id);
  FAIL_UNLESS(o->filled_e6 >= 0 && pmm_order_open(o) > 0, "order %llu has nothing open", id);
  FAIL_UNLESS(o->price_e4 > 0 && o->price_e4 < PMM_ONE_E4, "order %llu has no price", id);
  bool const sell = pmm_route_is_sell((pmm_route_t)o->route);
  FAIL_UNLESS(o->lock.slot == slot && o->lock.route == o->route, "order %llu holds another order's lock", id);
  FAIL_UNLESS(sell ? o->lock.qty_e6 == pmm_order_open(o) && o->lock.cash_e6 == 0 : o->lock.qty_e6 == 0 && o->lock.cash_e6 > 0,
              "order %llu locks the wrong thing", id);
  return PMM_OK;
}

static pmm_status_t check_list(const pmm_exec_t *e, uint32_t slot, pmm_side_t side, sums_t *sum, pmm_error_t *err) {
  uint32_t prev = PMM__NONE;
  for (uint32_t i = e->slot[slot].head[side]; i != PMM__NONE; prev = i, i = e->order[i].next) {
    const pmm_order_t *const o = &e->order[i];
    FAIL_UNLESS(++sum->cnt <= e->open_cnt, "slot %u: list is longer than the orders that are open", slot);
    FAIL_UNLESS(o->prev == prev, "slot %u: list links disagree", slot);
    FAIL_UNLESS(prev == PMM__NONE || !pmm__price_better(side, o->price_e4, e->order[prev].price_e4), "slot %u: list is not sorted by price", slot);
    pmm_status_t const st = check_order(e, o, slot, side, err);
    if (st != PMM_OK) return st;
    sum->cash_e6 += o->lock.cash_e6;
    *(o->route == PMM_SELL_YES ? &sum->yes_e6 : &sum->no_e6) += o->lock.qty_e6;
  }
  FAIL_UNLESS(e->slot[slot].tail[side] == prev, "slot %u: list end is off", slot);
  return PMM_OK;
}

pmm_status_t pmm_exec_check(const pmm_exec_t *exec, pmm_error_t *err) {
  int64_t cash = 0;
  uint32_t cnt = 0;
  for (uint32_t i = 0; i < exec->slot_cnt; i++) {
    sums_t sum = {0};
    pmm_status_t st = check_list(exec, i, PMM_BID, &sum, err);
    if (st == PMM_OK) st = check_list(exec, i, PMM_ASK, &sum, err);
    if (st != PMM_OK) return st;
    FAIL_UNLESS(sum.cnt == exec->slot[i].open_cnt, "slot %u: count of open orders is off", i);
    pmm_position_t pos;
    pmm_ledger_position(exec->ledger, i, &pos);
    FAIL_UNLESS(sum.yes_e6 == pos.yes_locked_e6 && sum.no_e6 == pos.no_locked_e6, "slot %u: contracts locked by orders and in the ledger differ", i);
    cash += sum.cash_e6;
    cnt += sum.cnt;
  }
  FAIL_UNLESS(cnt == exec->open_cnt, "orders leaked from the lists");
  FAIL_UNLESS(cash == pmm_ledger_reserved(exec->ledger), "cash locked by orders and reserved in the ledger differ");
  return PMM_OK;
}
