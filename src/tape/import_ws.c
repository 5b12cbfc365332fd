/* polymarket-ws: raw messages of the venue's market channel, a frame a line, with or without a receive time (capture.h).
   Inputs named *.markets.json tell slugs, windows and tokens; without one a market is named by its condition id and the
   token seen first is YES. Messages are taken in file order: they are not in venue-time order, but applied as they came
   the book agrees with the best prices that the messages carry. */
#include <stdlib.h>
#include "capture.h"

typedef struct known {
  char condition[PMM_ID_MAX];
  pmm_market_t desc;
  pmm__imarket_t *market;
} known_t;
struct pmm__ws {
  known_t *known;
  size_t cnt;
};
typedef struct pmm__ws ws_t;

static known_t *find(const ws_t *ws, const char *condition) {
  for (size_t i = 0; i < ws->cnt; i++)
    if (strcmp(ws->known[i].condition, condition) == 0) return &ws->known[i];
  return NULL;
}

static known_t *add(pmm__import_t *im, const char *condition) {
  ws_t *const ws = im->ws;
  known_t *const grown = realloc(ws->known, (ws->cnt + 1) * sizeof *grown);
  if (!grown) return NULL;
  ws->known = grown;
  known_t *const k = &grown[ws->cnt++];
  *k = (known_t){0};
  memcpy(k->condition, condition, strlen(condition) + 1);
  pmm_market_init(&k->desc, condition);
  pmm__polymarket_terms(&k->desc);
  memcpy(k->desc.event, condition, strlen(condition) + 1);
  k->desc.data = PMM_DATA_DEPTH | PMM_DATA_TRADES;
  return k;
}

static pmm_status_t out_of_memory(const pmm__import_t *im) { return pmm_error_set(im->err, PMM_FULL, "import: out of memory"); }

pmm_status_t pmm__ws_begin(pmm__import_t *im) {
  im->ws = calloc(1, sizeof *im->ws);
  return im->ws ? PMM_OK : out_of_memory(im);
}

void pmm__ws_end(pmm__import_t *im) {
  if (im->ws) free(im->ws->known);
  free(im->ws);
  im->ws = NULL;
}

/* -- *.markets.json -- */
static void name_market(known_t *k, const char *slug) {
  memcpy(k->desc.id, slug, strlen(slug) + 1);
  memcpy(k->desc.event, slug, strlen(slug) + 1);
  (void)pmm__polymarket_window(slug, &k->desc.open_ns, &k->desc.close_ns);
}

static pmm_status_t optional_number(const pmm__import_t *im, const pmm_json_node_t *o, const char *key, int scale, int64_t *out) {
  const pmm_json_node_t *const node = pmm_json_get(o, key);
  return node && node->type != PMM_JSON_NULL && node->len > 0 ? pmm__number(im, node, key, scale, out) : PMM_OK;
}

static pmm_status_t set_terms(pmm__import_t *im, known_t *k, const pmm_json_node_t *o, const char *tick_key) {
  int64_t tick_e4 = 100, min_e6 = k->desc.min_size_e6;
  pmm_status_t st = optional_number(im, o, tick_key, 4, &tick_e4);
  if (st == PMM_OK) st = optional_number(im, o, "minOrderSize", 6, &min_e6);
  if (st != PMM_OK) return st;
  if (tick_e4 > PMM_ONE_E4 || pmm_grid_uniform(&k->desc.grid, (int32_t)tick_e4) != PMM_OK)
    return pmm__bad(im, o, "%s: does not divide a dollar", tick_key);
  if (min_e6 <= 0 || min_e6 % k->desc.lot_e6 != 0) return pmm__bad(im, o, "minOrderSize: not a positive multiple of 0.01");
  k->desc.min_size_e6 = min_e6;
  return PMM_OK;
}

/* For a slug that does not tell the window. */
static pmm_status_t read_times(pmm__import_t *im, known_t *k, const pmm_json_node_t *o) {
  if (!pmm_json_get(o, "startTs") || !pmm_json_get(o, "endTs")) return PMM_OK;
  pmm_status_t st = pmm__field_seconds(im, o, "startTs", &k->desc.open_ns);
  if (st == PMM_OK) st = pmm__field_seconds(im, o, "endTs", &k->desc.close_ns);
  return st == PMM_OK && k->desc.open_ns >= k->desc.close_ns ? pmm__bad(im, o, "endTs: not after startTs") : st;
}

static pmm_status_t read_market(pmm__import_t *im, const pmm_json_node_t *o) {
  char condition[PMM_ID_MAX], slug[PMM_ID_MAX];
  pmm_status_t st = pmm__field_text(im, o, "conditionId", condition);
  if (st == PMM_OK) st = pmm__field_text(im, o, "slug", slug);
  if (st != PMM_OK || find(im->ws, condition)) return st;
  known_t *const k = add(im, condition);
  if (!k) return out_of_memory(im);
  st = pmm__field_text(im, o, "upTokenId", k->desc.token_yes);
  if (st == PMM_OK) st = pmm__field_text(im, o, "downTokenId", k->desc.token_no);
  if (st == PMM_OK) st = set_terms(im, k, o, "tickSize");
  if (st == PMM_OK) st = read_times(im, k, o);
  name_market(k, slug);
  k->desc.tie_is_yes = 1; /* up-or-down: a tie is Up, and Up is YES here */
  return st;
}

/* The file is a market, or an object or list of markets by any names. */
static pmm_status_t read_markets(pmm__import_t *im, const pmm_json_node_t *root) {
  if (pmm_json_get(root, "conditionId")) return read_market(im, root);
  const pmm_json_node_t *const end = root + root->span;
  bool const is_object = root->type == PMM_JSON_OBJECT;
  for (const pmm_json_node_t *e = root + 1; e < end; e += e->span) {
    if (is_object) e++; /* its name */
    if (e->type != PMM_JSON_OBJECT) return pmm__bad(im, e, "not a market");
    pmm_status_t const st = read_market(im, e);
    if (st != PMM_OK) return st;
  }
  return PMM_OK;
}

pmm_status_t pmm__ws_know(pmm__import_t *im, const char *condition, const char *slug, pmm_market_t **desc) {
  known_t *k = find(im->ws, condition);
  if (!k && !(k = add(im, condition))) return out_of_memory(im);
  name_market(k, slug);
  k->desc.tie_is_yes = 1;
  *desc = &k->desc;
  return PMM_OK;
}

static bool is_markets_file(const char *name) { return strstr(name, ".markets.json") != NULL; }

static pmm_status_t read_markets_file(pmm__import_t *im, pmm__source_t *s) {
  pmm_status_t st = pmm__source_open(im, s);
  if (st == PMM_OK) st = pmm__source_whole(im, s);
  if (st == PMM_OK) st = read_markets(im, s->root);
  pmm__source_close(s);
  s->ended = true;
  return st == PMM_END ? PMM_OK : st;
}

/* -- messages -- */
static pmm_status_t market_of(pmm__import_t *im, const pmm_json_node_t *message, pmm__imarket_t **market) {
  char condition[PMM_ID_MAX];
  pmm_status_t const st = pmm__field_text(im, message, "market", condition);
  if (st != PMM_OK) return st;
  known_t *k = find(im->ws, condition);
  if (!k && !(k = add(im, condition))) return out_of_memory(im);
  if (!k->market) k->market = pmm__market_find(im, k->desc.id, strlen(k->desc.id));
  *market = k->market;
  if (k->market) return PMM_OK;
  pmm_status_t const added = pmm__market_add(im, &k->desc, market);
  if (added == PMM_OK) k->market = *market;
  return added;
}

/* Is this the NO token? A market that came without tokens learns them as they appear. */
static pmm_status_t token_of(pmm__import_t *im, pmm__imarket_t *m, const pmm_json_node_t *o, bool *mirrored) {
  char token[PMM_ID_MAX];
  pmm_status_t const st = pmm__field_text(im, o, "asset_id", token);
  if (st != PMM_OK) return st;
  *mirrored = strcmp(token, m->desc.token_yes) != 0;
  if (!*mirrored || strcmp(token, m->desc.token_no) == 0) return PMM_OK;
  *mirrored = m->desc.token_yes[0] != '\0';
  char *const free_name = *mirrored ? m->desc.token_no : m->desc.token_yes;
  if (free_name[0] != '\0') return pmm__bad(im, o, "asset_id: a third token of market %.80s", m->desc.id);
  memcpy(free_name, token, strlen(token) + 1);
  return pmm__market_update(im, m);
}

static pmm_status_t side_of(pmm__import_t *im, const pmm_json_node_t *o, pmm_side_t *side) {
  const pmm_json_node_t *const node = pmm_json_get(o, "side");
  *side = pmm_json_is(node, "BUY") ? PMM_BID : PMM_ASK;
  return *side == PMM_BID || pmm_json_is(node, "SELL") ? PMM_OK : pmm__bad(im, node ? node : o, "side: neither BUY nor SELL");
}

static pmm_status_t price_and_size(pmm__import_t *im, const pmm_json_node_t *o, int32_t *price_e4, int64_t *qty_e6) {
  const pmm_json_node_t *price, *size;
  pmm_status_t st = pmm__field(im, o, "price", &price);
  if (st == PMM_OK) st = pmm__field(im, o, "size", &size);
  if (st == PMM_OK) st = pmm__price(im, price, "price", price_e4);
  return st == PMM_OK ? pmm__size(im, size, "size", qty_e6) : st;
}

/* token: the object that names the token; older recordings name it once for all changes. */
static pmm_status_t take_change(pmm__import_t *im, pmm__imarket_t *m, const pmm_json_node_t *change, const pmm_json_node_t *token) {
  bool mirrored;
  pmm_side_t side;
  int32_t price_e4;
  int64_t qty_e6;
  pmm_status_t st = token_of(im, m, token, &mirrored);
  if (st == PMM_OK) st = side_of(im, change, &side);
  if (st == PMM_OK) st = price_and_size(im, change, &price_e4, &qty_e6);
  if (st != PMM_OK || !m->book_known) return st; /* before the first book there is nothing to change */
  return pmm__message_level(im, mirrored ? pmm_side_opposite(side) : side, mirrored ? PMM_ONE_E4 - price_e4 : price_e4, qty_e6);
}

static pmm_status_t take_changes(pmm__import_t *im, pmm__imarket_t *m, const pmm_json_node_t *message) {
  const pmm_json_node_t *const now = pmm_json_get(message, "price_changes"), *const then = pmm_json_get(message, "changes");
  const pmm_json_node_t *const list = now ? now : then;
  if (!list || list->type != PMM_JSON_ARRAY) return pmm__bad(im, list ? list : message, "price_changes: not a list");
  for (const pmm_json_node_t *e = pmm_json_first(list); e; e = pmm_json_next(list, e)) {
    pmm_status_t const st = take_change(im, m, e, now ? e : message);
    if (st != PMM_OK) return st;
  }
  return PMM_OK;
}

static pmm_status_t take_book(pmm__import_t *im, pmm__imarket_t *m, const pmm_json_node_t *message) {
  bool mirrored;
  pmm_status_t const st = token_of(im, m, message, &mirrored);
  return st == PMM_OK ? pmm__polymarket_book(im, message, mirrored) : st;
}

static pmm_status_t take_trade(pmm__import_t *im, pmm__imarket_t *m, const pmm_json_node_t *message) {
  const pmm_json_node_t *const size = pmm_json_get(message, "size");
  bool mirrored;
  pmm_side_t side;
  int32_t price_e4;
  int64_t qty_e6;
  if (size && size->len == 0) return PMM_OK; /* optional decimals may be "" */
  pmm_status_t st = token_of(im, m, message, &mirrored);
  if (st == PMM_OK) st = side_of(im, message, &side);
  if (st == PMM_OK) st = price_and_size(im, message, &price_e4, &qty_e6);
  return st == PMM_OK && qty_e6 > 0 ? pmm__polymarket_trade(im, mirrored, side, price_e4, qty_e6) : st;
}

static pmm_status_t take_tick(pmm__import_t *im, pmm__imarket_t *m, const pmm_json_node_t *message) {
  int64_t tick_e4 = 0;
  (void)m;
  pmm_status_t const st = pmm__field_number(im, message, "new_tick_size", 4, &tick_e4);
  return st == PMM_OK ? pmm__message_tick(im, pmm_json_get(message, "new_tick_size"), tick_e4) : st;
}

static pmm_status_t take_best(pmm__import_t *im, pmm__imarket_t *m, const pmm_json_node_t *message) {
  (void)im, (void)m, (void)message;
  return PMM_OK; /* says what the book says already */
}

static pmm_status_t take_resolved(pmm__import_t *im, pmm__imarket_t *m, const pmm_json_node_t *message) {
  const pmm_json_node_t *const winner = pmm_json_get(message, "winning_asset_id");
  if (!winner || m->outcome != PMM_OUTCOME_UNKNOWN) return PMM_OK;
  if (pmm_json_is(winner, m->desc.token_yes)) return pmm__market_resolve(im, m, PMM_OUTCOME_YES);
  if (pmm_json_is(winner, m->desc.token_no)) return pmm__market_resolve(im, m, PMM_OUTCOME_NO);
  return pmm__bad(im, winner, "winning_asset_id: no token of market %.80s", m->desc.id);
}

static const struct {
  const char *name;
  pmm_status_t (*take)(pmm__import_t *, pmm__imarket_t *, const pmm_json_node_t *);
} types[] = {
    {"price_change", take_changes},  {"book", take_book},         {"last_trade_price", take_trade},
    {"tick_size_change", take_tick}, {"best_bid_ask", take_best}, {"market_resolved", take_resolved},
};

/* new_market: what its first messages would leave open. */
static pmm_status_t learn_market(pmm__import_t *im, const pmm_json_node_t *message) {
  char condition[PMM_ID_MAX], slug[PMM_ID_MAX];
  im->stats->skipped++;
  pmm_status_t st = pmm__field_text(im, message, "market", condition);
  if (st == PMM_OK) st = pmm__field_text(im, message, "slug", slug);
  if (st != PMM_OK || find(im->ws, condition)) return st;
  known_t *const k = add(im, condition);
  if (!k) return out_of_memory(im);
  const pmm_json_node_t *const tokens = pmm_json_get(message, "assets_ids"), *const yes = pmm_json_first(tokens);
  const pmm_json_node_t *const no = yes ? pmm_json_next(tokens, yes) : NULL;
  if (!no || yes->type != PMM_JSON_STRING || no->type != PMM_JSON_STRING || yes->len >= PMM_ID_MAX || no->len >= PMM_ID_MAX)
    return pmm__bad(im, tokens ? tokens : message, "assets_ids: not two tokens");
  memcpy(k->desc.token_yes, yes->text, yes->len);
  memcpy(k->desc.token_no, no->text, no->len);
  name_market(k, slug);
  k->desc.tie_is_yes = k->desc.close_ns != PMM_TIME_NONE; /* an up-or-down market */
  return set_terms(im, k, message, "order_price_min_tick_size");
}

/* The books of a fresh subscription may come without a type. */
static bool is_of_type(const pmm_json_node_t *message, const pmm_json_node_t *type, const char *name) {
  return type ? pmm_json_is(type, name) : strcmp(name, "book") == 0 && pmm_json_get(message, "bids") && pmm_json_get(message, "asks");
}

pmm_status_t pmm__ws_message(pmm__import_t *im, int64_t recv_ns, const pmm_json_node_t *message) {
  const pmm_json_node_t *const type = pmm_json_get(message, "event_type");
  pmm__imarket_t *m;
  int64_t exch_ns;
  size_t i = 0;
  if (pmm_json_is(type, "new_market")) return learn_market(im, message);
  while (i < sizeof types / sizeof types[0] && !is_of_type(message, type, types[i].name)) i++;
  if (i == sizeof types / sizeof types[0]) {
    im->stats->skipped++;
    return type ? PMM_OK : pmm__bad(im, message, "event_type is missing");
  }
  pmm_status_t st = pmm__field_ms(im, message, "timestamp", &exch_ns);
  if (st == PMM_OK) st = market_of(im, message, &m);
  if (st == PMM_OK) st = pmm__message_begin(im, m, recv_ns, exch_ns);
  if (st == PMM_OK) st = types[i].take(im, m, message);
  if (st == PMM_OK) st = pmm__message_end(im);
  return st == PMM_OK && types[i].take == take_resolved ? pmm__market_close(im, m) : st;
}

static pmm_status_t line(pmm__import_t *im, pmm__source_t *s) {
  const pmm_json_node_t *const frame = s->root;
  pmm_status_t st = PMM_OK;
  if (frame->type == PMM_JSON_STRING) {
    im->stats->skipped++; /* a keep-alive in an envelope */
    return PMM_OK;
  }
  if (frame->type != PMM_JSON_ARRAY) return pmm__ws_message(im, s->recv_ns, frame);
  for (const pmm_json_node_t *e = pmm_json_first(frame); e && st == PMM_OK; e = pmm_json_next(frame, e))
    st = pmm__ws_message(im, s->recv_ns, e);
  return st;
}

/* Without a receive time the venue's stands for it; a frame without either takes the one before. */
static pmm_status_t next(pmm__import_t *im, pmm__source_t *s) {
  int64_t recv_ns = PMM_TIME_NONE;
  pmm_status_t const st = pmm__capture_line(im, s, &recv_ns);
  if (st != PMM_OK) return st;
  const pmm_json_node_t *const message = s->root->type == PMM_JSON_ARRAY ? pmm_json_first(s->root) : s->root;
  if (recv_ns == PMM_TIME_NONE && pmm_json_get(message, "timestamp")) return pmm__field_ms(im, message, "timestamp", &s->recv_ns);
  if (recv_ns != PMM_TIME_NONE) s->recv_ns = recv_ns;
  return PMM_OK;
}

/* Market files go first and leave the rest in place. */
static pmm_status_t read_all_markets(pmm__import_t *im, pmm__source_t *s, size_t cnt) {
  pmm_status_t st = PMM_OK;
  for (size_t i = 0; i < cnt && st == PMM_OK; i++)
    if (is_markets_file(s[i].name)) st = read_markets_file(im, &s[i]);
  return st;
}

static pmm_status_t run(pmm__import_t *im, pmm__source_t *source, size_t cnt) {
  pmm_status_t st = pmm__ws_begin(im);
  if (st == PMM_OK) st = read_all_markets(im, source, cnt);
  if (st == PMM_OK) st = pmm__sources_first(im, source, cnt, next);
  if (st == PMM_OK) st = pmm__sources_merge(im, source, cnt, next, line);
  pmm__ws_end(im);
  return st;
}

const pmm__importer_t pmm__importer_ws = {
    .name = "polymarket-ws",
    .what = "Polymarket market-channel messages, one a line, raw or in an envelope (and a .markets.json if there is one)",
    .run = run,
    .decide = pmm__polymarket_decide,
    .close_grace_ns = 5 * PMM_NS_PER_S,
    .resolve_after_ns = 60 * PMM_NS_PER_S};
