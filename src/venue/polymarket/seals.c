/* Cancels signed ahead. A request's HMAC is over its body and the second in which it is sent. What cancels an order is known as soon as the order is sent,
   and of a market with a few also what cancels those of one side, or all of them: when a quote moves, they go together. So those are signed for each second
   before it begins, when nothing else is to be done, and a cancel that comes with a message finds its signature. Any other set is signed when it is sent. */
#include <stdlib.h>
#include "adapter.h"
#include "pmm/arena.h"

#define SEALS_A_CALL 8

pmm_status_t pmm__seals_init(pmm__poly_t *p, pmm_error_t *err) {
  p->open = calloc(PMM_VENUE_ORDERS_MAX, sizeof *p->open);
  p->cancel_seal = calloc(PMM_VENUE_ORDERS_MAX, sizeof *p->cancel_seal);
  if (!p->open || !p->cancel_seal) return pmm_error_set(err, PMM_FULL, "out of memory");
  pmm_pages_touch(p->open, PMM_VENUE_ORDERS_MAX * sizeof *p->open);
  pmm_pages_touch(p->cancel_seal, PMM_VENUE_ORDERS_MAX * sizeof *p->cancel_seal);
  return PMM_OK;
}

void pmm__seals_free(pmm__poly_t *p) {
  free(p->open);
  free(p->cancel_seal);
}

/* -- which orders may be cancelled: of open[0..seal_sweep) it is signed up to sealed_s -- */
static void move(pmm__poly_t *p, uint32_t from, uint32_t to) {
  if (from == to) return; /* what is there may be a copy of one that was moved */
  p->open[to] = p->open[from];
  p->order[p->open[to]].open_at = to;
}

void pmm__seals_add(pmm__poly_t *p, pmm__order_t *o) {
  uint32_t const order = (uint32_t)(o - p->order);
  pmm__market_t *const m = &p->market[o->market];
  if (o->open) return;
  o->open = true;
  o->open_at = p->open_cnt;
  p->open[p->open_cnt++] = order;
  pmm_poly_seal_break(&p->cancel_seal[order]);
  o->open_prev = 0;
  o->open_next = m->open_head;
  if (m->open_head) p->order[m->open_head - 1].open_prev = order + 1;
  m->open_head = order + 1;
  m->open_cnt++;
  for (int k = 0; k < 3; k++) pmm_poly_seal_break(&m->set[k].seal); /* one may have been over an earlier order of this place */
}

void pmm__seals_remove(pmm__poly_t *p, pmm__order_t *o) {
  pmm__market_t *const m = &p->market[o->market];
  uint32_t hole = o->open_at;
  if (!o->open) return;
  o->open = false;
  if (hole < p->seal_sweep) {
    move(p, --p->seal_sweep, hole);
    hole = p->seal_sweep;
  }
  move(p, --p->open_cnt, hole);
  if (o->open_next) p->order[o->open_next - 1].open_prev = o->open_prev;
  if (o->open_prev) p->order[o->open_prev - 1].open_next = o->open_next;
  else m->open_head = o->open_next;
  m->open_cnt--;
}

/* -- signing -- */
size_t pmm__cancel_body(pmm__poly_t *p, const uint32_t *order, uint32_t cnt) {
  if (cnt == 1) return pmm_poly_body_cancel(&p->order[order[0]].id, p->body, sizeof p->body);
  for (uint32_t i = 0; i < cnt; i++) p->cancel_id[i] = p->order[order[i]].id;
  return pmm_poly_body_cancels(p->cancel_id, cnt, p->body, sizeof p->body);
}

const char *pmm__cancel_path(uint32_t cnt) { return cnt == 1 ? "/order" : "/orders"; }

static uint32_t sign(pmm__poly_t *p, const uint32_t *order, uint32_t cnt, int64_t at_s, pmm_poly_seal_t *out) {
  if (pmm_poly_seal_at(out, at_s)) return 0;
  size_t const len = pmm__cancel_body(p, order, cnt);
  pmm_poly_hmac_sign(p->hmac, at_s, "DELETE", pmm__cancel_path(cnt), p->body, len, out->of[at_s & 1].hmac);
  out->of[at_s & 1].at_s = at_s;
  return 1;
}

void pmm__put_sorted(uint32_t *list, uint32_t *cnt, uint32_t order) {
  uint32_t at = (*cnt)++;
  for (; at > 0 && list[at - 1] > order; at--) list[at] = list[at - 1];
  list[at] = order;
}

static uint32_t sign_set(pmm__poly_t *p, pmm__cancel_set_t *set, const uint32_t *order, uint32_t cnt, int64_t at_s) {
  if (cnt < 2) return 0;
  if (set->cnt != cnt || memcmp(set->order, order, cnt * sizeof *order) != 0) pmm_poly_seal_break(&set->seal);
  memcpy(set->order, order, cnt * sizeof *order);
  set->cnt = cnt;
  return sign(p, order, cnt, at_s, &set->seal);
}

/* Of an order, and of the sets it is in; how many were signed. */
static uint32_t sign_of(pmm__poly_t *p, uint32_t order, int64_t at_s) {
  pmm__market_t *const m = &p->market[p->order[order].market];
  uint32_t list[3][PMM__SET_MAX], cnt[3] = {0}, n = sign(p, &order, 1, at_s, &p->cancel_seal[order]);
  if (m->open_cnt < 2 || m->open_cnt > PMM__SET_MAX) return n;
  for (uint32_t i = m->open_head; i != 0; i = p->order[i - 1].open_next) {
    pmm_side_t const side = pmm_route_side((pmm_route_t)p->order[i - 1].route);
    pmm__put_sorted(list[side], &cnt[side], i - 1);
    pmm__put_sorted(list[2], &cnt[2], i - 1);
  }
  for (int k = 0; k < 3; k++)
    if (k == 2 || cnt[k] < m->open_cnt) n += sign_set(p, &m->set[k], list[k], cnt[k], at_s);
  return n;
}

bool pmm__seals_refill(pmm__poly_t *p, int64_t venue_ns) {
  int64_t const at_s = venue_ns / PMM_NS_PER_S, next_s = (venue_ns + PMM_POLY_SEAL_AHEAD_NS) / PMM_NS_PER_S;
  if (!p->hmac_ready) return false;
  if (p->sealed_s != next_s) p->seal_sweep = 0;
  p->sealed_s = next_s;
  for (uint32_t n = 0; p->seal_sweep < p->open_cnt; p->seal_sweep++) {
    uint32_t const order = p->open[p->seal_sweep];
    if (n >= SEALS_A_CALL) return true;
    n += sign_of(p, order, at_s) + sign_of(p, order, next_s);
  }
  return false;
}

void pmm__seals_drop(pmm__poly_t *p) {
  for (uint32_t i = 0; i < PMM_VENUE_ORDERS_MAX; i++) pmm_poly_seal_break(&p->cancel_seal[i]);
  for (uint32_t i = 0; i < p->market_cnt; i++)
    for (int k = 0; k < 3; k++) pmm_poly_seal_break(&p->market[i].set[k].seal);
  p->sealed_s = 0;
}

const pmm_poly_seal_t *pmm__seal_of(const pmm__poly_t *p, const uint32_t *order, uint32_t cnt) {
  if (cnt == 1) return &p->cancel_seal[order[0]];
  const pmm__market_t *const m = &p->market[p->order[order[0]].market];
  for (int k = 0; k < 3; k++)
    if (m->set[k].cnt == cnt && memcmp(m->set[k].order, order, cnt * sizeof *order) == 0) return &m->set[k].seal;
  return NULL;
}
