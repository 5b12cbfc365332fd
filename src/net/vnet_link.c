/* vnet_link.c -- a WebSocket connection in virtual time: parcels under way between two ends, in order, and the service's end. */
#include "net/vnet_impl.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define TO_CLIENT_MAX ((size_t)4 << 20) /* waits for a client that reads too slowly */
#define CLOSE_WAIT_NS (5 * PMM_NS_PER_S) /* for the other end's close frame */

struct pmm__vparcel {
  pmm__vlink_t *link;
  pmm_timer_t timer;
  uint8_t to, kind;
  bool is_lost;
  int code;
  size_t len;
  pmm__vparcel_t *prev, *next;
  pmm_header_t *header; size_t header_cnt; /* UPGRADE */
  char text[];                             /* len bytes and PMM_JSON_PAD zeros */
};

/* -- life -- */

static void on_gone(void *ctx) { /* tells the service, once */
  pmm__vlink_t *const link = ctx;
  if (link->state[PMM__V_SERVER] == PMM__V_CLOSED) return;
  bool const was_peer = link->state[PMM__V_SERVER] != PMM__V_CONNECTING;
  link->state[PMM__V_SERVER] = PMM__V_CLOSED;
  pmm__heap_stop(&link->net->heap, &link->gone);
  pmm_service_t *const service = link->host ? link->host->service : NULL;
  if (was_peer && service) service->ops->closed(service, &link->peer);
  pmm__vlink_sweep(link);
}

pmm__vlink_t *pmm__vlink_new(pmm__vnet_t *net, pmm__vhost_t *host) {
  pmm__vlink_t *const link = pmm__vnet_take(sizeof *link);
  *link = (pmm__vlink_t){.net = net, .host = host, .epoch = host ? host->epoch : 0, .gone = {.fn = on_gone, .ctx = link}, .next = net->link};
  if (net->link) net->link->prev = link;
  net->link = link;
  return link;
}

static void link_free(pmm__vlink_t *link) {
  pmm_timer_t *const timer[] = {&link->connect, &link->idle, &link->ping, &link->end, &link->gone};
  for (size_t i = 0; i < sizeof timer / sizeof timer[0]; i++) pmm__heap_stop(&link->net->heap, timer[i]);
  if (link->prev) link->prev->next = link->next;
  else link->net->link = link->next;
  if (link->next) link->next->prev = link->prev;
  free(link);
}

void pmm__vlink_sweep(pmm__vlink_t *link) {
  if (link->parcels == 0 && link->state[PMM__V_CLIENT] == PMM__V_CLOSED && link->state[PMM__V_SERVER] == PMM__V_CLOSED) link_free(link);
}

static bool alive(const pmm__vlink_t *link) { return !link->host || (link->host->up && link->host->epoch == link->epoch); }

/* -- the service's end -- */

static void refuse(pmm__vlink_t *link, int http, const char *why) {
  link->state[PMM__V_SERVER] = PMM__V_CLOSED;
  pmm__vlink_send(link, PMM__V_CLIENT, PMM__V_REFUSED, http, why, strlen(why), 0);
}

static void upgrade(pmm__vlink_t *link, const pmm__vparcel_t *parcel) {
  pmm_service_t *const service = link->host ? link->host->service : NULL;
  if (!service) {
    refuse(link, 0, link->host ? "connection refused" : "no such host");
    return;
  }
  if (!link->ws) { /* the client gave up before */
    link->state[PMM__V_SERVER] = PMM__V_CLOSED;
    return;
  }
  char refusal[512] = "";
  const pmm__vurl_t *const url = pmm__vws_url(link->ws);
  pmm__headers_t const headers = {parcel->header, parcel->header_cnt};
  char *const none = pmm__vnet_copy("", 0);
  pmm_request_t const request = {.method = "GET", .path = url->path, .query = url->query, .body = none, .remote = "127.0.0.1",
                                 .header = pmm__vnet_request_header, .impl = &headers};
  int const http = service->ops->upgrade(service, &link->peer, &request, refusal, sizeof refusal);
  free(none);
  if (http != 0) {
    refuse(link, http, refusal);
    return;
  }
  link->state[PMM__V_SERVER] = PMM__V_OPEN;
  pmm__vlink_send(link, PMM__V_CLIENT, PMM__V_OPENED, 0, NULL, 0, 0);
  if (service->ops->opened) service->ops->opened(service, &link->peer);
}

static void to_service(pmm__vlink_t *link, const pmm__vparcel_t *parcel) {
  pmm_service_t *const service = link->host ? link->host->service : NULL;
  if (parcel->kind == PMM__V_UPGRADE) upgrade(link, parcel);
  else if (link->state[PMM__V_SERVER] == PMM__V_CLOSED || !service) return;
  else if (parcel->kind == PMM__V_CLOSE) on_gone(link); /* the client's close frame, or its answer to ours */
  else if (link->state[PMM__V_SERVER] != PMM__V_OPEN) return;
  else if (parcel->kind == PMM__V_PING) pmm__vlink_send(link, PMM__V_CLIENT, PMM__V_PONG, 0, parcel->text, parcel->len, 0);
  else if (parcel->kind == PMM__V_PONG && service->ops->pong) service->ops->pong(service, &link->peer, parcel->text, parcel->len);
  else if (parcel->kind == PMM__V_MESSAGE && parcel->len > PMM_SERVICE_MESSAGE_MAX) pmm__vlink_peer_close(link->host, &link->peer, 1009, "message too large");
  else if (parcel->kind == PMM__V_MESSAGE) service->ops->message(service, &link->peer, parcel->text, parcel->len);
}

/* -- parcels -- */

static void parcel_free(pmm__vparcel_t *parcel) {
  pmm__vlink_t *const link = parcel->link;
  pmm__heap_stop(&link->net->heap, &parcel->timer);
  if (parcel->prev) parcel->prev->next = parcel->next;
  else link->net->parcel = parcel->next;
  if (parcel->next) parcel->next->prev = parcel->prev;
  if (!parcel->is_lost) link->under_way[parcel->to] -= parcel->len; /* what is lost clogs the sender's buffer for good */
  link->parcels--;
  if (parcel->header) pmm__vnet_free_headers(parcel->header, parcel->header_cnt);
  free(parcel);
}

static void on_arrival(void *ctx) {
  pmm__vparcel_t *const parcel = ctx;
  pmm__vlink_t *const link = parcel->link;
  parcel->is_lost = !alive(link);
  if (parcel->is_lost && parcel->kind == PMM__V_UPGRADE) link->state[PMM__V_SERVER] = PMM__V_CLOSED; /* it never hears of it */
  if (!parcel->is_lost && parcel->to == PMM__V_SERVER) to_service(link, parcel);
  else if (!parcel->is_lost) pmm__vws_parcel(link, (pmm__vpacket_t)parcel->kind, parcel->code, parcel->text, parcel->len);
  parcel_free(parcel);
  pmm__vlink_sweep(link);
}

pmm_status_t pmm__vlink_send(pmm__vlink_t *link, pmm__vend_t to, pmm__vpacket_t kind, int code, const char *text, size_t len, size_t cap) {
  if (cap > 0 && link->under_way[to] + len > cap) return PMM_FULL;
  pmm__vnet_t *const net = link->net;
  pmm__vparcel_t *const parcel = pmm__vnet_take(sizeof *parcel + len + PMM_JSON_PAD);
  *parcel = (pmm__vparcel_t){.link = link, .timer = {.fn = on_arrival, .ctx = parcel}, .to = (uint8_t)to, .kind = (uint8_t)kind, .code = code, .len = len, .next = net->parcel};
  if (kind == PMM__V_UPGRADE) { /* text: the headers, len of them */
    parcel->header = pmm__vnet_copy_headers((const pmm_header_t *)(const void *)text, len);
    parcel->header_cnt = len;
    parcel->len = 0;
  } else if (len > 0) memcpy(parcel->text, text, len);
  if (net->parcel) net->parcel->prev = parcel;
  net->parcel = parcel;
  link->parcels++;
  link->under_way[to] += parcel->len;
  link->last_ns[to] = pmm_max64(link->last_ns[to], net->mono_ns + pmm__vnet_delay(net));
  pmm__vnet_at(net, &parcel->timer, link->last_ns[to]);
  return PMM_OK;
}

/* -- what services ask for -- */

pmm_status_t pmm__vlink_peer_send(void *host, pmm_peer_t *peer, const char *text, size_t len) {
  pmm__vlink_t *const link = (pmm__vlink_t *)peer;
  if (link->state[PMM__V_SERVER] != PMM__V_OPEN) return PMM_STATE;
  pmm_status_t const st = pmm__vlink_send(link, PMM__V_CLIENT, PMM__V_MESSAGE, 0, text, len, TO_CLIENT_MAX);
  if (st == PMM_FULL) pmm__vlink_peer_close(host, peer, 1006, "client reads too slowly");
  return st;
}

void pmm__vlink_peer_ping(void *host, pmm_peer_t *peer, const char *payload, size_t len) {
  (void)host;
  pmm__vlink_t *const link = (pmm__vlink_t *)peer;
  if (link->state[PMM__V_SERVER] == PMM__V_OPEN) pmm__vlink_send(link, PMM__V_CLIENT, PMM__V_PING, 0, payload, len, 0);
}

/* After a close frame the client's answer is waited for; a cut needs none. */
void pmm__vlink_peer_close(void *host, pmm_peer_t *peer, int code, const char *why) {
  (void)host;
  pmm__vlink_t *const link = (pmm__vlink_t *)peer;
  if (link->state[PMM__V_SERVER] != PMM__V_OPEN) return;
  link->state[PMM__V_SERVER] = PMM__V_CLOSING;
  pmm__vlink_send(link, PMM__V_CLIENT, PMM__V_CLOSE, code, why, why ? strlen(why) : 0, 0);
  pmm__vnet_at(link->net, &link->gone, link->net->mono_ns + (code == 1006 ? 0 : CLOSE_WAIT_NS));
}

void pmm__vlink_cut(pmm__vhost_t *host) {
  pmm__vlink_t *link = host->net->link;
  while (link) {
    if (link->host != host || link->state[PMM__V_SERVER] == PMM__V_CLOSED || link->state[PMM__V_SERVER] == PMM__V_CONNECTING) {
      link = link->next;
      continue;
    }
    if (link->state[PMM__V_CLIENT] != PMM__V_CLOSED) pmm__vlink_send(link, PMM__V_CLIENT, PMM__V_CLOSE, 1006, NULL, 0, 0);
    on_gone(link);
    link = host->net->link; /* it, or others, may be gone */
  }
}

void pmm__vlink_fini(pmm__vnet_t *net) {
  while (net->parcel) parcel_free(net->parcel);
  while (net->link) link_free(net->link);
}
