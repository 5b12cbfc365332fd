/* sweep_parts.c -- tapes divided by time into the parts of a walk-forward and a hold-out. Tapes are taken whole: a strategy that
   began in the middle of one would meet a market without its past. `pmm tape cut` makes several of a long one. */
#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include "pmm/hash.h"
#include "sweep_impl.h"

#define PROBE_BYTES 65536

typedef struct span { uint32_t tape; uint64_t records; int64_t first_ns, last_ns; } span_t;

static pmm_status_t no_memory(pmm_error_t *err) { return pmm_error_set(err, PMM_FULL, "sweep: no memory"); }

pmm_status_t pmm__sweep_hash_file(const char *path, uint64_t *hash, pmm_error_t *err) {
  unsigned char *const probe = malloc(PROBE_BYTES);
  FILE *const f = probe ? fopen(path, "re") : NULL;
  pmm_status_t st = f ? PMM_OK : pmm_error_set(err, PMM_IO, "%.200s: %s", path, strerror(errno));
  if (f) {
    size_t const head = fread(probe, 1, PROBE_BYTES, f);
    *hash = pmm_hash64(probe, head, 0);
    if (fseeko(f, 0, SEEK_END) == 0) {
      off_t const size = ftello(f);
      *hash = pmm_hash_mix(*hash, (uint64_t)size);
      fseeko(f, size > PROBE_BYTES ? size - PROBE_BYTES : 0, SEEK_SET);
      *hash = pmm_hash64(probe, fread(probe, 1, PROBE_BYTES, f), *hash);
    }
    if (ferror(f)) st = pmm_error_set(err, PMM_IO, "%.200s: cannot be read", path);
    fclose(f);
  }
  free(probe);
  return st;
}

/* -- tapes -- */
static pmm_status_t look_at(pmm_sweep_plan_t *plan, const char *path, span_t *span, pmm_error_t *err) {
  pmm_tape_t *tape = NULL;
  pmm_status_t st = pmm_tape_open(&tape, path, err);
  if (st != PMM_OK) return st;
  pmm_tape_info_t const *const info = pmm_tape_info(tape);
  *span = (span_t){.tape = (uint32_t)plan->tape_cnt, .records = info->records, .first_ns = info->first_ns, .last_ns = info->last_ns};
  pmm_tape_close(tape);
  uint64_t hash = 0;
  st = pmm__sweep_hash_file(path, &hash, err);
  plan->hash = pmm_hash_mix(plan->hash, hash);
  char *const copy = st == PMM_OK ? strdup(path) : NULL;
  if (copy) plan->tape[plan->tape_cnt++] = copy;
  return st == PMM_OK && !copy ? no_memory(err) : st;
}

static int by_time(const void *a, const void *b) {
  span_t const *const x = a, *const y = b;
  if (x->first_ns != y->first_ns) return x->first_ns < y->first_ns ? -1 : 1;
  return x->tape < y->tape ? -1 : x->tape > y->tape;
}

/* -- parts -- */
static int by_tape(const void *a, const void *b) {
  span_t const *const x = a, *const y = b;
  return x->tape < y->tape ? -1 : x->tape > y->tape;
}

/* A part of the tapes at positions from .. to-1 in time, in the order in which the user gave them: how ties between tapes break is
   part of a result. */
static pmm_status_t add_part(pmm_sweep_plan_t *plan, pmm_sweep_role_t role, uint32_t step, const span_t *span, size_t from, size_t to, pmm_error_t *err) {
  static const char *const names[] = {"all", "train", "test", "holdout"};
  pmm_sweep_part_t *const part = &plan->part[plan->part_cnt++];
  *part = (pmm_sweep_part_t){.role = role, .tape_cnt = to - from, .first_ns = PMM_NS_MAX, .last_ns = INT64_MIN};
  if (step) snprintf(part->name, sizeof part->name, "%s %u", names[role], step);
  else snprintf(part->name, sizeof part->name, "%s", names[role]);
  part->tape = calloc(part->tape_cnt, sizeof *part->tape);
  span_t *const own = malloc(part->tape_cnt * sizeof *own);
  if (part->tape && own) {
    memcpy(own, span + from, part->tape_cnt * sizeof *own);
    qsort(own, part->tape_cnt, sizeof *own, by_tape);
    for (size_t i = 0; i < part->tape_cnt; i++) {
      part->tape[i] = plan->tape[own[i].tape];
      part->records += own[i].records;
      part->first_ns = pmm_min64(part->first_ns, own[i].first_ns);
      part->last_ns = pmm_max64(part->last_ns, own[i].last_ns);
    }
  }
  free(own);
  return part->tape && own ? PMM_OK : no_memory(err);
}

/* How far the past reaches into its future. */
static void note_overlap(pmm_sweep_plan_t *plan, uint32_t past, uint32_t future) {
  plan->overlap_ns = pmm_max64(plan->overlap_ns, plan->part[past].last_ns - plan->part[future].first_ns);
}

static pmm_status_t divide(pmm_sweep_plan_t *plan, const pmm_sweep_spec_t *spec, const span_t *span, pmm_error_t *err) {
  size_t const held = spec->holdout > 0 ? (size_t)fmax(1, floor(spec->holdout * (double)plan->tape_cnt + 0.5)) : 0;
  uint32_t const steps = spec->fold_cnt;
  if (held >= plan->tape_cnt) return pmm_error_set(err, PMM_NOT_READY, "--holdout %g leaves nothing of %zu tapes to choose on (pmm tape cut makes several of one)", spec->holdout, plan->tape_cnt);
  size_t const rest = plan->tape_cnt - held;
  if (steps && rest < steps + 1u)
    return pmm_error_set(err, PMM_NOT_READY, "--folds %u needs at least %u tapes beside the hold-out, there are %zu (pmm tape cut makes several of one)", steps, steps + 1, rest);
  plan->part = calloc(2u * steps + 2, sizeof *plan->part);
  if (!plan->part) return no_memory(err);
  pmm_status_t st = add_part(plan, PMM_SWEEP_SELECT, 0, span, 0, rest, err);
  for (uint32_t k = 1; st == PMM_OK && k <= steps; k++) st = add_part(plan, PMM_SWEEP_TRAIN, k, span, 0, k * rest / (steps + 1), err);
  for (uint32_t k = 1; st == PMM_OK && k <= steps; k++) st = add_part(plan, PMM_SWEEP_TEST, k, span, k * rest / (steps + 1), (k + 1) * rest / (steps + 1), err);
  if (st == PMM_OK && held) st = add_part(plan, PMM_SWEEP_HOLDOUT, 0, span, rest, plan->tape_cnt, err);
  if (st != PMM_OK) return st;
  plan->fold_cnt = steps;
  plan->has_holdout = held > 0;
  for (uint32_t k = 1; k <= steps; k++) note_overlap(plan, k, steps + k);
  if (held) note_overlap(plan, 0, plan->part_cnt - 1);
  plan->hash = pmm_hash_mix(pmm_hash_mix(plan->hash, steps), held);
  return PMM_OK;
}

pmm_status_t pmm_sweep_plan_tapes(pmm_sweep_plan_t *plan, const pmm_sweep_spec_t *spec, pmm_error_t *err) {
  plan->tape = calloc(spec->tape_cnt, sizeof *plan->tape);
  span_t *const span = calloc(spec->tape_cnt, sizeof *span);
  pmm_status_t st = plan->tape && span ? PMM_OK : no_memory(err);
  for (size_t i = 0; st == PMM_OK && i < spec->tape_cnt; i++) st = look_at(plan, spec->tape[i], &span[i], err);
  if (st == PMM_OK) qsort(span, spec->tape_cnt, sizeof *span, by_time);
  if (st == PMM_OK) st = divide(plan, spec, span, err);
  free(span);
  return st;
}
