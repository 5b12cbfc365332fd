/* Prices that every stand-in feed looks at: from a script, or walks from a seed. Steps of 100 ms, kept for over an hour. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "pmm/decimal.h"
#include "pmm/fmath.h"
#include "pmm/pricing.h"
#include "server/feeds/stand.h"

#define TWAP_LAG_S 3
static const struct { const char *token, *index; double price; } ASSETS[] = {
    {"btc", "BRTI", 91250},       {"eth", "ETHUSD_RTI", 3120}, {"sol", "SOLUSD_RTI", 142.3}, {"xrp", "XRPUSD_RTI", 2.31},
    {"doge", "DOGEUSD_RTI", 0.16}, {"bnb", NULL, 912}};
#define ASSET_CNT (sizeof ASSETS / sizeof ASSETS[0])
_Static_assert(ASSET_CNT <= PMM__ASSETS_MAX, "every asset has room");

/* -- the script -- */

static bool parse_row(const char *line, size_t len, pmm__row_t *row, int64_t start_ns) {
  const char *field[4];
  size_t field_len[4], n = 0;
  const char *p = line, *const end = line + len;
  while (n < 4) {
    const char *const comma = memchr(p, ',', (size_t)(end - p));
    field[n] = p;
    field_len[n++] = (size_t)((comma ? comma : end) - p);
    if (!comma) break;
    p = comma + 1;
  }
  int64_t at;
  if (n != 4 || field_len[1] == 0 || pmm_decimal_parse(field[0], field_len[0], 9, &at, NULL) != PMM_OK || at < 0) return false;
  if (pmm_decimal_parse(field[2], field_len[2], 8, &row->bid_e8, NULL) != PMM_OK || pmm_decimal_parse(field[3], field_len[3], 8, &row->ask_e8, NULL) != PMM_OK) return false;
  if (row->bid_e8 <= 0 || row->ask_e8 <= row->bid_e8) return false;
  row->at_ns = start_ns + at;
  for (size_t a = 0; a < ASSET_CNT; a++)
    if (strlen(ASSETS[a].token) == field_len[1] && strncasecmp(ASSETS[a].token, field[1], field_len[1]) == 0) { row->asset = (uint8_t)a; return true; }
  return false;
}

static pmm_status_t parse_script(pmm__world_t *w, const char *script, pmm_error_t *err) {
  size_t lines = 1, number = 0;
  for (const char *p = script; *p; p++) lines += *p == '\n';
  if (!(w->row = calloc(lines, sizeof *w->row))) return pmm_error_set(err, PMM_FULL, "out of memory");
  for (const char *p = script; *p;) {
    size_t const len = strcspn(p, "\n");
    number++;
    if (len && *p != '#') {
      if (!parse_row(p, len, &w->row[w->row_cnt], w->start_ns)) return pmm_error_set(err, PMM_PARSE, "script, line %zu: not t,symbol,bid,ask with bid < ask of a known symbol", number);
      if (w->row_cnt && w->row[w->row_cnt].at_ns < w->row[w->row_cnt - 1].at_ns) return pmm_error_set(err, PMM_PARSE, "script, line %zu: times go back", number);
      w->row_cnt++;
    }
    p += len + (p[len] == '\n');
  }
  return PMM_OK;
}

/* -- steps -- */

static pmm__quote_t *slot(const pmm__asset_t *a, int64_t step) { return &a->step[step % PMM__STEPS_KEPT]; }

static pmm__quote_t quote_around(double mid) {
  int64_t const mid_e8 = (int64_t)llround(mid * 1e8), half = mid_e8 / 20000000 + 1; /* spread of a thousandth of a basis point, at least 2e-8 */
  return (pmm__quote_t){.bid_e8 = mid_e8 - half, .ask_e8 = mid_e8 + half};
}

static pmm__quote_t next_quote(pmm__world_t *w, uint32_t i, int64_t at_ns, const pmm__quote_t *before) {
  pmm__asset_t *const a = &w->asset[i];
  pmm__quote_t q = *before;
  for (; w->row && a->script_at < w->row_cnt && w->row[a->script_at].at_ns <= at_ns; a->script_at++)
    if (w->row[a->script_at].asset == i) q = (pmm__quote_t){.bid_e8 = w->row[a->script_at].bid_e8, .ask_e8 = w->row[a->script_at].ask_e8};
  if (!w->row && at_ns > w->start_ns) {
    a->log_mid += w->step_sigma * pmm_rng_normal(&a->rng);
    q = quote_around(pmm_exp(a->log_mid));
  }
  q.traded = pmm_rng_below(&a->rng, 3) != 0;
  q.bought = pmm_rng_below(&a->rng, 2) != 0;
  q.trade_cnt = before->trade_cnt + q.traded;
  return q;
}

void pmm__world_advance(pmm__world_t *w, int64_t now_ns) {
  for (int64_t step = w->newest + 1; step * PMM__STEP_NS <= now_ns; w->newest = step++)
    for (uint32_t i = 0; i < w->asset_cnt; i++) *slot(&w->asset[i], step) = next_quote(w, i, step * PMM__STEP_NS, slot(&w->asset[i], step - 1));
}

const pmm__quote_t *pmm__world_at(const pmm__world_t *w, uint32_t asset, int64_t at_ns) { return slot(&w->asset[asset], at_ns / PMM__STEP_NS); }

int64_t pmm__world_mid(const pmm__world_t *w, uint32_t asset, int64_t at_ns) {
  const pmm__quote_t *const q = pmm__world_at(w, asset, at_ns);
  return q->bid_e8 + (q->ask_e8 - q->bid_e8) / 2;
}

int64_t pmm__world_mean(const pmm__world_t *w, uint32_t asset, int64_t at_ns, int n) {
  pmm_i128_t sum = 0;
  for (int k = 0; k < n; k++) sum += pmm__world_mid(w, asset, at_ns - k * PMM_NS_PER_S);
  return (int64_t)(sum / n);
}

int64_t pmm__world_twap(const pmm__world_t *w, uint32_t asset, int64_t at_ns, int window_s) {
  return pmm__world_mean(w, asset, at_ns - TWAP_LAG_S * PMM_NS_PER_S, window_s);
}

int pmm__world_asset(const pmm__world_t *w, const char *symbol, size_t len, const char *suffix) {
  size_t const tail = strlen(suffix);
  for (uint32_t i = 0; i < w->asset_cnt; i++) {
    size_t const head = strlen(w->asset[i].token);
    if (len == head + tail && strncasecmp(symbol, w->asset[i].token, head) == 0 && strncasecmp(symbol + head, suffix, tail) == 0) return (int)i;
  }
  return -1;
}

const char *pmm__world_index(const pmm__world_t *w, uint32_t asset) { return asset < w->asset_cnt ? ASSETS[asset].index : NULL; }

/* -- life -- */

/* The past before the start: the first price, for as long as is kept, so that averages exist from the first second on. */
static void fill_past(pmm__world_t *w, uint32_t i) {
  pmm__asset_t *const a = &w->asset[i];
  pmm__quote_t q = quote_around(ASSETS[i].price);
  for (size_t r = 0; r < w->row_cnt; r++)
    if (w->row[r].asset == i) { q = (pmm__quote_t){.bid_e8 = w->row[r].bid_e8, .ask_e8 = w->row[r].ask_e8}; break; }
  q.trade_cnt = 1000000;
  for (int64_t k = 0; k < PMM__STEPS_KEPT; k++) *slot(a, w->newest - k) = q;
}

pmm_status_t pmm__world_open(pmm__world_t *w, const pmm_feed_stand_params_t *params, pmm_error_t *err) {
  if (params->start_ns % PMM_NS_PER_S || params->start_ns < 2 * PMM__STEPS_KEPT * PMM__STEP_NS) return pmm_error_set(err, PMM_INVAL, "the start is no whole second of our times");
  w->start_ns = params->start_ns;
  w->newest = params->start_ns / PMM__STEP_NS - 1;
  w->step_sigma = (params->volatility > 0 ? params->volatility : 0.5) * sqrt(1.0 / PMM__STEPS_A_SECOND / PMM_YEAR_S);
  pmm_status_t const st = params->script ? parse_script(w, params->script, err) : PMM_OK;
  if (st != PMM_OK) return st;
  pmm_rng_t rng;
  pmm_rng_seed(&rng, params->seed);
  for (uint32_t i = 0; i < ASSET_CNT; i++, w->asset_cnt++) {
    pmm__asset_t *const a = &w->asset[i];
    a->token = ASSETS[i].token;
    a->rng = pmm_rng_fork(&rng, i);
    a->log_mid = pmm_log(ASSETS[i].price);
    if (!(a->step = calloc(PMM__STEPS_KEPT, sizeof *a->step))) return pmm_error_set(err, PMM_FULL, "out of memory");
    fill_past(w, i);
  }
  return PMM_OK;
}

void pmm__world_close(pmm__world_t *w) {
  for (uint32_t i = 0; i < PMM__ASSETS_MAX; i++) free(w->asset[i].step);
  free(w->row);
}
