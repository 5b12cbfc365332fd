/* base/json.h -- JSON text into a flat list of nodes, by simdjson's On-Demand parser (the one C++ file of pmm).
   Numbers stay text: a price never passes through a double. A parser is reused from line to line and allocates only
   while its longest line grows beyond what was reserved. Single-threaded; one document at a time. */
#ifndef PMM_BASE_JSON_H
#define PMM_BASE_JSON_H
#include "pmm/types.h"

#ifdef __cplusplus
extern "C" {
#endif

#define PMM_JSON_PAD 64       /* readable bytes that must follow the text; their value does not matter */
#define PMM_JSON_DEPTH_MAX 32 /* nesting of arrays and objects */
#define PMM_JSON_LEN_MAX ((size_t)1 << 30)

typedef enum pmm_json_type {
  PMM_JSON_NULL,
  PMM_JSON_BOOL,
  PMM_JSON_NUMBER,
  PMM_JSON_STRING,
  PMM_JSON_ARRAY,
  PMM_JSON_OBJECT
} pmm_json_type_t;

/* Nodes lie in document order: an array is followed by its elements, an object by key, value, key, value...; the
   subtree of node n ends at n + n->span, which is also its next sibling. */
typedef struct pmm_json_node {
  const char *text; /* NUMBER, BOOL, NULL: the token; STRING: contents, escapes resolved, no NUL at the end; else its bracket */
  uint32_t len;     /* bytes of text */
  uint32_t span;    /* nodes in the subtree, this one included */
  uint32_t at;      /* byte offset in the document, for messages */
  uint32_t type;    /* pmm_json_type_t */
} pmm_json_node_t;

typedef struct pmm_json_parser pmm_json_parser_t;
pmm_json_parser_t *pmm_json_new(void); /* NULL when out of memory */
void pmm_json_free(pmm_json_parser_t *parser);

/* pmm_json_reserve takes all memory that a document of up to len bytes can need, whatever is in it: parsing one does not allocate. About 16 bytes for each
   of len, whose pages are only used as far as documents reach. PMM_FULL: too long, or out of memory. */
pmm_status_t pmm_json_reserve(pmm_json_parser_t *parser, size_t len);

/* pmm_json_parse reads one document, an object or an array, filling text[0..len); PMM_JSON_PAD readable bytes must follow. *root points at the
   first node, valid until the next call or a change of text. The whole document is checked, used or not, except that
   numbers are only tokens until pmm_decimal_parse reads them.
   PMM_PARSE with *at (byte offset, nearest known) and *why (static text), PMM_FULL (too long or out of memory). */
pmm_status_t pmm_json_parse(pmm_json_parser_t *parser, const char *text, size_t len, const pmm_json_node_t **root, size_t *at,
                            const char **why);

/* pmm_json_get finds a member of an object; NULL when object is NULL, no object, or has no such key. The first of
   equal keys. O(members). */
const pmm_json_node_t *pmm_json_get(const pmm_json_node_t *object, const char *key);
/* The elements of an array: for (e = first(a); e; e = next(a, e)). first gives NULL when it is NULL, no array, or empty. */
static inline const pmm_json_node_t *pmm_json_first(const pmm_json_node_t *array) {
  return array && array->type == PMM_JSON_ARRAY && array->span > 1 ? array + 1 : (const pmm_json_node_t *)0;
}
static inline const pmm_json_node_t *pmm_json_next(const pmm_json_node_t *array, const pmm_json_node_t *element) {
  const pmm_json_node_t *const next = element + element->span;
  return next < array + array->span ? next : (const pmm_json_node_t *)0;
}
bool pmm_json_is(const pmm_json_node_t *node, const char *text); /* a STRING equal to text; false for NULL */
bool pmm_json_is_utf8(const char *text, size_t len);

#ifdef __cplusplus
}
#endif
#endif
