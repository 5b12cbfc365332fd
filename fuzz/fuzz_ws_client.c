/* fuzz_ws_client.c -- what a stream reads: the answer to its upgrade, right when the first bit says so, and a server's frames, over a loopback
   socket. Whatever comes, the stream tells of its end once. */
#include "net_server.h"
#include "net/head.h"

static fuzz_server_t server;
typedef struct client { int closed; } client_t;

static void on_message(void *ctx, uint32_t conn, const char *text, size_t len, int64_t recv_ns) {
  (void)ctx;
  (void)conn;
  (void)recv_ns;
  fuzz_touch(text, len + PMM_JSON_PAD);
}
static int64_t on_closed(void *ctx, uint32_t conn, int code, int http, const char *why) {
  (void)conn;
  (void)code;
  (void)http;
  fuzz_touch(why, strlen(why) + 1);
  ((client_t *)ctx)->closed++;
  return -1;
}

static void answer(int fd, const char *head, bool deflate) {
  char key[32] = "", accept[32], text[320];
  const char *const at = strcasestr(head, "sec-websocket-key: ");
  if (at) snprintf(key, sizeof key, "%.24s", at + 19);
  pmm__head_accept(key, accept);
  int const n = snprintf(text, sizeof text, "HTTP/1.1 101 x\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: %s\r\n%s\r\n", accept,
                         deflate ? "Sec-WebSocket-Extensions: permessage-deflate\r\n" : "");
  if (send(fd, text, (size_t)n, MSG_NOSIGNAL) != n) abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  if (!server.net) fuzz_listen(&server, "ws");
  if (size == 0) return 0;
  client_t client = {0};
  pmm_ws_t *ws;
  char head[2048];
  pmm_ws_config_t const config = {.url = server.url, .message = on_message, .closed = on_closed, .ctx = &client, .message_max = 1 << 16, .deflate = true};
  if (pmm_ws_open(server.net, &config, &ws, NULL) != PMM_OK) abort();
  int const fd = fuzz_accept(&server, head, sizeof head);
  if (fd < 0) abort();
  if (data[0] & 1) answer(fd, head, data[0] & 2);
  fuzz_write(&server, fd, data + 1, size - 1, (data[0] >> 2) ? (size_t)(data[0] >> 2) * 8 : size);
  close(fd);
  for (int i = 0; i < 1000 && client.closed == 0; i++) pmm_net_step(server.net, 0);
  if (client.closed != 1) abort();
  pmm_ws_close(ws);
  for (int i = 0; i < 3; i++) pmm_net_step(server.net, 0); /* frees what ended: with nothing held, libFuzzer need not look for leaks */
  return 0;
}
