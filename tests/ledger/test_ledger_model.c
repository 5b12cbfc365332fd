/* Random operations on the ledger against a slow, obvious model: it keeps the whole list of what happened and computes
   everything from it, in 128 bits, after every operation. A failed fill is simply taken off the list. After each failure
   a second, fresh ledger that never saw the fill must also have the same hash. */
#include "base/check.h"
#include "pmm/ledger.h"

#define SLOTS 3    /* 0 and 1 in market 0, 2 in market 1; slot 1 nets its pairs */
#define LOCKS 4    /* per slot */
#define FACTS 160  /* then a new world begins */
#define PENDING 24
#define ARENA_BYTES (1 << 18)
#define INITIAL_CASH INT64_C(400000000)

typedef enum fact_kind { FILL, SETTLE, PAIRS, RESOLVE } fact_kind_t;
typedef struct fact { fact_kind_t kind; uint32_t slot; pmm_fill_t fill; int64_t qty; bool paid, gone; } fact_t;
typedef struct want_lock { pmm_lock_t lock; pmm_route_t route; int32_t price; int64_t open, fee; } want_lock_t;

typedef struct world {
  pmm_ledger_t *ledger;
  fact_t fact[FACTS + 8];
  int fact_cnt;
  int64_t deposits;
  want_lock_t lock[SLOTS][LOCKS];
  uint64_t next_trade;
} world_t;

typedef struct money { __int128 qty[2], cost[2], realized, fees, rebates, cash, unsettled[2]; } money_t;

static uint32_t market_of(uint32_t slot) { return slot / 2; }
static bool nets(uint32_t slot) { return slot == 1; }
static bool is_yes(uint8_t route) { return route == PMM_BUY_YES || route == PMM_SELL_YES; }
static bool is_sell(uint8_t route) { return route == PMM_SELL_YES || route == PMM_SELL_NO; }

/* -- the model -- */
static __int128 div_floor(__int128 a, __int128 b) { return a / b - (a % b < 0); }

static __int128 part_of_cost(money_t *m, int o, __int128 qty) {
  __int128 const part = qty == m->qty[o] ? m->cost[o] : div_floor(m->cost[o] * qty, m->qty[o]);
  m->qty[o] -= qty;
  m->cost[o] -= part;
  return part;
}

static void account_for(money_t *m, const fact_t *f) {
  if (f->kind == PAIRS) {
    m->realized += f->qty - part_of_cost(m, 0, f->qty) - part_of_cost(m, 1, f->qty);
    m->cash += f->qty;
  } else if (f->kind == RESOLVE) {
    __int128 const pay = div_floor(m->qty[0] * f->qty, 1000000) + div_floor(m->qty[1] * (1000000 - f->qty), 1000000);
    m->realized += pay - part_of_cost(m, 0, m->qty[0]) - part_of_cost(m, 1, m->qty[1]);
    m->cash += pay;
  } else if (f->kind == FILL) {
    int const o = is_yes(f->fill.route) ? 0 : 1;
    __int128 const exact = (__int128)(o == 0 ? f->fill.price_e4 : 10000 - f->fill.price_e4) * f->fill.qty_e6;
    if (is_sell(f->fill.route)) {
      __int128 const got = exact / 10000;
      m->realized += got - part_of_cost(m, o, f->fill.qty_e6);
      m->cash += got;
    } else {
      __int128 const paid = (exact + 9999) / 10000;
      m->qty[o] += f->fill.qty_e6;
      m->cost[o] += paid;
      m->cash -= paid;
      if (f->fill.pending && !f->paid) m->unsettled[o] += f->fill.qty_e6;
    }
    m->cash -= f->fill.fee_e6;
    m->fees += f->fill.fee_e6;
    if (f->fill.fee_e6 < 0) m->rebates -= f->fill.fee_e6;
  }
}

static money_t slot_money(const world_t *w, uint32_t slot) {
  money_t m = {0};
  for (int i = 0; i < w->fact_cnt; i++)
    if (w->fact[i].slot == slot && !w->fact[i].gone) account_for(&m, &w->fact[i]);
  return m;
}

static int64_t locked(const world_t *w, uint32_t slot, int outcome) {
  int64_t sum = 0;
  for (int i = 0; i < LOCKS; i++)
    if (is_sell((uint8_t)w->lock[slot][i].route) && is_yes((uint8_t)w->lock[slot][i].route) == (outcome == 0)) sum += w->lock[slot][i].open;
  return sum;
}

static int64_t lock_cost(const want_lock_t *l) {
  if (is_sell((uint8_t)l->route) || l->open == 0) return 0;
  int64_t const price = is_yes((uint8_t)l->route) ? l->price : 10000 - l->price;
  return (price * l->open + 9999) / 10000 + l->fee;
}

static int64_t reserved(const world_t *w, uint32_t slot) {
  int64_t sum = 0;
  for (int i = 0; i < LOCKS; i++) sum += lock_cost(&w->lock[slot][i]);
  return sum;
}

static int64_t sellable(const world_t *w, const money_t *m, uint32_t slot, int o) { return (int64_t)(m->qty[o] - m->unsettled[o]) - locked(w, slot, o); }

static int64_t all_cash(const world_t *w) {
  __int128 cash = w->deposits;
  for (uint32_t s = 0; s < SLOTS; s++) cash += slot_money(w, s).cash;
  return (int64_t)cash;
}

static int64_t all_reserved(const world_t *w) {
  int64_t sum = 0;
  for (uint32_t s = 0; s < SLOTS; s++) sum += reserved(w, s);
  return sum;
}

static void add_fact(world_t *w, fact_t f) { w->fact[w->fact_cnt++] = f; }

static void net_now(world_t *w, uint32_t slot) {
  money_t const m = slot_money(w, slot);
  int64_t const pairs = pmm_min64(sellable(w, &m, slot, 0), sellable(w, &m, slot, 1));
  if (nets(slot) && pairs > 0) add_fact(w, (fact_t){.kind = PAIRS, .slot = slot, .qty = pairs});
}

static fact_t *pending_fact(world_t *w, uint64_t id) {
  for (int i = 0; i < w->fact_cnt; i++)
    if (w->fact[i].kind == FILL && !w->fact[i].gone && w->fact[i].fill.pending && w->fact[i].fill.trade_id == id) return &w->fact[i];
  return NULL;
}

/* -- comparing -- */
static bool same_slot(const world_t *w, uint32_t slot) {
  money_t const m = slot_money(w, slot);
  pmm_position_t p;
  pmm_ledger_position(w->ledger, slot, &p);
  return p.yes_e6 == m.qty[0] && p.no_e6 == m.qty[1] && p.yes_cost_e6 == m.cost[0] && p.no_cost_e6 == m.cost[1] &&
         p.realized_e6 == m.realized && p.fees_e6 == m.fees && p.yes_locked_e6 == locked(w, slot, 0) && p.no_locked_e6 == locked(w, slot, 1) &&
         p.yes_sellable_e6 == sellable(w, &m, slot, 0) && p.no_sellable_e6 == sellable(w, &m, slot, 1);
}

static bool same(const world_t *w) {
  pmm_ledger_totals_t t;
  pmm_ledger_totals(w->ledger, &t);
  __int128 cost = 0, fees = 0, rebates = 0, realized = 0;
  for (uint32_t s = 0; s < SLOTS; s++) {
    if (!same_slot(w, s)) return false;
    money_t const m = slot_money(w, s);
    cost += m.cost[0] + m.cost[1];
    fees += m.fees;
    rebates += m.rebates;
    realized += m.realized;
  }
  pmm_error_t err;
  return t.cash_e6 == all_cash(w) && t.reserved_e6 == all_reserved(w) && t.deposits_e6 == w->deposits && t.cost_e6 == cost && t.fees_e6 == fees &&
         t.rebates_e6 == rebates && t.realized_e6 == realized && pmm_ledger_check(w->ledger, &err) == PMM_OK;
}

static pmm_ledger_t *fresh(void *memory, bool with_netting) {
  pmm_arena_t arena;
  pmm_arena_init(&arena, memory, ARENA_BYTES);
  pmm_ledger_t *l = NULL;
  pmm_ledger_config_t const config = {.slot_cnt = SLOTS, .pending_max = PENDING};
  assert_int_equal(pmm_ledger_init(&l, &arena, &config), PMM_OK);
  for (uint32_t s = 0; s < SLOTS; s++) assert_int_equal(pmm_ledger_slot(l, s, market_of(s), with_netting && nets(s)), PMM_OK);
  return l;
}

/* A ledger that is told everything but the failed fills, pairs by hand, locks last. */
static bool same_as_never(const world_t *w) {
  static _Alignas(64) unsigned char memory[ARENA_BYTES];
  pmm_ledger_t *const l = fresh(memory, false);
  if (pmm_ledger_deposit(l, w->deposits + INITIAL_CASH) != PMM_OK) return false; /* cash on the way may be lower than at the end */
  for (int i = 0; i < w->fact_cnt; i++) {
    const fact_t *const f = &w->fact[i];
    pmm_fill_t fill = f->fill;
    fill.pending = fill.trade_id != 0; /* as it was then; its SETTLE follows */
    pmm_status_t st = PMM_OK;
    if (f->gone) continue;
    if (f->kind == FILL) st = pmm_ledger_fill(l, &fill, NULL);
    if (f->kind == SETTLE) st = pmm_ledger_settle(l, fill.trade_id);
    if (f->kind == PAIRS) st = pmm_ledger_merge(l, f->slot, f->qty, NULL);
    if (f->kind == RESOLVE && (f->slot != 1)) st = pmm_ledger_resolve(l, market_of(f->slot), f->qty, NULL);
    if (st != PMM_OK) return false;
  }
  for (uint32_t s = 0; s < SLOTS; s++)
    for (int i = 0; i < LOCKS; i++) {
      const want_lock_t *const k = &w->lock[s][i];
      pmm_lock_t lock = {0};
      if (k->open && pmm_ledger_lock(l, &lock, s, k->route, k->price, k->open, k->fee) != PMM_OK) return false;
    }
  if (pmm_ledger_deposit(l, -INITIAL_CASH) != PMM_OK) return pmm_ledger_cash(w->ledger) < pmm_ledger_reserved(w->ledger); /* overdrawn by a failed sale */
  return pmm_ledger_hash(l, 1) == pmm_ledger_hash(w->ledger, 1);
}

/* -- operations; each returns whether code and model agree on the outcome -- */
static int32_t random_price(pmm_rng_t *rng) { return (int32_t)check_between(rng, 1, 9999); }
static int64_t random_qty(pmm_rng_t *rng) { return pmm_rng_below(rng, 4) ? check_between(rng, 1, 3000) * 10000 : check_between(rng, 1, 3000000); }

static pmm_status_t expect_fill(world_t *w, const pmm_fill_t *f) {
  money_t const m = slot_money(w, f->slot);
  int const o = is_yes(f->route) ? 0 : 1;
  if (f->pending && pending_fact(w, f->trade_id)) return PMM_EXISTS;
  if (is_sell(f->route)) return m.qty[o] - m.unsettled[o] < f->qty_e6 ? PMM_FUNDS : PMM_OK;
  want_lock_t const as_lock = {.route = (pmm_route_t)f->route, .price = f->price_e4, .open = f->qty_e6, .fee = f->fee_e6};
  return lock_cost(&as_lock) > all_cash(w) ? PMM_FUNDS : PMM_OK;
}

static int pending_cnt(const world_t *w) {
  int n = 0;
  for (int i = 0; i < w->fact_cnt; i++) n += w->fact[i].kind == FILL && !w->fact[i].gone && w->fact[i].fill.pending;
  return n;
}

static bool book(world_t *w, pmm_fill_t fill, bool broken) {
  pmm_status_t const want = expect_fill(w, &fill);
  pmm_fill_t given = fill;
  given.fee_e6 += broken;
  if (pmm_ledger_fill(w->ledger, &given, NULL) != want) return false;
  if (want == PMM_OK) add_fact(w, (fact_t){.kind = FILL, .slot = fill.slot, .fill = fill});
  return true;
}

static pmm_fill_t random_fill(world_t *w, pmm_rng_t *rng) {
  bool const pending = pmm_rng_below(rng, 2) && pending_cnt(w) < PENDING;
  uint64_t id = pending ? ++w->next_trade : 0;
  if (pending && id > 3 && pmm_rng_below(rng, 16) == 0) id -= pmm_rng_below(rng, 3); /* sometimes one that is pending */
  return (pmm_fill_t){.trade_id = id, .slot = (uint32_t)pmm_rng_below(rng, SLOTS), .route = (uint8_t)pmm_rng_below(rng, 4), .pending = pending,
    .price_e4 = random_price(rng), .qty_e6 = random_qty(rng), .fee_e6 = check_between(rng, -300, 900)};
}

static bool op_fill(world_t *w, pmm_rng_t *rng, bool broken) {
  pmm_fill_t const f = random_fill(w, rng);
  money_t const m = slot_money(w, f.slot);
  int64_t const unlocked = sellable(w, &m, f.slot, is_yes(f.route) ? 0 : 1);
  if (is_sell(f.route) && f.qty_e6 > unlocked && expect_fill(w, &f) == PMM_OK) return true; /* locked: only its order may sell it */
  if (!book(w, f, broken)) return false;
  net_now(w, f.slot);
  return true;
}

static bool op_lock(world_t *w, pmm_rng_t *rng) {
  uint32_t const slot = (uint32_t)pmm_rng_below(rng, SLOTS);
  want_lock_t *const k = &w->lock[slot][pmm_rng_below(rng, LOCKS)];
  want_lock_t next = *k;
  if (k->open == 0) next = (want_lock_t){.lock = k->lock, .route = (pmm_route_t)pmm_rng_below(rng, 4), .price = random_price(rng)};
  next.open = pmm_rng_below(rng, 3) ? random_qty(rng) : 0;
  next.fee = next.open ? check_between(rng, 0, 50) : 0;
  money_t const m = slot_money(w, slot);
  int const o = is_yes((uint8_t)next.route) ? 0 : 1;
  bool const sell = is_sell((uint8_t)next.route);
  int64_t const more = sell ? next.open - k->open : lock_cost(&next) - lock_cost(k);
  int64_t const room = sell ? sellable(w, &m, slot, o) : all_cash(w) - all_reserved(w);
  pmm_status_t const want = more > 0 && more > room ? PMM_FUNDS : PMM_OK;
  if (pmm_ledger_lock(w->ledger, &next.lock, slot, next.route, next.price, next.open, next.fee) != want) return false;
  if (want != PMM_OK) return true;
  *k = next;
  if (sell && more < 0) net_now(w, slot);
  return true;
}

/* What an executor does: an order's fill, then its lock made smaller. */
static bool op_order_fill(world_t *w, pmm_rng_t *rng) {
  uint32_t const slot = (uint32_t)pmm_rng_below(rng, SLOTS);
  want_lock_t *const k = &w->lock[slot][pmm_rng_below(rng, LOCKS)];
  if (k->open == 0) return true;
  pmm_fill_t f = random_fill(w, rng);
  f.slot = slot;
  f.route = (uint8_t)k->route;
  f.price_e4 = k->price;
  f.qty_e6 = check_between(rng, 1, k->open);
  if (expect_fill(w, &f) != PMM_OK) return true;
  if (!book(w, f, false)) return false;
  if (!is_sell(f.route)) net_now(w, slot);
  else {
    money_t const m = slot_money(w, slot);
    if (pmm_min64(sellable(w, &m, slot, 0), sellable(w, &m, slot, 1)) > 0) net_now(w, slot);
  }
  k->open -= f.qty_e6;
  if (pmm_ledger_lock(w->ledger, &k->lock, slot, k->route, k->price, k->open, k->open ? k->fee : 0) != PMM_OK) return false;
  if (k->open == 0) k->fee = 0;
  if (is_sell(f.route)) net_now(w, slot);
  return true;
}

static uint64_t some_pending(world_t *w, pmm_rng_t *rng) {
  int const n = pending_cnt(w);
  if (n == 0) return UINT64_MAX;
  int pick = (int)pmm_rng_below(rng, (uint64_t)n);
  for (int i = 0;; i++)
    if (w->fact[i].kind == FILL && !w->fact[i].gone && w->fact[i].fill.pending && pick-- == 0) return w->fact[i].fill.trade_id;
}

static bool op_settle(world_t *w, pmm_rng_t *rng) {
  uint64_t const id = some_pending(w, rng);
  if (id == UINT64_MAX) return pmm_ledger_settle(w->ledger, 1 + w->next_trade) == PMM_NOT_FOUND;
  if (pmm_ledger_settle(w->ledger, id) != PMM_OK) return false;
  fact_t *const f = pending_fact(w, id);
  f->fill.pending = false;
  add_fact(w, (fact_t){.kind = SETTLE, .slot = f->slot, .fill = f->fill});
  net_now(w, f->slot);
  return true;
}

static bool op_fail(world_t *w, pmm_rng_t *rng) {
  uint64_t const id = some_pending(w, rng);
  pmm_fill_t undone;
  if (id == UINT64_MAX) return pmm_ledger_fail(w->ledger, 1 + w->next_trade, &undone) == PMM_NOT_FOUND;
  if (pmm_ledger_fail(w->ledger, id, &undone) != PMM_OK) return false;
  fact_t *const f = pending_fact(w, id);
  bool const same_fill = undone.slot == f->slot && undone.qty_e6 == f->fill.qty_e6 && undone.price_e4 == f->fill.price_e4 && undone.route == f->fill.route;
  f->gone = true;
  net_now(w, f->slot);
  return same_fill && same_as_never(w);
}

static bool op_merge(world_t *w, pmm_rng_t *rng) {
  uint32_t const slot = (uint32_t)pmm_rng_below(rng, SLOTS);
  money_t const m = slot_money(w, slot);
  int64_t const room = pmm_min64(sellable(w, &m, slot, 0), sellable(w, &m, slot, 1));
  int64_t const qty = room > 0 ? check_between(rng, 1, room + room / 8 + 1) : 1;
  pmm_status_t const want = qty > room ? PMM_FUNDS : PMM_OK;
  if (pmm_ledger_merge(w->ledger, slot, qty, NULL) != want) return false;
  if (want == PMM_OK) add_fact(w, (fact_t){.kind = PAIRS, .slot = slot, .qty = qty});
  return true;
}

static bool op_resolve(world_t *w, pmm_rng_t *rng) {
  uint32_t const market = (uint32_t)pmm_rng_below(rng, 2);
  int64_t const payout = pmm_rng_below(rng, 2) ? (int64_t)pmm_rng_below(rng, 2) * 1000000 : check_between(rng, 0, 1000000);
  bool busy = false;
  for (uint32_t s = 0; s < SLOTS; s++)
    for (int i = 0; i < LOCKS; i++) busy |= market_of(s) == market && w->lock[s][i].open != 0;
  if (pmm_ledger_resolve(w->ledger, market, payout, NULL) != (busy ? PMM_STATE : PMM_OK)) return false;
  if (busy) return true;
  for (int i = 0; i < w->fact_cnt; i++)
    if (market_of(w->fact[i].slot) == market) w->fact[i].paid = true;
  for (uint32_t s = 0; s < SLOTS; s++)
    if (market_of(s) == market) add_fact(w, (fact_t){.kind = RESOLVE, .slot = s, .qty = payout});
  return true;
}

static bool op_deposit(world_t *w, pmm_rng_t *rng) {
  int64_t const amount = check_between(rng, -60000000, 80000000);
  pmm_status_t const want = amount < 0 && all_cash(w) - all_reserved(w) < -amount ? PMM_FUNDS : PMM_OK;
  if (pmm_ledger_deposit(w->ledger, amount) != want) return false;
  if (want == PMM_OK) w->deposits += amount;
  return true;
}

static bool one_op(world_t *w, pmm_rng_t *rng, bool broken) {
  uint64_t const dice = pmm_rng_below(rng, 100);
  if (broken || dice < 34) return op_fill(w, rng, broken);
  if (dice < 52) return op_lock(w, rng);
  if (dice < 64) return op_order_fill(w, rng);
  if (dice < 76) return op_settle(w, rng);
  if (dice < 88) return op_fail(w, rng);
  if (dice < 95) return op_merge(w, rng);
  return dice < 98 ? op_deposit(w, rng) : op_resolve(w, rng);
}

static void new_world(world_t *w) {
  static _Alignas(64) unsigned char memory[ARENA_BYTES];
  memset(w, 0, sizeof *w);
  w->ledger = fresh(memory, true);
  w->deposits = INITIAL_CASH;
  assert_int_equal(pmm_ledger_deposit(w->ledger, INITIAL_CASH), PMM_OK);
}

static uint64_t property(uint64_t seed, uint64_t ops, bool broken) {
  static world_t w;
  pmm_rng_t rng;
  pmm_rng_seed(&rng, seed);
  new_world(&w);
  for (uint64_t i = 0; i < ops; i++) {
    if (w.fact_cnt + 4 > FACTS) new_world(&w);
    if (!one_op(&w, &rng, broken && i == ops / 2) || !same(&w)) return i;
  }
  return NO_MISMATCH;
}

static void test_random(void **state) {
  (void)state;
  check_random("ledger against the whole list", property, 150000);
}

static void test_canary(void **state) {
  (void)state;
  check_canary("ledger against the whole list", property, 1001);
}

int main(void) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(test_random), cmocka_unit_test(test_canary)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
