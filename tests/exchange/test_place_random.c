/* Random requests of many accounts to a place, with trades that settle late and fail, against an obvious model: what an account has is the sum
   over all its fills that did not fail, its deposits, merges and payouts, added up anew each time. And the place's own check after each step. */
#include "rig.h"
#include "pmm/place.h"

enum { ACCOUNTS = 5, MARKETS = 3, OPS = 4000 };

typedef struct op { bool pairs; uint64_t fill; int64_t qty; } op_t; /* pairs merged (negative: split), or a fill */

typedef struct model {
  pmm_place_t *place;
  pmm_venue_t venue;
  int64_t deposits[ACCOUNTS], paid[ACCOUNTS];
  bool resolved[MARKETS];
  int64_t payout[MARKETS];
  op_t op[ACCOUNTS][MARKETS][4 * OPS];
  uint32_t op_cnt[ACCOUNTS][MARKETS];
  uint64_t orders, fills, settles, failed, ghosts, levels;
  int64_t book[MARKETS][2][10000]; /* as the listener was told */
  bool broken;
} model_t;

static void listen(void *ctx, const pmm_place_event_t *e) {
  model_t *const m = ctx;
  switch (e->kind) {
  case PMM_PLACE_EV_LEVEL:
    m->levels++;
    m->book[e->market][e->side][e->price_e4] += e->delta_e6;
    assert_int_equal(m->book[e->market][e->side][e->price_e4], e->total_e6);
    break;
  case PMM_PLACE_EV_FILL: {
    op_t *const op = &m->op[e->account][e->market][m->op_cnt[e->account][e->market]++];
    assert_true(m->op_cnt[e->account][e->market] < 4 * OPS);
    *op = (op_t){.fill = e->fill->seq};
    m->fills++;
    break;
  }
  case PMM_PLACE_EV_ORDER: m->orders++; break;
  case PMM_PLACE_EV_SETTLE:
    m->settles++;
    if (e->trade->settle == PMM_PLACE_FAILED) m->failed++;
    if (e->trade->settle == PMM_PLACE_RETRYING) m->ghosts++;
    break;
  default: break;
  }
}

static bool is_no(uint8_t route) { return route == PMM_BUY_NO || route == PMM_SELL_NO; }
static bool is_sell(uint8_t route) { return route == PMM_SELL_NO || route == PMM_SELL_YES; }

static int64_t part_of(int64_t *held, int64_t *cost, int64_t qty) {
  int64_t const part = *held ? (int64_t)((__int128)*cost * qty / *held) : 0;
  *held -= qty;
  *cost -= part;
  return part;
}

typedef struct sums { int64_t cash, yes, no, yes_cost, no_cost, realized; } sums_t;

static sums_t add_up(const model_t *m, uint32_t a, uint32_t k) {
  sums_t s = {0};
  for (uint32_t i = 0; i < m->op_cnt[a][k]; i++) {
    const op_t *const op = &m->op[a][k][i];
    if (op->pairs) {
      s.cash += op->qty;
      if (op->qty > 0) {
        s.realized += op->qty - part_of(&s.yes, &s.yes_cost, op->qty);
        s.realized -= part_of(&s.no, &s.no_cost, op->qty);
      } else {
        s.yes -= op->qty, s.no -= op->qty, s.yes_cost += -op->qty / 2, s.no_cost += -op->qty - -op->qty / 2;
      }
      continue;
    }
    const pmm_place_fill_t *const f = pmm_place_fill_at(m->place, op->fill);
    if (pmm_place_trade_at(m->place, f->trade)->settle == PMM_PLACE_FAILED && !m->broken) continue;
    int64_t const price = is_no(f->route) ? 10000 - f->price_e4 : f->price_e4, worth = price * f->qty_e6;
    int64_t *const held = is_no(f->route) ? &s.no : &s.yes, *const cost = is_no(f->route) ? &s.no_cost : &s.yes_cost;
    s.cash -= f->fee_e6;
    if (is_sell(f->route)) {
      s.cash += worth / 10000;
      s.realized += worth / 10000 - part_of(held, cost, f->qty_e6);
    } else {
      s.cash -= (worth + 9999) / 10000;
      *held += f->qty_e6;
      *cost += (worth + 9999) / 10000;
    }
  }
  return s;
}

/* What the place says against the sums; where pairs net, the difference must be pairs turned into as many dollars. */
static bool agrees(const model_t *m, char *why, size_t len) {
  for (uint32_t a = 0; a < ACCOUNTS; a++) {
    int64_t cash = m->deposits[a] + m->paid[a];
    for (uint32_t k = 0; k < MARKETS; k++) {
      sums_t const s = add_up(m, a, k);
      pmm_place_holding_t h;
      pmm_place_holding(m->place, a, k, &h);
      cash += s.cash;
      if (m->resolved[k]) {
        if (h.yes_e6 || h.no_e6) return snprintf(why, len, "account %u holds something of a market that paid", a), false;
        int64_t const pairs = s.yes < s.no ? s.yes : s.no;
        if (m->venue != PMM_VENUE_POLYMARKET) cash += pairs; /* netted before, or paid a dollar: the same */
        continue;
      }
      int64_t const netted = s.yes - h.yes_e6;
      if (netted != s.no - h.no_e6 || netted < 0 || (m->venue == PMM_VENUE_POLYMARKET && netted != 0))
        return snprintf(why, len, "account %u market %u: holdings", a, k), false;
      if (m->venue == PMM_VENUE_POLYMARKET && (h.yes_cost_e6 != s.yes_cost || h.no_cost_e6 != s.no_cost || h.realized_e6 != s.realized))
        return snprintf(why, len, "account %u market %u: costs %lld %lld realized %lld, sums give %lld %lld %lld", a, k, (long long)h.yes_cost_e6,
                        (long long)h.no_cost_e6, (long long)h.realized_e6, (long long)s.yes_cost, (long long)s.no_cost, (long long)s.realized),
               false;
      cash += netted;
    }
    if (cash != pmm_place_cash(m->place, a, NULL))
      return snprintf(why, len, "account %u: cash %lld, sums give %lld", a, (long long)pmm_place_cash(m->place, a, NULL), (long long)cash), false;
  }
  return true;
}

/* ---- what the accounts do ---- */

static const pmm_place_order_t *some_open(const model_t *m, pmm_rng_t *rng, uint32_t account) {
  uint64_t steps = pmm_rng_below(rng, 6);
  const pmm_place_order_t *o = pmm_place_open_after(m->place, account, 0);
  while (o && steps-- > 0) o = pmm_place_open_after(m->place, account, o->seq);
  return o;
}

static void do_order(model_t *m, pmm_rng_t *rng, uint32_t account, int64_t now) {
  static const uint8_t tifs[] = {PMM_GTC, PMM_GTC, PMM_GTC, PMM_GTD, PMM_IOC, PMM_FOK};
  char client[32];
  snprintf(client, sizeof client, "c%llu", (unsigned long long)pmm_rng_below(rng, 3 * OPS));
  pmm_place_request_t r = {.account = account,
                           .market = (uint32_t)pmm_rng_below(rng, MARKETS),
                           .route = (pmm_route_t)pmm_rng_below(rng, 4),
                           .price_e4 = 4500 + 100 * (int32_t)pmm_rng_below(rng, 10),
                           .qty_e6 = (int64_t)(1 + pmm_rng_below(rng, 2000)) * LOT,
                           .tif = (pmm_tif_t)tifs[pmm_rng_below(rng, CNT(tifs))],
                           .expire_ns = now + (int64_t)pmm_rng_below(rng, 300),
                           .stp = (int32_t)pmm_rng_below(rng, 4) - 1,
                           .post_only = pmm_rng_below(rng, 8) == 0,
                           .reduce_only = pmm_rng_below(rng, 8) == 0,
                           .from_inventory = pmm_rng_below(rng, 2),
                           .client_id = pmm_rng_below(rng, 2) ? client : NULL};
  if ((r.tif == PMM_IOC || r.tif == PMM_FOK) && pmm_rng_below(rng, 2)) r.spend_e6 = r.qty_e6 / 2, r.qty_e6 = 0, r.price_e4 = 5900;
  r.dry = pmm_rng_below(rng, 4) == 0;
  pmm_place_answer_t dry, real;
  uint64_t const orders = pmm_place_order_cnt(m->place), fills = pmm_place_fill_cnt(m->place);
  pmm_place_order(m->place, &r, now, &dry);
  if (!r.dry) return;
  assert_int_equal(pmm_place_order_cnt(m->place), orders);
  r.dry = false;
  pmm_place_order(m->place, &r, now, &real);
  assert_int_equal(dry.reject, real.reject); /* a dry order tells the truth */
  assert_true(!real.order == (real.reject != PMM_REJECT_NONE));
  if (!real.order) return;
  int64_t sum = 0, cost = 0;
  for (uint32_t i = 0; i < real.fill_cnt; i++) {
    const pmm_place_fill_t *const f = pmm_place_fill_at(m->place, real.first_fill + 2 * i);
    assert_true(f->seq > fills && f->order == real.order->seq && !f->maker);
    sum += f->qty_e6;
    cost += (f->qty_e6 * (is_no(f->route) ? 10000 - f->price_e4 : f->price_e4) + 9999) / 10000;
  }
  assert_int_equal(sum, real.filled_e6);
  assert_int_equal(sum, real.order->filled_e6);
  if (r.spend_e6) assert_true(cost <= r.spend_e6);
}

static bool is_dear(void *ctx, const pmm_place_order_t *o) { return o->price_e4 > *(int32_t *)ctx; }

static void do_pairs(model_t *m, pmm_rng_t *rng, uint32_t account, int64_t now) {
  uint32_t const k = (uint32_t)pmm_rng_below(rng, MARKETS);
  int64_t const qty = (int64_t)(1 + pmm_rng_below(rng, 500)) * LOT;
  bool const merge = pmm_rng_below(rng, 2);
  pmm_status_t const st = merge ? pmm_place_merge(m->place, account, k, qty, now) : pmm_place_split(m->place, account, k, qty, now);
  if (st == PMM_OK) m->op[account][k][m->op_cnt[account][k]++] = (op_t){.pairs = true, .qty = merge ? qty : -qty};
}

static void do_deposit(model_t *m, pmm_rng_t *rng, uint32_t account, int64_t now) {
  int64_t const amount = ((int64_t)pmm_rng_below(rng, 40) - 20) * ONE;
  if (pmm_place_deposit(m->place, account, amount, now) == PMM_OK) m->deposits[account] += amount;
}

static void do_market(model_t *m, pmm_rng_t *rng, int64_t now) {
  uint32_t const k = (uint32_t)pmm_rng_below(rng, MARKETS);
  if (pmm_rng_below(rng, 2)) pmm_place_regrid(m->place, k, now, pmm_rng_below(rng, 2) ? 100 : 50);
  else pmm_place_life(m->place, k, now, pmm_rng_below(rng, 3) ? PMM_LIFE_OPEN : PMM_LIFE_HALTED, PMM_OUTCOME_UNKNOWN, 0);
}

static void one(model_t *m, pmm_rng_t *rng, int64_t now) {
  uint32_t const account = (uint32_t)pmm_rng_below(rng, ACCOUNTS);
  uint64_t const what = pmm_rng_below(rng, 100);
  const pmm_place_order_t *const o = some_open(m, rng, account);
  int32_t limit = 4800;
  if (what < 60) do_order(m, rng, account, now);
  else if (what < 72 && o)
    assert_int_equal(pmm_place_cancel(m->place, account, o->seq, PMM_REJECT_USER, now, NULL), o->expire_ns <= now ? PMM_NOT_FOUND : PMM_OK);
  else if (what < 84 && o)
    pmm_place_amend(m->place, account, o->seq, pmm_rng_below(rng, 2) ? o->price_e4 : 4500 + 100 * (int32_t)pmm_rng_below(rng, 10),
                    (int64_t)(1 + pmm_rng_below(rng, 2000)) * LOT, now);
  else if (what < 86 && o) pmm_place_rename(m->place, account, o->seq, "renamed");
  else if (what < 87) pmm_place_cancel_if(m->place, account, is_dear, &limit, PMM_REJECT_USER, now);
  else if (what < 92) do_pairs(m, rng, account, now);
  else if (what < 94) do_deposit(m, rng, account, now);
  else if (what < 95) do_market(m, rng, now);
  else pmm_place_advance(m->place, now);
}

static void resolve_all(model_t *m, pmm_rng_t *rng, int64_t now) {
  for (uint32_t k = 0; k < MARKETS; k++) {
    int64_t before[ACCOUNTS];
    int64_t const payout = (int64_t)pmm_rng_below(rng, ONE + 1);
    assert_int_equal(pmm_place_life(m->place, k, now, PMM_LIFE_CLOSED, PMM_OUTCOME_UNKNOWN, 0), PMM_OK);
    pmm_place_advance(m->place, now);
    assert_int_equal(pmm_place_life(m->place, k, now, PMM_LIFE_RESOLVED, PMM_OUTCOME_VOID, payout), PMM_OK);
    m->resolved[k] = true;
    (void)before;
    for (uint32_t a = 0; a < ACCOUNTS; a++) { /* each outcome rounded down; pairs that net are dollars already */
      sums_t const s = add_up(m, a, k);
      int64_t const pairs = m->venue == PMM_VENUE_POLYMARKET ? 0 : s.yes < s.no ? s.yes : s.no;
      m->paid[a] += (int64_t)((__int128)(s.yes - pairs) * payout / ONE) + (int64_t)((__int128)(s.no - pairs) * (ONE - payout) / ONE);
    }
  }
}

static bool episode(uint64_t seed, pmm_venue_t venue, bool broken, char *why, size_t len) {
  static model_t m;
  memset(&m, 0, sizeof m);
  m.venue = venue;
  m.broken = broken;
  bool const late = venue == PMM_VENUE_POLYMARKET;
  pmm_place_config_t const c = {.venue = venue,
                                .accounts_max = ACCOUNTS,
                                .markets_max = MARKETS,
                                .settle_mined_ns = late ? 20 : 0,
                                .settle_ns = late ? 60 : 0,
                                .fail_share = late ? 0.1 : 0,
                                .ghost_share = late ? 0.05 : 0,
                                .seed = seed};
  pmm_error_t err;
  if (pmm_place_open(&m.place, &c, &err) != PMM_OK) fail_msg("%s", err.text);
  pmm_place_listen(m.place, (pmm_place_listener_t){listen, &m});
  pmm_rng_t rng;
  pmm_rng_seed(&rng, seed);
  for (uint32_t a = 0; a < ACCOUNTS; a++) {
    char name[16];
    uint32_t account;
    snprintf(name, sizeof name, "a%u", a);
    m.deposits[a] = (a == 0 ? 5 : 400) * ONE;
    assert_int_equal(pmm_place_account_add(m.place, name, m.deposits[a], &account, &err), PMM_OK);
  }
  bool same = true;
  for (int i = 0; i < OPS && same; i++) {
    if (i % 100 == 0 && i / 100 < MARKETS) { /* markets come while others trade */
      pmm_market_t market;
      uint32_t index;
      pmm_market_init(&market, i == 0 ? "first" : i == 100 ? "second" : "third");
      market.venue = (uint8_t)venue;
      if (i == 100) market.fees = (pmm_fee_schedule_t){.model = PMM_FEE_KALSHI, .taker_rate_e6 = 70000, .maker_rate_e6 = 17500, .precision_e6 = 100};
      assert_int_equal(pmm_place_market_add(m.place, &market, i, &index, &err), PMM_OK);
      assert_int_equal(pmm_place_market_add(m.place, &market, i, &index, &err), PMM_EXISTS);
    }
    if (i < 100 * MARKETS) continue;
    one(&m, &rng, i);
    if (i == OPS - 1) resolve_all(&m, &rng, i + 1);
    same = agrees(&m, why, len);
    if (same && i % 16 == 0) same = pmm_place_check(m.place, &err) == PMM_OK || (snprintf(why, len, "%s", err.text), false);
  }
  if (same && pmm_place_check(m.place, &err) != PMM_OK) same = (snprintf(why, len, "%s", err.text), false);
  if (same && !broken) {
    assert_true(m.fills > 200 && m.orders > 500 && m.levels > 500);
    if (late) assert_true(m.failed > 10 && m.ghosts > 3 && m.settles > 300);
  }
  pmm_place_close(m.place);
  return same;
}

static void random_against_sums(void **state) {
  (void)state;
  uint64_t const seed = test_seed(), runs = test_ops(12);
  static const pmm_venue_t venues[] = {PMM_VENUE_POLYMARKET, PMM_VENUE_KALSHI, PMM_VENUE_DEGEN};
  char why[512];
  for (uint64_t k = 0; k < runs; k++)
    if (!episode(seed + k, venues[k % 3], false, why, sizeof why))
      fail_msg("%s (seed %llu, venue %d)", why, (unsigned long long)(seed + k), (int)venues[k % 3]);
}

/* Sums that keep failed trades must be found out. */
static void canary(void **state) {
  (void)state;
  char why[512];
  assert_false(episode(1, PMM_VENUE_POLYMARKET, true, why, sizeof why));
}

int main(void) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(random_against_sums), cmocka_unit_test(canary)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
