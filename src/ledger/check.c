/* src/ledger/check.c -- every invariant of the ledger from scratch, and its hash. */
#include <inttypes.h>
#include <string.h>
#include "ledger/internal.h"
#include "pmm/hash.h"

#define FAIL_UNLESS(fact, ...) \
  do { \
    if (!(fact)) return pmm_error_set(err, PMM_CORRUPT, __VA_ARGS__); \
  } while (0)

/* Replays the log: running money and unsettled contracts must come out. Adds the log's length to *used. */
static pmm_status_t check_log(const pmm_ledger_t *l, uint32_t slot, uint32_t *used, uint32_t *pending, pmm_error_t *err) {
  const pmm__slot_t *const s = &l->slot[slot];
  if (s->head == PMM__NONE) {
    FAIL_UNLESS(s->unsettled_e6[0] == 0 && s->unsettled_e6[1] == 0, "slot %u: unsettled contracts without a pending fill", slot);
    return PMM_OK;
  }
  FAIL_UNLESS(l->op[s->head].pending, "slot %u: the log starts with a settled operation", slot);
  pmm__account_t now = s->base;
  int64_t unsettled[2] = {0, 0};
  uint32_t prev = PMM__NONE;
  for (uint32_t i = s->head; i != PMM__NONE; prev = i, i = l->op[i].next) {
    const pmm__op_t *const op = &l->op[i];
    FAIL_UNLESS(op->prev == prev, "slot %u: log links disagree", slot);
    FAIL_UNLESS(++*used <= l->op_used, "slot %u: log is longer than the operations in use", slot);
    pmm__account_apply(&now, op);
    if (!op->pending) continue;
    ++*pending;
    FAIL_UNLESS(op->slot == slot && pmm__table_find(l, op->trade_id) == i, "slot %u: a pending fill cannot be found by its id", slot);
    if (!op->paid && !pmm_route_is_sell((pmm_route_t)op->route)) unsettled[pmm__route_outcome(op->route)] += op->qty_e6;
  }
  FAIL_UNLESS(s->tail == prev, "slot %u: log tail is off", slot);
  FAIL_UNLESS(memcmp(&now, &s->now, sizeof now) == 0, "slot %u: replaying the log gives other money", slot);
  FAIL_UNLESS(unsettled[0] == s->unsettled_e6[0] && unsettled[1] == s->unsettled_e6[1], "slot %u: unsettled contracts disagree", slot);
  return PMM_OK;
}

static pmm_status_t check_holdings(const pmm__slot_t *s, uint32_t slot, pmm_error_t *err) {
  for (int o = 0; o < 2; o++) {
    FAIL_UNLESS(s->now.qty_e6[o] >= 0 && s->now.cost_e6[o] >= 0, "slot %u: negative holding or cost", slot);
    FAIL_UNLESS(s->now.qty_e6[o] > 0 || s->now.cost_e6[o] == 0, "slot %u: cost without a holding", slot);
    FAIL_UNLESS(s->unsettled_e6[o] >= 0 && s->locked_e6[o] >= 0, "slot %u: negative lock or unsettled quantity", slot);
    FAIL_UNLESS(s->locked_e6[o] + s->unsettled_e6[o] <= s->now.qty_e6[o], "slot %u: more locked and unsettled than owned", slot);
  }
  FAIL_UNLESS(s->reserved_e6 >= 0, "slot %u: negative reserve", slot);
  FAIL_UNLESS(s->bound || (s->now.flow_e6 == 0 && s->reserved_e6 == 0), "slot %u: money in an unbound slot", slot);
  return PMM_OK;
}

static void add(pmm__account_t *sum, const pmm__account_t *a) {
  for (int o = 0; o < 2; o++) sum->cost_e6[o] += a->cost_e6[o];
  sum->realized_e6 += a->realized_e6;
  sum->fees_e6 += a->fees_e6;
  sum->rebates_e6 += a->rebates_e6;
  sum->flow_e6 += a->flow_e6;
}

/* A wallet is what came in, what its slots' doings brought and took, and what their buys hold back. O(slots) each: there are few wallets. */
static pmm_status_t check_wallet(const pmm_ledger_t *l, uint32_t w, pmm_error_t *err) {
  int64_t cash = l->wallet[w].deposits_e6, reserved = 0;
  for (uint32_t i = 0; i < l->slot_cnt; i++) {
    if (l->slot[i].wallet != w) continue;
    cash += l->slot[i].now.flow_e6;
    reserved += l->slot[i].reserved_e6;
  }
  FAIL_UNLESS(cash == l->wallet[w].cash_e6 && reserved == l->wallet[w].reserved_e6, "wallet %u: cash or reserve is not what its slots did", w);
  return PMM_OK;
}

static pmm_status_t check_wallets(const pmm_ledger_t *l, pmm_error_t *err) {
  pmm__wallet_t sum = {0};
  for (uint32_t w = 0; w < l->wallet_cnt; w++) {
    pmm_status_t const st = check_wallet(l, w, err);
    if (st != PMM_OK) return st;
    sum.cash_e6 += l->wallet[w].cash_e6;
    sum.reserved_e6 += l->wallet[w].reserved_e6;
    sum.deposits_e6 += l->wallet[w].deposits_e6;
  }
  FAIL_UNLESS(sum.cash_e6 == l->cash_e6 && sum.reserved_e6 == l->reserved_e6 && sum.deposits_e6 == l->deposits_e6, "wallets do not sum to the account");
  return PMM_OK;
}

pmm_status_t pmm_ledger_check(const pmm_ledger_t *ledger, pmm_error_t *err) {
  pmm__account_t sum = {0};
  int64_t reserved = 0;
  uint32_t used = 0, pending = 0;
  for (uint32_t i = 0; i < ledger->slot_cnt; i++) {
    pmm_status_t st = check_holdings(&ledger->slot[i], i, err);
    if (st == PMM_OK) st = check_log(ledger, i, &used, &pending, err);
    if (st != PMM_OK) return st;
    add(&sum, &ledger->slot[i].now);
    reserved += ledger->slot[i].reserved_e6;
  }
  FAIL_UNLESS(memcmp(&sum, &ledger->sum, sizeof sum) == 0, "running totals differ from the sum over slots");
  FAIL_UNLESS(reserved == ledger->reserved_e6, "reserve %" PRId64 " is not the sum over slots %" PRId64, ledger->reserved_e6, reserved);
  FAIL_UNLESS(used == ledger->op_used && pending == ledger->pending_cnt, "operations leaked from the log");
  FAIL_UNLESS(ledger->cash_e6 == ledger->deposits_e6 + sum.flow_e6, "cash is not deposits plus flows");
  int64_t const cost = sum.cost_e6[PMM__YES] + sum.cost_e6[PMM__NO];
  FAIL_UNLESS(ledger->cash_e6 + cost + sum.fees_e6 - sum.realized_e6 == ledger->deposits_e6,
              "conservation: cash %" PRId64 " + cost %" PRId64 " + fees %" PRId64 " - realized %" PRId64 " != deposits %" PRId64,
              ledger->cash_e6, cost, sum.fees_e6, sum.realized_e6, ledger->deposits_e6);
  return check_wallets(ledger, err);
}

uint64_t pmm_ledger_hash(const pmm_ledger_t *ledger, uint64_t h) {
  h = pmm_hash_mix(h, (uint64_t)ledger->cash_e6);
  h = pmm_hash_mix(h, (uint64_t)ledger->reserved_e6);
  h = pmm_hash_mix(h, (uint64_t)ledger->deposits_e6);
  for (uint32_t w = 1; w < ledger->wallet_cnt; w++) h = pmm_hash_mix(h, (uint64_t)ledger->wallet[w].cash_e6); /* the first is the rest */
  for (uint32_t i = 0; i < ledger->slot_cnt; i++) {
    const pmm__slot_t *const s = &ledger->slot[i];
    h = pmm_hash64(&s->now, sizeof s->now, h);
    h = pmm_hash64(s->unsettled_e6, sizeof s->unsettled_e6, h);
    h = pmm_hash64(s->locked_e6, sizeof s->locked_e6, h);
    h = pmm_hash_mix(h, (uint64_t)s->reserved_e6);
  }
  return h;
}
