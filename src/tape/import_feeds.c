/* binance, coinbase: captures of spot exchanges, one message a line with its receive time:
     RECV MESSAGE                           Unix time, a blank, the message as it came
     {"recv": RECV, "message": MESSAGE}     the same as JSON; the message may be text within it
   RECV counts s, ms, us or ns, told apart by its digits. Underlyings only: there is no market on such a tape. */
#include "feeds.h"

/* JSON begins behind the time; base/json.h wants the bytes after it readable, which they are, being of the line. */
static pmm_status_t parse_message(pmm__import_t *im, pmm__source_t *s, size_t at, size_t len) {
  size_t bad_at;
  const char *why;
  pmm_status_t const st = pmm_json_parse(s->json, s->text + at, len - at, &s->root, &bad_at, &why);
  s->json_at = (uint32_t)at;
  if (st == PMM_OK) return PMM_OK;
  return pmm_error_set(im->err, st, "%s:%llu: byte %zu: %s", s->name, (unsigned long long)pmm__input_line_no(s->input), at + bad_at + 1, why);
}

static pmm_status_t read_time(pmm__import_t *im, pmm__source_t *s, size_t blank) {
  if (blank > 0) return pmm__any_time(im, NULL, s->text, blank, "receive time", &s->recv_ns);
  const pmm_json_node_t *node;
  pmm_status_t const st = pmm__field(im, s->root, "recv", &node);
  if (st != PMM_OK) return st;
  if (node->type != PMM_JSON_NUMBER && node->type != PMM_JSON_STRING) return pmm__bad(im, node, "recv: not a Unix time");
  return pmm__any_time(im, node, node->text, node->len, "recv", &s->recv_ns);
}

static pmm_status_t next(pmm__import_t *im, pmm__source_t *s) {
  size_t len;
  im->source = s;
  s->root = NULL;
  s->json_at = 0;
  pmm_status_t st = pmm__input_line(s->input, &s->text, &len, im->err);
  if (st != PMM_OK) return st;
  const char *const found = s->text[0] == '{' ? NULL : memchr(s->text, ' ', len);
  size_t const blank = found ? (size_t)(found - s->text) : 0;
  if (s->text[0] != '{' && !found) return pmm__bad(im, NULL, "neither a receive time, a blank and a message, nor a JSON object");
  st = parse_message(im, s, found ? blank + 1 : 0, len);
  return st == PMM_OK ? read_time(im, s, blank) : st;
}

static pmm_status_t message_of(pmm__import_t *im, pmm__source_t *s, const pmm_json_node_t **message) {
  *message = s->root;
  if (s->text[0] != '{') return PMM_OK;
  const pmm_json_node_t *field;
  pmm_status_t const st = pmm__field(im, s->root, "message", &field);
  return st == PMM_OK ? pmm__embedded(im, s, im->own, field, message) : st;
}

static pmm_status_t take_binance(pmm__import_t *im, pmm__source_t *s) {
  const pmm_json_node_t *message;
  pmm_status_t const st = message_of(im, s, &message);
  return st == PMM_OK ? pmm__binance_take(im, im->own, s->recv_ns, message) : st;
}

static pmm_status_t take_coinbase(pmm__import_t *im, pmm__source_t *s) {
  const pmm_json_node_t *message;
  pmm_status_t const st = message_of(im, s, &message);
  return st == PMM_OK ? pmm__coinbase_take(im, im->own, s->recv_ns, message) : st;
}

static pmm_status_t run(pmm__import_t *im, pmm__source_t *source, size_t cnt, pmm__item_fn take) {
  pmm__feeds_t feeds = {0};
  im->own = &feeds;
  pmm_status_t st = pmm__sources_first(im, source, cnt, next);
  if (st == PMM_OK) st = pmm__sources_merge(im, source, cnt, next, take);
  if (st == PMM_OK) pmm__feeds_note(im, &feeds);
  pmm__feeds_fini(&feeds);
  im->own = NULL;
  return st;
}

static pmm_status_t run_binance(pmm__import_t *im, pmm__source_t *source, size_t cnt) { return run(im, source, cnt, take_binance); }
static pmm_status_t run_coinbase(pmm__import_t *im, pmm__source_t *source, size_t cnt) { return run(im, source, cnt, take_coinbase); }

static pmm_outcome_t decide(pmm__import_t *im, const pmm__imarket_t *m, const char **why) {
  (void)im, (void)m, (void)why;
  return PMM_OUTCOME_UNKNOWN; /* there are no markets */
}

const pmm__importer_t pmm__importer_binance = {
    .name = "binance", .what = "spot trades and best prices of Binance, receive time and message a line", .run = run_binance, .decide = decide};
const pmm__importer_t pmm__importer_coinbase = {
    .name = "coinbase", .what = "spot trades and best prices of Coinbase, receive time and message a line", .run = run_coinbase, .decide = decide};
