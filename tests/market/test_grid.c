#include <math.h>
#include "base/check.h"
#include "pmm/grid.h"

#define PRICES (PMM_ONE_E4 + 1)

/* The model: which of the 10 001 prices are valid, by walking every range step by step. */
typedef struct model { bool valid[PRICES]; } model_t;

static void model_walk(model_t *m, const pmm_grid_range_t *range, size_t cnt) {
  memset(m, 0, sizeof *m);
  for (size_t i = 0; i < cnt; i++)
    for (int32_t p = range[i].start_e4; p <= range[i].end_e4; p += range[i].step_e4)
      if (p > 0 && p < PMM_ONE_E4) m->valid[p] = true;
}

static int32_t model_at_or_below(const model_t *m, int32_t p) {
  for (p = p > PMM_ONE_E4 ? PMM_ONE_E4 : p; p > 0; p--)
    if (m->valid[p]) return p;
  return PMM_TICKS_NONE;
}

static int32_t model_at_or_above(const model_t *m, int32_t p) {
  for (p = p < 0 ? 0 : p; p < PMM_ONE_E4; p++)
    if (m->valid[p]) return p;
  return PMM_TICKS_NONE;
}

static bool index_agrees(const pmm_grid_t *grid) {
  for (int32_t p = 0; p <= PMM_ONE_E4; p++)
    if (pmm_grid_index(grid, p) != p / grid->tick_e4) return false;
  for (int32_t i = 0; i <= grid->tick_cnt; i++)
    if (pmm_grid_index(grid, pmm_grid_price(grid, i)) != i) return false;
  return grid->tick_cnt * grid->tick_e4 == PMM_ONE_E4;
}

/* Prices as doubles: exactly a price, a breath beside it (noise that rounding forgives), and between two. */
static bool rounding_agrees(const pmm_grid_t *grid, const model_t *m, int32_t p) {
  double const x = (double)p / PMM_ONE_E4;
  double const same[] = {x, nextafter(x, -1), nextafter(x, 2), (double)(p / 100) * 0.01 + (double)(p % 100) * 0.0001};
  bool ok = true;
  for (size_t i = 0; i < COUNT_OF(same); i++) {
    ok &= pmm_grid_floor(grid, same[i]) == model_at_or_below(m, p);
    ok &= pmm_grid_ceil(grid, same[i]) == model_at_or_above(m, p);
  }
  double const above = (p + 0.3) / PMM_ONE_E4;
  ok &= pmm_grid_floor(grid, above) == model_at_or_below(m, p);
  ok &= pmm_grid_ceil(grid, above) == model_at_or_above(m, p + 1);
  return ok;
}

static bool grid_agrees(const pmm_grid_t *grid, const model_t *m) {
  int32_t cnt = 0;
  bool ok = index_agrees(grid);
  for (int32_t p = -5; p <= PMM_ONE_E4 + 5 && ok; p++) {
    bool const inside = p >= 0 && p <= PMM_ONE_E4;
    ok &= pmm_grid_is_valid(grid, p) == (inside && m->valid[p]);
    ok &= pmm_grid_down(grid, p) == model_at_or_below(m, p - 1);
    ok &= pmm_grid_up(grid, p) == model_at_or_above(m, p < 0 ? 0 : p + 1);
    if (inside) ok &= rounding_agrees(grid, m, p);
    cnt += inside && m->valid[p];
    if (!ok) print_error("differs at price %d\n", p);
  }
  return ok && cnt == pmm_grid_level_cnt(grid);
}

static void uniform_grids(void **state) {
  (void)state;
  static const int32_t steps[] = {5000, 2500, 2000, 1000, 625, 500, 100, 50, 25, 20, 16, 10, 8, 5, 4, 2, 1};
  for (size_t i = 0; i < COUNT_OF(steps); i++) {
    pmm_grid_t grid;
    model_t m;
    pmm_grid_range_t const whole = {0, PMM_ONE_E4, steps[i]};
    assert_int_equal(pmm_grid_uniform(&grid, steps[i]), PMM_OK);
    assert_int_equal(grid.tick_e4, steps[i]);
    model_walk(&m, &whole, 1);
    if (!grid_agrees(&grid, &m)) fail_msg("step %d", steps[i]);
  }
  pmm_grid_t grid = {.tick_e4 = 7};
  static const int32_t bad[] = {0, -1, -100, 3, 30, 10000, 20000, INT32_MAX, INT32_MIN};
  for (size_t i = 0; i < COUNT_OF(bad); i++) assert_int_equal(pmm_grid_uniform(&grid, bad[i]), PMM_INVAL);
  assert_int_equal(grid.tick_e4, 7);
}

static void named_grids(void **state) {
  (void)state;
  static const struct { const char *name; int32_t cnt; pmm_grid_range_t range[3]; } rows[] = {
      {"linear_cent", 1, {{0, 10000, 100}}},
      {"deci_cent", 1, {{0, 10000, 10}}},
      {"tapered_deci_cent", 3, {{0, 1000, 10}, {1000, 9000, 100}, {9000, 10000, 10}}},
      {"center_whole_edge_half_cent", 3, {{0, 1000, 50}, {1000, 9000, 100}, {9000, 10000, 50}}},
      {"center_whole_edge_quint_cent", 3, {{0, 1000, 20}, {1000, 9000, 100}, {9000, 10000, 20}}},
      {"center_half_edge_half_cent", 1, {{0, 10000, 50}}},
      {"center_half_edge_quint_cent", 3, {{0, 1000, 20}, {1000, 9000, 50}, {9000, 10000, 20}}},
      {"center_half_edge_deci_cent", 3, {{0, 1000, 10}, {1000, 9000, 50}, {9000, 10000, 10}}},
      {"center_quint_edge_quint_cent", 1, {{0, 10000, 20}}},
      {"center_quint_edge_deci_cent", 3, {{0, 1000, 10}, {1000, 9000, 20}, {9000, 10000, 10}}},
      {"center_deci_edge_centi_cent", 3, {{0, 100, 1}, {100, 9900, 10}, {9900, 10000, 1}}},
      {"center_centi_edge_centi_cent", 1, {{0, 10000, 1}}},
  };
  for (size_t i = 0; i < COUNT_OF(rows); i++) {
    pmm_grid_t grid;
    model_t m;
    assert_int_equal(pmm_grid_named(&grid, rows[i].name), PMM_OK);
    assert_int_equal(grid.range_cnt, rows[i].cnt);
    assert_memory_equal(grid.range, rows[i].range, (size_t)rows[i].cnt * sizeof rows[i].range[0]);
    model_walk(&m, rows[i].range, (size_t)rows[i].cnt);
    if (!grid_agrees(&grid, &m)) fail_msg("%s", rows[i].name);
  }
}

static void unknown_names(void **state) {
  (void)state;
  static const char *const bad[] = {"", "cent", "linear_cents", "banded_centi_cent", "center_", "center_whole", "center_whole_edge_",
                                    "center_whole_edge_half", "center_whole_edge_half_cents", "center_whole_edge_half_cent_cent",
                                    "center_half_edge_whole_cent", "center_third_edge_half_cent", "center_whole_edge_x_cent",
                                    "Center_whole_edge_half_cent", "center__edge__cent"};
  for (size_t i = 0; i < COUNT_OF(bad); i++) {
    pmm_grid_t grid = {.tick_e4 = 7};
    if (pmm_grid_named(&grid, bad[i]) != PMM_NOT_FOUND) fail_msg("\"%s\" was taken", bad[i]);
    assert_int_equal(grid.tick_e4, 7);
  }
}

static void bad_ranges(void **state) {
  (void)state;
  static const struct { const char *why; size_t cnt; pmm_grid_range_t range[3]; } rows[] = {
      {"none", 0, {{0, 10000, 100}}},
      {"does not start at 0", 1, {{100, 10000, 100}}},
      {"does not end at 1", 1, {{0, 9900, 100}}},
      {"ends past 1", 1, {{0, 10100, 100}}},
      {"a gap", 2, {{0, 1000, 10}, {1100, 10000, 100}}},
      {"an overlap", 2, {{0, 1000, 10}, {900, 10000, 100}}},
      {"empty range", 2, {{0, 0, 10}, {0, 10000, 100}}},
      {"backwards", 2, {{0, 10000, 10}, {10000, 9000, 100}}},
      {"zero step", 1, {{0, 10000, 0}}},
      {"negative step", 1, {{0, 10000, -100}}},
      {"step does not divide the range", 2, {{0, 1000, 30}, {1000, 10000, 100}}},
      {"a dollar a step", 1, {{0, 10000, 10000}}},
  };
  for (size_t i = 0; i < COUNT_OF(rows); i++) {
    pmm_grid_t grid = {.tick_e4 = 7};
    if (pmm_grid_ranges(&grid, rows[i].range, rows[i].cnt) != PMM_INVAL) fail_msg("%s", rows[i].why);
    assert_int_equal(grid.tick_e4, 7);
  }
  pmm_grid_range_t nine[9];
  for (int32_t i = 0; i < 9; i++) nine[i] = (pmm_grid_range_t){i * 1000, i < 8 ? (i + 1) * 1000 : 10000, 100};
  pmm_grid_t grid;
  assert_int_equal(pmm_grid_ranges(&grid, nine, 9), PMM_INVAL);
}

static void rounding_table(void **state) {
  (void)state;
  static const struct { const char *name; double price; int32_t floor, ceil; } rows[] = {
      {"linear_cent", 0.29, 2900, 2900},          {"linear_cent", 0.57, 5700, 5700},
      {"linear_cent", 0.2901, 2900, 3000},        {"linear_cent", 0.2999999999999, 3000, 3000},
      {"linear_cent", 0.299999, 2900, 3000},      {"linear_cent", 0.0, 0, 100},
      {"linear_cent", 0.0099, 0, 100},            {"linear_cent", 1e-13, 0, 100},
      {"linear_cent", 0.9901, 9900, 0},           {"linear_cent", 1.0, 9900, 0},
      {"linear_cent", 1.5, 9900, 0},              {"linear_cent", 1e300, 9900, 0},
      {"linear_cent", -3, 0, 100},                {"linear_cent", -1e300, 0, 100},
      {"linear_cent", INFINITY, 9900, 0},         {"linear_cent", -INFINITY, 0, 100},
      {"linear_cent", NAN, 0, 0},                 {"tapered_deci_cent", 0.0994, 990, 1000},
      {"tapered_deci_cent", 0.1004, 1000, 1100},  {"tapered_deci_cent", 0.8999, 8900, 9000},
      {"tapered_deci_cent", 0.9001, 9000, 9010},  {"tapered_deci_cent", 0.9994, 9990, 0},
      {"tapered_deci_cent", 0.1, 1000, 1000},     {"tapered_deci_cent", 0.9, 9000, 9000},
  };
  for (size_t i = 0; i < COUNT_OF(rows); i++) {
    pmm_grid_t grid;
    assert_int_equal(pmm_grid_named(&grid, rows[i].name), PMM_OK);
    if (pmm_grid_floor(&grid, rows[i].price) != rows[i].floor || pmm_grid_ceil(&grid, rows[i].price) != rows[i].ceil)
      fail_msg("%s at %.17g: %d and %d", rows[i].name, rows[i].price, pmm_grid_floor(&grid, rows[i].price), pmm_grid_ceil(&grid, rows[i].price));
  }
}

/* A random table of up to 8 contiguous ranges. */
static size_t random_ranges(pmm_rng_t *rng, pmm_grid_range_t *range) {
  static const int32_t steps[] = {1, 2, 5, 10, 20, 25, 50, 100};
  size_t cnt = 0;
  int32_t at = 0;
  while (at < PMM_ONE_E4) {
    int32_t const step = steps[pmm_rng_below(rng, COUNT_OF(steps))];
    int32_t end = at + step * (int32_t)(1 + pmm_rng_below(rng, 3000 / (uint64_t)step));
    if (end > PMM_ONE_E4 || cnt == PMM_GRID_RANGES_MAX - 1) end = PMM_ONE_E4;
    range[cnt++] = (pmm_grid_range_t){at, end, (end - at) % step ? 1 : step};
    at = end;
  }
  return cnt;
}

static uint64_t random_grids(uint64_t seed, uint64_t ops, bool broken) {
  pmm_rng_t rng;
  pmm_rng_seed(&rng, seed);
  for (uint64_t n = 0; n * PRICES < ops; n++) {
    pmm_grid_range_t range[PMM_GRID_RANGES_MAX];
    size_t const cnt = random_ranges(&rng, range);
    pmm_grid_t grid;
    model_t m;
    if (pmm_grid_ranges(&grid, range, cnt) != PMM_OK) return n;
    model_walk(&m, range, cnt);
    if (broken) m.valid[5000] = !m.valid[5000];
    if (!broken ? !grid_agrees(&grid, &m) : pmm_grid_is_valid(&grid, 5000) != m.valid[5000]) return n;
  }
  return NO_MISMATCH;
}

static void random_grids_match_model(void **state) {
  (void)state;
  check_random("grids", random_grids, 1000000);
  check_canary("grids", random_grids, 100000);
}

/* Second canary: rounding without forgiveness, as one would first write it, fails where the real one holds. */
static int32_t naive_floor(double price, int32_t step_e4) { return (int32_t)(price / ((double)step_e4 / PMM_ONE_E4)) * step_e4; }

static void naive_rounding_fails(void **state) {
  (void)state;
  assert_int_equal(naive_floor(0.29, 100), 2800);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(uniform_grids),  cmocka_unit_test(named_grids),    cmocka_unit_test(unknown_names),
      cmocka_unit_test(bad_ranges),     cmocka_unit_test(rounding_table), cmocka_unit_test(random_grids_match_model),
      cmocka_unit_test(naive_rounding_fails),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
