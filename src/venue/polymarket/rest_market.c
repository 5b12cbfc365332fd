/* A market's terms, from the three places that tell them. */
#include <stdio.h>
#include <string.h>
#include "pmm/clock.h"
#include "pmm/decimal.h"
#include "rest.h"
#include "rest_json.h"

static bool is_word(const char *text, size_t len, const char *word) { return len == strlen(word) && strncasecmp(text, word, len) == 0; }

static void start(pmm_poly_listing_t *l, const char *id) {
  *l = (pmm_poly_listing_t){.version = 2};
  pmm_market_init(&l->market, id);
  l->market.venue = PMM_VENUE_POLYMARKET;
  l->market.data = PMM_DATA_DEPTH | PMM_DATA_TRADES;
  l->market.lot_e6 = 10000; /* sizes have two decimals at every tick */
}

static void set_fees(pmm_poly_listing_t *l, int64_t rate_e6, int64_t exponent, int64_t rebate_e6) {
  if (rate_e6 <= 0 || rate_e6 > PMM_ONE_E6 || exponent < 0 || exponent > 4) return;
  l->market.fees = (pmm_fee_schedule_t){.model = PMM_FEE_POLYMARKET, .exponent = (uint8_t)exponent, .taker_rate_e6 = (int32_t)rate_e6,
                                        .rebate_share_e6 = rebate_e6 > 0 && rebate_e6 <= PMM_ONE_E6 ? (int32_t)rebate_e6 : 0};
}

static pmm_status_t set_terms(pmm_poly_listing_t *l, const pmm_json_node_t *o, const char *tick_key, const char *size_key, pmm_error_t *err) {
  int64_t tick, min_e6;
  pmm_status_t st = pmm__rest_decimal(o, tick_key, 4, false, &tick, err);
  if (st != PMM_OK) return st;
  if (tick <= 0 || tick >= PMM_ONE_E4 || pmm_grid_uniform(&l->market.grid, (int32_t)tick) != PMM_OK) return pmm__rest_bad(err, tick_key, "does not divide a dollar");
  l->market.min_size_e6 = 5 * PMM_ONE_E6; /* the venue's usual */
  if (!pmm__rest_has(o, size_key)) return PMM_OK;
  st = pmm__rest_decimal(o, size_key, 6, false, &min_e6, err);
  if (st != PMM_OK) return st;
  if (min_e6 < 0) return pmm__rest_bad(err, size_key, "negative");
  l->market.min_size_e6 = pmm_max64((min_e6 + 9999) / 10000 * 10000, 10000);
  return PMM_OK;
}

static void set_time(const pmm_json_node_t *o, const char *key, int64_t *out) {
  const pmm_json_node_t *const n = pmm_json_get(o, key);
  int64_t ns;
  if (n && n->type == PMM_JSON_STRING && pmm_time_parse(n->text, n->len, &ns, NULL) == PMM_OK) *out = ns;
}

/* Open unless told otherwise; a market whose times are the wrong way round has none. */
static void set_life(pmm_poly_listing_t *l, bool closed, bool archived) {
  l->market.life = closed || archived ? PMM_LIFE_CLOSED : l->accepting ? PMM_LIFE_OPEN : PMM_LIFE_HALTED;
  if (l->market.open_ns != PMM_TIME_NONE && l->market.close_ns != PMM_TIME_NONE && l->market.open_ns >= l->market.close_ns) l->market.open_ns = PMM_TIME_NONE;
}

/* "btc-updown-5m-1776808200": the window stands in the slug, exact, where the catalogue's times are those of its page. A tie is Up. */
static void set_window(pmm_poly_listing_t *l) {
  static const struct { const char *text; int64_t seconds; } lengths[] = {{"-updown-5m-", 300}, {"-updown-15m-", 900}, {"-updown-1h-", 3600}, {"-updown-4h-", 14400}};
  for (size_t i = 0; i < sizeof lengths / sizeof lengths[0]; i++) {
    const char *const at = strstr(l->slug, lengths[i].text);
    int64_t start_s;
    if (!at) continue;
    const char *const digits = at + strlen(lengths[i].text);
    if (pmm_decimal_parse(digits, strlen(digits), 0, &start_s, NULL) != PMM_OK || start_s <= 0 || start_s > INT64_C(4000000000)) return;
    l->market.close_ns = (start_s + lengths[i].seconds) * PMM_NS_PER_S;
    l->market.tie_is_yes = 1;
  }
}

static pmm_status_t set_names(pmm_poly_listing_t *l, const char *slug, const char *event) {
  snprintf(l->slug, sizeof l->slug, "%s", slug);
  snprintf(l->market.id, sizeof l->market.id, "%s", *slug ? slug : l->condition);
  snprintf(l->market.event, sizeof l->market.event, "%s", *event ? event : l->condition);
  set_window(l);
  return PMM_OK;
}

static pmm_status_t check(pmm_poly_listing_t *l, pmm_poly_listing_t *out, pmm_error_t *err) {
  pmm_poly_word_t word;
  if (pmm_poly_word_from_decimal(l->market.token_yes, strlen(l->market.token_yes), &word) != PMM_OK ||
      pmm_poly_word_from_decimal(l->market.token_no, strlen(l->market.token_no), &word) != PMM_OK)
    return pmm__rest_bad(err, "tokens", "not two decimal numbers");
  pmm_status_t const st = pmm_market_check(&l->market, err);
  if (st == PMM_OK) *out = *l;
  return st;
}

/* Two objects {id_key, name_key}; the one named No (or Down) is NO. */
static pmm_status_t set_tokens(pmm_poly_listing_t *l, const pmm_json_node_t *list, const char *id_key, const char *name_key, pmm_error_t *err) {
  const pmm_json_node_t *const a = pmm_json_first(list), *const b = a ? pmm_json_next(list, a) : NULL;
  if (!b || pmm_json_next(list, b)) return pmm__rest_bad(err, "tokens", "not two");
  const pmm_json_node_t *const name = pmm_json_get(a, name_key);
  bool const swapped = name && name->type == PMM_JSON_STRING && (is_word(name->text, name->len, "No") || is_word(name->text, name->len, "Down"));
  pmm_status_t st = pmm__rest_text(swapped ? b : a, id_key, l->market.token_yes, PMM_ID_MAX, err);
  if (st == PMM_OK) st = pmm__rest_text(swapped ? a : b, id_key, l->market.token_no, PMM_ID_MAX, err);
  return st;
}

pmm_status_t pmm_poly_read_market(const pmm_json_node_t *o, pmm_poly_listing_t *out, pmm_error_t *err) {
  pmm_poly_listing_t l;
  char slug[PMM_ID_MAX] = "", event[PMM_ID_MAX] = "";
  start(&l, "market");
  pmm_status_t st = pmm__rest_text(o, "condition_id", l.condition, sizeof l.condition, err);
  if (st == PMM_OK) st = set_tokens(&l, pmm_json_get(o, "tokens"), "token_id", "outcome", err);
  if (st == PMM_OK) st = set_terms(&l, o, "minimum_tick_size", "minimum_order_size", err);
  if (st != PMM_OK) return st;
  (void)pmm__rest_text(o, "market_slug", slug, sizeof slug, NULL);
  (void)pmm__rest_text(o, "neg_risk_market_id", event, sizeof event, NULL);
  l.neg_risk = pmm__rest_true(o, "neg_risk");
  l.accepting = pmm__rest_true(o, "accepting_orders");
  set_time(o, "end_date_iso", &l.market.close_ns);
  (void)set_names(&l, slug, event);
  set_life(&l, pmm__rest_true(o, "closed"), pmm__rest_true(o, "archived"));
  return check(&l, out, err);
}

pmm_status_t pmm_poly_read_compact(const pmm_json_node_t *o, const char *condition, pmm_poly_listing_t *out, pmm_error_t *err) {
  pmm_poly_listing_t l;
  const pmm_json_node_t *const fees = pmm_json_get(o, "fd");
  int64_t rate = 0, exponent = 1;
  start(&l, "market");
  if (pmm__rest_has(o, "c")) condition = NULL;
  pmm_status_t st = condition ? (snprintf(l.condition, sizeof l.condition, "%s", condition), PMM_OK) : pmm__rest_text(o, "c", l.condition, sizeof l.condition, err);
  if (st == PMM_OK) st = set_tokens(&l, pmm_json_get(o, "t"), "t", "o", err);
  if (st == PMM_OK) st = set_terms(&l, o, "mts", "mos", err);
  if (st != PMM_OK) return st;
  l.neg_risk = pmm__rest_true(o, "nr");
  l.accepting = !pmm__rest_has(o, "ao") || pmm__rest_true(o, "ao");
  if (pmm_json_is(pmm_json_get(o, "v"), "v2")) l.version = 3;
  if (fees && fees->type == PMM_JSON_OBJECT) {
    st = pmm__rest_decimal(fees, "r", 6, true, &rate, err);
    if (st == PMM_OK && pmm__rest_has(fees, "e")) st = pmm__rest_decimal(fees, "e", 0, true, &exponent, err);
    if (st != PMM_OK) return st;
    set_fees(&l, rate, exponent, 0);
  }
  (void)set_names(&l, "", "");
  set_life(&l, false, false);
  return check(&l, out, err);
}

/* -- the catalogue: lists of texts come as text that holds a JSON array, or as arrays -- */
/* The nth text of such a list, copied; false when there is none. */
static bool nth_text(const pmm_json_node_t *list, int n, char *out, size_t cap) {
  if (list && list->type == PMM_JSON_ARRAY) {
    const pmm_json_node_t *e = pmm_json_first(list);
    for (; e && n > 0; n--) e = pmm_json_next(list, e);
    if (!e || e->type != PMM_JSON_STRING || e->len >= cap) return false;
    memcpy(out, e->text, e->len);
    out[e->len] = '\0';
    return true;
  }
  if (!list || list->type != PMM_JSON_STRING) return false;
  const char *at = list->text, *const end = at + list->len;
  for (;; n--) {
    const char *const open = memchr(at, '"', (size_t)(end - at)), *const close = open ? memchr(open + 1, '"', (size_t)(end - open - 1)) : NULL;
    if (!close) return false;
    if (n == 0) {
      size_t const len = (size_t)(close - open - 1);
      if (len >= cap) return false;
      memcpy(out, open + 1, len);
      out[len] = '\0';
      return true;
    }
    at = close + 1;
  }
}

/* The token ids of a v2 market are its positionIds; about a third of v1 markets carry some too, without a book. */
static pmm_status_t gamma_tokens(pmm_poly_listing_t *l, const pmm_json_node_t *o, pmm_error_t *err) {
  char name[PMM_ID_MAX] = "";
  bool const v2 = pmm_json_is(pmm_json_get(o, "version"), "v2");
  const pmm_json_node_t *const ids = pmm_json_get(o, v2 ? "positionIds" : "clobTokenIds");
  l->version = v2 ? 3 : 2;
  (void)nth_text(pmm_json_get(o, "outcomes"), 0, name, sizeof name);
  bool const swapped = strcasecmp(name, "No") == 0 || strcasecmp(name, "Down") == 0;
  if (!nth_text(ids, swapped, l->market.token_yes, PMM_ID_MAX) || !nth_text(ids, !swapped, l->market.token_no, PMM_ID_MAX))
    return pmm__rest_bad(err, v2 ? "positionIds" : "clobTokenIds", "not two texts");
  return PMM_OK;
}

static void gamma_fees(pmm_poly_listing_t *l, const pmm_json_node_t *o) {
  const pmm_json_node_t *const fees = pmm_json_get(o, "feeSchedule");
  int64_t rate = 0, exponent = 1, rebate = 0;
  if (!fees || fees->type != PMM_JSON_OBJECT || (pmm__rest_has(o, "feesEnabled") && !pmm__rest_true(o, "feesEnabled"))) return;
  if (pmm__rest_decimal(fees, "rate", 6, true, &rate, NULL) != PMM_OK) return;
  if (pmm__rest_has(fees, "exponent")) (void)pmm__rest_decimal(fees, "exponent", 0, true, &exponent, NULL);
  if (pmm__rest_has(fees, "rebateRate")) (void)pmm__rest_decimal(fees, "rebateRate", 6, true, &rebate, NULL);
  set_fees(l, rate, exponent, rebate);
}

pmm_status_t pmm_poly_read_gamma(const pmm_json_node_t *o, pmm_poly_listing_t *out, pmm_error_t *err) {
  pmm_poly_listing_t l;
  char slug[PMM_ID_MAX] = "", event[PMM_ID_MAX] = "";
  start(&l, "market");
  pmm_status_t st = pmm__rest_text(o, "conditionId", l.condition, sizeof l.condition, err);
  if (st == PMM_OK) st = gamma_tokens(&l, o, err);
  if (st == PMM_OK) st = set_terms(&l, o, "orderPriceMinTickSize", "orderMinSize", err);
  if (st != PMM_OK) return st;
  (void)pmm__rest_text(o, "slug", slug, sizeof slug, NULL);
  (void)pmm__rest_text(o, "negRiskMarketID", event, sizeof event, NULL);
  l.neg_risk = pmm__rest_true(o, "negRisk");
  l.accepting = !pmm__rest_has(o, "acceptingOrders") || pmm__rest_true(o, "acceptingOrders");
  set_time(o, "startDate", &l.market.open_ns);
  set_time(o, "endDate", &l.market.close_ns);
  gamma_fees(&l, o);
  (void)set_names(&l, slug, event);
  set_life(&l, pmm__rest_true(o, "closed"), pmm__rest_true(o, "archived"));
  return check(&l, out, err);
}
