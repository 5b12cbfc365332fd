/* Fields of a line, with the place of whatever is wrong. */
#include "import.h"
#include <stdarg.h>
#include <stdio.h>
#include "pmm/clock.h"
#include "pmm/decimal.h"

/* -- errors and fields -- */
pmm_status_t pmm__bad(const pmm__import_t *im, const pmm_json_node_t *node, const char *fmt, ...) {
  char why[256];
  va_list args;
  va_start(args, fmt);
  vsnprintf(why, sizeof why, fmt, args);
  va_end(args);
  const pmm__source_t *const s = im->source;
  return pmm_error_set(im->err, PMM_PARSE, "%s:%llu: byte %u: %s", s->name,
                       s->input ? (unsigned long long)pmm__input_line_no(s->input) : 0ULL, node ? s->json_at + node->at + 1 : 1, why);
}

pmm_status_t pmm__field(const pmm__import_t *im, const pmm_json_node_t *object, const char *key, const pmm_json_node_t **node) {
  *node = pmm_json_get(object, key);
  return *node ? PMM_OK : pmm__bad(im, object, "%s is missing", key);
}

static pmm_status_t bad_number(const pmm__import_t *im, const pmm_json_node_t *node, const char *what, pmm_status_t st) {
  const char *const why = st == PMM_OVERFLOW ? "too large" : st == PMM_INVAL ? "has more decimals than we keep" : "not a number";
  return pmm__bad(im, node, "%s: %s: %.*s", what, why, (int)(node->len < 40 ? node->len : 40), node->text);
}

static bool is_numeric(const pmm_json_node_t *node) { return node->type == PMM_JSON_NUMBER || node->type == PMM_JSON_STRING; }

pmm_status_t pmm__number(const pmm__import_t *im, const pmm_json_node_t *node, const char *what, int scale, int64_t *out) {
  pmm_status_t const st = is_numeric(node) ? pmm_decimal_parse(node->text, node->len, scale, out, NULL) : PMM_PARSE;
  return st == PMM_OK ? PMM_OK : bad_number(im, node, what, st);
}

pmm_status_t pmm__number_floor(const pmm__import_t *im, const pmm_json_node_t *node, const char *what, int scale, int64_t *out) {
  pmm_status_t const st = is_numeric(node) ? pmm_decimal_parse_floor(node->text, node->len, scale, out, NULL) : PMM_PARSE;
  return st == PMM_OK ? PMM_OK : bad_number(im, node, what, st);
}

pmm_status_t pmm__field_number(const pmm__import_t *im, const pmm_json_node_t *object, const char *key, int scale, int64_t *out) {
  const pmm_json_node_t *node;
  pmm_status_t const st = pmm__field(im, object, key, &node);
  return st == PMM_OK ? pmm__number(im, node, key, scale, out) : st;
}

/* Times of our age in nanoseconds: whatever lies further off is no time but a mistake. */
static pmm_status_t check_time(const pmm__import_t *im, const pmm_json_node_t *node, const char *what, int64_t ns) {
  return ns > 0 && ns < INT64_C(4000000000) * PMM_NS_PER_S ? PMM_OK : pmm__bad(im, node, "%s: not a time", what);
}

pmm_status_t pmm__field_time(const pmm__import_t *im, const pmm_json_node_t *object, const char *key, int64_t *out_ns) {
  const pmm_json_node_t *const node = pmm_json_get(object, key);
  *out_ns = PMM_TIME_NONE;
  if (!node || node->type == PMM_JSON_NULL) return PMM_OK;
  if (node->type != PMM_JSON_STRING || pmm_time_parse(node->text, node->len, out_ns, NULL) != PMM_OK) *out_ns = 0;
  return check_time(im, node, key, *out_ns);
}

pmm_status_t pmm__seconds(const pmm__import_t *im, const pmm_json_node_t *node, const char *what, int64_t *out_ns) {
  pmm_status_t const st = pmm__number(im, node, what, 9, out_ns);
  return st == PMM_OK ? check_time(im, node, what, *out_ns) : st;
}

pmm_status_t pmm__field_seconds(const pmm__import_t *im, const pmm_json_node_t *object, const char *key, int64_t *out_ns) {
  const pmm_json_node_t *node;
  pmm_status_t const st = pmm__field(im, object, key, &node);
  return st == PMM_OK ? pmm__seconds(im, node, key, out_ns) : st;
}

pmm_status_t pmm__field_ms(const pmm__import_t *im, const pmm_json_node_t *object, const char *key, int64_t *out_ns) {
  const pmm_json_node_t *node;
  pmm_status_t st = pmm__field(im, object, key, &node);
  if (st == PMM_OK) st = pmm__number(im, node, key, 6, out_ns);
  return st == PMM_OK ? check_time(im, node, key, *out_ns) : st;
}

pmm_status_t pmm__field_text(const pmm__import_t *im, const pmm_json_node_t *object, const char *key, char out[PMM_ID_MAX]) {
  const pmm_json_node_t *node;
  pmm_status_t const st = pmm__field(im, object, key, &node);
  if (st != PMM_OK) return st;
  if (node->type != PMM_JSON_STRING || node->len == 0 || node->len >= PMM_ID_MAX || memchr(node->text, '\0', node->len))
    return pmm__bad(im, node, "%s: not a text of 1 to %d bytes", key, PMM_ID_MAX - 1);
  memcpy(out, node->text, node->len);
  out[node->len] = '\0';
  return PMM_OK;
}

pmm_status_t pmm__price(const pmm__import_t *im, const pmm_json_node_t *node, const char *what, int32_t *price_e4) {
  int64_t value;
  pmm_status_t const st = pmm__number(im, node, what, 4, &value);
  if (st != PMM_OK) return st;
  if (value <= 0 || value >= PMM_ONE_E4)
    return pmm__bad(im, node, "%s: outside (0,1): %.*s", what, (int)(node->len < 40 ? node->len : 40), node->text);
  *price_e4 = (int32_t)value;
  return PMM_OK;
}

pmm_status_t pmm__size(const pmm__import_t *im, const pmm_json_node_t *node, const char *what, int64_t *qty_e6) {
  pmm_status_t const st = pmm__number(im, node, what, 6, qty_e6);
  return st != PMM_OK || *qty_e6 >= 0 ? st : pmm__bad(im, node, "%s: negative", what);
}
