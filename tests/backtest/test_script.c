/* Scenario events: what a script may say, what it makes of a stream, and whole runs under every adversity at once. */
#include "backtest/rig.h"
#include "backtest/run.h"

static pmm_error_t err;

/* ---- reading ---- */

static const struct { const char *why, *events, *want; pmm_status_t status; } bad[] = {
  {"too few words", "+1s M", "script.events:1: an event has 3 or 4 words: TIME MARKET-GLOB EVENT [ARGUMENT]", PMM_PARSE},
  {"too many words", "+1s M halt now please", "script.events:1: an event has 3 or 4 words: TIME MARKET-GLOB EVENT [ARGUMENT]", PMM_PARSE},
  {"second of two", "+1s M halt; +2s M hlt", "script.events:2: hlt: no such event (did you mean 'halt'?)", PMM_NOT_FOUND},
  {"not an offset", "+1x M halt", "script.events:1: +1x: not an offset (+90s, +10m, +1.5h)", PMM_PARSE},
  {"a negative offset", "+-1s M halt", "script.events:1: +-1s: not an offset (+90s, +10m, +1.5h)", PMM_PARSE},
  {"not a time", "noon M halt", "script.events:1: noon: not a time (2026-06-11T05:39:31Z, or +10m from the start)", PMM_PARSE},
  {"too early", "2025-01-01T00:00:00Z M halt", "script.events:1: 2025-01-01T00:00:00Z: before the data begin (2026-01-01T12:00:00.000Z)", PMM_INVAL},
  {"nobody of that name", "+1s X* halt", "script.events:1: no market matches 'X*' (the data have 1)", PMM_NOT_FOUND},
  {"an argument too many", "+1s M halt 5s", "script.events:1: halt takes no argument: 5s", PMM_PARSE},
  {"a duration missing", "+1s M outage", "script.events:1: outage needs a duration (90s, 10m)", PMM_PARSE},
  {"a share missing", "+1s M settlement_fail", "script.events:1: settlement_fail needs a share (0.02)", PMM_PARSE},
  {"a tick missing", "+1s M tick", "script.events:1: tick needs a tick (0.001)", PMM_PARSE},
  {"not a duration", "+1s M outage soon", "script.events:1: soon: not a duration (90s, 10m)", PMM_PARSE},
  {"more than all", "+1s M settlement_fail 1.1", "script.events:1: 1.1: not a share (0 to 1, four decimals)", PMM_INVAL},
  {"no tick", "+1s M tick 0.03", "script.events:1: 0.03: not a tick (0.01, 0.001, ...)", PMM_INVAL},
  {"a coarser tick", "+1s M tick 0.05", "script.events:1: a tick of 0.05 does not fit M: its recorded prices have 0.01, its book room for 0.01", PMM_INVAL},
  {"a tick finer than the book", "+1s M tick 0.001", "script.events:1: a tick of 0.001 does not fit M: its recorded prices have 0.01, its book room for 0.01", PMM_INVAL},
};

static void simple_data(rig_t *r) {
  rig_open(r, NULL, 0);
  rig_life(r, 0, PMM_LIFE_OPEN);
  rig_book(r, 1, 4900, 10, 5100, 10);
}

static pmm_status_t open_scripted(rig_t *r, pmm__stream_t **s) {
  pmm_backtest_opts_t const opts = rig_opts(r);
  assert_int_equal(pmm__stream_open(s, &opts, &err), PMM_OK);
  return pmm__stream_script(*s, &r->config, &err);
}

static void test_bad_scripts(void **state) {
  (void)state;
  static rig_t r;
  for (size_t i = 0; i < COUNT_OF(bad); i++) {
    simple_data(&r);
    snprintf(r.config.script.events, sizeof r.config.script.events, "%s", bad[i].events);
    pmm__stream_t *s;
    pmm_status_t const st = open_scripted(&r, &s);
    if (st != bad[i].status || strcmp(err.text, bad[i].want) != 0) fail_msg("%s: %d %s", bad[i].why, st, err.text);
    pmm__stream_close(s);
  }
}

static void write_text(const char *path, const char *text) {
  FILE *const f = fopen(path, "w");
  assert_non_null(f);
  fputs(text, f);
  assert_int_equal(fclose(f), 0);
}

static void test_script_files(void **state) {
  (void)state;
  static rig_t r;
  const char *const path = rig_path("script.txt");
  char want[600];
  pmm__stream_t *s;
  simple_data(&r);
  snprintf(r.config.script.file, sizeof r.config.script.file, "%s", path);
  unlink(path);
  assert_int_equal(open_scripted(&r, &s), PMM_IO);
  pmm__stream_close(s);
  write_text(path, "# a comment\n\n+1s M halt   # and another\n+2s M rest\n");
  assert_int_equal(open_scripted(&r, &s), PMM_NOT_FOUND);
  snprintf(want, sizeof want, "%s:4: rest: no such event (did you mean 'resume'?)", path);
  if (!strstr(err.text, ":4: rest: no such event")) fail_msg("%s, expected %s", err.text, want);
  pmm__stream_close(s);
  write_text(path, "# nothing but this\n");
  assert_int_equal(open_scripted(&r, &s), PMM_OK);
  pmm__stream_close(s);
  unlink(path);
}

/* ---- what becomes of a stream ---- */

/* Records as text: seconds, then a letter: S status, T tick, P phase, E settlement, G gap, C clear, L level, R trade, M mark, $ price. */
static const char *stream_text(rig_t *r, const char *events) {
  static char text[8192];
  size_t n = 0;
  snprintf(r->config.script.events, sizeof r->config.script.events, "%s", events);
  pmm__stream_t *s;
  if (open_scripted(r, &s) != PMM_OK) fail_msg("%s", err.text);
  const pmm_md_t *md;
  size_t cnt;
  pmm_status_t st;
  text[0] = 0;
  while ((st = pmm__stream_next(s, &md, &cnt, &err)) == PMM_OK)
    for (size_t i = 0; i < cnt; i++) {
      static const char letter[] = "?LRCMSTUGV?$PE";
      n += (size_t)snprintf(text + n, sizeof text - n, "%s%g%c", n ? " " : "", rig_s(md[i].recv_ns), letter[md[i].kind]);
      if (md[i].kind == PMM_MD_STATUS) n += (size_t)snprintf(text + n, sizeof text - n, "%c", "pohcgr"[md[i].aux]); /* pending open halted closed resolvinG resolved */
      if (md[i].kind == PMM_MD_PHASE) n += (size_t)snprintf(text + n, sizeof text - n, "%d", md[i].aux);
      if (md[i].kind == PMM_MD_LEVEL || md[i].kind == PMM_MD_TICK || md[i].kind == PMM_MD_PRICE) n += (size_t)snprintf(text + n, sizeof text - n, "%d", md[i].price_e4);
      if (md[i].kind == PMM_MD_SETTLEMENT) n += (size_t)snprintf(text + n, sizeof text - n, "%lld/%d", (long long)md[i].qty_e6, md[i].price_e4);
      if (md[i].flags & PMM_F_LAST) n += (size_t)snprintf(text + n, sizeof text - n, ".");
    }
  assert_int_equal(st, PMM_END);
  pmm__stream_close(s);
  return text;
}

static void a_day(rig_t *r) { /* open 0, book 1, levels at 2, 4, 6, closed and yes at 8 */
  rig_open(r, NULL, 0);
  rig_life(r, 0, PMM_LIFE_OPEN);
  rig_book(r, 1, 4900, 10, 5100, 10);
  rig_level(r, 2, PMM_BID, 4900, 20, PMM_F_LAST);
  rig_level(r, 4, PMM_BID, 4800, 20, PMM_F_LAST);
  rig_level(r, 6, PMM_BID, 4700, 20, PMM_F_LAST);
  rig_resolve(r, 8, PMM_OUTCOME_YES);
}
#define OPENING "0So. 1C 1L4900 1L5100."

static void test_streams(void **state) {
  (void)state;
  static const struct { const char *why, *events, *want; } rows[] = {
    {"nothing", "", OPENING " 2L4900. 4L4800. 6L4700. 8Sc. 8Sr."},
    {"only blanks", " ; ", OPENING " 2L4900. 4L4800. 6L4700. 8Sc. 8Sr."},
    {"a halt", "+3s M halt; +5s M resume", OPENING " 2L4900. 3Sh. 4L4800. 5So. 6L4700. 8Sc. 8Sr."},
    {"before the records of its moment", "+2s * halt; +4s * resume", OPENING " 2Sh. 2L4900. 4So. 4L4800. 6L4700. 8Sc. 8Sr."},
    {"never resumed", "+3s M halt", OPENING " 2L4900. 3Sh. 4L4800. 6L4700. 8Sc. 8Sr."},
    {"resumed after the close: that stands", "+7s M halt; +9s M resume", OPENING " 2L4900. 4L4800. 6L4700. 7Sh. 8Sc. 8Sr."},
    {"resumed without a halt", "+3s M resume", OPENING " 2L4900. 4L4800. 6L4700. 8Sc. 8Sr."},
    {"halted before it opens", "+0s M halt; +3s M resume", "0So. 0Sh. 1C 1L4900 1L5100. 2L4900. 3So. 4L4800. 6L4700. 8Sc. 8Sr."},
    {"phases", "+3s M cancel_only; +4s M post_only; +5s M normal", OPENING " 2L4900. 3P2. 4P1. 4L4800. 5P0. 6L4700. 8Sc. 8Sr."},
    {"settlement", "+3s M settlement_delay 10ms; +4s M settlement_fail 0.02", OPENING " 2L4900. 3E10000000/-1. 4E-1/200. 4L4800. 6L4700. 8Sc. 8Sr."},
    {"a late resolution", "+3s M resolve_delay 10s", OPENING " 2L4900. 4L4800. 6L4700. 8Sc. 18Sr."},
    {"what happens until then", "+3s M resolve_delay 10s; +9s M post_only; +20s M halt", OPENING " 2L4900. 4L4800. 6L4700. 8Sc. 9P1. 18Sr."},
    {"an outage", "+3s M outage 2s", OPENING " 2L4900. 3G. 3P2. 5P0. 5C 5L4900 5L4800 5L5100. 6L4700. 8Sc. 8Sr."},
    {"an outage within another", "+3s M outage 3s; +4s M outage 1s", OPENING " 2L4900. 3G. 3P2. 6P0. 6C 6L4900 6L4800 6L5100. 6L4700. 8Sc. 8Sr."},
    {"an outage that goes on", "+3s M outage 2s; +4s M outage 3s", OPENING " 2L4900. 3G. 3P2. 7P0. 7C 7L4900 7L4800 7L4700 7L5100. 8Sc. 8Sr."},
    {"a phase that begins in an outage", "+3s M outage 2s; +4s M post_only", OPENING " 2L4900. 3G. 3P2. 5P1. 5C 5L4900 5L4800 5L5100. 6L4700. 8Sc. 8Sr."},
    {"the end of the market is told even so", "+7s M outage 10s", OPENING " 2L4900. 4L4800. 6L4700. 7G. 7P2. 8Sc. 8Sr."},
    {"times as dates", "2026-01-01T12:00:03Z M post_only", OPENING " 2L4900. 3P1. 4L4800. 6L4700. 8Sc. 8Sr."},
  };
  static rig_t r;
  for (size_t i = 0; i < COUNT_OF(rows); i++) {
    a_day(&r);
    const char *const got = stream_text(&r, rows[i].events);
    if (strcmp(got, rows[i].want) != 0) fail_msg("%s:\n  have %s\n  want %s", rows[i].why, got, rows[i].want);
  }
}

static void test_finer_ticks(void **state) {
  (void)state;
  static rig_t r;
  a_day(&r);
  r.market[0].venue = PMM_VENUE_POLYMARKET;
  assert_string_equal(stream_text(&r, "+3s M tick 0.001; +5s M tick 0.005"), OPENING " 2L4900. 3T10. 4L4800. 6L4700. 8Sc. 8Sr."); /* once there, it stays */
  a_day(&r);
  r.market[0].venue = PMM_VENUE_POLYMARKET;
  assert_string_equal(stream_text(&r, "+3s M tick 0.001; +5s M outage 500ms"), OPENING " 2L4900. 3T10. 4L4800. 5G. 5P2. 5.5P0. 5.5C 5.5L4900 5.5L4800 5.5L5100. 6L4700. 8Sc. 8Sr.");
}

/* A recorded gap that is open when an outage ends goes on until the recording ends it; a source of prices repeats its last. */
static void test_outages_meet_the_recording(void **state) {
  (void)state;
  static rig_t r;
  rig_open(&r, NULL, 0);
  rig_life(&r, 0, PMM_LIFE_OPEN);
  rig_book(&r, 1, 4900, 10, 5100, 10);
  rig_add(&r, 4, (pmm_md_t){.kind = PMM_MD_GAP, .flags = PMM_F_LAST});
  rig_book(&r, 7, 4800, 10, 5200, 10);
  assert_string_equal(stream_text(&r, "+3s M outage 2s"), OPENING " 3G. 3P2. 5P0. 7C 7L4800 7L5200.");
  rig_open(&r, NULL, 0);
  r.market[0].data = PMM_DATA_PRICE;
  rig_life(&r, 0, PMM_LIFE_OPEN);
  for (int i = 1; i < 5; i++) rig_add(&r, i, (pmm_md_t){.kind = PMM_MD_PRICE, .price_e4 = 4000 + i, .flags = PMM_F_LAST});
  assert_string_equal(stream_text(&r, "+2s M outage 1500ms"), "0So. 1$4001. 2G. 2P2. 3.5P0. 3.5C. 3.5$4003. 4$4004.");
}

/* ---- runs ---- */

/* Quotes on both sides through an outage and a halt: nothing of ours stands or fills in them, and the market trades again after. */
static void test_no_fill_in_an_outage(void **state) {
  (void)state;
  static rig_t r;
  static const rig_quote_t quotes[] = {{0, 4900, 5100, 10000000}};
  static const char *const events[] = {"", "+20s M outage 20s", "+20s M halt; +40s M resume"};
  for (size_t i = 0; i < COUNT_OF(events); i++) {
    rig_open(&r, quotes, COUNT_OF(quotes));
    rig_life(&r, 0, PMM_LIFE_OPEN);
    rig_book(&r, 1, 4900, 1, 5100, 1);
    for (int t = 2; t < 60; t += 2) rig_trade(&r, t, t % 4 ? PMM_BID : PMM_ASK, t % 4 ? 5200 : 4800, 1, PMM_F_LAST);
    rig_resolve(&r, 70, PMM_OUTCOME_YES);
    snprintf(r.config.script.events, sizeof r.config.script.events, "%s", events[i]);
    rig_run(&r);
    int within = 0, after = 0;
    for (size_t k = 0; k < r.event_cnt; k++) {
      double const t = rig_s(r.event[k].md.exch_ns);
      if (r.event[k].md.kind != PMM_EV_FILL) continue;
      within += t > 20 && t < 40;
      after += t > 40;
    }
    assert_true(i == 0 ? within > 0 : within == 0);
    assert_true(after > 0);
    assert_int_equal(r.result.bad_events, 0);
    rig_close(&r);
  }
}

/* Late and failed settlements reach ledger and venue alike: what failed is not held at the resolution. */
static void test_failures_reach_the_ledger(void **state) {
  (void)state;
  static rig_t r;
  static const rig_quote_t quotes[] = {{0, 4900, 0, 10000000}};
  for (int late = 0; late < 2; late++) { /* the failure comes before the market resolves, or after */
    rig_open(&r, quotes, COUNT_OF(quotes));
    r.market[0].venue = PMM_VENUE_POLYMARKET;
    rig_life(&r, 0, PMM_LIFE_OPEN);
    rig_book(&r, 1, 4900, 1, 5100, 1);
    rig_trade(&r, 3, PMM_ASK, 4800, 4, PMM_F_LAST);
    rig_level(&r, 5, PMM_ASK, 5100, 2, PMM_F_LAST);
    rig_resolve(&r, 70, PMM_OUTCOME_YES);
    rig_level(&r, 300, PMM_ASK, 5100, 3, PMM_F_LAST);
    snprintf(r.config.script.events, sizeof r.config.script.events, "+2s M settlement_delay %s; +2s M settlement_fail 1", late ? "100s" : "10s");
    rig_run(&r);
    assert_string_equal(rig_fills(&r), "3.000 .4900x4");
    assert_string_equal(rig_saw(&r, PMM_EV_SETTLE_FAILED), late ? "103.000 .4900x4" : "13.000 .4900x4");
    assert_int_equal(r.result.pnl_total_e6, 0);
    assert_int_equal(r.result.settle_failed, 1);
    rig_close(&r);
  }
}

/* The kill switch is pulled when the venue takes no more requests: the cancels go out again until nothing of ours rests. */
static void test_kill_outlasts_the_limit(void **state) {
  (void)state;
  static rig_t r;
  static const rig_quote_t quotes[] = {{0, 4900, 5100, 10000000}};
  rig_open(&r, quotes, COUNT_OF(quotes));
  r.config.exec.pending_timeout_ns = 5 * PMM_NS_PER_S;
  r.config.risk.max_daily_loss_e6 = QTY(1);
  r.config.exchange.rate_limit = PMM_RATE_CUSTOM;
  r.config.exchange.rate_capacity = 2;
  r.config.exchange.rate_refill = 0.05;
  r.config.exchange.rate_cost_place = r.config.exchange.rate_cost_cancel = r.config.exchange.rate_cost_amend = 1;
  rig_life(&r, 0, PMM_LIFE_OPEN);
  rig_book(&r, 1, 4800, 1, 5200, 1);
  rig_trade(&r, 3, PMM_ASK, 4800, 10, PMM_F_LAST);
  rig_book(&r, 10, 2900, 1, 3100, 1);
  for (int t = 11; t < 40; t++) rig_book(&r, t, 2900, 1 + t, 3100, 1);
  rig_trade(&r, 40, PMM_BID, 5300, 10, PMM_F_LAST);
  rig_resolve(&r, 50, PMM_OUTCOME_NO);
  rig_run(&r);
  assert_true(r.result.killed);
  assert_true(r.result.rate_refused > 0);
  assert_string_equal(rig_fills(&r), "3.000 .4900x10");
  assert_non_null(strstr(rig_saw(&r, PMM_EV_CANCELLED), ".5100x10"));
  rig_close(&r);
}

static void test_bernoulli_runs_say_so(void **state) {
  (void)state;
  static rig_t r;
  static const rig_quote_t quotes[] = {{0, 4900, 5100, 10000000}};
  uint64_t hash[3] = {0};
  for (int i = 0; i < 3; i++) {
    rig_open(&r, quotes, COUNT_OF(quotes));
    r.market[0].data = PMM_DATA_PRICE;
    r.config.seed = i < 2 ? 5 : 6;
    r.config.exchange.bernoulli_rate = 0.5;
    rig_life(&r, 0, PMM_LIFE_OPEN);
    for (int t = 1; t < 200; t++) rig_add(&r, t, (pmm_md_t){.kind = PMM_MD_PRICE, .price_e4 = 5000, .flags = PMM_F_LAST});
    rig_resolve(&r, 200, PMM_OUTCOME_NO);
    rig_run(&r);
    assert_true(r.result.bernoulli_fills > 10);
    assert_int_equal(r.result.trade_fills, 0);
    assert_int_equal(r.result.bernoulli_fills, r.result.maker_fills);
    assert_non_null(strstr(r.result.fill_source, "chance"));
    assert_int_equal(r.result.bernoulli_seed, r.config.seed);
    hash[i] = r.result.state_hash;
    rig_close(&r);
  }
  assert_true(hash[0] == hash[1]);
  assert_true(hash[0] != hash[2]);
}

/* ---- everything at once ---- */

static void random_records(rig_t *r, pmm_rng_t *rng) {
  rig_life(r, 0, PMM_LIFE_OPEN);
  bool const priced = r->market[0].data == PMM_DATA_PRICE;
  if (!priced) rig_book(r, 1, 4900, 20, 5100, 20);
  for (int i = 0; i < 1500; i++) {
    double const t = 2 + i * 0.1;
    int32_t const price = 4500 + 100 * (int32_t)pmm_rng_below(rng, 11);
    uint64_t const what = pmm_rng_below(rng, 20);
    if (priced) rig_add(r, t, (pmm_md_t){.kind = PMM_MD_PRICE, .price_e4 = price, .flags = PMM_F_LAST});
    else if (what < 9) rig_level(r, t, price < 5000 ? PMM_BID : PMM_ASK, price, (double)pmm_rng_below(rng, 30), PMM_F_LAST);
    else if (what < 19) rig_trade(r, t, price < 5000 ? PMM_ASK : PMM_BID, price, 0.5 * (double)(1 + pmm_rng_below(rng, 30)), PMM_F_LAST);
    else rig_book(r, t, 4900, 20, 5100, 20);
  }
  static const pmm_outcome_t outcomes[] = {PMM_OUTCOME_YES, PMM_OUTCOME_NO, PMM_OUTCOME_VOID};
  rig_resolve(r, 160, outcomes[pmm_rng_below(rng, 3)]);
  rig_level(r, 200, PMM_BID, 100, 1, PMM_F_LAST);
}

static void random_script(rig_t *r, pmm_rng_t *rng) {
  static const char *const pool[] = {"halt", "resume", "post_only", "cancel_only", "normal", "normal", "settlement_delay 7s", "settlement_delay 0", "settlement_delay 60s",
                                     "settlement_fail 0.3", "settlement_fail 0", "resolve_delay 20s", "outage 9s", "resume"};
  char *const text = r->config.script.events;
  size_t n = 0;
  for (uint64_t i = pmm_rng_below(rng, 8); i > 0; i--)
    n += (size_t)snprintf(text + n, sizeof r->config.script.events - n, "%s+%llus * %s", n ? ";" : "", (unsigned long long)pmm_rng_below(rng, 160), pool[pmm_rng_below(rng, COUNT_OF(pool))]);
}

static void random_adversity(rig_t *r, pmm_rng_t *rng) {
  pmm_sim_params_t *const x = &r->config.exchange;
  r->config.seed = pmm_rng_below(rng, 1000);
  r->config.latency.order_ns = (int64_t)pmm_rng_below(rng, 3) * 300 * PMM_NS_PER_MS;
  r->config.latency.response_ns = (int64_t)pmm_rng_below(rng, 3) * 400 * PMM_NS_PER_MS;
  r->config.latency.feed = pmm_rng_below(rng, 3) == 0 ? PMM_FEED_CONSTANT : PMM_FEED_NONE;
  r->config.latency.feed_ns = 100 * PMM_NS_PER_MS;
  r->config.exec.pending_timeout_ns = 5 * PMM_NS_PER_S;
  r->config.exec.amend = pmm_rng_below(rng, 2);
  r->config.account.cash_e6 = pmm_rng_below(rng, 2) ? QTY(30) : QTY(1000);
  x->queue = (int32_t)pmm_rng_below(rng, 4);
  x->fill_model = pmm_rng_below(rng, 3) == 0 ? PMM_FILL_BERNOULLI : PMM_FILL_AUTO;
  x->bernoulli_rate = 0.3;
  if (pmm_rng_below(rng, 2)) {
    x->rate_limit = PMM_RATE_CUSTOM;
    x->rate_capacity = 2;
    x->rate_refill = 0.5;
    x->rate_cost_place = x->rate_cost_cancel = x->rate_cost_amend = 1;
  }
  if (pmm_rng_below(rng, 2)) x->settle_delay_ns = (int64_t)pmm_rng_below(rng, 20) * PMM_NS_PER_S;
  if (pmm_rng_below(rng, 2)) x->settle_fail_share = 0.25;
}

/* A run ends by comparing ledger and venue to the micro-dollar; under PMM_CHECKS the ledger is checked after every event. */
static void test_conservation_under_adversity(void **state) {
  (void)state;
  static rig_t r;
  static rig_quote_t quotes[80];
  pmm_rng_t rng;
  uint64_t const first = check_seed("adversities"), runs = check_ops(3000) / 50;
  uint64_t refused = 0, failed = 0, chance = 0, fills = 0;
  for (uint64_t run = 0; run < runs; run++) {
    pmm_rng_seed(&rng, first + run);
    for (size_t i = 0; i < COUNT_OF(quotes); i++)
      quotes[i] = (rig_quote_t){.at_s = 2.0 * (double)i, .bid_e4 = 4500 + 100 * (int32_t)pmm_rng_below(&rng, 5), .ask_e4 = 5100 + 100 * (int32_t)pmm_rng_below(&rng, 5),
                                .qty_e6 = QTY(1 + (double)pmm_rng_below(&rng, 20))};
    rig_open(&r, quotes, COUNT_OF(quotes));
    static const uint32_t data[] = {PMM_DATA_DEPTH | PMM_DATA_TRADES, PMM_DATA_DEPTH, PMM_DATA_PRICE};
    r.market[0].data = data[pmm_rng_below(&rng, COUNT_OF(data))];
    r.market[0].venue = (uint8_t)pmm_rng_below(&rng, 4);
    if (pmm_rng_below(&rng, 2)) r.market[0].fees = (pmm_fee_schedule_t){.model = PMM_FEE_KALSHI, .taker_rate_e6 = 70000, .maker_rate_e6 = 17500, .precision_e6 = 100};
    random_records(&r, &rng);
    random_script(&r, &rng);
    random_adversity(&r, &rng);
    if (rig_try(&r) != PMM_OK) fail_msg("seed %llu: %s (script %s)", (unsigned long long)(first + run), r.err.text, r.config.script.events);
    if (r.result.bad_events) fail_msg("seed %llu: %llu bad events (script %s)", (unsigned long long)(first + run), (unsigned long long)r.result.bad_events, r.config.script.events);
    refused += r.result.rate_refused;
    failed += r.result.settle_failed;
    chance += r.result.bernoulli_fills;
    fills += r.result.fills;
    rig_close(&r);
  }
  if (runs >= 40) assert_true(refused > 0 && failed > 0 && chance > 0 && fills > chance); /* none of it slept */
}

int main(void) {
  const struct CMUnitTest tests[] = {
    cmocka_unit_test(test_bad_scripts), cmocka_unit_test(test_script_files), cmocka_unit_test(test_streams), cmocka_unit_test(test_finer_ticks),
    cmocka_unit_test(test_outages_meet_the_recording), cmocka_unit_test(test_no_fill_in_an_outage), cmocka_unit_test(test_failures_reach_the_ledger),
    cmocka_unit_test(test_kill_outlasts_the_limit), cmocka_unit_test(test_bernoulli_runs_say_so), cmocka_unit_test(test_conservation_under_adversity),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
