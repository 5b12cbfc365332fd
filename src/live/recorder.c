/* recorder.c -- tapes of what was seen, written by a thread of its own so that a slow disk never holds up an order. Each tape but the first begins
   with the state of every market as keyframes, so that it can be replayed by itself. */
#include <errno.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include "live_impl.h"
#include "pmm/ring.h"
#include "pmm/tape.h"
#include "tape/keep.h"

#define RING_RECORDS (1u << 16)
#define IDLE_NS 2000000                       /* the thread looks again this soon */
#define FLUSH_NS (5 * PMM_NS_PER_S)           /* at most so much is lost by a crash of the machine */

struct pmm__recorder {
  pmm__recorder_config_t cfg;
  char folder[4096], name[64];
  char *provenance;
  pmm_market_t *market; pmm_underlying_t *underlying;
  pmm_arena_t arena;
  pmm_ring_t ring;
  pthread_t thread;
  _Atomic bool ending, failed;
  _Atomic uint64_t written;
  /* the loop's side */
  uint64_t lost; int64_t lost_ns;             /* records left out; since when, PMM_TIME_NONE: not losing */
  bool told_failed;
  /* the thread's side */
  pmm_tape_writer_t *writer;
  pmm__keep_t *keep; pmm_md_t *value, *mean;  /* [market], [underlying] */
  int64_t began_ns, flushed_ns, last_ns;
  uint32_t tape_cnt;
  pmm_error_t error;                          /* of the thread; read after `failed` is seen */
};

/* -- the thread -- */
static pmm_status_t append(void *ctx, const pmm_md_t *md) {
  pmm__recorder_t *const r = ctx;
  pmm_md_t ordered = *md;
  if (ordered.recv_ns < r->last_ns) ordered.recv_ns = r->last_ns; /* the wall clock may be set back; a tape goes forward */
  r->last_ns = ordered.recv_ns;
  return pmm_tape_append(r->writer, &ordered, &r->error);
}

static void path_of(const pmm__recorder_t *r, int64_t at_ns, char *path, size_t cap) {
  time_t const s = (time_t)(at_ns / PMM_NS_PER_S);
  struct tm t;
  gmtime_r(&s, &t);
  snprintf(path, cap, "%s/%s-%04d%02d%02dT%02d%02d%02dZ-%03u.tape", r->folder, r->name, t.tm_year + 1900, t.tm_mon + 1, t.tm_mday, t.tm_hour, t.tm_min,
           t.tm_sec, r->tape_cnt % 1000);
}

static pmm_status_t put_tables(pmm__recorder_t *r) {
  pmm_status_t st = PMM_OK;
  uint32_t index;
  for (uint32_t i = 0; st == PMM_OK && i < r->cfg.underlying_cnt; i++) st = pmm_tape_add_underlying(r->writer, &r->underlying[i], &index, &r->error);
  for (uint32_t i = 0; st == PMM_OK && i < r->cfg.market_cnt; i++) {
    if (r->keep[i].status.kind) r->market[i].life = r->keep[i].status.aux;
    if (r->keep[i].strike.kind) r->market[i].strike_e8 = r->keep[i].strike.qty_e6;
    st = pmm_tape_add_market(r->writer, &r->market[i], &index, &r->error);
  }
  return st;
}

static pmm_status_t put_state(pmm__recorder_t *r, int64_t at_ns) {
  pmm_status_t st = PMM_OK;
  for (uint32_t i = 0; st == PMM_OK && i < r->cfg.underlying_cnt; i++) {
    st = pmm__keep_again(r->value[i], at_ns, i, PMM_F_LAST, append, r);
    if (st == PMM_OK) st = pmm__keep_again(r->mean[i], at_ns, i, PMM_F_LAST, append, r);
  }
  for (uint32_t i = 0; st == PMM_OK && i < r->cfg.market_cnt; i++) st = pmm__keep_put(&r->keep[i], at_ns, i, append, r);
  return st;
}

static pmm_status_t begin_tape(pmm__recorder_t *r, int64_t at_ns) {
  char path[4400];
  path_of(r, at_ns, path, sizeof path);
  r->tape_cnt++;
  r->last_ns = INT64_MIN;
  pmm_status_t st = pmm_tape_create(&r->writer, path, r->provenance, &r->error);
  if (st != PMM_OK) { r->writer = NULL; return st; }
  st = put_tables(r);
  if (st == PMM_OK) st = put_state(r, at_ns);
  r->began_ns = r->flushed_ns = at_ns;
  return st;
}

static pmm_status_t end_tape(pmm__recorder_t *r) {
  pmm_tape_writer_t *const w = r->writer;
  r->writer = NULL;
  return w ? pmm_tape_finish(w, NULL, &r->error) : PMM_OK;
}

static pmm_status_t remember(pmm__recorder_t *r, const pmm_md_t *md) {
  if (md->kind == PMM_MD_UNDERLYING) r->value[md->market] = *md;
  else if (md->kind == PMM_MD_SETTLE_MEAN) r->mean[md->market] = *md;
  else return pmm__keep_take(&r->keep[md->market], md, r->market[md->market].grid.tick_e4);
  return PMM_OK;
}

static pmm_status_t write_one(pmm__recorder_t *r, const pmm_md_t *md) {
  pmm_status_t st = PMM_OK;
  if (r->writer && r->cfg.every_ns > 0 && md->recv_ns - r->began_ns >= r->cfg.every_ns) st = end_tape(r);
  if (st == PMM_OK && !r->writer) st = begin_tape(r, md->recv_ns);
  if (st == PMM_OK) st = append(r, md);
  if (st == PMM_OK) st = remember(r, md);
  if (st == PMM_OK && md->recv_ns - r->flushed_ns >= FLUSH_NS) {
    st = pmm_tape_flush(r->writer, &r->error);
    r->flushed_ns = md->recv_ns;
  }
  if (st == PMM_OK) atomic_fetch_add_explicit(&r->written, 1, memory_order_relaxed);
  return st;
}

static void *run(void *ctx) {
  pmm__recorder_t *const r = ctx;
  struct timespec const idle = {.tv_nsec = IDLE_NS};
  for (;;) {
    bool const ending = atomic_load_explicit(&r->ending, memory_order_acquire);
    pmm_md_t md;
    while (pmm_ring_pop(&r->ring, &md) == PMM_OK) {
      if (atomic_load_explicit(&r->failed, memory_order_relaxed)) continue; /* drained, so that the loop is not told of a full ring as well */
      if (write_one(r, &md) != PMM_OK) {
        pmm_tape_leave(r->writer); /* what stands is worth more than a tidy folder */
        r->writer = NULL;
        atomic_store_explicit(&r->failed, true, memory_order_release);
      }
    }
    if (ending) break;
    nanosleep(&idle, NULL);
  }
  return NULL;
}

/* -- the loop's side -- */
static pmm_status_t copy_config(pmm__recorder_t *r, const pmm__recorder_config_t *c, pmm_error_t *err) {
  r->cfg = *c;
  r->lost_ns = PMM_TIME_NONE;
  if (snprintf(r->folder, sizeof r->folder, "%s", c->folder) >= (int)sizeof r->folder || snprintf(r->name, sizeof r->name, "%s", c->name) >= (int)sizeof r->name)
    return pmm_error_set(err, PMM_INVAL, "record: folder or name too long");
  r->provenance = strdup(c->provenance);
  r->market = calloc(c->market_cnt + (size_t)1, sizeof *r->market);
  r->underlying = calloc(c->underlying_cnt + (size_t)1, sizeof *r->underlying);
  r->keep = calloc(c->market_cnt + (size_t)1, sizeof *r->keep);
  r->value = calloc(c->underlying_cnt + (size_t)1, sizeof *r->value);
  r->mean = calloc(c->underlying_cnt + (size_t)1, sizeof *r->mean);
  if (!r->provenance || !r->market || !r->underlying || !r->keep || !r->value || !r->mean) return pmm_error_set(err, PMM_FULL, "record: out of memory");
  memcpy(r->market, c->market, c->market_cnt * sizeof *r->market);
  if (c->underlying_cnt) memcpy(r->underlying, c->underlying, c->underlying_cnt * sizeof *r->underlying);
  return PMM_OK;
}

static void recorder_free(pmm__recorder_t *r) {
  for (uint32_t i = 0; r->keep && i < r->cfg.market_cnt; i++) pmm__keep_fini(&r->keep[i]);
  free(r->provenance);
  free(r->market);
  free(r->underlying);
  free(r->keep);
  free(r->value);
  free(r->mean);
  if (r->arena.base) pmm_arena_close(&r->arena);
  free(r);
}

static pmm_status_t make_folder(const char *folder, pmm_error_t *err) {
  if (mkdir(folder, 0777) == 0 || errno == EEXIST) return PMM_OK;
  return pmm_error_set(err, PMM_IO, "record: %.200s: %s", folder, strerror(errno));
}

pmm_status_t pmm__recorder_open(pmm__recorder_t **recorder, const pmm__recorder_config_t *config, pmm_error_t *err) {
  pmm__recorder_t *const r = aligned_alloc(64, (sizeof *r + 63) & ~(size_t)63);
  if (!r) return pmm_error_set(err, PMM_FULL, "record: out of memory");
  memset(r, 0, sizeof *r);
  pmm_status_t st = copy_config(r, config, err);
  if (st == PMM_OK) st = make_folder(r->folder, err);
  if (st == PMM_OK && (pmm_arena_open(&r->arena, (size_t)RING_RECORDS * sizeof(pmm_md_t) + 4096) != PMM_OK ||
                       pmm_ring_init(&r->ring, &r->arena, sizeof(pmm_md_t), RING_RECORDS) != PMM_OK))
    st = pmm_error_set(err, PMM_FULL, "record: out of memory");
  if (st == PMM_OK && pthread_create(&r->thread, NULL, run, r) != 0) st = pmm_error_set(err, PMM_FULL, "record: no thread");
  if (st != PMM_OK) { recorder_free(r); return st; }
  *recorder = r;
  return PMM_OK;
}

/* After a stretch of lost records every market has a gap from when it began; only then do records go on. */
static bool tell_gaps(pmm__recorder_t *r, int64_t now_ns) {
  if (pmm_ring_count(&r->ring) + r->cfg.market_cnt + 1 > RING_RECORDS) return false;
  for (uint32_t i = 0; i < r->cfg.market_cnt; i++) {
    pmm_md_t const gap = {.recv_ns = now_ns, .exch_ns = r->lost_ns, .market = i, .kind = PMM_MD_GAP};
    if (pmm_ring_push(&r->ring, &gap) != PMM_OK) return false;
  }
  r->lost_ns = PMM_TIME_NONE;
  return true;
}

void pmm__recorder_put(pmm__recorder_t *r, const pmm_md_t *md) {
  bool const under = pmm_kind_is_underlying(md->kind);
  if (md->market >= (under ? r->cfg.underlying_cnt : r->cfg.market_cnt)) return;
  bool const open = r->lost_ns == PMM_TIME_NONE || tell_gaps(r, md->recv_ns);
  if (open && pmm_ring_push(&r->ring, md) == PMM_OK) return;
  if (r->lost_ns == PMM_TIME_NONE) r->lost_ns = md->recv_ns;
  r->lost++;
}

void pmm__recorder_poll(pmm__recorder_t *r, uint64_t *written, uint64_t *lost) {
  *written = atomic_load_explicit(&r->written, memory_order_relaxed);
  *lost = r->lost;
  if (r->told_failed || !atomic_load_explicit(&r->failed, memory_order_acquire)) return;
  r->told_failed = true;
  pmm_notice(&r->cfg.notices, 0, PMM_ALERT, "record", "disk", PMM_NOTICE_NO_MARKET, "recording stopped: %s", r->error.text);
}

pmm_status_t pmm__recorder_close(pmm__recorder_t *r, pmm_error_t *err) {
  if (!r) return PMM_OK;
  atomic_store_explicit(&r->ending, true, memory_order_release);
  pthread_join(r->thread, NULL);
  pmm_status_t st = atomic_load(&r->failed) ? r->error.status : end_tape(r);
  if (st != PMM_OK && err) *err = r->error;
  recorder_free(r);
  return st;
}
