/* fuzz_http_client.c -- what a request reads: an answer of libcurl's through our limits and our keeping of headers, over a loopback socket.
   Whatever comes, the callback is called once, and an answer is whole. */
#include "net_server.h"

static fuzz_server_t server;
typedef struct client { int done; } client_t;

static void on_done(void *ctx, uint64_t tag, const pmm_http_response_t *r) {
  (void)tag;
  ((client_t *)ctx)->done++;
  fuzz_touch(r->body, r->body_len + PMM_JSON_PAD);
  fuzz_touch(r->why, strlen(r->why) + 1);
  const char *const header = pmm_http_header(r, "Retry-After");
  if (header) fuzz_touch(header, strlen(header) + 1);
  if ((r->status == PMM_OK) != (r->http > 0)) abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  if (!server.net) fuzz_listen(&server, "http");
  if (size == 0) return 0;
  client_t client = {0};
  char head[2048];
  pmm_http_request_t const q = {.method = (data[0] & 1) ? "POST" : "GET", .url = server.url, .answer_max = 1 << 16, .done = on_done, .ctx = &client};
  if (pmm_http_send(server.net, &q, NULL) != PMM_OK) abort();
  int const fd = fuzz_accept(&server, head, sizeof head);
  if (fd < 0) abort();
  fuzz_write(&server, fd, data + 1, size - 1, (data[0] >> 2) ? (size_t)(data[0] >> 2) * 8 : size);
  shutdown(fd, SHUT_WR);
  for (int i = 0; i < 1000 && client.done == 0; i++) pmm_net_step(server.net, 0);
  close(fd);
  for (int i = 0; i < 100000 && client.done == 0; i++) pmm_net_step(server.net, PMM_NS_PER_MS);
  if (client.done != 1) abort();
  return 0;
}
