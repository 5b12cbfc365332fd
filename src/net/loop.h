/* net/loop.h -- the real network: one libuv loop under everything. Timers lie in a heap with nanoseconds; a timerfd wakes the loop for the
   earliest (libuv's own timers have milliseconds). What ends inside a callback is freed at the end of the turn (pmm__loop_trash),
   so that nobody up the stack holds freed memory. */
#ifndef PMM_NET_LOOP_H
#define PMM_NET_LOOP_H
#include <openssl/ssl.h>
#include <stdatomic.h>
#include <uv.h>
#include "net/heap.h"
#include "pmm/net.h"

#define PMM__READ_MAX ((size_t)64 << 10)
#define PMM__RANDOM_POOL 4096

typedef struct pmm__trash { void (*fn)(struct pmm__trash *trash); struct pmm__trash *next; } pmm__trash_t;
typedef struct pmm__https pmm__https_t; /* requests, http.c */
struct pmm__ws;
struct pmm_host;
struct pmm__stream;

typedef struct pmm__loop {
  pmm_net_t base;
  uv_loop_t uv;
  uv_poll_t clock; int clock_fd; int64_t armed_ns;
  uv_async_t wake; atomic_bool stop;
  bool running;                     /* inside a turn */
  pmm__heap_t heap;
  pmm__trash_t *trash;
  pmm_notice_sink_t notices;
  SSL_CTX *tls;                     /* for connections we open */
  STACK_OF(X509) *ca;               /* of ca_file; NULL: none */
  pmm__https_t *https;
  struct pmm__ws *ws;               /* streams, by next */
  struct pmm_host *host;            /* likewise */
  struct pmm__stream *stream;       /* all, also those that nobody owns any more */
  unsigned char pool[PMM__RANDOM_POOL]; size_t pool_at;
  char in[PMM__READ_MAX];           /* what was read last */
} pmm__loop_t;

int64_t pmm__loop_mono(void);
int64_t pmm__loop_wall(void);
void pmm__loop_at(pmm__loop_t *loop, pmm_timer_t *timer, int64_t at_mono_ns);
static inline void pmm__loop_soon(pmm__loop_t *loop, pmm_timer_t *timer) { pmm__loop_at(loop, timer, 0); } /* in this turn or the next */
static inline void pmm__loop_off(pmm__loop_t *loop, pmm_timer_t *timer) { pmm__heap_stop(&loop->heap, timer); }
void pmm__loop_trash(pmm__loop_t *loop, pmm__trash_t *trash, void (*fn)(pmm__trash_t *trash));
void pmm__loop_random(pmm__loop_t *loop, void *out, size_t len); /* len <= PMM__RANDOM_POOL */
uint64_t pmm__loop_u64(pmm__loop_t *loop);
/* Full jitter: uniform in 0 .. min(max, min * 2^failures). Source: M. Brooker, "Exponential Backoff And Jitter", AWS Architecture Blog, 2015. */
int64_t pmm__loop_backoff(pmm__loop_t *loop, int64_t min_ns, int64_t max_ns, uint32_t failures);
void *pmm__loop_take(size_t size); /* zeroed; a full machine stops the process here, before anything is half done */
#endif
