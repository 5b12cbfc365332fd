/* Markets as the CLOB lists them and as the catalogue (Gamma) does. What a listing does not have (questions, images, tags, rewards) is empty. */
#include <stdlib.h>
#include <string.h>
#include "server/polymarket/impl.h"

static bool is_closed(const pmm_market_t *m) { return m->life >= PMM_LIFE_CLOSED; }
static bool is_accepting(const pmm_market_t *m) { return m->life == PMM_LIFE_OPEN; }

/* What one share of a token is worth by the market's own word: the payout once resolved, else the middle, else the last trade, else a half. */
static int32_t worth_e4(const pmm__pd_t *d, uint32_t market, int outcome) {
  const pmm_market_t *const m = pmm_place_market(d->place, market);
  int32_t const bid = pmm__pd_best(d, market, 0, PMM_BID), ask = pmm__pd_best(d, market, 0, PMM_ASK);
  pmm_place_stats_t stats;
  pmm_place_stats(d->place, market, &stats);
  int32_t yes_e4 = stats.last_e4 > 0 ? stats.last_e4 : 5000;
  if (bid && ask) yes_e4 = (bid + ask) / 2;
  if (m->life == PMM_LIFE_RESOLVED) yes_e4 = (int32_t)(m->payout_yes_e6 / 100);
  return outcome ? PMM_ONE_E4 - yes_e4 : yes_e4;
}

static bool is_winner(const pmm_market_t *m, int outcome) {
  return m->life == PMM_LIFE_RESOLVED && m->outcome == (outcome ? PMM_OUTCOME_NO : PMM_OUTCOME_YES);
}

static void put_tokens(const pmm__pd_t *d, pmm_text_t *t, uint32_t market) {
  const pmm_market_t *const m = pmm_place_market(d->place, market);
  pmm_text_array(t, "tokens");
  for (int i = 0; i < 2; i++) {
    pmm_text_object(t, NULL);
    pmm_text_string(t, "token_id", pmm__pd_token(m, i));
    pmm_text_string(t, "outcome", pmm__pd_outcome(i));
    pmm_text_number(t, "price", worth_e4(d, market, i), 4, 0);
    pmm_text_bool(t, "winner", is_winner(m, i));
    pmm_text_end(t);
  }
  pmm_text_end(t);
}

static void put_raw(pmm_text_t *t, const char *key, const char *json) { pmm_text_json(t, key, json, strlen(json)); }
#define NO_REWARDS "{\"rates\":null,\"min_size\":0,\"max_spread\":0}"

static void put_simplified(const pmm__pd_t *d, pmm_text_t *t, uint32_t market) {
  const pmm_market_t *const m = pmm_place_market(d->place, market);
  pmm_text_string(t, "condition_id", m->id);
  put_raw(t, "rewards", NO_REWARDS);
  put_tokens(d, t, market);
  pmm_text_bool(t, "active", m->life != PMM_LIFE_PENDING);
  pmm_text_bool(t, "closed", is_closed(m));
  pmm_text_bool(t, "archived", false);
  pmm_text_bool(t, "accepting_orders", is_accepting(m));
}

static void put_full(const pmm__pd_t *d, pmm_text_t *t, uint32_t market) {
  const pmm_market_t *const m = pmm_place_market(d->place, market);
  const pmm__pd_market_t *const mk = &d->market[market];
  pmm_text_bool(t, "enable_order_book", true);
  put_simplified(d, t, market);
  pmm__pd_put_iso(t, "accepting_order_timestamp", m->open_ns);
  pmm_text_number(t, "minimum_order_size", mk->min_size_e6, 6, 0);
  pmm_text_number(t, "minimum_tick_size", m->grid.tick_e4, 4, 0);
  pmm_text_string(t, "question_id", m->id);
  pmm_text_string(t, "question", mk->title);
  pmm_text_string(t, "description", mk->title);
  pmm_text_string(t, "market_slug", mk->slug);
  pmm__pd_put_iso(t, "end_date_iso", m->close_ns);
  pmm_text_null(t, "game_start_time");
  pmm_text_int(t, "seconds_delay", 0);
  pmm_text_string(t, "fpmm", "");
  pmm_text_int(t, "maker_base_fee", 0);
  pmm_text_int(t, "taker_base_fee", 0);
  pmm_text_bool(t, "notifications_enabled", true);
  pmm_text_bool(t, "neg_risk", mk->neg_risk);
  pmm_text_string(t, "neg_risk_market_id", "");
  pmm_text_string(t, "neg_risk_request_id", "");
  pmm_text_string(t, "icon", "");
  pmm_text_string(t, "image", "");
  pmm_text_bool(t, "is_50_50_outcome", m->outcome == PMM_OUTCOME_VOID);
  put_raw(t, "tags", "[]");
}

static int put_pages(pmm__pd_req_t *r, void (*put)(const pmm__pd_t *, pmm_text_t *, uint32_t)) {
  pmm__pd_page_t page;
  if (!pmm__pd_page_begin(r, &page, 1000)) return 400;
  for (uint32_t i = 0; i < pmm_place_market_cnt(r->d->place); i++) {
    if (!r->d->market[i].listed || !pmm__pd_page_wants(&page)) continue;
    pmm_text_object(&r->d->out, NULL);
    put(r->d, &r->d->out, i);
    pmm_text_end(&r->d->out);
  }
  return pmm__pd_page_end(r, &page);
}

int pmm__pd_markets(pmm__pd_req_t *r) { return put_pages(r, put_full); }
int pmm__pd_simplified(pmm__pd_req_t *r) { return put_pages(r, put_simplified); }

static int find_condition(pmm__pd_req_t *r, uint32_t *market) {
  pmm_poly_word_t word;
  if (pmm_poly_word_parse(r->arg, strlen(r->arg), &word) != PMM_OK) return pmm__pd_fail(r->d, 400, "Invalid market");
  return pmm__pd_condition_find(r->d, r->arg, market) ? 0 : pmm__pd_fail(r->d, 404, "market not found");
}

int pmm__pd_market(pmm__pd_req_t *r) {
  uint32_t market;
  int const refused = find_condition(r, &market);
  if (refused) return refused;
  pmm_text_object(&r->d->out, NULL);
  put_full(r->d, &r->d->out, market);
  pmm_text_end(&r->d->out);
  return 200;
}

/* The compact form. */
int pmm__pd_clob_market(pmm__pd_req_t *r) {
  uint32_t market;
  int const refused = find_condition(r, &market);
  if (refused) return refused;
  const pmm_market_t *const m = pmm_place_market(r->d->place, market);
  const pmm__pd_market_t *const mk = &r->d->market[market];
  pmm_text_t *const t = &r->d->out;
  pmm_text_object(t, NULL);
  pmm_text_string(t, "c", m->id);
  pmm_text_array(t, "t");
  for (int i = 0; i < 2; i++) {
    pmm_text_object(t, NULL);
    pmm_text_string(t, "t", pmm__pd_token(m, i));
    pmm_text_string(t, "o", pmm__pd_outcome(i));
    pmm_text_end(t);
  }
  pmm_text_end(t);
  pmm_text_number(t, "mts", m->grid.tick_e4, 4, 0);
  pmm_text_number(t, "mos", mk->min_size_e6, 6, 0);
  if (mk->neg_risk) pmm_text_bool(t, "nr", true);
  if (mk->v3) pmm_text_string(t, "v", "v2");
  pmm_text_object(t, "fd");
  pmm_text_number(t, "r", m->fees.taker_rate_e6, 6, 0);
  pmm_text_int(t, "e", m->fees.exponent);
  pmm_text_bool(t, "to", true);
  pmm_text_end(t);
  pmm_text_int(t, "mbf", 0);
  pmm_text_int(t, "tbf", 0);
  pmm_text_null(t, "r");
  pmm_text_bool(t, "ao", is_accepting(m));
  pmm__pd_put_iso(t, "aot", m->open_ns);
  pmm_text_int(t, "sd", 0);
  pmm_text_null(t, "gst");
  pmm_text_bool(t, "cbos", false);
  pmm_text_bool(t, "rfqe", false);
  pmm_text_bool(t, "itode", mk->itode);
  pmm_text_bool(t, "ibce", false);
  pmm_text_string(t, "v", "v1");
  pmm_text_end(t);
  return 200;
}

int pmm__pd_by_token(pmm__pd_req_t *r) {
  uint32_t market;
  int outcome;
  if (!pmm__pd_token_find(r->d, r->arg, strlen(r->arg), &market, &outcome)) return pmm__pd_fail(r->d, 404, "market not found");
  const pmm_market_t *const m = pmm_place_market(r->d->place, market);
  pmm_text_object(&r->d->out, NULL);
  pmm_text_string(&r->d->out, "condition_id", m->id);
  pmm_text_string(&r->d->out, "primary_token_id", m->token_yes);
  pmm_text_string(&r->d->out, "secondary_token_id", m->token_no);
  pmm_text_end(&r->d->out);
  return 200;
}

/* -- the catalogue: markets by number (from 1), events by their first market's number -- */
/* A list inside a string, as the catalogue has them: "[\"a\",\"b\"]". */
static void put_pair(pmm_text_t *t, const char *key, const char *a, const char *b) {
  char text[2 * PMM_ID_MAX + 8];
  snprintf(text, sizeof text, "[\"%s\",\"%s\"]", a, b);
  pmm_text_string(t, key, text);
}

/* A market of the third exchange names its tokens here only. */
static void put_positions(pmm_text_t *t, const pmm_market_t *m) {
  pmm_text_array(t, "positionIds");
  pmm_text_string(t, NULL, m->token_yes);
  pmm_text_string(t, NULL, m->token_no);
  pmm_text_end(t);
}

static void put_gamma_prices(const pmm__pd_t *d, pmm_text_t *t, uint32_t market) {
  char yes[PMM_DECIMAL_BUF], no[PMM_DECIMAL_BUF];
  pmm_place_stats_t stats;
  int32_t const bid = pmm__pd_best(d, market, 0, PMM_BID), ask = pmm__pd_best(d, market, 0, PMM_ASK);
  pmm_place_stats(d->place, market, &stats);
  pmm_decimal_print(worth_e4(d, market, 0), 4, 0, yes);
  pmm_decimal_print(worth_e4(d, market, 1), 4, 0, no);
  put_pair(t, "outcomePrices", yes, no);
  pmm_text_number(t, "bestBid", bid, 4, 0);
  pmm_text_number(t, "bestAsk", ask ? ask : PMM_ONE_E4, 4, 0);
  pmm_text_number(t, "spread", (ask ? ask : PMM_ONE_E4) - bid, 4, 0);
  pmm_text_number(t, "lastTradePrice", stats.last_e4, 4, 0);
  pmm_text_number(t, "volumeNum", stats.notional_e6, 6, 0);
  pmm_text_number(t, "volume24hr", stats.notional_e6, 6, 0);
  pmm_text_number(t, "liquidityNum", pmm_ladder_notional(pmm_place_ladder(d->place, market)), 6, 0);
}

static void put_gamma_fees(const pmm_market_t *m, const pmm__pd_market_t *mk, pmm_text_t *t) {
  bool const enabled = m->fees.model == PMM_FEE_POLYMARKET && m->fees.taker_rate_e6 > 0;
  pmm_text_bool(t, "feesEnabled", enabled);
  if (!enabled) return;
  pmm_text_string(t, "feeType", mk->asset[0] ? "crypto_fees" : "other_fees");
  pmm_text_object(t, "feeSchedule");
  pmm_text_number(t, "rate", m->fees.taker_rate_e6, 6, 0);
  pmm_text_int(t, "exponent", m->fees.exponent);
  pmm_text_bool(t, "takerOnly", true);
  pmm_text_number(t, "rebateRate", m->fees.rebate_share_e6, 6, 0);
  pmm_text_end(t);
}

static void put_gamma(const pmm__pd_t *d, pmm_text_t *t, uint32_t market) {
  const pmm_market_t *const m = pmm_place_market(d->place, market);
  const pmm__pd_market_t *const mk = &d->market[market];
  char id[16];
  snprintf(id, sizeof id, "%u", market + 1);
  pmm_text_object(t, NULL);
  pmm_text_string(t, "id", id);
  pmm_text_string(t, "conditionId", m->id);
  pmm_text_string(t, "questionID", m->id);
  pmm_text_string(t, "slug", mk->slug);
  pmm_text_string(t, "question", mk->title);
  pmm_text_string(t, "groupItemTitle", mk->title);
  pmm_text_string(t, "version", mk->v3 ? "v2" : "v1");
  if (mk->v3) put_positions(t, m);
  else put_pair(t, "clobTokenIds", m->token_yes, m->token_no);
  put_pair(t, "outcomes", pmm__pd_outcome(0), pmm__pd_outcome(1));
  put_gamma_prices(d, t, market);
  pmm_text_bool(t, "active", m->life != PMM_LIFE_PENDING);
  pmm_text_bool(t, "closed", is_closed(m));
  pmm_text_bool(t, "archived", false);
  pmm_text_bool(t, "acceptingOrders", is_accepting(m));
  pmm_text_bool(t, "enableOrderBook", true);
  pmm_text_number(t, "orderPriceMinTickSize", m->grid.tick_e4, 4, 0);
  pmm_text_number(t, "orderMinSize", mk->min_size_e6, 6, 0);
  pmm_text_bool(t, "negRisk", mk->neg_risk);
  put_gamma_fees(m, mk, t);
  put_raw(t, "clobRewards", "[]");
  pmm_text_int(t, "rewardsMinSize", 0);
  pmm_text_int(t, "rewardsMaxSpread", 0);
  pmm_text_bool(t, "holdingRewardsEnabled", false);
  pmm_text_int(t, "secondsDelay", 0);
  pmm__pd_put_iso(t, "startDate", m->open_ns);
  pmm__pd_put_iso(t, "eventStartTime", m->open_ns);
  pmm__pd_put_iso(t, "endDate", m->close_ns);
  if (m->life == PMM_LIFE_RESOLVED) pmm_text_string(t, "umaResolutionStatus", "resolved");
  pmm_text_string(t, "resolutionSource", mk->asset);
  pmm_text_end(t);
}

/* GET /markets is the CLOB's with nothing or a cursor, the catalogue's with any of its own filters. */
bool pmm__pd_is_gamma_query(const pmm__pd_req_t *r) {
  const char *const q = r->http->query;
  return q[0] != '\0' && strncmp(q, "next_cursor=", 12) != 0;
}

/* True when a repeated filter is absent, or one of its values (each may be a list with commas) is text. */
static bool filter_has(const pmm__pd_req_t *r, const char *name, const char *text) {
  char value[1024];
  for (size_t nth = 0;; nth++) {
    pmm_status_t const st = pmm_query_get(r->http->query, name, nth, value, sizeof value);
    if (st == PMM_NOT_FOUND) return nth == 0;
    if (st != PMM_OK) return false;
    for (char *part = value, *rest; part; part = rest) {
      if ((rest = strchr(part, ','))) *rest++ = '\0';
      if (strcmp(part, text) == 0) return true;
    }
  }
}

static bool filter_flag(const pmm__pd_req_t *r, const char *name, bool value) { return filter_has(r, name, value ? "true" : "false"); }

/* Closed markets only where asked for, or named. */
static bool closed_fits(const pmm__pd_req_t *r, bool closed) {
  static const char *const naming[] = {"slug", "id", "condition_ids", "clob_token_ids"};
  char value[8];
  if (pmm__pd_query(r, "closed", value, sizeof value)[0]) return strcmp(value, closed ? "true" : "false") == 0;
  for (size_t i = 0; i < 4 && closed; i++)
    if (pmm_query_get(r->http->query, naming[i], 0, value, sizeof value) != PMM_NOT_FOUND) return true;
  return !closed;
}

static bool gamma_fits(const pmm__pd_req_t *r, uint32_t market) {
  const pmm_market_t *const m = pmm_place_market(r->d->place, market);
  const pmm__pd_market_t *const mk = &r->d->market[market];
  char id[16];
  snprintf(id, sizeof id, "%u", market + 1);
  return mk->listed && closed_fits(r, is_closed(m)) && filter_has(r, "slug", mk->slug) && filter_has(r, "id", id) &&
         filter_has(r, "condition_ids", m->id) && filter_flag(r, "active", m->life != PMM_LIFE_PENDING) &&
         filter_flag(r, "archived", false) &&
         (filter_has(r, "clob_token_ids", m->token_yes) || filter_has(r, "clob_token_ids", m->token_no));
}

/* limit and offset of a catalogue's list, as a page without a cursor. */
static void read_window(const pmm__pd_req_t *r, pmm__pd_page_t *page) {
  int64_t limit = 100, offset = 0;
  pmm__pd_query_int(r, "limit", &limit);
  pmm__pd_query_int(r, "offset", &offset);
  *page = (pmm__pd_page_t){.from = (size_t)pmm_max64(offset, 0), .limit = (size_t)pmm_min64(pmm_max64(limit, 0), 500)};
}

int pmm__pd_gamma_markets(pmm__pd_req_t *r) {
  pmm__pd_page_t page;
  read_window(r, &page);
  pmm_text_array(&r->d->out, NULL);
  for (uint32_t i = 0; i < pmm_place_market_cnt(r->d->place); i++)
    if (gamma_fits(r, i) && pmm__pd_page_wants(&page)) put_gamma(r->d, &r->d->out, i);
  pmm_text_end(&r->d->out);
  return 200;
}

static int put_one(pmm__pd_req_t *r, bool (*is)(const pmm__pd_t *, uint32_t, const char *), void (*put)(const pmm__pd_t *, pmm_text_t *, uint32_t)) {
  for (uint32_t i = 0; i < pmm_place_market_cnt(r->d->place); i++) {
    if (!r->d->market[i].listed || !is(r->d, i, r->arg)) continue;
    put(r->d, &r->d->out, i);
    return 200;
  }
  return pmm__pd_fail(r->d, 404, "not found");
}

static bool is_id(const pmm__pd_t *d, uint32_t market, const char *id) {
  (void)d;
  char text[16];
  snprintf(text, sizeof text, "%u", market + 1);
  return strcmp(text, id) == 0;
}
static bool is_slug(const pmm__pd_t *d, uint32_t market, const char *slug) { return strcmp(d->market[market].slug, slug) == 0; }

int pmm__pd_gamma_market(pmm__pd_req_t *r) { return put_one(r, is_id, put_gamma); }
int pmm__pd_gamma_slug(pmm__pd_req_t *r) { return put_one(r, is_slug, put_gamma); }

/* -- events: markets that share pmm_market_t.event; each stands at its first market -- */
static bool is_first(const pmm__pd_t *d, uint32_t market) {
  for (uint32_t i = 0; i < market; i++)
    if (d->market[i].listed && strcmp(pmm_place_market(d->place, i)->event, pmm_place_market(d->place, market)->event) == 0) return false;
  return true;
}

static void put_event(const pmm__pd_t *d, pmm_text_t *t, uint32_t first) {
  const char *const event = pmm_place_market(d->place, first)->event;
  bool closed = true;
  char id[16];
  snprintf(id, sizeof id, "%u", first + 1);
  pmm_text_object(t, NULL);
  pmm_text_string(t, "id", id);
  pmm_text_string(t, "slug", event);
  pmm_text_string(t, "ticker", event);
  pmm_text_string(t, "title", event);
  pmm_text_bool(t, "negRisk", d->market[first].neg_risk);
  pmm_text_bool(t, "active", true);
  pmm_text_bool(t, "archived", false);
  pmm_text_array(t, "markets");
  for (uint32_t i = first; i < pmm_place_market_cnt(d->place); i++) {
    const pmm_market_t *const m = pmm_place_market(d->place, i);
    if (!d->market[i].listed || strcmp(m->event, event) != 0) continue;
    closed = closed && is_closed(m);
    put_gamma(d, t, i);
  }
  pmm_text_end(t);
  pmm_text_bool(t, "closed", closed);
  pmm_text_end(t);
}

static bool event_is_closed(const pmm__pd_t *d, uint32_t first) {
  for (uint32_t i = first; i < pmm_place_market_cnt(d->place); i++) {
    const pmm_market_t *const m = pmm_place_market(d->place, i);
    if (d->market[i].listed && strcmp(m->event, pmm_place_market(d->place, first)->event) == 0 && !is_closed(m)) return false;
  }
  return true;
}

int pmm__pd_gamma_events(pmm__pd_req_t *r) {
  pmm__pd_page_t page;
  read_window(r, &page);
  pmm_text_array(&r->d->out, NULL);
  for (uint32_t i = 0; i < pmm_place_market_cnt(r->d->place); i++) {
    char id[16];
    snprintf(id, sizeof id, "%u", i + 1);
    if (!r->d->market[i].listed || !is_first(r->d, i) || !closed_fits(r, event_is_closed(r->d, i)) || !filter_has(r, "id", id)) continue;
    if (!filter_has(r, "slug", pmm_place_market(r->d->place, i)->event) || !filter_flag(r, "archived", false) ||
        !filter_flag(r, "active", true))
      continue;
    if (pmm__pd_page_wants(&page)) put_event(r->d, &r->d->out, i);
  }
  pmm_text_end(&r->d->out);
  return 200;
}

static bool is_event_id(const pmm__pd_t *d, uint32_t market, const char *id) { return is_id(d, market, id) && is_first(d, market); }
static bool is_event_slug(const pmm__pd_t *d, uint32_t market, const char *slug) {
  return strcmp(pmm_place_market(d->place, market)->event, slug) == 0;
}
int pmm__pd_gamma_event(pmm__pd_req_t *r) { return put_one(r, is_event_id, put_event); }
int pmm__pd_gamma_event_slug(pmm__pd_req_t *r) { return put_one(r, is_event_slug, put_event); }
