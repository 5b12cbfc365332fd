/* Strategy curve: worked ladders, and what a curve promises: its price for every position, its quantity between any two prices, its worst loss. */
#include "fixture.h"

static void test_worked(void **unused) {
  (void)unused;
  fixture_t f;
  fix_open(&f, "curve");
  fix_set(&f, "levels", "2");
  fix_book(&f, .40, .60, 100);
  const pmm_quotes_t *q = fix_ask(&f);
  /* b = 100: 100 (logit .51 - logit .50) = 4.000534; to .52 4.000534 + 4.003738: floored to a hundredth, the rest carried on */
  assert_quotes(q, "0.4900 x 4, 0.4800 x 4", "0.5100 x 4, 0.5200 x 4", "lmsr at one half");
  assert_true(fabs(q->fair - .5) < 1e-15);
  assert_true(fabs(fix_reason(q, "worst_loss") - 100 * log(2)) < 1e-9);
  fix_hold(&f, 0, 40.546511); /* sold 40.5 YES net: logit p = .405465, p = .6 */
  q = fix_ask(&f);
  assert_true(fabs(q->fair - .6) < 1e-8);
  fix_hold(&f, 0, 0);
  fix_set(&f, "kind", "cpmm");
  q = fix_ask(&f);
  /* pool of 100 YES and 100 NO: up to .51 it gives 100 (0 - pool_net(.51)) = 4.0008 */
  assert_quotes(q, "0.4900 x 4, 0.4800 x 4", "0.5100 x 4, 0.5200 x 4", "cpmm at one half");
  assert_true(fabs(fix_reason(q, "worst_loss") - 100) < 1e-9);
  fix_close(&f);
}

static void test_margin_and_edges(void **unused) {
  (void)unused;
  fixture_t f;
  fix_open(&f, "curve");
  fix_set(&f, "margin", "0.03");
  fix_set(&f, "levels", "1");
  fix_book(&f, .40, .60, 100);
  assert_quotes(fix_ask(&f), "0.4700 x 12.01", "0.5300 x 12.01", "everything up to the margin rests there");
  fix_set(&f, "p0", "0.995");
  fix_set(&f, "margin", "0");
  assert_quotes(fix_ask(&f), "0.9900 x 69.81", "", "nothing above the highest price");
  fix_set(&f, "liquidity", "0.01");
  assert_int_equal(fix_ask(&f)->bid_cnt, 0); /* too little for an order */
  fix_close(&f);
}

static void test_limit_on_the_loss(void **unused) {
  (void)unused;
  fixture_t f;
  fix_open(&f, "curve");
  pmm_error_t err = {0};
  fix_set(&f, "max_loss", "69");
  assert_int_equal(f.ops->check(f.params, &err), PMM_INVAL);
  assert_non_null(strstr(err.text, "liquidity: this curve can lose $69.31"));
  fix_set(&f, "max_loss", "70");
  assert_int_equal(f.ops->check(f.params, &err), PMM_OK);
  fix_close(&f);
}

/* Random walks of fills against its own ladder: whatever happens, ending at YES or NO costs no more than the worst loss. */
static void test_loss_is_bounded(void **unused) {
  (void)unused;
  pmm_rng_t rng;
  pmm_rng_seed(&rng, check_seed("walks"));
  for (int walk = 0; walk < 60; walk++) {
    fixture_t f;
    fix_open(&f, "curve");
    fix_set(&f, "kind", pmm_rng_below(&rng, 2) ? "lmsr" : "cpmm");
    char text[32];
    snprintf(text, sizeof text, "%.3f", .1 + .8 * pmm_rng_unit(&rng));
    fix_set(&f, "p0", text);
    fix_set(&f, "levels", "32");
    fix_book(&f, .01, .99, 100);
    double cash = 0, net = 0, loss = 0;
    for (int i = 0; i < 300; i++) {
      fix_hold(&f, net > 0 ? net : 0, net < 0 ? -net : 0);
      const pmm_quotes_t *const q = fix_ask(&f);
      loss = fix_reason(q, "worst_loss");
      bool const buy = pmm_rng_unit(&rng) < (walk % 3 == 0 ? .5 : walk % 3 == 1 ? .9 : .1);
      int const levels = 1 + (int)pmm_rng_below(&rng, 5);
      for (int k = 0; k < levels && k < (buy ? q->bid_cnt : q->ask_cnt); k++) {
        pmm_level_t const l = buy ? q->bid[k] : q->ask[k];
        double const qty = (double)l.qty_e6 / 1e6;
        net += buy ? qty : -qty;
        cash += (buy ? -1 : 1) * qty * l.price_e4 / 1e4;
      }
      if (cash + net < -loss - 1e-6 || cash < -loss - 1e-6) fail_msg("walk %d step %d: %g at YES, %g at NO, worst loss %g", walk, i, cash + net, cash, loss);
    }
    fix_close(&f);
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(test_worked), cmocka_unit_test(test_margin_and_edges), cmocka_unit_test(test_limit_on_the_loss),
                                     cmocka_unit_test(test_loss_is_bounded)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
