/* src/ledger/ledger.c -- the account. Every change of money is one operation on one slot (account.c); a slot with a
   pending fill also logs it, so that a failure can be replayed without that fill. */
#include <assert.h>
#include "ledger/internal.h"

/* -- construction -- */
static uint32_t pow2_above(uint32_t n) {
  uint32_t p = 2;
  while (p < n) p *= 2;
  return p;
}

static pmm_status_t take_arrays(pmm_ledger_t *l, pmm_arena_t *arena) {
  uint32_t const table_cnt = pow2_above(2 * l->pending_max + 1);
  l->slot = PMM_ARENA_NEW(arena, pmm__slot_t, l->slot_cnt);
  l->table = PMM_ARENA_NEW(arena, uint32_t, table_cnt);
  uint32_t const market_cnt = pow2_above(2 * l->slot_cnt);
  l->market = PMM_ARENA_NEW(arena, uint32_t, market_cnt);
  l->market_mask = market_cnt - 1;
  l->op = PMM_ARENA_NEW(arena, pmm__op_t, l->op_cnt ? l->op_cnt : 1);
  l->wallet = PMM_ARENA_NEW(arena, pmm__wallet_t, l->wallet_cnt);
  if (!l->slot || !l->table || !l->market || !l->op || !l->wallet) return PMM_FULL;
  l->table_mask = table_cnt - 1;
  for (uint32_t i = 0; i < table_cnt; i++) l->table[i] = PMM__NONE;
  for (uint32_t i = 0; i < market_cnt; i++) l->market[i] = PMM__NONE;
  for (uint32_t i = 0; i < l->slot_cnt; i++) l->slot[i].head = l->slot[i].tail = l->slot[i].same = PMM__NONE;
  for (uint32_t i = 0; i < l->op_cnt; i++) l->op[i].next = i + 1 < l->op_cnt ? i + 1 : PMM__NONE;
  l->op_free = l->op_cnt ? 0 : PMM__NONE;
  return PMM_OK;
}

pmm_status_t pmm_ledger_init(pmm_ledger_t **ledger, pmm_arena_t *arena, const pmm_ledger_config_t *config) {
  if (config->slot_cnt == 0 || config->pending_max > UINT32_MAX / 32 || config->slot_cnt > UINT32_MAX / 4) return PMM_INVAL;
  pmm_ledger_t *const l = PMM_ARENA_NEW(arena, pmm_ledger_t, 1);
  if (!l) return PMM_FULL;
  l->slot_cnt = config->slot_cnt;
  l->pending_max = config->pending_max;
  l->wallet_cnt = config->wallet_cnt ? config->wallet_cnt : 1;
  l->op_cnt = config->pending_max ? config->pending_max * PMM__OPS_PER_PENDING + config->slot_cnt : 0;
  if (take_arrays(l, arena) != PMM_OK) return PMM_FULL;
  *ledger = l;
  return PMM_OK;
}

/* The place of a market's first slot in the table, or the empty one where it would stand. */
static uint32_t *first_slot(const pmm_ledger_t *l, uint32_t market) {
  uint32_t at = (market * UINT32_C(0x9e3779b1)) & l->market_mask;
  while (l->market[at] != PMM__NONE && l->slot[l->market[at]].market != market) at = (at + 1) & l->market_mask;
  return &l->market[at];
}

static void join_market(pmm_ledger_t *l, uint32_t slot, uint32_t market) {
  uint32_t *link = first_slot(l, market);
  while (*link < slot) link = &l->slot[*link].same; /* PMM__NONE is above every slot */
  l->slot[slot].same = *link;
  *link = slot;
}

pmm_status_t pmm_ledger_slot(pmm_ledger_t *ledger, uint32_t slot, uint32_t market, bool net_pairs) {
  if (slot >= ledger->slot_cnt) return PMM_INVAL;
  pmm__slot_t *const s = &ledger->slot[slot];
  if (s->bound) return PMM_EXISTS;
  s->market = market;
  s->net_pairs = net_pairs;
  join_market(ledger, slot, market);
  s->bound = true;
  return PMM_OK;
}

/* -- cash -- */
static int64_t wallet_free(const pmm_ledger_t *l, uint32_t wallet) { return l->wallet[wallet].cash_e6 - l->wallet[wallet].reserved_e6; }

static void deposit(pmm_ledger_t *l, uint32_t wallet, int64_t amount_e6) {
  l->wallet[wallet].cash_e6 += amount_e6;
  l->wallet[wallet].deposits_e6 += amount_e6;
  l->cash_e6 += amount_e6;
  l->deposits_e6 += amount_e6;
}

pmm_status_t pmm_ledger_deposit_in(pmm_ledger_t *ledger, uint32_t wallet, int64_t amount_e6) {
  if (wallet >= ledger->wallet_cnt || amount_e6 > PMM_LEDGER_AMOUNT_MAX || amount_e6 < -PMM_LEDGER_AMOUNT_MAX) return PMM_INVAL;
  if (amount_e6 < 0 && wallet_free(ledger, wallet) < -amount_e6) return PMM_FUNDS;
  deposit(ledger, wallet, amount_e6);
  return PMM_OK;
}

pmm_status_t pmm_ledger_deposit(pmm_ledger_t *ledger, int64_t amount_e6) { return pmm_ledger_deposit_in(ledger, 0, amount_e6); }

pmm_status_t pmm_ledger_slot_wallet(pmm_ledger_t *ledger, uint32_t slot, uint32_t wallet) {
  if (slot >= ledger->slot_cnt || !ledger->slot[slot].bound || wallet >= ledger->wallet_cnt) return PMM_INVAL;
  pmm__slot_t *const s = &ledger->slot[slot];
  if (s->reserved_e6 || s->now.flow_e6 || s->now.qty_e6[PMM__YES] || s->now.qty_e6[PMM__NO]) return PMM_STATE;
  s->wallet = wallet;
  return PMM_OK;
}

int64_t pmm_ledger_wallet_cash(const pmm_ledger_t *ledger, uint32_t wallet) { return ledger->wallet[wallet].cash_e6; }
int64_t pmm_ledger_slot_free(const pmm_ledger_t *ledger, uint32_t slot) { return wallet_free(ledger, ledger->slot[slot].wallet); }

int64_t pmm_ledger_cash(const pmm_ledger_t *ledger) { return ledger->cash_e6; }
int64_t pmm_ledger_reserved(const pmm_ledger_t *ledger) { return ledger->reserved_e6; }
int64_t pmm_ledger_deposits(const pmm_ledger_t *ledger) { return ledger->deposits_e6; }

static int64_t settled(const pmm__slot_t *s, int outcome) { return s->now.qty_e6[outcome] - s->unsettled_e6[outcome]; }
static int64_t sellable(const pmm__slot_t *s, int outcome) { return settled(s, outcome) - s->locked_e6[outcome]; }

void pmm_ledger_position(const pmm_ledger_t *ledger, uint32_t slot, pmm_position_t *out) {
  assert(slot < ledger->slot_cnt);
  const pmm__slot_t *const s = &ledger->slot[slot];
  *out = (pmm_position_t){.yes_e6 = s->now.qty_e6[PMM__YES], .no_e6 = s->now.qty_e6[PMM__NO],
    .yes_sellable_e6 = sellable(s, PMM__YES), .no_sellable_e6 = sellable(s, PMM__NO),
    .yes_locked_e6 = s->locked_e6[PMM__YES], .no_locked_e6 = s->locked_e6[PMM__NO],
    .yes_cost_e6 = s->now.cost_e6[PMM__YES], .no_cost_e6 = s->now.cost_e6[PMM__NO],
    .realized_e6 = s->now.realized_e6, .fees_e6 = s->now.fees_e6};
}

/* -- changing a slot's money -- */
/* Carries what changed in a slot since `before` into the account's sums. */
static void carry(pmm_ledger_t *l, uint32_t wallet, const pmm__account_t *before, const pmm__account_t *after) {
  l->cash_e6 += after->flow_e6 - before->flow_e6;
  l->wallet[wallet].cash_e6 += after->flow_e6 - before->flow_e6;
  for (int o = 0; o < 2; o++) l->sum.cost_e6[o] += after->cost_e6[o] - before->cost_e6[o];
  l->sum.realized_e6 += after->realized_e6 - before->realized_e6;
  l->sum.fees_e6 += after->fees_e6 - before->fees_e6;
  l->sum.rebates_e6 += after->rebates_e6 - before->rebates_e6;
  l->sum.flow_e6 += after->flow_e6 - before->flow_e6;
}

static uint32_t log_push(pmm_ledger_t *l, pmm__slot_t *s, const pmm__op_t *op) {
  uint32_t const at = l->op_free;
  assert(at != PMM__NONE);
  l->op_free = l->op[at].next;
  l->op_used++;
  l->op[at] = *op;
  l->op[at].next = PMM__NONE;
  l->op[at].prev = s->tail;
  if (s->tail != PMM__NONE) l->op[s->tail].next = at;
  else s->head = at;
  s->tail = at;
  return at;
}

static void log_drop(pmm_ledger_t *l, pmm__slot_t *s, uint32_t at) {
  pmm__op_t *const op = &l->op[at];
  if (op->prev != PMM__NONE) l->op[op->prev].next = op->next;
  else s->head = op->next;
  if (op->next != PMM__NONE) l->op[op->next].prev = op->prev;
  else s->tail = op->prev;
  op->next = l->op_free;
  l->op_free = at;
  l->op_used--;
}

/* What stands before the oldest pending fill can no longer change: it moves from the log into base. */
static void log_trim(pmm_ledger_t *l, pmm__slot_t *s) {
  while (s->head != PMM__NONE && !l->op[s->head].pending) {
    pmm__account_apply(&s->base, &l->op[s->head]);
    log_drop(l, s, s->head);
  }
}

/* The last operation of each slot is kept back for its payout, which cannot be put off. */
static bool can_apply(const pmm_ledger_t *l, const pmm__slot_t *s, bool pending) {
  return (s->head == PMM__NONE && !pending) || l->op_cnt - l->op_used > l->slot_cnt;
}

/* Applies an operation now and, when it follows or is a pending fill, remembers it. */
static void apply(pmm_ledger_t *l, pmm__slot_t *s, const pmm__op_t *op) {
  pmm__account_t const before = s->now;
  if (s->head != PMM__NONE || op->pending) {
    if (s->head == PMM__NONE) s->base = s->now;
    uint32_t const at = log_push(l, s, op);
    if (op->pending) pmm__table_put(l, at);
  }
  pmm__account_apply(&s->now, op);
  carry(l, s->wallet, &before, &s->now);
}

/* Pairs are facts once netted: a later failure of another fill does not unmake them. With a full log they stay apart
   until there is room. */
static void net_pairs(pmm_ledger_t *l, pmm__slot_t *s) {
  if (!s->net_pairs) return;
  int64_t const pairs = pmm_min64(sellable(s, PMM__YES), sellable(s, PMM__NO));
  if (pairs <= 0 || !can_apply(l, s, false)) return;
  pmm__op_t const op = {.kind = PMM__OP_PAIRS, .qty_e6 = pairs};
  apply(l, s, &op);
}

/* -- locks -- */
static pmm_status_t lock_qty(pmm_ledger_t *l, pmm__slot_t *s, pmm_lock_t *lock, int outcome, int64_t want_e6) {
  int64_t const more = want_e6 - lock->qty_e6;
  if (more > 0 && more > sellable(s, outcome)) return PMM_FUNDS;
  s->locked_e6[outcome] += more;
  lock->qty_e6 = want_e6;
  if (more < 0) net_pairs(l, s);
  return PMM_OK;
}

static pmm_status_t lock_cash(pmm_ledger_t *l, pmm__slot_t *s, pmm_lock_t *lock, int64_t want_e6) {
  int64_t const more = want_e6 - lock->cash_e6;
  if (more > 0 && more > wallet_free(l, s->wallet)) return PMM_FUNDS;
  l->reserved_e6 += more;
  l->wallet[s->wallet].reserved_e6 += more;
  s->reserved_e6 += more;
  lock->cash_e6 = want_e6;
  return PMM_OK;
}

pmm_status_t pmm_ledger_lock(pmm_ledger_t *ledger, pmm_lock_t *lock, uint32_t slot, pmm_route_t route, int32_t price_e4,
                             int64_t open_e6, int64_t fee_e6) {
  assert(slot < ledger->slot_cnt && ledger->slot[slot].bound);
  assert(open_e6 >= 0 && fee_e6 >= 0);
  assert((lock->cash_e6 == 0 && lock->qty_e6 == 0) || (lock->slot == slot && lock->route == route));
  pmm__slot_t *const s = &ledger->slot[slot];
  pmm_lock_t next = *lock;
  next.slot = slot;
  next.route = (uint8_t)route;
  int const outcome = pmm__route_outcome((uint8_t)route);
  int32_t const price = outcome == PMM__YES ? price_e4 : PMM_ONE_E4 - price_e4;
  int64_t const cash = open_e6 ? pmm_notional_ceil(price, open_e6) + fee_e6 : 0;
  pmm_status_t const st = pmm_route_is_sell(route) ? lock_qty(ledger, s, &next, outcome, open_e6) : lock_cash(ledger, s, &next, cash);
  if (st == PMM_OK) *lock = next;
  return st;
}

/* -- fills -- */
static bool fill_is_valid(const pmm_ledger_t *l, const pmm_fill_t *f) {
  return f->slot < l->slot_cnt && l->slot[f->slot].bound && f->route <= PMM_BUY_NO && f->price_e4 > 0 && f->price_e4 < PMM_ONE_E4 &&
         f->qty_e6 > 0 && f->qty_e6 <= PMM_LEDGER_AMOUNT_MAX && f->fee_e6 >= -PMM_LEDGER_AMOUNT_MAX && f->fee_e6 <= PMM_LEDGER_AMOUNT_MAX;
}

static pmm_status_t fill_is_covered(const pmm_ledger_t *l, const pmm__slot_t *s, const pmm__op_t *op) {
  int const outcome = pmm__route_outcome(op->route);
  if (pmm_route_is_sell((pmm_route_t)op->route)) return settled(s, outcome) < op->qty_e6 ? PMM_FUNDS : PMM_OK;
  if (s->now.qty_e6[outcome] > INT64_MAX / 4) return PMM_OVERFLOW;
  return pmm__op_notional(op) + op->fee_e6 > l->wallet[s->wallet].cash_e6 ? PMM_FUNDS : PMM_OK;
}

static pmm_status_t fill_has_room(const pmm_ledger_t *l, const pmm__slot_t *s, const pmm_fill_t *f) {
  if (!can_apply(l, s, f->pending)) return PMM_FULL;
  if (!f->pending) return PMM_OK;
  if (l->pending_cnt == l->pending_max) return PMM_FULL;
  return pmm__table_find(l, f->trade_id) != PMM__NONE ? PMM_EXISTS : PMM_OK;
}

pmm_status_t pmm_ledger_fill(pmm_ledger_t *ledger, const pmm_fill_t *fill, int64_t *realized_e6) {
  if (!fill_is_valid(ledger, fill)) return PMM_INVAL;
  pmm__slot_t *const s = &ledger->slot[fill->slot];
  pmm__op_t const op = {.kind = PMM__OP_FILL, .route = fill->route, .pending = fill->pending, .trade_id = fill->trade_id,
    .slot = fill->slot, .price_e4 = fill->price_e4, .qty_e6 = fill->qty_e6, .fee_e6 = fill->fee_e6};
  pmm_status_t st = fill_has_room(ledger, s, fill);
  if (st == PMM_OK) st = fill_is_covered(ledger, s, &op);
  if (st != PMM_OK) return st;
  int64_t const before = s->now.realized_e6;
  if (op.pending) {
    ledger->pending_cnt++;
    if (!pmm_route_is_sell((pmm_route_t)op.route)) s->unsettled_e6[pmm__route_outcome(op.route)] += op.qty_e6;
  }
  apply(ledger, s, &op);
  net_pairs(ledger, s);
  if (realized_e6) *realized_e6 = s->now.realized_e6 - before;
  return PMM_OK;
}

/* The fill stops being pending, either way. Contracts paid at a resolution are not counted any more. */
static void end_pending(pmm_ledger_t *l, pmm__slot_t *s, pmm__op_t *op) {
  pmm__table_drop(l, op->trade_id);
  l->pending_cnt--;
  op->pending = false;
  if (!op->paid && !pmm_route_is_sell((pmm_route_t)op->route)) s->unsettled_e6[pmm__route_outcome(op->route)] -= op->qty_e6;
}

pmm_status_t pmm_ledger_settle(pmm_ledger_t *ledger, uint64_t trade_id) {
  uint32_t const at = pmm__table_find(ledger, trade_id);
  if (at == PMM__NONE) return PMM_NOT_FOUND;
  pmm__slot_t *const s = &ledger->slot[ledger->op[at].slot];
  end_pending(ledger, s, &ledger->op[at]);
  log_trim(ledger, s);
  net_pairs(ledger, s);
  return PMM_OK;
}

static void fill_of(const pmm__op_t *op, pmm_fill_t *out) {
  *out = (pmm_fill_t){.trade_id = op->trade_id, .slot = op->slot, .route = op->route, .pending = true, .price_e4 = op->price_e4,
    .qty_e6 = op->qty_e6, .fee_e6 = op->fee_e6};
}

pmm_status_t pmm_ledger_fail(pmm_ledger_t *ledger, uint64_t trade_id, pmm_fill_t *undone) {
  uint32_t const at = pmm__table_find(ledger, trade_id);
  if (at == PMM__NONE) return PMM_NOT_FOUND;
  if (undone) fill_of(&ledger->op[at], undone);
  pmm__slot_t *const s = &ledger->slot[ledger->op[at].slot];
  end_pending(ledger, s, &ledger->op[at]);
  log_drop(ledger, s, at);
  pmm__account_t const before = s->now;
  s->now = s->base;
  for (uint32_t i = s->head; i != PMM__NONE; i = ledger->op[i].next) pmm__account_apply(&s->now, &ledger->op[i]);
  carry(ledger, s->wallet, &before, &s->now);
  log_trim(ledger, s);
  net_pairs(ledger, s);
  return PMM_OK;
}

bool pmm_ledger_pending(const pmm_ledger_t *ledger, uint64_t trade_id, pmm_fill_t *out) {
  uint32_t const at = pmm__table_find(ledger, trade_id);
  if (at == PMM__NONE) return false;
  if (out) fill_of(&ledger->op[at], out);
  return true;
}

/* -- what was there before -- */
pmm_status_t pmm_ledger_adopt(pmm_ledger_t *ledger, uint32_t slot, int outcome, int64_t qty_e6, int64_t cost_e6) {
  if (slot >= ledger->slot_cnt || !ledger->slot[slot].bound || (outcome != PMM__YES && outcome != PMM__NO)) return PMM_INVAL;
  if (qty_e6 <= 0 || qty_e6 > PMM_LEDGER_AMOUNT_MAX || cost_e6 < 0 || cost_e6 > PMM_LEDGER_AMOUNT_MAX) return PMM_INVAL;
  pmm__slot_t *const s = &ledger->slot[slot];
  if (!can_apply(ledger, s, false)) return PMM_FULL;
  pmm__op_t const op = {.kind = PMM__OP_ADOPT, .route = outcome == PMM__YES ? PMM_BUY_YES : PMM_BUY_NO, .qty_e6 = qty_e6, .fee_e6 = cost_e6};
  deposit(ledger, s->wallet, cost_e6);
  apply(ledger, s, &op);
  net_pairs(ledger, s);
  return PMM_OK;
}

/* -- pairs and payouts -- */
pmm_status_t pmm_ledger_merge(pmm_ledger_t *ledger, uint32_t slot, int64_t qty_e6, int64_t *realized_e6) {
  if (slot >= ledger->slot_cnt || !ledger->slot[slot].bound || qty_e6 <= 0) return PMM_INVAL;
  pmm__slot_t *const s = &ledger->slot[slot];
  if (pmm_min64(sellable(s, PMM__YES), sellable(s, PMM__NO)) < qty_e6) return PMM_FUNDS;
  if (!can_apply(ledger, s, false)) return PMM_FULL;
  int64_t const before = s->now.realized_e6;
  pmm__op_t const op = {.kind = PMM__OP_PAIRS, .qty_e6 = qty_e6};
  apply(ledger, s, &op);
  if (realized_e6) *realized_e6 = s->now.realized_e6 - before;
  return PMM_OK;
}

static pmm_status_t may_resolve(const pmm_ledger_t *l, uint32_t market) {
  uint32_t logged = 0;
  for (uint32_t i = *first_slot(l, market); i != PMM__NONE; i = l->slot[i].same) {
    const pmm__slot_t *const s = &l->slot[i];
    if (s->locked_e6[PMM__YES] || s->locked_e6[PMM__NO] || s->reserved_e6) return PMM_STATE;
    logged += s->head != PMM__NONE;
  }
  return logged > l->op_cnt - l->op_used ? PMM_FULL : PMM_OK;
}

static void resolve_slot(pmm_ledger_t *l, pmm__slot_t *s, int64_t payout_yes_e6) {
  pmm__op_t const op = {.kind = PMM__OP_RESOLVE, .qty_e6 = payout_yes_e6};
  apply(l, s, &op);
  s->unsettled_e6[PMM__YES] = s->unsettled_e6[PMM__NO] = 0;
  for (uint32_t i = s->head; i != PMM__NONE; i = l->op[i].next)
    if (l->op[i].pending) l->op[i].paid = true;
}

pmm_status_t pmm_ledger_resolve(pmm_ledger_t *ledger, uint32_t market, int64_t payout_yes_e6, int64_t *realized_e6) {
  if (payout_yes_e6 < 0 || payout_yes_e6 > PMM_ONE_E6) return PMM_INVAL;
  pmm_status_t const st = may_resolve(ledger, market);
  if (st != PMM_OK) return st;
  int64_t const before = ledger->sum.realized_e6;
  for (uint32_t i = *first_slot(ledger, market); i != PMM__NONE; i = ledger->slot[i].same) resolve_slot(ledger, &ledger->slot[i], payout_yes_e6);
  if (realized_e6) *realized_e6 = ledger->sum.realized_e6 - before;
  return PMM_OK;
}

/* -- figures -- */
void pmm_ledger_totals(const pmm_ledger_t *ledger, pmm_ledger_totals_t *out) {
  *out = (pmm_ledger_totals_t){.cash_e6 = ledger->cash_e6, .reserved_e6 = ledger->reserved_e6, .deposits_e6 = ledger->deposits_e6,
    .cost_e6 = ledger->sum.cost_e6[PMM__YES] + ledger->sum.cost_e6[PMM__NO], .fees_e6 = ledger->sum.fees_e6,
    .rebates_e6 = ledger->sum.rebates_e6, .realized_e6 = ledger->sum.realized_e6};
}

int64_t pmm_ledger_unrealized(const pmm_ledger_t *ledger, uint32_t slot, int64_t yes_value_e6) {
  assert(slot < ledger->slot_cnt);
  const pmm__account_t *const a = &ledger->slot[slot].now;
  return pmm_muldiv_floor(a->qty_e6[PMM__YES], yes_value_e6, PMM_ONE_E6) +
         pmm_muldiv_floor(a->qty_e6[PMM__NO], PMM_ONE_E6 - yes_value_e6, PMM_ONE_E6) - a->cost_e6[PMM__YES] - a->cost_e6[PMM__NO];
}
