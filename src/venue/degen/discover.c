/* discover.c -- which markets: the words of `markets` one after another. An id is asked for by itself; "series:BTC" (an asset), "event:BTC@MS" (an
   asset and an expiry) and shell patterns pick from the list of open markets. */
#include "venue/degen/adapter.h"
#include <fnmatch.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "pmm/hash.h"

static uint32_t home(const char *id, size_t len) { return (uint32_t)pmm_hash64(id, len, 0) & (PMM__D_PLACES - 1); }

uint32_t pmm__d_market_find(const pmm__degen_t *a, pmm_degen_text_t id) {
  if (!id.at || id.len == 0 || id.len >= PMM_ID_MAX) return PMM__ORDER_NONE;
  for (uint32_t at = home(id.at, id.len); a->place[at]; at = (at + 1) & (PMM__D_PLACES - 1)) {
    const char *const have = a->market[a->place[at] - 1].market.id;
    if (memcmp(have, id.at, id.len) == 0 && have[id.len] == '\0') return a->place[at] - 1;
  }
  return PMM__ORDER_NONE;
}

void pmm__d_market_put(pmm__degen_t *a, uint32_t idx) {
  const char *const id = a->market[idx].market.id;
  uint32_t at = home(id, strlen(id));
  while (a->place[at]) at = (at + 1) & (PMM__D_PLACES - 1);
  a->place[at] = idx + 1;
}

static void fail(pmm__degen_t *a, pmm_status_t status, bool retrying, const char *what) {
  pmm_error_t err;
  pmm_error_set(&err, status, "venue %s: %s: %s", a->source, a->token, what);
  if (retrying) a->retry_ns = pmm__d_mono(a) + 2 * PMM_NS_PER_S;
  else a->phase = PMM__D_STOPPED;
  a->sink.failed(a->sink.ctx, &err, retrying);
}

static bool is_pattern(const char *token) { return strncmp(token, "series:", 7) == 0 || strncmp(token, "event:", 6) == 0 || strpbrk(token, "*?["); }

/* Markets on one asset that end together move together: an exposure group, unless the user names another. */
static void name_event(const pmm__degen_t *a, const pmm_degen_market_t *m, pmm_market_t *market) {
  snprintf(market->event, sizeof market->event, "%.*s@%lld", m->asset.at ? (int)pmm_min64(m->asset.len, 64) : 0, m->asset.at ? m->asset.at : "",
           (long long)(m->expires_ns == PMM_TIME_NONE ? 0 : m->expires_ns / PMM_NS_PER_MS));
  size_t const id = strlen(market->id);
  for (const char *at = a->params.groups + strspn(a->params.groups, " "); *at; at += strspn(at, " ")) {
    size_t const word = strcspn(at, " ");
    if (word > id + 1 && strncmp(at, market->id, id) == 0 && at[id] == '=') snprintf(market->event, sizeof market->event, "%.*s", (int)(word - id - 1), at + id + 1);
    at += word;
  }
}

static bool wanted(const pmm__degen_t *a, const pmm_degen_market_t *m, const pmm_market_t *market) {
  if (strncmp(a->token, "series:", 7) == 0) return pmm_degen_text_is(m->asset, a->token + 7);
  if (strncmp(a->token, "event:", 6) == 0) return strcmp(market->event, a->token + 6) == 0;
  return is_pattern(a->token) ? fnmatch(a->token, market->id, 0) == 0 : strcmp(a->token, market->id) == 0;
}

static bool describe(const pmm__degen_t *a, const pmm_degen_market_t *m, pmm_market_t *out) {
  char id[PMM_ID_MAX];
  snprintf(id, sizeof id, "%.*s", (int)m->id.len, m->id.at);
  if (strpbrk(id, "\"\\")) return false; /* no request could name it */
  pmm_market_init(out, id);
  out->venue = PMM_VENUE_DEGEN;
  out->life = m->life;
  out->outcome = m->outcome;
  out->data = PMM_DATA_DEPTH | PMM_DATA_TRADES;
  out->underlying = PMM_UNDER_NONE;
  out->lot_e6 = out->min_size_e6 = PMM_ONE_E6;
  out->open_ns = m->opens_ns;
  out->close_ns = m->expires_ns;
  out->strike_e8 = m->strike_e8;
  if (m->life == PMM_LIFE_RESOLVED) pmm_outcome_payout((pmm_outcome_t)m->outcome, &out->payout_yes_e6);
  out->fees = (pmm_fee_schedule_t){.model = PMM_FEE_BPS, .taker_rate_e6 = m->taker_fee_bps * 100, .maker_rate_e6 = m->maker_fee_bps * 100};
  if (m->asset.at) snprintf(out->asset, sizeof out->asset, "%.*s", (int)pmm_min64(m->asset.len, sizeof out->asset - 1), m->asset.at);
  name_event(a, m, out);
  return pmm_grid_uniform(&out->grid, m->tick_e4) == PMM_OK && pmm_market_check(out, NULL) == PMM_OK;
}

static pmm_status_t add(pmm__degen_t *a, pmm_degen_text_t json) {
  pmm_degen_market_t m;
  pmm_market_t market;
  pmm_error_t err;
  pmm_status_t const st = pmm_degen_read_market(json, &m, a->scratch, &err);
  if (st != PMM_OK || !describe(a, &m, &market)) {
    pmm__d_notice(a, PMM_WARN, "market", PMM_NOTICE_NO_MARKET, "a market of the venue cannot be used: %.200s", st != PMM_OK ? err.text : "its terms");
    return PMM_PARSE;
  }
  if (!wanted(a, &m, &market) || pmm__d_market_find(a, m.id) != PMM__ORDER_NONE) return PMM_OK;
  if (a->market_cnt == PMM_VENUE_MARKETS_MAX) return PMM_FULL;
  a->market[a->market_cnt].market = market;
  pmm__d_market_put(a, a->market_cnt++);
  return PMM_OK;
}

static void finish(pmm__degen_t *a) {
  size_t need = 128;
  for (uint32_t i = 0; i < a->market_cnt; i++) need += strlen(a->market[i].market.id) + 3;
  a->names = malloc(need);
  pmm_market_t *const list = calloc(a->market_cnt ? a->market_cnt : 1, sizeof *list);
  if (!a->names || !list || a->market_cnt == 0) {
    fail(a, a->market_cnt == 0 ? PMM_NOT_FOUND : PMM_FULL, a->market_cnt == 0, a->market_cnt == 0 ? "no open market" : "out of memory");
    if (a->market_cnt == 0) a->token_at = 0;
    free(a->names);
    a->names = NULL;
    free(list);
    return;
  }
  for (uint32_t i = 0; i < a->market_cnt; i++) list[i] = a->market[i].market;
  a->phase = PMM__D_FOUND;
  a->sink.discovered(a->sink.ctx, list, a->market_cnt);
  free(list);
}

static bool next_token(pmm__degen_t *a) {
  const char *at = a->params.markets + a->token_at;
  at += strspn(at, " ");
  size_t const len = strcspn(at, " ");
  memcpy(a->token, at, len);
  a->token[len] = '\0';
  a->token_at = (size_t)(at + len - a->params.markets);
  return len > 0;
}

static void on_market(void *ctx, uint64_t tag, const pmm_http_response_t *r) {
  pmm__degen_t *const a = ctx;
  (void)tag;
  if (a->phase != PMM__D_DISCOVERS) return;
  if (r->status == PMM_OK && r->http == 404) fail(a, PMM_NOT_FOUND, false, "no such market");
  else if (r->status == PMM_OK && (r->http == 401 || r->http == 403)) fail(a, PMM_REJECTED, false, "the venue refuses our credentials");
  else if (r->status != PMM_OK || r->http != 200) fail(a, PMM_IO, true, r->status != PMM_OK ? r->why : "no usable answer");
  else if (add(a, pmm__d_body(r)) != PMM_OK) fail(a, PMM_PARSE, false, "not usable");
  else {
    a->token[0] = '\0';
    pmm__d_discover(a);
  }
}

static void on_markets(void *ctx, uint64_t tag, const pmm_http_response_t *r) {
  pmm__degen_t *const a = ctx;
  (void)tag;
  pmm_degen_list_t list;
  pmm_degen_text_t at;
  if (a->phase != PMM__D_DISCOVERS) return;
  if (r->status != PMM_OK || r->http != 200 || pmm_degen_list_open(r->body, r->body_len, "markets", &list) != PMM_OK) {
    fail(a, PMM_IO, true, r->status != PMM_OK ? r->why : "no usable list of markets");
    return;
  }
  while (pmm_degen_list_next(&list, &at))
    if (add(a, at) == PMM_FULL) {
      fail(a, PMM_FULL, false, "more markets than one venue may have");
      return;
    }
  char cursor[sizeof a->cursor];
  bool const more = pmm_degen_get_text(pmm__d_body(r), "cursor", cursor, sizeof cursor) == PMM_OK && cursor[0] && strcmp(cursor, a->cursor) != 0;
  snprintf(a->cursor, sizeof a->cursor, "%s", more ? cursor : "");
  if (!more) a->token[0] = '\0';
  pmm__d_discover(a);
}

void pmm__d_discover(pmm__degen_t *a) {
  char path[PMM_PARAM_TEXT_MAX * 3 + 1024], name[PMM_PARAM_TEXT_MAX * 3 + 768];
  if (a->token[0] == '\0') {
    a->cursor[0] = '\0';
    if (!next_token(a)) {
      finish(a);
      return;
    }
  }
  bool const list = is_pattern(a->token);
  if (!pmm__d_escape(list ? a->cursor : a->token, name, sizeof name)) name[0] = '\0';
  if (list) snprintf(path, sizeof path, "/markets?status=OPEN&limit=500%s%s", name[0] ? "&cursor=" : "", name);
  else snprintf(path, sizeof path, "/markets/%s", name);
  if (!pmm__d_http(a, "GET", path, NULL, 0, 3, 0, list ? on_markets : on_market)) fail(a, PMM_IO, true, "cannot be asked for");
}
