/* net/vnet_impl.h -- the simulated network's insides: one heap of things due, hosts by name, requests and connections between them.
   Everything that happens is a timer of the heap: a user's, a packet under way, a deadline. Nothing is called from inside
   a call, so order follows from the heap alone. Memory grows with what is under way; a simulation that runs out of it stops. */
#ifndef PMM_NET_VNET_IMPL_H
#define PMM_NET_VNET_IMPL_H
#include "base/json.h"
#include "net/header.h"
#include "net/heap.h"
#include "pmm/rng.h"
#include "pmm/service.h"

#define PMM__VNET_NAME_MAX 256
#define PMM__VNET_REQUESTS_MAX 256 /* under way, as many as the real network's usual */
#define PMM__VNET_CONNECT_NS (10 * PMM_NS_PER_S) /* a connection nobody answers */

typedef struct pmm__vnet pmm__vnet_t;
typedef struct pmm__vcall pmm__vcall_t;
typedef struct pmm__vlink pmm__vlink_t;
typedef struct pmm__vws pmm__vws_t;
typedef struct pmm__vreq pmm__vreq_t;

/* Where a URL leads: its authority, and the target as it stands. */
typedef struct pmm__vurl { char name[PMM__VNET_NAME_MAX], bare[PMM__VNET_NAME_MAX]; char *path, *query; } pmm__vurl_t;
/* scheme: "http" or "ws", their s variants included. PMM_INVAL, PMM_FULL. */
pmm_status_t pmm__vurl_parse(pmm__vurl_t *out, const char *url, const char *scheme, pmm_error_t *err);
void pmm__vurl_fini(pmm__vurl_t *url);

/* A machine with a cable; it may stand there without a service. Kept until the net is closed. */
typedef struct pmm__vhost {
  pmm__vnet_t *net;
  char name[PMM__VNET_NAME_MAX];
  pmm_service_t *service;      /* NULL: nobody listens */
  bool up; uint32_t epoch;     /* what was under way or open under an earlier epoch is lost */
  pmm_timer_t advance; bool in_advance;
  struct pmm__vhost *next;
} pmm__vhost_t;

struct pmm__vnet {
  pmm_net_t base;
  pmm_vnet_config_t config;
  pmm_rng_t latency, backoff, random; /* streams of their own: a draw of one does not shift the others */
  int64_t mono_ns;
  pmm__heap_t heap;
  bool closing;
  pmm__vhost_t *host;
  pmm__vreq_t *req; uint32_t req_cnt;
  pmm__vcall_t *call;          /* of any host, until neither side wants anything of it */
  pmm__vws_t *ws;
  pmm__vlink_t *link;          /* every connection */
  struct pmm__vparcel *parcel; /* under way between the ends of connections */
};

void *pmm__vnet_take(size_t size);  /* zeroed; ends the program when there is none */
char *pmm__vnet_copy(const char *text, size_t len); /* with PMM_JSON_PAD zero bytes behind it */
pmm_header_t *pmm__vnet_copy_headers(const pmm_header_t *header, size_t cnt);
void pmm__vnet_free_headers(pmm_header_t *header, size_t cnt);
pmm__vhost_t *pmm__vnet_find(pmm__vnet_t *net, const pmm__vurl_t *url); /* NULL: no such name */
int64_t pmm__vnet_delay(pmm__vnet_t *net);                 /* one way, drawn */
int64_t pmm__vnet_wall(const pmm__vnet_t *net);
void pmm__vnet_at(pmm__vnet_t *net, pmm_timer_t *timer, int64_t at_ns);
int64_t pmm__vnet_backoff(pmm__vnet_t *net, int64_t min_ns, int64_t max_ns, uint32_t failures); /* full jitter */
const char *pmm__vnet_request_header(const pmm_request_t *request, const char *name); /* impl: pmm__headers_t */

/* vnet_http.c */
pmm_status_t pmm__vhttp_send(pmm_net_t *net, const pmm_http_request_t *request, pmm_error_t *err);
void pmm__vhttp_reply(void *host, pmm_call_t *call, int http, const pmm_header_t *header, size_t header_cnt, const char *body, size_t len);
void pmm__vhttp_drop(void *host, pmm_call_t *call);
void pmm__vhttp_cut(pmm__vhost_t *host);          /* nobody listens any more: calls are gone, clients learn it */
void pmm__vhttp_close(pmm__vnet_t *net);

/* vnet_link.c: a connection, with its parcels under way and the service's end of it. */
typedef enum pmm__vpacket { PMM__V_UPGRADE, PMM__V_OPENED, PMM__V_REFUSED, PMM__V_MESSAGE, PMM__V_PING, PMM__V_PONG, PMM__V_CLOSE } pmm__vpacket_t;
typedef enum pmm__vend { PMM__V_CLIENT, PMM__V_SERVER } pmm__vend_t;
typedef enum pmm__vstate { PMM__V_CONNECTING, PMM__V_OPEN, PMM__V_CLOSING, PMM__V_CLOSED } pmm__vstate_t;
typedef struct pmm__vparcel pmm__vparcel_t;

struct pmm__vlink {              /* kept while an end is not closed or a parcel is under way */
  pmm_peer_t peer;               /* first: the service's handle */
  pmm__vnet_t *net; pmm__vhost_t *host; /* NULL: no such host */
  uint32_t epoch, parcels;
  uint8_t state[2];              /* pmm__vstate_t of each end */
  int64_t last_ns[2];            /* when the newest parcel to each end arrives: order is kept */
  size_t under_way[2];           /* bytes on their way to each end */
  pmm_timer_t gone;              /* the service's end is told that it is over */
  /* the client's end */
  pmm__vws_t *ws;                /* NULL: the client has let go */
  uint32_t conn;
  pmm_timer_t connect, idle, ping, end;
  int end_code, end_http; char end_why[128];
  int64_t opened_ns;
  pmm__vlink_t *next_ws, *prev, *next;
};
pmm__vlink_t *pmm__vlink_new(pmm__vnet_t *net, pmm__vhost_t *host);
void pmm__vlink_sweep(pmm__vlink_t *link);  /* frees it when nothing holds it any more */
/* Sends to an end; lost when the cable goes down before it arrives. code: of CLOSE and REFUSED. PMM_FULL past cap bytes under way (0: no limit). */
pmm_status_t pmm__vlink_send(pmm__vlink_t *link, pmm__vend_t to, pmm__vpacket_t kind, int code, const char *text, size_t len, size_t cap);
pmm_status_t pmm__vlink_peer_send(void *host, pmm_peer_t *peer, const char *text, size_t len);
void pmm__vlink_peer_ping(void *host, pmm_peer_t *peer, const char *payload, size_t len);
void pmm__vlink_peer_close(void *host, pmm_peer_t *peer, int code, const char *why);
void pmm__vlink_cut(pmm__vhost_t *host);    /* every peer is closed; clients learn it */
void pmm__vlink_fini(pmm__vnet_t *net);

/* vnet_ws.c: the client's stream over connections. */
pmm_status_t pmm__vws_open(pmm_net_t *net, const pmm_ws_config_t *config, pmm_ws_t **ws, pmm_error_t *err);
pmm_status_t pmm__vws_send(pmm_ws_t *ws, uint32_t conn, const char *text, size_t len);
void pmm__vws_promote(pmm_ws_t *ws, uint32_t conn);
void pmm__vws_reconnect(pmm_ws_t *ws, uint32_t conn, const char *why);
void pmm__vws_close(pmm_ws_t *ws);
void pmm__vws_fini(pmm__vnet_t *net);
void pmm__vws_parcel(pmm__vlink_t *link, pmm__vpacket_t kind, int code, const char *text, size_t len); /* arrived at the client's end */
const pmm__vurl_t *pmm__vws_url(const pmm__vws_t *ws);
#endif
