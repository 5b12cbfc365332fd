/* check.c -- what the venue says the account holds: taken over at the start, compared with the ledger ever after. */
#include <inttypes.h>
#include <string.h>
#include "live_impl.h"
#include "pmm/hash.h"

#define LASTING 3                       /* the same difference in so many reports in a row is one */
#define AGAIN_NS (2 * PMM_NS_PER_S)

/* -- takeover -- */
static void take_holding(pmm__live_venue_t *v, const pmm_holding_report_t *h) {
  pmm_live_t *const l = v->live;
  if (h->market >= l->setup.market_cnt || l->wallet[h->market] != v->index) return;
  uint32_t const slot = l->slot_of_market[h->market];
  if (slot == UINT32_MAX) {
    pmm__live_note(l, PMM_WARN, "unmanaged", h->market, "%s: holds %" PRId64 " YES and %" PRId64 " NO (millionths) that no strategy manages",
                   l->setup.market[h->market].id, h->yes_e6, h->no_e6);
    return;
  }
  for (int no = 0; no < 2; no++) {
    int64_t const qty = no ? h->no_e6 : h->yes_e6, cost = no ? h->no_cost_e6 : h->yes_cost_e6;
    if (qty <= 0) continue;
    if (cost < 0) pmm__live_note(l, PMM_WARN, "cost-unknown", h->market, "%s: cost of what is held is not known; 0.50 each is taken", l->setup.market[h->market].id);
    pmm_event_t const ev = {.md = {.recv_ns = pmm_net_now(l->net), .exch_ns = PMM_TIME_NONE, .kind = PMM_EV_POSITION, .market = h->market, .seq = slot,
                                   .side = (uint8_t)no, .qty_e6 = qty, .price_e4 = pmm__kept_value_e4(v, h->market)}, .amount_e6 = cost >= 0 ? cost : qty / 2};
    pmm__live_event(l, &ev);
  }
}

static void take_order(pmm__live_venue_t *v, const pmm_order_report_t *o) {
  pmm_live_t *const l = v->live;
  if (o->market >= l->setup.market_cnt || l->slot_of_market[o->market] == UINT32_MAX) return;
  pmm_event_t const ev = {.md = {.recv_ns = pmm_net_now(l->net), .exch_ns = o->placed_ns, .kind = PMM_EV_OPEN_ORDER, .market = o->market,
                                 .seq = l->slot_of_market[o->market], .aux = o->route, .price_e4 = o->price_e4, .qty_e6 = o->open_e6},
                          .order_id = o->order_id, .amount_e6 = o->filled_e6};
  pmm__live_event(l, &ev);
}

static void take_over(pmm__live_venue_t *v, const pmm_account_report_t *r) {
  pmm_live_t *const l = v->live;
  pmm_event_t const ev = {.md = {.recv_ns = pmm_net_now(l->net), .exch_ns = PMM_TIME_NONE, .kind = PMM_EV_DEPOSIT, .seq = v->index}, .amount_e6 = r->cash_e6};
  pmm__live_event(l, &ev);
  for (size_t i = 0; i < r->holding_cnt; i++) take_holding(v, &r->holding[i]);
  for (size_t i = 0; i < r->order_cnt; i++) take_order(v, &r->order[i]);
  v->taken_over = true;
  pmm__live_note(l, PMM_NOTE, "takeover", PMM_NOTICE_NO_MARKET, "%s: $%" PRId64 ".%06" PRId64 " cash, %zu markets held, %zu orders open", v->status.name,
                 r->cash_e6 / PMM_ONE_E6, r->cash_e6 % PMM_ONE_E6, r->holding_cnt, r->order_cnt);
}

static void resume_when_all(pmm_live_t *l) {
  for (uint32_t i = 0; i < l->venue_cnt; i++)
    if (!l->venue[i].taken_over) return;
  if (l->phase != PMM_LIVE_TAKEOVER) return;
  l->phase = PMM_LIVE_RUNNING;
  if (l->cfg.before && l->cfg.before->killed) pmm_live_operator(l, PMM_OP_KILL);
  else pmm_live_operator(l, PMM_OP_RESUME);
}

/* -- comparing -- */
typedef struct ours { int64_t yes_e6, no_e6; } ours_t;

static ours_t held_in(const pmm_live_t *l, uint32_t market) {
  ours_t sum = {0};
  for (uint32_t i = 0; i < l->setup.slot_cnt; i++) {
    if (l->setup.slot[i].market != market) continue;
    pmm_position_t p;
    pmm_ledger_position(pmm_engine_ledger(l->setup.engine), i, &p);
    sum.yes_e6 += p.yes_e6;
    sum.no_e6 += p.no_e6;
  }
  return sum;
}

static const pmm_holding_report_t *reported(const pmm_account_report_t *r, uint32_t market) {
  for (size_t i = 0; i < r->holding_cnt; i++)
    if (r->holding[i].market == market) return &r->holding[i];
  return NULL;
}

/* Netting or not, a venue's YES less NO is ours; where it does not net, each is. */
static bool market_differs(const pmm__live_venue_t *v, const pmm_account_report_t *r, uint32_t market, int64_t *yes, int64_t *no) {
  const pmm_live_t *const l = v->live;
  pmm_holding_report_t const *const theirs = reported(r, market);
  ours_t const mine = held_in(l, market);
  *yes = (theirs ? theirs->yes_e6 : 0) - mine.yes_e6;
  *no = (theirs ? theirs->no_e6 : 0) - mine.no_e6;
  if (pmm_net_applies(l->config->account.net_pairs, &l->setup.market[market])) {
    *yes -= *no;
    *no = 0;
  }
  return *yes || *no;
}

/* A pair of YES and NO is a dollar. Where the venue nets, it may do so before our ledger can, which keeps what rests in an order apart: pairs count
   as cash on both sides. */
static int64_t more_cash(const pmm__live_venue_t *v, const pmm_account_report_t *r) {
  const pmm_live_t *const l = v->live;
  int64_t more = r->cash_e6 - pmm_ledger_wallet_cash(pmm_engine_ledger(l->setup.engine), v->index);
  for (uint32_t i = 0; i < v->market_cnt; i++) {
    uint32_t const market = v->first_market + i;
    if (!pmm_net_applies(l->config->account.net_pairs, &l->setup.market[market]) || l->slot_of_market[market] == UINT32_MAX) continue;
    pmm_holding_report_t const *const theirs = reported(r, market);
    ours_t const mine = held_in(l, market);
    more += (theirs ? pmm_min64(theirs->yes_e6, theirs->no_e6) : 0) - pmm_min64(mine.yes_e6, mine.no_e6);
  }
  return more;
}

/* One word for all that differs, so that the next report can be told to differ in the same way; 0: nothing does. */
static uint64_t differences(const pmm__live_venue_t *v, const pmm_account_report_t *r, char *text, size_t cap) {
  const pmm_live_t *const l = v->live;
  int64_t const cash = more_cash(v, r);
  uint64_t h = 0;
  size_t n = 0;
  text[0] = '\0';
  if ((double)(cash < 0 ? -cash : cash) > l->config->live.difference_dollars * 1e6) {
    h = pmm_hash_mix(1, (uint64_t)cash);
    n += (size_t)snprintf(text, cap, " cash %+" PRId64 "e-6", cash);
  }
  for (uint32_t i = 0; i < v->market_cnt; i++) {
    int64_t yes, no;
    uint32_t const market = v->first_market + i;
    if (l->slot_of_market[market] == UINT32_MAX || !market_differs(v, r, market, &yes, &no)) continue;
    h = pmm_hash_mix(h + 1 + market, (uint64_t)yes ^ ((uint64_t)no << 32));
    if (n < cap) n += (size_t)snprintf(text + n, cap - n, " %s %+" PRId64 "/%+" PRId64 "e-6", l->setup.market[market].id, yes, no);
  }
  return h;
}

/* Cash that no fill explains and nothing else contradicts: a deposit, a reward, a rebate. */
static bool only_more_cash(const pmm__live_venue_t *v, const pmm_account_report_t *r) {
  const pmm_live_t *const l = v->live;
  for (uint32_t i = 0; i < v->market_cnt; i++) {
    int64_t yes, no;
    uint32_t const market = v->first_market + i;
    if (l->slot_of_market[market] != UINT32_MAX && market_differs(v, r, market, &yes, &no)) return false;
  }
  return more_cash(v, r) > 0;
}

static void lasting(pmm__live_venue_t *v, const pmm_account_report_t *r, const char *text) {
  pmm_live_t *const l = v->live;
  if (only_more_cash(v, r)) {
    int64_t const more = more_cash(v, r);
    pmm_event_t const ev = {.md = {.recv_ns = pmm_net_now(l->net), .exch_ns = PMM_TIME_NONE, .kind = PMM_EV_DEPOSIT, .seq = v->index}, .amount_e6 = more};
    pmm__live_note(l, PMM_WARN, "cash-in", PMM_NOTICE_NO_MARKET, "%s: %" PRId64 " millionths of a dollar came in that no fill explains; booked as a deposit", v->status.name, more);
    pmm__live_event(l, &ev);
    v->differing = 0;
    return;
  }
  v->status.differences++;
  pmm__live_note(l, PMM_ALERT, "difference", PMM_NOTICE_NO_MARKET, "%s: the venue less the ledger:%s%s", v->status.name, text,
                 l->config->live.difference_stops ? "; trading stops" : "");
  if (l->config->live.difference_stops) pmm_live_operator(l, PMM_OP_KILL);
}

static void compare(pmm__live_venue_t *v, const pmm_account_report_t *r) {
  char text[160];
  uint64_t const h = differences(v, r, text, sizeof text);
  v->differing = h == 0 ? 0 : h == v->difference ? v->differing + 1 : 1;
  v->difference = h;
  if (v->differing == LASTING) lasting(v, r, text);
  if (h && v->differing < LASTING) pmm_net_timer_set(v->live->net, &v->again, pmm_net_mono(v->live->net) + AGAIN_NS);
}

void pmm__live_report(pmm__live_venue_t *v, const pmm_account_report_t *report) {
  pmm_live_t *const l = v->live;
  if (!l->has_setup || l->paper) return;
  v->status.reports++;
  v->status.cash_e6 = report->cash_e6;
  if (report->takeover && !v->taken_over) {
    take_over(v, report);
    resume_when_all(l);
  } else if (!report->takeover && report->in_flight == 0) {
    compare(v, report);
  }
  v->status.ledger_cash_e6 = pmm_ledger_wallet_cash(pmm_engine_ledger(l->setup.engine), v->index);
}
