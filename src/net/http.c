/* http.c -- requests over libcurl (pmm/net.h). curl's sockets are watched by uv_poll, its time by our timers; callbacks of users run from the
   loop and never inside a call of curl, so that they may send again. */
#include "net/http.h"
#include <arpa/inet.h>
#include <curl/curl.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/socket.h>
#include <unistd.h>
#include "base/json.h"
#include "net/head.h"
#include "net/tls.h"
#include "net/url.h"
#include "pmm/version.h"

#define REQUESTS_MAX 256
#define ANSWER_MAX ((size_t)8 << 20)
#define TIMEOUT_NS (10 * PMM_NS_PER_S)
#define BACKOFF_MIN_NS (100 * PMM_NS_PER_MS)
#define BACKOFF_MAX_NS (2 * PMM_NS_PER_S)
#define CONNECTIONS_KEPT 32L
#define KEPT_S 110L                             /* idle connections; load balancers commonly give up after 120 s or less */

typedef struct request {
  pmm__trash_t trash;
  pmm__https_t *https;
  CURL *easy;
  bool under_way, plain, idempotent, posts;
  char *mem; size_t mem_len;                    /* all texts below, wiped at the end: headers carry credentials */
  const char *method, *url, *body; size_t body_len;
  struct curl_slist *header;                    /* nodes and texts lie in mem */
  int64_t deadline_ns, sent_ns, recv_ns;
  int32_t attempts, retries;
  bool seen;                                    /* some byte of some attempt left */
  size_t answer_max;
  pmm__buf_t answer;
  pmm__head_t head; size_t head_bytes;
  bool overflow;
  CURLcode result;
  pmm_timer_t again;
  void (*done)(void *ctx, uint64_t tag, const pmm_http_response_t *response); void *ctx; uint64_t tag;
  struct request *prev, *next;                  /* all */
  struct request *finished_next;
} request_t;

/* A socket of curl's. One of a connection stays in the loop's set between requests (kept), so that these cost no change of the set; curl tells
   when it closes it. Others are the resolver's, which closes them without a word: they leave the set when curl has no use for them. */
typedef struct watched { uv_poll_t poll; pmm__https_t *https; curl_socket_t fd; int events; bool idle, kept; struct watched *prev, *next; } watched_t;

struct pmm__https {
  pmm__loop_t *loop;
  CURLM *multi;
  uint32_t cnt, max;
  request_t *request;                           /* newest first */
  watched_t *watched;
  CURL *model;                                  /* with the options that all requests share */
  request_t *finished, **finished_end;          /* by curl; their owners are told from the loop */
  pmm_timer_t clock, deliver;
  bool closing;
};

/* -- curl's sockets and time -- */

static void advance(pmm__https_t *h, curl_socket_t fd, int events);
static void deliver(pmm__https_t *h);
static void on_poll(uv_poll_t *handle, int status, int events);

static void watch(watched_t *w, int events) {
  if (w->events == events) return;
  w->events = events;
  if (events) uv_poll_start(&w->poll, events, on_poll);
  else uv_poll_stop(&w->poll);
}

/* libuv stops watching a socket with an error; what it still holds must be read, though. An idle connection that stirs has been closed by the
   other side, which curl finds out before it uses it again. */
static void on_poll(uv_poll_t *handle, int status, int events) {
  watched_t *const w = (watched_t *)handle;
  pmm__https_t *const h = w->https;
  int const wanted = w->events;
  int const flags = ((events & UV_READABLE) ? CURL_CSELECT_IN : 0) | ((events & UV_WRITABLE) ? CURL_CSELECT_OUT : 0);
  if (status < 0) w->events = 0;
  if (w->idle) {
    watch(w, 0);
    return;
  }
  advance(h, w->fd, status < 0 ? CURL_CSELECT_IN | CURL_CSELECT_ERR : flags);
  if (status < 0 && !w->idle && !uv_is_closing((uv_handle_t *)handle)) watch(w, wanted);
  deliver(h);
}

static void free_watched(uv_handle_t *handle) { free(handle); }

static void unwatch(watched_t *w) {
  if (w->prev) w->prev->next = w->next;
  else w->https->watched = w->next;
  if (w->next) w->next->prev = w->prev;
  w->idle = true;
  uv_poll_stop(&w->poll);
  uv_close((uv_handle_t *)&w->poll, free_watched);
}

static watched_t *find_watched(const pmm__https_t *h, curl_socket_t fd) {
  watched_t *w = h->watched;
  while (w && w->fd != fd) w = w->next;
  return w;
}

static watched_t *watch_new(pmm__https_t *h, curl_socket_t fd) {
  watched_t *const w = pmm__loop_take(sizeof *w);
  *w = (watched_t){.https = h, .fd = fd};
  if (uv_poll_init_socket(&h->loop->uv, &w->poll, fd) != 0) {
    free(w);
    return NULL;
  }
  w->next = h->watched;
  if (h->watched) h->watched->prev = w;
  h->watched = w;
  return w;
}

static int on_socket(CURL *easy, curl_socket_t fd, int what, void *ctx, void *ours) {
  (void)easy;
  pmm__https_t *const h = ctx;
  watched_t *w = ours ? ours : find_watched(h, fd);
  if (what == CURL_POLL_REMOVE) {
    if (w) w->idle = true;
    if (w && !w->kept) unwatch(w);
    return 0;
  }
  if (!w) w = watch_new(h, fd);
  if (!w) return -1;
  w->idle = false;
  curl_multi_assign(h->multi, fd, w);
  watch(w, ((what & CURL_POLL_IN) ? UV_READABLE : 0) | ((what & CURL_POLL_OUT) ? UV_WRITABLE : 0));
  return 0;
}

static int on_close_socket(void *ctx, curl_socket_t fd) {
  watched_t *const w = find_watched(ctx, fd);
  if (w) unwatch(w);
  return close(fd);
}

static int on_curl_timer(CURLM *multi, long timeout_ms, void *ctx) {
  (void)multi;
  pmm__https_t *const h = ctx;
  if (timeout_ms < 0) pmm__loop_off(h->loop, &h->clock);
  else pmm__loop_at(h->loop, &h->clock, pmm__loop_mono() + timeout_ms * PMM_NS_PER_MS);
  return 0;
}

static void on_clock(void *ctx) {
  advance(ctx, CURL_SOCKET_TIMEOUT, 0);
  deliver(ctx);
}

static void collect(pmm__https_t *h) {
  int left;
  for (CURLMsg *msg; (msg = curl_multi_info_read(h->multi, &left));) {
    request_t *r;
    if (msg->msg != CURLMSG_DONE || curl_easy_getinfo(msg->easy_handle, CURLINFO_PRIVATE, &r) != CURLE_OK) continue;
    r->result = msg->data.result;
    r->recv_ns = pmm__loop_mono();
    r->finished_next = NULL;
    *h->finished_end = r;
    h->finished_end = &r->finished_next;
  }
}

static void advance(pmm__https_t *h, curl_socket_t fd, int events) {
  int running;
  curl_multi_socket_action(h->multi, fd, events, &running);
  collect(h);
}

/* -- callbacks of curl -- */

static size_t on_header(char *data, size_t size, size_t cnt, void *ctx) {
  request_t *const r = ctx;
  size_t len = size * cnt;
  r->head_bytes += len; /* of all heads, so that endless interim answers end as well */
  if (r->head_bytes > 2 * PMM__HEAD_MAX) { r->overflow = true; return 0; }
  if (len > 5 && strncmp(data, "HTTP/", 5) == 0) { /* a new answer: the interim one does not count */
    pmm__head_reset(&r->head);
    return size * cnt;
  }
  while (len > 0 && (data[len - 1] == '\r' || data[len - 1] == '\n')) len--;
  const char *const colon = memchr(data, ':', len);
  if (!colon) return size * cnt;
  const char *value = colon + 1;
  size_t value_len = len - (size_t)(value - data);
  for (; value_len > 0 && (*value == ' ' || *value == '\t'); value_len--) value++;
  if (pmm__head_field(&r->head, data, (size_t)(colon - data)) && pmm__head_value(&r->head, value, value_len)) return size * cnt;
  r->overflow = true;
  return 0;
}

static size_t on_body(char *data, size_t size, size_t cnt, void *ctx) {
  request_t *const r = ctx;
  size_t const len = size * cnt;
  if (r->answer.len + len > r->answer_max || !pmm__buf_put(&r->answer, data, len)) {
    r->overflow = true;
    return CURL_WRITEFUNC_ERROR;
  }
  return len;
}

static bool bytes_left(const request_t *r) {
  long sent = 0;
  return curl_easy_getinfo(r->easy, CURLINFO_REQUEST_SIZE, &sent) == CURLE_OK && sent > 0;
}

/* curl sends a request again by itself when a kept connection breaks before the first byte of the answer. It may have been read, though: an
   order would stand twice. So a request that is not idempotent ends there, its outcome unknown. */
static int on_request(void *ctx, char *peer, char *local, int peer_port, int local_port) {
  (void)peer;
  (void)local;
  (void)peer_port;
  (void)local_port;
  const request_t *const r = ctx;
  return bytes_left(r) && !r->idempotent ? CURL_PREREQFUNC_ABORT : CURL_PREREQFUNC_OK;
}

static curl_socket_t on_open_socket(void *ctx, curlsocktype purpose, struct curl_sockaddr *address) {
  (void)purpose;
  const request_t *const r = ctx;
  if (r->plain) { /* whatever the name resolved to */
    bool const v4 = address->family == AF_INET && (ntohl(((struct sockaddr_in *)(void *)&address->addr)->sin_addr.s_addr) >> 24) == 127;
    bool const v6 = address->family == AF_INET6 && IN6_IS_ADDR_LOOPBACK(&((struct sockaddr_in6 *)(void *)&address->addr)->sin6_addr);
    if (!v4 && !v6) return CURL_SOCKET_BAD;
  }
  curl_socket_t const fd = socket(address->family, address->socktype | SOCK_CLOEXEC, address->protocol);
  watched_t *const w = fd >= 0 ? watch_new(r->https, fd) : NULL;
  if (w) {
    w->idle = w->kept = true;
    return fd;
  }
  if (fd >= 0) close(fd);
  return CURL_SOCKET_BAD;
}

static CURLcode on_tls(CURL *easy, void *context, void *ctx) {
  (void)easy;
  return pmm__tls_trust(((pmm__https_t *)ctx)->loop, context) ? CURLE_OK : CURLE_SSL_CACERT_BADFILE;
}

/* -- one attempt -- */

/* A body goes with any method; a method that is about one says so when it is empty ("Content-Length: 0"). */
static void set_method(request_t *r) {
  CURL *const e = r->easy;
  bool const has_body = r->body || r->posts;
  curl_easy_setopt(e, CURLOPT_HTTPGET, 1L);
  if (has_body) {
    curl_easy_setopt(e, CURLOPT_POST, 1L);
    curl_easy_setopt(e, CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)r->body_len);
    curl_easy_setopt(e, CURLOPT_POSTFIELDS, r->body ? r->body : "");
  }
  if (strcmp(r->method, has_body ? "POST" : "GET") != 0) curl_easy_setopt(e, CURLOPT_CUSTOMREQUEST, r->method);
}

/* What is the same for every request. */
static CURL *new_model(pmm__https_t *h) {
  CURL *const e = curl_easy_init();
  if (!e) return NULL;
  curl_easy_setopt(e, CURLOPT_PATH_AS_IS, 1L);
  curl_easy_setopt(e, CURLOPT_PROTOCOLS_STR, "http,https");
  curl_easy_setopt(e, CURLOPT_FOLLOWLOCATION, 0L);
  curl_easy_setopt(e, CURLOPT_PROXY, "");        /* curl would read the environment */
  curl_easy_setopt(e, CURLOPT_NOSIGNAL, 1L);
  curl_easy_setopt(e, CURLOPT_TCP_KEEPALIVE, 1L);
  curl_easy_setopt(e, CURLOPT_TCP_KEEPIDLE, 20L);
  curl_easy_setopt(e, CURLOPT_TCP_KEEPINTVL, 5L);
  curl_easy_setopt(e, CURLOPT_MAXAGE_CONN, KEPT_S);
  curl_easy_setopt(e, CURLOPT_HTTP_VERSION, (long)CURL_HTTP_VERSION_2TLS);
  curl_easy_setopt(e, CURLOPT_SSL_VERIFYPEER, 1L);
  curl_easy_setopt(e, CURLOPT_SSL_VERIFYHOST, 2L);
  curl_easy_setopt(e, CURLOPT_SSLVERSION, (long)CURL_SSLVERSION_TLSv1_2);
  curl_easy_setopt(e, CURLOPT_SSL_CTX_FUNCTION, on_tls);
  curl_easy_setopt(e, CURLOPT_SSL_CTX_DATA, h);
  curl_easy_setopt(e, CURLOPT_ACCEPT_ENCODING, "");
  curl_easy_setopt(e, CURLOPT_USERAGENT, "pmm/" PMM_VERSION);
  curl_easy_setopt(e, CURLOPT_HEADERFUNCTION, on_header);
  curl_easy_setopt(e, CURLOPT_WRITEFUNCTION, on_body);
  curl_easy_setopt(e, CURLOPT_PREREQFUNCTION, on_request);
  curl_easy_setopt(e, CURLOPT_OPENSOCKETFUNCTION, on_open_socket);
  curl_easy_setopt(e, CURLOPT_CLOSESOCKETFUNCTION, on_close_socket);
  curl_easy_setopt(e, CURLOPT_CLOSESOCKETDATA, h);
  return e;
}

/* A handle serves one attempt: in libcurl 7.88 a used one keeps a pointer to a header of its last answer, freed since, and follows it when the
   next answer begins with a folded line. */
static bool set_options(request_t *r) {
  CURL *const e = r->easy = curl_easy_duphandle(r->https->model);
  if (!e) return false;
  curl_easy_setopt(e, CURLOPT_PRIVATE, r);
  curl_easy_setopt(e, CURLOPT_URL, r->url);
  curl_easy_setopt(e, CURLOPT_HTTPHEADER, r->header);
  curl_easy_setopt(e, CURLOPT_HEADERDATA, r);
  curl_easy_setopt(e, CURLOPT_WRITEDATA, r);
  curl_easy_setopt(e, CURLOPT_PREREQDATA, r);
  curl_easy_setopt(e, CURLOPT_OPENSOCKETDATA, r);
  set_method(r);
  return true;
}

/* Its first bytes leave within this call when a connection is kept. */
static void attempt(request_t *r) {
  pmm__https_t *const h = r->https;
  int64_t const now_ns = pmm__loop_mono();
  r->attempts++;
  r->sent_ns = now_ns;
  r->overflow = false;
  r->head_bytes = 0;
  r->under_way = true;
  pmm__buf_clear(&r->answer, r->answer_max);
  pmm__head_reset(&r->head);
  int64_t const left_ms = (r->deadline_ns - now_ns + PMM_NS_PER_MS - 1) / PMM_NS_PER_MS;
  if (!set_options(r)) abort();
  curl_easy_setopt(r->easy, CURLOPT_TIMEOUT_MS, (long)pmm_max64(left_ms, 1));
  curl_multi_add_handle(h->multi, r->easy);
  advance(h, CURL_SOCKET_TIMEOUT, 0);
  if (h->finished) pmm__loop_soon(h->loop, &h->deliver);
}

static void release_handle(request_t *r) {
  if (!r->under_way) return;
  curl_multi_remove_handle(r->https->multi, r->easy);
  curl_easy_cleanup(r->easy);
  r->easy = NULL;
  r->under_way = false;
}

static void on_again(void *ctx) { attempt(ctx); }

/* -- outcomes -- */

static void free_request(pmm__trash_t *trash) {
  request_t *const r = (request_t *)trash;
  if (r->mem) explicit_bzero(r->mem, r->mem_len);
  free(r->mem);
  pmm__buf_fini(&r->answer);
  pmm__head_fini(&r->head);
  free(r);
}

static void unlink_request(request_t *r) {
  pmm__https_t *const h = r->https;
  if (r->prev) r->prev->next = r->next;
  else h->request = r->next;
  if (r->next) r->next->prev = r->prev;
  h->cnt--;
}

static void finish(request_t *r, pmm_status_t status, int http, const char *why) {
  pmm__loop_t *const loop = r->https->loop;
  static const char nothing[PMM_JSON_PAD + 1];
  bool const ok = status == PMM_OK && pmm__buf_reserve(&r->answer, PMM_JSON_PAD);
  pmm_http_response_t const response = {
      .status = ok ? PMM_OK : status == PMM_OK ? PMM_FULL : status, .unsent = !ok && !r->seen, .http = ok ? http : 0,
      .body = ok && r->answer.len > 0 ? pmm__buf_data(&r->answer) : nothing, .body_len = ok ? r->answer.len : 0,
      .sent_ns = r->sent_ns, .recv_ns = r->recv_ns, .why = ok ? "" : why, .impl = ok ? &r->head.headers : NULL,
  };
  pmm__loop_off(loop, &r->again);
  unlink_request(r);
  r->done(r->ctx, r->tag, &response);
  pmm__loop_trash(loop, &r->trash, free_request);
}

static const char *why_of(CURLcode result, char *text, size_t cap) {
  if (result == CURLE_ABORTED_BY_CALLBACK) return "the connection broke after the request had been sent";
  snprintf(text, cap, "%s", curl_easy_strerror(result));
  return text;
}

static bool is_passing(int http) { return http == 502 || http == 503 || http == 504; }

/* When to try again; 0: not at all. */
static int64_t retry_at(request_t *r, bool unsent, int http) {
  bool const broken = r->result != CURLE_OK && r->result != CURLE_PEER_FAILED_VERIFICATION && r->result != CURLE_OUT_OF_MEMORY && !r->overflow;
  if (r->attempts > r->retries || !(broken || is_passing(http)) || (!unsent && !r->idempotent)) return 0;
  const char *const after = is_passing(http) ? pmm__head_get(&r->head, "Retry-After") : NULL;
  int64_t const asked_ns = after ? pmm_min64(strtol(after, NULL, 10), 3600) * PMM_NS_PER_S : 0;
  int64_t const wait_ns = pmm_max64(pmm__loop_backoff(r->https->loop, BACKOFF_MIN_NS, BACKOFF_MAX_NS, (uint32_t)r->attempts), asked_ns);
  int64_t const at_ns = r->recv_ns + wait_ns;
  return at_ns < r->deadline_ns ? at_ns : 0;
}

static void conclude(request_t *r) {
  char text[128];
  long http = 0;
  bool const left = bytes_left(r);
  curl_easy_getinfo(r->easy, CURLINFO_RESPONSE_CODE, &http);
  release_handle(r);
  r->seen |= left;
  bool const sealed = pmm__head_seal(&r->head);
  int64_t const again_ns = retry_at(r, !left, r->result == CURLE_OK ? (int)http : 0);
  if (again_ns > 0 && !r->https->closing) pmm__loop_at(r->https->loop, &r->again, again_ns);
  else if (r->result == CURLE_OK && sealed && http > 0) finish(r, PMM_OK, (int)http, "");
  else if (r->overflow || r->result == CURLE_OUT_OF_MEMORY) finish(r, PMM_FULL, 0, "answer too large"); /* curl's word for a line too long */
  else if (r->result == CURLE_OPERATION_TIMEDOUT) finish(r, PMM_NOT_READY, 0, "deadline");
  else finish(r, PMM_IO, 0, r->result == CURLE_OK ? "answer is not HTTP" : why_of(r->result, text, sizeof text));
}

/* Only what had finished before: a callback that sends again does not keep us here. */
static void deliver(pmm__https_t *h) {
  request_t *r = h->finished;
  h->finished = NULL;
  h->finished_end = &h->finished;
  for (request_t *next; r; r = next) {
    next = r->finished_next;
    conclude(r);
  }
}

static void on_deliver(void *ctx) { deliver(ctx); }

/* -- sending -- */

static size_t text_len(const pmm_http_request_t *q) {
  size_t len = strlen(q->method) + strlen(q->url) + q->body_len + 4 + PMM_JSON_PAD;
  for (size_t i = 0; i < q->header_cnt; i++) len += sizeof(struct curl_slist) + strlen(q->header[i].name) + strlen(q->header[i].value) + 4;
  return len + 2 * sizeof(struct curl_slist) + 64;
}

static char *add(char *at, const char *text, size_t len) {
  memcpy(at, text, len);
  at[len] = '\0';
  return at + len + 1;
}

/* A header without a value is written "Name;" for curl. */
static char *add_header(request_t *r, struct curl_slist *node, char *at, const char *name, const char *value) {
  node->data = at;
  node->next = r->header;
  r->header = node;
  return at + sprintf(at, "%s%s%s", name, value[0] ? ": " : ";", value) + 1;
}

static bool copy_request(request_t *r, const pmm_http_request_t *q) {
  r->mem_len = text_len(q);
  r->mem = calloc(1, r->mem_len);
  if (!r->mem) return false;
  struct curl_slist *node = (struct curl_slist *)(void *)r->mem;
  char *at = (char *)(node + q->header_cnt + 2);
  bool has_type = false;
  for (size_t i = 0; i < q->header_cnt; i++) {
    at = add_header(r, node++, at, q->header[i].name, q->header[i].value);
    has_type |= strcasecmp(q->header[i].name, "Content-Type") == 0;
  }
  if (q->body && !has_type) at = add_header(r, node++, at, "Content-Type", "application/json");
  node->data = at; /* curl would wait for "100 Continue" before a long body; this removes the header that asks for it */
  node->next = r->header;
  r->header = node;
  at = add(at, "Expect:", 7);
  r->method = at;
  at = add(at, q->method, strlen(q->method));
  r->url = at;
  at = add(at, q->url, strlen(q->url));
  r->body_len = q->body ? q->body_len : 0;
  if (!q->body) return true;
  r->body = at;
  add(at, q->body, q->body_len);
  return true;
}

static pmm_status_t check(const pmm__https_t *h, const pmm_http_request_t *q, bool *plain, pmm_error_t *err) {
  static const char *const methods[] = {"GET", "POST", "PUT", "PATCH", "DELETE"};
  pmm__url_t url;
  pmm_status_t const st = pmm__url_parse(&url, q->url, "https", "http", err);
  if (st != PMM_OK) return st;
  *plain = !url.tls;
  bool known = false;
  for (size_t i = 0; i < sizeof methods / sizeof methods[0]; i++) known |= strcmp(q->method, methods[i]) == 0;
  if (!known || !q->done) return pmm_error_set(err, PMM_INVAL, "%s: unknown method", known ? "no callback" : q->method);
  for (size_t i = 0; i < q->header_cnt; i++)
    if (!pmm__header_is_valid(&q->header[i])) return pmm_error_set(err, PMM_INVAL, "header %zu cannot be sent", i);
  if (h->closing) return pmm_error_set(err, PMM_STATE, "the network closes");
  if (h->cnt >= h->max) return pmm_error_set(err, PMM_FULL, "%u requests are under way", h->cnt);
  return PMM_OK;
}

pmm_status_t pmm__http_send(pmm_net_t *net, const pmm_http_request_t *q, pmm_error_t *err) {
  pmm__https_t *const h = ((pmm__loop_t *)net)->https;
  bool plain;
  pmm_status_t const st = check(h, q, &plain, err);
  if (st != PMM_OK) return st;
  request_t *const r = pmm__loop_take(sizeof *r);
  r->https = h;
  if (!copy_request(r, q)) {
    free_request(&r->trash);
    return pmm_error_set(err, PMM_FULL, "no memory");
  }
  r->plain = plain;
  r->posts = strcmp(q->method, "GET") != 0 && strcmp(q->method, "DELETE") != 0;
  r->idempotent = strcmp(q->method, "POST") != 0 && strcmp(q->method, "PATCH") != 0;
  r->retries = q->retries;
  r->answer_max = q->answer_max ? q->answer_max : ANSWER_MAX;
  r->done = q->done;
  r->ctx = q->ctx;
  r->tag = q->tag;
  r->again = (pmm_timer_t){.fn = on_again, .ctx = r};
  r->deadline_ns = pmm__loop_mono() + (q->timeout_ns > 0 ? q->timeout_ns : TIMEOUT_NS);
  r->next = h->request;
  if (h->request) h->request->prev = r;
  h->request = r;
  h->cnt++;
  attempt(r);
  return PMM_OK;
}

/* -- opening and closing -- */

pmm_status_t pmm__http_open(pmm__loop_t *loop, const pmm_net_config_t *config, pmm_error_t *err) {
  if (curl_global_init(CURL_GLOBAL_DEFAULT) != CURLE_OK) return pmm_error_set(err, PMM_IO, "libcurl does not start");
  pmm__https_t *const h = pmm__loop_take(sizeof *h);
  *h = (pmm__https_t){.loop = loop, .max = config->requests_max ? config->requests_max : REQUESTS_MAX};
  h->finished_end = &h->finished;
  h->clock = (pmm_timer_t){.fn = on_clock, .ctx = h};
  h->deliver = (pmm_timer_t){.fn = on_deliver, .ctx = h};
  loop->https = h;
  h->multi = curl_multi_init();
  h->model = new_model(h);
  if (!h->multi || !h->model) return pmm_error_set(err, PMM_IO, "libcurl does not start");
  curl_multi_setopt(h->multi, CURLMOPT_SOCKETFUNCTION, on_socket);
  curl_multi_setopt(h->multi, CURLMOPT_SOCKETDATA, h);
  curl_multi_setopt(h->multi, CURLMOPT_TIMERFUNCTION, on_curl_timer);
  curl_multi_setopt(h->multi, CURLMOPT_TIMERDATA, h);
  curl_multi_setopt(h->multi, CURLMOPT_MAXCONNECTS, CONNECTIONS_KEPT);
  return PMM_OK;
}

void pmm__http_close(pmm__loop_t *loop) {
  pmm__https_t *const h = loop->https;
  if (!h) return;
  h->closing = true;
  if (h->multi) deliver(h); /* what has come, has come */
  while (h->request) {
    request_t *const r = h->request;
    r->seen |= r->under_way && bytes_left(r);
    release_handle(r);
    r->recv_ns = pmm__loop_mono();
    finish(r, PMM_STATE, 0, "the network closes");
  }
  pmm__loop_off(loop, &h->clock);
  pmm__loop_off(loop, &h->deliver);
  curl_easy_cleanup(h->model);
  if (h->multi) curl_multi_cleanup(h->multi);
  while (h->watched) unwatch(h->watched);
  free(h);
  loop->https = NULL;
}

void pmm__http_fini(void) { curl_global_cleanup(); }
