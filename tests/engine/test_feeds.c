/* Underlyings: the median of fresh sources, their volatility, and the mean over a settlement window. */
#include "engine/world.h"

static world_t w;

static void feeds_init(uint32_t sources) {
  world_init(&w, 2, 2, (uint32_t[]){0, 1});
  for (uint32_t i = 0; i < sources; i++) strcpy(w.under[i].id, "BTC");
  w.config.underlying_cnt = sources;
  w.market[0].underlying = sources - 1; /* any of them means the group */
}

static const pmm_under_view_t *look(void) {
  static pmm_view_t v;
  pmm_engine_view(w.engine, 0, &v);
  return &v.under;
}

static void test_no_price_yet(void **state) {
  (void)state;
  feeds_init(1);
  world_open(&w);
  world_start(&w, 0, 4800, 5200);
  const pmm_under_view_t *const u = look();
  assert_false(u->has);
  assert_true(isnan(u->volatility) && isnan(u->settle_mean) && isinf(u->age_s));
  world_price(&w, 0, 100);
  look();
  assert_true(u->has && u->price == 100 && u->age_s == 0 && u->gap_bps == 0);
  assert_false(w.script[1].view.under.has); /* the other market has no underlying */
  world_close(&w);
}

static void test_median(void **state) {
  (void)state;
  feeds_init(4);
  w.under[3].kind = PMM_UNDER_TWAP;
  world_open(&w);
  world_start(&w, 0, 4800, 5200);
  static const struct { const char *why; double at; uint32_t source; double price, want, gap_bps, age_s; } rows[] = {
    {"one source", 0, 0, 100, 100, 0, 0},
    {"two: their middle", 1, 1, 104, 102, 4 / 102.0 * 1e4, 0},
    {"three: the one between", 2, 2, 101, 101, 4 / 101.0 * 1e4, 0},
    {"the settlement average is no price of now", 3, 3, 250, 101, 4 / 101.0 * 1e4, 1},
    {"the middle one moves", 4, 0, 103, 103, 3 / 103.0 * 1e4, 0},
    {"the second is 10.5 s old: left out", 11.5, 2, 101, 102, 2 / 102.0 * 1e4, 0},
    {"it is back", 12, 1, 106, 103, 5 / 103.0 * 1e4, 0},
  };
  for (size_t i = 0; i < COUNT_OF(rows); i++) {
    world_at(&w, rows[i].at);
    world_price(&w, rows[i].source, rows[i].price);
    const pmm_under_view_t *const u = look();
    if (u->price != rows[i].want || fabs(u->gap_bps - rows[i].gap_bps) > 1e-9 || fabs(u->age_s - rows[i].age_s) > 1e-9)
      fail_msg("%s: %g, gap %g, age %g", rows[i].why, u->price, u->gap_bps, u->age_s);
  }
  world_at(&w, 100); /* all are old: the last known price, and how old it is */
  world_level(&w, 0, PMM_BID, 4600, QTY(1), PMM_F_LAST);
  const pmm_under_view_t *const u = look();
  assert_true(u->has && u->price == 103 && u->gap_bps == 0 && fabs(u->age_s - 88) < 1e-9);
  world_close(&w);
}

/* Sources of one id are merged, others are not. */
static void test_groups(void **state) {
  (void)state;
  feeds_init(3);
  strcpy(w.under[1].id, "ETH");
  w.market[1].underlying = 1;
  world_open(&w);
  world_start(&w, 0, 4800, 5200);
  world_start(&w, 1, 4800, 5200);
  world_calls(&w, 0);
  world_calls(&w, 1);
  world_price(&w, 1, 3000);
  assert_int_equal(world_calls(&w, 0), 0);
  assert_int_equal(world_calls(&w, 1), 1);
  world_price(&w, 0, 100);
  world_price(&w, 2, 102);
  assert_int_equal(world_calls(&w, 0), 2);
  assert_true(w.script[0].view.under.price == 101);
  assert_true(w.script[1].view.under.price == 3000);
  world_close(&w);
}

static void test_only_an_average(void **state) {
  (void)state;
  feeds_init(1);
  w.under[0].kind = PMM_UNDER_TWAP;
  world_open(&w);
  world_start(&w, 0, 4800, 5200);
  world_price(&w, 0, 100);
  assert_false(look()->has);
  world_close(&w);
}

/* Not ready for twenty returns, then what pricing says of the same prices. */
static void test_volatility(void **state) {
  (void)state;
  feeds_init(1);
  world_open(&w);
  world_start(&w, 0, 4800, 5200);
  pmm_vol_t vol;
  assert_int_equal(pmm_vol_init(&vol, PMM_VOL_STDEV, 1, 100, 60), PMM_OK);
  pmm_rng_t rng;
  pmm_rng_seed(&rng, 4);
  double price = 100;
  for (int i = 0; i < 200; i++) {
    price = floor(price * (1 + 0.001 * pmm_rng_normal(&rng)) * 1e8 + 0.5) / 1e8;
    world_at(&w, i * 0.7);
    world_price(&w, 0, price);
    assert_int_equal(pmm_vol_add(&vol, w.now_ns, price), PMM_OK);
    double want = NAN;
    pmm_vol_get(&vol, &want);
    double const got = look()->volatility;
    assert_true(isnan(want) ? isnan(got) : got == want);
  }
  assert_false(isnan(look()->volatility));
  world_close(&w);
}

/* -- the settlement window -- */
#define WINDOW_S 60
#define CLOSE_S 300

static void window_init(void) {
  feeds_init(1);
  w.market[0].open_ns = world_ns(0);
  w.market[0].close_ns = world_ns(CLOSE_S);
  w.market[0].settle_window_ns = WINDOW_S * PMM_NS_PER_S;
}

/* The mean of a price that holds until the next one, summed tick by tick. */
static double slow_mean(const double *at, const double *price, int cnt, double from, double now) {
  double sum = 0;
  for (int i = 0; i < cnt; i++) {
    double const start = fmax(at[i], from), end = i + 1 < cnt ? fmin(at[i + 1], now) : now;
    if (end > start) sum += price[i] * (end - start);
  }
  return sum / (now - from);
}

static void test_settlement_mean(void **state) {
  (void)state;
  pmm_rng_t rng;
  pmm_rng_seed(&rng, 8);
  for (int round = 0; round < 50; round++) {
    double at[400], price[400];
    int cnt = 0;
    window_init();
    world_open(&w);
    world_start(&w, 0, 4800, 5200);
    double t = round % 3 == 0 ? 250 : 0; /* or we come when the window has begun */
    double const from = fmax(t, CLOSE_S - WINDOW_S);
    for (; t < CLOSE_S; t += 0.001 * (double)check_between(&rng, 1, 8000)) {
      at[cnt] = t;
      price[cnt] = (double)check_between(&rng, 9000, 11000) / 100;
      world_at(&w, t);
      world_price(&w, 0, price[cnt]);
      cnt++;
      double const later = t + 0.25;
      world_at(&w, later);
      world_level(&w, 0, PMM_BID, 4600, QTY(1) + cnt, PMM_F_LAST);
      const pmm_under_view_t *const u = &w.script[0].view.under;
      if (later <= from || at[0] >= later) { assert_true(isnan(u->settle_mean) && u->settle_gone_s == 0); continue; }
      if (isnan(u->settle_mean)) { /* the window began after the last price: the next one shows it */
        assert_true(at[cnt - 1] < from);
        continue;
      }
      double const want = slow_mean(at, price, cnt, from, later);
      if (fabs(u->settle_mean - want) > 1e-9 || fabs(u->settle_gone_s - (later - from)) > 1e-9)
        fail_msg("round %d, %g s: mean %.12g, not %.12g", round, later, u->settle_mean, want);
      t = later;
    }
    world_close(&w);
  }
}

/* The venue's own mean counts for more than ours, as long as it is young. */
static void test_venue_mean(void **state) {
  (void)state;
  window_init();
  world_open(&w);
  world_start(&w, 0, 4800, 5200);
  world_at(&w, 230);
  world_price(&w, 0, 100);
  world_at(&w, 250);
  world_price(&w, 0, 102);
  assert_true(look()->settle_mean == 100 && look()->settle_gone_s == 10);
  assert_int_equal(world_md(&w, (pmm_md_t){.kind = PMM_MD_SETTLE_MEAN, .qty_e6 = INT64_C(10150000000)}), PMM_OK);
  assert_true(look()->settle_mean == 101.5);
  world_at(&w, 260.5);
  world_price(&w, 0, 102);
  assert_true(fabs(look()->settle_mean - (10 * 100 + 10.5 * 102) / 20.5) < 1e-9);
  world_close(&w);
}

int main(void) {
  const struct CMUnitTest tests[] = {
    cmocka_unit_test(test_no_price_yet), cmocka_unit_test(test_median), cmocka_unit_test(test_groups), cmocka_unit_test(test_only_an_average),
    cmocka_unit_test(test_volatility), cmocka_unit_test(test_settlement_mean), cmocka_unit_test(test_venue_mean),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
