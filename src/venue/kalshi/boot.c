/* Which markets, and on what terms. params.markets: tickers, "series:X", "event:X", or a ticker with * behind its series. */
#include <fnmatch.h>
#include <stdio.h>
#include <stdlib.h>
#include "adapter.h"

/* The next word of the setting; false at its end. */
static bool next_word(pmm__kalshi_t *a) {
  a->tokens += strspn(a->tokens, " ,\t\n");
  size_t const len = strcspn(a->tokens, " ,\t\n");
  if (len == 0) return false;
  size_t const keep = len < sizeof a->token ? len : sizeof a->token - 1;
  memcpy(a->token, a->tokens, keep);
  a->token[keep] = '\0';
  a->tokens += len;
  return true;
}

void pmm__k_boot(pmm__kalshi_t *a) {
  a->tokens = a->params.markets;
  a->market_cnt = 0;
  pmm__k_step(a, K_BOOT_STATUS);
}

/* -- markets -- */

static bool known(const pmm__kalshi_t *a, const char *id) {
  for (uint32_t i = 0; i < a->market_cnt; i++)
    if (strcmp(a->market[i].desc.id, id) == 0) return true;
  return false;
}

static bool is_wanted(const pmm__kalshi_t *a, const pmm_kalshi_market_t *m) {
  if (strncmp(a->token, "series:", 7) == 0 || strncmp(a->token, "event:", 6) == 0) return m->desc.life <= PMM_LIFE_HALTED;
  if (strchr(a->token, '*')) return m->desc.life <= PMM_LIFE_HALTED && fnmatch(a->token, m->desc.id, 0) == 0;
  return strcmp(a->token, m->desc.id) == 0;
}

/* One exposure group for markets of several venues, where the user says so: "ID=GROUP ...". */
static void regroup(const pmm__kalshi_t *a, pmm_market_t *m) {
  size_t const len = strlen(m->id);
  for (const char *p = a->params.groups; *p; p += strcspn(p, " ")) {
    p += strspn(p, " ");
    if (strncmp(p, m->id, len) != 0 || p[len] != '=') continue;
    snprintf(m->event, sizeof m->event, "%.*s", (int)strcspn(p + len + 1, " "), p + len + 1);
    return;
  }
}

static bool take_markets(pmm__kalshi_t *a, const pmm_http_response_t *r, pmm_error_t *err) {
  pmm_kalshi_page_t page;
  pmm_kalshi_market_t *const fresh = &a->market[a->market_cnt];
  if (pmm_kalshi_markets_read(a->codec, r->body, r->body_len, fresh, PMM_VENUE_MARKETS_MAX - a->market_cnt, &page, err) != PMM_OK) return false;
  uint32_t kept = a->market_cnt;
  for (size_t i = 0; i < page.cnt; i++) {
    pmm_kalshi_market_t const m = fresh[i];
    if (!is_wanted(a, &m)) continue;
    if (known(a, m.desc.id)) continue;
    a->market[kept] = m;
    a->market_cnt = ++kept;
  }
  memcpy(a->cursor, page.cursor, sizeof a->cursor);
  return true;
}

static bool is_plain(const char *token) { return !strchr(token, ':') && !strchr(token, '*'); }

static void give_up(pmm__kalshi_t *a, const char *what) {
  pmm_error_t err = {0};
  (void)pmm_error_set(&err, PMM_NOT_FOUND, "kalshi: %s: %s", what, a->token);
  pmm__k_step(a, K_IDLE);
  a->sink.failed(a->sink.ctx, &err, false);
}

/* -- series and events: each once -- */

static bool first_of_series(const pmm__kalshi_t *a, uint32_t i) {
  for (uint32_t k = 0; k < i; k++)
    if (strcmp(a->market[k].series, a->market[i].series) == 0) return false;
  return true;
}

static bool first_of_event(const pmm__kalshi_t *a, uint32_t i) {
  if (!a->market[i].desc.event[0]) return false;
  for (uint32_t k = 0; k < i; k++)
    if (strcmp(a->market[k].desc.event, a->market[i].desc.event) == 0) return false;
  return true;
}

static void next_terms(pmm__kalshi_t *a);

static void finish(pmm__kalshi_t *a) {
  pmm__k_step(a, K_IDLE);
  static pmm_market_t none;
  uint32_t const cnt = a->market_cnt;
  pmm_market_t *const desc = cnt ? calloc(cnt, sizeof *desc) : &none;
  if (!desc) {
    pmm_error_t err = {0};
    (void)pmm_error_set(&err, PMM_FULL, "kalshi: out of memory");
    a->sink.failed(a->sink.ctx, &err, false);
    return;
  }
  for (uint32_t i = 0; i < cnt; i++) {
    uint32_t index;
    regroup(a, &a->market[i].desc);
    if (a->market[i].waiver_ns > pmm__k_venue_now(a)) a->market[i].desc.fees.taker_rate_e6 = a->market[i].desc.fees.maker_rate_e6 = 0;
    int64_t const shard = a->market[i].exchange_index;
    if (shard >= 0 && shard < PMM_KALSHI_SHARDS_MAX) a->shards |= UINT32_C(1) << shard;
    (void)pmm_kalshi_books_add(a->books, &a->market[i].desc, &index); /* as many fit as markets do */
    desc[i] = a->market[i].desc;
  }
  a->sink.discovered(a->sink.ctx, desc, cnt);
  if (cnt) free(desc);
}

static void next_terms(pmm__kalshi_t *a) {
  bool (*const first)(const pmm__kalshi_t *, uint32_t) = a->step == K_BOOT_SERIES ? first_of_series : first_of_event;
  while (a->at < a->market_cnt && !first(a, a->at)) a->at++;
  if (a->at < a->market_cnt) {
    pmm__k_step_again(a);
  } else if (a->step == K_BOOT_SERIES) {
    a->step = K_BOOT_EVENTS;
    a->at = 0;
    next_terms(a);
  } else {
    finish(a);
  }
}

static void set_fees(pmm__kalshi_t *a, uint32_t i, const pmm_kalshi_terms_t *event) {
  pmm_fee_schedule_t fees;
  pmm_status_t const st = pmm_kalshi_fees(&a->event_terms[i], event, a->market[i].desc.fees.precision_e6, &fees);
  if (st == PMM_NOT_FOUND)
    pmm__k_notice(a, PMM_WARN, "fees", i, "%s: fee type %s is not known; makers' fees are assumed", a->market[i].desc.id,
                  a->event_terms[i].fee_type);
  if (st == PMM_OK || st == PMM_NOT_FOUND) a->market[i].desc.fees = fees;
}

static bool take_terms(pmm__kalshi_t *a, const pmm_http_response_t *r, pmm_error_t *err) {
  pmm_kalshi_terms_t t;
  bool const series = a->step == K_BOOT_SERIES, missing = r->http == 404;
  if (!missing && pmm_kalshi_terms_read(a->codec, r->body, r->body_len, &t, err) != PMM_OK) return false;
  const pmm_kalshi_market_t *const asked = &a->market[a->at];
  for (uint32_t i = 0; i < a->market_cnt && !missing; i++) {
    const pmm_kalshi_market_t *const m = &a->market[i];
    if (series ? strcmp(m->series, asked->series) != 0 : strcmp(m->desc.event, asked->desc.event) != 0) continue;
    if (series) a->event_terms[i] = t;
    set_fees(a, i, series ? NULL : &t);
  }
  if (missing) pmm__k_notice(a, PMM_WARN, "fees", a->at, "%s: no terms found for %s", a->market[a->at].desc.id, series ? "its series" : "its event");
  a->at++;
  next_terms(a);
  return true;
}

/* -- the order of things -- */

static void after_markets(pmm__kalshi_t *a) {
  if (a->cursor[0]) pmm__k_step_again(a);
  else if (is_plain(a->token) && !known(a, a->token)) give_up(a, "no such market");
  else if (next_word(a)) pmm__k_step(a, K_BOOT_MARKETS);
  else if (a->market_cnt == 0 && is_plain(a->token)) give_up(a, "no market");
  else {
    a->step = K_BOOT_SERIES;
    a->at = 0;
    next_terms(a);
  }
}

static void first_markets(pmm__kalshi_t *a) {
  if (next_word(a)) pmm__k_step(a, K_BOOT_MARKETS);
  else give_up(a, "no markets are named");
}

bool pmm__k_boot_answer(pmm__kalshi_t *a, const pmm_http_response_t *r, pmm_error_t *err) {
  pmm_kalshi_limits_t limits;
  pmm_kalshi_costs_t costs;
  if (r->http == 401 || r->http == 403) {
    pmm_kalshi_error_t e;
    pmm_kalshi_error_read(a->codec, r->http, r->body, r->body_len, &e);
    (void)pmm_error_set(err, PMM_REJECTED, "kalshi: the venue refuses the key: %s %s", e.code, e.details);
    return false;
  }
  if (r->http != 200 && !(r->http == 404 && a->step >= K_BOOT_MARKETS)) {
    (void)pmm_error_set(err, PMM_IO, "kalshi: HTTP status %d", r->http);
    return false;
  }
  switch ((pmm__kstep_t)a->step) {
  case K_BOOT_STATUS:
    if (pmm_kalshi_exchange_read(a->codec, r->body, r->body_len, &a->exchange, err) != PMM_OK) return false;
    pmm__k_step(a, a->signer ? K_BOOT_LIMITS : K_BOOT_COSTS);
    return true;
  case K_BOOT_LIMITS:
    if (pmm_kalshi_limits_read(a->codec, r->body, r->body_len, &limits, err) != PMM_OK) return false;
    pmm__k_set_limits(a, &limits);
    pmm__k_step(a, K_BOOT_COSTS);
    return true;
  case K_BOOT_COSTS:
    if (pmm_kalshi_costs_read(a->codec, r->body, r->body_len, &costs, err) != PMM_OK) return false;
    a->costs = costs;
    first_markets(a);
    return true;
  case K_BOOT_MARKETS:
    if (r->http == 404) {
      give_up(a, "no such market");
      return true;
    }
    if (!take_markets(a, r, err)) return false;
    after_markets(a);
    return true;
  default: return take_terms(a, r, err);
  }
}

/* -- paths -- */

/* Words of the setting go into a query: only what tickers consist of passes, the rest is left out. */
static void put_word(char *path, size_t cap, const char *before, const char *word) {
  size_t n = strlen(path);
  n += (size_t)snprintf(path + n, cap - n, "%s", before);
  for (; *word && n + 1 < cap; word++)
    if ((*word >= '0' && *word <= '9') || (*word >= 'A' && *word <= 'Z') || (*word >= 'a' && *word <= 'z') || strchr("-_.", *word)) path[n++] = *word;
  path[n] = '\0';
}

void pmm__k_put_cursor(const pmm__kalshi_t *a, char *path, size_t cap) {
  static const char hex[] = "0123456789ABCDEF";
  size_t n = strlen(path);
  if (!a->cursor[0]) return;
  n += (size_t)snprintf(path + n, cap - n, "%ccursor=", strchr(path, '?') ? '&' : '?');
  for (const char *p = a->cursor; *p && n + 4 < cap; p++) {
    bool const plain = (*p >= '0' && *p <= '9') || (*p >= 'A' && *p <= 'Z') || (*p >= 'a' && *p <= 'z') || strchr("-_.~", *p);
    if (!plain) path[n++] = '%';
    if (!plain) path[n++] = hex[(unsigned char)*p >> 4];
    path[n++] = plain ? *p : hex[*p & 15];
  }
  path[n] = '\0';
}

static void markets_path(const pmm__kalshi_t *a, char *path, size_t cap) {
  char series[PMM_ID_MAX];
  if (strncmp(a->token, "series:", 7) == 0) put_word(path, cap, "/markets?status=open&limit=1000&series_ticker=", a->token + 7);
  else if (strncmp(a->token, "event:", 6) == 0) put_word(path, cap, "/markets?limit=1000&event_ticker=", a->token + 6);
  else if (strchr(a->token, '*')) {
    snprintf(series, sizeof series, "%.*s", (int)strcspn(a->token, "-*"), a->token);
    put_word(path, cap, "/markets?status=open&limit=1000&series_ticker=", series);
  } else {
    put_word(path, cap, "/markets/", a->token);
    return;
  }
  pmm__k_put_cursor(a, path, cap);
}

void pmm__k_boot_path(pmm__kalshi_t *a, char *path, size_t cap) {
  switch ((pmm__kstep_t)a->step) {
  case K_BOOT_STATUS: snprintf(path, cap, "/exchange/status"); break;
  case K_BOOT_LIMITS: snprintf(path, cap, "/account/limits"); break;
  case K_BOOT_COSTS: snprintf(path, cap, "/account/endpoint_costs"); break;
  case K_BOOT_MARKETS: markets_path(a, path, cap); break;
  case K_BOOT_SERIES: put_word(path, cap, "/series/", a->market[a->at].series); break;
  default: put_word(path, cap, "/events/", a->market[a->at].desc.event); break;
  }
}
