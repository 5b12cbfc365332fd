/* vnet.c -- a network in virtual time: the clock, the hosts, the cable. See vnet_impl.h. */
#include "net/vnet_impl.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static pmm__vnet_t *of(pmm_net_t *net) { return (pmm__vnet_t *)net; }

/* -- memory and text -- */

void *pmm__vnet_take(size_t size) {
  void *const block = calloc(1, size);
  if (!block) abort();
  return block;
}

char *pmm__vnet_copy(const char *text, size_t len) {
  char *const copy = pmm__vnet_take(len + PMM_JSON_PAD);
  if (len > 0) memcpy(copy, text, len);
  return copy;
}

pmm_header_t *pmm__vnet_copy_headers(const pmm_header_t *header, size_t cnt) {
  pmm_header_t *const copy = pmm__vnet_take((cnt + 1) * sizeof *copy);
  for (size_t i = 0; i < cnt; i++)
    copy[i] = (pmm_header_t){pmm__vnet_copy(header[i].name, strlen(header[i].name)), pmm__vnet_copy(header[i].value, strlen(header[i].value))};
  return copy;
}

void pmm__vnet_free_headers(pmm_header_t *header, size_t cnt) {
  for (size_t i = 0; i < cnt; i++) {
    free((char *)header[i].name);
    free((char *)header[i].value);
  }
  free(header);
}

const char *pmm__vnet_request_header(const pmm_request_t *request, const char *name) { return pmm__headers_find(request->impl, name); }

/* -- where a URL leads -- */

pmm_status_t pmm__vurl_parse(pmm__vurl_t *out, const char *url, const char *scheme, pmm_error_t *err) {
  size_t const n = strlen(scheme);
  const char *at = url;
  if (strncmp(at, scheme, n) != 0) return pmm_error_set(err, PMM_INVAL, "%.200s: not a %s address", url, scheme);
  at += n;
  if (*at == 's') at++;
  if (strncmp(at, "://", 3) != 0) return pmm_error_set(err, PMM_INVAL, "%.200s: not a %s address", url, scheme);
  at += 3;
  size_t const name = strcspn(at, "/?#"), bare = at[0] == '[' ? strcspn(at, "]") + 1 : strcspn(at, ":/?#");
  if (name == 0 || name >= PMM__VNET_NAME_MAX || bare > name) return pmm_error_set(err, PMM_INVAL, "%.200s: no host in it", url);
  *out = (pmm__vurl_t){0};
  memcpy(out->name, at, name);
  memcpy(out->bare, at, bare);
  at += name;
  size_t const path = strcspn(at, "?#"), query = at[path] == '?' ? strcspn(at + path + 1, "#") : 0;
  out->path = path > 0 ? pmm__vnet_copy(at, path) : pmm__vnet_copy("/", 1);
  out->query = pmm__vnet_copy(at + path + 1, query);
  return PMM_OK;
}

void pmm__vurl_fini(pmm__vurl_t *url) {
  free(url->path);
  free(url->query);
}

pmm__vhost_t *pmm__vnet_find(pmm__vnet_t *net, const pmm__vurl_t *url) {
  for (pmm__vhost_t *h = net->host; h; h = h->next)
    if (strcmp(h->name, url->name) == 0) return h;
  for (pmm__vhost_t *h = net->host; h; h = h->next)
    if (strcmp(h->name, url->bare) == 0) return h;
  return NULL;
}

/* -- time and chance -- */

int64_t pmm__vnet_wall(const pmm__vnet_t *net) { return net->config.start_ns + net->mono_ns; }

int64_t pmm__vnet_delay(pmm__vnet_t *net) {
  int64_t const jitter = net->config.jitter_ns;
  return net->config.latency_ns + (jitter > 0 ? (int64_t)pmm_rng_below(&net->latency, (uint64_t)jitter + 1) : 0);
}

int64_t pmm__vnet_backoff(pmm__vnet_t *net, int64_t min_ns, int64_t max_ns, uint32_t failures) {
  int64_t cap = min_ns;
  for (uint32_t i = 1; i < failures && cap < max_ns; i++) cap *= 2;
  return (int64_t)pmm_rng_below(&net->backoff, (uint64_t)pmm_min64(cap, max_ns) + 1);
}

void pmm__vnet_at(pmm__vnet_t *net, pmm_timer_t *timer, int64_t at_ns) {
  if (pmm__heap_set(&net->heap, timer, pmm_max64(at_ns, net->mono_ns)) != PMM_OK) abort();
}

static int64_t vnet_now(pmm_net_t *net) { return pmm__vnet_wall(of(net)); }
static int64_t vnet_mono(pmm_net_t *net) { return of(net)->mono_ns; }
static uint64_t vnet_random(pmm_net_t *net) { return pmm_rng_u64(&of(net)->random); }
static void timer_set(pmm_net_t *net, pmm_timer_t *timer, int64_t at_ns) { pmm__vnet_at(of(net), timer, at_ns); }
static void timer_stop(pmm_net_t *net, pmm_timer_t *timer) { pmm__heap_stop(&of(net)->heap, timer); }

static const pmm_net_ops_t vnet_ops = {
  .now = vnet_now, .mono = vnet_mono, .random = vnet_random, .timer_set = timer_set, .timer_stop = timer_stop, .http_send = pmm__vhttp_send,
  .ws_open = pmm__vws_open, .ws_send = pmm__vws_send, .ws_promote = pmm__vws_promote, .ws_reconnect = pmm__vws_reconnect, .ws_close = pmm__vws_close,
};

/* -- hosts -- */

static int64_t host_now(void *host) { return pmm__vnet_wall(((pmm__vhost_t *)host)->net); }

static void host_wake(void *ctx) {
  pmm__vhost_t *const host = ctx;
  if (!host->in_advance) pmm__vnet_at(host->net, &host->advance, host->net->mono_ns);
}

/* A service that says "now" again and again would stop the clock: it is asked at most once a microsecond. */
static void on_advance(void *ctx) {
  pmm__vhost_t *const host = ctx;
  if (!host->service) return;
  host->in_advance = true;
  int64_t const now_ns = pmm__vnet_wall(host->net), next_ns = host->service->ops->advance(host->service, now_ns);
  host->in_advance = false;
  if (next_ns == PMM_NS_MAX) pmm__heap_stop(&host->net->heap, &host->advance);
  else pmm__vnet_at(host->net, &host->advance, pmm_max64(next_ns, now_ns + PMM_NS_PER_US) - host->net->config.start_ns);
}

static const pmm_host_ops_t host_ops = {
  .reply = pmm__vhttp_reply, .drop = pmm__vhttp_drop, .send = pmm__vlink_peer_send, .ping = pmm__vlink_peer_ping, .close = pmm__vlink_peer_close,
  .now = host_now, .wake = host_wake,
};

static pmm__vhost_t *host_add(pmm__vnet_t *net, const char *name) {
  pmm__vhost_t *const host = pmm__vnet_take(sizeof *host);
  *host = (pmm__vhost_t){.net = net, .up = true, .advance = {.fn = on_advance, .ctx = host}, .next = net->host};
  memcpy(host->name, name, strlen(name));
  net->host = host;
  return host;
}

static void host_clear(pmm__vhost_t *host) {
  pmm__vhttp_cut(host);
  pmm__vlink_cut(host);
  pmm__heap_stop(&host->net->heap, &host->advance);
  host->service = NULL;
}

pmm_status_t pmm_vnet_host(pmm_net_t *base, const char *name, pmm_service_t *service, pmm_error_t *err) {
  pmm__vurl_t url = {0};
  if (name[0] == '\0' || strlen(name) >= sizeof url.name || strpbrk(name, "/?#")) return pmm_error_set(err, PMM_INVAL, "%.80s: not a host's name", name);
  memcpy(url.name, name, strlen(name));
  pmm__vhost_t *host = pmm__vnet_find(of(base), &url);
  if (host && host->service && service) return pmm_error_set(err, PMM_EXISTS, "%s: something listens there", name);
  if (!host) host = host_add(of(base), name);
  if (!service) {
    host_clear(host);
    return PMM_OK;
  }
  host->service = service;
  service->host_ops = &host_ops;
  service->host = host;
  host_wake(host);
  return PMM_OK;
}

void pmm_vnet_cable(pmm_net_t *base, const char *name, bool up) {
  for (pmm__vhost_t *h = of(base)->host; h; h = h->next) {
    if (strcmp(h->name, name) != 0 || h->up == up) continue;
    h->up = up;
    h->epoch++;
  }
}

/* -- running -- */

bool pmm_vnet_step(pmm_net_t *base) {
  pmm__vnet_t *const net = of(base);
  int64_t const at_ns = pmm__heap_next(&net->heap);
  pmm_timer_t *const timer = pmm__heap_pop(&net->heap);
  if (!timer) return false;
  net->mono_ns = pmm_max64(net->mono_ns, at_ns);
  timer->fn(timer->ctx);
  return true;
}

int64_t pmm_vnet_next(pmm_net_t *base) { return pmm__heap_next(&of(base)->heap); }

void pmm_vnet_run(pmm_net_t *base, int64_t until_mono_ns) {
  while (pmm_vnet_next(base) <= until_mono_ns && pmm_vnet_step(base)) {}
  of(base)->mono_ns = pmm_max64(of(base)->mono_ns, until_mono_ns);
}

pmm_status_t pmm_vnet_open(pmm_net_t **out, const pmm_vnet_config_t *config, pmm_error_t *err) {
  if (config->latency_ns < 0 || config->jitter_ns < 0) return pmm_error_set(err, PMM_INVAL, "simulated network: latency below 0");
  pmm__vnet_t *const net = pmm__vnet_take(sizeof *net);
  net->base.ops = &vnet_ops;
  net->config = *config;
  pmm_rng_t root;
  pmm_rng_seed(&root, config->seed);
  net->latency = pmm_rng_fork(&root, 1);
  net->backoff = pmm_rng_fork(&root, 2);
  net->random = pmm_rng_fork(&root, 3);
  *out = &net->base;
  return PMM_OK;
}

void pmm_vnet_close(pmm_net_t *base) {
  pmm__vnet_t *const net = base ? of(base) : NULL;
  if (!net) return;
  net->closing = true;
  for (pmm__vhost_t *h = net->host; h; h = h->next) host_clear(h);
  pmm__vhttp_close(net);
  pmm__vws_fini(net);
  pmm__vlink_fini(net);
  while (net->host) {
    pmm__vhost_t *const host = net->host;
    net->host = host->next;
    free(host);
  }
  pmm__heap_fini(&net->heap);
  free(net);
}
