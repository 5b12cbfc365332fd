/* The matching engine case by case: the venue's order vectors, then what each account pays, locks and gets. */
#include "rig.h"
#include <jansson.h>
#include "exchange/match_impl.h"
#include "pmm/decimal.h"

typedef struct rig {
  pmm_arena_t arena;
  pmm_match_t *match;
  pmm_market_t market;
  uint32_t me, other;
  uint64_t id;
  struct { uint32_t account; pmm_event_t event; } log[512];
  size_t log_cnt;
} rig_t;

static void drain(rig_t *r) {
  r->log_cnt = 0;
  while (pmm_match_poll(r->match, &r->log[r->log_cnt].account, &r->log[r->log_cnt].event)) assert_true(++r->log_cnt < CNT(r->log));
  pmm_error_t err;
  if (pmm_match_check(r->match, &err) != PMM_OK) fail_msg("%s", err.text);
}

static const pmm_event_t *find_event(const rig_t *r, uint32_t account, uint8_t kind, size_t nth) {
  for (size_t i = 0; i < r->log_cnt; i++)
    if (r->log[i].account == account && r->log[i].event.md.kind == kind && nth-- == 0) return &r->log[i].event;
  return NULL;
}

static void setup_with(rig_t *r, pmm_stp_t stp, bool net, const pmm_market_t *market) {
  memset(r, 0, sizeof *r);
  r->market = *market;
  pmm_match_params_t const p = {.stp = stp, .net_pairs = net, .accounts_max = 4, .orders_max = 64, .client_ids_max = 256};
  assert_int_equal(pmm_arena_open(&r->arena, pmm_match_bytes(&p, 1)), PMM_OK);
  assert_int_equal(pmm_match_init(&r->match, &r->arena, &p, &r->market, 1), PMM_OK);
  assert_int_equal(pmm_match_account(r->match, 10000 * ONE, &r->me), PMM_OK);
  assert_int_equal(pmm_match_account(r->match, 10000 * ONE, &r->other), PMM_OK);
}

static void setup(rig_t *r, pmm_stp_t stp, bool net) {
  pmm_market_t market;
  pmm_market_init(&market, "m");
  setup_with(r, stp, net, &market);
}

static void teardown(rig_t *r) { pmm_arena_close(&r->arena); }

static void submit(rig_t *r, uint32_t account, pmm_action_t a) {
  pmm_match_submit(r->match, account, 1000, &a);
  drain(r);
}

/* A bid as BUY_YES, an ask as BUY_NO: no account needs contracts first. */
static uint64_t order(rig_t *r, uint32_t account, pmm_side_t side, int32_t price_e4, int64_t qty_e6, pmm_tif_t tif, uint8_t flags) {
  submit(r, account, act_place(0, ++r->id, side == PMM_BID ? PMM_BUY_YES : PMM_BUY_NO, price_e4, qty_e6, tif, flags));
  return r->id;
}

static int64_t net_of(const rig_t *r, uint32_t account) {
  int64_t yes, no;
  pmm_match_holding(r->match, account, 0, &yes, &no, NULL, NULL);
  return yes - no;
}

/* ---- the venue's vectors ---- */

static json_t *vectors(const char *section) {
  json_error_t err;
  json_t *const all = json_load_file("tests/vectors/kalshi_vectors.json", 0, &err);
  if (!all) fail_msg("%s:%d %s", err.source, err.line, err.text);
  json_t *const part = json_object_get(all, section);
  assert_non_null(part);
  json_incref(part);
  json_decref(all);
  return part;
}

static int64_t dec(const json_t *text, int scale) {
  int64_t x = 0;
  assert_non_null(text);
  const char *const s = json_string_value(text);
  assert_int_equal(pmm_decimal_parse(s, strlen(s), scale, &x, NULL), PMM_OK);
  return x;
}

static pmm_side_t side_of(const json_t *text) { return strcmp(json_string_value(text), "bid") == 0 ? PMM_BID : PMM_ASK; }
static bool is(const json_t *text, const char *want) { return text && strcmp(json_string_value(text), want) == 0; }

static pmm_tif_t tif_of(const json_t *request) {
  const json_t *const t = json_object_get(request, "time_in_force");
  return is(t, "immediate_or_cancel") ? PMM_IOC : is(t, "fill_or_kill") ? PMM_FOK : PMM_GTC;
}

static void check_ladder(const rig_t *r, const json_t *book) {
  const pmm_ladder_t *const l = pmm_match_ladder(r->match, 0);
  const json_t *const yes = json_object_get(book, "yes_dollars"), *const no = json_object_get(book, "no_dollars");
  assert_int_equal(l->level_cnt[PMM_BID], json_array_size(yes));
  assert_int_equal(l->level_cnt[PMM_ASK], json_array_size(no));
  size_t i;
  json_t *level;
  json_array_foreach(yes, i, level)
    assert_int_equal(pmm_ladder_qty(l, PMM_BID, (int32_t)dec(json_array_get(level, 0), 4) / 100), dec(json_array_get(level, 1), 6));
  json_array_foreach(no, i, level)
    assert_int_equal(pmm_ladder_qty(l, PMM_ASK, 100 - (int32_t)dec(json_array_get(level, 0), 4) / 100), dec(json_array_get(level, 1), 6));
}

static const char *error_code(uint8_t reason) {
  switch (reason) {
  case PMM_REJECT_FOK: return "fill_or_kill_insufficient_resting_volume";
  case PMM_REJECT_POST_ONLY: return "invalid_order";
  case PMM_REJECT_PRICE: return "invalid_price";
  case PMM_REJECT_FUNDS: return "insufficient_balance";
  case PMM_REJECT_DUPLICATE: return "order_already_exists";
  default: return "other";
  }
}

/* Quantity and value filled to an account in the last log. */
static int64_t filled(const rig_t *r, uint32_t account, uint64_t id, int64_t *value) {
  int64_t qty = 0;
  *value = 0;
  for (size_t k = 0; k < r->log_cnt; k++) {
    const pmm_event_t *const e = &r->log[k].event;
    if (r->log[k].account != account || e->md.kind != PMM_EV_FILL || e->order_id != id) continue;
    qty += e->md.qty_e6;
    *value += pmm_notional_floor(e->md.price_e4, e->md.qty_e6);
  }
  return qty;
}

static void check_response(const rig_t *r, uint64_t id, const json_t *want) {
  int64_t value;
  int64_t const qty = filled(r, r->me, id, &value);
  assert_int_equal(qty, dec(json_object_get(want, "fill_count"), 6));
  const pmm_event_t *const ack = find_event(r, r->me, PMM_EV_ACK, 0);
  assert_int_equal(ack ? ack->md.qty_e6 : 0, dec(json_object_get(want, "remaining_count"), 6));
  const json_t *const average = json_object_get(want, "average_fill_price");
  if (average) assert_true(llabs((long long)(value * 10000 / qty - dec(average, 4))) <= 1); /* the venue's rounding is unconfirmed */
}

static void check_fills(const rig_t *r, const json_t *fills) {
  size_t i, at = 0;
  json_t *want;
  json_array_foreach(fills, i, want) {
    const pmm_event_t *const e = find_event(r, r->me, PMM_EV_FILL, at++);
    assert_non_null(e);
    assert_int_equal(e->md.qty_e6, dec(json_array_get(want, 1), 6));
    assert_int_equal(e->md.price_e4, dec(json_array_get(want, 2), 4));
    const pmm_event_t *const maker = find_event(r, r->other, PMM_EV_FILL, i);
    assert_int_equal(maker->ref_id, e->ref_id);
    assert_true(maker->md.flags & PMM_F_MAKER);
    assert_int_equal(maker->order_id, strtoull(json_string_value(json_array_get(want, 0)) + 1, NULL, 10)); /* m2 was the second order */
  }
  assert_null(find_event(r, r->me, PMM_EV_FILL, at));
}

static void run_case(const json_t *c) {
  const json_t *const request = json_object_get(c, "request"), *const book = json_object_get(c, "book");
  rig_t r;
  setup(&r, is(json_object_get(request, "self_trade_prevention_type"), "maker") ? PMM_STP_CANCEL_MAKER : PMM_STP_CANCEL_TAKER, true);
  size_t i;
  json_t *o;
  json_array_foreach(book, i, o) {
    bool const own = strncmp(json_string_value(json_array_get(o, 0)), "own", 3) == 0;
    order(&r, own ? r.me : r.other, side_of(json_array_get(o, 1)), (int32_t)dec(json_array_get(o, 3), 4), dec(json_array_get(o, 2), 6), PMM_GTC, 0);
  }
  uint8_t const flags = json_is_true(json_object_get(request, "post_only")) ? PMM_ACT_POST_ONLY : 0;
  uint64_t const id = order(&r, r.me, side_of(json_object_get(request, "side")), (int32_t)dec(json_object_get(request, "price"), 4), dec(json_object_get(request, "count"), 6), tif_of(request), flags);
  const json_t *const code = json_object_get(c, "error_code");
  if (code) {
    const pmm_event_t *const e = find_event(&r, r.me, PMM_EV_REJECT, 0);
    assert_non_null(e);
    assert_string_equal(error_code(e->md.aux), json_string_value(code));
    pmm_event_t const first = *e;
    submit(&r, r.me, act_place(0, id, PMM_BUY_YES, 100, ONE, PMM_GTC, 0)); /* is the id used up? */
    bool const used = find_event(&r, r.me, PMM_EV_REJECT, 0) && find_event(&r, r.me, PMM_EV_REJECT, 0)->md.aux == PMM_REJECT_DUPLICATE;
    assert_int_equal(used, first.md.aux != PMM_REJECT_PRICE);
  } else {
    check_response(&r, id, json_object_get(c, "response"));
    if (json_object_get(c, "fills")) check_fills(&r, json_object_get(c, "fills"));
  }
  if (json_object_get(c, "book_after")) check_ladder(&r, json_object_get(c, "book_after"));
  teardown(&r);
}

static void vector_orders(void **state) {
  (void)state;
  json_t *const orders = vectors("orders");
  size_t i, run = 0;
  json_t *c;
  json_array_foreach(json_object_get(orders, "cases"), i, c)
    if (json_object_get(c, "request")) {
      run_case(c);
      run++;
    }
  assert_true(run >= 8);
  json_decref(orders);
}

/* The vector cases told in words only. */
static void vector_orders_in_words(void **state) {
  (void)state;
  rig_t r;
  setup(&r, PMM_STP_CANCEL_TAKER, true);
  uint64_t const id = order(&r, r.me, PMM_BID, 4500, 10 * ONE, PMM_GTC, 0);
  submit(&r, r.me, act_cancel(0, id));
  assert_int_equal(find_event(&r, r.me, PMM_EV_CANCELLED, 0)->md.aux, PMM_REJECT_USER);
  submit(&r, r.me, act_place(0, id, PMM_BUY_YES, 4500, ONE, PMM_GTC, 0));
  assert_int_equal(find_event(&r, r.me, PMM_EV_REJECT, 0)->md.aux, PMM_REJECT_DUPLICATE);
  submit(&r, r.other, act_place(0, id, PMM_BUY_YES, 4500, ONE, PMM_GTC, 0)); /* ids are the account's own */
  assert_non_null(find_event(&r, r.other, PMM_EV_ACK, 0));
  order(&r, r.me, PMM_BID, 5000, 20000 * ONE + LOT, PMM_GTC, 0);
  assert_int_equal(find_event(&r, r.me, PMM_EV_REJECT, 0)->md.aux, PMM_REJECT_FUNDS);
  uint64_t const done = order(&r, r.me, PMM_ASK, 4500, ONE, PMM_GTC, 0); /* executed against the other's bid */
  uint64_t const gone[] = {id, done, 999};
  for (size_t i = 0; i < CNT(gone); i++) {
    submit(&r, r.me, act_cancel(0, gone[i]));
    assert_int_equal(find_event(&r, r.me, PMM_EV_CANCEL_REJECT, 0)->md.aux, PMM_REJECT_UNKNOWN_ORDER);
  }
  teardown(&r);
}

static void vector_amend(void **state) {
  (void)state;
  json_t *const orders = vectors("orders");
  size_t i;
  json_t *c;
  json_array_foreach(json_object_get(orders, "amend"), i, c) {
    const json_t *const o = json_object_get(c, "order"), *const request = json_object_get(c, "request");
    int64_t const filled_e6 = dec(json_object_get(o, "filled"), 6);
    int32_t const price = (int32_t)dec(json_object_get(o, "price"), 4), next = (int32_t)dec(json_object_get(request, "price"), 4);
    rig_t r;
    setup(&r, PMM_STP_CANCEL_TAKER, true);
    uint64_t const id = order(&r, r.me, PMM_BID, price, dec(json_object_get(o, "count"), 6), PMM_GTC, 0);
    if (filled_e6) order(&r, r.other, PMM_ASK, price, filled_e6, PMM_IOC, 0);
    order(&r, r.other, PMM_BID, price, 7 * ONE, PMM_GTC, 0); /* behind us at the old price, and one at the new */
    if (next != price) order(&r, r.other, PMM_BID, next, 5 * ONE, PMM_GTC, 0);
    submit(&r, r.me, act_amend(0, id, next, dec(json_object_get(request, "count"), 6) - filled_e6)); /* the venue counts totals, we open size */
    const pmm_event_t *const e = find_event(&r, r.me, PMM_EV_AMENDED, 0);
    assert_non_null(e);
    assert_int_equal(e->md.qty_e6, dec(json_object_get(c, "remaining_after"), 6));
    int64_t const ahead = pmm_match_ahead(r.match, r.me, id);
    assert_int_equal(ahead, is(json_object_get(c, "queue"), "kept") ? 0 : next != price ? 5 * ONE : 7 * ONE);
    teardown(&r);
  }
  json_array_foreach(json_object_get(orders, "decrease"), i, c) {
    int64_t const remaining = dec(json_object_get(c, "remaining"), 6);
    const json_t *const by = json_object_get(c, "reduce_by");
    rig_t r;
    setup(&r, PMM_STP_CANCEL_TAKER, true);
    uint64_t const id = order(&r, r.me, PMM_ASK, 6000, remaining, PMM_GTC, 0);
    order(&r, r.other, PMM_ASK, 6000, ONE, PMM_GTC, 0);
    submit(&r, r.me, act_amend(0, id, 6000, by ? remaining - dec(by, 6) : dec(json_object_get(c, "reduce_to"), 6)));
    assert_int_equal(find_event(&r, r.me, PMM_EV_AMENDED, 0)->md.qty_e6, dec(json_object_get(c, "remaining_after"), 6));
    assert_int_equal(pmm_match_ahead(r.match, r.me, id), 0);
    teardown(&r);
  }
  const json_t *const cancel = json_object_get(orders, "cancel");
  rig_t r;
  setup(&r, PMM_STP_CANCEL_TAKER, true);
  uint64_t const id = order(&r, r.me, PMM_BID, 3000, dec(json_object_get(cancel, "placed"), 6), PMM_GTC, 0);
  order(&r, r.other, PMM_ASK, 3000, dec(json_object_get(cancel, "filled"), 6), PMM_IOC, 0);
  submit(&r, r.me, act_cancel(0, id));
  assert_int_equal(find_event(&r, r.me, PMM_EV_CANCELLED, 0)->md.qty_e6, dec(json_object_get(json_object_get(cancel, "response"), "reduced_by"), 6));
  teardown(&r);
  json_decref(orders);
}

static void vector_positions(void **state) {
  (void)state;
  json_t *const positions = vectors("positions");
  size_t i, k;
  json_t *c, *f;
  json_array_foreach(json_object_get(positions, "cases"), i, c) {
    rig_t r;
    setup(&r, PMM_STP_CANCEL_TAKER, true);
    json_array_foreach(json_object_get(c, "fills"), k, f) {
      pmm_side_t const side = side_of(json_array_get(f, 0));
      int64_t const qty = dec(json_array_get(f, 1), 6);
      int32_t const price = (int32_t)dec(json_array_get(f, 2), 4);
      order(&r, r.other, pmm_side_opposite(side), price, qty, PMM_GTC, 0);
      order(&r, r.me, side, price, qty, PMM_IOC, 0);
    }
    assert_int_equal(net_of(&r, r.me), dec(json_object_get(c, "position_fp"), 6));
    /* What left the account is what the position cost, less what was realized. */
    int64_t const spent = 10000 * ONE - pmm_match_cash(r.match, r.me, NULL);
    assert_int_equal(spent, dec(json_object_get(c, "market_exposure"), 6) - dec(json_object_get(c, "realized_pnl"), 6));
    teardown(&r);
  }
  json_decref(positions);
}

static void vector_settlement(void **state) {
  (void)state;
  json_t *const settlement = vectors("settlement");
  size_t i;
  json_t *c;
  json_array_foreach(json_object_get(settlement, "cases"), i, c) {
    int64_t const position = dec(json_object_get(c, "position_fp"), 6), value = dec(json_object_get(c, "settlement_value_dollars"), 6);
    const json_t *const result = json_object_get(c, "result");
    rig_t r;
    setup(&r, PMM_STP_CANCEL_TAKER, true);
    if (position) {
      order(&r, r.other, position > 0 ? PMM_ASK : PMM_BID, 5000, llabs((long long)position), PMM_GTC, 0);
      order(&r, r.me, position > 0 ? PMM_BID : PMM_ASK, 5000, llabs((long long)position), PMM_IOC, 0);
    }
    int64_t const before = pmm_match_cash(r.match, r.me, NULL);
    pmm_outcome_t const outcome = is(result, "yes") ? PMM_OUTCOME_YES : is(result, "no") ? PMM_OUTCOME_NO : PMM_OUTCOME_VOID;
    assert_int_equal(pmm_match_life(r.match, 0, 2000, PMM_LIFE_CLOSED, PMM_OUTCOME_UNKNOWN, 0), PMM_OK);
    assert_int_equal(pmm_match_life(r.match, 0, 2000, PMM_LIFE_RESOLVED, outcome, value), PMM_OK);
    drain(&r);
    assert_int_equal(pmm_match_cash(r.match, r.me, NULL) - before, dec(json_object_get(c, "payout_dollars"), 6));
    const pmm_event_t *const e = find_event(&r, PMM_ACCOUNT_PUBLIC, PMM_MD_STATUS, 1);
    assert_int_equal(e->md.side, outcome);
    assert_int_equal(e->md.qty_e6, value);
    teardown(&r);
  }
  json_decref(settlement);
}

static void vector_direction(void **state) {
  (void)state;
  json_t *const direction = vectors("direction");
  size_t i;
  json_t *c;
  json_array_foreach(json_object_get(direction, "cases"), i, c) {
    const json_t *const legacy = json_object_get(c, "legacy");
    bool const buys = is(json_object_get(legacy, "action"), "buy"), yes = is(json_object_get(legacy, "side"), "yes");
    pmm_route_t const route = buys ? (yes ? PMM_BUY_YES : PMM_BUY_NO) : (yes ? PMM_SELL_YES : PMM_SELL_NO);
    assert_int_equal(pmm_route_side(route), side_of(json_object_get(json_object_get(c, "v2"), "side")));
    int32_t const price = (int32_t)dec(json_object_get(json_object_get(c, "v2"), "price"), 4);
    rig_t r;
    setup(&r, PMM_STP_CANCEL_TAKER, false);
    if (!buys) { /* something to sell */
      order(&r, r.other, yes ? PMM_ASK : PMM_BID, 5000, 3 * ONE, PMM_GTC, 0);
      order(&r, r.me, yes ? PMM_BID : PMM_ASK, 5000, 3 * ONE, PMM_IOC, 0);
    }
    int64_t locked;
    pmm_match_cash(r.match, r.me, &locked);
    assert_int_equal(locked, 0);
    submit(&r, r.me, act_place(0, ++r.id, route, price, 3 * ONE, PMM_GTC, 0));
    assert_non_null(find_event(&r, r.me, PMM_EV_ACK, 0));
    assert_int_equal(pmm_ladder_qty(pmm_match_ladder(r.match, 0), pmm_route_side(route), price / 100), 3 * ONE);
    pmm_match_cash(r.match, r.me, &locked);
    assert_int_equal(locked, buys ? 3 * dec(json_object_get(c, "collateral_per_contract"), 6) : 0);
    teardown(&r);
  }
  json_decref(direction);
}

/* ---- routes and money ---- */

static void routes(void **state) {
  (void)state;
  rig_t r;
  setup(&r, PMM_STP_NONE, false);
  int64_t yes, no, yes_locked, no_locked;
  /* mint: a YES bid meets a NO bid */
  submit(&r, r.me, act_place(0, 1, PMM_BUY_YES, 6000, 10 * ONE, PMM_GTC, 0));
  submit(&r, r.other, act_place(0, 1, PMM_BUY_NO, 6000, 10 * ONE, PMM_GTC, 0));
  assert_int_equal(pmm_match_cash(r.match, r.me, NULL), 10000 * ONE - 6 * ONE);
  assert_int_equal(pmm_match_cash(r.match, r.other, NULL), 10000 * ONE - 4 * ONE);
  /* transfer of YES, of NO: a third account buys from each */
  uint32_t third;
  assert_int_equal(pmm_match_account(r.match, 100 * ONE, &third), PMM_OK);
  submit(&r, r.me, act_place(0, 2, PMM_SELL_YES, 7000, 4 * ONE, PMM_GTC, 0));
  pmm_match_holding(r.match, r.me, 0, &yes, &no, &yes_locked, &no_locked);
  assert_int_equal(yes_locked, 4 * ONE);
  submit(&r, third, act_place(0, 1, PMM_BUY_YES, 7000, 4 * ONE, PMM_GTC, 0));
  assert_int_equal(pmm_match_cash(r.match, r.me, NULL), 10000 * ONE - 6 * ONE + 2800000);
  submit(&r, r.other, act_place(0, 2, PMM_SELL_NO, 7000, 4 * ONE, PMM_GTC, 0));
  submit(&r, third, act_place(0, 2, PMM_BUY_NO, 7000, 4 * ONE, PMM_GTC, 0));
  assert_int_equal(pmm_match_cash(r.match, r.other, NULL), 10000 * ONE - 4 * ONE + 1200000);
  pmm_match_holding(r.match, third, 0, &yes, &no, NULL, NULL); /* a pair stays a pair when the venue does not net */
  assert_int_equal(yes, 4 * ONE);
  assert_int_equal(no, 4 * ONE);
  /* merge: two sales of opposite outcomes */
  submit(&r, r.me, act_place(0, 3, PMM_SELL_YES, 5000, 6 * ONE, PMM_GTC, 0));
  submit(&r, r.other, act_place(0, 3, PMM_SELL_NO, 5000, 6 * ONE, PMM_GTC, 0));
  assert_int_equal(pmm_match_cash(r.match, r.me, NULL), 10000 * ONE - 6 * ONE + 2800000 + 3 * ONE);
  pmm_match_holding(r.match, r.me, 0, &yes, &no, NULL, NULL);
  assert_int_equal(yes, 0);
  /* nothing to sell */
  submit(&r, r.me, act_place(0, 4, PMM_SELL_YES, 5000, ONE, PMM_GTC, 0));
  assert_int_equal(find_event(&r, r.me, PMM_EV_REJECT, 0)->md.aux, PMM_REJECT_SHARES);
  submit(&r, third, act_place(0, 3, PMM_SELL_NO, 5000, 5 * ONE, PMM_GTC, 0));
  assert_int_equal(find_event(&r, third, PMM_EV_REJECT, 0)->md.aux, PMM_REJECT_SHARES);
  teardown(&r);
}

static void fees_and_escrow(void **state) {
  (void)state;
  pmm_market_t market;
  pmm_market_init(&market, "m");
  market.fees = (pmm_fee_schedule_t){.model = PMM_FEE_KALSHI, .taker_rate_e6 = 70000, .precision_e6 = 100};
  rig_t r;
  setup_with(&r, PMM_STP_CANCEL_TAKER, true, &market);
  int64_t locked;
  order(&r, r.other, PMM_ASK, 5000, 100 * ONE, PMM_GTC, 0);
  order(&r, r.me, PMM_BID, 5200, 150 * ONE, PMM_GTC, 0); /* takes at 0.50, the rest is locked at 0.52 */
  const pmm_event_t *const mine = find_event(&r, r.me, PMM_EV_FILL, 0), *const theirs = find_event(&r, r.other, PMM_EV_FILL, 0);
  assert_int_equal(mine->amount_e6, 1750000);
  assert_int_equal(theirs->amount_e6, 0);
  assert_int_equal(pmm_match_cash(r.match, r.me, &locked), 10000 * ONE - 50 * ONE - 1750000);
  assert_true(locked >= 26 * ONE && locked < 27 * ONE + ONE);
  assert_int_equal(pmm_match_cash(r.match, r.other, &locked), 10000 * ONE - 50 * ONE);
  assert_int_equal(locked, 0);
  teardown(&r);
}

static void public_burst(void **state) {
  (void)state;
  rig_t r;
  setup(&r, PMM_STP_CANCEL_TAKER, true);
  order(&r, r.other, PMM_ASK, 5000, 2 * ONE, PMM_GTC, 0);
  assert_int_equal(r.log_cnt, 2);
  assert_true(r.log[1].event.md.flags & PMM_F_LAST);
  order(&r, r.other, PMM_ASK, 5000, 3 * ONE, PMM_GTC, 0);
  order(&r, r.other, PMM_ASK, 5100, 4 * ONE, PMM_GTC, 0);
  order(&r, r.me, PMM_BID, 5100, 10 * ONE, PMM_GTC, 0);
  static const struct { bool public; uint8_t kind; int32_t price; int64_t qty; } want[] = {
    {true, PMM_MD_TRADE, 5000, 2}, {false, PMM_EV_FILL, 5000, 2}, {false, PMM_EV_FILL, 5000, 2},
    {true, PMM_MD_TRADE, 5000, 3}, {false, PMM_EV_FILL, 5000, 3}, {false, PMM_EV_FILL, 5000, 3}, {true, PMM_MD_LEVEL, 5000, 0},
    {true, PMM_MD_TRADE, 5100, 4}, {false, PMM_EV_FILL, 5100, 4}, {false, PMM_EV_FILL, 5100, 4}, {true, PMM_MD_LEVEL, 5100, 0},
    {false, PMM_EV_ACK, 5100, 1}, {true, PMM_MD_LEVEL, 5100, 1},
  };
  assert_int_equal(r.log_cnt, CNT(want));
  for (size_t i = 0; i < CNT(want); i++) {
    const pmm_md_t *const md = &r.log[i].event.md;
    assert_int_equal(r.log[i].account == PMM_ACCOUNT_PUBLIC, want[i].public);
    assert_int_equal(md->kind, want[i].kind);
    assert_int_equal(md->price_e4, want[i].price);
    assert_int_equal(md->qty_e6, want[i].qty * ONE);
    assert_int_equal((md->flags & PMM_F_LAST) != 0, i + 1 == CNT(want));
  }
  teardown(&r);
}

/* ---- refusals ---- */

static void refusals(void **state) {
  (void)state;
  rig_t r;
  setup(&r, PMM_STP_CANCEL_TAKER, true);
  static const struct { const char *why; pmm_action_t a; pmm_reject_t want; } rows[] = {
    {"no such market", {.kind = PMM_ACT_PLACE, .market = 9, .price_e4 = 5000, .qty_e6 = ONE}, PMM_REJECT_CLOSED},
    {"price 0", {.kind = PMM_ACT_PLACE, .price_e4 = 0, .qty_e6 = ONE}, PMM_REJECT_PRICE},
    {"price 1", {.kind = PMM_ACT_PLACE, .price_e4 = 10000, .qty_e6 = ONE}, PMM_REJECT_PRICE},
    {"off the tick", {.kind = PMM_ACT_PLACE, .price_e4 = 5050, .qty_e6 = ONE}, PMM_REJECT_PRICE},
    {"size 0", {.kind = PMM_ACT_PLACE, .price_e4 = 5000, .qty_e6 = 0}, PMM_REJECT_SIZE},
    {"negative size", {.kind = PMM_ACT_PLACE, .price_e4 = 5000, .qty_e6 = -ONE}, PMM_REJECT_SIZE},
    {"off the lot", {.kind = PMM_ACT_PLACE, .price_e4 = 5000, .qty_e6 = ONE + 1}, PMM_REJECT_SIZE},
    {"expired before it came", {.kind = PMM_ACT_PLACE, .price_e4 = 5000, .qty_e6 = ONE, .tif = PMM_GTD, .expire_ns = 1000}, PMM_REJECT_EXPIRY},
    {"unknown time in force", {.kind = PMM_ACT_PLACE, .price_e4 = 5000, .qty_e6 = ONE, .tif = 9}, PMM_REJECT_CLOSED},
    {"nothing to reduce", {.kind = PMM_ACT_PLACE, .price_e4 = 5000, .qty_e6 = ONE, .flags = PMM_ACT_REDUCE_ONLY}, PMM_REJECT_SHARES},
  };
  for (size_t i = 0; i < CNT(rows); i++) {
    pmm_action_t a = rows[i].a;
    a.order_id = 100 + i;
    submit(&r, r.me, a);
    const pmm_event_t *const e = find_event(&r, r.me, PMM_EV_REJECT, 0);
    if (!e || e->md.aux != rows[i].want) fail_msg("%s", rows[i].why);
    assert_int_equal(r.log_cnt, 1);
  }
  uint64_t const id = order(&r, r.me, PMM_BID, 5000, 5 * ONE, PMM_GTC, PMM_ACT_POST_ONLY);
  order(&r, r.other, PMM_BID, 5000, 5 * ONE, PMM_GTC, 0);
  order(&r, r.other, PMM_ASK, 5500, 5 * ONE, PMM_GTC, 0);
  static const struct { const char *why; int32_t price; int64_t qty; pmm_reject_t want; } amends[] = {
    {"off the tick", 5001, ONE, PMM_REJECT_PRICE},
    {"size 0", 5000, 0, PMM_REJECT_SIZE},
    {"more than the account has", 5100, 30000 * ONE, PMM_REJECT_FUNDS},
    {"post-only would cross", 5500, 5 * ONE, PMM_REJECT_POST_ONLY},
  };
  for (size_t i = 0; i < CNT(amends); i++) {
    submit(&r, r.me, act_amend(0, id, amends[i].price, amends[i].qty));
    const pmm_event_t *const e = find_event(&r, r.me, PMM_EV_AMEND_REJECT, 0);
    if (!e || e->md.aux != amends[i].want) fail_msg("%s", amends[i].why);
    assert_int_equal(pmm_match_ahead(r.match, r.me, id), 0); /* and it still stands in front */
  }
  submit(&r, r.me, act_amend(0, 77, 5000, ONE));
  assert_int_equal(find_event(&r, r.me, PMM_EV_AMEND_REJECT, 0)->md.aux, PMM_REJECT_UNKNOWN_ORDER);
  assert_int_equal(pmm_match_ahead(r.match, r.me, 77), -1);
  teardown(&r);
}

static void full_tables(void **state) {
  (void)state;
  pmm_market_t market;
  pmm_market_init(&market, "m");
  pmm_match_params_t const p = {.accounts_max = 1, .orders_max = 2, .client_ids_max = 3};
  pmm_arena_t arena;
  pmm_match_t *m;
  uint32_t a, b;
  assert_int_equal(pmm_arena_open(&arena, pmm_match_bytes(&p, 1)), PMM_OK);
  assert_int_equal(pmm_match_init(&m, &arena, &p, &market, 1), PMM_OK);
  assert_int_equal(pmm_match_account(m, -1, &a), PMM_INVAL);
  assert_int_equal(pmm_match_account(m, 100 * ONE, &a), PMM_OK);
  assert_int_equal(pmm_match_account(m, 100 * ONE, &b), PMM_FULL);
  uint8_t const want[] = {PMM_EV_ACK, PMM_EV_ACK, PMM_EV_REJECT, PMM_EV_CANCELLED, PMM_EV_ACK, PMM_EV_CANCELLED, PMM_EV_REJECT};
  pmm_action_t const act[] = {act_place(0, 1, PMM_BUY_YES, 100, ONE, PMM_GTC, 0), act_place(0, 2, PMM_BUY_YES, 100, ONE, PMM_GTC, 0),
                              act_place(0, 3, PMM_BUY_YES, 100, ONE, PMM_GTC, 0), act_cancel(0, 1), act_place(0, 4, PMM_BUY_YES, 100, ONE, PMM_GTC, 0),
                              act_cancel(0, 2), act_place(0, 5, PMM_BUY_YES, 100, ONE, PMM_GTC, 0)};
  for (size_t i = 0; i < CNT(act); i++) {
    uint32_t account;
    pmm_event_t e;
    pmm_match_submit(m, a, 1, &act[i]);
    assert_true(pmm_match_poll(m, &account, &e));
    assert_int_equal(e.md.kind, want[i]);
    if (want[i] == PMM_EV_REJECT) assert_int_equal(e.md.aux, PMM_REJECT_FULL);
    while (pmm_match_poll(m, &account, &e)) {}
  }
  pmm_arena_close(&arena);
  /* bad parameters, small arenas */
  pmm_match_params_t bad = p;
  bad.stp = 7;
  assert_int_equal(pmm_arena_open(&arena, 1 << 20), PMM_OK);
  assert_int_equal(pmm_match_init(&m, &arena, &bad, &market, 1), PMM_INVAL);
  assert_int_equal(pmm_match_init(&m, &arena, &p, &market, 0), PMM_INVAL);
  pmm_market_t broken = market;
  broken.lot_e6 = 0;
  assert_int_equal(pmm_match_init(&m, &arena, &p, &broken, 1), PMM_INVAL);
  pmm_arena_close(&arena);
  size_t const need = pmm_match_bytes(&p, 1);
  for (size_t k = 1; k < 16; k++) {
    assert_int_equal(pmm_arena_open(&arena, need * k / 20), PMM_OK);
    assert_int_equal(pmm_match_init(&m, &arena, &p, &market, 1), PMM_FULL);
    pmm_arena_close(&arena);
  }
}

/* ---- self trades ---- */

static void self_trades(void **state) {
  (void)state;
  rig_t r;
  setup(&r, PMM_STP_NONE, false); /* allowed: the account trades with itself and is where it was, a pair richer */
  order(&r, r.me, PMM_ASK, 5000, ONE, PMM_GTC, 0);
  order(&r, r.me, PMM_BID, 5000, ONE, PMM_GTC, 0);
  assert_non_null(find_event(&r, r.me, PMM_EV_FILL, 1));
  assert_int_equal(pmm_match_cash(r.match, r.me, NULL), 10000 * ONE - ONE);
  teardown(&r);
  setup(&r, PMM_STP_CANCEL_TAKER, false); /* fills of others before the own order stand */
  order(&r, r.other, PMM_ASK, 4900, ONE, PMM_GTC, 0);
  order(&r, r.me, PMM_ASK, 5000, ONE, PMM_GTC, 0);
  order(&r, r.me, PMM_BID, 5000, 5 * ONE, PMM_GTC, 0);
  assert_int_equal(find_event(&r, r.me, PMM_EV_FILL, 0)->md.price_e4, 4900);
  assert_int_equal(find_event(&r, r.me, PMM_EV_CANCELLED, 0)->md.aux, PMM_REJECT_SELF_TRADE);
  assert_int_equal(find_event(&r, r.me, PMM_EV_CANCELLED, 0)->md.qty_e6, 4 * ONE);
  order(&r, r.me, PMM_BID, 5000, ONE, PMM_FOK, 0);
  assert_int_equal(find_event(&r, r.me, PMM_EV_REJECT, 0)->md.aux, PMM_REJECT_FOK);
  teardown(&r);
  setup(&r, PMM_STP_CANCEL_MAKER, false); /* fill-or-kill counts only what it may trade with */
  order(&r, r.me, PMM_ASK, 5000, 3 * ONE, PMM_GTC, 0);
  order(&r, r.other, PMM_ASK, 5000, 2 * ONE, PMM_GTC, 0);
  order(&r, r.me, PMM_BID, 5000, 4 * ONE, PMM_FOK, 0);
  assert_int_equal(find_event(&r, r.me, PMM_EV_REJECT, 0)->md.aux, PMM_REJECT_FOK);
  order(&r, r.me, PMM_BID, 5000, 2 * ONE, PMM_FOK, 0);
  assert_int_equal(find_event(&r, r.me, PMM_EV_FILL, 0)->md.qty_e6, 2 * ONE);
  assert_int_equal(find_event(&r, r.me, PMM_EV_CANCELLED, 0)->md.qty_e6, 3 * ONE);
  teardown(&r);
}

/* ---- time and life ---- */

static void time_and_life(void **state) {
  (void)state;
  pmm_market_t market;
  pmm_market_init(&market, "m");
  market.life = PMM_LIFE_PENDING;
  market.open_ns = 2000;
  market.close_ns = 9000;
  rig_t r;
  setup_with(&r, PMM_STP_CANCEL_TAKER, true, &market);
  order(&r, r.me, PMM_BID, 5000, ONE, PMM_GTC, 0);
  assert_int_equal(find_event(&r, r.me, PMM_EV_REJECT, 0)->md.aux, PMM_REJECT_CLOSED);
  pmm_match_advance(r.match, 2000);
  drain(&r);
  assert_int_equal(find_event(&r, PMM_ACCOUNT_PUBLIC, PMM_MD_STATUS, 0)->md.aux, PMM_LIFE_OPEN);
  uint64_t const good_till = ++r.id, rests = ++r.id;
  pmm_action_t gtd = act_place(0, good_till, PMM_BUY_YES, 5000, ONE, PMM_GTD, 0);
  gtd.expire_ns = 4000;
  submit(&r, r.me, gtd);
  submit(&r, r.me, act_place(0, rests, PMM_BUY_YES, 4000, ONE, PMM_GTC, 0));
  pmm_match_advance(r.match, 3999);
  drain(&r);
  assert_int_equal(r.log_cnt, 0);
  /* an order expires before one that comes at its time can trade with it */
  pmm_action_t const late = act_place(0, 1, PMM_BUY_NO, 5000, ONE, PMM_IOC, 0);
  pmm_match_submit(r.match, r.other, 4000, &late);
  drain(&r);
  assert_int_equal(find_event(&r, r.me, PMM_EV_EXPIRED, 0)->order_id, good_till);
  assert_int_equal(find_event(&r, r.other, PMM_EV_CANCELLED, 0)->md.aux, PMM_REJECT_IOC);
  assert_int_equal(pmm_match_life(r.match, 0, 5000, PMM_LIFE_HALTED, PMM_OUTCOME_UNKNOWN, 0), PMM_OK);
  order(&r, r.me, PMM_BID, 5000, ONE, PMM_GTC, 0);
  assert_int_equal(find_event(&r, r.me, PMM_EV_REJECT, 0)->md.aux, PMM_REJECT_CLOSED);
  submit(&r, r.me, act_amend(0, rests, 4000, LOT));
  assert_int_equal(find_event(&r, r.me, PMM_EV_AMEND_REJECT, 0)->md.aux, PMM_REJECT_CLOSED);
  assert_int_equal(pmm_match_life(r.match, 0, 5000, PMM_LIFE_RESOLVED, PMM_OUTCOME_YES, ONE), PMM_STATE);
  assert_int_equal(pmm_match_life(r.match, 0, 5000, PMM_LIFE_OPEN, PMM_OUTCOME_UNKNOWN, 0), PMM_OK);
  assert_int_equal(pmm_match_life(r.match, 0, 5000, PMM_LIFE_OPEN, PMM_OUTCOME_UNKNOWN, 0), PMM_OK); /* no move, no event */
  drain(&r);
  assert_int_equal(r.log_cnt, 1);
  pmm_match_advance(r.match, 9000);
  drain(&r);
  assert_int_equal(find_event(&r, r.me, PMM_EV_EXPIRED, 0)->order_id, rests);
  assert_int_equal(find_event(&r, PMM_ACCOUNT_PUBLIC, PMM_MD_STATUS, 0)->md.aux, PMM_LIFE_CLOSED);
  assert_true(r.log[r.log_cnt - 1].event.md.flags & PMM_F_LAST);
  assert_int_equal(pmm_match_life(r.match, 0, 9500, PMM_LIFE_RESOLVED, PMM_OUTCOME_YES, 5), PMM_INVAL);
  assert_int_equal(pmm_match_life(r.match, 0, 9500, PMM_LIFE_RESOLVED, PMM_OUTCOME_UNKNOWN, 0), PMM_INVAL);
  assert_int_equal(pmm_match_life(r.match, 0, 9500, PMM_LIFE_RESOLVED, PMM_OUTCOME_NO, 0), PMM_OK);
  assert_int_equal(pmm_match_market(r.match, 0)->outcome, PMM_OUTCOME_NO);
  drain(&r);
  teardown(&r);
}

static void early_close_revoked(void **state) {
  (void)state;
  pmm_market_t market;
  pmm_market_init(&market, "m");
  market.close_ns = 9000;
  rig_t r;
  setup_with(&r, PMM_STP_NONE, true, &market);
  assert_int_equal(pmm_match_life(r.match, 0, 1000, PMM_LIFE_CLOSED, PMM_OUTCOME_UNKNOWN, 0), PMM_OK);
  pmm_match_advance(r.match, 9500); /* its time passes while it is closed anyway */
  assert_int_equal(pmm_match_market(r.match, 0)->life, PMM_LIFE_CLOSED);
  teardown(&r);
  setup_with(&r, PMM_STP_NONE, true, &market);
  assert_int_equal(pmm_match_life(r.match, 0, 1000, PMM_LIFE_CLOSED, PMM_OUTCOME_UNKNOWN, 0), PMM_OK);
  pmm_match_advance(r.match, 2000);
  assert_int_equal(pmm_match_life(r.match, 0, 3000, PMM_LIFE_OPEN, PMM_OUTCOME_UNKNOWN, 0), PMM_OK);
  pmm_match_advance(r.match, 9000);
  assert_int_equal(pmm_match_market(r.match, 0)->life, PMM_LIFE_CLOSED);
  teardown(&r);
}

static void regrid(void **state) {
  (void)state;
  rig_t r;
  setup(&r, PMM_STP_CANCEL_TAKER, true);
  uint64_t const a = order(&r, r.me, PMM_BID, 4500, ONE, PMM_GTC, 0), b = order(&r, r.other, PMM_BID, 4500, 2 * ONE, PMM_GTC, 0);
  order(&r, r.other, PMM_ASK, 9900, ONE, PMM_GTC, 0);
  assert_int_equal(pmm_match_regrid(r.match, 0, 2000, 3), PMM_INVAL);
  assert_int_equal(pmm_match_regrid(r.match, 0, 2000, 1), PMM_OK); /* finer: nobody moves */
  drain(&r);
  assert_int_equal(r.log_cnt, 1);
  assert_int_equal(pmm_match_ahead(r.match, r.other, b), ONE);
  uint64_t const c = order(&r, r.me, PMM_BID, 4501, ONE, PMM_GTC, 0);
  assert_non_null(find_event(&r, r.me, PMM_EV_ACK, 0));
  assert_int_equal(pmm_match_regrid(r.match, 0, 2000, 500), PMM_OK); /* coarser: 0.4501 and 0.99 fall off */
  drain(&r);
  assert_int_equal(find_event(&r, r.me, PMM_EV_CANCELLED, 0)->order_id, c);
  assert_int_equal(find_event(&r, r.me, PMM_EV_CANCELLED, 0)->md.aux, PMM_REJECT_TICK);
  assert_non_null(find_event(&r, r.other, PMM_EV_CANCELLED, 0));
  assert_int_equal(pmm_match_ahead(r.match, r.me, a), 0);
  assert_int_equal(pmm_match_ahead(r.match, r.other, b), ONE);
  assert_int_equal(r.log[r.log_cnt - 1].event.md.kind, PMM_MD_TICK);
  assert_true(r.log[r.log_cnt - 1].event.md.flags & PMM_F_LAST);
  assert_int_equal(pmm_match_market(r.match, 0)->grid.tick_e4, 500);
  teardown(&r);
}

static void reduce_only(void **state) {
  (void)state;
  rig_t r;
  setup(&r, PMM_STP_CANCEL_TAKER, true);
  order(&r, r.other, PMM_ASK, 5000, 5 * ONE, PMM_GTC, 0);
  order(&r, r.me, PMM_BID, 5000, 5 * ONE, PMM_IOC, 0);
  order(&r, r.other, PMM_BID, 4000, 50 * ONE, PMM_GTC, 0);
  order(&r, r.me, PMM_ASK, 4000, 20 * ONE, PMM_IOC, PMM_ACT_REDUCE_ONLY); /* as BUY_NO: cut to what makes us flat */
  assert_int_equal(find_event(&r, r.me, PMM_EV_FILL, 0)->md.qty_e6, 5 * ONE);
  assert_int_equal(find_event(&r, r.me, PMM_EV_CANCELLED, 0)->md.qty_e6, 15 * ONE); /* what was cut off is told */
  assert_int_equal(net_of(&r, r.me), 0);
  teardown(&r);
}

/* pmm_match_check must find what it looks for. */
static void check_finds(void **state) {
  (void)state;
  enum { FAULTS = 12 };
  for (int fault = 0; fault < FAULTS; fault++) {
    rig_t r;
    setup(&r, PMM_STP_NONE, false);
    order(&r, r.other, PMM_ASK, 5000, 2 * ONE, PMM_GTC, 0);
    order(&r, r.me, PMM_BID, 5000, ONE, PMM_GTC, 0);
    order(&r, r.me, PMM_BID, 4000, ONE, PMM_GTC, 0);
    submit(&r, r.me, act_place(0, ++r.id, PMM_SELL_YES, 6000, ONE, PMM_GTC, 0));
    pmm_match_t *const m = r.match;
    pmm__match_market_t *const mk = &m->market[0];
    pmm__node_t *const o = &m->order[mk->level[PMM_BID][40].first - 1];
    switch (fault) {
    case 0: m->wallet[0].cash_e6++; break;
    case 1: m->wallet[0].locked_e6++; break;
    case 2: mk->yes_e6++; break;
    case 3: m->holding[0].yes_e6++; break;
    case 4: m->holding[0].yes_locked_e6 = 2 * ONE; break;
    case 5: o->open_e6 += LOT; break;
    case 6: o->lock.cash_e6++; break;
    case 7: mk->level[PMM_BID][40].last = 0; break;
    case 8: o->price_e4 = 4100; break;
    case 9: m->live_cnt++; break;
    case 10: mk->ladder.level_cnt[PMM_BID]++; break;
    case 11: pmm_ladder_set(&mk->ladder, PMM_BID, 70, ONE); break;
    }
    pmm_error_t err;
    if (pmm_match_check(m, &err) != PMM_CORRUPT) fail_msg("fault %d was not found", fault);
    teardown(&r);
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {
    cmocka_unit_test(vector_orders), cmocka_unit_test(vector_orders_in_words), cmocka_unit_test(vector_amend), cmocka_unit_test(vector_positions),
    cmocka_unit_test(vector_settlement), cmocka_unit_test(vector_direction), cmocka_unit_test(routes), cmocka_unit_test(fees_and_escrow),
    cmocka_unit_test(public_burst), cmocka_unit_test(refusals), cmocka_unit_test(full_tables), cmocka_unit_test(self_trades),
    cmocka_unit_test(time_and_life), cmocka_unit_test(early_close_revoked), cmocka_unit_test(regrid), cmocka_unit_test(reduce_only), cmocka_unit_test(check_finds),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
