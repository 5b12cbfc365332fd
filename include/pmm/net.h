/* pmm/net.h -- the way out: time, timers, HTTP requests and WebSocket connections, behind one table of functions, so that an adapter
   cannot tell the real network (libuv, libcurl, wslay: pmm_net_open) from a simulated one in virtual time (pmm_vnet_open) in which
   an hour passes in seconds and every fault repeats from its seed.

   Single-threaded: every call and every callback happens on the loop's thread. What a callback is given is valid until it returns.
   Names, headers and bodies handed in are copied. Certificates are always checked, on loopback as well, and plain http and ws lead to loopback
   only: there is no switch. A callback must not turn the loop (pmm_net_step). The real network ignores SIGPIPE for the whole process and
   reads no proxy from the environment. */
#ifndef PMM_NET_H
#define PMM_NET_H
#include "pmm/status.h"
#include "pmm/types.h"

typedef struct pmm_net pmm_net_t;

/* -- what happened, for logs and alerts: from every adapter, feed and server -- */
typedef enum pmm_severity { PMM_NOTE = 0, PMM_WARN, PMM_ALERT } pmm_severity_t;
#define PMM_NOTICE_NO_MARKET UINT32_MAX
typedef struct pmm_notice {
  int64_t at_ns;          /* wall time */
  uint8_t severity;       /* pmm_severity_t */
  uint32_t market;        /* PMM_NOTICE_NO_MARKET: none in particular */
  char source[24];        /* "kalshi", "binance" */
  char code[32];          /* one word for machines: "connected", "gap", "rate-limit", "difference" */
  char text[256];         /* for people; never a secret */
} pmm_notice_t;
typedef struct pmm_notice_sink { void (*fn)(void *ctx, const pmm_notice_t *notice); void *ctx; } pmm_notice_sink_t;
/* fills a notice and hands it to sink (fn may be NULL) */
void pmm_notice(const pmm_notice_sink_t *sink, int64_t at_ns, pmm_severity_t severity, const char *source, const char *code, uint32_t market,
                const char *fmt, ...) __attribute__((format(printf, 7, 8)));

/* -- timers: memory of the caller, zeroed before first use -- */
typedef struct pmm_timer {
  void (*fn)(void *ctx); void *ctx;   /* set by the owner */
  int64_t at_ns;                      /* monotonic; read only */
  uint32_t heap;                      /* place in the loop's heap + 1; 0: not set */
} pmm_timer_t;

/* -- HTTP -- */
typedef struct pmm_header { const char *name, *value; } pmm_header_t;
typedef struct pmm_http_response {
  pmm_status_t status;   /* PMM_OK: an answer with a status line came. PMM_NOT_READY: deadline; PMM_IO: connection, name or TLS; PMM_FULL: answer too
                            large or too many requests under way; PMM_STATE: the loop closes */
  bool unsent;           /* status is not PMM_OK and the other side cannot have seen any of it; false: outcome unknown */
  int http;              /* 200 ...; 0 without an answer */
  const char *body; size_t body_len;    /* PMM_JSON_PAD readable bytes follow; "" without an answer */
  int64_t sent_ns, recv_ns;             /* monotonic */
  const char *why;                      /* short text when status is not PMM_OK, never a secret */
  const void *impl;                     /* for pmm_http_header */
} pmm_http_response_t;
typedef struct pmm_http_request {
  const char *method;    /* "GET", "POST", "PUT", "PATCH", "DELETE" (a body is sent with any of them) */
  const char *url;       /* "https://host[:port]/path?query" */
  const pmm_header_t *header; size_t header_cnt;
  const char *body; size_t body_len;    /* body NULL: none at all; Content-Type application/json unless a header says otherwise */
  int64_t timeout_ns;    /* for the whole request, retries included; 0: 10 s */
  int32_t retries;       /* with jittered backoff, not before a Retry-After: GET, PUT, DELETE after 502, 503, 504 and broken connections; others
                            only when unsent. An order is never sent twice behind the caller's back */
  size_t answer_max;     /* bytes; 0: 8 MiB */
  void (*done)(void *ctx, uint64_t tag, const pmm_http_response_t *response); /* exactly once, never before pmm_http_send returned */
  void *ctx; uint64_t tag;
} pmm_http_request_t;

/* -- WebSocket client: one logical stream over connections that come and go.
   A lost connection is opened again after a backoff (full jitter); with rotate_ns set, a fresh one is opened beside the old before a
   venue's limit on a connection's life, and the old is closed when the owner says that the fresh one is complete (pmm_ws_promote).
   conn numbers connections from 1; old and fresh deliver side by side until then. -- */
typedef struct pmm_ws pmm_ws_t;
#define PMM_WS_HEADERS_MAX 8
typedef struct pmm_ws_config {
  const char *url;                         /* "wss://host[:port]/path" */
  /* Called before each attempt to connect: fills header[0..*cnt) with texts valid until it returns (fresh signatures). NULL: none.
     Anything but PMM_OK puts the attempt off by one backoff. */
  pmm_status_t (*headers)(void *ctx, pmm_header_t header[PMM_WS_HEADERS_MAX], size_t *cnt);
  void (*opened)(void *ctx, uint32_t conn);
  /* A whole text or binary message; PMM_JSON_PAD readable bytes follow it. recv_ns: monotonic time of its last byte. */
  void (*message)(void *ctx, uint32_t conn, const char *text, size_t len, int64_t recv_ns);
  /* code: the close frame's, 1006 without one; http: status of a refused upgrade, else 0; why: short text. Returns the least time until the
     next attempt in ns, 0: the usual backoff, < 0: never connect again; a refusal's Retry-After (5 min at most) is kept in any case.
     Also called for an attempt that never opened. 1000 with a connection that a promoted one took the place of. Never called from inside a
     call of the owner's. */
  int64_t (*closed)(void *ctx, uint32_t conn, int code, int http, const char *why);
  void *ctx;
  size_t message_max;       /* bytes; larger ones close with 1009; 0: 4 MiB */
  int64_t ping_ns;          /* we send a ping frame this often; 0: never. Pings of the server are always answered */
  int64_t idle_ns;          /* closed when not a byte came for so long; 0: never */
  int64_t rotate_ns;        /* 0: never */
  int64_t backoff_min_ns, backoff_max_ns; /* 0: 0.5 s and 30 s */
  bool deflate;             /* offer permessage-deflate */
} pmm_ws_config_t;

/* -- the table; use the functions below -- */
typedef struct pmm_net_ops {
  int64_t (*now)(pmm_net_t *net);
  int64_t (*mono)(pmm_net_t *net);
  uint64_t (*random)(pmm_net_t *net);
  void (*timer_set)(pmm_net_t *net, pmm_timer_t *timer, int64_t at_mono_ns);
  void (*timer_stop)(pmm_net_t *net, pmm_timer_t *timer);
  pmm_status_t (*http_send)(pmm_net_t *net, const pmm_http_request_t *request, pmm_error_t *err);
  pmm_status_t (*ws_open)(pmm_net_t *net, const pmm_ws_config_t *config, pmm_ws_t **ws, pmm_error_t *err);
  pmm_status_t (*ws_send)(pmm_ws_t *ws, uint32_t conn, const char *text, size_t len);
  void (*ws_promote)(pmm_ws_t *ws, uint32_t conn);
  void (*ws_reconnect)(pmm_ws_t *ws, uint32_t conn, const char *why);
  void (*ws_close)(pmm_ws_t *ws);
} pmm_net_ops_t;
struct pmm_net { const pmm_net_ops_t *ops; };  /* first member of every implementation */
struct pmm_ws { pmm_net_t *net; };             /* likewise */

static inline int64_t pmm_net_now(pmm_net_t *net) { return net->ops->now(net); }     /* wall clock, ns since 1970 UTC */
static inline int64_t pmm_net_mono(pmm_net_t *net) { return net->ops->mono(net); }   /* never goes back */
static inline uint64_t pmm_net_random(pmm_net_t *net) { return net->ops->random(net); } /* salts, jitter: from the kernel, or from the seed of a simulated net */
/* Sets (or moves) a timer; it fires once, at or after its time, never inside this call. A set timer must outlive its firing or be stopped. */
static inline void pmm_net_timer_set(pmm_net_t *net, pmm_timer_t *timer, int64_t at_mono_ns) { net->ops->timer_set(net, timer, at_mono_ns); }
static inline void pmm_net_timer_stop(pmm_net_t *net, pmm_timer_t *timer) { net->ops->timer_stop(net, timer); }
/* PMM_OK: done will be called. Otherwise it will not: PMM_INVAL (url, plain text to a host that is not loopback), PMM_FULL. */
static inline pmm_status_t pmm_http_send(pmm_net_t *net, const pmm_http_request_t *request, pmm_error_t *err) { return net->ops->http_send(net, request, err); }
/* First header of that name (case does not matter), or NULL. */
const char *pmm_http_header(const pmm_http_response_t *response, const char *name);
static inline pmm_status_t pmm_ws_open(pmm_net_t *net, const pmm_ws_config_t *config, pmm_ws_t **ws, pmm_error_t *err) { return net->ops->ws_open(net, config, ws, err); }
/* Queued whole; PMM_STATE when that connection is not open, PMM_FULL when the peer reads too slowly (1 MiB waits): nothing of it was sent. */
static inline pmm_status_t pmm_ws_send(pmm_ws_t *ws, uint32_t conn, const char *text, size_t len) { return ws->net->ops->ws_send(ws, conn, text, len); }
static inline void pmm_ws_promote(pmm_ws_t *ws, uint32_t conn) { ws->net->ops->ws_promote(ws, conn); } /* connections older than conn are closed */
/* Gives a connection up (stale, out of step): closed is called, another is opened after the usual backoff. conn 0: all. */
static inline void pmm_ws_reconnect(pmm_ws_t *ws, uint32_t conn, const char *why) { ws->net->ops->ws_reconnect(ws, conn, why); }
static inline void pmm_ws_close(pmm_ws_t *ws) { if (ws) ws->net->ops->ws_close(ws); } /* for good; no callback afterwards, also not from inside one */

/* -- the real network -- */
typedef struct pmm_net_config {
  const char *ca_file;        /* more trusted authorities (a private venue); NULL: the system's only */
  uint32_t requests_max;      /* HTTP requests under way; 0: 256 */
  pmm_notice_sink_t notices;  /* "connected", "disconnected" of streams */
} pmm_net_config_t;
pmm_status_t pmm_net_open(pmm_net_t **net, const pmm_net_config_t *config, pmm_error_t *err);
/* Open requests end with PMM_STATE. Streams and hosts still open are closed with it and must not be used afterwards. NULL is fine. */
void pmm_net_close(pmm_net_t *net);
/* Handles what is ready and waits for more at most wait_ns (0: does not wait). */
void pmm_net_step(pmm_net_t *net, int64_t wait_ns);
void pmm_net_run(pmm_net_t *net);               /* until pmm_net_stop */
void pmm_net_stop(pmm_net_t *net);              /* also from a signal handler or another thread */
/* True when a URL's host is loopback: localhost, 127.0.0.0/8, [::1]. */
bool pmm_url_is_loopback(const char *url);
/* Whether a request (https, http) or a socket (wss, ws) could go there: PMM_OK, or PMM_INVAL with why, for example plain text to another machine. */
pmm_status_t pmm_url_check(const char *url, bool socket, pmm_error_t *err);

/* -- token bucket, by a venue's cost table: cancels come first, the last tokens are kept for cancelling everything -- */
typedef enum pmm_bucket_class { PMM_BUCKET_NORMAL, PMM_BUCKET_CANCEL, PMM_BUCKET_CANCEL_ALL } pmm_bucket_class_t;
typedef struct pmm_bucket {
  double rate, cap;           /* tokens a second, and at most */
  double cancel_reserve;      /* only cancels go below this */
  double panic_reserve;       /* only cancel-all goes below this; <= cancel_reserve */
  double tokens; int64_t at_ns;
} pmm_bucket_t;
void pmm_bucket_init(pmm_bucket_t *bucket, double rate, double cap, double cancel_reserve, double panic_reserve, int64_t now_ns);
bool pmm_bucket_take(pmm_bucket_t *bucket, double cost, pmm_bucket_class_t cls, int64_t now_ns); /* false: nothing taken */
int64_t pmm_bucket_when(const pmm_bucket_t *bucket, double cost, pmm_bucket_class_t cls, int64_t now_ns); /* when it would be granted; PMM_NS_MAX: never */
void pmm_bucket_drain(pmm_bucket_t *bucket, int64_t now_ns, int64_t until_ns); /* the venue said no (429): nothing before until_ns */

/* -- offset of a venue's clock from ours: the sample with the least round trip of the last 16 counts -- */
#define PMM_OFFSET_SAMPLES 16
typedef struct pmm_offset { int64_t offset_ns[PMM_OFFSET_SAMPLES], rtt_ns[PMM_OFFSET_SAMPLES]; uint32_t cnt, best; } pmm_offset_t; /* best: the sample that counts */
void pmm_offset_add(pmm_offset_t *offset, int64_t sent_wall_ns, int64_t recv_wall_ns, int64_t venue_wall_ns);
int64_t pmm_offset_ns(const pmm_offset_t *offset, int64_t *error_ns); /* venue minus ours; error_ns (may be NULL): half the round trip; 0 and PMM_NS_MAX without samples. O(1) */
#endif
