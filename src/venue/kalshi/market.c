/* Markets, series and events: what a contract is and what it costs. Source: Kalshi API docs, "Markets", "Series", fee schedule (2026-11). */
#include "codec.h"

#define MULTIPLIER_E6_MAX (100 * INT64_C(1000000)) /* ten times the dearest would be a misprint; a hundred surely is one */
#define PRECISION_DIRECT_E6 100                      /* direct members' books are kept to 0.0001 dollars */

typedef struct raw_range { int32_t start_e4, end_e4, step_e4; } raw_range_t;

pmm_status_t pmm__kalshi_grid(const pmm__read_t *r, const pmm_json_node_t *ranges, pmm_grid_t *out) {
  static const pmm__field_t fields[] = {
      PMM__FIELD(raw_range_t, start_e4, "start", F_PRICE, true),
      PMM__FIELD(raw_range_t, end_e4, "end", F_PRICE, true),
      PMM__FIELD(raw_range_t, step_e4, "step", F_PRICE, true),
  };
  pmm_grid_range_t range[PMM_GRID_RANGES_MAX];
  size_t n = 0;
  if (ranges->type != PMM_JSON_ARRAY) return pmm__kalshi_bad(r, ranges->at, "price_ranges: no array");
  for (const pmm_json_node_t *e = pmm_json_first(ranges); e; e = pmm_json_next(ranges, e), n++) {
    raw_range_t raw = {0};
    if (n == PMM_GRID_RANGES_MAX) return pmm__kalshi_bad(r, e->at, "price_ranges: more than %d", PMM_GRID_RANGES_MAX);
    pmm_status_t const st = pmm__fields(r, e, fields, PMM__COUNT(fields), &raw);
    if (st != PMM_OK) return st;
    range[n] = (pmm_grid_range_t){raw.start_e4, raw.end_e4, raw.step_e4};
  }
  if (pmm_grid_ranges(out, range, n) != PMM_OK) return pmm__kalshi_bad(r, ranges->at, "price_ranges: do not cover 0 to 1 in whole steps");
  return PMM_OK;
}

typedef struct raw_market {
  pmm_kalshi_text_t ticker, event, structure, strike_type;
  uint8_t status, result;
  int64_t open_ns, close_ns, waiver_ns, updated_ns, floor_e8, cap_e8, payout_e6, volume_e6, open_interest_e6, exchange_index;
  const pmm_json_node_t *ranges;
} raw_market_t;

/* The ranges say it; the name only where they are missing. */
static pmm_status_t grid_of(const pmm__read_t *r, const pmm_json_node_t *object, const raw_market_t *raw, pmm_grid_t *grid) {
  char name[64];
  if (raw->ranges) return pmm__kalshi_grid(r, raw->ranges, grid);
  pmm_status_t const st = pmm__copy(r, raw->structure, name, sizeof name, "price_level_structure");
  if (st != PMM_OK) return st;
  return pmm_grid_named(grid, name) == PMM_OK ? PMM_OK : pmm__kalshi_bad(r, object->at, "price_ranges are missing");
}

static bool is_text(pmm_kalshi_text_t t, const char *word) { return t.len == strlen(word) && memcmp(t.at, word, t.len) == 0; }

/* pmm_market_t knows strikes above which YES wins; the other kinds keep theirs in floor and cap. */
static void strike_of(const raw_market_t *raw, pmm_kalshi_market_t *m) {
  m->has_floor = raw->floor_e8 != INT64_MIN;
  m->has_cap = raw->cap_e8 != INT64_MIN;
  m->floor_e8 = m->has_floor ? raw->floor_e8 : 0;
  m->cap_e8 = m->has_cap ? raw->cap_e8 : 0;
  bool const or_equal = is_text(raw->strike_type, "greater_or_equal");
  if (!m->has_floor || (!or_equal && !is_text(raw->strike_type, "greater"))) return;
  m->desc.strike_e8 = m->floor_e8;
  m->desc.tie_is_yes = or_equal;
}

static void life_of(const raw_market_t *raw, pmm_market_t *m) {
  static const uint8_t life[] = {PMM_LIFE_HALTED, PMM_LIFE_PENDING, PMM_LIFE_OPEN, PMM_LIFE_HALTED, PMM_LIFE_CLOSED,
                                 PMM_LIFE_RESOLVING, PMM_LIFE_RESOLVING, PMM_LIFE_RESOLVING, PMM_LIFE_RESOLVED};
  m->life = life[raw->status]; /* a status of another day: no orders */
  m->outcome = raw->result;
  if (raw->payout_e6 != INT64_MIN) m->payout_yes_e6 = raw->payout_e6;
  else if (raw->result != PMM_OUTCOME_UNKNOWN) (void)pmm_outcome_payout((pmm_outcome_t)raw->result, &m->payout_yes_e6);
}

static pmm_status_t names_of(const pmm__read_t *r, const raw_market_t *raw, pmm_kalshi_market_t *m) {
  char id[PMM_ID_MAX];
  pmm_status_t st = pmm__copy(r, raw->ticker, id, sizeof id, "ticker");
  if (st == PMM_OK && id[0] == '\0') st = pmm__kalshi_bad(r, 0, "ticker: empty");
  if (st != PMM_OK) return st;
  pmm_market_init(&m->desc, id);
  memcpy(m->series, id, strcspn(id, "-"));
  m->series[strcspn(id, "-")] = '\0';
  st = pmm__copy(r, raw->event, m->desc.event, sizeof m->desc.event, "event_ticker");
  return st == PMM_OK ? pmm__copy(r, raw->strike_type, m->strike_type, sizeof m->strike_type, "strike_type") : st;
}

static pmm_status_t market_of(const pmm__read_t *r, const pmm_json_node_t *object, const raw_market_t *raw, pmm_kalshi_market_t *m) {
  pmm_status_t st = names_of(r, raw, m);
  if (st == PMM_OK) st = grid_of(r, object, raw, &m->desc.grid);
  if (st != PMM_OK) return st;
  m->desc.venue = PMM_VENUE_KALSHI;
  m->desc.data = PMM_DATA_DEPTH | PMM_DATA_TRADES;
  m->desc.fees = (pmm_fee_schedule_t){.model = PMM_FEE_KALSHI, .taker_rate_e6 = 70000, .precision_e6 = PRECISION_DIRECT_E6};
  m->desc.close_ns = raw->close_ns;
  m->desc.open_ns = raw->open_ns < raw->close_ns ? raw->open_ns : PMM_TIME_NONE; /* a market closed before it opened was called off */
  life_of(raw, &m->desc);
  strike_of(raw, m);
  m->waiver_ns = raw->waiver_ns;
  m->updated_ns = raw->updated_ns;
  m->volume_e6 = raw->volume_e6;
  m->open_interest_e6 = raw->open_interest_e6;
  m->exchange_index = raw->exchange_index;
  pmm_error_t why = {0};
  return pmm_market_check(&m->desc, &why) == PMM_OK ? PMM_OK : pmm__kalshi_bad(r, object->at, "%.150s", why.text);
}

static pmm_status_t take_market(const pmm__read_t *r, const pmm_json_node_t *object, pmm_kalshi_market_t *out) {
  static const char *const status[] = {"", "initialized", "active", "inactive", "closed", "determined", "disputed", "amended", "finalized", NULL};
  static const char *const results[] = {"", "yes", "no", "scalar", NULL};
  static const pmm__field_t fields[] = {
      PMM__FIELD(raw_market_t, ticker, "ticker", F_TEXT, true),
      PMM__FIELD(raw_market_t, event, "event_ticker", F_TEXT, false),
      PMM__FIELD_WORD(raw_market_t, status, "status", status),
      PMM__FIELD(raw_market_t, open_ns, "open_time", F_TIME, false),
      PMM__FIELD(raw_market_t, close_ns, "close_time", F_TIME, false),
      PMM__FIELD(raw_market_t, updated_ns, "updated_time", F_TIME, false),
      PMM__FIELD_WORD(raw_market_t, result, "result", results),
      PMM__FIELD(raw_market_t, payout_e6, "settlement_value_dollars", F_QTY, false),
      PMM__FIELD(raw_market_t, structure, "price_level_structure", F_TEXT, false),
      PMM__FIELD(raw_market_t, ranges, "price_ranges", F_NODE, false),
      PMM__FIELD(raw_market_t, strike_type, "strike_type", F_TEXT, false),
      PMM__FIELD(raw_market_t, floor_e8, "floor_strike", F_E8, false),
      PMM__FIELD(raw_market_t, cap_e8, "cap_strike", F_E8, false),
      PMM__FIELD(raw_market_t, waiver_ns, "fee_waiver_expiration_time", F_TIME, false),
      PMM__FIELD(raw_market_t, volume_e6, "volume_fp", F_QTY, false),
      PMM__FIELD(raw_market_t, open_interest_e6, "open_interest_fp", F_QTY, false),
      PMM__FIELD(raw_market_t, exchange_index, "exchange_index", F_INT, false),
  };
  raw_market_t raw = {.open_ns = PMM_TIME_NONE, .close_ns = PMM_TIME_NONE, .waiver_ns = PMM_TIME_NONE, .updated_ns = PMM_TIME_NONE,
                      .floor_e8 = INT64_MIN, .cap_e8 = INT64_MIN, .payout_e6 = INT64_MIN};
  pmm_kalshi_market_t m = {0};
  pmm_status_t st = pmm__fields(r, object, fields, PMM__COUNT(fields), &raw);
  if (st == PMM_OK) st = market_of(r, object, &raw, &m);
  if (st == PMM_OK) *out = m;
  return st;
}

static pmm_status_t take_one(const pmm__read_t *r, const pmm_json_node_t *object, void *out) { return take_market(r, object, out); }

pmm_status_t pmm_kalshi_markets_read(pmm_kalshi_codec_t *codec, const char *text, size_t len, pmm_kalshi_market_t *out, size_t cap,
                                     pmm_kalshi_page_t *page, pmm_error_t *err) {
  return pmm__kalshi_list(codec, text, len, (pmm__list_t){"markets", "market", sizeof *out, take_one}, out, cap, page, err);
}

/* -- fees -- */

typedef struct raw_terms { pmm_kalshi_text_t type, type_override; int64_t multiplier_e6, override_e6, exchange_index; } raw_terms_t;

pmm_status_t pmm_kalshi_terms_read(pmm_kalshi_codec_t *codec, const char *text, size_t len, pmm_kalshi_terms_t *out, pmm_error_t *err) {
  static const pmm__field_t fields[] = {
      PMM__FIELD(raw_terms_t, type, "fee_type", F_TEXT, false),
      PMM__FIELD(raw_terms_t, multiplier_e6, "fee_multiplier", F_QTY, false),
      PMM__FIELD(raw_terms_t, type_override, "fee_type_override", F_TEXT, false),
      PMM__FIELD(raw_terms_t, override_e6, "fee_multiplier_override", F_QTY, false),
      PMM__FIELD(raw_terms_t, exchange_index, "exchange_index", F_INT, false),
  };
  pmm__read_t const r = {text, err};
  const pmm_json_node_t *root;
  raw_terms_t raw = {.multiplier_e6 = -1, .override_e6 = -1};
  pmm_kalshi_terms_t t = {.multiplier_e6 = PMM_ONE_E6};
  pmm_status_t st = pmm__kalshi_root(codec, text, len, &root, err);
  if (st != PMM_OK) return st;
  const pmm_json_node_t *object = pmm_json_get(root, "series");
  if (!object) object = pmm_json_get(root, "event");
  if (!object) return pmm__kalshi_bad(&r, root->at, "neither series nor event");
  st = pmm__fields(&r, object, fields, PMM__COUNT(fields), &raw);
  if (raw.type.len == 0) raw.type = raw.type_override;
  if (raw.multiplier_e6 < 0) raw.multiplier_e6 = raw.override_e6;
  if (st == PMM_OK) st = pmm__copy(&r, raw.type, t.fee_type, sizeof t.fee_type, "fee_type");
  if (st != PMM_OK) return st;
  t.has_type = raw.type.len > 0;
  t.has_multiplier = raw.multiplier_e6 >= 0;
  if (t.has_multiplier) t.multiplier_e6 = raw.multiplier_e6;
  t.exchange_index = raw.exchange_index;
  *out = t;
  return PMM_OK;
}

static const struct { const char *name; int32_t maker_k_e6; } fee_types[] = {
    {"quadratic", 0}, {"quadratic_with_maker_fees", 17500}, {"quadratic_with_combo_maker_fees", 35000}};
#define FEE_TYPE_UNKNOWN 1 /* the docs advise makers' fees for what one does not know */
#define TAKER_K_E6 70000

pmm_status_t pmm_kalshi_fees(const pmm_kalshi_terms_t *series, const pmm_kalshi_terms_t *event, int32_t precision_e6, pmm_fee_schedule_t *out) {
  const char *const type = event && event->has_type ? event->fee_type : series->fee_type;
  int64_t const multiplier_e6 = event && event->has_multiplier ? event->multiplier_e6 : series->multiplier_e6;
  if (multiplier_e6 < 0 || multiplier_e6 > MULTIPLIER_E6_MAX) return PMM_INVAL;
  size_t i = 0;
  while (i < PMM__COUNT(fee_types) && strcmp(fee_types[i].name, type) != 0) i++;
  bool const known = i < PMM__COUNT(fee_types);
  int64_t const maker_k_e6 = fee_types[known ? i : FEE_TYPE_UNKNOWN].maker_k_e6;
  int64_t const taker_e6 = pmm_muldiv_ceil(TAKER_K_E6, multiplier_e6, PMM_ONE_E6), maker_e6 = pmm_muldiv_ceil(maker_k_e6, multiplier_e6, PMM_ONE_E6);
  if (taker_e6 > PMM_ONE_E6) return PMM_INVAL;
  *out = (pmm_fee_schedule_t){
      .model = PMM_FEE_KALSHI, .taker_rate_e6 = (int32_t)taker_e6, .maker_rate_e6 = (int32_t)maker_e6, .precision_e6 = precision_e6};
  return known ? PMM_OK : PMM_NOT_FOUND;
}
