/* sweep_ranks.c -- what ranks say to each other. Rank 0 plans, hands out and stores; the others compute. Messages, by their first byte:
     H hash          greeting: my plan                E text        greeting: my plan failed
     G               go on                            S             stop
     W count         I work on so many units at once  B             bye: stopped, nothing more will come
     U id unit       do this                          R id unit ... done: status, wall time, then rows or an error, each ended by NUL
   All ranks run one program, so that structs travel as they are. */
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include "sweep_impl.h"

typedef struct head { char kind; pmm_status_t status; uint32_t cnt; uint64_t id; pmm__unit_t unit; double wall_s; } head_t;

static void pause_ms(void) { nanosleep(&(struct timespec){.tv_nsec = 1000000}, NULL); } /* a blocking receive of MPI burns a core */

static pmm_status_t send_head(const pmm_sweep_ranks_t *ranks, int to, head_t head, pmm_error_t *err) { return ranks->send(to, &head, sizeof head, err); }

/* A head and a text of len bytes behind it. */
static pmm_status_t send_text(const pmm_sweep_ranks_t *ranks, int to, head_t head, const char *text, size_t len, pmm_error_t *err) {
  char *const data = malloc(sizeof head + len);
  if (!data) return pmm_error_set(err, PMM_FULL, "sweep: no memory");
  memcpy(data, &head, sizeof head);
  memcpy(data + sizeof head, text, len);
  pmm_status_t const st = ranks->send(to, data, sizeof head + len, err);
  free(data);
  return st;
}

/* Waits for a message. */
static pmm_status_t wait_for(const pmm_sweep_ranks_t *ranks, int *from, char **data, head_t *head, pmm_error_t *err) {
  size_t len = 0;
  void *got = NULL;
  for (;;) {
    pmm_status_t const st = ranks->poll(from, &got, &len, err);
    if (st != PMM_OK) return st;
    if (got && len >= sizeof *head) break;
    free(got);
    pause_ms();
  }
  memcpy(head, got, sizeof *head);
  *data = got;
  return PMM_OK;
}

/* -- greeting -- */
/* One worker's greeting, into the first failure. */
static pmm_status_t hear(const pmm_sweep_ranks_t *ranks, const pmm_sweep_plan_t *plan, pmm_status_t status, pmm_error_t *err) {
  int from = 0;
  char *data = NULL;
  head_t head;
  pmm_status_t const st = wait_for(ranks, &from, &data, &head, err);
  if (st != PMM_OK) return st;
  if (status == PMM_OK && head.kind == 'E') status = pmm_error_set(err, head.status, "rank %d: %.400s", from, data + sizeof head);
  if (status == PMM_OK && head.id != plan->hash)
    status = pmm_error_set(err, PMM_STATE, "rank %d has another plan: its configuration, tapes or program are not the same files as here", from);
  free(data);
  return status;
}

static pmm_status_t greet_all(const pmm_sweep_ranks_t *ranks, pmm_status_t status, const pmm_sweep_plan_t *plan, pmm_error_t *err) {
  for (int i = 1; i < ranks->size; i++) status = hear(ranks, plan, status, err);
  for (int i = 1; i < ranks->size; i++) {
    pmm_status_t const sent = send_head(ranks, i, (head_t){.kind = status == PMM_OK ? 'G' : 'S'}, err);
    if (status == PMM_OK) status = sent;
  }
  return status;
}

pmm_status_t pmm_sweep_greet(const pmm_sweep_ranks_t *ranks, pmm_status_t status, const pmm_sweep_plan_t *plan, pmm_error_t *err) {
  if (ranks->rank == 0) return greet_all(ranks, status, plan, err);
  pmm_status_t st;
  if (status == PMM_OK) st = send_head(ranks, 0, (head_t){.kind = 'H', .id = plan->hash}, err);
  else st = send_text(ranks, 0, (head_t){.kind = 'E', .status = status}, err->text, strlen(err->text) + 1, err);
  int from;
  char *data = NULL;
  head_t head = {0};
  if (st == PMM_OK) st = wait_for(ranks, &from, &data, &head, err);
  free(data);
  if (st == PMM_OK && head.kind != 'G') st = pmm_error_set(err, PMM_STATE, "rank 0 called it off");
  return st;
}

/* -- rank 0 -- */
pmm_status_t pmm__ranks_send_unit(const pmm_sweep_ranks_t *ranks, int to, pmm__unit_t unit, uint64_t id, pmm_error_t *err) {
  return send_head(ranks, to, (head_t){.kind = 'U', .unit = unit, .id = id}, err);
}

static bool read_rows(pmm__job_t *job, const char *text, size_t len) {
  job->row = calloc(job->unit.cnt + 1, sizeof *job->row);
  for (uint32_t i = 0; job->row && i < job->unit.cnt; i++) {
    size_t const row_len = strnlen(text, len);
    if (row_len == len || !(job->row[i] = strdup(text))) return false;
    text += row_len + 1;
    len -= row_len + 1;
  }
  return job->row != NULL;
}

static pmm_status_t read_result(const head_t *head, const char *text, size_t len, pmm__job_t **out, pmm_error_t *err) {
  pmm__job_t *const job = calloc(1, sizeof *job);
  if (!job) return pmm_error_set(err, PMM_FULL, "sweep: no memory");
  job->unit = head->unit;
  job->id = head->id;
  job->wall_s = head->wall_s;
  job->status = head->status;
  if (job->status != PMM_OK) pmm_error_set(&job->err, head->status, "%.*s", (int)len, text);
  else if (!read_rows(job, text, len)) {
    pmm__job_free(job);
    return pmm_error_set(err, PMM_CORRUPT, "a rank's result is cut short");
  }
  *out = job;
  return PMM_OK;
}

pmm_status_t pmm__ranks_take(const pmm_sweep_ranks_t *ranks, int *from, uint32_t *wants, pmm__job_t **job, pmm_error_t *err) {
  void *data = NULL;
  size_t len = 0;
  *wants = 0;
  *job = NULL;
  pmm_status_t st = ranks->poll(from, &data, &len, err);
  if (st != PMM_OK || !data) {
    *from = -1;
    return st;
  }
  head_t head = {0};
  if (len >= sizeof head) memcpy(&head, data, sizeof head);
  if (head.kind == 'W') *wants = head.cnt;
  else if (head.kind == 'R') st = read_result(&head, (char *)data + sizeof head, len - sizeof head, job, err);
  else st = pmm_error_set(err, PMM_CORRUPT, "rank %d sent a message that makes no sense", *from);
  free(data);
  return st;
}

/* Results that are still under way are thrown away: their sender waits until somebody takes them. */
void pmm_sweep_dismiss(const pmm_sweep_ranks_t *ranks) {
  pmm_error_t err;
  for (int i = 1; i < ranks->size; i++)
    if (send_head(ranks, i, (head_t){.kind = 'S'}, &err) != PMM_OK) return;
  for (int left = ranks->size - 1; left > 0;) {
    int from;
    char *data = NULL;
    head_t head;
    if (wait_for(ranks, &from, &data, &head, &err) != PMM_OK) return;
    left -= head.kind == 'B';
    free(data);
  }
}

/* -- the others -- */
static size_t rows_size(const pmm__job_t *job) {
  size_t size = 0;
  for (uint32_t i = 0; i < job->unit.cnt; i++) size += strlen(job->row[i]) + 1;
  return size;
}

static pmm_status_t send_result(const pmm_sweep_ranks_t *ranks, const pmm__job_t *job, pmm_error_t *err) {
  head_t const head = {.kind = 'R', .status = job->status, .id = job->id, .unit = job->unit, .wall_s = job->wall_s};
  if (job->status != PMM_OK) return send_text(ranks, 0, head, job->err.text, strlen(job->err.text), err);
  size_t const size = rows_size(job);
  char *const text = malloc(size), *at = text;
  if (!text) return pmm_error_set(err, PMM_FULL, "sweep: no memory");
  for (uint32_t i = 0; i < job->unit.cnt; i++) at = stpcpy(at, job->row[i]) + 1;
  pmm_status_t const st = send_text(ranks, 0, head, text, size, err);
  free(text);
  return st;
}

/* One message of rank 0, if any; *stop when it was the last. */
static pmm_status_t obey(const pmm_sweep_ranks_t *ranks, pmm__pool_t *pool, bool *stop, pmm_error_t *err) {
  void *data = NULL;
  size_t len = 0;
  int from;
  pmm_status_t st = ranks->poll(&from, &data, &len, err);
  if (st != PMM_OK || !data) return st;
  head_t head = {0};
  if (len >= sizeof head) memcpy(&head, data, sizeof head);
  free(data);
  if (head.kind == 'S') *stop = true;
  else if (head.kind == 'U') st = pmm__pool_give(pool, head.unit, head.id);
  return st == PMM_OK ? st : pmm_error_set(err, st, "sweep: no memory");
}

pmm_status_t pmm_sweep_serve(const pmm_sweep_plan_t *plan, const pmm_sweep_opts_t *opts, pmm_error_t *err) {
  pmm_sweep_ranks_t const *const ranks = opts->ranks;
  pmm__pool_t *pool = NULL;
  pmm_status_t st = pmm__pool_open(&pool, plan, opts->threads, err);
  if (st == PMM_OK) st = send_head(ranks, 0, (head_t){.kind = 'W', .cnt = opts->threads}, err);
  for (bool stop = false; st == PMM_OK && !stop;) {
    st = obey(ranks, pool, &stop, err);
    pmm__job_t *const job = st == PMM_OK && !stop ? pmm__pool_take(pool, PMM_NS_PER_MS) : NULL;
    if (job) st = send_result(ranks, job, err);
    pmm__job_free(job);
  }
  pmm__pool_close(pool);
  if (st == PMM_OK) st = send_head(ranks, 0, (head_t){.kind = 'B'}, err);
  return st;
}
