/* csv-bbo: best prices, and trades if there are any, in a table of any columns; --map says which is what.
   kalshi-bbo-csv: the same with a map of its own, for recordings of one row per change of a market's best bids:
     timestamp (US Pacific standard time without a zone), market_ticker, best_yes_bid, best_no_bid (cents, 0 none), ...
   There a file is an event from listing to end, and a market's first row after the start or a silence shows a book half built. */
#include <ctype.h>
#include <stdlib.h>
#include "csv.h"
#include "pmm/decimal.h"

#define BACK_NS_MAX PMM_NS_PER_S /* rows may change places by this much; more is a file in another order */
#define TEXT_MAX 96

typedef enum key {
  TIME,
  MARKET,
  EVENT,
  BID,
  ASK,
  NO_BID,
  NO_ASK,
  BID_SIZE,
  ASK_SIZE,
  TRADE_PRICE,
  TRADE_SIZE,
  TRADE_SIDE,
  COLUMNS,
  MARKET_ID = COLUMNS,
  EVENT_ID,
  TIME_UNIT,
  ZONE,
  PRICE_UNIT,
  VENUE,
  TICK,
  DELIMITER,
  KEYS
} map_key_t;

static const char *const key_name[KEYS] = {[TIME] = "time",
                                           [MARKET] = "market",
                                           [EVENT] = "event",
                                           [BID] = "bid",
                                           [ASK] = "ask",
                                           [NO_BID] = "no_bid",
                                           [NO_ASK] = "no_ask",
                                           [BID_SIZE] = "bid_size",
                                           [ASK_SIZE] = "ask_size",
                                           [TRADE_PRICE] = "trade_price",
                                           [TRADE_SIZE] = "trade_size",
                                           [TRADE_SIDE] = "trade_side",
                                           [MARKET_ID] = "market_id",
                                           [EVENT_ID] = "event_id",
                                           [TIME_UNIT] = "time_unit",
                                           [ZONE] = "zone",
                                           [PRICE_UNIT] = "price_unit",
                                           [VENUE] = "venue",
                                           [TICK] = "tick",
                                           [DELIMITER] = "delimiter"};

typedef struct map {
  char text[KEYS][TEXT_MAX]; /* empty: not given */
  pmm__time_unit_t time_unit;
  int price_scale; /* decimals that make 0.0001 dollars */
  pmm_venue_t venue;
  int64_t tick_e4;
  char delimiter;
  bool is_event_file; /* kalshi-bbo-csv */
} map_t;              /* own of the import */

typedef struct table {
  int column[COLUMNS];
  int64_t last_ns;
} table_t; /* own of a source */

/* -- the map -- */
static pmm_status_t bad_map(pmm__import_t *im, const char *what, const char *text, size_t len) {
  return pmm_error_set(im->err, PMM_INVAL, "map: %s: %.*s", what, (int)(len < 80 ? len : 80), text);
}

static pmm_status_t set_key(pmm__import_t *im, map_t *map, const char *pair, size_t len) {
  const char *const equals = memchr(pair, '=', len);
  if (!equals) return bad_map(im, "not KEY=COLUMN or KEY=VALUE", pair, len);
  size_t const key_len = (size_t)(equals - pair), value_len = len - key_len - 1;
  int key = 0;
  while (key < KEYS && (strlen(key_name[key]) != key_len || memcmp(key_name[key], pair, key_len) != 0)) key++;
  if (key == KEYS) return bad_map(im, "no such key", pair, key_len);
  if (map->text[key][0] != '\0') return bad_map(im, "given twice", pair, key_len);
  if (value_len == 0 || value_len >= TEXT_MAX) return bad_map(im, "not a text of 1 to 95 bytes", pair, len);
  memcpy(map->text[key], equals + 1, value_len);
  return PMM_OK;
}

static pmm_status_t split_map(pmm__import_t *im, map_t *map, const char *text) {
  for (;;) {
    size_t const len = strcspn(text, ",");
    pmm_status_t const st = set_key(im, map, text, len);
    if (st != PMM_OK || text[len] == '\0') return st;
    text += len + 1;
  }
}

/* Which of the words a setting is: its number, dflt when it is not given, -1 when it is none of them. */
static int word_of(const map_t *map, map_key_t key, const char *const *words, int cnt, int dflt) {
  if (map->text[key][0] == '\0') return dflt;
  for (int i = 0; i < cnt; i++)
    if (strcmp(map->text[key], words[i]) == 0) return i;
  return -1;
}

static pmm_status_t read_settings(pmm__import_t *im, map_t *map) {
  static const char *const times[] = {"iso", "s", "ms", "us", "ns"}, *const prices[] = {"bps", "?", "cents", "?", "dollars"},
                           *const delimiters[] = {",", ";", "tab", "|"};
  int const time = word_of(map, TIME_UNIT, times, 5, PMM__TIME_ISO), price = word_of(map, PRICE_UNIT, prices, 5, 4),
            delimiter = word_of(map, DELIMITER, delimiters, 4, 0);
  const char *const tick = map->text[TICK];
  if (time < 0) return bad_map(im, "time_unit is none of iso, s, ms, us, ns", map->text[TIME_UNIT], TEXT_MAX);
  if (price < 0 || price % 2 != 0) return bad_map(im, "price_unit is none of dollars, cents, bps", map->text[PRICE_UNIT], TEXT_MAX);
  if (delimiter < 0) return bad_map(im, "delimiter is none of ; tab |", map->text[DELIMITER], TEXT_MAX);
  map->time_unit = (pmm__time_unit_t)time;
  map->price_scale = price;
  map->delimiter = ",;\t|"[delimiter];
  map->tick_e4 = 100;
  if (map->text[VENUE][0] && pmm_venue_from_string(map->text[VENUE], &map->venue) != PMM_OK)
    return bad_map(im, "venue is none of sim, kalshi, polymarket, degen", map->text[VENUE], TEXT_MAX);
  if (tick[0] && (pmm_decimal_parse(tick, strlen(tick), 4, &map->tick_e4, NULL) != PMM_OK || map->tick_e4 <= 0 ||
                  map->tick_e4 >= PMM_ONE_E4 || PMM_ONE_E4 % map->tick_e4 != 0))
    return bad_map(im, "tick does not divide a dollar", tick, TEXT_MAX);
  return PMM_OK;
}

static bool has(const map_t *map, map_key_t key) { return map->text[key][0] != '\0'; }

static pmm_status_t check_map(pmm__import_t *im, const map_t *map) {
  const char *why = NULL;
  if (!has(map, TIME)) why = "time is missing";
  else if (has(map, MARKET) == has(map, MARKET_ID)) why = "needs market (a column) or market_id (a name), not both";
  else if (has(map, EVENT) && has(map, EVENT_ID)) why = "event and event_id exclude each other";
  else if ((has(map, BID) && has(map, NO_ASK)) || (has(map, ASK) && has(map, NO_BID)))
    why = "bid and no_ask, or ask and no_bid, say the same";
  else if (has(map, TRADE_PRICE) != has(map, TRADE_SIZE)) why = "trade_price and trade_size come together";
  else if (has(map, TRADE_SIDE) && !has(map, TRADE_PRICE)) why = "trade_side without trade_price";
  else if (!has(map, BID) && !has(map, ASK) && !has(map, NO_BID) && !has(map, NO_ASK) && !has(map, TRADE_PRICE))
    why = "names no prices: bid, ask, no_bid, no_ask or trade_price";
  return why ? pmm_error_set(im->err, PMM_INVAL, "map: %s", why) : PMM_OK;
}

static pmm_status_t read_map(pmm__import_t *im, map_t *map, const char *text) {
  pmm_status_t st = split_map(im, map, text);
  if (st == PMM_OK) st = check_map(im, map);
  return st == PMM_OK ? read_settings(im, map) : st;
}

/* -- rows -- */
static pmm_status_t open_table(pmm__import_t *im, pmm__source_t *s) {
  const map_t *const map = im->own;
  table_t *const table = malloc(sizeof *table);
  if (!table) return pmm_error_set(im->err, PMM_FULL, "%s: out of memory", s->name);
  s->own = table;
  table->last_ns = PMM_TIME_NONE;
  pmm_status_t st = pmm__csv_open(im, s, map->delimiter);
  for (int i = 0; i < COLUMNS && st == PMM_OK; i++) {
    table->column[i] = PMM__CSV_NONE;
    if (has(map, (map_key_t)i)) st = pmm__csv_need(im, s, map->text[i], &table->column[i]);
  }
  return st;
}

static pmm_status_t read_time(pmm__import_t *im, pmm__source_t *s) {
  const map_t *const map = im->own;
  table_t *const table = s->own;
  pmm_status_t const st = pmm__cell_time(im, s, table->column[TIME], map->time_unit, has(map, ZONE) ? map->text[ZONE] : "Z", &s->recv_ns);
  if (st != PMM_OK) return st;
  if (table->last_ns != PMM_TIME_NONE && s->recv_ns < table->last_ns - BACK_NS_MAX)
    return pmm__bad_cell(im, s, table->column[TIME], "time goes back by %lld s: sort the file by time",
                         (long long)((table->last_ns - s->recv_ns) / PMM_NS_PER_S));
  table->last_ns = s->recv_ns;
  return PMM_OK;
}

static pmm_status_t next(pmm__import_t *im, pmm__source_t *s) {
  pmm_status_t st = s->csv ? PMM_OK : open_table(im, s);
  if (st == PMM_OK) st = pmm__csv_row(im, s);
  return st == PMM_OK ? read_time(im, s) : st;
}

static pmm_status_t text_of(pmm__import_t *im, const pmm__source_t *s, map_key_t column, map_key_t constant, char out[PMM_ID_MAX]) {
  const map_t *const map = im->own;
  if (has(map, column)) return pmm__cell_text(im, s, ((const table_t *)s->own)->column[column], out);
  memcpy(out, map->text[constant], TEXT_MAX);
  return PMM_OK;
}

static pmm_status_t add_market(pmm__import_t *im, const pmm__source_t *s, const char *id, pmm__imarket_t **market) {
  const map_t *const map = im->own;
  pmm_market_t desc;
  pmm_market_init(&desc, id);
  if (map->venue == PMM_VENUE_KALSHI) pmm__kalshi_terms(&desc);
  if (map->venue == PMM_VENUE_POLYMARKET) pmm__polymarket_terms(&desc);
  desc.venue = (uint8_t)map->venue;
  if (has(map, EVENT) || has(map, EVENT_ID)) {
    pmm_status_t const st = text_of(im, s, EVENT, EVENT_ID, desc.event);
    if (st != PMM_OK) return st;
  }
  (void)pmm_grid_uniform(&desc.grid, (int32_t)map->tick_e4);
  (void)pmm__polymarket_window(id, &desc.open_ns, &desc.close_ns);
  bool const has_sizes = has(map, BID_SIZE) || has(map, ASK_SIZE);
  desc.data = PMM_DATA_TOP | (has_sizes ? 0u : (uint32_t)PMM_DATA_NOSIZE);
  return pmm__market_add(im, &desc, market);
}

static pmm_status_t market_of(pmm__import_t *im, const pmm__source_t *s, pmm__imarket_t **market) {
  char id[PMM_ID_MAX];
  pmm_status_t const st = text_of(im, s, MARKET, MARKET_ID, id);
  if (st != PMM_OK) return st;
  *market = pmm__market_find(im, id, strlen(id));
  return *market ? PMM_OK : add_market(im, s, id, market);
}

/* A best price: of YES, or of NO from the other side. */
static pmm_status_t side_price(pmm__import_t *im, const pmm__source_t *s, map_key_t yes, map_key_t no, int32_t *price_e4) {
  const map_t *const map = im->own;
  const table_t *const table = s->own;
  if (!has(map, no)) return pmm__cell_price(im, s, table->column[yes], map->price_scale, price_e4);
  pmm_status_t const st = pmm__cell_price(im, s, table->column[no], map->price_scale, price_e4);
  if (*price_e4 > 0) *price_e4 = PMM_ONE_E4 - *price_e4;
  return st;
}

/* No column: the source does not tell sizes. An empty cell or a zero next to a price: it is no quote. */
static pmm_status_t side_size(pmm__import_t *im, const pmm__source_t *s, map_key_t key, pmm_side_t side, pmm__top_t *top) {
  int const column = ((const table_t *)s->own)->column[key];
  if (column == PMM__CSV_NONE || top->price_e4[side] == 0) return PMM_OK;
  pmm_status_t const st = pmm__csv_cell(s, column).len > 0 ? pmm__cell_size(im, s, column, &top->qty_e6[side]) : PMM_OK;
  if (top->qty_e6[side] == 0) top->price_e4[side] = 0;
  return st;
}

static pmm_status_t read_top(pmm__import_t *im, const pmm__source_t *s, pmm__top_t *top) {
  *top = (pmm__top_t){0};
  pmm_status_t st = side_price(im, s, BID, NO_ASK, &top->price_e4[PMM_BID]);
  if (st == PMM_OK) st = side_price(im, s, ASK, NO_BID, &top->price_e4[PMM_ASK]);
  if (st == PMM_OK) st = side_size(im, s, BID_SIZE, PMM_BID, top);
  return st == PMM_OK ? side_size(im, s, ASK_SIZE, PMM_ASK, top) : st;
}

static pmm_status_t read_side(pmm__import_t *im, const pmm__source_t *s, int32_t price_e4, pmm_side_t *taker) {
  int const column = ((const table_t *)s->own)->column[TRADE_SIDE];
  pmm__cell_t const cell = pmm__csv_cell(s, column);
  *taker = pmm__taker_of(im->at, price_e4);
  if (cell.len == 0) return PMM_OK;
  static const char *const words[2][5] = {{"buy", "b", "bid", "yes", "up"}, {"sell", "s", "ask", "no", "down"}};
  for (int side = 0; side < 2; side++)
    for (int i = 0; i < 5; i++)
      if (strcasecmp(cell.text, words[side][i]) == 0) {
        *taker = (pmm_side_t)side;
        return PMM_OK;
      }
  return pmm__bad_cell(im, s, column, "neither buy nor sell: %.40s", cell.text);
}

static pmm_status_t take_trade(pmm__import_t *im, const pmm__source_t *s) {
  const map_t *const map = im->own;
  const table_t *const table = s->own;
  int32_t price_e4;
  int64_t qty_e6 = 0;
  pmm_side_t taker;
  if (pmm__csv_cell(s, table->column[TRADE_PRICE]).len == 0) return PMM_OK;
  pmm_status_t st = pmm__cell_price(im, s, table->column[TRADE_PRICE], map->price_scale, &price_e4);
  if (st == PMM_OK) st = pmm__cell_size(im, s, table->column[TRADE_SIZE], &qty_e6);
  if (st != PMM_OK) return st;
  if (qty_e6 == 0) return PMM_OK;
  if (price_e4 == 0 || price_e4 == PMM_ONE_E4) return pmm__bad_cell(im, s, table->column[TRADE_PRICE], "a trade at 0 or 1 dollars");
  st = read_side(im, s, price_e4, &taker);
  return st == PMM_OK ? pmm__polymarket_trade(im, false, taker, price_e4, qty_e6) : st;
}

/* A row of a trade alone leaves the book as it is. */
static bool has_quote(const map_t *map, const pmm__source_t *s) {
  static const map_key_t quotes[] = {BID, ASK, NO_BID, NO_ASK};
  const table_t *const table = s->own;
  bool is_mapped = false;
  for (size_t i = 0; i < sizeof quotes / sizeof quotes[0]; i++) {
    if (pmm__csv_cell(s, table->column[quotes[i]]).len > 0) return true;
    is_mapped = is_mapped || has(map, quotes[i]);
  }
  return is_mapped && pmm__csv_cell(s, table->column[TRADE_PRICE]).len == 0;
}

static bool is_half_built(const map_t *map, pmm__imarket_t *m) {
  if (!map->is_event_file || m->book_known) return false;
  m->row_seen = !m->row_seen; /* the next one is whole */
  return m->row_seen;
}

static pmm_status_t item(pmm__import_t *im, pmm__source_t *s) {
  const map_t *const map = im->own;
  pmm__imarket_t *m;
  pmm__top_t top;
  pmm_status_t st = market_of(im, s, &m);
  if (st == PMM_OK) st = read_top(im, s, &top);
  if (st == PMM_OK) st = pmm__message_begin(im, m, s->recv_ns, PMM_TIME_NONE);
  if (st == PMM_OK) st = take_trade(im, s);
  if (st != PMM_OK) return st;
  if (has_quote(map, s) && !is_half_built(map, m)) st = pmm__message_top(im, &top);
  return st == PMM_OK ? pmm__message_end(im) : st;
}

static pmm_status_t run_map(pmm__import_t *im, pmm__source_t *source, size_t cnt, const char *text, bool is_event_file, pmm__next_fn step) {
  map_t map = {.is_event_file = is_event_file};
  pmm_status_t st = read_map(im, &map, text);
  im->own = &map;
  if (st == PMM_OK) st = pmm__sources_first(im, source, cnt, step);
  if (st == PMM_OK) st = pmm__sources_merge(im, source, cnt, step, item);
  im->own = NULL;
  return st;
}

static pmm_status_t run(pmm__import_t *im, pmm__source_t *source, size_t cnt) {
  if (!im->opts->map) return pmm_error_set(im->err, PMM_INVAL, "csv-bbo needs a map (--map time=COLUMN,market=COLUMN,bid=COLUMN,...)");
  return run_map(im, source, cnt, im->opts->map, false, next);
}

/* -- kalshi-bbo-csv -- */
/* The event is over with its file. */
static pmm_status_t end_event(pmm__import_t *im, const pmm__source_t *s) {
  pmm_status_t st = PMM_OK;
  for (uint32_t i = 0; i < im->market_cnt && st == PMM_OK; i++) {
    pmm__imarket_t *const m = im->market[i];
    if (m->source != s->order || m->resolved) continue;
    pmm_outcome_t const outcome = pmm__outcome_of_top(im, m, NULL);
    if (outcome == PMM_OUTCOME_UNKNOWN) continue;
    st = pmm__market_resolve(im, m, outcome);
    if (st == PMM_OK) st = pmm__market_close(im, m);
  }
  return st;
}

static pmm_status_t next_of_event(pmm__import_t *im, pmm__source_t *s) {
  pmm_status_t const st = next(im, s);
  pmm_status_t const ended = st == PMM_END ? end_event(im, s) : PMM_OK;
  return ended == PMM_OK ? st : ended;
}

static pmm_status_t run_kalshi(pmm__import_t *im, pmm__source_t *source, size_t cnt) {
  return run_map(im, source, cnt,
                 "time=timestamp,zone=-08:00,market=market_ticker,bid=best_yes_bid,no_bid=best_no_bid,price_unit=cents,venue=kalshi", true,
                 next_of_event);
}

const pmm__importer_t pmm__importer_bbo = {.name = "csv-bbo",
                                           .what = "best prices, and trades, in CSV of any columns; --map says which is what",
                                           .run = run,
                                           .decide = pmm__outcome_of_top,
                                           .resolve_after_ns = PMM_NS_MAX};
const pmm__importer_t pmm__importer_kalshi_bbo = {.name = "kalshi-bbo-csv",
                                                  .what =
                                                      "best bids of all markets of an event, one row a change, US Pacific standard time",
                                                  .run = run_kalshi,
                                                  .decide = pmm__outcome_of_top,
                                                  .resolve_after_ns = PMM_NS_MAX,
                                                  .gap_ns = 300 * PMM_NS_PER_S};
