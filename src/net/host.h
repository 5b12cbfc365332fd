/* net/host.h -- a service on a port. host.c listens and speaks to the service; guest.c is one connection, HTTP first, perhaps WebSocket later. */
#ifndef PMM_NET_HOST_H
#define PMM_NET_HOST_H
#include "net/loop.h"
#include "pmm/service.h"

typedef struct pmm__guest pmm__guest_t;

struct pmm_host {
  pmm__trash_t trash;
  pmm__loop_t *loop;
  pmm_service_t *service;
  int fd, port;
  uv_poll_t *poll;                /* freed by the loop */
  SSL_CTX *tls;                   /* NULL: plain */
  uint32_t max, cnt;
  int64_t header_ns, body_ns;
  pmm_notice_sink_t notices;
  int64_t full_told_ns;           /* of the last notice that there are too many: one a second, or they would be the flood */
  pmm__guest_t *guest;            /* by next */
  pmm_timer_t advance;
  struct pmm_host *next;
};

void pmm__host_report(struct pmm_host *host, const char *code, const char *remote, const char *why);

/* Takes over an accepted socket. */
void pmm__guest_new(struct pmm_host *host, int fd, const char *remote);
void pmm__guest_drop(pmm__guest_t *guest);  /* the host closes: the service is told */

/* What pmm_host_ops_t leads to. */
void pmm__guest_reply(pmm_call_t *call, int http, const pmm_header_t *header, size_t header_cnt, const char *body, size_t len);
void pmm__guest_hang_up(pmm_call_t *call);
pmm_status_t pmm__guest_send(pmm_peer_t *peer, const char *text, size_t len);
void pmm__guest_ping(pmm_peer_t *peer, const char *payload, size_t len);
void pmm__guest_close(pmm_peer_t *peer, int code, const char *why);
#endif
