#include "net/link.h"
#include <http_parser.h>
#include <openssl/evp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include "net/frames.h"
#include "net/head.h"
#include "net/stream.h"
#include "pmm/version.h"

#define CONNECT_NS (10 * PMM_NS_PER_S)      /* name, connection, TLS and upgrade together */
#define WAITING_MAX ((size_t)1 << 20)       /* bytes for a peer that reads too slowly */
#define RETRY_MAX_S 300                     /* the longest Retry-After that is believed */

typedef enum state { CONNECTS, UPGRADES, OPEN, ENDING, GONE } state_t;

struct pmm__link {
  pmm__trash_t trash;
  pmm__loop_t *loop;
  pmm__link_config_t config;
  const pmm__link_ops_t *ops; void *owner;
  uint32_t conn;
  state_t state;
  pmm__stream_t *stream;
  pmm__buf_t request;              /* the upgrade, until it is sent */
  char accept[32];
  http_parser parser; bool head_done;
  pmm__head_t head;
  pmm__frames_t *frames;
  int64_t opened_ns, heard_ns, recv_ns;
  pmm_timer_t connect, ping, idle, end;
  int code, http; char why[160]; int64_t retry_ns;
};

uint32_t pmm__link_conn(const pmm__link_t *link) { return link->conn; }
bool pmm__link_is_open(const pmm__link_t *link) { return link->state == OPEN; }
bool pmm__link_is_ending(const pmm__link_t *link) { return link->state >= ENDING; }
int64_t pmm__link_opened_ns(const pmm__link_t *link) { return link->opened_ns; }

/* -- ends -- */

static void free_link(pmm__trash_t *trash) {
  pmm__link_t *const link = (pmm__link_t *)trash;
  pmm__frames_free(link->frames);
  pmm__head_fini(&link->head);
  pmm__buf_fini(&link->request);
  free(link);
}

static void stop_timers(pmm__link_t *link) {
  pmm__loop_off(link->loop, &link->connect);
  pmm__loop_off(link->loop, &link->ping);
  pmm__loop_off(link->loop, &link->idle);
}

static void dispose(pmm__link_t *link) {
  if (link->state == GONE) return;
  link->state = GONE;
  stop_timers(link);
  pmm__loop_off(link->loop, &link->end);
  if (link->frames) pmm__frames_stop(link->frames);
  pmm__loop_trash(link->loop, &link->trash, free_link);
}

static void on_end(void *ctx) {
  pmm__link_t *const link = ctx;
  dispose(link);
  link->ops->ended(link->owner, link, link->code, link->http, link->why, link->retry_ns);
}

/* What a peer gave as its reason goes into logs: one line of whole characters. */
static void copy_why(char *out, size_t cap, const char *why) {
  size_t len = strnlen(why, cap - 1);
  while (len > 0 && ((unsigned char)why[len] & 0xc0) == 0x80) len--;
  for (size_t i = 0; i < len; i++) out[i] = (unsigned char)why[i] < 0x20 || why[i] == 0x7f ? ' ' : why[i];
  out[len] = '\0';
}

/* Nothing more is delivered; its owner learns of it from the loop. */
static void end(pmm__link_t *link, int code, const char *why) {
  if (link->state >= ENDING) return;
  link->state = ENDING;
  link->code = code;
  copy_why(link->why, sizeof link->why, why);
  stop_timers(link);
  if (link->frames) pmm__frames_stop(link->frames);
  pmm__loop_soon(link->loop, &link->end);
}

/* Sends a close frame where there can be one and lets the socket drain behind our back. */
static void hang_up(pmm__link_t *link, int code, const char *why) {
  if (!link->stream) return;
  if (link->frames && pmm__frames_put_close(link->frames, pmm__stream_out(link->stream), code, why)) pmm__stream_finish(link->stream);
  else pmm__stream_cut(link->stream);
  link->stream = NULL;
}

void pmm__link_end(pmm__link_t *link, int code, const char *why) {
  if (link->state >= ENDING) return;
  hang_up(link, code == 1006 ? 1001 : code, why);
  end(link, code, why);
}

void pmm__link_drop(pmm__link_t *link) {
  hang_up(link, 1000, "");
  dispose(link);
}

static void on_connect_timeout(void *ctx) { pmm__link_end(ctx, 1006, "no answer in time"); }

/* -- alive or not -- */

static void on_idle(void *ctx) {
  pmm__link_t *const link = ctx;
  int64_t const due_ns = link->heard_ns + link->config.idle_ns;
  if (pmm__loop_mono() >= due_ns) pmm__link_end(link, 1006, "silent for too long");
  else pmm__loop_at(link->loop, &link->idle, due_ns); /* moved lazily: a timer per message would cost more than the message */
}

static void on_ping(void *ctx) {
  pmm__link_t *const link = ctx;
  pmm__loop_at(link->loop, &link->ping, pmm__loop_mono() + link->config.ping_ns);
  if (pmm__stream_waiting(link->stream) > 0) return; /* what waits will be answered, or the silence noticed */
  if (pmm__frames_put(link->frames, pmm__stream_out(link->stream), PMM__PING, "", 0)) pmm__stream_flush(link->stream);
}

/* -- messages -- */

static void on_message(void *owner, const char *text, size_t len) {
  pmm__link_t *const link = owner;
  link->ops->message(link->owner, link, text, len, link->recv_ns);
}

static void on_peer_ping(void *owner, const char *payload, size_t len) {
  pmm__link_t *const link = owner;
  if (pmm__stream_waiting(link->stream) > WAITING_MAX) return;
  if (pmm__frames_put(link->frames, pmm__stream_out(link->stream), PMM__PONG, payload, len)) pmm__stream_flush(link->stream);
}

static void on_peer_pong(void *owner, const char *payload, size_t len) {
  (void)owner;
  (void)payload;
  (void)len;
}

static void on_peer_close(void *owner, int code, const char *why) {
  pmm__link_t *const link = owner;
  hang_up(link, code, "");
  end(link, code, why[0] ? why : "closed by the other side");
}

static void on_mask(void *owner, unsigned char *out, size_t len) { pmm__loop_random(((pmm__link_t *)owner)->loop, out, len); }

static const pmm__frames_ops_t frames_ops = {on_message, on_peer_ping, on_peer_pong, on_peer_close, on_mask};

static void feed(pmm__link_t *link, const char *bytes, size_t len) {
  const char *why;
  int const code = len > 0 ? pmm__frames_feed(link->frames, bytes, len, &why) : 0;
  if (code) pmm__link_end(link, code, why);
}

/* -- the upgrade -- */

static int on_field(http_parser *p, const char *at, size_t len) { return pmm__head_field(&((pmm__link_t *)p->data)->head, at, len) ? 0 : -1; }
static int on_value(http_parser *p, const char *at, size_t len) { return pmm__head_value(&((pmm__link_t *)p->data)->head, at, len) ? 0 : -1; }

/* A status from 100 to 199 but 101 announces another head; the parser goes on to it by itself. */
static int on_head(http_parser *p) {
  pmm__link_t *const link = p->data;
  if (!pmm__head_seal(&link->head)) return -1;
  if (p->status_code >= 100 && p->status_code < 200 && p->status_code != 101) {
    pmm__head_reset(&link->head);
    return 0;
  }
  link->head_done = true;
  http_parser_pause(p, 1); /* whatever follows is not HTTP, or of no interest */
  return 0;
}

static const http_parser_settings parser_settings = {.on_header_field = on_field, .on_header_value = on_value, .on_headers_complete = on_head};

static void refuse(pmm__link_t *link) {
  char why[96];
  const char *const after = pmm__head_get(&link->head, "Retry-After");
  long const retry_s = after ? strtol(after, NULL, 10) : 0; /* a date instead of seconds reads as 0 */
  link->retry_ns = (retry_s > RETRY_MAX_S ? RETRY_MAX_S : retry_s > 0 ? retry_s : 0) * PMM_NS_PER_S;
  link->http = link->parser.status_code;
  snprintf(why, sizeof why, "upgrade refused: HTTP %d", link->http);
  pmm__link_end(link, 1006, why);
}

static bool start_frames(pmm__link_t *link) {
  const char *const accept = pmm__head_get(&link->head, "Sec-WebSocket-Accept"), *const extensions = pmm__head_get(&link->head, "Sec-WebSocket-Extensions");
  pmm__frames_config_t config = {.client = true, .message_max = link->config.message_max};
  if (!pmm__head_has(&link->head, "Upgrade", "websocket") || !pmm__head_has(&link->head, "Connection", "upgrade")) return false;
  if (!accept || strcmp(accept, link->accept) != 0 || pmm__head_get(&link->head, "Sec-WebSocket-Protocol")) return false;
  if (pmm__deflate_agreed(extensions, &config.deflate) != PMM_OK || (config.deflate.on && !link->config.deflate)) return false;
  return (link->frames = pmm__frames_new(&config, &frames_ops, link)) != NULL;
}

static void open_now(pmm__link_t *link) {
  link->state = OPEN;
  link->opened_ns = pmm__loop_mono();
  pmm__loop_off(link->loop, &link->connect);
  if (link->config.ping_ns > 0) pmm__loop_at(link->loop, &link->ping, link->opened_ns + link->config.ping_ns);
  if (link->config.idle_ns > 0) pmm__loop_at(link->loop, &link->idle, link->opened_ns + link->config.idle_ns);
  link->ops->opened(link->owner, link);
}

static void read_upgrade(pmm__link_t *link, const char *bytes, size_t len) {
  size_t const used = http_parser_execute(&link->parser, &parser_settings, bytes, len);
  if (!link->head_done) {
    if (HTTP_PARSER_ERRNO(&link->parser) == HPE_OK) return;
    pmm__link_end(link, 1006, link->head.fault == PMM__HEAD_LARGE ? "endless headers" : "answer to the upgrade is not HTTP");
    return;
  }
  if (link->parser.status_code != 101) { refuse(link); return; }
  if (!start_frames(link)) { pmm__link_end(link, 1006, "bad answer to the upgrade"); return; }
  /* A pause in on_headers_complete stops on the last byte of the head, the line feed, without having passed it. */
  size_t const skip = used < len && bytes[used] == '\n' ? used + 1 : used;
  open_now(link);
  if (link->state == OPEN) feed(link, bytes + skip, len - skip);
}

/* -- the stream below -- */

static void on_opened(void *owner) {
  pmm__link_t *const link = owner;
  link->state = UPGRADES;
  pmm__buf_put(pmm__stream_out(link->stream), pmm__buf_data(&link->request), link->request.len);
  pmm__buf_fini(&link->request);
  pmm__stream_flush(link->stream);
}

static void on_data(void *owner, const char *bytes, size_t len, int64_t recv_ns) {
  pmm__link_t *const link = owner;
  link->heard_ns = link->recv_ns = recv_ns;
  if (link->state == OPEN) feed(link, bytes, len);
  else if (link->state == UPGRADES) read_upgrade(link, bytes, len);
}

static void on_closed(void *owner, const char *why) {
  pmm__link_t *const link = owner;
  link->stream = NULL;
  end(link, 1006, why);
}

static const pmm__stream_ops_t stream_ops = {.opened = on_opened, .data = on_data, .closed = on_closed};

static bool put_text(pmm__buf_t *out, const char *text) { return pmm__buf_put(out, text, strlen(text)); }

static void write_request(pmm__link_t *link) {
  const pmm__url_t *const url = link->config.url;
  unsigned char nonce[16];
  char key[32], line[768];
  pmm__loop_random(link->loop, nonce, sizeof nonce);
  EVP_EncodeBlock((unsigned char *)key, nonce, sizeof nonce);
  pmm__head_accept(key, link->accept);
  pmm__buf_t *const out = &link->request;
  put_text(out, "GET ");
  put_text(out, url->target);
  bool const v6 = strchr(url->host, ':') != NULL;
  char port[16] = "";
  if (url->bare_port) snprintf(port, sizeof port, ":%d", url->port);
  snprintf(line, sizeof line, " HTTP/1.1\r\nHost: %s%s%s%s\r\nUser-Agent: pmm/" PMM_VERSION "\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
           "Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: %s\r\n%s", v6 ? "[" : "", url->host, v6 ? "]" : "", port, key,
           link->config.deflate ? "Sec-WebSocket-Extensions: " PMM__DEFLATE_OFFER "\r\n" : "");
  put_text(out, line);
  for (size_t i = 0; i < link->config.header_cnt; i++) {
    put_text(out, link->config.header[i].name);
    put_text(out, ": ");
    put_text(out, link->config.header[i].value);
    put_text(out, "\r\n");
  }
  put_text(out, "\r\n");
}

pmm__link_t *pmm__link_open(pmm__loop_t *loop, const pmm__link_config_t *config, uint32_t conn, const pmm__link_ops_t *ops, void *owner) {
  pmm__link_t *const link = pmm__loop_take(sizeof *link);
  link->loop = loop;
  link->config = *config;
  link->ops = ops;
  link->owner = owner;
  link->conn = conn;
  link->opened_ns = -1;
  link->connect = (pmm_timer_t){.fn = on_connect_timeout, .ctx = link};
  link->ping = (pmm_timer_t){.fn = on_ping, .ctx = link};
  link->idle = (pmm_timer_t){.fn = on_idle, .ctx = link};
  link->end = (pmm_timer_t){.fn = on_end, .ctx = link};
  pmm__head_reset(&link->head);
  http_parser_init(&link->parser, HTTP_RESPONSE);
  link->parser.data = link;
  write_request(link);
  link->config.header = NULL; /* the caller's */
  link->stream = pmm__stream_connect(loop, config->url->host, config->url->port, config->url->tls, &stream_ops, link);
  pmm__loop_at(loop, &link->connect, pmm__loop_mono() + CONNECT_NS);
  return link;
}

pmm_status_t pmm__link_send(pmm__link_t *link, const char *text, size_t len) {
  if (link->state != OPEN || !link->stream) return PMM_STATE;
  if (pmm__stream_waiting(link->stream) + len > WAITING_MAX) return PMM_FULL;
  if (!pmm__frames_put(link->frames, pmm__stream_out(link->stream), PMM__TEXT, text, len)) return PMM_FULL;
  pmm__stream_flush(link->stream);
  return PMM_OK;
}
