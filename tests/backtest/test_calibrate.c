/* Calibration against what is known to be true: intensities of generated orders, a warm-up by construction, markouts by hand,
   orders whose queue is known, fragments that load; and, with PMM_DATA, real recordings. */
#include "backtest/rig.h"
#include "pmm/calibrate.h"
#include "pmm/fmath.h"

#define NEAR(got, want, within) \
  do { \
    double const got_ = (got), want_ = (want); \
    if (!(fabs(got_ - want_) <= (within))) fail_msg("%s: %.12g, not %.12g", #got, got_, want_); \
  } while (0)

/* -- the fit alone -- */
/* Events of intensity A exp(-k d) over exposures that shrink with the distance, as near the edges of a price. */
static void generate(pmm_intensity_t *f, pmm_rng_t *rng, double A, double k, double exposure_s) {
  *f = (pmm_intensity_t){.bin_cnt = 20};
  for (size_t j = 0; j < f->bin_cnt; j++)
    f->bin[j] = (pmm_intensity_bin_t){.distance = ((double)j + .5) * .01, .exposure_s = exposure_s * (1 - .02 * (double)j)};
  for (size_t j = f->bin_cnt; j-- > 0;) {
    double const far = j + 1 < f->bin_cnt ? f->bin[j + 1].exposure_s * exp(-k * f->bin[j + 1].distance) : 0;
    double const mean = A * (f->bin[j].exposure_s * exp(-k * f->bin[j].distance) - far);
    f->bin[j].reached = pmm_rng_poisson(rng, mean) + (j + 1 < f->bin_cnt ? f->bin[j + 1].reached : 0);
  }
}

static void test_fit_recovers(void **unused) {
  (void)unused;
  static const struct { double A, k, exposure_s; } truth[] = {{.2, 50, 20000}, {1.5, 12, 3000}, {.02, 120, 100000}, {140, 25, 50}};
  uint64_t const seed = check_seed("fit"), runs = check_ops(400);
  for (size_t i = 0; i < COUNT_OF(truth); i++) {
    double a_sum = 0, k_sum = 0;
    uint64_t a_in = 0, k_in = 0, unlikely = 0;
    for (uint64_t run = 0; run < runs; run++) {
      pmm_rng_t rng;
      pmm_rng_seed(&rng, seed + run * 17 + i);
      pmm_intensity_t f;
      generate(&f, &rng, truth[i].A, truth[i].k, truth[i].exposure_s);
      assert_int_equal(pmm_intensity_fit(&f), PMM_OK);
      double const a = (f.A - truth[i].A) / f.A_se, k = (f.k - truth[i].k) / f.k_se;
      a_sum += a;
      k_sum += k;
      a_in += fabs(a) < 2;
      k_in += fabs(k) < 2;
      unlikely += f.dof > 0 && f.p_value < .05;
    }
    double const n = (double)runs;
    if ((double)a_in < .91 * n || (double)k_in < .91 * n)
      fail_msg("truth %zu: A within two errors %.3f, k %.3f", i, (double)a_in / n, (double)k_in / n);
    if (fabs(a_sum / n) > 5 / sqrt(n) || fabs(k_sum / n) > 5 / sqrt(n))
      fail_msg("truth %zu: biased, A %.3f, k %.3f errors", i, a_sum / n, k_sum / n);
    if ((double)unlikely > .1 * n) fail_msg("truth %zu: p below .05 in %.3f", i, (double)unlikely / n);
  }
}

/* The canary: another law is told from this one. */
static void test_fit_refutes(void **unused) {
  (void)unused;
  pmm_intensity_t f = {.bin_cnt = 20};
  for (size_t j = 0; j < f.bin_cnt; j++)
    f.bin[j] = (pmm_intensity_bin_t){
        .distance = ((double)j + .5) * .01, .exposure_s = 1e5, .reached = (uint64_t)(20000 / (1 + 3.0 * (double)j * (double)j))};
  assert_int_equal(pmm_intensity_fit(&f), PMM_OK);
  assert_true(f.p_value < 1e-6);
}

static void test_fit_refuses(void **unused) {
  (void)unused;
  pmm_rng_t rng;
  pmm_rng_seed(&rng, 1);
  pmm_intensity_t good, f;
  generate(&good, &rng, 1, 30, 1000);
  f = good;
  assert_int_equal(pmm_intensity_fit(&f), PMM_OK);
#define REFUSED(change, status) \
  f = good; \
  change; \
  assert_int_equal(pmm_intensity_fit(&f), status); \
  assert_true(isnan(f.A) && isnan(f.k) && isnan(f.k_se))
  REFUSED(f.bin_cnt = 1, PMM_INVAL);
  REFUSED(f.bin_cnt = PMM_INTENSITY_BINS + 1, PMM_INVAL);
  REFUSED(f.bin[3].distance = f.bin[2].distance, PMM_INVAL);
  REFUSED(f.bin[3].reached = f.bin[2].reached + 1, PMM_INVAL);
  REFUSED(f.bin[3].exposure_s = -1, PMM_INVAL);
  REFUSED(f.bin[0].exposure_s = NAN, PMM_INVAL);
  REFUSED(for (size_t j = 0; j < 20; j++) f.bin[j].exposure_s = 0, PMM_INVAL);
  REFUSED(for (size_t j = 0; j < 20; j++) f.bin[j].reached = 0, PMM_NOT_READY);
  REFUSED(for (size_t j = 0; j < 20; j++) f.bin[j].reached = j < 2 ? 9 - j : 0, PMM_NOT_READY);
  REFUSED(for (size_t j = 1; j < 20; j++) f.bin[j].reached = 0, PMM_NOT_READY);
}

/* -- recordings by hand, longer than the rig's -- */
typedef struct tape {
  pmm_config_t config;
  pmm_market_t market;
  pmm_md_t *md;
  size_t cnt, cap;
  pmm_backtest_opts_t data;
} tape_t;

static tape_t *tape_open(uint32_t data) {
  tape_t *const t = calloc(1, sizeof *t);
  rig_config(&t->config);
  pmm_market_init(&t->market, "M");
  t->market.data = data;
  t->market.open_ns = rig_ns(0);
  t->market.close_ns = rig_ns(1e6);
  t->cap = 400000;
  t->md = calloc(t->cap, sizeof *t->md);
  return t;
}
static void tape_close(tape_t *t) {
  free(t->md);
  free(t);
}
static pmm_md_t *put(tape_t *t, double s, pmm_md_t md) {
  assert_true(t->cnt < t->cap);
  md.recv_ns = rig_ns(s);
  md.exch_ns = PMM_TIME_NONE;
  t->md[t->cnt] = md;
  return &t->md[t->cnt++];
}
static pmm_md_t *put_level(tape_t *t, double s, pmm_side_t side, int32_t price_e4, double qty, uint8_t flags) {
  return put(t, s, (pmm_md_t){.kind = PMM_MD_LEVEL, .side = (uint8_t)side, .price_e4 = price_e4, .qty_e6 = QTY(qty), .flags = flags});
}
static pmm_md_t *put_trade(tape_t *t, double s, pmm_side_t taker, int32_t price_e4, double qty) {
  return put(t, s, (pmm_md_t){.kind = PMM_MD_TRADE, .side = (uint8_t)taker, .price_e4 = price_e4, .qty_e6 = QTY(qty), .flags = PMM_F_LAST});
}
static void put_book(tape_t *t, double s, int32_t bid_e4, int32_t ask_e4) {
  put(t, s, (pmm_md_t){.kind = PMM_MD_CLEAR, .flags = PMM_F_SNAPSHOT});
  put_level(t, s, PMM_BID, bid_e4, 1000, PMM_F_SNAPSHOT);
  put_level(t, s, PMM_ASK, ask_e4, 1000, PMM_F_SNAPSHOT | PMM_F_LAST);
}
static pmm_status_t try_calibrate(tape_t *t, const char *fills, pmm_calibration_t *out, pmm_error_t *err) {
  t->data = (pmm_backtest_opts_t){.md = t->md, .md_cnt = t->cnt, .market = &t->market, .market_cnt = 1};
  pmm_calibrate_opts_t const opts = {.no_queue = true, .fills = fills};
  return pmm_calibrate_run(&t->config, &t->data, &opts, out, err);
}
static void calibrate(tape_t *t, pmm_calibration_t *out) {
  pmm_error_t err = {0};
  if (try_calibrate(t, NULL, out, &err) != PMM_OK) fail_msg("calibrate: %s", err.text);
}

/* Market orders of either side at rate A that reach an exponential distance, as prints at the tick they get to. */
static void test_intensity_of_prints(void **unused) {
  (void)unused;
  double const A = .5, k = 40, hours = 4;
  uint64_t const seed = check_seed("prints"), runs = check_ops(20) < 5 ? 5 : check_ops(20);
  uint64_t in = 0;
  for (uint64_t run = 0; run < runs; run++) {
    pmm_rng_t rng;
    pmm_rng_seed(&rng, seed + run);
    tape_t *const t = tape_open(PMM_DATA_DEPTH | PMM_DATA_TRADES);
    put_book(t, 0, 4900, 5100);
    for (double s = pmm_rng_exponential(&rng, 2 * A); s < hours * 3600; s += pmm_rng_exponential(&rng, 2 * A)) {
      pmm_side_t const taker = pmm_rng_below(&rng, 2) ? PMM_ASK : PMM_BID;
      int32_t const ticks = (int32_t)floor(pmm_rng_exponential(&rng, k) / .01 + .5);
      if (ticks == 0 || ticks > 49) continue; /* nearer than half a tick: no order of ours could stand there */
      for (int32_t i = 1; i <= ticks; i++)
        put_trade(t, s, taker, taker == PMM_BID ? 5000 + i * 100 : 5000 - i * 100, 3); /* it walks: one order, several prints */
    }
    put(t, hours * 3600, (pmm_md_t){.kind = PMM_MD_MARK, .flags = PMM_F_LAST});
    pmm_calibration_t c;
    calibrate(t, &c);
    const pmm_intensity_t *const f = &c.prints[PMM_CAL_BOTH];
    assert_int_equal(f->status, PMM_OK);
    NEAR(f->bin[0].exposure_s, 2 * hours * 3600, 1);
    assert_int_equal(f->bin[0].reached, c.prints[PMM_CAL_BID].bin[0].reached + c.prints[PMM_CAL_ASK].bin[0].reached);
    in += fabs(f->A - A) < 2 * f->A_se && fabs(f->k - k) < 2 * f->k_se;
    assert_true(fabs(f->A - A) < 4.5 * f->A_se && fabs(f->k - k) < 4.5 * f->k_se);
    assert_int_equal(c.crossings[PMM_CAL_BOTH].events, 0);
    pmm_calibrate_free(&c);
    tape_close(t);
  }
  if (in * 10 < runs * 7) fail_msg("both within two errors in %llu of %llu", (unsigned long long)in, (unsigned long long)runs);
}

/* Without prints: the ask falls through where a bid would have stood, for a moment, every ten seconds. */
static void test_crossings(void **unused) {
  (void)unused;
  tape_t *const t = tape_open(PMM_DATA_DEPTH);
  double s = 0;
  for (int i = 0; i < 200; i++, s += 10) {
    put_book(t, s, 4900, 5100);
    int32_t const down = i % 4 == 0 ? 300 : 100; /* every fourth time further */
    put_level(t, s + .4, PMM_BID, 4900, 0, 0);
    put_level(t, s + .4, PMM_BID, 4500, 10, 0);
    put_level(t, s + .4, PMM_ASK, 5000 - down, 10, PMM_F_LAST);
    put_book(t, s + .6, 4900, 5100);
  }
  put(t, s, (pmm_md_t){.kind = PMM_MD_MARK, .flags = PMM_F_LAST}); /* ends the last second */
  pmm_calibration_t c;
  calibrate(t, &c);
  const pmm_intensity_t *const bid = &c.crossings[PMM_CAL_BID], *const ask = &c.crossings[PMM_CAL_ASK];
  assert_int_equal(bid->bin[0].reached, 200);
  assert_int_equal(bid->bin[1].reached, 50);
  assert_int_equal(bid->bin[3].reached, 0);
  assert_int_equal(ask->bin[0].reached, 0);
  assert_int_equal(bid->status, PMM_OK);
  assert_true(bid->k > 20);
  assert_int_equal(c.prints[PMM_CAL_BOTH].events, 0);
  pmm_calibrate_free(&c);
  tape_close(t);
}

/* -- warm-up -- */
/* The mid changes every gap_s seconds, a print comes every trade_s. */
static tape_t *regular(double gap_s, double trade_s, double seconds) {
  tape_t *const t = tape_open(PMM_DATA_DEPTH | PMM_DATA_TRADES);
  double change = 0, trade = trade_s / 2;
  for (int i = 0; change < seconds;) {
    if (change <= trade) {
      put_book(t, change, i % 2 ? 4900 : 4800, 5100);
      i++;
      change += gap_s;
    } else {
      put_trade(t, trade, PMM_BID, 5100, 1);
      trade += trade_s;
    }
  }
  return t;
}

static void test_warmup(void **unused) {
  (void)unused;
  static const struct {
    const char *why;
    double gap_s, trade_s;
    bool chosen;
    double dt, fast, slow, h1, h2;
  } rows[] = {
      {"inside all clips", 5, 7, true, 4, 12, 600, 21, 56},
      {"the least of each", .25, .5, true, 1, 10, 600, 5, 30},
      {"the most of each", 11, 20, true, 8.8, 26.4, 600, 30, 160},
      {"too few changes in ten minutes: the configured clock", 13, 5, false, 5, 30, 1800, 10, 60},
      {"too few trades", 5, 31, false, 5, 30, 1800, 10, 60},
  };
  for (size_t i = 0; i < COUNT_OF(rows); i++) {
    tape_t *const t = regular(rows[i].gap_s, rows[i].trade_s, 5000);
    pmm_calibration_t c;
    calibrate(t, &c);
    assert_int_equal(c.warmup_cnt, 1);
    pmm_warmup_found_t const *const f = &c.warmup[0].found;
    if (!f->observed || f->chosen != rows[i].chosen)
      fail_msg("%s: observed %d, chosen %d (%u changes, %u gaps)", rows[i].why, f->observed, f->chosen, f->change_gaps, f->trade_gaps);
    NEAR(c.clock.dt_sample_s, rows[i].dt, 1e-3);
    NEAR(c.clock.tau_fast_s, rows[i].fast, 1e-2);
    NEAR(c.clock.tau_slow_s, rows[i].slow, 1e-2);
    NEAR(c.clock.h1_s, rows[i].h1, 1e-2);
    NEAR(c.clock.h2_s, rows[i].h2, 1e-2);
    assert_int_equal(c.chosen_cnt, rows[i].chosen);
    pmm_calibrate_free(&c);
    tape_close(t);
  }
}

/* sigma_base of normal returns is their deviation: 1.4826 is what makes the median of |r| so. */
static void test_sigma_base(void **unused) {
  (void)unused;
  _Alignas(64) static unsigned char memory[65536];
  assert_true(pmm_warmup_bytes() <= sizeof memory);
  pmm_warmup_t *w;
  pmm_warmup_params_t const p = {.clock = {5, 30, 1800, 10, 60}, .min_samples = 2048, .rate_ref = .05, .i_max = 3};
  assert_int_equal(pmm_warmup_init(&w, memory, &p, NULL, NULL), PMM_OK);
  pmm_rng_t rng;
  pmm_rng_seed(&rng, 7);
  double x = 0;
  for (int i = 0; i < 600 / 5 + 2060; i++) {
    pmm_warmup_event(w, rig_ns(i * 5.0), NAN, pmm_sigmoid(x), 0, false);
    x += .01 * pmm_rng_normal(&rng);
    if (fabs(x) > 3) x = 0;
  }
  pmm_warmup_found_t f;
  pmm_warmup_get(w, &f);
  assert_true(f.observed && f.done && !f.chosen);
  NEAR(f.sigma_base, .01, .0008);
  pmm_warmup_params_t bad = p;
  bad.clock.h1_s = 100;
  assert_int_equal(pmm_warmup_init(&w, memory, &bad, NULL, NULL), PMM_INVAL);
  bad = p;
  bad.min_samples = 0;
  assert_int_equal(pmm_warmup_init(&w, memory, &bad, NULL, NULL), PMM_INVAL);
}

/* -- markouts and latency -- */
static void test_markouts(void **unused) {
  (void)unused;
  tape_t *const t = tape_open(PMM_DATA_DEPTH | PMM_DATA_TRADES);
  for (int i = 0; i < 50; i++) { /* buyers lift .51 before the price goes from .50 to .60 */
    double const s = i * 200.0;
    put_book(t, s, 4900, 5100);
    put_trade(t, s + 1, PMM_BID, 5100, 20);
    put_trade(t, s + 1, PMM_ASK, 4900, 200);
    put_book(t, s + 3, 5900, 6100);
    put(t, s + 120, (pmm_md_t){.kind = PMM_MD_MARK, .flags = PMM_F_LAST});
  }
  for (size_t i = 0; i < t->cnt; i++) t->md[i].exch_ns = t->md[i].recv_ns - 20 * PMM_NS_PER_MS;
  pmm_calibration_t c;
  calibrate(t, &c);
  const pmm_cal_markout_t *const buys = &c.markout[PMM_BID][1], *const sells = &c.markout[PMM_ASK][2];
  assert_int_equal(buys->prints, 50);
  assert_int_equal(sells->prints, 50);
  assert_int_equal(c.markout[PMM_BID][0].prints + c.markout[PMM_BID][2].prints, 0);
  NEAR(buys->mean[0], .01, 1e-9); /* the maker sold at .51 when .50 was the middle */
  NEAR(buys->mean[1], -.09, 1e-9);
  NEAR(buys->mean[2], -.09, 1e-9);
  NEAR(buys->adverse[0], 0, 0);
  NEAR(buys->adverse[1], 1, 0);
  NEAR(sells->mean[1], .11, 1e-9);
  NEAR(sells->adverse[1], 0, 0);
  NEAR(c.markout_all.mean[1], (-.09 * 20 + .11 * 200) / 220, 1e-9);
  NEAR(c.adverse_10s, (log(.6 / .4) + 0) / 2, 1e-9);
  assert_int_equal(c.latency[0].negative, 0);
  assert_true(c.latency[0].usable);
  NEAR(c.latency[0].p50_ms, 20, .8);
  NEAR(c.latency[0].min_ms, 20, 1e-9);
  pmm_calibrate_free(&c);
  for (size_t i = 0; i < t->cnt; i += 10) t->md[i].exch_ns = t->md[i].recv_ns + 5 * PMM_NS_PER_MS;
  calibrate(t, &c);
  assert_false(c.latency[0].usable);
  NEAR(c.latency[0].min_ms, -5, 1e-9);
  pmm_calibrate_free(&c);
  tape_close(t);
}

/* -- queue -- */
/* A level that prints and cancels eat into, again and again. */
static tape_t *busy_level(uint64_t seed) {
  pmm_rng_t rng;
  pmm_rng_seed(&rng, seed);
  tape_t *const t = tape_open(PMM_DATA_DEPTH | PMM_DATA_TRADES);
  t->config.exchange.print_lag_ns = 0;
  put_book(t, 0, 4900, 5100);
  double qty = 1000, s = 1;
  for (int i = 0; i < 20000; i++) {
    s += pmm_rng_exponential(&rng, 2);
    uint64_t const what = pmm_rng_below(&rng, 10);
    double const size = (double)(1 + pmm_rng_below(&rng, 60));
    if (what < 2) {
      double const eaten = fmin(size, qty - 1);
      put_trade(t, s, PMM_ASK, 4900, eaten);
      qty -= eaten;
    } else {
      qty += what < 6 ? size : -fmin(size, qty - 1);
    }
    qty = fmin(qty, 3000);
    put_level(t, s, PMM_BID, 4900, qty, PMM_F_LAST);
  }
  return t;
}

typedef struct lived {
  FILE *file;
  int64_t placed_ns;
} lived_t;
static void note_life(void *ctx, const pmm_event_t *ev, uint32_t slot) {
  lived_t *const l = ctx;
  (void)slot;
  if (ev->md.kind == PMM_EV_ACK) l->placed_ns = ev->md.exch_ns;
  if (ev->md.kind == PMM_EV_FILL) fprintf(l->file, "M,bid,0.49,10,%lld,%lld,\n", (long long)l->placed_ns, (long long)ev->md.exch_ns);
}

/* Orders filled under a known exponent are explained best by that exponent. */
static void test_queue_is_found(void **unused) {
  (void)unused;
  static const struct {
    int32_t model;
    double power;
    const char *name;
  } rows[] = {{PMM_QUEUE_POWER, 2, "power 2"}, {PMM_QUEUE_POWER, .5, "power 0.5"}, {PMM_QUEUE_BACK, 1, "back"}};
  const char *const path = rig_path("live.csv");
  for (size_t i = 0; i < COUNT_OF(rows); i++) {
    tape_t *const t = busy_level(11);
    rig_t *const r = calloc(1, sizeof *r);
    static const rig_quote_t quote[] = {{1, 4900, 0, QTY(10)}};
    r->config = t->config;
    rig_strategy(r, 0, "*", quote, 1);
    r->plan[0].refresh_ns = PMM_NS_PER_S;
    r->config.strategy_cnt = 1;
    r->config.exchange.queue = rows[i].model;
    r->config.exchange.queue_power = rows[i].power;
    r->config.exchange.whole_fills = t->config.exchange.whole_fills = true;
    r->config.account.cash_e6 = QTY(1000000);
    lived_t lived = {.file = fopen(path, "w")};
    assert_non_null(lived.file);
    fputs("market,side,price,qty,placed,filled,ended\n", lived.file);
    t->data = (pmm_backtest_opts_t){
        .md = t->md, .md_cnt = t->cnt, .market = &t->market, .market_cnt = 1, .on_account = note_life, .account_ctx = &lived};
    if (pmm_backtest_run(&r->config, &t->data, &r->result, &r->err) != PMM_OK) fail_msg("%s", r->err.text);
    fclose(lived.file);
    assert_true(r->result.fills >= 10);
    pmm_calibration_t c;
    pmm_error_t err = {0};
    if (try_calibrate(t, path, &c, &err) != PMM_OK) fail_msg("%s", err.text);
    assert_int_equal(c.live_orders, r->result.fills);
    if (c.queue_best < 0 || strcmp(c.queue[c.queue_best].name, rows[i].name) != 0)
      fail_msg("%s taken for %s", rows[i].name, c.queue_best < 0 ? "nothing" : c.queue[c.queue_best].name);
    NEAR(c.queue[c.queue_best].loss, 0, 1e-6);
    assert_true(c.queue_margin > 0);
    pmm_calibrate_free(&c);
    pmm_result_free(&r->result);
    free(r);
    tape_close(t);
  }
  remove(path);
}

static void test_bad_fills(void **unused) {
  (void)unused;
  static const struct {
    const char *text, *says;
  } rows[] = {
      {"", "no orders"},
      {"market,side,price,qty,placed,filled\n", ":1: not a heading"},
      {"market,side,price,qty,placed,filled,ended\n", "no orders"},
      {"market,side,price,qty,placed,filled,ended\nX,bid,0.49,1,5,,\n", ":2: market: not in the recording"},
      {"market,side,price,qty,placed,filled,ended\nM,buy,0.49,1,5,,\n", ":2: side"},
      {"market,side,price,qty,placed,filled,ended\nM,bid,1.49,1,5,,\n", ":2: price"},
      {"market,side,price,qty,placed,filled,ended\nM,bid,0.49,0,5,,\n", ":2: qty"},
      {"market,side,price,qty,placed,filled,ended\nM,bid,0.49,1,,,\n", ":2: placed"},
      {"market,side,price,qty,placed,filled,ended\nM,bid,0.49,1,5,later,\n", ":2: filled"},
      {"market,side,price,qty,placed,filled,ended\nM,bid,0.49,1,5,4,\n", ":2: filled: before placed"},
      {"market,side,price,qty,placed,filled,ended\nM,bid,0.49,1,5,,4\n", ":2: ended: before placed"},
      {"market,side,price,qty,placed,filled,ended\nM,bid,0.49,1,5,\n", ":2: not 7 fields"},
  };
  tape_t *const t = tape_open(PMM_DATA_DEPTH);
  put_book(t, 0, 4900, 5100);
  const char *const path = rig_path("bad.csv");
  for (size_t i = 0; i < COUNT_OF(rows); i++) {
    FILE *const file = fopen(path, "w");
    fputs(rows[i].text, file);
    fclose(file);
    pmm_calibration_t c;
    pmm_error_t err = {0};
    if (try_calibrate(t, path, &c, &err) != PMM_PARSE || !strstr(err.text, rows[i].says)) fail_msg("row %zu: %s", i, err.text);
  }
  remove(path);
  pmm_calibration_t c;
  pmm_error_t err = {0};
  assert_int_equal(try_calibrate(t, "/nowhere/at/all.csv", &c, &err), PMM_IO);
  tape_close(t);
}

/* -- fragments -- */
static char *text_of(const pmm_calibration_t *c, const char *strategy) {
  char *text = NULL;
  size_t len = 0;
  FILE *const file = open_memstream(&text, &len);
  if (strategy) pmm_calibrate_write_fragment(file, c, strategy, "tape: one\ntape: two: { [ \"");
  else pmm_calibrate_write_json(file, c);
  fclose(file);
  return text;
}

static void test_fragments(void **unused) {
  (void)unused;
  static const char *const strategies[] = {"linear", "adaptive", "logit", "digital"};
  tape_t *const tapes[] = {regular(5, 7, 5000), tape_open(PMM_DATA_DEPTH), busy_level(3)};
  put_book(tapes[1], 0, 4900, 5100);
  pmm_config_t *const config = malloc(sizeof *config);
  for (size_t i = 0; i < COUNT_OF(tapes); i++) {
    pmm_calibration_t c;
    calibrate(tapes[i], &c);
    for (size_t k = 0; k < COUNT_OF(strategies); k++) {
      char *const text = text_of(&c, strategies[k]);
      pmm_error_t err = {0};
      if (pmm_config_parse(config, "fragment", text, strlen(text), NULL, 0, &err) != PMM_OK)
        fail_msg("tape %zu: %s\n%s", i, err.text, text);
      assert_string_equal(config->strategy[0].source, strategies[k]);
      assert_non_null(strstr(text, "# tape: two"));
      free(text);
    }
    pmm_calibration_t again;
    calibrate(tapes[i], &again);
    char *const one = text_of(&c, NULL), *const two = text_of(&again, NULL);
    assert_string_equal(one, two);
    free(one);
    free(two);
    pmm_calibrate_free(&again);
    pmm_calibrate_free(&c);
    tape_close(tapes[i]);
  }
  free(config);
}

/* -- real recordings -- */
static void test_recordings(void **unused) {
  (void)unused;
  const char *const root = getenv("PMM_DATA");
  if (!root) {
    puts("recordings: PMM_DATA is not set");
    skip();
  }
  char file[5][512];
  static const char *const parts[] = {"coinbase_trades", "control", "orderbook_delta", "orderbook_snapshot", "ticker"};
  const char *path[5];
  for (int i = 0; i < 5; i++) {
    snprintf(file[i], sizeof file[i], "%s/kalshi-btc15m-ws/20260513T1610Z.%s.ndjson.gz", root, parts[i]);
    path[i] = file[i];
  }
  const char *const tape = rig_path("calibrate.tape");
  pmm_import_opts_t opts;
  pmm_import_stats_t stats;
  pmm_error_t err = {0};
  pmm_import_opts_default(&opts);
  opts.format = "kalshi-ws";
  if (pmm_import(&opts, path, 5, tape, &stats, &err) != PMM_OK) fail_msg("%s", err.text);
  pmm_config_t *const config = malloc(sizeof *config);
  pmm_config_default(config);
  pmm_backtest_opts_t const data = {.tape = &tape, .tape_cnt = 1};
  pmm_calibrate_opts_t const all = {0};
  pmm_calibration_t c;
  if (pmm_calibrate_run(config, &data, &all, &c, &err) != PMM_OK) fail_msg("%s", err.text);
  const pmm_intensity_t *const f = &c.prints[PMM_CAL_BOTH];
  assert_int_equal(c.inferred, c.trades);
  assert_true(f->status == PMM_OK && f->A > 0 && f->k > 1 && f->k < 500 && f->k_se > 0);
  for (size_t j = 1; j < f->bin_cnt; j++) assert_true(f->bin[j].reached <= f->bin[j - 1].reached);
  assert_true(c.log_odds[1].value > 0);
  assert_true(c.under_cnt == 1 && c.under[0].whole.value > .05 && c.under[0].whole.value < 5);
  const pmm_cal_queue_row_t *back = NULL, *front = NULL;
  for (uint32_t i = 0; i < c.queue_cnt; i++) {
    if (strcmp(c.queue[i].name, "back") == 0) back = &c.queue[i];
    if (strcmp(c.queue[i].name, "front") == 0) front = &c.queue[i];
  }
  assert_true(back && front && front->fills > back->fills); /* nobody waits at the front */
  assert_int_equal(c.queue_best, -1);
  pmm_calibrate_free(&c);
  free(config);
  remove(tape);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_fit_recovers),        cmocka_unit_test(test_fit_refutes), cmocka_unit_test(test_fit_refuses),
      cmocka_unit_test(test_intensity_of_prints), cmocka_unit_test(test_crossings),   cmocka_unit_test(test_warmup),
      cmocka_unit_test(test_sigma_base),          cmocka_unit_test(test_markouts),    cmocka_unit_test(test_queue_is_found),
      cmocka_unit_test(test_bad_fills),           cmocka_unit_test(test_fragments),   cmocka_unit_test(test_recordings),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
