/* sweep_run.c -- rank 0's work: what is missing, handing it out, storing it, and choosing. Units go to whoever is free, so that a slow
   one keeps nobody else waiting. */
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include "sweep_impl.h"

#define BATCH_DEFAULT_MAX 64     /* sets in one pass: more of them only take memory, a megabyte each */
#define UNITS_PER_WORKER 4       /* at least, so that the end is even */
#define WAIT_ALONE_NS (100 * PMM_NS_PER_MS)
#define WAIT_RANKS_NS PMM_NS_PER_MS

typedef struct run {
  const pmm_sweep_plan_t *plan;
  pmm_sweep_store_t *store;
  const pmm_sweep_opts_t *opts;
  pmm__pool_t *pool;
  const char *by; bool less_is_better;
  uint32_t *free_cnt;            /* [ranks] units a rank would take now */
  int ranks;
  uint64_t stored, done, total;  /* units; records times sets */
  uint64_t reused;
  bool *has;                     /* [set_cnt] scratch */
} run_t;

static pmm_status_t no_memory(pmm_error_t *err) { return pmm_error_set(err, PMM_FULL, "sweep: no memory"); }

/* -- a list of units -- */
typedef struct units { pmm__unit_t *item; size_t cnt, cap; } units_t;

static pmm_status_t add_unit(units_t *u, uint32_t part, uint32_t first, uint32_t cnt, pmm_error_t *err) {
  if (u->cnt == u->cap) {
    size_t const cap = u->cap ? 2 * u->cap : 64;
    pmm__unit_t *const item = realloc(u->item, cap * sizeof *item);
    if (!item) return no_memory(err);
    u->item = item;
    u->cap = cap;
  }
  u->item[u->cnt++] = (pmm__unit_t){part, first, cnt};
  return PMM_OK;
}

static pmm_status_t add_missing(run_t *r, units_t *u, uint32_t part, uint32_t batch, pmm_error_t *err) {
  pmm_status_t st = pmm_sweep_store_done(r->store, part, r->has, err);
  for (uint32_t i = 0; i < r->plan->set_cnt; i++) r->reused += r->has[i];
  for (uint32_t i = 0; st == PMM_OK && i < r->plan->set_cnt;) {
    uint32_t cnt = 0;
    while (cnt < batch && i + cnt < r->plan->set_cnt && !r->has[i + cnt]) cnt++;
    if (cnt) st = add_unit(u, part, i, cnt, err);
    i += cnt ? cnt : 1;
  }
  return st;
}

/* The longest parts first: what begins last should be short. Training parts grow with their number. */
static pmm_status_t list_first(run_t *r, units_t *u, pmm_error_t *err) {
  uint64_t const workers = (uint64_t)r->opts->threads * (uint64_t)r->ranks;
  uint64_t const even = ((uint64_t)r->plan->set_cnt * (1u + r->plan->fold_cnt) + workers * UNITS_PER_WORKER - 1) / (workers * UNITS_PER_WORKER);
  uint32_t const batch = r->opts->batch ? r->opts->batch : even < BATCH_DEFAULT_MAX ? (uint32_t)even : BATCH_DEFAULT_MAX;
  pmm_status_t st = add_missing(r, u, 0, batch, err);
  for (uint32_t k = r->plan->fold_cnt; st == PMM_OK && k >= 1; k--) st = add_missing(r, u, k, batch, err);
  return st;
}

/* -- working a list off -- */
static void show_progress(run_t *r) {
  if (r->opts->progress) r->opts->progress(r->opts->ctx, r->done + pmm__pool_progress(r->pool), r->total);
}

static pmm_status_t give(run_t *r, int rank, pmm__unit_t unit, uint64_t id, pmm_error_t *err) {
  r->free_cnt[rank]--;
  if (rank) return pmm__ranks_send_unit(r->opts->ranks, rank, unit, id, err);
  return pmm__pool_give(r->pool, unit, id) == PMM_OK ? PMM_OK : no_memory(err);
}

/* One unit to each rank that is free, again and again. */
static pmm_status_t hand_out(run_t *r, const units_t *u, size_t *next, pmm_error_t *err) {
  for (bool any = true; any && *next < u->cnt;) {
    any = false;
    for (int rank = r->ranks - 1; rank >= 0 && *next < u->cnt; rank--) { /* this one last: it also stores */
      if (!r->free_cnt[rank]) continue;
      pmm_status_t const st = give(r, rank, u->item[*next], *next, err);
      if (st != PMM_OK) return st;
      (*next)++;
      any = true;
    }
  }
  return PMM_OK;
}

static pmm_status_t finish(run_t *r, int rank, pmm__job_t *job, pmm_error_t *err) {
  pmm_status_t st = job->status;
  if (st != PMM_OK && err) *err = job->err;
  if (st == PMM_OK) st = pmm_sweep_store_put(r->store, job->unit.part, job->unit.first, job->unit.cnt, job->row, job->wall_s, err);
  r->free_cnt[rank]++;
  r->done += r->plan->part[job->unit.part].records * job->unit.cnt;
  pmm__job_free(job);
  if (st == PMM_OK && r->opts->stored) r->opts->stored(r->opts->ctx, ++r->stored);
  return st;
}

/* Everything that other ranks have sent. */
static pmm_status_t hear_ranks(run_t *r, size_t *finished, pmm_error_t *err) {
  for (int from = 0; r->ranks > 1;) {
    uint32_t wants;
    pmm__job_t *job;
    pmm_status_t st = pmm__ranks_take(r->opts->ranks, &from, &wants, &job, err);
    if (st != PMM_OK || from < 0) return st;
    r->free_cnt[from] += wants;
    if (job && (st = finish(r, from, job, err)) != PMM_OK) return st;
    *finished += job != NULL;
  }
  return PMM_OK;
}

static pmm_status_t work_off(run_t *r, const units_t *u, pmm_error_t *err) {
  size_t next = 0, finished = 0;
  pmm_status_t st = PMM_OK;
  while (st == PMM_OK && finished < u->cnt) {
    st = hand_out(r, u, &next, err);
    pmm__job_t *const job = st == PMM_OK ? pmm__pool_take(r->pool, r->ranks > 1 ? WAIT_RANKS_NS : WAIT_ALONE_NS) : NULL;
    if (job) {
      st = finish(r, 0, job, err);
      finished++;
    }
    if (st == PMM_OK) st = hear_ranks(r, &finished, err);
    if (st == PMM_OK) show_progress(r);
  }
  return st;
}

/* -- choosing -- */
typedef struct ranked { double value; uint32_t set; } ranked_t;

static int best_first(const void *a, const void *b) {
  ranked_t const *const x = a, *const y = b;
  if (x->value != y->value) return x->value > y->value ? -1 : 1;
  return x->set < y->set ? -1 : x->set > y->set;
}

/* Sets that have a value, best first. PMM_NOT_READY: none has. */
static pmm_status_t rank_sets(run_t *r, uint32_t part, double *value, uint32_t *order, uint32_t *cnt, pmm_error_t *err) {
  pmm_status_t st = pmm_sweep_store_values(r->store, part, r->by, value, err);
  ranked_t *const list = st == PMM_OK ? malloc(r->plan->set_cnt * sizeof *list) : NULL;
  if (st == PMM_OK && !list) st = no_memory(err);
  *cnt = 0;
  for (uint32_t i = 0; st == PMM_OK && i < r->plan->set_cnt; i++)
    if (isfinite(value[i])) list[(*cnt)++] = (ranked_t){r->less_is_better ? -value[i] : value[i], i};
  if (st == PMM_OK && *cnt == 0) st = pmm_error_set(err, PMM_NOT_READY, "--by %s: no set has such a figure on part '%s'", r->opts->by, r->plan->part[part].name);
  if (st == PMM_OK) {
    qsort(list, *cnt, sizeof *list, best_first);
    for (uint32_t i = 0; i < *cnt; i++) order[i] = list[i].set;
  }
  free(list);
  return st;
}

static pmm_status_t value_of(run_t *r, uint32_t part, uint32_t set, double *out, pmm_error_t *err) {
  double *const value = malloc(r->plan->set_cnt * sizeof *value);
  if (!value) return no_memory(err);
  pmm_status_t const st = pmm_sweep_store_values(r->store, part, r->by, value, err);
  if (st == PMM_OK) *out = value[set];
  free(value);
  return st;
}

/* The winner of each training part, from nothing but that part. */
static pmm_status_t choose(run_t *r, pmm_sweep_outcome_t *o, pmm_error_t *err) {
  uint32_t const sets = r->plan->set_cnt, steps = r->plan->fold_cnt;
  o->order = malloc(sets * sizeof *o->order);
  o->value = malloc(sets * sizeof *o->value);
  o->step = calloc(steps + 1u, sizeof *o->step);
  if (!o->order || !o->value || !o->step) return no_memory(err);
  pmm_status_t st = PMM_OK;
  for (uint32_t k = 1; st == PMM_OK && k <= steps; k++) {
    st = rank_sets(r, k, o->value, o->order, &o->order_cnt, err);
    if (st == PMM_OK) o->step[o->step_cnt++] = (pmm_sweep_step_t){.train_part = k, .test_part = steps + k, .set = o->order[0], .train = o->value[o->order[0]]};
  }
  return st == PMM_OK ? rank_sets(r, 0, o->value, o->order, &o->order_cnt, err) : st;
}

static pmm_status_t list_chosen(run_t *r, const pmm_sweep_outcome_t *o, units_t *u, pmm_error_t *err) {
  pmm_status_t st = PMM_OK;
  for (uint32_t k = 0; st == PMM_OK && k < o->step_cnt; k++) {
    st = pmm_sweep_store_done(r->store, o->step[k].test_part, r->has, err);
    if (st == PMM_OK && !r->has[o->step[k].set]) st = add_unit(u, o->step[k].test_part, o->step[k].set, 1, err);
  }
  if (st != PMM_OK || !r->plan->has_holdout) return st;
  uint32_t const holdout = r->plan->part_cnt - 1;
  st = pmm_sweep_store_done(r->store, holdout, r->has, err);
  return st == PMM_OK && !r->has[o->order[0]] ? add_unit(u, holdout, o->order[0], 1, err) : st;
}

static pmm_status_t read_chosen(run_t *r, pmm_sweep_outcome_t *o, pmm_error_t *err) {
  pmm_status_t st = PMM_OK;
  for (uint32_t k = 0; st == PMM_OK && k < o->step_cnt; k++) st = value_of(r, o->step[k].test_part, o->step[k].set, &o->step[k].test, err);
  o->holdout = NAN;
  if (st != PMM_OK || !r->plan->has_holdout) return st;
  st = value_of(r, r->plan->part_cnt - 1, o->order[0], &o->holdout, err);
  if (st == PMM_OK) st = pmm_sweep_store_done(r->store, r->plan->part_cnt - 1, r->has, err);
  for (uint32_t i = 0; st == PMM_OK && i < r->plan->set_cnt; i++) o->holdout_looks += r->has[i];
  return st;
}

/* -- whole -- */
static void count_work(run_t *r, const units_t *u) {
  for (size_t i = 0; i < u->cnt; i++) r->total += r->plan->part[u->item[i].part].records * u->item[i].cnt;
  for (uint32_t k = r->plan->fold_cnt + 1; k < r->plan->part_cnt; k++) r->total += r->plan->part[k].records;
}

static pmm_status_t run(run_t *r, pmm_sweep_outcome_t *o, pmm_error_t *err) {
  units_t first = {0}, chosen = {0};
  pmm_status_t st = pmm_sweep_store_values(r->store, 0, r->by, o->value, err); /* a criterion that does not exist is told at once */
  if (st == PMM_OK) st = list_first(r, &first, err);
  count_work(r, &first);
  o->reused = r->reused;
  if (st == PMM_OK) st = work_off(r, &first, err);
  free(o->value);
  o->value = NULL;
  if (st == PMM_OK) st = choose(r, o, err);
  if (st == PMM_OK) st = list_chosen(r, o, &chosen, err);
  if (st == PMM_OK) st = work_off(r, &chosen, err);
  if (st == PMM_OK) st = read_chosen(r, o, err);
  if (st == PMM_OK) st = pmm__sweep_deflate(r->plan, r->store, o->order[0], &o->deflated, err);
  free(first.item);
  free(chosen.item);
  return st;
}

pmm_status_t pmm_sweep_run(const pmm_sweep_plan_t *plan, pmm_sweep_store_t *store, const pmm_sweep_opts_t *opts, pmm_sweep_outcome_t *o, pmm_error_t *err) {
  run_t r = {.plan = plan, .store = store, .opts = opts, .by = opts->by, .ranks = opts->ranks ? opts->ranks->size : 1};
  *o = (pmm_sweep_outcome_t){.holdout = NAN};
  if (*r.by == '-') r.less_is_better = true, r.by++;
  r.has = calloc(plan->set_cnt, sizeof *r.has);
  r.free_cnt = calloc((size_t)r.ranks, sizeof *r.free_cnt);
  o->value = malloc(plan->set_cnt * sizeof *o->value);
  pmm_status_t st = r.has && r.free_cnt && o->value ? pmm__pool_open(&r.pool, plan, opts->threads, err) : no_memory(err);
  if (st == PMM_OK) {
    r.free_cnt[0] = opts->threads;
    st = run(&r, o, err);
  }
  pmm__pool_close(r.pool);
  free(r.has);
  free(r.free_cnt);
  if (st != PMM_OK) pmm_sweep_outcome_free(o);
  return st;
}

void pmm_sweep_outcome_free(pmm_sweep_outcome_t *o) {
  free(o->order);
  free(o->value);
  free(o->step);
  *o = (pmm_sweep_outcome_t){.holdout = NAN};
}
