/* net_service.h -- a service that answers everything with what came, for the fuzz targets of the network. */
#ifndef PMM_FUZZ_NET_SERVICE_H
#define PMM_FUZZ_NET_SERVICE_H
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>
#include "base/json.h"
#include "pmm/service.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* Every byte that is promised is read, so that a sanitizer sees one too few. */
static volatile char fuzz_sum;
static void fuzz_touch(const char *text, size_t len) {
  char sum = 0;
  for (size_t i = 0; i < len; i++) sum = (char)(sum ^ text[i]);
  fuzz_sum = sum;
}

static void fuzz_http(pmm_service_t *s, pmm_call_t *call, const pmm_request_t *q) {
  char value[64];
  fuzz_touch(q->method, strlen(q->method) + 1);
  fuzz_touch(q->path, strlen(q->path) + 1);
  fuzz_touch(q->body, q->body_len + PMM_JSON_PAD);
  if (pmm_query_get(q->query, "a", 0, value, sizeof value) == PMM_OK) fuzz_touch(value, strlen(value) + 1);
  const char *const header = pmm_request_header(q, "KALSHI-ACCESS-KEY");
  if (header && header[0] == 'd') s->host_ops->drop(s->host, call);
  else pmm_service_reply(s, call, 200, q->body, q->body_len);
}
static int fuzz_upgrade(pmm_service_t *s, pmm_peer_t *peer, const pmm_request_t *q, char *refusal, size_t cap) {
  (void)s;
  (void)peer;
  (void)refusal;
  (void)cap;
  return strcmp(q->path, "/no") == 0 ? 401 : 0;
}
static void fuzz_message(pmm_service_t *s, pmm_peer_t *peer, const char *text, size_t len) {
  fuzz_touch(text, len + PMM_JSON_PAD);
  if (len > 0 && text[0] == 'x') s->host_ops->close(s->host, peer, 1000, "bye");
  else pmm_service_send(s, peer, text, len);
}
static void fuzz_closed(pmm_service_t *s, pmm_peer_t *peer) {
  (void)s;
  (void)peer;
}
static int64_t fuzz_advance(pmm_service_t *s, int64_t now_ns) {
  (void)s;
  (void)now_ns;
  return PMM_NS_MAX;
}
static const pmm_service_ops_t fuzz_ops = {.name = "fuzz", .http = fuzz_http, .upgrade = fuzz_upgrade, .message = fuzz_message, .closed = fuzz_closed, .advance = fuzz_advance};
#endif
