/* w1.h -- the standing workloads W1 and W2 (bench/README.md): their stream, read from the CSV that bench/w1.py writes, and their
   strategy, which joins the best bid and ask every 10 ms. */
#ifndef PMM_BENCH_W1_H
#define PMM_BENCH_W1_H
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include "pmm/backtest.h"

typedef struct w1_params { int64_t size, max_position, interval_ns; } w1_params_t;
#define W1_OFF(f) offsetof(w1_params_t, f)
static const pmm_param_t w1_table[] = {
    {"size", PMM_PARAM_QTY, W1_OFF(size), "20", 1, 1e6, "contracts", NULL, "size of each order"},
    {"max_position", PMM_PARAM_QTY, W1_OFF(max_position), "1000", 1, 1e9, "contracts", NULL, "no further order beyond it"},
    {"interval", PMM_PARAM_DURATION, W1_OFF(interval_ns), "10ms", 0.001, 3600, "s", NULL, "between decisions"},
};
typedef struct w1_state { const w1_params_t *p; } w1_state_t;

static pmm_status_t w1_init(void *state, const void *params, uint64_t seed) {
  (void)seed;
  ((w1_state_t *)state)->p = params;
  return PMM_OK;
}
static int64_t w1_refresh(const void *params) { return ((const w1_params_t *)params)->interval_ns; }

/* Skip where there is no book to join: orders stay as they are. */
static pmm_status_t w1_view(void *state, const pmm_view_t *v, pmm_quotes_t *out) {
  w1_params_t const *const p = ((w1_state_t *)state)->p;
  int32_t const bid = pmm_ladder_best_e4(v->ladder, PMM_BID), ask = pmm_ladder_best_e4(v->ladder, PMM_ASK);
  int64_t const net = pmm_position_net(&v->position);
  if (bid == 0 || ask == 0 || bid >= ask) { out->action = PMM_QUOTE_KEEP; return PMM_OK; }
  out->fair = (double)(bid + ask) / 2e4;
  out->resize_tolerance = 1e9;
  if (net < p->max_position) out->bid[out->bid_cnt++] = (pmm_level_t){.price_e4 = bid, .qty_e6 = p->size};
  if (net > -p->max_position) out->ask[out->ask_cnt++] = (pmm_level_t){.price_e4 = ask, .qty_e6 = p->size};
  return PMM_OK;
}
static const pmm_strategy_ops_t w1_ops = {
    .abi = PMM_STRATEGY_ABI, .name = "w1", .help = "joins the best prices", .params = w1_table, .param_cnt = 3, .params_size = sizeof(w1_params_t),
    .state_size = sizeof(w1_state_t), .wake = PMM_WAKE_TIMER, .inputs = PMM_INPUT_TOUCH | PMM_INPUT_POSITION, .init = w1_init, .refresh_ns = w1_refresh, .on_view = w1_view,
};

/* -- stream -- */
typedef struct w1_data { pmm_md_t *md; size_t cnt, cap, rows; } w1_data_t;

static void w1_put(w1_data_t *d, const pmm_md_t *md) {
  if (d->cnt == d->cap) {
    d->cap = d->cap ? d->cap * 2 : 1 << 16;
    d->md = realloc(d->md, d->cap * sizeof *d->md);
    if (!d->md) { fprintf(stderr, "no memory\n"); exit(1); }
  }
  d->md[d->cnt++] = *md;
}

/* The stream crosses its own book; the peers forget what a newer level of the other side crossed, a ladder keeps it. So each level that
   crosses others is followed, in the same message, by their removal: more records than rows, and rows are what is counted. */
static void w1_level(w1_data_t *d, int64_t (*book)[100], pmm_md_t md) {
  int const side = md.side, other = 1 - side, px = md.price_e4 / 100;
  size_t const first = d->cnt;
  int64_t const qty = md.qty_e6;
  book[side][px] = qty;
  w1_put(d, &md);
  for (int p = 1; p < 100 && qty > 0; p++) {
    bool const crossed = side == PMM_BID ? p <= px : p >= px;
    if (!crossed || book[other][p] == 0) continue;
    book[other][p] = 0;
    md.side = (uint8_t)other;
    md.price_e4 = p * 100;
    md.qty_e6 = 0;
    w1_put(d, &md);
  }
  for (size_t i = first; i + 1 < d->cnt; i++) d->md[i].flags = 0;
}

static bool w1_row(const char *line, pmm_md_t *md) {
  char *at;
  long long const exch = strtoll(line, &at, 10), local = *at == ',' ? strtoll(at + 1, &at, 10) : 0;
  if (*at++ != ',') return false;
  bool const trade = strncmp(at, "trade,", 6) == 0;
  if (!trade && strncmp(at, "depth,", 6) != 0) return false;
  long const side = strtol(at + 6, &at, 10), px = *at == ',' ? strtol(at + 1, &at, 10) : 0;
  double const qty = *at == ',' ? strtod(at + 1, &at) : -1;
  if (px < 1 || px > 99 || qty < 0 || (*at != '\n' && *at != 0)) return false;
  md->exch_ns = exch * 1000;
  md->recv_ns = local * 1000;
  md->kind = trade ? PMM_MD_TRADE : PMM_MD_LEVEL;
  md->side = side > 0 ? PMM_BID : PMM_ASK;
  md->price_e4 = (int32_t)px * 100;
  md->qty_e6 = (int64_t)(qty * 1e6 + 0.5);
  return true;
}

/* Adds a file's rows as those of one market. */
static void w1_load(w1_data_t *d, const char *path, uint32_t market) {
  int64_t book[2][100] = {{0}};
  FILE *const f = fopen(path, "r");
  if (!f) { perror(path); exit(1); }
  char line[256];
  for (size_t no = 1; fgets(line, sizeof line, f); no++) {
    if (no == 1) continue;
    pmm_md_t md = {.seq = (uint32_t)d->rows++, .market = market, .flags = PMM_F_LAST};
    if (!w1_row(line, &md)) { fprintf(stderr, "%s:%zu: not a row\n", path, no); exit(1); }
    if (md.kind == PMM_MD_TRADE) w1_put(d, &md);
    else w1_level(d, book, md);
  }
  fclose(f);
}

/* Markets open at the venue time of the first row of all: decisions keep its beat. */
static void w1_open(w1_data_t *d, uint32_t market_cnt, int64_t at_ns) {
  for (uint32_t i = 0; i < market_cnt; i++) {
    pmm_md_t const md = {.exch_ns = at_ns, .recv_ns = at_ns, .market = i, .kind = PMM_MD_STATUS, .aux = PMM_LIFE_OPEN, .flags = PMM_F_LAST};
    w1_put(d, &md);
  }
}

static pmm_market_t *w1_markets(uint32_t cnt) {
  pmm_market_t *const m = calloc(cnt, sizeof *m);
  if (!m) exit(1);
  for (uint32_t i = 0; i < cnt; i++) {
    char id[16];
    snprintf(id, sizeof id, "W%02u", i + 1);
    pmm_market_init(&m[i], id);
    m[i].data = PMM_DATA_DEPTH | PMM_DATA_TRADES;
    m[i].life = PMM_LIFE_PENDING;
    m[i].lot_e6 = m[i].min_size_e6 = PMM_ONE_E6;
  }
  return m;
}

/* One file as a stream: its first row's venue time comes from the file itself. */
static inline void w1_load_one(w1_data_t *d, const char *path) {
  w1_data_t rows = {0};
  w1_load(&rows, path, 0);
  if (rows.cnt == 0) { fprintf(stderr, "%s: no rows\n", path); exit(1); }
  *d = (w1_data_t){.rows = rows.rows};
  w1_open(d, 1, rows.md[0].exch_ns);
  d->md = realloc(d->md, (d->cnt + rows.cnt) * sizeof *d->md);
  if (!d->md) exit(1);
  memcpy(d->md + d->cnt, rows.md, rows.cnt * sizeof *rows.md);
  d->cnt += rows.cnt;
  free(rows.md);
}

/* W1's rules in pmm's settings. */
static pmm_config_t *w1_config(const w1_params_t *p) {
  static const char *const set[] = {"account.cash=100000000", "latency.feed=recorded", "latency.order=5ms", "latency.response=5ms", "exchange.queue=power_share",
      "exchange.queue_power=2", "exchange.whole_fills=true", "exchange.cross_fill=always", "exchange.print_lag=0", "exchange.footprint=false", "exchange.fees=none", "risk.max_daily_loss=0",
      "risk.max_heat=1", "risk.max_order_size=1000000", "risk.max_net=1000000", "risk.max_gross=100000000", "risk.max_open_notional_side=100000000", "risk.loss_streak=0"};
  pmm_config_t *const c = aligned_alloc(64, (sizeof *c + 63) / 64 * 64);
  pmm_error_t err = {0};
  if (!c || pmm_config_parse(c, "w1", "{}", 2, set, sizeof set / sizeof set[0], &err) != PMM_OK) { fprintf(stderr, "%s\n", err.text); exit(1); }
  c->strategy[0].ops = &w1_ops;
  snprintf(c->strategy[0].name, sizeof c->strategy[0].name, "w1");
  memcpy(c->strategy[0].params, p, sizeof *p);
  return c;
}

static w1_params_t const w1_default = {.size = 20 * PMM_ONE_E6, .max_position = 1000 * PMM_ONE_E6, .interval_ns = 10 * PMM_NS_PER_MS};

/* For taking the repetition in the middle. */
static inline int w1_by_wall(const void *a, const void *b) {
  double const x = ((const pmm_result_t *)a)->wall_s, y = ((const pmm_result_t *)b)->wall_s;
  return (x > y) - (x < y);
}

static double w1_peak_mib(void) {
  struct rusage u;
  getrusage(RUSAGE_SELF, &u);
  return (double)u.ru_maxrss / 1024;
}
#endif
