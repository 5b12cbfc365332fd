#include "pmm/grid.h"
#include <math.h>
#include <string.h>

#define STEP_FORGIVEN 1e-9 /* share of a step: 0.29/0.01 is 28.999999999999996 in binary and means 29 */

static int32_t gcd(int32_t a, int32_t b) {
  while (b != 0) {
    int32_t const r = a % b;
    a = b;
    b = r;
  }
  return a;
}

pmm_status_t pmm_grid_uniform(pmm_grid_t *grid, int32_t step_e4) {
  pmm_grid_range_t const whole = {0, PMM_ONE_E4, step_e4};
  return pmm_grid_ranges(grid, &whole, 1);
}

pmm_status_t pmm_grid_ranges(pmm_grid_t *grid, const pmm_grid_range_t *range, size_t range_cnt) {
  if (range_cnt == 0 || range_cnt > PMM_GRID_RANGES_MAX) return PMM_INVAL;
  int32_t tick = 0, at = 0;
  for (size_t i = 0; i < range_cnt; i++) {
    pmm_grid_range_t const r = range[i];
    if (r.start_e4 != at || r.end_e4 <= r.start_e4 || r.end_e4 > PMM_ONE_E4) return PMM_INVAL;
    if (r.step_e4 <= 0 || (r.end_e4 - r.start_e4) % r.step_e4 != 0) return PMM_INVAL;
    tick = gcd(tick, r.step_e4); /* each start is a sum of whole steps, so this divides the starts too */
    at = r.end_e4;
  }
  if (at != PMM_ONE_E4 || tick == PMM_ONE_E4) return PMM_INVAL; /* a step of a dollar leaves no price */
  pmm_grid_t g = {.tick_e4 = tick, .tick_cnt = PMM_ONE_E4 / tick, .range_cnt = (int32_t)range_cnt};
  g.recip = tick == 1 ? 0 : (uint32_t)(((UINT64_C(1) << 32) + (uint32_t)tick - 1) / (uint32_t)tick);
  memcpy(g.range, range, range_cnt * sizeof *range);
  *grid = g;
  return PMM_OK;
}

/* Steps of Kalshi's words for parts of a cent, or 0. */
static int32_t step_of_word(const char *word, size_t len) {
  static const struct { const char *word; int32_t step_e4; } steps[] = {
      {"whole", 100}, {"half", 50}, {"quint", 20}, {"deci", 10}, {"centi", 1}};
  for (size_t i = 0; i < sizeof steps / sizeof steps[0]; i++)
    if (strlen(steps[i].word) == len && memcmp(steps[i].word, word, len) == 0) return steps[i].step_e4;
  return 0;
}

/* Fine steps near 0 and 1, where a cent is a large part of the price. */
static pmm_status_t center_and_edge(pmm_grid_t *grid, int32_t center_e4, int32_t edge_e4, int32_t edge_width_e4) {
  if (center_e4 == edge_e4) return pmm_grid_uniform(grid, center_e4);
  pmm_grid_range_t const range[3] = {{0, edge_width_e4, edge_e4},
                                     {edge_width_e4, PMM_ONE_E4 - edge_width_e4, center_e4},
                                     {PMM_ONE_E4 - edge_width_e4, PMM_ONE_E4, edge_e4}};
  return pmm_grid_ranges(grid, range, 3);
}

/* "center_X_edge_Y_cent". Only an edge at least as fine as the center has a meaning. */
static pmm_status_t center_edge_named(pmm_grid_t *grid, const char *name) {
  static const char prefix[] = "center_", infix[] = "_edge_", suffix[] = "_cent";
  if (strncmp(name, prefix, sizeof prefix - 1) != 0) return PMM_NOT_FOUND;
  const char *const center = name + sizeof prefix - 1;
  const char *const mid = strstr(center, infix);
  if (mid == NULL) return PMM_NOT_FOUND;
  const char *const edge = mid + sizeof infix - 1;
  const char *const end = strstr(edge, suffix);
  if (end == NULL || strcmp(end, suffix) != 0) return PMM_NOT_FOUND;
  int32_t const center_e4 = step_of_word(center, (size_t)(mid - center));
  int32_t const edge_e4 = step_of_word(edge, (size_t)(end - edge));
  if (center_e4 == 0 || edge_e4 == 0 || edge_e4 > center_e4) return PMM_NOT_FOUND;
  bool const narrow = center_e4 == 10 && edge_e4 == 1; /* combos, since Aug 2026: fine only in the last cent */
  return center_and_edge(grid, center_e4, edge_e4, narrow ? 100 : 1000);
}

pmm_status_t pmm_grid_named(pmm_grid_t *grid, const char *name) {
  if (strcmp(name, "linear_cent") == 0) return pmm_grid_uniform(grid, 100);
  if (strcmp(name, "deci_cent") == 0) return pmm_grid_uniform(grid, 10);
  if (strcmp(name, "tapered_deci_cent") == 0) return center_and_edge(grid, 100, 10, 1000);
  return center_edge_named(grid, name);
}

bool pmm_grid_is_valid(const pmm_grid_t *grid, int32_t price_e4) {
  if (price_e4 <= 0 || price_e4 >= PMM_ONE_E4) return false;
  for (int32_t i = 0; i < grid->range_cnt; i++) {
    pmm_grid_range_t const r = grid->range[i];
    if (price_e4 >= r.start_e4 && price_e4 <= r.end_e4 && (price_e4 - r.start_e4) % r.step_e4 == 0) return true;
  }
  return false;
}

int32_t pmm_grid_level_cnt(const pmm_grid_t *grid) {
  int32_t cnt = -1; /* every range counts its end; the last end is one dollar and no price */
  for (int32_t i = 0; i < grid->range_cnt; i++)
    cnt += (grid->range[i].end_e4 - grid->range[i].start_e4) / grid->range[i].step_e4;
  return cnt;
}

/* x (|x| <= 10 000) as a whole number of steps when it is one but for binary noise, else *whole false. Conversions instead of
   round, floor and ceil: without SSE4.1 those are calls, and every quote makes several. */
static int32_t nearest_step(double x, bool *whole) {
  int32_t const r = (int32_t)(x < 0 ? x - 0.5 : x + 0.5);
  *whole = fabs(x - r) <= STEP_FORGIVEN;
  return r;
}

static int32_t steps_floor(double x) {
  bool whole;
  int32_t const r = nearest_step(x, &whole), cut = (int32_t)x;
  return whole ? r : cut - (cut > x);
}

static int32_t steps_ceil(double x) {
  bool whole;
  int32_t const r = nearest_step(x, &whole), cut = (int32_t)x;
  return whole ? r : cut + (cut < x);
}

int32_t pmm_grid_floor(const pmm_grid_t *grid, double price) {
  if (!(price > 0)) return PMM_TICKS_NONE; /* NaN too */
  double const e4 = price < 1 ? price * PMM_ONE_E4 : PMM_ONE_E4;
  for (int32_t i = grid->range_cnt - 1; i >= 0; i--) {
    pmm_grid_range_t const r = grid->range[i];
    int32_t const n = steps_floor((e4 - r.start_e4) / r.step_e4);
    if (n < 0) continue;
    int32_t const p = r.start_e4 + n * r.step_e4;
    return p < PMM_ONE_E4 ? p : pmm_grid_down(grid, PMM_ONE_E4); /* 0, when below the lowest price, is NONE */
  }
  return PMM_TICKS_NONE;
}

int32_t pmm_grid_ceil(const pmm_grid_t *grid, double price) {
  if (!(price < 1)) return PMM_TICKS_NONE;
  double const e4 = price > 0 ? price * PMM_ONE_E4 : 0;
  for (int32_t i = 0; i < grid->range_cnt; i++) {
    pmm_grid_range_t const r = grid->range[i];
    int32_t const n = steps_ceil((e4 - r.start_e4) / r.step_e4);
    int32_t const p = r.start_e4 + n * r.step_e4;
    if (p > r.end_e4) continue;
    if (p == 0) return pmm_grid_up(grid, 0);
    return p < PMM_ONE_E4 ? p : PMM_TICKS_NONE;
  }
  return PMM_TICKS_NONE;
}

int32_t pmm_grid_up(const pmm_grid_t *grid, int32_t price_e4) {
  int32_t const from = price_e4 < 0 ? 0 : price_e4;
  if (grid->range_cnt == 1 && from < PMM_ONE_E4) { /* one step everywhere: no division */
    int32_t const p = (pmm_grid_index(grid, from) + 1) * grid->tick_e4;
    return p < PMM_ONE_E4 ? p : PMM_TICKS_NONE;
  }
  for (int32_t i = 0; i < grid->range_cnt; i++) {
    pmm_grid_range_t const r = grid->range[i];
    if (from >= r.end_e4) continue;
    int32_t const p = r.start_e4 + ((from - r.start_e4) / r.step_e4 + 1) * r.step_e4;
    return p < PMM_ONE_E4 ? p : PMM_TICKS_NONE;
  }
  return PMM_TICKS_NONE;
}

int32_t pmm_grid_down(const pmm_grid_t *grid, int32_t price_e4) {
  int32_t const from = price_e4 > PMM_ONE_E4 ? PMM_ONE_E4 : price_e4;
  if (grid->range_cnt == 1 && from > 0) return pmm_grid_index(grid, from - 1) * grid->tick_e4;
  for (int32_t i = grid->range_cnt - 1; i >= 0; i--) {
    pmm_grid_range_t const r = grid->range[i];
    if (from <= r.start_e4) continue;
    return r.start_e4 + (from - r.start_e4 - 1) / r.step_e4 * r.step_e4; /* 0 is NONE */
  }
  return PMM_TICKS_NONE;
}
