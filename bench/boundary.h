/* boundary.h -- all that passes between the driver and the network, kept and played again. A first run against the exchange in a simulated network is kept:
   each callback with its bytes and its time, and what each call returned. The second run is the driver alone, given the same callbacks at the same times:
   nothing else runs beside it, as where the exchange is another machine's, and every byte it sends is the first run's. */
#ifndef PMM_BENCH_BOUNDARY_H
#define PMM_BENCH_BOUNDARY_H
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "pmm/hash.h"
#include "base/json.h"
#include "pmm/net.h"

#define B_TIMERS 1024 /* a power of two */
#define B_SOCKETS 32

typedef enum b_kind { B_TIMER, B_HTTP, B_HEADERS, B_OPENED, B_CLOSED, B_MESSAGE } b_kind_t;
typedef struct b_event {
  uint8_t kind;
  uint32_t who, conn;        /* timer, request or socket, in the order of their first use */
  int32_t code, http;
  int64_t mono_ns, recv_ns, sent_ns;
  uint32_t len;
  char *text;                /* PMM_JSON_PAD bytes behind it */
  pmm_status_t status; bool unsent;
} b_event_t;

typedef struct b_timer { pmm_timer_t mine, *theirs; uint32_t index; } b_timer_t;
typedef struct b_socket { pmm_ws_t base; pmm_ws_config_t theirs; pmm_ws_t *real; uint32_t index; } b_socket_t;
typedef struct b_request { void (*done)(void *, uint64_t, const pmm_http_response_t *); void *ctx; uint64_t tag; } b_request_t;

/* One of both runs. */
static struct boundary {
  pmm_net_t base;            /* what the driver is given */
  pmm_net_t *real;           /* NULL: play */
  int64_t wall_ns;           /* wall clock less monotonic */
  int64_t begin_ns, mono_ns; /* monotonic: when the first run began, and now in play */
  b_event_t *event; size_t event_cnt, event_cap;
  uint64_t *value; size_t value_cnt, value_cap, value_at; /* what random and the sends returned */
  b_timer_t *slot[B_TIMERS], *timer[B_TIMERS]; uint32_t timer_cnt;
  b_socket_t socket[B_SOCKETS]; uint32_t socket_cnt;
  b_request_t *request; size_t request_cnt, request_cap;
  uint64_t sent;             /* hash of all bytes sent */
  void (*on_send)(const char *text, size_t len, bool begins);   /* around what keeping them costs */
  void (*on_message)(bool begins);                 /* around each message of a socket */
} b;

#define B_MORE(array, cnt, cap) \
  do { \
    if ((cnt) == (cap) && !((array) = realloc((array), ((cap) = (cap) ? (cap) * 2 : 1024) * sizeof *(array)))) abort(); \
  } while (0)

/* -- kept -- */
static b_event_t *b_keep(b_kind_t kind, uint32_t who, const char *text, size_t len) {
  B_MORE(b.event, b.event_cnt, b.event_cap);
  b_event_t *const e = &b.event[b.event_cnt++];
  *e = (b_event_t){.kind = (uint8_t)kind, .who = who, .mono_ns = pmm_net_mono(b.real), .len = (uint32_t)len};
  if (text) {
    e->text = calloc(1, len + PMM_JSON_PAD);
    if (!e->text) abort();
    memcpy(e->text, text, len);
  }
  return e;
}

static uint64_t b_value(uint64_t value) { /* the first run's answer */
  if (b.real) {
    B_MORE(b.value, b.value_cnt, b.value_cap);
    return b.value[b.value_cnt++] = value;
  }
  if (b.value_at == b.value_cnt) { fputs("boundary: the second run asks for more than the first\n", stderr); exit(1); }
  return b.value[b.value_at++];
}

static void b_sent(const char *text, size_t len) {
  if (b.on_send) b.on_send(text, len, true);
  b.sent = pmm_hash64(text, len, b.sent);
  if (b.on_send) b.on_send(text, len, false);
}

/* -- timers: the driver's own are marked as set, the net's stand in for them -- */
static b_timer_t *b_timer_of(pmm_timer_t *theirs) {
  uint32_t at = (uint32_t)((uintptr_t)theirs >> 4) & (B_TIMERS - 1);
  for (; b.slot[at]; at = (at + 1) & (B_TIMERS - 1))
    if (b.slot[at]->theirs == theirs) return b.slot[at];
  b_timer_t *const t = calloc(1, sizeof *t);
  if (!t || b.timer_cnt == B_TIMERS / 2) abort();
  t->theirs = theirs;
  t->index = b.timer_cnt;
  return b.slot[at] = b.timer[b.timer_cnt++] = t;
}

static void b_fire(void *ctx) {
  b_timer_t *const t = ctx;
  if (b.real) (void)b_keep(B_TIMER, t->index, NULL, 0);
  t->theirs->heap = 0;
  t->theirs->fn(t->theirs->ctx);
}

static void b_timer_set(pmm_net_t *net, pmm_timer_t *theirs, int64_t at_ns) {
  (void)net;
  b_timer_t *const t = b_timer_of(theirs);
  theirs->heap = 1;
  theirs->at_ns = at_ns;
  t->mine = (pmm_timer_t){.fn = b_fire, .ctx = t, .at_ns = t->mine.at_ns, .heap = t->mine.heap};
  if (b.real) pmm_net_timer_set(b.real, &t->mine, at_ns);
}

static void b_timer_stop(pmm_net_t *net, pmm_timer_t *theirs) {
  (void)net;
  if (theirs->heap == 0) return;
  theirs->heap = 0;
  if (b.real) pmm_net_timer_stop(b.real, &b_timer_of(theirs)->mine);
}

/* -- HTTP -- */
static void b_done(void *ctx, uint64_t tag, const pmm_http_response_t *response) {
  (void)ctx;
  b_event_t *const e = b_keep(B_HTTP, (uint32_t)tag, response->body, response->body_len);
  e->http = response->http;
  e->status = response->status;
  e->unsent = response->unsent;
  e->sent_ns = response->sent_ns;
  e->recv_ns = response->recv_ns;
  b_request_t const r = b.request[tag];
  pmm_http_response_t plain = *response;
  plain.impl = NULL; /* headers are not kept, so neither run has them */
  r.done(r.ctx, r.tag, &plain);
}

static pmm_status_t b_http_send(pmm_net_t *net, const pmm_http_request_t *request, pmm_error_t *err) {
  (void)net;
  if (request->body) b_sent(request->body, request->body_len);
  B_MORE(b.request, b.request_cnt, b.request_cap);
  b.request[b.request_cnt] = (b_request_t){request->done, request->ctx, request->tag};
  pmm_http_request_t mine = *request;
  mine.done = b_done;
  mine.ctx = NULL;
  mine.tag = b.request_cnt++;
  return (pmm_status_t)b_value(b.real ? (uint64_t)pmm_http_send(b.real, &mine, err) : 0);
}

/* -- sockets -- */
static pmm_status_t b_headers(void *ctx, pmm_header_t header[PMM_WS_HEADERS_MAX], size_t *cnt) {
  b_socket_t *const s = ctx;
  (void)b_keep(B_HEADERS, s->index, NULL, 0);
  return s->theirs.headers(s->theirs.ctx, header, cnt);
}
static void b_opened(void *ctx, uint32_t conn) {
  b_socket_t *const s = ctx;
  b_keep(B_OPENED, s->index, NULL, 0)->conn = conn;
  if (s->theirs.opened) s->theirs.opened(s->theirs.ctx, conn);
}
static int64_t b_closed(void *ctx, uint32_t conn, int code, int http, const char *why) {
  b_socket_t *const s = ctx;
  b_event_t *const e = b_keep(B_CLOSED, s->index, why, strlen(why));
  e->conn = conn;
  e->code = code;
  e->http = http;
  return s->theirs.closed ? s->theirs.closed(s->theirs.ctx, conn, code, http, why) : 0;
}
static void b_message(void *ctx, uint32_t conn, const char *text, size_t len, int64_t recv_ns) {
  b_socket_t *const s = ctx;
  b_event_t *const e = b_keep(B_MESSAGE, s->index, text, len);
  e->conn = conn;
  e->recv_ns = recv_ns;
  s->theirs.message(s->theirs.ctx, conn, text, len, recv_ns);
}

static pmm_status_t b_ws_open(pmm_net_t *net, const pmm_ws_config_t *config, pmm_ws_t **ws, pmm_error_t *err) {
  b_socket_t *const s = &b.socket[b.socket_cnt];
  if (b.socket_cnt == B_SOCKETS) return PMM_FULL;
  *s = (b_socket_t){.base = {net}, .theirs = *config, .index = b.socket_cnt++};
  *ws = &s->base;
  if (!b.real) return PMM_OK;
  pmm_ws_config_t mine = *config;
  mine.headers = config->headers ? b_headers : NULL;
  mine.opened = b_opened;
  mine.closed = b_closed;
  mine.message = b_message;
  mine.ctx = s;
  return pmm_ws_open(b.real, &mine, &s->real, err);
}

static pmm_status_t b_ws_send(pmm_ws_t *ws, uint32_t conn, const char *text, size_t len) {
  b_sent(text, len);
  return (pmm_status_t)b_value(b.real ? (uint64_t)pmm_ws_send(((b_socket_t *)ws)->real, conn, text, len) : 0);
}
static void b_ws_promote(pmm_ws_t *ws, uint32_t conn) { if (b.real) pmm_ws_promote(((b_socket_t *)ws)->real, conn); }
static void b_ws_reconnect(pmm_ws_t *ws, uint32_t conn, const char *why) { if (b.real) pmm_ws_reconnect(((b_socket_t *)ws)->real, conn, why); }
static void b_ws_close(pmm_ws_t *ws) { if (b.real) pmm_ws_close(((b_socket_t *)ws)->real); }

/* -- time and chance -- */
static int64_t b_mono(pmm_net_t *net) { (void)net; return b.real ? pmm_net_mono(b.real) : b.mono_ns; }
static int64_t b_now(pmm_net_t *net) { return b_mono(net) + b.wall_ns; }
static uint64_t b_random(pmm_net_t *net) { (void)net; return b_value(b.real ? pmm_net_random(b.real) : 0); }

static const pmm_net_ops_t b_ops = {.now = b_now, .mono = b_mono, .random = b_random, .timer_set = b_timer_set, .timer_stop = b_timer_stop, .http_send = b_http_send,
  .ws_open = b_ws_open, .ws_send = b_ws_send, .ws_promote = b_ws_promote, .ws_reconnect = b_ws_reconnect, .ws_close = b_ws_close};

/* The net for the run that is kept; what an earlier pair left is dropped. */
static pmm_net_t *b_record(pmm_net_t *real) {
  for (size_t i = 0; i < b.event_cnt; i++) free(b.event[i].text);
  for (uint32_t i = 0; i < b.timer_cnt; i++) free(b.timer[i]);
  free(b.event);
  free(b.value);
  free(b.request);
  memset(&b, 0, sizeof b);
  b.base.ops = &b_ops;
  b.real = real;
  b.wall_ns = pmm_net_now(real) - pmm_net_mono(real);
  b.begin_ns = pmm_net_mono(real);
  return &b.base;
}

/* The net for a run that is played; as often as one likes. */
static pmm_net_t *b_play(void) {
  for (uint32_t i = 0; i < b.timer_cnt; i++) free(b.timer[i]);
  memset(b.slot, 0, sizeof b.slot);
  b.timer_cnt = b.socket_cnt = 0;
  b.request_cnt = b.value_at = 0;
  b.sent = 0;
  b.mono_ns = b.begin_ns;
  b.real = NULL;
  return &b.base;
}

/* As a network's buffer: the bytes have just been written, and whoever reads them may change them. */
static char *b_text(const b_event_t *e) {
  static char text[4 << 20];
  if (!e->text) return NULL;
  if (e->len + PMM_JSON_PAD > sizeof text) abort();
  return memcpy(text, e->text, e->len + PMM_JSON_PAD);
}

static void b_message_again(const b_event_t *e) {
  const b_socket_t *const s = &b.socket[e->who];
  const char *const text = b_text(e);
  b.on_message(true);
  s->theirs.message(s->theirs.ctx, e->conn, text, e->len, e->recv_ns);
  b.on_message(false);
}

static void b_step(const b_event_t *e) {
  const b_socket_t *const s = &b.socket[e->who < B_SOCKETS ? e->who : 0];
  b.mono_ns = e->mono_ns;
  switch ((b_kind_t)e->kind) {
  case B_TIMER:
    if (e->who >= b.timer_cnt) { fputs("boundary: the second run has fewer timers\n", stderr); exit(1); }
    b_fire(b.timer[e->who]);
    break;
  case B_HTTP: {
    if (e->who >= b.request_cnt) { fputs("boundary: the second run has sent less\n", stderr); exit(1); }
    b_request_t const r = b.request[e->who];
    r.done(r.ctx, r.tag, &(pmm_http_response_t){.status = e->status, .unsent = e->unsent, .http = e->http, .body = b_text(e), .body_len = e->len, .sent_ns = e->sent_ns,
                                                .recv_ns = e->recv_ns, .why = ""});
    break;
  }
  case B_HEADERS: {
    pmm_header_t header[PMM_WS_HEADERS_MAX];
    size_t cnt = 0;
    (void)s->theirs.headers(s->theirs.ctx, header, &cnt);
    break;
  }
  case B_OPENED: if (s->theirs.opened) s->theirs.opened(s->theirs.ctx, e->conn); break;
  case B_CLOSED: if (s->theirs.closed) (void)s->theirs.closed(s->theirs.ctx, e->conn, e->code, e->http, e->text); break;
  case B_MESSAGE: b_message_again(e); break;
  }
}
#endif
