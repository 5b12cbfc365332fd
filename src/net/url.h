/* net/url.h -- the parts of a URL that a connection needs, by libcurl's URL parser, so that what we check is what curl connects to. */
#ifndef PMM_NET_URL_H
#define PMM_NET_URL_H
#include "pmm/net.h"

#define PMM__HOST_MAX 256
#define PMM__TARGET_MAX 8192
typedef struct pmm__url {
  char scheme[8];              /* lower case */
  char host[PMM__HOST_MAX];    /* without brackets */
  int port;
  bool tls, loopback, bare_port; /* bare_port: the port stands in the URL */
  char target[PMM__TARGET_MAX]; /* path and query as written; "/" at least */
} pmm__url_t;

/* secure and plain name the two schemes allowed ("https", "http"). PMM_INVAL: not such a URL, user information in it, or plain text to a
   host that is not loopback. */
pmm_status_t pmm__url_parse(pmm__url_t *url, const char *text, const char *secure, const char *plain, pmm_error_t *err);
/* True when a header can be sent as it is: a token as name, no control characters in its value. */
bool pmm__header_is_valid(const pmm_header_t *header);
#endif
