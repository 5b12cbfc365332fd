/* Settings to markets. A condition id is asked of the CLOB, whose compact form tells the fees; everything else of the catalogue: a slug,
   the markets of an event ("event:SLUG"), or every open market whose slug fits ("series:PREFIX" or a glob). */
#include <fnmatch.h>
#include <stdio.h>
#include <stdlib.h>
#include "adapter.h"

#define PAGE 100
#define OFFSET_MAX 2000 /* the catalogue gives no more */

typedef enum kind { CONDITION, SLUG, EVENT, PATTERN } kind_t;
typedef struct pmm__wanted {
  char text[PMM_ID_MAX];
  uint8_t kind;
  bool answered;
  uint32_t offset, tries, found;
} wanted_t;

/* What may stand in a URL as it is; everything the venue names things with. */
static bool is_plain(const char *text, bool glob) {
  for (; *text; text++)
    if (!((*text >= 'a' && *text <= 'z') || (*text >= 'A' && *text <= 'Z') || (*text >= '0' && *text <= '9') || strchr("-_.:", *text) || (glob && strchr("*?[]!", *text)))) return false;
  return true;
}

static pmm_status_t plan_one(wanted_t *w, const char *text, size_t len, pmm_error_t *err) {
  static const struct { const char *prefix; kind_t kind; } prefixes[] = {{"event:", EVENT}, {"series:", PATTERN}};
  *w = (wanted_t){.kind = SLUG};
  for (size_t i = 0; i < 2; i++) {
    size_t const n = strlen(prefixes[i].prefix);
    if (len > n && memcmp(text, prefixes[i].prefix, n) == 0) {
      w->kind = (uint8_t)prefixes[i].kind;
      text += n;
      len -= n;
    }
  }
  bool const series = w->kind == PATTERN;
  if (len + 2 > sizeof w->text) return pmm_error_set(err, PMM_INVAL, "markets: '%.*s' is too long", (int)(len < 100 ? len : 100), text);
  memcpy(w->text, text, len);
  if (series) w->text[len] = '*';
  if (strpbrk(w->text, "*?[")) w->kind = PATTERN;
  pmm_poly_word_t word;
  if (w->kind == SLUG && pmm_poly_word_parse(text, len, &word) == PMM_OK) w->kind = CONDITION;
  if (!is_plain(w->text, w->kind == PATTERN)) return pmm_error_set(err, PMM_INVAL, "markets: '%s' has characters that no market's name has", w->text);
  return PMM_OK;
}

pmm_status_t pmm__discover_plan(pmm__poly_t *p, pmm_error_t *err) {
  const char *at = p->params.markets;
  p->wanted = calloc(sizeof p->params.markets / 2 + 1, sizeof *p->wanted);
  if (!p->wanted) return pmm_error_set(err, PMM_FULL, "out of memory");
  for (;;) {
    at += strspn(at, " \t,");
    size_t const len = strcspn(at, " \t,");
    if (len == 0) break;
    pmm_status_t const st = plan_one(&p->wanted[p->wanted_cnt], at, len, err);
    if (st != PMM_OK) return st;
    p->wanted_cnt++;
    at += len;
  }
  return p->wanted_cnt > 0 ? PMM_OK : pmm_error_set(err, PMM_INVAL, "markets: none named");
}

void pmm__discover_free(pmm__poly_t *p) {
  free(p->wanted);
  p->wanted = NULL;
}

/* -- asking -- */
static bool ask(pmm__poly_t *p, uint32_t i) {
  wanted_t *const w = &p->wanted[i];
  char path[128], query[256] = "";
  bool const clob = w->kind == CONDITION;
  if (clob) snprintf(path, sizeof path, "/markets/%s", w->text);
  else snprintf(path, sizeof path, "%s", w->kind == EVENT ? "/events" : "/markets");
  if (w->kind == PATTERN) snprintf(query, sizeof query, "?active=true&closed=false&limit=%d&offset=%u", PAGE, w->offset);
  else if (!clob) snprintf(query, sizeof query, "?slug=%s", w->text);
  return pmm__send(p, &(pmm__send_t){.call = PMM__CALL_DISCOVER, .method = "GET", .base = clob ? p->rest : p->gamma, .path = path, .query = query, .retries = 3, .arg = i}) != NULL;
}

void pmm__discover(pmm__poly_t *p) {
  p->wanted_open = 0;
  for (uint32_t i = 0; i < p->wanted_cnt; i++)
    if (!p->wanted[i].answered) p->wanted_open++;
  for (uint32_t i = 0; i < p->wanted_cnt; i++)
    if (!p->wanted[i].answered && !ask(p, i)) {
      pmm__later(p, pmm__discover); /* too many at once; those under way come first */
      return;
    }
}

static void fail(pmm__poly_t *p, const char *what, const char *why, bool retrying) {
  pmm_error_t err;
  pmm_error_set(&err, retrying ? PMM_IO : PMM_NOT_FOUND, "polymarket: %s: %s", what, why);
  p->sink.failed(p->sink.ctx, &err, retrying);
}

/* -- taking -- */
static void apply_group(const pmm__poly_t *p, pmm_market_t *m) { /* "ID=GROUP ..." */
  for (const char *at = p->params.groups; *at;) {
    at += strspn(at, " \t,");
    size_t const len = strcspn(at, " \t,");
    const char *const eq = memchr(at, '=', len);
    if (eq && strlen(m->id) == (size_t)(eq - at) && memcmp(m->id, at, (size_t)(eq - at)) == 0)
      snprintf(m->event, sizeof m->event, "%.*s", (int)(len - (size_t)(eq - at) - 1), eq + 1);
    at += len;
  }
}

static bool is_known(const pmm__poly_t *p, const pmm_poly_listing_t *l) {
  for (uint32_t i = 0; i < p->market_cnt; i++)
    if (strcmp(p->market[i].listing.condition, l->condition) == 0) return true;
  return false;
}

static void take(pmm__poly_t *p, pmm_poly_listing_t *l, wanted_t *w) {
  if (is_known(p, l)) {
    w->found++;
    return;
  }
  if (p->market_cnt == PMM_VENUE_MARKETS_MAX || l->market.life != PMM_LIFE_OPEN) {
    if (p->market_cnt == PMM_VENUE_MARKETS_MAX) pmm__poly_note(p, PMM_WARN, "markets", PMM_NOTICE_NO_MARKET, "more than %d markets; %s is left out", PMM_VENUE_MARKETS_MAX, l->market.id);
    return;
  }
  if (p->market_cnt == p->market_cap) {
    uint32_t const cap = p->market_cap ? p->market_cap * 2 : 16;
    pmm__market_t *const grown = realloc(p->market, cap * sizeof *grown);
    if (!grown) return;
    p->market = grown;
    p->market_cap = cap;
  }
  apply_group(p, &l->market);
  p->market[p->market_cnt++] = (pmm__market_t){.listing = *l, .book_ns = PMM_TIME_NONE, .last_ns = PMM_TIME_NONE};
  w->found++;
}

static void take_gamma(pmm__poly_t *p, const pmm_json_node_t *list, wanted_t *w, const char *event) {
  for (const pmm_json_node_t *e = pmm_json_first(list); e; e = pmm_json_next(list, e)) {
    pmm_poly_listing_t l;
    pmm_error_t err;
    pmm_status_t const st = pmm_poly_read_gamma(e, &l, &err);
    if (st != PMM_OK) {
      if (w->kind != PATTERN) pmm__poly_note(p, PMM_WARN, "market", PMM_NOTICE_NO_MARKET, "%s", err.text);
      continue;
    }
    if (w->kind == PATTERN && fnmatch(w->text, l.slug, 0) != 0) continue;
    if (event) snprintf(l.market.event, sizeof l.market.event, "%s", event);
    take(p, &l, w);
  }
}

/* The event's own markets, in one exposure group. */
static void take_events(pmm__poly_t *p, const pmm_json_node_t *list, wanted_t *w) {
  for (const pmm_json_node_t *e = pmm_json_first(list); e; e = pmm_json_next(list, e)) take_gamma(p, pmm_json_get(e, "markets"), w, w->text);
}

static void take_clob(pmm__poly_t *p, const pmm_json_node_t *root, wanted_t *w) {
  pmm_poly_listing_t l;
  pmm_error_t err;
  if (pmm_poly_read_market(root, &l, &err) != PMM_OK) {
    pmm__poly_note(p, PMM_WARN, "market", PMM_NOTICE_NO_MARKET, "%s", err.text);
    return;
  }
  snprintf(l.market.id, sizeof l.market.id, "%s", w->text); /* the name the user gave */
  uint32_t const before = p->market_cnt;
  take(p, &l, w);
  if (p->market_cnt == before) return;
  char path[128];
  snprintf(path, sizeof path, "/clob-markets/%s", l.condition);
  if (pmm__send(p, &(pmm__send_t){.call = PMM__CALL_FEES, .method = "GET", .base = p->rest, .path = path, .retries = 3, .arg = before})) p->wanted_open++;
}

static void finish(pmm__poly_t *p) {
  pmm_market_t *const list = calloc(p->market_cnt > 0 ? p->market_cnt : 1, sizeof *list);
  for (uint32_t i = 0; i < p->wanted_cnt; i++)
    if (p->wanted[i].found == 0) {
      fail(p, p->wanted[i].text, "no open market of that name", false);
      free(list);
      return;
    }
  if (!list) {
    fail(p, "markets", "out of memory", false);
    return;
  }
  for (uint32_t i = 0; i < p->market_cnt; i++) list[i] = p->market[i].listing.market;
  p->stage = PMM__DISCOVERED;
  p->sink.discovered(p->sink.ctx, list, p->market_cnt);
  free(list);
}

static void one_less(pmm__poly_t *p) {
  if (--p->wanted_open == 0) finish(p);
}

static void answer_fees(pmm__poly_t *p, const pmm__request_t *request, const pmm_http_response_t *response) {
  const pmm_json_node_t *const root = pmm__is_ok(response) ? pmm__parse(p, response) : NULL;
  pmm__market_t *const m = &p->market[request->arg];
  pmm_poly_listing_t compact;
  pmm_error_t err;
  if (root && pmm_poly_read_compact(root, m->listing.condition, &compact, &err) == PMM_OK) {
    m->listing.market.fees = compact.market.fees;
    m->listing.neg_risk |= compact.neg_risk;
    m->listing.version = compact.version;
  } else pmm__poly_note(p, PMM_WARN, "fees", request->arg, "fees of %s are not known: none are assumed", m->listing.market.id);
  one_less(p);
}

static void retry(pmm__poly_t *p, wanted_t *w, const pmm_http_response_t *response) {
  char why[96];
  if (response->status == PMM_OK) snprintf(why, sizeof why, "HTTP %d", response->http);
  else snprintf(why, sizeof why, "%s", response->why ? response->why : "no answer");
  fail(p, w->text, why, true);
  pmm__later(p, pmm__discover);
}

void pmm__discover_answer(pmm__poly_t *p, const pmm__request_t *request, const pmm_http_response_t *response) {
  if (request->call == PMM__CALL_FEES) {
    answer_fees(p, request, response);
    return;
  }
  wanted_t *const w = &p->wanted[request->arg];
  bool const refused = response->status == PMM_OK && response->http >= 400 && response->http < 500 && response->http != 429 && response->http != 425;
  const pmm_json_node_t *const root = pmm__is_ok(response) ? pmm__parse(p, response) : NULL;
  if (w->answered) return;
  if (!root && !refused) {
    retry(p, w, response);
    return;
  }
  size_t items = 0;
  for (const pmm_json_node_t *e = pmm_json_first(root); e; e = pmm_json_next(root, e)) items++;
  if (root && w->kind == CONDITION) take_clob(p, root, w);
  else if (root && w->kind == EVENT) take_events(p, root, w);
  else if (root) take_gamma(p, root, w, NULL);
  if (w->kind == PATTERN && items == PAGE && w->offset + PAGE <= OFFSET_MAX) {
    w->offset += PAGE;
    if (ask(p, request->arg)) return;
  }
  w->answered = true;
  one_less(p);
}
