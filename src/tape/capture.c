#include "capture.h"
#include <stdlib.h>
#include "pmm/clock.h"
#include "pmm/decimal.h"

/* -- times -- */
/* Unix time in the unit that puts it into our age: 2001 to 2286 in each. */
static bool unix_time(const char *text, size_t len, int64_t *ns) {
  static const int decimals[] = {0, 3, 6, 9};
  int64_t value;
  if (pmm_decimal_parse_floor(text, len, 0, &value, NULL) != PMM_OK || value < INT64_C(1000000000)) return false;
  int unit = 0;
  int64_t least = INT64_C(1000000000000000000);
  for (; unit < 3 && value < least; unit++) least /= 1000;
  return pmm_decimal_parse_floor(text, len, decimals[unit], ns, NULL) == PMM_OK && *ns < INT64_C(4000000000) * PMM_NS_PER_S;
}

static bool any_time(const char *text, size_t len, int64_t *ns) {
  return pmm_time_parse(text, len, ns, NULL) == PMM_OK || unix_time(text, len, ns);
}

/* -- lines -- */
static bool is_small_talk(const char *text, size_t len) {
  static const char *const words[] = {"PING", "PONG", "NO NEW ASSETS"};
  for (size_t i = 0; i < sizeof words / sizeof words[0]; i++)
    if (strlen(words[i]) == len && memcmp(words[i], text, len) == 0) return true;
  return false;
}

/* Where the time before the message ends; 0: there is none. An RFC 3339 time may have a blank inside, hence the last one. */
static size_t time_len(const char *text, size_t len) {
  size_t end = 0;
  while (end < len && text[end] != '{' && text[end] != '[' && text[end] != 'P' && text[end] != 'N') end++;
  while (end > 0 && strchr(" \t,", text[end - 1])) end--;
  return end;
}

static pmm_status_t bad_json(const pmm__import_t *im, const pmm__source_t *s, pmm_status_t st, size_t at, const char *why) {
  return pmm_error_set(im->err, st, "%s:%llu: byte %zu: %s", s->name, (unsigned long long)pmm__input_line_no(s->input), at + 1, why);
}

/* The next line with something in it; *recv_ns is the time before it. */
static pmm_status_t next_text(pmm__import_t *im, pmm__source_t *s, size_t *at, size_t *len, int64_t *recv_ns) {
  for (;;) {
    pmm_status_t const st = pmm__input_line(s->input, &s->text, len, im->err);
    if (st != PMM_OK) return st;
    size_t const time = time_len(s->text, *len);
    *recv_ns = PMM_TIME_NONE;
    if (time > 0 && !any_time(s->text, time, recv_ns)) return bad_json(im, s, PMM_PARSE, 0, "neither a message nor a time before one");
    for (*at = time; *at < *len && strchr(" \t,", s->text[*at]);) ++*at;
    if (!is_small_talk(s->text + *at, *len - *at)) return PMM_OK;
    im->stats->lines++;
    im->stats->skipped++;
  }
}

static pmm_status_t parse(pmm__import_t *im, pmm__source_t *s, pmm_json_parser_t *json, const char *text, size_t len) {
  size_t at;
  const char *why;
  pmm_status_t const st = pmm_json_parse(json, text, len, &s->root, &at, &why);
  return st == PMM_OK ? PMM_OK : bad_json(im, s, st, s->json_at + at, why);
}

/* -- envelopes -- */
/* The first of the keys that the object has. keys end with NULL, which *key is when there is none. */
static const pmm_json_node_t *first_of(const pmm_json_node_t *object, const char *const *keys, const char **key) {
  const pmm_json_node_t *node = NULL;
  for (*key = *keys; *keys && !node; keys++) node = pmm_json_get(object, *key = *keys);
  return node;
}

/* A frame as text: parsed by itself, from a copy that has room behind it. */
static pmm_status_t parse_inner(pmm__import_t *im, pmm__source_t *s, const pmm_json_node_t *frame) {
  if (is_small_talk(frame->text, frame->len)) {
    s->root = frame; /* a text: nobody's message */
    return PMM_OK;
  }
  if (!s->inner && !(s->inner = pmm_json_new())) return pmm_error_set(im->err, PMM_FULL, "%s: out of memory", s->name);
  char *const copy = realloc(s->inner_text, frame->len + PMM_JSON_PAD);
  if (!copy) return pmm_error_set(im->err, PMM_FULL, "%s: out of memory", s->name);
  s->inner_text = copy;
  memcpy(copy, frame->text, frame->len);
  memset(copy + frame->len, 0, PMM_JSON_PAD);
  s->json_at += frame->at;
  return parse(im, s, s->inner, copy, frame->len);
}

static pmm_status_t open_envelope(pmm__import_t *im, pmm__source_t *s, int64_t *recv_ns) {
  static const char *const times[] = {"recv_ns",     "recv_us",      "recv_ms",    "recv_ts",     "recv_time",
                                      "received_at", "recv_wall_ts", "capturedAt", "captured_at", NULL};
  static const char *const frames[] = {"payload", "message", "data", "raw", "frame", NULL};
  const char *time_key, *frame_key;
  const pmm_json_node_t *const time = first_of(s->root, times, &time_key);
  const pmm_json_node_t *const frame = time ? first_of(s->root, frames, &frame_key) : NULL;
  if (!time) return PMM_OK;
  if (!frame) return pmm__bad(im, s->root, "payload is missing");
  if ((time->type != PMM_JSON_NUMBER && time->type != PMM_JSON_STRING) || !any_time(time->text, time->len, recv_ns))
    return pmm__bad(im, time, "%s: not a time: %.*s", time_key, (int)(time->len < 40 ? time->len : 40), time->text);
  s->root = frame;
  return frame->type == PMM_JSON_STRING ? parse_inner(im, s, frame) : PMM_OK;
}

pmm_status_t pmm__capture_line(pmm__import_t *im, pmm__source_t *s, int64_t *recv_ns) {
  size_t at = 0, len = 0;
  im->source = s;
  s->root = NULL;
  s->json_at = 0;
  pmm_status_t st = next_text(im, s, &at, &len, recv_ns);
  if (st != PMM_OK) return st;
  s->json_at = (uint32_t)at;
  st = parse(im, s, s->json, s->text + at, len - at);
  return st == PMM_OK ? open_envelope(im, s, recv_ns) : st;
}
