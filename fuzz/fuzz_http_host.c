/* fuzz_http_host.c -- what a host reads: heads, bodies, upgrades and a client's frames, over a socket pair, in the pieces that the first byte
   says. The parsers (http_parser, wslay) are fed as in the program, and every connection ends with its client. */
#include "net/host.h"
#include "net_service.h"

static pmm_net_t *net;
static pmm_host_t *host;
static pmm_service_t service = {.ops = &fuzz_ops};

static void start(void) {
  if (pmm_net_open(&net, &(pmm_net_config_t){0}, NULL) != PMM_OK || pmm_host_open(&host, net, &service, &(pmm_host_config_t){0}, NULL) != PMM_OK) abort();
}

static void swallow(int fd) {
  char bytes[65536];
  while (recv(fd, bytes, sizeof bytes, MSG_DONTWAIT) > 0) {}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  if (!net) start();
  if (size == 0) return 0;
  int fd[2];
  if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, fd) != 0) abort();
  pmm__guest_new(host, fd[0], "fuzz");
  size_t const piece = (data[0] & 0x3f) ? (size_t)(data[0] & 0x3f) * 16 : size;
  for (size_t at = 1; at < size; at += piece) {
    if (send(fd[1], data + at, size - at < piece ? size - at : piece, MSG_NOSIGNAL) < 0) break;
    pmm_net_step(net, 0);
    swallow(fd[1]);
  }
  close(fd[1]);
  for (int i = 0; (host->guest || host->loop->stream) && i < 100; i++) pmm_net_step(net, 0);
  if (host->guest) abort(); /* it must not outlive its client */
  pmm_net_step(net, 0);     /* frees what ended: with nothing held, libFuzzer need not look for leaks */
  pmm_net_step(net, 0);
  return 0;
}
