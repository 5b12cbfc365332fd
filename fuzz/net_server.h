/* net_server.h -- the listening end for targets in which a client of ours connects to the fuzzer. */
#ifndef PMM_FUZZ_NET_SERVER_H
#define PMM_FUZZ_NET_SERVER_H
#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdio.h>
#include "net_service.h"

typedef struct fuzz_server { pmm_net_t *net; int fd; char url[64]; } fuzz_server_t;

static void fuzz_listen(fuzz_server_t *s, const char *scheme) {
  struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr = {htonl(INADDR_LOOPBACK)}};
  socklen_t len = sizeof address;
  s->fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);
  if (bind(s->fd, (struct sockaddr *)&address, len) != 0 || listen(s->fd, 16) != 0) abort();
  getsockname(s->fd, (struct sockaddr *)&address, &len);
  snprintf(s->url, sizeof s->url, "%s://127.0.0.1:%d/x", scheme, ntohs(address.sin_port));
  if (pmm_net_open(&s->net, &(pmm_net_config_t){0}, NULL) != PMM_OK) abort();
}

/* Waits for the client's head; the connection, which is reset when closed (no port stays taken), or -1. */
static int fuzz_accept(fuzz_server_t *s, char *head, size_t cap) {
  struct linger const reset = {1, 0};
  size_t len = 0;
  int fd = -1;
  for (int i = 0; i < 10000; i++) {
    if (fd < 0) fd = accept4(s->fd, NULL, NULL, SOCK_NONBLOCK);
    ssize_t const n = fd < 0 ? 0 : recv(fd, head + len, cap - 1 - len, 0);
    if (n > 0) len += (size_t)n;
    head[len] = '\0';
    if (strstr(head, "\r\n\r\n")) break;
    pmm_net_step(s->net, 0);
  }
  if (fd >= 0) setsockopt(fd, SOL_SOCKET, SO_LINGER, &reset, sizeof reset);
  return fd;
}

static void fuzz_write(fuzz_server_t *s, int fd, const uint8_t *data, size_t size, size_t piece) {
  for (size_t at = 0; at < size; at += piece) {
    if (send(fd, data + at, size - at < piece ? size - at : piece, MSG_NOSIGNAL) < 0) break;
    pmm_net_step(s->net, 0);
  }
}
#endif
