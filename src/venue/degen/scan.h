/* degen/scan.h -- a pull reader of JSON: the caller says what he expects and gets the pieces in place. It knows all of JSON, so there is no slower
   reader behind it, and it checks what it passes over as strictly as what it hands out (UTF-8 included). No allocation; nesting at
   most PMM_JSON_DEPTH_MAX. After an error everything answers false, and `at` is the place. */
#ifndef PMM_DEGEN_SCAN_H
#define PMM_DEGEN_SCAN_H
#include <string.h>
#include "base/json.h"
#include "pmm/degen.h"

typedef struct pmm__scan {
  const char *text, *at, *end;
  const char *why;              /* not NULL: an error, at `at` */
  char *scratch, *scratch_end;  /* for strings with escapes */
} pmm__scan_t;

void pmm__scan_init(pmm__scan_t *s, const char *text, size_t len, char *scratch);
bool pmm__scan_fail(pmm__scan_t *s, const char *why);     /* false */
char pmm__scan_peek(pmm__scan_t *s);                      /* next byte behind white space; '\0' at the end */
bool pmm__scan_open(pmm__scan_t *s, char bracket);        /* '{' or '[' */
/* In an object: the next key (NULL: not wanted), behind its colon. *first is true before the first call. false: the object's end (behind it), or an error. */
bool pmm__scan_member(pmm__scan_t *s, bool *first, pmm_degen_text_t *key);
bool pmm__scan_element(pmm__scan_t *s, bool *first);      /* likewise in an array: at the element */
bool pmm__scan_string(pmm__scan_t *s, pmm_degen_text_t *out);
bool pmm__scan_skip(pmm__scan_t *s, pmm_degen_text_t *span); /* any value; span may be NULL */
bool pmm__scan_bool(pmm__scan_t *s, bool *out);
bool pmm__scan_null(pmm__scan_t *s);                      /* true and behind it when a null stands there; no error otherwise */
bool pmm__scan_whole(pmm__scan_t *s, uint64_t *out);      /* number or string of digits */
bool pmm__scan_decimal(pmm__scan_t *s, int scale, int64_t *out); /* number or string */
bool pmm__scan_done(pmm__scan_t *s);                      /* nothing but white space is left */
pmm_status_t pmm__scan_error(const pmm__scan_t *s, pmm_error_t *err);

#define PMM__KEY(key, name) ((key).len == sizeof(name) - 1 && memcmp((key).at, name, sizeof(name) - 1) == 0)
#endif
