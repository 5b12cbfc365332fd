/* vnet_http.c -- HTTP requests in virtual time. A request (pmm__vreq_t, the client's) makes attempts; each is a call (pmm__vcall_t) that
   travels to its host, waits there for the service's answer and travels back. A call may outlive its request: what has left
   is handled although the client's time is up. */
#include "net/vnet_impl.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define ANSWER_MAX ((size_t)8 << 20)
#define TIMEOUT_NS (10 * PMM_NS_PER_S)
#define BACKOFF_MIN_NS (100 * PMM_NS_PER_MS)
#define BACKOFF_MAX_NS (2 * PMM_NS_PER_S)

struct pmm__vreq {
  pmm__vnet_t *net;
  uint32_t refs;
  pmm__vurl_t url;
  char *method, *body; size_t body_len;
  pmm_header_t *header; size_t header_cnt;
  pmm_http_request_t request;     /* texts above */
  int32_t attempts; bool seen;    /* some attempt may have been seen by the other side */
  bool ended;
  int64_t sent_ns;
  pmm_timer_t deadline, again;
  pmm__vcall_t *call;             /* the attempt under way */
  pmm__vreq_t *prev, *next;
};

typedef enum vcall_state { TRAVELS, WAITS, RETURNS } vcall_state_t;
typedef enum vcall_end { ANSWERED, CUT, REFUSED } vcall_end_t;
struct pmm__vcall {
  pmm_call_t base;                /* first: the service's handle */
  pmm__vreq_t *req;
  pmm__vhost_t *host; uint32_t epoch;
  uint8_t state, end;
  pmm_timer_t way, leave;         /* arrival there or back; the client's hanging up reaches the service */
  int http;
  pmm_header_t *header; size_t header_cnt;
  char *body; size_t body_len;
  pmm__vcall_t *prev, *next;
};

/* -- life -- */

static void req_release(pmm__vreq_t *req) {
  if (--req->refs > 0) return;
  pmm__vurl_fini(&req->url);
  pmm__vnet_free_headers(req->header, req->header_cnt);
  free(req->method);
  free(req->body);
  free(req);
}

static void call_free(pmm__vcall_t *call) {
  pmm__vnet_t *const net = call->req->net;
  pmm__heap_stop(&net->heap, &call->way);
  pmm__heap_stop(&net->heap, &call->leave);
  if (call->prev) call->prev->next = call->next;
  else net->call = call->next;
  if (call->next) call->next->prev = call->prev;
  if (call->req->call == call) call->req->call = NULL;
  if (call->header) pmm__vnet_free_headers(call->header, call->header_cnt);
  free(call->body);
  req_release(call->req);
  free(call);
}

static bool call_alive(const pmm__vcall_t *call) { return call->host && call->host->up && call->host->epoch == call->epoch; }

/* -- the client's side -- */

/* Hands the outcome over and forgets the request; what is still under way to the service goes on without it. */
static void finish(pmm__vreq_t *req, pmm_http_response_t *response) {
  pmm__vnet_t *const net = req->net;
  pmm__heap_stop(&net->heap, &req->deadline);
  pmm__heap_stop(&net->heap, &req->again);
  if (req->prev) req->prev->next = req->next;
  else net->req = req->next;
  if (req->next) req->next->prev = req->prev;
  net->req_cnt--;
  req->ended = true;
  response->sent_ns = req->sent_ns;
  response->recv_ns = net->mono_ns;
  if (!response->body) response->body = req->body + req->body_len; /* "" with its padding */
  req->request.done(req->request.ctx, req->request.tag, response);
  req_release(req);
}

static void fail(pmm__vreq_t *req, pmm_status_t status, const char *why) {
  finish(req, &(pmm_http_response_t){.status = status, .unsent = !req->seen, .why = why});
}

/* The service learns that the client has hung up after what the client sent before. */
static void hang_up(pmm__vreq_t *req) {
  pmm__vcall_t *const call = req->call;
  if (!call || call->state == RETURNS) return;
  int64_t const at_ns = req->net->mono_ns + pmm__vnet_delay(req->net);
  pmm__vnet_at(req->net, &call->leave, call->state == TRAVELS ? pmm_max64(at_ns, call->way.at_ns) : at_ns);
}

static void on_deadline(void *ctx) {
  pmm__vreq_t *const req = ctx;
  if (req->call) req->seen = true; /* it has left */
  hang_up(req);
  fail(req, PMM_NOT_READY, "deadline");
}

static bool is_idempotent(const char *method) { return strcmp(method, "POST") != 0 && strcmp(method, "PATCH") != 0; }

/* Whether what came back is worth another attempt, and when; 0: no. */
static int64_t retry_at(pmm__vreq_t *req, const pmm__vcall_t *call) {
  bool const passing = call->end != ANSWERED || call->http == 502 || call->http == 503 || call->http == 504;
  if (!passing || req->attempts > req->request.retries || (call->end != REFUSED && !is_idempotent(req->method))) return 0;
  int64_t const at_ns = req->net->mono_ns + pmm__vnet_backoff(req->net, BACKOFF_MIN_NS, BACKOFF_MAX_NS, (uint32_t)req->attempts);
  return at_ns < req->deadline.at_ns ? at_ns : 0;
}

static void on_returned(pmm__vreq_t *req, pmm__vcall_t *call) {
  if (call->end != REFUSED) req->seen = true;
  int64_t const again_ns = retry_at(req, call);
  if (again_ns > 0) {
    call_free(call);
    pmm__vnet_at(req->net, &req->again, again_ns);
    return;
  }
  size_t const answer_max = req->request.answer_max ? req->request.answer_max : ANSWER_MAX;
  pmm__headers_t const headers = {call->header, call->header_cnt};
  req->call = NULL; /* it stays for the callback, whose text it holds */
  if (call->end == REFUSED) fail(req, PMM_IO, call->host ? "connection refused" : "no such host");
  else if (call->end == CUT) fail(req, PMM_IO, "connection closed before an answer");
  else if (call->body_len > answer_max) fail(req, PMM_FULL, "answer too large");
  else finish(req, &(pmm_http_response_t){.status = PMM_OK, .http = call->http, .body = call->body, .body_len = call->body_len, .why = "", .impl = &headers});
  call_free(call);
}

/* -- the way there and back -- */

static void call_return(pmm__vcall_t *call, vcall_end_t end) {
  pmm__vnet_t *const net = call->req->net;
  call->state = RETURNS;
  call->end = (uint8_t)end;
  pmm__heap_stop(&net->heap, &call->leave);
  if (call->req->ended) call_free(call);
  else pmm__vnet_at(net, &call->way, net->mono_ns + pmm__vnet_delay(net));
}

static void call_arrive(pmm__vcall_t *call) {
  pmm__vreq_t *const req = call->req;
  pmm__headers_t const headers = {req->header, req->header_cnt};
  if (!call->host->service) {
    call_return(call, REFUSED);
    return;
  }
  if (req->body_len > PMM_SERVICE_BODY_MAX) {
    pmm__vhttp_reply(call->host, &call->base, 413, NULL, 0, "", 0);
    return;
  }
  call->state = WAITS;
  pmm_request_t const request = {.method = req->method, .path = req->url.path, .query = req->url.query, .body = req->body, .body_len = req->body_len,
                                 .remote = "127.0.0.1", .header = pmm__vnet_request_header, .impl = &headers};
  req->refs++; /* the service may answer at once, and to nobody */
  call->host->service->ops->http(call->host->service, &call->base, &request);
  req_release(req);
}

static void on_way(void *ctx) {
  pmm__vcall_t *const call = ctx;
  if (call->state == TRAVELS && !call->host) {
    call->state = RETURNS;
    call->end = REFUSED;
  }
  if (call->host && !call_alive(call)) { /* lost: the client's deadline tells him, and he cannot know how far it came */
    call->req->seen = true;
    call_free(call);
  } else if (call->state == TRAVELS) call_arrive(call);
  else if (call->req->ended) call_free(call);
  else on_returned(call->req, call);
}

static void on_leave(void *ctx) {
  pmm__vcall_t *const call = ctx;
  if (call->state != WAITS) {
    call_free(call); /* lost on its way */
    return;
  }
  if (!call_alive(call)) return; /* the service answers some day, to nobody */
  pmm_service_t *const service = call->host->service;
  if (service->ops->gone) service->ops->gone(service, &call->base);
  call_free(call);
}

static void attempt(void *ctx) {
  pmm__vreq_t *const req = ctx;
  pmm__vnet_t *const net = req->net;
  pmm__vcall_t *const call = pmm__vnet_take(sizeof *call);
  *call = (pmm__vcall_t){.req = req, .host = pmm__vnet_find(net, &req->url), .way = {.fn = on_way, .ctx = call}, .leave = {.fn = on_leave, .ctx = call}, .next = net->call};
  call->epoch = call->host ? call->host->epoch : 0;
  if (net->call) net->call->prev = call;
  net->call = call;
  req->call = call;
  req->refs++;
  req->attempts++;
  req->sent_ns = net->mono_ns;
  pmm__vnet_at(net, &call->way, net->mono_ns + pmm__vnet_delay(net));
}

pmm_status_t pmm__vhttp_send(pmm_net_t *base, const pmm_http_request_t *request, pmm_error_t *err) {
  pmm__vnet_t *const net = (pmm__vnet_t *)base;
  pmm__vurl_t url;
  if (net->closing) return pmm_error_set(err, PMM_STATE, "the network closes");
  pmm_status_t const st = pmm__vurl_parse(&url, request->url, "http", err);
  if (st != PMM_OK) return st;
  if (net->req_cnt == PMM__VNET_REQUESTS_MAX) {
    pmm__vurl_fini(&url);
    return pmm_error_set(err, PMM_FULL, "%d requests under way", PMM__VNET_REQUESTS_MAX);
  }
  pmm__vreq_t *const req = pmm__vnet_take(sizeof *req);
  *req = (pmm__vreq_t){.net = net, .refs = 1, .url = url, .method = pmm__vnet_copy(request->method, strlen(request->method)), .request = *request, .next = net->req};
  req->body_len = request->body ? request->body_len : 0;
  req->body = pmm__vnet_copy(request->body, req->body_len);
  req->header = pmm__vnet_copy_headers(request->header, request->header_cnt);
  req->header_cnt = request->header_cnt;
  if (net->req) net->req->prev = req;
  net->req = req;
  net->req_cnt++;
  req->deadline = (pmm_timer_t){.fn = on_deadline, .ctx = req};
  req->again = (pmm_timer_t){.fn = attempt, .ctx = req};
  pmm__vnet_at(net, &req->deadline, net->mono_ns + (request->timeout_ns > 0 ? request->timeout_ns : TIMEOUT_NS));
  attempt(req);
  return PMM_OK;
}

/* -- the service's side -- */

static bool names(const pmm_header_t *header, size_t cnt, const char *name) { return pmm__headers_find(&(pmm__headers_t){header, cnt}, name) != NULL; }

void pmm__vhttp_reply(void *host, pmm_call_t *base, int http, const pmm_header_t *header, size_t header_cnt, const char *body, size_t len) {
  (void)host;
  pmm__vcall_t *const call = (pmm__vcall_t *)base;
  char length[24];
  snprintf(length, sizeof length, "%zu", len);
  pmm_header_t *const all = pmm__vnet_take((header_cnt + 2) * sizeof *all);
  size_t cnt = 0;
  for (; cnt < header_cnt; cnt++) all[cnt] = header[cnt];
  if (!names(header, header_cnt, "Content-Type")) all[cnt++] = (pmm_header_t){"Content-Type", "application/json"};
  all[cnt++] = (pmm_header_t){"Content-Length", length};
  call->http = http;
  call->header = pmm__vnet_copy_headers(all, cnt);
  call->header_cnt = cnt;
  call->body = pmm__vnet_copy(body, len);
  call->body_len = len;
  free(all);
  call_return(call, ANSWERED);
}

void pmm__vhttp_drop(void *host, pmm_call_t *call) {
  (void)host;
  call_return((pmm__vcall_t *)call, CUT);
}

void pmm__vhttp_cut(pmm__vhost_t *host) {
  pmm__vcall_t *call = host->net->call;
  while (call) {
    if (call->host != host || call->state != WAITS) {
      call = call->next;
      continue;
    }
    if (host->service->ops->gone) host->service->ops->gone(host->service, &call->base);
    call_return(call, CUT);
    call = host->net->call; /* the service may have answered others */
  }
}

void pmm__vhttp_close(pmm__vnet_t *net) {
  while (net->req) {
    if (net->req->call) net->req->seen = true;
    fail(net->req, PMM_STATE, "the network closes");
  }
  while (net->call) call_free(net->call);
}
