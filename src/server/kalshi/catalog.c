/* Series, events and markets, and what the exchange says of itself. A ticker's first part is its series: KXBTC15M-26OCT021330 belongs to
   KXBTC15M. Source of the fields: Kalshi API docs, OpenAPI 3.31 (2026-11). */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "server/kalshi/impl.h"

#define NO_CLOSE_NS (INT64_C(10) * 365 * 86400 * PMM_NS_PER_S) /* a market that stays open names a close ten years on: the field is required */
#define TAKER_RATE_E6 70000

/* -- the registry -- */

static void series_of(const char *event, char *out, size_t cap) {
  snprintf(out, cap, "%.*s", (int)strcspn(event, "-"), event);
}

static pmm_status_t series_add(pmm__kx_t *k, const char *ticker, const char *title, int64_t at_ns, uint32_t *index) {
  for (*index = 0; *index < k->series_cnt; ++*index)
    if (strcmp(k->series[*index].ticker, ticker) == 0) return PMM_OK;
  pmm__kx_series_t *const grown = realloc(k->series, (k->series_cnt + 1) * sizeof *grown);
  if (!grown) return PMM_FULL;
  k->series = grown;
  pmm__kx_series_t *const s = &k->series[k->series_cnt++];
  *s = (pmm__kx_series_t){.created_ns = at_ns};
  snprintf(s->ticker, sizeof s->ticker, "%s", ticker);
  snprintf(s->title, sizeof s->title, "%s", title);
  return PMM_OK;
}

static pmm_status_t event_add(pmm__kx_t *k, const char *ticker, const char *title, int64_t at_ns, uint32_t *index) {
  for (*index = 0; *index < k->event_cnt; ++*index)
    if (strcmp(k->event[*index].ticker, ticker) == 0) return PMM_OK;
  char series[PMM_ID_MAX];
  uint32_t series_index;
  series_of(ticker, series, sizeof series);
  pmm_status_t const st = series_add(k, series, title, at_ns, &series_index);
  pmm__kx_event_t *const grown = st == PMM_OK ? realloc(k->event, (k->event_cnt + 1) * sizeof *grown) : NULL;
  if (!grown) return PMM_FULL;
  k->event = grown;
  pmm__kx_event_t *const e = &k->event[k->event_cnt++];
  *e = (pmm__kx_event_t){.series = series_index, .created_ns = at_ns};
  snprintf(e->ticker, sizeof e->ticker, "%s", ticker);
  snprintf(e->title, sizeof e->title, "%s", title);
  return PMM_OK;
}

pmm_status_t pmm__kx_catalog_add(pmm__kx_t *k, uint32_t market, const pmm_listing_params_t *listing, pmm_error_t *err) {
  const pmm_market_t *const pm = pmm_place_market(k->place, market);
  int64_t const at_ns = k->now_ns ? k->now_ns : pm->open_ns != PMM_TIME_NONE ? pm->open_ns : 0;
  uint32_t event;
  if (k->start_ns == PMM_TIME_NONE) k->start_ns = at_ns;
  if (event_add(k, pm->event[0] ? pm->event : pm->id, listing->title, at_ns, &event) != PMM_OK)
    return pmm_error_set(err, PMM_FULL, "kalshi: out of memory");
  pmm__kx_market_t *const m = &k->market[market];
  m->listed = true;
  m->event = event;
  m->life = pm->life;
  m->strike = listing->strike;
  m->created_ns = m->updated_ns = at_ns;
  m->determined_ns = m->settled_ns = m->closed_ns = PMM_TIME_NONE;
  snprintf(m->title, sizeof m->title, "%s", listing->title);
  snprintf(m->grid, sizeof m->grid, "%s", listing->grid);
  snprintf(m->asset, sizeof m->asset, "%s", listing->asset);
  pmm__kx_uuid_of(pm->id, k->config.seed, m->uuid);
  return PMM_OK;
}

/* -- words -- */

const char *pmm__kx_status(const pmm__kx_t *k, uint32_t market) {
  static const char *const words[] = {"initialized", "active", "inactive", "closed", "determined", "finalized"};
  return words[pmm_place_market(k->place, market)->life];
}

/* The word of a filter: not the word of a status. */
static const char *filter_word(const pmm__kx_t *k, uint32_t market) {
  static const char *const words[] = {"unopened", "open", "paused", "closed", "closed", "settled"};
  return words[pmm_place_market(k->place, market)->life];
}

const char *pmm__kx_result(const pmm_market_t *market) {
  if (market->life < PMM_LIFE_RESOLVING) return "";
  switch ((pmm_outcome_t)market->outcome) {
  case PMM_OUTCOME_YES: return "yes";
  case PMM_OUTCOME_NO: return "no";
  case PMM_OUTCOME_VOID: return "scalar";
  default: return "";
  }
}

void pmm__kx_structure(const pmm__kx_t *k, uint32_t market, char *out, size_t cap) {
  const pmm_grid_t *const g = &pmm_place_market(k->place, market)->grid;
  if (k->market[market].grid[0] && g->range_cnt > 1) {
    snprintf(out, cap, "%s", k->market[market].grid);
    return;
  }
  static const struct { int32_t step_e4; const char *name; } known[] = {
    {100, "linear_cent"},
    {50, "center_half_edge_half_cent"},
    {20, "center_quint_edge_quint_cent"},
    {10, "deci_cent"},
    {1, "center_centi_edge_centi_cent"},
  };
  snprintf(out, cap, "uniform_%d", (int)g->tick_e4); /* not a name of the venue's: clients go by price_ranges */
  for (size_t i = 0; i < sizeof known / sizeof known[0]; i++)
    if (known[i].step_e4 == g->tick_e4) snprintf(out, cap, "%s", known[i].name);
}

void pmm__kx_price_ranges(pmm_text_t *t, const pmm_grid_t *grid) {
  pmm_text_array(t, "price_ranges");
  for (int32_t i = 0; i < grid->range_cnt; i++) {
    pmm_text_object(t, NULL);
    pmm__kx_price(t, "start", grid->range[i].start_e4);
    pmm__kx_price(t, "end", grid->range[i].end_e4);
    pmm__kx_price(t, "step", grid->range[i].step_e4);
    pmm_text_end(t);
  }
  pmm_text_end(t);
}

/* -- markets -- */

static int64_t close_of(const pmm__kx_t *k, uint32_t market) {
  const pmm_market_t *const pm = pmm_place_market(k->place, market);
  int64_t const at_ns = pm->close_ns != PMM_TIME_NONE ? pm->close_ns : k->market[market].created_ns + NO_CLOSE_NS;
  return k->market[market].closed_ns != PMM_TIME_NONE ? pmm_min64(at_ns, k->market[market].closed_ns) : at_ns;
}

static void put_times(pmm__kx_t *k, uint32_t market) {
  pmm_text_t *const t = &k->out;
  const pmm__kx_market_t *const m = &k->market[market];
  const pmm_market_t *const pm = pmm_place_market(k->place, market);
  int64_t const close_ns = close_of(k, market);
  pmm__kx_time(t, "created_time", m->created_ns);
  pmm__kx_time(t, "updated_time", m->updated_ns);
  pmm__kx_time(t, "open_time", pm->open_ns != PMM_TIME_NONE ? pm->open_ns : m->created_ns);
  pmm__kx_time(t, "close_time", close_ns);
  pmm__kx_time(t, "expected_expiration_time", close_ns);
  pmm__kx_time(t, "expiration_time", close_ns);
  pmm__kx_time(t, "latest_expiration_time", close_ns);
  pmm_text_int(t, "settlement_timer_seconds", PMM__KX_SETTLE_TIMER_S);
}

static void put_quotes(pmm__kx_t *k, uint32_t market) {
  pmm_text_t *const t = &k->out;
  const pmm_ladder_t *const l = pmm_place_ladder(k->place, market);
  int32_t const bid_e4 = pmm_ladder_best_e4(l, PMM_BID), best_ask = pmm_ladder_best_e4(l, PMM_ASK), ask_e4 = best_ask ? best_ask : PMM_ONE_E4;
  pmm_place_stats_t stats;
  pmm_place_stats(k->place, market, &stats);
  pmm__kx_price(t, "yes_bid_dollars", bid_e4);
  pmm__kx_count(t, "yes_bid_size_fp", bid_e4 ? pmm_ladder_qty(l, PMM_BID, l->best[PMM_BID]) : 0);
  pmm__kx_price(t, "yes_ask_dollars", ask_e4);
  pmm__kx_count(t, "yes_ask_size_fp", best_ask ? pmm_ladder_qty(l, PMM_ASK, l->best[PMM_ASK]) : 0);
  pmm__kx_price(t, "no_bid_dollars", PMM_ONE_E4 - ask_e4);
  pmm__kx_price(t, "no_ask_dollars", PMM_ONE_E4 - bid_e4);
  pmm__kx_price(t, "last_price_dollars", stats.last_e4);
  pmm__kx_count(t, "volume_fp", stats.volume_e6);
  pmm__kx_count(t, "open_interest_fp", stats.open_interest_e6);
  pmm__kx_price(t, "notional_value_dollars", PMM_ONE_E4);
  pmm__kx_day_t day;
  pmm__kx_day(k, market, &day);
  pmm__kx_count(t, "volume_24h_fp", day.volume_e6);
  pmm__kx_price(t, "previous_yes_bid_dollars", day.bid_e4);
  pmm__kx_price(t, "previous_yes_ask_dollars", day.ask_e4);
  pmm__kx_price(t, "previous_price_dollars", day.price_e4);
}

static void put_outcome(pmm__kx_t *k, uint32_t market) {
  pmm_text_t *const t = &k->out;
  const pmm_market_t *const pm = pmm_place_market(k->place, market);
  pmm_text_string(t, "result", pmm__kx_result(pm));
  pmm_text_bool(t, "can_close_early", true);
  pmm_text_string(t, "expiration_value", "");
  if (pmm__kx_result(pm)[0]) pmm__kx_dollars(t, "settlement_value_dollars", pm->payout_yes_e6);
  if (k->market[market].settled_ns != PMM_TIME_NONE) pmm__kx_time(t, "settlement_ts", k->market[market].settled_ns);
}

static void put_market(pmm__kx_t *k, const char *key, uint32_t market) {
  pmm_text_t *const t = &k->out;
  const pmm__kx_market_t *const m = &k->market[market];
  const pmm_market_t *const pm = pmm_place_market(k->place, market);
  char structure[PMM_PARAM_TEXT_MAX];
  pmm__kx_structure(k, market, structure, sizeof structure);
  pmm_text_object(t, key);
  pmm_text_string(t, "ticker", pm->id);
  pmm_text_string(t, "event_ticker", k->event[m->event].ticker);
  pmm_text_string(t, "market_type", "binary");
  pmm_text_string(t, "title", m->title);
  pmm_text_string(t, "subtitle", "");
  pmm_text_string(t, "yes_sub_title", m->title);
  pmm_text_string(t, "no_sub_title", m->title);
  put_times(k, market);
  pmm_text_string(t, "status", pmm__kx_status(k, market));
  put_quotes(k, market);
  put_outcome(k, market);
  if (pm->strike_e8 > 0) {
    pmm_text_string(t, "strike_type", pm->tie_is_yes ? "greater_or_equal" : "greater");
    pmm_text_number(t, "floor_strike", pm->strike_e8, 8, 0);
  }
  pmm_text_string(t, "rules_primary", m->title);
  pmm_text_string(t, "rules_secondary", "");
  pmm_text_string(t, "price_level_structure", structure);
  pmm__kx_price_ranges(t, &pm->grid);
  pmm_text_int(t, "exchange_index", 0);
  pmm_text_end(t);
}

int pmm__kx_get_market(pmm__kx_t *k, pmm__kx_request_t *q) {
  uint32_t market;
  if (!pmm__kx_find_market(k, q->arg[0], &market)) return pmm__kx_not_found(k);
  pmm_text_object(&k->out, NULL);
  put_market(k, "market", market);
  pmm_text_end(&k->out);
  return 200;
}

typedef struct market_filter {
  char event[PMM_ID_MAX], series[PMM_ID_MAX], status[16], mve[16], tickers[4096];
  int64_t created[2], close[2], settled[2], updated_min; /* seconds, INT64_MIN and INT64_MAX when open */
} market_filter_t;

static bool within(int64_t ns, const int64_t range[2]) {
  if (ns == PMM_TIME_NONE) return range[0] == INT64_MIN && range[1] == INT64_MAX;
  int64_t const s = ns / PMM_NS_PER_S;
  return s >= range[0] && s <= range[1];
}

static bool market_passes(const pmm__kx_t *k, uint32_t i, const market_filter_t *f) {
  const pmm__kx_market_t *const m = &k->market[i];
  if (!m->listed) return false;
  const pmm__kx_event_t *const e = &k->event[m->event];
  if (f->event[0] && strcmp(f->event, e->ticker) != 0) return false;
  if (f->series[0] && strcmp(f->series, k->series[e->series].ticker) != 0) return false;
  if (f->status[0] && strcmp(f->status, filter_word(k, i)) != 0) return false;
  if (strcmp(f->mve, "only") == 0) return false; /* there are no combos */
  return pmm__kx_in_list(f->tickers, pmm_place_market(k->place, i)->id) && within(m->created_ns, f->created) && within(close_of(k, i), f->close) &&
         within(m->settled_ns, f->settled) && m->updated_ns / PMM_NS_PER_S >= f->updated_min;
}

static void read_range(pmm__kx_t *k, pmm__kx_request_t *q, const char *lo, const char *hi, int64_t range[2]) {
  range[0] = pmm__kx_query_int(k, q, lo, 0, INT64_MAX, INT64_MIN);
  range[1] = pmm__kx_query_int(k, q, hi, 0, INT64_MAX, INT64_MAX);
}

static bool is_set(const int64_t range[2]) { return range[0] != INT64_MIN || range[1] != INT64_MAX; }

/* Filters of time fit some words of status only. */
static bool fits_status(const market_filter_t *f) {
  const char *const s = f->status;
  if (!s[0]) return true;
  if (is_set(f->created) && strcmp(s, "unopened") != 0 && strcmp(s, "open") != 0) return false;
  if (is_set(f->close) && strcmp(s, "closed") != 0) return false;
  return !is_set(f->settled) || strcmp(s, "settled") == 0;
}

static void read_filter(pmm__kx_t *k, pmm__kx_request_t *q, market_filter_t *f) {
  memset(f, 0, sizeof *f);
  pmm__kx_query(q, "event_ticker", f->event, sizeof f->event);
  pmm__kx_query(q, "series_ticker", f->series, sizeof f->series);
  pmm__kx_query(q, "tickers", f->tickers, sizeof f->tickers);
  pmm__kx_query(q, "status", f->status, sizeof f->status);
  pmm__kx_query(q, "mve_filter", f->mve, sizeof f->mve);
  read_range(k, q, "min_created_ts", "max_created_ts", f->created);
  read_range(k, q, "min_close_ts", "max_close_ts", f->close);
  read_range(k, q, "min_settled_ts", "max_settled_ts", f->settled);
  f->updated_min = pmm__kx_query_int(k, q, "min_updated_ts", 0, INT64_MAX, INT64_MIN);
  if (q->status) return;
  if (f->status[0] && !pmm__kx_in_list("unopened,open,paused,closed,settled", f->status))
    q->status = pmm__kx_query_refuse(k, q, "status", "oneof");
  else if (!fits_status(f))
    q->status = pmm__kx_bare(k, "Parameter validation failed for GetMarkets: timestamp filters are incompatible with status %s", f->status);
  else if (f->updated_min != INT64_MIN && (strcmp(f->mve, "exclude") != 0 || f->event[0] || f->status[0] || f->tickers[0]))
    q->status = pmm__kx_bare(k, "Parameter validation failed for GetMarkets: min_updated_ts goes with mve_filter=exclude and series_ticker only");
}

int pmm__kx_get_markets(pmm__kx_t *k, pmm__kx_request_t *q) {
  market_filter_t f;
  int64_t left = pmm__kx_query_int(k, q, "limit", 1, 1000, 100);
  read_filter(k, q, &f);
  if (q->status) return q->status;
  uint64_t const cursor = pmm__kx_cursor(q);
  pmm_text_t *const t = &k->out;
  pmm_text_object(t, NULL);
  pmm_text_array(t, "markets");
  uint64_t i = cursor == PMM_PLACE_NONE ? 0 : cursor;
  for (; i < k->market_cap && left > 0; i++)
    if (market_passes(k, (uint32_t)i, &f)) put_market(k, NULL, (uint32_t)i), left--;
  while (i < k->market_cap && !market_passes(k, (uint32_t)i, &f)) i++; /* the last page says that it is the last */
  pmm_text_end(t);
  pmm__kx_cursor_put(t, "cursor", i, i < k->market_cap);
  pmm_text_end(t);
  return 200;
}

/* -- events -- */

static void put_fee_type(pmm_text_t *t, const pmm_fee_schedule_t *f, const char *type_key, const char *multiplier_key) {
  int64_t const share_e6 = f->taker_rate_e6 > 0 ? pmm_muldiv_floor(f->maker_rate_e6, PMM_ONE_E6, f->taker_rate_e6) : 0;
  const char *const type = share_e6 == 0 ? "quadratic" : share_e6 <= 250000 ? "quadratic_with_maker_fees" : "quadratic_with_combo_maker_fees";
  pmm_text_string(t, type_key, type);
  pmm_text_number(t, multiplier_key, pmm_muldiv_floor(f->taker_rate_e6, PMM_ONE_E6, TAKER_RATE_E6), 6, 0);
}

/* The fees of an event are those of its first market; a series has those of its first event. */
static const pmm_fee_schedule_t *event_fees(const pmm__kx_t *k, uint32_t event) {
  static const pmm_fee_schedule_t none = {0};
  for (uint32_t i = 0; i < k->market_cap; i++)
    if (k->market[i].listed && k->market[i].event == event) return &pmm_place_market(k->place, i)->fees;
  return &none;
}

static const pmm_fee_schedule_t *series_fees(const pmm__kx_t *k, uint32_t series) {
  uint32_t event = 0;
  while (event < k->event_cnt && k->event[event].series != series) event++;
  return event_fees(k, event);
}

static void put_event_markets(pmm__kx_t *k, uint32_t event) {
  pmm_text_array(&k->out, "markets");
  for (uint32_t i = 0; i < k->market_cap; i++)
    if (k->market[i].listed && k->market[i].event == event) put_market(k, NULL, i);
  pmm_text_end(&k->out);
}

static void put_event(pmm__kx_t *k, const char *key, uint32_t event, bool nested) {
  pmm_text_t *const t = &k->out;
  const pmm__kx_event_t *const e = &k->event[event];
  const pmm_fee_schedule_t *const own = event_fees(k, event), *const usual = series_fees(k, e->series);
  pmm_text_object(t, key);
  pmm_text_string(t, "event_ticker", e->ticker);
  pmm_text_string(t, "series_ticker", k->series[e->series].ticker);
  pmm_text_string(t, "sub_title", "");
  pmm_text_string(t, "title", e->title);
  pmm_text_string(t, "collateral_return_type", ""); /* each market stands for itself here */
  pmm_text_bool(t, "mutually_exclusive", false);
  pmm_text_string(t, "category", "Simulation");
  pmm_text_array(t, "settlement_sources");
  pmm_text_end(t);
  pmm__kx_time(t, "last_updated_ts", e->created_ns);
  if (own->taker_rate_e6 != usual->taker_rate_e6 || own->maker_rate_e6 != usual->maker_rate_e6)
    put_fee_type(t, own, "fee_type_override", "fee_multiplier_override");
  pmm_text_int(t, "exchange_index", 0);
  if (nested) put_event_markets(k, event);
  pmm_text_end(t);
}

static bool find_event(const pmm__kx_t *k, const char *ticker, uint32_t *event) {
  for (*event = 0; *event < k->event_cnt; ++*event)
    if (strcmp(k->event[*event].ticker, ticker) == 0) return true;
  return false;
}

int pmm__kx_get_event(pmm__kx_t *k, pmm__kx_request_t *q) {
  uint32_t event;
  bool const nested = pmm__kx_query_bool(k, q, "with_nested_markets");
  if (q->status) return q->status;
  if (!find_event(k, q->arg[0], &event)) return pmm__kx_not_found(k);
  pmm_text_object(&k->out, NULL);
  put_event(k, "event", event, nested);
  put_event_markets(k, event);
  pmm_text_end(&k->out);
  return 200;
}

/* An event stands where any of its markets does. */
static bool event_passes(const pmm__kx_t *k, uint32_t event, const market_filter_t *f) {
  const pmm__kx_event_t *const e = &k->event[event];
  if ((f->series[0] && strcmp(f->series, k->series[e->series].ticker) != 0) || !pmm__kx_in_list(f->tickers, e->ticker)) return false;
  if (e->created_ns / PMM_NS_PER_S < f->updated_min) return false;
  market_filter_t any = {
      .created = {INT64_MIN, INT64_MAX}, .close = {f->close[0], INT64_MAX}, .settled = {INT64_MIN, INT64_MAX}, .updated_min = INT64_MIN};
  memcpy(any.status, f->status, sizeof any.status);
  memcpy(any.event, e->ticker, sizeof any.event);
  for (uint32_t i = 0; i < k->market_cap; i++)
    if (market_passes(k, i, &any)) return true;
  return false;
}

int pmm__kx_get_events(pmm__kx_t *k, pmm__kx_request_t *q) {
  market_filter_t f = {0};
  int64_t left = pmm__kx_query_int(k, q, "limit", 1, 200, 200);
  bool const nested = pmm__kx_query_bool(k, q, "with_nested_markets"), milestones = pmm__kx_query_bool(k, q, "with_milestones");
  f.close[0] = pmm__kx_query_int(k, q, "min_close_ts", 0, INT64_MAX, INT64_MIN);
  f.updated_min = pmm__kx_query_int(k, q, "min_updated_ts", 0, INT64_MAX, INT64_MIN);
  pmm__kx_query(q, "series_ticker", f.series, sizeof f.series);
  pmm__kx_query(q, "tickers", f.tickers, sizeof f.tickers);
  if (pmm__kx_query(q, "status", f.status, sizeof f.status) && !pmm__kx_in_list("unopened,open,closed,settled", f.status) && !q->status)
    q->status = pmm__kx_query_refuse(k, q, "status", "oneof");
  if (q->status) return q->status;
  uint64_t const cursor = pmm__kx_cursor(q);
  uint64_t i = cursor == PMM_PLACE_NONE ? 0 : cursor;
  pmm_text_t *const t = &k->out;
  pmm_text_object(t, NULL);
  pmm_text_array(t, "events");
  for (; i < k->event_cnt && left > 0; i++)
    if (event_passes(k, (uint32_t)i, &f)) put_event(k, NULL, (uint32_t)i, nested), left--;
  while (i < k->event_cnt && !event_passes(k, (uint32_t)i, &f)) i++;
  pmm_text_end(t);
  if (milestones) pmm_text_array(t, "milestones"), pmm_text_end(t);
  pmm__kx_cursor_put(t, "cursor", i, i < k->event_cnt);
  pmm_text_end(t);
  return 200;
}

int pmm__kx_get_event_metadata(pmm__kx_t *k, pmm__kx_request_t *q) {
  uint32_t event;
  if (!find_event(k, q->arg[0], &event)) return pmm__kx_not_found(k);
  pmm_text_put(&k->out, "{\"image_url\":\"\",\"market_details\":[],\"settlement_sources\":[]}");
  return 200;
}

/* -- series -- */

static void put_series(pmm__kx_t *k, const char *key, uint32_t series, bool with_volume) {
  pmm_text_t *const t = &k->out;
  const pmm__kx_series_t *const s = &k->series[series];
  pmm_text_object(t, key);
  pmm_text_string(t, "ticker", s->ticker);
  pmm_text_string(t, "frequency", "custom");
  pmm_text_string(t, "title", s->title);
  pmm_text_string(t, "category", "Simulation");
  pmm_text_array(t, "categories");
  pmm_text_string(t, NULL, "Simulation");
  pmm_text_end(t);
  pmm_text_null(t, "tags");
  pmm_text_null(t, "settlement_sources");
  pmm_text_string(t, "contract_url", "");
  pmm_text_string(t, "contract_terms_url", "");
  put_fee_type(t, series_fees(k, series), "fee_type", "fee_multiplier");
  pmm_text_null(t, "additional_prohibitions");
  if (with_volume) {
    int64_t sum_e6 = 0;
    for (uint32_t i = 0; i < k->market_cap; i++) {
      if (!k->market[i].listed || k->event[k->market[i].event].series != series) continue;
      pmm_place_stats_t stats;
      pmm_place_stats(k->place, i, &stats);
      sum_e6 += stats.volume_e6;
    }
    pmm__kx_count(t, "volume_fp", sum_e6);
  }
  pmm__kx_time(t, "last_updated_ts", s->created_ns);
  pmm_text_int(t, "exchange_index", 0);
  pmm_text_end(t);
}

int pmm__kx_get_series(pmm__kx_t *k, pmm__kx_request_t *q) {
  bool const volume = pmm__kx_query_bool(k, q, "include_volume");
  if (q->status) return q->status;
  for (uint32_t i = 0; i < k->series_cnt; i++) {
    if (strcmp(k->series[i].ticker, q->arg[0]) != 0) continue;
    pmm_text_object(&k->out, NULL);
    put_series(k, "series", i, volume);
    pmm_text_end(&k->out);
    return 200;
  }
  return pmm__kx_not_found(k);
}

int pmm__kx_get_series_list(pmm__kx_t *k, pmm__kx_request_t *q) {
  char category[64] = "", tags[64] = "";
  bool const volume = pmm__kx_query_bool(k, q, "include_volume");
  int64_t const since = pmm__kx_query_int(k, q, "min_updated_ts", 0, INT64_MAX, INT64_MIN);
  if (q->status) return q->status;
  pmm__kx_query(q, "category", category, sizeof category);
  pmm__kx_query(q, "tags", tags, sizeof tags);
  pmm_text_object(&k->out, NULL);
  pmm_text_array(&k->out, "series");
  for (uint32_t i = 0; i < k->series_cnt; i++)
    if (!tags[0] && (!category[0] || strcmp(category, "Simulation") == 0) && k->series[i].created_ns / PMM_NS_PER_S >= since)
      put_series(k, NULL, i, volume);
  pmm_text_end(&k->out);
  pmm_text_end(&k->out);
  return 200;
}

/* -- the exchange -- */

int pmm__kx_get_exchange_status(pmm__kx_t *k, pmm__kx_request_t *q) {
  (void)q;
  pmm_text_put(
      &k->out,
      "{\"exchange_active\":true,\"trading_active\":true,\"intra_exchange_transfers_active\":true,\"exchange_index_statuses\":[{\"exchange_index\":0,"
      "\"description\":\"default\",\"exchange_active\":true,\"trading_active\":true,\"intra_exchange_transfers_active\":true}]}");
  return 200;
}

/* Always open: there is no maintenance on Thursdays here. */
int pmm__kx_get_schedule(pmm__kx_t *k, pmm__kx_request_t *q) {
  static const char *const days[] = {"monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday"};
  (void)q;
  pmm_text_t *const t = &k->out;
  pmm_text_object(t, NULL);
  pmm_text_object(t, "schedule");
  pmm_text_array(t, "standard_hours");
  pmm_text_object(t, NULL);
  pmm__kx_time(t, "start_time", k->start_ns == PMM_TIME_NONE ? 0 : k->start_ns);
  pmm__kx_time(t, "end_time", (k->start_ns == PMM_TIME_NONE ? 0 : k->start_ns) + NO_CLOSE_NS);
  for (size_t i = 0; i < 7; i++) pmm_text_json(t, days[i], "[{\"open_time\":\"00:00\",\"close_time\":\"00:00\"}]", 44);
  pmm_text_end(t);
  pmm_text_end(t);
  pmm_text_array(t, "maintenance_windows");
  pmm_text_end(t);
  pmm_text_end(t);
  pmm_text_end(t);
  return 200;
}

int pmm__kx_get_user_data_timestamp(pmm__kx_t *k, pmm__kx_request_t *q) {
  (void)q;
  pmm_text_object(&k->out, NULL);
  pmm__kx_time(&k->out, "as_of_time", k->now_ns - k->config.serve.lag_ns);
  pmm_text_end(&k->out);
  return 200;
}

/* Nothing here is old enough to be archived: the cutoff is the beginning, and what lies before it is empty. */
int pmm__kx_get_cutoff(pmm__kx_t *k, pmm__kx_request_t *q) {
  (void)q;
  static const char *const keys[] = {"market_settled_ts", "trades_created_ts", "orders_updated_ts", "market_positions_last_updated_ts"};
  pmm_text_object(&k->out, NULL);
  for (size_t i = 0; i < 4; i++) pmm__kx_time(&k->out, keys[i], k->start_ns == PMM_TIME_NONE ? 0 : k->start_ns);
  pmm_text_end(&k->out);
  return 200;
}

static int constant(pmm__kx_t *k, const char *text) {
  pmm_text_put(&k->out, text);
  return 200;
}

int pmm__kx_get_no_markets(pmm__kx_t *k, pmm__kx_request_t *q) { return (void)q, constant(k, "{\"markets\":[],\"cursor\":\"\"}"); }
int pmm__kx_get_no_trades(pmm__kx_t *k, pmm__kx_request_t *q) { return (void)q, constant(k, "{\"trades\":[],\"cursor\":\"\"}"); }
int pmm__kx_get_no_fills(pmm__kx_t *k, pmm__kx_request_t *q) { return (void)q, constant(k, "{\"fills\":[],\"cursor\":\"\"}"); }
int pmm__kx_get_no_orders(pmm__kx_t *k, pmm__kx_request_t *q) { return (void)q, constant(k, "{\"orders\":[],\"cursor\":\"\"}"); }
int pmm__kx_get_no_positions(pmm__kx_t *k, pmm__kx_request_t *q) {
  return (void)q, constant(k, "{\"market_positions\":[],\"event_positions\":[],\"cursor\":\"\"}");
}
int pmm__kx_get_nothing(pmm__kx_t *k, pmm__kx_request_t *q) { return (void)q, pmm__kx_not_found(k); }
int pmm__kx_get_multivariate_events(pmm__kx_t *k, pmm__kx_request_t *q) { return (void)q, constant(k, "{\"events\":[],\"cursor\":\"\"}"); }
int pmm__kx_get_series_fee_changes(pmm__kx_t *k, pmm__kx_request_t *q) { return (void)q, constant(k, "{\"series_fee_change_arr\":[]}"); }
int pmm__kx_get_event_fee_changes(pmm__kx_t *k, pmm__kx_request_t *q) { return (void)q, constant(k, "{\"event_fee_changes\":[],\"cursor\":\"\"}"); }
int pmm__kx_get_incentives(pmm__kx_t *k, pmm__kx_request_t *q) { return (void)q, constant(k, "{\"incentive_programs\":[],\"next_cursor\":\"\"}"); }
