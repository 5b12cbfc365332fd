/* Strategy arbitrage: what it takes, what it leaves, and what it does with legs that did not both fill. Each test is a few books and positions. */
#include "fixture.h"

#define LEGS 4
typedef struct group { fixture_t leg[LEGS]; pmm_leg_t view[LEGS]; size_t cnt; } group_t;
static group_t g;

static void open_group(size_t cnt, const char *kind) {
  g.cnt = cnt;
  for (size_t i = 0; i < cnt; i++) fix_open(&g.leg[i], "arbitrage");
  fix_set(&g.leg[0], "kind", kind);
  fix_set(&g.leg[0], "min_liquidity", "10");
}
static void close_group(void) { for (size_t i = 0; i < g.cnt; i++) fix_close(&g.leg[i]); }
static void set(const char *name, const char *text) { fix_set(&g.leg[0], name, text); }

/* Asks the first leg's strategy about all: "take b.4500x10 | take a.5500x10". */
static const char *ask(void) {
  static char text[512];
  for (size_t i = 0; i < g.cnt; i++) {
    pmm_quotes_clear(&g.leg[i].out);
    g.leg[i].view.now_ns = g.leg[0].view.now_ns;
    g.view[i] = (pmm_leg_t){.view = g.leg[i].view, .active = g.leg[i].market.life == PMM_LIFE_OPEN, .out = &g.leg[i].out};
  }
  assert_int_equal(g.leg[0].ops->on_group(g.leg[0].state, g.view, g.cnt), PMM_OK);
  size_t n = 0;
  for (size_t i = 0; i < g.cnt; i++) {
    const pmm_quotes_t *const q = &g.leg[i].out;
    n += (size_t)snprintf(text + n, sizeof text - n, "%s%s", i ? " | " : "", pmm_quote_action_to_string(q->action));
    for (int s = 0; s < 2 && q->action == PMM_QUOTE_TAKE; s++)
      if (q->take[s].qty_e6) n += (size_t)snprintf(text + n, sizeof text - n, " %c.%04dx%g", "ba"[s], q->take[s].price_e4, (double)q->take[s].qty_e6 / 1e6);
    if (q->action == PMM_QUOTE_EXIT) n += (size_t)snprintf(text + n, sizeof text - n, " %c x%g", "ba"[q->exit_side], (double)q->exit_qty_e6 / 1e6);
  }
  return text;
}
static void later(double s) { g.leg[0].view.now_ns += (int64_t)(s * 1e9); }

static void test_pairs(void **unused) {
  (void)unused;
  open_group(2, "pair");
  fix_book(&g.leg[0], .43, .45, 100);
  fix_book(&g.leg[1], .50, .52, 100);
  assert_string_equal(ask(), "take b.4500x50 | take a.5000x50"); /* YES at .45, NO at .50: five cents certain */
  assert_true(fabs(fix_reason(&g.leg[0].out, "edge") - .05) < 1e-12 && fabs(fix_reason(&g.leg[1].out, "strength") - 2) < 1e-9);
  assert_string_equal(ask(), "pause | pause"); /* cooling down */
  later(1);
  fix_book(&g.leg[1], .50, .52, 7.5);
  set("min_liquidity", "1");
  assert_string_equal(ask(), "take b.4500x7.5 | take a.5000x7.5");
  later(1);
  fix_book(&g.leg[1], .47, .52, 100);
  assert_string_equal(ask(), "pause | pause"); /* two cents are less than min_edge */
  set("min_edge", "0.02");
  assert_string_equal(ask(), "take b.4500x50 | take a.4700x50");
  later(1);
  g.leg[0].market.fees = (pmm_fee_schedule_t){.model = PMM_FEE_KALSHI, .taker_rate_e6 = 70000, .precision_e6 = 100};
  assert_string_equal(ask(), "pause | pause"); /* the fee of .45 alone is 1.7 cents */
  close_group();
}

static void test_what_is_left_alone(void **unused) {
  (void)unused;
  static const struct { const char *why, *name, *value; double qty; double days; bool closed; } rows[] = {
    {"too thin a book", "min_liquidity", "1000", 100, NAN, false}, {"too far away", "max_days", "30", 100, 31, false},
    {"a leg is closed", "max_days", "30", 100, NAN, true}, {"held enough", "max_position", "50", 100, NAN, false},
  };
  for (size_t i = 0; i < COUNT_OF(rows); i++) {
    open_group(2, "pair");
    set(rows[i].name, rows[i].value);
    fix_book(&g.leg[0], .43, .45, rows[i].qty);
    fix_book(&g.leg[1], .50, .52, rows[i].qty);
    g.leg[1].view.time_left_s = rows[i].days * 86400;
    if (rows[i].closed) g.leg[1].market.life = PMM_LIFE_CLOSED;
    if (i == 3) {
      fix_hold(&g.leg[0], 50, 0);
      fix_hold(&g.leg[1], 0, 50);
    }
    if (strcmp(ask(), "pause | pause") != 0) fail_msg("%s: %s", rows[i].why, ask());
    close_group();
  }
}

static void test_one_crossed_book(void **unused) {
  (void)unused;
  open_group(1, "pair");
  fix_book(&g.leg[0], .56, .50, 100);
  assert_string_equal(ask(), "take b.5000x50 a.5600x50");
  fix_book(&g.leg[0], .52, .50, 100);
  later(1);
  assert_string_equal(ask(), "pause");
  close_group();
}

static void test_sets(void **unused) {
  (void)unused;
  open_group(3, "set");
  fix_book(&g.leg[0], .28, .30, 100);
  fix_book(&g.leg[1], .28, .30, 100);
  fix_book(&g.leg[2], .33, .35, 100);
  assert_string_equal(ask(), "take b.3000x50 | take b.3000x50 | take b.3500x50"); /* .95 for a dollar */
  later(1);
  fix_book(&g.leg[0], .38, .40, 100);
  fix_book(&g.leg[1], .33, .35, 100);
  assert_string_equal(ask(), "take a.3800x50 | take a.3300x50 | take a.3300x50"); /* bids of 1.04: every NO for 1.96 of two dollars */
  later(1);
  g.leg[2].market.life = PMM_LIFE_HALTED;
  assert_string_equal(ask(), "pause | pause | pause"); /* without all outcomes nothing is certain */
  close_group();
}

/* One leg filled, the other did not. */
static void test_open_leg(void **unused) {
  (void)unused;
  open_group(2, "pair");
  fix_book(&g.leg[0], .43, .45, 100);
  fix_book(&g.leg[1], .50, .52, 100);
  (void)ask();
  g.leg[0].view.order_cnt = 1;
  assert_string_equal(ask(), "keep | keep"); /* answers are awaited */
  g.leg[0].view.order_cnt = 0;
  fix_hold(&g.leg[0], 50, 0);
  g.leg[0].view.position.yes_cost_e6 = C(22.5);
  fix_book(&g.leg[1], .40, .52, 100); /* what was there has gone: .45 and .60 are more than a dollar */
  assert_string_equal(ask(), "keep | keep");
  fix_book(&g.leg[1], .46, .52, 20); /* here it comes back at a cent of profit */
  assert_string_equal(ask(), "keep | take a.4600x20");
  fix_book(&g.leg[1], .40, .52, 100);
  later(2.1);
  assert_string_equal(ask(), "exit a x50 | keep");
  fix_hold(&g.leg[0], 0, 0);
  assert_string_equal(ask(), "pause | pause");
  close_group();
}

static void test_uneven_set(void **unused) {
  (void)unused;
  open_group(3, "set");
  for (size_t i = 0; i < 3; i++) fix_book(&g.leg[i], .30, .50, 100);
  fix_hold(&g.leg[0], 30, 0);
  fix_hold(&g.leg[1], 50, 0);
  fix_hold(&g.leg[2], 30, 0);
  assert_string_equal(ask(), "keep | keep | keep");
  later(3);
  assert_string_equal(ask(), "keep | exit a x20 | keep");
  fix_hold(&g.leg[1], 30.000001, 0); /* less than an order: dust */
  assert_string_equal(ask(), "pause | pause | pause");
  fix_hold(&g.leg[2], 0, 30); /* mixed signs: nothing of it is a set */
  (void)ask();
  later(3);
  assert_string_equal(ask(), "exit a x30 | exit a x30 | exit b x30");
  close_group();
}

int main(void) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(test_pairs), cmocka_unit_test(test_what_is_left_alone), cmocka_unit_test(test_one_crossed_book),
                                     cmocka_unit_test(test_sets), cmocka_unit_test(test_open_leg), cmocka_unit_test(test_uneven_set)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
