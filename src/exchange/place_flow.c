/* Background flow of a place: synthetic traders around a random truth, or a recording mirrored into orders. Their orders are orders like any
   other; only the records of those that end without a fill are used again.

   A recording gives the sum at each price: one account keeps as much resting there, adding an order behind when the sum grows and taking
   from its newest when it shrinks; a print is a take by another account, so that members stand in the queue where time put them. Some
   feeds tell a level's decrease before the print that explains it: then both would shrink it, and it is made good a moment later. */
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include "exchange/place_impl.h"
#include "exchange/traders_impl.h"
#include "pmm/hash.h"

#define MIRROR_CASH_E6 INT64_C(1000000000000000) /* a billion dollars */
#define REPAIR_NS (100 * PMM_NS_PER_MS)
#define REPAIRS 64

typedef struct repair { int64_t at_ns; uint8_t side; int32_t price_e4; } repair_t;
typedef struct mirror {
  const pmm_md_t *md;
  size_t cnt, next;
  uint32_t md_market, maker, taker;
  bool snapshot;                       /* between CLEAR and the end of its message */
  int64_t want_e6[2][PMM_ONE_E4];      /* [side][price_e4] */
  uint64_t newest[2][PMM_ONE_E4];      /* order on top */
  repair_t repair[REPAIRS];            /* oldest first */
  uint32_t repair_cnt;
} mirror_t;

struct pmm__flow {
  pmm__flow_t *next;
  pmm_place_t *place;
  uint32_t market;
  int64_t start_ns;
  bool over;
  pmm_scenario_t truth;
  pmm_traders_t *traders;              /* NULL: a mirror */
  pmm_arena_t arena;
  mirror_t *mirror;
};

/* ---- synthetic traders ---- */

static uint64_t open_by_tag(const pmm_place_t *p, uint32_t account, uint64_t tag) {
  for (const pmm_place_order_t *o = pmm_place_open_after(p, account, 0); o; o = pmm_place_open_after(p, account, o->seq))
    if (o->tag == tag) return o->seq;
  return 0;
}

static void tell_trader(const pmm__flow_t *f, uint32_t account, pmm_kind_t kind, uint64_t tag, int64_t qty_e6) {
  pmm_event_t const e = {.md = {.kind = (uint8_t)kind, .qty_e6 = qty_e6}, .order_id = tag};
  pmm_traders_on_event(f->traders, account, &e);
}

static void from_trader(void *ctx, uint32_t account, int64_t now_ns, const pmm_action_t *a) {
  const pmm__flow_t *const f = ctx;
  if (a->kind == PMM_ACT_CANCEL) {
    uint64_t const seq = open_by_tag(f->place, account, a->order_id);
    if (seq != 0) pmm_place_cancel(f->place, account, seq, PMM_REJECT_USER, now_ns, NULL);
    return;
  }
  pmm_place_request_t const r = {.account = account,
                                 .market = a->market,
                                 .route = (pmm_route_t)a->route,
                                 .price_e4 = a->price_e4,
                                 .qty_e6 = a->qty_e6,
                                 .tif = (pmm_tif_t)a->tif,
                                 .expire_ns = a->expire_ns,
                                 .post_only = a->flags & PMM_ACT_POST_ONLY,
                                 .from_inventory = true,
                                 .stp = PMM_STP_CANCEL_MAKER,
                                 .tag = a->order_id};
  pmm_place_answer_t answer;
  pmm_place_order(f->place, &r, now_ns, &answer);
  if (answer.reject != PMM_REJECT_NONE) tell_trader(f, account, PMM_EV_REJECT, a->order_id, 0);
}

static int64_t truth_next(const pmm__flow_t *f) {
  return f->truth.done ? PMM_NS_MAX : pmm_min64(f->truth.at_ns + f->truth.params.step_ns, f->truth.end_ns);
}

static void step_traders(pmm__flow_t *f, int64_t now_ns) {
  while (truth_next(f) <= now_ns && pmm_scenario_step(&f->truth)) continue;
  if (f->truth.done) f->over = true;
  else pmm_traders_step(f->traders, now_ns, f->truth.p);
}

/* ---- a recording ---- */

static uint64_t *newest_of(mirror_t *m, const pmm__order_t *o) { return &m->newest[pmm_route_side((pmm_route_t)o->pub.route)][o->pub.price_e4]; }

static void send(pmm__flow_t *f, uint32_t account, pmm_side_t side, int32_t price_e4, int64_t qty_e6, pmm_tif_t tif) {
  pmm_place_t *const p = f->place;
  int64_t const qty = pmm_floor_to_lot(qty_e6, pmm_place_market(p, f->market)->lot_e6);
  pmm_place_request_t const r = {.account = account,
                                 .market = f->market,
                                 .route = side == PMM_BID ? PMM_BUY_YES : PMM_BUY_NO,
                                 .price_e4 = price_e4,
                                 .qty_e6 = qty,
                                 .tif = tif,
                                 .stp = PMM_STP_CANCEL_MAKER};
  pmm_place_answer_t answer;
  pmm_place_order(p, &r, p->now_ns, &answer);
  if (!answer.order || answer.order->status != PMM_PLACE_OPEN) return;
  pmm__order_t *const o = pmm__order_at(p, answer.order->seq);
  uint64_t *const newest = newest_of(f->mirror, o);
  o->below = *newest;
  if (*newest) pmm__order_at(p, *newest)->above = o->pub.seq;
  *newest = o->pub.seq;
}

static void shrink(pmm__flow_t *f, pmm_side_t side, int32_t price_e4, int64_t less_e6) {
  pmm_place_t *const p = f->place;
  while (less_e6 > 0 && f->mirror->newest[side][price_e4] != 0) {
    const pmm__order_t *const o = pmm__order_at(p, f->mirror->newest[side][price_e4]);
    int64_t const open = o->pub.open_e6;
    if (open > less_e6 && pmm_place_amend(p, f->mirror->maker, o->pub.seq, price_e4,
                                          pmm_floor_to_lot(open - less_e6, pmm_place_market(p, f->market)->lot_e6), p->now_ns) == PMM_REJECT_NONE)
      return;
    if (pmm_place_cancel(p, f->mirror->maker, o->pub.seq, PMM_REJECT_USER, p->now_ns, NULL) != PMM_OK) return;
    less_e6 -= open;
  }
}

static void mirror_level(pmm__flow_t *f, pmm_side_t side, int32_t price_e4) {
  int64_t rests = 0;
  for (const pmm__order_t *o = pmm__order_at(f->place, f->mirror->newest[side][price_e4]); o; o = pmm__order_at(f->place, o->below))
    rests += o->pub.open_e6;
  int64_t const more = f->mirror->want_e6[side][price_e4] - rests;
  if (more > 0) send(f, f->mirror->maker, side, price_e4, more, PMM_GTC);
  else shrink(f, side, price_e4, -more);
}

static void mirror_all(pmm__flow_t *f) {
  for (int side = PMM_BID; side <= PMM_ASK; side++)
    for (int32_t price = 1; price < PMM_ONE_E4; price++)
      if (f->mirror->want_e6[side][price] != 0 || f->mirror->newest[side][price] != 0) mirror_level(f, (pmm_side_t)side, price);
}

static void drop_repair(mirror_t *m, uint32_t i) {
  memmove(&m->repair[i], &m->repair[i + 1], (m->repair_cnt - i - 1) * sizeof m->repair[0]);
  m->repair_cnt--;
}

static void repair(pmm__flow_t *f, int64_t now_ns) {
  mirror_t *const m = f->mirror;
  while (m->repair_cnt > 0 && m->repair[0].at_ns <= now_ns) {
    repair_t const r = m->repair[0];
    drop_repair(m, 0);
    mirror_level(f, (pmm_side_t)r.side, r.price_e4);
  }
}

static void on_print(pmm__flow_t *f, const pmm_md_t *md) {
  mirror_t *const m = f->mirror;
  send(f, m->taker, (pmm_side_t)md->side, md->price_e4, md->qty_e6, PMM_IOC);
  if (m->repair_cnt == REPAIRS) drop_repair(m, 0);
  m->repair[m->repair_cnt++] = (repair_t){.at_ns = f->place->now_ns + REPAIR_NS, .side = md->side ^ 1, .price_e4 = md->price_e4};
}

static void on_level(pmm__flow_t *f, const pmm_md_t *md) {
  mirror_t *const m = f->mirror;
  m->want_e6[md->side][md->price_e4] = md->qty_e6;
  if (!m->snapshot) mirror_level(f, (pmm_side_t)md->side, md->price_e4);
  for (uint32_t i = 0; i < m->repair_cnt; i++)
    if (m->repair[i].side == md->side && m->repair[i].price_e4 == md->price_e4) drop_repair(m, i--);
}

static bool has_price(const pmm_md_t *md) { return md->price_e4 > 0 && md->price_e4 < PMM_ONE_E4 && md->side <= PMM_ASK && md->qty_e6 >= 0; }

static void on_md(pmm__flow_t *f, const pmm_md_t *md) {
  pmm_place_t *const p = f->place;
  mirror_t *const m = f->mirror;
  switch (md->kind) {
  case PMM_MD_LEVEL:
    if (has_price(md)) on_level(f, md);
    break;
  case PMM_MD_TRADE:
    if (has_price(md)) on_print(f, md);
    break;
  case PMM_MD_CLEAR:
    memset(m->want_e6, 0, sizeof m->want_e6);
    m->snapshot = true;
    break;
  case PMM_MD_STATUS: pmm_place_life(p, f->market, p->now_ns, (pmm_life_t)md->aux, (pmm_outcome_t)md->side, md->qty_e6); break;
  case PMM_MD_TICK: pmm_place_regrid(p, f->market, p->now_ns, md->price_e4); break;
  default: break;
  }
  if (m->snapshot && (md->flags & PMM_F_LAST)) {
    m->snapshot = false;
    mirror_all(f);
  }
}

static int64_t md_at(const pmm__flow_t *f, size_t i) { return f->start_ns + (f->mirror->md[i].recv_ns - f->mirror->md[0].recv_ns); }

static void step_mirror(pmm__flow_t *f, int64_t now_ns) {
  mirror_t *const m = f->mirror;
  repair(f, now_ns);
  while (m->next < m->cnt && md_at(f, m->next) <= now_ns) {
    const pmm_md_t *const md = &m->md[m->next++];
    if (md->market == m->md_market && !pmm_kind_is_underlying(md->kind)) on_md(f, md);
  }
  if (m->next == m->cnt && m->repair_cnt == 0) f->over = true;
}

/* ---- what becomes of their orders ---- */

void pmm__flow_filled(pmm_place_t *p, const pmm__order_t *o, int64_t qty_e6) {
  const pmm__flow_t *const f = p->account[o->pub.account].flow;
  if (f->traders) tell_trader(f, o->pub.account, PMM_EV_FILL, o->pub.tag, qty_e6);
}

void pmm__flow_closed(pmm_place_t *p, pmm__order_t *o) {
  pmm__flow_t *const f = p->account[o->pub.account].flow;
  if (f->traders) {
    tell_trader(f, o->pub.account, PMM_EV_CANCELLED, o->pub.tag, 0);
    return;
  }
  uint64_t *const newest = newest_of(f->mirror, o);
  if (o->above) pmm__order_at(p, o->above)->below = o->below;
  else if (*newest == o->pub.seq) *newest = o->below;
  if (o->below && pmm__order_at(p, o->below)->above == o->pub.seq) pmm__order_at(p, o->below)->above = o->above;
  o->above = o->below = 0;
}

/* ---- opening ---- */

static pmm_status_t add_flow(pmm_place_t *p, uint32_t market, int64_t now_ns, pmm__flow_t **out, pmm_error_t *err) {
  for (const pmm__flow_t *f = p->flow; f; f = f->next)
    if (f->market == market) return pmm_error_set(err, PMM_EXISTS, "market %s has background flow already", pmm_place_market(p, market)->id);
  pmm__flow_t *const f = calloc(1, sizeof *f);
  if (!f) return pmm_error_set(err, PMM_FULL, "no memory");
  *f = (pmm__flow_t){.place = p, .market = market, .start_ns = now_ns};
  *out = f;
  return PMM_OK;
}

static void free_flow(pmm__flow_t *f) {
  if (f->arena.base) pmm_arena_close(&f->arena);
  free(f->mirror);
  free(f);
}

/* From here on it stays: its accounts are open. */
static pmm_status_t keep_flow(pmm_place_t *p, pmm__flow_t *f, pmm_error_t *err) {
  f->next = p->flow;
  p->flow = f;
  pmm_status_t const st = pmm__place_adopt_accounts(p, f, pmm_place_market(p, f->market)->id);
  return st == PMM_OK ? st : pmm_error_set(err, st, "no memory");
}

pmm_status_t pmm_place_traders(pmm_place_t *p, uint32_t market, const pmm_scenario_params_t *scenario, const pmm_traders_params_t *traders,
                               uint64_t seed, int64_t now_ns, pmm_error_t *err) {
  pmm__flow_t *f = NULL; /* gcc cannot see that an error is never PMM_OK */
  pmm_status_t st = add_flow(p, market, now_ns, &f, err);
  if (st != PMM_OK) return st;
  st = pmm_arena_open(&f->arena, (size_t)4 << 20);
  if (st == PMM_OK) st = pmm_scenario_init(&f->truth, scenario, now_ns, pmm_hash_mix(seed, 1));
  if (st == PMM_OK)
    st = pmm_traders_init(&f->traders, &f->arena, traders, p->match, market, now_ns, pmm_hash_mix(pmm_hash_mix(seed, 2), p->config.seed));
  if (st != PMM_OK) {
    free_flow(f);
    return pmm_error_set(err, st, "synthetic traders of market %s: %s", pmm_place_market(p, market)->id, pmm_status_to_string(st));
  }
  pmm__traders_route(f->traders, from_trader, f);
  return keep_flow(p, f, err);
}

pmm_status_t pmm_place_flow(pmm_place_t *p, uint32_t market, uint32_t md_market, const pmm_md_t *md, size_t cnt, int64_t now_ns, pmm_error_t *err) {
  pmm__flow_t *f = NULL; /* gcc cannot see that an error is never PMM_OK */
  if (cnt == 0) return pmm_error_set(err, PMM_INVAL, "the recording for market %s is empty", pmm_place_market(p, market)->id);
  if (p->match->params.accounts_max - p->match->account_cnt < 2) return pmm_error_set(err, PMM_FULL, "no room for more accounts");
  pmm_status_t const st = add_flow(p, market, now_ns, &f, err);
  if (st != PMM_OK) return st;
  if (!(f->mirror = calloc(1, sizeof *f->mirror))) {
    free_flow(f);
    return pmm_error_set(err, PMM_FULL, "no memory");
  }
  f->mirror->md = md;
  f->mirror->cnt = cnt;
  f->mirror->md_market = md_market;
  (void)pmm_match_account(p->match, MIRROR_CASH_E6, &f->mirror->maker);
  (void)pmm_match_account(p->match, MIRROR_CASH_E6, &f->mirror->taker);
  return keep_flow(p, f, err);
}

void pmm__flow_free(pmm_place_t *p) {
  for (pmm__flow_t *f = p->flow, *next; f; f = next) {
    next = f->next;
    free_flow(f);
  }
  p->flow = NULL;
}

/* ---- time ---- */

static int64_t next_of(const pmm__flow_t *f) {
  if (f->over) return PMM_NS_MAX;
  if (f->traders) return pmm_min64(truth_next(f), pmm_traders_next_ns(f->traders));
  const mirror_t *const m = f->mirror;
  int64_t const md = m->next < m->cnt ? md_at(f, m->next) : PMM_NS_MAX;
  return m->repair_cnt > 0 ? pmm_min64(md, m->repair[0].at_ns) : md;
}

int64_t pmm__flow_next(const pmm_place_t *p) {
  int64_t next = PMM_NS_MAX;
  for (const pmm__flow_t *f = p->flow; f; f = f->next) next = pmm_min64(next, next_of(f));
  return next;
}

void pmm__flow_step(pmm_place_t *p, int64_t now_ns) {
  pmm__place_at(p, now_ns);
  for (pmm__flow_t *f = p->flow; f; f = f->next) {
    if (next_of(f) > now_ns) continue;
    uint8_t const life = pmm_place_market(p, f->market)->life;
    if (f->traders) step_traders(f, now_ns);
    else step_mirror(f, now_ns);
    if (life == PMM_LIFE_RESOLVED) f->over = true;
  }
}

double pmm_place_truth(const pmm_place_t *p, uint32_t market, int64_t *spot_e8) {
  for (const pmm__flow_t *f = p->flow; f; f = f->next) {
    if (f->market != market || !f->traders) continue;
    if (spot_e8) *spot_e8 = f->truth.params.kind == PMM_SCENARIO_DIGITAL ? (int64_t)floor(f->truth.spot * 1e8 + 0.5) : 0;
    return f->truth.p;
  }
  return NAN;
}
