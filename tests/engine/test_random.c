/* Random market data, random strategies, and a venue behind a wire that delays, reorders, repeats and loses what it says. After
   each event the engine's own books must hold; once the last word has come they must agree with the venue's. */
#include "engine/world.h"

#define MARKETS 3
#define SLOTS 4
#define ORDERS 32768
#define QUEUE 16384
#define PENDING 800
#define EPISODE 1500 /* operations on one engine */

typedef struct venue_order { int64_t total, filled; uint32_t slot; int32_t price; uint8_t route; bool known, alive; } venue_order_t;
typedef struct venue_fill { uint64_t trade_id, order; int64_t qty, fee; bool told; } venue_fill_t;

typedef struct sea {
  world_t w;
  pmm_rng_t rng;
  double now_s;
  venue_order_t order[ORDERS]; /* by the low bits of the client order id */
  uint32_t order_cnt;
  pmm_action_t request[QUEUE]; uint32_t request_cnt;
  pmm_event_t event[QUEUE]; uint32_t event_cnt;
  venue_fill_t unsettled[PENDING]; uint32_t unsettled_cnt;
  int64_t cash, yes[SLOTS], no[SLOTS]; /* as the venue has them; pairs are not netted */
  int64_t error; /* added to what the venue says of its next fill: the canary */
} sea_t;

static sea_t sea;

static uint64_t below(uint64_t n) { return pmm_rng_below(&sea.rng, n); }
static bool chance(uint64_t one_in) { return below(one_in) == 0; }
static venue_order_t *order_of(uint64_t id) { return &sea.order[id & UINT32_MAX]; }

/* -- the venue -- */
static void say(pmm_event_t ev) {
  assert_true(sea.event_cnt < QUEUE);
  sea.event[sea.event_cnt++] = ev;
}
static void say_about(pmm_kind_t kind, uint64_t id, int64_t qty, int64_t amount) {
  pmm_event_t ev = ev_order(kind, id);
  ev.md.qty_e6 = qty;
  ev.md.price_e4 = order_of(id)->price;
  ev.md.market = sea.w.slot[order_of(id)->slot].market;
  ev.amount_e6 = amount;
  ev.ref_id = id ^ 0xabcd;
  say(ev);
}

/* +1: a fill happens; -1: it is undone. */
static void book_fill(const venue_order_t *o, int64_t qty, int64_t fee, int sign) {
  bool const yes = o->route == PMM_BUY_YES || o->route == PMM_SELL_YES;
  int64_t const worth = pmm_notional_floor(yes ? o->price : PMM_ONE_E4 - o->price, qty); /* exact: whole hundredths */
  int const dir = pmm_route_is_sell((pmm_route_t)o->route) ? -1 : 1;
  *(yes ? &sea.yes[o->slot] : &sea.no[o->slot]) += sign * dir * qty;
  sea.cash -= sign * (dir * worth + fee);
}

/* Some order that rests, more likely a young one; 0 when there is none. */
static uint64_t resting(void) {
  for (uint32_t at = sea.order_cnt; at > 0; at--)
    if (sea.order[at].alive && chance(4)) return (UINT64_C(3) << 32) + at;
  return 0;
}

static void fill(uint64_t id) {
  venue_order_t *const o = order_of(id);
  int64_t const open = o->total - o->filled;
  int64_t const qty = chance(3) ? open : QTY(0.01) * check_between(&sea.rng, 1, open / QTY(0.01));
  int64_t const fee = check_between(&sea.rng, -50, 200);
  o->filled += qty;
  if (o->filled == o->total) o->alive = false;
  book_fill(o, qty, fee, 1);
  pmm_event_t ev = {.md = {.kind = PMM_EV_FILL, .price_e4 = o->price, .qty_e6 = qty, .market = sea.w.slot[o->slot].market, .flags = PMM_F_MAKER},
                    .order_id = id, .amount_e6 = fee, .ref_id = ++sea.w.trade_id};
  if (sea.error) {
    ev.md.qty_e6 += sea.error;
    sea.error = 0;
  } else if (chance(3) && sea.unsettled_cnt < PENDING) {
    ev.md.aux = PMM_SETTLE_PENDING;
    sea.unsettled[sea.unsettled_cnt++] = (venue_fill_t){.trade_id = ev.ref_id, .order = id, .qty = qty, .fee = fee};
  }
  say(ev);
}

static void settle(uint32_t at, bool fails) {
  venue_fill_t const f = sea.unsettled[at];
  if (!f.told) return; /* the venue settles what it has told */
  sea.unsettled[at] = sea.unsettled[--sea.unsettled_cnt];
  if (fails) book_fill(order_of(f.order), f.qty, f.fee, -1);
  say((pmm_event_t){.md = {.kind = fails ? PMM_EV_SETTLE_FAILED : PMM_EV_SETTLED}, .ref_id = f.trade_id});
}

static void expire(uint64_t id) {
  venue_order_t *const o = order_of(id);
  o->alive = false;
  say_about(PMM_EV_EXPIRED, id, o->total - o->filled, 0);
}

static void place(const pmm_action_t *a) {
  venue_order_t *const o = order_of(a->order_id);
  assert_false(o->known); /* an id is never used twice */
  *o = (venue_order_t){.total = a->qty_e6, .slot = a->slot, .price = a->price_e4, .route = a->route, .known = true};
  if (chance(12)) {
    pmm_event_t ev = ev_order(PMM_EV_REJECT, a->order_id);
    ev.md.aux = PMM_REJECT_POST_ONLY;
    say(ev);
    return;
  }
  o->alive = true;
  if (a->tif == PMM_GTC) { say_about(PMM_EV_ACK, a->order_id, a->qty_e6, 0); return; }
  if (!chance(3)) fill(a->order_id);
  if (!o->alive) return;
  o->alive = false;
  say_about(PMM_EV_CANCELLED, a->order_id, o->total - o->filled, 0);
}

static void take_up(const pmm_action_t *a) {
  venue_order_t *const o = order_of(a->order_id);
  if (a->kind == PMM_ACT_PLACE) { place(a); return; }
  if (!o->alive) {
    pmm_event_t ev = ev_order(a->kind == PMM_ACT_CANCEL ? PMM_EV_CANCEL_REJECT : PMM_EV_AMEND_REJECT, a->order_id);
    ev.md.aux = PMM_REJECT_UNKNOWN_ORDER;
    say(ev);
  } else if (a->kind == PMM_ACT_CANCEL) {
    o->alive = false;
    say_about(PMM_EV_CANCELLED, a->order_id, o->total - o->filled, 0);
  } else {
    o->total = o->filled + pmm_min64(o->total - o->filled, a->qty_e6);
    say_about(PMM_EV_AMENDED, a->order_id, o->total - o->filled, o->filled);
  }
}

static pmm_action_t pop_request(uint32_t at) {
  pmm_action_t const a = sea.request[at];
  memmove(&sea.request[at], &sea.request[at + 1], sizeof a * (--sea.request_cnt - at));
  return a;
}

/* -- the wire -- */
static void collect(void) {
  world_collect(&sea.w);
  for (uint32_t i = 0; i < sea.w.action_cnt; i++) {
    assert_true(sea.request_cnt < QUEUE);
    sea.request[sea.request_cnt++] = sea.w.action[i];
    if (sea.w.action[i].kind == PMM_ACT_PLACE) sea.order_cnt = (uint32_t)(sea.w.action[i].order_id & UINT32_MAX);
  }
  assert_true(sea.order_cnt + 64 < ORDERS);
  sea.w.action_cnt = 0;
}

static void hand_over(pmm_event_t ev) {
  if (ev.md.kind == PMM_EV_FILL) {
    for (uint32_t i = 0; i < sea.unsettled_cnt; i++) sea.unsettled[i].told |= sea.unsettled[i].trade_id == ev.ref_id;
  }
  ev.md.recv_ns = sea.w.now_ns;
  pmm_engine_on_event(sea.w.engine, &ev);
  collect();
}

static pmm_event_t pop_event(uint32_t at) {
  pmm_event_t const ev = sea.event[at];
  memmove(&sea.event[at], &sea.event[at + 1], sizeof ev * (--sea.event_cnt - at));
  return ev;
}

static bool moves_money(const pmm_event_t *ev) {
  return ev->md.kind == PMM_EV_FILL || ev->md.kind == PMM_EV_SETTLED || ev->md.kind == PMM_EV_SETTLE_FAILED;
}

static void deliver(void) {
  if (sea.event_cnt == 0) return;
  pmm_event_t const ev = pop_event(chance(4) ? (uint32_t)below(sea.event_cnt) : 0);
  if (chance(40) && !moves_money(&ev)) { hand_over(ev_order(PMM_EV_LOST, ev.order_id)); return; }
  hand_over(ev);
  if (chance(10)) hand_over(ev); /* once more at once, or later */
  else if (chance(10)) say(ev);
}

static void carry_request(void) {
  if (sea.request_cnt == 0) return;
  pmm_action_t const a = pop_request(chance(6) ? (uint32_t)below(sea.request_cnt) : 0);
  if (chance(60)) hand_over(ev_order(PMM_EV_LOST, a.order_id));
  else take_up(&a);
}

/* A reconciliation: what the venue knows of one order. */
static void reconcile(uint64_t id) {
  venue_order_t const *const o = order_of(id);
  pmm_event_t ev = ev_order(PMM_EV_ORDER_STATE, id);
  ev.md.qty_e6 = o->alive ? o->total - o->filled : 0;
  ev.amount_e6 = o->filled;
  say(ev);
}

/* -- what happens -- */
static void random_quotes(uint32_t slot) {
  script_t *const s = &sea.w.script[slot];
  pmm_quotes_t *const q = &s->say;
  pmm_quotes_clear(q);
  q->fair = 0.01 * (double)check_between(&sea.rng, 20, 80);
  q->resize_tolerance = chance(3) ? 0.25 : 0;
  s->status = chance(30) ? PMM_NOT_READY : PMM_OK;
  switch (below(12)) {
    case 0: q->action = PMM_QUOTE_PAUSE; return;
    case 1: q->action = PMM_QUOTE_KEEP; return;
    case 2:
      q->action = PMM_QUOTE_EXIT;
      q->exit_side = (pmm_side_t)below(2);
      q->exit_qty_e6 = QTY(0.01) * check_between(&sea.rng, 0, 3000);
      return;
    case 3: q->fair = NAN; break;
    default: break;
  }
  int32_t bid = 100 * (int32_t)check_between(&sea.rng, 20, 60), ask = bid + 100 * (int32_t)check_between(&sea.rng, 1, 20);
  for (uint64_t n = below(4); n > 0 && bid > 0; n--, bid -= 100 * (int32_t)check_between(&sea.rng, 1, 5))
    q->bid[q->bid_cnt++] = (pmm_level_t){.price_e4 = bid, .qty_e6 = QTY(0.01) * check_between(&sea.rng, 1, 2000)};
  for (uint64_t n = below(4); n > 0 && ask < PMM_ONE_E4; n--, ask += 100 * (int32_t)check_between(&sea.rng, 1, 5))
    q->ask[q->ask_cnt++] = (pmm_level_t){.price_e4 = ask, .qty_e6 = QTY(0.01) * check_between(&sea.rng, 1, 2000)};
}

static void hand_data(pmm_md_t md) {
  md.recv_ns = sea.w.now_ns;
  pmm_engine_on_md(sea.w.engine, &md);
  collect();
}

static void random_life(uint32_t market) {
  pmm_life_t const life = pmm_engine_market(sea.w.engine, market)->life == PMM_LIFE_OPEN ? PMM_LIFE_HALTED : PMM_LIFE_OPEN;
  hand_data((pmm_md_t){.market = market, .kind = PMM_MD_STATUS, .aux = (uint8_t)life});
}

static void random_data(void) {
  uint32_t const market = (uint32_t)below(MARKETS);
  uint8_t const last = chance(4) ? 0 : PMM_F_LAST, side = (uint8_t)below(2);
  int32_t const price = 100 * (int32_t)(side == PMM_BID ? check_between(&sea.rng, 20, 52) : check_between(&sea.rng, 48, 80));
  int64_t const qty = chance(3) ? 0 : QTY(0.01) * check_between(&sea.rng, 1, 5000);
  switch (below(24)) {
    case 0: hand_data((pmm_md_t){.market = market, .kind = PMM_MD_TRADE, .side = side, .price_e4 = price, .qty_e6 = qty + 1, .flags = last}); break;
    case 1: hand_data((pmm_md_t){.market = market, .kind = PMM_MD_CLEAR, .flags = last | PMM_F_SNAPSHOT}); break;
    case 2: if (chance(4)) hand_data((pmm_md_t){.market = market, .kind = PMM_MD_GAP}); break;
    case 3: if (chance(4)) random_life(market); break;
    case 4: hand_data((pmm_md_t){.kind = PMM_MD_UNDERLYING, .qty_e6 = check_between(&sea.rng, -1, 1000) * 100000000, .flags = PMM_F_LAST}); break;
    case 5: hand_data((pmm_md_t){.market = (uint32_t)below(5), .kind = (uint8_t)below(64), .price_e4 = (int32_t)below(12000) - 1000, .qty_e6 = qty, .side = (uint8_t)below(4), .aux = 1}); break;
    default: hand_data((pmm_md_t){.market = market, .kind = PMM_MD_LEVEL, .side = side, .price_e4 = price, .qty_e6 = qty, .flags = last});
  }
}

static void random_operator(void) {
  static const uint8_t ops[] = {PMM_OP_PAUSE, PMM_OP_FLATTEN, PMM_OP_KILL};
  hand_over((pmm_event_t){.md = {.kind = PMM_EV_OPERATOR, .aux = ops[below(COUNT_OF(ops))]}});
  hand_over((pmm_event_t){.md = {.kind = PMM_EV_OPERATOR, .aux = PMM_OP_RESET}});
  if (!chance(4)) hand_over((pmm_event_t){.md = {.kind = PMM_EV_OPERATOR, .aux = PMM_OP_RESUME}});
}

static void random_deposit(void) {
  int64_t const amount = check_between(&sea.rng, -1000, 2000) * PMM_ONE_E6;
  int64_t const before = pmm_ledger_deposits(pmm_engine_ledger(sea.w.engine));
  hand_over((pmm_event_t){.md = {.kind = PMM_EV_DEPOSIT}, .amount_e6 = amount});
  sea.cash += pmm_ledger_deposits(pmm_engine_ledger(sea.w.engine)) - before;
}

static void act(void) {
  sea.now_s += chance(20) ? 3.0 : 0.001 * (double)below(50);
  world_at(&sea.w, sea.now_s);
  uint64_t const id = sea.order_cnt ? (UINT64_C(3) << 32) + 1 + below(sea.order_cnt) : 0;
  uint64_t const resting_id = resting();
  switch (below(40)) {
    case 0: case 1: case 2: case 3: random_quotes((uint32_t)below(SLOTS)); break;
    case 4: case 5: case 6: case 7: case 8: case 9: carry_request(); break;
    case 10: case 11: case 12: case 13: case 14: case 15: case 16: deliver(); break;
    case 17: case 18: case 19: case 20: if (resting_id) fill(resting_id); break;
    case 21: if (sea.unsettled_cnt) settle((uint32_t)below(sea.unsettled_cnt), chance(3)); break;
    case 22: if (resting_id && chance(4)) expire(resting_id); break;
    case 23: if (id && order_of(id)->known) reconcile(id); break;
    case 24: hand_over((pmm_event_t){.md = {.kind = PMM_EV_TIMER}}); break;
    case 25: if (chance(10)) random_operator(); break;
    case 26: if (chance(10)) random_deposit(); break;
    case 27: hand_over((pmm_event_t){.md = {.kind = PMM_EV_FAIR, .market = (uint32_t)below(MARKETS), .exch_ns = PMM_TIME_NONE}, .amount_e6 = check_between(&sea.rng, 0, 1000000)}); break;
    default: random_data();
  }
}

/* -- an episode -- */
static void open_sea(uint64_t seed) {
  static const uint32_t slot_market[SLOTS] = {0, 0, 1, 2};
  memset(&sea, 0, sizeof sea);
  pmm_rng_seed(&sea.rng, seed);
  world_init(&sea.w, MARKETS, SLOTS, slot_market);
  pmm_engine_config_t *const c = &sea.w.config;
  strcpy(sea.w.under[0].id, "X");
  c->underlying_cnt = 1;
  c->params.min_requote_ns = chance(2) ? 0 : 40 * PMM_NS_PER_MS;
  c->params.equity_every_ns = PMM_NS_PER_S / 10;
  c->exec.amend = chance(2);
  c->exec.route = (int32_t)below(3);
  c->exec.pending_timeout_ns = chance(2) ? 0 : 2 * PMM_NS_PER_S;
  c->exec.post_only = true;
  c->risk.max_daily_loss_e6 = 0;
  c->risk.max_order_rate = chance(3) ? 200 : 0;
  c->cash_e6 = QTY(100000);
  c->orders_max = 256;
  sea.cash = c->cash_e6;
  for (uint32_t m = 0; m < MARKETS; m++) sea.w.market[m].underlying = m == 1 ? PMM_UNDER_NONE : 0;
  strcpy(sea.w.market[0].event, "e");
  strcpy(sea.w.market[2].event, "e");
  for (uint32_t s = 0; s < SLOTS; s++) {
    sea.w.script[s].refresh_ns = (int64_t)below(3) * 100 * PMM_NS_PER_MS;
    sea.w.slot[s].net_pairs = s != 2;
    random_quotes(s);
  }
  world_open(&sea.w);
  for (uint32_t m = 0; m < MARKETS; m++) {
    hand_data((pmm_md_t){.market = m, .kind = PMM_MD_STATUS, .aux = PMM_LIFE_OPEN});
    hand_data((pmm_md_t){.market = m, .kind = PMM_MD_CLEAR, .flags = PMM_F_LAST | PMM_F_SNAPSHOT});
  }
}

/* Everything asked and said arrives; orders left over are looked up until none is in doubt. */
static void calm_down(void) {
  for (uint32_t m = 0; m < MARKETS; m++) hand_data((pmm_md_t){.market = m, .kind = PMM_MD_STATUS, .aux = PMM_LIFE_CLOSED});
  for (int round = 0; round < 3; round++) {
    while (sea.request_cnt) {
      pmm_action_t const a = pop_request(0);
      take_up(&a);
    }
    for (uint32_t i = 1; i <= sea.order_cnt; i++) {
      uint64_t const id = (UINT64_C(3) << 32) + i;
      if (order_of(id)->alive) expire(id);
    }
    while (sea.event_cnt) hand_over(pop_event(0));
    for (uint32_t i = 1; i <= sea.order_cnt; i++)
      if (pmm_exec_find(pmm_engine_exec(sea.w.engine), (UINT64_C(3) << 32) + i)) reconcile((UINT64_C(3) << 32) + i);
    while (sea.event_cnt) hand_over(pop_event(0));
    for (uint32_t i = sea.unsettled_cnt; i-- > 0;) settle(i, chance(2));
    while (sea.event_cnt) hand_over(pop_event(0));
  }
}

static bool books_agree(void) {
  int64_t ours = world_cash(&sea.w), theirs = sea.cash;
  for (uint32_t s = 0; s < SLOTS; s++) {
    pmm_position_t const p = world_position(&sea.w, s);
    if (pmm_exec_open_cnt(pmm_engine_exec(sea.w.engine), s)) return false;
    if (pmm_position_net(&p) != sea.yes[s] - sea.no[s]) return false;
    if (p.yes_e6 < 0 || p.no_e6 < 0 || p.yes_locked_e6 || p.no_locked_e6) return false;
    ours += pmm_min64(p.yes_e6, p.no_e6);
    theirs += pmm_min64(sea.yes[s], sea.no[s]);
  }
  return ours == theirs && pmm_ledger_reserved(pmm_engine_ledger(sea.w.engine)) == 0;
}

static bool payout_agrees(void) {
  for (uint32_t m = 0; m < MARKETS; m++) {
    int64_t const pay = (int64_t[]){1000000, 0, 500000}[m];
    hand_data((pmm_md_t){.market = m, .kind = PMM_MD_STATUS, .aux = PMM_LIFE_RESOLVED, .side = (uint8_t)(PMM_OUTCOME_YES + m), .qty_e6 = pay});
    for (uint32_t s = 0; s < SLOTS; s++) {
      if (sea.w.slot[s].market != m) continue;
      pmm_slot_stats_t const st = world_stats(&sea.w, s);
      if (!st.resolved || st.final_yes_e6 - st.final_no_e6 != sea.yes[s] - sea.no[s]) return false;
      sea.cash += pmm_muldiv_floor(sea.yes[s], pay, PMM_ONE_E6) + pmm_muldiv_floor(sea.no[s], PMM_ONE_E6 - pay, PMM_ONE_E6);
    }
  }
  pmm_engine_finish(sea.w.engine);
  return world_cash(&sea.w) == sea.cash && pmm_engine_equity(sea.w.engine) == sea.cash;
}

static uint64_t property(uint64_t seed, uint64_t ops, bool broken) {
  for (uint64_t done = 0; done < ops; done += EPISODE) {
    uint64_t const cnt = pmm_min64((int64_t)(ops - done), EPISODE);
    open_sea(seed + done);
    for (uint64_t i = 0; i < cnt; i++) {
      if (broken && i == cnt / 2) sea.error = QTY(0.01);
      act();
    }
    calm_down();
    bool const good = !pmm_engine_risk(sea.w.engine)->killed && books_agree() && payout_agrees();
    world_close(&sea.w);
    if (!good) return done + cnt;
  }
  return NO_MISMATCH;
}

static void test_books_agree(void **state) {
  (void)state;
  check_random("engine against an unreliable venue", property, 60000);
}
static void test_canary(void **state) {
  (void)state;
  check_canary("engine against an unreliable venue", property, EPISODE);
}

/* -- the same events, the same state -- */
static uint64_t hash_of(uint64_t seed, int64_t deposit_e6, int64_t level_e6) {
  open_sea(seed);
  for (uint64_t i = 0; i < 400; i++) {
    act();
    if (i == 200) hand_over((pmm_event_t){.md = {.kind = PMM_EV_DEPOSIT}, .amount_e6 = deposit_e6});
  }
  hand_data((pmm_md_t){.kind = PMM_MD_LEVEL, .side = PMM_BID, .price_e4 = 100, .qty_e6 = level_e6});
  uint64_t const h = pmm_engine_hash(sea.w.engine);
  world_close(&sea.w);
  return h;
}

static void test_same_events_same_hash(void **state) {
  (void)state;
  uint64_t const seed = check_seed("engine hash");
  for (uint64_t i = 0; i < 10; i++) {
    uint64_t const once = hash_of(seed + i, 1, 1);
    assert_true(once == hash_of(seed + i, 1, 1));
    assert_true(once != hash_of(seed + i, 2, 1)); /* a micro-dollar, half-way */
    assert_true(once != hash_of(seed + i, 1, 2)); /* a micro-contract deep in the book */
    assert_true(once != hash_of(seed + i + 1, 1, 1));
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {
    cmocka_unit_test(test_books_agree), cmocka_unit_test(test_canary), cmocka_unit_test(test_same_events_same_hash),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
