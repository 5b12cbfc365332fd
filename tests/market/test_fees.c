#include "base/check.h"
#include "pmm/event.h"
#include "pmm/fees.h"

static const pmm_fee_schedule_t kalshi_direct = {.model = PMM_FEE_KALSHI, .taker_rate_e6 = 70000, .maker_rate_e6 = 17500, .precision_e6 = 100};
static const pmm_fee_schedule_t kalshi_cents = {.model = PMM_FEE_KALSHI, .taker_rate_e6 = 70000, .maker_rate_e6 = 17500, .precision_e6 = 10000};
static const pmm_fee_schedule_t kalshi_cents_free = {.model = PMM_FEE_KALSHI, .taker_rate_e6 = 70000, .precision_e6 = 10000};
static const pmm_fee_schedule_t kalshi_exact = {.model = PMM_FEE_KALSHI, .taker_rate_e6 = 70000};
static const pmm_fee_schedule_t kalshi_table = {.model = PMM_FEE_KALSHI_CENT_TABLE, .taker_rate_e6 = 70000, .maker_rate_e6 = 17500};
static const pmm_fee_schedule_t poly_crypto = {.model = PMM_FEE_POLYMARKET, .exponent = 1, .taker_rate_e6 = 70000};
static const pmm_fee_schedule_t poly_squared = {.model = PMM_FEE_POLYMARKET, .exponent = 2, .taker_rate_e6 = 250000};
static const pmm_fee_schedule_t poly_flat = {.model = PMM_FEE_POLYMARKET, .exponent = 0, .taker_rate_e6 = 20000};
static const pmm_fee_schedule_t degen = {.model = PMM_FEE_BPS, .taker_rate_e6 = 2500, .maker_rate_e6 = 100}; /* 25 bps, 1 bp */
static const pmm_fee_schedule_t none = {.model = PMM_FEE_NONE, .taker_rate_e6 = 70000, .maker_rate_e6 = 70000};

static void charge_table(void **state) {
  (void)state;
  const struct { const char *why; const pmm_fee_schedule_t *fees; bool maker; int route; int32_t price; int64_t qty, want; } rows[] = {
      {"no fees", &none, false, PMM_BUY_YES, 5000, 1000000, 0},
      {"Kalshi, one at 0.50", &kalshi_direct, false, PMM_BUY_YES, 5000, 1000000, 17500},
      {"the same through a broker", &kalshi_cents, false, PMM_BUY_YES, 5000, 1000000, 20000},
      {"seen on demo: 1 at 0.52", &kalshi_direct, false, PMM_BUY_YES, 5200, 1000000, 17500},
      {"seen on demo: 1 at 0.99", &kalshi_direct, false, PMM_BUY_YES, 9900, 1000000, 700},
      {"maker", &kalshi_direct, true, PMM_BUY_YES, 5000, 100000000, 437500},
      {"an ask rounds its revenue the other way", &kalshi_cents, false, PMM_SELL_YES, 300, 7770000, 23100},
      {"buying NO is an ask", &kalshi_cents, false, PMM_BUY_NO, 300, 7770000, 23100},
      {"selling NO is a bid", &kalshi_cents, false, PMM_SELL_NO, 5000, 1000000, 20000},
      {"no precision: only the ceiling to 1e-6", &kalshi_exact, false, PMM_BUY_YES, 3350, 2500000, 38986},
      {"no maker fee, but the rounding stays", &kalshi_cents_free, true, PMM_BUY_YES, 3350, 10000, 6650},
      {"old table: 100 at 0.05", &kalshi_table, false, PMM_BUY_YES, 500, 100000000, 340000},
      {"old table: 1 at 0.50", &kalshi_table, false, PMM_BUY_NO, 5000, 1000000, 20000},
      {"old table: exact cents stay", &kalshi_table, false, PMM_BUY_YES, 5000, 100000000, 1750000},
      {"old table: maker", &kalshi_table, true, PMM_BUY_YES, 5000, 100000000, 440000},
      {"Polymarket, 100 at 0.50", &poly_crypto, false, PMM_BUY_YES, 5000, 100000000, 1750000},
      {"Polymarket, 100 at 0.10", &poly_crypto, false, PMM_BUY_NO, 1000, 100000000, 630000},
      {"makers pay nothing", &poly_crypto, true, PMM_BUY_YES, 5000, 100000000, 0},
      {"half up at 5 decimals", &poly_flat, false, PMM_BUY_YES, 5000, 750, 20},
      {"below the half, down", &poly_flat, false, PMM_BUY_YES, 5000, 749, 10},
      {"less than 1e-5 is nothing", &poly_flat, false, PMM_BUY_YES, 5000, 499, 0},
      {"1e-5 is charged", &poly_flat, false, PMM_BUY_YES, 5000, 500, 10},
      {"exponent 2", &poly_squared, false, PMM_BUY_YES, 5000, 100000000, 1562500},
      {"basis points of YES", &degen, false, PMM_BUY_YES, 4000, 10000000, 10000},
      {"basis points of NO", &degen, false, PMM_BUY_NO, 4000, 10000000, 15000},
      {"basis points of NO sold", &degen, false, PMM_SELL_NO, 4000, 10000000, 15000},
      {"basis points of YES sold", &degen, false, PMM_SELL_YES, 4000, 10000000, 10000},
      {"up to 1e-4", &degen, true, PMM_BUY_YES, 4000, 1000000, 100},
      {"exact 1e-4 stays", &degen, true, PMM_BUY_YES, 5000, 2000000, 100},
  };
  for (size_t i = 0; i < COUNT_OF(rows); i++) {
    int64_t const got = pmm_fee_charge(rows[i].fees, rows[i].maker, rows[i].route, rows[i].price, rows[i].qty, NULL);
    if (got != rows[i].want) fail_msg("%s: %lld, want %lld", rows[i].why, (long long)got, (long long)rows[i].want);
  }
}

/* -- the model: numbers as decimal digits, least first -- */

#define DIGITS 96
typedef struct big { int8_t d[DIGITS]; } big_t;

static big_t big_of(uint64_t v) {
  big_t b = {{0}};
  for (int i = 0; v; i++, v /= 10) b.d[i] = (int8_t)(v % 10);
  return b;
}

static big_t big_times(big_t a, uint64_t factor) { /* school multiplication, digit by digit of the factor */
  big_t sum = {{0}};
  for (int shift = 0; factor; shift++, factor /= 10)
    for (uint64_t k = factor % 10; k > 0; k--)
      for (int i = 0, carry = 0; i + shift < DIGITS; i++) {
        int const v = sum.d[i + shift] + a.d[i] + carry;
        sum.d[i + shift] = (int8_t)(v % 10);
        carry = v / 10;
      }
  return sum;
}

typedef enum round_mode { DOWN, UP, HALF_UP } round_mode_t;

/* The number without its lowest `cut` digits. */
static int64_t big_round(const big_t *b, int cut, round_mode_t mode) {
  int64_t v = 0;
  bool rest = false;
  for (int i = DIGITS - 1; i >= cut; i--) v = v * 10 + b->d[i];
  for (int i = 0; i < cut; i++) rest |= b->d[i] != 0;
  if (mode == UP && rest) v++;
  if (mode == HALF_UP && cut > 0 && b->d[cut - 1] >= 5) v++;
  return v;
}

static big_t raw_fee(int32_t rate_e6, int32_t price, int64_t qty, int exponent) {
  big_t b = big_times(big_of((uint64_t)qty), (uint64_t)rate_e6);
  for (int i = 0; i < exponent; i++) b = big_times(big_times(b, (uint64_t)price), (uint64_t)(PMM_ONE_E4 - price));
  return b;
}

static int64_t model_floor_to(int64_t x, int64_t unit) {
  int64_t q = x / unit;
  while (q * unit > x) q--;
  return q * unit;
}

/* Kalshi's rule, step by step as its page tells it; acc is the order's accumulator. */
static int64_t model_kalshi(int32_t rate, pmm_side_t side, int32_t price, int64_t qty, int64_t unit, int64_t *acc) {
  big_t const raw = raw_fee(rate, price, qty, 1), notional = big_times(big_of((uint64_t)qty), (uint64_t)price);
  int64_t const trade_fee = big_round(&raw, 14, UP);
  int64_t const revenue = side == PMM_BID ? -big_round(&notional, 4, UP) : big_round(&notional, 4, DOWN);
  int64_t const change = model_floor_to(revenue - trade_fee, unit);
  int64_t fee = revenue - change;
  *acc += revenue - trade_fee - change;
  while (*acc >= unit && fee >= unit) {
    *acc -= unit;
    fee -= unit;
  }
  return fee;
}

typedef struct fill {
  pmm_fee_schedule_t fees;
  bool maker;
  int route;
  int32_t price;
  int64_t qty;
} fill_t;

static int64_t model_charge(const fill_t *f, int64_t *acc) {
  int32_t const rate = f->maker ? f->fees.maker_rate_e6 : f->fees.taker_rate_e6;
  bool const no = f->route == PMM_BUY_NO || f->route == PMM_SELL_NO;
  pmm_side_t const side = f->route == PMM_BUY_YES || f->route == PMM_SELL_NO ? PMM_BID : PMM_ASK;
  big_t raw;
  switch (f->fees.model) {
  case PMM_FEE_KALSHI:
    return model_kalshi(rate, side, f->price, f->qty, f->fees.precision_e6 ? f->fees.precision_e6 : 1, acc);
  case PMM_FEE_KALSHI_CENT_TABLE:
    raw = raw_fee(rate, f->price, f->qty, 1);
    return big_round(&raw, 18, UP) * 10000;
  case PMM_FEE_POLYMARKET:
    if (f->maker) return 0;
    raw = raw_fee(rate, f->price, f->qty, f->fees.exponent);
    return big_round(&raw, 7 + 8 * f->fees.exponent, DOWN) == 0 ? 0 : big_round(&raw, 7 + 8 * f->fees.exponent, HALF_UP) * 10;
  case PMM_FEE_BPS:
    raw = big_times(big_times(big_of((uint64_t)f->qty), (uint64_t)rate), (uint64_t)(no ? PMM_ONE_E4 - f->price : f->price));
    return big_round(&raw, 12, UP) * 100;
  default:
    return 0;
  }
}

static fill_t random_order(pmm_rng_t *rng) {
  static const int32_t rates[] = {0, 1, 100, 17500, 35000, 70000, 250000, 1000000}, units[] = {0, 1, 100, 10000, 1000000};
  fill_t f = {.route = (int)pmm_rng_below(rng, 4), .maker = pmm_rng_below(rng, 2)};
  f.fees = (pmm_fee_schedule_t){.model = (uint8_t)pmm_rng_below(rng, 5), .exponent = (uint8_t)pmm_rng_below(rng, 5),
                                .taker_rate_e6 = rates[pmm_rng_below(rng, COUNT_OF(rates))],
                                .maker_rate_e6 = rates[pmm_rng_below(rng, COUNT_OF(rates))],
                                .precision_e6 = units[pmm_rng_below(rng, COUNT_OF(units))]};
  f.price = pmm_rng_below(rng, 4) ? (int32_t)check_between(rng, 1, 9999) : pmm_rng_below(rng, 2) ? 1 : 9999;
  f.qty = (int64_t)(pmm_rng_u64(rng) >> (14 + pmm_rng_below(rng, 49))) + 1; /* to 1e9 contracts */
  if (pmm_rng_below(rng, 2)) f.qty = (f.qty / 10000 + 1) * 10000;
  return f;
}

/* An order, filled in a few pieces: every fill's fee as the model says, the sum within the bound. */
static uint64_t orders(uint64_t seed, uint64_t ops, bool broken) {
  pmm_rng_t rng;
  pmm_rng_seed(&rng, seed);
  for (uint64_t n = 0; n < ops; n++) {
    fill_t f = random_order(&rng);
    int const fill_cnt = 1 + (int)pmm_rng_below(&rng, 5);
    pmm_fee_acc_t acc = {0};
    int64_t model_acc = 0, sum = 0, left = f.qty;
    int64_t const bound = pmm_fee_bound(&f.fees, f.price, f.qty, fill_cnt);
    bool ok = true;
    for (int k = 0; k < fill_cnt && left > 0; k++, f.maker ^= pmm_rng_below(&rng, 2)) {
      f.qty = k == fill_cnt - 1 ? left : check_between(&rng, 1, left);
      left -= f.qty;
      int64_t const got = pmm_fee_charge(&f.fees, f.maker, f.route, f.price, f.qty, broken ? NULL : &acc);
      ok &= got == model_charge(&f, &model_acc) && got >= 0 && (broken || acc.rounding_e6 == model_acc);
      sum += got;
    }
    if (!ok || sum > bound) return n;
  }
  return NO_MISMATCH;
}

static void charges_match_model(void **state) {
  (void)state;
  check_random("fees", orders, 20000);
  check_canary("fees", orders, 5000);
}

/* A bid at its limit: whatever better price it fills at, cost and fee stay within notional plus bound at the limit. */
static void bound_covers_better_prices(void **state) {
  (void)state;
  const pmm_fee_schedule_t *const all[] = {&none, &kalshi_direct, &kalshi_cents, &kalshi_exact, &kalshi_table, &poly_crypto, &poly_flat, &degen};
  for (size_t i = 0; i < COUNT_OF(all); i++)
    for (int32_t limit = 1; limit < PMM_ONE_E4; limit += 37) {
      int64_t const qty = 12340000, budget = pmm_notional_ceil(limit, qty) + pmm_fee_bound(all[i], limit, qty, 1);
      for (int32_t price = 1; price <= limit; price += 13)
        for (int maker = 0; maker < 2; maker++)
          assert_true(pmm_notional_ceil(price, qty) + pmm_fee_charge(all[i], maker, PMM_BUY_YES, price, qty, NULL) <= budget);
    }
}

static void bound_of_one_fill_is_tight(void **state) {
  (void)state;
  assert_int_equal(pmm_fee_bound(&none, 5000, 1000000, 10), 0);
  assert_in_range(pmm_fee_bound(&kalshi_direct, 5000, 100000000, 1), 1750000, 1750000 + 100);
  assert_in_range(pmm_fee_bound(&kalshi_direct, 5000, 100000000, 0), 1750000, 1750000 + 100);
  assert_in_range(pmm_fee_bound(&kalshi_table, 5000, 100000000, 1), 1750000, 1750000 + 10000);
  assert_in_range(pmm_fee_bound(&poly_crypto, 5000, 100000000, 1), 1750000, 1750000 + 20);
  assert_in_range(pmm_fee_bound(&degen, 4000, 10000000, 1), 15000, 15000 + 100);
}

/* The account's balance moves by whole units of its precision, rebates aside. */
static void detail_adds_up(void **state) {
  (void)state;
  pmm_rng_t rng;
  pmm_rng_seed(&rng, check_seed("detail"));
  for (int n = 0; n < 20000; n++) {
    pmm_fee_acc_t acc = {.rounding_e6 = check_between(&rng, 0, 30000)}, before = acc;
    const pmm_fee_schedule_t *const fees = pmm_rng_below(&rng, 2) ? &kalshi_direct : &kalshi_cents;
    pmm_side_t const side = (pmm_side_t)pmm_rng_below(&rng, 2);
    int32_t const price = (int32_t)check_between(&rng, 1, 9999);
    int64_t const qty = check_between(&rng, 1, 100000) * 10000;
    pmm_fee_detail_t const d = pmm_fee_kalshi_detail(fees, pmm_rng_below(&rng, 2), side, price, qty, &acc);
    assert_true(d.balance_change_e6 % fees->precision_e6 == 0 && d.rebate_e6 % fees->precision_e6 == 0);
    assert_true(d.rounding_fee_e6 >= 0 && d.rounding_fee_e6 < fees->precision_e6);
    assert_true(d.revenue_e6 - d.trade_fee_e6 - d.rounding_fee_e6 == d.balance_change_e6);
    assert_true(d.fee_e6 == d.trade_fee_e6 + d.rounding_fee_e6 - d.rebate_e6 && d.fee_e6 >= 0);
    assert_true(acc.rounding_e6 == before.rounding_e6 + d.rounding_fee_e6 - d.rebate_e6 && acc.rounding_e6 >= 0);
    assert_true(d.raw_e12 > (d.trade_fee_e6 - 1) * PMM_ONE_E6 && d.raw_e12 <= d.trade_fee_e6 * PMM_ONE_E6);
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(charge_table),               cmocka_unit_test(charges_match_model),
      cmocka_unit_test(bound_covers_better_prices), cmocka_unit_test(bound_of_one_fill_is_tight),
      cmocka_unit_test(detail_adds_up),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
