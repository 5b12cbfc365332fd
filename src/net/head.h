/* net/head.h -- the head of an HTTP message as its parser hands it over, piece by piece: the target and the headers, within limits. */
#ifndef PMM_NET_HEAD_H
#define PMM_NET_HEAD_H
#include "net/buf.h"
#include "net/header.h"

#define PMM__HEAD_TARGET_MAX ((size_t)8 << 10)
#define PMM__HEAD_MAX ((size_t)32 << 10) /* names and values together */
#define PMM__HEAD_CNT_MAX 100

typedef enum pmm__head_fault { PMM__HEAD_OK = 0, PMM__HEAD_TARGET_LONG, PMM__HEAD_LARGE, PMM__HEAD_BAD } pmm__head_fault_t;
typedef struct pmm__head {
  pmm__buf_t target, text;                       /* text: names and values, each ended by a NUL */
  uint32_t at[PMM__HEAD_CNT_MAX][2]; size_t cnt; /* where in text name and value begin */
  bool in_value, sealed; size_t trailer_len;     /* what comes after the seal belongs to the end of a chunked body: counted, not kept */
  pmm__head_fault_t fault;
  pmm_header_t header[PMM__HEAD_CNT_MAX];        /* once sealed */
  pmm__headers_t headers;
} pmm__head_t;

void pmm__head_reset(pmm__head_t *head);
void pmm__head_fini(pmm__head_t *head);
/* Each returns false once a limit is passed or memory is out: see fault. */
bool pmm__head_target(pmm__head_t *head, const char *text, size_t len);
bool pmm__head_field(pmm__head_t *head, const char *text, size_t len);
bool pmm__head_value(pmm__head_t *head, const char *text, size_t len);
bool pmm__head_seal(pmm__head_t *head);          /* fills header and headers; false: a NUL in it */
static inline const char *pmm__head_get(const pmm__head_t *head, const char *name) { return pmm__headers_find(&head->headers, name); }
/* True when a comma-separated list has this word, whatever the case. */
bool pmm__head_has(const pmm__head_t *head, const char *name, const char *word);
/* Sec-WebSocket-Accept for a Sec-WebSocket-Key: RFC 6455 section 4.2.2. */
void pmm__head_accept(const char *key, char accept[32]);
#endif
