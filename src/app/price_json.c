/* Each model is one row: its scalar and list inputs, which of them may be left out, and the function that answers. Types,
   ranges and messages come from the parameter tables. */
#include "price_json.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "pmm/pricing.h"

#define SCALARS_MAX 12
#define LISTS_MAX 2
#define HUGE_E 1e300
#define TINY 1e-300

typedef struct inputs {
  double b, delta, target, r_yes, r_no, fee, spend, shares, spot, strike, time_s, volatility, drift, window_s, mean_so_far, clamp_lo, clamp_hi;
  double bid, ask, bid_qty, ask_qty, dt_s, yes, no, mid, alpha, q;
  int64_t index, window, n;
  int32_t side;
  bool tie_is_yes;
} inputs_t;

typedef struct list { double *v; size_t n; } list_t;
typedef struct question { inputs_t in; list_t list[LISTS_MAX]; } question_t;

typedef struct model {
  const char *name;
  pmm_status_t (*answer)(const question_t *q, json_t *out);
  const pmm_param_t *scalar[SCALARS_MAX]; /* NULL ends */
  int optional_from;                      /* scalars from here on may be left out */
  const char *list[LISTS_MAX];            /* NULL: none */
} model_t;

#define ROW(id, name_, type_, field_, min_, max_) \
  static const pmm_param_t id = {.name = name_, .type = PMM_PARAM_##type_, .offset = offsetof(inputs_t, field_), .def = "", .min = min_, .max = max_, .unit = "", .help = ""}
ROW(f_b, "b", F64, b, TINY, HUGE_E);
ROW(f_delta, "delta", F64, delta, -HUGE_E, HUGE_E);
ROW(f_target, "target", F64, target, 1e-15, 1 - 1e-15);
ROW(f_index, "outcome", INT, index, 0, PMM_LMSR_OUTCOMES_MAX - 1);
ROW(f_n, "n", INT, n, 2, 1e15);
ROW(f_r_yes, "r_yes", F64, r_yes, TINY, HUGE_E);
ROW(f_r_no, "r_no", F64, r_no, TINY, HUGE_E);
ROW(f_fee, "fee", F64, fee, 0, 0.999999);
ROW(f_spend, "spend", F64, spend, 0, HUGE_E);
ROW(f_shares, "shares", F64, shares, 0, HUGE_E);
static const pmm_param_t f_side = {.name = "outcome", .type = PMM_PARAM_ENUM, .offset = offsetof(inputs_t, side), .def = "", .unit = "", .choices = "yes|no", .help = ""};
static const pmm_param_t f_tie = {.name = "tie_is_yes", .type = PMM_PARAM_BOOL, .offset = offsetof(inputs_t, tie_is_yes), .def = "", .unit = "", .help = ""};
ROW(f_spot, "spot", F64, spot, TINY, HUGE_E);
ROW(f_strike, "strike", F64, strike, TINY, HUGE_E);
ROW(f_time_s, "time_s", F64, time_s, -HUGE_E, HUGE_E);
ROW(f_volatility, "volatility", F64, volatility, TINY, HUGE_E);
ROW(f_drift, "drift", F64, drift, -HUGE_E, HUGE_E);
ROW(f_window_s, "window_s", F64, window_s, 0, HUGE_E);
ROW(f_mean, "mean_so_far", F64, mean_so_far, TINY, HUGE_E);
ROW(f_clamp_lo, "clamp_lo", F64, clamp_lo, 0, 1);
ROW(f_clamp_hi, "clamp_hi", F64, clamp_hi, 0, 1);
ROW(f_bid, "bid", F64, bid, 0, 1);
ROW(f_ask, "ask", F64, ask, 0, 1);
ROW(f_bid_qty, "bid_qty", F64, bid_qty, 0, HUGE_E);
ROW(f_ask_qty, "ask_qty", F64, ask_qty, 0, HUGE_E);
ROW(f_dt_s, "dt_s", F64, dt_s, TINY, HUGE_E);
ROW(f_window, "window", INT, window, 2, 1e15);
ROW(f_yes, "yes", F64, yes, 0, 1);
ROW(f_no, "no", F64, no, 0, 1);
ROW(f_mid, "mid", F64, mid, 0, 1);
ROW(f_alpha, "alpha", F64, alpha, -HUGE_E, HUGE_E);
ROW(f_q, "q", F64, q, -HUGE_E, HUGE_E);

static void put(json_t *out, const char *name, double x) { json_object_set_new(out, name, pmm_jsonl_real(x)); }

/* x by address: it is written by the call that gives st, which the compiler may order after reading a value. */
static pmm_status_t put_if_ok(pmm_status_t st, json_t *out, const char *name, const double *x) {
  if (st == PMM_OK) put(out, name, *x);
  return st;
}

static pmm_status_t lmsr(const question_t *q, json_t *out) {
  double price[PMM_LMSR_OUTCOMES_MAX], cost;
  if (q->list[0].n > PMM_LMSR_OUTCOMES_MAX) return PMM_FULL;
  pmm_status_t st = pmm_lmsr_price(q->list[0].v, q->list[0].n, q->in.b, price);
  if (st == PMM_OK) st = pmm_lmsr_cost(q->list[0].v, q->list[0].n, q->in.b, &cost);
  if (st != PMM_OK) return st;
  json_t *const prices = json_array();
  for (size_t i = 0; i < q->list[0].n; i++) json_array_append_new(prices, pmm_jsonl_real(price[i]));
  json_object_set_new(out, "prices", prices);
  put(out, "cost", cost);
  return PMM_OK;
}

static pmm_status_t lmsr_trade(const question_t *q, json_t *out) {
  double cost = 0;
  pmm_status_t const st = pmm_lmsr_trade(q->list[0].v, q->list[0].n, q->in.b, (size_t)q->in.index, q->in.delta, &cost);
  return put_if_ok(st, out, "cost", &cost);
}

static pmm_status_t lmsr_to_price(const question_t *q, json_t *out) {
  double delta = 0, cost = 0;
  if (q->list[0].n != 2) return PMM_INVAL;
  pmm_status_t const st = pmm_lmsr_to_price(q->list[0].v, q->in.b, q->in.target, &delta, &cost);
  put_if_ok(st, out, "delta", &delta);
  return put_if_ok(st, out, "cost", &cost);
}

static pmm_status_t lmsr_worst_loss(const question_t *q, json_t *out) {
  double loss = 0;
  return put_if_ok(pmm_lmsr_worst_loss((size_t)q->in.n, q->in.b, &loss), out, "loss", &loss);
}

static pmm_status_t put_pool(pmm_status_t st, const pmm_cpmm_t *pool, const char *name, double x, json_t *out) {
  double p = 0;
  if (st == PMM_OK) st = pmm_cpmm_price(pool, &p);
  put_if_ok(st, out, name, &x);
  put_if_ok(st, out, "r_yes", &pool->r_yes);
  put_if_ok(st, out, "r_no", &pool->r_no);
  return put_if_ok(st, out, "p_yes", &p);
}

static pmm_status_t cpmm(const question_t *q, json_t *out) {
  pmm_cpmm_t const pool = {q->in.r_yes, q->in.r_no};
  double p = 0;
  return put_if_ok(pmm_cpmm_price(&pool, &p), out, "p_yes", &p);
}

static pmm_status_t cpmm_buy(const question_t *q, json_t *out) {
  pmm_cpmm_t pool = {q->in.r_yes, q->in.r_no};
  double shares = 0;
  pmm_status_t const st = pmm_cpmm_buy(&pool, q->in.side == 0, q->in.spend, q->in.fee, &shares);
  return put_pool(st, &pool, "shares", shares, out);
}

static pmm_status_t cpmm_sell(const question_t *q, json_t *out) {
  pmm_cpmm_t pool = {q->in.r_yes, q->in.r_no};
  double proceeds = 0;
  pmm_status_t const st = pmm_cpmm_sell(&pool, q->in.side == 0, q->in.shares, q->in.fee, &proceeds);
  return put_pool(st, &pool, "proceeds", proceeds, out);
}

static pmm_digital_in_t digital_in(const question_t *q, double lo, double hi) {
  const inputs_t *const in = &q->in;
  return (pmm_digital_in_t){.spot = in->spot, .strike = in->strike, .time_s = in->time_s, .volatility = in->volatility, .drift = in->drift,
                            .window_s = in->window_s, .mean_so_far = in->mean_so_far, .tie_is_yes = in->tie_is_yes,
                            .clamp_lo = isnan(in->clamp_lo) ? lo : in->clamp_lo, .clamp_hi = isnan(in->clamp_hi) ? hi : in->clamp_hi};
}

typedef pmm_status_t digital_fn_t(const pmm_digital_in_t *in, double *d2, double *p);

/* A settled question has a probability but no d2. */
static pmm_status_t answer_digital(digital_fn_t *fn, const question_t *q, double lo, double hi, json_t *out) {
  pmm_digital_in_t const in = digital_in(q, lo, hi);
  double d2 = 0, p = 0;
  pmm_status_t const st = fn(&in, &d2, &p);
  if (in.time_s > 0) put_if_ok(st, out, "d2", &d2);
  return put_if_ok(st, out, "p", &p);
}

static pmm_status_t digital(const question_t *q, json_t *out) { return answer_digital(pmm_digital_simple, q, 0.01, 0.99, out); }
static pmm_status_t digital_exact(const question_t *q, json_t *out) { return answer_digital(pmm_digital_exact, q, 0, 1, out); }
static pmm_status_t digital_average(const question_t *q, json_t *out) { return answer_digital(pmm_digital_average, q, 0.01, 0.99, out); }

static pmm_status_t microprice(const question_t *q, json_t *out) {
  double p = 0;
  return put_if_ok(pmm_microprice(q->in.bid, q->in.ask, q->in.bid_qty, q->in.ask_qty, &p), out, "p", &p);
}

static pmm_status_t two_quote_mid(const question_t *q, json_t *out) {
  double p = 0;
  return put_if_ok(pmm_two_quote_mid(q->in.yes, q->in.no, &p), out, "p", &p);
}

static pmm_status_t skew_linear(const question_t *q, json_t *out) {
  double p = 0;
  return put_if_ok(pmm_skew_linear(q->in.mid, q->in.alpha, q->in.q, &p), out, "p", &p);
}

static pmm_status_t skew_logit(const question_t *q, json_t *out) {
  double p = 0;
  return put_if_ok(pmm_skew_logit(q->in.mid, q->in.alpha, q->in.q, &p), out, "p", &p);
}

static pmm_status_t consensus(const question_t *q, json_t *out) {
  double p = 0;
  if (q->list[0].n != q->list[1].n) return PMM_INVAL;
  return put_if_ok(pmm_consensus(q->list[0].v, q->list[1].v, q->list[0].n, &p), out, "p", &p);
}

static pmm_status_t consensus_variance(const question_t *q, json_t *out) {
  double p = 0;
  if (q->list[0].n != q->list[1].n) return PMM_INVAL;
  pmm_status_t st = pmm_weights_inverse_variance(q->list[1].v, q->list[1].n, q->list[1].v);
  if (st == PMM_OK) st = pmm_consensus(q->list[0].v, q->list[1].v, q->list[0].n, &p);
  return put_if_ok(st, out, "p", &p);
}

static pmm_status_t volatility(const question_t *q, json_t *out) {
  double sigma = 0;
  int64_t const window = q->in.window < INT32_MAX ? q->in.window : INT32_MAX;
  return put_if_ok(pmm_vol_of_series(q->list[0].v, q->list[0].n, q->in.dt_s, (int32_t)window, &sigma), out, "sigma", &sigma);
}

#define DIGITAL &f_spot, &f_strike, &f_time_s, &f_volatility
static const model_t models[] = {
  {"lmsr", lmsr, {&f_b}, 1, {"q"}},
  {"lmsr_trade", lmsr_trade, {&f_b, &f_index, &f_delta}, 3, {"q"}},
  {"lmsr_to_price", lmsr_to_price, {&f_b, &f_target}, 2, {"q"}},
  {"lmsr_worst_loss", lmsr_worst_loss, {&f_n, &f_b}, 2, {NULL}},
  {"cpmm", cpmm, {&f_r_yes, &f_r_no}, 2, {NULL}},
  {"cpmm_buy", cpmm_buy, {&f_r_yes, &f_r_no, &f_side, &f_spend, &f_fee}, 4, {NULL}},
  {"cpmm_sell", cpmm_sell, {&f_r_yes, &f_r_no, &f_side, &f_shares, &f_fee}, 4, {NULL}},
  {"digital", digital, {DIGITAL, &f_tie, &f_clamp_lo, &f_clamp_hi}, 4, {NULL}},
  {"digital_exact", digital_exact, {DIGITAL, &f_drift, &f_tie, &f_clamp_lo, &f_clamp_hi}, 4, {NULL}},
  {"digital_average", digital_average, {DIGITAL, &f_window_s, &f_mean, &f_tie, &f_clamp_lo, &f_clamp_hi}, 5, {NULL}},
  {"microprice", microprice, {&f_bid, &f_ask, &f_bid_qty, &f_ask_qty}, 4, {NULL}},
  {"two_quote_mid", two_quote_mid, {&f_yes, &f_no}, 2, {NULL}},
  {"skew_linear", skew_linear, {&f_mid, &f_alpha, &f_q}, 3, {NULL}},
  {"skew_logit", skew_logit, {&f_mid, &f_alpha, &f_q}, 3, {NULL}},
  {"consensus", consensus, {NULL}, 0, {"p", "w"}},
  {"consensus_variance", consensus_variance, {NULL}, 0, {"p", "variance"}},
  {"volatility", volatility, {&f_dt_s, &f_window}, 1, {"prices"}},
};
#define MODEL_CNT (sizeof models / sizeof models[0])

void pmm_price_json_list(void) {
  for (size_t i = 0; i < MODEL_CNT; i++) {
    printf("  %-18s", models[i].name);
    for (int k = 0; k < LISTS_MAX && models[i].list[k]; k++) printf(" %s[]", models[i].list[k]);
    for (int k = 0; k < SCALARS_MAX && models[i].scalar[k]; k++)
      printf(k < models[i].optional_from ? " %s" : " [%s]", models[i].scalar[k]->name);
    putchar('\n');
  }
}

static pmm_status_t find_model(const json_t *in, const model_t **out, pmm_error_t *err) {
  const char *const name = json_string_value(json_object_get(in, "model"));
  pmm_param_t names[MODEL_CNT] = {0};
  if (!name) return pmm_error_set(err, PMM_PARSE, "model: must be given as a string");
  for (size_t i = 0; i < MODEL_CNT; i++) {
    names[i].name = models[i].name;
    if (strcmp(models[i].name, name) == 0) {
      *out = &models[i];
      return PMM_OK;
    }
  }
  return pmm_error_set(err, PMM_NOT_FOUND, "model: no '%.64s' (nearest: %s)", name, pmm_param_nearest(names, MODEL_CNT, name));
}

static pmm_status_t read_list(const char *name, const json_t *value, list_t *list, pmm_error_t *err) {
  if (!json_is_array(value)) return pmm_error_set(err, PMM_PARSE, "%s: must be an array of numbers", name);
  size_t const n = json_array_size(value);
  list->v = malloc((n ? n : 1) * sizeof *list->v);
  if (!list->v) return pmm_error_set(err, PMM_FULL, "%s: out of memory", name);
  list->n = n;
  pmm_param_t const row = {.name = "", .type = PMM_PARAM_F64, .min = -1.7e308, .max = 1.7e308, .unit = ""};
  for (size_t i = 0; i < n; i++) {
    pmm_error_t inner;
    if (pmm_jsonl_set(&row, "", json_array_get(value, i), &list->v[i], &inner) != PMM_OK)
      return pmm_error_set(err, PMM_PARSE, "%s[%zu]%s", name, i, inner.text);
  }
  return PMM_OK;
}

/* Sets what one member names; *known is false when the model has no such input. */
static pmm_status_t read_member(const model_t *m, const char *key, const json_t *value, question_t *q, uint32_t *seen, bool *known, pmm_error_t *err) {
  *known = true;
  for (int k = 0; k < SCALARS_MAX && m->scalar[k]; k++)
    if (strcmp(m->scalar[k]->name, key) == 0) {
      *seen |= 1u << k;
      return pmm_jsonl_set(m->scalar[k], "", value, &q->in, err);
    }
  for (int k = 0; k < LISTS_MAX && m->list[k]; k++)
    if (strcmp(m->list[k], key) == 0) {
      *seen |= 1u << (SCALARS_MAX + k);
      return read_list(key, value, &q->list[k], err);
    }
  *known = strcmp(key, "id") == 0 || strcmp(key, "model") == 0;
  return PMM_OK;
}

static pmm_status_t check_complete(const model_t *m, uint32_t seen, pmm_error_t *err) {
  for (int k = 0; k < m->optional_from; k++)
    if (!(seen & 1u << k)) return pmm_error_set(err, PMM_INVAL, "%s: must be given for model %s", m->scalar[k]->name, m->name);
  for (int k = 0; k < LISTS_MAX && m->list[k]; k++)
    if (!(seen & 1u << (SCALARS_MAX + k))) return pmm_error_set(err, PMM_INVAL, "%s: must be given for model %s", m->list[k], m->name);
  return PMM_OK;
}

static pmm_status_t read_question(const model_t *m, const json_t *in, question_t *q, pmm_error_t *err) {
  uint32_t seen = 0;
  const char *key;
  json_t *value;
  json_object_foreach((json_t *)in, key, value) {
    bool known;
    pmm_status_t const st = read_member(m, key, value, q, &seen, &known, err);
    if (st != PMM_OK) return st;
    if (!known) return pmm_error_set(err, PMM_INVAL, "%.64s: unknown for model %s", key, m->name);
  }
  return check_complete(m, seen, err);
}

static pmm_status_t ask(const model_t *m, const question_t *q, json_t *out, pmm_error_t *err) {
  pmm_status_t const st = m->answer(q, out);
  if (st == PMM_OK) return st;
  if (st == PMM_NOT_READY) return pmm_error_set(err, st, "prices: at least %d are needed", PMM_VOL_MIN_RETURNS + 1);
  if (m->list[0]) return pmm_error_set(err, st, "%s: with these inputs model %s has no answer (%s)", m->list[0], m->name, pmm_status_to_string(st));
  return pmm_error_set(err, st, "%s: with these inputs model %s has no answer (%s)", m->scalar[0]->name, m->name, pmm_status_to_string(st));
}

pmm_status_t pmm_price_json_answer(void *ctx, const json_t *in, json_t *out, pmm_error_t *err) {
  (void)ctx;
  const model_t *m = NULL;
  pmm_status_t st = find_model(in, &m, err);
  if (st != PMM_OK) return st;
  question_t q = {.in = {.window = 100, .clamp_lo = NAN, .clamp_hi = NAN, .mean_so_far = NAN}};
  st = read_question(m, in, &q, err);
  if (st == PMM_OK) st = ask(m, &q, out, err);
  for (int k = 0; k < LISTS_MAX; k++) free(q.list[k].v);
  return st;
}
