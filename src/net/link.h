/* net/link.h -- one connection of a client's WebSocket stream: from connecting over the upgrade to its end. It knows nothing of attempts and
   rotation, which are ws.c's. */
#ifndef PMM_NET_LINK_H
#define PMM_NET_LINK_H
#include "net/loop.h"
#include "net/url.h"

typedef struct pmm__link pmm__link_t;
/* ended: told from the loop, once, unless the owner has let go before. code, http, why: as pmm_ws_config_t.closed has them;
   retry_ns: what a refusal's Retry-After asks for, else 0. */
typedef struct pmm__link_ops {
  void (*opened)(void *owner, pmm__link_t *link);
  void (*message)(void *owner, pmm__link_t *link, const char *text, size_t len, int64_t recv_ns);
  void (*ended)(void *owner, pmm__link_t *link, int code, int http, const char *why, int64_t retry_ns);
} pmm__link_ops_t;
typedef struct pmm__link_config {
  const pmm__url_t *url;            /* outlives the link */
  const pmm_header_t *header; size_t header_cnt;
  size_t message_max;
  int64_t ping_ns, idle_ns;
  bool deflate;
} pmm__link_config_t;

pmm__link_t *pmm__link_open(pmm__loop_t *loop, const pmm__link_config_t *config, uint32_t conn, const pmm__link_ops_t *ops, void *owner);
uint32_t pmm__link_conn(const pmm__link_t *link);
bool pmm__link_is_open(const pmm__link_t *link);
bool pmm__link_is_ending(const pmm__link_t *link);
int64_t pmm__link_opened_ns(const pmm__link_t *link);  /* monotonic; -1: never */
pmm_status_t pmm__link_send(pmm__link_t *link, const char *text, size_t len);
void pmm__link_end(pmm__link_t *link, int code, const char *why); /* with a close frame (1006: given up, 1001 is sent); `ended` follows */
void pmm__link_drop(pmm__link_t *link);                /* lets go: a close frame, no call any more */
#endif
