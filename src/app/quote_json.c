#include "quote_json.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "pmm/decimal.h"
#include "pmm/strategy.h"

#define NOW_NS (INT64_C(1700000000) * PMM_NS_PER_S) /* a question has no date; only time left and ages count */
#define FREE_CASH_E6 (INT64_MAX / 4)                /* nor an account: orders are not cut for want of cash */
#define LADDER_TICKS_MAX 10000
#define NAME_MAX_LEN 4096

typedef struct terms { int32_t tick; int64_t lot; double liquidity, time_left_s, duration_s, volume_ratio; int32_t volatility_high; } terms_t;
typedef struct held { int64_t yes, no, yes_cost, no_cost; } held_t;
typedef struct under { double price, strike, volatility, age_s, gap_bps, window_s, settle_mean; } under_t;
typedef struct signals { double sigma, users, trade_rate; } signals_t;

#define ROW(type_, struct_, field_, min_, max_, unit_) \
  {.name = #field_, .type = PMM_PARAM_##type_, .offset = offsetof(struct_, field_), .def = "", .min = min_, .max = max_, .unit = unit_, .help = ""}
#define POSITIVE 1e-300
static const pmm_param_t terms_table[] = {
  ROW(PRICE, terms_t, tick, 0.0001, 0.5, "dollars"), ROW(QTY, terms_t, lot, 0.000001, 1e6, "contracts"),
  ROW(F64, terms_t, liquidity, 0, 1e15, "dollars"),  ROW(F64, terms_t, time_left_s, 0, 1e12, "s"),
  ROW(F64, terms_t, duration_s, 0, 1e12, "s"),       ROW(F64, terms_t, volume_ratio, 0, 1e15, ""),
  {.name = "volatility_high", .type = PMM_PARAM_ENUM, .offset = offsetof(terms_t, volatility_high), .def = "", .unit = "", .choices = "false|true", .help = ""}};
static const pmm_param_t held_table[] = {
  ROW(QTY, held_t, yes, 0, 1e9, "contracts"),    ROW(QTY, held_t, no, 0, 1e9, "contracts"),
  ROW(CASH, held_t, yes_cost, 0, 1e9, "dollars"), ROW(CASH, held_t, no_cost, 0, 1e9, "dollars")};
static const pmm_param_t under_table[] = {
  ROW(F64, under_t, price, POSITIVE, 9e10, ""),   ROW(F64, under_t, strike, 1e-8, 9e10, ""),
  ROW(F64, under_t, volatility, POSITIVE, 1e6, ""), ROW(F64, under_t, age_s, 0, 1e12, "s"),
  ROW(F64, under_t, gap_bps, 0, 1e9, "bps"),      ROW(F64, under_t, window_s, 0, 1e9, "s"),
  ROW(F64, under_t, settle_mean, POSITIVE, 9e10, "")};
static const pmm_param_t signals_table[] = {
  ROW(F64, signals_t, sigma, 0, 1e6, ""), ROW(F64, signals_t, users, 0, 1e12, "traders"), ROW(F64, signals_t, trade_rate, 0, 1e9, "1/s")};
#define CNT(table) (sizeof(table) / sizeof((table)[0]))

struct pmm_quote_json {
  pmm_arena_t arena;
  pmm_ladder_t ladder;
  pmm_flow_t flow;
  pmm_market_t market;
  pmm_view_t view;
  pmm_signals_t signals;
  pmm_quotes_t quotes;
  const pmm_strategy_ops_t *ops;
  char name[NAME_MAX_LEN]; /* of ops: a file is loaded once, not for every line */
  void *params, *state;
};

pmm_quote_json_t *pmm_quote_json_open(void) {
  pmm_quote_json_t *const asker = calloc(1, sizeof *asker);
  if (!asker) return NULL;
  if (pmm_arena_open(&asker->arena, pmm_ladder_bytes(LADDER_TICKS_MAX) + 4096) != PMM_OK ||
      pmm_ladder_init(&asker->ladder, &asker->arena, 100, LADDER_TICKS_MAX) != PMM_OK) {
    free(asker);
    return NULL;
  }
  return asker;
}

void pmm_quote_json_close(pmm_quote_json_t *asker) {
  if (!asker) return;
  pmm_arena_close(&asker->arena);
  free(asker->params);
  free(asker->state);
  free(asker);
}

/* -- the situation -- */

static pmm_status_t read_market(pmm_quote_json_t *a, const json_t *in, pmm_error_t *err) {
  terms_t t = {.tick = 100, .lot = 10000, .liquidity = NAN, .time_left_s = NAN, .duration_s = NAN, .volume_ratio = NAN, .volatility_high = -1};
  pmm_status_t const st = pmm_jsonl_set_all(terms_table, CNT(terms_table), "market", json_object_get(in, "market"), &t, err);
  if (st != PMM_OK) return st;
  pmm_market_init(&a->market, "question");
  if (pmm_grid_uniform(&a->market.grid, t.tick) != PMM_OK)
    return pmm_error_set(err, PMM_INVAL, "market.tick: must divide one dollar into equal steps");
  a->market.lot_e6 = a->market.min_size_e6 = t.lot;
  a->view.time_left_s = t.time_left_s;
  a->view.life_s = t.duration_s;
  a->signals.liquidity = t.liquidity;
  a->signals.volume_ratio = t.volume_ratio;
  a->signals.volatility_high = (int8_t)t.volatility_high;
  return PMM_OK;
}

static pmm_status_t read_level(pmm_quote_json_t *a, pmm_side_t side, size_t index, const json_t *pair, pmm_error_t *err) {
  static const pmm_param_t price_row = {.name = "price", .type = PMM_PARAM_PRICE, .def = "", .min = 0.0001, .max = 0.9999, .unit = "dollars", .help = ""};
  static const pmm_param_t qty_row = {.name = "quantity", .type = PMM_PARAM_QTY, .def = "", .min = 0, .max = 1e12, .unit = "contracts", .help = ""};
  char where[48];
  snprintf(where, sizeof where, "book.%s[%zu]", side == PMM_BID ? "bids" : "asks", index);
  if (json_array_size(pair) != 2) return pmm_error_set(err, PMM_PARSE, "%s: must be [price, quantity]", where);
  int32_t price_e4 = 0;
  int64_t qty_e6 = 0;
  pmm_status_t st = pmm_jsonl_set(&price_row, where, json_array_get(pair, 0), &price_e4, err);
  if (st == PMM_OK) st = pmm_jsonl_set(&qty_row, where, json_array_get(pair, 1), &qty_e6, err);
  if (st != PMM_OK) return st;
  if (!pmm_grid_is_valid(&a->market.grid, price_e4)) return pmm_error_set(err, PMM_INVAL, "%s.price: not a multiple of the tick", where);
  int32_t const tick = pmm_grid_index(&a->market.grid, price_e4);
  if (pmm_ladder_qty(&a->ladder, side, tick)) return pmm_error_set(err, PMM_INVAL, "%s.price: given twice", where);
  return pmm_ladder_set(&a->ladder, side, tick, qty_e6);
}

static pmm_status_t read_side(pmm_quote_json_t *a, const json_t *levels, pmm_side_t side, pmm_error_t *err) {
  if (!levels) return PMM_OK;
  if (!json_is_array(levels)) return pmm_error_set(err, PMM_PARSE, "book.%s: must be an array", side == PMM_BID ? "bids" : "asks");
  for (size_t i = 0; i < json_array_size(levels); i++) {
    pmm_status_t const st = read_level(a, side, i, json_array_get(levels, i), err);
    if (st != PMM_OK) return st;
  }
  return PMM_OK;
}

static pmm_status_t read_book(pmm_quote_json_t *a, const json_t *in, pmm_error_t *err) {
  const json_t *const book = json_object_get(in, "book");
  pmm_ladder_clear(&a->ladder);
  pmm_status_t st = pmm_ladder_regrid(&a->ladder, a->market.grid.tick_cnt, NULL);
  if (st != PMM_OK) return pmm_error_set(err, st, "market.tick: no book has that many prices");
  if (book && !json_is_object(book)) return pmm_error_set(err, PMM_PARSE, "book: must be an object");
  if (book && (st = pmm_jsonl_check_members(book, "bids|asks", err)) != PMM_OK) return st;
  st = read_side(a, json_object_get(book, "bids"), PMM_BID, err);
  if (st == PMM_OK) st = read_side(a, json_object_get(book, "asks"), PMM_ASK, err);
  return st;
}

static pmm_status_t read_position(pmm_quote_json_t *a, const json_t *in, pmm_error_t *err) {
  held_t h = {0, 0, 0, 0};
  pmm_status_t const st = pmm_jsonl_set_all(held_table, CNT(held_table), "position", json_object_get(in, "position"), &h, err);
  a->view.position = (pmm_position_t){.yes_e6 = h.yes, .no_e6 = h.no, .yes_sellable_e6 = h.yes, .no_sellable_e6 = h.no,
                                      .yes_cost_e6 = h.yes_cost, .no_cost_e6 = h.no_cost};
  return st;
}

static pmm_status_t read_underlying(pmm_quote_json_t *a, const json_t *in, pmm_error_t *err) {
  under_t u = {.price = NAN, .volatility = NAN, .settle_mean = NAN};
  pmm_status_t st = pmm_jsonl_set_all(under_table, CNT(under_table), "underlying", json_object_get(in, "underlying"), &u, err);
  if (st != PMM_OK) return st;
  if (u.strike > 0 && (st = pmm_decimal_from_double(u.strike, 8, &a->market.strike_e8)) != PMM_OK)
    return pmm_error_set(err, st, "underlying.strike: %s", pmm_status_to_string(st));
  a->market.settle_window_ns = (int64_t)(u.window_s * 1e9);
  a->view.under = (pmm_under_view_t){.has = !isnan(u.price), .price = u.price, .age_s = u.age_s, .gap_bps = u.gap_bps,
                                     .volatility = u.volatility, .settle_mean = u.settle_mean,
                                     .settle_gone_s = u.window_s > a->view.time_left_s ? u.window_s - a->view.time_left_s : 0};
  return PMM_OK;
}

static pmm_status_t read_signals(pmm_quote_json_t *a, const json_t *in, pmm_error_t *err) {
  /* A question brings no history: sigma is that of calm flow unless given, and no strategy waits for a warm-up. */
  signals_t s = {.sigma = 1, .users = NAN, .trade_rate = NAN};
  pmm_status_t const st = pmm_jsonl_set_all(signals_table, CNT(signals_table), "signals", json_object_get(in, "signals"), &s, err);
  a->signals.sigma = s.sigma;
  a->signals.users = s.users;
  a->signals.trade_rate = s.trade_rate;
  return st;
}

static pmm_status_t read_view(pmm_quote_json_t *a, const json_t *in, pmm_error_t *err) {
  pmm_signals_none(&a->signals);
  a->view = (pmm_view_t){.now_ns = NOW_NS, .wake = PMM_WAKE_BOOK, .market = &a->market, .ladder = &a->ladder, .flow = &a->flow,
                         .free_cash_e6 = FREE_CASH_E6, .rate_left = INFINITY, .signals = &a->signals};
  pmm_flow_init(&a->flow, 60);
  pmm_status_t st = read_market(a, in, err);
  if (st == PMM_OK) st = read_book(a, in, err);
  if (st == PMM_OK) st = read_position(a, in, err);
  if (st == PMM_OK) st = read_underlying(a, in, err);
  if (st == PMM_OK) st = read_signals(a, in, err);
  pmm_mid_state_t fresh = {0, 0, false};
  a->view.mid = pmm_mid_update(&fresh, &a->ladder, NOW_NS, 30 * PMM_NS_PER_S);
  a->view.mid_age_ns = fresh.has ? 0 : PMM_NS_MAX;
  return st;
}

/* -- the strategy -- */

static pmm_status_t choose_strategy(pmm_quote_json_t *a, const json_t *in, pmm_error_t *err) {
  const json_t *const given = json_object_get(in, "strategy");
  if (!json_is_string(given)) return pmm_error_set(err, PMM_PARSE, "strategy: must be given as a string");
  const char *const name = json_string_value(given);
  if (strlen(name) >= NAME_MAX_LEN) return pmm_error_set(err, PMM_INVAL, "strategy: name too long");
  if (a->ops && strcmp(a->name, name) == 0) return PMM_OK;
  const pmm_strategy_ops_t *ops;
  pmm_status_t const st = pmm_strategy_find(name, &ops, err);
  if (st != PMM_OK) return st;
  free(a->params);
  free(a->state);
  a->ops = NULL;
  a->params = calloc(1, ops->params_size ? ops->params_size : 1);
  a->state = aligned_alloc(64, (ops->state_size + 63) / 64 * 64);
  if (!a->params || !a->state) return pmm_error_set(err, PMM_FULL, "strategy: out of memory");
  a->ops = ops;
  strcpy(a->name, name);
  return PMM_OK;
}

static pmm_status_t read_params(pmm_quote_json_t *a, const json_t *in, pmm_error_t *err) {
  const pmm_strategy_ops_t *const ops = a->ops;
  const json_t *const given = json_object_get(in, "params");
  memset(a->params, 0, ops->params_size);
  pmm_params_default(ops->params, ops->param_cnt, a->params);
  if (given && !json_is_object(given)) return pmm_error_set(err, PMM_PARSE, "params: must be an object");
  const json_t *const preset = json_object_get(given, "preset");
  pmm_status_t st = PMM_OK;
  if (preset && !json_is_string(preset)) return pmm_error_set(err, PMM_PARSE, "params.preset: must be a string");
  if (preset) st = pmm_preset_apply(ops->presets, ops->preset_cnt, json_string_value(preset), ops->params, ops->param_cnt, a->params, err);
  if (st != PMM_OK) return st;
  json_t *const rest = json_copy((json_t *)given); /* without the preset; NULL stays NULL */
  json_object_del(rest, "preset");
  st = pmm_jsonl_set_all(ops->params, ops->param_cnt, "params", rest, a->params, err);
  json_decref(rest);
  if (st != PMM_OK || !ops->check) return st;
  pmm_error_t inner = {.status = PMM_OK};
  st = ops->check(a->params, &inner);
  return st == PMM_OK ? st : pmm_error_set(err, st, "params.%s", inner.text);
}

static pmm_status_t decide(pmm_quote_json_t *a, pmm_error_t *err) {
  memset(a->state, 0, a->ops->state_size);
  pmm_quotes_clear(&a->quotes);
  pmm_status_t st = a->ops->init ? a->ops->init(a->state, a->params, 1) : PMM_OK;
  if (st == PMM_OK) st = a->ops->on_view(a->state, &a->view, &a->quotes);
  return st == PMM_OK ? st : pmm_error_set(err, st, "strategy: %s: %s", a->ops->name, pmm_status_to_string(st));
}

/* -- the answer -- */

static json_t *levels_json(const pmm_level_t *level, int32_t cnt) {
  json_t *const out = json_array();
  for (int32_t i = 0; i < cnt; i++) {
    char price[PMM_DECIMAL_BUF], qty[PMM_DECIMAL_BUF];
    pmm_decimal_print(level[i].price_e4, 4, 4, price);
    pmm_decimal_print(level[i].qty_e6, 6, 0, qty);
    json_array_append_new(out, json_pack("[s,s]", price, qty));
  }
  return out;
}

static json_t *exit_json(const pmm_quotes_t *q) {
  char qty[PMM_DECIMAL_BUF];
  pmm_decimal_print(q->exit_qty_e6, 6, 0, qty);
  return json_pack("{s:s,s:s}", "side", q->exit_side == PMM_BID ? "buy_yes" : "buy_no", "qty", qty);
}

static void write_answer(const pmm_quotes_t *q, json_t *out) {
  json_object_set_new(out, "action", json_string(pmm_quote_action_to_string(q->action)));
  json_object_set_new(out, "fair", pmm_jsonl_real(q->fair));
  json_object_set_new(out, "bids", levels_json(q->bid, q->bid_cnt));
  json_object_set_new(out, "asks", levels_json(q->ask, q->ask_cnt));
  if (isfinite(q->raw_bid) || isfinite(q->raw_ask)) {
    json_t *const raw = json_object();
    json_object_set_new(raw, "bid", pmm_jsonl_real(q->raw_bid));
    json_object_set_new(raw, "ask", pmm_jsonl_real(q->raw_ask));
    json_object_set_new(raw, "spread", pmm_jsonl_real(q->raw_spread));
    json_object_set_new(out, "raw", raw);
  }
  if (q->action == PMM_QUOTE_EXIT) json_object_set_new(out, "exit", exit_json(q));
  if (q->why) json_object_set_new(out, "why", json_string(q->why));
  if (q->reason_cnt == 0) return;
  json_t *const reasons = json_object();
  for (int32_t i = 0; i < q->reason_cnt; i++) json_object_set_new(reasons, q->reason[i].name, pmm_jsonl_real(q->reason[i].value));
  json_object_set_new(out, "diagnostics", reasons);
}

pmm_status_t pmm_quote_json_answer(void *asker, const json_t *in, json_t *out, pmm_error_t *err) {
  pmm_quote_json_t *const a = asker;
  pmm_status_t st = pmm_jsonl_check_members(in, "id|strategy|params|market|book|position|underlying|signals", err);
  if (st == PMM_OK) st = choose_strategy(a, in, err);
  if (st == PMM_OK) st = read_params(a, in, err);
  if (st == PMM_OK) st = read_view(a, in, err);
  if (st == PMM_OK) st = decide(a, err);
  if (st == PMM_OK) write_answer(&a->quotes, out);
  return st;
}
