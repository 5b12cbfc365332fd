/* YAML to settings: walks libyaml's events, keeping the dotted key and the line. What the schema allows is not known
   here; what no schema needs is refused here: anchors, aliases, merge keys, tags, a second document, deep nesting. */
#include <string.h>
#include <yaml.h>

#include "config_schema.h"

typedef struct reader {
  yaml_parser_t parser;
  yaml_event_t event; /* the one being looked at; owned */
  bool has_event;
  pmm__settings_t *settings;
  const char *text;
  size_t text_len;
  char key[PMM__KEY_MAX + 1];
  pmm_error_t *err;
} reader_t;

static int line_of(const reader_t *r) { return (int)r->event.start_mark.line + 1; }

static pmm_status_t fail(reader_t *r, int line, pmm_status_t status, const char *reason) {
  pmm__setting_t const here = {.key = r->key, .line = line};
  return pmm__settings_error(r->settings, &here, r->err, status, "%s", reason);
}

/* Bytes that are no text carry no mark, only an offset. */
static int line_of_offset(const reader_t *r, size_t offset) {
  int line = 1;
  for (size_t i = 0; i < offset && i < r->text_len; i++) line += r->text[i] == '\n';
  return line;
}

static pmm_status_t syntax_error(reader_t *r) {
  const yaml_parser_t *const p = &r->parser;
  const char *const problem = p->problem ? p->problem : "not YAML";
  r->key[0] = '\0';
  if (p->error == YAML_READER_ERROR) return fail(r, line_of_offset(r, p->problem_offset), PMM_PARSE, problem);
  size_t const at = p->problem_mark.index;
  int const line = (int)p->problem_mark.line + 1;
  if (at < r->text_len && r->text[at] == '\t') return fail(r, line, PMM_PARSE, "a tab; YAML is indented with spaces");
  return fail(r, line, PMM_PARSE, problem);
}

static void drop_event(reader_t *r) {
  if (r->has_event) yaml_event_delete(&r->event);
  r->has_event = false;
}

static pmm_status_t next(reader_t *r) {
  drop_event(r);
  if (!yaml_parser_parse(&r->parser, &r->event)) return syntax_error(r);
  r->has_event = true;
  return PMM_OK;
}

/* A value or key as a C string: the events' strings end in NUL but may hold others. */
static pmm_status_t scalar_text(reader_t *r, const char **text) {
  const unsigned char *const value = r->event.data.scalar.value;
  for (size_t i = 0; i < r->event.data.scalar.length; i++)
    if (value[i] < ' ' || value[i] == 127) return fail(r, line_of(r), PMM_PARSE, "a control character");
  *text = (const char *)value;
  return PMM_OK;
}

static bool is_null(const yaml_event_t *event) {
  const char *const text = (const char *)event->data.scalar.value;
  return event->data.scalar.style == YAML_PLAIN_SCALAR_STYLE && (!*text || strcmp(text, "~") == 0 || strcmp(text, "null") == 0);
}

/* Anchors could be followed, but only to say the same in fewer lines, at the price of configurations that cannot be
   read line by line and of inputs that expand without bound. */
static pmm_status_t refuse_extras(reader_t *r) {
  const yaml_event_t *const e = &r->event;
  const yaml_char_t *anchor = NULL, *tag = NULL;
  if (e->type == YAML_ALIAS_EVENT) return fail(r, line_of(r), PMM_PARSE, "anchors and aliases are not supported; write the value out");
  if (e->type == YAML_SCALAR_EVENT) anchor = e->data.scalar.anchor, tag = e->data.scalar.tag;
  if (e->type == YAML_MAPPING_START_EVENT) anchor = e->data.mapping_start.anchor, tag = e->data.mapping_start.tag;
  if (e->type == YAML_SEQUENCE_START_EVENT) anchor = e->data.sequence_start.anchor, tag = e->data.sequence_start.tag;
  if (anchor) return fail(r, line_of(r), PMM_PARSE, "anchors and aliases are not supported; write the value out");
  if (tag) return fail(r, line_of(r), PMM_PARSE, "tags are not supported");
  return PMM_OK;
}

static pmm_status_t add(reader_t *r, int line, pmm__node_t node, const char *value) {
  return pmm__settings_add(r->settings, r->key, strlen(r->key), node, value, line, NULL, r->err);
}

/* Appends ".part" to the key. */
static pmm_status_t push_key(reader_t *r, const char *part) {
  size_t const len = strlen(r->key), part_len = strlen(part);
  if (len + 1 + part_len > PMM__KEY_MAX) return fail(r, line_of(r), PMM_PARSE, "key too long");
  if (part_len == 0) return fail(r, line_of(r), PMM_PARSE, "an empty key");
  if (len) r->key[len] = '.';
  memcpy(r->key + len + (len != 0), part, part_len + 1);
  return PMM_OK;
}

static pmm_status_t read_node(reader_t *r, int line, int depth);

static pmm_status_t check_duplicate(reader_t *r, size_t from) {
  for (size_t i = from; i < r->settings->cnt; i++) {
    if (strcmp(r->settings->item[i].key, r->key) != 0) continue;
    char reason[80];
    snprintf(reason, sizeof reason, "given twice (first in line %d)", r->settings->item[i].line);
    return fail(r, line_of(r), PMM_PARSE, reason);
  }
  return PMM_OK;
}

/* One "key: value" of a mapping whose settings began at `from`. */
static pmm_status_t read_pair(reader_t *r, size_t from, int depth) {
  pmm_status_t st = refuse_extras(r);
  if (st != PMM_OK) return st;
  if (r->event.type != YAML_SCALAR_EVENT) return fail(r, line_of(r), PMM_PARSE, "a key must be plain text");
  const char *part = NULL;
  if ((st = scalar_text(r, &part)) != PMM_OK) return st;
  if (strcmp(part, "<<") == 0) return fail(r, line_of(r), PMM_PARSE, "merge keys are not supported; write the values out");
  if (strchr(part, '.')) return fail(r, line_of(r), PMM_PARSE, "a key with a dot; write sections as nested keys");
  size_t const len = strlen(r->key);
  int const line = line_of(r);
  if ((st = push_key(r, part)) != PMM_OK || (st = check_duplicate(r, from)) != PMM_OK) return st;
  if ((st = next(r)) == PMM_OK) st = read_node(r, line, depth + 1);
  if (st == PMM_OK) r->key[len] = '\0';
  return st;
}

static pmm_status_t read_mapping(reader_t *r, int depth) {
  size_t const from = r->settings->cnt;
  pmm_status_t st = next(r);
  while (st == PMM_OK && r->event.type != YAML_MAPPING_END_EVENT) {
    st = read_pair(r, from, depth);
    if (st == PMM_OK) st = next(r);
  }
  return st;
}

static pmm_status_t read_sequence(reader_t *r, int depth) {
  size_t const len = strlen(r->key);
  pmm_status_t st = next(r);
  for (int i = 0; st == PMM_OK && r->event.type != YAML_SEQUENCE_END_EVENT; i++) {
    char index[16];
    snprintf(index, sizeof index, "%d", i);
    if ((st = push_key(r, index)) == PMM_OK) st = read_node(r, line_of(r), depth + 1);
    if (st != PMM_OK) break;
    r->key[len] = '\0';
    st = next(r);
  }
  return st;
}

/* The node whose first event is at hand; leaves its last one at hand. line is its key's, where a user looks for it. */
static pmm_status_t read_node(reader_t *r, int line, int depth) {
  pmm_status_t st = refuse_extras(r);
  if (st != PMM_OK) return st;
  if (depth > PMM__KEY_DEPTH_MAX) return fail(r, line_of(r), PMM_PARSE, "nested too deep");
  const char *text = NULL;
  switch (r->event.type) {
  case YAML_SCALAR_EVENT:
    if ((st = scalar_text(r, &text)) != PMM_OK) return st;
    return add(r, line, is_null(&r->event) ? PMM__NODE_NULL : PMM__NODE_VALUE, text);
  case YAML_MAPPING_START_EVENT: return (st = add(r, line, PMM__NODE_MAP, "")) == PMM_OK ? read_mapping(r, depth) : st;
  default: return (st = add(r, line, PMM__NODE_LIST, "")) == PMM_OK ? read_sequence(r, depth) : st;
  }
}

static pmm_status_t read_document(reader_t *r) {
  pmm_status_t st = next(r); /* the start of the stream */
  if (st == PMM_OK) st = next(r);
  if (st == PMM_OK && r->event.type == YAML_STREAM_END_EVENT) return fail(r, 1, PMM_PARSE, "no settings in it");
  if (st == PMM_OK) st = next(r);
  if (st != PMM_OK) return st;
  if ((st = refuse_extras(r)) != PMM_OK) return st;
  if (r->event.type != YAML_MAPPING_START_EVENT)
    return fail(r, line_of(r), PMM_PARSE, "a configuration is a mapping: lines of 'key: value'");
  st = read_mapping(r, 0);
  if (st == PMM_OK) st = next(r); /* the end of the document */
  if (st == PMM_OK) st = next(r);
  if (st == PMM_OK && r->event.type != YAML_STREAM_END_EVENT) st = fail(r, line_of(r), PMM_PARSE, "a second document; one is allowed");
  return st;
}

pmm_status_t pmm__settings_read_yaml(pmm__settings_t *settings, const char *text, size_t len, pmm_error_t *err) {
  reader_t r = {.settings = settings, .text = text, .text_len = len, .err = err};
  if (!yaml_parser_initialize(&r.parser)) return pmm_error_set(err, PMM_FULL, "%.200s: out of memory", settings->name);
  yaml_parser_set_input_string(&r.parser, (const unsigned char *)text, len);
  pmm_status_t const st = read_document(&r);
  drop_event(&r);
  yaml_parser_delete(&r.parser);
  return st;
}
