/* Public reads of books and prices, one token at a time or many. */
#include <string.h>
#include "server/polymarket/impl.h"

#define MANY_MAX 500

static int find_token(pmm__pd_req_t *r, uint32_t *market, int *outcome) { /* 0, or the refusal's status */
  char token[PMM_ID_MAX];
  pmm_poly_word_t word;
  pmm__pd_query(r, "token_id", token, sizeof token);
  if (!token[0]) snprintf(token, sizeof token, "%.*s", (int)sizeof token - 1, r->arg);
  if (pmm_poly_word_from_decimal(token, strlen(token), &word) != PMM_OK) return pmm__pd_fail(r->d, 400, "Invalid token id");
  if (pmm__pd_token_find(r->d, token, strlen(token), market, outcome)) return 0;
  return pmm__pd_fail(r->d, 404, "No orderbook exists for the requested token id");
}

/* An entry of a POST's list: 1 found, 0 unknown (left out of the answer), -1 the payload is bad. */
static int entry_token(const pmm__pd_t *d, const pmm_json_node_t *e, uint32_t *market, int *outcome) {
  char token[PMM_ID_MAX];
  if (!pmm__pd_text_of(pmm_json_get(e, "token_id"), token, sizeof token)) return -1;
  return pmm__pd_token_find(d, token, strlen(token), market, outcome);
}

/* The list of a POST, checked for shape; NULL: a refusal is written. */
static const pmm_json_node_t *entries(pmm__pd_req_t *r) {
  const pmm_json_node_t *const root = pmm__pd_body(r);
  size_t cnt = 0;
  uint32_t market;
  int outcome;
  bool good = root && root->type == PMM_JSON_ARRAY;
  for (const pmm_json_node_t *e = pmm_json_first(root); e && good; e = pmm_json_next(root, e), cnt++)
    good = entry_token(r->d, e, &market, &outcome) >= 0;
  if (good && cnt <= MANY_MAX) return root;
  return pmm__pd_fail(r->d, 400, good ? "Payload exceeds the limit" : "Invalid payload"), NULL;
}

int pmm__pd_book(pmm__pd_req_t *r) {
  uint32_t market;
  int outcome;
  int const refused = find_token(r, &market, &outcome);
  if (refused) return refused;
  return pmm__pd_put_book(r->d, &r->d->out, market, outcome, false), 200;
}

int pmm__pd_books(pmm__pd_req_t *r) {
  const pmm_json_node_t *const root = entries(r);
  uint32_t market;
  int outcome;
  if (!root) return 400;
  pmm_text_array(&r->d->out, NULL);
  for (const pmm_json_node_t *e = pmm_json_first(root); e; e = pmm_json_next(root, e))
    if (entry_token(r->d, e, &market, &outcome) == 1) pmm__pd_put_book(r->d, &r->d->out, market, outcome, false);
  pmm_text_end(&r->d->out);
  return 200;
}

/* BUY asks what a buyer would pay: the lowest ask (documentation of 2026; older pages said the reverse). */
static int32_t price_of(const pmm__pd_t *d, uint32_t market, int outcome, bool buy) {
  return pmm__pd_best(d, market, outcome, buy ? PMM_ASK : PMM_BID);
}

/* Middle and distance in e5, since the middle may lie between two ticks of a hundredth of a cent; -1: a side is empty. */
static int64_t mid_e5(const pmm__pd_t *d, uint32_t market, int outcome) {
  int32_t const bid = pmm__pd_best(d, market, outcome, PMM_BID), ask = pmm__pd_best(d, market, outcome, PMM_ASK);
  return bid && ask ? (int64_t)(bid + ask) * 5 : -1;
}
static int64_t spread_e5(const pmm__pd_t *d, uint32_t market, int outcome) {
  int32_t const bid = pmm__pd_best(d, market, outcome, PMM_BID), ask = pmm__pd_best(d, market, outcome, PMM_ASK);
  return bid && ask ? (int64_t)(ask - bid) * 10 : -1;
}

int pmm__pd_price_one(pmm__pd_req_t *r) {
  uint32_t market;
  int outcome;
  char side[8];
  int const refused = find_token(r, &market, &outcome);
  if (refused) return refused;
  bool const buy = strcmp(pmm__pd_query(r, "side", side, sizeof side), "BUY") == 0;
  if (!buy && strcmp(side, "SELL") != 0) return pmm__pd_fail(r->d, 400, "Invalid side");
  pmm_text_object(&r->d->out, NULL);
  pmm_text_decimal(&r->d->out, "price", price_of(r->d, market, outcome, buy), 4, 0);
  pmm_text_end(&r->d->out);
  return 200;
}

int pmm__pd_prices(pmm__pd_req_t *r) {
  const pmm_json_node_t *const root = entries(r);
  pmm_text_t *const t = &r->d->out;
  uint32_t market;
  int outcome;
  if (!root) return 400;
  for (const pmm_json_node_t *e = pmm_json_first(root); e; e = pmm_json_next(root, e))
    if (!pmm_json_is(pmm_json_get(e, "side"), "BUY") && !pmm_json_is(pmm_json_get(e, "side"), "SELL")) return pmm__pd_fail(r->d, 400, "Invalid side");
  pmm_text_object(t, NULL);
  for (const pmm_json_node_t *e = pmm_json_first(root); e; e = pmm_json_next(root, e)) {
    if (entry_token(r->d, e, &market, &outcome) != 1) continue;
    bool const buy = pmm_json_is(pmm_json_get(e, "side"), "BUY");
    pmm_text_object(t, pmm__pd_token(pmm_place_market(r->d->place, market), outcome));
    pmm_text_decimal(t, buy ? "BUY" : "SELL", price_of(r->d, market, outcome, buy), 4, 0);
    pmm_text_end(t);
  }
  pmm_text_end(t);
  return 200;
}

/* One figure of one token, and of many. */
typedef int64_t figure_t(const pmm__pd_t *d, uint32_t market, int outcome);
static int one_figure(pmm__pd_req_t *r, const char *key, figure_t *figure) {
  uint32_t market;
  int outcome;
  int const refused = find_token(r, &market, &outcome);
  if (refused) return refused;
  int64_t const value = figure(r->d, market, outcome);
  if (value < 0) return pmm__pd_fail(r->d, 404, "No orderbook exists for the requested token id"); /* nothing on a side */
  pmm_text_object(&r->d->out, NULL);
  pmm_text_decimal(&r->d->out, key, value, 5, 0);
  pmm_text_end(&r->d->out);
  return 200;
}

static int many_figures(pmm__pd_req_t *r, figure_t *figure) {
  const pmm_json_node_t *const root = entries(r);
  uint32_t market;
  int outcome;
  if (!root) return 400;
  pmm_text_object(&r->d->out, NULL);
  for (const pmm_json_node_t *e = pmm_json_first(root); e; e = pmm_json_next(root, e)) {
    int64_t const value = entry_token(r->d, e, &market, &outcome) == 1 ? figure(r->d, market, outcome) : -1;
    if (value >= 0) pmm_text_decimal(&r->d->out, pmm__pd_token(pmm_place_market(r->d->place, market), outcome), value, 5, 0);
  }
  pmm_text_end(&r->d->out);
  return 200;
}

int pmm__pd_mid(pmm__pd_req_t *r) { return one_figure(r, "mid", mid_e5); }
int pmm__pd_mids(pmm__pd_req_t *r) { return many_figures(r, mid_e5); }
int pmm__pd_spread(pmm__pd_req_t *r) { return one_figure(r, "spread", spread_e5); }
int pmm__pd_spreads(pmm__pd_req_t *r) { return many_figures(r, spread_e5); }

/* The last trade from a token's side: who took bought this token, or sold it (or did the opposite with the other). */
static void put_last(const pmm__pd_t *d, pmm_text_t *t, uint32_t market, int outcome) {
  const pmm_place_trade_t *const last = d->market[market].last_trade ? pmm_place_trade_at(d->place, d->market[market].last_trade) : NULL;
  pmm_text_decimal(t, "price", last ? pmm__pd_price(outcome, last->price_e4) : 5000, 4, 0);
  pmm_text_string(t, "side", !last ? "" : (last->taker_side == PMM_BID) == (outcome == 0) ? "BUY" : "SELL");
}

int pmm__pd_last(pmm__pd_req_t *r) {
  uint32_t market;
  int outcome;
  int const refused = find_token(r, &market, &outcome);
  if (refused) return refused;
  pmm_text_object(&r->d->out, NULL);
  put_last(r->d, &r->d->out, market, outcome);
  pmm_text_end(&r->d->out);
  return 200;
}

int pmm__pd_lasts(pmm__pd_req_t *r) {
  const pmm_json_node_t *const root = entries(r);
  pmm_text_t *const t = &r->d->out;
  uint32_t market;
  int outcome;
  if (!root) return 400;
  pmm_text_array(t, NULL);
  for (const pmm_json_node_t *e = pmm_json_first(root); e; e = pmm_json_next(root, e)) {
    if (entry_token(r->d, e, &market, &outcome) != 1 || r->d->market[market].last_trade == 0) continue;
    pmm_text_object(t, NULL);
    pmm_text_string(t, "token_id", pmm__pd_token(pmm_place_market(r->d->place, market), outcome));
    put_last(r->d, t, market, outcome);
    pmm_text_end(t);
  }
  pmm_text_end(t);
  return 200;
}

int pmm__pd_tick(pmm__pd_req_t *r) {
  uint32_t market;
  int outcome;
  int const refused = find_token(r, &market, &outcome);
  if (refused) return refused;
  pmm_text_object(&r->d->out, NULL);
  pmm_text_number(&r->d->out, "minimum_tick_size", pmm_place_market(r->d->place, market)->grid.tick_e4, 4, 0);
  pmm_text_end(&r->d->out);
  return 200;
}

int pmm__pd_neg_risk(pmm__pd_req_t *r) {
  uint32_t market;
  int outcome;
  int const refused = find_token(r, &market, &outcome);
  if (refused) return refused;
  pmm_text_object(&r->d->out, NULL);
  pmm_text_bool(&r->d->out, "neg_risk", r->d->market[market].neg_risk);
  pmm_text_end(&r->d->out);
  return 200;
}

/* What a V1 order has to carry; fees of V2 are set at the match and not signed. */
int pmm__pd_fee_rate(pmm__pd_req_t *r) {
  uint32_t market;
  int outcome;
  int const refused = find_token(r, &market, &outcome);
  return refused ? refused : pmm__pd_ok(r->d, "{\"base_fee\":0}");
}

/* -- history: the last trade of each step -- */
typedef struct span { int64_t from_ns, to_ns, step_ns; } span_t;
static int read_span(pmm__pd_req_t *r, span_t *span) {
  static const struct {
    const char *name;
    int64_t s;
    int64_t fidelity_min;
  } intervals[] = {{"1h", 3600, 1}, {"6h", 21600, 1}, {"1d", 86400, 1}, {"1w", 604800, 5}, {"1m", 2592000, 10}, {"max", 0, 1}};
  char interval[8];
  int64_t start_s, end_s, fidelity = 1, least = 1;
  pmm__pd_query_int(r, "fidelity", &fidelity);
  *span = (span_t){.from_ns = 0, .to_ns = r->now_ns};
  bool known = pmm__pd_query_int(r, "startTs", &start_s) && start_s >= 0 && start_s < PMM_NS_MAX / PMM_NS_PER_S;
  if (known) {
    span->from_ns = start_s * PMM_NS_PER_S;
    if (pmm__pd_query_int(r, "endTs", &end_s) && end_s >= 0 && end_s < PMM_NS_MAX / PMM_NS_PER_S) span->to_ns = end_s * PMM_NS_PER_S;
  }
  pmm__pd_query(r, "interval", interval, sizeof interval);
  for (size_t i = 0; i < sizeof intervals / sizeof intervals[0] && !known; i++) {
    if (strcmp(interval, intervals[i].name) != 0) continue;
    known = true;
    least = intervals[i].fidelity_min;
    if (intervals[i].s > 0) span->from_ns = r->now_ns - intervals[i].s * PMM_NS_PER_S;
  }
  if (!known) return pmm__pd_fail(r->d, 400, "startTs is required");
  if (fidelity < least || fidelity > 1000000) return pmm__pd_fail(r->d, 400, "invalid fidelity: %lld", (long long)fidelity);
  span->step_ns = fidelity * 60 * PMM_NS_PER_S;
  return 0;
}

static void put_point(pmm_text_t *t, int64_t at_ns, int outcome, int32_t price_e4) {
  pmm_text_object(t, NULL);
  pmm_text_int(t, "t", at_ns / PMM_NS_PER_S);
  pmm_text_number(t, "p", pmm__pd_price(outcome, price_e4), 4, 0);
  pmm_text_end(t);
}

int pmm__pd_history(pmm__pd_req_t *r) {
  char token[PMM_ID_MAX];
  uint32_t market;
  int outcome;
  span_t span;
  pmm__pd_query(r, "market", token, sizeof token);
  if (!pmm__pd_token_find(r->d, token, strlen(token), &market, &outcome)) return pmm__pd_fail(r->d, 400, "Invalid token id");
  int const refused = read_span(r, &span);
  if (refused) return refused;
  int64_t step = -1;
  const pmm_place_trade_t *last = NULL;
  pmm_text_object(&r->d->out, NULL);
  pmm_text_array(&r->d->out, "history");
  for (uint64_t seq = 1; seq <= pmm_place_trade_cnt(r->d->place); seq++) {
    const pmm_place_trade_t *const trade = pmm_place_trade_at(r->d->place, seq);
    if (trade->market != market || trade->at_ns < span.from_ns || trade->at_ns > span.to_ns) continue;
    if (last && trade->at_ns / span.step_ns != step) put_point(&r->d->out, last->at_ns, outcome, last->price_e4);
    step = trade->at_ns / span.step_ns;
    last = trade;
  }
  if (last) put_point(&r->d->out, last->at_ns, outcome, last->price_e4);
  pmm_text_end(&r->d->out);
  pmm_text_end(&r->d->out);
  return 200;
}
