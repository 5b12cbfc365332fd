/* net/buf.h -- bytes that grow up to what their owner allows, and are taken from the front. */
#ifndef PMM_NET_BUF_H
#define PMM_NET_BUF_H
#include "pmm/types.h"

typedef struct pmm__buf { char *mem; size_t at, len, cap; } pmm__buf_t; /* mem[at..at+len) is full; zeroed before first use */

static inline char *pmm__buf_data(const pmm__buf_t *buf) { return buf->mem ? buf->mem + buf->at : NULL; }
bool pmm__buf_reserve(pmm__buf_t *buf, size_t more); /* room for so many after the last; false: out of memory, nothing lost */
bool pmm__buf_put(pmm__buf_t *buf, const void *data, size_t len);
void pmm__buf_drop(pmm__buf_t *buf, size_t len);     /* from the front */
/* Empties it; memory beyond keep is given back, so that one large message does not cost its size for ever. */
void pmm__buf_clear(pmm__buf_t *buf, size_t keep);
void pmm__buf_fini(pmm__buf_t *buf);                 /* wiped: it may have held credentials */
#endif
