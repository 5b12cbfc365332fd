/* What an account's holdings in a market cost it, at average cost, as the ledger has it (docs/accounting.md): a sale of q of a holding h
   that cost c takes floor(c q / h) with it. While a trade is pending, what happened since is kept and can be played again without it. */
#include <assert.h>
#include "exchange/place_impl.h"

static int64_t take_part(int64_t *held_e6, int64_t *cost_e6, int64_t qty_e6) {
  int64_t const part = *held_e6 > 0 ? pmm_muldiv_floor(*cost_e6, qty_e6, *held_e6) : 0;
  *held_e6 -= qty_e6;
  *cost_e6 -= part;
  return part;
}

static void apply(pmm__sums_t *s, const pmm__op_t *op) {
  int64_t *const held = op->no ? &s->no_e6 : &s->yes_e6, *const cost = op->no ? &s->no_cost_e6 : &s->yes_cost_e6;
  s->fees_e6 += op->fee_e6;
  switch (op->kind) {
  case PMM__OP_BUY:
    *held += op->qty_e6;
    *cost += op->cash_e6;
    s->traded_e6 += op->cash_e6;
    break;
  case PMM__OP_SELL:
    s->realized_e6 += op->cash_e6 - take_part(held, cost, op->qty_e6);
    s->traded_e6 += op->cash_e6;
    break;
  case PMM__OP_PAIRS:
    if (op->qty_e6 >= 0) {
      s->realized_e6 += op->qty_e6 - take_part(&s->yes_e6, &s->yes_cost_e6, op->qty_e6);
      s->realized_e6 -= take_part(&s->no_e6, &s->no_cost_e6, op->qty_e6);
    } else { /* a split: each half is taken to have cost fifty cents */
      s->yes_e6 -= op->qty_e6;
      s->no_e6 -= op->qty_e6;
      s->yes_cost_e6 += -op->qty_e6 / 2;
      s->no_cost_e6 += -op->qty_e6 - -op->qty_e6 / 2;
    }
    break;
  }
}

static uint64_t new_op(pmm_place_t *p, const pmm__op_t *op) {
  uint64_t seq = p->free_op;
  if (seq != 0) {
    p->free_op = ((pmm__op_t *)pmm__store_at(&p->op, seq))->next;
  } else {
    pmm__store_push(&p->op);
    seq = p->op.cnt;
  }
  pmm__op_t *const o = pmm__store_at(&p->op, seq);
  *o = *op;
  o->next = 0;
  return seq;
}

static void free_op(pmm_place_t *p, uint64_t seq) {
  ((pmm__op_t *)pmm__store_at(&p->op, seq))->next = p->free_op;
  p->free_op = seq;
}

void pmm__cost_add(pmm_place_t *p, uint32_t account, uint32_t market, const pmm__op_t *op) {
  pmm__figures_t *const f = pmm__figures(p, account, market);
  if (f->first == 0 && op->trade == 0) {
    apply(&f->now, op);
    return;
  }
  if (f->first == 0) f->base = f->now;
  uint64_t const seq = new_op(p, op);
  if (f->last) ((pmm__op_t *)pmm__store_at(&p->op, f->last))->next = seq;
  else f->first = seq;
  f->last = seq;
  apply(&f->now, op);
}

/* What is final before the oldest pending trade need not be played again. */
static void fold(pmm_place_t *p, pmm__figures_t *f) {
  while (f->first != 0) {
    uint64_t const seq = f->first;
    const pmm__op_t *const op = pmm__store_at(&p->op, seq);
    if (op->trade != 0) return;
    apply(&f->base, op);
    f->first = op->next;
    free_op(p, seq);
  }
  f->last = 0;
}

void pmm__cost_settle(pmm_place_t *p, uint32_t account, uint32_t market, uint64_t trade, bool ok) {
  pmm__figures_t *const f = pmm__figures(p, account, market);
  uint64_t *link = &f->first, last = 0;
  if (f->first == 0) return; /* the other leg of a trade with itself was the last */
  if (!ok) f->now = f->base;
  while (*link != 0) {
    uint64_t const seq = *link;
    pmm__op_t *const op = pmm__store_at(&p->op, seq);
    if (op->trade == trade && !ok) {
      *link = op->next;
      free_op(p, seq);
      continue;
    }
    if (op->trade == trade) op->trade = 0;
    if (!ok) apply(&f->now, op);
    last = seq;
    link = &op->next;
  }
  f->last = last;
  fold(p, f);
}

void pmm__cost_resolve(pmm__figures_t *f, int64_t payout_yes_e6) {
  assert(f->first == 0); /* nothing is pending in a market that pays */
  int64_t const paid = pmm__wallet_worth(f->now.yes_e6, f->now.no_e6, payout_yes_e6);
  f->now.realized_e6 += paid - f->now.yes_cost_e6 - f->now.no_cost_e6;
  f->now.yes_e6 = f->now.no_e6 = f->now.yes_cost_e6 = f->now.no_cost_e6 = 0;
}
