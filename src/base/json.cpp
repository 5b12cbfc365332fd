// The extern "C" shim over simdjson; see base/json.h.
#include "base/json.h"

#include <cstdlib>
#include <cstring>
#include <new>
#include <simdjson.h>

using namespace simdjson;
using ondemand::raw_json_string;

struct pmm_json_parser {
  ondemand::parser simd;
  const char *text, *text_end;
  ondemand::document doc;
  pmm_json_node_t *node;
  size_t node_cnt, node_cap;
  char *unescaped; // strings with escapes, resolved; never longer than their source, so its size is the text's
  size_t unescaped_used, unescaped_cap;
  const char *why;
  size_t at;
};

static pmm_status_t fail(pmm_json_parser *p, size_t at, const char *why) {
  p->at = at;
  p->why = why;
  return PMM_PARSE;
}

// at: where we know to have been; On-Demand often knows better.
static pmm_status_t fail_simd(pmm_json_parser *p, size_t at, error_code code) {
  const char *here = nullptr;
  if (!p->doc.current_location().get(here) && here >= p->text && here <= p->text_end) at = static_cast<size_t>(here - p->text);
  fail(p, at, error_message(code));
  return code == MEMALLOC || code == CAPACITY ? PMM_FULL : PMM_PARSE;
}

static bool grow_nodes(pmm_json_parser *p, size_t cap) {
  if (cap <= p->node_cap) return true;
  auto *const grown = static_cast<pmm_json_node_t *>(std::realloc(p->node, cap * sizeof(pmm_json_node_t)));
  if (!grown) return false;
  p->node = grown;
  p->node_cap = cap;
  return true;
}

static pmm_json_node_t *add_node(pmm_json_parser *p, pmm_json_type_t type, const char *text, size_t len, size_t at) {
  if (p->node_cnt == p->node_cap && !grow_nodes(p, p->node_cap ? p->node_cap * 2 : 1024)) return nullptr;
  pmm_json_node_t *const n = &p->node[p->node_cnt++];
  *n = {text, static_cast<uint32_t>(len), 1, static_cast<uint32_t>(at), static_cast<uint32_t>(type)};
  return n;
}

static pmm_status_t add_leaf(pmm_json_parser *p, pmm_json_type_t type, const char *text, size_t len, size_t at) {
  return add_node(p, type, text, len, at) ? PMM_OK : (fail(p, at, "out of memory"), PMM_FULL);
}

static int hex4(const char *s, const char *end) {
  if (end - s < 4) return -1;
  int v = 0;
  for (int i = 0; i < 4; i++) {
    char const c = s[i];
    int const d = c >= '0' && c <= '9' ? c - '0' : c >= 'a' && c <= 'f' ? c - 'a' + 10 : c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;
    if (d < 0) return -1;
    v = v * 16 + d;
  }
  return v;
}

static char *put_utf8(char *out, int code) {
  if (code < 0x80) {
    *out++ = static_cast<char>(code);
  } else if (code < 0x800) {
    *out++ = static_cast<char>(0xC0 | code >> 6);
    *out++ = static_cast<char>(0x80 | (code & 63));
  } else if (code < 0x10000) {
    *out++ = static_cast<char>(0xE0 | code >> 12);
    *out++ = static_cast<char>(0x80 | (code >> 6 & 63));
    *out++ = static_cast<char>(0x80 | (code & 63));
  } else {
    *out++ = static_cast<char>(0xF0 | code >> 18);
    *out++ = static_cast<char>(0x80 | (code >> 12 & 63));
    *out++ = static_cast<char>(0x80 | (code >> 6 & 63));
    *out++ = static_cast<char>(0x80 | (code & 63));
  }
  return out;
}

// One \uXXXX, or a pair of surrogates; *s stands behind the 'u' and moves on. -1: not valid.
static int unicode_escape(const char **s, const char *end) {
  int const high = hex4(*s, end);
  if (high < 0 || (high >= 0xDC00 && high < 0xE000)) return -1;
  *s += 4;
  if (high < 0xD800 || high >= 0xDC00) return high;
  if (end - *s < 6 || (*s)[0] != '\\' || (*s)[1] != 'u') return -1;
  int const low = hex4(*s + 2, end);
  if (low < 0xDC00 || low >= 0xE000) return -1;
  *s += 6;
  return 0x10000 + ((high - 0xD800) << 10) + (low - 0xDC00);
}

// Resolves the escapes of s[0..len) into out; the length, or -1 for an escape that JSON does not have.
static long unescape(const char *s, size_t len, char *out) {
  static const char from[] = "\"\\/bfnrt", to[] = "\"\\/\b\f\n\r\t";
  const char *const end = s + len;
  char *const start = out;
  while (s < end) {
    if (*s != '\\') {
      *out++ = *s++;
      continue;
    }
    if (++s == end) return -1;
    char const c = *s++;
    if (c == 'u') {
      int const code = unicode_escape(&s, end);
      if (code < 0) return -1;
      out = put_utf8(out, code);
    } else {
      const char *const found = static_cast<const char *>(std::memchr(from, c, sizeof from - 1));
      if (!found) return -1;
      *out++ = to[found - from];
    }
  }
  return out - start;
}

// token: a string with both quotes. The contents are used in place unless they hold an escape.
static pmm_status_t add_string(pmm_json_parser *p, std::string_view token, size_t at) {
  if (token.size() < 2 || token.back() != '"') return fail(p, at, "string does not end");
  const char *const s = token.data() + 1;
  size_t const len = token.size() - 2;
  if (!std::memchr(s, '\\', len)) return add_leaf(p, PMM_JSON_STRING, s, len, at);
  char *const out = p->unescaped + p->unescaped_used;
  long const got = unescape(s, len, out);
  if (got < 0) return fail(p, at, "unknown escape in a string");
  p->unescaped_used += static_cast<size_t>(got);
  return add_leaf(p, PMM_JSON_STRING, out, static_cast<size_t>(got), at);
}

static std::string_view trimmed(std::string_view token) { // a raw token may carry the white space behind it
  while (!token.empty() && (token.back() == ' ' || token.back() == '\t' || token.back() == '\r' || token.back() == '\n'))
    token.remove_suffix(1);
  return token;
}

static pmm_status_t add_scalar(pmm_json_parser *p, std::string_view token, size_t at) {
  token = trimmed(token);
  if (token.empty()) return fail(p, at, "value missing");
  if (token[0] == '"') return add_string(p, token, at);
  if (token == "null") return add_leaf(p, PMM_JSON_NULL, token.data(), token.size(), at);
  if (token == "true" || token == "false") return add_leaf(p, PMM_JSON_BOOL, token.data(), token.size(), at);
  if (token[0] != '-' && (token[0] < '0' || token[0] > '9')) return fail(p, at, "neither a value nor a number");
  return add_leaf(p, PMM_JSON_NUMBER, token.data(), token.size(), at);
}

static pmm_status_t add_value(pmm_json_parser *p, ondemand::value value, int depth);

static size_t offset_of(const pmm_json_parser *p, const char *at) { return static_cast<size_t>(at - p->text); }

static pmm_status_t add_array(pmm_json_parser *p, ondemand::array array, size_t at, int depth) {
  size_t const mine = p->node_cnt;
  pmm_status_t st = add_leaf(p, PMM_JSON_ARRAY, p->text + at, 1, at);
  if (st != PMM_OK) return st;
  for (auto element : array) {
    ondemand::value value;
    error_code const code = element.get(value);
    if (code) return fail_simd(p, at, code);
    if ((st = add_value(p, value, depth + 1)) != PMM_OK) return st;
  }
  p->node[mine].span = static_cast<uint32_t>(p->node_cnt - mine);
  return PMM_OK;
}

// On-Demand gives a key's start only; its end is the first quote that is not escaped.
static pmm_status_t add_key(pmm_json_parser *p, raw_json_string key, const char *text_end) {
  const char *const start = key.raw() - 1;
  const char *s = key.raw();
  while (s < text_end && *s != '"') s += *s == '\\' ? 2 : 1;
  if (s >= text_end) return fail(p, offset_of(p, start), "key does not end");
  return add_string(p, std::string_view(start, static_cast<size_t>(s + 1 - start)), offset_of(p, start));
}

static pmm_status_t add_object(pmm_json_parser *p, ondemand::object object, size_t at, int depth) {
  size_t const mine = p->node_cnt;
  pmm_status_t st = add_leaf(p, PMM_JSON_OBJECT, p->text + at, 1, at);
  if (st != PMM_OK) return st;
  for (auto member : object) {
    ondemand::field field;
    error_code const code = std::move(member).get(field);
    if (code) return fail_simd(p, at, code);
    if ((st = add_key(p, field.key(), p->text_end)) != PMM_OK) return st;
    if ((st = add_value(p, field.value(), depth + 1)) != PMM_OK) return st;
  }
  p->node[mine].span = static_cast<uint32_t>(p->node_cnt - mine);
  return PMM_OK;
}

// A document or a value: both offer the same calls.
template <class T> static pmm_status_t add_any(pmm_json_parser *p, T &value, int depth) {
  std::string_view token;
  ondemand::json_type type;
  error_code code = SUCCESS;
  if constexpr (std::is_same_v<T, ondemand::value>) token = value.raw_json_token();
  else if ((code = value.raw_json_token().get(token))) return fail(p, 0, error_message(code));
  size_t const at = offset_of(p, token.data());
  if ((code = value.type().get(type))) return fail(p, at, error_message(code));
  if (depth > PMM_JSON_DEPTH_MAX) return fail(p, at, "nested too deep");
  if (type == ondemand::json_type::array) {
    ondemand::array array;
    if ((code = value.get_array().get(array))) return fail_simd(p, at, code);
    return add_array(p, array, at, depth);
  }
  if (type == ondemand::json_type::object) {
    ondemand::object object;
    if ((code = value.get_object().get(object))) return fail_simd(p, at, code);
    return add_object(p, object, at, depth);
  }
  return add_scalar(p, token, at);
}

static pmm_status_t add_value(pmm_json_parser *p, ondemand::value value, int depth) { return add_any(p, value, depth); }

static bool grow_unescaped(pmm_json_parser *p, size_t len) {
  if (len <= p->unescaped_cap) return true;
  char *const grown = static_cast<char *>(std::realloc(p->unescaped, len));
  if (!grown) return false;
  p->unescaped = grown;
  p->unescaped_cap = len;
  return true;
}

static pmm_status_t parse(pmm_json_parser *p, const char *text, size_t len) {
  p->text = text;
  p->text_end = text + len;
  p->node_cnt = p->unescaped_used = 0;
  if (len >= PMM_JSON_LEN_MAX) return fail(p, 0, "document too long"), PMM_FULL;
  if (!grow_unescaped(p, len)) return fail(p, 0, "out of memory"), PMM_FULL;
  error_code const code = p->simd.iterate(text, len, len + PMM_JSON_PAD).get(p->doc);
  if (code) return fail(p, 0, error_message(code)), code == MEMALLOC || code == CAPACITY ? PMM_FULL : PMM_PARSE;
  pmm_status_t const st = add_any(p, p->doc, 1);
  if (st != PMM_OK) return st;
  if (p->node[0].type < PMM_JSON_ARRAY) return fail(p, 0, "neither an object nor an array");
  const char *here = nullptr; // current_location fails at the end, which is where we want to be
  if (!p->doc.current_location().get(here)) return fail(p, offset_of(p, here), "text after the document");
  return PMM_OK;
}

extern "C" {

pmm_json_parser_t *pmm_json_new(void) {
  pmm_json_parser_t *const p = new (std::nothrow) pmm_json_parser();
  return p;
}

void pmm_json_free(pmm_json_parser_t *parser) {
  if (!parser) return;
  std::free(parser->node);
  std::free(parser->unescaped);
  delete parser;
}

pmm_status_t pmm_json_reserve(pmm_json_parser_t *parser, size_t len) {
  if (len >= PMM_JSON_LEN_MAX) return PMM_FULL;
  /* the most nodes: [0,0,0], one for every two bytes and one for the array */
  return grow_nodes(parser, len / 2 + 1) && grow_unescaped(parser, len) && !parser->simd.allocate(len) ? PMM_OK : PMM_FULL;
}

pmm_status_t pmm_json_parse(pmm_json_parser_t *parser, const char *text, size_t len, const pmm_json_node_t **root, size_t *at,
                            const char **why) {
  pmm_status_t const st = parse(parser, text, len);
  if (st == PMM_OK) {
    *root = parser->node;
  } else {
    *at = parser->at;
    *why = parser->why;
  }
  return st;
}

const pmm_json_node_t *pmm_json_get(const pmm_json_node_t *object, const char *key) {
  if (!object || object->type != PMM_JSON_OBJECT) return nullptr;
  size_t const len = std::strlen(key);
  const pmm_json_node_t *const end = object + object->span;
  for (const pmm_json_node_t *k = object + 1; k < end; k += 1 + k[1].span)
    if (k->len == len && std::memcmp(k->text, key, len) == 0) return k + 1;
  return nullptr;
}

bool pmm_json_is(const pmm_json_node_t *node, const char *text) {
  size_t const len = std::strlen(text);
  return node && node->type == PMM_JSON_STRING && node->len == len && std::memcmp(node->text, text, len) == 0;
}

bool pmm_json_is_utf8(const char *text, size_t len) { return simdjson::validate_utf8(text, len); }
}
