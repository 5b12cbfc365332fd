#include "base/check.h"
#include "pmm/event.h"
#include "pmm/market.h"

static void names(void **state) {
  (void)state;
#define X(name, text) assert_string_equal(pmm_reject_to_string(PMM_REJECT_##name), text);
  PMM_REJECT_MAP(X)
#undef X
#define X(name, text) assert_string_equal(pmm_life_to_string(PMM_LIFE_##name), text);
  PMM_LIFE_MAP(X)
#undef X
  assert_string_equal(pmm_reject_to_string(PMM_REJECT_CNT), "unknown");
  assert_string_equal(pmm_reject_to_string((pmm_reject_t)-1), "unknown");
  assert_string_equal(pmm_life_to_string((pmm_life_t)6), "unknown");
  assert_string_equal(pmm_outcome_to_string((pmm_outcome_t)4), "unknown");
  assert_string_equal(pmm_venue_to_string((pmm_venue_t)4), "unknown");
}

static void names_read_back(void **state) {
  (void)state;
  pmm_outcome_t outcome;
  pmm_venue_t venue;
#define X(name, text)                                               \
  assert_string_equal(pmm_outcome_to_string(PMM_OUTCOME_##name), text); \
  assert_int_equal(pmm_outcome_from_string(text, &outcome), PMM_OK);    \
  assert_int_equal(outcome, PMM_OUTCOME_##name);
  PMM_OUTCOME_MAP(X)
#undef X
#define X(name, text)                                           \
  assert_string_equal(pmm_venue_to_string(PMM_VENUE_##name), text); \
  assert_int_equal(pmm_venue_from_string(text, &venue), PMM_OK);    \
  assert_int_equal(venue, PMM_VENUE_##name);
  PMM_VENUE_MAP(X)
#undef X
  outcome = PMM_OUTCOME_NO;
  venue = PMM_VENUE_DEGEN;
  assert_int_equal(pmm_outcome_from_string("YES", &outcome), PMM_NOT_FOUND);
  assert_int_equal(pmm_venue_from_string("", &venue), PMM_NOT_FOUND);
  assert_int_equal(outcome, PMM_OUTCOME_NO);
  assert_int_equal(venue, PMM_VENUE_DEGEN);
}

static void routes(void **state) {
  (void)state;
  assert_int_equal(pmm_route_side(PMM_BUY_YES), PMM_BID);
  assert_int_equal(pmm_route_side(PMM_SELL_NO), PMM_BID);
  assert_int_equal(pmm_route_side(PMM_SELL_YES), PMM_ASK);
  assert_int_equal(pmm_route_side(PMM_BUY_NO), PMM_ASK);
  assert_true(pmm_route_is_sell(PMM_SELL_NO) && pmm_route_is_sell(PMM_SELL_YES));
  assert_false(pmm_route_is_sell(PMM_BUY_NO) || pmm_route_is_sell(PMM_BUY_YES));
}

static void init_is_usable(void **state) {
  (void)state;
  pmm_market_t m;
  pmm_error_t err;
  memset(&m, 0xff, sizeof m);
  pmm_market_init(&m, "KXBTC15M-26MAY130900-00");
  assert_int_equal(pmm_market_check(&m, &err), PMM_OK);
  assert_string_equal(m.id, "KXBTC15M-26MAY130900-00");
  assert_int_equal(m.venue, PMM_VENUE_SIM);
  assert_true(pmm_life_trades((pmm_life_t)m.life));
  assert_int_equal(m.grid.tick_e4, 100);
  assert_int_equal(m.lot_e6, 10000);
  assert_int_equal(m.min_size_e6, 10000);
  assert_true(m.open_ns == PMM_TIME_NONE && m.close_ns == PMM_TIME_NONE);
  assert_int_equal(m.underlying, PMM_UNDER_NONE);
  assert_int_equal(m.tie_is_yes, 0);
  char name[200];
  memset(name, 'n', sizeof name - 1);
  name[sizeof name - 1] = '\0';
  pmm_market_init(&m, name); /* cut, not overrun */
  assert_int_equal(strlen(m.id), PMM_ID_MAX - 1);
  assert_int_equal(pmm_market_check(&m, NULL), PMM_OK);
}

/* Each row damages one field of a good market; the error must name it. */
typedef void (*damage_t)(pmm_market_t *m);
#define DAMAGE(name, statement) \
  static void name(pmm_market_t *m) { statement; }
DAMAGE(no_id, m->id[0] = '\0')
DAMAGE(long_id, memset(m->id, 'x', sizeof m->id))
DAMAGE(long_event, memset(m->event, 'x', sizeof m->event))
DAMAGE(long_yes, memset(m->token_yes, 'x', sizeof m->token_yes))
DAMAGE(long_no, memset(m->token_no, 'x', sizeof m->token_no))
DAMAGE(venue, m->venue = 4)
DAMAGE(life, m->life = 6)
DAMAGE(outcome, m->outcome = 4)
DAMAGE(tie, m->tie_is_yes = 2)
DAMAGE(no_grid, m->grid.range_cnt = 0)
DAMAGE(minus_grid, m->grid.range_cnt = -1)
DAMAGE(grid_tick, m->grid.tick_e4 = 50)
DAMAGE(grid_cnt, m->grid.tick_cnt = 99)
DAMAGE(grid_recip, m->grid.recip++)
DAMAGE(grid_range, m->grid.range[0].step_e4 = 3)
DAMAGE(no_lot, m->lot_e6 = 0)
DAMAGE(no_min, m->min_size_e6 = 0)
DAMAGE(odd_min, m->min_size_e6 = 15000)
DAMAGE(no_window, m->open_ns = m->close_ns = 5)
DAMAGE(settle, m->settle_window_ns = -1)
DAMAGE(payout, m->payout_yes_e6 = 1000001)
DAMAGE(minus_payout, m->payout_yes_e6 = -1)
DAMAGE(model, m->fees.model = 5)
DAMAGE(exponent, m->fees.exponent = 5)
DAMAGE(taker, m->fees.taker_rate_e6 = 1000001)
DAMAGE(maker, m->fees.maker_rate_e6 = -1)
DAMAGE(precision, m->fees.precision_e6 = -1)
DAMAGE(rebate, m->fees.rebate_share_e6 = 2000000)
DAMAGE(good_window, (m->open_ns = 5, m->close_ns = 6))
DAMAGE(half_window, m->close_ns = 6)
DAMAGE(five_shares, m->min_size_e6 = 5000000)
DAMAGE(tapered, pmm_grid_named(&m->grid, "tapered_deci_cent"))

static void check_names_the_field(void **state) {
  (void)state;
  static const struct { damage_t damage; const char *want; } rows[] = {
      {no_id, "id"},           {long_id, "id"},           {long_event, "event"},     {long_yes, "token_yes"},
      {long_no, "token_no"},   {venue, "venue"},          {life, "life"},            {outcome, "outcome"},
      {tie, "tie_is_yes"},     {no_grid, "grid"},         {minus_grid, "grid"},      {grid_tick, "grid"},
      {grid_cnt, "grid"},      {grid_recip, "grid"},      {grid_range, "grid"},      {no_lot, "lot"},
      {no_min, "min_size"},    {odd_min, "min_size"},     {no_window, "close"},      {settle, "settle_window"},
      {payout, "payout_yes"},  {minus_payout, "payout_yes"}, {model, "fees.model"},  {exponent, "fees.exponent"},
      {taker, "fees.taker_rate"}, {maker, "fees.maker_rate"}, {precision, "fees.precision"}, {rebate, "fees.rebate_share"},
      {good_window, NULL},     {half_window, NULL},       {five_shares, NULL},       {tapered, NULL},
  };
  for (size_t i = 0; i < COUNT_OF(rows); i++) {
    pmm_market_t m;
    pmm_error_t err = {PMM_OK, ""};
    pmm_market_init(&m, "M");
    rows[i].damage(&m);
    assert_int_equal(pmm_market_check(&m, &err), rows[i].want ? PMM_INVAL : PMM_OK);
    if (!rows[i].want) continue;
    char want[64];
    snprintf(want, sizeof want, ": %s: ", rows[i].want);
    if (strstr(err.text, want) == NULL) fail_msg("row %zu: %s", i, err.text);
  }
}

static void life_moves(void **state) {
  (void)state;
  enum { P, O, H, C, R, D }; /* pending open halted closed resolving resolved */
  static const char *const allowed[] = {"PP", "PO", "OO", "OH", "OC", "HH", "HO", "HC", "CC", "CO", "CR", "CD", "RR", "RD", "RC", "DD"};
  static const char letters[] = "POHCRD";
  for (int from = P; from <= D; from++)
    for (int to = P; to <= D; to++) {
      bool want = false;
      for (size_t i = 0; i < COUNT_OF(allowed); i++) want |= allowed[i][0] == letters[from] && allowed[i][1] == letters[to];
      if ((pmm_life_move((pmm_life_t)from, (pmm_life_t)to) == PMM_OK) != want) fail_msg("%c to %c", letters[from], letters[to]);
    }
  assert_int_equal(pmm_life_move((pmm_life_t)6, (pmm_life_t)6), PMM_STATE);
  assert_int_equal(pmm_life_move(PMM_LIFE_OPEN, (pmm_life_t)6), PMM_STATE);
  for (int life = P; life <= D; life++) assert_int_equal(pmm_life_trades((pmm_life_t)life), life == O);
}

static void payouts(void **state) {
  (void)state;
  int64_t payout = -1;
  assert_int_equal(pmm_outcome_payout(PMM_OUTCOME_UNKNOWN, &payout), PMM_INVAL);
  assert_int_equal(pmm_outcome_payout((pmm_outcome_t)9, &payout), PMM_INVAL);
  assert_int_equal(payout, -1);
  assert_int_equal(pmm_outcome_payout(PMM_OUTCOME_YES, &payout), PMM_OK);
  assert_int_equal(payout, 1000000);
  assert_int_equal(pmm_outcome_payout(PMM_OUTCOME_NO, &payout), PMM_OK);
  assert_int_equal(payout, 0);
  assert_int_equal(pmm_outcome_payout(PMM_OUTCOME_VOID, &payout), PMM_OK);
  assert_int_equal(payout, 500000);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(names),      cmocka_unit_test(names_read_back),       cmocka_unit_test(routes),
      cmocka_unit_test(init_is_usable), cmocka_unit_test(check_names_the_field), cmocka_unit_test(life_moves),
      cmocka_unit_test(payouts),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
