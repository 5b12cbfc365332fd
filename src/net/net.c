/* net.c -- the loop: turns, timers, the table of functions, opening and closing. */
#include <assert.h>
#include <errno.h>
#include <openssl/rand.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/timerfd.h>
#include <time.h>
#include <unistd.h>
#include "net/host.h"
#include "net/http.h"
#include "net/loop.h"
#include "net/stream.h"
#include "net/tls.h"
#include "net/ws.h"

static int64_t read_clock(clockid_t id) {
  struct timespec t;
  clock_gettime(id, &t);
  return (int64_t)t.tv_sec * PMM_NS_PER_S + t.tv_nsec;
}
int64_t pmm__loop_mono(void) { return read_clock(CLOCK_MONOTONIC); }
int64_t pmm__loop_wall(void) { return read_clock(CLOCK_REALTIME); }

void *pmm__loop_take(size_t size) {
  void *const mem = calloc(1, size);
  if (!mem) abort();
  return mem;
}

void pmm__loop_trash(pmm__loop_t *loop, pmm__trash_t *trash, void (*fn)(pmm__trash_t *trash)) {
  trash->fn = fn;
  trash->next = loop->trash;
  loop->trash = trash;
}

static void empty_trash(pmm__loop_t *loop) {
  while (loop->trash) {
    pmm__trash_t *const trash = loop->trash;
    loop->trash = trash->next;
    trash->fn(trash);
  }
}

/* -- chance -- */

void pmm__loop_random(pmm__loop_t *loop, void *out, size_t len) {
  if (loop->pool_at + len > sizeof loop->pool) {
    if (RAND_bytes(loop->pool, sizeof loop->pool) != 1) abort(); /* masks and salts must not repeat */
    loop->pool_at = 0;
  }
  memcpy(out, loop->pool + loop->pool_at, len);
  explicit_bzero(loop->pool + loop->pool_at, len);
  loop->pool_at += len;
}

uint64_t pmm__loop_u64(pmm__loop_t *loop) {
  uint64_t value;
  pmm__loop_random(loop, &value, sizeof value);
  return value;
}

int64_t pmm__loop_backoff(pmm__loop_t *loop, int64_t min_ns, int64_t max_ns, uint32_t failures) {
  int64_t bound_ns = min_ns;
  for (uint32_t i = 0; i < failures && bound_ns < max_ns; i++) bound_ns *= 2;
  bound_ns = pmm_min64(bound_ns, max_ns);
  return bound_ns > 0 ? (int64_t)(pmm__loop_u64(loop) % (uint64_t)bound_ns) : 0;
}

/* -- turns -- */

static void on_clock(uv_poll_t *handle, int status, int events) {
  (void)status;
  (void)events;
  pmm__loop_t *const loop = handle->data;
  uint64_t expired;
  while (read(loop->clock_fd, &expired, sizeof expired) < 0 && errno == EINTR) {}
  loop->armed_ns = PMM_NS_MAX;
}

static void on_wake(uv_async_t *handle) { (void)handle; } /* the turn ends, which is all that was wanted */

/* The loop wakes at that time at the latest. An alarm set too early costs one empty turn; one set late would cost the time. */
static void arm(pmm__loop_t *loop, int64_t at_ns) {
  if (at_ns >= loop->armed_ns) return; /* also when nothing is due: both are PMM_NS_MAX at most */
  struct itimerspec const when = {.it_value = {.tv_sec = at_ns / PMM_NS_PER_S, .tv_nsec = at_ns % PMM_NS_PER_S}};
  timerfd_settime(loop->clock_fd, TFD_TIMER_ABSTIME, &when, NULL);
  loop->armed_ns = at_ns;
}

/* Timers set meanwhile wait for the next turn, so that one which sets itself again does not starve the sockets. */
static void fire_due(pmm__loop_t *loop) {
  uint64_t const last = loop->heap.seq;
  int64_t const now_ns = pmm__loop_mono();
  while (pmm__heap_next(&loop->heap) <= now_ns && loop->heap.entry[0].seq <= last) {
    pmm_timer_t *const timer = pmm__heap_pop(&loop->heap);
    timer->fn(timer->ctx);
  }
}

static void turn(pmm__loop_t *loop, int64_t until_ns) {
  assert(!loop->running); /* a callback must not turn the loop */
  loop->running = true;
  int64_t const next_ns = pmm_min64(pmm__heap_next(&loop->heap), until_ns);
  bool const wait = next_ns > pmm__loop_mono();
  if (wait) arm(loop, next_ns);
  uv_run(&loop->uv, wait ? UV_RUN_ONCE : UV_RUN_NOWAIT);
  fire_due(loop);
  empty_trash(loop);
  loop->running = false;
}

void pmm_net_step(pmm_net_t *net, int64_t wait_ns) {
  int64_t const now_ns = pmm__loop_mono();
  turn((pmm__loop_t *)net, wait_ns > PMM_NS_MAX - now_ns ? PMM_NS_MAX : now_ns + wait_ns);
}

void pmm_net_run(pmm_net_t *net) {
  pmm__loop_t *const loop = (pmm__loop_t *)net;
  while (!atomic_exchange(&loop->stop, false)) turn(loop, PMM_NS_MAX);
}

void pmm_net_stop(pmm_net_t *net) {
  pmm__loop_t *const loop = (pmm__loop_t *)net;
  atomic_store(&loop->stop, true);
  uv_async_send(&loop->wake);
}

/* -- the table -- */

static int64_t net_now(pmm_net_t *net) { (void)net; return pmm__loop_wall(); }
static int64_t net_mono(pmm_net_t *net) { (void)net; return pmm__loop_mono(); }
static uint64_t net_random(pmm_net_t *net) { return pmm__loop_u64((pmm__loop_t *)net); }
void pmm__loop_at(pmm__loop_t *loop, pmm_timer_t *timer, int64_t at_mono_ns) {
  if (pmm__heap_set(&loop->heap, timer, at_mono_ns) != PMM_OK) abort(); /* a lost timer would be a lost dead-man's switch */
}
static void net_timer_set(pmm_net_t *net, pmm_timer_t *timer, int64_t at_mono_ns) { pmm__loop_at((pmm__loop_t *)net, timer, at_mono_ns); }
static void net_timer_stop(pmm_net_t *net, pmm_timer_t *timer) { pmm__loop_off((pmm__loop_t *)net, timer); }

static const pmm_net_ops_t ops = {
    .now = net_now, .mono = net_mono, .random = net_random, .timer_set = net_timer_set, .timer_stop = net_timer_stop, .http_send = pmm__http_send,
    .ws_open = pmm__ws_open, .ws_send = pmm__ws_send, .ws_promote = pmm__ws_promote, .ws_reconnect = pmm__ws_reconnect, .ws_close = pmm__ws_close,
};

/* -- opening and closing -- */

static pmm_status_t open_loop(pmm__loop_t *loop, pmm_error_t *err) {
  loop->clock_fd = timerfd_create(CLOCK_MONOTONIC, TFD_NONBLOCK | TFD_CLOEXEC);
  if (loop->clock_fd < 0) return pmm_error_set(err, PMM_IO, "timerfd: %s", strerror(errno));
  int const failed = uv_loop_init(&loop->uv);
  if (failed != 0) {
    close(loop->clock_fd);
    return pmm_error_set(err, PMM_IO, "event loop: %s", uv_strerror(failed));
  }
  uv_poll_init(&loop->uv, &loop->clock, loop->clock_fd);
  uv_poll_start(&loop->clock, UV_READABLE, on_clock);
  uv_async_init(&loop->uv, &loop->wake, on_wake);
  loop->clock.data = loop;
  return PMM_OK;
}

static void close_loop(pmm__loop_t *loop) {
  while (loop->stream) pmm__stream_cut(loop->stream);
  uv_close((uv_handle_t *)&loop->clock, NULL);
  uv_close((uv_handle_t *)&loop->wake, NULL);
  uv_run(&loop->uv, UV_RUN_DEFAULT); /* a look-up of a name that still runs is waited for */
  int const busy = uv_loop_close(&loop->uv);
  assert(busy == 0); /* a handle was left open */
  (void)busy;
  close(loop->clock_fd);
  empty_trash(loop);
  pmm__heap_fini(&loop->heap);
}

pmm_status_t pmm_net_open(pmm_net_t **net, const pmm_net_config_t *config, pmm_error_t *err) {
  pmm__loop_t *const loop = pmm__loop_take(sizeof *loop);
  loop->base.ops = &ops;
  loop->notices = config->notices;
  loop->armed_ns = PMM_NS_MAX;
  loop->pool_at = sizeof loop->pool;
  signal(SIGPIPE, SIG_IGN); /* a peer that hangs up is an error code of the write, not the end of the process */
  pmm_status_t st = open_loop(loop, err);
  if (st != PMM_OK) {
    free(loop);
    return st;
  }
  st = pmm__tls_open(loop, config->ca_file, err);
  if (st == PMM_OK) st = pmm__http_open(loop, config, err);
  if (st != PMM_OK) {
    pmm_net_close(&loop->base);
    return st;
  }
  *net = &loop->base;
  return PMM_OK;
}

void pmm_net_close(pmm_net_t *net) {
  if (!net) return;
  pmm__loop_t *const loop = (pmm__loop_t *)net;
  assert(!loop->running);
  pmm__http_close(loop);
  while (loop->ws) pmm__ws_close(pmm__ws_base(loop->ws));
  while (loop->host) pmm_host_close(loop->host);
  close_loop(loop);
  pmm__http_fini();
  pmm__tls_close(loop);
  explicit_bzero(loop->pool, sizeof loop->pool);
  free(loop);
}
