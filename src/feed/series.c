/* Names of markets that settle on price feeds: slugs of Polymarket's up-or-down series, tickers of Kalshi's crypto series, and New York's clock in
   which both tell the time. Polymarket docs and market pages, Kalshi rulebook texts, read 2026-08 to 2026-10. */
#include <ctype.h>
#include <stdio.h>
#include <string.h>
#include "pmm/clock.h"
#include "pmm/decimal.h"
#include "pmm/feed.h"
#include "pmm/market.h"

#define HOUR_NS (3600 * PMM_NS_PER_S)
#define DAY_NS (24 * HOUR_NS)
#define START_S_MAX INT64_C(7258118400) /* the year 2200, in which New York's rules here end, too */

/* -- New York -- */

typedef struct date { int year, month, day; } date_t;

/* Midnight of a day of the Gregorian calendar; PMM_TIME_NONE when there is no such day. */
static int64_t day_ns(date_t d) {
  char text[40];
  int64_t ns;
  if (d.year < 2000 || d.year > 2199) return PMM_TIME_NONE;
  int const n = snprintf(text, sizeof text, "%04d-%02d-%02dT00:00:00Z", d.year, d.month, d.day);
  return pmm_time_parse(text, (size_t)n, &ns, NULL) == PMM_OK ? ns : PMM_TIME_NONE;
}

static int year_of(int64_t ns) {
  char text[PMM_TIME_BUF];
  int year = 0;
  pmm_time_print(ns, 0, text);
  return sscanf(text, "%4d", &year) == 1 ? year : 0;
}

/* Midnight of the nth Sunday of a month; 1 January 1970 was a Thursday. */
static int64_t sunday_ns(int year, int month, int nth) {
  int64_t const first = day_ns((date_t){year, month, 1});
  int64_t const weekday = (first / DAY_NS + 4) % 7; /* 0 Sunday */
  return first + ((7 - weekday) % 7 + 7 * (nth - 1)) * DAY_NS;
}

int64_t pmm_new_york_offset_ns(int64_t utc_ns) {
  if (utc_ns < 0) return -5 * HOUR_NS; /* before all rules here; and times that are not known */
  int const year = year_of(utc_ns - 5 * HOUR_NS);
  if (year < 2000 || year > 2199) return -5 * HOUR_NS;
  int64_t const forward = sunday_ns(year, 3, 2) + 7 * HOUR_NS; /* 2 am at -5 h */
  int64_t const back = sunday_ns(year, 11, 1) + 6 * HOUR_NS;   /* 2 am at -4 h */
  return utc_ns >= forward && utc_ns < back ? -4 * HOUR_NS : -5 * HOUR_NS;
}

size_t pmm_new_york_to_utc(int64_t local_ns, int64_t out_ns[2]) {
  size_t cnt = 0;
  if (local_ns < 0 || local_ns > START_S_MAX * PMM_NS_PER_S) return 0;
  for (int h = 4; h <= 5; h++) { /* summer first: it is the earlier instant */
    int64_t const utc_ns = local_ns + h * HOUR_NS;
    if (pmm_new_york_offset_ns(utc_ns) == -h * HOUR_NS) out_ns[cnt++] = utc_ns;
  }
  return cnt;
}

/* -- what is known about assets -- */

static const struct { const char *token, *word, *asset, *index; } ASSETS[] = {
    {"btc", "bitcoin", "BTC", "BRTI"},     {"eth", "ethereum", "ETH", "ETHUSD_RTI"}, {"sol", "solana", "SOL", "SOLUSD_RTI"}, {"xrp", "xrp", "XRP", "XRPUSD_RTI"},
    {"doge", "dogecoin", "DOGE", "DOGEUSD_RTI"}, {"bnb", "bnb", "BNB", NULL},        {"hype", "hyperliquid", "HYPE", NULL}};
#define ASSET_CNT (sizeof ASSETS / sizeof ASSETS[0])

static const char *const MONTHS[12] = {"january", "february", "march", "april", "may", "june", "july", "august", "september", "october", "november", "december"};

pmm_status_t pmm_series_index(const char *prose, const char **name) {
  static const struct { const char *prose, *name; } NAMES[] = {
      {"BRTI", "BRTI"}, {"BTCUSD_RTI", "BRTI"}, {"ERTI", "ETHUSD_RTI"}, {"ETHUSDRTI", "ETHUSD_RTI"}, {"ETHUSD_RTI", "ETHUSD_RTI"}, {"SOLUSD_RTI", "SOLUSD_RTI"},
      {"SOLUSDRTI", "SOLUSD_RTI"}, {"XRPUSD_RTI", "XRPUSD_RTI"}, {"XRPUSDRTI", "XRPUSD_RTI"}, {"DOGEUSD_RTI", "DOGEUSD_RTI"}, {"DOGEUSDRTI", "DOGEUSD_RTI"}};
  for (size_t i = 0; i < sizeof NAMES / sizeof NAMES[0]; i++)
    if (strcmp(NAMES[i].prose, prose) == 0) { *name = NAMES[i].name; return PMM_OK; }
  return PMM_NOT_FOUND;
}

/* -- reading along a name: each moves *p on, or leaves it and returns false -- */

static bool eat(const char **p, const char *text) {
  size_t const len = strlen(text);
  if (strncmp(*p, text, len) != 0) return false;
  *p += len;
  return true;
}

static bool eat_number(const char **p, int digits_min, int digits_max, int64_t *out) {
  int64_t v = 0;
  int n = 0;
  while (n < digits_max && isdigit((unsigned char)(*p)[n])) v = v * 10 + ((*p)[n++] - '0');
  if (n < digits_min || isdigit((unsigned char)(*p)[n])) return false;
  *p += n;
  *out = v;
  return true;
}

/* Exactly so many digits, whatever follows. */
static bool eat_digits(const char **p, int digits, int *out) {
  int v = 0;
  for (int i = 0; i < digits; i++) {
    if (!isdigit((unsigned char)(*p)[i])) return false;
    v = v * 10 + ((*p)[i] - '0');
  }
  *p += digits;
  *out = v;
  return true;
}

static bool eat_month(const char **p, bool short_upper, int *month) {
  for (int i = 0; i < 12; i++) {
    char name[12];
    snprintf(name, sizeof name, "%.*s", short_upper ? 3 : 11, MONTHS[i]);
    for (char *c = name; short_upper && *c; c++) *c = (char)toupper((unsigned char)*c);
    if (!eat(p, name)) continue;
    *month = i + 1;
    return true;
  }
  return false;
}

/* -- Polymarket -- */

static void set_symbol(pmm_series_t *s, const char *token, const char *suffix, bool upper) {
  snprintf(s->symbol, sizeof s->symbol, "%s%s", token, suffix);
  for (char *c = s->symbol; upper && *c; c++) *c = (char)toupper((unsigned char)*c);
}

static pmm_status_t bad(pmm_error_t *err, const char *name, const char *why) { return pmm_error_set(err, PMM_PARSE, "%s: %s", name, why); }

static pmm_series_t updown(size_t asset) {
  pmm_series_t s = {.venue = PMM_VENUE_POLYMARKET, .test = PMM_TEST_GE, .decimals = -1, .strike_at_start = true, .settles_on = PMM_SETTLES_CHAINLINK_TWAP60,
                    .window_ns = 60 * PMM_NS_PER_S};
  snprintf(s.asset, sizeof s.asset, "%s", ASSETS[asset].asset);
  set_symbol(&s, ASSETS[asset].token, "usd", false);
  return s;
}

/* Four hours on New York's clock: on two days of the year that is three or five of real time. */
static bool four_hours(pmm_series_t *s) {
  int64_t const local = s->start_ns + pmm_new_york_offset_ns(s->start_ns);
  int64_t end[2];
  if (local % (4 * HOUR_NS) != 0) return false;
  size_t const cnt = pmm_new_york_to_utc(local + 4 * HOUR_NS, end);
  if (cnt == 0) return false;
  s->end_ns = end[0];
  return true;
}

/* btc-updown-5m-1795186800, behind the asset */
static pmm_status_t parse_updown(const char *name, const char *p, size_t asset, pmm_series_t *out, size_t *cnt, pmm_error_t *err) {
  static const struct { const char *text; int64_t seconds; } LENGTHS[] = {{"5m-", 300}, {"15m-", 900}, {"4h-", 0}};
  pmm_series_t s = updown(asset);
  for (size_t i = 0; i < sizeof LENGTHS / sizeof LENGTHS[0]; i++) {
    int64_t start;
    if (!eat(&p, LENGTHS[i].text)) continue;
    if (!eat_number(&p, 10, 10, &start) || *p || start > START_S_MAX) return bad(err, name, "no start in seconds");
    s.start_ns = start * PMM_NS_PER_S;
    s.end_ns = s.start_ns + LENGTHS[i].seconds * PMM_NS_PER_S;
    if (LENGTHS[i].seconds ? start % LENGTHS[i].seconds != 0 : !four_hours(&s)) return bad(err, name, "no window of its length starts there");
    out[0] = s;
    *cnt = 1;
    return PMM_OK;
  }
  return pmm_error_set(err, PMM_UNSUPPORTED, "%s: an up-or-down window of unknown length", name);
}

/* "november-20" or "november-20-2026"; a year that is not there is the one that brings the day nearest to now. */
static bool eat_date(const char **p, int64_t now_ns, int64_t *midnight_ns) {
  date_t d;
  int64_t day, year;
  if (!eat_month(p, false, &d.month) || !eat(p, "-") || !eat_number(p, 1, 2, &day)) return false;
  d.day = (int)day;
  const char *q = *p;
  if (eat(&q, "-") && eat_number(&q, 4, 4, &year)) {
    *p = q;
    d.year = (int)year;
    *midnight_ns = day_ns(d);
    return *midnight_ns != PMM_TIME_NONE;
  }
  int64_t best = PMM_TIME_NONE;
  for (int y = year_of(now_ns) - 1, k = 0; k < 3; k++, y++) {
    d.year = y;
    int64_t const ns = day_ns(d);
    if (ns != PMM_TIME_NONE && (best == PMM_TIME_NONE || pmm_abs64(ns - now_ns) < pmm_abs64(best - now_ns))) best = ns;
  }
  *midnight_ns = best;
  return best != PMM_TIME_NONE;
}

/* Every instant that shows local_ns, each a window that ends length_ns later. */
static pmm_status_t windows_at(const char *name, int64_t local_ns, int64_t length_ns, const pmm_series_t *s, pmm_series_t *out, size_t *cnt, pmm_error_t *err) {
  int64_t start[2];
  size_t const n = pmm_new_york_to_utc(local_ns, start);
  if (n == 0) return bad(err, name, "New York's clocks never show that time");
  for (size_t i = 0; i < n; i++) {
    out[i] = *s;
    out[i].start_ns = start[i];
    out[i].end_ns = start[i] + length_ns;
  }
  *cnt = n;
  return PMM_OK;
}

/* november-20-2026-10am-et, behind "bitcoin-up-or-down-" */
static pmm_status_t parse_hourly(const char *name, const char *p, size_t asset, int64_t now_ns, pmm_series_t *out, size_t *cnt, pmm_error_t *err) {
  pmm_series_t s = updown(asset);
  int64_t midnight, hour;
  s.settles_on = PMM_SETTLES_BINANCE_1H;
  s.window_ns = 0;
  set_symbol(&s, ASSETS[asset].token, "usdt", true);
  if (!eat_date(&p, now_ns, &midnight) || !eat(&p, "-") || !eat_number(&p, 1, 2, &hour)) return bad(err, name, "no month, day and hour");
  bool const pm = eat(&p, "pm-et");
  if ((!pm && !eat(&p, "am-et")) || *p || hour < 1 || hour > 12) return bad(err, name, "no hour in New York's time");
  return windows_at(name, midnight + (hour % 12 + (pm ? 12 : 0)) * HOUR_NS, HOUR_NS, &s, out, cnt, err);
}

/* on-november-20: from noon to noon in New York */
static pmm_status_t parse_daily(const char *name, const char *p, size_t asset, int64_t now_ns, pmm_series_t *out, size_t *cnt, pmm_error_t *err) {
  pmm_series_t s = updown(asset);
  int64_t midnight, start[2], end[2];
  s.settles_on = PMM_SETTLES_BINANCE_1M;
  s.window_ns = 0;
  set_symbol(&s, ASSETS[asset].token, "usdt", true);
  if (!eat_date(&p, now_ns, &midnight) || *p) return bad(err, name, "no month and day");
  if (pmm_new_york_to_utc(midnight - 12 * HOUR_NS, start) != 1 || pmm_new_york_to_utc(midnight + 12 * HOUR_NS, end) != 1) /* noon exists once on every day */
    return bad(err, name, "a day outside of all calendars here");
  s.start_ns = start[0];
  s.end_ns = end[0];
  out[0] = s;
  *cnt = 1;
  return PMM_OK;
}

static pmm_status_t parse_slug(const char *name, int64_t now_ns, pmm_series_t *out, size_t *cnt, pmm_error_t *err) {
  for (size_t i = 0; i < ASSET_CNT; i++) {
    const char *p = name;
    if (eat(&p, ASSETS[i].token) && eat(&p, "-updown-")) return parse_updown(name, p, i, out, cnt, err);
    p = name;
    if (!eat(&p, ASSETS[i].word) || !eat(&p, "-up-or-down-")) continue;
    return eat(&p, "on-") ? parse_daily(name, p, i, now_ns, out, cnt, err) : parse_hourly(name, p, i, now_ns, out, cnt, err);
  }
  if (strstr(name, "-updown-") || strstr(name, "-up-or-down-")) return pmm_error_set(err, PMM_UNSUPPORTED, "%s: an asset whose source is not known here", name);
  return pmm_error_set(err, PMM_NOT_FOUND, "%s: no series known here", name);
}

pmm_status_t pmm_series_updown_slug(const char *asset, int minutes, int64_t now_ns, char *buf, size_t cap) {
  if ((minutes != 5 && minutes != 15) || now_ns < 0 || now_ns > START_S_MAX * PMM_NS_PER_S) return PMM_INVAL;
  int64_t const seconds = minutes * 60, start = now_ns / PMM_NS_PER_S / seconds * seconds;
  int const n = snprintf(buf, cap, "%s-updown-%dm-%lld", asset, minutes, (long long)start);
  return n > 0 && (size_t)n < cap ? PMM_OK : PMM_INVAL;
}

/* -- Kalshi -- */

typedef enum form { FORM_15M, FORM_ABOVE, FORM_RANGE } form_t;

/* 26OCT021330: close in New York; the hourly forms leave the minute out. */
static bool eat_close(const char **p, bool minute, int64_t *local_ns) {
  date_t d;
  int year, hour, min = 0;
  if (!eat_digits(p, 2, &year) || !eat_month(p, true, &d.month) || !eat_digits(p, 2, &d.day) || !eat_digits(p, 2, &hour)) return false;
  if (minute && !eat_digits(p, 2, &min)) return false;
  d.year = 2000 + year;
  int64_t const midnight = day_ns(d);
  if (midnight == PMM_TIME_NONE || hour > 23 || min > 59) return false;
  *local_ns = midnight + hour * HOUR_NS + min * 60 * PMM_NS_PER_S;
  return true;
}

/* T72749.99 or B73250: a threshold, or the middle of a bucket whose width only the market tells. */
static bool eat_strike(const char *p, form_t form, pmm_series_t *s) {
  bool const threshold = *p == 'T';
  if (!threshold && !(form == FORM_RANGE && *p == 'B')) return false;
  int64_t value;
  if (pmm_decimal_parse(p + 1, strlen(p + 1), 8, &value, NULL) != PMM_OK || value <= 0) return false;
  if (form == FORM_ABOVE) s->strike_e8 = value;
  return true;
}

static pmm_status_t parse_kalshi(const char *name, const char *p, size_t asset, form_t form, pmm_series_t *out, size_t *cnt, pmm_error_t *err) {
  pmm_series_t s = {.venue = PMM_VENUE_KALSHI, .settles_on = PMM_SETTLES_CF_MEAN60, .decimals = -1, .start_ns = PMM_TIME_NONE, .window_ns = 60 * PMM_NS_PER_S};
  int64_t local, end[2];
  int suffix;
  if (!ASSETS[asset].index) return pmm_error_set(err, PMM_UNSUPPORTED, "%s: an asset whose index is not known here", name);
  snprintf(s.asset, sizeof s.asset, "%s", ASSETS[asset].asset);
  snprintf(s.symbol, sizeof s.symbol, "%s", ASSETS[asset].index);
  if (!eat(&p, "-") || !eat_close(&p, form == FORM_15M, &local) || !eat(&p, "-")) return bad(err, name, "no closing time");
  if (form == FORM_15M) {
    if (!eat_digits(&p, 2, &suffix) || *p || suffix != (int)(local / (60 * PMM_NS_PER_S) % 60) || suffix % 15) return bad(err, name, "no quarter of an hour");
    s.test = PMM_TEST_GE;
    s.decimals = strcmp(s.asset, "BTC") == 0 ? 2 : -1; /* the others' vary */
    s.strike_at_start = true;
  } else if (!eat_strike(p, form, &s)) return bad(err, name, "no strike");
  else if (form == FORM_ABOVE) s.test = PMM_TEST_GT;
  else {
    s.test = PMM_TEST_BETWEEN;
    s.ask_market = true;
  }
  size_t const n = pmm_new_york_to_utc(local, end);
  if (n == 0) return bad(err, name, "New York's clocks never show that time");
  for (size_t i = 0; i < n; i++) {
    out[i] = s;
    out[i].end_ns = end[i];
    if (form == FORM_15M) out[i].start_ns = end[i] - 15 * 60 * PMM_NS_PER_S;
  }
  *cnt = n;
  return PMM_OK;
}

static pmm_status_t parse_ticker(const char *name, pmm_series_t *out, size_t *cnt, pmm_error_t *err) {
  for (size_t i = 0; i < ASSET_CNT; i++) {
    const char *p = name + 2;
    if (!eat(&p, ASSETS[i].asset)) continue;
    if (eat(&p, "15M")) return parse_kalshi(name, p, i, FORM_15M, out, cnt, err);
    if (eat(&p, "MAX") || eat(&p, "MIN")) return pmm_error_set(err, PMM_UNSUPPORTED, "%s: settles on the trimmed means of every minute, another rule than ours", name);
    if (p[0] == 'D' && p[1] == '-') return parse_kalshi(name, p + 1, i, FORM_ABOVE, out, cnt, err);
    if (p[0] == '-') return parse_kalshi(name, p, i, FORM_RANGE, out, cnt, err);
    return pmm_error_set(err, PMM_UNSUPPORTED, "%s: a crypto series whose rule is not known here", name);
  }
  return pmm_error_set(err, PMM_NOT_FOUND, "%s: no series known here", name);
}

pmm_status_t pmm_series_parse(const char *name, int64_t now_ns, pmm_series_t out[PMM_SERIES_CANDIDATES], size_t *cnt, pmm_error_t *err) {
  return name[0] == 'K' && name[1] == 'X' ? parse_ticker(name, out, cnt, err) : parse_slug(name, now_ns, out, cnt, err);
}

/* -- what the market says about itself -- */

static bool url_is(const char *url, const char *host_and_path) {
  const char *p = url;
  if (!eat(&p, "https://") && !eat(&p, "http://")) return false;
  eat(&p, "www.");
  size_t const len = strlen(host_and_path);
  if (strncasecmp(p, host_and_path, len) != 0) return false;
  p += len;
  return *p == '\0' || *p == '?' || *p == '#' || (*p == '/' && p[1] == '\0');
}

static bool check_chainlink(const pmm_series_t *s, const char *url, bool twap, int lookback_s) {
  char want[80];
  snprintf(want, sizeof want, "data.chain.link/streams/%s-usd-twap-60s-streams", s->asset); /* case does not matter there */
  return url_is(url, want) && twap && lookback_s == 60;
}

static bool check_binance(const pmm_series_t *s, const char *url, bool twap) {
  char want[80];
  snprintf(want, sizeof want, "binance.com/en/trade/%s_USDT", s->asset);
  return url_is(url, want) && !twap;
}

pmm_status_t pmm_series_check(const pmm_series_t *s, const char *resolution_source, bool twap, int lookback_s, pmm_error_t *err) {
  bool ok = false;
  switch (s->settles_on) {
  case PMM_SETTLES_CHAINLINK_TWAP60: ok = check_chainlink(s, resolution_source, twap, lookback_s); break;
  case PMM_SETTLES_BINANCE_1H:
  case PMM_SETTLES_BINANCE_1M: ok = check_binance(s, resolution_source, twap); break;
  case PMM_SETTLES_CF_MEAN60: ok = !twap; break; /* its rule stands in the series' own text, not in a URL */
  default: break;
  }
  if (ok) return PMM_OK;
  return pmm_error_set(err, PMM_UNSUPPORTED, "%s: settles on \"%.200s\"%s, look-back %d s: not the rule this series is known for", s->symbol, resolution_source,
                       twap ? ", averaged" : "", lookback_s);
}

pmm_status_t pmm_series_test(const char *strike_type, pmm_settle_test_t *test) {
  static const struct { const char *text; pmm_settle_test_t test; } NAMES[] = {
      {"greater_or_equal", PMM_TEST_GE}, {"greater", PMM_TEST_GT}, {"less", PMM_TEST_LT}, {"between", PMM_TEST_BETWEEN}};
  for (size_t i = 0; i < sizeof NAMES / sizeof NAMES[0]; i++)
    if (strcmp(NAMES[i].text, strike_type) == 0) { *test = NAMES[i].test; return PMM_OK; }
  return PMM_NOT_FOUND;
}

bool pmm_series_wins(pmm_settle_test_t test, int64_t value_e8, int64_t strike_e8, int64_t cap_e8) {
  switch (test) {
  case PMM_TEST_GE: return value_e8 >= strike_e8;
  case PMM_TEST_GT: return value_e8 > strike_e8;
  case PMM_TEST_LT: return value_e8 < strike_e8;
  case PMM_TEST_BETWEEN: return value_e8 >= strike_e8 && value_e8 <= cap_e8;
  }
  return false;
}
