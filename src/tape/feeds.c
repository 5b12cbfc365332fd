#include "feeds.h"
#include <stdio.h>
#include <stdlib.h>
#include "pmm/decimal.h"

void pmm__feeds_fini(pmm__feeds_t *feeds) {
  free(feeds->feed);
  free(feeds->text);
  pmm_json_free(feeds->json);
  *feeds = (pmm__feeds_t){0};
}

void pmm__feeds_note(pmm__import_t *im, const pmm__feeds_t *feeds) {
  for (size_t i = 0; i < feeds->cnt; i++) {
    const pmm__feed_t *const f = &feeds->feed[i];
    if (f->trades_missing)
      pmm__note(im, "%s %.40s: %llu trades missing in %llu places, by their numbers", f->exchange, f->symbol,
                (unsigned long long)f->trades_missing, (unsigned long long)f->trade_holes);
    if (f->depth_id)
      pmm__note(im, "%s %.40s: depth left out (no book of prices in (0,1)), its numbers broken in %llu places", f->exchange, f->symbol,
                (unsigned long long)f->depth_holes);
  }
}

/* -- names, times, numbers -- */
static bool ends_with(const char *text, const char *end) {
  size_t const a = strlen(text), b = strlen(end);
  return a > b && strcmp(text + a - b, end) == 0;
}

void pmm__feed_id(const char *symbol, size_t len, char out[PMM_ID_MAX]) {
  static const char *const dollars[] = {"FDUSD", "USDT", "USDC", "USD"};
  size_t n = 0;
  for (size_t i = 0; i < len && n < PMM_ID_MAX - 5; i++) {
    char const c = symbol[i];
    if (c == '/' || c == '-') continue;
    out[n++] = (char)(c >= 'a' && c <= 'z' ? c - 'a' + 'A' : c);
  }
  out[n] = '\0';
  for (size_t i = 0; i < sizeof dollars / sizeof dollars[0]; i++)
    if (ends_with(out, dollars[i])) {
      memcpy(out + n - strlen(dollars[i]), "-USD", 5);
      return;
    }
}

pmm_status_t pmm__any_time(const pmm__import_t *im, const pmm_json_node_t *where, const char *text, size_t len, const char *what,
                           int64_t *out_ns) {
  size_t digits = 0;
  while (digits < len && text[digits] >= '0' && text[digits] <= '9') digits++;
  int const scale = digits <= 11 ? 9 : digits <= 14 ? 6 : digits <= 17 ? 3 : 0;
  pmm_status_t const st = pmm_decimal_parse(text, len, scale, out_ns, NULL);
  if (st != PMM_OK || *out_ns <= 0 || *out_ns >= INT64_C(4000000000) * PMM_NS_PER_S)
    return pmm__bad(im, where, "%s: not a Unix time: %.*s", what, (int)(len < 40 ? len : 40), text);
  return PMM_OK;
}

pmm_status_t pmm__parse_e18(const char *text, size_t len, int64_t *value_e8) {
  char scaled[64];
  if (len == 0 || len > sizeof scaled - 5) return PMM_PARSE;
  memcpy(scaled, text, len);
  memcpy(scaled + len, "e-18", 5);
  return pmm_decimal_parse_floor(scaled, len + 4, 8, value_e8, NULL);
}

static pmm_status_t field_time(const pmm__import_t *im, const pmm_json_node_t *o, const char *key, int64_t *out_ns) {
  const pmm_json_node_t *node;
  pmm_status_t const st = pmm__field(im, o, key, &node);
  if (st != PMM_OK) return st;
  if (node->type != PMM_JSON_NUMBER) return pmm__bad(im, node, "%s: not a Unix time", key);
  return pmm__any_time(im, node, node->text, node->len, key, out_ns);
}

static pmm_status_t field_id(const pmm__import_t *im, const pmm_json_node_t *o, const char *key, uint64_t *out) {
  int64_t value;
  pmm_status_t const st = pmm__field_number(im, o, key, 0, &value);
  if (st != PMM_OK) return st;
  if (value < 0) return pmm__bad(im, pmm_json_get(o, key), "%s: negative", key);
  *out = (uint64_t)value;
  return PMM_OK;
}

/* More than zero, and so small that a middle of two does not run over. */
static pmm_status_t field_value(const pmm__import_t *im, const pmm_json_node_t *o, const char *key, int64_t *value_e8) {
  const pmm_json_node_t *node;
  pmm_status_t st = pmm__field(im, o, key, &node);
  if (st == PMM_OK) st = pmm__number_floor(im, node, key, 8, value_e8);
  if (st != PMM_OK) return st;
  return *value_e8 > 0 && *value_e8 < INT64_MAX / 2 ? PMM_OK : pmm__bad(im, node, "%s: not a price", key);
}

/* -- feeds -- */
static pmm_status_t find(pmm__import_t *im, pmm__feeds_t *feeds, const char *exchange, const pmm_json_node_t *o, const char *key,
                         pmm__feed_t **feed) {
  char symbol[PMM_ID_MAX];
  pmm_status_t const st = pmm__field_text(im, o, key, symbol);
  if (st != PMM_OK) return st;
  for (size_t i = 0; i < feeds->cnt; i++)
    if (strcmp(feeds->feed[i].symbol, symbol) == 0 && feeds->feed[i].exchange == exchange) {
      *feed = &feeds->feed[i];
      return PMM_OK;
    }
  if (feeds->cnt == PMM_TAPE_UNDER_MAX) return pmm__bad(im, o, "more than %d symbols", PMM_TAPE_UNDER_MAX);
  pmm__feed_t *const grown = realloc(feeds->feed, (feeds->cnt + 1) * sizeof *grown);
  if (!grown) return pmm_error_set(im->err, PMM_FULL, "import: out of memory");
  feeds->feed = grown;
  *feed = &grown[feeds->cnt++];
  **feed = (pmm__feed_t){.exchange = exchange, .trade = PMM_UNDER_NONE, .mid = PMM_UNDER_NONE};
  memcpy((*feed)->symbol, symbol, sizeof symbol);
  return PMM_OK;
}

static pmm_status_t put_value(pmm__import_t *im, const pmm__feed_t *f, uint32_t *underlying, const char *suffix, int64_t recv_ns,
                              int64_t exch_ns, int64_t value_e8) {
  if (*underlying == PMM_UNDER_NONE) {
    char id[PMM_ID_MAX], source[PMM_ID_MAX];
    pmm__feed_id(f->symbol, strlen(f->symbol), id);
    snprintf(source, sizeof source, "%s%s", f->exchange, suffix);
    pmm_status_t const st = pmm__underlying_add(im, id, source, PMM_UNDER_TRADE, underlying);
    if (st != PMM_OK) return st;
  }
  return pmm__underlying_tick(im, *underlying, PMM_UNDER_TRADE, recv_ns, exch_ns, value_e8);
}

/* False for a trade that is not newer than the last. numbered: every trade has the next number, so that holes tell. */
static bool take_trade_id(pmm__import_t *im, pmm__feed_t *f, uint64_t id, bool numbered) {
  if (f->trade_id != 0 && id <= f->trade_id) {
    im->stats->skipped++;
    return false;
  }
  if (numbered && f->trade_id != 0 && id > f->trade_id + 1) {
    f->trade_holes++;
    f->trades_missing += id - f->trade_id - 1;
  }
  f->trade_id = id;
  return true;
}

static pmm_status_t skip(pmm__import_t *im) {
  im->stats->skipped++;
  return PMM_OK;
}

/* -- Binance -- */
static const char binance[] = "binance";

static pmm_status_t binance_trade(pmm__import_t *im, pmm__feeds_t *feeds, int64_t recv_ns, const pmm_json_node_t *o, const char *id_key) {
  pmm__feed_t *f;
  uint64_t id = 0;
  int64_t exch_ns, value_e8;
  pmm_status_t st = find(im, feeds, binance, o, "s", &f);
  if (st == PMM_OK) st = field_id(im, o, id_key, &id);
  if (st == PMM_OK) st = field_time(im, o, "T", &exch_ns);
  if (st == PMM_OK) st = field_value(im, o, "p", &value_e8);
  if (st != PMM_OK || !take_trade_id(im, f, id, true)) return st;
  return put_value(im, f, &f->trade, "", recv_ns, exch_ns, value_e8);
}

/* Best prices come without a time, and a frame with a lower number is late. */
static pmm_status_t binance_quote(pmm__import_t *im, pmm__feeds_t *feeds, int64_t recv_ns, const pmm_json_node_t *o) {
  pmm__feed_t *f;
  uint64_t id = 0;
  int64_t bid_e8, ask_e8;
  pmm_status_t st = find(im, feeds, binance, o, "s", &f);
  if (st == PMM_OK) st = field_id(im, o, "u", &id);
  if (st == PMM_OK) st = field_value(im, o, "b", &bid_e8);
  if (st == PMM_OK) st = field_value(im, o, "a", &ask_e8);
  if (st != PMM_OK) return st;
  if (f->quote_id != 0 && id <= f->quote_id) return skip(im);
  f->quote_id = id;
  return put_value(im, f, &f->mid, "-mid", recv_ns, PMM_TIME_NONE, (bid_e8 + ask_e8) / 2);
}

static pmm_status_t binance_depth(pmm__import_t *im, pmm__feeds_t *feeds, const pmm_json_node_t *o) {
  pmm__feed_t *f;
  uint64_t first = 0, last = 0;
  pmm_status_t st = find(im, feeds, binance, o, "s", &f);
  if (st == PMM_OK) st = field_id(im, o, "U", &first);
  if (st == PMM_OK) st = field_id(im, o, "u", &last);
  if (st != PMM_OK) return st;
  if (last < first) return pmm__bad(im, o, "u: before U");
  f->depth_holes += f->depth_id != 0 && first != f->depth_id + 1;
  f->depth_id = last;
  return skip(im);
}

pmm_status_t pmm__binance_take(pmm__import_t *im, pmm__feeds_t *feeds, int64_t recv_ns, const pmm_json_node_t *message) {
  const pmm_json_node_t *const inner = pmm_json_get(message, "stream") ? pmm_json_get(message, "data") : NULL;
  const pmm_json_node_t *const o = inner ? inner : message, *const event = pmm_json_get(o, "e");
  if (o->type != PMM_JSON_OBJECT) return pmm__bad(im, o, "not an event");
  if (pmm_json_is(event, "trade")) return binance_trade(im, feeds, recv_ns, o, "t");
  if (pmm_json_is(event, "aggTrade")) return binance_trade(im, feeds, recv_ns, o, "a");
  if (pmm_json_is(event, "depthUpdate")) return binance_depth(im, feeds, o);
  if ((!event || pmm_json_is(event, "bookTicker")) && pmm_json_get(o, "u") && pmm_json_get(o, "B")) return binance_quote(im, feeds, recv_ns, o);
  return skip(im); /* a depth snapshot, a candle, an answer to a request */
}

/* -- Coinbase -- */
static const char coinbase[] = "coinbase";

static pmm_status_t coinbase_time(const pmm__import_t *im, const pmm_json_node_t *o, int64_t *exch_ns) {
  pmm_status_t const st = pmm__field_time(im, o, "time", exch_ns);
  return st == PMM_OK && *exch_ns == PMM_TIME_NONE ? pmm__bad(im, o, "time is missing") : st;
}

static pmm_status_t coinbase_trade(pmm__import_t *im, pmm__feeds_t *feeds, int64_t recv_ns, const pmm_json_node_t *o, bool numbered,
                                   pmm__feed_t **feed) {
  uint64_t id = 0;
  int64_t exch_ns, value_e8;
  pmm_status_t st = find(im, feeds, coinbase, o, "product_id", feed);
  if (st == PMM_OK) st = field_id(im, o, "trade_id", &id);
  if (st == PMM_OK) st = coinbase_time(im, o, &exch_ns);
  if (st == PMM_OK) st = field_value(im, o, "price", &value_e8);
  if (st != PMM_OK || !take_trade_id(im, *feed, id, numbered)) return st;
  return put_value(im, *feed, &(*feed)->trade, "", recv_ns, exch_ns, value_e8);
}

/* A ticker is a trade and the best prices after it; one that the matches told already gives the prices only. */
static pmm_status_t coinbase_ticker(pmm__import_t *im, pmm__feeds_t *feeds, int64_t recv_ns, const pmm_json_node_t *o) {
  pmm__feed_t *f;
  uint64_t sequence = 0;
  int64_t exch_ns, bid_e8, ask_e8;
  pmm_status_t st = coinbase_trade(im, feeds, recv_ns, o, false, &f);
  if (st == PMM_OK) st = field_id(im, o, "sequence", &sequence);
  if (st == PMM_OK) st = coinbase_time(im, o, &exch_ns);
  if (st == PMM_OK) st = field_value(im, o, "best_bid", &bid_e8);
  if (st == PMM_OK) st = field_value(im, o, "best_ask", &ask_e8);
  if (st != PMM_OK || (f->quote_id != 0 && sequence <= f->quote_id)) return st;
  f->quote_id = sequence;
  return put_value(im, f, &f->mid, "-mid", recv_ns, exch_ns, (bid_e8 + ask_e8) / 2);
}

pmm_status_t pmm__coinbase_take(pmm__import_t *im, pmm__feeds_t *feeds, int64_t recv_ns, const pmm_json_node_t *message) {
  const pmm_json_node_t *const type = pmm_json_get(message, "type");
  pmm__feed_t *f;
  if (message->type != PMM_JSON_OBJECT) return pmm__bad(im, message, "not a message");
  if (pmm_json_is(type, "match") || pmm_json_is(type, "last_match")) return coinbase_trade(im, feeds, recv_ns, message, true, &f);
  if (pmm_json_is(type, "ticker")) return coinbase_ticker(im, feeds, recv_ns, message);
  return skip(im); /* subscriptions, heartbeats, the book */
}

/* -- messages within lines -- */
static bool make_room(pmm__feeds_t *feeds, size_t len) {
  if (len + PMM_JSON_PAD <= feeds->text_cap) return true;
  size_t const cap = (len + PMM_JSON_PAD) * 2;
  char *const grown = realloc(feeds->text, cap);
  if (!grown) return false;
  feeds->text = grown;
  feeds->text_cap = cap;
  return true;
}

pmm_status_t pmm__embedded(pmm__import_t *im, pmm__source_t *s, pmm__feeds_t *feeds, const pmm_json_node_t *field,
                           const pmm_json_node_t **root) {
  *root = field;
  if (field->type == PMM_JSON_OBJECT || field->type == PMM_JSON_ARRAY) return PMM_OK;
  if (field->type != PMM_JSON_STRING) return pmm__bad(im, field, "neither a message nor the text of one");
  if (!feeds->json) feeds->json = pmm_json_new();
  if (!feeds->json || !make_room(feeds, field->len)) return pmm_error_set(im->err, PMM_FULL, "%s: out of memory", s->name);
  memcpy(feeds->text, field->text, field->len);
  memset(feeds->text + field->len, 0, PMM_JSON_PAD);
  size_t at;
  const char *why;
  if (pmm_json_parse(feeds->json, feeds->text, field->len, root, &at, &why) != PMM_OK) return pmm__bad(im, field, "its text: %s", why);
  s->json_at = field->at; /* whatever is wrong inside is within this text */
  return PMM_OK;
}
