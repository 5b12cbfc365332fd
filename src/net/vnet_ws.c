/* vnet_ws.c -- the client's stream in virtual time: attempts with backoff, rotation, promotion; see pmm/net.h.
   A stream has connections, oldest first; `closed` is always told from the loop, never from inside a call. */
#include "net/vnet_impl.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define TO_SERVER_MAX ((size_t)1 << 20)
#define MESSAGE_MAX ((size_t)4 << 20)
#define BACKOFF_MIN_NS (PMM_NS_PER_S / 2)
#define BACKOFF_MAX_NS (30 * PMM_NS_PER_S)
#define STEADY_NS (5 * PMM_NS_PER_S) /* a connection that lived so long ends a row of failures */

struct pmm__vws {
  pmm_ws_t base;
  pmm__vnet_t *vnet;
  pmm_ws_config_t config;
  pmm__vurl_t url;
  pmm__vlink_t *link;            /* oldest first, by next_ws */
  uint32_t conn_last, failures;
  bool rotating, never;          /* a fresh one is wanted beside the old; the owner said so */
  bool *gone;                    /* set when the stream is closed from inside a callback */
  pmm_timer_t attempt, rotate;
  pmm__vws_t *prev, *next;
};

const pmm__vurl_t *pmm__vws_url(const pmm__vws_t *ws) { return &ws->url; }

/* -- connections of a stream -- */

static pmm__vlink_t *find(pmm__vws_t *ws, uint32_t conn) {
  pmm__vlink_t *link = ws->link;
  while (link && link->conn != conn) link = link->next_ws;
  return link;
}

static void append(pmm__vws_t *ws, pmm__vlink_t *link) {
  pmm__vlink_t **at = &ws->link;
  while (*at) at = &(*at)->next_ws;
  *at = link;
}

static void unlink_ws(pmm__vlink_t *link) {
  pmm__vlink_t **at = &link->ws->link;
  while (*at != link) at = &(*at)->next_ws;
  *at = link->next_ws;
  link->ws = NULL;
}

/* The client's end is done with it: no timer of his runs, and the service learns what it can. */
static void let_go(pmm__vlink_t *link, bool told) {
  pmm__heap_t *const heap = &link->net->heap;
  pmm__heap_stop(heap, &link->connect);
  pmm__heap_stop(heap, &link->idle);
  pmm__heap_stop(heap, &link->ping);
  pmm__heap_stop(heap, &link->end);
  unlink_ws(link);
  link->state[PMM__V_CLIENT] = PMM__V_CLOSED;
  if (!told) pmm__vlink_send(link, PMM__V_SERVER, PMM__V_CLOSE, 1000, NULL, 0, 0);
}

static bool has_usable(const pmm__vws_t *ws) {
  for (const pmm__vlink_t *l = ws->link; l; l = l->next_ws)
    if (l->state[PMM__V_CLIENT] <= PMM__V_OPEN) return true;
  return false;
}

/* Another attempt, after a backoff, where one is wanted and none is on its way. */
static void attempt_later(pmm__vws_t *ws, int64_t least_ns) {
  if (ws->never || ws->attempt.heap != 0 || (has_usable(ws) && !ws->rotating)) return;
  ws->failures += ws->failures < 32;
  int64_t const min_ns = ws->config.backoff_min_ns > 0 ? ws->config.backoff_min_ns : BACKOFF_MIN_NS;
  int64_t const max_ns = pmm_max64(min_ns, ws->config.backoff_max_ns > 0 ? ws->config.backoff_max_ns : BACKOFF_MAX_NS);
  int64_t const wait_ns = pmm_max64(pmm__vnet_backoff(ws->vnet, min_ns, max_ns, ws->failures), least_ns);
  pmm__vnet_at(ws->vnet, &ws->attempt, ws->vnet->mono_ns + wait_ns);
}

/* -- an end comes, and is told from the loop -- */

/* The oldest left takes the place of one that ended; where the fresh one ended, another is wanted. */
static void succeed(pmm__vws_t *ws, uint32_t conn) {
  pmm__vlink_t *const first = ws->link;
  if (ws->rotating && first && conn > first->conn) return;
  ws->rotating = false;
  if (first && first->state[PMM__V_CLIENT] == PMM__V_OPEN && ws->config.rotate_ns > 0)
    pmm__vnet_at(ws->vnet, &ws->rotate, first->opened_ns + ws->config.rotate_ns);
}

static void on_end(void *ctx) {
  pmm__vlink_t *const link = ctx;
  pmm__vws_t *const ws = link->ws;
  if (link->opened_ns >= 0 && link->net->mono_ns - link->opened_ns >= STEADY_NS) ws->failures = 0;
  unlink_ws(link);
  link->state[PMM__V_CLIENT] = PMM__V_CLOSED;
  succeed(ws, link->conn);
  int64_t least_ns = 0;
  bool gone = false;
  if (ws->config.closed) {
    ws->gone = &gone;
    least_ns = ws->config.closed(ws->config.ctx, link->conn, link->end_code, link->end_http, link->end_why);
    if (!gone) ws->gone = NULL;
  }
  pmm__vlink_sweep(link);
  if (gone) return;
  if (least_ns < 0) ws->never = true;
  attempt_later(ws, pmm_max64(least_ns, 0));
}

/* From here on nothing more of it is delivered. tell: a close frame goes to the service. */
static void end(pmm__vlink_t *link, int code, int http, const char *why, bool tell) {
  if (link->state[PMM__V_CLIENT] >= PMM__V_CLOSING) return;
  link->state[PMM__V_CLIENT] = PMM__V_CLOSING;
  link->end_code = code;
  link->end_http = http;
  snprintf(link->end_why, sizeof link->end_why, "%s", why);
  pmm__heap_stop(&link->net->heap, &link->connect);
  pmm__heap_stop(&link->net->heap, &link->idle);
  pmm__heap_stop(&link->net->heap, &link->ping);
  if (tell) pmm__vlink_send(link, PMM__V_SERVER, PMM__V_CLOSE, code, NULL, 0, 0);
  pmm__vnet_at(link->net, &link->end, link->net->mono_ns);
}

static void on_connect_timeout(void *ctx) { end(ctx, 1006, 0, "no answer", true); }
static void on_idle(void *ctx) { end(ctx, 1006, 0, "silent for too long", true); }

static void on_ping(void *ctx) {
  pmm__vlink_t *const link = ctx;
  pmm__vlink_send(link, PMM__V_SERVER, PMM__V_PING, 0, NULL, 0, 0);
  pmm__vnet_at(link->net, &link->ping, link->net->mono_ns + link->ws->config.ping_ns);
}

/* -- attempts -- */

static void on_attempt(void *ctx) {
  pmm__vws_t *const ws = ctx;
  pmm_header_t header[PMM_WS_HEADERS_MAX];
  size_t cnt = 0;
  if (ws->config.headers) {
    bool gone = false;
    ws->gone = &gone;
    pmm_status_t const st = ws->config.headers(ws->config.ctx, header, &cnt);
    if (gone) return;
    ws->gone = NULL;
    if (st != PMM_OK) {
      attempt_later(ws, 0);
      return;
    }
  }
  pmm__vlink_t *const link = pmm__vlink_new(ws->vnet, pmm__vnet_find(ws->vnet, &ws->url));
  link->ws = ws;
  link->conn = ++ws->conn_last;
  link->opened_ns = -1;
  link->connect = (pmm_timer_t){.fn = on_connect_timeout, .ctx = link};
  link->idle = (pmm_timer_t){.fn = on_idle, .ctx = link};
  link->ping = (pmm_timer_t){.fn = on_ping, .ctx = link};
  link->end = (pmm_timer_t){.fn = on_end, .ctx = link};
  append(ws, link);
  pmm__vlink_send(link, PMM__V_SERVER, PMM__V_UPGRADE, 0, (const char *)(const void *)header, cnt, 0);
  pmm__vnet_at(ws->vnet, &link->connect, ws->vnet->mono_ns + PMM__VNET_CONNECT_NS);
}

static void on_rotate(void *ctx) {
  pmm__vws_t *const ws = ctx;
  if (!ws->link || ws->rotating) return;
  ws->rotating = true;
  if (ws->attempt.heap == 0) pmm__vnet_at(ws->vnet, &ws->attempt, ws->vnet->mono_ns);
}

/* -- what arrives -- */

static void heard(pmm__vlink_t *link) {
  int64_t const idle_ns = link->ws->config.idle_ns;
  if (idle_ns > 0) pmm__vnet_at(link->net, &link->idle, link->net->mono_ns + idle_ns);
}

static void opened(pmm__vlink_t *link) {
  pmm__vws_t *const ws = link->ws;
  link->state[PMM__V_CLIENT] = PMM__V_OPEN;
  link->opened_ns = link->net->mono_ns;
  pmm__heap_stop(&link->net->heap, &link->connect);
  if (ws->config.ping_ns > 0) pmm__vnet_at(link->net, &link->ping, link->net->mono_ns + ws->config.ping_ns);
  if (ws->config.rotate_ns > 0 && ws->link == link) pmm__vnet_at(link->net, &ws->rotate, link->net->mono_ns + ws->config.rotate_ns);
  if (ws->config.opened) ws->config.opened(ws->config.ctx, link->conn);
}

static void message(pmm__vlink_t *link, const char *text, size_t len) {
  const pmm_ws_config_t *const config = &link->ws->config;
  size_t const message_max = config->message_max ? config->message_max : MESSAGE_MAX;
  if (len > message_max) end(link, 1009, 0, "message too large", true);
  else config->message(config->ctx, link->conn, text, len, link->net->mono_ns);
}

void pmm__vws_parcel(pmm__vlink_t *link, pmm__vpacket_t kind, int code, const char *text, size_t len) {
  if (!link->ws || link->state[PMM__V_CLIENT] >= PMM__V_CLOSING) return; /* nobody waits for it */
  heard(link);
  switch (kind) {
  case PMM__V_OPENED: opened(link); break;
  case PMM__V_REFUSED: end(link, 1006, code, text, false); break;
  case PMM__V_MESSAGE: message(link, text, len); break;
  case PMM__V_PING: pmm__vlink_send(link, PMM__V_SERVER, PMM__V_PONG, 0, text, len, 0); break;
  case PMM__V_CLOSE: end(link, code, 0, text, code != 1006); break;
  case PMM__V_PONG:
  case PMM__V_UPGRADE: break;
  }
}

/* -- what the owner asks for -- */

pmm_status_t pmm__vws_open(pmm_net_t *base, const pmm_ws_config_t *config, pmm_ws_t **out, pmm_error_t *err) {
  pmm__vnet_t *const net = (pmm__vnet_t *)base;
  pmm__vurl_t url;
  if (net->closing) return pmm_error_set(err, PMM_STATE, "the network closes");
  if (!config->message) return pmm_error_set(err, PMM_INVAL, "a stream without a reader");
  pmm_status_t const st = pmm__vurl_parse(&url, config->url, "ws", err);
  if (st != PMM_OK) return st;
  pmm__vws_t *const ws = pmm__vnet_take(sizeof *ws);
  *ws = (pmm__vws_t){.base = {base}, .vnet = net, .config = *config, .url = url, .attempt = {.fn = on_attempt, .ctx = ws}, .rotate = {.fn = on_rotate, .ctx = ws}, .next = net->ws};
  ws->config.url = NULL; /* the caller's */
  if (net->ws) net->ws->prev = ws;
  net->ws = ws;
  pmm__vnet_at(net, &ws->attempt, net->mono_ns);
  *out = &ws->base;
  return PMM_OK;
}

pmm_status_t pmm__vws_send(pmm_ws_t *base, uint32_t conn, const char *text, size_t len) {
  pmm__vlink_t *const link = find((pmm__vws_t *)base, conn);
  if (!link || link->state[PMM__V_CLIENT] != PMM__V_OPEN) return PMM_STATE;
  return pmm__vlink_send(link, PMM__V_SERVER, PMM__V_MESSAGE, 0, text, len, TO_SERVER_MAX);
}

void pmm__vws_promote(pmm_ws_t *base, uint32_t conn) {
  pmm__vws_t *const ws = (pmm__vws_t *)base;
  pmm__vlink_t *const link = find(ws, conn);
  if (!link || link->state[PMM__V_CLIENT] != PMM__V_OPEN) return;
  for (pmm__vlink_t *l = ws->link; l && l != link; l = l->next_ws) end(l, 1000, 0, "a fresh connection took over", true);
  ws->rotating = false;
  if (ws->config.rotate_ns > 0) pmm__vnet_at(ws->vnet, &ws->rotate, pmm_max64(link->opened_ns + ws->config.rotate_ns, ws->vnet->mono_ns));
}

void pmm__vws_reconnect(pmm_ws_t *base, uint32_t conn, const char *why) {
  for (pmm__vlink_t *l = ((pmm__vws_t *)base)->link; l; l = l->next_ws)
    if (conn == 0 || l->conn == conn) end(l, 1006, 0, why, true);
}

void pmm__vws_close(pmm_ws_t *base) {
  pmm__vws_t *const ws = (pmm__vws_t *)base;
  while (ws->link) {
    pmm__vlink_t *const link = ws->link;
    let_go(link, link->state[PMM__V_CLIENT] == PMM__V_CLOSING);
    pmm__vlink_sweep(link);
  }
  if (ws->gone) *ws->gone = true;
  pmm__heap_stop(&ws->vnet->heap, &ws->attempt);
  pmm__heap_stop(&ws->vnet->heap, &ws->rotate);
  if (ws->prev) ws->prev->next = ws->next;
  else ws->vnet->ws = ws->next;
  if (ws->next) ws->next->prev = ws->prev;
  pmm__vurl_fini(&ws->url);
  free(ws);
}

void pmm__vws_fini(pmm__vnet_t *net) {
  while (net->ws) pmm__vws_close(&net->ws->base);
}
