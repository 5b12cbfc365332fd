/* feeds-envelope: raw messages of several venues in one envelope a line: {"source", "recv_wall_ts": ms, "payload": text}.
     polymarket_clob            market channel: books, price changes, new markets
     binance, coinbase          spot trades and best prices
     polymarket_rtds_chainlink  the relay of Chainlink's prices: a burst of the last minute, then updates
   *.markets.jsonl among the inputs: one market a line: slug, asset, condition_id, outcomes [{token_id, outcome}], start_ts and
   end_ts (ms), tick_size, min_order_size. */
#include <stdlib.h>
#include "feeds.h"
#include "pmm/decimal.h"

#define RECONNECT_NS (10 * PMM_NS_PER_S) /* the recorder left and came back: books between are unknown */
#define RELAY_SYMBOLS 64

typedef struct relay { /* a symbol and series of Chainlink's */
  pmm_under_kind_t kind;
  uint32_t underlying;
  int64_t last_ns; /* source time: bursts repeat what is known */
} relay_t;

typedef struct envelope { /* own of the import */
  pmm__feeds_t feeds;
  relay_t relay[RELAY_SYMBOLS];
  size_t relay_cnt;
  int64_t clob_ns; /* of the last market message; PMM_TIME_NONE: none, or the gap has been marked */
} envelope_t;

/* -- markets -- */
static bool is_markets_file(const char *name) { return strstr(name, ".markets.jsonl") != NULL; }

static pmm_status_t read_tokens(pmm__import_t *im, const pmm_json_node_t *o, pmm_market_t *desc) {
  const pmm_json_node_t *outcomes;
  pmm_status_t st = pmm__field(im, o, "outcomes", &outcomes);
  for (const pmm_json_node_t *e = pmm_json_first(outcomes); st == PMM_OK && e; e = pmm_json_next(outcomes, e)) {
    const pmm_json_node_t *const name = pmm_json_get(e, "outcome");
    bool const up = pmm_json_is(name, "Up") || pmm_json_is(name, "Yes");
    st = pmm__field_text(im, e, "token_id", up ? desc->token_yes : desc->token_no);
  }
  if (st == PMM_OK && (desc->token_yes[0] == '\0' || desc->token_no[0] == '\0')) st = pmm__bad(im, outcomes, "outcomes: not an Up and a Down");
  return st;
}

static pmm_status_t read_grid(pmm__import_t *im, const pmm_json_node_t *o, pmm_market_t *desc) {
  int64_t tick_e4, min_e6;
  pmm_status_t st = pmm__field_number(im, o, "tick_size", 4, &tick_e4);
  if (st == PMM_OK) st = pmm__field_number(im, o, "min_order_size", 6, &min_e6);
  if (st != PMM_OK) return st;
  if (tick_e4 <= 0 || tick_e4 > PMM_ONE_E4 || pmm_grid_uniform(&desc->grid, (int32_t)tick_e4) != PMM_OK)
    return pmm__bad(im, o, "tick_size: does not divide a dollar");
  if (min_e6 <= 0 || min_e6 % desc->lot_e6 != 0) return pmm__bad(im, o, "min_order_size: not a positive multiple of 0.01");
  desc->min_size_e6 = min_e6;
  return PMM_OK;
}

static pmm_status_t read_underlying(pmm__import_t *im, const pmm_json_node_t *o, pmm_market_t *desc) {
  char asset[PMM_ID_MAX], pair[PMM_ID_MAX + 4], id[PMM_ID_MAX];
  pmm_status_t const st = pmm__field_text(im, o, "asset", asset);
  if (st != PMM_OK) return st;
  snprintf(pair, sizeof pair, "%s/usd", asset);
  pmm__feed_id(pair, strlen(pair), id);
  return pmm__underlying_add(im, id, "chainlink", PMM_UNDER_ORACLE, &desc->underlying);
}

static pmm_status_t know_market(pmm__import_t *im, const pmm_json_node_t *o) {
  char condition[PMM_ID_MAX], slug[PMM_ID_MAX];
  pmm_market_t *desc;
  pmm_status_t st = pmm__field_text(im, o, "condition_id", condition);
  if (st == PMM_OK) st = pmm__field_text(im, o, "slug", slug);
  if (st == PMM_OK) st = pmm__ws_know(im, condition, slug, &desc);
  if (st == PMM_OK) st = read_tokens(im, o, desc);
  if (st == PMM_OK) st = pmm__field_ms(im, o, "start_ts", &desc->open_ns);
  if (st == PMM_OK) st = pmm__field_ms(im, o, "end_ts", &desc->close_ns);
  if (st == PMM_OK && desc->close_ns <= desc->open_ns) st = pmm__bad(im, o, "end_ts: not after start_ts");
  if (st == PMM_OK) st = read_grid(im, o, desc);
  return st == PMM_OK ? read_underlying(im, o, desc) : st;
}

static pmm_status_t read_markets(pmm__import_t *im, pmm__source_t *s) {
  pmm_status_t st = pmm__source_open(im, s);
  while (st == PMM_OK && (st = pmm__source_line(im, s)) == PMM_OK) {
    im->stats->lines++;
    st = know_market(im, s->root);
  }
  pmm__source_close(s);
  s->ended = true;
  return st == PMM_END ? PMM_OK : st;
}

/* -- the market channel -- */
static pmm_status_t mark_gap(pmm__import_t *im, int64_t recv_ns) {
  envelope_t *const e = im->own;
  if (e->clob_ns == PMM_TIME_NONE || recv_ns - e->clob_ns <= RECONNECT_NS) return PMM_OK;
  e->clob_ns = PMM_TIME_NONE;
  pmm_status_t st = pmm__clock(im, recv_ns);
  for (uint32_t i = 0; i < im->market_cnt && st == PMM_OK; i++) st = pmm__market_gap(im, im->market[i]);
  return st;
}

static pmm_status_t take_clob(pmm__import_t *im, int64_t recv_ns, const pmm_json_node_t *message) {
  pmm_status_t st = PMM_OK;
  ((envelope_t *)im->own)->clob_ns = recv_ns;
  if (message->type != PMM_JSON_ARRAY) return pmm__ws_message(im, recv_ns, message);
  for (const pmm_json_node_t *e = pmm_json_first(message); e && st == PMM_OK; e = pmm_json_next(message, e))
    st = pmm__ws_message(im, recv_ns, e);
  return st;
}

/* -- Chainlink by its relay -- */
static const struct {
  const char *topic, *source;
  pmm_under_kind_t kind;
} series[] = {{"crypto_prices_chainlink", "chainlink", PMM_UNDER_ORACLE},
              {"crypto_prices", "chainlink", PMM_UNDER_ORACLE}, /* the burst of this source bears the other source's topic */
              {"crypto_prices_twap_thirty", "chainlink-twap-30s", PMM_UNDER_TWAP},
              {"crypto_prices_twap_sixty", "chainlink-twap-60s", PMM_UNDER_TWAP}};
#define SERIES (sizeof series / sizeof series[0])

static pmm_status_t relay_of(pmm__import_t *im, const pmm_json_node_t *payload, size_t kind, relay_t **relay) {
  envelope_t *const e = im->own;
  char symbol[PMM_ID_MAX], id[PMM_ID_MAX];
  pmm_status_t st = pmm__field_text(im, payload, "symbol", symbol);
  if (st != PMM_OK) return st;
  pmm__feed_id(symbol, strlen(symbol), id);
  uint32_t underlying;
  st = pmm__underlying_add(im, id, series[kind].source, series[kind].kind, &underlying);
  if (st != PMM_OK) return st;
  for (size_t i = 0; i < e->relay_cnt; i++)
    if (e->relay[i].underlying == underlying) {
      *relay = &e->relay[i];
      return PMM_OK;
    }
  if (e->relay_cnt == RELAY_SYMBOLS) return pmm__bad(im, payload, "more than %d symbols", RELAY_SYMBOLS);
  *relay = &e->relay[e->relay_cnt++];
  **relay = (relay_t){.kind = series[kind].kind, .underlying = underlying, .last_ns = PMM_TIME_NONE};
  return PMM_OK;
}

/* The value is a double in the message; beside it may stand the exact one. */
static pmm_status_t relay_value(pmm__import_t *im, const pmm_json_node_t *point, int64_t *value_e8) {
  const pmm_json_node_t *const exact = pmm_json_get(point, "full_accuracy_value"), *value;
  if (exact && exact->type == PMM_JSON_STRING) {
    if (pmm__parse_e18(exact->text, exact->len, value_e8) != PMM_OK || *value_e8 <= 0)
      return pmm__bad(im, exact, "full_accuracy_value: not a price x 10^18");
    return PMM_OK;
  }
  pmm_status_t st = pmm__field(im, point, "value", &value);
  if (st == PMM_OK) st = pmm__number_floor(im, value, "value", 8, value_e8);
  return st == PMM_OK && *value_e8 <= 0 ? pmm__bad(im, value, "value: not a price") : st;
}

static pmm_status_t take_point(pmm__import_t *im, relay_t *r, int64_t recv_ns, const pmm_json_node_t *point) {
  int64_t exch_ns, value_e8;
  pmm_status_t st = pmm__field_ms(im, point, "timestamp", &exch_ns);
  if (st == PMM_OK) st = relay_value(im, point, &value_e8);
  if (st != PMM_OK) return st;
  if (exch_ns <= r->last_ns) {
    im->stats->skipped++;
    return PMM_OK;
  }
  r->last_ns = exch_ns;
  return pmm__underlying_tick(im, r->underlying, r->kind, recv_ns, exch_ns, value_e8);
}

static pmm_status_t take_relay(pmm__import_t *im, int64_t recv_ns, const pmm_json_node_t *message) {
  const pmm_json_node_t *const topic = pmm_json_get(message, "topic"), *payload;
  size_t kind = 0;
  while (kind < SERIES && !pmm_json_is(topic, series[kind].topic)) kind++;
  if (kind == SERIES) {
    im->stats->skipped++;
    return PMM_OK;
  }
  relay_t *r = NULL;
  pmm_status_t st = pmm__field(im, message, "payload", &payload);
  if (st == PMM_OK) st = relay_of(im, payload, kind, &r);
  if (st != PMM_OK) return st;
  const pmm_json_node_t *const burst = pmm_json_get(payload, "data");
  if (!burst) return take_point(im, r, recv_ns, payload);
  for (const pmm_json_node_t *e = pmm_json_first(burst); e && st == PMM_OK; e = pmm_json_next(burst, e)) st = take_point(im, r, recv_ns, e);
  return st;
}

/* -- lines -- */
static pmm_status_t next(pmm__import_t *im, pmm__source_t *s) {
  s->json_at = 0;
  pmm_status_t const st = pmm__source_line(im, s);
  return st == PMM_OK ? pmm__field_ms(im, s->root, "recv_wall_ts", &s->recv_ns) : st;
}

static pmm_status_t take(pmm__import_t *im, pmm__source_t *s) {
  envelope_t *const e = im->own;
  const pmm_json_node_t *source, *field, *message;
  pmm_status_t st = pmm__field(im, s->root, "source", &source);
  if (st == PMM_OK) st = pmm__field(im, s->root, "payload", &field);
  if (st == PMM_OK) st = mark_gap(im, s->recv_ns);
  if (st == PMM_OK) st = pmm__embedded(im, s, &e->feeds, field, &message);
  if (st != PMM_OK) return st;
  if (pmm_json_is(source, "polymarket_clob")) return take_clob(im, s->recv_ns, message);
  if (pmm_json_is(source, "binance")) return pmm__binance_take(im, &e->feeds, s->recv_ns, message);
  if (pmm_json_is(source, "coinbase")) return pmm__coinbase_take(im, &e->feeds, s->recv_ns, message);
  if (pmm_json_is(source, "polymarket_rtds_chainlink")) return take_relay(im, s->recv_ns, message);
  s->json_at = 0;
  return pmm__bad(im, source, "source: none of polymarket_clob, binance, coinbase, polymarket_rtds_chainlink");
}

static pmm_status_t run_sources(pmm__import_t *im, pmm__source_t *source, size_t cnt) {
  pmm_status_t st = pmm__ws_begin(im);
  for (size_t i = 0; i < cnt && st == PMM_OK; i++)
    if (is_markets_file(source[i].name)) st = read_markets(im, &source[i]);
  if (st == PMM_OK) st = pmm__sources_first(im, source, cnt, next);
  return st == PMM_OK ? pmm__sources_merge(im, source, cnt, next, take) : st;
}

static pmm_status_t run(pmm__import_t *im, pmm__source_t *source, size_t cnt) {
  envelope_t *const e = calloc(1, sizeof *e);
  if (!e) return pmm_error_set(im->err, PMM_FULL, "import: out of memory");
  e->clob_ns = PMM_TIME_NONE;
  im->own = e;
  pmm_status_t const st = run_sources(im, source, cnt);
  if (st == PMM_OK) pmm__feeds_note(im, &e->feeds);
  pmm__ws_end(im);
  pmm__feeds_fini(&e->feeds);
  free(e);
  im->own = NULL;
  return st;
}

/* Samples: whatever the last book says, nobody looked at the end. */
static pmm_outcome_t decide(pmm__import_t *im, const pmm__imarket_t *m, const char **why) {
  (void)im, (void)m, (void)why;
  return PMM_OUTCOME_UNKNOWN;
}

const pmm__importer_t pmm__importer_envelope = {.name = "feeds-envelope",
                                                .what = "raw messages of Polymarket, Binance, Coinbase and Chainlink in one envelope a line",
                                                .run = run,
                                                .decide = decide,
                                                .close_grace_ns = 5 * PMM_NS_PER_S,
                                                .resolve_after_ns = 60 * PMM_NS_PER_S};
