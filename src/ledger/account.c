/* src/ledger/account.c -- the money of one slot: a pure function of (state, operation). Both the running state and the
   replay after a failed settlement go through here, which is what makes an undo exact. */
#include <assert.h>
#include "ledger/internal.h"

int64_t pmm__op_notional(const pmm__op_t *op) {
  int32_t const price = pmm__route_outcome(op->route) == PMM__YES ? op->price_e4 : PMM_ONE_E4 - op->price_e4;
  return pmm_route_is_sell((pmm_route_t)op->route) ? pmm_notional_floor(price, op->qty_e6) : pmm_notional_ceil(price, op->qty_e6);
}

/* Takes qty out of a holding and returns its cost. The floor leaves the remainder with what stays, and the last
   contract takes all that is left: nothing is lost over any sequence of partial sales. */
static int64_t take(pmm__account_t *a, int outcome, int64_t qty_e6) {
  assert(qty_e6 <= a->qty_e6[outcome]);
  int64_t const held = a->qty_e6[outcome], cost = a->cost_e6[outcome];
  int64_t const part = qty_e6 == held ? cost : pmm_muldiv_floor(cost, qty_e6, held);
  a->qty_e6[outcome] -= qty_e6;
  a->cost_e6[outcome] -= part;
  return part;
}

static void receive(pmm__account_t *a, int64_t cash_e6, int64_t cost_e6) {
  a->flow_e6 += cash_e6;
  a->realized_e6 += cash_e6 - cost_e6;
}

static void apply_fill(pmm__account_t *a, const pmm__op_t *op) {
  int const outcome = pmm__route_outcome(op->route);
  int64_t const notional = pmm__op_notional(op);
  if (pmm_route_is_sell((pmm_route_t)op->route)) {
    receive(a, notional, take(a, outcome, op->qty_e6));
  } else {
    a->qty_e6[outcome] += op->qty_e6;
    a->cost_e6[outcome] += notional;
    a->flow_e6 -= notional;
  }
  a->flow_e6 -= op->fee_e6;
  a->fees_e6 += op->fee_e6;
  if (op->fee_e6 < 0) a->rebates_e6 -= op->fee_e6;
}

/* What was there before: a deposit of its cost, spent on it at once. */
static void apply_adopt(pmm__account_t *a, const pmm__op_t *op) {
  int const outcome = pmm__route_outcome(op->route);
  a->qty_e6[outcome] += op->qty_e6;
  a->cost_e6[outcome] += op->fee_e6;
  a->flow_e6 -= op->fee_e6;
}

static void apply_pairs(pmm__account_t *a, int64_t qty_e6) {
  int64_t const cost = take(a, PMM__YES, qty_e6) + take(a, PMM__NO, qty_e6);
  receive(a, qty_e6, cost); /* a pair is one dollar, and both are in millionths */
}

static void apply_resolve(pmm__account_t *a, int64_t payout_yes_e6) {
  int64_t const yes = pmm_muldiv_floor(a->qty_e6[PMM__YES], payout_yes_e6, PMM_ONE_E6);
  int64_t const no = pmm_muldiv_floor(a->qty_e6[PMM__NO], PMM_ONE_E6 - payout_yes_e6, PMM_ONE_E6);
  int64_t const cost = take(a, PMM__YES, a->qty_e6[PMM__YES]) + take(a, PMM__NO, a->qty_e6[PMM__NO]);
  receive(a, yes + no, cost);
}

void pmm__account_apply(pmm__account_t *account, const pmm__op_t *op) {
  switch ((pmm__op_kind_t)op->kind) {
    case PMM__OP_FILL: apply_fill(account, op); break;
    case PMM__OP_PAIRS: apply_pairs(account, op->qty_e6); break;
    case PMM__OP_RESOLVE: apply_resolve(account, op->qty_e6); break;
    case PMM__OP_ADOPT: apply_adopt(account, op); break;
  }
}
