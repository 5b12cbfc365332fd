/* Looking into a place, and the check of all it says. */
#include <string.h>
#include "exchange/place_impl.h"
#include "pmm/hash.h"

/* ---- records ---- */

uint64_t pmm_place_order_cnt(const pmm_place_t *p) { return p->order.cnt; }
uint64_t pmm_place_trade_cnt(const pmm_place_t *p) { return p->trade.cnt; }
uint64_t pmm_place_fill_cnt(const pmm_place_t *p) { return p->fill.cnt; }

const pmm_place_order_t *pmm_place_order_at(const pmm_place_t *p, uint64_t seq) {
  const pmm__order_t *const o = pmm__order_at(p, seq);
  return o && o->pub.id[0] ? &o->pub : NULL; /* without an id: only a name that stays used */
}

const pmm_place_trade_t *pmm_place_trade_at(const pmm_place_t *p, uint64_t seq) {
  const pmm__trade_t *const t = pmm__store_at(&p->trade, seq);
  return t ? &t->pub : NULL;
}

const pmm_place_fill_t *pmm_place_fill_at(const pmm_place_t *p, uint64_t seq) {
  const pmm__fill_t *const f = pmm__store_at(&p->fill, seq);
  return f ? &f->pub : NULL;
}

const pmm_place_order_t *pmm_place_order_find(const pmm_place_t *p, const char *id) {
  uint64_t const hash = pmm__text_hash(id, 0);
  uint64_t at = 0;
  for (uint64_t seq; id[0] && (seq = pmm__index_next(&p->by_id, hash, &at)) != 0;) {
    const pmm__order_t *const o = pmm__order_at(p, seq);
    if (o && strcmp(o->pub.id, id) == 0) return &o->pub;
  }
  return NULL;
}

uint64_t pmm__client_hash(uint32_t account, const char *client_id) { return pmm__text_hash(client_id, pmm_hash_mix(2, account)); }

const pmm_place_order_t *pmm_place_client_find(const pmm_place_t *p, uint32_t account, const char *client_id) {
  uint64_t const hash = pmm__client_hash(account, client_id);
  uint64_t at = 0;
  for (uint64_t seq; client_id[0] && (seq = pmm__index_next(&p->by_client, hash, &at)) != 0;) {
    const pmm__order_t *const o = pmm__order_at(p, seq);
    if (o->pub.account == account && strcmp(o->pub.client_id, client_id) == 0) return &o->pub;
  }
  return NULL;
}

/* ---- lists ---- */

const pmm_place_order_t *pmm_place_order_before(const pmm_place_t *p, uint32_t account, uint64_t before_seq) {
  const pmm__order_t *const last = pmm__order_at(p, before_seq);
  uint64_t seq = p->account[account].last_order;
  if (last && last->pub.id[0] && last->pub.account == account && !p->account[account].background) seq = last->before;
  else
    while (seq >= before_seq && seq != 0) seq = pmm__order_at(p, seq)->before; /* not one of its own: the next older one */
  const pmm__order_t *const o = pmm__order_at(p, seq);
  return o ? &o->pub : NULL;
}

const pmm_place_fill_t *pmm_place_fill_before(const pmm_place_t *p, uint32_t account, uint64_t before_seq) {
  const pmm__fill_t *const last = pmm__store_at(&p->fill, before_seq);
  uint64_t seq = p->account[account].last_fill;
  if (last && last->pub.account == account) seq = last->before;
  else
    while (seq >= before_seq && seq != 0) seq = ((pmm__fill_t *)pmm__store_at(&p->fill, seq))->before;
  return pmm_place_fill_at(p, seq);
}

const pmm_place_fill_t *pmm_place_fill_by_account_seq(const pmm_place_t *p, uint32_t account, uint64_t account_seq) {
  const pmm__fill_t *f = pmm__store_at(&p->fill, p->account[account].last_fill);
  while (f && f->pub.account_seq > account_seq) {
    const pmm__fill_t *const jump = pmm__store_at(&p->fill, f->jump);
    f = jump && jump->pub.account_seq >= account_seq ? jump : pmm__store_at(&p->fill, f->before);
  }
  return f && f->pub.account_seq == account_seq ? &f->pub : NULL;
}

const pmm_place_order_t *pmm_place_open_after(const pmm_place_t *p, uint32_t account, uint64_t after_seq) {
  const pmm__order_t *const last = pmm__order_at(p, after_seq);
  uint64_t seq = p->account[account].open_first;
  if (last && last->pub.account == account && last->pub.status == PMM_PLACE_OPEN) seq = last->open_next;
  else
    while (seq != 0 && seq <= after_seq) seq = pmm__order_at(p, seq)->open_next;
  const pmm__order_t *const o = pmm__order_at(p, seq);
  return o ? &o->pub : NULL;
}

/* ---- money ---- */

void pmm_place_holding(const pmm_place_t *p, uint32_t account, uint32_t market, pmm_place_holding_t *out) {
  const pmm__sums_t *const s = &pmm__figures(p, account, market)->now;
  *out = (pmm_place_holding_t){
      .yes_cost_e6 = s->yes_cost_e6, .no_cost_e6 = s->no_cost_e6, .realized_e6 = s->realized_e6, .fees_e6 = s->fees_e6, .traded_e6 = s->traded_e6};
  pmm_match_holding(p->match, account, market, &out->yes_e6, &out->no_e6, &out->yes_locked_e6, &out->no_locked_e6);
}

int64_t pmm_place_cash(const pmm_place_t *p, uint32_t account, int64_t *locked_e6) { return pmm_match_cash(p->match, account, locked_e6); }

int64_t pmm_place_ahead(const pmm_place_t *p, uint64_t seq) {
  const pmm__order_t *const o = pmm__order_at(p, seq);
  return o && o->pub.status == PMM_PLACE_OPEN ? pmm_match_ahead(p->match, o->pub.account, seq) : -1;
}

/* ---- the check ---- */

static pmm_status_t check_orders(const pmm_place_t *p, uint32_t account, uint64_t *open_cnt, pmm_error_t *err) {
  uint64_t last = 0;
  for (uint64_t seq = p->account[account].open_first; seq != 0; last = seq, seq = pmm__order_at(p, seq)->open_next) {
    const pmm__order_t *const o = pmm__order_at(p, seq);
    if (o->pub.account != account || o->open_prev != last || o->pub.status != PMM_PLACE_OPEN || o->pub.open_e6 <= 0 ||
        o->pub.filled_e6 + o->pub.open_e6 != o->pub.qty_e6)
      return pmm_error_set(err, PMM_CORRUPT, "order %llu is not what the list of open orders says", (unsigned long long)seq);
    int64_t const open = pmm_match_open(p->match, account, seq);
    if (open != o->pub.open_e6)
      return pmm_error_set(err, PMM_CORRUPT, "order %llu: %lld open, the book has %lld", (unsigned long long)seq, (long long)o->pub.open_e6,
                           (long long)open);
    ++*open_cnt;
  }
  return last == p->account[account].open_last ? PMM_OK : pmm_error_set(err, PMM_CORRUPT, "account %u: wrong end of open orders", account);
}

static pmm_status_t check_figures(const pmm_place_t *p, uint32_t account, pmm_error_t *err) {
  for (uint32_t k = 0; k < pmm_place_market_cnt(p); k++) {
    const pmm__sums_t *const s = &pmm__figures(p, account, k)->now;
    int64_t yes, no;
    pmm_match_holding(p->match, account, k, &yes, &no, NULL, NULL);
    if (s->yes_e6 != yes || s->no_e6 != no)
      return pmm_error_set(err, PMM_CORRUPT, "account %u market %u: costs are of %lld YES and %lld NO, it holds %lld and %lld", account, k,
                           (long long)s->yes_e6, (long long)s->no_e6, (long long)yes, (long long)no);
    if (s->yes_cost_e6 < 0 || s->no_cost_e6 < 0 || (yes == 0 && s->yes_cost_e6 != 0) || (no == 0 && s->no_cost_e6 != 0))
      return pmm_error_set(err, PMM_CORRUPT, "account %u market %u: nothing held at a cost, or a cost below zero", account, k);
  }
  return PMM_OK;
}

static pmm_status_t check_books(const pmm_place_t *p, pmm_error_t *err) {
  for (uint32_t k = 0; k < pmm_place_market_cnt(p); k++) {
    const pmm_ladder_t *const l = pmm_place_ladder(p, k);
    for (int side = PMM_BID; side <= PMM_ASK; side++)
      for (int32_t price = 1; price < PMM_ONE_E4; price++) {
        int64_t const qty = price % l->tick_e4 == 0 ? pmm_ladder_qty(l, (pmm_side_t)side, price / l->tick_e4) : 0;
        if (p->market[k].shown[side][price] != qty)
          return pmm_error_set(err, PMM_CORRUPT, "market %u side %d price %d: told otherwise than it is", k, side, price);
      }
  }
  return PMM_OK;
}

/* Each fill numbered within its account, and with its trade and order. */
static pmm_status_t check_fills(const pmm_place_t *p, pmm_error_t *err) {
  for (uint64_t seq = 1; seq <= p->trade.cnt; seq++) {
    const pmm_place_trade_t *const t = pmm_place_trade_at(p, seq);
    for (int i = 0; i < 2; i++) {
      const pmm_place_fill_t *const f = pmm_place_fill_at(p, t->fill[i]);
      if (!f || f->trade != seq || f->qty_e6 != t->qty_e6 || f->price_e4 != t->price_e4 || f->order != (i ? t->maker : t->taker))
        return pmm_error_set(err, PMM_CORRUPT, "trade %llu does not have its fills", (unsigned long long)seq);
    }
  }
  for (uint32_t a = 0; a < p->account_cnt; a++) {
    uint64_t want = p->account[a].fill_cnt;
    for (const pmm_place_fill_t *f = pmm_place_fill_before(p, a, PMM_PLACE_NONE); f; f = pmm_place_fill_before(p, a, f->seq), want--)
      if (f->account != a || f->account_seq != want) return pmm_error_set(err, PMM_CORRUPT, "account %u: fills are not numbered one by one", a);
    if (want != 0) return pmm_error_set(err, PMM_CORRUPT, "account %u: fills are missing", a);
  }
  return PMM_OK;
}

pmm_status_t pmm_place_check(const pmm_place_t *p, pmm_error_t *err) {
  uint64_t open = 0;
  pmm_status_t st = pmm_match_check(p->match, err);
  for (uint32_t a = 0; st == PMM_OK && a < p->account_cnt; a++) {
    st = check_orders(p, a, &open, err);
    if (st == PMM_OK) st = check_figures(p, a, err);
  }
  if (st == PMM_OK && (open != p->open_cnt || open != p->match->live_cnt))
    st = pmm_error_set(err, PMM_CORRUPT, "the registry has %llu open orders, the books %u", (unsigned long long)open, p->match->live_cnt);
  if (st == PMM_OK) st = check_books(p, err);
  return st == PMM_OK ? check_fills(p, err) : st;
}
