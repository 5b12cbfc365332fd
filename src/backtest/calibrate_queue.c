/* calibrate_queue.c -- the queue model. Whether a cancelled quantity stood before or behind an order cannot be seen in a book that
   shows totals by price. What can be had: how much it matters (the same strategy under each model), and, from orders that really
   rested, which model's fill times come nearest to theirs. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include "calibrate_impl.h"
#include "pmm/clock.h"
#include "pmm/decimal.h"

#define LINE_MAX 1024
#define LIVE_MAX 100000
#define CASH_E6 INT64_C(1000000000000000) /* the money was there: the orders rested */
#define WAIT_FLOOR_S 1.0                  /* keeps the log of a wait that was all but nothing in bounds */

static const struct {
  const char *name;
  int32_t model;
  double power;
  bool is_in_backtest;
} rows[] = {
    {"back", PMM_QUEUE_BACK, 1, true},          {"front", PMM_QUEUE_FRONT, 1, true},        {"power 0.5", PMM_QUEUE_POWER, 0.5, false},
    {"power 1", PMM_QUEUE_POWER, 1, true},      {"power 1.5", PMM_QUEUE_POWER, 1.5, false}, {"power 2", PMM_QUEUE_POWER, 2, true},
    {"power 2.5", PMM_QUEUE_POWER, 2.5, false}, {"power 3", PMM_QUEUE_POWER, 3, true},      {"power 4", PMM_QUEUE_POWER, 4, false},
    {"power 5", PMM_QUEUE_POWER, 5, false},
};
#define ROWS (sizeof rows / sizeof rows[0])
_Static_assert(ROWS <= PMM_CAL_QUEUE_ROWS, "every model has a row");

/* -- sensitivity -- */
static pmm_status_t backtest_each(const pmm_config_t *config, const pmm_backtest_opts_t *data, pmm_calibration_t *out, pmm_error_t *err) {
  pmm_config_t *const c = malloc(ROWS * sizeof *c);
  const pmm_config_t *each[ROWS];
  pmm_result_t result[ROWS];
  size_t row[ROWS], cnt = 0;
  if (!c) return pmm_error_set(err, PMM_FULL, "no memory");
  for (size_t i = 0; i < ROWS; i++) {
    if (!rows[i].is_in_backtest) continue;
    c[cnt] = *config;
    c[cnt].exchange.queue = rows[i].model;
    c[cnt].exchange.queue_power = rows[i].power;
    each[cnt] = &c[cnt];
    row[cnt++] = i;
  }
  pmm_backtest_opts_t quiet = *data;
  quiet.on_account = NULL;
  quiet.observer = NULL;
  pmm_status_t const st = pmm_backtest_many(each, cnt, &quiet, result, err);
  for (size_t k = 0; st == PMM_OK && k < cnt; k++) {
    pmm_cal_queue_row_t *const r = &out->queue[row[k]];
    r->orders = result[k].orders;
    r->fills = result[k].maker_fills;
    r->contracts = (double)(result[k].bought_e6 + result[k].sold_e6) / 1e6;
    r->pnl = (double)result[k].pnl_total_e6 / 1e6;
    pmm_result_free(&result[k]);
  }
  snprintf(out->queue_strategy, sizeof out->queue_strategy, "%s", config->strategy[0].name);
  free(c);
  return st;
}

/* -- live orders: market,side,price,qty,placed,filled,ended -- */
typedef struct live {
  int64_t placed_ns, filled_ns, ended_ns, qty_e6;
  int32_t price_e4;
  uint32_t market;
  uint8_t side;
} live_t;
typedef struct lives {
  live_t *live;
  uint32_t cnt;
} lives_t;
enum { COL_MARKET, COL_SIDE, COL_PRICE, COL_QTY, COL_PLACED, COL_FILLED, COL_ENDED, COLS };
static const char *const columns[COLS] = {"market", "side", "price", "qty", "placed", "filled", "ended"};

/* Splits in place; returns how many. */
static int split(char *line, char *field[], int max) {
  int n = 0;
  for (char *at = line; at && n < max; n++) {
    field[n] = at;
    at = strchr(at, ',');
    if (at) *at++ = '\0';
  }
  return n;
}

static bool read_header(char *line, int of[COLS], int *cnt) {
  char *field[64];
  *cnt = split(line, field, 64);
  for (int c = 0; c < COLS; c++) {
    of[c] = -1;
    for (int i = 0; i < *cnt; i++)
      if (strcmp(field[i], columns[c]) == 0) of[c] = i;
    if (of[c] < 0) return false;
  }
  return true;
}

/* Nanoseconds or RFC 3339; empty gives PMM_TIME_NONE. */
static bool read_time(const char *text, int64_t *out) {
  size_t const len = strlen(text);
  *out = PMM_TIME_NONE;
  if (len == 0) return true;
  return pmm_decimal_parse(text, len, 0, out, NULL) == PMM_OK || pmm_time_parse(text, len, out, NULL) == PMM_OK;
}

static const char *read_live(char *const field[], const int of[COLS], const pmm__replay_t *r, live_t *out) {
  int64_t price;
  uint32_t i = 0;
  const char *const side = field[of[COL_SIDE]], *const id = field[of[COL_MARKET]];
  while (i < r->setup.market_cnt && strcmp(r->setup.market[i].id, id) != 0) i++;
  if (i == r->setup.market_cnt) return "market: not in the recording";
  *out = (live_t){.market = i};
  if (strcmp(side, "bid") != 0 && strcmp(side, "ask") != 0) return "side: neither bid nor ask";
  out->side = side[0] == 'a';
  if (pmm_decimal_parse(field[of[COL_PRICE]], strlen(field[of[COL_PRICE]]), 4, &price, NULL) != PMM_OK || price <= 0 || price >= PMM_ONE_E4)
    return "price: not between 0 and 1";
  out->price_e4 = (int32_t)price;
  if (pmm_decimal_parse(field[of[COL_QTY]], strlen(field[of[COL_QTY]]), 6, &out->qty_e6, NULL) != PMM_OK || out->qty_e6 <= 0)
    return "qty: not a size";
  if (!read_time(field[of[COL_PLACED]], &out->placed_ns) || out->placed_ns == PMM_TIME_NONE) return "placed: not a time";
  if (!read_time(field[of[COL_FILLED]], &out->filled_ns)) return "filled: not a time";
  if (!read_time(field[of[COL_ENDED]], &out->ended_ns)) return "ended: not a time";
  if (out->filled_ns != PMM_TIME_NONE && out->filled_ns < out->placed_ns) return "filled: before placed";
  if (out->ended_ns != PMM_TIME_NONE && out->ended_ns < out->placed_ns) return "ended: before placed";
  return NULL;
}

static int by_placed(const void *a, const void *b) {
  const live_t *const x = a, *const y = b;
  return x->placed_ns < y->placed_ns ? -1 : x->placed_ns > y->placed_ns;
}

static pmm_status_t read_lines(FILE *file, const char *path, const pmm__replay_t *r, lives_t *out, pmm_error_t *err) {
  char line[LINE_MAX];
  int of[COLS], cnt = 0;
  for (int no = 1; fgets(line, sizeof line, file); no++) {
    char *field[64];
    size_t const len = strcspn(line, "\r\n");
    if (!line[len] && !feof(file)) return pmm_error_set(err, PMM_PARSE, "%.200s:%d: line longer than %d bytes", path, no, LINE_MAX - 2);
    line[len] = '\0';
    if (no == 1) {
      if (!read_header(line, of, &cnt))
        return pmm_error_set(err, PMM_PARSE, "%.200s:1: not a heading with market,side,price,qty,placed,filled,ended", path);
      continue;
    }
    if (len == 0) continue;
    if (split(line, field, 64) != cnt) return pmm_error_set(err, PMM_PARSE, "%.200s:%d: not %d fields as in the heading", path, no, cnt);
    if (out->cnt == LIVE_MAX) return pmm_error_set(err, PMM_FULL, "%.200s:%d: more than %d orders", path, no, LIVE_MAX);
    const char *const wrong = read_live(field, of, r, &out->live[out->cnt]);
    if (wrong) return pmm_error_set(err, PMM_PARSE, "%.200s:%d: %s", path, no, wrong);
    out->cnt++;
  }
  if (ferror(file)) return pmm_error_set(err, PMM_IO, "%.200s: %s", path, strerror(errno));
  if (out->cnt == 0) return pmm_error_set(err, PMM_PARSE, "%.200s: no orders", path);
  qsort(out->live, out->cnt, sizeof *out->live, by_placed);
  return PMM_OK;
}

static pmm_status_t read_lives(const char *path, const pmm__replay_t *r, lives_t *out, pmm_error_t *err) {
  out->live = calloc(LIVE_MAX, sizeof *out->live);
  if (!out->live) return pmm_error_set(err, PMM_FULL, "no memory");
  FILE *const file = fopen(path, "re");
  if (!file) return pmm_error_set(err, PMM_IO, "%.200s: %s", path, strerror(errno));
  pmm_status_t const st = read_lines(file, path, r, out, err);
  fclose(file);
  return st;
}

/* -- the same orders under every model -- */
typedef struct bench {
  pmm__replay_t replay;
  lives_t lives;
  pmm_arena_t arena;
  pmm_sim_t *sim[ROWS];
  pmm_market_t **market;
  pmm_ladder_t **ladder;
  uint32_t next;      /* order to be placed */
  int64_t *filled_ns; /* [row][order], PMM_TIME_NONE */
  int64_t *open_e6;   /* likewise */
} bench_t;

static void take_fills(bench_t *b, size_t row) {
  pmm_event_t ev;
  while (pmm_sim_poll(b->sim[row], &ev)) {
    if (ev.md.kind != PMM_EV_FILL || ev.order_id == 0 || ev.order_id > b->lives.cnt) continue;
    size_t const at = row * b->lives.cnt + (size_t)(ev.order_id - 1);
    b->open_e6[at] -= ev.md.qty_e6;
    if (b->open_e6[at] <= 0) b->filled_ns[at] = ev.md.exch_ns;
  }
}

static void place_until(bench_t *b, int64_t before_ns) {
  for (; b->next < b->lives.cnt && b->lives.live[b->next].placed_ns < before_ns; b->next++) {
    const live_t *const o = &b->lives.live[b->next];
    pmm_action_t const act = {.at_ns = o->placed_ns,
                              .order_id = b->next + 1,
                              .qty_e6 = o->qty_e6,
                              .price_e4 = o->price_e4,
                              .market = o->market,
                              .kind = PMM_ACT_PLACE,
                              .route = o->side == PMM_BID ? PMM_BUY_YES : PMM_BUY_NO,
                              .tif = PMM_GTC};
    for (size_t row = 0; row < ROWS; row++) {
      pmm_sim_on_action(b->sim[row], o->placed_ns, &act);
      take_fills(b, row);
    }
  }
}

static void bench_before(void *ctx, const pmm_md_t *md) { place_until(ctx, md->recv_ns); }

static void bench_after(void *ctx, const pmm_md_t *md) {
  bench_t *const b = ctx;
  if (!pmm__is_of_market(md) || md->market >= b->replay.setup.market_cnt) return;
  for (size_t row = 0; row < ROWS; row++) {
    pmm_sim_on_md_fast(b->sim[row], md->recv_ns, md);
    take_fills(b, row);
  }
}

static pmm_status_t open_sims(bench_t *b, const pmm_config_t *config) {
  uint32_t const n = b->replay.setup.market_cnt;
  size_t const cells = ROWS * (size_t)b->lives.cnt;
  b->market = calloc(n, sizeof *b->market);
  b->ladder = calloc(n, sizeof *b->ladder);
  b->filled_ns = malloc(cells * sizeof *b->filled_ns);
  b->open_e6 = malloc(cells * sizeof *b->open_e6);
  if (!b->market || !b->ladder || !b->filled_ns || !b->open_e6) return PMM_FULL;
  for (uint32_t i = 0; i < n; i++) {
    b->market[i] = pmm_engine_market(b->replay.setup.engine, i);
    b->ladder[i] = pmm_engine_ladder(b->replay.setup.engine, i);
  }
  for (size_t i = 0; i < cells; i++) {
    b->filled_ns[i] = PMM_TIME_NONE;
    b->open_e6[i] = b->lives.live[i % b->lives.cnt].qty_e6;
  }
  pmm_status_t st = pmm_arena_open(&b->arena, ROWS * (pmm_sim_bytes(n, b->lives.cnt) + 4096));
  for (size_t row = 0; st == PMM_OK && row < ROWS; row++) {
    pmm_sim_params_t params = config->exchange;
    params.queue = rows[row].model;
    params.queue_power = rows[row].power;
    params.net_pairs = config->account.net_pairs;
    st = pmm_sim_init(&b->sim[row], &b->arena, &params, b->market, b->ladder, n, b->lives.cnt, CASH_E6);
  }
  return st;
}

/* Time until the fill, or until it was no longer waited for. */
static double wait_s(const live_t *o, int64_t filled_ns, int64_t end_ns) {
  int64_t const limit_ns = o->ended_ns != PMM_TIME_NONE    ? o->ended_ns
                           : o->filled_ns != PMM_TIME_NONE ? pmm_max64(o->filled_ns, end_ns)
                                                           : end_ns;
  int64_t const until_ns = filled_ns == PMM_TIME_NONE || filled_ns > limit_ns ? limit_ns : filled_ns;
  return (double)pmm_max64(until_ns - o->placed_ns, 0) / 1e9;
}

static double loss_of(const bench_t *b, size_t row, uint32_t i, int64_t end_ns) {
  const live_t *const o = &b->lives.live[i];
  double const live = wait_s(o, o->filled_ns, end_ns), simulated = wait_s(o, b->filled_ns[row * b->lives.cnt + i], end_ns);
  return fabs(pmm_log((simulated + WAIT_FLOOR_S) / (live + WAIT_FLOOR_S)));
}

/* The row that loses least, against the next one: their difference order by order. */
static void judge(const bench_t *b, int64_t end_ns, pmm_calibration_t *out) {
  uint32_t const n = b->lives.cnt;
  out->live_orders = n;
  for (uint32_t i = 0; i < n; i++) out->live_filled += b->lives.live[i].filled_ns != PMM_TIME_NONE;
  int best = 0, second = -1;
  for (size_t row = 0; row < ROWS; row++) {
    double sum = 0;
    for (uint32_t i = 0; i < n; i++) {
      sum += loss_of(b, row, i, end_ns);
      out->queue[row].both_filled += b->lives.live[i].filled_ns != PMM_TIME_NONE && b->filled_ns[row * n + i] != PMM_TIME_NONE;
    }
    out->queue[row].loss = sum / n;
    if (out->queue[row].loss < out->queue[best].loss) best = (int)row;
  }
  for (size_t row = 0; row < ROWS; row++)
    if ((int)row != best && (second < 0 || out->queue[row].loss < out->queue[second].loss)) second = (int)row;
  double sum = 0, squares = 0;
  for (uint32_t i = 0; i < n; i++) {
    double const d = loss_of(b, (size_t)second, i, end_ns) - loss_of(b, (size_t)best, i, end_ns);
    sum += d;
    squares += d * d;
  }
  out->queue_margin = sum / n;
  out->queue_margin_se = n > 1 ? sqrt(fmax(0, squares / n - out->queue_margin * out->queue_margin) / (n - 1)) : NAN;
  if (out->queue_margin > 1e-12) out->queue_best = best; /* else two models fit alike and the orders cannot tell them apart */
}

static pmm_status_t compare_live(const pmm_config_t *config, const pmm_backtest_opts_t *data, const char *path, pmm_calibration_t *out,
                                 pmm_error_t *err) {
  bench_t *const b = calloc(1, sizeof *b);
  if (!b) return pmm_error_set(err, PMM_FULL, "no memory");
  pmm__replay_hooks_t const hooks = {b, bench_before, bench_after};
  pmm_status_t st = pmm__replay_open(&b->replay, config, data, err);
  if (st == PMM_OK) st = read_lives(path, &b->replay, &b->lives, err);
  if (st == PMM_OK && (st = open_sims(b, config)) != PMM_OK) pmm_error_set(err, st, "queue: %s", pmm_status_to_string(st));
  if (st == PMM_OK) st = pmm__replay_run(&b->replay, data, &hooks, 0, 1, err);
  if (st == PMM_OK) judge(b, out->last_ns, out);
  pmm__replay_close(&b->replay);
  if (b->arena.base) pmm_arena_close(&b->arena);
  free(b->lives.live);
  free(b->market);
  free(b->ladder);
  free(b->filled_ns);
  free(b->open_e6);
  free(b);
  return st;
}

pmm_status_t pmm__queue_compare(const pmm_config_t *config, const pmm_backtest_opts_t *data, const pmm_calibrate_opts_t *opts,
                                pmm_calibration_t *out, pmm_error_t *err) {
  if (opts->no_queue && !opts->fills) return PMM_OK;
  out->queue_cnt = ROWS;
  for (size_t i = 0; i < ROWS; i++) {
    snprintf(out->queue[i].name, sizeof out->queue[i].name, "%s", rows[i].name);
    out->queue[i].model = rows[i].model;
    out->queue[i].power = rows[i].power;
    out->queue[i].loss = NAN;
  }
  pmm_status_t st = opts->no_queue ? PMM_OK : backtest_each(config, data, out, err);
  if (st == PMM_OK && opts->fills) st = compare_live(config, data, opts->fills, out, err);
  return st;
}
