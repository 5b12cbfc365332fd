/* ws.c -- a logical stream over connections that come and go (pmm/net.h): attempts with backoff, rotation and promotion. */
#include "net/ws.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "net/link.h"

#define CONNS_MAX 3                             /* side by side: old, fresh, and one that took over while another was fresh */
#define MESSAGE_MAX ((size_t)4 << 20)
#define BACKOFF_MIN_NS (PMM_NS_PER_S / 2)
#define BACKOFF_MAX_NS (30 * PMM_NS_PER_S)
#define STEADY_NS (5 * PMM_NS_PER_S)            /* a connection that lived so long ends a row of failures */

struct pmm__ws {
  pmm_ws_t base;
  pmm__trash_t trash;
  pmm__loop_t *loop;
  pmm_ws_config_t config;
  pmm__url_t url;
  pmm__link_t *link[CONNS_MAX]; size_t link_cnt; /* oldest first */
  uint32_t conn_last, failures;
  bool rotating, never, closed;                  /* a fresh one is wanted beside the old; the owner said so */
  pmm_timer_t attempt, rotate;
  pmm__ws_t *next;
};

pmm_ws_t *pmm__ws_base(pmm__ws_t *ws) { return &ws->base; }

static pmm__link_t *find(const pmm__ws_t *ws, uint32_t conn) {
  for (size_t i = 0; i < ws->link_cnt; i++)
    if (pmm__link_conn(ws->link[i]) == conn) return ws->link[i];
  return NULL;
}

static void forget(pmm__ws_t *ws, const pmm__link_t *link) {
  size_t n = 0;
  for (size_t i = 0; i < ws->link_cnt; i++)
    if (ws->link[i] != link) ws->link[n++] = ws->link[i];
  ws->link_cnt = n;
}

/* Where it went and why, without path and query, which may carry a key. */
static void report(const pmm__ws_t *ws, pmm_severity_t severity, const char *code, uint32_t conn, const char *why) {
  pmm_notice(&ws->loop->notices, pmm__loop_wall(), severity, "net", code, PMM_NOTICE_NO_MARKET, "%s://%s:%d #%u%s%s", ws->url.scheme, ws->url.host,
             ws->url.port, conn, why[0] ? ": " : "", why);
}

/* -- attempts -- */

static bool has_usable(const pmm__ws_t *ws) {
  for (size_t i = 0; i < ws->link_cnt; i++)
    if (!pmm__link_is_ending(ws->link[i])) return true;
  return false;
}

/* Another attempt, after a backoff, where one is wanted and none is on its way. */
static void attempt_later(pmm__ws_t *ws, int64_t least_ns) {
  if (ws->never || ws->attempt.heap != 0 || (has_usable(ws) && !ws->rotating)) return;
  ws->failures += ws->failures < 32;
  int64_t const min_ns = ws->config.backoff_min_ns > 0 ? ws->config.backoff_min_ns : BACKOFF_MIN_NS;
  int64_t const max_ns = pmm_max64(min_ns, ws->config.backoff_max_ns > 0 ? ws->config.backoff_max_ns : BACKOFF_MAX_NS);
  int64_t const wait_ns = pmm_max64(pmm__loop_backoff(ws->loop, min_ns, max_ns, ws->failures - 1), least_ns);
  pmm__loop_at(ws->loop, &ws->attempt, pmm__loop_mono() + wait_ns);
}

static void rotate_at(pmm__ws_t *ws, const pmm__link_t *link) {
  if (ws->config.rotate_ns > 0) pmm__loop_at(ws->loop, &ws->rotate, pmm_max64(pmm__link_opened_ns(link) + ws->config.rotate_ns, pmm__loop_mono()));
}

static void on_opened(void *owner, pmm__link_t *link) {
  pmm__ws_t *const ws = owner;
  if (ws->link[0] == link) rotate_at(ws, link);
  report(ws, PMM_NOTE, "connected", pmm__link_conn(link), "");
  if (ws->config.opened) ws->config.opened(ws->config.ctx, pmm__link_conn(link));
}

static void on_message(void *owner, pmm__link_t *link, const char *text, size_t len, int64_t recv_ns) {
  pmm__ws_t *const ws = owner;
  ws->config.message(ws->config.ctx, pmm__link_conn(link), text, len, recv_ns);
}

/* The oldest left takes the place of one that ended; where the fresh one ended, another is wanted. */
static void succeed(pmm__ws_t *ws, uint32_t conn) {
  pmm__link_t *const first = ws->link_cnt ? ws->link[0] : NULL;
  if (ws->rotating && first && conn > pmm__link_conn(first)) return;
  ws->rotating = false;
  if (first && pmm__link_is_open(first)) rotate_at(ws, first);
}

static void on_ended(void *owner, pmm__link_t *link, int code, int http, const char *why, int64_t retry_ns) {
  pmm__ws_t *const ws = owner;
  int64_t const opened_ns = pmm__link_opened_ns(link);
  uint32_t const conn = pmm__link_conn(link);
  if (opened_ns >= 0 && pmm__loop_mono() - opened_ns >= STEADY_NS) ws->failures = 0;
  forget(ws, link);
  succeed(ws, conn);
  report(ws, code == 1000 ? PMM_NOTE : PMM_WARN, "disconnected", conn, why);
  int64_t least_ns = 0;
  if (ws->config.closed) least_ns = ws->config.closed(ws->config.ctx, conn, code, http, why);
  if (ws->closed) return;
  if (least_ns < 0) ws->never = true;
  attempt_later(ws, pmm_max64(pmm_max64(least_ns, retry_ns), 0));
}

static const pmm__link_ops_t link_ops = {on_opened, on_message, on_ended};

static bool headers_are_valid(const pmm_header_t *header, size_t cnt) {
  if (cnt > PMM_WS_HEADERS_MAX) return false;
  for (size_t i = 0; i < cnt; i++)
    if (!pmm__header_is_valid(&header[i])) return false;
  return true;
}

static void on_attempt(void *ctx) {
  pmm__ws_t *const ws = ctx;
  pmm_header_t header[PMM_WS_HEADERS_MAX];
  size_t cnt = 0;
  pmm_status_t st = ws->config.headers ? ws->config.headers(ws->config.ctx, header, &cnt) : PMM_OK;
  if (ws->closed) return;
  if (st == PMM_OK && (!headers_are_valid(header, cnt) || ws->link_cnt == CONNS_MAX)) st = PMM_INVAL;
  if (st != PMM_OK) {
    attempt_later(ws, 0);
    return;
  }
  pmm__link_config_t const config = {.url = &ws->url, .header = header, .header_cnt = cnt, .message_max = ws->config.message_max,
                                     .ping_ns = ws->config.ping_ns, .idle_ns = ws->config.idle_ns, .deflate = ws->config.deflate};
  ws->link[ws->link_cnt++] = pmm__link_open(ws->loop, &config, ++ws->conn_last, &link_ops, ws);
}

static void on_rotate(void *ctx) {
  pmm__ws_t *const ws = ctx;
  if (ws->link_cnt == 0 || ws->rotating) return;
  ws->rotating = true;
  if (ws->attempt.heap == 0) pmm__loop_soon(ws->loop, &ws->attempt);
}

/* -- what the owner asks for -- */

pmm_status_t pmm__ws_open(pmm_net_t *net, const pmm_ws_config_t *config, pmm_ws_t **out, pmm_error_t *err) {
  pmm__url_t url;
  if (!config->message) return pmm_error_set(err, PMM_INVAL, "a stream without a reader");
  pmm_status_t const st = pmm__url_parse(&url, config->url, "wss", "ws", err);
  if (st != PMM_OK) return st;
  pmm__loop_t *const loop = (pmm__loop_t *)net;
  pmm__ws_t *const ws = pmm__loop_take(sizeof *ws);
  *ws = (pmm__ws_t){.base = {net}, .loop = loop, .config = *config, .url = url, .next = loop->ws};
  ws->config.url = NULL; /* the caller's */
  if (ws->config.message_max == 0) ws->config.message_max = MESSAGE_MAX;
  ws->attempt = (pmm_timer_t){.fn = on_attempt, .ctx = ws};
  ws->rotate = (pmm_timer_t){.fn = on_rotate, .ctx = ws};
  loop->ws = ws;
  pmm__loop_soon(loop, &ws->attempt);
  *out = &ws->base;
  return PMM_OK;
}

pmm_status_t pmm__ws_send(pmm_ws_t *base, uint32_t conn, const char *text, size_t len) {
  pmm__link_t *const link = find((pmm__ws_t *)base, conn);
  return link ? pmm__link_send(link, text, len) : PMM_STATE;
}

void pmm__ws_promote(pmm_ws_t *base, uint32_t conn) {
  pmm__ws_t *const ws = (pmm__ws_t *)base;
  pmm__link_t *const link = find(ws, conn);
  if (!link || !pmm__link_is_open(link)) return;
  for (size_t i = 0; ws->link[i] != link; i++) pmm__link_end(ws->link[i], 1000, "a fresh connection took over");
  ws->rotating = false;
  rotate_at(ws, link);
}

void pmm__ws_reconnect(pmm_ws_t *base, uint32_t conn, const char *why) {
  pmm__ws_t *const ws = (pmm__ws_t *)base;
  for (size_t i = 0; i < ws->link_cnt; i++)
    if (conn == 0 || pmm__link_conn(ws->link[i]) == conn) pmm__link_end(ws->link[i], 1006, why);
}

static void free_ws(pmm__trash_t *trash) { free((char *)trash - offsetof(pmm__ws_t, trash)); }

void pmm__ws_close(pmm_ws_t *base) {
  pmm__ws_t *const ws = (pmm__ws_t *)base;
  ws->closed = true;
  for (size_t i = 0; i < ws->link_cnt; i++) pmm__link_drop(ws->link[i]);
  ws->link_cnt = 0;
  pmm__loop_off(ws->loop, &ws->attempt);
  pmm__loop_off(ws->loop, &ws->rotate);
  pmm__ws_t **at = &ws->loop->ws;
  while (*at != ws) at = &(*at)->next;
  *at = ws->next;
  pmm__loop_trash(ws->loop, &ws->trash, free_ws);
}
