/* The engine's books in a live run: after every message the venue's book as its records say, less what of ours rests there as far as the venue has told.
   The model applies every record to plain arrays; the driver tells the engine only what is new in a book that comes whole. */
#include "server/sea.h"

static sea_t sea;
static struct {
  int64_t qty_e6[2][PMM_ONE_E4 + 1]; /* by price */
  bool gap;
  uint64_t messages, books, with_own, vanished; /* vanished: books without a level that was there */
  bool whole;                        /* the message at hand is a book */
} model;

#define COMMON "seed: 11\nengine: {min_requote: 100ms}\nparams: {spread_bps: 400, size: 12}\nrisk: {max_order_rate: 0, max_daily_loss: 100000, max_trades_per_day: 0, max_heat: 1, max_gross: 10000000}\n" \
  "live: {state: /nonexistent}\ntraders: {noise: 6, noise_rate: 1.5, informed: 2, momentum: 1, reference: 2}\nscenario: {volatility: 0.5, step: 250ms}\n"
#define AT(dialect, faults) "serve: [{dialect: " dialect ", rate_limit: false}]\nlistings: [{id: RAIN, event: RAIN-EV, duration: 24h}]\n" \
  "venues: [{venue: " dialect ", rest: \"http://" dialect ".test\", ws: \"ws://" dialect ".test\", markets: RAIN}]\n" faults
#define CUTS "faults: {disconnect_rate: 0.02, lose: 0.01}\n" /* connections end and messages get lost: books come whole again */

static bool rests_at(const pmm_own_order_t *o, int side, int32_t price_e4) { return o->seen && o->open_e6 > 0 && (int)o->side == side && o->price_e4 == price_e4; }

static void compare(void) {
  pmm_engine_t *const e = pmm_live_engine(sea.live);
  const pmm_ladder_t *const l = pmm_engine_ladder(e, 0);
  static pmm_own_order_t own[256];
  size_t const cnt = pmm_exec_own_orders(pmm_engine_exec(e), 0, own, COUNT_OF(own));
  assert_true(pmm_ladder_is_valid(l));
  bool any = false;
  for (int side = 0; side < 2; side++)
    for (int32_t tick = 1; tick < l->tick_cnt; tick++) {
      int32_t const price = tick * l->tick_e4;
      int64_t ours = 0;
      for (size_t i = 0; i < cnt; i++) ours += rests_at(&own[i], side, price) ? own[i].open_e6 : 0;
      any |= ours > 0 && model.qty_e6[side][price] > 0;
      int64_t const want = pmm_max64(0, model.qty_e6[side][price] - ours), have = pmm_ladder_qty(l, (pmm_side_t)side, tick);
      if (want != have)
        fail_msg("message %" PRIu64 ": side %d at %d: the engine has %" PRId64 ", the venue shows %" PRId64 ", ours are %" PRId64, model.messages, side, price, have,
                 model.qty_e6[side][price], ours);
    }
  model.with_own += any;
}

static void on_level(const pmm_md_t *md) {
  int64_t *const at = &model.qty_e6[md->side][md->price_e4];
  assert_in_range(md->price_e4, 1, PMM_ONE_E4 - 1);
  *at = md->qty_e6;
}

static void on_record(void *ctx, const pmm_md_t *md) {
  static int64_t before[2][PMM_ONE_E4 + 1];
  (void)ctx;
  assert_int_equal(md->market, 0);
  switch (md->kind) {
  case PMM_MD_CLEAR:
    memcpy(before, model.qty_e6, sizeof before);
    memset(model.qty_e6, 0, sizeof model.qty_e6);
    model.whole = !(md->flags & PMM_F_LAST);
    model.gap = false;
    break;
  case PMM_MD_LEVEL: on_level(md); break;
  case PMM_MD_GAP: model.gap = true; break;
  default: break;
  }
  if (!(md->flags & PMM_F_LAST)) return;
  model.messages++;
  if (model.whole) {
    uint32_t gone = 0;
    for (int side = 0; side < 2; side++)
      for (int32_t p = 1; p < PMM_ONE_E4; p++) gone += before[side][p] > 0 && model.qty_e6[side][p] == 0;
    model.books++;
    model.vanished += gone > 0;
    model.whole = false;
  }
  if (!model.gap) compare();
}

static void follow(const char *what, const char *yaml, uint64_t books, uint64_t vanished) {
  static pmm_observer_t const observer = {.record = on_record};
  memset(&model, 0, sizeof model);
  sea_open(&sea, yaml, NULL, 0);
  sea.observer = &observer;
  sea_start(&sea, PMM_LIVE_TRADE, 1, NULL);
  for (int i = 0; i < 20000 && (model.messages < 1500 || model.books < books); i++) {
    sea_run(&sea, 1);
    if (pmm_live_error(sea.live)) fail_msg("%s: %s", what, pmm_live_error(sea.live)->text);
  }
  printf("%-22s %" PRIu64 " messages, %" PRIu64 " of them books; with orders of ours %" PRIu64 ", levels gone in %" PRIu64 "\n", what, model.messages, model.books,
         model.with_own, model.vanished);
  assert_true(model.messages >= 1500 && model.books >= books);
  assert_true(model.with_own > 300);
  assert_true(model.vanished >= vanished);
  sea_stop(&sea);
  sea_close(&sea);
}

static void test_polymarket(void **state) {
  (void)state;
  follow("polymarket", COMMON AT("polymarket", ""), 200, 20);
  follow("polymarket, cut off", COMMON AT("polymarket", CUTS), 200, 20);
}
static void test_kalshi(void **state) {
  (void)state;
  follow("kalshi", COMMON AT("kalshi", ""), 0, 0);
  follow("kalshi, cut off", COMMON AT("kalshi", CUTS), 10, 3);
}
static void test_degen(void **state) {
  (void)state;
  follow("degen", COMMON AT("degen", ""), 0, 0);
  follow("degen, cut off", COMMON AT("degen", CUTS), 10, 3);
}

int main(void) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(test_polymarket), cmocka_unit_test(test_kalshi), cmocka_unit_test(test_degen)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
