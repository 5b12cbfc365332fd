/* server/text.h -- JSON text into a buffer that grows: what the dialects answer with. Commas and colons are put by the writer, so that the
   callers' code reads like the document:

     pmm_text_object(t, NULL);
     pmm_text_string(t, "id", id);
     pmm_text_decimal(t, "price", price_e4, 4, 4);     "price":"0.5600"
     pmm_text_array(t, "levels"); ... pmm_text_end(t);
     pmm_text_end(t);

   key is NULL for an element of an array and for the document itself. The buffer is kept from one text to the next, so that a server which
   has warmed up allocates nothing. Running out of memory or past PMM_TEXT_MAX is remembered (failed) and asked for once, at the end. */
#ifndef PMM_SERVER_TEXT_H
#define PMM_SERVER_TEXT_H
#include "pmm/types.h"

#define PMM_TEXT_MAX ((size_t)256 << 20) /* bytes */
#define PMM_TEXT_DEPTH_MAX 16

typedef struct pmm_text {
  char *buf;             /* len bytes, then a NUL; NULL before the first write */
  size_t len, cap;
  uint32_t depth;
  char close[PMM_TEXT_DEPTH_MAX]; /* the brackets that are open */
  bool comma;            /* something stands before the next value on this level */
  bool failed;
} pmm_text_t;

/* A zeroed pmm_text_t is an empty one. */
void pmm_text_free(pmm_text_t *t);
void pmm_text_clear(pmm_text_t *t);
/* The text so far, NUL-terminated, "" when empty or failed; *len may be NULL. */
const char *pmm_text_get(const pmm_text_t *t, size_t *len);

/* -- plain bytes, outside of JSON's rules -- */
void pmm_text_raw(pmm_text_t *t, const char *bytes, size_t len);
void pmm_text_put(pmm_text_t *t, const char *text);
void pmm_text_printf(pmm_text_t *t, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

/* -- JSON -- */
void pmm_text_object(pmm_text_t *t, const char *key);
void pmm_text_array(pmm_text_t *t, const char *key);
void pmm_text_end(pmm_text_t *t);      /* of the innermost */
void pmm_text_string(pmm_text_t *t, const char *key, const char *value); /* value NULL: null. Bytes that are no UTF-8 become U+FFFD */
void pmm_text_string_n(pmm_text_t *t, const char *key, const char *value, size_t len);
void pmm_text_int(pmm_text_t *t, const char *key, int64_t value);
void pmm_text_uint(pmm_text_t *t, const char *key, uint64_t value);
void pmm_text_bool(pmm_text_t *t, const char *key, bool value);
void pmm_text_null(pmm_text_t *t, const char *key);
/* value / 10^scale with at least min_decimals decimals (pmm_decimal_print), as a string or as a number. */
void pmm_text_decimal(pmm_text_t *t, const char *key, int64_t value, int scale, int min_decimals);
void pmm_text_number(pmm_text_t *t, const char *key, int64_t value, int scale, int min_decimals);
/* A value that is JSON already. */
void pmm_text_json(pmm_text_t *t, const char *key, const char *json, size_t len);
#endif
