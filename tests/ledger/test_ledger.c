/* The ledger against worked examples, the venues' vectors, and a table of refusals. */
#include <jansson.h>
#include "base/check.h"
#include "pmm/ledger.h"
#include "pmm/decimal.h"

#define ARENA_BYTES (1 << 20)
static _Alignas(64) unsigned char memory[ARENA_BYTES];

static pmm_ledger_t *new_ledger(uint32_t slots, uint32_t pending_max, bool net_pairs, int64_t cash_e6) {
  pmm_arena_t arena;
  pmm_arena_init(&arena, memory, sizeof memory);
  pmm_ledger_t *l = NULL;
  pmm_ledger_config_t const config = {.slot_cnt = slots, .pending_max = pending_max};
  assert_int_equal(pmm_ledger_init(&l, &arena, &config), PMM_OK);
  for (uint32_t i = 0; i < slots; i++) assert_int_equal(pmm_ledger_slot(l, i, i / 2, net_pairs), PMM_OK);
  assert_int_equal(pmm_ledger_deposit(l, cash_e6), PMM_OK);
  return l;
}

static void assert_sound(const pmm_ledger_t *l) {
  pmm_error_t err = {0};
  if (pmm_ledger_check(l, &err) != PMM_OK) fail_msg("%s", err.text);
}

static pmm_fill_t fill_of(pmm_route_t route, int32_t price_e4, int64_t qty_e6) {
  return (pmm_fill_t){.route = (uint8_t)route, .price_e4 = price_e4, .qty_e6 = qty_e6};
}

static int64_t do_fill(pmm_ledger_t *l, pmm_fill_t f) {
  int64_t realized = 0;
  assert_int_equal(pmm_ledger_fill(l, &f, &realized), PMM_OK);
  return realized;
}

static pmm_position_t position(const pmm_ledger_t *l, uint32_t slot) {
  pmm_position_t p;
  pmm_ledger_position(l, slot, &p);
  return p;
}

/* -- worked examples -- */
static void test_average_cost(void **state) {
  (void)state;
  pmm_ledger_t *const l = new_ledger(1, 0, false, 100000000);
  do_fill(l, fill_of(PMM_BUY_YES, 3333, 3000000)); /* 3 at 0.3333: 999 900 */
  do_fill(l, fill_of(PMM_BUY_YES, 5000, 4000000)); /* 4 at 0.50: 2 000 000 */
  assert_int_equal(position(l, 0).yes_cost_e6, 2999900);
  /* 2 of 7 take floor(2 999 900 * 2 / 7) = 857 114 with them */
  assert_int_equal(do_fill(l, fill_of(PMM_SELL_YES, 6000, 2000000)), 1200000 - 857114);
  assert_int_equal(position(l, 0).yes_cost_e6, 2999900 - 857114);
  /* the last five take every remaining micro-dollar */
  assert_int_equal(do_fill(l, fill_of(PMM_SELL_YES, 6000, 5000000)), 3000000 - 2142786);
  assert_int_equal(position(l, 0).yes_cost_e6, 0);
  assert_int_equal(pmm_ledger_cash(l), 100000000 - 2999900 + 4200000);
  assert_sound(l);
}

static void test_no_is_priced_at_the_rest_of_a_dollar(void **state) {
  (void)state;
  pmm_ledger_t *const l = new_ledger(1, 0, false, 10000000);
  do_fill(l, fill_of(PMM_BUY_NO, 4000, 10000000)); /* an ask at 0.40 buys NO at 0.60 */
  assert_int_equal(pmm_ledger_cash(l), 4000000);
  assert_int_equal(do_fill(l, fill_of(PMM_SELL_NO, 3000, 10000000)), 1000000); /* a bid at 0.30 sells it at 0.70 */
  assert_int_equal(pmm_ledger_cash(l), 11000000);
  assert_sound(l);
}

static void test_rounding_is_against_us(void **state) {
  (void)state;
  pmm_ledger_t *const l = new_ledger(1, 0, false, 10000000);
  do_fill(l, fill_of(PMM_BUY_YES, 3333, 333)); /* 110.9889 micro-dollars: pays 111 */
  assert_int_equal(pmm_ledger_cash(l), 10000000 - 111);
  do_fill(l, fill_of(PMM_SELL_YES, 3333, 333)); /* receives 110 */
  assert_int_equal(pmm_ledger_cash(l), 10000000 - 1);
  assert_sound(l);
}

/* models.md section 6.8: 100 YES for $40 and 500 NO for $275: YES pays -$215, NO pays +$185. */
static void test_settlement_of_both_sides(void **state) {
  (void)state;
  for (int yes = 0; yes < 2; yes++) {
    pmm_ledger_t *const l = new_ledger(1, 0, false, 1000000000);
    do_fill(l, fill_of(PMM_BUY_YES, 4000, 100000000));
    do_fill(l, fill_of(PMM_BUY_NO, 4500, 500000000));
    assert_int_equal(position(l, 0).yes_cost_e6, 40000000);
    assert_int_equal(position(l, 0).no_cost_e6, 275000000);
    assert_int_equal(pmm_ledger_unrealized(l, 0, yes ? 1000000 : 0), yes ? -215000000 : 185000000);
    int64_t realized;
    assert_int_equal(pmm_ledger_resolve(l, 0, yes ? 1000000 : 0, &realized), PMM_OK);
    assert_int_equal(realized, yes ? -215000000 : 185000000);
    assert_int_equal(pmm_ledger_cash(l), 1000000000 + realized);
    assert_int_equal(position(l, 0).yes_e6 + position(l, 0).no_e6, 0);
    assert_sound(l);
  }
}

static void test_fees_and_rebates(void **state) {
  (void)state;
  pmm_ledger_t *const l = new_ledger(1, 0, false, 10000000);
  pmm_fill_t f = fill_of(PMM_BUY_YES, 5000, 2000000);
  f.fee_e6 = 700;
  do_fill(l, f);
  f = fill_of(PMM_SELL_YES, 5000, 1000000);
  f.fee_e6 = -200;
  assert_int_equal(do_fill(l, f), 0); /* realized is gross of fees */
  pmm_ledger_totals_t t;
  pmm_ledger_totals(l, &t);
  assert_int_equal(t.fees_e6, 500);
  assert_int_equal(t.rebates_e6, 200);
  assert_int_equal(t.realized_e6, 0);
  assert_int_equal(t.cost_e6, 500000);
  assert_int_equal(t.cash_e6, 10000000 - 500000 - 500);
  assert_int_equal(t.deposits_e6, pmm_ledger_deposits(l));
  assert_int_equal(position(l, 0).fees_e6, 500);
  assert_sound(l);
}

/* docs/accounting.md, line by line. */
static void test_the_example_in_the_docs(void **state) {
  (void)state;
  static const struct { pmm_route_t route; int32_t price; int64_t qty, fee, cash, yes, yes_cost, no, no_cost, realized; } rows[] = {
    {PMM_BUY_YES, 4000, 10000000, 20000, 95980000, 10000000, 4000000, 0, 0, 0},
    {PMM_BUY_YES, 4300, 5000000, 0, 93830000, 15000000, 6150000, 0, 0, 0},
    {PMM_SELL_YES, 4600, 7000000, 0, 97050000, 8000000, 3280000, 0, 0, 350000},
    {PMM_BUY_NO, 4700, 3000000, -1000, 95461000, 8000000, 3280000, 3000000, 1590000, 350000},
  };
  pmm_ledger_t *const l = new_ledger(1, 0, false, 100000000);
  for (size_t i = 0; i < COUNT_OF(rows); i++) {
    pmm_fill_t f = fill_of(rows[i].route, rows[i].price, rows[i].qty);
    f.fee_e6 = rows[i].fee;
    do_fill(l, f);
    pmm_position_t const p = position(l, 0);
    assert_int_equal(pmm_ledger_cash(l), rows[i].cash);
    assert_int_equal(p.yes_e6, rows[i].yes);
    assert_int_equal(p.yes_cost_e6, rows[i].yes_cost);
    assert_int_equal(p.no_e6, rows[i].no);
    assert_int_equal(p.no_cost_e6, rows[i].no_cost);
    assert_int_equal(p.realized_e6, rows[i].realized);
    assert_sound(l);
  }
  assert_int_equal(pmm_ledger_unrealized(l, 0, 450000), 8 * 450000 + 3 * 550000 - 3280000 - 1590000);
  assert_int_equal(pmm_ledger_merge(l, 0, 3000000, NULL), PMM_OK);
  assert_int_equal(pmm_ledger_cash(l), 98461000);
  assert_int_equal(position(l, 0).yes_cost_e6, 2050000);
  assert_int_equal(position(l, 0).realized_e6, 530000);
  assert_int_equal(pmm_ledger_resolve(l, 0, 1000000, NULL), PMM_OK);
  assert_int_equal(pmm_ledger_cash(l), 103461000);
  assert_int_equal(position(l, 0).realized_e6, 3480000);
  assert_int_equal(position(l, 0).fees_e6, 19000);
}

/* -- locks -- */
static void test_locks(void **state) {
  (void)state;
  pmm_ledger_t *const l = new_ledger(1, 0, false, 10000000);
  pmm_lock_t buy = {0}, sell = {0};
  assert_int_equal(pmm_ledger_lock(l, &buy, 0, PMM_BUY_NO, 4000, 10000000, 5000), PMM_OK);
  assert_int_equal(pmm_ledger_reserved(l), 6005000);
  assert_int_equal(pmm_ledger_free(l), 3995000);
  pmm_lock_t more = {0};
  assert_int_equal(pmm_ledger_lock(l, &more, 0, PMM_BUY_YES, 5000, 8000000, 0), PMM_FUNDS);
  assert_int_equal(more.cash_e6, 0);
  assert_int_equal(pmm_ledger_deposit(l, -3995001), PMM_FUNDS);
  do_fill(l, fill_of(PMM_BUY_NO, 4000, 4000000)); /* the order's own fill: cash may dip below the reserve meanwhile */
  assert_int_equal(pmm_ledger_lock(l, &buy, 0, PMM_BUY_NO, 4000, 6000000, 3000), PMM_OK);
  assert_int_equal(pmm_ledger_reserved(l), 3603000);
  assert_int_equal(pmm_ledger_lock(l, &sell, 0, PMM_SELL_NO, 3000, 5000000, 0), PMM_FUNDS);
  assert_int_equal(pmm_ledger_lock(l, &sell, 0, PMM_SELL_NO, 3000, 4000000, 0), PMM_OK);
  assert_int_equal(position(l, 0).no_sellable_e6, 0);
  assert_int_equal(position(l, 0).no_locked_e6, 4000000);
  assert_int_equal(pmm_ledger_resolve(l, 0, 0, NULL), PMM_STATE);
  do_fill(l, fill_of(PMM_SELL_NO, 3000, 1500000));
  assert_int_equal(pmm_ledger_lock(l, &sell, 0, PMM_SELL_NO, 3000, 2500000, 0), PMM_OK);
  assert_sound(l);
  assert_int_equal(pmm_ledger_lock(l, &sell, 0, PMM_SELL_NO, 3000, 0, 0), PMM_OK);
  assert_int_equal(pmm_ledger_lock(l, &buy, 0, PMM_BUY_NO, 4000, 0, 0), PMM_OK);
  assert_int_equal(pmm_ledger_reserved(l), 0);
  assert_int_equal(buy.cash_e6 + sell.qty_e6, 0);
  assert_int_equal(pmm_ledger_resolve(l, 0, 0, NULL), PMM_OK);
  assert_sound(l);
}

/* -- pairs -- */
static void test_netting(void **state) {
  (void)state;
  pmm_ledger_t *const l = new_ledger(1, 4, true, 100000000);
  do_fill(l, fill_of(PMM_BUY_YES, 4000, 10000000));
  assert_int_equal(do_fill(l, fill_of(PMM_BUY_NO, 4500, 4000000)), 200000); /* 4 pairs for 1.60 + 2.20 */
  assert_int_equal(position(l, 0).yes_e6, 6000000);
  assert_int_equal(position(l, 0).no_e6, 0);
  /* locked contracts are netted when the lock goes */
  pmm_lock_t lock = {0};
  assert_int_equal(pmm_ledger_lock(l, &lock, 0, PMM_SELL_YES, 5000, 5000000, 0), PMM_OK);
  do_fill(l, fill_of(PMM_BUY_NO, 4500, 3000000));
  assert_int_equal(position(l, 0).no_e6, 2000000);
  assert_int_equal(position(l, 0).yes_e6, 5000000);
  assert_int_equal(pmm_ledger_lock(l, &lock, 0, PMM_SELL_YES, 5000, 0, 0), PMM_OK);
  assert_int_equal(position(l, 0).no_e6, 0);
  assert_int_equal(position(l, 0).yes_e6, 3000000);
  /* unsettled ones when they settle */
  pmm_fill_t f = fill_of(PMM_BUY_NO, 4500, 1000000);
  f.pending = true;
  f.trade_id = 7;
  do_fill(l, f);
  assert_int_equal(position(l, 0).no_e6, 1000000);
  assert_int_equal(position(l, 0).no_sellable_e6, 0);
  assert_int_equal(pmm_ledger_settle(l, 7), PMM_OK);
  assert_int_equal(position(l, 0).no_e6, 0);
  assert_int_equal(position(l, 0).yes_e6, 2000000);
  assert_sound(l);
}

static void test_merge(void **state) {
  (void)state;
  pmm_ledger_t *const l = new_ledger(1, 4, false, 100000000);
  do_fill(l, fill_of(PMM_BUY_YES, 4000, 10000000));
  do_fill(l, fill_of(PMM_BUY_NO, 4500, 4000000));
  int64_t realized = 0;
  assert_int_equal(pmm_ledger_merge(l, 0, 4000001, &realized), PMM_FUNDS);
  assert_int_equal(pmm_ledger_merge(l, 0, 0, &realized), PMM_INVAL);
  assert_int_equal(pmm_ledger_merge(l, 9, 1, &realized), PMM_INVAL);
  assert_int_equal(pmm_ledger_merge(l, 0, 4000000, &realized), PMM_OK);
  assert_int_equal(realized, 200000);
  assert_int_equal(position(l, 0).realized_e6, 200000);
  assert_sound(l);
}

/* -- settlement that fails -- */
static pmm_fill_t pending_fill(uint64_t id, pmm_route_t route, int32_t price_e4, int64_t qty_e6) {
  pmm_fill_t f = fill_of(route, price_e4, qty_e6);
  f.pending = true;
  f.trade_id = id;
  return f;
}

static void test_failed_sale_comes_back(void **state) {
  (void)state;
  pmm_ledger_t *const l = new_ledger(1, 4, false, 100000000);
  do_fill(l, fill_of(PMM_BUY_YES, 3333, 3000000));
  assert_int_equal(do_fill(l, pending_fill(1, PMM_SELL_YES, 5000, 1000000)), 500000 - 333300);
  do_fill(l, fill_of(PMM_BUY_YES, 5000, 1000000)); /* averages into what is left */
  do_fill(l, fill_of(PMM_SELL_YES, 5000, 1000000));
  pmm_fill_t undone;
  assert_true(pmm_ledger_pending(l, 1, &undone));
  assert_int_equal(pmm_ledger_fail(l, 1, &undone), PMM_OK);
  assert_int_equal(undone.qty_e6, 1000000);
  /* as if: buy 3 at .3333, buy 1 at .50, sell 1: floor(1 499 900 / 4) = 374 975 */
  assert_int_equal(position(l, 0).yes_e6, 3000000);
  assert_int_equal(position(l, 0).yes_cost_e6, 1499900 - 374975);
  assert_int_equal(position(l, 0).realized_e6, 500000 - 374975);
  assert_false(pmm_ledger_pending(l, 1, NULL));
  assert_int_equal(pmm_ledger_fail(l, 1, NULL), PMM_NOT_FOUND);
  assert_int_equal(pmm_ledger_settle(l, 1), PMM_NOT_FOUND);
  assert_sound(l);
}

static void test_unsettled_is_owned_but_not_sellable(void **state) {
  (void)state;
  pmm_ledger_t *const l = new_ledger(1, 4, false, 100000000);
  do_fill(l, pending_fill(1, PMM_BUY_YES, 5000, 2000000));
  assert_int_equal(position(l, 0).yes_e6, 2000000);
  assert_int_equal(position(l, 0).yes_sellable_e6, 0);
  pmm_fill_t const sale = fill_of(PMM_SELL_YES, 5000, 1);
  assert_int_equal(pmm_ledger_fill(l, &sale, NULL), PMM_FUNDS);
  pmm_lock_t lock = {0};
  assert_int_equal(pmm_ledger_lock(l, &lock, 0, PMM_SELL_YES, 5000, 1, 0), PMM_FUNDS);
  assert_int_equal(pmm_ledger_settle(l, 1), PMM_OK);
  assert_int_equal(position(l, 0).yes_sellable_e6, 2000000);
  assert_sound(l);
}

static void test_failure_after_the_market_resolved(void **state) {
  (void)state;
  pmm_ledger_t *const l = new_ledger(2, 4, false, 100000000);
  do_fill(l, fill_of(PMM_BUY_YES, 5000, 1000000));
  do_fill(l, pending_fill(1, PMM_BUY_YES, 5000, 2000000));
  do_fill(l, pending_fill(2, PMM_BUY_YES, 6000, 3000000));
  assert_int_equal(pmm_ledger_resolve(l, 0, 1000000, NULL), PMM_OK);
  assert_int_equal(pmm_ledger_cash(l), 100000000 + 500000 + 1000000 + 1200000);
  assert_int_equal(position(l, 0).yes_e6, 0);
  assert_sound(l);
  assert_int_equal(pmm_ledger_fail(l, 2, NULL), PMM_OK);
  assert_int_equal(pmm_ledger_cash(l), 100000000 + 500000 + 1000000);
  assert_int_equal(pmm_ledger_settle(l, 1), PMM_OK);
  assert_int_equal(position(l, 0).yes_sellable_e6, 0);
  assert_sound(l);
}

/* -- refusals -- */
static void test_refusals(void **state) {
  (void)state;
  static const struct { const char *why; pmm_fill_t fill; pmm_status_t want; } rows[] = {
    {"no such slot", {.slot = 9, .price_e4 = 5000, .qty_e6 = 1}, PMM_INVAL},
    {"price 0 is none", {.price_e4 = 0, .qty_e6 = 1}, PMM_INVAL},
    {"a dollar is no price", {.price_e4 = 10000, .qty_e6 = 1}, PMM_INVAL},
    {"nothing filled", {.price_e4 = 5000, .qty_e6 = 0}, PMM_INVAL},
    {"absurd size", {.price_e4 = 5000, .qty_e6 = PMM_LEDGER_AMOUNT_MAX + 1}, PMM_INVAL},
    {"absurd fee", {.price_e4 = 5000, .qty_e6 = 1, .fee_e6 = PMM_LEDGER_AMOUNT_MAX + 1}, PMM_INVAL},
    {"absurd rebate", {.price_e4 = 5000, .qty_e6 = 1, .fee_e6 = -PMM_LEDGER_AMOUNT_MAX - 1}, PMM_INVAL},
    {"no such route", {.route = 4, .price_e4 = 5000, .qty_e6 = 1}, PMM_INVAL},
    {"nothing to sell", {.route = PMM_SELL_YES, .price_e4 = 5000, .qty_e6 = 1}, PMM_FUNDS},
    {"not that much cash", {.route = PMM_BUY_YES, .price_e4 = 5000, .qty_e6 = 2000001}, PMM_FUNDS},
    {"the fee counts", {.route = PMM_BUY_YES, .price_e4 = 5000, .qty_e6 = 2000000, .fee_e6 = 1}, PMM_FUNDS},
    {"no room to wait", {.pending = true, .price_e4 = 5000, .qty_e6 = 1}, PMM_FULL},
  };
  for (size_t i = 0; i < COUNT_OF(rows); i++) {
    pmm_ledger_t *const l = new_ledger(1, 0, false, 1000000);
    uint64_t const before = pmm_ledger_hash(l, 0);
    if (pmm_ledger_fill(l, &rows[i].fill, NULL) != rows[i].want) fail_msg("%s", rows[i].why);
    if (pmm_ledger_hash(l, 0) != before) fail_msg("%s: refused but changed", rows[i].why);
    assert_sound(l);
  }
}

static void test_limits(void **state) {
  (void)state;
  pmm_ledger_t *const l = new_ledger(2, 1, false, 1000000000);
  do_fill(l, pending_fill(5, PMM_BUY_YES, 5000, 1000000));
  pmm_fill_t f = pending_fill(5, PMM_BUY_YES, 5000, 1000000);
  assert_int_equal(pmm_ledger_fill(l, &f, NULL), PMM_FULL);
  int cnt = 0;
  f = fill_of(PMM_BUY_NO, 5000, 1000000);
  while (pmm_ledger_fill(l, &f, NULL) == PMM_OK) cnt++;
  assert_int_equal(cnt, 7); /* eight operations per pending fill, its own included */
  assert_int_equal(pmm_ledger_fill(l, &f, NULL), PMM_FULL);
  assert_int_equal(pmm_ledger_merge(l, 0, 1000000, NULL), PMM_FUNDS);
  assert_sound(l);
  assert_int_equal(pmm_ledger_resolve(l, 0, 500000, NULL), PMM_OK); /* a payout always has room */
  assert_sound(l);
  assert_int_equal(pmm_ledger_settle(l, 5), PMM_OK);
  assert_int_equal(pmm_ledger_fill(l, &f, NULL), PMM_OK);
  assert_sound(l);
  assert_int_equal(pmm_ledger_resolve(l, 0, -1, NULL), PMM_INVAL);
  assert_int_equal(pmm_ledger_resolve(l, 0, 1000001, NULL), PMM_INVAL);
  assert_int_equal(pmm_ledger_resolve(l, 77, 0, NULL), PMM_OK);
  assert_int_equal(pmm_ledger_deposit(l, PMM_LEDGER_AMOUNT_MAX + 1), PMM_INVAL);
}

static void test_same_trade_twice(void **state) {
  (void)state;
  pmm_ledger_t *const l = new_ledger(1, 4, false, 1000000000);
  pmm_fill_t const f = pending_fill(5, PMM_BUY_YES, 5000, 1000000);
  do_fill(l, f);
  assert_int_equal(pmm_ledger_fill(l, &f, NULL), PMM_EXISTS);
  assert_int_equal(pmm_ledger_settle(l, 5), PMM_OK);
  do_fill(l, f); /* an id may come back once the first is final: guarding against repeats is the caller's job */
  assert_sound(l);
}

static void test_construction(void **state) {
  (void)state;
  pmm_arena_t arena;
  pmm_ledger_t *l = NULL;
  pmm_ledger_config_t config = {.slot_cnt = 0};
  pmm_arena_init(&arena, memory, sizeof memory);
  assert_int_equal(pmm_ledger_init(&l, &arena, &config), PMM_INVAL);
  config = (pmm_ledger_config_t){.slot_cnt = 1, .pending_max = UINT32_MAX};
  assert_int_equal(pmm_ledger_init(&l, &arena, &config), PMM_INVAL);
  config = (pmm_ledger_config_t){.slot_cnt = 1000, .pending_max = 1000};
  pmm_arena_init(&arena, memory, 64);
  assert_int_equal(pmm_ledger_init(&l, &arena, &config), PMM_FULL);
  pmm_arena_init(&arena, memory, 4096);
  assert_int_equal(pmm_ledger_init(&l, &arena, &config), PMM_FULL);
  assert_null(l);
  l = new_ledger(2, 0, false, 0);
  assert_int_equal(pmm_ledger_slot(l, 0, 0, false), PMM_EXISTS);
  assert_int_equal(pmm_ledger_slot(l, 2, 0, false), PMM_INVAL);
}

/* -- the venue's own figures -- */
static json_t *load_vectors(const char *key) {
  json_t *const all = json_load_file("tests/vectors/kalshi_vectors.json", 0, NULL);
  assert_non_null(all);
  json_t *const part = json_object_get(all, key);
  assert_non_null(part);
  json_incref(part);
  json_decref(all);
  return part;
}

static int64_t number(const json_t *v, int scale) {
  const char *const text = json_string_value(v);
  int64_t out = 0;
  assert_non_null(text);
  assert_int_equal(pmm_decimal_parse(text, strlen(text), scale, &out, NULL), PMM_OK);
  return out;
}

/* Each way of wording the fills must give the venue's position, realized P&L and exposure: asks as buys of NO that
   net, or asks as sales of what is held first. */
static void run_position_case(json_t *c, bool sell_first) {
  pmm_ledger_t *const l = new_ledger(1, 0, true, 100000000);
  size_t i;
  json_t *f;
  json_array_foreach(json_object_get(c, "fills"), i, f) {
    bool const bid = strcmp(json_string_value(json_array_get(f, 0)), "bid") == 0;
    int64_t left = number(json_array_get(f, 1), 6);
    int32_t const price = (int32_t)number(json_array_get(f, 2), 4);
    pmm_position_t const p = position(l, 0);
    int64_t const held = bid ? p.no_sellable_e6 : p.yes_sellable_e6;
    int64_t const sell = sell_first ? pmm_min64(held, left) : 0;
    if (sell) do_fill(l, fill_of(bid ? PMM_SELL_NO : PMM_SELL_YES, price, sell));
    left -= sell;
    if (left) do_fill(l, fill_of(bid ? PMM_BUY_YES : PMM_BUY_NO, price, left));
  }
  pmm_position_t const p = position(l, 0);
  assert_int_equal(pmm_position_net(&p), number(json_object_get(c, "position_fp"), 6));
  assert_int_equal(p.realized_e6, number(json_object_get(c, "realized_pnl"), 6));
  assert_int_equal(p.yes_cost_e6 + p.no_cost_e6, number(json_object_get(c, "market_exposure"), 6));
  assert_sound(l);
}

static void test_kalshi_positions(void **state) {
  (void)state;
  json_t *const part = load_vectors("positions");
  size_t i;
  json_t *c;
  json_array_foreach(json_object_get(part, "cases"), i, c) {
    run_position_case(c, false);
    run_position_case(c, true);
  }
  assert_true(i >= 3);
  json_decref(part);
}

static void test_kalshi_settlement(void **state) {
  (void)state;
  json_t *const part = load_vectors("settlement");
  size_t i;
  json_t *c;
  json_array_foreach(json_object_get(part, "cases"), i, c) {
    pmm_ledger_t *const l = new_ledger(1, 0, true, 100000000);
    int64_t const net = number(json_object_get(c, "position_fp"), 6);
    if (net) do_fill(l, fill_of(net > 0 ? PMM_BUY_YES : PMM_BUY_NO, 4000, pmm_abs64(net)));
    int64_t const before = pmm_ledger_cash(l);
    assert_int_equal(pmm_ledger_resolve(l, 0, number(json_object_get(c, "settlement_value_dollars"), 6), NULL), PMM_OK);
    assert_int_equal(pmm_ledger_cash(l) - before, number(json_object_get(c, "payout_dollars"), 6));
    assert_sound(l);
  }
  assert_true(i >= 8);
  json_decref(part);
}

/* An order that opens exposure locks what the venue calls its collateral. */
static void test_kalshi_direction(void **state) {
  (void)state;
  json_t *const part = load_vectors("direction");
  size_t i;
  json_t *c;
  json_array_foreach(json_object_get(part, "cases"), i, c) {
    pmm_ledger_t *const l = new_ledger(1, 0, true, 100000000);
    const char *const side = json_string_value(json_object_get(json_object_get(c, "v2"), "side"));
    int32_t const price = (int32_t)number(json_object_get(json_object_get(c, "v2"), "price"), 4);
    pmm_route_t const route = strcmp(side, "bid") == 0 ? PMM_BUY_YES : PMM_BUY_NO;
    pmm_lock_t lock = {0};
    assert_int_equal(pmm_ledger_lock(l, &lock, 0, route, price, PMM_ONE_E6, 0), PMM_OK);
    assert_int_equal(lock.cash_e6, number(json_object_get(c, "collateral_per_contract"), 6));
    do_fill(l, (pmm_fill_t){.route = (uint8_t)route, .price_e4 = price, .qty_e6 = PMM_ONE_E6});
    bool const yes = strcmp(json_string_value(json_object_get(c, "outcome_side")), "yes") == 0;
    pmm_position_t const p = position(l, 0);
    assert_int_equal(pmm_position_net(&p), yes ? PMM_ONE_E6 : -PMM_ONE_E6);
  }
  assert_true(i >= 4);
  json_decref(part);
}

/* -- the check itself must be able to fail -- */
/* -- wallets: slots 0 and 1 are at one venue, 2 and 3 at another -- */
static pmm_ledger_t *two_wallets(int64_t first_e6, int64_t second_e6) {
  pmm_arena_t arena;
  pmm_arena_init(&arena, memory, sizeof memory);
  pmm_ledger_t *l = NULL;
  pmm_ledger_config_t const config = {.slot_cnt = 4, .pending_max = 8, .wallet_cnt = 2};
  assert_int_equal(pmm_ledger_init(&l, &arena, &config), PMM_OK);
  assert_int_equal(pmm_ledger_slot_wallet(l, 0, 1), PMM_INVAL); /* not bound yet */
  for (uint32_t i = 0; i < 4; i++) assert_int_equal(pmm_ledger_slot(l, i, i, false), PMM_OK);
  for (uint32_t i = 2; i < 4; i++) assert_int_equal(pmm_ledger_slot_wallet(l, i, 1), PMM_OK);
  assert_int_equal(pmm_ledger_slot_wallet(l, 0, 2), PMM_INVAL);
  assert_int_equal(pmm_ledger_deposit_in(l, 0, first_e6), PMM_OK);
  assert_int_equal(pmm_ledger_deposit_in(l, 1, second_e6), PMM_OK);
  assert_int_equal(pmm_ledger_deposit_in(l, 2, 1), PMM_INVAL);
  return l;
}

static void test_a_wallet_pays_for_its_own(void **state) {
  (void)state;
  pmm_ledger_t *const l = two_wallets(1000000, 5000000);
  assert_int_equal(pmm_ledger_cash(l), 6000000);
  pmm_lock_t lock = {0};
  assert_int_equal(pmm_ledger_lock(l, &lock, 0, PMM_BUY_YES, 5000, 4000000, 0), PMM_FUNDS); /* two dollars, and six over both */
  assert_int_equal(pmm_ledger_lock(l, &lock, 2, PMM_BUY_YES, 5000, 4000000, 0), PMM_OK);
  assert_int_equal(pmm_ledger_slot_free(l, 0), 1000000);
  assert_int_equal(pmm_ledger_slot_free(l, 3), 3000000);
  assert_int_equal(pmm_ledger_deposit_in(l, 1, -3000001), PMM_FUNDS);
  pmm_fill_t f = fill_of(PMM_BUY_YES, 5000, 4000000);
  assert_int_equal(pmm_ledger_fill(l, &f, NULL), PMM_FUNDS);
  f.slot = 2;
  f.pending = true;
  f.trade_id = 9;
  assert_int_equal(pmm_ledger_fill(l, &f, NULL), PMM_OK);
  assert_int_equal(pmm_ledger_lock(l, &lock, 2, PMM_BUY_YES, 5000, 0, 0), PMM_OK);
  assert_int_equal(pmm_ledger_wallet_cash(l, 0), 1000000);
  assert_int_equal(pmm_ledger_wallet_cash(l, 1), 3000000);
  assert_int_equal(pmm_ledger_slot_wallet(l, 2, 0), PMM_STATE);
  assert_int_equal(pmm_ledger_fail(l, 9, NULL), PMM_OK); /* back to where it came from */
  assert_int_equal(pmm_ledger_wallet_cash(l, 1), 5000000);
  assert_sound(l);
}

static void test_adopted_holdings(void **state) {
  (void)state;
  pmm_ledger_t *const l = two_wallets(1000000, 5000000);
  static const struct { uint32_t slot; int outcome; int64_t qty, cost; } bad[] = {{4, 0, 1, 1}, {0, 2, 1, 1}, {0, 0, 0, 1}, {0, 0, 1, -1}};
  for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) assert_int_equal(pmm_ledger_adopt(l, bad[i].slot, bad[i].outcome, bad[i].qty, bad[i].cost), PMM_INVAL);
  assert_int_equal(pmm_ledger_adopt(l, 3, 1, 10000000, 6000000), PMM_OK); /* ten NO that cost six dollars */
  assert_int_equal(pmm_ledger_cash(l), 6000000);
  assert_int_equal(pmm_ledger_deposits(l), 12000000);
  assert_int_equal(position(l, 3).no_cost_e6, 6000000);
  assert_int_equal(position(l, 3).no_sellable_e6, 10000000);
  pmm_fill_t f = fill_of(PMM_SELL_NO, 3000, 5000000); /* five of them at 0.70 */
  f.slot = 3;
  assert_int_equal(do_fill(l, f), 500000);
  assert_int_equal(pmm_ledger_wallet_cash(l, 1), 8500000);
  int64_t realized = 0;
  assert_int_equal(pmm_ledger_resolve(l, 3, PMM_ONE_E6, &realized), PMM_OK);
  assert_int_equal(realized, -3000000);
  assert_sound(l);
}

static void test_check_sees_lost_money(void **state) {
  (void)state;
  pmm_ledger_t *const l = new_ledger(1, 4, false, 1000000);
  do_fill(l, pending_fill(1, PMM_BUY_YES, 5000, 1000000));
  int64_t *const cash = (int64_t *)l; /* cash is the ledger's first field */
  assert_int_equal(*cash, pmm_ledger_cash(l));
  *cash += 1;
  pmm_error_t err;
  assert_int_equal(pmm_ledger_check(l, &err), PMM_CORRUPT);
  *cash -= 1;
  assert_sound(l);
}

int main(void) {
  const struct CMUnitTest tests[] = {
    cmocka_unit_test(test_average_cost), cmocka_unit_test(test_no_is_priced_at_the_rest_of_a_dollar),
    cmocka_unit_test(test_rounding_is_against_us), cmocka_unit_test(test_settlement_of_both_sides),
    cmocka_unit_test(test_fees_and_rebates), cmocka_unit_test(test_the_example_in_the_docs), cmocka_unit_test(test_locks), cmocka_unit_test(test_netting), cmocka_unit_test(test_merge),
    cmocka_unit_test(test_failed_sale_comes_back), cmocka_unit_test(test_unsettled_is_owned_but_not_sellable),
    cmocka_unit_test(test_failure_after_the_market_resolved), cmocka_unit_test(test_refusals), cmocka_unit_test(test_limits),
    cmocka_unit_test(test_same_trade_twice), cmocka_unit_test(test_construction), cmocka_unit_test(test_kalshi_positions),
    cmocka_unit_test(test_kalshi_settlement), cmocka_unit_test(test_kalshi_direction), cmocka_unit_test(test_check_sees_lost_money),
    cmocka_unit_test(test_a_wallet_pays_for_its_own), cmocka_unit_test(test_adopted_holdings),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
