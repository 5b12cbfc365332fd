/* polymarket-books: every full book message of a market, one JSON line each:
     {"timestamp": receive time in s, "slug": market, "asset_id": token, "raw_data": the venue's book message}
   The token with most messages is YES; a first pass over the files counts them. The source does not say whether that is
   Up or Down, which matters to nobody as there is no underlying on file. */
#include <stdlib.h>
#include "import.h"

#define TOKENS 2

typedef struct counted { /* a market of the first pass */
  char slug[PMM_ID_MAX];
  char token[TOKENS][PMM_ID_MAX];
  uint64_t cnt[TOKENS];
} counted_t;
typedef struct books {
  counted_t *market;
  size_t market_cnt;
} books_t;

static counted_t *find_or_add(books_t *b, const char *slug) {
  for (size_t i = b->market_cnt; i-- > 0;)
    if (strcmp(b->market[i].slug, slug) == 0) return &b->market[i];
  counted_t *const grown = realloc(b->market, (b->market_cnt + 1) * sizeof *grown);
  if (!grown) return NULL;
  b->market = grown;
  counted_t *const m = &grown[b->market_cnt++];
  *m = (counted_t){0};
  memcpy(m->slug, slug, strlen(slug) + 1);
  return m;
}

/* Which of its market's tokens this is; TOKENS when it is a third one. */
static int token_of(counted_t *m, const char *token) {
  for (int i = 0; i < TOKENS; i++) {
    if (m->token[i][0] == '\0') memcpy(m->token[i], token, strlen(token) + 1);
    if (strcmp(m->token[i], token) == 0) return i;
  }
  return TOKENS;
}

/* -- first pass: plain text search, since all that is wanted lies before raw_data in every line -- */
static bool find_text(const char *line, size_t len, const char *key, char out[PMM_ID_MAX]) {
  size_t const key_len = strlen(key);
  const char *at = memmem(line, len, key, key_len);
  const char *const end = line + len;
  if (!at) return false;
  at += key_len;
  while (at < end && (*at == ' ' || *at == ':')) at++;
  if (at == end || *at != '"') return false;
  const char *const quote = memchr(at + 1, '"', (size_t)(end - at - 1));
  size_t const n = quote ? (size_t)(quote - at - 1) : 0;
  if (n == 0 || n >= PMM_ID_MAX) return false;
  memcpy(out, at + 1, n);
  out[n] = '\0';
  return true;
}

static pmm_status_t count_line(pmm__import_t *im, const char *line, size_t len) {
  char slug[PMM_ID_MAX], token[PMM_ID_MAX];
  if (!find_text(line, len, "\"slug\"", slug) || !find_text(line, len, "\"asset_id\"", token))
    return PMM_OK; /* the second pass complains */
  counted_t *const m = find_or_add(im->own, slug);
  if (!m) return pmm_error_set(im->err, PMM_FULL, "%s: out of memory", im->source->name);
  int const t = token_of(m, token);
  if (t < TOKENS) m->cnt[t]++;
  return PMM_OK;
}

static pmm_status_t count_tokens(pmm__import_t *im, pmm__source_t *s) {
  const char *line;
  size_t len;
  pmm_status_t st = pmm__source_open(im, s);
  while (st == PMM_OK && (st = pmm__input_line(s->input, &line, &len, im->err)) == PMM_OK) st = count_line(im, line, len);
  pmm__source_close(s);
  s->done_bytes = 0;
  return st == PMM_END ? PMM_OK : st;
}

/* -- second pass -- */
static pmm_status_t next(pmm__import_t *im, pmm__source_t *s) {
  pmm_status_t const st = pmm__source_line(im, s);
  return st == PMM_OK ? pmm__field_seconds(im, s->root, "timestamp", &s->recv_ns) : st;
}

static pmm_status_t add_market(pmm__import_t *im, const counted_t *counted, const pmm_json_node_t *message, pmm__imarket_t **market) {
  pmm_market_t desc;
  int64_t tick_e4 = 100;
  int const yes = counted->cnt[1] > counted->cnt[0];
  pmm_market_init(&desc, counted->slug);
  pmm__polymarket_terms(&desc);
  memcpy(desc.event, counted->slug, sizeof desc.event);
  memcpy(desc.token_yes, counted->token[yes], sizeof desc.token_yes);
  memcpy(desc.token_no, counted->token[!yes], sizeof desc.token_no);
  desc.data = PMM_DATA_DEPTH;
  (void)pmm__polymarket_window(counted->slug, &desc.open_ns, &desc.close_ns);
  const pmm_json_node_t *const tick = pmm_json_get(message, "tick_size"); /* only in the first message of a subscription */
  pmm_status_t const st = tick ? pmm__number(im, tick, "tick_size", 4, &tick_e4) : PMM_OK;
  if (st != PMM_OK) return st;
  if (tick_e4 > PMM_ONE_E4 || pmm_grid_uniform(&desc.grid, (int32_t)tick_e4) != PMM_OK)
    return pmm__bad(im, tick, "tick_size: does not divide a dollar");
  return pmm__market_add(im, &desc, market);
}

static pmm_status_t market_of(pmm__import_t *im, const pmm_json_node_t *root, const pmm_json_node_t *message, pmm__imarket_t **market,
                              bool *mirrored) {
  char slug[PMM_ID_MAX], token[PMM_ID_MAX];
  pmm_status_t st = pmm__field_text(im, root, "slug", slug);
  if (st == PMM_OK) st = pmm__field_text(im, root, "asset_id", token);
  if (st != PMM_OK) return st;
  *market = pmm__market_find(im, slug, strlen(slug));
  if (!*market) {
    counted_t *const counted = find_or_add(im->own, slug);
    if (!counted) return pmm_error_set(im->err, PMM_FULL, "%s: out of memory", im->source->name);
    (void)token_of(counted, token); /* a line that the first pass could not read */
    if ((st = add_market(im, counted, message, market)) != PMM_OK) return st;
  }
  *mirrored = strcmp(token, (*market)->desc.token_no) == 0;
  if (*mirrored || strcmp(token, (*market)->desc.token_yes) == 0) return PMM_OK;
  return pmm__bad(im, pmm_json_get(root, "asset_id"), "asset_id: a third token of market %.80s", slug);
}

static pmm_status_t line(pmm__import_t *im, pmm__source_t *s) {
  const pmm_json_node_t *message;
  pmm__imarket_t *m;
  bool mirrored;
  int64_t exch_ns = 0;
  pmm_status_t st = pmm__field(im, s->root, "raw_data", &message);
  if (st == PMM_OK && message->type != PMM_JSON_OBJECT) st = pmm__bad(im, message, "raw_data: not an object");
  if (st == PMM_OK) st = pmm__field_ms(im, message, "timestamp", &exch_ns);
  if (st == PMM_OK) st = market_of(im, s->root, message, &m, &mirrored);
  if (st == PMM_OK) st = pmm__message_begin(im, m, s->recv_ns, exch_ns);
  if (st == PMM_OK) st = pmm__polymarket_book(im, message, mirrored);
  return st == PMM_OK ? pmm__message_end(im) : st;
}

static pmm_status_t run(pmm__import_t *im, pmm__source_t *source, size_t cnt) {
  books_t books = {0};
  pmm_status_t st = PMM_OK;
  im->own = &books;
  for (size_t i = 0; i < cnt && st == PMM_OK; i++) st = count_tokens(im, &source[i]);
  if (st == PMM_OK) st = pmm__sources_first(im, source, cnt, next);
  if (st == PMM_OK) st = pmm__sources_merge(im, source, cnt, next, line);
  free(books.market);
  im->own = NULL;
  return st;
}

/* The last book on file, whatever its time: bench rule, and the venue's book goes to 0.99 or 0.01 within seconds. */
static pmm_outcome_t decide(pmm__import_t *im, const pmm__imarket_t *m, const char **why) {
  (void)im;
  pmm_outcome_t const outcome =
      pmm__outcome_of_book(pmm_ladder_best_e4(&m->book.ladder, PMM_BID), pmm_ladder_best_e4(&m->book.ladder, PMM_ASK));
  if (outcome == PMM_OUTCOME_VOID) *why = "last book is not at an end";
  return outcome;
}

const pmm__importer_t pmm__importer_books = {.name = "polymarket-books",
                                             .what = "full Polymarket books, one JSON line each",
                                             .run = run,
                                             .decide = decide,
                                             .close_grace_ns = 5 * PMM_NS_PER_S,
                                             .resolve_after_ns = 60 * PMM_NS_PER_S};
