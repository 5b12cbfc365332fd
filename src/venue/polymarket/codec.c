/* Frames, and messages by the full parser; memory of the codec. */
#include <stdlib.h>
#include "fields.h"

#define RESERVED_BYTES 65536 /* messages up to here never make the parser allocate */

/* -- frames -- */
static bool is_space(char c) { return c == ' ' || c == '\t' || c == '\r' || c == '\n'; }

static size_t skip_space(const char *text, size_t len, size_t at) {
  while (at < len && is_space(text[at])) at++;
  return at;
}

/* The end of the value that opens at text[at] with a bracket: brackets outside strings are counted. len: it does not end. */
static size_t value_end(const char *text, size_t len, size_t at) {
  int depth = 0;
  for (bool in_text = false; at < len; at++) {
    char const c = text[at];
    if (in_text) {
      if (c == '\\') at++;
      else if (c == '"') in_text = false;
    } else if (c == '"') in_text = true;
    else if (c == '{' || c == '[') depth++;
    else if ((c == '}' || c == ']') && --depth == 0) return at + 1;
  }
  return len + 1;
}

static pmm_status_t only_message(const char *text, size_t len, size_t from, size_t *at, const char **message, size_t *message_len) {
  size_t end = len;
  while (end > from && is_space(text[end - 1])) end--;
  *message = text + from;
  *message_len = end - from;
  *at = len;
  return PMM_OK;
}

pmm_status_t pmm_poly_frame_next(const char *text, size_t len, size_t *at, const char **message, size_t *message_len) {
  size_t i = skip_space(text, len, *at);
  bool const first = *at == 0;
  if (first && i < len && text[i] == '{') return only_message(text, len, i, at, message, message_len);
  if (first && (i >= len || text[i] != '[')) {
    *at = len;
    return PMM_END;
  }
  if (*at >= len) return PMM_END;
  if (first) i++;
  else if (text[i] == ',') i++;
  i = skip_space(text, len, i);
  if (i < len && text[i] == ']') {
    *at = len;
    return skip_space(text, len, i + 1) == len ? PMM_END : (*at = i + 1, PMM_PARSE);
  }
  size_t const end = i < len && text[i] == '{' ? value_end(text, len, i) : len + 1;
  size_t const behind = end > len ? len : skip_space(text, len, end);
  if (behind >= len || (text[behind] != ',' && text[behind] != ']')) {
    *at = i < len ? i : len;
    return PMM_PARSE;
  }
  *message = text + i;
  *message_len = end - i;
  *at = behind;
  return PMM_OK;
}

/* -- the full parser -- */
static pmm__span_t span_of(const pmm_json_node_t *node) {
  bool const null = node->type == PMM_JSON_NULL;
  return (pmm__span_t){node->text, null ? 0 : node->len, node->at, node->type == PMM_JSON_STRING};
}

static void node_fields(const pmm_json_node_t *object, pmm__fields_t *o) {
  const pmm_json_node_t *const end = object + object->span;
  o->seen = 0;
  for (const pmm_json_node_t *key = object + 1; key < end; key += 1 + key[1].span) {
    pmm__field_t const field = pmm__field_of(key->text, key->len);
    if (field == PMM__F_UNUSED || o->seen >> field & 1) continue;
    o->seen |= UINT64_C(1) << field;
    o->f[field] = span_of(key + 1);
  }
}

static pmm_status_t wrong_node(pmm_poly_codec_t *codec, const pmm_json_node_t *node, const char *why) {
  codec->why = why;
  codec->where = node->at;
  return PMM_PARSE;
}

static pmm_status_t node_levels(pmm_poly_codec_t *codec, const pmm_json_node_t *list, int side) {
  if (!list) return PMM_OK;
  if (list->type != PMM_JSON_ARRAY) return wrong_node(codec, list, "bids, asks: not a list");
  for (const pmm_json_node_t *e = pmm_json_first(list); e; e = pmm_json_next(list, e)) {
    if (e->type != PMM_JSON_OBJECT) return wrong_node(codec, e, "bids, asks: a level is no object");
    node_fields(e, &codec->item);
    pmm_status_t const st = pmm__take_level(codec, side, pmm__get(&codec->item, PMM__F_PRICE), pmm__get(&codec->item, PMM__F_SIZE));
    if (st != PMM_OK) return st;
  }
  return PMM_OK;
}

static pmm_status_t node_items(pmm_poly_codec_t *codec, const pmm_json_node_t *list, pmm_status_t (*take)(pmm_poly_codec_t *)) {
  if (!list || list->type == PMM_JSON_NULL) return PMM_OK;
  if (list->type != PMM_JSON_ARRAY) return wrong_node(codec, list, "price_changes, changes, maker_orders: not a list");
  for (const pmm_json_node_t *e = pmm_json_first(list); e; e = pmm_json_next(list, e)) {
    if (e->type != PMM_JSON_OBJECT) return wrong_node(codec, e, "an element of a list is no object");
    node_fields(e, &codec->item);
    pmm_status_t const st = take(codec);
    if (st != PMM_OK) return st;
  }
  return PMM_OK;
}

static void reset(pmm_poly_codec_t *codec) {
  codec->top.seen = 0;
  codec->level_cnt[0] = codec->level_cnt[1] = codec->change_cnt = codec->share_cnt = 0;
  codec->one_by_one = false;
}

static pmm_status_t read_node(pmm_poly_codec_t *codec, const pmm_json_node_t *root) {
  reset(codec);
  node_fields(root, &codec->top);
  codec->one_by_one = pmm__get(&codec->top, PMM__F_CHANGES) && !pmm__get(&codec->top, PMM__F_PRICE_CHANGES);
  pmm_status_t st = node_levels(codec, pmm_json_get(root, "bids"), PMM_BID);
  if (st == PMM_OK) st = node_levels(codec, pmm_json_get(root, "asks"), PMM_ASK);
  if (st == PMM_OK) st = node_items(codec, pmm_json_get(root, codec->one_by_one ? "changes" : "price_changes"), pmm__take_change);
  return st == PMM_OK ? node_items(codec, pmm_json_get(root, "maker_orders"), pmm__take_share) : st;
}

static pmm_status_t failed(const pmm_poly_codec_t *codec, pmm_status_t st, pmm_error_t *err) {
  return pmm_error_set(err, st, "polymarket: byte %u: %s", codec->where, codec->why);
}

pmm_status_t pmm_poly_decode_slow(pmm_poly_codec_t *codec, const char *text, size_t len, int64_t recv_ns, uint32_t seq, pmm_poly_msg_t *out,
                                  pmm_error_t *err) {
  const pmm_json_node_t *root = NULL;
  size_t at = 0;
  codec->stats.parsed++;
  pmm_status_t st = pmm_json_parse(codec->json, text, len, &root, &at, &codec->why);
  codec->where = (uint32_t)at;
  if (st == PMM_OK && root->type != PMM_JSON_OBJECT) st = wrong_node(codec, root, "a message is no object");
  if (st == PMM_OK) st = read_node(codec, root);
  if (st == PMM_OK) st = pmm__interpret(codec, recv_ns, seq, out);
  return st == PMM_OK ? PMM_OK : failed(codec, st, err);
}

pmm_status_t pmm_poly_decode(pmm_poly_codec_t *codec, const char *text, size_t len, int64_t recv_ns, uint32_t seq, pmm_poly_msg_t *out,
                             pmm_error_t *err) {
  reset(codec);
  if (__builtin_expect(pmm__scan(codec, text, len) && pmm__interpret(codec, recv_ns, seq, out) == PMM_OK, 1)) {
    codec->stats.scanned++;
    return PMM_OK;
  }
  return pmm_poly_decode_slow(codec, text, len, recv_ns, seq, out, err);
}

static pmm_status_t read_item(pmm_poly_codec_t *codec, const pmm_json_node_t *item) {
  return item->type == PMM_JSON_OBJECT ? read_node(codec, item) : wrong_node(codec, item, "an element is no object");
}

pmm_status_t pmm_poly_read_order(pmm_poly_codec_t *codec, const pmm_json_node_t *item, pmm_poly_user_order_t *out, pmm_error_t *err) {
  pmm_status_t st = read_item(codec, item);
  if (st == PMM_OK) st = pmm__interpret_order(codec, out);
  return st == PMM_OK ? PMM_OK : failed(codec, st, err);
}

pmm_status_t pmm_poly_read_trade(pmm_poly_codec_t *codec, const pmm_json_node_t *item, pmm_poly_user_trade_t *out, pmm_error_t *err) {
  pmm_status_t st = read_item(codec, item);
  if (st == PMM_OK) st = pmm__interpret_trade(codec, out);
  return st == PMM_OK ? PMM_OK : failed(codec, st, err);
}

pmm_status_t pmm_poly_read_book(pmm_poly_codec_t *codec, const pmm_json_node_t *summary, int64_t recv_ns, pmm_poly_msg_t *out, pmm_error_t *err) {
  pmm_status_t st = read_item(codec, summary);
  if (st == PMM_OK) st = pmm__interpret_book(codec, recv_ns, 0, out);
  return st == PMM_OK ? PMM_OK : failed(codec, st, err);
}

/* -- memory -- */
pmm_poly_codec_t *pmm_poly_codec_new(const pmm_poly_tokens_t *tokens) {
  pmm_poly_codec_t *const codec = calloc(1, sizeof *codec);
  if (!codec) return NULL;
  codec->tokens = tokens;
  codec->json = pmm_json_new();
  if (codec->json && pmm_json_reserve(codec->json, RESERVED_BYTES) == PMM_OK) return codec;
  pmm_poly_codec_free(codec);
  return NULL;
}

void pmm_poly_codec_free(pmm_poly_codec_t *codec) {
  if (!codec) return;
  pmm_json_free(codec->json);
  free(codec);
}

void pmm_poly_codec_set_first(pmm_poly_codec_t *codec, uint32_t first_market) { codec->first_market = first_market; }
const pmm_poly_codec_stats_t *pmm_poly_codec_stats(const pmm_poly_codec_t *codec) { return &codec->stats; }
