#include "net/stream.h"
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <openssl/err.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/socket.h>
#include <unistd.h>
#include "net/tls.h"

#define OUT_KEEP ((size_t)64 << 10)            /* kept between messages, so that sending allocates nothing */
#define ADDRESS_NS (3 * PMM_NS_PER_S)          /* for one of a name's addresses */
#define LINGER_NS PMM_NS_PER_S                 /* for the other side to go, once all is written */
#define FLUSH_NS (10 * PMM_NS_PER_S)           /* for it to read that, after its owner let go */
#define READS_MAX 16                           /* of one connection in one turn: others want theirs too */

typedef enum state { RESOLVES, CONNECTS, HANDSHAKES, OPEN, LINGERS, ENDED } state_t;
typedef struct lookup { uv_getaddrinfo_t req; pmm__stream_t *stream; } lookup_t; /* outlives a stream that is cut meanwhile */

struct pmm__stream {
  pmm__trash_t trash;
  pmm__loop_t *loop;
  const pmm__stream_ops_t *ops; void *owner;  /* owner NULL: let go */
  state_t state;
  int fd;
  bool polled, paused, tls_wants_write;
  bool handle_closing;                        /* between two addresses */
  uv_poll_t poll; int watched;                /* events the loop watches for; 0: none */
  SSL *ssl;
  pmm__buf_t out;
  pmm_timer_t timer;                          /* next address, end of lingering, or telling of the end */
  char why[160];
  char host[256]; int port; bool tls;
  lookup_t *lookup;
  struct addrinfo *list, *address;            /* of the name; the one being tried is before address */
  pmm__stream_t *prev, *next;                 /* of the loop */
};

static void on_poll(uv_poll_t *handle, int status, int events);
static void unwatch(pmm__stream_t *s);
static void try_next(pmm__stream_t *s);
static void step_open(pmm__stream_t *s);

/* -- ends -- */

static void free_stream(uv_handle_t *handle) { free(handle->data); }
static void trash_stream(pmm__trash_t *trash) { free(trash); }

static void close_socket(pmm__stream_t *s) {
  if (s->ssl) SSL_free(s->ssl);
  s->ssl = NULL;
  unwatch(s);
  if (s->fd >= 0) close(s->fd);
  s->fd = -1;
}

/* The handle stays until the loop has let go of it; the memory with it. */
static void dispose(pmm__stream_t *s) {
  s->state = ENDED;
  s->owner = NULL;
  pmm__loop_off(s->loop, &s->timer);
  if (s->prev) s->prev->next = s->next;
  else s->loop->stream = s->next;
  if (s->next) s->next->prev = s->prev;
  if (s->lookup) { /* a look-up under way frees itself */
    s->lookup->stream = NULL;
    uv_cancel((uv_req_t *)&s->lookup->req);
  }
  if (s->list) uv_freeaddrinfo(s->list);
  s->list = NULL;
  close_socket(s);
  pmm__buf_fini(&s->out);
  if (s->polled) uv_close((uv_handle_t *)&s->poll, free_stream);
  else if (!s->handle_closing) pmm__loop_trash(s->loop, &s->trash, trash_stream);
}

static void tell_end(void *ctx) {
  pmm__stream_t *const s = ctx;
  void *const owner = s->owner;
  const pmm__stream_ops_t *const ops = s->ops;
  char why[sizeof s->why];
  memcpy(why, s->why, sizeof why);
  dispose(s);
  if (owner) ops->closed(owner, why);
}

/* Told from the loop: its owner may be in the middle of a call. */
static void fail(pmm__stream_t *s, const char *why) {
  if (s->state == ENDED) return;
  s->state = ENDED;
  snprintf(s->why, sizeof s->why, "%s", why);
  unwatch(s);
  s->timer.fn = tell_end;
  pmm__loop_soon(s->loop, &s->timer);
}

static void on_linger_end(void *ctx) { dispose(ctx); }

void pmm__stream_cut(pmm__stream_t *s) { dispose(s); }

void pmm__stream_finish(pmm__stream_t *s) {
  if (s->state != OPEN) { dispose(s); return; }
  s->owner = NULL;
  s->state = LINGERS;
  s->paused = false;
  s->timer.fn = on_linger_end;
  pmm__loop_at(s->loop, &s->timer, pmm__loop_mono() + FLUSH_NS);
  pmm__stream_flush(s);
}

/* -- what the loop watches for -- */

static void watch(pmm__stream_t *s) {
  if (s->state == ENDED) return;
  int events = UV_DISCONNECT;
  if (!s->paused) events |= UV_READABLE;
  if (s->state == CONNECTS || s->tls_wants_write || (s->out.len > 0 && s->state != HANDSHAKES)) events |= UV_WRITABLE;
  if (events == s->watched) return; /* libuv would take the socket out and put it in again: two system calls a message */
  s->watched = events;
  uv_poll_start(&s->poll, events, on_poll);
}

static void unwatch(pmm__stream_t *s) {
  if (s->polled) uv_poll_stop(&s->poll);
  s->watched = 0;
}

static bool poll_fd(pmm__stream_t *s) {
  if (uv_poll_init(&s->loop->uv, &s->poll, s->fd) != 0) return false;
  s->poll.data = s;
  s->polled = true;
  return true;
}

static void set_options(int fd) {
  int const on = 1, idle_s = 20, every_s = 5, times = 3;
  setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
  setsockopt(fd, SOL_SOCKET, SO_KEEPALIVE, &on, sizeof on);
  setsockopt(fd, IPPROTO_TCP, TCP_KEEPIDLE, &idle_s, sizeof idle_s);
  setsockopt(fd, IPPROTO_TCP, TCP_KEEPINTVL, &every_s, sizeof every_s);
  setsockopt(fd, IPPROTO_TCP, TCP_KEEPCNT, &times, sizeof times);
}

/* -- TLS -- */

static const char *tls_why(pmm__stream_t *s, char *text, size_t cap) {
  long const verdict = SSL_get_verify_result(s->ssl);
  if (verdict != X509_V_OK) snprintf(text, cap, "certificate refused: %s", X509_verify_cert_error_string(verdict));
  else {
    const char *const reason = ERR_reason_error_string(ERR_peek_error());
    snprintf(text, cap, "TLS: %s", reason ? reason : "connection closed");
  }
  ERR_clear_error();
  return text;
}

/* True when the call is to be repeated once the socket is ready; a broken connection has been dealt with otherwise. */
static bool tls_again(pmm__stream_t *s, int ret) {
  char text[160];
  s->tls_wants_write = false;
  switch (SSL_get_error(s->ssl, ret)) {
  case SSL_ERROR_WANT_READ: return true;
  case SSL_ERROR_WANT_WRITE: s->tls_wants_write = true; return true;
  case SSL_ERROR_ZERO_RETURN: fail(s, "closed by the other side"); return false;
  default: fail(s, tls_why(s, text, sizeof text)); return false;
  }
}

static void step_handshake(pmm__stream_t *s) {
  ERR_clear_error();
  int const ret = SSL_do_handshake(s->ssl);
  if (ret != 1) {
    if (tls_again(s, ret)) watch(s);
    return;
  }
  s->tls_wants_write = false;
  s->state = OPEN;
  s->ops->opened(s->owner);
  if (s->state == OPEN) step_open(s); /* the first bytes may have come with the last of the handshake */
}

/* -- connecting -- */

static void connected(pmm__stream_t *s) {
  pmm__loop_off(s->loop, &s->timer);
  if (s->list) uv_freeaddrinfo(s->list);
  s->list = s->address = NULL;
  set_options(s->fd);
  if (!s->tls) {
    s->state = OPEN;
    watch(s);
    s->ops->opened(s->owner);
    return;
  }
  s->ssl = pmm__tls_client(s->loop, s->fd, s->host);
  if (!s->ssl) { fail(s, "TLS: no memory"); return; }
  s->state = HANDSHAKES;
  step_handshake(s);
}

/* A handle belongs to one descriptor: the next address gets a stream's second handle only after the first is closed. */
static void on_old_closed(uv_handle_t *handle) {
  pmm__stream_t *const s = handle->data;
  s->handle_closing = false;
  if (s->state == ENDED) free(s);
  else try_next(s);
}

static void address_failed(pmm__stream_t *s, const char *why) {
  snprintf(s->why, sizeof s->why, "%s", why);
  pmm__loop_off(s->loop, &s->timer);
  if (!s->address) { fail(s, why); return; }
  close_socket(s);
  s->polled = false;
  s->handle_closing = true;
  uv_close((uv_handle_t *)&s->poll, on_old_closed);
}

static void on_address_timeout(void *ctx) {
  pmm__stream_t *const s = ctx;
  if (s->address) address_failed(s, "no answer");
}

static bool is_loopback(const struct sockaddr *address) {
  if (address->sa_family == AF_INET) return (ntohl(((const struct sockaddr_in *)(const void *)address)->sin_addr.s_addr) >> 24) == 127;
  return address->sa_family == AF_INET6 && IN6_IS_ADDR_LOOPBACK(&((const struct sockaddr_in6 *)(const void *)address)->sin6_addr);
}

/* Tries one address; NULL: under way, else why not. */
static const char *try_address(pmm__stream_t *s, const struct addrinfo *address) {
  if (!s->tls && !is_loopback(address->ai_addr)) return "plain text only to this machine";
  s->fd = socket(address->ai_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
  if (s->fd < 0) return strerror(errno);
  if (connect(s->fd, address->ai_addr, address->ai_addrlen) == 0 || errno == EINPROGRESS) return poll_fd(s) ? NULL : "no event";
  const char *const why = strerror(errno);
  close(s->fd);
  s->fd = -1;
  return why;
}

static void try_next(pmm__stream_t *s) {
  while (s->address) {
    const struct addrinfo *const address = s->address;
    s->address = address->ai_next;
    const char *const why = try_address(s, address);
    if (!why) {
      s->state = CONNECTS;
      s->timer.fn = on_address_timeout;
      pmm__loop_at(s->loop, &s->timer, pmm__loop_mono() + ADDRESS_NS);
      watch(s);
      return;
    }
    snprintf(s->why, sizeof s->why, "%s", why);
  }
  char why[sizeof s->why];
  memcpy(why, s->why, sizeof why);
  fail(s, why[0] ? why : "no address");
}

static void step_connect(pmm__stream_t *s) {
  int error = 0;
  socklen_t len = sizeof error;
  if (getsockopt(s->fd, SOL_SOCKET, SO_ERROR, &error, &len) != 0) error = errno;
  if (error == EINPROGRESS) return;
  if (error != 0) address_failed(s, strerror(error));
  else connected(s);
}

static void on_resolved(uv_getaddrinfo_t *req, int status, struct addrinfo *list) {
  lookup_t *const lookup = (lookup_t *)req;
  pmm__stream_t *const s = lookup->stream;
  free(lookup);
  if (!s) {
    if (status == 0) uv_freeaddrinfo(list);
    return;
  }
  s->lookup = NULL;
  if (status != 0) { fail(s, uv_strerror(status)); return; }
  s->list = s->address = list;
  try_next(s);
}

/* Addresses and localhost need nobody to ask. */
static bool resolve_here(pmm__stream_t *s, const char *port) {
  struct addrinfo const hints = {.ai_socktype = SOCK_STREAM, .ai_flags = AI_NUMERICHOST | AI_NUMERICSERV};
  const char *const host = strcasecmp(s->host, "localhost") == 0 ? "127.0.0.1" : s->host;
  return getaddrinfo(host, port, &hints, &s->list) == 0;
}

static void on_start(void *ctx) {
  pmm__stream_t *const s = ctx;
  try_next(s);
}

static void enlist(pmm__stream_t *s) {
  s->next = s->loop->stream;
  if (s->next) s->next->prev = s;
  s->loop->stream = s;
}

pmm__stream_t *pmm__stream_connect(pmm__loop_t *loop, const char *host, int port, bool tls, const pmm__stream_ops_t *ops, void *owner) {
  pmm__stream_t *const s = pmm__loop_take(sizeof *s);
  *s = (pmm__stream_t){.loop = loop, .ops = ops, .owner = owner, .fd = -1, .port = port, .tls = tls, .timer = {.ctx = s}};
  enlist(s);
  snprintf(s->host, sizeof s->host, "%s", host);
  char text[8];
  snprintf(text, sizeof text, "%d", port);
  if (resolve_here(s, text)) {
    s->address = s->list;
    s->timer.fn = on_start;
    pmm__loop_soon(loop, &s->timer);
    return s;
  }
  struct addrinfo const hints = {.ai_socktype = SOCK_STREAM, .ai_flags = AI_ADDRCONFIG | AI_NUMERICSERV};
  s->lookup = pmm__loop_take(sizeof *s->lookup);
  s->lookup->stream = s;
  if (uv_getaddrinfo(&loop->uv, &s->lookup->req, on_resolved, s->host, text, &hints) != 0) {
    free(s->lookup);
    s->lookup = NULL;
    fail(s, "the name cannot be looked up");
  }
  return s;
}

pmm__stream_t *pmm__stream_accept(pmm__loop_t *loop, int fd, SSL_CTX *context, const pmm__stream_ops_t *ops, void *owner) {
  pmm__stream_t *const s = pmm__loop_take(sizeof *s);
  *s = (pmm__stream_t){.loop = loop, .ops = ops, .owner = owner, .fd = fd, .state = context ? HANDSHAKES : OPEN, .tls = context != NULL, .timer = {.ctx = s}};
  enlist(s);
  set_options(fd);
  if (context) {
    s->ssl = SSL_new(context);
    if (!s->ssl || SSL_set_fd(s->ssl, fd) != 1) { dispose(s); return NULL; }
    SSL_set_accept_state(s->ssl);
  }
  if (!poll_fd(s)) { dispose(s); return NULL; }
  watch(s);
  return s;
}

/* -- writing -- */

/* Bytes taken; 0: none now; < 0: the connection is broken (dealt with). */
static ssize_t write_some(pmm__stream_t *s, const char *data, size_t len) {
  if (s->ssl) {
    ERR_clear_error();
    int const n = SSL_write(s->ssl, data, len > INT_MAX ? INT_MAX : (int)len);
    if (n > 0) s->tls_wants_write = false;
    return n > 0 ? n : tls_again(s, n) ? 0 : -1;
  }
  ssize_t const n = send(s->fd, data, len, MSG_NOSIGNAL);
  if (n >= 0) return n;
  if (errno == EAGAIN || errno == EINTR) return 0;
  fail(s, strerror(errno));
  return -1;
}

/* All is written: the other side learns that nothing more comes. */
static void linger(pmm__stream_t *s) {
  if (s->ssl) SSL_shutdown(s->ssl);
  ERR_clear_error();
  shutdown(s->fd, SHUT_WR);
  pmm__loop_at(s->loop, &s->timer, pmm__loop_mono() + LINGER_NS);
}

void pmm__stream_flush(pmm__stream_t *s) {
  if (s->state != OPEN && s->state != LINGERS) return;
  while (s->out.len > 0) {
    ssize_t const n = write_some(s, pmm__buf_data(&s->out), s->out.len);
    if (n < 0) return;
    if (n == 0) break;
    pmm__buf_drop(&s->out, (size_t)n);
  }
  if (s->out.len == 0) {
    if (s->out.cap > OUT_KEEP) pmm__buf_clear(&s->out, OUT_KEEP);
    if (s->state == LINGERS) linger(s);
  }
  watch(s);
}

pmm__buf_t *pmm__stream_out(pmm__stream_t *s) { return &s->out; }
size_t pmm__stream_waiting(const pmm__stream_t *s) { return s->out.len; }

/* -- reading -- */

static ssize_t read_some(pmm__stream_t *s, char *out, size_t cap) {
  if (s->ssl) {
    ERR_clear_error();
    int const n = SSL_read(s->ssl, out, (int)cap);
    if (n > 0) return n;
    tls_again(s, n);
    return -1;
  }
  ssize_t const n = recv(s->fd, out, cap, 0);
  if (n > 0) return n;
  if (n == 0) fail(s, "closed by the other side");
  else if (errno != EAGAIN && errno != EINTR) fail(s, strerror(errno));
  return -1;
}

static void on_more(void *ctx) { step_open(ctx); }

/* Reads until there is no more. A short read of a plain socket has emptied it: no second call to learn that. What TLS has read ahead, the loop
   cannot see; it is fetched in the next turn. */
static void step_open(pmm__stream_t *s) {
  int reads = 0;
  for (; reads < READS_MAX && (s->state == OPEN || s->state == LINGERS) && !s->paused; reads++) {
    ssize_t const n = read_some(s, s->loop->in, PMM__READ_MAX);
    if (n <= 0) break;
    if (s->state == OPEN) s->ops->data(s->owner, s->loop->in, (size_t)n, pmm__loop_mono());
    if (!s->ssl && (size_t)n < PMM__READ_MAX) break;
  }
  if (s->state != OPEN && s->state != LINGERS) return;
  watch(s);
  if (s->state != OPEN || s->paused || !s->ssl || reads < READS_MAX) return;
  s->timer.fn = on_more;
  pmm__loop_soon(s->loop, &s->timer);
}

void pmm__stream_pause(pmm__stream_t *s, bool pause) {
  if (s->paused == pause) return;
  s->paused = pause;
  if (s->state != OPEN) return;
  watch(s);
  if (pause || !s->ssl) return;
  s->timer.fn = on_more;
  pmm__loop_soon(s->loop, &s->timer);
}

static void step_write(pmm__stream_t *s) {
  bool const had = s->out.len > 0;
  pmm__stream_flush(s);
  if (had && s->state == OPEN && s->out.len == 0 && s->ops->drained) s->ops->drained(s->owner);
}

/* A paused connection that breaks is told at once; one that is read learns of it by reading, after its last bytes. libuv reports any error of
   a socket as a bad descriptor, so reading also finds out which it was. */
static void on_poll(uv_poll_t *handle, int status, int events) {
  pmm__stream_t *const s = handle->data;
  if (s->state == ENDED) return;
  if (status < 0) unwatch(s); /* libuv has done so already */
  if (s->state == CONNECTS) { step_connect(s); return; }
  if (status < 0) events = UV_DISCONNECT;
  if (s->state == HANDSHAKES) { step_handshake(s); return; }
  if (events & UV_WRITABLE) step_write(s);
  if (s->state != OPEN && s->state != LINGERS) return;
  if (s->paused && (events & UV_DISCONNECT)) fail(s, "closed by the other side");
  else if (events & (UV_READABLE | UV_DISCONNECT)) step_open(s);
}
