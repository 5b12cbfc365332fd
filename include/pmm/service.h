/* pmm/service.h -- the other end of pmm/net.h: a server as plain functions from requests to answers, without sockets. The same service is
   served on a port (pmm_host_open) or stands in a simulated network in virtual time (pmm_vnet_host); and faults can be put before
   any service (pmm_faults_open).

   A service is single-threaded and reads no clock: `advance` brings it time. */
#ifndef PMM_SERVICE_H
#define PMM_SERVICE_H
#include "pmm/net.h"
#include "pmm/settings.h"

#define PMM_SERVICE_BODY_MAX ((size_t)1 << 20)   /* of a request; larger ones are answered 413 by the host */
#define PMM_SERVICE_MESSAGE_MAX ((size_t)1 << 20) /* of a WebSocket message from a client; larger ones close with 1009 */

/* -- what arrives -- */
typedef struct pmm_request {
  const char *method, *path, *query;  /* path without query, as sent (not decoded), at most 8 KiB; query "" when none */
  const char *body; size_t body_len;  /* PMM_JSON_PAD readable bytes follow */
  const char *remote;                 /* "127.0.0.1"; for logs and per-address limits */
  /* First header of that name, case does not matter; NULL when absent. Use pmm_request_header. */
  const char *(*header)(const struct pmm_request *request, const char *name);
  const void *impl;
} pmm_request_t;
static inline const char *pmm_request_header(const pmm_request_t *r, const char *name) { return r->header(r, name); }
/* Value of a query parameter, percent- and plus-decoded, NUL-terminated: the nth (from 0) of that name. PMM_NOT_FOUND, PMM_FULL (cap), PMM_PARSE (bad escape). */
pmm_status_t pmm_query_get(const char *query, const char *name, size_t nth, char *out, size_t cap);

typedef struct pmm_call { void *user; } pmm_call_t;   /* an HTTP request under way; the host's, with room for the service's own pointer */
typedef struct pmm_peer { void *user; } pmm_peer_t;   /* a WebSocket connection; likewise */

/* -- what the host does for a service; set by the host before anything else is called -- */
typedef struct pmm_host_ops {
  /* Answers a call, once; the call is gone afterwards. header may be NULL; Content-Length is added, Content-Type application/json unless given. */
  void (*reply)(void *host, pmm_call_t *call, int http, const pmm_header_t *header, size_t header_cnt, const char *body, size_t len);
  void (*drop)(void *host, pmm_call_t *call);         /* cuts its connection without an answer */
  /* Queued whole. PMM_STATE: closing. PMM_FULL: the client reads too slowly (4 MiB wait); the host then closes it. */
  pmm_status_t (*send)(void *host, pmm_peer_t *peer, const char *text, size_t len);
  void (*ping)(void *host, pmm_peer_t *peer, const char *payload, size_t len);
  void (*close)(void *host, pmm_peer_t *peer, int code, const char *why); /* `closed` follows later; 1006: cut without a close frame */
  int64_t (*now)(void *host);                         /* wall clock of this host, ns: the time services live by */
  void (*wake)(void *host);                           /* ask `advance` again soon: its next time has changed */
} pmm_host_ops_t;

typedef struct pmm_service pmm_service_t;
typedef struct pmm_service_ops {
  const char *name;
  /* A whole request. Answer now or later (host->reply); request is valid until http returns. */
  void (*http)(pmm_service_t *service, pmm_call_t *call, const pmm_request_t *request);
  void (*gone)(pmm_service_t *service, pmm_call_t *call);  /* the client left before the answer: never reply. May be NULL */
  /* 0: upgrade; else the HTTP status of the refusal, its body in refusal (cap bytes, NUL-terminated). */
  int (*upgrade)(pmm_service_t *service, pmm_peer_t *peer, const pmm_request_t *request, char *refusal, size_t cap);
  void (*opened)(pmm_service_t *service, pmm_peer_t *peer); /* may send from here on. May be NULL */
  void (*message)(pmm_service_t *service, pmm_peer_t *peer, const char *text, size_t len); /* PMM_JSON_PAD readable bytes follow */
  void (*pong)(pmm_service_t *service, pmm_peer_t *peer, const char *payload, size_t len); /* may be NULL */
  void (*closed)(pmm_service_t *service, pmm_peer_t *peer); /* exactly once for each upgraded peer */
  /* Time is now_ns: do what is due, return when to be asked again (PMM_NS_MAX: no need). */
  int64_t (*advance)(pmm_service_t *service, int64_t now_ns);
} pmm_service_ops_t;
struct pmm_service { const pmm_service_ops_t *ops; const pmm_host_ops_t *host_ops; void *host; }; /* first member of every service */

static inline void pmm_service_reply(pmm_service_t *s, pmm_call_t *c, int http, const char *body, size_t len) { s->host_ops->reply(s->host, c, http, NULL, 0, body, len); }
static inline pmm_status_t pmm_service_send(pmm_service_t *s, pmm_peer_t *p, const char *text, size_t len) { return s->host_ops->send(s->host, p, text, len); }
static inline int64_t pmm_service_now(pmm_service_t *s) { return s->host_ops->now(s->host); }

/* -- on a port: HTTP/1.1 with kept connections, and WebSocket with permessage-deflate, on the loop of a real net. A client that breaks the rules, is
   slow, or reads too slowly costs a notice ("refused", "protocol", "slow", "cut", "too-many") and its connection. A client that closes its
   sending side before the answer counts as gone. -- */
typedef struct pmm_host pmm_host_t;
typedef struct pmm_host_config {
  const char *bind;            /* address; NULL: 127.0.0.1 */
  int port;                    /* 0: any free one */
  const char *cert_file, *key_file; /* PEM; both or none */
  uint32_t connections_max;    /* 0: 1024; more are refused */
  int64_t header_timeout_ns, body_timeout_ns; /* slow-loris; 0: 5 s, 10 s */
  pmm_notice_sink_t notices;
} pmm_host_config_t;
/* PMM_IO (port taken, certificate unreadable), PMM_INVAL. The service outlives the host. Close hosts before their net. */
pmm_status_t pmm_host_open(pmm_host_t **host, pmm_net_t *net, pmm_service_t *service, const pmm_host_config_t *config, pmm_error_t *err);
int pmm_host_port(const pmm_host_t *host);
void pmm_host_close(pmm_host_t *host);

/* -- a simulated network in virtual time: hosts by name, latency drawn from a seed, nothing lost unless told to. Every run repeats. -- */
typedef struct pmm_vnet_config {
  int64_t start_ns;            /* wall time at the beginning */
  uint64_t seed;
  int64_t latency_ns, jitter_ns; /* one way; uniform in latency .. latency + jitter; order within a connection is kept */
} pmm_vnet_config_t;
pmm_status_t pmm_vnet_open(pmm_net_t **net, const pmm_vnet_config_t *config, pmm_error_t *err);
void pmm_vnet_close(pmm_net_t *net);
/* URLs "http(s)://name[:port]/..." and "ws(s)://..." lead to the service. service NULL: nobody listens there any more, what is open breaks.
   PMM_EXISTS (one service at a time), PMM_INVAL (name). Services outlive the net. */
pmm_status_t pmm_vnet_host(pmm_net_t *net, const char *name, pmm_service_t *service, pmm_error_t *err);
/* Handles everything due up to a monotonic time (the clock starts at 0), jumping over what is quiet; the clock then stands there. */
void pmm_vnet_run(pmm_net_t *net, int64_t until_mono_ns);
bool pmm_vnet_step(pmm_net_t *net);             /* the next single thing; false: nothing will ever happen again */
int64_t pmm_vnet_next(pmm_net_t *net);          /* when the next thing is due; PMM_NS_MAX */
/* The cable of a host by its name: while down nothing passes, and connections break without a word (each side learns by its own time-outs);
   they stay broken when it is up again. */
void pmm_vnet_cable(pmm_net_t *net, const char *name, bool up);

/* -- faults before a service, seeded and repeatable -- */
typedef struct pmm_faults_bodies { const char *rate_limited; const char *error; const pmm_header_t *header; size_t header_cnt; } pmm_faults_bodies_t;
/* A service that stands before inner (which it outlives not); give this one to the host. Changing *params through pmm_faults_set takes effect at once. */
pmm_status_t pmm_faults_open(pmm_service_t **faulty, pmm_service_t *inner, const pmm_faults_params_t *params, const pmm_faults_bodies_t *bodies, pmm_error_t *err);
void pmm_faults_set(pmm_service_t *faulty, const pmm_faults_params_t *params);
void pmm_faults_close(pmm_service_t *faulty);
typedef struct pmm_faults_stats { uint64_t requests, dropped, lost_answers, errors, limited, duplicated, reordered, lost, disconnects, mutes, slowed; } pmm_faults_stats_t;
const pmm_faults_stats_t *pmm_faults_stats(const pmm_service_t *faulty);
#endif
