/* net/deflate.h -- permessage-deflate, RFC 7692, over zlib: what is agreed in the handshake, and one message at a time. */
#ifndef PMM_NET_DEFLATE_H
#define PMM_NET_DEFLATE_H
#include "net/buf.h"

typedef struct pmm__deflate_params {
  bool on;
  bool sends;            /* this end deflates what it sends; receiving always works */
  int send_bits;         /* window, 9..15 */
  bool send_fresh, recv_fresh; /* no context is carried from message to message */
} pmm__deflate_params_t;

/* What a client offers. It does not deflate its own messages: orders are short, and time counts. */
#define PMM__DEFLATE_OFFER "permessage-deflate; client_no_context_takeover; client_max_window_bits"

/* A client reads a server's answer to PMM__DEFLATE_OFFER (NULL: no extension). PMM_PARSE: nothing that was offered. */
pmm_status_t pmm__deflate_agreed(const char *header, pmm__deflate_params_t *params);
/* A server takes the first offer it can meet; writes its answer ("" when there is none). */
void pmm__deflate_answer(const char *header, pmm__deflate_params_t *params, char *answer, size_t cap);

typedef struct pmm__deflate pmm__deflate_t;
pmm__deflate_t *pmm__deflate_new(const pmm__deflate_params_t *params); /* zlib's state is made when first used */
void pmm__deflate_free(pmm__deflate_t *deflate);
/* Appends the deflated message to out. */
bool pmm__deflate_pack(pmm__deflate_t *deflate, pmm__buf_t *out, const char *data, size_t len);
/* Appends the inflated message to out. PMM_PARSE: not deflate; PMM_FULL: larger than max, or no memory. */
pmm_status_t pmm__deflate_unpack(pmm__deflate_t *deflate, pmm__buf_t *out, pmm__buf_t *data, size_t max);
#endif
