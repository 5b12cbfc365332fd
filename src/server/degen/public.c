/* What anybody may read: markets, books, trades. */
#include <stdio.h>
#include <string.h>
#include "pmm/decimal.h"
#include "server/degen/impl.h"

bool pmm__dd_market_of(const pmm__dd_t *d, const char *id, uint32_t *market) {
  return pmm_place_market_find(d->place, id, market) == PMM_OK && d->market[*market].listed;
}

static bool market_or_fail(pmm__dd_req_t *r, const char *id, uint32_t *market) {
  if (pmm__dd_market_of(r->d, id, market)) return true;
  pmm__dd_fail(r, PMM__DD_NOT_FOUND, "market", "no such market");
  return false;
}

bool pmm__dd_number(pmm__dd_req_t *r, const char *query, const char *name, uint64_t def, uint64_t max, uint64_t *out) {
  char text[32];
  int64_t v = 0;
  *out = def;
  pmm_status_t const st = pmm_query_get(query, name, 0, text, sizeof text);
  if (st == PMM_NOT_FOUND || (st == PMM_OK && text[0] == 0)) return true;
  if (st == PMM_OK && pmm_decimal_parse(text, strlen(text), 0, &v, NULL) == PMM_OK && v >= 0) {
    *out = (uint64_t)v < max ? (uint64_t)v : max;
    return true;
  }
  static const char *const known[] = {"limit", "depth", "after", "after_seq", "cursor"};
  for (size_t i = 0; i < sizeof known / sizeof known[0]; i++)
    if (strcmp(known[i], name) == 0) pmm__dd_fail(r, PMM__DD_BAD_REQUEST, known[i], "a whole number");
  return false;
}

/* ---- markets ---- */

static bool has_status(const pmm_market_t *m, const char *status) {
  static const struct { const char *text; uint32_t lives; } rows[] = {
      {"PENDING", 1u << PMM_LIFE_PENDING}, {"OPEN", 1u << PMM_LIFE_OPEN}, {"HALTED", 1u << PMM_LIFE_HALTED},
      {"CLOSED", 1u << PMM_LIFE_CLOSED | 1u << PMM_LIFE_RESOLVING}, {"RESOLVED", 1u << PMM_LIFE_RESOLVED}};
  for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++)
    if (strcmp(rows[i].text, status) == 0) return rows[i].lives >> m->life & 1;
  return status[0] == 0;
}

void pmm__dd_markets(pmm__dd_req_t *r, const char *query) {
  char status[32] = "", next[24];
  uint64_t from, limit, shown = 0;
  if (pmm_query_get(query, "status", 0, status, sizeof status) == PMM_FULL) status[0] = '?';
  if (!pmm__dd_number(r, query, "cursor", 0, PMM_PLACE_MARKETS_MAX, &from) ||
      !pmm__dd_number(r, query, "limit", PMM__DD_PAGE, PMM__DD_PAGE_MAX, &limit))
    return;
  pmm_text_t *const t = &r->d->out;
  uint32_t const cnt = pmm_place_market_cnt(r->d->place);
  uint32_t i = (uint32_t)from;
  pmm_text_object(t, NULL);
  pmm_text_array(t, "markets");
  for (; i < cnt && shown < limit; i++) {
    if (!r->d->market[i].listed || !has_status(pmm_place_market(r->d->place, i), status)) continue;
    pmm__dd_put_market(r->d, t, NULL, i, r->now_ns);
    shown++;
  }
  pmm_text_end(t);
  snprintf(next, sizeof next, "%u", i);
  pmm_text_string(t, "cursor", i < cnt ? next : NULL);
  pmm_text_end(t);
}

void pmm__dd_market_get(pmm__dd_req_t *r, const char *id) {
  uint32_t market;
  if (market_or_fail(r, id, &market)) pmm__dd_put_market(r->d, &r->d->out, NULL, market, r->now_ns);
}

void pmm__dd_book_get(pmm__dd_req_t *r, const char *id, const char *query) {
  uint32_t market;
  uint64_t depth;
  if (!market_or_fail(r, id, &market) || !pmm__dd_number(r, query, "depth", UINT32_MAX, UINT32_MAX, &depth)) return;
  pmm_text_object(&r->d->out, NULL);
  pmm__dd_put_book(r->d, &r->d->out, market, (uint32_t)depth, true, r->now_ns);
  pmm_text_end(&r->d->out);
}

/* ---- trades ---- */

/* Oldest first: those after a seq, or the last ones. */
void pmm__dd_trades(pmm__dd_req_t *r, const char *id, const char *query) {
  uint32_t market;
  uint64_t after, limit, seq;
  if (!market_or_fail(r, id, &market) || !pmm__dd_number(r, query, "after", UINT64_MAX, INT64_MAX, &after) ||
      !pmm__dd_number(r, query, "limit", PMM__DD_PAGE, PMM__DD_PAGE_MAX, &limit))
    return;
  const pmm_place_t *const p = r->d->place;
  uint64_t const cnt = pmm_place_trade_cnt(p);
  if (after == UINT64_MAX) {
    uint64_t found = 0;
    for (seq = cnt + 1; seq > 1 && found < limit; seq--) found += pmm_place_trade_at(p, seq - 1)->market == market;
  } else {
    seq = after < cnt ? after + 1 : cnt + 1;
  }
  pmm_text_object(&r->d->out, NULL);
  pmm_text_array(&r->d->out, "trades");
  for (uint64_t shown = 0; seq <= cnt && shown < limit; seq++) {
    const pmm_place_trade_t *const trade = pmm_place_trade_at(p, seq);
    if (trade->market != market) continue;
    pmm__dd_put_trade(r->d, &r->d->out, NULL, trade);
    shown++;
  }
  pmm_text_end(&r->d->out);
  pmm_text_end(&r->d->out);
}
