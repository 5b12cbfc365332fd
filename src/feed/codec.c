/* What the six codecs share; see codec.h. */
#include "feed/codec.h"
#include <assert.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "pmm/clock.h"
#include "pmm/decimal.h"

#define RESERVED_LEN 65536 /* the parsers start with room for a frame of this many bytes */
#define E18_MAX 64     /* digits of an integer scaled by 10^18 that we look at */

static const pmm__codec_ops_t *const OPS[PMM_FEED_CNT] = {
    [PMM_FEED_BINANCE] = &pmm__binance_ops, [PMM_FEED_COINBASE] = &pmm__coinbase_ops,
    [PMM_FEED_COINBASE_ADVANCED] = &pmm__advanced_ops, [PMM_FEED_RTDS] = &pmm__rtds_ops,
    [PMM_FEED_POLYBOLT] = &pmm__polybolt_ops, [PMM_FEED_KALSHI_INDEX] = &pmm__kalshi_index_ops};

const char *pmm_feed_to_string(pmm_feed_source_t feed) { return feed < PMM_FEED_CNT ? OPS[feed]->name : "unknown feed"; }

pmm_status_t pmm_feed_from_string(const char *text, pmm_feed_source_t *out) {
  for (int i = 0; i < PMM_FEED_CNT; i++)
    if (strcmp(text, pmm_feed_to_string((pmm_feed_source_t)i)) == 0) { *out = (pmm_feed_source_t)i; return PMM_OK; }
  return PMM_NOT_FOUND;
}

/* -- reading -- */

pmm_status_t pmm__feed_bad(pmm_feed_codec_t *c, const pmm_json_node_t *node, const char *why) {
  c->at = node ? node->at : 0;
  c->why = why;
  c->lack = "";
  return PMM_PARSE;
}

static bool is_text(const pmm_json_node_t *n) { return n && (n->type == PMM_JSON_STRING || n->type == PMM_JSON_NUMBER); }

bool pmm__is_empty(const pmm_json_node_t *n) {
  return !n || n->type == PMM_JSON_NULL || (n->type == PMM_JSON_STRING && n->len == 0);
}

static pmm_status_t decimal_of(pmm_feed_codec_t *c, const pmm_json_node_t *node, int64_t least, const char *why, int64_t *out) {
  int64_t v;
  if (!is_text(node)) return pmm__feed_bad(c, node, why);
  if (pmm_decimal_parse_floor(node->text, node->len, 8, &v, NULL) != PMM_OK || v < least) return pmm__feed_bad(c, node, why);
  *out = v;
  return PMM_OK;
}

pmm_status_t pmm__price_of(pmm_feed_codec_t *c, const pmm_json_node_t *node, int64_t *out) {
  return decimal_of(c, node, 1, "no price above zero", out);
}

pmm_status_t pmm__size_of(pmm_feed_codec_t *c, const pmm_json_node_t *node, int64_t *out) { return decimal_of(c, node, 0, "no size", out); }

static const pmm_json_node_t *member(pmm_feed_codec_t *c, const pmm_json_node_t *object, const char *key) {
  const pmm_json_node_t *const node = pmm_json_get(object, key);
  if (!node) {
    pmm__feed_bad(c, object, key);
    c->lack = " missing";
  }
  return node;
}

pmm_status_t pmm__feed_read_price(pmm_feed_codec_t *c, const pmm_json_node_t *object, const char *key, int64_t *out) {
  const pmm_json_node_t *const node = member(c, object, key);
  return node ? pmm__price_of(c, node, out) : PMM_PARSE;
}

pmm_status_t pmm__read_size(pmm_feed_codec_t *c, const pmm_json_node_t *object, const char *key, int64_t *out) {
  const pmm_json_node_t *const node = member(c, object, key);
  return node ? pmm__size_of(c, node, out) : PMM_PARSE;
}

pmm_status_t pmm__read_u64(pmm_feed_codec_t *c, const pmm_json_node_t *object, const char *key, uint64_t *out) {
  const pmm_json_node_t *const node = member(c, object, key);
  int64_t v;
  if (!node) return PMM_PARSE;
  if (!is_text(node) || pmm_decimal_parse(node->text, node->len, 0, &v, NULL) != PMM_OK || v < 0) return pmm__feed_bad(c, node, "no whole number");
  *out = (uint64_t)v;
  return PMM_OK;
}

/* 13 digits are milliseconds, 16 are microseconds: years 2001 to 2286 either way. */
pmm_status_t pmm__read_epoch(pmm_feed_codec_t *c, const pmm_json_node_t *object, const char *key, int64_t *out_ns) {
  uint64_t v;
  pmm_status_t const st = pmm__read_u64(c, object, key, &v);
  if (st != PMM_OK) return st;
  if (v >= UINT64_C(1000000000000) && v <= UINT64_C(9223372036854)) *out_ns = (int64_t)v * PMM_NS_PER_MS;
  else if (v >= UINT64_C(1000000000000000) && v <= UINT64_C(9223372036854775)) *out_ns = (int64_t)v * PMM_NS_PER_US;
  else return pmm__feed_bad(c, pmm_json_get(object, key), "neither milliseconds nor microseconds");
  return PMM_OK;
}

pmm_status_t pmm__read_iso(pmm_feed_codec_t *c, const pmm_json_node_t *object, const char *key, int64_t *out_ns) {
  const pmm_json_node_t *const node = member(c, object, key);
  int64_t ns;
  if (!node) return PMM_PARSE;
  if (node->type != PMM_JSON_STRING || pmm_time_parse(node->text, node->len, &ns, NULL) != PMM_OK) return pmm__feed_bad(c, node, "no time");
  *out_ns = ns;
  return PMM_OK;
}

/* The digits with "e-18" behind them are a decimal that the exact parser reads. */
pmm_status_t pmm__price_e18(pmm_feed_codec_t *c, const pmm_json_node_t *node, int64_t *out) {
  char text[E18_MAX + 4];
  int64_t v;
  if (!is_text(node) || node->len == 0 || node->len > E18_MAX) return pmm__feed_bad(c, node, "no price scaled by 1e18");
  for (uint32_t i = 0; i < node->len; i++)
    if (node->text[i] < '0' || node->text[i] > '9') return pmm__feed_bad(c, node, "no price scaled by 1e18");
  memcpy(text, node->text, node->len);
  memcpy(text + node->len, "e-18", 4);
  if (pmm_decimal_parse_floor(text, node->len + 4, 8, &v, NULL) != PMM_OK || v <= 0) return pmm__feed_bad(c, node, "price out of range");
  *out = v;
  return PMM_OK;
}

pmm_status_t pmm__read_inner(pmm_feed_codec_t *c, const pmm_json_node_t *node, const pmm_json_node_t **root) {
  size_t at;
  const char *why;
  if (!node || node->type != PMM_JSON_STRING || node->len == 0 || node->len > PMM__INNER_MAX) return pmm__feed_bad(c, node, "no text with JSON in it");
  memcpy(c->inner, node->text, node->len);
  memset(c->inner + node->len, 0, PMM_JSON_PAD);
  if (pmm__feed_scan(c->inner, node->len, c->inner_scanned, c->inner_copy)) {
    *root = c->inner_scanned;
    return PMM_OK;
  }
  if (pmm_json_parse(c->inner_json, c->inner, node->len, root, &at, &why) != PMM_OK) return pmm__feed_bad(c, node, why);
  return PMM_OK;
}

/* -- streams -- */

int pmm__stream_of(const pmm_feed_codec_t *c, pmm_feed_channel_t channel, const pmm_json_node_t *symbol, uint32_t window_s) {
  if (!symbol || symbol->type != PMM_JSON_STRING) return PMM__NO_STREAM;
  for (size_t i = 0; i < c->stream_cnt; i++) {
    const pmm_feed_stream_t *const s = &c->stream[i];
    if (s->channel == channel && s->window_s == window_s && c->symbol_len[i] == symbol->len && memcmp(s->symbol, symbol->text, symbol->len) == 0)
      return (int)i;
  }
  return PMM__NO_STREAM;
}

bool pmm__has_channel(const pmm_feed_codec_t *c, pmm_feed_channel_t channel) {
  for (size_t i = 0; i < c->stream_cnt; i++)
    if (c->stream[i].channel == channel) return true;
  return false;
}

bool pmm__first_of_channel(const pmm_feed_codec_t *c, size_t i) {
  for (size_t k = 0; k < i; k++)
    if (c->stream[k].channel == c->stream[i].channel && c->stream[k].window_s == c->stream[i].window_s) return false;
  return true;
}

/* -- ticks and counters -- */

pmm_feed_tick_t *pmm__tick(pmm_feed_codec_t *c, int stream, pmm_feed_tick_kind_t kind) {
  if (c->tick_cnt == PMM__TICKS_MAX) return NULL;
  pmm_feed_tick_t *const t = &c->tick[c->tick_cnt++];
  *t = (pmm_feed_tick_t){.source_ns = PMM_TIME_NONE, .send_ns = PMM_TIME_NONE, .start_ns = PMM_TIME_NONE, .end_ns = PMM_TIME_NONE,
                         .stream = (uint16_t)stream, .kind = (uint8_t)kind};
  return t;
}

pmm_status_t pmm__too_many(pmm_feed_codec_t *c) {
  pmm__feed_bad(c, NULL, "more in one frame than there is room for");
  return PMM_FULL;
}

pmm_status_t pmm__level(pmm_feed_codec_t *c, int64_t price_e8, int64_t qty_e8, pmm_side_t side) {
  if (c->level_cnt == c->levels_max) return pmm__too_many(c);
  c->level[c->level_cnt++] = (pmm_feed_level_t){price_e8, qty_e8, (uint8_t)side};
  return PMM_OK;
}

static uint32_t clip_u32(uint64_t v) { return v > UINT32_MAX ? UINT32_MAX : (uint32_t)v; }

void pmm__count(pmm__counter_t *counter, pmm__step_t step, uint64_t seq, pmm_feed_tick_t *tick) {
  tick->seq = seq;
  if (counter->has && seq <= counter->seq) {
    tick->flags |= PMM_TICK_LATE;
    return;
  }
  if (counter->has && step == PMM__BY_ONE && seq > counter->seq + 1) {
    tick->flags |= PMM_TICK_GAP;
    tick->missed = clip_u32(seq - counter->seq - 1);
  }
  counter->seq = seq;
  counter->has = true;
}

bool pmm__count_conn(pmm__counter_t *counter, uint64_t seq, pmm_feed_frame_t *out) {
  bool const fresh = !counter->has || seq > counter->seq;
  if (counter->has && seq > counter->seq + 1) {
    out->gap = true;
    out->missed = clip_u32(seq - counter->seq - 1);
  }
  if (fresh) *counter = (pmm__counter_t){.seq = seq, .has = true};
  return fresh;
}

/* -- writing -- */

void pmm__feed_put(pmm__out_t *o, const char *fmt, ...) {
  va_list args;
  va_start(args, fmt);
  int const n = vsnprintf(o->buf + o->len, o->cap - o->len, fmt, args);
  va_end(args);
  if (n < 0 || (size_t)n >= o->cap - o->len) o->full = true;
  else o->len += (size_t)n;
}

void pmm__feed_put_quoted(pmm__out_t *o, const char *text) {
  pmm__feed_put(o, "\"");
  for (; *text && !o->full; text++) {
    unsigned char const ch = (unsigned char)*text;
    if (ch == '"' || ch == '\\') pmm__feed_put(o, "\\%c", ch);
    else if (ch < ' ') pmm__feed_put(o, "\\u%04x", ch);
    else pmm__feed_put(o, "%c", ch);
  }
  pmm__feed_put(o, "\"");
}

pmm_status_t pmm__put_end(const pmm__out_t *o, size_t *len) {
  if (o->full) return PMM_FULL;
  *len = o->len;
  return PMM_OK;
}

void pmm__say(pmm_feed_frame_t *frame, const char *what, const pmm_json_node_t *text) {
  size_t len = (size_t)snprintf(frame->text, sizeof frame->text, "%s", what);
  for (uint32_t i = 0; text && text->type == PMM_JSON_STRING && i < text->len && len + 1 < sizeof frame->text; i++) {
    char const ch = text->text[i];
    frame->text[len++] = ch >= ' ' && ch <= '~' ? ch : '?';
  }
  frame->text[len] = '\0';
}

/* -- life -- */

static pmm_status_t add_stream(pmm_feed_codec_t *c, const pmm_feed_stream_t *s, pmm_error_t *err) {
  if (!memchr(s->symbol, '\0', sizeof s->symbol)) return pmm_error_set(err, PMM_INVAL, "%s: a symbol of more than %d bytes", c->ops->name, PMM_FEED_SYMBOL_MAX - 1);
  if (s->channel >= PMM_CHANNEL_CNT || !(c->ops->channels & (1u << s->channel)))
    return pmm_error_set(err, PMM_INVAL, "%s: %s: the feed has no such channel", c->ops->name, s->symbol);
  bool const depth = s->channel == PMM_CHANNEL_DEPTH || s->channel == PMM_CHANNEL_DEPTH_TOP;
  if (depth && c->levels_max == 0) return pmm_error_set(err, PMM_INVAL, "%s: %s: a depth channel without room for levels", c->ops->name, s->symbol);
  if (!c->ops->symbol_ok(s)) return pmm_error_set(err, PMM_INVAL, "%s: %s: not how the feed spells a symbol (or a window it has not)", c->ops->name, s->symbol);
  c->symbol_len[c->stream_cnt] = strlen(s->symbol);
  c->stream[c->stream_cnt++] = *s;
  return PMM_OK;
}

static pmm_status_t take_memory(pmm_feed_codec_t *c) {
  c->json = pmm_json_new();
  c->inner_json = pmm_json_new();
  c->tick = calloc(PMM__TICKS_MAX, sizeof *c->tick);
  if (c->levels_max) c->level = calloc(c->levels_max, sizeof *c->level);
  if (!c->json || !c->inner_json || !c->tick || (c->levels_max && !c->level)) return PMM_FULL;
  pmm_status_t const st = pmm_json_reserve(c->json, RESERVED_LEN);
  return st == PMM_OK ? pmm_json_reserve(c->inner_json, PMM__INNER_MAX) : st;
}

pmm_status_t pmm_feed_codec_open(pmm_feed_codec_t **codec, const pmm_feed_codec_config_t *config, pmm_error_t *err) {
  if (config->feed >= PMM_FEED_CNT) return pmm_error_set(err, PMM_INVAL, "no such feed: %u", config->feed);
  if (config->stream_cnt == 0 || config->stream_cnt > PMM_FEED_STREAMS_MAX)
    return pmm_error_set(err, PMM_INVAL, "%s: between 1 and %d streams, not %zu", OPS[config->feed]->name, PMM_FEED_STREAMS_MAX, config->stream_cnt);
  pmm_feed_codec_t *const c = calloc(1, sizeof *c);
  if (!c) return pmm_error_set(err, PMM_FULL, "out of memory");
  c->ops = OPS[config->feed];
  c->levels_max = config->levels_max;
  c->microseconds = config->microseconds;
  c->by_message = config->by_message;
  c->filtered = config->filtered;
  c->login = config->login;
  pmm_status_t st = PMM_OK;
  for (size_t i = 0; i < config->stream_cnt && st == PMM_OK; i++) st = add_stream(c, &config->stream[i], err);
  if (st == PMM_OK && (st = take_memory(c)) != PMM_OK) pmm_error_set(err, st, "%s: out of memory", c->ops->name);
  if (st != PMM_OK) {
    pmm_feed_codec_close(c);
    return st;
  }
  *codec = c;
  return PMM_OK;
}

void pmm_feed_codec_close(pmm_feed_codec_t *c) {
  if (!c) return;
  pmm_json_free(c->json);
  pmm_json_free(c->inner_json);
  free(c->tick);
  free(c->level);
  free(c);
}

void pmm_feed_codec_reset(pmm_feed_codec_t *c) {
  memset(c->counter, 0, sizeof c->counter);
  memset(c->conn, 0, sizeof c->conn);
}

/* -- one frame -- */

static pmm_status_t decode_json(pmm_feed_codec_t *c, const char *text, size_t len, pmm_feed_frame_t *out) {
  const pmm_json_node_t *root;
  if (pmm__feed_scan(text, len, c->scanned, c->copy)) return c->ops->decode(c, c->scanned, out);
  pmm_status_t const st = pmm_json_parse(c->json, text, len, &root, &c->at, &c->why);
  return st == PMM_OK ? c->ops->decode(c, root, out) : st;
}

static bool is_blank(const char *text, size_t len) {
  for (size_t i = 0; i < len; i++)
    if (text[i] != ' ' && text[i] != '\n' && text[i] != '\r' && text[i] != '\t') return false;
  return true;
}

/* JSON begins with a bracket; anything else is a word of the feed's own ("pong") or nothing. */
static pmm_status_t decode(pmm_feed_codec_t *c, const char *text, size_t len, pmm_feed_frame_t *out) {
  if (is_blank(text, len)) return PMM_OK;
  size_t start = 0;
  while (text[start] == ' ' || text[start] == '\n' || text[start] == '\r' || text[start] == '\t') start++;
  if (text[start] == '{' || text[start] == '[') return decode_json(c, text, len, out);
  if (c->ops->plain) return c->ops->plain(c, text, len, out);
  return pmm__feed_bad(c, NULL, "neither an object nor an array");
}

pmm_status_t pmm_feed_decode(pmm_feed_codec_t *c, const char *text, size_t len, pmm_feed_frame_t *frame, pmm_error_t *err) {
  pmm_feed_frame_t out;
  out.text[0] = '\0';
  memset(&out, 0, offsetof(pmm_feed_frame_t, text));
  size_t const counters = c->stream_cnt * sizeof c->counter[0];
  memcpy(c->next, c->counter, counters);
  memcpy(c->conn_next, c->conn, sizeof c->conn);
  c->tick_cnt = c->level_cnt = 0;
  c->lack = "";
  pmm_status_t const st = decode(c, text, len, &out);
  if (st != PMM_OK) return pmm_error_set(err, st, "%s: byte %zu: %s%s", c->ops->name, c->at, c->why, c->lack);
  memcpy(c->counter, c->next, counters);
  memcpy(c->conn, c->conn_next, sizeof c->conn);
  out.tick = c->tick;
  out.tick_cnt = c->tick_cnt;
  out.level = c->level;
  out.level_cnt = c->level_cnt;
  if (out.kind == PMM_FRAME_NOTHING && (out.tick_cnt || out.level_cnt || out.level_snapshot)) out.kind = PMM_FRAME_DATA;
  *frame = out;
  return PMM_OK;
}

pmm_status_t pmm_feed_url(const pmm_feed_codec_t *c, const char *base, char *buf, size_t cap) {
  if (c->ops->url) return c->ops->url(c, base, buf, cap);
  pmm__out_t o = {.buf = buf, .cap = cap};
  size_t len;
  pmm__feed_put(&o, "%s", base);
  return pmm__put_end(&o, &len);
}

pmm_status_t pmm_feed_hello(const pmm_feed_codec_t *c, size_t n, char *buf, size_t cap, size_t *len, bool *wait) {
  *wait = false;
  return c->ops->hello(c, n, true, buf, cap, len, wait);
}

pmm_status_t pmm_feed_goodbye(const pmm_feed_codec_t *c, size_t n, char *buf, size_t cap, size_t *len) {
  bool wait;
  return c->ops->hello(c, n, false, buf, cap, len, &wait);
}

/* Only the old price socket wants text pings; the newer one allows them, but its server pings by itself. */
pmm_status_t pmm_feed_ping(const pmm_feed_codec_t *c, char *buf, size_t cap, size_t *len) {
  if (c->ops != &pmm__rtds_ops) return PMM_END;
  pmm__out_t o = {.buf = buf, .cap = cap};
  pmm__feed_put(&o, "PING");
  return pmm__put_end(&o, len);
}
