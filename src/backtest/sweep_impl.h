/* sweep_impl.h -- inside of pmm/sweep.h: from --set texts to axes, axes to sets, tapes to parts, and the pool that works units off. */
#ifndef PMM_SWEEP_IMPL_H
#define PMM_SWEEP_IMPL_H
#include <stdatomic.h>
#include "pmm/sweep.h"

/* -- sweep_axis.c -- */
/* Sorts spec->set into plan->fixed and plan->axis. */
pmm_status_t pmm__sweep_axes(pmm_sweep_plan_t *plan, const pmm_sweep_spec_t *spec, pmm_error_t *err);
void pmm__sweep_axis_free(pmm_sweep_axis_t *axis);
/* A number as the axis' parameter takes it, with the axis' unit: what finer digits the type does not hold is rounded off. */
char *pmm__sweep_print(const pmm_sweep_axis_t *axis, double x);
/* The value of an axis at q in [0,1) of its range or list; owned by the caller. NULL without memory. */
char *pmm__sweep_at(const pmm_sweep_axis_t *axis, double q);

/* -- sweep_parts.c -- */
/* Of a file's length, first and last 64 KiB: a tape's index with the checksum of every block is at its end. */
pmm_status_t pmm__sweep_hash_file(const char *path, uint64_t *hash, pmm_error_t *err);

/* -- sweep_stats.c -- */
pmm_status_t pmm__sweep_deflate(const pmm_sweep_plan_t *plan, pmm_sweep_store_t *store, uint32_t chosen, pmm_deflated_t *out, pmm_error_t *err);

/* -- sweep_pool.c: threads that work units off -- */
typedef struct pmm__unit { uint32_t part, first, cnt; } pmm__unit_t;
typedef struct pmm__job {
  struct pmm__job *next;
  pmm__unit_t unit;
  uint64_t id;            /* the giver's */
  char **row;             /* [unit.cnt]; NULL when status is not PMM_OK */
  double wall_s;
  _Atomic uint64_t done;  /* records times sets, so far */
  uint64_t total;
  pmm_status_t status;
  pmm_error_t err;
} pmm__job_t;
typedef struct pmm__pool pmm__pool_t;
pmm_status_t pmm__pool_open(pmm__pool_t **pool, const pmm_sweep_plan_t *plan, uint32_t threads, pmm_error_t *err);
/* Drops what has not begun and waits for what has. */
void pmm__pool_close(pmm__pool_t *pool);
pmm_status_t pmm__pool_give(pmm__pool_t *pool, pmm__unit_t unit, uint64_t id); /* PMM_FULL: no memory */
/* A finished job, or NULL when none finishes within wait_ns. Freed by pmm__job_free. */
pmm__job_t *pmm__pool_take(pmm__pool_t *pool, int64_t wait_ns);
void pmm__job_free(pmm__job_t *job);
uint64_t pmm__pool_progress(pmm__pool_t *pool); /* sum of done over jobs given and not taken */

/* -- sweep_ranks.c: messages between rank 0 and the others -- */
pmm_status_t pmm__ranks_send_unit(const pmm_sweep_ranks_t *ranks, int to, pmm__unit_t unit, uint64_t id, pmm_error_t *err);
/* Takes one message of a worker, if any; *from is -1 when there is none. Either *wants more units it can work on at once (which it
   says once), or *job is a result, freed by pmm__job_free. */
pmm_status_t pmm__ranks_take(const pmm_sweep_ranks_t *ranks, int *from, uint32_t *wants, pmm__job_t **job, pmm_error_t *err);
#endif
