/* When strategies are asked, what they see, and what becomes of what they say. */
#include "engine/world.h"

static world_t w;

/* -- a decision needs a whole message -- */
static void test_message_end(void **state) {
  (void)state;
  world_simple(&w);
  world_start(&w, 0, 4800, 5200);
  assert_int_equal(world_calls(&w, 0), 1); /* not on OPEN, whose book nobody had seen, but on the book */
  world_level(&w, 0, PMM_BID, 4900, QTY(5), 0);
  world_trade(&w, 0, PMM_ASK, 4900, QTY(1), 0);
  assert_int_equal(world_calls(&w, 0), 0);
  world_level(&w, 0, PMM_BID, 4900, QTY(4), PMM_F_LAST);
  assert_int_equal(world_calls(&w, 0), 1);
  assert_int_equal(w.script[0].wake, PMM_WAKE_BOOK | PMM_WAKE_TRADE);
  static const uint8_t quiet[] = {PMM_MD_MARK, PMM_MD_VOLUME};
  for (size_t i = 0; i < COUNT_OF(quiet); i++) {
    world_md(&w, (pmm_md_t){.kind = quiet[i], .price_e4 = 4900, .qty_e6 = 1, .flags = PMM_F_LAST});
    assert_int_equal(world_calls(&w, 0), 1);
    assert_int_equal(w.script[0].wake, PMM_WAKE_BOOK);
  }
  assert_int_equal(world_stats(&w, 0).messages, 4);
  assert_int_equal(world_stats(&w, 0).decisions, 4);
  assert_int_equal(world_totals(&w).trades, 1);
  world_close(&w);
}

static void test_only_its_own_market(void **state) {
  (void)state;
  world_init(&w, 2, 2, (uint32_t[]){0, 1});
  world_open(&w);
  world_start(&w, 0, 4800, 5200);
  assert_int_equal(world_calls(&w, 0), 1);
  assert_int_equal(world_calls(&w, 1), 0);
  world_close(&w);
}

/* A market that its table calls open trades from its first message on, without a STATUS. */
static void test_open_from_the_start(void **state) {
  (void)state;
  world_init(&w, 1, 1, NULL);
  w.market[0].life = PMM_LIFE_OPEN;
  w.script[0].refresh_ns = 2 * PMM_NS_PER_S;
  world_open(&w);
  assert_int_equal(pmm_engine_next_timer(w.engine), PMM_NS_MAX);
  world_book(&w, 0, 4800, 5200);
  assert_int_equal(world_calls(&w, 0), 1);
  assert_int_equal(pmm_engine_next_timer(w.engine), w.now_ns);
  world_at(&w, 3);
  world_timer(&w);
  assert_int_equal(w.script[0].wake, PMM_WAKE_TIMER);
  assert_int_equal(world_stats(&w, 0).open_ns, 0); /* integrals close with the next change or at the end */
  world_finish(&w);
  assert_int_equal(world_stats(&w, 0).open_ns, 3 * PMM_NS_PER_S);
  world_close(&w);
}

/* -- wake masks -- */
static void cause(uint32_t bit) {
  world_at(&w, (double)(w.now_ns - world_ns(0)) / 1e9 + 1);
  switch (bit) {
    case PMM_WAKE_BOOK: world_level(&w, 0, PMM_BID, 4700, QTY(1) + w.now_ns % 7, PMM_F_LAST); break;
    case PMM_WAKE_TRADE: world_trade(&w, 0, PMM_ASK, 4800, QTY(1), PMM_F_LAST); break;
    case PMM_WAKE_FILL: world_fill(&w, 0, PMM_BID, 4700, QTY(1)); break;
    case PMM_WAKE_FEED: world_price(&w, 0, 100 + (double)(w.now_ns % 11)); break;
    case PMM_WAKE_TIMER: world_timer(&w); break;
    case PMM_WAKE_LIFE: world_life(&w, 0, PMM_LIFE_OPEN); break;
    case PMM_WAKE_FAIR: world_event(&w, (pmm_event_t){.md = {.kind = PMM_EV_FAIR, .exch_ns = w.now_ns}, .amount_e6 = 600000}); break;
    default: fail();
  }
}

/* A trade that ends its message is book news as well, and a change of life always wakes. */
static bool should_wake(uint32_t mask, uint32_t bit) {
  if (bit == PMM_WAKE_LIFE) return true;
  return mask & (bit == PMM_WAKE_TRADE ? PMM_WAKE_TRADE | PMM_WAKE_BOOK : bit);
}

static void test_wake_masks(void **state) {
  (void)state;
  for (uint32_t mask = 0; mask <= WAKE_ALL; mask++) {
    world_init(&w, 1, 1, NULL);
    w.ops[0].wake = mask;
    w.script[0].refresh_ns = PMM_NS_PER_S / 2;
    strcpy(w.under[0].id, "X");
    w.config.underlying_cnt = 1;
    w.market[0].underlying = 0;
    world_open(&w);
    world_book(&w, 0, 4800, 5200);
    world_say(&w, 0, "b.4700x50");
    world_life(&w, 0, PMM_LIFE_OPEN); /* places the order that is filled */
    world_answer(&w);
    world_calls(&w, 0);
    for (uint32_t bit = 1; bit <= WAKE_ALL; bit *= 2) {
      cause(bit);
      uint32_t const calls = world_calls(&w, 0);
      if (calls != should_wake(mask, bit)) fail_msg("mask %02x, bit %02x: %u calls", mask, bit, calls);
      if (calls && w.script[0].wake & ~(mask | PMM_WAKE_LIFE)) fail_msg("mask %02x, bit %02x: woken by %02x", mask, bit, w.script[0].wake);
    }
    world_close(&w);
  }
}

/* -- timers -- */
static void test_timer_beat(void **state) {
  (void)state;
  world_init(&w, 1, 1, NULL);
  w.script[0].refresh_ns = 2 * PMM_NS_PER_S;
  w.ops[0].wake = PMM_WAKE_TIMER;
  world_open(&w);
  assert_int_equal(pmm_engine_next_timer(w.engine), PMM_NS_MAX);
  world_book(&w, 0, 4800, 5200);
  assert_int_equal(pmm_engine_next_timer(w.engine), PMM_NS_MAX); /* pending: no beat yet */
  world_life(&w, 0, PMM_LIFE_OPEN);
  world_calls(&w, 0);
  static const struct { const char *why; double at; uint32_t calls; double next; } rows[] = {
    {"the first beat comes with the opening", 0, 1, 2},
    {"too early: nothing", 1.5, 0, 2},
    {"a little late: the beat is kept", 2.3, 1, 4},
    {"on time", 4, 1, 6},
    {"long silence: a new beat, nothing is caught up", 11, 1, 13},
    {"and it goes on from there", 13, 1, 15},
  };
  for (size_t i = 0; i < COUNT_OF(rows); i++) {
    world_at(&w, rows[i].at);
    world_timer(&w);
    if (world_calls(&w, 0) != rows[i].calls || pmm_engine_next_timer(w.engine) != world_ns(rows[i].next)) fail_msg("%s", rows[i].why);
  }
  world_life(&w, 0, PMM_LIFE_HALTED);
  assert_int_equal(pmm_engine_next_timer(w.engine), PMM_NS_MAX);
  world_at(&w, 20);
  world_timer(&w);
  world_life(&w, 0, PMM_LIFE_OPEN);
  assert_int_equal(world_calls(&w, 0), 1); /* for the opening */
  assert_int_equal(pmm_engine_next_timer(w.engine), world_ns(20));
  world_life(&w, 0, PMM_LIFE_CLOSED);
  assert_int_equal(pmm_engine_next_timer(w.engine), PMM_NS_MAX);
  world_close(&w);
}

/* Many beats at once against counting them one by one. */
static void test_timers_together(void **state) {
  (void)state;
  world_init(&w, WORLD_MARKETS, WORLD_SLOTS, (uint32_t[]){0, 1, 2, 3, 0, 1, 2, 3, 0, 1});
  for (uint32_t i = 0; i < WORLD_SLOTS; i++) {
    w.script[i].refresh_ns = (int64_t)(i + 1) * 7 * PMM_NS_PER_MS;
    w.ops[i].wake = PMM_WAKE_TIMER;
  }
  world_open(&w);
  for (uint32_t m = 0; m < WORLD_MARKETS; m++) world_start(&w, m, 4800, 5200);
  for (uint32_t i = 0; i < WORLD_SLOTS; i++) world_calls(&w, i);
  int64_t const end = world_ns(10);
  for (int64_t t; (t = pmm_engine_next_timer(w.engine)) <= end;) {
    assert_true(t >= w.now_ns);
    w.now_ns = t;
    world_timer(&w);
  }
  for (uint32_t i = 0; i < WORLD_SLOTS; i++) assert_int_equal(world_calls(&w, i), 10 * PMM_NS_PER_S / w.script[i].refresh_ns + 1);
  world_close(&w);
}

/* Unanswered requests are looked for once a second, whatever the strategies want. */
static void test_house_timer(void **state) {
  (void)state;
  world_init(&w, 1, 1, NULL);
  w.config.exec.pending_timeout_ns = 3 * PMM_NS_PER_S;
  world_open(&w);
  world_say(&w, 0, "b.4700x10");
  world_start(&w, 0, 4800, 5200);
  world_sent(&w);
  uint64_t const id = world_order(&w, 0, PMM_BID, 4700);
  for (int s = 0; s < 5; s++) {
    world_at(&w, s);
    assert_true(pmm_engine_next_timer(w.engine) <= w.now_ns);
    world_timer(&w);
    assert_int_equal(pmm_exec_find(pmm_engine_exec(w.engine), id)->state, s < 3 ? PMM_ORDER_PENDING_NEW : PMM_ORDER_UNKNOWN);
  }
  world_close(&w);
}

/* -- min_requote -- */
static void test_min_requote(void **state) {
  (void)state;
  world_init(&w, 1, 1, NULL);
  w.config.params.min_requote_ns = PMM_NS_PER_S;
  w.script[0].refresh_ns = 0;
  world_open(&w);
  world_say(&w, 0, "b.4700x50");
  world_start(&w, 0, 4800, 5200);
  world_answer(&w);
  assert_int_equal(world_calls(&w, 0), 1);
  world_at(&w, 0.2);
  world_level(&w, 0, PMM_BID, 4600, QTY(1), PMM_F_LAST);
  world_trade(&w, 0, PMM_ASK, 4800, QTY(1), PMM_F_LAST);
  assert_int_equal(world_calls(&w, 0), 0);
  assert_int_equal(pmm_engine_next_timer(w.engine), world_ns(1)); /* the later catch-up */
  world_at(&w, 1);
  world_timer(&w);
  assert_int_equal(world_calls(&w, 0), 1);
  assert_int_equal(w.script[0].wake, PMM_WAKE_BOOK | PMM_WAKE_TRADE);
  assert_int_equal(pmm_engine_next_timer(w.engine), PMM_NS_MAX);
  world_at(&w, 2.5); /* long enough ago: at once */
  world_level(&w, 0, PMM_BID, 4600, QTY(2), PMM_F_LAST);
  assert_int_equal(world_calls(&w, 0), 1);
  /* A fill does not wait, and what was held back has then been seen. */
  world_at(&w, 2.6);
  world_level(&w, 0, PMM_BID, 4600, QTY(3), PMM_F_LAST);
  assert_int_equal(pmm_engine_next_timer(w.engine), world_ns(3.5));
  world_fill(&w, 0, PMM_BID, 4700, QTY(1));
  assert_int_equal(world_calls(&w, 0), 1);
  assert_int_equal(pmm_engine_next_timer(w.engine), PMM_NS_MAX);
  world_at(&w, 3.5);
  world_timer(&w);
  assert_int_equal(world_calls(&w, 0), 0);
  /* A market that closes takes its held-back decision along. */
  world_level(&w, 0, PMM_BID, 4600, QTY(4), PMM_F_LAST);
  assert_int_equal(pmm_engine_next_timer(w.engine), world_ns(3.6));
  world_life(&w, 0, PMM_LIFE_CLOSED);
  assert_int_equal(pmm_engine_next_timer(w.engine), PMM_NS_MAX);
  world_close(&w);
}

/* -- gaps and the life cycle -- */
static void test_gap(void **state) {
  (void)state;
  world_init(&w, 1, 1, NULL);
  w.script[0].refresh_ns = PMM_NS_PER_S;
  world_open(&w);
  world_say(&w, 0, "b.4700x10 a.5300x10");
  world_start(&w, 0, 4800, 5200);
  assert_string_equal(world_settle(&w), "+b.4700x10 +a.5300x10");
  world_md(&w, (pmm_md_t){.kind = PMM_MD_GAP, .exch_ns = w.now_ns - 5});
  assert_string_equal(world_settle(&w), "-b.4700x10 -a.5300x10");
  world_calls(&w, 0);
  world_at(&w, 2);
  world_level(&w, 0, PMM_BID, 4600, QTY(3), PMM_F_LAST); /* on top of a book that misses something */
  world_trade(&w, 0, PMM_ASK, 4800, QTY(1), PMM_F_LAST);
  world_timer(&w);
  world_operator(&w, PMM_OP_RESUME);
  assert_int_equal(world_calls(&w, 0), 0);
  world_md(&w, (pmm_md_t){.kind = PMM_MD_CLEAR, .flags = PMM_F_SNAPSHOT});
  world_level(&w, 0, PMM_BID, 4800, QTY(1), PMM_F_SNAPSHOT);
  assert_int_equal(world_calls(&w, 0), 0); /* half a book */
  world_level(&w, 0, PMM_ASK, 5200, QTY(1), PMM_F_SNAPSHOT | PMM_F_LAST);
  assert_int_equal(world_calls(&w, 0), 1);
  assert_string_equal(world_settle(&w), "+b.4700x10 +a.5300x10");
  assert_int_equal(world_totals(&w).gaps, 1);
  assert_int_equal(w.script[0].heard[PMM_MD_GAP], 1);
  world_close(&w);
}

static void test_halt_and_close(void **state) {
  (void)state;
  world_simple(&w);
  world_say(&w, 0, "b.4700x10 a.5300x10");
  world_start(&w, 0, 4800, 5200);
  world_settle(&w);
  world_life(&w, 0, PMM_LIFE_HALTED);
  assert_string_equal(world_settle(&w), "-b.4700x10 -a.5300x10");
  world_calls(&w, 0);
  world_level(&w, 0, PMM_BID, 4700, QTY(3), PMM_F_LAST);
  world_operator(&w, PMM_OP_RESUME);
  assert_int_equal(world_calls(&w, 0), 0);
  world_life(&w, 0, PMM_LIFE_OPEN);
  assert_int_equal(world_calls(&w, 0), 1);
  assert_string_equal(world_settle(&w), "+b.4700x10 +a.5300x10");
  world_life(&w, 0, PMM_LIFE_CLOSED); /* the venue expires our orders itself */
  world_level(&w, 0, PMM_BID, 4700, QTY(2), PMM_F_LAST);
  assert_string_equal(world_sent(&w), "");
  assert_int_equal(world_calls(&w, 0), 0);
  assert_int_equal(world_stats(&w, 0).messages, 1);
  world_close(&w);
}

static void test_tick_change(void **state) {
  (void)state;
  world_init(&w, 1, 1, NULL);
  w.market[0].venue = PMM_VENUE_POLYMARKET; /* such a ladder has room for the finer grid */
  world_open(&w);
  world_say(&w, 0, "b.4700x10 a.5250x10");
  world_start(&w, 0, 4800, 5200);
  assert_string_equal(world_settle(&w), "+b.4700x10 +a.5300x10"); /* off the cent grid: away from the book */
  world_calls(&w, 0);
  assert_int_equal(world_md(&w, (pmm_md_t){.kind = PMM_MD_TICK, .price_e4 = 10}), PMM_OK);
  assert_int_equal(world_calls(&w, 0), 0); /* the message goes on */
  world_level(&w, 0, PMM_ASK, 5190, QTY(1), PMM_F_LAST);
  assert_int_equal(world_calls(&w, 0), 1);
  assert_int_equal(w.script[0].wake, PMM_WAKE_BOOK | PMM_WAKE_LIFE);
  assert_int_equal(w.script[0].grid.tick_e4, 10);
  assert_string_equal(world_settle(&w), "-a.5300x10 +a.5250x10");
  assert_int_equal(world_md(&w, (pmm_md_t){.kind = PMM_MD_TICK, .price_e4 = 1000, .flags = PMM_F_LAST}), PMM_OK);
  assert_int_equal(w.script[0].grid.tick_e4, 1000);
  assert_int_equal(pmm_ladder_best_e4(pmm_engine_ladder(w.engine, 0), PMM_ASK), 0); /* levels off the grid are gone */
  assert_int_equal(world_md(&w, (pmm_md_t){.kind = PMM_MD_TICK, .price_e4 = 7}), PMM_INVAL);
  assert_int_equal(world_md(&w, (pmm_md_t){.kind = PMM_MD_TICK, .price_e4 = 1}), PMM_INVAL); /* no room */
  assert_int_equal(pmm_engine_market(w.engine, 0)->grid.tick_e4, 1000);
  world_close(&w);
}

/* A step for quotes of our own: kept when the venue refines its tick, given up where the venue's is coarser. */
static void test_quote_tick(void **state) {
  (void)state;
  world_init(&w, 1, 1, NULL);
  w.market[0].venue = PMM_VENUE_POLYMARKET;
  w.config.params.quote_tick_e4 = 200;
  world_open(&w);
  world_say(&w, 0, "b.4600x10 a.5400x10");
  world_start(&w, 0, 4800, 5200);
  assert_int_equal(w.script[0].grid.tick_e4, 200);
  assert_int_equal(pmm_engine_market(w.engine, 0)->grid.tick_e4, 100); /* the book has the venue's */
  assert_int_equal(world_md(&w, (pmm_md_t){.kind = PMM_MD_TICK, .price_e4 = 10}), PMM_OK);
  world_level(&w, 0, PMM_ASK, 5190, QTY(1), PMM_F_LAST);
  assert_int_equal(w.script[0].grid.tick_e4, 200);
  assert_int_equal(pmm_ladder_best_e4(pmm_engine_ladder(w.engine, 0), PMM_ASK), 5190);
  assert_int_equal(world_md(&w, (pmm_md_t){.kind = PMM_MD_TICK, .price_e4 = 1000, .flags = PMM_F_LAST}), PMM_OK);
  assert_int_equal(w.script[0].grid.tick_e4, 1000);
  world_close(&w);
  world_init(&w, 1, 1, NULL);
  w.config.params.quote_tick_e4 = 300;
  pmm_error_t err = {0};
  pmm_arena_t arena;
  pmm_engine_t *engine = NULL;
  assert_int_equal(pmm_arena_open(&arena, (size_t)64 << 20), PMM_OK);
  assert_int_equal(pmm_engine_init(&engine, &arena, &w.config, &err), PMM_INVAL);
  assert_string_equal(err.text, "engine.quote_tick: must divide a dollar");
  pmm_arena_close(&arena);
}

/* -- the operator -- */
static void test_operator(void **state) {
  (void)state;
  world_simple(&w);
  world_say(&w, 0, "b.4700x10 a.5300x10");
  world_start(&w, 0, 4800, 5200);
  world_answer(&w);
  world_fill(&w, 0, PMM_BID, 4700, QTY(4));
  world_settle(&w);
  world_operator(&w, PMM_OP_PAUSE);
  assert_string_equal(world_settle(&w), "-b.4700x10 -a.5300x10");
  world_level(&w, 0, PMM_BID, 4600, QTY(1), PMM_F_LAST);
  assert_string_equal(world_settle(&w), "");
  assert_string_equal(pmm_engine_quotes(w.engine, 0)->why, "paused by operator");
  world_operator(&w, PMM_OP_RESUME);
  assert_string_equal(world_settle(&w), "+b.4700x10 +A.5300x4 +a.5300x6");
  world_operator(&w, PMM_OP_FLATTEN); /* quotes go, then what is held is sold, again and again */
  assert_string_equal(world_settle(&w), "-b.4700x10 -A.5300x4 -a.5300x6");
  world_level(&w, 0, PMM_BID, 4600, QTY(2), PMM_F_LAST);
  assert_string_equal(world_sent(&w), "+A.4500x4!");
  uint64_t const id = world_order(&w, 0, PMM_ASK, 4500);
  world_event(&w, ev_fill(&w, id, 4800, QTY(4), 0));
  world_level(&w, 0, PMM_BID, 4600, QTY(3), PMM_F_LAST);
  assert_string_equal(world_settle(&w), "");
  assert_int_equal(pmm_engine_quotes(w.engine, 0)->action, PMM_QUOTE_PAUSE);
  world_operator(&w, PMM_OP_RESUME);
  assert_string_equal(world_settle(&w), "+b.4700x10 +a.5300x10");
  world_operator(&w, PMM_OP_KILL);
  assert_string_equal(world_settle(&w), "-b.4700x10 -a.5300x10");
  world_calls(&w, 0);
  world_operator(&w, PMM_OP_RESUME);
  world_level(&w, 0, PMM_BID, 4600, QTY(4), PMM_F_LAST);
  assert_int_equal(world_calls(&w, 0), 0);
  world_operator(&w, PMM_OP_RESET);
  assert_string_equal(world_settle(&w), "+b.4700x10 +a.5300x10");
  assert_int_equal(world_event(&w, (pmm_event_t){.md = {.kind = PMM_EV_OPERATOR, .aux = 99}}), PMM_INVAL);
  world_close(&w);
}

/* A short position flattens by buying. */
static void test_flatten_short(void **state) {
  (void)state;
  world_simple(&w);
  world_say(&w, 0, "a.5300x10");
  world_start(&w, 0, 4800, 5200);
  world_answer(&w);
  world_fill(&w, 0, PMM_ASK, 5300, QTY(10));
  world_say(&w, 0, "");
  world_settle(&w);
  world_operator(&w, PMM_OP_FLATTEN);
  assert_string_equal(world_sent(&w), "-a.5300x10 +B.5500x10!"); /* it stood there again after the fill */
  world_close(&w);
}

/* -- fair values from outside -- */
static void test_external_fair(void **state) {
  (void)state;
  world_simple(&w);
  world_start(&w, 0, 4800, 5200);
  assert_int_equal(w.script[0].view.fair_cnt, 0);
  world_at(&w, 1);
  int64_t const as_of = w.now_ns - 77, expires = w.now_ns + 5 * PMM_NS_PER_S;
  assert_int_equal(world_event(&w, (pmm_event_t){.md = {.kind = PMM_EV_FAIR, .exch_ns = as_of}, .amount_e6 = 612345, .ref_id = (uint64_t)expires}), PMM_OK);
  assert_int_equal(w.script[0].wake, PMM_WAKE_FAIR);
  assert_int_equal(w.script[0].view.fair_cnt, 1);
  assert_int_equal(w.script[0].fair[0].kind, PMM_FAIR_EXTERNAL);
  assert_true(w.script[0].fair[0].p == 0.612345);
  assert_int_equal(w.script[0].fair[0].as_of_ns, as_of);
  assert_int_equal(w.script[0].fair[0].expires_ns, expires);
  world_event(&w, (pmm_event_t){.md = {.kind = PMM_EV_FAIR, .exch_ns = PMM_TIME_NONE}, .amount_e6 = 0});
  assert_int_equal(w.script[0].fair[0].as_of_ns, w.now_ns); /* nobody said when: now */
  assert_int_equal(w.script[0].fair[0].expires_ns, PMM_NS_MAX);
  world_trade(&w, 0, PMM_BID, 5200, QTY(1), PMM_F_LAST);
  assert_int_equal(w.script[0].view.fair_cnt, 2);
  assert_int_equal(w.script[0].fair[1].kind, PMM_FAIR_TRADE_EWMA);
  assert_true(w.script[0].fair[1].p == 0.52);
  assert_int_equal(world_event(&w, (pmm_event_t){.md = {.kind = PMM_EV_FAIR}, .amount_e6 = 1000001}), PMM_INVAL);
  assert_int_equal(world_event(&w, (pmm_event_t){.md = {.kind = PMM_EV_FAIR}, .amount_e6 = -1}), PMM_INVAL);
  assert_int_equal(world_event(&w, (pmm_event_t){.md = {.kind = PMM_EV_FAIR, .market = 1}, .amount_e6 = 1}), PMM_INVAL);
  world_close(&w);
}

/* -- strategies that fail -- */
static void spoil(script_t *s, int how) {
  pmm_quotes_t *const q = &s->say;
  switch (how) {
    case 0: s->status = PMM_NOT_READY; break;
    case 1: q->fair = NAN; break;
    case 2: q->fair = INFINITY; break;
    case 3: q->bid_cnt = PMM_LEVELS_MAX + 1; break;
    case 4: q->ask_cnt = -1; break;
    case 5: q->action = (pmm_quote_action_t)9; break;
    case 6: q->action = PMM_QUOTE_EXIT; q->exit_qty_e6 = QTY(1); q->fair = NAN; break;
    case 7: q->action = PMM_QUOTE_EXIT; q->exit_qty_e6 = QTY(1); q->exit_side = (pmm_side_t)2; break;
    default: fail();
  }
}

static void test_failing_strategy(void **state) {
  (void)state;
  for (int how = 0; how < 8; how++) {
    world_simple(&w);
    world_say(&w, 0, "b.4700x10 a.5300x10");
    world_start(&w, 0, 4800, 5200);
    world_settle(&w);
    script_t const good = w.script[0];
    spoil(&w.script[0], how);
    world_level(&w, 0, PMM_BID, 4600, QTY(1), PMM_F_LAST);
    const char *const sent = world_settle(&w);
    if (strcmp(sent, "-b.4700x10 -a.5300x10") != 0) fail_msg("fault %d: sent %s", how, sent);
    assert_int_equal(pmm_engine_quotes(w.engine, 0)->action, PMM_QUOTE_PAUSE);
    assert_non_null(pmm_engine_quotes(w.engine, 0)->why);
    w.script[0] = good;
    world_level(&w, 0, PMM_BID, 4600, QTY(2), PMM_F_LAST);
    assert_string_equal(world_settle(&w), "+b.4700x10 +a.5300x10");
    world_close(&w);
  }
}

static void test_keep_and_exit(void **state) {
  (void)state;
  world_simple(&w);
  world_say(&w, 0, "b.4700x10");
  world_start(&w, 0, 4800, 5200);
  world_answer(&w);
  world_fill(&w, 0, PMM_BID, 4700, QTY(6));
  world_settle(&w);
  w.script[0].say.action = PMM_QUOTE_KEEP;
  w.script[0].say.fair = NAN; /* it needs none */
  world_level(&w, 0, PMM_BID, 4600, QTY(1), PMM_F_LAST);
  assert_string_equal(world_settle(&w), "");
  w.script[0].say = (pmm_quotes_t){.action = PMM_QUOTE_EXIT, .fair = 0.5, .exit_side = PMM_ASK, .exit_qty_e6 = QTY(6), .exit_limit = 0.02};
  world_operator(&w, PMM_OP_PAUSE); /* a pause keeps a strategy from quoting, not from getting out */
  world_settle(&w);
  world_level(&w, 0, PMM_BID, 4600, QTY(2), PMM_F_LAST);
  assert_string_equal(world_settle(&w), "+A.4800x6!");
  world_close(&w);
}

/* -- bad records -- */
typedef struct bad_row { const char *why; pmm_md_t md; } bad_row_t;
static const bad_row_t BAD[] = {
  {"level of no market", {.kind = PMM_MD_LEVEL, .market = 9, .price_e4 = 4700, .qty_e6 = 1}},
  {"level at price 0", {.kind = PMM_MD_LEVEL, .price_e4 = 0, .qty_e6 = 1}},
  {"level at price 1", {.kind = PMM_MD_LEVEL, .price_e4 = 10000, .qty_e6 = 1}},
  {"level at a negative price", {.kind = PMM_MD_LEVEL, .price_e4 = -100, .qty_e6 = 1}},
  {"level off the grid", {.kind = PMM_MD_LEVEL, .price_e4 = 4750, .qty_e6 = 1}},
  {"level of negative size", {.kind = PMM_MD_LEVEL, .price_e4 = 4700, .qty_e6 = -1}},
  {"level on no side", {.kind = PMM_MD_LEVEL, .price_e4 = 4700, .qty_e6 = 1, .side = 2}},
  {"trade of no market", {.kind = PMM_MD_TRADE, .market = 9, .price_e4 = 4700, .qty_e6 = 1}},
  {"trade of nothing", {.kind = PMM_MD_TRADE, .price_e4 = 4700, .qty_e6 = 0}},
  {"trade at price 0", {.kind = PMM_MD_TRADE, .price_e4 = 0, .qty_e6 = 1}},
  {"trade at price 1", {.kind = PMM_MD_TRADE, .price_e4 = 10000, .qty_e6 = 1}},
  {"trade on no side", {.kind = PMM_MD_TRADE, .price_e4 = 4700, .qty_e6 = 1, .side = 2}},
  {"clear of no market", {.kind = PMM_MD_CLEAR, .market = 9}},
  {"tick of no market", {.kind = PMM_MD_TICK, .market = 9, .price_e4 = 100}},
  {"tick that does not divide a dollar", {.kind = PMM_MD_TICK, .price_e4 = 3}},
  {"gap of no market", {.kind = PMM_MD_GAP, .market = 9}},
  {"status of no market", {.kind = PMM_MD_STATUS, .market = 9, .aux = PMM_LIFE_HALTED}},
  {"status that is none", {.kind = PMM_MD_STATUS, .aux = 6}},
  {"open goes to resolved only by closed", {.kind = PMM_MD_STATUS, .aux = PMM_LIFE_RESOLVED, .side = PMM_OUTCOME_YES, .qty_e6 = 1000000}},
  {"open does not go back to pending", {.kind = PMM_MD_STATUS, .aux = PMM_LIFE_PENDING}},
  {"underlying that is not there", {.kind = PMM_MD_UNDERLYING, .market = 1, .qty_e6 = 1}},
  {"underlying at price 0", {.kind = PMM_MD_UNDERLYING, .qty_e6 = 0}},
  {"underlying at a negative price", {.kind = PMM_MD_UNDERLYING, .qty_e6 = -5}},
  {"settlement mean of no underlying", {.kind = PMM_MD_SETTLE_MEAN, .market = 7, .qty_e6 = 5}},
  {"no kind", {.kind = PMM_KIND_NONE}},
  {"a kind that is none", {.kind = 20}},
  {"an account event that says it is market data", {.kind = PMM_EV_FILL}},
};

static void test_bad_records(void **state) {
  (void)state;
  world_init(&w, 1, 1, NULL);
  strcpy(w.under[0].id, "X");
  w.config.underlying_cnt = 1;
  w.market[0].underlying = 0;
  world_open(&w);
  world_say(&w, 0, "b.4700x10 a.5300x10");
  world_start(&w, 0, 4800, 5200);
  world_price(&w, 0, 100);
  world_settle(&w);
  world_calls(&w, 0);
  uint64_t const book = pmm_ladder_hash(pmm_engine_ladder(w.engine, 0));
  for (size_t i = 0; i < COUNT_OF(BAD); i++) {
    uint64_t const bad = world_totals(&w).bad_events;
    if (world_md(&w, BAD[i].md) != PMM_INVAL) fail_msg("%s: taken", BAD[i].why);
    if (world_totals(&w).bad_events != bad + 1) fail_msg("%s: counted %d times", BAD[i].why, (int)(world_totals(&w).bad_events - bad));
    if (pmm_ladder_hash(pmm_engine_ladder(w.engine, 0)) != book) fail_msg("%s: changed the book", BAD[i].why);
    if (world_calls(&w, 0) || strcmp(world_sent(&w), "") != 0) fail_msg("%s: led to a decision", BAD[i].why);
  }
  assert_int_equal(pmm_engine_market(w.engine, 0)->life, PMM_LIFE_OPEN);
  assert_int_equal(world_totals(&w).trades, 0);
  assert_int_equal(world_totals(&w).gaps, 0);
  assert_int_equal(world_event(&w, (pmm_event_t){.md = {.kind = 47}}), PMM_INVAL);
  assert_int_equal(world_event(&w, (pmm_event_t){.md = {.kind = 200}}), PMM_INVAL);
  /* A bad record does not undo that its message is over. */
  world_level(&w, 0, PMM_BID, 4900, QTY(1), 0);
  assert_int_equal(world_md(&w, (pmm_md_t){.kind = PMM_MD_LEVEL, .price_e4 = 4750, .qty_e6 = 1, .flags = PMM_F_LAST}), PMM_INVAL);
  assert_int_equal(world_calls(&w, 0), 1);
  world_close(&w);
}

/* Engine time never goes back. */
static void test_time_only_ascends(void **state) {
  (void)state;
  world_simple(&w);
  world_at(&w, 10);
  world_start(&w, 0, 4800, 5200);
  world_at(&w, 4);
  world_level(&w, 0, PMM_BID, 4600, QTY(1), PMM_F_LAST);
  assert_int_equal(pmm_engine_now(w.engine), world_ns(10));
  assert_int_equal(w.script[0].view.now_ns, world_ns(10));
  world_close(&w);
}

/* -- the view -- */
static int64_t fixed_ahead(void *ctx, uint64_t order_id) {
  *(uint64_t *)ctx = order_id;
  return QTY(33);
}

static void test_view(void **state) {
  (void)state;
  world_init(&w, 1, 1, NULL);
  w.market[0].open_ns = world_ns(-100);
  w.market[0].close_ns = world_ns(200);
  w.config.risk.max_order_rate = 10;
  w.config.risk.max_order_burst = 50;
  world_open(&w);
  uint64_t asked = 0;
  pmm_engine_set_ahead(w.engine, fixed_ahead, &asked);
  world_say(&w, 0, "b.4700x10 a.5300x20");
  world_start(&w, 0, 4800, 5200);
  world_answer(&w);
  world_at(&w, 20);
  world_level(&w, 0, PMM_BID, 4900, QTY(1), PMM_F_LAST);
  script_t const *const s = &w.script[0];
  assert_true(s->view.mid == 0.505);
  assert_int_equal(s->view.mid_age_ns, 0);
  assert_true(s->view.time_left_s == 180 && s->view.life_s == 300);
  assert_int_equal(s->view.order_cnt, 2);
  assert_int_equal(s->order[0].price_e4, 4700);
  assert_int_equal(s->order[0].ahead_e6, QTY(33));
  assert_int_equal(s->order[1].open_e6, QTY(20));
  assert_int_equal(asked, s->order[1].order_id);
  assert_int_equal(s->view.free_cash_e6, QTY(1000) - QTY(4.7) - QTY(9.4));
  assert_true(s->view.rate_left == 50);
  assert_false(s->view.under.has);
  /* One side gone: the last mid for half a minute, then one half. */
  world_level(&w, 0, PMM_BID, 4900, 0, 0);
  world_level(&w, 0, PMM_BID, 4800, 0, PMM_F_LAST);
  assert_true(s->view.mid == 0.505);
  world_at(&w, 49.9);
  world_level(&w, 0, PMM_ASK, 5200, QTY(2), PMM_F_LAST);
  assert_true(s->view.mid == 0.505);
  assert_int_equal(s->view.mid_age_ns, world_ns(29.9) - world_ns(0));
  world_at(&w, 50);
  world_level(&w, 0, PMM_ASK, 5200, QTY(3), PMM_F_LAST);
  assert_true(s->view.mid == 0.5);
  world_close(&w);
}

/* Before the first event there is no time, and nothing to see. */
static void test_view_before_all(void **state) {
  (void)state;
  world_init(&w, 1, 1, NULL);
  w.market[0].open_ns = world_ns(0);
  w.market[0].close_ns = world_ns(200);
  world_open(&w);
  pmm_view_t v;
  pmm_engine_view(w.engine, 0, &v);
  assert_true(isnan(v.time_left_s) && v.life_s == 200);
  assert_true(v.mid == 0.5 && v.mid_age_ns == PMM_NS_MAX);
  assert_int_equal(v.order_cnt + v.fair_cnt, 0);
  assert_int_equal(pmm_engine_next_timer(w.engine), PMM_NS_MAX);
  assert_int_equal(pmm_engine_equity(w.engine), QTY(1000));
  world_close(&w);
}

/* Looking at a view changes nothing, not even when the book could teach it a newer mid. */
static void test_looking_is_free(void **state) {
  (void)state;
  uint64_t hash[2];
  double mid[2];
  for (int look = 0; look < 2; look++) {
    world_simple(&w);
    world_say(&w, 0, "b.4700x10 a.5300x20");
    world_start(&w, 0, 4800, 5200);
    world_at(&w, 20);
    world_level(&w, 0, PMM_BID, 4900, QTY(1), 0); /* in the middle of a message */
    pmm_view_t v;
    if (look) pmm_engine_view(w.engine, 0, &v);
    world_level(&w, 0, PMM_BID, 4900, 0, 0);
    world_level(&w, 0, PMM_BID, 4800, 0, PMM_F_LAST);
    world_at(&w, 31);
    world_level(&w, 0, PMM_ASK, 5200, QTY(3), PMM_F_LAST);
    mid[look] = w.script[0].view.mid;
    hash[look] = pmm_engine_hash(w.engine);
    world_close(&w);
  }
  assert_true(hash[0] == hash[1]);
  assert_true(mid[0] == 0.5 && mid[1] == 0.5);
}

/* Strategies hear of messages, prints, gaps, fills and prices of their own market. */
static void test_hearing(void **state) {
  (void)state;
  world_init(&w, 2, 2, (uint32_t[]){0, 1});
  strcpy(w.under[0].id, "X");
  w.config.underlying_cnt = 1;
  w.market[0].underlying = 0;
  world_open(&w);
  world_say(&w, 0, "b.4700x10");
  world_start(&w, 0, 4800, 5200);
  world_start(&w, 1, 4800, 5200);
  world_answer(&w);
  world_trade(&w, 0, PMM_ASK, 4800, QTY(1), 0);
  world_level(&w, 0, PMM_BID, 4800, QTY(99), PMM_F_LAST);
  world_trade(&w, 0, PMM_ASK, 4800, QTY(1), PMM_F_LAST);
  world_price(&w, 0, 123);
  uint32_t const *const heard = w.script[0].heard;
  assert_int_equal(heard[PMM_MD_LEVEL], 2);
  assert_int_equal(heard[PMM_MD_TRADE], 2);
  assert_int_equal(heard[PMM_MD_UNDERLYING], 1);
  world_fill(&w, 0, PMM_BID, 4700, QTY(1));
  assert_int_equal(heard[PMM_EV_FILL], 1);
  assert_int_equal(w.script[0].last_heard.md.side, PMM_BID);
  assert_int_equal(w.script[1].heard[PMM_MD_LEVEL], 1);
  assert_int_equal(w.script[1].heard[PMM_EV_FILL] + w.script[1].heard[PMM_MD_UNDERLYING] + w.script[1].heard[PMM_MD_TRADE], 0);
  world_close(&w);
}

/* -- construction -- */
static pmm_status_t failing_init(void *state, const void *params, uint64_t seed) {
  (void)state;
  (void)params;
  (void)seed;
  return PMM_INVAL;
}

static pmm_status_t try_init(size_t bytes, char *text) {
  pmm_arena_t arena;
  pmm_error_t err = {0};
  pmm_engine_t *engine = NULL;
  assert_int_equal(pmm_arena_open(&arena, bytes), PMM_OK);
  pmm_status_t const st = pmm_engine_init(&engine, &arena, &w.config, &err);
  pmm_arena_close(&arena);
  strcpy(text, err.text);
  return st;
}

static void test_construction(void **state) {
  (void)state;
  char text[sizeof(((pmm_error_t *)0)->text)];
  world_init(&w, 1, 1, NULL);
  size_t const enough = pmm_engine_bytes(&w.config);
  assert_int_equal(try_init(enough, text), PMM_OK);
  for (size_t bytes = 64; bytes < enough; bytes += enough / 97) { /* too little is told, never touched */
    pmm_status_t const st = try_init(bytes, text);
    assert_true(st == PMM_OK || (st == PMM_FULL && text[0]));
  }
  w.slot[0].market = 1;
  assert_int_equal(try_init(enough, text), PMM_INVAL);
  assert_string_equal(text, "strategy script: no market 1");
  w.slot[0].market = 0;
  w.ops[0].init = failing_init;
  assert_int_equal(try_init(enough, text), PMM_INVAL);
  assert_non_null(strstr(text, "strategy script"));
  world_init(&w, 1, PMM_SLOTS_PER_MARKET_MAX + 1, NULL);
  assert_int_equal(try_init(pmm_engine_bytes(&w.config), text), PMM_FULL);
  assert_string_equal(text, "market M0: more than 8 strategies");
  world_init(&w, 1, 1, NULL);
  w.config.slot_cnt = PMM_SLOTS_MAX + 1;
  assert_int_equal(try_init(enough, text), PMM_INVAL);
  world_init(&w, 1, 0, NULL); /* books only */
  world_open(&w);
  world_start(&w, 0, 4800, 5200);
  assert_int_equal(pmm_engine_next_timer(w.engine), PMM_NS_MAX);
  assert_int_equal(world_totals(&w).md_events, 4);
  world_close(&w);
}

/* What pmm_engine_bytes says is enough for any shape. */
static void test_bytes(void **state) {
  (void)state;
  static pmm_market_t market[300];
  static pmm_slot_config_t slot[1200];
  static pmm_underlying_t under[40];
  for (uint32_t m = 0; m < COUNT_OF(market); m++) {
    pmm_market_init(&market[m], "m");
    pmm_grid_uniform(&market[m].grid, (int32_t[]){1000, 100, 10, 1}[m % 4]);
    market[m].venue = m % 3 ? PMM_VENUE_SIM : PMM_VENUE_POLYMARKET;
  }
  world_init(&w, 1, 1, NULL);
  for (uint32_t s = 0; s < COUNT_OF(slot); s++) {
    slot[s] = w.slot[0];
    slot[s].market = s % COUNT_OF(market);
  }
  static const uint32_t sizes[][3] = {{0, 0, 0}, {1, 0, 0}, {1, 1, 1}, {7, 3, 2}, {300, 300, 40}, {300, 1200, 0}};
  for (size_t i = 0; i < COUNT_OF(sizes); i++) {
    w.config.market = market;
    w.config.market_cnt = sizes[i][0];
    w.config.slot = slot;
    w.config.slot_cnt = sizes[i][1];
    w.config.underlying = under;
    w.config.underlying_cnt = sizes[i][2];
    world_open(&w);
    world_close(&w);
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {
    cmocka_unit_test(test_message_end), cmocka_unit_test(test_only_its_own_market), cmocka_unit_test(test_open_from_the_start),
    cmocka_unit_test(test_wake_masks), cmocka_unit_test(test_timer_beat), cmocka_unit_test(test_timers_together),
    cmocka_unit_test(test_house_timer), cmocka_unit_test(test_min_requote), cmocka_unit_test(test_gap), cmocka_unit_test(test_halt_and_close),
    cmocka_unit_test(test_tick_change), cmocka_unit_test(test_quote_tick), cmocka_unit_test(test_operator), cmocka_unit_test(test_flatten_short), cmocka_unit_test(test_external_fair),
    cmocka_unit_test(test_failing_strategy), cmocka_unit_test(test_keep_and_exit), cmocka_unit_test(test_bad_records),
    cmocka_unit_test(test_time_only_ascends), cmocka_unit_test(test_view), cmocka_unit_test(test_view_before_all), cmocka_unit_test(test_looking_is_free), cmocka_unit_test(test_hearing),
    cmocka_unit_test(test_construction), cmocka_unit_test(test_bytes),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
