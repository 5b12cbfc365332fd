/* guest.c -- one connection of a host: HTTP/1.1 requests one after the other, each answered before the next is read, and WebSocket after an
   upgrade. What a client may cost is bounded: the head, the body, the messages, what waits to be written, and the time for each. */
#include <errno.h>
#include <http_parser.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <time.h>
#include "base/json.h"
#include "net/frames.h"
#include "net/head.h"
#include "net/host.h"
#include "net/stream.h"
#include "net/url.h"

#define IDLE_NS (75 * PMM_NS_PER_S)            /* between two requests */
#define AHEAD_MAX ((size_t)64 << 10)           /* bytes of later requests kept while one is being answered */
#define WAITING_MAX ((size_t)4 << 20)          /* WebSocket bytes for a client that reads too slowly */

typedef enum state { HEAD, BODY, CALLED, UPGRADED, ENDING } state_t;

struct pmm__guest {
  pmm__trash_t trash;
  pmm_call_t call;
  pmm_peer_t peer;
  struct pmm_host *host;
  pmm__stream_t *stream;
  state_t state;
  char remote[64];
  http_parser parser;
  pmm__head_t head;
  const char *path, *query;
  pmm__buf_t body, in;
  bool begun, whole, wants_upgrade, dispatching, keep_alive; /* begun: some byte of a request came; whole: all of it */
  int refuse;                                  /* HTTP status with which what was read is refused; 0: none */
  bool called, peer_told;                      /* the service has the call; the peer */
  pmm__frames_t *frames;
  int end_code; const char *end_why;
  pmm_timer_t limit, later;
  pmm__guest_t *prev, *next;
};

#define GUEST_OF(pointer, member) ((pmm__guest_t *)(void *)((char *)(pointer) - offsetof(pmm__guest_t, member)))

static void resume(void *ctx);

/* -- ends -- */

static void free_guest(pmm__trash_t *trash) {
  pmm__guest_t *const g = (pmm__guest_t *)trash;
  pmm__frames_free(g->frames);
  pmm__head_fini(&g->head);
  pmm__buf_fini(&g->body);
  pmm__buf_fini(&g->in);
  free(g);
}

/* The service learns what it still has of this connection. */
static void tell_service(pmm__guest_t *g) {
  pmm_service_t *const service = g->host->service;
  if (g->called && service->ops->gone) {
    g->called = false;
    service->ops->gone(service, &g->call);
  }
  if (g->peer_told) {
    g->peer_told = false;
    service->ops->closed(service, &g->peer);
  }
}

static void dispose(pmm__guest_t *g) {
  struct pmm_host *const host = g->host;
  g->state = ENDING;
  if (g->frames) pmm__frames_stop(g->frames);
  pmm__loop_off(host->loop, &g->limit);
  pmm__loop_off(host->loop, &g->later);
  if (g->prev) g->prev->next = g->next;
  else host->guest = g->next;
  if (g->next) g->next->prev = g->prev;
  host->cnt--;
  pmm__loop_trash(host->loop, &g->trash, free_guest);
  tell_service(g);
}

static void on_end(void *ctx) { dispose(ctx); }

/* Its end is told from the loop: the service may be in the middle of a call. */
static void end(pmm__guest_t *g, bool graceful) {
  if (g->stream && graceful) pmm__stream_finish(g->stream);
  else if (g->stream) pmm__stream_cut(g->stream);
  g->stream = NULL;
  if (g->state == ENDING) return;
  g->state = ENDING;
  if (g->frames) pmm__frames_stop(g->frames);
  pmm__loop_off(g->host->loop, &g->limit);
  g->later.fn = on_end;
  pmm__loop_soon(g->host->loop, &g->later);
}

void pmm__guest_drop(pmm__guest_t *g) {
  if (g->stream && g->frames && pmm__frames_put_close(g->frames, pmm__stream_out(g->stream), 1001, "")) pmm__stream_finish(g->stream);
  else if (g->stream) pmm__stream_cut(g->stream);
  g->stream = NULL;
  dispose(g);
}

static void limit(pmm__guest_t *g, int64_t in_ns) { pmm__loop_at(g->host->loop, &g->limit, pmm__loop_mono() + in_ns); }

/* -- answers -- */

static bool put_text(pmm__buf_t *out, const char *text) { return pmm__buf_put(out, text, strlen(text)); }

static void put_headers(pmm__buf_t *out, const pmm_header_t *header, size_t cnt, bool *typed, bool *dated) {
  for (size_t i = 0; i < cnt; i++) {
    if (!pmm__header_is_valid(&header[i]) || strcasecmp(header[i].name, "Content-Length") == 0) continue;
    *typed |= strcasecmp(header[i].name, "Content-Type") == 0;
    *dated |= strcasecmp(header[i].name, "Date") == 0;
    put_text(out, header[i].name);
    put_text(out, ": ");
    put_text(out, header[i].value);
    put_text(out, "\r\n");
  }
}

/* Names of days and months whatever the locale: RFC 9110 section 5.6.7. */
static void put_date(pmm__buf_t *out) {
  static const char days[7][4] = {"Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"};
  static const char months[12][4] = {"Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};
  char line[64];
  struct tm t;
  time_t const now_s = (time_t)(pmm__loop_wall() / PMM_NS_PER_S);
  gmtime_r(&now_s, &t);
  snprintf(line, sizeof line, "Date: %s, %02d %s %04d %02d:%02d:%02d GMT\r\n", days[t.tm_wday], t.tm_mday, months[t.tm_mon], t.tm_year + 1900, t.tm_hour,
           t.tm_min, t.tm_sec);
  put_text(out, line);
}

static const char *reason(int http) {
  switch (http) {
#define X(code, name, text) case code: return #text;
    HTTP_STATUS_MAP(X)
#undef X
  }
  return "Unknown";
}

static void put_answer(pmm__guest_t *g, int http, const pmm_header_t *header, size_t header_cnt, const char *body, size_t len, const char *more) {
  pmm__buf_t *const out = pmm__stream_out(g->stream);
  bool typed = false, dated = false;
  char line[128];
  snprintf(line, sizeof line, "HTTP/1.1 %d %s\r\n", http, reason(http));
  put_text(out, line);
  put_headers(out, header, header_cnt, &typed, &dated);
  if (!dated) put_date(out);
  if (!typed && len > 0) put_text(out, "Content-Type: application/json\r\n");
  bool const bodiless = http == 204 || http == 304;
  if (!bodiless) {
    snprintf(line, sizeof line, "Content-Length: %zu\r\n", len);
    put_text(out, line);
  }
  put_text(out, more);
  put_text(out, g->keep_alive ? "Connection: keep-alive\r\n\r\n" : "Connection: close\r\n\r\n");
  if (!bodiless && g->parser.method != HTTP_HEAD) pmm__buf_put(out, body, len);
  pmm__stream_flush(g->stream);
}

/* The client broke a rule: it is told, where HTTP has words for it, and the connection ends. */
static void refuse(pmm__guest_t *g, int http, const char *more) {
  char body[96];
  int const len = snprintf(body, sizeof body, "{\"error\":\"%s\"}", reason(http));
  pmm__host_report(g->host, "refused", g->remote, reason(http));
  g->keep_alive = false;
  put_answer(g, http, NULL, 0, body, (size_t)len, more);
  end(g, true);
}

static void next_request(pmm__guest_t *g) {
  pmm__head_reset(&g->head);
  pmm__buf_clear(&g->body, 4096);
  g->begun = g->whole = g->wants_upgrade = false;
  g->state = HEAD;
  limit(g, pmm__stream_waiting(g->stream) > 0 ? g->host->body_ns : IDLE_NS); /* an answer must be read in time */
}

void pmm__guest_reply(pmm_call_t *call, int http, const pmm_header_t *header, size_t header_cnt, const char *body, size_t len) {
  pmm__guest_t *const g = GUEST_OF(call, call);
  g->called = false;
  if (g->state != CALLED) return; /* it ends; its client has left */
  put_answer(g, http, header, header_cnt, body, len, "");
  if (!g->keep_alive) {
    end(g, true);
    return;
  }
  next_request(g);
  pmm__stream_pause(g->stream, false);
  if (!g->dispatching && g->in.len > 0) { /* the next one is here already */
    g->later.fn = resume;
    pmm__loop_soon(g->host->loop, &g->later);
  }
}

void pmm__guest_hang_up(pmm_call_t *call) {
  pmm__guest_t *const g = GUEST_OF(call, call);
  g->called = false;
  end(g, false);
}

/* -- WebSocket -- */

static void on_message(void *owner, const char *text, size_t len) {
  pmm__guest_t *const g = owner;
  g->host->service->ops->message(g->host->service, &g->peer, text, len);
}

/* A client that asks without reading the answers is cut like one that does not read messages. */
static void on_ping(void *owner, const char *payload, size_t len) {
  pmm__guest_t *const g = owner;
  if (!g->stream) return;
  if (pmm__stream_waiting(g->stream) > WAITING_MAX || !pmm__frames_put(g->frames, pmm__stream_out(g->stream), PMM__PONG, payload, len)) {
    pmm__host_report(g->host, "slow", g->remote, "reads too slowly");
    end(g, false);
    return;
  }
  pmm__stream_flush(g->stream);
}

static void on_pong(void *owner, const char *payload, size_t len) {
  pmm__guest_t *const g = owner;
  if (g->host->service->ops->pong) g->host->service->ops->pong(g->host->service, &g->peer, payload, len);
}

static void on_close(void *owner, int code, const char *why) {
  (void)why;
  pmm__guest_t *const g = owner;
  if (g->stream) pmm__frames_put_close(g->frames, pmm__stream_out(g->stream), code, "");
  end(g, true);
}

static void on_mask(void *owner, unsigned char *out, size_t len) {
  (void)owner;
  memset(out, 0, len); /* never called: a server does not mask */
}

static const pmm__frames_ops_t frames_ops = {on_message, on_ping, on_pong, on_close, on_mask};

static void feed_frames(pmm__guest_t *g, const char *bytes, size_t len) {
  const char *why;
  int const code = len > 0 ? pmm__frames_feed(g->frames, bytes, len, &why) : 0;
  if (!code || !g->stream) return;
  pmm__host_report(g->host, "protocol", g->remote, why);
  pmm__frames_put_close(g->frames, pmm__stream_out(g->stream), code, why);
  end(g, true);
}

pmm_status_t pmm__guest_send(pmm_peer_t *peer, const char *text, size_t len) {
  pmm__guest_t *const g = GUEST_OF(peer, peer);
  if (g->state != UPGRADED || !g->stream) return PMM_STATE;
  if (pmm__stream_waiting(g->stream) + len > WAITING_MAX || !pmm__frames_put(g->frames, pmm__stream_out(g->stream), PMM__TEXT, text, len)) {
    pmm__host_report(g->host, "slow", g->remote, "reads too slowly");
    end(g, false);
    return PMM_FULL;
  }
  pmm__stream_flush(g->stream);
  return PMM_OK;
}

void pmm__guest_ping(pmm_peer_t *peer, const char *payload, size_t len) {
  pmm__guest_t *const g = GUEST_OF(peer, peer);
  if (g->state != UPGRADED || !g->stream || len > 125) return;
  if (pmm__stream_waiting(g->stream) > WAITING_MAX) return;
  if (pmm__frames_put(g->frames, pmm__stream_out(g->stream), PMM__PING, payload, len)) pmm__stream_flush(g->stream);
}

void pmm__guest_close(pmm_peer_t *peer, int code, const char *why) {
  pmm__guest_t *const g = GUEST_OF(peer, peer);
  if (g->state == ENDING) return;
  bool const graceful = code != 1006 && g->stream && g->frames && pmm__frames_put_close(g->frames, pmm__stream_out(g->stream), code, why ? why : "");
  end(g, graceful);
}

/* -- a whole request -- */

static const char *request_header(const pmm_request_t *request, const char *name) { return pmm__head_get(&((const pmm__guest_t *)request->impl)->head, name); }

static void split_target(pmm__guest_t *g) {
  char *const target = pmm__buf_data(&g->head.target), *const mark = strchr(target, '?');
  g->path = target;
  g->query = mark ? mark + 1 : "";
  if (mark) *mark = '\0';
}

static pmm_request_t describe(pmm__guest_t *g) {
  static const char nothing[PMM_JSON_PAD + 1];
  return (pmm_request_t){.method = http_method_str((enum http_method)g->parser.method), .path = g->path, .query = g->query,
                         .body = g->body.len > 0 ? pmm__buf_data(&g->body) : nothing, .body_len = g->body.len, .remote = g->remote, .header = request_header, .impl = g};
}

static void accept_upgrade(pmm__guest_t *g, const pmm__deflate_params_t *deflate, const char *extension) {
  char accept[32], line[320];
  pmm__head_accept(pmm__head_get(&g->head, "Sec-WebSocket-Key"), accept);
  snprintf(line, sizeof line, "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: %s\r\n%s%s%s\r\n", accept,
           extension[0] ? "Sec-WebSocket-Extensions: " : "", extension, extension[0] ? "\r\n" : "");
  pmm__frames_config_t const config = {.message_max = PMM_SERVICE_MESSAGE_MAX, .deflate = *deflate};
  g->frames = pmm__frames_new(&config, &frames_ops, g);
  if (!g->frames || !put_text(pmm__stream_out(g->stream), line)) {
    end(g, false);
    return;
  }
  g->state = UPGRADED;
  pmm__loop_off(g->host->loop, &g->limit);
  pmm__stream_flush(g->stream);
  if (g->host->service->ops->opened) g->host->service->ops->opened(g->host->service, &g->peer);
}

static void upgrade(pmm__guest_t *g) {
  const char *const version = pmm__head_get(&g->head, "Sec-WebSocket-Version"), *const key = pmm__head_get(&g->head, "Sec-WebSocket-Key");
  pmm__deflate_params_t deflate;
  char refusal[1024] = "", extension[128];
  if (g->parser.method != HTTP_GET || !key || strlen(key) != 24) { refuse(g, 400, ""); return; }
  if (!version || strcmp(version, "13") != 0) { refuse(g, 426, "Sec-WebSocket-Version: 13\r\n"); return; }
  pmm_request_t const request = describe(g);
  pmm_service_t *const service = g->host->service;
  int const http = service->ops->upgrade(service, &g->peer, &request, refusal, sizeof refusal);
  if (http != 0) {
    g->keep_alive = false;
    put_answer(g, http, NULL, 0, refusal, strlen(refusal), "");
    end(g, true);
    return;
  }
  g->peer_told = true;
  pmm__deflate_answer(pmm__head_get(&g->head, "Sec-WebSocket-Extensions"), &deflate, extension, sizeof extension);
  accept_upgrade(g, &deflate, extension);
}

static void dispatch(pmm__guest_t *g) {
  pmm_service_t *const service = g->host->service;
  if (!pmm__buf_reserve(&g->body, PMM_JSON_PAD)) {
    end(g, false);
    return;
  }
  pmm__loop_off(g->host->loop, &g->limit);
  g->state = CALLED;
  g->keep_alive = http_should_keep_alive(&g->parser);
  g->dispatching = true;
  if (g->wants_upgrade) upgrade(g);
  else {
    pmm_request_t const request = describe(g);
    g->called = true;
    service->ops->http(service, &g->call, &request);
  }
  g->dispatching = false;
}

/* -- reading -- */

static pmm__guest_t *guest_of(http_parser *p) { return p->data; }

static int on_begin(http_parser *p) {
  pmm__guest_t *const g = guest_of(p);
  g->begun = true;
  limit(g, g->host->header_ns);
  return 0;
}
static int on_target(http_parser *p, const char *at, size_t len) { return pmm__head_target(&guest_of(p)->head, at, len) ? 0 : -1; }
/* Headers after a chunked body are read over, but count. */
static int on_field(http_parser *p, const char *at, size_t len) { return pmm__head_field(&guest_of(p)->head, at, len) ? 0 : -1; }
static int on_value(http_parser *p, const char *at, size_t len) { return pmm__head_value(&guest_of(p)->head, at, len) ? 0 : -1; }

static int on_head(http_parser *p) {
  pmm__guest_t *const g = guest_of(p);
  if (!pmm__head_seal(&g->head)) return -1;
  split_target(g);
  if (g->path[0] != '/' || p->method == HTTP_CONNECT) { g->refuse = 400; return -1; } /* we are no proxy */
  g->wants_upgrade = p->upgrade && pmm__head_has(&g->head, "Upgrade", "websocket");
  p->upgrade = g->wants_upgrade; /* others (h2c) may be ignored, RFC 9110 section 7.8 */
  if ((p->flags & F_CONTENTLENGTH) && p->content_length > PMM_SERVICE_BODY_MAX) { g->refuse = 413; return -1; }
  bool const has_body = (p->flags & F_CHUNKED) || ((p->flags & F_CONTENTLENGTH) && p->content_length > 0);
  if (!has_body) return 0;
  g->state = BODY;
  limit(g, g->host->body_ns);
  if (pmm__head_has(&g->head, "Expect", "100-continue")) {
    put_text(pmm__stream_out(g->stream), "HTTP/1.1 100 Continue\r\n\r\n");
    pmm__stream_flush(g->stream);
  }
  return 0;
}

static int on_body(http_parser *p, const char *at, size_t len) {
  pmm__guest_t *const g = guest_of(p);
  if (g->body.len + len > PMM_SERVICE_BODY_MAX) { g->refuse = 413; return -1; }
  if (pmm__buf_put(&g->body, at, len)) return 0;
  g->refuse = 503;
  return -1;
}

static int on_complete(http_parser *p) {
  guest_of(p)->whole = true;
  http_parser_pause(p, 1); /* one at a time */
  return 0;
}

static const http_parser_settings settings = {.on_message_begin = on_begin, .on_url = on_target, .on_header_field = on_field, .on_header_value = on_value,
                                              .on_headers_complete = on_head, .on_body = on_body, .on_message_complete = on_complete};

static int refusal_of(const pmm__guest_t *g) {
  if (g->refuse) return g->refuse;
  switch (g->head.fault) {
  case PMM__HEAD_TARGET_LONG: return 414;
  case PMM__HEAD_LARGE: return 431;
  case PMM__HEAD_BAD:
  case PMM__HEAD_OK: break;
  }
  return HTTP_PARSER_ERRNO(&g->parser) == HPE_HEADER_OVERFLOW ? 431 : 400;
}

/* Reads requests from what is here until one has to wait, none is whole, or the connection is no longer HTTP. */
static void read_requests(pmm__guest_t *g) {
  while (g->in.len > 0 && (g->state == HEAD || g->state == BODY)) {
    size_t const used = http_parser_execute(&g->parser, &settings, pmm__buf_data(&g->in), g->in.len);
    enum http_errno const error = HTTP_PARSER_ERRNO(&g->parser);
    if (error != HPE_OK && error != HPE_PAUSED) {
      refuse(g, refusal_of(g), "");
      return;
    }
    pmm__buf_drop(&g->in, used);
    if (!g->whole) return;
    http_parser_pause(&g->parser, 0);
    dispatch(g);
  }
  if (g->state == UPGRADED && g->in.len > 0) {
    feed_frames(g, pmm__buf_data(&g->in), g->in.len);
    pmm__buf_fini(&g->in);
  }
}

static void resume(void *ctx) { read_requests(ctx); }

/* -- the stream below -- */

static void on_opened(void *owner) { (void)owner; } /* TLS is agreed; the limit for the head runs since the connection came */

static void on_data(void *owner, const char *bytes, size_t len, int64_t recv_ns) {
  (void)recv_ns;
  pmm__guest_t *const g = owner;
  if (g->state == UPGRADED) {
    feed_frames(g, bytes, len);
    return;
  }
  if (g->state == ENDING) return;
  if (!pmm__buf_put(&g->in, bytes, len)) {
    end(g, false);
    return;
  }
  if (g->state == CALLED && g->in.len > AHEAD_MAX) pmm__stream_pause(g->stream, true);
  else read_requests(g);
}

static void on_drained(void *owner) {
  pmm__guest_t *const g = owner;
  if (g->state == HEAD && !g->begun) limit(g, IDLE_NS);
}

static void on_closed(void *owner, const char *why) {
  pmm__guest_t *const g = owner;
  g->stream = NULL;
  if (g->begun && (g->state == HEAD || g->state == BODY)) pmm__host_report(g->host, "cut", g->remote, why);
  if (g->state != ENDING) dispose(g);
}

static const pmm__stream_ops_t stream_ops = {.opened = on_opened, .data = on_data, .drained = on_drained, .closed = on_closed};

static void on_limit(void *ctx) {
  pmm__guest_t *const g = ctx;
  bool const idle = g->state == HEAD && !g->begun && pmm__stream_waiting(g->stream) == 0;
  if (!idle) pmm__host_report(g->host, "slow", g->remote, g->state == BODY ? "body did not come in time" : "request or reading took too long");
  if (g->begun && g->stream) {
    g->keep_alive = false;
    put_answer(g, 408, NULL, 0, "", 0, "");
    end(g, true);
  } else end(g, false);
}

void pmm__guest_new(struct pmm_host *host, int fd, const char *remote) {
  pmm__guest_t *const g = pmm__loop_take(sizeof *g);
  g->host = host;
  g->limit = (pmm_timer_t){.fn = on_limit, .ctx = g};
  g->later = (pmm_timer_t){.fn = resume, .ctx = g};
  snprintf(g->remote, sizeof g->remote, "%s", remote);
  http_parser_init(&g->parser, HTTP_REQUEST);
  g->parser.data = g;
  pmm__head_reset(&g->head);
  g->stream = pmm__stream_accept(host->loop, fd, host->tls, &stream_ops, g);
  if (!g->stream) {
    free(g);
    return;
  }
  g->next = host->guest;
  if (host->guest) host->guest->prev = g;
  host->guest = g;
  host->cnt++;
  limit(g, host->header_ns);
}
