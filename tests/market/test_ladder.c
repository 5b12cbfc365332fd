#include <math.h>
#include "base/check.h"
#include "pmm/book.h"
#include "pmm/hash.h"
#include "pmm/ladder.h"

/* -- tables -- */

typedef struct book {
  pmm_arena_t arena;
  pmm_ladder_t ladder;
} book_t;

static void book_open(book_t *book, int32_t tick_cnt, int32_t tick_cnt_max) {
  assert_int_equal(pmm_arena_open(&book->arena, pmm_ladder_bytes(tick_cnt_max)), PMM_OK);
  assert_int_equal(pmm_ladder_init(&book->ladder, &book->arena, tick_cnt, tick_cnt_max), PMM_OK);
}
static void book_close(book_t *book) { pmm_arena_close(&book->arena); }

static void init_table(void **state) {
  (void)state;
  static const struct { const char *why; int32_t cnt, max; size_t bytes; pmm_status_t want; } rows[] = {
      {"cents", 100, 100, 0, PMM_OK},
      {"room for a finer tick", 100, 1000, 0, PMM_OK},
      {"two ticks: one price", 2, 2, 0, PMM_OK},
      {"the finest", 10000, 10000, 0, PMM_OK},
      {"a maximum that is no grid", 10, 77, 0, PMM_OK},
      {"one tick: no price", 1, 100, 0, PMM_INVAL},
      {"no divisor of a dollar", 300, 300, 0, PMM_INVAL},
      {"negative", -100, 100, 0, PMM_INVAL},
      {"too fine", 20000, 20000, 0, PMM_INVAL},
      {"room below the tick", 100, 99, 0, PMM_INVAL},
      {"too much room", 100, 10001, 0, PMM_INVAL},
      {"arena too small", 100, 100, 1000, PMM_FULL},
  };
  for (size_t i = 0; i < COUNT_OF(rows); i++) {
    pmm_arena_t arena;
    pmm_ladder_t ladder;
    size_t const bytes = rows[i].bytes ? rows[i].bytes : rows[i].max > 0 ? pmm_ladder_bytes(rows[i].max) : 4096;
    assert_int_equal(pmm_arena_open(&arena, bytes), PMM_OK);
    if (rows[i].max <= 100) pmm_arena_take(&arena, rows[i].bytes ? 1 : 0, 1);
    if (pmm_ladder_init(&ladder, &arena, rows[i].cnt, rows[i].max) != rows[i].want) fail_msg("%s", rows[i].why);
    if (rows[i].want == PMM_OK)
      assert_true(pmm_ladder_is_valid(&ladder));
    else
      assert_true(arena.used <= 1);
    pmm_arena_close(&arena);
  }
}

static void set_table(void **state) {
  (void)state;
  static const struct { const char *why; pmm_side_t side; int32_t tick; int64_t qty; uint64_t seq; pmm_status_t want;
                        int32_t best_bid, best_ask; pmm_book_state_t book; } rows[] = {
      {"first bid is best",            PMM_BID,  48, 100, 1, PMM_OK,      48,  0, PMM_BOOK_ONE_SIDED},
      {"first ask is best",            PMM_ASK,  52, 100, 2, PMM_OK,      48, 52, PMM_BOOK_NORMAL},
      {"gap is reported, not applied", PMM_BID,  51,   5, 9, PMM_SEQ_GAP, 48, 52, PMM_BOOK_NORMAL},
      {"so is a repeat",               PMM_BID,  51,   5, 2, PMM_SEQ_GAP, 48, 52, PMM_BOOK_NORMAL},
      {"price 100 is off a 1c ladder", PMM_ASK, 100,   5, 3, PMM_INVAL,   48, 52, PMM_BOOK_NORMAL},
      {"so is price 0",                PMM_ASK,   0,   5, 3, PMM_INVAL,   48, 52, PMM_BOOK_NORMAL},
      {"and a negative one",           PMM_ASK,  -1,   5, 3, PMM_INVAL,   48, 52, PMM_BOOK_NORMAL},
      {"sizes are not negative",       PMM_ASK,  50,  -5, 3, PMM_INVAL,   48, 52, PMM_BOOK_NORMAL},
      {"better ask",                   PMM_ASK,  50,   7, 3, PMM_OK,      48, 50, PMM_BOOK_NORMAL},
      {"worse ask",                    PMM_ASK,  99,   7, 4, PMM_OK,      48, 50, PMM_BOOK_NORMAL},
      {"better bid locks",             PMM_BID,  50,   7, 5, PMM_OK,      50, 50, PMM_BOOK_LOCKED},
      {"better bid crosses",           PMM_BID,  52,   7, 6, PMM_OK,      52, 50, PMM_BOOK_CROSSED},
      {"size change",                  PMM_BID,  52,   9, 7, PMM_OK,      52, 50, PMM_BOOK_CROSSED},
      {"best bid goes",                PMM_BID,  52,   0, 8, PMM_OK,      50, 50, PMM_BOOK_LOCKED},
      {"and the next",                 PMM_BID,  50,   0, 9, PMM_OK,      48, 50, PMM_BOOK_NORMAL},
      {"zero where nothing is",        PMM_BID,  49,   0, 10, PMM_OK,     48, 50, PMM_BOOK_NORMAL},
      {"last bid goes",                PMM_BID,  48,   0, 11, PMM_OK,      0, 50, PMM_BOOK_ONE_SIDED},
      {"best ask goes",                PMM_ASK,  50,   0, 12, PMM_OK,      0, 52, PMM_BOOK_ONE_SIDED},
      {"ask",                          PMM_ASK,  52,   0, 13, PMM_OK,      0, 99, PMM_BOOK_ONE_SIDED},
      {"last ask goes",                PMM_ASK,  99,   0, 14, PMM_OK,      0,  0, PMM_BOOK_EMPTY},
  };
  book_t book;
  book_open(&book, 100, 100);
  for (size_t i = 0; i < COUNT_OF(rows); i++) {
    pmm_ladder_t *const l = &book.ladder;
    pmm_status_t const got = pmm_ladder_set_seq(l, rows[i].side, rows[i].tick, rows[i].qty, rows[i].seq);
    if (got != rows[i].want || l->best[PMM_BID] != rows[i].best_bid || l->best[PMM_ASK] != rows[i].best_ask ||
        pmm_ladder_state(l) != rows[i].book || !pmm_ladder_is_valid(l))
      fail_msg("%s", rows[i].why);
    if (got == PMM_OK) assert_true(l->seq == rows[i].seq);
  }
  book_close(&book);
}

static void add_table(void **state) {
  (void)state;
  static const struct { const char *why; int32_t tick; int64_t delta; pmm_status_t want; int64_t qty; } rows[] = {
      {"makes a level", 40, 10, PMM_OK, 10},
      {"grows it", 40, 5, PMM_OK, 15},
      {"shrinks it", 40, -5, PMM_OK, 10},
      {"cannot go below zero", 40, -11, PMM_INVAL, 10},
      {"cannot overflow", 40, INT64_MAX, PMM_OVERFLOW, 10},
      {"removes it", 40, -10, PMM_OK, 0},
      {"nothing to take from", 41, -1, PMM_INVAL, 0},
      {"off the ladder", 100, 1, PMM_INVAL, 0},
      {"off the ladder below", 0, 1, PMM_INVAL, 0},
  };
  book_t book;
  book_open(&book, 100, 101);
  for (size_t i = 0; i < COUNT_OF(rows); i++) {
    if (pmm_ladder_add(&book.ladder, PMM_BID, rows[i].tick, rows[i].delta) != rows[i].want ||
        pmm_ladder_qty(&book.ladder, PMM_BID, rows[i].tick) != rows[i].qty || !pmm_ladder_is_valid(&book.ladder))
      fail_msg("%s", rows[i].why);
  }
  book_close(&book);
}

static void prices(void **state) {
  (void)state;
  book_t book;
  book_open(&book, 1000, 1000);
  pmm_ladder_t *const l = &book.ladder;
  double x = -1;
  assert_int_equal(pmm_ladder_mid(l, &x), PMM_NOT_READY);
  assert_true(pmm_ladder_imbalance(l, 5) == 0);
  pmm_ladder_set(l, PMM_BID, 480, 3000000);
  assert_int_equal(pmm_ladder_mid(l, &x), PMM_NOT_READY);
  assert_int_equal(pmm_ladder_microprice(l, &x), PMM_NOT_READY);
  assert_true(x == -1);
  assert_true(pmm_ladder_imbalance(l, 5) == 1);
  pmm_ladder_set(l, PMM_ASK, 520, 1000000);
  assert_int_equal(pmm_ladder_best_e4(l, PMM_BID), 4800);
  assert_int_equal(pmm_ladder_best_e4(l, PMM_ASK), 5200);
  assert_int_equal(pmm_ladder_mid(l, &x), PMM_OK);
  assert_true(x == 0.5);
  assert_int_equal(pmm_ladder_microprice(l, &x), PMM_OK);
  assert_true(fabs(x - 0.51) < 1e-15);
  assert_true(pmm_ladder_imbalance(l, 5) == 0.5);
  assert_int_equal(pmm_ladder_notional(l), 3 * 480000 + 480000);
  pmm_ladder_set(l, PMM_BID, 520, 1);
  assert_int_equal(pmm_ladder_mid(l, &x), PMM_OK); /* locked */
  assert_true(x == 0.52);
  pmm_ladder_set(l, PMM_BID, 521, 1);
  assert_int_equal(pmm_ladder_mid(l, &x), PMM_NOT_READY); /* crossed */
  assert_int_equal(pmm_ladder_microprice(l, &x), PMM_NOT_READY);
  book_close(&book);
}

static void sums_saturate(void **state) {
  (void)state;
  book_t book;
  book_open(&book, 100, 100);
  for (int32_t tick = 60; tick < 70; tick++) pmm_ladder_set(&book.ladder, PMM_BID, tick, INT64_MAX);
  assert_true(pmm_ladder_depth(&book.ladder, PMM_BID, INT32_MAX) == INT64_MAX);
  assert_true(pmm_ladder_depth(&book.ladder, PMM_BID, 1) == INT64_MAX);
  assert_true(pmm_ladder_depth(&book.ladder, PMM_BID, 0) == 0);
  assert_true(pmm_ladder_qty_through(&book.ladder, PMM_BID, 1) == INT64_MAX);
  assert_true(pmm_ladder_notional(&book.ladder) == INT64_MAX);
  book_close(&book);
}

static void regrid_refuses(void **state) {
  (void)state;
  book_t book;
  book_open(&book, 100, 1000);
  int32_t dropped = -1;
  pmm_ladder_set(&book.ladder, PMM_BID, 33, 5);
  uint64_t const hash = pmm_ladder_hash(&book.ladder);
  assert_int_equal(pmm_ladder_regrid(&book.ladder, 300, &dropped), PMM_INVAL);
  assert_int_equal(pmm_ladder_regrid(&book.ladder, 0, &dropped), PMM_INVAL);
  assert_int_equal(pmm_ladder_regrid(&book.ladder, 2000, &dropped), PMM_FULL);
  assert_int_equal(dropped, -1);
  assert_int_equal(book.ladder.tick_cnt, 100);
  assert_true(pmm_ladder_hash(&book.ladder) == hash);
  assert_int_equal(pmm_ladder_regrid(&book.ladder, 1000, &dropped), PMM_OK);
  assert_int_equal(dropped, 0);
  assert_true(pmm_ladder_hash(&book.ladder) == hash); /* the hash speaks of prices, not ticks */
  assert_int_equal(pmm_ladder_regrid(&book.ladder, 10, &dropped), PMM_OK);
  assert_int_equal(dropped, 1);
  assert_int_equal(pmm_ladder_state(&book.ladder), PMM_BOOK_EMPTY);
  book_close(&book);
}

/* is_valid must see every kind of damage. */
static void damage_is_seen(void **state) {
  (void)state;
  for (int kind = 0; kind < 14; kind++) {
    book_t book;
    book_open(&book, 100, 200);
    pmm_ladder_t *const l = &book.ladder;
    pmm_ladder_set(l, PMM_BID, 40, 10);
    pmm_ladder_set(l, PMM_BID, 41, 10);
    pmm_ladder_set(l, PMM_ASK, 60, 10);
    assert_true(pmm_ladder_is_valid(l));
    switch (kind) {
    case 0: l->best[PMM_BID] = 40; break;
    case 1: l->level_cnt[PMM_ASK] = 2; break;
    case 2: l->qty_e6[PMM_BID][40] = 0; break;
    case 3: l->qty_e6[PMM_BID][40] = -1; break;
    case 4: l->qty_e6[PMM_ASK][99] = 1; break;
    case 5: l->used[PMM_ASK][0] |= 2; break;
    case 6: l->top[PMM_ASK][0] |= 2; break;
    case 7: l->top[PMM_BID][2] |= 1; break;
    case 8: l->tick_cnt = 300; break;
    case 9: l->tick_e4 = 50; break;
    case 10: l->cap_cnt = 50; break;
    case 11: l->qty_e6[PMM_ASK][150] = 1, l->used[PMM_ASK][2] |= UINT64_C(1) << 22, l->top[PMM_ASK][0] |= 4; break;
    case 12: l->cap_cnt = 20000; break;
    default: l->best[PMM_ASK] = 0; break;
    }
    if (pmm_ladder_is_valid(l)) fail_msg("damage %d went unseen", kind);
    book_close(&book);
  }
}

/* -- the model: sizes by price in plain arrays, everything found by looking at all of them -- */

typedef struct model {
  int64_t qty_e6[2][PMM_ONE_E4]; /* [side][price_e4] */
  int32_t tick_e4;
} model_t;

static int32_t model_next(const model_t *m, int side, int32_t price) { /* 0: none */
  if (side == PMM_BID) {
    for (int32_t p = price - 1; p > 0; p--)
      if (m->qty_e6[side][p]) return p;
  } else {
    for (int32_t p = price + 1; p < PMM_ONE_E4; p++)
      if (m->qty_e6[side][p]) return p;
  }
  return 0;
}
static int32_t model_best(const model_t *m, int side) { return model_next(m, side, side == PMM_BID ? PMM_ONE_E4 : 0); }

static int64_t model_depth(const model_t *m, int side, int32_t cnt) {
  int64_t sum = 0;
  for (int32_t p = model_best(m, side); p && cnt > 0; p = model_next(m, side, p), cnt--) sum += m->qty_e6[side][p];
  return sum;
}

static int64_t model_through(const model_t *m, int side, int32_t limit) {
  int64_t sum = 0;
  for (int32_t p = 1; p < PMM_ONE_E4; p++)
    if (side == PMM_BID ? p >= limit : p <= limit) sum += m->qty_e6[side][p];
  return sum;
}

static int64_t model_notional(const model_t *m) {
  pmm_i128_t sum = 0;
  for (int32_t p = 1; p < PMM_ONE_E4; p++)
    sum += (pmm_i128_t)m->qty_e6[PMM_BID][p] * p + (pmm_i128_t)m->qty_e6[PMM_ASK][p] * (PMM_ONE_E4 - p);
  return (int64_t)(sum / PMM_ONE_E4);
}

static int32_t model_regrid(model_t *m, int32_t tick_e4) {
  int32_t dropped = 0;
  for (int side = 0; side < 2; side++)
    for (int32_t p = 1; p < PMM_ONE_E4; p++)
      if (m->qty_e6[side][p] && p % tick_e4) {
        m->qty_e6[side][p] = 0;
        dropped++;
      }
  m->tick_e4 = tick_e4;
  return dropped;
}

/* A price near the middle, anywhere, at the ends or just outside. */
static int32_t random_tick(pmm_rng_t *rng, int32_t tick_cnt) {
  switch (pmm_rng_below(rng, 8)) {
  case 0: return (int32_t)check_between(rng, -2, tick_cnt + 2);
  case 1: return pmm_rng_below(rng, 2) ? 1 : tick_cnt - 1;
  case 2: return (int32_t)check_between(rng, 1, tick_cnt - 1);
  default: return tick_cnt / 2 + (int32_t)check_between(rng, -tick_cnt / 10 - 1, tick_cnt / 10 + 1);
  }
}

static int64_t random_qty(pmm_rng_t *rng) {
  switch (pmm_rng_below(rng, 6)) {
  case 0:
  case 1:
  case 2: return 0;
  case 3: return pmm_rng_below(rng, 20) ? 1 : -1;
  default: return check_between(rng, 1, INT64_C(1000000000000));
  }
}

static bool cheap_answers_agree(const pmm_ladder_t *l, const model_t *m) {
  bool ok = true;
  for (int side = 0; side < 2; side++) ok &= pmm_ladder_best_e4(l, (pmm_side_t)side) == model_best(m, side);
  int32_t const bid = model_best(m, PMM_BID), ask = model_best(m, PMM_ASK);
  pmm_book_state_t const want = !bid && !ask ? PMM_BOOK_EMPTY : !bid || !ask ? PMM_BOOK_ONE_SIDED
                              : bid < ask    ? PMM_BOOK_NORMAL : bid == ask  ? PMM_BOOK_LOCKED : PMM_BOOK_CROSSED;
  double mid, micro;
  bool const has = want == PMM_BOOK_NORMAL || want == PMM_BOOK_LOCKED;
  ok &= pmm_ladder_state(l) == want;
  ok &= pmm_ladder_mid(l, &mid) == (has ? PMM_OK : PMM_NOT_READY) && pmm_ladder_microprice(l, &micro) == (has ? PMM_OK : PMM_NOT_READY);
  if (has) {
    double const b = (double)m->qty_e6[PMM_BID][bid], a = (double)m->qty_e6[PMM_ASK][ask];
    ok &= fabs(mid - (bid + ask) / 2e4) < 1e-15 && fabs(micro - (bid * a + ask * b) / (a + b) / 1e4) < 1e-12;
  }
  return ok;
}

static bool slow_answers_agree(const pmm_ladder_t *l, const model_t *m, pmm_rng_t *rng) {
  bool ok = pmm_ladder_is_valid(l) && pmm_ladder_notional(l) == model_notional(m);
  uint64_t hash = 0;
  for (int side = 0; side < 2; side++) {
    int32_t const cnt = pmm_rng_below(rng, 4) ? (int32_t)pmm_rng_below(rng, 12) : INT32_MAX;
    int32_t const limit = random_tick(rng, l->tick_cnt);
    ok &= pmm_ladder_depth(l, (pmm_side_t)side, cnt) == model_depth(m, side, cnt);
    ok &= pmm_ladder_qty_through(l, (pmm_side_t)side, limit) == model_through(m, side, limit * l->tick_e4);
    int32_t levels = 0;
    for (int32_t p = 1; p < PMM_ONE_E4; p++)
      if (m->qty_e6[side][p]) {
        levels++;
        ok &= p % l->tick_e4 == 0 && pmm_ladder_qty(l, (pmm_side_t)side, p / l->tick_e4) == m->qty_e6[side][p];
        hash += pmm_hash_mix(pmm_hash_mix(0, (uint64_t)p * 2 + (uint64_t)side), (uint64_t)m->qty_e6[side][p]);
      }
    ok &= l->level_cnt[side] == levels;
    int32_t const from = (int32_t)check_between(rng, 0, l->tick_cnt - 1); /* used or not */
    ok &= pmm_ladder_next(l, (pmm_side_t)side, from) * l->tick_e4 == model_next(m, side, from * l->tick_e4);
  }
  int32_t const n = 1 + (int32_t)pmm_rng_below(rng, 5);
  double const b = (double)model_depth(m, PMM_BID, n), a = (double)model_depth(m, PMM_ASK, n);
  return ok && hash == pmm_ladder_hash(l) && fabs(pmm_ladder_imbalance(l, n) - (a + b > 0 ? (b - a) / (b + a) : 0)) < 1e-15;
}

/* A run of puts, some to the same tick, some of nothing; onto what is there or onto an empty ladder. */
static void load(pmm_ladder_t *l, model_t *m, pmm_rng_t *rng) {
  if (pmm_rng_below(rng, 4) == 0) {
    pmm_ladder_clear(l);
    memset(m->qty_e6, 0, sizeof m->qty_e6);
  }
  for (uint64_t n = pmm_rng_below(rng, 20); n > 0; n--) {
    pmm_side_t const side = (pmm_side_t)pmm_rng_below(rng, 2);
    int32_t const tick = random_tick(rng, l->tick_cnt);
    int64_t const qty = random_qty(rng);
    if (tick < 1 || tick >= l->tick_cnt || qty < 0) continue;
    pmm_ladder_put(l, side, tick, qty);
    m->qty_e6[side][tick * l->tick_e4] = qty;
  }
  pmm_ladder_settle(l);
}

static bool one_operation(pmm_ladder_t *l, model_t *m, pmm_rng_t *rng, bool broken) {
  pmm_side_t const side = (pmm_side_t)pmm_rng_below(rng, 2);
  int32_t const tick = random_tick(rng, l->tick_cnt), price = tick * l->tick_e4;
  bool const on = tick >= 1 && tick < l->tick_cnt;
  int64_t const qty = random_qty(rng), old = on ? m->qty_e6[side][price] : 0;
  switch (pmm_rng_below(rng, 100)) {
  default: {
    uint64_t const seq = l->seq + 1 + (pmm_rng_below(rng, 8) == 0);
    bool const checked = pmm_rng_below(rng, 2) == 0, gap = checked && seq != l->seq + 1, good = on && qty >= 0;
    pmm_status_t const st = checked ? pmm_ladder_set_seq(l, side, tick, qty, seq) : pmm_ladder_set(l, side, tick, qty);
    if (good && !gap) m->qty_e6[side][price] = broken ? qty + 1 : qty;
    return st == (gap ? PMM_SEQ_GAP : good ? PMM_OK : PMM_INVAL);
  }
  case 0: case 1: case 2: case 3: case 4: case 5: case 6: case 7: case 8: case 9: case 10: case 11: case 12: case 13: case 14: {
    int64_t const delta = pmm_rng_below(rng, 3) ? qty - old : pmm_rng_below(rng, 2) ? qty : -qty;
    pmm_status_t const st = pmm_ladder_add(l, side, tick, delta);
    bool const good = on && old + delta >= 0;
    if (good) m->qty_e6[side][price] = old + delta;
    return st == (good ? PMM_OK : PMM_INVAL);
  }
  case 15:
    if (pmm_rng_below(rng, 10)) return true;
    pmm_ladder_clear(l);
    memset(m->qty_e6, 0, sizeof m->qty_e6);
    return true;
  case 16: load(l, m, rng); return true;
  }
}

static uint64_t random_book(uint64_t seed, uint64_t ops, int32_t tick_e4, bool broken) {
  static model_t m;
  pmm_rng_t rng;
  pmm_rng_seed(&rng, seed ^ (uint64_t)tick_e4);
  memset(&m, 0, sizeof m);
  m.tick_e4 = tick_e4;
  book_t book;
  book_open(&book, PMM_ONE_E4 / tick_e4, PMM_LADDER_TICKS_MAX);
  uint64_t at = NO_MISMATCH;
  for (uint64_t n = 0; n < ops && at == NO_MISMATCH; n++) {
    bool ok = one_operation(&book.ladder, &m, &rng, broken && n > ops / 2);
    if (pmm_rng_below(&rng, 2000) == 0) {
      static const int32_t ticks[] = {1000, 100, 50, 25, 20, 10, 5, 2, 1};
      int32_t const to = pmm_rng_below(&rng, 2) ? tick_e4 : ticks[pmm_rng_below(&rng, COUNT_OF(ticks))];
      int32_t dropped = -1;
      ok &= pmm_ladder_regrid(&book.ladder, PMM_ONE_E4 / to, &dropped) == PMM_OK && dropped == model_regrid(&m, to);
      ok &= slow_answers_agree(&book.ladder, &m, &rng);
    }
    if (n % 8 == 0) ok &= cheap_answers_agree(&book.ladder, &m);
    if (n % 64 == 0) ok &= slow_answers_agree(&book.ladder, &m, &rng);
    if (!ok) at = n;
  }
  book_close(&book);
  return at;
}

static uint64_t random_books(uint64_t seed, uint64_t ops, bool broken) {
  static const int32_t ticks[] = {1000, 100, 50, 25, 10, 1};
  for (size_t i = 0; i < COUNT_OF(ticks); i++) {
    uint64_t const at = random_book(seed, ops / COUNT_OF(ticks), ticks[i], broken);
    if (at != NO_MISMATCH) return at;
  }
  return NO_MISMATCH;
}

static void ladder_matches_model(void **state) {
  (void)state;
  check_random("ladder", random_books, 150000);
  check_canary("ladder", random_books, 6000);
}

/* -- records applied to a book: a tapered grid and tick changes -- */

static bool apply_level(pmm_ladder_t *l, pmm_grid_t *grid, model_t *m, pmm_rng_t *rng, bool broken) {
  int32_t const price = (int32_t)check_between(rng, -3, PMM_ONE_E4 + 3);
  int64_t const qty = random_qty(rng);
  pmm_side_t const side = (pmm_side_t)pmm_rng_below(rng, 2);
  pmm_md_t const md = {.kind = PMM_MD_LEVEL, .side = (uint8_t)side, .price_e4 = price, .qty_e6 = qty};
  bool const good = price > 0 && price < PMM_ONE_E4 && price % m->tick_e4 == 0 && qty >= 0;
  int64_t old = -1;
  pmm_status_t const st = pmm_book_apply(l, grid, &md, &old);
  bool const ok = st == (good ? PMM_OK : PMM_INVAL) && (!good || old == m->qty_e6[side][price]);
  if (good) m->qty_e6[side][price] = broken ? qty / 2 : qty;
  return ok;
}

static bool apply_other(pmm_ladder_t *l, pmm_grid_t *grid, model_t *m, pmm_rng_t *rng) {
  static const int32_t steps[] = {100, 10, 50, 25, 30, 1, 0, -5, 10000};
  int64_t old = -1;
  pmm_md_t md = {.kind = PMM_MD_CLEAR};
  if (pmm_rng_below(rng, 4) == 0) {
    memset(m->qty_e6, 0, sizeof m->qty_e6);
    return pmm_book_apply(l, grid, &md, &old) == PMM_OK && old == 0;
  }
  md = (pmm_md_t){.kind = PMM_MD_TRADE, .price_e4 = 5000, .qty_e6 = 1};
  if (pmm_rng_below(rng, 2)) return pmm_book_apply(l, grid, &md, &old) == PMM_OK && old == 0;
  int32_t const step = steps[pmm_rng_below(rng, COUNT_OF(steps))];
  bool const good = step > 0 && step < PMM_ONE_E4 && PMM_ONE_E4 % step == 0, fits = PMM_ONE_E4 / (step > 0 ? step : 1) <= l->cap_cnt;
  md = (pmm_md_t){.kind = PMM_MD_TICK, .price_e4 = step};
  bool const ok = pmm_book_apply(l, grid, &md, &old) == (!good ? PMM_INVAL : !fits ? PMM_FULL : PMM_OK);
  if (good && fits) model_regrid(m, step);
  return ok && grid->tick_e4 == m->tick_e4;
}

static uint64_t tapered_book(uint64_t seed, uint64_t ops, bool broken) {
  static model_t m;
  pmm_rng_t rng;
  pmm_rng_seed(&rng, seed);
  pmm_grid_t grid;
  assert_int_equal(pmm_grid_named(&grid, "tapered_deci_cent"), PMM_OK);
  memset(&m, 0, sizeof m);
  m.tick_e4 = grid.tick_e4;
  book_t book;
  book_open(&book, grid.tick_cnt, 1000);
  uint64_t at = NO_MISMATCH;
  for (uint64_t n = 0; n < ops && at == NO_MISMATCH; n++) {
    bool const level = pmm_rng_below(&rng, 300) != 0;
    bool ok = level ? apply_level(&book.ladder, &grid, &m, &rng, broken && n > ops / 2) : apply_other(&book.ladder, &grid, &m, &rng);
    if (n % 64 == 0) ok &= cheap_answers_agree(&book.ladder, &m) && slow_answers_agree(&book.ladder, &m, &rng);
    if (!ok) at = n;
  }
  book_close(&book);
  return at;
}

static void records_match_model(void **state) {
  (void)state;
  check_random("records on a tapered grid", tapered_book, 100000);
  check_canary("records on a tapered grid", tapered_book, 20000);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(init_table),     cmocka_unit_test(set_table),      cmocka_unit_test(add_table),
      cmocka_unit_test(prices),         cmocka_unit_test(sums_saturate),  cmocka_unit_test(regrid_refuses),
      cmocka_unit_test(damage_is_seen), cmocka_unit_test(ladder_matches_model), cmocka_unit_test(records_match_model),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
