/* What an account reads of itself: orders, trades, balances, notifications; and the public data host's view of wallets. With a lag set, balances,
   positions and orders are shown as they were so long ago, as where a venue's reads run behind its engine. */
#include <string.h>
#include "server/polymarket/impl.h"

#define PAGE 100
#define UNLIMITED "115792089237316195423570985008687907853269984665640564039457584007913129639935"

static uint32_t account_of(const pmm__pd_req_t *r) { return r->d->member[r->key->member].account; }
static int64_t as_of(const pmm__pd_req_t *r) { return r->d->serve.lag_ns > 0 ? r->now_ns - r->d->serve.lag_ns : PMM_NS_MAX; }

/* -- orders -- */
typedef struct filter {
  char id[PMM_PLACE_ID_MAX], market[PMM_ID_MAX], asset[PMM_ID_MAX];
  int64_t before_s, after_s;
  char maker[PMM_POLY_HEX_ADDRESS];
} filter_t;
static void read_filter(const pmm__pd_req_t *r, filter_t *f) {
  pmm__pd_query(r, "id", f->id, sizeof f->id);
  pmm__pd_query(r, "market", f->market, sizeof f->market);
  pmm__pd_query(r, "asset_id", f->asset, sizeof f->asset);
  pmm__pd_query(r, "maker_address", f->maker, sizeof f->maker);
  if (!pmm__pd_query_int(r, "before", &f->before_s)) f->before_s = PMM_NS_MAX;
  if (!pmm__pd_query_int(r, "after", &f->after_s)) f->after_s = 0;
}

static bool order_fits(const pmm__pd_t *d, const filter_t *f, const pmm_place_order_t *o) {
  const pmm_market_t *const m = pmm_place_market(d->place, o->market);
  return (!f->market[0] || strcmp(f->market, m->id) == 0) &&
         (!f->asset[0] || strcmp(f->asset, pmm__pd_token(m, pmm__pd_route_outcome(o->route))) == 0);
}

static bool was_open(const pmm_place_order_t *o, int64_t as_of_ns) {
  return o->created_ns <= as_of_ns && (o->status == PMM_PLACE_OPEN || o->updated_ns > as_of_ns) && o->tif <= PMM_GTD &&
         o->status != PMM_PLACE_REJECTED;
}

/* Open orders by age; where reads lag, those closed since then are looked for among all. */
static const pmm_place_order_t *next_order(const pmm__pd_t *d, uint32_t account, int64_t as_of_ns, const pmm_place_order_t *o) {
  if (as_of_ns == PMM_NS_MAX) return pmm_place_open_after(d->place, account, o ? o->seq : 0);
  return pmm_place_order_before(d->place, account, o ? o->seq : PMM_PLACE_NONE);
}

int pmm__pd_data_orders(pmm__pd_req_t *r) {
  pmm__pd_t *const d = r->d;
  int64_t const at_ns = as_of(r);
  pmm__pd_page_t page;
  filter_t f;
  read_filter(r, &f);
  if (!pmm__pd_page_begin(r, &page, PAGE)) return 400;
  if (f.id[0]) { /* by its id whatever its state */
    const pmm_place_order_t *const o = pmm_place_order_find(d->place, f.id);
    if (o && o->account == account_of(r) && o->created_ns <= at_ns && order_fits(d, &f, o) && pmm__pd_page_wants(&page))
      pmm__pd_put_order(d, &d->out, o, at_ns);
    return pmm__pd_page_end(r, &page);
  }
  for (const pmm_place_order_t *o = next_order(d, account_of(r), at_ns, NULL); o; o = next_order(d, account_of(r), at_ns, o))
    if (was_open(o, at_ns) && order_fits(d, &f, o) && pmm__pd_page_wants(&page)) pmm__pd_put_order(d, &d->out, o, at_ns);
  return pmm__pd_page_end(r, &page);
}

int pmm__pd_data_order(pmm__pd_req_t *r) {
  const pmm_place_order_t *const o = pmm_place_order_find(r->d->place, r->arg);
  if (!o || o->account != account_of(r) || o->created_ns > as_of(r)) return pmm__pd_fail(r->d, 404, "order not found");
  return pmm__pd_put_order(r->d, &r->d->out, o, as_of(r)), 200;
}

/* -- trades -- */
static bool trade_fits(const pmm__pd_t *d, const filter_t *f, const pmm_place_fill_t *fill, const pmm_place_trade_t *trade) {
  const pmm_market_t *const m = pmm_place_market(d->place, trade->market);
  int64_t const at_s = trade->at_ns / PMM_NS_PER_S;
  if ((f->id[0] && strcmp(f->id, trade->id) != 0) || (f->market[0] && strcmp(f->market, m->id) != 0)) return false;
  if (at_s > f->before_s || at_s < f->after_s) return false;
  const pmm_place_order_t *const taker = pmm_place_order_at(d->place, trade->taker), *const mine = pmm_place_order_at(d->place, fill->order);
  return !f->asset[0] || strcmp(f->asset, pmm__pd_token(m, pmm__pd_route_outcome(mine->route))) == 0 ||
         strcmp(f->asset, pmm__pd_token(m, pmm__pd_route_outcome(taker->route))) == 0;
}

/* Both sides of a trade with oneself are one trade: the maker's is left out. */
static bool is_other_half(const pmm__pd_t *d, const pmm_place_fill_t *fill, const pmm_place_trade_t *trade) {
  return fill->maker && pmm_place_order_at(d->place, trade->taker)->account == fill->account;
}

static bool maker_fits(const pmm__pd_req_t *r, const filter_t *f) { /* one's own wallet, or nobody's */
  pmm_poly_address_t address;
  if (!f->maker[0]) return true;
  if (pmm_poly_address_parse(f->maker, strlen(f->maker), &address) != PMM_OK) return false;
  return pmm__pd_member_of(r->d, &address) == &r->d->member[r->key->member];
}

int pmm__pd_data_trades(pmm__pd_req_t *r) {
  pmm__pd_t *const d = r->d;
  uint32_t const account = account_of(r);
  pmm__pd_page_t page;
  filter_t f;
  read_filter(r, &f);
  if (!pmm__pd_page_begin(r, &page, PAGE)) return 400;
  const pmm_place_fill_t *fill = maker_fits(r, &f) ? pmm_place_fill_before(d->place, account, PMM_PLACE_NONE) : NULL;
  for (; fill && fill->at_ns / PMM_NS_PER_S >= f.after_s; fill = pmm_place_fill_before(d->place, account, fill->seq)) {
    const pmm_place_trade_t *const trade = pmm_place_trade_at(d->place, fill->trade);
    if (!trade_fits(d, &f, fill, trade) || is_other_half(d, fill, trade) || !pmm__pd_page_wants(&page)) continue;
    pmm_text_object(&d->out, NULL);
    pmm__pd_put_trade(d, &d->out, trade, account, trade->settle, false);
    pmm_text_end(&d->out);
  }
  return pmm__pd_page_end(r, &page);
}

/* -- balances -- */
/* Whether a fill counts at a time: made by then, and not undone by then. */
static bool counts(const pmm_place_fill_t *fill, const pmm_place_trade_t *trade, int64_t at_ns) {
  return fill->at_ns <= at_ns && !(trade->settle == PMM_PLACE_FAILED && trade->settled_ns <= at_ns);
}

typedef struct balance { int64_t cash_e6, yes_e6, no_e6; } balance_t;
static void add_fill(balance_t *b, const pmm_place_fill_t *f, int64_t sign) {
  int const outcome = pmm__pd_route_outcome(f->route);
  bool const sell = pmm_route_is_sell((pmm_route_t)f->route);
  int32_t const price_e4 = pmm__pd_price(outcome, f->price_e4);
  int64_t const value_e6 = sell ? pmm_notional_floor(price_e4, f->qty_e6) : -pmm_notional_ceil(price_e4, f->qty_e6);
  b->cash_e6 += sign * (value_e6 - f->fee_e6);
  *(outcome ? &b->no_e6 : &b->yes_e6) += sign * (sell ? -f->qty_e6 : f->qty_e6);
}

/* What lay there at a time: what lies there now, less what fills did since; one long past may have failed since. Holdings are of one market
   (UINT32_MAX: none). */
static balance_t balance_at(const pmm__pd_t *d, uint32_t account, uint32_t market, int64_t at_ns) {
  balance_t b = {.cash_e6 = pmm_place_cash(d->place, account, NULL)};
  pmm_place_holding_t h = {0};
  if (market != UINT32_MAX) pmm_place_holding(d->place, account, market, &h);
  b.yes_e6 = h.yes_e6;
  b.no_e6 = h.no_e6;
  if (at_ns == PMM_NS_MAX) return b;
  balance_t rest = {0};
  for (const pmm_place_fill_t *f = pmm_place_fill_before(d->place, account, PMM_PLACE_NONE); f;
       f = pmm_place_fill_before(d->place, account, f->seq)) {
    const pmm_place_trade_t *const trade = pmm_place_trade_at(d->place, f->trade);
    int64_t const sign = (int64_t)counts(f, trade, at_ns) - (int64_t)counts(f, trade, PMM_NS_MAX);
    balance_t one = {0};
    add_fill(&one, f, sign);
    rest.cash_e6 += one.cash_e6;
    if (f->market != market) continue;
    rest.yes_e6 += one.yes_e6;
    rest.no_e6 += one.no_e6;
  }
  return (balance_t){b.cash_e6 + rest.cash_e6, b.yes_e6 + rest.yes_e6, b.no_e6 + rest.no_e6};
}

static void put_balance(pmm_text_t *t, int64_t balance_e6) {
  static const char *const spenders[] = {"0xE111180000d2663C0091e4f400237545B87B996B", "0xe2222d279d744050d28e00520010520000310F59",
                                         "0xe3333700cA9d93003F00f0F71f8515005F6c00Aa"};
  char text[24];
  snprintf(text, sizeof text, "%lld", (long long)balance_e6);
  pmm_text_object(t, NULL);
  pmm_text_string(t, "balance", text);
  pmm_text_object(t, "allowances");
  for (size_t i = 0; i < 3; i++) pmm_text_string(t, spenders[i], UNLIMITED);
  pmm_text_end(t);
  pmm_text_end(t);
}

int pmm__pd_balance(pmm__pd_req_t *r) {
  char type[24], token[PMM_ID_MAX], signature_type[8];
  uint32_t market;
  int outcome;
  pmm__pd_query(r, "asset_type", type, sizeof type);
  pmm__pd_query(r, "signature_type", signature_type, sizeof signature_type);
  if (signature_type[0] && (signature_type[0] < '0' || signature_type[0] > '3' || signature_type[1]))
    return pmm__pd_fail(r->d, 400, "Invalid signature_type");
  if (strcmp(type, "COLLATERAL") == 0) return put_balance(&r->d->out, balance_at(r->d, account_of(r), UINT32_MAX, as_of(r)).cash_e6), 200;
  if (strncmp(type, "CONDITIONAL", 11) != 0 || (type[11] && strcmp(type + 11, "-V2") != 0)) return pmm__pd_fail(r->d, 400, "Invalid asset type");
  pmm__pd_query(r, "token_id", token, sizeof token);
  if (!pmm__pd_token_find(r->d, token, strlen(token), &market, &outcome)) return pmm__pd_fail(r->d, 400, "Invalid token id");
  balance_t const b = balance_at(r->d, account_of(r), market, as_of(r));
  return put_balance(&r->d->out, outcome ? b.no_e6 : b.yes_e6), 200;
}

int pmm__pd_balance_update(pmm__pd_req_t *r) { return pmm__pd_balance(r); } /* nothing is cached here */

/* -- notifications -- */
int pmm__pd_notes(pmm__pd_req_t *r) {
  const pmm__pd_member_t *const m = &r->d->member[r->key->member];
  pmm_text_t *const t = &r->d->out;
  pmm_text_array(t, NULL);
  for (uint64_t n = m->note_cnt > PMM__PD_NOTES_MAX ? m->note_cnt - PMM__PD_NOTES_MAX : 0; n < m->note_cnt; n++) {
    const pmm__pd_note_t *const note = &m->note[n % PMM__PD_NOTES_MAX];
    if (note->id == 0) continue;
    pmm_text_object(t, NULL);
    pmm_text_int(t, "id", (int64_t)note->id);
    pmm_text_int(t, "type", note->type);
    pmm_text_string(t, "owner", r->key->id);
    pmm_text_object(t, "payload");
    pmm_text_string(t, "market", pmm_place_market(r->d->place, note->market)->id);
    if (note->order) pmm_text_string(t, "order_id", pmm_place_order_at(r->d->place, note->order)->id);
    pmm_text_end(t);
    pmm_text_end(t);
  }
  pmm_text_end(t);
  return 200;
}

int pmm__pd_notes_drop(pmm__pd_req_t *r) {
  pmm__pd_member_t *const m = &r->d->member[r->key->member];
  char ids[2048];
  int64_t id;
  pmm__pd_query(r, "ids", ids, sizeof ids);
  for (char *part = ids, *rest; part; part = rest) {
    if ((rest = strchr(part, ','))) *rest++ = '\0';
    if (pmm_decimal_parse(part, strlen(part), 0, &id, NULL) != PMM_OK || id <= 0) continue;
    for (size_t i = 0; i < PMM__PD_NOTES_MAX; i++)
      if (m->note[i].id == (uint64_t)id) m->note[i].id = 0;
  }
  return pmm__pd_ok(r->d, "\"OK\"");
}

/* -- rewards: no market of the exchange pays any -- */
int pmm__pd_scoring_one(pmm__pd_req_t *r) { return pmm__pd_ok(r->d, "{\"scoring\":false}"); }

int pmm__pd_scoring(pmm__pd_req_t *r) {
  const pmm_json_node_t *const root = pmm__pd_body(r);
  char id[PMM_PLACE_ID_MAX];
  if (!root || root->type != PMM_JSON_ARRAY) return pmm__pd_fail(r->d, 400, "Invalid payload");
  pmm_text_object(&r->d->out, NULL);
  for (const pmm_json_node_t *e = pmm_json_first(root); e; e = pmm_json_next(root, e))
    if (pmm__pd_text_of(e, id, sizeof id)) pmm_text_bool(&r->d->out, id, false);
  pmm_text_end(&r->d->out);
  return 200;
}

int pmm__pd_page_empty(pmm__pd_req_t *r) {
  pmm__pd_page_t page;
  return pmm__pd_page_begin(r, &page, PAGE) ? pmm__pd_page_end(r, &page) : 400;
}
int pmm__pd_list_empty(pmm__pd_req_t *r) { return pmm__pd_ok(r->d, "[]"); }
int pmm__pd_object_empty(pmm__pd_req_t *r) { return pmm__pd_ok(r->d, "{}"); }
int pmm__pd_null(pmm__pd_req_t *r) { return pmm__pd_ok(r->d, "null"); }
int pmm__pd_builder_fees(pmm__pd_req_t *r) { return pmm__pd_ok(r->d, "{\"builder_maker_fee_rate_bps\":0,\"builder_taker_fee_rate_bps\":0}"); }

/* Trades credited to a builder code: those whose taker's order bears it. */
int pmm__pd_builder_trades(pmm__pd_req_t *r) {
  pmm__pd_t *const d = r->d;
  char code[PMM_POLY_HEX_WORD];
  pmm_poly_word_t word;
  pmm__pd_page_t page;
  pmm__pd_query(r, "builder_code", code, sizeof code);
  if (pmm_poly_word_parse(code, strlen(code), &word) != PMM_OK) return pmm__pd_fail(d, 400, "Invalid builder code");
  if (!pmm__pd_page_begin(r, &page, PAGE)) return 400;
  for (uint64_t seq = pmm_place_trade_cnt(d->place); seq > 0; seq--) {
    const pmm_place_trade_t *const trade = pmm_place_trade_at(d->place, seq);
    const pmm_place_order_t *const taker = pmm_place_order_at(d->place, trade->taker);
    const pmm__pd_extra_t *const extra = pmm__pd_extra(d, taker);
    if (!extra || !pmm_poly_word_eq(&extra->builder, &word) || !pmm__pd_page_wants(&page)) continue;
    pmm_text_object(&d->out, NULL);
    pmm__pd_put_trade(d, &d->out, trade, taker->account, trade->settle, false);
    pmm_text_end(&d->out);
  }
  return pmm__pd_page_end(r, &page);
}

/* -- the data host: wallets are public. 0, or the refusal's status; NULL: a wallet nobody here has -- */
static int read_user(pmm__pd_req_t *r, pmm__pd_member_t **member, char user[PMM_POLY_HEX_ADDRESS]) {
  pmm_poly_address_t address;
  pmm__pd_query(r, "user", user, PMM_POLY_HEX_ADDRESS);
  if (!user[0]) return pmm__pd_fail(r->d, 400, "required query param 'user' not provided");
  if (pmm_poly_address_parse(user, strlen(user), &address) != PMM_OK) return pmm__pd_fail(r->d, 400, "invalid user address");
  *member = pmm__pd_member_of(r->d, &address);
  return 0;
}

typedef struct window { size_t from, limit, seen; } window_t;
static window_t read_window(const pmm__pd_req_t *r) {
  int64_t limit = 100, offset = 0;
  pmm__pd_query_int(r, "limit", &limit);
  pmm__pd_query_int(r, "offset", &offset);
  return (window_t){.from = (size_t)pmm_max64(offset, 0), .limit = (size_t)pmm_min64(pmm_max64(limit, 0), 500)};
}
static bool window_has(window_t *w) { return w->seen++ >= w->from && w->seen - w->from <= w->limit; }

static int32_t value_e4(const pmm__pd_t *d, uint32_t market, int outcome) { /* of a share: resolved, bid, or last */
  const pmm_market_t *const m = pmm_place_market(d->place, market);
  pmm_place_stats_t stats;
  if (m->life == PMM_LIFE_RESOLVED) return pmm__pd_price(outcome, (int32_t)(m->payout_yes_e6 / 100));
  pmm_place_stats(d->place, market, &stats);
  int32_t const bid_e4 = pmm__pd_best(d, market, outcome, PMM_BID);
  return bid_e4 ? bid_e4 : stats.last_e4 ? pmm__pd_price(outcome, stats.last_e4) : 0;
}

typedef struct position { uint32_t market; int outcome; int64_t size_e6, cost_e6; bool mergeable; } position_t;
static void put_position(const pmm__pd_t *d, pmm_text_t *t, const char *user, const position_t *p) {
  const pmm_market_t *const m = pmm_place_market(d->place, p->market);
  const pmm__pd_market_t *const mk = &d->market[p->market];
  int32_t const now_e4 = value_e4(d, p->market, p->outcome);
  int64_t const value_e6 = pmm_notional_floor(now_e4, p->size_e6), pnl_e6 = value_e6 - p->cost_e6;
  pmm_text_object(t, NULL);
  pmm_text_string(t, "proxyWallet", user);
  pmm_text_string(t, "asset", pmm__pd_token(m, p->outcome));
  pmm_text_string(t, "conditionId", m->id);
  pmm_text_number(t, "size", p->size_e6, 6, 0);
  pmm_text_number(t, "avgPrice", pmm_muldiv_floor(p->cost_e6, PMM_ONE_E6, p->size_e6), 6, 0);
  pmm_text_number(t, "initialValue", p->cost_e6, 6, 0);
  pmm_text_number(t, "currentValue", value_e6, 6, 0);
  pmm_text_number(t, "cashPnl", pnl_e6, 6, 0);
  pmm_text_number(t, "percentPnl", p->cost_e6 > 0 ? pmm_muldiv_floor(pnl_e6, 100 * PMM_ONE_E6, p->cost_e6) : 0, 6, 0);
  pmm_text_number(t, "curPrice", now_e4, 4, 0);
  pmm_text_bool(t, "redeemable", m->life == PMM_LIFE_RESOLVED);
  pmm_text_bool(t, "mergeable", p->mergeable);
  pmm_text_string(t, "title", mk->title);
  pmm_text_string(t, "slug", mk->slug);
  pmm_text_string(t, "eventSlug", m->event);
  pmm_text_string(t, "outcome", pmm__pd_outcome(p->outcome));
  pmm_text_int(t, "outcomeIndex", p->outcome);
  pmm_text_string(t, "oppositeOutcome", pmm__pd_outcome(!p->outcome));
  pmm_text_string(t, "oppositeAsset", pmm__pd_token(m, !p->outcome));
  pmm__pd_put_iso(t, "endDate", m->close_ns);
  pmm_text_bool(t, "negativeRisk", mk->neg_risk);
  pmm_text_end(t);
}

/* Calls see for each position of at least the threshold (sizeThreshold, a share when not given). */
static void each_position(pmm__pd_req_t *r, const pmm__pd_member_t *member, void (*see)(void *ctx, const position_t *p), void *ctx) {
  char text[32], wanted[PMM_ID_MAX];
  int64_t least_e6 = PMM_ONE_E6;
  pmm__pd_query(r, "sizeThreshold", text, sizeof text);
  if (pmm_decimal_parse_floor(text, strlen(text), 6, &least_e6, NULL) != PMM_OK) least_e6 = PMM_ONE_E6;
  pmm__pd_query(r, "market", wanted, sizeof wanted);
  for (uint32_t i = 0; i < pmm_place_market_cnt(r->d->place); i++) {
    if (!r->d->market[i].listed || (wanted[0] && strcmp(wanted, pmm_place_market(r->d->place, i)->id) != 0)) continue;
    pmm_place_holding_t h;
    pmm_place_holding(r->d->place, member->account, i, &h);
    balance_t const b = balance_at(r->d, member->account, i, as_of(r));
    int64_t const size_e6[2] = {b.yes_e6, b.no_e6}, cost_e6[2] = {h.yes_cost_e6, h.no_cost_e6};
    for (int k = 0; k < 2; k++)
      if (size_e6[k] > 0 && size_e6[k] >= least_e6) see(ctx, &(position_t){i, k, size_e6[k], cost_e6[k], size_e6[0] > 0 && size_e6[1] > 0});
  }
}

typedef struct positions { pmm__pd_t *d; const char *user; window_t window; int64_t value_e6; } positions_t;
static void see_position(void *ctx, const position_t *p) {
  positions_t *const s = ctx;
  if (window_has(&s->window)) put_position(s->d, &s->d->out, s->user, p);
}
static void see_value(void *ctx, const position_t *p) {
  positions_t *const s = ctx;
  s->value_e6 += pmm_notional_floor(value_e4(s->d, p->market, p->outcome), p->size_e6);
}

int pmm__pd_positions(pmm__pd_req_t *r) {
  char user[PMM_POLY_HEX_ADDRESS];
  pmm__pd_member_t *member = NULL;
  int const refused = read_user(r, &member, user);
  if (refused) return refused;
  positions_t s = {.d = r->d, .user = user, .window = read_window(r)};
  pmm_text_array(&r->d->out, NULL);
  if (member) each_position(r, member, see_position, &s);
  pmm_text_end(&r->d->out);
  return 200;
}

int pmm__pd_value(pmm__pd_req_t *r) {
  char user[PMM_POLY_HEX_ADDRESS];
  pmm__pd_member_t *member = NULL;
  int const refused = read_user(r, &member, user);
  if (refused) return refused;
  positions_t s = {.d = r->d};
  if (member) each_position(r, member, see_value, &s);
  pmm_text_array(&r->d->out, NULL);
  pmm_text_object(&r->d->out, NULL);
  pmm_text_string(&r->d->out, "user", user);
  pmm_text_number(&r->d->out, "value", s.value_e6, 6, 0);
  pmm_text_end(&r->d->out);
  pmm_text_end(&r->d->out);
  return 200;
}

/* One order's share in a trade, as the data host tells it. */
static void put_public(const pmm__pd_t *d, pmm_text_t *t, const pmm_place_order_t *o, const pmm_place_trade_t *trade, bool typed) {
  const pmm_market_t *const m = pmm_place_market(d->place, trade->market);
  int const outcome = pmm__pd_route_outcome(o->route);
  pmm_poly_word_t hash;
  char text[PMM_POLY_HEX_WORD];
  pmm_keccak256(trade->id, strlen(trade->id), &hash);
  pmm_poly_hex(hash.b, sizeof hash.b, text);
  pmm_text_object(t, NULL);
  pmm__pd_put_maker(d, t, "proxyWallet", o);
  if (typed) pmm_text_string(t, "type", "TRADE");
  pmm_text_string(t, "side", pmm__pd_route_side(o->route));
  pmm_text_string(t, "asset", pmm__pd_token(m, outcome));
  pmm_text_string(t, "conditionId", m->id);
  pmm_text_number(t, "size", trade->qty_e6, 6, 0);
  pmm_text_number(t, "price", pmm__pd_price(outcome, trade->price_e4), 4, 0);
  if (typed) pmm_text_number(t, "usdcSize", pmm_notional_floor(pmm__pd_price(outcome, trade->price_e4), trade->qty_e6), 6, 0);
  pmm_text_int(t, "timestamp", trade->at_ns / PMM_NS_PER_S);
  pmm_text_string(t, "title", d->market[trade->market].title);
  pmm_text_string(t, "slug", d->market[trade->market].slug);
  pmm_text_string(t, "eventSlug", m->event);
  pmm_text_string(t, "outcome", pmm__pd_outcome(outcome));
  pmm_text_int(t, "outcomeIndex", outcome);
  pmm_text_string(t, "transactionHash", text);
  pmm_text_end(t);
}

/* What is on the chain anybody can see. */
static bool is_public(const pmm_place_trade_t *trade) { return trade->settle == PMM_PLACE_MINED || trade->settle == PMM_PLACE_CONFIRMED; }

static void put_user_trades(pmm__pd_req_t *r, const pmm__pd_member_t *member, window_t *window, bool typed) {
  pmm__pd_t *const d = r->d;
  for (const pmm_place_fill_t *f = pmm_place_fill_before(d->place, member->account, PMM_PLACE_NONE); f;
       f = pmm_place_fill_before(d->place, member->account, f->seq)) {
    const pmm_place_trade_t *const trade = pmm_place_trade_at(d->place, f->trade);
    if (is_public(trade) && window_has(window)) put_public(d, &d->out, pmm_place_order_at(d->place, f->order), trade, typed);
  }
}

int pmm__pd_activity(pmm__pd_req_t *r) {
  char user[PMM_POLY_HEX_ADDRESS];
  pmm__pd_member_t *member = NULL;
  window_t window = read_window(r);
  int const refused = read_user(r, &member, user);
  if (refused) return refused;
  pmm_text_array(&r->d->out, NULL);
  if (member) put_user_trades(r, member, &window, true);
  pmm_text_end(&r->d->out);
  return 200;
}

int pmm__pd_public_trades(pmm__pd_req_t *r) {
  pmm__pd_t *const d = r->d;
  char user[PMM_POLY_HEX_ADDRESS], wanted[PMM_ID_MAX];
  pmm__pd_member_t *member = NULL;
  window_t window = read_window(r);
  bool const by_user = pmm__pd_query(r, "user", user, sizeof user)[0] != '\0';
  int const refused = by_user ? read_user(r, &member, user) : 0;
  if (refused) return refused;
  pmm__pd_query(r, "market", wanted, sizeof wanted);
  pmm_text_array(&d->out, NULL);
  if (member) put_user_trades(r, member, &window, false);
  for (uint64_t seq = by_user ? 0 : pmm_place_trade_cnt(d->place); seq > 0; seq--) {
    const pmm_place_trade_t *const trade = pmm_place_trade_at(d->place, seq);
    if (wanted[0] && strcmp(wanted, pmm_place_market(d->place, trade->market)->id) != 0) continue;
    if (is_public(trade) && window_has(&window)) put_public(d, &d->out, pmm_place_order_at(d->place, trade->taker), trade, false);
  }
  pmm_text_end(&d->out);
  return 200;
}
