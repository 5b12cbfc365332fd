/* What an account may read of itself. With a lag configured, reads show what had happened by then. */
#include <string.h>
#include "server/degen/impl.h"

/* ---- orders ---- */

static int status_of(const char *text) { /* pmm_place_status_t; -1: all; -2: none of them */
  static const char *const names[] = {"open", "filled", "cancelled", "rejected", "expired"};
  if (text[0] == 0 || strcmp(text, "all") == 0) return -1;
  for (int i = 0; i < 5; i++)
    if (strcmp(text, names[i]) == 0) return i;
  return -2;
}

static void put_open(pmm__dd_req_t *r, bool any, uint32_t market, int64_t as_of) {
  for (const pmm_place_order_t *o = pmm_place_open_after(r->d->place, r->member->account, 0); o;
       o = pmm_place_open_after(r->d->place, r->member->account, o->seq))
    if ((any || o->market == market) && o->created_ns <= as_of) pmm__dd_put_order(r->d, &r->d->out, NULL, o);
}

static void put_all(pmm__dd_req_t *r, bool any, uint32_t market, int status, int64_t as_of, uint64_t limit) {
  for (const pmm_place_order_t *o = pmm_place_order_before(r->d->place, r->member->account, PMM_PLACE_NONE); o && limit > 0;
       o = pmm_place_order_before(r->d->place, r->member->account, o->seq)) {
    if ((!any && o->market != market) || (status >= 0 && o->status != status) || o->created_ns > as_of) continue;
    pmm__dd_put_order(r->d, &r->d->out, NULL, o);
    limit--;
  }
}

/* Open ones oldest first and all of them; any others newest first, a page. */
void pmm__dd_orders(pmm__dd_req_t *r, const char *query) {
  char id[PMM_ID_MAX] = "", text[32] = "";
  uint32_t market = 0;
  uint64_t limit;
  pmm_status_t const got = pmm_query_get(query, "market", 0, id, sizeof id);
  if (got == PMM_FULL || (id[0] && !pmm__dd_market_of(r->d, id, &market))) {
    pmm__dd_fail(r, PMM__DD_NOT_FOUND, "market", "no such market");
    return;
  }
  int const status = pmm_query_get(query, "status", 0, text, sizeof text) == PMM_FULL ? -2 : status_of(text);
  if (status == -2) {
    pmm__dd_fail(r, PMM__DD_BAD_REQUEST, "status", "open, filled, cancelled, rejected, expired or all");
    return;
  }
  if (!pmm__dd_number(r, query, "limit", PMM__DD_PAGE, PMM__DD_PAGE_MAX, &limit)) return;
  int64_t const as_of = pmm__dd_as_of(r);
  pmm_text_object(&r->d->out, NULL);
  pmm_text_array(&r->d->out, "orders");
  if (status == PMM_PLACE_OPEN) put_open(r, id[0] == 0, market, as_of);
  else put_all(r, id[0] == 0, market, status, as_of, limit);
  pmm_text_end(&r->d->out);
  pmm_text_end(&r->d->out);
}

void pmm__dd_order_get(pmm__dd_req_t *r, const char *id) {
  const pmm_place_order_t *const o = pmm_place_order_find(r->d->place, id);
  if (o && o->account == r->member->account && o->created_ns <= pmm__dd_as_of(r)) pmm__dd_put_order(r->d, &r->d->out, NULL, o);
  else pmm__dd_fail(r, PMM__DD_NOT_FOUND, "id", "no such order");
}

/* ---- fills ---- */

void pmm__dd_fills(pmm__dd_req_t *r, const char *query) {
  uint64_t after, limit;
  if (!pmm__dd_number(r, query, "after_seq", 0, INT64_MAX, &after) || !pmm__dd_number(r, query, "limit", PMM__DD_PAGE, PMM__DD_PAGE_MAX, &limit))
    return;
  const pmm_place_t *const p = r->d->place;
  int64_t const as_of = pmm__dd_as_of(r);
  const pmm_place_fill_t *last = pmm_place_fill_before(p, r->member->account, PMM_PLACE_NONE);
  while (last && last->at_ns > as_of) last = pmm_place_fill_before(p, r->member->account, last->seq);
  uint64_t const last_seq = last ? last->account_seq : 0;
  pmm_text_object(&r->d->out, NULL);
  pmm_text_array(&r->d->out, "fills");
  for (uint64_t k = after + 1; k <= last_seq && limit > 0; k++, limit--)
    pmm__dd_put_fill(r->d, &r->d->out, NULL, pmm_place_fill_by_account_seq(p, r->member->account, k));
  pmm_text_end(&r->d->out);
  pmm_text_uint(&r->d->out, "last_seq", last_seq);
  pmm_text_end(&r->d->out);
}

/* ---- money ---- */

static void put_position(pmm__dd_req_t *r, uint32_t market) {
  pmm_place_holding_t h;
  pmm_text_t *const t = &r->d->out;
  pmm__dd_past_holding(r, market, &h);
  if (h.yes_e6 == 0 && h.no_e6 == 0 && h.realized_e6 == 0 && h.traded_e6 == 0) return;
  pmm_text_object(t, NULL);
  pmm_text_string(t, "market", pmm_place_market(r->d->place, market)->id);
  pmm_text_decimal(t, "yes", h.yes_e6, 6, 0);
  pmm_text_decimal(t, "no", h.no_e6, 6, 0);
  pmm_text_decimal(t, "yes_cost", h.yes_cost_e6, 6, 2);
  pmm_text_decimal(t, "no_cost", h.no_cost_e6, 6, 2);
  pmm_text_decimal(t, "realized", h.realized_e6, 6, 2);
  pmm_text_end(t);
}

void pmm__dd_positions(pmm__dd_req_t *r) {
  pmm_text_object(&r->d->out, NULL);
  pmm_text_array(&r->d->out, "positions");
  for (uint32_t i = 0; i < pmm_place_market_cnt(r->d->place); i++)
    if (r->d->market[i].listed) put_position(r, i);
  pmm_text_end(&r->d->out);
  pmm_text_end(&r->d->out);
}

void pmm__dd_balance(pmm__dd_req_t *r) {
  int64_t locked, cash = pmm__dd_past_cash(r, &locked);
  pmm_text_object(&r->d->out, NULL);
  pmm_text_decimal(&r->d->out, "cash", cash, 6, 2);
  pmm_text_decimal(&r->d->out, "locked", locked, 6, 2);
  pmm_text_decimal(&r->d->out, "available", cash - locked, 6, 2);
  pmm_text_end(&r->d->out);
}
