/* chainlink: the settlement feed of Polymarket's up-or-down markets and the markets it settled.
     *.csv    feed_ts_ms, recv_ms and full_accuracy_value (price x 10^18) or value; the file's name begins with the pair
     *.jsonl  one market a line: slug, asset, condition_id, token_ids [Up, Down], start_sec, end_sec, outcome_prices, strike_value
   There are no books: the tape holds the feed, and each market's times, strike and outcome. The feed is the instantaneous
   one, which settled these markets until 6 August 2026. */
#include <stdlib.h>
#include "csv.h"
#include "feeds.h"
#include "pmm/decimal.h"

typedef struct columns { /* own of a table */
  int feed, recv, value;
  bool e18;
  uint32_t underlying;
} columns_t;

typedef struct chainlink { /* own of the import */
  pmm__imarket_t **market; /* by opening time */
  size_t cnt, next;        /* market[next..cnt) have not opened */
} chainlink_t;

/* -- markets -- */
static bool is_markets_file(const char *name) { return strstr(name, ".jsonl") != NULL; }

static pmm_status_t read_outcome(pmm__import_t *im, const pmm_json_node_t *o, pmm_market_t *desc) {
  const pmm_json_node_t *prices;
  pmm_status_t const st = pmm__field(im, o, "outcome_prices", &prices);
  if (st != PMM_OK || prices->type == PMM_JSON_NULL) return st;
  const pmm_json_node_t *const up = pmm_json_first(prices), *const down = up ? pmm_json_next(prices, up) : NULL;
  if (!down) return pmm__bad(im, prices, "outcome_prices: not two prices");
  if (pmm_json_is(up, "1") && pmm_json_is(down, "0")) desc->outcome = PMM_OUTCOME_YES;
  if (pmm_json_is(up, "0") && pmm_json_is(down, "1")) desc->outcome = PMM_OUTCOME_NO;
  if (pmm_json_is(up, "0.5") && pmm_json_is(down, "0.5")) desc->outcome = PMM_OUTCOME_VOID;
  return PMM_OK;
}

static pmm_status_t read_strike(pmm__import_t *im, const pmm_json_node_t *o, pmm_market_t *desc) {
  const pmm_json_node_t *const strike = pmm_json_get(o, "strike_value");
  if (!strike || strike->type == PMM_JSON_NULL) return PMM_OK;
  if (strike->type == PMM_JSON_STRING && pmm__parse_e18(strike->text, strike->len, &desc->strike_e8) == PMM_OK && desc->strike_e8 > 0)
    return PMM_OK;
  return pmm__bad(im, strike, "strike_value: not a price x 10^18");
}

static pmm_status_t read_tokens(pmm__import_t *im, const pmm_json_node_t *o, pmm_market_t *desc) {
  const pmm_json_node_t *const tokens = pmm_json_get(o, "token_ids"), *const up = pmm_json_first(tokens);
  const pmm_json_node_t *const down = up ? pmm_json_next(tokens, up) : NULL;
  if (!down || up->type != PMM_JSON_STRING || down->type != PMM_JSON_STRING || up->len >= PMM_ID_MAX || down->len >= PMM_ID_MAX)
    return pmm__bad(im, tokens ? tokens : o, "token_ids: not two tokens");
  memcpy(desc->token_yes, up->text, up->len);
  memcpy(desc->token_no, down->text, down->len);
  return PMM_OK;
}

static pmm_status_t read_terms(pmm__import_t *im, const pmm_json_node_t *o, pmm_market_t *desc) {
  char asset[PMM_ID_MAX];
  pmm_status_t st = pmm__field_seconds(im, o, "start_sec", &desc->open_ns);
  if (st == PMM_OK) st = pmm__field_seconds(im, o, "end_sec", &desc->close_ns);
  if (st == PMM_OK && desc->close_ns <= desc->open_ns) st = pmm__bad(im, o, "end_sec: not after start_sec");
  if (st == PMM_OK) st = read_tokens(im, o, desc);
  if (st == PMM_OK) st = read_strike(im, o, desc);
  if (st == PMM_OK) st = read_outcome(im, o, desc);
  if (st == PMM_OK) st = pmm__field_text(im, o, "asset", asset);
  if (st != PMM_OK) return st;
  char pair[PMM_ID_MAX + 4], id[PMM_ID_MAX];
  snprintf(pair, sizeof pair, "%s/usd", asset);
  pmm__feed_id(pair, strlen(pair), id);
  return pmm__underlying_add(im, id, "chainlink", PMM_UNDER_ORACLE, &desc->underlying);
}

static pmm_status_t add_market(pmm__import_t *im, const pmm_json_node_t *o) {
  chainlink_t *const own = im->own;
  char slug[PMM_ID_MAX];
  pmm_market_t desc;
  pmm_status_t st = pmm__field_text(im, o, "slug", slug);
  if (st != PMM_OK) return st;
  if (pmm__market_find(im, slug, strlen(slug))) return pmm__bad(im, o, "market %.80s is there twice", slug);
  pmm_market_init(&desc, slug);
  pmm__polymarket_terms(&desc);
  memcpy(desc.event, slug, sizeof desc.event);
  desc.tie_is_yes = 1;
  st = read_terms(im, o, &desc);
  if (st != PMM_OK) return st;
  pmm__imarket_t **const grown = realloc(own->market, (own->cnt + 1) * sizeof(pmm__imarket_t *));
  if (!grown) return pmm_error_set(im->err, PMM_FULL, "import: out of memory");
  own->market = grown;
  return pmm__market_add(im, &desc, &own->market[own->cnt++]);
}

static pmm_status_t read_markets(pmm__import_t *im, pmm__source_t *s) {
  pmm_status_t st = pmm__source_open(im, s);
  while (st == PMM_OK && (st = pmm__source_line(im, s)) == PMM_OK) {
    im->stats->lines++;
    st = add_market(im, s->root);
  }
  pmm__source_close(s);
  s->ended = true;
  return st == PMM_END ? PMM_OK : st;
}

static int by_opening(const void *a, const void *b) {
  const pmm__imarket_t *const x = *(pmm__imarket_t *const *)a, *const y = *(pmm__imarket_t *const *)b;
  if (x->desc.open_ns != y->desc.open_ns) return x->desc.open_ns < y->desc.open_ns ? -1 : 1;
  return x->index < y->index ? -1 : 1;
}

/* -- the feed -- */
/* "BTCUSD-prices-2026-07-24.csv" is of BTC-USD. */
static pmm_status_t open_table(pmm__import_t *im, pmm__source_t *s) {
  char id[PMM_ID_MAX];
  const char *const slash = strrchr(s->name, '/'), *const name = slash ? slash + 1 : s->name;
  columns_t *const c = calloc(1, sizeof *c);
  if (!c) return pmm_error_set(im->err, PMM_FULL, "%s: out of memory", s->name);
  s->own = c;
  pmm__feed_id(name, strcspn(name, "-_."), id);
  pmm_status_t st = id[0] ? pmm__csv_open(im, s, ',') : pmm_error_set(im->err, PMM_PARSE, "%s: the file's name does not begin with a pair", s->name);
  if (st == PMM_OK) st = pmm__csv_need(im, s, "feed_ts_ms", &c->feed);
  if (st == PMM_OK) st = pmm__csv_need(im, s, "recv_ms", &c->recv);
  if (st != PMM_OK) return st;
  c->value = pmm__csv_column(s, "full_accuracy_value");
  c->e18 = c->value != PMM__CSV_NONE;
  if (!c->e18) st = pmm__csv_need(im, s, "value", &c->value);
  return st == PMM_OK ? pmm__underlying_add(im, id, "chainlink", PMM_UNDER_ORACLE, &c->underlying) : st;
}

static pmm_status_t next(pmm__import_t *im, pmm__source_t *s) {
  pmm_status_t st = s->csv ? PMM_OK : open_table(im, s);
  if (st == PMM_OK) st = pmm__csv_row(im, s);
  return st == PMM_OK ? pmm__cell_time(im, s, ((columns_t *)s->own)->recv, PMM__TIME_MS, NULL, &s->recv_ns) : st;
}

static pmm_status_t value_of(pmm__import_t *im, const pmm__source_t *s, const columns_t *c, int64_t *value_e8) {
  if (!c->e18) return pmm__cell_number_floor(im, s, c->value, 8, value_e8);
  pmm__cell_t const cell = pmm__csv_cell(s, c->value);
  if (pmm__parse_e18(cell.text, cell.len, value_e8) == PMM_OK) return PMM_OK;
  return pmm__bad_cell(im, s, c->value, "not a price x 10^18: %.40s", cell.text);
}

/* There are no messages of a market, so the clock opens it. */
static pmm_status_t open_markets(pmm__import_t *im, int64_t recv_ns) {
  chainlink_t *const own = im->own;
  pmm_status_t st = PMM_OK;
  while (st == PMM_OK && own->next < own->cnt && own->market[own->next]->desc.open_ns <= recv_ns) {
    pmm__imarket_t *const m = own->market[own->next++];
    st = pmm__clock(im, m->desc.open_ns);
    if (st == PMM_OK) st = pmm__market_open(im, m, m->desc.open_ns);
  }
  return st;
}

static pmm_status_t take(pmm__import_t *im, pmm__source_t *s) {
  const columns_t *const c = s->own;
  int64_t exch_ns, value_e8;
  pmm_status_t st = pmm__cell_time(im, s, c->feed, PMM__TIME_MS, NULL, &exch_ns);
  if (st == PMM_OK) st = value_of(im, s, c, &value_e8);
  if (st == PMM_OK && value_e8 <= 0) st = pmm__bad_cell(im, s, c->value, "not a price");
  if (st == PMM_OK) st = open_markets(im, s->recv_ns);
  return st == PMM_OK ? pmm__underlying_tick(im, c->underlying, PMM_UNDER_ORACLE, s->recv_ns, exch_ns, value_e8) : st;
}

static pmm_status_t run_sources(pmm__import_t *im, pmm__source_t *source, size_t cnt) {
  chainlink_t *const own = im->own;
  pmm_status_t st = PMM_OK;
  for (size_t i = 0; i < cnt && st == PMM_OK; i++)
    if (is_markets_file(source[i].name)) st = read_markets(im, &source[i]);
  if (own->cnt) qsort(own->market, own->cnt, sizeof(pmm__imarket_t *), by_opening);
  if (st == PMM_OK) st = pmm__sources_first(im, source, cnt, next);
  return st == PMM_OK ? pmm__sources_merge(im, source, cnt, next, take) : st;
}

static pmm_status_t run(pmm__import_t *im, pmm__source_t *source, size_t cnt) {
  chainlink_t own = {0};
  im->own = &own;
  pmm_status_t const st = run_sources(im, source, cnt);
  free(own.market);
  im->own = NULL;
  return st;
}

static pmm_outcome_t decide(pmm__import_t *im, const pmm__imarket_t *m, const char **why) {
  (void)im, (void)why;
  return (pmm_outcome_t)m->desc.outcome; /* as the source has it */
}

const pmm__importer_t pmm__importer_chainlink = {.name = "chainlink",
                                                 .what = "settlement feed (CSV) and the up-or-down markets it settled (JSON lines)",
                                                 .run = run,
                                                 .decide = decide,
                                                 .close_grace_ns = 0,
                                                 .resolve_after_ns = 60 * PMM_NS_PER_S};
