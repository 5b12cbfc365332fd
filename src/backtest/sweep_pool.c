/* sweep_pool.c -- threads that take units and give results. A unit is one pass of pmm_backtest_many; nothing is shared between two
   of them but the plan, which nobody changes. */
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include "run.h"
#include "sweep_impl.h"

struct pmm__pool {
  const pmm_sweep_plan_t *plan;
  pthread_mutex_t lock;   /* of everything below */
  pthread_mutex_t config; /* a strategy may be loaded from a file, and the loader's errors are not made for two at once */
  pthread_cond_t work, finished;
  pmm__job_t *todo, **todo_end, *ready, **ready_end;
  pmm__job_t *live[PMM_SWEEP_THREADS_MAX]; /* given and not taken */
  pthread_t thread[PMM_SWEEP_THREADS_MAX]; uint32_t thread_cnt;
  bool stop;
};

void pmm__job_free(pmm__job_t *job) {
  if (!job) return;
  for (uint32_t i = 0; job->row && i < job->unit.cnt; i++) free(job->row[i]);
  free(job->row);
  free(job);
}

/* -- one unit -- */
typedef struct batch { pmm_config_t *config; const pmm_config_t **list; pmm_result_t *result; uint32_t cnt; } batch_t;

static void batch_free(batch_t *b) {
  for (uint32_t i = 0; b->result && i < b->cnt; i++) pmm_result_free(&b->result[i]);
  free(b->config);
  free(b->list);
  free(b->result);
}

static pmm_status_t batch_open(pmm__pool_t *pool, batch_t *b, uint32_t first, uint32_t cnt, pmm_error_t *err) {
  *b = (batch_t){.config = aligned_alloc(_Alignof(pmm_config_t), cnt * sizeof *b->config), .list = calloc(cnt, sizeof *b->list), .result = calloc(cnt, sizeof *b->result), .cnt = cnt};
  if (!b->config || !b->list || !b->result) return pmm_error_set(err, PMM_FULL, "no memory for %u sets at once (--batch takes fewer)", cnt);
  pmm_status_t st = PMM_OK;
  pthread_mutex_lock(&pool->config);
  for (uint32_t i = 0; st == PMM_OK && i < cnt; i++) {
    b->list[i] = &b->config[i];
    st = pmm_sweep_config(pool->plan, first + i, &b->config[i], err);
  }
  pthread_mutex_unlock(&pool->config);
  return st;
}

static void note_progress(void *ctx, uint64_t done, uint64_t total) {
  pmm__job_t *const job = ctx;
  uint64_t const at = total ? (uint64_t)((double)job->total * ((double)done / (double)total)) : 0;
  if (at > atomic_load_explicit(&job->done, memory_order_relaxed)) atomic_store_explicit(&job->done, at, memory_order_relaxed);
}

/* Sets first .. first+cnt-1 in one pass, their rows into job->row. */
static pmm_status_t run_sets(pmm__pool_t *pool, pmm__job_t *job, uint32_t first, uint32_t cnt, pmm_error_t *err) {
  pmm_sweep_part_t const *const part = &pool->plan->part[job->unit.part];
  pmm_backtest_opts_t const opts = {.tape = part->tape, .tape_cnt = part->tape_cnt, .progress = note_progress, .ctx = job};
  batch_t b;
  pmm_status_t st = batch_open(pool, &b, first, cnt, err);
  if (st == PMM_OK) st = pmm_backtest_many(b.list, cnt, &opts, b.result, err);
  for (uint32_t i = 0; st == PMM_OK && i < cnt; i++) {
    job->row[first - job->unit.first + i] = pmm_sweep_row(&b.result[i]);
    if (!job->row[first - job->unit.first + i]) st = pmm_error_set(err, PMM_FULL, "no memory for results");
  }
  batch_free(&b);
  return st;
}

/* Which set of a failed batch it was is found by running them one by one; should all of them do well alone, so much the better. */
static pmm_status_t run_singly(pmm__pool_t *pool, pmm__job_t *job) {
  for (uint32_t i = 0; i < job->unit.cnt; i++) {
    pmm_error_t why = {0};
    uint32_t const set = job->unit.first + i;
    free(job->row[i]);
    job->row[i] = NULL;
    pmm_status_t const st = run_sets(pool, job, set, 1, &why);
    char name[160];
    if (st != PMM_OK) return pmm_error_set(&job->err, st, "%s: %s", pmm_sweep_name(pool->plan, set, name, sizeof name), why.text);
  }
  return PMM_OK;
}

static void run_job(pmm__pool_t *pool, pmm__job_t *job) {
  double const start = pmm__wall_seconds();
  job->row = calloc(job->unit.cnt, sizeof *job->row);
  if (!job->row) job->status = pmm_error_set(&job->err, PMM_FULL, "no memory for results");
  else if (run_sets(pool, job, job->unit.first, job->unit.cnt, &job->err) != PMM_OK) job->status = run_singly(pool, job);
  job->wall_s = pmm__wall_seconds() - start;
}

/* -- the threads -- */
static pmm__job_t *next_job(pmm__pool_t *pool) { /* NULL: stop */
  pthread_mutex_lock(&pool->lock);
  while (!pool->todo && !pool->stop) pthread_cond_wait(&pool->work, &pool->lock);
  pmm__job_t *const job = pool->stop ? NULL : pool->todo;
  if (job && !(pool->todo = job->next)) pool->todo_end = &pool->todo;
  pthread_mutex_unlock(&pool->lock);
  return job;
}

static void *work(void *ctx) {
  pmm__pool_t *const pool = ctx;
  for (pmm__job_t *job; (job = next_job(pool));) {
    run_job(pool, job);
    pthread_mutex_lock(&pool->lock);
    job->next = NULL;
    *pool->ready_end = job;
    pool->ready_end = &job->next;
    pthread_cond_signal(&pool->finished);
    pthread_mutex_unlock(&pool->lock);
  }
  return NULL;
}

pmm_status_t pmm__pool_open(pmm__pool_t **out, const pmm_sweep_plan_t *plan, uint32_t threads, pmm_error_t *err) {
  pmm__pool_t *const pool = calloc(1, sizeof *pool);
  if (!pool) return pmm_error_set(err, PMM_FULL, "sweep: no memory");
  pool->plan = plan;
  pool->todo_end = &pool->todo;
  pool->ready_end = &pool->ready;
  pthread_condattr_t attr;
  pthread_condattr_init(&attr);
  pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
  pthread_mutex_init(&pool->lock, NULL);
  pthread_mutex_init(&pool->config, NULL);
  pthread_cond_init(&pool->work, NULL);
  pthread_cond_init(&pool->finished, &attr);
  pthread_condattr_destroy(&attr);
  for (; pool->thread_cnt < threads && pool->thread_cnt < PMM_SWEEP_THREADS_MAX; pool->thread_cnt++)
    if (pthread_create(&pool->thread[pool->thread_cnt], NULL, work, pool) != 0) break;
  *out = pool;
  if (pool->thread_cnt) return PMM_OK;
  pmm__pool_close(pool);
  return pmm_error_set(err, PMM_FULL, "sweep: no thread could be started");
}

void pmm__pool_close(pmm__pool_t *pool) {
  if (!pool) return;
  pthread_mutex_lock(&pool->lock);
  pool->stop = true;
  pthread_cond_broadcast(&pool->work);
  pthread_mutex_unlock(&pool->lock);
  for (uint32_t i = 0; i < pool->thread_cnt; i++) pthread_join(pool->thread[i], NULL);
  for (uint32_t i = 0; i < PMM_SWEEP_THREADS_MAX; i++) pmm__job_free(pool->live[i]);
  pthread_cond_destroy(&pool->work);
  pthread_cond_destroy(&pool->finished);
  pthread_mutex_destroy(&pool->lock);
  pthread_mutex_destroy(&pool->config);
  free(pool);
}

static uint32_t live_slot(const pmm__pool_t *pool, const pmm__job_t *job) {
  uint32_t i = 0;
  while (i < PMM_SWEEP_THREADS_MAX && pool->live[i] != job) i++;
  return i;
}

pmm_status_t pmm__pool_give(pmm__pool_t *pool, pmm__unit_t unit, uint64_t id) {
  uint32_t const slot = live_slot(pool, NULL);
  pmm__job_t *const job = slot < PMM_SWEEP_THREADS_MAX ? calloc(1, sizeof *job) : NULL;
  if (!job) return PMM_FULL;
  job->unit = unit;
  job->id = id;
  job->total = pool->plan->part[unit.part].records * unit.cnt;
  pool->live[slot] = job;
  pthread_mutex_lock(&pool->lock);
  *pool->todo_end = job;
  pool->todo_end = &job->next;
  pthread_cond_signal(&pool->work);
  pthread_mutex_unlock(&pool->lock);
  return PMM_OK;
}

pmm__job_t *pmm__pool_take(pmm__pool_t *pool, int64_t wait_ns) {
  struct timespec until;
  clock_gettime(CLOCK_MONOTONIC, &until);
  until.tv_nsec += (long)(wait_ns % PMM_NS_PER_S);
  until.tv_sec += wait_ns / PMM_NS_PER_S + until.tv_nsec / PMM_NS_PER_S;
  until.tv_nsec %= PMM_NS_PER_S;
  pthread_mutex_lock(&pool->lock);
  while (!pool->ready && pthread_cond_timedwait(&pool->finished, &pool->lock, &until) == 0) {}
  pmm__job_t *const job = pool->ready;
  if (job && !(pool->ready = job->next)) pool->ready_end = &pool->ready;
  pthread_mutex_unlock(&pool->lock);
  if (job) pool->live[live_slot(pool, job)] = NULL;
  return job;
}

uint64_t pmm__pool_progress(pmm__pool_t *pool) {
  uint64_t sum = 0;
  for (uint32_t i = 0; i < PMM_SWEEP_THREADS_MAX; i++)
    if (pool->live[i]) sum += atomic_load_explicit(&pool->live[i]->done, memory_order_relaxed);
  return sum;
}
