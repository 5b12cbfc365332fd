/* The simulation of Avellaneda & Stoikov (2008), section 3.3: a maker who quotes around a reservation price that leans against inventory,
   beside one who quotes symmetrically around the mid. Simulated exactly as the text says; with --engine a second time through pmm's
   own engine, ledger and order handling, which must come to the same. The expected profit needs no simulation: fills depend on inventory and
   time alone, and the mid is a martingale, so that the distribution of the inventory, step by step, gives it exactly.
   Source: M. Avellaneda, S. Stoikov, "High-frequency trading in a limit order book", Quantitative Finance 8(3), 2008.
   Build: cmake --build build --target example_avellaneda_stoikov    Run: build/examples/avellaneda_stoikov --gamma 0.1 --engine */
#include "pmm/optimal.h"
#include "report.h"

#define MID0 100.0
#define SIGMA 2.0
#define DT 0.005
#define STEPS 200
#define K 1.5
#define A 140.0

typedef struct model { pmm_as_t as; bool full; } model_t;
typedef enum plan { INVENTORY, SYMMETRIC, PLAN_CNT } plan_t;
static const char *const plan_name[] = {"inventory", "symmetric"};

typedef struct outcome { stat_t profit, q, spread; } outcome_t;

static double spread_at(const model_t *m, int step) {
  double spread = 0;
  pmm_as_spread(&m->as, m->full ? (STEPS - step) * DT : 0, &spread);
  return spread;
}
static double centre_at(const model_t *m, plan_t plan, double mid, double q, int step) {
  double centre = mid;
  if (plan == INVENTORY) pmm_as_reservation(&m->as, mid, q, (STEPS - step) * DT, &centre);
  return centre;
}
/* Orders near or beyond the mid would come to a probability above one: they fill. */
static double chance(double distance) { return fmin(1, A * pmm_exp(-K * distance) * DT); }
static bool fills(pmm_rng_t *rng, double distance) { return pmm_rng_unit(rng) < chance(distance); }

/* -- the text, taken literally -- */
static void simulate(const model_t *m, plan_t plan, pmm_rng_t *rng, outcome_t *out) {
  double mid = MID0, cash = 0;
  int q = 0;
  for (int step = 0; step < STEPS; step++) {
    double const spread = spread_at(m, step), centre = centre_at(m, plan, mid, q, step), bid = centre - spread / 2, ask = centre + spread / 2;
    bool const buys = fills(rng, mid - bid), sells = fills(rng, ask - mid);
    q += buys - sells;
    cash += (sells ? ask : 0) - (buys ? bid : 0);
    mid += pmm_rng_u64(rng) >> 63 ? SIGMA * sqrt(DT) : -SIGMA * sqrt(DT);
    stat_add(&out->spread, spread);
  }
  stat_add(&out->profit, cash + q * mid);
  stat_add(&out->q, q);
}

/* -- expected profit and the deviation of final q, exactly -- */
static double expected_profit(const model_t *m, plan_t plan, double *q_std) {
  static double now[2 * STEPS + 3], next[2 * STEPS + 3]; /* of q = i - STEPS - 1 */
  memset(now, 0, sizeof now);
  now[STEPS + 1] = 1;
  double profit = 0, variance = 0;
  for (int step = 0; step < STEPS; step++) {
    memset(next, 0, sizeof next);
    for (int q = -step; q <= step; q++) {
      int const at = q + STEPS + 1;
      double const spread = spread_at(m, step), centre = centre_at(m, plan, 0, q, step), b = chance(spread / 2 - centre), a = chance(spread / 2 + centre);
      profit += now[at] * (b * (spread / 2 - centre) + a * (spread / 2 + centre));
      next[at + 1] += now[at] * b * (1 - a);
      next[at - 1] += now[at] * a * (1 - b);
      next[at] += now[at] * (a * b + (1 - a) * (1 - b));
    }
    memcpy(now, next, sizeof now);
  }
  for (int q = -STEPS; q <= STEPS; q++) variance += now[q + STEPS + 1] * q * q;
  *q_std = sqrt(variance);
  return profit;
}

/* -- the same through the engine: a contract pays at most a dollar, so the price is scaled into (0, 1). A step of the mid is 24 ticks of
   1e-4, so that the mid stays on the grid and only quotes are rounded. -- */
#define TICKS_A_STEP 24
#define TICK_DOLLARS (SIGMA * sqrt(DT) / TICKS_A_STEP) /* of the paper, a tick of ours */
#define START_NS (INT64_C(1767268800) * PMM_NS_PER_S)
#define CASH_E6 (1000 * (int64_t)PMM_ONE_E6)
#define ORDERS_MAX 16

typedef struct params { model_t model; plan_t plan; } params_t;
typedef struct state { const params_t *params; } state_t;

static double dollars_of(int32_t price_e4) { return MID0 + (price_e4 - PMM_ONE_E4 / 2) * TICK_DOLLARS; }
static int32_t nearest_e4(double dollars) { return (int32_t)floor((dollars - MID0) / TICK_DOLLARS + .5) + PMM_ONE_E4 / 2; }

static pmm_status_t strategy_init(void *state, const void *params, uint64_t seed) {
  (void)seed;
  ((state_t *)state)->params = params;
  return PMM_OK;
}
static pmm_status_t strategy_view(void *state, const pmm_view_t *view, pmm_quotes_t *out) {
  const params_t *const p = ((const state_t *)state)->params;
  int const step = (int)((view->now_ns - START_NS) / PMM_NS_PER_S);
  double const mid = dollars_of((int32_t)floor(view->mid * PMM_ONE_E4 + .5)), q = (double)pmm_position_net(&view->position) / PMM_ONE_E6;
  double const spread = spread_at(&p->model, step), centre = centre_at(&p->model, p->plan, mid, q, step);
  int32_t const bid = nearest_e4(centre - spread / 2), ask = nearest_e4(centre + spread / 2);
  out->fair = view->mid;
  if (bid > 0 && bid < PMM_ONE_E4) out->bid[out->bid_cnt++] = (pmm_level_t){bid, PMM_ONE_E6};
  if (ask > 0 && ask < PMM_ONE_E4) out->ask[out->ask_cnt++] = (pmm_level_t){ask, PMM_ONE_E6};
  return PMM_OK;
}
static const pmm_strategy_ops_t strategy = {.abi = PMM_STRATEGY_ABI, .name = "avellaneda_stoikov", .help = "", .params_size = sizeof(params_t), .state_size = sizeof(state_t),
                                            .wake = PMM_WAKE_BOOK, .init = strategy_init, .on_view = strategy_view};

/* A venue where an order fills whole with the model's probability in each step, and everything else is granted at once. */
typedef struct venue {
  pmm_engine_t *engine;
  struct { uint64_t id; int32_t price_e4; pmm_side_t side; } order[ORDERS_MAX];
  int order_cnt;
  int64_t now_ns, cash_e4; /* what its fills moved, in contracts x 1e-4 dollars */
  int q;
  uint64_t trade_id;
} venue_t;

static void tell(venue_t *v, pmm_kind_t kind, uint64_t id, int32_t price_e4, uint64_t ref_id) {
  pmm_event_t const ev = {.md = {.recv_ns = v->now_ns, .exch_ns = v->now_ns, .qty_e6 = PMM_ONE_E6, .price_e4 = price_e4, .kind = (uint8_t)kind,
                                 .flags = kind == PMM_EV_FILL ? PMM_F_MAKER : 0}, .order_id = id, .ref_id = ref_id};
  pmm_engine_on_event(v->engine, &ev);
}
static void drop(venue_t *v, int i) { v->order[i] = v->order[--v->order_cnt]; }

static void take_action(venue_t *v, const pmm_action_t *a) {
  if (a->kind == PMM_ACT_PLACE && v->order_cnt < ORDERS_MAX) {
    v->order[v->order_cnt].id = a->order_id;
    v->order[v->order_cnt].price_e4 = a->price_e4;
    v->order[v->order_cnt++].side = pmm_route_side((pmm_route_t)a->route);
    tell(v, PMM_EV_ACK, a->order_id, a->price_e4, a->order_id);
  }
  for (int i = 0; a->kind == PMM_ACT_CANCEL && i < v->order_cnt; i++) {
    if (v->order[i].id != a->order_id) continue;
    drop(v, i);
    tell(v, PMM_EV_CANCELLED, a->order_id, a->price_e4, 0);
    break;
  }
}
static void take_actions(venue_t *v) {
  pmm_action_t action[ORDERS_MAX];
  for (;;) {
    uint32_t cnt;
    const pmm_action_t *const a = pmm_engine_actions(v->engine, &cnt);
    if (cnt == 0) return;
    if (cnt > ORDERS_MAX) cnt = ORDERS_MAX;
    memcpy(action, a, cnt * sizeof *a);
    pmm_engine_actions_done(v->engine);
    for (uint32_t i = 0; i < cnt; i++) take_action(v, &action[i]);
  }
}
static void show_mid(venue_t *v, int32_t mid_e4, bool decide) {
  pmm_md_t const md = {.recv_ns = v->now_ns, .exch_ns = v->now_ns, .price_e4 = mid_e4, .kind = PMM_MD_PRICE, .flags = decide ? PMM_F_LAST : 0};
  pmm_engine_on_md(v->engine, &md);
  take_actions(v);
}
static void draw_fills(venue_t *v, int32_t mid_e4, pmm_rng_t *rng) {
  for (int i = v->order_cnt; i-- > 0;) {
    int const sign = pmm_side_sign(v->order[i].side);
    int32_t const price_e4 = v->order[i].price_e4;
    if (!fills(rng, sign * (mid_e4 - price_e4) * TICK_DOLLARS)) continue;
    uint64_t const id = v->order[i].id;
    drop(v, i);
    v->q += sign;
    v->cash_e4 -= sign * price_e4;
    tell(v, PMM_EV_FILL, id, price_e4, ++v->trade_id);
  }
  take_actions(v);
}

static pmm_status_t open_engine(pmm_engine_t **engine, const params_t *params, pmm_error_t *err) {
  static pmm_market_t market;
  static void *memory;
  static size_t bytes;
  pmm_market_init(&market, "mid");
  pmm_grid_uniform(&market.grid, 1);
  market.data = PMM_DATA_PRICE;
  pmm_slot_config_t slot = {.name = "avellaneda_stoikov", .ops = &strategy, .params = params, .net_pairs = true};
  pmm_signals_none(&slot.signals);
  pmm_engine_config_t config = {.market = &market, .market_cnt = 1, .slot = &slot, .slot_cnt = 1, .cash_e6 = CASH_E6, .seed = 1, .run_id = 1};
  pmm_params_default(pmm_engine_param_table, pmm_engine_param_cnt, &config.params);
  pmm_params_default(pmm_exec_param_table, pmm_exec_param_cnt, &config.exec);
  pmm_params_default(pmm_risk_param_table, pmm_risk_param_cnt, &config.risk);
  config.risk.price_band = config.risk.max_heat = 1; /* the paper's maker has no other limits */
  if (!memory) memory = aligned_alloc(64, bytes = (pmm_engine_bytes(&config) + 63) / 64 * 64);
  if (!memory) return pmm_error_set(err, PMM_FULL, "no memory");
  pmm_arena_t arena;
  pmm_arena_init(&arena, memory, bytes);
  return pmm_engine_init(engine, &arena, &config, err);
}

static pmm_status_t run_engine(const model_t *m, plan_t plan, pmm_rng_t *rng, outcome_t *out, pmm_error_t *err) {
  params_t const params = {.model = *m, .plan = plan};
  venue_t v = {0};
  pmm_status_t const st = open_engine(&v.engine, &params, err);
  if (st != PMM_OK) return st;
  int32_t mid_e4 = PMM_ONE_E4 / 2;
  for (int step = 0; step < STEPS; step++) {
    v.now_ns = START_NS + step * PMM_NS_PER_S;
    show_mid(&v, mid_e4, true);
    draw_fills(&v, mid_e4, rng);
    mid_e4 += pmm_rng_u64(rng) >> 63 ? TICKS_A_STEP : -TICKS_A_STEP;
    stat_add(&out->spread, spread_at(m, step));
  }
  v.now_ns = START_NS + STEPS * PMM_NS_PER_S;
  show_mid(&v, mid_e4, false);
  pmm_position_t position;
  pmm_ledger_position(pmm_engine_ledger(v.engine), 0, &position);
  int64_t const gained_e6 = pmm_engine_equity(v.engine) - CASH_E6, owed_e6 = (v.cash_e4 + (int64_t)v.q * mid_e4) * 100;
  if (gained_e6 != owed_e6 || pmm_position_net(&position) != v.q * (int64_t)PMM_ONE_E6)
    return pmm_error_set(err, PMM_CORRUPT, "the ledger gained %lld micro-dollars where the fills say %lld", (long long)gained_e6, (long long)owed_e6);
  stat_add(&out->profit, (double)gained_e6 / 100 * TICK_DOLLARS);
  stat_add(&out->q, v.q);
  return pmm_engine_check(v.engine, err);
}

/* -- output -- */
static json_t *to_json(const outcome_t *o) {
  return json_pack("{s:f, s:f, s:f, s:f, s:f, s:f}", "profit", o->profit.mean, "profit_std", stat_std(&o->profit), "final_q", o->q.mean, "final_q_std", stat_std(&o->q),
                   "spread", o->spread.mean, "se", stat_se(&o->profit));
}
static void print_row(const char *name, const outcome_t *o) {
  printf("%-10s %7.2f %8.2f %9.2f %9.2f %9.2f %10.3f\n", name, o->spread.mean, o->profit.mean, stat_std(&o->profit), o->q.mean, stat_std(&o->q), stat_se(&o->profit));
}

/* The preprint's tables: spread, profit, its deviation, final q, its deviation. */
static const struct { double gamma, row[PLAN_CNT][5]; } preprint[] = {
  {.1, {{1.29, 62.94, 5.89, .10, 2.80}, {1.29, 67.21, 13.43, -.018, 8.66}}},
  {.01, {{1.33, 66.78, 8.76, -.02, 4.70}, {1.33, 67.36, 13.40, -.31, 8.65}}},
  {.5, {{1.15, 33.92, 4.72, -.02, 1.88}, {1.15, 66.20, 14.53, .25, 9.06}}},
};
static void print_table(const model_t *m, double paths, const outcome_t *text, const outcome_t *engine) {
  printf("gamma %g, %s spread, %.0f paths of %d steps\n", m->as.gamma, m->full ? "full" : "constant", paths, STEPS);
  printf("%-10s %7s %8s %9s %9s %9s %10s\n", "", "spread", "profit", "std. dev.", "final q", "std. dev.", "s.e.");
  for (int plan = 0; plan < PLAN_CNT; plan++) {
    double q_std;
    double const profit = expected_profit(m, (plan_t)plan, &q_std);
    print_row(plan_name[plan], &text[plan]);
    printf("%-10s %7s %8.2f %9s %9.2f %9.2f\n", "  exact", "", profit, "", 0.0, q_std);
    if (engine) print_row("  engine", &engine[plan]);
    for (size_t i = 0; !m->full && i < COUNT_OF(preprint); i++) {
      const double *const p = preprint[i].row[plan];
      if (m->as.gamma == preprint[i].gamma) printf("%-10s %7.2f %8.2f %9.2f %9.2f %9.2f\n", "  preprint", p[0], p[1], p[2], p[3], p[4]);
    }
  }
}

static void compare(report_t *r, const model_t *m, const outcome_t *text, const outcome_t *engine) {
  for (int plan = 0; plan < PLAN_CNT; plan++) {
    char what[64];
    double q_std;
    snprintf(what, sizeof what, "profit, %s", plan_name[plan]);
    check_equal(r, what, text[plan].profit.mean, expected_profit(m, (plan_t)plan, &q_std), stat_se(&text[plan].profit));
    snprintf(what, sizeof what, "final q, %s", plan_name[plan]);
    check_equal(r, what, text[plan].q.mean, 0, stat_se(&text[plan].q));
    if (!engine) continue;
    snprintf(what, sizeof what, "profit through the engine, %s", plan_name[plan]);
    check_equal(r, what, engine[plan].profit.mean, text[plan].profit.mean, hypot(stat_se(&engine[plan].profit), stat_se(&text[plan].profit)));
    snprintf(what, sizeof what, "final q through the engine, %s", plan_name[plan]);
    check_equal(r, what, engine[plan].q.mean, 0, stat_se(&engine[plan].q));
  }
}

/* --spread constant|full, beside the numbers: taken out of the arguments. */
static bool take_spread(int *argc, char **argv) {
  bool full = false;
  for (int i = 1; i < *argc; i++) {
    if (strcmp(argv[i], "--spread") != 0) continue;
    const char *const value = i + 1 < *argc ? argv[i + 1] : "";
    if (strcmp(value, "full") != 0 && strcmp(value, "constant") != 0) {
      fprintf(stderr, "%s: --spread: constant or full\n", argv[0]);
      exit(2);
    }
    full = value[0] == 'f';
    memmove(&argv[i], &argv[i + 2], (size_t)(*argc - i - 1) * sizeof *argv); /* the NULL at the end as well */
    *argc -= 2;
    i--;
  }
  return full;
}

int main(int argc, char **argv) {
  double gamma = .1, paths = 1000, seed = 1;
  bool with_engine = false;
  report_t report = {0};
  bool const full = take_spread(&argc, argv);
  const number_t numbers[] = {{"gamma", &gamma, 1e-6, 10, "risk aversion"}, {"paths", &paths, 2, 1e8, "simulated days"}, {"seed", &seed, 0, 9e15, "of all that is random"}};
  const flag_t flags[] = {{"engine", &with_engine, "a second time through pmm's engine; both must agree"}, JSON_FLAG(report), STRICT_FLAG(report),
                          {"spread", &(bool){false}, "constant: (2/gamma) ln(1 + gamma/k) (the default); full: with gamma sigma^2 (T - t)"}};
  read_options(argc, argv, "Inventory-based and symmetric quoting after Avellaneda and Stoikov (2008).", numbers, COUNT_OF(numbers), flags, COUNT_OF(flags));
  model_t const m = {.as = {.gamma = gamma, .sigma = SIGMA, .k = K}, .full = full};
  outcome_t text[PLAN_CNT] = {0}, engine[PLAN_CNT] = {0};
  pmm_error_t err = {0};
  pmm_rng_t root, rng[2];
  pmm_rng_seed(&root, (uint64_t)seed);
  rng[0] = pmm_rng_fork(&root, 0);
  rng[1] = pmm_rng_fork(&root, 1);
  for (double i = 0; i < paths; i++)
    for (int plan = 0; plan < PLAN_CNT; plan++) {
      simulate(&m, (plan_t)plan, &rng[0], &text[plan]);
      if (!with_engine || run_engine(&m, (plan_t)plan, &rng[1], &engine[plan], &err) == PMM_OK) continue;
      fprintf(stderr, "%s: %s\n", argv[0], err.text);
      return 1;
    }
  if (!report.json) print_table(&m, paths, text, with_engine ? engine : NULL);
  compare(&report, &m, text, with_engine ? engine : NULL);
  json_t *const out = json_pack("{s:o, s:o}", plan_name[0], to_json(&text[0]), plan_name[1], to_json(&text[1]));
  if (with_engine) json_object_set_new(out, "engine", json_pack("{s:o, s:o}", plan_name[0], to_json(&engine[0]), plan_name[1], to_json(&engine[1])));
  return report_end(&report, out);
}
