/* polymarket-updown-csv: best prices of both tokens of up-or-down markets, a row per change, many coins in one file:
     timestamp_utc (time of day; the date and the start are in the file name: ..._20260421_1815.csv), event_type (TICK, others
     are marks of somebody's bot), asset, side (the token that changed), up_bid, up_ask, dn_bid, dn_ask, ...
   The quotes of the token that changed are taken, Down mirrored into YES space: they are the fresher word. */
#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include "csv.h"
#include "pmm/clock.h"

#define WINDOW_NS (300 * PMM_NS_PER_S) /* the recordings are of 5-minute markets */
#define DAY_NS (86400 * PMM_NS_PER_S)

enum { TIME, EVENT, ASSET, SIDE, UP_BID, UP_ASK, DN_BID, DN_ASK, COLUMNS };
static const char *const column_name[COLUMNS] = {"timestamp_utc", "event_type", "asset", "side", "up_bid", "up_ask", "dn_bid", "dn_ask"};

typedef struct candle {
  int column[COLUMNS];
  int64_t open_ns, midnight_ns;
} candle_t; /* own of a source */

static bool all_digits(const char *text, size_t len) {
  for (size_t i = 0; i < len; i++)
    if (!isdigit((unsigned char)text[i])) return false;
  return true;
}

/* The last YYYYMMDD_HHMM of the name. */
static bool parse_name(const char *name, candle_t *c) {
  size_t const len = strlen(name);
  for (size_t at = len < 13 ? 0 : len - 13 + 1; at-- > 0;) {
    const char *const t = name + at;
    char text[32];
    if (!all_digits(t, 8) || t[8] != '_' || !all_digits(t + 9, 4)) continue;
    int const n = snprintf(text, sizeof text, "%.4s-%.2s-%.2sT%.2s:%.2s:00Z", t, t + 4, t + 6, t + 9, t + 11);
    if (pmm_time_parse(text, (size_t)n, &c->open_ns, NULL) != PMM_OK || c->open_ns <= 0) return false;
    c->midnight_ns = c->open_ns - c->open_ns % DAY_NS;
    return true;
  }
  return false;
}

static pmm_status_t open_candle(pmm__import_t *im, pmm__source_t *s) {
  candle_t *const c = calloc(1, sizeof *c);
  if (!c) return pmm_error_set(im->err, PMM_FULL, "%s: out of memory", s->name);
  s->own = c;
  if (!parse_name(s->name, c))
    return pmm_error_set(im->err, PMM_PARSE, "%s: no date and start in the file name, as in candle_20260421_1815.csv", s->name);
  pmm_status_t st = pmm__csv_open(im, s, ',');
  for (int i = 0; i < COLUMNS && st == PMM_OK; i++) st = pmm__csv_need(im, s, column_name[i], &c->column[i]);
  return st;
}

/* A time of day before the start belongs to the next day. */
static pmm_status_t read_time(pmm__import_t *im, pmm__source_t *s) {
  const candle_t *const c = s->own;
  pmm__cell_t const cell = pmm__csv_cell(s, c->column[TIME]);
  char text[48];
  int64_t ns;
  int const n = snprintf(text, sizeof text, "1970-01-01T%.24sZ", cell.text);
  if (cell.len > 24 || pmm_time_parse(text, (size_t)n, &ns, NULL) != PMM_OK || ns < 0 || ns >= DAY_NS)
    return pmm__bad_cell(im, s, c->column[TIME], "not a time of day like 18:15:35.921: %.40s", cell.text);
  s->recv_ns = c->midnight_ns + ns;
  if (s->recv_ns < c->open_ns) s->recv_ns += DAY_NS;
  return PMM_OK;
}

static pmm_status_t next(pmm__import_t *im, pmm__source_t *s) {
  pmm_status_t st = s->csv ? PMM_OK : open_candle(im, s);
  if (st == PMM_OK) st = pmm__csv_row(im, s);
  return st == PMM_OK ? read_time(im, s) : st;
}

static pmm_status_t add_market(pmm__import_t *im, const candle_t *c, const char *slug, pmm__imarket_t **market) {
  pmm_market_t desc;
  pmm_market_init(&desc, slug);
  pmm__polymarket_terms(&desc);
  memcpy(desc.event, slug, strlen(slug) + 1);
  desc.tie_is_yes = 1;
  desc.data = PMM_DATA_TOP | PMM_DATA_NOSIZE;
  desc.open_ns = c->open_ns;
  desc.close_ns = c->open_ns + WINDOW_NS;
  return pmm__market_add(im, &desc, market);
}

static pmm_status_t market_of(pmm__import_t *im, pmm__source_t *s, pmm__imarket_t **market) {
  const candle_t *const c = s->own;
  char asset[PMM_ID_MAX], slug[PMM_ID_MAX];
  pmm_status_t const st = pmm__cell_text(im, s, c->column[ASSET], asset);
  if (st != PMM_OK) return st;
  for (char *a = asset; *a; a++) *a = (char)tolower((unsigned char)*a);
  int const n = snprintf(slug, sizeof slug, "%.32s-updown-5m-%lld", asset, (long long)(c->open_ns / PMM_NS_PER_S));
  *market = pmm__market_find(im, slug, (size_t)n);
  return *market ? PMM_OK : add_market(im, c, slug, market);
}

static pmm_status_t read_top(pmm__import_t *im, const pmm__source_t *s, pmm__top_t *top) {
  const candle_t *const c = s->own;
  const char *const side = pmm__csv_cell(s, c->column[SIDE]).text;
  bool const is_down = strcmp(side, "Down") == 0;
  *top = (pmm__top_t){0};
  if (!is_down && strcmp(side, "Up") != 0) return pmm__bad_cell(im, s, c->column[SIDE], "neither Up nor Down: %.40s", side);
  int32_t bid_e4, ask_e4 = 0;
  pmm_status_t st = pmm__cell_price(im, s, c->column[is_down ? DN_BID : UP_BID], 4, &bid_e4);
  if (st == PMM_OK) st = pmm__cell_price(im, s, c->column[is_down ? DN_ASK : UP_ASK], 4, &ask_e4);
  top->price_e4[PMM_BID] = !is_down ? bid_e4 : ask_e4 ? PMM_ONE_E4 - ask_e4 : 0;
  top->price_e4[PMM_ASK] = !is_down ? ask_e4 : bid_e4 ? PMM_ONE_E4 - bid_e4 : 0;
  return st;
}

static pmm_status_t item(pmm__import_t *im, pmm__source_t *s) {
  pmm__imarket_t *m;
  pmm__top_t top;
  if (strcmp(pmm__csv_cell(s, ((const candle_t *)s->own)->column[EVENT]).text, "TICK") != 0) {
    im->stats->skipped++;
    return PMM_OK;
  }
  pmm_status_t st = market_of(im, s, &m);
  if (st == PMM_OK) st = read_top(im, s, &top);
  if (st == PMM_OK) st = pmm__message_begin(im, m, s->recv_ns, PMM_TIME_NONE);
  if (st == PMM_OK) st = pmm__message_top(im, &top);
  return st == PMM_OK ? pmm__message_end(im) : st;
}

static pmm_status_t run(pmm__import_t *im, pmm__source_t *source, size_t cnt) {
  pmm_status_t const st = pmm__sources_first(im, source, cnt, next);
  return st == PMM_OK ? pmm__sources_merge(im, source, cnt, next, item) : st;
}

const pmm__importer_t pmm__importer_updown = {.name = "polymarket-updown-csv",
                                              .what = "best prices of both tokens of 5-minute markets, CSV, date in the file name",
                                              .run = run,
                                              .decide = pmm__polymarket_decide,
                                              .resolve_after_ns = 60 * PMM_NS_PER_S,
                                              .gap_ns = 15 * PMM_NS_PER_S};
