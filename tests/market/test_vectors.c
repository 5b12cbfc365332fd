/* The venues' golden vectors (tests/vectors), as far as numbers, grids, fees and books answer them. */
#include <jansson.h>
#include "base/check.h"
#include "pmm/clock.h"
#include "pmm/decimal.h"
#include "pmm/event.h"
#include "pmm/fees.h"
#include "pmm/grid.h"
#include "pmm/ladder.h"
#include "pmm/market.h"

static json_t *kalshi, *polymarket;

static int load(void **state) {
  (void)state;
  json_error_t err;
  kalshi = json_load_file("tests/vectors/kalshi_vectors.json", 0, &err);
  polymarket = json_load_file("tests/vectors/polymarket_vectors.json", 0, &err);
  if (kalshi && polymarket) return 0;
  print_error("%s:%d: %s\n", err.source, err.line, err.text);
  return 1;
}
static int unload(void **state) {
  (void)state;
  json_decref(kalshi);
  json_decref(polymarket);
  return 0;
}

static const char *text_of(const json_t *object, const char *key) {
  const char *const text = json_string_value(json_object_get(object, key));
  if (text == NULL) fail_msg("no text \"%s\"", key);
  return text;
}

static int64_t decimal_of(const char *text, int scale) {
  int64_t value = 0;
  if (pmm_decimal_parse(text, strlen(text), scale, &value, NULL) != PMM_OK) fail_msg("\"%s\" at scale %d", text, scale);
  return value;
}
static int64_t field(const json_t *object, const char *key, int scale) { return decimal_of(text_of(object, key), scale); }
static const char *item(const json_t *array, size_t i) { return json_string_value(json_array_get(array, i)); }

/* -- Kalshi: numbers and times -- */

static void check_numbers(const json_t *rows, int scale) {
  size_t i;
  json_t *row;
  assert_true(json_array_size(rows) > 0);
  json_array_foreach(rows, i, row) assert_int_equal(decimal_of(item(row, 0), scale), json_integer_value(json_array_get(row, 1)));
}

static void check_emitted(const json_t *rows, int scale) {
  size_t i;
  json_t *row;
  assert_true(json_array_size(rows) > 0);
  json_array_foreach(rows, i, row) {
    char buf[PMM_DECIMAL_BUF];
    pmm_decimal_print(json_integer_value(json_array_get(row, 0)), scale, scale, buf);
    assert_string_equal(buf, item(row, 1));
  }
}

static void kalshi_numbers(void **state) {
  (void)state;
  const json_t *const numbers = json_object_get(kalshi, "numbers");
  check_numbers(json_object_get(numbers, "dollars_to_e4"), 4);
  check_numbers(json_object_get(numbers, "dollars_to_e6"), 6);
  check_numbers(json_object_get(numbers, "count_to_e2"), 2);
  check_emitted(json_object_get(numbers, "emit_price"), 4);
  check_emitted(json_object_get(numbers, "emit_count"), 2);
  const json_t *const balance = json_object_get(numbers, "balance");
  const char *const dollars = text_of(balance, "balance_dollars");
  int64_t cents = -1;
  assert_int_equal(pmm_decimal_parse_floor(dollars, strlen(dollars), 2, &cents, NULL), PMM_OK);
  assert_int_equal(cents, json_integer_value(json_object_get(balance, "balance")));
}

static void kalshi_numbers_refused(void **state) {
  (void)state;
  size_t i;
  json_t *row;
  json_array_foreach(json_object_get(json_object_get(kalshi, "numbers"), "reject_on_request"), i, row) {
    const char *const text = json_string_value(json_object_get(row, "text"));
    if (text == NULL) continue; /* a JSON number where a string belongs: the codec's affair */
    bool const price = strcmp(text_of(row, "field"), "price") == 0;
    int64_t value = 0;
    pmm_status_t const st = pmm_decimal_parse(text, strlen(text), price ? 4 : 2, &value, NULL);
    if (st == PMM_OK && value > 0) fail_msg("%s", text_of(row, "why"));
  }
}

static void kalshi_timestamps(void **state) {
  (void)state;
  size_t i;
  json_t *row;
  const json_t *const rows = json_object_get(json_object_get(kalshi, "timestamps"), "to_ns");
  assert_true(json_array_size(rows) > 0);
  json_array_foreach(rows, i, row) {
    const char *const text = item(row, 0);
    int64_t ns = 0, again = 0;
    assert_int_equal(pmm_time_parse(text, strlen(text), &ns, NULL), PMM_OK);
    assert_int_equal(ns, json_integer_value(json_array_get(row, 1)));
    char buf[PMM_TIME_BUF];
    size_t const len = pmm_time_print(ns, 9, buf);
    assert_int_equal(pmm_time_parse(buf, len, &again, NULL), PMM_OK);
    assert_int_equal(again, ns);
  }
}

/* -- Kalshi: price tables -- */

static pmm_grid_t grid_of_ranges(const json_t *ranges) {
  pmm_grid_range_t range[PMM_GRID_RANGES_MAX];
  pmm_grid_t grid;
  size_t i;
  json_t *row;
  json_array_foreach(ranges, i, row) {
    range[i].start_e4 = (int32_t)field(row, "start", 4);
    range[i].end_e4 = (int32_t)field(row, "end", 4);
    range[i].step_e4 = (int32_t)field(row, "step", 4);
  }
  assert_int_equal(pmm_grid_ranges(&grid, range, json_array_size(ranges)), PMM_OK);
  return grid;
}

static void check_prices(const pmm_grid_t *grid, const json_t *prices, bool want, const char *name) {
  size_t i;
  json_t *price;
  assert_true(json_array_size(prices) > 0);
  json_array_foreach(prices, i, price)
    if (pmm_grid_is_valid(grid, (int32_t)decimal_of(json_string_value(price), 4)) != want) fail_msg("%s: %s", name, json_string_value(price));
}

static void kalshi_ticks(void **state) {
  (void)state;
  const char *name;
  json_t *row;
  json_t *const structures = json_object_get(json_object_get(kalshi, "ticks"), "structures");
  assert_int_equal(json_object_size(structures), 12);
  json_object_foreach(structures, name, row) {
    pmm_grid_t const grid = grid_of_ranges(json_object_get(row, "price_ranges"));
    pmm_grid_t named = {0};
    assert_int_equal(pmm_grid_named(&named, name), PMM_OK);
    assert_memory_equal(&named.range, &grid.range, (size_t)grid.range_cnt * sizeof grid.range[0]);
    assert_int_equal(named.tick_e4, grid.tick_e4);
    assert_int_equal(pmm_grid_level_cnt(&grid), json_integer_value(json_object_get(row, "level_cnt")));
    check_prices(&grid, json_object_get(row, "valid"), true, name);
    check_prices(&grid, json_object_get(row, "invalid"), false, name);
  }
}

/* -- Kalshi: direction, fees -- */

static pmm_route_t route_of_legacy(const json_t *legacy) {
  bool const buy = strcmp(text_of(legacy, "action"), "buy") == 0, yes = strcmp(text_of(legacy, "side"), "yes") == 0;
  return buy ? (yes ? PMM_BUY_YES : PMM_BUY_NO) : (yes ? PMM_SELL_YES : PMM_SELL_NO);
}

static pmm_side_t side_named(const char *name) { return strcmp(name, "bid") == 0 ? PMM_BID : PMM_ASK; }

static void kalshi_direction(void **state) {
  (void)state;
  size_t i;
  json_t *row;
  const json_t *const rows = json_object_get(json_object_get(kalshi, "direction"), "cases");
  assert_int_equal(json_array_size(rows), 4);
  json_array_foreach(rows, i, row) {
    const json_t *const legacy = json_object_get(row, "legacy"), *const v2 = json_object_get(row, "v2");
    pmm_side_t const side = pmm_route_side(route_of_legacy(legacy));
    int32_t const price = (int32_t)field(v2, "price", 4);
    const json_t *const cents = json_object_get(legacy, "yes_price_cents");
    if (cents) assert_int_equal(json_integer_value(cents) * 100, price);
    assert_int_equal(side, side_named(text_of(v2, "side")));
    assert_int_equal(side, side_named(text_of(row, "book_side")));
    assert_int_equal(side == PMM_BID ? price : PMM_ONE_E4 - price, field(row, "collateral_per_contract", 4));
  }
}

static pmm_fee_schedule_t fees_of_case(const json_t *row, bool *maker) {
  static const struct { const char *role; bool maker; int64_t k_e6; } roles[] = {
      {"taker", false, 70000},
      {"maker_quadratic", true, 0},
      {"maker_quadratic_with_maker_fees", true, 17500},
      {"maker_quadratic_with_combo_maker_fees", true, 35000},
  };
  for (size_t i = 0; i < COUNT_OF(roles); i++)
    if (strcmp(roles[i].role, text_of(row, "role")) == 0) {
      int32_t const rate = (int32_t)(roles[i].k_e6 * field(row, "fee_multiplier", 2) / 100);
      *maker = roles[i].maker;
      return (pmm_fee_schedule_t){.model = PMM_FEE_KALSHI, .taker_rate_e6 = rate, .maker_rate_e6 = rate};
    }
  fail_msg("role %s", text_of(row, "role"));
  return (pmm_fee_schedule_t){0};
}

static void check_fee_column(const json_t *row, const char *column, int32_t precision_e6) {
  bool maker = false;
  pmm_fee_schedule_t fees = fees_of_case(row, &maker);
  fees.precision_e6 = precision_e6;
  const json_t *const want = json_object_get(row, column);
  pmm_side_t const side = side_named(text_of(row, "side"));
  int32_t const price = (int32_t)field(row, "yes_price", 4);
  int64_t const qty = field(row, "count", 6);
  pmm_fee_acc_t acc = {0};
  pmm_fee_detail_t const d = pmm_fee_kalshi_detail(&fees, maker, side, price, qty, &acc);
  assert_int_equal(d.raw_e12, field(row, "raw_fee", 12));
  assert_int_equal(d.trade_fee_e6, field(row, "trade_fee", 6));
  assert_int_equal(d.revenue_e6, field(row, "revenue", 6));
  assert_int_equal(d.balance_change_e6, field(want, "balance_change", 6));
  assert_int_equal(d.rounding_fee_e6, field(want, "rounding_fee", 6));
  assert_int_equal(d.trade_fee_e6 + d.rounding_fee_e6, field(want, "fee_before_rebate", 6));
  assert_int_equal(d.rebate_e6, 0);
  int const route = side == PMM_BID ? PMM_BUY_YES : PMM_BUY_NO;
  assert_int_equal(pmm_fee_charge(&fees, maker, route, price, qty, NULL), d.fee_e6);
  assert_true(d.fee_e6 <= pmm_fee_bound(&fees, price, qty, 1));
}

static void kalshi_fees(void **state) {
  (void)state;
  size_t i;
  json_t *row;
  const json_t *const rows = json_object_get(json_object_get(kalshi, "fees"), "cases");
  assert_int_equal(json_array_size(rows), 18);
  json_array_foreach(rows, i, row) {
    check_fee_column(row, "direct_1e-4", 100);
    check_fee_column(row, "cent_1e-2", 10000);
    bool maker = false;
    pmm_fee_schedule_t table = fees_of_case(row, &maker);
    table.model = PMM_FEE_KALSHI_CENT_TABLE;
    assert_int_equal(pmm_fee_charge(&table, maker, PMM_BUY_YES, (int32_t)field(row, "yes_price", 4), field(row, "count", 6), NULL),
                     field(row, "cent_ceiling_table", 6));
  }
}

/* The documentation's example gives revenue and raw fee without count and price: they follow, one contract at 0.055. */
static void kalshi_documented_example(void **state) {
  (void)state;
  const json_t *const want = json_object_get(json_object_get(kalshi, "fees"), "documented_example");
  pmm_fee_schedule_t const fees = {.model = PMM_FEE_KALSHI, .taker_rate_e6 = 70000, .precision_e6 = (int32_t)field(want, "precision", 6)};
  pmm_fee_detail_t const d = pmm_fee_kalshi_detail(&fees, false, PMM_BID, 550, 1000000, NULL);
  assert_int_equal(d.raw_e12, field(want, "raw_fee", 12));
  assert_int_equal(d.revenue_e6, field(want, "revenue", 6));
  assert_int_equal(d.trade_fee_e6, field(want, "trade_fee", 6));
  assert_int_equal(d.balance_change_e6, field(want, "balance_change", 6));
  assert_int_equal(d.rounding_fee_e6, field(want, "rounding_fee", 6));
  assert_int_equal(d.fee_e6, field(want, "fee_total", 6));
}

/* A fill whose trade fee and rounding are those of the rows is repeated on one accumulator. */
static void check_accumulator(const char *key, int32_t precision_e6, int32_t rate_e6, int32_t price, int64_t qty) {
  pmm_fee_schedule_t const fees = {.model = PMM_FEE_KALSHI, .taker_rate_e6 = rate_e6, .maker_rate_e6 = rate_e6, .precision_e6 = precision_e6};
  pmm_fee_acc_t acc = {0}, charged = {0};
  size_t i;
  json_t *row;
  const json_t *const rows = json_object_get(json_object_get(json_object_get(kalshi, "fees"), "accumulator"), key);
  assert_true(json_array_size(rows) > 0);
  json_array_foreach(rows, i, row) {
    bool const maker = i % 2; /* one accumulator over maker and taker fills */
    pmm_fee_detail_t const d = pmm_fee_kalshi_detail(&fees, maker, PMM_BID, price, qty, &acc);
    assert_int_equal(d.trade_fee_e6, field(row, "trade_fee", 6));
    assert_int_equal(d.rounding_fee_e6, field(row, "rounding_fee", 6));
    assert_int_equal(d.rebate_e6, field(row, "rebate", 6));
    assert_int_equal(d.fee_e6, field(row, "net_fee", 6));
    assert_int_equal(acc.rounding_e6, field(row, "accumulator_after", 6));
    assert_int_equal(pmm_fee_charge(&fees, maker, PMM_BUY_YES, price, qty, &charged), d.fee_e6);
  }
}

static void kalshi_fee_accumulator(void **state) {
  (void)state;
  check_accumulator("precision_0.01", 10000, 64000, 5000, 1000000);
  check_accumulator("precision_0.0001", 100, 17500, 100, 1000000);
}

static void kalshi_settlement(void **state) {
  (void)state;
  size_t i;
  json_t *row;
  const json_t *const rows = json_object_get(json_object_get(kalshi, "settlement"), "cases");
  assert_true(json_array_size(rows) > 0);
  json_array_foreach(rows, i, row) {
    int64_t const position = field(row, "position_fp", 6);
    int64_t payout_e6 = field(row, "settlement_value_dollars", 6), named = 0;
    pmm_outcome_t outcome;
    if (pmm_outcome_from_string(text_of(row, "result"), &outcome) == PMM_OK) { /* else "scalar" */
      assert_int_equal(pmm_outcome_payout(outcome, &named), PMM_OK);
      assert_int_equal(named, payout_e6);
    }
    if (position < 0) payout_e6 = PMM_ONE_E6 - payout_e6;
    assert_int_equal(pmm_muldiv_floor(pmm_abs64(position), payout_e6, PMM_ONE_E6), field(row, "payout_dollars", 6));
  }
}

/* -- Kalshi: books -- */

#define BOOKS_MAX 4

typedef struct book {
  const char *ticker;
  pmm_ladder_t ladder;
} book_t;

typedef struct books {
  pmm_arena_t arena;
  book_t book[BOOKS_MAX];
  size_t cnt;
  bool use_yes_price;
} books_t;

static void books_open(books_t *books, bool use_yes_price) {
  *books = (books_t){.use_yes_price = use_yes_price};
  assert_int_equal(pmm_arena_open(&books->arena, BOOKS_MAX * pmm_ladder_bytes(PMM_ONE_E4)), PMM_OK);
}

static pmm_ladder_t *book_of(books_t *books, const char *ticker) {
  for (size_t i = 0; i < books->cnt; i++)
    if (strcmp(books->book[i].ticker, ticker) == 0) return &books->book[i].ladder;
  book_t *const book = &books->book[books->cnt++];
  assert_true(books->cnt <= BOOKS_MAX);
  book->ticker = ticker;
  assert_int_equal(pmm_ladder_init(&book->ladder, &books->arena, PMM_ONE_E4, PMM_ONE_E4), PMM_OK);
  return &book->ladder;
}

/* A bid for NO at n is an ask for YES at 1-n, unless the venue already sends it so. */
static void add_level(const books_t *books, pmm_ladder_t *ladder, bool yes, const char *price, const char *size) {
  int32_t const sent = (int32_t)decimal_of(price, 4);
  int32_t const yes_price = yes || books->use_yes_price ? sent : PMM_ONE_E4 - sent;
  assert_int_equal(pmm_ladder_add(ladder, yes ? PMM_BID : PMM_ASK, yes_price, decimal_of(size, 6)), PMM_OK);
  assert_true(pmm_ladder_is_valid(ladder));
}

static void add_levels(const books_t *books, pmm_ladder_t *ladder, bool yes, const json_t *levels) {
  size_t i;
  json_t *level;
  json_array_foreach(levels, i, level) add_level(books, ladder, yes, item(level, 0), item(level, 1));
}

static void apply_frame(books_t *books, const json_t *frame) {
  const json_t *const msg = json_object_get(frame, "msg");
  pmm_ladder_t *const ladder = book_of(books, text_of(msg, "market_ticker"));
  if (strcmp(text_of(frame, "type"), "orderbook_snapshot") == 0) {
    pmm_ladder_clear(ladder);
    add_levels(books, ladder, true, json_object_get(msg, "yes_dollars_fp"));
    add_levels(books, ladder, false, json_object_get(msg, "no_dollars_fp"));
  } else {
    add_level(books, ladder, strcmp(text_of(msg, "side"), "yes") == 0, text_of(msg, "price_dollars"), text_of(msg, "delta_fp"));
  }
}

/* Levels of a side in ascending order of `mirrored` ? 1 - price : price, against the vector's. */
static void check_levels(const pmm_ladder_t *ladder, pmm_side_t side, bool mirrored, const json_t *want) {
  size_t i = 0;
  bool const descending = mirrored != (side == PMM_BID); /* a walk from the best goes down; lists go up */
  assert_int_equal(ladder->level_cnt[side], json_array_size(want));
  for (int32_t tick = ladder->best[side]; tick; tick = pmm_ladder_next(ladder, side, tick), i++) {
    const json_t *const level = json_array_get(want, descending ? json_array_size(want) - 1 - i : i);
    assert_int_equal(mirrored ? PMM_ONE_E4 - tick : tick, decimal_of(item(level, 0), 4));
    assert_int_equal(pmm_ladder_qty(ladder, side, tick), decimal_of(item(level, 1), 6));
  }
}

static void check_best(const pmm_ladder_t *ladder, const json_t *want) {
  const json_t *const bid = json_object_get(want, "best_yes_bid"), *const ask = json_object_get(want, "best_yes_ask");
  int32_t const best_bid = pmm_ladder_best_e4(ladder, PMM_BID), best_ask = pmm_ladder_best_e4(ladder, PMM_ASK);
  assert_int_equal(best_bid, json_is_null(bid) ? 0 : decimal_of(json_string_value(bid), 4));
  assert_int_equal(best_ask, json_is_null(ask) ? 0 : decimal_of(json_string_value(ask), 4));
  assert_int_equal(best_bid, field(want, "ticker_yes_bid_dollars", 4));
  assert_int_equal(best_ask ? best_ask : PMM_ONE_E4, field(want, "ticker_yes_ask_dollars", 4));
}

static void kalshi_books(void **state) {
  (void)state;
  size_t i, k;
  json_t *row, *frame, *want;
  const json_t *const rows = json_object_get(json_object_get(kalshi, "books"), "cases");
  assert_int_equal(json_array_size(rows), 6);
  json_array_foreach(rows, i, row) {
    books_t books;
    const char *ticker;
    books_open(&books, json_is_true(json_object_get(row, "use_yes_price")));
    uint64_t seq = 0;
    json_array_foreach(json_object_get(row, "frames"), k, frame) {
      assert_int_equal(json_integer_value(json_object_get(frame, "seq")), ++seq);
      apply_frame(&books, frame);
    }
    json_object_foreach(json_object_get(row, "result"), ticker, want) {
      const pmm_ladder_t *const ladder = book_of(&books, ticker);
      check_levels(ladder, PMM_BID, false, json_object_get(want, "yes_bids"));
      check_levels(ladder, PMM_ASK, false, json_object_get(want, "yes_asks"));
      check_levels(ladder, PMM_ASK, !books.use_yes_price, json_object_get(want, "no_side_as_sent"));
      check_best(ladder, want);
    }
    pmm_arena_close(&books.arena);
  }
}

/* One ladder for each subscription counts its frames; after a gap a snapshot would follow and counting goes on there. */
static void kalshi_sequence_gaps(void **state) {
  (void)state;
  size_t i, k;
  json_t *row, *frame;
  json_array_foreach(json_object_get(json_object_get(kalshi, "sequence_gaps"), "cases"), i, row) {
    pmm_arena_t arena;
    pmm_ladder_t stream[4];
    assert_int_equal(pmm_arena_open(&arena, 4 * pmm_ladder_bytes(100)), PMM_OK);
    for (int s = 0; s < 4; s++) assert_int_equal(pmm_ladder_init(&stream[s], &arena, 100, 100), PMM_OK);
    json_t *const gaps = json_array();
    json_array_foreach(json_object_get(row, "frames"), k, frame) {
      int64_t const sid = json_integer_value(json_array_get(frame, 0));
      uint64_t const seq = (uint64_t)json_integer_value(json_array_get(frame, 1));
      assert_in_range(sid, 0, 3);
      if (pmm_ladder_set_seq(&stream[sid], PMM_BID, 50, (int64_t)k + 1, seq) == PMM_OK) continue;
      json_array_append_new(gaps, json_pack("[I,I]", (json_int_t)sid, (json_int_t)seq));
      stream[sid].seq = seq;
    }
    if (!json_equal(gaps, json_object_get(row, "gap_at"))) fail_msg("%s", text_of(row, "why"));
    json_decref(gaps);
    pmm_arena_close(&arena);
  }
}

static void kalshi_rest_book(void **state) {
  (void)state;
  const json_t *const want = json_object_get(kalshi, "rest_book");
  const json_t *const body = json_object_get(json_object_get(want, "body"), "orderbook_fp");
  books_t books;
  books_open(&books, false);
  pmm_ladder_t *const ladder = book_of(&books, "X");
  add_levels(&books, ladder, true, json_object_get(body, "yes_dollars"));
  add_levels(&books, ladder, false, json_object_get(body, "no_dollars"));
  static const struct { const char *key; pmm_side_t side; bool mirrored; } bests[] = {
      {"best_yes_bid", PMM_BID, false}, {"best_yes_ask", PMM_ASK, false}, {"best_no_bid", PMM_ASK, true}, {"best_no_ask", PMM_BID, true}};
  for (size_t i = 0; i < COUNT_OF(bests); i++) {
    const json_t *const level = json_object_get(want, bests[i].key);
    int32_t const best = pmm_ladder_best_e4(ladder, bests[i].side);
    assert_int_equal(bests[i].mirrored ? PMM_ONE_E4 - best : best, decimal_of(item(level, 0), 4));
    assert_int_equal(pmm_ladder_qty(ladder, bests[i].side, best), decimal_of(item(level, 1), 6));
    assert_int_equal(pmm_ladder_depth(ladder, bests[i].side, 1), decimal_of(item(level, 1), 6));
  }
  const json_t *const one = json_object_get(json_object_get(want, "depth_1"), "orderbook_fp");
  for (int side = 0; side < 2; side++) { /* dropping all but the best level gives the book at depth 1 */
    int32_t const best = ladder->best[side];
    for (int32_t tick; (tick = pmm_ladder_next(ladder, (pmm_side_t)side, best)) != PMM_TICKS_NONE;)
      pmm_ladder_set(ladder, (pmm_side_t)side, tick, 0);
  }
  check_levels(ladder, PMM_BID, false, json_object_get(one, "yes_dollars"));
  check_levels(ladder, PMM_ASK, true, json_object_get(one, "no_dollars"));
  pmm_arena_close(&books.arena);
}

/* -- Polymarket: what an order pays and gets, in whole 1e-6 -- */

typedef struct amounts { int64_t maker_e6, taker_e6; } amounts_t;

/* A price as the client rounds it (half up at the tick's decimals), or cut for market orders. */
static int32_t client_price(double price, int decimals, bool cut) {
  static const int32_t pow10[] = {1, 10, 100, 1000, 10000};
  int64_t e4 = 0, rounded = 0;
  assert_int_equal(pmm_decimal_from_double(price, 4, &e4), PMM_OK);
  if (cut) return (int32_t)(e4 - e4 % pow10[4 - decimals]);
  assert_int_equal(pmm_decimal_from_double(price, decimals, &rounded), PMM_OK);
  return (int32_t)rounded * pow10[4 - decimals];
}

static int64_t two_decimals(const json_t *row, const char *key) {
  int64_t e6 = 0;
  assert_int_equal(pmm_decimal_from_double(json_number_value(json_object_get(row, key)), 6, &e6), PMM_OK);
  return pmm_floor_to_lot(e6, 10000);
}

static amounts_t amounts_of(const json_t *row) {
  const char *const tick = text_of(row, "tick_size");
  int const decimals = (int)strlen(tick) - 2;
  bool const limit = strcmp(text_of(row, "kind"), "limit") == 0, buy = strcmp(text_of(row, "side"), "BUY") == 0;
  int32_t const price = client_price(json_number_value(json_object_get(row, "price")), decimals, !limit);
  int64_t const qty = two_decimals(row, limit ? "size" : "amount");
  static const int64_t unit_e6[] = {0, 1000, 100, 10, 1}; /* an amount has two decimals more than a price */
  if (!limit && buy) return (amounts_t){qty, pmm_floor_to_lot(pmm_muldiv_floor(qty, PMM_ONE_E4, price), unit_e6[decimals])};
  int64_t const cash = pmm_notional_floor(price, qty);
  assert_int_equal(cash, pmm_notional_ceil(price, qty)); /* sizes of two decimals leave no remainder */
  return buy ? (amounts_t){cash, qty} : (amounts_t){qty, cash};
}

static void polymarket_amounts(void **state) {
  (void)state;
  size_t i;
  json_t *row;
  const json_t *const rows = json_object_get(polymarket, "amounts");
  assert_int_equal(json_array_size(rows), 41);
  json_array_foreach(rows, i, row) {
    pmm_grid_t grid;
    assert_int_equal(pmm_grid_uniform(&grid, (int32_t)field(row, "tick_size", 4)), PMM_OK);
    amounts_t const got = amounts_of(row);
    if (got.maker_e6 != field(row, "makerAmount", 0) || got.taker_e6 != field(row, "takerAmount", 0))
      fail_msg("row %zu: %lld and %lld", i, (long long)got.maker_e6, (long long)got.taker_e6);
  }
}

/* Fees in the amounts a buyer can afford: full = base + fee of base/price shares. */
static void polymarket_fee_adjustment(void **state) {
  (void)state;
  size_t i;
  json_t *row;
  json_array_foreach(json_object_get(polymarket, "adjust_buy_amount_for_fees"), i, row) {
    double const balance = json_number_value(json_object_get(row, "user_balance")), amount = json_number_value(json_object_get(row, "amount"));
    double const base = amount < balance ? amount : balance, price = json_number_value(json_object_get(row, "price"));
    int64_t base_e6 = 0, builder_e6 = 0, price_e4 = 0, rate_e6 = 0, balance_e6 = 0, want_e6 = 0, amount_e6 = 0;
    assert_int_equal(pmm_decimal_from_double(base, 6, &base_e6), PMM_OK);
    assert_int_equal(pmm_decimal_from_double(base * json_number_value(json_object_get(row, "builder_taker_rate")), 6, &builder_e6), PMM_OK);
    assert_int_equal(pmm_decimal_from_double(price, 4, &price_e4), PMM_OK);
    assert_int_equal(pmm_decimal_from_double(json_number_value(json_object_get(row, "fee_rate")), 6, &rate_e6), PMM_OK);
    assert_int_equal(pmm_decimal_from_double(balance, 6, &balance_e6), PMM_OK);
    assert_int_equal(pmm_decimal_from_double(amount, 6, &amount_e6), PMM_OK);
    assert_int_equal(pmm_decimal_from_double(json_number_value(json_object_get(row, "adjusted_amount")), 6, &want_e6), PMM_OK);
    pmm_fee_schedule_t const fees = {.model = PMM_FEE_POLYMARKET, .exponent = (uint8_t)json_integer_value(json_object_get(row, "fee_exponent")),
                                     .taker_rate_e6 = (int32_t)rate_e6};
    int64_t const shares = pmm_muldiv_floor(base_e6, PMM_ONE_E4, price_e4);
    int64_t const fee = pmm_fee_charge(&fees, false, PMM_BUY_YES, (int32_t)price_e4, shares, NULL) + builder_e6;
    int64_t const got = balance_e6 <= base_e6 + fee ? pmm_max64(balance_e6 - fee, 0) : amount_e6;
    assert_int_equal(got, want_e6);
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(kalshi_numbers),         cmocka_unit_test(kalshi_numbers_refused),    cmocka_unit_test(kalshi_timestamps),
      cmocka_unit_test(kalshi_ticks),           cmocka_unit_test(kalshi_direction),          cmocka_unit_test(kalshi_fees),
      cmocka_unit_test(kalshi_documented_example), cmocka_unit_test(kalshi_fee_accumulator), cmocka_unit_test(kalshi_settlement),
      cmocka_unit_test(kalshi_books),           cmocka_unit_test(kalshi_sequence_gaps),      cmocka_unit_test(kalshi_rest_book),
      cmocka_unit_test(polymarket_amounts),     cmocka_unit_test(polymarket_fee_adjustment),
  };
  return cmocka_run_group_tests(tests, load, unload);
}
