/* Cutting tapes: from any moment on, a replay of the cut has what a replay of the whole has. Random tapes against a slow
   model of the state. */
#include "tape/tape_test.h"

#define MARKETS 3
#define UNDERLYINGS 2

/* -- the model: every price of every market, and the last of everything else -- */
typedef struct state {
  struct { int64_t qty[2][PMM_ONE_E4]; int32_t tick, price; int64_t volume, delay; uint8_t life, phase; bool known, gap; } m[MARKETS];
  int64_t value[UNDERLYINGS], mean[UNDERLYINGS];
} state_t;

static void apply(state_t *s, const pmm_md_t *md) {
  if (md->kind == PMM_MD_UNDERLYING) { s->value[md->market] = md->qty_e6; return; }
  if (md->kind == PMM_MD_SETTLE_MEAN) { s->mean[md->market] = md->qty_e6; return; }
  switch (md->kind) {
  case PMM_MD_LEVEL: s->m[md->market].qty[md->side][md->price_e4] = md->qty_e6; s->m[md->market].known = true; break;
  case PMM_MD_CLEAR: memset(s->m[md->market].qty, 0, sizeof s->m[0].qty); s->m[md->market].known = true; s->m[md->market].gap = false; break;
  case PMM_MD_GAP: s->m[md->market].gap = true; break;
  case PMM_MD_STATUS: s->m[md->market].life = md->aux; break;
  case PMM_MD_PHASE: s->m[md->market].phase = md->aux; break;
  case PMM_MD_VOLUME: s->m[md->market].volume = md->qty_e6; break;
  case PMM_MD_PRICE: s->m[md->market].price = md->price_e4; break;
  case PMM_MD_SETTLEMENT: s->m[md->market].delay = md->qty_e6; break;
  case PMM_MD_TICK:
    s->m[md->market].tick = md->price_e4;
    for (int side = 0; side < 2; side++)
      for (int32_t p = 0; p < PMM_ONE_E4; p++)
        if (p % md->price_e4 != 0) s->m[md->market].qty[side][p] = 0;
    break;
  default: break;
  }
}

/* -- random tapes -- */
static pmm_md_t random_record(pmm_rng_t *rng, const state_t *s, int64_t now_ns, uint32_t seq) {
  static const uint8_t kinds[] = {PMM_MD_LEVEL, PMM_MD_LEVEL, PMM_MD_LEVEL, PMM_MD_LEVEL, PMM_MD_LEVEL, PMM_MD_LEVEL, PMM_MD_TRADE, PMM_MD_CLEAR,
                                  PMM_MD_MARK, PMM_MD_UNDERLYING, PMM_MD_SETTLE_MEAN, PMM_MD_GAP, PMM_MD_VOLUME, PMM_MD_TICK, PMM_MD_STATUS,
                                  PMM_MD_PRICE, PMM_MD_PHASE, PMM_MD_SETTLEMENT};
  pmm_md_t md = {.kind = kinds[pmm_rng_below(rng, COUNT_OF(kinds))], .recv_ns = now_ns, .exch_ns = now_ns - 5, .seq = seq, .flags = PMM_F_LAST};
  bool const under = pmm_kind_is_underlying(md.kind);
  md.market = (uint32_t)pmm_rng_below(rng, under ? UNDERLYINGS : MARKETS);
  md.side = (uint8_t)pmm_rng_below(rng, 2);
  md.qty_e6 = check_between(rng, md.kind == PMM_MD_LEVEL ? 0 : 1, 5) * PMM_ONE_E6;
  int32_t const tick = under ? 100 : s->m[md.market].tick;
  md.price_e4 = (int32_t)check_between(rng, 1, PMM_ONE_E4 / tick - 1) * tick;
  if (md.kind == PMM_MD_TICK) md.price_e4 = pmm_rng_below(rng, 2) ? 100 : 10;
  if (md.kind == PMM_MD_STATUS) {
    uint8_t const life = s->m[md.market].life;
    md.aux = life == PMM_LIFE_OPEN ? PMM_LIFE_HALTED : PMM_LIFE_OPEN;
  }
  if (md.kind == PMM_MD_PHASE) md.aux = (uint8_t)pmm_rng_below(rng, 3);
  return md;
}

static void add_tables(pmm_tape_writer_t *w) {
  pmm_error_t err = {0};
  uint32_t index;
  for (int i = 0; i < MARKETS; i++) {
    pmm_market_t m;
    char id[16];
    snprintf(id, sizeof id, "M%d", i);
    pmm_market_init(&m, id);
    m.life = PMM_LIFE_PENDING;
    m.underlying = i < UNDERLYINGS ? (uint32_t)i : PMM_UNDER_NONE;
    if (i == 0)
      for (int u = 0; u < UNDERLYINGS; u++) {
        pmm_underlying_t const under = {.id = {(char)('A' + u)}, .source = "test"};
        ASSERT_OK(pmm_tape_add_underlying(w, &under, &index, &err), err);
      }
    ASSERT_OK(pmm_tape_add_market(w, &m, &index, &err), err);
  }
}

static void start_state(state_t *s) {
  memset(s, 0, sizeof *s);
  for (int i = 0; i < MARKETS; i++) s->m[i].tick = 100;
}

static const char *random_tape(pmm_rng_t *rng, uint64_t records) {
  const char *const path = scratch("whole.tape");
  pmm_tape_writer_t *w;
  pmm_error_t err = {0};
  state_t *const s = malloc(sizeof *s);
  int64_t now_ns = INT64_C(1700000000) * PMM_NS_PER_S;
  start_state(s);
  ASSERT_OK(pmm_tape_create(&w, path, "{\"made_by\":\"test\"}", &err), err);
  add_tables(w);
  for (uint64_t i = 0; i < records; i++) {
    now_ns += (int64_t)pmm_rng_below(rng, 3) * 10;
    pmm_md_t const md = random_record(rng, s, now_ns, (uint32_t)i);
    apply(s, &md);
    ASSERT_OK(pmm_tape_append(w, &md, &err), err);
  }
  ASSERT_OK(pmm_tape_finish(w, NULL, &err), err);
  free(s);
  return path;
}

/* -- the property -- */
/* State of the whole before from_ns against that of the keyframes of the cut; and from there the same records. */
static const char *compare(const whole_t *whole, const whole_t *cut, int64_t from_ns, bool broken) {
  state_t *const a = malloc(sizeof *a), *const b = malloc(sizeof *b);
  size_t i = 0, k = 0;
  start_state(a);
  start_state(b);
  for (; i < whole->cnt && whole->md[i].recv_ns < from_ns; i++) apply(a, &whole->md[i]);
  for (; k < cut->cnt && cut->md[k].flags & PMM_F_KEYFRAME; k++) {
    if (cut->md[k].recv_ns != from_ns) return "a state record is not of the time of the cut";
    if (!broken || cut->md[k].kind != PMM_MD_LEVEL) apply(b, &cut->md[k]);
  }
  const char *why = memcmp(a, b, sizeof *a) == 0 ? NULL : "the state at the cut is another";
  if (!why && (whole->cnt - i != cut->cnt - k || memcmp(&whole->md[i], &cut->md[k], (cut->cnt - k) * sizeof *cut->md) != 0))
    why = "the records after the cut are others";
  free(a);
  free(b);
  return why;
}

static const char *cut_at(const whole_t *whole, int64_t from_ns, bool broken) {
  pmm_tape_cut_opts_t opts;
  pmm_tape_cut_stats_t stats;
  pmm_tape_check_t check;
  pmm_error_t err = {0};
  pmm_tape_cut_opts_default(&opts);
  opts.from_ns = from_ns;
  ASSERT_OK(pmm_tape_cut(whole->tape, &opts, scratch("cut.tape"), &stats, &err), err);
  ASSERT_OK(pmm_tape_verify(scratch("cut.tape"), &check, &err), err);
  whole_t cut = read_tape(scratch("cut.tape"));
  const char *const why = compare(whole, &cut, from_ns, broken);
  assert_int_equal(stats.records, cut.cnt);
  assert_non_null(strstr(pmm_tape_info(cut.tape)->provenance, "{\"made_by\":\"test\"}"));
  free_whole(&cut);
  return why;
}

static void test_random(void **state) {
  (void)state;
  pmm_rng_t rng;
  uint64_t const seed = check_seed("tape.cut"), cuts = check_ops(60);
  pmm_rng_seed(&rng, seed);
  for (uint64_t n = 0; n < cuts; n += 10) {
    whole_t whole = read_tape(random_tape(&rng, 400));
    for (int i = 0; i < 10; i++) {
      const char *const why = cut_at(&whole, whole.md[check_between(&rng, 0, 399)].recv_ns, false);
      if (why) fail_msg("seed %llu: %s", (unsigned long long)seed, why);
    }
    free_whole(&whole);
  }
}

static void test_canary(void **state) {
  (void)state;
  pmm_rng_t rng;
  pmm_rng_seed(&rng, 1);
  whole_t whole = read_tape(random_tape(&rng, 400));
  assert_non_null(cut_at(&whole, whole.md[300].recv_ns, true));
  free_whole(&whole);
}

/* -- what is kept, and the beginning record by record -- */
static const char *small_tape(void) {
  const char *const path = scratch("small.tape");
  pmm_tape_writer_t *w;
  pmm_error_t err = {0};
  static const pmm_md_t md[] = {
      {.recv_ns = 1, .kind = PMM_MD_STATUS, .aux = PMM_LIFE_OPEN},
      {.recv_ns = 1, .kind = PMM_MD_UNDERLYING, .market = 0, .qty_e6 = 700000000, .flags = PMM_F_LAST},
      {.recv_ns = 1, .kind = PMM_MD_UNDERLYING, .market = 1, .qty_e6 = 800000000, .flags = PMM_F_LAST},
      {.recv_ns = 2, .kind = PMM_MD_CLEAR, .seq = 1, .flags = PMM_F_SNAPSHOT},
      {.recv_ns = 2, .kind = PMM_MD_LEVEL, .seq = 1, .side = PMM_BID, .price_e4 = 4000, .qty_e6 = 3000000, .flags = PMM_F_SNAPSHOT},
      {.recv_ns = 2, .kind = PMM_MD_LEVEL, .seq = 1, .side = PMM_ASK, .price_e4 = 6000, .qty_e6 = 2000000, .flags = PMM_F_SNAPSHOT | PMM_F_LAST},
      {.recv_ns = 3, .kind = PMM_MD_TICK, .seq = 2, .price_e4 = 10},
      {.recv_ns = 3, .kind = PMM_MD_LEVEL, .seq = 2, .side = PMM_BID, .price_e4 = 4010, .qty_e6 = 1000000, .flags = PMM_F_LAST},
      {.recv_ns = 4, .kind = PMM_MD_MARK, .market = 1, .flags = PMM_F_LAST},
      {.recv_ns = 5, .kind = PMM_MD_TRADE, .side = PMM_ASK, .price_e4 = 4010, .qty_e6 = 1000000, .seq = 3, .flags = PMM_F_LAST},
      {.recv_ns = 6, .kind = PMM_MD_MARK, .market = 1, .flags = PMM_F_LAST},
  };
  ASSERT_OK(pmm_tape_create(&w, path, "", &err), err);
  add_tables(w);
  for (size_t i = 0; i < COUNT_OF(md); i++) ASSERT_OK(pmm_tape_append(w, &md[i], &err), err);
  ASSERT_OK(pmm_tape_finish(w, NULL, &err), err);
  return path;
}

static void test_by_hand(void **state) {
  (void)state;
  static const struct { const char *why; int64_t from, to; const char *market, *underlying; const char *want[12]; size_t cnt; } rows[] = {
      {"one market with what settles it", 5, PMM_NS_MAX, "M0", NULL,
       {"u0 7 kind 0 !", "0 tick 0.0010", "0 status open", "0 clear", "0 level bid 0.4010 1 snap", "0 level bid 0.4000 3 snap",
        "0 level ask 0.6000 2 snap !", "0 trade sell 0.4010 1 !"}, 8},
      {"no state before the beginning", PMM_TIME_NONE, 2, NULL, NULL, {"0 status open", "u0 7 kind 0 !", "u1 8 kind 0 !"}, 3},
      {"a market that was silent has no state", 2, 3, "M*", "B", {"u0 8 kind 0 !", "0 status open", "0 clear", "0 level bid 0.4000 3 snap", "0 level ask 0.6000 2 snap !"}, 5},
      {"the other market moves up", 6, PMM_NS_MAX, "M[1]", "none", {"0 mark !"}, 1},
      {"the end is not included", 4, 6, "M1", NULL, {"u0 8 kind 0 !", "0 mark !"}, 2},
  };
  pmm_tape_t *tape;
  pmm_error_t err = {0};
  ASSERT_OK(pmm_tape_open(&tape, small_tape(), &err), err);
  for (size_t i = 0; i < COUNT_OF(rows); i++) {
    pmm_tape_cut_opts_t opts = {.from_ns = rows[i].from, .to_ns = rows[i].to, .market = &rows[i].market, .market_cnt = rows[i].market != NULL,
                                .underlying = &rows[i].underlying, .underlying_cnt = rows[i].underlying != NULL};
    pmm_tape_cut_stats_t stats;
    ASSERT_OK(pmm_tape_cut(tape, &opts, scratch("part.tape"), &stats, &err), err);
    whole_t part = read_tape(scratch("part.tape"));
    print_message("%s\n", rows[i].why);
    assert_records(&part, rows[i].want, rows[i].cnt);
    if (i == 0) assert_int_equal(pmm_tape_market(part.tape, 0)->life, PMM_LIFE_OPEN);
    free_whole(&part);
  }
  pmm_tape_close(tape);
}

static void test_refusals(void **state) {
  (void)state;
  static const char *const nobody = "X*";
  static const struct { const char *why; pmm_tape_cut_opts_t opts; pmm_status_t status; const char *message; } rows[] = {
      {"end before beginning", {.from_ns = 5, .to_ns = 5}, PMM_INVAL, "does not come after"},
      {"nobody of that name", {.from_ns = 1, .to_ns = 9, .market = &nobody, .market_cnt = 1}, PMM_NOT_FOUND, "no market"},
      {"too late", {.from_ns = 7, .to_ns = 9}, PMM_NOT_FOUND, "no records"},
  };
  pmm_tape_t *tape;
  pmm_error_t err = {0};
  ASSERT_OK(pmm_tape_open(&tape, small_tape(), &err), err);
  for (size_t i = 0; i < COUNT_OF(rows); i++) {
    pmm_tape_cut_stats_t stats;
    pmm_status_t const st = pmm_tape_cut(tape, &rows[i].opts, scratch("refused.tape"), &stats, &err);
    if (st != rows[i].status || !strstr(err.text, rows[i].message)) fail_msg("%s: %s '%s'", rows[i].why, pmm_status_to_string(st), err.text);
    assert_int_not_equal(access(scratch("refused.tape"), F_OK), 0);
    assert_int_not_equal(access(scratch("refused.tape.tmp"), F_OK), 0);
  }
  pmm_tape_close(tape);
}

/* A recording cut at many times: the book at the end is that of the whole. */
static void test_recording(void **state) {
  (void)state;
  pmm_import_stats_t stats;
  whole_t whole = import_data("kalshi-ws", "kalshi-btc15m-ws", "20260513T1522Z", &stats);
  for (size_t i = 1; i < 8; i++) {
    int64_t const from_ns = whole.md[whole.cnt * i / 8].recv_ns;
    pmm_tape_cut_opts_t opts;
    pmm_tape_cut_stats_t cut_stats;
    pmm_tape_check_t check;
    pmm_error_t err = {0};
    pmm_tape_cut_opts_default(&opts);
    opts.from_ns = from_ns;
    ASSERT_OK(pmm_tape_cut(whole.tape, &opts, scratch("cut.tape"), &cut_stats, &err), err);
    ASSERT_OK(pmm_tape_verify(scratch("cut.tape"), &check, &err), err);
    whole_t cut = read_tape(scratch("cut.tape"));
    const char *const why = compare(&whole, &cut, from_ns, false);
    if (why) fail_msg("cut %zu: %s", i, why);
    free_whole(&cut);
  }
  free_whole(&whole);
}

int main(void) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(test_random), cmocka_unit_test(test_canary), cmocka_unit_test(test_by_hand),
                                     cmocka_unit_test(test_refusals), cmocka_unit_test(test_recording)};
  return cmocka_run_group_tests(tests, scratch_setup, scratch_teardown);
}
