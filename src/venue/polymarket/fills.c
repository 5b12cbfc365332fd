/* Trades to fills. A trade is told several times as it moves on (matched, mined, confirmed, or failed and undone), on the user channel and by
   REST; each order's share in it is told once, under a reference made of the trade and the maker's order. */
#include <stdio.h>
#include "adapter.h"
#include "pmm/hash.h"

#define BUCKETS (PMM__FILLS_MAX * 2)

static pmm__fill_t *find(pmm__poly_t *p, uint64_t key) {
  for (uint32_t n = p->by_fill[key & (BUCKETS - 1)]; n != 0; n = p->fill[n - 1].next)
    if (p->fill[n - 1].key == key) return &p->fill[n - 1];
  return NULL;
}

static bool is_final(uint8_t state) { return state == PMM_POLY_CONFIRMED || state == PMM_POLY_FAILED; }

static void forget(pmm__poly_t *p, pmm__fill_t *f) {
  uint32_t const n = (uint32_t)(f - p->fill) + 1;
  for (uint32_t *at = &p->by_fill[f->key & (BUCKETS - 1)]; *at != 0; at = &p->fill[*at - 1].next)
    if (*at == n) {
      *at = f->next;
      break;
    }
  if (!is_final(f->state)) p->fills_pending--;
}

static pmm__fill_t *add(pmm__poly_t *p, uint64_t key) { /* the oldest gives up its place */
  pmm__fill_t *const f = &p->fill[p->fill_at];
  p->fill_at = (p->fill_at + 1) % PMM__FILLS_MAX;
  if (f->key != 0) forget(p, f);
  uint32_t *const bucket = &p->by_fill[key & (BUCKETS - 1)];
  *f = (pmm__fill_t){.key = key, .next = *bucket};
  *bucket = (uint32_t)(f - p->fill) + 1;
  return f;
}

static void settle(pmm__poly_t *p, pmm__fill_t *f, uint8_t state, int64_t exch_ns) {
  if (is_final(f->state) || f->state == state) return;
  f->state = state;
  if (!is_final(state)) return;
  p->fills_pending--;
  if (f->ref == 0) return; /* never told as a fill */
  pmm_event_t const ev = {.ref_id = f->ref, .order_id = f->order_id,
                          .md = {.recv_ns = pmm_net_now(p->net), .exch_ns = exch_ns, .market = p->first + f->market, .flags = PMM_F_LAST,
                                 .kind = state == PMM_POLY_CONFIRMED ? PMM_EV_SETTLED : PMM_EV_SETTLE_FAILED}};
  p->sink.account(p->sink.ctx, &ev);
}

typedef struct part { pmm__order_t *order; uint64_t ref; int32_t price_e4; int64_t qty_e6; bool maker; } part_t; /* price: YES */

static int64_t fee_of(const pmm__poly_t *p, const part_t *part) {
  const pmm_fee_schedule_t *const fees = &p->market[part->order->market].listing.market.fees;
  return pmm_fee_charge(fees, part->maker, part->order->route, part->price_e4, part->qty_e6, NULL);
}

static void tell(pmm__poly_t *p, const pmm_poly_user_trade_t *trade, const part_t *part) {
  pmm__order_t *const o = part->order;
  pmm_event_t ev = {.order_id = o->order_id, .ref_id = part->ref, .amount_e6 = fee_of(p, part)};
  ev.md = (pmm_md_t){.recv_ns = pmm_net_now(p->net), .exch_ns = trade->match_ns, .qty_e6 = part->qty_e6, .price_e4 = part->price_e4, .market = p->first + o->market,
                     .kind = PMM_EV_FILL, .side = (uint8_t)pmm_route_side((pmm_route_t)o->route),
                     .flags = (uint8_t)(PMM_F_LAST | (part->maker ? PMM_F_MAKER : 0)), .aux = trade->state == PMM_POLY_CONFIRMED ? PMM_SETTLE_FINAL : PMM_SETTLE_PENDING};
  o->filled_e6 += part->qty_e6;
  if (o->matched_e6 < o->filled_e6) o->matched_e6 = o->filled_e6;
  p->fills_told++;
  p->sink.account(p->sink.ctx, &ev);
  bool const complete = o->filled_e6 >= o->matched_e6 && (o->closed || o->filled_e6 >= o->qty_e6);
  if (complete && o->state != PMM__ORDER_LOST) pmm__order_done(p, o);
}

static void take_part(pmm__poly_t *p, const pmm_poly_user_trade_t *trade, const part_t *part, bool known) {
  uint64_t const key = pmm_hash_mix(part->ref, part->order ? part->order->order_id : 0) | 1;
  pmm__fill_t *f = find(p, key);
  if (f) {
    settle(p, f, trade->state, trade->match_ns);
    return;
  }
  f = add(p, key);
  f->state = trade->state;
  if (!is_final(trade->state)) p->fills_pending++;
  if (!part->order || !known || trade->state == PMM_POLY_FAILED || part->qty_e6 == 0) return;
  f->ref = part->ref;
  f->market = part->order->market;
  f->order_id = part->order->order_id;
  tell(p, trade, part);
}

/* Of the trade and the maker's order. Makers of one trade whose ids are of another form are told apart by price and size. */
static uint64_t ref_of(const pmm_poly_user_trade_t *trade, const pmm_poly_share_t *share) {
  static const pmm_poly_word_t zero;
  pmm_poly_word_t id = share->order;
  if (pmm_poly_word_eq(&id, &zero)) {
    memcpy(id.b, &share->qty_e6, sizeof share->qty_e6);
    memcpy(id.b + 8, &share->price_e4, sizeof share->price_e4);
  }
  const pmm_poly_word_t *const maker = &id;
  char text[PMM_POLY_TRADE_ID_MAX + PMM_POLY_HEX_WORD];
  size_t const len = strlen(trade->id);
  memcpy(text, trade->id, len);
  text[len] = '/';
  return pmm_venue_ref(text, len + 1 + pmm_poly_hex(maker->b, sizeof maker->b, text + len + 1));
}

static int32_t yes_price(const pmm_poly_share_t *share) { return share->no ? PMM_ONE_E4 - share->price_e4 : share->price_e4; }

/* Our own order took: it paid each maker's price, which is exact, while the trade's own may be a mean. */
static void take_as_taker(pmm__poly_t *p, const pmm_poly_user_trade_t *trade, pmm__order_t *o, bool tell_it) {
  int64_t sum = 0;
  for (uint32_t i = 0; i < trade->maker_cnt; i++) sum += trade->maker[i].qty_e6;
  if (sum == trade->taker.qty_e6) {
    for (uint32_t i = 0; i < trade->maker_cnt; i++)
      take_part(p, trade, &(part_t){o, ref_of(trade, &trade->maker[i]), yes_price(&trade->maker[i]), trade->maker[i].qty_e6, false}, tell_it);
    return;
  }
  int32_t const price = yes_price(&trade->taker);
  if (price > 0 && price < PMM_ONE_E4) take_part(p, trade, &(part_t){o, ref_of(trade, &trade->taker), price, trade->taker.qty_e6, false}, tell_it);
}

void pmm__trade_heard(pmm__poly_t *p, const pmm_poly_user_trade_t *trade, bool tell_it) {
  if (trade->state == PMM_POLY_TRADE_UNKNOWN) {
    pmm__poly_note(p, PMM_WARN, "trade", PMM_NOTICE_NO_MARKET, "trade %s has a state we do not know", trade->id);
    return;
  }
  pmm__order_t *const taker = pmm__order_by_word(p, &trade->taker.order);
  if (trade->match_ns != PMM_TIME_NONE && trade->match_ns / PMM_NS_PER_S > p->last_trade_s) p->last_trade_s = trade->match_ns / PMM_NS_PER_S;
  if (taker) take_as_taker(p, trade, taker, tell_it);
  for (uint32_t i = 0; i < trade->maker_cnt; i++) {
    pmm__order_t *const maker = pmm__order_by_word(p, &trade->maker[i].order);
    if (maker) take_part(p, trade, &(part_t){maker, ref_of(trade, &trade->maker[i]), yes_price(&trade->maker[i]), trade->maker[i].qty_e6, true}, tell_it);
  }
}
