/* Strategies that look at several markets at once, through the engine: who is woken, in what order, what takes become, and the real arbitrage. */
#include "world.h"

static world_t w;

static void arbitrage_in(uint32_t slot, void *params) {
  const pmm_strategy_ops_t *ops = NULL;
  assert_int_equal(pmm_strategy_find("arbitrage", &ops, NULL), PMM_OK);
  memset(params, 0, ops->params_size);
  pmm_params_default(ops->params, ops->param_cnt, params);
  pmm_error_t err;
  const pmm_param_t *const p = pmm_param_find(ops->params, ops->param_cnt, "min_liquidity");
  assert_int_equal(pmm_param_set(p, params, "10", &err), PMM_OK);
  w.slot[slot].ops = ops;
  w.slot[slot].params = params;
  w.slot[slot].net_pairs = false;
}

static _Alignas(64) unsigned char params[4096];

/* Two venues, one question, a wallet each. */
static void open_pair(void) {
  world_init(&w, 2, 2, (uint32_t[]){0, 1});
  for (uint32_t i = 0; i < 2; i++) {
    strcpy(w.market[i].event, "rain");
    arbitrage_in(i, params);
    w.slot[i].wallet = i;
  }
  w.config.wallet_cnt = 2;
  world_open(&w);
  assert_int_equal(world_event(&w, (pmm_event_t){.md = {.kind = PMM_EV_DEPOSIT, .seq = 1}, .amount_e6 = QTY(1000)}), PMM_OK);
}

static void fill_all(uint64_t id, int32_t price_e4, int64_t qty_e6) {
  pmm_event_t ev = ev_order(PMM_EV_FILL, id);
  ev.md.price_e4 = price_e4;
  ev.md.qty_e6 = qty_e6;
  ev.ref_id = ++w.trade_id;
  assert_int_equal(world_event(&w, ev), PMM_OK);
}

static void test_pair(void **state) {
  (void)state;
  open_pair();
  world_start(&w, 0, 4300, 4500);
  assert_string_equal(world_sent(&w), ""); /* the other book is not there yet */
  world_start(&w, 1, 5000, 5200);
  assert_int_equal(w.action_cnt, 2);
  pmm_action_t const yes = w.action[0], no = w.action[1];
  assert_string_equal(world_sent(&w), "+b.4500x50! 1/+a.5000x50!");
  assert_int_equal(no.route, PMM_BUY_NO);
  assert_int_equal(yes.flags & PMM_ACT_POST_ONLY, 0);
  world_level(&w, 0, PMM_BID, 4200, QTY(5), PMM_F_LAST);
  assert_string_equal(world_sent(&w), ""); /* under way */
  fill_all(yes.order_id, 4500, QTY(50));
  fill_all(no.order_id, 5000, QTY(50));
  assert_int_equal(world_position(&w, 0).yes_e6, QTY(50));
  assert_int_equal(world_position(&w, 1).no_e6, QTY(50));
  world_at(&w, 5);
  for (uint32_t i = 0; i < 2; i++) world_life(&w, i, PMM_LIFE_CLOSED);
  world_resolve(&w, 0, PMM_OUTCOME_YES, PMM_ONE_E6);
  world_resolve(&w, 1, PMM_OUTCOME_YES, PMM_ONE_E6);
  assert_int_equal(world_cash(&w), QTY(2000) + QTY(2.5)); /* five cents fifty times, whatever the outcome */
  world_is_sound(&w);
  world_close(&w);
}

/* The second leg finds nobody: the first is sold again after the time-out, by the timer alone. */
static void test_lost_leg(void **state) {
  (void)state;
  open_pair();
  world_start(&w, 0, 4300, 4500);
  world_start(&w, 1, 5000, 5200);
  pmm_action_t const yes = w.action[0], no = w.action[1];
  (void)world_sent(&w);
  fill_all(yes.order_id, 4500, QTY(50));
  world_book(&w, 1, 4000, 5200);
  pmm_event_t none = ev_order(PMM_EV_CANCELLED, no.order_id);
  none.md.qty_e6 = QTY(50);
  assert_int_equal(world_event(&w, none), PMM_OK);
  assert_string_equal(world_sent(&w), "");
  world_at(&w, 1);
  world_timer(&w);
  assert_string_equal(world_sent(&w), "");
  world_at(&w, 3.2); /* counted from when it was seen */
  world_timer(&w);
  assert_string_equal(world_sent(&w), "+A.3900x50!"); /* a mid of .44 less five cents of slippage */
  world_close(&w);
}

static void test_risk_judges_takes(void **state) {
  (void)state;
  world_init(&w, 1, 1, NULL);
  w.config.risk.max_net_e6 = QTY(20);
  world_open(&w);
  pmm_quotes_t *const say = &w.script[0].say;
  say->action = PMM_QUOTE_TAKE;
  say->fair = .5;
  say->take[PMM_BID] = (pmm_level_t){5200, QTY(30)};
  world_start(&w, 0, 4800, 5200);
  assert_string_equal(world_sent(&w), ""); /* an exit would pass; this opens */
  say->take[PMM_BID].qty_e6 = QTY(20);
  world_level(&w, 0, PMM_BID, 4700, QTY(1), PMM_F_LAST);
  assert_string_equal(world_sent(&w), "+b.5200x20!");
  world_operator(&w, PMM_OP_PAUSE);
  world_answer(&w);
  assert_string_equal(world_sent(&w), ""); /* paused: no take either */
  say->fair = NAN;
  world_operator(&w, PMM_OP_RESUME);
  world_level(&w, 0, PMM_BID, 4600, QTY(1), PMM_F_LAST);
  assert_string_equal(world_sent(&w), "");
  assert_string_equal(pmm_engine_quotes(w.engine, 0)->why, "take without a fair value");
  world_close(&w);
}

/* Arbitrage stands second in the configuration and acts first. */
static void test_priority(void **state) {
  (void)state;
  world_init(&w, 1, 2, (uint32_t[]){0, 0});
  arbitrage_in(1, params);
  world_open(&w);
  world_say(&w, 0, "b.4700x10");
  world_life(&w, 0, PMM_LIFE_OPEN);
  assert_int_equal(world_md(&w, (pmm_md_t){.kind = PMM_MD_CLEAR, .flags = PMM_F_SNAPSHOT}), PMM_OK);
  world_level(&w, 0, PMM_BID, 5600, QTY(100), PMM_F_SNAPSHOT);
  world_level(&w, 0, PMM_ASK, 5000, QTY(100), PMM_F_SNAPSHOT | PMM_F_LAST);
  const char *const sent = world_sent(&w);
  assert_memory_equal(sent, "1/+b.5000x50! 1/+a.5600x50!", 27);
  assert_non_null(strstr(sent, " +b.4700x10"));
  world_close(&w);
}

int main(void) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(test_pair), cmocka_unit_test(test_lost_leg), cmocka_unit_test(test_risk_judges_takes), cmocka_unit_test(test_priority)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
