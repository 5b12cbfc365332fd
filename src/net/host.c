#include "net/host.h"
#include <arpa/inet.h>
#include <errno.h>
#include <netdb.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>
#include "net/tls.h"

#define CONNECTIONS_MAX 1024
#define HEADER_NS (5 * PMM_NS_PER_S)
#define BODY_NS (10 * PMM_NS_PER_S)
#define ACCEPTS_MAX 64                          /* in one turn */

void pmm__host_report(struct pmm_host *host, const char *code, const char *remote, const char *why) {
  pmm_notice(&host->notices, pmm__loop_wall(), PMM_WARN, "host", code, PMM_NOTICE_NO_MARKET, ":%d %s: %s", host->port, remote, why);
}

/* -- what the service asks for -- */

static void reply(void *ctx, pmm_call_t *call, int http, const pmm_header_t *header, size_t header_cnt, const char *body, size_t len) {
  (void)ctx;
  pmm__guest_reply(call, http, header, header_cnt, body, len);
}
static void drop(void *ctx, pmm_call_t *call) {
  (void)ctx;
  pmm__guest_hang_up(call);
}
static pmm_status_t send_text(void *ctx, pmm_peer_t *peer, const char *text, size_t len) {
  (void)ctx;
  return pmm__guest_send(peer, text, len);
}
static void ping(void *ctx, pmm_peer_t *peer, const char *payload, size_t len) {
  (void)ctx;
  pmm__guest_ping(peer, payload, len);
}
static void close_peer(void *ctx, pmm_peer_t *peer, int code, const char *why) {
  (void)ctx;
  pmm__guest_close(peer, code, why);
}
static int64_t now(void *ctx) {
  (void)ctx;
  return pmm__loop_wall();
}
static void wake(void *ctx) {
  struct pmm_host *const host = ctx;
  pmm__loop_soon(host->loop, &host->advance);
}
static const pmm_host_ops_t host_ops = {.reply = reply, .drop = drop, .send = send_text, .ping = ping, .close = close_peer, .now = now, .wake = wake};

static void on_advance(void *ctx) {
  struct pmm_host *const host = ctx;
  int64_t const now_ns = pmm__loop_wall(), next_ns = host->service->ops->advance(host->service, now_ns);
  if (next_ns != PMM_NS_MAX && host->advance.heap == 0) /* 0: it has not asked to be woken meanwhile */
    pmm__loop_at(host->loop, &host->advance, pmm__loop_mono() + pmm_max64(next_ns - now_ns, 0));
}

/* -- listening -- */

static void on_incoming(uv_poll_t *handle, int status, int events) {
  (void)status;
  (void)events;
  struct pmm_host *const host = handle->data;
  for (int i = 0; i < ACCEPTS_MAX && host->fd >= 0; i++) {
    struct sockaddr_storage address;
    socklen_t len = sizeof address;
    char remote[64] = "unknown";
    int const fd = accept4(host->fd, (struct sockaddr *)&address, &len, SOCK_NONBLOCK | SOCK_CLOEXEC);
    if (fd < 0) return;
    getnameinfo((struct sockaddr *)&address, len, remote, sizeof remote, NULL, 0, NI_NUMERICHOST);
    if (host->cnt < host->max) {
      pmm__guest_new(host, fd, remote);
      continue;
    }
    close(fd);
    int64_t const now_ns = pmm__loop_mono();
    if (now_ns < host->full_told_ns + PMM_NS_PER_S) continue;
    host->full_told_ns = now_ns;
    pmm__host_report(host, "too-many", remote, "connection refused: too many are open");
  }
}

static pmm_status_t bind_and_listen(struct pmm_host *host, const char *bind_to, int port, pmm_error_t *err) {
  char text[8];
  snprintf(text, sizeof text, "%d", port);
  struct addrinfo const hints = {.ai_socktype = SOCK_STREAM, .ai_flags = AI_PASSIVE | AI_NUMERICHOST | AI_NUMERICSERV};
  struct addrinfo *list;
  int const bad = getaddrinfo(bind_to, text, &hints, &list);
  if (bad != 0) return pmm_error_set(err, PMM_INVAL, "%s: %s", bind_to, gai_strerror(bad));
  int const on = 1;
  host->fd = socket(list->ai_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
  bool ok = host->fd >= 0 && setsockopt(host->fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on) == 0;
  ok = ok && bind(host->fd, list->ai_addr, list->ai_addrlen) == 0 && listen(host->fd, SOMAXCONN) == 0;
  freeaddrinfo(list);
  return ok ? PMM_OK : pmm_error_set(err, PMM_IO, "%s:%d: %s", bind_to, port, strerror(errno));
}

static int port_of(int fd) {
  struct sockaddr_storage address;
  socklen_t len = sizeof address;
  if (getsockname(fd, (struct sockaddr *)&address, &len) != 0) return 0;
  if (address.ss_family == AF_INET6) return ntohs(((struct sockaddr_in6 *)&address)->sin6_port);
  return ntohs(((struct sockaddr_in *)&address)->sin_port);
}

static pmm_status_t start(struct pmm_host *host, const pmm_host_config_t *config, pmm_error_t *err) {
  pmm_status_t st = PMM_OK;
  if (config->cert_file) st = pmm__tls_server(&host->tls, config->cert_file, config->key_file, err);
  if (st == PMM_OK) st = bind_and_listen(host, config->bind ? config->bind : "127.0.0.1", config->port, err);
  if (st != PMM_OK) return st;
  host->port = port_of(host->fd);
  host->poll = pmm__loop_take(sizeof *host->poll);
  host->poll->data = host;
  uv_poll_init(&host->loop->uv, host->poll, host->fd);
  uv_poll_start(host->poll, UV_READABLE, on_incoming);
  return PMM_OK;
}

pmm_status_t pmm_host_open(pmm_host_t **out, pmm_net_t *net, pmm_service_t *service, const pmm_host_config_t *config, pmm_error_t *err) {
  if (!config->cert_file != !config->key_file) return pmm_error_set(err, PMM_INVAL, "a certificate and its key: both or none");
  if (config->port < 0 || config->port > 65535) return pmm_error_set(err, PMM_INVAL, "port %d", config->port);
  struct pmm_host *const host = pmm__loop_take(sizeof *host);
  *host = (struct pmm_host){.loop = (pmm__loop_t *)net, .service = service, .fd = -1, .notices = config->notices, .full_told_ns = -PMM_NS_PER_S};
  host->max = config->connections_max ? config->connections_max : CONNECTIONS_MAX;
  host->header_ns = config->header_timeout_ns > 0 ? config->header_timeout_ns : HEADER_NS;
  host->body_ns = config->body_timeout_ns > 0 ? config->body_timeout_ns : BODY_NS;
  host->advance = (pmm_timer_t){.fn = on_advance, .ctx = host};
  pmm_status_t const st = start(host, config, err);
  if (st != PMM_OK) {
    if (host->fd >= 0) close(host->fd);
    SSL_CTX_free(host->tls);
    free(host);
    return st;
  }
  host->next = host->loop->host;
  host->loop->host = host;
  service->host_ops = &host_ops;
  service->host = host;
  pmm__loop_soon(host->loop, &host->advance);
  *out = host;
  return PMM_OK;
}

int pmm_host_port(const pmm_host_t *host) { return host->port; }

static void free_handle(uv_handle_t *handle) { free(handle); }

static void free_host(pmm__trash_t *trash) {
  struct pmm_host *const host = (struct pmm_host *)trash;
  SSL_CTX_free(host->tls);
  free(host);
}

void pmm_host_close(pmm_host_t *host) {
  if (!host) return;
  uv_poll_stop(host->poll);
  uv_close((uv_handle_t *)host->poll, free_handle);
  close(host->fd);
  host->fd = -1;
  while (host->guest) pmm__guest_drop(host->guest);
  pmm__loop_off(host->loop, &host->advance);
  struct pmm_host **at = &host->loop->host;
  while (*at != host) at = &(*at)->next;
  *at = host->next;
  pmm__loop_trash(host->loop, &host->trash, free_host);
}
